"""One description of a chart, drawn live (chart.js) and still (`still`).

    chart = Chart(
        Axis("epoch", (0, epochs)), Axis("loss", (0, top)),
        [line(at, loss, label="training"), cross([], label="diverged")],  # empty: none
        alt="The training loss of one run.")
    LiveCharts(calls={"curve": panel.choose}).show([chart, other])
    picture([chart, other], (5, 6)); draw(ax, chart)                      # still.py

Places are in units of the axes. The marks are drawn in their order. Where a mark has
rows (lines) or points, any look may be one value or a list with one for each; the last
one stands for all further ones. Colors are names of `COLORS` or hexadecimal. A
place that is not finite is not drawn. Keep the number and the kinds of the marks of a
chart the same from picture to picture (empty ones cost nothing): only marks that
changed are sent. `click` and `draw` name what is told: `calls[name](index)`,
`calls[name](heights)`. The plain marks:

    line(x, y)          lines, one a row of y; x is shared or has rows as well
    band(x, low, high)  the area between two curves
    points(x, y)        `shape` is one of _SHAPES
    ring(x, y)          around points; the first is labeled
    cross(x)            at the upper edge, of what diverged; the same label once
    rule(at)            lines through the whole chart: upright, or `across`

A `label` stands at the right end of a line (`strong` ones first) and beside a point,
where there is room; `tip` is said in hovering, `legend` above the chart; `size` is a
radius in pixels at letters of 13. `step` keeps a height until the next place, `halo`
sets a line off from cells, `draw` lets a learner draw it (one line of a chart).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from hpkit.locale import words

# Okabe and Ito's colors (2008) can be told apart with color-blind eyes. On a dark page
# their lighter ones stand in. Whatever differs in color differs in shape, dash or label
# as well. By name: on a light page (and in every still picture), on a dark page.
COLORS = {
    "blue": ("#0072B2", "#56B4E9"),
    "orange": ("#D55E00", "#E69F00"),
    "green": ("#007F5C", "#2FC79B"),
    "purple": ("#AA4C83", "#E3A1C6"),
    "brown": ("#8A6500", "#F0E442"),
    "sky": ("#2B83B8", "#9AD4F5"),
    "gray": ("#8C8C8C", "#8F8F8F"),
    "ink": ("#222222", "#E6E6E6"),
    "ground": ("#FFFFFF", "#111111"),
    "soft": ("#5F6368", "#A8ADB3"),  # numbers on axes
    "grid": ("#E9EBEE", "#2C2F33"),
}
PINNED = ("orange", "purple", "ink", "green", "sky")  # three can be told apart in gray
CLASSES = ("blue", "orange", "green", "purple", "brown", "sky")
HIGHEST = 3  # times the loss before training: what lies above is cut
FEW = 4  # settings of which every line has room; more are a tangle
# Of the classes, for eyes without color.
_SHAPES = ("circle", "triangle", "square", "diamond", "plus", "x")
_DASHES = (None, "dashed", "dotted", "dashdot")
# ColorBrewer's YlGnBu without its ends, from dark (low) to light: frames stand out on
# every cell, and the order is kept in gray print.
_RAMP = bytes.fromhex("1F2F88 2258A5 1E80B8 2FA4C2 59BFC0 8FD4BD C7E9B4 EDF8B6")

# VS Code shows widgets on white in every theme.
_LIGHT = ":is([data-jp-theme-light=true], [data-vscode-theme-kind], .notebook_app) {0}"
_DARK = "[data-jp-theme-light=false] {0}"
GUESS = {"color": "purple", "width": 2.5, "dash": "dotted"}  # what a learner expects


@dataclass
class Axis:
    """An axis: "linear" or "log" over a domain, or "band": one place for each text."""

    # `ticks` are places in lieu of round numbers, `texts` what stands at them; an axis
    # of kind "none" is linear and has no ticks.

    label: str = ""
    domain: tuple[float, float] = (0.0, 1.0)
    kind: str = "linear"
    texts: Sequence[str] = ()
    ticks: Sequence[float] = ()

    def __post_init__(self):
        if self.kind == "band":
            self.domain = (-0.5, len(self.texts) - 0.5)

    def spec(self) -> dict:
        made: dict[str, Any] = {"label": self.label, "kind": self.kind}
        for name, kind in (("domain", float), ("texts", str), ("ticks", float)):
            made[name] = list(map(kind, getattr(self, name)))
        return {name: value for name, value in made.items() if value != []}

    def shares(self, places) -> np.ndarray:
        """Return places as shares of the axis, 0 to 1."""
        curve = np.log if self.kind == "log" else np.asarray
        ends = (0, max(1, len(self.texts) - 1)) if self.kind == "band" else self.domain
        low, high = curve(ends)
        return (curve(np.asarray(places, float)) - low) / (high - low or 1.0)


@dataclass
class Mark:
    """Something drawn: its kind, its numbers (each of rows and columns), its look."""

    kind: str
    columns: tuple[np.ndarray, ...]
    style: dict[str, Any]

    def get(self, name: str, other: Any = None) -> Any:
        return self.style.get(name, other)

    def each(self, name: str, number: int, other: Any = None) -> Any:
        """Return a look of row or point `number`."""
        value = self.style.get(name, other)
        if isinstance(value, list):
            return value[min(number, len(value) - 1)] if value else other
        return value

    def spec(self) -> dict:
        return {"kind": self.kind, **self.style}

    def data(self) -> bytes:
        """Return the numbers: how many columns, their shapes, then four bytes each."""
        shapes = [n for column in self.columns for n in column.shape]
        head = np.array([len(self.columns), *shapes], np.int32)
        return b"".join([head.tobytes(), *(c.tobytes() for c in self.columns)])


def style_of(number):
    """Return color, shape and dash of one of several, by its number."""
    return tuple(looks[number % len(looks)] for looks in (CLASSES, _SHAPES, _DASHES))


def _mark(kind, *columns, **look):
    columns = [np.atleast_2d(column) for column in columns]
    columns = [c if c.dtype == np.uint32 else c.astype(np.float32) for c in columns]
    look = {name: _to_json(value) for name, value in look.items() if value is not None}
    return Mark(kind, tuple(columns), look)


def _to_json(value):
    """Return a look as JSON can hold it, which knows neither tuples nor np.True_."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    return list(value) if isinstance(value, tuple) else value


