"""`GridPanel`: every combination of two hyperparameters, filling in live."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import ipywidgets as W
import numpy as np

from hpkit.charts.heatmap import grid_losses, heatmap_chart, profile_chart
from hpkit.charts.live import LiveCharts
from hpkit.charts.loss import loss_chart
from hpkit.data.datasets import Dataset
from hpkit.engine.dense import Model
from hpkit.hyperparameters import TABLE, Hyperparameters, check_name
from hpkit.locale import Texts
from hpkit.panels.guess import check_predict
from hpkit.panels.live import FRAME
from hpkit.panels.panel import titled
from hpkit.panels.parts import named, row, say
from hpkit.panels.search_panel import SearchPanel
from hpkit.panels.values import DEFAULTS, usual
from hpkit.plots.words import describe
from hpkit.search.searches import grid_search
from hpkit.search.space import all_settings
from hpkit.text import short, shown

WORDS = Texts("panels.grid")
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
        if check_name(x) == check_name(y):
            raise ValueError(WORDS["same"].format(x))
        look = {"title": titled(title, WORDS["title"], dataset), "key": (x, y)}
        super().__init__(
            dataset, base, controls=controls, seeds=seeds, model=model, **look
        )
        for name, values, side in ((x, x_values, "x"), (y, y_values, "y")):
            values = usual(name, dataset, FEW) if values is None else values
            self.entry(name, values).called(WORDS[side])
        if check_predict(predict):
            cells = CellGuess(self.space(), self.planned())
            self.ask(WORDS["guess"], cells, lambda s: short(s, (x, y)))
        self.which = W.ToggleButtons(options=[(WORDS["curves"], None)])
        self.which.style.button_width = "auto"
        self.on_change(self.which, self._draw)
        views = row(self.which, name="hp-small")
        views.layout.margin = "0 0 0 auto"  # above the chart that it changes
        left = [*(e.frame for e in self.entries), self.controls.box]
        left += [self.seed_count.box, self.buttons]
        calls = {"cell": self._clicked}
        self.build(left, (1, 1), calls=calls, over=[views], drawers=[self.rows])
        self.renamed()
        self.come_in()

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
            self.dataset,
            self.controls.setting,
            seeds=self.seed_list,
            model=self.model,
            tick=FRAME,
            **self.space(),
        )

    def _clicked(self, cell):
        """Highlight the setting of a cell."""
        across, up = map(len, self.found.space.values())
        self.choose(cell % across * up + cell // across)

    # ---- what is shown -------------------------------------------------------------

    def update(self, running):
        """Offer a profile along each of the two hyperparameters."""
        super().update(running)
        space = self.found.space if self.found else self.space()
        views = [(WORDS["over"].format(TABLE[n].short), k) for k, n in enumerate(space)]
        views = ((WORDS["curves"], None), *views)
        if self.which.options != views:
            with self.quietly():
                self.which.options = views

    def charts_of(self, found):
        """Return the map and what is beside it."""
        rows = len(tuple(found.space.values())[1])

        def cells(settings):
            return [divmod(found.settings.index(s), rows) for s in settings]

        best = [] if found.runs.diverged.any(1).all() else [found.best]
        framed = {
            "best": cells(best),
            "ties": cells([*found.ties, *best]) if found.ties else [],  # one plateau
            "chosen": [] if self.chosen is None else [divmod(self.focus, rows)],
            "guess": cells(self._guessed()),
        }
        losses, title = grid_losses(found), WORDS["map"]
        alt = describe(found)
        heatmap = heatmap_chart(
            found.space, losses, framed=framed, title=title, alt=alt
        )
        return [heatmap, self._beside(found)]

    def _beside(self, found):
        """Return the curves of the chosen cell, or the best along one axis."""
        names, side = tuple(found.space), self.which.value
        if side is not None:
            words = [TABLE[name].knob for name in names][:: -1 if side else 1]
            title = WORDS["over_tip"].format(*words)
            return profile_chart(found, side, title=title, alt=title + ".")
        runs = found.runs
        first, *others = [
            runs[self.focus, k]
            for k in np.flatnonzero(runs.epochs_done[self.focus] >= 0)
        ]
        curves = loss_chart(
            first,
            faded=others,
            faded_are=WORDS["faded"],
            end=first.setting.epochs,
            alt=describe(first),
        )
        return replace(curves, title=short(first.setting, names))

    def _guessed(self):
        """Return the setting of the cell of the guess if the grid has it, in a list."""
        asked = self.guess and self.guess.open and self.found
        if not asked or set(self.found.space) != set(self.guess.widget.space):
            return []
        cell = {n: getattr(self.guess.value, n) for n in self.found.space}
        there = self.found.base.but(**cell)
        return [s for s in self.found.settings if s == there]

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


class CellGuess(W.VBox):
    """An empty map of all pairs of values, and a short list of each.

    Parameters
    ----------
    space : dict
        The values by name, across and upwards.
    settings : sequence of Hyperparameters
        Of the cells, column by column from the left, each from below.

    Attributes
    ----------
    index : int or None
        Number of the cell that was chosen.
    """

    def __init__(self, space, settings):
        self.settings, self.space = settings, space
        self.columns, self.rows = map(len, space.values())
        self.charts = LiveCharts(calls={"cell": self._clicked})
        self.lists, boxes = [], []
        for name, values in space.items():
            options = [(shown(value), k) for k, value in enumerate(values)]
            self.lists.append(named(W.Dropdown(options=options), TABLE[name].knob))
            self.lists[-1].value = None
            self.lists[-1].layout = W.Layout(width="110px", margin="2px 12px 2px 6px")
            self.lists[-1].observe(self._draw, "value")
            boxes += [say(TABLE[name].knob), self.lists[-1]]
        pair = row(*boxes)
        pair.layout.align_items = "center"
        super().__init__([say(WORDS["how"], "hp-muted"), self.charts, pair])
        self._draw()

    @property
    def index(self):
        """Number of the cell that was chosen, or None."""
        column, up = (each.value for each in self.lists)
        return None if column is None or up is None else column * self.rows + up

    @index.setter
    def index(self, number):
        at = (None, None) if number is None else divmod(number, self.rows)
        self.lists[0].value, self.lists[1].value = at

    @property
    def value(self):
        """Setting of the cell that was chosen, or None."""
        return None if self.index is None else self.settings[self.index]

    @property
    def disabled(self):
        """Whether nothing can be chosen any more."""
        return self.lists[0].disabled

    @disabled.setter
    def disabled(self, off):
        for each in self.lists:
            each.disabled = off

    def _clicked(self, cell):
        """Choose a cell."""
        if not self.disabled:
            up, column = divmod(cell, self.columns)
            self.lists[0].value, self.lists[1].value = column, up

    def _draw(self, _=None):
        """Frame the cell that was chosen."""
        nothing = np.full((self.rows, self.columns), np.nan)
        mine = [] if self.index is None else [divmod(self.index, self.rows)]
        alt = WORDS["guess"]
        chart = heatmap_chart(
            self.space, nothing, framed={"guess": mine}, alt=alt, height=15
        )
        self.charts.show([chart])
