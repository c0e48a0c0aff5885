"""One description of a chart, drawn live (`live`, chart.js) and still (`still`).

A recipe, for a panel or a plot:

    from hpkit.charts.spec import Axis, Chart, cross, line, points, ring

    def loss_chart(run, top):          # a function of results: no widget, no state
        return Chart(
            Axis("epoch", (0, run.setting.epochs)),
            Axis("loss", (0, top)),
            [
                line(epochs, run.train_loss, dash="dashed", label="training"),
                line(epochs, run.val_loss, width=3, label="validation", strong=True),
                ring(run.best_epoch, run.best_val_loss, label="lowest 0.26"),
                cross([], label="diverged"),   # no place: nothing is drawn
            ],
            alt="Training and validation loss of one run.",
        )

    charts = LiveCharts(widths=(5, 6), calls={"curve": panel.choose})    # live.py
    charts.show([loss_chart(run, top), other], sentence="<b>Done.</b>")
    picture([loss_chart(run, top), other], (5, 6))    # still.py: PNG or SVG as bytes
    draw(ax, loss_chart(run, top))                    # still.py: on axes of matplotlib

Places are in units of the axes. The marks are drawn in their order. Where a mark has
rows (lines) or points, any look may be one value or a list with one for each; the last
one stands for all further ones. Colors are names of `colors.COLORS` or hexadecimal. A
place that is not finite is not drawn. Keep the number and the kinds of the marks of a
chart the same from picture to picture (empty ones cost nothing): only marks that
changed are sent. `click`, `draw` and `ranges` name what is told: `calls[name](index)`,
`calls[name](heights)`, `calls[name](axis, low, high)`.

Nothing in here knows how anything is drawn.
"""

import json
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hpkit.charts.colors import RAMP

_HOVER = "color opacity name tip hover click legend"
_LOOKS = {
    "line": f"{_HOVER} width dash step label strong halo draw",
    "band": "color opacity legend",
    "points": f"{_HOVER} shape size filled label strong",
    "ring": "color label legend",
    "cross": "color label name tip hover click legend",
    "rule": "color width dash across label legend",
    "text": "color anchor size strong room",
    "cells": "name tip click lift",
    "frames": "color width dash inset legend",
    "image": "extent smooth",
    "ranges": "name axes color",
}


@dataclass
class Axis:
    """An axis: "linear" or "log" over a domain, or "band": one place for each text.

    `ticks` are places in lieu of round numbers, `texts` what stands at them.
    """

    label: str = ""
    domain: tuple[float, float] = (0.0, 1.0)
    kind: str = "linear"
    texts: Sequence[str] = ()
    ticks: Sequence[float] = ()

    def __post_init__(self):
        if self.kind == "band":
            self.domain = (-0.5, len(self.texts) - 0.5)

    def spec(self) -> dict:
        """Return the axis as JSON can hold it."""
        made: dict[str, Any] = {"label": self.label, "kind": self.kind}
        made["domain"] = [float(end) for end in self.domain]
        if len(self.texts):
            made["texts"] = list(self.texts)
        if len(self.ticks):
            made["ticks"] = [float(place) for place in self.ticks]
        return made


def value_at(axis: Axis, share: float) -> str:
    """Return what stands at a share (0 to 1) of an axis."""
    if axis.texts:
        return axis.texts[round(share * (len(axis.texts) - 1))]
    low, high = axis.domain
    between = low + share * (high - low)
    value = low * (high / low) ** share if axis.kind == "log" else between
    return f"{float(f'{value:.3g}'):g}"


@dataclass
class Mark:
    """Something drawn: its kind, its numbers (each of rows and columns), its look."""

    kind: str
    columns: tuple[np.ndarray, ...]
    look: dict[str, Any]

    def get(self, name: str, other: Any = None) -> Any:
        """Return a look, or `other` where it was not given."""
        return self.look.get(name, other)

    def each(self, name: str, number: int, other: Any = None) -> Any:
        """Return a look of row or point `number`."""
        value = self.look.get(name, other)
        if isinstance(value, list):
            return value[min(number, len(value) - 1)] if value else other
        return value

    def spec(self) -> dict:
        """Return kind and look as JSON can hold them."""
        look = dict(self.look)
        if "axes" in look:
            look["axes"] = [axis.spec() for axis in look["axes"]]
        ramp = {"ramp": list(RAMP)} if self.kind == "cells" else {}
        return {"kind": self.kind, **look, **ramp}

    def data(self) -> bytes:
        """Return the numbers: how many columns, their shapes, then four bytes each."""
        shapes = [n for column in self.columns for n in column.shape]
        head = np.array([len(self.columns), *shapes], np.int32)
        return b"".join([head.tobytes(), *(c.tobytes() for c in self.columns)])


