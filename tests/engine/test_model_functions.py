"""What a model function makes, and what it reads of a setting."""

import functools
from copy import deepcopy
from unittest.mock import Mock

import numpy as np
import pytest
import torch
from oracle import table
from torch import nn

import hpkit as hk
from hpkit.engine.dense import error_line
from hpkit.engine.model_functions import RecordedSetting, content_key, mentions_name
from hpkit.engine.training import Training

BASE = hk.Hyperparameters(epochs=3, batch_size=16, lr=0.05)
DATA = table(60, 8, 1 / 3, 2 / 3)


@pytest.mark.parametrize(
    ("read", "count"),
    [
        (lambda s: None, 1),
        (lambda s: s.lr, 2),
        (lambda s: s.momentum if s.lr == 0.05 else 0, 3),
        (lambda s: s.but(epochs=9), 4),
        (lambda s: s == s.but(), 4),
        *((read_all, 4) for read_all in (hash, vars, str)),
    ],
)
def test_runs_share_a_stack_when_the_function_read_the_same(read, count):
    def model(n_in, n_out, setting):
        read(setting)
        return nn.Linear(n_in, n_out)

    settings = [BASE.but(lr=lr, momentum=m) for lr in (0.05, 0.1) for m in (0, 0.5)]

    assert len(Training(DATA, settings, model=model).waiting) == count


def test_a_single_run_makes_one_network_which_may_have_one_parameter():
    make = Mock(side_effect=functools.partial(nn.Linear, bias=False))
    run = hk.fit(DATA, BASE, model=lambda n_in, n_out, setting: make(n_in, n_out))
    assert make.call_count == 1
    assert run.network().weight.shape == (3, 8)


class Reading(nn.Linear):
    def __init__(self, n_in, n_out, setting):
        super().__init__(n_in, setting.width)
        self.heads = self.heads if hasattr(self, "head") else n_out

    def __call__(self, *others):
        return self.out_features


def width_of(setting):
    return setting.width


@pytest.mark.parametrize(
    "model",
    [
        type("Inherits", (Reading,), {}),
        Reading(1, 1, BASE.but(own={"width": 1})),
        lambda i, o, s: Reading(i, o, s),
        lambda i, o, s: nn.Linear(i, width_of(s)),
        lambda i, o, s, own=width_of: [s.width for _ in range(2)],
        lambda i, o, s: getattr(s, "width"),  # noqa: B009
        functools.partial(lambda i, o, s, a: s.width, a=0),
        (lambda read: lambda i, o, s: read(s))(width_of),
    ],
)
def test_a_name_is_mentioned_by_a_model_function_or_what_it_calls(model):
    asked = ("width", "heads", "out_features_")
    assert [mentions_name(model, name) for name in asked] == [True, False, False]


def test_an_error_is_told_in_one_line():
    assert error_line(ValueError(" \na\nb")) == "ValueError: a"
    assert error_line(ValueError()) == "ValueError"


def test_a_watched_setting_is_a_setting():
    watched = RecordedSetting(BASE, set())
    assert isinstance(watched, hk.Hyperparameters)
    assert (watched, type(watched.but(lr=1))) == (BASE, hk.Hyperparameters)


VALUES = [1, 1.5, "a", None, True, [1, 2], [1, 3], (1, 2), {"a": 1}, {"a": 2}, {"b": 1}]
VALUES += [np.zeros(2), np.ones(2), np.zeros((2, 1)), torch.zeros(2), torch.ones(2)]
VALUES += [torch.zeros(2, 1), nn.Parameter(torch.ones(2)), lambda: 1, lambda: 2, BASE]


def test_marks_tell_values_apart_by_content():
    marks, again = (list(map(content_key, deepcopy(VALUES))) for _ in range(2))
    assert marks == again
    alike = [k for k, one in enumerate(marks) if one in marks[:k]]
    assert alike == [4]  # True is 1
    assert len({*marks}) == len(marks) - 1
