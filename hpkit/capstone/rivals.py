"""How other ways to tune do on the same data: a table and a picture.

Each way has the same 60 epochs, the budget of the capstone, also those that search
nothing: else more training would look like better tuning. Each is trained several times
with other seeds, so that luck can be seen.
"""

from dataclasses import dataclass, replace
from html import escape

import numpy as np

from hpkit.capstone import pages
from hpkit.capstone.budget import WORDS as SAID
from hpkit.capstone.budget import Refused
from hpkit.engine.runs import Runs
from hpkit.hyperparameters import Hyperparameters, check_count
from hpkit.search.bayes import bayesian_search
from hpkit.search.searches import grid_search, random_search, validation_curve
from hpkit.search.space import log_uniform
from hpkit.search.stages import successive_halving

WORDS = SAID["rivals"]
BASE = Hyperparameters(lr=0.01, batch_size=32, epochs=10, hidden=(32,))
SPACE = {
    "lr": log_uniform(0.001, 1),
    "batch_size": [8, 16, 32, 64],
    "momentum": [0, 0.5, 0.9],
    "hidden": [(16,), (32,), (64,)],
}
GRID = {"lr": [0.01, 0.1, 1], "batch_size": [16, 64]}


def curve(*lrs):
    """Return what shares 60 epochs among learning rates."""
    how = {"param_name": "lr", "param_range": lrs}
    return validation_curve, 60 // len(lrs), how


# Name: function, epochs of a setting at most, its arguments.
WAYS = {
    "lr 0.001, a default": curve(0.001),
    "lr 0.01, a beginner's guess": curve(0.01),
    "list 0.01, 0.02, 0.03, 0.04": curve(0.01, 0.02, 0.03, 0.04),
    "lr 0.1, known from before": curve(0.1),
    "grid, 3 lr x 2 batch sizes": (grid_search, 10, GRID),
    "random, 6 settings": (random_search, 10, {"n_trials": 6} | SPACE),
    # 6, 2 and 1 go on: 18 + 12 + 12 + 18 epochs.
    "halving, 18 settings": (successive_halving, 27, {"n_trials": 18} | SPACE),
    # 10 random draws, then 2 that use what they have seen.
    "Optuna, 12 settings": (bayesian_search, 5, {"n_trials": 12} | SPACE),
}
ENDS, TICKS = (0.03, 0.985), (0.1, 0.3, 0.5, 0.7, 0.85, 0.93, 0.97)
UNTUNED, TUNED = tuple(WAYS)[:3], tuple(WAYS)[4:]
KNOWN = tuple(WAYS)[3]  # somebody has searched for it: lessons 02 to 09, on these data


def chance(share, rows):
    """Return what chance does to a share of so many rows: two standard errors."""
    return 2 * np.sqrt(share * (1 - share) / rows)


def reached(bar, accuracy):
    """Say whether a bar is reached by an accuracy as it is told: in three digits."""
    return round(accuracy, 3) >= bar


