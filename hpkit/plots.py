"""Plots (matplotlib): each takes a result and `ax=None`, and returns the Axes.

pyplot only makes a new figure when a learner gives no axes: it keeps a current figure
for the whole process, and panels draw in threads.
"""

import html
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial

import numpy as np
from matplotlib.axes import Axes

from hpkit import hyperparameters as hyper
from hpkit.charts import searches as charts
from hpkit.charts.runs import map_chart, map_pixels, runs_chart, seeds_chart
from hpkit.charts.spec import FEW, points
from hpkit.charts.still import draw
from hpkit.data.datasets import Dataset, check_dataset, check_has_rows
from hpkit.engine.runs import Run, Runs
from hpkit.locale import Texts
from hpkit.search.result import Search, as_runs, as_searches, describe
from hpkit.text import named_value, short_text

_Result = Run | Runs | Search | Iterable[Run]
_SIZE = (7.2, 4.0)  # inches: fills a notebook's width, stays readable when projected
_FONT = 10
_WORDS = Texts("plots")
_ALTS = Texts("plots.charts")
_NAMED = 50  # the most curves that all have room for their names
_DOT_SIZE = 3.4
# For screen readers only: neither seen nor scrolled to.
OFF_SCREEN = '<span style="position:fixed;clip:rect(0,0,0,0)">'


def plot_training_curves(
    runs: _Result, ax: Axes | None = None, *, split: str | None = None
) -> Axes:
    """Return the axes with loss against epoch: validation solid, training dashed.

    The lowest validation point has a ring. Each line has its label at its end; one
    that diverged has it beside the X at the top edge. Several seeds are a line (their
    mean) and a band (one standard deviation to each side). See Goodfellow, Bengio,
    Courville, Deep Learning (2016), figure 7.3.

    Parameters
    ----------
    split : {"both", "valid", "train"}, optional
        Default both for at most four settings, else the validation loss alone.

    Examples
    --------
    >>> run = hk.fit(hk.load_dataset("moons"), hk.Hyperparameters(epochs=5))
    >>> ax = hk.plot_training_curves(run)
    """
    runs = as_runs(runs)
    count = int((runs.epochs_done >= 0).any(1).sum())
    if split is None:
        split = "both" if count <= FEW else "valid"
    hyper.check_choice("split", split, ("both", "valid", "train"))
    names = [short_text(s, hyper.varied(runs.settings)) for s in runs.settings]
    size = _SIZE[0], max(_SIZE[1], 0.6 + 0.19 * min(count, _NAMED))
    return draw_chart(runs_chart(runs, split, names), ax, size, _alt("training", runs))


def plot_seeds(
    runs: _Result, ax: Axes | None = None, *, pairs: bool | None = None
) -> Axes:
    """Return the axes with a dot for each seed, a row of dots for each setting.

    The diamond is the mean over seeds, with one standard deviation to each side. A run
    that diverged is an X at the right edge.

    Parameters
    ----------
    pairs : bool, optional
        Join the dots of the same seed by thin lines; default for at most four
        settings. Runs of one seed share first weights and order of the points.

    Examples
    --------
    >>> pair = hk.grid_search(hk.load_dataset("moons"), lr=[0.1, 0.3], seeds=range(4))
    >>> [label.get_text() for label in hk.plot_seeds(pair).get_yticklabels()]
    ['lr 0.3', 'lr 0.1']
    """
    runs = as_runs(runs)
    pairs = pairs if pairs is None else hyper.check_flag("pairs", pairs)
    names = [short_text(s, hyper.varied(runs.settings)) for s in runs.settings]
    losses = np.where(runs.diverged, np.nan, runs.best_val_loss)
    chart = seeds_chart(losses, runs.diverged, names, seeds=runs.seeds, pairs=pairs)
    size = _SIZE[0], 1.7 + 0.45 * min(len(runs.settings), 14)
    return draw_chart(chart, ax, size, _alt("seeds", runs))


