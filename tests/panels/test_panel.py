"""The one mechanism under all panels: jobs, pictures, Stop."""

import _thread
import os
import signal
import subprocess
import sys
import threading
import time
from timeit import timeit
from types import SimpleNamespace
from unittest.mock import Mock
from weakref import WeakSet

import pytest
from chart_reading import until

from hpkit import Hyperparameters, load_dataset
from hpkit.engine.training import TURN, Training
from hpkit.panels import panel as panel_module
from hpkit.panels.panel import Live

QUICK = Hyperparameters(lr=0.3, epochs=5)


def work(job, draw=lambda: None, fail=lambda error: None):
    """Do a job to its end; return what did it."""
    live = Live(draw, fail)
    live.start(job)
    live.wait(60)
    return live


def test_live_draws_often_and_at_the_end(monkeypatch):
    state, drawn = [0], []
    # A step takes 5 ms by this clock, drawing nothing.
    monkeypatch.setattr(panel_module.time, "perf_counter", lambda: state[0] / 200)

    def job():
        for n in range(100):
            state[0] = n + 1
            yield

    work(job(), draw=lambda: drawn.append(state[0]))
    assert drawn == [*range(1, 100, 14), 100]  # 15 a second


def test_live_draws_no_picture_without_news():
    drawn = []

    def job():
        yield
        for _ in range(5):
            time.sleep(0.02)
            yield False

    work(job(), draw=lambda: drawn.append(1))
    assert len(drawn) == 2  # of the one piece of news, and at the end


def test_live_job_writes_down_what_it_has_before_the_last_picture():
    order = []

    def endless():
        try:
            while True:
                order.append("begun")
                yield False
        finally:
            order.append("ended")

    live = Live(lambda: order.append("drawn"), lambda error: None)
    live.start(endless())
    until(lambda: order)
    live.stop()
    live.wait(60)

    assert order[order.index("ended") + 1 :] == ["drawn"]


def test_python_ends_in_order_while_a_panel_trains():
    code = """
import atexit, gc, os
import hpkit as hk
atexit.unregister(gc.freeze)  # as Python ends outside of tests
moons, _ = hk.load_dataset("moons"), hk.TrainingPanel  # torch, for three that end
for _ in range(2 * hasattr(os, "fork")):
    if not os.fork():
        break
    assert os.wait()[1] == 0
setting = hk.Hyperparameters(lr=0.003, batch_size=1, epochs=5000)
panel = hk.TrainingPanel(moons, setting.but(epochs=1))
panel.controls.setting = setting
panel.train_button.click()
print(panel.live.busy)
"""
    how = {"args": [sys.executable, "-c", code], "text": True, "timeout": 120}
    tries = range(1 if hasattr(os, "fork") else 3)
    assert "".join(subprocess.check_output(**how) for _ in tries) == "True\n" * 3


@pytest.mark.parametrize("end", [lambda: 1 / 0, sys.exit])
def test_live_error_is_shown_and_the_next_job_runs(end):
    errors, ran = [], []
    live = work((end() for _ in range(1)), fail=errors.append)
    live.start(ran.append(n) for n in range(1))
    live.wait(60)

    assert [type(error) for error in errors] in ([ZeroDivisionError], [SystemExit])
    assert ran == [0]


def test_live_rest_ends_at_once_for_a_newer_job():
    live = Live(lambda: None, lambda error: None)
    assert timeit(lambda: [*live.rest()], number=1) >= panel_module.SETTLED
    live.next_job = iter(())
    assert [*live.rest()] == []


def test_live_panels_of_an_earlier_run_of_their_cell_are_ended(monkeypatch):
    monkeypatch.setattr(panel_module, "_panels", WeakSet())
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
        panels.append(Mock())

        panel_module.stop_earlier(panels[-1])

        assert [n for n, panel in enumerate(panels) if panel.end.called] == ends
        for n in ends:
            panels[n].end.assert_called_once()
            panels[n].end.reset_mock()


def test_live_a_cell_without_an_id_is_known_by_its_code(monkeypatch):
    message = {"header": {"msg_id": "1"}, "content": {"code": "panel"}}
    shell = SimpleNamespace(kernel=SimpleNamespace(get_parent=lambda _: message))
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)
    assert panel_module.running_cell() == ("panel", "1")
    message["metadata"] = {"cellId": "a"}
    assert panel_module.running_cell() == ("a", "1")
    shell.kernel = None
    assert panel_module.running_cell() == (None, None)


def test_live_wait_of_no_time_ends_at_once_if_busy():
    go, live = threading.Event(), Live(lambda: None, lambda error: None)
    live.wait(0)  # nothing runs
    live.start(go.wait(60) for _ in range(1))
    with pytest.raises(TimeoutError, match="got 0 seconds"):
        live.wait(0)  # else it would wait for the job's end
    go.set()
    live.wait(60)


def test_live_an_interrupt_of_wait_leaves_the_thread_running(request):
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, before))
    go, live = threading.Event(), Live(lambda: None, lambda error: None)
    live.start(go.wait(60) for _ in range(1))
    threading.Timer(0.2, _thread.interrupt_main).start()
    with pytest.raises(KeyboardInterrupt):
        live.wait(60)
    assert live._thread.is_alive()  # else the kernel takes its socket away
    go.set()


def test_panels_train_by_turns_and_none_waits_for_the_others_to_end():
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

    assert all(order[3:60].count(number) >= 5 for number in range(3))
