"""A stack: many runs of one network shape, trained in step.

Every run (a setting with a seed) is one slice of tensors shaped (runs, units,
points), so that one torch call does the work of all of them, and each ends with the
numbers of a plain separate run. What is not here: which runs share a stack, and
what becomes of the numbers; both are in `training`.
"""

import contextlib
import threading
import time
from dataclasses import dataclass

import torch
from torch import nn

# A narrower product than this is slower than a padded one (8 columns: 2.3 times).
NARROWEST = 16
# Numbers in the largest layer's output while losses are measured: what fits a cache.
EVAL_NUMBERS = 250_000
BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8  # torch.optim.Adam's own


@dataclass(frozen=True)
class Columns:
    """A data set's tensors with points as columns, shared by all stacks.

    X, Y are the training points (features, n) and targets (outputs, n; one-hot for
    classes); X_all, Y_all the training points followed by the validation points.
    """

    X: torch.Tensor
    Y: torch.Tensor
    X_all: torch.Tensor
    Y_all: torch.Tensor
    regression: bool

    @classmethod
    def of(cls, dataset, dtype):
        """Return the tensors of a `Dataset`."""
        X, Y = [], []
        for split in (dataset.train, dataset.valid):
            X.append(torch.as_tensor(split.X).to(dtype))
            if dataset.is_regression:
                Y.append(torch.as_tensor(split.y).to(dtype)[:, None])
            else:
                y = torch.as_tensor(split.y).long()
                Y.append(nn.functional.one_hot(y, dataset.n_outputs).to(dtype))
        train, both = [X[0], Y[0]], [torch.cat(X), torch.cat(Y)]
        columns = (t.T.contiguous() for t in (*train, *both))
        return cls(*columns, regression=dataset.is_regression)


@dataclass(frozen=True)
class Measured:
    """What a stack has measured at the end of an epoch.

    `runs` are numbers of runs; the others are arrays (runs,) in the same order,
    `accuracy` both of None for regression.
    """

    runs: list
    epoch: int
    loss: tuple
    accuracy: tuple
    seconds: float


@dataclass(frozen=True)
class Weights:
    """Last and best weights of some runs, flat as in a stack."""

    runs: tuple
    shapes: list
    last: torch.Tensor
    best: torch.Tensor

    def of(self, run, which):
        """Return the weights of one run, one after the other in a vector."""
        count, row, start, found = len(self.runs), self.runs.index(run), 0, []
        for size in map(shape_size, self.shapes):
            at = start + row * size
            found.append(getattr(self, which)[at : at + size])
            start += count * size
        return torch.cat(found)


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


