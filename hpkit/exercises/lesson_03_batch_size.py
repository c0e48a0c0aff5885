"""Exercises of lesson 03: the batch size, judged by really training it."""

from hpkit.exercises._answers import NotYet, check_cases, choice, number, number_list
from hpkit.exercises._core import Exercise
from hpkit.exercises._quiz import Quiz
from hpkit.exercises._trials import trained
from hpkit.hyperparameters import Hyperparameters

LESSON = "03_batch_size"
# As in the lesson: digits, 32 hidden units, 10 epochs.
BASE = Hyperparameters(lr=0.1, epochs=10, hidden=(32,))
ROWS = 600  # training rows of digits

# ---- updates an epoch --------------------------------------------------------------


def updates_per_epoch(n_points, batch_size):
    """Whole batches, and one more if some points are left."""
    whole, left = divmod(n_points, batch_size)
    return whole + (1 if left else 0)


def leaves_the_rest_out(n_points, batch_size):
    """Wrong: the last, smaller batch is an update, too."""
    return n_points // batch_size


def not_whole(n_points, batch_size):
    """Wrong: there is no part of an update."""
    return n_points / batch_size


def one_a_point(n_points, batch_size):
    """Wrong: that is batch size 1."""
    return n_points


def one_too_many(n_points, batch_size):
    """Wrong where the batches fit."""
    return n_points // batch_size + 1


UPDATES = [(600, 16), (400, 32), (600, 600), (64, 8), (5, 10), (1, 1)]
SLIPS = [
    (leaves_the_rest_out, "floor"),
    (not_whole, "fraction"),
    (one_a_point, "points"),
    (one_too_many, "fits"),
]

# ---- the gap at equal epochs -------------------------------------------------------


def check_gap(answer):
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


def gap():
    """16 points a batch are 38 updates an epoch, 256 are 3."""
    return [16, 256]


# ---- and its end -------------------------------------------------------------------


def check_scaled(answer):
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


def scaled():
    """The batch is 8 times as large, and so is the learning rate."""
    return 0.04 * 8


# ---- where it breaks ---------------------------------------------------------------

SIZES = (2, 4, 8, 16, 32, 64, 128, 256, 512)


def check_breaks(answer):
    """With lr = 0.01 x batch size the loss is 1.5 times that of batch size 4."""
    size = choice(answer, SIZES)
    settings = [BASE.but(lr=0.01 * b, batch_size=b) for b in (4, size)]
    runs = trained("digits", list(dict.fromkeys(settings)), seeds=range(5))
    values = {"size": size, "lr": 0.01 * size, "small": runs.mean_val_loss[0]}
    values["large"] = runs.mean_val_loss[-1]
    if not values["large"] >= 1.5 * values["small"]:
        raise NotYet("holds", **values)
    return values


def breaks():
    """0.01 x 512 is 5.12, and digits break long before that."""
    return 512


updates = Exercise(
    LESSON, "updates", lambda a: check_cases(a, updates_per_epoch, UPDATES, SLIPS),
    solution=updates_per_epoch, is_function=True,
    wrong=[
        *SLIPS,
        (lambda n_points, batch_size: 7, "case"),
        (lambda n_points, batch_size: n_points / (batch_size - 600), "raised"),
        (lambda n_points, batch_size: print(end=""), "returned_none"),
    ],
)  # fmt: skip
equal_epochs = Exercise(
    LESSON, "equal_epochs", check_gap, solution=gap,
    wrong=[
        ([16, 32], "near"),
        ([256, 16], "order"),
        ([1, 256], "diverged"),
        ([16], "not_two"),
        ([16, 601], "kind"),
    ],
)  # fmt: skip
scaled_rate = Exercise(
    LESSON, "scaled_rate", check_scaled, solution=scaled,
    wrong=[
        (0.04, "unchanged"),
        (0.005, "smaller"),
        (0.1, "too_small"),
        (10, "too_large"),
    ],
)  # fmt: skip
scaling_breaks = Exercise(
    LESSON, "scaling_breaks", check_breaks, solution=breaks,
    wrong=[(4, "holds"), (64, "holds"), (100, "unknown")],
)  # fmt: skip
EXERCISES = (updates, equal_epochs, scaled_rate, scaling_breaks)
quiz = Quiz(LESSON)
