"""The log, what is counted and refused, the choice, the test set opened once."""

import builtins
import json
import pickle
import re
from dataclasses import replace
from functools import cache, wraps

import numpy as np
import pytest
import torch
from architectures import failing
from build import FOLDER
from IPython.core.interactiveshell import InteractiveShell
from tasks import BASE, TWO, finished, linear, one_line, task, text_of
from traitlets.config import Config

import hpkit as hk
from hpkit.capstone import report
from hpkit.capstone import task as capstone


def test_goes_on_tomorrow_from_a_log_that_a_person_can_read(here):
    task().grid_search(BASE, **TWO)

    text = (here / "hpkit-runs" / "capstone.json").read_text("utf-8")
    data = json.loads(text)
    assert (data["format"], data["budget"]) == ("hpkit run log", 40)
    assert len(text.splitlines()) < 20
    assert len(text) < 20_000
    entry = data["entries"][0]
    assert (entry["what"], entry["epochs"]) == ("grid_search", 8)
    assert len(entry["runs"]["runs"]) == 2

    cap = task()
    assert cap.spent == 8
    cap.grid_search(BASE, **TWO)
    assert cap.spent == 8
    cap.choose(why="the lowest loss so far")
    cap = task()  # no weights in this kernel: the run is repeated, and not paid again
    seen = cap.open_test()
    assert cap.spent == 8
    plain = hk.grid_search(hk.Capstone("wine", folder=None).dataset, BASE, **TWO)
    assert f"{plain.best_run.test_accuracy():.3f}" in seen


def test_folder_that_cannot_be_written_keeps_it_in_memory(here, capsys):
    (here / "hpkit-runs").write_text("a file, not a folder")
    cap = task()

    cap.grid_search(BASE, **TWO)
    cap.fit(BASE.but(lr=0.3))

    assert cap.spent == 12
    assert "could not be written" in one_line(capsys)
    assert "folder=..." in cap.state
    cap.choose(why="the lowest loss of the three")
    assert "Test accuracy" in cap.open_test()
    report = cap.report()
    assert report.path is None
    assert "in memory" in repr(report)
    assert "data:image/png" in report.html


@pytest.mark.parametrize("text", ["{", '{"format": "x"}'])  # others: test_store
def test_damaged_log_is_set_aside(here, text):
    task().fit(BASE)
    (here / "hpkit-runs" / "capstone.json").write_text(text, encoding="utf-8")

    cap = task()

    assert cap.entries == []
    cap.fit(BASE)
    assert "set aside as capstone.damaged-" in cap.state
    assert task().spent == 4


def places(data):
    """Yield (container, key) of all that is in a log; of a list its first member."""
    for key in list(data) if isinstance(data, dict) else [0] * bool(data):
        yield data, key
        if isinstance(data[key], dict | list):
            yield from places(data[key])


SCRIPT = "<img src=x onerror=alert(1)>"
FOREIGN = (None, SCRIPT, {}, [[]], -3, [SCRIPT], {"a": SCRIPT}, float("nan"))


def test_foreign_log_is_shown_escaped_or_set_aside(here, monkeypatch):
    cap, new = finished(), task(folder=None).data
    cap.compare(n=1)
    cap.note(plan="two rates", author="Jo")
    path = here / "hpkit-runs" / "capstone.json"
    monkeypatch.setattr(report, "picture", lambda *_, **look: b"")
    monkeypatch.setattr("os.fsync", lambda number: None)
    # What was read is checked at each look; here once for each log is enough.
    check = cache(lambda text, check=capstone._check_log: check(json.loads(text)))
    monkeypatch.setattr(capstone, "_check_log", lambda data: check(json.dumps(data)))
    log, tried, shown = json.loads(path.read_text("utf-8")), 0, 0
    for parent, key in places(log):
        whole = parent[key]
        for value in FOREIGN:
            parent[key] = value
            path.write_text(json.dumps(log), "utf-8")
            tried += 1
            if (key, value) in (("budget", -3), ("rows", SCRIPT)) and parent is log:
                with pytest.raises(ValueError, match=r"another name=\.\.\."):
                    task()
                continue
            cap = task()
            if cap.data != new:  # else it is set aside, and all as if there were none
                shown += 1
                page = cap.report()
                assert SCRIPT not in page.html + page._repr_html_(), (key, value)
                assert repr(cap)
            cap.note(learned="it can be written, too")
        parent[key] = whole
    assert tried > 8 * 60
    assert shown > 60


