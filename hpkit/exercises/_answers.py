"""Readers of answers: a learner may pass anything; a reader returns a Python value.

A reader raises `NotYet("kind")` for what it cannot use, and the exercise then says what
it expects. `call_answer` calls a learner's function and reports the errors it raises.
"""

import copy
import inspect
import math
import numbers
import re
import traceback
from collections.abc import Iterator, Mapping

from hpkit.hyperparameters import accepts, brief, check_items, check_number, to_python


class NotYet(Exception):
    """An answer that is not right: the name of the message and the values in it."""

    def __init__(self, reason, **values):
        self.reason, self.values = reason, values


def wrong_if(facts=None, /, **reasons):
    """Raise `NotYet` for the first reason that is true; return the facts."""
    for reason, holds in reasons.items():
        if holds:
            raise NotYet(reason, **facts or {})
    return facts


def describe_value(value):
    return brief(float(f"{value:.12g}") if isinstance(value, float) else value)


def check_kind(answer, fits):
    """Raise `NotYet` for an answer of another kind than expected."""
    if not fits:
        raise NotYet("kind", got=describe_value(answer))


def number(answer, *, above=-math.inf, low=-math.inf, high=math.inf, whole=False):
    """Return a finite number that is > `above`, >= `low` and <= `high`."""
    try:
        value = check_number("", to_python(answer), low=-math.inf)
    except (TypeError, ValueError):
        raise NotYet("kind", got=describe_value(answer)) from None
    check_kind(answer, above < value and low <= value <= high)
    check_kind(answer, not whole or value % 1 == 0)
    return int(value) if whole else value


def sequence(answer):
    """Return the members of a list, tuple, array, tensor or pandas column."""
    if hasattr(answer, "tolist"):
        answer = answer.tolist()
    try:
        members = list(check_items("", answer, empty=True))
    except (TypeError, ValueError):
        raise NotYet("kind", got=describe_value(answer)) from None
    wrong_if(empty=any(member is ... for member in members))
    return members


def number_list(answer, **limits):
    return [number(member, **limits) for member in sequence(answer)]


def choice(answer, choices):
    """Return one of the choices; "Over fitting" is read as "over-fitting"."""
    value = to_python(answer)
    fits = isinstance(value, str | numbers.Real) and not isinstance(value, bool)
    check_kind(answer, fits)
    for option in choices:
        if _letters(option) == _letters(value) or same_result(value, option):
            return option
    listed = ", ".join(map(repr, choices))
    raise NotYet("unknown", got=describe_value(answer), choices=listed)


def _letters(value):
    return re.sub(r"[-_\s]+", "", value).lower() if isinstance(value, str) else value


def ordering(answer, items):
    check_kind(answer, not isinstance(answer, set))  # it has no order
    members = tuple(choice(member, items) for member in sequence(answer))
    for item in items:
        wrong_if({"missing": repr(item)}, missing=item not in members)
    check_kind(answer, len(members) == len(items))
    return members


def check_choices(answer, want, choices):
    """Check an answer of choices: a list of the right ones, or a dict, by key."""
    # Each wrong choice has a message of its own. A single one needs no list.
    if isinstance(want, list):
        members = [answer] if isinstance(answer, str) else sequence(answer)
        got = {choice(member, choices) for member in members}
        wrong = {name: name in got and name not in want for name in choices}
        facts = {"right": len(got.intersection(want)), "of": len(want)}
        return wrong_if(facts, **wrong, none=not got, more=len(got) < len(want))
    check_kind(answer, isinstance(answer, Mapping))
    wrong_if(empty=answer and all(value is ... for value in answer.values()))
    answer = {_letters(key): value for key, value in answer.items()}
    for key in want:
        wrong_if({"missing": repr(key)}, missing=answer.get(_letters(key), ...) is ...)
    got = {key: choice(answer[_letters(key)], choices) for key in want}
    wrong = [key for key in want if got[key] != want[key]]
    facts = {"right": len(want) - len(wrong), "of": len(want)}
    wrong_if(facts, **dict.fromkeys(wrong, True))


