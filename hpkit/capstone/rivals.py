"""How other ways to tune do on the same data: a table and a picture.

Each way has the same 60 epochs, the budget of the capstone, also those that search
nothing: else more training would look like better tuning. Each is trained several times
with other seeds, so that luck can be seen.
"""

import html
from dataclasses import dataclass, replace

import numpy as np

from hpkit.bayes import bayesian_search
from hpkit.capstone.said import Refused
from hpkit.halving import successive_halving
from hpkit.hyperparameters import Hyperparameters, check_count
from hpkit.results import Runs
from hpkit.search import grid_search, random_search, validation_curve
from hpkit.space import log_uniform

BASE = Hyperparameters(lr=0.01, batch_size=32, epochs=10, hidden=(32,))
SPACE = {
    "lr": log_uniform(0.001, 1),
    "batch_size": [8, 16, 32, 64],
    "momentum": [0, 0.5, 0.9],
    "hidden": [(16,), (32,), (64,)],
}


def curve(*lrs):
    """Return a way that shares 60 epochs among learning rates."""
    return lambda data, **s: validation_curve(
        data, BASE.but(epochs=60 // len(lrs)), param_name="lr", param_range=lrs,
        seeds=s["seeds"],
    )  # fmt: skip


def grid(data, *, seeds, search_seed):
    """Try 3 learning rates x 2 batch sizes."""
    return grid_search(data, BASE, lr=[0.01, 0.1, 1], batch_size=[16, 64], seeds=seeds)


def drawn(data, **how):
    """Draw 6 settings."""
    return random_search(data, BASE, n_trials=6, **how, **SPACE)


def halved(data, **how):
    """Draw 18 settings; 6, 2 and 1 of them go on: 18 + 12 + 12 + 18 epochs."""
    return successive_halving(data, BASE.but(epochs=27), n_trials=18, **how, **SPACE)


def proposed(data, **how):
    """Ask Optuna for 12 settings: 10 random draws, then 2 that use what it has seen."""
    return bayesian_search(data, BASE.but(epochs=5), n_trials=12, **how, **SPACE)


# What a learner reads.
WAYS = {
    "lr 0.001, a default": curve(0.001),
    "lr 0.01, a beginner's guess": curve(0.01),
    "list 0.01, 0.02, 0.03, 0.04": curve(0.01, 0.02, 0.03, 0.04),
    "lr 0.1, known from before": curve(0.1),
    "grid, 3 lr x 2 batch sizes": grid,
    "random, 6 settings": drawn,
    "halving, 18 settings": halved,
    "Optuna, 12 settings": proposed,
}
ENDS, TICKS = (0.03, 0.985), (0.1, 0.3, 0.5, 0.7, 0.85, 0.93, 0.97)
UNTUNED, TUNED = tuple(WAYS)[:3], tuple(WAYS)[4:]
DRAWN = TUNED[1:]  # their settings depend on the seed
KNOWN = tuple(WAYS)[3]  # somebody has searched for it: lessons 02 to 09, on these data
WORDS = {
    "regression": "compare needs classes, got a regression; leave it out.",
    "heads": ("way", "epochs", "test accuracy", "lowest to highest"),
    "you": "you",
    "tuned": "The medians of {ways} lie within {gap:.3f} of each other. Chance alone "
    "moves an accuracy of {level:.2f} on {rows} rows by about {noise:.3f}: {verdict}",
    "tie": "no order among them can be read from this.",
    "differ": "a larger gap than that, on these data.",
    "mine": "Your {score:.3f} lies above {below} of the {n} scores of these ways.",
    "no_mine": "Your own score appears here once you have opened the test set.",
    "axis": "test accuracy, stretched near 1 (dots: seeds; bars: medians)",
    "alt": "Strip plot of test accuracies. Medians: {medians}.{mine}",
    "alt_mine": " You: {score:.3f}.",
}


def chance(share, rows):
    """Return what chance does to a share of so many rows: two standard errors."""
    return 2 * np.sqrt(share * (1 - share) / rows)


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
    def plain(self):
        """The same as what JSON can hold."""
        return vars(self) | {"bars": list(self.bars)}

    @property
    def table(self):
        """Rows of text under `WORDS["heads"]`."""
        rows = []
        for name, scores in self.scores.items():
            span = f"{min(scores):.3f} to {max(scores):.3f}"
            middle = f"{np.median(scores):.3f}"
            rows.append((name, str(self.epochs[name]), middle, span))
        if self.mine is not None:
            rows.append((WORDS["you"], "", f"{self.mine:.3f}", ""))
        return rows

    @property
    def sentence(self):
        """What the table says and what it does not say."""
        medians = [np.median(self.scores[name]) for name in TUNED]
        gap, level = np.ptp(medians), np.mean(medians)
        noise = chance(level, self.rows)
        said = WORDS["tuned"].format(
            ways=", ".join(name.split(",")[0] for name in TUNED), gap=gap, noise=noise,
            level=level, rows=self.rows,
            verdict=WORDS["tie" if gap <= noise else "differ"],
        )  # fmt: skip
        every = np.concatenate(list(self.scores.values()))
        if self.mine is None:
            return f"{said} {WORDS['no_mine']}"
        below = int((every < self.mine).sum())
        facts = {"score": self.mine, "below": below, "n": len(every)}
        return f"{said} {WORDS['mine'].format(**facts)}"

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

    @property
    def alt(self):
        """What the picture shows, in words."""
        medians = ", ".join(
            f"{row[0]} {row[2]}" for row in self.table[: len(self.scores)]
        )
        mine = "" if self.mine is None else WORDS["alt_mine"].format(score=self.mine)
        return WORDS["alt"].format(medians=medians, mine=mine)

    def __repr__(self):
        """Return the table and the sentence as text."""
        rows = [WORDS["heads"], *self.table]
        wide = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, wide, strict=True))
            for row in rows
        ]
        return "\n".join([*(line.rstrip() for line in lines), self.sentence])

    def _repr_html_(self):
        """Return the table for a notebook."""
        heads = "".join(f"<th scope='col'>{h}</th>" for h in WORDS["heads"])
        body = "".join(
            "<tr>" + "".join(f"<td>{html.escape(c)}</td>" for c in row) + "</tr>"
            for row in self.table
        )
        table = f"<table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"
        return f"{table}<p style='max-width:46em'>{html.escape(self.sentence)}</p>"


