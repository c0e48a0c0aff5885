"""Small parts of panels: buttons, rows, lines of text."""

import ipywidgets as W


def button(text, tip, look="", width=None):
    """Return a button."""
    made = W.Button(description=text, tooltip=tip, button_style=look)
    if width:
        made.layout.width = width
    return made


def row(*widgets, name=""):
    """Return widgets side by side."""
    made = W.HBox(widgets)
    for each in name.split():
        made.add_class(each)
    return made


def named(widget, name):
    """Return a widget with a label for those who do not see where it stands."""
    widget.description = widget.tooltip = name
    widget.add_class("hp-named")
    return widget


def say(text="", *classes):
    """Return a widget for a line of text that keeps its place."""
    line = W.HTML(text)
    for name in classes:
        line.add_class(name)
    return line
