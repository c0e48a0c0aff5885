"""The plain PyTorch loop that every run must agree with: the tests' oracle.

Written from the text of lesson 01, with nothing of hpkit's but the data set and the
setting. ``torch.manual_seed(seed)``, then the layers in order; a generator of its own
with the same seed gives one permutation an epoch, cut into batches, the last one short.
Dropout has a third generator, of the seed -1 - seed: what it draws for a batch is one
`torch.rand(units, points)` a hidden layer, from the first to the last.
"""

import copy
import functools
import math
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pytest
import torch
from architectures import Counting
from torch import nn
from torch.nn import UninitializedParameter

from hpkit.data.datasets import Dataset
from hpkit.engine.runs import CURVES

# Other values than the usual ones of all that there is to set.
OTHER = {
    "lr": [0.3, 0.1],
    "batch_size": [32, 7],
    "epochs": [3, 2],
    "momentum": [0.9],
    "weight_decay": [0.1, 0.01],
    "optimizer": ["adam", "rmsprop", "adamw", "nesterov"],
    "hidden": [(8,), (), (5,), (4, 3, 5)],
    "activation": ["tanh"],
    "dropout": [0.5, 0.3],
    "schedule": ["cosine", "step", "linear", "one-cycle", (1, 0.5, 0.1)],
    "warmup": [0.3],
    "patience": [1],
    "clip": [0.01, 0.1],
    "label_smoothing": [0.2],
    "class_weight": ["balanced"],
}
OPTIMIZERS = {"sgd": torch.optim.SGD, "nesterov": torch.optim.SGD}
OPTIMIZERS |= {"rmsprop": torch.optim.RMSprop}
OPTIMIZERS |= {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh}


def optimizer_of(parameters, s):
    how = {"lr": s.lr, "weight_decay": s.weight_decay}
    if not s.optimizer.startswith("adam"):
        how["momentum"] = s.momentum
    if s.optimizer == "nesterov":
        how["nesterov"] = s.momentum > 0
    return OPTIMIZERS[s.optimizer](parameters, **how)


