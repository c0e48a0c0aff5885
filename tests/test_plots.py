"""Charts: what is drawn, where, in which words. No pixels are compared."""

from dataclasses import replace
from itertools import combinations, pairwise
from types import SimpleNamespace

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
from chart_reading import marks
from IPython.core.formatters import DisplayFormatter
from IPython.core.pylabtools import select_figure_formats
from matplotlib.collections import LineCollection, PathCollection, QuadMesh
from matplotlib.collections import PolyCollection as Band
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.text import Text
from torch import nn

import hpkit as hk
from hpkit.charts.runs import mean_and_spread, runs_chart
from hpkit.charts.spec import COLORS, light
from hpkit.text import short_text

matplotlib.use("Agg")

MOONS = hk.load_dataset("moons")
BASE = hk.Hyperparameters(epochs=6)


def curve_of(dataset, lrs, seeds=(0,), **base):
    return hk.validation_curve(
        dataset, BASE.but(**base), param_name="lr", param_range=lrs, seeds=seeds
    )


@pytest.fixture(scope="module")
def run():
    return hk.fit(MOONS, BASE.but(lr=0.3))


@pytest.fixture(scope="module")
def curve():
    return curve_of(MOONS, [0.001, 0.01, 0.1, 1], range(3))


@pytest.fixture(scope="module")
def exploding():
    """Two learning rates on digits: one trains, one gives nan at once."""
    return curve_of(hk.load_dataset("digits"), [0.1, 30], range(2), hidden=(16,))


@pytest.fixture(scope="module")
def grid():
    return hk.grid_search(MOONS, BASE, lr=[0.01, 0.1, 1], batch_size=[16, 64])


@pytest.fixture(scope="module")
def steps():
    return hk.one_at_a_time(MOONS, BASE, lr=[0.01, 0.1, 1], batch_size=[32, 64])


def axes(width=7.2, height=4.0):
    """Return axes of a figure that pyplot does not know."""
    return Figure(figsize=(width, height), layout="constrained").subplots()


def boxes(ax):
    """Return the drawn boxes of all texts that stand free in the axes."""
    ax.figure.draw_without_rendering()
    return [Text.get_window_extent(text) for text in ax.texts if text.get_text()]


def apart(boxes):
    return not any(a.overlaps(b) for a, b in combinations(boxes, 2))


def on_line(values):
    """Return numbers as charts hold them: four bytes each."""
    return tuple(np.asarray(values, np.float32))


def curves(ax):
    """Return the lines that are more than a point."""
    return [line for line in ax.lines if len(line.get_xdata()) > 1]


def crosses(ax):
    return [line for line in ax.lines if line.get_marker() == "x"]


def dots(ax):
    return [made for made in ax.collections if isinstance(made, PathCollection)]


def leads(ax):
    """Return (label, where its thin line begins) of the labels at ends of lines."""
    lines = [lead for lead in ax.collections if isinstance(lead, LineCollection)][:1]
    labels = [text for text in ax.texts if text.get_transform() == ax.transAxes]
    begins = [tuple(path[0]) for lead in lines for path in lead.get_segments()]
    assert all(np.max(lead.get_linewidth()) <= 0.7 for lead in lines)
    assert all(lead.get_alpha() < 0.6 for lead in lines)
    return list(zip([t.get_text() for t in labels], begins, strict=True))


def in_axes(ax, x, y):
    """Return a place in shares of the axes."""
    return tuple((ax.transData - ax.transAxes).transform((x, y)))


def frame(ax):
    """Return the sides of the orange frames, one pair of ends each."""
    sides = set()
    for line in ax.lines:
        if line.get_color() == COLORS["orange"][0]:
            # In one piece, and whole at the edge of the map, too.
            assert (line.get_linestyle(), line.get_clip_on()) == ("-", False)
            ends = line.get_xydata().reshape(-1, 3, 2)[:, :2].round(3)
            sides |= {frozenset(map(tuple, side.tolist())) for side in ends}
    return sides


def around(column, row):
    """Return the sides of a cell, one pair of ends each."""
    ends = (-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5), (-0.5, -0.5)
    return {*map(frozenset, pairwise((column + a, row + b) for a, b in ends))}


