"""What a learner acts on: charts on the page, sliders, number boxes, lists, a guess.

`LiveCharts` has charts side by side, drawn by chart.js. `Controls(dataset, base,
names)` has a control for each hyperparameter; `.setting` is what they say. `Entry` is
which hyperparameter to search and its values, as a learner writes them. `Guess` asks a
question before the result, whose answer may be a curve (`Drawing`).
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
from hpkit.hyperparameters import TABLE
from hpkit.locale import Texts
from hpkit.panels.parts import USUAL, html_widget, label_widget, named, row
from hpkit.search.space import check_list
from hpkit.text import value_text

WORDS = Texts("panels.controls")
GUESS_WORDS, _PART_WORDS = Texts("panels.guess"), Texts("panels.parts")
MOST_SEEDS = 500  # of a panel
QUICK = 0.5  # seconds: what takes less follows the sliders
_MOST_VALUES = 100
_IN_BOX = 30  # letters that its box shows
_WHOLE = ("count", "units")

_PACKAGE = Path(__file__).parents[1]
_NAMES = "charts/reach.js", "charts/chart.js", "panels/panel.js"
_SCRIPTS = [(_PACKAGE / name).read_text("utf-8") for name in _NAMES]
# One script: anywidget loads no other.
SCRIPT = "".join(re.sub("^import .*\n", "", text, flags=re.M) for text in _SCRIPTS)
STYLE = css(".hpc") + (_PACKAGE / "charts/chart.css").read_text(encoding="utf-8")


class LiveCharts(anywidget.AnyWidget):
    """Shows charts (`charts`) side by side, and tells what a learner does with them."""

    # One widget for all charts of a panel: they and a sentence change in the same frame
    # of the browser, and the page loads the script once. What changed, a chart's spec
    # ("c0") or a mark's numbers ("c0m1"), is sent as state, but is no trait: the front
    # end takes keys that it does not know, and a page opened later gets all of them.
    # `calls` has by the name of a mark's `click` or `draw` a function of (index) or
    # (heights). They run where messages of widgets do: guard what they do.
    # As traits of the class: anywidget would send them twice.
    _esm = traitlets.Unicode(SCRIPT).tag(sync=True)
    _css = traitlets.Unicode(STYLE).tag(sync=True)

    def __init__(self, widths=(1,), *, calls=()):
        self.charts, self.calls, self._changed = [], dict(calls), set()
        self._state = {"widths": list(widths), "sentence": "", "picture": 0}
        self._state["words"] = {name: _PART_WORDS[name] for name in ("slider", "table")}
        super().__init__()
        self.on_msg(self._on_message)

    def show(self, charts, *, sentence=None):
        """Draw charts and a sentence (HTML) below; what is as before is not sent."""
        # A screen reader says it. While something runs a sentence may change with each
        # picture: an element with aria-live="off" around it keeps it silent.
        self.charts, new = list(charts), state(charts)
        if sentence is not None:
            new["sentence"] = sentence
        news = self._changed | {k for k, v in new.items() if self._state.get(k) != v}
        if news:
            new["picture"] = self._state["picture"] + 1  # chart.js draws then
            self._state, self._changed = self._state | new, set()
            self.send_state({*news, "picture"})

    def get_state(self, key=None, drop_defaults=False):
        """Return the state for the front end: traits and what is shown."""
        if key is None:
            return super().get_state() | self._state  # the script is a default
        keys = {key} if isinstance(key, str) else set(key)
        own = {name: self._state[name] for name in keys & self._state.keys()}
        return super().get_state(keys - self._state.keys(), drop_defaults) | own

    def _on_message(self, _, content, buffers):
        """Tell what a learner did, perhaps to a chart that has changed meanwhile."""
        if content["type"] == "draw":
            # The page has changed these numbers itself: they are sent again by `show`.
            self._changed.add(f"c{content['chart']}m{content['mark']}")
        if call := self.calls.get(content["name"]):
            call(content["value"])


class _Knob(W.VBox):
    """One control below its label; the `value` of `source` holds."""

    # `joined(value)` are the options of a list that a value joins.

    def __init__(self, label, slider, *beside, source=None, joined=None):
        self.slider, self.source, self.joined = slider, source or slider, joined
        head = row(label_widget(label), *beside, name="hp-row")
        super().__init__([head, slider.add_class("hp-slide")])
        self.add_class("hp-knob")

    @property
    def value(self):
        return self.source.value

    @value.setter
    def value(self, value):
        if self.joined and value not in [other for _, other in self.source.options]:
            self.source.options = self.joined(value)
        self.source.value = value


def with_box(label, value, slider, check, rounded=lambda value: value):
    """Return a `_Knob` of a slider and a `_CheckedBox` that follow each other."""
    # The box may go between the ticks of the slider, and beyond. The slider stands at
    # the tick nearest to the number. A browser says so once more, rounded its own way:
    # that is no news, and what was typed stays.
    by_factor = isinstance(slider, W.FloatLogSlider)
    step = 1 if isinstance(slider, W.IntSlider) else None
    number = named(_CheckedBox(value, check, step=step), label).add_class("hp-number")

    def ticks(place):
        place = np.log10(max(place, 1e-12)) if by_factor else place
        place = min(max(place, slider.min), slider.max)
        return round((place - slider.min) / slider.step)

    def slid(change):
        if ticks(change["new"]) != ticks(number.value):
            number.value = rounded(change["new"])

    def typed(change):
        if ticks(change["new"]) != ticks(slider.value):
            place = min(slider.min + slider.step * ticks(change["new"]), slider.max)
            slider.value = type(slider.value)(10**place if by_factor else place)

    slider.observe(slid, "value")
    number.observe(typed, "value")
    return _Knob(label, slider, number, source=number)


def _slide(name):
    return {"tooltip": WORDS["slider"].format(TABLE[name].knob), "readout": False}


def log_knob(name, dataset, value):
    """Return a slider over powers of ten, tied to a number box."""
    # The ticks go through `value`: a browser moves a slider that stands between two,
    # and a run would start unasked.
    at, step = np.log10(value), 0.1  # powers of ten
    low = at - step * max(0, np.ceil((at + 4) / step - 1e-9))
    high = at + step * max(0, np.ceil((1 - at) / step - 1e-9))
    look = {"readout_format": ".2g", **_slide(name)}
    slider = W.FloatLogSlider(value, min=low, max=high, step=step, **look)
    check = partial(TABLE[name].check, name)
    return with_box(TABLE[name].knob, value, slider, check, lambda v: float(f"{v:.2g}"))


def _count_knob(name, dataset, value):
    slider = W.IntSlider(value, min=1, max=max(200, value), **_slide(name))
    return with_box(TABLE[name].knob, value, slider, partial(TABLE[name].check, name))


def count_box(label, value, low, high, *, most=None, **look):
    """Return a slider over whole numbers, tied to a number box."""
    # The number may be typed up to `most`, default ten times the end of the slider.
    low, high = min(low, value), max(high, value)
    most, name = most or 10 * high, label.split(",")[0]
    hint = WORDS["between"].format(most)
    slider = W.IntSlider(value, min=low, max=high, readout=False, **look)
    check = partial(hyper.check_count, name, most=most, hint=hint)
    knob = with_box(label, value, slider, check)
    knob.source.tooltip = WORDS["number"].format(label, 1, most)
    return knob


class _Checked(traitlets.TraitType):
    """Takes what its box may hold; else the box shows again what stood there."""

    default_value = 1

    def validate(self, box, value):
        try:
            return box.check(value)
        except (ValueError, TypeError) as error:
            if box.refuse is None:
                raise
            box.send_state("value")  # first: whoever reads why may type at once
            box.refuse(html.escape(WORDS["stays"].format(error, value_text(box.value))))
            return box.value


class _CheckedBox(W.FloatText):
    """A box for what `check` returns; `refuse` is told what is wrong, as HTML."""

    # For whole numbers, too: ipywidgets' own box drops the point of 2.5 and says 25.

    value = _Checked().tag(sync=True)

    def __init__(self, value, check, **look):
        self.check, self.refuse = check, None
        super().__init__(value=value, **look)


def _options(values, text, value):
    return [(text(v), v) for v in hyper.sort_numbers(dict.fromkeys((*values, value)))]


def pick_knob(name, values, value, text=value_text):
    """Return a slider over a list of values; `value` joins the list."""
    options = partial(_options, values, text)
    slider = W.SelectionSlider(options=options(value), value=value, **_slide(name))
    said = W.HTML()
    # Not by its label: ipywidgets leaves that of the first option empty.
    W.dlink((slider, "value"), (said, "value"), lambda value: html.escape(text(value)))
    return _Knob(TABLE[name].knob, slider, said, joined=options)


def batch_knob(name, dataset, value):
    """Return a slider over powers of two, up to all points at once."""
    most = len(dataset.train.y)
    values = [2**k for k in range(11) if 2**k < most] + [most]
    every = WORDS["all"].format(most)
    return pick_knob(name, values, value, lambda n: every if n == most else str(n))


def _width_knob(name, dataset, hidden):
    """Return a slider over the width; the number of layers stays."""
    values = [(width,) * max(1, len(hidden)) for width in TABLE[name].ticks]
    return pick_knob(name, sorted({*values, hidden}), hidden, _width)


def _width(hidden):
    return str(hidden[0]) if len({*hidden}) == 1 else value_text(hidden)


def _choice_knob(name, dataset, value):
    options = partial(_options, TABLE[name].ticks, value_text)
    buttons = W.ToggleButtons(options=options(value), value=value)
    return _Knob(TABLE[name].knob, buttons, joined=options)


BUILD = {
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
        """Return what a panel's line says of the controls, unless they are usual."""
        shown = tuple(self.knobs)
        return {} if shown == usual else {"show": ",".join(shown) or ","}

    def follow(self, seconds):
        """Let sliders tell every place they pass, if each is quick."""
        self.quick = seconds < QUICK
        for knob in self.knobs.values():
            if hasattr(knob.slider, "continuous_update"):
                knob.slider.continuous_update = self.quick


