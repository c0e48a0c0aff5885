"""Hyperparameters: every bad value is refused with rule, value and way out."""

import inspect
import itertools
import math
import pickle

import numpy as np
import pytest

from hpkit.hyperparameters import NAMES, Hyperparameters, check_seeds

BAD = [
    *(("lr", v) for v in (0, -1, math.nan, math.inf, "0.1", None, True, [0.1])),
    *(("batch_size", v) for v in (0, -1, 2.5, math.nan, math.inf, "32", None, True)),
    *(("epochs", v) for v in (10**400, 2**64)),
    *(("hidden", v) for v in (b"ab", {16: 1}, itertools.count(1), 2**64)),
    *(("lr", v) for v in (10**400, np.array(0.1), np.array([0.1]))),
    *(("epochs", v) for v in (0, -3, 1.5, math.nan, "ten", None, False)),
    *(("momentum", v) for v in (-0.1, 1, 1.5, math.nan, "0.9", None)),
    *(("weight_decay", v) for v in (-1e-3, math.nan, math.inf, "0", None)),
    *(("optimizer", v) for v in ("SGD", "", None, 1)),
    *(("activation", v) for v in ("gelu", "", None, 1)),
    *(("hidden", v) for v in (0, (16, 0), (1.5,), "16", None, (None,), (-4,))),
]


@pytest.mark.parametrize(("name", "value"), BAD)
def test_bad_value_is_refused_in_three_parts(name, value):
    with pytest.raises((ValueError, TypeError)) as error:
        Hyperparameters(**{name: value})

    rule, rest = str(error.value).split(", got ", 1)
    assert name in rule
    assert "must be" in rule
    assert ";" in rest  # the way out


def test_numbers_of_other_libraries_become_plain_ones():
    setting = Hyperparameters(
        lr=np.float32(0.5), batch_size=np.int64(8), epochs=3.0, hidden=[4, np.int32(2)]
    )

    assert type(setting.lr) is float
    assert type(setting.batch_size) is int
    assert setting.epochs == 3
    assert setting.hidden == (4, 2)
    assert Hyperparameters(hidden=8).hidden == (8,)
    assert hash(setting) == hash(setting.but())


def test_but_changes_one_value_and_refuses_unknown_names():
    setting = Hyperparameters().but(lr=0.3)

    assert setting.lr == 0.3
    assert setting.batch_size == Hyperparameters().batch_size
    with pytest.raises(ValueError, match="learning_rate"):
        setting.but(learning_rate=1)


@pytest.mark.parametrize(
    "seeds",
    [
        [],
        3,
        "12",
        [1, 1],
        [-1],
        [0.5],
        [None],
        None,
        b"12",
        {1: 2},
        [2**63],
        itertools.count(),
        np.array(3),
    ],
)
def test_bad_seeds_are_refused(seeds):
    with pytest.raises((ValueError, TypeError), match=r"seed.*got.*;"):
        check_seeds(seeds)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("learning_rate", "hpkit calls it lr"),
        ("n_iter", "n_trials"),
        ("n_jobs", "executor"),
        ("param_grid", r"lr=\[0.01, 0.1\]"),
        ("early_stopping", "PatiencePanel"),
        ("lrr", "check the spelling"),
    ],
)
def test_names_of_other_libraries_lead_to_ours(name, words):
    with pytest.raises(ValueError, match=f"got '{name}'; .*{words}"):
        Hyperparameters(**{name: 1})


def test_hyperparameters_keep_their_signature():
    names = list(inspect.signature(Hyperparameters).parameters)

    assert names == list(NAMES)
    assert pickle.loads(pickle.dumps(Hyperparameters(lr=0.3))).lr == 0.3


def test_number_too_long_for_a_text_is_refused_too():
    with pytest.raises(ValueError, match="at most 1,000,000, got a value of type int;"):
        Hyperparameters(epochs=10**5000)