def test_training_curves_one_run_dashed_and_solid(run):
    ax = hk.plot_training_curves(run, axes())
    drawn = {line.get_linestyle(): tuple(line.get_ydata()) for line in curves(ax)}
    assert drawn == {"-": on_line(run.val_loss), "--": on_line(run.train_loss)}
    assert {t.get_text() for t in ax.texts} == {"validation", "training"}
    (lowest,) = (made for made in dots(ax) if not len(made.get_facecolor()))
    best = on_line((run.best_epoch, run.best_val_loss))
    assert [tuple(place) for place in lowest.get_offsets()] == [best]
    only = hk.plot_training_curves(run, axes(), split="train")
    assert only.get_xlabel() == "epoch"  # a ring would be explained


def test_training_curves_diverged_ones_have_a_cross_each_at_the_top_edge():
    digits, base = hk.load_dataset("digits"), BASE.but(hidden=(16,))
    runs = [hk.fit(digits, base.but(lr=lr)) for lr in (0.1, 30, 50)]
    ax = hk.plot_training_curves(runs, axes())

    first, second = crosses(ax)
    assert first.get_color() != second.get_color()
    assert [t.get_text() for t in ax.texts] == ["lr 0.1", "2 of 3 diverged"]
    for cross in (first, second):
        assert cross.get_ydata() == [1]
        assert cross.get_transform() == ax.get_xaxis_transform()
    assert [text for text, _ in leads(ax)] == ["lr 0.1"]
    assert ax.get_ylim()[1] < 1.2 * runs[0].val_loss[0]


def test_training_curves_diverged_alone(exploding):
    run = exploding.runs[1, 0]
    ax = hk.plot_training_curves(run, axes())
    assert [t.get_text() for t in ax.texts] == ["lr 30 diverged"]
    assert leads(ax) == []
    ((x,),) = (cross.get_xdata() for cross in crosses(ax))
    top = on_line([ax.get_ylim()[1]])[0]
    assert (x, top) in {tuple(at) for line in curves(ax) for at in line.get_xydata()}
    assert "diverged" in hk.describe(run)
    hk.plot_training_curves(replace(run, val_loss=np.inf + run.val_loss), axes())


def test_training_curves_seeds_are_mean_and_band(curve):
    ax = hk.plot_training_curves(curve, axes(), split="valid")
    means = {tuple(line.get_ydata()) for line in ax.lines}
    assert means >= {on_line(losses.mean(0)) for losses in curve.val_loss}
    assert sum(isinstance(made, Band) for made in ax.collections) == 4
    (band, *_) = marks(runs_chart(curve.runs, "valid", ["name"] * 4), "band")
    low, high = (column.ravel() for column in band.columns[1:])
    spread = curve.val_loss[0].std(0, ddof=1)
    np.testing.assert_allclose(high - low, 2 * spread, rtol=1e-4)


@pytest.mark.parametrize("count", [2, 5, 9, 20, 90])
def test_training_curves_of_many_show_validation_only_with_labels_apart(count):
    many = curve_of(MOONS, np.geomspace(1e-4, 3, count).tolist(), epochs=3)
    ax = hk.plot_training_curves(many, axes())
    drawn = boxes(ax)
    assert len(drawn) >= (count if count <= 20 else 1)  # the best is always named
    assert apart(drawn)
    assert any(line.get_linestyle() == "--" for line in ax.lines) == (count < 5)
    assert "validation" in ax.get_ylabel()
    height = hk.plot_training_curves(many).figure.get_figheight()
    assert (height > 4) == (count > 9)  # room for names,
    assert height < 11  # on one page


@pytest.mark.parametrize(
    ("name", "values"), [("lr", [0.001, 0.01, 0.1, 0.3, 1]), ("epochs", [2, 5])]
)
def test_training_curves_are_named_at_their_ends_by_thin_lines(name, values):
    runs = [hk.fit(MOONS, BASE.but(**{name: value})) for value in values]

    ax = hk.plot_training_curves(runs, axes())

    begins = dict(leads(ax))
    ends = [on_line((run.epochs_done, run.val_loss[-1])) for run in runs]
    paths = [line.get_xydata() for line in curves(ax)]
    assert {*ends} <= {tuple(path[np.isfinite(path[:, 1])][-1]) for path in paths}
    assert len(paths) == (5 if name == "lr" else 4)
    assert [*begins] == [short_text(run.setting, [name]) for run in runs]
    begun = [in_axes(ax, *end) for end in ends]
    np.testing.assert_allclose([*begins.values()], begun, rtol=1e-5)
    heights = [(begins[t.get_text()][1], t.get_position()[1]) for t in ax.texts]
    assert [place for _, place in sorted(heights)] == sorted(p for _, p in heights)
    whole = hk.plot_training_curves(hk.Runs.of(runs), axes())
    assert whole.get_xlim() == (0, max(run.epochs_done for run in runs))


