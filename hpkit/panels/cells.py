"""`CellMap`: the loss of every pair of values as colored cells."""

import bqplot as bq
import ipywidgets as W
import numpy as np
from matplotlib import colormaps

from hpkit.panels.controls import NAMES
from hpkit.panels.figures import (
    CROSS,
    STAGGERED,
    figure,
    linear,
    lines,
    set_all,
    texts,
    tick,
)
from hpkit.panels.maps import png
from hpkit.panels.style import css_color
from hpkit.panels.values import ACROSS, UPWARD, fitting
from hpkit.text import shown

WORDS = {"start": "S"}
STOP = np.array([[-0.36], [-0.16]])  # from the middle of a cell, beside its number
LEAST_SPAN = np.log(2)  # of the colors, as in plots/maps.py
UNKNOWN, OUT = (0.6, 0.6, 0.6, 0.16), (0.6, 0.6, 0.6, 0.5)
INSET = {"here": 0.09, "mine": 0.16}  # of a cell: frames inside that of the best
LEFT, SHORT, LETTER = 58, 5, 7  # pixels beside the cells; a text longer than 5 letters
BOTTOM, SECOND = 40, 14  # pixels below the cells, and for a second line of texts
FEW, MANY = 5, 9  # columns: to 5 three digits fit into a cell, from 9 none do


def shade(loss):
    """Return colors (..., 4) in 0..1: dark is low; pale where there is no loss.

    They reach over a factor of two at least, so that a plateau looks like one.
    """
    known = np.isfinite(loss)
    logs = np.log(np.where(known, loss, 1.0))
    low = logs[known].min() if known.any() else 0.0
    span = max(logs[known].max() - low, LEAST_SPAN) if known.any() else LEAST_SPAN
    share = (logs - low) / span
    if known.sum() == 1:  # neither dark nor light
        share = np.full(logs.shape, 0.5)
    colors = colormaps["YlGnBu"](0.92 - 0.87 * np.clip(share, 0, 1))
    colors[~known] = UNKNOWN
    if not known.any():  # by turns, so that the cells of an empty map are seen
        colors[np.indices(colors.shape[:-1]).sum(0) % 2 == 1, 3] /= 2
    return colors


def digits(loss, count):
    """Return a loss in so many digits, also 0.70."""
    return f"{loss:#.{count}g}".rstrip(".")


def ink_on(color):
    """Return black or white, what stands out more (WCAG 2.2, relative luminance)."""
    if color[3] < 1:  # the page shines through
        return css_color("ink")
    linear = np.asarray(color[:3]) ** 2.2
    return "#000000" if linear @ [0.2126, 0.7152, 0.0722] > 0.18 else "#ffffff"


def all_fit(words, *fits):
    """Return whether no text would print over its neighbor."""
    return all(fitting(words, *fits).values())


def regular(words, *fits):
    """Return ticks as `fitting` does; if some lose their text, then by turns."""
    places = sorted(words)
    for step in range(1, len(places)):
        if (len(places) - 1) % step == 0:
            some = {k: words[k] for k in places[::step]}
            if all_fit(some, *fits):
                return {k: some.get(k, "") for k in places}
    return fitting(words, *fits)


def outlines(cells, inset=0.0):
    """Return lines x, y (n, 2) around cells (column, row), around neighbors as one.

    A single cell's are moved inwards by `inset`, so that a frame inside another shows.
    """
    there, sides = set(cells), []
    for column, row in there:
        for across, up in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            if (column + across, row + up) not in there:
                middle = np.array([[column + across / 2, row + up / 2]])
                sides.append(middle + np.array([[-up, across], [up, -across]]) / 2)
    x, y = np.array(sides).reshape(-1, 2, 2).transpose(2, 0, 1)
    if len(there) == 1:
        ((column, row),) = there
        x, y = (
            at + (1 - 2 * inset) * (side - at) for at, side in ((column, x), (row, y))
        )
    return x, y


