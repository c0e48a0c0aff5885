"""Maps: of a grid, of a path on it; of what a network says, and of its data."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from hpkit.charts import searches
from hpkit.charts.runs import map_cells, map_chart, map_pixels
from hpkit.charts.spec import light
from hpkit.data.datasets import Dataset, check_dataset, check_there
from hpkit.engine.runs import Run, softmax
from hpkit.hyperparameters import TABLE, check_choice, in_order, refusal
from hpkit.plots import words
from hpkit.search.result import Search
from hpkit.text import named_value

CELLS = 160  # along a side: smooth enough for the border, 25,600 points in 20 ms
SIZE = 3.4  # of the points


def plot_grid(
    grid: Search, ax: Axes | None = None, *, x: str | None = None, y: str | None = None
) -> Axes:
    """Return the axes with the validation loss of every combination as a heat map.

    In each cell stands the mean over seeds of the lowest validation loss. The best cell
    has a thick frame, those as good as it (`Search.ties`) a dashed one; what diverged
    has a cross.

    Parameters
    ----------
    grid : Search
        Of at least two hyperparameters.
    ax : matplotlib.axes.Axes, optional
    x, y : str, optional
        The two hyperparameters; default the first two. Of all others each cell shows
        the best.

    Examples
    --------
    >>> import hpkit as hk
    >>> moons = hk.load_dataset("moons")
    >>> grid = hk.grid_search(moons, lr=[0.1, 1], batch_size=[16, 64])
    >>> ax = plot_grid(grid)
    """
    grid = words.as_search(grid)
    x, y = _two_names(grid, x, y)
    space = _space(grid, x, y)
    loss = np.full((len(space[y]), len(space[x])), np.nan)
    for cell, i in searches.best_in_cells(grid, space).items():
        loss[cell[::-1]] = searches.loss_in(grid, i)
    best, ties = _lowest(grid, space)
    framed = {"best": [searches.cell_of(best, space)] if best else [], "ties": ties}
    others = ", ".join(TABLE[n].label for n in grid.space if n not in (x, y))
    title = words.SAY["over"].format(names=others) if others else ""
    chart = searches.heatmap_chart(space, loss, framed=framed, title=title)
    return words.drawn(chart, ax, _size(space), words.alt("grid", grid.runs))


def _two_names(search, x, y):
    names = list(search.space)
    if len(names) < 2:
        raise refusal("map_names", got=", ".join(names))
    for way, name in (("x", x), ("y", y)):
        if name is not None:
            check_choice(way, name, names)
    x = next(n for n in names if n != y) if x is None else x
    y = next(n for n in names if n != x) if y is None else y
    if x == y:
        raise refusal("axes_differ", x)
    return x, y


def _space(search, x, y):
    """Return the values of two hyperparameters that were tried, in their order."""
    return {name: in_order(dict.fromkeys(search.values(name))) for name in (x, y)}


def _lowest(search, space):
    """Return the best setting, if any, and the cells of those that are as good."""
    if search.runs.diverged.any(1).all():
        return None, []
    numbers = {search.settings.index(setting) for setting in search.ties}
    cells = searches.best_in_cells(search, space).items()
    return search.best, [cell for cell, i in cells if i in numbers]


def _size(space):
    """Return inches that leave room for the numbers."""
    columns, rows = map(len, space.values())
    return max(4.2, 1.6 + 0.75 * columns), max(2.6, 1.4 + 0.5 * rows)


def plot_path(
    steps: Search,
    ax: Axes | None = None,
    *,
    grid: Search | None = None,
    x: str | None = None,
    y: str | None = None,
) -> Axes:
    """Return the axes with the path of one-at-a-time on the map.

    S is the start; the number of each step stands where it ended. A step that changes a
    third hyperparameter does not move: see the title.

    Parameters
    ----------
    steps : Search
        Of `one_at_a_time`, of at least two hyperparameters.
    ax : matplotlib.axes.Axes, optional
    grid : Search, optional
        The whole map, drawn below the path; without it only what the path has seen.
    x, y : str, optional
        The two hyperparameters; default those of the first two steps.

    Examples
    --------
    >>> import hpkit as hk
    >>> steps = hk.one_at_a_time(hk.load_dataset("moons"), hk.Hyperparameters(epochs=2),
    ...     lr=[0.01, 0.1], batch_size=[16, 32])
    >>> plot_path(steps).get_ylabel()
    'batch size'
    """
    steps = words.as_search(steps, ("one_at_a_time",))
    x, y = _two_names(steps, x, y)
    known = words.as_search(grid) if grid is not None else steps
    space = _space(known, x, y)
    said, path = [], [steps.base]
    for number, step in enumerate(steps.steps, 1):
        if step.winner is not None:
            change = named_value(step.name, getattr(step.winner, step.name))
            said.append(words.SAY["step"].format(number=number, change=change))
            path.append(step.winner)
    best, ties = (None, []) if grid is None else _lowest(grid, space)
    look = {"best": best, "ties": ties, "title": "   ".join(said)}
    chart = searches.path_chart(space, [known], path, **look)
    alt = f"{words.CHARTS['path']} {'; '.join(said)}. {words.describe(steps.runs)}"
    return words.drawn(chart, ax, _size(space), alt)


def plot_decision_boundary(
    run: Run, ax: Axes | None = None, *, epoch: str = "best", split: str = "train"
) -> Axes:
    """Return the axes with the network's answer everywhere, and the points of a split.

    The stronger the color, the surer the network; the black line is the border, where
    two classes are equally likely. Each class has its own marker.

    Parameters
    ----------
    run : Run
        On data with two features and classes.
    ax : matplotlib.axes.Axes, optional
    epoch : {"best", "last"}, default "best"
        Weights of the epoch with the lowest validation loss, or of the last.
    split : {"train", "valid"}, default "train"

    Examples
    --------
    >>> import hpkit as hk
    >>> plot_decision_boundary(hk.fit(hk.load_dataset("moons"))).get_xlabel()
    'x1'
    """
    if not isinstance(run, Run):
        raise refusal("one_run", kind=TypeError, type=type(run).__name__)
    _check_flat(run.dataset)
    check_choice("split", split, ("train", "valid"))
    run.network(epoch)  # or says why there is none
    check_there(run.dataset)
    pixels = map_pixels(run, epoch, CELLS)
    # Sixteen steps: a picture of flat areas is a fifth of the size of a smooth one.
    pixels[..., 3] = 16 * np.ceil(pixels[..., 3] / 16).clip(0, 15)
    at = run.best_epoch if epoch == "best" else run.epochs_done
    title = words.SAY["map"].format(epoch=at)
    chart = map_chart(run.dataset, pixels, split=split, title=title, size=SIZE)
    ax = words.drawn(chart, ax, (5.0, 4.0), words.alt("map", run, epoch=at))
    cells = map_cells(run.dataset, CELLS)[1]  # on the scale of the networks
    chance = softmax(run.outputs(cells, epoch)).reshape(CELLS, CELLS, -1)
    sides = cells.T.reshape(2, CELLS, CELLS)
    classes = range(run.dataset.n_outputs)
    for number in classes[1:] if len(classes) == 2 else classes:
        lead = chance[..., number] - np.delete(chance, number, -1).max(-1)
        if lead.min() < 0 < lead.max():
            ax.contour(*sides, lead, [0], colors=light("ink"), linewidths=1.6)
    return ax


def plot_data(
    dataset: Dataset, ax: Axes | None = None, *, split: str = "train"
) -> Axes:
    """Return the axes with the points of a data set of two features, or ten digits.

    Each class has its own color and marker. `split` is "train" or "valid".

    Examples
    --------
    >>> import hpkit as hk
    >>> len(plot_data(hk.load_dataset("moons")).collections)
    2
    """
    check_choice("split", split, ("train", "valid"))
    if check_there(check_dataset(dataset)).name == "digits":
        return _draw_digits(dataset, ax, getattr(dataset, split))
    _check_flat(dataset)
    names = [words.SAY["class"].format(name=name) for name in dataset.classes]
    chart = map_chart(dataset, None, split=split, names=names, size=SIZE)
    facts = {"data": dataset.name, "n": len(getattr(dataset, split).y)}
    alt = words.CHARTS["data"].format(**facts, classes=dataset.n_outputs)
    return words.drawn(chart, ax, (5.0, 3.6), alt)


def _draw_digits(data, ax, rows):
    ax = words.axes_for(ax, (7.2, 1.0))
    first = [rows.X[rows.y == k][0] * data.scale + data.center for k in range(10)]
    tiles = [np.pad(row.reshape(8, 8), 1) for row in first]
    ax.imshow(np.hstack(tiles), cmap="gray_r")
    ax.set_axis_off()
    return words.alt_text(ax, words.CHARTS["digits"])


def _check_flat(data):
    if data.n_features != 2 or data.is_regression:
        kind = words.SAY["regression" if data.is_regression else "classes"]
        raise refusal("flat", features=data.n_features, what=kind)
