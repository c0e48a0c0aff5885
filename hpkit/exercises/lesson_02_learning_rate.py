"""Exercises of lesson 02: the learning rate, judged by really training it."""

from itertools import pairwise

import numpy as np

from hpkit.exercises import _answers as read
from hpkit.exercises._answers import wrong_if
from hpkit.exercises._core import Exercise, trained
from hpkit.exercises._quiz import lesson_of
from hpkit.hyperparameters import Hyperparameters

# As in the lesson: 16-16 units on moons, 32 on digits.
BASE = Hyperparameters(lr=0.01, batch_size=32, epochs=30)
DIGITS = BASE.but(hidden=(32,), epochs=10)
_SWEEP = (1e-4, 1e-3, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
# A spread would be the natural limit, but that of the one best value is small by luck.
_CLOSE = 1.15
_BREAKING = (0.1, 0.3, 1, 3, 10, 30)
RATES = (0.001, 0.01, 0.3, 10)


@Exercise
def prediction(answer):
    """Two words at least, such as "U-shaped": nobody can judge it."""
    read.free_text(answer, least=2)


@Exercise
def good_rate(answer):
    """The mean loss of the learning rate is close to that of the sweep's best."""
    lr = read.number(answer, above=0)
    wrong_if({"lr": lr}, listed=any(abs(lr / one - 1) < 0.02 for one in _SWEEP))
    sweep = trained("moons", [BASE.but(lr=lr) for lr in _SWEEP])
    best, mean = sweep.best.lr, sweep.mean_val_loss[sweep.order[0]]
    loss = trained("moons", [BASE.but(lr=lr)]).mean_val_loss[0]
    facts = {"lr": lr, "loss": loss, "limit": _CLOSE * mean, "best": mean}
    far = not loss <= _CLOSE * mean
    return wrong_if(facts, too_small=far and lr < best, too_large=far)


@Exercise
def diverging_rate(answer):
    """The smallest of the list whose loss is no number."""
    lr = read.choice(answer, _BREAKING)
    settings = [DIGITS.but(lr=lr) for lr in _BREAKING]
    runs = trained("digits", settings, seeds=range(3))
    # With 60 seeds all learn at lr 1, none at 3.
    last = (runs.val_loss[..., -1] / runs.val_loss[..., 0]).mean(1)
    smallest, share = _BREAKING[np.isnan(last).argmax()], last[_BREAKING.index(lr)]
    facts = {"lr": lr, "share": 100 * share}
    wrong_if(facts, learns=share == share, smaller_too=lr > smallest)


@Exercise
def worst_to_best(answer):
    """The order is that of the trained losses."""
    got = read.ordering(answer, RATES)
    last = trained("moons", [BASE.but(lr=lr) for lr in RATES]).val_loss[:, :, -1]
    want = tuple(np.array(RATES)[np.argsort(-last.mean(1))].tolist())
    wrong = [a for a, b in zip(got, want, strict=True) if a != b]
    wrong_if(
        {"lr": wrong[0] if wrong else None},
        reversed=got == want[::-1],
        larger_is_better=wrong and got == RATES,
        smaller_is_better=wrong and got == RATES[::-1],
        order=wrong,
    )


@Exercise
def log_list(answer):
    """Five or six values, even on a log scale, the best one not at an end."""
    lrs = sorted(read.number_list(answer, above=0))
    n, twice = len(lrs), len(set(lrs)) < len(lrs)
    wrong_if({"n": n}, twice=twice, few=n < 5, many=n > 6)
    factors = [b / a for a, b in pairwise(lrs)]
    facts = {"small": min(factors), "large": max(factors)}
    # 0.01, 0.03, 0.1 has the factors 3 and 3.3: twice is far from even. With equal
    # steps, or factors near 1, luck makes the winner.
    uneven = max(factors) > 2 * min(factors)
    wrong_if(facts, uneven=uneven, close=min(factors) < 1.9)
    runs = trained("moons", [BASE.but(lr=lr) for lr in lrs], seeds=range(3))
    best = runs.best.lr
    return wrong_if({"best": best}, low_end=best == lrs[0], high_end=best == lrs[-1])


EXERCISES, quiz = lesson_of(
    prediction, worst_to_best, good_rate, log_list, diverging_rate
)
