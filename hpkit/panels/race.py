"""`SearchRacePanel`: grid, random, halving and Bayesian search with one budget."""

from __future__ import annotations

import re
from bisect import bisect_right
from itertools import cycle
from typing import Any

import ipywidgets as W
import numpy as np

from hpkit.charts.searches import (
    best_so_far_chart,
    inside,
    parallel_axes,
    parallel_chart,
    parallel_shares,
)
from hpkit.data.datasets import Dataset
from hpkit.engine.dense import Model
from hpkit.engine.training import check_model
from hpkit.hyperparameters import Hyperparameters, check_count, check_setting, refusal
from hpkit.locale import Texts
from hpkit.panels.controls import count_box
from hpkit.panels.live import FRAME
from hpkit.panels.panel import Panel
from hpkit.panels.parts import buttons, code_of_search, say
from hpkit.search.bayes import bayesian_search
from hpkit.search.searches import (
    cuts_of,
    grid_search,
    random_search,
    successive_halving,
)
from hpkit.search.space import Range, as_count, check_space, log_uniform
from hpkit.text import short

WORDS = Texts("panels.race")
# Kind of search: color, shape and dash.
LOOKS = {
    "grid": ("purple", "circle", None),
    "random": ("blue", "square", "dashed"),
    "halving": ("green", "diamond", "dashdot"),
    "bayes": ("orange", "triangle", "dotted"),
}
BEST = 0.2  # of the loss axis, a log scale: in color at first
MOST_RUNS, MOST_RACES = 810, 1000  # as many as can be typed
ETA = 3


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
    words = WORDS

    def __init__(
        self,
        dataset: Dataset,
        base: Hyperparameters | None = None,
        *,
        budget: int | None = None,
        races: int = 20,
        title: str | None = None,
        predict: bool = False,
        model: Model | None = None,
        **values: Any,
    ) -> None:
        self.base = check_setting(base, "base", default=Hyperparameters(epochs=27))
        super().__init__(dataset, title)
        rates = {"lr": log_uniform(1e-4, 10), "weight_decay": log_uniform(1e-7, 1e-4)}
        self.space, self.model = _check_ranges(values or rates), check_model(model)
        self.found, self.lowest, self.whole = {}, {kind: [] for kind in LOOKS}, True
        whole = self.base.epochs
        budget, most = 9 * whole if budget is None else budget, MOST_RUNS * whole
        hint = WORDS["hint"].format(9 * whole)
        check_count("budget", budget, low=2 * whole, most=most, hint=hint)
        check_count("races", races, most=MOST_RACES)
        look = {"step": whole, "continuous_update": False}
        text = WORDS["budget"]
        self.budget, first = count_box(text, budget, 4 * whole, 81 * whole, **look)
        look = {"continuous_update": False}
        self.races, second = count_box(WORDS["races"], races, 1, 100, **look)
        race = self._searches(0)  # checks all before anything is shown
        names = [(name, kind) for kind, name in WORDS["kinds"].items()]
        self.ask(predict, WORDS["guess"], W.Dropdown(options=names), WORDS["kinds"].get)
        self.start_button = self.button("start", self.start, "primary")
        self.low = np.zeros(len(self.space) + 1)
        self.high = np.append(np.ones(len(self.space)), BEST)
        start = buttons(self.start_button, self.stop_button)
        left = [first, second, start, say(WORDS["choose"], "hp-muted")]
        self.add_class("hp-tall")
        self.build(left, (1, 1), calls={"range": self.choose})
        for box in (self.budget, self.races):
            self.on_change(box, self.start)
        self.live.now(self._racing(race, 1), seconds=8.0)

    def _searches(self, seed):
        budget, space = self.budget.value, self.space
        return searches(self.dataset, self.base, space, budget, seed, self.model)

    def choose(self, axis, low, high):
        """Color only settings between two shares, 0 to 1, of an axis."""
        self.low[axis], self.high[axis] = low, high
        self._draw()

    def start(self):
        """Run the race anew."""
        first = self._searches(0)
        self.error, self.whole = None, False
        self.live.start(self._racing(first, self.races.value))

    def _racing(self, first, races):
        """Run the first race side by side, then the others (a job)."""
        found, lowest, going = {}, {kind: [] for kind in LOOKS}, set(LOOKS)
        for kind in cycle(LOOKS):
            if kind in going and (news := next(first[kind], None)) is None:
                going.discard(kind)
                lowest[kind].append(lowest_of(found[kind]))
            elif kind in going:
                found = found | {kind: news}  # whoever reads the old one is at rest
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

    def _update(self, running):
        count, races = self._count, self.races.value
        self.bar.value = count / races
        self.status.value = WORDS["status"].format(count, races, self.budget.value)

    def _pictures(self):
        many, names = self._count > 1, WORDS["kinds"]
        found = {k: self.found[k] for k in LOOKS if k in self.found}
        colors, shapes, dashes = zip(*LOOKS.values(), strict=True)
        found_by_name = {names[k]: search for k, search in found.items()}
        alt = WORDS["over_alt"].format(re.sub("<[^>]+>", "", self._sentence(False)))
        text = {"title": WORDS["over_many" if many else "over"], "alt": alt}
        look = {"colors": colors, "shapes": shapes, "dashes": dashes}
        look = {"look": look, "budget": self.budget.value, "log": True, "label": "{}"}
        ends = {names[k]: self.lowest[k] for k in found} if many else None
        race = best_so_far_chart(found_by_name, ends=ends, **look, **text)
        return [race, self._settings(found)]

    def _settings(self, found):
        """Return every setting as a line, those in the ranges in color."""
        order = sorted(found, key=lambda kind: kind != "halving")  # many: below
        known = {
            k: np.flatnonzero(np.isfinite(r.mean_val_loss) & ~r.diverged.any(1))
            for k, r in ((k, found[k].runs) for k in order)
        }
        losses = [found[k].runs.mean_val_loss[there] for k, there in known.items()]
        axes = parallel_axes(self.space, np.concatenate([[], *losses]))
        shares, kinds, tips = [np.zeros((0, len(axes)))], [], []
        for kind, there in known.items():
            shares.append(parallel_shares(found[kind], axes)[there])
            kinds += [kind] * len(there)
            for i in there:
                values = short(found[kind].settings[i], self.space)
                loss = found[kind].runs.mean_val_loss[i]
                tips.append(WORDS["setting"].format(WORDS["kinds"][kind], values, loss))
        shares = np.concatenate(shares)
        strong = inside(shares, self.low, self.high)
        colors, shapes = ([LOOKS[k][n] for k in kinds] for n in (0, 1))
        text = {"title": WORDS["settings"], "alt": WORDS["settings_alt"]}
        text = {k: v.format(strong.sum(), len(strong)) for k, v in text.items()}
        looks = {"color": colors, "shape": shapes, "tip": tips}
        chosen = self.low, self.high, "range"
        return parallel_chart(axes, shares, strong, looks, chosen=chosen, **text)

    @property
    def _count(self):
        """How many races are over."""
        return min(map(len, self.lowest.values()))

    def _sentence(self, running):
        count = self._count
        if not count:
            return WORDS["racing" if running else "first"]
        said = "" if running or self.whole else WORDS["stopped"]
        lowest = {k: self.lowest[k][:count] for k in LOOKS}
        said += told_races(lowest, self.budget.value)
        left = not running and count < self.races.value
        return said + (WORDS["more"].format(self.races.value) if left else "")

    def frame(self):
        """Return the settings of the first race, one a row, the best first."""
        import pandas as pd

        if not self.found:
            return pd.DataFrame()
        names = WORDS["kinds"]
        frames = [f.to_frame().assign(search=names[k]) for k, f in self.found.items()]
        columns = [f"param_{n}" for n in self.space]
        columns = ["search", *columns, "mean_val_loss", "epochs"]
        return pd.concat(frames)[columns].sort_values("mean_val_loss")

    def code(self):
        """Return the cell that runs the random search of the first race."""
        ranges = [f"{name}=hk.{given!r}" for name, given in self.space.items()]
        count = f"n_trials={self.budget.value // self.base.epochs}"
        more = self.base, self.model, [count, *ranges]
        return code_of_search("random_search", self.dataset, *more, without=self.space)


