"""Exercises of lesson 05: which split for which question; leaks; honest numbers."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache

import numpy as np

from hpkit.data.datasets import load_dataset
from hpkit.exercises import _answers as read
from hpkit.exercises._answers import wrong_if
from hpkit.exercises._core import Exercise, trained
from hpkit.exercises._quiz import lesson_of
from hpkit.hyperparameters import Hyperparameters

SPLITS = ("train", "valid", "test")
_LEAKS = frozenset("AC")


@Exercise
def which_split(answer):
    """Each use has its split, by its name in code or in words."""
    want = which_split.answer()
    if isinstance(answer, Mapping):
        names = (*SPLITS, *want)
        answer = {_short(use, names): _short(v, names) for use, v in answer.items()}
    read.check_matching(answer, want, SPLITS)


def _short(name, names):
    """Return the name that the code has for a split: "train" for "Training split"."""
    if not isinstance(name, str):
        return name
    extra, full = which_split.words["extra"], which_split.words["full"]
    plain = " ".join(word for word in name.lower().split() if word not in extra)
    return full.get(plain, plain if plain in names else name)


@Exercise
def find_leaks(answer):
    """Exactly A and C; what is said names only letters of the answer."""
    got = read.choice_set(answer, "ABCD")
    facts = {"n": len(got & _LEAKS), "of": len(_LEAKS)}
    wrong_if(facts, B="B" in got, D="D" in got, none=not got, more=got != _LEAKS)


@Exercise
def best_of_50(answer):
    """A little above one half."""
    share = read.number(answer, low=0, high=100)
    share = share / 100 if share > 1 else share  # written in percent
    wrong_if(too_high=share > 0.58, too_low=share < 0.505)


@cache
def _new_moons():
    """Return moons with new points for the test split; the lesson's stays closed."""
    draws = [load_dataset("moons", seed=seed).test for seed in range(1, 6)]
    X, y = (np.concatenate([getattr(d, name) for d in draws]) for name in ("X", "y"))
    return replace(load_dataset("moons"), test=replace(draws[0], X=X, y=y))


@Exercise
def honest_number(answer):
    """A good setting by validation, a loss on new points near the one predicted."""
    parts = read.sequence(answer)
    if len(parts) != 2 or not isinstance(parts[0], Hyperparameters):
        raise read.kind(answer)
    chosen, predicted = parts[0], read.number(parts[1], above=0)
    wrong_if({"epochs": chosen.epochs}, epochs=chosen.epochs > 100)
    # Looks at these test splits are none of the learner's.
    data = [replace(_new_moons(), test_looks=[]) for _ in range(5)]
    try:
        runs = trained(data[0], [chosen])
    except ValueError as error:
        raise read.kind(answer) from error
    valid = runs.mean_val_loss[0]
    wrong_if({"valid": valid}, poor=not valid <= 0.2)
    each = zip(runs, data, strict=True)
    new = np.mean([replace(run, dataset=own).test_loss() for run, own in each])
    facts = {"predicted": predicted, "valid": valid, "new": new}
    low, high = predicted < new / 1.5, predicted > new * 1.5
    return wrong_if(facts, too_low=low, too_high=high)


EXERCISES, quiz = lesson_of(which_split, find_leaks, best_of_50, honest_number)
