"""Lists of values, as a learner writes them; a guess before the result."""

import math
import re
import time
from functools import partial
from operator import attrgetter
from unittest.mock import Mock

import numpy as np
import pytest
from chart_reading import curve, marks, move, outputs, press

import hpkit as hk
from hpkit.charts.searches import value_axis
from hpkit.data.datasets import load_dataset
from hpkit.hyperparameters import Hyperparameters
from hpkit.panels.controls import Entry, parse_values, pick_knob, written
from hpkit.text import value_text

OWN = (2, True, 0.5, "gelu", None, (16, 8), (3,))  # of a learner's own model


@pytest.mark.parametrize(
    ("name", "text", "values"),
    [
        ("lr", "0.001 to 10 in 5", (0.001, 0.01, 0.1, 1, 10)),
        ("epochs", "10 to 30 in 3", (10, 20, 30)),
        ("batch_size", "4 to 64 in 5", (4, 8, 16, 32, 64)),
        ("optimizer", "adam,sgd", ("adam", "sgd")),
        ("lr", "0.1 0.2;0.3\uff0c 0.4", (0.1, 0.2, 0.3, 0.4)),
        ("batch_size", "16 to 400 in 3", (16, 80, 400)),
        ("epochs", "100 to 128 in 5", (100, 107, 114, 121, 128)),
        ("lr", "0.123 to 4.567 in 2", (0.123, 4.567)),
        ("lr", "1 to 1.2 in 4", (1, 1.06, 1.13, 1.2)),  # digits enough to differ
        ("lr", "0,1; 0,3; 1", (0.1, 0.3, 1)),
        ("lr", "1,3", (1, 3)),
        ("lr", "[10, 0.3]", (10, 0.3)),
        ("lr", "0.101 to 0.109 in 3", (0.101, 0.105, 0.109)),
        ("batch_size", "16,32;64", (16, 32, 64)),
        ("lr", "0.01,0.1;1", (0.01, 0.1, 1)),
        ("weight_decay", "0 to 0.1 in 3", (0.0, 0.05, 0.1)),
        ("optimizer", "adam sgd", ("adam", "sgd")),
        ("heads", "2, True, 0.5, 'gelu', None, (16, 8), (3,)", OWN),
        ("hidden", "4, 8", ((4, 4, 4), (8, 8, 8))),  # each for all layers
        ("heads", "2 to 8 in 3", (2, 5, 8)),
        ("heads", "0 to 1 in 3", (0, 0.5, 1)),
        ("hidden", None, ((4, 8), (16,), (), (32, 32))),  # given in code
        ("lr", None, (0.1234567891, 0.1, 1e-07, 3.0)),
    ],
)
def test_values_end_where_the_learner_says(name, text, values):
    exact = text is None or name in ("optimizer", "heads", "hidden")
    wanted = values if exact else pytest.approx(values)
    assert parse_values(name, text or written(values), layers=3) == wanted
    if name != "heads":
        assert parse_values(name, written(values)) == values  # what is read back
    assert name == "heads" or len(set(value_axis(name, values)[1])) == len(values)


WAY = r"0\.001 to 10 in 9, got"
WRONG = dict.fromkeys(("fast", "", "1 to 2 in", "1 to b in 3", "1 to 2 in x"), WAY)
WRONG |= {"-1": "lr must be > 0", "1, 1": "must differ", "nan": WAY, "1 to 2 in 0": WAY}
WRONG["0.001 to 1 in 90000000"] = "100 at most, got 90000000"


@pytest.mark.parametrize("text", WRONG)
def test_values_that_are_no_list_say_the_way_out_at_once(text):
    start = time.process_time()
    with pytest.raises(ValueError, match=WRONG[text]):
        parse_values("lr", text)
    assert time.process_time() - start < 1
    with pytest.raises(ValueError, match="put text in quotes"):
        parse_values("heads", "gelu, relu")


