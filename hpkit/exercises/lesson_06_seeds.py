"""Exercises of lesson 06: which differences are more than the luck of the seeds."""

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
    """The mean of the differences is more than two standard errors from zero."""
    import numpy as np

    d = np.subtract(a, b)
    return bool(abs(np.mean(d)) > 2 * np.std(d, ddof=1) / np.sqrt(len(d)))


def any_difference(a, b):
    """Wrong: two means always differ."""
    return bool(np.mean(a) != np.mean(b))


def one_sided(a, b):
    """Wrong: b may be the larger one."""
    return bool(np.mean(a) - np.mean(b) > two_errors(np.subtract(a, b)))


def of_one_run(a, b):
    """Wrong: the spread of one difference is not that of the mean of all."""
    d = np.subtract(a, b)
    return bool(abs(np.mean(d)) > 2 * np.std(d, ddof=1))


def not_in_pairs(a, b):
    """Wrong: the spread of the losses, without the pairs."""
    larger = max(two_errors(a), two_errors(b))
    return bool(abs(np.mean(a) - np.mean(b)) > larger)


def same_or_not(a, b):
    """Wrong: it says when you cannot."""
    return not can_tell(a, b)


def two_errors(values):
    """Return two standard errors of a mean."""
    return 2 * np.std(values, ddof=1) / np.sqrt(len(values))


LUCK = [0.10, 0.30, 0.15, 0.20, 0.25, 0.12, 0.28, 0.18, 0.22, 0.14]
LOSSES = [  # of ten seeds each
    (LUCK, [0.12, 0.31, 0.18, 0.21, 0.28, 0.13, 0.31, 0.19, 0.25, 0.15]),
    ([0.13, 0.31, 0.16, 0.23, 0.26, 0.15, 0.29, 0.21, 0.23, 0.17], LUCK),
    (LUCK, [0.13, 0.27, 0.18, 0.17, 0.28, 0.09, 0.31, 0.15, 0.25, 0.12]),
    (LUCK, [0.40, 0.10, 0.15, 0.20, 0.25, 0.12, 0.28, 0.18, 0.22, 0.14]),
    ([0.42, 0.45, 0.39, 0.44, 0.41, 0.43, 0.40, 0.46, 0.38, 0.42], LUCK),
    (LUCK, [0.10, 0.45, 0.17, 0.36, 0.26, 0.26, 0.33, 0.30, 0.32, 0.19]),
]
SLIPS = [
    (any_difference, "any"),
    (one_sided, "one_sided"),
    (of_one_run, "of_one_run"),
    (not_in_pairs, "pairs"),
    (same_or_not, "turned"),
]


# ---- four pairs --------------------------------------------------------------------

PAIRS = {"A": (0.01, 0.3), "B": (0.2, 0.3), "C": (0.1, 0.001), "D": (0.6, 0.8)}
VERDICTS = ("first", "second", "cannot tell")


@cache
def verdict_of_pairs():
    """Return what 20 seeds say of each pair, by the rule of every search."""
    from hpkit.search.ties import told_apart

    rates = sorted({lr for pair in PAIRS.values() for lr in pair})
    runs = trained("moons", [BASE.but(lr=lr) for lr in rates], seeds=range(20))
    losses = dict(zip(rates, runs.best_val_loss, strict=True))
    verdicts = {}
    for letter, pair in PAIRS.items():
        both = np.stack([losses[lr] for lr in pair])
        best = int(both.mean(1).argmin())
        told = told_apart(both, best).any()
        verdicts[letter] = VERDICTS[best] if told else "cannot tell"
    return verdicts


def pairs():
    """Told apart is what differs by more than the luck of 20 shared seeds."""
    return {"A": "second", "B": "second", "C": "first", "D": "cannot tell"}


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
        (pairs() | {"B": "cannot tell"}, "B"),
        (pairs() | {"C": "second"}, "C"),
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
