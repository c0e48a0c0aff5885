"""`Runs`: many runs as named arrays; one alone is a `run.Run`.

Frozen: a result never changes after it was made, so a panel, a plot and a learner
may hold the same one. Nothing here trains; searches and their paths are in `found`,
tables and files in `tables`.
"""

from __future__ import annotations

import operator
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from hpkit.data.datasets import Dataset
from hpkit.engine.run import CURVES, Run, TestSplitWarning, has_diverged, lowest
from hpkit.hyperparameters import NAMES, Hyperparameters, check_items, refusal
from hpkit.locale import words

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CURVES", "Run", "Runs", "TestSplitWarning", "has_diverged", "lowest"]

# Share of a loss below which a difference is rounding: no win (see `ranked`).
EVEN = 1e-5


@dataclass(frozen=True, eq=False, repr=False)
class Runs:
    """Many runs on one data set: every setting with every seed.

    Attributes
    ----------
    dataset : Dataset
    settings : tuple of Hyperparameters, n_settings
    seeds : tuple of int, n_seeds
    train_loss, val_loss : ndarray (n_settings, n_seeds, n_epochs + 1)
        As in `Run`; nan after a run's last epoch, and where there is no run.
    train_accuracy, val_accuracy : ndarray of the same shape, or None
    epochs_done : ndarray of int (n_settings, n_seeds)
        -1 where there is no run (yet).
    fit_time : ndarray (n_settings, n_seeds)
        Seconds.

    Notes
    -----
    ``runs[i, k]`` is the `Run` of setting i with seed k; iterating gives all that
    are there, seed by seed for each setting.
    """

    dataset: Dataset
    settings: tuple
    seeds: tuple
    train_loss: np.ndarray
    val_loss: np.ndarray
    train_accuracy: np.ndarray | None
    val_accuracy: np.ndarray | None
    epochs_done: np.ndarray
    fit_time: np.ndarray
    model: object = None
    weights: dict = field(default_factory=dict)

    @classmethod
    def of(cls, runs: Iterable[Run]) -> Runs:
        """Return single runs of one data set as a collection.

        Parameters
        ----------
        runs : iterable of Run
            At least one. Of two with the same setting and seed (then the curves
            are the same) the longer one is kept.
        """
        longest = {}
        for run in check_items("runs", runs, most=10**6, of="Run"):
            if not isinstance(run, Run):
                raise refusal("run", run, kind=TypeError)
            key = (run.setting, run.seed)
            if key not in longest or longest[key].epochs_done < run.epochs_done:
                longest[key] = run
        settings = tuple(dict.fromkeys(setting for setting, _ in longest))
        seeds = tuple(dict.fromkeys(seed for _, seed in longest))
        first = next(iter(longest.values()))
        most = max(run.epochs_done for run in longest.values())
        arrays = empty_arrays(len(settings), len(seeds), most, first.dataset)
        weights = {}
        for (setting, seed), run in longest.items():
            at = settings.index(setting), seeds.index(seed)
            for name in CURVES:
                if arrays[name] is not None:
                    arrays[name][at][: run.epochs_done + 1] = getattr(run, name)
            arrays["epochs_done"][at] = run.epochs_done
            arrays["fit_time"][at] = run.fit_time
            weights[at] = run.weights
        return cls(
            first.dataset, settings, seeds, **arrays, model=first.model, weights=weights
        )

    def __len__(self) -> int:
        return int((self.epochs_done >= 0).sum())

    def __iter__(self) -> Iterator[Run]:
        for at in zip(*np.nonzero(self.epochs_done >= 0), strict=True):
            yield self[at]

    def __getitem__(self, at):
        settings, seeds = len(self.settings), len(self.seeds)
        try:
            i, k = map(operator.index, at)
        except (TypeError, ValueError):
            raise refusal("place", at, kind=TypeError) from None
        try:
            i, k = range(settings)[i], range(seeds)[k]
        except IndexError:
            facts = {"settings": settings, "seeds": seeds}
            raise refusal("no_place", at, kind=IndexError, **facts) from None
        done = int(self.epochs_done[i, k])
        if done < 0:
            raise refusal("not_started", kind=IndexError, i=i, k=k)
        curves = {name: getattr(self, name) for name in CURVES}
        curves = {
            name: None if all_ is None else all_[i, k, : done + 1]
            for name, all_ in curves.items()
        }
        return Run(
            self.dataset,
            self.settings[i],
            self.seeds[k],
            **curves,
            fit_time=float(self.fit_time[i, k]),
            model=self.model,
            weights=self.weights.get((i, k)),
        )

    @cached_property
    def best_val_loss(self) -> np.ndarray:
        """Lowest validation loss of each run: ndarray (n_settings, n_seeds)."""
        return np.where(self.epochs_done < 0, np.nan, lowest(self.val_loss)[0])

    @cached_property
    def best_epoch(self) -> np.ndarray:
        """Epoch of each run's lowest validation loss: (n_settings, n_seeds)."""
        return lowest(self.val_loss)[1]

    @property
    def median_best_epoch(self) -> list:
        """Each setting's best epoch, the median over seeds; -1 without a run."""
        there = self.epochs_done >= 0
        return [
            int(np.median(epochs[row])) if row.any() else -1
            for epochs, row in zip(self.best_epoch, there, strict=True)
        ]

    @cached_property
    def diverged(self) -> np.ndarray:
        """Whether each run diverged: ndarray of bool (n_settings, n_seeds)."""
        diverged = np.zeros(self.epochs_done.shape, bool)
        for (i, k), done in np.ndenumerate(self.epochs_done):
            if done >= 0:
                curves = self.train_loss[i, k], self.val_loss[i, k]
                diverged[i, k] = has_diverged(*(curve[: done + 1] for curve in curves))
        return diverged

    @cached_property
    def mean_val_loss(self) -> np.ndarray:
        """Mean over seeds of the lowest validation loss: ndarray (n_settings,)."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # a setting without runs
            return np.nanmean(self.best_val_loss, axis=1)

    @cached_property
    def std_val_loss(self) -> np.ndarray:
        """Spread over seeds of the lowest validation loss: ndarray (n_settings,).

        The standard deviation that divides by n - 1; nan with one seed.
        """
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            return np.nanstd(self.best_val_loss, axis=1, ddof=1)

    @cached_property
    def order(self) -> np.ndarray:
        """Numbers of the settings from best to worst; any diverged seed ranks last.

        Of equal losses (see `EVEN`) the one with fewer epochs is the better one, then
        the one that was tried first.
        """
        return ranked(self, self.mean_val_loss)

    @property
    def best(self) -> Hyperparameters:
        """The setting with the lowest mean validation loss (its best epoch)."""
        return self.settings[self.order[0]]

    @property
    def best_run(self) -> Run:
        """The run of the best setting whose validation loss is lowest."""
        i = self.order[0]
        return self[i, int(np.nanargmin(self.best_val_loss[i]))]

    def to_frame(self) -> pd.DataFrame:
        """Return a pandas DataFrame, one row a setting, named as in scikit-learn.

        Returns
        -------
        pandas.DataFrame
            param_* for every hyperparameter, mean_val_loss, std_val_loss (divided by
            n - 1, nan with one seed), rank_val_loss (1 is best), best_epoch (median
            over seeds), diverged (any seed), fit_time (seconds, sum over seeds),
            epochs (sum over seeds).
        """
        import pandas as pd

        rank, there = np.empty(len(self.settings), int), self.epochs_done >= 0
        rank[self.order] = np.arange(1, len(self.settings) + 1)
        frame = {f"param_{n}": [getattr(s, n) for s in self.settings] for n in NAMES}
        frame |= {
            "mean_val_loss": self.mean_val_loss,
            "std_val_loss": self.std_val_loss,
            "rank_val_loss": rank,
            "best_epoch": self.median_best_epoch,
            "diverged": self.diverged.any(1),
            "fit_time": np.where(there, self.fit_time, 0).sum(1),
            "epochs": np.where(there, self.epochs_done, 0).sum(1),
        }
        return pd.DataFrame(frame)

    def history(self) -> pd.DataFrame:
        """Return all curves in long form.

        Returns
        -------
        pandas.DataFrame
            Columns run (0, 1, ... in the order of iteration), param_*, seed, epoch,
            split ("train" or "valid"), metric ("loss" or "accuracy"), value.
        """
        import pandas as pd

        pieces = []
        for (number, run), name in product(enumerate(self), CURVES):
            if (values := getattr(run, name)) is None:
                continue
            split, metric = name.split("_")
            # in a list, since a tuple (hidden) would be taken for a column
            piece = {"run": number} | {
                f"param_{n}": [getattr(run.setting, n)] * len(values) for n in NAMES
            }
            piece |= {"seed": run.seed, "epoch": range(len(values))}
            piece |= {"split": "valid" if split == "val" else split, "metric": metric}
            pieces.append(pd.DataFrame(piece | {"value": values}))
        return pd.concat(pieces, ignore_index=True) if pieces else pd.DataFrame()

    def __repr__(self):
        facts = {"settings": len(self.settings), "seeds": len(self.seeds)}
        facts |= {"count": len(self), "dataset": self.dataset.name}
        return words("engine")["runs"].format(**facts)


def ranked(runs, scores, among=None):
    """Return the numbers of settings from the lowest score to the highest.

    Diverged settings come last. Scores that differ by rounding alone are a tie: first
    comes what has fewer epochs, then what stands first in `among` (default: all).
    """
    among = np.arange(len(runs.settings)) if among is None else np.asarray(among)
    epochs = [runs.settings[i].epochs for i in among]
    out = runs.diverged.any(1)[among]
    return among[np.lexsort((epochs, levels(np.asarray(scores)[among]), out))]


def levels(scores):
    """Return 0, 1, 2, ... for scores from low to high, the same for a tie; nan last."""
    level, count, low = np.zeros(len(scores), int), -1, -np.inf
    scores = np.where(np.isfinite(scores), scores, np.inf)
    for i in np.argsort(scores, kind="stable"):
        if count < 0 or scores[i] > low + EVEN * abs(low):
            low, count = scores[i], count + 1
        level[i] = count
    return level


def empty_arrays(n_settings, n_seeds, n_epochs, dataset):
    shape = (n_settings, n_seeds, n_epochs + 1)
    arrays = {name: np.full(shape, np.nan) for name in CURVES}
    if dataset.is_regression:
        arrays["train_accuracy"] = arrays["val_accuracy"] = None
    arrays["epochs_done"] = np.full(shape[:2], -1)
    arrays["fit_time"] = np.zeros(shape[:2])
    return arrays


def join(parts):
    """Return collections of the same data set and seeds as one, settings in order.

    Unlike `Runs.of` it keeps the place of settings that have not started.
    """
    first, epochs = parts[0], max(part.val_loss.shape[2] for part in parts)
    arrays = {}
    for name in CURVES:
        if getattr(first, name) is None:
            arrays[name] = None
            continue
        filled = [
            np.pad(
                getattr(part, name),
                [(0, 0), (0, 0), (0, epochs - part.val_loss.shape[2])],
                constant_values=np.nan,
            )
            for part in parts
        ]
        arrays[name] = np.concatenate(filled)
    for name in ("epochs_done", "fit_time"):
        arrays[name] = np.concatenate([getattr(part, name) for part in parts])
    settings, weights = [], {}
    for part in parts:
        for (i, k), value in part.weights.items():
            weights[i + len(settings), k] = value
        settings += part.settings
    about = first.dataset, tuple(settings), first.seeds
    return Runs(*about, **arrays, model=first.model, weights=weights)
