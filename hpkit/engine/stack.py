"""A stack: many runs of one network shape, trained in step.

Every run (a setting with a seed) is one slice of tensors shaped (runs, units, points),
so that one torch call does the work of all, and each ends with the numbers of a plain
separate run. Which runs share a stack is in `training`.
"""

import functools
import io
import math
import threading
import time
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import nn
from torch.utils._pytree import tree_map_only

from hpkit.engine.dense import DEFAULT_OBJECTIVE, ROWS_AT_ONCE
from hpkit.hyperparameters import refusal, schedule_factors

CURVES = ("train_loss", "val_loss", "train_accuracy", "val_accuracy", "val_metric")
# A narrower product than this is slower than a padded one (8 columns: 2.3 times).
_NARROWEST = 16
GATHER_NUMBERS = 100_000  # in the batches that are gathered at once
# torch.optim's own: Adam's two, RMSprop's, and that of both.
_BETA1, _BETA2, _ALPHA, _EPSILON = 0.9, 0.999, 0.99, 1e-8
# What an optimizer remembers of each weight.
_STATES = {"sgd": ("velocity",), "rmsprop": ("v", "velocity"), "adam": ("m", "v")}
_STATES |= {"nesterov": _STATES["sgd"], "adamw": _STATES["adam"]}
_EACH = ("lr", "momentum", "weight_decay")  # may differ from run to run
_GENERATORS = ("shuffles", "droppers")
# Left out of a stack's state: a new stack has it, or `arrange` makes it from the rest.
_REMADE = ("net", "data", "device", "place", "point_weights", "class_weights")
_REMADE += ("pieces", "owner", "at", "noted", "settings", *_EACH)


class Columns:
    """A data set's tensors, points as columns: those to train on, then validation."""

    def __init__(self, dataset, dtype, device):
        splits = dataset.train, dataset.valid
        X = torch.tensor(np.concatenate([split.X for split in splits]))
        y = torch.tensor(np.concatenate([split.y for split in splits]))
        one_hot = nn.functional.one_hot
        Y = y[:, None] if dataset.is_regression else one_hot(y, dataset.n_outputs)
        self.X, self.Y = (t.to(dtype).T.contiguous().to(device) for t in (X, Y))
        self.n_train = len(dataset.train.y)
        # Targets below the features, so that a batch is one gather.
        self.XY = torch.cat([self.X, self.Y])[:, : self.n_train].contiguous()


@dataclass(frozen=True)
class Weights:
    """Last and best weights of some runs: tensors (runs, *shape), a part each."""

    runs: tuple
    order: list  # where the module's parameters, then buffers, stand among the parts
    last: list
    best: list
    sound: set = field(default_factory=set)  # hashes of networks that `Run` has checked

    @functools.cached_property
    def size(self):  # numbers in a network, asked for once a run
        return sum(part[0].numel() for part in self.last)

    def load(self, net, run, which):
        parts, row = getattr(self, which), self.runs.index(run)
        net = net.to(parts[0].dtype).eval()
        inside = [*net.parameters(), *net.buffers()]
        kept = [parts[place][row] for place in self.order]
        if [part.numel() for part in kept] != [value.numel() for value in inside]:
            raise refusal("other_model", net)
        with torch.no_grad():
            for value, part in zip(inside, kept, strict=True):
                value.copy_(part.view_as(value))
        return net


class OneThread:
    """Torch uses one thread inside: small tensors gain nothing from a second."""

    lock, inside, before = threading.Lock(), 0, 1

    def __enter__(self):
        with self.lock:
            if OneThread.inside == 0:
                OneThread.before = torch.get_num_threads()
            OneThread.inside += 1
            torch.set_num_threads(1)

    def __exit__(self, *error):
        with self.lock:
            OneThread.inside -= 1
            torch.set_num_threads(OneThread.before)