def searches(name, way, dataset, n):
    """Give the runs of a way for each of n seeds, as `Runs`."""
    # Nobody chooses by these scores, so they are no looks of the learner's.
    own = [replace(dataset, test_looks=[]) for _ in range(n)]
    if name in DRAWN:  # each seed draws settings of its own
        for seed in range(n):
            yield way(own[seed], seeds=(seed,), search_seed=seed).runs
        return
    found = way(dataset, seeds=tuple(range(n)), search_seed=0)  # stacked: faster
    for k in range(n):
        runs = (found.runs[i, k] for i in range(len(found.settings)))
        yield Runs.of(replace(run, dataset=own[k]) for run in runs)


def compare(dataset, *, mine=None, bars=(), n=8):
    """Return a `Comparison` of the ways on a data set.

    Parameters
    ----------
    dataset : Dataset
        Of classes.
    mine : dict, optional
        What the test set has shown, from `Capstone.test`.
    bars : sequence of float, default ()
    n : int, default 8
        Seeds for each way: of the draws and of the first weights.

    Returns
    -------
    Comparison

    Examples
    --------
    >>> from hpkit.datasets import load_dataset
    >>> len(compare(load_dataset("digits"), n=1).scores)
    8
    """
    if dataset.is_regression:
        raise Refused(WORDS["regression"])
    n = check_count("n", n, hint="try 8")
    scores, epochs = {name: [] for name in WAYS}, {}
    for name, way in WAYS.items():
        for found in searches(name, way, dataset, n):
            scores[name].append(found.best_run.test_accuracy())
            epochs[name] = sum(run.epochs_done for run in found)
    accuracy = mine and mine["accuracy"]
    return Comparison(scores, epochs, len(dataset.test.y), tuple(bars), accuracy)
