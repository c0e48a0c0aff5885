"""A learner's model function: what it makes, and what that depends on.

``model(n_features, n_outputs, setting)`` returns a `torch.nn.Module`, which is checked
and copied before anything is trained. How it is trained is in `own_networks`.
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
from hpkit.engine.dense import NETWORK_NAMES, RANDOM_LOCK, error_line, start
from hpkit.engine.stack import pack
from hpkit.hyperparameters import NAMES, Hyperparameters, refusal, varied
from hpkit.locale import tr

_MODULE_ATTRIBUTES = set(vars(nn.Module()))
_LIBRARIES = tuple(sysconfig.get_paths()[n] for n in ("purelib", "platlib", "stdlib"))
_LIBRARIES += (torch.__path__[0].removesuffix("torch"),)  # not always one of these
_SIMPLE_TYPES = bool | int | float | str | torch.dtype | Hyperparameters
_WARNED = set()  # fingerprints of networks that end in a softmax
_MAX_DEPTH, _MAX_PARTS = 8, 1000  # `content_key` looks no further


def start_own(model, n_features, n_outputs, setting, seed, dtype):
    """Return a seed's network, a copy, with torch's random state, and the original."""

    def build(*arguments):
        original = _make_network(model, *arguments)
        _check_parameters(original)
        net = copy_network(original)
        for training in (False, True):  # in training a BatchNorm would count these rows
            if any(map(is_lazy, (*net.parameters(), *net.buffers()))):
                with torch.no_grad():
                    net.train(training)(torch.zeros(2, n_features))
                net.train()
        return net.to(dtype), torch.get_rng_state(), original

    return start(build, n_features, n_outputs, setting, seed)


def _make_network(model, n_features, n_outputs, setting):
    """Call a model function; refuse it if its random numbers are not torch's."""
    arguments = n_features, n_outputs, setting
    other_state, torch_state = other_random_state(), torch.get_rng_state()
    try:
        net = model(*arguments)
        if other_state != (now := other_random_state()):  # another thread, perhaps
            torch.set_rng_state(torch_state)
            net = model(*arguments)
            if now != other_random_state():
                raise refusal("network_random")
        return getattr(net, "_orig_mod", net)  # the one before torch.compile
    except (TypeError, AttributeError) as error:  # it takes other arguments, say
        if not isinstance(getattr(error, "obj", 0), int):
            raise  # it asks something of its own for a missing attribute
        floats = [f"{n}={v:.4g}" for n, v in setting.own if isinstance(v, float)]
        facts = {"values": ", ".join(floats), "reason": error_line(error)}
        key = "model_float" if floats else "model_call"
        raise refusal(key, kind=TypeError, **facts) from error


def _check_parameters(net):
    """Refuse what is no module, or has parameters that a stack cannot hold."""
    kinds = isinstance(net, nn.Module) and [str(type(m)) for m in net.modules()]
    if not kinds or any("torch.jit." in kind for kind in kinds):  # no copy trains
        raise refusal("no_module", kind=TypeError, type=type(net).__name__)
    if not any(p.requires_grad for p in net.parameters()):
        raise refusal("no_parameters", net=net)
    addresses = set()
    for name, part in net.named_parameters():
        if not is_lazy(part) and part.numel():
            odd = part.is_complex() or part._post_accumulate_grad_hooks
            if odd or part.data_ptr() in addresses:
                raise refusal("network_parameter", name)
            addresses.add(part.data_ptr())


def copy_network(net):
    lazy = filter(is_lazy, net.buffers())
    memo = {id(buffer): UninitializedBuffer(dtype=buffer.dtype) for buffer in lazy}
    try:
        copied = copy.deepcopy(net, memo)
    except RuntimeError:  # the old weight_norm holds a computed tensor
        return net
    for new, old in zip(copied.parameters(), net.parameters(), strict=True):
        for hook in (old._backward_hooks or {}).values():  # deepcopy leaves them out
            new.register_hook(hook)
    return copied


def other_random_state():
    """Return the positions of the random generators that are not torch's."""
    _, python_state, next_normal = random.getstate()
    numpy_state = np.random.get_state(legacy=False)  # noqa: NPY002 - only looked at
    state = numpy_state["state"]
    position = state["pos"] if "pos" in state else str(state)  # of another generator
    return python_state[-1], next_normal, position, numpy_state["has_gauss"]


