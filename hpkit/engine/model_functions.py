"""A learner's model function: what it makes, and what that depends on.

``model(n_features, n_outputs, setting)`` gives a `torch.nn.Module`, which is checked
and copied before anything is trained. How that is trained is in `own_networks`.
"""

import contextlib
import copy
import dis
import functools
import inspect
import itertools
import pickle
import random
import sys
import sysconfig
import types
import warnings
from collections import deque
from itertools import chain, islice, pairwise

import numpy as np
import torch
from torch import nn
from torch.nn.parameter import UninitializedBuffer, is_lazy

from hpkit.engine.dense import RANDOM_STATE, READ, first_line, start
from hpkit.engine.stack import pack
from hpkit.hyperparameters import NAMES, Hyperparameters, names_of, refusal, varied
from hpkit.locale import say

_OWN_TO_TORCH = set(vars(nn.Module()))
_LIBRARIES = tuple(sysconfig.get_paths()[n] for n in ("purelib", "platlib", "stdlib"))
_LIBRARIES += (torch.__path__[0].removesuffix("torch"),)  # not always one of these
_GLOBAL = ("LOAD_GLOBAL", "LOAD_NAME")
_TOLD = set()  # the networks that end in a softmax
_DEEPEST, _MOST_READ = 8, 1000  # parts in parts; of what a trace may depend on


def start_own(model, n_features, n_outputs, setting, seed, dtype):
    """Return a copy of a network with a seed's first weights, and the random state."""

    def made(*arguments):
        before, seeded = outside_state(), torch.get_rng_state()
        try:
            net = model(*arguments)
            if before != (now := outside_state()):  # or has another thread drawn?
                torch.set_rng_state(seeded)
                net = model(*arguments)
                if now != outside_state():
                    raise refusal("network_random")
        except (TypeError, AttributeError) as error:  # of other arguments, say
            if not isinstance(getattr(error, "obj", 0), int):
                raise  # an attribute of its own that is not there
            own = (pair for pair in setting.own if isinstance(pair[1], float))
            name, value = next(own, (None, None))
            key, reason = "model_float" if name else "model_call", first_line(error)
            facts = {"kind": TypeError, "name": name, "reason": reason}
            raise refusal(key, value, **facts) from error
        if not isinstance(net, nn.Module):
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
        net, given = copied(net), net
        for mode in (False, True):  # in training a BatchNorm would count these rows
            if any(map(is_lazy, (*net.parameters(), *net.buffers()))):
                with torch.no_grad():
                    net.train(mode)(torch.zeros(2, n_features))
                net.train()
        after = torch.get_rng_state()
        _check_copy(net, given, n_features)
        return getattr(net, "_orig_mod", net).to(dtype), after  # not the compiled one

    return start(made, n_features, n_outputs, setting, seed)


def _check_copy(net, given, n_features):
    """Refuse a network that reaches layers in a way that no copy of it would."""
    net, given = (getattr(each, "_orig_mod", each) for each in (net, given))
    parts = [part for m in net.modules() for part in vars(m).values()]
    for part in islice(parts, _MOST_READ):  # which grows
        if isinstance(part, list | tuple | dict):
            parts += part.values() if isinstance(part, dict) else part
    own = {type(m).forward for m in net.modules() if not _of_library(type(m))}
    read = [value for f in own if hasattr(f, "__code__") for value in _read_by(f)]
    outside = any(getattr(part, "__closure__", None) for part in parts)
    if net is given or not (outside or any(isinstance(v, nn.Module) for v in read)):
        return
    asked = [part for part in given.parameters() if part.requires_grad]
    rows = next(net.parameters()).new_zeros(2, n_features)
    with torch.enable_grad(), contextlib.suppress(Exception):  # which is told later
        total = copied(net).eval()(rows).sum()
        found = torch.autograd.grad(total, asked, allow_unused=True)
        if any(grad is not None for grad in found):
            asked.clear()
    if not asked:
        raise refusal("network_copy", net)


def copied(net):
    lazy = {
        id(b): UninitializedBuffer(dtype=b.dtype) for b in net.buffers() if is_lazy(b)
    }
    try:
        own = copy.deepcopy(net, lazy)
    except RuntimeError:  # weight_norm of old holds a tensor that was computed
        return net
    for one, other in zip(own.parameters(), net.parameters(), strict=True):
        for hook in (other._backward_hooks or {}).values():  # a copy has none
            one.register_hook(hook)
    return own


def outside_state():
    """Return how far the random states that are not torch's have come."""
    numbers = np.random.get_state(legacy=False)  # noqa: NPY002 - it is only looked at
    normal = numbers["has_gauss"], random.getstate()[2]  # one that is kept for later
    come = numbers["state"]
    come = come["pos"] if "pos" in come else str(come)  # of another generator
    return random.getstate()[1][-1], come, *normal


