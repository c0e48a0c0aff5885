"""Search the same 27 settings for three real tables, in four ways.

    python tests/benchmarks/tables.py             # about four minutes; a quiet machine

Compares hpkit's grid and halving with Optuna (a grid, pruned by successive halving),
scikit-learn's HalvingGridSearchCV and Ray Tune's ASHA. Optuna and Ray train PyTorch in
the plain loop of `rivals`, with the same rows, initial weights and orders as hpkit;
scikit-learn trains its own network. Each may use both cores and is timed in turn
(medians of three). All choices are rated by their lowest validation loss, the mean over
ten other seeds. Starting Ray is not counted.
Needs `pip install -r tests/benchmarks/requirements.txt`.
"""

import logging
import os
import statistics
import time
import warnings
from pathlib import Path

import numpy as np
import optuna
import ray
import rivals
import torch
from ray import tune
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import HalvingGridSearchCV, PredefinedSplit
from sklearn.neural_network import MLPClassifier, MLPRegressor

import hpkit as hk

SPACE = {"lr": [0.01, 0.03, 0.1], "batch_size": [8, 16, 32], "momentum": [0, 0.5, 0.9]}
BASE = hk.Hyperparameters(epochs=81)
TABLES = {"breast cancer": load_breast_cancer, "wine": load_wine}
TABLES |= {"diabetes (a number)": load_diabetes}


def hpkit_grid(dataset):
    """Train all 27 settings to the end, together."""
    return hk.grid_search(dataset, BASE, progress=False, **SPACE).best


def hpkit_halving(dataset):
    """Drop two thirds of the settings after 3, after 9 and after 27 epochs."""
    return hk.successive_halving(dataset, BASE, progress=False, **SPACE).best


def optuna_pruned(dataset):
    """Run a grid of trials of the plain loop on two threads, with pruning."""

    def objective(trial):
        values = {n: trial.suggest_categorical(n, v) for n, v in SPACE.items()}
        lowest = np.inf
        for epoch, loss in enumerate(rivals.curve(dataset, BASE.but(**values), 0)):
            lowest = min(lowest, loss)
            trial.report(lowest, epoch)
            if trial.should_prune():
                raise optuna.TrialPruned
        return lowest

    pruner = optuna.pruners.SuccessiveHalvingPruner(9, 3)
    sampler = optuna.samplers.GridSampler(SPACE)
    study = optuna.create_study(sampler=sampler, pruner=pruner)
    study.optimize(objective, n_jobs=2)
    return BASE.but(**study.best_params)


def sklearn_halving(dataset):
    """Halve with `max_iter` as the resource, on the same split."""
    parts = dataset.train, dataset.valid
    X, y = (np.concatenate([getattr(p, n) for p in parts]) for n in "Xy")
    fold = np.repeat([-1, 0], [len(p.y) for p in parts])
    kind, scoring = MLPClassifier, "neg_log_loss"
    if dataset.is_regression:
        kind, scoring = MLPRegressor, "neg_mean_squared_error"
    net = kind(hidden_layer_sizes=BASE.hidden, solver="sgd", alpha=0, tol=0)
    names = "learning_rate_init", "batch_size", "momentum"
    search = HalvingGridSearchCV(
        net.set_params(nesterovs_momentum=False, random_state=0, n_iter_no_change=1000),
        dict(zip(names, SPACE.values(), strict=True)),
        resource="max_iter",
        min_resources=9,
        max_resources=BASE.epochs,
        scoring=scoring,
        cv=PredefinedSplit(fold),
        refit=False,
        n_jobs=2,
    ).fit(X, y.ravel())
    values = [search.best_params_[name] for name in names]
    return BASE.but(**dict(zip(SPACE, values, strict=True)))


def ray_asha(dataset):
    """Run the grid as Ray trials on two processes under ASHA."""

    def trainable(config):
        torch.set_num_threads(1)
        lowest = np.inf
        for loss in rivals.curve(dataset, BASE.but(**config), 0):
            lowest = min(lowest, loss)
            tune.report({"loss": lowest})

    asha = tune.schedulers.ASHAScheduler(
        max_t=BASE.epochs + 1, grace_period=9, reduction_factor=3
    )
    options = {"metric": "loss", "mode": "min", "scheduler": asha, "reuse_actors": True}
    results = tune.Tuner(
        trainable,
        param_space={n: tune.grid_search(v) for n, v in SPACE.items()},
        tune_config=tune.TuneConfig(**options),
        run_config=tune.RunConfig(verbose=0),
    ).fit()
    return BASE.but(**results.get_best_result().config)


def main():
    """Print a table: seconds, times hpkit's grid, and the loss of what was chosen."""
    torch.set_num_threads(1)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore")
    os.environ |= {"RAY_AIR_NEW_OUTPUT": "0", "PYTHONWARNINGS": "ignore"}
    path = [str(Path(__file__).parent), str(Path(__file__).parents[2])]
    env = {"PYTHONPATH": os.pathsep.join(path)}
    ray.init(
        num_cpus=2,
        include_dashboard=False,
        logging_level=logging.ERROR,
        log_to_driver=False,
        runtime_env={"env_vars": env},
    )
    ways = hpkit_grid, hpkit_halving, optuna_pruned, sklearn_halving, ray_asha
    print("| table | way | seconds | times hpkit's grid | loss of its choice |")
    print("|---|---|--:|--:|--:|")
    for name, load in TABLES.items():
        data = load()
        kind = "regression" if load is load_diabetes else "classification"
        dataset = hk.Dataset.from_arrays(data.data, data.target, task=kind)
        seconds = {way: [] for way in ways}
        for way in ways * 3:
            start = time.perf_counter()
            best = way(dataset)
            seconds[way].append(time.perf_counter() - start)
            if len(seconds[way]) == 3:
                middle = statistics.median(seconds[way])
                times = middle / statistics.median(seconds[ways[0]])
                *_, rating = hk.train(dataset, best, seeds=range(1, 11))
                row = f"{name} | {way.__name__} | {middle:.2f} | {times:.1f} |"
                print(f"| {row} {rating.mean_val_loss[0]:.4f} |", flush=True)


if __name__ == "__main__":
    main()