def test_entry_counts_its_values_and_says_what_is_wrong():
    entry = Entry("lr", "0.001 to 10 in 5", 2)
    assert entry.note.value == "5 values: 0.001, 0.01, 0.1, 1, 10"
    entry.text.value = "0.1, 1"
    assert entry.note.value == "2 values"
    entry.text.value = "3"
    assert entry.note.value == "1 value"
    entry.text.value = "0.1, <b>"
    assert "&lt;b&gt;" in entry.note.value
    assert "role='alert'" in entry.note.value
    entry.which.value = "batch_size"
    entry.text.value = "8, 16"
    assert entry.wrong is None
    many = Entry("lr", np.geomspace(0.01, 1, 30), 2)
    assert many.note.value == "30 values"
    many.text.value = "0.01 to 0.1 in 3"
    assert many.note.value == "3 values: 0.01, 0.032, 0.1"


@pytest.mark.parametrize("value", [0, 0.9])
def test_a_slider_over_a_list_says_where_it_stands(value):
    knob = pick_knob("momentum", (0, 0.9), value)
    assert knob.children[0].children[1].value == f"{value}"
    knob.value = 0.5  # joins the list
    assert knob.children[0].children[1].value == "0.5"


@pytest.mark.parametrize("name", ["wine", "coin_flips"])
def test_first_lists_hold_no_batch_larger_than_the_data(name):
    data = load_dataset(name)
    grid = hk.GridPanel(data, base=Hyperparameters(epochs=5))
    path = hk.OneAtATimePanel(data)
    for panel, space in ((grid, grid.found.space), (path, path.space)):
        assert panel.error is None
        assert max(space["batch_size"]) == len(data.train.y)
    grid.entries[0].which.value = "hidden"
    grid.entries[1].which.value = "epochs"
    grid.entries[1].which.value = "batch_size"
    assert grid.entries[1].wrong is None
    assert max(grid.entries[1].values) == len(data.train.y)


def test_an_error_of_our_own_is_not_told_as_a_wrong_list(monkeypatch):
    entry = Entry("lr", "0.1, 1", 2)
    fault = Mock(side_effect=ValueError("a fault of hpkit"))
    monkeypatch.setattr("hpkit.panels.controls.parse_values", fault)
    with pytest.raises(ValueError, match="a fault of hpkit"):
        entry.text.value = "0.1, 2"
    assert entry.wrong is None


QUICK = Hyperparameters(lr=0.3, epochs=5)


def control(name):
    return lambda panel: panel.controls[name]


CURVE = partial(hk.ValidationCurvePanel, base=QUICK, param_range=[0.01, 0.1])
BOWL, ODD = lambda _: hk.BowlPanel(steps=1), [0, 2.5, 101, math.nan]
BOXES = {  # by the name of a box: its panel, where it is, what it refuses, a way out
    "lr": (hk.TrainingPanel, control("lr"), [-1, 0], "try 0.001 to 1"),
    "epochs": (hk.TrainingPanel, control("epochs"), [-5, 2.5], "try 10 to 100"),
    "learning rate": (BOWL, attrgetter("lr"), [-3, 100], "try 1"),
    "seeds": (CURVE, attrgetter("seeds"), [0, 2.5, -1, 501], "try 1 to 500"),
    "models": (lambda _: hk.CoinFlipsPanel(), attrgetter("count"), ODD, "try 1 to 100"),
}


@pytest.mark.parametrize("name", BOXES)
def test_wrong_number_is_told_and_changes_nothing(moons, name):
    make, find, refused, way = BOXES[name]
    panel = make(moons).wait(60)
    box, trained, numbers = find(panel), panel._trained, panel.frame()
    there = box.value
    for typed in refused:
        box.source.set_state({"value": typed})  # as the browser tells it
        said = rf"hp-error'>{name} must be [^<>]*, got {typed:g}; .*{way}\."
        assert re.search(said, panel.wait(60).charts.get_state()["sentence"])
        assert (box.value, panel._trained) == (there, trained)
        assert panel.frame().equals(numbers)

    box.source.set_state({"value": 2})
    assert panel.wait(60).error is None
    assert "must be" not in panel.result
    assert (box.value, type(box.value)) == (2, type(there))
    assert not panel.frame().equals(numbers)


