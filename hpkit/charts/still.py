"""A `Chart` drawn by matplotlib: for print, GitHub, and pages whose kernel is gone.

`picture` and `still` draw charts side by side, `draw` one on axes that are there. No
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
from matplotlib.text import Annotation, Text
from matplotlib.textpath import text_to_path
from matplotlib.ticker import MaxNLocator, NullLocator

from hpkit.charts.spec import Axis, Chart, light, unpack_pixels

_LETTER = 9.0  # points
_SMALLEST = 0.7  # size of crowded labels over that of others
_NARROW = 200  # points: axes where numbers may meet that elsewhere have room
_LINE = 1.25  # height of a line of text over the size of its letters
_GAP = 2.8  # letters between the axes and a label at the end of a line
_STUB = 1.9  # letters before that label from where the line's own dash is repeated
_DASHES = {"dashed": (0, (4, 2.6)), "dotted": (0, (1, 2.4))}
_DASHES["dashdot"] = (0, (5, 2.6, 1, 2.6))
_SHAPES = {"square": "s", "diamond": "D", "triangle": "^", "plus": "P", "x": "X"}
_ALIGN = {None: "center", "start": "left", "middle": "center", "end": "right"}
# With letters that matplotlib's own font lacks, such as Hangul: Windows, macOS, Linux.
_WIDER = ("Malgun Gothic", "Apple SD Gothic Neo", "NanumGothic", "Noto Sans CJK KR")
_WIDER += ("Noto Sans CJK JP",)  # the name of the same file for matplotlib before 3.11


def add_fallback_font() -> None:
    """Let all pictures have one more font, a learner's own, too."""
    # Matplotlib takes the first font that has a letter.
    families, more = rcParams["font.family"], _more_letters()
    rcParams["font.family"] = [*families, *(m for m in more if m not in families)]


@lru_cache
def _more_letters():
    """Return a font with more letters in a list, if there is one."""
    return [name for name in _WIDER if name in fontManager.get_font_names()][:1]


add_fallback_font()


def picture(charts, widths=None, *, form="png", dpi=100, **look) -> bytes:
    """Return charts side by side as PNG or SVG."""
    file = io.BytesIO()
    still(charts, widths, **look).savefig(file, format=form, dpi=dpi)
    return file.getvalue()


def data_uri(png: bytes) -> str:
    """Return an address that holds the picture itself."""
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def small_png(png: bytes) -> bytes:
    """Return a PNG on white in 128 colors, without what it says of its maker."""
    # It has a quarter of the size, and a color moves by 16 of 255 at most.
    from PIL import Image

    made = Image.open(io.BytesIO(png)).convert("RGBA")
    made = Image.alpha_composite(Image.new("RGBA", made.size, "white"), made)
    method = Image.Quantize.MAXCOVERAGE
    few = made.convert("RGB").quantize(128, method=method, dither=Image.Dither.NONE)
    file = io.BytesIO()
    few.save(file, "png", optimize=True)
    return file.getvalue()


def still(charts, widths=None, *, width=9.6, letter=_LETTER) -> Figure:
    """Return charts side by side as a figure, `width` inches wide."""
    add_fallback_font()  # before texts are measured
    lines = max(chart.height + 1.6 + 1.6 * bool(chart.title) for chart in charts)
    high, across = lines * letter * _LINE, 72 * width
    made = Figure((width, high / 72), facecolor="white")
    titled = any(chart.title for chart in charts)  # their axes are level
    shares = np.array(widths or [1] * len(charts), float)
    begin = np.concatenate([[0], np.cumsum(shares / shares.sum())]) * across
    for chart, left, right in zip(charts, begin[:-1], begin[1:], strict=True):
        west, south, east, north = _margins(chart, right - left, letter, titled)
        place = ((left + west) / across, south / high)
        size = ((right - left - west - east) / across, (high - south - north) / high)
        draw(made.add_axes((*place, *size)), chart, letter)
    return made