def check_network(net, original, dataset):
    """Refuse a network that fails on training rows, or a copy that is not whole."""
    if empty := [n for n, p in net.named_parameters() if not p.numel()]:
        raise refusal("empty_parameter", empty[0])
    rows = next(net.parameters()).new_tensor(dataset.train.X[:2])
    arguments, probe = (rows, dataset.n_outputs, "network_input"), copy_network(net)
    trained = [part for part in original.parameters() if part.requires_grad]
    fork = torch.random.fork_rng(devices=[])
    with torch.enable_grad(), RANDOM_LOCK, fork:
        out = call_network(probe.eval(), *arguments)
        if out.requires_grad and net is not original and not any(map(is_lazy, trained)):
            grads = torch.autograd.grad(out.sum(), trained, allow_unused=True)
            if any(grad is not None for grad in grads):
                raise refusal("network_copy", net)
        writes = rows._version and not torch.equal(out, call_network(probe, *arguments))
    sums_to_one = ((out.sum(1) - 1).abs() < 1e-4).all()
    is_softmax = dataset.n_outputs > 1 and (out >= 0).all() and sums_to_one
    if is_softmax and (key := fingerprint(net)) not in _WARNED:
        _WARNED.add(key)
        hp.warn(tr("engine.probabilities"))
    if writes:  # what changes nothing the second time may stay, such as a ReLU
        raise refusal("network_writes")


def call_network(net, rows, n_outputs, key="network_batch"):
    """Return what a network gives for rows, if that is one float for each output."""
    try:
        out = net(rows)
    except Exception as error:
        facts = {"rows": len(rows), "features": rows.shape[1]}
        key = "network_codes" if "out of range in self" in str(error) else key
        raise refusal(key, **facts, reason=error_line(error)) from error
    is_float = isinstance(out, torch.Tensor) and out.is_floating_point()
    if is_float and out.shape == (len(rows), n_outputs):
        return out
    shape = tuple(out.shape) if is_float else getattr(out, "dtype", type(out).__name__)
    raise refusal("network_output", outputs=n_outputs, shape=shape, rows=len(rows))


class RecordedSetting(Hyperparameters):
    """A setting that notes in a set which of its values a model function reads."""

    def __init__(self, setting, read):
        object.__getattribute__(self, "__dict__").update(vars(setting), read=read)

    def __getattribute__(self, name):
        if name == "__class__":  # so that dataclasses.replace makes a plain one
            return Hyperparameters
        values = object.__getattribute__(self, "__dict__")
        extra = dict(values["own"])
        if name in NAMES or name in extra:
            values["read"].add(name)
        elif name == "own":
            values["read"].update(extra)
        elif name == "__dict__":
            values["read"].update(NAMES, extra)
            return {n: values[n] for n in (*NAMES, "own")}
        return extra[name] if name in extra else object.__getattribute__(self, name)

    def __deepcopy__(self, memo):
        return self

    def __reduce__(self):  # a copy may read all
        return functools.partial(Hyperparameters, **self.__dict__), ()


RecordedSetting.__name__ = Hyperparameters.__name__  # in the errors of a model


def group_by_reading(model, dataset, settings, n_seeds, dtype, earlier=()):
    """Return (values read, number of parameters) of each setting, or how it fails."""
    # Names of the model's own, or that only networks read: some network must read each.
    required = {*varied((*earlier, *settings))} & {*NETWORK_NAMES}
    required |= {*hp.all_names(settings)} - {*NAMES}
    if len(settings) == n_seeds == 1 and not required:
        return [((), 0)]
    sizes, groups, failed_reads = {}, [], set()
    shape = dataset.n_features, dataset.n_outputs
    for setting in settings:
        fits = (k for k in sizes if all(getattr(setting, n, ...) == v for n, v in k))
        key = next(fits, None)
        if key is None:
            recorded = RecordedSetting(setting, read := set())
            try:
                net, _, original = start_own(model, *shape, recorded, 0, dtype)
                check_network(net, original, dataset)
            except Exception as failure:
                groups.append(failure)
                failed_reads |= read
                continue
            rows = torch.tensor(dataset.train.X[:2], dtype=dtype)
            fork = torch.random.fork_rng(devices=[])
            with contextlib.suppress(Exception), torch.no_grad(), RANDOM_LOCK, fork:
                hash(surroundings(net))  # reads all of a setting that the network keeps
                net.train()(rows)  # reads what only training reads
            names = (n for n in hp.all_names([setting]) if n in read)
            key = tuple((n, getattr(setting, n)) for n in names)
            sizes[key] = sum(p.numel() for p in net.parameters())
        groups.append((key, sizes[key]))
    for name in required.difference(failed_reads, *map(dict, sizes)):
        if not mentions_name(model, name):
            hp.check_name(name, () if hp.name_for_alias(name) in NAMES else required)
            raise refusal("unread", name, name=name)
        for i, setting in enumerate(settings):  # training alone may read it
            if not isinstance(groups[i], Exception):
                key, size = groups[i]
                groups[i] = (*key, (name, getattr(setting, name, None))), size
    return groups


