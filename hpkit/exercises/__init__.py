"""Exercises and quizzes that check themselves.

In a lesson each has a cell for the question, with a button for hints, and one for the
answer; the quiz is the cell ``ex.quiz``::

    from hpkit.exercises import lesson_02_learning_rate as ex

    ex.good_rate

    answer = ...
    ex.good_rate.check(answer)

Texts and solutions are in texts/<lesson>.toml and quizzes/<lesson>.json. Checks that
need code are in `_results` and `_trainings`. For teachers: notebooks/GRADING.md.
"""

from hpkit.exercises import _results, _trainings
from hpkit.exercises._core import LESSONS, Exercise, Feedback, configure, load_texts
from hpkit.exercises._progress import Progress, progress
from hpkit.exercises._quiz import Quiz

__all__ = ["LESSONS", "Exercise", "Feedback", "Lesson", "Progress", "Quiz", "configure"]
__all__ += ["progress"]

_named = vars(_results) | vars(_trainings)
_CHECKS = {n: check for n, check in _named.items() if isinstance(check, Exercise)}


class Lesson:
    """The exercises of a lesson, in their order and by their names, and its quiz."""

    def __init__(self, lesson: str) -> None:
        names = [name for name in load_texts(lesson) if name != "title"]
        exercises = {name: _CHECKS.get(name) or Exercise(name=name) for name in names}
        for exercise in exercises.values():
            exercise.lesson = lesson
        self.EXERCISES = tuple(exercises.values())
        self.quiz, self.mystery_curves = Quiz(lesson), _trainings.mystery_curves
        vars(self).update(exercises)


BY_NAME = {name: Lesson(name) for name in LESSONS}
globals().update({f"lesson_{name}": lesson for name, lesson in BY_NAME.items()})
