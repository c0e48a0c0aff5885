"""Controls for hyperparameters: each a label, a slider and, for numbers, a number box.

`Controls(dataset, base, names)` builds those asked for; `.setting` is what they say.
"""

from dataclasses import dataclass
from numbers import Number

import ipywidgets as W
import numpy as np

from hpkit.hyperparameters import (
    TABLE,
    check_choice,
    check_count,
    check_items,
    check_seeds,
)
from hpkit.locale import Texts

WORDS = Texts("panels.controls")
SAME, NEW = "same", "new"
STEPS_PER_DECADE = 10
MOST_SEEDS = 500  # of a panel


@dataclass
class Knob:
    """One control: what is shown, and the widget whose `value` holds."""

    box: W.Widget
    source: W.Widget
    slider: W.Widget
    read: object = lambda value: value  # widget's value -> hyperparameter's
    write: object = lambda value: value

    @property
    def value(self):
        """The hyperparameter's value."""
        return self.read(self.source.value)

    @value.setter
    def value(self, value):
        self.source.value = self.write(value)


def framed(label, slider, number=None):
    """Return label and number in a row, the slider under it."""
    slider.add_class("hp-slide")
    label = W.HTML(f"<span class='hp-name'>{label}</span>")
    row = W.HBox([label] + ([number] if number else []))
    row.add_class("hp-row")
    box = W.VBox([row, slider])
    box.add_class("hp-knob")
    return box


def number_box(kind, label, **limits):
    """Return a box to type a number in.

    A box without limits takes any number: hpkit's own checks say what is wrong with
    it, where a limit would silently make another number of it.
    """
    box = kind(**limits, description=label)
    if hasattr(box, "min"):
        label = WORDS["number"].format(label, box.min, box.max)
    box.tooltip = label
    box.add_class("hp-number")
    box.add_class("hp-named")
    return box


def slide(name):
    """Return what all sliders have in common."""
    return {"tooltip": WORDS["slider"].format(TABLE[name].knob), "readout": False}


def tie(slider, number, shown=lambda value: value):
    """Let a slider and a number box follow each other; the box may go between ticks.

    The slider stands at the tick nearest to the number. A browser says so once more,
    rounded its own way: that is no news, and what was typed stays.
    """
    by_factor = isinstance(slider, W.FloatLogSlider)

    def ticks(value):
        place = np.log10(max(value, 1e-12)) if by_factor else value
        place = min(max(place, slider.min), slider.max)
        return round((place - slider.min) / slider.step)

    def slid(change):
        if ticks(change["new"]) != ticks(number.value):
            number.value = shown(change["new"])

    def typed(change):
        if ticks(change["new"]) != ticks(slider.value):
            place = slider.min + slider.step * ticks(change["new"])
            place = min(place, slider.max)
            slider.value = type(slider.value)(10**place if by_factor else place)

    slider.observe(slid, "value")
    number.observe(typed, "value")


def log_knob(name, dataset, value):
    """Return a slider over powers of ten, tied to a number box."""
    # The ticks go through `value`: a browser moves a slider that stands between two,
    # and a run would start unasked.
    at, step = np.log10(value), 1 / STEPS_PER_DECADE
    low = at - step * max(0, np.ceil((at + 4) / step - 1e-9))
    high = at + step * max(0, np.ceil((1 - at) / step - 1e-9))
    slider = W.FloatLogSlider(value, min=low, max=high, step=step, **slide(name))
    number = number_box(W.FloatText, TABLE[name].knob, value=value, step=None)
    tie(slider, number, lambda v: float(f"{v:.2g}"))
    return Knob(framed(TABLE[name].knob, slider, number), number, slider)


def count_knob(name, dataset, value):
    """Return a slider over whole numbers, tied to a number box."""
    most = max(200, value)
    slider = W.IntSlider(value, min=1, max=most, **slide(name))
    # A box for whole numbers would drop the point of 2.5 and hand over 25.
    number = number_box(W.FloatText, TABLE[name].knob, value=value, step=1)
    tie(slider, number)
    knob = Knob(framed(TABLE[name].knob, slider, number), number, slider)
    knob.read = lambda value: int(value) if value.is_integer() else value
    return knob


def count_box(label, value, low, high, *, step=1, continuous=True, most=None):
    """Return a number box tied to a slider over whole numbers, and their box.

    The number may be typed up to `most`, default ten times the end of the slider.
    """
    high = max(high, value)
    slider = W.IntSlider(
        value, min=min(low, value), max=high, step=step, readout=False,
        continuous_update=continuous,
    )  # fmt: skip
    most = most or 10 * high
    number = number_box(W.BoundedIntText, label, value=value, min=1, max=most)
    tie(slider, number)
    return number, framed(label, slider, number)


