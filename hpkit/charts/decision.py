"""Data with two features over what a network says of every place."""

import io

import numpy as np
from matplotlib.colors import to_rgb
from PIL import Image, ImageDraw

from hpkit.charts.colors import CLASSES, COLORS, SHAPES
from hpkit.charts.spec import Axis, Chart, image, points
from hpkit.engine.runs import softmax

SMALL = 240  # pixels along a side of a thumbnail, shown at half of that
GRID = 56  # cells along a side of the map: 3,136 points, about a millisecond
_PALETTE = np.array([to_rgb(COLORS[name][0]) for name in CLASSES])


def has_map(dataset) -> bool:
    """Return whether a map can be drawn: two features, and classes."""
    return dataset.n_features == 2 and not dataset.is_regression


def map_cells(dataset, grid: int = GRID):
    """Return (left, right, bottom, top) of the data and the centers of cells."""
    X = np.concatenate([dataset.train.X, dataset.valid.X])
    low, high = X.min(0), X.max(0)
    edge = 0.08 * (high - low)
    low, high = low - edge, high + edge
    sides = [np.linspace(a, b, grid) for a, b in zip(low, high, strict=True)]
    across, up = np.meshgrid(*sides)
    extent = (low[0], high[0], low[1], high[1])
    return tuple(map(float, extent)), np.stack([across.ravel(), up.ravel()], 1)


def map_pixels(run, epoch: str = "best", grid: int = GRID) -> np.ndarray:
    """Return the map of a run ("best" or "last" epoch), bottom row first, uint8."""
    # A cell has the color of the likeliest class, the clearer the surer it is: the
    # boundary between two classes is where the color fades.
    shares = np.nan_to_num(softmax(run.outputs(map_cells(run.dataset, grid)[1], epoch)))
    n, likeliest = shares.shape[1], shares.argmax(1)
    sure = np.clip((shares.max(1) - 1 / n) / (1 - 1 / n), 0, 1)
    colors = [_PALETTE[likeliest % len(CLASSES)], 0.62 * sure[:, None] ** 0.8]
    return (255 * np.concatenate(colors, 1)).astype(np.uint8).reshape(grid, grid, 4)


def map_chart(dataset, pixels, *, split="train", names=(), size=2.6, **chart) -> Chart:
    """Return the points of a split over a map's pixels; None draws no map."""
    # `names` of the classes stand above the chart.
    (left, right, bottom, top), _ = map_cells(dataset, 2)
    part, dots = getattr(dataset, split), []
    for n in range(dataset.n_outputs):
        look = {"color": CLASSES[n % len(CLASSES)], "shape": SHAPES[n % len(SHAPES)]}
        look |= {"size": size, "hover": False, "legend": names[n] if names else None}
        dots.append(points(*part.X[part.y == n].T, **look))
    ground = image(np.zeros((0, 0, 4), np.uint8) if pixels is None else pixels)
    across = Axis(dataset.features[0], (left, right))
    up = Axis(dataset.features[1], (bottom, top))
    return Chart(across, up, [ground, *dots], grid=False, **chart)


def thumbnail(run) -> bytes:
    """Return the map of a run with the training points on it, small, as a PNG."""
    (left, right, bottom, top), _ = map_cells(run.dataset, 2)
    ground = Image.fromarray(map_pixels(run)[::-1], "RGBA")
    small = Image.new("RGBA", (SMALL, SMALL), "white")
    small.alpha_composite(ground.resize(small.size, Image.Resampling.BILINEAR))
    pen, corner = ImageDraw.Draw(small), np.array([left, top])
    scale = SMALL / np.array([right - left, bottom - top])
    for number in range(len(run.dataset.classes)):
        color = COLORS[CLASSES[number % len(CLASSES)]][0]
        rows = run.dataset.train.X[run.dataset.train.y == number]
        for x, y in (rows - corner) * scale:
            pen.ellipse((x - 2, y - 2, x + 2, y + 2), fill=color)
    file = io.BytesIO()
    small.save(file, "PNG", compress_level=1)
    return file.getvalue()
