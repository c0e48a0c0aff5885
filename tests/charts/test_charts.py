"""`LiveCharts` without a browser: what is sent, what is told, and its scripts."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from hpkit._cli.environment import ROOT
from hpkit.charts.spec import Axis, Chart, line, points
from hpkit.panels.controls import LiveCharts

X = np.arange(200)


def chart(curves, chosen, label="a"):
    marks = [
        line(X, curves, click="curve", label=label),
        line(X, curves[chosen], width=3, draw="guess"),
        points([0], [0.5], click="point"),
    ]
    return Chart(Axis("epoch", (0, 200)), Axis("loss"), marks)


@pytest.fixture
def sent(monkeypatch):
    """Collect the messages of all widgets: (state, buffers)."""
    messages = []

    def send(self, msg, buffers=None):
        messages.append((msg["state"], buffers))

    monkeypatch.setattr(LiveCharts, "_send", send)
    return messages


def test_only_what_changed_is_sent(sent):
    curves = np.random.default_rng(0).random((8, 200))
    live = LiveCharts(widths=(1, 1))
    live.show([chart(curves, 0), chart(curves, 0)], sentence="first")

    live.show([chart(curves, 0), chart(curves, 1)])
    live.show([chart(curves, 0), chart(curves, 1, "b")], sentence="second")
    live.show([chart(curves, 0), chart(curves, 1, "b")], sentence="second")

    first, click, label = [m for m in sent if "picture" in m[0]]
    assert "_esm" not in [key for state, _ in sent for key in state]
    assert set(first[0]) == {"c0", "c1", "sentence", "picture"}  # bytes are buffers
    assert len(first[1]) == 6
    assert set(click[0]) == {"picture"}
    assert [len(buffer) for buffer in click[1]] == [4 + 2 * 8 + 2 * 4 * 200]
    assert set(label[0]) == {"c1", "sentence", "picture"}
    assert [state["picture"] for state, _ in (first, click, label)] == [1, 2, 3]


def test_a_page_that_is_opened_later_gets_all():
    curves = np.zeros((2, 200))
    live = LiveCharts(widths=(3, 2))
    live.show([chart(curves, 0), chart(curves, 1)])

    state = live.get_state(drop_defaults=True)

    assert state["widths"] == [3, 2]
    assert {f"c{i}m{k}" for i in (0, 1) for k in (0, 1, 2)} < set(state)
    assert "export default {" in state["_esm"]
    assert "import" not in state["_esm"]
    assert "--hp-blue:#0072B2" in state["_css"]
    assert state["_anywidget_id"]  # without it the script draws nothing


def hear(live, **event):
    live._handle_custom_msg(event, [])


def test_a_click_is_told_by_the_name_of_its_mark():
    told = []
    live = LiveCharts(calls={"point": told.append})
    live.show([chart(np.zeros((2, 200)), 0)])
    for name, value in (("else", 0), ("point", 1)):
        hear(live, type="click", name=name, chart=0, mark=2, value=value)
    assert told == [1]


def test_a_drawing_is_told_and_numbers_that_the_page_has_changed_are_sent_again(sent):
    told = []
    live = LiveCharts(calls={"guess": told.append})
    first = chart(np.zeros((2, 200)), 0)
    live.show([first])
    hear(live, type="draw", name="guess", chart=0, mark=1, value=[0.5] * 200)
    assert told == [[0.5] * 200]

    live.show([first])
    live.show([first])

    pictures = [sorted(state) for state, _ in sent if "picture" in state]
    assert pictures == [["c0", "picture"], ["picture"]]
    assert len(sent[-1][1]) == 1  # the numbers of mark 1


SCRIPTS = sorted([*ROOT.glob("hpkit/**/*.js"), *ROOT.glob("notebooks/page/*.js")])


@pytest.mark.parametrize("path", SCRIPTS, ids=[path.name for path in SCRIPTS])
def test_the_linter_finds_no_fault_in_a_script_that_is_short_and_readable(path):
    program = shutil.which("oxlint", path=Path(sys.executable).parent) or "oxlint"
    command = [program, "-D", "correctness", "--deny-warnings", path]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    lines = path.read_text("utf-8").splitlines()
    assert len(lines) <= 700
    assert max(map(len, lines)) <= 100
