"""ValidationCurvePanel: what a learner does with it."""

import time
from dataclasses import replace

import numpy as np
import pytest
from chart_reading import curve as line_of
from chart_reading import mark, marks, move, press, until
from matplotlib.colors import to_rgb

from hpkit import ValidationCurvePanel
from hpkit.charts.still import still
from hpkit.hyperparameters import TABLE, Hyperparameters
from hpkit.search.searches import validation_curve
from hpkit.text import label

QUICK = Hyperparameters(lr=0.3, epochs=5)


@pytest.fixture
def curve(moons):
    made = ValidationCurvePanel(
        moons, "lr", QUICK, param_range=[0.001, 0.03, 0.3, 10], seeds=2
    )
    yield made
    made.stop()
    made.wait(60)


def test_curve_panel_shows_what_the_search_gives(curve, moons):
    found = validation_curve(
        moons, QUICK, param_name="lr", param_range=[0.001, 0.03, 0.3, 10], seeds=(0, 1)
    )

    assert curve.error is None
    np.testing.assert_array_equal(curve.found.val_loss, found.val_loss)
    calm = ~found.diverged.any(1)
    x, y = line_of(curve.charts.charts[1], width=2.6)
    np.testing.assert_allclose(x, [0.001, 0.03, 0.3], rtol=1e-6)
    np.testing.assert_allclose(y, found.mean_val_loss[calm], rtol=1e-6)
    cross = mark(curve.charts.charts[1], "cross")
    assert cross.columns[0].size == (~calm).sum() == 1
    assert cross.get("label") == "diverged"
    ring = mark(curve.charts.charts[1], "ring")
    assert ring.get("label") == [f"lowest {found.mean_val_loss[2]:.3g} at 0.3"]
    assert "0.3" in curve.result
    assert len(curve.list.options) == 4


def test_curve_panel_answers_while_a_slider_moves(curve, monkeypatch):
    answers, show = [], curve.charts.show

    def shown(charts, **more):
        answers.append(curve.found.base)
        show(charts, **more)

    monkeypatch.setattr(curve.charts, "show", shown)
    for size in (8, 16, 64, 128) * 3:
        drawn = len(answers)
        curve.controls["batch_size"].slider.value = size
        until(lambda drawn=drawn: len(answers) > drawn)
    curve.wait(60)

    assert curve.found.finished
    assert curve.found.base.batch_size == 128
    assert curve.error is None
    assert len({base.batch_size for base in answers}) >= 2
    assert curve.before.base.batch_size == 32


@pytest.mark.parametrize("name", list(TABLE))
def test_curve_panel_of_every_hyperparameter(curve, name, moons):
    offered = [value for _, value in curve.values.which.options]
    if name in offered:
        curve.values.text.value = TABLE["lr"].usual
        curve.values.which.value = name
    else:
        curve = ValidationCurvePanel(moons, name, QUICK, seeds=2)
    press(curve, "start")

    assert curve.error is None
    assert (name in offered) == TABLE[name].usual_name
    assert curve.found.param_name == name
    assert curve.found.finished
    assert curve.charts.charts[1].x.label == TABLE[name].label
    assert curve.picture().startswith(b"\x89PNG")


def test_curve_panel_chooses_by_list_and_by_click(curve):
    curve.list.index = 0
    _, strong = line_of(curve.charts.charts[0], strong=True)
    assert mark(curve.charts.charts[0], "line", strong=True).get("label") == "0.001"
    np.testing.assert_allclose(strong, curve.found.val_loss[0].mean(0), rtol=1e-6)
    curve.charts.calls["point"](1)
    assert curve.list.index == curve.focus == 1
    curve.charts.calls["curve"](2)
    assert curve.list.index == curve.focus == 2


def test_curve_panel_shows_what_is_wrong_with_the_values(curve):
    curve.values.text.value = "fast"
    assert "values must be a list" in curve.values.note.value
    move(curve, curve.values.text, "0.01, 0.1")
    assert curve.error is None
    assert curve.values.note.value == "2 values"
    assert len(curve.found.settings) == 2


def test_curve_panel_waits_for_start_when_it_would_take_long(curve):
    move(curve, curve.values.which, "epochs")
    move(curve, curve.controls["batch_size"].slider, 2)
    curve.pace = 1e-5  # as on a slow computer
    move(curve, curve.values.text, "10000, 20000")

    assert "That is long" in curve.status.value
    assert curve.found.settings[-1].epochs == 80
    curve.start_button.click()
    until(lambda: curve.found.settings[0].epochs == 10_000)
    until(lambda: curve.found.cost.epochs)
    start = time.process_time()
    press(curve, "stop")
    assert time.process_time() - start < 1
    assert not curve.found.finished


def test_dots_have_the_colors_of_their_training_curves(moons):
    curve = ValidationCurvePanel(
        moons, "lr", QUICK, param_range=[0.3, 0.001, 10, 0.03], seeds=2
    )

    many = mark(curve.charts.charts[0], "line", click="curve")
    colors = many.get("color")
    light_to_dark = [colors[i] for i in (1, 3, 0, 2)]
    assert light_to_dark == sorted(colors, key=lightness, reverse=True)
    assert len(set(colors)) == 4
    assert mark(curve.charts.charts[1], "points", click="point").get("color") == colors
    assert mark(curve.charts.charts[1], "cross").get("color") == [colors[2]]
    # At their ends, but for the one drawn strongly and the one that diverged.
    assert many.get("label") == [None, "0.001", None, "0.03"]


