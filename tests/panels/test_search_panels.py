"""GridPanel, OneAtATimePanel, SearchRacePanel: what a learner does with them."""

import time

import numpy as np
import pytest
from matplotlib.figure import Figure

from hpkit.data.datasets import load_dataset
from hpkit.hyperparameters import Hyperparameters
from hpkit.panels import (
    GridPanel,
    OneAtATimePanel,
    ValidationCurvePanel,
)
from hpkit.panels.cells import digits, outlines, regular, shade
from hpkit.panels.figures import STAGGERED
from hpkit.panels.search_panel import LONG
from hpkit.panels.stills import still
from hpkit.panels.values import Entry, fitting, parse_values, places, written
from hpkit.plots import plot_grid
from hpkit.text import label

QUICK = Hyperparameters(epochs=5)
LISTS = {"lr": [0.01, 0.3, 10.0], "batch_size": [16, 64]}


@pytest.fixture(scope="module")
def moons():
    return load_dataset("moons")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def make_grid(moons, **more):
    lists = {"x_values": LISTS["lr"], "y_values": LISTS["batch_size"]}
    return GridPanel(moons, base=QUICK, **{"seeds": 2} | lists | more)


# ---- lists of values ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text", "values"),
    [
        ("lr", "0.1 0.2;0.3\uff0c 0.4", (0.1, 0.2, 0.3, 0.4)),
        ("batch_size", "16 to 400 in 3", (16, 80, 400)),
        ("epochs", "100 to 128 in 5", (100, 107, 114, 121, 128)),
        ("lr", "0.123 to 4.567 in 2", (0.123, 4.567)),
        ("weight_decay", "0 to 0.1 in 3", (0.0, 0.05, 0.1)),
        ("optimizer", "adam sgd", ("adam", "sgd")),
    ],
)
def test_values_end_where_the_learner_says(name, text, values):
    assert (
        parse_values(name, text) == pytest.approx(values)
        if name != "optimizer"
        else (parse_values(name, text) == values)
    )


@pytest.mark.parametrize(
    "text", ["fast", "", "1 to 2 in", "1 to b in 3", "1 to 2 in x"]
)
def test_values_that_are_no_list_say_the_way_out(text):
    with pytest.raises(ValueError, match=r"0\.001 to 10 in 9, got"):
        parse_values("lr", text)


def test_a_range_of_millions_is_refused_at_once():
    start = time.monotonic()
    with pytest.raises(ValueError, match="100 at most, got 90000000"):
        parse_values("lr", "0.001 to 1 in 90000000")
    assert time.monotonic() - start < 1


def test_entry_counts_its_values_and_says_what_is_wrong():
    entry = Entry("lr", "0.001 to 10 in 5", 2)
    assert entry.note.value == "5 values: 0.001, 0.01, 0.1, 1, 10"
    entry.text.value = "0.1, 1"
    assert entry.note.value == "2 values"
    entry.text.value = "3"
    assert entry.note.value == "1 value"
    entry.text.value = "0.1, <b>"
    assert "&lt;b&gt;" in entry.note.value
    assert "role='alert'" in entry.note.value
    assert "'hp-was'>1 value<" in entry.note.value  # unseen, it keeps the place
    entry.which.value = "batch_size"
    entry.text.value = "8, 16"
    assert entry.wrong is None


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("hidden", ((4, 8), (16,), (), (32, 32))),
        ("lr", (0.1234567891, 0.1, 1e-07, 3.0)),
        ("optimizer", ("sgd", "adam")),
    ],
)
def test_values_given_in_code_are_read_back_exactly(name, values):
    assert parse_values(name, written(values)) == values
    assert len(set(places(values)[0])) == len(values)


