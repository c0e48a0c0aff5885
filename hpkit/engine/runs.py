"""`Run`: a setting trained with a seed, its curves and network; `Runs`: many of them.

Both are frozen, so panels, plots, and learners can share them. Nothing here trains.
"""

from __future__ import annotations

import operator
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import fx

from hpkit import hyperparameters as hp
from hpkit.data.datasets import Dataset, Split, check_has_rows, check_rows
from hpkit.engine.dense import RANDOM_LOCK, error_line, network, start
from hpkit.engine.model_functions import start_own
from hpkit.engine.stack import CURVES, OneThread
from hpkit.hyperparameters import Hyperparameters, refusal, varied
from hpkit.locale import tr

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike

# As a multiple of the loss at epoch 0: above it nothing was learned, and a chart would
# be stretched. This is checked on the training loss, because overfitting can raise the
# validation loss as far (0.69 to 2.0 on small moons), but never the training loss.
DIVERGED_ABOVE = 3
# Relative difference of losses below which it is rounding, not a win (see `rank`).
TIE = 1e-5


def lowest_loss(val_loss):
    """Return the lowest loss and its epoch along the last axis; nan counts as worst."""
    worst_last = np.where(np.isnan(val_loss), np.inf, val_loss)
    return worst_last.min(-1), worst_last.argmin(-1)


def _has_diverged(train_loss, val_loss, ended):
    """Return whether a run diverged, given its curves up to the last epoch trained."""
    if np.isnan(train_loss).all() and np.isfinite(val_loss).any():
        return False  # an Optuna study has no training loss
    if not (np.isfinite(train_loss).all() and np.isfinite(val_loss).all()):
        return True
    # A run cut short by halving or Stop might have come down again, as with BatchNorm.
    # A custom loss that starts at 0 or goes below it gives no scale to compare with.
    comparable = ended and train_loss[0] > 0 and train_loss.min() >= 0
    return bool(comparable and train_loss[-1] > DIVERGED_ABOVE * train_loss[0])


def _has_ended(done, best, epochs, patience):
    return (done >= epochs) | ((patience > 0) & (done - best >= patience))


def _outputs(net, X):
    dtype = next(net.parameters()).dtype
    try:
        with torch.no_grad(), OneThread(), torch.autocast("cpu", enabled=False):
            return net(torch.tensor(X, dtype=dtype)).double().numpy()
    except Exception as error:  # such as a custom network given an unknown category
        raise refusal("network_rows", reason=error_line(error)) from error


def softmax(outputs):
    return torch.softmax(torch.tensor(outputs), 1).numpy()


