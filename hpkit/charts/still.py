"""Draw a `Chart` with matplotlib: for print, GitHub, and pages without a kernel.

`picture` and `still` draw charts side by side, `draw` one chart on given axes. No
pyplot: it keeps a current figure for the whole process, and panels draw in threads.
Margins are measured from the texts: a layout engine takes longer than all the rest.
"""

import base64
import io
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb, to_rgba
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, fontManager
from matplotlib.patheffects import withStroke
from matplotlib.text import Text
from matplotlib.textpath import text_to_path
from matplotlib.ticker import LogLocator, MaxNLocator
from PIL import Image

from hpkit.charts.spec import Axis, Chart, light, unpack_pixels

_LETTER = 9.0  # font size in points
_SMALLEST = 0.7  # font size of crowded labels relative to that of others
_NARROW = 200  # points: in axes below this width, tick labels stand on one line
_LINE = 1.25  # height of a line of text relative to its font size
_GAP = 2.8  # em from the axes to the label at the end of a line
_STUB = 1.9  # em before that label: there the line's color and dash are repeated
_DASHES = {"dashed": (0, (4, 2.6)), "dotted": (0, (1, 2.4))}
_DASHES["dashdot"] = (0, (5, 2.6, 1, 2.6))
_SHAPES = {"square": "s", "diamond": "D", "triangle": "^", "plus": "P", "x": "X"}
_ALIGN = {None: "center", "start": "left", "middle": "center", "end": "right"}
# With letters that matplotlib's own font lacks, such as Hangul: Windows, macOS, Linux.
_FALLBACKS = ("Malgun Gothic", "Apple SD Gothic Neo", "NanumGothic", "Noto Sans CJK KR")
_FALLBACKS += ("Noto Sans CJK JP",)  # the same file's name for matplotlib before 3.11


def add_fallback_font() -> None:
    """Add a font with more letters for all pictures, the learner's own included."""
    # Matplotlib takes the first font that has a letter.
    known = fontManager.get_font_names()
    fallback = [name for name in _FALLBACKS if name in known][:1]
    rcParams["font.family"] = list(dict.fromkeys([*rcParams["font.family"], *fallback]))


add_fallback_font()


def picture(charts, widths=None, *, form="png", dpi=100, **kwargs) -> bytes:
    """Return charts side by side as PNG or SVG; further arguments as in `still`."""
    file = io.BytesIO()
    still(charts, widths, **kwargs).savefig(file, format=form, dpi=dpi)
    return file.getvalue()


def data_uri(png: bytes) -> str:
    """Return a `data:` address that holds the picture itself."""
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def small_png(png: bytes) -> bytes:
    """Return a PNG on white in 128 colors, without metadata."""
    # A quarter of the size; no color changes by more than 16 of 255.
    image = Image.open(io.BytesIO(png)).convert("RGBA")
    image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    image = image.convert("RGB").quantize(128, Image.Quantize.MAXCOVERAGE)
    file = io.BytesIO()
    image.save(file, "png", optimize=True)
    return file.getvalue()


def still(charts, widths=None, *, width=9.6, letter=_LETTER) -> Figure:
    """Return charts side by side as a figure, `width` inches wide."""
    add_fallback_font()  # before texts are measured
    lines = max(chart.height + 1.6 + 1.6 * bool(chart.title) for chart in charts)
    high, across = lines * letter * _LINE, 72 * width  # points
    figure = Figure((width, high / 72), facecolor="white")
    titled = any(chart.title for chart in charts)  # then all axes leave room for one
    shares = np.array(widths or [1] * len(charts), float)
    edges = np.concatenate([[0], np.cumsum(shares / shares.sum())]) * across
    for chart, left, right in zip(charts, edges[:-1], edges[1:], strict=True):
        west, south, east, north = _margins(chart, right - left, letter, titled)
        place = ((left + west) / across, south / high)
        size = ((right - left - west - east) / across, (high - south - north) / high)
        draw(figure.add_axes((*place, *size)), chart, letter)
    return figure


