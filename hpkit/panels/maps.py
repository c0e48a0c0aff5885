"""`MapChart`: two-dimensional data over what a network says of every place."""

import io

import bqplot as bq
import ipywidgets as W
import numpy as np
from matplotlib.colors import to_rgb
from PIL import Image, ImageDraw

from hpkit.engine.run import softmax
from hpkit.panels.figures import figure, limit, linear
from hpkit.panels.style import CLASSES, COLORS, css_color

GRID = 56  # cells along a side of the map: 3,136 points, about a millisecond
SMALL = 240  # pixels along a side of a thumbnail, shown at half of that
MARKERS = ("circle", "triangle-up", "square", "diamond", "cross", "triangle-down")


class MapChart:
    """The map of a data set with two features and classes."""

    def __init__(self, dataset, *, height=270):
        (left, right, bottom, top), self.cells = map_cells(dataset)
        x, y = linear(left, right), linear(bottom, top)
        scales = {"x": x, "y": y}
        nothing = png(np.zeros((2, 2, 4), np.uint8))
        # Two by turns: bqplot sees that the image is another one, not that it changed.
        self.images = [W.Image(value=nothing, format="png") for _ in range(2)]
        self.ground = bq.Image(
            image=self.images[0], x=[left, right], y=[bottom, top], scales=scales,
            pixelated=False,
        )  # fmt: skip
        dots = []
        for number, _ in enumerate(dataset.classes):
            X = dataset.train.X[dataset.train.y == number]
            dots.append(bq.Scatter(
                x=X[:, 0], y=X[:, 1], scales=scales, marker=MARKERS[number % 6],
                colors=[css_color(CLASSES[number % 6])], opacities=[0.8],
                default_size=17, stroke=css_color("ground"), stroke_width=0.5,
            ))  # fmt: skip
        self.figure = figure(
            [self.ground, *dots], x, y, dataset.features, height=height,
            margin=(12, 12, 40, 46), grid="none",
        )  # fmt: skip
        limit(self.figure, 0, right, left, 4)
        limit(self.figure, 1, top, bottom, 4)

    def show(self, run, epoch):
        """Show the map of a run ("best" or "last" epoch)."""
        pixels = map_colors(softmax(run.outputs(self.cells, epoch)))
        self.images.reverse()
        self.images[0].value = png((pixels[::-1] * 255).astype(np.uint8))
        self.ground.image = self.images[0]


def has_map(dataset):
    """Return whether a map can be drawn: two features, and classes."""
    return dataset.n_features == 2 and not dataset.is_regression


def thumbnail(run, epoch="best"):
    """Return the map of a run with the training points on it, small, as a PNG."""
    (left, right, bottom, top), cells = map_cells(run.dataset)
    pixels = map_colors(softmax(run.outputs(cells, epoch)))[::-1]
    ground = Image.fromarray((pixels * 255).astype(np.uint8), "RGBA")
    picture = Image.new("RGBA", (SMALL, SMALL), "white")
    ground = ground.resize(picture.size, Image.Resampling.BILINEAR)
    picture.alpha_composite(ground)
    pen, corner = ImageDraw.Draw(picture), np.array([left, top])
    scale = SMALL / np.array([right - left, bottom - top])
    for number in range(len(run.dataset.classes)):
        color = COLORS[CLASSES[number % 6]][0]
        points = run.dataset.train.X[run.dataset.train.y == number]
        for x, y in (points - corner) * scale:
            pen.ellipse((x - 2, y - 2, x + 2, y + 2), fill=color)
    return png(np.asarray(picture))


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


def map_colors(shares):
    """Return the map (GRID, GRID, 4) in 0..1, bottom row first, of class probabilities.

    Each cell has the color of the likeliest class, the clearer the surer it is: the
    boundary between two classes is where the color fades.
    """
    shares = np.nan_to_num(shares, nan=0.0)
    palette = np.array([to_rgb(COLORS[c][0]) for c in CLASSES])
    n, likeliest = shares.shape[1], shares.argmax(1)
    sure = np.clip((shares.max(1) - 1 / n) / (1 - 1 / n), 0, 1)
    colors = np.concatenate([palette[likeliest % 6], 0.62 * sure[:, None] ** 0.8], 1)
    return colors.reshape(GRID, GRID, 4)


def png(pixels):
    """Return pixels (rows, columns, 4) as a PNG, packed lightly: it is sent at once."""
    file = io.BytesIO()
    Image.fromarray(pixels, "RGBA").save(file, "PNG", compress_level=1)
    return file.getvalue()
