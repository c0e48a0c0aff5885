"""Exercises of lesson 06: what a difference is worth, next to the spread over seeds."""

from functools import cache

import numpy as np

from hpkit.exercises._answers import NotYet, check_cases, check_matching, number
from hpkit.exercises._core import Exercise
from hpkit.exercises._quiz import Quiz
from hpkit.exercises._trials import trained
from hpkit.hyperparameters import Hyperparameters

LESSON = "06_seeds"
BASE = Hyperparameters(epochs=30)  # as in the lesson: moons, batch size 32

# ---- can you tell? -----------------------------------------------------------------


def can_tell(a, b):
    """The means differ by more than the larger of the two spreads."""
    import numpy as np

    return bool(abs(np.mean(a) - np.mean(b)) > max(np.std(a), np.std(b)))


def any_difference(a, b):
    """Wrong: two means always differ."""
    return bool(np.mean(a) != np.mean(b))


def one_sided(a, b):
    """Wrong: b may be the larger one."""
    return bool(np.mean(a) - np.mean(b) > max(np.std(a), np.std(b)))


def smaller_spread(a, b):
    """Wrong: the larger spread counts."""
    return bool(abs(np.mean(a) - np.mean(b)) > min(np.std(a), np.std(b)))


def same_or_not(a, b):
    """Wrong: it says when you cannot."""
    return not can_tell(a, b)


LOSSES = [
    ([0.10, 0.12, 0.11], [0.30, 0.28, 0.32]),
    ([0.30, 0.28, 0.32], [0.10, 0.12, 0.11]),
    ([0.10, 0.30, 0.20], [0.12, 0.31, 0.21]),
    ([0.10, 0.10, 0.11], [0.10, 0.20, 0.15]),
    ([0.20, 0.60, 0.40], [0.30, 0.31, 0.29]),
]
SLIPS = [
    (any_difference, "any"),
    (one_sided, "one_sided"),
    (smaller_spread, "smaller"),
    (same_or_not, "turned"),
]


# ---- four pairs --------------------------------------------------------------------

PAIRS = {"A": (0.01, 0.3), "B": (0.25, 0.3), "C": (0.001, 0.1), "D": (0.3, 0.35)}
VERDICTS = ("first", "second", "cannot tell")


@cache
def verdict_of_pairs():
    """Return what 20 seeds say of each pair."""
    rates = sorted({lr for pair in PAIRS.values() for lr in pair})
    runs = trained("moons", [BASE.but(lr=lr) for lr in rates], seeds=range(20))
    losses = dict(zip(rates, runs.best_val_loss, strict=True))
    verdicts = {}
    for letter, (first, second) in PAIRS.items():
        a, b = losses[first], losses[second]
        better = "first" if a.mean() < b.mean() else "second"
        verdicts[letter] = better if can_tell(a, b) else "cannot tell"
    return verdicts


def pairs():
    """Told apart is what differs by more than the larger of the two spreads."""
    return {"A": "second", "B": "cannot tell", "C": "second", "D": "cannot tell"}


# ---- how many seeds ----------------------------------------------------------------


def check_enough(answer):
    """The smallest n with 0.04 / sqrt(n) <= 0.01."""
    n = number(answer, low=1, whole=True)
    values = {"n": n, "spread": 0.04 / n**0.5}
    if n == 4:
        raise NotYet("linear", **values)
    if n < 16:
        raise NotYet("too_few", **values)
    if n > 16:
        raise NotYet("too_many", **values)


def enough():
    """Four times as steady needs 4 x 4 seeds."""
    return (0.04 / 0.01) ** 2


differ = Exercise(
    LESSON, "differ", lambda answer: check_cases(answer, can_tell, LOSSES, SLIPS),
    solution=can_tell, is_function=True,
    wrong=[
        *SLIPS,
        (lambda a, b: "yes", "case"),
        (lambda a, b: a / b, "raised"),
    ],
)  # fmt: skip
four_pairs = Exercise(
    LESSON, "four_pairs",
    lambda answer: check_matching(answer, verdict_of_pairs(), VERDICTS),
    solution=pairs,
    wrong=[
        (pairs() | {"A": "cannot tell"}, "A"),
        (pairs() | {"B": "second"}, "B"),
        (pairs() | {"C": "first"}, "C"),
        (pairs() | {"D": "first"}, "D"),
        (pairs() | {"D": "both"}, "unknown"),
        ({"A": "second"}, "missing"),
    ],
)  # fmt: skip
enough_seeds = Exercise(
    LESSON, "enough_seeds", check_enough, solution=enough,
    wrong=[(4, "linear"), (9, "too_few"), (100, "too_many"), (2.5, "kind")],
)  # fmt: skip
EXERCISES = (differ, four_pairs, enough_seeds)
quiz = Quiz(LESSON)
