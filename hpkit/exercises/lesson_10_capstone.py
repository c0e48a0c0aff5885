"""Exercises of lesson 10: plan a budget, keep to it, and say what the result allows."""

import re

from hpkit.exercises._answers import NotYet, choice_set, free_text, kind, number
from hpkit.exercises._core import Exercise
from hpkit.exercises._quiz import Quiz

DATA, BUDGET, WORDS_OF_A_REASON = "digits", 60, 5
NUMBERS_OF_A_PLAN = 3  # two ends of a range, and a price
NEEDED = ["dataset", "budget", "spent", "overdrawn", "entries", "why", "test", "bar"]


@Exercise
def budget(answer):
    """18 settings, one in three goes on at 1 and 3 epochs, the last two go to 9."""
    got = number(answer, low=0, whole=True)
    slips = {18 * 9: "all", 18 + 6 * 3 + 2 * 9: "again", 18: "first"}
    if got != budget.answer():
        raise NotYet(slips.get(got, "sum"), got=got)


@Exercise
def my_plan(answer):
    """Ten words, and the range and the price as numbers; the rest is for a reader."""
    text = free_text(answer, 10)
    if len(set(re.findall(r"\d+(?:\.\d+)?", text))) < NUMBERS_OF_A_PLAN:
        raise NotYet("no_numbers")


@Exercise
def finish(answer):
    """A bar is reached within the budget, with a reason, test set opened once."""
    if not all(hasattr(answer, name) for name in NEEDED):
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


@Exercise
def may_say(answer):
    """A, C and E may stand in a report; B and D read more out of it than there is."""
    got = choice_set(answer, "ABCDE")
    for letter in "BD":
        if letter in got:
            raise NotYet(letter)
    if len(got) < 3:
        raise NotYet("more", n=len(got))


EXERCISES = (budget, my_plan, finish, may_say)
quiz = Quiz("10_capstone")
