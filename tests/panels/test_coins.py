"""CoinFlipsPanel: the luck of the best of many."""

import re

import numpy as np
import pytest
from chart_reading import curve, mark, shows, until

from hpkit.charts.still import still
from hpkit.engine.training import fit
from hpkit.hyperparameters import Hyperparameters
from hpkit.panels import CoinFlipsPanel
from hpkit.panels.choosing import best_so_far


def test_coin_flips_best_is_lucky_on_validation_only():
    panel = CoinFlipsPanel(models=50).wait(20)

    assert len(panel.valid) == len(panel.test) == 100
    best = best_so_far(panel.valid[: panel.count.value])[-1]
    assert panel.valid[best] == panel.valid[:50].max() > 0.55
    assert 0.44 < panel.test[best] < 0.56
    assert "50 models" in shows(panel)
    panel.count.value = 1
    assert len(panel.frame()) == 1
    assert "One model has" in panel.result
    panel.count.value = 100
    assert "best of 100 models" in panel.result


@pytest.mark.parametrize("typed", [2.5, 0, -1, 101, 1e12, float("nan")])
def test_count_that_is_none_is_refused_in_words(typed):
    panel = CoinFlipsPanel(models=50).wait(20)
    panel.count.set_state({"value": typed})  # as the browser tells it

    assert panel.count.value == 50
    assert re.search("models must be .*, got .*; type one from 1 to 100", panel.result)
    panel.count.set_state({"value": 3})
    assert panel.count.value == 3
    assert "models must be" not in panel.result


def test_coin_flips_agree_with_one_model_alone():
    panel = CoinFlipsPanel().wait(20)
    setting = Hyperparameters(lr=0.1, hidden=(16,), epochs=20)
    run = fit(panel.dataset, setting, seed=7)
    assert panel.valid[7] == pytest.approx(run.val_accuracy[-1], abs=0.03)


def test_coin_flips_again_are_others_from_the_first_number_on():
    panel = CoinFlipsPanel(models=5).wait(20)
    before, panel.count.value = panel.valid, 100
    panel.again.click()
    panel.wait(20)

    assert panel.error is None
    assert (panel.valid != before).any()
    assert panel.count.value == len(panel.frame()) == 5


def test_coin_flips_run_tries_one_after_the_other_and_stops():
    panel = CoinFlipsPanel(models=2).wait(20)
    panel.run_button.click()
    until(lambda: panel.count.value >= 5)
    rows = panel.table_box.value.count("<tr>")
    panel.stop_button.click()
    panel.wait(1)

    assert panel.error is None
    assert rows >= 3
    assert 5 <= panel.count.value < 100
    assert len(panel.frame()) == panel.count.value


NAMES_OF_LINES = "best, validation", "same model, test"


def test_coin_flips_picture_climbs_in_steps():
    panel = CoinFlipsPanel(models=20).wait(20)
    (chart,) = panel.charts.charts
    best, same = (curve(chart, label=name)[1] for name in NAMES_OF_LINES)
    drawn = still([chart]).axes[0].get_lines()

    assert {line.get_drawstyle() for line in drawn if len(line.get_xdata()) > 2} == {
        "steps-post"
    }
    table = panel.frame()
    np.testing.assert_allclose(best, table.best_val_accuracy, rtol=1e-6)
    np.testing.assert_allclose(same, table.its_test_accuracy, rtol=1e-6)


def test_coin_flips_keep_the_guess_for_other_flips():
    panel = CoinFlipsPanel(models=5, predict=True).wait(20)
    panel.guess.widget.value = 80
    panel.guess.button.click()
    before = panel.frame()
    panel.again.click()
    panel.wait(20)

    assert "Your guess: <b>80%</b>" in shows(panel)
    guess = mark(panel.charts.charts[0], "rule").columns[0].item()
    assert guess == pytest.approx(0.8)
    assert not panel.frame().equals(before)
