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

# As in the lesson: 16-16 units on moons, 32 on digits.
BASE = Hyperparameters(lr=0.01, batch_size=32, epochs=30)
DIGITS = BASE.but(hidden=(32,), epochs=10)
SWEEP = (1e-4, 1e-3, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
# A spread would be the natural limit, but that of the one best value is small by luck.
CLOSE = 1.15
BREAKING = (0.1, 0.3, 1, 3, 10, 30)
RATES = (0.001, 0.01, 0.3, 10)


@Exercise
def prediction(answer):
    """Two words at least: nobody can judge it."""
    free_text(answer, least=2)


@cache
def sweep():
    """Return the best of the sweep and the mean of its lowest loss."""
    runs = trained("moons", [BASE.but(lr=lr) for lr in SWEEP])
    i = runs.order[0]
    return SWEEP[i], runs.mean_val_loss[i]


@Exercise
def good_rate(answer):
    """The mean loss of the learning rate is close to that of the sweep's best."""
    lr = number(answer, above=0)
    if any(abs(lr / listed - 1) < 0.02 for listed in SWEEP):
        raise NotYet("listed", lr=lr)
    best, mean = sweep()
    runs = trained("moons", [BASE.but(lr=lr)])
    loss, limit = runs.mean_val_loss[0], CLOSE * mean
    if loss <= limit:
        return {"loss": loss, "best": mean}
    reason = "too_small" if lr < best else "too_large"
    raise NotYet(reason, lr=lr, loss=loss, limit=limit)


@cache
def broken():
    """Return how far each learning rate gets on digits: nan if no seed's is a number.

    Measured with 60 seeds: at 1 all are numbers, at 3 none is.
    """
    settings = [DIGITS.but(lr=lr) for lr in BREAKING]
    runs = trained("digits", settings, seeds=range(3))
    last = runs.val_loss[..., -1] / runs.val_loss[..., 0]
    return dict(zip(BREAKING, last.mean(1), strict=True))


@Exercise
def diverging_rate(answer):
    """The smallest of the list whose loss is no number."""
    lr = choice(answer, BREAKING)
    share, smallest = broken()[lr], min(k for k, v in broken().items() if v != v)
    if share == share:
        raise NotYet("learns", lr=lr, share=100 * share)
    if lr > smallest:
        raise NotYet("smaller_too", lr=lr)


@cache
def worst_first():
    """Return the four learning rates from the highest loss at the end to the lowest."""
    runs = trained("moons", [BASE.but(lr=lr) for lr in RATES])
    last = runs.val_loss[:, :, -1].mean(1)
    return tuple(sorted(RATES, key=lambda lr: -last[RATES.index(lr)]))


@Exercise
def worst_to_best(answer):
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


@Exercise
def log_list(answer):
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


EXERCISES = (prediction, worst_to_best, good_rate, log_list, diverging_rate)
quiz = Quiz("02_learning_rate")
