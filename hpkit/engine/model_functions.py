"""A learner's model function: what it makes, and what that depends on.

``model(n_features, n_outputs, setting)`` gives a `torch.nn.Module`, which is checked
and copied before anything is trained. How that is trained is in `own_networks`.
"""

import contextlib
import copy
import dis
import functools
import inspect
import pickle
import random
import sys
import sysconfig
import types
from collections import deque
from itertools import chain, count, pairwise

import numpy as np
import torch
from torch import nn
from torch.nn.parameter import UninitializedBuffer, is_lazy

from hpkit import hyperparameters as hp
from hpkit.engine.dense import NETWORK_NAMES, RANDOM_STATE, error_line, start
from hpkit.engine.stack import pack
from hpkit.hyperparameters import NAMES, Hyperparameters, refusal, varied
from hpkit.locale import tr

_OWN_TO_TORCH = set(vars(nn.Module()))
_LIBRARIES = tuple(sysconfig.get_paths()[n] for n in ("purelib", "platlib", "stdlib"))
_LIBRARIES += (torch.__path__[0].removesuffix("torch"),)  # not always one of these
_PLAIN = bool | int | float | str | torch.dtype | Hyperparameters
_TOLD = set()  # the networks that end in a softmax
_DEEPEST, _MOST_READ = 8, 1000  # what `content_key` looks at: levels, and parts


def start_own(model, n_features, n_outputs, setting, seed, dtype):
    """Return a copy of a network with a seed's first weights, and the random state."""

    def made(*arguments):
        before, seeded = other_random_state(), torch.get_rng_state()
        try:
            net = model(*arguments)
            if before != (now := other_random_state()):  # of another thread, perhaps
                torch.set_rng_state(seeded)
                net = model(*arguments)
                if now != other_random_state():
                    raise refusal("network_random")
            net = getattr(net, "_orig_mod", net)  # not the compiled one
        except (TypeError, AttributeError) as error:  # of other arguments, say
            if not isinstance(getattr(error, "obj", 0), int):
                raise  # an attribute of its own that is not there
            own = (pair for pair in setting.own if isinstance(pair[1], float))
            name, value = next(own, (None, None))
            key = "model_float" if name else "model_call"
            facts = {"kind": TypeError, "name": name, "reason": error_line(error)}
            raise refusal(key, value, **facts) from error
        kinds = isinstance(net, nn.Module) and map(str, map(type, net.modules()))
        if not kinds or any("torch.jit." in kind for kind in kinds):  # no copy trains
            raise refusal("no_module", kind=TypeError, type=type(net).__name__)
        if not any(p.requires_grad for p in net.parameters()):
            raise refusal("no_parameters", net=net)
        places = set()
        for name, part in net.named_parameters():
            if not is_lazy(part) and part.numel():
                odd = part.is_complex() or part._post_accumulate_grad_hooks
                if odd or part.data_ptr() in places:
                    raise refusal("network_parameter", name)
                places.add(part.data_ptr())
        net, given = copy_network(net), net
        for mode in (False, True):  # in training a BatchNorm would count these rows
            if any(map(is_lazy, (*net.parameters(), *net.buffers()))):
                with torch.no_grad():
                    net.train(mode)(torch.zeros(2, n_features))
                net.train()
        after = torch.get_rng_state()
        _check_copy(net, given, n_features)
        return net.to(dtype), after

    return start(made, n_features, n_outputs, setting, seed)


def _check_copy(net, given, n_features):
    """Refuse a network that reaches layers in a way that no copy of it would."""
    asked = [part for part in given.parameters() if part.requires_grad]
    rows, reached = next(net.parameters()).new_zeros(2, n_features), ()
    with torch.enable_grad(), contextlib.suppress(Exception):  # which is told later
        total = copy_network(net).eval()(rows).sum()
        reached = torch.autograd.grad(total, asked, allow_unused=True)
    if net is not given and any(grad is not None for grad in reached):
        raise refusal("network_copy", net)


def copy_network(net):
    lazy = filter(is_lazy, net.buffers())
    lazy = {id(buffer): UninitializedBuffer(dtype=buffer.dtype) for buffer in lazy}
    try:
        own = copy.deepcopy(net, lazy)
    except RuntimeError:  # weight_norm of old holds a tensor that was computed
        return net
    for one, other in zip(own.parameters(), net.parameters(), strict=True):
        for hook in (other._backward_hooks or {}).values():  # a copy has none
            one.register_hook(hook)
    return own


