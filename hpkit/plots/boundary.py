"""The map of what a network says, for data with two features."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hpkit.charts.colors import light
from hpkit.charts.decision import map_cells, map_chart, map_pixels
from hpkit.data.datasets import Dataset
from hpkit.engine.runs import Run
from hpkit.engine.training import check_dataset
from hpkit.hyperparameters import check_choice, refusal
from hpkit.plots.words import (
    CHARTS,
    SAY,
    alt_text,
    check_axes,
    describe,
    drawn,
    new_axes,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CELLS = 160  # along a side: smooth enough for the border, 25,600 points in 20 ms
SIZE = 3.4  # of the points


def plot_decision_boundary(
    run: Run, ax: Axes | None = None, *, epoch: str = "best", split: str = "train"
) -> Axes:
    """Return the axes with the network's answer everywhere, and the points.

    Parameters
    ----------
    run : Run
        On data with two features and classes.
    ax : matplotlib.axes.Axes, optional
    epoch : {"best", "last"}, default "best"
        Weights of the epoch with the lowest validation loss, or of the last.
    split : {"train", "valid"}, default "train"
        Whose points are drawn. (The test split stays closed.)

    Returns
    -------
    matplotlib.axes.Axes
        The stronger the color, the surer the network; the black line is the border,
        where two classes are equally likely. Each class has its own marker.

    Examples
    --------
    >>> import hpkit as hk
    >>> run = hk.fit(hk.load_dataset("moons"), hk.Hyperparameters(lr=0.3, epochs=5))
    >>> plot_decision_boundary(run, epoch="last").get_xlabel()
    'x1'
    """
    if not isinstance(run, Run):
        raise refusal("one_run", kind=TypeError, type=type(run).__name__)
    _check_flat(run.dataset)
    check_choice("split", split, ("train", "valid"))
    pixels = map_pixels(run, epoch, CELLS)
    # Sixteen steps: a picture of flat areas is a fifth of the size of a smooth one.
    pixels[..., 3] = 16 * np.ceil(pixels[..., 3] / 16).clip(0, 15)
    at = run.best_epoch if epoch == "best" else run.epochs_done
    title = SAY["map"].format(epoch=at)
    chart = map_chart(run.dataset, pixels, split=split, title=title, size=SIZE)
    alt = f"{CHARTS['map'].format(epoch=at)} {describe(run)}"
    ax = drawn(chart, ax, (5.0, 4.0), alt)
    _draw_border(ax, run, epoch)
    return ax


def _draw_border(ax, run, epoch):
    """Draw where two classes are equally likely."""
    (left, right, bottom, top), cells = map_cells(run.dataset, CELLS)
    chance = run.predict_proba(cells, epoch).reshape(CELLS, CELLS, -1)
    sides = np.linspace(left, right, CELLS), np.linspace(bottom, top, CELLS)
    classes = range(run.dataset.n_outputs)
    for number in classes[1:] if len(classes) == 2 else classes:
        lead = chance[..., number] - np.delete(chance, number, -1).max(-1)
        if lead.min() < 0 < lead.max():
            ax.contour(*sides, lead, [0], colors=light("ink"), linewidths=1.6)


def plot_data(
    dataset: Dataset, ax: Axes | None = None, *, split: str = "train"
) -> Axes:
    """Return the axes with the points of a data set of two features, or ten digits.

    Parameters
    ----------
    dataset : Dataset
        With two features and classes, or the digits.
    ax : matplotlib.axes.Axes, optional
    split : {"train", "valid"}, default "train"

    Returns
    -------
    matplotlib.axes.Axes
        Each class has its own color and marker.

    Examples
    --------
    >>> import hpkit as hk
    >>> len(plot_data(hk.load_dataset("moons")).collections)
    2
    """
    check_choice("split", split, ("train", "valid"))
    if check_dataset(dataset).name == "digits":
        return _draw_digits(dataset, ax, getattr(dataset, split))
    _check_flat(dataset)
    names = [SAY["class"].format(name=name) for name in dataset.classes]
    chart = map_chart(dataset, None, split=split, names=names, size=SIZE)
    facts = {"data": dataset.name, "n": len(getattr(dataset, split).y)}
    alt = CHARTS["data"].format(**facts, classes=dataset.n_outputs)
    return drawn(chart, ax, (5.0, 3.6), alt)


def _draw_digits(data, ax, rows):
    """Draw the first row of each class, side by side."""
    ax = new_axes((7.2, 1.0)) if ax is None else check_axes(ax)
    first = [rows.X[rows.y == k][0] * data.scale + data.center for k in range(10)]
    tiles = [np.pad(row.reshape(8, 8), 1) for row in first]
    ax.imshow(np.hstack(tiles), cmap="gray_r")
    ax.set_axis_off()
    return alt_text(ax, CHARTS["digits"])


def _check_flat(data):
    """Raise unless a data set can be drawn as a map."""
    if data.n_features != 2 or data.is_regression:
        kind = SAY["regression" if data.is_regression else "classes"]
        raise refusal("flat", features=data.n_features, what=kind)