def test_two_notebooks_lose_nothing_and_what_both_spent_is_seen():
    one, other = task(budget=8), task(budget=8)
    third = task(name="third")
    third.grid_search(BASE, **TWO)
    for cap in (one, other):
        cap.log.change(lambda data: data["entries"].append(third.entries[0]))
    assert one.spent == other.spent == 16
    assert one.state.startswith("16 of 8 epochs spent, 0 left.")
    assert "Budget: 16 of 8 epochs were spent" in other.report().html


def test_best_is_over_all_entries_and_never_a_diverged_one():
    cap = task("digits")
    cap.fit(BASE.but(lr=50, epochs=3))
    assert "nothing to choose" in cap.choose(why="it is what there is")
    assert "a cross at the top" in cap.report().html
    cap.fit(BASE.but(lr=0.3, epochs=3))
    assert report.best_of(cap.entries[0]) is None
    assert cap.best["setting"]["lr"] == 0.3


def test_choice_needs_a_reason_and_a_trained_setting():
    cap = task()
    assert "nothing to choose yet" in cap.choose(why="because")
    found = cap.grid_search(BASE, **TWO)

    with pytest.raises(ValueError, match=r"must be chosen before .* got none; write"):
        cap.open_test()
    assert cap.test is None
    assert "as a sentence" in cap.choose()
    assert cap.data["choice"] is None
    for why in ("", "  ", 3, None, "x", "it is the best"):
        assert "why must be a sentence in quotes" in cap.choose(why=why)
        assert cap.data["choice"] is None
    why = "its curve is the most quiet one"
    words = r"must be one that was trained.*cap\.choose\(found.settings\[1\], why=why\)"
    for untrained in (BASE.but(lr=0.7), hk.Hyperparameters(lr=0.01), {"lr": 0.01}):
        with pytest.raises(ValueError, match=words):
            cap.choose(untrained, why=why)
    with pytest.warns(UserWarning, match=r"Runs lost: 1, at hidden units 3: "):
        cap.grid_search(BASE, hidden=[(8,), (3,)], model=failing)
    with pytest.raises(ValueError, match=words):
        cap.choose(BASE.but(hidden=(3,)), why="to see what comes of it")
    assert "learning rate 0.01" in cap.choose(found.settings[0], why=why)
    assert cap.why == why


def test_opening_gives_the_test_scores_of_the_chosen_run_and_again_the_same():
    cap = finished()
    looks, before = list(cap.dataset.test_looks), cap.data
    again = cap.open_test()
    assert again.startswith("The test set was opened before")
    assert f"{cap.test['accuracy']:.3f}" in again
    assert cap.data == before
    assert cap.dataset.test_looks == looks
    assert task().open_test() == again  # in a new kernel, too

    found = hk.grid_search(replace(cap.dataset), BASE, **TWO)
    found.dataset.test_looks.clear()
    run = found.best_run
    assert cap.test["accuracy"] == run.test_accuracy()
    assert cap.test["loss"] == run.test_loss()
    assert cap.test["rows"] == len(cap.dataset.test.y)
    with pytest.warns(UserWarning, match="should be looked at once"):
        cap.grid_search(BASE, **TWO).runs[0, 0].test_accuracy()


def test_after_the_test_no_new_search_and_no_other_choice():
    cap = finished()

    with pytest.raises(ValueError, match=r"must come before the test .* got fit after"):
        cap.fit(BASE.but(lr=0.5), metric=lambda outputs, targets: 1)
    with pytest.raises(ValueError, match="by the same loss"):
        cap.fit(BASE, loss=lambda outputs, targets: outputs.mean())
    with pytest.raises(ValueError, match=r"opened for learning rate 0\.1"):
        cap.choose(BASE.but(lr=0.01), why="another one is better after all")
    cap.grid_search(BASE, **TWO)  # what was paid for stays free
    why = cap.why
    with pytest.raises(ValueError, match="choice and its reason are final"):
        cap.choose(why="the same one, said better afterwards")
    cap.choose(why=f" {why} ")  # as when the cell runs again
    assert cap.why == why
    assert cap.spent == 8