@pytest.mark.parametrize("name", ["wine", "coin_flips"])
def test_first_lists_hold_no_batch_larger_than_the_data(name):
    data = load_dataset(name)
    grid, path = GridPanel(data, base=QUICK), OneAtATimePanel(data)
    for panel in (grid, path):
        assert panel.error is None
        sizes = panel.found.space["batch_size"] if panel is grid else panel.space
        sizes = sizes if panel is grid else sizes["batch_size"]
        assert max(sizes) == len(data.train.y)
    grid.entries[0].which.value = "hidden"
    grid.entries[1].which.value = "epochs"
    grid.entries[1].which.value = "batch_size"
    assert grid.entries[1].wrong is None
    assert max(grid.entries[1].values) == len(data.train.y)


def test_ticks_that_do_not_fit_lose_their_text_not_their_place():
    at, words = places([0.01, 0.011, 0.012, 0.05, 0.0799])
    assert list(words.values()) == ["0.01", "", "", "0.05", "0.0799"]
    assert len(at) == len(words)
    assert fitting({0.0: "1", 1.0: "2", 2.0: "3"}) == {0.0: "1", 1.0: "2", 2.0: "3"}
    assert fitting({5.0: "only"}) == {5.0: "only"}
    many = fitting({float(k): "1234" for k in range(50)})
    assert many[0.0] == many[49.0] == "1234"
    assert 3 < sum(map(bool, many.values())) < 10


@pytest.mark.parametrize(
    ("count", "texts"),
    [
        (2, ["0.70", "0.12", "1.0", "12", "0.050"]),
        (3, ["0.700", "0.123", "1.00", "12.3", "0.0500"]),
    ],
)
def test_numbers_in_cells_have_the_digits_that_fit(count, texts):
    assert [digits(x, count) for x in (0.7, 0.123, 1.0, 12.3, 0.05)] == texts


# ---- the grid ----------------------------------------------------------------------


def test_neighbors_get_one_frame():
    x, y = outlines([(0, 0), (1, 0)])
    assert len(x) == 6
    assert not ((x == 0.5).all(1)).any()
    assert (x.min(), x.max(), y.min(), y.max()) == (-0.5, 1.5, -0.5, 0.5)
    assert outlines([])[0].shape == (0, 2)


def test_chosen_cell_is_framed_inside_the_best_one(moons):
    panel = make_grid(moons)
    panel.choose(int(panel.found.runs.order[0]))  # the best itself

    best, here = panel.map.best, panel.map.here
    assert (best.x.mean(), best.y.mean()) == (here.x.mean(), here.y.mean())
    assert best.x.min() < here.x.min() < here.x.max() < best.x.max()
    assert best.y.min() < here.y.min() < here.y.max() < best.y.max()


def test_value_of_which_every_run_diverged_has_a_cross_beside_the_map(moons):
    panel = make_grid(moons, x_values=[0.1, 0.3, 1000.0])
    panel.which.value = 1  # against lr

    assert panel.dots.x.shape == (2,)
    assert panel.out.text.tolist() == ["✕"]
    assert panel.out.x.item() > panel.dots.x.max()
    assert panel.out.y.item() == panel.profile.axes[1].scale.max


def test_grid_ties_and_best_are_one_plateau(moons):
    panel = make_grid(moons, x_values=[0.3, 0.31, 0.32], y_values=[16, 17], seeds=3)
    ties = panel.found.ties
    assert ties
    cells = {divmod(panel.found.settings.index(s), 2) for s in ties}
    cells.add(divmod(panel.found.settings.index(panel.found.best), 2))
    np.testing.assert_allclose(
        np.sort(panel.map.ties.x, 0), np.sort(outlines(cells)[0], 0)
    )
    np.testing.assert_array_equal(panel.map.halo[panel.map.ties].x, panel.map.ties.x)


