"""OneAtATimePanel: what a learner does with it."""

import time

import numpy as np
import pytest
from chart_reading import nth, texts, until

from hpkit import OneAtATimePanel
from hpkit.charts.heatmap import cell_of
from hpkit.charts.still import still
from hpkit.data.datasets import load_dataset
from hpkit.hyperparameters import Hyperparameters
from hpkit.panels.one_at_a_time import _loss
from hpkit.panels.search_panel import PACE
from hpkit.search.searches import grid_search, one_at_a_time
from hpkit.text import short

QUICK = Hyperparameters(epochs=5)
LISTS = {"lr": [0.01, 0.3, 10.0], "batch_size": [16, 64]}


def make_path(moons, start=0.01, **more):
    base = QUICK.but(lr=start, batch_size=16)
    return OneAtATimePanel(moons, base, **{"seeds": 2} | LISTS | more)


@pytest.fixture
def path(moons):
    made = make_path(moons)
    yield made
    made.stop()
    made.wait(5)


def test_path_goes_step_by_step(path, moons):
    assert path.error is None
    assert path.found.settings == (path.starting,)
    assert "Start S, learning rate 0.01" in path.result
    path.next_button.click()
    path.wait(5)

    assert [step.winner.lr for step in path.done] == [0.3]
    assert path.found.cost.runs == 6
    assert nth(path, 0, "line").columns[0][0].round().tolist() == [0, 1]
    path.next_button.click()
    path.wait(5)
    whole = one_at_a_time(moons, path.starting, seeds=(0, 1), **LISTS)
    assert path.found.best == whole.best
    np.testing.assert_array_equal(path.found.val_loss, whole.val_loss)
    assert [s.winner for s in path.done] == [s.winner for s in whole.steps]


def test_path_keeps_where_each_order_ended(path):
    ends = {}
    for order in (("lr", "batch_size"), ("batch_size", "lr")):
        path.order.value = order
        path.all_button.click()
        path.wait(5)
        ends[", ".join(order)] = path.found.best
    assert "times the best" in path.paths.value
    path.grid_button.click()
    path.wait(5)
    grid = path.grid

    assert [order for order, _ in path.walked] == list(ends)
    for (order, _), (_, loss) in path.walked.items():
        at = grid.settings.index(ends[order])
        assert loss == pytest.approx(grid.mean_val_loss[at])
        assert f">{loss / grid.mean_val_loss.min():.2f}<" in path.paths.value
    path.seeds.value = 3
    path.wait(5)
    assert path.walked == {}


def test_path_of_three_steps_ends_where_the_third_does(moons):
    panel = make_path(moons, momentum=[0.0, 0.9])
    panel.all_button.click()
    panel.wait(10)
    ((_, (end, _)),) = panel.walked.items()
    assert end == short(panel.done[2].winner, panel.space)
    assert panel.done[2].winner != panel.done[1].winner
    panel.stop()


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
    assert path.cell == cell_of(path.found.settings[other], path.space)

    path.choose(int(path.found.runs.order[0]))  # by a call, as from a chart
    assert path.list.index == path.chosen == path.found.runs.order[0]


def test_path_stops(moons):
    slow = OneAtATimePanel(moons, epochs=[3000, 5000], batch_size=[1, 2], seeds=1)
    slow.all_button.click()
    until(lambda: slow.found is not None)
    start = time.monotonic()
    slow.stop_button.click()
    slow.wait(5)
    assert time.monotonic() - start < 1
    assert slow.done == []


def test_path_begins_with_its_start_trained(moons):
    panel = make_path(moons)
    runs = panel.found.runs
    assert runs.settings == (QUICK.but(lr=0.01, batch_size=16),)
    loss = runs.mean_val_loss[0]
    assert f"lowest validation loss {loss:.3g}" in panel.result
    assert "Next, step 1: learning rate." in panel.result
    shown = nth(panel, 0, "cells").columns[0]
    assert shown[np.isfinite(shown)] == pytest.approx([loss])
    assert texts(panel, 0) == ["S"]
    assert panel.status.value.startswith("path: 2 runs")
    assert texts(panel, 1) == ["1 lr", "2 batch"]
    assert texts(panel, 1, 1) == ["next", "later"]
    assert nth(panel, 1, "points").columns[0].size == 0
    assert panel.charts.charts[1].y.kind == "none"  # no numbers before there is a loss
    drawn = still(panel.charts.charts, panel.widths).axes[1]
    assert list(drawn.get_yticks()) == []
    assert panel.picture().startswith(b"\x89PNG")


