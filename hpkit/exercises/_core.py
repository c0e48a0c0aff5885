"""`Exercise`: a question with a check, hints and a solution; the record of tries."""

import functools
import html
import inspect
import itertools
import math
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

import hpkit
from hpkit.data.datasets import load_dataset
from hpkit.exercises import _answers as read
from hpkit.exercises._answers import NotYet, describe_value
from hpkit.hyperparameters import check_flag
from hpkit.locale import Texts, texts_of, tr
from hpkit.store import Store, check_kinds, home, now
from hpkit.text import wrap_text

CORRECT, NOT_YET = "correct", "not yet"
_CODE_STYLE = "padding:.5em .8em;border:1px solid #8886;overflow-x:auto"
_NOT_ATTEMPTED, _COULD_NOT_CHECK = "not attempted", "could not check"
# Symbol and color of the bar (Okabe-Ito); symbol and words suffice without the color.
_SIGNS = {
    CORRECT: ("✓", "#009E73"),
    NOT_YET: ("→", "#E69F00"),
    _NOT_ATTEMPTED: ("…", "#999999"),
    _COULD_NOT_CHECK: ("!", "#CC79A7"),
}
_BOLD = re.compile(r"\*\*(?=\S)([^*]+)(?<=\S)\*\*")  # not the ** of n ** 2
# Not role="status": Orca reads only its innermost part, the code or the note. "off" and
# code without its role keep Orca from reading those parts a second time, alone.
NOTE = "<div aria-live='off' style='font-size:.9em;opacity:.8;margin-top:4px'>{}</div>"
_FEEDBACK = (
    "<div aria-live='polite' style='border-left:5px solid {};padding:4px 12px;"
    "margin:4px 0;max-width:52em;{}line-height:1.5'><b>{}</b> {}{}</div>"
)
TEXTS = Path(__file__).parent / "texts"
LESSONS = tuple(sorted(path.stem for path in TEXTS.glob("*.toml")))
CASES = Path(__file__).parent / "cases.toml"


def configure(*, solutions: bool) -> None:
    """Show or hide all solutions: set HPKIT_SOLUTIONS in the environment."""
    os.environ["HPKIT_SOLUTIONS"] = str(int(check_flag("solutions", solutions)))


def to_html(text):
    text = html.escape(text.strip(), quote=False)
    text = re.sub(r"`([^`]+)`", r"<code role='none'>\1</code>", text)
    return _BOLD.sub(r"<b>\1</b>", text).replace("\n\n", "<br><br>")


def to_text(text):
    parts = _BOLD.sub(r"\1", text.strip()).replace("`", "").split("\n\n")
    return "\n\n".join(wrap_text(part, 88) for part in parts)


@dataclass(frozen=True, repr=False)
class Feedback:
    """What a check says, and whether the answer has `passed`."""

    exercise: str  # such as "02_learning_rate/good_rate"
    outcome: str  # "correct", "not yet", "not attempted" or "could not check"
    message: str  # with `code` in backticks
    reason: str = ""  # which of the exercise's messages it is
    note: str = ""  # below the message
    word: str = ""  # replaces the usual word for the outcome

    @property
    def passed(self) -> bool:
        """Whether the answer is correct."""
        return self.outcome == CORRECT

    def __bool__(self):  # `assert ex.a.check(x)` must not always hold
        return self.passed

    @property
    def _head(self):
        key = f"exercises.outcome.{self.outcome.replace(' ', '_')}"
        return f"{_SIGNS[self.outcome][0]} {self.word or tr(key)}"

    def __repr__(self):
        lines = [f"{self._head} {self.message}", self.note]
        return "\n".join(map(to_text, filter(None, lines)))

    def _repr_html_(self):
        # Orca reads both as one text and would join two words without the space.
        note = self.note and f"&nbsp;{NOTE.format(to_html(self.note))}"
        style = _SIGNS[self.outcome][1], tr("language.css")
        return _FEEDBACK.format(*style, self._head, to_html(self.message), note)


class Page(str):
    """A question, a hint or a solution: Markdown in a notebook, text elsewhere."""

    def __repr__(self):
        return _BOLD.sub(r"\1", self)

    def _repr_markdown_(self):
        return str(self)


def load_texts(lesson):
    return texts_of(TEXTS / f"{lesson}.toml")


