"""Training on other processes or machines, by any ``concurrent.futures.Executor``.

    grid_search(..., executor=loky.get_reusable_executor())     # this machine's cores
    grid_search(..., executor=client.get_executor())            # those of a Dask client

The runs of one batch size and network are a group, as in one process; with more workers
than groups, groups are cut. A group goes out as plain data, is trained for half a
second, comes back as plain arrays and goes out again, so that curves grow and a search
can be left at any time. On machines of one kind the numbers are bit for bit those of
one process; up to rounding where a group was cut and a layer has an odd width.

An error in a group costs that group: the search goes on and names it in
`Search.lost`. When a pool breaks (one killed process breaks it), the search goes on in
this process from where each group was. Dask itself gives a lost worker's group to
another one.

Worth it beyond a second or two of work; a pool needs about that to start. Refused: a
pool started by fork, in which torch hangs once it has used threads, and model functions
that cannot travel.
"""

import concurrent.futures as futures
import importlib.util
import pickle
import sys
import time
import warnings
from dataclasses import replace

import numpy as np

from hpkit.data.datasets import Split
from hpkit.engine.training import Training
from hpkit.hyperparameters import brief, refused
from hpkit.search.records import Lost
from hpkit.search.worker import Part, lively, work

CHUNK = 0.5  # seconds of training between two messages
SILENCE = 5  # seconds without an answer after which dead workers are looked for

# What a learner reads.
BROKE = (
    "the executor broke ({reason}); the search goes on in this process, nothing is lost"
)


class ExecutorWarning(UserWarning):
    """An executor is of no more use; the search goes on without it."""


class Spread:
    """A training whose groups are elsewhere: used as a `Training` is.

    Parameters
    ----------
    dataset, settings, seeds, model
        As in `Training`.
    executor : concurrent.futures.Executor
        Checked by `check_executor`.
    """

    def __init__(self, dataset, settings, *, seeds, model, executor):
        self.whole = Training(
            dataset, settings, seeds=seeds, model=model, workers=workers_of(executor)
        )
        self.executor, self.pending, self.lost, self.error = executor, {}, [], None
        self.heard = time.perf_counter()
        groups, self.whole.waiting = self.whole.waiting, []
        # Nobody needs the test rows to train.
        data = replace(
            dataset, test=Split(dataset.test.X[:0], dataset.test.y[:0]), test_looks=[]
        )
        self.idle = [self.part(data, group, model) for group in groups]

    def part(self, dataset, group, model):
        """Return a group as a `Part`."""
        numbers = tuple(dict.fromkeys(i for i, _ in group.runs))
        settings = tuple(self.whole.settings[i] for i in numbers)
        group = group._replace(runs=[(numbers.index(i), k) for i, k in group.runs])
        return Part(numbers, dataset, settings, self.whole.seeds, model, group)

    @property
    def finished(self):
        """Whether nothing is left to train."""
        return not self.pending and not self.idle

    def paused(self, pause):
        """Whether every run that is left has reached epoch `pause`."""
        return not self.pending and all(part.done >= pause for part in self.idle)

    def advance(self, seconds, pause=float("inf")):
        """Send out what is idle and take in what comes back, for about that long."""
        until = time.perf_counter() + seconds
        while True:
            self.send(pause)
            if not self.pending:
                return
            left = max(0.0, until - time.perf_counter())
            back = futures.wait(self.pending, left, "FIRST_COMPLETED").done
            for future in back:
                self.take(future)
            now = time.perf_counter()
            if back:
                self.heard = now
            elif now - self.heard > SILENCE and put_down(self.executor):
                self.go_on_here(futures.BrokenExecutor())
                self.idle += self.pending.values()
                self.pending = {}
            if now >= until:
                return

    def send(self, pause):
        """Give the executor every idle part that has not reached epoch `pause`."""
        ready = [part for part in self.idle if part.done < pause]
        self.idle = [part for part in self.idle if part.done >= pause]
        for part in ready:
            try:
                future = self.executor.submit(work, part, CHUNK, pause)
            except (futures.BrokenExecutor, RuntimeError) as error:
                self.go_on_here(error)
                future = self.executor.submit(work, part, CHUNK, pause)
            self.pending[future] = part

    def take(self, future):
        """Take in what a worker has done."""
        part = self.pending.pop(future)
        try:
            self.merge(future.result())
        except futures.BrokenExecutor as error:
            self.go_on_here(error)
            self.idle.append(part)
        except (Exception, futures.CancelledError) as error:
            reason = f"{type(error).__name__}: {error}"
            runs = tuple((part.numbers[i], k) for i, k in part.group.runs)
            self.lost.append(Lost(runs, reason))
            self.error = self.error or error

    def go_on_here(self, error):
        """Use no executor from now on."""
        if not isinstance(self.executor, Here):
            reason = type(error).__name__
            warnings.warn(BROKE.format(reason=reason), ExecutorWarning, stacklevel=2)
            self.executor = Here()

    def merge(self, trained):
        """Write down what came back."""
        part, whole = trained.part, self.whole.arrays
        i = np.array(part.numbers)
        for name, new in trained.arrays.items():
            if new is None:
                continue
            old = whole[name][i]
            if old.ndim == 3:
                old = old[:, :, : new.shape[2]]
                whole[name][i, :, : new.shape[2]] = np.where(np.isnan(new), old, new)
            else:  # epochs done and seconds only grow
                whole[name][i] = np.maximum(old, new)
        for (number, k), value in lively(trained.weights).items():
            self.whole.weights[part.numbers[number], k] = value
        if part.group.runs:
            self.idle.append(part)

    def drop(self, losers):
        """Train some runs, a set of (setting, seed) numbers, no further."""
        kept = []
        for part in self.idle:
            runs = [
                (i, k) for i, k in part.group.runs if (part.numbers[i], k) not in losers
            ]
            if runs:
                kept.append(replace(part, group=part.group._replace(runs=runs)))
        self.idle = kept

    @property
    def runs(self):
        """What there is so far, frozen."""
        return self.whole.runs

    def close(self):
        """Ask for nothing more; what a worker has begun ends within a chunk."""
        for future in self.pending:
            future.cancel()
        self.pending, self.idle = {}, []


