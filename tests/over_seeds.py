"""What the tests of claims share: seeds in repeats, trainings, code of lessons.

Twenty learners of a lesson that takes three seeds are 60 seeds, and 20 repeats.
"""

from functools import cache

import numpy as np
from build import FOLDER, read

import hpkit as hk

LEAST = 20  # repeats over which each claim is held


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


def code_of(number):
    """Return the code cells of a lesson."""
    (path,) = (FOLDER / "src").glob(f"{number}_*.py")
    return [cell.source for cell in read(path).cells if cell.cell_type == "code"]


@cache
def defined(number, *begins):
    """Return what the cells of a lesson that begin with these words make."""
    space = {}
    for text in code_of(number):
        if text.startswith(begins):
            exec(text, space)
    return space