def seeds_argument(seeds):
    """Return the seeds that a panel is given: a list of them, or how many from 0."""
    if isinstance(seeds, Number | str):
        few = WORDS["few"]
        return range(hyper.check_count("seeds", seeds, most=MOST_SEEDS, hint=few))
    return hyper.check_seeds(seeds)


def seeds_from(given, count, first=0):
    """Return `count` seeds from place `first` on; the next numbers follow the given."""
    more = max(given) + 1
    return (*given, *range(more, more + first + count))[first : first + count]


def parse_values(name, text, layers=2):
    """Return the values of a hyperparameter that a learner wrote, as a tuple."""
    # Such as "0.01, 0.1, 1" or "0.001 to 10 in 9" (by equal factors where `TABLE` says
    # so); hidden layers of several widths as "16-8, 32-16", else `layers` of one width.
    kind = TABLE[name].kind
    text = text.strip(" ,;")
    if kind != "own" and text[:1] + text[-1:] == "[]":
        text = text[1:-1]
    if kind == "number" and ";" in text and "." not in text:  # decimal commas
        text = re.sub(r"(?<=\d),(?=\d)", ".", text)
    parts = re.split(r"[,;\uff0c\u3001\s]+", text.strip(" ,;"))
    if kind == "choice":
        return check_list(name, parts)
    spaced = parts[1::2] == ["to", "in"]  # 0.001 to 10 in 9
    shapes = kind == "units" and "-" in text  # 16-8, 32-16
    typed = kind == "own" and not spaced  # as in Python
    try:
        if typed:
            values = ast.literal_eval(f"[{text}]")
        elif shapes:
            widths = (filter(None, part.split("-")) for part in parts)
            values = [tuple(map(int, each)) for each in widths]
        elif spaced:
            values = _between(name, float(parts[0]), float(parts[2]), int(parts[4]))
        else:
            values = list(map(float, parts))
        if not values or not (typed or shapes or np.isfinite(values).all()):
            raise ValueError  # in 0, 1e999
    except (ValueError, IndexError, SyntaxError):
        raise hyper.refusal("typed_own" if typed else "typed_values", text) from None
    if len(values) > _MOST_VALUES:
        raise hyper.refusal("typed_many", most=_MOST_VALUES, got=parts[-1])
    if kind in _WHOLE and not shapes:
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


