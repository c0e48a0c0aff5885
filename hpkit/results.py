"""What training gives: one `Run`, and `Runs`, many of them as named arrays.

Frozen: a result never changes after it was made, so a panel, a plot and a learner
may hold the same one. Nothing here trains; searches and their paths are in `search`.
"""

import warnings
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from hpkit.datasets import Dataset
from hpkit.models import start
from hpkit.settings import NAMES, Hyperparameters, check_choice

# Times the loss at epoch 0: above it nothing was learned and a chart would be
# stretched. Over-fitting raises the validation loss as far (0.69 to 2.0 on small
# moons), the training loss never: so it is the training loss that is looked at.
DIVERGED_ABOVE = 3
CURVES = ("train_loss", "val_loss", "train_accuracy", "val_accuracy")


class TestSplitWarning(UserWarning):
    """The test split was looked at more than once."""

    __test__ = False  # no test, whatever pytest thinks of the name


def lowest(val_loss):
    """Return the lowest loss and its epoch along the last axis; nan counts as worst."""
    worst_last = np.where(np.isnan(val_loss), np.inf, val_loss)
    epoch = worst_last.argmin(-1)
    return np.take_along_axis(worst_last, epoch[..., None], -1)[..., 0], epoch


def has_diverged(train_loss, val_loss):
    """Say for each curve along the last axis (all epochs done) whether it diverged."""
    finite = np.isfinite(train_loss).all(-1) & np.isfinite(val_loss).all(-1)
    with np.errstate(invalid="ignore"):
        far = train_loss[..., -1] > DIVERGED_ABOVE * train_loss[..., 0]
    return ~finite | far


