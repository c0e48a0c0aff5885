"""A chart described once: chart.js draws it live, `still` draws it with matplotlib.

    chart = Chart(
        Axis("epoch", (0, epochs)), Axis("loss", (0, top)),
        [line(epoch, loss, label="training"), cross([], label="diverged")],
        alt="The training loss of one run.")
    LiveCharts(calls={"curve": panel.choose}).show([chart, other])
    picture([chart, other], (5, 6)); draw(ax, chart)                      # still.py

Positions are in data coordinates; what is not finite is not drawn. Marks are drawn in
order. Where a mark has several lines or points, each style is either one value for all
or a list with one value for each, the last of which is repeated. Colors are names in
`COLORS` or hexadecimal. Only marks that changed are sent to the page, so keep the
number and kinds of a chart's marks the same from one update to the next (empty ones
cost nothing). `click` and `draw` name a callback: `calls[name](index)`,
`calls[name](heights)`. The basic marks:

    line(x, y)          one line per row of y; x is one row for all, or has as many
    band(x, low, high)  the area between two curves
    points(x, y)        `shape` is one of _SHAPES
    ring(x, y)          around points; only the first is labeled
    cross(x)            at the top edge, where a run diverged; equal labels appear once
    rule(at)            lines across the whole chart: vertical, or horizontal (`across`)

A `label` stands at the right end of a line (`strong` ones first) or beside a point,
where there is room. `tip` is shown on hover, `legend` above the chart. `size` is a
radius in pixels for a font of 13 pixels. `step` draws a step function, `halo` sets a
line off from cells, `draw` lets the learner draw the line (one line per chart).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from hpkit.locale import words

# Okabe and Ito's colors (2008), which color-blind readers can tell apart: name: (light
# page and every still picture, dark page). Whatever differs in color also differs in
# shape, dash or label.
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
PINNED = ("orange", "purple", "ink", "green", "sky")  # the first three differ in gray
CLASSES = ("blue", "orange", "green", "purple", "brown", "sky")
GUESS = {"color": "purple", "width": 2.5, "dash": "dotted"}  # the learner's guess
FEW = 4  # settings whose lines all have room; more are a tangle
# Tell classes apart without color.
_SHAPES = ("circle", "triangle", "square", "diamond", "plus", "x")
_DASHES = (None, "dashed", "dotted", "dashdot")
# ColorBrewer's YlGnBu from dark (low) to light, without its ends: frames stand out on
# every cell, and the order survives printing in gray.
_RAMP = bytes.fromhex("1F2F88 2258A5 1E80B8 2FA4C2 59BFC0 8FD4BD C7E9B4 EDF8B6")

# VS Code shows widgets on white in every theme.
_LIGHT = ":is([data-jp-theme-light=true], [data-vscode-theme-kind], .notebook_app) {0}"
_DARK = "[data-jp-theme-light=false] {0}"


@dataclass
class Axis:
    """An axis: "linear" or "log" over a domain, or "band": one place for each text."""

    # `ticks` replace round numbers, `texts` label them; "none" is linear without ticks.

    label: str = ""
    domain: tuple[float, float] = (0.0, 1.0)
    kind: str = "linear"
    texts: Sequence[str] = ()
    ticks: Sequence[float] = ()

    def __post_init__(self):
        if self.kind == "band":
            self.domain = (-0.5, len(self.texts) - 0.5)

    def spec(self) -> dict:
        fields: dict[str, Any] = {"label": self.label, "kind": self.kind}
        for name, convert in (("domain", float), ("texts", str), ("ticks", float)):
            fields[name] = list(map(convert, getattr(self, name)))
        return {name: value for name, value in fields.items() if value != []}

    def shares(self, places) -> np.ndarray:
        """Return how far along the axis places are, from 0 to 1."""
        scale = np.log if self.kind == "log" else np.asarray
        ends = (0, max(1, len(self.texts) - 1)) if self.kind == "band" else self.domain
        low, high = scale(ends)
        return (scale(np.asarray(places, float)) - low) / (high - low or 1.0)


@dataclass
class Mark:
    """Something drawn: its kind, its numbers (2-D arrays) and its style."""

    kind: str
    columns: tuple[np.ndarray, ...]
    style: dict[str, Any]

    def get(self, name: str, default: Any = None) -> Any:
        return self.style.get(name, default)

    def style_at(self, name: str, index: int, default: Any = None) -> Any:
        """Return one style of the line or point with this index."""
        value = self.style.get(name, default)
        if isinstance(value, list):
            return value[min(index, len(value) - 1)] if value else default
        return value

    def spec(self) -> dict:
        return {"kind": self.kind, **self.style}

    def data(self) -> bytes:
        """Return the columns as bytes: count, shapes, then 4 bytes for each value."""
        shapes = [n for column in self.columns for n in column.shape]
        head = np.array([len(self.columns), *shapes], np.int32)
        return b"".join([head.tobytes(), *(c.tobytes() for c in self.columns)])


def style_of(index):
    """Return (color, shape, dash) of the class or curve with this index."""
    return tuple(cycle[index % len(cycle)] for cycle in (CLASSES, _SHAPES, _DASHES))


def transpose(rows: Sequence, width: int) -> Sequence:
    """Return the columns of rows; if there are no rows, `width` empty ones."""
    return list(zip(*rows, strict=True)) or [()] * width


def _mark(kind, *columns, **style):
    columns = [np.atleast_2d(column) for column in columns]
    columns = [c if c.dtype == np.uint32 else c.astype(np.float32) for c in columns]
    style = {key: _to_json(value) for key, value in style.items() if value is not None}
    return Mark(kind, tuple(columns), style)


def _to_json(value):
    """Return a style value as JSON, which has neither tuples nor NumPy types."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    return list(value) if isinstance(value, tuple) else value