def test_as_good_is_the_same_everywhere(moons):
    """Attribute, sentence, table, list, and the frames of both maps."""
    lists = {"x_values": [0.01, 0.6, 0.7], "y_values": [16, 24]}
    panel = GridPanel(moons, base=QUICK.but(epochs=20), seeds=5, **lists)
    found = panel.found
    ties = {found.settings.index(s) for s in found.ties}
    assert 0 < len(ties) < 5

    said = panel.result.value.split("As good, as far as 5 seeds can tell: ")[1]
    named = said.split(".</")[0].split(". ")[0].split("; ")
    assert named == [label(s, tuple(found.space)) for s in found.ties]
    rows = found._repr_html_().split("<tr>")[2:]
    order = found.runs.order
    assert {int(order[i]) for i, r in enumerate(rows) if ">as good<" in r} == ties
    listed = panel.listing.list.options
    assert {i for i, line in enumerate(listed) if "as\xa0good" in line} == ties
    ax = plot_grid(found, Figure().add_subplot())
    dashed = [p.get_xy() for p in ax.patches if p.get_linestyle() == "--"]
    assert {int(2 * (x + 0.5) + y + 0.5) for x, y in dashed} == ties


def test_curve_says_what_is_as_good(moons):
    panel = ValidationCurvePanel(
        moons, "lr", QUICK.but(epochs=20), param_range=[0.01, 0.6, 0.8], seeds=10
    )

    assert len(panel.found.ties) == 1
    tied = label(panel.found.ties[0], ("lr",))
    assert f"As good, as far as 10 seeds can tell: {tied}." in panel.result.value


def test_grid_view_names_the_best_of_the_other_axis(moons):
    panel = make_grid(moons)
    panel.which.value = 1
    assert panel.chosen_name.value == "for each learning rate, the best batch size"
    loss = np.where(panel.found.diverged.any(1), np.inf, panel.found.mean_val_loss)
    best = [LISTS["batch_size"][k] for k in loss.reshape(3, 2).argmin(1)]
    assert panel.beats.text.tolist() == [f"batch {n}" for n in best[:2]]  # 10 diverges


def test_grid_click_at_the_edge_is_in_the_cell(moons):
    panel = make_grid(moons)
    for x, y, number in ((2.5, 1.5, 5), (-0.5, -0.5, 0), (1.2, 0.4, 2)):
        panel.map._click(None, {"data": {"click_x": x, "click_y": y}})
        assert panel.focus == number
    assert panel.error is None


def test_grid_long_search_says_its_cost_and_waits(moons):
    panel = GridPanel(moons, base=QUICK.but(epochs=20_000), y_values=[1, 2])
    assert panel.seconds() > LONG
    assert panel.found is None
    assert not panel.live.busy
    assert panel.status.value.startswith("30 runs, 600000 epochs, about")
    assert "That is long" in panel.status.value
    assert "grid_search" in panel.code()
    assert len(panel.frame()) == 0
    panel._clicked(0, 0)
    assert panel.error is None
    panel.controls["epochs"].slider.value = 2
    panel.entries[1].text.value = "64, 128"
    panel.wait(10)
    assert panel.found.finished
    assert "30 runs, 60 epochs in" in panel.status.value


def test_grid_offer_outlives_the_search_that_still_runs(moons):
    panel = make_grid(moons)
    panel.pace = 1e-6
    panel.controls["epochs"].slider.value = 40
    panel.pace = 1.0  # now everything is long
    panel.controls["epochs"].slider.value = 41
    panel.wait(10)
    assert panel.found.finished
    assert "press Start" in panel.status.value
    panel.start_button.click()
    panel.wait(10)
    assert "in" in panel.status.value
    assert "press Start" not in panel.status.value


def test_grid_keeps_what_is_drawn_while_a_list_is_wrong(moons):
    panel = make_grid(moons)
    before, said = panel.found, panel.result.value
    panel.entries[0].text.value = "0.1, fast"
    panel.wait(5)
    assert panel.found is before
    assert panel.result.value == said
    assert "got &#x27;0.1, fast&#x27;" in panel.entries[0].note.value
    panel.entries[0].text.value = "0.1, 0.2"
    panel.wait(10)
    assert panel.found.space["lr"] == (0.1, 0.2)


