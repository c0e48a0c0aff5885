"""The network of a setting, the passes of many networks at once, and a custom loss.

`network` makes the plain PyTorch module, `DenseNetworks` computes many modules of one
shape: their outputs and gradients. The updates are in `stack`. `Objective` checks and
measures a learner's own loss and metric.
"""

import contextlib
import math
import threading
from collections.abc import Callable
from itertools import chain, pairwise, zip_longest
from typing import Any

import torch
from torch import is_inference_mode_enabled, nn
from torch.func import vmap

from hpkit.hyperparameters import Hyperparameters, refusal, warn
from hpkit.locale import tr

# Held while one thread sets and uses torch's global random state.
RANDOM_LOCK = threading.RLock()

_DRAW_DTYPE = torch.float32  # for every dtype of the network: the masks are the same
# Activation, and its backward pass given its output, both in place. ReLU's backward is
# no multiplication by 0 or 1: infinity times 0 would be nan.
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

# Makes a learner's own network: (n_features, n_outputs, setting).
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
    with RANDOM_LOCK, torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # not also those of a GPU
        return model(n_features, n_outputs, setting)


class Objective:
    """A learner's own loss and metric; None where hpkit's is used."""

    def __init__(self, loss=None, metric=None):
        self.loss, self.metric, self.vectorized = loss, metric, True

    def check(self, data, own_model):
        """Refuse an unfit loss or metric; return their values for made-up outputs."""
        generator, y = torch.Generator().manual_seed(0), data.Y[None]
        values, gradients = [], []
        for scale in (1, 0.3, 3):
            out = torch.empty(y.shape, dtype=y.dtype)
            out = out.normal_(std=scale, generator=generator).to(y.device)
            values += chain(*self.measure(out, y, data.n_train).values())
            gradients += [self.delta(out, y)] if self.loss is not None else []
        linear = gradients and all(torch.equal(gradients[0], g) for g in gradients)
        # A learner's own model may end in a log_softmax, for which NLLLoss is linear.
        if linear and not (own_model and gradients[0].any()):
            raise refusal("loss_straight")
        if self.loss is not None:  # (rows, 1) with (rows,) is broadcast to all pairs
            both = [self.losses(*_rows(o, y)) for o in (out, out.roll(1, -1))]
            if both[0].isfinite() and torch.allclose(*both):
                raise refusal("broadcast")
        return values

    def check_metric(self, data):
        """Warn of a metric that stays the same when the outputs change places."""
        generator, y = torch.Generator().manual_seed(0), data.Y[None, :, data.n_train :]
        noise = 0.3 * torch.randn(y.shape, dtype=y.dtype, generator=generator)
        # Most rows are right where they are, classes by far.
        out = (y if y.shape[1] == 1 else 9 * y) + noise.to(y.device)
        moved = (_rows(out.roll(k, -1), y) for k in range(25))
        scores = (self.metric_of(*(part[0] for part in rows)) for rows in moved)
        first = next(scores)
        if all(math.isclose(first, score, rel_tol=1e-5) for score in scores):
            warn(tr("engine.metric_moves"))

    def losses(self, outputs, targets):
        """Return the loss of each run (runs,)."""
        if self.vectorized and len(outputs) > 1:
            try:
                return vmap(self.loss_of)(outputs, targets)
            except Exception:  # it branches on values, say
                self.vectorized = False
        return torch.stack(list(map(self.loss_of, outputs, targets)))

    def delta(self, out, y):
        """Return the gradient of each run's loss with respect to its outputs."""
        with torch.enable_grad():
            out = out.detach().requires_grad_()
            losses = self.losses(*_rows(out, y)).sum()
            if losses.requires_grad:
                return torch.autograd.grad(losses, out)[0]
        raise refusal("inference" if is_inference_mode_enabled() else "loss_constant")

    def measure(self, out, y, n_train):
        """Return losses and metric of each run, by the names of the curves."""
        train = _rows(out[..., :n_train], y[..., :n_train])
        valid = _rows(out[..., n_train:], y[..., n_train:])
        values = {}
        if self.loss is not None:
            losses = torch.stack([self.losses(*train), self.losses(*valid)])
            if losses.requires_grad:  # the loss has parameters of its own
                raise refusal("loss_random")
            values["train_loss"], values["val_loss"] = losses.cpu().double().numpy()
        if self.metric is not None:
            values["val_metric"] = list(map(self.metric_of, *valid))
        return values

    def loss_of(self, outputs, targets):
        loss = _call("loss", self.loss, outputs, targets)
        if not isinstance(loss, torch.Tensor):
            raise refusal("loss_kind", kind=TypeError, type=type(loss).__name__)
        if loss.numel() != 1:
            raise refusal("loss_shape", tuple(loss.shape))
        return loss.reshape(())

    def metric_of(self, outputs, targets):
        metric = _call("metric", self.metric, outputs, targets)
        try:
            return float(metric)
        except Exception:
            raise refusal("metric_number", metric, kind=TypeError) from None


