"""Training on other processes or machines, by any ``concurrent.futures.Executor``.

    grid_search(..., executor=loky.get_reusable_executor())     # this machine's cores
    grid_search(..., executor=client.get_executor())            # those of a Dask client

Runs that share a stack are a group, cut if there are more workers. A group goes out, is
trained for half a second, comes back and goes out again: curves grow, and a search can
be left. The numbers are those of one process, up to rounding where a group was cut.
"""

import concurrent.futures as futures
import importlib.util
import io
import pickle
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch

from hpkit.data.datasets import Split
from hpkit.engine.training import Group, Training
from hpkit.hyperparameters import refusal
from hpkit.locale import words
from hpkit.search.result import Lost

CHUNK = 0.5  # seconds of training between two messages
SILENCE = 5  # seconds without an answer after which dead workers are looked for


class ExecutorWarning(UserWarning):
    """An executor is of no more use; the search goes on without it."""


@dataclass(eq=False)
class _Part:
    make: Callable  # of the `Training`, in the worker
    runs: list  # that are left
    stacked: bool
    state: bytes = b""  # of their stack
    done: float = -1.0

    def keep(self, stays):
        self.runs = [run for run, stay in zip(self.runs, stays, strict=True) if stay]


class Spread(Training):
    """A training whose stacks are elsewhere; those that wait for an answer `waiting`.

    A group that fails is `lost`, no other. When the pool breaks, the search goes on in
    this process from where each group was.
    """

    def __init__(self, dataset, settings, *, seeds, model, executor):
        workers = workers_of(executor)
        super().__init__(dataset, settings, seeds=seeds, model=model, workers=workers)
        self.executor, self.broken, self.heard = executor, False, time.perf_counter()
        # Nobody needs the test rows to train.
        test = Split(dataset.test.X[:0], dataset.test.y[:0])
        dataset = replace(dataset, test=test, test_looks=[])
        for runs, stacked in self.waiting:
            own, any_ = {i for i, _ in runs}, self.settings[runs[0][0]]
            some = [s if i in own else any_ for i, s in enumerate(self.settings)]
            about = {"seeds": self.seeds, "model": model, "groups": []}
            part = _Part(partial(Training, dataset, some, **about), runs, stacked)
            self.stacks.append(part)
        self.waiting = {}

    def note_weights(self, part):
        """Nothing to note: weights come with each answer."""

    def advance(self, seconds, pause=float("inf")):
        """Send out what is idle and take in what comes back, for about that long."""
        until = time.perf_counter() + seconds
        while True:
            for part in [part for part in self.stacks if part.done < pause]:
                self.stacks.remove(part)
                self._send(part, pause)
            if not self.waiting:
                return
            left = max(0.0, until - time.perf_counter())
            back = futures.wait(self.waiting, left, "FIRST_COMPLETED").done
            for future in back:
                self._take(future, self.waiting.pop(future))
            now = time.perf_counter()
            if back:
                self.heard = now
            elif now - self.heard > SILENCE and end_pool(self.executor):
                self._go_on_here(futures.BrokenExecutor())
                self.stacks += self.waiting.values()
                self.waiting = {}
            if now >= until:
                return

    def _send(self, part, pause):
        try:
            future = self.executor.submit(work, part, CHUNK, pause)
        except (futures.BrokenExecutor, RuntimeError) as broken:
            self._go_on_here(broken)
            future = self.executor.submit(work, part, CHUNK, pause)
        self.waiting[future] = part

    def _take(self, future, part):
        try:
            part, at, arrays, weights = future.result()
        except futures.BrokenExecutor as broken:
            self._go_on_here(broken)
        except (Exception, futures.CancelledError) as failure:
            reason = f"{type(failure).__name__}: {failure}"
            self.lost += (Lost(tuple(part.runs), reason),)
            self.failure, part.runs = self.failure or failure, []
        else:
            for name, new in arrays.items():
                rows = self.arrays[name][at]
                old = rows[..., : new.shape[-1]]
                np.fmax(old, new, out=old)  # what is not nan; counts only grow
                self.arrays[name][at] = rows
            self.weights |= _unpacked(weights)
        self.stacks += [part] if part.runs else []

    def _go_on_here(self, broken):
        if not self.broken:
            text = words("search")["broke"].format(reason=type(broken).__name__)
            warnings.warn(text, ExecutorWarning, stacklevel=2)
            self.executor, self.broken = futures.ThreadPoolExecutor(1), True

    def close(self):
        """Ask for nothing more; what a worker has begun ends within a chunk."""
        for future in self.waiting:
            future.cancel()
        self.waiting, self.stacks = {}, []


