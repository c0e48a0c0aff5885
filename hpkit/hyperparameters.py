"""The `Hyperparameters` of one setting, and the checks of all arguments.

`TABLE` holds what the engine, searches, sentences, charts and panels need to know about
each hyperparameter. A bad argument is refused in one sentence of three parts: the rule,
the value, and what to write instead. Nothing here needs torch.
"""

import contextlib
import difflib
import functools
import inspect
import keyword
import math
import numbers
import re
import reprlib
import sys
import traceback
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from itertools import islice, product
from typing import Any, Self

import numpy as np

from hpkit.locale import words

# The class in torch.optim, then a line that generated scripts add to its arguments.
OPTIMIZERS = {
    "sgd": ("SGD",),
    "adam": ("Adam",),
    "rmsprop": ("RMSprop",),
    "adamw": ("AdamW",),
    "nesterov": ("SGD", "nesterov=momentum > 0,  #? momentum"),
}
ACTIVATIONS = ("relu", "tanh")
SCHEDULES = ("constant", "step", "cosine", "linear", "one-cycle")

_short_repr = reprlib.Repr()
_short_repr.maxstring = _short_repr.maxother = _short_repr.maxlong = 60
_MAX_NAME_LENGTH = 16  # in a legend
_MAX_SEED = 2**63 - 1
MANY = 10_000  # the longest list that is accepted, where a check names no other
_MAX_UNITS = 10_000  # in one layer
_MAX_LAYERS = 100


def to_python(value):
    """Return a NumPy or torch scalar as a Python number, anything else unchanged."""
    is_scalar = getattr(value, "shape", None) == () and hasattr(value, "item")
    return value.item() if is_scalar else value


def brief(value):
    """Return any value as one short line, without ever raising."""
    try:
        value = to_python(value)
        if isinstance(value, float) and float(f"{value:g}") == value:
            return f"{value:g}"
        return " ".join(_short_repr.repr(value).split())
    except Exception:  # str() of an integer of 5,000 digits fails
        return words("refusals")["any"].format(type=type(value).__name__)


def refusal(key, value=None, *, kind=ValueError, **facts):
    """Return the error that refuses a value, with the locale's text for `key`."""
    error = kind(words("refusals")[key].format(**{"got": brief(value)} | facts))
    error.refused = True  # the caller's mistake, not a bug in hpkit
    return error


def was_refused(error):
    return getattr(error, "refused", False)


def warn(text, kind=UserWarning):
    """Issue a warning that points at the line of the user's code that called hpkit."""
    frames = (frame for frame, _ in traceback.walk_stack(sys._getframe()))
    modules = [str(frame.f_globals.get("__name__")) for frame in frames]
    ours = [n for n, module in enumerate(modules, 1) if module.startswith("hpkit.")]
    warnings.warn(text, kind, stacklevel=ours[-1] + 1)


def _wording(name, hint="", default="other"):
    """Return what a refusal calls an argument, and what it suggests instead."""
    hint = hint or words("hints").get(name, words("hints")[default])
    return {"name": words("arguments").get(name, name), "way": hint}


def check_setting(setting, name="setting", *, default=None):
    if setting is None and default is not None:
        return default
    if not isinstance(setting, Hyperparameters):
        key = "setting_dict" if isinstance(setting, Mapping) else "setting"
        raise refusal(key, setting, kind=TypeError, **_wording(name))
    return setting


