"""`Drawing`: a curve that a learner draws as a guess, with the mouse or with keys."""

import ipywidgets as W
import numpy as np

from hpkit.charts.live import LiveCharts
from hpkit.charts.spec import Axis, Chart, line
from hpkit.locale import Texts
from hpkit.panels.parts import say

WORDS = Texts("panels.drawing")
HIGHEST = 1.2
PLACES = 11  # of a training curve


class Drawing(W.VBox):
    """A small chart to draw a curve on.

    Parameters
    ----------
    at : sequence of float
        Places along the horizontal axis.
    axis : Axis
        That axis.
    start : float
        Height of the line at first.

    Attributes
    ----------
    value : list of float
        Heights at the places.
    """

    def __init__(self, at, axis, *, start=0.7):
        self.at, self.axis = np.asarray(at, float), axis
        self.charts = LiveCharts(calls={"draw": self._drawn})
        self._value, self._disabled = [float(start)] * len(self.at), False
        super().__init__([say(WORDS["how"], "hp-muted"), self.charts])
        self._show()

    @property
    def value(self):
        """Heights at the places."""
        return self._value

    @value.setter
    def value(self, heights):
        self._value = [round(float(height), 3) for height in heights]
        self._show()

    @property
    def lowest(self):
        """Number of the lowest place."""
        return int(np.argmin(self.value))

    @property
    def disabled(self):
        """Whether nothing can be drawn any more."""
        return self._disabled

    @disabled.setter
    def disabled(self, off):
        self._disabled = off
        self._show()

    def _drawn(self, heights):
        if not self._disabled:
            self.value = heights

    def _show(self):
        draw = None if self._disabled else "draw"
        curve = line(self.at, self.value, color="purple", width=3, draw=draw)
        loss = Axis(WORDS["loss"], (0, HIGHEST))
        self.charts.show([Chart(self.axis, loss, [curve], alt=WORDS["alt"], height=14)])


def over_epochs(epochs):
    """Return a drawing of a training curve, and a function that says its lowest."""
    at = np.linspace(0, epochs, PLACES)
    drawing = Drawing(at, Axis(WORDS["epoch"], (0, epochs)))

    def said(heights):
        return WORDS["lowest"].format(min(heights), at[drawing.lowest])

    return drawing, said
