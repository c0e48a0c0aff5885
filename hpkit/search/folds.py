"""Training on folds: seed k on fold k, all as one training."""

from dataclasses import replace

import numpy as np

from hpkit.data.datasets import folds_of
from hpkit.engine.runs import Runs
from hpkit.hyperparameters import check_count, refusal


def check_cv(cv, dataset, **others):
    """Return the data sets of the folds; `others` are arguments that they rule out."""
    most = len(dataset.train.y) + len(dataset.valid.y)
    count = check_count("cv", cv, low=2, most=most)
    if given := [name for name, value in others.items() if value not in (None, (0,))]:
        raise refusal("cv_alone", cv, names=", ".join(given))
    return tuple(folds_of(dataset, count, np.random.default_rng([0, 0])))


class Folds:
    """A training of each fold, with a seed each; see `engine.training.Training`."""

    def __init__(self, dataset, folds, make, settings):
        self.dataset, self.folds = dataset, folds
        self.each = [make(f, settings, seeds=(k,)) for k, f in enumerate(folds)]

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
        for training in self.each:
            training.close()

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
