"""`Feedback` and tables: what is said back, for a notebook and for a terminal."""

import html
import re
import textwrap
from dataclasses import dataclass

CORRECT, NOT_YET = "correct", "not yet"
NOT_ATTEMPTED, COULD_NOT_CHECK = "not attempted", "could not check"

# outcome: symbol, color of the bar (Okabe-Ito), words; symbol and words say it without
# the color.
SIGNS = {
    CORRECT: ("✓", "#009E73", "Correct."),
    NOT_YET: ("→", "#E69F00", "Not yet."),
    NOT_ATTEMPTED: ("…", "#999999", "Not attempted yet."),
    COULD_NOT_CHECK: ("!", "#CC79A7", "Could not check."),
}


BOLD = re.compile(r"\*\*(?=\S)([^*]+)(?<=\S)\*\*")  # not the ** of n ** 2


def to_html(text):
    """Return text with `code` and **bold** as HTML, everything else escaped."""
    text = html.escape(text.strip(), quote=False)
    text = re.sub(r"`([^`]+)`", r"<code>\1</code>", text)
    text = BOLD.sub(r"<b>\1</b>", text)
    return text.replace("\n\n", "<br><br>")


def to_text(text):
    """Return text without the marks of `code` and **bold**, wrapped for a terminal."""
    text = BOLD.sub(r"\1", text.strip()).replace("`", "")
    parts = [textwrap.fill(part, 88) for part in text.split("\n\n")]
    return "\n\n".join(parts)


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
    def passed(self):
        """Whether the answer is correct."""
        return self.outcome == CORRECT

    def __bool__(self):
        """Return `passed`: `assert ex.a.check(x)` must not always hold."""
        return self.passed

    def __repr__(self):
        """Return symbol, word, message and note as text."""
        symbol, _, word = SIGNS[self.outcome]
        lines = [to_text(f"{symbol} {self.word or word} {self.message}")]
        return "\n".join(lines + ([to_text(self.note)] if self.note else []))

    def _repr_html_(self):
        """Return the same for a notebook; colors only repeat what the words say."""
        symbol, color, word = SIGNS[self.outcome]
        note = self.note and (
            f"<div style='font-size:.9em;opacity:.8;margin-top:4px'>"
            f"{to_html(self.note)}</div>"
        )
        return (
            f"<div role='status' style='border-left:5px solid {color};"
            "padding:4px 12px;margin:4px 0;max-width:46em;line-height:1.5'>"
            f"<b>{symbol} {self.word or word}</b> {to_html(self.message)}{note}</div>"
        )


@dataclass(frozen=True, repr=False)
class Page:
    """A question, a hint or a solution: Markdown in a notebook, text elsewhere."""

    markdown: str

    def __repr__(self):
        """Return the text as it is, readable without a notebook."""
        return BOLD.sub(r"\1", self.markdown)

    def _repr_markdown_(self):
        """Return the Markdown."""
        return self.markdown


def text_table(heads, rows):
    """Return lines with the columns below each other."""
    table = [heads, *rows]
    widths = [max(len(row[i]) for row in table) for i in range(len(heads))]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in table]
    return [lines[0], "  ".join("-" * w for w in widths), *lines[1:]]


def html_table(heads, rows):
    """Return an HTML table whose first column names the row."""
    style = "text-align:left;padding:3px 14px 3px 6px"
    head = "".join(f"<th scope='col' style='{style}'>{h}</th>" for h in heads)
    body = "".join(
        f"<tr><th scope='row' style='{style};font-weight:normal'>"
        f"{html.escape(name)}</th>"
        + "".join(f"<td style='{style}'>{html.escape(cell)}</td>" for cell in cells)
        + "</tr>"
        for name, *cells in rows
    )
    return (
        "<table style='margin:6px 0'><thead><tr>"
        f"{head}</tr></thead><tbody>{body}</tbody></table>"
    )
