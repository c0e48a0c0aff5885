"""What a search tries: lists of values, and ranges to draw from.

    lr=[0.01, 0.1, 1]               these values
    lr=log_uniform(1e-4, 10)        drawn: each power of ten is as likely as the next

Nothing here trains.
"""

import math
from dataclasses import dataclass
from itertools import product

import numpy as np

from hpkit.hyperparameters import (
    TABLE,
    check_items,
    check_name,
    check_number,
    check_value,
)

# Whole numbers: what is drawn is rounded.
COUNTS = [name for name, facts in TABLE.items() if facts.kind == "count"]
NUMBERS = [name for name, facts in TABLE.items() if facts.kind in ("count", "number")]
DIGITS = 4  # that a drawn value keeps: enough to try, short enough to read
# A drawn value within this share of the range from its end is at the edge.
EDGE = 0.05


@dataclass(frozen=True)
class Range:
    """From `low` to `high`, drawn evenly, on a log scale if `log`."""

    low: float
    high: float
    log: bool = False

    def at(self, share):
        """Return the value at a share of the way, 0 is `low` and 1 is `high`."""
        low, high = self.ends
        value = low + share * (high - low)
        value = float(f"{math.exp(value) if self.log else value:.{DIGITS}g}")
        return min(max(value, self.low), self.high)

    def share(self, value):
        """Return where in the range a value is, 0 to 1."""
        low, high = self.ends
        return ((math.log(value) if self.log else value) - low) / (high - low)

    @property
    def ends(self):
        """Both ends, as logarithms if `log`."""
        ends = self.low, self.high
        return tuple(map(math.log, ends)) if self.log else ends

    def __repr__(self):
        """Return the call that makes it."""
        name = "log_uniform" if self.log else "uniform"
        return f"{name}({self.low:g}, {self.high:g})"


def uniform(low, high):
    """Return the range low to high, each part of it as likely as any other.

    Parameters
    ----------
    low, high : float
        Ends of the range, low < high.

    Returns
    -------
    Range

    Raises
    ------
    ValueError, TypeError
        An end that is no finite number, or low >= high.

    Examples
    --------
    >>> uniform(0, 0.9)
    uniform(0, 0.9)
    """
    return Range(*check_ends("uniform", low, high, -math.inf), log=False)


def log_uniform(low, high):
    """Return the range low to high, each power of ten as likely as any other.

    Parameters
    ----------
    low, high : float
        Ends of the range, 0 < low < high.

    Returns
    -------
    Range

    Raises
    ------
    ValueError, TypeError
        An end that is no number > 0, or low >= high.

    Notes
    -----
    For values whose factor matters, as the learning rate's: 0.001 to 0.01 gets as
    many draws as 1 to 10. Bergstra and Bengio, Random search for hyper-parameter
    optimization, JMLR 13 (2012).

    Examples
    --------
    >>> log_uniform(1e-4, 10)
    log_uniform(0.0001, 10)
    """
    return Range(*check_ends("log_uniform", low, high, 0), log=True)


def check_ends(what, low, high, least):
    """Return both ends as floats, or raise."""
    hint = f"write {what}(0.001, 1)"
    low, high = (
        check_number(f"an end of {what}", end, low=least, strict=True, hint=hint)
        for end in (low, high)
    )
    if low >= high:
        raise ValueError(
            f"{what} must go from a lower to a higher number, got {low:g} to "
            f"{high:g}; {hint}."
        )
    return low, high


def check_list(name, values):
    """Return the values to try as a tuple, at least one, all different."""
    hint = f"write {name}=[...] with the values to try"
    if hasattr(values, "rvs"):  # one of SciPy's distributions
        hint = f"write {name}=hpkit.log_uniform(0.001, 1), in a search that draws"
    items = check_items(name, values, hint=hint)
    values = tuple(check_value(name, plain_value(item)) for item in items)
    if len(set(values)) < len(values):
        twice = next(v for v in values if values.count(v) > 1)
        raise ValueError(
            f"the values of {name} must differ, got {twice!r} more than once; leave "
            "the second one out."
        )
    return values


