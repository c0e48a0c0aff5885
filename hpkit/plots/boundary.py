"""The map of what a network says, for data with two features."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hpkit.data.datasets import Dataset
from hpkit.engine.run import Run, softmax
from hpkit.engine.training import check_dataset
from hpkit.hyperparameters import check_choice
from hpkit.plots.canvas import COLORS, INK, alt_text, new_axes
from hpkit.plots.words import CHARTS, SAY, describe

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHAPES = ("o", "^", "s", "D", "P", "v")  # of the classes, for eyes without color
CELLS = 160  # along a side: smooth enough for the border, 25,600 points in 20 ms
ROUND = 0.12  # of the data's width, around the points


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
        raise TypeError(
            f"run must be one Run, got {type(run).__name__}; take one with hpkit.fit, "
            "or search.best_run."
        )
    check_flat(run.dataset)
    check_choice("split", split, ("train", "valid"))
    data = run.dataset
    ax = new_axes(ax, (5.0, 4.0))
    both = np.concatenate([data.train.X, data.valid.X])
    low, high = both.min(0), both.max(0)
    low, high = low - ROUND * (high - low), high + ROUND * (high - low)
    across, up = (np.linspace(low[i], high[i], CELLS) for i in (0, 1))
    cells = np.stack(np.meshgrid(across, up), -1).reshape(-1, 2)
    chance = softmax(run.outputs(cells, epoch)).reshape(CELLS, CELLS, -1)
    ax.imshow(shades(chance), extent=(low[0], high[0], low[1], high[1]),
              origin="lower", aspect="auto")  # fmt: skip
    classes = range(data.n_outputs)
    for number in classes[1:] if data.n_outputs == 2 else classes:
        lead = chance[..., number] - np.delete(chance, number, -1).max(-1)
        if lead.min() < 0 < lead.max():
            ax.contour(across, up, lead, [0], colors=INK, linewidths=1.6)
    draw_points(ax, data, split)
    ax.grid(False)
    at = run.best_epoch if epoch == "best" else run.epochs_done
    ax.set_title(SAY["map"].format(epoch=at), fontsize=10)
    return alt_text(ax, f"{CHARTS['map'].format(epoch=at)} {describe(run)}")


def plot_data(
    dataset: Dataset, ax: Axes | None = None, *, split: str = "train"
) -> Axes:
    """Return the axes with the points of a data set of two features.

    Parameters
    ----------
    dataset : Dataset
        With two features and classes.
    ax : matplotlib.axes.Axes, optional
    split : {"train", "valid"}, default "train"

    Returns
    -------
    matplotlib.axes.Axes
        Each class has its own color and marker.

    Examples
    --------
    >>> import hpkit as hk
    >>> len(plot_data(hk.load_dataset("moons")).lines)
    2
    """
    check_choice("split", split, ("train", "valid"))
    check_flat(check_dataset(dataset))
    ax = new_axes(ax, (5.0, 3.6))
    draw_points(ax, dataset, split)
    ax.legend(frameon=False)
    facts = {"data": dataset.name, "n": len(getattr(dataset, split).y)}
    return alt_text(ax, CHARTS["data"].format(**facts, classes=dataset.n_outputs))


def draw_points(ax, data, split):
    """Draw the points of a split, each class with its marker."""
    part = getattr(data, split)
    for number, name in enumerate(data.classes):
        ax.plot(
            *part.X[part.y == number].T, SHAPES[number % 6], color=COLORS[number % 7],
            ms=5, mew=0.5, mec="white", label=SAY["class"].format(name=name),
        )  # fmt: skip
    ax.set(xlabel=data.features[0], ylabel=data.features[1])


def check_flat(data):
    """Raise unless a data set can be drawn as a map."""
    if data.n_features != 2 or data.is_regression:
        kind = "a regression" if data.is_regression else "classes"
        raise ValueError(
            f"a map needs two features and classes, got {data.n_features} features and "
            f"{kind}; use moons, circles or spiral."
        )


def shades(chance):
    """Return probabilities (.., classes) as colors in steps: white is undecided."""
    from matplotlib.colors import to_rgb

    count = chance.shape[-1]
    colors = np.array([to_rgb(COLORS[k % 7]) for k in range(count)])
    first = chance.argmax(-1)
    sure = (chance.max(-1) - 1 / count) / (1 - 1 / count)
    # Eight steps: a picture of flat areas is a fifth of the size of a smooth one.
    sure = 0.55 * np.ceil(8 * sure) / 8
    return 1 - sure[..., None] * (1 - colors[first])
