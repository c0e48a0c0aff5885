"""A learner's own networks: any `torch.nn.Module`, as a plain loop would train it.

Many runs of one network are a stack where that gains time: the forward of all of them
is one `torch.func.vmap`, its gradient one vector-Jacobian product, both traced once for
each shape. All else is trained run after run by PyTorch's own autograd: a single run,
little work, convolutions, networks that draw random numbers, and whatever vmap or
tracing cannot do. A trace is compared with PyTorch's own answer before it is used.
"""

import contextlib
import copy
import dis
import functools
import inspect
import random
import sys
import sysconfig
import types
import warnings
from collections import OrderedDict, deque
from itertools import islice, pairwise, product

import numpy as np
import torch
from torch import nn
from torch.func import functional_call, vjp, vmap
from torch.fx.experimental.proxy_tensor import make_fx

from hpkit.engine.dense import BUILT_IN, RANDOM_STATE, READ, first_line, start
from hpkit.engine.stack import pack
from hpkit.hyperparameters import NAMES, Hyperparameters, names_of, refusal, varied
from hpkit.locale import words

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


def pays(settings, n_train):
    """Say whether stacking these runs saves more steps than tracing costs."""
    steps = -(-n_train // settings[0].batch_size) * max(s.epochs for s in settings)
    return (len(settings) - 1) * steps >= STEPS_TO_TRACE


class OneByOneWarning(UserWarning):
    """A learner's network cannot be trained in a stack."""


class ModuleNetworks:
    """Networks that a learner's function made from the same values of the setting.

    If `stacked`, all are trained at once until that turns out not to work. Batches are
    not padded: a BatchNorm would see the filling. A run trained alone has torch's
    global random state for its own, as after ``torch.manual_seed(seed)``.
    """

    pads = False
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
        self.objective = dataset.objective or BUILT_IN
        self.given = self.objective.loss is not None  # what comes back into the outputs
        self.net, rng = self._fresh(setting, seed)
        _check_network(self.net, *self.make[1:])
        # Networks that no run has yet; in a stack, `net` is the one that is called.
        self.made = {} if stacked else {(setting, seed): (self.net, rng)}
        self.trained, self.fixed = parts_of(self.net)
        self.shapes = [tuple(t.shape) for t in self.trained.values()]
        # Where the module's parameters and buffers stand among `shapes` and `fixed`.
        names = [*self.trained, *self.fixed]
        inside = [*self.net.named_parameters(), *self.net.named_buffers()]
        self.order = [names.index(name) for name, _ in inside]
        self.fingerprint = stacked and fingerprint(self.net)
        self.nets, self.checked = {}, set()
        self.absent, self.unused, self.traces = [], set(), {}
        self.moving = []  # the places of the fixed tensors that training writes into
        self.stacked, self.whole_splits = stacked, not stacked
        if stacked:
            self._look(dataset)

    def _fresh(self, setting, seed):
        net, rng = start_own(*self.make, setting, seed, self.dtype)
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

    def _look(self, dataset):
        """Train a copy for a step; leave the stack if it does what a stack cannot."""
        own, n = _OwnNet(copied(self.net)), min(64, len(dataset.train.y))
        net = own.net
        rows = torch.tensor(dataset.train.X[:n], dtype=self.dtype).to(self.device)
        versions, fixed = (
            [t._version for t in own.fixed],
            [t.clone() for t in own.fixed],
        )

        def step():
            out = self._ask(net.eval(), rows)
            net.train()
            return [out, *self._gradients(own, rows, torch.ones_like)]

        with self.at_work():
            before = self._random_state(), _outside_state()
            first = step()
            halves = torch.cat([self._ask(net.eval(), half) for half in rows.chunk(2)])
            drawn = not torch.equal(before[0], self._random_state())
            now, replaced = [t._version for t in own.fixed], own.take_replaced()
            for part, value in zip(own.fixed, fixed, strict=True):
                part.copy_(value)
            again = step()
            own.take_replaced()
        self.whole_splits = not alike(halves, first[0])
        self.unused = {part for part, grad in enumerate(first[1:]) if grad is None}
        self.moving = [i for i, then in enumerate(versions) if now[i] != then]
        # A buffer that is replaced, not written into, is lost in a traced function.
        if drawn or before[1] != _outside_state():
            self._leave("random")
        elif replaced or own.has_state or not all(map(_same, first, again)):
            self._leave("state")
        elif any(isinstance(m, _CONVOLUTIONS) for m in net.modules()):
            self._leave("convolution")
        elif any(part._backward_hooks for part in own.trained):
            self._leave("differs")

    def _leave(self, reason, error=None):
        self.stacked, self.whole_splits = False, True
        if (self.fingerprint, reason) not in WARNED:
            WARNED.add((self.fingerprint, reason))
            frame, level = sys._getframe(), 1
            while frame.f_back and frame.f_globals["__name__"].startswith("hpkit."):
                frame, level = frame.f_back, level + 1
            text = words("engine")["one_by_one"][reason]
            text = text.format(error=error and first_line(error))
            warnings.warn(text, OneByOneWarning, stacklevel=level)

    def start(self, seed):
        key = self.setting, seed
        net, rng = self.made.get(key) or self._fresh(*key)
        self.made[key] = net, rng
        if self.stacked and fingerprint(net) != self.fingerprint:
            self._leave("state")  # a tensor that is no buffer, another with each seed
        trained, fixed = parts_of(net)
        shapes = [tuple(t.shape) for t in trained.values()]
        if shapes != self.shapes:
            raise refusal("network_shapes", shapes, others=self.shapes)
        return [t.detach() for t in trained.values()], [*fixed.values()], rng

    def bind(self, stack):
        self.weights, self.grads = stack.parts("weights"), stack.parts("grad")
        self.buffers, self.rng = stack.fixed, stack.rng
        self.runs = list(zip(stack.runs, stack.settings, stack.seeds, strict=True))
        if not self.stacked:
            self._bind_nets()

    def _bind_nets(self):
        """Make a network for each run, its tensors views of the stack's."""
        nets, self.nets = self.nets, {}
        for i, (run, setting, seed) in enumerate(self.runs):
            if run not in nets:
                net = self.made.pop((setting, seed), None) or self._fresh(setting, seed)
                nets[run] = _OwnNet(net[0])
            self.nets[run] = nets[run]
            nets[run].set([t[i] for t in (*self.weights, *self.buffers)])
            nets[run].grads = [grad[i] for grad in self.grads]
        self.made.clear()

    def outputs(self, x):
        if self.stacked:
            self.net.eval()
            found = self._traced("outputs", self._forward, x)
            if found is not None:
                return found

        def ask(i, own):
            return self._ask(own.mode(False), x[i].mT.contiguous()).mT

        return torch.stack(self._one_by_one(ask))

    def gradient(self, x, y, weight):
        self.absent = []
        if self.stacked:
            self.net.train()
            found = target = self._own_delta(x, y, weight) if self.given else y
            if target is not None:
                found = self._traced("gradient", self._pull_back, x, target, weight)
            if found is not None:
                torch._foreach_copy_(self.grads, found)
                self.absent = [*product(self.unused, range(len(self.runs)))]
                return

        def write(i, own):
            own.mode(True)
            about = x[i], y[i], _of_run(weight, i)
            found = self._pull_back_one(own, *about, self.given)
            self.absent += [(part, i) for part, v in enumerate(found) if v is None]
            pairs = zip(own.grads, found, strict=True)
            found = [grad if v is None else v.to_dense() for grad, v in pairs]
            torch._foreach_copy_(own.grads, found)

        before = None if "outside" in self.checked else _outside_state()
        self._one_by_one(write)
        drawn = before is not None and before != _outside_state()
        if drawn and "once" in self.checked:
            raise refusal("network_random")
        # Another thread of the process may have drawn: a network does so at each step.
        self.checked.add("once" if drawn else "outside")

    # ---- run after run -------------------------------------------------------------

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

    def _one_by_one(self, work):
        """Call ``work(place, network)`` for each run, in the run's random state."""
        found = []
        for i, own in enumerate(self.nets.values()):
            self._lend_to(i)
            found.append(work(i, own))
            own.take_replaced()
        return found

    def _ask(self, net, rows):
        try:
            out = net(rows)
        except Exception as error:
            facts = {"rows": len(rows), "features": rows.shape[1]}
            reason = first_line(error)
            raise refusal("network_batch", reason=reason, **facts) from error
        return _checked(out, len(rows), self.make[2])

    def _pull_back_one(self, own, x, y, weight, by_loss=False):
        def delta(out):
            if by_loss:
                return self.objective.delta(out.mT[None], y[None])[0].mT
            return self._delta(out, y.mT, 1) * weight[:, None]

        return self._gradients(own, x.mT.contiguous(), delta)

    def _gradients(self, own, rows, delta):
        """Return the gradients of one run; None for what this batch did not use."""
        with torch.enable_grad():
            out = self._ask(own.net, rows)
        if not out.requires_grad:
            raise refusal("network_constant")
        delta = delta(out.detach())
        return torch.autograd.grad(out, own.trained, delta, allow_unused=True)

    def _delta(self, out, y, units):
        if self.given:
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

    @functools.cached_property
    def surroundings(self):
        return _surroundings(self.net)

    @property
    def has_state(self):
        """Whether a run keeps what no other process can be sent: a Python value."""
        return any(own.has_state for own in self.nets.values())

    # ---- all at once ---------------------------------------------------------------

    def _forward(self, weights, buffers, x):
        return vmap(self._one, randomness="error")(weights, buffers, x.mT).mT

    def _one(self, weights, buffers, rows):
        names = (*self.trained, *self.fixed)
        state = dict(zip(names, (*weights, *buffers), strict=True))
        return functional_call(self.net, state, rows)

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

        kind = self.regression, self.given
        made_of = self.fingerprint, self.surroundings, self.dtype, self.device
        key = (name, *made_of, *kind, shapes)
        if key not in _TRACES:
            # Not the bound method: make_fx counts its `self` as an argument.
            made = make_fx(lambda *a: function(*a))(*copies(), x, *others)
            _drop_idle(made)
            _TRACES[key] = made
            if len(_TRACES) > _MOST_TRACES:
                del _TRACES[next(iter(_TRACES))]
        trace, (weights, buffers) = _TRACES[key], copies()
        found = trace(weights, buffers, x, *others)
        own = _OwnNet(copied(self.net))
        own.set([t[0].clone() for t in (*self.weights, *self.buffers)])
        if others:
            y, weight = others
            want = self._pull_back_one(own, x[0], y[0], _of_run(weight, 0))
        else:
            found, want = [found], [self._ask(own.net, x[0].mT.contiguous()).mT]
        pairs = zip(found, want, strict=True)
        pairs = [(all_[0], one) for all_, one in pairs if one is not None]
        # A gradient that is zero but for rounding is next to the largest one.
        scale = max(largest(want) for _, want in pairs)
        pairs = [(*pair, scale) for pair in pairs]
        pairs += [(b[0], f) for b, f in zip(buffers, own.fixed, strict=True)]
        return trace if all(alike(*pair) for pair in pairs) else None


def _same(a, b):
    if a is None or b is None:
        return a is b
    return torch.equal(a.to_dense().nan_to_num(), b.to_dense().nan_to_num())


def _of_run(weight, number):
    return weight if weight.dim() == 1 else weight[number, 0]


def parts_of(net):
    trained = {n: p for n, p in net.named_parameters() if p.requires_grad}
    fixed = {n: p for n, p in net.named_parameters() if not p.requires_grad}
    return trained, fixed | dict(net.named_buffers())


class _OwnNet:
    """A learner's network with what is looked up at each step at hand."""

    def __init__(self, net):
        self.net = net
        trained, fixed = parts_of(net)
        self.trained, self.fixed = [*trained.values()], [*fixed.values()]
        own = [module._buffers for module in net.modules()]
        own = [(buffers, *pair) for buffers in own for pair in buffers.items()]
        self.places = [place for place in own if place[2] is not None]
        self.fingerprint = fingerprint(net)

    def set(self, values):
        for part, value in zip((*self.trained, *self.fixed), values, strict=True):
            part.data = value

    def mode(self, training):
        return self.net if self.net.training == training else self.net.train(training)

    def take_replaced(self):
        """Write buffers that a forward has replaced into those that they were."""
        found = False
        for buffers, name, value in self.places:
            if buffers[name] is not value:
                value.copy_(buffers[name].detach())
                buffers[name], found = value, True
        return found

    @property
    def has_state(self):
        """Whether training has changed a value that is no parameter and no buffer."""
        return fingerprint(self.net) != self.fingerprint


def start_own(model, n_features, n_outputs, setting, seed, dtype):
    """Return a copy of a network with a seed's first weights, and the random state."""
    after = []

    def made(*arguments):
        before, seeded = _outside_state(), torch.get_rng_state()
        try:
            net = model(*arguments)
            if before != (now := _outside_state()):  # or has another thread drawn?
                torch.set_rng_state(seeded)
                net = model(*arguments)
                if now != _outside_state():
                    raise refusal("network_random")
        except TypeError as error:  # of a class with other arguments, say
            own = (pair for pair in setting.own if isinstance(pair[1], float))
            name, value = next(own, (None, None))
            key, reason = "model_float" if name else "model_call", first_line(error)
            facts = {"kind": TypeError, "name": name, "reason": reason}
            raise refusal(key, value, **facts) from error
        if not isinstance(net, nn.Module):
            raise refusal("no_module", kind=TypeError, type=type(net).__name__)
        if not any(p.requires_grad for p in net.parameters()):
            raise refusal("no_parameters", net=net)
        net, given = copied(net), net
        if any(isinstance(p, nn.UninitializedParameter) for p in net.parameters()):
            with torch.no_grad():
                net(torch.zeros(2, n_features))
        after.append(torch.get_rng_state())
        _check_copy(net, given, n_features)
        return getattr(net, "_orig_mod", net).to(dtype)  # not the compiled one

    return start(made, n_features, n_outputs, setting, seed), after[0]


def _check_copy(net, given, n_features):
    """Refuse a network whose functions hold layers, which no copy of it would have."""
    net, given = (getattr(each, "_orig_mod", each) for each in (net, given))
    parts = [part for m in net.modules() for part in vars(m).values()]
    for part in islice(parts, _MOST_READ):  # which grows
        if isinstance(part, list | tuple | dict):
            parts += part.values() if isinstance(part, dict) else part
    if net is given or not any(getattr(part, "__closure__", None) for part in parts):
        return
    asked = [part for part in given.parameters() if part.requires_grad]
    rows = next(net.parameters()).new_zeros(2, n_features)
    with torch.enable_grad(), contextlib.suppress(Exception):  # which is told later
        total = net.eval()(rows).sum()
        found = torch.autograd.grad(total, asked, allow_unused=True)
        if any(grad is not None for grad in found):
            asked.clear()
    if not asked:
        raise refusal("network_copy", net)


def copied(net):
    parts = (part for module in net.modules() for part in vars(module).values())
    hooks = (part for part in parts if type(part) is OrderedDict and not part)
    try:  # empty ones, eleven a module, take a third of the time
        own = copy.deepcopy(net, {id(empty): OrderedDict() for empty in hooks})
    except RuntimeError:  # weight_norm of old holds a tensor that was computed
        return net
    for one, other in zip(own.parameters(), net.parameters(), strict=True):
        for hook in (other._backward_hooks or {}).values():  # a copy has none
            one.register_hook(hook)
    return own


def _outside_state():
    """Return how far the random states that are not torch's have come."""
    numbers = np.random.get_state(legacy=False)  # noqa: NPY002 - it is only looked at
    return random.getstate()[1][-1], numbers["state"]["pos"]


def alike(a, b, scale=None):
    """Say whether two tensors are the same up to rounding next to a scale."""
    if not b.is_floating_point():
        return torch.equal(a, b)
    bound = _TRACE_TOLERANCE * (largest(b) if scale is None else scale)
    return torch.allclose(a, b, rtol=_TRACE_TOLERANCE, atol=bound, equal_nan=True)


def largest(tensor):
    finite = tensor[tensor.isfinite()].abs()
    return finite.max().item() if finite.numel() else 0.0


_OWN_TO_TORCH = set(vars(nn.Module()))
_LIBRARIES = tuple(sysconfig.get_paths()[n] for n in ("purelib", "platlib", "stdlib"))
_GLOBAL = ("LOAD_GLOBAL", "LOAD_NAME")
_DEEPEST, _MOST_READ = 8, 1000  # parts in parts; of what a trace may depend on


def _own_parts(module):
    return {k: v for k, v in vars(module).items() if k not in _OWN_TO_TORCH}


def fingerprint(net):
    """Return what makes a network compute as it does, its registered tensors apart."""
    found = []
    for name, module in net.named_modules():
        kind, own = type(module), mark(_own_parts(module))
        found.append((name, kind.__qualname__, mark(kind.forward), own))
    return tuple(found)


def mark(value, depth=0):
    """Return something to compare and hash for a value, by content where that goes."""
    if value is None or isinstance(value, bool | int | float | str | torch.dtype):
        return value
    if isinstance(value, nn.Parameter):
        return "parameter"
    if isinstance(value, torch.Tensor):
        try:
            return tuple(value.shape), hash(value.detach().cpu().numpy().tobytes())
        except TypeError:  # a kind that numpy does not have
            return hash(pack(value.detach()))
    if isinstance(value, np.ndarray):
        return value.shape, hash(value.tobytes())
    if isinstance(value, types.FunctionType):
        return hash(value.__code__)
    name, inner = type(value).__qualname__, functools.partial(mark, depth=depth + 1)
    if depth > _DEEPEST:
        return name
    if isinstance(value, list | tuple | set | deque):
        return name, *map(inner, value)
    if isinstance(value, dict):
        return tuple((inner(k), inner(v)) for k, v in value.items())
    if isinstance(value, types.SimpleNamespace) or not _of_library(type(value)):
        with contextlib.suppress(Exception):  # what it holds, by __dict__ or slots
            return name, inner(value.__reduce_ex__(2)[1:3])
    return name


def _surroundings(net):
    """Return what the code of a network reads beside it, to compare and hash.

    What is not told by its content at a glance is like nothing else.
    """
    ahead, found, seen = [], [], set()
    for module in net.modules():
        ahead += [type(module), _own_parts(module)]
    for part in ahead:  # which grows
        if len(ahead) > _MOST_READ:
            return object()
        if id(part) in seen:
            continue
        kind = type(part)
        if part is None or kind in (bool, int, float, str, Hyperparameters):
            found.append((kind, part))
            continue
        seen.add(id(part))
        named = kind is types.ModuleType or hasattr(part, "__module__")
        library = named and _of_library(part)
        if kind in (list, tuple, dict):
            found.append((kind, len(part)))
            ahead += part if kind is not dict else [*part, *part.values()]
        elif isinstance(part, types.FunctionType):
            found.append(part.__code__)
            ahead += _read_by(part, library)
        elif isinstance(part, type) and not library:
            ahead += (v for name, v in vars(part).items() if name[:2] != "__")
            ahead += part.__bases__
        elif library and kind is type:  # some are made anew at each call
            found.append((part.__module__, part.__qualname__))
        elif kind is types.BuiltinFunctionType or (
            library and kind is types.ModuleType
        ):
            found.append(part)
        else:
            found.append(object())
    return tuple(found)


def _of_library(part):
    name = part.__name__ if type(part) is types.ModuleType else part.__module__
    module = sys.modules.get(name)
    file = getattr(module, "__file__", None) or ""
    return module and name != "__main__" and (not file or file.startswith(_LIBRARIES))


def _read_by(function, library):
    """Return what a function reads around it; of a library's what it encloses."""
    codes, around = [function.__code__], function.__globals__
    found = [function.__defaults__, function.__kwdefaults__]
    for code in () if library else codes:  # which grows
        found += _globals_of(code, around)
        codes += [part for part in code.co_consts if isinstance(part, types.CodeType)]
    return found + _enclosed(function)


def _globals_of(code, around):
    read = (one for one in dis.get_instructions(code) if one.opname in _GLOBAL)
    return [around[one.argval] for one in read if one.argval in around]


def _enclosed(function):
    found = []
    for cell in getattr(function, "__closure__", None) or ():
        with contextlib.suppress(ValueError):  # an empty one
            found.append(cell.cell_contents)
    return found


# ---- which runs have the same network ----------------------------------------------


class RecordedSetting(Hyperparameters):
    """A setting that notes which of its values a model function reads."""

    @classmethod
    def of(cls, setting):
        recorded = object.__new__(cls)
        object.__getattribute__(recorded, "__dict__").update(vars(setting), read=set())
        return recorded

    def __getattribute__(self, name):
        if name == "__class__":  # dataclasses.replace makes a plain one
            return Hyperparameters
        values = object.__getattribute__(self, "__dict__")
        own = dict(values["own"])
        if name in NAMES or name in own:
            values["read"].add(name)
        elif name == "own":
            values["read"].update(own)
        elif name == "__dict__":
            values["read"].update(NAMES, own)
            return {n: values[n] for n in (*NAMES, "own")}
        return own[name] if name in own else object.__getattribute__(self, name)

    def __deepcopy__(self, memo):
        return self

    def __reduce__(self):  # a copy may read all
        return functools.partial(Hyperparameters, **self.__dict__), ()


RecordedSetting.__name__ = Hyperparameters.__name__  # in the errors of a model


def group_by_reading(model, dataset, settings, n_seeds, dtype):
    """Return for each setting (what its network depends on, its number of parameters).

    Or the error of one that fails. A function that reads the same values makes the same
    network. What it never reads of names of its own, or of those that networks alone
    read, is refused.
    """
    asked = {*names_of(settings)} - {*NAMES} | {*varied(settings)} & {*READ}
    if len(settings) == n_seeds == 1 and not asked:
        return [((), 0)]
    known, found, shape = {}, [], (dataset.n_features, dataset.n_outputs)
    for setting in settings:
        fits = (k for k in known if all(getattr(setting, n, ...) == v for n, v in k))
        key = next(fits, None)
        if key is None:
            recorded = RecordedSetting.of(setting)
            try:
                net, _ = start_own(model, *shape, recorded, 0, dtype)
                _check_network(net, *shape)
            except Exception as failure:
                found.append(failure)
                continue
            undrawn, rows = torch.random.fork_rng(devices=[]), torch.zeros(2, shape[0])
            with contextlib.suppress(Exception), torch.no_grad(), RANDOM_STATE, undrawn:
                net.train()(rows.to(dtype))  # what training alone reads
            read = object.__getattribute__(recorded, "__dict__")["read"]
            values = (v for m in net.modules() for v in vars(m).values())
            if any(type(v) is RecordedSetting for v in values):
                read = names_of([setting])
            names = (n for n in names_of([setting]) if n in read)
            key = tuple((n, getattr(setting, n)) for n in names)
            known[key] = sum(p.numel() for p in net.parameters())
        found.append((key, known[key]))
    for name in asked.difference(*map(dict, known)):
        if not mentions(model, name):
            raise refusal("unread", name, name=name)
        for i, setting in enumerate(settings):  # training alone may read it
            if not isinstance(found[i], Exception):
                key, size = found[i]
                found[i] = (*key, (name, getattr(setting, name, None))), size
    return found


def mentions(model, name):
    """Say whether the code of a model function, or of what it calls, reads a name."""
    ahead, seen = [(model, {})], set()
    for part, around in ahead:  # which grows
        part = inspect.unwrap(getattr(part, "func", part))  # of a partial
        code, where = getattr(part, "__code__", part), getattr(part, "__module__", "")
        if id(code) in seen or str(where).startswith("torch."):
            continue
        seen.add(id(code))
        if isinstance(code, types.CodeType):
            around = getattr(part, "__globals__", around)
            pairs = pairwise(dis.get_instructions(code))
            own = ((a, b) for a, b in pairs if b.opname == "LOAD_ATTR")
            # From Python 3.13 on two names may be loaded at once.
            reads = [b.argval for a, b in own if np.atleast_1d(a.argval)[-1] != "self"]
            if name in (*reads, *code.co_consts):
                return True
            inside = _globals_of(code, around)
            inside += [p for p in code.co_consts if hasattr(p, "co_names")]
            inside += _enclosed(part)
        else:  # a class, or an object that is called
            inside = vars(part if isinstance(part, type) else type(part)).values()
            inside = [p for p in inside if hasattr(p, "__code__")]
        ahead += [(p, around) for p in inside]
    return False


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


def _check_network(net, n_features, n_outputs):
    if empty := [n for n, p in net.named_parameters() if not p.numel()]:
        raise refusal("empty_parameter", empty[0])
    rows = next(net.parameters()).new_zeros(2, n_features)
    try:
        with torch.no_grad(), RANDOM_STATE, torch.random.fork_rng(devices=[]):
            out = net.eval()(rows)
    except Exception as error:
        facts = {"features": n_features, "reason": first_line(error)}
        raise refusal("network_input", **facts) from error
    _checked(out, 2, n_outputs)


def _checked(out, rows, n_outputs):
    """Return what a network gives for rows, if that is one float for each output."""
    if not isinstance(out, torch.Tensor) or not out.is_floating_point():
        shape = getattr(out, "dtype", type(out).__name__)
    elif (shape := tuple(out.shape)) == (rows, n_outputs):
        return out
    raise refusal("network_output", outputs=n_outputs, shape=shape, rows=rows)
