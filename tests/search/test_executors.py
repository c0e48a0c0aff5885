"""Training on other processes: same numbers, losses named, what cannot work refused."""

import concurrent.futures as futures
import gc
import itertools
import multiprocessing
import os
import re
import signal
import struct
import sys
import time
from functools import cache
from types import ModuleType, SimpleNamespace
from unittest.mock import Mock

import architectures
import cloudpickle
import loky
import numpy as np
import psutil
import pytest
import torch
from loky.backend.queues import SimpleQueue
from oracle import accuracy, focal
from torch import nn

import hpkit as hk
from hpkit.engine import own_networks
from hpkit.search import executors
from hpkit.search.executors import ExecutorWarning, check_executor

MOONS = hk.load_dataset("moons")
RNG = np.random.default_rng(5)
ROWS = hk.Dataset.from_arrays(RNG.normal(size=(60, 8)), RNG.permutation(60) % 3)
BASE = hk.Hyperparameters(epochs=6)
SPACE = {"lr": [0.01, 0.1, 1], "batch_size": [8, 64], "seeds": (0, 5)}
ARRAYS = ("train_loss", "val_loss", "train_accuracy", "val_accuracy", "epochs_done")


@pytest.fixture(autouse=True)
def short_chunks(monkeypatch):
    """Let every group travel many times, also in a short test."""
    monkeypatch.setattr(executors, "CHUNK", 0.01)


def pool_of(make):
    @pytest.fixture(scope="module")
    def pool():
        with make() as made:
            yield made

    return pool


SPAWN = multiprocessing.get_context("spawn")
spawn_pool = pool_of(lambda: futures.ProcessPoolExecutor(1, mp_context=SPAWN))
loky_pool = pool_of(lambda: loky.ProcessPoolExecutor(2))
threads_pool = pool_of(lambda: futures.ThreadPoolExecutor(2))


@pytest.fixture(scope="module")
def dask_pool():
    import distributed

    about = {"threads_per_worker": 1, "dashboard_address": None}
    cluster = distributed.LocalCluster(2, **about)
    with cluster, distributed.Client(cluster) as client:
        yield client


@pytest.fixture(scope="module", params=["threads", "spawn", "loky", "dask"])
def pool(request):
    made = request.getfixturevalue(f"{request.param}_pool")
    return made.get_executor() if request.param == "dask" else made


def assert_same(a, b):
    assert a.settings == b.settings
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name), name)


@cache
def trained_whole(epochs=BASE.epochs):
    return hk.grid_search(MOONS, BASE.but(epochs=epochs), **SPACE)


@pytest.mark.parametrize("model", [None, architectures.batch_norm])
def test_an_own_loss_and_metric_travel(model, pool):
    about = ROWS, BASE.but(epochs=2)
    own = {"loss": focal, "metric": accuracy, "model": model, "lr": [0.1, 1]}
    own |= {"batch_size": [8, 20], "seeds": (0, 5)}
    here, there = (hk.grid_search(*about, **own, executor=e) for e in (None, pool))

    for name in (*ARRAYS, "val_metric"):
        assert getattr(there, name) == pytest.approx(getattr(here, name), abs=1e-5)


def test_every_search_gives_the_numbers_of_one_process(pool):
    lrs = hk.log_uniform(1e-3, 100)  # some diverge
    adam = {"optimizer": ["adam"], "weight_decay": [0, 0.1]}
    rmsprop = {"optimizer": ["rmsprop"], "dropout": [0, 0.3]}
    drawn = {"lr": lrs, "batch_size": [8, 64], "n_trials": 9}

    for search, more in (
        (hk.grid_search, SPACE | {"momentum": [0.9], "epochs": [2, 6]}),
        (hk.grid_search, SPACE | {"momentum": [0.9], "patience": [0, 1]}),
        (hk.grid_search, SPACE | adam),
        (hk.grid_search, SPACE | rmsprop),
        (hk.successive_halving, drawn),
        (hk.one_at_a_time, SPACE),
        (hk.bayesian_search, {"lr": lrs, "n_trials": 11}),
    ):
        here, there = (search(MOONS, BASE, **more, executor=e) for e in (None, pool))

        assert_same(here, there)
        assert there.finished
        assert (there.rungs, there.lost) == (here.rungs, ())
        for epoch in ("best", "last"):
            runs = here.best_run, there.best_run
            assert np.array_equal(*(r.outputs(MOONS.valid.X, epoch) for r in runs))