class Exercise:
    """A question that checks its answer: a decorator of the check.

    The check returns a dict of values for the text `right`, or None, and raises
    `NotYet` for a wrong answer. The feedback shows it, so that Run All goes on.
    """

    def __init__(self, check: Callable | None = None, *, name: str = "") -> None:
        self._check = check or self._check_by_files
        self.name = getattr(check, "__name__", name)
        self.lesson = ""  # set by `Lesson`
        self._hints_shown, self.last, self._box = 0, None, None

    def _check_by_files(self, answer):
        """Check an answer by numbers, choices or cases that are in files."""
        words = self.words
        if slips := words.get("slips"):
            return read.check_numbers(answer, self.answer(), slips)
        if choices := words.get("choices"):
            return read.check_choices(answer, self.answer(), choices)
        any_order = words.get("any_order", False)
        return read.check_cases(answer, *self.cases(), any_order=any_order)

    @property
    def words(self) -> dict:
        """The exercise's texts: title, question, expects, hints, right, says."""
        return load_texts(self.lesson)[self.name]

    @property
    def key(self) -> str:
        """Lesson and name: the key of the exercise in the record."""
        return f"{self.lesson}/{self.name}"

    def check(self, answer=...) -> Feedback:
        """Check an answer and return `Feedback`, which shows itself; never raise."""
        try:
            outcome, message, reason = self._judge(answer)
        except (Exception, SystemExit) as error:
            text = f"{type(error).__name__}: {error}"
            message = tr("exercises.fault", error=text, answer=describe_value(answer))
            outcome, reason = _COULD_NOT_CHECK, "fault"
        # Run All over empty cells is no try, and it never takes a pass away.
        note = "" if outcome == _NOT_ATTEMPTED else record(self.key, outcome)
        more_hints = self._hints_shown < len(self.words["hints"])
        if outcome == NOT_YET and more_hints and not note:
            note = tr("exercises.ask_hint", name=self.name)
        word = ""
        if outcome == CORRECT and not self.words.get("judged", True):
            word = tr("exercises.outcome.kept")  # no check can call a free text correct
        self.last = Feedback(self.key, outcome, message, reason, note, word)
        return self.last

    def _judge(self, answer):
        try:
            if answer is ...:
                raise NotYet("empty")
            right = self.words["right"].format(**self._check(answer) or {})
            return CORRECT, right, "right"
        except NotYet as problem:
            if problem.reason == "empty":
                return _NOT_ATTEMPTED, tr("exercises.empty"), "empty"
            texts = tr("exercises.says") | self.words.get("says", {})
            facts = {"expects": self.words["expects"]} | problem.values
            return NOT_YET, texts[problem.reason].format(**facts), problem.reason

    def hint(self) -> Page:
        """Show the next hint."""
        steps = len(self.words["hints"])
        page = self._hint(min(self._hints_shown + 1, steps))
        foot = "more_hints" if self._hints_shown < steps else "no_more_hints"
        return Page(f"{page}\n\n{tr(f'exercises.{foot}', name=self.name)}")

    def _hint(self, step):
        before = load_entries().get(self.key, {}).get("hints", 0)
        record(self.key, hints=max(step, before))
        self._hints_shown = max(self._hints_shown, step)
        hints = self.words["hints"]
        head = tr("exercises.hint", step=step, steps=len(hints))
        return f"**{head}.** {hints[step - 1].strip()}"

    def solution(self) -> Page:
        """Show one right answer as code, unless solutions are switched off."""
        if os.environ.get("HPKIT_SOLUTIONS", "1").lower() in ("0", "no", "false"):
            return Page(tr("exercises.hidden", name=self.name))
        record(self.key, solution=True)
        code = self.words["solution"].strip()
        return Page(f"**{tr('exercises.solution')}**\n\n```python\n{code}\n```")

    def answer(self, **names):
        """Run the solution with these names and return its answer."""
        names = {"hk": hpkit} | names
        exec(self.words["solution"], names)
        return names.get("answer", [*names.values()][-1])  # or the function it defines

    def cases(self):
        """Return a right function, arguments to call it with, and known mistakes."""
        right, data = self.answer(), texts_of(CASES)[self.lesson][self.name]
        head = f"lambda {', '.join(inspect.signature(right).parameters)}: "
        names = vars(math) | vars(itertools) | {"np": np, "right": right}
        slips = {name: eval(head + code, names) for name, code in data["slips"].items()}
        return right, data["cases"], slips

    def assert_check_passed(self) -> None:
        """Raise AssertionError unless the last check was correct."""
        outcome = self.last.outcome if self.last is not None else "never checked"
        if outcome != CORRECT:
            text = f"{self.key} must be {CORRECT!r}, got {outcome!r}: {self.last}"
            raise AssertionError(text)

    def _repr_markdown_(self):
        title = tr("exercises.exercise", title=self.words["title"])
        text = f"**{title}**\n\n{self.words['question'].strip()}"
        if passed := load_entries().get(self.key, {}).get("passed"):
            before = tr("exercises.passed_before", when=when(passed))
            text += f"\n\n*{_SIGNS[CORRECT][0]} {before}*"
        return text

    def __repr__(self):
        return repr(Page(self._repr_markdown_()))

    def _ipython_display_(self):
        from IPython.display import display

        from hpkit.panels import parts

        display(Page(self._repr_markdown_()))
        by_call = tr("exercises.by_call", name=self.name)
        texts = {"plain": to_text(by_call), "markdown": by_call}
        parts.show_saved(self.widget(), "", line=to_html(by_call), **texts)

    def widget(self):
        """Return a button that shows one hint more at each press, then a solution."""
        from ipywidgets import HTML, Button, VBox

        from hpkit.panels import parts

        if self._box:
            parts.close(self._box)
        self._box, page, shown = VBox(), HTML(), []
        title = self.words["title"]  # tells the buttons of a page apart
        button = Button(description=tr("exercises.hint_button"), tooltip=title)
        steps = len(self.words["hints"])

        def press(_):
            if button.icon:  # everything is shown
                return
            if len(shown) < steps:
                shown.append(to_html(self._hint(len(shown) + 1)))
            else:
                head, _, code = self.solution().partition("```python\n")
                code = html.escape(code.removesuffix("```"), quote=False)
                code = f"<pre aria-live='off' style='{_CODE_STYLE}'>{code}</pre>"
                shown.append(to_html(head) + code)
                button.icon = "check"  # a disabled button loses the focus
            if len(shown) == steps:
                button.description = tr("exercises.solution_button")
            new = f"<div aria-live='polite'>{shown[-1]}</div>"  # read out alone
            page.value = "".join([*(f"{old}<br>" for old in shown[:-1]), new])

        button.on_click(press)
        self._box.children = HTML(parts.live_style(self._box)), button, page
        return self._box


