"""Panels without a browser: set a slider, press a button, read the state."""

import re
import threading
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from build import FOLDER

import hpkit as hk
from hpkit.data.datasets import Dataset, load_dataset
from hpkit.engine.training import fit
from hpkit.hyperparameters import Hyperparameters
from hpkit.panels import (
    BowlPanel,
    GridPanel,
    OneAtATimePanel,
    SearchRacePanel,
    SeedsPanel,
    TestBoxPanel,
    TrainingPanel,
    ValidationCurvePanel,
    present,
)
from hpkit.panels import live as live_module
from hpkit.panels.cells import ink_on, shade
from hpkit.panels.controls import NAMES, NEW, SAME
from hpkit.panels.curve import shades
from hpkit.panels.live import Live
from hpkit.panels.racers import halving_count
from hpkit.panels.stills import still
from hpkit.panels.values import DEFAULTS, parse_values
from hpkit.search.searches import grid_search, validation_curve
from hpkit.search.stages import cuts_of, one_at_a_time

QUICK = Hyperparameters(lr=0.3, epochs=5)
LONG = Hyperparameters(lr=0.1, batch_size=1, epochs=2000)


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def moons():
    return load_dataset("moons")


@pytest.fixture
def panel(moons):
    made = TrainingPanel(moons, QUICK)
    yield made
    made.stop()
    made.wait(5)


