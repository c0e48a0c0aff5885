"""What lesson 08, grid search, says: held over seeds that the lesson does not show.

As in the lesson a grid has three seeds, so 60 seeds are 20 learners with moons each.
"""

from functools import cache
from itertools import product

import numpy as np
import pytest
from over_seeds import apart, losses, repeats, trained

import hpkit as hk
from hpkit.search.result import clearly_worse

pytestmark = pytest.mark.slow

SEEDS = repeats(20, each=3)
BASE = hk.Hyperparameters(epochs=20)
LRS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
SIZES = (4, 8, 16, 32, 64, 200)
EVEN = (2.5, 5, 7.5)


@cache
def of_seeds(lrs=LRS, sizes=SIZES):
    """Return the losses of each learner's seeds (cells, 20, 3)."""
    about, lists = (hk.load_dataset("spiral"), BASE), {"lr": lrs, "batch_size": sizes}
    grid = hk.grid_search(*about, **lists, seeds=SEEDS)
    return apart(losses(grid), 3)


def spiral(lrs=LRS, sizes=SIZES):
    """Return each learner's mean loss (learning rates, batch sizes, 20)."""
    return of_seeds(lrs, sizes).mean(2).reshape(len(lrs), len(sizes), -1)


def cells(lrs=LRS, sizes=SIZES):
    """Return each learner's losses in a part of the map, learning rates first."""
    rows, columns = [LRS.index(v) for v in lrs], [SIZES.index(v) for v in sizes]
    return spiral()[np.ix_(rows, columns)].reshape(-1, 20)


def lowest(lrs=LRS, sizes=SIZES):
    """Return each learner's lowest loss there."""
    return cells(lrs, sizes).min(0)


def test_grid_ends_of_the_map():
    """Little is learned at 0.01; at 10 a run diverges, or hardly learns."""
    untrained = np.log(2)
    assert (spiral()[LRS.index(0.01)] > 0.5 * untrained).all()
    assert (spiral()[LRS.index(0.01)] > 5 * lowest()).all()
    assert np.isinf(spiral()[-1]).mean() >= 0.9
    assert (spiral()[-1] > 0.7 * untrained).all()


def test_grid_ridge():
    best = np.array(LRS)[spiral().argmin(0)]
    assert (best[-1] > 2.9 * best[0]).all()


TWO = [BASE.but(lr=lr, batch_size=4) for lr in (0.1, 0.3)]


@cache
def shown():
    """Return the grid of the panel, and the loss of `TWO` there (2, 20 seeds)."""
    spiral, lists = hk.load_dataset("spiral"), {"lr": LRS[2:], "batch_size": SIZES}
    grid = hk.grid_search(spiral, BASE, seeds=range(20), **lists)
    return grid, grid.best_val_loss.reshape(7, 6, 20)[2:4, 0]


def test_grid_below_jun():
    """As in the panel, with 20 seeds: "a third to a half"."""
    runs = trained("spiral", *TWO, seeds=repeats(20, each=20, first=2000))
    for loss in (shown()[1], runs.best_val_loss):
        jun, best = loss.reshape(2, -1, 20).mean(2)

        assert np.mean((best > 0.48 * jun) & (best < 0.71 * jun)) >= 0.9
        assert (best < 0.8 * jun).all()
    jun = lowest((0.01, 0.1, 1.0, 10.0), (4, 64, 200))
    assert (lowest() < 0.85 * jun).all()


def test_every_cell_with_a_frame_is_another_than_jun():
    """No claim of its own: what section 4 says of the screen."""
    grid = shown()[0]
    assert (grid.best.lr, grid.best.batch_size) == (0.3, 4)
    assert grid.ties
    assert TWO[0] not in grid.ties


def test_grid_ten_seeds_tell():
    seeds = repeats(20, each=10, first=1000)
    loss = apart(losses(trained("spiral", *TWO, seeds=seeds)), 10)

    def told(n):
        each = np.moveaxis(loss[..., :n], 1, 0)
        return [clearly_worse(two, int(two.mean(1).argmin())).any() for two in each]

    assert (loss[1].mean(1) < loss[0].mean(1)).all()
    assert np.mean(told(10)) >= 0.9
    assert np.mean(told(3)) <= 0.5  # "three often fail"
    assert clearly_worse(shown()[1][:, :3], 1).any()


