"""`CellMap`: the loss of every pair of values as colored cells."""

import bqplot as bq
import ipywidgets as W
import numpy as np
from matplotlib import colormaps

from hpkit.panels.controls import NAMES
from hpkit.panels.figures import CROSS, figure, linear, lines, set_all, texts, tick
from hpkit.panels.maps import png
from hpkit.panels.runlist import text_of
from hpkit.panels.style import css_color

MANY = 9  # columns from which numbers do not fit into the cells


def shade(loss):
    """Return colors (..., 4) in 0..1: dark is low; nothing where there is no loss."""
    known = np.isfinite(loss)
    logs = np.log(np.where(known, loss, 1.0))
    low = logs[known].min() if known.any() else 0.0
    span = (logs[known].max() - low if known.any() else 0.0) or 1.0
    colors = colormaps["YlGnBu"](0.92 - 0.87 * np.clip((logs - low) / span, 0, 1))
    colors[~known] = 0
    return colors


def ink_on(color):
    """Return black or white, what stands out more (WCAG 2.2, relative luminance)."""
    linear = np.asarray(color[:3]) ** 2.2
    return "#000000" if linear @ [0.2126, 0.7152, 0.0722] > 0.18 else "#ffffff"


def outlines(cells):
    """Return rectangles around cells (column, row) as x, y (n, 5)."""
    corner = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1], [-1, -1]]) * 0.47
    boxes = np.asarray(cells, float).reshape(-1, 1, 2) + corner
    return boxes[..., 0], boxes[..., 1]


class CellMap:
    """Cells of one hyperparameter across and one up.

    `clicked` is called with (column, row) when a cell is clicked.
    """

    def __init__(self, clicked, *, height=270):
        x, y = linear(), linear()
        scales = {"x": x, "y": y}
        nothing = png(np.zeros((2, 2, 4), np.uint8))
        # Two by turns: bqplot sees that the image is another one, not that it changed.
        self.images = [W.Image(value=nothing, format="png") for _ in range(2)]
        self.image = bq.Image(image=self.images[0], scales=scales)
        self.numbers = texts(scales, default_size=11, align="middle", y_offset=4)
        self.path = lines(
            scales, "orange", stroke_width=3, marker="circle", marker_size=60
        )
        self.best = lines(scales, "orange", stroke_width=3.5)
        self.ties = lines(scales, "orange", stroke_width=2, line_style="dashed")
        self.here = lines(scales, "ink", stroke_width=2, line_style="dotted")
        marks = [self.image, self.ties, self.best, self.here, self.path, self.numbers]
        self.figure = figure(
            marks, x, y, ("", ""), height=height, margin=(12, 12, 40, 58), grid="none"
        )
        self.figure.axes[0].label_offset, self.figure.axes[1].label_offset = (
            "30px",
            "46px",
        )
        self.image.on_element_click(
            lambda _, event: clicked(
                round(event["data"]["click_x"]), round(event["data"]["click_y"])
            )
        )

    def show(self, names, values, loss, diverged, *, best=(), ties=(), here=()):
        """Show the cells.

        Parameters
        ----------
        names : (str, str)
            Hyperparameter across and up.
        values : (sequence, sequence)
        loss : ndarray (rows, columns)
            nan where nothing was trained.
        diverged : ndarray of bool (rows, columns)
        best, ties, here : sequence of (column, row)
        """
        for side in (0, 1):
            at = np.arange(len(values[side]), dtype=float)
            words = dict(zip(at.tolist(), map(text_of, values[side]), strict=True))
            tick(self.figure, side, at, words, NAMES[names[side]], edge=0.5)
        shown = np.where(diverged, np.nan, loss)
        colors = shade(shown)
        colors[diverged] = [0.6, 0.6, 0.6, 0.5]
        self.images.reverse()
        self.images[0].value = png((colors[::-1] * 255).astype(np.uint8))
        rows, columns = loss.shape
        with self.image.hold_sync():
            self.image.x, self.image.y = [-0.5, columns - 0.5], [-0.5, rows - 0.5]
            self.image.image = self.images[0]
        self._numbers(shown, diverged, colors)
        for mark, cells in ((self.best, best), (self.ties, ties), (self.here, here)):
            x, y = outlines(cells)
            set_all(mark, x=x, y=y)

    def _numbers(self, loss, diverged, colors):
        """Write the losses into the cells."""
        known = np.isfinite(loss) if loss.shape[1] < MANY else np.zeros_like(diverged)
        up, across = np.nonzero(known | diverged)
        places, gray = list(zip(up, across, strict=True)), css_color("ink")
        set_all(
            self.numbers, x=across.astype(float), y=up.astype(float),
            text=[CROSS if diverged[p] else f"{loss[p]:.2g}" for p in places],
            colors=[gray if diverged[p] else ink_on(colors[p]) for p in places],
        )  # fmt: skip
