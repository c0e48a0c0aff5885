"""`Drawing`: a curve that a learner draws as a guess, with the mouse or with keys."""

import ipywidgets as W
import numpy as np
from bqplot.interacts import HandDraw

from hpkit.panels.controls import NAMES, framed
from hpkit.panels.figures import figure, limit, linear, lines, set_all, tick
from hpkit.panels.parts import row

WORDS = {
    "how": "Draw with the mouse, or choose a place and set its height.",
    "place": "place",
    "height": "height",
    "loss": "loss",
    "epoch": "epoch {:.0f}",
    "lowest": "lowest {:.2f} at epoch {:.0f}",
}
HIGHEST = 1.2
KNOTS = 11  # places of a training curve


class Drawing(W.VBox):
    """A small chart to draw a curve on.

    Parameters
    ----------
    at : sequence of float
        Places along the horizontal axis.
    ticks : dict
        Place: text on the axis.
    label : str
        Of the axis.
    names : sequence of str
        Each place in words.
    start : float
        Height of the line at first.

    Attributes
    ----------
    value : list of float
        Heights at the places.
    """

    def __init__(self, at, ticks, label, names, *, start=0.7):
        self.at = np.asarray(at, float)
        scales = {"x": linear(), "y": linear(0, HIGHEST)}
        self.line = lines(scales, "purple", stroke_width=3, marker="circle")
        set_all(self.line, x=self.at, y=np.full(len(at), float(start)))
        self.chart = figure(
            [self.line], *scales.values(), ("", WORDS["loss"]), height=178,
            margin=(8, 10, 42, 50),
        )  # fmt: skip
        tick(self.chart, 0, self.at, ticks, label)
        limit(self.chart, 1, HIGHEST, n=4)
        self.chart.interaction = self.hand = HandDraw(lines=self.line)
        self.place = W.SelectionSlider(
            options=[(name, k) for k, name in enumerate(names)], readout=False
        )
        self.height = W.FloatSlider(
            start, min=0, max=HIGHEST, step=0.02, readout=False
        )  # fmt: skip
        self.name = W.HTML()
        self.place.observe(self._follow, "value")
        self.line.observe(self._follow, "y")
        self.height.observe(self._lift, "value")
        place = framed(WORDS["place"], self.place, self.name)
        height = framed(WORDS["height"], self.height)
        place.layout.flex = height.layout.flex = "1 1 0"
        place.layout.margin = "0 16px 0 0"
        super().__init__([
            W.HTML(f"<span class='hp-muted'>{WORDS['how']}</span>"), self.chart,
            row(place, height),
        ])  # fmt: skip
        self._follow()

    @property
    def value(self):
        """Heights at the places."""
        return [round(float(y), 3) for y in self.line.y]

    @value.setter
    def value(self, heights):
        self.line.y = np.array(heights)

    @property
    def lowest(self):
        """Number of the lowest place."""
        return int(np.argmin(self.value))

    @property
    def disabled(self):
        """Whether nothing can be drawn any more."""
        return self.place.disabled

    @disabled.setter
    def disabled(self, off):
        self.place.disabled = self.height.disabled = off
        self.chart.interaction = None if off else self.hand

    def _follow(self, _=None):
        """Show the place that was chosen, and its height."""
        self.height.value = min(max(float(self.line.y[self.place.value]), 0), HIGHEST)
        self.name.value = f"{self.place.label}: {self.height.value:.2f}"

    def _lift(self, change):
        """Set the height of the place that was chosen."""
        heights = np.array(self.line.y, float)
        if abs(heights[self.place.value] - change["new"]) > 1e-9:
            heights[self.place.value] = change["new"]
            self.line.y = heights


def over_epochs(epochs):
    """Return a drawing of a training curve, and a function that says its lowest."""
    at = np.linspace(0, epochs, KNOTS)
    ticks = {float(v): f"{v:.0f}" for v in at[::5]}
    names = [WORDS["epoch"].format(v) for v in at]
    drawing = Drawing(at, ticks, NAMES["epochs"], names)

    def said(heights):
        return WORDS["lowest"].format(min(heights), at[drawing.lowest])

    return drawing, said
