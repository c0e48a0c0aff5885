"""A `Chart` drawn by matplotlib: for print, GitHub, and pages whose kernel is gone.

`picture` and `still` draw charts side by side, `draw` one on axes that are there. No
pyplot: it keeps a current figure for the whole process, and panels draw in threads.
Margins are measured from the texts: a layout engine takes longer than all the rest.
"""

import io
import math

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import (
    FixedFormatter,
    FixedLocator,
    MaxNLocator,
    NullLocator,
)

from hpkit.charts.colors import light
from hpkit.charts.spec import Axis, Chart
from hpkit.charts.still_marks import DRAW, Sheet, beside, end_labels, wide

LETTER = 9.0  # points
UNDATED = {"png": {"Software": None}, "svg": {"Date": None}}  # same chart, same bytes
_LINE = 1.25  # height of a line of text over the size of its letters


def picture(charts, widths=None, *, form="png", dpi=100) -> bytes:
    """Return charts side by side as PNG or SVG; the same charts give the same bytes."""
    file = io.BytesIO()
    made = still(charts, widths)
    # The salt keeps matplotlib from making up new names for parts of an SVG.
    with rc_context({"svg.hashsalt": "hpkit"} if form == "svg" else {}):
        made.savefig(file, format=form, dpi=dpi, metadata=UNDATED[form])
    return file.getvalue()


def small(png: bytes) -> bytes:
    """Return a PNG on white in 128 colors, without what it says of its maker.

    It has a quarter of the size, and a color moves by 16 of 255 at most.
    """
    from PIL import Image

    made = Image.open(io.BytesIO(png)).convert("RGBA")
    made = Image.alpha_composite(Image.new("RGBA", made.size, "white"), made)
    method = Image.Quantize.MAXCOVERAGE
    few = made.convert("RGB").quantize(128, method=method, dither=Image.Dither.NONE)
    file = io.BytesIO()
    few.save(file, "png", optimize=True)
    return file.getvalue()


def still(charts, widths=None, *, width=9.6, letter=LETTER) -> Figure:
    """Return charts side by side as a figure, `width` inches wide."""
    lines = max(chart.height + 1.6 + 1.6 * bool(chart.title) for chart in charts)
    high, across = lines * letter * _LINE, 72 * width
    made = Figure((width, high / 72), facecolor="white")
    shares = np.array(widths or [1] * len(charts), float)
    begin = np.concatenate([[0], np.cumsum(shares / shares.sum())]) * across
    for chart, left, right in zip(charts, begin[:-1], begin[1:], strict=True):
        west, south, east, north = _margins(chart, right - left, letter)
        place = ((left + west) / across, south / high)
        size = ((right - left - west - east) / across, (high - south - north) / high)
        draw(made.add_axes((*place, *size)), chart, letter)
    return made


def draw(ax: Axes, chart: Chart, letter: float = LETTER) -> Axes:
    """Draw a chart on axes; its margins are the caller's."""
    _axes(ax, chart, letter)
    sheet = Sheet(ax, letter)
    for number, mark in enumerate(chart.marks):
        if any(column.size for column in mark.columns):
            sheet.z = 2 + number / 50
            DRAW[mark.kind](sheet, mark)
    reach = end_labels(ax, sheet.ends, letter)
    _header(ax, chart, letter, reach)
    for note in sheet.notes:
        beside(ax, note, letter)
    return ax


def _margins(chart, across, letter):
    """Return the room around the axes in points: left, bottom, right, top."""
    ends = [
        wide(label, letter, True) + 1.7 * letter
        for mark in chart.marks
        if mark.kind == "line" and mark.get("label")
        for row in range(len(mark.columns[1]))
        if (label := mark.each("label", row))
    ]
    west = max([0.0, *(wide(text, 0.92 * letter) for _, text in _ticks(chart.y, 5))])
    east = max([1.2 * letter, *ends])
    south = (3.4 if chart.x.label else 2.0) + 1.2 * _two_lines(chart)
    north = 4.4 if chart.title else 2.6
    return west + 1.4 * letter, south * letter, min(east, 0.4 * across), north * letter