def put_down(executor):
    """End a pool of processes of which one has died unnoticed; say whether it was so.

    A process killed while it sends an answer leaves half of it in the pipe, and the
    pool (that of Python, and loky's) waits for the other half without end, also when
    Python exits.
    """
    processes = list((getattr(executor, "_processes", None) or {}).values())
    if not any(process.exitcode for process in processes):
        return False
    for process in processes:
        process.terminate()
    answers = getattr(executor, "_result_queue", None)
    if writer := getattr(answers, "_writer", None):
        writer.close()  # the last end of the pipe: the pool's own thread wakes up
    return True


def workers_of(executor):
    """Return how many workers an executor has; 1 where it does not say."""
    if client := getattr(executor, "_client", None):  # Dask's
        return max(1, sum(client.nthreads().values()))
    return max(1, getattr(executor, "_max_workers", 1))


class Here(futures.Executor):
    """Work in this process, at once."""

    def submit(self, function, *args):
        """Return a future that is done."""
        future = futures.Future()
        try:
            future.set_result(function(*args))
        except Exception as error:
            future.set_exception(error)
        return future


# ---- what is refused ---------------------------------------------------------------


def check_executor(executor, model):
    """Return an executor that can train with that model, or raise.

    Parameters
    ----------
    executor : concurrent.futures.Executor
    model : function or None
    """
    if not isinstance(executor, futures.Executor):
        way = "loky.get_reusable_executor(), or client.get_executor() of a Dask client"
        rule = "executor must be a concurrent.futures.Executor"
        raise refused(rule, executor, f"use {way}", kind=TypeError)
    pool = isinstance(executor, futures.ProcessPoolExecutor)
    context = getattr(executor, "_mp_context", None)
    if pool and context is not None and context.get_start_method() == "fork":
        raise ValueError(
            "executor must not be a pool started by fork, in which torch hangs, got "
            "ProcessPoolExecutor with fork; use loky.get_reusable_executor(), or "
            'ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn")).'
        )
    if model is not None and not isinstance(executor, futures.ThreadPoolExecutor):
        check_travels(model, "pickle" if pool else "cloudpickle")
    return executor


def check_travels(model, by):
    """Raise unless a model function can be sent to another process."""
    if by == "cloudpickle" and importlib.util.find_spec("cloudpickle"):
        import cloudpickle

        dumps, typed = cloudpickle.dumps, False
    else:  # by name: the other process must be able to import it
        main = sys.modules["__main__"]
        typed = getattr(model, "__module__", "") == "__main__"
        dumps, typed = pickle.dumps, typed and not hasattr(main, "__file__")
    try:
        dumps(model)
        reason = "which was defined in a notebook" if typed else None
    except Exception as error:
        reason = f"which cannot ({error})"
    if reason:
        raise ValueError(
            "with an executor, a model must be a function that can travel to another "
            f"process, got {brief(model)}, {reason}; put it in a .py file and import "
            "it, or use loky.get_reusable_executor()."
        )
