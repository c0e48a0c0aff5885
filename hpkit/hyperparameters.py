"""Hyperparameters: one setting, checked when it is made, and the checks of arguments.

`TABLE` says of each hyperparameter what the engine, searches, sentences, charts and
panels need to know of it. Whatever a caller hands over is either taken or refused in
one sentence of three parts: the rule, the value, the way out. Nothing here trains or
draws, and nothing here needs torch.
"""

import functools
import math
import numbers
import reprlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from itertools import islice

OPTIMIZERS = ("sgd", "adam", "rmsprop")
ACTIVATIONS = ("relu", "tanh")


@dataclass(frozen=True)
class Hyperparameters:
    """All that is set before training starts and that training leaves alone.

    Parameters
    ----------
    lr : float, > 0, default 0.01
        Learning rate: the length of a step against the gradient.
    batch_size : int, >= 1, default 32
        Points looked at before each update of the weights.
    epochs : int, >= 1, default 30
        Passes over the training data.
    momentum : float, 0 <= momentum < 1, default 0
        Share of the last step that is added to the next one. For SGD and
        RMSprop; Adam has its own (0.9 and 0.999, as in PyTorch) and does not
        read it.
    weight_decay : float, >= 0, default 0
        L2 strength: how strongly each update pulls the weights to zero.
    optimizer : {"sgd", "adam", "rmsprop"}, default "sgd"
    hidden : tuple of int, default (16, 16)
        Units of each hidden layer; () is a network without hidden layers.
    activation : {"relu", "tanh"}, default "relu"
    dropout : float, 0 <= dropout < 1, default 0
        Share of the hidden units that each batch leaves out, others for every
        point; what stays is divided by 1 - dropout, as by ``torch.nn.Dropout``.

    Raises
    ------
    ValueError, TypeError
        The rule that was broken, the value found, and the way out.

    Notes
    -----
    Updates are those of ``torch.optim.SGD``, ``Adam`` and ``RMSprop`` (alpha 0.99).
    Reference: Goodfellow, Bengio, Courville, Deep Learning (2016), 5.3 for
    hyperparameters, 7.12 for dropout, 8.3 and 8.5 for the optimizers.

    Examples
    --------
    >>> base = Hyperparameters(lr=0.1)
    >>> base.but(lr=0.3).lr, base.batch_size
    (0.3, 32)
    """

    lr: float = 0.01
    batch_size: int = 32
    epochs: int = 30
    momentum: float = 0.0
    weight_decay: float = 0.0
    optimizer: str = "sgd"
    hidden: tuple[int, ...] = (16, 16)
    activation: str = "relu"
    dropout: float = 0.0

    def __post_init__(self):
        """Check every value and store it as a plain Python number or text."""
        for name in NAMES:
            object.__setattr__(self, name, check_value(name, getattr(self, name)))

    def but(self, **changes):
        """Return the same setting with some values changed.

        Parameters
        ----------
        **changes
            New values by name, such as ``lr=0.1``.

        Returns
        -------
        Hyperparameters
        """
        return replace(self, **changes)


NAMES = tuple(field.name for field in fields(Hyperparameters))
# Names that other libraries use: what hpkit calls it, or how hpkit does it.
ELSEWHERE = {
    **dict.fromkeys(("learning_rate", "learning_rate_init", "eta", "alpha"), "lr"),
    **dict.fromkeys(("n_epochs", "num_epochs", "max_epochs", "max_iter"), "epochs"),
    **dict.fromkeys(("batch", "batchsize", "bs", "minibatch_size"), "batch_size"),
    **dict.fromkeys(("l2", "wd", "decay", "weight_decay_rate"), "weight_decay"),
    **dict.fromkeys(("hidden_layer_sizes", "hidden_sizes", "layers"), "hidden"),
    **dict.fromkeys(("solver", "optim"), "optimizer"),
    **dict.fromkeys(("activation_function", "nonlinearity"), "activation"),
    **dict.fromkeys(("dropout_rate", "drop_rate"), "dropout"),
    **dict.fromkeys(("n_iter", "num_samples"), "n_trials, in random_search"),
    **dict.fromkeys(("seed", "random_state"), "seeds, as in seeds=range(3)"),
    "n_jobs": "executor, as in executor=loky.get_reusable_executor()",
    "verbose": "progress, as in progress=True",
}
WAYS = {
    **dict.fromkeys(
        ("param_grid", "param_distributions", "space", "params"),
        "write each list by its name, such as lr=[0.01, 0.1]",
    ),
    **dict.fromkeys(
        ("early_stopping", "patience", "n_iter_no_change"),
        "every run is ranked by its best epoch; hpkit.PatiencePanel shows where early "
        "stopping would end it",
    ),
    **dict.fromkeys(
        ("cv", "scoring", "n_splits"),
        "settings are ranked by the loss on the validation split of the data set",
    ),
    "resume": "a search ends with what it has when you interrupt it; save() keeps it",
}


