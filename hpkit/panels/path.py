"""`OneAtATimePanel`: one hyperparameter after the other, as a path on a map."""

from itertools import permutations
from math import prod

import ipywidgets as W

from hpkit.engine.training import check_dataset
from hpkit.hyperparameters import Hyperparameters, check_seeds
from hpkit.panels.controls import pick_knob
from hpkit.panels.guess import check_predict
from hpkit.panels.live import FRAME
from hpkit.panels.panel import titled
from hpkit.panels.parts import button, named, row, say
from hpkit.panels.pathmap import PathMap
from hpkit.panels.pathsays import told_path
from hpkit.panels.searching import SearchPanel
from hpkit.panels.steps import StepCharts, closed
from hpkit.panels.values import FULL, written
from hpkit.search.searches import grid_search
from hpkit.search.space import check_space
from hpkit.search.stages import check_order, one_at_a_time
from hpkit.text import shown

WORDS = {
    "title": "One at a time on {}",
    "order": "order",
    "order_tip": "Which hyperparameter is tried first, second, ...",
    "start": "start S of the path",
    "step": "Next step",
    "step_tip": "Try the values of the next hyperparameter",
    "all": "All steps",
    "all_tip": "Go on to the end",
    "reveal": "Show the grid",
    "reveal_tip": "Train every combination and show what the path did not see",
    "back": "Begin again",
    "back_tip": "Forget all steps, not the grid; the start can be changed, too",
    "two": "one_at_a_time needs two lists of values at least, got {0}; write for "
    "example lr=[0.01, 0.1], batch_size=[16, 64]",
    "count": "{runs} runs; the whole grid: {all}",
    "guess": "Will the path end at the best of the grid?",
    "guesses": ("yes", "no"),
}
QUICK_GRID = 2.0  # seconds: a grid that is trained anew without being asked for


