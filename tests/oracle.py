"""The plain PyTorch loop that every run must agree with: the tests' oracle.

Written from the text of lesson 01; of hpkit it uses only the data set and the setting.
``torch.manual_seed(seed)``, then the layers in order; a second generator with the same
seed gives one permutation per epoch, cut into batches, the last one shorter. Dropout
has a third generator, seeded with -1 - seed: for each batch it draws one
`torch.rand(units, points)` per hidden layer, from the first to the last.
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

# Values other than the default of every hyperparameter.
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


def make_optimizer(parameters, s):
    options = {"lr": s.lr, "weight_decay": s.weight_decay}
    if not s.optimizer.startswith("adam"):
        options["momentum"] = s.momentum
    if s.optimizer == "nesterov":
        options["nesterov"] = s.momentum > 0
    return OPTIMIZERS[s.optimizer](parameters, **options)


def make_scheduler(optimizer, s, n):
    """Return the scheduler of a setting, to be stepped after each of `n` updates."""
    kinds = torch.optim.lr_scheduler
    if s.schedule == "one-cycle":
        options = {"pct_start": s.warmup or 0.3, "cycle_momentum": False}
        return kinds.OneCycleLR(optimizer, s.lr, n, **options)
    warmup, factors = int(s.warmup * n), s.schedule
    n -= warmup
    named = {
        "constant": (kinds.ConstantLR, 1, n),
        "step": (kinds.StepLR, math.ceil(n / 3)),
        "cosine": (kinds.CosineAnnealingLR, n),
        "linear": (kinds.LinearLR, 1, 0, n),
    }
    steps = kinds.LambdaLR, lambda t: factors[min(t, n - 1) * len(factors) // n]
    kind, *args = named.get(s.schedule, steps)
    main = kind(optimizer, *args)
    if not warmup:
        return main
    rise = kinds.LinearLR(optimizer, 1 / (warmup + 1), 1, warmup)
    return kinds.SequentialLR(optimizer, [rise, main], [warmup])


class Dropout(nn.Module):
    """`nn.Dropout` with a `draw` that can be replaced."""

    def __init__(self, p):
        super().__init__()
        self.p = p

    def forward(self, h):
        if not self.training:
            return h
        mask = self.p <= self.draw(h.shape[1], h.shape[0]).T
        return h * mask / (1 - self.p)


def focal(outputs, targets):
    logs = outputs.log_softmax(1).gather(1, targets[:, None])[:, 0]
    return -((1 - logs.exp()) ** 2 * logs).mean()


def accuracy(outputs, targets):
    return (outputs.argmax(1) == targets).double().mean()


def table(rows, columns, *shares, **options):
    """Return a regression data set; with `shares`, classes that end at these shares."""
    X = np.random.default_rng(5).normal(size=(rows, columns))
    y = X[:, 0] * 2 + np.sin(X[:, 1]) + X[:, 2] * X[:, 3]
    y = np.digitize(y, np.quantile(y, shares)) if shares else y
    return Dataset.from_arrays(X, y, seed=1, **options)


class PlainRun(NamedTuple):
    """Curves of a run trained alone, and its networks at the best and last epoch."""

    curves: np.ndarray  # (epochs + 1, 2 or 4): both losses, then accuracies for classes
    best: nn.Module
    last: nn.Module


def dense(n_features, n_outputs, setting):
    """Return linear layers with the activation and dropout between them."""
    sizes = (n_features, *setting.hidden, n_outputs)
    layers = []
    for inputs, outputs in pairwise(sizes):
        layers += [nn.Linear(inputs, outputs), ACTIVATIONS[setting.activation]()]
        layers += [Dropout(setting.dropout)]
    return nn.Sequential(*layers[:-2])


def differences(run, model, dtype=torch.float32, loss=None, epochs=("best", "last")):
    """Return the largest differences to the plain loop: of curves, then of tensors."""
    options = {"dtype": dtype, "model": model, "loss": loss}
    plain = plain_run(run.dataset, run.setting, run.seed, **options)
    names = CURVES[: plain.curves.shape[1]]
    pairs = [(np.stack([getattr(run, name) for name in names], 1), plain.curves)]
    for epoch in epochs:
        nets = run.network(epoch), getattr(plain, epoch)
        tensors = [[t.data for t in (*n.parameters(), *n.buffers())] for n in nets]
        kinds = [[(t.shape, t.is_floating_point()) for t in ts] for ts in tensors]
        assert kinds[0] == kinds[1]
        pairs.append([torch.cat([t.double().ravel() for t in ts]) for ts in tensors])
    return [float(abs(actual - desired).max()) for actual, desired in pairs]


def assert_equal_the_plain_loop(runs, model, dtype=torch.float32, loss=None):
    """Check curves, and parameters and buffers at the best and last epoch."""
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


@functools.cache  # the same runs are tested in several groups
@torch.random.fork_rng(devices=[])
def plain_run(dataset, setting, seed, *, dtype=torch.float32, model=dense, loss=None):
    """Train one run alone, as a textbook does."""
    torch.set_num_threads(1)  # faster for small products; conftest.py resets it
    torch.default_generator.manual_seed(seed)  # the CPU's only: faster
    net = model(dataset.n_features, dataset.n_outputs, setting)
    if any(isinstance(p, UninitializedParameter) for p in net.parameters()):
        net.eval()(torch.zeros(1, dataset.n_features))
    if not any(p._backward_hooks for p in net.parameters()):  # copies lose these
        net = copy.deepcopy(net)  # `model` may return the same one again
    net, splits = net.to(dtype), []
    for split in (dataset.train, dataset.valid):
        y = torch.as_tensor(split.y.copy())
        y = y.to(dtype)[:, None] if dataset.is_regression else y
        splits.append((torch.as_tensor(split.X.copy()).to(dtype), y))
    default = nn.MSELoss() if dataset.is_regression else nn.CrossEntropyLoss()
    measured_loss = trained_loss = loss or default
    if not dataset.is_regression and not loss:
        y, weight = splits[0][1], None
        if setting.class_weight == "balanced":  # as in scikit-learn
            counts = torch.bincount(y, minlength=dataset.n_outputs).to(dtype)
            weight = len(y) / (dataset.n_outputs * counts)
        smoothing = setting.label_smoothing
        trained_loss = nn.CrossEntropyLoss(weight, label_smoothing=smoothing)
    parameters = [p for p in net.parameters() if p.requires_grad]
    optimizer = make_optimizer(parameters, setting)
    updates = math.ceil(dataset.n_train / setting.batch_size) * setting.epochs
    scheduler = make_scheduler(optimizer, setting, updates)
    shuffle = torch.Generator().manual_seed(seed)
    dropout = torch.Generator().manual_seed(-1 - seed)
    for layer in net.modules():
        if isinstance(layer, Dropout):
            layer.draw = lambda *shape: torch.rand(shape, generator=dropout)
    (X, y), curves = splits[0], [measure(net, splits, measured_loss)]
    best, since = copy.deepcopy(net), 0
    for _ in range(setting.epochs):
        for rows in torch.randperm(len(X), generator=shuffle).split(setting.batch_size):
            optimizer.zero_grad()
            trained_loss(net(X[rows]), y[rows]).backward()
            if setting.clip:
                nn.utils.clip_grad_norm_(parameters, setting.clip)
            optimizer.step()
            scheduler.step()
        measured = measure(net, splits, measured_loss)
        since += 1
        if measured[1] < min(row[1] for row in curves):
            best.load_state_dict(net.state_dict())
            since = 0
        curves.append(measured)
        if setting.patience and since == setting.patience:
            break
    return PlainRun(np.array(curves), best.eval(), net.eval())


@torch.no_grad()
def measure(net, splits, loss):
    """Return losses, then for classes accuracies, of both splits."""
    net.eval()
    pairs = [(net(X), y) for X, y in splits]
    net.train()
    functions = (loss,) if splits[0][1].is_floating_point() else (loss, accuracy)
    return [function(out, y).item() for function in functions for out, y in pairs]