class Stack:
    """Runs that share batch size, optimizer and network shape.

    Parameters
    ----------
    runs : list of int
        Numbers of the runs, given back with what is measured.
    settings, seeds : list
        One for each run.
    data : Columns
    net : DenseNetworks or ModuleNetworks
        Starts, outputs and gradients of the stacked networks.
    """

    def __init__(self, runs, settings, seeds, data, net):
        self.runs, self.settings, self.data, self.net = runs, settings, data, net
        self.adam = settings[0].optimizer == "adam"
        distinct = list(dict.fromkeys(seeds))
        self.seed_row = torch.tensor([distinct.index(seed) for seed in seeds])
        self.shuffles = [torch.Generator().manual_seed(seed) for seed in distinct]
        self.plan_batches(settings[0].batch_size)
        starts = [net.start(seed) for seed in distinct]
        first = [
            torch.stack(part).to(data.X.dtype)[self.seed_row].flatten()
            for part in zip(*starts, strict=True)
        ]
        # All weights of all runs lie in one flat tensor (all runs of the first
        # part, then all runs of the second, ...), so that an update is one call.
        self.flat = {"weights": torch.cat(first)}
        self.flat["best"] = self.flat["weights"].clone()
        for name in ("m", "v") if self.adam else ("velocity",):
            self.flat[name] = torch.zeros_like(self.flat["weights"])
        self.best_loss = torch.full((len(runs),), torch.inf, dtype=data.X.dtype)
        self.epoch, self.step, self.updates = 0, self.steps, 0
        self.seconds = 0.0
        self.measured = False  # of this epoch; false before epoch 0 was measured
        self.arrange()

    @property
    def done(self):
        """Epochs done with the fraction of the one under way; -1 before epoch 0."""
        return self.epoch + self.step / self.steps % 1 if self.measured else -1.0

    def plan_batches(self, batch_size):
        """Lay out an epoch: which place in the order each column of a batch takes.

        The short last batch is filled up with columns of weight 0, and so are
        batches that are too narrow to be fast.
        """
        n = self.data.X.shape[1]
        self.steps = -(-n // batch_size)
        self.width = max(NARROWEST, batch_size)
        place = torch.arange(self.steps * batch_size).view(self.steps, -1)
        filling = (0, self.width - batch_size)
        place = nn.functional.pad(place, filling, value=n)
        real = place < n
        self.place = place.where(real, 0).flatten()
        self.weights = real.to(self.data.X.dtype) / real.sum(1, keepdim=True)

    def arrange(self):
        """Make the views, hyperparameters and work space for the runs still here."""
        count, sizes = len(self.runs), [shape_size(s) for s in self.net.shapes]
        self.flat["grad"] = torch.zeros_like(self.flat["weights"])
        self.owner = torch.cat(
            [torch.arange(count).repeat_interleave(size) for size in sizes]
        )
        for name in ("lr", "momentum", "weight_decay"):
            each = torch.tensor(
                [getattr(s, name) for s in self.settings], dtype=self.data.X.dtype
            )
            used = name == "lr" or each.any()
            setattr(self, name, each[self.owner] if used else None)
        self.net.bind(self.parts("weights"), self.parts("grad"), self.width)

    def parts(self, name):
        """Return a flat tensor as views (runs, *shape), a part each."""
        sizes = [len(self.runs) * shape_size(shape) for shape in self.net.shapes]
        split = self.flat[name].split(sizes)
        return [
            part.view(-1, *shape)
            for part, shape in zip(split, self.net.shapes, strict=True)
        ]

    def advance(self, seconds):
        """Train for about that long, at most to the end of an epoch.

        Parameters
        ----------
        seconds : float
            0 makes one step.

        Returns
        -------
        Measured or None
            None when the epoch is not over. The first call measures epoch 0.
        """
        start = time.perf_counter()
        with OneThread(), torch.inference_mode():
            over = self.train(start + seconds)
            measured = self.measure() if over else None
        self.seconds += (time.perf_counter() - start) / max(1, len(self.runs))
        if measured is None:
            return None
        self.measured = True
        return Measured(*measured, self.seconds)

    def train(self, until):
        """Make steps until then or the epoch's end; say whether it was reached."""
        if not self.measured:  # epoch 0
            return True
        if self.step == self.steps:
            self.shuffle()
        while self.step < self.steps:
            self.train_step(*self.batches[self.step])
            self.step += 1
            if time.perf_counter() > until and self.step < self.steps:
                return False
        self.epoch += 1
        return True

    def shuffle(self):
        """Draw a new order for every seed and cut it into batches."""
        n, seeds = self.data.X.shape[1], len(self.shuffles)
        order = torch.stack([torch.randperm(n, generator=g) for g in self.shuffles])
        order = order[:, self.place]
        cut = []
        for t in (self.data.X, self.data.Y):
            t = t[:, order].transpose(0, 1).contiguous()
            copies = len(self.runs) if seeds == 1 else seeds
            cut.append(t.expand(copies, -1, -1).split(self.width, 2))
        self.batches, self.step = list(zip(*cut, self.weights, strict=True)), 0

    def train_step(self, x, y, weight):
        """Update all weights with one batch."""
        if len(self.shuffles) > 1:  # from a copy a seed to a copy a run
            x = x.index_select(0, self.seed_row)
            y = y.index_select(0, self.seed_row)
        self.net.gradient(x, y, weight)
        weights, grad = self.flat["weights"], self.flat["grad"]
        if self.weight_decay is not None:
            grad.addcmul_(weights, self.weight_decay)
        if self.adam:
            self.adam_step(weights, grad, self.flat["m"], self.flat["v"])
            return
        if self.momentum is not None:
            grad = self.flat["velocity"].mul_(self.momentum).add_(grad)
        weights.addcmul_(grad, self.lr, value=-1)

    def adam_step(self, weights, grad, m, v):
        """Update as torch.optim.Adam does (Kingma and Ba 2015, algorithm 1)."""
        self.updates += 1
        m.lerp_(grad, 1 - BETA1)
        v.mul_(BETA2).addcmul_(grad, grad, value=1 - BETA2)
        root = (v / (1 - BETA2**self.updates)).sqrt_().add_(EPSILON)
        scale = -1 / (1 - BETA1**self.updates)
        weights.addcdiv_(m * self.lr, root, value=scale)

    def measure(self):
        """Return runs, epoch, losses and accuracies over both whole splits."""
        data, count = self.data, len(self.runs)
        largest = max(shape[0] for shape in self.net.shapes) * count
        columns = max(NARROWEST, EVAL_NUMBERS // largest)
        losses, rights = [], []
        for x, y in zip(
            data.X_all.split(columns, 1), data.Y_all.split(columns, 1), strict=True
        ):
            out = self.net.outputs(x.expand(count, -1, -1))
            if data.regression:
                losses.append((out - y).square_().mean(1))
                continue
            losses.append((out.log_softmax(1) * y).sum(1).neg_())
            # argmax over a middle axis is about two hundred times as slow as amax
            rights.append((out * y).sum(1) >= out.amax(1))
        loss = self.split_means(losses)
        accuracy = self.split_means(rights) if rights else (None, None)
        self.remember_best(loss[1])
        numbers = [t if t is None else t.numpy() for t in (*loss, *accuracy)]
        return self.runs, self.epoch, tuple(numbers[:2]), tuple(numbers[2:])

    def split_means(self, columns):
        """Return the means over training and validation points, (runs,) each."""
        both, n = torch.cat(columns, 1).to(self.data.X.dtype), self.data.X.shape[1]
        return both[:, :n].mean(1), both[:, n:].mean(1)

    def remember_best(self, val_loss):
        """Keep the weights of every run whose validation loss is its lowest yet."""
        better = val_loss < self.best_loss
        if better.any():
            self.best_loss = torch.where(better, val_loss, self.best_loss)
            self.flat["best"] = torch.where(
                better[self.owner], self.flat["weights"], self.flat["best"]
            )

    def keep(self, stays):
        """Drop the runs for which `stays`, a list of bool, is false."""
        keep = [i for i, stay in enumerate(stays) if stay]
        if len(keep) == len(self.runs):
            return
        self.flat = {
            name: torch.cat([part[keep].flatten() for part in self.parts(name)])
            for name in self.flat
        }
        self.runs = [self.runs[i] for i in keep]
        self.settings = [self.settings[i] for i in keep]
        self.seed_row, self.best_loss = self.seed_row[keep], self.best_loss[keep]
        if keep:
            self.arrange()

    def copy_weights(self):
        """Return a copy of the last and of the best weights of all runs here."""
        last, best = self.flat["weights"].clone(), self.flat["best"].clone()
        return Weights(tuple(self.runs), self.net.shapes, last, best)


def shape_size(shape):
    """Return how many numbers a tensor of that shape holds."""
    size = 1
    for length in shape:
        size *= length
    return size
