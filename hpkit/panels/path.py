"""`OneAtATimePanel`: one hyperparameter after the other, as a path on a map."""

from itertools import permutations

import ipywidgets as W
import numpy as np

from hpkit import told
from hpkit.panels.cells import CellMap
from hpkit.panels.controls import NAMES, pick_knob
from hpkit.panels.figures import set_all
from hpkit.panels.live import FRAME
from hpkit.panels.panel import button, named, row, say
from hpkit.panels.runlist import short, text_of
from hpkit.panels.searching import SearchPanel
from hpkit.panels.steps import StepCharts, closed
from hpkit.panels.values import FULL
from hpkit.path import planned_cost
from hpkit.search import grid_search, one_at_a_time
from hpkit.settings import Hyperparameters, check_seeds
from hpkit.space import all_settings, check_space
from hpkit.training import check_dataset

WORDS = {
    "title": "One at a time on {}",
    "order": "order",
    "order_tip": "Which hyperparameter is tried first, second, ...",
    "start": "start: {}",
    "next": "Next step",
    "next_tip": "Try the values of the next hyperparameter",
    "all": "All steps",
    "all_tip": "Go on to the end",
    "reveal": "Show the grid",
    "reveal_tip": "Train every combination and show what the path did not see",
    "back": "Back",
    "back_tip": "Forget all and begin again",
    "map": "lowest loss of each cell, and the path",
    "two": "one_at_a_time needs two lists of values at least, got {0}; write for "
    "example lr=[0.01, 0.1], batch_size=[16, 64]",
    "begin": "Start at {0}. First step: {1}. Press Next step.",
    "grid": " The grid's best is <b>{best:.3g}</b>, at {setting}: the path ended at "
    "{times:.2g} times that.",
    "count": "{runs} runs; the grid: {all}",
}