def test_looks_before_the_test_set_is_opened_are_told():
    cap = task()
    one, other = cap.grid_search(BASE, **TWO).runs
    one.test_accuracy()
    with pytest.warns(UserWarning, match="look number 2"):
        other.test_accuracy()
    cap.choose(why="it has the lowest loss of all")
    with pytest.warns(UserWarning, match="look number 3"):
        cap.open_test()
    assert cap.test["looks"] == 2
    assert pickle.loads(pickle.dumps(cap.dataset)).test_looks == cap.dataset.test_looks
    text = text_of(cap.report())
    assert "its rows had been looked at for 2 models" in text
    assert "opened once" not in text
    assert "opened once" in text_of(finished(name="honest").report())


def test_looks_are_remembered_in_another_kernel():
    cap = task()
    cap.grid_search(BASE, **TWO).runs[0, 0].test_accuracy()
    again = task()
    with pytest.warns(UserWarning, match="look number 2"):
        again.grid_search(BASE, **TWO).runs[0, 0].test_accuracy()
    again.choose(why="it has the lowest loss of all")
    with pytest.warns(UserWarning, match="look number"):
        again.open_test()
    assert "looked at for 1 model," in text_of(again.report())


def test_cut_run_of_a_halving_is_tested_as_far_as_it_came():
    cap, base = task("digits"), BASE.but(epochs=3, schedule="linear")
    halv = cap.successive_halving(base, lr=[0.01, 0.03, 0.1])
    cut = int(np.flatnonzero(halv.epochs_done[:, 0] == 1)[0])
    cap.choose(halv.settings[cut], why="to see what one epoch gives")
    later = task("digits")  # on another day
    assert "stopped after 1 epoch," in " ".join(str(later).split())
    later.open_test()
    assert "Test accuracy" in str(later)
    assert cap.test["loss"] == pytest.approx(halv.runs[cut, 0].test_loss(), 1e-6)
    assert "hk.fit(" not in cap.report().html  # which stops in no schedule


def test_own_network_of_an_earlier_day_asks_for_its_search():
    cap = task()
    cap.fit(BASE, model=linear)
    cap.choose(why="a straight line is enough")
    cap = task()

    with pytest.raises(ValueError, match=r"run the cell of that search again"):
        cap.open_test()
    cap.fit(BASE, model=linear)
    assert "Test accuracy" in cap.open_test()
    assert cap.spent == 4


@pytest.mark.filterwarnings("ignore:the test split of")
@pytest.mark.parametrize("model", [None, linear])
def test_a_run_from_the_file_of_its_search_is_tested_too(model):
    about = {"lr": [0.001, 0.1], "model": model, "storage": "tuning.json"}
    for _ in range(2):  # in another kernel the file has curves, but no weights
        cap = task()
        found = cap.grid_search(BASE, **about)
    cap.choose(found.settings[0], why="the smaller step is the safer one")
    alone = hk.fit(hk.load_dataset("wine"), found.settings[0], model=model)
    assert f"Test accuracy {alone.test_accuracy():.3f}" in cap.open_test()


@pytest.mark.filterwarnings("ignore:the test split of")
def test_one_model_is_not_taken_for_another_of_its_name_or_setting():
    def deep(n_in, n_out, setting):
        return torch.nn.Sequential(linear(n_in, 9, setting), torch.nn.Linear(9, n_out))

    cap, deep.__name__ = task(), "linear"
    runs = [cap.fit(BASE, model=model) for model in (None, linear, deep, linear)]
    best = min(runs, key=lambda run: run.best_val_loss)
    assert cap.spent == 3 * BASE.epochs  # the last one is the second again
    cap.choose(BASE, why="the lowest of the three losses")
    assert f"Test accuracy {best.test_accuracy():.3f}" in cap.open_test()


def test_bar_is_reached_by_the_accuracy_that_is_told():
    cap = finished(bars=(0.9, 0.96))
    for accuracy, bar in ((765 / 797, 0.96), (764 / 797, 0.9), (0.8994, None)):
        cap.log.change(lambda data, a=accuracy: data["test"].update(accuracy=a))
        assert cap.bar == bar
    assert "The lowest bar, 0.9, is not reached." in cap.open_test()
    cap = finished(bars=(0.5, 2.0), name="low")
    assert cap.bar == 0.5
    assert "The bar of 0.5 is reached." in cap.open_test()
    assert (len(hk.Capstone(folder=None).bars), finished(name="other").bars) == (3, ())


