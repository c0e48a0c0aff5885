"""`Live` runs the jobs of a panel in a thread; `stop_earlier` ends replaced panels.

A job is a generator: it trains a little, stores what it has so far, and yields. At a
`yield` it can be stopped, paused or replaced, and the panel can be drawn. `yield False`
says that there is nothing new to draw.
"""

import atexit
import threading
import time
from contextlib import closing, contextmanager
from weakref import WeakSet

from hpkit import hyperparameters as hyper
from hpkit.engine.training import TURN

FRAME = 1 / 15  # seconds between two pictures: smooth to the eye, cheap to send
THREAD = "hpkit panel"
SETTLED = 0.4  # seconds without a move after which the value of a control counts
_PAUSE_PER_DRAW = 20  # times as long as drawing took: training comes first
_WAIT_TO_SHOW = 2.0  # seconds that a panel may train before it is shown
_WAIT_AT_EXIT = 5.0  # seconds that threads have to end before Python does
_turns = threading.Lock()  # panels take turns to train


class Live:
    """Runs the newest job, one at a time, in a thread."""

    # `draw()` shows the state: called with `lock` held, up to 15 times a second, and at
    # the end; `fail(error)` shows an error of a job. Why a thread and an Event: a loop
    # in a button's callback keeps the kernel from reading the click on Stop.

    def __init__(self, draw, fail):
        self.draw, self.fail = draw, fail
        self.lock = threading.RLock()  # guards all state of the panel
        self.busy = False
        self.next_job = None  # waits for the running one, whose `rest` then ends
        self._thread = None
        self._halt, self._go = threading.Event(), threading.Event()
        self.pause, self.resume = self._go.clear, self._go.set

    @property
    def paused(self):
        """Whether the job rests until `resume`."""
        return self.busy and not self._go.is_set()

    def start(self, job, *, replace=True):
        """Start a job instead of the waiting and, with `replace`, the running one."""
        # Without `replace` the running one ends first. While a slider is dragged, only
        # that produces pictures: if each move stopped it, no training would ever end.
        with self.lock:
            self.next_job = job
            self.resume()
            if replace:
                self._halt.set()
            if self._thread is None:
                self.busy, self.announced = True, time.monotonic()
                self._thread = threading.Thread(None, self._work, THREAD, daemon=True)
                self._thread.start()

    def run_now(self, job, *, seconds=_WAIT_TO_SHOW):
        """Run a job before returning; after `seconds` it goes on in the thread."""
        deadline = time.perf_counter() + seconds
        with self.lock:
            with self._show_errors():
                for _ in job:
                    if time.perf_counter() > deadline:
                        self.start(job)
                        break
            with self._show_errors():
                self.draw()

    def stop(self):
        """Stop the running job and drop the waiting one; returns at once."""
        with self.lock:
            self.next_job = None
            self._halt.set()
            self.resume()

    def rest(self, seconds=SETTLED):
        """Rest until nothing has moved for a moment, or a newer job waits."""
        deadline = time.perf_counter() + seconds
        while time.perf_counter() < deadline and not self.next_job:
            time.sleep(0.02)
            yield False

    def wait(self, timeout=None):
        """Wait until nothing runs (raises TimeoutError after `timeout` seconds)."""
        deadline = time.monotonic() + (float("inf") if timeout is None else timeout)
        while self._thread is not None:
            if time.monotonic() > deadline:
                raise hyper.refusal("panel_trains", timeout, kind=TimeoutError)
            # Up to Python 3.12, interrupting `join` breaks the thread it waits for.
            time.sleep(0.01)

    def _work(self):
        """Run the newest job until none is left (the thread)."""
        ran = False
        TURN.set(_turns)
        while True:
            with self.lock:
                job, self.next_job = self.next_job, None
                self.busy = job is not None
                if ran or not self.busy:
                    with self._show_errors():
                        self.draw()
                if not self.busy:
                    self._thread = None
                    return
                self._halt.clear()
            # Closing a stopped job runs its `finally`, which stores what it has.
            with self._show_errors(), closing(job):
                self._run(job)
            ran = True

    def _run(self, job):
        """Step through a job and draw, until its end or a stop."""
        draw_at, stale = 0.0, False
        for news in job:
            stale = stale or news is not False
            due = time.perf_counter() >= draw_at or news is False
            if stale and (due or self.paused) and not self._halt.is_set():
                begin = time.perf_counter()
                with self.lock:
                    self.draw()
                end, stale = time.perf_counter(), False
                draw_at = end + max(FRAME, _PAUSE_PER_DRAW * (end - begin))
            self._go.wait()
            if self._halt.is_set():  # perhaps set while drawing
                return

    @contextmanager
    def _show_errors(self):
        try:
            yield
        except Exception as error:
            with self.lock:
                self.fail(error)


_panels = WeakSet()  # those that no later run of their cell has ended


@atexit.register
def _end_all():
    """End all threads: torch aborts a Python that exits while one still trains."""
    deadline = time.monotonic() + _WAIT_AT_EXIT
    for panel in list(_panels):
        panel.stop()
    for panel in list(_panels):
        if thread := panel.live._thread:
            thread.join(max(0.0, deadline - time.monotonic()))


def stop_earlier(panel):
    """End the panels that an earlier run of the same cell made."""
    panel.made_in = cell, execution = running_cell()
    for old in list(_panels):
        earlier = execution is None or old.made_in != panel.made_in
        if cell and old.made_in[0] == cell and earlier:
            old.end()
            _panels.remove(old)
    _panels.add(panel)


def running_cell():
    """Return ids of the running cell and of this run of it; in a script, two Nones."""
    from IPython import get_ipython

    kernel = getattr(get_ipython(), "kernel", None)
    message = kernel.get_parent("shell") if kernel else {}
    # Some front ends give cells no id; there the code identifies the cell.
    code = message.get("content", {}).get("code")
    cell = message.get("metadata", {}).get("cellId") or code
    return cell, message.get("header", {}).get("msg_id")