class OneAtATimePanel(SearchPanel):
    """Change one hyperparameter after the other and see the path on the map.

    Parameters
    ----------
    dataset : Dataset
    base : Hyperparameters, default Hyperparameters()
        Where to start: its value if that is on the list, else the first of the list.
    order : sequence of str, optional
        Default that of `values`.
    seeds : int, default 3
        How many; seeds are 0, 1, ...
    title : str, optional
    model : function, optional
        As in `hpkit.training.train`.
    **values : sequence
        The values of two hyperparameters or more; default those of lesson 7.

    Attributes
    ----------
    found : Search or None
        Of the steps so far.
    grid : Search or None
        Of the grid, once it was asked for.

    Raises
    ------
    ValueError, TypeError
        Before anything is shown.

    Examples
    --------
    >>> from hpkit.datasets import load_dataset
    >>> panel = OneAtATimePanel(load_dataset("moons"), lr=[0.01, 0.3],
    ...     batch_size=[16, 64], seeds=1)
    >>> panel.all_button.click()
    >>> len(panel.wait().found.steps)
    2
    """

    kind = "one-at-a-time"

    def __init__(
        self, dataset, base=None, *, order=None, seeds=3, title=None, model=None,
        **values,
    ):  # fmt: skip
        title = title or WORDS["title"].format(getattr(dataset, "name", ""))
        most = len(check_dataset(dataset).train.y)
        if base is None and not values:  # those of lesson 7
            base = Hyperparameters(batch_size=most, epochs=10)
        values = values or {
            "lr": (0.001, 0.01, 0.1, 1.0), "batch_size": (4, 64, most),
            "epochs": (5, 10, 20),
        }  # fmt: skip
        super().__init__(
            dataset, base, controls=(), seeds=seeds, title=title, model=model, key=()
        )
        self.space = check_space("one_at_a_time", values)
        if len(self.space) < 2:
            raise ValueError(WORDS["two"].format(list(self.space)))
        self.grid = self.search = None
        self.upto = 0
        self._build(tuple(order or self.space))
        self.begin().close()  # checks all before anything is shown
        self._draw()

    def _build(self, order):
        """Make the widgets and tie them to what they do."""
        self.starts = {}
        for name, values in self.space.items():
            at = getattr(self.base, name)
            knob = pick_knob(name, values, at if at in values else values[0], text_of)
            self.starts[name] = knob
            self.on_change(knob.source, self.reset)
        orders = [order, *(o for o in permutations(self.space) if o != order)][:24]
        orders = [(", ".join(map(short, o)), o) for o in orders]
        self.order = named(W.Dropdown(options=orders), WORDS["order_tip"])
        self.order.layout.width = FULL
        self.next_button = button(WORDS["next"], WORDS["next_tip"], "primary")
        self.all_button = button(WORDS["all"], WORDS["all_tip"])
        self.grid_button = button(WORDS["reveal"], WORDS["reveal_tip"])
        self.back_button = button(WORDS["back"], WORDS["back_tip"])
        self.on_click(self.next_button, lambda: self.go(len(self.done) + 1))
        self.on_click(self.all_button, lambda: self.go(len(self.space)))
        self.on_click(self.grid_button, lambda: self.live.start(self._revealing()))
        self.on_click(self.back_button, self.reset)
        self.on_change(self.order, self.reset)
        rows = [
            (self.next_button, self.all_button),
            (self.grid_button,),
            (self.back_button, self.stop_button),
        ]
        left = [
            say(f"<span class='hp-name'>{WORDS['order']}</span>"), self.order,
            *(knob.box for knob in self.starts.values()), self.seeds_box,
            *(row(*pair, name="hp-buttons") for pair in rows),
        ]  # fmt: skip
        self.map = CellMap(self._clicked, height=300)
        self.steps = StepCharts(len(self.space))
        charts = [(WORDS["map"], self.map.figure, 1), ("", self.steps.box, 1)]
        self.build(left, charts, drawers=[self.rows])
        self.figures = [self.map.figure, *self.steps.figures]
        self.widths = [2, *(1 for _ in self.space)]

    # ---- the search, in steps ------------------------------------------------------

    @property
    def starting(self):
        """The setting where the path starts."""
        return self.base.but(**{n: knob.value for n, knob in self.starts.items()})

    @property
    def done(self):
        """The steps that are finished."""
        steps = self.found.steps if self.found else ()
        return [step for step in steps if step.winner is not None]

    def planned(self):
        """Return the settings of the grid."""
        return all_settings(self.starting, self.space)

    def begin(self):
        """Return the search to run."""
        space = {name: self.space[name] for name in self.order.value}
        seeds = check_seeds(self.seed_list)
        return one_at_a_time.live(
            self.dataset, self.starting, seeds=seeds, model=self.model, tick=FRAME,
            **space,
        )  # fmt: skip

    def moved(self):
        """Begin again with other seeds."""
        self.reset()

    def reset(self):
        """Forget all and begin again."""
        self.live.stop()
        with self.live.lock:
            self.found = self.grid = self.search = self.chosen = self.error = None
            self._draw()

    def go(self, steps):
        """Train until that many steps are finished."""
        self.error = None
        self.upto = min(steps, len(self.space))
        if self.search is None:
            self.search = self.begin()
        self.live.start(self._stepping(self.search))

    def _stepping(self, search):
        """Train on up to the step that was asked for (a job); the search goes on."""
        while len(self.done) < self.upto:
            found = next(search, None)
            if found is None or search is not self.search:
                return
            self.found = closed(found)
            yield

    def _revealing(self):
        """Train the grid (a job)."""
        found = grid_search.live(
            self.dataset, self.starting, seeds=self.seed_list, model=self.model,
            tick=FRAME, **self.space,
        )  # fmt: skip
        for self.grid in found:
            yield

    def _clicked(self, column, up):
        """Highlight the best setting of a cell that was trained."""
        names = tuple(self.space)[:2]
        value = self.space[names[0]][column], self.space[names[1]][up]
        if self.found is None:
            return
        there = [
            i for i in self.found.runs.order
            if tuple(getattr(self.found.settings[i], n) for n in names) == value
        ]  # fmt: skip
        if there:
            self._guarded(lambda: self.choose(int(there[0])))(None)

    # ---- what is shown -------------------------------------------------------------

    def draw(self, running):
        """Show the state."""
        super().draw(running)
        every = planned_cost(self.planned(), tuple(self.seed_list))
        runs = self.found.cost.runs if self.found else 0
        self.status.value = WORDS["count"].format(runs=runs, all=every.runs)
        shown = self.grid or self.found
        if self.found is None:
            self.bar.value = 0
            with self.quietly():
                self.list.options = ()
        self._draw_map(shown)
        self.steps.show(self.found, self.order.value, self.space)

    def draw_found(self):
        """Nothing more: `draw` shows map and steps."""

    def _draw_map(self, search):
        """Show the lowest loss of each cell, and the path."""
        names = tuple(self.space)[:2]
        values = [self.space[n] for n in names]
        loss = np.full((len(values[1]), len(values[0])), np.nan)
        out = np.zeros(loss.shape, bool)
        if search is not None:
            gone = search.runs.diverged.any(1)
            for i in search.runs.order[::-1]:  # the best of a cell comes last
                cell = self._cell(search.settings[i])[::-1]
                loss[cell], out[cell] = search.runs.mean_val_loss[i], gone[i]
        path = [self.starting, *(step.winner for step in self.done)]
        cells = [self._cell(setting) for setting in path]
        best = [self._cell(search.best)] if search is not None else []
        self.map.show(names, values, loss, out, best=best, here=cells[-1:])
        x, y = np.array(cells, float).T
        there = slice(None) if len(cells) > 1 else slice(0, 0)
        set_all(self.map.path, x=x[there], y=y[there])

    def _cell(self, setting):
        """Return column and row of a setting."""
        first, second = tuple(self.space)[:2]
        return (
            self.space[first].index(getattr(setting, first)),
            self.space[second].index(getattr(setting, second)),
        )

    def sentence(self, running):
        """Return the steps and what they found in words."""
        names = tuple(self.space)
        if self.found is None:
            start = told.label(self.starting, names)
            return WORDS["begin"].format(start, NAMES[self.order.value[0]])
        text = told.told_steps(self.found)[-1]
        if self.grid is not None and self.grid.finished and self.done:
            at, best = self.done[-1].winner, self.grid.runs.order[0]
            ended = self.found.runs.mean_val_loss[self.found.settings.index(at)]
            lowest = self.grid.runs.mean_val_loss[best]
            text += WORDS["grid"].format(
                best=lowest, setting=told.label(self.grid.best, names),
                times=ended / lowest,
            )  # fmt: skip
        return text

    def frame(self):
        """Return one row a setting; an empty table before the first step."""
        import pandas as pd

        return self.found.to_frame() if self.found else pd.DataFrame({"step": []})

    def code(self):
        """Return the cell that runs the same search."""
        space = {name: list(self.space[name]) for name in self.order.value}
        return self.code_of("one_at_a_time", keep=True, **space)
