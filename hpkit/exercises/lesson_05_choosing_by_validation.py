"""Exercises of lesson 05: which split for which question; leaks; honest numbers."""

from collections.abc import Mapping
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
from hpkit.hyperparameters import Hyperparameters

LESSON = "05_choosing_by_validation"


def unseen(name):
    """Return a data set whose looks at the test split are not the learner's."""
    from hpkit.data.datasets import load_dataset

    return replace(load_dataset(name), test_looks=[])


# ---- which split for which question ------------------------------------------------

SPLITS = ("train", "valid", "test")
USES = {"update": "train", "lr": "valid", "stop": "valid", "report": "test"}
FULL = {
    "training": "train", "exercises": "train",
    "validation": "valid", "val": "valid", "mock exam": "valid",
    "real exam": "test",
}  # fmt: skip
EXTRA = {"the", "split", "set", "data", "pile", "rows"}


def check_splits(answer):
    """Each use has its split, by its name in code or in words."""
    if isinstance(answer, Mapping):
        answer = {short(use): short(split) for use, split in answer.items()}
    check_matching(answer, USES, SPLITS)


def short(name):
    """Return the name that the code has for a split: "train" for "Training split"."""
    if not isinstance(name, str):
        return name
    plain = " ".join(w for w in name.lower().split() if w not in EXTRA)
    return FULL.get(plain, plain if plain in (*SPLITS, *USES) else name)


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


def check_coins(answer):
    """About one half."""
    share = number(answer, low=0, high=100)
    share = share / 100 if share > 1 else share  # written in percent
    if share > 0.55:
        raise NotYet("too_high")
    if share < 0.45:
        raise NotYet("too_low")


def coins():
    """A coin has no pattern that could be learned."""
    return 0.5


# ---- choose, then predict the loss on new points -----------------------------------


@cache
def new_moons():
    """Return moons with new points for the test split; the lesson's stays closed."""
    from hpkit.data.datasets import load_dataset

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
    LESSON, "which_split", check_splits, solution=splits,
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
    wrong=[(0.65, "too_high"), (0.3, "too_low"), (80, "too_high"), (500, "kind")],
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