def _between(name, low, high, count):
    """Return numbers from `low` to `high`, inside rounded; a few too many at most."""
    by_factor = TABLE[name].by_factor and min(low, high) > 0
    spaced = np.geomspace if by_factor else np.linspace
    values = spaced(low, high, min(count, _MOST_VALUES + 1))
    for digits in range(4 if TABLE[name].kind in _WHOLE or not by_factor else 2, 17):
        inside = [float(f"{v:.{digits}g}") for v in values[1:-1]]
        steps = np.sign(np.diff([low, *inside, high]))
        if (steps == np.sign(high - low)).all():
            break
    values = [low, *inside, high][:count]
    whole = TABLE[name].kind == "own" and all(v.is_integer() for v in values)
    return list(map(int, values)) if whole else values


def written(values):
    """Return values as a learner would write them; `parse_values` reads them back."""

    def exact(value):
        if isinstance(value, tuple):
            return "-".join(map(str, value)) + "-" * (len(value) < 2)
        whole = not isinstance(value, float) or float(value_text(value)) == value
        return value_text(value) if whole else repr(value)

    return values if isinstance(values, str) else ", ".join(map(exact, values))


class Entry:
    """A choice of a hyperparameter, a box for its values, and what they come to."""

    def __init__(self, name, values, layers, label=None):
        self.layers, self.right = layers, ""
        names = dict.fromkeys((*hyper.MAIN_NAMES, name))
        options = [(TABLE[name].knob, name) for name in names]
        of = f"{label}: " if label else ""  # of two, which one
        which = W.Dropdown(options=options, value=name)
        self.which = named(which, of + WORDS["which_tip"])
        if not isinstance(values, str):
            values = check_list(name, values)
            own = name not in TABLE
            values = ", ".join(map(repr, values)) if own else written(values)
        text = W.Text(values, continuous_update=False)
        self.text = named(text, of + WORDS["values_tip"])
        self.note = html_widget("", "hp-muted")
        head = row(label_widget(label or WORDS["values"]), self.which, name="hp-row")
        self.frame = W.VBox([head, self.text, self.note]).add_class("hp-knob")
        self.text.observe(self.count, "value")
        self.count()

    def count(self, _=None):
        """Say below the box how many values they are, or what is wrong with them."""
        self.wrong = None
        try:
            values = self.values
        except (ValueError, TypeError) as error:
            if not hyper.was_refused(error):
                raise
            self.wrong = str(error)
            said = f"<div role='alert' class='hp-wrong'>{html.escape(self.wrong)}</div>"
            # Over what is below, which keeps its place.
            self.note.value = f"{said}<span class='hp-was'>{self.right}</span>"
            return
        count, text = WORDS["count"].format(len(values)), self.text.value
        said = ", ".join(map(value_text, values))
        seen = text in (said, written(values)) and not _IN_BOX < len(text) < 100
        self.right = count if seen else f"{count}: {html.escape(said)}"
        self.note.value = self.right

    @property
    def name(self):
        return self.which.value

    @property
    def values(self):
        return parse_values(self.name, self.text.value, self.layers)