def draw(ax: Axes, chart: Chart, letter: float = _LETTER) -> Axes:
    """Draw a chart on axes; its margins are the caller's."""
    add_fallback_font()
    for background in (ax, ax.figure):  # our colors are those of a light page
        *rgb, alpha = to_rgba(background.get_facecolor())
        if sum(rgb) < 1.5 * alpha:
            background.set_facecolor("white")
            ax.title.set_color("black")  # also a title of the caller's
    painter = _Painter(ax, letter)
    _draw_axes(painter, chart)
    for number, mark in enumerate(chart.marks):
        if any(column.size for column in mark.columns):
            painter.z = 2 + number / 50
            getattr(painter, mark.kind)(mark)
    painter.draw_end_labels()
    _draw_header(painter, chart)
    for note in painter.notes:
        painter.draw_note(*note)
    for text in ax.findobj(Text):
        if "$" in text.get_text():  # a name, not a formula
            text.set_parse_math(False)
    return ax


def _margins(chart, across, letter, titled):
    """Return the room around the axes in points: left, bottom, right, top."""
    ends = [
        width_of(label, letter, True) + (_GAP + 0.6) * letter
        for mark in chart.marks
        if mark.kind == "line" and mark.get("label")
        for row in range(len(mark.columns[1]))
        if (label := mark.style_at("label", row))
    ]
    west = max([0.0, *(width_of(text, 0.92 * letter) for _, text in ticks(chart.y, 5))])
    east = max([1.2 * letter, *ends])
    south = 3.4 if chart.x.label else 2.0
    south += 1.2 * (_lines_for(chart.x.texts) - 1)
    north = 4.4 if titled else 2.6
    return west + 1.4 * letter, south * letter, min(east, 0.4 * across), north * letter


def _lines_for(texts):
    """Return on how many lines the labels of an x axis alternate: 1 or 2."""
    return 2 if 52 < sum(len(text) + 1 for text in texts) <= 104 else 1


def _draw_axes(painter, chart):
    ax, letter, small = painter.ax, painter.letter, 0.92 * painter.letter
    for axis, name, most in ((chart.x, "x", 6), (chart.y, "y", 5)):
        if axis.kind == "log":
            ax.set(**{f"{name}scale": "log"})
        ax.set(**{f"{name}lim": axis.domain})
        marked = ticks(axis, most)
        lines = _lines_for(axis.texts) if name == "x" and painter.width > _NARROW else 1
        texts = [*painter.keep_apart(marked, name, lines, small)]
        getattr(ax, f"set_{name}ticks")([at for at, _ in marked], texts)
    ax.minorticks_off()
    soft = light("soft")
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.spines["bottom"].set(color=soft, alpha=0.55, visible=chart.grid)
    ax.tick_params(colors=soft, labelsize=small, length=0)
    ax.grid(False)
    if chart.grid:
        ax.grid(color=light("grid"), axis="y" if chart.x.kind == "band" else "both")
    ax.set_axisbelow(True)
    needed = max(1, width_of(chart.x.label, letter))
    size = letter * min(1, ax.bbox.x1 * painter.scale / needed)
    ax.set_xlabel(chart.x.label, loc="right", fontsize=size, c=light("ink"))


def ticks(axis: Axis, most):
    """Return a list of (place, text) of about `most` ticks."""
    low, high = axis.domain
    if axis.kind == "none":
        return []
    if axis.texts:
        places = axis.ticks if len(axis.ticks) else range(len(axis.texts))
        return list(zip(map(float, places), axis.texts, strict=True))
    if len(axis.ticks):
        places = axis.ticks
    elif axis.kind == "log":
        decades = np.log10(high / low)
        steps = (1, 2, 5) if decades < 1.5 else (1, 3) if decades < 3 else (1,)
        places = LogLocator(subs=steps, numticks=9).tick_values(low, high)
    else:
        steps = [1, 2, 5, 10] if 5 < high - low < 25 else [1, 2, 2.5, 5, 10]  # epochs
        places = MaxNLocator(most, steps=steps).tick_values(low, high)
    room = 1e-9 * (low if axis.kind == "log" else high - low)
    return [(v, f"{v:.6g}") for v in places if low - room <= v <= high + room]


