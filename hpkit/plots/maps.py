"""Two hyperparameters at once: the grid as a heat map, and a path on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hpkit.charts.heatmap import heatmap_chart
from hpkit.charts.path import best_in_cells, cell_of, path_chart
from hpkit.hyperparameters import TABLE, check_choice, refusal
from hpkit.plots.words import CHARTS, SAY, as_search, describe, drawn
from hpkit.search.result import Search
from hpkit.text import named_value

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_grid(
    grid: Search, ax: Axes | None = None, *, x: str | None = None, y: str | None = None
) -> Axes:
    """Return the axes with the validation loss of every combination as a heat map.

    Parameters
    ----------
    grid : Search
        Of at least two hyperparameters.
    ax : matplotlib.axes.Axes, optional
    x, y : str, optional
        The two hyperparameters; default the first two. Of all others each cell shows
        the best.

    Returns
    -------
    matplotlib.axes.Axes
        In each cell the mean over seeds of the lowest validation loss. The best cell
        has a thick frame, those as good as it (`Search.ties`) a dashed one; what
        diverged has a cross.

    Examples
    --------
    >>> import hpkit as hk
    >>> grid = hk.grid_search(hk.load_dataset("moons"), hk.Hyperparameters(epochs=2),
    ...     lr=[0.01, 0.1, 1], batch_size=[16, 64])
    >>> plot_grid(grid).get_xlabel()
    'learning rate'
    """
    grid = as_search(grid)
    x, y = _two_names(grid, x, y)
    space = _space(grid, x, y)
    loss = np.full((len(space[y]), len(space[x])), np.nan)
    for cell, i in best_in_cells(grid, space).items():
        out = grid.runs.diverged[i].any()
        loss[cell[::-1]] = np.inf if out else grid.runs.mean_val_loss[i]
    best, ties = _lowest(grid, space)
    framed = {"best": [] if best is None else [cell_of(best, space)], "ties": ties}
    others = ", ".join(TABLE[n].label for n in grid.space if n not in (x, y))
    title = SAY["over"].format(names=others) if others else ""
    chart = heatmap_chart(space, loss, framed=framed, title=title)
    return drawn(chart, ax, _size(space), f"{CHARTS['grid']} {describe(grid.runs)}")


def _two_names(search, x, y):
    """Return the two hyperparameters of a map."""
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
    space = {}
    for name in (x, y):
        values = list(dict.fromkeys(search.values(name)))
        numbers = all(isinstance(value, int | float) for value in values)
        space[name] = sorted(values) if numbers else values
    return space


def _lowest(search, space):
    """Return the best setting, if any, and the cells of those that are as good."""
    if search.runs.diverged.any(1).all():
        return None, []
    numbers = {search.settings.index(setting) for setting in search.ties}
    cells = best_in_cells(search, space).items()
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

    Parameters
    ----------
    steps : Search
        Of `one_at_a_time`, of at least two hyperparameters.
    ax : matplotlib.axes.Axes, optional
    grid : Search, optional
        The whole map, drawn below the path; without it only what the path has seen.
    x, y : str, optional
        The two hyperparameters; default those of the first two steps.

    Returns
    -------
    matplotlib.axes.Axes
        S is the start; the number of each step stands where it ended. A step that
        changes a third hyperparameter does not move: see the title.

    Examples
    --------
    >>> import hpkit as hk
    >>> steps = hk.one_at_a_time(hk.load_dataset("moons"), hk.Hyperparameters(epochs=2),
    ...     lr=[0.01, 0.1], batch_size=[16, 32])
    >>> plot_path(steps).get_ylabel()
    'batch size'
    """
    steps = as_search(steps, ("one_at_a_time",))
    x, y = _two_names(steps, x, y)
    known = as_search(grid) if grid is not None else steps
    space = _space(known, x, y)
    said, path = [], [steps.base]
    for number, step in enumerate(steps.steps, 1):
        if step.winner is not None:
            change = named_value(step.name, getattr(step.winner, step.name))
            said.append(SAY["step"].format(number=number, change=change))
            path.append(step.winner)
    best, ties = (None, []) if grid is None else _lowest(grid, space)
    look = {"best": best, "ties": ties, "title": "   ".join(said)}
    chart = path_chart(space, [known], path, **look)
    alt = f"{CHARTS['path']} {'; '.join(said)}. {describe(steps.runs)}"
    return drawn(chart, ax, _size(space), alt)
