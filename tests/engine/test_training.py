"""Training: its properties, own networks; the numbers of runs are in test_stack."""

import itertools
import math
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import torch
from architectures import batch_norm
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from torch import nn

from hpkit.data.datasets import load_dataset
from hpkit.engine.training import Hyperparameters, Training, check_settings, fit, train

MOONS = load_dataset("small_moons")
QUICK = Hyperparameters(lr=0.1, epochs=3, batch_size=16, hidden=(8,))


def last(generator):
    *_, runs = generator
    return runs


BAD_MODELS = {
    r"torch\.nn\.Module": (lambda f, o, s: "network", TypeError),
    "parameters to train": (lambda f, o, s: nn.Flatten(), ValueError),
    r"shape \(points, 2\)": (lambda f, o, s: nn.Linear(f, 7), ValueError),
    "rows of 2 features": (lambda f, o, s: nn.Linear(f + 1, o), ValueError),
}


@pytest.mark.parametrize("words", BAD_MODELS)
def test_unfit_network_is_refused_in_three_parts(words):
    model, kind = BAD_MODELS[words]
    with pytest.raises(kind, match=rf"(?s)must .*{words}.*got .*;"):
        last(train(MOONS, QUICK, model=model))


@given(
    st.lists(st.sampled_from([0.01, 0.1, 0.3]), min_size=1, max_size=3, unique=True),
    st.lists(st.integers(0, 99), min_size=1, max_size=3, unique=True),
    st.integers(1, 50),
    st.sampled_from([0.0, 0.0005, 0.1]),
)
@hypothesis_settings(max_examples=25, deadline=None)
def test_shapes_start_and_order_hold_for_any_call(rates, seeds, batch_size, tick):
    wanted = [QUICK.but(lr=lr, batch_size=batch_size, epochs=2) for lr in rates]

    runs = last(train(MOONS, wanted, seeds=seeds, tick=tick))

    assert runs.val_loss.shape == (len(rates), len(seeds), 3)
    assert (runs.epochs_done == 2).all()
    # the same start for all settings of a seed
    assert np.allclose(runs.val_loss[:, :, 0], runs.val_loss[:1, :, 0], atol=1e-6)
    assert [run.seed for run in runs] == list(seeds) * len(rates)


def test_partial_results_only_grow_and_are_frozen():
    seen = list(train(MOONS, QUICK.but(epochs=30), seeds=range(2), tick=0))

    done = [int(runs.epochs_done.max()) for runs in seen]
    assert done == sorted(done)
    assert done[0] == 0
    assert len(set(done)) == 31
    first = seen[0]
    assert np.isnan(first.val_loss[:, :, 1:]).all()  # not changed by later epochs
    with pytest.raises(AttributeError):
        first.val_loss = None


def test_leaving_the_loop_stops_and_keeps_what_is_done():
    long = QUICK.but(epochs=100_000)
    start = time.perf_counter()
    *_, runs = itertools.islice(train(MOONS, long), 3)
    assert time.perf_counter() - start < 2
    run = runs[0, 0]
    assert 0 <= run.epochs_done < 100_000
    assert np.isfinite(run.val_loss).all()
    assert run.predict(MOONS.valid.X).shape == (200,)


def test_diverged_training_is_a_result():
    digits = load_dataset("digits")
    wanted = [Hyperparameters(lr=lr, epochs=3, hidden=(32,)) for lr in (0.1, 1e4)]
    runs = last(train(digits, wanted))
    assert runs.diverged.tolist() == [[False], [True]]
    assert runs.best == wanted[0]
    assert runs.order.tolist() == [0, 1]
    assert not np.isfinite(runs.val_loss[1, 0, -1])
    assert "diverged" in repr(runs[1, 0])


def test_global_state_is_left_alone():
    torch.manual_seed(5)
    np.random.seed(5)  # noqa: NPY002 - it is the global state that is looked at
    torch.set_num_threads(2)
    before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002

    for _ in train(MOONS, QUICK, seeds=range(3), tick=0):
        assert torch.get_num_threads() == 2

    assert torch.equal(before[0], torch.get_rng_state())
    assert (before[1] == np.random.get_state()[1]).all()  # noqa: NPY002
    assert not torch.is_inference_mode_enabled()


def test_trainings_in_several_threads_do_not_disturb_each_other():
    torch.set_num_threads(2)
    found = {}

    def work(seed):
        found[seed] = fit(MOONS, QUICK.but(epochs=20), seed=seed).val_loss

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert torch.get_num_threads() == 2
    for seed, loss in found.items():
        alone = fit(MOONS, QUICK.but(epochs=20), seed=seed).val_loss
        assert np.array_equal(loss, alone)


def test_large_stacks_are_cut(monkeypatch):
    whole = last(train(MOONS, QUICK, seeds=range(4)))
    monkeypatch.setattr("hpkit.engine.training.WEIGHTS_PER_STACK", 100)

    training = Training(MOONS, QUICK, seeds=range(4))
    pieces = len(training.waiting)
    while not training.finished:
        training.advance(1)

    assert pieces == 2  # 42 weights a run
    assert np.allclose(training.runs.val_loss, whole.val_loss, atol=1e-6)
    monkeypatch.setattr("hpkit.engine.training.WEIGHTS_PER_STACK", 10)
    training = Training(MOONS, QUICK, seeds=range(3))  # larger than any stack
    assert [len(group.runs) for group in training.waiting] == [1] * 3


