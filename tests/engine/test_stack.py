"""Runs of a stack against a plain PyTorch loop: curves, weights, shares of the time."""

import itertools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from architectures import Branching, Unused, batch_norm
from oracle import dense, differences, plain_run

import hpkit.engine.stack
from hpkit.data.datasets import Dataset, load_dataset
from hpkit.engine import own_networks
from hpkit.engine.dense import DenseNetworks
from hpkit.engine.training import Hyperparameters, Training, fit
from hpkit.hyperparameters import (
    ACTIVATIONS,
    NAMES,
    OPTIMIZERS,
    SCHEDULES,
    varied,
)

MOONS = load_dataset("small_moons")
SEEDS = (0, 3, 2**40 + 1)


DRAWN = (0.5, 1.0, 0.0, 0.25, 0.1, 2.0)
PLANS = (*SCHEDULES, DRAWN)


def groups(rng, n):
    """Return settings that share a stack by fours, at rates where training is stable.

    In a stack they differ in all that may differ there; epochs are uneven.
    """

    def draw(*values):
        return rng.choice(values).item()

    kinds = itertools.product(OPTIMIZERS, ACTIVATIONS, range(5))
    for optimizer, activation, depth in kinds:
        alike = {"optimizer": optimizer, "activation": activation}
        alike["hidden"] = rng.choice([1, 2, 5, 16], depth)
        alike["batch_size"] = draw(1, 2, 7, 8, 15, 16, 17, 32, n - 1, n)
        alike["class_weight"] = draw("none", "balanced")
        drops = rng.random() < 0.5
        for epochs in rng.permutation([1, 2, 3, 5]):
            momentum = draw(0, 0.5, 0.9)
            top = {"rmsprop": -2.5, "adam": -2, "adamw": -2}.get(optimizer, -1.5)
            top += 0 if optimizer.startswith("adam") else np.log10(1 - momentum)
            own = {"lr": 10 ** rng.uniform(-4, top), "momentum": momentum}
            own["weight_decay"] = draw(0, 1e-3, 0.1)
            own["dropout"] = draw(0.1, 0.35, 0.9) if drops else 0
            own["schedule"] = PLANS[rng.integers(len(PLANS))]
            own |= {"warmup": draw(0, 0.07, 0.45), "patience": draw(0, 1, 2)}
            own |= {"clip": draw(0, 0.05, 0.3), "label_smoothing": draw(0, 0.1, 0.7)}
            yield Hyperparameters(**alike, **own, epochs=epochs)


X = np.random.default_rng(0).normal(size=(100, 3))
Y = X[:, 0] + np.sin(3 * X[:, 1])
UNEVEN, NUMBERS = (Dataset.from_arrays(X, y) for y in (np.digitize(Y, [-1, 1.5]), Y))


@pytest.mark.filterwarnings("ignore::hpkit.engine.own_networks.OneByOneWarning")
@pytest.mark.parametrize(
    ("data", "model", "dtype", "at_once"),  # numbers in batches, and measured
    [
        (MOONS, None, torch.float64, 100_000),
        (UNEVEN, None, torch.float64, 500),
        (NUMBERS, None, torch.float64, 1),
        (UNEVEN, batch_norm, torch.float64, 1),
        (UNEVEN, Unused, torch.float64, 500),
        (UNEVEN, Branching, torch.float64, 100_000),
        (MOONS, None, torch.float32, 100_000),
    ],
    ids=lambda part: getattr(part, "__name__", None),
)
def test_random_settings_equal_the_plain_loop(data, model, dtype, at_once, monkeypatch):
    monkeypatch.setattr(hpkit.engine.stack, "GATHER_NUMBERS", at_once)
    monkeypatch.setattr(DenseNetworks, "eval_numbers", at_once)
    monkeypatch.setattr(own_networks, "STEPS_TO_TRACE", 1)
    wanted = list(groups(np.random.default_rng(1), data.n_train))
    assert varied(wanted) == [*NAMES]
    seeds = SEEDS[1:] if data is MOONS else SEEDS[:1]
    if data is NUMBERS:
        wanted = [s.but(label_smoothing=0, class_weight="none") for s in wanted]
    if model:  # which makes its own layers, and takes no batch of one row
        own = {n: getattr(Hyperparameters, n) for n in ("hidden", "activation")}
        wanted = [s.but(**own, dropout=0) for s in wanted if len(s.hidden) == 2]
        wanted = [s.but(batch_size=np.clip(s.batch_size, 2, 32)) for s in wanted]

    training = Training(data, wanted, seeds=seeds, dtype=dtype, model=model)
    stacks = len(training.waiting)
    training.advance(600)

    runs = list(training.runs)
    double = torch.float64  # once for runs in single, too
    worst = [differences(run, model or dense, double) for run in runs]
    kinds = 5 * len(ACTIVATIONS) * len(OPTIMIZERS)
    assert model or stacks == len(wanted) / 4 == kinds
    assert len(runs) == len(wanted) * len(seeds)
    assert all(run.ended for run in runs)
    assert all(run.best_epoch == run.val_loss.argmin() for run in runs)
    if dtype == torch.float64:
        assert np.max(worst) < 1e-9
    else:
        assert (np.median(worst, 0) < 1e-6).all()
    if not model:
        assert sum(s.dropout > 0 for s in wanted) >= 50
        assert any(run.epochs_done < run.setting.epochs for run in runs)  # no patience
        early = np.mean([run.best_epoch < run.epochs_done for run in runs])
        assert early > 0.2 or data is not UNEVEN


