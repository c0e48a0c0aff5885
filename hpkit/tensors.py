"""What all stacks share: a data set as columns, copies of weights, a single thread."""

import contextlib
import threading
from dataclasses import dataclass

import torch
from torch import nn


@dataclass(frozen=True)
class Columns:
    """A data set's tensors with points as columns, shared by all stacks.

    X, Y are the training points (features, n) and then the validation points, and
    their targets (outputs, n), one-hot for classes; XY the training points only, the
    targets below the features, so that a batch is one gather. n_train counts them.
    """

    X: torch.Tensor
    Y: torch.Tensor
    XY: torch.Tensor
    n_train: int
    regression: bool

    @classmethod
    def of(cls, dataset, dtype):
        """Return the tensors of a `Dataset`."""
        X, Y = [], []
        for split in (dataset.train, dataset.valid):
            X.append(torch.tensor(split.X, dtype=dtype))
            if dataset.is_regression:
                Y.append(torch.tensor(split.y, dtype=dtype)[:, None])
            else:
                y = torch.tensor(split.y)
                Y.append(nn.functional.one_hot(y, dataset.n_outputs).to(dtype))
        X, Y = (torch.cat(t).T.contiguous() for t in (X, Y))
        n_train = len(dataset.train.y)
        XY = torch.cat([X, Y])[:, :n_train].contiguous()
        return cls(X, Y, XY, n_train, dataset.is_regression)


@dataclass(frozen=True)
class Weights:
    """Last and best weights of some runs, flat as in a stack.

    `order` says where the parameters of the module stand in `shapes`.
    """

    runs: tuple
    shapes: list
    order: list
    last: torch.Tensor
    best: torch.Tensor

    def of(self, run, which):
        """Return the weights of one run, one after the other in a vector."""
        count, row, start, found = len(self.runs), self.runs.index(run), 0, []
        for size in map(shape_size, self.shapes):
            at = start + row * size
            found.append(getattr(self, which)[at : at + size])
            start += count * size
        return torch.cat([found[place] for place in self.order])


class OneThread(contextlib.ContextDecorator):
    """Torch computes with one thread inside, with as many as before outside.

    Small tensors gain nothing from a second thread and wait up to thirty times as
    long when the other core is busy. Several trainings may be inside at once.
    """

    lock, inside, before = threading.Lock(), 0, 1

    def __enter__(self):
        """Switch to one thread."""
        with self.lock:
            if OneThread.inside == 0:
                OneThread.before = torch.get_num_threads()
            OneThread.inside += 1
            torch.set_num_threads(1)

    def __exit__(self, *error):
        """Go back to the number of threads before."""
        with self.lock:
            OneThread.inside -= 1
            torch.set_num_threads(OneThread.before)


def shape_size(shape):
    """Return how many numbers a tensor of that shape holds."""
    size = 1
    for length in shape:
        size *= length
    return size
