"""What the tests of panels read of a chart, and how they wait for it."""

import time

import numpy as np


def until(condition, pause=0.01):
    """Wait for a condition; fail when it does not come within two minutes."""
    end = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < end, "did not happen in time"
        time.sleep(pause)


def press(panel, name):
    """Press a button of a panel and wait until nothing trains: at once after Stop."""
    getattr(panel, f"{name}_button").click()
    worked = time.process_time()
    panel.wait(120)
    assert name != "stop" or time.process_time() - worked < 1
    return panel


def move(panel, control, value):
    """Give a control of a panel a value and wait until nothing trains."""
    control.value = value
    return panel.wait(60)


def commit(panel, value=None, **traits):
    for name, given in (traits or {"value": value}).items():
        setattr(panel.guess.widget, name, given)
    panel.guess.button.click()


def watch(panel, look):
    """Return a list that gets what `look()` returns at each picture of a panel."""
    seen, draw = [], panel.live.draw
    panel.live.draw = lambda: (draw(), seen.append(look()))
    return seen


def outputs(monkeypatch):
    """Return a list that gets (bundle, options) of what is displayed from now on."""
    shown = []

    def display(bundle, **options):
        shown.append((bundle, options))

    monkeypatch.setattr("IPython.display.display", display)
    return shown


def pasted(panel, **names):
    """Run a panel's code as pasted into a cell; return the names that it leaves."""
    exec(panel.code(), names)
    return names


def marks(chart, kind, **look):
    """Return the marks of a kind that have these looks and at least one place."""
    found = [m for m in chart.marks if m.kind == kind and m.columns[0].size]
    return [m for m in found if all(m.get(k) == v for k, v in look.items())]


def mark(chart, kind, **look):
    (found,) = marks(chart, kind, **look)
    return found


def curve(chart, row=0, **look):
    """Return the finite places and heights of a line's row."""
    x, y = mark(chart, "line", **look).columns
    x, y = x[min(row, len(x) - 1)], y[row]
    there = np.isfinite(x) & np.isfinite(y)
    return x[there], y[there]


def nth(panel, chart, kind, n=0):
    """Return the n-th mark of a kind in a chart of a panel, even an empty one."""
    return [m for m in panel.charts.charts[chart].marks if m.kind == kind][n]


def texts(panel, chart, n=0):
    """Return what the n-th text mark of a chart of a panel says."""
    return nth(panel, chart, "text", n).get("texts")


def shows(panel):
    """Return the sentence of a panel without an error; its picture can be drawn."""
    assert panel.error is None
    assert all(chart.alt for chart in panel.charts.charts)
    assert panel.picture().startswith(b"\x89PNG")
    assert len(panel.frame())
    panel.view.value = "code"
    assert panel.code_box.value == panel.code()
    return panel.result