@pytest.mark.parametrize(("counts", "told"), [([40, 30, 30], []), ([5, 95], ["0.950"])])
def test_an_accuracy_stands_beside_the_share_of_a_common_class(counts, told):
    X, y = (
        np.random.default_rng(0).normal(size=(100, 2)),
        np.repeat(range(len(counts)), counts),
    )
    text = finished(dataset=hk.Dataset.from_arrays(X, y)).open_test()
    assert re.findall("most common class.*get ([0-9.]+)[.]$", text) == told


def test_regression_has_a_loss_in_units_of_the_target_and_no_bars():
    X = np.random.default_rng(0).normal(size=(60, 2))
    cap = finished(dataset=hk.Dataset.from_arrays(X, 100 * X.sum(1)))

    assert (cap.test["accuracy"], cap.bar) == (None, None)
    run = min(cap._trained, key=lambda run: run.best_val_loss)
    test, scale = run.dataset.test, run.dataset.target_scale
    error = (run.predict(test) - test.y) * scale
    assert f"error is {np.sqrt((error**2).mean()):.3g}" in cap.open_test()
    assert "The loss of the chosen model" in cap.report().html
    for other in (cap, task(hk.Dataset.from_arrays(X, X[:, 0] > 0), folder=None)):
        with pytest.raises(ValueError, match=r"needs classes, and 64 .* 36/12/12"):
            other.compare()


COSTS = {
    "validation_curve": ({"param_name": "lr", "param_range": [0.1, 1]}, 8),
    "grid_search": ({**TWO, "batch_size": [8, 16], "seeds": range(2)}, 32),
    "random_search": ({"lr": hk.log_uniform(0.01, 1), "n_trials": 3}, 12),
    "one_at_a_time": ({**TWO, "batch_size": [8, 16]}, 12),
    "successive_halving": ({"lr": [0.01, 0.03, 0.1]}, 6),
    "bayesian_search": ({"lr": hk.log_uniform(0.01, 1), "n_trials": 2}, 8),
}
SEARCHES = [name for name in hk.__all__ if hasattr(getattr(hk, name), "live")]


@pytest.mark.parametrize("name", {**COSTS, **dict.fromkeys(SEARCHES)})
def test_every_search_of_hpkit_is_a_method_that_is_counted(name):
    cap, (space, cost) = task(), COSTS[name]
    assert f"hpkit.{name}" in getattr(hk.Capstone, name).__doc__
    found = getattr(cap, name)(BASE, **space)
    assert found.cost.epochs == cap.spent == cost
    assert cap.left == 40 - cost
    assert cap.entries[0]["what"] == name
    plain = getattr(hk, name)(cap.dataset, BASE, **space)
    np.testing.assert_array_equal(plain.val_loss, found.val_loss)
    assert plain.describe() == found.describe()  # which names its kind


def test_fit_is_counted_and_is_the_same_run():
    cap = task(folder=None)
    run = cap.fit(BASE, seed=3)
    cap.entries.clear()  # changing what was read changes no log
    cap.data["budget"] = 9999
    assert (cap.spent, cap.data["budget"]) == (4, 40)
    plain = hk.fit(cap.dataset, BASE, seed=3)
    np.testing.assert_allclose(run.val_loss, plain.val_loss, rtol=1e-6)
    assert (run.setting, run.seed) == (BASE, 3)


def test_too_dear_is_refused_before_it_trains(monkeypatch):
    cap = task(budget=8, name="exact")
    cap.grid_search(BASE, **TWO)
    assert cap.left == 0
    with pytest.raises(hk.BudgetError, match=r"1 epoch, but 0 .*, or choose"):
        cap.fit(BASE.but(epochs=1))
    cap = task(budget=7)
    trains = wraps(hk.grid_search)(lambda *_, **__: pytest.fail("it was trained"))
    monkeypatch.setattr(hk, "grid_search", trains)

    words = "^this grid_search costs up to 8 epochs, .* 7 of 7 are left; try fewer set"
    with pytest.raises(hk.BudgetError, match=words):
        cap.grid_search(BASE, **TWO)
    assert (cap.spent, cap.entries) == (0, [])


