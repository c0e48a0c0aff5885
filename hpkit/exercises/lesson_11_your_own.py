"""Exercises of lesson 11: a table, a search and a report of one's own."""

import re

from hpkit.data.course_data import SOURCES
from hpkit.data.datasets import Dataset
from hpkit.exercises._answers import kind, wrong_if
from hpkit.exercises._core import Exercise
from hpkit.exercises._quiz import lesson_of
from hpkit.hyperparameters import TABLE, varied
from hpkit.text import label

_FEW_ROWS, _FEW_SETTINGS, _FEW_SEEDS, _FEW_WORDS = 20, 5, 3, 3
_LESSON_TABLE = {"mean_radius", "worst_area"}


def _check_own(dataset):
    """Raise when a data set is one of the course's, or made of the lesson's table."""
    features = {name.replace(" ", "_") for name in dataset.features}
    facts, lesson = {"name": dataset.name}, features >= _LESSON_TABLE
    wrong_if(facts, course=dataset.name in SOURCES, lesson=lesson)


@Exercise
def own_data(answer):
    """A Dataset that is not of the course, with enough rows to choose by."""
    if not isinstance(answer, Dataset):
        raise kind(answer)
    _check_own(answer)
    train, n, test = (len(part.y) for part in (answer.train, answer.valid, answer.test))
    target = own_data.words["targets"]["number" if answer.is_regression else "classes"]
    target = "\n\n".join([target.format(outputs=answer.n_outputs), *answer.notes])
    facts = {"n": n, "all": train + n + test, "target": target}
    return wrong_if(facts, few=n < _FEW_ROWS)


@Exercise
def search(answer):
    """Enough settings and seeds on one's own data; the test split at most once."""
    runs = getattr(answer, "runs", answer)
    if not all(hasattr(runs, name) for name in ("settings", "seeds", "mean_val_loss")):
        raise kind(answer)
    _check_own(runs.dataset)
    looked = len({setting for (setting, _), _ in runs.dataset.test_looks})
    wrong_if({"n": len(runs.settings)}, settings=len(runs.settings) < _FEW_SETTINGS)
    wrong_if({"n": len(runs.seeds)}, seeds=len(runs.seeds) < _FEW_SEEDS)
    wrong_if({"n": looked}, looked=looked > 1)
    best = label(runs.settings[runs.order[0]], varied(runs.settings))
    look = "test_loss" if runs.dataset.is_regression else "test_accuracy"
    names = ", ".join(TABLE[name].label for name in getattr(answer, "edge", ()))
    edge = search.words["edges"]["at" if names else "none"].format(names)
    edge = edge if hasattr(answer, "edge") else ""
    return {"n": len(runs.settings), "best": best, "edge": edge, "look": look}


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
    wrong_if(empty=set(got.values()) == {"..."})
    for part, word in parts.items():
        facts = {"part": word, "parts": ", ".join(parts.values())}
        wrong_if(facts, line=part not in got)
    count = {part: len(re.findall(r"\d+(?:[.,]\d+)*", got[part])) for part in parts}
    wrong_if({"n": count["data"]}, rows=count["data"] < 3)
    wrong_if({"n": count["tried"]}, range=count["tried"] < 2, number=not count["test"])
    for part in ("chosen", "sure", "mistake"):
        wrong_if({"part": parts[part]}, open=len(got[part].split()) < _FEW_WORDS)
    return parts_of(report.answer())


EXERCISES, quiz = lesson_of(own_data, search, report)