def test_live_grows_and_can_be_left(pool):
    base = BASE.but(epochs=2000)

    epochs, about = [], {"lr": [0.1], "seeds": (0, 1), "executor": pool}
    for found in hk.grid_search.live(MOONS, base, **about):
        epochs.append(found.cost.epochs)
        if len(set(epochs)) > 3:
            break

    assert not found.finished
    assert epochs == sorted(epochs)
    assert epochs[-1] < 4000
    assert found.best_run.network("last") is not None
    assert pool.submit(abs, -1).result(timeout=60) == 1  # the pool is free again


def test_a_learners_own_network_travels_by_value(loky_pool):
    units = 4

    def model(n_features, n_outputs, setting):
        first = nn.Linear(n_features, units), nn.BatchNorm1d(units), nn.Dropout(0.1)
        return nn.Sequential(*first, nn.Linear(units, n_outputs))

    lists = {"lr": [0.1, 0.3], "batch_size": [50, 80], "model": model}
    both = [hk.grid_search(MOONS, BASE, **lists, executor=e) for e in (None, loky_pool)]
    assert_same(*both)
    assert np.array_equal(*(s.best_run.outputs(MOONS.valid.X) for s in both))


LITTLE = {"dataset": ROWS, "base": BASE.but(epochs=2, momentum=0.5)}
LITTLE |= {"lr": [0.05, 0.1], "seeds": (0, 3)}


def kept_of(runs):
    """Return parameters and buffers of all runs at both ends."""
    assert runs.best_run.network("last") is not None
    kept = [runs.weights[at] for at in np.ndindex(2, 2)]
    rows = [(copy, copy.runs.index(run)) for copy, run in kept]
    return [part[row] for copy, row in rows for part in (*copy.last, *copy.best)]


@cache  # compared with each pool
def trained_here(model, steps_to_trace):
    runs = hk.grid_search(model=model, **LITTLE).runs
    return runs, kept_of(runs)


PLAIN = {*architectures.ALL} - {architectures.Counting}
STACKED = {architectures.batch_norm, architectures.lstm}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::hpkit.engine.own_networks.OneByOneWarning")
@pytest.mark.parametrize(("models", "steps"), [(PLAIN, 3000), (STACKED, 1)])
@pytest.mark.parametrize("pool", ["threads", "loky", "dask"], indirect=True)
def test_own_networks_give_the_numbers_of_one_process(pool, models, steps, monkeypatch):
    monkeypatch.setattr(executors, "CHUNK", 0.01)
    monkeypatch.setattr(own_networks, "STEPS_TO_TRACE", steps)

    for model in models:
        here, kept = trained_here(model, steps)
        there = hk.grid_search(model=model, executor=pool, **LITTLE)

        assert there.lost == ()
        for name in ARRAYS[:4]:  # stacks of another size may round otherwise
            want = pytest.approx(getattr(here, name), abs=1e-5)
            assert getattr(there, name) == want, model
        for one, other in zip(kept, kept_of(there.runs), strict=True):
            torch.testing.assert_close(one, other, atol=1e-4, rtol=0)


@pytest.mark.filterwarnings("ignore::hpkit.engine.own_networks.OneByOneWarning")
def test_a_stack_that_a_worker_gives_up_is_trained_one_by_one(
    threads_pool, monkeypatch
):
    monkeypatch.setattr(executors, "CHUNK", 1e-4)  # over before the worker finds out
    monkeypatch.setattr(own_networks, "STEPS_TO_TRACE", 1)
    options = LITTLE | {"seeds": [0], "model": architectures.Branching}
    here = hk.grid_search(**options)
    there = hk.grid_search(**options, executor=threads_pool)
    assert there.lost == ()
    np.testing.assert_array_equal(there.val_loss, here.val_loss)


def test_what_cannot_travel_is_named(threads_pool, monkeypatch):
    monkeypatch.setattr(executors, "CHUNK", 0)  # away after each epoch
    own = {"model": architectures.Counting, "executor": threads_pool}
    with pytest.raises(ValueError, match="register_buffer"):
        hk.grid_search(ROWS, BASE, lr=[1], **own)


def test_one_group_is_cut_for_all_workers():
    whole = hk.grid_search(MOONS, BASE, lr=[0.01 * 2**i for i in range(16)])
    with futures.ThreadPoolExecutor(8) as pool:
        spread = spread_on(pool, *whole.settings)
        parts = len(spread.waiting)
        spread.advance(600)
    assert parts == 8
    assert_same(whole.runs, spread.runs)


