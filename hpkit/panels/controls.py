"""What a learner acts on: charts on the page, sliders, number boxes, lists, a guess.

`LiveCharts` shows charts side by side, drawn by chart.js. `Controls(dataset, base,
names)` has a control for each hyperparameter; `.setting` holds their values. In an
`Entry` a learner chooses a hyperparameter and types the values to search. `Guess` asks
a question before the result; its answer may be a curve (`Drawing`).
"""

import ast
import html
import re
from functools import partial
from numbers import Number
from pathlib import Path

import anywidget
import ipywidgets as W
import numpy as np
import traitlets

from hpkit import hyperparameters as hyper
from hpkit.charts.runs import round_up
from hpkit.charts.spec import Axis, Chart, css, line, state
from hpkit.hyperparameters import TABLE, USUAL
from hpkit.locale import Texts
from hpkit.panels.parts import html_widget, label_widget, named, row
from hpkit.search.space import check_list
from hpkit.text import value_text

WORDS = Texts("panels.controls")
GUESS_WORDS, _PART_WORDS = Texts("panels.guess"), Texts("panels.parts")
MOST_SEEDS = 500  # of a panel
QUICK = 0.5  # seconds: trainings that take less follow the sliders
_MOST_VALUES = 100
_WHOLE = ("count", "units")  # kinds of hyperparameters whose values are whole numbers

_PACKAGE = Path(__file__).parents[1]
_PATHS = "charts/reach.js", "charts/chart.js", "panels/panel.js"
_SOURCE = "".join((_PACKAGE / path).read_text("utf-8") for path in _PATHS)
SCRIPT = re.sub("^import .*\n", "", _SOURCE, flags=re.M)  # anywidget loads one file
STYLE = css(".hpc") + (_PACKAGE / "charts/chart.css").read_text(encoding="utf-8")


class LiveCharts(anywidget.AnyWidget):
    """Shows charts (`charts`) side by side, and reports clicks and drawings on them."""

    # One widget for all charts of a panel: charts and sentence change in the same frame
    # of the browser, and the page loads the script once. What changed, a chart's spec
    # ("c0") or a mark's numbers ("c0m1"), is sent as state, but is not a trait: the
    # front end accepts unknown keys, and a page opened later gets all of them.
    # `calls` maps the name of a mark's `click` or `draw` to a function of (index) or
    # (heights). They run in the thread of widget messages, so they may need a lock.
    # As attributes of the instance, anywidget would send these two twice.
    _esm = traitlets.Unicode(SCRIPT).tag(sync=True)
    _css = traitlets.Unicode(STYLE).tag(sync=True)

    def __init__(self, widths=(1,), *, calls=()):
        self.charts, self.calls, self._changed = [], dict(calls), set()
        self._state = {"widths": list(widths), "sentence": "", "picture": 0}
        self._state["words"] = {name: _PART_WORDS[name] for name in ("slider", "table")}
        super().__init__()
        self.on_msg(self._on_message)

    def show(self, charts, *, sentence=None):
        """Draw charts and a sentence (HTML) below; only changes are sent."""
        # Screen readers say the sentence. During a training it may change with each
        # picture; an element with aria-live="off" around it keeps it silent.
        self.charts, new = list(charts), state(charts)
        if sentence is not None:
            new["sentence"] = sentence
        keys = self._changed | {k for k, v in new.items() if self._state.get(k) != v}
        if keys:
            new["picture"] = self._state["picture"] + 1  # makes chart.js draw
            self._state, self._changed = self._state | new, set()
            self.send_state({*keys, "picture"})

    def get_state(self, key=None, drop_defaults=False):
        """Return the state for the front end: traits and what is shown."""
        if key is None:  # dropping defaults would drop the script
            return super().get_state() | self._state
        keys = {key} if isinstance(key, str) else set(key)
        shown = {name: self._state[name] for name in keys & self._state.keys()}
        return super().get_state(keys - self._state.keys(), drop_defaults) | shown

    def _on_message(self, _, content, buffers):
        """Pass on what a learner did, perhaps to a chart that has changed meanwhile."""
        if content["type"] == "draw":
            # The page has changed these numbers itself: `show` must send them again.
            self._changed.add(f"c{content['chart']}m{content['mark']}")
        if call := self.calls.get(content["name"]):
            call(content["value"])