@pytest.mark.parametrize("width", [4.2, 7.2])
@pytest.mark.parametrize(
    "lrs", [(0.01, 0.02, 0.03, 0.04), (0.001, 0.01, 0.1, 1, 10), (0.3, 1, 3, 10)]
)
def test_validation_curve_has_words_that_hide_no_line(lrs, width):
    curve = curve_of(MOONS, lrs)

    ax = hk.plot_validation_curve(curve, axes(width))

    ax.figure.canvas.draw()
    words = next(text for text in ax.texts if text.get_text().startswith("lowest"))
    box = Text.get_window_extent(words)
    for line in (line for line in ax.lines if line.get_linewidth() > 1.5):
        assert not line.get_path().transformed(ax.transData).intersects_bbox(box, False)


def test_validation_curve_shows_mean_and_marks_the_minimum(curve):
    ax = hk.plot_validation_curve(curve, axes())

    drawn = {tuple(line.get_ydata()): line for line in ax.lines}
    assert drawn[on_line(curve.mean_val_loss)].get_linestyle() == "-"
    assert drawn[on_line(curve.scores("last"))].get_linestyle() != "-"
    start = curve.val_loss[..., 0].mean()
    assert drawn[on_line([start, start])].get_color() == light("gray")
    assert light("#123456") == "#123456"
    seeds = next(made for made in dots(ax) if len(made.get_offsets()) == 4 * 3)
    assert set(seeds.get_offsets()[:, 1]) == set(on_line(curve.best_val_loss.ravel()))
    ring = next(line for line in ax.lines if line.get_markerfacecolor() == "none")
    best = curve.best.lr, curve.best_score
    assert tuple(*ring.get_xydata()) == on_line(best)
    words = "lowest {1:#.3g} at {0:g}".format(*best)
    assert any(t.get_text().startswith(words) for t in ax.texts)
    assert {*dict(leads(ax))} == {"best epoch", "last epoch", "before training"}
    assert apart(boxes(ax))


def test_diverged_stands_at_the_edge_of_each_chart_and_stretches_none(exploding):
    ax = hk.plot_seeds(exploding, axes())
    assert "2 of 2 diverged" in [text.get_text() for text in ax.texts]
    (x, y), *_ = next(m for m in dots(ax) if len(m.get_offsets()) == 1).get_offsets()
    assert exploding.best_val_loss[0].max() < x < ax.get_xlim()[1]
    assert y == 0

    ax = hk.plot_parallel(exploding, axes())
    ends = [made.get_offsets()[0] for made in dots(ax)]
    assert any(end.tolist() == pytest.approx([1, 1.06]) for end in ends)
    assert "diverged" in [label.get_text() for label in ax.texts]
    done = exploding.epochs_done * [[1], [0]] - [[0], [1]]  # the second has not begun
    half = replace(exploding, runs=replace(exploding.runs, epochs_done=done))
    ax = hk.plot_parallel(half, axes())
    assert "diverged" not in [label.get_text() for label in ax.texts]
    strong = {to_hex(line.get_color()) for line in ax.lines if line.get_lw() > 1.2}
    assert strong == {COLORS["blue"][0].lower()}

    ax = hk.plot_validation_curve(exploding, axes())
    assert [c.get_xdata()[0] for c in crosses(ax)] == [30]
    label = next(t for t in ax.texts if t.get_text() == "diverged")
    assert label.xy == (30, ax.get_ylim()[1])
    assert label.get_position()[0] < 0  # left of a cross at the right edge
    assert in_axes(ax, 0.1, 0)[0] in [x for _, (x, _) in leads(ax)]
    assert ax.get_ylim()[1] < 1.2 * exploding.val_loss[:, :, 0].mean()


def test_grid_annotates_each_cell_that_is_trained_and_frames_the_best(grid):
    ax = hk.plot_grid(grid, axes())

    texts = {t.get_position(): t.get_text() for t in ax.texts}
    losses = grid.mean_val_loss.reshape(3, 2)
    assert texts == {at: f"{losses[at]:.3f}" for at in np.ndindex(3, 2)}
    best = np.unravel_index(losses.argmin(), losses.shape)
    assert frame(ax) == around(*best)
    done = np.where(np.arange(6)[:, None] < 4, grid.epochs_done, -1)
    part = replace(grid, finished=False, runs=replace(grid.runs, epochs_done=done))
    assert len([t for t in hk.plot_grid(part, axes()).texts if t.get_text()]) == 4
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["lowest"]


