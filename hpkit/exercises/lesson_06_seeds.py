"""Exercises of lesson 06: which differences are more than the luck of the seeds."""

from functools import cache

import numpy as np

from hpkit.exercises._answers import check_cases, check_matching, number, wrong_if
from hpkit.exercises._core import Exercise, trained
from hpkit.exercises._quiz import Quiz
from hpkit.hyperparameters import Hyperparameters

BASE = Hyperparameters(epochs=30)  # as in the lesson: moons, batch size 32
LUCK = [0.10, 0.30, 0.15, 0.20, 0.25, 0.12, 0.28, 0.18, 0.22, 0.14]
LOSSES = [  # ten seeds each
    (LUCK, [0.12, 0.31, 0.18, 0.21, 0.28, 0.13, 0.31, 0.19, 0.25, 0.15]),
    ([0.13, 0.31, 0.16, 0.23, 0.26, 0.15, 0.29, 0.21, 0.23, 0.17], LUCK),
    (LUCK, [0.13, 0.27, 0.18, 0.17, 0.28, 0.09, 0.31, 0.15, 0.25, 0.12]),
    (LUCK, [0.40, 0.10, 0.15, 0.20, 0.25, 0.12, 0.28, 0.18, 0.22, 0.14]),
    ([0.42, 0.45, 0.39, 0.44, 0.41, 0.43, 0.40, 0.46, 0.38, 0.42], LUCK),
    (LUCK, [0.10, 0.45, 0.17, 0.36, 0.26, 0.26, 0.33, 0.30, 0.32, 0.19]),
]
# Five seeds: more than two standard errors only without ddof=1.
LOSSES.append(([0.10, 0.12, 0.14, 0.16, 0.18], [0.16, 0.11, 0.18, 0.16, 0.21]))
PAIRS = {"A": (0.01, 0.3), "B": (0.2, 0.3), "C": (0.1, 0.001), "D": (0.6, 0.8)}


def _two_errors(values):
    return 2 * np.std(values, ddof=1) / np.sqrt(len(values))


def _gap(a, b):
    return np.mean(a) - np.mean(b)


SLIPS = {
    "any": lambda a, b: bool(_gap(a, b) != 0),
    "one_sided": lambda a, b: bool(_gap(a, b) > _two_errors(np.subtract(a, b))),
    # The spread of one difference is not that of the mean of all.
    "of_one_run": lambda a, b: bool(
        abs(_gap(a, b)) > 2 * np.std(np.subtract(a, b), ddof=1)
    ),
    "all_there": lambda a, b: bool(
        abs(_gap(a, b)) > 2 * np.std(np.subtract(a, b)) / np.sqrt(len(a))
    ),
    "pairs": lambda a, b: bool(abs(_gap(a, b)) > max(_two_errors(a), _two_errors(b))),
    "turned": lambda a, b: not differ.answer()(a, b),
}


@Exercise
def differ(answer):
    """The mean of the differences is more than two standard errors from zero."""
    check_cases(answer, differ.answer(), LOSSES, SLIPS)


@cache
def _verdict_of_pairs():
    """Return what 20 seeds say of each pair, by the rule of every search."""
    from hpkit.search.result import told_apart

    rates = sorted({lr for pair in PAIRS.values() for lr in pair})
    runs = trained("moons", [BASE.but(lr=lr) for lr in rates], seeds=range(20))
    losses = dict(zip(rates, runs.best_val_loss, strict=True))
    *words, neither = four_pairs.words["choices"]
    verdicts = {}
    for letter, pair in PAIRS.items():
        both = np.stack([losses[lr] for lr in pair])
        best = int(both.mean(1).argmin())
        verdicts[letter] = words[best] if told_apart(both, best).any() else neither
    return verdicts


@Exercise
def four_pairs(answer):
    """Told apart is what differs by more than the luck of 20 shared seeds."""
    check_matching(answer, _verdict_of_pairs(), four_pairs.words["choices"])


@Exercise
def enough_seeds(answer):
    """The smallest n with 0.04 / sqrt(n) <= 0.01."""
    n = number(answer, low=1, whole=True)
    facts = {"n": n, "spread": 0.04 / n**0.5}
    wrong_if(facts, linear=n == 4, too_few=n < 16, too_many=n > 16)


EXERCISES = (differ, four_pairs, enough_seeds)
quiz = Quiz("06_seeds")
