"""Searches: the lowest loss so far, and all settings in parallel coordinates."""

from collections.abc import Mapping, Sequence

import numpy as np

from hpkit.charts.colors import CLASSES, SHAPES
from hpkit.charts.loss import floor_of
from hpkit.charts.spec import Axis, Chart, line, points, text
from hpkit.hyperparameters import TABLE, are_numbers
from hpkit.locale import Texts
from hpkit.search.space import Range
from hpkit.text import shown

WORDS = Texts("charts")
_DASHES = (None, "dashed", "dotted", "dashdot")
_COLUMN = 0.07  # of the budget: from one column of ends to the next
_MOST = 7  # values of a list that are all written at their axis
_WIDE = 8  # numbers that span this factor stand on a logarithmic axis


def best_so_far_chart(
    searches, *, look=None, budget=None, ends=None, log=None, label="{} {:.3g}", **chart
) -> Chart:
    """Return a step line for each `Search`, by name: the lowest loss so far.

    `look` has their "colors", "dashes" and "shapes", `ends` by name the lowest loss of
    each of many races, drawn as a column of points at the right. The loss axis is
    logarithmic, unless `log` says otherwise, where the lines span a factor of ten.
    """
    looks = {"colors": CLASSES, "dashes": _DASHES, "shapes": SHAPES} | dict(look or {})
    curves = {name: search.best_so_far() for name, search in searches.items()}
    spent = [epochs for epochs, _ in curves.values()]
    x, y = np.full((2, len(curves), max([1, *map(len, spent)])), np.nan)
    budget = budget or max([1, *(epochs[-1] for epochs in spent)])
    at, height, owner, tips, labels, room = [], [], [], [], [], 0
    for k, (name, (epochs, loss)) in enumerate(curves.items()):
        x[k, : len(epochs)], y[k, : len(loss)] = epochs, loss
        column = list((ends or {}).get(name, ()))
        at += [epochs[-1], *[budget * (1 + _COLUMN * (k + 1))] * len(column)]
        height += [loss[-1], *column]
        owner += [k] * (1 + len(column))
        tips.append(f"{name} {loss[-1]:.3g}")
        tips += [WORDS["race"].format(n, name, v) for n, v in enumerate(column, 1)]
        labels.append(label.format(name, loss[-1]))
        room = (len(curves) + 0.7) * _COLUMN if column else room
    tops = [*(np.fmax.reduce(loss) for _, loss in curves.values()), *height]
    low, high = (np.fmin.reduce(tops), np.fmax.reduce(tops)) if tops else (0.1, 1.0)
    log, floor = high > 10 * low > 0 if log is None else log, floor_of([low, high])
    span = (0.8 * low, 1.15 * high) if log else (floor, floor + 1.08 * (high - floor))
    ticks = np.linspace(0, budget, 4).round() if room else ()

    def of(name, numbers):
        return [looks[name][k % len(looks[name])] for k in numbers]

    every = range(len(curves))
    steps = {"color": of("colors", every), "dash": of("dashes", every), "step": True}
    steps |= {"width": 2.6, "name": list(curves), "label": labels}
    dots = {"color": of("colors", owner), "shape": of("shapes", owner), "size": 4}
    across = Axis(WORDS["spent"], (0, budget * (1.02 + room)), ticks=ticks)
    up = Axis(WORDS["so_far"], span, "log" if log else "linear")
    marks = [line(x, y, **steps), points(at, height, **dots, tip=tips)]
    return Chart(across, up, marks, **chart)


def parallel_axes(space: Mapping[str, object], losses: Sequence[float]) -> list[Axis]:
    """Return an axis for each hyperparameter of a space, and one for the loss."""
    fine = [float(loss) for loss in losses if np.isfinite(loss)] or [0.1, 1.0]
    axes = [_axis(name, values, len(space)) for name, values in space.items()]
    kind = "log" if min(fine) > 0 else "linear"
    return [*axes, Axis(WORDS["loss"], (min(fine), max(fine)), kind)]


def _axis(name, values, count):
    label = TABLE[name].label if count < 3 else TABLE[name].short
    if isinstance(values, Range):
        return Axis(label, (values.low, values.high), "log" if values.log else "linear")
    if not are_numbers(values):
        return Axis(label, kind="band", texts=list(map(shown, values)))
    values = sorted(values)
    low, high = values[0], values[-1]
    log = low > 0 and high / low >= _WIDE
    ticks = values if len(values) <= _MOST else ()
    return Axis(label, (low, high), "log" if log else "linear", ticks=ticks)


