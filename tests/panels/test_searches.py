"""ValidationCurvePanel and GridPanel: what a learner does with them."""

import time
from dataclasses import replace

import numpy as np
import pytest
from chart_reading import curve as line_of
from chart_reading import mark, marks, move, pasted, press, shows, until, watch
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from torch import nn

from hpkit import GridPanel, OneAtATimePanel, ValidationCurvePanel, plot_grid
from hpkit.charts.searches import grid_losses, heatmap_chart, value_axis
from hpkit.charts.spec import light
from hpkit.charts.still import draw, still
from hpkit.hyperparameters import MAIN_NAMES, TABLE, Hyperparameters
from hpkit.search.searches import grid_search, validation_curve
from hpkit.text import setting_text

BASE = Hyperparameters(lr=0.3, epochs=5)
QUICK = Hyperparameters(epochs=5)
LISTS = {"lr": [0.01, 0.3, 10.0], "batch_size": [16, 64]}
RATES = [0.001, 0.03, 0.3, 10]
FRAMES = ("ties", "best", "chosen", "guess")  # in the order in which they are drawn


def make_curve(moons, values=RATES, seeds=2, **base):
    base = BASE.but(**base)
    return ValidationCurvePanel(moons, "lr", base, param_range=values, seeds=seeds)


@pytest.fixture
def curve(moons):
    return make_curve(moons)


def test_curve_panel_shows_what_the_search_gives_and_its_picture_too(curve, moons):
    about = {"param_name": "lr", "param_range": RATES, "seeds": (0, 1)}
    found = validation_curve(moons, BASE, **about)

    np.testing.assert_array_equal(curve.found.val_loss, found.val_loss)
    calm = ~found.diverged.any(1)
    x, y = line_of(curve.charts.charts[1], width=2.6)
    np.testing.assert_allclose(x, [0.001, 0.03, 0.3], rtol=1e-6)
    np.testing.assert_allclose(y, found.mean_val_loss[calm], rtol=1e-6)
    cross = mark(curve.charts.charts[1], "cross")
    assert cross.columns[0].size == (~calm).sum() == 1
    assert cross.get("label") == "diverged"
    ring = mark(curve.charts.charts[1], "ring")
    assert ring.get("label") == [f"lowest {found.mean_val_loss[2]:#.3g} at 0.3"]
    assert "0.3" in curve.result
    assert curve.drawer.children[0].value.count("<tr") == 1 + 4
    assert [name for _, name in curve.values.which.options] == list(MAIN_NAMES)

    curves, validation = still(curve.charts.charts, curve.widths).axes
    said = [text.get_text() for text in curves.texts]
    assert [text for text in said if text] == ["lr 0.001", "lr 0.03", "lr 0.3"]
    assert (curves.get_xlabel(), validation.get_xlabel()) == ("epoch", "learning rate")
    keys = [text.get_text() for text in validation.get_legend().get_texts()]
    assert keys == ["spread", "chosen"]
    said = {text.get_text() for text in validation.texts}
    assert said == {"diverged", f"lowest {found.mean_val_loss[2]:#.3g} at 0.3"}


def test_curve_panel_answers_while_a_slider_moves(curve):
    answers = watch(curve, lambda: curve.found.base)
    begun = time.process_time()
    for size in (8, 16, 64, 128) * 3:
        drawn = len(answers)
        curve.controls["batch_size"].slider.value = size
        until(lambda drawn=drawn: len(answers) > drawn)
    curve.wait(60)

    assert time.process_time() - begun < 1  # twelve answers
    assert curve.found.finished
    assert curve.found.base.batch_size == 128
    assert len({base.batch_size for base in answers}) >= 2
    assert curve.before.base.batch_size == 32