@dataclass(frozen=True, eq=False, repr=False)
class Run:
    """One setting trained with one seed.

    Attributes
    ----------
    dataset : Dataset
    setting : Hyperparameters
    seed : int
        Of the first weights and of the order of the points.
    train_loss, val_loss : ndarray (epochs + 1,)
        Mean loss over the whole split at the end of each epoch; [0] before any
        training. Cross-entropy in nats, or the mean squared error. Shorter when
        the run was stopped.
    train_accuracy, val_accuracy : ndarray (epochs + 1,) or None
        Share of points classified right; None for regression.
    fit_time : float
        Seconds of training; of runs trained together, this one's share.
    """

    dataset: Dataset
    setting: Hyperparameters
    seed: int
    train_loss: np.ndarray
    val_loss: np.ndarray
    train_accuracy: np.ndarray | None
    val_accuracy: np.ndarray | None
    fit_time: float
    model: object = None
    weights: object = field(default=None)

    @property
    def epochs_done(self):
        """Epochs trained: `setting.epochs`, or fewer when it was stopped."""
        return len(self.val_loss) - 1

    @cached_property
    def best_epoch(self):
        """The epoch with the lowest validation loss."""
        return int(lowest(self.val_loss)[1])

    @cached_property
    def best_val_loss(self):
        """The lowest validation loss; inf when there is none."""
        return float(lowest(self.val_loss)[0])

    @cached_property
    def diverged(self):
        """Whether a loss is not finite, or the training loss ends above 3x its start."""
        return bool(has_diverged(self.train_loss, self.val_loss))

    def network(self, epoch="best"):
        """Return the trained network.

        Parameters
        ----------
        epoch : {"best", "last"}, default "best"
            Weights of the epoch with the lowest validation loss, or of the last.

        Returns
        -------
        torch.nn.Module
            A new one at each call, in evaluation mode.
        """
        from torch.nn.utils import vector_to_parameters

        check_choice("epoch", epoch, ("best", "last"))
        if self.weights is None:
            raise ValueError(
                "network() needs the weights of the run, got a run read from a file, "
                "which holds curves only; train it again with hpkit.fit."
            )
        data = self.dataset
        net = start(self.model, data.n_features, data.n_outputs, self.setting, 0)
        weights, number = self.weights
        vector = weights.of(number, epoch)
        net = net.to(vector.dtype).eval()
        vector_to_parameters(vector, net.parameters())
        return net

    def outputs(self, X, epoch="best"):
        """Return the network's outputs for X (n, features): ndarray (n, outputs)."""
        import torch

        from hpkit.stack import OneThread

        net = self.network(epoch)
        dtype = next(net.parameters()).dtype
        with torch.no_grad(), OneThread():
            return net(torch.as_tensor(np.asarray(X)).to(dtype)).double().numpy()

    def predict_proba(self, X, epoch="best"):
        """Return the probability of each class for X: ndarray (n, classes)."""
        if self.dataset.is_regression:
            raise ValueError(
                "predict_proba needs classes, got a regression; use predict."
            )
        out = self.outputs(X, epoch)
        out = np.exp(out - out.max(1, keepdims=True))
        return out / out.sum(1, keepdims=True)

    def predict(self, X, epoch="best"):
        """Return the class number, or the predicted value, of each row of X."""
        out = self.outputs(X, epoch)
        return out[:, 0] if self.dataset.is_regression else out.argmax(1)

    def test_loss(self):
        """Return the loss on the test split, with the weights of the best epoch.

        To be asked once, at the very end: a second look warns, because choosing by
        the test loss makes it a validation loss.
        """
        test = self._look_at_test("test_loss")
        out = self.outputs(test.X)
        if self.dataset.is_regression:
            return float(((out[:, 0] - test.y) ** 2).mean())
        log_sum = np.logaddexp.reduce(out, axis=1)
        return float((log_sum - out[np.arange(len(out)), test.y]).mean())

    def test_accuracy(self):
        """Return the share of test points classified right, as `test_loss` does."""
        if self.dataset.is_regression:
            raise ValueError(
                "test_accuracy needs classes, got a regression; use test_loss."
            )
        test = self._look_at_test("test_accuracy")
        return float((self.predict(test.X) == test.y).mean())

    def _look_at_test(self, what):
        """Return the test split; warn unless this is the first look."""
        looks, me = self.dataset.test_looks, (self.setting, self.seed)
        if any(look[0] != me or look[1] == what for look in looks):
            warnings.warn(
                f"the test split of {self.dataset.name} should be looked at once, "
                f"this is look number {len(looks) + 1}; choose by the validation loss "
                "and keep the test split for the very end.",
                TestSplitWarning,
                stacklevel=3,
            )
        looks.append((me, what))
        return self.dataset.test

    def __repr__(self):
        """Return the setting and the result in a line."""
        end = f"lowest validation loss {self.best_val_loss:.3g} at epoch "
        end = "diverged" if self.diverged else f"{end}{self.best_epoch}"
        s, done = self.setting, f"{self.epochs_done} of {self.setting.epochs} epochs"
        return (
            f"Run({self.dataset.name}, lr {s.lr:g}, batch size {s.batch_size}, "
            f"{done}, seed {self.seed}: {end})"
        )


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
    def of(cls, runs):
        """Return single runs of one data set as a collection.

        Parameters
        ----------
        runs : iterable of Run
            At least one. Of two with the same setting and seed (then the curves
            are the same) the longer one is kept.
        """
        longest = {}
        for run in runs:
            key = (run.setting, run.seed)
            if key not in longest or longest[key].epochs_done < run.epochs_done:
                longest[key] = run
        if not longest:
            raise ValueError(
                "a collection must hold at least one run, got none; train one first."
            )
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

    def __len__(self):
        """Return how many runs are there."""
        return int((self.epochs_done >= 0).sum())

    def __iter__(self):
        """Give every run that is there."""
        for at in zip(*np.nonzero(self.epochs_done >= 0), strict=True):
            yield self[at]

    def __getitem__(self, at):
        """Return the run of setting number i with seed number k."""
        i, k = at
        done = int(self.epochs_done[i, k])
        if done < 0:
            raise IndexError(
                f"runs[{i}, {k}] must have been trained, got a run that has not "
                "started; use `for run in runs`."
            )
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
            weights=self.weights.get((int(i), int(k))),
        )

    @cached_property
    def best_val_loss(self):
        """Lowest validation loss of each run: ndarray (n_settings, n_seeds)."""
        return np.where(self.epochs_done < 0, np.nan, lowest(self.val_loss)[0])

    @cached_property
    def best_epoch(self):
        """Epoch of each run's lowest validation loss: (n_settings, n_seeds)."""
        return lowest(self.val_loss)[1]

    @cached_property
    def diverged(self):
        """Whether each run diverged: ndarray of bool (n_settings, n_seeds)."""
        return np.array(
            [
                [self.epochs_done[i, k] >= 0 and self[i, k].diverged for k in seeds]
                for i, seeds in enumerate([range(len(self.seeds))] * len(self.settings))
            ]
        )

    @cached_property
    def mean_val_loss(self):
        """Mean over seeds of the lowest validation loss: ndarray (n_settings,)."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # a setting without runs
            return np.nanmean(self.best_val_loss, axis=1)

    @cached_property
    def std_val_loss(self):
        """Spread over seeds of the lowest validation loss: ndarray (n_settings,)."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            return np.nanstd(self.best_val_loss, axis=1)

    @cached_property
    def order(self):
        """Numbers of the settings from best to worst; any diverged seed ranks last."""
        some = self.diverged.any(1)
        value = np.where(np.isnan(self.mean_val_loss), np.inf, self.mean_val_loss)
        return np.lexsort((value, some))

    @property
    def best(self):
        """The setting with the lowest mean validation loss (its best epoch)."""
        return self.settings[self.order[0]]

    @property
    def best_run(self):
        """The run of the best setting whose validation loss is lowest."""
        i = self.order[0]
        return self[i, int(np.nanargmin(self.best_val_loss[i]))]

    def to_frame(self):
        """Return a pandas DataFrame, one row a setting, named as in scikit-learn.

        Returns
        -------
        pandas.DataFrame
            param_* for every hyperparameter, mean_val_loss, std_val_loss,
            rank_val_loss (1 is best), best_epoch (median over seeds), diverged (any
            seed), fit_time (seconds, sum over seeds), epochs (sum over seeds).
        """
        import pandas as pd

        rank = np.empty(len(self.settings), int)
        rank[self.order] = np.arange(1, len(self.settings) + 1)
        there = self.epochs_done >= 0
        frame = {
            f"param_{n}": [getattr(s, n) for s in self.settings] for n in NAMES
        } | {
            "mean_val_loss": self.mean_val_loss,
            "std_val_loss": self.std_val_loss,
            "rank_val_loss": rank,
            "best_epoch": [
                int(np.median(epochs[row])) if row.any() else -1
                for epochs, row in zip(self.best_epoch, there, strict=True)
            ],
            "diverged": self.diverged.any(1),
            "fit_time": np.where(there, self.fit_time, 0).sum(1),
            "epochs": np.where(there, self.epochs_done, 0).sum(1),
        }
        return pd.DataFrame(frame)

    def history(self):
        """Return all curves in long form.

        Returns
        -------
        pandas.DataFrame
            Columns run (0, 1, ... in the order of iteration), param_*, seed, epoch,
            split ("train" or "valid"), metric ("loss" or "accuracy"), value.
        """
        import pandas as pd

        pieces = []
        for number, run in enumerate(self):
            fixed = {"run": number}
            fixed |= {f"param_{n}": getattr(run.setting, n) for n in NAMES}
            fixed["seed"] = run.seed
            for name in CURVES:
                if (values := getattr(run, name)) is None:
                    continue
                split, metric = name.split("_")
                piece = pd.DataFrame(
                    {"epoch": range(len(values)), "value": values},
                )
                piece.insert(1, "split", "train" if split == "train" else "valid")
                piece.insert(2, "metric", metric)
                for place, (key, value) in enumerate(fixed.items()):
                    piece.insert(place, key, [value] * len(piece))
                pieces.append(piece)
        return pd.concat(pieces, ignore_index=True)

    def __repr__(self):
        """Return the count and the best in a line."""
        count = f"{len(self)} runs on {self.dataset.name}"
        return f"Runs({count}: {len(self.settings)} settings, {len(self.seeds)} seeds)"


def empty_arrays(n_settings, n_seeds, n_epochs, dataset):
    """Return the arrays of `Runs` before anything was trained, by name."""
    shape = (n_settings, n_seeds, n_epochs + 1)
    arrays = {name: np.full(shape, np.nan) for name in CURVES}
    if dataset.is_regression:
        arrays["train_accuracy"] = arrays["val_accuracy"] = None
    arrays["epochs_done"] = np.full(shape[:2], -1)
    arrays["fit_time"] = np.zeros(shape[:2])
    return arrays
