"""What searches have found: validation curve, parallel coordinates, best so far."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from hpkit.charts.searches import (
    best_so_far_chart,
    parallel_axes,
    parallel_chart,
    parallel_shares,
)
from hpkit.charts.validation import validation_chart
from hpkit.plots.canvas import SIZE, drawn
from hpkit.plots.words import CHARTS, SAY, as_search, as_searches, describe
from hpkit.search.result import Search
from hpkit.text import short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STRONG = 5  # best settings in full color in parallel coordinates
COLORS = ("blue", "orange", "green", "purple", "brown")


def plot_validation_curve(curve: Search, ax: Axes | None = None) -> Axes:
    """Return the axes with validation loss against one hyperparameter's values.

    Solid: the lowest loss of each run (its best epoch), mean over seeds, with a band of
    one standard deviation and the seeds as dots. Dotted: the loss after the last epoch.
    The minimum has a ring; what diverged has an X at the top edge; a minimum at the
    edge of the list is said.

    Parameters
    ----------
    curve : Search
        Of one hyperparameter, such as `validation_curve` gives.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
        With a log scale when the values grow by factors.

    Notes
    -----
    The name is scikit-learn's. Bengio, Practical recommendations for gradient-based
    training of deep architectures (2012): hyperparameters on a log scale.

    Examples
    --------
    >>> import hpkit as hk
    >>> curve = hk.validation_curve(hk.load_dataset("moons"),
    ...     hk.Hyperparameters(epochs=3), param_name="lr", param_range=[0.01, 0.1, 1])
    >>> plot_validation_curve(curve).get_xscale()
    'log'
    """
    curve = as_search(curve, ("validation_curve",) if not _one(curve) else None)
    chart = validation_chart(curve, last=True)
    return drawn(chart, ax, SIZE, f"{CHARTS['curve']} {describe(curve)}")


def _one(search):
    """Say whether a search is of one hyperparameter."""
    return len(getattr(search, "space", ())) == 1


def plot_parallel(search: Search, ax: Axes | None = None) -> Axes:
    """Return the axes with a line for each setting through its values and its loss.

    Parameters
    ----------
    search : Search
        Of any number of hyperparameters.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
        One vertical scale for each hyperparameter and, at the right, the validation
        loss (log scale, low at the bottom). The five best settings are in color, the
        others gray; what diverged ends in an X at the top.

    Notes
    -----
    Inselberg, The plane with parallel coordinates, The Visual Computer 1 (1985).

    Examples
    --------
    >>> import hpkit as hk
    >>> rand = hk.random_search(hk.load_dataset("moons"), hk.Hyperparameters(epochs=2),
    ...     lr=hk.log_uniform(0.01, 1), batch_size=[16, 32], n_trials=4)
    >>> [tick.get_text() for tick in plot_parallel(rand).get_xticklabels()]
    ['learning rate', 'batch size', 'validation loss']
    """
    search = as_search(search)
    runs, names = search.runs, list(search.space)
    out = runs.diverged.any(1)
    axes = parallel_axes(search.space, runs.mean_val_loss[~out])
    axes[-1].label = SAY["val_loss"]
    shares = parallel_shares(search, axes)
    tried = [int(i) for i in runs.order if (runs.epochs_done[i] >= 0).any()]
    best = [i for i in tried[:STRONG] if not out[i]]
    strong, labels = np.isin(np.arange(len(out)), best), [None] * len(out)
    colors = ["gray"] * len(out)
    for rank, i in enumerate(best):
        labels[i] = f"{runs.mean_val_loss[i]:.3g}  {short(search.settings[i], names)}"
        colors[i] = COLORS[rank]
    look = {"strong": strong, "color": colors, "label": labels}
    chart = parallel_chart(axes, shares, **look)
    chart.x.domain = (-0.3, len(names) + 0.05)
    alt = f"{CHARTS['parallel']} {describe(search.runs)}"
    return drawn(chart, ax, (7.6, 4.2), alt)


def plot_best_so_far(
    searches: Search | Iterable[Search] | Mapping[str, Search], ax: Axes | None = None
) -> Axes:
    """Return the axes with the lowest validation loss against the epochs spent.

    Parameters
    ----------
    searches : Search, list of Search, or dict of name: Search
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes

    Notes
    -----
    Counted as in `Search.best_so_far`: settings one after the other. The loss axis is
    a log scale when the lines span more than a factor of ten.

    Examples
    --------
    >>> import hpkit as hk
    >>> grid = hk.grid_search(hk.load_dataset("moons"), hk.Hyperparameters(epochs=2),
    ...     lr=[0.01, 0.1, 1])
    >>> plot_best_so_far(grid).get_xlabel()
    'epochs spent, all runs together'
    """
    searches = as_searches(searches)
    chart = best_so_far_chart(searches)
    chart.x.label, chart.y.label = SAY["epochs_spent"], SAY["so_far"]
    return drawn(chart, ax, SIZE, f"{CHARTS['so_far']} {describe(searches)}")
