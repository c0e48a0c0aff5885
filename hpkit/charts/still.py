"""A `Chart` drawn by matplotlib: for print, GitHub, and pages whose kernel is gone.

`picture` and `still` draw charts side by side, `draw` one on axes that are there. No
pyplot: it keeps a current figure for the whole process, and panels draw in threads.
Margins are measured from the texts: a layout engine takes longer than all the rest.
"""

import io
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_rgba
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator

from hpkit.charts.colors import RAMP, light
from hpkit.charts.spec import Axis, Chart

LETTER = 9.0  # points
UNDATED = {"png": {"Software": None}, "svg": {"Date": None}}  # same chart, same bytes
_DASHES = {
    "dashed": (0, (4, 2.6)),
    "dotted": (0, (1, 2.4)),
    "dashdot": (0, (5, 2.6, 1, 2.6)),
}
_SHAPES = {"square": "s", "diamond": "D", "triangle": "^", "plus": "P", "x": "X"}
_LINE = 1.25  # height of a line of text over the size of its letters
_LEAST_SPAN = np.log(2)  # of the map's colors: a plateau looks like one
_ALIGN = {"start": "left", "middle": "center", "end": "right"}


def picture(
    charts: Sequence[Chart],
    widths: Sequence[float] | None = None,
    *,
    form: str = "png",
    dpi: float = 72,
) -> bytes:
    """Return charts side by side as PNG or SVG; the same charts give the same bytes."""
    file = io.BytesIO()
    made = still(charts, widths)
    # The salt keeps matplotlib from making up new names for parts of an SVG.
    with rc_context({"svg.hashsalt": "hpkit"} if form == "svg" else {}):
        made.savefig(file, format=form, dpi=dpi, metadata=UNDATED[form])
    return file.getvalue()


def still(
    charts: Sequence[Chart],
    widths: Sequence[float] | None = None,
    *,
    width: float = 9.6,
    letter: float = LETTER,
) -> Figure:
    """Return charts side by side as a figure, `width` inches wide."""
    heights = [chart.height + 1.6 * bool(chart.title) + 1.6 for chart in charts]
    high, wide = max(heights) * letter * _LINE, 72 * width
    made = Figure((width, high / 72), facecolor="white")
    shares = np.array(widths or [1] * len(charts), float)
    begin = np.concatenate([[0], np.cumsum(shares / shares.sum())]) * wide
    for chart, left, right in zip(charts, begin[:-1], begin[1:], strict=True):
        west, south, east, north = _margins(chart, right - left, letter)
        place = ((left + west) / wide, south / high)
        size = ((right - left - west - east) / wide, (high - south - north) / high)
        draw(made.add_axes((*place, *size)), chart, letter)
    return made


def _margins(chart, wide, letter):
    """Return the room around the axes in points: left, bottom, right, top."""
    numbers = [_wide(text, 0.92 * letter) for _, text in _ticks(chart.y, 5)]
    ends = [
        _wide(mark.each("label", row), letter) * 1.06 + 1.6 * letter
        for mark in chart.marks
        if mark.kind == "line" and mark.get("label")
        for row in range(len(mark.columns[1]))
        if mark.each("label", row)
    ]
    west = max([0.0, *numbers]) + 1.4 * letter
    east = min(max([letter * 1.2, *ends]), 0.4 * wide)
    south = (3.4 if chart.x.label else 2.0) * letter * (1.25 if _rows(chart) else 1)
    return west, south, east, (4.4 if chart.title else 2.6) * letter


def _rows(chart):
    """Say whether the texts across stand on two lines by turns."""
    texts = chart.x.texts
    return sum(len(text) + 1 for text in texts) > 52


@lru_cache
def _font():
    return get_font(findfont(FontProperties()))


@lru_cache(4096)
def _wide(text, size):
    """Return the width of a text in points."""
    font = _font()
    font.set_size(size, 72)
    font.set_text(str(text), 0.0)
    return font.get_width_height()[0] / 64


# ---- axes --------------------------------------------------------------------------


