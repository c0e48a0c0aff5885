"""Exercises of lesson 10: plan a budget, keep to it, and say what the result allows."""

import re
from types import SimpleNamespace

from hpkit.exercises._answers import NotYet, choice_set, free_text, kind, number
from hpkit.exercises._core import Exercise
from hpkit.exercises._quiz import Quiz

LESSON = "10_capstone"
DATA, BUDGET, WORDS_OF_A_REASON = "digits", 60, 5
NUMBERS_OF_A_PLAN = 3  # two ends of a range, and a price

# ---- what a halving costs ----------------------------------------------------------

SETTINGS, LAST = 18, 9


def check_price(answer):
    """18 settings, one in three goes on at 1 and 3 epochs, the last two go to 9."""
    got = number(answer, low=0, whole=True)
    slips = {SETTINGS * LAST: "all", 18 + 6 * 3 + 2 * 9: "again", 18: "first"}
    if got != price():
        raise NotYet(slips.get(got, "sum"), got=got)


def price():
    """Add up: how many settings are there, and how many epochs does each get now."""
    total, there, before = 0, 18, 0
    for epoch in (1, 3, 9):
        total += there * (epoch - before)
        there, before = there // 3, epoch
    return total


# ---- the plan ----------------------------------------------------------------------


def check_plan(answer):
    """Ten words, and the range and the price as numbers; the rest is for a reader."""
    text = free_text(answer, 10)
    if len(set(re.findall(r"\d+(?:\.\d+)?", text))) < NUMBERS_OF_A_PLAN:
        raise NotYet("no_numbers")


def plan():
    """One plan of many."""
    return (
        "First I draw 18 settings: learning rates from 0.001 to 1, batch sizes 16 to "
        "64. A halving up to 9 epochs costs 42. The other 18 are for a second look: "
        "beyond the end of a range if the best value lies there, else more epochs for "
        "the best one."
    )


# ---- the whole task ----------------------------------------------------------------


def check_finished(answer):
    """A bar is reached within the budget, with a reason, test set opened once."""
    needed = (
        "dataset",
        "budget",
        "spent",
        "overdrawn",
        "entries",
        "why",
        "test",
        "bar",
    )
    if not all(hasattr(answer, name) for name in needed):
        raise kind(answer)
    facts = {"spent": answer.spent, "budget": answer.budget}
    if answer.dataset.name != DATA or answer.budget > BUDGET:
        raise NotYet("other_task", **facts, data=answer.dataset.name)
    if not answer.entries:
        raise NotYet("nothing")
    if answer.overdrawn:
        raise NotYet("overdrawn", **facts)
    if not answer.why:
        raise NotYet("not_chosen")
    if len(answer.why.split()) < WORDS_OF_A_REASON:
        raise NotYet("no_reason", why=answer.why)
    if not answer.test:
        raise NotYet("not_opened")
    facts["accuracy"] = answer.test["accuracy"]
    if answer.bar is None:
        raise NotYet("below", **facts, bar=min(answer.bars))
    return facts | {"bar": answer.bar}


def finished():
    """Halve 18 random settings: 18 + 12 + 12 + 18 epochs; choose; open the test set."""
    import hpkit as hk

    cap = hk.Capstone(folder=None)  # in memory; yours is kept in hpkit-runs
    cap.successive_halving(
        hk.Hyperparameters(epochs=27, hidden=(32,)), n_trials=18,
        lr=hk.log_uniform(0.001, 1), batch_size=[8, 16, 32, 64], momentum=[0, 0.5, 0.9],
    )  # fmt: skip
    cap.choose(why="It has the lowest validation loss of the 18 settings I could pay.")
    cap.open_test()
    return cap


def a_task(**changes):
    """Return what the check looks at in a capstone, for the wrong answers."""
    facts = {
        "dataset": SimpleNamespace(name=DATA), "budget": BUDGET, "spent": 60,
        "overdrawn": False, "entries": [{}], "bar": 0.93, "bars": (0.85, 0.93),
        "why": "the lowest validation loss of all",
        "test": {"accuracy": 0.95},
    }  # fmt: skip
    return SimpleNamespace(**facts | changes)


# ---- what may be said --------------------------------------------------------------

LETTERS, TRUE = "ABCDE", frozenset("ACE")


def check_sentences(answer):
    """A, C and E may stand in a report; B and D read more out of it than there is."""
    got = choice_set(answer, LETTERS)
    for letter in "BD":
        if letter in got:
            raise NotYet(letter)
    if got != TRUE:
        raise NotYet("more", n=len(got))


def sentences():
    """What many seeds hold, what chance does, and how the choice was made."""
    return ["A", "C", "E"]


budget = Exercise(
    LESSON, "budget", check_price, solution=price,
    wrong=[(162, "all"), (54, "again"), (18, "first"), (60, "sum")],
)  # fmt: skip
my_plan = Exercise(
    LESSON, "my_plan", check_plan, solution=plan, model_answer=True,
    wrong=[
        ("random search, 6 settings, 60 epochs", "short"),
        ("I will do a search and see what comes out of it.", "no_numbers"),
        ("I will do a search for 60 epochs and see what comes.", "no_numbers"),
    ],
)  # fmt: skip
finish = Exercise(
    LESSON, "finish", check_finished, solution=finished,
    wrong=[
        (a_task(dataset=SimpleNamespace(name="wine")), "other_task"),
        (a_task(budget=100), "other_task"),
        (a_task(entries=[], spent=0), "nothing"),
        (a_task(overdrawn=True, spent=72), "overdrawn"),
        (a_task(why=""), "not_chosen"),
        (a_task(why="it is best"), "no_reason"),
        (a_task(test=None), "not_opened"),
        (a_task(test={"accuracy": 0.64}, bar=None), "below"),
    ],
)  # fmt: skip
may_say = Exercise(
    LESSON, "may_say", check_sentences, solution=sentences,
    wrong=[
        (["A", "B", "C", "E"], "B"),
        (["A", "D"], "D"),
        (["A", "C"], "more"),
        (["Z"], "unknown"),
    ],
)  # fmt: skip
EXERCISES = (budget, my_plan, finish, may_say)
quiz = Quiz(LESSON)
