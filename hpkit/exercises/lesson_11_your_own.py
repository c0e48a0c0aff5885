"""Exercises of lesson 11: a table, a search and a report of one's own."""

import re

from hpkit.exercises._answers import NotYet, kind
from hpkit.exercises._core import Exercise, load_texts
from hpkit.exercises._feedback import Page
from hpkit.exercises._quiz import Quiz
from hpkit.hyperparameters import NAMES

LESSON = "11_your_own"
FEW_ROWS, FEW_SETTINGS, FEW_SEEDS, FEW_WORDS = 20, 5, 3, 3
LESSON_TABLE = {"mean_radius", "worst_area"}
PARTS = ("data", "tried", "chosen", "sure", "test", "mistake")


class Kept(Exercise):
    """An exercise whose answer has a name of its own: the lesson needs it again."""

    def solution(self):
        """Show one right answer, which goes by both names.

        Returns
        -------
        Page
        """
        name = self.name.removeprefix("own_")
        code = super().solution().markdown
        return Page(code.replace("\nanswer = ", f"\nanswer = my_{name} = "))


def ones_own(dataset):
    """Raise when a data set is one of the course's, or made of the lesson's table."""
    from hpkit.data.course_data import SOURCES

    if dataset.name in SOURCES:
        raise NotYet("course", name=dataset.name)
    if {name.replace(" ", "_") for name in dataset.features} >= LESSON_TABLE:
        raise NotYet("lesson")


# ---- a table of one's own ----------------------------------------------------------


def check_table(answer):
    """A Dataset that is not of the course, with enough rows to choose by."""
    from hpkit.data.datasets import Dataset

    if not isinstance(answer, Dataset):
        raise kind(answer)
    ones_own(answer)
    n = len(answer.valid.y)
    if n < FEW_ROWS:
        raise NotYet("few", n=n)
    targets = load_texts(LESSON)["own_data"]["targets"]
    target = targets["number" if answer.is_regression else "classes"]
    return {
        "n": n, "all": len(answer.train.y) + n + len(answer.test.y),
        "target": target.format(outputs=answer.n_outputs),
    }  # fmt: skip


def own_table():
    """Any table of numbers with a column to predict; here one of scikit-learn's."""
    from sklearn.datasets import load_iris

    import hpkit as hk

    my_frame = load_iris(as_frame=True).frame
    return hk.Dataset.from_frame(my_frame, target="target", name="iris")


def small_table():
    """Return a table that is too small."""
    from hpkit.data.datasets import Dataset

    rows = range(30)
    return Dataset.from_arrays([[row] for row in rows], [row % 2 for row in rows])


def lesson_table():
    """Return the lesson's own table under another name."""
    import pandas as pd

    from hpkit.data.course_data import data_folder
    from hpkit.data.datasets import Dataset

    frame = pd.read_csv(data_folder() / "breast_cancer.csv")
    return Dataset.from_frame(frame, target="diagnosis", name="mine")


def moons():
    """Return a data set of the course."""
    from hpkit.data.datasets import load_dataset

    return load_dataset("moons")


# ---- a search on it ----------------------------------------------------------------


def check_search(answer):
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
    from hpkit.text import label

    searched = [n for n in NAMES if len({getattr(s, n) for s in runs.settings}) > 1]
    best = label(runs.settings[runs.order[0]], searched)
    look = "test_loss" if runs.dataset.is_regression else "test_accuracy"
    return {"n": len(runs.settings), "best": best, "look": look}


def own_search():
    """Learning rates with equal factors, three seeds each."""
    from sklearn.datasets import load_iris

    import hpkit as hk

    my_frame = load_iris(as_frame=True).frame
    iris = hk.Dataset.from_frame(my_frame, target="target", name="iris")
    base = hk.Hyperparameters(epochs=20, batch_size=16)
    lrs = [0.01, 0.03, 0.1, 0.3, 1]
    return hk.grid_search(iris, base, lr=lrs, seeds=range(3))