_KINDS = ("line", "band", "points", "ring", "cross", "rule")
line, band, points, ring, cross, rule = (partial(_mark, kind) for kind in _KINDS)


def _packed(pixels):
    """Return colors (rows, columns, 4) as one number each, of four bytes."""
    return np.ascontiguousarray(pixels, np.uint8).view(np.uint32)[..., 0]


def unpack_pixels(column):
    """Return the colors (rows, columns, 4) of a column of a mark, uint8."""
    return column[..., None].view(np.uint8).reshape(*column.shape, 4)


def text(x, y, texts: Sequence[str], **look) -> Mark:
    """Return texts at places; `anchor` is "start", "middle" (default) or "end"."""
    # All are smaller where one is wider than `room`, in units of the axis across.
    return _mark("text", x, y, texts=list(texts), **look)


def cells(values, beside=(), **look) -> Mark:
    """Return a heat map, rows from below; nan is not known, inf diverged."""
    # `lift` raises the numbers by a share of a cell; `click` tells which one: row *
    # columns + column. The colors are those of a map with what is `beside` as well.
    values = np.atleast_2d(np.asarray(values, float))
    colors = _packed((255 * cell_colors(values, beside)).round())
    return _mark("cells", values, colors, **look)


def frames(columns, rows, **look) -> Mark:
    """Return outlines of cells, around neighbors as one; a lone one lies `inset`."""
    there = set(zip(map(int, columns), map(int, rows), strict=True))
    half = 0.5 - look.get("inset", 0.0) * (len(there) == 1)
    sides = [
        [(c + half * x, r + half * y) for x, y in ((a - b, a + b), (a + b, b - a))]
        for c, r in sorted(there)
        for a, b in ((1, 0), (-1, 0), (0, 1), (0, -1))
        if (c + a, r + b) not in there
    ]
    x, y = np.array([[*side, (np.nan, np.nan)] for side in sides]).reshape(-1, 2).T
    return _mark("frames", x, y, **look)