class _Knob(W.VBox):
    """One control below its label; its value is that of the widget `source`."""

    # `choices(value)` returns the options of a list together with a new value.

    def __init__(self, label, slider, *beside, source=None, choices=None):
        self.slider, self.source, self.choices = slider, source or slider, choices
        head = row(label_widget(label), *beside, name="hp-row")
        super().__init__([head, slider.add_class("hp-slide")])
        self.add_class("hp-knob")

    @property
    def value(self):
        return self.source.value

    @value.setter
    def value(self, value):
        if self.choices and value not in [other for _, other in self.source.options]:
            self.source.options = self.choices(value)
        self.source.value = value


def with_box(label, value, slider, check):
    """Return a `_Knob` of a slider and a `_CheckedBox` that follow each other."""
    # The box also takes numbers between the ticks of the slider and beyond its ends;
    # the slider moves to the nearest tick. The browser reports that move back, rounded
    # its own way: the tick is the same, so what was typed stays.
    by_factor = isinstance(slider, W.FloatLogSlider)
    step = 1 if isinstance(slider, W.IntSlider) else None
    box = named(_CheckedBox(value, check, step), label).add_class("hp-number")

    def tick(number):
        place = np.log10(max(number, 1e-12)) if by_factor else number
        place = min(max(place, slider.min), slider.max)
        return round((place - slider.min) / slider.step)

    def on_slide(change):
        value = change["new"]
        if tick(value) != tick(box.value):
            box.value = float(f"{value:.2g}") if by_factor else round(value, 4)

    def on_type(change):
        if tick(change["new"]) != tick(slider.value):
            place = min(slider.min + slider.step * tick(change["new"]), slider.max)
            slider.value = type(slider.value)(10**place if by_factor else place)

    slider.observe(on_slide, "value")
    box.observe(on_type, "value")
    return _Knob(label, slider, box, source=box)


def _slider_options(name):
    return {"tooltip": WORDS["slider"].format(TABLE[name].knob), "readout": False}


def log_knob(name, dataset, value):
    """Return a slider over powers of ten, tied to a number box."""
    # One tick is exactly at `value`: a browser would move a slider that stands between
    # two, and so start a run that nobody asked for.
    exponent, step = np.log10(value), 0.1
    low = exponent - step * max(0, np.ceil((exponent + 4) / step - 1e-9))
    high = exponent + step * max(0, np.ceil((1 - exponent) / step - 1e-9))
    options = {"readout_format": ".2g", **_slider_options(name)}
    slider = W.FloatLogSlider(value, min=low, max=high, step=step, **options)
    return with_box(TABLE[name].knob, value, slider, partial(TABLE[name].check, name))


def _count_knob(name, dataset, value):
    slider = W.IntSlider(value, min=1, max=max(200, value), **_slider_options(name))
    return with_box(TABLE[name].knob, value, slider, partial(TABLE[name].check, name))


def count_box(label, value, low, high, *, most=None, **options):
    """Return a slider over whole numbers, tied to a number box."""
    # Numbers up to `most` can be typed, by default ten times the end of the slider.
    low, high = min(low, value), max(high, value)
    most, name = most or 10 * high, label.split(",")[0]
    hint = WORDS["between"].format(most)
    slider = W.IntSlider(value, min=low, max=high, readout=False, **options)
    check = partial(hyper.check_count, name, most=most, hint=hint)
    knob = with_box(label, value, slider, check)
    knob.source.tooltip = WORDS["number"].format(label, 1, most)
    return knob


class _Checked(traitlets.TraitType):
    """Accepts what its box may hold; otherwise the box shows its old value again."""

    default_value = 1

    def validate(self, box, value):
        try:
            return box.check(value)
        except (ValueError, TypeError) as error:
            if box.refuse is None:
                raise
            box.send_state("value")  # first: a reader of the message may type at once
            box.refuse(html.escape(WORDS["stays"].format(error, value_text(box.value))))
            return box.value


class _CheckedBox(W.FloatText):
    """A box for numbers that `check` accepts; `refuse(text)` shows why not, as HTML."""

    # Whole numbers, too: ipywidgets' own box drops the point of 2.5, which gives 25.

    value = _Checked().tag(sync=True)

    def __init__(self, value, check, step):
        self.check, self.refuse = check, None
        super().__init__(value=value, step=step)


