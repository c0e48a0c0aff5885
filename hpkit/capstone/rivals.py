"""Other ways to tune on the same data, compared in a table and a chart."""

import math
from dataclasses import dataclass, replace
from html import escape
from itertools import product
from statistics import median  # unlike np.median, raises an error for an empty list

import numpy as np

import hpkit
from hpkit import locale
from hpkit.charts.runs import ways_chart
from hpkit.hyperparameters import Hyperparameters, check_count
from hpkit.plots import draw_chart
from hpkit.search.space import log_uniform
from hpkit.text import html_table, text_lines

BASE = Hyperparameters(lr=0.01, batch_size=32, epochs=10, hidden=(32,))
_SPACE = {
    "lr": log_uniform(0.001, 1),
    "batch_size": [8, 16, 32, 64],
    "momentum": [0, 0.5, 0.9],
    "hidden": [(16,), (32,), (64,)],
}
# Way: search, most epochs per setting, arguments; each way takes 60 epochs in all.
WAYS = {
    "default": ("grid_search", 60, {"lr": [0.001]}),
    "guess": ("grid_search", 60, {"lr": [0.01]}),
    "list": ("grid_search", 15, {"lr": [0.01, 0.02, 0.03, 0.04]}),
    # Found by earlier searches on these data, in lessons 02 to 09.
    "known": ("grid_search", 60, {"lr": [0.1]}),
    "grid": ("grid_search", 10, {"lr": [0.01, 0.1, 1], "batch_size": [16, 64]}),
    "random": ("random_search", 10, {"n_trials": 6} | _SPACE),
    # 6, 2 and 1 go on: 18 + 12 + 12 + 18 epochs.
    "halving": ("successive_halving", 27, {"n_trials": 18} | _SPACE),
    # 10 random draws, then 2 that use their results.
    "optuna": ("bayesian_search", 5, {"n_trials": 12} | _SPACE),
}
TUNED = tuple(WAYS)[4:]


def tr(path, **facts):
    return locale.tr(f"capstone.{path}", **facts)


def chance(share, rows):
    """Return two standard errors of a share of so many rows, above 0 even at 1."""
    share, rows = (share * rows + 2) / (rows + 4), rows + 4  # Agresti and Coull 1998
    return 2 * math.sqrt(share * (1 - share) / rows)


@dataclass(frozen=True, repr=False)
class Comparison:
    """Test accuracies of several ways to tune: `table`, `sentence`, `plot()`."""

    scores: dict  # way: accuracies, one per seed
    epochs: dict  # way: epochs spent
    rows: int  # of the test set
    bars: tuple = ()
    mine: float | None = None  # the learner's own

    @property
    def table(self):
        rows, names = [], tr("rivals.ways")
        for way, scores in self.scores.items():
            span = tr("rivals.span", low=min(scores), high=max(scores))
            rows.append((names[way], self.epochs[way], f"{median(scores):.3f}", span))
        if self.mine is not None:
            spent = self.epochs.get("you", "")
            rows.append((tr("rivals.you"), spent, f"{self.mine:.3f}", ""))
        return rows

    @property
    def sentence(self):
        medians = [median(self.scores[way]) for way in TUNED]
        gap, level = np.ptp(medians), np.mean(medians)
        noise = chance(level, self.rows)
        facts = {"gap": gap, "level": level, "rows": self.rows, "noise": noise}
        text = tr("rivals.tie" if gap <= noise else "rivals.differ", **facts)
        if self.mine is None:
            return f"{text} {tr('rivals.no_mine')}"
        scores = np.concatenate(list(self.scores.values()))
        facts = {"score": self.mine, "below": (scores < self.mine).sum()}
        return f"{text} {tr('rivals.mine', n=len(scores), **facts)}"

    @property
    def chart(self):
        return ways_chart(self.scores, tr("rivals.ways"), TUNED, self.bars, self.mine)

    def plot(self, ax=None):
        """Return the axes with the chart."""
        return draw_chart(self.chart, ax, (7.2, 3.6), self.chart.alt)

    def __repr__(self):
        rows = [tr("rivals.heads"), *([*map(str, row)] for row in self.table)]
        return "\n".join([*text_lines(rows, rule=True), "", self.sentence])

    def _repr_html_(self):
        style = f"{locale.tr('language.css')}max-width:46em"
        text = f"<p style='{style}'>{escape(self.sentence)}</p>"
        return html_table(tr("rivals.heads"), self.table, cell="text-align:left") + text


def train_way(way, dataset, seeds, search_seed):
    name, epochs, options = WAYS[way]
    drawn = {"search_seed": search_seed} if "n_trials" in options else {}
    search, base = getattr(hpkit, name), BASE.but(epochs=epochs)
    return search(dataset, base, seeds=seeds, **options, **drawn)


def compare(dataset, *, mine=None, bars=(), n=8):
    """Return a `Comparison` of the ways on classes, each with n seeds."""
    n = check_count("n", n)
    scores, epochs = {way: [] for way in WAYS}, {}
    for way, seed in product(WAYS, range(n)):
        # Nobody chooses by these scores, so the learner's looks do not include them.
        found = train_way(way, replace(dataset, test_looks=[]), (seed,), seed)
        scores[way].append(found.best_run.test_accuracy())
        epochs[way] = found.cost.epochs
    return Comparison(scores, epochs, len(dataset.test.y), tuple(bars), mine)
