"""Exercises of lesson 02: the learning rate, judged by really training it."""

from functools import cache
from itertools import pairwise

from hpkit.exercises._answers import (
    NotYet,
    choice,
    free_text,
    number,
    number_list,
    ordering,
)
from hpkit.exercises._core import Exercise
from hpkit.exercises._quiz import Quiz
from hpkit.exercises._trials import trained
from hpkit.hyperparameters import Hyperparameters

LESSON = "02_learning_rate"
# As in the lesson: 16-16 units on moons, 32 on digits.
BASE = Hyperparameters(lr=0.01, batch_size=32, epochs=30)
DIGITS = BASE.but(hidden=(32,), epochs=10)
SWEEP = (1e-4, 1e-3, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)


# ---- predict -----------------------------------------------------------------------


def predict():
    """One way to say it."""
    return (
        "On the left, where the learning rate is tiny, the loss stays near its start; "
        "towards the middle it falls; on the far right it is high again."
    )


# ---- find a good one ---------------------------------------------------------------


# A spread would be the natural limit, but that of the one best value is small by luck.
CLOSE = 1.15


@cache
def sweep():
    """Return the best of the sweep and the mean of its lowest loss."""
    runs = trained("moons", [BASE.but(lr=lr) for lr in SWEEP])
    i = runs.order[0]
    return SWEEP[i], runs.mean_val_loss[i]


def check_good(answer):
    """The mean loss of the learning rate is close to that of the sweep's best."""
    lr = number(answer, above=0)
    if any(abs(lr / listed - 1) < 0.02 for listed in SWEEP):
        raise NotYet("listed", lr=lr)
    best, mean = sweep()
    runs = trained("moons", [BASE.but(lr=lr)])
    loss, limit = runs.mean_val_loss[0], CLOSE * mean
    if loss <= limit:
        return {"loss": loss, "best": mean}
    values = {"lr": lr, "loss": loss, "limit": limit}
    raise NotYet("too_small" if lr < best else "too_large", **values)


def good():
    """The best values of the sweep lie between 0.3 and 1."""
    return 0.7


# ---- make it break -----------------------------------------------------------------

BREAKING = (0.1, 0.3, 1, 3, 10, 30)


@cache
def broken():
    """Return how far each learning rate gets on digits: nan if no seed's is a number.

    Measured with 60 seeds: at 1 all are numbers, at 3 none is.
    """
    settings = [DIGITS.but(lr=lr) for lr in BREAKING]
    runs = trained("digits", settings, seeds=range(3))
    last = runs.val_loss[..., -1] / runs.val_loss[..., 0]
    return dict(zip(BREAKING, last.mean(1), strict=True))


def check_breaking(answer):
    """The smallest of the list whose loss is no number."""
    lr = choice(answer, BREAKING)
    share, smallest = broken()[lr], min(k for k, v in broken().items() if v != v)
    if share == share:
        raise NotYet("learns", lr=lr, share=100 * share)
    if lr > smallest:
        raise NotYet("smaller_too", lr=lr)


def breaking():
    """1 still learns; 3 is the first of the list that does not."""
    return 3


# ---- order them --------------------------------------------------------------------

RATES = (0.001, 0.01, 0.3, 10)


@cache
def worst_first():
    """Return the four learning rates from the highest loss at the end to the lowest."""
    runs = trained("moons", [BASE.but(lr=lr) for lr in RATES])
    last = runs.val_loss[:, :, -1].mean(1)
    return tuple(sorted(RATES, key=lambda lr: -last[RATES.index(lr)]))


def check_order(answer):
    """The order is that of the trained losses."""
    got, want = ordering(answer, RATES), worst_first()
    if got == want:
        return
    if got == want[::-1]:
        raise NotYet("reversed")
    if got == RATES:
        raise NotYet("larger_is_better")
    if got == RATES[::-1]:
        raise NotYet("smaller_is_better")
    raise NotYet("order", lr=next(a for a, b in zip(got, want, strict=True) if a != b))


def order():
    """10 jumps away, 0.001 has hardly moved, 0.01 is on its way, 0.3 has arrived."""
    return [10, 0.001, 0.01, 0.3]


# ---- a better list -----------------------------------------------------------------


def check_list(answer):
    """Five or six values, even on a log scale, the best one not at an end."""
    lrs = sorted(number_list(answer, above=0))
    if len(set(lrs)) < len(lrs):
        raise NotYet("twice")
    if not 5 <= len(lrs) <= 6:
        raise NotYet("few" if len(lrs) < 5 else "many", n=len(lrs))
    factors = [b / a for a, b in pairwise(lrs)]
    # 0.01, 0.03, 0.1 has the factors 3 and 3.3: twice is far from even.
    if max(factors) > 2 * min(factors):
        raise NotYet("uneven", small=min(factors), large=max(factors))
    # With equal steps, or factors near 1, luck makes the winner.
    if min(factors) < 1.9:
        raise NotYet("close", small=min(factors))
    runs = trained("moons", [BASE.but(lr=lr) for lr in lrs], seeds=range(3))
    best = runs.best.lr
    if best in (lrs[0], lrs[-1]):
        raise NotYet("low_end" if best == lrs[0] else "high_end", best=best)
    return {"best": best}


def better_list():
    """Each value ten times the one before it: wide enough with five values."""
    return [0.001, 0.01, 0.1, 1, 10]


prediction = Exercise(
    LESSON, "prediction", lambda answer: free_text(answer, least=2) and None,
    solution=predict, wrong=[("falls", "short")], model_answer=True,
)  # fmt: skip
good_rate = Exercise(
    LESSON, "good_rate", check_good, solution=good,
    wrong=[
        (0.002, "too_small"),
        (0.05, "too_small"),
        (0.2, "too_small"),
        (8, "too_large"),
        (1, "listed"),
        (0.3001, "listed"),
    ],
)  # fmt: skip
diverging_rate = Exercise(
    LESSON, "diverging_rate", check_breaking, solution=breaking,
    wrong=[(0.1, "learns"), (1, "learns"), (10, "smaller_too"), (5, "unknown")],
)  # fmt: skip
worst_to_best = Exercise(
    LESSON, "worst_to_best", check_order, solution=order,
    wrong=[
        ([0.3, 0.01, 0.001, 10], "reversed"),
        ([0.001, 0.01, 0.3, 10], "larger_is_better"),
        ([10, 0.3, 0.01, 0.001], "smaller_is_better"),
        ([0.001, 10, 0.3, 0.01], "order"),
        ([10, 0.001, 0.3], "missing"),
    ],
)  # fmt: skip
log_list = Exercise(
    LESSON, "log_list", check_list, solution=better_list,
    wrong=[
        ([0.01, 0.02, 0.04, 0.08, 0.16], "high_end"),
        ([0.01, 0.02, 0.03, 0.04, 0.05], "close"),
        ([0.5, 0.6, 0.7, 0.8, 0.9, 1.0], "close"),
        ([3, 6, 12, 24, 48], "low_end"),
        ([0.01, 0.4, 0.8, 1.2, 1.6, 5], "uneven"),
        ([0.1, 0.3, 1], "few"),
        ([0.01, 0.03, 0.1, 0.3, 1, 3, 10], "many"),
        ([0.03, 0.1, 0.1, 0.3, 1, 3], "twice"),
    ],
)  # fmt: skip
EXERCISES = (prediction, worst_to_best, good_rate, log_list, diverging_rate)
quiz = Quiz(LESSON)