def test_large_networks_wait_for_their_turn_and_only_the_best_keep_weights(monkeypatch):
    """One of 42 weights at a time; two that ended keep theirs, the best ones."""
    wanted = [QUICK.but(lr=lr) for lr in (0.001, 0.3, 1e9, 0.1, 0.003)]
    whole = last(train(MOONS, wanted))
    for name, most in {"PER_STACK": 41, "AT_ONCE": 50, "KEPT": 90}.items():
        name = f"WEIGHTS_{name}" if name == "PER_STACK" else f"MOST_{name}"
        monkeypatch.setattr(f"hpkit.engine.training.{name}", most)

    for pauses in ([math.inf], [1, math.inf]):  # at a pause all are there
        training, alive = Training(MOONS, wanted), 0
        for pause in pauses:
            while not (training.finished or training.paused(pause)):
                training.advance(0, pause)
                alive = max(alive, len(training.stacks))
                runs = training.runs

        assert alive == (1 if len(pauses) == 1 else 5)
        assert np.array_equal(runs.val_loss, whole.val_loss, equal_nan=True)
        assert sorted(runs.weights) == sorted((int(i), 0) for i in whole.order[:2])
        assert runs.best_run.network() is not None
        with pytest.raises(ValueError, match="gives it again"):
            runs[2, 0].network()


@pytest.mark.parametrize(
    ("workers", "parts"),
    [(1, [8, 4]), (2, [6, 2, 4]), (3, [4, 4, 4]), (5, [3, 3, 2, 3, 1]), (99, [1] * 12)],
)
def test_stacks_are_cut_so_that_every_worker_has_some_runs(workers, parts):
    wanted = [QUICK, QUICK.but(lr=0.2), QUICK.but(batch_size=8)]
    training = Training(MOONS, wanted, seeds=range(4), workers=workers)
    assert [len(group.runs) for group in training.waiting] == parts
    assert len({run for group in training.waiting for run in group.runs}) == 12


def test_a_training_rests_at_an_epoch_and_goes_on_from_there():
    training = Training(MOONS, [QUICK, QUICK.but(batch_size=8)], seeds=range(2))

    for pause in (0, 1, 2):
        assert not training.paused(pause)
        training.advance(60, pause)
        assert training.paused(pause)
        assert (training.runs.epochs_done == pause).all()
    training.advance(60)

    whole = last(train(MOONS, training.settings, seeds=range(2)))
    np.testing.assert_array_equal(training.runs.val_loss, whole.val_loss)


def test_no_time_is_enough_for_one_step():
    training = Training(MOONS, QUICK.but(batch_size=10))
    training.advance(0)  # measures epoch 0
    done = []
    for _ in range(6):
        training.advance(0)
        done.append(training.stacks[0].done)
    assert done == pytest.approx([0.2, 0.4, 0.6, 0.8, 1, 1.2])


@pytest.mark.parametrize(("least", "stacked"), [(24, True), (25, False)])
def test_own_networks_are_stacked_from_so_many_steps_on(least, stacked, monkeypatch):
    # 50 points by 16 are 4 steps, 3 epochs are 12: two runs more save 24.
    monkeypatch.setattr("hpkit.engine.own_networks.STEPS_TO_TRACE", least)
    training = Training(MOONS, QUICK, seeds=range(3), model=batch_norm)
    assert [group.stacked for group in training.waiting] == [stacked]


BAD_CALLS = {
    "must be a hpkit.Dataset": lambda: check_settings(QUICK, "moons"),
    "hpkit.Dataset, got": lambda: fit("moons"),
    "Hyperparameters, got 0.1": lambda: train(MOONS, [0.1]),
    "at least one, got none": lambda: train(MOONS, []),
    "at most 100,000": lambda: check_settings(itertools.repeat(QUICK, 100_001), MOONS),
    "list of Hyperparameters, got 3": lambda: train(MOONS, 3),
    "50 in small_moons, got 51": lambda: fit(MOONS, QUICK.but(batch_size=51)),
    "tick must be >= 0, got": lambda: train(MOONS, QUICK, tick=-1),
    "seeds must": lambda: train(MOONS, QUICK, seeds=[]),
    "a seed must": lambda: fit(MOONS, QUICK, seed="a"),
    "at most 2\\*\\*63": lambda: fit(MOONS, QUICK, seed=2**64),
    "got Linear": lambda: fit(MOONS, QUICK, model=nn.Linear(2, 2)),
    "got <class 'torch": lambda: train(MOONS, QUICK, model=nn.Conv2d),
    "model must be a function .*got 3": lambda: train(MOONS, QUICK, model=3),
    "n_outputs, setting.*got <function": lambda: fit(MOONS, model=lambda n, m: n),
}


@pytest.mark.parametrize("words", BAD_CALLS)
def test_bad_call_is_refused_before_anything_is_trained(words):
    with pytest.raises((ValueError, TypeError), match=words) as error:
        BAD_CALLS[words]()
    assert ";" in str(error.value)


def test_no_optimizer_module_is_loaded():
    # torch.optim's first object imports the compiler, a second in a fresh kernel
    code = (
        "import sys, hpkit.engine.training as t, hpkit.data.datasets as d;"
        "t.fit(d.load_dataset('moons'), t.Hyperparameters(epochs=1));"
        "sys.exit('torch._dynamo' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
