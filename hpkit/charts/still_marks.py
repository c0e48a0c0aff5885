"""The marks of a chart on matplotlib's axes."""

from dataclasses import dataclass, field

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_rgba
from matplotlib.patheffects import withStroke

from hpkit.charts.colors import RAMP, light
from hpkit.charts.spec import value_at
from hpkit.charts.still_labels import wide

_DASHES = {
    "dashed": (0, (4, 2.6)),
    "dotted": (0, (1, 2.4)),
    "dashdot": (0, (5, 2.6, 1, 2.6)),
}
_SHAPES = {"square": "s", "diamond": "D", "triangle": "^", "plus": "P", "x": "X"}
_ALIGN = {"start": "left", "middle": "center", "end": "right"}
_LEAST_SPAN = np.log(2)  # of the map's colors: a plateau looks like one
_SIDES = ((1, 0), (-1, 0), (0, 1), (0, -1))


@dataclass
class Sheet:
    """Axes, the size of letters in points, and the labels that look for room.

    `ends` are (x, y, text, color, strong) at ends of lines, `notes` the same beside
    points; `z` is the height of the mark that is drawn.
    """

    ax: Axes
    letter: float
    z: float = 2.0
    ends: list = field(default_factory=list)
    notes: list = field(default_factory=list)

    def note(self, mark, number, x, y, strong=False):
        """Keep the label of a point until all is drawn."""
        if text := mark.each("label", number):
            strong = strong or bool(mark.each("strong", number))
            self.notes.append((x, y, text, _color(mark, number), strong))


def _color(mark, number=0, usual="blue"):
    return light(mark.each("color", number, usual))


def _pen(mark, number, width=2.0):
    """Return color, width and dashes of a line."""
    dash = _DASHES.get(mark.each("dash", number), "-")
    lw = 0.75 * (mark.each("width", number) or width)
    return {"color": _color(mark, number), "lw": lw, "ls": dash}


def _line(sheet, mark):
    x, y = mark.columns
    steps = {"drawstyle": "steps-post" if mark.get("step") else "default"}
    for row in range(len(y)):
        xs, pen = x[min(row, len(x) - 1)], _pen(mark, row) | steps
        if mark.get("halo"):
            under = pen | {"color": "white", "lw": pen["lw"] + 2.2, "alpha": 0.8}
            sheet.ax.plot(xs, y[row], **under, zorder=sheet.z)
        more = {"alpha": mark.each("opacity", row), "zorder": sheet.z}
        more["marker"] = "o" if mark.get("draw") else None
        label = None if row else mark.get("legend")
        sheet.ax.plot(xs, y[row], label=label, **pen, **more)
        there = np.flatnonzero(np.isfinite(y[row]) & np.isfinite(xs))
        text = mark.each("label", row)
        if text and len(there):
            place, strong = there[-1], bool(mark.each("strong", row))
            sheet.ends.append((xs[place], y[row][place], text, pen["color"], strong))


def _band(sheet, mark):
    x, low, high = (column[0] for column in mark.columns)
    look = {"color": _color(mark), "alpha": mark.get("opacity", 0.16), "lw": 0}
    look |= {"zorder": sheet.z, "label": mark.get("legend")}
    sheet.ax.fill_between(x, low, high, **look)


def _points(sheet, mark):
    x, y = (column[0] for column in mark.columns)
    every, filled = range(len(x)), mark.get("filled", True)
    colors = [to_rgba(_color(mark, i), mark.each("opacity", i)) for i in every]
    kinds = [mark.each("shape", i, "circle") for i in every]
    for kind in dict.fromkeys(kinds):
        some = [i for i in every if kinds[i] == kind]
        chosen = [colors[i] for i in some]
        sizes = [2.2 * mark.each("size", i, 4.5) ** 2 for i in some]
        look = {"facecolors": chosen, "edgecolors": "white", "linewidths": 0.8}
        if not filled:
            look = {"facecolors": "none", "edgecolors": chosen, "linewidths": 1.5}
        look |= {"marker": _SHAPES.get(kind, "o"), "label": mark.get("legend")}
        sheet.ax.scatter(
            x[some], y[some], s=sizes, clip_on=False, zorder=sheet.z, **look
        )
    for i in every:
        sheet.note(mark, i, x[i], y[i])