def draw(ax: Axes, chart: Chart, letter: float = _LETTER) -> Axes:
    """Draw a chart on axes; its margins are the caller's."""
    add_fallback_font()
    for ground in (ax, ax.figure):  # inks are those of a light page
        *rgb, alpha = to_rgba(ground.get_facecolor())
        if sum(rgb) < 1.5 * alpha:
            ground.set_facecolor("white")
            ax.title.set_color("black")  # one of the caller's, too
    _axes(ax, chart, letter)
    sheet = _Sheet(ax, letter)
    for number, mark in enumerate(chart.marks):
        if any(column.size for column in mark.columns):
            sheet.z = 2 + number / 50
            getattr(sheet, mark.kind)(mark)
    _header(sheet, chart, sheet.end_labels())
    for note in sheet.notes:
        sheet.beside(*note)
    for text in ax.findobj(Text):
        if "$" in text.get_text():  # in a name it begins no formula
            text.set_parse_math(False)
    return ax


def _margins(chart, across, letter, titled):
    """Return the room around the axes in points: left, bottom, right, top."""
    ends = [
        width_of(label, letter, True) + (_GAP + 0.6) * letter
        for mark in chart.marks
        if mark.kind == "line" and mark.get("label")
        for row in range(len(mark.columns[1]))
        if (label := mark.each("label", row))
    ]
    west = max([0.0, *(width_of(text, 0.92 * letter) for _, text in ticks(chart.y, 5))])
    east = max([1.2 * letter, *ends])
    south = (3.4 if chart.x.label else 2.0) + 1.2 * (1 < _crowd(chart.x.texts) <= 2)
    north = 4.4 if titled else 2.6
    return west + 1.4 * letter, south * letter, min(east, 0.4 * across), north * letter


def _crowd(texts):
    """Return how many lines texts across would take; on two they stand by turns."""
    return sum(len(text) + 1 for text in texts) / 52


def _axes(ax, chart, letter):
    across = ax.bbox.width * 72 / ax.figure.dpi
    for axis, name, most in ((chart.x, "x", 6), (chart.y, "y", 5)):
        if axis.kind == "log":
            ax.set(**{f"{name}scale": "log"})
        ax.set(**{f"{name}lim": axis.domain})
        marked = ticks(axis, most)
        crowd = _crowd(axis.texts) if name == "x" else len(axis.texts) / 18
        if name == "x" and across < _NARROW:
            every = (width_of(text, 0.92 * letter) + 0.6 * letter for _, text in marked)
            crowd = max(crowd, sum(every) / across)
        if name == "x" and 1 < crowd <= 2:
            marked = [(at, "\n" * (k % 2) + t) for k, (at, t) in enumerate(marked)]
        else:  # where there are too many, some by turns
            step = int(np.ceil(crowd)) or 1
            marked = [(at, "" if k % step else t) for k, (at, t) in enumerate(marked)]
        side = getattr(ax, f"{name}axis")
        side.set_ticks([at for at, _ in marked], [text for _, text in marked])
        side.set_minor_locator(NullLocator())
    soft = light("soft")
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.spines["bottom"].set(color=soft, alpha=0.55, visible=chart.grid)
    ax.tick_params(colors=soft, labelsize=0.92 * letter, length=0)
    ax.grid(False)
    if chart.grid:
        ax.grid(color=light("grid"), axis="y" if chart.x.kind == "band" else "both")
    ax.set_axisbelow(True)
    need = max(1, width_of(chart.x.label, letter))
    fit = min(1, ax.bbox.x1 * 72 / ax.figure.dpi / need)
    ax.set_xlabel(chart.x.label, loc="right", fontsize=fit * letter, c=light("ink"))


