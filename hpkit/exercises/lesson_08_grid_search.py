"""Exercises of lesson 08: all combinations, a grid that is wide enough, its cost."""

from collections.abc import Mapping

from hpkit.exercises._answers import (
    NotYet,
    call,
    describe,
    function,
    kind,
    number,
    number_list,
    sequence,
)
from hpkit.exercises._core import Exercise
from hpkit.exercises._quiz import Quiz
from hpkit.exercises._trials import trained
from hpkit.hyperparameters import Hyperparameters

LESSON = "08_grid_search"
BASE = Hyperparameters(epochs=30)  # moons

# ---- the double loop ---------------------------------------------------------------


def combinations(lrs, batch_sizes):
    """Every learning rate with every batch size."""
    settings = []
    for lr in lrs:
        for batch_size in batch_sizes:
            settings.append((lr, batch_size))
    return settings


def side_by_side(lrs, batch_sizes):
    """Wrong: the first with the first, the second with the second."""
    return list(zip(lrs, batch_sizes, strict=False))


def turned(lrs, batch_sizes):
    """Wrong: the batch size comes second."""
    return [(b, lr) for lr in lrs for b in batch_sizes]


def first_only(lrs, batch_sizes):
    """Wrong: returns within the outer loop."""
    return [(lr, b) for lr in lrs[:1] for b in batch_sizes]


PAIRS = [([0.1, 0.3], [8, 16, 32]), ([0.1], [4]), ([0.01, 0.1, 1], [16, 64])]
SLIPS = [
    (side_by_side, "side_by_side"),
    (turned, "turned"),
    (first_only, "first_only"),
]


def check_combinations(answer):
    """All pairs, each once, in any order."""
    function(answer, ("lrs", "batch_sizes"))
    got = [as_pairs(call(answer, *case)) for case in PAIRS]
    for slip, reason in [(combinations, ""), *SLIPS]:
        if got == [as_pairs(slip(*case)) for case in PAIRS]:
            if reason:
                raise NotYet(reason)
            return
    n, want = len(got[0]), len(combinations(*PAIRS[0]))
    raise NotYet("count" if n != want else "members", n=n, want=want)


def as_pairs(value):
    """Return the members as sorted tuples of numbers."""
    try:
        pairs = [
            tuple(number(part) for part in sequence(pair)) for pair in sequence(value)
        ]
    except NotYet:
        raise NotYet("no_pairs", got=describe(value)) from None
    if any(len(pair) != 2 for pair in pairs):
        raise NotYet("no_pairs", got=describe(value))
    return sorted(pairs)


# ---- a small grid, wide enough -----------------------------------------------------


LOW = 0.2  # loss: the bottom of the valley is at 0.12, its slopes begin above 0.2


def check_grid(answer):
    """At most 20 settings, the best lr not at the edge, and nothing good left out."""
    if not isinstance(answer, Mapping):
        raise kind(answer)
    for name in answer:
        if name not in ("lr", "batch_size"):
            raise NotYet("no_such_key", name=repr(name))
    for name in ("lr", "batch_size"):
        if name not in answer:
            raise NotYet("key_missing", name=repr(name))
    lrs = sorted(set(number_list(answer["lr"], above=0)))
    sizes = sorted(set(number_list(answer["batch_size"], low=1, whole=True)))
    if sizes and sizes[-1] > 400:
        raise NotYet("large", size=sizes[-1])
    if len(lrs) * len(sizes) > 20:
        raise NotYet("many", n=len(lrs) * len(sizes))
    if len(sizes) < 2:
        raise NotYet("one_size")
    if len(lrs) < 3:
        raise NotYet("few", n=len(lrs))
    settings = [BASE.but(lr=lr, batch_size=b) for lr in lrs for b in sizes]
    runs = trained("moons", settings, seeds=range(3))
    best = runs.best
    values = {"lr": best.lr, "batch_size": best.batch_size}
    values["loss"] = runs.mean_val_loss[runs.order[0]]
    if best.lr == lrs[0]:
        raise NotYet("low_edge", **values)
    if best.lr == lrs[-1]:
        raise NotYet("high_edge", **values)
    if values["loss"] > LOW:
        raise NotYet("gap", low=LOW, **values)
    return values | {"n": len(settings)}


def small_grid():
    """Equal factors, and a learning rate that is clearly too large at the end."""
    return {"lr": [0.003, 0.03, 0.3, 1, 10], "batch_size": [16, 64]}


# ---- the cost of a third -----------------------------------------------------------


def check_third(answer):
    """5 x 4 x 4 settings, 3 seeds each."""
    n = number(answer, low=0, whole=True)
    reasons = {64: "added", 80: "no_seeds", 320: "seeds_twice", 60: "same"}
    reasons |= {13: "summed", 39: "summed", 180: "new_only", 12: "new_alone"}
    if n != 240:
        raise NotYet(reasons.get(n, "count"), n=n)


def third():
    """Each of the 60 runs is trained with each of the 4 values."""
    return 5 * 4 * 4 * 3


double_loop = Exercise(
    LESSON, "double_loop", check_combinations, solution=combinations, is_function=True,
    wrong=[
        *SLIPS,
        (lambda lrs, batch_sizes: [(1, 2)] * 7, "count"),
        (lambda lrs, batch_sizes: [(1, 2)] * 6, "members"),
        (lambda lrs, batch_sizes: lrs, "no_pairs"),
        (lambda lrs, batch_sizes: (lrs, batch_sizes), "no_pairs"),
        (lambda lrs, batch_sizes: lrs.size, "raised"),
    ],
)  # fmt: skip
wide_enough = Exercise(
    LESSON, "wide_enough", check_grid, solution=small_grid,
    wrong=[
        ({"lr": [0.003, 0.01, 0.03], "batch_size": [32, 64]}, "high_edge"),
        ({"lr": [3, 10, 30], "batch_size": [8, 16]}, "low_edge"),
        ({"lr": [0.001, 0.01, 100], "batch_size": [8, 32]}, "gap"),
        ({"lr": [0.1, 1, 10], "batch_size": [32]}, "one_size"),
        ({"lr": [0.1, 1], "batch_size": [32, 64]}, "few"),
        ({"lr": [0.01, 0.03, 0.1, 0.3, 1, 3, 10], "batch_size": [16, 32, 64]}, "many"),
        ({"lr": [0.1, 1, 10]}, "key_missing"),
        ({"learning_rate": [0.1, 1, 10], "batch_size": [8, 32]}, "no_such_key"),
        ({"lr": [0.1, 1, 10], "batch_size": [32, 4000]}, "large"),
        ({"lr": 0.1, "batch_size": [32, 64]}, "kind"),
        ([0.1, 1, 10], "kind"),
    ],
)  # fmt: skip
third_one = Exercise(
    LESSON, "third_one", check_third, solution=third,
    wrong=[
        (64, "added"),
        (80, "no_seeds"),
        (60, "same"),
        (320, "seeds_twice"),
        (13, "summed"),
        (39, "summed"),
        (180, "new_only"),
        (12, "new_alone"),
        (100, "count"),
        (2.5, "kind"),
    ],
)  # fmt: skip
EXERCISES = (double_loop, wide_enough, third_one)
quiz = Quiz(LESSON)