def _ring(sheet, mark):
    x, y = (column[0] for column in mark.columns)
    look = {"mfc": "none", "mec": _color(mark), "ms": 12, "mew": 1.9, "ls": ""}
    look |= {"marker": "o", "clip_on": False, "label": mark.get("legend")}
    sheet.ax.plot(x, y, zorder=sheet.z, **look)
    sheet.note(mark, 0, x[0], y[0], strong=True)


def _cross(sheet, mark):
    x, top = mark.columns[0][0], sheet.ax.get_xaxis_transform()
    for i, at in enumerate(x):
        look = {"color": _color(mark, i), "ms": 7, "mew": 2.2, "clip_on": False}
        look["label"] = None if i else mark.get("legend")
        sheet.ax.plot(at, 1, "x", transform=top, zorder=sheet.z, **look)
    first = int(np.argmin(x))
    sheet.note(mark, first, x[first], sheet.ax.get_ylim()[1])


def _rule(sheet, mark):
    ax = sheet.ax
    ends = ax.get_xlim(), ax.get_ylim()
    for i, at in enumerate(mark.columns[0][0]):
        label = None if i else mark.get("legend")
        x, y = (ends[0], [at, at]) if mark.get("across") else ([at, at], ends[1])
        ax.plot(x, y, **_pen(mark, i, 1.5), zorder=sheet.z, label=label)
        sheet.note(mark, i, x[1], y[1])


def _text(sheet, mark):
    size = sheet.letter * mark.get("size", 1.0)
    if room := mark.get("room"):
        points = sheet.ax.bbox.width * 72 / sheet.ax.figure.dpi
        widest = max(wide(said, size, strong=True) for said in mark.get("texts"))
        size *= min(1.0, room * points / np.ptp(sheet.ax.get_xlim()) / widest)
    look = {"ha": _ALIGN[mark.get("anchor", "middle")], "va": "center", "size": size}
    look["path_effects"] = [withStroke(linewidth=0.25 * size, foreground="white")]
    for i, (x, y) in enumerate(zip(*(c[0] for c in mark.columns), strict=True)):
        weight = "bold" if mark.each("strong", i) else "normal"
        look |= {"color": _color(mark, i, "ink"), "weight": weight}
        sheet.ax.text(x, y, mark.get("texts")[i], zorder=sheet.z, **look)


def cell_colors(values: np.ndarray) -> np.ndarray:
    """Return the map's colors (..., 4) of losses: dark is low, pale not known."""
    known = np.isfinite(values) & (values > 0)
    logs = np.log(np.where(known, values, 1.0))
    low = logs[known].min() if known.any() else 0.0
    span = max(logs[known].max() - low, _LEAST_SPAN) if known.any() else 1.0
    share = np.full(logs.shape, 0.5) if known.sum() == 1 else (logs - low) / span
    ramp = LinearSegmentedColormap.from_list("hpkit", RAMP)
    colors = ramp(np.clip(share, 0, 1))
    colors[~known] = (0.55, 0.55, 0.55, 0.13)
    colors[np.isposinf(values)] = (0.55, 0.55, 0.55, 0.45)
    return colors


