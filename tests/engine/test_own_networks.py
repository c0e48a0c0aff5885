"""Learners' own networks equal a plain loop, in whatever company they are trained."""

import dataclasses
import functools
import pickle
import random
import warnings
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from types import SimpleNamespace

import architectures
import numpy as np
import pandas as pd
import pytest
import torch
from architectures import ALL, BACKBONE, ONE_BY_ONE, STACKED
from optuna.samplers import RandomSampler
from oracle import assert_equal_the_plain_loop, table
from torch import nn

import hpkit as hk
from hpkit.engine import own_networks as modules
from hpkit.engine.training import Training

BASE = hk.Hyperparameters(epochs=2, batch_size=16, lr=0.05)
# As many rows to train as to measure: one trace for both.
DATA, NUMBERS = (table(90, 8, *s, valid=0.4) for s in ((1 / 3, 2 / 3), ()))


@pytest.fixture
def stacked(monkeypatch):
    """Stack what can be stacked, also when there is little to do."""
    monkeypatch.setattr(modules, "STEPS_TO_TRACE", 1)
    monkeypatch.setattr(modules, "WARNED", set())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", modules.OneByOneWarning)
        yield


@pytest.mark.parametrize("model", [*ALL, architectures.sparse])
def test_alone_equals_the_plain_loop(model):
    adam = {} if model is architectures.sparse else {"optimizer": "adam", "lr": 0.01}
    for how in ({"momentum": 0.5}, adam):
        run = hk.fit(DATA, BASE.but(**how), seed=4, model=model)
        assert_equal_the_plain_loop([run], model)


@pytest.mark.parametrize("model", ALL)
@pytest.mark.usefixtures("stacked")
def test_in_other_company_equals_the_plain_loop_in_double_and_for_numbers(model):
    settings = [BASE.but(lr=0.1, weight_decay=0.1), BASE.but(momentum=0.5, epochs=1)]
    settings += [s.but(optimizer="adam", lr=0.01) for s in settings]  # all: test_stack
    *_, runs = hk.train(DATA, settings, seeds=(3, 0), model=model, dtype=torch.float64)
    assert_equal_the_plain_loop(runs, model, dtype=torch.float64)
    if "padded" not in model.__name__ and model is not architectures.Embedded:
        settings = [BASE.but(lr=lr, batch_size=18) for lr in (0.01, 0.02)]
        *_, runs = hk.train(NUMBERS, settings, seeds=(0, 1), model=model)
        assert_equal_the_plain_loop(runs, model)


def pair_is_stacked(model):
    training, nets = Training(DATA, BASE, seeds=(0, 1), model=model), []
    while not training.finished:
        training.advance(0)
        nets += [stack.net for stack in training.stacks]
    return nets[-1].stacked


@pytest.mark.parametrize("model", STACKED)
@pytest.mark.filterwarnings("error")
def test_stacks_what_can_be_stacked_without_a_word_and_keeps_traces(model, monkeypatch):
    monkeypatch.setattr(modules, "STEPS_TO_TRACE", 1)
    assert pair_is_stacked(model)
    monkeypatch.setattr(modules, "make_fx", None)  # no more, but of a list of layers
    assert model is architectures.Tied or pair_is_stacked(model)


@pytest.mark.parametrize(("words", "models"), ONE_BY_ONE.items())
@pytest.mark.usefixtures("stacked")
def test_says_once_what_is_trained_one_by_one(words, models):
    for model in models:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            assert [pair_is_stacked(model) for _ in range(2)] == [False, False]

        (told,) = said
        assert (told.category, told.filename) == (modules.OneByOneWarning, __file__)
        assert words in str(told.message)


@pytest.mark.parametrize("model", [architectures.dropout, architectures.Short])
@pytest.mark.usefixtures("stacked")
def test_all_results_have_a_best_run_also_while_a_stack_is_left(model):
    size = DATA.n_train - 4  # the last batch is short
    settings = [BASE.but(lr=lr, batch_size=size) for lr in (0.01, 0.02)]
    for runs in hk.train(DATA, settings, seeds=(0, 1), model=model, tick=0):
        assert np.isfinite(runs.best_run.best_val_loss)


@pytest.mark.filterwarnings("error")
def test_little_work_is_neither_traced_nor_told(monkeypatch):
    monkeypatch.setattr(modules, "make_fx", None)
    for model in (architectures.batch_norm, architectures.lstm):
        assert not pair_is_stacked(model)


@pytest.mark.filterwarnings("error")
def test_a_stack_of_which_one_run_is_left_goes_on_without_a_word(monkeypatch):
    monkeypatch.setattr(modules, "STEPS_TO_TRACE", 1)
    settings = [BASE.but(epochs=n, lr=lr) for n, lr in ((1, 0.1), (4, 0.05), (2, 0.1))]
    *_, runs = hk.train(DATA, settings, model=architectures.batch_norm)
    assert_equal_the_plain_loop(runs, architectures.batch_norm)


