"""The marks of a chart and their labels on matplotlib's axes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgba
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.patheffects import withStroke
from matplotlib.text import Annotation

from hpkit.charts.colors import light
from hpkit.charts.spec import unpacked, value_at

_DASHES = {
    "dashed": (0, (4, 2.6)),
    "dotted": (0, (1, 2.4)),
    "dashdot": (0, (5, 2.6, 1, 2.6)),
}
_SHAPES = {"square": "s", "diamond": "D", "triangle": "^", "plus": "P", "x": "X"}
_ALIGN = {"start": "left", "middle": "center", "end": "right"}
_LINE = 1.25  # height of a line of text over the size of its letters
SMALLEST = 0.7  # size of crowded labels over that of others
_GAP = 1.1  # letters between the axes and a label at the end of a line
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


def _cells(sheet, mark):
    values = mark.columns[0]
    (rows, columns), colors = values.shape, unpacked(mark.columns[1]) / 255
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
    pixels, ax = unpacked(mark.columns[0]), sheet.ax
    limits = (*ax.get_xlim(), *ax.get_ylim())
    look = {"interpolation": "bilinear" if mark.get("smooth", True) else "nearest"}
    look |= {"origin": "lower", "aspect": "auto", "zorder": 1}
    ax.imshow(pixels, extent=mark.get("extent") or limits, **look)
    ax.set(xlim=limits[:2], ylim=limits[2:])


def _ranges(sheet, mark):
    low, high = (column[0] for column in mark.columns)
    letter, ax, size = sheet.letter, sheet.ax, {"size": 0.9 * sheet.letter}
    look = {"textcoords": "offset points", "annotation_clip": False} | size
    bold = look | {"ha": "right", "va": "center", "weight": "bold"}
    for i, axis in enumerate(mark.get("axes")):
        ax.plot([i, i], [0, 1], color=light("ink"), lw=0.9, zorder=sheet.z)
        if low[i] > 0 or high[i] < 1:
            pen = {"color": _color(mark, i, "orange"), "lw": 5, "alpha": 0.5}
            ax.plot([i, i], [low[i], high[i]], **pen, zorder=sheet.z)
        for share in (low[i], high[i]):
            if 0 < share < 1:
                away = (-0.8 * letter, 0)
                ax.annotate(value_at(axis, share), (i, share), away, **bold)
        for share, va in ((0, "top"), (1, "bottom")):
            away, middle = (0, (share - 0.5) * 1.4 * letter), {"ha": "center", "va": va}
            ax.annotate(value_at(axis, share), (i, share), away, **look | middle)


_ALL = (_line, _band, _points, _ring, _cross, _rule, _text, _cells, _frames, _image)
DRAW = {draw.__name__[1:]: draw for draw in (*_ALL, _ranges)}


# ---- labels: at ends of lines and beside points, none on another --------------------


@lru_cache(4096)
def wide(text: str, size: float, strong: bool = False) -> float:
    """Return the width of a text in points."""
    weight = "bold" if strong else "normal"
    font = get_font(findfont(FontProperties(weight=weight)))
    font.set_size(size, 72)
    font.set_text(max(str(text).split("\n"), key=len), 0.0)
    return font.get_width_height()[0] / 64


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> np.ndarray:
    """Return places near the wanted ones, at least `gap` apart, from `low` to `high`.

    The nearest ones by least squares: where labels crowd, they move as a block
    (isotonic regression, pool adjacent violators).
    """
    order, blocks = np.argsort(wanted, kind="stable"), []
    for k, i in enumerate(order):
        blocks.append((wanted[i] - k * gap, 1))
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            (a, m), (b, n) = blocks[-2:]
            blocks[-2:] = [((a * m + b * n) / (m + n), m + n)]
    free = np.repeat([v for v, _ in blocks], [n for _, n in blocks])
    placed, steps = np.empty(len(order)), gap * np.arange(len(order))
    placed[order] = np.clip(free, low, max(low, high - gap * (len(order) - 1))) + steps
    return placed


def end_labels(ax, ends, letter):
    """Write (x, y, text, color, strong) at line ends; return how far they reach.

    Many are smaller; where not all have room, the strong ones are written, then every
    so many.
    """
    if not ends:
        return 0.0
    width, height = np.array([ax.bbox.width, ax.bbox.height]) * 72 / ax.figure.dpi
    letter *= np.clip(height / (_LINE * letter * len(ends)), SMALLEST, 1)
    gap, to_axes = _LINE * letter / height, ax.transData - ax.transAxes
    places = to_axes.transform([end[:2] for end in ends]).clip(0, 1)
    if len(ends) > (most := int(1 / gap) + 1):
        strong = sum(end[4] for end in ends)
        keep = -(-(len(ends) - strong) // max(1, most - strong))
        order = np.argsort(places[:, 1], kind="stable")
        some = [i for k, i in enumerate(order) if k % keep == 0 or ends[i][4]][:most]
        ends, places = [ends[i] for i in some], places[some]
    heights = spread(places[:, 1], gap, 0, 1)
    from_, bend = 1 + _GAP * letter / width, 1 + 0.3 * letter / width
    lines = [
        [(x, y), (bend, y), (from_ - 0.2 * letter / width, place)]
        for (x, y), place in zip(places, heights, strict=True)
    ]
    far = places[:, 0] < 0.9  # dots, which nobody takes for a curve
    tints = [light("soft") if f else end[3] for f, end in zip(far, ends, strict=True)]
    dots = [(0, (1, 5)) if f else "-" for f in far]
    look = {"colors": tints, "linewidths": 0.7, "alpha": 0.55, "linestyles": dots}
    leads = LineCollection(lines, transform=ax.transAxes, clip_on=False, **look)
    ax.add_collection(leads, autolim=False)
    for (_, _, text, color, strong), place in zip(ends, heights, strict=True):
        weight = "bold" if strong else "normal"
        look = {"color": color, "size": letter, "weight": weight, "va": "center"}
        ax.text(from_, place, text, transform=ax.transAxes, **look)
    return _GAP * letter + max(wide(end[2], letter, end[4]) for end in ends)


def beside(ax, note, letter):
    """Write (x, y, text, color, strong) where it covers the least of what is drawn."""
    x, y, text, color, strong = note
    side, lift = _free(ax, (x, y), wide(text, letter, strong), letter)
    away = (side * 1.3 * letter, lift * 1.7 * letter)
    look = {"color": color, "size": letter, "weight": "bold" if strong else "normal"}
    look |= {"ha": {-1: "right", 0: "center", 1: "left"}[side], "va": "center"}
    look |= {"textcoords": "offset points", "annotation_clip": False, "zorder": 9}
    ax.annotate(text, (x, y), away, **look)


def _seen(ax, scale):
    """Return places (n, 2) in points that a text should not cover."""
    data, seen = ax.transData, [np.zeros((0, 2))]
    steps = np.linspace(0, 1, 8)[:, None, None]
    paths = [(line.get_transform(), line.get_xydata()) for line in ax.lines]
    for dots in ax.collections:
        offsets = dots.get_offsets()
        if isinstance(dots, LineCollection):  # from ends of lines to their labels
            paths += [(dots.get_transform(), lead) for lead in dots.get_segments()]
        elif len(offsets) and dots.get_offset_transform() == data:
            seen.append(data.transform(offsets) * scale)
    for transform, path in paths:
        ends = transform.transform(path) * scale
        if len(ends) == 1:  # a cross
            seen.append(ends + np.array([(-4, 0), (4, 0)]))
        seen.append((ends[:-1] + (ends[1:] - ends[:-1]) * steps).reshape(-1, 2))
    for text in ax.texts:  # also those that `beside` has written
        at = text.xy if isinstance(text, Annotation) else text.get_position()
        if text.get_transform() == data or isinstance(text, Annotation):
            away = text.get_position() if isinstance(text, Annotation) else (0, 0)
            long = wide(text.get_text(), text.get_size())
            shift = {"left": 0.0, "center": -0.5, "right": -1.0}[text.get_ha()] * long
            middle = data.transform(at) * scale + away + (shift, 0)
            seen.append(middle + np.linspace(0, 1, 8)[:, None] * (long, 0))
    return np.concatenate(seen)


def _free(ax, point, across, letter):
    """Return the side of a point (-1, 0, 1 across; lines up) with room for a text."""
    scale = 72 / ax.figure.dpi
    seen, (px, py) = _seen(ax, scale), ax.transData.transform(point) * scale
    (left, low), (right, high) = ax.transAxes.transform([(0, 0), (1, 1)]) * scale
    best = (np.inf, 0, 1)
    for lift in (0, -1, 1, -2, 2, -3, 3, -4, 4):
        for side in (0, 1, -1) if lift else (1, -1):
            half = across / 2 + 2
            cx, cy = px + side * (1.3 * letter + across / 2), py + lift * 1.7 * letter
            inside = left < cx - half + 2 and cx + half - 2 < right
            if inside and low + 0.6 * letter < cy < high + 0.1 * letter:
                covered = (abs(seen - (cx, cy)) < (half, 0.75 * letter)).all(1).sum()
                best = min(
                    best, (covered + 0.3 * abs(side) + 0.6 * abs(lift), side, lift)
                )
    return best[1:]
