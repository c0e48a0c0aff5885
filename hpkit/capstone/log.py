"""`RunLog`: a small JSON file that goes on tomorrow, or memory where none can be.

Two notebooks may change it at once; each change reads, changes and replaces the file
under a lock. What stands in it is its user's part (`capstone`).
"""

import contextlib
import json
import os
import threading
import time
from copy import deepcopy
from datetime import datetime

FORMAT, VERSION = "hpkit run log", 1
LOCK_SECONDS = 10  # a change takes a millisecond; a longer one is somebody's fault

# What a learner reads.
WORDS = {
    "memory": "The log could not be written ({error}). It stays in memory until this "
    "kernel stops; to keep it, give a folder that you can write to: folder=...",
    "damaged": "The log was damaged. It is set aside as {name}, and a new one was "
    "begun.",
}


def now():
    """Return the time as text, with the offset from UTC."""
    return datetime.now().astimezone().isoformat(timespec="seconds")


class RunLog:
    """A dict that is kept in a JSON file.

    Parameters
    ----------
    path : pathlib.Path or None
        None keeps it in memory. No file is made before the first change.
    first : dict
        What a new log holds.

    Attributes
    ----------
    notices : list of str
        What its user must be told; empty when all is well.
    """

    def __init__(self, path, first):
        self.path, self.first, self.notices = path, first, []
        self._memory = deepcopy(first) if path is None else None
        self._guard = threading.RLock()

    @property
    def in_memory(self):
        """Whether no file holds it."""
        return self._memory is not None

    def load(self):
        """Return what the log holds now; changing that changes no log."""
        with self._guard:
            if self.in_memory:
                return deepcopy(self._memory)
            try:
                return self._read()
            except OSError as error:
                self._keep_in_memory(deepcopy(self.first), error)
                return deepcopy(self._memory)

    def change(self, update):
        """Let `update(data)` change the log, safely, and return the new one."""
        import filelock

        with self._guard:
            if self.in_memory:
                update(self._memory)
                return self.load()
            data = deepcopy(self.first)
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                with filelock.FileLock(f"{self.path}.lock", timeout=LOCK_SECONDS):
                    data = self._read()
                    update(data)
                    self._write(data)
            except (OSError, NotImplementedError) as error:  # Timeout is an OSError
                if data == self.first:  # could not even be read
                    update(data)
                self._keep_in_memory(data, error)
            return deepcopy(data)

    def twins(self, key):
        """Return the other logs of its folder for the same rows that hold `key`."""
        found, paths = [], [] if self.path is None else self.path.parent.glob("*.json")
        for path in paths:
            with contextlib.suppress(OSError, ValueError):
                data = json.loads(path.read_text(encoding="utf-8"))
                ours = isinstance(data, dict) and data.get("format") == FORMAT
                if (
                    ours
                    and path != self.path
                    and data.get("rows") == self.first["rows"]
                ):
                    found.append(data)
        return [data for data in found if data.get(key)]

    def _keep_in_memory(self, data, error):
        self._memory = data
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        self.notices.append(WORDS["memory"].format(error=why))

    def _read(self):
        """Return what the file holds; a damaged one is set aside."""
        try:
            data = json.loads(self.path.read_text(encoding="utf-8"))
            if data["format"] != FORMAT or not self.first.keys() <= data.keys():
                raise ValueError("another kind of file")
            return data
        except FileNotFoundError:
            return deepcopy(self.first)
        except (ValueError, TypeError, KeyError):
            aside = self.path.with_name(
                f"{self.path.stem}.damaged-{time.time_ns()}.json"
            )
            os.replace(self.path, aside)
            self.notices.append(WORDS["damaged"].format(name=aside.name))
            return deepcopy(self.first)

    def _write(self, data):
        """Replace the file at once: a reader sees the old one or the new one, whole."""
        draft = self.path.with_suffix(".json.new")
        with open(draft, "w", encoding="utf-8") as file:
            file.write(as_text({"format": FORMAT, "version": VERSION} | data))
            file.flush()
            os.fsync(file.fileno())
        for attempt in range(20):
            try:
                return os.replace(draft, self.path)
            except PermissionError:  # Windows, while somebody reads the old one
                if attempt == 19:
                    raise
                time.sleep(0.05)


def as_text(data):
    """Return a dict as JSON that a person can read: a line for each list member."""
    lines = []
    for key, value in data.items():
        text = json.dumps(value)
        if isinstance(value, list) and value:
            text = "[\n  " + ",\n  ".join(map(json.dumps, value)) + "\n]"
        lines.append(f"{json.dumps(key)}: {text}")
    return "{\n" + ",\n".join(lines) + "\n}\n"
