"""`SearchRacePanel`: grid, random, halving and Bayesian search with one budget."""

import re
from bisect import bisect_right
from math import isqrt

import ipywidgets as W
import numpy as np

from hpkit.charts import searches as charts
from hpkit.charts.spec import style_of
from hpkit.data.datasets import Dataset
from hpkit.hyperparameters import Hyperparameters, check_count, check_setting, refusal
from hpkit.locale import Texts, digits
from hpkit.panels.controls import count_box
from hpkit.panels.panel import FRAME, Panel
from hpkit.panels.parts import code_of_search
from hpkit.search import searches as search
from hpkit.search.bayes import bayesian_search
from hpkit.search.space import log_uniform
from hpkit.text import short_text

WORDS = Texts("panels.race")
KINDS = ("grid", "random", "halving", "bayes")
# Settings up to here on the axis of the loss are in color, and so many at most.
_BEST, _MOST_IN_COLOR = 0.2, 12
_MOST_RUNS, _MOST_RACES = 810, 1000  # as many as can be typed
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

    kind, words, widths = "race", WORDS, (1, 1)

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
        self.found, self.lowest, self.whole = {}, {kind: [] for kind in KINDS}, True
        whole = self.base.epochs
        budget, most = 9 * whole if budget is None else budget, _MOST_RUNS * whole
        hint = WORDS["hint"].format(9 * whole)
        check_count("budget", budget, low=2 * whole, most=most, hint=hint)
        check_count("races", races, most=_MOST_RACES)
        look, name = {"continuous_update": False}, WORDS["budget"]
        ends = budget, 4 * whole, 81 * whole
        self.budget = count_box(name, *ends, step=whole, **look)
        self.races = count_box(WORDS["races"], races, 1, 100, **look)
        race = self._searches(0)  # checks all before anything is shown
        names = WORDS["kinds"]
        look = {"options": [(name, kind) for kind, name in names.items()]}
        self.ask(predict, WORDS["guess"], W.ToggleButtons, text=names.get, **look)
        self.add_class("hp-tall")
        start = {"start": lambda: self.live.busy or self.start()}  # finished races stay
        self.build(self.budget, self.races, self.buttons(**start, stop=self.stop))
        self.on_change(self.start, self.budget, self.races)
        self.live.now(self._racing(race, 1), seconds=8.0)

    def _searches(self, seed):
        return searches(self.dataset, self.base, self.budget.value, seed)

    def start(self) -> None:
        """Run the race anew."""
        first = self._searches(0)
        self.error, self.whole = None, False
        self.live.start(self._racing(first, self.races.value))

    def _racing(self, first, races):
        """Run the first race side by side, then the others (a job)."""
        found, lowest, going = {}, {kind: [] for kind in KINDS}, list(KINDS)
        while going:
            for kind in [*going]:
                if (news := next(first[kind], None)) is None:
                    going.remove(kind)
                    lowest[kind].append(lowest_of(found[kind]))
                    continue
                found = found | {kind: news}  # a new one: the old one may be read now
                with self.live.lock:  # the earlier ones go only now, both at once
                    self.found, self.lowest = found, lowest
                yield
        for seed in range(1, races):
            for kind, race in self._searches(seed).items():
                for last in race:  # noqa: B007
                    yield False
                lowest[kind].append(lowest_of(last))
            yield
        self.whole = True

    @property
    def has_result(self):
        return self._count > 0

    @property
    def _count(self):
        """How many races are over."""
        return min(map(len, self.lowest.values()))

    def _update(self, running):
        count, races = self._count, self.races.value
        self.bar.value = count / races
        self.status.value = WORDS["status"].format(count, races, self.budget.value)

    def _pictures(self):
        many, names = self._count > 1, WORDS["kinds"]
        found = {kind: self.found[kind] for kind in KINDS if kind in self.found}
        alt = WORDS["over_alt"].format(re.sub("<[^>]+>", "", self._result_text(False)))
        text = {"title": WORDS["over_many" if many else "over"], "alt": alt}
        text["budget"] = self.budget.value
        ends = {names[kind]: self.lowest[kind] for kind in found} if many else None
        named = {names[kind]: each for kind, each in found.items()}
        race = charts.best_so_far_chart(named, ends=ends, **text)
        return [race, self._settings(found)]

    def _settings(self, found):
        """Return every setting as a line, the best, on a log scale, in color."""
        kinds, settings, losses = [], [], []
        for kind in sorted(found, key=lambda kind: kind != "halving"):  # it lies below
            runs = found[kind].runs
            begun = np.flatnonzero(np.isfinite(runs.mean_val_loss) & ~runs.unfit)
            kinds += [kind] * len(begun)
            settings += [runs.settings[i] for i in begun]
            losses += runs.mean_val_loss[begun].tolist()
        axes, shares = charts.parallel_axes(SPACE, settings, losses)
        ends = np.sort(shares[:, -1])[:_MOST_IN_COLOR]
        strong = shares[:, -1] <= min([_BEST, *ends[-1:]])
        facts = strong.sum(), len(strong)
        title = WORDS["settings"].format(*facts)
        alt = WORDS["settings_alt"].format(*facts)
        looks = zip(*(style_of(KINDS.index(kind)) for kind in kinds), strict=True)
        looks = dict(zip(("color", "shape", "dash"), looks, strict=False))
        looks["legend"] = [WORDS["kinds"][kind] for kind in kinds]
        said = looks["legend"], [short_text(s, SPACE) for s in settings], losses
        looks["tip"] = list(map(WORDS["setting"].format, *said))
        return charts.parallel_chart(axes, shares, strong, looks, title=title, alt=alt)

    def _summary(self, running):
        count, races = self._count, self.races.value
        said = "" if running or self.whole else WORDS["halted"]
        lowest = {kind: self.lowest[kind][:count] for kind in KINDS}
        said += race_sentence(lowest, self.budget.value)
        if count < races and not running:
            said += WORDS["more"].format(races)
        return said

    def _table(self):
        """Return the settings of the first race, the best first, diverged ones last."""
        import pandas as pd

        names = WORDS["kinds"]
        frames = [f.to_frame().assign(search=names[k]) for k, f in self.found.items()]
        params = [f"param_{name}" for name in SPACE]
        columns = ["search", *params, "mean_val_loss", "diverged", "epochs"]
        return pd.concat(frames)[columns].sort_values(["diverged", "mean_val_loss"])

    @property
    def _trained(self):
        return self.found.get("random")

    def _code(self):
        ranges = [f"{name}=hk.{given!r}" for name, given in SPACE.items()]
        arguments = [f"n_trials={len(self._trained.settings)}", *ranges]
        return code_of_search("random_search", self.dataset, self.base, None, arguments)


