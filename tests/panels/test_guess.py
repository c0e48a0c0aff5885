"""A guess before the result: a curve that is drawn, shown beside it, and kept."""

import numpy as np
import pytest
from chart_reading import curve, marks

from hpkit import TrainingPanel, ValidationCurvePanel
from hpkit.data.datasets import load_dataset
from hpkit.hyperparameters import Hyperparameters
from hpkit.store import guesses
from hpkit.text import shown

QUICK = Hyperparameters(lr=0.3, epochs=5)


def test_guess_comes_before_the_result(moons, monkeypatch):
    more = {"param_range": [0.01, 0.3], "seeds": 1, "predict": True}
    panel = ValidationCurvePanel(moons, "lr", QUICK, **more)
    assert "hp-covered" in panel._dom_classes
    assert "Make your guess first" in panel.result
    assert "0.3" not in panel.result
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda data, **_: shown.append(data))
    panel._ipython_display_()  # a page that is only read has nobody to guess
    assert "learning rate 0.3" in shown[1]["text/plain"]
    panel.guess.button.click()  # nothing is drawn yet
    assert "Draw it first" in panel.guess.answer.value
    panel.guess.widget.charts.calls["draw"]([0.3, 0.4])
    panel.guess.button.click()

    assert panel.error is None
    assert "hp-covered" not in panel._dom_classes
    assert "Your guess: <b>lowest at 0.01</b>" in panel.result
    panel.end()
    assert "learning rate 0.3" in panel.result


@pytest.mark.parametrize("kind", [TrainingPanel, ValidationCurvePanel])
def test_curve_is_drawn_as_a_guess(moons, kind):
    panel = kind(moons, base=QUICK, predict="draw")
    drawing = panel.guess.widget
    assert "owest" not in panel.result
    heights = [0.5] * len(drawing.at)
    heights[3] = 0.1
    drawing.charts.calls["draw"](heights)
    assert drawing.lowest == 3
    panel.guess.button.click()

    if kind is TrainingPanel:
        lowest, chart = "0.10 at epoch 2", panel.charts.charts[0]
        truth = np.interp(drawing.at, np.arange(6), panel.run.val_loss)
    else:
        lowest, chart = f"at {shown(panel.values.values[3])}", panel.charts.charts[1]
        np.testing.assert_allclose(drawing.at, panel.values.values, rtol=1e-6)
        truth = np.minimum(panel.found.mean_val_loss, 1.5)
        truth[panel.found.runs.diverged.any(1)] = np.nan
    assert f"Your guess: <b>lowest {lowest}</b>" in panel.result
    mine = curve(chart, color="purple")
    np.testing.assert_allclose(mine, [drawing.at, heights], rtol=1e-6)
    assert drawing.layout.display == "none"
    off = np.nanmean(np.abs(truth - heights))
    assert f"On average it was <b>{off:.2f}</b> off." in panel.result
    kept = guesses()
    np.testing.assert_allclose(kept[-1], off / np.log(2), atol=1e-4)
    again = "train" if kind is TrainingPanel else "start"
    getattr(panel, f"{again}_button").click()
    panel.wait(60)
    assert guesses() == kept
    assert "Your guess" in panel.result

    panel.controls["batch_size"].source.value = 64  # the guess was about another one
    panel.wait(60)
    assert "guess" not in panel.result
    chart = panel.charts.charts[kind is ValidationCurvePanel]
    assert not marks(chart, "line", color="purple")


def test_drawing_begins_at_the_loss_of_a_network_that_knows_nothing():
    data = load_dataset("digits")
    panel = ValidationCurvePanel(data, base=QUICK, seeds=1, predict="draw")
    (chart,) = panel.guess.widget.charts.charts
    np.testing.assert_allclose(curve(chart)[1], np.log(10), atol=1e-3)
    assert chart.y.domain == (0, 3)
