"""Validation curve, training curves by value, the map of a grid and its profile."""

from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
from chart_reading import mark
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

import hpkit as hk
from hpkit.charts.searches import (
    best_so_far_chart,
    heatmap_chart,
    profile_chart,
    spent_chart,
    validation_chart,
    validation_plot,
    value_axis,
)
from hpkit.charts.spec import cell_colors
from hpkit.charts.still import draw

MOONS = hk.load_dataset("moons")
HEADS = "attention_heads_per_layer"  # of a learner's own model
NETS = ["resnet with drop 0.1", "resnet with drop 0.2"]


def test_numbers_stand_out_from_their_cells():
    def light(color):
        c = np.asarray(to_rgb(color))
        linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
        return linear @ [0.2126, 0.7152, 0.0722]

    losses = np.geomspace(0.05, 2, 48).reshape(6, 8)
    space = {"lr": np.geomspace(0.01, 1, 8), "batch_size": range(1, 7)}
    ax = draw(Figure().add_subplot(), heatmap_chart(space, losses))

    assert len(ax.texts) == losses.size
    for text, ground in zip(ax.texts, cell_colors(losses).reshape(-1, 4), strict=True):
        low, high = sorted([light(ground[:3]), light(text.get_color())])
        assert (high + 0.05) / (low + 0.05) >= 4.5


def test_map_colors_reach_over_a_factor_of_two():
    plateau = cell_colors(np.array([[0.143, 0.15, 0.178]]))
    ends = cell_colors(np.array([[0.143, 0.286]]))
    assert plateau[0, 0].tolist() == ends[0, 0].tolist()  # the lowest is dark
    light = plateau[0, :, :3].sum(1)
    assert light[0] < light[1] < light[2]
    assert light[2] < ends[0, :, :3].sum(1).mean()
    beside = cell_colors(np.array([[0.15]]), [0.143, 0.178])
    assert beside[0, 0].tolist() == plateau[0, 1].tolist()
    wide = cell_colors(np.array([[0.1, 0.2, 10.0]]))
    assert wide[0, [0, 2]].tolist() == ends[0].tolist()


@pytest.mark.parametrize(
    ("name", "values", "kind", "ticks"),
    [
        ("lr", [0.001, 0.01, 0.1, 1], "log", ()),
        ("lr", [0.3, 0.01, 0.1], "log", ("0.01", "0.1", "0.3")),
        ("lr", [0.01, 0.02, 0.03], "linear", ("0.01", "0.02", "0.03")),
        ("batch_size", [8, 16, 32, 64], "log", ("8", "16", "32", "64")),
        ("momentum", [0, 0.5, 0.9], "linear", ("0", "0.5", "0.9")),
        ("weight_decay", [0, 1e-4, 1e-2], "band", ("0", "0.0001", "0.01")),
        ("weight_decay", [1e-2, 1e-4, 0], "band", ("0", "0.0001", "0.01")),
        ("hidden", [(), (8,), (8, 8)], "band", ("none", "8", "8-8")),
        ("optimizer", ["sgd", "adam"], "band", ("sgd", "adam")),
        ("lr", [0.1], "linear", ("0.1",)),
        ("lr", [1, 10, 100], "log", ("1", "10", "100")),
        ("lr", [0.1, 1], "log", ("0.1", "1")),
        ("epochs", [5, 10, 20], "linear", ("5", "10", "20")),
        ("batch_size", [1, 2, 3], "linear", ("1", "2", "3")),
        ("weight_decay", [0, 1, 10], "band", ("0", "1", "10")),
        # Long values and names are short; but two that differ stay different.
        ("lr", [0.01, 0.0464159, 0.215443, 1], "log", ("0.01", "0.0464", "0.215", "1")),
        ("lr", [0.10001, 0.10002], "linear", ("0.10001", "0.10002")),
        (HEADS, NETS, "band", ("resnet wi…drop 0.1", "resnet wi…drop 0.2")),
    ],
)
def test_values_choose_their_axis(name, values, kind, ticks):
    axis, at = value_axis(name, values)
    assert (axis.kind, tuple(axis.texts)) == (kind, ticks)
    low, high = axis.domain
    assert low < at.min() <= at.max() < high
    assert len(set(at)) == len(values)


def test_a_curve_that_is_best_at_its_end_says_where_to_look():
    said = ": look further right"
    plot = validation_plot
    panel = partial(validation_chart, chosen=0, before=None, drawn=None, alt="")
    for more, chart, words in (([], plot, said), ([], panel, ""), ([1e3], plot, "")):
        about = {"param_name": "lr", "param_range": [0.01, 0.02, *more]}
        found = hk.validation_curve(MOONS, hk.Hyperparameters(epochs=4), **about)
        (label,) = mark(chart(found), "ring").get("label")
        assert label == f"lowest {found.mean_val_loss[1]:#.3g} at 0.02{words}"


def test_what_was_drawn_evenly_has_an_even_axis_with_round_numbers():
    found = hk.random_search(MOONS, dropout=hk.uniform(0, 0.9), n_trials=9)
    x = validation_plot(found).x
    assert (x.kind, x.ticks) == ("linear", ())


@pytest.mark.parametrize(("low", "kind"), [(0.1, "log"), (0.2, "linear")])
def test_losses_over_more_than_a_factor_of_ten_have_a_log_scale(low, kind):
    search = SimpleNamespace(best_so_far=lambda: np.array([[1, 2], [1.1, low]]))
    assert best_so_far_chart({"a": search}).y.kind == kind
    spent = [("grid", np.ones(1), np.array([loss])) for loss in (np.inf, 2, np.nan)]
    told = ": no finite loss after 1, 2.00 after 2, 2.00 after 3."
    assert spent_chart(spent, 9).alt.endswith(told)


def test_a_profile_names_the_best_at_each_of_many_points():
    lists = {"lr": np.geomspace(0.01, 0.1, 7).tolist(), "batch_size": [16, 64]}
    grid = hk.grid_search(MOONS, hk.Hyperparameters(epochs=2), **lists)
    best = [f"batch {[16, 64][k]}" for k in grid.mean_val_loss.reshape(7, 2).argmin(1)]
    assert profile_chart(grid, 0).marks[1].get("label") == best
