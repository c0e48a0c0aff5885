"""The comparison with other ways to tune."""

import json
import warnings
from dataclasses import replace

import pytest
from tasks import task

import hpkit as hk
from hpkit.capstone import budget, rivals


@pytest.fixture(scope="module")
def beside():
    data = hk.load_dataset("digits")
    return rivals.compare(data, mine=0.9, bars=(0.85,), n=2)


def test_comparison_table(beside):
    assert list(beside.scores) == list(rivals.WAYS)
    assert set(rivals.TUNED) <= set(rivals.WAYS)
    assert set(beside.epochs.values()) == {60}  # a fair one: all have the same
    assert [row[0] for row in beside.table][-1] == "you"
    above = sum(score < 0.9 for s in beside.scores.values() for score in s)
    assert f"above {above} of the 16 scores" in beside.sentence
    assert beside._repr_html_().count("<tr>") == 10
    again = rivals.Comparison.from_log(json.loads(json.dumps(vars(beside))), 0.9)
    assert again.table == beside.table


def test_comparison_looks_at_no_test_set_of_the_learner():
    cap = task("digits", folder=None)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cap.compare(n=1)
    assert cap.dataset.test_looks == []


def test_comparison_trains_together_what_it_would_train_alone(beside):
    for name in (*rivals.UNTUNED, rivals.KNOWN, rivals.TUNED[0]):
        own = replace(hk.load_dataset("digits"), test_looks=[])
        alone = rivals.train(name, own, (1,), 1).best_run
        rows = len(own.test.y)
        assert abs(alone.test_accuracy() - beside.scores[name][1]) <= 2 / rows


def test_comparison_of_an_older_log_is_shown():
    names = [name for name in rivals.WAYS if name != rivals.KNOWN]
    scores, epochs = {name: [0.9, 0.91] for name in names}, dict.fromkeys(names, 60)
    plain = {"scores": scores, "epochs": epochs, "rows": 9, "bars": [], "mine": 0.5}
    named = {
        part: {
            budget.say("rivals.ways")[way]: value for way, value in plain[part].items()
        }
        for part in ("scores", "epochs")
    }

    for log in (plain, plain | named):
        old = rivals.Comparison.from_log(log, None)
        assert list(old.scores) == list(old.epochs) == names
        assert len(old.table) == 7
        assert budget.say("rivals.ways")[rivals.KNOWN] not in old.alt


def test_comparison_says_a_tie_and_a_difference():
    near = {name: [0.95, 0.951] for name in rivals.WAYS}
    far = near | {rivals.TUNED[0]: [0.5, 0.5]}
    epochs = dict.fromkeys(rivals.WAYS, 60)
    assert "no order among them" in rivals.Comparison(near, epochs, 800).sentence
    assert "larger gap" in rivals.Comparison(far, epochs, 800).sentence


def test_comparison_picture(beside):
    from matplotlib.figure import Figure

    ax = beside.plot(Figure().subplots())
    names = [label.get_text() for label in ax.get_yticklabels()]  # from below
    assert names == ["you", *list(budget.say("rivals.ways").values())[::-1]]
    assert "You: 0.900." in ax.figure.hpkit_said[0]