def _draw_header(painter, chart):
    """Write above the axes: title, name of the y axis, legend."""
    ax, letter = painter.ax, painter.letter
    width, height = painter.width, painter.height
    ink, small = {"fontsize": letter, "color": light("ink")}, 0.95 * letter
    ax.set_ylabel(chart.y.label, rotation=0, ha="left", va="bottom", **ink)
    ax.yaxis.set_label_coords(-2 * letter / width, 1 + 0.6 * letter / height)
    if labels := ax.get_legend_handles_labels()[1]:
        room = width - width_of(chart.y.label, letter)
        needed = sum(width_of(label, small) + 3.6 * letter for label in labels)
        style = {"frameon": False, "borderaxespad": 0.2, "labelcolor": light("soft")}
        style |= {"ncols": len(labels), "handlelength": 1.8, "columnspacing": 0.9}
        level = 1.0
        if room < _SMALLEST * needed and chart.y.kind != "band":  # above the name
            level, room = 1 + 2 * letter / height, width
            style["ncols"] = max(1, int(len(labels) * room / needed))
        style["fontsize"] = small * min(1, max(_SMALLEST, room / needed))
        ax.legend(loc="lower right", bbox_to_anchor=(1.0, level), **style)
    size = {"fontsize": 1.08 * letter, "fontweight": "bold", "pad": 2.4 * letter}
    ax.set_title(chart.title, loc="left", x=-2 * letter / width, color="black", **size)


@lru_cache(4096)
def width_of(text: str, size: float, strong: bool = False) -> float:
    """Return the width of a text in points."""
    font = FontProperties(size=size, weight=_weight(strong))
    longest = max(str(text).split("\n"), key=len)
    return text_to_path.get_text_width_height_descent(longest, font, ismath=False)[0]


def spread_labels(wanted: Sequence[float], gap: float) -> np.ndarray:
    """Return places near the wanted ones, at least `gap` apart, from 0 to 1."""
    # The nearest by least squares: crowded labels move as a block (isotonic
    # regression: the highest of the lowest means).
    n, order = len(wanted), np.argsort(wanted, kind="stable")
    free, steps, placed = np.asarray(wanted)[order], gap * np.arange(n), np.empty(n)
    sums = np.concatenate([[0], np.cumsum(free - steps)])
    means = [(sums[a + 1 :] - sums[a]) / np.arange(1, n - a + 1) for a in range(n)]
    lowest = [max(min(means[a][k - a :]) for a in range(k + 1)) for k in range(n)]
    placed[order] = np.clip(lowest, 0, max(0, 1 - gap * (n - 1))) + steps
    return placed


def _color(mark, index=0, default="blue"):
    return light(mark.style_at("color", index, default))


def _line_style(mark, index, width=2.0):
    dash = _DASHES.get(mark.style_at("dash", index), "-")
    width = 0.75 * (mark.style_at("width", index) or width)
    return {"color": _color(mark, index), "lw": width, "ls": dash}


def _darken(color):
    """Return a color halfway to ink, for a text: the live labels have it, too."""
    return tuple((np.array(to_rgb(color)) + to_rgb(light("ink"))) / 2)


def _weight(strong):
    return "bold" if strong else "normal"


