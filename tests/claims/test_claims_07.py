"""What lesson 07, one at a time, says: held over seeds that the lesson does not show.

The searches run on a table of all 36 settings x 60 seeds that is trained once; the path
through it is found by rules of its own, and compared with `one_at_a_time` itself.
"""

from dataclasses import replace
from functools import cache
from itertools import permutations, product

import numpy as np
import pytest
from over_seeds import repeats

import hpkit as hk

# As in the lesson: three seeds a run, so 120 seeds are 40 learners.
SEEDS = repeats(40, each=3, first=1000)
LEARNERS = np.reshape(SEEDS, (40, 3))
DIGITS = hk.Hyperparameters(lr=0.01, batch_size=32, epochs=10, hidden=(32,))
DIGITS_VALUES = {
    "lr": [0.001, 0.01, 0.1, 1],
    "batch_size": [8, 32, 128],
    "epochs": [5, 10, 20],
}
SPIRAL = hk.Hyperparameters(lr=0.001, batch_size=200, epochs=10)
SPIRAL_VALUES = {
    "lr": [0.001, 0.01, 0.1, 1],
    "batch_size": [4, 64, 200],
    "epochs": [5, 10, 20],
}
ORDERS = list(permutations(SPIRAL_VALUES))
MOST = 0.75  # "with most seeds"


@cache
def table(name):
    """Return settings, and the loss of each (36, learners), diverged as inf."""
    start, values = (
        (DIGITS, DIGITS_VALUES) if name == "digits" else (SPIRAL, SPIRAL_VALUES)
    )
    settings = [
        start.but(**dict(zip(values, v, strict=True)))
        for v in product(*values.values())
    ]
    # A shorter run is the beginning of a longer one.
    long = [s for s in settings if s.epochs == max(values["epochs"])]
    *_, runs = hk.train(hk.load_dataset(name), long, seeds=SEEDS, tick=60)
    every = []
    for epochs in values["epochs"]:
        low = runs.val_loss[..., : epochs + 1].min(-1)
        out = replace(runs, epochs_done=np.minimum(runs.epochs_done, epochs)).diverged
        mean, any_out = (x[:, LEARNERS - SEEDS[0]] for x in (low, out))
        every.append(np.where(any_out.any(2), np.inf, mean.mean(2)))
    return settings, np.stack(every, 1).reshape(len(settings), -1)


def walk(name, learner, order, start=None):
    """Return where one-at-a-time ends, and its loss over the lowest of all."""
    settings, loss = table(name)
    loss = loss[:, learner]
    values = DIGITS_VALUES if name == "digits" else SPIRAL_VALUES
    here = start or (DIGITS if name == "digits" else SPIRAL)
    for changed in order:
        tried = [here.but(**{changed: value}) for value in values[changed]]
        here = min(tried, key=lambda s: loss[settings.index(s)])
    return here, loss[settings.index(here)] / loss.min()


def ratios(name, order):
    return np.array([walk(name, k, order)[1] for k in range(len(LEARNERS))])


def test_path_cost():
    spiral = hk.load_dataset("spiral")

    for k, learner in enumerate(LEARNERS.tolist()):
        order = ORDERS[k % len(ORDERS)]
        steps = hk.one_at_a_time(
            spiral, SPIRAL, order=order, seeds=learner, **SPIRAL_VALUES
        )
        assert (steps.cost.settings, steps.cost.runs) == (8, 24)
        assert steps.steps[-1].winner == walk("spiral", k, order)[0]
    assert len(table("spiral")[0]) == 36


@pytest.mark.slow
def test_path_small_lr_digits():
    settings, loss = table("digits")
    curve = loss[[settings.index(DIGITS.but(lr=lr)) for lr in DIGITS_VALUES["lr"]]]

    assert np.mean(curve.argmax(0) == 0) >= 0.98
    assert np.mean((np.diff(curve[:3], axis=0) < 0).all(0)) >= 0.98


@pytest.mark.slow
def test_path_first_step_gains_most():
    settings, loss = table("digits")

    for k in range(len(LEARNERS)):
        ends = [walk("digits", k, tuple(DIGITS_VALUES)[:n])[0] for n in range(4)]
        gains = -np.diff([loss[settings.index(end), k] for end in ends])
        assert gains[0] > 10 * gains[1:].max()


@pytest.mark.slow
def test_path_digits_small_batch_breaks():
    digits = hk.load_dataset("digits")

    runs = hk.grid_search(digits, DIGITS, lr=[1], batch_size=[8], seeds=SEEDS).diverged

    assert np.mean(runs) >= 0.98


def test_path_known_run():
    digits = hk.load_dataset("digits")

    for seed in repeats(20):
        lrs = hk.validation_curve(
            digits,
            DIGITS.but(epochs=2),
            param_name="lr",
            param_range=[0.1, 1],
            seeds=[seed],
        )
        again = hk.fit(digits, lrs.best, seed=seed)
        assert again.best_val_loss == pytest.approx(lrs.mean_val_loss.min(), rel=1e-4)


