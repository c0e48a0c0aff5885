"""Searches that an earlier hpkit has saved are read as they were written."""

import json
from functools import reduce
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


def places(part, path=()):
    """Give the path of everything in what JSON holds."""
    pairs = part.items() if isinstance(part, dict) else enumerate(part)
    for key, value in pairs:
        yield (*path, key)
        if isinstance(value, dict | list):
            yield from places(value, (*path, key))


def test_file_with_anything_odd_in_it_is_refused_or_shown_whole(tmp_path):
    rng, path = np.random.default_rng(0), tmp_path / "odd.json"
    text = (SAVED / "successive_halving.json").read_text()
    every = list(places(json.loads(text)))
    odd = [None, "<img src=x onerror=a()>", -1, 10**30, 1e400, [], {}, [[[]]], True, ""]
    refused = 0
    for _ in range(400):
        plain, (*way, last) = json.loads(text), every[rng.integers(len(every))]
        reduce(lambda part, key: part[key], way, plain)[last] = odd[rng.integers(10)]
        path.write_text(json.dumps(plain))
        try:
            found = hk.load(path)
        except ValueError as error:
            refused += error.refused
            continue
        assert "<img" not in found._repr_html_()
        assert len(found.to_frame()) == len(found.settings)
    assert refused > 100