def test_curve_panel_chooses_by_click_and_by_cross(curve):
    assert "Chosen" not in curve.result  # it is the best
    curve.charts.calls["curve"](0)
    _, strong = line_of(curve.charts.charts[0], strong=True)
    assert mark(curve.charts.charts[0], "line", strong=True).get("label") == "lr 0.001"
    np.testing.assert_allclose(strong, curve.found.val_loss[0].mean(0), rtol=1e-6)
    curve.charts.calls["point"](1)
    assert curve.focus == 1
    curve.charts.calls["curve"](2)
    assert curve.focus == 2
    curve.choose(0)
    assert curve.result.startswith("Learning rate 0.001: loss 0.")
    assert "lowest mean validation loss" not in curve.result
    curve.charts.calls["cross"](0)

    assert curve.result == "Learning rate 10: at least one seed diverged."
    curves, validation = curve.charts.charts
    here = mark(validation, "points", shape="diamond")
    assert here.get("legend") == "chosen"
    assert np.isnan(here.columns[1].item())
    curve.charts.calls["cross"](1)  # of an earlier search: nothing
    left = mark(curves, "cross")
    assert (left.get("label"), left.get("name")) == ("diverged", "lr 10")
    curve.charts.calls["point"](0)
    assert marks(curve.charts.charts[0], "cross") == []
    assert max(map(len, curve.code().splitlines())) <= 88


def test_curve_panel_waits_for_start_when_it_would_take_long(curve):
    curve.pace = 1e-9  # as on a quick computer
    move(curve, curve.values.which, "epochs")
    move(curve, curve.controls["batch_size"].slider, 2)
    curve.pace = 1e-5  # as on a slow one
    move(curve, curve.values.text, "10000, 20000")

    assert curve.status.value.startswith("4 runs, 60000 epochs, about")
    assert "hp-stale" in curve._dom_classes
    # It goes on where a drag comes back to what is quick.
    assert curve.controls["batch_size"].slider.continuous_update
    assert "still the result of the earlier values" in curve.result
    assert curve.found.settings[-1].epochs == 80
    move(curve, curve.controls["batch_size"].slider, 1)
    assert f"batch_size={curve.found.base.batch_size}" in curve.code()
    curve.start_button.click()
    until(lambda: curve.found.settings[0].epochs == 10_000)
    until(lambda: curve.found.cost.epochs)
    until(lambda: "<td>20000</td>" in curve.drawer.children[0].value)
    assert not press(curve, "stop").found.finished
    move(curve, curve.values.text, "5")
    assert "hp-stale" not in curve._dom_classes


def test_dots_have_the_colors_of_their_training_curves(moons):
    curve = make_curve(moons, [0.3, 0.001, 10, 0.03])
    many = mark(curve.charts.charts[0], "line", click="curve")
    colors = many.get("color")
    light_to_dark = [colors[i] for i in (1, 3, 0, 2)]
    weights = [0.2126, 0.7152, 0.0722]  # roughly how light a color looks
    lightness = [np.array(to_rgb(color)) @ weights for color in light_to_dark]
    assert lightness == sorted(lightness, reverse=True)
    assert len(set(colors)) == 4
    assert mark(curve.charts.charts[1], "points", click="point").get("color") == colors
    assert mark(curve.charts.charts[1], "cross").get("color") == [colors[2]]
    # At their ends, but for the one drawn strongly and the one that diverged.
    assert many.get("label") == [None, "lr 0.001", None, "lr 0.03"]


def test_stopped_search_says_how_far_it_came(moons):
    panel = make_curve(moons, [0.01, 0.1], seeds=1, batch_size=1)
    panel.controls["epochs"].source.value = 500
    panel.start_button.click()
    until(lambda: panel.found.cost.epochs > 10 and not panel.found.finished)
    panel.start_button.click()  # a double click begins nothing anew
    assert not panel.live.next_job
    press(panel, "stop")

    done = panel.found.cost.epochs
    assert f"Stopped after {done} of 1000 epochs" in panel.result
    assert "The lowest" in panel.result
    assert panel.status.value == f"stopped: {done} of 1000 epochs"