def lightness(color):
    """Return how light a color looks, roughly."""
    return np.array(to_rgb(color)) @ [0.2126, 0.7152, 0.0722]


def test_diverged_setting_is_chosen_by_its_cross(curve):
    assert "Chosen" not in curve.result  # it is the best
    curve.choose(0)
    assert "Chosen: learning rate 0.001, loss 0." in curve.result
    assert "lowest mean validation loss" in curve.result
    curve.charts.calls["cross"](0)

    assert "Chosen: learning rate 10, where at least one seed diverged." in curve.result
    curves, validation = curve.charts.charts
    here = mark(validation, "points", shape="diamond")
    assert here.get("legend") == "chosen"
    # Below its cross.
    np.testing.assert_allclose(here.columns[0], mark(validation, "cross").columns[0])
    assert here.columns[1].item() < validation.y.domain[1]
    left = mark(curves, "cross")
    assert (left.get("label"), left.get("name")) == ("diverged", "lr 10")
    curve.charts.calls["point"](0)
    assert marks(curve.charts.charts[0], "cross") == []
    assert max(map(len, curve.code().splitlines())) <= 88


def test_stopped_search_says_how_far_it_came(moons):
    panel = ValidationCurvePanel(
        moons, "lr", QUICK.but(batch_size=1), param_range=[0.01, 0.1], seeds=1
    )
    panel.controls["epochs"].source.value = 500
    panel.start_button.click()
    until(lambda: panel.found.cost.epochs > 10 and not panel.found.finished)
    press(panel, "stop")

    done = panel.found.cost.epochs
    assert f"Stopped after {done} of 1000 epochs" in panel.result
    assert "The lowest" in panel.result
    assert panel.status.value == f"stopped: {done} of 1000 epochs"


def test_search_stopped_before_its_first_epoch_shows_the_one_before(moons):
    panel = ValidationCurvePanel(moons, "lr", QUICK, param_range=[0.01, 0.1], seeds=1)
    before = panel.found
    search = panel._searching(iter([before_training(before)]))
    next(search)
    assert not panel.found.cost.epochs
    search.close()
    panel._draw()

    assert panel.found is before
    assert "Stopped before the first epoch" in panel.result


def before_training(found):
    """Return a search in which nothing was trained for an epoch."""
    runs = found.runs
    none = {"epochs_done": np.zeros_like(runs.epochs_done)}
    return replace(found, runs=replace(runs, **none), finished=False)


@pytest.mark.parametrize("typed", [0, 2.5, -1, 501])
def test_wrong_number_of_seeds_is_told(curve, typed):
    before = curve.found
    move(curve, curve.seeds, typed)

    assert "seeds must be" in curve.result
    assert f"got {typed}" in curve.result
    assert (curve.found, curve.seeds.value) == (before, typed)
    move(curve, curve.seeds, 2)
    assert curve.error is None
    assert curve.found.seeds == (0, 1)


def test_long_search_waits_and_says_that_the_result_is_of_before(curve):
    move(curve, curve.controls["epochs"].source, 100_000)
    assert "hp-stale" in curve._dom_classes
    assert "Still the result of the values before" in curve.result
    move(curve, curve.controls["epochs"].source, 5)
    assert "hp-stale" not in curve._dom_classes


def test_still_picture_names_its_lines(curve):
    figure = still(curve.charts.charts, curve.widths)

    curves, validation = figure.axes
    said = [text.get_text() for text in curves.texts]
    assert [text for text in said if text] == ["0.001", "0.03", "0.3", "learning rate"]
    assert (curves.get_xlabel(), validation.get_xlabel()) == ("epoch", "learning rate")
    keys = [text.get_text() for text in validation.get_legend().get_texts()]
    assert keys == ["spread over seeds", "chosen"]
    said = {text.get_text() for text in validation.texts}
    loss = curve.found.mean_val_loss[2]
    assert said == {"diverged", f"lowest {loss:.3g} at 0.3"}


def test_an_earlier_curve_and_a_guess_stay_on_their_axis(curve):
    move(curve, curve.values.text, "0.01, 0.1")
    x, y = line_of(curve.charts.charts[1], color="gray", legend="earlier")
    np.testing.assert_allclose(x, [0.001, 0.03, 0.3], rtol=1e-6)
    np.testing.assert_allclose(y, curve.before.mean_val_loss[:3], rtol=1e-6)
    move(curve, curve.values.which, "batch_size")
    assert not marks(curve.charts.charts[1], "line", legend="earlier")


def test_curve_says_what_is_as_good(moons):
    panel = ValidationCurvePanel(
        moons, "lr", QUICK.but(epochs=20), param_range=[0.01, 0.6, 0.8], seeds=10
    )
    assert len(panel.found.ties) == 1
    tied = label(panel.found.ties[0], ("lr",))
    assert f"10 seeds cannot tell it from {tied}." in panel.result