class Stack:
    """Runs, (setting, seed) numbers, that share batch size, optimizer and network."""

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
        self.class_weights = None
        if settings[0].class_weight == "balanced":
            counts = data.Y[:, : data.n_train].sum(1, keepdim=True)
            self.class_weights = data.n_train / (len(counts) * counts.clamp(min=1))
        starts, fixed, rng = zip(*map(net.start, distinct), strict=True)

        def each_run(parts):
            stacks = map(torch.stack, zip(*parts, strict=True))
            return [part.to(self.device)[self.seed_row] for part in stacks]

        first = [part.to(data.X.dtype).flatten() for part in each_run(starts)]
        # What is not trained, of its own type; torch's random state of each run.
        self.fixed = each_run(fixed)
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
        self.noted = None  # when its weights were last copied
        self.measured = False  # of this epoch; false before epoch 0 was measured
        self.arrange()

    @property
    def done(self):
        """Epochs done with the fraction of the one under way; -1 before epoch 0."""
        return self.epoch + self.step / self.steps % 1 if self.measured else -1.0

    def _plan_batches(self, batch_size):
        """Lay out an epoch: which place in the order each column of a batch takes."""
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
        """Make the views, hyperparameters and work space for the runs still here."""
        count, sizes = len(self.runs), [math.prod(s) for s in self.net.shapes]
        total = len(self.flat["weights"])
        grad = self.flat["weights"].new_zeros(total + ROWS_AT_ONCE)
        self.flat["grad"] = grad[:total]  # a product of biases writes beyond its end
        owners = torch.arange(count)
        if count > 1:  # a run alone has one value for all its weights
            owners = torch.cat([owners.repeat_interleave(size) for size in sizes])
        self.owner = owners.to(self.device)
        for name in _EACH:  # None where it is off in all of them
            each = [getattr(s, name) for s in self.settings]
            setattr(self, name, self._numbers(each)[self.owner] if any(each) else None)
        clips = [s.clip or math.inf for s in self.settings]
        self.clip = self._numbers(clips) if min(clips) < math.inf else None
        smooth = [s.label_smoothing for s in self.settings]
        self.smooth = self._numbers(smooth)[:, None, None] if any(smooth) else None
        plans = {(s.schedule, s.warmup) for s in self.settings}
        self.planned = plans != {("constant", 0)}
        self.net.bind(self)
        self.at = tuple(np.array(self.runs).T)  # in arrays (settings, seeds)
        self.pieces, self.whole = self._cut_to_measure(), self.net.whole_splits
        ends = [(s.epochs, s.patience or math.inf) for s in self.settings]
        self.epochs, self.patience = np.array(ends).T

    def _numbers(self, values):
        return torch.tensor(values, dtype=self.data.X.dtype).to(self.device)

    def parts(self, name):
        shapes, count = self.net.shapes, len(self.runs)
        parts = self.flat[name].split([count * math.prod(shape) for shape in shapes])
        return [p.view(-1, *shape) for p, shape in zip(parts, shapes, strict=True)]

    def advance(self, seconds):
        """Train for that long, at least a step; at the end of an epoch `measure`."""
        start = time.perf_counter()
        with self.net.at_work():
            found = self.measure() if self.train(start + seconds) else None
        self.seconds += (time.perf_counter() - start) / len(self.runs)
        self.measured |= found is not None
        return found

    def train(self, until):
        """Make steps until then or the epoch's end; say whether it was reached."""
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
        """Cut the next batches, as many as are quick to hold, the next one last."""
        XY, features = self.data.XY, self.data.X.shape[0]
        numbers = len(self.runs) * len(XY) * self.width
        end = self.step + max(1, GATHER_NUMBERS // numbers)
        columns = self.order[:, self.step * self.width : end * self.width]
        cut = XY.index_select(1, columns.flatten()).view(len(XY), len(columns), -1)
        cut = cut.transpose(0, 1)
        if len(columns) > 1:  # from a copy a seed to a copy a run
            cut = cut.index_select(0, self.seed_row)
        else:
            cut = cut.expand(len(self.runs), -1, -1)
        x, y = cut[:, :features].split(self.width, 2), cut[:, features:]
        y, weights = y.split(self.width, 2), self.point_weights[self.step : end]
        rates = self._rates(len(x)) if self.planned else [None] * len(x)
        self.batches = list(zip(x, y, weights, rates, strict=True))[::-1]
        if end >= self.steps and not self.net.pads:
            real = int(self.point_weights[-1].count_nonzero())  # the last may be short
            *last, rates = self.batches[0]
            self.batches[0] = *(t[..., :real] for t in last), rates

    def _rates(self, count):
        """Return the learning rates of the next updates, (updates, runs)."""
        at = self.epoch * self.steps + self.step + np.arange(count)
        plans = [(s.schedule, s.warmup, s.epochs * self.steps) for s in self.settings]
        found = {plan: schedule_factors(*plan, at) for plan in set(plans)}
        lrs = [s.lr * found[plan] for s, plan in zip(self.settings, plans, strict=True)]
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
        """Return the targets and weights of points of torch.nn.CrossEntropyLoss."""
        target, of_class = y, self.class_weights
        if self.smooth is not None:
            target = y.lerp(y.new_full((), 1 / y.shape[1]), self.smooth)
        if of_class is None:
            return target, weight
        own, target = (of_class * y).sum(1, keepdim=True), of_class * target
        total = target.sum(1, keepdim=True)
        return target / total, total * weight / (own * weight).sum(2, keepdim=True)

    def _cut(self, grad):
        """Cut gradients as torch.nn.utils.clip_grad_norm_ does, run by run."""
        parts = [part.reshape(len(self.runs), -1) for part in self.parts("grad")]
        norm = torch.stack([part.norm(dim=1) for part in parts]).norm(dim=0)
        share = (self.clip / (norm + 1e-6)).clamp(max=1)
        grad.mul_(share.masked_fill(self.clip == math.inf, 1)[self.owner])

    def update(self):
        """Update as torch.optim does, with the gradients of the last batch."""
        weights, grad = self.flat["weights"], self.flat["grad"]
        if self.clip is not None:
            self._cut(grad)
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
        if "m" in self.flat and "missed" not in self.flat:  # updates, by Adam's count
            self.flat["missed"] = torch.zeros_like(self.flat["m"])
        parts, places = map(self.parts, self.flat), self.net.absent
        absent = [[each[part][run] for part, run in places] for each in parts]
        before = [[part.clone() for part in each] for each in absent]
        self.update()
        for name, now, then in zip(self.flat, absent, before, strict=True):
            torch._foreach_copy_(now, then)
            if name == "missed":
                torch._foreach_add_(now, 1)

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

    def _cut_to_measure(self):
        data, count = self.data, len(self.runs)
        widest = max((shape[0] for shape in self.net.shapes if shape), default=1)
        columns = max(_NARROWEST, self.net.eval_numbers // (widest * max(1, count)))
        if self.net.whole_splits:
            columns = [data.n_train, data.X.shape[1] - data.n_train]
        Xs, Ys = data.X.split(columns, 1), data.Y.split(columns, 1)
        if self.net.whole_splits:  # as rows in memory: nothing is copied
            Xs = [x.T.contiguous().T for x in Xs]
        return [(x, y, y.argmax(0)) for x, y in zip(Xs, Ys, strict=True)]

    def measure(self):
        """Return the next point of each curve of all runs, by the names of curves."""
        if self.whole != self.net.whole_splits:  # they have left the stack
            self.pieces, self.whole = self._cut_to_measure(), self.net.whole_splits
        data, count, own = self.data, len(self.runs), self.net.objective
        pieces, outs = [], []  # (1 or 2, runs, points): losses, right or not
        for x, y, classes in self.pieces:
            out = self.net.outputs(x.expand(count, -1, -1))
            if own is not DEFAULT_OBJECTIVE:
                outs.append(out.clone())
            if self.net.regression:
                pieces.append((out - y).square_().mean(1)[None])
                continue
            log_p = out.log_softmax(1)
            true = (log_p * y).sum(1)
            right = (out.max(1).indices == classes).to(true.dtype)
            pieces.append(torch.stack([true.neg_(), right]))
        if self.whole != self.net.whole_splits:
            return self.measure()
        both = torch.cat(pieces, -1) if len(pieces) > 1 else pieces[0]
        n = data.n_train
        means = torch.stack([both[..., :n].mean(-1), both[..., n:].mean(-1)], 1)
        found = dict(zip(CURVES, means.flatten(0, 1).cpu().numpy(), strict=False))
        if outs:
            found |= own.measured(torch.cat(outs, -1), data.Y.expand(count, -1, -1), n)
        self._remember_best(found["val_loss"])
        return found

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
        """Drop the runs for which `stays`, a list of bool, is false; one must stay."""
        keep = [i for i, stay in enumerate(stays) if stay]
        if len(keep) == len(self.runs):
            return

        def kept(name):
            return torch.cat([part[keep].flatten() for part in self.parts(name)])

        self.flat = {name: kept(name) for name in self.flat}
        self.fixed = [part[keep] for part in self.fixed]
        self.best_fixed = [part[keep] for part in self.best_fixed]
        self.rng = None if self.rng is None else self.rng[keep]
        for name in ("runs", "settings", "seeds"):
            setattr(self, name, [getattr(self, name)[i] for i in keep])
        for name in ("seed_row", "best_loss", "best_epoch"):
            setattr(self, name, getattr(self, name)[keep])
        self.arrange()

    def state(self):
        """Return all that the making of a stack does not bring: a dict for `resume`."""
        state = {name: v for name, v in vars(self).items() if name not in _REMADE}
        flat = {name: v for name, v in self.flat.items() if name != "grad"}
        arrays = [name for name, v in state.items() if isinstance(v, np.ndarray)]
        arrays = {name: torch.from_numpy(state.pop(name)) for name in arrays}
        draws = {name: [g.get_state() for g in state[name]] for name in _GENERATORS}
        return state | draws | {"flat": flat, "batches": [], "arrays": arrays}

    def resume(self, state):
        # Arrays and random states stay on the CPU, whatever the device.
        here = {name: values.numpy() for name, values in state["arrays"].items()}
        for name in state.keys() & _GENERATORS:  # older files may lack one
            here[name] = [torch.Generator().set_state(s) for s in state[name]]
        here["rng"] = state["rng"]
        there = {n: v for n, v in state.items() if n not in ("arrays", *_REMADE)}
        there = tree_map_only(torch.Tensor, lambda part: part.to(self.device), there)
        vars(self).update(there | here)
        if isinstance(self.updates, torch.Tensor):  # each weight's, in older files
            most = self.updates.max()
            self.flat["missed"], self.updates = most - self.updates, int(most)
        self.arrange()

    def copy_weights(self):
        last = *self.parts("weights"), *self.fixed
        best = *self.parts("best"), *self.best_fixed
        last, best = ([p.to("cpu", copy=True) for p in each] for each in (last, best))
        return Weights(tuple(self.runs), self.net.order, last, best)


def pack(value):
    """Return what `unpack` gives back, as bytes in one piece, for other machines."""
    value = tree_map_only(torch.Tensor, torch.Tensor.cpu, value)
    torch.save(value, file := io.BytesIO())
    return file.getvalue()


def unpack(content, trusted=False):
    """Read what `pack` made: if not `trusted` numbers and texts, nothing is run."""
    return torch.load(io.BytesIO(content), "cpu", weights_only=not trusted)
