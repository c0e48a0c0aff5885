"""A learner's own networks: any `torch.nn.Module`, as a plain loop would train it.

Many runs of one network are a stack where that gains time: the forward of all of them
is one `torch.func.vmap`, its gradient one vector-Jacobian product, both traced once for
each shape. All else is trained run after run by PyTorch's own autograd: a single run,
little work, convolutions, networks that draw random numbers, and whatever vmap or
tracing cannot do. A trace is compared with PyTorch's own answer before it is used.
"""

import contextlib
import warnings

import torch
from torch import nn
from torch.func import functional_call, vjp, vmap
from torch.fx.experimental.proxy_tensor import make_fx

from hpkit.engine import model_functions
from hpkit.engine.dense import DEFAULT_OBJECTIVE, RANDOM_STATE, error_line
from hpkit.engine.model_functions import copy_network, fingerprint, other_random_state
from hpkit.hyperparameters import refusal, warn
from hpkit.locale import tr

# Stacked, a convolution becomes one of many groups, slower than one after the other.
_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_CONVOLUTIONS += (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
# Steps that a stack saves (of all its runs but one) before tracing, about 0.4 s, pays.
STEPS_TO_TRACE = 3000
# Share of the largest gradient by which a trace may differ from PyTorch's own.
_TRACE_TOLERANCE = 1e-3
_STATE = len(torch.get_rng_state())  # bytes; those of another device come after it
# Traced functions by network and shapes, kept across trainings; the oldest goes first.
_TRACES, _MOST_TRACES = {}, 64
WARNED = set()  # what was said once


def stacking_pays(settings, n_train):
    """Say whether stacking these runs saves more steps than tracing costs."""
    steps = -(-n_train // settings[0].batch_size) * max(s.epochs for s in settings)
    return (len(settings) - 1) * steps >= STEPS_TO_TRACE


class OneByOneWarning(UserWarning):
    """A learner's network cannot be trained in a stack."""


class ModuleNetworks:
    """Networks of a learner's function, at once while that works, else one by one."""

    pads = False  # a BatchNorm would see the filling
    drops = False  # a network's own dropout draws for itself
    eval_numbers = 60_000  # its tensors are new at each call; large ones come slowly

    def __init__(self, model, dataset, setting, seed, dtype, device, stacked):
        self.make = model, dataset.n_features, dataset.n_outputs
        self.setting, self.dtype, self.device = setting, dtype, device
        # The module of a device that has random numbers of its own, and which it is.
        self.elsewhere = device.type != "cpu" and torch.get_device_module(device)
        self.place = () if device.type == "mps" else (device,)
        self.drawing = None  # the place of the run whose random state torch has
        self.regression = dataset.is_regression
        self.objective = dataset.objective or DEFAULT_OBJECTIVE
        self.own_loss = self.objective.loss is not None  # which gives its own gradient
        self.net, rng = self._fresh(setting, seed)
        model_functions.check_network(copy_network(self.net), dataset)
        # Networks that no run has yet; in a stack, `net` is the one that is called.
        self.made = {} if stacked else {(setting, seed): (self.net, rng)}
        self.trained, self.fixed = _parts_of(self.net)
        self.shapes = [tuple(t.shape) for t in self.trained.values()]
        # Where the module's parameters and buffers stand among `shapes` and `fixed`.
        names = [*self.trained, *self.fixed]
        inside = [*self.net.named_parameters(), *self.net.named_buffers()]
        self.order = [names.index(name) for name, _ in inside]
        self.fingerprint = stacked and fingerprint(self.net)
        self.surroundings = stacked and model_functions.surroundings(self.net)
        self.nets, self.measured = {}, False
        # Whether a network drew random numbers that are not torch's, call by call.
        self.drew_measuring, self.drew_training = [], []
        self.absent, self.unused, self.traces = [], set(), {}
        self.moving = []  # the places of the fixed tensors that training writes into
        self.stacked, self.whole_splits = stacked, not stacked
        if stacked:
            self._probe(dataset)

    def _fresh(self, setting, seed):
        net, rng = model_functions.start_own(*self.make, setting, seed, self.dtype)
        if self.elsewhere:
            own = torch.Generator(self.device).manual_seed(seed)
            rng = torch.cat([rng, own.get_state()])
        return net.to(self.device), rng

    def _random_state(self):
        """Return torch's random state, and that of the device if it is another."""
        state = torch.get_rng_state()
        if self.elsewhere:
            return torch.cat([state, self.elsewhere.get_rng_state(*self.place)])
        return state

    def _set_random_state(self, state):
        here, there = state[:_STATE].clone(), state[_STATE:].clone()  # a view crashes
        torch.set_rng_state(here)
        if self.elsewhere:
            self.elsewhere.set_rng_state(there, *self.place)

    def _probe(self, dataset):
        """Train a copy for a step; leave the stack if it does what a stack cannot."""
        own = _OwnNet(copy_network(self.net), self.trained)
        net = own.net
        rows = torch.tensor(dataset.train.X[:64], dtype=self.dtype).to(self.device)
        self.rows = rows
        torch._foreach_add_(own.views[: len(own.trained)], 0.1)  # a gate begins at 0
        versions = [t._version for t in own.fixed]
        fixed = [t.clone() for t in own.fixed]

        def step():
            out = self._ask(net.eval(), rows)
            net.train()
            measured = [t._version for t in own.fixed]
            return measured, [out, *self._gradients(own, rows, torch.ones_like)]

        with self.at_work():
            before = self._random_state(), other_random_state()
            measured, first = step()
            halves = torch.cat([self._ask(net.eval(), half) for half in rows.chunk(2)])
            drawn = not torch.equal(before[0], self._random_state())
            now, replaced = [t._version for t in own.fixed], own.take_replaced()
            for part, value in zip(own.fixed, fixed, strict=True):
                part.copy_(value)
            _, again = step()
            own.take_replaced()
        self.whole_splits = not _nearly_equal(halves, first[0])
        self.unused = {part for part, grad in enumerate(first[1:]) if grad is None}
        self.moving = [i for i, then in enumerate(versions) if now[i] != then]
        # A buffer that is replaced, not written into, is lost in a traced function.
        if drawn or before[1] != other_random_state():
            self._leave("random")
        elif replaced or own.has_state or not all(map(_same, first, again)):
            self._leave("state")
        elif measured != versions or any(p._backward_hooks for p in own.trained):
            self._leave("differs")  # by train() or measuring: other rows, too
        elif any(isinstance(m, _CONVOLUTIONS) for m in net.modules()):
            self._leave("convolution")

    def _leave(self, reason, error=None):
        self.stacked, self.whole_splits = False, True
        if (self.fingerprint, reason) not in WARNED:
            WARNED.add((self.fingerprint, reason))
            text = tr(f"engine.one_by_one.{reason}", error=error and error_line(error))
            warn(text, OneByOneWarning)

    def start(self, seed):
        key = self.setting, seed
        net, rng = self.made.get(key) or self._fresh(*key)
        self.made[key] = net, rng
        trained, fixed = _parts_of(net)
        shapes = [tuple(t.shape) for t in trained.values()]
        if shapes != self.shapes:
            raise refusal("network_shapes", shapes, others=self.shapes)

        def says(each, training):  # away from 0, where a layer may begin
            state = {n: part + 0.1 * training for n, part in trained.items()}
            state |= {n: part.clone() for n, part in fixed.items()}
            return _call_with(each.train(training), state, self.rows)

        # What is no parameter and no buffer, in a closure say, may be each seed's own.
        kinds = (False, True) if self.stacked else ()
        try:
            pairs = ((says(self.net, kind), says(net, kind)) for kind in kinds)
            if not all(_nearly_equal(*pair) for pair in pairs):
                self._leave("state")
        except Exception as error:  # its parts have other names, say
            self._leave("vmap", error)
        return [t.detach() for t in trained.values()], [*fixed.values()], rng

    def bind(self, stack):
        self.weights, self.grads = stack.parts("weights"), stack.parts("grad")
        self.buffers, self.rng = stack.fixed, stack.rng
        self.runs = list(zip(stack.runs, stack.settings, stack.seeds, strict=True))
        self.measured |= stack.measured
        if not self.stacked:
            self._bind_nets()

    def _bind_nets(self):
        """Make a network for each run, its tensors views of the stack's."""
        nets, self.nets = self.nets, {}
        for i, (run, setting, seed) in enumerate(self.runs):
            if run not in nets:
                net = self.made.pop((setting, seed), None) or self._fresh(setting, seed)
                nets[run] = _OwnNet(net[0], self.trained)
            self.nets[run] = nets[run]
            nets[run].set([t[i] for t in (*self.weights, *self.buffers)])
            if self.measured and not nets[run].begun:  # its own eval() may freeze parts
                with RANDOM_STATE, torch.random.fork_rng(devices=[]):
                    nets[run].mode(False)
            nets[run].grads = [grad[i] for grad in self.grads]
        self.made.clear()

    def outputs(self, x):
        self.measured = True
        if self.stacked:
            self.net.eval()
            if (found := self._traced("outputs", self._forward, x)) is not None:
                return found

        def ask(i, own):
            return self._ask(own.mode(False), x[i].mT.contiguous()).mT

        return torch.stack(self._one_by_one(ask, self.drew_measuring))

    def gradient(self, x, y, weight):
        self.absent = []
        if self.stacked:
            self.net.train()
            target = self._own_delta(x, y, weight) if self.own_loss else y
            found = None
            if target is not None:
                found = self._traced("gradient", self._pull_back, x, target, weight)
            if found is not None:
                torch._foreach_copy_(self.grads, found)
                self.absent = [(part, slice(None)) for part in self.unused]
                return

        def write(i, own):
            own.mode(True)
            found = self._pull_back_one(own, i, x, y, weight, self.own_loss)
            self.absent += [(part, i) for part, v in enumerate(found) if v is None]
            pairs = zip(own.grads, found, strict=True)
            # An old gradient would count as long.
            found = [grad.zero_() if v is None else v.to_dense() for grad, v in pairs]
            torch._foreach_copy_(own.grads, found)

        self._one_by_one(write, self.drew_training)

    @contextlib.contextmanager
    def at_work(self):
        """Lend torch's random state to the runs that are trained one by one."""
        with RANDOM_STATE:
            before = self._random_state()
            try:
                yield
            finally:
                self._lend_to(None)
                self._set_random_state(before)

    def _lend_to(self, run):
        """Give torch the random state of a run, once that of another is noted."""
        if self.drawing != run:
            if self.drawing is not None:
                self.rng[self.drawing] = self._random_state()
            if run is not None:
                self._set_random_state(self.rng[run])
            self.drawing = run

    def _one_by_one(self, work, drew):
        """Call ``work(place, network)`` for each run, in the run's random state."""
        found = []
        before = other_random_state() if len(drew) < 4 or drew[-1] else None
        for i, own in enumerate(self.nets.values()):
            self._lend_to(i)
            found.append(work(i, own))
            own.take_replaced()
        if before:
            drew.append(before != other_random_state())
        # Another thread of the process may have drawn: a network does so again at once.
        if all(drew[-2:]) and len(drew) > 1:
            raise refusal("network_random")
        return found

    def _ask(self, net, rows):
        return model_functions.call_network(net, rows, self.make[2])

    def _pull_back_one(self, own, run, x, y, weight, by_loss=False):
        def delta(out):
            if by_loss:
                return self.objective.delta(out.mT[None], y[run][None])[0].mT
            each = weight if weight.dim() == 1 else weight[run, 0]
            return self._delta(out, y[run].mT, 1) * each[:, None]

        return self._gradients(own, x[run].mT.contiguous(), delta)

    def _gradients(self, own, rows, delta):
        """Return the gradients of one run; None for what this batch did not use."""
        with torch.enable_grad():
            out = self._ask(own.net, rows)
        if not out.requires_grad:
            raise refusal("network_constant")
        if any(part.requires_grad for part in own.fixed):
            raise refusal("network_frozen")
        live = [part for part in own.trained if part.requires_grad]  # not frozen since
        grads = torch.autograd.grad(out, live, delta(out.detach()), allow_unused=True)
        found = dict(zip(map(id, live), grads, strict=True))
        return [found.get(id(part)) for part in own.trained]

    def _delta(self, out, y, units):
        if self.own_loss:
            return y
        if self.regression:
            return (out - y) * (2 / out.shape[units])
        return torch.softmax(out, units) - y

    def _own_delta(self, x, y, weight):
        """Return how a learner's loss changes with outputs; None without a trace."""
        before = [buffer.clone() for buffer in self.buffers]
        out = self._traced("training", self._forward, x)
        for buffer, value in zip(self.buffers, before, strict=True):
            buffer.copy_(value)
        return None if out is None else self.objective.delta(out, y) / weight

    @property
    def has_state(self):
        """Whether a run keeps what no other process can be sent: a Python value."""
        return any(own.has_state for own in self.nets.values())

    def _forward(self, weights, buffers, x):
        return vmap(self._one, randomness="error")(weights, buffers, x.mT).mT

    def _one(self, weights, buffers, rows):
        names = (*self.trained, *self.fixed)
        state = dict(zip(names, (*weights, *buffers), strict=True))
        return _call_with(self.net, state, rows)

    def _pull_back(self, weights, buffers, x, y, weight):
        def outputs(parts):  # what it writes into is handed out: vjp wants it so
            now = list(buffers)
            for place in self.moving:
                now[place] = now[place].clone()
            return self._forward(parts, now, x), [now[place] for place in self.moving]

        out, pull, moved = vjp(outputs, weights, has_aux=True)
        for place, value in zip(self.moving, moved, strict=True):
            buffers[place].copy_(value)
        return pull(self._delta(out, y, 1) * weight)[0]

    def _traced(self, name, function, x, *others):
        """Call a function through its trace for these shapes; None where that fails."""
        shapes = tuple(tuple(t.shape) for t in (x, *self.weights, *self.buffers))
        trace = self.traces.get((name, shapes))
        if trace is None:
            with RANDOM_STATE, warnings.catch_warnings():  # fx patches nn.Module
                warnings.filterwarnings("ignore", "There is a performance drop")
                try:
                    trace = self._sound_trace(name, shapes, function, x, *others)
                    reason, error = "differs", None
                except Exception as raised:
                    reason, error = "vmap", raised
            if trace is None:
                self._leave(reason, error)
                return self._bind_nets()
            self.traces[name, shapes] = trace
        return trace(self.weights, self.buffers, x, *others)

    def _sound_trace(self, name, shapes, function, x, *others):
        """Return the trace, made if it is new; None if PyTorch's own answer differs."""

        def copies():  # tracing runs the function, and a BatchNorm would count it
            return [w.clone() for w in self.weights], [b.clone() for b in self.buffers]

        made_of = self.fingerprint, self.surroundings, self.dtype, self.device
        key = (name, *made_of, self.regression, self.own_loss, shapes)
        if key not in _TRACES:
            # Not the bound method: make_fx counts its `self` as an argument.
            made = make_fx(lambda *a: function(*a))(*copies(), x, *others)
            _drop_idle(made)
            _TRACES[key] = made
            if len(_TRACES) > _MOST_TRACES:
                del _TRACES[next(iter(_TRACES))]
        trace, (weights, buffers) = _TRACES[key], copies()
        found = trace(weights, buffers, x, *others)
        for run in (0, -1):  # vmap may be right for the first one alone
            own = _OwnNet(copy_network(self.net), self.trained)
            own.set([t[run].clone() for t in (*self.weights, *self.buffers)])
            if others:
                want = self._pull_back_one(own, run, x, *others)
                if self.unused != {i for i, one in enumerate(want) if one is None}:
                    return None  # a short batch uses other parameters, say
            else:
                want = [self._ask(own.net, x[run].mT.contiguous()).mT]
            # A gradient that is zero but for rounding is next to the largest one.
            scale = max(_largest_finite(one) for one in want if one is not None)
            pairs = zip(found if others else [found], want, strict=True)
            pairs = [(f[run], one, scale) for f, one in pairs if one is not None]
            pairs += [(b[run], f) for b, f in zip(buffers, own.fixed, strict=True)]
            if not all(_nearly_equal(*pair) for pair in pairs):
                return None
        return trace


def _same(a, b):
    if a is None or b is None:
        return a is b
    return torch.equal(a.to_dense().nan_to_num(), b.to_dense().nan_to_num())


def _call_with(net, state, rows):
    """Call a network with other tensors in the place of its own."""
    # A tensor of several layers under each of its names, but a layer under one name
    # alone: `functional_call` would not put back what it finds under a second one.
    tensors = {id(tensor): state[name] for name, tensor in _named(net) if name in state}
    named = {name: tensors[id(t)] for name, t in _named(net) if id(t) in tensors}
    return functional_call(net, named, rows, tie_weights=False)


def _named(net):
    for name, module in net.named_modules():
        for own, tensor in (*module._parameters.items(), *module._buffers.items()):
            if tensor is not None:
                yield f"{name}.{own}".removeprefix("."), tensor


def _parts_of(net, names=()):
    """Return what is trained, by these names or as the network has it, and the rest."""
    trained, fixed = {}, {}
    for name, part in net.named_parameters():
        learns = name in names if names else part.requires_grad
        (trained if learns else fixed)[name] = part
    return trained, fixed | dict(net.named_buffers())


class _OwnNet:
    """A learner's network with what is looked up at each step at hand."""

    def __init__(self, net, names):
        self.net = net
        trained, fixed = _parts_of(net, names)
        self.trained, self.fixed = [*trained.values()], [*fixed.values()]
        own = [module._buffers for module in net.modules()]
        own = [(buffers, *pair) for buffers in own for pair in buffers.items()]
        self.places = [place for place in own if place[2] is not None]
        self.views = [part.data for part in (*self.trained, *self.fixed)]
        self.fingerprint, self.begun = fingerprint(net), False

    def set(self, values):
        self.views = values
        for part, value in zip((*self.trained, *self.fixed), values, strict=True):
            part.data = value

    def mode(self, training):
        self.begun = True
        if self.net.training != training:  # both may be a learner's own methods
            self.net.train() if training else self.net.eval()
        return self.net

    def take_replaced(self):
        """Write tensors that a forward has replaced into those that they were."""
        found = False
        for buffers, name, value in self.places:
            if (new := buffers[name]) is not value:
                if same := new.numel() == value.numel():
                    value.copy_(new.detach().view_as(value))
                    same = torch.allclose(value.to(new.dtype).view_as(new), new)
                if not same:
                    new, was = ((t.dtype, tuple(t.shape)) for t in (new, value))
                    raise refusal("network_buffer", new, name=name, was=was)
                buffers[name], found = value, True
        for part, view in zip((*self.trained, *self.fixed), self.views, strict=True):
            if part.data_ptr() != view.data_ptr():  # by `.data = ...`
                view.copy_(part.data)
                part.data, found = view, True
        return found

    @property
    def has_state(self):
        """Whether training has changed a value that is no parameter and no buffer."""
        return fingerprint(self.net) != self.fingerprint


def _nearly_equal(a, b, scale=None):
    """Say whether two tensors are the same up to rounding next to a scale."""
    if not b.is_floating_point():
        return torch.equal(a, b)
    bound = _TRACE_TOLERANCE * (_largest_finite(b) if scale is None else scale)
    return torch.allclose(a, b, rtol=_TRACE_TOLERANCE, atol=bound, equal_nan=True)


def _largest_finite(tensor):
    finite = tensor[tensor.isfinite()].abs()
    return finite.max().item() if finite.numel() else 0.0


def _drop_idle(traced):
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
