"""Lists of values, as a learner writes them."""

import time

import pytest

from hpkit import GridPanel, OneAtATimePanel
from hpkit.charts.searches import value_axis
from hpkit.data.datasets import load_dataset
from hpkit.hyperparameters import Hyperparameters
from hpkit.panels.controls import Entry, parse_values, written


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


OWN = (2, True, 0.5, "gelu", None, (16, 8), (3,))  # of a learner's own model


@pytest.mark.parametrize(
    ("name", "text", "values"),
    [
        ("lr", "0.1 0.2;0.3\uff0c 0.4", (0.1, 0.2, 0.3, 0.4)),
        ("batch_size", "16 to 400 in 3", (16, 80, 400)),
        ("epochs", "100 to 128 in 5", (100, 107, 114, 121, 128)),
        ("lr", "0.123 to 4.567 in 2", (0.123, 4.567)),
        ("weight_decay", "0 to 0.1 in 3", (0.0, 0.05, 0.1)),
        ("optimizer", "adam sgd", ("adam", "sgd")),
        ("heads", "2, True, 0.5, gelu, None, 16-8, 3-", OWN),
        ("heads", "2 to 8 in 3", (2, 5, 8)),
        ("heads", "0 to 1 in 3", (0, 0.5, 1)),
    ],
)
def test_values_end_where_the_learner_says(name, text, values):
    wanted = values if name in ("optimizer", "heads") else pytest.approx(values)
    assert parse_values(name, text) == wanted


@pytest.mark.parametrize(
    "text", ["fast", "", "1 to 2 in", "1 to b in 3", "1 to 2 in x"]
)
def test_values_that_are_no_list_say_the_way_out(text):
    with pytest.raises(ValueError, match=r"0\.001 to 10 in 9, got"):
        parse_values("lr", text)


def test_a_range_of_millions_is_refused_at_once():
    start = time.process_time()
    with pytest.raises(ValueError, match="100 at most, got 90000000"):
        parse_values("lr", "0.001 to 1 in 90000000")
    assert time.process_time() - start < 1


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
    assert len(set(value_axis(name, values)[1])) == len(values)


@pytest.mark.parametrize("name", ["wine", "coin_flips"])
def test_first_lists_hold_no_batch_larger_than_the_data(name):
    data = load_dataset(name)
    grid, path = GridPanel(data, base=Hyperparameters(epochs=5)), OneAtATimePanel(data)
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


def test_an_error_of_our_own_is_not_told_as_a_wrong_list(monkeypatch):
    entry = Entry("lr", "0.1, 1", 2)

    def fault(*_):
        raise ValueError("a fault of hpkit")

    monkeypatch.setattr("hpkit.panels.controls.parse_values", fault)
    with pytest.raises(ValueError, match="a fault of hpkit"):
        entry.text.value = "0.1, 2"
    assert entry.wrong is None
