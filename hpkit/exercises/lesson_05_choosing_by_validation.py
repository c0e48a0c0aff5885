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

SPLITS = ("train", "valid", "test")
LEAKS = frozenset("AC")


@Exercise
def which_split(answer):
    """Each use has its split, by its name in code or in words."""
    want = which_split.answer()
    if isinstance(answer, Mapping):
        names = (*SPLITS, *want)
        answer = {short(use, names): short(v, names) for use, v in answer.items()}
    check_matching(answer, want, SPLITS)


def short(name, names):
    """Return the name that the code has for a split: "train" for "Training split"."""
    if not isinstance(name, str):
        return name
    extra, full = which_split.words["extra"], which_split.words["full"]
    plain = " ".join(word for word in name.lower().split() if word not in extra)
    return full.get(plain, plain if plain in names else name)


@Exercise
def find_leaks(answer):
    """Exactly A and C; what is said names only letters of the answer."""
    got = choice_set(answer, "ABCD")
    if wrong := sorted(got - LEAKS):
        raise NotYet(wrong[0], n=len(got & LEAKS), of=len(LEAKS))
    if got != LEAKS:
        raise NotYet("more" if got else "none", of=len(LEAKS))


@Exercise
def best_of_50(answer):
    """About one half."""
    share = number(answer, low=0, high=100)
    share = share / 100 if share > 1 else share  # written in percent
    if share > 0.55:
        raise NotYet("too_high")
    if share < 0.45:
        raise NotYet("too_low")


@cache
def new_moons():
    """Return moons with new points for the test split; the lesson's stays closed."""
    from hpkit.data.datasets import load_dataset

    draws = [load_dataset("moons", seed=seed).test for seed in range(1, 6)]
    X, y = (np.concatenate([getattr(d, name) for d in draws]) for name in ("X", "y"))
    return replace(load_dataset("moons"), test=replace(draws[0], X=X, y=y))


@Exercise
def honest_number(answer):
    """A good setting by validation, a loss on new points near the one predicted."""
    parts = sequence(answer)
    if len(parts) != 2:
        raise kind(answer)
    chosen, predicted = setting(parts[0]), number(parts[1], above=0)
    if chosen.epochs > 100:
        raise NotYet("epochs", epochs=chosen.epochs)
    # Looks at these test splits are none of the learner's.
    data = [replace(new_moons(), test_looks=[]) for _ in range(5)]
    try:
        runs = trained(data[0], [chosen])
    except ValueError as error:
        raise kind(answer) from error
    valid = runs.mean_val_loss[0]
    if not valid <= 0.2:
        raise NotYet("poor", valid=valid)
    losses = [
        replace(run, dataset=own).test_loss()
        for run, own in zip(runs, data, strict=True)
    ]
    new = np.mean(losses)
    values = {"predicted": predicted, "valid": valid, "new": new}
    if predicted < new / 1.5:
        raise NotYet("too_low", **values)
    if predicted > new * 1.5:
        raise NotYet("too_high", **values)
    return values


EXERCISES = (which_split, find_leaks, best_of_50, honest_number)
quiz = Quiz("05_choosing_by_validation")