def check_name(name):
    """Return `name` if it is a hyperparameter's, else raise."""
    if isinstance(name, str) and name in NAMES:
        return str(name)
    known = name.lower() if isinstance(name, str) else None
    way = f"hpkit calls it {ELSEWHERE[known]}" if known in ELSEWHERE else None
    raise refused(
        f"a hyperparameter must be one of {', '.join(NAMES)}",
        name, way or WAYS.get(known, "check the spelling"),
    )  # fmt: skip


# Before Python itself can say "unexpected keyword argument".
_make = Hyperparameters.__init__


@functools.wraps(_make)
def _checked_make(self, *args, **values):
    _make(self, *args, **{check_name(name): value for name, value in values.items()})


Hyperparameters.__init__ = _checked_make


# ---- checks of arguments -----------------------------------------------------------

_short = reprlib.Repr()
_short.maxstring = _short.maxother = _short.maxlong = 60
LAST = 2**63 - 1  # the largest seed
MANY = 10_000  # values of a list, seeds
WIDEST = 10_000  # units of a layer
DEEPEST = 100  # layers


def brief(value):
    """Return a value of any kind in one short line, never an error."""
    try:
        if getattr(value, "shape", None) == () and hasattr(value, "item"):
            value = value.item()  # np.float64(0.1) is read as 0.1
        if isinstance(value, float) and float(f"{value:g}") == value:
            return f"{value:g}"
        return " ".join(_short.repr(value).split())
    except Exception:  # a number of 5,000 digits has no text
        return f"a value of type {type(value).__name__}"


def refused(rule, value, way_out, *, kind=ValueError):
    """Return the error that refuses a value: its rule, the value, the way out."""
    return kind(f"{rule}, got {brief(value)}; {way_out}.")


def check_value(name, value):
    """Return `value` of hyperparameter `name` as a plain value, or raise."""
    return TABLE[check_name(name)].check(name, value)


def check_setting(setting, name="setting", *, default=None):
    """Return the setting, or the default in place of None."""
    if setting is None and default is not None:
        return default
    if not isinstance(setting, Hyperparameters):
        way = "write hpkit.Hyperparameters(lr=0.1)"
        if isinstance(setting, Mapping):
            way = f"write lr=[0.1] to search it, or {way[6:]} to set it"
        raise refused(f"{name} must be Hyperparameters", setting, way, kind=TypeError)
    return setting


def check_number(name, value, *, low, strict=False, below=math.inf, hint):
    """Return a finite float with low <= value < below (low < value if strict)."""
    rule = f"{name} must be {'>' if strict else '>='} {low:g}"
    if low == -math.inf:
        rule = f"{name} must be finite"
    if below < math.inf:
        rule += f" and < {below:g}"
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise refused(f"{rule} and a number", value, hint, kind=TypeError)
    try:
        number = float(value) + 0.0  # no -0
    except OverflowError:
        number = math.inf
    inside = low < number < below if strict else low <= number < below
    if not inside or not math.isfinite(number):
        raise refused(rule, value, hint)
    return number


def check_count(name, value, *, low=1, most=10**9, hint):
    """Return a whole number, low <= value <= most, as int."""
    rule = f"{name} must be a whole number >= {low}"
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise refused(rule, value, hint, kind=TypeError)
    try:
        count = int(value)
    except (OverflowError, ValueError):  # inf, nan
        count = low - 1
    if count != value or count < low:
        raise refused(rule, value, hint)
    if count > most:
        end = "2**63 - 1" if most == LAST else f"{most:,}"
        raise refused(f"{name} must be at most {end}", value, hint)
    return count


def check_seed(name, value, *, most=LAST):
    """Return a seed as int."""
    return check_count(name, value, low=0, most=most, hint="try 0")


def check_flag(name, value, hint="leave it out"):
    """Return True or False."""
    if not isinstance(value, bool):
        raise refused(f"{name} must be True or False", value, hint, kind=TypeError)
    return value


def check_text(name, value, hint):
    """Return a text."""
    if not isinstance(value, str):
        raise refused(f"{name} must be a text in quotes", value, hint, kind=TypeError)
    return value


def check_choice(name, value, choices):
    """Return `value` if it is one of the choices."""
    if not isinstance(value, str) or value not in choices:
        rule = f"{name} must be one of {', '.join(map(repr, choices))}"
        raise refused(rule, value, "choose one of these")
    return str(value)


def check_items(name, values, *, hint, empty=False, most=MANY, of="values"):
    """Return the members of a list, or of whatever else holds some, as a tuple."""
    rule = f"{name} must be a list of {of}"
    try:
        if isinstance(values, str | bytes | bytearray | Mapping):
            raise TypeError
        members = iter(values)
    except TypeError:
        raise refused(rule, values, hint, kind=TypeError) from None
    items = tuple(islice(members, most + 1))
    if not items and not empty:
        raise ValueError(f"{rule}, at least one, got none; {hint}.")
    if len(items) > most:
        raise ValueError(f"{rule}, at most {most:,}, got more; {hint}.")
    return items


