"""The rule of "as good as the best": its error rates, and each part of it."""

import numpy as np
import pytest
from scipy import stats
from sklearn.model_selection import KFold

import hpkit as hk
from hpkit.search.result import SHARED, clearly_worse, paired_differences

MOONS = hk.load_dataset("moons")
FRESH = range(3000, 3800)
COUNTS = (2, 3, 5, 10, 20, 40, 80)
LEARNERS = 1000


@pytest.fixture(scope="module")
def fresh():
    """Return the loss of learning rates 0.2 and 0.3 with seeds of no lesson."""
    settings = [hk.Hyperparameters(lr=lr, epochs=30) for lr in (0.2, 0.3)]
    *_, runs = hk.train(MOONS, settings, seeds=FRESH, tick=60)
    return runs.best_val_loss


def share_told(a, b):
    """Return how many learners (learners, n_seeds) tell two settings apart."""
    return np.mean([*map(told, a, b)])


def told(a, b, **how):
    losses = np.stack([a, b])
    return clearly_worse(losses, int(losses.mean(1).argmin()), **how).any()


def groups(count, rng):
    """Return the seeds of each learner (learners, 2 * count), none twice."""
    draws = [rng.choice(len(FRESH), 2 * count, replace=False) for _ in range(LEARNERS)]
    return np.array(draws)


def test_a_better_setting_is_told_the_more_often_the_more_seeds(fresh):
    low, high = fresh
    assert (high < low).mean() > 0.94
    rng, power = np.random.default_rng(0), []

    for count in COUNTS:
        mine = groups(count, rng)[:, :count]
        power.append(share_told(low[mine], high[mine]))
        paired = np.mean(stats.ttest_rel(low[mine], high[mine], axis=1).pvalue < 0.05)
        assert power[-1] >= paired - 0.05

    assert (np.diff(power[:5]) > 0).all()
    assert power[0] < 0.2  # two seeds say little
    assert min(power[3:]) > 0.9  # ten or more say it


def test_a_setting_is_seldom_told_apart_from_itself(fresh):
    rng = np.random.default_rng(1)
    for count in COUNTS:
        mine, yours = np.split(groups(count, rng), 2, axis=1)
        for loss in fresh:
            assert share_told(loss[mine], loss[yours]) <= 0.07


def test_among_many_equals_few_are_told_apart(fresh):
    """The lowest of nine is lucky: with a plain t-test one in ten would be told."""
    loss, rng, plain = fresh[1], np.random.default_rng(2), []

    for count in (2, 3, 5, 10, 20):
        mine = np.array([rng.choice(800, 9 * count, False) for _ in range(300)])
        each = loss[mine].reshape(300, 9, count)
        best = each.mean(2).argmin(1)
        out = [clearly_worse(x, i).sum() / 8 for x, i in zip(each, best, strict=True)]
        assert np.mean(out) <= 0.07
        lowest = each[np.arange(300), best][:, None]
        plain.append((stats.ttest_rel(each, lowest, axis=2).pvalue < 0.05).sum() / 2400)

    assert min(plain[2:]) > 0.07


def test_folds_that_share_rows_seldom_tell_equals_apart():
    """A nearest point in either column tells as much; a t-test forgets shared rows."""
    plain, mine, y = 0, 0, np.arange(100) % 2
    for draw in range(200):
        X, losses = np.random.default_rng(draw).normal(size=(100, 2)) + y[:, None], []
        for rows, out in KFold(5, shuffle=True, random_state=draw).split(X):
            nearest = np.abs(X[out, None] - X[rows]).argmin(1)
            losses.append((y[rows][nearest] != y[out, None]).mean(0))
        losses = np.transpose(losses)
        plain += stats.ttest_rel(*losses).pvalue < 0.05
        mine += told(*losses, folds=True)

    assert plain > 0.08 * 200
    assert mine <= 0.06 * 200


def test_two_settings_are_compared_by_the_paired_t_test():
    rng = np.random.default_rng(3)

    for count in (2, 3, 5, 30):
        for _ in range(50):
            a, b = rng.lognormal(size=(2, count))
            assert told(a, b) == (stats.ttest_rel(a, b).pvalue < 0.05)


def test_few_differences_borrow_the_spread_of_the_better_half():
    losses = np.array([[0, 2], [0, 4], [0, 6], [90, 90], [91, 91]], float)
    means, variances = np.array([[1, 2, 3, 90, 91], [2, 8, 18, 0, 0]])
    for count, half in ((4, 2), (5, 3)):
        difference, error, df = paired_differences(losses[:count], np.zeros(2))
        assert difference.tolist() == means[:count].tolist()
        assert df == half  # one more for each other setting in the better half
        usual = variances[:half].mean()
        variance = ((half - 1) * usual + variances[:count]) / half
        variance = np.maximum(variance, variances[:count])  # a noisy one keeps its own
        np.testing.assert_allclose(error, np.sqrt(variance / 2))


def test_with_many_seeds_its_own_spread_counts():
    rng = np.random.default_rng(4)
    losses = rng.normal(size=(20, 2000)) * np.arange(1, 21)[:, None]
    _, error, df = paired_differences(losses, np.zeros(2000))
    assert df == SHARED + 1999
    np.testing.assert_allclose(error, losses.std(1) / 2000**0.5, rtol=0.5)


def test_many_settings_share_the_level():
    """Holm: of three p-values 0.02, 0.03 and 0.9 none is below 0.05 / 3."""
    each = np.linspace(-1, 1, 40)
    each /= each.std(ddof=1) / 40**0.5
    ratios = np.array([2.4, 2.2, 0.1])  # standard errors above the best
    losses = np.stack([0 * each, *(each + ratios[:, None])]) / 100 + 1

    assert [told(losses[0], one) for one in losses[1:3]] == [True, True]
    assert not clearly_worse(losses, 0).any()
    assert clearly_worse(losses[[0, 1, 3]], 0).tolist() == [False, True, False]
    losses[3] += 1  # now one is far off, and two share the level
    assert clearly_worse(losses, 0).tolist() == [False, True, True, True]


def test_rounding_is_no_difference():
    loss = np.random.default_rng(5).uniform(0.1, 0.2, 10)
    others = loss, loss * (1 + 1e-7), loss * 1.0001, loss + 0.01  # of no spread at all
    assert [told(loss, other) for other in others] == [False, False, True, True]
