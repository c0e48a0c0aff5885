"""Exercises and quizzes that check themselves: one module per lesson.

How a lesson uses them, the one form for all. The set-up cell::

    from hpkit.exercises import lesson_02_learning_rate as ex

The exercises, each with three cells. The first shows the question, the second holds the
answer, the third is for help (its lines are comments in the lesson)::

    ex.good_rate

    answer = ...
    ex.good_rate.check(answer)

    # ex.good_rate.hint()
    # ex.good_rate.solution()

Where the answer is a function, the second cell is::

    def updates_per_epoch(n_points, batch_size):
        return ...

    ex.updates.check(updates_per_epoch)

``check`` comes last in its cell, since its feedback shows itself there. The quiz is one
cell, ``ex.quiz``, and the end of a lesson may show ``hk.progress("02")``. The words and
solutions are in texts/<lesson>.toml and quizzes/<lesson>.json; a question is written
nowhere else.

A notebook is built with an empty ``HPKIT_HOME``, or the builder's own progress would
stand in it. Teachers: ``configure(solutions=False)`` hides the solutions;
``ex.good_rate.check(answer).passed`` is what an autograder asks.
"""

from importlib import import_module
from types import ModuleType

from hpkit.exercises._core import Exercise, Feedback, configure
from hpkit.exercises._progress import Progress, progress
from hpkit.exercises._quiz import Quiz
from hpkit.hyperparameters import check_choice

__all__ = ["LESSONS", "Exercise", "Feedback", "Progress", "Quiz", "configure"]
__all__ += ["load_lesson", "progress"]

LESSONS = (
    "00_start",
    "01_parameters_and_hyperparameters",
    "02_learning_rate",
    "03_batch_size",
    "04_epochs",
    "05_choosing_by_validation",
    "06_seeds",
    "07_one_at_a_time",
    "08_grid_search",
    "09_beyond_the_grid",
    "10_capstone",
    "11_your_own",
)


def load_lesson(name: str) -> ModuleType:
    """Return the module of one of `LESSONS`, with `EXERCISES` and `quiz`.

    >>> load_lesson("02_learning_rate").quiz.lesson
    '02_learning_rate'
    """
    name = check_choice("name", name, LESSONS)
    return import_module(f"hpkit.exercises.lesson_{name}")
