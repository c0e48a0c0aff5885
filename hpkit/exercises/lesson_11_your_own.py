"""Exercises of lesson 11: a table, a search and a report of one's own."""

import re

from hpkit.exercises._answers import NotYet, kind
from hpkit.exercises._core import Exercise
from hpkit.exercises._quiz import Quiz
from hpkit.hyperparameters import NAMES
from hpkit.text import label

FEW_ROWS, FEW_SETTINGS, FEW_SEEDS, FEW_WORDS = 20, 5, 3, 3
LESSON_TABLE = {"mean_radius", "worst_area"}


def ones_own(dataset):
    """Raise when a data set is one of the course's, or made of the lesson's table."""
    from hpkit.data.course_data import SOURCES

    if dataset.name in SOURCES:
        raise NotYet("course", name=dataset.name)
    if {name.replace(" ", "_") for name in dataset.features} >= LESSON_TABLE:
        raise NotYet("lesson")


@Exercise
def own_data(answer):
    """A Dataset that is not of the course, with enough rows to choose by."""
    from hpkit.data.datasets import Dataset

    if not isinstance(answer, Dataset):
        raise kind(answer)
    ones_own(answer)
    train, n, test = (len(part.y) for part in (answer.train, answer.valid, answer.test))
    if n < FEW_ROWS:
        raise NotYet("few", n=n)
    targets = own_data.words["targets"]
    target = targets["number" if answer.is_regression else "classes"]
    target = target.format(outputs=answer.n_outputs)
    return {"n": n, "all": train + n + test, "target": target}


@Exercise
def search(answer):
    """Enough settings and seeds on one's own data; the test split at most once."""
    runs = getattr(answer, "runs", answer)
    if not all(hasattr(runs, name) for name in ("settings", "seeds", "mean_val_loss")):
        raise kind(answer)
    ones_own(runs.dataset)
    if len(runs.settings) < FEW_SETTINGS:
        raise NotYet("settings", n=len(runs.settings))
    if len(runs.seeds) < FEW_SEEDS:
        raise NotYet("seeds", n=len(runs.seeds))
    looked = len({setting for (setting, _), _ in runs.dataset.test_looks})
    if looked > 1:
        raise NotYet("looked", n=looked)
    searched = [n for n in NAMES if len({getattr(s, n) for s in runs.settings}) > 1]
    best = label(runs.settings[runs.order[0]], searched)
    look = "test_loss" if runs.dataset.is_regression else "test_accuracy"
    return {"n": len(runs.settings), "best": best, "look": look}


def parts_of(text):
    """Return what stands behind each of the first words, by the part's name."""
    names = {word.lower(): name for name, word in report.words["parts"].items()}
    heads = rf"^[ \t]*({'|'.join(map(re.escape, names))})[ \t]*:"
    _, *pieces = re.split(heads, text, flags=re.MULTILINE | re.IGNORECASE)
    words = map(str.strip, pieces[1::2])
    return {names[w.lower()]: said for w, said in zip(pieces[::2], words, strict=True)}


@Exercise
def report(answer):
    """Six lines, with the numbers that a reader needs; nobody can judge the rest."""
    if not isinstance(answer, str):
        raise kind(answer)
    got, parts = parts_of(answer), report.words["parts"]
    if got and set(got.values()) == {"..."}:
        raise NotYet("empty")
    for part, word in parts.items():
        if part not in got:
            raise NotYet("line", part=word, parts=", ".join(parts.values()))
    count = {part: len(re.findall(r"\d+(?:[.,]\d+)*", got[part])) for part in parts}
    if count["data"] < 3:
        raise NotYet("rows", n=count["data"])
    if count["tried"] < 2:
        raise NotYet("range", n=count["tried"])
    if not count["test"]:
        raise NotYet("number")
    for part in ("chosen", "sure", "mistake"):
        if len(got[part].split()) < FEW_WORDS:
            raise NotYet("open", part=parts[part])
    return parts_of(report.answer())


EXERCISES = (own_data, search, report)
quiz = Quiz("11_your_own")
