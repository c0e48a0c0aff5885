"""What the tests of claims share: seeds in repeats, trainings, code of lessons.

Twenty learners of a lesson that takes three seeds are 60 seeds, and 20 repeats.
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

LEAST = 20  # repeats over which each claim is held
WEIGHTS = 60_000  # of runs that are trained beside each other


def repeats(count, each=1, *, first=100):
    """Return the seeds of `count` repeats, none of which shares a seed with another.

    With `each` a repeat has several seeds, see `apart`. The tests of claims take their
    seeds, draws and splits from here; test_claims reads off the source how many.
    """
    assert count >= LEAST, f"a claim is held over {LEAST} repeats, got {count}"
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


def losses(found):
    """Return the lowest loss of each run (settings, seeds), diverged as inf."""
    return np.where(found.diverged, np.inf, found.best_val_loss)


class Own(int):
    """A seed on one data set: another one than the same on another data set."""

    __eq__, __hash__ = object.__eq__, object.__hash__


class Beside(Stack):
    """A stack in which the runs of each seed have a data set of their own."""

    def _shuffle(self):
        super()._shuffle()
        self.order += self.data.n_train * torch.arange(len(self.order))[:, None]

    def _split_to_measure(self):
        X, Y = (
            part.view(len(part), len(self.shuffles), -1).movedim(1, 0)[self.seed_row]
            for part in (self.data.X, self.data.Y)
        )
        return [(X, Y, Y.argmax(1))]


class Several(Training):
    """A training in which each seed has a data set of its own, of `datasets`."""

    def build(self, group):
        settings = [self.settings[i] for i, _ in group.runs]
        seeds = [self.seeds[k] for _, k in group.runs]
        sets = dict.fromkeys(k for _, k in group.runs)
        each = [Columns(self.datasets[k], self.dtype, self.device) for k in sets]
        names = ("X", "Y", "XY")
        parts = [torch.cat([getattr(one, n) for one in each], 1) for n in names]
        vars(each[0]).update(zip(names, parts, strict=True))
        net = DenseNetworks(self.dataset, settings[0])
        return Beside(group.runs, settings, seeds, each[0], net)


def trained_beside(wanted):
    """Return the run of each (data set, setting, seed), of data sets of one shape.

    They are those of `hk.fit`; but many small ones take as long as if they were on one
    data set, since they share stacks.
    """
    sets, settings, seeds = zip(*wanted, strict=True)
    rows = numbered(settings)
    columns = numbered(zip(sets, seeds, strict=True))
    training = Several(sets[0], [*rows], seeds=range(len(columns)))
    training.datasets, seeds = zip(*columns, strict=True)
    training.seeds, training.waiting = [*map(Own, seeds)], []
    places = [(rows[setting], columns[data, seed]) for data, setting, seed in wanted]
    alike = {}
    for place, setting in zip(places, settings, strict=True):
        about = stack_key(setting, "loop"), stack_key(setting, "network")
        count = count_weights(sets[0], setting.hidden)
        alike.setdefault((about, count), []).append(place)
    for (_, size), runs in alike.items():
        most = max(1, WEIGHTS // size)
        parts = [runs[start : start + most] for start in range(0, len(runs), most)]
        training.waiting += map(Group, parts)
    training.advance(math.inf)
    runs = replace(training.runs, seeds=seeds, folds=training.datasets)
    return [runs[place] for place in places]


def numbered(values):
    return {value: number for number, value in enumerate(dict.fromkeys(values))}


def code_of(number):
    """Return the code cells of a lesson."""
    (path,) = (FOLDER / "src").glob(f"{number}_*.py")
    return [cell.source for cell in read(path).cells if cell.cell_type == "code"]


@cache
def defined(number, *begins, **space):
    """Return what the cells of a lesson that begin with these words make of a space."""
    for text in code_of(number):
        if text.startswith(begins):
            exec(text, space)
    return space