def test_path_without_lists_takes_those_of_lesson_07(moons):
    panel = OneAtATimePanel(load_dataset("spiral"))
    lists = {"lr": (0.01, 0.1, 1, 10), "batch_size": (4, 64, 200)}
    assert dict(panel.space) == lists | {"dropout": (0, 0.1, 0.3)}
    start = Hyperparameters(lr=0.1, batch_size=200, epochs=20)
    assert panel.found.settings == (panel.starting,) == (start,)
    # With lists, and no start: it begins on them.
    panel = OneAtATimePanel(moons, seeds=1, lr=[0.3, 0.01], batch_size=[16, 64])
    assert panel.space == {"lr": (0.3, 0.01), "batch_size": (16, 64)}
    assert (panel.starting.lr, panel.starting.batch_size) == (0.01, 16)


def test_steps_stand_beside_each_other_in_their_order(moons):
    panel = make_path(moons, epochs=[2, 5])
    panel.order.value = ("epochs", "lr", "batch_size")
    panel.wait(10)

    axis = panel.charts.charts[1].x
    assert list(axis.texts) == ["2", "5", "0.01", "0.3", "10", "16", "64"]
    assert axis.ticks == sorted(axis.ticks)
    apart = np.diff(axis.ticks)
    assert min(apart[[1, 4]]) > 1 == max(np.delete(apart, [1, 4]))
    assert texts(panel, 1) == ["1 epochs", "2 lr", "3 batch"]
    drawn = still(panel.charts.charts, panel.widths)
    boxes = [ax.get_position().width for ax in drawn.axes]
    assert boxes[0] == pytest.approx(boxes[1], rel=0.1)


def map_title(panel):
    return panel.charts.charts[0].title


def test_path_names_its_stops_in_order_and_has_a_curve_for_each(moons):
    panel = make_path(moons)
    panel.all_button.click()
    panel.wait(10)
    first, second = (step.winner for step in panel.done)
    same = first.batch_size == second.batch_size
    assert texts(panel, 0) == (["S", "1\N{EN DASH}2"] if same else ["S", "1", "2"])
    assert "The path is at its end." in panel.result
    assert panel.charts.charts[1].y.kind == "linear"
    assert texts(panel, 1, 1) == ["best 0.3", f"best {second.batch_size}"]
    assert nth(panel, 0, "line").get("halo")  # seen on dark cells and on light ones
    rings = nth(panel, 1, "ring").columns
    mean, settings = panel.found.mean_val_loss, panel.found.settings
    loss = [mean[settings.index(s)] for s in (first, second)]
    assert rings[1][0] == pytest.approx(loss)
    axis = panel.charts.charts[1].y
    low, middle, high = axis.ticks
    assert (low, middle) == (0, high / 2)
    curves = nth(panel, 1, "line").columns[1]
    assert len(curves) == 2
    assert np.nanmax(curves) <= high < axis.domain[1]  # above it stand the words
    assert min(nth(panel, 1, "text", 1).columns[1][0]) > high

    places, losses = (column[0] for column in nth(panel, 1, "points").columns)
    for number, loss in enumerate(losses):  # a click on a value of a step
        panel.charts.calls["setting"](number)
        assert mean[panel.chosen] == pytest.approx(loss)
        assert panel.cell == cell_of(settings[panel.chosen], panel.space)
    assert len(places) == 4
    assert nth(panel, 1, "cross").columns[0].size == 1  # 10 diverges


def test_path_click_tells_a_cell_that_only_the_grid_has(moons):
    panel = make_path(moons)
    click = panel.charts.calls["cell"]
    click(5)  # column 2, row 1
    assert panel.cell == (2, 1)
    assert map_title(panel) == "Loss of each cell"
    panel.grid_button.click()
    panel.wait(10)
    click(4)
    loss = _loss(panel.grid, QUICK.but(lr=0.3, batch_size=64))
    assert map_title(panel) == f"lr 0.3, batch 64: loss {loss:.3g}"
    assert panel.chosen is None
    click(5)
    assert map_title(panel) == "lr 10, batch 64: diverged"
    panel.choose(0)
    assert panel.cell == (0, 0)


