"""The training panel: set a slider, press a button, read the state."""

import re
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from build import FOLDER
from chart_reading import curve, mark, move, outputs, pasted, press, shows, until, watch
from ipywidgets.widgets.widget import _instances as widgets
from torch import nn

import hpkit as hk
from hpkit import BowlPanel, Dataset, TrainingPanel, fit, load_dataset, present
from hpkit.charts.runs import map_chart, map_pixels
from hpkit.hyperparameters import Hyperparameters
from hpkit.panels.panel import Live
from hpkit.panels.parts import VIEW, WORDS
from hpkit.panels.training import ListedRun

QUICK = Hyperparameters(lr=0.3, epochs=5)
LONG = Hyperparameters(lr=0.1, batch_size=1, epochs=2000)


def val_curve(panel):
    """Return places and heights of the validation curve that is drawn."""
    return curve(panel.charts.charts[0], strong=True)


def pixels(chart):
    return mark(chart, "image").data()


@pytest.fixture
def panel(moons):
    return TrainingPanel(moons, QUICK)


def begin_long(panel):
    """Train a setting that takes long, some epochs of it."""
    panel.controls.setting = LONG
    panel.train_button.click()
    until(lambda: panel.run.setting == LONG and panel.run.epochs_done > 2)


def test_panel_is_never_empty_and_a_slider_trains_and_keeps_one_run(panel, moons):
    assert len(panel.runs) == 1
    np.testing.assert_array_equal(panel.run.val_loss, fit(moons, QUICK).val_loss)
    assert len(val_curve(panel)[1]) == 6
    move(panel, panel.controls["lr"].slider, 0.1)
    assert panel.run.setting == QUICK.but(lr=0.1)
    assert [k.run.setting.lr for k in panel.list.entries] == [0.3, 0.1]
    assert "Best of 2 runs: run 1 (0." in shows(panel)
    np.testing.assert_allclose(val_curve(panel)[1], panel.run.val_loss, rtol=1e-6)
    np.testing.assert_array_equal(pasted(panel)["run"].val_loss, panel.run.val_loss)


def test_fast_moves_on_two_threads_end_in_the_last_values(panel, monkeypatch):
    monkeypatch.setattr(Live.rest, "__defaults__", (2,))  # no move takes so long

    def drag(name, values):
        for value in values:
            panel.controls[name].slider.value = value
            time.sleep(0.002)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(drag, ("lr", "epochs"), ([0.01, 0.1, 1.0] * 20, [3, 5, 4] * 20)))
    moved = time.process_time()
    panel.wait(60)

    assert time.process_time() - moved < 2
    assert panel.run.setting == QUICK.but(lr=1.0, epochs=4)
    assert len(panel.list.entries) == 2  # the first, and where the sliders rested


def test_number_box_takes_a_value_between_the_slider_steps_and_beyond(panel):
    knob = panel.controls["lr"]
    move(panel, knob.source, 0.123)
    assert panel.run.setting.lr == 0.123
    assert knob.slider.value == pytest.approx(0.3 * 10**-0.4)  # the tick next to it
    knob.slider.value = 10 ** round(np.log10(knob.slider.value), 9)  # as a browser does
    assert knob.source.value == 0.123
    knob.source.value = 0.3
    move(panel, knob.slider, 10**-0.4)
    assert panel.run.setting.lr == 0.4
    move(panel, knob.source, 50.0)
    assert panel.run.setting.lr == 50.0
    assert knob.slider.value == pytest.approx(10**knob.slider.max)
    assert 10 <= knob.slider.value < 15
    every = len(panel.dataset.train.y)  # a batch of all points
    move(panel, panel.controls["batch_size"].slider, every)
    assert panel.run.setting.batch_size == every
    assert f"batch size {every}" in panel.result


def test_a_training_out_of_patience_is_whole(moons):
    setting = QUICK.but(lr=1, momentum=0.9, epochs=100, patience=1)
    panel = TrainingPanel(moons, setting, predict="draw").wait(60)
    panel.guess.widget.value = [0.5] * 11
    panel.guess.commit()
    assert panel.run.epochs_done < 100
    at, drawn = panel.guess.drawn
    truth = np.interp(at, range(panel.run.epochs_done + 1), panel.run.val_loss)
    assert panel.guess.off == pytest.approx(np.abs(truth - drawn).mean())
    assert f"Ended at epoch {panel.run.epochs_done} of 100, out of" in panel.result
    press(panel, "remove")
    assert "press Train" in panel.result  # and no error