def draw(ax: Axes, chart: Chart, letter: float = LETTER) -> Axes:
    """Draw a chart on axes; its margins are the caller's."""
    _axes(ax, chart, letter)
    ends, beside = [], []
    for number, mark in enumerate(chart.marks):
        if any(column.size for column in mark.columns):
            _DRAW[mark.kind](ax, mark, 2 + number / 50, letter, ends, beside)
    _header(ax, chart, letter)
    _end_labels(ax, ends, letter)
    for x, y, words, color, strong in beside:
        _beside(ax, x, y, words, color, strong, letter)
    return ax


def _axes(ax, chart, letter):
    """Set limits, ticks and names."""
    for axis, name in ((chart.x, "x"), (chart.y, "y")):
        side = getattr(ax, f"{name}axis")
        if axis.kind == "log":
            ax.set(**{f"{name}scale": "log"})
        ax.set(**{f"{name}lim": axis.domain})
        ticks = _ticks(axis, 6 if name == "x" else 5)
        if name == "x" and _rows(chart):
            ticks = [(at, "\n" * (k % 2) + t) for k, (at, t) in enumerate(ticks)]
        side.set_major_locator(FixedLocator([at for at, _ in ticks]))
        side.set_ticklabels([text for _, text in ticks])
        side.set_minor_locator(NullLocator())
    soft, grid = light("soft"), light("grid")
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.spines["bottom"].set(color=soft, alpha=0.55, visible=chart.grid)
    ax.tick_params(colors=soft, labelsize=0.92 * letter, length=0)
    ax.grid(False)
    if chart.grid:
        ax.grid(color=grid, axis="y" if chart.x.kind == "band" else "both")
    ax.set_axisbelow(True)
    ax.set_xlabel(chart.x.label, loc="right", fontsize=letter, color=light("ink"))


def _header(ax, chart, letter):
    """Write above the axes: title, name of the axis upwards, marks without a label."""
    ax.set_ylabel(
        chart.y.label,
        rotation=0,
        ha="left",
        va="bottom",
        fontsize=letter,
        color=light("ink"),
    )
    height = ax.bbox.height * 72 / ax.figure.dpi
    left = ax.bbox.width * 72 / ax.figure.dpi
    ax.yaxis.set_label_coords(-2.0 * letter / left, 1 + 0.6 * letter / height)
    handles, labels = ax.get_legend_handles_labels()
    if labels:
        ax.legend(
            handles,
            labels,
            loc="lower right",
            bbox_to_anchor=(1.0, 1.0),
            ncols=len(labels),
            frameon=False,
            fontsize=0.95 * letter,
            borderaxespad=0.2,
            handlelength=1.5,
            columnspacing=1,
            labelcolor=light("soft"),
        )
    if chart.ends:
        ax.annotate(
            chart.ends,
            (1, 1),
            (letter, 0.9 * letter),
            xycoords="axes fraction",
            textcoords="offset points",
            fontsize=0.95 * letter,
            color=light("soft"),
        )
    if chart.title:
        ax.set_title(
            chart.title,
            loc="left",
            fontsize=1.08 * letter,
            fontweight="bold",
            pad=2.4 * letter,
        )


