"""Exercises of lesson 05: which split for which question; leaks; honest numbers."""

from dataclasses import replace
from functools import cache

import numpy as np

from hpkit.exercises._answers import (
    NotYet,
    check_matching,
    choice_set,
    kind,
    number,
    sequence,
    setting,
)
from hpkit.exercises._core import Exercise
from hpkit.exercises._quiz import Quiz
from hpkit.exercises._trials import trained
from hpkit.settings import Hyperparameters

LESSON = "05_choosing_by_validation"


def unseen(name):
    """Return a data set whose looks at the test split are not the learner's."""
    from hpkit.datasets import load_dataset

    return replace(load_dataset(name), test_looks=[])


# ---- which split for which question ------------------------------------------------

SPLITS = ("train", "valid", "test")
USES = {"update": "train", "lr": "valid", "stop": "valid", "report": "test"}


def splits():
    """Learn on one, choose on the next, judge once on the last."""
    return {"update": "train", "lr": "valid", "stop": "valid", "report": "test"}


# ---- find the leaks ----------------------------------------------------------------

SNIPPETS = ("A", "B", "C", "D")
LEAKS = frozenset("AC")


def check_leaks(answer):
    """Exactly A and C; what is said names only letters of the answer."""
    got = choice_set(answer, SNIPPETS)
    if wrong := sorted(got - LEAKS):
        raise NotYet(wrong[0], n=len(got & LEAKS), of=len(LEAKS))
    if got != LEAKS:
        raise NotYet("more" if got else "none", of=len(LEAKS))


def leaks():
    """A scales with rows it must not know, C chooses by the test split."""
    return ["A", "C"]


# ---- the best of 50 models of coin flips -------------------------------------------


@cache
def coin_flips():
    """Return validation and test accuracy of the best of 50 models of coin flips."""
    runs, setting = [], Hyperparameters(epochs=20, hidden=(16,))
    for k, lr in enumerate((0.01, 0.03, 0.1, 0.3, 1)):  # by turns, as in the lesson
        seeds = range(k, 50, 5)
        runs += trained(unseen("coin_flips"), [setting.but(lr=lr)], seeds=seeds)
    best = max(sorted(runs, key=lambda run: run.seed), key=lambda r: r.val_accuracy[-1])
    test = replace(best, dataset=unseen("coin_flips"))
    return best.val_accuracy[-1], test.test_accuracy()


def check_coins(answer):
    """About one half."""
    share = number(answer, low=0, high=1)
    valid, test = coin_flips()
    values = {"valid": 100 * valid, "test": 100 * test}
    if share > 0.55:
        raise NotYet("too_high", **values)
    if share < 0.45:
        raise NotYet("too_low", **values)
    return values


def coins():
    """A coin has no pattern that could be learned."""
    return 0.5


# ---- choose, then predict the loss on new points -----------------------------------


@cache
def new_moons():
    """Return moons with new points for the test split; the lesson's stays closed."""
    from hpkit.datasets import load_dataset

    draws = [load_dataset("moons", seed=seed).test for seed in range(1, 6)]
    X, y = (np.concatenate([getattr(d, name) for d in draws]) for name in ("X", "y"))
    return replace(unseen("moons"), test=replace(draws[0], X=X, y=y))


def check_honest(answer):
    """A good setting by validation, a loss on new points near the one predicted."""
    parts = sequence(answer)
    if len(parts) != 2:
        raise kind(answer)
    chosen, predicted = setting(parts[0]), number(parts[1], above=0)
    if chosen.epochs > 100:
        raise NotYet("epochs", epochs=chosen.epochs)
    try:
        runs = trained(unseen("moons"), [chosen], seeds=range(5))
    except ValueError as error:
        raise kind(answer) from error
    valid = runs.mean_val_loss[0]
    if not valid <= 0.2:
        raise NotYet("poor", valid=valid)
    unlooked = (replace(new_moons(), test_looks=[]) for _ in runs)
    losses = [
        replace(run, dataset=data).test_loss()
        for run, data in zip(runs, unlooked, strict=True)
    ]
    new = sum(losses) / len(losses)
    values = {"predicted": predicted, "valid": valid, "new": new}
    if predicted < new / 1.5:
        raise NotYet("too_low", **values)
    if predicted > new * 1.5:
        raise NotYet("too_high", **values)
    return values


def honest():
    """Lower than 0.2 on the validation split; expect about that on new points."""
    import hpkit as hk

    moons, chosen = hk.load_dataset("moons"), hk.Hyperparameters(lr=0.5, epochs=30)
    losses = [hk.fit(moons, chosen, seed=seed).best_val_loss for seed in range(5)]
    return chosen, sum(losses) / len(losses)


GOOD = Hyperparameters(lr=0.5, epochs=30)
which_split = Exercise(
    LESSON, "which_split", lambda answer: check_matching(answer, USES, SPLITS),
    solution=splits,
    wrong=[
        (USES | {"update": "valid"}, "update"),
        (USES | {"lr": "test"}, "lr"),
        (USES | {"stop": "train"}, "stop"),
        (USES | {"report": "valid"}, "report"),
        (USES | {"report": "all"}, "unknown"),
        ({"lr": "valid"}, "missing"),
    ],
)  # fmt: skip
find_leaks = Exercise(
    LESSON, "find_leaks", check_leaks, solution=leaks,
    wrong=[
        ("C", "more"),
        ("A", "more"),
        ([], "none"),
        (["A", "C", "B"], "B"),
        (["A", "C", "D"], "D"),
    ],
)  # fmt: skip
best_of_50 = Exercise(
    LESSON, "best_of_50", check_coins, solution=coins,
    wrong=[(0.65, "too_high"), (0.3, "too_low"), (50, "kind")],
)  # fmt: skip
honest_number = Exercise(
    LESSON, "honest_number", check_honest, solution=honest,
    wrong=[
        ((GOOD.but(lr=0.001), 0.67), "poor"),
        ((GOOD, 0.001), "too_low"),
        ((GOOD, 3), "too_high"),
        ((GOOD.but(epochs=500), 0.1), "epochs"),
        ((GOOD.but(batch_size=5000), 0.1), "kind"),
        ((GOOD,), "kind"),
    ],
)  # fmt: skip
EXERCISES = (which_split, find_leaks, best_of_50, honest_number)
quiz = Quiz(LESSON)
