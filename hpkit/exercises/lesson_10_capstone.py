"""Exercises of lesson 10: plan a budget, keep to it, and say what the result allows."""

import re

from hpkit.exercises._answers import choice_set, free_text, kind, number, wrong_if
from hpkit.exercises._core import Exercise
from hpkit.exercises._quiz import lesson_of

DATA, _BUDGET, _WORDS_OF_A_REASON = "digits", 60, 5
_NUMBERS_OF_A_PLAN = 3  # two ends of a range, and a price
_NEEDED = ["dataset", "budget", "spent", "overdrawn", "entries", "why", "test", "bar"]


@Exercise
def budget(answer):
    """18 settings, one in three goes on at 1 and 3 epochs, the last two go to 9."""
    got = number(answer, low=0, whole=True)
    again, wrong = 18 + 6 * 3 + 2 * 9, got != budget.answer()
    facts = {"got": got}
    wrong_if(facts, all=got == 18 * 9, again=got == again, first=got == 18, sum=wrong)


@Exercise
def my_plan(answer):
    """Ten words, and the range and the price as numbers; the rest is for a reader."""
    text = free_text(answer, 10)
    numbers = set(re.findall(r"\d+(?:\.\d+)?", text))
    wrong_if(no_numbers=len(numbers) < _NUMBERS_OF_A_PLAN)


@Exercise
def finish(answer):
    """A bar is reached within the budget, with a reason, test set opened once."""
    if not all(hasattr(answer, name) for name in _NEEDED):
        raise kind(answer)
    data, why = answer.dataset.name, answer.why
    facts = {"spent": answer.spent, "budget": answer.budget, "data": data, "why": why}
    wrong_if(
        facts,
        other_task=data != DATA or answer.budget > _BUDGET,
        nothing=not answer.entries,
        overdrawn=answer.overdrawn,
        not_chosen=not why,
        no_reason=len(why.split()) < _WORDS_OF_A_REASON,
        not_opened=not answer.test,
    )
    low = answer.bar is None
    facts["bar"] = min(answer.bars) if low else answer.bar
    return wrong_if(facts | {"accuracy": answer.test["accuracy"]}, below=low)


@Exercise
def may_say(answer):
    """A, C and E may stand in a report; B and D read more out of it than there is."""
    got = choice_set(answer, "ABCDE")
    wrong_if({"n": len(got)}, B="B" in got, D="D" in got, more=len(got) < 3)


EXERCISES, quiz = lesson_of(budget, my_plan, finish, may_say)
