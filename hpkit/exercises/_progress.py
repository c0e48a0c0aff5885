"""What a learner has done, in one JSON file that two notebooks may write at once.

The file is ``progress.json`` in the user's data folder, or in the folder that the
environment variable ``HPKIT_HOME`` names. Where it cannot be written, changes stay in
memory and the feedback says so. The table that shows it is in `_table`.
"""

import os
from datetime import datetime
from pathlib import Path

from hpkit.exercises._feedback import CORRECT, SIGNS
from hpkit.locale import words
from hpkit.store import Store, check_kinds, now

VERSION = 1
# What may stand in an entry: anything else is no file of ours.
_TEXTS = dict.fromkeys(("outcome", "choice", "first", "last"), str)
KINDS = {"tries": int, "hints": int, "solution": bool, "passed": str | None} | _TEXTS


def folder():
    """Return the folder that holds the progress file."""
    if home := os.environ.get("HPKIT_HOME"):
        return Path(home).expanduser()
    import platformdirs

    return Path(platformdirs.user_data_dir("hpkit", appauthor=False))


def when(stamp):
    """Return a time as people write it."""
    return datetime.fromisoformat(stamp).strftime("%Y-%m-%d %H:%M")


def check(data):
    """Raise unless these are entries as `record` and `note` write them."""
    for entry in data["entries"].values():
        names = KINDS.keys() & {"tries", "last", *entry}
        check_kinds(entry, {name: KINDS[name] for name in names})
        if entry.get("outcome", CORRECT) not in SIGNS:
            raise ValueError("no such outcome")
        for stamp in ("last", "passed"):
            if entry.get(stamp) is not None:
                when(entry[stamp])


_store = Store(None, {"version": VERSION, "entries": {}}, check, {})


def kept():
    """Return the store, at the place where the progress is kept now."""
    _store.path = folder() / "progress.json"
    _store.words = words("exercises")["progress"]
    return _store


def load():
    """Return all entries: on disk and in memory, by key."""
    return kept().load()["entries"]


def change(update):
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

    return change(update)


def note(key, **more):
    """Keep that a hint or a solution was looked at; no try is counted."""
    last = now()

    def update(entries):
        entries[key] = {"tries": 0, "last": last, **entries.get(key, {}), **more}

    return change(update)


def forget(prefix):
    """Delete an exercise ("lesson/name"), a lesson ("lesson") or all ("")."""

    def update(entries):
        for key in list(entries):
            if not prefix or key == prefix or key.startswith(f"{prefix}/"):
                del entries[key]

    return change(update)


def passed_on(key):
    """Return when an exercise was passed, as people write it, or None."""
    stamp = load().get(key, {}).get("passed")
    return when(stamp) if stamp else None
