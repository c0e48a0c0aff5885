"""What a search tries: lists of values, and ranges to draw from."""

import math
from dataclasses import dataclass, replace

import numpy as np

from hpkit import hyperparameters as hp
from hpkit.hyperparameters import TABLE, check_name, refusal
from hpkit.locale import tr

MOST_TRIALS = 10**5
_SIGNIFICANT = 4  # digits that a drawn value keeps: enough to try, short enough to read
_EDGE_SHARE = 0.05  # a drawn value this close to an end of its range is at the edge


@dataclass(frozen=True)
class Range:
    """From `low` to `high`, drawn evenly, on a log scale if `log`, `whole` numbers."""

    low: float
    high: float
    log: bool = False
    whole: bool = False

    def _scaled(self, *values):
        return map(math.log, values) if self.log else values

    def at(self, share: float) -> float:
        low, high = self._scaled(self.low, self.high)
        value = low + share * (high - low)
        value = math.exp(value) if self.log else value
        value = round(value) if self.whole else float(f"{value:.{_SIGNIFICANT}g}")
        return min(max(value, self.low), self.high)

    def __repr__(self):
        name = "log_uniform" if self.log else "uniform"
        whole = ", whole=True" if self.whole else ""
        return f"{name}({hp.brief(self.low)}, {hp.brief(self.high)}{whole})"


def uniform(low: float, high: float, *, whole: bool = False) -> Range:
    """Return the range low to high, each part of it as likely as any other.

    `whole` draws whole numbers, as counts such as epochs always are.

    Examples
    --------
    >>> uniform(0, 0.9)
    uniform(0, 0.9)
    """
    return _range("uniform", low, high, whole, least=-math.inf)


def log_uniform(low: float, high: float, *, whole: bool = False) -> Range:
    """Return the range low to high, each power of ten as likely as any other; low > 0.

    For values where factors matter, such as the learning rate: 0.001 to 0.01 gets as
    many draws as 1 to 10. `whole` is as in `uniform`.

    Examples
    --------
    >>> log_uniform(1e-4, 10)
    log_uniform(0.0001, 10)
    """
    return _range("log_uniform", low, high, whole, least=0)


def _range(kind, low, high, whole, least):
    hint = tr("hints.range", what=kind)
    rule = {"low": least, "strict": True, "hint": hint}
    low, high = (hp.check_number(f"{kind}_end", end, **rule) for end in (low, high))
    if low >= high:
        raise refusal("range", what=kind, low=low, high=high)
    if hp.check_flag("whole", whole):
        rule = {"low": max(least + 1, -(10**9)), "hint": hint}
        low, high = (hp.check_count(f"{kind}_end", end, **rule) for end in (low, high))
    return Range(low, high, kind == "log_uniform", whole)


# SciPy's distributions that are taken as a `Range`, and its `log` and `whole`.
_SCIPY = {"uniform": (), "loguniform": (True,), "randint": (False, True)}


def check_list(name, values):
    hint = tr("hints.values" if name in TABLE else "hints.own_values", name=name)
    items = hp.check_items(name, values, hint=hint)
    values = tuple(TABLE[name].check(name, hp.to_python(value)) for value in items)
    if len(set(values)) < len(values):
        twice = next(v for v in values if values.count(v) > 1)
        raise refusal("twice", name=name, twice=twice)
    return values


def check_space(function, space, *, ranges=False, own=()):
    """Return the values to try by name: tuples, or with `ranges` also a `Range`."""
    if not space:
        raise refusal("space", function=function)
    checked = {}
    for name, values in space.items():
        kind = TABLE[check_name(name, own)].kind
        distribution = getattr(getattr(values, "dist", None), "name", None)
        if distribution in _SCIPY:
            values = Range(*map(float, values.support()), *_SCIPY[distribution])
        if kind == "units" and isinstance(values, tuple) and hp.are_numbers(values):
            raise refusal("units", values, kind=TypeError)  # one network, or several?
        if not isinstance(values, Range):
            checked[name] = check_list(name, values)
            continue
        if not ranges:
            facts = {"function": function, "name": name}
            raise refusal("no_range", values, kind=TypeError, **facts)
        if kind in ("choice", "units"):
            raise refusal("odd_range", values, kind=TypeError, name=name)
        if values.whole or kind == "count":
            low, high = map(round, (values.low, values.high))
            low = max(low, 1) if values.log else low  # where 0.4 was rounded to 0
            values = Range(low, high, values.log, whole=True)
        checked[name] = values
    return checked


def range_ends(values):
    """Return the lowest and the highest value of a `Range`, or a list as it is."""
    return (values.low, values.high) if isinstance(values, Range) else values


def with_own_names(base, space):
    """Return `base` with the custom names of a space, too, at their first values."""
    first = {n: range_ends(v)[0] for n, v in space.items() if n not in TABLE}
    return base.but(own=first | dict(base.own)) if first else base


def space_size(space):
    lists = [len(v) for v in space.values() if not isinstance(v, Range)]
    return math.prod(lists) if len(lists) == len(space) else math.inf


def draw_settings(base, space, count, seed):
    count = hp.check_count("n_trials", count, most=MOST_TRIALS)
    if count > (most := space_size(space)):
        raise refusal("too_many_trials", most=most, count=count)
    rng, drawn = np.random.default_rng(hp.check_seed("search_seed", seed)), {}
    for _ in range(1000 * count):
        values = {name: draw_value(rng, v) for name, v in space.items()}
        drawn[base.but(**values)] = None  # a dict, since a set has no order
        if len(drawn) == count:
            return list(drawn)
    raise refusal("too_few_settings", count=count, found=len(drawn))


def draw_value(rng, values):
    if not isinstance(values, Range):
        return values[rng.integers(len(values))]
    low, high = range_ends(values)
    if values.whole:  # so that the ends are as likely as other numbers
        values = replace(values, low=low - 0.5, high=high + 0.5)
    return min(max(values.at(rng.random()), low), high)


def edge_side(name, values, best, most, tried=()):
    """Return the end at which the best value is, if values beyond it are possible."""
    if all(isinstance(v, tuple) and len(v) == 1 for v in (best, *range_ends(values))):
        values, best = [width for (width,) in values], *best  # of one hidden layer
    if isinstance(values, Range):
        low, high = range_ends(values)
        start, end, place = values._scaled(low, high, best)
        share = (place - start) / (end - start)
        lowest = share < _EDGE_SHARE or best == min(tried, default=None)
        highest = share > 1 - _EDGE_SHARE or best == max(tried, default=None)
    elif hp.are_numbers(values):
        low, high = min(values), max(values)
        lowest, highest = best == low, best == high
    else:
        return None
    if lowest and (low > (1 if isinstance(low, int) else 0) or low < 0):
        return "lowest"
    return "highest" if highest and (name != "batch_size" or high < most) else None
