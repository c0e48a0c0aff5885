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
from types import ModuleType

from hpkit.exercises import _results, _trainings
from hpkit.exercises._core import LESSONS, Exercise, Feedback, configure, load_texts
from hpkit.exercises._progress import Progress, progress
from hpkit.exercises._quiz import Quiz
from hpkit.hyperparameters import check_choice, refusal

__all__ = ["LESSONS", "Exercise", "Feedback", "Lesson", "Progress", "Quiz", "configure"]
__all__ += ["load_lesson", "progress"]

_CHECKS = vars(_results) | vars(_trainings)


class Lesson(ModuleType):
    """The exercises of a lesson, in their order and by their names, and its quiz."""

    def __init__(self, lesson: str) -> None:
        super().__init__(f"{__name__}.lesson_{lesson}")
        names = [name for name in load_texts(lesson) if name != "title"]
        made = {name: _CHECKS.get(name) or Exercise(name=name) for name in names}
        for one in made.values():
            one.lesson = lesson
        self.exercises = self.EXERCISES = tuple(made.values())
        self.quiz, self.mystery_curves = Quiz(lesson), _trainings.mystery_curves
        vars(self).update(made)

    def __getattr__(self, name: str) -> Exercise:
        if name.startswith("__"):  # Python's own
            raise AttributeError(name)
        names = ", ".join(each.name for each in vars(self).get("exercises", ()))
        raise refusal("no_exercise", name, kind=AttributeError, names=names)


for _name in LESSONS:
    _lesson = Lesson(_name)
    vars()[f"lesson_{_name}"] = sys.modules[_lesson.__name__] = _lesson


def load_lesson(name: str) -> Lesson:
    """Return one of `LESSONS`."""
    return globals()[f"lesson_{check_choice('name', name, LESSONS)}"]
