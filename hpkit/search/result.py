"""`Search`: what a search has tried, what it cost, what it found.

Every search gives one, also while it is under way: panels, plots and learners read the
same. Nothing here trains.
"""

from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter

import numpy as np

from hpkit.engine.run import CURVES, lowest
from hpkit.engine.runs import Runs, levels
from hpkit.hyperparameters import Hyperparameters, check_choice, check_name
from hpkit.search import sentences as told
from hpkit.search.records import Cost, best_number, cost_of
from hpkit.search.short_table import short_table
from hpkit.search.space import edge_of
from hpkit.search.ties import told_apart

CRITERIA = ("validation", "last", "training", "accuracy")


@dataclass(frozen=True, eq=False, repr=False)
class Search:
    """What a search has tried and found.

    Attributes
    ----------
    kind : str
        Name of the function.
    base : Hyperparameters
        Values of what was not searched.
    space : dict
        Name of a hyperparameter: tuple of values, or `Range`.
    runs : Runs
        All that was trained; settings in the order in which they were tried.
    planned : Cost
        What the whole search costs, at most.
    finished : bool
        False when it was left or stopped.
    steps : tuple of Step
        For one-at-a-time.
    rungs : tuple of Rung
        For successive halving.
    lost : tuple of Lost
        What an executor lost.

    Notes
    -----
    The arrays of `runs` are attributes here too: `val_loss`, `train_loss`,
    `val_accuracy`, `train_accuracy` (n_settings, n_seeds, n_epochs + 1);
    `best_val_loss`, `best_epoch`, `diverged`, `epochs_done`, `fit_time` (n_settings,
    n_seeds); `mean_val_loss`, `std_val_loss` (n_settings,); and so are `settings`,
    `seeds`, `dataset`.
    """

    kind: str
    base: Hyperparameters
    space: dict
    runs: Runs
    planned: Cost
    finished: bool = True
    steps: tuple = ()
    rungs: tuple = ()
    lost: tuple = ()

    @property
    def param_name(self):
        """The hyperparameter that was searched; of several, the first."""
        return next(iter(self.space))

    @property
    def param_range(self):
        """The values of `param_name` in the order in which they were tried."""
        return tuple(dict.fromkeys(self.values(self.param_name)))

    def values(self, name):
        """Return the value of a hyperparameter in each setting, as a list."""
        return [getattr(setting, check_name(name)) for setting in self.settings]

    @property
    def cost(self):
        """What was trained so far: `Cost` of settings, runs, epochs."""
        return cost_of(self.runs)

    @property
    def runs_done(self):
        """How many runs will train no further."""
        goals = {i: stop for i, _, stop in self._parts()}
        return sum((self.epochs_done[i] == stop).sum() for i, stop in goals.items())

    @property
    def best(self):
        """The setting with the lowest mean validation loss (its best epoch).

        A setting of which a seed diverged comes after all others.
        """
        return self.best_by("validation")

    @property
    def best_run(self):
        """The run of the best setting with the lowest validation loss."""
        return self.runs.best_run

    def scores(self, by="validation"):
        """Return a number for each setting, a lower one is better.

        Parameters
        ----------
        by : {"validation", "last", "training", "accuracy"}, default "validation"
            Mean over seeds of the lowest validation loss, of the validation loss
            after the last epoch, of the lowest training loss, or of minus the
            highest validation accuracy.

        Returns
        -------
        ndarray (n_settings,)
            nan where nothing was trained.
        """
        check_choice("by", by, CRITERIA)
        runs = self.runs
        if by == "validation":
            return runs.mean_val_loss
        if by == "training":
            each = lowest(runs.train_loss)[0]
        elif by == "last":
            last = np.maximum(runs.epochs_done, 0)[..., None]
            each = np.take_along_axis(runs.val_loss, last, -1)[..., 0]
        elif runs.val_accuracy is None:
            raise ValueError(
                "by='accuracy' needs classes, got a regression; use by='validation'."
            )
        else:
            each = lowest(-runs.val_accuracy)[0]
        there = runs.epochs_done >= 0
        total = np.where(there, each, 0).sum(1)
        return np.where(there.any(1), total / np.maximum(there.sum(1), 1), np.nan)

    def best_by(self, by):
        """Return the setting that another way of choosing takes.

        Parameters
        ----------
        by : {"validation", "last", "training", "accuracy"}
            See `scores`. "training" shows what goes wrong: the training loss does
            not know over-fitting.

        Returns
        -------
        Hyperparameters
        """
        return self.settings[best_number(self.runs, self.scores(by))]

    @property
    def ties(self):
        """Other settings that are as good as the best, as far as the seeds tell: tuple.

        Best first. Their losses are higher, by no more than luck, when they are
        compared with the best seed by seed. Empty with one seed, which cannot tell.

        Notes
        -----
        Never a setting of which a seed diverged or is missing, nor one that a halving
        dropped: it was trained less than the best.
        """
        return tuple(self.settings[i] for i in self._tied)

    @cached_property
    def _tied(self):
        """The numbers of `ties`, best first."""
        runs, best = self.runs, self.runs.order[0]
        seeds = np.isfinite(runs.best_val_loss[best])
        losses = runs.best_val_loss[:, seeds]
        fit = np.isfinite(losses).all(1) & ~runs.diverged.any(1)
        if self.rungs:
            fit &= np.isin(np.arange(len(fit)), self.rungs[-1].kept)
        if seeds.sum() < 2 or not fit[best] or fit.sum() < 2:
            return []
        alike = fit.copy()
        alike[fit] = ~told_apart(losses[fit], fit[:best].sum())
        return [i for i in runs.order if alike[i] and i != best]

    @property
    def edge(self):
        """Where the best value is at an end of a list, or close to one of a range.

        A dict, name of a hyperparameter: "lowest" or "highest". Better values may lie
        beyond. Not told where nothing does (batch size 1, no momentum), nor of a
        hyperparameter of which another value has the same loss.
        """
        best, found = self.best, {}
        level, first = levels(self.mean_val_loss), self.runs.order[0]
        alike = (level == level[first]) & ~self.diverged.any(1)
        even = [self.settings[i] for i in np.flatnonzero(alike)]
        for name, values in self.space.items():
            if any(getattr(s, name) != getattr(best, name) for s in even):
                continue
            most = self.dataset.n_train
            if end := edge_of(name, values, getattr(best, name), most):
                found[name] = end
        return found

    def best_so_far(self):
        """Return the lowest mean validation loss against the epochs spent.

        Returns
        -------
        epochs : ndarray of int (n,)
            Epochs of all runs together, from 0.
        loss : ndarray (n,)
            Lowest mean over seeds so far, never rising; [0] before any training.

        Notes
        -----
        Counted as if the settings were trained one after the other, in the order in
        which they were tried (halving: rung after rung). Diverged settings cost
        epochs and are no candidates.
        """
        runs, seeds = self.runs, len(self.seeds)
        reached = np.fmin.accumulate(runs.val_loss, axis=2).mean(1)
        reached[runs.diverged.any(1)] = np.inf
        pieces = [np.nanmin(runs.val_loss[:, :, 0].mean(1), keepdims=True)]
        for i, start, stop in self._parts():
            done = max(0, runs.epochs_done[i].min())
            pieces.append(reached[i, start + 1 : min(stop, done) + 1])
        loss = np.minimum.accumulate(np.concatenate(pieces))
        return np.arange(len(loss)) * seeds, loss

    def _parts(self):
        """Give (setting, from epoch, to epoch) in the order of a search one by one."""
        start = 0
        for rung in self.rungs:
            yield from ((i, start, rung.epoch) for i in rung.settings)
            start = rung.epoch
        last = self.rungs[-1].kept if self.rungs else range(len(self.settings))
        yield from ((i, start, self.settings[i].epochs) for i in last)

    def to_frame(self):
        """Return a pandas table, one row a setting: see `Runs.to_frame`."""
        return self.runs.to_frame()

    def history(self):
        """Return all curves as a pandas table in long form: see `Runs.history`."""
        return self.runs.history()

    def to_optuna(self):
        """Return the search as an Optuna study: see `hpkit.to_optuna`."""
        from hpkit.search.optuna_studies import to_optuna

        return to_optuna(self)

    def save(self, path):
        """Write a JSON file that a person can read, and return its path.

        Parameters
        ----------
        path : str or pathlib.Path
            Such as "grid.json"; an older file of that name is replaced.

        Returns
        -------
        pathlib.Path
            Read it with `hpkit.load`. It holds settings and curves, not the weights
            and not the data.
        """
        from hpkit.search.files import save

        return save(self, path)

    def describe(self):
        """Return what was found, in sentences."""
        return " ".join(told.sentences(self))

    def __repr__(self):
        """Return what was found, in sentences."""
        return f"<{self.describe()}>"

    def _repr_html_(self):
        """Return a short table for a notebook."""
        if not len(self.runs):
            return f"<p>{self.describe()}</p>"
        notes = dict.fromkeys(self._tied, told.SAY["tie_note"])
        notes |= {self.runs.order[0]: told.SAY["best_note"]}
        notes |= dict.fromkeys(
            np.flatnonzero(self.runs.diverged.any(1)), told.SAY["diverged_note"]
        )
        caption = " ".join([*told.sentences(self, short=True), *self._told_edge()])
        return short_table(caption, self.runs, tuple(self.space), notes)

    def _told_edge(self):
        """Return where the lists must be widened: the table does not show it."""
        tried = (self.epochs_done >= 0).any(1)
        if self.diverged.any(1)[tried].all():
            return []
        return told.told_edge(self)


RUNS_ARRAYS = (
    *("dataset", "settings", "seeds", "epochs_done", "fit_time", *CURVES),
    *("best_val_loss", "best_epoch", "diverged", "mean_val_loss", "std_val_loss"),
)
for _name in RUNS_ARRAYS:
    setattr(Search, _name, property(attrgetter(f"runs.{_name}"), doc="As in `Runs`."))
