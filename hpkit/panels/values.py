"""`Entry`: which hyperparameter to search and its values, as a learner writes them.

Also where values stand on an axis (`places`).
"""

import re

import ipywidgets as W
import numpy as np

from hpkit.panels.controls import CHOICES, NAMES
from hpkit.panels.parts import named, say
from hpkit.panels.runlist import text_of
from hpkit.space import check_list

WORDS = {
    "values": "values to try",
    "which_tip": "The hyperparameter that is searched",
    "values_tip": "A list such as 0.01, 0.1, 1, or: 0.001 to 10 in 9",
    "way_out": "values must be a list such as 0.01, 0.1, 1, or a range such as "
    "0.001 to 10 in 9, got {!r}; write one of these",
}
DEFAULTS = {
    "lr": "0.0001 to 10 in 11",
    "batch_size": "4, 8, 16, 32, 64, 128",
    "epochs": "5, 10, 20, 40, 80",
    "momentum": "0, 0.5, 0.8, 0.9, 0.95",
    "weight_decay": "0, 0.0001, 0.001, 0.01, 0.1",
    "optimizer": "sgd, adam",
    "hidden": "2, 4, 8, 16, 32, 64",
    "activation": "relu, tanh",
}
BY_FACTOR = ("lr", "weight_decay", "batch_size", "hidden")
WHOLE = ("batch_size", "epochs", "hidden")
FULL = "calc(100% - 4px)"


def parse_values(name, text, layers=2):
    """Return the values of a hyperparameter that a learner wrote.

    Parameters
    ----------
    name : str
    text : str
        "0.01, 0.1, 1" or "0.001 to 10 in 9" (by equal factors for `BY_FACTOR`).
    layers : int
        Hidden layers of one width.

    Returns
    -------
    tuple
    """
    if name in CHOICES:
        return check_list(name, [part.strip() for part in text.split(",")])
    try:
        span = re.fullmatch(r"\s*(\S+)\s+to\s+(\S+)\s+in\s+(\d+)\s*", text)
        if span:
            low, high, count = float(span[1]), float(span[2]), int(span[3])
            between = np.geomspace if name in BY_FACTOR else np.linspace
            values = [float(f"{v:.2g}") for v in between(low, high, count)]
        else:
            values = [float(part) for part in text.split(",") if part.strip()]
    except ValueError:
        raise ValueError(WORDS["way_out"].format(text)) from None
    if name in WHOLE:
        values = list(dict.fromkeys(max(1, round(v)) for v in values))
    if name == "hidden":
        values = [(v,) * layers for v in values]
    return check_list(name, values)


def written(values):
    """Return values as a learner would write them."""
    return values if isinstance(values, str) else ", ".join(map(text_of, values))


def places(values):
    """Return where values stand on an axis, and the ticks there as {place: text}.

    Positive numbers over a wide span by their logarithm, other numbers as they are,
    anything else one after the other.
    """
    flat = [v[0] if isinstance(v, tuple) and v else v for v in values]
    numbers = all(isinstance(v, int | float) for v in flat)
    if not numbers or (min(flat) == 0 and max(flat) < 1):
        at = np.arange(len(flat), dtype=float)
    elif min(flat) > 0 and max(flat) / min(flat) >= 8:
        at = np.log10(flat)
        if at.max() - at.min() >= 3:  # powers of ten say it with less ink
            tens = np.arange(np.ceil(at.min() - 1e-9), np.floor(at.max() + 1e-9) + 1)
            return at, {float(k): f"{10.0**k:g}" for k in tens}
    else:
        at = np.array(flat, float)
    return at, {float(f"{a:.4g}"): text_of(v) for a, v in zip(at, flat, strict=True)}


class Entry:
    """A choice of a hyperparameter and a box for its values."""

    def __init__(self, name, values, layers):
        self.layers = layers
        self.which = W.Dropdown(
            options=[(label, name) for name, label in NAMES.items()], value=name
        )
        named(self.which, WORDS["which_tip"])
        self.text = W.Text(written(values), continuous_update=False)
        named(self.text, WORDS["values_tip"])
        self.which.layout.width = self.text.layout.width = FULL
        label = say(f"<span class='hp-name'>{WORDS['values']}</span>")
        self.frame = W.VBox([label, self.which, self.text])
        self.frame.add_class("hp-knob")

    @property
    def name(self):
        """The hyperparameter."""
        return self.which.value

    @property
    def values(self):
        """The values to try, checked."""
        return parse_values(self.name, self.text.value, self.layers)
