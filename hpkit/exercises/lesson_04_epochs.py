"""Exercises of lesson 04: epochs, the best one, and when to stop."""

from functools import cache

import numpy as np

from hpkit.exercises._answers import NotYet, check_cases, check_matching, number
from hpkit.exercises._core import Exercise
from hpkit.exercises._quiz import Quiz
from hpkit.exercises._trials import trained
from hpkit.hyperparameters import Hyperparameters

LESSON = "04_epochs"
# As in the lesson: 50 training points, a large network, 200 epochs.
LONG = Hyperparameters(
    lr=0.1, momentum=0.9, batch_size=10, hidden=(64, 64), epochs=200
)  # fmt: skip

# ---- read the best epoch -----------------------------------------------------------


def best_epoch(val_loss):
    """The place of the lowest value; place 0 is epoch 0."""
    return val_loss.index(min(val_loss))


def last_epoch(val_loss):
    """Wrong: training further made it worse."""
    return len(val_loss) - 1


def lowest_loss(val_loss):
    """Wrong: the loss, not its epoch."""
    return min(val_loss)


def counted_from_1(val_loss):
    """Wrong: the first value is epoch 0."""
    return val_loss.index(min(val_loss)) + 1


def first_rise(val_loss):
    """Wrong: it may fall further after a rise."""
    for epoch in range(1, len(val_loss)):
        if val_loss[epoch] > val_loss[epoch - 1]:
            return epoch - 1
    return len(val_loss) - 1


LOSSES = [
    ([0.7, 0.5, 0.4, 0.45, 0.6],),
    ([0.7, 0.5, 0.55, 0.3, 0.2, 0.4],),
    ([0.7, 0.6, 0.5],),
    ([0.7, 0.8, 0.9],),
]
BEST_SLIPS = [
    (last_epoch, "last"),
    (lowest_loss, "loss"),
    (counted_from_1, "from_1"),
    (first_rise, "rise"),
]

# ---- early stopping ----------------------------------------------------------------


def stop_epoch(val_loss, patience):
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
def long_runs():
    """Return the validation losses of five seeds, as lists."""
    runs = trained("small_moons", [LONG])
    return [list(map(float, run.val_loss)) for run in runs]


def check_patience(answer):
    """Kept loss within 5 % of the lowest, and at most half of the epochs trained."""
    patience = number(answer, low=1, high=200, whole=True)
    kept, lowest, stopped = [], [], []
    for loss in long_runs():
        end = stop_epoch(loss, patience)
        stopped.append(end)
        kept.append(min(loss[: end + 1]))
        lowest.append(min(loss))
    above = 100 * (np.mean(kept) / np.mean(lowest) - 1)
    values = {"patience": patience, "above": above, "stop": np.mean(stopped)}
    if above > 5:
        raise NotYet("too_eager", **values)
    if np.mean(stopped) > LONG.epochs / 2:
        raise NotYet("too_patient", **values)
    return values


def patience():
    """Long enough for the bumps, short enough to save most of the epochs."""
    return 30


# ---- longer, shorter, enough -------------------------------------------------------

VERDICTS = ("longer", "shorter", "enough")
RIGHT = {"A": "longer", "B": "shorter", "C": "enough"}


def verdicts():
    """Best in the last quarter: longer. In the first tenth: shorter. Else: enough."""
    return {"A": "longer", "B": "shorter", "C": "enough"}


best = Exercise(
    LESSON, "best", lambda answer: check_cases(answer, best_epoch, LOSSES, BEST_SLIPS),
    solution=best_epoch, is_function=True,
    wrong=[
        *BEST_SLIPS,
        (lambda val_loss: 2, "case"),
        (lambda val_loss: val_loss.best, "raised"),
    ],
)  # fmt: skip
choose_patience = Exercise(
    LESSON, "choose_patience", check_patience, solution=patience,
    wrong=[(1, "too_eager"), (150, "too_patient"), (0, "kind"), (2.5, "kind")],
)  # fmt: skip
how_long = Exercise(
    LESSON, "how_long", lambda answer: check_matching(answer, RIGHT, VERDICTS),
    solution=verdicts,
    wrong=[
        (RIGHT | {"A": "enough"}, "A"),
        (RIGHT | {"B": "enough"}, "B"),
        (RIGHT | {"C": "longer"}, "C"),
        (RIGHT | {"C": "stop"}, "unknown"),
        ({"A": "longer", "B": "shorter"}, "missing"),
    ],
)  # fmt: skip
EXERCISES = (best, choose_patience, how_long)
quiz = Quiz(LESSON)
