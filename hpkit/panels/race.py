"""`SearchRacePanel`: grid, random, halving and Bayesian search with one budget."""

from itertools import cycle

import numpy as np

from hpkit.bayes import bayesian_search
from hpkit.halving import cuts_of, successive_halving
from hpkit.panels.code import code_of_dataset, code_of_setting
from hpkit.panels.controls import count_box
from hpkit.panels.figures import (
    figure,
    legend,
    limit,
    linear,
    lines,
    log,
    set_all,
)
from hpkit.panels.live import FRAME
from hpkit.panels.panel import Panel, button, row
from hpkit.panels.parallel import Parallel
from hpkit.search import grid_search, random_search
from hpkit.settings import Hyperparameters
from hpkit.space import Range, check_space, log_uniform

WORDS = {
    "title": "A race of searches on {}",
    "grid": "grid",
    "random": "random",
    "halving": "halving",
    "bayes": "Bayes",
    "budget": "budget, epochs",
    "races": "races",
    "start": "Start",
    "start_tip": "Run all races, each with other seeds",
    "spent": "epochs spent",
    "best": "best validation loss",
    "few": "The budget must be at least {0} epochs, two whole runs, got {1}; give a "
    "larger one",
    "ranges": "SearchRacePanel must have ranges, got {0!r} for {1}; write for example "
    "lr=hk.log_uniform(1e-4, 10)",
    "first": "Race 1, lowest validation loss: {0}.",
    "many": " In {n} races, lowest loss of all: {0}. Random beat the grid in {wins}.",
    "status": "race {0} of {1}",
}
LOOKS = {  # kind: color, line style, settings as `Search`
    "grid": ("gray", "solid"),
    "random": ("blue", "dashed"),
    "halving": ("green", "dash_dotted"),
    "bayes": ("orange", "dotted"),
}
ETA = 3


def per_axis(count, axes):
    """Return how many values an axis of a grid of at most `count` cells has."""
    return int(count ** (1 / axes) + 1e-9)


