"""Numbers that a learner may type never end a kernel: what cannot fit is refused."""

import re

import pytest
from torch import nn

import hpkit as hk
from hpkit.engine import memory

WORDS = "must fit into the memory that is free, 1.0 GB, got one of about .* take fewer"


@pytest.fixture(scope="module")
def moons():
    return hk.load_dataset("moons")


@pytest.fixture
def small(monkeypatch):
    """Leave 1 GB."""
    monkeypatch.setattr(memory, "free_memory", lambda: 1e9)


def test_panels_say_it_and_live_on(moons, small, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    base = hk.Hyperparameters(epochs=2)
    curve = hk.ValidationCurvePanel(moons, "hidden", base, param_range=[4], seeds=1)
    curve.entries[0].text.value = "10000"
    curve.controls["epochs"].value = 10**6
    curve.seeds.value = 500
    curve.start_button.click()
    curve.wait(60)
    training = hk.TrainingPanel(moons, base)
    monkeypatch.setattr(memory, "free_memory", lambda: 5e7)
    monkeypatch.setattr(memory, "SMALL", 0)
    training.controls["epochs"].value = 10**6
    training.wait(60)

    assert re.match(f"a training {WORDS}", curve.result)
    assert "a training must fit into the memory" in training.result
    assert "Stopped by an error" not in curve.result + training.result
    training.controls["epochs"].value = 3
    assert training.wait(60).error is None


def linear(n_features, n_outputs, setting):
    return nn.Linear(2, 1)


@pytest.mark.parametrize(
    ("setting", "seeds", "model"),
    [
        ({"hidden": (10_000, 10_000)}, 1, None),
        ({"epochs": 10**6}, 100, None),
        ({"epochs": 10**6}, 100, linear),
        ({"hidden": (300, 300)}, 1000, None),
    ],
)
def test_training_that_cannot_fit_is_refused_and_no_other(
    moons, small, setting, seeds, model
):
    with pytest.raises(ValueError, match=WORDS):
        hk.train(moons, hk.Hyperparameters(**setting), seeds=range(seeds), model=model)
    settings = [hk.Hyperparameters(epochs=100_000), hk.Hyperparameters(hidden=(2000,))]
    hk.train(moons, settings, seeds=range(3))
    hk.train(moons, hk.Hyperparameters(hidden=(1000, 1000)), seeds=range(1000))


@pytest.mark.parametrize(
    ("hidden", "epochs", "seeds", "need"),
    [
        ([(4, 4)], 10**6, 200, "19.2"),  # three copies of four curves
        ([(10_000, 10_000)], 1, 1, "2.5"),  # six numbers a weight, three a unit and row
        ([(10_000, 1) * 10, (2,)], 1, 1, "0.5"),
        ([(7000, 7000), (2,)], 1, 2, "1.2"),  # large ones in turn,
        ([(1000, 1000)], 1, 1000, "0.8"),  # of which the best are kept;
        ([(300, 300)], 1, 1000, "2.2"),  # small ones all at once
    ],
)
def test_need_is_that_of_curves_weights_and_units(
    moons, hidden, epochs, seeds, need, monkeypatch
):
    monkeypatch.setattr(memory, "free_memory", lambda: 0)
    monkeypatch.setattr(memory, "SMALL", 0)
    settings = [hk.Hyperparameters(epochs=epochs, hidden=units) for units in hidden]
    with pytest.raises(ValueError, match=f"free, 0.0 GB, got one of about {need} GB"):
        hk.train(moons, settings, seeds=range(seeds))


@pytest.mark.parametrize("limit", memory._LIMITS)
def test_limit_of_a_container_counts_where_there_is_one(limit, tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "_CGROUP", tmp_path)
    assert memory.free_memory() > 2**20
    (tmp_path / "memory").mkdir()
    for name, size in zip(limit, (3 * 2**20, 2 * 2**20), strict=True):
        (tmp_path / name).write_text(f"{size}\n")
    assert memory.free_memory() == 2**20
    (tmp_path / limit[0]).write_text("max\n")
    assert memory.free_memory() > 2**20
