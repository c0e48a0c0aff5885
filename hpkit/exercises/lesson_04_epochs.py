"""Exercises of lesson 04: epochs, the best one, and when to stop."""

from hpkit.exercises._answers import number, wrong_if
from hpkit.exercises._core import Exercise, trained
from hpkit.exercises._quiz import lesson_of
from hpkit.hyperparameters import Hyperparameters

# As in the lesson: 50 training points, a large network, 200 epochs.
LARGE = Hyperparameters(momentum=0.9, batch_size=10, hidden=(64, 64))
LONG = LARGE.but(lr=0.1, epochs=200)

best = Exercise.of_files(__name__, "best")


@Exercise
def choose_patience(answer):
    """Kept loss within 5 % of the lowest, and at most half of the epochs trained."""
    patience = number(answer, low=1, high=200, whole=True)
    runs = trained("small_moons", [LONG, LONG.but(patience=patience)])
    (lowest, kept), stop = runs.mean_val_loss, runs.epochs_done[1].mean()
    above, late = 100 * (kept / lowest - 1), stop > LONG.epochs / 2
    facts = {"patience": patience, "above": above, "stop": stop}
    return wrong_if(facts, too_eager=above > 5, too_patient=late)


# Best in the last quarter: longer. In the first tenth: shorter. Else: enough.
how_long = Exercise.of_files(__name__, "how_long")
EXERCISES, quiz = lesson_of(best, choose_patience, how_long)
