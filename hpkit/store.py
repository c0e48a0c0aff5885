"""Small JSON files that outlast a kernel: progress, a capstone's log, a test box.

Two notebooks may change a file at once: each change reads, changes and replaces it
under a lock. A damaged file is set aside, and a change that cannot be written waits in
memory for the next one: trouble with a disk never stops a lesson.
"""

import json
import os
import threading
import time
from contextlib import suppress
from copy import deepcopy
from datetime import datetime
from pathlib import Path

LOCK_SECONDS = 10  # a change takes milliseconds; a process that locks longer is stuck
_ATTEMPTS, RETRY_SECONDS = 20, 0.05  # Windows lends a file to one at a time
# What reading a damaged or hostile file may raise; RecursionError if deeply nested.
DAMAGED = (ValueError, TypeError, LookupError, AttributeError)
DAMAGED += (ArithmeticError, RecursionError)


def home():
    """Return the folder for a user's files: HPKIT_HOME, or the system's for data."""
    if folder := os.environ.get("HPKIT_HOME"):
        return Path(os.path.expanduser(folder))  # an unknown ~user is a name
    import platformdirs

    return Path(platformdirs.user_data_dir("hpkit", appauthor=False))


class Store:
    """A dict in a JSON file or in memory; `notices` are messages for the user."""

    def __init__(self, path, new, check, words):
        self.path, self.new, self.check, self.words = path, new, check, words
        self.notices = []
        self._last = None  # what was read or written last
        self._pending = []  # changes that are not in the file
        self._thread_lock = threading.RLock()

    @property
    def in_memory(self):
        """Whether some of the data is in no file."""
        return bool(self._pending)

    def load(self):
        """Return a copy of the data."""
        with self._thread_lock:
            with suppress(OSError):
                return self._apply_pending(self._read())
            self._last = self._last or self.new  # not None: `_read` waits no more
            return self._apply_pending(deepcopy(self._last))

    def change(self, update):
        """Change the data by `update(data)`, and return a copy of the new data."""
        # `update` must depend on `data` alone: if the file cannot be written now, it is
        # called again later, on what another notebook may have written.
        import filelock

        with self._thread_lock:
            if self.path is None:
                self._pending.append(update)
                return self.load()
            try:
                lock = f"{self.path}.lock"  # FileLock also creates the folder
                with filelock.FileLock(lock, timeout=LOCK_SECONDS):
                    data = self._apply_pending(self._read(set_aside=True))
                    update(data)
                    write(self.path, json.dumps(data))
                    self._last = deepcopy(data)
            except (OSError, NotImplementedError) as error:  # Timeout is an OSError
                self._pending.append(update)
                self._notify("memory", error=error_reason(error))
                return self.load()
            self._pending.clear()
            return data

    def _apply_pending(self, data):
        for update in self._pending:
            update(data)
        return data

    def _read(self, set_aside=False):
        if self.path is None:
            return deepcopy(self.new)
        try:
            attempts = _ATTEMPTS if set_aside or self._last is None else 1
            text = _retry(lambda: self.path.read_text("utf-8-sig"), attempts)
            data = deepcopy(self.new) | json.loads(text)
            self.check(data)
            self._last = deepcopy(data)
            return data
        except FileNotFoundError:
            pass
        except DAMAGED:
            if set_aside:  # renamed, so that nothing is lost
                name = f"{self.path.stem}.damaged-{time.time_ns()}.json"
                aside = self.path.replace(self.path.with_name(name))
                self._notify("damaged", path=aside)
        return deepcopy(self.new)

    def _notify(self, key, **facts):
        text = self.words[key].format(**facts)
        if text not in self.notices:
            self.notices.append(text)


class StoredPairs(list):
    """A list of pairs, the first of each as text, that a store keeps, too."""

    def __init__(self, store, name):
        self.store, self.name = store, name
        super().__init__(map(tuple, store.load()[name]))

    def append(self, pair):
        first, second = pair
        super().append((str(first), second))
        self.store.change(lambda data: data[self.name].append([str(first), second]))

    def __reduce__(self):  # copies and other processes get a plain list
        return list, ([*self],)


def write(path, content):
    """Replace a file atomically: it is always the old one or the new one, complete."""
    path = Path(path)
    draft = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}.new")
    if isinstance(content, str):
        content = content.encode("utf-8", "replace")
    try:
        with open(draft, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        _retry(lambda: os.replace(draft, path), _ATTEMPTS)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def _retry(call, attempts):
    for _ in range(attempts - 1):
        with suppress(PermissionError):
            return call()
        time.sleep(RETRY_SECONDS)
    return call()


def check_kinds(record, kinds):
    for name, kind in kinds.items():
        if not isinstance(record[name], kind):
            raise TypeError(f"{name} is of another kind")


def error_reason(error):
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def now():
    return datetime.now().astimezone().isoformat(timespec="seconds")
