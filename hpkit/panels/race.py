"""`SearchRacePanel`: grid, random, halving and Bayesian search with one budget."""

import re
from itertools import zip_longest
from math import isqrt

import ipywidgets as W
import numpy as np
import pandas as pd

from hpkit.charts.searches import best_so_far_chart
from hpkit.data.datasets import Dataset
from hpkit.hyperparameters import Hyperparameters, check_count, check_setting, refusal
from hpkit.locale import Texts, digits
from hpkit.panels.controls import count_box
from hpkit.panels.panel import FRAME, Panel
from hpkit.panels.parts import code_of_search
from hpkit.search import searches as search
from hpkit.search.bayes import bayesian_search
from hpkit.search.space import log_uniform

WORDS = Texts("panels.race")
KINDS = ("grid", "random", "halving", "bayes")
_MOST_RUNS, _MOST_RACES = 810, 1000  # the most that can be typed
_ETA = 3
SPACE = {"lr": log_uniform(1e-4, 10), "weight_decay": log_uniform(1e-7, 1e-4)}


class SearchRacePanel(Panel):
    """Give four searches the same number of epochs and see whose loss is lowest.

    They look for a learning rate (1e-4 to 10) and a weight decay (1e-7 to 1e-4). The
    grid has as many values per axis as the budget allows, from end to end.

    Parameters
    ----------
    base : Hyperparameters, default Hyperparameters(epochs=27)
        Values of what is not searched; its epochs are those of a whole run.
    budget : int, default 9 whole runs
        Epochs for each search.
    races : int
        How many the button starts, each with different seeds: one race may be luck. The
        first one is run when the panel is made.

    Examples
    --------
    >>> moons, short = hk.load_dataset("moons"), hk.Hyperparameters(epochs=3)
    >>> sorted(hk.SearchRacePanel(moons, short).wait().found)
    ['bayes', 'grid', 'halving', 'random']
    """

    kind, words = "race", WORDS

    def __init__(
        self,
        dataset: Dataset,
        base: Hyperparameters | None = None,
        *,
        budget: int | None = None,
        races: int = 20,
        title: str | None = None,
        predict: bool = False,
    ) -> None:
        self.base = check_setting(base, "base", default=Hyperparameters(epochs=27))
        super().__init__(dataset, title)
        self.found, self.lowest = {}, {kind: [] for kind in KINDS}
        self.finished, epochs = True, self.base.epochs
        budget = 9 * epochs if budget is None else budget
        limits = {"low": 2 * epochs, "most": _MOST_RUNS * epochs}
        check_count("budget", budget, **limits, hint=WORDS["hint"].format(9 * epochs))
        check_count("races", races, most=_MOST_RACES)
        place, late = (budget, 4 * epochs, 81 * epochs), {"continuous_update": False}
        self.budget = count_box(WORDS["budget"], *place, step=epochs, **late)
        self.races = count_box(WORDS["races"], races, 1, 100, **late)
        race = self._searches(0)  # checks all before anything is shown
        names = WORDS["kinds"]
        kinds = {"options": [(name, kind) for kind, name in names.items()]}
        self.ask(predict, WORDS["guess"], W.ToggleButtons, text=names.get, **kinds)
        self.add_class("hp-tall")
        start = {"start": lambda: self.live.busy or self.start()}  # keeps what has run
        self.build(self.budget, self.races, self.buttons(**start, stop=self.stop))
        self.on_change(self.start, self.budget, self.races)
        self.live.run_now(self._race(race, 1), seconds=8.0)

    def _searches(self, seed):
        return searches(self.dataset, self.base, self.budget.value, seed)

    def start(self) -> None:
        """Run the race anew."""
        first = self._searches(0)
        self.error, self.finished = None, False
        self.live.start(self._race(first, self.races.value))

    def _race(self, first, races):
        """Run the first race side by side, then the others (a job)."""
        found, lowest = {}, {kind: [] for kind in KINDS}
        for results in zip_longest(*first.values()):
            pairs = zip(first, results, strict=True)
            newer = {kind: result for kind, result in pairs if result is not None}
            found = found | newer  # a copy: the old dict may be in use
            with self.live.lock:  # replace both at once, with the first new results
                self.found, self.lowest = found, lowest
            yield
        for kind, result in found.items():
            lowest[kind].append(lowest_of(result))
        for seed in range(1, races):
            for kind, race in self._searches(seed).items():
                for result in race:  # noqa: B007
                    yield False
                lowest[kind].append(lowest_of(result))
            yield
        self.finished = True

    @property
    def has_result(self):
        return len(self.found) > 0

    @property
    def _count(self):
        """How many races have finished."""
        return min(map(len, self.lowest.values()))

    def _update(self, running):
        facts = self._count, self.races.value, self.budget.value
        self.status.value = WORDS["status"].format(*facts)

    def _charts(self):
        many, names = self._count > 1, WORDS["kinds"]
        kinds = [kind for kind in KINDS if kind in self.found]
        alt = WORDS["over_alt"].format(re.sub("<[^>]+>", "", self._result_text(False)))
        text = {"title": WORDS["over_many" if many else "over"], "alt": alt}
        text["budget"] = self.budget.value
        ends = {names[kind]: self.lowest[kind] for kind in kinds} if many else None
        named = {names[kind]: self.found[kind] for kind in kinds}
        return [best_so_far_chart(named, ends=ends, **text)]

    def _summary(self, running):
        count, races = self._count, self.races.value
        if not count:
            return WORDS["training" if running else "stopped"]
        text = "" if running or self.finished else WORDS["halted"]
        lowest = {kind: self.lowest[kind][:count] for kind in KINDS}
        text += race_sentence(lowest, self.budget.value)
        if count < races and not running:
            text += WORDS["more"].format(races)
        return text

    def _table(self):
        """Return the settings of the first race, the best first, diverged ones last."""
        names = WORDS["kinds"]
        frames = [f.to_frame().assign(search=names[k]) for k, f in self.found.items()]
        params = [f"param_{name}" for name in SPACE]
        columns = ["search", *params, "mean_val_loss", "diverged", "epochs"]
        return pd.concat(frames)[columns].sort_values(["diverged", "mean_val_loss"])

    @property
    def _trained(self):
        return self.found.get("random")

    def _code(self):
        ranges = [f"{name}=hk.{values!r}" for name, values in SPACE.items()]
        arguments = [f"n_trials={len(self._trained.settings)}", *ranges]
        return code_of_search("random_search", self.dataset, self.base, None, arguments)


