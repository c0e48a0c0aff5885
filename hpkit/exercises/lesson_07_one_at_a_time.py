"""Exercises of lesson 07: the recipe, its cost, and the order that decides."""

from functools import cache
from itertools import product
from math import prod

from hpkit.exercises._answers import check_cases, ordering, wrong_if
from hpkit.exercises._core import Exercise, trained
from hpkit.exercises._quiz import Quiz
from hpkit.hyperparameters import Hyperparameters


def _forgets(loss, base, lists):
    """Wrong: each search starts from the base again."""
    return dict(base) | {
        name: min(values, key=lambda v: loss(base | {name: v}))
        for name, values in lists.items()
    }


def _whole_grid(loss, base, lists):
    """Wrong: that is all combinations."""
    settings = [dict(zip(lists, v, strict=True)) for v in product(*lists.values())]
    return dict(base) | min(settings, key=lambda s: loss(dict(base) | s))


def _only_the_last(loss, base, lists):
    """Wrong: what was found before is lost."""
    *_, last = lists
    return dict(base) | {last: recipe.answer()(loss, base, lists)[last]}


def _keeps_the_start(loss, base, lists):
    """Wrong: the value of the base takes part though it is not on the list."""
    with_base = {name: [base[name], *values] for name, values in lists.items()}
    return recipe.answer()(loss, base, with_base)


def _valley(setting):
    """Lowest where lr x batch size is 3, so that the two depend on each other."""
    return abs(setting["lr"] * setting["batch_size"] - 3) + setting["lr"] / 100


def _trap(setting):
    """Lowest at (1, 4), but not when lr is chosen first, at batch size 64."""
    table = {(1, 4): 0, (1, 64): 5, (0.1, 4): 2, (0.1, 64): 1}
    return table[setting["lr"], setting["batch_size"]]


LOSSES = {  # as a learner can write them, to step through a case
    _valley: "abs(lr * batch_size - 3) + lr / 100",
    _trap: "{(1, 4): 0, (1, 64): 5, (0.1, 4): 2, (0.1, 64): 1}[lr, batch_size]",
}
TUNED = [
    (loss, {"lr": lr, "batch_size": batch, "epochs": 9}, lists)
    for loss, lr, batch, lists in (
        (_valley, 1, 30, {"lr": [0.1, 0.5, 1], "batch_size": [3, 6, 30]}),
        (_valley, 1, 2, {"batch_size": [2, 3, 5], "lr": [0.5, 2, 0.6]}),  # not lr 1
        (_valley, 0.1, 5, {"lr": [0.1, 0.3, 1], "batch_size": [3, 10, 30]}),
        (_trap, 1, 64, {"lr": [0.1, 1], "batch_size": [4, 64]}),
    )
]
RECIPE_SLIPS = {
    "forgets": _forgets,
    "grid": _whole_grid,
    "highest": lambda loss, *rest: recipe.answer()(lambda s: -loss(s), *rest),
    "last": _only_the_last,
    "keeps": _keeps_the_start,
}


@Exercise
def recipe(answer):
    """The same setting as the recipe, also where the values depend on each other."""

    def facts(loss, base, lists):
        return {"loss": LOSSES[loss], "base": base, "lists": lists}

    how = {"shown": "loss, base, lists", "facts": facts}
    check_cases(answer, recipe.answer(), TUNED, RECIPE_SLIPS, **how)


SIZES = [([4, 3, 3],), ([4, 4, 4, 4],), ([5, 2, 3, 4, 4],), ([4] * 6,), ([7],)]
COST_SLIPS = {
    "again": lambda sizes: (sum(sizes), prod(sizes)),
    "swapped": lambda sizes: cost.answer()(sizes)[::-1],
    "adds": lambda sizes: (cost.answer()(sizes)[0], sum(sizes)),
}


@Exercise
def cost(answer):
    """One at a time: the start is in every list and is trained once only."""
    check_cases(answer, cost.answer(), SIZES, COST_SLIPS)


JUN = ("batch_size", "lr", "dropout")  # shown in the lesson
START = Hyperparameters(lr=0.1, batch_size=200, epochs=20)
LISTS = {"lr": (0.01, 0.1, 1, 10), "batch_size": (4, 64, 200), "dropout": (0, 0.1, 0.3)}


@cache
def _all_losses():
    values = product(*LISTS.values())
    settings = [START.but(**dict(zip(LISTS, v, strict=True))) for v in values]
    runs = trained("spiral", settings)
    return dict(zip(settings, map(float, runs.mean_val_loss), strict=True))


@Exercise
def order(answer):
    """One at a time in this order ends within 1.2 times the grid's best."""
    names = ordering(answer, tuple(LISTS))
    wrong_if(jun=names == JUN)
    losses, best = _all_losses(), START
    for name in names:
        tried = [best.but(**{name: value}) for value in LISTS[name]]
        best = min(tried, key=losses.get)
    found, grid = losses[best], min(losses.values())
    facts = {"found": found, "grid": grid, "times": found / grid}
    return wrong_if(facts, far=not found / grid <= 1.2)


EXERCISES = (recipe, cost, order)
quiz = Quiz("07_one_at_a_time")