def cell_colors_of(ax):
    """Return the colors of all cells, row by row from below."""
    cells = next(made for made in ax.collections if isinstance(made, QuadMesh))
    return np.asarray(cells.get_array()).reshape(-1, 4)


def test_grid_of_folds_is_a_mean_of_folds():
    found = hk.grid_search(MOONS, BASE, cv=2, lr=[0.1, 1], batch_size=[16, 64])
    assert "mean of 2 folds" in hk.plot_grid(found).get_title()
    assert "4 settings, 2 folds each" in hk.describe(found)


def test_a_cell_that_hides_a_tie_behind_a_worse_setting_is_no_tie():
    space = {"lr": [0.1, 0.3], "momentum": [0, 0.5], "patience": [0, 3]}
    grid = hk.grid_search(MOONS, BASE.but(epochs=1), seeds=range(5), **space)
    losses = np.full((8, 5), 0.5) + 1e-3 * np.sin(np.arange(40)).reshape(8, 5)
    losses[0] -= 0.4
    losses[6] -= 0.3
    losses[7] = 0.05, 1.5, 0.1, 1.3, 0.3  # a tie: its seeds cannot tell
    curves = np.stack([np.full((8, 5), 9), losses], -1)
    grid = replace(grid, runs=replace(grid.runs, val_loss=curves))
    assert grid.ties == (grid.settings[7],)

    dashes = [line.get_linestyle() for line in hk.plot_grid(grid, axes()).lines]
    assert dashes
    assert "--" not in dashes


def test_grid_crosses_out_diverged():
    digits = hk.load_dataset("digits")
    space = {"lr": [0.1, 30], "batch_size": [32, 64]}

    grid = hk.grid_search(digits, BASE.but(hidden=(8,)), **space)
    ax = hk.plot_grid(grid, axes())

    assert "2 of 4 settings diverged: ranked last." in grid.describe()
    assert {tuple(*line.get_xydata()) for line in crosses(ax)} == {(1, 0), (1, 1)}
    assert {t.get_position() for t in ax.texts} == {(0, 0), (0, 1)}
    colors = cell_colors_of(ax).reshape(2, 2, 4)
    assert np.ptp(colors[:, 1, :3], axis=-1).max() == 0  # gray
    assert np.ptp(colors[:, 0, :3], axis=-1).min() > 0.1


@pytest.mark.parametrize("below", [0.5, 5])
def test_a_loss_of_ones_own_below_zero_is_on_every_chart(below):
    def loss(outputs, targets):
        return nn.functional.cross_entropy(outputs, targets) - below

    pair = hk.grid_search(MOONS, BASE, lr=[0.01, 1], loss=loss)
    grid = hk.grid_search(MOONS, BASE, lr=[0.1, 1], batch_size=[16, 64], loss=loss)
    runs, sofar = pair.runs, hk.plot_best_so_far(grid, axes())
    shown = {hk.plot_validation_curve(pair, axes()): pair.scores("last")}
    shown |= {hk.plot_training_curves(pair, axes()): [*runs.train_loss, *runs.val_loss]}
    shown |= {sofar: grid.best_so_far()[1]}

    for ax, losses in shown.items():
        low, high = ax.get_ylim()
        assert low < np.min(losses) <= np.max(losses) < high
        assert np.ptp(losses) > 0.5 * (high - low)
        drawn = np.concatenate([line.get_ydata() for line in curves(ax)])
        assert np.isin(on_line(np.ravel(losses)), on_line(drawn)).all()
    colors = cell_colors_of(hk.plot_grid(grid, axes()))
    order = np.argsort(grid.mean_val_loss.reshape(2, 2).T.ravel())
    assert (np.diff(colors[order, :3].sum(1)) > 0).all()  # lower is darker
    lines = [text.get_text() for text in hk.plot_parallel(grid, axes()).texts]
    assert f"{grid.best_score:#.3g}  " in "".join(lines)


