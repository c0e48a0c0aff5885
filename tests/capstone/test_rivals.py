"""The comparison with other ways to tune."""

import json

import numpy as np
from chart_reading import marks
from matplotlib.figure import Figure

import hpkit as hk
from hpkit.capstone import rivals
from hpkit.charts.runs import ways_chart


def test_comparison_table_and_picture():
    digits = hk.load_dataset("digits")
    beside = rivals.compare(digits, mine=0.9, bars=(0.85,), n=2)
    assert list(beside.scores) == list(rivals.WAYS)
    assert set(rivals.TUNED) <= set(rivals.WAYS)
    assert set(beside.epochs.values()) == {60}  # a fair one: all have the same
    assert [row[0] for row in beside.table][-1] == "this choice"
    above = sum(score < 0.9 for s in beside.scores.values() for score in s)
    assert f"above {above} of the 16 scores" in beside.sentence
    assert beside._repr_html_().count("<tr>") == 10
    again = rivals.Comparison(**json.loads(json.dumps(vars(beside))))
    assert again.table == beside.table

    ax = beside.plot(Figure().subplots())
    names = [label.get_text() for label in ax.get_yticklabels()]  # from below
    assert names == ["this choice", *list(rivals.tr("rivals.ways").values())[::-1]]
    assert "; random, 6 settings: 0." in ax.figure.hpkit_alt[0]
    assert "You: 0.900." in ax.figure.hpkit_alt[0]


def test_chart_of_ways_has_rows_of_dots_by_log_odds_and_names_the_bars():
    scores, names = {"a": [0.5, 0.8], "b": [0.9, 0.9]}, {"a": "A", "b": "B"}
    chart = ways_chart(scores, names, {"a"}, (0.85, 0.94), 0.8)
    dots, _ = marks(chart, "points")
    assert dots.columns[1].ravel().tolist() == [2, 2, 1, 1]
    np.testing.assert_allclose(np.exp(dots.columns[0].ravel()), [1, 4, 9, 9], rtol=1e-5)
    assert [bar.get("texts") for bar in marks(chart, "text")] == [["0.85"], ["0.94"]]


def test_comparison_says_a_tie_and_a_difference():
    assert 0.05 < rivals.chance(1.0, 36) < 0.1  # none wrong in 36 proves little
    assert round(rivals.chance(0.9, 900), 3) == 0.02
    near = {name: [0.95, 0.951] for name in rivals.WAYS}
    far = near | {rivals.TUNED[0]: [0.5, 0.5]}
    epochs = dict.fromkeys(rivals.WAYS, 60)
    assert "cannot rank them" in rivals.Comparison(near, epochs, 800).sentence
    assert "the gap is larger" in rivals.Comparison(far, epochs, 800).sentence
