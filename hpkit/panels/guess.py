"""A guess before the result: a question beside the controls, or a curve to draw."""

import html

import ipywidgets as W
import numpy as np
import traitlets

from hpkit.charts.live import LiveCharts
from hpkit.charts.loss import nice_top
from hpkit.charts.spec import Axis, Chart, line
from hpkit.hyperparameters import refusal
from hpkit.locale import Texts
from hpkit.panels.parts import button, head_of, say
from hpkit.store import keep_guess

WORDS = Texts("panels.guess")
_HIGHEST = 1.5, 1.2  # that can be drawn, at least and times the loss before training
_PLACES = 11  # of a training curve that is drawn


def check_predict(predict, *, draw=False):
    """Return whether a panel asks for a guess; one to `draw` may be named so, too."""
    text = isinstance(predict, str)
    if not (draw and predict == "draw" if text else isinstance(predict, bool)):
        raise refusal("predict_draw" if draw else "predict", predict)
    return predict


class Guess:
    """A question beside the controls; the charts stay covered until it is answered."""

    # `widget` has a `value`, None while nothing is chosen; `text(value)` is the guess
    # in words. `off` is how far a curve that was drawn is from the true one.

    def __init__(self, panel, question, widget, text=str):
        self.panel, self.widget, self.text = panel, widget, text
        self.value, self.off, self.drawing = None, None, isinstance(widget, Drawing)
        widget.layout.width = "calc(100% - 8px)"
        if isinstance(widget, W.ToggleButtons):
            widget.value = None  # a choice made for the learner is no guess
        if not isinstance(widget, W.Box):  # a box with a tooltip is not drawn
            widget.tooltip = question
        self.button = button(WORDS["commit"], WORDS["commit_tip"], "primary")
        self.answer = say("", "hp-muted")
        label = say(head_of(html.escape(question)))
        self.box = W.VBox([label, widget, self.button, self.answer])
        self.box.add_class("hp-guess")
        panel.add_class("hp-covered")
        panel.on_click(self.button, self.commit)
        panel.on_change(widget, self._chosen)

    @property
    def open(self):
        return self.value is not None

    @property
    def said(self):
        """The guess in words, to put before the result, or that one is awaited."""
        if not self.open:
            return WORDS["cover"]
        if not self.panel._guess_fits:
            return ""
        off = "" if self.off is None else WORDS["off"].format(off=self.off)
        return WORDS["said"].format(html.escape(self.text(self.value))) + off

    @property
    def drawn(self):
        """Places and heights of a curve that was drawn, or None."""
        told = self.open and self.panel._guess_fits and self.drawing
        return (self.widget.at, self.value) if told else None

    def judge(self, truth):
        """Say how far a drawn curve is from the true losses there, and keep it."""
        # What lies above the drawing could not be drawn: its upper end counts.
        if self.off is None and self.drawn:
            truth = np.minimum(truth, self.widget.highest)
            self.off = float(np.nanmean(np.abs(truth - self.value)))
            keep_guess(self.off / self.widget.before)

    def _chosen(self):
        """Ask no longer for a choice."""
        if not self.open:
            self.answer.value = ""

    def commit(self):
        """Take the guess and show the result."""
        self.value = self.widget.value
        if not self.open:
            self.answer.value = WORDS["draw" if self.drawing else "choose"]
            return
        self.widget.layout.display = self.button.layout.display = "none"
        self.answer.value = self.said
        self.panel.remove_class("hp-covered")
        self.panel._draw()


class Drawing(W.VBox):
    """A small chart to draw a curve on, with the mouse or with keys."""

    # `at` are places along the horizontal axis, `axis` is that axis, `value` the
    # heights drawn, or None: the first line, of an untrained network, is no guess.

    value = traitlets.List(allow_none=True)

    def __init__(self, data, at, axis):
        self.at, self.axis = np.asarray(at, float), axis
        # An untrained network guesses: one class of some, or about the mean.
        self.before = 1.0 if data.is_regression else float(np.log(data.n_outputs))
        least, times = _HIGHEST
        self.highest = nice_top(max(least, times * self.before))
        self.charts = LiveCharts(calls={"draw": self._drawn})
        super().__init__([say(WORDS["how"], "hp-muted"), self.charts])
        self._drawn([self.before] * len(self.at))
        self.value = None

    @property
    def lowest(self):
        return int(np.argmin(self.value))

    def _drawn(self, heights):
        self.value = [round(float(height), 3) for height in heights]
        curve = line(self.at, self.value, color="purple", width=3, draw="draw")
        loss = Axis(WORDS["loss"], (0, self.highest))
        self.charts.show([Chart(self.axis, loss, [curve], alt=WORDS["alt"], height=14)])


def over_epochs(data, epochs):
    """Return a drawing of a training curve, and a function that says its lowest."""
    at = np.linspace(0, epochs, _PLACES)
    drawing = Drawing(data, at, Axis(WORDS["epoch"], (0, epochs)))
    lowest = WORDS["lowest"]
    return drawing, lambda value: lowest.format(min(value), at[drawing.lowest])
