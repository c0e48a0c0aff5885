"""Exercises of lesson 06: which differences are more than the luck of the seeds."""

import numpy as np

from hpkit.exercises._answers import check_matching, number, wrong_if
from hpkit.exercises._core import Exercise, trained
from hpkit.exercises._quiz import lesson_of
from hpkit.hyperparameters import Hyperparameters

BASE = Hyperparameters(epochs=30)  # as in the lesson: moons, batch size 32
_PAIRS = {"A": (0.01, 0.3), "B": (0.2, 0.3), "C": (0.1, 0.001), "D": (0.6, 0.8)}

# The mean of the differences is more than two standard errors from zero.
differ = Exercise.of_files(__name__, "differ")


@Exercise
def four_pairs(answer):
    """Told apart, as in every search, is what differs by more than 20 seeds' luck."""
    from hpkit.search.result import clearly_worse

    rates = sorted({lr for pair in _PAIRS.values() for lr in pair})
    runs = trained("moons", [BASE.but(lr=lr) for lr in rates], seeds=range(20))
    losses = dict(zip(rates, runs.best_val_loss, strict=True))
    *words, neither = four_pairs.words["choices"]
    verdicts = {}
    for letter, pair in _PAIRS.items():
        both = np.stack([losses[lr] for lr in pair])
        best = int(both.mean(1).argmin())
        verdicts[letter] = words[best] if clearly_worse(both, best).any() else neither
    check_matching(answer, verdicts, four_pairs.words["choices"])


@Exercise
def enough_seeds(answer):
    """The smallest n with 0.04 / sqrt(n) <= 0.01."""
    n = number(answer, low=1, whole=True)
    facts = {"n": n, "spread": 0.04 / n**0.5}
    wrong_if(facts, linear=n == 4, too_few=n < 16, too_many=n > 16)


EXERCISES, quiz = lesson_of(differ, four_pairs, enough_seeds)