def image(pixels: np.ndarray) -> Mark:
    """Return a picture, uint8 (rows from below, columns, 4), over the whole chart."""
    return _mark("image", _packed(pixels))


@dataclass
class Chart:
    """Axes and marks, in the order in which they are drawn."""

    # `height` is in heights of a letter: a chart grows with the font. `ends` heads the
    # labels at the ends of lines; `choose` says what the arrow keys
    # choose; by default it names the axes, and `alt` is read out after it.

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
        said, marks = words("charts")["script"], [mark.spec() for mark in self.marks]
        made = {"x": self.x.spec(), "y": self.y.spec(), "marks": marks, "words": said}
        made |= {"alt": self.alt or self.title, "height": float(self.height)}
        axes = ", ".join(filter(None, (self.y.label, self.x.label)))
        made["choose"] = self.choose or axes or self.title
        return made | {name: getattr(self, name) for name in ("title", "ends", "grid")}


def state(charts: Sequence[Chart]) -> dict[str, dict | bytes]:
    """Return what chart.js draws: "c0" for a chart's spec, "c0m1" for a mark's data."""
    made: dict[str, dict | bytes] = {}
    for i, chart in enumerate(charts):
        made[f"c{i}"] = chart.spec()
        made |= {f"c{i}m{k}": mark.data() for k, mark in enumerate(chart.marks)}
    return made


def cell_colors(values, beside=()):
    """Return colors (..., 4), 0 to 1, of losses: dark is low, pale not known."""
    known, every = np.isfinite(values), np.append(values, [*beside])
    every = every[np.isfinite(every)]
    logs = np.where(known, values, 1.0)
    if np.append(logs, every).min() > 0:  # an own loss may be negative
        logs, every = np.log(logs), np.log(every)
    low = every.min() if len(every) else 0.0
    share = (logs - low) / max(every.max(initial=low) - low, np.log(2))
    stops = np.frombuffer(_RAMP, np.uint8).reshape(-1, 3) / 255
    at = np.linspace(0, 1, len(stops))
    colors = np.stack([np.interp(share, at, part) for part in stops.T], -1)
    colors = np.append(colors, np.ones((*values.shape, 1)), -1)
    colors[~known] = (0.55, 0.55, 0.55, 0.13)
    colors[np.isposinf(values)] = (0.55, 0.55, 0.55, 0.45)
    return (255 * colors).round() / 255  # as the page gets them


def light(name: str) -> str:
    """Return the color of a name on a light page; a hexadecimal color stays."""
    return COLORS[name][0] if name in COLORS else name


def css(selector: str) -> str:
    """Return CSS that gives elements the colors of the page's theme."""
    # Where the page (JupyterLab, VS Code, nbclassic) says none, the system's,
    # which counts alone where it forces its own colors on a page.
    pairs = [[f"--hp-{n}:{color};" for color in pair] for n, pair in COLORS.items()]
    colors = map("".join, zip(*pairs, strict=True))
    modes = "light;--hp-lift:none", "dark;--hp-lift:brightness(1.5)"  # of shades
    bright, dark = map("{{color-scheme:{};{}}}".format, modes, colors)
    system = f"@media (prefers-color-scheme:dark){{{selector}{dark}}}"
    page = _LIGHT.format(selector) + bright + _DARK.format(selector) + dark
    return f"{selector}{bright}{system}@media (forced-colors:none){{{page}}}"