@dataclass(frozen=True, eq=False, repr=False)
class Run:
    """One setting trained with one seed.

    Attributes
    ----------
    dataset, setting, seed : Dataset, Hyperparameters, int
    train_loss, val_loss : ndarray (epochs + 1,)
        Mean loss over the whole split at the end of each epoch; [0] before any
        training. Cross-entropy in nats, or the mean squared error, or your own
        `loss`. Shorter when the run was stopped.
    train_accuracy, val_accuracy : ndarray (epochs + 1,) or None
        Share of points classified right; None for regression.
    val_metric : ndarray (epochs + 1,) or None
        Your own `metric` on the validation rows; higher is better.
    fit_time : float
        Seconds of training; for runs trained together, this one's share.
    """

    dataset: Dataset
    setting: Hyperparameters
    seed: int
    train_loss: np.ndarray
    val_loss: np.ndarray
    train_accuracy: np.ndarray | None
    val_accuracy: np.ndarray | None
    fit_time: float
    model: object = None  # the function that made the network
    weights: object = None  # a `stack.Weights`, and this run's key in its `runs`
    val_metric: np.ndarray | None = None

    @property
    def _curves(self):
        """The curves that it has, by name."""
        curves = {name: getattr(self, name) for name in CURVES}
        return {name: curve for name, curve in curves.items() if curve is not None}

    @property
    def epochs_done(self) -> int:
        """Epochs trained: `setting.epochs`, or fewer when it was stopped."""
        return len(self.val_loss) - 1

    @property
    def ended(self) -> bool:
        """Whether it trained to its end: all epochs, or as long as its patience."""
        goals = self.setting.epochs, self.setting.patience
        return _has_ended(self.epochs_done, self.best_epoch, *goals)

    @cached_property
    def best_epoch(self) -> int:
        """The epoch with the lowest validation loss."""
        return int(lowest_loss(self.val_loss)[1])

    @cached_property
    def best_val_loss(self) -> float:
        """The lowest validation loss; inf when there is none."""
        return float(lowest_loss(self.val_loss)[0])

    @cached_property
    def diverged(self) -> bool:
        """Whether a loss is not finite, or training ends above 3x a start above 0."""
        return _has_diverged(self.train_loss, self.val_loss, self.ended)

    def network(self, epoch: str = "best") -> torch.nn.Module:
        """Return the trained network: a new module at each call, in evaluation mode.

        Its weights are those of the epoch with the lowest validation loss, or of the
        "last" one; of a run that was stopped, then, those of its last step.
        """
        hp.check_choice("epoch", epoch, ("best", "last"))
        weights, run_key = self._require_weights()
        net = weights.load(self._start(), run_key, epoch)
        if self.model is not network:  # each time: its cell may have been rerun
            self._check(weights.load(self._start(), run_key, epoch), epoch)
        return net

    def _check(self, net, epoch):
        """Refuse a network whose training changed state outside of its tensors."""
        valid = self.dataset.valid
        expected = self.val_loss[self.best_epoch if epoch == "best" else -1]
        # A run from a file has no rows; a stopped run may be some steps past its curve.
        past_curve = epoch == "last" and not self.ended
        if not len(valid.y) or past_curve or not np.isfinite(expected):
            return
        with RANDOM_LOCK, torch.random.fork_rng(devices=[]):
            loss, again = (self._loss(valid, _outputs(net, valid.X)) for _ in range(2))
        # Two different losses: the network draws random numbers in evaluation mode.
        if loss == again and not np.isclose(loss, expected, 1e-4, 1e-6):
            raise refusal("lost_state", round(loss, 4), wanted=expected)

    def _require_weights(self):
        if self.weights is None:
            raise refusal("no_weights")
        return self.weights

    def _start(self):
        data = self.dataset
        arguments = self.model, data.n_features, data.n_outputs, self.setting, self.seed
        if self.model is network:
            return start(*arguments)
        return start_own(*arguments, torch.float32)[0]

    def to_module(self, epoch: str = "best") -> torch.nn.Module:
        """Return the network, its scaling and softmax as a module that needs no hpkit.

        It takes a tensor of rows with the columns of ``dataset.features`` in their own
        units: ``torch.tensor(run.dataset.prepare(rows))`` for rows of your table. It
        gives what `predict_proba` gives, or for regression what `predict` gives.
        ``torch.save`` and ``torch.export`` take it if they take your network, and
        ``torch.load(path, weights_only=False)`` reads it.

        Examples
        --------
        >>> import torch
        >>> module = hk.fit(hk.load_dataset("moons")).to_module()
        >>> module(torch.tensor([[0.0, 1.0]])).shape
        torch.Size([1, 2])
        """
        self._warn_if_untrained(epoch)
        data, net, graph = self.dataset, self.network(epoch), fx.Graph()
        call, method = graph.call_function, graph.call_method
        parts = {"center": torch.tensor(data.center), "scale": torch.tensor(data.scale)}
        x = method("double", (graph.placeholder("rows"),))
        x = call(operator.sub, (x, graph.get_attr("center")))
        x = call(operator.truediv, (x, graph.get_attr("scale")))
        x = method("to", (x, next(net.parameters()).dtype))
        x = method("double", (graph.call_module("network", (x,)),))
        if data.is_regression:
            x = call(operator.mul, (method("select", (x, 1, 0)), data.target_scale))
            x = call(operator.add, (x, data.target_center))
        else:
            x = method("softmax", (x, 1))
        graph.output(x)
        return fx.GraphModule({"network": net, **parts}, graph).eval()

    def save(self, path: str | Path) -> Path:
        """Write the model to a file for `hpkit.load_model`, and return the path.

        It holds the weights of the best and the last epoch, the setting, the curves,
        the scales of the columns and the names of the classes, but no rows.
        """
        from hpkit.engine.files import save_run

        return save_run(self, path)

    def outputs(self, X: ArrayLike | Split, epoch: str = "best") -> np.ndarray:
        """Return the network's outputs (n, outputs) for X as in `dataset.valid`."""
        X = X.X if isinstance(X, Split) else check_rows(X, self.dataset.features)
        return _outputs(self.network(epoch), X)

    def predict_proba(self, X: ArrayLike | Split, epoch: str = "best") -> np.ndarray:
        """Return the probability of each class: ndarray (n, classes); see `predict`."""
        if self.dataset.is_regression:
            raise refusal("proba")
        return softmax(self.outputs(self._scaled(X, epoch), epoch))

    def predict(
        self, X: ArrayLike | Split, epoch: str = "best", *, names: bool = False
    ) -> np.ndarray:
        """Return what the network predicts for each row: ndarray (n,).

        That is class numbers, as in ``split.y``, or the names of the classes; for
        regression the target in its own units, for a split in those of ``split.y``.

        Parameters
        ----------
        X : pandas.DataFrame, array-like (n, columns), or Split
            Rows in the units of the table that the data set was made from; in a table
            the columns are found by name. Rows may be dicts, and a single one a dict, a
            Series, or a list. Or a split, such as ``dataset.valid``.
        epoch : {"best", "last"}, default "best"
        names : bool, default False
            Return names from ``dataset.classes`` in place of class numbers.

        Examples
        --------
        >>> run = hk.fit(hk.load_dataset("moons"), hk.Hyperparameters(lr=0.3))
        >>> run.predict([[0, 1], [1, -0.5]])
        array([0, 1])
        """
        data, names = self.dataset, hp.check_flag("names", names)
        outputs = self.outputs(self._scaled(X, epoch), epoch)
        if not data.is_regression:
            predicted = outputs.argmax(1)
            return np.array(data.classes)[predicted] if names else predicted
        if isinstance(X, Split):
            return outputs[:, 0]
        return outputs[:, 0] * data.target_scale + data.target_center

    def _scaled(self, X, epoch):
        self._require_weights()  # before X is checked: a file may name other columns
        if isinstance(X, Split):
            return X.X
        self._warn_if_untrained(epoch)
        return self.dataset.scaled(X)

    def _warn_if_untrained(self, epoch):
        if epoch == "best" and self.best_epoch == 0 < self.epochs_done:
            hp.warn(tr("engine.untrained"))

    def test_loss(self) -> float:
        """Return the loss on the test split, with the weights of the best epoch.

        A second look warns: choosing by the test loss makes it a validation loss.
        """
        test = self._look_at_test("test_loss")
        return self._loss(test, self.outputs(test.X))

    def _loss(self, split, outputs):
        objective, F = self.dataset.objective, torch.nn.functional
        loss = F.mse_loss if self.dataset.is_regression else F.cross_entropy
        if objective and objective.loss is not None:
            loss = objective.loss_of
        return float(loss(*self._tensors(split, outputs)))

    def test_accuracy(self) -> float:
        """Return the share of test points classified right; see `test_loss`."""
        if self.dataset.is_regression:
            raise refusal("test_accuracy")
        test = self._look_at_test("test_accuracy")
        return float((self.predict(test) == test.y).mean())

    def test_metric(self) -> float:
        """Return your own `metric` on the test split; see `test_loss`."""
        objective = self.dataset.objective
        if objective is None or objective.metric is None:
            raise refusal("no_metric")
        test = self._look_at_test("test_metric")
        return objective.metric_of(*self._tensors(test, self.outputs(test.X)))

    def _tensors(self, split, outputs):
        dtype = self.weights[0].last[0].dtype
        outputs, y = torch.tensor(outputs, dtype=dtype), torch.tensor(split.y)
        return outputs, y[:, None].to(dtype) if self.dataset.is_regression else y

    def _look_at_test(self, score):
        """Return the test split, with a warning if it has been used before."""
        check_has_rows(self.dataset)
        if not len(self.dataset.test.y):
            raise refusal("no_test_rows", self.dataset.name)
        looks = self.dataset.test_looks
        looks.append(((self.setting, self.seed), score))
        # Loss and accuracy of one run count as one look; repeating either is another.
        count = len({run for run, _ in looks}) + len(looks) - len({*looks})
        if count > 1:
            hp.warn(tr("engine.test_again", dataset=self.dataset.name, look=count))
        return self.dataset.test

    def as_pytorch(self, path: str | Path | None = None) -> str:
        """Return a plain PyTorch loop that gives the same curve, up to rounding.

        Run as a script or pasted, it leaves the validation losses in ``val_loss``, an
        array (epochs + 1,); rounding errors grow with large steps, where a ReLU is
        at 0, and in a layer with a bias before a BatchNorm. The training and validation
        rows, as the network sees them, are in a file that it names. A model of your own
        is part of it, and your loss, where Python knows the source; else a comment says
        where it goes.

        Parameters
        ----------
        path : str or Path, optional
            Where the script goes, "run.py"; the rows, "run_data.npz", go beside it.
            Without it no file is written.

        Examples
        --------
        >>> run = hk.fit(hk.load_dataset("moons"))
        >>> "optimizer = torch.optim.SGD(" in run.as_pytorch()
        True
        """
        from hpkit.engine.as_pytorch import as_pytorch

        return as_pytorch(self, path)

    def __repr__(self):
        return tr("engine.run_diverged" if self.diverged else "engine.run", run=self)