def plot_validation_curve(curve: Search, ax: Axes | None = None) -> Axes:
    """Return the axes with validation loss against one hyperparameter's values.

    Solid: the loss of each run at its best epoch, mean over seeds, with a band of
    one standard deviation and the seeds as dots. Dotted: the loss after the last epoch.
    The minimum has a ring; what diverged has an X at the top edge; a minimum at the
    edge of the list is pointed out. The axis is a log scale when the values grow by
    factors (Bengio, Practical recommendations for gradient-based training of deep
    architectures, 2012). `curve` is a search over one hyperparameter.

    Examples
    --------
    >>> curve = hk.grid_search(hk.load_dataset("moons"), lr=[0.01, 0.1, 1])
    >>> ax = hk.plot_validation_curve(curve)
    """
    if len(_as_search(curve).space) > 1:
        raise hyper.refusal("curve_names", got=", ".join(curve.space))
    return draw_chart(charts.validation_plot(curve), ax, _SIZE, _alt("curve", curve))


def plot_parallel(search: Search, ax: Axes | None = None) -> Axes:
    """Return the axes with a line for each setting through its values and its loss.

    One vertical scale for each hyperparameter and, at the right, the validation loss
    (log scale, low at the bottom). The five best settings are in color, the others
    gray; what diverged ends in an X at the top (Inselberg, The plane with parallel
    coordinates, The Visual Computer 1, 1985).

    Examples
    --------
    >>> grid = hk.grid_search(hk.load_dataset("moons"), lr=[0.1, 1], momentum=[0, 0.9])
    >>> [tick.get_text() for tick in hk.plot_parallel(grid).get_xticklabels()]
    ['learning rate', 'momentum', 'validation loss']
    """
    chart = charts.parallel_chart(_as_search(search))
    return draw_chart(chart, ax, (9.6, 4.2), _alt("parallel", search.runs))


def plot_best_so_far(
    searches: Search | Iterable[Search] | Mapping[str, Search], ax: Axes | None = None
) -> Axes:
    """Return the axes with the lowest validation loss against the epochs spent.

    Counted as in `Search.best_so_far`: settings one after another. The loss axis is a
    log scale when the lines span more than a factor of ten. Several searches are a list
    or a dictionary by name.

    Examples
    --------
    >>> grid = hk.grid_search(hk.load_dataset("moons"), lr=[0.01, 0.1, 1])
    >>> hk.plot_best_so_far(grid).get_xlabel()
    'epochs spent, all runs together'
    """
    searches = as_searches(searches)
    chart = charts.best_so_far_chart(searches)
    chart.x.label, chart.y.label = _WORDS["epochs_spent"], _WORDS["so_far"]
    return draw_chart(chart, ax, _SIZE, _alt("so_far", searches))


def plot_grid(
    grid: Search, ax: Axes | None = None, *, x: str | None = None, y: str | None = None
) -> Axes:
    """Return the axes with the validation loss of every combination as a heat map.

    Each cell shows the mean over seeds of the lowest validation loss. The best cell has
    a thick frame, those as good as it (`Search.ties`) a dashed one; what diverged has a
    cross.

    Parameters
    ----------
    x, y : str, optional
        The two hyperparameters; default the first two. Over all others each cell shows
        the best.

    Examples
    --------
    >>> moons = hk.load_dataset("moons")
    >>> grid = hk.grid_search(moons, lr=[0.1, 1], batch_size=[16, 64])
    >>> ax = hk.plot_grid(grid)
    """
    grid = _as_search(grid)
    space = _two_lists(grid, x, y)
    others = ", ".join(hyper.TABLE[n].label for n in grid.space if n not in space)
    seeds = len(grid.runs.seeds)
    many = "cells_folds" if grid.runs.folds else "cells"
    title = _WORDS[many if seeds > 1 else "cells_one"].format(seeds)
    if others:
        title += "\n" + _WORDS["over"].format(names=others)
    framed, ranked = {}, [grid.settings[i] for i in grid.runs.order]
    if not grid.runs.unfit.all():  # a tie counts where its cell shows it
        shown = {tuple(getattr(s, n) for n in space): s for s in ranked[::-1]}
        ties = [setting for setting in grid.ties if setting in shown.values()]
        framed = {"best": [grid.best], "ties": ties}
    chart = charts.path_chart(space, grid, framed=framed, title=title)
    legend = charts.WORDS["diverged"] if grid.diverged.any() else None
    chart.marks.append(points(np.nan, np.nan, shape="x", color="ink", legend=legend))
    return draw_chart(chart, ax, _size(space), _alt("grid", grid.runs))


