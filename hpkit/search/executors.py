"""Training on other processes or machines, by any ``concurrent.futures.Executor``.

Groups of runs are sent out for half a second of training, again and again. The numbers
are those of one process, up to rounding where a group was cut.
"""

import concurrent.futures as futures
import importlib.util
import pickle
import sys
import time
from dataclasses import replace
from functools import partial

import numpy as np

from hpkit.engine.dense import DEFAULT_OBJECTIVE
from hpkit.engine.stack import pack, unpack
from hpkit.engine.training import Training
from hpkit.hyperparameters import refusal, warn
from hpkit.locale import tr

CHUNK = 0.5  # seconds of training between two messages
SILENCE = 5  # seconds in which a pool must say itself that a process has died


class ExecutorWarning(UserWarning):
    """An executor no longer works; the search goes on without it."""


class Spread(Training):
    """A training whose groups are trained elsewhere; when the pool breaks, here."""

    def __init__(self, dataset, settings, *, executor, **about):
        self.executor, self.broken = executor, False
        test = replace(dataset.test, X=dataset.test.X[:0], y=dataset.test.y[:0])
        # What is not needed to train stays here.
        sent = replace(dataset, test=test, test_looks=[], _table=None)
        about["lasting"] = True  # what does not fit is its own group's failure
        self.make = partial(Training, sent, **about)
        about["workers"] = count_workers(executor)
        super().__init__(dataset, settings, **about)
        self.stacks = {}  # groups that are trained now, by their future

    def groups(self):
        return [*self.waiting, *self.stacks.values()]

    def paused(self, pause):
        return not self.stacks and all(group.done >= pause for group in self.waiting)

    def drop(self, losers):
        groups = [(group, {*group.runs} - losers) for group in self.waiting]
        self.waiting = [one._replace(runs=sorted(left)) for one, left in groups if left]

    def copy_weights(self, group):
        pass  # they come with each answer

    def advance(self, seconds, pause=float("inf")):
        """Send out what is idle and take in what comes back, for about that long."""
        until = time.perf_counter() + seconds
        while True:
            ready = [group for group in self.waiting if group.done < pause]
            ready.sort(key=lambda group: group.done < 0)  # what has begun goes on
            for group in ready[: 2 * self.workers - len(self.stacks)]:
                self.waiting.remove(group)
                self._send(group, pause)
            if not self.stacks:
                return
            left = max(0.0, until - time.perf_counter())
            back = futures.wait(self.stacks, left, "FIRST_COMPLETED").done
            back |= {future for future in self.stacks if future.cancelled()}
            for future in back:
                self._take(future, self.stacks.pop(future))
            if not back and end_pool(self.executor, self.stacks):
                self._go_on_here(futures.BrokenExecutor())
                self.take(self.groups())
            if time.perf_counter() >= until:
                return

    def _send(self, group, pause):
        sent = _train_group, self.make, self.settings, group, CHUNK, pause
        try:
            future = self.executor.submit(*sent)
        except RuntimeError as broken:  # such as BrokenExecutor
            self._go_on_here(broken)
            future = self.executor.submit(*sent)
        self.stacks[future] = group

    def _take(self, future, group):
        try:
            left, at, arrays, weights = future.result()
        except (futures.BrokenExecutor, futures.CancelledError) as broken:
            self._go_on_here(broken)
            return self.waiting.append(group)
        except Exception as failure:
            return self.fail(group.runs, failure)
        for name, new in arrays.items():
            place = (*at, slice(new.shape[1])) if new.ndim > 1 else at
            old = self.arrays[name]
            old[place] = np.fmax(old[place], new)  # no nan; counts only grow
        self.weights |= unpack(weights, trusted=True)
        self.limit_weights()
        self.waiting += left

    def _go_on_here(self, broken):
        if not self.broken:
            warn(tr("search.broke", reason=type(broken).__name__), ExecutorWarning)
            self.executor, self.broken = futures.ThreadPoolExecutor(1), True

    def close(self):
        """Ask for nothing more; what a worker has begun ends within a chunk."""
        for future in self.stacks:
            future.cancel()
        self.take(())


def _train_group(make, settings, group, seconds, pause):
    """Train a group in the worker for that long; return what is left, and results."""
    training, at = make(settings), tuple(np.array(group.runs).T)
    training.lasting = False  # a failure is said where the search is
    training.waiting, training.stacks = [], [training.build(group)]
    training.advance(seconds, pause)
    left, weights = training.groups(), training.runs.weights
    if any(group.state is None for group in left):
        raise refusal("network_state")
    arrays = {n: a[at] for n, a in training.arrays.items() if a is not None}
    return left, at, arrays, pack(weights)


def end_pool(executor, waiting=()):
    """End a pool that waits for ever for a dead process; say whether it was so."""
    processes = list((getattr(executor, "_processes", None) or {}).values())
    dead = any(process.exitcode for process in processes)
    if not dead or futures.wait(waiting, SILENCE, "FIRST_COMPLETED").done:
        return False
    for process in processes:
        process.terminate()
    if writer := getattr(getattr(executor, "_result_queue", None), "_writer", None):
        writer.close()  # the last end of the pipe: the pool's own thread wakes up
    return True


def count_workers(executor):
    """Return how many workers an executor has; 1 where it does not say."""
    if client := getattr(executor, "_client", None):  # Dask's
        return max(1, sum(client.nthreads().values()))
    return max(1, getattr(executor, "_max_workers", 1))


def check_executor(executor, model, objective=None):
    """Refuse a pool that would hang, and what cannot travel to another process."""
    if not isinstance(executor, futures.Executor):
        raise refusal("executor", executor, kind=TypeError)
    pool = isinstance(executor, futures.ProcessPoolExecutor)
    if pool and executor._mp_context.get_start_method() == "fork":
        raise refusal("executor_fork")  # torch hangs once it has used threads
    if isinstance(executor, futures.ThreadPoolExecutor):
        return
    by = pickle  # by name: the other process must be able to import it
    if not pool and importlib.util.find_spec("cloudpickle"):
        import cloudpickle as by
    notebook = by is pickle and not hasattr(sys.modules["__main__"], "__file__")
    own = {"model": model} | vars(objective or DEFAULT_OBJECTIVE)
    for name, part in own.items():
        if notebook and getattr(part, "__module__", "") == "__main__":
            raise refusal("model_typed", part, name=name)
        try:
            by.dumps(part)
        except Exception as failure:
            raise refusal("model_stays", part, name=name, reason=failure) from None