def check_network(net, n_features, n_outputs):
    if empty := [n for n, p in net.named_parameters() if not p.numel()]:
        raise refusal("empty_parameter", empty[0])
    rows = next(net.parameters()).new_full((2, n_features), 0.5)
    try:
        with torch.no_grad(), RANDOM_STATE, torch.random.fork_rng(devices=[]):
            out = net.eval()(rows)
            writes = rows._version and not torch.equal(out, net(rows))
    except Exception as error:
        facts = {"features": n_features, "reason": first_line(error)}
        raise refusal("network_input", **facts) from error
    checked(out, 2, n_outputs)
    shares = (
        n_outputs > 1 and (out >= 0).all() and ((out.sum(1) - 1).abs() < 1e-4).all()
    )
    if shares and (told := fingerprint(net)) not in _TOLD:
        _TOLD.add(told)
        warn(say("engine.probabilities"), UserWarning)
    if writes:  # what changes nothing the second time may stay, such as a ReLU
        raise refusal("network_writes")


def warn(text, kind):
    """Warn at the line of the learner's that called hpkit."""
    frame, level, ours = sys._getframe(), 0, 0
    while frame:
        level += 1
        ours = level if frame.f_globals["__name__"].startswith("hpkit.") else ours
        frame = frame.f_back
    warnings.warn(text, kind, stacklevel=ours + 1)


def checked(out, rows, n_outputs):
    """Return what a network gives for rows, if that is one float for each output."""
    if not isinstance(out, torch.Tensor) or not out.is_floating_point():
        shape = getattr(out, "dtype", type(out).__name__)
    elif (shape := tuple(out.shape)) == (rows, n_outputs):
        return out
    raise refusal("network_output", outputs=n_outputs, shape=shape, rows=rows)


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
    """Return (values read, number of parameters) of each setting, or how it fails."""
    # Names of its own, or that networks alone read, must be read by one at least.
    asked = {*names_of(settings)} - {*NAMES} | {*varied(settings)} & {*READ}
    if len(settings) == n_seeds == 1 and not asked:
        return [((), 0)]
    known, found, failed = {}, [], set()
    shape = dataset.n_features, dataset.n_outputs
    for setting in settings:
        fits = (k for k in known if all(getattr(setting, n, ...) == v for n, v in k))
        key = next(fits, None)
        if key is None:
            recorded = RecordedSetting.of(setting)
            try:
                net, _ = start_own(model, *shape, recorded, 0, dtype)
                check_network(net, *shape)
            except Exception as failure:
                found.append(failure)
                failed |= object.__getattribute__(recorded, "__dict__")["read"]
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
    for name in asked.difference(failed, *map(dict, known)):
        if not mentions(model, name):
            raise refusal("unread", name, name=name)
        for i, setting in enumerate(settings):  # training alone may read it
            if not isinstance(found[i], Exception):
                key, size = found[i]
                found[i] = (*key, (name, getattr(setting, name, None))), size
    return found


def mentions(model, name):
    """Say whether the code of a model function, or of what it calls, reads a name."""
    ahead, seen = [model], set()
    for part in ahead:  # which grows
        part = inspect.unwrap(getattr(part, "func", part))  # of a partial
        torchs = str(getattr(part, "__module__", "")).startswith("torch.")
        if torchs or id(part) in seen:
            continue
        seen.add(id(part))
        if isinstance(getattr(part, "__code__", None), types.CodeType):
            codes = _codes(part)
            steps = pairwise(chain(*map(dis.get_instructions, codes)))
            own = ((a, b) for a, b in steps if b.opname == "LOAD_ATTR")
            # From Python 3.13 on two names may be loaded at once.
            reads = [b.argval for a, b in own if np.atleast_1d(a.argval)[-1] != "self"]
            if name in chain(reads, *(code.co_consts for code in codes)):
                return True
            ahead += _read_by(part)
        else:  # a class, or an object that is called
            kinds = (part if isinstance(part, type) else type(part)).__mro__
            inside = chain(*(vars(kind).values() for kind in kinds))
            ahead += [p for p in inside if hasattr(p, "__code__")]
    return False


def _codes(function):
    """Return the code of a function and of all that is defined inside it."""
    codes = [function.__code__]
    for code in codes:  # which grows
        codes += [part for part in code.co_consts if isinstance(part, types.CodeType)]
    return codes


def _read_by(function, library=False):
    """Return what a function reads around it; of a library's what it encloses."""
    around = function.__globals__
    found = [function.__defaults__, function.__kwdefaults__]
    for code in () if library else _codes(function):
        read = (one for one in dis.get_instructions(code) if one.opname in _GLOBAL)
        found += [around[one.argval] for one in read if one.argval in around]
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
        return hash(pack(value.detach()))
    if isinstance(value, types.FunctionType):
        return hash(value.__code__)
    if isinstance(value, torch.Generator):
        return hash(pack(value.get_state()))
    if isinstance(value, np.ndarray | np.random.Generator | random.Random):
        return hash(pickle.dumps(value))
    if isinstance(value, itertools.count):
        return repr(value)
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


def surroundings(net):
    """Return what the code of a network reads beside it, to compare and hash."""
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
        elif kind in (types.BuiltinFunctionType, library and types.ModuleType):
            found.append(part)
        else:
            found.append(object())  # its content is not seen: like nothing else
    return tuple(found)


def _of_library(part):
    name = part.__name__ if type(part) is types.ModuleType else part.__module__
    module = sys.modules.get(name)
    file = getattr(module, "__file__", None) or ""
    return module and name != "__main__" and (not file or file.startswith(_LIBRARIES))
