"""The network of a setting, and the forward and backward of many at once.

`network` is the plain PyTorch module, `DenseNetworks` many such modules alike in shape.
What it knows of training is the gradient alone; the updates are in `stack`.
"""

import contextlib
import threading
import warnings
from collections.abc import Callable
from itertools import chain, pairwise, permutations, zip_longest
from typing import Any

import torch
from torch import nn
from torch.func import vmap
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves

from hpkit.hyperparameters import Hyperparameters, refusal

# Held while torch's global random state is somebody's own: threads would mix theirs.
RANDOM_STATE = threading.RLock()

DRAWN = torch.float32  # whatever the network computes with: the masks are the same
# Activation, and the way back through it from its output, both in place. What comes to
# an idle unit of ReLU is no factor: infinity times 0 would be nan.
_threshold_backward = torch.ops.aten.threshold_backward.grad_input
_ACTIVATIONS = {
    "relu": (
        torch.relu_,
        lambda delta, h: _threshold_backward(delta, h, 0, grad_input=delta),
    ),
    "tanh": (  # torch.tanh takes about four times as long as this sigmoid
        lambda h: h.mul_(2).sigmoid_().mul_(2).sub_(1),
        lambda delta, h: delta.mul_(h.square_().neg_().add_(1)),
    ),
}

# What makes a learner's own network: (n_features, n_outputs, setting).
Model = Callable[[int, int, Hyperparameters], nn.Module]
# A learner's own loss or metric, of outputs and targets.
Score = Callable[[torch.Tensor, torch.Tensor], Any]


def network(n_features, n_outputs, setting):
    """Return the network of a setting, with PyTorch's own fresh weights."""
    activation = {"relu": nn.ReLU, "tanh": nn.Tanh}[setting.activation]
    layers = []
    for inputs, outputs in pairwise((n_features, *setting.hidden)):
        layers += [nn.Linear(inputs, outputs), activation()]
        layers += [nn.Dropout(setting.dropout)] if setting.dropout else []
    last = nn.Linear((n_features, *setting.hidden)[-1], n_outputs)
    return nn.Sequential(*layers, last)


def start(model, n_features, n_outputs, setting, seed):
    """Return the network with the first weights of ``torch.manual_seed(seed)``."""
    with RANDOM_STATE, torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # not also those of a GPU
        return model(n_features, n_outputs, setting)


class Objective:
    """A learner's own loss and metric; None where hpkit's holds."""

    def __init__(self, loss=None, metric=None):
        self.loss, self.metric, self.at_once = loss, metric, True

    def check(self, data, own):
        """Return what both say of made-up outputs, a learner's network's if `own`."""
        numbers, y = torch.Generator().manual_seed(0), data.Y[None]
        said, slopes = [], []
        for name in ("loss", "metric"):
            if _pairs_all(getattr(self, name), *(part[0, :64] for part in _rows(y, y))):
                raise refusal("broadcast", name=name)
        for scale in (1, 0.3, 3):
            out = torch.empty(y.shape, dtype=y.dtype)
            out = out.normal_(std=scale, generator=numbers).to(y.device)
            said += chain(*self.measured(out, y, data.n_train).values())
            slopes += [self.delta(out, y)] if self.loss is not None else []
        alike = slopes and all(torch.equal(slopes[0], other) for other in slopes)
        if alike and not (own and slopes[0].any()):  # it may end in a log_softmax
            raise refusal("loss_straight")
        return said

    def losses(self, outputs, targets):
        """Return the loss of each run (runs,)."""
        if self.at_once and len(outputs) > 1:
            try:
                return vmap(self.loss_of)(outputs, targets)
            except Exception:  # it looks at values, say
                self.at_once = False
        return torch.stack(list(map(self.loss_of, outputs, targets)))

    def delta(self, out, y):
        """Return the gradient of each run's loss by its outputs."""
        with torch.enable_grad():
            out = out.detach().requires_grad_()
            losses = self.losses(*_rows(out, y)).sum()
            if losses.requires_grad:
                return torch.autograd.grad(losses, out)[0]
        raise refusal("loss_constant")

    def measured(self, out, y, n_train):
        """Return what they say of each run, by the names of the curves."""
        parts, found = (slice(n_train), slice(n_train, None)), {}
        halves = [_rows(out[..., part], y[..., part]) for part in parts]
        if self.loss is not None:
            losses = torch.stack([self.losses(*half) for half in halves])
            if losses.requires_grad:  # of parameters of its own
                raise refusal("loss_random")
            found["train_loss"], found["val_loss"] = losses.cpu().double().numpy()
        if self.metric is not None:
            found["val_metric"] = list(map(self.metric_of, *halves[1]))
        return found

    def loss_of(self, outputs, targets):
        found = _called("loss", self.loss, outputs, targets)
        if not isinstance(found, torch.Tensor):
            raise refusal("loss_kind", kind=TypeError, type=type(found).__name__)
        if found.numel() != 1:
            raise refusal("loss_shape", tuple(found.shape))
        return found.reshape(())

    def metric_of(self, outputs, targets):
        found = _called("metric", self.metric, outputs, targets)
        try:
            return float(found)
        except Exception:
            raise refusal("metric_number", found, kind=TypeError) from None