def parallel_shares(search, axes: Sequence[Axis]) -> np.ndarray:
    """Return the places 0..1 (settings, axes); the loss of what diverged is nan."""
    runs = search.runs
    loss = np.where(runs.diverged.any(1), np.nan, runs.mean_val_loss)
    columns = [[getattr(s, name) for s in runs.settings] for name in search.space]
    for axis, column in zip(axes, columns, strict=False):
        if axis.kind == "band":
            column[:] = [axis.texts.index(shown(value)) for value in column]
    each = zip(axes, [*columns, loss], strict=True)
    return np.stack([axis.shares(places) for axis, places in each], 1)


def inside(shares: np.ndarray, low: Sequence[float], high: Sequence[float]):
    """Return which settings are in the range of every axis."""
    return ((shares >= np.array(low) - 1e-6) & (shares <= np.array(high) + 1e-6)).all(1)


def _value_at(axis: Axis, share: float) -> str:
    """Return what stands at a share (0 to 1) of an axis."""
    if axis.texts:
        return axis.texts[round(share * (len(axis.texts) - 1))]
    low, high = axis.domain
    between = low + share * (high - low)
    value = low * (high / low) ** share if axis.kind == "log" else between
    return f"{float(f'{value:.3g}'):g}"


def parallel_chart(axes, shares, strong, looks, *, chosen=None, **chart) -> Chart:
    """Return a line for each setting, those that are `strong` in color.

    `looks` are lists, one a setting: "color", "shape" (of ends of strong lines),
    "tip", "label". `chosen` are the ends (shares) of a range on each axis, which a
    learner draws. Without them what diverged ends in an x at the top.
    """
    at, last, out = np.arange(len(axes)), len(axes) - 1, np.isnan(shares[:, -1])
    pale, front = np.flatnonzero(~strong), np.flatnonzero(strong)
    gone = np.flatnonzero(out) if chosen is None else at[:0]
    heights = np.where(np.isnan(shares), 1.0, shares)

    def some(numbers, *names):
        there = [name for name in names if len(looks.get(name, ()))]
        return {name: [looks[name][i] for i in numbers] for name in there}

    grays = {"color": "gray", "width": 1, "opacity": 0.35} | some(pale, "tip")
    grays["dash"] = ["dotted" if out[i] else None for i in pale] or None
    dots = some(front, "color", "shape") | {"size": 4, "hover": False}
    colors = some(front, "color", "tip", "label")
    limits = [_value_at(axis, end) for end in (0, 1) for axis in axes]
    below, sides = np.repeat([-0.1, 1.1], len(at)), np.repeat([[0, 1]], len(at), 0)
    marks = [
        line(np.stack([at, at], 1), sides, color="ink", width=1, hover=False),
        line(at, heights[pale], **grays),
        line(at, heights[front], width=1.8, opacity=0.9, **colors),
        points(0 * front + last, heights[front, -1], **dots),
        text(np.tile(at, 2), below, limits, size=0.9),
        points(0 * gone + last, 0 * gone + 1, shape="x", color="soft", hover=False),
        *(() if chosen is None else _ends(axes, np.array(chosen))),
    ]
    names = Axis("", kind="band", texts=[axis.label for axis in axes])
    return Chart(names, Axis("", (-0.12, 1.12), "none"), marks, grid=False, **chart)


def _ends(axes, ends):
    """Return the marks of ranges on axes: bars, their ends to draw, their values."""
    at, inner, drawn, look = np.arange(len(axes)), [], [], {"color": "orange"}
    part = np.flatnonzero((ends[0] > 0) | (ends[1] < 1))
    soft = look | {"width": 5, "opacity": 0.5, "hover": False}
    bars = line(np.stack([part, part], 1), ends.T[part], **soft)
    for name, shares in zip(("low", "high"), ends, strict=True):
        values = list(map(_value_at, axes, shares))
        tip = [WORDS[name].format(axes[i].label, values[i]) for i in at]
        drawn.append(line(at, shares, draw=name, opacity=0, tip=tip, **look))
        inner += [(i + 0.08, shares[i], values[i]) for i in at if 0 < shares[i] < 1]
    places = list(zip(*inner, strict=True)) or [(), (), ()]
    return [bars, *drawn, text(*places, anchor="start", size=0.9, strong=True)]