def _two_lists(search, x=None, y=None):
    """Return two hyperparameters of a search with their values."""
    names = list(search.space)
    if len(names) < 2:
        raise hyper.refusal("map_names", got=", ".join(names))
    others = [name for name in names if name != x]
    for argument, name, choices in (("x", x, names), ("y", y, others)):
        if name is not None:
            hyper.check_choice(argument, name, choices)
    x = next(n for n in names if n != y) if x is None else x
    y = next(n for n in names if n != x) if y is None else y
    return {n: hyper.sort_numbers(dict.fromkeys(search.values(n))) for n in (x, y)}


def _size(space):
    """Return a size in inches that leaves room for the numbers."""
    columns, rows = map(len, space.values())
    return max(4.2, 1.6 + 0.75 * columns), max(2.6, 1.4 + 0.5 * rows)


def plot_path(steps: Search, ax: Axes | None = None) -> Axes:
    """Return the axes with the path of one-at-a-time on a map of what it has seen.

    The map is that of the first two steps. S is the start; the number of each step
    stands where it ended. A step that changes a third hyperparameter does not move: see
    the title. `steps` is a search by `one_at_a_time`.

    Examples
    --------
    >>> steps = hk.one_at_a_time(hk.load_dataset("moons"), hk.Hyperparameters(epochs=2),
    ...     lr=[0.01, 0.1], batch_size=[16, 32])
    >>> hk.plot_path(steps).get_ylabel()
    'batch size'
    """
    steps = _as_search(steps, "one_at_a_time")
    space = _two_lists(steps)
    done = [step for step in steps.steps if step.winner is not None]
    path, changes = [steps.base, *(step.winner for step in done)], []
    for number, step in enumerate(done, 1):
        change = named_value(step.name, getattr(step.winner, step.name))
        changes.append(_WORDS["step"].format(number=number, change=change))
    separator = "   " if len("".join(changes)) < 9 * _size(space)[0] else "\n"
    alt = f"{_ALTS['path']} {'; '.join(changes)}. {describe(steps.runs)}"
    chart = charts.path_chart(space, steps, path, title=separator.join(changes))
    return draw_chart(chart, ax, _size(space), alt)


def plot_decision_boundary(run: Run, ax: Axes | None = None) -> Axes:
    """Return the axes with the network's answer everywhere, and the training points.

    The stronger the color, the surer the network: at the boundary between two classes
    it fades. Its weights are those of the epoch with the lowest validation loss. Each
    class has its own marker. The data has two features and classes.

    Examples
    --------
    >>> hk.plot_decision_boundary(hk.fit(hk.load_dataset("moons"))).get_xlabel()
    'x1'
    """
    if not isinstance(run, Run):
        raise hyper.refusal("one_run", kind=TypeError, type=type(run).__name__)
    _check_flat(run.dataset)
    check_has_rows(run.dataset)
    title = _WORDS["map"].format(epoch=run.best_epoch)
    chart = map_chart(run.dataset, map_pixels(run), title=title, size=_DOT_SIZE)
    return draw_chart(chart, ax, (5.0, 4.0), _alt("map", run, epoch=run.best_epoch))