def check_numbers(answer, want, slips):
    """Compare one whole number or several with the right ones and known slips."""
    check_kind(answer, not isinstance(answer, set))  # it has no order
    several = isinstance(want, list)
    got = (number_list if several else number)(answer, low=1, whole=True)
    check_kind(answer, not several or len(got) == len(want))
    known = {reason: slip == got for reason, slip in slips.items()}
    wrong_if({"got": got}, **known, count=got != want)


def function(answer, arguments):
    check_kind(answer, callable(answer) and not isinstance(answer, type))
    if not accepts(answer, *arguments):
        name = name_of(answer)
        raise NotYet("called", name=name, call=f"{name}({', '.join(arguments)})")
    return answer


def name_of(answer):
    return getattr(answer, "__name__", "your_function")


def call_answer(answer, *arguments, names=None, in_place=False):
    """Call a learner's function; turn its errors into a message."""
    # The message shows `names` in place of the values of arguments. A function that
    # works `in_place` changes its arguments and returns nothing.
    call = f"{name_of(answer)}({names or ', '.join(map(repr, arguments))})"
    try:
        value = answer(*(arguments if in_place else copy.deepcopy(arguments)))
        value = [*value] if isinstance(value, Iterator) and not in_place else value
    except (Exception, SystemExit) as error:  # exit() would end the kernel
        theirs = traceback.extract_tb(error.__traceback__)[1:2]  # none of a built-in
        text, line = f"{type(error).__name__}: {error}", "".join(f.line for f in theirs)
        raise NotYet("raised", error=text, line=line or call, call=call) from None
    returned_none = value is None and not in_place
    wrong_if({"call": call}, empty=value is ..., returned_none=returned_none)
    return value


def same_result(got, want):
    """Return whether two results are equal: numbers nearly, lists by their members."""
    got = got.tolist() if hasattr(got, "tolist") else got  # arrays and NumPy numbers
    if isinstance(want, list | tuple):
        alike = isinstance(got, list | tuple) and len(got) == len(want)
        return alike and all(map(same_result, got, want))
    if isinstance(want, bool) or not isinstance(want, numbers.Real):
        return isinstance(got, type(want)) and got == want
    if isinstance(got, bool) or not isinstance(got, numbers.Real):
        return False
    near = {"rel_tol": 1e-6, "abs_tol": 1e-6}  # isclose takes no integer beyond 1e308
    return got == want or (abs(got) < 1e300 and math.isclose(got, want, **near))


def check_cases(answer, reference, cases, slips, *, names=None, any_order=False):
    """Compare a learner's function with the right one for several arguments."""
    # `slips` are known mistakes by reason: an answer that agrees with one gets its
    # message, which may use the arguments by name. With `any_order` the members of a
    # result may come in any order. `names` as in `call_answer`.
    parameters = list(inspect.signature(reference).parameters)
    order = _sorted if any_order else lambda value: value
    answer = function(answer, parameters)
    given = [call_answer(answer, *case, names=names) for case in cases]
    got = [order(each) for each in given]

    def first_differing(other):
        want = (order(other(*copy.deepcopy(case))) for case in cases)
        return next((n for n, w in enumerate(want) if not same_result(got[n], w)), None)

    n = first_differing(reference)
    if n is None:
        return
    case = cases[n]
    call = f"{name_of(answer)}({names or ', '.join(map(repr, case))})"
    facts = dict(zip(parameters, case, strict=True), call=call)
    facts |= {"got": describe_value(given[n]), "want": describe_value(reference(*case))}
    known = (name for name, slip in slips.items() if first_differing(slip) is None)
    raise NotYet(next(known, "case"), **facts)


def _sorted(value):
    """Return a list of lists of numbers as sorted tuples, anything else as it is."""
    try:
        return sorted(tuple(number_list(member)) for member in sequence(value))
    except NotYet:
        return value