def _rows(out, y):
    """Return outputs (runs, rows, outputs) and targets as a loss takes them."""
    return out.mT, y.mT if y.shape[1] == 1 else y.argmax(1)


class _Pairs(TorchFunctionMode):
    """Notes whether torch sets all outputs against all targets, (n, 1) against (n,)."""

    def __init__(self, n):
        super().__init__()
        self.seen, self.wide = False, {(n, n), ()}  # all pairs, or their mean
        self.two = [{(True, a), (False, b)} for a, b in permutations(((n,), (n, 1)))]

    def __torch_function__(self, function, types, args=(), kwargs=None):
        found = function(*args, **(kwargs or {}))
        given = [t for t in tree_leaves((args, kwargs)) if hasattr(t, "requires_grad")]
        sides = {(t.requires_grad, t.shape) for t in given}
        wide = getattr(found, "shape", None) in self.wide
        self.seen |= wide and any(pair <= sides for pair in self.two)
        return found


def _pairs_all(function, outputs, targets):
    """Say whether a loss or a metric broadcasts; not of None, or of what fails."""
    pairs = _Pairs(len(outputs))
    with warnings.catch_warnings(), contextlib.suppress(Exception), pairs:
        warnings.simplefilter("ignore")
        with torch.enable_grad():
            function(outputs.clone().requires_grad_() + 0, targets.clone())
    return pairs.seen


def _called(name, function, outputs, targets):
    try:
        # Copies: it may write into them, or ask for another view.
        return function(outputs.contiguous().clone(), targets.clone())
    except Exception as error:
        if not outputs.isfinite().all():  # diverged: scikit-learn takes no nan
            return outputs.sum() * torch.nan
        shapes = {"outputs": tuple(outputs.shape), "targets": tuple(targets.shape)}
        facts = {"name": name, "reason": error_line(error)} | shapes
        raise refusal("objective", **facts) from error


def error_line(error):
    kind, said = type(error).__name__, str(error).strip().splitlines()
    return f"{kind}: {said[0]}" if said else kind


DEFAULT_OBJECTIVE = Objective()

# What `network` reads of a setting.
NETWORK_NAMES = ("hidden", "activation", "dropout")
# Rows that a matrix-vector product takes at once: a multiple of every processor's.
ROWS_AT_ONCE = 16


