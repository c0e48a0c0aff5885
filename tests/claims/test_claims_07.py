"""What lesson 07, one at a time, says: held over seeds that the lesson does not show.

The paths run on a table of all 36 settings x 60 seeds that is trained once; they are
found by rules of their own, and compared with `one_at_a_time` itself.
"""

from functools import cache
from itertools import permutations, product

import numpy as np
import pytest
from over_seeds import apart, losses, repeats

import hpkit as hk

SEEDS = repeats(20, each=3, first=1000)  # as in the lesson: 20 learners
START = {
    "spiral": hk.Hyperparameters(lr=0.1, batch_size=200, epochs=20),
    "digits": hk.Hyperparameters(batch_size=32, epochs=10, hidden=(32,)),
}
LRS = [0.01, 0.1, 1, 10]
LISTS = {
    "spiral": {"lr": LRS, "batch_size": [4, 64, 200], "dropout": [0, 0.1, 0.3]},
    "digits": {"lr": LRS, "batch_size": [8, 32, 128], "dropout": [0, 0.1, 0.3]},
}
ORDERS = list(permutations(LISTS["spiral"]))
ANA = ("lr", "batch_size", "dropout")
JUN = ("batch_size", "lr", "dropout")
LEARNERS = range(20)
MOST = 0.7  # "in most cases"


@cache
def table(name):
    """Return settings, and the loss of each (36, learners), diverged as inf."""
    data = hk.load_dataset(name)
    grid = hk.grid_search(data, START[name], seeds=SEEDS, **LISTS[name])
    return list(grid.settings), apart(losses(grid), 3).mean(2)


def walk(name, learner, order, start=None):
    """Return where one-at-a-time ends, and its loss over the lowest of all."""
    settings, loss = table(name)
    loss, here = loss[:, learner], start or START[name]
    for changed in order:
        tried = [here.but(**{changed: value}) for value in LISTS[name][changed]]
        here = min(tried, key=lambda s: loss[settings.index(s)])
    return here, loss[settings.index(here)] / loss.min()


def ratios(name, order, start=None):
    return np.array([walk(name, k, order, start)[1] for k in LEARNERS])


def test_path_cost():
    about, lists = (hk.load_dataset("spiral"), START["spiral"]), LISTS["spiral"]

    for k, seeds in enumerate(np.reshape(SEEDS, (20, 3)).tolist()):
        order = ORDERS[k % len(ORDERS)]
        steps = hk.one_at_a_time(*about, order=order, seeds=seeds, **lists)
        assert (steps.cost.settings, steps.cost.runs) == (8, 24)
        assert steps.steps[-1].winner == walk("spiral", k, order)[0]
    assert len(table("spiral")[0]) == 36
    steps = hk.one_at_a_time(*about, **lists, momentum=(0, 0.3, 0.6, 0.9))
    assert (steps.cost.settings, 36 * len(steps.space["momentum"])) == (11, 144)


def test_path_spiral_order_decides():
    for order in ORDERS:
        ratio = ratios("spiral", order)
        if order.index("batch_size") < order.index("lr"):
            assert np.mean(ratio < 1.01) >= 0.95, order
        else:
            assert (ratio > 1.5).all(), order
    assert np.mean(ratios("spiral", ANA) > 2) >= MOST  # "often"


def test_path_second_round():
    first = [walk("spiral", k, ANA)[0] for k in LEARNERS]
    same = [walk("spiral", k, ANA, end)[0] == end for k, end in enumerate(first)]
    assert np.mean(same) >= MOST


def test_path_spiral_needs_two_changes_at_once():
    """Where Ana is stuck; Jun's place has another learning rate and batch size."""
    settings, loss = table("spiral")
    stuck = 0
    for k in LEARNERS:
        here, there = walk("spiral", k, ANA)[0], walk("spiral", k, JUN)[0]
        mine, lists = loss[settings.index(here), k], LISTS["spiral"].items()
        beside = [here.but(**{name: v}) for name, values in lists for v in values]
        alone = min(loss[settings.index(s), k] for s in beside) == mine
        stuck += alone and there.batch_size < here.batch_size and there.lr < here.lr
        assert loss[settings.index(there), k] < mine

    assert stuck >= MOST * len(LEARNERS)


def test_path_other_start():
    assert np.mean(ratios("spiral", JUN, START["spiral"].but(lr=1)) > 1.2) >= MOST


def test_path_first_step_gains_most():
    for k in LEARNERS:
        first, *others = -np.diff([walk("digits", k, ANA[:n])[1] for n in range(4)])
        assert first > 10 * sum(others)


def test_path_never_rises():
    for order, k in product(ORDERS, LEARNERS):
        lows = [walk("digits", k, order[:n])[1] for n in (1, 2, 3)]
        assert lows == sorted(lows, reverse=True)


@pytest.mark.parametrize("order", ORDERS)
def test_path_digits_any_order(order):
    ratio = ratios("digits", order)
    assert np.mean(ratio <= 1.12) >= 0.95
    assert (ratio < 1.2).all()


# Wrong answers to the exercises: see tests/exercises/wrong_answers.py.
WRONG = {
    "07/recipe": dict(
        case=[lambda loss, base, lists: dict(base)],
        raised=[
            lambda loss, base, lists: loss(None),
            lambda loss, base, lists: loss({"lr": 0.1}),
        ],
    ),
    "07/cost": dict(case=[lambda sizes: 8], raised=[abs]),
    "07/order": dict(
        jun=[["batch_size", "lr", "dropout"]],
        far=[["lr", "batch_size", "dropout"], ["dropout", "lr", "batch_size"]],
        missing=[["lr", "dropout"]],
        unknown=[["lr", "momentum", "dropout"]],
    ),
}
