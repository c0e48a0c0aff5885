"""`GridPanel`: every combination of two hyperparameters, filling in live."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import ipywidgets as W
import numpy as np
import traitlets

from hpkit.charts.live import LiveCharts
from hpkit.charts.runs import loss_chart
from hpkit.charts.searches import grid_losses, heatmap_chart, profile_chart
from hpkit.data.datasets import Dataset
from hpkit.engine.dense import Model
from hpkit.engine.training import own_names
from hpkit.hyperparameters import TABLE, Hyperparameters, check_name, refusal
from hpkit.locale import Texts
from hpkit.panels.parts import row, toggles
from hpkit.panels.search_panel import SearchPanel
from hpkit.search.result import describe
from hpkit.search.searches import grid_search
from hpkit.search.space import all_settings
from hpkit.text import run_sentence, short

WORDS = Texts("panels.grid", "panels.search_panel")
FEW = {"lr": "0.001 to 10 in 5", "batch_size": "8, 16, 32, 64, 128"}


class GridPanel(SearchPanel):
    """Train all combinations of two lists of values, as a map.

    Parameters
    ----------
    x, y : str, default "lr", "batch_size"
        Hyperparameter across and up.
    x_values, y_values : sequence, or text such as "0.001 to 10 in 5", optional
    dataset, base, seeds, controls, title, model
        As in `ValidationCurvePanel`.
    predict : bool, default False
        Ask for a guess of the best cell before anything is shown.

    Attributes
    ----------
    found : Search

    Examples
    --------
    >>> from hpkit.data.datasets import load_dataset
    >>> panel = GridPanel(load_dataset("moons"), x_values=[0.01, 0.3],
    ...     y_values=[16, 64], seeds=1)
    >>> panel.wait().found.best.lr
    0.3
    """

    kind, words, shares = "grid", WORDS, True

    def __init__(
        self,
        dataset: Dataset,
        x: str = "lr",
        y: str = "batch_size",
        base: Hyperparameters | None = None,
        *,
        x_values: Iterable[Any] | None = None,
        y_values: Iterable[Any] | None = None,
        seeds: int = 3,
        controls: Iterable[str] = ("epochs",),
        title: str | None = None,
        model: Model | None = None,
        predict: bool = False,
    ) -> None:
        own = own_names((x, y), model, base)
        if check_name(x, own) == check_name(y, own):
            raise refusal("same_axes", x)
        more = {"seeds": seeds, "model": model, "key": (x, y)}
        super().__init__(dataset, title, base, controls=controls, **more)
        for name, values, side in ((x, x_values, "x"), (y, y_values, "y")):
            self._entry(name, values, WORDS[side], FEW)
        cells = CellGuess(self._space(), self._planned())
        self.ask(predict, WORDS["guess"], cells, self._in_words)
        self.which = toggles([(WORDS["curves"], "")])
        self.on_change(self.which, self._draw)
        views = row(self.which, name="hp-small")
        views.layout.margin = "0 0 0 auto"  # above the chart that it changes
        more = {"widths": (1, 1), "over": [views], "drawers": self.rows}
        more["calls"] = {"cell": self._clicked}
        self.build(*(entry.frame for entry in self.entries), *self.search_box, **more)
        self._come_in()

    def _space(self):
        x, y = self.entries
        if x.name == y.name:
            raise refusal("same_axes", x.name)
        return {x.name: x.values, y.name: y.values}

    def _planned(self):
        return all_settings(self.controls.setting, self._space())

    def _begin(self):
        base, space = self.controls.setting, self._space()
        return grid_search.live(self.dataset, base, **self._more, **space)

    def _clicked(self, cell):
        across, up = map(len, self.found.space.values())
        self.choose(cell % across * up + cell // across)

    def _update(self, running):
        super()._update(running)
        space = self.found.space if self.found else self._space()
        views = [(WORDS["over"].format(TABLE[n].short), k) for k, n in enumerate(space)]
        views = ((WORDS["curves"], ""), *views)
        if self.which.options != views:
            with self.quietly():
                self.which.options = views

    def _charts(self):
        found = self.found
        rows = len(tuple(found.space.values())[1])

        def cells(settings):
            return [divmod(found.settings.index(s), rows) for s in settings]

        best = [] if found.runs.diverged.any(1).all() else [found.best]
        framed = {
            "best": cells(best),
            "ties": cells([*found.ties, *best]) if found.ties else [],  # one plateau
            "chosen": [] if self.chosen is None else [divmod(self.focus, rows)],
            "guess": [divmod(number, rows) for number in self._guessed()],
        }
        look = {"framed": framed, "title": WORDS["map"], "alt": describe(found)}
        heatmap = heatmap_chart(found.space, grid_losses(found), **look)
        return [heatmap, self._beside(found)]

    def _beside(self, found):
        """Return the curves of the chosen cell, or the best along one axis."""
        names, side, runs = tuple(found.space), self.which.value, found.runs
        if side != "":
            words = [TABLE[name].knob for name in names][:: -1 if side else 1]
            title = WORDS["over_tip"].format(*words)
            return profile_chart(found, side, title=title, alt=title + ".")
        seeds = np.flatnonzero(runs.epochs_done[self.focus] >= 0)
        run, *others = [runs[self.focus, k] for k in seeds]
        look = {"faded": others, "faded_are": WORDS["faded"], "alt": run_sentence(run)}
        curves = loss_chart(run, end=run.setting.epochs, **look)
        return replace(curves, title=short(run.setting, names))

    def _guessed(self):
        """Return the number of the guess if the grid has it, in a list."""
        asked = self.guess and self.guess.open and self.found
        if not asked or set(self.found.space) != set(self.guess.widget.space):
            return []
        cell = {n: getattr(self.guess.value, n) for n in self.found.space}
        there = self.found.base.but(**cell)
        return [i for i, s in enumerate(self.found.settings) if s == there]

    def _in_words(self, guess):
        """Return a guess in words, with its loss if the grid has it."""
        text = short(guess, self.guess.widget.space)
        for loss in self.found.mean_val_loss[self._guessed()] if self.found else ():
            text += WORDS["there"].format(loss) if np.isfinite(loss) else ""
        return text

    def _state(self):
        more = self._line_of(self._space(), self.controls, ("epochs",))
        return self.controls.setting, more

    def code(self) -> str:
        space = self.found.space if self.found else self._space()
        space = {name: list(values) for name, values in space.items()}
        base = self.controls.setting
        return self._code_of("grid_search", base, without=space, **space)


class CellGuess(W.VBox):
    """An empty map of all pairs of values, of which a learner clicks one."""

    # `settings` are those of the cells, column by column from the left, each from
    # below; `value` is the one that was chosen, or None.

    value = traitlets.Any()

    def __init__(self, space, settings):
        self.settings, self.space = settings, space
        self.charts = LiveCharts(calls={"cell": self._clicked})
        super().__init__([self.charts])
        self._draw()

    def _clicked(self, cell):
        across, up = map(len, self.space.values())
        self.value = self.settings[cell % across * up + cell // across]
        self._draw()

    def _draw(self):
        across, up = map(len, self.space.values())
        chosen = self.value and divmod(self.settings.index(self.value), up)
        look = {"framed": {"guess": [chosen] if chosen else []}, "height": 15}
        nothing = np.full((up, across), np.nan)
        chart = heatmap_chart(self.space, nothing, alt=WORDS["guess"], **look)
        self.charts.show([chart])