@pytest.mark.parametrize("done", [-1, 0])  # 0: measured, not trained
def test_search_stopped_before_its_first_epoch_names_no_winner(moons, done):
    panel = make_curve(moons, [0.01, 0.1], seeds=1)
    runs = replace(panel.found.runs, epochs_done=np.full((2, 1), done))
    panel.found = replace(panel.found, runs=runs, finished=False)
    panel._draw()
    assert panel.result == "Press Start."
    assert not panel.charts.charts[1].marks
    assert panel.frame().empty


def test_what_has_not_begun_has_neither_label_nor_row(moons):
    panel = make_curve(moons, [0.01, 0.1, 0.3], seeds=1)
    runs = panel.found.runs
    begun = np.array([[True], [False], [True]])
    curves = ("train_loss", "val_loss", "train_accuracy", "val_accuracy")
    curves = {n: np.where(begun[..., None], getattr(runs, n), np.nan) for n in curves}
    done = np.where(begun, runs.epochs_done, -1)
    runs = replace(runs, **curves, epochs_done=done, weights={})
    panel.found = replace(panel.found, runs=runs, finished=False)
    panel._draw()
    labels = marks(panel.charts.charts[0], "line", width=1.5)[0].get("label")
    assert labels[1] is None
    assert sum(label is not None for label in labels) == 1  # the other is the best
    assert sorted(panel._rows_below()["param_lr"]) == [0.01, 0.3]


def test_an_earlier_curve_of_the_same_list_is_gray(curve):
    move(curve, curve.controls["batch_size"].slider, 8)
    x, y = line_of(curve.charts.charts[1], color="gray", legend="earlier")
    np.testing.assert_allclose(x, [0.001, 0.03, 0.3], rtol=1e-6)
    np.testing.assert_allclose(y, curve.before.mean_val_loss[:3], rtol=1e-6)
    move(curve, curve.values.text, "0.01, 0.1")
    assert not marks(curve.charts.charts[1], "line", legend="earlier")
    move(curve, curve.controls["batch_size"].slider, 64)
    assert marks(curve.charts.charts[1], "line", legend="earlier")
    move(curve, curve.values.which, "hidden")  # the list was one of learning rates
    assert (curve.found.param_name, curve.found.finished) == ("hidden", True)
    assert curve.charts.charts[1].x.label == TABLE["hidden"].label
    assert not marks(curve.charts.charts[1], "line", legend="earlier")
    assert shows(curve)


def test_curve_says_what_is_as_good(moons):
    panel = make_curve(moons, [0.01, 0.6, 0.7, 0.8], seeds=10, epochs=20)
    one, other = (setting.lr for setting in panel.found.ties)
    assert (
        f"As far as 10 seeds can tell, {one} or {other} may be as good." in panel.result
    )


def make_grid(moons, **more):
    lists = {"x_values": LISTS["lr"], "y_values": LISTS["batch_size"]}
    return GridPanel(moons, base=QUICK, **{"seeds": 2} | lists | more)


def framed(charts, name):
    """Return the cells (column, row) in a frame of a map."""
    frames = [m for m in charts.charts[0].marks if m.kind == "frames"]
    ends = [c.reshape(-1, 3)[:, :2] for c in frames[FRAMES.index(name)].columns]
    (x, y), (across, up) = np.mean(ends, 2), np.diff(ends)[..., 0] / 2  # of each side
    cells = np.round([x + up, y - across]).astype(int)
    return set(zip(*cells.tolist(), strict=True))


@pytest.fixture
def grid(moons):
    return make_grid(moons)