def test_long_training_is_drawn_until_another_one_replaces_it(panel):
    begin_long(panel)
    seen = watch(panel, lambda: len(val_curve(panel)[1]))
    until(lambda: len(seen) > 5)
    long = seen[:]
    panel.controls.setting = QUICK.but(lr=0.2)
    press(panel, "train")

    assert long == sorted(long)
    assert long[-1] > long[0]
    assert panel.run.setting.lr == 0.2
    assert LONG not in panel.runs.settings


def test_a_long_first_training_gives_way_to_a_control_that_moves(moons, shown_at_once):
    panel = TrainingPanel(moons, LONG)
    panel.controls["epochs"].source.value = 3
    until(lambda: panel.run.setting.epochs == 3)
    panel.wait(60)


def test_half_a_second_is_quick_enough_to_follow_the_slider(panel, monkeypatch):
    for epochs, seconds in ((3, 0.49), (4, 0.51), (5, 0.1)):
        monkeypatch.setattr(panel, "seconds", lambda setting, took=seconds: took)
        move(panel, panel.controls["epochs"].slider, epochs)
        assert panel.controls["lr"].slider.continuous_update == (seconds < 0.5)


def test_what_a_control_shows_counts_once_it_rests(panel, monkeypatch):
    rests = []
    monkeypatch.setattr(panel.live, "rest", lambda: rests.append(1) or ())
    move(panel, panel.controls["lr"].slider, 0.1)
    press(panel, "train")  # a press counts at once
    assert rests == [1]


def test_same_setting_again_is_not_listed_twice_but_with_new_seeds(panel):
    assert "Trained again" not in panel.result
    press(panel, "train")
    assert len(panel.list.entries) == 1
    assert "Trained again: same setting, same seed, same curve" in panel.result
    panel.new_seeds.value = True
    for _ in range(3):
        press(panel, "train")
    assert [k.run.seed for k in panel.list.entries] == [0, 1, 2, 3]
    panel.new_seeds.value = False  # of the run shown, not of a next one
    for lr in (0.2, 0.3):
        panel.controls["lr"].value = lr
        panel.wait()
        assert panel.run.seed == panel.seed == 3


def train_and_stop(panel):
    """Press Train, and Stop after some epochs, long before the end."""
    panel.train_button.click()
    until(lambda: panel.now and panel.now.run.epochs_done > 1)
    press(panel, "stop")


def test_longer_run_takes_the_place_of_a_stopped_one(panel):
    panel.slow.value = True
    panel.controls["epochs"].source.value = 60
    train_and_stop(panel)
    assert panel.run.epochs_done < 60
    panel.slow.value = False
    press(panel, "train")

    assert [k.run.epochs_done for k in panel.list.entries] == [5, 60]


def test_slow_training_can_be_watched_and_its_stop_leaves_the_finished_run(moons):
    panel = TrainingPanel(moons, QUICK.but(epochs=200)).wait(60)
    panel.list.name.value = "mine"
    finished, color = panel.run, panel.list.chosen.color
    assert not panel.slow.value
    took = finished.fit_time
    assert panel.seconds(finished.setting) == pytest.approx(took)
    panel.slow.value = True
    assert panel.seconds(finished.setting) == pytest.approx(max(10, took))
    # What was, not what will be.
    assert re.fullmatch(r"200 epochs computed in [\d.]+ s", panel.status.value)
    assert not panel.controls["lr"].slider.continuous_update

    start = time.monotonic()
    train_and_stop(panel)
    assert panel.run.epochs_done <= 20 * (time.monotonic() - start) + 1
    first, second = panel.list.entries
    assert first.run is finished
    assert (first.name, first.color) == ("mine", color)
    assert 1 < second.run.epochs_done < 200
    assert panel.run is second.run
    assert "Stopped at epoch" in panel.result
    panel.slow.value = False
    press(panel, "train")
    np.testing.assert_array_equal(panel.run.val_loss, finished.val_loss)


