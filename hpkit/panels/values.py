"""`Entry`: which hyperparameter to search and its values, as a learner writes them."""

import html
import re

import ipywidgets as W
import numpy as np

from hpkit.hyperparameters import TABLE
from hpkit.locale import Texts
from hpkit.panels.parts import named, row, say
from hpkit.search.space import check_list
from hpkit.text import shown

WORDS = Texts("panels.values")
DEFAULTS = {name: facts.usual for name, facts in TABLE.items()}
WHOLE = ("count", "units")
FULL = "calc(100% - 4px)"
MOST = 100  # values
SHORT = 26  # characters that the box shows at once


def parse_values(name, text, layers=2):
    """Return the values of a hyperparameter that a learner wrote.

    Parameters
    ----------
    name : str
    text : str
        "0.01, 0.1, 1" or "0.001 to 10 in 9" (by equal factors where `TABLE` says so);
        hidden layers of several widths as "16-8, 32-16".
    layers : int
        Hidden layers of one width.

    Returns
    -------
    tuple
    """
    kind = TABLE[name].kind
    parts = re.split(r"[,;\uff0c\u3001\s]+", text.strip(" ,;"))
    if kind == "choice":
        return check_list(name, parts)
    try:
        if shapes := kind == "units" and "-" in text:
            widths = (filter(None, part.split("-")) for part in parts)
            values = [tuple(map(int, each)) for each in widths]
        elif parts[1::2] == ["to", "in"]:
            values = between(name, float(parts[0]), float(parts[2]), int(parts[4]))
        else:
            values = list(map(float, parts))
    except (ValueError, IndexError):
        raise ValueError(WORDS["way_out"].format(text)) from None
    if len(values) > MOST:
        raise ValueError(WORDS["many"].format(MOST, parts[-1]))
    if shapes:
        return check_list(name, values)
    if kind in WHOLE:
        values = list(dict.fromkeys(max(1, round(v)) for v in values))
    if kind == "units":
        values = [(v,) * layers for v in values]
    return check_list(name, values)


def usual(name, dataset, lists=DEFAULTS):
    """Return the values to begin with; no batch is larger than the data."""
    text, most = lists[name], len(dataset.train.y)
    sizes = list(map(int, text.split(","))) if name == "batch_size" else []
    if not sizes or sizes[-1] <= most:
        return text
    return written([*(size for size in sizes if size < most), most])


def between(name, low, high, count):
    """Return numbers from `low` to `high`, inside rounded; a few too many at most."""
    by_factor = TABLE[name].by_factor and min(low, high) > 0
    spaced = np.geomspace if by_factor else np.linspace
    values = spaced(low, high, min(count, MOST + 1))
    digits = 4 if TABLE[name].kind in WHOLE or not by_factor else 2
    return [low, *(float(f"{v:.{digits}g}") for v in values[1:-1]), high][:count]


def written(values):
    """Return values as a learner would write them; `parse_values` reads them back."""
    return values if isinstance(values, str) else ", ".join(map(exact, values))


def exact(value):
    """Return a value as text with nothing rounded off."""
    if isinstance(value, tuple):
        return "-".join(map(str, value)) + "-" * (len(value) < 2)
    whole = not isinstance(value, float) or float(shown(value)) == value
    return shown(value) if whole else repr(value)


class Entry:
    """A choice of a hyperparameter, a box for its values, and what they come to."""

    def __init__(self, name, values, layers):
        self.layers, self.right = layers, ""
        self.which = W.Dropdown(
            options=[(facts.knob, name) for name, facts in TABLE.items()], value=name
        )
        named(self.which, WORDS["which_tip"])
        if not isinstance(values, str):
            values = check_list(name, values)
        self.text = W.Text(written(values), continuous_update=False)
        named(self.text, WORDS["values_tip"])
        self.which.layout = W.Layout(
            flex="1 1 0", width="auto", min_width="0", margin="2px 2px 2px 8px"
        )
        self.text.layout.width = FULL
        self.label, self.note = say(), say("", "hp-muted")
        self.called(WORDS["values"])
        head = row(self.label, self.which, name="hp-row")
        self.frame = W.VBox([head, self.text, self.note])
        self.frame.add_class("hp-knob")
        for widget in (self.which, self.text):
            widget.observe(self._count, "value")
        self._count()

    def called(self, label):
        """Name the values."""
        self.label.value = f"<span class='hp-name'>{label}</span>"

    def _count(self, _=None):
        """Say below the box how many values they are, or what is wrong with them."""
        self.wrong = None
        try:
            values = self.values
        except (ValueError, TypeError) as error:
            self.wrong = str(error)
            said = f"<div role='alert' class='hp-wrong'>{html.escape(self.wrong)}</div>"
            # Over what is below, which keeps its place.
            self.note.value = f"{said}<span class='hp-was'>{self.right}</span>"
            return
        count = WORDS["one"] if len(values) < 2 else WORDS["count"].format(len(values))
        text = self.text.value
        plain = len(text) <= SHORT and text.split(", ") == list(map(shown, values))
        self.right = count if plain else f"{count}: {written(values)}"
        self.note.value = self.right

    @property
    def name(self):
        """The hyperparameter."""
        return self.which.value

    @property
    def values(self):
        """The values to try, checked."""
        return parse_values(self.name, self.text.value, self.layers)