def until(condition, seconds=5):
    """Wait for a condition; fail when it does not come."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "did not happen in time"
        time.sleep(0.01)


# ---- the mechanism -----------------------------------------------------------------


def test_live_newest_job_wins():
    done, live = [], Live(lambda: None, lambda error: None)

    def job(number):
        for _ in range(5):
            time.sleep(0.005)
            yield
        done.append(number)

    for number in range(50):
        live.start(job(number), replace=False)
    live.wait(5)

    assert done[-1] == 49
    assert len(done) <= 3


def test_live_replace_ends_the_running_job():
    ended, live = [], Live(lambda: None, lambda error: None)

    def endless():
        try:
            while True:
                time.sleep(0.005)
                yield
        finally:
            ended.append("endless")

    live.start(endless())
    time.sleep(0.05)
    live.start(iter_once := (n for n in range(1)))
    live.wait(5)

    assert ended == ["endless"]
    assert list(iter_once) == []


def test_live_wait_of_no_time_ends_at_once_if_busy():
    go = threading.Event()
    live = Live(lambda: None, lambda error: None)

    def job():
        yield go.wait(10)

    live.wait(0)  # nothing runs
    live.start(job())
    begun = time.perf_counter()
    with pytest.raises(TimeoutError, match="still trains after 0 s"):
        live.wait(0)
    waited = time.perf_counter() - begun
    go.set()
    live.wait(5)

    assert waited < 1


def test_live_draws_often_and_at_the_end():
    state, drawn = [0], []
    live = Live(lambda: drawn.append(state[0]), lambda error: None)

    def job():
        for n in range(100):
            state[0] = n + 1
            time.sleep(0.005)
            yield

    live.start(job())
    live.wait(10)

    assert drawn[-1] == 100
    assert 5 <= len(drawn) <= 25  # about 15 a second for half a second or more


def test_live_now_is_done_and_drawn_when_it_returns():
    steps, drawn = [], []
    live = Live(lambda: drawn.append(len(steps)), lambda error: None)

    live.now(steps.append(n) for n in range(3))

    assert drawn == [3]
    assert not live.busy


def test_live_job_writes_down_what_it_has_before_the_last_picture():
    order = []
    live = Live(lambda: order.append("drawn"), lambda error: None)

    def job():
        try:
            while True:
                started.set()
                yield False
        finally:
            order.append("written")

    started = threading.Event()
    live.start(job())
    started.wait(5)
    live.stop()
    live.wait(5)

    assert order[order.index("written") + 1 :] == ["drawn"]


def test_live_thread_does_not_keep_python_from_ending():
    live = Live(lambda: None, lambda error: None)

    def job():
        daemons.append(threading.current_thread().daemon)
        yield

    daemons = []
    live.start(job())
    live.wait(5)

    assert daemons == [True]


def test_live_error_is_shown_and_the_next_job_runs():
    errors, ran, live = [], [], None
    live = Live(lambda: None, errors.append)

    def bad():
        yield
        raise RuntimeError("broken")

    def good():
        ran.append(True)
        yield

    live.start(bad())
    live.wait(5)
    live.start(good())
    live.wait(5)

    assert [str(e) for e in errors] == ["broken"]
    assert ran == [True]


def test_live_stopped_before_the_thread_begins():
    closed, live = [], Live(lambda: None, lambda error: None)

    def job():
        try:
            while True:
                yield
        finally:
            closed.append(True)

    with live.lock:  # the thread waits for it
        live.now(job(), seconds=0)
        assert live.busy
        live.stop()
    live.wait(5)

    assert closed
    assert not live.busy


def test_live_pause_rests_and_resume_goes_on():
    steps, live = [], Live(lambda: None, lambda error: None)

    def job():
        for n in range(200):
            steps.append(n)
            time.sleep(0.002)
            yield

    live.start(job())
    until(lambda: len(steps) > 5)
    live.pause()
    time.sleep(0.05)
    resting = len(steps)
    time.sleep(0.1)

    assert live.paused
    assert len(steps) <= resting + 1
    live.resume()
    live.wait(5)
    assert len(steps) == 200


def test_live_wait_tells_when_time_is_over():
    live = Live(lambda: None, lambda error: None)

    def endless():
        while True:
            time.sleep(0.01)
            yield

    live.start(endless())
    with pytest.raises(TimeoutError, match="still trains"):
        live.wait(0.2)
    live.stop()
    live.wait(5)


class Stoppable:
    """As much of a panel as `stop_earlier` sees."""

    stopped = 0

    def stop(self):
        self.stopped += 1


def test_live_panels_of_an_earlier_run_of_their_cell_are_stopped(monkeypatch):
    monkeypatch.setattr(live_module, "_makers", {})
    #         cell  its run  kind; panels that it stops
    runs = [
        ("a", "1", "training", []),
        ("a", "1", "training", []),  # two in one run of a cell live side by side
        ("b", "2", "training", []),  # nor does another cell stop any
        ("a", "3", "grid", [0, 1]),  # the cell again, whatever it makes now
        ("a", "3", "grid", []),
        ("a", "4", "grid", [3, 4]),  # and again: each is stopped once
        ("c", None, "grid", []),  # a front end that does not number its runs
    ]
    panels = []
    for cell, execution, kind, stops in runs:
        monkeypatch.setattr(
            live_module, "running_cell", lambda at=(cell, execution): at
        )
        before = [panel.stopped for panel in panels]
        panel = Stoppable()

        live_module.stop_earlier(panel, kind)

        stopped = [a.stopped - b for a, b in zip(panels, before, strict=True)]
        assert [n for n, times in enumerate(stopped) if times] == stops
        assert sum(stopped) == len(stops)
        panels.append(panel)
    assert panels[-1].stopped == 0


def test_live_panels_of_a_script_are_stopped_by_the_next_of_their_kind(monkeypatch):
    monkeypatch.setattr(live_module, "_makers", {})
    monkeypatch.setattr(live_module, "running_cell", lambda: (None, None))
    first, other, second, third = (Stoppable() for _ in range(4))

    for panel, kind in ((first, 1), (other, 2), (second, 1), (third, 1)):
        live_module.stop_earlier(panel, kind)

    assert [p.stopped for p in (first, other, second, third)] == [1, 0, 1, 0]


# ---- the training panel ------------------------------------------------------------


def test_panel_is_never_empty(panel, moons):
    assert panel.error is None
    assert len(panel.runs) == 1
    np.testing.assert_array_equal(
        panel.run.val_loss, fit(moons, QUICK, seed=0).val_loss
    )
    assert len(panel.chart.val.y) == 6


def test_slider_trains_and_keeps_one_run(panel):
    panel.controls["lr"].slider.value = 0.1
    panel.wait(5)

    assert panel.run.setting == QUICK.but(lr=0.1)
    assert [k.run.setting.lr for k in panel.list.kept] == [0.3, 0.1]
    np.testing.assert_allclose(panel.chart.val.y, panel.run.val_loss)


def test_fifty_fast_moves_end_in_the_last_value_and_no_queue(panel):
    for step in range(50):
        panel.controls["lr"].slider.value = 0.01 * 10 ** (step / 25)
        time.sleep(0.004)
    moved = time.monotonic()
    panel.wait(5)

    assert time.monotonic() - moved < 2
    assert panel.run.setting.lr == pytest.approx(0.91, rel=0.02)
    assert (
        len(panel.list.kept) == 2
    )  # the first, and the one at which the slider rested


def test_number_box_takes_a_value_between_the_slider_steps(panel):
    knob = panel.controls["lr"]
    knob.source.value = 0.123
    panel.wait(5)

    assert panel.run.setting.lr == 0.123
    assert knob.slider.value == pytest.approx(0.3 * 10**-0.4)  # the tick next to it
    knob.slider.value = 10 ** round(np.log10(knob.slider.value), 9)  # as a browser does
    assert knob.source.value == 0.123


def test_number_box_may_go_beyond_the_slider(panel):
    panel.controls["lr"].source.value = 50.0
    panel.wait(5)

    slider = panel.controls["lr"].slider
    assert panel.run.setting.lr == 50.0
    assert slider.value == pytest.approx(10**slider.max)
    assert 10 <= slider.value < 15


def test_slider_step_after_a_typed_value(panel):
    knob = panel.controls["lr"]
    knob.source.value = 0.3
    knob.slider.value = 10**-0.4
    panel.wait(5)

    assert panel.run.setting.lr == 0.4


def test_half_an_epoch_is_refused_in_words(panel):
    box, before = panel.controls["epochs"].source, panel.run
    box.value = 2.5
    panel.wait(5)
    assert panel.run is before
    assert "epochs must be" in panel.result.value
    assert "2.5" in panel.result.value
    box.value = 3
    panel.wait(5)

    assert panel.run.setting == QUICK.but(epochs=3)
    assert type(panel.run.setting.epochs) is int


def test_batch_size_goes_up_to_all(panel, moons):
    panel.controls["batch_size"].slider.value = 400
    panel.wait(5)

    assert panel.run.setting.batch_size == len(moons.train.y)
    assert "400" in panel.sentence(False)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("momentum", 0.9),
        ("weight_decay", 0.01),
        ("optimizer", "adam"),
        ("optimizer", "rmsprop"),
        ("hidden", (32, 32)),
        ("activation", "tanh"),
        ("dropout", 0.2),
    ],
)
def test_other_controls(moons, name, value):
    panel = TrainingPanel(moons, QUICK.but(lr=0.01), controls=(name,))

    panel.controls[name].value = value
    panel.wait(5)

    assert getattr(panel.run.setting, name) == value
    assert panel.run.setting.lr == 0.01
    assert panel.error is None


def test_stop_keeps_what_was_trained(panel):
    panel.controls.setting = LONG
    panel.train_button.click()
    until(lambda: panel.run.setting == LONG and panel.run.epochs_done > 1)

    start = time.monotonic()
    panel.stop_button.click()
    panel.wait(5)

    assert time.monotonic() - start < 1
    assert 1 < panel.run.epochs_done < 2000
    assert "Stopped" in panel.result.value


def test_train_replaces_the_running_training(panel):
    panel.controls.setting = LONG
    panel.train_button.click()
    until(lambda: panel.now is not None and panel.run.setting == LONG)
    panel.controls.setting = QUICK.but(lr=0.2)
    panel.train_button.click()
    panel.wait(5)

    assert panel.run.setting.lr == 0.2
    assert LONG not in panel.runs.settings


def test_long_training_is_drawn_while_it_goes(panel):
    panel.controls.setting = LONG
    panel.stop()  # moving the controls has started trainings of its own
    panel.wait(30)
    seen = []
    panel.train_button.click()
    until(lambda: panel.now and panel.now.run.setting == LONG, seconds=30)
    panel.chart.val.observe(lambda change: seen.append(len(change["new"])), "y")
    until(lambda: len(seen) > 5, seconds=60)
    panel.stop()
    panel.wait(30)

    assert seen == sorted(seen)
    assert seen[-1] > seen[0]


def test_long_training_follows_the_slider_only_on_release(panel):
    panel.controls.setting = QUICK.but(batch_size=1, epochs=200)
    panel.wait(60)
    seconds = panel.seconds(panel.controls.setting)

    assert panel.controls.continuous == (seconds < 0.5)
    panel.controls["epochs"].slider.value = 5
    panel.wait(60)
    assert panel.controls.continuous


def test_seed_new_changes_the_seed_after_each_run(panel):
    panel.seeds.value = "new"
    for _ in range(3):
        panel.train_button.click()
        panel.wait(5)

    assert [k.run.seed for k in panel.list.kept] == [0, 1, 2, 3]


def test_same_setting_again_is_not_listed_twice(panel):
    assert "Trained again" not in panel.result.value
    panel.train_button.click()
    panel.wait(5)

    assert len(panel.list.kept) == 1
    assert "Trained again: same setting, same seed, same curve" in panel.result.value


def train_and_stop(panel):
    """Press Train, and Stop after some epochs, long before the end."""
    panel.train_button.click()
    until(lambda: panel.now and panel.now.run.epochs_done > 1, seconds=30)
    panel.stop_button.click()
    panel.wait(30)


def test_stopped_repeat_leaves_the_finished_run_alone(moons):
    panel = TrainingPanel(moons, QUICK.but(epochs=60))
    panel.list.name.value = "mine"
    finished, color = panel.run, panel.list.chosen.color
    panel.slow.value = True
    train_and_stop(panel)

    first, second = panel.list.kept
    assert first.run is finished
    assert (first.name, first.color) == ("mine", color)
    assert 1 < second.run.epochs_done < 60
    assert panel.run is second.run
    said = panel.result.value
    assert "Stopped at epoch" in said
    assert "A longer run of this setting stays in the list: \u201cmine\u201d." in said


def test_longer_run_takes_the_place_of_a_stopped_one(moons):
    panel = TrainingPanel(moons, QUICK)
    panel.slow.value = True
    panel.controls["epochs"].source.value = 60
    train_and_stop(panel)
    assert panel.run.epochs_done < 60
    panel.slow.value = False
    panel.train_button.click()
    panel.wait(30)

    assert [k.run.epochs_done for k in panel.list.kept] == [5, 60]
    assert "longer run" not in panel.result.value


def test_slow_training_can_be_watched_and_stopped(moons):
    panel = TrainingPanel(moons, QUICK.but(epochs=200))
    assert not panel.slow.value
    assert panel.seconds(panel.run.setting) < 2
    panel.slow.value = True
    assert panel.seconds(panel.run.setting) >= 10
    assert not panel.controls.continuous

    start = time.monotonic()
    train_and_stop(panel)
    assert panel.run.epochs_done <= 20 * (time.monotonic() - start) + 1
    panel.slow.value = False
    panel.train_button.click()
    panel.wait(30)
    np.testing.assert_array_equal(
        panel.run.val_loss, fit(moons, QUICK.but(epochs=200), seed=0).val_loss
    )


def test_lesson_00_names_the_end_of_its_slider_and_it_can_be_watched():
    source = (FOLDER / "src" / "00_start.py").read_text(encoding="utf-8")
    words = " ".join(source.replace("#", " ").split())
    (said,) = re.findall(r"slider for the epochs to the far right, to (\d+),", words)
    (made,) = re.findall(r"start = hk\..+\npanel = hk\.TrainingPanel\(.+\n", source)
    space = {"hk": hk, "moons": load_dataset("moons")}
    exec(made, space)
    panel = space["panel"]

    assert panel.controls["epochs"].slider.max == int(said)
    assert list(panel.controls.knobs) == ["lr", "epochs"]
    panel.slow.value = True
    long = panel.controls.setting.but(epochs=int(said))
    assert 8 <= panel.seconds(long) <= 12  # "about ten seconds"


def test_slow_training_goes_on_at_full_speed_when_it_is_switched_off(moons):
    panel = TrainingPanel(moons, QUICK)
    panel.slow.value = True
    panel.controls["epochs"].source.value = 2000
    until(lambda: panel.now and panel.now.run.epochs_done > 1)
    start = panel.now.run.epochs_done
    panel.slow.value = False
    panel.wait(60)  # slowly it would be 100 s

    assert start < 100
    assert panel.run.epochs_done == 2000


def test_chart_and_sentence_move_together_and_never_back(panel, monkeypatch):
    seen, show = [], panel._draw

    def draw():
        show()
        line = np.asarray(panel.chart.val.y)
        np.testing.assert_array_equal(line, panel.run.val_loss[: len(line)])
        seen.append(panel.run.setting.lr)
        assert f"lr {seen[-1]:g}," in panel.result.value

    panel.live.draw = draw
    for step in range(12):
        panel.controls["lr"].slider.value = 10 ** (-2 + step / 10)
        time.sleep(0.05)
    panel.wait(30)

    assert panel.error is None
    assert len(set(seen)) > 3
    assert seen == sorted(seen)  # the first run, with 0.3, is never shown between


def test_only_a_result_at_rest_is_read_aloud(panel):
    roles, show = [], panel._draw

    def draw():
        show()
        roles.append((panel.live.busy, "role='status'" in panel.result.value))

    panel.live.draw = draw
    panel.controls["lr"].slider.value = 0.1
    panel.wait(30)

    assert len(roles) > 1
    assert all(aloud != busy for busy, aloud in roles)


def test_header_says_what_was_not_what_will_be(moons):
    panel = TrainingPanel(moons, LONG.but(epochs=80))
    panel.wait(60)

    assert panel.seconds(LONG) > 0.5
    assert re.fullmatch(r"[\d.]+ s for 80 epochs", panel.status.value)


NETWORKS = {(): "none", (16,): "16", (16, 16): "16-16", (16, 16, 16): "16-16-16"}


def test_a_network_reads_the_same_everywhere(moons):
    from hpkit.panels.values import places
    from hpkit.plots.words import short
    from hpkit.text import label

    base = QUICK.but(epochs=1)
    panel = TrainingPanel(moons, base, controls=("hidden",))
    curve = ValidationCurvePanel(moons, "hidden", base, param_range=list(NETWORKS))
    for hidden, words in NETWORKS.items():
        panel.list.add(fit(moons, base.but(hidden=hidden)))
        panel._draw()
        said = f"hidden layers {words}, " if hidden else "no hidden layers, "
        assert said in panel.result.value
        assert label(base.but(hidden=hidden), ["hidden"]) == said[:-2]
        assert short(base.but(hidden=hidden), ["hidden"]) == f"hidden {words}"
    rows = [row.split() for row, _ in panel.list.list.options]
    assert [row[1] for row in rows] == ["16-16", "none", "16", "16-16-16"]
    listed = [row.split()[1] for row in curve.list.options]
    assert listed == list(NETWORKS.values())
    assert list(places(list(NETWORKS))[1].values()) == list(NETWORKS.values())
    widths = [(n,) * 3 for n in (2, 64)]
    assert list(places(widths)[1].values()) == ["2-2-2", "64-64-64"]


def test_pinned_curves_are_labeled_by_what_differs(panel):
    names = panel.chart.names
    panel.list.pin_button.click()
    panel.controls["lr"].slider.value = 0.1
    panel.wait(30)
    assert list(names.text) == ["lr 0.3"]
    panel.list.remove_button.click()
    panel.seeds.value = "new"
    panel.train_button.click()
    panel.wait(30)
    assert list(names.text) == ["seed 0"]
    panel.list.list.index = 0
    panel.list.name.value = "first"
    panel.list.list.index = 1

    assert list(names.text) == ["first"]


def test_chosen_run_brings_its_setting_back_into_the_controls(panel):
    panel.controls.setting = QUICK.but(lr=0.123, batch_size=8)
    panel.wait(30)
    panel.list.list.index = 0
    assert panel.controls.setting == QUICK
    assert not panel.live.busy
    panel.list.list.index = 1
    assert panel.controls.setting == QUICK.but(lr=0.123, batch_size=8)
    panel.list.remove_button.click()

    assert panel.controls.setting == QUICK
    assert len(panel.runs) == 1


def test_pin_name_remove_and_reset(panel):
    for lr in (0.1, 0.03, 0.01):
        panel.controls["lr"].slider.value = lr
        panel.wait(5)
    panel.list.list.index = 1
    panel.list.name.value = "slow & steady"
    panel.list.list.index = 2
    panel.list.remove_button.click()

    assert [k.run.setting.lr for k in panel.list.kept] == [0.3, 0.1, 0.01]
    assert panel.list.kept[1].color is not None
    assert panel.list.pin_button.description == "Pin"
    panel.list.list.index = 1
    assert panel.list.pin_button.description == "Unpin"
    assert "slow & steady" in panel.list.list.options[1][0].replace("\u00a0", " ")
    panel.seeds.value = NEW
    panel.reset_button.click()
    panel.wait(5)
    assert [k.run.setting.lr for k in panel.list.kept] == [0.1, 0.3]
    assert panel.controls.setting == QUICK
    assert (panel.seeds.value, panel.seed, panel.run.seed) == (SAME, 0, 0)


def test_list_shows_an_earlier_run(panel):
    panel.controls["lr"].slider.value = 0.01
    panel.wait(5)
    panel.list.list.index = 0

    assert panel.run.setting.lr == 0.3
    assert "lr 0.3" in panel.result.value
    np.testing.assert_allclose(panel.chart.val.y, panel.run.val_loss)


def test_sentence_names_all_runs_that_are_the_best():
    small = load_dataset("small_moons")
    panel = TrainingPanel(small, Hyperparameters(lr=0.1, batch_size=10, epochs=60))
    for setting in ({"epochs": 80}, {"epochs": 100}):  # over-fitted long before
        panel.controls.setting = panel.controls.setting.but(**setting)
        panel.wait()
    assert "Best of the 3 runs, tied with run 1 and run 2." in panel.result.value

    panel.controls.setting = panel.controls.setting.but(lr=0.001, epochs=10)
    panel.wait()
    said = panel.result.value

    assert "Best of 4 runs: run 1 and run 2 and run 3 (0." in said


def test_diverged_run_does_not_stretch_the_axis(moons):
    digits = load_dataset("digits")
    panel = TrainingPanel(digits, Hyperparameters(lr=0.1, hidden=(32,), epochs=3))
    top = panel.chart.figure.axes[1].scale.max
    panel.controls["lr"].slider.value = 10
    panel.wait(10)

    assert panel.run.diverged
    assert panel.chart.figure.axes[1].scale.max == top
    assert panel.chart.left.visible
    assert panel.chart.left.y[0] == top
    assert "Diverged" in panel.result.value


def test_error_of_a_learners_model_is_shown_and_the_next_run_works(moons):
    broken = [True]

    def model(n_features, n_outputs, setting):
        if broken:
            raise RuntimeError("no <such> layer")
        return torch.nn.Linear(n_features, n_outputs)

    panel = TrainingPanel(moons, QUICK, model=model)
    assert isinstance(panel.error, RuntimeError)
    assert "no &lt;such&gt; layer" in panel.result.value
    broken.clear()
    panel.train_button.click()
    panel.wait(5)

    assert panel.error is None
    assert panel.run.setting == QUICK


def test_error_of_a_callback_is_shown(panel, monkeypatch):
    monkeypatch.setattr(type(panel), "save", lambda self: 1 / 0)

    panel.save_button.click()

    assert isinstance(panel.error, ZeroDivisionError)
    assert "ZeroDivisionError" in panel.result.value


def test_wrong_arguments_raise_at_once(moons):
    with pytest.raises(ValueError, match="batch_size must be at most"):
        TrainingPanel(moons, Hyperparameters(batch_size=10_000))
    with pytest.raises(ValueError, match="controls must be one of"):
        TrainingPanel(moons, controls=("speed",))
    with pytest.raises(TypeError, match="a data set must be"):
        TrainingPanel([1, 2])


def test_second_panel_of_a_kind_stops_the_first(moons):
    first = TrainingPanel(moons, QUICK)
    first.controls.setting = LONG
    first.train_button.click()
    until(lambda: first.now is not None)
    second = TrainingPanel(moons, QUICK)
    first.wait(5)

    assert not first.live.busy
    assert second.error is None


def test_saving_writes_csv_and_png_and_shows_where(panel):
    panel.save_button.click()
    panel.save_button.click()
    table, picture, drawing = panel.save()

    assert "hpkit-runs/moons-training-2.csv" in panel.note.value
    assert table.read_text().startswith("run,param_lr,")
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert "<svg" in drawing.read_text()


def test_shown_code_gives_the_same_run(panel):
    panel.view.value = len(panel.view.options) - 1
    names = {}
    exec(panel.code_box.value, names)

    np.testing.assert_array_equal(names["run"].val_loss, panel.run.val_loss)


def test_picture_is_the_same_each_time_and_words_say_how_to_revive(panel):
    bundle, metadata = panel._repr_mimebundle_()

    assert bundle["image/png"] == panel._repr_mimebundle_()[0]["image/png"]
    assert metadata["image/png"]["alt"] in bundle["text/plain"]
    assert "run this cell again" in bundle["text/plain"].lower()
    assert "Lowest validation loss" in bundle["text/plain"]
    assert "application/vnd.jupyter.widget-view+json" in bundle


def test_regression_and_many_features_have_no_map():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 2))
    panel = TrainingPanel(Dataset.from_arrays(X, X[:, 0] + 0.1), QUICK.but(lr=0.01))

    assert panel.map is None
    assert panel.error is None
    assert panel.save()[0].exists()


def test_callbacks_on_other_threads_keep_the_state_whole(panel):
    def drag(name, values):
        for value in values:
            panel.controls[name].slider.value = value
            time.sleep(0.002)

    threads = [
        threading.Thread(target=drag, args=("lr", [0.01, 0.1, 1.0] * 20)),
        threading.Thread(target=drag, args=("epochs", [3, 4, 5] * 20)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    panel.wait(10)

    assert panel.error is None
    assert panel.run.setting == QUICK.but(lr=1.0)


def test_map_changes_with_the_run_shown(panel):
    before = panel.map.ground.image.value
    panel.controls["lr"].slider.value = 0.01
    panel.wait(5)
    after = panel.map.ground.image.value
    panel.list.list.index = 0

    assert after != before
    assert panel.map.ground.image.value == before


# ---- the bowl ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lr", "words"),
    [
        (0.3, "stays on one side"),
        (1.0, "ends at the bottom"),
        (1.5, "lands lower"),
        (2.0, "to and fro"),
        (2.2, "diverges"),
    ],
)
def test_bowl_steps_are_gradient_descent(lr, words):
    bowl = BowlPanel(lr=lr)
    w = -4.0
    for _ in range(4):
        bowl.step_button.click()
        w = w - lr * w

    assert bowl.error is None
    assert bowl.path[-1] == pytest.approx(w)
    assert words in bowl.result.value
    names = {}
    exec(bowl.code(), names)
    assert names["w"] == pytest.approx(w)


def test_bowl_diverges_exactly_above_two_over_the_curvature():
    bowl = BowlPanel(lr=0.9, curvature=2.0, steps=20)
    assert abs(bowl.path[-1]) < 4
    bowl.lr.value = 1.1
    assert abs(bowl.path[-1]) > 4
    assert bowl.out.visible
    bowl.curvature.value = 1.0
    assert abs(bowl.path[-1]) < 4
    assert not bowl.out.visible


def test_bowl_runs_stops_and_goes_back():
    bowl = BowlPanel(lr=0.1)
    bowl.run_button.click()
    until(lambda: bowl.steps >= 2)
    bowl.stop_button.click()
    bowl.wait(2)
    stopped = bowl.steps
    assert 2 <= stopped < 20
    bowl.reset_button.click()
    assert bowl.steps == 0
    assert bowl.error is None


# ---- the validation curve ----------------------------------------------------------


@pytest.fixture
def curve(moons):
    made = ValidationCurvePanel(
        moons, "lr", QUICK, param_range=[0.001, 0.03, 0.3, 10], seeds=2
    )
    yield made
    made.stop()
    made.wait(5)


def test_curve_panel_shows_what_the_search_gives(curve, moons):
    found = validation_curve(
        moons, QUICK, param_name="lr", param_range=[0.001, 0.03, 0.3, 10], seeds=(0, 1)
    )

    assert curve.error is None
    np.testing.assert_array_equal(curve.found.val_loss, found.val_loss)
    calm = ~found.diverged.any(1)
    np.testing.assert_allclose(curve.line.y, found.mean_val_loss[calm])
    assert len(curve.out.x) == (~calm).sum() == 1
    assert "0.3" in curve.result.value
    assert len(curve.list.options) == 4


def test_curve_panel_answers_while_a_slider_moves(curve):
    answers = []
    curve.line.observe(lambda change: answers.append(curve.found.base), "y")
    for size in (8, 16, 64, 128) * 3:
        curve.controls["batch_size"].slider.value = size
        time.sleep(0.02)
    curve.wait(10)

    assert curve.found.finished
    assert curve.found.base.batch_size == 128
    assert curve.error is None
    assert len({base.batch_size for base in answers}) >= 2
    assert curve.before.base.batch_size == 32


@pytest.mark.parametrize("name", list(DEFAULTS))
def test_curve_panel_of_every_hyperparameter(curve, name):
    curve.values.text.value = DEFAULTS["lr"]
    curve.values.which.value = name
    curve.start_button.click()
    curve.wait(30)

    assert curve.error is None
    assert curve.found.param_name == name
    assert curve.found.finished
    assert curve.chart.axes[0].label == NAMES[name]
    assert curve.picture().startswith(b"\x89PNG")


def test_curve_panel_chooses_by_list_and_by_click(curve):
    curve.list.index = 0
    assert "0.001" in curve.over.value
    np.testing.assert_allclose(curve.strong.y, curve.found.val_loss[0].mean(0))

    curve._clicked(None, {"data": {"index": 1}})
    assert curve.list.index == curve.focus == 1


def test_curve_panel_shows_what_is_wrong_with_the_values(curve):
    curve.values.text.value = "fast"
    assert "values must be a list" in curve.values.note.value
    curve.values.text.value = "0.01, 0.1"
    curve.wait(5)

    assert curve.error is None
    assert curve.values.note.value == "2 values"
    assert len(curve.found.settings) == 2


def test_curve_panel_waits_for_start_when_it_would_take_long(curve):
    curve.values.which.value = "epochs"
    curve.wait(10)
    curve.controls["batch_size"].slider.value = 2
    curve.wait(10)
    curve.pace = 1e-5  # as on a slow computer
    curve.values.text.value = "10000, 20000"
    curve.wait(10)

    assert "That is long" in curve.status.value
    assert curve.found.settings[-1].epochs == 80
    curve.start_button.click()
    until(lambda: curve.found.settings[0].epochs == 10_000)
    start = time.monotonic()
    curve.stop_button.click()
    curve.wait(5)
    assert time.monotonic() - start < 1
    assert not curve.found.finished


def test_curve_panel_code_gives_the_same(curve):
    names = {}
    exec(curve.code(), names)

    np.testing.assert_array_equal(names["found"].val_loss, curve.found.val_loss)


def test_values_as_a_learner_writes_them():
    assert parse_values("lr", "0.001 to 10 in 5") == (0.001, 0.01, 0.1, 1, 10)
    assert parse_values("epochs", "10 to 30 in 3") == (10, 20, 30)
    assert parse_values("batch_size", "4 to 64 in 5") == (4, 8, 16, 32, 64)
    assert parse_values("hidden", "4, 8", layers=3) == ((4, 4, 4), (8, 8, 8))
    assert parse_values("optimizer", "adam,sgd") == ("adam", "sgd")
    with pytest.raises(ValueError, match="lr must be > 0"):
        parse_values("lr", "-1")
    with pytest.raises(ValueError, match="must differ"):
        parse_values("lr", "1, 1")


# ---- the grid ----------------------------------------------------------------------

LISTS = {"lr": [0.01, 0.3, 10.0], "batch_size": [16, 64]}


@pytest.fixture
def grid(moons):
    made = GridPanel(
        moons, base=QUICK, x_values=LISTS["lr"], y_values=LISTS["batch_size"], seeds=2
    )
    yield made
    made.stop()
    made.wait(5)


def test_grid_panel_shows_what_the_search_gives(grid, moons):
    found = grid_search(moons, QUICK, seeds=(0, 1), **LISTS)

    assert grid.error is None
    np.testing.assert_array_equal(grid.found.val_loss, found.val_loss)
    assert grid.map.numbers.text.tolist().count("✕") == found.diverged.any(1).sum() > 0
    column = LISTS["lr"].index(found.best.lr)
    row = LISTS["batch_size"].index(found.best.batch_size)
    assert (grid.map.best.x.mean().round(), grid.map.best.y.mean().round()) == (
        pytest.approx(column, abs=0.3),
        pytest.approx(row, abs=0.3),
    )


def test_grid_panel_click_shows_the_cell(grid):
    grid._clicked(1, 0)
    assert grid.found.settings[grid.focus] == QUICK.but(lr=0.3, batch_size=16)
    assert "lr 0.3, batch 16" in grid.chosen_name.value
    np.testing.assert_allclose(
        grid.curves.val.y, grid.found.runs[grid.focus, 0].val_loss
    )


def test_grid_panel_best_over_an_axis(grid):
    loss = np.where(grid.found.diverged.any(1), np.inf, grid.found.mean_val_loss)
    loss = loss.reshape(3, 2)

    grid.which.value = 2
    assert grid.profile.axes[0].label == "batch size"
    np.testing.assert_allclose(grid.dots.y, loss.min(0))
    grid.which.value = 1
    assert grid.profile.axes[0].label == "learning rate"
    best = loss.min(1)
    np.testing.assert_allclose(grid.dots.y, best[np.isfinite(best)])
    assert grid.error is None
    assert grid.picture().startswith(b"\x89PNG")


def test_grid_panel_other_axes_and_the_same_one_twice(grid):
    grid.entries[1].which.value = "optimizer"
    grid.start_button.click()
    grid.wait(20)
    assert tuple(grid.found.space) == ("lr", "optimizer")
    grid.entries[1].which.value = "lr"
    assert "two different" in grid.result.value


def test_grid_panel_code_gives_the_same(grid):
    names = {}
    exec(grid.code(), names)

    np.testing.assert_array_equal(names["found"].val_loss, grid.found.val_loss)


# ---- one at a time -----------------------------------------------------------------


@pytest.fixture
def path(moons):
    base = QUICK.but(lr=0.01, batch_size=16)
    made = OneAtATimePanel(moons, base, seeds=2, **LISTS)
    yield made
    made.stop()
    made.wait(5)


def test_path_goes_step_by_step(path, moons):
    assert path.error is None
    assert path.found.settings == (path.starting,)
    assert "Start S, learning rate 0.01" in path.result.value
    path.next_button.click()
    path.wait(5)

    assert [step.winner.lr for step in path.done] == [0.3]
    assert path.found.cost.runs == 6
    assert path.map.cells.path.x.round().tolist() == [0, 1]
    path.next_button.click()
    path.wait(5)
    whole = one_at_a_time(moons, path.starting, seeds=(0, 1), **LISTS)
    assert path.found.best == whole.best
    np.testing.assert_array_equal(path.found.val_loss, whole.val_loss)
    assert [s.winner for s in path.done] == [s.winner for s in whole.steps]


def test_path_all_steps_then_the_grid(path):
    path.all_button.click()
    path.wait(5)
    before = path.map.cells.numbers.text
    path.grid_button.click()
    path.wait(5)

    assert path.error is None
    assert path.found.cost.runs == 8
    assert len(before) == 4
    assert len(path.map.cells.numbers.text) == 6
    assert "grid's best" in path.result.value
    assert path.picture().startswith(b"\x89PNG")


def test_path_begins_again_with_another_order_or_start(path):
    path.all_button.click()
    path.wait(5)
    path.order.value = ("batch_size", "lr")
    path.wait(5)
    assert path.found.settings == (path.starting,)
    path.next_button.click()
    path.wait(5)
    assert path.done[0].name == "batch_size"
    path.starts["lr"].source.value = 0.3
    path.wait(5)
    assert path.found.settings == (path.starting,)
    assert path.starting.lr == 0.3


def test_path_lists_its_settings_and_chooses_one(path):
    path.all_button.click()
    path.wait(5)
    assert len(path.list.options) == len(path.found.settings)
    assert path.list.index == path.focus == path.found.runs.order[0]
    other = int(path.found.runs.order[1])

    path.list.index = other  # in the list, as with the arrow keys
    assert path.chosen == path.focus == other
    assert path.cell == path.map.cell(path.found.settings[other])

    path.choose(int(path.found.runs.order[0]))  # by a call, as from a chart
    assert path.list.index == path.chosen == path.found.runs.order[0]


def test_path_code_gives_the_same(path):
    path.all_button.click()
    path.wait(5)
    names = {}
    exec(path.code(), names)

    assert [s.winner for s in names["found"].steps] == [s.winner for s in path.done]


def test_path_stops(moons):
    slow = OneAtATimePanel(moons, epochs=[3000, 5000], batch_size=[1, 2], seeds=1)
    slow.all_button.click()
    until(lambda: slow.found is not None)
    start = time.monotonic()
    slow.stop_button.click()
    slow.wait(5)

    assert time.monotonic() - start < 1
    assert slow.done == []


# ---- seeds, and code of one's own data and model ----------------------------------


OWN = Dataset.from_arrays(*load_dataset("moons").train.__dict__.values(), name="mine")


def narrow(n_features, n_outputs, setting):
    layers = torch.nn.Linear(n_features, 3), torch.nn.Tanh()
    return torch.nn.Sequential(*layers, torch.nn.Linear(3, n_outputs))


OWN_PANELS = {
    "curve": lambda **more: ValidationCurvePanel(
        OWN, "lr", QUICK, param_range=[0.01, 0.3], **more
    ),
    "grid": lambda **more: GridPanel(
        OWN, base=QUICK, x_values=[0.01, 0.3], y_values=[16, 64], **more
    ),
    "path": lambda **more: OneAtATimePanel(
        OWN, QUICK, lr=[0.01, 0.3], batch_size=[32, 64], **more
    ),
}


@pytest.mark.parametrize("kind", OWN_PANELS)
@pytest.mark.parametrize(
    ("seeds", "wanted"),
    [(2, (0, 1)), (range(2), (0, 1)), ([5, 3], (5, 3)), (np.array([7, 8]), (7, 8))],
    ids=str,
)
def test_search_panels_take_a_count_or_any_seeds(kind, seeds, wanted):
    panel = OWN_PANELS[kind](seeds=seeds)
    names = {"data": OWN}
    exec(panel.code(), names)

    assert panel.error is None
    assert panel.found.seeds == names["found"].seeds == wanted
    panel.seeds.value = 3
    panel.wait(10)
    assert panel.found.seeds == (*wanted, max(wanted) + 1)


@pytest.mark.parametrize("kind", OWN_PANELS)
@pytest.mark.parametrize("seeds", ["012", [0.5], [], [1, 1], 0, None, 2.5])
def test_search_panels_refuse_other_seeds_in_three_parts(kind, seeds):
    with pytest.raises((TypeError, ValueError), match=r"seed.*, got .*[;,] .*\.$"):
        OWN_PANELS[kind](seeds=seeds)


def test_seeds_panel_takes_any_seeds():
    settings = [QUICK, QUICK.but(lr=0.3)]
    panel = SeedsPanel(OWN, settings, seeds=[9, 4], most=4)
    names = {"data": OWN}
    exec(panel.code(), names)

    assert panel.runs.seeds == (9, 4, 10, 11)
    assert panel.frame()["seed"].tolist() == [9, 4]
    assert names["runs"].seeds == (9, 4)
    np.testing.assert_allclose(names["runs"].best_val_loss, panel.losses, rtol=1e-5)
    panel.again.click()
    panel.wait(10)
    assert panel.runs.seeds == (12, 13, 14, 15)


OWN_CODE = OWN_PANELS | {
    "race": lambda model: SearchRacePanel(OWN, QUICK, budget=20, races=1, model=model),
    "run": lambda model: TrainingPanel(OWN, QUICK, model=model),
    "box": lambda model: TestBoxPanel(fit(OWN, QUICK, model=model)),
}


@pytest.mark.parametrize("kind", OWN_CODE)
@pytest.mark.parametrize("named", [True, False], ids=["function", "lambda"])
def test_code_trains_a_learners_own_model_on_their_own_data(kind, named):
    panel = OWN_CODE[kind](model=narrow if named else lambda *a: narrow(*a))
    code = panel.code()
    assert "# data: your own data set, 'mine'\n" in code
    names = {"data": OWN, "narrow" if named else "model": narrow}

    exec(code.removesuffix("run.test_loss()"), names)

    network = names.get("run") or names["found"].best_run
    assert isinstance(network.network()[1], torch.nn.Tanh)
    for missing in ("data", "narrow" if named else "model"):
        with pytest.raises(NameError, match=missing):
            exec(code, {k: v for k, v in names.items() if k != missing})


# ---- the race ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def race():
    made = SearchRacePanel(load_dataset("moons"), QUICK, budget=45, races=3)
    yield made
    made.stop()
    made.wait(5)


def test_race_gives_each_search_the_same_budget(race):
    assert race.error is None
    assert set(race.found) == {"grid", "random", "halving", "bayes"}
    epochs = {kind: found.cost.epochs for kind, found in race.found.items()}
    assert epochs["grid"] == epochs["random"] == epochs["bayes"] == 45
    assert 30 <= epochs["halving"] <= 45
    for kind, mark in race.best.items():
        spent, loss = race.found[kind].best_so_far()
        np.testing.assert_allclose(mark.y, loss)
        assert mark.x[-1] == spent[-1]


def test_race_many_races_are_counted(race):
    race.start_button.click()
    race.wait(60)

    assert race.error is None
    assert [len(losses) for losses in race.lowest.values()] == [3, 3, 3, 3]
    beat = sum(
        r < g for r, g in zip(race.lowest["random"], race.lowest["grid"], strict=True)
    )
    assert f"Random beat the grid in {beat}" in race.result.value
    assert race.picture().startswith(b"\x89PNG")


def test_race_brush_keeps_the_lines_in_it(race):
    count = sum(len(found.settings) for found in race.found.values())
    gone = sum(found.diverged.any(1).sum() for found in race.found.values())
    race.parallel.brush.value = (0, 20)
    kept = sum(
        len(np.atleast_2d(mark.y))
        for mark in race.parallel.inside.values()
        if mark.visible
    )

    assert 0 < kept < count - gone
    assert len(race.parallel.outside.y) == count - gone - kept
    race.parallel.brush.value = (0, 100)
    assert not race.parallel.outside.visible


def test_race_needs_ranges_and_a_budget(moons):
    with pytest.raises(TypeError, match="must have ranges"):
        SearchRacePanel(moons, QUICK, lr=[0.1, 1])
    with pytest.raises(ValueError, match="budget must be a whole number >= 10, got 7;"):
        SearchRacePanel(moons, QUICK, budget=7)


@pytest.mark.parametrize("budget", [30, 81, 243])
def test_halving_count_uses_the_budget_up_and_no_more(budget):
    def cost(count):
        spent, before, there = 0, 0, count
        for epoch, kept in [*cuts_of(count, 3, 27), (27, 0)]:
            spent, before, there = spent + there * (epoch - before), epoch, kept
        return spent

    count = halving_count(budget, 27)
    assert cost(count) <= budget or count == 2
    assert cost(count + 1) > budget


# ---- the training panel, grown -----------------------------------------------------


def test_one_epoch_at_a_time(panel):
    panel.controls.setting = QUICK.but(lr=0.02)
    panel.wait(5)
    panel.controls["lr"].source.value = 0.01
    panel.wait(5)
    panel.one_button.click()
    until(lambda: panel.live.paused)
    assert panel.run.epochs_done == 1
    panel.one_button.click()
    until(lambda: panel.run.epochs_done == 2)
    time.sleep(0.1)
    assert panel.live.paused
    assert "paused at epoch 2 of 5" in panel.status.value
    assert panel.pause_button.description == "Resume"
    panel.pause_button.click()
    panel.wait(5)
    assert panel.run.epochs_done == 5
    assert panel.pause_button.description == "Pause"
    np.testing.assert_allclose(panel.run.val_loss, panel.list.kept[-1].run.val_loss)


def test_pause_and_go_on(panel):
    panel.controls.setting = LONG
    panel.train_button.click()
    until(lambda: panel.run.setting == LONG and panel.run.epochs_done > 2)
    panel.pause_button.click()
    time.sleep(0.2)
    resting = panel.run.epochs_done
    time.sleep(0.2)
    assert panel.run.epochs_done == resting
    panel.pause_button.click()
    until(lambda: panel.run.epochs_done > resting)
    panel.pause_button.click()
    panel.stop_button.click()
    panel.wait(2)
    assert not panel.live.busy


def test_axis_in_updates_and_seconds(panel, moons):
    axis = panel.chart.figure.axes[0]
    panel.view_of_run.unit.value = "updates"
    assert axis.label == "updates"
    assert panel.chart.val.x.tolist() == [13 * k for k in range(6)]  # 400 / 32
    panel.view_of_run.unit.value = "seconds"
    assert panel.chart.val.x[-1] == pytest.approx(panel.run.fit_time)
    panel.view_of_run.unit.value = "epochs"
    assert panel.chart.val.x.tolist() == list(range(6))


def test_scrubber_shows_the_map_of_an_epoch(panel, moons):
    panel.view_of_run.scrub.value = 2
    panel.wait(5)
    early = panel.map.ground.image.value
    expected = fit(moons, QUICK.but(epochs=2), seed=0)
    panel.map.show(expected, "last")
    assert panel.map.ground.image.value == early
    assert panel.view_of_run.map_title.value == "the network at epoch 2"
    panel.view_of_run.scrub.value = 0
    panel.wait(5)
    assert panel.error is None
    assert panel.map.ground.image.value != early
    assert len(panel.list.kept) == 1


@pytest.mark.parametrize("lr", [0.03, 0.3, 0.1, 0.0007, 1e-5, 20])
def test_learning_rate_stands_on_a_tick_of_its_slider(lr, moons):
    knob = TrainingPanel(moons, QUICK.but(lr=lr)).controls["lr"]

    slider, at = knob.slider, np.log10(lr)
    ticks = (at - slider.min) / slider.step
    assert ticks == pytest.approx(round(ticks), abs=1e-6)
    assert slider.min <= at <= slider.max
    assert slider.min <= -4 + 1e-6
    assert slider.max >= 1 - 1e-6


# ---- guesses, side by side, projector -----------------------------------


def test_guess_comes_before_the_result(moons):
    panel = ValidationCurvePanel(
        moons, "lr", QUICK, param_range=[0.01, 0.3], seeds=1, predict=True
    )
    assert "hp-covered" in panel._dom_classes
    assert "Make your guess first" in panel.result.value
    assert "0.3" not in panel.result.value
    assert "learning rate 0.3" in panel._repr_mimebundle_()[0]["text/plain"]
    panel.guess.widget.value = 0.01
    panel.guess.button.click()

    assert panel.error is None
    assert "hp-covered" not in panel._dom_classes
    assert "Your guess: <b>0.01</b>" in panel.result.value
    assert "learning rate 0.3" in panel.result.value
    assert panel.mine.visible
    np.testing.assert_allclose(panel.mine.x, -2)  # 0.01 as a power of ten


@pytest.mark.parametrize("kind", [TrainingPanel, ValidationCurvePanel])
def test_curve_is_drawn_as_a_guess(moons, kind):
    panel = kind(moons, base=QUICK, predict="draw")
    drawing = panel.guess.widget
    assert "Lowest" not in panel.result.value
    drawing.place.value = 3
    drawing.height.value = 0.1
    assert drawing.lowest == 3
    panel.guess.button.click()

    mine = panel.mine if kind is ValidationCurvePanel else panel.chart.mine
    assert "Your guess: <b>lowest" in panel.result.value
    np.testing.assert_allclose(mine.y, drawing.value)
    assert drawing.disabled


def test_guess_is_of_a_known_kind(moons):
    with pytest.raises(ValueError, match=r"predict must be .* got 'guess'"):
        TrainingPanel(moons, QUICK, predict="guess")


def test_compare_shows_the_maps(panel):
    panel.list.pin_button.click()
    panel.controls["lr"].slider.value = 0.1
    panel.wait(5)
    panel.view.value = 1  # Compare

    assert panel.beside.value.count("<img") == 2
    assert 'alt="run 1, learning rate 0.3"' in panel.beside.value


def test_dots_have_the_colors_of_their_training_curves(moons):
    curve = ValidationCurvePanel(
        moons, "lr", QUICK, param_range=[0.3, 0.001, 10, 0.03], seeds=2
    )

    colors = curve.many.colors
    assert len(set(colors)) == 4
    light_to_dark = [colors[i] for i in (1, 3, 0, 2)]
    assert light_to_dark == shades(4)
    assert curve.dots.colors == light_to_dark[:3]  # from the left; 10 diverged
    for text, color in (("0.001", light_to_dark[0]), ("10", light_to_dark[3])):
        assert f"border-top-color:{color}'></span>{text}" in curve.over.value


def test_chosen_setting_is_said_beside_the_best(curve):
    assert "Chosen" not in curve.result.value  # it is the best

    curve.choose(0)

    assert "Chosen: learning rate 0.001, loss 0." in curve.result.value
    assert "lowest mean validation loss" in curve.result.value


def test_diverged_setting_is_chosen_by_its_cross(curve):
    curve._clicked_out(None, {"data": {"index": 0}})

    assert "Chosen: learning rate 10, diverged." in curve.result.value
    assert "lr 10" in curve.over.value
    assert "chosen" in curve.right.value
    assert curve.here.x.tolist() == curve.out.x.tolist()  # below its cross
    assert curve.left.visible
    assert curve.left.text == ["✕"]
    curve._clicked(None, {"data": {"index": 0}})
    assert not curve.left.visible


def test_guess_of_a_loss(moons):
    panel = TrainingPanel(moons, QUICK, predict=True)
    assert "Lowest" not in panel.result.value
    slider = panel.guess.widget
    assert (slider.value, slider.min, slider.max, slider.step) == (0.5, 0, 2, 0.01)
    slider.value = 0.3
    panel.guess.button.click()

    assert "Your guess: <b>0.30</b>. Lowest validation loss" in panel.result.value


def test_compare_names_what_differs(panel):
    panel.view.value = 1  # Compare
    assert "Pin a run" in panel.beside.value
    panel.list.pin_button.click()
    panel.controls["lr"].slider.value = 0.1
    panel.wait(5)

    said = panel.beside.value
    assert "<b>learning rate</b>" in said
    assert "<b>batch size</b>" not in said
    assert "batch size 32" in said
    assert f"{panel.run.best_val_loss:.4f}" in said


def test_present_makes_panels_large_and_small_again(panel):
    sheet = panel.children[0]
    plain = sheet.value
    present()
    assert "projector" in sheet.value
    assert "projector" in TrainingPanel(panel.dataset, QUICK).children[0].value
    present(False)
    assert sheet.value == plain


def test_numbers_stand_out_from_their_cells():
    def light(color):
        c = np.asarray(color[:3])
        linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
        return linear @ [0.2126, 0.7152, 0.0722]

    for ground in shade(np.geomspace(0.05, 2, 50)):
        ink = 0.0 if ink_on(ground) == "#000000" else 1.0
        low, high = sorted([light(ground), ink])
        assert (high + 0.05) / (low + 0.05) >= 4.5


# ---- stopped in the middle ----------------------------------------------------------


def test_one_epoch_more_goes_on_after_stop(panel):
    panel.controls.setting = LONG
    panel.train_button.click()
    until(lambda: panel.now and panel.now.run.epochs_done >= 1, seconds=30)
    panel.stop_button.click()
    panel.wait(5)
    done = panel.run.epochs_done
    assert f"{done}/{LONG.epochs}" in panel.list.list.options[-1][0]

    panel.one_button.click()
    until(lambda: f"Paused at epoch {done + 1}" in panel.result.value, seconds=30)

    assert panel.live.paused
    assert panel.now.run.epochs_done == done + 1
    panel.stop_button.click()
    panel.wait(5)


def test_stop_before_the_first_epoch_keeps_what_was(panel, monkeypatch):
    before = len(panel.runs)
    monkeypatch.setattr("hpkit.panels.onerun.FRAME", 0)  # a step at a time
    panel.controls.setting = LONG
    panel.train_button.click()
    until(lambda: panel.now is not None, seconds=30)
    panel.stop_button.click()
    panel.wait(5)

    assert len(panel.runs) == before
    assert "Stopped before the first epoch" in panel.result.value


def test_stopped_search_says_how_far_it_came(moons):
    panel = ValidationCurvePanel(
        moons, "lr", QUICK.but(batch_size=1), param_range=[0.01, 0.1], seeds=1
    )
    panel.controls["epochs"].source.value = 500
    panel.start_button.click()
    until(lambda: panel.found.cost.epochs > 10 and not panel.found.finished, seconds=30)
    panel.stop_button.click()
    panel.wait(5)

    done = panel.found.cost.epochs
    assert f"Stopped after {done} of 1000 epochs" in panel.result.value
    assert "The lowest" in panel.result.value
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
    assert "Stopped before the first epoch" in panel.result.value


def before_training(found):
    """Return a search in which nothing was trained for an epoch."""
    runs = found.runs
    none = {"epochs_done": np.zeros_like(runs.epochs_done)}
    return replace(found, runs=replace(runs, **none), finished=False)


@pytest.mark.parametrize(("name", "typed"), [("lr", -1.0), ("lr", 0.0), ("epochs", -5)])
def test_wrong_number_is_told_and_changes_nothing(panel, name, typed):
    before = panel.chart.val.y.copy()
    panel.controls[name].source.value = typed
    panel.wait(5)

    assert f"got {typed:g}" in panel.result.value
    assert panel.controls[name].source.value == typed
    np.testing.assert_array_equal(panel.chart.val.y, before)
    panel.controls[name].source.value = 2
    panel.wait(5)
    assert panel.error is None
    assert "Lowest" in panel.result.value


@pytest.mark.parametrize("typed", [0, 2.5, -1, 501])
def test_wrong_number_of_seeds_is_told(curve, typed):
    before = curve.found
    curve.seeds.value = typed
    curve.wait(5)

    assert "seeds must be" in curve.result.value
    assert f"got {typed}" in curve.result.value
    assert (curve.found, curve.seeds.value) == (before, typed)
    curve.seeds.value = 2
    curve.wait(5)
    assert curve.error is None
    assert curve.found.seeds == (0, 1)


def test_the_seeds_box_takes_the_point_that_is_typed(curve):
    """A box for whole numbers drops it in the browser: 2.5 would come as 25."""
    assert curve.seeds._model_name == "FloatTextModel"


def test_long_search_waits_and_says_that_the_result_is_of_before(curve):
    curve.controls["epochs"].source.value = 100_000
    curve.wait(5)

    assert "hp-stale" in curve._dom_classes
    assert "Still the result of the values before" in curve.result.value
    curve.controls["epochs"].source.value = 5
    curve.wait(5)
    assert "hp-stale" not in curve._dom_classes


def test_code_keeps_its_lines_short(curve):
    assert max(map(len, curve.code().splitlines())) <= 88


def test_still_picture_names_its_lines(curve):
    figure = still(curve.figures, curve.widths)

    words = [[t.get_text() for t in ax.get_legend().get_texts()] for ax in figure.axes]
    assert words == [
        ["others, dark on the right", "lr 0.3"],
        ["mean", "best", "chosen"],
    ]