def test_grid_guess_stands_beside_the_result(moons):
    panel = make_grid(moons, predict=True)
    assert "hp-covered" in panel._dom_classes
    assert "lowest mean" not in panel.result.value
    panel.guess.widget.index = 3
    panel.guess.button.click()
    loss = panel.found.mean_val_loss[3]
    assert panel.guess.value == panel.found.settings[3]
    assert "Your guess: <b>lr 0.3, batch 64</b>" in panel.result.value
    assert f"The loss of your guess is {loss:.3g}." in panel.result.value
    assert panel.map.mine.x.mean() == pytest.approx(1)
    assert panel.map.mine.y.mean() == pytest.approx(1)
    panel.controls.setting = QUICK.but(epochs=3)  # the same cell of another grid
    panel.start()
    panel.wait(10)
    assert panel.found.base.epochs == 3
    assert panel.map.mine.x.mean() == pytest.approx(1)
    assert f"{panel.found.mean_val_loss[3]:.3g}." in panel.result.value
    panel.entries[0].text.value = "0.5, 0.6"  # the guess is not on this grid
    panel.wait(10)
    assert not panel.map.mine.visible


def test_grid_guess_is_a_click_or_two_lists(moons):
    panel = make_grid(moons, predict=True)
    guess = panel.guess.widget
    assert (guess.index, guess.value) == (None, None)
    panel.guess.button.click()
    assert "Choose both values first." in panel.guess.answer.value
    guess.map.clicked(2, 0)
    assert panel.guess.answer.value == ""
    assert [each.value for each in guess.lists] == [2, 0]
    assert guess.value == QUICK.but(lr=10, batch_size=16)
    assert (guess.map.mine.x.mean(), guess.map.mine.y.mean()) == (2, 0)
    guess.lists[1].value = 1
    assert guess.value == QUICK.but(lr=10, batch_size=64)
    panel.guess.button.click()
    guess.map.clicked(0, 0)  # too late
    assert guess.index == 5
    assert panel.guess.value == QUICK.but(lr=10, batch_size=64)


def test_ticks_of_a_map_are_left_out_by_turns():
    lrs = ("0.001", "0.003", "0.01", "0.03", "0.1", "0.3", "1", "3", "10")
    words = dict(enumerate(lrs))
    kept = [text for text in regular(words).values() if text]
    assert kept == ["0.001", "0.01", "0.1", "1", "10"]
    assert regular({0: "1", 1: "2"}) == {0: "1", 1: "2"}


@pytest.mark.parametrize(
    ("columns", "lines", "shown"), [(4, 1, 4), (9, 2, 9), (25, 1, 5)]
)
def test_texts_of_a_map_stand_on_two_lines_before_some_are_left_out(
    moons, columns, lines, shown
):
    lrs = np.geomspace(0.001, 10, columns).round(4).tolist()
    panel = make_grid(moons, x_values=lrs, seeds=1)

    axis = panel.map.figure.axes[0]
    assert len(list(filter(None, axis.tick_labels.values()))) == shown
    assert (STAGGERED in panel.map.figure._dom_classes) == (lines == 2)
    texts = [
        t.get_text()
        for t in still(panel.figures, panel.widths).axes[0].get_xticklabels()
    ]
    assert any(text.startswith("\n") for text in texts) == (lines == 2)


def test_a_single_loss_is_neither_dark_nor_light():
    one, two = shade(np.array([[np.nan, 0.7]])), shade(np.array([[0.1, 0.7]]))
    assert two[0, 0, :3].sum() < one[0, 1, :3].sum() < two[0, 1, :3].sum()


def test_map_colors_reach_over_a_factor_of_two():
    plateau = shade(np.array([[0.143, 0.15, 0.178]]))
    ends = shade(np.array([[0.143, 0.286]]))

    assert plateau[0, 0].tolist() == ends[0, 0].tolist()  # the lowest is dark
    light = plateau[0, :, :3].sum(1)
    assert light[0] < light[1] < light[2]
    assert light[2] < ends[0, :, :3].sum(1).mean()
    wide = shade(np.array([[0.1, 0.2, 10.0]]))
    assert wide[0, [0, 2]].tolist() == ends[0].tolist()