def plain_value(value):
    """Return a numpy number or text as Python's own."""
    return value.item() if isinstance(value, np.generic) else value


def check_space(function, space, *, ranges=False):
    """Return the values to try by name; `ranges` says whether a range may be one.

    Parameters
    ----------
    function : str
        For messages.
    space : dict
        Name of a hyperparameter: list, or `Range`.
    """
    if not space:
        raise ValueError(
            f"{function} must have a hyperparameter to try, got none; write for "
            "example lr=[0.01, 0.1, 1]."
        )
    checked = {}
    for name, values in space.items():
        check_name(name)
        if isinstance(values, Range):
            checked[name] = check_range(function, name, values, ranges)
        else:
            checked[name] = check_list(name, values)
    return checked


def check_range(function, name, values, allowed):
    """Return the range if a search may draw from it, else raise."""
    if not allowed:
        raise TypeError(
            f"{function} tries every value of a list, so {name} must be one, got the "
            f"range {values!r}; use random_search, or write a list."
        )
    if name not in NUMBERS:
        raise TypeError(
            f"a range must be of numbers, got {values!r} for {name}; write a list of "
            "values."
        )
    for end in (values.low, values.high):
        check_value(name, as_count(name, end))
    return values


def as_count(name, value):
    """Return the value, rounded if only whole numbers make sense."""
    return round(value) if name in COUNTS else value


def all_settings(base, space):
    """Return every combination, the last name changing fastest."""
    return [
        base.but(**dict(zip(space, values, strict=True)))
        for values in product(*space.values())
    ]


def count_of(space):
    """Return how many different settings there are; inf with a range."""
    lists = [len(v) for v in space.values() if not isinstance(v, Range)]
    return math.prod(lists) if len(lists) == len(space) else math.inf


def drawn_settings(base, space, count, seed):
    """Return that many different settings, drawn at random from the space."""
    if count > count_of(space):
        raise ValueError(
            f"n_trials must be at most the number of combinations, {count_of(space)}, "
            f"got {count}; that many are a grid search, or give longer lists."
        )
    rng, found = np.random.default_rng(seed), {}
    for _ in range(1000 * count):
        values = {name: draw(rng, name, v) for name, v in space.items()}
        found[base.but(**values)] = None  # a dict, since a set has no order
        if len(found) == count:
            return list(found)
    raise ValueError(
        f"n_trials must be at most the number of different settings, got {count}, and "
        f"drawing found only {len(found)}; ask for fewer, or widen the ranges."
    )


def draw(rng, name, values):
    """Return one value at random."""
    if isinstance(values, Range) and name in COUNTS:  # the ends are whole parts, too
        low, high = round(values.low), round(values.high)
        drawn = Range(low - 0.5, high + 0.5, values.log).at(rng.random())
        return min(max(round(drawn), low), high)
    if isinstance(values, Range):
        return values.at(rng.random())
    return values[rng.integers(len(values))]


def edge_of(name, values, best, most=math.inf):
    """Say at which end of what may be tried the best value is: lowest, highest, None.

    An end beyond which nothing lies does not count: no momentum, one epoch, a batch of
    all points, of which there are `most`.
    """
    if isinstance(values, Range):
        share = values.share(best)
        low, high = as_count(name, values.low), as_count(name, values.high)
        at = {"lowest": share < EDGE, "highest": share > 1 - EDGE}
    elif name in NUMBERS and len(values) > 1:
        low, high = min(values), max(values)
        at = {"lowest": best == low, "highest": best == high}
    else:
        return None
    at["lowest"] &= low > (1 if name in COUNTS else 0)
    at["highest"] &= name != "batch_size" or high < most
    return next((end for end, true in at.items() if true), None)
