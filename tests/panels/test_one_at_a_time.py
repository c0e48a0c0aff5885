"""OneAtATimePanel: what a learner does with it."""

import numpy as np
import pytest
from architectures import mlp
from chart_reading import move, nth, pasted, press, shows, texts, until

from hpkit import Hyperparameters, OneAtATimePanel, load_dataset
from hpkit.charts.still import still
from hpkit.search.searches import one_at_a_time
from hpkit.text import short_text

QUICK = Hyperparameters(epochs=5)
LISTS = {"lr": [0.01, 0.3, 10.0], "batch_size": [16, 64]}


def make_path(moons, start=0.01, **more):
    base = QUICK.but(lr=start, batch_size=16)
    return OneAtATimePanel(moons, base, **{"seeds": 2} | LISTS | more)


@pytest.fixture
def path(moons):
    return make_path(moons)


def test_path_goes_step_by_step(path, moons):
    assert path.found.settings == (path.starting,)
    assert "Start S, learning rate 0.01" in path.result
    press(path, "next")

    assert [step.winner.lr for step in path.done] == [0.3]
    assert path.found.cost.runs == 6
    assert nth(path, 0, "line").columns[0][0].round().tolist() == [0, 1]
    press(path, "next")
    whole = one_at_a_time(moons, path.starting, seeds=(0, 1), **LISTS)
    assert path.found.best == whole.best
    np.testing.assert_array_equal(path.found.val_loss, whole.val_loss)
    assert [s.winner for s in path.done] == [s.winner for s in whole.steps]
    styles = [getattr(path, f"{name}_button").button_style for name in ("next", "grid")]
    assert styles == ["", "primary"], "what comes next is the grid"
    press(path, "grid")
    assert path.grid_button.button_style == ""


def test_grid_where_all_diverged_has_no_best(moons):
    path = make_path(load_dataset("digits"), 3e3, lr=[3e3, 5e3], seeds=1)
    for name in ("all", "grid"):
        press(path, name)
    assert "Every value diverged or failed." in path.found.describe()
    assert path.result == "All settings diverged: try smaller learning rates."
    assert texts(path, 1, 1) == ["diverged"] * 2


def test_grid_trains_a_start_that_was_stopped_and_says_where_the_path_is(path):
    with path.live.lock:  # the thread waits for it
        path.reset()
        path.stop()
    assert "Stopped" in path.wait(60).result
    press(path, "grid")
    assert path.grid.finished
    assert "Next, step 1:" in path.result
    assert "The grid's best is" in path.result  # for those who cannot see the map
    assert "your path found it" in press(path, "all").result
    path.reset()
    path.wait(60)
    assert path.found.settings == (path.starting,)
    best = path.grid.best
    for name in LISTS:
        path.starts[name].value = getattr(best, name)
    assert "found it" in press(path.wait(10), "all").result


def test_path_keeps_where_each_order_ended(path):
    ends = {}
    for order in (("lr", "batch_size"), ("batch_size", "lr"), ("lr", "batch_size")):
        path.order.value = order
        press(path, "all")
        ends[", ".join(order)] = path.found.best
    assert "times the best" in path.paths.value
    press(path, "grid")
    grid = path.grid

    assert [order for order, _ in path.walked] == [*ends][::-1]  # the newest last
    for (order, _), (_, loss) in path.walked.items():
        at = grid.settings.index(ends[order])
        assert loss == pytest.approx(grid.mean_val_loss[at])
        assert f">{loss / grid.mean_val_loss.min():.2f}<" in path.paths.value


def test_path_of_three_steps_ends_where_the_third_does(moons):
    panel = press(make_path(moons, momentum=[0.0, 0.9]), "all")
    ((_, (end, _)),) = panel.walked.items()
    assert end == short_text(panel.done[2].winner, panel.space)
    assert panel.done[2].winner != panel.done[1].winner
    press(panel, "grid")
    assert ("found it" in panel.result) == (panel.done[2].winner == panel.grid.best)


def test_path_may_ask_before_it_is_shown(moons):
    more = {"momentum": [0, 0.5], "dropout": [0, 0.1], "epochs": [2, 5]}
    panel = make_path(moons, predict=True, **more)
    assert not panel.guess.open
    assert panel.share_button.description == "Share"
    assert len(panel.order.options) == 24


