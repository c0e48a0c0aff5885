"""What a learner has done, in one JSON file that two notebooks may write at once.

The file is ``progress.json`` in the user's data folder, or in the folder that the
environment variable ``HPKIT_HOME`` names. Each change reads, changes and replaces it
under a lock. Where it cannot be written, changes stay in memory and the feedback says
so. The table that shows it is in `_table`.
"""

import json
import os
import threading
import time
from datetime import datetime
from pathlib import Path

WORDS = {
    "memory": "Your progress could not be saved ({error}). It is kept until this "
    "kernel stops. To save it elsewhere set HPKIT_HOME to a folder you can write to.",
    "damaged": "The progress file was damaged. It is set aside as {path}, and a new "
    "one was begun.",
}
LOCK_SECONDS = (
    10  # a change takes a millisecond; a lock held longer is somebody's fault
)
VERSION = 1

_guard = threading.RLock()
_unsaved = {}  # key: entry, or None for a deleted one; what no file could take
_notices = []  # to be said with the next feedback


def folder():
    """Return the folder that holds the progress file."""
    if home := os.environ.get("HPKIT_HOME"):
        return Path(home).expanduser()
    import platformdirs

    return Path(platformdirs.user_data_dir("hpkit", appauthor=False))


def now():
    """Return the time as text, with the offset from UTC."""
    return datetime.now().astimezone().isoformat(timespec="seconds")


def when(stamp):
    """Return a time as people write it."""
    return datetime.fromisoformat(stamp).strftime("%Y-%m-%d %H:%M")


# ---- the file ----------------------------------------------------------------------


def parse(text):
    """Return the entries of a file's text, or raise ValueError."""
    data = json.loads(text)
    entries = data["entries"] if isinstance(data, dict) and "entries" in data else None
    if not isinstance(entries, dict):
        raise ValueError("no entries")
    for entry in entries.values():
        if not isinstance(entry, dict) or not isinstance(entry.get("tries"), int):
            raise ValueError("an entry without tries")
        for stamp in ("last", "passed"):
            if entry.get(stamp) is not None:
                datetime.fromisoformat(entry[stamp])
    return entries


def read(path, *, set_aside):
    """Return the entries on disk; a damaged file is set aside if that is allowed."""
    try:
        return parse(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError):
        if set_aside:
            aside = path.with_name(f"progress.damaged-{time.time_ns()}.json")
            os.replace(path, aside)
            _notices.append(WORDS["damaged"].format(path=aside))
        return {}


def write(path, entries):
    """Replace the file at once: a reader sees the old one or the new one, whole."""
    text = json.dumps(
        {"version": VERSION, "entries": entries}, indent=1, sort_keys=True
    )
    draft = path.with_suffix(".json.new")  # one name is enough: the lock is held
    with open(draft, "w", encoding="utf-8") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    for attempt in range(20):
        try:
            os.replace(draft, path)
            return
        except PermissionError:  # Windows, while somebody reads the old one
            if attempt == 19:
                raise
            time.sleep(0.05)


def change(update):
    """Let `update(entries)` change the entries, safely; return what must be said.

    Returns
    -------
    str
        Empty when all is well.
    """
    import filelock

    path = folder() / "progress.json"
    with _guard:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with filelock.FileLock(f"{path}.lock", timeout=LOCK_SECONDS):
                entries = merged(read(path, set_aside=True))
                update(entries)
                write(path, entries)
            _unsaved.clear()
        except (OSError, NotImplementedError) as error:  # Timeout is an OSError
            keep_in_memory(path, update)
            why = getattr(error, "strerror", None) or str(error) or type(error).__name__
            _notices.append(WORDS["memory"].format(error=why))
        said = " ".join(dict.fromkeys(_notices))
        _notices.clear()
        return said


def keep_in_memory(path, update):
    """Do a change in memory alone."""
    before = load(path)
    entries = {key: dict(entry) for key, entry in before.items()}
    update(entries)
    for key in before.keys() | entries.keys():
        if entries.get(key) != before.get(key):
            _unsaved[key] = entries.get(key)


def merged(entries):
    """Return entries with those that only memory knows."""
    entries = {**entries, **_unsaved}
    return {key: entry for key, entry in entries.items() if entry is not None}


def load(path=None):
    """Return all entries: on disk and in memory, by key."""
    with _guard:
        try:
            entries = read(path or folder() / "progress.json", set_aside=False)
        except OSError:
            entries = {}
        return merged(entries)


# ---- what is kept ------------------------------------------------------------------


def record(key, outcome, **more):
    """Keep a try; a pass stays a pass whatever comes after it."""

    def update(entries):
        entry = dict(entries.get(key, {}))
        entry.update(
            tries=entry.get("tries", 0) + 1, outcome=outcome, last=now(), **more
        )
        if outcome == "correct":
            entry.setdefault("passed", entry["last"])
        entries[key] = entry

    return change(update)


def note(key, **more):
    """Keep that a hint or a solution was looked at; no try is counted."""

    def update(entries):
        entries[key] = {"tries": 0, "last": now(), **entries.get(key, {}), **more}

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