class _Painter:
    """Draws marks on axes, with a method for each kind, and their labels last."""

    # `ends` are (x, y, text, line style, strong) of labels at the ends of lines,
    # `notes` (x, y, text, color, strong) of those beside points, `occupied` are places
    # (n, 2) that notes should not cover. Sizes are in points.

    def __init__(self, ax, letter):
        self.ax, self.letter, self.z = ax, letter, 2.0
        self.ends, self.notes, self.occupied = [], [], []
        self.scale = 72 / ax.figure.dpi
        self.width, self.height = np.array([ax.bbox.width, ax.bbox.height]) * self.scale

    def occupy(self, x, y, transform=None, joined=True):
        """Keep notes off points, in data coordinates, and off lines that join them."""
        to_pixels = (transform or self.ax.transData).transform
        corners = to_pixels(np.stack([x, y], 1)) * self.scale
        self.occupied.append(corners)
        if joined:
            steps = np.diff(corners, axis=0)
            longest = np.nanmax(np.hypot(*steps.T), initial=0)
            share = np.linspace(0, 1, int(min(60, 3 + longest / (0.4 * self.letter))))
            between = corners[:-1] + steps * share[:, None, None]
            self.occupied.append(between.reshape(-1, 2))

    def keep_apart(self, marked, name, lines, size):
        """Yield the texts of ticks, empty where they would cover one before."""
        ends = [-np.inf] * lines
        for k, (at, text) in enumerate(marked):
            x, y = self.ax.transData.transform((at, at)) * self.scale
            middle, room = (x, width_of(text, size)) if name == "x" else (y, size)
            if fits := middle - room / 2 > ends[k % lines]:
                ends[k % lines] = middle + room / 2 + 0.3 * self.letter
            yield "\n" * (k % lines) + text if fits else ""

    def add_note(self, mark, index, x, y, strong=False):
        """Keep the label of a point until all is drawn."""
        if text := mark.style_at("label", index):
            strong = strong or bool(mark.style_at("strong", index))
            self.notes.append((x, y, text, _color(mark, index), strong))

    def line(self, mark):
        x, y = mark.columns
        for row, heights in enumerate(y):
            places, pen = x[min(row, len(x) - 1)], _line_style(mark, row)
            style = pen | {"zorder": self.z}
            style["drawstyle"] = "steps-post" if mark.get("step") else "default"
            if mark.get("halo"):
                style["clip_on"] = False
                halo = {"color": "white", "lw": pen["lw"] + 2.2, "alpha": 0.8}
                self.ax.plot(places, heights, **style | halo | {"ls": "-"})
            style["alpha"] = mark.style_at("opacity", row)
            style["marker"] = "o" if mark.get("draw") else None
            style["label"] = None if row else mark.get("legend")
            self.ax.plot(places, heights, **style)
            self.occupy(places, heights)
            drawn = np.flatnonzero(np.isfinite(heights) & np.isfinite(places))
            if (text := mark.style_at("label", row)) and len(drawn):
                end = places[drawn[-1]], heights[drawn[-1]]
                self.ends.append((*end, text, pen, bool(mark.style_at("strong", row))))

    frames = line  # an outline is a line that returns

    def band(self, mark):
        style = {"color": _color(mark), "alpha": mark.get("opacity", 0.16), "lw": 0}
        style |= {"zorder": self.z, "label": mark.get("legend")}
        self.ax.fill_between(*(column[0] for column in mark.columns), **style)

    def points(self, mark):
        x, y = (column[0] for column in mark.columns)
        every = range(len(x))
        colors = [to_rgba(_color(mark, i), mark.style_at("opacity", i)) for i in every]
        shapes = [mark.style_at("shape", i, "circle") for i in every]
        for shape in dict.fromkeys(shapes):
            some = [i for i, other in enumerate(shapes) if other == shape]
            inks = [colors[i] for i in some]
            style = {"facecolors": inks, "edgecolors": "white", "linewidths": 0.8}
            if not mark.get("filled", True):
                style = {"facecolors": "none", "edgecolors": inks, "linewidths": 1.5}
            style |= {"marker": _SHAPES.get(shape, "o"), "label": mark.get("legend")}
            style["s"] = [2.2 * mark.style_at("size", i, 4.5) ** 2 for i in some]
            self.ax.scatter(x[some], y[some], clip_on=False, zorder=self.z, **style)
        self.occupy(x, y, joined=False)
        for i, place in enumerate(zip(x, y, strict=True)):
            self.add_note(mark, i, *place)

    def ring(self, mark):
        x, y = (column[0] for column in mark.columns)
        style = {"mfc": "none", "ms": 12, "mew": 1.9, "zorder": self.z}
        for i in reversed(range(len(x))):  # the first is on top
            self.ax.plot(x[i], y[i], "o", mec=_color(mark, i), clip_on=False, **style)
        self.occupy(x, y, joined=False)
        self.add_note(mark, 0, x[0], y[0], strong=True)

    def cross(self, mark):
        x, style = mark.columns[0][0], {"transform": self.ax.get_xaxis_transform()}
        style |= {"ms": 7, "mew": 2.2, "clip_on": False, "zorder": self.z}
        for i, at in enumerate(x):
            style["label"] = None if i else mark.get("legend")
            self.ax.plot(at, 1, "x", color=_color(mark, i), **style)
            self.occupy([at], [1], style["transform"])
        leftmost = {mark.style_at("label", i): i for i in np.argsort(x)[::-1]}
        for i in leftmost.values():  # equal labels appear once
            self.add_note(mark, i, x[i], self.ax.get_ylim()[1])

    def rule(self, mark):
        across, up = self.ax.get_xlim(), self.ax.get_ylim()
        for i, at in enumerate(mark.columns[0][0]):
            x, y = (across, (at, at)) if mark.get("across") else ((at, at), up)
            self.ax.plot(x, y, **_line_style(mark, i, 1.5), zorder=self.z)
            self.occupy(x, y)
            self.add_note(mark, i, x[1], y[1])

    def text(self, mark):
        size, texts = self.letter * mark.get("size", 1.0), mark.get("texts")
        if room := mark.get("room"):
            widest = max(width_of(text, size, strong=True) for text in texts)
            size *= min(1.0, room * self.width / np.ptp(self.ax.get_xlim()) / widest)
        style = {"ha": _ALIGN[mark.get("anchor")], "va": "center", "size": size}
        style["path_effects"] = [withStroke(linewidth=0.25 * size, foreground="white")]
        for i, place in enumerate(zip(*(c[0] for c in mark.columns), strict=True)):
            style["weight"] = _weight(mark.style_at("strong", i))
            style["color"] = _color(mark, i, "ink")
            self.ax.text(*place, texts[i], zorder=self.z, **style)

    def cells(self, mark):
        values, colors = mark.columns[0], unpack_pixels(mark.columns[1]) / 255
        edges = [np.arange(n + 1) - 0.5 for n in values.shape[::-1]]
        self.ax.pcolormesh(*edges, colors, edgecolor="white", lw=1.5, zorder=self.z)
        size = 0.95 * self.letter
        room = self.width / values.shape[1] - 0.3 * self.letter
        digits = next((n for n in (3, 2) if width_of("0." + n * "8", size) < room), 0)
        style = {"ha": "center", "va": "center", "zorder": self.z, "size": size}
        for (r, c), value in np.ndenumerate(values):
            y = r + mark.get("lift", 0.0)
            if np.isposinf(value):
                self.ax.plot(c, y, "x", color=light("ink"), ms=6, mew=2, zorder=self.z)
            elif np.isfinite(value) and digits:
                luminance = colors[r, c, :3] ** 2.2 @ [0.2126, 0.7152, 0.0722]
                style["color"] = "black" if luminance > 0.18 else "white"
                self.ax.text(c, y, f"{value:#.{digits}g}".rstrip("."), **style)

    def image(self, mark):
        limits = (*self.ax.get_xlim(), *self.ax.get_ylim())
        style = {"interpolation": "bilinear", "origin": "lower", "aspect": "auto"}
        self.ax.imshow(unpack_pixels(mark.columns[0]), extent=limits, zorder=1, **style)

    def draw_end_labels(self):
        """Write the labels at line ends."""
        # Many labels are smaller; if not all have room, only strong ones are written.
        ax, ends = self.ax, self.ends
        room = self.height / (_LINE * self.letter * max(1, len(ends)))
        letter = self.letter * np.clip(room, _SMALLEST, 1)
        gap, to_axes = _LINE * letter / self.height, ax.transData - ax.transAxes
        if len(ends) > int(1 / gap) + 1:
            ends = [end for end in ends if end[4]]
        if not ends:
            return
        places = to_axes.transform([end[:2] for end in ends]).clip(0, 1)
        heights, em = spread_labels(places[:, 1], gap), letter / self.width
        turn, left = 1 + 0.3 * em, 1 + _GAP * em
        start, stop = left - _STUB * em, left - 0.3 * em
        leads = [[(x, y), (turn, y), (start, h)] for x, y, h in np.c_[places, heights]]
        dotted = places[:, 0] < 0.9  # long ones, lest they be taken for curves
        dashes = [(0, (1, 5)) if is_dotted else "-" for is_dotted in dotted]
        colors = np.where(dotted, light("soft"), [end[3]["color"] for end in ends])
        at = {"transform": ax.transAxes, "clip_on": False}
        style = {"linestyles": dashes, "colors": colors.tolist(), "linewidths": 0.7}
        lines = LineCollection(leads, alpha=0.55, **style, **at)
        ax.add_collection(lines, autolim=False)
        for lead in leads:
            self.occupy(*np.transpose(lead), ax.transAxes)
        for (_, _, text, pen, strong), height in zip(ends, heights, strict=True):
            line = [(start, height), (stop, height)]
            ax.add_collection(LineCollection([line], **pen, **at), autolim=False)
            style = {"size": letter, "weight": _weight(strong), "va": "center"}
            ax.text(left, height, text, color=_darken(pen["color"]), **style, **at)

    def draw_note(self, x, y, text, color, strong):
        """Write a label where it covers least of what is drawn."""
        letter, width = self.letter, width_of(text, self.letter, strong)
        dx, dy = self._free_offset((x, y), width)
        style = {"color": _darken(color), "size": letter, "weight": _weight(strong)}
        style |= {"ha": "center", "va": "center", "textcoords": "offset points"}
        if np.hypot(max(0, abs(dx) - width / 2), dy) > 2.6 * letter:
            lead = {"arrowstyle": "-", "ls": (0, (1, 5)), "color": light("soft")}
            style["arrowprops"] = lead | {"lw": 0.7, "shrinkB": 8}
        style |= {"annotation_clip": False, "zorder": 9}
        self.ax.annotate(text, (x, y), (dx, dy), **style)

    def _free_offset(self, point, width):
        """Return the offset from a point to the middle of a text of this width."""
        letter, to_pixels = self.letter, self.ax.transAxes.transform
        px, py = self.ax.transData.transform(point) * self.scale
        (left, low), (right, high) = to_pixels([(0, 0), (1, 1)]) * self.scale
        occupied, half = np.concatenate(self.occupied), width / 2 + 2
        best = np.inf, 0, 1.7 * letter
        for lift in (0, -1, 1, -2, 2, -3, 3, -4, 4):
            for side in (0, 1, -1, 1.5, -1.5, 2, -2) if lift else (1, -1):
                dx, dy = side * (1.3 * letter + width / 2), lift * 1.7 * letter
                x, y = px + dx, py + dy
                inside = left < x - half + 2 and x + half - 2 < right
                if inside and low + 0.6 * letter < y < high + 0.1 * letter:
                    near = abs(occupied - (x, y)) < (half, 0.75 * letter)
                    cost = near.all(1).sum() + 0.3 * abs(side) + 0.6 * abs(lift)
                    best = min(best, (cost, dx, dy))
        _, dx, dy = best
        across = np.linspace(px + dx - width / 2, px + dx + width / 2, 60)
        for y in (-6, 0, 6):  # densely: text on text is unreadable
            self.occupied.append(np.c_[across, np.full(60, py + dy + y)])
        return dx, dy