def other_random_state():
    """Return how far the random states that are not torch's have come."""
    _, drawn, normal = random.getstate()  # normal: one that is kept for later
    numpys = np.random.get_state(legacy=False)  # noqa: NPY002 - it is only looked at
    state = numpys["state"]
    come = state["pos"] if "pos" in state else str(state)  # of another generator
    return drawn[-1], normal, come, numpys["has_gauss"]


def check_network(net, dataset):
    """Refuse a network that does not take training rows, or gives no outputs."""
    if empty := [n for n, p in net.named_parameters() if not p.numel()]:
        raise refusal("empty_parameter", empty[0])
    rows = next(net.parameters()).new_tensor(dataset.train.X[:2])
    about = rows, dataset.n_outputs, "network_input"
    with torch.no_grad(), RANDOM_STATE, torch.random.fork_rng(devices=[]):
        out = call_network(net.eval(), *about)
        writes = rows._version and not torch.equal(out, call_network(net, *about))
    shares = dataset.n_outputs > 1 and (out >= 0).all()
    shares = shares and ((out.sum(1) - 1).abs() < 1e-4).all()
    if shares and (told := fingerprint(net)) not in _TOLD:
        _TOLD.add(told)
        hp.warn(tr("engine.probabilities"))
    if writes:  # what changes nothing the second time may stay, such as a ReLU
        raise refusal("network_writes")


def call_network(net, rows, n_outputs, refused="network_batch"):
    """Return what a network gives for rows, if that is one float for each output."""
    try:
        out = net(rows)
    except Exception as error:
        facts = {"rows": len(rows), "features": rows.shape[1]}
        refused = "network_codes" if "out of range in self" in str(error) else refused
        raise refusal(refused, **facts, reason=error_line(error)) from error
    if not isinstance(out, torch.Tensor) or not out.is_floating_point():
        shape = getattr(out, "dtype", type(out).__name__)
    elif (shape := tuple(out.shape)) == (len(rows), n_outputs):
        return out
    raise refusal("network_output", outputs=n_outputs, shape=shape, rows=len(rows))


class RecordedSetting(Hyperparameters):
    """A setting that notes in a set which of its values a model function reads."""

    def __init__(self, setting, read):
        object.__getattribute__(self, "__dict__").update(vars(setting), read=read)

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
    """Return (values read, number of parameters) of each setting, or how it fails."""
    # Names of its own, or that networks alone read, must be read by one at least.
    asked = {*varied(settings)} & {*NETWORK_NAMES}
    asked |= {*hp.all_names(settings)} - {*NAMES}
    if len(settings) == n_seeds == 1 and not asked:
        return [((), 0)]
    known, found, failed = {}, [], set()
    shape = dataset.n_features, dataset.n_outputs
    for setting in settings:
        fits = (k for k in known if all(getattr(setting, n, ...) == v for n, v in k))
        key = next(fits, None)
        if key is None:
            read = set()
            recorded = RecordedSetting(setting, read)
            try:
                net, _ = start_own(model, *shape, recorded, 0, dtype)
                check_network(net, dataset)
            except Exception as failure:
                found.append(failure)
                failed |= read
                continue
            undrawn = torch.random.fork_rng(devices=[])
            rows = torch.tensor(dataset.train.X[:2], dtype=dtype)
            with contextlib.suppress(Exception), torch.no_grad(), RANDOM_STATE, undrawn:
                hash(surroundings(net))  # which reads all of a setting that it keeps
                net.train()(rows)  # what training alone reads
            names = (n for n in hp.all_names([setting]) if n in read)
            key = tuple((n, getattr(setting, n)) for n in names)
            known[key] = sum(p.numel() for p in net.parameters())
        found.append((key, known[key]))
    for name in asked.difference(failed, *map(dict, known)):
        if not mentions_name(model, name):
            hp.check_name(name, () if hp.name_for_alias(name) in NAMES else asked)
            raise refusal("unread", name, name=name)
        for i, setting in enumerate(settings):  # training alone may read it
            if not isinstance(found[i], Exception):
                key, size = found[i]
                found[i] = (*key, (name, getattr(setting, name, None))), size
    return found