def ticks(axis: Axis, most):
    """Return places and texts of the ticks, about `most`."""
    low, high = axis.domain
    if axis.kind == "none":
        return []
    if axis.texts:
        places = axis.ticks if len(axis.ticks) else range(len(axis.texts))
        return list(zip(map(float, places), axis.texts, strict=True))
    if len(axis.ticks):
        places = axis.ticks
    elif axis.kind == "log":
        tens = 10.0 ** np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
        decades = np.log10(high / low)
        steps = (1, 2, 5) if decades < 1.5 else (1, 3) if decades < 3 else (1,)
        places = [float(f"{step * ten:.1g}") for ten in tens for step in steps]
        places = places[:: -(-len(places) // 9)] if len(steps) == 1 else places
    else:
        steps = [1, 2, 5, 10] if 5 < high - low < 25 else [1, 2, 2.5, 5, 10]  # epochs
        places = MaxNLocator(most, steps=steps).tick_values(low, high)
    room = 1e-9 * (high - low)
    return [(v, f"{v:.6g}") for v in places if low - room <= v <= high + room]


def _header(sheet, chart, reach):
    """Write above the axes: title, name upwards, marks without a label, `ends`."""
    # `reach` is how far the labels at line ends reach to the right, in points.
    ax, letter, width, height = sheet.ax, sheet.letter, sheet.width, sheet.height
    ink, small = {"fontsize": letter, "color": light("ink")}, 0.95 * letter
    ax.set_ylabel(chart.y.label, rotation=0, ha="left", va="bottom", **ink)
    ax.yaxis.set_label_coords(-2 * letter / width, 1 + 0.6 * letter / height)
    right = 1.0
    if chart.ends:
        at = 1 + max(reach, letter) / width, 1 + 0.8 * letter / height
        look = {"transform": ax.transAxes, "size": small, "ha": "right"}
        ax.text(*at, chart.ends, c=light("soft"), **look)
        right = min(1.0, at[0] - (width_of(chart.ends, small) + letter) / width)
    if labels := ax.get_legend_handles_labels()[1]:
        room = right * width - width_of(chart.y.label, letter)
        need = sum(width_of(label, small) + 3.6 * letter for label in labels)
        look = {"frameon": False, "borderaxespad": 0.2, "labelcolor": light("soft")}
        look |= {"ncols": len(labels), "handlelength": 1.8, "columnspacing": 0.9}
        level = 1.0
        if room < _SMALLEST * need and chart.y.kind != "band":  # above the name
            level, room = 1 + 2 * letter / height, width
            look["ncols"] = max(1, int(len(labels) * room / need))
        look["fontsize"] = small * min(1, max(_SMALLEST, room / need))
        ax.legend(loc="lower right", bbox_to_anchor=(right, level), **look)
    size = {"fontsize": 1.08 * letter, "fontweight": "bold", "pad": 2.4 * letter}
    ax.set_title(chart.title, loc="left", x=-2 * letter / width, color="black", **size)


@lru_cache(4096)
def width_of(text: str, size: float, strong: bool = False) -> float:
    """Return the width of a text in points."""
    look = FontProperties(size=size, weight=_bold(strong))
    longest = max(str(text).split("\n"), key=len)
    return text_to_path.get_text_width_height_descent(longest, look, ismath=False)[0]


def spread_labels(wanted: Sequence[float], gap: float) -> np.ndarray:
    """Return places near the wanted ones, `gap` apart, from 0 to 1."""
    # The nearest ones by least squares: where labels crowd, they move as a block
    # (isotonic regression: the highest of the lowest means).
    n, order = len(wanted), np.argsort(wanted, kind="stable")
    free, steps, placed = np.asarray(wanted)[order], gap * np.arange(n), np.empty(n)
    sums = np.concatenate([[0], np.cumsum(free - steps)])
    means = [(sums[a + 1 :] - sums[a]) / np.arange(1, n - a + 1) for a in range(n)]
    lowest = [max(min(means[a][k - a :]) for a in range(k + 1)) for k in range(n)]
    placed[order] = np.clip(lowest, 0, max(0, 1 - gap * (n - 1))) + steps
    return placed


def _color(mark, number=0, usual="blue"):
    return light(mark.each("color", number, usual))


def _pen(mark, number, width=2.0):
    dash, lw = mark.each("dash", number), 0.75 * (mark.each("width", number) or width)
    return {"color": _color(mark, number), "lw": lw, "ls": _DASHES.get(dash, "-")}


def _inked(color):
    """Return the color of a label, dark enough for a text, as live ones are."""
    return tuple((np.array(to_rgb(color)) + to_rgb(light("ink"))) / 2)


def _bold(strong):
    return "bold" if strong else "normal"


class _Sheet:
    """Axes on which marks are drawn, by kind, and the labels that look for room."""

    # `ends` are (x, y, text, color, strong) at ends of lines, `notes` the same beside
    # points; `z` is the height of the mark that is drawn. Sizes are in points.

    def __init__(self, ax, letter):
        self.ax, self.letter, self.z, self.ends, self.notes = ax, letter, 2.0, [], []
        self.scale = 72 / ax.figure.dpi
        self.width, self.height = np.array([ax.bbox.width, ax.bbox.height]) * self.scale

    def note(self, mark, number, x, y, strong=False):
        """Keep the label of a point until all is drawn."""
        if text := mark.each("label", number):
            strong = strong or bool(mark.each("strong", number))
            self.notes.append((x, y, text, _color(mark, number), strong))

    def line(self, mark):
        x, y = mark.columns
        for row, heights in enumerate(y):
            places, pen = x[min(row, len(x) - 1)], _pen(mark, row) | {"zorder": self.z}
            pen["drawstyle"] = "steps-post" if mark.get("step") else "default"
            if mark.get("halo"):
                pen["clip_on"] = False
                under = {"color": "white", "lw": pen["lw"] + 2.2, "alpha": 0.8}
                self.ax.plot(places, heights, **pen | under | {"ls": "-"})
            pen |= {"alpha": mark.each("opacity", row)}
            pen["marker"] = "o" if mark.get("draw") else None
            pen["label"] = None if row or mark.kind == "frames" else mark.get("legend")
            self.ax.plot(places, heights, **pen)
            there = np.flatnonzero(np.isfinite(heights) & np.isfinite(places))
            if (text := mark.each("label", row)) and len(there):
                end = places[there[-1]], heights[there[-1]]
                strong = bool(mark.each("strong", row))
                self.ends.append((*end, text, _pen(mark, row), strong))

    def frames(self, mark):
        self.line(mark)
        pen = _pen(mark, 0) | {"fill": False, "label": mark.get("legend")}
        self.ax.fill([np.nan], [np.nan], **pen)  # for the legend alone

    def band(self, mark):
        look = {"color": _color(mark), "alpha": mark.get("opacity", 0.16), "lw": 0}
        look |= {"zorder": self.z, "label": mark.get("legend")}
        self.ax.fill_between(*(column[0] for column in mark.columns), **look)

    def points(self, mark):
        x, y = (column[0] for column in mark.columns)
        every = range(len(x))
        colors = [to_rgba(_color(mark, i), mark.each("opacity", i)) for i in every]
        kinds = [mark.each("shape", i, "circle") for i in every]
        for kind in dict.fromkeys(kinds):
            some = [i for i, other in enumerate(kinds) if other == kind]
            chosen = [colors[i] for i in some]
            look = {"facecolors": chosen, "edgecolors": "white", "linewidths": 0.8}
            if not mark.get("filled", True):
                look = {"facecolors": "none", "edgecolors": chosen, "linewidths": 1.5}
            look |= {"marker": _SHAPES.get(kind, "o"), "label": mark.get("legend")}
            look["s"] = [2.2 * mark.each("size", i, 4.5) ** 2 for i in some]
            self.ax.scatter(x[some], y[some], clip_on=False, zorder=self.z, **look)
        for i, place in enumerate(zip(x, y, strict=True)):
            self.note(mark, i, *place)

    def ring(self, mark):
        x, y = (column[0] for column in mark.columns)
        look = {"mfc": "none", "ms": 12, "mew": 1.9, "zorder": self.z}
        for i in reversed(range(len(x))):  # the first lies on top
            self.ax.plot(x[i], y[i], "o", mec=_color(mark, i), clip_on=False, **look)
        self.note(mark, 0, x[0], y[0], strong=True)

    def cross(self, mark):
        x, look = mark.columns[0][0], {"transform": self.ax.get_xaxis_transform()}
        look |= {"ms": 7, "mew": 2.2, "clip_on": False, "zorder": self.z}
        for i, at in enumerate(x):
            look["label"] = None if i else mark.get("legend")
            self.ax.plot(at, 1, "x", color=_color(mark, i), **look)
        leftmost = {mark.each("label", i): i for i in np.argsort(x)[::-1]}
        for i in leftmost.values():  # the same label stands once
            self.note(mark, i, x[i], self.ax.get_ylim()[1])

    def rule(self, mark):
        across, up = self.ax.get_xlim(), self.ax.get_ylim()
        for i, at in enumerate(mark.columns[0][0]):
            x, y = (across, (at, at)) if mark.get("across") else ((at, at), up)
            self.ax.plot(x, y, **_pen(mark, i, 1.5), zorder=self.z)
            self.note(mark, i, x[1], y[1])

    def text(self, mark):
        size, texts = self.letter * mark.get("size", 1.0), mark.get("texts")
        if room := mark.get("room"):
            widest = max(width_of(said, size, strong=True) for said in texts)
            size *= min(1.0, room * self.width / np.ptp(self.ax.get_xlim()) / widest)
        look = {"ha": _ALIGN[mark.get("anchor")], "va": "center", "size": size}
        look["path_effects"] = [withStroke(linewidth=0.25 * size, foreground="white")]
        for i, place in enumerate(zip(*(c[0] for c in mark.columns), strict=True)):
            look["weight"] = _bold(mark.each("strong", i))
            look["color"] = _color(mark, i, "ink")
            self.ax.text(*place, texts[i], zorder=self.z, **look)

    def cells(self, mark):
        values, colors = mark.columns[0], unpack_pixels(mark.columns[1]) / 255
        sides = [np.arange(n + 1) - 0.5 for n in values.shape[::-1]]
        self.ax.pcolormesh(*sides, colors, edgecolor="white", lw=1.5, zorder=self.z)
        size = 0.95 * self.letter
        room = self.width / values.shape[1] - 0.3 * self.letter
        digits = next((n for n in (3, 2) if width_of("0." + n * "8", size) < room), 0)
        middle = {"ha": "center", "va": "center", "zorder": self.z, "size": size}
        for (r, c), value in np.ndenumerate(values):
            y = r + mark.get("lift", 0.0)
            if np.isposinf(value):
                self.ax.plot(c, y, "x", color=light("ink"), ms=6, mew=2, zorder=self.z)
            elif np.isfinite(value) and digits:
                bright = colors[r, c, :3] ** 2.2 @ [0.2126, 0.7152, 0.0722] > 0.18
                said = f"{value:#.{digits}g}".rstrip(".")
                self.ax.text(c, y, said, color="black" if bright else "white", **middle)

    def image(self, mark):
        limits = (*self.ax.get_xlim(), *self.ax.get_ylim())
        look = {"interpolation": "bilinear", "origin": "lower", "aspect": "auto"}
        self.ax.imshow(unpack_pixels(mark.columns[0]), extent=limits, zorder=1, **look)
        self.ax.set(xlim=limits[:2], ylim=limits[2:])

    def end_labels(self):
        """Write what stands at line ends; return how far it reaches, in points."""
        # Many are smaller; where not all have room, the strong ones are written.
        ax, ends = self.ax, self.ends
        room = self.height / (_LINE * self.letter * max(1, len(ends)))
        letter = self.letter * np.clip(room, _SMALLEST, 1)
        gap, to_axes = _LINE * letter / self.height, ax.transData - ax.transAxes
        if len(ends) > int(1 / gap) + 1:
            ends = [end for end in ends if end[4]]
        if not ends:
            return 0.0
        places = to_axes.transform([end[:2] for end in ends]).clip(0, 1)
        heights, em = spread_labels(places[:, 1], gap), letter / self.width
        turn, begin = 1 + 0.3 * em, 1 + _GAP * em
        each = zip(places, heights, strict=True)
        lines = [[(x, y), (turn, y), (begin - _STUB * em, up)] for (x, y), up in each]
        far = places[:, 0] < 0.9  # dots, which nobody takes for a curve
        tints = np.where(far, light("soft"), [end[3]["color"] for end in ends]).tolist()
        ties = {"linestyles": [(0, (1, 5)) if f else "-" for f in far], "colors": tints}
        at = {"transform": ax.transAxes, "clip_on": False}
        ties = LineCollection(lines, linewidths=0.7, alpha=0.55, **ties, **at)
        ax.add_collection(ties, autolim=False)
        for (_, _, text, pen, strong), place in zip(ends, heights, strict=True):
            stub = [(begin - _STUB * em, place), (begin - 0.3 * em, place)]
            ax.add_collection(LineCollection([stub], **pen, **at), autolim=False)
            look = {"size": letter, "weight": _bold(strong), "va": "center"}
            ax.text(begin, place, text, color=_inked(pen["color"]), **look, **at)
        return _GAP * letter + max(width_of(end[2], letter, end[4]) for end in ends)

    def beside(self, x, y, text, color, strong):
        """Write a label where it covers the least of what is drawn."""
        letter, across = self.letter, width_of(text, self.letter, strong)
        away = self._free((x, y), across)
        look = {"color": _inked(color), "size": letter, "weight": _bold(strong)}
        look |= {"ha": "center", "va": "center", "zorder": 9}
        look |= {"textcoords": "offset points", "annotation_clip": False}
        gap = np.hypot(max(0, abs(away[0]) - across / 2), away[1])
        tie = {"arrowstyle": "-", "ls": (0, (1, 5)), "color": light("soft"), "lw": 0.7}
        look["arrowprops"] = tie | {"shrinkB": 8} if gap > 2.6 * letter else None
        self.ax.annotate(text, (x, y), away, **look)

    def _free(self, point, across):
        """Return how far from a point there is room for the middle of a text."""
        letter, to = self.letter, self.ax.transAxes.transform
        seen, (px, py) = self._seen(), self.ax.transData.transform(point) * self.scale
        (left, low), (right, high) = to([(0, 0), (1, 1)]) * self.scale
        best, half = (np.inf, 0, 1.7 * letter), across / 2 + 2
        for lift in (0, -1, 1, -2, 2, -3, 3, -4, 4):
            for side in (0, 1, -1, 1.5, -1.5, 2, -2) if lift else (1, -1):
                dx, dy = side * (1.3 * letter + across / 2), lift * 1.7 * letter
                cx, cy = px + dx, py + dy
                inside = left < cx - half + 2 and cx + half - 2 < right
                if inside and low + 0.6 * letter < cy < high + 0.1 * letter:
                    over = (abs(seen - (cx, cy)) < (half, 0.75 * letter)).all(1).sum()
                    cost = over + 0.3 * abs(side) + 0.6 * abs(lift)
                    best = min(best, (cost, dx, dy))
        return best[1:]

    def _seen(self):
        """Return places (n, 2) that a text should not cover."""
        data, seen = self.ax.transData, [np.zeros((0, 2))]
        steps = np.linspace(0, 1, 60)[:, None]  # a text on a text cannot be read
        paths = [(line.get_transform(), line.get_xydata()) for line in self.ax.lines]
        for dots in self.ax.collections:
            offsets = dots.get_offsets()
            if isinstance(dots, LineCollection):  # from ends of lines to their labels
                paths += [(dots.get_transform(), lead) for lead in dots.get_segments()]
            elif len(offsets) and dots.get_offset_transform() == data:
                seen.append(data.transform(offsets) * self.scale)
        for transform, path in paths:
            ends = transform.transform(path) * self.scale
            if len(ends) == 1:  # a cross
                seen.append(ends + np.array([(-4, 0), (4, 0)]))
            long = np.nanmax(np.hypot(*np.diff(ends, axis=0).T), initial=0)
            share = np.linspace(0, 1, int(min(60, 3 + long / (0.4 * self.letter))))
            between = ends[:-1] + np.diff(ends, axis=0) * share[:, None, None]
            seen.append(between.reshape(-1, 2))
        for text in self.ax.texts:  # also those that `beside` has written
            beside = isinstance(text, Annotation)
            if beside or text.get_transform() == data:
                place = text.get_position()
                at, away = (text.xy, place) if beside else (place, (0, 0))
                long = width_of(text.get_text(), text.get_size())
                begin = {"left": 0.0, "center": -0.5, "right": -1.0}[text.get_ha()]
                middle = data.transform(at) * self.scale + away + (begin * long, 0)
                seen.append(middle + steps * (long, 0))
        return np.concatenate(seen)