def _mark(kind, columns, look):
    """Return a mark; a look that its kind does not have is refused."""
    if unknown := set(look) - set(_LOOKS[kind].split()):
        raise TypeError(
            f"{kind} has no look {', '.join(sorted(unknown))}; it has: {_LOOKS[kind]}"
        )
    columns = [np.atleast_2d(np.asarray(c, np.float32)) for c in columns]
    look = {
        name: list(value) if isinstance(value, tuple | np.ndarray) else value
        for name, value in look.items()
        if value is not None
    }
    return Mark(kind, tuple(columns), look)


def line(x, y, **look) -> Mark:
    """Lines, one a row of `y`; `x` is shared or has rows as well.

    `label` stands at the right end, `strong` ones first; `step` keeps a height until
    the next place; `halo` sets the line off from cells; `draw` lets a learner draw it.
    """
    return _mark("line", (x, y), look)


def band(x, low, high, **look) -> Mark:
    """The area between two curves."""
    return _mark("band", (x, low, high), look)


def points(x, y, **look) -> Mark:
    """Points.

    `shape` is one of `colors.SHAPES`, `size` a radius in pixels at letters of 13,
    `label` is written beside each where there is room, `tip` is what hovering says.
    """
    return _mark("points", (x, y), look)


def ring(x, y, **look) -> Mark:
    """Rings around points, such as the lowest; `label` is written beside the first."""
    return _mark("ring", (x, y), look)


def cross(x, **look) -> Mark:
    """Crosses at the upper edge: what diverged; `label` is written beside the first."""
    return _mark("cross", (x,), look)


def rule(at, **look) -> Mark:
    """Lines through the whole chart: upright, or `across`."""
    return _mark("rule", (at,), look)


def text(x, y, texts: Sequence[str], **look) -> Mark:
    """Texts at places; `anchor` is "start", "middle" (default) or "end".

    All are smaller where one is wider than `room`, in units of the axis across.
    """
    made = _mark("text", (x, y), look)
    made.look["texts"] = list(texts)
    return made


def cells(values, **look) -> Mark:
    """A heat map, rows from below; nan is not known, inf diverged.

    `lift` raises the numbers by a share of a cell; `click` tells a cell by its number:
    row * columns + column.
    """
    return _mark("cells", (values,), look)


def frames(columns, rows, **look) -> Mark:
    """Outlines of cells, around neighbors as one; `inset` moves a lone one inwards."""
    return _mark("frames", (columns, rows), look)


def image(pixels: np.ndarray, **look) -> Mark:
    """A picture, uint8 (rows from below, columns, 4), over `extent` or the whole chart.

    `extent` is (left, right, bottom, top).
    """
    made = _mark("image", (), look)
    packed = np.ascontiguousarray(pixels, np.uint8).view(np.int32)[..., 0]
    made.columns = (packed,)
    return made


def ranges(low, high, axes: Sequence[Axis], **look) -> Mark:
    """Upright axes at the places 0, 1, ..., with a range of 0 to 1 on each.

    A learner sets a range with the mouse or the arrow keys; `name` is what is told.
    `axes` say what 0 and 1 stand for.
    """
    return _mark("ranges", (low, high), {**look, "axes": list(axes)})


@dataclass
class Chart:
    """Axes and marks, in the order in which they are drawn.

    `height` is in heights of a letter: a chart grows with the font. `ends` heads the
    labels at the ends of lines; `choose` says what the arrow keys choose.
    """

    x: Axis
    y: Axis
    marks: list[Mark]
    title: str = ""
    alt: str = ""
    height: float = 20.0
    grid: bool = True
    ends: str = ""
    choose: str = ""

    def spec(self) -> dict:
        """Return all but the numbers, as JSON can hold it."""
        texts = {n: getattr(self, n) for n in ("title", "alt", "ends", "choose")}
        marks = [mark.spec() for mark in self.marks]
        return {
            **{"x": self.x.spec(), "y": self.y.spec(), "marks": marks, **texts},
            **{"height": float(self.height), "grid": self.grid},
        }


def state(charts: Sequence[Chart]) -> dict[str, dict | bytes]:
    """Return what chart.js draws: "c0" for a chart's spec, "c0m1" for a mark's data."""
    made: dict[str, dict | bytes] = {}
    for i, chart in enumerate(charts):
        made[f"c{i}"] = chart.spec()
        made |= {f"c{i}m{k}": mark.data() for k, mark in enumerate(chart.marks)}
    return made


def to_json(charts: Sequence[Chart], widths: Sequence[float] = (1,)) -> str:
    """Return charts for a page without a kernel."""
    plain = {
        key: value if isinstance(value, dict) else b64encode(value).decode()
        for key, value in state(charts).items()
    }
    return json.dumps({"widths": list(widths), **plain})
