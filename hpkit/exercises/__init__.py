"""Exercises and quizzes that check themselves.

How a lesson uses them, in the set-up cell and then in two cells an exercise: the
question, which has a button for hints below it, and the answer::

    from hpkit.exercises import lesson_02_learning_rate as ex

    ex.good_rate

    answer = ...
    ex.good_rate.check(answer)

``ex.good_rate.hint()`` and ``ex.good_rate.solution()`` do what the button does.
``check`` takes a function, too, and comes last in its cell: its feedback shows itself.
The quiz is one cell, ``ex.quiz``. Words and solutions: texts/<lesson>.toml and
quizzes/<lesson>.json; checks that are more than words: the modules here, by what they
look at. Teachers: ``configure(solutions=False)`` hides the solutions,
``ex.good_rate.check(answer).passed`` is what an autograder asks.
"""

import sys
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from hpkit.exercises import _curves, _functions, _results, _trainings
from hpkit.exercises._core import TEXTS, Exercise, Feedback, configure, load_texts
from hpkit.exercises._progress import Progress, progress
from hpkit.exercises._quiz import Quiz
from hpkit.hyperparameters import check_choice

__all__ = ["LESSONS", "Exercise", "Feedback", "Lesson", "Progress", "Quiz", "configure"]
__all__ += ["load_lesson", "progress"]

LESSONS = tuple(sorted(path.stem for path in TEXTS.glob("*.toml")))
_CHECKS = vars(_functions) | vars(_results) | vars(_trainings)


class Lesson(ModuleType):
    """The exercises of a lesson, in their order and by their names, and its quiz.

    A module, such as ``hpkit.exercises.lesson_02_learning_rate``; its texts are read
    when it is first used.
    """

    mystery_curves = _curves.mystery_curves  # which lesson 01 shows

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or "quiz" in vars(self):
            raise AttributeError(f"{self.__name__} has no {name!r}")
        lesson = self.__name__.partition("lesson_")[2]
        names = [n for n in load_texts(lesson) if n != "title"]
        made = {n: _CHECKS.get(n) or Exercise.of_files(n) for n in names}
        all_ = tuple(made.values())
        for one in all_:
            one.lesson = lesson
        made |= {"exercises": all_, "EXERCISES": all_, "quiz": Quiz(lesson)}
        vars(self).update(made)  # at once, for whoever asks in another thread
        return getattr(self, name)

    def __dir__(self) -> list[str]:
        own = ("quiz", "exercises", "mystery_curves")
        return [*own, *(one.name for one in self.exercises)]


for _name in LESSONS:
    _lesson = Lesson(f"{__name__}.lesson_{_name}")
    _lesson.__spec__ = ModuleSpec(_lesson.__name__, None)
    _lesson.__file__ = str(TEXTS / f"{_name}.toml")
    vars()[f"lesson_{_name}"] = sys.modules[_lesson.__name__] = _lesson


def load_lesson(name: str) -> Lesson:
    """Return one of `LESSONS`."""
    return globals()[f"lesson_{check_choice('name', name, LESSONS)}"]