def check_number(name, value, *, low, strict=False, below=math.inf, hint=""):
    """Return a finite float with low <= value < below (low < value if strict)."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise refusal("number", value, kind=TypeError, **_wording(name, hint))
    try:
        number = float(value) + 0.0  # turns -0.0 into 0.0
    except OverflowError:
        number = math.inf
    inside = low < number < below if strict else low <= number < below
    if not inside or not math.isfinite(number):
        rule = ("above" if strict else "from") + ("_below" if below < math.inf else "")
        rule = rule if math.isfinite(number) else "finite"
        raise refusal(rule, value, low=low, below=below, **_wording(name, hint))
    return number


def check_count(name, value, *, low=1, most=10**9, hint=""):
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise refusal("whole", value, kind=TypeError, low=low, **_wording(name, hint))
    count = None
    with contextlib.suppress(OverflowError, ValueError):  # inf, nan
        count = int(value)
    if count is None or count != value or count < low:
        raise refusal("whole", value, low=low, **_wording(name, hint))
    if count > most:
        limit = "2**63 - 1" if most == _MAX_SEED else f"{most:,}"
        raise refusal("most", value, most=limit, **_wording(name, hint))
    return count


check_seed = functools.partial(check_count, low=0, most=_MAX_SEED)


def check_flag(name, value):
    if not isinstance(value, bool):
        raise refusal("flag", value, kind=TypeError, **_wording(name, default="flag"))
    return value


def check_text(name, value, hint=""):
    if not isinstance(value, str):
        raise refusal("text", value, kind=TypeError, **_wording(name, hint, "text"))
    return value


def check_choice(name, value, choices):
    if not isinstance(value, str) or value not in choices:
        raise refusal("choice", value, name=name, choices=", ".join(map(repr, choices)))
    return str(value)


def _check_any_case(name, value, choices):
    """Return one of the lower-case choices: "Adam" is taken as "adam"."""
    known = isinstance(value, str) and value.lower() in choices
    return value.lower() if known else check_choice(name, value, choices)


def check_items(name, values, *, hint="", empty=False, most=MANY, of="values"):
    """Return the items of a list or another iterable, but not of a text, as a tuple."""
    facts, rules = _wording(name, hint), words("lists")
    facts["rule"] = rules.get(of, rules["other"]).format(name=facts["name"], of=of)
    try:
        if isinstance(values, str | bytes | bytearray | Mapping):
            raise TypeError
        iterator = iter(values)
    except TypeError:
        raise refusal("parts", values, kind=TypeError, **facts) from None
    items = tuple(islice(iterator, most + 1))
    if not items and not empty:
        raise refusal("empty", **facts)
    if len(items) > most:
        raise refusal("too_many", most=most, **facts)
    return items


def accepts(function, *arguments):
    """Return whether a function can be called with this many arguments."""
    try:
        inspect.signature(function).bind(*arguments)
    except ValueError:  # a built-in without a signature
        pass
    except Exception:  # not callable, or its signature cannot be read
        return False
    return callable(function)


def _check_hidden(name, value):
    if isinstance(value, numbers.Real):
        value = (value,)
    items = check_items(name, value, empty=True, most=_MAX_LAYERS, of="numbers")
    return tuple(check_count(name, units, most=_MAX_UNITS) for units in items)


def _check_schedule(name, value):
    if isinstance(value, str):  # charts write a list of factors as "1-0.5-0.1"
        with contextlib.suppress(ValueError):
            value = tuple(map(float, re.split("(?<!e)-", value.removesuffix("-"))))
    if not isinstance(value, list | tuple | np.ndarray):
        return _check_any_case(name, value, SCHEDULES)
    items = check_items(name, value, of="numbers")
    return tuple(check_number(name, factor, low=0) for factor in items)


def _check_own(own):
    try:
        own = dict(own)
    except (TypeError, ValueError):
        raise refusal("own", own, kind=TypeError) from None
    for name in own:
        is_public = isinstance(name, str) and name.isidentifier() and name[0] != "_"
        if not is_public or keyword.iskeyword(name) or hasattr(Hyperparameters, name):
            raise refusal("own_name", name)
    return tuple(sorted((str(n), _check_own_value(n, v)) for n, v in own.items()))


def _check_own_value(name, value):
    """Return a value that only the user's model reads, with lists as tuples."""
    value = to_python(value)
    if isinstance(value, list | tuple):
        return tuple(_check_own_value(name, item) for item in value)
    if isinstance(value, float):
        return check_number(name, value, low=-math.inf)
    if not isinstance(value, int | str | None):
        raise refusal("own_value", value, kind=TypeError, name=name)
    return value


def are_numbers(values):
    return {*map(type, values)} <= {int, float}


def sort_numbers(values):
    """Return numbers in ascending order, other values in the order given."""
    return sorted(values) if are_numbers(values) else list(values)


def check_seeds(seeds):
    items = check_items("seeds", seeds, of="whole")
    seeds = tuple(check_seed("one_seed", seed) for seed in items)
    if len({seed % 2**32 for seed in seeds}) < len(seeds):  # torch uses only 32 bits
        raise refusal("seeds", list(seeds))
    return seeds


def cut_middle(text, most):
    """Return at most so many characters; start and end tell long names apart."""
    half = most // 2
    return text if len(text) <= most else f"{text[:half]}…{text[half + 1 - most :]}"


def _text_property(key):
    def get_text(info):
        short = cut_middle(info.name, _MAX_NAME_LENGTH)
        default = {"label": info.name, "short": short, "legend": f"{short} {{}}"}
        texts = words("hyperparameters").get(info.name, default)  # default: of `own`
        return texts.get(key, texts["label"])

    return property(get_text)


