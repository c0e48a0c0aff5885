"""Two hyperparameters at once: the grid as a heat map, and a path on it."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from hpkit.hyperparameters import TABLE, check_choice
from hpkit.plots.canvas import COLORS, FONT, INK, Scale, alt_text, new_axes
from hpkit.plots.words import CHARTS, SAY, as_search, describe
from hpkit.search.result import Search
from hpkit.text import named_value, shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Dark is low, light is high, as on the live maps: even for color-blind eyes, and gray
# when printed. Neither end is taken, so that frames and arrows stand out on each cell.
COLOR_MAP, DARKEST, LIGHTEST = "YlGnBu", 0.92, 0.05
# The lightest color is twice the lowest loss or more: a plateau then looks like one.
LEAST_SPAN = np.log(2)
PALE = "#f4f4f4"
PATH = (
    0.32,
    -0.24,
)  # a path beside the middle of the cells, so that they stay readable


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
        has a thick frame and a star, those as good as it (`Search.ties`) a dashed
        one; what diverged is hatched.

    Examples
    --------
    >>> import hpkit as hk
    >>> grid = hk.grid_search(hk.load_dataset("moons"), hk.Hyperparameters(epochs=2),
    ...     lr=[0.01, 0.1, 1], batch_size=[16, 64])
    >>> plot_grid(grid).get_xlabel()
    'learning rate'
    """
    grid = as_search(grid)
    x, y = two_names(grid, x, y)
    cells = Cells(grid, x, y)
    ax = new_axes(ax, cells.size)
    draw_cells(ax, cells)
    frame_cells(ax, cells)
    if others := [TABLE[n].label for n in grid.space if n not in (x, y)]:
        ax.set_title(SAY["over"].format(names=", ".join(others)), fontsize=FONT)
    return alt_text(ax, f"{CHARTS['grid']} {describe(grid.runs)}")


def two_names(search, x, y):
    """Return the two hyperparameters of a map."""
    names = list(search.space)
    if len(names) < 2:
        raise ValueError(
            f"a map needs two hyperparameters, got {', '.join(names)} alone; use "
            "hpkit.plot_validation_curve."
        )
    for way, name in (("x", x), ("y", y)):
        if name is not None:
            check_choice(way, name, names)
    x = next(n for n in names if n != y) if x is None else x
    y = next(n for n in names if n != x) if y is None else y
    if x == y:
        raise ValueError(f"x and y must differ, got {x!r} twice; leave one out.")
    return x, y


class Cells:
    """The settings of a search on the map of two hyperparameters.

    Attributes
    ----------
    best : ndarray of int (rows, columns)
        Number of the best setting in each cell, -1 where none was tried.
    """

    def __init__(self, search, x, y):
        self.search, self.runs, self.x, self.y = search, search.runs, x, y
        self.across, self.up = (Scale(search.values(n)).values for n in (x, y))
        self.best = np.full((len(self.up), len(self.across)), -1)
        for i in reversed(self.runs.order):
            if (self.runs.epochs_done[i] >= 0).any():
                self.best[self.cell(self.runs.settings[i])] = i

    def cell(self, setting):
        """Return row and column of a setting, or None if the map has no such cell."""
        up, across = getattr(setting, self.y), getattr(setting, self.x)
        if up in self.up and across in self.across:
            return self.up.index(up), self.across.index(across)
        return None

    @property
    def size(self):
        """Inches that leave room for the numbers."""
        rows, columns = self.best.shape
        return max(4.2, 1.6 + 0.75 * columns), max(2.4, 1.1 + 0.5 * rows)


def draw_cells(ax, cells, shift=(0.0, 0.0)):
    """Draw every cell that was tried, its loss in the middle or `shift` off it."""
    import matplotlib

    best, out = cells.best, cells.runs.diverged.any(1)
    fine = (best >= 0) & ~out[best]
    loss = np.where(fine, cells.runs.mean_val_loss[best], np.nan)
    log = np.log(loss)
    low, high = (np.nanmin(log), np.nanmax(log)) if fine.any() else (0, 1)
    share = np.where(fine, (log - low) / max(high - low, LEAST_SPAN), 0)
    colors = matplotlib.colormaps[COLOR_MAP](DARKEST - (DARKEST - LIGHTEST) * share)
    ax.imshow(np.where(fine[..., None], colors, 0), aspect="auto", origin="lower")
    # Black or white, what stands out more (WCAG 2.2, relative luminance).
    light = colors[..., :3] ** 2.2 @ (0.2126, 0.7152, 0.0722) > 0.18
    for row, column in np.ndindex(best.shape):
        write = {"x": column + shift[0], "y": row + shift[1], "ha": "center",
                 "va": "center", "fontsize": FONT}  # fmt: skip
        if fine[row, column]:
            color = "black" if light[row, column] else "white"
            ax.text(s=f"{loss[row, column]:.3f}", color=color, **write)
            continue
        tried = best[row, column] >= 0
        ax.add_patch(
            box(row, column, fc=PALE, ec="#b9b9b9", hatch="////" if tried else "", lw=0)
        )
        if tried:
            back = {"fc": PALE, "ec": "none", "pad": 1}
            ax.text(s=SAY["diverged"], color=INK, bbox=back, **write | {"fontsize": 8})
    ax.set_xticks(range(len(cells.across)), map(shown, cells.across))
    ax.set_yticks(range(len(cells.up)), map(shown, cells.up))
    ax.set(xlabel=TABLE[cells.x].label, ylabel=TABLE[cells.y].label)
    ax.grid(False)
    ax.tick_params(length=0)