def test_slow_training_shows_every_epoch_for_a_moment(panel, monkeypatch):
    naps = []
    clock = SimpleNamespace(perf_counter=lambda: sum(naps), sleep=naps.append)
    clock.monotonic = time.monotonic
    for module in ("training", "panel"):
        monkeypatch.setattr(f"hpkit.panels.{module}.time", clock)
    panel.slow.value = True
    job = panel._training(QUICK, 0)

    assert [*dict.fromkeys(panel.run.epochs_done for _ in job)] == [*range(6)]
    assert sum(naps) == pytest.approx(0.3, abs=0.07)  # 20 epochs a second


def test_lesson_00_names_the_end_of_its_slider_and_it_can_be_watched():
    source = (FOLDER / "src" / "00_start.py").read_text(encoding="utf-8")
    words = " ".join(source.replace("#", " ").split())
    (said,) = re.findall(r"slider for the epochs to the far right, to (\d+),", words)
    (made,) = re.findall(r"start = hk\..+\npanel = hk\.TrainingPanel\(.+\n", source)
    space = {"hk": hk, "moons": load_dataset("moons")}
    exec(made, space)
    panel = space["panel"]

    slider = panel.controls["epochs"].slider
    assert (slider.min, slider.max) == (1, int(said))
    assert list(panel.controls.knobs) == ["lr", "epochs"]
    panel.slow.value = True
    long = panel.controls.setting.but(epochs=int(said))
    assert 8 <= panel.seconds(long) <= 12  # "about ten seconds"


def test_slow_training_goes_on_at_full_speed_once_switched_off(panel, monkeypatch):
    monkeypatch.setattr("hpkit.panels.panel.ANNOUNCE", 0.5)
    panel.slow.value = True
    panel.controls["epochs"].source.value = 1000
    silent = watch(panel, lambda: "aria-live" in panel.charts.get_state()["sentence"])
    until(lambda: panel.scrub.disabled and panel.now.run.epochs_done > 1)
    until(lambda: False in silent)  # how far it is, said now and then
    assert silent.count(True) > silent.count(False)
    start = panel.now.run.epochs_done
    panel.slow.value = False
    panel.wait(40)  # slowly it would be 50 s

    assert start < 100
    assert (panel.run.epochs_done, panel.scrub.disabled) == (1000, False)


def test_chart_and_sentence_move_together_and_never_back(panel):
    def look():
        line, lr = val_curve(panel)[1], panel.run.setting.lr
        np.testing.assert_allclose(line, panel.run.val_loss[: len(line)], rtol=1e-6)
        assert f"lr {lr:g}," in panel.result
        said = panel.charts.get_state("sentence")["sentence"]
        assert ("aria-live='off'" in said) == panel.live.busy  # aloud only at rest
        return lr

    seen = watch(panel, look)
    for step in range(12):
        drawn = len(seen)
        panel.controls["lr"].slider.value = 10 ** (-2 + step / 10)
        until(lambda drawn=drawn: len(seen) > drawn)
    panel.wait(60)

    assert len(set(seen)) > 3
    assert seen == sorted(seen)  # the first run, with 0.3, is never shown between


def test_pinned_curves_are_labeled_by_what_differs(panel):
    def names():
        return mark(panel.charts.charts[0], "line", width=2.2).get("label")

    panel.pin_button.click()
    move(panel, panel.controls["lr"].slider, 0.1)
    assert names() == ["lr 0.3"]
    panel.view.value = "table"
    table = panel.drawer.children[1].value
    assert table.count("<tr") == 1 + 2
    assert f"<td>{panel.run.best_val_loss:.4g}</td>" in table
    panel.remove_button.click()
    panel.new_seeds.value = True
    press(panel, "train")
    assert names() == ["seed 0"]
    assert panel.drawer.children[1].value.count("<tr") == 1 + 2  # a row each
    panel.list.list.index = 0
    panel.list.name.value = "first"
    panel.list.list.index = 1

    assert names() == ["first"]
    panel.list.list.index = 0
    panel.list.name.value = "the very first run"
    panel.list.list.index = 1
    assert names() == ["the ver…st run"]