def searched(dataset, n=5, seeds=3, looks=0):
    """Return runs that may break one condition."""
    import warnings

    from hpkit import Hyperparameters, train

    settings = [Hyperparameters(lr=0.01 * (k + 1), epochs=1) for k in range(n)]
    *_, runs = train(dataset, settings, seeds=range(seeds))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for k in range(looks):
            runs[k, 0].test_loss()
    return runs


# ---- the report --------------------------------------------------------------------


def parts_of(text):
    """Return what stands behind each of the first words, by the word."""
    heads = rf"^[ \t]*({'|'.join(PARTS)})[ \t]*:"
    _, *pieces = re.split(heads, text, flags=re.MULTILINE | re.IGNORECASE)
    words = map(str.strip, pieces[1::2])
    return dict(zip(map(str.lower, pieces[::2]), words, strict=True))


def check_report(answer):
    """Six lines, with the numbers that a reader needs; nobody can judge the rest."""
    if not isinstance(answer, str):
        raise kind(answer)
    got = parts_of(answer)
    if got and set(got.values()) == {"..."}:
        raise NotYet("empty")
    for part in PARTS:
        if part not in got:
            raise NotYet("line", part=part, parts=", ".join(PARTS))
    count = {part: len(re.findall(r"\d+(?:[.,]\d+)*", got[part])) for part in PARTS}
    if count["data"] < 3:
        raise NotYet("rows", n=count["data"])
    if count["tried"] < 2:
        raise NotYet("range", n=count["tried"])
    if not count["test"]:
        raise NotYet("number")
    for part in ("chosen", "sure", "mistake"):
        if len(got[part].split()) < FEW_WORDS:
            raise NotYet("open", part=part)
    return parts_of(own_report())


def own_report():
    """Six lines; the numbers are those of the lesson."""
    return """
data: cells of 569 lumps; 343 rows to train, 113 to validate, 113 to test.
tried: learning rates 0.001, 0.01, 0.1 and 1; no, one or two hidden layers; 3 seeds.
chosen: no hidden layer, learning rate 0.1. It is as good as the best (loss 0.144, the
  best has 0.142), and the simplest. Always saying "benign" is right in 63 %.
sure: the spread over seeds is 0.006, and 0.1 is not at the edge. The cut counts more:
  others gave 0.013 to 0.122.
test: 113 of 113 right, looked at once. Of so few rows: some in 100 may still be wrong.
mistake: calling a malignant lump benign is the worse one; accuracy does not know it.
"""


def report_with(**parts):
    """Return the model answer with other lines, for the wrong answers."""
    got = parts_of(own_report()) | parts
    return "\n".join(f"{part}: {text}" for part, text in got.items())


own_data = Kept(
    LESSON, "own_data", check_table, solution=own_table,
    wrong=lambda: [
        (moons(), "course"), (lesson_table(), "lesson"), (small_table(), "few"),
    ],
)  # fmt: skip
search = Kept(
    LESSON, "search", check_search, solution=own_search,
    wrong=lambda: [
        (searched(moons()), "course"),
        (searched(lesson_table()), "lesson"),
        (searched(own_table(), n=4), "settings"),
        (searched(own_table(), seeds=2), "seeds"),
        (searched(own_table(), looks=2), "looked"),
    ],
)  # fmt: skip
report = Kept(
    LESSON, "report", check_report, solution=own_report, model_answer=True,
    wrong=[
        ("I have three cats, the sea is blue, and there is soup on the table. " * 2,
         "line"),
        (report_with(data="my table, with many rows"), "rows"),
        (report_with(tried="many learning rates with 3 seeds"), "range"),
        (report_with(test="all was well at the end"), "number"),
        (report_with(mistake="..."), "open"),
    ],
)  # fmt: skip
EXERCISES = (own_data, search, report)
quiz = Quiz(LESSON)