def test_path_keeps_the_grid_and_its_own_numbers(moons):
    panel = make_path(moons, epochs=[2, 5])
    panel.all_button.click()
    panel.wait(10)
    assert nth(panel, 0, "frames", 1).get("legend") == "best so far"
    assert map_title(panel) == "Lowest loss with any epochs tried"
    before = nth(panel, 0, "cells").columns[0]
    more = {"seeds": [0, 1], "tick": 1e-9} | panel.space
    panel.grid = next(grid_search.live(moons, panel.base, **more))  # hardly begun
    panel._draw()
    assert "The grid was stopped before its end." in panel.result
    x, y = (np.nanmean(each) for each in nth(panel, 0, "frames", 1).columns)
    assert nth(panel, 0, "cells").columns[0][int(y), int(x)] == np.nanmin(before)

    panel.grid_button.click()
    panel.wait(10)
    assert nth(panel, 0, "frames", 1).get("legend") == "best of all"
    assert map_title(panel) == "Lowest loss with any epochs"
    every, own = nth(panel, 0, "cells").columns[0], np.isfinite(before)
    assert 0 < (~np.isnan(before)).sum() < (~np.isnan(every)).sum() == every.size
    np.testing.assert_array_equal(every[own], before[own])

    panel.order.index = 1  # another path on the same grid
    panel.wait(10)
    assert len(panel.found.settings) == 1
    np.testing.assert_array_equal(nth(panel, 0, "cells").columns[0], every)
    assert "The grid's best is" in panel.result
    panel.back_button.click()
    panel.wait(10)
    assert panel.grid.finished
    panel.seeds.value = 1  # another grid: it waits to be asked for
    panel.wait(10)
    assert panel.grid is None
    assert len(panel.found.seeds) == 1
    assert nth(panel, 0, "frames", 1).get("legend") == "best so far"


def test_a_start_as_quick_as_the_limit_is_trained_unasked(path, monkeypatch):
    took = PACE * path._work([path.starting])
    for limit, asks in ((took, False), (took * 0.99, True)):
        monkeypatch.setattr("hpkit.panels.one_at_a_time.QUICK", limit)
        assert path._asks() == asks


def test_path_stopped_within_a_step_goes_on(moons):
    panel = make_path(moons, epochs=[400, 800])
    panel.order.index = [o[0] for _, o in panel.order.options].index("epochs")
    panel.wait(10)
    panel.all_button.click()
    until(lambda: panel.found.steps)
    panel.stop_button.click()
    panel.wait(10)
    if len(panel.done) < 3:
        assert "Stopped; Next step goes on." in panel.result
    panel.all_button.click()
    until(lambda: not panel.live.asked)
    panel.grid_button.click()  # and the grid waits for its end
    panel.wait(60)
    assert len(panel.done) == 3
    assert panel.grid.finished


@pytest.mark.parametrize(
    ("end", "words"), [(True, "found it"), (False, "times as high")]
)
def test_path_says_where_it_is_beside_the_grid(moons, end, words):
    panel = make_path(moons)
    panel.grid_button.click()
    panel.wait(10)
    if end:
        best = panel.grid.best
        for name in LISTS:
            panel.starts[name].value = getattr(best, name)
        panel.wait(10)
        panel.grid_button.click()
        panel.wait(10)
    assert words in panel.result


def test_path_starts_where_the_learner_says(moons):
    start = Hyperparameters(lr=0.05, batch_size=16, epochs=3)

    panel = OneAtATimePanel(
        moons, start, seeds=1, lr=[0.01, 0.3], batch_size=[64, 8], epochs=[2, 3]
    )
    lists = [panel.space[name] for name in ("lr", "batch_size", "epochs")]
    panel.all_button.click()
    panel.wait(10)
    names = {}
    exec(panel.code(), names)

    assert panel.starting == start == panel.base
    assert lists == [(0.01, 0.05, 0.3), (64, 8, 16), (2, 3)]
    assert nth(panel, 0, "line").columns[0][0].round().tolist()[0] == 1
    assert "lr=0.05, batch_size=16, epochs=3" in panel.code()
    assert [s.winner for s in names["found"].steps] == [s.winner for s in panel.done]


def test_path_from_a_start_that_diverges_says_so(moons):
    panel = make_path(moons, 1000.0, lr=[1000.0, 0.1])
    assert "Start S, learning rate 1000, batch size 16: diverged" in panel.result
    panel.all_button.click()
    panel.wait(10)
    assert panel.done[-1].winner.lr == 0.1


def test_path_forgets_a_grid_that_trains_when_it_begins_again(moons):
    panel = make_path(moons, epochs=[300, 600])
    for _ in range(3):
        panel.grid_button.click()
        until(lambda: panel.grid is not None)
        panel.starts["batch_size"].value = 80 - panel.starts["batch_size"].value
        panel.wait(20)
        assert panel.grid is None
        assert panel.found.settings == (panel.starting,)


def test_start_that_takes_long_waits_for_a_button(moons):
    panel = OneAtATimePanel(moons, lr=[0.01, 0.3], batch_size=[4, 64], seeds=2)
    panel.starts["batch_size"].value = 4
    panel.wait(20)
    panel.seeds.value = 500
    panel.wait(0.5)

    assert panel.found is None
    assert "The start alone is 500 runs, 15000 epochs, about " in panel.result
    panel.seeds.value = 1
    panel.wait(20)
    assert panel.found.cost.runs == 1
    assert "press Next step" not in panel.result