class Bent(nn.Linear):
    """Bends by a function that is a plain attribute, or by a module."""

    bends = torch

    def __init__(self, n_in, n_out, setting):
        super().__init__(n_in, n_out)
        self.bend = getattr(self.bends, setting.activation)

    def forward(self, x):
        return super().forward(self.bend(x))


class BentByAModule(Bent):
    bends = SimpleNamespace(relu=nn.ReLU(), tanh=nn.Tanh())


@pytest.mark.parametrize("model", [Bent, BentByAModule])
@pytest.mark.usefixtures("stacked")
def test_two_activations_with_equal_shapes_have_traces_of_their_own(model):
    about = {"activation": ["relu", "tanh"], "seeds": (0, 3), "model": model}
    grid = hk.grid_search(DATA, BASE, **about)
    assert len(np.unique(grid.val_loss[:, 0, -1])) == 2
    assert_equal_the_plain_loop(grid.runs, model)


@pytest.mark.usefixtures("stacked")
def test_frozen_weights_and_shared_networks_are_not_changed():
    before = deepcopy(BACKBONE.train().state_dict())
    lists = {"lr": [0.05, 0.1], "momentum": [0.0, 0.5]}
    grid = hk.grid_search(DATA, BASE, **lists, model=architectures.frozen)
    torch.testing.assert_close(BACKBONE.state_dict(), before, rtol=0, atol=0)
    assert torch.equal(grid.best_run.network()[0][0].weight, before["0.weight"])
    assert BACKBONE.training
    assert not BACKBONE[0].weight.requires_grad


class Free(architectures.Between):
    def __init__(self, *about, heads=None):
        super().__init__(*about)
        self.heads = heads  # the name alone says nothing of the setting's

    def forward(self, x):
        return self.out(self.inner(x).tanh())


def free(n_in, n_out, setting):
    if setting.kind == "straight":
        return nn.Linear(n_in, n_out)
    return Free(n_in, n_out, setting, setting.width)


FREE = {"kind": ["bent", "straight"], "width": [3, 6]}


@pytest.mark.parametrize("threads", [0, 2])
@pytest.mark.usefixtures("stacked")
def test_names_of_its_own_equal_the_plain_loop(threads):
    with ThreadPoolExecutor(2) as pool:
        more = {"executor": pool if threads else None, "seeds": (0, 3)}
        grid = hk.grid_search(DATA, BASE, model=free, lr=[0.05], **FREE, **more)

    assert_equal_the_plain_loop(grid.runs, free)
    losses = grid.mean_val_loss  # the width of a straight one changes nothing
    assert losses[0] != losses[1] != losses[2] == losses[3]
    groups = Training(DATA, grid.settings, seeds=(0, 3), model=free).waiting
    assert [len(group.runs) for group in groups] == [2, 2, 4]  # a stack each


def test_a_run_that_has_predicted_can_be_pickled_and_predicts_under_autocast():
    run = hk.fit(DATA, BASE, model=architectures.mlp)
    said = run.predict_proba(DATA.valid)
    with torch.autocast("cpu"):
        for one in run, pickle.loads(pickle.dumps(run)):
            assert np.array_equal(one.predict_proba(DATA.valid), said)


def test_a_name_of_its_own_is_a_value_of_the_setting():
    setting = hk.Hyperparameters(lr=0.1, own={"width": np.int64(3), "kind": "bent"})

    assert (setting.width, setting.but(width=[2, 4]).width) == (3, (2, 4))
    for copy in (pickle.loads(pickle.dumps(setting)), deepcopy(setting)):
        assert (copy, hash(copy)) == (setting, hash(setting))
    assert eval(f"hk.{setting!r}") == setting
    assert not hasattr(setting, "heads")
    with pytest.raises(AttributeError, match=r"setting\.heads; search heads=\[...\]"):
        setting.heads  # noqa: B018
    with pytest.raises(dataclasses.FrozenInstanceError):
        setting.width = 4


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"model": free, **FREE, "heads": [2, 4]}, "got 'heads', which it never does"),
        ({"model": free, **FREE, "hidden": [(2,), (4,)]}, "got 'hidden', which it nev"),
        ({"model": free, **FREE, "learning_rate": [1, 2]}, "hpkit calls it lr"),
        ({"model": free, **FREE, "n_jobs": 2}, "hpkit calls it executor"),
        ({"model": lambda s, i, o: free(i, o, s), **FREE}, "must take .n_features, n_"),
        ({"model": lambda i, o, s: vars(s) and nn.ReLU(), **FREE}, "with parameters"),
        ({"model": free, "kind": ["bent"]}, "got no setting.width; search width"),
        ({"model": free, **FREE, "but": [1, 2]}, "a Python name .*got 'but'"),
        ({"model": free, **FREE, "width": [[DATA]]}, "width must be a number, True"),
        (FREE, "must be one of lr, .*got 'kind'"),
        ({"base": BASE.but(own={"width": 3}), "lr": [1]}, "got 'width' without one"),
    ],
)
def test_a_name_that_nothing_reads_is_refused(more, words):
    errors = ValueError, TypeError, AttributeError
    with pytest.raises(errors, match=words):
        hk.grid_search(DATA, **more)
    if "which it nev" in words:  # a path refuses it before its first step
        sampler = RandomSampler(seed=0)
        one_by_one = functools.partial(hk.bayesian_search, sampler=sampler)
        for search in (hk.one_at_a_time.live, one_by_one):
            with pytest.raises(errors, match=words):
                search(DATA, **more)


