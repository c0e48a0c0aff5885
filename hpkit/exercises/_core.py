"""`Exercise`: a question with a check, hints in steps and a solution.

What a learner gets wrong is shown, never raised, so that Run All passes. The words of
the exercises are in texts/<lesson>.toml; those that all share are here. How answers are
read is in `_answers`, what is said back in `_feedback`, what is kept in `_progress`.
"""

import ast
import inspect
import os
import re
import textwrap
import tomllib
from functools import cache
from pathlib import Path

from hpkit.exercises import _progress, _trials
from hpkit.exercises._answers import COMMON, NotYet, describe
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

HERE = Path(__file__).parent

WORDS = {
    "exercise": "Exercise: {title}",
    "empty": "Put your answer where the three dots `...` stand, then run the cell "
    "again.",
    "passed_before": "You passed this exercise on {when}.",
    "fault": "The check itself stopped with {error}. This is a fault of the exercise, "
    "not yours; the answer was {answer}.",
    "ask_hint": "Stuck? `ex.{name}.hint()`",
    "hint": "Hint {step} of {steps}",
    "more_hints": "Run this cell again for the next hint.",
    "no_more_hints": "That was the last hint. `ex.{name}.solution()` shows one answer.",
    "no_more": "That was the last hint.",
    "solution": "A right answer",
    "hidden": "Solutions are switched off here. Ask your teacher, or try "
    "`ex.{name}.hint()`.",
    "kept": "Kept.",
    "compare": "Compare your answer with this one.",
}

_solutions = {"shown": None}


def configure(*, solutions):
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
        return os.environ.get("HPKIT_SOLUTIONS", "1").lower() not in (
            "0",
            "no",
            "false",
        )
    return _solutions["shown"]


@cache
def load_texts(lesson):
    """Return the words of a lesson's exercises."""
    path = HERE / "texts" / f"{lesson}.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))


def shown_code(solution, is_function):
    """Return a solution's source as it may stand in the lesson's answer cell."""
    source = textwrap.dedent(inspect.getsource(solution)).strip()
    # Every lesson has hk already.
    source = re.sub(r"^ +import hpkit as hk\n\n?|  # fmt: skip", "", source, flags=re.M)
    function = ast.parse(source).body[0]
    _, *body = function.body
    if is_function:
        return source
    if len(body) > 1:
        return f"{source}\n\n\nanswer = {function.name}()"
    value = ast.get_source_segment(source, body[0]).removeprefix("return ")
    value = value.replace("\n    ", "\n")
    return f"# {ast.get_docstring(function)}\nanswer = {value}"


class Exercise:
    """A question that checks its answer.

    Parameters
    ----------
    lesson : str
        The notebook's name, such as ``02_learning_rate``.
    name : str
        The exercise's; its words are in texts/<lesson>.toml under this name.
    check : function
        ``(answer) -> dict or None``: values for the words of `right`. Raises `NotYet`
        for a wrong answer.
    solution : function
        Returns a right answer, or is one if `is_function`. Its source is shown.
    wrong : sequence of (answer, reason), or function that returns it
        Wrong answers with the message that each must get: for the tests.
    is_function : bool, default False
        Whether the answer is itself a function.
    model_answer : bool, default False
        Free text: it cannot be judged, so the model answer is shown beside it.
    """

    def __init__(
        self, lesson, name, check, *, solution, wrong, is_function=False,
        model_answer=False,
    ):  # fmt: skip
        self.lesson, self.name, self._check = lesson, name, check
        self._solution, self._wrong = solution, wrong
        self._is_function, self._model_answer = is_function, model_answer
        self._hints_shown, self.last = 0, None

    @property
    def words(self):
        """The exercise's texts: title, question, expects, hints, right, says."""
        return load_texts(self.lesson)[self.name]

    @property
    def wrong(self):
        """Wrong answers, each with the reason of its message."""
        return tuple(self._wrong() if callable(self._wrong) else self._wrong)

    @property
    def key(self):
        """Lesson and name, as progress keeps them."""
        return f"{self.lesson}/{self.name}"

    def check(self, answer=...):
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
        note = ""
        if outcome == NOT_ATTEMPTED:
            # Run All over empty cells is no try, and takes no earlier pass away.
            if when := _progress.passed_on(self.key):
                note = WORDS["passed_before"].format(when=when)
        else:
            note = _progress.record(self.key, outcome)
        if outcome == NOT_YET and not note:
            note = WORDS["ask_hint"].format(name=self.name)
        # Nobody has judged a free text, so nobody calls it correct.
        word = WORDS["kept"] if self._model_answer and outcome == CORRECT else ""
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
            if self._model_answer and self.words.get("compare", True):
                message = f"{WORDS['compare']}\n\n{message}"
            return CORRECT, message, "right"
        except NotYet as problem:
            if problem.reason == "empty":
                return NOT_ATTEMPTED, WORDS["empty"], "empty"
            return NOT_YET, self._message(problem), problem.reason
        except (Exception, SystemExit) as error:
            words = WORDS["fault"].format(
                error=f"{type(error).__name__}: {error}", answer=describe(answer)
            )
            return COULD_NOT_CHECK, words, "fault"

    def _message(self, problem):
        """Return the words for what is wrong: the exercise's own or common ones."""
        says = self.words.get("says", {})
        words = says.get(problem.reason) or COMMON[problem.reason]
        return words.format(**{"expects": self.words["expects"]} | problem.values)

    def hint(self, step=None):
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
        head = WORDS["hint"].format(step=step, steps=len(hints))
        last = "no_more_hints" if solutions_shown() else "no_more"
        foot = WORDS["more_hints" if step < len(hints) else last]
        body = hints[step - 1].strip()
        return Page(f"**{head}.** {body}\n\n{foot.format(name=self.name)}")

    def solution(self):
        """Show one right answer as code, unless solutions are switched off.

        Returns
        -------
        Page
        """
        if not solutions_shown():
            return Page(WORDS["hidden"].format(name=self.name))
        _progress.note(self.key, solution=True)
        code = shown_code(self._solution, self._is_function)
        return Page(f"**{WORDS['solution']}**\n\n```python\n{code}\n```")

    def answer(self):
        """Return a right answer (for tests, and to run a lesson with all of them)."""
        return self._solution if self._is_function else self._solution()

    def assert_check_passed(self):
        """Raise AssertionError unless the last check was correct."""
        self._assert(CORRECT)

    def assert_check_failed(self):
        """Raise AssertionError unless the last check was "not yet"."""
        self._assert(NOT_YET)

    def assert_check_unattempted(self):
        """Raise AssertionError unless the last check was "not attempted"."""
        self._assert(NOT_ATTEMPTED)

    def _assert(self, outcome):
        """Raise unless the last outcome is this one."""
        found = self.last.outcome if self.last is not None else "never checked"
        if found != outcome:
            raise AssertionError(
                f"{self.key} must be {outcome!r}, got {found!r}: {self.last}"
            )

    @property
    def _question(self):
        """The question and what is known of earlier tries, as Markdown."""
        title = WORDS["exercise"].format(title=self.words["title"])
        text = f"**{title}**\n\n{self.words['question'].strip()}"
        if when := _progress.passed_on(self.key):
            symbol, passed = SIGNS[CORRECT][0], WORDS["passed_before"]
            text += f"\n\n*{symbol} {passed.format(when=when)}*"
        return text

    def __repr__(self):
        """Return the question."""
        return repr(Page(self._question))

    def _repr_markdown_(self):
        """Return the question as Markdown."""
        return self._question
