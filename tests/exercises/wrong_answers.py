"""Wrong answers to each exercise, by the reason of the message that each must get.

They stand in `WRONG`, with the claims of their lesson in `tests/claims`, by the number
of the lesson and the name of the exercise, and break one condition at a time. Their
part `changed` has members key/value/reason: the right answer with one member changed;
the reason is the key unless another one is named. `ALSO_RIGHT` has, by the name of an
exercise, what makes other right answers of the right one.
"""

import importlib
from pathlib import Path

from hpkit import exercises
from hpkit.exercises._core import CASES, texts_of

ALL = [one for lesson in exercises.BY_NAME.values() for one in lesson.EXERCISES]
WRONG, ALSO_RIGHT = {}, {}
for file in (Path(__file__).parents[1] / "claims").glob("test_*.py"):
    lesson = importlib.import_module(file.stem)
    WRONG |= lesson.WRONG
    ALSO_RIGHT |= getattr(lesson, "ALSO_RIGHT", {})


def wrong_answers(one):
    found = WRONG[f"{one.lesson[:2]}/{one.name}"]
    answers = dict(found() if callable(found) else found)
    changed = answers.pop("changed", "")
    made = [(wrong, reason) for reason, some in answers.items() for wrong in some]
    for key, value, *reason in (p.split("/") for p in changed.split(", ") if p):
        made.append((one.answer() | {key: value}, *(reason or [key])))
    if one.name in texts_of(CASES).get(one.lesson, {}):
        made += [(slip, reason) for reason, slip in one.cases()[2].items()]
    return made
