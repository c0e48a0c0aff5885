"""`SearchRacePanel`: grid, random, halving and Bayesian search with one budget."""

from itertools import cycle

import ipywidgets as W
import numpy as np

from hpkit.engine.training import check_model
from hpkit.hyperparameters import Hyperparameters, check_count, check_setting
from hpkit.panels.code import call, code_of_setting, head, model_of
from hpkit.panels.controls import count_box
from hpkit.panels.figures import (
    figure,
    legend,
    limit,
    linear,
    lines,
    log,
    points,
    set_all,
)
from hpkit.panels.guess import check_predict
from hpkit.panels.panel import Panel, titled
from hpkit.panels.parallel import Parallel
from hpkit.panels.parts import button, row, say
from hpkit.panels.racers import (
    KINDS,
    check_ranges,
    lowest_of,
    searches,
    told_races,
)
from hpkit.search.space import log_uniform

WORDS = {
    "title": "A race of searches on {}",
    "budget": "budget, epochs",
    "races": "races",
    "start": "Start",
    "start_tip": "Run all races, each with other seeds",
    "spent": "epochs spent",
    "best": "lowest loss so far",
    "over": "race 1 as lines",
    "over_many": "race 1 as lines; right: the end of each race",
    "settings": "every setting of race 1, a line each; gray: not<br>chosen; drag on an "
    "axis to choose others",
    "racing": "Race 1 is under way.",
    "first": "Stopped in race 1: press Start.",
    "stopped": "Stopped: only races that came to their end are counted. ",
    "more": " Start runs all {0} races.",
    "status": "race {0} of {1}, {2} epochs for each search",
    "guess": "Which search will be lowest most often?",
}
LOOKS = {  # kind: color, line style, marker
    "grid": ("purple", "solid", "circle"),
    "random": ("blue", "dashed", "square"),
    "halving": ("green", "dash_dotted", "diamond"),
    "bayes": ("orange", "dotted", "triangle-up"),
}
MOST_RUNS, MOST_RACES = 810, 1000  # as many as can be typed
COLUMN = 0.07  # of the budget: from one column of ends to the next


