"""`hpkit.progress`: what a learner has done, as a table (`_core` records it)."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hpkit.exercises import _core
from hpkit.exercises._core import CORRECT, LESSONS, load_entries, load_texts, when
from hpkit.exercises._quiz import Quiz
from hpkit.hyperparameters import brief, refusal
from hpkit.locale import tr
from hpkit.text import html_table, text_lines

if TYPE_CHECKING:
    import pandas as pd


def _tr(key, **facts):
    return tr(f"exercises.progress.{key}", **facts)


def progress(lesson: str | int | None = None) -> Progress:
    """Return what you have done in the exercises and quizzes, as a table.

    Parameters
    ----------
    lesson : str or int, optional
        A lesson's name or number, such as "02_learning_rate" or 2; default all.

    Examples
    --------
    >>> progress(2).rows[0]["lesson"]
    '02_learning_rate'
    """
    key = lesson if isinstance(lesson, str) else brief(lesson)
    keys = {name: {name, name[:2], str(int(name[:2]))} for name in LESSONS}
    names = [name for name in LESSONS if lesson is None or key in keys[name]]
    if not names:
        raise refusal("progress_lesson", lesson, lessons=", ".join(LESSONS))
    entries = load_entries()
    rows = tuple(row for name in names for row in _rows_of(name, entries))
    return Progress(rows, lesson is None)


def _lesson_title(name):
    return f"{name.split('_')[0]} {load_texts(name)['title']}"


def _rows_of(lesson, entries):
    texts, numbers = load_texts(lesson), range(1, len(Quiz(lesson)) + 1)
    titles = {name: text["title"] for name, text in texts.items() if name != "title"}
    titles |= {f"quiz/{n}": _tr("question", n=n) for n in numbers}
    for name, title in titles.items():
        entry = entries.get(f"{lesson}/{name}", {})
        passed = entry.get("passed") or ""
        state = CORRECT if passed else entry.get("outcome", "seen" if entry else "new")
        yield {
            "lesson": lesson,
            "exercise": name,
            "title": title,
            "state": _tr("state")[state.replace(" ", "_")],
            "tries": entry.get("tries", 0),
            "hints": entry.get("hints", 0),
            "solution_seen": bool(entry.get("solution")),
            "passed": passed,
            "last": entry.get("last", ""),
        }


@dataclass(frozen=True, repr=False)
class Progress:
    """The table; `rows` holds one dict for each exercise and quiz question."""

    # An `overview`, of all lessons, shows a line for each.

    rows: tuple
    overview: bool = True

    @property
    def done(self) -> int:
        """How many exercises and quiz questions were passed."""
        return sum(bool(row["passed"]) for row in self.rows)

    @property
    def percent(self) -> int:
        """The share that was passed, in whole percent; 100 only when all are."""
        return 100 * self.done // len(self.rows)

    def to_frame(self) -> pd.DataFrame:
        """Return a pandas DataFrame, one row for each exercise and question."""
        import pandas as pd

        return pd.DataFrame(list(self.rows))

    def reset(self, *, sure: bool = False) -> str:
        """Delete the progress in the lessons of this table; `sure` does not ask."""
        with suppress(EOFError, NotImplementedError, OSError):  # nobody to ask
            sure = sure or input(_tr("asks")).strip().lower() == _tr("yes")
        if not sure:
            return _tr("kept")
        before = len(load_entries())
        notice = _core.forget({row["lesson"] for row in self.rows})
        return f"{_tr('deleted', n=before - len(load_entries()))} {notice}".strip()

    def _title(self):
        return _tr("title", done=self.done, total=len(self.rows), percent=self.percent)

    @property
    def _table(self):
        if not self.overview:
            heads = [_lesson_title(self.rows[0]["lesson"]), *_tr("row_heads")]
            return [heads, *map(_exercise_cells, self.rows)]
        names = dict.fromkeys(row["lesson"] for row in self.rows)
        lessons = ([r for r in self.rows if r["lesson"] == name] for name in names)
        return [_tr("heads"), *map(_lesson_cells, lessons)]

    def __repr__(self):
        return "\n".join([self._title(), "", *text_lines(self._table, rule=True)])

    def _repr_html_(self):
        cell = "text-align:left;padding:3px 14px 3px 6px"
        heads, *rows = self._table
        table = html_table(heads, rows, row_heads=True, style="margin:6px 0", cell=cell)
        return f"<div><b>{self._title()}</b>{table}</div>"


def _lesson_cells(rows):
    cells = [_lesson_title(rows[0]["lesson"])]
    for quiz in (False, True):
        part = [r for r in rows if r["exercise"].startswith("quiz/") == quiz]
        done, total = sum(bool(r["passed"]) for r in part), len(part)
        cells.append(_tr("all_of" if done == total else "of", done=done, total=total))
    last = max(row["last"] for row in rows)
    return [*cells, when(last) if last else _tr("never")]


def _exercise_cells(row):
    hints = [str(row["hints"])] if row["hints"] else []
    if row["solution_seen"]:
        hints.append(_tr("solution"))
    last = row["last"] and when(row["last"])
    return [row["title"], row["state"], str(row["tries"] or ""), ", ".join(hints), last]