def test_chosen_run_brings_its_setting_back_into_the_controls(panel):
    panel.controls.setting = QUICK.but(lr=0.123, batch_size=8)
    panel.wait(60)
    panel.list.list.index = 0
    assert panel.controls.setting == panel.run.setting == QUICK
    assert "lr 0.3" in panel.result
    np.testing.assert_allclose(val_curve(panel)[1], panel.run.val_loss, rtol=1e-6)
    assert not panel.live.busy
    panel.list.list.index = 1
    assert panel.controls.setting == QUICK.but(lr=0.123, batch_size=8)
    panel.remove_button.click()

    assert panel.controls.setting == QUICK
    assert len(panel.runs) == 1
    panel.remove_button.click()
    assert panel.run is None
    assert not any(chart.marks for chart in panel.charts.charts)
    assert panel.status.value == ""
    panel.pin_button.click()
    assert panel.error is None
    assert "lr=0.3" in panel.line()
    with pytest.raises(ValueError, match="none; press Train"):
        _ = panel.runs


def test_beside_pins_each_curve_and_cross_says_whose_it_is(moons):
    panel = TrainingPanel(moons, QUICK.but(epochs=30))
    top = panel.charts.charts[0].y.domain[1]
    for lr in (10, 5):  # the last one ends above the chart, but does not diverge
        panel.pin_button.click()
        move(panel, panel.controls["lr"].slider, lr)
        assert ("Diverged" in panel.result) == panel.run.diverged == (lr == 10)
        assert panel.charts.charts[0].y.domain[1] == top or lr == 5  # it stretches none

    chart = panel.charts.charts[0]
    assert mark(chart, "line", strong=True).get("label") == "lr 5"
    others = mark(chart, "line", width=2.2).get("name")
    assert others == ["lr 0.3, validation", "lr 10, validation"]
    lost = mark(chart, "cross")
    assert lost.get("name") == ["lr 5", "lr 10"]
    assert lost.get("label") == ["above the chart", "diverged"]
    at, heights = (
        int(lost.columns[0].flat[0]),
        mark(chart, "line", strong=True).columns[1],
    )
    assert heights[0, at] == np.float32(chart.y.domain[1])  # up to its cross


def test_a_long_session_draws_the_latest_of_its_earlier_runs(panel):
    panel.list.entries[:0] = [ListedRun(panel.run, number) for number in range(99)]
    panel.live.draw()
    assert len(mark(panel.charts.charts[0], "line", color="gray").columns[-1]) == 30


def test_a_click_on_pin_right_after_typing_a_name_pins(panel):
    panel.list.name.value = "mine"  # sent when the click on the button leaves the box
    panel.pin_button.click()
    assert panel.list.chosen.color
    panel.list._named = panel.list.chosen, 0.0  # a while ago
    panel.pin_button.click()
    assert not panel.list.chosen.color


def test_pin_takes_the_run_on_the_chart_while_it_trains(panel):
    panel.slow.value = True
    panel.controls["epochs"].source.value = 60
    panel.train_button.click()
    until(lambda: panel.now and panel.run.epochs_done > 1)
    panel.pause_button.click()
    panel.pin_button.click()
    assert panel.pin_button.description == "Unpin"
    assert not panel.list.chosen.color  # that of the list
    panel.stop_button.click()
    panel.wait(60)
    assert panel.list.chosen.color
    assert 1 < panel.run.epochs_done < 60
    for lr in (0.1, 0.03):  # a move of the slider ends the run before
        panel.controls["lr"].source.value = lr
        until(lambda lr=lr: panel.now and panel.now.run.setting.lr == lr)
        until(lambda: panel.now.run.epochs_done > 1)
        panel.pin_button.click()
    panel.list.pin(first := panel.list.entries[0])
    assert len({first.color, panel.now.color, panel.list.entries[-1].color}) == 3
    panel.list.pin(first)
    panel.stop_button.click()
    panel.wait(60)
    pinned = [entry.run for entry in panel.list.entries if entry.color]
    assert [run.setting.lr for run in pinned] == [0.3, 0.1, 0.03]
    assert all(run.epochs_done < 60 for run in pinned)