def test_grid_one_seed_first():
    """At equal cost: few cells with three seeds, or more with one, then the best."""
    for each, most in ((of_seeds()[12:], 0.9), (part(), 1.05)):  # spiral, moons
        n, first, few = len(each), [], []
        for k in range(20):
            rng, own = np.random.default_rng(k), each[:, k, :3]
            for _ in range(50):
                cells = rng.permutation(n)
                best = cells[own[cells[: n - 12], 0].argsort()[:4]]
                for found, some in ((first, best), (few, cells[: n // 3])):
                    at = some[own[some].mean(1).argmin()]
                    found.append(np.median(np.delete(each[at], k, 0)))
        assert np.mean(first) < most * np.mean(few)


def test_grid_column_moves():
    one, tenth = (spiral()[LRS.index(lr)] for lr in (1.0, 0.1))
    assert np.isin(one.argmin(0), range(1, len(SIZES) - 1)).all()
    assert (one[[0, -1]] > 2 * one.min(0)).all()
    assert (tenth.argmin(0) == 0).all()


def test_grid_equal_factors():
    even = np.minimum(lowest((0.001, 10.0)), spiral(EVEN).min((0, 1)))
    assert (lowest((0.001, 0.01, 0.1, 1.0, 10.0)) < even / 2).all()


@cache
def eights():
    """Return the grid of the part that the lesson repeats, with 20 times 8 seeds."""
    about = hk.load_dataset("moons"), BASE.but(epochs=30)
    lists = {"lr": LRS[3:8], "batch_size": (4, 8, 16, 32, 64, 128)}
    return hk.grid_search(*about, **lists, seeds=repeats(20, each=8, first=2000))


def part():
    """Return the loss of 20 learners (30, learners, 8 seeds)."""
    return apart(losses(eights()), 8)


def test_grid_winner_changes():
    cells = part().mean(2).argmin(0)

    # Two learners with other seeds: mostly another winner; of three: in most cases.
    assert np.mean([a != b for a in cells for b in cells]) >= 0.6
    assert np.mean([len({*cells[i : i + 3]}) > 1 for i in range(18)]) >= 0.75


def test_grid_winners_as_good():
    each = part()
    loss = each.mean((1, 2))
    assert (loss[each.mean(2).argmin(0)] < 1.2 * loss.min()).all()


def test_grid_flat_valley():
    rows = part().mean(2).reshape(5, 6, -1).min(0)  # batch sizes, learners
    assert (rows[:4] < 1.2 * rows.min(0)).all()


def test_grid_plateau():
    for loss in np.moveaxis(part(), 1, 0):  # settings, seeds
        calm = loss[np.isfinite(loss).all(1)]
        told = clearly_worse(calm, int(calm.mean(1).argmin()))
        assert (~told).sum() - 1 >= 4


def in_frame(grid, seeds):
    """Return which settings the rule of "as good" keeps, with some of the seeds."""
    calm = np.flatnonzero(~grid.diverged[:, seeds].any(1))
    losses = grid.best_val_loss[calm][:, seeds]
    kept = np.zeros(len(grid.settings), bool)
    kept[calm] = ~clearly_worse(losses, int(losses.mean(1).argmin()))
    return kept


def test_every_frame_hardly_changes_with_the_seeds():
    """No claim of its own: the lesson's ten repeats with eight seeds each, and more."""
    grid, loss = eights(), losses(eights()).mean(1)  # inf where a seed diverged
    best, far = loss.argmin(), np.isfinite(loss) & (loss > 1.2 * loss.min())
    for count, most in ((3, 0.2), (8, 0.15)):
        each = np.arange(160 // count * count).reshape(-1, count)
        kept = np.array([in_frame(grid, some) for some in each])

        assert kept[:, best].mean() >= 0.98
        assert kept[:, far].mean() <= most
    sizes = kept.sum(1)  # of eight seeds
    tens = np.array([sizes[k : k + 10] for k in range(11)])
    far_off = np.abs(tens - np.median(tens, 1, keepdims=True)).max(1)
    assert np.mean(far_off <= 2) > 0.8


def test_grid_cost():
    two, four, six = (5**count * 3 / 60 for count in (2, 4, 6))  # hours
    assert 1 < two < 1.5 < 24 < four < 36
    assert 28 <= six / 24 <= 33
    lists = {"lr": [0.1, 1], "batch_size": [32, 64, 128], "momentum": [0, 0.5]}
    for seed in repeats(20):
        about = hk.load_dataset("moons"), BASE.but(epochs=1 + seed % 3)
        grid = hk.grid_search(*about, seeds=[seed, 99], **lists)
        assert grid.cost == grid.planned
        assert (grid.cost.settings, grid.cost.runs) == (2 * 3 * 2, 2 * 3 * 2 * 2)
        assert grid.cost.epochs == grid.cost.runs * (1 + seed % 3)


def test_grid_smaller_batch_no_better():
    two = spiral(LRS[3:8], (2,)).min((0, 1))
    assert (abs(two / lowest(sizes=(4,)) - 1) < 0.25).all()


# Wrong answers to the exercises: see tests/exercises/wrong_answers.py.
ALSO_RIGHT = {
    "double_loop": lambda _: [
        lambda lrs, sizes: product(reversed(lrs), sizes),
        lambda lrs, sizes: [np.array([a, b]) for b in sizes for a in lrs],
    ],
}


WRONG = {
    "08/double_loop": dict(
        case=[
            lambda lrs, batch_sizes: [(1, 2)] * 6,
            lambda lrs, batch_sizes: lrs,
            lambda lrs, batch_sizes: [*zip(lrs, batch_sizes, strict=False)] * 2,
            lambda lrs, batch_sizes: [*product(lrs, batch_sizes)] * 2,
            lambda lrs, batch_sizes: "pairs",
        ],
    ),
    "08/wide_enough": dict(
        high_edge=[{"lr": [0.003, 0.01, 0.03], "batch_size": [32, 64]}],
        low_edge=[{"lr": [3, 10, 30], "batch_size": [16, 32]}],
        gap=[
            {"lr": [0.001, 0.01, 100], "batch_size": [16, 32]},
            {"lr": [0.01, 0.1, 1, 10], "batch_size": [180, 400]},
        ],
        one_size=[{"lr": [0.1, 1, 10], "batch_size": [32]}],
        few=[{"lr": [0.1, 1], "batch_size": [32, 64]}],
        close=[
            {"lr": [0.49, 0.5, 0.51], "batch_size": [16, 20]},
            {"lr": [0.3, 0.54, 0.97, 1.75], "batch_size": [16, 20]},
        ],
        many=[{"lr": [0.1, 1, 10], "batch_size": [16, 32, 64]}],
        kind=[
            {"lr": 0.1, "batch_size": [32, 64]},
            {"lr": [0.1, 1, 10]},
            {"lr": [0.1, 1, 10], "batch_size": [15, 32]},
            {"lr": [0.1, 1, 10], "batch_size": [32, 401]},
        ],
    ),
    "08/affordable": dict(
        no_seeds=[20], no_rates=[33], over=[7], count=[4], kind=[0, 2.5]
    ),
}
