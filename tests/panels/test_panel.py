"""The one mechanism under all panels: jobs, pictures, Stop."""

import subprocess
import sys
import threading
import time
from timeit import timeit
from types import SimpleNamespace

import pytest
from chart_reading import until

from hpkit.data.datasets import load_dataset
from hpkit.engine.training import TURN, Training
from hpkit.hyperparameters import Hyperparameters
from hpkit.panels import panel as panel_module
from hpkit.panels.panel import Live

QUICK = Hyperparameters(lr=0.3, epochs=5)
LONG = Hyperparameters(lr=0.1, batch_size=1, epochs=2000)


def test_live_newest_job_wins():
    done, live = [], Live(lambda: None, lambda error: None)

    def job(number):
        yield all_asked.wait(60)
        done.append(number)

    all_asked = threading.Event()
    for number in range(50):
        live.start(job(number), replace=False)
    all_asked.set()
    live.wait(60)

    assert done[-1] == 49
    assert len(done) <= 2


def test_live_replace_ends_the_running_job():
    told, live = [], Live(lambda: None, lambda error: None)

    def endless():
        try:
            while True:
                told.append("begun")
                yield
        finally:
            told.append("ended")

    live.start(endless())
    until(lambda: told)
    live.start(iter_once := (n for n in range(1)))
    live.wait(60)

    assert told.count("ended") == 1
    assert list(iter_once) == []


def test_live_draws_often_and_at_the_end(monkeypatch):
    state, drawn = [0], []
    # A step takes 5 ms by this clock, drawing nothing.
    monkeypatch.setattr(panel_module.time, "perf_counter", lambda: state[0] / 200)
    live = Live(lambda: drawn.append(state[0]), lambda error: None)

    def job():
        for n in range(100):
            state[0] = n + 1
            yield

    live.start(job())
    live.wait(60)

    assert drawn == [*range(1, 100, 14), 100]  # 15 a second


def test_live_draws_no_picture_without_news():
    drawn = []
    live = Live(lambda: drawn.append(1), lambda error: None)

    def job():
        yield
        for _ in range(5):
            time.sleep(0.02)
            yield False

    live.start(job())
    live.wait(60)

    assert len(drawn) == 2  # of the one piece of news, and at the end


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
    started.wait(60)
    live.stop()
    live.wait(60)

    assert order[order.index("written") + 1 :] == ["drawn"]


def test_python_ends_in_order_while_a_panel_trains():
    code = """
import hpkit as hk
setting = hk.Hyperparameters(lr=0.003, batch_size=1, epochs=5000)
panel = hk.TrainingPanel(hk.load_dataset("moons"), setting.but(epochs=1))
panel.controls.setting = setting
panel.train_button.click()
print(panel.live.busy)
"""
    for _ in range(3):
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=120
        )
        assert (done.returncode, done.stdout) == (0, "True\n"), done.stderr


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
    live.wait(60)
    live.start(good())
    live.wait(60)

    assert [str(e) for e in errors] == ["broken"]
    assert ran == [True]


def test_live_stopped_before_the_thread_begins():
    closed, drawn = [], []
    live = Live(lambda: drawn.append(1), lambda error: None)

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
    live.wait(60)

    assert closed
    assert not live.busy
    assert len(drawn) == 2  # as it was given away, and that nothing runs


def test_live_pause_rests_and_resume_goes_on():
    steps, live = [], Live(lambda: None, lambda error: None)

    def job():
        for n in range(200):
            steps.append(n)
            if n == 5:
                live.pause()
            yield

    live.start(job())
    until(lambda: live.paused)
    time.sleep(0.1)

    assert len(steps) == 6
    live.resume()
    live.wait(60)
    assert len(steps) == 200


def test_live_rest_ends_at_once_for_a_newer_job():
    live = Live(lambda: None, lambda error: None)
    assert timeit(lambda: [*live.rest()], number=1) >= panel_module.CHOSEN
    live._next = iter(())
    assert [*live.rest()] == []


class Ending:
    """As much of a panel as `stop_earlier` sees."""

    ended = 0

    def end(self):
        self.ended += 1


def test_live_panels_of_an_earlier_run_of_their_cell_are_ended(monkeypatch):
    monkeypatch.setattr(panel_module, "_makers", {})
    #         cell  its run; panels that it ends
    runs = [
        ("a", "1", []),
        ("a", "1", []),  # two in one run of a cell live side by side
        ("b", "2", []),  # nor does another cell end any
        ("a", "3", [0, 1]),  # the cell again
        ("a", "3", []),
        ("a", "4", [3, 4]),  # and again: each is ended once
        ("c", None, []),  # a front end that does not number its runs
        ("c", None, [6]),
        (None, None, []),  # a script
        (None, None, []),
    ]
    panels = []
    for *cell, ends in runs:
        monkeypatch.setattr(panel_module, "running_cell", lambda at=tuple(cell): at)
        before = [panel.ended for panel in panels]
        panel = Ending()

        panel_module.stop_earlier(panel)

        ended = [a.ended - b for a, b in zip(panels, before, strict=True)]
        assert [n for n, times in enumerate(ended) if times] == ends
        assert sum(ended) == len(ends)
        panels.append(panel)


def test_live_a_cell_without_an_id_is_known_by_its_code(monkeypatch):
    message = {"header": {"msg_id": "1"}, "content": {"code": "panel"}}
    kernel = SimpleNamespace(get_parent=lambda _: message)
    shell = SimpleNamespace(kernel=kernel)
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)
    assert panel_module.running_cell() == ("panel", "1")
    message["metadata"] = {"cellId": "a"}
    assert panel_module.running_cell() == ("a", "1")
    shell.kernel = None
    assert panel_module.running_cell() == (None, None)


def test_live_wait_of_no_time_ends_at_once_if_busy():
    go = threading.Event()
    live = Live(lambda: None, lambda error: None)

    def job():
        yield go.wait(60)

    live.wait(0)  # nothing runs
    live.start(job())
    with pytest.raises(TimeoutError, match="still trains after 0 s"):
        live.wait(0)  # else it would wait for the job's end
    go.set()
    live.wait(60)


def test_panels_train_by_turns_and_none_waits_longer_than_for_the_others():
    order, about = [], (load_dataset("moons"), QUICK.but(epochs=400))

    def job(number):
        training = Training(*about)
        together.wait(60)
        while not training.finished:
            with TURN.get():
                order.append(number)
            training.advance(0.01)
            yield False

    together = threading.Barrier(3)
    lives = [Live(lambda: None, lambda error: None) for _ in range(3)]
    for number, live in enumerate(lives):
        live.start(job(number))
    for live in lives:
        live.wait(60)

    assert all(order[3:30].count(number) >= 5 for number in range(3))
