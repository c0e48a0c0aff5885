"""Small JSON files that outlast a kernel: progress, a capstone's log, a test box.

Two notebooks may change a file at once: each change reads, changes and replaces it
under a lock. A file that makes no sense is set aside, and a change that no file can
take waits in memory for the next one: trouble with a disk never stops a lesson.
"""

import json
import os
import threading
import time
from contextlib import suppress
from copy import deepcopy
from datetime import datetime
from pathlib import Path

LOCK_SECONDS = 10  # a change takes milliseconds; whoever holds it longer is stuck
_ATTEMPTS, RETRY_SECONDS = 20, 0.05  # Windows replaces no file that is being read
# What reading a damaged or hostile file raises, however deep it is nested.
DAMAGED = (ValueError, TypeError, LookupError, AttributeError)
DAMAGED += (ArithmeticError, RecursionError)


def home():
    """Return the folder of a user's own files: HPKIT_HOME, or the system's for data."""
    if place := os.environ.get("HPKIT_HOME"):
        return Path(place).expanduser()
    import platformdirs

    return Path(platformdirs.user_data_dir("hpkit", appauthor=False))


class Store:
    """A dict in a JSON file or in memory; `notices` are what its user must be told."""

    def __init__(self, path, new, check, words):
        self.path, self.new, self.check, self.words = path, new, check, words
        self.notices = []
        self._waiting = []  # changes that no file has taken
        self._guard = threading.RLock()

    @property
    def in_memory(self):
        """Whether something of it is in no file."""
        return self.path is None or bool(self._waiting)

    def load(self):
        """Return what is kept now; changing that changes nothing here."""
        with self._guard:
            with suppress(OSError):
                return self._changed(self._read())
            return self._changed(deepcopy(self.new))

    def change(self, update):
        """Let `update(data)` change what is kept, and return the new state."""
        # What `update` does may depend on `data` alone: it is done again on what
        # another notebook has written if no file can take it now.
        import filelock

        with self._guard:
            if self.path is None:
                self._waiting.append(update)
                return self.load()
            try:
                lock = f"{self.path}.lock"  # whose folder is made with it
                with filelock.FileLock(lock, timeout=LOCK_SECONDS):
                    data = self._changed(self._read(set_aside=True))
                    update(data)
                    write(self.path, json.dumps(data))
            except (OSError, NotImplementedError) as error:  # Timeout is an OSError
                self._waiting.append(update)
                self._notify("memory", error=error_reason(error))
                return self.load()
            self._waiting.clear()
            return data

    def _changed(self, data):
        for update in self._waiting:
            update(data)
        return data

    def _read(self, set_aside=False):
        if self.path is None:
            return deepcopy(self.new)
        try:
            data = deepcopy(self.new) | json.loads(self.path.read_text("utf-8"))
            self.check(data)
            return data
        except FileNotFoundError:
            pass
        except DAMAGED:
            if set_aside:  # under another name: nothing is lost
                name = f"{self.path.stem}.damaged-{time.time_ns()}.json"
                aside = self.path.replace(self.path.with_name(name))
                self._notify("damaged", path=aside)
        return deepcopy(self.new)

    def _notify(self, key, **facts):
        text = self.words[key].format(**facts)
        if text not in self.notices:
            self.notices.append(text)


def write(path, content):
    """Replace a file at once: it is the old one or the new one, whole."""
    path = Path(path)
    draft = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}.new")
    if isinstance(content, str):
        content = content.encode("utf-8", "replace")
    try:
        with open(draft, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        for _ in range(_ATTEMPTS - 1):
            with suppress(PermissionError):
                return os.replace(draft, path)
            time.sleep(RETRY_SECONDS)
        os.replace(draft, path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def check_kinds(part, kinds):
    for name, kind in kinds.items():
        if not isinstance(part[name], kind):
            raise TypeError(f"{name} is of another kind")


def error_reason(error):
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def now():
    return datetime.now().astimezone().isoformat(timespec="seconds")
