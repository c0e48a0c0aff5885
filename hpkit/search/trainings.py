"""How searches train: what fails is lost and the rest goes on; on folds, one a seed.

On other processes: `executors`.
"""

import traceback
from dataclasses import replace

import numpy as np

from hpkit.data.datasets import folds_of
from hpkit.engine.runs import Runs
from hpkit.engine.training import Group, Training
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

    def groups(self):
        """Return all that is still to be trained, as `Group`s to go on with."""
        found = list(self.waiting)
        for stack in self.stacks:
            state = None if getattr(stack.net, "has_state", False) else stack.state()
            about = getattr(stack.net, "stacked", False), len(stack.flat["weights"])
            found.append(Group(stack.runs, *about, state))
        return found

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


class Folds:
    """A training of each fold, with a seed each; see `engine.training.Training`."""

    def __init__(self, dataset, folds, settings, model):
        self.dataset, self.folds = dataset, folds
        self.each = [
            Lasting(fold, settings, seeds=(k,), model=model)
            for k, fold in enumerate(folds)
        ]

    @property
    def finished(self):
        return all(training.finished for training in self.each)

    def paused(self, pause):
        return all(training.paused(pause) for training in self.each)

    def advance(self, seconds, pause):
        for training in self.each:
            if not (training.finished or training.paused(pause)):
                return training.advance(seconds, pause)

    def drop(self, losers):
        for k, training in enumerate(self.each):
            training.drop({(i, 0) for i, seed in losers if seed == k})

    def close(self):
        pass  # nothing goes on elsewhere

    @property
    def lost(self):
        return tuple(
            replace(part, runs=tuple((i, k) for i, _ in part.runs))
            for k, training in enumerate(self.each)
            for part in training.lost
        )

    @property
    def failure(self):
        return self.each[0].failure

    @property
    def arrays(self):
        each = [training.arrays for training in self.each]
        names = [name for name, array in each[0].items() if array is not None]
        found = {n: np.concatenate([arrays[n] for arrays in each], 1) for n in names}
        return dict.fromkeys(each[0]) | found

    @property
    def runs(self):
        each, seeds = [training.runs for training in self.each], range(len(self.each))
        weights = {
            (i, k): each[k].weights[i, 0] for k in seeds for i, _ in each[k].weights
        }
        about = self.dataset, each[0].settings, tuple(seeds)
        more = {"model": each[0].model, "weights": weights, "folds": self.folds}
        return Runs(*about, **self.arrays, **more)