def test_grid_of_three_shows_the_best_over_the_third():
    grid = hk.grid_search(MOONS, BASE, lr=[0.1, 1], batch_size=[16, 64], epochs=[1, 3])
    ax = hk.plot_grid(grid, axes(), x="epochs")
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("epochs", "learning rate")
    what = "lowest validation loss"
    assert ax.get_title() == f"{what}\nlowest over batch size"
    space = {"lr": [0.1, 1e4], "momentum": [0, 0.9], "seeds": [0, 1]}
    several = hk.grid_search(MOONS, BASE, **space)
    other = hk.plot_grid(several, axes())
    assert other.get_title() == f"{what}, mean of 2 seeds"
    assert "diverged" in [text.get_text() for text in other.get_legend().get_texts()]
    loss = grid.mean_val_loss.reshape(2, 2, 2).min(1)
    assert {t.get_text() for t in ax.texts} == {f"{v:.3f}" for v in loss.ravel()}


def test_what_cannot_be_drawn_is_refused(curve, grid, run):
    wine = hk.fit(hk.load_dataset("wine"), BASE)
    for plot, drawn, how, words in (
        (hk.plot_training_curves, 3, {}, r"must be a Run.*got int; make one"),
        (hk.plot_training_curves, run, {"split": "test"}, r"split must be.*'test'"),
        (hk.plot_validation_curve, grid, {}, r"got lr, batch_size; use .*_grid"),
        (hk.plot_validation_curve, run, {}, r"got Run; make one"),
        (hk.plot_grid, curve, {}, r"two hyperparameters, got lr alone"),
        (hk.plot_grid, grid, {"x": "momentum"}, "x must be one of"),
        (hk.plot_grid, grid, {"x": "lr", "y": "lr"}, "y must be .*batch_size.*got .lr"),
        (hk.plot_path, grid, {}, r"hpkit\.one_at_a_time, got grid_search"),
        (hk.plot_best_so_far, [3], {}, "searches must be a Search"),
        (hk.plot_best_so_far, [], {}, "searches must be a Search"),
        (hk.plot_decision_boundary, wine, {}, "chart needs two features"),
        (hk.plot_decision_boundary, 3, {}, "run must be one Run"),
    ):
        with pytest.raises((TypeError, ValueError), match=words):
            plot(drawn, **how)


def test_path_leads_through_the_winner_of_each_step(steps):
    def cell(setting):
        lrs, batches = steps.space.values()
        return lrs.index(setting.lr), batches.index(setting.batch_size)

    ax = hk.plot_path(steps, axes())

    cells = map(cell, [steps.base, *(step.winner for step in steps.steps)])
    badges = [text for text in ax.texts if text.get_fontweight() == "bold"]
    places = [tuple(np.round(text.get_position())) for text in badges]
    assert places == [*dict.fromkeys(cells)]
    assert badges[0].get_text().startswith("S")
    assert badges[-1].get_text().endswith("2")
    path, at = curves(ax)[-1], [text.get_position() for text in badges]
    np.testing.assert_allclose(path.get_xydata(), at)
    assert ax.get_title().startswith(f"1. learning rate {steps.best.lr:g}")


def test_best_so_far_draws_each_search(grid, steps):
    ax = hk.plot_best_so_far({"all": grid, "one": steps}, axes())

    for line, search in zip(ax.lines, (grid, steps), strict=True):
        there = np.isfinite(line.get_ydata())
        drawn = (tuple(values[there]) for values in line.get_data())
        assert (*drawn,) == (*map(on_line, search.best_so_far()),)
        assert line.get_drawstyle() == "steps-post"
    assert ax.get_xlim() == (0, 1.02 * grid.cost.epochs)
    assert {t.get_text().split()[0] for t in ax.texts} == {"all", "one"}
    twins = hk.plot_best_so_far([grid, grid], axes())
    assert len({t.get_text() for t in twins.texts}) == 2