class SearchRacePanel(Panel):
    """Give four searches the same number of epochs and see which gets lowest.

    Parameters
    ----------
    dataset : Dataset
    base : Hyperparameters, default Hyperparameters(epochs=27)
        Values of what is not searched; its epochs are those of a whole run.
    budget : int, default 9 whole runs
        Epochs for each search.
    races : int, default 20
        How many the button starts, each with other seeds: one race may be luck. The
        first one is run when the panel is made.
    title : str, optional
    predict : bool, default False
        Ask for a guess of the winner before anything is shown.
    model : function, optional
        As in `hpkit.training.train`.
    **values : Range
        What is searched; default lr=log_uniform(1e-4, 10) and
        weight_decay=log_uniform(1e-7, 1e-4).

    Attributes
    ----------
    found : dict
        Kind of search: `Search` of the first race.
    lowest : dict
        Kind of search: list of the lowest losses, one a race.

    Raises
    ------
    ValueError, TypeError
        Before anything is shown.

    Notes
    -----
    The grid has as many values an axis as the budget allows, from end to end. With
    another window its points fall elsewhere, and the race may end otherwise.

    Examples
    --------
    >>> from hpkit.data.datasets import load_dataset
    >>> panel = SearchRacePanel(load_dataset("moons"), Hyperparameters(epochs=3),
    ...     budget=27, races=2)
    >>> panel.start()
    >>> len(panel.wait().lowest["random"])
    2
    """

    kind = "race"

    def __init__(
        self, dataset, base=None, *, budget=None, races=20, title=None,
        predict=False, model=None, **values,
    ):  # fmt: skip
        self.base = check_setting(base, "base", default=Hyperparameters(epochs=27))
        title = titled(title, WORDS["title"], dataset)
        super().__init__(dataset, title=title)
        values = values or {
            "lr": log_uniform(1e-4, 10), "weight_decay": log_uniform(1e-7, 1e-4)
        }  # fmt: skip
        self.space = check_ranges(values)
        self.model = check_model(model)
        self.found, self.lowest, self.whole = {}, {kind: [] for kind in KINDS}, True
        whole = self.base.epochs
        if budget is None:
            budget = 9 * whole
        hint = f"try {9 * whole}, nine whole runs"
        most = MOST_RUNS * whole
        check_count("budget", budget, low=2 * whole, most=most, hint=hint)
        check_count("races", races, most=MOST_RACES, hint="try 20")
        self.budget, budget_box = count_box(
            WORDS["budget"], budget, 4 * whole, 81 * whole, step=whole,
            continuous=False,
        )  # fmt: skip
        words = WORDS["races"]
        self.races, races_box = count_box(words, races, 1, 100, continuous=False)
        first = self._searches(0)  # checks all before anything is shown
        if check_predict(predict):
            names = [(name, kind) for kind, name in KINDS.items()]
            self.ask(WORDS["guess"], W.Dropdown(options=names), KINDS.get)
        self._build([budget_box, races_box])
        self.live.now(self._racing(first, 1), seconds=8.0)

    def _build(self, boxes):
        """Make the widgets and tie them to what they do."""
        self.start_button = button(WORDS["start"], WORDS["start_tip"], "primary")
        self.parallel = Parallel(self.space, LOOKS)
        buttons = row(self.start_button, self.stop_button, name="hp-buttons")
        left = [*boxes, buttons, self.parallel.box]
        self.build(left, self._charts())
        self.on_click(self.start_button, self.start)
        for box in (self.budget, self.races):
            self.on_change(box, self.start)
        for choice in (self.parallel.axis, self.parallel.brush):
            self.on_change(choice, self._draw)
        self.on_change(self.parallel.drag, self._dragged, "selected")

    def _charts(self):
        """Make the race and the parallel coordinates."""
        scales = {"x": linear(), "y": log(0.1, 10)}
        look = {"stroke_width": 2.6, "interpolation": "step-after"}
        self.best = {
            kind: lines(scales, color, line_style=style, **look)
            for kind, (color, style, _) in LOOKS.items()
        }
        self.ends = {
            kind: points(scales, color, marker=marker, default_size=36)
            for kind, (color, _, marker) in LOOKS.items()
        }
        labels = (WORDS["spent"], WORDS["best"])
        marks = [*self.best.values(), *self.ends.values()]
        self.race = figure(marks, *scales.values(), labels)
        self.legend = legend(*((self.ends[kind], name) for kind, name in KINDS.items()))
        self.over = say("", "hp-muted")
        self.result.add_class("hp-tall")
        return [(self.over, self.race, 1), (WORDS["settings"], self.parallel.figure, 1)]

    # ---- the race ------------------------------------------------------------------

    def _searches(self, seed):
        """Return the four searches of a race as generators."""
        return searches(
            self.dataset, self.base, self.space, self.budget.value, seed, self.model
        )

    def _dragged(self):
        """Highlight what was dragged with the mouse."""
        with self.quietly():
            self.parallel.dragged()
        self._draw()

    def start(self):
        """Run the race anew."""
        first = self._searches(0)
        self.error, self.whole = None, False
        self.live.start(self._racing(first, self.races.value))

    def _racing(self, first, races):
        """Run the first race side by side, then the others (a job)."""
        found, lowest, going = {}, {kind: [] for kind in KINDS}, set(KINDS)
        for kind in cycle(KINDS):
            if kind in going and (news := next(first[kind], None)) is None:
                going.discard(kind)
                lowest[kind].append(lowest_of(found[kind]))
            elif kind in going:
                found[kind] = news
                self.found, self.lowest = found, lowest  # the earlier ones go only now
                yield
            if not going:
                break
        for seed in range(1, races):
            for kind, search in self._searches(seed).items():
                for last in search:  # noqa: B007
                    yield False
                lowest[kind].append(lowest_of(last))
            yield
        self.whole = True

    # ---- what is shown -------------------------------------------------------------

    def draw(self, running):
        """Show the state."""
        tops, count, budget = [], self._count, self.budget.value
        columns = (len(KINDS) + 0.7) * COLUMN if count > 1 else 0
        for place, kind in enumerate(KINDS, 1):
            x, y, ends = np.zeros(0), np.zeros(0), np.array(self.lowest[kind])
            if kind in self.found:
                x, y = self.found[kind].best_so_far()
                tops += [y[0], y[-1], *ends]
            set_all(self.best[kind], x=x.astype(float), y=y)
            at = np.full(len(ends), budget * (1 + COLUMN * place))
            at, ends = (at, ends) if count > 1 else (at[:0], ends[:0])
            set_all(self.ends[kind], x=np.append(x[-1:], at), y=np.append(y[-1:], ends))
        if tops:
            limit(self.race, 1, 1.15 * max(tops), 0.8 * min(tops))
        limit(self.race, 0, budget, room=1.03 + columns)
        thirds = np.linspace(0, budget, 4).round()
        if list(self.race.axes[0].tick_values) != list(thirds):
            self.race.axes[0].tick_values = thirds
        over = WORDS["over_many" if count > 1 else "over"]
        self.over.value = f"{over}<br>{self.legend}"
        self.bar.value = count / self.races.value
        self.status.value = WORDS["status"].format(count, self.races.value, budget)
        self.parallel.show(self.found)

    @property
    def _count(self):
        """How many races are over."""
        return min(map(len, self.lowest.values()))

    def sentence(self, running):
        """Return how the races ended in words."""
        count = self._count
        if not count:
            return WORDS["racing" if running else "first"]
        left = not running and count < self.races.value
        said = "" if running or self.whole else WORDS["stopped"]
        said += told_races(
            {k: self.lowest[k][:count] for k in KINDS}, self.budget.value
        )
        return said + (WORDS["more"].format(self.races.value) if left else "")

    def frame(self):
        """Return the settings of the first race, one a row, the best first."""
        import pandas as pd

        if not self.found:
            return pd.DataFrame()
        frames = [f.to_frame().assign(search=KINDS[k]) for k, f in self.found.items()]
        names = [f"param_{n}" for n in self.space]
        columns = ["search", *names, "mean_val_loss", "epochs"]
        return pd.concat(frames)[columns].sort_values("mean_val_loss")

    def code(self):
        """Return the cell that runs the random search of the first race."""
        ranges = [f"{name}=hk.{given!r}" for name, given in self.space.items()]
        count = f"n_trials={self.budget.value // self.base.epochs}"
        base = code_of_setting(self.base, without=tuple(self.space))
        more = [count, *ranges, *model_of(self.model)]
        return "\n".join([
            *head(self.dataset, self.model), f"base = {base}",
            call("found = hk.random_search", ["data", "base", *more]), "found",
        ])  # fmt: skip