def test_groups_of_unlike_length_come_back_whole():
    settings = BASE.but(batch_size=8, epochs=2), BASE
    *_, whole = hk.train(MOONS, settings)
    with futures.ThreadPoolExecutor(1) as pool:
        spread = spread_on(pool, *settings)
        spread.advance(600, 1)
        spread.executor = None  # where all have come that far, nobody is asked
        spread.advance(1, 1)
        spread.executor = pool
        spread.advance(600)
    assert_same(whole, spread.runs)


def test_no_more_are_out_than_keep_the_workers_busy(monkeypatch):
    monkeypatch.setattr("hpkit.engine.training.MOST_KEPT", 1)
    whole = hk.grid_search(MOONS, BASE, lr=[0.01 * 2**i for i in range(9)])
    with futures.ThreadPoolExecutor(2) as pool:
        monkeypatch.setattr("hpkit.engine.training.WEIGHTS_PER_STACK", 1)
        spread, begun = spread_on(pool, *whole.settings), []
        while not spread.finished:
            spread.advance(0)
            time.sleep(0.001)  # else this loop keeps Python from the workers
            there = [*spread.waiting, *spread.sent.values()]
            begun.append(sum(part.done >= 0 for part in there))
            assert len(spread.sent) <= 4
    assert max(begun) <= 5
    assert len(spread.weights) == 1
    assert np.allclose(whole.val_loss, spread.runs.val_loss, rtol=1e-5, equal_nan=True)


class Failing(futures.ThreadPoolExecutor):
    """Fails with the groups of batch size 8, after some chunks."""

    def __init__(self, after):
        super().__init__(1)
        self.after = after

    def submit(self, function, make, settings, group, *args):
        if settings[group.runs[0][0]].batch_size == 8:
            self.after -= 1
            if self.after < 0:
                function = Mock(side_effect=OSError("no space left"))
        return super().submit(function, make, settings, group, *args)


def test_a_failed_group_is_lost_and_named_and_no_other():
    with Failing(after=2) as pool:
        found = hk.grid_search(MOONS, BASE.but(epochs=60), **SPACE, executor=pool)

    (lost,) = found.lost
    small = np.equal(found.values("batch_size"), 8)
    assert lost.reason == "OSError: no space left"
    assert {*lost.runs} == {*itertools.product(np.flatnonzero(small), range(2))}
    assert (found.epochs_done[small] < 60).all()
    assert (found.epochs_done[small] >= 0).all()  # what it had done is kept
    assert np.array_equal(found.val_loss[~small], trained_whole(60).val_loss[~small])
    assert "Runs lost: 6, at learning rate 0.01, batch size 8; " in found.describe()
    assert "rate 1, batch size 8: OSError: no space" in found.describe()


def test_one_at_a_time_and_halving_go_on_without_what_was_lost():
    base, lists = BASE.but(epochs=9, batch_size=64), {"lr": [0.1, 1]}
    with Failing(after=0) as pool:
        for search in (hk.one_at_a_time, hk.successive_halving):
            found = search(MOONS, base, **lists, batch_size=[8, 64], executor=pool)
            assert found.finished
            assert found.best.batch_size == 64
            assert found.lost
            gone = (found.epochs_done < 0).all(1)
            assert (found.to_frame().fit_time[gone] == 0).all()
        with pytest.raises(OSError, match="no space left"):  # where nothing is left
            hk.grid_search(MOONS, BASE, **lists, batch_size=[8], executor=pool)


class Breaking(futures.Executor):
    """Works until it breaks: then it refuses, or fails or cancels what it has taken."""

    def __init__(self, after, then):
        self.after, self.then, self.asked = after, then, 0

    def submit(self, function, *args):
        self.asked += 1
        assert self.asked <= self.after + 2, "a broken executor is asked again"
        future, broken = futures.Future(), futures.BrokenExecutor("gone")
        if self.asked <= self.after:
            future.set_result(function(*args))
        elif self.then == "refuses":
            raise broken
        elif self.then == "cancels":  # as a Dask client does that is closed
            future.cancel()
        else:
            future.set_exception(broken)
        return future