def schedule_of(optimizer, s, n):
    """Return the scheduler of a setting, to be asked for a step after each update."""
    kinds = torch.optim.lr_scheduler
    if s.schedule == "one-cycle":
        share = {"pct_start": s.warmup or 0.3, "cycle_momentum": False}
        return kinds.OneCycleLR(optimizer, s.lr, n, **share)
    w, parts = int(s.warmup * n), s.schedule
    n -= w
    known = {
        "constant": (kinds.ConstantLR, 1, n),
        "step": (kinds.StepLR, math.ceil(n / 3)),
        "cosine": (kinds.CosineAnnealingLR, n),
        "linear": (kinds.LinearLR, 1, 0, n),
    }
    drawn = kinds.LambdaLR, lambda t: parts[min(t, n - 1) * len(parts) // n]
    kind, *how = known.get(parts, drawn)
    then = kind(optimizer, *how)
    if not w:
        return then
    rise = kinds.LinearLR(optimizer, 1 / (w + 1), 1, w)
    return kinds.SequentialLR(optimizer, [rise, then], [w])


class Dropout(nn.Module):
    """What `nn.Dropout` does, with draws of one's own."""

    def __init__(self, p):
        super().__init__()
        self.p = p

    def forward(self, h):
        if not self.training:
            return h
        stays = self.p <= self.draw(h.shape[1], h.shape[0]).T
        return h * stays / (1 - self.p)


def focal(outputs, targets):
    logs = outputs.log_softmax(1).gather(1, targets[:, None])[:, 0]
    return -((1 - logs.exp()) ** 2 * logs).mean()


def right(outputs, targets):
    return (outputs.argmax(1) == targets).double().mean()


def table(rows, columns, *shares, **how):
    """Return a data set of numbers; with `shares` of classes that end there."""
    X = np.random.default_rng(5).normal(size=(rows, columns))
    y = X[:, 0] * 2 + np.sin(X[:, 1]) + X[:, 2] * X[:, 3]
    y = np.digitize(y, np.quantile(y, shares)) if shares else y
    return Dataset.from_arrays(X, y, seed=1, **how)


class Plain(NamedTuple):
    """A run trained alone, and its networks of two epochs."""

    curves: np.ndarray  # (epochs + 1, 2 or 4): both losses, then accuracies for classes
    best: nn.Module
    last: nn.Module


def dense(n_features, n_outputs, setting):
    """Return linear layers with the activation, and dropout, between them."""
    sizes = (n_features, *setting.hidden, n_outputs)
    layers = []
    for inputs, outputs in pairwise(sizes):
        layers += [nn.Linear(inputs, outputs), ACTIVATIONS[setting.activation]()]
        layers += [Dropout(setting.dropout)]
    return nn.Sequential(*layers[:-2])


def differences(run, model, dtype=torch.float32, loss=None, epochs=("best", "last")):
    """Return the largest ones to the plain loop: of curves, then tensors at epochs."""
    how = {"dtype": dtype, "model": model, "loss": loss}
    want = plain_run(run.dataset, run.setting, run.seed, **how)
    names = CURVES[: want.curves.shape[1]]
    pairs = [(np.stack([getattr(run, name) for name in names], 1), want.curves)]
    for epoch in epochs:
        nets = run.network(epoch), getattr(want, epoch)
        parts = [[p.data for p in (*net.parameters(), *net.buffers())] for net in nets]
        kinds = [[(p.shape, p.is_floating_point()) for p in own] for own in parts]
        assert kinds[0] == kinds[1]
        pairs.append([torch.cat([p.double().ravel() for p in own]) for own in parts])
    return [float(abs(found - wanted).max()) for found, wanted in pairs]


def assert_equal_the_plain_loop(runs, model, dtype=torch.float32, loss=None):
    """Hold that runs have its curves, and its parameters and buffers at both ends."""
    bound = 1e-5 if dtype is torch.float32 else 1e-9
    for run in runs:
        if model is Counting:
            with pytest.raises(ValueError, match=r"validation loss .*register_buf"):
                run.network("last")
        epochs = () if model is Counting else ("best", "last")
        curves, *tensors = differences(run, model, dtype, loss, epochs)
        for epoch in epochs:
            assert {p.dtype for p in run.network(epoch).parameters()} == {dtype}
        assert curves < bound
        assert all(difference < 10 * bound for difference in tensors)


@functools.cache  # the same runs stand in several companies
@torch.random.fork_rng(devices=[])
def plain_run(dataset, setting, seed, *, dtype=torch.float32, model=dense, loss=None):
    """Train one run alone, as a textbook does."""
    torch.set_num_threads(1)  # small products wait; conftest.py gives them back
    torch.default_generator.manual_seed(seed)  # not of every device: quicker
    net = model(dataset.n_features, dataset.n_outputs, setting)
    if any(isinstance(p, UninitializedParameter) for p in net.parameters()):
        net.eval()(torch.zeros(1, dataset.n_features))
    if not any(part._backward_hooks for part in net.parameters()):  # no copy has them
        net = copy.deepcopy(net)  # a function may give the same one again
    net, splits = net.to(dtype), []
    for split in (dataset.train, dataset.valid):
        y = torch.as_tensor(split.y.copy())
        y = y.to(dtype)[:, None] if dataset.is_regression else y
        splits.append((torch.as_tensor(split.X.copy()).to(dtype), y))
    usual = nn.MSELoss() if dataset.is_regression else nn.CrossEntropyLoss()
    loss_of = trains = loss or usual
    if not dataset.is_regression and not loss:
        y, weight = splits[0][1], None
        if setting.class_weight == "balanced":  # as scikit-learn has it
            counts = torch.bincount(y, minlength=dataset.n_outputs).to(dtype)
            weight = len(y) / (dataset.n_outputs * counts)
        trains = nn.CrossEntropyLoss(weight, label_smoothing=setting.label_smoothing)
    trained = [p for p in net.parameters() if p.requires_grad]
    optimizer = optimizer_of(trained, setting)
    updates = -(-len(splits[0][0]) // setting.batch_size) * setting.epochs
    schedule = schedule_of(optimizer, setting, updates)
    shuffle = torch.Generator().manual_seed(seed)
    dropping = torch.Generator().manual_seed(-1 - seed)
    for layer in net.modules():
        if isinstance(layer, Dropout):
            layer.draw = lambda *shape: torch.rand(shape, generator=dropping)
    (X, y), curves = splits[0], [measure(net, splits, loss_of)]
    best, since = copy.deepcopy(net), 0
    for _ in range(setting.epochs):
        for rows in torch.randperm(len(X), generator=shuffle).split(setting.batch_size):
            optimizer.zero_grad()
            trains(net(X[rows]), y[rows]).backward()
            if setting.clip:
                nn.utils.clip_grad_norm_(trained, setting.clip)
            optimizer.step()
            schedule.step()
        measured = measure(net, splits, loss_of)
        since += 1
        if measured[1] < min(row[1] for row in curves):
            best.load_state_dict(net.state_dict())
            since = 0
        curves.append(measured)
        if setting.patience and since == setting.patience:
            break
    return Plain(np.array(curves), best.eval(), net.eval())


@torch.no_grad()
def measure(net, splits, loss_of):
    """Return losses, then accuracies, over both splits."""
    net.eval()
    said = [(net(X), y) for X, y in splits]
    net.train()
    asked = (loss_of,) if splits[0][1].is_floating_point() else (loss_of, right)
    return [ask(out, y).item() for ask in asked for out, y in said]
