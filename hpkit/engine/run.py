"""One `Run`: a setting trained with a seed, its curves and its network.

Frozen, as all results are. Many of them together are `results.Runs`.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from hpkit.data.datasets import Dataset, Split
from hpkit.data.from_table import check_rows
from hpkit.engine.dense import network, start
from hpkit.hyperparameters import Hyperparameters, check_choice, refusal
from hpkit.locale import words

if TYPE_CHECKING:
    import torch
    from numpy.typing import ArrayLike

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
    """Say for each curve along the last axis (all epochs done) whether it diverged.

    A training loss that is nan from before any training is not known (`from_optuna`).
    """
    unknown = np.isnan(train_loss).all(-1) & np.isfinite(val_loss).any(-1)
    finite = np.isfinite(train_loss).all(-1) & np.isfinite(val_loss).all(-1) | unknown
    with np.errstate(invalid="ignore"):
        far = train_loss[..., -1] > DIVERGED_ABOVE * train_loss[..., 0]
    return ~finite | far


def softmax(out):
    out = np.exp(out - out.max(1, keepdims=True))
    return out / out.sum(1, keepdims=True)


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
    def epochs_done(self) -> int:
        """Epochs trained: `setting.epochs`, or fewer when it was stopped."""
        return len(self.val_loss) - 1

    @cached_property
    def best_epoch(self) -> int:
        """The epoch with the lowest validation loss."""
        return int(lowest(self.val_loss)[1])

    @cached_property
    def best_val_loss(self) -> float:
        """The lowest validation loss; inf when there is none."""
        return float(lowest(self.val_loss)[0])

    @cached_property
    def diverged(self) -> bool:
        """Whether a loss is not finite or the training loss ends above 3x its start."""
        return bool(has_diverged(self.train_loss, self.val_loss))

    def network(self, epoch: str = "best") -> torch.nn.Module:
        """Return the trained network: a new module at each call, in evaluation mode.

        Parameters
        ----------
        epoch : {"best", "last"}, default "best"
            Weights of the epoch with the lowest validation loss, or of the last.
        """
        import torch

        check_choice("epoch", epoch, ("best", "last"))
        if self.weights is None:
            raise refusal("no_weights")
        data, (weights, number) = self.dataset, self.weights
        about = self.model, data.n_features, data.n_outputs, self.setting, 0
        if self.model is network:
            net = start(*about)
        else:
            from hpkit.engine.own_networks import start_own  # 0.1 s that few need

            net, _ = start_own(*about, torch.float32)
        return weights.load(net, number, epoch)

    def outputs(self, X: ArrayLike | Split, epoch: str = "best") -> np.ndarray:
        """Return the network's outputs (n, outputs) for X as in `dataset.valid.X`."""
        import torch

        from hpkit.engine.stack import OneThread

        X = check_rows(X, self.dataset.features)
        net = self.network(epoch)
        dtype = next(net.parameters()).dtype
        with torch.no_grad(), OneThread():
            return net(torch.tensor(X, dtype=dtype)).double().numpy()

    def predict_proba(self, X: ArrayLike | Split, epoch: str = "best") -> np.ndarray:
        """Return the probability of each class: ndarray (n, classes); see `predict`."""
        if self.dataset.is_regression:
            raise refusal("proba")
        return softmax(self.outputs(self._scaled(X), epoch))

    def predict(self, X: ArrayLike | Split, epoch: str = "best") -> np.ndarray:
        """Return what the network says of each row: ndarray (n,).

        Parameters
        ----------
        X : pandas.DataFrame, array-like (n, features), or Split
            Rows in the units of the table that the data set was made from; of a table
            the columns are found by name. Or a split, such as ``dataset.valid``.
        epoch : {"best", "last"}, default "best"

        Returns
        -------
        ndarray (n,)
            Class numbers, whose names are in ``dataset.classes``; for regression the
            target in its own units, of a split in those of ``split.y``.
        """
        data, out = self.dataset, self.outputs(self._scaled(X), epoch)
        if not data.is_regression:
            return out.argmax(1)
        if isinstance(X, Split):
            return out[:, 0]
        return out[:, 0] * data.target_scale + data.target_center

    def _scaled(self, X):
        return X.X if isinstance(X, Split) else self.dataset.scaled(X)

    def test_loss(self) -> float:
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

    def test_accuracy(self) -> float:
        """Return the share of test points classified right, as `test_loss` does."""
        if self.dataset.is_regression:
            raise refusal("test_accuracy")
        test = self._look_at_test("test_accuracy")
        return float((self.predict(test) == test.y).mean())

    def _look_at_test(self, what):
        looks, me = self.dataset.test_looks, (self.setting, self.seed)
        if any(look[0] != me or look[1] == what for look in looks):
            text, number = words("engine")["test_again"], len(looks) + 1
            text = text.format(dataset=self.dataset.name, look=number)
            warnings.warn(text, TestSplitWarning, stacklevel=3)
        looks.append((me, what))
        return self.dataset.test

    def __repr__(self):
        text = words("engine")["run_diverged" if self.diverged else "run"]
        return text.format(
            dataset=self.dataset.name,
            lr=f"{self.setting.lr:g}",
            seed=self.seed,
            batch_size=self.setting.batch_size,
            done=self.epochs_done,
            epochs=self.setting.epochs,
            loss=self.best_val_loss,
            epoch=self.best_epoch,
        )
