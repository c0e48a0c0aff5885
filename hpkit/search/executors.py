"""Training on other processes or machines, by any ``concurrent.futures.Executor``.

    grid_search(..., executor=loky.get_reusable_executor())     # this machine's cores
    grid_search(..., executor=client.get_executor())            # those of a Dask client

Groups of runs are sent out for half a second of training, again and again. The numbers
are those of one process, up to rounding where a group was cut.
"""

import concurrent.futures as futures
import importlib.util
import io
import pickle
import sys
import time
import warnings
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch

from hpkit.engine.dense import BUILT_IN
from hpkit.engine.stack import pack, unpack
from hpkit.engine.training import WEIGHTS_PER_STACK, Group, Training
from hpkit.hyperparameters import refusal
from hpkit.locale import say
from hpkit.search.trainings import Lasting, is_ours

CHUNK = 0.5  # seconds of training between two messages
SILENCE = 5  # seconds without an answer after which dead workers are looked for


class ExecutorWarning(UserWarning):
    """An executor is of no more use; the search goes on without it."""


@dataclass(eq=False)
class _Part:
    make: partial  # of the `Training`, in the worker
    runs: list  # that are left
    stacked: bool
    state: bytes  # of their stack
    done: float = -1.0

    def keep(self, stays):
        self.runs = [run for run, stay in zip(self.runs, stays, strict=True) if stay]


class Spread(Lasting):
    """A training whose `stacks` are trained elsewhere; when the pool breaks, here."""

    def __init__(self, dataset, settings, *, executor, **about):
        self.executor, self.broken, self.heard = executor, False, time.perf_counter()
        test = replace(dataset.test, X=dataset.test.X[:0], y=dataset.test.y[:0])
        # What is not needed to train stays here.
        sent = replace(dataset, test=test, test_looks=[], _table=None)
        self.about = sent, about | {"groups": []}
        super().__init__(dataset, settings, workers=workers_of(executor), **about)

    def extend(self, settings):
        super().extend(settings)
        sizes = [group.size // len(group.runs) for group in self.waiting]
        every = len(self.settings) * len(self.seeds)
        large = max(sizes, default=0) > WEIGHTS_PER_STACK
        self.most_out = 2 * self.workers if large else every
        self.take(self.waiting)

    def take(self, groups):
        self.waiting, self.stacks = {}, []
        self.add(groups)

    def add(self, groups):
        dataset, about = self.about
        for runs, stacked, _, state in groups:
            own, any_ = {i for i, _ in runs}, self.settings[runs[0][0]]
            some = [s if i in own else any_ for i, s in enumerate(self.settings)]
            make = partial(Training, dataset, some, **about)
            self.stacks.append(_Part(make, runs, stacked, pack(state)))

    def groups(self):
        return [
            Group(part.runs, part.stacked, 0, unpack(part.state))
            for part in (*self.stacks, *self.waiting.values())
        ]

    def note_weights(self, part):
        pass  # they come with each answer

    def advance(self, seconds, pause=float("inf")):
        """Send out what is idle and take in what comes back, for about that long."""
        until = time.perf_counter() + seconds
        while True:
            ready = [part for part in self.stacks if part.done < pause]
            ready.sort(key=lambda part: part.done < 0)  # what has begun goes on
            for part in ready[: self.most_out - len(self.waiting)]:
                self.stacks.remove(part)
                self._send(part, pause)
            if not self.waiting:
                return
            left = max(0.0, until - time.perf_counter())
            back = futures.wait(self.waiting, left, "FIRST_COMPLETED").done
            for future in back:
                self._take(future, self.waiting.pop(future))
            now = time.perf_counter()
            self.heard = now if back else self.heard
            if now - self.heard > SILENCE and end_pool(self.executor):
                self._go_on_here(futures.BrokenExecutor())
                self.stacks += self.waiting.values()
                self.waiting = {}
            if now >= until:
                return

    def _send(self, part, pause):
        try:
            future = self.executor.submit(work, part, CHUNK, pause)
        except RuntimeError as broken:  # such as BrokenExecutor
            self._go_on_here(broken)
            future = self.executor.submit(work, part, CHUNK, pause)
        self.waiting[future] = part

    def _take(self, future, part):
        try:
            part, at, arrays, weights = future.result()
        except futures.BrokenExecutor as broken:
            self._go_on_here(broken)
        except (Exception, futures.CancelledError) as failure:
            self.fail(part.runs, failure)
            part.runs = []
        else:
            for name, new in arrays.items():
                place = (*at, slice(new.shape[1])) if new.ndim > 1 else at
                old = self.arrays[name]
                old[place] = np.fmax(old[place], new)  # no nan; counts only grow
            self.weights |= torch.load(io.BytesIO(weights), weights_only=False)
            self.forget_weights()
        self.stacks += [part] if part.runs else []

    def _go_on_here(self, broken):
        if not self.broken:
            text = say("search.broke", reason=type(broken).__name__)
            warnings.warn(text, ExecutorWarning, stacklevel=2)
            self.executor, self.broken = futures.ThreadPoolExecutor(1), True

    def close(self):
        """Ask for nothing more; what a worker has begun ends within a chunk."""
        for future in self.waiting:
            future.cancel()
        self.waiting, self.stacks = {}, []


def work(part, seconds, pause):
    """Train a part in the worker for that long, or a step, to an epoch's end."""
    until, left = time.perf_counter() + seconds, seconds
    try:
        training, at = part.make(), tuple(np.array(part.runs).T)
        stack = training.build(Group(part.runs, part.stacked, 0, unpack(part.state)))
        training.stacks = [stack]
        while not (training.finished or training.paused(pause)):
            training.advance(max(0.0, left), pause)
            left = until - time.perf_counter()
            if left <= 0 and stack.done % 1 == 0:
                break
        if runs := [] if training.finished else stack.runs:
            training.note_weights(stack)
            if getattr(stack.net, "has_state", False):
                raise refusal("network_state")
        part = replace(part, runs=runs, state=pack(stack.state()), done=stack.done)
        arrays = {n: a[at] for n, a in training.arrays.items() if a is not None}
        return part, at, arrays, pack(training.weights)
    except Exception as failure:
        failure.ours = is_ours(failure)  # its frames stay here
        raise


def end_pool(executor):
    """End a pool that waits for ever for a dead process; say whether it was so."""
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


def check_executor(executor, model, objective=None):
    if not isinstance(executor, futures.Executor):
        raise refusal("executor", executor, kind=TypeError)
    pool = isinstance(executor, futures.ProcessPoolExecutor)
    if pool and executor._mp_context.get_start_method() == "fork":
        raise refusal("executor_fork")  # torch hangs once it has used threads
    if isinstance(executor, futures.ThreadPoolExecutor):
        return executor
    by = pickle  # by name: the other process must be able to import it
    notebook = not hasattr(sys.modules["__main__"], "__file__")
    if not pool and importlib.util.find_spec("cloudpickle"):
        import cloudpickle as by
    for name, own in ({"model": model} | vars(objective or BUILT_IN)).items():
        typed = getattr(own, "__module__", "") == "__main__"
        if by is pickle and notebook and typed:
            raise refusal("model_typed", own, name=name)
        try:
            by.dumps(own)
        except Exception as failure:
            raise refusal("model_stays", own, name=name, reason=failure) from None
    return executor