def halving_count(budget, epochs):
    """Return how many settings a halving can begin with: its epochs fit the budget."""
    best = 2
    for count in range(2, budget + 1):
        cost, before, there = 0, 0, count
        for epoch, kept in [*cuts_of(count, ETA, 1, epochs), (epochs, 0)]:
            cost, before, there = cost + there * (epoch - before), epoch, kept
        if cost > budget:
            return best
        best = count
    return best


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
    The grid has as many values an axis as the budget allows, at equal distances from
    end to end. Halving begins with as many settings as the budget allows. With
    another window the grid's points fall elsewhere, and the race may end otherwise.

    Examples
    --------
    >>> from hpkit.datasets import load_dataset
    >>> panel = SearchRacePanel(load_dataset("moons"), Hyperparameters(epochs=3),
    ...     budget=27, races=2)
    >>> panel.start()
    >>> len(panel.wait().lowest["random"])
    2
    """

    kind = "race"

    def __init__(
        self, dataset, base=None, *, budget=None, races=20, title=None, model=None,
        **values,
    ):  # fmt: skip
        self.base = Hyperparameters(epochs=27) if base is None else base
        title = title or WORDS["title"].format(getattr(dataset, "name", ""))
        super().__init__(dataset, title=title)
        values = values or {
            "lr": log_uniform(1e-4, 10), "weight_decay": log_uniform(1e-7, 1e-4)
        }  # fmt: skip
        self.space = check_space("SearchRacePanel", values, ranges=True)
        for name, given in self.space.items():
            if not isinstance(given, Range):
                raise TypeError(WORDS["ranges"].format(given, name))
        self.model = model
        self.found, self.lowest = {}, {kind: [] for kind in LOOKS}
        whole = self.base.epochs
        self.budget, budget_box = count_box(
            WORDS["budget"],
            budget or 9 * whole,
            4 * whole,
            81 * whole,
            step=whole,
            continuous=False,
        )
        self.races, races_box = count_box(
            WORDS["races"], races, 1, 100, continuous=False
        )
        self._searches(0)  # checks all before anything is shown
        self._build([budget_box, races_box])
        self.live.now(self._racing(1), seconds=8.0)

    def _build(self, boxes):
        """Make the widgets and tie them to what they do."""
        self.start_button = button(WORDS["start"], WORDS["start_tip"], "primary")
        self.parallel = Parallel(self.space, LOOKS)
        buttons = row(self.start_button, self.stop_button, name="hp-buttons")
        left = [*boxes, buttons, self.parallel.box]
        self.build(left, self._charts())
        self.on_click(self.start_button, self.start)
        self.on_change(self.budget, self.start)
        self.on_change(self.races, self.start)
        self.on_change(self.parallel.axis, self._draw)
        self.on_change(self.parallel.brush, self._draw)

    def _charts(self):
        """Make the race and the parallel coordinates."""
        scales = {"x": linear(), "y": log(0.1, 10)}
        look = {"stroke_width": 2.6, "interpolation": "step-after"}
        self.best = {
            kind: lines(scales, color, line_style=style, **look)
            for kind, (color, style) in LOOKS.items()
        }
        labels = (WORDS["spent"], WORDS["best"])
        self.race = figure([*self.best.values()], *scales.values(), labels)
        over = legend(*((mark, WORDS[kind]) for kind, mark in self.best.items()))
        return [(over, self.race, 1), ("", self.parallel.figure, 1)]

    # ---- the race ------------------------------------------------------------------

    def _searches(self, seed):
        """Return the four searches of a race as generators."""
        whole, budget = self.base.epochs, self.budget.value
        if budget < 2 * whole:
            raise ValueError(WORDS["few"].format(2 * whole, budget))
        count = budget // whole
        shares = np.linspace(0, 1, max(1, per_axis(count, len(self.space))))
        points = {
            n: list(dict.fromkeys(r.at(share) for share in shares))
            for n, r in self.space.items()
        }
        same = {"seeds": (seed,), "model": self.model, "tick": FRAME}
        draw = {"search_seed": seed, **same, **self.space}
        n_halving = halving_count(budget, whole)
        return {
            "grid": grid_search.live(self.dataset, self.base, **same, **points),
            "random": random_search.live(
                self.dataset, self.base, n_trials=count, **draw
            ),
            "halving": successive_halving.live(
                self.dataset, self.base, n_trials=n_halving, eta=ETA, **draw
            ),
            "bayes": bayesian_search.live(
                self.dataset, self.base, n_trials=count, **draw
            ),
        }

    def start(self):
        """Run the race anew."""
        self.error = None
        self.live.start(self._racing())

    def _racing(self, races=None):
        """Run the first race side by side, then the others (a job)."""
        races = races or self.races.value
        self.found, self.lowest = {}, {kind: [] for kind in LOOKS}
        first = self._searches(0)
        going = set(first)
        for kind in cycle(first):
            if kind in going:
                found = next(first[kind], None)
                if found is None:
                    going.discard(kind)
                    self.lowest[kind].append(self._lowest(self.found[kind]))
                else:
                    self.found[kind] = found
                    yield
            if not going:
                break
        for seed in range(1, races):
            for kind, search in self._searches(seed).items():
                for found in search:
                    last = found
                    yield False
                self.lowest[kind].append(self._lowest(last))
            yield

    @staticmethod
    def _lowest(found):
        """Return the lowest loss that a search has found."""
        return float(found.best_so_far()[1][-1])

    # ---- what is shown -------------------------------------------------------------

    def draw(self, running):
        """Show the state."""
        ends = []
        for kind, found in self.found.items():
            spent, loss = found.best_so_far()
            set_all(self.best[kind], x=spent.astype(float), y=loss)
            ends += [loss[0], loss[-1]]
        if ends:
            limit(self.race, 1, 1.15 * max(ends), 0.8 * min(ends))
        limit(self.race, 0, self.budget.value, n=4, room=1.02)
        for kind in set(LOOKS) - set(self.found):
            set_all(self.best[kind], x=[], y=[])
        done = min(map(len, self.lowest.values()))
        self.bar.value = done / self.races.value
        self.status.value = WORDS["status"].format(done, self.races.value)
        self.parallel.show(self.found)

    def sentence(self, running):
        """Return how the races ended in words."""
        firsts = {k: losses[0] for k, losses in self.lowest.items() if losses}
        ranked = sorted(firsts, key=firsts.get)
        text = WORDS["first"].format(
            ", ".join(f"{WORDS[k]} <b>{firsts[k]:.3g}</b>" for k in ranked)
        )
        races = min(map(len, self.lowest.values()))
        if races < 2:
            return text
        losses = np.array([self.lowest[k][:races] for k in LOOKS])
        wins = (losses <= losses.min(0)).sum(1)
        table = ", ".join(f"{WORDS[k]} {n}" for k, n in zip(LOOKS, wins, strict=True))
        beat = int((losses[1] < losses[0]).sum())
        return text + WORDS["many"].format(table, n=races, wins=beat)

    def frame(self):
        """Return the settings of the first race, one a row."""
        import pandas as pd

        frames = [f.to_frame().assign(search=k) for k, f in self.found.items()]
        names = [f"param_{n}" for n in self.space]
        return pd.concat(frames)[["search", *names, "mean_val_loss", "epochs"]]

    def code(self):
        """Return the cell that runs the random search of the first race."""
        ranges = ", ".join(f"{n}=hk.{r!r}" for n, r in self.space.items())
        count = self.budget.value // self.base.epochs
        base = code_of_setting(self.base, without=tuple(self.space))
        return "\n".join([
            "import hpkit as hk", "", code_of_dataset(self.dataset), f"base = {base}",
            f"hk.random_search(data, base, n_trials={count}, {ranges})",
        ])  # fmt: skip
