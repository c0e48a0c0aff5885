"""The four searches of a race, cut to one budget of epochs, and how they ended."""

from bisect import bisect_right

import numpy as np

from hpkit.panels.live import FRAME
from hpkit.search.bayes import bayesian_search
from hpkit.search.searches import grid_search, random_search
from hpkit.search.space import Range, as_count, check_space
from hpkit.search.stages import cuts_of, successive_halving

KINDS = {"grid": "grid", "random": "random", "halving": "halving", "bayes": "Bayes"}
WORDS = {
    "ranges": "SearchRacePanel must have ranges, got {0!r} for {1}; write for example "
    "lr=hk.log_uniform(1e-4, 10)",
    "epochs": "SearchRacePanel must not search epochs: they are its budget; leave "
    "epochs= out",
    "few": "the budget must be at least {0} epochs, two whole runs, got {1}; give a "
    "larger one",
    "first": "Race 1, {} epochs for each search: the lowest validation loss is {}.",
    "many": " Random beat the grid in {beat} of {n} races. Lowest: {wins}{ties}.",
    "ties": " (a tie counts for each)",
}
ETA = 3


def check_ranges(values):
    """Return what is searched, ranges only."""
    space = check_space("SearchRacePanel", values, ranges=True)
    for name, given in space.items():
        if not isinstance(given, Range):
            raise TypeError(WORDS["ranges"].format(given, name))
    if "epochs" in space:
        raise ValueError(WORDS["epochs"])
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

    Parameters
    ----------
    dataset : Dataset
    base : Hyperparameters
        Its epochs are those of a whole run.
    space : dict
        Name: `Range`.
    budget : int
        Epochs for each search.
    seed : int
        Of the models, and of the drawing.
    model : function or None
    """
    if budget < 2 * base.epochs:
        raise ValueError(WORDS["few"].format(2 * base.epochs, budget))
    count = budget // base.epochs
    shares = np.linspace(0, 1, max(1, per_axis(count, len(space))))
    points = {
        n: list(dict.fromkeys(as_count(n, r.at(share)) for share in shares))
        for n, r in space.items()
    }
    same = {"seeds": (seed,), "model": model, "tick": FRAME}
    draw = {"search_seed": seed, **same, **space}
    many = halving_count(budget, base.epochs)
    return {
        "grid": grid_search.live(dataset, base, **same, **points),
        "random": random_search.live(dataset, base, n_trials=count, **draw),
        "halving": successive_halving.live(
            dataset, base, n_trials=many, eta=ETA, **draw
        ),
        "bayes": bayesian_search.live(dataset, base, n_trials=count, **draw),
    }


def lowest_of(found):
    """Return the lowest loss that a search has found."""
    return float(found.best_so_far()[1][-1])


def told_races(lowest, budget):
    """Return in words (HTML) how races ended; `lowest` is {kind: losses}."""
    firsts = sorted((losses[0], KINDS[kind]) for kind, losses in lowest.items())
    ranked = ", ".join(f"{name} <b>{loss:.3g}</b>" for loss, name in firsts)
    said = WORDS["first"].format(budget, ranked)
    losses = np.array(list(lowest.values()))
    count = losses.shape[1]
    if count < 2:
        return said
    wins = (losses <= losses.min(0)).sum(1)
    beat = np.less(lowest["random"], lowest["grid"]).sum()
    table = ", ".join(f"{KINDS[k]} {n}" for k, n in zip(lowest, wins, strict=True))
    ties = WORDS["ties"] if wins.sum() > count else ""
    return said + WORDS["many"].format(beat=beat, n=count, wins=table, ties=ties)