@pytest.mark.parametrize("then", ["refuses", "fails", "cancels"])
@pytest.mark.parametrize(("after", "epochs"), [(0, 6), (5, 60)])
def test_a_broken_executor_is_left_for_good_and_nothing_is_lost(then, after, epochs):
    base, pool = BASE.but(epochs=epochs), Breaking(after, then)

    with pytest.warns(ExecutorWarning) as warned:
        found = hk.grid_search(MOONS, base, **SPACE, executor=pool)

    (warning,) = warned
    reason = "CancelledError" if then == "cancels" else "BrokenExecutor"
    assert f"broke ({reason}); the search goes on in this" in str(warning.message)
    assert (found.finished, found.lost) == (True, ())
    assert_same(found, trained_whole(epochs))


class Silent(futures.Executor):
    """Never answers; is a pool of processes with these exit codes (None: it lives)."""

    def __init__(self, *exitcodes):
        self._processes = {n: Mock(exitcode=code) for n, code in enumerate(exitcodes)}
        self._result_queue = self._writer = self
        self.close = Mock()

    def submit(self, function, *args):
        return futures.Future()


def test_a_search_goes_on_when_a_dead_process_leaves_its_pool_silent(monkeypatch):
    monkeypatch.setattr(executors, "SILENCE", 0.01)
    pool = Silent(None, -9)
    with pytest.warns(ExecutorWarning, match=r"broke \(BrokenExecutor\)"):
        found = hk.grid_search(MOONS, BASE, **SPACE, executor=pool)
    assert pool.close.called
    assert all(process.terminate.called for process in pool._processes.values())
    assert found.lost == ()
    assert_same(found, trained_whole())
    answers = Breaking(after=10**6, then="refuses")  # steadily: it is no dead pool
    answers._processes = {0: Mock(exitcode=-9)}
    assert_same(hk.grid_search(MOONS, BASE, **SPACE, executor=answers), found)


@pytest.mark.parametrize("pool", [Silent(), Silent(None, None), Silent(None, 0)])
def test_a_slow_pool_is_waited_for_however_long_it_is_silent(pool, monkeypatch):
    monkeypatch.setattr(executors, "SILENCE", 0)
    spread = spread_on(pool, BASE)
    for _ in range(3):
        spread.advance(0.001)

    assert not executors.end_pool(futures.ThreadPoolExecutor(1))
    assert len(spread.sent) == 1
    assert not pool.close.called
    assert not any(process.terminate.called for process in pool._processes.values())


def spread_on(pool, *settings):
    return executors.DistributedTraining(MOONS, settings, executor=pool)


def test_a_search_waits_for_answers_no_longer_than_it_is_told(monkeypatch):
    waits = []

    def wait(pending, timeout, until):
        waits.append(timeout)
        return futures.wait(pending, 0, until)

    monkeypatch.setattr(executors, "futures", SimpleNamespace(wait=wait))
    spread = spread_on(Silent(None), BASE)
    spread.advance(0)
    assert waits == [0]
    spread.advance(0.001)
    assert 0 < waits[1] <= 0.001
    assert max(waits) == waits[1]


def test_workers_are_counted_where_an_executor_tells():
    dask = [SimpleNamespace(nthreads=lambda n=n: n) for n in ({"a": 2, "b": 1}, {})]
    with futures.ThreadPoolExecutor(3) as pool:
        assert executors.count_workers(pool) == 3
    assert executors.count_workers(Silent()) == 1
    assert executors.count_workers(futures.Executor()) == 1
    assert [executors.count_workers(SimpleNamespace(_client=c)) for c in dask] == [3, 1]


def test_closing_asks_for_nothing_more():
    lrs, sizes = range(1, 41), (8, 16, 32)
    settings = [BASE.but(lr=lr, batch_size=size) for lr in lrs for size in sizes]
    spread = spread_on(Silent(None), *settings)
    spread.advance(0)
    asked = list(spread.sent)
    spread.close()
    assert len(asked) == 2  # of three, for one worker
    assert all(future.cancelled() for future in asked)
    assert spread.finished


LONG = SPACE | {"base": BASE.but(epochs=60), "tick": 0.02}


@pytest.mark.slow
def test_a_killed_process_breaks_a_pool_and_nothing_is_lost(recwarn, monkeypatch):
    monkeypatch.setattr(executors, "CHUNK", 0.05)  # the kill meets a group under way
    pool, killed = loky.ProcessPoolExecutor(2), []
    for found in hk.grid_search.live(MOONS, **LONG, executor=pool):
        if found.cost.epochs > 100 and not killed:
            killed = [*pool._processes][:1]
            psutil.Process(killed[0]).kill()
    pool.shutdown()

    said = str(recwarn.pop(ExecutorWarning).message)
    assert re.search(r"broke \(.*\); the search goes on in", said)
    assert (found.finished, found.lost) == (True, ())
    assert_same(found, trained_whole(60))