def pick_knob(name, values, value, text=lambda v: f"{v:g}"):
    """Return a slider over a list of values; `value` joins the list."""
    values = sorted({*values, value})
    slider = W.SelectionSlider(
        options=[(text(v), v) for v in values], value=value,
        tooltip=WORDS["slider"].format(TABLE[name].knob), readout=False,
    )  # fmt: skip
    shown = W.HTML(text(value))
    slider.observe(lambda change: setattr(shown, "value", text(change["new"])), "value")
    return Knob(framed(TABLE[name].knob, slider, shown), slider, slider)


def batch_knob(name, dataset, value):
    """Return a slider over powers of two, up to all points at once."""
    most = len(dataset.train.y)
    values = [2**k for k in range(11) if 2**k < most] + [most]
    text = lambda v: WORDS["all"].format(v) if v == most else str(v)  # noqa: E731
    return pick_knob(name, values, value, text)


def width_knob(name, dataset, hidden):
    """Return a slider over the width; the number of layers stays."""
    layers = max(1, len(hidden))
    knob = pick_knob(name, TABLE[name].ticks, hidden[0] if hidden else 16, str)
    knob.read = lambda width: (width,) * layers
    knob.write = lambda hidden: hidden[0] if hidden else 16
    return knob


def choice_knob(name, dataset, value):
    """Return buttons, one a choice."""
    buttons = W.ToggleButtons(options=TABLE[name].ticks, value=value)
    return Knob(framed(TABLE[name].knob, buttons), buttons, buttons)


def given_seeds(seeds):
    """Return the seeds that a panel is given: a list of them, or how many from 0."""
    if isinstance(seeds, Number | str):
        return range(check_count("seeds", seeds, most=MOST_SEEDS, hint="try 3"))
    return check_seeds(seeds)


def seeds_from(given, count, first=0):
    """Return `count` seeds from place `first` on; the next numbers follow the given."""
    if isinstance(given, range):
        return range(first, first + count)
    more = max(given) + 1
    return (*given, *range(more, more + first + count))[first : first + count]


class SeedCount:
    """How many seeds a search takes: a number, its slider, and `box` with both."""

    def __init__(self, seeds):
        self.given = given_seeds(seeds)
        count = len(self.given)
        slider = W.IntSlider(count, min=1, max=max(10, count), readout=False)
        # A box for whole numbers would drop the point of 2.5 and hand over 25.
        self.number = number_box(W.FloatText, WORDS["seeds"], value=count, step=1)
        tie(slider, self.number)
        self.box = framed(WORDS["seeds"], slider, self.number)

    @property
    def list(self):
        """The seeds: those given, then the next numbers; checks what was typed."""
        count = self.number.value
        count = check_count("seeds", count, most=MOST_SEEDS, hint="try 3")
        return seeds_from(self.given, count)


def seed_choice():
    """Return buttons, the same seed for every run or a new one, and their row."""
    buttons = W.ToggleButtons(
        options=[SAME, NEW], tooltips=[WORDS["same_tip"], WORDS["new_tip"]]
    )
    buttons.style.button_width = "4.8em"
    row = W.HBox([W.HTML(f"<span class='hp-name'>{WORDS['seed']}</span>"), buttons])
    row.add_class("hp-row")
    return buttons, row


BUILD = {
    "powers": log_knob,
    "batch": batch_knob,
    "count": count_knob,
    "ticks": lambda name, _, value: pick_knob(name, TABLE[name].ticks, value),
    "width": width_knob,
    "choice": choice_knob,
}
assert {facts.control for facts in TABLE.values()} <= set(BUILD), "an unknown control"


class Controls:
    """The controls of some hyperparameters; the others keep the value in `base`."""

    def __init__(self, dataset, base, names):
        hint = 'write controls=("lr", "epochs")'
        names = (names,) if isinstance(names, str) else names
        names = check_items("controls", names, hint=hint, empty=True, of="names")
        for name in names:
            check_choice("controls", name, tuple(TABLE))
        self.base = base
        self.knobs = {
            n: BUILD[TABLE[n].control](n, dataset, getattr(base, n)) for n in names
        }
        self.box = W.VBox([knob.box for knob in self.knobs.values()])

    def __getitem__(self, name):
        """Return one control."""
        return self.knobs[name]

    @property
    def setting(self):
        """The setting that the controls show."""
        return self.base.but(**{n: knob.value for n, knob in self.knobs.items()})

    @setting.setter
    def setting(self, setting):
        for name, knob in self.knobs.items():
            knob.value = getattr(setting, name)

    def observe(self, changed):
        """Call `changed()` whenever a value changes."""
        for knob in self.knobs.values():
            knob.source.observe(changed, "value")

    @property
    def continuous(self):
        """Whether sliders tell every place they pass, not only where they stop."""
        return all(
            getattr(k.slider, "continuous_update", True) for k in self.knobs.values()
        )

    @continuous.setter
    def continuous(self, on):
        for knob in self.knobs.values():
            if hasattr(knob.slider, "continuous_update"):
                knob.slider.continuous_update = on
