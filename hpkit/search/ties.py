"""Which settings are as good as the best: the one rule of tables, maps and panels."""

import numpy as np

from hpkit.engine.runs import EVEN

LEVEL = 0.05  # share of equally good pairs that the rule tells apart all the same
SHARED = 12  # degrees of freedom that the usual variance counts for


def told_apart(losses, best):
    """Return which settings are worse than the best by more than luck.

    Parameters
    ----------
    losses : ndarray (n_settings, n_seeds)
        Finite; two seeds or more, the same for all settings.
    best : int
        Number of the setting with the lowest mean.

    Returns
    -------
    ndarray of bool (n_settings,)

    Notes
    -----
    Each setting is compared with the best seed by seed: see `compared`. With two
    settings this is the paired t-test. The best of many is partly the luckiest, so
    many settings share the level of 5 % (Holm, A simple sequentially rejective
    multiple test procedure, Scandinavian Journal of Statistics 6, 1979).
    """
    from scipy.special import stdtr

    others = np.flatnonzero(np.arange(len(losses)) != best)
    difference, error, df = compared(losses[others], losses[best])
    with np.errstate(divide="ignore", invalid="ignore"):
        chance = 2 * stdtr(df, -np.abs(difference / error))
    chance[np.abs(difference) <= EVEN * np.abs(losses[best].mean())] = 1
    order = np.argsort(chance, kind="stable")
    sure = chance[order] < LEVEL / np.arange(len(others), 0, -1)
    told = np.zeros(len(losses), bool)
    told[others[order[np.logical_and.accumulate(sure)]]] = True
    return told


def compared(losses, best):
    """Return how far settings are above another one, seed by seed.

    Parameters
    ----------
    losses : ndarray (n_settings, n_seeds)
    best : ndarray (n_seeds,)
        Losses of the other one, with the same seeds.

    Returns
    -------
    difference, error : ndarray (n_settings,)
        Mean of the differences and its standard error, their standard deviation (n - 1)
        over the square root of n.
    df : int
        Degrees of freedom of the error.

    Notes
    -----
    The spread of a few differences is a matter of luck, too. So each variance is pooled
    with the mean variance of the better half of the settings (Smyth, Linear models and
    empirical Bayes methods, 2004, with a fixed weight). Of one setting, or with many
    seeds, its own counts.
    """
    each = losses - best
    own, n = each.var(1, ddof=1), each.shape[1]
    half = max(min(2, len(own)), (len(own) + 1) // 2)
    usual = own[np.argsort(each.mean(1), kind="stable")[:half]].mean()
    shared = min(SHARED, (half - 1) * (n - 1))
    df = shared + n - 1
    variance = (shared * usual + (n - 1) * own) / df
    return each.mean(1), np.sqrt(variance / n), df


def factor(df):
    """Return how many standard errors tell two settings apart: 2.1 for 20 seeds."""
    from scipy.special import stdtrit

    return float(stdtrit(df, 1 - LEVEL / 2))
