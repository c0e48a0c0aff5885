"""`GridPanel`: every combination of two hyperparameters, filling in live."""

import ipywidgets as W
import numpy as np

from hpkit.panels.cells import CellMap
from hpkit.panels.charts import LossChart
from hpkit.panels.controls import NAMES
from hpkit.panels.figures import (
    figure,
    limit,
    linear,
    lines,
    nice_top,
    points,
    set_all,
    tick,
)
from hpkit.panels.live import FRAME
from hpkit.panels.panel import row, say
from hpkit.panels.runlist import short, text_of
from hpkit.panels.searching import SearchPanel
from hpkit.panels.values import DEFAULTS, places
from hpkit.search import grid_search
from hpkit.settings import check_name
from hpkit.space import all_settings

WORDS = {
    "title": "Grid search on {}",
    "map": "lowest loss; framed: best, dashed: as good",
    "same": "x and y must be two different hyperparameters, got {0!r} twice; choose "
    "another one",
    "curves": "curves",
    "curves_tip": "Training curves of the chosen cell, one a seed",
    "over": "best over {}",
    "over_tip": "lowest loss of each {}, whatever {} is",
    "loss": "validation loss",
}
FEW = DEFAULTS | {"lr": "0.001 to 10 in 5", "batch_size": "8, 16, 32, 64, 128"}