@dataclass(frozen=True, repr=False)
class Comparison:
    """Test accuracies of several ways to tune.

    Attributes
    ----------
    scores : dict
        Name of a way: its test accuracies, one a seed.
    epochs : dict
        Name of a way: the epochs that it cost.
    rows : int
        Rows of the test set.
    bars : tuple of float
    mine : float or None
        The learner's own.
    """

    scores: dict
    epochs: dict
    rows: int
    bars: tuple = ()
    mine: float | None = None

    @property
    def table(self):
        """Rows of text under `WORDS["heads"]`."""
        rows = []
        for name, scores in self.scores.items():
            span = f"{min(scores):.3f} to {max(scores):.3f}"
            rows.append((name, self.epochs[name], f"{np.median(scores):.3f}", span))
        mine = [] if self.mine is None else [(WORDS["you"], "", f"{self.mine:.3f}", "")]
        return rows + mine

    @property
    def sentence(self):
        """What the table says and what it does not say."""
        medians = [np.median(self.scores[name]) for name in TUNED]
        gap, level = np.ptp(medians), np.mean(medians)
        noise = chance(level, self.rows)
        said = WORDS["tie" if gap <= noise else "differ"].format(
            ways=", ".join(name.split(",")[0] for name in TUNED), gap=gap, noise=noise,
            level=level, rows=self.rows,
        )  # fmt: skip
        if self.mine is None:
            return f"{said} {WORDS['no_mine']}"
        every = np.concatenate(list(self.scores.values()))
        facts = {"score": self.mine, "below": (every < self.mine).sum()}
        return f"{said} {WORDS['mine'].format(n=len(every), **facts)}"

    @property
    def alt(self):
        """What the picture shows, in words."""
        medians = ((name, np.median(scores)) for name, scores in self.scores.items())
        text = ", ".join(f"{name} {middle:.3f}" for name, middle in medians)
        mine = "" if self.mine is None else WORDS["alt_mine"].format(score=self.mine)
        return f"{WORDS['alt'].format(medians=text)} {mine}".strip()

    def plot(self, ax=None):
        """Return the axes with a row of dots for each way, and the bars."""
        from hpkit.plots.canvas import COLORS, FONT, INK, MUTED, alt_text, new_axes

        ax = new_axes(ax, (7.2, 3.6))
        ax.set_xscale("logit")  # or all that is tuned would be one heap
        for row, (name, scores) in enumerate(self.scores.items()):
            scores = np.clip(scores, *ENDS)
            color = COLORS[0] if name in TUNED else MUTED
            ax.plot(scores, [row] * len(scores), "o", color=color, ms=6, alpha=0.5)
            ax.plot([np.median(scores)] * 2, [row - 0.3, row + 0.3], color=INK, lw=2.5)
        names = list(self.scores)
        if self.mine is not None:
            mine = np.clip(self.mine, *ENDS)
            ax.plot(mine, len(names), "*", color=COLORS[1], ms=16)
            ax.axvline(mine, color=COLORS[1], lw=1)
            names.append(WORDS["you"])
        for bar in self.bars:
            ax.axvline(bar, color=INK, lw=0.8, ls=(0, (4, 4)))
            ax.text(bar, -0.75, f"{bar:g}".lstrip("0"), ha="center", fontsize=8)
        ax.set_yticks(range(len(names)), names, fontsize=FONT)
        ax.set_xticks(TICKS, [f"{tick:g}" for tick in TICKS])
        ax.minorticks_off()
        ax.set(xlabel=WORDS["axis"], xlim=ENDS, ylim=(len(names) - 0.4, -0.6))
        return alt_text(ax, self.alt)

    def __repr__(self):
        return f"{pages.table(WORDS['heads'], self.table)[1]}\n\n{self.sentence}"

    def _repr_html_(self):
        said = f"<p style='max-width:46em'>{escape(self.sentence)}</p>"
        return pages.table(WORDS["heads"], self.table)[0] + said


def train(name, dataset, seeds, search_seed):
    """Return the search of a way: the draws of one that draws are those of a seed."""
    function, epochs, how = WAYS[name]
    if "n_trials" in how:
        how = how | {"search_seed": search_seed}
    return function(dataset, BASE.but(epochs=epochs), seeds=seeds, **how)


def runs_of(name, dataset, n):
    """Give the runs of a way for each of n seeds, as `Runs`."""
    # Nobody chooses by these scores, so they are no looks of the learner's.
    own = [replace(dataset, test_looks=[]) for _ in range(n)]
    if "n_trials" in WAYS[name][2]:  # each seed draws settings of its own
        for seed in range(n):
            yield train(name, own[seed], (seed,), seed).runs
        return
    found = train(name, dataset, range(n), 0).runs  # stacked: faster
    for k in range(n):
        runs = (found[i, k] for i in range(len(found.settings)))
        yield Runs.of(replace(run, dataset=own[k]) for run in runs)


def compare(dataset, *, mine=None, bars=(), n=8):
    """Return a `Comparison` of the ways on a data set of classes.

    `mine` is what the test set has shown (`Capstone.test`), `n` the seeds of each way.
    """
    if dataset.is_regression:
        raise Refused(SAID["regression"])
    n = check_count("n", n, hint="try 8")
    scores, epochs = {name: [] for name in WAYS}, {}
    for name in WAYS:
        for runs in runs_of(name, dataset, n):
            scores[name].append(runs.best_run.test_accuracy())
            epochs[name] = sum(run.epochs_done for run in runs)
    accuracy = mine and mine["accuracy"]
    return Comparison(scores, epochs, len(dataset.test.y), tuple(bars), accuracy)
