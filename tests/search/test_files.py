"""Searches that an earlier hpkit has saved are read as they were written."""

from pathlib import Path

import numpy as np
import pytest

import hpkit as hk

SAVED = Path(__file__).parent / "saved"  # written at commit c856c87
MOONS = hk.load_dataset("moons")
BASE = hk.Hyperparameters(epochs=2, hidden=(4,))


def one_at_a_time():
    return hk.one_at_a_time(MOONS, BASE, lr=[0.1, 100], hidden=[(), (4, 4)])


def successive_halving():
    space = {"lr": hk.log_uniform(0.01, 1), "batch_size": [32, 64]}
    return hk.successive_halving(MOONS, BASE, **space, n_trials=3, seeds=(0, 5))


@pytest.mark.parametrize("search", [one_at_a_time, successive_halving])
def test_saved_searches_of_earlier_versions_are_read(search, tmp_path):
    path = SAVED / f"{search.__name__}.json"

    old, new = hk.load(path), search()

    for name in ("kind", "base", "space", "planned", "steps", "rungs", "settings"):
        assert getattr(old, name) == getattr(new, name)
    assert np.allclose(old.val_loss, new.val_loss, rtol=1e-4, equal_nan=True)
    assert old.describe() == new.describe()
    assert old.save(tmp_path / "again.json").read_bytes() == path.read_bytes()