def test_a_network_whose_units_have_died_is_the_plain_loops():
    """Its gradients overflow behind units that are idle, and its bias comes back."""
    rng = np.random.default_rng(20)
    X = rng.normal(size=(40, 3))
    data = Dataset.from_arrays(X, X[:, 0] + rng.normal(size=40), seed=0)
    how = {"lr": 0.5, "batch_size": 5, "epochs": 40, "momentum": 0.5}
    run = fit(data, Hyperparameters(**how), seed=20)
    plain = plain_run(data, run.setting, 20)
    assert np.nanmax(plain.curves) > 1e20
    assert not run.diverged
    np.testing.assert_allclose(run.val_loss[-1], plain.curves[-1, 1], rtol=1e-5)


def test_rates_are_those_of_the_updates():
    """Timeline, cosine, 4 epochs of 2: 1/3 2/3 warm up, then 1 .93 .75 .5 .25 .07"""
    known = Hyperparameters(lr=1, epochs=4, schedule="cosine", warmup=0.25).rates(2)
    assert known.round(2).tolist() == [0.33, 0.67, 1, 0.93, 0.75, 0.5, 0.25, 0.07]


@pytest.mark.parametrize(
    ("owner", "name", "more"),
    [
        (hpkit.engine.stack, "schedule_factors", {"warmup": 0.5}),
        (DenseNetworks, "draw_masks", {"dropout": 0.1}),
    ],
    ids=["a constant rate", "no dropout"],
)
def test_what_a_setting_does_not_need_is_not_computed(owner, name, more, monkeypatch):
    monkeypatch.setattr(owner, name, None)
    fit(MOONS, Hyperparameters(epochs=1))
    with pytest.raises(TypeError):
        fit(MOONS, Hyperparameters(epochs=1, **more))


@pytest.mark.parametrize("first", range(3))
def test_a_tie_is_right_for_the_first_of_the_tied_classes_alone(first):
    """A network that says the same of every point: argmax takes the first highest."""
    rng = np.random.default_rng(0)
    y = np.repeat(range(3), (30, 60, 90))
    data = Dataset.from_arrays(rng.normal(size=(180, 2)), y)
    training = Training(data, Hyperparameters(batch_size=8, hidden=()), seeds=SEEDS)
    stack = training.build(*training.waiting)
    weights, bias = stack.parts("weights")
    weights.zero_()
    bias.zero_()[:, first:] = 1  # classes from `first` on are tied

    found = stack.measure()

    for name, split in ("train", data.train), ("val", data.valid):
        share = [(split.y == first).mean()] * 3
        np.testing.assert_allclose(found[f"{name}_accuracy"], share, rtol=1e-6)


def test_a_run_has_its_share_of_the_seconds(monkeypatch):
    clock = iter(range(0, 10_000, 8))
    monkeypatch.setattr(hpkit.engine.stack.time, "perf_counter", lambda: next(clock))
    short = Hyperparameters(lr=0.1, batch_size=50, epochs=1)
    training = Training(MOONS, [short, short.but(epochs=2)], seeds=range(2))
    [stack] = training.stacks = [training.build(*training.waiting)]

    shares = []
    while training.stacks:
        before = next(clock)
        measured = stack.advance(1e9)
        took = next(clock) - before - 16  # less the two looks at the clock here
        training.record(stack, measured)
        shares.append((took, len(measured["val_loss"])))

    own = np.cumsum([took / runs for took, runs in shares])
    assert [runs for _, runs in shares] == [4, 4, 2]
    assert all(took > 0 for took, _ in shares)
    np.testing.assert_allclose(training.runs.fit_time, [[own[1]] * 2, [own[2]] * 2])


def test_a_stack_that_a_seed_has_left_goes_on_elsewhere_with_the_shuffles_of_the_rest():
    settings = [Hyperparameters(lr=lr, epochs=3, dropout=0.2) for lr in (0.1, 0.3)]
    first, second = (Training(MOONS, settings, seeds=(0, 1)) for _ in range(2))
    first.advance(99, pause=1)
    first.drop({(0, 0), (1, 0)})
    second.take(first.groups())
    second.advance(99)
    for losses, setting in zip(second.runs.val_loss, settings, strict=True):
        alone = fit(MOONS, setting, seed=1).val_loss
        np.testing.assert_allclose(losses[1, 2:], alone[2:], rtol=1e-5)


def test_another_device_gives_the_same_numbers():
    script = Path(__file__).with_name("elsewhere.py")
    ended = subprocess.run([sys.executable, script], capture_output=True, text=True)
    if "no stand-in" in ended.stderr:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(ended.stderr)  # no gap
    assert ended.stdout.startswith("the same on"), ended.stderr[-3000:]
