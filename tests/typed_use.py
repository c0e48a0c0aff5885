"""What mypy must know of hpkit without running it; no test, see [tool.mypy]."""

from typing import assert_type

import numpy as np

import hpkit as hk

moons = hk.load_dataset("moons")
setting = hk.Hyperparameters(lr=0.1).but(epochs=5)
assert_type(moons, hk.Dataset)
assert_type(setting, hk.Hyperparameters)

run = hk.fit(moons, setting, seed=1)
assert_type(run, hk.Run)
assert_type(run.val_loss, np.ndarray)
assert_type(run.test_loss(), float)
assert_type(run.predict([[0, 1]], names=True), np.ndarray)
assert_type(hk.load_model(run.save("model.pt")), hk.Run)
for runs in hk.train(moons, [setting], seeds=range(3)):
    assert_type(runs, hk.Runs)
    assert_type(runs.best_run, hk.Run)

grid = hk.grid_search(moons, setting, lr=[0.1, 1], seeds=[0, 1], progress=True)
assert_type(grid, hk.Search)
assert_type(grid.best, hk.Hyperparameters)
assert_type(grid.val_loss, np.ndarray)
assert_type(hk.describe(grid), str)
assert_type(hk.Capstone(moons).grid_search(setting, lr=[0.1]), hk.Search)
hk.random_search(moons, lr=hk.log_uniform(0.01, 1), n_trials=3)

hk.fit(moons, lr=0.1)  # type: ignore[arg-type]
hk.grid_search(moons, seeds=3)  # type: ignore[arg-type]
hk.load_dataset(3)  # type: ignore[arg-type]