@dataclass(frozen=True)
class Cost:
    """What was trained: different settings, runs (setting and seed), epochs."""

    settings: int
    runs: int
    epochs: int

    def __str__(self):
        return tr("search.cost", **vars(self))


@dataclass(frozen=True)
class Lost:
    """Runs that failed: their (setting, seed) numbers and the reason."""

    runs: tuple
    reason: str


@dataclass(frozen=True, eq=False, repr=False)
class Runs:
    """Many runs on one data set: every setting with every seed.

    ``runs[i, k]`` is the `Run` of setting i with seed k; iterating gives all there are,
    seed by seed for each setting.

    Attributes
    ----------
    dataset, settings, seeds : Dataset, tuple of Hyperparameters, tuple of int
    train_loss, val_loss, train_accuracy, val_accuracy, val_metric
        ndarray (n_settings, n_seeds, n_epochs + 1), or None, as in `Run`; nan after a
        run's last epoch, and where there is no run.
    epochs_done, fit_time : ndarray (n_settings, n_seeds)
        -1 and 0 where there is no run (yet).
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
    weights: dict = field(default_factory=dict)  # by (setting, seed) numbers
    folds: tuple = ()  # with cv, the data set of each seed
    val_metric: np.ndarray | None = None
    lost: frozenset = frozenset()  # (setting, seed) numbers of what failed

    def __post_init__(self):
        for name in (*CURVES, "epochs_done", "fit_time"):
            if (array := getattr(self, name)) is not None:
                object.__setattr__(self, name, frozen := array.view())
                frozen.flags.writeable = False

    @classmethod
    def of(cls, runs: Iterable[Run], settings: tuple = (), seeds: tuple = ()) -> Runs:
        """Return single runs of one data set, at least one, as a collection.

        Of two with the same setting and seed the longer one is kept. Their settings and
        seeds come after those that are given.
        """
        runs = hp.check_items("runs", runs, most=10**6, of="Run")
        if others := [run for run in runs if not isinstance(run, Run)]:
            raise refusal("run", others[0], kind=TypeError)
        # Compared by name: each run may have a new model function, and a file has none.
        with_model = [run for run in runs if run.model]
        models = {getattr(run.model, "__qualname__", "") for run in with_model}
        losses = [getattr(run.dataset.objective, "loss", None) for run in with_model]
        loss_names = {getattr(f, "__qualname__", type(f).__qualname__) for f in losses}
        datasets = [run.dataset for run in runs]
        tables = {(data.name, data.features, data.classes) for data in datasets}
        rows = {data.fingerprint for data in datasets if len(data.test.y)}  # not folds
        if max(map(len, (models, loss_names, tables, rows))) > 1:
            raise refusal("unlike_runs", [data.name for data in datasets])
        settings = tuple(dict.fromkeys((*settings, *(run.setting for run in runs))))
        seeds = tuple(dict.fromkeys((*seeds, *(run.seed for run in runs))))
        row = {setting: i for i, setting in enumerate(settings)}
        column = {seed: k for k, seed in enumerate(seeds)}
        counts = len(settings), len(seeds), max(setting.epochs for setting in settings)
        has_metric = any(run.val_metric is not None for run in runs)
        arrays, weights = empty_arrays(*counts, datasets[0], has_metric), {}
        for run in runs:
            at = row[run.setting], column[run.seed]
            starts = run.val_loss[0], arrays["val_loss"][at][0]
            if run.model and at in weights and not np.isclose(*starts, equal_nan=True):
                raise refusal("unlike_runs", [run.dataset.name] * 2)
            if run.epochs_done > arrays["epochs_done"][at]:
                fill_arrays(arrays, at, run)
                weights[at] = run.weights
        model = runs[0].model
        return cls(datasets[0], settings, seeds, **arrays, model=model, weights=weights)

    def __len__(self) -> int:
        return (self.epochs_done >= 0).sum()

    def __iter__(self) -> Iterator[Run]:
        for at in zip(*np.nonzero(self.epochs_done >= 0), strict=True):
            yield self[at]

    def __getitem__(self, at):
        settings, seeds = map(range, self.epochs_done.shape)
        try:
            i, k = map(operator.index, at)
            i, k = settings[i], seeds[k]  # allows negative indices, checks the bounds
        except (TypeError, ValueError, IndexError) as error:
            kind = IndexError if isinstance(error, IndexError) else TypeError
            raise refusal("place", at, kind=kind) from None
        done = int(self.epochs_done[i, k])
        if done < 0:
            raise refusal("not_started", kind=IndexError, i=i, k=k)
        arrays = {name: getattr(self, name) for name in CURVES}
        curves = {n: a if a is None else a[i, k, : done + 1] for n, a in arrays.items()}
        data = self.folds[k] if self.folds else self.dataset
        extra = {"model": self.model, "weights": self.weights.get((i, k))}
        extra["fit_time"] = float(self.fit_time[i, k])
        return Run(data, self.settings[i], self.seeds[k], **curves, **extra)

    @cached_property
    def best_val_loss(self) -> np.ndarray:
        """Validation loss of each run at `best_epoch`: (n_settings, n_seeds)."""
        loss = self._at_best(self.val_loss)
        loss = np.where(np.isnan(loss), np.inf, loss)
        return np.where(self.epochs_done < 0, np.nan, loss)

    @cached_property
    def best_epoch(self) -> np.ndarray:
        """Epoch of each run's lowest validation loss: (n_settings, n_seeds).

        With folds (`cv`) that of the lowest mean over a setting's folds: a network for
        new rows has no fold to choose its epoch by. A fold that stopped keeps its loss.
        """
        _, epoch = lowest_loss(self._selection_loss)
        return np.minimum(epoch, np.maximum(self.epochs_done, 0))

    @cached_property
    def _selection_loss(self):
        """The curves that choose `best_epoch`: those of runs, or means over folds."""
        if not self.folds:
            return self.val_loss
        done, epochs = self.epochs_done[..., None], np.arange(self.val_loss.shape[-1])
        loss = np.take_along_axis(self.val_loss, np.clip(done, 0, epochs), -1)
        return over_seeds(np.mean, loss, where=done >= 0)[:, None]

    @cached_property
    def ended(self) -> np.ndarray:
        """Whether each trained to its end: bool (n_settings, n_seeds); see `Run`."""
        goals = np.array([(s.epochs, s.patience) for s in self.settings]).reshape(-1, 2)
        _, best = lowest_loss(self.val_loss)
        return _has_ended(self.epochs_done, best, *goals.T[..., None])

    @cached_property
    def _ended_or_failed(self):
        """Whether each run will train no further: bool (n_settings, n_seeds)."""
        done = self.ended.copy()
        for run in self.lost:
            done[run] = True
        return done

    @property
    def median_best_epoch(self) -> list:
        """Each setting's best epoch, the median over seeds; -1 without a run."""
        rows = zip(self.best_epoch, self.epochs_done >= 0, strict=True)
        return [int(np.median(row[ran])) if ran.any() else -1 for row, ran in rows]

    @cached_property
    def diverged(self) -> np.ndarray:
        """Whether each run diverged: ndarray of bool (n_settings, n_seeds)."""
        diverged = np.zeros(self.epochs_done.shape, bool)
        for (i, k), done in np.ndenumerate(self.epochs_done):
            if done >= 0:
                at = i, k, slice(done + 1)
                curves = self.train_loss[at], self.val_loss[at]
                diverged[i, k] = _has_diverged(*curves, self.ended[i, k])
        return diverged

    @cached_property
    def unfit(self) -> np.ndarray:
        """Whether a seed diverged or failed: ndarray of bool (n_settings,)."""
        failed = np.isin(np.arange(len(self.settings)), [i for i, _ in self.lost])
        return failed | self.diverged.any(1)

    @cached_property
    def mean_val_loss(self) -> np.ndarray:
        """Mean of `best_val_loss` over seeds: ndarray (n_settings,)."""
        return over_seeds(np.nanmean, self.best_val_loss)

    @cached_property
    def std_val_loss(self) -> np.ndarray:
        """Its standard deviation, by n - 1: ndarray (n_settings,). One seed: nan."""
        return over_seeds(np.nanstd, self.best_val_loss, ddof=1)

    @cached_property
    def mean_val_accuracy(self) -> np.ndarray | None:
        """Mean over seeds of the accuracy at `best_epoch`; None for regression."""
        accuracy = self._at_best(self.val_accuracy)
        return None if accuracy is None else over_seeds(np.nanmean, accuracy)

    @cached_property
    def best_val_metric(self) -> np.ndarray | None:
        """Your own metric of each run at `best_epoch`, whose network predicts."""
        return self._at_best(self.val_metric)

    @cached_property
    def mean_val_metric(self) -> np.ndarray | None:
        """Mean over seeds of `best_val_metric`, nan left out; None without one."""
        metric = self.best_val_metric
        return None if metric is None else over_seeds(np.nanmean, metric)

    def _at_best(self, curves):
        at = self.best_epoch[..., None]
        return None if curves is None else np.take_along_axis(curves, at, -1)[..., 0]

    @cached_property
    def order(self) -> np.ndarray:
        """Numbers of the settings from best to worst."""
        return rank(self, self.mean_val_loss)

    @property
    def cost(self) -> Cost:
        """What was trained so far: `Cost` of settings, runs, epochs."""
        has_run, epochs = self.epochs_done >= 0, np.maximum(self.epochs_done, 0)
        return Cost(int(has_run.any(1).sum()), len(self), int(epochs.sum()))

    @property
    def best(self) -> Hyperparameters:
        """The setting with the lowest mean validation loss (its best epoch)."""
        return self.settings[self.order[0]]

    @property
    def best_run(self) -> Run:
        """The run of the best setting whose validation loss is lowest.

        With `cv` that is the network of one fold, the luckiest, which has seen only
        part of the rows; for one to use, call ``hk.fit(data, found.best)``.
        """
        i = self.order[0]
        return self[i, int(np.argsort(self.best_val_loss[i])[0])]  # nan comes last

    def to_frame(self) -> pd.DataFrame:
        """Return a pandas DataFrame, one row per setting, named as in scikit-learn.

        param_* for lr and what settings differ in, in a search for what was searched;
        mean_val_loss, std_val_loss (divided by n - 1, nan with one seed), rank_val_loss
        (1 is best), mean_val_accuracy (of classes), mean_val_metric (your own),
        best_epoch (median over seeds), diverged (any seed), fit_time (seconds), epochs
        (sums over seeds).
        """
        return self._frame(dict.fromkeys(("lr", *varied(self.settings))))

    def _frame(self, names):
        params = {n: [getattr(s, n, None) for s in self.settings] for n in names}
        frame = {f"param_{name}": values for name, values in params.items()}
        frame |= {
            "mean_val_loss": self.mean_val_loss,
            "std_val_loss": self.std_val_loss,
            "rank_val_loss": np.argsort(self.order) + 1,
            "mean_val_accuracy": self.mean_val_accuracy,
            "mean_val_metric": self.mean_val_metric,
            "best_epoch": self.median_best_epoch,
            "diverged": self.diverged.any(1),
            "fit_time": np.where(self.epochs_done < 0, 0, self.fit_time).sum(1),
            "epochs": np.maximum(self.epochs_done, 0).sum(1),
        }
        return _table({n: values for n, values in frame.items() if values is not None})

    def history(self) -> pd.DataFrame:
        """Return all curves as a pandas DataFrame in long form.

        Columns: run (0, 1, ... in the order of iteration), param_*, seed, epoch,
        split ("train" or "valid"), metric ("loss", "accuracy", "metric"), value.
        """
        names, rows = hp.names_to_show(*self.settings), []
        for (number, run), curve in product(enumerate(self), CURVES):
            if (values := getattr(run, curve)) is not None:
                split, metric = curve.replace("val", "valid").split("_")
                params = [getattr(run.setting, name, None) for name in names]
                start, end = (number, *params, run.seed), (split, metric)
                rows += [(*start, i, *end, value) for i, value in enumerate(values)]
        param_columns = (f"param_{name}" for name in names)
        columns = "run", *param_columns, "seed", "epoch", "split", "metric", "value"
        return _table(dict(zip(columns, zip(*rows, strict=True), strict=False)))

    def as_pytorch(self, path: str | Path | None = None) -> str:
        """Return a script without hpkit that trains all these settings and seeds.

        Like `Run.as_pytorch`; its ``val_loss`` is an array like that of `Runs`.
        Settings that were stopped early, as by halving, stop there in the script, too.
        """
        from hpkit.engine.as_pytorch import as_pytorch

        return as_pytorch(self, path)

    def __repr__(self):
        counts = {"settings": len(self.settings), "seeds": len(self.seeds)}
        return tr("engine.runs", dataset=self.dataset.name, count=len(self), **counts)