def plot_data(dataset: Dataset, ax: Axes | None = None) -> Axes:
    """Return the axes with the training points of two features, or ten digits.

    Each class has its own color and marker.

    Examples
    --------
    >>> len(hk.plot_data(hk.load_dataset("moons")).collections)
    2
    """
    if check_has_rows(check_dataset(dataset)).name == "digits":
        ax, train = _axes_for(ax, (7.2, 1.0)), dataset.train
        first = [np.flatnonzero(train.y == digit)[0] for digit in range(10)]
        rows = train.X[first] * dataset.scale + dataset.center
        tiles = [np.pad(row.reshape(8, 8), 1) for row in rows]
        ax.imshow(np.hstack(tiles), cmap="gray_r")
        ax.set_axis_off()
        return alt_text(ax, _ALTS["digits"])
    _check_flat(dataset)
    names = [_WORDS["class"].format(name=name) for name in dataset.classes]
    chart = map_chart(dataset, None, names=names, size=_DOT_SIZE)
    classes = dataset.n_outputs
    alt = _ALTS["data"].format(data=dataset.name, n=dataset.n_train, classes=classes)
    height = 3.6 + 0.1 * max(0, classes - 6)  # their names are in rows
    return draw_chart(chart, ax, (5.0, height), alt)


def _check_flat(data):
    if data.n_features != 2 or data.is_regression:
        kind = _WORDS["regression" if data.is_regression else "classes"]
        raise hyper.refusal("flat", features=data.n_features, what=kind)


def _as_search(result, wanted=""):
    """Return `result` if it is a Search, and of the kind `wanted` if that is given."""
    kind = getattr(result, "kind", type(result).__name__)
    if not isinstance(result, Search) or wanted not in ("", kind):
        wanted = f"hpkit.{wanted or 'grid_search'}"
        raise hyper.refusal("chart_search", kind=TypeError, got=kind, wanted=wanted)
    return result


def _alt(kind, result, **facts):
    return f"{_ALTS[kind].format(**facts)} {describe(result)}"


def draw_chart(chart, ax, size, alt):
    """Draw a chart on `ax`, or on new axes of a size in inches, and return them."""
    ax = _axes_for(ax, size)
    draw(ax, replace(chart, title=""), _FONT)
    # Layouts make room for titles, but not for the y axis' name above the axes.
    ax.set_title(" ", loc="right", fontsize=_FONT, pad=_FONT)
    if chart.title:
        ax.set_title(chart.title, fontsize=1.08 * _FONT, pad=2.4 * _FONT)
    return alt_text(ax, alt)


def _axes_for(ax, size=None):
    """Return `ax`, or axes of a new figure if it is None and a size is given."""
    if ax is None and size is not None:
        import matplotlib.pyplot as plt

        return plt.subplots(figsize=size, layout="constrained")[1]
    if not isinstance(ax, Axes):
        raise hyper.refusal("axes", ax, kind=TypeError)
    return ax


def alt_text(ax: Axes, sentence: str) -> Axes:
    """Return `ax` after giving its picture a sentence for those who cannot see it.

    It is added to what the picture says already. A notebook's output carries it as
    metadata, where nbconvert's templates look for it; a screen reader says it before.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> alt_text(Figure().subplots(), "A bowl.").figure.hpkit_alt
    ['A bowl.']
    """
    figure = _axes_for(ax).figure
    hyper.check_text("sentence", sentence)
    figure.hpkit_alt = [*getattr(figure, "hpkit_alt", ()), sentence]
    figure._repr_mimebundle_ = partial(alt_metadata, figure.hpkit_alt)
    return ax


def alt_metadata(sentences, include=None, exclude=None):
    """Return the alt text as IPython metadata, and display it for screen readers."""
    # IPython shows the picture itself, and notebooks ignore its alt text.
    from IPython.display import display

    alt = " ".join(sentences)
    display({"text/html": f"{OFF_SCREEN}{html.escape(alt)}</span>"}, raw=True)
    return {}, {"image/png": {"alt": alt}}
