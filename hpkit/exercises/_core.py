"""`Exercise`: a question with a check, hints in steps and a solution.

What a learner gets wrong is shown, never raised, so that Run All passes. The words and
the solutions of the exercises are in texts/<lesson>.toml; words that all share are in
the locale. How answers are read is in `_answers`, what is kept in `_progress`.
"""

import os
import tomllib
from collections.abc import Callable
from functools import cache
from pathlib import Path

import hpkit
from hpkit.exercises import _progress, _trials
from hpkit.exercises._answers import NotYet, describe
from hpkit.exercises._feedback import (
    CORRECT,
    COULD_NOT_CHECK,
    NOT_ATTEMPTED,
    NOT_YET,
    SIGNS,
    Feedback,
    Page,
)
from hpkit.hyperparameters import check_flag
from hpkit.locale import say

_solutions = {"shown": None}


def configure(*, solutions: bool) -> None:
    """Show or hide all solutions from now on.

    Parameters
    ----------
    solutions : bool
        False hides them: `Exercise.solution` then says so. The environment variable
        ``HPKIT_SOLUTIONS=0`` does the same for kernels that start later.

    Examples
    --------
    >>> configure(solutions=True)
    """
    _solutions["shown"] = check_flag("solutions", solutions, "False hides them")


def solutions_shown():
    """Say whether solutions may be shown."""
    if _solutions["shown"] is None:
        asked = os.environ.get("HPKIT_SOLUTIONS", "1").lower()
        return asked not in ("0", "no", "false")
    return _solutions["shown"]


@cache
def load_texts(lesson):
    """Return the words of a lesson's exercises."""
    path = Path(__file__).parent / "texts" / f"{lesson}.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))


class Exercise:
    """A question that checks its answer: a decorator of the check.

    The lesson is that of the check's module, the name that of the check; under it stand
    title, question, expects, hints, solution, right and says in texts/<lesson>.toml. A
    text that nobody can judge has ``judged = false`` there: the model answer is then
    shown beside it.

    Parameters
    ----------
    check : function
        ``(answer) -> dict or None``: values for the words of `right`. Raises `NotYet`
        for a wrong answer.
    """

    def __init__(self, check: Callable) -> None:
        self.lesson = check.__module__.partition("lesson_")[2]
        self.name, self._check = check.__name__, check
        self._hints_shown, self.last = 0, None

    @property
    def words(self) -> dict:
        """The exercise's texts: title, question, expects, hints, right, says."""
        return load_texts(self.lesson)[self.name]

    @property
    def key(self) -> str:
        """Lesson and name, as progress keeps them."""
        return f"{self.lesson}/{self.name}"

    def check(self, answer=...) -> Feedback:
        """Check an answer; nothing is ever raised for it.

        Parameters
        ----------
        answer : object
            `...` is "not attempted".

        Returns
        -------
        Feedback
            Shows itself as the last line of a cell; `.passed`, `.outcome`, `.message`.
        """
        outcome, message, reason = self._judge(answer)
        if outcome == NOT_ATTEMPTED:
            # Run All over empty cells is no try, and takes no earlier pass away.
            note = self._passed_before
        else:
            note = _progress.record(self.key, outcome)
        if outcome == NOT_YET and not note:
            note = say("exercises.ask_hint", name=self.name)
        # Nobody has judged a free text, so nobody calls it correct.
        kept = outcome == CORRECT and not self.words.get("judged", True)
        word = say("exercises.outcome.kept") if kept else ""
        self.last = Feedback(self.key, outcome, message, reason, note, word)
        return self.last

    def _judge(self, answer):
        """Return outcome, message and reason."""
        try:
            if answer is ...:
                raise NotYet("empty")
            with _trials.one_sign():
                right = self._check(answer) or {}
            message = self.words["right"].format(**right)
            if not self.words.get("judged", True) and self.words.get("compare", True):
                message = f"{say('exercises.compare')}\n\n{message}"
            return CORRECT, message, "right"
        except NotYet as problem:
            if problem.reason == "empty":
                return NOT_ATTEMPTED, say("exercises.empty"), "empty"
            says = say("exercises.says") | self.words.get("says", {})
            values = {"expects": self.words["expects"]} | problem.values
            message = says[problem.reason].format(**values)
            return NOT_YET, message, problem.reason
        except (Exception, SystemExit) as error:
            error, answer = f"{type(error).__name__}: {error}", describe(answer)
            message = say("exercises.fault", error=error, answer=answer)
            return COULD_NOT_CHECK, message, "fault"

    def hint(self, step: int | None = None) -> Page:
        """Show the next hint, or hint number `step` (1 is the first).

        Parameters
        ----------
        step : int, optional

        Returns
        -------
        Page
        """
        hints = self.words["hints"]
        if step is None:
            step = self._hints_shown = min(self._hints_shown + 1, len(hints))
        step = min(max(int(step), 1), len(hints))
        _progress.note(self.key, hints=step)
        head = say("exercises.hint", step=step, steps=len(hints))
        last = "no_more_hints" if solutions_shown() else "no_more"
        foot = "more_hints" if step < len(hints) else last
        body = hints[step - 1].strip()
        return Page(f"**{head}.** {body}\n\n{say(f'exercises.{foot}', name=self.name)}")

    def solution(self) -> Page:
        """Show one right answer as code, unless solutions are switched off.

        Returns
        -------
        Page
        """
        if not solutions_shown():
            return Page(say("exercises.hidden", name=self.name))
        _progress.note(self.key, solution=True)
        code = self.words["solution"].strip()
        return Page(f"**{say('exercises.solution')}**\n\n```python\n{code}\n```")

    def answer(self, **names):
        """Return a right answer: what the solution gives.

        Parameters
        ----------
        **names : object
            What the solution takes from the lesson, such as ``panel=panel``.
        """
        names = {"hk": hpkit} | names
        exec(self.words["solution"], names)
        return names.get("answer", [*names.values()][-1])  # else it is the function

    def assert_check_passed(self) -> None:
        """Raise AssertionError unless the last check was correct."""
        self._assert(CORRECT)

    def assert_check_failed(self) -> None:
        """Raise AssertionError unless the last check was "not yet"."""
        self._assert(NOT_YET)

    def assert_check_unattempted(self) -> None:
        """Raise AssertionError unless the last check was "not attempted"."""
        self._assert(NOT_ATTEMPTED)

    def _assert(self, outcome):
        found = self.last.outcome if self.last is not None else "never checked"
        if found != outcome:
            raise AssertionError(
                f"{self.key} must be {outcome!r}, got {found!r}: {self.last}"
            )

    @property
    def _passed_before(self):
        """That it was passed, and when, or nothing."""
        when = _progress.passed_on(self.key)
        return say("exercises.passed_before", when=when) if when else ""

    def _repr_markdown_(self):
        """Return the question and what is known of earlier tries."""
        title = say("exercises.exercise", title=self.words["title"])
        text = f"**{title}**\n\n{self.words['question'].strip()}"
        if passed := self._passed_before:
            text += f"\n\n*{SIGNS[CORRECT][0]} {passed}*"
        return text

    def __repr__(self):
        return repr(Page(self._repr_markdown_()))
