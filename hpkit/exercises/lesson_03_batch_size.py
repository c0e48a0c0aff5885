"""Exercises of lesson 03: the batch size, judged by really training it."""

from hpkit.exercises._answers import choice, number, number_list, wrong_if
from hpkit.exercises._core import Exercise, trained
from hpkit.exercises._quiz import lesson_of
from hpkit.hyperparameters import Hyperparameters

# As in the lesson: digits, 32 hidden units, 10 epochs.
BASE = Hyperparameters(lr=0.1, epochs=10, hidden=(32,))
ROWS = 600  # training rows of digits
SIZES = (2, 8, 16, 32, 64, 128, 256, 512)

updates = Exercise.of_files(__name__, "updates")


@Exercise
def equal_epochs(answer):
    """Same lr, same epochs: the larger batch ends at twice the smaller one's loss."""
    sizes = number_list(answer, low=1, high=ROWS, whole=True)
    wrong_if({"n": len(sizes)}, not_two=len(sizes) != 2)
    small, large = sizes
    wrong_if(order=small >= large)
    runs = trained("digits", [BASE.but(batch_size=b) for b in sizes], seeds=range(3))
    wrong_if({"batch_size": small}, diverged=runs.diverged.any())
    low, high = runs.mean_val_loss
    facts = {"small": small, "large": large, "low": low, "high": high}
    return wrong_if(facts | {"times": high / low}, near=high < 2 * low)


@Exercise
def scaled_rate(answer):
    """The loss at batch size 64 is back at that of batch size 8."""
    lr = number(answer, above=0)
    settings = [BASE.but(lr=0.04, batch_size=8), BASE.but(lr=lr, batch_size=64)]
    runs = trained("digits", settings, seeds=range(3))
    before, after = runs.mean_val_loss
    far = not after <= 1.1 * before
    return wrong_if(
        {"lr": lr, "before": before, "after": after},
        smaller=far and lr < 0.04,
        unchanged=far and lr == 0.04,
        too_small=far and lr < 0.5,
        too_large=far,
    )


@Exercise
def scaling_breaks(answer):
    """With lr = 0.01 x batch size the loss is 1.5 times that of batch size 4."""
    size = choice(answer, SIZES)
    settings = [BASE.but(lr=0.01 * b, batch_size=b) for b in (4, size)]
    small, large = trained("digits", settings, seeds=range(5)).mean_val_loss
    facts = {"size": size, "lr": 0.01 * size, "small": small, "large": large}
    return wrong_if(facts, holds=not large >= 1.5 * small)


EXERCISES, quiz = lesson_of(updates, equal_epochs, scaled_rate, scaling_breaks)