def half_an_answer():
    """Die in the middle of sending: the pool's reader waits for the rest for ever."""
    for queue in gc.get_objects():
        if isinstance(queue, SimpleQueue):
            os.write(queue._writer.fileno(), struct.pack("!i", 1000) + b"half")
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.skipif(sys.platform == "win32", reason="its pipes carry no half answers")
@pytest.mark.slow
def test_a_pool_that_waits_for_a_dead_process_is_end_pool(monkeypatch):
    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    monkeypatch.setattr(executors, "SILENCE", 0.5)
    pool = loky.ProcessPoolExecutor(2)
    broken = pool.submit(half_an_answer)

    with pytest.warns(ExecutorWarning, match="the search goes on in this process"):
        found = hk.grid_search(MOONS, BASE, **SPACE, executor=pool)

    assert found.lost == ()
    assert_same(found, trained_whole())
    with pytest.raises(futures.BrokenExecutor):  # its own thread is awake again
        broken.result(timeout=60)
    pool.shutdown()


@pytest.mark.slow
def test_dask_goes_on_after_a_killed_worker(dask_pool, monkeypatch):
    monkeypatch.setattr(executors, "CHUNK", 0.05)
    executor, whole = dask_pool.get_executor(), trained_whole(60)
    pids = list(dask_pool.run(os.getpid).values())

    for found in hk.grid_search.live(MOONS, **LONG, executor=executor):
        if found.cost.epochs > 100 and pids:
            psutil.Process(pids[0]).kill()
            pids = []

    assert found.finished
    assert not pids  # it was killed while it ran
    lost = {run for lost in found.lost for run in lost.runs}
    assert len(lost) < found.epochs_done.size
    for at in {*np.ndindex(found.epochs_done.shape)} - lost:
        assert np.array_equal(found.val_loss[at], whole.val_loss[at])


def test_pools_and_models_that_stay_are_refused(dask_pool, spawn_pool, loky_pool):
    lock, fork = multiprocessing.Lock(), multiprocessing.get_context("fork")

    def locked(a, b, setting):
        with lock:
            return nn.Linear(a, b)

    for pool, model, words in (
        (futures.ProcessPoolExecutor(1, fork), None, "by fork.*got .* fork; use loky"),
        (dask_pool, None, r"got <Client.*use .*client.get_executor\(\)"),
        (spawn_pool, lambda a, b, c: None, r"can travel .*, got .*; put it in a \.py"),
        (loky_pool, locked, r"can travel to another process, got .* cannot"),
        (spawn_pool, {"loss": lambda o, t: o.mean()}, "a loss must be a function that"),
    ):
        own = model if isinstance(model, dict) else {"model": model}
        with pytest.raises((ValueError, TypeError), match=words):
            hk.grid_search(MOONS, BASE, lr=[0.1], **own, executor=pool)
    threads = futures.ThreadPoolExecutor(1)
    check_executor(threads, locked)  # nothing travels


def test_a_module_that_workers_of_dask_lack_is_named(dask_pool, monkeypatch):
    here = ModuleType("only_here")
    exec("def model(n_in, n_out, setting): ...", vars(here))
    monkeypatch.setitem(sys.modules, "only_here", here)
    with pytest.raises(ValueError, match=r"travel .*No module named 'only_here'"):
        check_executor(dask_pool.get_executor(), here.model)


def test_a_new_process_starts_no_search_of_its_own(spawn_pool, monkeypatch):
    me = multiprocessing.current_process()
    monkeypatch.setattr(me, "_inheriting", True, raising=False)  # runs the script
    with pytest.raises(ValueError, match="below `if __name__"):
        hk.grid_search(MOONS, lr=[0.1], executor=spawn_pool)


def test_a_notebooks_function_is_refused_by_a_spawn_pool(spawn_pool, monkeypatch):
    import __main__

    exec("def model(a, b, setting): ...", vars(__main__))
    model = vars(__main__).pop("model")
    monkeypatch.setattr(__main__, "model", model, raising=False)
    monkeypatch.delattr(__main__, "__file__", raising=False)
    with pytest.raises(ValueError, match=r"got .*, which was defined in a notebook; p"):
        check_executor(spawn_pool, model)
