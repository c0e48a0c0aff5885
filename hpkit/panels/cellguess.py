"""`CellGuess`: a cell of an empty map that a learner chooses as a guess."""

import ipywidgets as W
import numpy as np

from hpkit.panels.cells import CellMap
from hpkit.panels.controls import NAMES
from hpkit.panels.parts import named, row, say
from hpkit.text import shown

WORDS = {"how": "Click on a cell, or choose its two values."}
WIDE = 60  # characters that fit along its axis


class CellGuess(W.VBox):
    """An empty map of all pairs of values, and a short list of each.

    Parameters
    ----------
    names : (str, str)
        Hyperparameter across and up.
    values : (sequence, sequence)
    settings : sequence of Hyperparameters
        Of the cells, column by column from the left, each from below.

    Attributes
    ----------
    index : int or None
        Number of the cell that was chosen.
    """

    def __init__(self, names, values, settings):
        self.settings, self.rows = settings, len(values[1])
        self.names, self.values = names, values
        self.map = CellMap(self._clicked, height=220, room=WIDE)
        self.lists, boxes = [], []
        for name, its in zip(names, values, strict=True):
            options = [(shown(value), k) for k, value in enumerate(its)]
            self.lists.append(named(W.Dropdown(options=options), NAMES[name]))
            self.lists[-1].value = None
            self.lists[-1].layout = W.Layout(width="110px", margin="2px 24px 2px 8px")
            self.lists[-1].observe(self._draw, "value")
            boxes += [say(NAMES[name]), self.lists[-1]]
        pair = row(*boxes)
        pair.layout.align_items = "center"
        super().__init__([say(WORDS["how"], "hp-muted"), self.map.figure, pair])
        self._draw()

    @property
    def index(self):
        """Number of the cell that was chosen, or None."""
        column, up = (each.value for each in self.lists)
        return None if column is None or up is None else column * self.rows + up

    @index.setter
    def index(self, number):
        at = (None, None) if number is None else divmod(number, self.rows)
        self._clicked(*at)

    @property
    def value(self):
        """Setting of the cell that was chosen, or None."""
        return None if self.index is None else self.settings[self.index]

    @property
    def disabled(self):
        """Whether nothing can be chosen any more."""
        return self.lists[0].disabled

    @disabled.setter
    def disabled(self, off):
        for each in self.lists:
            each.disabled = off

    def _clicked(self, column, up):
        """Choose a cell."""
        if not self.disabled:
            self.lists[0].value, self.lists[1].value = column, up

    def _draw(self, _=None):
        """Frame the cell that was chosen."""
        nothing = np.full((self.rows, len(self.values[0])), np.nan)
        mine = [] if self.index is None else [divmod(self.index, self.rows)]
        self.map.show(self.names, self.values, nothing, nothing > 0, mine=mine)