def test_grid_panel_shows_what_the_search_gives(grid, moons):
    found = grid_search(moons, QUICK, seeds=(0, 1), **LISTS)

    np.testing.assert_array_equal(grid.found.val_loss, found.val_loss)
    out = found.diverged.any(1)
    assert out.any()
    shown = mark(grid.charts.charts[0], "cells").columns[0]
    wanted = np.where(out, np.inf, found.mean_val_loss).reshape(3, 2).T
    np.testing.assert_allclose(shown, wanted, rtol=1e-6)
    column = LISTS["lr"].index(found.best.lr)
    row = LISTS["batch_size"].index(found.best.batch_size)
    assert framed(grid.charts, "best") == {(column, row)}
    grid.choose(int(found.runs.order[0]))  # the best itself: one frame in the other
    assert framed(grid.charts, "chosen") == framed(grid.charts, "best")
    chart = grid.charts.charts[0]
    best, chosen = (mark(chart, "frames", legend=n) for n in ("lowest", "chosen"))
    assert best.get("inset", 0) < chosen.get("inset") < 0.5
    assert (chart.x.texts, chart.y.texts) == (["0.01", "0.3", "10"], ["16", "64"])


def test_grid_panel_click_shows_the_cell(grid):
    for column, row in np.ndindex(3, 2):
        grid.charts.calls["cell"](row * 3 + column)  # as the map counts its cells
        lr, size = LISTS["lr"][column], LISTS["batch_size"][row]
        assert grid.found.settings[grid.focus] == QUICK.but(lr=lr, batch_size=size)
        assert framed(grid.charts, "chosen") == {(column, row)}
    grid.charts.calls["cell"](1)
    curves = grid.charts.charts[1]
    assert curves.title == "lr 0.3, batch 16, seed 0"
    first, second = (grid.found.runs[grid.focus, seed] for seed in (0, 1))
    _, strong = line_of(curves, strong=True)
    np.testing.assert_allclose(strong, first.val_loss, rtol=1e-6)
    _, other = line_of(curves, legend="other seeds")
    np.testing.assert_allclose(other, second.val_loss, rtol=1e-6)


def test_grid_panel_shows_and_names_the_best_over_an_axis(grid):
    loss = np.where(grid.found.diverged.any(1), np.inf, grid.found.mean_val_loss)

    assert [*dict(grid.which.options)] == ["curves", "against lr", "against batch"]
    for side, name in enumerate(("learning rate", "batch size")):
        grid.which.value = side
        assert grid.charts.charts[1].x.label == name
        _, y = line_of(grid.charts.charts[1])
        best = loss.reshape(3, 2).min(1 - side)
        np.testing.assert_allclose(y, best[np.isfinite(best)], rtol=1e-6)
    assert shows(grid)
    grid.which.value = 0
    profile = grid.charts.charts[1]
    assert profile.title == "For each learning rate, the best batch size"
    assert profile.x == value_axis("lr", LISTS["lr"])[0]
    best = [LISTS["batch_size"][k] for k in loss.reshape(3, 2).argmin(1)][:2]
    cross = mark(profile, "cross")  # 10 diverges
    assert (cross.columns[0].tolist(), cross.get("label")) == ([[10.0]], "diverged")
    points = mark(profile, "points")
    np.testing.assert_allclose(points.columns[0], [LISTS["lr"][:2]], rtol=1e-6)
    assert points.get("label") == [f"batch {n}" for n in best]
    assert points.get("name")[1] == f"batch {best[1]}"


def test_grid_panel_other_axes_and_the_same_one_twice(grid):
    grid.entries[1].which.value = "optimizer"
    press(grid, "start")
    assert tuple(grid.found.space) == ("lr", "optimizer")
    grid.entries[1].which.value = "lr"
    assert "two different" in grid.result


