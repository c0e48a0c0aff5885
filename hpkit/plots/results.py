"""Runs and searches: training curves, seeds, validation curve, all settings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from matplotlib.axes import Axes

from hpkit.charts import searches as charts
from hpkit.charts.runs import runs_chart, seeds_chart
from hpkit.charts.searches import validation_chart
from hpkit.charts.spec import text
from hpkit.charts.still import ticks
from hpkit.engine.runs import Run, Runs
from hpkit.hyperparameters import check_choice, check_flag, varied
from hpkit.plots import words
from hpkit.search.result import Search
from hpkit.text import short

FEW = 4  # settings of which both losses are drawn; more lines are a tangle
STRONG = ("blue", "orange", "green", "purple", "brown")  # the best ones, in parallel


def plot_training_curves(
    runs: Run | Runs | Search | Iterable[Run],
    ax: Axes | None = None,
    *,
    split: str | None = None,
) -> Axes:
    """Return the axes with loss against epoch: validation solid, training dashed.

    The lowest validation point has a ring. Each line has its label at its end; one
    that diverged has it beside the X at the top edge. Several seeds are a line (their
    mean) and a band (one standard deviation to each side).

    Parameters
    ----------
    runs : Run, list of Run, Runs or Search
    ax : matplotlib.axes.Axes, optional
    split : {"both", "valid", "train"}, optional
        Default both for at most four settings, else the validation loss alone.

    Notes
    -----
    Goodfellow, Bengio, Courville, Deep Learning (2016), figure 7.3.

    Examples
    --------
    >>> import hpkit as hk
    >>> run = hk.fit(hk.load_dataset("moons"), hk.Hyperparameters(epochs=5))
    >>> ax = plot_training_curves(run)
    """
    runs = words.as_runs(runs)
    count = int((runs.epochs_done >= 0).any(1).sum())
    split = split if split is not None else ("both" if count <= FEW else "valid")
    check_choice("split", split, ("both", "valid", "train"))
    differ = varied(runs.settings)
    names = [short(setting, differ) for setting in runs.settings]
    chart = runs_chart(runs, split, names, few=count <= FEW)
    size = words.SIZE[0], max(words.SIZE[1], 0.6 + 0.19 * count)
    return words.drawn(chart, ax, size, words.alt("training", runs))


def plot_seeds(
    runs: Runs | Search | Iterable[Run],
    ax: Axes | None = None,
    *,
    pairs: bool | None = None,
) -> Axes:
    """Return the axes with a dot for each seed, a row of dots for each setting.

    The short bar is the mean over seeds. A run that diverged is an X at the right edge.

    Parameters
    ----------
    runs : Runs, Search or list of Run
    ax : matplotlib.axes.Axes, optional
    pairs : bool, optional
        Join the dots of the same seed by thin lines; default for at most four
        settings. Runs of one seed share first weights and order of the points.

    Examples
    --------
    >>> import hpkit as hk
    >>> pair = hk.grid_search(hk.load_dataset("moons"), lr=[0.1, 0.3], seeds=range(4))
    >>> [label.get_text() for label in plot_seeds(pair).get_yticklabels()]
    ['lr 0.3', 'lr 0.1']
    """
    runs = words.as_runs(runs)
    count = len(runs.settings)
    if pairs is not None:
        check_flag("pairs", pairs)
    names = [short(s, varied(runs.settings)) for s in runs.settings]
    pairs = pairs if pairs is not None else count <= FEW
    losses = np.where(runs.diverged, np.nan, runs.best_val_loss)
    look = {"seeds": runs.seeds, "pairs": pairs}
    chart = seeds_chart(losses, runs.diverged, names, **look)
    size = words.SIZE[0], 1.3 + 0.45 * min(count, 14)
    return words.drawn(chart, ax, size, words.alt("seeds", runs))


def plot_validation_curve(curve: Search, ax: Axes | None = None) -> Axes:
    """Return the axes with validation loss against one hyperparameter's values.

    Solid: the lowest loss of each run (its best epoch), mean over seeds, with a band of
    one standard deviation and the seeds as dots. Dotted: the loss after the last epoch.
    The minimum has a ring; what diverged has an X at the top edge; a minimum at the
    edge of the list is said. The axis is a log scale when the values grow by factors.

    Parameters
    ----------
    curve : Search
        Of one hyperparameter, such as `validation_curve` gives.
    ax : matplotlib.axes.Axes, optional

    Notes
    -----
    The name is scikit-learn's. Bengio, Practical recommendations for gradient-based
    training of deep architectures (2012): hyperparameters on a log scale.

    Examples
    --------
    >>> import hpkit as hk
    >>> curve = hk.grid_search(hk.load_dataset("moons"), lr=[0.01, 0.1, 1])
    >>> ax = plot_validation_curve(curve)
    """
    one = len(getattr(curve, "space", ())) == 1
    curve = words.as_search(curve, None if one else ("validation_curve",))
    chart = validation_chart(curve, last=True)
    return words.drawn(chart, ax, words.SIZE, words.alt("curve", curve))


def plot_parallel(search: Search, ax: Axes | None = None) -> Axes:
    """Return the axes with a line for each setting through its values and its loss.

    One vertical scale for each hyperparameter and, at the right, the validation loss
    (log scale, low at the bottom). The five best settings are in color, the others
    gray; what diverged ends in an X at the top.

    Notes
    -----
    Inselberg, The plane with parallel coordinates, The Visual Computer 1 (1985).

    Examples
    --------
    >>> import hpkit as hk
    >>> grid = hk.grid_search(hk.load_dataset("moons"), lr=[0.1, 1], momentum=[0, 0.9])
    >>> [tick.get_text() for tick in plot_parallel(grid).get_xticklabels()]
    ['learning rate', 'momentum', 'validation loss']
    """
    search = words.as_search(search)
    runs, names = search.runs, list(search.space)
    out = runs.diverged.any(1)
    space = {name: search._listed(name) for name in names}
    axes = charts.parallel_axes(space, runs.mean_val_loss[~out])
    axes[-1].label = words.SAY["val_loss"]
    shares = charts.parallel_shares(search, axes)
    tried = [int(i) for i in runs.order if (runs.epochs_done[i] >= 0).any()]
    best = [i for i in tried[: len(STRONG)] if not out[i]]
    strong, count = np.isin(np.arange(len(out)), best), len(out)
    looks = {"color": ["gray"] * count, "label": [None] * count}
    looks["shape"] = ["circle"] * count
    for rank, i in enumerate(best):
        setting = short(search.settings[i], names)
        looks["label"][i] = f"{runs.mean_val_loss[i]:.3g}  {setting}"
        looks["color"][i] = STRONG[rank]
    chart = charts.parallel_chart(axes, shares, strong, looks)
    chart.x.domain = (-0.3, len(names) + 0.05)
    marked = [
        (i, axis.shares(at), said)
        for i, axis in enumerate(axes)
        for at, said in ticks(axis, 3)
    ]
    inner = [(i - 0.02, at, said) for i, at, said in marked if 0.03 < at < 0.97]
    places = list(zip(*inner, strict=True)) or [(), (), ()]
    chart.marks.append(text(*places, anchor="end", size=0.9, color="soft"))
    return words.drawn(chart, ax, (7.6, 4.2), words.alt("parallel", search.runs))


def plot_best_so_far(
    searches: Search | Iterable[Search] | Mapping[str, Search], ax: Axes | None = None
) -> Axes:
    """Return the axes with the lowest validation loss against the epochs spent.

    Counted as in `Search.best_so_far`: settings one after the other. The loss axis is a
    log scale when the lines span more than a factor of ten.

    Parameters
    ----------
    searches : Search, list of Search, or dict of name: Search
    ax : matplotlib.axes.Axes, optional

    Examples
    --------
    >>> import hpkit as hk
    >>> grid = hk.grid_search(hk.load_dataset("moons"), lr=[0.01, 0.1, 1])
    >>> plot_best_so_far(grid).get_xlabel()
    'epochs spent, all runs together'
    """
    searches = words.as_searches(searches)
    chart = charts.best_so_far_chart(searches)
    chart.x.label, chart.y.label = words.SAY["epochs_spent"], words.SAY["so_far"]
    return words.drawn(chart, ax, words.SIZE, words.alt("so_far", searches))