def work(part, seconds, pause):
    """Train a part for that long, to the end of an epoch, in the worker."""
    until, left = time.perf_counter() + seconds, seconds
    training, at = part.make(), tuple(np.array(part.runs).T)
    state = _unpacked(part.state) if part.state else {"runs": part.runs}
    stack = training.build(Group(state["runs"], part.stacked))
    if part.state:
        stack.resume(state)
        stack.keep([run in part.runs for run in stack.runs])
    training.stacks = [stack]
    # Something is done each time, however long the making took.
    while not (training.finished or training.paused(pause)):
        training.advance(max(0.0, left), pause)
        left = until - time.perf_counter()
        if left <= 0 and stack.done % 1 == 0:
            break
    left = {"runs": []}
    if not training.finished:
        if getattr(stack.net, "has_state", False):
            raise refusal("network_state")
        training.note_weights(stack)
        state = _packed(stack.state())
        left = {"runs": stack.runs, "state": state, "done": stack.done}
    arrays = {n: a[at] for n, a in training.arrays.items() if a is not None}
    return replace(part, **left), at, arrays, _packed(training.weights)


# In one piece: tensors would be sent through memory that no other machine can read.
def _packed(value):
    torch.save(value, file := io.BytesIO())
    return file.getvalue()


def _unpacked(packed):
    return torch.load(io.BytesIO(packed), weights_only=False)


def end_pool(executor):
    """End a pool of processes of which one has died unnoticed; say whether it was so.

    Killed while it sends an answer it leaves half of it in the pipe, and the pool
    (Python's, and loky's) waits for the rest for ever. No public call ends that.
    """
    processes = list((getattr(executor, "_processes", None) or {}).values())
    if not any(process.exitcode for process in processes):
        return False
    for process in processes:
        process.terminate()
    if writer := getattr(getattr(executor, "_result_queue", None), "_writer", None):
        writer.close()  # the last end of the pipe: the pool's own thread wakes up
    return True


def workers_of(executor):
    """Return how many workers an executor has; 1 where it does not say."""
    if client := getattr(executor, "_client", None):  # Dask's
        return max(1, sum(client.nthreads().values()))
    return max(1, getattr(executor, "_max_workers", 1))


def check_executor(executor, model):
    """Return an executor that can train with that model, or raise."""
    if not isinstance(executor, futures.Executor):
        raise refusal("executor", executor, kind=TypeError)
    pool = isinstance(executor, futures.ProcessPoolExecutor)
    if pool and executor._mp_context.get_start_method() == "fork":
        raise refusal("executor_fork")  # torch hangs once it has used threads
    if model is None or isinstance(executor, futures.ThreadPoolExecutor):
        return executor
    if not pool and importlib.util.find_spec("cloudpickle"):
        import cloudpickle as by
    else:  # by name: the other process must be able to import it
        by, main = pickle, sys.modules["__main__"]
        if getattr(model, "__module__", "") == "__main__" and not hasattr(
            main, "__file__"
        ):
            raise refusal("model_typed", model)
    try:
        by.dumps(model)
    except Exception as failure:
        raise refusal("model_stays", model, reason=failure) from None
    return executor