def test_parallel_has_numbers_on_the_loss_axis_and_clear_labels():
    space = {"lr": hk.log_uniform(0.001, 1), "batch_size": [16, 32]}
    rand = hk.random_search(MOONS, BASE.but(epochs=3), n_trials=30, **space)
    ax = hk.plot_parallel(rand, axes())
    ax.figure.draw_without_rendering()

    lines = [line for line in ax.lines if len(line.get_xdata()) == 3]
    heights = np.array([line.get_ydata() for line in lines])
    assert len(lines) == 30
    assert ((heights >= 0) & (heights <= 1)).all()
    low, high = np.log(rand.mean_val_loss.min()), np.log(rand.mean_val_loss.max())
    labels = [text for text in ax.texts if text.get_transform() == ax.transAxes]
    marks = [t for t in ax.texts if round(t.get_position()[0], 3) == 1.98]
    ends = [t for t in ax.texts if round(t.get_position()[1], 3) in (-0.1, 1.1)]
    assert (len(labels), len(ends)) == (5, 2 * 3)
    assert len(marks) >= 1
    assert {f"{np.exp(end):.3g}" for end in (low, high)} < {t.get_text() for t in ends}
    for mark in marks:
        place = (np.log(float(mark.get_text())) - low) / (high - low)
        assert mark.get_position()[1] == pytest.approx(place, abs=0.01)
    lead = next(m for m in ax.collections if isinstance(m, LineCollection))
    most = ax.transAxes.transform([path[-1] for path in lead.get_segments()])[:, 0]
    boxes = [Text.get_window_extent(label) for label in labels]
    assert all(most < [box.x0 for box in boxes])
    assert apart(boxes)


def test_start_of_steps_that_is_not_on_a_list_is_no_place_of_a_map():
    steps = hk.one_at_a_time(MOONS, BASE, lr=[0.15, 0.35], hidden=[(), (4,)])
    ax = hk.plot_parallel(steps, axes())
    assert {"none", "4", "16-16"} <= {text.get_text() for text in ax.texts}
    ax = hk.plot_path(steps, axes())
    numbers = [t.get_text() for t in ax.texts if t.get_fontweight() == "bold"]
    assert (numbers[0][0], "\n" in ax.get_title()) == ("1", True)  # is too long


def test_seeds_has_a_dot_for_each_run(curve):
    ax = hk.plot_seeds(curve, axes())
    places = np.concatenate([made.get_offsets() for made in dots(ax)])
    for i, losses in enumerate(curve.best_val_loss):
        row = places[abs(places[:, 1] - (3 - i)) < 0.2]  # the first one is on top
        assert sorted(row[:, 0]) == sorted(on_line(losses))
        assert ax.texts[i].get_text() == mean_and_spread(losses)
    assert len(ax.texts) == 4
    assert ax.get_yticklabels()[3].get_text() == "lr 0.001"


def test_boundary_shows_every_training_point_on_the_networks_answers(run):
    ax = hk.plot_decision_boundary(run, axes())

    assert str(run.best_epoch) in ax.get_title()
    assert sum(len(made.get_offsets()) for made in dots(ax)) == len(MOONS.train.y)
    assert len({len(made.get_paths()[0]) for made in dots(ax)}) == 2  # shapes
    picture = np.asarray(ax.images[0].get_array())
    left, right, bottom, top = ax.images[0].get_extent()
    corners = np.array([[left, bottom], [right, top]])
    pixels = picture[0, 0], picture[-1, -1]
    for corner, pixel in zip(run.predict_proba(corners), pixels, strict=True):
        blue, orange = pixel[2] > pixel[0], pixel[0] > pixel[2]
        assert (blue, orange) == (corner[0] > 0.5, corner[1] > 0.5)


def test_digits_are_drawn_as_pictures_side_by_side():
    digits = hk.load_dataset("digits")
    ax = hk.plot_data(digits)

    pixels = np.asarray(ax.images[0].get_array())
    train = digits.train.X * digits.scale + digits.center
    assert pixels.shape == (10, 100)
    for k, tile in enumerate(np.split(pixels, 10, axis=1)):
        (row,) = np.flatnonzero(np.isclose(train, tile[1:9, 1:9].ravel()).all(1))[:1]
        assert digits.train.y[row] == k
    assert "digits" in ax.figure.hpkit_alt[0]


def test_data_shows_the_training_points():
    ax = hk.plot_data(MOONS, axes())
    assert sum(len(made.get_offsets()) for made in dots(ax)) == len(MOONS.train.y)
    words = [text.get_text() for text in ax.get_legend().get_texts()]
    assert words == ["class 0", "class 1"]


def test_long_names_of_classes_stand_above_the_name_of_the_axis():
    kinds = np.array([f"people who {word} for ten years" for word in ("go", "stay")])
    named = hk.Dataset.from_arrays(MOONS.train.X, kinds[MOONS.train.y], name="people")
    ax = hk.plot_data(named)
    ax.figure.canvas.draw()
    legend = ax.get_legend().get_window_extent()
    assert legend.y0 >= ax.yaxis.label.get_window_extent().y1
    assert legend.x0 >= 0


