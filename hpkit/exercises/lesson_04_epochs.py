"""Exercises of lesson 04: epochs, the best one, and when to stop."""

from itertools import pairwise

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


@Exercise
def choose_patience(answer):
    """Kept loss within 5 % of the lowest, and at most half of the epochs trained."""
    patience = number(answer, low=1, high=200, whole=True)
    runs = trained("small_moons", [LONG, LONG.but(patience=patience)])
    (lowest, kept), stop = runs.mean_val_loss, runs.epochs_done[1].mean()
    above, late = 100 * (kept / lowest - 1), stop > LONG.epochs / 2
    facts = {"patience": patience, "above": above, "stop": stop}
    return wrong_if(facts, too_eager=above > 5, too_patient=late)


@Exercise
def how_long(answer):
    """Best in the last quarter: longer. In the first tenth: shorter. Else: enough."""
    check_matching(answer, how_long.answer(), how_long.words["choices"])


EXERCISES = (best, choose_patience, how_long)
quiz = Quiz("04_epochs")
