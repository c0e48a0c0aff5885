"""Training in other processes or machines, by any ``concurrent.futures.Executor``.

Groups of runs are sent out for half a second of training, again and again. The numbers
are those of a single process, up to rounding where a group was split.
"""

import concurrent.futures as futures
import importlib.util
import multiprocessing
import pickle
import sys
import time
from dataclasses import replace
from functools import partial

import numpy as np

from hpkit.engine.stack import pack, unpack
from hpkit.engine.training import Training
from hpkit.hyperparameters import refusal, warn
from hpkit.locale import tr

CHUNK = 0.5  # seconds of training between two messages
SILENCE = 5  # seconds that a pool has to report a dead process itself


class ExecutorWarning(UserWarning):
    """An executor no longer works; the search goes on without it."""


class DistributedTraining(Training):
    """Training whose groups run on an executor, or in this process once that breaks."""

    def __init__(self, dataset, settings, *, executor, **options):
        self.executor, self.broken = executor, False
        test = replace(dataset.test, X=dataset.test.X[:0], y=dataset.test.y[:0])
        # Only what training needs is sent.
        sent = replace(dataset, test=test, test_looks=[], _table=None)
        options["lasting"] = True  # a group without enough memory fails on its own
        self.make = partial(Training, sent, **options)
        super().__init__(dataset, settings, workers=count_workers(executor), **options)
        self.sent = {}  # the groups in training, by future

    def groups(self):
        return [*self.waiting, *self.sent.values()]

    def paused(self, pause):
        return not self.sent and super().paused(pause)

    def advance(self, seconds, pause=float("inf")):
        """Send out idle groups and take in results, for about that long."""
        until = time.perf_counter() + seconds
        while True:
            ready = [group for group in self.waiting if group.done < pause]
            ready.sort(key=lambda group: group.done < 0)  # those that have begun first
            for group in ready[: 2 * self.workers - len(self.sent)]:
                self.waiting.remove(group)
                self._send(group, pause)
            if not self.sent:
                return
            left = max(0.0, until - time.perf_counter())
            done = futures.wait(self.sent, left, "FIRST_COMPLETED").done
            done |= {future for future in self.sent if future.cancelled()}
            for future in done:
                self._receive(future, self.sent.pop(future))
            if not done and end_pool(self.executor, self.sent):
                self._fall_back(futures.BrokenExecutor())
                self.waiting, self.sent = self.groups(), {}
            if time.perf_counter() >= until:
                return

    def _send(self, group, pause):
        call = _train_group, self.make, self.settings, group, CHUNK, pause
        try:
            future = self.executor.submit(*call)
        except RuntimeError as error:  # such as BrokenExecutor
            self._fall_back(error)
            future = self.executor.submit(*call)
        self.sent[future] = group

    def _receive(self, future, group):
        try:
            left, at, arrays, weights = future.result()
        except (futures.BrokenExecutor, futures.CancelledError) as error:
            self._fall_back(error)
            return self.waiting.append(group)
        except Exception as failure:
            return self.retry_or_fail(group.runs, failure)
        for name, new in arrays.items():
            index = (*at, slice(new.shape[1])) if new.ndim > 1 else at
            old = self.arrays[name]
            old[index] = np.fmax(old[index], new)  # ignores nan; counts only grow
        self.weights |= unpack(weights, trusted=True)
        self.limit_weights()
        self.waiting += left

    def _fall_back(self, error):
        """Go on in this process, with a warning."""
        if not self.broken:
            warn(tr("search.broke", reason=type(error).__name__), ExecutorWarning)
            self.executor, self.broken = futures.ThreadPoolExecutor(1), True

    def close(self):
        """Cancel what is queued; workers finish their current chunk."""
        for future in self.sent:
            future.cancel()
        self.waiting, self.sent = [], {}


def _train_group(make, settings, group, seconds, pause):
    """Train a group in a worker for that long; return what is left, and results."""
    training, at = make(settings), tuple(np.array(group.runs).T)
    # Raise here: the main process records what fails, and sends again what is no stack.
    training.lasting, training.retry_or_fail = False, training.fail
    training.take([group])
    training.advance(seconds, pause)
    left, weights = training.groups(), training.runs.weights
    if any(group.state is None for group in left):
        raise refusal("network_state")
    arrays = {n: a[at] for n, a in training.arrays.items() if a is not None}
    return left, at, arrays, pack(weights)


def end_pool(executor, waiting=()):
    """End a pool that waits forever for a dead process; return whether it did so."""
    processes = list((getattr(executor, "_processes", None) or {}).values())
    has_died = any(process.exitcode for process in processes)
    if not has_died or futures.wait(waiting, SILENCE, "FIRST_COMPLETED").done:
        return False
    for process in processes:
        process.terminate()
    if writer := getattr(getattr(executor, "_result_queue", None), "_writer", None):
        writer.close()  # the last open end of the pipe, to wake the pool's own thread
    return True


def count_workers(executor):
    """Return how many workers an executor has, or 1 if that is unknown."""
    if client := getattr(executor, "_client", None):  # Dask's
        return max(1, sum(client.nthreads().values()))
    return max(1, getattr(executor, "_max_workers", 1))


def check_executor(executor, model, objective=None):
    """Refuse a pool that would hang, and functions that cannot be sent to a process."""
    if not isinstance(executor, futures.Executor):
        raise refusal("executor", executor, kind=TypeError)
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise refusal("executor_main")  # a new process runs the whole script
    pool = isinstance(executor, futures.ProcessPoolExecutor)
    if pool and executor._mp_context.get_start_method() == "fork":
        raise refusal("executor_fork")  # torch hangs once it has used threads
    if isinstance(executor, futures.ThreadPoolExecutor):
        return
    pickler = pickle  # by name: the other process must be able to import the function
    if not pool and importlib.util.find_spec("cloudpickle"):
        import cloudpickle as pickler
    notebook = pickler is pickle and not hasattr(sys.modules["__main__"], "__file__")
    for name in ("model", "loss", "metric"):
        function = model if name == "model" else getattr(objective, name, None)
        if notebook and getattr(function, "__module__", "") == "__main__":
            raise refusal("model_typed", function, name=name)
        try:
            content = pickler.dumps(function)
            if function and hasattr(executor, "_client"):  # a worker would die of it
                executor.submit(pickle.loads, content).result()
        except Exception as failure:
            raise refusal("model_stays", function, name=name, reason=failure) from None