class CellMap:
    """Cells of one hyperparameter across and one up.

    `clicked` is called with (column, row) when a cell is clicked; `room` characters fit
    along the axis.
    """

    def __init__(self, clicked, *, height=270, room=ACROSS):
        self.room = room
        x, y = linear(), linear()
        scales = {"x": x, "y": y}
        nothing = png(np.zeros((2, 2, 4), np.uint8))
        # Two by turns: bqplot sees that the image is another one, not that it changed.
        self.images = [W.Image(value=nothing, format="png") for _ in range(2)]
        self.image = bq.Image(image=self.images[0], scales=scales)
        self.numbers = texts(scales, default_size=11, align="middle", y_offset=4)
        self.stops = texts(
            scales, default_size=11, align="start", x_offset=7, y_offset=14
        )
        self.ties = lines(scales, "orange", stroke_width=2.5, line_style="dashed")
        self.best = lines(scales, "orange", stroke_width=4)
        self.mine = lines(scales, "purple", stroke_width=3, line_style="dash_dotted")
        self.here = lines(scales, "ink", stroke_width=2.5, line_style="dotted")
        self.path = lines(
            scales, "ink", stroke_width=2.5, marker="circle", marker_size=60
        )
        pale, drawn = {"opacities": [0.75], "marker_size": 150}, []
        self.halo = {}  # pale under each: seen on dark cells and on light ones
        for mark in (self.ties, self.best, self.mine, self.here, self.path):
            width = mark.stroke_width + 3
            under = lines(
                scales, "ground", stroke_width=width, marker=mark.marker, **pale
            )
            self.halo[mark] = under
            drawn += [under, mark]
        self.figure = figure(
            [self.image, *drawn, self.stops, self.numbers], x, y, ("", ""),
            height=height, margin=(12, 12, BOTTOM, LEFT), grid="none",
        )  # fmt: skip
        self.figure.add_class("hp-clicks")
        self.clicked = clicked
        self.image.on_element_click(self._click)

    def _click(self, _, event):
        """Tell which cell was clicked, also at its very edge."""
        at = (event["data"][key] for key in ("click_y", "click_x"))
        ends = zip(at, self.colors.shape[:2], strict=True)
        row, column = (min(max(round(place), 0), n - 1) for place, n in ends)
        self.clicked(column, row)

    def show(
        self, names, values, loss, diverged, *, best=(), ties=(), here=(), mine=()
    ):
        """Show the cells.

        Parameters
        ----------
        names : (str, str)
            Hyperparameter across and up.
        values : (sequence, sequence)
        loss : ndarray (rows, columns)
            nan where nothing was trained.
        diverged : ndarray of bool (rows, columns)
        best, ties, here, mine : sequence of (column, row)
        """
        for side in (0, 1):
            at = np.arange(len(values[side]), dtype=float)
            words = dict(zip(at.tolist(), map(shown, values[side]), strict=True))
            words = regular(words, UPWARD, lambda text: 1) if side else self._set(words)
            tick(self.figure, side, at, words, NAMES[names[side]], edge=0.5)
        self._give_room(max(map(len, map(shown, values[1]))))
        inside = np.where(diverged, np.nan, loss)
        colors = shade(inside)
        colors[diverged] = OUT
        self.images.reverse()
        self.images[0].value = png((colors[::-1] * 255).astype(np.uint8))
        rows, columns = loss.shape
        with self.image.hold_sync():
            self.image.x, self.image.y = [-0.5, columns - 0.5], [-0.5, rows - 0.5]
            self.image.image = self.images[0]
        self._numbers(inside, diverged, colors)
        frames = {"ties": ties, "best": best, "here": here, "mine": mine}
        for name, cells in frames.items():
            self._put(getattr(self, name), *outlines(cells, INSET.get(name, 0.0)))
        self.colors = colors

    def _give_room(self, longest):
        """Give the texts upwards and the name of the axis their places."""
        more = LETTER * max(0, longest - SHORT)
        self.figure.axes[1].label_offset = f"{46 + more}px"
        if self.figure.fig_margin["left"] != LEFT + more:
            self.figure.fig_margin = self.figure.fig_margin | {"left": LEFT + more}

    def _set(self, words):
        """Return the ticks across; on two lines by turns if they do not fit on one."""
        both = not all_fit(words, self.room) and all_fit(words, 2 * self.room)
        if both != (STAGGERED in self.figure._dom_classes):
            (self.figure.add_class if both else self.figure.remove_class)(STAGGERED)
            bottom = BOTTOM + SECOND * both
            self.figure.fig_margin = self.figure.fig_margin | {"bottom": bottom}
        return words if both else regular(words, self.room)

    def show_path(self, cells):
        """Show the cells (column, row) from the start S over the steps 1, 2, ..."""
        self.numbers.y_offset, self.numbers.x_offset = -3, 4
        there = len(cells) > 1
        x, y = np.array(cells if there else [], float).reshape(-1, 2).T + STOP
        self._put(self.path, x, y)
        stops = {}
        for number, cell in enumerate(cells):
            stops.setdefault(cell, []).append(str(number or WORDS["start"]))
        x, y = np.array(list(stops), float).reshape(-1, 2).T + STOP
        inks = [ink_on(self.colors[row, column]) for column, row in stops]
        set_all(
            self.stops, x=x, y=y, text=list(map(" ".join, stops.values())), colors=inks
        )

    def _put(self, mark, x, y):
        """Set a line and what is under it."""
        set_all(mark, x=x, y=y)
        set_all(self.halo[mark], x=x, y=y)

    def _numbers(self, loss, diverged, colors):
        """Write the losses into the cells."""
        known = np.isfinite(loss) if loss.shape[1] < MANY else np.zeros_like(diverged)
        up, across = np.nonzero(known | diverged)
        places = list(zip(up, across, strict=True))
        count = 3 if loss.shape[1] <= FEW else 2
        set_all(
            self.numbers, x=across.astype(float), y=up.astype(float),
            text=[CROSS if diverged[p] else digits(loss[p], count) for p in places],
            colors=[ink_on(colors[p]) for p in places],
        )  # fmt: skip
