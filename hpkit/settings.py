"""Hyperparameters: one setting, checked when it is made.

Nothing here trains or draws, and nothing here needs torch.
"""

import math
import numbers
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace

OPTIMIZERS = ("sgd", "adam")
ACTIVATIONS = ("relu", "tanh")


@dataclass(frozen=True)
class Hyperparameters:
    """All that is set before training starts and stays fixed during it.

    Parameters
    ----------
    lr : float, > 0, default 0.01
        Learning rate: the length of a step against the gradient.
    batch_size : int, >= 1, default 32
        Points looked at before each update of the weights.
    epochs : int, >= 1, default 30
        Passes over the training data.
    momentum : float, 0 <= momentum < 1, default 0
        Share of the last step that is added to the next one. For SGD; Adam
        has its own (0.9 and 0.999, as in PyTorch) and does not read it.
    weight_decay : float, >= 0, default 0
        L2 strength: how strongly each update pulls the weights to zero.
    optimizer : {"sgd", "adam"}, default "sgd"
    hidden : tuple of int, default (16, 16)
        Units of each hidden layer; () is a network without hidden layers.
    activation : {"relu", "tanh"}, default "relu"

    Raises
    ------
    ValueError, TypeError
        The rule that was broken, the value found, and the way out.

    Notes
    -----
    Updates are those of ``torch.optim.SGD`` and ``torch.optim.Adam``.
    Reference: Goodfellow, Bengio, Courville, Deep Learning (2016), 5.3 for
    hyperparameters, 8.3 and 8.5 for the optimizers.

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
        for name in changes:
            check_name(name)
        return replace(self, **changes)


NAMES = tuple(field.name for field in fields(Hyperparameters))


def check_name(name):
    """Return `name` if it is a hyperparameter's, else raise."""
    if name not in NAMES:
        raise ValueError(
            f"a hyperparameter must be one of {', '.join(NAMES)}, got {name!r}; "
            "check the spelling."
        )
    return name


def check_value(name, value):
    """Return `value` of hyperparameter `name` as a plain value, or raise."""
    return CHECKS[check_name(name)](name, value)


def check_number(name, value, *, low, strict=False, below=math.inf, hint):
    """Return a finite float with low <= value < below (low < value if strict)."""
    rule = f"{name} must be {'>' if strict else '>='} {low:g}"
    if below < math.inf:
        rule += f" and < {below:g}"
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{rule} and a number, got {value!r}; {hint}.")
    value = float(value)
    inside = low < value < below if strict else low <= value < below
    if not inside or not math.isfinite(value):
        raise ValueError(f"{rule}, got {value:g}; {hint}.")
    return value


def check_count(name, value, *, low=1, hint):
    """Return a whole number >= low as int."""
    rule = f"{name} must be a whole number >= {low}"
    whole = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not whole:
        raise TypeError(f"{rule}, got {value!r}; {hint}.")
    if not math.isfinite(value) or value != int(value) or value < low:
        raise ValueError(f"{rule}, got {value!r}; {hint}.")
    return int(value)


def check_choice(name, value, choices):
    """Return `value` if it is one of the choices."""
    if not isinstance(value, str) or value not in choices:
        raise ValueError(
            f"{name} must be one of {', '.join(map(repr, choices))}, got {value!r}; "
            "choose one of these."
        )
    return value


def check_hidden(name, value):
    """Return the units of the hidden layers as a tuple of ints."""
    hint = "write (16, 16) for two hidden layers of 16 units"
    if isinstance(value, numbers.Real):
        value = (value,)
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise TypeError(f"{name} must be a tuple of numbers, got {value!r}; {hint}.")
    return tuple(check_count(name, units, hint=hint) for units in value)


def check_seeds(seeds):
    """Return seeds as a tuple of different ints, at least one."""
    hint = "write seeds=range(3) for three repeats"
    if isinstance(seeds, str) or not isinstance(seeds, Iterable):
        rule = "seeds must be a list of whole numbers"
        raise TypeError(f"{rule}, got {seeds!r}; {hint}.")
    seeds = tuple(check_count("a seed", seed, low=0, hint=hint) for seed in seeds)
    if not seeds:
        raise ValueError(f"seeds must hold at least one number, got none; {hint}.")
    if len(set(seeds)) < len(seeds):
        raise ValueError(
            f"seeds must differ, got {list(seeds)}; the same seed gives the same run, "
            f"so {hint}."
        )
    return seeds


CHECKS = {
    "lr": lambda name, value: check_number(
        name, value, low=0, strict=True, hint="for SGD here try 0.001 to 1"
    ),
    "batch_size": lambda name, value: check_count(
        name, value, hint="try 8, 16, 32, 64 or 128"
    ),
    "epochs": lambda name, value: check_count(name, value, hint="try 10 to 100"),
    "momentum": lambda name, value: check_number(
        name, value, low=0, below=1, hint="try 0, 0.5 or 0.9"
    ),
    "weight_decay": lambda name, value: check_number(
        name, value, low=0, hint="try 0 or 0.0001 to 0.1"
    ),
    "optimizer": lambda name, value: check_choice(name, value, OPTIMIZERS),
    "hidden": check_hidden,
    "activation": lambda name, value: check_choice(name, value, ACTIVATIONS),
}
