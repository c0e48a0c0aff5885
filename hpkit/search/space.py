"""What a search tries: lists of values, and ranges to draw from.

    lr=[0.01, 0.1, 1]               these values
    lr=log_uniform(1e-4, 10)        drawn: each power of ten is as likely as the next

Nothing here trains.
"""

import math
from dataclasses import dataclass
from itertools import product

import numpy as np

from hpkit import hyperparameters as hp
from hpkit.hyperparameters import TABLE, check_name, check_value, refusal
from hpkit.locale import words

# Whole numbers: what is drawn is rounded.
COUNTS = [name for name, facts in TABLE.items() if facts.kind == "count"]
_NUMBERS = [name for name, facts in TABLE.items() if facts.kind in ("count", "number")]
MOST_TRIALS = 10**5
DIGITS = 4  # that a drawn value keeps: enough to try, short enough to read
# A drawn value within this share of the range from its end is at the edge.
EDGE = 0.05


@dataclass(frozen=True)
class Range:
    """From `low` to `high`, drawn evenly, on a log scale if `log`."""

    low: float
    high: float
    log: bool = False

    @property
    def ends(self) -> tuple[float, float]:
        return self.low, self.high

    def at(self, share: float) -> float:
        low, high = map(math.log, self.ends) if self.log else self.ends
        value = low + share * (high - low)
        value = float(f"{math.exp(value) if self.log else value:.{DIGITS}g}")
        return min(max(value, self.low), self.high)

    def share(self, value: float) -> float:
        ends = (*self.ends, value)
        low, high, value = map(math.log, ends) if self.log else ends
        return (value - low) / (high - low)

    def __repr__(self):
        name = "log_uniform" if self.log else "uniform"
        return f"{name}({self.low:g}, {self.high:g})"


def uniform(low: float, high: float) -> Range:
    """Return the range low to high, each part of it as likely as any other.

    Examples
    --------
    >>> uniform(0, 0.9)
    uniform(0, 0.9)
    """
    return Range(*_ends("uniform", low, high, -math.inf), log=False)


def log_uniform(low: float, high: float) -> Range:
    """Return the range low to high, each power of ten as likely as any other; low > 0.

    For values whose factor matters, as the learning rate's: 0.001 to 0.01 gets as
    many draws as 1 to 10. Bergstra and Bengio, Random search for hyper-parameter
    optimization, JMLR 13 (2012).

    Examples
    --------
    >>> log_uniform(1e-4, 10)
    log_uniform(0.0001, 10)
    """
    return Range(*_ends("log_uniform", low, high, 0), log=True)


def _ends(what, low, high, least):
    hint = words("hints")["range"].format(what=what)
    rule = {"low": least, "strict": True, "hint": hint}
    low, high = (hp.check_number(f"{what}_end", end, **rule) for end in (low, high))
    if low >= high:
        raise refusal("range", what=what, low=low, high=high)
    return low, high


def check_list(name, values):
    """Return the values to try as a tuple, at least one, all different."""
    # Of one of SciPy's distributions the way out is hpkit's own.
    hint = words("hints")["a_range" if hasattr(values, "rvs") else "a_list"]
    items = hp.check_items(name, values, hint=hint.format(name=name))
    plain = (v.item() if isinstance(v, np.generic) else v for v in items)
    values = tuple(check_value(name, value) for value in plain)
    if len(set(values)) < len(values):
        twice = next(v for v in values if values.count(v) > 1)
        raise refusal("twice", name=name, twice=twice)
    return values


def check_space(function, space, *, ranges=False):
    """Return the values to try by name; `ranges` says whether a `Range` may be one."""
    if not space:
        raise refusal("space", function=function)
    checked = {}
    for name, values in space.items():
        check_name(name)
        if not isinstance(values, Range):
            checked[name] = check_list(name, values)
            continue
        if not ranges:
            facts = {"function": function, "name": name}
            raise refusal("no_range", values, kind=TypeError, **facts)
        if name not in _NUMBERS:
            raise refusal("odd_range", values, kind=TypeError, name=name)
        for end in values.ends:
            check_value(name, as_count(name, end))
        checked[name] = values
    return checked


def as_count(name, value):
    return round(value) if name in COUNTS else value


def all_settings(base, space):
    every = product(*space.values())
    return [base.but(**dict(zip(space, values, strict=True))) for values in every]


def check_trials(count):
    return hp.check_count("n_trials", count, most=MOST_TRIALS)


def count_of(space):
    lists = [len(v) for v in space.values() if not isinstance(v, Range)]
    return math.prod(lists) if len(lists) == len(space) else math.inf


def drawn_settings(base, space, count, seed):
    if check_trials(count) > (most := count_of(space)):
        raise refusal("too_many_trials", most=most, count=count)
    rng, found = np.random.default_rng(hp.check_seed("search_seed", seed)), {}
    for _ in range(1000 * count):
        values = {name: draw(rng, name, v) for name, v in space.items()}
        found[base.but(**values)] = None  # a dict, since a set has no order
        if len(found) == count:
            return list(found)
    raise refusal("too_few_settings", count=count, found=len(found))


def draw(rng, name, values):
    if isinstance(values, Range) and name in COUNTS:  # the ends are whole parts, too
        low, high = round(values.low), round(values.high)
        drawn = Range(low - 0.5, high + 0.5, values.log).at(rng.random())
        return min(max(round(drawn), low), high)
    if isinstance(values, Range):
        return values.at(rng.random())
    return values[rng.integers(len(values))]


def edge_of(name, values, best, most=math.inf):
    """Say at which end of what may be tried the best value is: lowest, highest, None.

    An end beyond which nothing lies does not count: no momentum, one epoch, all points.
    """
    if isinstance(values, Range):
        share = values.share(best)
        low, high = as_count(name, values.low), as_count(name, values.high)
        at = {"lowest": share < EDGE, "highest": share > 1 - EDGE}
    elif name in _NUMBERS and len(values) > 1:
        low, high = min(values), max(values)
        at = {"lowest": best == low, "highest": best == high}
    else:
        return None
    at["lowest"] &= low > (1 if name in COUNTS else 0)
    at["highest"] &= name != "batch_size" or high < most
    return next((end for end, true in at.items() if true), None)