class OneAtATimePanel(SearchPanel):
    """Change one hyperparameter after the other and see the path on the map.

    Parameters
    ----------
    dataset : Dataset
    base : Hyperparameters, optional
        Where to start; a value that is not on its list joins it. Default
        Hyperparameters(), or the first of a list that does not hold its value.
    order : sequence of str, optional
        Default that of `values`.
    seeds : int or iterable of int, default 3
        How many, from 0 on, or which.
    title : str, optional
    model : function, optional
        As in `hpkit.training.train`.
    predict : bool, default False
        Ask whether the path will end at the best of the grid before anything is shown.
    **values : sequence
        The values of two hyperparameters or more; default those of lesson 7.

    Attributes
    ----------
    found : Search
        Of the steps so far; before the first one, of the start alone.
    grid : Search or None
        Of the grid, once it was asked for.

    Raises
    ------
    ValueError, TypeError
        Before anything is shown.

    Examples
    --------
    >>> from hpkit.data.datasets import load_dataset
    >>> panel = OneAtATimePanel(load_dataset("moons"), lr=[0.01, 0.3],
    ...     batch_size=[16, 64], seeds=1)
    >>> panel.all_button.click()
    >>> len(panel.wait().found.steps)
    2
    """

    kind = "one-at-a-time"

    def __init__(
        self, dataset, base=None, *, order=None, seeds=3, title=None, model=None,
        predict=False, **values,
    ):  # fmt: skip
        title = titled(title, WORDS["title"], dataset)
        most = len(check_dataset(dataset).train.y)
        if base is None and not values:  # those of lesson 7
            base = Hyperparameters(lr=0.001, batch_size=most, epochs=10)
        values = values or {
            "lr": (0.001, 0.01, 0.1, 1.0),
            "batch_size": tuple(sorted({4, min(64, most), most})),
            "epochs": (5, 10, 20),
        }  # fmt: skip
        super().__init__(
            dataset, base, controls=(), seeds=seeds, title=title, model=model, key=(),
        )  # fmt: skip
        self.space = check_space("OneAtATimePanel", values)
        for name, values in self.space.items():
            if base is not None:
                self.space[name] = joined(values, getattr(base, name))
            elif getattr(self.base, name) not in values:
                self.base = self.base.but(**{name: values[0]})
        if len(self.space) < 2:
            raise ValueError(WORDS["two"].format(list(self.space)))
        self.grid = self.search = self.cell = None
        self.upto = self.resets = 0
        self.grid_pace = float("inf")  # seconds a seed, of a grid that was shown
        self.lists = {name: written(values) for name, values in self.space.items()}
        if check_predict(predict):
            self.ask(WORDS["guess"], W.Dropdown(options=WORDS["guesses"]))
        self._build(check_order(order, self.space))
        self.begin().close()  # checks all before anything is shown
        self.live.now(self._beginning())

    def _build(self, order):
        """Make the widgets and tie them to what they do."""
        self.starts = {}
        for name, values in self.space.items():
            knob = pick_knob(name, values, getattr(self.base, name), shown)
            self.starts[name] = knob
            self.on_change(knob.source, self.reset)
        orders = [order, *(o for o in permutations(self.space) if o != order)][:24]
        orders = [(", ".join(o), o) for o in orders]  # as in code
        self.order = named(W.Dropdown(options=orders), WORDS["order_tip"])
        self.order.layout.width = FULL
        self.next_button = button(WORDS["step"], WORDS["step_tip"], "primary")
        self.all_button = button(WORDS["all"], WORDS["all_tip"])
        self.grid_button = button(WORDS["reveal"], WORDS["reveal_tip"])
        self.back_button = button(WORDS["back"], WORDS["back_tip"])
        self.on_click(self.next_button, lambda: self.go(len(self.done) + 1))
        self.on_click(self.all_button, lambda: self.go(len(self.space)))
        self.on_click(self.grid_button, self.reveal)
        self.on_click(self.back_button, self.reset)
        self.on_change(self.order, self.reset)
        rows = [
            (self.next_button, self.all_button),
            (self.grid_button,),
            (self.back_button, self.stop_button),
        ]
        left = [
            say(f"<span class='hp-name'>{WORDS['order']}</span>"), self.order,
            say(WORDS["start"], "hp-muted"),
            *(knob.box for knob in self.starts.values()), self.seeds_box,
            *(row(*pair, name="hp-buttons") for pair in rows),
        ]  # fmt: skip
        self.map = PathMap(self.space, self._clicked)
        self.steps = StepCharts(len(self.space))
        charts = [(self.map.over, self.map.figure, 1), ("", self.steps.box, 1)]
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

    def begin(self):
        """Return the search to run."""
        space = {name: self.space[name] for name in self.order.value}
        seeds = check_seeds(self.seed_list)
        return one_at_a_time.live(
            self.dataset, self.starting, seeds=seeds, model=self.model, tick=FRAME,
            **space,
        )  # fmt: skip

    def moved(self):
        """Begin again with other seeds; a quick grid that was shown is trained anew."""
        seeds = len(self.seed_list)  # checks them
        if self.grid and self.grid.finished:
            self.grid_pace = self.grid.fit_time.sum() / len(self.grid.seeds)
        self.grid = None
        self.reset(grid=self.grid_pace * seeds < QUICK_GRID)

    def reset(self, *, grid=False):
        """Forget all but the start, and the grid once all of it is known.

        With `grid` the grid is trained after the start.
        """
        self.live.stop()
        self.grid = self.grid if self.grid and self.grid.finished else None
        self.search = self.chosen = self.cell = self.error = None
        self.resets += 1  # what still trains is of no use any more
        self.live.start(self._beginning(grid=grid))

    def _beginning(self, *, grid=False):
        """Train the start alone, then the `grid` (a job)."""
        start = {name: [getattr(self.starting, name)] for name in self.space}
        yield from self._training("found", self.base, start, self.resets)
        if grid:
            yield from self._uncovering()

    def reveal(self):
        """Train the grid."""
        self.error = None
        self.live.start(self._uncovering())

    def _uncovering(self):
        """Return the job that trains the grid."""
        return self._training("grid", self.base, self.space, self.resets)

    def _training(self, name, base, space, resets):
        """Train all combinations as an attribute of that name (a job)."""
        for found in grid_search.live(
            self.dataset, base, seeds=self.seed_list, model=self.model, tick=FRAME,
            **space,
        ):  # fmt: skip
            if resets != self.resets:
                return
            setattr(self, name, found)
            yield

    def go(self, steps):
        """Train until that many steps are finished."""
        self.error = None
        self.upto = min(steps, len(self.space))
        if self.search is None:
            self.search = self.begin()
        self.live.start(self._stepping(self.search))

    def _stepping(self, search):
        """Train on up to the step that was asked for (a job); the search goes on."""
        known = len(self.done)  # more than none for a path that was kept
        while len(self.done) < self.upto:
            found = next(search, None)
            if found is None or search is not self.search:
                return
            if len(found.steps) > known:
                self.found = closed(found)
            yield

    def _clicked(self, column, up):
        """Highlight a cell."""
        self._guarded(lambda: self._choose_cell((column, up)))(None)

    def _choose_cell(self, cell):
        self.cell, self.chosen = cell, self.map.numbers(self.found).get(cell)
        self._draw()

    def choose(self, number):
        """Highlight a setting."""
        self.cell = self.map.cell(self.found.settings[number])
        super().choose(number)

    # ---- what is shown -------------------------------------------------------------

    def draw(self, running):
        """Show the state."""
        runs = self.found.cost.runs if self.found else 0
        every = prod(map(len, self.space.values())) * int(self.seeds.value)
        self.status.value = WORDS["count"].format(runs=runs, all=every)
        self.bar.value = len(self.done) / len(self.space)
        path = [self.starting, *(step.winner for step in self.done)]
        self.map.show(self.found, self.grid, path, self.cell)
        self.steps.show(self.found, self.order.value, self.space)
        if self.found and len(self.found.runs):
            self.listing.show(self.found, self.focus)

    def sentence(self, running):
        """Return the last step, what comes next, and the grid, in words."""
        if self.found is None or not len(self.found.runs):
            return ""
        return told_path(
            self.found, self.grid, self.starting, self.order.value, running
        )

    def code(self):
        """Return the cell that runs the same search."""
        space = {name: list(self.space[name]) for name in self.order.value}
        return self.code_of("one_at_a_time", keep=True, **space)


def joined(values, start):
    """Return the values and the start, at its place where they are in order."""
    if start in values:
        return values
    more = (*values, start)
    return tuple(sorted(more)) if list(values) == sorted(values) else more
