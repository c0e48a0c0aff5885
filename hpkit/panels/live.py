"""The one mechanism under all panels: work in a thread, draw as it goes, stop at once.

A job is a generator: it trains a little, writes down what there is, and yields. Between
two yields it can be stopped, paused, replaced and drawn. `yield False` says that there
is nothing new to draw. Nothing here knows a widget.

Why a thread and an Event: a loop in a button's callback keeps the kernel from reading
the click on Stop, with every version of ipykernel.
"""

import atexit
import threading
import time
from collections import deque
from contextlib import closing, contextmanager
from weakref import WeakSet

from hpkit.engine.training import TURN

FRAME = 1 / 15  # seconds between two pictures: smooth to the eye, cheap to send
THREAD = "hpkit panel"
_REST = 20  # times as long as a picture took lie between two: training comes first
_AT_ONCE = 2.0  # seconds that a panel may train before it is shown
CHOSEN = 0.4  # seconds without a move after which what a control shows counts
LAST = 5.0  # seconds that threads have to end before Python does


class _Turns:
    """A lock that goes to the one who has waited longest: panels train by turns."""

    def __init__(self):
        self.waiting, self.lock = deque(), threading.Lock()

    def __enter__(self):
        mine = threading.Lock()
        mine.acquire()
        with self.lock:
            self.waiting.append(mine)
            if len(self.waiting) == 1:
                mine.release()
        mine.acquire()

    def __exit__(self, *_):
        with self.lock:
            self.waiting.popleft()
            if self.waiting:
                self.waiting[0].release()


_turns = _Turns()


class Live:
    """Works through the newest job, one at a time."""

    # `draw()` shows the state: called under `lock`, up to 15 times a second, and at the
    # end; `fail(error)` shows an error of a job.

    def __init__(self, draw, fail):
        self.draw, self.fail = draw, fail
        self.lock = threading.RLock()  # all state of the panel sits behind it
        self.busy = False
        self._next = self._thread = None
        self._halt, self._go = threading.Event(), threading.Event()
        _lives.add(self)

    @property
    def asked(self):
        """Whether a newer job waits: a job that only rests should end."""
        return self._next is not None

    @property
    def paused(self):
        """Whether the job rests until `resume`."""
        return self.busy and not self._go.is_set()

    def start(self, job, *, replace=True):
        """Start a job for all that wait and, with `replace`, for the running one."""
        # Without `replace` the running one ends first. While a slider is dragged this
        # is what brings pictures: stopped at each move, no training would ever end.
        with self.lock:
            self._next = job
            self._go.set()
            if replace:
                self._halt.set()
            if self._thread is None:
                self.busy, how = True, {"name": THREAD, "daemon": True}
                self._thread = threading.Thread(target=self._work, **how)
                self._thread.start()

    def now(self, job, *, seconds=_AT_ONCE):
        """Do a job before returning; what takes longer goes on in the thread."""
        until = time.perf_counter() + seconds
        with self.lock, self._errors_shown():
            for _ in job:
                if time.perf_counter() > until:
                    self.start(job)
                    break
        with self.lock, self._errors_shown():
            self.draw()

    def stop(self):
        """Stop what runs and forget what waits; returns at once."""
        with self.lock:
            self._next = None
            self._halt.set()
            self._go.set()

    def pause(self):
        self._go.clear()

    def resume(self):
        self._go.set()

    def rest(self, seconds=CHOSEN):
        """Rest, unless a newer job waits: until nothing has moved for a moment."""
        until = time.perf_counter() + seconds
        while time.perf_counter() < until and not self.asked:
            time.sleep(0.02)
            yield False

    def wait(self, timeout=None):
        """Wait until nothing runs (raises TimeoutError after `timeout` seconds)."""
        until = time.monotonic() + (float("inf") if timeout is None else timeout)
        while (thread := self._thread) is not None:
            # In short pieces: an interrupt of the kernel gets in.
            thread.join(min(0.05, max(0.0, until - time.monotonic())))
            if thread.is_alive() and time.monotonic() > until:
                raise TimeoutError(f"the panel still trains after {timeout:g} s")

    def _work(self):
        """Do the newest job until there is none (the thread)."""
        ran = False
        TURN.set(_turns)
        while True:
            with self.lock:
                job, self._next = self._next, None
                self.busy = job is not None
                if ran or not self.busy:
                    with self._errors_shown():
                        self.draw()
                if not self.busy:
                    self._thread = None
                    return
                self._halt.clear()
            # Its own `finally` writes down what a stopped job has.
            with self._errors_shown(), closing(job):
                self._steps(job)
            ran = True

    def _steps(self, job):
        """Step through a job and draw, until its end or a stop."""
        due_at, stale = 0.0, False
        for news in job:
            if self._halt.is_set():
                return
            stale = stale or news is not False
            due = time.perf_counter() >= due_at or news is False
            if stale and (due or self.paused):
                begin = time.perf_counter()
                with self.lock:
                    self.draw()
                end, stale = time.perf_counter(), False
                due_at = end + max(FRAME, _REST * (end - begin))
            self._go.wait()

    @contextmanager
    def _errors_shown(self):
        try:
            yield
        except Exception as error:
            with self.lock:
                self.fail(error)


def play(show, values, pause):
    """Show one value after the other, slowly (a job)."""
    # `show(value)` sets the state. Values are asked for one by one, so that they may
    # follow the controls; `pause` seconds lie before each.
    for value in values:
        time.sleep(pause)
        yield False  # a stop is seen here, before the next step
        show(value)
        yield


_lives = WeakSet()


@atexit.register
def _end_all():
    """End all threads: torch aborts a Python that ends while one still trains."""
    until = time.monotonic() + LAST
    for live in list(_lives):
        live.stop()
    for live in list(_lives):
        if thread := live._thread:
            thread.join(max(0.0, until - time.monotonic()))


_makers = {}  # cell or kind of panel: (its execution, the panels made by it)
_makers_lock = threading.Lock()


def stop_earlier(panel, kind):
    """End the panels that an earlier run of the same cell made."""
    # Where the front end tells no cell (a script), those of the same `kind`.
    cell, execution = running_cell()
    key = cell or kind
    with _makers_lock:
        before, panels = _makers.get(key, (None, ()))
        if before is None or before != execution or not cell:
            for old in panels:
                old.end() if cell else old.stop()
            _makers[key] = execution or "", WeakSet()
        _makers[key][1].add(panel)


def running_cell():
    """Return the id of the cell that runs and of this run of it, or (None, None)."""
    from IPython import get_ipython

    kernel = getattr(get_ipython(), "kernel", None)
    message = kernel.get_parent("shell") if kernel else {}
    cell = message.get("metadata", {}).get("cellId")
    return cell, message.get("header", {}).get("msg_id")
