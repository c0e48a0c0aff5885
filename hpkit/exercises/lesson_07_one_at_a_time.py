"""Exercises of lesson 07: the recipe, its cost, and the order that decides."""

from itertools import product

from hpkit.exercises._answers import check_cases, ordering, wrong_if
from hpkit.exercises._core import Exercise, trained
from hpkit.exercises._quiz import lesson_of
from hpkit.hyperparameters import Hyperparameters


class Loss(str):
    """A loss as cases.toml has it: words that a learner can run, and a function."""

    def __call__(self, setting):
        return eval(self, {}, dict(setting))


@Exercise
def recipe(answer):
    """The same setting as the recipe, also where the values depend on each other."""
    right, cases, slips = recipe.cases()
    cases = [(Loss(code), *others) for code, *others in cases]
    check_cases(answer, right, cases, slips, shown="loss, base, lists")


# The start is in every list and is trained once only.
cost = Exercise.of_files(__name__, "cost")
JUN = ("batch_size", "lr", "dropout")  # shown in the lesson
START = Hyperparameters(lr=0.1, batch_size=200, epochs=20)
LISTS = {"lr": (0.01, 0.1, 1, 10), "batch_size": (4, 64, 200), "dropout": (0, 0.1, 0.3)}


@Exercise
def order(answer):
    """One at a time in this order ends within 1.2 times the grid's best."""
    names = ordering(answer, tuple(LISTS))
    wrong_if(jun=names == JUN)
    values, best = product(*LISTS.values()), START
    settings = [START.but(**dict(zip(LISTS, v, strict=True))) for v in values]
    found = trained("spiral", settings).mean_val_loss.tolist()
    losses = dict(zip(settings, found, strict=True))
    for name in names:
        tried = [best.but(**{name: value}) for value in LISTS[name]]
        best = min(tried, key=losses.get)
    found, grid = losses[best], min(losses.values())
    facts = {"found": found, "grid": grid, "times": found / grid}
    return wrong_if(facts, far=not found / grid <= 1.2)


EXERCISES, quiz = lesson_of(recipe, cost, order)