def check_hidden(name, value):
    """Return the units of the hidden layers as a tuple of ints."""
    hint = "write (16, 16) for two hidden layers of 16 units"
    if isinstance(value, numbers.Real):
        value = (value,)
    items = check_items(name, value, hint=hint, empty=True, most=DEEPEST, of="numbers")
    return tuple(check_count(name, n, most=WIDEST, hint=hint) for n in items)


def check_seeds(seeds):
    """Return seeds as a tuple of different ints, at least one."""
    hint = "write seeds=range(3) for three repeats"
    items = check_items("seeds", seeds, hint=hint, of="whole numbers")
    seeds = tuple(
        check_count("a seed", seed, low=0, most=LAST, hint=hint) for seed in items
    )
    if len(set(seeds)) < len(seeds):
        way = f"the same seed gives the same run, so {hint}"
        raise refused("seeds must differ", list(seeds), way)
    return seeds


# ---- the table ---------------------------------------------------------------------


@dataclass(frozen=True)
class Facts:
    """What hpkit knows of a hyperparameter.

    label, short : in a sentence or on an axis, and at the head of a column
    legend : a value in few words, beside a curve
    kind : "number", "count" (a whole number), "choice" or "units" (of hidden layers)
    check : function (name, value) that returns a plain value or raises
    usual : the values that a panel begins with, as a learner writes them
    control : what sets it in a panel, one of `panels.controls.BUILD`
    ticks : the values of its slider, or the choices
    by_factor : whether a range of values goes by equal factors
    knob : its label in panels, where it is another one
    loop, network : function of the value in which the runs of a stack agree, of any
        network or of hpkit's own; without either each run has its own value
    """

    label: str
    short: str
    legend: str
    kind: str
    check: Callable
    usual: str
    control: str
    ticks: tuple = ()
    by_factor: bool = False
    knob: str = ""
    loop: Callable | None = None
    network: Callable | None = None


def _same(value):
    """Return the value."""
    return value


def _number(hint, **limits):
    """Return the check of a number from 0 on."""
    return functools.partial(check_number, low=0, hint=hint, **limits)


def _count(hint, **limits):
    """Return the check of a whole number."""
    return functools.partial(check_count, hint=hint, **limits)


def _choice(label, short, choices, **more):
    """Return the facts of a choice."""
    check = functools.partial(check_choice, choices=choices)
    usual = ", ".join(choices)
    return Facts(label, short, "{}", "choice", check, usual, "choice", choices, **more)


TABLE = {
    "lr": Facts(
        "learning rate", "lr", "lr {}", "number",
        _number("for SGD here try 0.001 to 1", strict=True),
        "0.0001 to 10 in 11", "powers", by_factor=True,
    ),
    "batch_size": Facts(
        "batch size", "batch", "batch {}", "count",
        _count("try 8, 16, 32, 64 or 128"),
        "4, 8, 16, 32, 64, 128", "batch", by_factor=True, loop=_same,
    ),
    "epochs": Facts(
        "epochs", "epochs", "{} epochs", "count",
        _count("try 10 to 100", most=10**6),
        "5, 10, 20, 40, 80", "count",
    ),
    "momentum": Facts(
        "momentum", "momentum", "momentum {}", "number",
        _number("try 0, 0.5 or 0.9", below=1),
        "0, 0.5, 0.8, 0.9, 0.95", "ticks", (0.0, 0.5, 0.8, 0.9, 0.95, 0.99),
    ),
    "weight_decay": Facts(
        "weight decay", "decay", "decay {}", "number",
        _number("try 0 or 0.0001 to 0.1"),
        "0, 0.0001, 0.001, 0.01, 0.1", "ticks",
        (0.0, 1e-5, 1e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1), by_factor=True,
    ),
    "optimizer": _choice("optimizer", "optim.", OPTIMIZERS, loop=_same),
    "hidden": Facts(
        "hidden layers", "hidden", "hidden {}", "units", check_hidden,
        "2, 4, 8, 16, 32, 64", "width", (2, 4, 8, 16, 32, 64, 128),
        by_factor=True, knob="width of hidden layers", network=_same,
    ),
    "activation": _choice("activation", "activation", ACTIVATIONS, network=_same),
    "dropout": Facts(
        "dropout", "dropout", "dropout {}", "number",
        _number("try 0, 0.2 or 0.5", below=1),
        "0, 0.1, 0.2, 0.3, 0.5", "ticks",
        (0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8),
        network=bool,  # without it nothing is drawn
    ),
}  # fmt: skip
# The order is that of the class; a name that one of them lacks is found at import.
assert tuple(TABLE) == NAMES, (
    f"Hyperparameters and TABLE differ: {set(TABLE) ^ {*NAMES}}"
)


def agreed(setting, of):
    """Return that in which the runs of a stack agree, of a "loop" or a "network"."""
    keys = ((name, getattr(facts, of)) for name, facts in TABLE.items())
    return tuple(key(getattr(setting, name)) for name, key in keys if key)
