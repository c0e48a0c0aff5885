"""How searches train: what fails is lost and the rest goes on; on folds, one a seed.

On other processes: `executors`.
"""

import traceback
from dataclasses import replace
from functools import cached_property

import numpy as np

from hpkit.data.datasets import folds_of
from hpkit.engine.stack import Columns
from hpkit.engine.training import Group, Training, check_settings
from hpkit.hyperparameters import check_count, refusal, was_refused
from hpkit.search.result import Lost

_NOTHING = {"epochs_done": -1, "fit_time": 0}


class Lasting(Training):
    """A training in which what fails is lost, and which can be kept in a file."""

    must_fit = min  # of the networks; the others are lost

    def fail(self, runs, failure):
        """Lose runs; of a stack of a learner's, first see which of them it is."""
        if is_ours(failure):
            raise failure
        if len(runs) > 1 and self.own and "waiting" in vars(self):
            for name, array in self.arrays.items():
                if array is not None:
                    array[tuple(np.transpose(runs))] = _NOTHING.get(name, np.nan)
            return self.add([Group([run]) for run in runs])
        reason, lost = f"{type(failure).__name__}: {failure}", self.lost
        if lost and lost[-1].reason == reason:
            runs, lost = (*lost[-1].runs, *runs), lost[:-1]
        self.lost = (*lost, Lost(tuple(runs), reason))
        self.failure = self.failure or failure

    def add(self, groups):
        self.waiting[:0] = groups

    def take(self, groups):
        """Train these, in place of what is waiting."""
        self.waiting, self.stacks = list(groups), []


def is_ours(failure):
    """Say whether an error comes of hpkit's own code, not of a model or of memory."""
    if hasattr(failure, "ours"):  # it comes from another process, without its frames
        return failure.ours
    frames = [frame for frame, _ in traceback.walk_tb(failure.__traceback__)]
    ours = frames and frames[-1].f_globals.get("__name__", "").startswith("hpkit.")
    memory = isinstance(failure, MemoryError) or "allocate" in str(failure)
    return ours and not was_refused(failure) and not memory


def check_cv(plan):
    """Return the data sets of the folds, one for each seed."""
    data, rng = plan.dataset, np.random.default_rng([0, 0])
    most = len(data.train.y) + len(data.valid.y)
    count = check_count("cv", plan.cv, low=2, most=most)
    ruled_out = {"seeds": (0,), "executor": None, "storage": None}
    if given := [name for name, v in ruled_out.items() if getattr(plan, name) != v]:
        raise refusal("cv_alone", plan.cv, names=", ".join(given))
    return tuple(folds_of(data, count, rng))


class Folds(Lasting):
    """A training in which each seed has a fold of its own."""

    def __init__(self, dataset, settings, *, folds, **about):
        self.folds = folds
        super().__init__(dataset, settings, seeds=range(len(folds)), **about)

    def extend(self, settings):
        for fold in self.folds:  # of fewer rows
            check_settings(settings, fold)
        super().extend(settings)

    @cached_property
    def waiting(self):
        each = [self.grouped(fold, [k]) for k, fold in enumerate(self.folds)]
        return [group for groups in each for group in groups]

    def rows_of(self, group):
        fold = self.folds[group.runs[0][1]]
        return fold, Columns(fold, self.dtype, self.device)

    @property
    def runs(self):
        return replace(super().runs, folds=self.folds)