@dataclass(frozen=True)
class _Info:
    """What hpkit knows about a hyperparameter; its texts are in the locale."""

    name: str
    kind: str  # "number", "count", "choice", "units" (of hidden layers) or "own"
    check: Callable  # (name, value): returns a plain value or raises
    usual: str  # the values that a panel starts with, as a user would type them
    control: str  # what sets it in a panel, a key of `panels.controls.BUILD`
    ticks: tuple = ()  # the values of its slider, or the choices
    by_factor: bool = False  # whether a range of values is spaced by equal factors
    stack: str = ""  # the `stack_key` that has it: "loop", "network" or none

    label = _text_property("label")  # in a sentence or on an axis
    short = _text_property("short")  # as the head of a column
    legend = _text_property("legend")  # with a value, in a legend
    knob = _text_property("knob")  # in panels, where it differs from the label


def _field(default, *info):
    """Return a field of the dataclass; `info` is that of `_Info` without the name."""
    return field(default=default, metadata={"info": info})


def _number(default, usual, control, by_factor=False, stack="", **limits):
    """Return a field of numbers, or of counts if the default is an int."""
    # `control` is the name of a control, or the ticks of a slider.
    kind, check = "number", functools.partial(check_number, **{"low": 0} | limits)
    if isinstance(default, int):
        kind, check = "count", functools.partial(check_count, **limits)
    control, ticks = (control, ()) if isinstance(control, str) else ("ticks", control)
    return _field(default, kind, check, usual, control, ticks, by_factor, stack)


def _choice(default, choices, check=None, stack=""):
    check = check or functools.partial(_check_any_case, choices=choices)
    usual = ", ".join(choices)
    return _field(default, "choice", check, usual, "choice", choices, False, stack)