def _table(columns):
    import pandas as pd

    # As objects, so that pandas keeps None instead of making it nan.
    dtypes = {n: object if None in values else None for n, values in columns.items()}
    return pd.DataFrame({n: pd.Series(v, dtype=dtypes[n]) for n, v in columns.items()})


def over_seeds(function, losses, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a setting without runs
        return function(losses, axis=1, **options)


def rank(runs, scores, among=None):
    """Return the numbers of settings from the lowest score to the highest.

    Settings that failed come late, those that diverged last. In a tie (see `TIE`) fewer
    epochs come first, then those that halving did not cut, then the order of `among`.
    """
    among = np.arange(len(runs.settings)) if among is None else np.asarray(among)
    epochs = [runs.settings[i].epochs for i in among]
    last = 1 * runs.unfit + runs.diverged.any(1) + 3 * (runs.epochs_done < 0).all(1)
    level, done = tie_levels(np.asarray(scores)[among]), runs.epochs_done[among].max(1)
    return among[np.lexsort((-done, epochs, level, last[among]))]


def tie_levels(scores):
    """Return 0, 1, 2, ... for scores from low to high, the same for a tie; nan last."""
    level, count, low = np.zeros(len(scores), int), -1, -np.inf
    scores = np.where(np.isfinite(scores), scores, np.inf)
    for i in np.argsort(scores, kind="stable"):
        if count < 0 or scores[i] > low + TIE * abs(low):
            low, count = scores[i], count + 1
        level[i] = count
    return level


def empty_arrays(n_settings, n_seeds, n_epochs, dataset, metric):
    shape = (n_settings, n_seeds, n_epochs + 1)
    arrays = {name: np.full(shape, np.nan) for name in CURVES}
    if dataset.is_regression:
        arrays["train_accuracy"] = arrays["val_accuracy"] = None
    if not metric:
        arrays["val_metric"] = None
    arrays["epochs_done"] = np.full(shape[:2], -1)
    arrays["fit_time"] = np.zeros(shape[:2])
    return arrays


def fill_arrays(arrays, at, runs):
    """Copy a run, or runs, into the entries of the arrays at index `at`."""
    for name in CURVES:
        if arrays[name] is not None and (curves := getattr(runs, name)) is not None:
            arrays[name][at] = np.nan
            arrays[name][at][..., : curves.shape[-1]] = curves
    arrays["epochs_done"][at], arrays["fit_time"][at] = runs.epochs_done, runs.fit_time