def test_as_good_is_the_same_everywhere(moons):
    """Attribute, sentence, table, and the frames of both maps."""
    lists = {"x_values": [0.01, 0.6, 0.7], "y_values": [16, 24]}
    panel = GridPanel(moons, base=QUICK.but(epochs=20), seeds=5, **lists).wait(60)
    found = panel.found
    ties = {found.settings.index(s) for s in found.ties}
    assert 0 < len(ties) < 5

    said = found.describe().split("seeds can tell, ")[1].split(" may be")[0]
    named = said.replace("; or ", "; ").split("; ")
    assert named == [setting_text(s, tuple(found.space)) for s in found.ties]
    assert f"May be as good: {len(ties)} more, in dashed frames." in panel.result
    rows = found._repr_html_().split("<tr>")[2:]
    order = found.runs.order
    assert {int(order[i]) for i, r in enumerate(rows) if ">as good?<" in r} == ties
    panel.view.value = "table"  # from the best to the worst
    rows = panel.drawer.children[panel.view.index].value.split("<tr>")[1:]
    losses = [f"<td>{loss:.4g}</td>" for loss in np.sort(found.mean_val_loss)]
    assert [loss in row for loss, row in zip(losses, rows, strict=True)] == [True] * 6
    assert ["<td>no</td>" in row for row in rows] == [True] * 6  # none diverged
    best = divmod(int(order[0]), 2)
    assert framed(panel.charts, "ties") == {best, *(divmod(i, 2) for i in ties)}
    chart = heatmap_chart(found.space, grid_losses(found), framed={"ties": found.ties})
    plot = plot_grid(found, Figure().add_subplot())
    assert "as good?" in {t.get_text() for t in plot.get_legend().get_texts()}
    assert sides(plot) == sides(draw(Figure().add_subplot(), chart))


def sides(ax):
    """Return the sides of cells in the dashed frame of a map."""
    dashed = (line for line in ax.lines if line.is_dashed())
    (frame,) = (line for line in dashed if line.get_color() == light("orange"))
    ends = frame.get_xydata().tolist()
    return sorted(ends[k : k + 2] for k in range(0, len(ends), 3))


def test_grid_that_takes_long_can_be_stopped(moons, shown_at_once):
    panel = GridPanel(moons, base=QUICK.but(epochs=20_000), y_values=[1, 2])
    assert panel.live.busy
    until(lambda: panel.found and panel.found.cost.epochs)
    until(lambda: "<td>" in panel.drawers["table"].value)  # it follows a search
    press(panel, "stop")
    panel.controls["epochs"].slider.value = 2
    move(panel, panel.entries[1].text, "64, 128")
    assert panel.found.finished
    assert "30 runs, 60 epochs in" in panel.status.value


def test_grid_offer_outlives_the_search_that_still_runs(grid):
    grid.pace = 1e-6
    grid.controls["epochs"].slider.value = 40
    grid.pace = 1.0  # now everything is long
    move(grid, grid.controls["epochs"].slider, 41)
    assert grid.found.finished
    assert "press Start" in grid.status.value
    press(grid, "start")
    assert "press Start" not in grid.status.value
    grid.pace = 1.0
    for epochs in (42, 41):  # and back to what is shown
        move(grid, grid.controls["epochs"].slider, epochs)
    assert "press Start" not in grid.status.value + grid.result


def test_grid_keeps_what_is_drawn_while_a_list_is_wrong(grid):
    before, said = grid.found, grid.result
    move(grid, grid.entries[0].text, "0.1, fast")
    assert grid.found is before
    assert grid.result == said
    assert "values must be a list" in grid.entries[0].note.value
    assert "got &#x27;0.1, fast&#x27;" in grid.entries[0].note.value
    move(grid, grid.entries[0].text, "0.1, 0.2")
    assert grid.entries[0].note.value == "2 values"
    assert grid.found.space["lr"] == (0.1, 0.2)