def test_path_begins_with_its_start_trained(path):
    runs = path.found.runs
    assert runs.settings == (QUICK.but(lr=0.01, batch_size=16),)
    loss = runs.mean_val_loss[0]
    assert f"lowest validation loss {loss:#.3g}" in path.result
    assert "Next, step 1: learning rate." in path.result
    shown = nth(path, 0, "cells").columns[0]
    assert shown[np.isfinite(shown)] == pytest.approx([loss])
    assert path.charts.charts[0].spec()["marks"][0]["tip"].count("") == 5  # by axes
    assert texts(path, 0) == ["S"]
    assert path.status.value == "runs of the path: 2; of the whole grid: 12"
    assert texts(path, 1) == ["1 lr", "2 batch"]
    assert texts(path, 1, 1) == ["next", "later"]
    assert nth(path, 1, "points").columns[0].size == 0
    assert path.charts.charts[1].y.kind == "none"  # no numbers before there is a loss
    assert list(still(path.charts.charts, path.widths).axes[1].get_yticks()) == []
    assert shows(path)
    vars(runs)["diverged"] = np.array([[True, False]])  # with one seed of the two
    assert "batch size 16: diverged" in path._result_text(False)


def test_path_without_lists_takes_those_of_lesson_07(moons):
    panel = OneAtATimePanel(load_dataset("spiral"))
    lists = {"lr": (0.01, 0.1, 1, 10), "batch_size": (4, 64, 200)}
    assert dict(panel.space) == lists | {"dropout": (0, 0.1, 0.3)}
    start = Hyperparameters(lr=0.1, batch_size=200, epochs=20)
    assert panel.found.settings == (panel.starting,) == (start,)
    assert panel.found.seeds == (0, 1, 2)
    assert [*OneAtATimePanel(moons, model=mlp).space] == ["lr", "batch_size"]
    # With lists, and no start: it begins on them.
    panel = OneAtATimePanel(moons, seeds=1, lr=[0.3, 0.01], batch_size=[16, 64])
    assert panel.space == {"lr": (0.3, 0.01), "batch_size": (16, 64)}
    assert (panel.starting.lr, panel.starting.batch_size) == (0.01, 16)


def test_steps_stand_beside_each_other_in_their_order(moons):
    panel = make_path(moons, epochs=[2, 5])
    move(panel, panel.order, ("epochs", "lr", "batch_size"))

    axis = panel.charts.charts[1].x
    assert list(axis.texts) == ["2", "5", "0.01", "0.3", "10", "16", "64"]
    assert axis.ticks == sorted(axis.ticks)
    apart = np.diff(axis.ticks)
    assert min(apart[[1, 4]]) > 1 == max(np.delete(apart, [1, 4]))
    assert texts(panel, 1) == ["1 epochs", "2 lr", "3 batch"]
    drawn = still(panel.charts.charts, panel.widths)
    boxes = [ax.get_position().width for ax in drawn.axes]
    assert boxes[0] == pytest.approx(boxes[1], rel=0.1)


def test_path_names_its_stops_in_order_and_has_a_curve_for_each(path):
    press(path, "all")
    first, second = (step.winner for step in path.done)
    one_place = first.batch_size == second.batch_size
    assert texts(path, 0) == ["S", *(["1\N{EN DASH}2"] if one_place else "12")]
    assert "The path is at its end." in path.result
    assert path.charts.charts[1].y.kind == "linear"
    assert texts(path, 1, 1) == ["best 0.3", f"best {second.batch_size}"]
    assert nth(path, 0, "line").get("halo")  # seen on dark cells and on light ones
    rings = nth(path, 1, "ring").columns
    mean, settings = path.found.mean_val_loss, path.found.settings
    loss = [mean[settings.index(s)] for s in (first, second)]
    assert rings[1][0] == pytest.approx(loss)
    axis = path.charts.charts[1].y
    low, middle, high = axis.ticks
    assert (low, middle) == (0, high / 2)
    (curves,) = nth(path, 1, "line").columns[1]
    assert np.isnan(curves).nonzero()[0].tolist() == [2, 5]  # a gap after each step
    assert np.nanmax(curves) <= high < axis.domain[1]  # above it stand the words
    assert min(nth(path, 1, "text", 1).columns[1][0]) > high

    np.testing.assert_array_equal(nth(path, 1, "points").columns[1][0], curves)
    assert nth(path, 1, "cross").columns[0].size == 1  # 10 diverges


