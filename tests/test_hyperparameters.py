"""Hyperparameters: every bad value is refused with rule, value and way out."""

import inspect
import itertools
import math
import pickle

import numpy as np
import oracle
import pytest

import hpkit as hk
from hpkit.data.datasets import load_dataset
from hpkit.hyperparameters import NAMES, TABLE, Hyperparameters, check_seeds
from hpkit.locale import words
from hpkit.panels.controls import Controls, parse_values
from hpkit.panels.parts import code_of_setting

BAD = [
    *(("lr", v) for v in (0, -1, math.nan, math.inf, "0.1", None, True, [0.1])),
    *(("batch_size", v) for v in (0, -1, 2.5, math.nan, math.inf, "32", None, True)),
    *(("epochs", v) for v in (10**400, 2**64)),
    *(("hidden", v) for v in (b"ab", {16: 1}, itertools.count(1), 2**64)),
    *(("lr", v) for v in (10**400, np.array(0.1), np.array([0.1]))),
    *(("epochs", v) for v in (0, -3, 1.5, math.nan, "ten", None, False)),
    *(("momentum", v) for v in (-0.1, 1, 1.5, math.nan, "0.9", None)),
    *(("dropout", v) for v in (-0.1, 1, 1.5, math.nan, "0.5", None, True)),
    *(("schedule", v) for v in ("cosin", "", None, 1, (1, "half"), (1, -1), "1--1")),
    *(("clip", v) for v in (-1, math.nan, math.inf, "1", None, True)),
    *(("label_smoothing", v) for v in (-0.1, 1, math.nan, "0.1", None, True)),
    *(("class_weight", v) for v in ("balance", "", None, 1, {0: 1})),
    *(("patience", v) for v in (-1, 1.5, math.nan, "5", None, True)),
    *(("warmup", v) for v in (-0.1, 1, math.nan, "0.1", None, True)),
    *(("weight_decay", v) for v in (-1e-3, math.nan, math.inf, "0", None)),
    *(("optimizer", v) for v in ("SDG", "", None, 1)),
    *(("activation", v) for v in ("gelu", "", None, 1)),
    *(("hidden", v) for v in (0, (16, 0), (1.5,), "16", None, (None,), (-4,))),
]


@pytest.mark.parametrize(("name", "value"), BAD)
def test_bad_value_is_refused_in_three_parts(name, value):
    parts = rf"{name}\b.* must be .*, got .*;"  # the rule, the value, the way out
    with pytest.raises((ValueError, TypeError), match=parts):
        Hyperparameters(**{name: value})


def test_numbers_of_other_libraries_become_plain_ones():
    given = {"lr": np.float32(0.5), "batch_size": np.int64(8), "epochs": 3.0}
    setting = Hyperparameters(**given, hidden=[4, np.int32(2)])

    assert (type(setting.lr), type(setting.batch_size)) == (float, int)
    assert (setting.epochs, setting.hidden) == (3, (4, 2))
    assert Hyperparameters(hidden=8).hidden == (8,)
    assert hash(setting) == hash(setting.but())


BAD_SEEDS = [[], 3, "12", [1, 1], [-1], [0.5], [None], None, b"12", {1: 2}, [2**63]]
BAD_SEEDS += [[3, 2**32 + 3]]  # the same to torch


def test_a_choice_may_be_written_with_capitals():
    typed = {"optimizer": "Adam", "schedule": "One-Cycle", "activation": "ReLU"}
    plain = {name: text.lower() for name, text in typed.items()}
    assert Hyperparameters(**typed) == Hyperparameters(**plain)


@pytest.mark.parametrize("seeds", [*BAD_SEEDS, itertools.count(), np.array(3)])
def test_bad_seeds_are_refused(seeds):
    with pytest.raises((ValueError, TypeError), match=r"seed.*got.*;"):
        check_seeds(seeds)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("learning_rate", "hpkit calls it lr"),
        ("n_iter", "n_trials"),
        ("n_trials", "random_search"),
        ("alpha", "check the spelling"),  # a learning rate, or scikit-learn's L2
        ("lr_scheduler", "hpkit calls it schedule"),
        ("n_jobs", "executor"),
        ("param_grid", r"lr=\[0.01, 0.1\]"),
        ("early_stopping", "hpkit calls it patience"),
        ("resume", "hpkit calls it storage"),
        ("catch", "Search.lost"),
        ("max_grad_norm", "hpkit calls it clip"),
        ("dropout_rate", "hpkit calls it dropout"),
        ("epoch", "is epochs meant.* need model="),
        ("LR", "is lr meant"),
        ("scale", "check the spelling"),
    ],
)
def test_names_of_other_libraries_lead_to_ours(name, words):
    for make in Hyperparameters, Hyperparameters().but:
        with pytest.raises(ValueError, match=f"got '{name}'; .*{words}"):
            make(**{name: 1})


