"""What lesson 11, your own, says: held over splits and seeds that it does not show."""

import importlib
import re
import warnings
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
import torch
from build import FOLDER
from over_seeds import apart, defined, repeats, trained_beside
from torch import nn

import hpkit as hk
from hpkit.data.datasets import data_folder
from hpkit.exercises import lesson_11_your_own as ex
from hpkit.exercises._results import report_parts

pytestmark = pytest.mark.slow

SPLITS = repeats(20)
MANY = repeats(20, each=10, first=200)
BASE = hk.Hyperparameters(batch_size=16, epochs=30)
SIMPLE = BASE.but(hidden=())
OURS = 0  # the split of the lesson itself
ALL = (OURS, *SPLITS)
SIXTY = repeats(20, each=3, first=0)
TRIPLES = [range(k, k + 3) for k in SIXTY[::3]]  # of seeds
LRS = [0.001, 0.01, 0.1, 1]
LAYERS = [(), (16,), (16, 16)]
FRAME = pd.read_csv(data_folder() / "breast_cancer.csv")


@cache
def cells(split):
    return hk.Dataset.from_frame(FRAME, target="diagnosis", name="cells", seed=split)


def of_splits(settings, splits):
    """Return for each split the runs of settings x three seeds, trained together."""
    own = [(s, seed) for s in settings for seed in range(3)]
    runs = trained_beside([(cells(split), *one) for split in splits for one in own])
    each = [runs[at : at + len(own)] for at in range(0, len(runs), len(own))]
    return dict(zip(splits, map(hk.Runs.of, each), strict=True))


@cache
def searched():
    """Return for each split the runs of the lesson's grid."""
    settings = [BASE.but(lr=lr, hidden=h) for lr in LRS for h in LAYERS]
    return of_splits(settings, ALL)


def triples(found):
    """Return the mean loss (settings, triples of seeds) of a search with `SIXTY`."""
    return apart(found.best_val_loss, 3).mean(2)


@cache
def chosen():
    """Return the search of the lesson without hidden layers."""
    return hk.grid_search(cells(OURS), SIMPLE, lr=LRS, seeds=range(3))


@cache
def simple():
    """Return for each split the runs of that search."""
    splits = [OURS, *range(1, 11), *SPLITS, *MANY]
    found = of_splits(chosen().settings, splits)
    own = found[OURS].val_loss, chosen().val_loss
    np.testing.assert_allclose(*own, rtol=1e-3)
    return found


def lowest(split):
    return simple()[split].mean_val_loss.min()


def test_own_always_the_same():
    assert (FRAME.diagnosis == "benign").mean() > 0.6
    for split in SPLITS:
        data = cells(split)
        assert (data.valid.y == data.classes.index("benign")).mean() > 0.5


made = defined("11", "class Skip", "def skip", nn=nn, __name__=__name__)
Skip = made["Skip"]
skip = made["skip"]


