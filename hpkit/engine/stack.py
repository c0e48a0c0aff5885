"""A stack: many runs with networks of one shape, trained in lockstep.

Each run (a setting with a seed) is one slice of tensors shaped (runs, units, points),
so one torch call does the work of all, and each run still ends with the numbers that
it gets when trained alone. `training` decides which runs share a stack.
"""

import functools
import io
import math
import threading
import time
import zipfile
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.utils._pytree import tree_map_only

from hpkit.engine.dense import DEFAULT_OBJECTIVE, ROWS_AT_ONCE
from hpkit.hyperparameters import refusal, schedule_factors

CURVES = ("train_loss", "val_loss", "train_accuracy", "val_accuracy", "val_metric")
# Narrower matrix products are slower than ones padded to this (8 columns: 2.3 times).
_NARROWEST = 16
GATHER_NUMBERS = 100_000  # in the batches that are gathered at once
# The defaults of torch.optim: Adam's two, RMSprop's, and one that both share.
_BETA1, _BETA2, _ALPHA, _EPSILON = 0.9, 0.999, 0.99, 1e-8
# What each optimizer remembers for every weight.
_STATES = {"sgd": ("velocity",), "rmsprop": ("v", "velocity"), "adam": ("m", "v")}
_STATES |= {"nesterov": _STATES["sgd"], "adamw": _STATES["adam"]}
_PER_RUN = ("lr", "momentum", "weight_decay")
_GENERATORS = ("shuffles", "droppers")
# Not in a stack's saved state: a new stack has these, or `arrange` computes them.
_NOT_SAVED = ("net", "data", "device", "place", "point_weights", "class_weights")
_NOT_SAVED += ("pieces", "owner", "at", "copied_at", "settings", *_PER_RUN)


class Columns:
    """A data set's tensors with points as columns: training rows, then validation."""

    def __init__(self, dataset, dtype, device):
        splits = dataset.train, dataset.valid
        X = torch.tensor(np.concatenate([split.X for split in splits]))
        y = torch.tensor(np.concatenate([split.y for split in splits]))
        one_hot = nn.functional.one_hot
        Y = y[:, None] if dataset.is_regression else one_hot(y, dataset.n_outputs)
        self.X, self.Y = (t.to(dtype).T.contiguous().to(device) for t in (X, Y))
        self.n_train = len(dataset.train.y)
        # Targets below the features, so that one gather cuts a batch.
        self.XY = torch.cat([self.X, self.Y])[:, : self.n_train].contiguous()


@dataclass(frozen=True)
class Weights:
    """Last and best weights of some runs: lists of tensors (runs, *shape)."""

    runs: tuple
    order: list  # of the module's parameters, then buffers: their places in the lists
    last: list
    best: list

    @functools.cached_property
    def size(self):  # numbers in one network; cached, as it is needed for each run
        return sum(part[0].numel() for part in self.last)

    def load(self, net, run, epoch):
        """Write the weights of a run's "best" or "last" epoch into a network."""
        parts, row = getattr(self, epoch), self.runs.index(run)
        net = net.to(parts[0].dtype).eval()
        tensors = [*net.parameters(), *net.buffers()]
        values = [parts[place][row] for place in self.order]
        if [v.numel() for v in values] != [tensor.numel() for tensor in tensors]:
            raise refusal("other_model", net)
        with torch.no_grad():
            for tensor, value in zip(tensors, values, strict=True):
                tensor.copy_(value.view_as(tensor))
        return net


class NotStacked(Exception):
    """Networks must be trained one by one: a stack would not do what a loop does."""


class OneThread:
    """Limits torch to one thread: small tensors gain nothing from a second."""

    lock, inside, before = threading.Lock(), 0, 1

    def __enter__(self):
        with self.lock:
            now = torch.get_num_threads()  # torch sets a new thread up when first asked
            if OneThread.inside == 0:
                OneThread.before = now
            OneThread.inside += 1
            torch.set_num_threads(1)  # in this thread, and in those to come

    def __exit__(self, *error):
        with self.lock:
            OneThread.inside -= 1
            torch.set_num_threads(OneThread.before)


