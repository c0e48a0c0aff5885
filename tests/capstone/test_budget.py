"""The budget: what is counted, what is refused, what is free."""

import inspect
import json
import re
import subprocess
import sys

import numpy as np
import pytest
import torch
from build import FOLDER
from tasks import BASE, TWO, one_line, task

import hpkit as hk
from hpkit.capstone import budget


@pytest.mark.parametrize(
    ("name", "args", "kwargs", "cost"),
    [
        ("validation_curve", (), {"param_name": "lr", "param_range": [0.1, 1]}, 8),
        ("grid_search", (), {**TWO, "batch_size": [8, 16], "seeds": range(2)}, 32),
        ("random_search", (), {"lr": hk.log_uniform(0.01, 1), "n_trials": 3}, 12),
        ("one_at_a_time", (), {**TWO, "batch_size": [8, 16]}, 12),
        ("successive_halving", (), {"lr": [0.01, 0.03, 0.1]}, 6),
        ("bayesian_search", (), {"lr": hk.log_uniform(0.01, 1), "n_trials": 2}, 8),
    ],
)
def test_each_search_is_counted(name, args, kwargs, cost):
    cap = task()
    found = getattr(cap, name)(BASE, *args, **kwargs)
    assert found.cost.epochs == cap.spent == cost
    assert cap.left == 40 - cost
    assert cap.entries[0]["what"] == name
    plain = getattr(hk, name)(cap.dataset, BASE, *args, **kwargs)
    np.testing.assert_array_equal(plain.val_loss, found.val_loss)


def test_every_search_of_hpkit_is_a_method():
    names = {n for n in hk.__all__ if n.endswith("_search") or n in budget.SEARCHES}
    assert names == set(budget.SEARCHES)
    for name in names:
        assert f"hpkit.{name}" in getattr(hk.Capstone, name).__doc__


def test_fit_is_counted_and_is_the_same_run():
    cap = task()
    run = cap.fit(BASE, seed=3)
    assert cap.spent == 4
    plain = hk.fit(cap.dataset, BASE, seed=3)
    np.testing.assert_allclose(run.val_loss, plain.val_loss, rtol=1e-6)
    assert (run.setting, run.seed) == (BASE, 3)


def test_too_dear_is_refused_before_it_trains(monkeypatch):
    cap = task(budget=7)
    trains = instead(lambda: pytest.fail("it was trained"))
    monkeypatch.setitem(budget.SEARCHES, "grid_search", trains)

    with pytest.raises(hk.BudgetError) as caught:
        cap.grid_search(BASE, **TWO)

    words = str(caught.value)
    assert "only 7 of 7 are left" in words  # rule
    assert words.startswith("this grid_search costs up to 8 epochs")  # value
    assert "; try fewer settings" in words  # way out
    assert (cap.spent, cap.entries) == (0, [])


@pytest.mark.parametrize("own", [{"cv": 2}, {"loss": torch.nn.CrossEntropyLoss()}])
def test_entries_that_no_ranking_can_compare_are_refused(own):
    cap = task()
    with pytest.raises(ValueError, match=r"by the same .*, got (cv|loss)=.*; leave it"):
        cap.grid_search(BASE, **TWO, **own)
    assert cap.entries == []


def test_a_refusal_in_a_notebook_is_its_message_alone(here):
    shown = errors_of(
        "import hpkit as hk; cap = hk.Capstone('wine', budget=3, folder=None)",
        "cap.grid_search(hk.Hyperparameters(epochs=2), lr=[0.01, 0.1])",
        "cap.open_test()",
        "cap.report(title='x')",
        "cap.best.unknown",
    )

    *refused, other = shown
    assert len(refused) == 3
    for lines in refused:
        assert lines[0].startswith("Refused: ")
        assert len(lines) <= 4
        assert max(map(len, lines)) <= 84
    assert "Traceback" in "".join(other)  # another error is shown as ever