def halving_count(budget, epochs):
    """Return how many settings a halving within the budget can begin with."""

    def cost(count):
        cuts = search.halving_cuts(count, _ETA, epochs)
        starts, counts = np.transpose([(0, count), *cuts])
        return counts @ np.diff([*starts, epochs])

    return next((n for n in range(budget, 2, -1) if cost(n) <= budget), 2)


def searches(dataset, base, budget, seed):
    """Return the searches of a race as generators, by kind; check all at once."""
    # Each search may train for `budget` epochs; a whole run has the epochs of `base`.
    # `seed` is that of the models and of the search.
    if budget < 2 * base.epochs:
        raise refusal("race_budget", budget, least=2 * base.epochs)
    count = budget // base.epochs
    shares = np.linspace(0, 1, isqrt(count))  # at most `count` settings
    grid = {name: [*map(values.at, shares)] for name, values in SPACE.items()}
    common = {"seeds": (seed,), "tick": FRAME / len(KINDS)}  # all four in a picture
    draws = {"search_seed": seed, **common, **SPACE}
    halving = {"n_trials": halving_count(budget, base.epochs), "eta": _ETA}
    return {
        "grid": search.grid_search.live(dataset, base, **common, **grid),
        "random": search.random_search.live(dataset, base, n_trials=count, **draws),
        "halving": search.successive_halving.live(dataset, base, **halving, **draws),
        "bayes": bayesian_search.live(dataset, base, n_trials=count, **draws),
    }


def lowest_of(result):
    return float(result.best_so_far()[1][-1])


def race_sentence(lowest, budget):
    """Return in words (HTML) how races ended; `lowest` is {kind: losses}."""
    names = WORDS["kinds"]
    first = sorted((losses[0], names[kind]) for kind, losses in lowest.items())
    ranked = ", ".join(f"{name} <b>{digits(loss)}</b>" for loss, name in first)
    text = WORDS["one"].format(budget, ranked)
    losses = np.array(list(lowest.values()))
    count = losses.shape[1]
    if count < 2:
        return text
    wins = (losses <= losses.min(0)).sum(1)
    beat = np.less(lowest["random"], lowest["grid"]).sum()
    table = ", ".join(f"{names[k]} {n}" for k, n in zip(lowest, wins, strict=True))
    return text + WORDS["many"].format(beat=beat, n=count, wins=table)