def _options(values, text, value):
    return [(text(v), v) for v in hyper.sort_numbers(dict.fromkeys((*values, value)))]


def pick_knob(name, values, value, text=value_text):
    """Return a slider over a list of values; `value` joins the list."""
    choices, options = partial(_options, values, text), _slider_options(name)
    slider = W.SelectionSlider(options=choices(value), value=value, **options)
    label = W.HTML()
    # Not linked to `slider.label`: ipywidgets leaves that of the first option empty.
    W.dlink((slider, "value"), (label, "value"), lambda value: html.escape(text(value)))
    return _Knob(TABLE[name].knob, slider, label, choices=choices)


def batch_knob(name, dataset, value):
    """Return a slider over powers of two, up to all points at once."""
    most = len(dataset.train.y)
    values = [2**k for k in range(11) if 2**k < most] + [most]
    label = WORDS["all"].format(most)
    return pick_knob(name, values, value, lambda n: label if n == most else str(n))


def _width_knob(name, dataset, hidden):
    """Return a slider over the width; the number of layers stays."""
    values = [(width,) * max(1, len(hidden)) for width in TABLE[name].ticks]
    return pick_knob(name, sorted({*values, hidden}), hidden, _width)


def _width(hidden):
    return str(hidden[0]) if len({*hidden}) == 1 else value_text(hidden)


def _choice_knob(name, dataset, value):
    choices = partial(_options, TABLE[name].ticks, value_text)
    buttons = W.ToggleButtons(options=choices(value), value=value)
    return _Knob(TABLE[name].knob, buttons, choices=choices)


BUILD = {  # by `control` of a hyperparameter
    "powers": log_knob,
    "batch": batch_knob,
    "count": _count_knob,
    "ticks": lambda name, _, value: pick_knob(name, TABLE[name].ticks, value),
    "width": _width_knob,
    "choice": _choice_knob,
}


class Controls:
    """The controls of some hyperparameters; the others keep the value in `base`."""

    def __init__(self, dataset, base, names):
        self.base, self.quick, self.knobs = base, False, {}
        names = (names,) if isinstance(names, str) else names
        for name in hyper.check_items("controls", names, empty=True, of="names"):
            hyper.check_choice("controls", name, tuple(TABLE))
            build = BUILD[TABLE[name].control]
            self.knobs[name] = build(name, dataset, getattr(base, name))
        self.box = W.VBox([*self.knobs.values()])

    def __getitem__(self, name):
        return self.knobs[name]

    @property
    def setting(self):
        return self.base.but(**{n: knob.value for n, knob in self.knobs.items()})

    @setting.setter
    def setting(self, setting):
        for name, knob in self.knobs.items():
            knob.value = getattr(setting, name)

    def line(self, usual=USUAL):
        """Return the controls as a part of a panel's line, unless they are usual."""
        names = tuple(self.knobs)
        return {} if names == usual else {"show": ",".join(names) or ","}

    def follow(self, seconds):
        """Let sliders report each value they pass if a training is quick."""
        self.quick = seconds < QUICK
        for knob in self.knobs.values():
            if hasattr(knob.slider, "continuous_update"):
                knob.slider.continuous_update = self.quick


def seeds_argument(seeds):
    """Return the seeds of a panel: as listed, or as many as `seeds` says, from 0."""
    if isinstance(seeds, Number | str):
        hint = WORDS["few"]
        return range(hyper.check_count("seeds", seeds, most=MOST_SEEDS, hint=hint))
    return hyper.check_seeds(seeds)


def seeds_from(given, count, first=0):
    """Return `count` seeds from index `first` on; higher ones follow the given."""
    start = max(given) + 1
    return (*given, *range(start, start + first + count))[first : first + count]