def _rows(out, y):
    """Return outputs (runs, rows, outputs) and targets as a loss takes them."""
    return out.mT, y.mT if y.shape[1] == 1 else y.argmax(1)


def _call(name, function, outputs, targets):
    try:
        # Copies: it may write into them, or call view().
        return function(outputs.contiguous().clone(), targets.clone())
    except Exception as error:
        if not outputs.isfinite().all():  # diverged: scikit-learn takes no nan
            return outputs.sum() * torch.nan
        shapes = {"outputs": tuple(outputs.shape), "targets": tuple(targets.shape)}
        reason = error_line(error)
        raise refusal("objective", name=name, reason=reason, **shapes) from error


def error_line(error):
    kind, lines = type(error).__name__, str(error).strip().splitlines()
    return f"{kind}: {lines[0]}" if lines else kind


DEFAULT_OBJECTIVE = Objective()

# The hyperparameters that `network` reads.
NETWORK_NAMES = ("hidden", "activation", "dropout")
# A multiple of the rows that any processor's matrix-vector product takes at once.
ROWS_AT_ONCE = 16


class DenseNetworks:
    """Networks of one shape, each layer's weights stacked as (runs, out, in)."""

    # Points are columns, (runs, units, points): softmax over a middle axis is about
    # sixty times as fast, and `nn.Linear`'s (out, in) weights fit without a copy.
    pads = True  # narrow or short batches are padded
    whole_splits = False  # the points of a split may be measured in pieces
    stacked = has_state = False  # what only a learner's networks may be, or have
    absent = ()  # every parameter has a gradient
    at_work = contextlib.nullcontext  # torch's global random state is not used
    # Numbers in the largest layer's output while losses are measured: they fit a cache.
    eval_numbers = 250_000

    def __init__(self, dataset, setting):
        self.activation, self.activation_backward = _ACTIVATIONS[setting.activation]
        self.regression = dataset.is_regression
        self.network_arguments = dataset.n_features, dataset.n_outputs, setting
        self.objective = dataset.objective or DEFAULT_OBJECTIVE
        sizes = list(pairwise((dataset.n_features, *setting.hidden, dataset.n_outputs)))
        # All biases after all weights: one product then gives all their gradients. A
        # bias is a column, so that it is added to every point.
        self.shapes = [(b, a) for a, b in sizes] + [(b, 1) for _, b in sizes]
        # The index in `shapes` of the module's parameters (weight, bias, weight, ...).
        depth = len(sizes)
        self.order = [index for i in range(depth) for index in (i, depth + i)]

    def start(self, seed):
        net = start(network, *self.network_arguments, seed)
        parts = [part.detach() for part in net.parameters()]
        return [*parts[::2], *(bias[:, None] for bias in parts[1::2])], [], None

    def bind(self, stack):
        """Use the weights of a stack from now on, and write into its gradients."""
        weights, grads = map(stack.parts, ("weights", "grad"))  # of all runs, for bmm
        depth = len(weights) // 2
        self.W, self.b = weights[:depth], weights[depth:]
        # Buffers made once: fresh tensors of this size cost a fifth of a step.
        acts, _ = self._buffers(stack.width)
        deltas, self.all_deltas = self._buffers(stack.width)
        self.masks = [None] * (depth - 1)
        self.drops = depth > 1 and any(s.dropout for s in stack.settings)
        if self.drops:
            rates = [[[s.dropout]] for s in stack.settings]
            p = torch.tensor(rates, dtype=torch.float64)
            self.dropout = p.to(acts[0].device, _DRAW_DTYPE)
            self.scale = (1 / (1 - p)).to(acts[0])
            self.masks = [torch.zeros_like(act) for act in acts[:-1]]
        self.layers = list(zip_longest(self.W, self.b, acts, self.masks))
        self.eval_layers = None
        self.ones = torch.ones_like(self.all_deltas[0])
        self.b_grads = grads[depth].as_strided((len(self.all_deltas),), (1,))
        # Of each layer but the first, from the last one down.
        below, below_T = acts[:-1], [act.mT for act in acts[:-1]]
        W_T = [W.mT for W in self.W[1:]]
        parts = deltas[1:], grads[1:depth], below, below_T, W_T, deltas[:-1], self.masks
        self.above = list(zip(*parts, strict=True))[::-1]
        self.first = deltas[0], grads[0]

    def _buffers(self, points):
        """Return a buffer (runs, units, points) for each layer, and all as one."""
        counts = [b.shape[0] * b.shape[1] for b in self.b]
        # The last rows of a product are summed in another order: they are padding.
        padding = -sum(counts) % ROWS_AT_ONCE
        buffer = self.b[0].new_zeros(sum(counts) + padding, points)
        parts = zip(buffer.split([*counts, padding]), self.b, strict=False)
        return [part.view(*b.shape[:2], points) for part, b in parts], buffer

    def draw_masks(self, rngs, seed_row, points):
        """Draw the units that dropout keeps in a batch: the same for a seed's runs."""
        for mask in self.masks:
            shape = mask.shape[1], points
            draws = [torch.rand(shape, generator=g, dtype=_DRAW_DTYPE) for g in rngs]
            draws = torch.stack(draws).to(self.dropout)
            stays = draws.index_select(0, seed_row) >= self.dropout
            torch.mul(stays, self.scale, out=mask[..., :points])

    def forward(self, h, layers):
        """Return the outputs (runs, outputs, points), in the last layer's buffer."""
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
            acts, _ = self._buffers(points)
            self.eval_layers = list(zip_longest(self.W, self.b, acts, ()))  # no masks
        return self.forward(x, self.eval_layers)

    def gradient(self, x, y, weight):
        """Write the gradient of the mean loss into `grads`."""
        # x (runs, features, points), y (runs, outputs, points) with one-hot classes,
        # weight (points,) or (runs, 1, points): in a mean 1 / points, 0 for padding.
        out = self.forward(x, self.layers)
        delta = self.above[0][0] if self.above else self.first[0]
        if self.objective.loss is not None:
            n = int(weight.count_nonzero())
            delta[..., :n] = self.objective.delta(out[..., :n], y[..., :n])
            delta[..., n:], weight = 0, 1
        elif self.regression:  # d (z - y)^2 / dz; the mean is over one output
            torch.sub(out, y, out=delta).mul_(2 / out.shape[1])
        else:
            torch.softmax(out, 1, out=delta).sub_(y)
        delta.mul_(weight)
        activation_backward, bmm = self.activation_backward, torch.bmm
        for delta, W_grad, below, below_T, W_T, delta_below, mask in self.above:
            bmm(delta, below_T, out=W_grad)
            if mask is not None:  # the derivative is that of the output before its mask
                below.div_(self.scale)
            activation_backward(bmm(W_T, delta, out=delta_below), below)
            if mask is not None:
                delta_below.mul_(mask)
        delta, W_grad = self.first
        bmm(delta, x.mT, out=W_grad)
        torch.mv(self.all_deltas, self.ones, out=self.b_grads)