def test_grid_guess_is_a_click_and_stands_beside_the_result(moons):
    panel = make_grid(moons, predict=True)
    assert "hp-covered" in panel._dom_classes
    assert "lowest mean" not in panel.result
    guess = panel.guess.widget
    assert guess.value is None
    panel.guess.button.click()
    assert "Choose a cell first" in panel.guess.answer.value
    click = guess.charts.calls["cell"]
    for cell, place in ((2, (2, 0)), (4, (1, 1))):  # as the map counts its cells
        click(cell)
        assert panel.guess.answer.value == ""
        assert framed(guess.charts, "guess") == {place}
    panel.guess.button.click()
    click(0)  # too late
    assert panel.guess.box.layout.display == "none"
    loss = panel.found.mean_val_loss[3]
    assert panel.guess.value == panel.found.settings[3]
    assert f"Your guess: <b>lr 0.3, batch 64, loss {loss:#.3g}</b>. " in panel.result
    assert framed(panel.charts, "guess") == {(1, 1)}
    guessed = [m for m in panel.charts.charts[0].marks if m.kind == "frames"][-1]
    assert np.ptp(guessed.columns[0][~np.isnan(guessed.columns[0])]) < 0.9  # of a cell
    panel.charts.calls["cell"](0)
    assert f"{loss:#.3g}</b>. Learning rate 0.01, batch size 16: loss " in panel.result
    assert framed(panel.charts, "guess") == {(1, 1)}
    panel.controls.setting = QUICK.but(epochs=3)  # the same cell of another grid
    press(panel, "start")
    assert panel.found.base.epochs == 3
    assert framed(panel.charts, "guess") == set()
    assert panel.result.startswith("The lowest mean")


def free(n_in, n_out, setting):
    bent = {"gelu": nn.GELU, "a, <b>": nn.ReLU}[setting.act]
    layers = nn.Linear(n_in, setting.width), bent(), nn.Linear(setting.width, n_out)
    return nn.Sequential(*layers)


def fails(n_in, n_out, setting):
    if setting.width == 8:
        raise RuntimeError("<b> is too wide")
    return nn.Linear(n_in, n_out)


def test_panel_says_which_settings_failed_and_why(moons):
    more = {"base": QUICK, "model": fails, "seeds": 2}
    grid = GridPanel(moons, "width", x_values=[2, 8], y_values=[16], **more).wait()
    curve = ValidationCurvePanel(moons, "width", param_range=[2, 8], **more).wait()
    path = OneAtATimePanel(moons, width=[2, 8], batch_size=[16], **more)
    press(path, "all")
    for panel in (grid, curve, path):
        assert "Runs lost: 2, at width 8" in panel.result
        assert "RuntimeError: &lt;b&gt; is too wide." in panel.result


def test_own_names_are_searched_shown_and_stand_in_the_code(moons):
    more = {"base": QUICK, "model": free, "seeds": 2}
    lists = {"width": [2, 8], "act": ["gelu", "a, <b>"]}
    values = {"x_values": lists["width"], "y_values": lists["act"]}
    grid = GridPanel(moons, "width", "act", **values, **more).wait()
    path = OneAtATimePanel(moons, QUICK, model=free, seeds=2, **lists).wait()
    more |= {"base": QUICK.but(own={"width": 2}), "param_range": lists["act"]}
    curve = ValidationCurvePanel(moons, "act", **more).wait()

    press(path, "all")
    for panel in (grid, path, curve):
        found, shown = pasted(panel, free=free)["found"], panel.found or path.search
        assert found.settings == shown.settings
        assert (found.best, found.lost) == (shown.best, ())

    assert grid.charts.charts[0].x.label == "width"
    assert grid.charts.charts[0].y.texts == ["gelu", "a, <b>"]
    with path.quietly():
        path.starts["act"].source.value = "a, <b>"
    head, _ = path.starts["act"].children
    assert head.children[-1].value == "a, &lt;b&gt;"

    def set_to(widget, value):
        widget.value = value
        grid.start()  # it begins by itself only where that is quick
        return grid.wait()

    across, up = grid.entries
    assert set_to(across.text, "2 to 6 in 3").found.space["width"] == (2, 4, 6)
    assert set_to(across.which, "lr").found.base.width == 2
    space = set_to(across.which, "width").found.space
    assert space == {name: tuple(values) for name, values in lists.items()}
    assert "tanh" in set_to(up.text, "'gelu', 'tanh'").found.lost[0].reason
    with pytest.raises(ValueError, match="got none for 'width'; give x_values="):
        GridPanel(moons, "width", base=more["base"], model=free)
    with pytest.raises(ValueError, match="got 'width'; check the spelling"):
        GridPanel(moons, "width", "lr", x_values=[2, 4])