def box(row, column, **look):
    """Return the outline of a cell."""
    from matplotlib.patches import Rectangle

    return Rectangle((column - 0.5, row - 0.5), 1, 1, **look)


def frame_cells(ax, cells):
    """Frame the best cell, and dashed those that are as good."""
    if cells.runs.diverged.any(1).all():
        return
    orange = COLORS[1]
    look = {"fill": False, "ec": orange, "clip_on": False}  # whole at the edge, too
    best = cells.cell(cells.search.best)
    for row, column in {cells.cell(s) for s in cells.search.ties} - {best}:
        if cells.runs.settings[cells.best[row, column]] in cells.search.ties:
            ax.add_patch(box(row, column, lw=2, ls="--", **look))
    ax.add_patch(box(*best, lw=3.5, zorder=3, **look))
    ax.plot(best[1] - 0.39, best[0] + 0.33, "*", color=orange, ms=11, mec="white",
            zorder=4)  # fmt: skip


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
        The square is the start, the dot the end. Numbered arrows are the steps; one
        that changes a third hyperparameter does not move: see the title.

    Examples
    --------
    >>> import hpkit as hk
    >>> steps = hk.one_at_a_time(hk.load_dataset("moons"), hk.Hyperparameters(epochs=2),
    ...     lr=[0.01, 0.1], batch_size=[16, 32])
    >>> plot_path(steps).get_ylabel()
    'batch size'
    """
    steps = as_search(steps, ("one_at_a_time",))
    x, y = two_names(steps, x, y)
    cells = Cells(as_search(grid) if grid is not None else steps, x, y)
    ax = new_axes(ax, cells.size)
    draw_cells(ax, cells, shift=(-PATH[0] / 4, -PATH[1]))
    if grid is not None:
        frame_cells(ax, cells)
    said, places = [], [cells.cell(steps.base)]
    for number, step in enumerate(steps.steps, 1):
        if step.winner is not None:
            change = named_value(step.name, getattr(step.winner, step.name))
            said.append(SAY["step"].format(number=number, change=change))
            places.append(cells.cell(step.winner))
    draw_path(ax, places)
    ax.set_title("   ".join(said), fontsize=FONT)
    return alt_text(ax, f"{CHARTS['path']} {'; '.join(said)}. {describe(steps.runs)}")


def draw_path(ax, places):
    """Draw a square at the start, numbered arrows, and a circle where they end."""
    from matplotlib.patheffects import Normal, withStroke

    halo = [withStroke(linewidth=5, foreground="white"), Normal()]
    # Below and to the right of the numbers in the cells.
    points = [np.array(p[::-1]) + PATH if p else None for p in places]
    if points[0] is not None:
        ax.plot(*points[0], "s", mfc="white", mec=INK, ms=9, mew=2, zorder=6)
    for number, (a, b) in enumerate(pairwise(points), 1):
        if a is None or b is None or (a == b).all():
            continue
        ax.annotate(
            "", b, xytext=a, zorder=5,
            arrowprops={"arrowstyle": "-|>", "color": INK, "lw": 2.5, "shrinkA": 6,
                        "shrinkB": 7, "mutation_scale": 16, "path_effects": halo},
        )  # fmt: skip
        ax.text(
            *(a + b) / 2, str(number), ha="center", va="center", fontsize=9, zorder=7,
            color="white",
            bbox={"boxstyle": "circle,pad=0.2", "fc": INK, "ec": "white"},
        )  # fmt: skip
    if points[-1] is not None:
        ax.plot(*points[-1], "o", mfc=COLORS[1], mec=INK, ms=12, mew=2, zorder=6)
