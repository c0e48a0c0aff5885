"""What a search did on its way: cost, steps, cuts, losses. All plain, all frozen."""

from dataclasses import dataclass

import numpy as np

from hpkit.engine.runs import ranked
from hpkit.hyperparameters import Hyperparameters
from hpkit.search.sentences import SAY


@dataclass(frozen=True)
class Cost:
    """What was trained: different settings, runs (setting and seed), epochs."""

    settings: int
    runs: int
    epochs: int

    def __str__(self):
        """Return it in words."""
        return SAY["cost"].format(**vars(self))


@dataclass(frozen=True)
class Step:
    """One step of one-at-a-time: all alike but one hyperparameter.

    Attributes
    ----------
    name : str
        The hyperparameter that was changed.
    base : Hyperparameters
        What the step began with: all others stayed at these values.
    values : tuple
        What was tried, as given.
    settings : tuple of int
        The numbers of these settings in `Search.runs`.
    cost : Cost
        What was trained for this step; what an earlier step had trained is free.
    winner : Hyperparameters or None
        Lowest mean validation loss; None while the step is under way.
    """

    name: str
    base: Hyperparameters
    values: tuple
    settings: tuple
    cost: Cost
    winner: Hyperparameters | None = None


@dataclass(frozen=True)
class Rung:
    """One cut of successive halving.

    Attributes
    ----------
    epoch : int
        Epochs that each setting here had then.
    settings, kept : tuple of int
        Numbers of the settings that were there, and of those that went on.
    """

    epoch: int
    settings: tuple
    kept: tuple


@dataclass(frozen=True)
class Lost:
    """Runs that an executor lost: (setting, seed) numbers, and why."""

    runs: tuple
    reason: str


def cost_of(runs):
    """Return the cost of runs."""
    done = np.maximum(runs.epochs_done, 0)
    there = runs.epochs_done >= 0
    return Cost(int(there.any(1).sum()), int(there.sum()), int(done.sum()))


def planned_cost(settings, seeds):
    """Return the cost of training settings with seeds to their ends."""
    epochs = sum(setting.epochs for setting in settings) * len(seeds)
    return Cost(len(settings), len(settings) * len(seeds), epochs)


def best_number(runs, scores, among=None):
    """Return the number of the setting with the lowest score: the first `ranked`."""
    return int(ranked(runs, scores, among)[0])
