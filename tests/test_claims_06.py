"""What lesson 06, seeds, says: held over seeds that the lesson does not show.

Twenty seeds are a learner of the lesson; 400 seeds are twenty learners.
"""

from functools import cache

import numpy as np

import hpkit as hk

LRS = (0.01, 0.25, 0.3)


@cache
def moons():
    """Return the lowest loss (learning rates, learners, 20 seeds)."""
    settings = [hk.Hyperparameters(lr=lr, batch_size=32, epochs=30) for lr in LRS]
    *_, runs = hk.train(
        hk.load_dataset("moons"), settings, seeds=range(1000, 1400), tick=60
    )
    return runs.best_val_loss.reshape(len(LRS), 20, 20)


def duels(a, b):
    """Return how often a wins (learners,): each side has seeds of its own."""
    return (a < np.roll(b, 1, axis=0)).sum(1)


def test_seeds_same_setting_spreads():
    loss = moons()[2]

    assert (loss.max(1) > 1.1 * loss.min(1)).all()


def test_seeds_duels_go_both_ways():
    _, ana, jun = moons()
    wins = duels(ana, jun)

    assert (wins > 0).all()
    assert (wins < 20).all()


def test_seeds_difference_below_spread():
    """The lesson shows 40 seeds; here each learner has 40, too."""
    ana, jun = (loss.reshape(10, 40) for loss in moons()[1:])
    more = [loss.reshape(20, 20) for loss in (ana, jun)]
    for a, b in ((ana, jun), more):
        spread = np.maximum(a.std(1), b.std(1))

        assert (np.abs(a.mean(1) - b.mean(1)) < spread).all()


def test_seeds_not_one_dot():
    ana, jun = (loss.reshape(10, 40) for loss in moons()[1:])
    for shape in ((10, 40), (20, 20)):
        a, b = (np.sort(x.reshape(shape))[:, :-1] for x in (ana, jun))
        spread = np.maximum(a.std(1), b.std(1))

        assert (np.abs(a.mean(1) - b.mean(1)) < spread).all()


def test_seeds_pairs_see_more():
    _, ana, jun = moons()

    assert ((jun < ana).sum(1) > 10).all()


def test_seeds_luckiest_proves_anything():
    _, ana, jun = moons()

    assert (ana.min(1) < jun.mean(1)).all()
    assert (jun.min(1) < ana.mean(1)).all()


def test_seeds_large_difference_one_run():
    small, _, jun = moons()

    assert (duels(small, jun) == 0).all()
    assert small.min() > jun.max()


def test_seeds_four_times_halve():
    jun = moons()[2].ravel()
    rng = np.random.default_rng(0)
    ratios = []
    for _ in range(20):  # 320 of 400 seeds at a time
        some = rng.permutation(jun)[:320]
        spreads = [some.reshape(-1, n).mean(1).std() for n in (1, 4, 16)]
        ratios.append([spreads[0] / spreads[1], spreads[0] / spreads[2]])

    np.testing.assert_allclose(np.median(ratios, 0), [2, 4], rtol=0.2)
    np.testing.assert_allclose(ratios, [[2, 4]] * 20, rtol=0.5)


def test_seeds_same_seed_is_fairer():
    pair = [hk.Hyperparameters(lr=lr, epochs=10, hidden=(32,)) for lr in (0.2, 0.3)]
    *_, runs = hk.train(
        hk.load_dataset("digits"), pair, seeds=range(1000, 1100), tick=60
    )
    low, high = runs.best_val_loss
    same = high < low
    own = np.mean([high < np.roll(low, k) for k in range(1, 100)])

    assert same.mean() >= 0.9
    assert 0.6 < own < 0.85
    fives = (high - low).reshape(5, 20).std(1), low.reshape(5, 20).std(1)
    assert (fives[0] < 0.6 * fives[1]).all()


def test_seeds_search_is_stricter():
    lrs = (0.05, 0.1, 0.3, 0.5, 1, 2, 4)
    settings = [hk.Hyperparameters(lr=lr, batch_size=32, epochs=30) for lr in lrs]
    *_, runs = hk.train(
        hk.load_dataset("moons"), settings, seeds=range(1000, 1300), tick=60
    )
    loss = runs.best_val_loss.reshape(len(lrs), 30, 10)
    mean, spread = loss.mean(2), loss.std(2)
    best = mean.argmin(0)
    gap, own = mean - mean.min(0), np.take_along_axis(spread, best[None], 0)
    short, long = gap <= own, gap <= np.maximum(spread, own)

    assert (long | ~short).all()
    assert np.mean(short.sum(0) < long.sum(0)) > 0.5