def mentions_name(model, name):
    """Say whether a name is in the code of a model function, or of what that reads."""
    seen = {}
    function = getattr(model, "func", model)  # of a partial
    content_key(inspect.unwrap(function), seen)
    own = [part for part in seen.values() if isinstance(part, types.FunctionType)]
    codes = nested_codes(part.__code__ for part in own if not _of_library(part))
    steps = pairwise(chain(*map(dis.get_instructions, codes)))
    asked = ((a, b) for a, b in steps if b.opname == "LOAD_ATTR")
    # From Python 3.13 on two names may be loaded at once.
    reads = [b.argval for a, b in asked if np.atleast_1d(a.argval)[-1] != "self"]
    return name in chain(reads, *(code.co_consts for code in codes))


def nested_codes(codes):
    """Return codes, and those of all that is defined inside of them."""
    codes = list(codes)
    for code in codes:  # which grows
        codes += [part for part in code.co_consts if isinstance(part, types.CodeType)]
    return codes


def _read_by(function, library):
    """Return what a function reads around it; of a library's what it encloses."""
    found = [function.__defaults__, function.__kwdefaults__]
    around = function.__globals__
    for code in nested_codes([] if library else [function.__code__]):
        found += [around[name] for name in code.co_names if name in around]
    for cell in function.__closure__ or ():
        with contextlib.suppress(ValueError):  # an empty one
            found.append(cell.cell_contents)
    return found


def _own_parts(module):
    return {k: v for k, v in vars(module).items() if k not in _OWN_TO_TORCH}


def fingerprint(net):
    """Return what makes a network compute as it does, its registered tensors apart."""
    found = []
    for name, module in net.named_modules():
        kind, own = type(module), content_key(_own_parts(module))
        found.append((name, kind.__qualname__, content_key(kind.forward), own))
    return tuple(found)


def surroundings(net):
    """Return what the code of a network reads beside it, to compare and hash."""
    seen = {}
    parts = ((type(module), _own_parts(module)) for module in net.modules())
    return tuple(content_key(pair, seen) for pair in parts)


def content_key(value, seen=None, depth=0):
    """Return something to compare and hash for a value, by content where that goes."""
    # With `seen`, a dict, functions and classes stand for all that they read, and what
    # has content that is not looked at is like nothing else.
    if value is None or isinstance(value, _PLAIN):
        return value
    if isinstance(value, nn.Parameter):
        return "parameter"
    if isinstance(value, torch.Generator):
        value = value.get_state()
    if isinstance(value, torch.Tensor):
        return hash(pack(value.detach()))
    if isinstance(value, np.ndarray | np.random.Generator | random.Random):
        return hash(pickle.dumps(value))
    if isinstance(value, count):
        return repr(value)
    kind, name = type(value), type(value).__qualname__
    inner = functools.partial(content_key, seen=seen, depth=depth + 1)
    if seen is not None:
        if id(value) in seen:
            return "again", list(seen).index(id(value))
        seen[id(value)] = value  # kept: another would have its number
    if depth > _DEEPEST or len(seen or ()) > _MOST_READ:
        return name if seen is None else object()
    if isinstance(value, types.FunctionType):
        read = () if seen is None else _read_by(value, _of_library(value))
        return value.__code__, *map(inner, read)
    if isinstance(value, list | tuple | set | deque):
        return name, *map(inner, value)
    if isinstance(value, dict):
        return tuple((inner(k), inner(v)) for k, v in value.items())
    if isinstance(value, types.SimpleNamespace) or not _of_library(kind):
        with contextlib.suppress(Exception):  # what it holds, by __dict__ or slots
            return name, inner(value.__reduce_ex__(2)[1:3])
    if seen is None:
        return name
    if isinstance(value, type | types.ModuleType) and _of_library(value):
        return value.__name__, value.__dict__.get("__module__")  # some are made anew
    if isinstance(value, type):
        code = types.FunctionType
        own = [v for n, v in vars(value).items() if n[:2] != "__" or type(v) is code]
        return name, *map(inner, [*own, *value.__bases__])
    return value if isinstance(value, types.BuiltinFunctionType) else object()


def _of_library(part):
    name = part.__name__ if type(part) is types.ModuleType else part.__module__
    module = sys.modules.get(name)
    file = getattr(module, "__file__", None) or ""
    return module and name != "__main__" and (not file or file.startswith(_LIBRARIES))