def errors_of(*cells):
    """Return what IPython shows for the cells that fail, as a kernel sends it."""
    code = f"""
import json
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config
shell = InteractiveShell(config=Config(HistoryManager={{"enabled": False}}))
shown = []
shell._showtraceback = lambda kind, value, lines: shown.append(list(lines))
done = [shell.run_cell(cell).success for cell in {cells}]
assert done.count(False) == len(shown)  # Run All stops there, as at any error
print(json.dumps(shown))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def instead(act):
    """Return a grid search that can be asked for its plan, and acts where it trains."""

    def search(*args, **kwargs):
        return act()

    search.live = hk.grid_search.live
    search.__signature__ = inspect.signature(hk.grid_search)
    return search


def test_exactly_what_is_left_may_be_spent():
    cap = task(budget=8)
    cap.grid_search(BASE, **TWO)
    assert (cap.left, cap.overdrawn) == (0, False)
    with pytest.raises(hk.BudgetError):
        cap.fit(BASE.but(epochs=1))


def test_the_same_search_again_is_free_however_it_is_written(capsys):
    cap = task()
    first = cap.random_search(BASE, lr=hk.log_uniform(0.01, 1), n_trials=3)
    again = cap.random_search(
        base=BASE, n_trials=np.int64(3), seeds=range(1), lr=hk.log_uniform(0.01, 1.0)
    )
    assert len(cap.entries) == 1
    assert "entry 1 of the log, so it costs nothing" in one_line(capsys)
    np.testing.assert_array_equal(first.val_loss, again.val_loss)


@pytest.mark.parametrize(
    "change", [{"search_seed": 1}, {"seeds": [1]}, {"n_trials": 4}]
)
def test_another_search_is_not_free(change):
    cap = task()
    space = {"lr": hk.log_uniform(0.01, 1), "n_trials": 3}
    cap.random_search(BASE, **space)
    cap.random_search(BASE, **space | change)
    assert len(cap.entries) == 2


def test_iterators_are_not_used_up_by_asking_for_the_price():
    cap = task()
    found = cap.grid_search(BASE, lr=iter([0.01, 0.1]), seeds=iter([0, 1]))
    assert found.cost.runs == 4


def test_stopped_search_counts_what_it_trained(monkeypatch):
    cap = task()
    partial = next(hk.grid_search.live(cap.dataset, BASE, **TWO, tick=0))
    monkeypatch.setitem(budget.SEARCHES, "grid_search", instead(lambda: partial))
    cap.grid_search(BASE, **TWO)
    cap.grid_search(BASE, **TWO)
    assert not cap.entries[0]["finished"]
    assert cap.entries[0]["epochs"] == partial.cost.epochs < 8
    assert len(cap.entries) == 2  # what was stopped is not free


def test_sampler_is_not_moved_by_asking_for_the_price():
    import optuna

    space = {"lr": hk.log_uniform(0.01, 1), "n_trials": 3}
    one, same = (optuna.samplers.RandomSampler(seed=5) for _ in range(2))
    cap = task()

    found = cap.bayesian_search(BASE, sampler=one, **space)

    plain = hk.bayesian_search(cap.dataset, BASE, sampler=same, **space)
    assert found.settings == plain.settings


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"budget": 0}, "budget must be a whole number >= 1, got 0; try 60"),
        ({"name": "../up"}, "name must be letters, .*got '../up'; try 'capstone'"),
        ({"name": 3}, "name must be letters, .*got 3"),
    ],
)
def test_capstone_refuses(how, words):
    with pytest.raises((ValueError, TypeError), match=words):
        task(**how)


def test_capstone_refuses_what_is_no_data():
    with pytest.raises(TypeError, match=r"a data set must be a hpkit.Dataset, got int"):
        hk.Capstone(3)


def test_prices_beside_the_first_lines():
    source = (FOLDER / "src" / "10_capstone.py").read_text("utf-8")
    cell = next(c for c in source.split("\n# %%") if "any_lr = " in c)
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