class Guess:
    """A question beside the controls; the charts stay covered until it is answered."""

    # `widget` has a `value`, None while nothing is chosen; `text(value)`, or its own,
    # is the guess in words. `off` is how far a drawn curve is from the true one.

    def __init__(self, panel, question, widget, text=str):
        self.panel, self.widget = panel, widget
        self.text = getattr(widget, "text", text)
        self.value = self.off = None
        if isinstance(widget, W.ToggleButtons):
            widget.value = None  # a choice made for the learner is no guess
        if not isinstance(widget, W.Box):  # a box with a tooltip is not drawn
            widget.tooltip = question
        look = {"tooltip": GUESS_WORDS["commit_tip"], "button_style": "primary"}
        self.button = W.Button(description=GUESS_WORDS["commit"], **look)
        self.answer = html_widget("", "hp-muted")
        parts = label_widget(html.escape(question)), widget, self.button, self.answer
        self.box = W.VBox(parts).add_class("hp-guess")
        panel.add_class("hp-covered")
        panel.on_click(self.button, self.commit)
        panel.on_change(self._chosen, widget)

    @property
    def open(self):
        return self.value is not None

    @property
    def sentence(self):
        """The guess in words, to put before the result, or that one is awaited."""
        if not self.open:
            return GUESS_WORDS["cover"]
        if not self.panel._guess_fits:
            return ""
        off = "" if self.off is None else GUESS_WORDS["off"].format(off=self.off)
        return GUESS_WORDS["said"].format(html.escape(self.text(self.value))) + off

    @property
    def drawn(self):
        """Places and heights of a curve that was drawn, or None."""
        told = isinstance(self.widget, Drawing) and self.panel.guesses
        return (self.widget.at, self.value) if told else None

    def judge(self, truth):
        """Say how far a drawn curve is from the true losses there."""
        # What lies above the drawing could not be drawn: its upper end counts. Where
        # all diverged, nothing is there to compare with.
        if self.off is None and self.drawn and not np.isnan(truth).all():
            truth = np.minimum(truth, self.widget.highest)
            self.off = float(np.nanmean(np.abs(truth - self.value)))

    def _chosen(self):
        """Ask no longer for a choice; a cell's frame is also said."""
        if not self.open:
            self.answer.value = ""
            if getattr(self.widget, "first", "") == "cell":
                said = html.escape(self.text(self.widget.value))
                self.answer.value = GUESS_WORDS["said"].format(said)

    def commit(self):
        self.value = self.widget.value
        if not self.open:
            self.answer.value = GUESS_WORDS[getattr(self.widget, "first", "choose")]
            return
        self.panel.remove_class("hp-covered")  # first: the keys go on there
        self.box.layout.display = "none"
        self.panel._draw()


