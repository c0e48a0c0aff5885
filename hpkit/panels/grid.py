"""`GridPanel`: every combination of two hyperparameters, filling in live."""

import ipywidgets as W
import numpy as np

from hpkit.hyperparameters import check_name
from hpkit.panels.cellguess import CellGuess
from hpkit.panels.cells import CellMap
from hpkit.panels.charts import LossChart
from hpkit.panels.controls import NAMES
from hpkit.panels.figures import (
    CROSS,
    figure,
    legend,
    limit,
    linear,
    lines,
    nice_top,
    points,
    set_all,
    texts,
    tick,
)
from hpkit.panels.guess import check_predict
from hpkit.panels.live import FRAME
from hpkit.panels.panel import row, say, titled
from hpkit.panels.runlist import short
from hpkit.panels.search_panel import SearchPanel
from hpkit.panels.values import DEFAULTS, briefly, places, usual
from hpkit.search.searches import grid_search
from hpkit.search.space import all_settings
from hpkit.text import shown

WORDS = {
    "title": "Grid search on {}",
    "x": "across",
    "y": "upwards",
    "map": "lowest loss of each cell, dark is low",
    "best": "best",
    "ties": "as good",
    "here": "chosen",
    "mine": "guess",
    "same": "x and y must be two different hyperparameters, got {0!r} twice; choose "
    "another one",
    "curves": "curves",
    "val": "validation",
    "train": "training",
    "faded": "other seeds",
    "over": "against {}",
    "over_tip": "for each {}, the best {}",
    "loss": "validation loss",
    "guess": "Which cell will be best?",
    "there": " The loss of your guess is {:.3g}.",
}
FEW = DEFAULTS | {"lr": "0.001 to 10 in 5", "batch_size": "8, 16, 32, 64, 128"}
FEW_POINTS = 6  # above, words would print over each other: numbers alone


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
    seeds : int or iterable of int, default 3
        How many, from 0 on, or which.
    controls : sequence of str, default ("epochs",)
        Which others can be moved.
    title : str, optional
    model : function, optional
        As in `hpkit.training.train`.
    predict : bool, default False
        Ask for a guess of the best cell before anything is shown.

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
    >>> from hpkit.data.datasets import load_dataset
    >>> panel = GridPanel(load_dataset("moons"), x_values=[0.01, 0.3],
    ...     y_values=[16, 64], seeds=1)
    >>> panel.wait().found.best.lr
    0.3
    """

    kind = "grid"

    def __init__(
        self, dataset, x="lr", y="batch_size", base=None, *, x_values=None,
        y_values=None, seeds=3, controls=("epochs",), title=None,
        model=None, predict=False,
    ):  # fmt: skip
        if check_name(x) == check_name(y):
            raise ValueError(WORDS["same"].format(x))
        title = titled(title, WORDS["title"], dataset)
        super().__init__(
            dataset, base, controls=controls, seeds=seeds, title=title, model=model,
            key=(x, y),
        )  # fmt: skip
        for name, values, side in ((x, x_values, "x"), (y, y_values, "y")):
            values = usual(name, dataset, FEW) if values is None else values
            self.entry(name, values).called(WORDS[side])
        if check_predict(predict):
            values = [entry.values for entry in self.entries]
            cells = CellGuess((x, y), values, self.planned())
            self.ask(WORDS["guess"], cells, lambda s: briefly(s, (x, y)))
        left = [*(e.frame for e in self.entries), self.controls.box, self.seed_count.box]
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
        self.beats = texts(scales, default_size=11, align="middle", y_offset=-11)
        self.out = texts(
            scales, default_size=16, align="middle", y_offset=3, apply_clip=False
        )
        self.profile = figure(
            [self.line, self.dots, self.beats, self.out],
            *scales.values(),
            ("", WORDS["loss"]),
        )
        self.beside = W.Stack([self.curves.figure, self.profile], selected_index=0)
        self.which = W.ToggleButtons(options=[(WORDS["curves"], 0)])
        self.which.style.button_width = "auto"
        self.on_change(self.which, self._draw)
        self.chosen_name = say("", "hp-muted")
        over = W.VBox([row(self.which, name="hp-small"), self.chosen_name])
        marks = ("best", "ties", "here", "mine")[: 4 if self.guess else 3]
        keys = legend(*((getattr(self.map, name), WORDS[name]) for name in marks))
        return [
            (f"{WORDS['map']}<br>{keys}", self.map.figure, 1),
            (over, self.beside, 1),
        ]

    # ---- the search ----------------------------------------------------------------

    def space(self):
        """Return the values to try by name."""
        x, y = self.entries
        if x.name == y.name:
            raise ValueError(WORDS["same"].format(x.name))
        return {x.name: x.values, y.name: y.values}

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
        if self.found:
            rows = len(tuple(self.found.space.values())[1])
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

        best = [] if out.all() else [found.best]
        ties = cells([*found.ties, *best]) if found.ties else []  # one plateau
        here = [] if self.chosen is None else [divmod(self.focus, shape[1])]
        self.map.show(
            names, values, loss, out, best=cells(best), ties=ties, here=here,
            mine=cells(self._guessed()),
        )  # fmt: skip
        views = [(WORDS["curves"], 0)]
        views += [(WORDS["over"].format(short(n)), k + 1) for k, n in enumerate(names)]
        if list(self.which.options) != views:
            with self.quietly():
                self.which.options = views
        self._draw_beside(names, values, np.where(out | np.isnan(loss), np.inf, loss))

    def _draw_beside(self, names, values, loss):
        """Show the curves of the chosen cell, or the best along one axis."""
        view = self.which.value
        self.beside.selected_index = min(view, 1)
        if view:
            kept, other = view - 1, 2 - view  # the axis that stays, the one that goes
            at = np.argmin(loss, axis=kept)
            name = f"{short(names[other])} " if len(at) <= FEW_POINTS else ""
            beats = [name + shown(values[other][k]) for k in at]
            self._draw_profile(names[kept], values[kept], loss.min(kept), beats)
            said = (NAMES[n] if len(NAMES[n]) < 14 else short(n) for n in names)
            said = list(said)[:: 1 if kept == 0 else -1]
            self.chosen_name.value = WORDS["over_tip"].format(*said)
            return
        runs = self._runs_of(self.focus)
        if runs:
            setting = runs[0].setting
            self.curves.show(runs[0], faded=runs[1:], end=setting.epochs)
            chart = self.curves
            marks = ("val", "train", "faded")
            keys = legend(*((getattr(chart, name), WORDS[name]) for name in marks))
            self.chosen_name.value = f"{briefly(setting, names)}<br>{keys}"

    def _runs_of(self, number):
        """Return the runs of a setting that were begun."""
        runs = self.found.runs
        seeds = np.flatnonzero(runs.epochs_done[number] >= 0)
        return [runs[number, k] for k in seeds]

    def _guessed(self):
        """Return the setting of the cell of the guess if the grid has it, in a list."""
        asked = self.guess and self.guess.open and self.found
        if not asked or set(self.found.space) != set(self.guess.widget.names):
            return []
        cell = {n: getattr(self.guess.value, n) for n in self.found.space}
        there = self.found.base.but(**cell)
        return [s for s in self.found.settings if s == there]

    def _draw_profile(self, name, values, loss, beats):
        """Show the lowest loss of each value of one hyperparameter, and where it is."""
        at, words = places(values)
        tick(self.profile, 0, at, words, NAMES[name], edge=0.14 * (np.ptp(at) or 1.0))
        good = np.flatnonzero(np.isfinite(loss))
        good = good[np.argsort(at[good])]
        top = nice_top(1.1 * loss[good].max()) if len(good) else 1.0
        limit(self.profile, 1, top)
        gone = np.flatnonzero(np.isinf(loss)) if self.found.finished else good[:0]
        crosses = [CROSS] * len(gone)
        set_all(self.out, x=at[gone], y=[top] * len(gone), text=crosses)
        line = good if len(good) > 1 else good[:0]
        set_all(self.line, x=at[line], y=loss[line])
        set_all(self.dots, x=at[good], y=loss[good])
        set_all(self.beats, x=at[good], y=loss[good], text=[beats[k] for k in good])

    def sentence(self, running):
        """Return what was found in words, and how good the guess was."""
        text = super().sentence(running)
        for setting in self._guessed() if not running else ():
            number = self.found.settings.index(setting)
            text += WORDS["there"].format(self.found.runs.mean_val_loss[number])
        return text

    def code(self):
        """Return the cell that runs the same search."""
        space = self.found.space if self.found else self.space()
        return self.code_of("grid_search", **{n: list(v) for n, v in space.items()})