def parse_values(name, text, layers=2):
    """Return the values of a hyperparameter that a learner typed, as a tuple."""
    # For example "0.01, 0.1, 1" or "0.001 to 10 in 9" (by equal factors where `TABLE`
    # says so). Hidden layers: "16-8, 32-16", or one width for each of `layers` layers.
    kind = TABLE[name].kind
    text = text.strip(" ,;")
    if kind != "own" and text[:1] + text[-1:] == "[]":
        text = text[1:-1]
    if kind == "number" and ";" in text and "." not in text:  # decimal commas
        text = re.sub(r"(?<=\d),(?=\d)", ".", text)
    parts = re.split(r"[,;\uff0c\u3001\s]+", text.strip(" ,;"))
    if kind == "choice":
        return check_list(name, parts)
    is_range = parts[1::2] == ["to", "in"]  # 0.001 to 10 in 9
    shapes = kind == "units" and "-" in text  # 16-8, 32-16
    literals = kind == "own" and not is_range  # values as in Python
    try:
        if literals:
            values = ast.literal_eval(f"[{text}]")
        elif shapes:
            widths = (filter(None, part.split("-")) for part in parts)
            values = [tuple(map(int, shape)) for shape in widths]
        elif is_range:
            values = _spaced(name, float(parts[0]), float(parts[2]), int(parts[4]))
        else:
            values = list(map(float, parts))
        if not values or not (literals or shapes or np.isfinite(values).all()):
            raise ValueError  # such as "1 to 2 in 0" or 1e999
    except (ValueError, IndexError, SyntaxError):
        raise hyper.refusal("typed_own" if literals else "typed_values", text) from None
    if len(values) > _MOST_VALUES:
        raise hyper.refusal("typed_many", most=_MOST_VALUES, got=parts[-1])
    if kind in _WHOLE and is_range:
        least = 0 if name == "patience" else 1
        values = list(dict.fromkeys(max(least, round(v)) for v in values))
    if kind == "units" and not shapes:
        values = [(v,) * layers for v in values]
    return check_list(name, values)


def usual_values(name, dataset, lists=None):
    """Return the values to begin with; no batch is larger than the data."""
    text, most = (lists or {}).get(name, TABLE[name].usual), len(dataset.train.y)
    if name != "batch_size":
        return text
    return written(dict.fromkeys(min(int(size), most) for size in text.split(",")))


def _spaced(name, low, high, count):
    """Return `count` numbers from `low` to `high`, or one more than are allowed."""
    by_factor = TABLE[name].by_factor and min(low, high) > 0
    space = np.geomspace if by_factor else np.linspace
    values = space(low, high, min(count, _MOST_VALUES + 1))
    for digits in range(4 if TABLE[name].kind in _WHOLE or not by_factor else 2, 17):
        between = [float(f"{v:.{digits}g}") for v in values[1:-1]]
        steps = np.sign(np.diff([low, *between, high]))
        if (steps == np.sign(high - low)).all():
            break
    values = [low, *between, high][:count]
    integers = TABLE[name].kind == "own" and all(v.is_integer() for v in values)
    return list(map(int, values)) if integers else values


def written(values):
    """Return values as a learner would type them; `parse_values` reads them back."""

    def text(value):
        if isinstance(value, tuple):
            return "-".join(map(str, value)) + ("-" if len(value) < 2 else "")
        exact = not isinstance(value, float) or float(value_text(value)) == value
        return value_text(value) if exact else repr(value)

    return values if isinstance(values, str) else ", ".join(map(text, values))


class Entry:
    """A choice of a hyperparameter, a box for its values, and a note about them."""

    def __init__(self, name, values, layers, label=None):
        self.layers = layers
        names = dict.fromkeys((*hyper.MAIN_NAMES, name))
        options = [(TABLE[name].knob, name) for name in names]
        prefix = f"{label}: " if label else ""  # where a panel has two entries
        which = W.Dropdown(options=options, value=name)
        self.which = named(which, prefix + WORDS["which_tip"])
        if not isinstance(values, str):
            values = check_list(name, values)
            values = written(values) if name in TABLE else ", ".join(map(repr, values))
        text = W.Text(values, continuous_update=False)
        self.text = named(text, prefix + WORDS["values_tip"])
        self.note = html_widget("", "hp-muted")
        head = row(label_widget(label or WORDS["values"]), self.which, name="hp-row")
        self.frame = W.VBox([head, self.text, self.note]).add_class("hp-knob")
        self.text.observe(self.check, "value")
        self.check()

    def check(self, _=None):
        """Show below the box how many values it has, or what is wrong with them."""
        self.wrong = None
        try:
            values = self.values
        except (ValueError, TypeError) as error:
            if not hyper.was_refused(error):
                raise
            self.wrong = html.escape(str(error))
            self.note.value = f"<div role='alert' class='hp-wrong'>{self.wrong}</div>"
            return
        count, typed = WORDS["count"].format(len(values)), self.text.value
        text = ", ".join(map(value_text, values))
        is_list = typed in (text, written(values))
        self.note.value = count if is_list else f"{count}: {html.escape(text)}"

    @property
    def name(self):
        return self.which.value

    @property
    def values(self):
        return parse_values(self.name, self.text.value, self.layers)