@pytest.mark.parametrize("own", [{"cv": 2}, {"loss": torch.nn.CrossEntropyLoss()}])
def test_entries_that_no_ranking_can_compare_are_refused(own):
    cap, words = task(), r"by the same (validation rows|loss), got \w+=.*; leave it"
    with pytest.raises(ValueError, match=words):
        cap.grid_search(BASE, **TWO, **own)
    assert cap.entries == []


def test_its_own_data_is_searched():
    with pytest.raises(ValueError, match=r"got a data set; .*grid_search\(base, "):
        task().grid_search(hk.load_dataset("wine"), BASE, lr=[0.1])


def test_a_refusal_in_a_notebook_is_its_message_alone(monkeypatch):
    for name in ("__IPYTHON__", "display"):  # which a shell leaves behind
        monkeypatch.setattr(builtins, name, None, raising=False)
    shell = InteractiveShell(config=Config(HistoryManager={"enabled": False}))
    shown = []  # what IPython shows for the cells that fail, as a kernel sends it
    shell._showtraceback = lambda kind, value, lines: shown.append(list(lines))
    cells = (
        "import hpkit as hk; cap = hk.Capstone('wine', budget=3, folder=None)",
        "cap.grid_search(hk.Hyperparameters(epochs=2), lr=[0.01, 0.1])",
        "cap.open_test()",
        "cap.report(title='x')",
        "cap.best.unknown",
    )
    done = [shell.run_cell(cell).success for cell in cells]

    assert done.count(False) == len(shown)  # Run All stops there, as at any error
    *refused, other = shown
    assert len(refused) == 3
    for lines in refused:
        assert lines[0].startswith("Refused: ")
        assert len(lines) <= 4
        assert max(map(len, lines)) <= 84
    assert "Traceback" in "".join(other)  # another error is shown as ever


def test_the_same_search_again_is_free_however_it_is_written_another_is_not(capsys):
    cap = task(budget=75)
    first = cap.random_search(BASE, lr=hk.log_uniform(0.01, 1), n_trials=3)
    same = {"n_trials": np.int64(3), "seeds": range(1), "lr": hk.log_uniform(0.01, 1.0)}
    again = cap.random_search(base=BASE, **same)
    assert len(cap.entries) == 1
    assert "entry 1 of the log, so it costs nothing" in one_line(capsys)
    np.testing.assert_array_equal(first.val_loss, again.val_loss)
    space = {"lr": [0.01, 0.1, 0.3], "n_trials": 2}
    changes = {}, {"search_seed": 9}, {"seeds": [1]}, {"lr": [0.01, 0.1, 0.30000001]}
    for n, change in enumerate(changes, 2):
        cap.random_search(BASE, **space | change)
        assert len(cap.entries) == n
    for n, eta in enumerate((2, 3), 6):
        cap.successive_halving(BASE, lr=[0.01, 0.03, 0.1, 0.3], eta=eta)
        assert len(cap.entries) == n
    for _ in range(2):  # whose first step is all that is known when it is asked for
        cap.one_at_a_time(BASE, lr=[0.01, 0.1], batch_size=[8, 16])
        assert len(cap.entries) == 8


def test_a_second_search_draws_anew_and_both_are_free_on_another_day(tmp_path):
    calls = ("random_search", 3), ("random_search", 2), ("bayesian_search", 2)
    seen = []
    for _ in range(2):
        cap = task(budget=60, folder=tmp_path)
        for what, n in calls:
            found = getattr(cap, what)(BASE, lr=hk.log_uniform(0.01, 1), n_trials=n)
            seen.append([setting.lr for setting in found.settings])
    assert len({*np.concatenate(seen[:3])}) == 7
    assert seen[3:] == seen[:3]
    assert (len(cap.entries), cap.spent) == (3, 7 * BASE.epochs)


def stop_at(patched, cap, what, how, epochs):
    """Call a search of a capstone, which is stopped after so many epochs."""
    live = getattr(hk, what).live(cap.dataset, BASE, **how, tick=0)
    partial = next(found for found in live if found.cost.epochs >= epochs)
    live.close()
    with patched.context() as patched:
        stopped = wraps(getattr(hk, what))(lambda *_, **__: partial)
        patched.setattr(hk, what, stopped)
        return getattr(cap, what)(BASE, **how)