def mentions_name(model, name):
    """Say whether a name is in the code of a model function, or of what that reads."""
    seen = {}
    content_key(inspect.unwrap(getattr(model, "func", model)), seen)  # a partial's func
    functions = [part for part in seen.values() if isinstance(part, types.FunctionType)]
    codes = nested_codes(f.__code__ for f in functions if not _is_library(f))
    steps = pairwise(chain(*map(dis.get_instructions, codes)))
    loads = ((a, b) for a, b in steps if b.opname == "LOAD_ATTR")
    # From Python 3.13 on two names may be loaded at once.
    reads = [b.argval for a, b in loads if np.atleast_1d(a.argval)[-1] != "self"]
    return name in chain(reads, *(code.co_consts for code in codes))


def nested_codes(codes):
    """Return code objects, and those of everything defined inside them."""
    codes = list(codes)
    for code in codes:  # the list grows meanwhile
        codes += [part for part in code.co_consts if isinstance(part, types.CodeType)]
    return codes


def _read_by(function):
    """Return what a function reads from outside; of a library's only its closure."""
    values = [function.__defaults__, function.__kwdefaults__]
    namespace = function.__globals__
    for code in nested_codes([] if _is_library(function) else [function.__code__]):
        values += [namespace[name] for name in code.co_names if name in namespace]
    for cell in function.__closure__ or ():
        with contextlib.suppress(ValueError):  # an empty one
            values.append(cell.cell_contents)
    return values


def _own_attributes(module):
    return {k: v for k, v in vars(module).items() if k not in _MODULE_ATTRIBUTES}


def fingerprint(net):
    """Return what makes a network compute as it does, its registered tensors apart."""
    parts = []
    for name, module in net.named_modules():
        kind, attributes = type(module), content_key(_own_attributes(module))
        parts.append((name, kind.__qualname__, content_key(kind.forward), attributes))
    return tuple(parts)


def surroundings(net):
    """Return what the code of a network reads from outside, to compare and hash."""
    seen = {}
    pairs = ((type(module), _own_attributes(module)) for module in net.modules())
    return tuple(content_key(pair, seen) for pair in pairs)


def content_key(value, seen=None, depth=0):
    """Return a key to compare and hash a value by: its content, where that is known.

    With `seen`, a dict, the key of a function or class has all that it reads, and what
    has unknown content equals nothing else.
    """
    if value is None or isinstance(value, _SIMPLE_TYPES):
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
        seen[id(value)] = value  # kept alive, so that its id is not used again
    if depth > _MAX_DEPTH or len(seen or ()) > _MAX_PARTS:
        return name if seen is None else object()
    if isinstance(value, types.FunctionType):
        read = () if seen is None else _read_by(value)
        return value.__code__, *map(inner, read)
    if isinstance(value, list | tuple | set | deque):
        return name, *map(inner, value)
    if isinstance(value, dict):
        return tuple((inner(k), inner(v)) for k, v in value.items())
    if isinstance(value, types.SimpleNamespace) or not _is_library(kind):
        with contextlib.suppress(Exception):  # what it holds, by __dict__ or slots
            return name, inner(value.__reduce_ex__(2)[1:3])
    if seen is None:
        return name
    if isinstance(value, type | types.ModuleType) and _is_library(value):
        return value.__name__, value.__dict__.get("__module__")  # some are made anew
    if isinstance(value, type):
        members = vars(value).items()  # of those with __, only functions
        members = [v for n, v in members if n[:2] != "__" or inspect.isfunction(v)]
        return name, *map(inner, [*members, *value.__bases__])
    return value if isinstance(value, types.BuiltinFunctionType) else object()


def _is_library(part):
    name = part.__name__ if type(part) is types.ModuleType else part.__module__
    module = sys.modules.get(name)
    file = getattr(module, "__file__", None) or ""
    return module and name != "__main__" and (not file or file.startswith(_LIBRARIES))
