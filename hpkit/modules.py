"""A learner's own networks, many at once: any `torch.nn.Module`.

The same as `models.DenseNetworks` for networks that hpkit knows nothing about. The
forward of all runs is one `torch.func.vmap`, its gradient one vector-Jacobian product,
and both are traced once for each shape, so that a step costs no more than its
arithmetic and a few dozen calls. What cannot be traced is trained run after run.
"""

import torch
from torch import nn
from torch.func import functional_call, vjp, vmap
from torch.fx.experimental.proxy_tensor import make_fx

from hpkit.models import start


class ModuleNetworks:
    """Networks from a learner's function, alike in shape.

    Parameters
    ----------
    model : function
        ``(n_features, n_outputs, setting) -> torch.nn.Module``, whose forward takes
        (points, features) and gives (points, outputs). Of the setting it may read
        `hidden` and `activation`, which are the same for all runs of a stack.
    n_features, n_outputs, setting, regression
        As for `DenseNetworks`.
    traces : dict
        Traced functions by shape, shared by all stacks of a training.

    Raises
    ------
    TypeError, ValueError
        No module, nothing to train, or outputs of the wrong shape.

    Notes
    -----
    Buffers (the running mean of a BatchNorm) lie behind the parameters in the same
    flat tensor, with a learning rate of 0, so that they are copied, kept and dropped
    with their run. Batches are not padded: a BatchNorm would see the filling.

    Speed, measured with 25 settings of a 2-16-16-2 network: about four times as long as
    `DenseNetworks`, a ninth of the time of one plain loop after the other. Networks
    with convolutions or dropout are trained run after run: no faster than plain loops.
    """

    pads = False
    eval_numbers = 60_000  # its tensors are new at each call; large ones come slowly

    def __init__(self, model, n_features, n_outputs, setting, regression, traces):
        self.model, self.regression = model, regression
        self.arguments = n_features, n_outputs, setting
        self.net = check_network(
            start(model, *self.arguments, 0), n_features, n_outputs
        )
        self.net.requires_grad_(False)
        state = [*self.net.named_parameters(), *self.net.named_buffers()]
        self.names = [name for name, _ in state]
        self.shapes = [tuple(value.shape) for _, value in state]
        self.kinds = [value.dtype for _, value in state]
        self.n_trained = len(list(self.net.parameters()))
        self.order = list(range(len(state)))
        self.random = any(isinstance(m, RANDOM) for m in self.net.modules())
        self.alone = any(isinstance(m, ALONE) for m in self.net.modules())
        self.traces, self.rng = traces, torch.Generator().manual_seed(0).get_state()

    def start(self, seed):
        """Return one run's first parameters and buffers, in the order of `shapes`."""
        net = start(self.model, *self.arguments, seed)
        return [t.detach().float() for t in (*net.parameters(), *net.buffers())]

    def bind(self, weights, grads, width):
        """Compute from now on with these weights, into these gradients."""
        self.weights, self.grads = weights, grads

    def outputs(self, x):
        """Return the outputs (runs, outputs, points) for points x."""
        self.net.eval()
        return self.call("outputs", self.forward, self.weights, x)

    def gradient(self, x, y, weight):
        """Write the gradient of the mean loss into `grads`; see `DenseNetworks`."""
        self.net.train()
        found = self.call("gradient", self.pull_back, self.weights, x, y, weight)
        for grad, value in zip(self.grads, found, strict=False):  # none for buffers
            grad.copy_(value)

    def forward(self, weights, x):
        """Return the outputs of all runs, points as columns."""
        return vmap(self.one, randomness="different")(weights, x.mT).mT

    def one(self, weights, rows):
        """Return the outputs (points, outputs) of one run."""
        state = {
            name: weight.long() if kind == torch.long else weight
            for name, kind, weight in zip(self.names, self.kinds, weights, strict=True)
        }
        return functional_call(self.net, state, rows)

    def pull_back(self, weights, x, y, weight):
        """Return the gradients of the parameters of all runs."""
        own, buffers = weights[: self.n_trained], weights[self.n_trained :]
        out, pull = vjp(lambda parts: self.forward([*parts, *buffers], x), own)
        if self.regression:
            delta = (out - y) * (2 / out.shape[1])
        else:
            delta = torch.softmax(out, 1) - y
        return pull(delta * weight)[0]

    def call(self, name, function, weights, x, *others):
        """Call a function for all runs at once, or for one after the other."""
        if not self.alone:
            return self.traced(name, function, weights, x, *others)
        found = []
        for i in range(len(x)):
            here = slice(i, i + 1)
            one = [w[here] for w in weights], x[here], *(t[here] for t in others[:1])
            found.append(self.traced(name, function, *one, *others[1:]))
        if isinstance(found[0], torch.Tensor):
            return torch.cat(found)
        return [torch.cat(parts) for parts in zip(*found, strict=True)]

    def traced(self, name, function, *arguments):
        """Call a function through its trace for these shapes, made at first use."""
        if self.random:  # a trace draws from the global state of its first call
            with torch.random.fork_rng(devices=[]):
                torch.set_rng_state(self.rng)
                found = function(*arguments)
                self.rng = torch.get_rng_state()
            return found
        setting, shape = self.arguments[2], arguments[1].shape
        key = (name, *self.shapes, setting.hidden, setting.activation, *shape)
        if key not in self.traces:
            # On copies: tracing runs the function, and a BatchNorm would count it.
            copies = [[w.clone() for w in arguments[0]], *arguments[1:]]
            # Not the bound method: make_fx counts its `self` as an argument.
            self.traces[key] = make_fx(lambda *a: function(*a))(*copies)
            drop_idle(self.traces[key])
        return self.traces[key](*arguments)


def drop_idle(traced):
    """Take out of a traced function the calls that change nothing, a third of all."""
    aten = torch.ops.aten
    shaping = (aten.view.default, aten._unsafe_view.default, aten.expand.default)
    for node in traced.graph.nodes:
        idle = node.target is aten.mul.Scalar and node.args[1] == 1
        if node.target in shaping:
            idle = node.meta["val"].shape == node.args[0].meta["val"].shape
        if idle:
            node.replace_all_uses_with(node.args[0])
    traced.graph.eliminate_dead_code()
    traced.recompile()


RANDOM = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.AlphaDropout)
# Stacked, a convolution becomes one of many groups, slower than one after the other.
ALONE = (nn.Conv1d, nn.Conv2d, nn.ConvTranspose1d, nn.ConvTranspose2d)


def check_network(net, n_features, n_outputs):
    """Return a learner's network if it can be trained on the data, else raise."""
    if not isinstance(net, nn.Module):
        raise TypeError(
            "model must return a torch.nn.Module, got "
            f"{type(net).__name__}; end your function with `return nn.Sequential(...)`."
        )
    if not any(True for _ in net.parameters()):
        raise ValueError(
            f"model must return a network with parameters to train, got {net!r}; add "
            "a layer such as nn.Linear."
        )
    rows = torch.zeros(2, n_features, dtype=next(net.parameters()).dtype)
    try:
        with torch.no_grad():
            out = net.eval()(rows)
    except Exception as error:
        raise ValueError(
            f"the network must take rows of {n_features} features, got this error "
            f"from it: {error}; for pictures begin with nn.Unflatten(1, (1, 8, 8))."
        ) from error
    if tuple(getattr(out, "shape", ())) != (2, n_outputs):
        shape = tuple(getattr(out, "shape", ())) or type(out).__name__
        raise ValueError(
            f"the network must give the shape (points, {n_outputs}), got {shape} for 2 "
            f"points; end it with nn.Linear(..., {n_outputs})."
        )
    return net