def written_out(n_features, n_outputs, setting):
    first = nn.Linear(n_features, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU()
    return nn.Sequential(*first, nn.Linear(16, n_outputs))


def test_own_search_pays():
    found = of_splits([BASE], SPLITS)
    default = [found[s].mean_val_loss[0] for s in SPLITS]
    tuned = [searched()[s].mean_val_loss.min() for s in SPLITS]
    assert np.mean(np.array(tuned) < 0.9 * np.array(default)) >= 0.95


def accuracy(split, layers):
    found = searched()[split]
    best = next(i for i in found.order if found.settings[i].hidden in layers)
    return found.mean_val_accuracy[best]


def test_own_hidden_layers_hardly_help():
    gaps = [accuracy(s, LAYERS[1:]) - accuracy(s, LAYERS[:1]) for s in SPLITS]
    assert np.mean(np.abs(gaps) <= 0.03) >= 0.95


@cache
def third_knob():
    """Return the panel's map, and those of its values of momentum and weight decay."""
    about, more = (cells(OURS), SIMPLE), {"lr": [*LRS, 10], "seeds": SIXTY}
    return [
        hk.grid_search(*about, **more, batch_size=[8, 16, 32, 64, 128]),
        hk.grid_search(*about, **more, momentum=[0, 0.5, 0.8, 0.9, 0.95]),
        hk.grid_search(*about, **more, weight_decay=[0, 0.0001, 0.001, 0.01, 0.1]),
    ]


def test_own_third_knob():
    lows = np.array([triples(found).min(0) for found in third_knob()])
    assert (lows.max(0) < 1.1 * lows.min(0)).all()
    sizes, ties = third_knob()[0], []
    for seeds in TRIPLES:
        runs = hk.Runs.of([run for run in sizes.runs if run.seed in seeds])
        ties.append(len(replace(sizes, runs=runs).ties))
    assert ties[0]
    assert np.mean(np.array(ties) >= 1) >= 0.8


def test_own_momentum_moves():
    loss = triples(third_knob()[1]).reshape(5, 5, -1)  # lr, momentum, triples
    assert np.mean(loss[:, 3].argmin(0) < loss[:, 0].argmin(0)) >= 0.95


def test_own_split_luck():
    lows = apart(np.array([lowest(s) for s in MANY]), 10)  # as in the lesson
    ratio = lows.max(1) / lows.min(1)
    assert (ratio >= 2).mean() >= 0.98
    assert (ratio > 3).mean() > 0.6


def test_own_seeds_move_little():
    seeds = repeats(20, each=10, first=0)
    found = hk.grid_search(cells(OURS), SIMPLE, lr=LRS, seeds=seeds)
    loss = apart(found.best_val_loss.min(axis=0), 10)
    assert (loss.max(1) < 1.33 * loss.min(1)).all()


def test_own_few_rows_most_of_the_loss():
    shares = []
    for split in ALL:
        run, rows = simple()[split].best_run, cells(split).valid
        each = -np.log(run.predict_proba(rows)[np.arange(113), rows.y])
        six = np.sort(each)[-6:]
        shares.append(six.sum() / each.sum())
        if split == OURS:  # at most two in three for what is right: in doubt
            assert np.exp(-six).max() < 2 / 3
            assert np.exp(-six).min() < 0.05  # sure, and wrong

    assert min(shares) > 0.45
    assert np.mean(np.array(shares) >= 0.5) >= 0.95


def test_own_cut_is_a_hard_one():
    lower = np.array([lowest(s) for s in MANY]) < lowest(OURS)
    assert lower.mean() >= 0.95


@cache
def both_ways():
    """Return the loss (settings, triples) of the search of the lesson's own network."""
    lists = {"lr": [0.01, 0.1, 1], "width": [2, 8, 32]}
    return triples(hk.grid_search(cells(OURS), BASE, model=skip, seeds=SIXTY, **lists))


def test_own_width_hardly_matters():
    rows = both_ways().reshape(3, 3, 20).min(axis=0)
    assert (rows.max(0) < 1.1 * rows.min(0)).all()


def test_own_skip_gains_nothing():
    about = {"lr": LRS, "hidden": LAYERS, "seeds": SIXTY}
    best = triples(hk.grid_search(cells(OURS), BASE, **about)).min(0)
    assert (both_ways().min(0) > 0.96 * best).all()


def test_own_network_same_numbers():
    for seed in repeats(20, first=0):
        setting = hk.Hyperparameters(lr=0.1, epochs=5)
        built_in = hk.fit(cells(100), setting, seed=seed)
        own = hk.fit(cells(100), setting, seed=seed, model=written_out)
        np.testing.assert_allclose(own.val_loss, built_in.val_loss, rtol=1e-3)


def test_own_network_is_trained_as_by_a_plain_loop():
    data, about = cells(101), {"lr": 0.1, "epochs": 1, "batch_size": 343}
    setting = hk.Hyperparameters(**about, own={"width": 8})
    X, y = torch.tensor(data.train.X).float(), torch.tensor(data.train.y)

    for seed in repeats(20, first=0):
        run = hk.fit(data, setting, seed=seed, model=skip)
        torch.manual_seed(seed)
        net = Skip(data.n_features, data.n_outputs, 8)
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        nn.functional.cross_entropy(net(X), y).backward()
        optimizer.step()
        loss = nn.functional.cross_entropy(net(X), y).item()
        assert run.train_loss[-1] == pytest.approx(loss, rel=1e-4)


@cache
def studied():
    """Return the study of each split; all train their next trials together."""
    optuna = importlib.import_module("optuna")
    samplers = {split: optuna.samplers.TPESampler(seed=split) for split in ALL}
    studies = {split: optuna.create_study(sampler=s) for split, s in samplers.items()}
    for _ in range(15):
        trials, wanted = [], []
        for split, study in studies.items():
            trials.append(trial := study.ask())
            lr = trial.suggest_float("lr", 1e-3, 3, log=True)
            decay = trial.suggest_float("weight_decay", 1e-6, 1e-1, log=True)
            setting = SIMPLE.but(lr=lr, weight_decay=decay)
            wanted += [(cells(split), setting, seed) for seed in range(3)]
        losses = [run.best_val_loss for run in trained_beside(wanted)]
        for n, study in enumerate(studies.values()):
            study.tell(trials[n], np.mean(losses[3 * n : 3 * n + 3]))
    return studies


def test_own_study_pays():
    default = LRS.index(SIMPLE.lr)
    for split in SPLITS:
        assert studied()[split].best_value < simple()[split].mean_val_loss[default]


def test_own_study_not_above_the_grid():
    ratios = [studied()[s].best_value / lowest(s) for s in SPLITS]
    assert np.mean(np.array(ratios) < 1.05) >= 0.95


def test_own_test_above_or_below():
    gaps = []
    for split in MANY:
        run = simple()[split].best_run
        right = (run.predict(cells(split).test) == cells(split).test.y).mean()
        gaps.append(right - run.val_accuracy[run.best_epoch])
    gaps = np.array(gaps).round(6)  # 1 of 113 is 0.009
    shares = [np.mean(gaps < 0), np.mean(gaps > 0), np.mean(gaps == 0)]

    assert shares == pytest.approx([0.5, 0.3, 0.2], abs=0.1)
    assert abs(gaps.mean()) < 0.01  # hardly too hopeful
    assert (np.abs(gaps) <= 0.05).mean() >= 0.95


def test_own_two_in_a_hundred():
    assert len(cells(OURS).test.y) == 113
    for seed in repeats(20, first=0):
        errors = np.random.default_rng(seed).binomial(113, 0.02, 20_000)
        assert (errors == 0).mean() == pytest.approx(0.1, abs=0.01)


def test_every_number_of_the_report_is_that_of_the_lesson():
    parts, number = report_parts(ex.report.answer()), re.compile(r"\d+(?:\.\d+)?")
    numbers = {name: [*map(float, number.findall(parts[name]))] for name in parts}
    data, found, grid = cells(OURS), chosen(), searched()[OURS]
    rows = [len(part.y) for part in (data.train, data.valid, data.test)]
    tens = [lowest(split) for split in range(1, 11)]
    spread = found.runs.std_val_loss[found.runs.order[0]]
    run = found.best_run
    right = (run.predict(data.test) == data.test.y).sum()

    assert numbers["data"] == [sum(rows), *rows]
    assert numbers["tried"] == [*LRS, 3]
    near = {"rel": 0.02, "abs": 0.001}
    best = [found.best.lr, lowest(OURS), grid.mean_val_loss.min(), 63]
    assert numbers["chosen"] == pytest.approx(best, **near)
    sure = [spread, found.best.lr, min(tens), max(tens)]
    assert numbers["sure"] == pytest.approx(sure, **near)
    assert numbers["test"][:2] == [right, rows[2]]


def test_own_machines_same_numbers():
    distributed = importlib.import_module("distributed")
    about = cells(100), BASE.but(epochs=3, own={"width": 8})
    space = {"lr": [0.01, 0.1], "batch_size": [16, 64], "seeds": repeats(20, first=0)}
    space["model"] = skip
    how = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}

    here = hk.grid_search(*about, **space)
    with distributed.Client(processes=False, **how) as client:
        there = hk.grid_search(*about, **space, executor=client.get_executor())

    assert np.array_equal(here.val_loss, there.val_loss)