class Drawing(W.VBox):
    """A small chart to draw a curve on, with the mouse or with keys."""

    # `at` are places along the horizontal axis, `axis` is that axis, `value` the
    # heights drawn, or None: the first line, of an untrained network, is no guess.
    # `words` say its lowest height and which of the `names` of the places that has.

    value, first = traitlets.List(allow_none=True), "draw"  # before it is a guess

    def __init__(self, data, at, axis, words, names):
        self.at, self.axis = np.asarray(at, float), axis
        self.text = lambda value: words.format(names[np.argmin(value)], min(value))
        # An untrained network guesses: one class of some, or about the mean.
        self.before = 1.0 if data.is_regression else float(np.log(data.n_outputs))
        self.highest = round_up(max(1.5, 1.2 * self.before))
        self.charts = LiveCharts(calls={"draw": self._drawn})
        super().__init__([html_widget(GUESS_WORDS["how"], "hp-muted"), self.charts])
        self._drawn([self.before] * len(self.at))
        self.value = None

    def _drawn(self, heights):
        self.value = [round(float(height), 3) for height in heights]
        curve = line(self.at, self.value, color="purple", width=3, draw="draw")
        loss, alt = Axis(GUESS_WORDS["loss"], (0, self.highest)), GUESS_WORDS["alt"]
        self.charts.show([Chart(self.axis, loss, [curve], alt=alt, height=14)])
