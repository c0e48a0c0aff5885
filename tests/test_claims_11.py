"""What lesson 11, your own, says: held over splits and seeds that it does not show."""

import importlib
from functools import cache

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

import hpkit as hk
from hpkit.sources import data_folder

pytestmark = pytest.mark.slow

SPLITS = range(100, 120)
BASE = hk.Hyperparameters(batch_size=16, epochs=30)
LRS = [0.001, 0.01, 0.1, 1]
LAYERS = [(), (16,), (16, 16)]


@cache
def cells(split):
    """Return the lesson's table, cut in another way."""
    frame = pd.read_csv(data_folder() / "breast_cancer.csv")
    return hk.Dataset.from_frame(frame, target="diagnosis", name="cells", seed=split)


@cache
def searched(split):
    """Return the lesson's grid on another split."""
    return hk.grid_search(cells(split), BASE, lr=LRS, hidden=LAYERS, seeds=range(3))


def test_own_always_the_same():
    for split in SPLITS:
        data = cells(split)
        benign = data.classes.index("benign")
        y = np.concatenate([part.y for part in (data.train, data.valid, data.test)])
        assert (y == benign).mean() > 0.6
        assert (data.valid.y == benign).mean() > 0.5


class Skip(nn.Module):
    """A straight way, and one through hidden units."""

    def __init__(self, n_features, n_outputs, width):
        super().__init__()
        self.straight = nn.Linear(n_features, n_outputs)
        self.bent = nn.Sequential(
            nn.Linear(n_features, width), nn.Tanh(), nn.Linear(width, n_outputs)
        )

    def forward(self, x):
        return self.straight(x) + self.bent(x)


def skip(n_features, n_outputs, setting):
    return Skip(n_features, n_outputs, setting.hidden[0])


def written_out(n_features, n_outputs, setting):
    return nn.Sequential(
        nn.Linear(n_features, 16), nn.ReLU(),
        nn.Linear(16, 16), nn.ReLU(),
        nn.Linear(16, n_outputs),
    )  # fmt: skip


def test_own_search_pays():
    default = [hk.fit(cells(s), BASE).best_val_loss for s in SPLITS]
    tuned = [searched(s).mean_val_loss.min() for s in SPLITS]

    assert np.mean(np.array(tuned) < 0.9 * np.array(default)) >= 0.95


def accuracy(split, layers):
    """Return the mean validation accuracy of the best setting with such layers."""
    found = searched(split)
    there = [i for i in found.runs.order if found.settings[i].hidden in layers]
    runs = [found.runs[there[0], k] for k in range(3)]
    return np.mean([run.val_accuracy[run.best_epoch] for run in runs])


def test_own_hidden_layers_hardly_help():
    gaps = [accuracy(s, LAYERS[1:]) - accuracy(s, LAYERS[:1]) for s in SPLITS]

    assert np.mean(np.abs(gaps) <= 0.03) >= 0.95


def test_own_split_luck():
    lowest = np.array([searched(s).mean_val_loss.min() for s in SPLITS])

    tens = [lowest[i : i + 10] for i in range(11)]  # as many as in the lesson
    assert np.mean([ten.max() > 2 * ten.min() for ten in tens]) >= 0.98


def test_own_network_same_numbers():
    for seed in range(20):
        setting = hk.Hyperparameters(lr=0.1, epochs=5)
        built_in = hk.fit(cells(100), setting, seed=seed)
        own = hk.fit(cells(100), setting, seed=seed, model=written_out)
        np.testing.assert_allclose(own.val_loss, built_in.val_loss, rtol=1e-3)


def test_own_network_is_trained_as_by_a_plain_loop():
    data, setting = cells(101), hk.Hyperparameters(lr=0.1, epochs=1, batch_size=343)
    X, y = torch.tensor(data.train.X).float(), torch.tensor(data.train.y)

    for seed in range(20):
        run = hk.fit(data, setting.but(hidden=(8,)), seed=seed, model=skip)
        torch.manual_seed(seed)
        net = Skip(data.n_features, data.n_outputs, 8)
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        nn.functional.cross_entropy(net(X), y).backward()
        optimizer.step()
        loss = nn.functional.cross_entropy(net(X), y).item()
        assert run.train_loss[-1] == pytest.approx(loss, rel=1e-4)


def test_own_study_pays():
    optuna = importlib.import_module("optuna")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    ratios = []

    for split in SPLITS:
        data = cells(split)

        def objective(trial, data=data):
            lr = trial.suggest_float("lr", 1e-3, 3, log=True)
            decay = trial.suggest_float("weight_decay", 1e-6, 1e-1, log=True)
            run = hk.fit(data, BASE.but(lr=lr, weight_decay=decay), seed=0)
            return min(run.best_val_loss, 10)

        study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=split))
        study.optimize(objective, n_trials=15)
        ratios.append(study.best_value / hk.fit(data, BASE).best_val_loss)

    assert np.mean(np.array(ratios) < 1) >= 0.95


def test_own_machines_same_numbers():
    distributed = importlib.import_module("distributed")
    base = BASE.but(epochs=3, hidden=(8,))
    space = {"lr": [0.01, 0.1], "batch_size": [16, 64], "seeds": range(20)}

    here = hk.grid_search(cells(100), base, model=skip, **space)
    with distributed.Client(
        n_workers=2, threads_per_worker=1, dashboard_address=None
    ) as client:
        there = hk.grid_search(
            cells(100), base, model=skip, executor=client.get_executor(), **space
        )

    assert np.array_equal(here.val_loss, there.val_loss)