def _two_lines(chart):
    """Say whether the texts across stand on two lines by turns."""
    return 1 < _crowd(chart.x.texts) <= 2


def _crowd(texts):
    """Return how many lines texts across would take."""
    return sum(len(text) + 1 for text in texts) / 52


def _axes(ax, chart, letter):
    """Set limits, ticks and the name across."""
    for axis, name, most in ((chart.x, "x", 6), (chart.y, "y", 5)):
        if axis.kind == "log":
            ax.set(**{f"{name}scale": "log"})
        ax.set(**{f"{name}lim": axis.domain})
        ticks = _ticks(axis, most)
        if name == "x" and _two_lines(chart):
            ticks = [(at, "\n" * (k % 2) + t) for k, (at, t) in enumerate(ticks)]
        else:  # where there are too many, some by turns
            crowd = _crowd(axis.texts) if name == "x" else len(axis.texts) / 18
            step = math.ceil(crowd) or 1
            ticks = [(at, "" if k % step else t) for k, (at, t) in enumerate(ticks)]
        side = getattr(ax, f"{name}axis")
        side.set_major_locator(FixedLocator([at for at, _ in ticks]))
        side.set_major_formatter(FixedFormatter([text for _, text in ticks]))
        side.set_minor_locator(NullLocator())
    soft = light("soft")
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.spines["bottom"].set(color=soft, alpha=0.55, visible=chart.grid)
    ax.tick_params(colors=soft, labelsize=0.92 * letter, length=0)
    ax.grid(False)
    if chart.grid:
        ax.grid(color=light("grid"), axis="y" if chart.x.kind == "band" else "both")
    ax.set_axisbelow(True)
    ax.set_xlabel(chart.x.label, loc="right", fontsize=letter, color=light("ink"))


def _header(ax, chart, letter, reach):
    """Write above the axes: title, name upwards, marks without a label, `ends`.

    `reach` is how far the labels at line ends reach to the right, in points.
    """
    width, height = np.array([ax.bbox.width, ax.bbox.height]) * 72 / ax.figure.dpi
    ink = {"fontsize": letter, "color": light("ink")}
    ax.set_ylabel(chart.y.label, rotation=0, ha="left", va="bottom", **ink)
    ax.yaxis.set_label_coords(-2 * letter / width, 1 + 0.6 * letter / height)
    right, small = 1.0, 0.95 * letter
    if chart.ends:
        reach = max(reach, letter)
        at, soft = (1 + reach / width, 1 + 0.8 * letter / height), light("soft")
        ax.text(*at, chart.ends, transform=ax.transAxes, size=small, c=soft, ha="right")
        right = min(1.0, at[0] - (wide(chart.ends, small) + letter) / width)
    if labels := ax.get_legend_handles_labels()[1]:
        room = right * width - wide(chart.y.label, letter)
        need = sum(wide(label, small) + 3.6 * letter for label in labels)
        look = {"frameon": False, "borderaxespad": 0.2, "labelcolor": light("soft")}
        ax.legend(
            **{"loc": "lower right", "bbox_to_anchor": (right, 1), **look},
            **{"ncols": len(labels), "handlelength": 1.5, "columnspacing": 1},
            fontsize=small * min(1, max(0.7, room / need)),
        )
    if chart.title:
        size = {"fontsize": 1.08 * letter, "fontweight": "bold", "pad": 2.4 * letter}
        ax.set_title(chart.title, loc="left", **size)


def _ticks(axis: Axis, most):
    """Return places and texts of the ticks, about `most`."""
    low, high = axis.domain
    if axis.kind == "none":
        return []
    if axis.texts:
        places = axis.ticks if len(axis.ticks) else range(len(axis.texts))
        return list(zip(map(float, places), axis.texts, strict=True))
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
