"""Exercises and quizzes that check themselves: one module per lesson.

How a lesson uses them, in the set-up cell and then in two cells an exercise: the
question, which has a button for hints below it, and the answer::

    from hpkit.exercises import lesson_02_learning_rate as ex

    ex.good_rate

    answer = ...
    ex.good_rate.check(answer)

``ex.good_rate.hint()`` and ``ex.good_rate.solution()`` do what the button does.
``check`` takes a function, too, and comes last in its cell: its feedback shows itself.
The quiz is one cell, ``ex.quiz``. Words and solutions: texts/<lesson>.toml and
quizzes/<lesson>.json. Teachers: ``configure(solutions=False)`` hides the solutions,
``ex.good_rate.check(answer).passed`` is what an autograder asks.
"""

from importlib import import_module
from pathlib import Path
from types import ModuleType

from hpkit.exercises._core import Exercise, Feedback, configure
from hpkit.exercises._progress import Progress, progress
from hpkit.exercises._quiz import Quiz
from hpkit.hyperparameters import check_choice

__all__ = ["LESSONS", "Exercise", "Feedback", "Progress", "Quiz", "configure"]
__all__ += ["load_lesson", "progress"]

_FILES = Path(__file__).parent.glob("lesson_*.py")
LESSONS = tuple(sorted(path.stem.removeprefix("lesson_") for path in _FILES))


def load_lesson(name: str) -> ModuleType:
    """Return the module of one of `LESSONS`, with `EXERCISES` and `quiz`."""
    name = check_choice("name", name, LESSONS)
    return import_module(f"hpkit.exercises.lesson_{name}")