def _cells(sheet, mark):
    values = mark.columns[0]
    (rows, columns), colors = values.shape, cell_colors(values)
    sides = np.arange(columns + 1) - 0.5, np.arange(rows + 1) - 0.5
    look = {"edgecolor": "white", "lw": 1.5, "zorder": sheet.z}
    sheet.ax.pcolormesh(*sides, colors, **look)
    size, room = 0.95 * sheet.letter, 72 * sheet.ax.bbox.width / sheet.ax.figure.dpi
    room = room / columns - 0.3 * sheet.letter
    digits = 3 if wide("0.888", size) < room else 2 if wide("0.88", size) < room else 0
    middle = {"ha": "center", "va": "center", "zorder": sheet.z, "size": size}
    for (r, c), value in np.ndenumerate(values):
        y = r + mark.get("lift", 0.0)
        if np.isposinf(value):
            ink = {"color": light("ink"), "ms": 6, "mew": 2, "zorder": sheet.z}
            sheet.ax.plot(c, y, "x", **ink)
        elif np.isfinite(value) and digits:
            bright = colors[r, c, :3] ** 2.2 @ [0.2126, 0.7152, 0.0722] > 0.18
            said = f"{value:#.{digits}g}".rstrip(".")
            sheet.ax.text(c, y, said, color="black" if bright else "white", **middle)


def _frames(sheet, mark):
    there = set(zip(*(c[0].astype(int).tolist() for c in mark.columns), strict=True))
    half = 0.5 - (mark.get("inset", 0.0) if len(there) == 1 else 0.0)
    sides = [
        [(c + a * half + s * b * half, r + b * half - s * a * half) for s in (-1, 1)]
        for c, r in sorted(there)
        for a, b in _SIDES
        if (c + a, r + b) not in there
    ]
    x, y = np.concatenate([[*side, (np.nan, np.nan)] for side in sides]).T
    pen = _pen(mark, 0, 3.0) | {"clip_on": False}
    under = pen | {"color": "white", "lw": pen["lw"] + 2.2, "alpha": 0.8, "ls": "-"}
    sheet.ax.plot(x, y, **under, zorder=sheet.z)
    sheet.ax.plot(x, y, **pen, zorder=sheet.z + 0.01, label=mark.get("legend"))


def _image(sheet, mark):
    packed, ax = mark.columns[0], sheet.ax
    pixels = packed[..., None].view(np.uint8).reshape(*packed.shape, 4)
    limits = (*ax.get_xlim(), *ax.get_ylim())
    look = {"interpolation": "bilinear" if mark.get("smooth", True) else "nearest"}
    look |= {"origin": "lower", "aspect": "auto", "zorder": 1}
    ax.imshow(pixels, extent=mark.get("extent") or limits, **look)
    ax.set(xlim=limits[:2], ylim=limits[2:])


def _ranges(sheet, mark):
    low, high = (column[0] for column in mark.columns)
    look = {"textcoords": "offset points", "ha": "center", "annotation_clip": False}
    for i, axis in enumerate(mark.get("axes")):
        sheet.ax.plot([i, i], [0, 1], color=light("ink"), lw=0.9, zorder=sheet.z)
        if low[i] > 0 or high[i] < 1:
            pen = {"color": _color(mark, i, "orange"), "lw": 5, "alpha": 0.5}
            sheet.ax.plot([i, i], [low[i], high[i]], **pen, zorder=sheet.z)
        for share in (low[i], high[i]):
            if 0 < share < 1:
                size, said = 0.9 * sheet.letter, value_at(axis, share)
                beside = look | {"ha": "right", "va": "center", "weight": "bold"}
                away = (-0.8 * sheet.letter, 0)
                sheet.ax.annotate(said, (i, share), away, size=size, **beside)
        for share, va in ((0, "top"), (1, "bottom")):
            away = (0, (share - 0.5) * 1.4 * sheet.letter)
            size, said = 0.9 * sheet.letter, value_at(axis, share)
            sheet.ax.annotate(said, (i, share), away, size=size, va=va, **look)


DRAW = {
    "line": _line,
    "band": _band,
    "points": _points,
    "ring": _ring,
    "cross": _cross,
    "rule": _rule,
    "text": _text,
    "cells": _cells,
    "frames": _frames,
    "image": _image,
    "ranges": _ranges,
}
