"""Exercises of lesson 07: the recipe, its cost, and the order that decides."""

from functools import cache
from itertools import product

from hpkit.exercises._answers import (
    NotYet,
    call,
    check_cases,
    describe,
    function,
    ordering,
    same,
)
from hpkit.exercises._core import Exercise
from hpkit.exercises._quiz import Quiz
from hpkit.exercises._trials import trained
from hpkit.hyperparameters import Hyperparameters

LESSON = "07_one_at_a_time"

# ---- the recipe by hand ------------------------------------------------------------


def tune(loss, base, lists):
    """Take the best value of each list, keep it, go on to the next."""
    best = dict(base)
    for name, values in lists.items():
        best[name] = min(values, key=lambda value: loss(best | {name: value}))
    return best


def forgets(loss, base, lists):
    """Wrong: each search starts from the base again."""
    return dict(base) | {
        name: min(values, key=lambda v: loss(base | {name: v}))
        for name, values in lists.items()
    }


def whole_grid(loss, base, lists):
    """Wrong: that is all combinations."""
    settings = [dict(zip(lists, v, strict=True)) for v in product(*lists.values())]
    return dict(base) | min(settings, key=lambda s: loss(dict(base) | s))


def highest(loss, base, lists):
    """Wrong: the highest loss."""
    return tune(lambda setting: -loss(setting), base, lists)


def only_the_last(loss, base, lists):
    """Wrong: what was found before is lost."""
    best = {}
    for name in lists:
        best = dict(base) | {name: tune(loss, base, lists)[name]}
    return best


def keeps_the_start(loss, base, lists):
    """Wrong: the value of the base takes part though it is not on the list."""
    with_base = {name: [base[name], *values] for name, values in lists.items()}
    return tune(loss, base, with_base)


def valley(setting):
    """Lowest where lr x batch size is 3, so that the two depend on each other."""
    return abs(setting["lr"] * setting["batch_size"] - 3) + setting["lr"] / 100


def trap(setting):
    """Lowest at (1, 4), but not when lr is chosen first, at batch size 64."""
    table = {(1, 4): 0, (1, 64): 5, (0.1, 4): 2, (0.1, 64): 1}
    return table[setting["lr"], setting["batch_size"]]


LOSSES = {  # as a learner can write them, to step through a case
    valley: "abs(lr * batch_size - 3) + lr / 100",
    trap: "{(1, 4): 0, (1, 64): 5, (0.1, 4): 2, (0.1, 64): 1}[lr, batch_size]",
}
TUNED = [
    (loss, {"lr": lr, "batch_size": batch, "epochs": 9}, lists)
    for loss, lr, batch, lists in (
        (valley, 1, 30, {"lr": [0.1, 0.5, 1], "batch_size": [3, 6, 30]}),
        (valley, 1, 2, {"batch_size": [2, 3, 5], "lr": [0.5, 2, 0.6]}),  # lr 1: not on
        (valley, 0.1, 5, {"lr": [0.1, 0.3, 1], "batch_size": [3, 10, 30]}),
        (trap, 1, 64, {"lr": [0.1, 1], "batch_size": [4, 64]}),
    )
]
RECIPE_SLIPS = [
    (forgets, "forgets"),
    (whole_grid, "grid"),
    (highest, "highest"),
    (only_the_last, "last"),
    (keeps_the_start, "keeps"),
]


def check_tune(answer):
    """The same setting as the recipe, also where the values depend on each other."""
    function(answer, ("loss", "base", "lists"))
    got = [call(answer, *case, shown="loss, base, lists") for case in TUNED]
    want = [tune(*case) for case in TUNED]
    if all(map(same, got, want)):
        return
    i = [same(a, b) for a, b in zip(got, want, strict=True)].index(False)
    loss, base, lists = TUNED[i]
    values = {
        "loss": LOSSES[loss],
        "base": base,
        "lists": lists,
        "got": describe(got[i]),
        "want": want[i],
    }
    for slip, reason in RECIPE_SLIPS:
        if all(same(a, slip(*case)) for a, case in zip(got, TUNED, strict=True)):
            raise NotYet(reason, **values)
    raise NotYet("other", **values)


# ---- its cost ----------------------------------------------------------------------


def costs(sizes):
    """One at a time: the start is in every list and is trained once only."""
    from math import prod

    return 1 + sum(size - 1 for size in sizes), prod(sizes)


def trained_again(sizes):
    """Wrong: the value kept from the list before is trained already."""
    return sum(sizes), costs(sizes)[1]


def swapped(sizes):
    """Wrong: the other way around."""
    return costs(sizes)[::-1]


def grid_adds(sizes):
    """Wrong: a grid multiplies."""
    return costs(sizes)[0], sum(sizes)


SIZES = [([4, 3, 3],), ([4, 4, 4, 4],), ([5, 2, 3, 4, 4],), ([4] * 6,), ([7],)]
COST_SLIPS = [
    (trained_again, "again"),
    (swapped, "swapped"),
    (grid_adds, "adds"),
]

# ---- an order that reaches the grid's best -----------------------------------------

NAMES = ("lr", "batch_size", "epochs")
JUN = ("batch_size", "lr", "epochs")  # shown in the lesson
START = Hyperparameters(lr=0.001, batch_size=200, epochs=10)
LISTS = {"lr": (0.001, 0.01, 0.1, 1), "batch_size": (4, 64, 200), "epochs": (5, 10, 20)}


@cache
def all_losses():
    """Return the mean loss over 5 seeds of each of the 36 settings on the spiral."""
    settings = [
        START.but(**dict(zip(LISTS, values, strict=True)))
        for values in product(*LISTS.values())
    ]
    runs = trained("spiral", settings, seeds=range(5))
    return dict(zip(settings, map(float, runs.mean_val_loss), strict=True))


def check_order(answer):
    """One at a time in this order ends within 1.2 times the grid's best."""
    order = ordering(answer, NAMES)
    if order == JUN:
        raise NotYet("jun")
    losses, best = all_losses(), START
    for name in order:
        tried = [best.but(**{name: value}) for value in LISTS[name]]
        best = min(tried, key=losses.get)
    values = {"found": losses[best], "grid": min(losses.values())}
    values["times"] = values["found"] / values["grid"]
    if values["times"] <= 1.2:
        return values
    raise NotYet("far", **values)


def good_order():
    """With small batches there are enough updates, so a smaller lr can win."""
    return ["batch_size", "epochs", "lr"]


recipe = Exercise(
    LESSON, "recipe", check_tune, solution=tune, is_function=True,
    wrong=[
        *RECIPE_SLIPS,
        (lambda loss, base, lists: dict(base), "other"),
        (lambda loss, base, lists: loss(None), "raised"),
    ],
)  # fmt: skip
cost = Exercise(
    LESSON, "cost", lambda answer: check_cases(answer, costs, SIZES, COST_SLIPS),
    solution=costs, is_function=True,
    wrong=[*COST_SLIPS, (lambda sizes: 8, "case")],
)  # fmt: skip
order = Exercise(
    LESSON, "order", check_order, solution=good_order,
    wrong=[
        (list(JUN), "jun"),
        (["lr", "batch_size", "epochs"], "far"),
        (["epochs", "lr", "batch_size"], "far"),
        (["lr", "epochs"], "missing"),
        (["lr", "momentum", "epochs"], "unknown"),
    ],
)  # fmt: skip
EXERCISES = (recipe, cost, order)
quiz = Quiz(LESSON)