_ENTRY_KINDS = {"tries": int, "hints": int, "solution": bool, "passed": str | None}
_ENTRY_KINDS |= {"outcome": str, "last": str}


def when(stamp):
    return datetime.fromisoformat(stamp).strftime("%Y-%m-%d %H:%M")


def _check(data):
    """Raise an error unless the entries are such as `record` writes."""
    for entry in data["entries"].values():
        names = _ENTRY_KINDS.keys() & {"tries", "last", *entry}
        check_kinds(entry, {name: _ENTRY_KINDS[name] for name in names})
        if entry.get("outcome", CORRECT) not in _SIGNS:
            raise ValueError("no such outcome")
        for stamp in ("last", "passed"):
            if entry.get(stamp) is not None:
                when(entry[stamp])


_store = Store(None, {"version": 1, "entries": {}}, _check, Texts("exercises.progress"))


def load_entries():
    _store.path = home() / "progress.json"  # HPKIT_HOME may have changed
    return _store.load()["entries"]


def _change(update):
    """Let `update(entries)` change the entries on disk; return notices for the user."""
    _store.path = home() / "progress.json"
    _store.change(lambda data: update(data["entries"]))
    notices = " ".join(_store.notices)
    _store.notices.clear()
    return notices


def record(key, outcome=None, **changes):
    """Record a try, or `changes` alone; after a pass a try changes nothing."""
    last = now()

    def update(entries):
        entry = entries.setdefault(key, {"tries": 0, "last": last})
        if outcome and entry.get("passed"):
            return
        entry.update(changes)
        if outcome:
            entry.update(tries=entry["tries"] + 1, outcome=outcome, last=last)
        if outcome == CORRECT:
            entry["passed"] = last

    return _change(update)


def forget(lessons):
    def update(entries):
        for key in [key for key in entries if key.split("/")[0] in lessons]:
            del entries[key]

    return _change(update)


@functools.lru_cache(maxsize=50)
def trained(dataset, *settings, seeds=range(5)):
    """Train settings x seeds, after a line that says so, and cache the `Runs`."""
    print(tr("exercises.training", n=len(settings) * len(seeds)))
    *_, runs = hpkit.train(load_dataset(dataset), settings, seeds=seeds)
    return runs
