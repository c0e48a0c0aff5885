"""Helpers of the tests of claims: repeats over seeds, trainings, code of lessons.

A lesson that takes three seeds, repeated for 20 learners, takes 60 seeds.
"""

import math
from dataclasses import replace
from functools import cache

import numpy as np
import torch
from build import FOLDER, read

import hpkit as hk
from hpkit.engine.dense import DenseNetworks
from hpkit.engine.stack import Columns, Stack
from hpkit.engine.training import Group, Training, count_weights
from hpkit.hyperparameters import stack_key

LEAST = 20  # repeats over which each claim is tested
MAX_WEIGHTS = 60_000  # of the runs that are trained together


def repeats(count, each=1, *, first=100):
    """Return the seeds of `count` repeats, none of which shares a seed with another.

    A repeat has `each` seeds, see `apart`. The tests of claims take their seeds, draws
    and splits from here; test_claims checks in their source that they do.
    """
    assert count >= LEAST, f"a claim is tested over {LEAST} repeats, got {count}"
    return range(first, first + count * each)


def apart(values, each):
    """Return values (..., seeds) as (..., repeats, each)."""
    parts = values.reshape(*values.shape[:-1], -1, each)
    assert parts.shape[-2] >= LEAST, f"{values.shape[-1]} seeds are too few for {each}"
    return parts


@cache
def trained(name, *settings, seeds):
    """Return the runs on a committed data set."""
    *_, runs = hk.train(hk.load_dataset(name), settings, seeds=seeds, tick=60)
    return runs


def losses(runs):
    """Return the lowest loss of each run (settings, seeds), inf if it diverged."""
    return np.where(runs.diverged, np.inf, runs.best_val_loss)


class DistinctSeed(int):
    """A seed that does not equal the same seed of another data set."""

    __eq__, __hash__ = object.__eq__, object.__hash__


class ManyDatasetsStack(Stack):
    """A stack in which each seed has its own data set."""

    def _shuffle(self):
        super()._shuffle()
        self.order += self.data.n_train * torch.arange(len(self.order))[:, None]

    def _split_to_measure(self):
        X, Y = (
            part.view(len(part), len(self.shuffles), -1).movedim(1, 0)[self.seed_row]
            for part in (self.data.X, self.data.Y)
        )
        return [(X, Y, Y.argmax(1))]


class ManyDatasetsTraining(Training):
    """A training in which each seed has its own data set, from `datasets`."""

    def build(self, group):
        settings = [self.settings[i] for i, _ in group.runs]
        seeds = [self.seeds[k] for _, k in group.runs]
        sets = dict.fromkeys(k for _, k in group.runs)
        columns = [Columns(self.datasets[k], self.dtype, self.device) for k in sets]
        joined = columns[0]
        for name in ("X", "Y", "XY"):
            parts = [getattr(part, name) for part in columns]
            setattr(joined, name, torch.cat(parts, 1))
        net = DenseNetworks(self.dataset, settings[0])
        return ManyDatasetsStack(group.runs, settings, seeds, joined, net)


def trained_beside(requests):
    """Return the run of each (data set, setting, seed), of data sets of one shape.

    They equal those of `hk.fit`, but take as long as runs on a single data set, since
    they share stacks.
    """
    sets, settings, seeds = zip(*requests, strict=True)
    rows = number_distinct(settings)
    columns = number_distinct(zip(sets, seeds, strict=True))
    training = ManyDatasetsTraining(sets[0], [*rows], seeds=range(len(columns)))
    training.datasets, seeds = zip(*columns, strict=True)
    training.seeds, training.waiting = [*map(DistinctSeed, seeds)], []
    places = [(rows[setting], columns[data, seed]) for data, setting, seed in requests]
    stackable = {}
    for place, setting in zip(places, settings, strict=True):
        key = stack_key(setting, "loop"), stack_key(setting, "network")
        count = count_weights(sets[0], setting.hidden)
        stackable.setdefault((key, count), []).append(place)
    for (_, count), runs in stackable.items():
        most = max(1, MAX_WEIGHTS // count)
        parts = [runs[start : start + most] for start in range(0, len(runs), most)]
        training.waiting += map(Group, parts)
    training.advance(math.inf)
    runs = replace(training.runs, seeds=seeds, folds=training.datasets)
    return [runs[place] for place in places]


def number_distinct(values):
    return {value: number for number, value in enumerate(dict.fromkeys(values))}


def code_of(number):
    """Return the code cells of a lesson."""
    (path,) = (FOLDER / "src").glob(f"{number}_*.py")
    return [cell.source for cell in read(path).cells if cell.cell_type == "code"]


@cache
def defined(number, *begins, **names):
    """Run the cells of a lesson that begin with these words; return all names."""
    for code in code_of(number):
        if code.startswith(begins):
            exec(code, names)
    return names
