"""What lesson 06, seeds, says: held over seeds that the lesson does not show.

A learner of the lesson has 20 seeds, for the means 40: 800 seeds are twenty learners.
"""

from operator import sub
from statistics import mean, stdev

import numpy as np
import pytest
from over_seeds import apart, repeats, trained
from scipy.stats import ttest_1samp

import hpkit as hk
from hpkit.exercises import lesson_06_seeds as ex
from hpkit.search.result import clearly_worse

LRS = (0.01, 0.25, 0.3)
SEEDS = repeats(20, each=40, first=1000)
MANY = repeats(20, each=320, first=1000)  # the same, and more
SETTINGS = [hk.Hyperparameters(lr=lr, batch_size=32, epochs=30) for lr in LRS]


def moons():
    """Return the lowest loss (learning rates, learners, 40 seeds)."""
    few = trained("moons", *SETTINGS[:2], seeds=SEEDS).best_val_loss
    many = trained("moons", SETTINGS[2], seeds=MANY).best_val_loss
    return apart(np.concatenate([few, many[:, : len(SEEDS)]]), 40)


def twenty():
    """Return the loss with the first 20 seeds of each learner."""
    return moons()[..., :20]


def duels(a, b):
    """Return how often a wins (learners,): each side has seeds of its own."""
    return (a < np.roll(b, 1, axis=0)).sum(1)


def test_seeds_same_setting_spreads():
    loss = twenty()[2]
    assert (loss.max(1) > 1.1 * loss.min(1)).all()
    assert (loss.max(1) > 1.3 * loss.min(1)).mean() >= 0.9


def test_seeds_duels_go_both_ways():
    _, ana, jun = twenty()
    assert np.isin(duels(ana, jun), range(1, 20)).all()


def test_seeds_difference_below_spread():
    """The lesson shows 40 seeds, and 20 of them."""
    for _, a, b in (moons(), twenty()):
        spread = np.maximum(a.std(1, ddof=1), b.std(1, ddof=1))
        assert (np.abs(a.mean(1) - b.mean(1)) < spread).all()


def test_seeds_forty_tell():
    _, ana, jun = moons()
    pairs = [*zip(ana, jun, strict=True)]
    five, ten, forty = ([apart_by(a[:n], b[:n]) for a, b in pairs] for n in (5, 10, 40))
    assert all(forty)
    assert np.mean(five) <= 0.5  # "mostly cannot"
    assert 0.4 <= np.mean(ten) <= 0.95  # "often can"
    assert (jun.mean(1) < ana.mean(1)).all()


def apart_by(a, b):
    """Return whether the rule of the lesson and that of the tables tell two apart."""
    losses = np.stack([a, b])
    told = bool(clearly_worse(losses, int(losses.mean(1).argmin())).any())
    if len(a) >= 20:
        assert told == ex.differ.answer()(a, b)
    return told


def test_four_pairs_are_what_twenty_seeds_tell():
    pairs = {"A": (0.01, 0.3), "B": (0.2, 0.3), "C": (0.1, 0.001), "D": (0.6, 0.8)}
    for letter, rates in pairs.items():
        settings = [SETTINGS[0].but(lr=lr) for lr in rates]
        a, b = trained("moons", *settings, seeds=repeats(20)).best_val_loss
        better = "first" if a.mean() < b.mean() else "second"
        verdict = better if apart_by(a, b) else "cannot tell"
        assert ex.four_pairs.answer()[letter] == verdict


def test_seeds_luckiest_proves_anything():
    _, ana, jun = twenty()
    assert (ana.min(1) < jun.mean(1)).all()
    assert (jun.min(1) < ana.mean(1)).all()


def test_seeds_large_difference_one_run():
    small, _, jun = twenty()
    assert (duels(small, jun) == 0).all()
    assert small.min() > jun.max()


@pytest.mark.slow
def test_seeds_four_times_halve():
    """Each repeat has 320 seeds of its own, as in the lesson."""
    loss = apart(trained("moons", SETTINGS[2], seeds=MANY).best_val_loss[0], 320)
    one, four, sixteen = (loss.reshape(20, -1, n).mean(2).std(1) for n in (1, 4, 16))
    ratios = np.stack([one / four, one / sixteen], 1)

    np.testing.assert_allclose(np.median(ratios, 0), [2, 4], rtol=0.2)
    np.testing.assert_allclose(ratios, [[2, 4]] * 20, rtol=0.5)
    here = trained("moons", SETTINGS[2], seeds=tuple(range(320))).best_val_loss[0]
    spread = here.reshape(20, 16).mean(1).std(ddof=1) / here.std(ddof=1)
    assert round(spread, 2) == 0.18


def test_seeds_no_second_look():
    """At two equal settings, whose losses differ by luck alone."""
    for seed in repeats(20):
        luck = np.random.default_rng(seed).normal(size=(4000, 40))
        looks = [ttest_1samp(luck[:, :n], 0, axis=1) for n in (5, 10, 20, 40)]
        told = [look.pvalue < 0.05 for look in looks]
        assert 2.5 < np.any(told, 0).mean() / 0.05 < 3.3


def test_seeds_same_seed_is_fairer():
    pair = [hk.Hyperparameters(lr=lr, epochs=10, hidden=(32,)) for lr in (0.2, 0.3)]
    seeds = repeats(20, each=20, first=1000)
    low, high = apart(trained("digits", *pair, seeds=seeds).best_val_loss, 20)
    own = np.mean([high < np.roll(low, k) for k in range(1, 20)], (0, 2))

    assert ((high < low).mean(1) >= 0.75).all()
    assert (high < low).mean() >= 0.9
    assert 0.6 < own.mean() < 0.85
    assert ((high - low).std(1) < 0.6 * low.std(1)).mean() >= 0.95


def test_seeds_several_as_good():
    moons, lrs, ties = hk.load_dataset("moons"), (0.05, 0.1, 0.3, 0.5, 1, 2, 4), []
    for ten in np.reshape(repeats(20, each=10, first=1000), (20, 10)).tolist():
        curve = hk.grid_search(moons, SETTINGS[0], lr=lrs, seeds=ten)
        ties.append({setting.lr for setting in curve.ties})

    assert np.mean([len(some) >= 1 for some in ties]) >= 0.95
    assert not set().union(*ties) & {0.05, 0.1, 4}


# Wrong answers to the exercises: see tests/exercises/wrong_answers.py.
def told_apart(factor=2.0, fewer=0):
    """Return the rule of lesson 06 with another factor, or of fewer seeds."""

    def can_tell(a, b):
        d = [*map(sub, a, b)]
        return abs(mean(d)) > factor * stdev(d) / (len(d) - fewer) ** 0.5

    return can_tell


WRONG = {
    "06/differ": dict(
        case=[
            lambda a, b: "yes",
            lambda a, b: abs(mean(a) - mean(b)) > stdev(map(sub, a, b)),
            *(told_apart(factor=factor) for factor in (1.5, 1.85, 2.1, 2.5)),
            told_apart(fewer=1),
            lambda a, b: (
                abs(mean(d := [*map(sub, a, b)])) > 2 * (stdev(d) / len(d)) ** 0.5
            ),
        ],
        of_losses=[lambda a, b: bool(abs(mean(a) - mean(b)) > 2 * stdev(b))],
    ),
    "06/four_pairs": dict(
        changed="A/cannot tell, B/cannot tell, C/second, D/first, D/both/unknown"
    ),
    "06/enough_seeds": dict(linear=[3], count=[8, 100], kind=[2.5]),
}