def _ticks(axis: Axis, most):
    """Return places and texts of the ticks."""
    if axis.texts:
        places = axis.ticks if len(axis.ticks) else range(len(axis.texts))
        return list(zip(map(float, places), axis.texts, strict=True))
    low, high = axis.domain
    if axis.kind == "none":
        return []
    if len(axis.ticks):
        places = list(axis.ticks)
    elif axis.kind == "log":
        tens = 10.0 ** np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
        decades = np.log10(high / low)
        steps = (1, 2, 5) if decades < 1.5 else (1, 3) if decades < 3 else (1,)
        places = [float(f"{step * ten:.1g}") for ten in tens for step in steps]
        places = places[:: -(-len(places) // 9)] if len(steps) == 1 else places
    else:
        found = MaxNLocator(most, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
        places = [float(place) for place in found]
    room = 1e-9 * (high - low)
    return [(v, f"{v:.6g}") for v in places if low - room <= v <= high + room]


# ---- marks -------------------------------------------------------------------------


def _color(mark, number=0, usual="blue"):
    return light(mark.each("color", number, usual))


def _line(ax, mark, z, letter, ends, beside):
    x, y = mark.columns
    for row in range(len(y)):
        xs, tint = x[min(row, len(x) - 1)], _color(mark, row)
        look = {
            "color": tint,
            "zorder": z,
            "alpha": mark.each("opacity", row),
            "lw": 0.75 * mark.each("width", row, 2.0),
            "ls": _DASHES.get(mark.each("dash", row), "-"),
            "drawstyle": "steps-post" if mark.get("step") else "default",
            "marker": "o" if mark.get("draw") else None,
        }
        if mark.get("halo"):
            under = {**look, "color": "white", "lw": look["lw"] + 2.2, "alpha": 0.8}
            ax.plot(xs, y[row], **under)
        ax.plot(xs, y[row], label=None if row else mark.get("legend"), **look)
        there = np.flatnonzero(np.isfinite(y[row]) & np.isfinite(xs))
        text = mark.each("label", row)
        if text and len(there):
            end = xs[there[-1]], y[row][there[-1]]
            ends.append((*end, text, tint, bool(mark.each("strong", row))))


def _band(ax, mark, z, letter, ends, beside):
    x, low, high = (column[0] for column in mark.columns)
    ax.fill_between(
        x,
        low,
        high,
        color=_color(mark),
        alpha=mark.get("opacity", 0.16),
        lw=0,
        zorder=z,
        label=mark.get("legend"),
    )


def _points(ax, mark, z, letter, ends, beside):
    x, y = (column[0] for column in mark.columns)
    x, y = np.broadcast_arrays(x, y)
    every = range(len(x))
    tints = [_color(mark, i) for i in every]
    colors = [to_rgba(t, mark.each("opacity", i)) for i, t in enumerate(tints)]
    kinds = [mark.each("shape", i, "circle") for i in every]
    filled = mark.get("filled", True)
    for kind in dict.fromkeys(kinds):
        some = [i for i in every if kinds[i] == kind]
        chosen = [colors[i] for i in some]
        ax.scatter(
            x[some],
            y[some],
            s=[2.2 * mark.each("size", i, 4.5) ** 2 for i in some],
            marker=_SHAPES.get(kind, "o"),
            facecolors=chosen if filled else "none",
            edgecolors="white" if filled else chosen,
            linewidths=0.8 if filled else 1.5,
            clip_on=False,
            zorder=z,
            label=mark.get("legend"),
        )
    for i in range(len(x)):
        if text := mark.each("label", i):
            beside.append((x[i], y[i], text, tints[i], bool(mark.each("strong", i))))


def _ring(ax, mark, z, letter, ends, beside):
    x, y = (column[0] for column in mark.columns)
    ax.plot(
        x,
        y,
        "o",
        mfc="none",
        mec=_color(mark),
        ms=12,
        mew=1.9,
        zorder=z,
        label=mark.get("legend"),
        clip_on=False,
    )
    if text := mark.each("label", 0):
        beside.append((x[0], y[0], text, _color(mark), True))


def _cross(ax, mark, z, letter, ends, beside):
    x, top = mark.columns[0][0], ax.get_xaxis_transform()
    for i, at in enumerate(x):
        ax.plot(
            at,
            1,
            "x",
            color=_color(mark, i),
            ms=7,
            mew=2.2,
            clip_on=False,
            transform=top,
            zorder=z,
            label=None if i else mark.get("legend"),
        )
    if text := mark.each("label", 0):
        first = int(np.argmin(x))
        high = ax.get_ylim()[1]
        beside.append((x[first], high, text, _color(mark, first), False))


def _rule(ax, mark, z, letter, ends, beside):
    for i, at in enumerate(mark.columns[0][0]):
        across, tint = mark.get("across"), _color(mark, i)
        (ax.axhline if across else ax.axvline)(
            at,
            color=tint,
            ls=_DASHES.get(mark.get("dash"), "-"),
            zorder=z,
            lw=0.75 * mark.get("width", 1.5),
            label=None if i else mark.get("legend"),
        )
        if text := mark.each("label", i):
            edge = (ax.get_xlim() if across else ax.get_ylim())[1]
            place = (edge, at) if across else (at, edge)
            beside.append((*place, text, tint, False))


def _text(ax, mark, z, letter, ends, beside):
    places = zip(*(column[0] for column in mark.columns), strict=True)
    for i, (x, y) in enumerate(places):
        ax.text(
            x,
            y,
            mark.get("texts")[i],
            va="center",
            zorder=z,
            ha=_ALIGN[mark.get("anchor", "middle")],
            color=_color(mark, i, "ink"),
            fontsize=letter * mark.get("size", 1.0),
            fontweight="bold" if mark.each("strong", i) else "normal",
        )


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


def _cells(ax, mark, z, letter, ends, beside):
    values = mark.columns[0]
    (rows, columns), colors = values.shape, cell_colors(values)
    sides = np.arange(columns + 1) - 0.5, np.arange(rows + 1) - 0.5
    ax.pcolormesh(*sides, colors, edgecolor="white", lw=1.5, zorder=z)
    digits = 3 if columns <= 6 else 2
    for (r, c), value in np.ndenumerate(values):
        y = r + mark.get("lift", 0.0)
        if np.isposinf(value):
            ax.plot(c, y, "x", color=light("ink"), ms=6, mew=2, zorder=z)
        elif np.isfinite(value) and columns < 10:
            bright = colors[r, c, :3] ** 2.2 @ [0.2126, 0.7152, 0.0722]
            ax.text(
                c,
                y,
                f"{value:#.{digits}g}".rstrip("."),
                ha="center",
                va="center",
                fontsize=0.95 * letter,
                color="black" if bright > 0.18 else "white",
                zorder=z,
            )


def _frames(ax, mark, z, letter, ends, beside):
    columns, rows = (column[0].astype(int).tolist() for column in mark.columns)
    there = set(zip(columns, rows, strict=True))
    half = 0.5 - (mark.get("inset", 0.0) if len(there) == 1 else 0.0)
    lines = []
    for c, r in sorted(there):
        for a, b in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            if (c + a, r + b) not in there:
                ends_x = c + a * half - b * half, c + a * half + b * half
                ends_y = r + b * half + a * half, r + b * half - a * half
                lines += [(*ends_x, np.nan), (*ends_y, np.nan)]
    x, y = np.concatenate(lines[::2]), np.concatenate(lines[1::2])
    wide, dash = 0.75 * mark.get("width", 3.0), _DASHES.get(mark.get("dash"), "-")
    ax.plot(x, y, color="white", lw=wide + 2.2, alpha=0.8, zorder=z, clip_on=False)
    ax.plot(
        x,
        y,
        color=_color(mark),
        lw=wide,
        ls=dash,
        zorder=z + 0.01,
        clip_on=False,
        label=mark.get("legend"),
    )


def _image(ax, mark, z, letter, ends, beside):
    packed = mark.columns[0]
    pixels = packed[..., None].view(np.uint8).reshape(*packed.shape, 4)
    limits = ax.get_xlim(), ax.get_ylim()
    ax.imshow(
        pixels,
        extent=mark.get("extent") or (*limits[0], *limits[1]),
        origin="lower",
        aspect="auto",
        zorder=1,
        interpolation="bilinear" if mark.get("smooth", True) else "nearest",
    )
    ax.set(xlim=limits[0], ylim=limits[1])


def _ranges(ax, mark, z, letter, ends, beside):
    low, high = (column[0] for column in mark.columns)
    for i, axis in enumerate(mark.get("axes")):
        ax.plot([i, i], [0, 1], color=light("ink"), lw=0.9, zorder=z)
        if low[i] > 0 or high[i] < 1:
            tint = _color(mark, i, "orange")
            ax.plot([i, i], [low[i], high[i]], color=tint, lw=5, alpha=0.5, zorder=z)
        for share, lift in ((0, -1), (1, 1)):
            ax.annotate(
                _value_at(axis, share),
                (i, share),
                (0, lift * 0.7 * letter),
                textcoords="offset points",
                ha="center",
                fontsize=0.9 * letter,
                va="top" if lift < 0 else "bottom",
                annotation_clip=False,
            )


def _value_at(axis, share):
    """Return what stands at a share of an axis."""
    if axis.texts:
        return axis.texts[round(share * (len(axis.texts) - 1))]
    low, high = axis.domain
    between = low + share * (high - low)
    value = low * (high / low) ** share if axis.kind == "log" else between
    return f"{float(f'{value:.3g}'):g}"


_DRAW = {
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


# ---- labels ------------------------------------------------------------------------


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


def _end_labels(ax, ends, letter):
    """Write labels at the ends of lines, none on another."""
    if not ends:
        return
    gap = _LINE * letter / (ax.bbox.height * 72 / ax.figure.dpi)
    places = ax.transData.transform([end[:2] for end in ends])
    share = ax.transAxes.inverted().transform(places)[:, 1].clip(0, 1)
    most = int(1 / gap) + 1
    if len(ends) > most:  # what is strong, then evenly
        strong = sum(end[4] for end in ends)
        keep = -(-(len(ends) - strong) // max(1, most - strong))
        order = np.argsort(share, kind="stable")
        some = [i for k, i in enumerate(order) if k % keep == 0 or ends[i][4]][:most]
        ends, share = [ends[i] for i in some], share[some]
    top, right = ax.get_ylim()[1], ax.get_xlim()[1]
    for (x, y, text, tint, strong), place in zip(
        ends, spread(share, gap, 0, 1), strict=True
    ):
        ax.annotate(
            text,
            (min(x, right), min(y, top)),
            xytext=(1, place),
            textcoords=("axes fraction", "axes fraction"),
            va="center",
            color=tint,
            fontsize=letter,
            fontweight="bold" if strong else "normal",
            annotation_clip=False,
            ha="left",
            arrowprops={
                "arrowstyle": "-",
                "color": tint,
                "lw": 0.7,
                "alpha": 0.55,
                "shrinkA": 1,
                "shrinkB": 2,
                "relpos": (0, 0.5),
            },
        ).set_x(1 + 1.1 * letter / (ax.bbox.width * 72 / ax.figure.dpi))


def _beside(ax, x, y, words, color, strong, letter):
    """Write a text beside a point, where it covers the least of what is drawn."""
    scale = 72 / ax.figure.dpi
    wide = _wide(words, letter) * (1.08 if strong else 1.0)
    side, lift = _free(ax, (x, y), wide, letter, scale)
    ax.annotate(
        words,
        (x, y),
        (side * 1.3 * letter, lift * 1.7 * letter),
        textcoords="offset points",
        va="center",
        color=color,
        fontsize=letter,
        ha={-1: "right", 0: "center", 1: "left"}[side],
        annotation_clip=False,
        fontweight="bold" if strong else "normal",
        zorder=9,
    )


def _free(ax, point, wide, letter, scale):
    """Return the side of a point (-1, 0, 1 across; lines up) with room for a text."""
    data, seen = ax.transData, [np.zeros((0, 2))]
    for line in ax.lines:
        if line.get_transform() == data:
            ends = data.transform(line.get_xydata()) * scale
            steps = np.linspace(0, 1, 8)[:, None, None]
            between = ends[:-1] + (ends[1:] - ends[:-1]) * steps
            seen.append(np.concatenate([ends, between.reshape(-1, 2)]))
    for dots in ax.collections:
        offsets = dots.get_offsets()
        if len(offsets) and dots.get_offset_transform() == data:
            seen.append(data.transform(offsets) * scale)
    dots = np.concatenate(seen)
    px, py = data.transform(point) * scale
    (left, low), (right, high) = ax.transAxes.transform([(0, 0), (1, 1)]) * scale
    best = (np.inf, 0, 1)
    for lift in (0, -1, 1, -2, 2, -3, 3):
        for side in (0, 1, -1):
            if not side and not lift:
                continue
            cx, cy = px + side * (1.3 * letter + wide / 2), py + lift * 1.7 * letter
            outside = max(0, left - cx + wide / 2) + max(0, cx + wide / 2 - right)
            if outside > 0 or not low + 0.6 * letter < cy < high + 0.1 * letter:
                continue
            near = abs(dots - (cx, cy)) < (wide / 2 + 2, 0.75 * letter)
            cost = near.all(1).sum() + 0.3 * abs(side) + 0.6 * abs(lift)
            best = min(best, (cost, side, lift))
    return best[1:]
