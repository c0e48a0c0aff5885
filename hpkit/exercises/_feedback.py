"""`Feedback` and `Page`: what is said back, for a notebook and for a terminal."""

import html
import re
import textwrap
from dataclasses import dataclass

from hpkit.locale import say

CORRECT, NOT_YET = "correct", "not yet"
NOT_ATTEMPTED, COULD_NOT_CHECK = "not attempted", "could not check"
# Symbol and color of the bar (Okabe-Ito); symbol and words say it without the color.
SIGNS = {
    CORRECT: ("✓", "#009E73"),
    NOT_YET: ("→", "#E69F00"),
    NOT_ATTEMPTED: ("…", "#999999"),
    COULD_NOT_CHECK: ("!", "#CC79A7"),
}
BOLD = re.compile(r"\*\*(?=\S)([^*]+)(?<=\S)\*\*")  # not the ** of n ** 2
NOTE = "<div style='font-size:.9em;opacity:.8;margin-top:4px'>{}</div>"
BOX = (
    "<div role='status' style='border-left:5px solid {};padding:4px 12px;margin:4px 0;"
    "max-width:46em;line-height:1.5'><b>{} {}</b> {}{}</div>"
)


def to_html(text):
    """Return text with `code` and **bold** as HTML, everything else escaped."""
    text = html.escape(text.strip(), quote=False)
    text = re.sub(r"`([^`]+)`", r"<code>\1</code>", text)
    return BOLD.sub(r"<b>\1</b>", text).replace("\n\n", "<br><br>")


def to_text(text):
    """Return text without the marks of `code` and **bold**, wrapped for a terminal."""
    parts = BOLD.sub(r"\1", text.strip()).replace("`", "").split("\n\n")
    return "\n\n".join(textwrap.fill(part, 88) for part in parts)


@dataclass(frozen=True, repr=False)
class Feedback:
    """What a check says.

    Attributes
    ----------
    exercise : str
        Lesson and name, such as ``02_learning_rate/good_rate``.
    outcome : {"correct", "not yet", "not attempted", "could not check"}
    message : str
        In words; `code` stands in backticks.
    reason : str
        Which of the exercise's messages it is, for tests and teachers.
    note : str
        A line below in small print.
    word : str
        In place of the outcome's usual word, such as "Correct.".
    """

    exercise: str
    outcome: str
    message: str
    reason: str = ""
    note: str = ""
    word: str = ""

    @property
    def passed(self) -> bool:
        """Whether the answer is correct."""
        return self.outcome == CORRECT

    def __bool__(self):  # `assert ex.a.check(x)` must not always hold
        return self.passed

    @property
    def _word(self):
        return self.word or say(f"exercises.outcome.{self.outcome.replace(' ', '_')}")

    def __repr__(self):
        symbol, _ = SIGNS[self.outcome]
        lines = [f"{symbol} {self._word} {self.message}", self.note]
        return "\n".join(map(to_text, filter(None, lines)))

    def _repr_html_(self):
        symbol, color = SIGNS[self.outcome]
        note = self.note and NOTE.format(to_html(self.note))
        return BOX.format(color, symbol, self._word, to_html(self.message), note)


@dataclass(frozen=True, repr=False)
class Page:
    """A question, a hint or a solution: Markdown in a notebook, text elsewhere."""

    markdown: str

    def __repr__(self):
        return BOLD.sub(r"\1", self.markdown)

    def _repr_markdown_(self):
        return self.markdown