def test_own_file_same_numbers(tmp_path):
    rows = FRAME.drop(columns="diagnosis")
    for split in SPLITS:
        winner = simple()[split].best_run
        loaded = hk.load_model(winner.save(tmp_path / "cells.pt"))
        assert np.array_equal(loaded.predict_proba(rows), winner.predict_proba(rows))
        assert loaded.predict(rows.iloc[0], names=True)[0] in {*FRAME["diagnosis"]}


def test_every_curve_is_read_back_by_tensorboards_own_reader(tmp_path, monkeypatch):
    """The lesson's own lines; TensorBoard is not among what hpkit installs."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    monkeypatch.chdir(tmp_path)
    lesson = (FOLDER / "src/11_your_own.py").read_text("utf-8")
    code = re.search(r"^# from torch.utils.tensor.*?(?=# import)", lesson, re.S | re.M)
    exec(re.sub(r"^# ?", "", code[0], flags=re.M), {"chosen": chosen()})

    for n, run in enumerate(chosen().runs):
        folder = f"runs/{n} lr {run.setting.lr:g}"
        events = EventAccumulator(folder).Reload().Scalars("val_loss")
        assert [event.step for event in events] == [*range(31)]
        assert [event.value for event in events] == pytest.approx(run.val_loss)


# Wrong answers to the exercises: see tests/exercises/wrong_answers.py.
def one_search(dataset, n=5, seeds=3, looks=0, lowest=0.01):
    """Return a search that may break one condition."""
    lrs, quick = [lowest * (k + 1) for k in range(n)], hk.Hyperparameters(epochs=1)
    found = hk.grid_search(dataset, quick, lr=lrs, seeds=range(seeds))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for k in range(looks):
            found.runs[k, 0].test_loss()
    return found


def searches():
    own = ex.own_data.answer
    return dict(
        course=[one_search(hk.load_dataset("moons"))],
        settings=[one_search(own(), n=4)],
        seeds=[one_search(own(), seeds=2)],
        looked=[one_search(own(), looks=2)],
        diverged=[one_search(own(), lowest=1e9)],
    )


def report_with(**parts):
    """Return the model answer with other lines."""
    got = report_parts(ex.report.answer()) | parts
    return "\n".join(f"{part}: {text}" for part, text in got.items())


CATS = "I have three cats, the sea is blue, and there is soup on the table. "


WRONG = {
    "11/own_data": lambda: dict(
        course=[hk.load_dataset("moons"), replace(cells(OURS), name="mine")],
        few=[hk.Dataset.from_arrays([[n] for n in range(30)], [0, 1] * 15)],
    ),
    "11/search": searches,
    "11/report": dict(
        line=[CATS * 2],
        rows=[report_with(data="my table, with many rows")],
        range=[report_with(tried="many learning rates with 3 seeds")],
        number=[report_with(test="all was well at the end")],
        open=[report_with(mistake="...")],
    ),
}
