"""Exercises of lesson 04: epochs, the best one, and when to stop."""

from functools import cache
from itertools import pairwise

import numpy as np

from hpkit.exercises._answers import check_cases, check_matching, number, wrong_if
from hpkit.exercises._core import Exercise, trained
from hpkit.exercises._quiz import Quiz
from hpkit.hyperparameters import Hyperparameters

# As in the lesson: 50 training points, a large network, 200 epochs.
LARGE = Hyperparameters(momentum=0.9, batch_size=10, hidden=(64, 64))
LONG = LARGE.but(lr=0.1, epochs=200)
LOSSES = [
    ([0.7, 0.5, 0.4, 0.45, 0.6],),
    ([0.7, 0.5, 0.55, 0.3, 0.2, 0.4],),
    ([0.7, 0.6, 0.5],),
    ([0.7, 0.8, 0.9],),
]


def _first_rise(val_loss):  # it may fall further after a rise
    rises = (n for n, (loss, after) in enumerate(pairwise(val_loss)) if after > loss)
    return next(rises, len(val_loss) - 1)


SLIPS = {
    "last": lambda val_loss: len(val_loss) - 1,
    "loss": lambda val_loss: min(val_loss),
    "from_1": lambda val_loss: val_loss.index(min(val_loss)) + 1,
    "rise": _first_rise,
}


@Exercise
def best(answer):
    """The place of the lowest value; place 0 is epoch 0."""
    check_cases(answer, best.answer(), LOSSES, SLIPS)


def _stop_epoch(val_loss, patience):
    """Stop when so many epochs in a row have brought no new lowest loss."""
    best, waited = 0, 0
    for epoch in range(1, len(val_loss)):
        waited += 1
        if val_loss[epoch] < val_loss[best]:
            best, waited = epoch, 0
        if waited == patience:
            return epoch
    return len(val_loss) - 1


@cache
def _long_runs():
    runs = trained("small_moons", [LONG])
    return [list(map(float, run.val_loss)) for run in runs]


@Exercise
def choose_patience(answer):
    """Kept loss within 5 % of the lowest, and at most half of the epochs trained."""
    patience = number(answer, low=1, high=200, whole=True)
    losses = _long_runs()
    ends = [_stop_epoch(loss, patience) for loss in losses]
    kept = [min(loss[: n + 1]) for loss, n in zip(losses, ends, strict=True)]
    above = 100 * (np.mean(kept) / np.mean([*map(min, losses)]) - 1)
    facts = {"patience": patience, "above": above, "stop": np.mean(ends)}
    late = np.mean(ends) > LONG.epochs / 2
    return wrong_if(facts, too_eager=above > 5, too_patient=late)


@Exercise
def how_long(answer):
    """Best in the last quarter: longer. In the first tenth: shorter. Else: enough."""
    check_matching(answer, how_long.answer(), how_long.words["choices"])


EXERCISES = (best, choose_patience, how_long)
quiz = Quiz("04_epochs")