def test_class_and_table_have_the_same_names_in_the_same_order():
    names = list(inspect.signature(Hyperparameters).parameters)
    assert names == [*TABLE, "own"] == [*NAMES, "own"] == [*OTHER, "own"]
    assert [*words("hyperparameters")] == [*NAMES]
    assert pickle.loads(pickle.dumps(Hyperparameters(lr=0.3))).lr == 0.3


def test_number_that_is_infinite_or_too_long_for_a_text_is_told_so():
    with pytest.raises(ValueError, match="lr must be finite, got inf"):  # it is > 0
        Hyperparameters(lr=math.inf)
    with pytest.raises(ValueError, match=r"at most 1,000,000, got .*\bint\b"):
        Hyperparameters(epochs=10**5000)


DATA = load_dataset("small_moons")
QUICK = Hyperparameters(lr=0.1, epochs=2, batch_size=16, hidden=(4,))
OTHER = {name: values[0] for name, values in oracle.OTHER.items()}


@pytest.mark.parametrize("name", NAMES)
def test_every_hyperparameter_is_trained_searched_told_drawn_and_kept(name, tmp_path):
    # Of a rate that bounces, patience makes something.
    base = QUICK.but(lr=2, epochs=9) if name == "patience" else QUICK
    values = [getattr(base, name), OTHER[name]]

    curve = hk.validation_curve(DATA, base, param_name=name, param_range=values)
    curve.save(tmp_path / "curve.json")

    assert not np.array_equal(*curve.val_loss)
    assert (curve.param_name, curve.param_range) == (name, tuple(values))
    assert curve.settings == tuple(base.but(**{name: value}) for value in values)
    assert list(curve.to_frame()[f"param_{name}"]) == values
    told = "hidden units" if name == "hidden" else TABLE[name].label
    assert told in str(curve)
    assert TABLE[name].label in hk.describe(curve)
    assert hk.plot_validation_curve(curve).get_xlabel() == TABLE[name].label
    assert hk.plot_training_curves(curve).lines
    assert name in curve.to_optuna().best_params
    assert hk.load(tmp_path / "curve.json").settings == curve.settings


@pytest.mark.parametrize("name", NAMES)
def test_every_hyperparameter_has_a_control_usual_values_and_code(name):
    controls = Controls(DATA, QUICK, (name,))
    usual = parse_values(name, TABLE[name].usual)
    assert len(usual) > 1
    on_no_list = {"number": 0.37, "count": 7}.get(TABLE[name].kind, usual[-1])
    for value in (on_no_list, OTHER[name]):
        controls[name].value = value
        assert controls.setting == QUICK.but(**{name: value})
        assert eval(code_of_setting(controls.setting)) == controls.setting


def test_a_setting_is_told_without_what_was_left_as_it_is():
    told = [f"param_{name}" for name in NAMES[: NAMES.index("dropout") + 1]]
    columns = hk.grid_search(DATA, QUICK, lr=[0.1]).history().columns
    assert [name for name in columns if name.startswith("param_")] == told
    assert str(QUICK).endswith("activation='relu', dropout=0.0)")
    assert str(QUICK.but(warmup=0.1)).endswith("dropout=0.0, warmup=0.1)")


def test_a_schedule_may_be_a_list_of_factors(tmp_path):
    drawn = QUICK.but(schedule=[1, 0.5, 1e-5])
    same = QUICK.but(schedule="1-0.5-1e-05")
    curve = hk.grid_search(DATA, drawn, schedule=["step", (1, 0.5, 1e-5)])
    curve.save(tmp_path / "curve.json")
    study = hk.from_optuna(curve.to_optuna(), DATA, QUICK)
    assert drawn == same == eval(repr(drawn)) == Controls(DATA, drawn, [*TABLE]).setting
    assert hk.load(tmp_path / "curve.json").settings == curve.settings
    assert study.settings == curve.settings
    assert drawn.rates(3).round(8).tolist() == [0.1, 0.1, 0.05, 0.05, 1e-6, 1e-6]