def test_pin_name_remove_and_reset(panel):
    for lr in (0.1, 0.03, 0.01):
        move(panel, panel.controls["lr"].slider, lr)
    panel.list.list.index = 1
    panel.list.name.value = "slow & steady"
    panel.list.list.index = 2
    panel.remove_button.click()

    assert [k.run.setting.lr for k in panel.list.entries] == [0.3, 0.1, 0.01]
    assert panel.list.entries[1].color is not None
    assert panel.pin_button.description == "Pin"
    panel.list.list.index = 1
    assert panel.pin_button.description == "Unpin"
    assert "slow & steady" in panel.list.list.options[1].replace("\u00a0", " ")
    panel.new_seeds.value = True
    press(panel, "reset")
    assert [k.run.setting.lr for k in panel.list.entries] == [0.1, 0.3]
    assert panel.controls.setting == QUICK
    assert (panel.new_seeds.value, panel.seed, panel.run.seed) == (False, 0, 0)


def test_a_sixth_pin_shares_the_color_of_the_first(panel):
    panel.pin_button.click()
    for number in range(5):
        move(panel, panel.controls["lr"].slider, 0.1 / 2**number)
        panel.pin_button.click()
    colors = [kept.color for kept in panel.list.entries]
    assert len({*colors}) == 5
    assert colors[5] == colors[0]
    labels = mark(panel.charts.charts[0], "line", width=2.2).get("label")
    assert len({*labels}) == 5  # beside the one drawn strongly


def test_a_refused_value_stays_said_while_it_trains(moons):
    panel = TrainingPanel(moons, QUICK)
    panel.slow.value = True
    panel.controls["epochs"].value = 2000
    until(lambda: panel.now and panel.now.run.epochs_done > 3)
    panel.controls["epochs"].source.set_state({"value": -5})
    done = panel.now.run.epochs_done
    until(lambda: panel.now.run.epochs_done > done + 3)
    assert "epochs must be" in panel.result
    panel.controls["lr"].value = 0.1
    until(lambda: "Training, epoch" in panel.result)
    panel.stop_button.click()
    assert "Stopped" in panel.wait(60).result


def test_a_loss_that_begins_as_nan_does_not_blame_the_learning_rate(moons):
    def spoiled(n_features, n_outputs, setting):
        net = nn.Linear(n_features, n_outputs)
        nn.init.constant_(net.weight, np.nan)
        return net

    panel = hk.TrainingPanel(moons, QUICK, model=spoiled).wait()
    assert "not a number before training" in panel.result


def test_sentence_names_a_run_that_is_the_best():
    small = load_dataset("small_moons")
    panel = TrainingPanel(small, Hyperparameters(lr=0.1, batch_size=10, epochs=60))
    for setting in ({"epochs": 80}, {"epochs": 100}):  # over-fitted long before
        panel.controls.setting = panel.controls.setting.but(**setting)
        panel.wait()
    assert "As low as run 1, the lowest of 3 runs." in panel.result
    panel.list.list.index = 0
    assert " Lowest of 3 runs." in panel.result

    panel.controls.setting = panel.controls.setting.but(lr=0.001, epochs=10)
    panel.wait()
    assert "Best of 4 runs: run 1 (0." in panel.result
    panel = TrainingPanel(small, Hyperparameters(lr=1e-12, epochs=1))
    assert panel.status.value.startswith("1 epoch computed in ")
    panel.controls.setting = panel.controls.setting.but(lr=1e5)
    assert "✕" in panel.wait().result
    assert "Best of 2 runs: run 1 (0." in panel.result
    panel.controls.setting = panel.controls.setting.but(lr=3e-4)
    panel.wait().list.list.index = 0
    assert "As low as run 3, the lowest of 3 runs." in panel.result  # as it is shown


def test_saving_writes_csv_and_png_and_shows_where(panel):
    panel.save_button.click()
    panel.save_button.click()
    table, picture, drawing = panel.save()
    assert str(Path("hpkit-runs/moons-training-2.csv")) in panel.note.value
    assert table.read_text().startswith("run,param_lr,")
    assert panel.frame().equals(panel.runs.history())
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert "<svg" in drawing.read_text()