def test_path_keeps_the_grid_and_its_own_numbers(moons):
    panel = press(make_path(moons, epochs=[2, 5]), "all")
    assert panel.charts.charts[0].title == "Loss with the best epochs"
    before = nth(panel, 0, "cells").columns[0]
    x, y = (np.nanmean(each) for each in nth(panel, 0, "frames", 1).columns)
    assert before[int(y), int(x)] == np.nanmin(before)

    press(panel, "grid")
    assert panel.charts.charts[0].title == "Loss with the best epochs"
    every, own = nth(panel, 0, "cells").columns[0], np.isfinite(before)
    assert 0 < (~np.isnan(before)).sum() < (~np.isnan(every)).sum() == every.size
    np.testing.assert_array_equal(every[own], before[own])

    top = panel.charts.charts[1].y.domain
    panel.order.index = 1  # another path on the same grid
    panel.wait(60)
    assert panel.found.settings == (panel.starting,)
    assert panel.charts.charts[1].y.domain == top  # on the scale of the one before
    np.testing.assert_array_equal(nth(panel, 0, "cells").columns[0], every)
    panel.reset()
    assert panel.wait(60).grid.finished


def test_path_stopped_within_a_step_goes_on(moons):
    panel = make_path(moons, epochs=[100, 200])
    panel.order.index = [o[0] for _, o in panel.order.options].index("epochs")
    panel.wait(60)
    panel.all_button.click()
    until(lambda: panel.found.steps)
    press(panel, "stop")
    if len(panel.done) < 3:
        assert "Stopped; Next step goes on." in panel.result
    panel.all_button.click()
    panel.grid_button.click()  # and the grid waits for its end
    panel.wait(60)
    assert len(panel.done) == 3
    assert panel.grid.finished


def test_path_may_be_drawn_before_a_new_start_is_trained(path):
    press(path, "grid")
    with path.quietly():
        path.starts["lr"].source.value = 10.0
        path._draw()
    assert path.found.settings == (path.starting,)


def test_path_may_begin_where_training_diverges(moons):
    out = {"lr": [1e6, 0.1], "momentum": [0.9, 0]}
    panel = OneAtATimePanel(moons, QUICK.but(lr=1e6, momentum=0.9), **out)
    assert "Start S, learning rate 1e+06, momentum 0.9: diverged" in panel.result
    assert press(panel, "all").done[-1].winner.lr == 0.1
    lists = {"lr": [1e-13, 1e-12], "momentum": [0, 0.9]}  # whose losses are equal
    panel = OneAtATimePanel(moons, QUICK.but(lr=1e-12), **lists)
    assert "ends at another setting with that loss." in press(panel, "grid").result


def test_path_starts_where_the_learner_says(moons):
    start = Hyperparameters(lr=0.05, batch_size=16, epochs=3)

    panel = OneAtATimePanel(
        moons, start, seeds=1, lr=[0.01, 0.3], batch_size=[64, 8], epochs=[2, 3]
    )
    lists = [panel.space[name] for name in ("lr", "batch_size", "epochs")]
    press(panel, "all")
    found = pasted(panel)["found"]

    assert panel.starting == start == panel.base
    assert lists == [(0.01, 0.05, 0.3), (8, 16, 64), (2, 3)]
    assert nth(panel, 0, "line").columns[0][0].round().tolist()[0] == 1
    assert "lr=0.05, batch_size=16, epochs=3" in panel.code()
    assert [s.winner for s in found.steps] == [s.winner for s in panel.done]


def test_path_forgets_a_grid_that_trains_when_it_begins_again(moons):
    panel = make_path(moons, epochs=[300, 600])
    for _ in range(3):
        panel.grid_button.click()
        until(lambda: not panel.stop_button.disabled)
        move(panel, panel.starts["batch_size"], 80 - panel.starts["batch_size"].value)
        assert panel.grid is None
        assert panel.found.settings == (panel.starting,)