class DenseNetworks:
    """Networks alike in shape, each layer's weights stacked as (runs, out, in)."""

    # Points are columns, (runs, units, points): softmax over a middle axis is about
    # sixty times as fast, and `nn.Linear`'s (out, in) weights fit without a copy.
    pads = True  # narrow and short batches are filled up
    whole_splits = False  # points may be measured in any pieces
    absent = ()  # every parameter has a gradient
    at_work = contextlib.nullcontext  # it draws from generators of its own
    # In the largest layer's output while losses are measured: what fits a cache.
    eval_numbers = 250_000

    def __init__(self, dataset, setting):
        self.activation, self.back = _ACTIVATIONS[setting.activation]
        self.regression = dataset.is_regression
        self.made_of = dataset.n_features, dataset.n_outputs, setting
        self.objective = dataset.objective or DEFAULT_OBJECTIVE
        sizes = list(pairwise((dataset.n_features, *setting.hidden, dataset.n_outputs)))
        # All biases after all weights: their gradients are then one product. A bias
        # is a column, so that it adds to every point.
        self.shapes = [(b, a) for a, b in sizes] + [(b, 1) for _, b in sizes]
        # Where the module's parameters (weight, bias, weight, ...) stand in `shapes`.
        depth = len(sizes)
        self.order = [place for i in range(depth) for place in (i, depth + i)]

    def start(self, seed):
        parts = [p.detach() for p in start(network, *self.made_of, seed).parameters()]
        return [*parts[::2], *(bias[:, None] for bias in parts[1::2])], [], None

    def bind(self, stack):
        """Compute from now on with the weights of a stack, into its gradients."""
        weights, grads = stack.parts("weights"), stack.parts("grad")  # whole: for bmm
        depth = len(weights) // 2
        self.W, self.b = weights[:depth], weights[depth:]
        # Work space made once: fresh tensors of this size cost a fifth of a step.
        acts, _ = self._space(stack.width)
        deltas, self.all_deltas = self._space(stack.width)
        self.masks = [None] * (depth - 1)
        self.drops = depth > 1 and any(s.dropout for s in stack.settings)
        if self.drops:
            p = torch.tensor([s.dropout for s in stack.settings], dtype=torch.float64)
            p = p[:, None, None]
            self.dropout = p.to(acts[0].device, DRAWN)
            self.scale = (1 / (1 - p)).to(acts[0])
            self.masks = [torch.zeros_like(act) for act in acts[:-1]]
        self.layers, self.eval_layers = self._up(acts, self.masks), None
        self.ones = torch.ones_like(self.all_deltas[0])
        self.b_grads = grads[depth].as_strided((len(self.all_deltas),), (1,))
        # From the last layer down: delta, its weights' gradient, what it came from
        # and its mask.
        below, turned = acts[:-1], [act.mT for act in acts[:-1]]
        found = below, turned, [W.mT for W in self.W[1:]], deltas[:-1], self.masks
        self.first = deltas[0], grads[0]
        above = list(zip(deltas[1:], grads[1:depth], *found, strict=True))
        self.above = above[::-1]

    def _space(self, points):
        """Return work space (runs, units, points) a layer, and all as one."""
        counts = [b.shape[0] * b.shape[1] for b in self.b]
        # A product's last rows are summed in another order: these are no run's.
        idle = -sum(counts) % ROWS_AT_ONCE
        both = self.b[0].new_zeros(sum(counts) + idle, points)
        parts = zip(both.split([*counts, idle]), self.b, strict=False)
        return [part.view(*b.shape[:2], points) for part, b in parts], both

    def _up(self, acts, masks=()):
        return list(zip_longest(self.W, self.b, acts, masks))  # no mask is None

    def draw_masks(self, generators, seed_row, points):
        """Draw the units that stay in a batch, for all runs of a seed the same."""
        for mask in self.masks:
            shape = mask.shape[1], points
            draws = [torch.rand(shape, generator=g, dtype=DRAWN) for g in generators]
            draws = torch.stack(draws).to(self.dropout)
            stays = draws.index_select(0, seed_row) >= self.dropout
            torch.mul(stays, self.scale, out=mask[..., :points])

    def forward(self, h, layers):
        """Return the outputs (runs, outputs, points), written into the last layer's."""
        activation, baddbmm = self.activation, torch.baddbmm
        for W, b, out, mask in layers[:-1]:
            h = activation(baddbmm(b, W, h, out=out))
            if mask is not None:
                h.mul_(mask)
        W, b, out, _ = layers[-1]
        return baddbmm(b, W, h, out=out)

    def outputs(self, x):
        """Return the outputs for points x (runs, features, points)."""
        points = x.shape[2]
        if self.eval_layers is None or self.eval_layers[0][2].shape[2] != points:
            self.eval_layers = self._up(self._space(points)[0])
        return self.forward(x, self.eval_layers)

    def gradient(self, x, y, weight):
        """Write the gradient of the mean loss into `grads`."""
        # x (runs, features, points), y (runs, outputs, points): one-hot classes or the
        # target, weight (points,) or (runs, 1, points): of a mean 1 / number of points,
        # 0 for a filling column.
        out = self.forward(x, self.layers)
        delta = self.above[0][0] if self.above else self.first[0]
        if self.objective.loss is not None:
            real = int(weight.count_nonzero())
            delta[..., :real] = self.objective.delta(out[..., :real], y[..., :real])
            delta[..., real:], weight = 0, 1
        elif self.regression:  # d (z - y)^2 / dz; the mean is over one output
            torch.sub(out, y, out=delta).mul_(2 / out.shape[1])
        else:
            torch.softmax(out, 1, out=delta).sub_(y)
        delta.mul_(weight)
        back, bmm = self.back, torch.bmm
        for delta, W_grad, below, below_T, W_T, delta_below, mask in self.above:
            bmm(delta, below_T, out=W_grad)
            if mask is not None:  # the output before its mask has the derivative
                below.div_(self.scale)
            back(bmm(W_T, delta, out=delta_below), below)
            if mask is not None:
                delta_below.mul_(mask)
        delta, W_grad = self.first
        bmm(delta, x.mT, out=W_grad)
        torch.mv(self.all_deltas, self.ones, out=self.b_grads)