@pytest.mark.slow
def test_path_never_rises():
    settings, loss = table("digits")

    for order in ORDERS:
        for k in range(len(LEARNERS)):
            ends = [walk("digits", k, order[:n])[0] for n in (1, 2, 3)]
            lows = [loss[settings.index(end), k] for end in ends]
            assert lows == sorted(lows, reverse=True)


@pytest.mark.slow
def test_path_digits_any_order():
    for order in ORDERS:
        ratio = ratios("digits", order)
        assert np.mean(ratio <= 1.25) >= 0.95, order
    loss = table("digits")[1]
    cells = loss.reshape(4, 3, 3, -1).min(2)  # the best of the epochs
    good = (cells <= 1.25 * loss.min(0)).sum((0, 1))
    assert np.mean(good >= 3) >= 0.98


def test_path_spiral_order_decides():
    learners = range(len(LEARNERS))
    ana = ratios("spiral", ("lr", "batch_size", "epochs"))

    assert np.mean(ana > 2) >= 0.9
    assert np.mean(ana > 1.2) >= 0.95
    firsts = [walk("spiral", k, ("lr",))[0].lr for k in learners]
    assert np.mean(np.array(firsts) == 1) >= 0.95  # to the right end, then down
    sizes = [walk("spiral", k, ("lr", "batch_size"))[0].batch_size for k in learners]
    assert np.mean(np.array(sizes) < 200) >= 0.95
    ends = [walk("spiral", k, ("batch_size", "lr"))[0] for k in learners]
    assert np.mean([(e.batch_size, e.lr) == (4, 0.1) for e in ends]) >= MOST
    for order in ORDERS:
        if order.index("batch_size") < order.index("lr"):
            assert np.mean(ratios("spiral", order) < 1.01) >= MOST, order
        else:
            assert (ratios("spiral", order) > 1.01).all(), order


def test_path_spiral_last_step():
    settings, loss = table("spiral")
    ten = SPIRAL.but(lr=0.1, batch_size=4)

    left = loss[settings.index(ten.but(epochs=20))] / loss[settings.index(ten)]

    assert np.mean(left < 0.5) >= 0.95


def test_path_other_start():
    order, start = ("epochs", "batch_size", "lr"), SPIRAL.but(lr=1)
    ends = [walk("spiral", k, order, start=start)[1] for k in range(len(LEARNERS))]

    assert np.mean(np.array(ends) > 1.2) >= MOST


def test_path_spiral_best_lr_moves():
    settings, loss = table("spiral")

    def best(batch_size):
        tried = [SPIRAL.but(lr=lr, batch_size=batch_size) for lr in SPIRAL_VALUES["lr"]]
        rows = [settings.index(s) for s in tried]
        return np.array(SPIRAL_VALUES["lr"])[loss[rows].argmin(0)]

    assert np.mean(best(200) == 1) >= 0.98
    assert np.mean(best(4) == 0.1) >= 0.95


def test_path_spiral_needs_two_changes_at_once():
    settings, loss = table("spiral")
    here = SPIRAL.but(lr=1, batch_size=64, epochs=20)
    beside = [
        settings.index(here.but(**{name: value}))
        for name, values in SPIRAL_VALUES.items()
        for value in values
        if value != getattr(here, name)
    ]
    mine = loss[settings.index(here)]

    assert np.mean(loss[beside].min(0) > mine) >= MOST
    assert np.mean(mine > 1.8 * loss.min(0)) >= 0.95


def test_path_second_round():
    order = ("lr", "batch_size", "epochs")
    ends = [walk("spiral", k, order)[0] for k in range(len(LEARNERS))]

    again = [walk("spiral", k, order, start=end)[1] for k, end in enumerate(ends)]

    first = ratios("spiral", order)
    assert (np.array(again) <= first + 1e-9).all()  # never worse
    # In most seeds it finds the best, in some it stays: the lesson computes which.
    assert 0.5 <= np.mean(np.array(again) < 1.01) < 1


def test_path_kim_ends():
    order = ("lr", "epochs", "batch_size")
    ends = [walk("spiral", k, order)[0] for k in range(len(LEARNERS))]

    there = SPIRAL.but(lr=1, batch_size=64, epochs=20)
    assert np.mean([end == there for end in ends]) >= MOST


def test_path_jun_first_step():
    settings, loss = table("spiral")
    column = [settings.index(SPIRAL.but(batch_size=b)) for b in (4, 64, 200)]
    low, *others = loss[column]

    assert (low < np.min(others, axis=0)).all()
    assert np.mean(low > 0.9 * np.max(others, axis=0)) >= 0.95
