"""Exercises of lesson 03: the batch size, judged by really training it."""

from hpkit.exercises._answers import NotYet, check_cases, choice, number, number_list
from hpkit.exercises._core import Exercise
from hpkit.exercises._quiz import Quiz
from hpkit.exercises._trials import trained
from hpkit.hyperparameters import Hyperparameters

# As in the lesson: digits, 32 hidden units, 10 epochs.
BASE = Hyperparameters(lr=0.1, epochs=10, hidden=(32,))
ROWS = 600  # training rows of digits
UPDATES = [(600, 16), (400, 32), (600, 600), (64, 8), (5, 10), (1, 1)]
SLIPS = {
    "floor": lambda n_points, batch_size: n_points // batch_size,
    "fraction": lambda n_points, batch_size: n_points / batch_size,
    "points": lambda n_points, batch_size: n_points,
    "fits": lambda n_points, batch_size: n_points // batch_size + 1,
}
SIZES = (2, 4, 8, 16, 32, 64, 128, 256, 512)


@Exercise
def updates(answer):
    """Whole batches, and one more if some points are left."""
    check_cases(answer, updates.answer(), UPDATES, SLIPS)


@Exercise
def equal_epochs(answer):
    """Same lr, same epochs: the larger batch ends at twice the smaller one's loss."""
    sizes = number_list(answer, low=1, high=ROWS, whole=True)
    if len(sizes) != 2:
        raise NotYet("not_two", n=len(sizes))
    small, large = sizes
    if small >= large:
        raise NotYet("order")
    runs = trained("digits", [BASE.but(batch_size=b) for b in sizes], seeds=range(3))
    if runs.diverged.any():
        raise NotYet("diverged", batch_size=small)
    low, high = runs.mean_val_loss
    values = {"small": small, "large": large, "low": low, "high": high}
    values["times"] = high / low
    if high < 2 * low:
        raise NotYet("near", **values)
    return values


@Exercise
def scaled_rate(answer):
    """The loss at batch size 64 is back at that of batch size 8."""
    lr = number(answer, above=0)
    settings = [BASE.but(lr=0.04, batch_size=8), BASE.but(lr=lr, batch_size=64)]
    runs = trained("digits", settings, seeds=range(3))
    before, after = runs.mean_val_loss
    values = {"lr": lr, "before": before, "after": after}
    if after <= 1.1 * before:
        return values
    if lr < 0.04:
        raise NotYet("smaller", **values)
    if lr == 0.04:
        raise NotYet("unchanged", **values)
    raise NotYet("too_small" if lr < 0.5 else "too_large", **values)


@Exercise
def scaling_breaks(answer):
    """With lr = 0.01 x batch size the loss is 1.5 times that of batch size 4."""
    size = choice(answer, SIZES)
    settings = [BASE.but(lr=0.01 * b, batch_size=b) for b in (4, size)]
    runs = trained("digits", list(dict.fromkeys(settings)), seeds=range(5))
    values = {"size": size, "lr": 0.01 * size, "small": runs.mean_val_loss[0]}
    values["large"] = runs.mean_val_loss[-1]
    if not values["large"] >= 1.5 * values["small"]:
        raise NotYet("holds", **values)
    return values


EXERCISES = (updates, equal_epochs, scaled_rate, scaling_breaks)
quiz = Quiz("03_batch_size")
