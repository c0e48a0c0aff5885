"""Panels without a browser: set a slider, press a button, read the state."""

import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from hpkit.panels.cells import ink_on, shade
from hpkit.panels.stills import still

from hpkit.data.datasets import Dataset, load_dataset
from hpkit.engine.training import fit
from hpkit.hyperparameters import Hyperparameters
from hpkit.panels import (
    GridPanel,
    OneAtATimePanel,
    SearchRacePanel,
    SeedsPanel,
    TestBoxPanel,
    TrainingPanel,
    ValidationCurvePanel,
)
from hpkit.panels.controls import NAMES
from hpkit.panels.curve import shades
from hpkit.panels.values import DEFAULTS, parse_values
from hpkit.search.searches import grid_search, validation_curve

QUICK = Hyperparameters(lr=0.3, epochs=5)
LONG = Hyperparameters(lr=0.1, batch_size=1, epochs=2000)


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def moons():
    return load_dataset("moons")


def until(condition, seconds=5):
    """Wait for a condition; fail when it does not come."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "did not happen in time"
        time.sleep(0.01)


# ---- the mechanism -----------------------------------------------------------------


# ---- the training panel ------------------------------------------------------------


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


# ---- the training panel, grown -----------------------------------------------------


# ---- guesses, side by side, projector -----------------------------------


def test_guess_comes_before_the_result(moons):
    panel = ValidationCurvePanel(
        moons, "lr", QUICK, param_range=[0.01, 0.3], seeds=1, predict=True
    )
    assert "hp-covered" in panel._dom_classes
    assert "Make your guess first" in panel.result
    assert "0.3" not in panel.result
    assert "learning rate 0.3" in panel._repr_mimebundle_()[0]["text/plain"]
    panel.guess.widget.value = 0.01
    panel.guess.button.click()

    assert panel.error is None
    assert "hp-covered" not in panel._dom_classes
    assert "Your guess: <b>0.01</b>" in panel.result
    assert "learning rate 0.3" in panel.result
    assert panel.mine.visible
    np.testing.assert_allclose(panel.mine.x, -2)  # 0.01 as a power of ten


@pytest.mark.parametrize("kind", [TrainingPanel, ValidationCurvePanel])
def test_curve_is_drawn_as_a_guess(moons, kind):
    panel = kind(moons, base=QUICK, predict="draw")
    drawing = panel.guess.widget
    assert "Lowest" not in panel.result
    drawing.place.value = 3
    drawing.height.value = 0.1
    assert drawing.lowest == 3
    panel.guess.button.click()

    mine = panel.mine if kind is ValidationCurvePanel else panel.chart.mine
    assert "Your guess: <b>lowest" in panel.result
    np.testing.assert_allclose(mine.y, drawing.value)
    assert drawing.disabled


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
    assert "Chosen" not in curve.result  # it is the best

    curve.choose(0)

    assert "Chosen: learning rate 0.001, loss 0." in curve.result
    assert "lowest mean validation loss" in curve.result


def test_diverged_setting_is_chosen_by_its_cross(curve):
    curve._clicked_out(None, {"data": {"index": 0}})

    assert "Chosen: learning rate 10, diverged." in curve.result
    assert "lr 10" in curve.over.value
    assert "chosen" in curve.right.value
    assert curve.here.x.tolist() == curve.out.x.tolist()  # below its cross
    assert curve.left.visible
    assert curve.left.text == ["✕"]
    curve._clicked(None, {"data": {"index": 0}})
    assert not curve.left.visible


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
    assert f"Stopped after {done} of 1000 epochs" in panel.result
    assert "The lowest" in panel.result
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
    assert "Stopped before the first epoch" in panel.result


def before_training(found):
    """Return a search in which nothing was trained for an epoch."""
    runs = found.runs
    none = {"epochs_done": np.zeros_like(runs.epochs_done)}
    return replace(found, runs=replace(runs, **none), finished=False)


@pytest.mark.parametrize("typed", [0, 2.5, -1, 501])
def test_wrong_number_of_seeds_is_told(curve, typed):
    before = curve.found
    curve.seeds.value = typed
    curve.wait(5)

    assert "seeds must be" in curve.result
    assert f"got {typed}" in curve.result
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
    assert "Still the result of the values before" in curve.result
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