def test_a_name_that_only_some_settings_read_is_fine_alone():
    setting = BASE.but(own={"kind": "straight", "width": 3})

    assert_equal_the_plain_loop([hk.fit(DATA, setting, model=free)], free)
    with pytest.raises(ValueError, match="got 'wdith', which it never does"):
        hk.fit(DATA, setting.but(own={"wdith": 3, "kind": "straight"}), model=free)

    def fails(n_in, n_out, setting):  # before it reads the width
        known = {"straight": n_out}[setting.kind]
        return nn.Linear(n_in, known if setting.kind == "straight" else setting.width)

    (lost,) = hk.grid_search(DATA, BASE, model=fails, **FREE).lost
    assert lost.runs == ((0, 0), (1, 0))
    # Another library's name of one of ours, which this function does read.
    layers = functools.partial(lambda i, o, s, _: nn.Linear(i, o * s.layers), _=0)
    with pytest.raises(ValueError, match="shape"):
        hk.grid_search(DATA, BASE, model=layers, layers=[2, 3])


class Clamped(nn.Linear):
    def forward(self, x):
        return super().forward(x).clamp(-Clamped.top, Clamped.top)


def clamped(n_in, n_out, setting):
    Clamped.top = setting.top
    return Clamped(n_in, n_out)


def enclosed(n_in, n_out, setting, alone=False):
    class Enclosed(nn.Linear):
        def forward(self, x):
            top = setting.top if self.training or not alone else 9.0
            return super().forward(x).clamp(-top, top)

    return Enclosed(n_in, n_out)


@pytest.mark.parametrize(
    "model", [clamped, enclosed, functools.partial(enclosed, alone=True)]
)
@pytest.mark.usefixtures("stacked")
def test_what_a_network_reads_around_itself_is_never_that_of_another(model):
    steep, about = BASE.but(lr=0.5, epochs=6), {"seeds": (0, 1), "model": model}
    for top in (9.0, 2.4):  # in the first epoch no output is as large
        *_, runs = hk.train(DATA, steep.but(own={"top": top}), **about)
        assert_equal_the_plain_loop(runs, model)
    if model is not clamped:
        grid = hk.grid_search(DATA, steep, top=(9.0, 2.4), **about)
        assert_equal_the_plain_loop(grid.runs, model)


def test_what_torch_would_not_train_as_usual_is_refused():
    for own in ({"model": architectures.mlp}, {"loss": nn.CrossEntropyLoss()}):
        with torch.inference_mode(), pytest.raises(ValueError, match="needs gradients"):
            hk.fit(DATA, BASE, **own)
    with torch.autocast("cpu"), pytest.raises(ValueError, match="copies of the first"):
        hk.fit(DATA, BASE, model=architectures.mlp)


class Odd(nn.Linear):
    """Does what a plain loop allows and hpkit refuses: `how` says what, or draws."""

    how = None

    def __init__(self, n_in, n_out, setting):
        super().__init__(n_in, n_out)
        self.before, self.steps = nn.Linear(n_in, n_in), 0
        self.last = nn.Linear(n_out, n_out).requires_grad_(False)
        self.register_buffer("mean", torch.tensor(0))
        if self.how == "ties":
            self.before.bias.data = self.before.weight.data[0]
        globals()["reached"] = self.before

    def forward(self, x):
        self.steps += self.training
        if self.how == "fails" and self.training:
            raise RuntimeError("no such thing\nat line 7")
        if self.how == "writes":
            x += 1
        if self.how == "replaces":
            self.mean = x.mean()
        if self.how == "unfreezes":
            self.last.requires_grad_(self.steps > 2)
        if self.how == "draws":
            x = x * (1 if self.training else random.gauss(1, 0.1))
        x = (self.before if self.how else reached)(x)  # noqa: F821
        if callable(self.how):
            x = x * (1 + self.how())
        out = self.last(super().forward(x))
        return out.detach() if self.how == "detaches" else out