# ---- the four searches, and how races ended ----------------------------------------


def _check_ranges(values):
    space = check_space("SearchRacePanel", values, ranges=True)
    for name, given in space.items():
        if not isinstance(given, Range):
            raise refusal("race_range", given, kind=TypeError, name=name)
    if "epochs" in space:
        raise refusal("race_epochs", space["epochs"])
    return space


def per_axis(count, axes):
    """Return how many values an axis of a grid of at most `count` cells has."""
    return int(count ** (1 / axes) + 1e-9)


def halving_count(budget, epochs):
    """Return how many settings a halving can begin with: its epochs fit the budget."""

    def cost(count):
        spent, before, there = 0, 0, count
        for epoch, kept in [*cuts_of(count, ETA, epochs), (epochs, 0)]:
            spent, before, there = spent + there * (epoch - before), epoch, kept
        return spent

    return max(2, bisect_right(range(budget + 1), budget, lo=2, key=cost) - 1)


def searches(dataset, base, space, budget, seed, model):
    """Return the searches of a race as generators, by kind; checks all at once.

    The epochs of `base` are those of a whole run, `budget` those of each search;
    `space` is {name: Range}, `seed` that of the models and of the drawing.
    """
    if budget < 2 * base.epochs:
        raise refusal("race_budget", budget, least=2 * base.epochs)
    count = budget // base.epochs
    shares = np.linspace(0, 1, max(1, per_axis(count, len(space))))
    points = {
        n: list(dict.fromkeys(as_count(n, r.at(share)) for share in shares))
        for n, r in space.items()
    }
    same = {"seeds": (seed,), "model": model, "tick": FRAME}
    draw = {"search_seed": seed, **same, **space}
    many = {"n_trials": halving_count(budget, base.epochs), "eta": ETA}
    return {
        "grid": grid_search.live(dataset, base, **same, **points),
        "random": random_search.live(dataset, base, n_trials=count, **draw),
        "halving": successive_halving.live(dataset, base, **many, **draw),
        "bayes": bayesian_search.live(dataset, base, n_trials=count, **draw),
    }


def lowest_of(found):
    """Return the lowest loss that a search has found."""
    return float(found.best_so_far()[1][-1])


def told_races(lowest, budget):
    """Return in words (HTML) how races ended; `lowest` is {kind: losses}."""
    names = WORDS["kinds"]
    firsts = sorted((losses[0], names[kind]) for kind, losses in lowest.items())
    ranked = ", ".join(f"{name} <b>{loss:.3g}</b>" for loss, name in firsts)
    said = WORDS["one"].format(budget, ranked)
    losses = np.array(list(lowest.values()))
    count = losses.shape[1]
    if count < 2:
        return said
    wins = (losses <= losses.min(0)).sum(1)
    beat = np.less(lowest["random"], lowest["grid"]).sum()
    table = ", ".join(f"{names[k]} {n}" for k, n in zip(lowest, wins, strict=True))
    many = WORDS["many_ties" if wins.sum() > count else "many"]
    return said + many.format(beat=beat, n=count, wins=table)