_MOMENTA = (0.0, 0.5, 0.8, 0.9, 0.95, 0.99)
_DECAYS = (0.0, 1e-5, 1e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1)
_CLIPS = (0.0, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
_SHARES = (0.0, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5)
_DROPOUTS = (0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8)
_WIDTHS = (2, 4, 8, 16, 32, 64, 128)
_UNITS = "units", _check_hidden, "2, 4, 8, 16, 32, 64", "width", _WIDTHS, True


@dataclass(frozen=True, repr=False)
class Hyperparameters:
    """Everything that is set before training starts and that training leaves alone.

    Parameters
    ----------
    lr : float, > 0, default 0.01
        Learning rate: the length of a step against the gradient.
    batch_size, epochs : int, >= 1, default 32, 30
        Points looked at before each update of the weights; passes over all points.
    momentum : float, 0 <= momentum < 1, default 0
        Share of the last step that is added to the next one. Adam and AdamW have their
        own (0.9 and 0.999, as in PyTorch) and do not read it.
    weight_decay : float, >= 0, default 0
        L2 strength: how strongly each update pulls the weights toward zero; with AdamW
        apart from the gradient.
    optimizer : {"sgd", "adam", "rmsprop", "adamw", "nesterov"}, default "sgd"
        "nesterov" looks ahead along the momentum; with momentum 0 it is SGD.
    hidden : tuple of int, default (16, 16)
        Units of each hidden layer; () is a network without hidden layers.
    activation : {"relu", "tanh"}, default "relu"
    dropout : float, 0 <= dropout < 1, default 0
        Share of the hidden units that each batch leaves out, different ones for every
        point, as by ``torch.nn.Dropout``.
    schedule : {"constant", "step", "cosine", "linear", "one-cycle"} or list of float
        How the learning rate changes from update to update, of which there are n:
        "step" divides it by 10 after each third, "cosine" and "linear" lower it to 0,
        "one-cycle" raises it from lr / 25 to lr and lowers it to lr / 250,000. A list
        has a factor of lr for each of that many equal parts of the training.
    warmup : float, 0 <= warmup < 1, default 0
        Share of the updates in which the learning rate first rises to lr; the schedule
        gets the rest. For one-cycle it is the share that rises, 0.3 if it is 0.
    patience : int, >= 0, default 0
        Early stopping: a run ends when that many epochs in a row have brought no new
        lowest validation loss, epoch 0 included; 0 trains all epochs.
    clip : float, >= 0, default 0
        Longest gradient, of all weights together: a longer one is cut to it; 0 leaves
        all as they are.
    label_smoothing : float, 0 <= label_smoothing < 1, default 0
        Share of a target that is spread evenly over all classes while training.
    class_weight : {"none", "balanced"}, default "none"
        "balanced" trains as if all classes had as many points; the losses that are
        shown and rank stay those of the points as they are.
    own : dict, default {}
        What a model of your own reads beside these, such as ``setting.heads`` for
        ``own={"heads": 4}``: numbers, True or False, strings, None, tuples of these.

    Notes
    -----
    Updates are those of ``torch.optim.SGD``, ``Adam``, ``RMSprop`` (alpha 0.99),
    ``AdamW`` and ``SGD(nesterov=True)``, the gradient cut before that as by
    ``clip_grad_norm_``. Label smoothing and class weights are those of
    ``CrossEntropyLoss``, for classes alone, and change what is trained, not what is
    measured: all losses shown are plain, so settings can be compared.
    Schedules are those of ``torch.optim.lr_scheduler``, with a step after each update:
    ``StepLR(opt, ceil(n / 3))``, ``CosineAnnealingLR(opt, n)``, ``LinearLR(opt, 1, 0,
    n)``, ``OneCycleLR(opt, lr, n, pct_start=warmup or 0.3, cycle_momentum=False)``. A
    warm-up of ``w = int(warmup * n)`` updates is ``SequentialLR(opt, [LinearLR(opt, 1 /
    (w + 1), 1, w), ...], [w])``, where the schedule has n - w for n.
    Reference: Goodfellow, Bengio, Courville, Deep Learning (2016), 5.3 for
    hyperparameters, 7.12 for dropout, 8.3 and 8.5 for the optimizers.

    Examples
    --------
    >>> Hyperparameters(lr=0.1).but(lr=0.3).lr
    0.3
    """

    lr: float = _number(0.01, "0.0001 to 10 in 11", "powers", True, strict=True)
    batch_size: int = _number(32, "4, 8, 16, 32, 64, 128", "batch", True, "loop")
    epochs: int = _number(30, "5, 10, 20, 40, 80", "count", most=10**6)
    momentum: float = _number(0.0, "0, 0.5, 0.8, 0.9, 0.95", _MOMENTA, below=1)
    weight_decay: float = _number(0.0, "0, 0.0001, 0.001, 0.01, 0.1", _DECAYS, True)
    optimizer: str = _choice("sgd", tuple(OPTIMIZERS), stack="loop")
    hidden: tuple[int, ...] = _field((16, 16), *_UNITS, "network")
    activation: str = _choice("relu", ACTIVATIONS, stack="network")
    dropout: float = _number(0.0, "0, 0.1, 0.2, 0.3, 0.5", _DROPOUTS, below=1)
    schedule: str | Sequence[float] = _choice("constant", SCHEDULES, _check_schedule)
    warmup: float = _number(0.0, "0, 0.05, 0.1, 0.2", _SHARES, below=1)
    patience: int = _number(0, "0, 2, 5, 10, 20", (0, 1, 2, 5, 10, 20, 50), low=0)
    clip: float = _number(0.0, "0, 0.1, 0.3, 1, 3", _CLIPS)
    label_smoothing: float = _number(0.0, "0, 0.05, 0.1, 0.2", _SHARES, below=1)
    class_weight: str = _choice("none", ("none", "balanced"), stack="loop")
    own: Mapping[str, Any] | tuple[tuple[str, Any], ...] = ()
    _made_for = frozenset()  # what the search that made it was given: "model", "loss"

    def __post_init__(self):
        for name in NAMES:
            object.__setattr__(self, name, TABLE[name].check(name, getattr(self, name)))
        object.__setattr__(self, "own", _check_own(self.own))

    def but(self, **changes: Any) -> Self:
        """Return the same setting with some values changed, such as ``lr=0.1``."""
        own = {name: changes.pop(name) for name, _ in self.own if name in changes}
        new = replace(self, **changes)
        new = replace(new, own=dict(new.own) | own) if own else new
        if self._made_for:
            object.__setattr__(new, "_made_for", self._made_for)
        return new

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # Python itself asks for some, even before __init__
            raise AttributeError(name)
        # Not self.own: this is none of the reads of a model function that are recorded.
        if name in (own := dict(object.__getattribute__(self, "own"))):
            return own[name]
        raise refusal("no_own", kind=AttributeError, name=name)

    def rates(self, updates_per_epoch: int = 1) -> np.ndarray:
        """Return the learning rate of each update: ndarray (epochs x updates,).

        Examples
        --------
        >>> Hyperparameters(lr=0.4, epochs=4, schedule="linear").rates().tolist()
        [0.4, 0.30000000000000004, 0.2, 0.1]
        """
        total = self.epochs * check_count("updates_per_epoch", updates_per_epoch)
        at = np.arange(total)
        return self.lr * schedule_factors(self.schedule, self.warmup, total, at)

    def __repr__(self):
        names = [name for name in names_to_show(self) if name in NAMES]
        values = [f"{name}={getattr(self, name)!r}" for name in names]
        values += [f"own={dict(self.own)}"] if self.own else []
        return f"Hyperparameters({', '.join(values)})"


class _Table(dict):
    def __missing__(self, name):  # a hyperparameter of the user's own model
        return _Info(name, "own", _check_own_value, "", "own")


*_FIELDS, _ = fields(Hyperparameters)  # all but `own`
TABLE = _Table({f.name: _Info(f.name, *f.metadata["info"]) for f in _FIELDS})
NAMES = tuple(TABLE)
# Shown for every setting; the others only where they differ from the default.
MAIN_NAMES = NAMES[: NAMES.index("schedule")]
USUAL = "lr", "batch_size", "epochs"  # those in code and short texts


def all_names(settings):
    """Return all names that some settings have, those in `own` last."""
    return tuple(dict.fromkeys((*NAMES, *(n for s in settings for n, _ in s.own))))


def names_to_show(*settings, always=MAIN_NAMES):
    """Return the names of the hyperparameters to show for some settings."""
    shown = (*always, *varied([*settings, _DEFAULT]))
    return [n for n in all_names(settings) if n in shown or n not in NAMES]


def varied(settings):
    """Return the names of the hyperparameters in which settings differ."""
    names = all_names(settings)
    return [n for n in names if len({getattr(s, n, None) for s in settings}) > 1]


def all_settings(base, space):
    """Return `base` with every combination of the values in `space`, by name."""
    combinations = product(*space.values())
    return [base.but(**dict(zip(space, c, strict=True))) for c in combinations]


def schedule_factors(schedule, warmup, total, at):
    """Return the factor of lr at the updates `at`, numbers from 0 to `total` - 1."""
    if schedule == "one-cycle":
        top, last = (warmup or 0.3) * total - 1, total - 1
        up, down = _cosine(at / (top or 1)), _cosine((at - top) / (last - top))
        return np.where(at <= top, 1 - 0.96 * up, 4e-6 + (1 - 4e-6) * down)
    rise = int(warmup * total)
    n, t = total - rise, np.maximum(at - rise, 0)
    if schedule == "step":
        share = 0.1 ** (t // -(-n // 3))
    elif schedule == "cosine":
        share = _cosine(t / n)
    elif schedule == "linear":
        share = 1 - t / n
    else:
        parts = (1.0,) if schedule == "constant" else schedule
        share = np.array(parts)[len(parts) * t // n]
    return np.where(at < rise, (at + 1) / (rise + 1), share)


def _cosine(share):
    """Return half a cosine wave, from 1 down to 0."""
    return (1 + np.cos(np.pi * share)) / 2


def name_for_alias(name):
    """Return hpkit's name for what other libraries call `name`, or "other"."""
    alias = name.lower() if isinstance(name, str) else None
    aliases = words("elsewhere").items()
    return next((ours for ours, theirs in aliases if alias in theirs.split()), "other")


def check_name(name, own=()):
    """Return the name of a hyperparameter: one of hpkit's, or one in `own`."""
    if isinstance(name, str) and (name in NAMES or name in own):
        return str(name)
    ours = name_for_alias(name)
    key = "ours" if ours in NAMES else ours
    close = difflib.get_close_matches(str(name).lower(), NAMES, 1, 0.8)
    if ours == "other" and close:
        ours, key = close[0], "close"
    way = words("ways")[key].format(name=ours)
    raise refusal("name", name, names=", ".join(NAMES), way=way)


# Check names first, to say more than Python's "unexpected keyword argument".
_dataclass_init = Hyperparameters.__init__


@functools.wraps(_dataclass_init)
def _checked_init(self, *args, **values):
    values = {check_name(n, ("own",)): v for n, v in values.items()}
    _dataclass_init(self, *args, **values)


Hyperparameters.__init__ = _checked_init
_DEFAULT = Hyperparameters()


def stack_key(setting, of):
    """Return what runs must share to train in one stack; "network" is for hpkit's."""
    return tuple(getattr(setting, n) for n in TABLE if TABLE[n].stack == of)