def odd(how):
    return type("Odd", (Odd,), {"how": how})


def holding_its_layers(n_in, n_out, setting):
    net = nn.Linear(n_in, n_out)
    net.register_forward_hook(lambda module, rows, out: out * net.bias)
    return net


def test_a_network_is_that_of_its_training_or_is_refused():
    act, wide = nn.Tanh, 8

    def model(n_in, n_out, setting):
        return nn.Sequential(nn.Linear(n_in, wide), act(), nn.Linear(wide, n_out))

    run = hk.fit(DATA, BASE, model=model)
    before = run.predict_proba(DATA.valid)
    act = nn.ReLU  # as if the cell that says so were run again
    with pytest.raises(ValueError, match="train again if its code has changed since"):
        run.predict_proba(DATA.valid)
    act, wide = nn.Tanh, 9
    with pytest.raises(ValueError, match="must make the network that was trained"):
        run.predict_proba(DATA.valid)
    wide = 8
    np.testing.assert_array_equal(run.predict_proba(DATA.valid), before)


def test_a_network_that_is_looked_at_never_draws_between_those_of_another_thread():
    class Looked(nn.Linear):
        def forward(self, x):
            held.append(modules.RANDOM_LOCK._is_owned())
            return super().forward(x)

    held = []
    hk.fit(DATA, BASE, model=lambda i, o, _: Looked(i, o)).network()
    assert all(held)


def test_a_softmax_at_the_end_is_told_of():
    ends = nn.Linear(8, 3), nn.Softmax(1)
    with pytest.warns(UserWarning, match="leave out the network's softmax") as told:
        hk.fit(DATA, BASE, model=lambda *_: nn.Sequential(*ends))
    assert told[0].filename == __file__


def test_rows_that_a_network_cannot_take_are_refused():
    class Codes(nn.Embedding):
        def __init__(self, n_in, n_out, setting):
            super().__init__(3, n_out)

        def forward(self, x):
            return super().forward(x[:, 0].round().int() - 5)

    frame = pd.DataFrame({"shop": [5, 6, 7] * 10, "y": [0, 1] * 15})
    data = hk.Dataset.from_frame(frame, "y", standardize=False)
    run = hk.fit(data, BASE, model=Codes)
    assert run.predict([[7]]).shape == (1,)
    with pytest.raises(ValueError, match=r"every row .* index out of range"):
        run.predict([[8]])
    with pytest.raises(ValueError, match=r"codes of .*; keep codes as they are"):
        hk.fit(hk.Dataset.from_frame(frame, "y"), BASE, model=Codes)


def test_what_does_not_fit_the_data_is_refused_before_anything_is_trained():
    more = {"model": lambda i, o, setting: nn.Linear(i, o + (setting.lr > 0.05))}
    with pytest.raises(ValueError, match=r"must give the shape \(points, 3\), got"):
        next(hk.train(DATA, [BASE, BASE.but(lr=0.1)], **more))


@pytest.mark.filterwarnings("ignore::hpkit.engine.own_networks.OneByOneWarning")
@pytest.mark.parametrize("threshold", [1, 10**9])
@pytest.mark.parametrize(
    ("model", "words"),
    [
        (odd(np.random.rand), "from torch.*numpy.random.*torch.rand"),
        (odd(lambda net: net.steps > 2 and random.random()), "from torch.*torch.rand"),
        (odd("fails"), "batch of .. rows, got.*no such thing; try it alone"),
        (lambda i, o, s: nn.Linear(i, o).requires_grad_(False), "to train.*unfrozen"),
        (odd("detaches"), r"follow its parameters, got .*; leave torch\.no_grad"),
        (odd("writes"), r"leave its input.*; begin its forward with x = x.clone"),
        (odd("replaces"), r"type and shape, got .*float.* in mean.*int64.*; register"),
        (odd("unfreezes"), "from the start, got .*unfrozen.*; set requires_grad wh"),
        (odd("ties"), "memory of its own.*got 'before.bias', which does not; tie"),
        (odd("draws"), r"from torch.*numpy.random.*torch.rand"),
        (odd(None), "whole when it is copied, got .* a global name.*; make that"),
        (holding_its_layers, "must be whole when it is copied"),
        (lambda *_: nn.Sequential(torch.jit.script(nn.Tanh())), "a plain torch"),
        (lambda i, o, s: nn.Linear(i, o + int(random.random())), "draws from random"),
    ],
)
def test_what_cannot_be_trained_is_refused(model, words, threshold, monkeypatch):
    monkeypatch.setattr(modules, "STEPS_TO_TRACE", threshold)
    with pytest.raises((ValueError, TypeError), match=words):  # within two steps
        [*hk.train(DATA, BASE.but(epochs=2, batch_size=18), seeds=(0, 1), model=model)]
