"""Still charts (matplotlib): each takes a result and ``ax=None`` and returns the Axes.

    grid = hk.grid_search(moons, lr=[0.01, 0.1, 1], batch_size=[8, 32])
    hk.plot_grid(grid)
    hk.describe(grid)    # the same in a sentence: the picture's alternative text

Each returns the Axes, by default those of a new figure. Nothing here trains, shows a
figure or changes matplotlib's settings. Live charts are in `hpkit.panels`.
"""

from hpkit.plots.maps import plot_data, plot_decision_boundary, plot_grid, plot_path
from hpkit.plots.results import (
    plot_best_so_far,
    plot_parallel,
    plot_seeds,
    plot_training_curves,
    plot_validation_curve,
)
from hpkit.plots.words import alt_text, describe

__all__ = [
    "alt_text", "describe", "plot_best_so_far", "plot_data", "plot_decision_boundary",
    "plot_grid", "plot_parallel", "plot_path", "plot_seeds", "plot_training_curves",
    "plot_validation_curve",
]  # fmt: skip
