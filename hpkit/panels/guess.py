"""`Guess`: a guess that a learner makes before a panel shows its result."""

import html

import ipywidgets as W

from hpkit.hyperparameters import refused
from hpkit.locale import Texts
from hpkit.panels.parts import button, say

WORDS = Texts("panels.guess")


def check_predict(predict, *, draw=False):
    """Return whether a panel asks for a guess, and, with `draw`, how."""
    text = isinstance(predict, str)
    if not (draw and predict == "draw" if text else isinstance(predict, bool)):
        way = "try True" + " or 'draw'" * draw
        raise refused("predict must be True or False", predict, way)
    return predict


class Guess:
    """A question beside the controls; the charts stay covered until it is answered.

    Parameters
    ----------
    panel : Panel
    question : str
    widget : Widget
        With a `value`; a slider or a list.
    text : function (value) -> str
        The guess in words.
    """

    def __init__(self, panel, question, widget, text=str):
        self.panel, self.question = panel, question
        self.widget, self.text, self.value = widget, text, None
        widget.layout.width = "calc(100% - 8px)"
        if isinstance(widget, W.Dropdown | W.ToggleButtons):
            widget.value = None  # a choice made for the learner is no guess
        if not isinstance(widget, W.Box):  # a box with a tooltip is not drawn
            widget.tooltip = question
        self.button = button(WORDS["commit"], WORDS["commit_tip"], "primary")
        label = say(f"<span class='hp-name'>{html.escape(question)}</span>")
        self.answer = say()
        self.box = W.VBox([label, widget, self.button, self.answer])
        self.box.add_class("hp-guess")
        panel.add_class("hp-covered")
        panel.on_click(self.button, self.commit)
        for part in getattr(widget, "lists", (widget,)):  # of a `CellGuess`
            panel.on_change(part, self._chosen)

    @property
    def open(self):
        """Whether the guess was made."""
        return self.value is not None

    @property
    def cover(self):
        """What is said until then."""
        return WORDS["cover"]

    @property
    def said(self):
        """The guess in words, to put before the result."""
        return WORDS["said"].format(html.escape(self.text(self.value)))

    def _chosen(self):
        """Ask no longer for a choice."""
        if not self.open:
            self.answer.value = ""

    def commit(self):
        """Take the guess and show the result."""
        if self.widget.value is None:
            said = WORDS["both" if hasattr(self.widget, "lists") else "choose"]
            self.answer.value = f"<span class='hp-muted'>{said}</span>"
            return
        self.value = self.widget.value
        self.widget.disabled = self.button.disabled = True
        self.widget.layout.display = self.button.layout.display = "none"
        self.answer.value = f"<span class='hp-muted'>{self.said}</span>"
        self.panel.remove_class("hp-covered")
        self.panel._draw()