@pytest.mark.parametrize("what", ["grid_search", "random_search"])
@pytest.mark.parametrize("file", [None, "tuning.json"])
def test_what_was_stopped_is_paid_once(monkeypatch, tmp_path, what, file):
    cap, how = task(budget=8), {"storage": file and tmp_path / file}
    how |= {"lr": hk.log_uniform(0.01, 1), "n_trials": 2} if what[0] == "r" else TWO
    partial = stop_at(monkeypatch, cap, what, how, 1)
    assert [entry["finished"] for entry in cap.entries] == [False]
    assert 0 < cap.spent < 8
    assert getattr(cap, what)(BASE, **how).settings == partial.settings
    getattr(cap, what)(BASE, **how)  # free
    assert [entry["finished"] for entry in cap.entries] == [True]
    assert (cap.spent, cap.left) == (8, 0)


def test_a_choice_stays_where_its_search_goes_on_or_stops_earlier(monkeypatch, capsys):
    cap = task(budget=12)
    assert not stop_at(monkeypatch, cap, "grid_search", TWO, 0).cost.epochs
    assert cap.entries == []  # nothing was trained
    stop_at(monkeypatch, cap, "grid_search", TWO, 5)
    cap.fit(BASE.but(lr=0.3))
    chosen = BASE.but(lr=TWO["lr"][1])
    cap.choose(chosen, why="I tried two of them here")
    before, spent = cap.data["choice"], cap.spent
    assert before["epochs"] < BASE.epochs

    stop_at(monkeypatch, cap, "grid_search", TWO, 1)
    assert (cap.spent, cap.data["choice"]) == (spent, before)
    assert "entry 1 of the log, so it costs nothing" in capsys.readouterr().out

    cap.grid_search(BASE, **TWO)
    assert [entry["what"] for entry in cap.entries] == ["grid_search", "fit"]
    assert cap.data["choice"]["epochs"] == BASE.epochs
    assert cap.data["choice"]["why"] == before["why"]
    assert cap.log.notices == []  # the log is sound
    assert "I tried two of them here" in cap.report().html


def test_iterators_and_samplers_are_not_used_up_by_asking_for_the_price():
    import optuna

    found = task().grid_search(BASE, lr=iter([0.01, 0.1]), seeds=iter([0, 1]))
    assert found.cost.runs == 4

    space = {"lr": hk.log_uniform(0.01, 1), "n_trials": 3}
    one, same = (optuna.samplers.RandomSampler(seed=5) for _ in range(2))
    cap = task(name="sampled")

    found = cap.bayesian_search(BASE, sampler=one, **space)

    plain = hk.bayesian_search(cap.dataset, BASE, sampler=same, **space)
    assert found.settings == plain.settings
    cap.bayesian_search(BASE, sampler=one, **space)  # draws others
    assert len(cap.entries) == 2


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"budget": 400}, "stays what it was, 40 epochs, got 400; give"),
        ({"dataset": "digits"}, "rows that it was begun with, of wine, got"),
        ({"dataset": hk.load_dataset("wine", seed=1)}, "must go on with the rows"),
        ({"budget": 0}, "budget must be a whole number >= 1, got 0; try 60"),
        ({"name": "../up"}, "name must be letters, .*got '../up'; try 'capstone'"),
        ({"name": 3}, "name must be letters, .*got 3"),
        ({"dataset": 3}, "a data set must be a hpkit.Dataset, got int"),
    ],
)
def test_capstone_refuses_what_it_was_not_begun_with(how, words):
    task().fit(BASE)
    with pytest.raises((ValueError, TypeError), match=words):
        task(**how)


def test_prices_beside_the_first_lines():
    source = (FOLDER / "src" / "10_capstone.py").read_text("utf-8")
    cell = next(c for c in source.split("\n# %%") if "draws = " in c)
    names = {"hk": hk, "cap": hk.Capstone(folder=None)}
    before, *lines = re.split(r"\n# found = ", cell)
    exec(before.split("\n", 1)[1], names)
    asked = []
    for line in lines:
        call = line.split("\n# found")[0].replace("\n# ", "\n")
        names["cap"] = hk.Capstone(folder=None)
        eval(re.sub(r"# costs \d+", "", call), names)
        asked.append((names["cap"].spent, int(re.search(r"# costs (\d+)", call)[1])))
    assert len(asked) == 3
    assert all(spent == said <= 42 for spent, said in asked)
