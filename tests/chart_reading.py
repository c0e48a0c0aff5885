"""Helpers of the panel tests: use a panel, wait for it, read its charts."""

import time

import numpy as np


def until(condition, pause=0.01):
    """Wait until a condition holds; fail after two minutes."""
    end = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < end, "did not happen in time"
        time.sleep(pause)


def press(panel, name):
    """Press a button of a panel and wait until nothing trains: soon after Stop."""
    getattr(panel, f"{name}_button").click()
    start = time.process_time()
    panel.wait(120)
    assert name != "stop" or time.process_time() - start < 1
    return panel


def move(panel, control, value):
    """Set a control of a panel and wait until nothing trains."""
    control.value = value
    return panel.wait(60)


def commit(panel, value=None, **traits):
    """Enter a guess and press its button."""
    for name, trait in (traits or {"value": value}).items():
        setattr(panel.guess.widget, name, trait)
    panel.guess.button.click()


def watch(panel, observe):
    """Return a list to which each redraw of a panel appends `observe()`."""
    observed, draw = [], panel.live.draw
    panel.live.draw = lambda: (draw(), observed.append(observe()))
    return observed


def outputs(monkeypatch):
    """Return a list to which each later display appends (bundle, options)."""
    displayed = []

    def display(bundle, **options):
        displayed.append((bundle, options))

    monkeypatch.setattr("IPython.display.display", display)
    return displayed


def pasted(panel, **names):
    """Run a panel's code as if pasted into a cell; return the names that it defines."""
    exec(panel.code(), names)
    return names


def marks(chart, kind, **style):
    """Return the marks of a kind with this style that are not empty."""
    drawn = [m for m in chart.marks if m.kind == kind and m.columns[0].size]
    return [m for m in drawn if all(m.get(k) == v for k, v in style.items())]


def mark(chart, kind, **style):
    (only,) = marks(chart, kind, **style)
    return only


def curve(chart, row=0, **style):
    """Return the finite x and y of a row of the line with this style."""
    x, y = mark(chart, "line", **style).columns
    x, y = x[min(row, len(x) - 1)], y[row]
    finite = np.isfinite(x) & np.isfinite(y)
    return x[finite], y[finite]


def nth(panel, chart, kind, n=0):
    """Return the n-th mark of a kind, maybe empty, in a panel's chart (by index)."""
    return [m for m in panel.charts.charts[chart].marks if m.kind == kind][n]


def texts(panel, chart, n=0):
    """Return the texts of the n-th text mark in a panel's chart (by index)."""
    return nth(panel, chart, "text", n).get("texts")


def shows(panel):
    """Return a panel's sentence; check that it has no error and can be drawn."""
    assert panel.error is None
    assert all(chart.alt for chart in panel.charts.charts)
    assert panel.picture().startswith(b"\x89PNG")
    assert len(panel.frame())
    panel.view.value = "code"
    assert panel.code_box.value == panel.code()
    return panel.result