class Stack:
    """Runs, as (setting, seed) numbers, alike in what `stack_key` names."""

    def __init__(self, runs, settings, seeds, data, net):
        self.runs, self.settings, self.seeds = runs, settings, seeds
        self.data, self.net, self.device = data, net, data.X.device
        self.optimizer = settings[0].optimizer
        distinct = list(dict.fromkeys(seeds))
        rows = [distinct.index(seed) for seed in seeds]
        self.seed_row = torch.tensor(rows).to(self.device)
        # Drawn on the CPU: the same on every device. A seed without runs keeps its row.
        self.shuffles = [torch.Generator().manual_seed(seed) for seed in distinct]
        self.droppers = [torch.Generator().manual_seed(-1 - seed) for seed in distinct]
        self._plan_batches(settings[0].batch_size)
        starts, fixed, rng = zip(*map(net.start, distinct), strict=True)

        def per_run(parts):
            stacks = map(torch.stack, zip(*parts, strict=True))
            return [part.to(self.device)[self.seed_row] for part in stacks]

        first = [part.to(data.X.dtype).flatten() for part in per_run(starts)]
        # Tensors that are not trained, in their own dtypes, and torch's random states.
        self.fixed = per_run(fixed)
        self.best_fixed = [part.clone() for part in self.fixed]
        self.rng = None if rng[0] is None else torch.stack(rng)[rows]
        # All weights of all runs lie in one flat tensor (all runs of the first
        # part, then all runs of the second, ...), so that an update is one call.
        self.flat = {"weights": torch.cat(first)}
        self.flat["best"] = self.flat["weights"].clone()
        for name in _STATES[self.optimizer]:
            self.flat[name] = torch.zeros_like(self.flat["weights"])
        self.best_loss = np.full(len(runs), np.inf)
        self.best_epoch = np.zeros(len(runs), int)
        self.epoch, self.step = 0, self.steps
        self.updates = 0  # of Adam(W)
        self.batches = []
        self.seconds = 0.0  # each run's share
        self.copied_at = None  # epochs done and runs when the weights were last copied
        self.measured = False  # whether epoch 0 was measured, before any training
        self.arrange()

    @property
    def done(self):
        """Epochs done, with the fraction of the current one; -1 before epoch 0."""
        return self.epoch + self.step / self.steps % 1 if self.measured else -1.0

    def _plan_batches(self, batch_size):
        """Lay out an epoch: which position in the shuffled order each column takes."""
        n = self.data.n_train
        self.steps = -(-n // batch_size)
        self.width = max(_NARROWEST, batch_size) if self.net.pads else batch_size
        place = torch.arange(self.steps * batch_size).view(self.steps, -1)
        place = nn.functional.pad(place, (0, self.width - batch_size), value=n)
        real = place < n
        self.place = place.where(real, 0).flatten()
        weights = real.to(self.data.X.dtype) / real.sum(1, keepdim=True)
        self.point_weights = list(weights.to(self.device))

    def arrange(self):
        """Set up views, hyperparameters, and work space for the runs in the stack."""
        count, sizes = len(self.runs), [math.prod(s) for s in self.net.shapes]
        total = len(self.flat["weights"])
        grad = self.flat["weights"].new_zeros(total + ROWS_AT_ONCE)
        self.flat["grad"] = grad[:total]  # the product for biases writes past the end
        owners = torch.arange(count)
        if count > 1:  # a single run broadcasts one value to all its weights
            owners = torch.cat([owners.repeat_interleave(size) for size in sizes])
        self.owner = owners.to(self.device)
        for name in _PER_RUN:  # None if no run uses it
            values = [getattr(s, name) for s in self.settings]
            per_weight = self._numbers(values)[self.owner] if any(values) else None
            setattr(self, name, per_weight)
        clips = [s.clip or math.inf for s in self.settings]
        self.clip = self._numbers(clips) if min(clips) < math.inf else None
        smooth = [s.label_smoothing for s in self.settings]
        self.smooth = self._numbers(smooth)[:, None, None] if any(smooth) else None
        plans = {(s.schedule, s.warmup) for s in self.settings}
        self.planned = plans != {("constant", 0)}
        self.class_weights = None
        if self.settings[0].class_weight == "balanced":
            n_train = self.data.n_train
            counts = self.data.Y[:, :n_train].sum(1, keepdim=True)
            self.class_weights = n_train / (len(counts) * counts.clamp(min=1))
        self.net.bind(self)
        self.at = tuple(np.array(self.runs).T)  # index into arrays (settings, seeds)
        self.pieces = self._split_to_measure()
        goals = [(s.epochs, s.patience or math.inf) for s in self.settings]
        self.epochs, self.patience = np.array(goals).T

    def _numbers(self, values):
        return torch.tensor(values, dtype=self.data.X.dtype).to(self.device)

    def parts(self, name):
        shapes, count = self.net.shapes, len(self.runs)
        parts = self.flat[name].split([count * math.prod(shape) for shape in shapes])
        return [p.view(-1, *shape) for p, shape in zip(parts, shapes, strict=True)]

    def advance(self, seconds):
        """Train that long, at least a step; return `measure()` at an epoch's end."""
        start = time.perf_counter()
        with self.net.at_work():
            measured = self.measure() if self.train(start + seconds) else None
        self.seconds += (time.perf_counter() - start) / len(self.runs)
        self.measured |= measured is not None
        return measured

    def train(self, until):
        """Take steps until a time or the epoch's end; return whether it ended."""
        if not self.measured:  # epoch 0
            return True
        if self.step == self.steps:
            self._shuffle()
        while self.step < self.steps:
            if not self.batches:
                self._gather()
            *batch, rates = self.batches.pop()
            if rates is not None:
                self.lr = rates[self.owner]
            self.train_step(*batch)
            self.step += 1
            if time.perf_counter() > until and self.step < self.steps:
                return False
        self.epoch += 1
        return True

    def _shuffle(self):
        n = self.data.n_train
        order = torch.stack([torch.randperm(n, generator=g) for g in self.shuffles])
        self.order = order.index_select(1, self.place).to(self.device)
        self.batches, self.step = [], 0

    def _gather(self):
        """Cut the next batches, as many as are cheap to hold, in reverse order."""
        XY, features = self.data.XY, self.data.X.shape[0]
        numbers = len(self.runs) * len(XY) * self.width
        end = self.step + max(1, GATHER_NUMBERS // numbers)
        columns = self.order[:, self.step * self.width : end * self.width]
        cut = XY.index_select(1, columns.flatten()).view(len(XY), len(columns), -1)
        cut = cut.transpose(0, 1)
        if len(columns) > 1:  # from one copy per seed to one per run
            cut = cut.index_select(0, self.seed_row)
        else:
            cut = cut.expand(len(self.runs), -1, -1)
        x = cut[:, :features].split(self.width, 2)
        y = cut[:, features:].split(self.width, 2)
        weights = self.point_weights[self.step : end]
        rates = self._rates(len(x)) if self.planned else [None] * len(x)
        self.batches = list(zip(x, y, weights, rates, strict=True))[::-1]
        if end >= self.steps and not self.net.pads:  # the epoch's last may be short
            real = int(self.point_weights[-1].count_nonzero())
            *last, rates = self.batches[0]
            self.batches[0] = *(t[..., :real] for t in last), rates

    def _rates(self, count):
        """Return the learning rates of the next updates, (updates, runs)."""
        steps = self.epoch * self.steps + self.step + np.arange(count)
        plans = [(s.schedule, s.warmup, s.epochs * self.steps) for s in self.settings]
        factors = {plan: schedule_factors(*plan, steps) for plan in set(plans)}
        lrs = [s.lr * factors[p] for s, p in zip(self.settings, plans, strict=True)]
        return self._numbers(np.array(lrs).T)

    def train_step(self, x, y, weight):
        if self.net.drops:
            size = self.settings[0].batch_size
            points = min(size, self.data.n_train - self.step * size)
            self.net.draw_masks(self.droppers, self.seed_row, points)
        self.net.gradient(x, *self._softened(y, weight))
        if self.net.absent:
            self._skip_absent()
        else:
            self.update()

    def _softened(self, y, weight):
        """Return targets and weights of points as in torch.nn.CrossEntropyLoss."""
        target, class_weights = y, self.class_weights
        if self.smooth is not None:
            target = y.lerp(y.new_full((), 1 / y.shape[1]), self.smooth)
        if class_weights is None:
            return target, weight
        label_weight = (class_weights * y).sum(1, keepdim=True) * weight
        target = class_weights * target
        total = target.sum(1, keepdim=True)
        return target / total, total * weight / label_weight.sum(2, keepdim=True)

    def _clip(self, grad):
        """Clip gradients as torch.nn.utils.clip_grad_norm_ does, run by run."""
        parts = [part.reshape(len(self.runs), -1) for part in self.parts("grad")]
        norm = torch.stack([part.norm(dim=1) for part in parts]).norm(dim=0)
        factor = (self.clip / (norm + 1e-6)).clamp(max=1)
        grad.mul_(factor.masked_fill(self.clip == math.inf, 1)[self.owner])

    def update(self):
        """Update as torch.optim does, with the gradients of the last batch."""
        weights, grad = self.flat["weights"], self.flat["grad"]
        if self.clip is not None:
            self._clip(grad)
        if self.weight_decay is not None:
            if self.optimizer == "adamw":  # Loshchilov and Hutter 2019
                weights.addcmul_(weights, self.lr * self.weight_decay, value=-1)
            else:
                grad.addcmul_(weights, self.weight_decay)
        if "m" in self.flat:
            self._adam_step(weights, grad, self.flat["m"], self.flat["v"])
            return
        if self.optimizer == "rmsprop":  # Hinton 2012, lecture 6 of his course
            v = self.flat["v"].mul_(_ALPHA).addcmul_(grad, grad, value=1 - _ALPHA)
            grad.div_(v.sqrt().add_(_EPSILON))
        if self.momentum is not None:
            velocity = self.flat["velocity"].mul_(self.momentum).add_(grad)
            ahead = self.optimizer == "nesterov"
            grad = grad.addcmul_(velocity, self.momentum) if ahead else velocity
        weights.addcmul_(grad, self.lr, value=-1)

    def _skip_absent(self):
        """Update all but the parameters without a gradient, which torch.optim skips."""
        if "m" in self.flat and "missed" not in self.flat:  # updates, for Adam's count
            self.flat["missed"] = torch.zeros_like(self.flat["m"])
        flat, absent = map(self.parts, self.flat), self.net.absent
        unchanged = [[parts[i][run] for i, run in absent] for parts in flat]
        copies = [[view.clone() for view in views] for views in unchanged]
        self.update()
        for name, views, values in zip(self.flat, unchanged, copies, strict=True):
            torch._foreach_copy_(views, values)
            if name == "missed":
                torch._foreach_add_(views, 1)

    def _adam_step(self, weights, grad, m, v):
        """Update as torch.optim.Adam does (Kingma and Ba 2015, algorithm 1)."""
        self.updates += 1
        updates = self.updates - self.flat.get("missed", 0)
        m.lerp_(grad, 1 - _BETA1)
        v.mul_(_BETA2).addcmul_(grad, grad, value=1 - _BETA2)
        root = (v / (1 - _BETA2**updates)).sqrt_().add_(_EPSILON)
        if isinstance(updates, torch.Tensor):
            root, scale = root * (1 - _BETA1**updates), -1
        else:
            scale = -1 / (1 - _BETA1**updates)
        weights.addcdiv_(m * self.lr, root, value=scale)

    def _split_to_measure(self):
        data, count = self.data, len(self.runs)
        widest = max((shape[0] for shape in self.net.shapes if shape), default=1)
        columns = max(_NARROWEST, self.net.eval_numbers // (widest * max(1, count)))
        if self.net.whole_splits:
            columns = [data.n_train, data.X.shape[1] - data.n_train]
        Xs, Ys = data.X.split(columns, 1), data.Y.split(columns, 1)
        if self.net.whole_splits:  # row-major in memory, so that no call copies them
            Xs = [x.T.contiguous().T for x in Xs]
        return [(x, y, y.argmax(0)) for x, y in zip(Xs, Ys, strict=True)]

    def measure(self):
        """Return the next point of each curve of all runs, by the names of curves."""
        data, count, objective = self.data, len(self.runs), self.net.objective
        scores, outputs = [], []  # scores: losses, and 1 where right, (*, runs, points)
        for x, y, classes in self.pieces:
            out = self.net.outputs(x.expand(count, -1, -1))
            if objective is not DEFAULT_OBJECTIVE:
                outputs.append(out.clone())
            if self.net.regression:
                scores.append((out - y).square_().mean(1)[None])
                continue
            true = (out.log_softmax(1) * y).sum(1)
            right = (out.max(1).indices == classes).to(true.dtype)
            scores.append(torch.stack([true.neg_(), right]))
        both = torch.cat(scores, -1) if len(scores) > 1 else scores[0]
        n = data.n_train
        means = torch.stack([both[..., :n].mean(-1), both[..., n:].mean(-1)], 1)
        point = dict(zip(CURVES, means.flatten(0, 1).cpu().numpy(), strict=False))
        if outputs:
            Y = data.Y.expand(count, -1, -1)
            point |= objective.measure(torch.cat(outputs, -1), Y, n)
        self._remember_best(point["val_loss"])
        return point

    def _remember_best(self, val_loss):
        better = val_loss < self.best_loss
        if not better.any():
            return
        self.best_loss = np.where(better, val_loss, self.best_loss)
        self.best_epoch[better] = self.epoch
        better = torch.from_numpy(better).to(self.device)
        now, best = self.flat["weights"], self.flat["best"]
        torch.where(better.index_select(0, self.owner), now, best, out=best)
        for part, best in zip(self.fixed, self.best_fixed, strict=True):
            best[better] = part[better]

    def keep(self, stays):
        """Drop the runs whose entry in `stays` is false; at least one must stay."""
        keep = [i for i, stay in enumerate(stays) if stay]
        if len(keep) == len(self.runs):
            return
        for name in self.flat:
            parts = self.parts(name)
            self.flat[name] = torch.cat([part[keep].flatten() for part in parts])
        self.fixed = [part[keep] for part in self.fixed]
        self.best_fixed = [part[keep] for part in self.best_fixed]
        self.rng = None if self.rng is None else self.rng[keep]
        for name in ("runs", "settings", "seeds"):
            setattr(self, name, [getattr(self, name)[i] for i in keep])
        for name in ("seed_row", "best_loss", "best_epoch"):
            setattr(self, name, getattr(self, name)[keep])
        self.arrange()

    def state(self):
        """Return what a new stack needs to go on from here: a dict for `resume`."""
        state = {name: v for name, v in vars(self).items() if name not in _NOT_SAVED}
        flat = {name: v for name, v in self.flat.items() if name != "grad"}
        names = [name for name, v in state.items() if isinstance(v, np.ndarray)]
        arrays = {name: torch.from_numpy(state.pop(name)) for name in names}
        draws = {name: [g.get_state() for g in state[name]] for name in _GENERATORS}
        return state | draws | {"flat": flat, "batches": [], "arrays": arrays}

    def resume(self, state):
        # Arrays and random states stay on the CPU, whatever the device.
        on_cpu = {name: values.numpy() for name, values in state["arrays"].items()}
        for name in _GENERATORS:
            on_cpu[name] = [torch.Generator().set_state(s) for s in state[name]]
        on_cpu["rng"] = state["rng"]
        rest = {n: v for n, v in state.items() if n not in ("arrays", *_NOT_SAVED)}
        rest = tree_map_only(torch.Tensor, lambda tensor: tensor.to(self.device), rest)
        vars(self).update(rest | on_cpu)
        self.arrange()

    def copy_weights(self):
        last = *self.parts("weights"), *self.fixed
        best = *self.parts("best"), *self.best_fixed
        copies = ([p.to("cpu", copy=True) for p in parts] for parts in (last, best))
        return Weights(tuple(self.runs), self.net.order, *copies)


def pack(value):
    """Return a value as bytes for `unpack`, also on another machine."""
    value = tree_map_only(torch.Tensor, torch.Tensor.cpu, value)
    torch.save(value, file := io.BytesIO())
    return file.getvalue()


def unpack(content, trusted=False):
    """Return the value that `pack` was given; no code is run unless `trusted`."""
    if not trusted and zipfile.ZipFile(io.BytesIO(content)).testzip():
        raise zipfile.BadZipFile  # as torch checks no CRC
    return torch.load(io.BytesIO(content), "cpu", weights_only=not trusted)
