"""Exercises of lesson 11: a table, a search and a report of one's own."""

from hpkit.exercises._answers import NotYet, free_text, kind
from hpkit.exercises._core import Exercise
from hpkit.exercises._quiz import Quiz

LESSON = "11_your_own"
FEW_ROWS, FEW_SETTINGS, FEW_SEEDS = 20, 5, 3


def not_of_the_course(dataset):
    """Raise when a data set is one of the course's."""
    from hpkit.sources import SOURCES

    if dataset.name in SOURCES:
        raise NotYet("course", name=dataset.name)


# ---- a table of one's own ----------------------------------------------------------


def check_table(answer):
    """A Dataset that is none of the course's, with enough rows to choose by."""
    from hpkit.datasets import Dataset

    if not isinstance(answer, Dataset):
        raise kind(answer)
    not_of_the_course(answer)
    n = len(answer.valid.y)
    if n < FEW_ROWS:
        raise NotYet("few", n=n)
    return {"n": n, "all": len(answer.train.y) + n + len(answer.test.y)}


def own_table():
    """Any table of numbers with a column to predict; here one of scikit-learn's."""
    from sklearn.datasets import load_iris

    import hpkit as hk

    frame = load_iris(as_frame=True).frame
    return hk.Dataset.from_frame(frame, target="target", name="iris")


def small_table():
    """Return a table that is too small."""
    from hpkit.datasets import Dataset

    rows = range(30)
    return Dataset.from_arrays([[row] for row in rows], [row % 2 for row in rows])


def moons():
    """Return a data set of the course."""
    from hpkit.datasets import load_dataset

    return load_dataset("moons")


# ---- a search on it ----------------------------------------------------------------


def check_search(answer):
    """Enough settings and seeds on one's own data; the test split at most once."""
    runs = getattr(answer, "runs", answer)
    if not all(hasattr(runs, name) for name in ("settings", "seeds", "mean_val_loss")):
        raise kind(answer)
    not_of_the_course(runs.dataset)
    if len(runs.settings) < FEW_SETTINGS:
        raise NotYet("settings", n=len(runs.settings))
    if len(runs.seeds) < FEW_SEEDS:
        raise NotYet("seeds", n=len(runs.seeds))
    looked = len({setting for (setting, _), _ in runs.dataset.test_looks})
    if looked > 1:
        raise NotYet("looked", n=looked)
    best = runs.settings[runs.order[0]]
    return {"n": len(runs.settings), "lr": best.lr, "batch_size": best.batch_size}


def own_search():
    """Learning rates with equal factors, three seeds each."""
    from sklearn.datasets import load_iris

    import hpkit as hk

    frame = load_iris(as_frame=True).frame
    iris = hk.Dataset.from_frame(frame, target="target", name="iris")
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


def check_report(answer):
    """Twenty words or more: nobody can judge them but the reader."""
    free_text(answer, least=20)


def own_report():
    """What was tried, what was chosen and why, and one number at the end."""
    return (
        "I tried five learning rates from 0.01 to 1 with three seeds each. I chose the "
        "one with the lowest mean validation loss; its neighbors differ by less than "
        "the spread. I opened the test split once, at the end."
    )


own_data = Exercise(
    LESSON, "own_data", check_table, solution=own_table,
    wrong=lambda: [(moons(), "course"), (small_table(), "few")],
)  # fmt: skip
search = Exercise(
    LESSON, "search", check_search, solution=own_search,
    wrong=lambda: [
        (searched(moons()), "course"),
        (searched(own_table(), n=4), "settings"),
        (searched(own_table(), seeds=2), "seeds"),
        (searched(own_table(), looks=2), "looked"),
    ],
)  # fmt: skip
report = Exercise(
    LESSON, "report", check_report, solution=own_report, model_answer=True,
    wrong=[("I tried five learning rates.", "short")],
)  # fmt: skip
EXERCISES = (own_data, search, report)
quiz = Quiz(LESSON)