def test_charts_are_light_where_the_style_is_dark(grid):
    with plt.style.context("dark_background"):
        ax = hk.plot_training_curves(grid)  # its title is the caller's
        grounds = ax.get_facecolor(), ax.figure.get_facecolor()
        assert {to_hex(color) for color in grounds} == {"#ffffff"}
        assert to_hex(ax.title.get_color()) == "#000000"
    with plt.style.context("ggplot"):
        assert to_hex(hk.plot_training_curves(grid).get_facecolor()) == "#e5e5e5"


def test_values_do_not_meet_below_small_axes():
    rates = np.geomspace(0.001, 10, 12).tolist()
    grid = hk.grid_search(MOONS, BASE.but(epochs=1), lr=rates, batch_size=[32])
    ax = hk.plot_grid(grid, Figure((11, 6)).subplots(2, 3)[0, 0])
    ax.figure.canvas.draw()
    said = [t.get_window_extent() for t in ax.get_xticklabels() if t.get_text()]
    assert len(said) > 2
    assert all(a.x1 < b.x0 for a, b in pairwise(said))


EVERY = [
    (hk.plot_training_curves, "curve"),
    (hk.plot_validation_curve, "curve"),
    (hk.plot_seeds, "curve"),
    (hk.plot_parallel, "grid"),
    (hk.plot_best_so_far, "grid"),
    (hk.plot_grid, "grid"),
    (hk.plot_path, "steps"),
    (hk.plot_decision_boundary, "run"),
]


@pytest.mark.parametrize(("plot", "fixture"), EVERY)
def test_picture_has_alternative_text_and_own_figure(plot, fixture, request, capsys):
    before, settings = plt.get_fignums(), matplotlib.rcParams.copy()
    drawn, given = request.getfixturevalue(fixture), axes()
    assert plot(drawn, given) is given
    assert plt.get_fignums() == before
    ax = plot(drawn)
    assert len(plt.get_fignums()) == len(before) + 1
    assert matplotlib.rcParams == settings

    # What IPython asks of itself to show figures in a notebook.
    shell = SimpleNamespace(display_formatter=DisplayFormatter())
    select_figure_formats(shell, {"png"})
    data, metadata = shell.display_formatter.format(ax.figure)
    assert data["image/png"].startswith("iVBOR")
    assert "moons" in metadata["image/png"]["alt"]
    assert metadata["image/png"]["alt"] in capsys.readouterr().out  # before it


def no_numbers(n_features, n_outputs, setting):
    outputs = nn.Linear(n_features, n_outputs)
    return nn.Sequential(outputs, nn.Threshold(np.inf, np.nan))


def test_describe_says_the_result(run, curve, grid, exploding):
    for said in (hk.describe(run), repr(run)):
        assert f"{run.best_val_loss:#.3g}" in said
        assert f"at epoch {run.best_epoch}" in said
    falls = f"falls to {curve.best_score:#.3g} at {curve.best.lr:g}"
    assert falls in hk.describe(curve)
    assert "6 settings: " in hk.describe(grid)  # of one seed, which needs no word
    assert "with one seed that may be luck" in grid.describe()
    assert short_text(BASE.but(own={"heads": 4}), ["heads"]) == "heads 4"
    assert short_text(BASE.but(epochs=1), ["epochs"]) == "1 epoch"
    reached = f"{grid.best_run.best_val_loss:#.3g} after {grid.cost.epochs} epochs"
    assert f"reaches {reached}" in hk.describe([grid, curve])
    other = hk.grid_search(hk.load_dataset("wine"), BASE, lr=[0.1])
    assert hk.describe([grid, other]).startswith("moons, wine: ")
    assert hk.describe(replace(curve, finished=False)) == hk.describe(curve)
    assert hk.describe(exploding).endswith("diverged: 30.")
    out = curve_of(hk.load_dataset("digits"), [30, 60], hidden=(16,))
    assert hk.describe(out).endswith("all diverged.")
    path = hk.one_at_a_time(MOONS, BASE, lr=[0.1, 1], model=no_numbers)
    assert "Every value diverged or failed." in path.describe()
    for said in (hk.describe(path.best_run), path.describe(), hk.describe([path])):
        assert "nan or infinite" in said
        assert "inf," not in said