def test_guess_comes_before_the_result(moons, monkeypatch):
    more = {"param_range": [0.01, 0.3], "seeds": 1, "predict": True}
    panel = hk.ValidationCurvePanel(moons, "lr", QUICK, **more)
    assert "hp-covered" in panel._dom_classes
    assert "Make your guess first" in panel.result
    assert "0.3" not in panel.result
    shown = outputs(monkeypatch)
    panel._ipython_display_()  # a page that is only read has nobody to guess
    assert "learning rate 0.3" in shown[1][0]["text/plain"]
    assert "<details><summary>Made your guess?" in shown[1][0]["text/html"]
    panel.guess.button.click()  # nothing is drawn yet
    assert "Draw it first" in panel.guess.answer.value
    panel.guess.widget.charts.calls["draw"]([0.3, 0.4])
    panel.guess.button.click()

    assert "hp-covered" not in panel._dom_classes
    assert "Your guess: <b>lowest at 0.01</b>" in panel.result
    panel._show_saved()
    assert "<details>" not in shown[-1][0]["text/html"]
    panel.end()
    assert "learning rate 0.3" in panel.result


def test_guess_for_an_unsorted_list_is_drawn_from_left_to_right(moons):
    more = {"param_range": [0.3, 0.001, 0.03], "seeds": 1, "predict": True}
    panel = hk.ValidationCurvePanel(moons, "lr", QUICK, **more)
    assert panel.guess.widget.at.tolist() == [0.001, 0.03, 0.3]
    high, low, middle = panel.found.mean_val_loss[[1, 0, 2]]
    panel.guess.widget.charts.calls["draw"]([high, middle, low])
    panel.guess.button.click()
    assert panel.guess.off < 0.001
    assert "lowest at 0.3" in panel.result


def test_guess_of_a_curve_of_diverged_settings_is_not_judged(moons):
    base = QUICK.but(epochs=2)
    rates = {"param_range": [1e6, 1e7], "predict": "draw", "seeds": 1}
    panel = hk.ValidationCurvePanel(moons, "lr", base, **rates)
    panel.guess.widget.charts.calls["draw"]([0.3, 0.4])
    panel.guess.button.click()
    assert "nan" not in panel.result


@pytest.mark.parametrize("kind", [hk.TrainingPanel, hk.ValidationCurvePanel])
def test_curve_is_drawn_as_a_guess(moons, kind):
    panel = kind(moons, base=QUICK, predict="draw")
    drawing = panel.guess.widget
    assert "owest" not in panel.result
    heights = [0.5] * len(drawing.at)
    heights[3] = 0.1
    drawing.charts.calls["draw"](heights)
    assert drawing.value.index(min(drawing.value)) == 3
    panel.guess.button.click()

    if kind is hk.TrainingPanel:
        lowest, chart = "0.10 at epoch 2", panel.charts.charts[0]
        truth = np.interp(drawing.at, np.arange(6), panel.run.val_loss)
    else:
        lowest = f"at {value_text(panel.values.values[3])}"
        chart = panel.charts.charts[1]
        np.testing.assert_allclose(drawing.at, panel.values.values, rtol=1e-6)
        truth = np.minimum(panel.found.mean_val_loss, 1.5)
        truth[panel.found.runs.diverged.any(1)] = np.nan
    assert f"Your guess: <b>lowest {lowest}</b>" in panel.result
    mine = curve(chart, color="purple")
    np.testing.assert_allclose(mine, [drawing.at, heights], rtol=1e-6)
    assert panel.guess.box.layout.display == "none"
    off = np.nanmean(np.abs(truth - heights))
    assert f"your points were <b>{off:.2f}</b> off." in panel.result
    press(panel, "train" if kind is hk.TrainingPanel else "start")
    assert "Your guess" in panel.result

    move(panel, panel.controls["batch_size"].source, 64)  # it was about another one
    assert "guess" not in panel.result
    chart = panel.charts.charts[kind is hk.ValidationCurvePanel]
    assert not marks(chart, "line", color="purple")


def test_drawing_begins_at_the_loss_of_a_network_that_knows_nothing():
    data = load_dataset("digits")
    panel = hk.ValidationCurvePanel(data, base=QUICK, seeds=1, predict="draw")
    (chart,) = panel.guess.widget.charts.charts
    np.testing.assert_allclose(curve(chart)[1], np.log(10), atol=1e-3)
    assert chart.y.domain == (0, 3)