def halving_count(budget, epochs):
    """Return how many settings a halving can begin with: its epochs fit the budget."""

    def cost(count):
        cuts = search.halving_cuts(count, _ETA, epochs)
        starts, counts = np.transpose([(0, count), *cuts])
        return counts @ np.diff([*starts, epochs])

    return max(2, bisect_right(range(budget + 1), budget, lo=2, key=cost) - 1)


def searches(dataset, base, budget, seed):
    """Return the searches of a race as generators, by kind; checks all at once."""
    # The epochs of `base` are those of a whole run, `budget` those of each search;
    # `seed` is that of the models and of the drawing.
    if budget < 2 * base.epochs:
        raise refusal("race_budget", budget, least=2 * base.epochs)
    count = budget // base.epochs
    shares = np.linspace(0, 1, isqrt(count))  # of at most `count` cells
    points = {name: [*map(values.at, shares)] for name, values in SPACE.items()}
    same = {"seeds": (seed,), "tick": FRAME}
    draw = {"search_seed": seed, **same, **SPACE}
    many = {"n_trials": halving_count(budget, base.epochs), "eta": _ETA}
    return {
        "grid": search.grid_search.live(dataset, base, **same, **points),
        "random": search.random_search.live(dataset, base, n_trials=count, **draw),
        "halving": search.successive_halving.live(dataset, base, **many, **draw),
        "bayes": bayesian_search.live(dataset, base, n_trials=count, **draw),
    }


def lowest_of(found):
    return float(found.best_so_far()[1][-1])


def race_sentence(lowest, budget):
    """Return in words (HTML) how races ended; `lowest` is {kind: losses}."""
    names = WORDS["kinds"]
    firsts = sorted((losses[0], names[kind]) for kind, losses in lowest.items())
    ranked = ", ".join(f"{name} <b>{digits(loss)}</b>" for loss, name in firsts)
    said = WORDS["one"].format(budget, ranked)
    losses = np.array(list(lowest.values()))
    count = losses.shape[1]
    if count < 2:
        return said
    wins = (losses <= losses.min(0)).sum(1)
    beat = np.less(lowest["random"], lowest["grid"]).sum()
    table = ", ".join(f"{names[k]} {n}" for k, n in zip(lowest, wins, strict=True))
    return said + WORDS["many"].format(beat=beat, n=count, wins=table)
