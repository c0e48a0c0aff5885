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
    """Last and best weights of some runs: tensors (runs, *shape), a part each.

    `order` says where the module's parameters, then its buffers, stand among the parts.
    """

    runs: tuple
    order: list
    last: list
    best: list

    def load(self, net, run, which):
        """Fill a module with the weights of one run and return it."""
        parts, row = getattr(self, which), self.runs.index(run)
        net = net.to(parts[0].dtype).eval()
        inside = [*net.parameters(), *net.buffers()]
        with torch.no_grad():
            for value, place in zip(inside, self.order, strict=True):
                value.copy_(parts[place][row].view_as(value))
        return net


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
