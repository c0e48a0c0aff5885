"""Where the data sets of the course come from: files in data/, and formulas.

data/README.md describes the files.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np


def _draw(make, **how):
    """Return the function (seed, n) -> X, y of one of scikit-learn's, shuffled."""

    def draw(seed, n):
        from sklearn import datasets

        X, y = getattr(datasets, make)(n, random_state=seed, **how)
        order = np.random.default_rng(seed).permutation(n)
        return X[order], y[order]

    return draw


def _draw_spiral(seed, n, noise):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 2
    t = np.sqrt(rng.random(n)) * 2 * np.pi
    angle, radius = t + np.pi * y, t / (2 * np.pi)
    X = 2 * radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1)
    X += rng.normal(0, noise, (n, 2))
    order = rng.permutation(n)
    return X[order], y[order]


def _draw_coin_flips(seed, n):
    """Return ten columns of noise and labels that have nothing to do with them."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 10)), rng.permutation(np.arange(n) % 2)


@dataclass(frozen=True)
class _Source:
    """How a committed data set is cut, and how a new one is drawn."""

    sizes: tuple
    classes: tuple
    draw: object = None  # function (seed, n) -> X, y; None for measured data
    standardize: bool = False


TWO = ("0", "1")
SMALL = 200, 200, 1000
SOURCES = {
    "moons": _Source((400, 200, 1000), TWO, _draw("make_moons", noise=0.2)),
    "small_moons": _Source((50, 200, 1000), TWO, _draw("make_moons", noise=0.35)),
    "spiral": _Source(SMALL, TWO, partial(_draw_spiral, noise=0.1)),
    "clean_spiral": _Source(SMALL, TWO, partial(_draw_spiral, noise=0.05)),
    "circles": _Source(SMALL, TWO, _draw("make_circles", noise=0.1, factor=0.5)),
    "coin_flips": _Source((40, 40, 1000), ("heads", "tails"), _draw_coin_flips),
    "digits": _Source((600, 400, 797), tuple("0123456789"), standardize=True),
    "wine": _Source((106, 36, 36), ("0", "1", "2"), standardize=True),
}


def draw_table(source, seed):
    """Return X and y of a generated data set, rounded as in its file."""
    X, y = source.draw(seed, sum(source.sizes))
    return X.round(6), y.astype(np.int64)


def read_table(name):
    """Return X, y, rows and names of columns of a file in data/."""
    import pandas as pd

    table = pd.read_csv(data_folder() / f"{name}.csv")
    features = [c for c in table.columns if c not in ("y", "split")]
    split = table["split"].to_numpy()
    rows = [np.flatnonzero(split == part) for part in ("train", "valid", "test")]
    return table[features].to_numpy(float), table["y"].to_numpy(), rows, features


def data_folder():
    """Return the folder data/: beside the package, or inside an installed one."""
    package = Path(__file__).resolve().parent
    beside = package.parents[1] / "data"
    return beside if (beside / "moons.csv").exists() else package
