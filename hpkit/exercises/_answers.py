"""Reading answers: a learner may hand over anything, a reader returns a plain value.

A reader raises `NotYet("kind")` for what it cannot use, and the exercise then says what
it expects. `call_answer` calls a learner's function, and shows its errors as theirs.
"""

import copy
import inspect
import math
import numbers
import re
import traceback
from collections.abc import Mapping

from hpkit.hyperparameters import accepts, brief, check_items, check_number, to_python
from hpkit.locale import tr


class NotYet(Exception):
    """An answer that is not right, with the name of the message and its values."""

    def __init__(self, reason, **values):
        self.reason, self.values = reason, values


def wrong_if(facts=None, /, **reasons):
    """Raise `NotYet` for the first of the reasons that holds; return the facts."""
    for reason, holds in reasons.items():
        if holds:
            raise NotYet(reason, **facts or {})
    return facts


def describe_value(value):
    text = brief(value)
    if " at 0x" in text:  # an address says nothing
        return tr("refusals.any", type=type(value).__name__)
    return text


def _wrong_kind(answer):
    return NotYet("kind", got=describe_value(answer))


def check_kind(answer, fits):
    """Raise `NotYet` for an answer that is not of the kind which is expected."""
    if not fits:
        raise _wrong_kind(answer)


def number(answer, *, above=-math.inf, low=-math.inf, high=math.inf, whole=False):
    """Return a finite number with above < it, low <= it <= high."""
    try:
        value = check_number("", to_python(answer), low=-math.inf)
    except (TypeError, ValueError):
        raise _wrong_kind(answer) from None
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
        raise _wrong_kind(answer) from None
    wrong_if(empty=members and all(member is ... for member in members))
    return members


def number_list(answer, **limits):
    return [number(member, **limits) for member in sequence(answer)]


def choice(answer, choices):
    """Return one of the choices; "Over fitting" is read as "over-fitting"."""
    value = to_python(answer)
    fits = isinstance(value, str | numbers.Real) and not isinstance(value, bool)
    check_kind(answer, fits)
    for one in choices:
        if _letters(one) == _letters(value) or same_result(value, one):
            return one
    shown = ", ".join(repr(one) for one in choices)
    raise NotYet("unknown", got=describe_value(answer), choices=shown)


def _letters(value):
    return re.sub(r"[-_\s]+", "", value).lower() if isinstance(value, str) else value


def ordering(answer, items):
    members = tuple(choice(member, items) for member in sequence(answer))
    for item in items:
        wrong_if({"missing": repr(item)}, missing=item not in members)
    check_kind(list(members), len(members) == len(items))
    return members


def check_choices(answer, want, choices):
    """Compare choices with the right ones: a dict by key, or some of them in a list."""
    # A wrong one has a message under its name. One alone needs no list.
    if isinstance(want, list):
        members = [answer] if isinstance(answer, str) else sequence(answer)
        got = {choice(member, choices) for member in members}
        wrong = {one: one in got and one not in want for one in choices}
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
    """Compare a whole number, or some, with what is right, and with known slips."""
    reader = number_list if isinstance(want, list) else number
    got = reader(answer, low=1, whole=True)
    known = {reason: slip == got for reason, slip in slips.items()}
    wrong_if({"got": got}, **known, count=got != want)


def check_words(answer, least, numbers=0):
    """Ask for so many words, and for so many numbers among them."""
    check_kind(answer, isinstance(answer, str))
    n, said = len(re.findall(r"[\w']+", answer)), re.findall(r"\d+(?:\.\d+)?", answer)
    wrong_if({"least": least, "n": n}, short=n < least)
    wrong_if(no_numbers=len(said) < numbers)


def function(answer, arguments):
    check_kind(answer, callable(answer) and not isinstance(answer, type))
    if not accepts(answer, *arguments):
        name = name_of(answer)
        raise NotYet("called", name=name, call=f"{name}({', '.join(arguments)})")
    return answer


def name_of(answer):
    return getattr(answer, "__name__", "your_function")


def call_answer(answer, *arguments, shown=None, changes=False):
    """Call a learner's function, `shown` so; its errors become a message."""
    # `changes`: it is to change its arguments, and to return nothing.
    shown = f"{name_of(answer)}({shown or ', '.join(map(repr, arguments))})"
    try:
        value = answer(*(arguments if changes else copy.deepcopy(arguments)))
    except (Exception, SystemExit) as error:  # exit() would end the kernel
        *_, frame = traceback.extract_tb(error.__traceback__)[:2]  # ours, then theirs
        said = f"{type(error).__name__}: {error}"
        raise NotYet("raised", error=said, line=frame.line, call=shown) from None
    nothing = value is None and not changes
    wrong_if({"call": shown}, empty=value is ..., returned_none=nothing)
    return value


def same_result(got, want):
    """Say whether two results are equal: numbers nearly, lists member by member."""
    got = got.tolist() if hasattr(got, "tolist") else got  # also a single number
    if isinstance(want, list | tuple):
        alike = isinstance(got, list | tuple) and len(got) == len(want)
        return alike and all(map(same_result, got, want))
    if isinstance(want, bool) or not isinstance(want, numbers.Real):
        return isinstance(got, type(want)) and got == want
    if isinstance(got, bool) or not isinstance(got, numbers.Real):
        return False
    return math.isclose(got, want, rel_tol=1e-6, abs_tol=1e-6)


def check_cases(answer, reference, cases, slips, *, shown=None, any_order=False):
    """Compare a learner's function with the right one for several arguments."""
    # `slips` are known mistakes by reason: an answer that agrees with one gets its
    # message. A message shows the arguments as `shown`, and may name them. In
    # `any_order` are members of lists of numbers.
    names = list(inspect.signature(reference).parameters)
    order = _sorted if any_order else lambda value: value
    answer = function(answer, names)
    got = [order(call_answer(answer, *case, shown=shown)) for case in cases]

    def first_differing(other):
        want = (order(other(*copy.deepcopy(case))) for case in cases)
        return next((n for n, w in enumerate(want) if not same_result(got[n], w)), None)

    n = first_differing(reference)
    if n is None:
        return
    case = cases[n]
    called = f"{name_of(answer)}({shown or ', '.join(map(repr, case))})"
    said = {"got": describe_value(got[n]), "want": describe_value(reference(*case))}
    made = (name for name, slip in slips.items() if first_differing(slip) is None)
    values = dict(zip(names, case, strict=True), call=called, **said)
    raise NotYet(next(made, "case"), **values)


def _sorted(value):
    """Return the members as sorted tuples of numbers, if they are such."""
    try:
        return sorted(tuple(number_list(member)) for member in sequence(value))
    except NotYet:
        return value
