"""Loss against epochs, and the runs of each seed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from hpkit.charts.loss import runs_chart, seeds_chart
from hpkit.engine.runs import Run, Runs
from hpkit.hyperparameters import check_choice, check_flag
from hpkit.plots.canvas import SIZE, drawn
from hpkit.plots.words import CHARTS, as_runs, describe, varied
from hpkit.search.result import Search
from hpkit.text import short

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FEW = 4  # settings of which both losses are drawn; more lines are a tangle


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
        Default those of a new figure.
    split : {"both", "valid", "train"}, optional
        Default both for at most four settings, else the validation loss alone.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    TypeError, ValueError

    Notes
    -----
    Goodfellow, Bengio, Courville, Deep Learning (2016), figure 7.3.

    Examples
    --------
    >>> import hpkit as hk
    >>> run = hk.fit(hk.load_dataset("moons"), hk.Hyperparameters(epochs=5))
    >>> plot_training_curves(run).get_ylabel()
    'loss'
    """
    runs = as_runs(runs)
    count = int((runs.epochs_done >= 0).any(1).sum())
    split = split if split is not None else ("both" if count <= FEW else "valid")
    check_choice("split", split, ("both", "valid", "train"))
    differ = varied(runs.settings)
    names = [short(setting, differ) for setting in runs.settings]
    chart = runs_chart(runs, split, names, few=count <= FEW)
    size = SIZE[0], max(SIZE[1], 0.6 + 0.19 * count)
    return drawn(chart, ax, size, f"{CHARTS['training']} {describe(runs)}")


def plot_seeds(
    runs: Runs | Search | Iterable[Run],
    ax: Axes | None = None,
    *,
    pairs: bool | None = None,
) -> Axes:
    """Return the axes with a dot for each seed, a row of dots for each setting.

    Parameters
    ----------
    runs : Runs, Search or list of Run
    ax : matplotlib.axes.Axes, optional
    pairs : bool, optional
        Join the dots of the same seed by thin lines; default for at most four
        settings. Runs of one seed share first weights and order of the points.

    Returns
    -------
    matplotlib.axes.Axes
        The short bar is the mean over seeds. A run that diverged is an X at the right
        edge.

    Examples
    --------
    >>> import hpkit as hk
    >>> pair = hk.validation_curve(hk.load_dataset("moons"),
    ...     hk.Hyperparameters(epochs=2), param_name="lr", param_range=[0.1, 0.3],
    ...     seeds=range(4))
    >>> [label.get_text() for label in plot_seeds(pair).get_yticklabels()]
    ['lr 0.3', 'lr 0.1']
    """
    runs = as_runs(runs)
    count = len(runs.settings)
    if pairs is not None:
        check_flag("pairs", pairs)
    names = [short(s, varied(runs.settings)) for s in runs.settings]
    pairs = pairs if pairs is not None else count <= FEW
    chart = seeds_chart(runs, names, pairs=bool(pairs))
    size = SIZE[0], 1.3 + 0.45 * min(count, 14)
    return drawn(chart, ax, size, f"{CHARTS['seeds']} {describe(runs)}")