def test_saved_picture_stands_beside_the_widget_and_follows_it(panel, monkeypatch):
    monkeypatch.setattr("hpkit.panels.panel.SAVE", 0.05)  # seconds of rest
    shown = outputs(monkeypatch)
    for _ in range(2):
        panel._ipython_display_()
    (view, _), (saved, how), _, (again, _) = shown

    assert view[VIEW]["model_id"] == panel.model_id
    assert how["display_id"] == f"saved-{panel.model_id}"
    assert saved == again
    assert "Lowest validation loss" in saved["text/plain"]
    assert len(saved["text/html"]) < 60_000
    assert WORDS["dead"] in saved["text/html"]
    assert 'alt="Train a network on moons. Lowest' in saved["text/html"]
    hidden = f"hp-saved-{panel.model_id}{{display:none}}"
    assert hidden in panel.children[1].children[0].value
    move(panel, panel.controls["lr"], 0.1)
    until(lambda: len(shown) > 4)
    (picture, how) = shown[-1]
    assert how["update"]
    assert "lr 0.1" in picture["text/plain"]
    assert picture["text/html"] != saved["text/html"]


@pytest.mark.parametrize("made", [TrainingPanel, BowlPanel])  # one shares, one not
def test_closing_a_panel_closes_every_widget_of_it(moons, made):
    before = set(widgets)
    panel = made(moons, QUICK) if made is TrainingPanel else made(lr=0.1)
    assert len(set(widgets) - before) > 80
    panel.end()
    panel.wait(60)
    assert set(widgets) - before == set()
    panel._show_saved(again=True)  # its picture was being drawn when it was closed


def test_regression_and_many_features_have_no_map():
    X = np.random.default_rng(0).normal(size=(60, 2))
    panel = TrainingPanel(Dataset.from_arrays(X, X[:, 0] + 0.1), QUICK.but(lr=0.01))
    assert len(panel.charts.charts) == 1
    assert panel.save()[0].exists()


def test_pause_and_go_on_and_stop(panel):
    begin_long(panel)
    panel.pause_button.click()
    assert panel.pause_button.description == "Resume"
    panel.show_setting()
    assert panel.controls.setting == LONG  # not that of the run which is chosen
    until(lambda: "Paused at epoch" in panel.result)
    assert "paused at epoch" in panel.status.value
    seen = [0]  # the step under way ends first
    until(lambda: seen.append(panel.run.epochs_done) or seen[-1] == seen[-2], pause=0.5)
    resting = panel.run.epochs_done
    time.sleep(0.2)
    assert panel.run.epochs_done == resting
    panel.pause_button.click()
    assert panel.pause_button.description == "Pause"
    until(lambda: panel.run.epochs_done > resting)
    panel.pause_button.click()
    press(panel, "stop")
    done = panel.run.epochs_done
    assert resting < done < LONG.epochs
    assert panel.result.startswith(f"Stopped at epoch {done}")
    assert f"{done}/{LONG.epochs}" in panel.list.list.options[-1]
    assert "/" not in panel.list.list.options[0]  # which came to its end


def test_axis_in_updates_and_seconds(panel, moons):
    def unit():
        return panel.charts.charts[0].x.label

    panel.unit.value = "updates"
    assert unit() == "updates"
    assert val_curve(panel)[0].tolist() == [13 * k for k in range(6)]  # 400 / 32
    panel.unit.value = "seconds"
    assert val_curve(panel)[0][-1] == pytest.approx(panel.run.fit_time)
    panel.unit.value = "epochs"
    assert unit() == "epoch"
    assert val_curve(panel)[0].tolist() == list(range(6))
    for batch in (8, 16, 32):
        move(panel, panel.controls["batch_size"].slider, batch)
    for unit, end in (("updates", 250), ("epochs", 5)):  # 400 / 8 in each of 5 epochs
        panel.unit.value = unit
        assert panel.charts.charts[0].x.domain[1] == pytest.approx(1.02 * end)
    panel.list.pin(panel.list.entries[-1])  # then a gray run may leave the chart
    panel.unit.value = "updates"
    assert panel.charts.charts[0].x.domain[1] == pytest.approx(1.02 * 5 * 25)