_KINDS = ("line", "band", "points", "ring", "cross", "rule")
line, band, points, ring, cross, rule = (partial(_mark, kind) for kind in _KINDS)


def _pack_pixels(pixels):
    """Return uint8 colors (rows, columns, 4) as one uint32 each."""
    return np.ascontiguousarray(pixels, np.uint8).view(np.uint32)[..., 0]


def unpack_pixels(column):
    """Return the uint8 colors (rows, columns, 4) packed in a column of a mark."""
    return column[..., None].view(np.uint8).reshape(*column.shape, 4)


def text(x, y, texts: Sequence[str], **style) -> Mark:
    """Return texts at places; `anchor` is "start", "middle" (default) or "end"."""
    # If one is wider than `room` (in units of the x axis), all of them shrink.
    return _mark("text", x, y, texts=list(texts), **style)


def cells(values, beside=(), **style) -> Mark:
    """Return a heat map, bottom row first; nan means not trained, inf diverged."""
    # `lift` moves the numbers up by a fraction of a cell; `click` gets row * columns +
    # column. Losses `beside` are not drawn but count for the color scale.
    values = np.atleast_2d(np.asarray(values, float))
    colors = _pack_pixels((255 * cell_colors(values, beside)).round())
    return _mark("cells", values, colors, **style)


def frames(framed: Sequence, **style) -> Mark:
    """Return the outline of cells (column, row), joined around neighbors."""
    framed = set(framed)
    half = 0.5 - (style.get("inset", 0.0) if len(framed) == 1 else 0.0)
    sides = [
        [(c + half * x, r + half * y) for x, y in ((a - b, a + b), (a + b, b - a))]
        for c, r in sorted(framed)
        for a, b in ((1, 0), (-1, 0), (0, 1), (0, -1))  # toward each neighbor
        if (c + a, r + b) not in framed
    ]
    x, y = np.array([[*side, (np.nan, np.nan)] for side in sides]).reshape(-1, 2).T
    return _mark("frames", x, y, **style)


def image(pixels: np.ndarray) -> Mark:
    """Return a uint8 picture (bottom row first, columns, 4) that fills the chart."""
    return _mark("image", _pack_pixels(pixels))


@dataclass
class Chart:
    """Axes and marks, in the order in which they are drawn."""

    # `height` is in em: a chart grows with the font. `choose` says what the arrow keys
    # choose, by default the axes' labels; screen readers read `alt` after it.

    x: Axis
    y: Axis
    marks: list[Mark]
    title: str = ""
    alt: str = ""
    height: float = 20.0
    grid: bool = True
    choose: str = ""

    def spec(self) -> dict:
        axes = ", ".join(filter(None, (self.y.label, self.x.label)))
        return vars(self) | {
            "x": self.x.spec(),
            "y": self.y.spec(),
            "marks": [mark.spec() for mark in self.marks],
            "alt": self.alt or self.title,
            "height": float(self.height),
            "choose": self.choose or axes or self.title,
            "words": words("charts")["script"],
        }


def state(charts: Sequence[Chart]) -> dict[str, dict | bytes]:
    """Return what chart.js draws: "c0" for a chart's spec, "c0m1" for a mark's data."""
    parts: dict[str, dict | bytes] = {}
    for i, chart in enumerate(charts):
        parts[f"c{i}"] = chart.spec()
        parts |= {f"c{i}m{k}": mark.data() for k, mark in enumerate(chart.marks)}
    return parts


def cell_colors(values, beside=()):
    """Return RGBA colors (..., 4), 0 to 1, of losses: dark is low, pale not trained."""
    known, scale = np.isfinite(values), np.append(values, list(beside))
    scale = scale[np.isfinite(scale)]
    levels = np.where(known, values, 1.0)
    if np.append(levels, scale).min() > 0:  # a learner's own loss may be negative
        levels, scale = np.log(levels), np.log(scale)
    low = scale.min() if len(scale) else 0.0
    share = (levels - low) / max(scale.max(initial=low) - low, np.log(2))
    stops = np.frombuffer(_RAMP, np.uint8).reshape(-1, 3) / 255
    at = np.linspace(0, 1, len(stops))
    colors = np.stack([np.interp(share, at, channel) for channel in stops.T], -1)
    colors = np.append(colors, np.ones((*values.shape, 1)), -1)
    colors[~known] = (0.55, 0.55, 0.55, 0.13)
    colors[np.isposinf(values)] = (0.55, 0.55, 0.55, 0.45)
    return colors


def light(name: str) -> str:
    """Return the hexadecimal color of a name on a light page, or of itself."""
    return COLORS[name][0] if name in COLORS else name


def css(selector: str) -> str:
    """Return CSS that gives elements the colors of the page's theme."""
    # The theme is that of the page (JupyterLab, VS Code, nbclassic) if it names one,
    # else the system's; with forced colors it is always the system's.
    pairs = [[f"--hp-{n}:{color};" for color in pair] for n, pair in COLORS.items()]
    colors = map("".join, zip(*pairs, strict=True))
    modes = "light;--hp-lift:none", "dark;--hp-lift:brightness(1.5)"  # of hex colors
    bright, dark = map("{{color-scheme:{};{}}}".format, modes, colors)
    system = f"@media (prefers-color-scheme:dark){{{selector}{dark}}}"
    page = _LIGHT.format(selector) + bright + _DARK.format(selector) + dark
    return f"{selector}{bright}{system}@media (forced-colors:none){{{page}}}"
