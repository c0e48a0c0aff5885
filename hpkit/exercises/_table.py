"""`progress`: a table of what was done, as HTML in a notebook and as text elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from hpkit.exercises import _progress
from hpkit.hyperparameters import brief, refused
from hpkit.locale import say
from hpkit.tables import html_table, text_lines

if TYPE_CHECKING:
    import pandas as pd

CELL, TABLE = "text-align:left;padding:3px 14px 3px 6px", "margin:6px 0"
SAVED = ["lesson", "exercise", "title", "state", "tries", "hints"]
SAVED += ["solution_seen", "passed", "last"]


def _say(key, **facts):
    return say(f"exercises.progress.{key}", **facts)


def progress(lesson: str | int | None = None) -> Progress:
    """Return what was done in the exercises and quizzes.

    Parameters
    ----------
    lesson : str or int, optional
        A lesson's name or number, such as "02_learning_rate" or 2; default all.

    Returns
    -------
    Progress
        Shows itself; `.to_csv(path)`, `.to_frame()`, `.reset(...)`, `.path`.

    Raises
    ------
    ValueError
        No lesson of this name or number.

    Examples
    --------
    >>> progress(2).rows[0]["lesson"]
    '02_learning_rate'
    """
    from hpkit.exercises import LESSONS

    names = LESSONS if lesson is None else (find_lesson(lesson),)
    entries = _progress.load()
    rows = [row for name in names for row in lesson_rows(name, entries)]
    return Progress(tuple(rows), lesson is None)


def find_lesson(lesson):
    """Return the name of a lesson that has exercises, or raise."""
    from hpkit.exercises import LESSONS

    said = lesson if isinstance(lesson, str) else brief(lesson)
    for name in LESSONS:
        number = name.split("_")[0]
        if said in (name, number, number.lstrip("0") or "0"):
            return name
    rule = _say("no_lesson", lessons=", ".join(LESSONS))
    raise refused(rule, lesson, _say("no_lesson_hint"))


def lesson_rows(name, entries):
    """Return one dict for each exercise and quiz question of a lesson."""
    from hpkit.exercises import load_lesson

    lesson = load_lesson(name)
    titles = {one.name: one.words["title"] for one in lesson.EXERCISES}
    for n in range(1, len(lesson.quiz) + 1):
        titles[f"quiz/{n}"] = _say("question", n=n)
    return [row(name, k, title, entries) for k, title in titles.items()]


def row(lesson, name, title, entries):
    """Return what is known of one exercise."""
    entry = entries.get(f"{lesson}/{name}")
    known = entry or {}
    return {
        "lesson": lesson,
        "exercise": name,
        "title": title,
        "state": _say("state")[state(entry)],
        "tries": known.get("tries", 0),
        "hints": known.get("hints", 0),
        "solution_seen": bool(known.get("solution")),
        "passed": known.get("passed") or "",
        "last": known.get("last") or "",
    }


def state(entry):
    """Return how far an exercise is, as the key of its words."""
    if entry is None:
        return "new"
    passed = entry.get("passed")
    outcome = entry.get("outcome", "correct" if passed else "seen").replace(" ", "_")
    if outcome == "correct":
        return "passed"
    return f"passed_{outcome}" if passed else outcome


@dataclass(frozen=True, repr=False)
class Progress:
    """The table; `rows` holds one dict for each exercise and quiz question.

    Attributes
    ----------
    rows : tuple of dict
    overview : bool
        Whether all lessons are in it, so that it shows a line for each.
    """

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

    @property
    def path(self) -> Path:
        """The file; not shown, since a built lesson would show its builder's folder."""
        return _progress.folder() / "progress.json"

    def to_frame(self) -> pd.DataFrame:
        """Return a pandas DataFrame, one row for each exercise and question."""
        import pandas as pd

        return pd.DataFrame(list(self.rows), columns=SAVED)

    def to_csv(self, path: str | PathLike[str]) -> Path:
        """Write the rows to a CSV file and return its path.

        Parameters
        ----------
        path : str or path

        Returns
        -------
        pathlib.Path
        """
        path = Path(path).expanduser().resolve()
        self.to_frame().to_csv(path, index=False)
        return path

    def reset(self, what: str | None = None, *, sure: bool = False) -> str:
        """Delete the progress of one exercise, one lesson or all, after a question.

        Parameters
        ----------
        what : str or int, optional
            "02_learning_rate/good_rate", a lesson's name or number; default the
            lessons of this table.
        sure : bool, default False
            True asks nothing.

        Returns
        -------
        str
            What was done.
        """
        prefix = self._prefix(what)
        some = "" if prefix else "_all"
        if not sure:
            asked = _say(f"asks{some}", what=prefix)
            try:
                if input(asked).strip().lower() != _say("yes"):
                    return _say("kept")
            except (EOFError, NotImplementedError, OSError):
                return _say("nobody")
        before = len(_progress.load())
        notice = _progress.forget(prefix)
        n = before - len(_progress.load())
        said = _say(f"deleted{some}", n=n, what=prefix)
        return f"{said} {notice}".strip()

    def _prefix(self, what):
        """Return the key that `what` means, or raise."""
        if what is None:
            return "" if self.overview else self.rows[0]["lesson"]
        lesson, _, name = str(what).partition("/")
        lesson = find_lesson(lesson)
        names = [r["exercise"] for r in progress(lesson).rows]
        if name and name not in ("quiz", *names):
            facts = {"lesson": lesson, "names": ", ".join(names), "name": name}
            raise ValueError(_say("no_exercise", **facts))
        return f"{lesson}/{name}" if name else lesson

    def _title(self):
        facts = {"done": self.done, "total": len(self.rows), "percent": self.percent}
        return _say("title", **facts)

    def _overview(self):
        """Return a row of cells for each lesson."""
        lessons = dict.fromkeys(row["lesson"] for row in self.rows)
        return [self._lesson(name) for name in lessons]

    def _lesson(self, name):
        """Return the cells of one lesson."""
        mine = [row for row in self.rows if row["lesson"] == name]
        cells = [name]
        for quiz in (False, True):
            part = [r for r in mine if r["exercise"].startswith("quiz/") == quiz]
            done, total = sum(bool(r["passed"]) for r in part), len(part)
            key = "none" if not total else "all_of" if done == total else "of"
            cells.append(_say(key, done=done, total=total))
        last = max(row["last"] for row in mine)
        return [*cells, _progress.when(last) if last else _say("never")]

    def _details(self):
        """Return (lesson, rows of cells) for each lesson begun or asked for."""
        parts = {}
        for row in self.rows:
            hints = str(row["hints"] or "")
            if row["solution_seen"]:
                one = "hints_and_solution" if hints else "solution"
                hints = _say(one, hints=hints)
            last = _progress.when(row["last"]) if row["last"] else ""
            cells = [row["title"], row["state"], str(row["tries"] or ""), hints, last]
            parts.setdefault(row["lesson"], []).append(cells)
        begun = {row["lesson"] for row in self.rows if row["last"]}
        return [(k, v) for k, v in parts.items() if k in begun or not self.overview]

    def __repr__(self):
        lines = [self._title()]
        if self.overview:
            lines += ["", *text_lines([_say("heads"), *self._overview()], rule=True)]
        for lesson, rows in self._details():
            lines += ["", lesson, *text_lines([_say("row_heads"), *rows], rule=True)]
        return "\n".join(lines)

    def _repr_html_(self):
        """Return the tables for a notebook, the exercises folded under the lessons."""
        how = {"row_heads": True, "style": TABLE, "cell": CELL}
        details = "".join(
            f"<div style='margin-top:8px'><b>{lesson}</b></div>"
            + html_table(_say("row_heads"), rows, **how)
            for lesson, rows in self._details()
        )
        head = f"<b>{self._title()}</b>"
        if not self.overview:
            return f"<div>{head}{details}</div>"
        table = html_table(_say("heads"), self._overview(), **how)
        if details:
            fold = f"<summary style='cursor:pointer'>{_say('details')}</summary>"
            details = f"<details>{fold}{details}</details>"
        return f"<div>{head}{table}{details}</div>"