class GridPanel(SearchPanel):
    """Train all combinations of two lists of values, as a map.

    Parameters
    ----------
    dataset : Dataset
    x, y : str, default "lr", "batch_size"
        Hyperparameter across and up.
    base : Hyperparameters, default Hyperparameters()
        Values of all others.
    x_values, y_values : sequence, or text such as "0.001 to 10 in 5", optional
    seeds : int, default 3
        How many; seeds are 0, 1, ...
    controls : sequence of str, default ("epochs",)
        Which others can be moved.
    title : str, optional
    model : function, optional
        As in `hpkit.training.train`.
    keep : str, optional
        Name of a file in hpkit-runs/: the search is kept there and comes back with the
        next panel of that name.

    Attributes
    ----------
    found : Search
    error : Exception or None

    Raises
    ------
    ValueError, TypeError
        Before anything is shown.

    Examples
    --------
    >>> from hpkit.datasets import load_dataset
    >>> panel = GridPanel(load_dataset("moons"), x_values=[0.01, 0.3],
    ...     y_values=[16, 64], seeds=1)
    >>> panel.wait().found.best.lr
    0.3
    """

    kind = "grid"

    def __init__(
        self, dataset, x="lr", y="batch_size", base=None, *, x_values=None,
        y_values=None, seeds=3, controls=("epochs",), title=None,
        model=None, keep=None,
    ):  # fmt: skip
        if check_name(x) == check_name(y):
            raise ValueError(WORDS["same"].format(x))
        title = title or WORDS["title"].format(getattr(dataset, "name", ""))
        super().__init__(
            dataset, base, controls=controls, seeds=seeds, title=title, model=model,
            key=(x, y), keep=keep,
        )  # fmt: skip
        for name, values in ((x, x_values), (y, y_values)):
            self.entry(name, FEW[name] if values is None else values)
        left = [*(e.frame for e in self.entries), self.controls.box, self.seeds_box]
        self.build([*left, self.buttons], self._charts(), drawers=[self.rows])
        self.renamed()
        self.come_in()

    def _charts(self):
        """Make the map and what is beside it."""
        self.map = CellMap(self._clicked)
        self.curves = LossChart()
        scales = {"x": linear(), "y": linear()}
        self.line = lines(scales, stroke_width=2.6)
        self.dots = points(scales, marker="circle", default_size=50)
        self.profile = figure(
            [self.line, self.dots], *scales.values(), ("", WORDS["loss"])
        )
        self.beside = W.Stack([self.curves.figure, self.profile], selected_index=0)
        self.which = W.ToggleButtons(options=[("", 0)])
        self.which.style.button_width = "auto"
        self.on_change(self.which, self._draw)
        self.chosen_name = say("", "hp-muted")
        over = W.VBox([row(self.which, name="hp-small"), self.chosen_name])
        return [(WORDS["map"], self.map.figure, 1), (over, self.beside, 1)]

    # ---- the search ----------------------------------------------------------------

    @property
    def names(self):
        """The hyperparameters across and up."""
        return tuple(entry.name for entry in self.entries)

    def space(self):
        """Return the values to try by name."""
        if self.names[0] == self.names[1]:
            raise ValueError(WORDS["same"].format(self.names[0]))
        return {entry.name: entry.values for entry in self.entries}

    def planned(self):
        """Return the settings that a start would train."""
        return all_settings(self.controls.setting, self.space())

    def begin(self):
        """Return the search to run."""
        return grid_search.live(
            self.dataset, self.controls.setting, seeds=self.seed_list, model=self.model,
            tick=FRAME, **self.space(),
        )  # fmt: skip

    def _clicked(self, column, up):
        """Highlight the setting of a cell."""
        rows = len(self.found.space[tuple(self.found.space)[1]])
        self._guarded(lambda: self.choose(column * rows + up))(None)

    # ---- what is shown -------------------------------------------------------------

    def draw_found(self):
        """Show what the search has given so far."""
        found, runs = self.found, self.found.runs
        names, values = tuple(found.space), tuple(found.space.values())
        shape = len(values[0]), len(values[1])
        loss = runs.mean_val_loss.reshape(shape).T
        out = runs.diverged.any(1).reshape(shape).T

        def cells(settings):
            return [divmod(found.settings.index(s), shape[1]) for s in settings]

        focus = [divmod(self.focus, shape[1])]
        best = cells([found.best]) if not out.all() else []
        self.map.show(
            names, values, loss, out, best=best, ties=cells(found.ties),
            here=focus if self.chosen is not None else (),
        )  # fmt: skip
        views = [(WORDS["curves"], 0)]
        views += [(WORDS["over"].format(short(n)), k + 1) for k, n in enumerate(names)]
        if list(self.which.options) != views:
            with self.quietly():
                self.which.options = views
        self._draw_beside(names, values, np.where(out, np.inf, loss))

    def _draw_beside(self, names, values, loss):
        """Show the curves of the chosen cell, or the best along one axis."""
        view = self.which.value
        self.beside.selected_index = min(view, 1)
        if view:
            kept = 2 - view  # the axis that stays
            self._draw_profile(names[kept], values[kept], loss.min(kept))
            self.chosen_name.value = WORDS["over_tip"].format(
                short(names[kept]), short(names[1 - kept])
            )
            return
        runs = self._runs_of(self.focus)
        if runs:
            setting = runs[0].setting
            self.curves.show(runs[0], faded=runs[1:], end=setting.epochs)
            words = (f"{NAMES[n]} {text_of(getattr(setting, n))}" for n in names)
            self.chosen_name.value = ", ".join(words)

    def _runs_of(self, number):
        """Return the runs of a setting that were begun."""
        runs = self.found.runs
        seeds = np.flatnonzero(runs.epochs_done[number] >= 0)
        return [runs[number, k] for k in seeds]

    def _draw_profile(self, name, values, loss):
        """Show the lowest loss of each value of one hyperparameter."""
        at, words = places(values)
        tick(self.profile, 0, at, words, NAMES[name])
        good = np.flatnonzero(np.isfinite(loss))
        good = good[np.argsort(at[good])]
        limit(self.profile, 1, nice_top(1.1 * loss[good].max()) if len(good) else 1.0)
        line = good if len(good) > 1 else good[:0]
        set_all(self.line, x=at[line], y=loss[line])
        set_all(self.dots, x=at[good], y=loss[good])

    def code(self):
        """Return the cell that runs the same search."""
        return self.code_of(
            "grid_search", **{n: list(v) for n, v in self.found.space.items()}
        )