class Guess:
    """A question beside the controls; the charts stay covered until it is answered."""

    # `text(value)`, or the widget's own method `text`, puts its value into words;
    # `widget.request` is the key of what asks for one. `off` is the mean error of a
    # drawn curve.

    def __init__(self, panel, question, widget, text=str):
        self.panel, self.widget = panel, widget
        self.text = getattr(widget, "text", text)
        self.value, self.off, self.moved = None, None, False
        if isinstance(widget, W.ToggleButtons):
            widget.value = None  # a choice made for the learner is not a guess
        if not isinstance(widget, W.Box):  # a box with a tooltip is not rendered
            widget.tooltip = question
        options = {"tooltip": GUESS_WORDS["commit_tip"], "button_style": "primary"}
        self.button = W.Button(description=GUESS_WORDS["commit"], **options)
        self.answer = html_widget("", "hp-muted")
        parts = label_widget(html.escape(question)), widget, self.button, self.answer
        self.box = W.VBox(parts).add_class("hp-guess")
        panel.add_class("hp-covered")
        panel.on_click(self.button, self.commit)
        panel.on_change(self._on_choice, widget)

    @property
    def open(self):
        return self.value is not None

    @property
    def sentence(self):
        """The guess in words, to put before the result, or a request for one."""
        if not self.open:
            return GUESS_WORDS["cover"]
        if not self.panel._guess_fits:
            return ""
        off = "" if self.off is None else GUESS_WORDS["off"].format(off=self.off)
        return GUESS_WORDS["said"].format(html.escape(self.text(self.value))) + off

    @property
    def drawn(self):
        """Places and heights of a curve that was drawn, or None."""
        return (self.widget.at, self.value) if self.panel.guesses else None

    def judge(self, truth):
        """Compare a drawn curve with the true losses at its places."""
        # Losses above the chart could not be drawn: its upper end counts. If all runs
        # diverged, there is nothing to compare with.
        if self.off is None and self.drawn and not np.isnan(truth).all():
            truth = np.minimum(truth, self.widget.highest)
            self.off = float(np.nanmean(np.abs(truth - self.value)))

    def _on_choice(self):
        """Clear the request for a choice."""
        self.answer.value, self.moved = "", True

    def commit(self):
        if not self.moved:  # where a slider or a curve begins is not a guess
            request = "move" if hasattr(self.widget, "min") else "choose"
            self.answer.value = GUESS_WORDS[getattr(self.widget, "request", request)]
            return
        self.value = self.widget.value
        self.panel.remove_class("hp-covered")  # first: keyboard focus moves there
        self.box.layout.display = "none"
        self.panel._draw()


class Drawing(W.VBox):
    """A small chart to draw a curve on, with the mouse or with keys."""

    # `at` are places along the horizontal axis `axis`, `value` the heights there, at
    # first those of an untrained network. `words` are filled with the name (one of
    # `names`) and the height of its lowest point.

    value, request = traitlets.List(), "draw"

    def __init__(self, data, at, axis, words, names):
        self.at, self.axis = np.asarray(at, float), axis
        self.text = lambda value: words.format(names[np.argmin(value)], min(value))
        # An untrained network gives each class the same share, or predicts the mean.
        untrained = 1.0 if data.is_regression else float(np.log(data.n_outputs))
        self.highest = round_up(max(1.5, 1.2 * untrained))
        self.charts = LiveCharts(calls={"draw": self._draw})
        super().__init__([html_widget(GUESS_WORDS["how"], "hp-muted"), self.charts])
        self._draw([untrained] * len(self.at))

    def _draw(self, heights):
        self.value = [round(float(height), 3) for height in heights]
        curve = line(self.at, self.value, color="purple", width=3, draw="draw")
        loss, alt = Axis(GUESS_WORDS["loss"], (0, self.highest)), GUESS_WORDS["alt"]
        self.charts.show([Chart(self.axis, loss, [curve], alt=alt, height=14)])
