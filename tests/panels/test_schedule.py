"""SchedulePanel: a drawn learning rate trains, and what is past stays."""

import json

import numpy as np
import pytest
from chart_reading import mark, marks, move, press, shows, until

import hpkit as hk

QUICK = hk.Hyperparameters(lr=0.1, epochs=6)


@pytest.fixture(autouse=True)
def _not_that_slow(monkeypatch):
    monkeypatch.setattr("hpkit.panels.schedule.SECONDS", 3.0)


def test_a_drawn_schedule_trains_as_fit_does(moons):
    panel = hk.SchedulePanel(moons, QUICK, seeds=2)
    panel.draw([0.05, 0.1, 0.15, 0.1, 0.02, 0])
    constant, cosine, mine = panel.wait(60).runs.settings

    assert (constant, cosine) == (QUICK, QUICK.but(schedule="cosine"))
    assert mine.schedule == (0.5, 1, 1.5, 1, 0.2, 0)
    for row, setting in zip(panel.runs.val_loss, panel.runs.settings, strict=True):
        np.testing.assert_array_equal(row[1], hk.fit(moons, setting, seed=1).val_loss)
    drawn = mark(panel.charts.charts[0], "line", draw="drawn")
    np.testing.assert_allclose(drawn.columns[1][0], mine.rates(), rtol=1e-6)
    json.dumps([chart.spec() for chart in panel.charts.charts])  # a page can take it
    means = panel.runs.mean_val_loss
    assert "Stopped" not in panel.result
    assert f"yours <b>{means[2]:#.3g}</b> (at the end " in shows(panel)
    assert panel.charts.charts[0].x.ticks.tolist() == [2, 4, 6]
    assert not marks(panel.charts.charts[0], "rule")  # of the epoch in training
    assert panel.frame().lr_yours.tolist() == pytest.approx(mine.rates())
    lines, names = panel.code().rsplit("\n", 1), {}
    exec(lines[0], names)
    np.testing.assert_array_equal(eval(lines[1], names), means)


def test_train_clears_the_old_curves_at_once_and_takes_what_is_drawn(moons):
    panel = hk.SchedulePanel(moons, QUICK, seeds=1).wait(60)
    panel.train_button.click()
    until(lambda: panel.runs.epochs_done.max() == 0)
    until(lambda: "after epoch 0" in panel.result)
    with panel.live.lock:
        past = panel.begun  # 0, unless others work beside it
        panel.draw([0.05] * 6)
        assert panel.watched  # it stays slow
    until(lambda: panel.runs.epochs_done.max() > past)
    assert not panel.stop_button.disabled
    press(panel, "stop")

    assert panel.stop_button.disabled  # nothing runs
    assert panel.runs.settings[-1].schedule == (1,) * past + (0.5,) * (6 - past)


def begun(moons):
    panel = hk.SchedulePanel(moons, QUICK, seeds=1)
    panel.train_button.click()
    until(lambda: panel.begun >= 2)
    return panel


def test_what_is_drawn_meanwhile_counts_from_the_next_epoch_on(moons):
    panel = begun(moons)
    with panel.live.lock:  # no epoch begins meanwhile
        past = panel.begun
        panel.draw([0.01] * 6)
        assert panel.shape.value == ""
    mine = panel.wait(60).runs.settings[-1]

    assert mine.schedule == (1,) * past + (0.1,) * (6 - past)
    again = hk.fit(moons, mine)
    np.testing.assert_array_equal(panel.runs.val_loss[2, 0], again.val_loss)
    assert panel.begun == 0
    panel.draw([0.01] * 6)  # afterwards a new training begins
    assert panel.wait(60).runs.settings[-1].schedule == (0.1,) * 6


def test_a_shape_is_drawn_over_and_the_rate_scales_it(moons):
    panel = hk.SchedulePanel(moons, QUICK.but(warmup=0.5), seeds=1)
    assert panel.wait(60).runs.settings[-1].schedule == (0.25, 0.5, 0.75, 1, 1, 1)
    assert panel.shape.value == ""  # no shape's name says what is drawn with warm-up
    assert hk.SchedulePanel(moons, QUICK, seeds=1).shape.value == "constant"
    panel.shape.value = "linear"
    move(panel, panel.lr, 0.3)

    assert {s.lr for s in panel.runs.settings} == {0.3}
    np.testing.assert_allclose(
        panel.runs.settings[-1].rates(),
        QUICK.but(lr=0.3, schedule="linear").rates(),
        atol=2e-4,
    )


def test_stop_keeps_what_there_is_and_says_so(moons):
    panel = press(begun(moons), "stop")
    assert f"Stopped after epoch {panel.runs.epochs_done.max()}: " in shows(panel)
    assert "at the end" not in panel.result
    panel.lr.value = 0
    assert "lr" in panel.result
    panel.lr.value = 1e6
    assert "yours diverged with 1 of 1 seed" in shows(panel.wait(60))
