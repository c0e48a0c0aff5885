"""What a learner has done: one JSON file that two notebooks may write, and a table.

The file is ``progress.json`` in the user's data folder, or in the folder that the
environment variable ``HPKIT_HOME`` names. Where it cannot be written, changes stay in
memory and the feedback says so. `progress` is the table: HTML, or text elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from hpkit.hyperparameters import brief, refused
from hpkit.locale import say, words
from hpkit.store import Store, check_kinds, forget_guesses, guesses, home, now

if TYPE_CHECKING:
    import pandas as pd

CORRECT, NOT_YET = "correct", "not yet"
NOT_ATTEMPTED, COULD_NOT_CHECK = "not attempted", "could not check"
OUTCOMES = (CORRECT, NOT_YET, NOT_ATTEMPTED, COULD_NOT_CHECK)
# What may stand in an entry: anything else is no file of ours.
_TEXTS = dict.fromkeys(("outcome", "choice", "first", "last"), str)
KINDS = {"tries": int, "hints": int, "solution": bool, "passed": str | None} | _TEXTS


def when(stamp):
    return datetime.fromisoformat(stamp).strftime("%Y-%m-%d %H:%M")


def _check(data):
    """Raise unless these are entries as `record` and `note` write them."""
    for entry in data["entries"].values():
        names = KINDS.keys() & {"tries", "last", *entry}
        check_kinds(entry, {name: KINDS[name] for name in names})
        if entry.get("outcome", CORRECT) not in OUTCOMES:
            raise ValueError("no such outcome")
        for stamp in ("last", "passed"):
            if entry.get(stamp) is not None:
                when(entry[stamp])


_store = Store(None, {"version": 1, "entries": {}}, _check, {})


def kept():
    _store.path = home() / "progress.json"
    _store.words = words("exercises")["progress"]
    return _store


def load():
    return kept().load()["entries"]


def _change(update):
    """Let `update(entries)` change the entries, safely; return what must be said."""
    store = kept()
    store.change(lambda data: update(data["entries"]))
    said = " ".join(store.notices)
    store.notices.clear()
    return said


def record(key, outcome, **more):
    """Keep a try; a pass stays a pass whatever comes after it."""
    last = now()

    def update(entries):
        entry = entries.setdefault(key, {})
        tries = entry.get("tries", 0) + 1
        entry.update(tries=tries, outcome=outcome, last=last, **more)
        if outcome == CORRECT:
            entry.setdefault("passed", last)

    return _change(update)


def note(key, **more):
    """Keep that a hint or a solution was looked at; no try is counted."""
    last = now()

    def update(entries):
        entries[key] = {"tries": 0, "last": last, **entries.get(key, {}), **more}

    return _change(update)


def forget(prefix):
    def update(entries):
        for key in list(entries):
            if not prefix or key == prefix or key.startswith(f"{prefix}/"):
                del entries[key]

    return _change(update)


def passed_on(key):
    stamp = load().get(key, {}).get("passed")
    return when(stamp) if stamp else None


# ---- the table ---------------------------------------------------------------------


def _say(key, **facts):
    return say(f"exercises.progress.{key}", **facts)


def progress(lesson: str | int | None = None) -> Progress:
    """Return what was done in the exercises and quizzes: a table that shows itself.

    Parameters
    ----------
    lesson : str or int, optional
        A lesson's name or number, such as "02_learning_rate" or 2; default all.

    Examples
    --------
    >>> progress(2).rows[0]["lesson"]
    '02_learning_rate'
    """
    from hpkit.exercises import LESSONS

    names = LESSONS if lesson is None else (_find_lesson(lesson),)
    entries = load()
    rows = [row for name in names for row in _lesson_rows(name, entries)]
    return Progress(tuple(rows), lesson is None)


def _find_lesson(lesson):
    from hpkit.exercises import LESSONS

    said = lesson if isinstance(lesson, str) else brief(lesson)
    for name in LESSONS:
        number = name.split("_")[0]
        if said in (name, number, number.lstrip("0") or "0"):
            return name
    rule = _say("no_lesson", lessons=", ".join(LESSONS))
    raise refused(rule, lesson, _say("no_lesson_hint"))


def _lesson_title(name):
    from hpkit.exercises._core import load_texts

    return f"{name.split('_')[0]} {load_texts(name)['title']}"


def _lesson_rows(name, entries):
    from hpkit.exercises import load_lesson

    lesson = load_lesson(name)
    titles = {one.name: one.words["title"] for one in lesson.EXERCISES}
    for n in range(1, len(lesson.quiz) + 1):
        titles[f"quiz/{n}"] = _say("question", n=n)
    return [_row(name, k, title, entries) for k, title in titles.items()]


def _row(lesson, name, title, entries):
    entry = entries.get(f"{lesson}/{name}")
    known = entry or {}
    return {
        "lesson": lesson,
        "exercise": name,
        "title": title,
        "state": _say("state")[_state(entry)],
        "tries": known.get("tries", 0),
        "hints": known.get("hints", 0),
        "solution_seen": bool(known.get("solution")),
        "passed": known.get("passed") or "",
        "last": known.get("last") or "",
    }


def _state(entry):
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

    With all lessons in it, it is an `overview` and shows a line for each.
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
        return home() / "progress.json"

    def to_frame(self) -> pd.DataFrame:
        """Return a pandas DataFrame, one row for each exercise and question."""
        import pandas as pd

        return pd.DataFrame(list(self.rows))

    def reset(self, what: str | None = None, *, sure: bool = False) -> str:
        """Delete the progress of one exercise, one lesson or all, after a question.

        `what`: "02_learning_rate/good_rate", a lesson's name or number; default the
        lessons of this table. `sure` asks nothing.
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
        before = len(load())
        notice = forget(prefix)
        if not prefix:
            forget_guesses()
        n = before - len(load())
        said = _say(f"deleted{some}", n=n, what=prefix)
        return f"{said} {notice}".strip()

    def _prefix(self, what):
        if what is None:
            return "" if self.overview else self.rows[0]["lesson"]
        lesson, _, name = str(what).partition("/")
        lesson = _find_lesson(lesson)
        names = [r["exercise"] for r in progress(lesson).rows]
        if name and name not in ("quiz", *names):
            facts = {"lesson": lesson, "names": ", ".join(names), "name": name}
            raise ValueError(_say("no_exercise", **facts))
        return f"{lesson}/{name}" if name else lesson

    def _title(self):
        facts = {"done": self.done, "total": len(self.rows), "percent": self.percent}
        said = _say("title", **facts)
        if off := guesses():
            numbers = ", ".join(f"{100 * share:.0f}" for share in off[-12:])
            said += _say("guesses", n=len(off), off=numbers)
        return said

    def _overview(self):
        return [self._lesson(name) for name in {row["lesson"]: 0 for row in self.rows}]

    def _lesson(self, name):
        mine = [row for row in self.rows if row["lesson"] == name]
        cells = [_lesson_title(name)]
        for quiz in (False, True):
            part = [r for r in mine if r["exercise"].startswith("quiz/") == quiz]
            done, total = sum(bool(r["passed"]) for r in part), len(part)
            key = "none" if not total else "all_of" if done == total else "of"
            cells.append(_say(key, done=done, total=total))
        last = max(row["last"] for row in mine)
        return [*cells, when(last) if last else _say("never")]

    def _details(self):
        parts = {}
        for row in self.rows:
            hints = str(row["hints"] or "")
            if row["solution_seen"]:
                one = "hints_and_solution" if hints else "solution"
                hints = _say(one, hints=hints)
            last = when(row["last"]) if row["last"] else ""
            cells = [row["title"], row["state"], str(row["tries"] or ""), hints, last]
            parts.setdefault(row["lesson"], []).append(cells)
        begun = {row["lesson"] for row in self.rows if row["last"]}
        return [(k, v) for k, v in parts.items() if k in begun or not self.overview]

    def __repr__(self):
        from hpkit.text import text_lines

        lines = [self._title()]
        if self.overview:
            lines += ["", *text_lines([_say("heads"), *self._overview()], rule=True)]
        for lesson, rows in self._details():
            lines += [
                "",
                _lesson_title(lesson),
                *text_lines([_say("row_heads"), *rows], rule=True),
            ]
        return "\n".join(lines)

    def _repr_html_(self):
        from hpkit.text import html_table

        cell = "text-align:left;padding:3px 14px 3px 6px"
        how = {"row_heads": True, "style": "margin:6px 0", "cell": cell}
        details = "".join(
            f"<div style='margin-top:8px'><b>{_lesson_title(lesson)}</b></div>"
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
