"""The map of a grid, and its profile."""

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

import hpkit as hk
from hpkit.charts.colors import cell_colors
from hpkit.charts.heatmap import grid_losses, heatmap_chart, profile_chart
from hpkit.charts.still import draw
from hpkit.charts.validation import value_axis


def grid():
    return hk.grid_search(
        hk.load_dataset("moons"),
        hk.Hyperparameters(epochs=2),
        lr=[0.01, 0.1, 1000.0],
        batch_size=[16, 64],
    )


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


def test_a_single_loss_is_neither_dark_nor_light():
    one, two = (
        cell_colors(np.array([[np.nan, 0.7]])),
        cell_colors(np.array([[0.1, 0.7]])),
    )
    assert two[0, 0, :3].sum() < one[0, 1, :3].sum() < two[0, 1, :3].sum()


def test_map_colors_reach_over_a_factor_of_two():
    plateau = cell_colors(np.array([[0.143, 0.15, 0.178]]))
    ends = cell_colors(np.array([[0.143, 0.286]]))
    assert plateau[0, 0].tolist() == ends[0, 0].tolist()  # the lowest is dark
    light = plateau[0, :, :3].sum(1)
    assert light[0] < light[1] < light[2]
    assert light[2] < ends[0, :, :3].sum(1).mean()
    wide = cell_colors(np.array([[0.1, 0.2, 10.0]]))
    assert wide[0, [0, 2]].tolist() == ends[0].tolist()


def test_losses_lie_as_the_map_does():
    found = grid()
    losses = grid_losses(found)
    for i, setting in enumerate(found.settings):
        column = found.space["lr"].index(setting.lr)
        row = found.space["batch_size"].index(setting.batch_size)
        out = found.diverged[i].any()
        assert losses[row, column] == (np.inf if out else found.mean_val_loss[i])


def test_a_profile_names_the_best_at_each_point():
    found = grid()
    few = profile_chart(found, 0).marks[1].get("label")
    lrs = np.geomspace(0.01, 0.1, 7).tolist()
    many = hk.grid_search(found.dataset, found.base, lr=lrs, batch_size=[16, 64])
    assert all(text.startswith("batch ") for text in few)
    labels = profile_chart(many, 0).marks[1].get("label")
    assert len(labels) == 7
    assert set(labels) <= {"batch 16", "batch 64"}
    assert value_axis("lr", many.space["lr"])[0] == profile_chart(many, 0).x
