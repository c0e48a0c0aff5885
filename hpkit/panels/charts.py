"""The live charts (bqplot): loss against epoch, and a map of two-dimensional data.

They only show: what is given is drawn, nothing is asked or kept. Still pictures are in
`stills`.
"""

import io
from itertools import pairwise

import bqplot as bq
import ipywidgets as W
import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.ticker import MaxNLocator
from PIL import Image

from hpkit.panels.style import CLASSES, COLORS, css_color

WORDS = {
    "epoch": "epoch",
    "loss": "loss",
    "out": "✕",
}
GRID = 56  # cells along a side of the map: 3,136 points, about a millisecond
MARKERS = ("circle", "diamond", "square", "triangle-up", "cross", "triangle-down")
SHAPES = ("o", "D", "s", "^", "P", "v")  # the same for matplotlib


def nice_top(value):
    """Return the next of 1, 1.5, 2, 3, 5, 7 x 10^k that is not below `value`."""
    if not np.isfinite(value) or value <= 0:
        return 1.0
    power = 10.0 ** np.floor(np.log10(value))
    return float(
        next(s * power for s in (1, 1.5, 2, 3, 5, 7, 10) if s * power >= value)
    )


def top_of(runs):
    """Return the upper end of the loss axis; spikes and diverged runs stretch nothing."""
    most = 1.0
    for run in runs:
        start = run.val_loss[0] if np.isfinite(run.val_loss[0]) else 1.0
        most = max(most, 1.1 * start)
        if not run.diverged:
            usual = np.nanpercentile(run.val_loss[len(run.val_loss) // 2 :], 90)
            most = max(most, min(1.05 * usual, 4 * start))
    return nice_top(most)


def ticks(low, high, n=5):
    """Return about n round numbers from `low` to `high`."""
    values = MaxNLocator(n, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
    return [float(v) for v in values if low - 1e-9 <= v <= high + 1e-9]


def clipped(curve, top):
    """Return epochs, losses and the epoch where the curve left the chart for good.

    What is far above the chart is cut there, so that the line leaves it steeply.
    """
    curve = np.asarray(curve, float)
    epochs = np.arange(len(curve), dtype=float)
    outside = ~(curve <= top)  # also nan
    inside = np.flatnonzero(~outside)
    out = int(inside[-1]) + 1 if len(inside) else 0
    return epochs, np.minimum(curve, 20 * top), out if outside[-1] else None


def stacked(curves, top):
    """Return curves as two arrays (n, points), for one bqplot mark."""
    width = max(map(len, curves), default=0)
    x, y = np.empty((2, len(curves), max(2, width)))
    for row, curve in enumerate(curves):
        epochs, losses, _ = clipped(curve, top)
        x[row], y[row] = epochs[-1], losses[-1]  # the end repeats: nothing is drawn
        x[row, : len(epochs)], y[row, : len(epochs)] = epochs, losses
    return x, y


def linear(low=0.0, high=1.0):
    """Return a scale that ends where it says."""
    return bq.LinearScale(min=float(low), max=float(high), allow_padding=False)


def figure(
    marks, x, y, labels, *, height, margin=(12, 14, 40, 50), across=None, up=None
):
    """Return a figure with two labeled axes; margin is top, right, bottom, left."""
    sides = dict(zip(("top", "right", "bottom", "left"), margin, strict=True))
    below = bq.Axis(scale=x, label=labels[0], **(across or {}))
    beside = bq.Axis(
        scale=y, label=labels[1], side="left", label_offset="36px",
        **(up or {}),
    )  # fmt: skip
    return bq.Figure(
        marks=marks, axes=[below, beside], fig_margin=sides, padding_y=0, padding_x=0,
        layout=W.Layout(height=f"{height}px", width="100%", min_width="0"),
        display_toolbar=False,
    )  # fmt: skip


def limit(figure, side, high, low=0.0, n=5, room=1.0):
    """Set the ends of an axis (0 across, 1 up), with room, and round numbers on it."""
    axis, end = figure.axes[side], float(high * room)
    if (axis.scale.min, axis.scale.max) != (low, end) or axis.tick_values is None:
        set_all(axis.scale, min=float(low), max=end)
        axis.tick_values = np.array(ticks(low, high, n))


def set_all(widget, **traits):
    """Set traits in one message."""
    if isinstance(widget, bq.Mark):
        traits["visible"] = bool(len(traits["x"]))
        if not traits["visible"]:  # bqplot cannot draw a mark without a point
            traits = {"visible": False}
    with widget.hold_sync():
        for name, value in traits.items():
            setattr(widget, name, value)


class LossChart:
    """Loss against epoch: one strong pair of curves, pinned ones, faded ones.

    Training is dashed, validation solid; a circle at each lowest validation loss; an X
    at the top edge where a curve left the chart.
    """

    def __init__(self, *, height=300):
        x, y = linear(), linear()
        self.seen, self.top = (), 1.0
        scales = {"x": x, "y": y}
        gray, blue = [css_color("gray")], [css_color("blue")]

        def lines(**look):
            return bq.Lines(
                x=[0.0, 0], y=[0.0, 0], scales=scales, visible=False, **look
            )

        self.faded = lines(colors=gray, stroke_width=1.3, opacities=[0.55])
        self.pinned_train = lines(stroke_width=1.6, line_style="dashed")
        self.pinned_val = lines(stroke_width=2.2)
        self.train = lines(colors=blue, stroke_width=2, line_style="dashed")
        self.val = lines(colors=blue, stroke_width=3)
        self.lowest = bq.Scatter(
            x=[0.0], y=[0.0], scales=scales, marker="circle", default_size=90,
            fill=False, stroke_width=2.5, colors=blue, visible=False,
        )  # fmt: skip
        words = {"x": [0.0], "y": [0.0], "text": [""], "scales": scales,
                 "font_weight": "bold", "visible": False}  # fmt: skip
        self.names = bq.Label(**words, default_size=12, x_offset=7, align="start")
        self.left = bq.Label(**words, default_size=18, align="middle", y_offset=9)
        self.figure = figure(
            [self.faded, self.pinned_train, self.pinned_val, self.train, self.val,
             self.lowest, self.left, self.names],
            x, y, (WORDS["epoch"], WORDS["loss"]), height=height,
            margin=(12, 26, 40, 50), across={"tick_format": "d"},
        )  # fmt: skip

    def show(self, run, *, pinned=(), faded=(), epochs=1):
        """Show one run strongly, others beside it.

        Parameters
        ----------
        run : Run
        pinned : sequence of (Run, color name, label)
        faded : sequence of Run
        epochs : int
            Right end of the axis.
        """
        others = ([(id(r), *look) for r, *look in pinned], [id(r) for r in faded])
        if others != self.seen:
            rest = [*(p[0] for p in pinned), *faded]
            self.top = top_of(rest) if rest else 1.0
        top = max(self.top, top_of([run]))
        if others != self.seen or top != self.figure.axes[1].scale.max:
            self.seen = others
            limit(self.figure, 1, top)
            self._others(pinned, faded, top)
        limit(self.figure, 0, epochs, n=6, room=1.025)  # a circle fits at the end
        for mark, curve in ((self.train, run.train_loss), (self.val, run.val_loss)):
            x, y, _ = clipped(curve, top)
            set_all(mark, x=x, y=y)
        self._points([(run, "blue"), *((p[0], p[1]) for p in pinned)], top)

    def _others(self, pinned, faded, top):
        """Draw what changes only when a run was added, pinned or removed."""
        x, y = stacked([r.val_loss for r in faded], top)
        set_all(self.faded, x=x, y=y)
        runs = [p[0] for p in pinned]
        colors = [css_color(p[1]) for p in pinned]
        for mark, name in (
            (self.pinned_train, "train_loss"),
            (self.pinned_val, "val_loss"),
        ):
            x, y = stacked([getattr(r, name) for r in runs], top)
            set_all(mark, x=x, y=y, colors=colors)
        ends = [r.val_loss[-1] if r.val_loss[-1] <= top else top for r in runs]
        set_all(
            self.names, text=[p[2] for p in pinned], colors=colors,
            x=[float(r.epochs_done) for r in runs], y=spread(ends, top / 16),
        )  # fmt: skip

    def _points(self, runs, top):
        """Draw the lowest points and the X of what left the chart."""
        calm = [(r, c) for r, c in runs if r.best_val_loss <= top]
        set_all(
            self.lowest, colors=[css_color(c) for _, c in calm],
            x=[float(r.best_epoch) for r, _ in calm],
            y=[r.best_val_loss for r, _ in calm],
        )  # fmt: skip
        out = [(clipped(r.val_loss, top)[2], c) for r, c in runs if r.diverged]
        out = [(at, c) for at, c in out if at is not None]
        set_all(
            self.left, text=[WORDS["out"] for _ in out],
            colors=[css_color(c) for _, c in out],
            x=[float(at) for at, _ in out], y=[top for _ in out],
        )  # fmt: skip


def spread(values, gap):
    """Return heights of labels moved apart by at least `gap`, order kept."""
    order = np.argsort(values)
    placed = np.asarray(values, float).copy()
    for before, after in pairwise(order):
        placed[after] = max(placed[after], placed[before] + gap)
    return placed


class MapChart:
    """Points of a two-dimensional data set over the probability that a run gives."""

    def __init__(self, dataset, *, height=270):
        self.dataset = dataset
        self.extent, self.cells = map_cells(dataset)
        left, right, bottom, top = self.extent
        x, y = linear(left, right), linear(bottom, top)
        scales = {"x": x, "y": y}
        self.image = W.Image(value=blank(), format="png")
        ground = bq.Image(
            image=self.image, x=[left, right], y=[bottom, top], scales=scales,
            pixelated=False,
        )  # fmt: skip
        marks = [ground]
        for number, _ in enumerate(dataset.classes):
            look = {"marker": MARKERS[number % 6], "scales": scales, "default_size": 17}
            color = [css_color(CLASSES[number % 6])]
            X = dataset.train.X[dataset.train.y == number]
            marks.append(bq.Scatter(
                x=X[:, 0], y=X[:, 1], colors=color, **look, opacities=[0.75],
                stroke=css_color("ground"), stroke_width=0.5,
            ))  # fmt: skip
        self.figure = figure(
            marks, x, y, dataset.features, height=height, margin=(12, 12, 40, 46),
            across={"grid_lines": "none"}, up={"grid_lines": "none"},
        )  # fmt: skip
        limit(self.figure, 0, right, left, 4)
        limit(self.figure, 1, top, bottom, 4)

    def show(self, run, epoch):
        """Show the map of a run ("best" or "last" epoch)."""
        self.image.value = map_png(run, self.cells, epoch)


def map_cells(dataset):
    """Return (left, right, bottom, top) of the data and the centers of cells."""
    X = np.concatenate([dataset.train.X, dataset.valid.X])
    low, high = X.min(0), X.max(0)
    edge = 0.08 * (high - low)
    low, high = low - edge, high + edge
    sides = [np.linspace(a, b, GRID) for a, b in zip(low, high, strict=True)]
    across, up = np.meshgrid(*sides)
    extent = (low[0], high[0], low[1], high[1])
    return tuple(map(float, extent)), np.stack([across.ravel(), up.ravel()], 1)


def map_colors(run, cells, epoch):
    """Return the map as (GRID, GRID, 4) in 0..1, bottom row first.

    Each cell has the color of the likeliest class, the clearer the surer it is: the
    boundary between two classes is where the color fades.
    """
    shares = np.nan_to_num(run.predict_proba(cells, epoch), nan=0.0)
    palette = np.array([to_rgb(COLORS[c][0]) for c in CLASSES])
    n, likeliest = shares.shape[1], shares.argmax(1)
    sure = (shares.max(1) - 1 / n) / (1 - 1 / n)
    alpha = 0.62 * np.clip(sure, 0, 1) ** 0.8
    colors = np.concatenate([palette[likeliest % 6], alpha[:, None]], 1)
    return colors.reshape(GRID, GRID, 4)


def map_png(run, cells, epoch):
    """Return the map as a PNG."""
    pixels = (map_colors(run, cells, epoch)[::-1] * 255).astype(np.uint8)
    return png_bytes(pixels)


def blank():
    """Return a PNG of nothing."""
    return png_bytes(np.zeros((2, 2, 4), np.uint8))


def png_bytes(pixels):
    """Return pixels (rows, columns, 4) as a PNG, packed lightly: it is sent at once."""
    file = io.BytesIO()
    Image.fromarray(pixels, "RGBA").save(file, "PNG", compress_level=1)
    return file.getvalue()