def test_map_is_of_the_run_shown_and_of_the_epoch_of_the_scrubber(panel, moons):
    before = pixels(panel.charts.charts[1])
    move(panel, panel.controls["lr"].slider, 0.01)
    assert pixels(panel.charts.charts[1]) != before
    panel.list.list.index = 0
    assert pixels(panel.charts.charts[1]) == before
    move(panel, panel.scrub, 2)
    early = pixels(panel.charts.charts[1])
    expected = fit(moons, QUICK.but(epochs=2), seed=0)
    assert pixels(map_chart(moons, map_pixels(expected, "last"))) == early
    assert panel.charts.charts[1].title == "The network at epoch 2"
    assert mark(panel.charts.charts[0], "rule").columns[0] == 2
    panel.unit.value = "updates"
    assert mark(panel.charts.charts[0], "rule").columns[0] == 2 * 13
    move(panel, panel.scrub, 0)
    assert pixels(panel.charts.charts[1]) != early
    assert len(panel.list.entries) == 2
    falling = QUICK.but(epochs=4, schedule=(1, 0.5, 0.2, 0.1))
    other = TrainingPanel(moons, falling).wait()
    move(other, other.scrub, 2)  # as far as there on the same way down
    expected = fit(moons, falling.but(epochs=2, schedule=(1, 0.5)), seed=0)
    early = pixels(other.charts.charts[1])
    assert pixels(map_chart(moons, map_pixels(expected, "last"))) == early


def test_a_way_back_to_an_epoch_of_the_map_can_be_stopped(panel):
    seen = watch(panel, lambda: (panel.stop_button.disabled, panel.epoch))
    move(panel, panel.scrub, 2)
    assert (False, 5) in seen  # while the map is still that of epoch 5


def test_page_is_told_no_epoch_of_the_map_beyond_the_end_that_it_knows(moons):
    panel = TrainingPanel(moons, QUICK, controls=("epochs",)).wait()
    ends, beyond = [panel.scrub.max], []

    def told(key):  # one message
        if key == "max":
            ends.append(panel.scrub.max)
        beyond.append(panel.scrub.value > ends[-1])

    panel.scrub.send_state = told
    for epochs in (40, 3, 20):
        move(panel, panel.controls["epochs"].slider, epochs)
    assert ends[-1] == 20
    assert not any(beyond)


@pytest.mark.parametrize("lr", [0.03, 0.3, 0.1, 0.0007, 1e-5, 20])
def test_learning_rate_stands_on_a_tick_of_its_slider(lr, moons):
    knob = TrainingPanel(moons, QUICK.but(lr=lr)).controls["lr"]
    slider, at = knob.slider, np.log10(lr)
    ticks = (at - slider.min) / slider.step
    assert ticks == pytest.approx(round(ticks), abs=1e-6)
    assert slider.min <= at <= slider.max
    assert slider.min <= -4 + 1e-6
    assert slider.max >= 1 - 1e-6


def test_present_makes_panels_large_and_small_again(panel):
    sheet = panel.children[0]
    plain = sheet.value
    present()
    assert "projector" in sheet.value
    assert "projector" in TrainingPanel(panel.dataset, QUICK).children[0].value
    present(False)
    assert sheet.value == plain
    TrainingPanel(panel.dataset, QUICK).end()
    assert sheet.comm is not None  # that of the other panels, too


def test_stop_before_the_first_epoch_is_said(panel, monkeypatch):
    panel.controls.setting = LONG
    panel.stop()  # moving the controls has started trainings of its own
    panel.wait(60)
    monkeypatch.setattr("hpkit.panels.training.FRAME", 0)  # a step at a time
    panel.train_button.click()
    until(lambda: panel.now is not None)
    press(panel, "stop")

    assert "Stopped at epoch 0 of 2000" in shows(panel)
    assert "0/2000" in panel.list.list.options[-1]
    panel.view.value = "table"
    assert "<td>0.3</td>" in panel.drawer.children[1].value


def test_a_control_that_an_own_model_never_reads_is_refused(moons):
    def model(n_features, n_outputs, setting):
        layers = nn.Dropout(setting.dropout), nn.Linear(n_features, n_outputs)
        return nn.Sequential(*layers)

    panel = TrainingPanel(moons, QUICK, model=model, controls=("lr", "dropout"))
    assert panel.wait(60).run.ended
    with pytest.raises(ValueError, match=r"must read .* got 'hidden', .*; check"):
        TrainingPanel(moons, QUICK, model=model, controls=("lr", "hidden"))
