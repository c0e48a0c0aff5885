"""The small instruments without a browser."""

import json
import time
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from chart_reading import curve, mark, marks
from waiting import until

from hpkit.charts.still import still
from hpkit.data.datasets import Dataset, load_dataset
from hpkit.engine.runs import TestSplitWarning
from hpkit.engine.training import fit
from hpkit.hyperparameters import Hyperparameters
from hpkit.panels import (
    BatchNoisePanel,
    BowlPanel,
    CoinFlipsPanel,
    PatiencePanel,
    SeedsPanel,
    TestBoxPanel,
)
from hpkit.panels.coins import best_so_far
from hpkit.panels.patience import stop_epoch
from hpkit.search.searches import validation_curve

QUICK = Hyperparameters(lr=0.3, epochs=20)


def shows(panel):
    """Return the sentence of a panel without an error; its picture can be drawn."""
    assert panel.error is None
    assert all(chart.alt for chart in panel.charts.charts)
    assert panel.picture().startswith(b"\x89PNG")
    assert len(panel.frame())
    panel.view.value = 1
    assert panel.code_box.value == panel.code()
    return panel.result


# ---- the bowl ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lr", "words"),
    [
        (0.3, "stays on one side"),
        (1.0, "ends at the bottom"),
        (1.5, "lands lower"),
        (2.0, "to and fro"),
        (2.2, "diverges"),
    ],
)
def test_bowl_steps_are_gradient_descent(lr, words):
    bowl = BowlPanel(lr=lr)
    w = -4.0
    for _ in range(4):
        bowl.step_button.click()
        w = w - lr * w

    assert bowl.error is None
    assert bowl.path[-1] == pytest.approx(w)
    assert words in bowl.result
    names = {}
    exec(bowl.code(), names)
    assert names["w"] == pytest.approx(w)


def test_bowl_diverges_exactly_above_two_over_the_curvature():
    bowl = BowlPanel(lr=0.9, curvature=2.0, steps=20)
    assert abs(bowl.path[-1]) < 4
    bowl.lr.value = 1.1
    assert abs(bowl.path[-1]) > 4
    assert [len(marks(chart, "cross")) for chart in bowl.charts.charts] == [1, 1]
    bowl.curvature.value = 1.0
    assert abs(bowl.path[-1]) < 4
    assert not any(marks(chart, "cross") for chart in bowl.charts.charts)


def test_bowl_runs_stops_and_goes_back():
    bowl = BowlPanel(lr=0.1)
    bowl.run_button.click()
    until(lambda: bowl.steps >= 2)
    bowl.stop_button.click()
    bowl.wait(2)
    stopped = bowl.steps
    assert 2 <= stopped < 20
    bowl.reset_button.click()
    assert bowl.steps == 0
    assert bowl.error is None


def test_bowl_says_no_minus_zero():
    bowl = BowlPanel(lr=1.0, steps=3)

    assert "w = <b>0</b>" in shows(bowl)
    assert not np.signbit(bowl.frame()[["w", "slope"]].iloc[1:]).any(axis=None)


def test_bowl_shows_every_step_on_both_charts():
    bowl = BowlPanel(lr=0.3, steps=3)
    picture, curve_of = bowl.charts.charts
    dots, ball = marks(picture, "points")
    steps, losses = curve(curve_of)

    np.testing.assert_allclose([*dots.columns[0][0], *ball.columns[0][0]], bowl.path)
    np.testing.assert_allclose(losses, bowl.frame().loss, rtol=1e-6)
    assert steps.tolist() == [0, 1, 2, 3]
    assert dots.get("label") == ["start", "", ""]
    assert ball.get("label") == "now"
    assert ball.get("tip").startswith("step 3\nw -1.37")
    bowl.curvature.value = 4.0
    for chart in bowl.charts.charts:
        assert chart.y.domain[1] == 70  # above 4 / 2 * 5 ** 2


def test_bowl_cross_is_where_the_ball_is():
    def out(bowl):
        return mark(bowl.charts.charts[0], "cross").columns[0][0]

    bowl = BowlPanel(lr=2.5)
    sides = []
    for _ in range(4):
        bowl.step()
        sides.append((np.sign(bowl.path[-1]), *np.sign(out(bowl))))

    assert all(ball == cross for ball, cross in sides)
    assert {ball for ball, _ in sides} == {-1, 1}


@pytest.mark.parametrize("typed", [-3, 500])
def test_bowl_tells_a_wrong_number_and_leaves_the_picture(typed):
    bowl = BowlPanel(lr=0.3)
    bowl.step()
    bowl.lr.value = typed

    said = f"learning rate must be &gt;= 0 and &lt; 100, got {typed}; try 1."
    assert said in bowl.result
    for button in (bowl.step_button, bowl.run_button):
        button.click()
    assert bowl.path[-1] == -4 * (1 - 0.3)

    bowl.lr.value = 0
    assert "no step moves" in shows(bowl)


def test_bowl_far_away_is_infinite_without_a_warning():
    bowl = BowlPanel(lr=90, curvature=50, steps=200)

    assert "inf" in shows(bowl)
    assert np.isinf(bowl.path[-1])
    assert all(marks(chart, "cross") for chart in bowl.charts.charts)


def test_bowl_table_fills_while_it_runs_newest_first():
    bowl = BowlPanel(lr=0.1)
    bowl.run_button.click()
    until(lambda: bowl.steps >= 3)
    table = bowl.table_box.value
    bowl.stop_button.click()
    bowl.wait(1)

    assert table.index("<td>2</td>") < table.index("<td>1</td>")


def test_bowl_says_the_guess_beside_what_follows():
    bowl = BowlPanel(lr=0.3, predict=True)
    assert "Make your guess" in bowl.result
    assert "hp-shown" in bowl._dom_classes
    assert "hp-shown" not in BowlPanel(steps=1, predict=True)._dom_classes
    bowl.guess.widget.value = 2.4
    bowl.guess.button.click()
    bowl.curvature.value = 0.5
    bowl.step()

    assert (bowl.lr.value, bowl.curvature.value, bowl.steps) == (0.3, 0.5, 1)
    assert "Your guess: <b>2.4</b>" in shows(bowl)


@pytest.mark.parametrize(
    ("guess", "tries", "said"),
    [
        (4.3, [2.1], "Too high: at 2.1 the"),
        (1.0, [0.5, 1.5], "Too low: at 1.5 the"),
        (1.0, [1.0], "Too low: at 1 the"),
        (2.0, [2.0], "That is right."),
        (2.0, [2.1], "That is right."),
    ],
)
def test_bowl_judges_the_guess_after_the_learner_has_tried(guess, tries, said):
    bowl = BowlPanel(lr=0.3, predict=True)
    bowl.guess.widget.value = guess
    bowl.guess.button.click()
    bowl.step()
    assert not any(word in shows(bowl) for word in ("Too", "right"))
    for lr in tries:
        bowl.reset()
        bowl.lr.value = lr
        assert said not in shows(bowl)
        bowl.step()

    assert f"Your guess: <b>{guess:g}</b>. {said}" in shows(bowl)


def test_bowl_judges_by_the_curvature_that_was_asked_for():
    bowl = BowlPanel(lr=1.5, curvature=2.0, predict=True)
    bowl.guess.widget.value = 1.0
    bowl.guess.button.click()
    bowl.curvature.value = 1.0
    bowl.step()
    assert "Too" not in shows(bowl)
    bowl.curvature.value = 2.0

    assert "That is right." in shows(bowl)


# ---- patience and batch noise ------------------------------------------------------


@pytest.mark.parametrize("patience", [1, 2, 3, 4, 9])
def test_stop_epoch_counts_epochs_without_a_new_lowest(patience):
    #        0    1    2    3     4    5     6    7    8    9
    losses = [9.0, 8.0, 7.0, 7.5, 7.2, 6.5, 7.0, 6.6, 6.9, 6.5]
    # new:         *    *               *
    expected = {1: 3, 2: 4, 3: 8, 4: 9, 9: 9}

    assert stop_epoch(losses, patience) == expected[patience]


def test_patience_moves_the_stop(moons):
    panel = PatiencePanel(moons, QUICK, patience=1)
    loss = panel.run.val_loss
    first = int(np.argmax(np.diff(loss) >= 0)) + 1

    assert panel.stop_at == first
    assert f"stops at epoch <b>{first}</b>" in shows(panel)
    panel.patience.value = 20
    assert panel.stop_at == panel.run.epochs_done
    assert panel.frame().keeps.iloc[-1] == panel.run.best_epoch
    assert "never stops" in panel.result
    assert mark(panel.charts.charts[0], "rule", label="stops").columns[0] == 20


def test_patience_watched_counts_up_to_the_stop(moons):
    panel = PatiencePanel(moons, QUICK, patience=2)
    panel.watch_button.click()
    until(lambda: panel.epoch is not None)
    seen = []
    while (epoch := panel.epoch) is not None:
        seen.append(epoch)
        time.sleep(0.01)

    assert panel.error is None
    assert seen == sorted(seen)
    assert len(set(seen)) > 3
    assert panel.stop_at - 1 <= seen[-1] <= panel.stop_at
    panel.wait(2)
    assert "stops at" in shows(panel)
    (chart,) = panel.charts.charts
    epochs, losses = curve(chart, width=3)
    assert epochs.tolist() == list(range(panel.stop_at + 1))
    later, rest = curve(chart, row=1, color="gray", width=1.5)
    assert later.tolist() == list(range(panel.stop_at, 21))
    np.testing.assert_allclose([*losses, *rest[1:]], panel.run.val_loss, rtol=1e-6)
    assert mark(chart, "ring").get("label") == f"kept {losses.min():.3g}"


def test_patience_watched_can_be_stopped_and_moved(moons):
    panel = PatiencePanel(moons, QUICK, patience=20)
    panel.watch_button.click()
    until(lambda: (panel.epoch or 0) >= 2)
    panel.stop_button.click()
    panel.wait(1)
    at = panel.epoch
    assert 2 <= at < 20
    assert f"Epoch {at}" in panel.result
    (chart,) = panel.charts.charts
    assert not marks(chart, "points") + marks(chart, "rule")
    assert not marks(chart, "line", color="gray", width=1.5)
    panel.patience.value = 19

    assert panel.epoch is None
    assert mark(panel.charts.charts[0], "points", shape="diamond")


def test_patience_code_finds_the_stop(moons):
    panel = PatiencePanel(moons, QUICK, patience=2)
    names = {}
    exec(panel.code(), names)

    row = panel.frame().set_index("patience").loc[panel.patience.value]
    assert (names["epoch"], names["kept"]) == (row.stops, row.keeps)
    assert row.stops == panel.stop_at


def test_patience_draws_the_guess(moons):
    panel = PatiencePanel(moons, QUICK, predict=True)
    panel.guess.widget.value = 7
    panel.guess.button.click()
    panel.patience.value = 3

    assert "Your guess: <b>7</b>" in shows(panel)
    assert mark(panel.charts.charts[0], "rule", color="purple").columns[0] == 7


def test_patience_is_checked_at_once(moons):
    with pytest.raises(ValueError, match="batch_size"):
        PatiencePanel(moons, QUICK.but(batch_size=5000))


def test_batch_noise_falls_as_the_root_of_the_size(moons):
    panel = BatchNoisePanel(moons, size=4)
    n, spread = len(moons.train.y), panel.each.std()

    for size in (4, 16, 64):
        panel.size.value = size
        expected = spread * np.sqrt((1 - size / n) / size)
        assert panel.losses.std() == pytest.approx(expected, rel=0.25)
        assert panel.losses.mean() == pytest.approx(panel.each.mean(), rel=0.1)
    assert "Batches of 64" in shows(panel)
    panel.size.value = n
    assert panel.losses.std() < 1e-12
    assert "no noise" in panel.result


def test_batch_noise_collects_the_sizes_looked_at(moons):
    panel = BatchNoisePanel(moons, size=4)
    assert "Before" not in panel.result
    spread = panel.losses.std()
    panel.size.value = 64
    assert f"Before, with 4, it was {spread:.3g}" in shows(panel)
    before, now = marks(panel.charts.charts[1], "points")
    assert before.columns[0].tolist() == [[4]]
    assert now.get("label") == [f"{panel.losses.std():.3g} at 64"]
    assert panel.frame().batch_size.tolist() == [4, 64]
    losses = panel.losses
    panel.again.click()

    assert (panel.losses != losses).any()


def test_batch_noise_shows_every_size_as_a_whole(moons):
    n = len(moons.train.y)
    panel = BatchNoisePanel(moons, size=1)
    for size in (1, n):
        panel.size.value = size
        batches, spreads = panel.charts.charts
        dots, level = mark(batches, "points"), mark(batches, "line", color="ink")
        assert spreads.x.domain[0] < size < spreads.x.domain[1]
        np.testing.assert_allclose(dots.columns[1][0], panel.losses, rtol=1e-6)
        np.testing.assert_allclose(level.columns[1], panel.each.mean(), rtol=1e-6)
    assert mark(batches, "line", color="orange").columns[1].size == 0  # no spread


@pytest.mark.parametrize(
    ("guess", "sizes", "said"),
    [
        (1, (16,), "That is right. "),
        (2, (16,), "It is about half. "),
        (0, (16,), "It is about half. "),
        (2, (64, 256), ""),  # nearly all points
        (2, (8,), ""),
    ],
)
def test_batch_noise_judges_the_guess_after_the_learner_has_tried(
    moons, guess, sizes, said
):
    panel = BatchNoisePanel(moons, size=4, predict=True)
    panel.guess.widget.index = guess
    panel.guess.button.click()
    start = f"Your guess: <b>{panel.guess.value}</b>. "
    assert shows(panel).startswith(f"{start}Batches of 4:")
    panel.sizes.clear()
    for size in sizes:
        panel.size.value = size

    if said:
        assert shows(panel).startswith(f"{start}Batches of {size}:")
        panel.size.value = 4
        size = 4
    assert shows(panel).startswith(f"{start}{said}Batches of {size}:")


@pytest.mark.parametrize("target", ["class", "number"])
def test_batch_noise_code_gives_that_spread(moons, target):
    frame = pd.DataFrame(moons.train.X, columns=["a", "b"])
    frame["y"] = moons.train.y.astype(str) if target == "class" else frame.a**2
    dataset = Dataset.from_frame(frame, target="y")
    panel = BatchNoisePanel(dataset, Hyperparameters(lr=0.01, epochs=2))
    first, last = panel.code().rsplit("\n", 1)
    names = {"data": dataset}
    exec(first, names)

    assert panel.error is None
    assert eval(last, names) == pytest.approx(panel.losses.std(), rel=0.3)


def test_batch_noise_of_a_diverged_network_says_so(moons):
    panel = BatchNoisePanel(load_dataset("digits"), Hyperparameters(lr=1e4, epochs=1))
    panel.wait(5)

    assert "try a smaller lr" in panel.result
    panel.size.value = 32
    assert "try a smaller lr" in panel.result


def test_batch_noise_knows_the_loss_of_all_points(moons):
    panel = BatchNoisePanel(moons, QUICK)
    run = fit(moons, QUICK, seed=0)

    assert panel.each.mean() == pytest.approx(run.train_loss[-1], rel=1e-5)


SLOW = QUICK.but(batch_size=1, epochs=900)


def test_patience_stopped_while_it_trains_says_so(moons):
    panel = PatiencePanel(moons, SLOW)
    until(lambda: panel.run and panel.run.epochs_done > 1)
    panel.stop_button.click()
    panel.wait(1)

    assert f"Stopped at epoch {panel.run.epochs_done}" in shows(panel)
    panel.patience.value = 2
    assert "Stopped at" in panel.result


def test_batch_noise_stopped_while_it_trains_can_begin_again(moons):
    panel = BatchNoisePanel(moons, SLOW)
    assert "trained first" in panel.result
    panel.stop_button.click()
    panel.wait(1)
    assert "press New batches" in panel.result
    panel.setting = QUICK
    panel.again.click()
    panel.wait(20)

    assert "Batches of" in shows(panel)


# ---- luck --------------------------------------------------------------------------


def test_coin_flips_best_is_lucky_on_validation_only():
    panel = CoinFlipsPanel(models=50).wait(20)

    assert len(panel.valid) == len(panel.test) == 100
    best = best_so_far(panel.valid[: panel.count.value])[-1]
    assert panel.valid[best] == panel.valid[:50].max() > 0.55
    assert 0.44 < panel.test[best] < 0.56
    assert "50 models" in shows(panel)
    panel.count.value = 1
    assert len(panel.frame()) == 1
    assert "One model has" in panel.result
    panel.count.value = 500
    assert panel.count.value == 100
    assert "best of 100 models" in panel.result


def test_coin_flips_agree_with_one_model_alone():
    panel = CoinFlipsPanel().wait(20)
    setting = Hyperparameters(lr=0.1, hidden=(16,), epochs=20)
    run = fit(panel.dataset, setting, seed=7)

    assert panel.valid[7] == pytest.approx(run.val_accuracy[-1], abs=0.03)


def test_coin_flips_again_are_others():
    panel = CoinFlipsPanel().wait(20)
    before = panel.valid
    panel.again.click()
    panel.wait(20)

    assert panel.error is None
    assert (panel.valid != before).any()


def test_coin_flips_run_tries_one_after_the_other_and_stops():
    panel = CoinFlipsPanel(models=2).wait(20)
    panel.run_button.click()
    until(lambda: panel.count.value >= 5)
    rows = panel.table_box.value.count("<tr>")
    panel.stop_button.click()
    panel.wait(1)

    assert panel.error is None
    assert rows >= 3
    assert 5 <= panel.count.value < 100
    assert len(panel.frame()) == panel.count.value


NAMES_OF_LINES = "best, validation", "same model, test"


def test_coin_flips_picture_climbs_in_steps():
    panel = CoinFlipsPanel(models=20).wait(20)
    (chart,) = panel.charts.charts
    best, same = (curve(chart, label=name)[1] for name in NAMES_OF_LINES)
    drawn = still([chart]).axes[0].get_lines()

    assert {line.get_drawstyle() for line in drawn if len(line.get_xdata()) > 2} == {
        "steps-post"
    }
    table = panel.frame()
    np.testing.assert_allclose(best, table.best_val_accuracy, rtol=1e-6)
    np.testing.assert_allclose(same, table.its_test_accuracy, rtol=1e-6)


def test_coin_flips_keep_the_guess_for_other_flips():
    panel = CoinFlipsPanel(models=5, predict=True).wait(20)
    panel.guess.widget.value = 80
    panel.guess.button.click()
    before = panel.frame()
    panel.again.click()
    panel.wait(20)

    assert "Your guess: <b>80%</b>" in shows(panel)
    guess = mark(panel.charts.charts[0], "rule").columns[0].item()
    assert guess == pytest.approx(0.8)
    assert not panel.frame().equals(before)


def test_seeds_new_ones_are_others(moons):
    settings = [QUICK.but(lr=lr) for lr in (0.1, 0.3)]
    panel = SeedsPanel(moons, settings, seeds=2, most=3).wait(20)
    assert panel.frame().seed.tolist() == [0, 1]
    panel.again.click()
    panel.wait(20)
    assert panel.frame().seed.tolist() == [3, 4]
    names = {}
    exec(panel.code(), names)
    np.testing.assert_allclose(names["runs"].mean_val_loss, panel.losses.mean(1))


def test_seeds_of_two_batch_sizes_stopped_at_once(moons):
    settings = [QUICK.but(batch_size=b, epochs=500) for b in (1, 400)]
    panel = SeedsPanel(moons, settings, most=20)
    panel.stop_button.click()
    panel.wait(2)

    assert panel.error is None
    assert "Not trained to the end" in panel.result or not len(panel.shown)


def test_seeds_ask_for_a_guess(moons):
    settings = [QUICK.but(lr=lr) for lr in (0.25, 0.3)]
    panel = SeedsPanel(moons, settings, most=3, predict=True).wait(20)
    assert "Make your guess" in panel.result
    panel.guess.widget.index = 2
    panel.guess.button.click()

    assert "Your guess: <b>cannot tell</b>" in shows(panel)


def test_seeds_strip_compares_in_words(moons):
    settings = [QUICK.but(lr=lr) for lr in (0.001, 0.3)]
    panel = SeedsPanel(moons, settings, seeds=4, most=8)

    assert panel.losses.shape == (2, 4)
    assert "4 of 4" in shows(panel)
    assert "<b>learning rate 0.3 is better</b>" in panel.result
    assert "with 4 seeds more than 3.18 times counts" in panel.result
    panel.count.value = 8
    assert "8 of 8" in panel.result
    (chart,) = panel.charts.charts
    pairs, dots = mark(chart, "line", color="gray"), mark(chart, "points", shape=None)
    means, bars = mark(chart, "points", shape="diamond"), mark(chart, "line", width=3)
    mean, spread = panel.losses.mean(1), panel.losses.std(1, ddof=1)
    np.testing.assert_allclose(pairs.columns[1], panel.losses.T, rtol=1e-6)
    np.testing.assert_allclose(dots.columns[1][0], panel.losses.ravel(), rtol=1e-6)
    np.testing.assert_allclose(means.columns[1][0], mean, rtol=1e-6)
    ends = np.stack([mean - spread, mean + spread], 1)
    np.testing.assert_allclose(bars.columns[1], ends, rtol=1e-5)
    assert dots.get("tip")[9].startswith("learning rate 0.3\nseed 1\n")
    assert panel.bar.value == 1
    panel.count.value = 1
    assert "With one seed" in panel.result
    assert panel.bar.value == 1


def test_seeds_of_a_single_setting_are_told(moons):
    panel = SeedsPanel(moons, [QUICK], seeds=4, most=4)
    losses = panel.losses[0]
    mean, spread = losses.mean(), losses.std(ddof=1)

    said = f"mean <b>{mean:.3g}</b>, spread {spread:.2g} over 4 seeds."
    assert shows(panel).endswith(said)
    panel.count.value = 1
    assert shows(panel).endswith(f"<b>{losses[0]:.3g}</b> with one seed.")


def test_seeds_strip_does_not_tell_equals_apart(moons):
    settings = [QUICK.but(lr=lr) for lr in (0.6, 0.8)]
    panel = SeedsPanel(moons, settings, seeds=8, most=8)

    assert "<b>8 seeds cannot tell</b>" in shows(panel)


@pytest.mark.parametrize("seeds", [2, 3, 5, 10])
@pytest.mark.parametrize("lrs", [(0.1, 0.3), (0.3, 0.1), (0.5, 0.7), (0.2, 0.2001)])
def test_seeds_strip_says_what_a_search_says(moons, seeds, lrs):
    settings = [QUICK.but(lr=lr) for lr in lrs]
    panel = SeedsPanel(moons, settings, seeds=seeds, most=seeds)
    search = validation_curve(
        moons, QUICK, param_name="lr", param_range=lrs, seeds=range(seeds)
    )

    verdict = f"<b>learning rate {search.best.lr:g} is better</b>"
    assert ("cannot tell" in panel.result) == bool(search.ties)
    assert (verdict in panel.result) == (not search.ties)


def test_seeds_strip_names_what_diverged(moons):
    panel = SeedsPanel(moons, [QUICK, QUICK.but(lr=1000)], seeds=3, most=3)

    assert "of 3 seeds 3 diverged with learning rate 1000" in shows(panel)
    assert mark(panel.charts.charts[0], "cross").columns[0].tolist() == [[1]]
    assert "better" not in panel.result


def test_box_opens_once_and_remembers(moons):
    dataset = load_dataset("wine", seed=5)
    run = fit(dataset, QUICK)
    box = TestBoxPanel(run)
    assert "closed" in shows(box)
    assert dataset.test_looks == []
    with warnings.catch_warnings():
        warnings.simplefilter("error", TestSplitWarning)
        box.open_button.click()
    loss = box.opened["loss"]
    assert box.error is None
    assert f"{loss:.3g}" in shows(box)
    assert box.open_button.disabled
    box.look()

    assert "opened before" in box.result
    other = TestBoxPanel(fit(dataset, QUICK.but(lr=0.01)))
    assert other.opened["loss"] == loss
    assert other.open_button.description == "The box is open"
    assert "opened before" in other.result


def test_box_never_warns_shows_a_number_or_writes_before_it_is_opened(moons, tmp_path):
    box = TestBoxPanel(fit(moons, QUICK), predict=True)

    assert moons.test_looks == []
    assert box.frame().split.tolist() == ["validation"]
    (chart,) = box.charts.charts
    assert mark(chart, "points").columns[0].tolist() == [[0]]
    assert mark(chart, "text").get("texts") == ["?"]
    assert not (tmp_path / "hpkit-runs").exists()


def test_box_keeps_its_axis_when_it_opens():
    box = TestBoxPanel(fit(load_dataset("wine", seed=13), QUICK))
    before = box.charts.charts[0].y.domain[1]
    assert before >= 2 * box.run.best_val_loss

    box.look()

    after = box.charts.charts[0].y.domain[1]
    assert (after == before) == (1.1 * box.losses[1] <= before)
    assert box.losses[1] < after


def test_box_shows_the_losses_of_the_run_it_was_opened_for():
    dataset = load_dataset("wine", seed=6)
    first = TestBoxPanel(fit(dataset, QUICK))
    first.look()
    second = TestBoxPanel(fit(dataset, QUICK.but(lr=0.001)))

    assert second.losses == first.losses
    assert second.losses[0] == first.run.best_val_loss


def test_box_knows_that_another_panel_has_opened_it():
    run = fit(load_dataset("wine", seed=10), QUICK)
    one, two = TestBoxPanel(run), TestBoxPanel(run)
    one.open_button.click()
    two.open_button.click()

    assert len(run.dataset.test_looks) == 2  # loss and accuracy
    assert "opened before" in shows(two)


def test_box_keeps_the_guess_beside_the_result():
    run = fit(load_dataset("wine", seed=7), QUICK)
    box = TestBoxPanel(run, predict=True)
    box.guess.widget.value = box.guess.widget.max
    box.guess.button.click()
    box.open_button.click()

    for panel in (box, TestBoxPanel(run, predict=True)):
        assert "Your guess" in shows(panel)
        (chart,) = panel.charts.charts
        mine = mark(chart, "line", color="purple")
        np.testing.assert_allclose(mine.columns[1], panel.guess.value, rtol=1e-6)
        assert panel.guess.value < chart.y.domain[1]
        assert panel.opened


def test_box_knows_its_rows_and_not_their_name(moons):
    halves = [moons.train, moons.valid]
    one, two, again = (
        Dataset.from_arrays(half.X, half.y) for half in (*halves, moons.train)
    )
    box = TestBoxPanel(fit(one, QUICK))
    box.look()

    other = TestBoxPanel(fit(two, QUICK))

    assert one.name == two.name
    assert other.opened is None
    assert "closed" in shows(other)
    assert two.test_looks == []
    assert TestBoxPanel(fit(again, QUICK)).opened == box.opened


def test_a_teacher_closes_the_box_again(tmp_path):
    run = fit(load_dataset("wine", seed=14), QUICK)
    box = TestBoxPanel(run)
    box.look()
    loss = box.opened["loss"]

    TestBoxPanel(run).close_box()
    box = TestBoxPanel(run)

    assert box.frame().split.tolist() == ["validation"]
    assert "closed" in shows(box)
    with warnings.catch_warnings():
        warnings.simplefilter("error", TestSplitWarning)
        box.open_button.click()
    assert box.error is None
    assert box.opened["loss"] == loss
    box.close_box()
    assert not box.open_button.disabled
    assert box.open_button.description == "Open the box"


def test_box_with_a_broken_file_goes_on(tmp_path):
    run = fit(load_dataset("wine", seed=8), QUICK)
    name = f"wine-test-box-{run.dataset.fingerprint}.json"
    path = tmp_path / "hpkit-runs" / name
    path.parent.mkdir()
    path.write_text('{"loss": 0.1')
    box = TestBoxPanel(run)
    box.open_button.click()

    assert box.error is None
    assert "set aside" in box.note.value
    assert TestBoxPanel(run).opened == box.opened


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("setting", "<img src=x onerror=alert(1)>"),
        ("setting", ["<img src=x>"]),
        ("seed", "<img src=x>"),
        ("accuracy", "<img src=x>"),
        ("loss", "<img src=x>"),
    ],
)
def test_box_shows_no_markup_of_somebody_elses_file(tmp_path, name, value):
    run = fit(replace(load_dataset("wine", seed=8), test_looks=[]), QUICK)
    TestBoxPanel(run).look()
    (path,) = (tmp_path / "hpkit-runs").glob("wine-test-box-*.json")
    data = json.loads(path.read_text("utf-8"))
    data["opened"][name] = value
    path.write_text(json.dumps(data), "utf-8")

    box = TestBoxPanel(run)

    assert (box.opened is None) == (name != "setting" or value[0] != "<")
    run.dataset.test_looks.clear()
    box.look()
    assert "<img" not in box.result + box.note.value
    assert ("set aside" in box.note.value) == (name != "setting" or value[0] != "<")


def test_box_that_cannot_write_says_so_and_goes_on(tmp_path):
    (tmp_path / "hpkit-runs").write_text("a file where the folder should be")
    box = TestBoxPanel(fit(load_dataset("wine", seed=9), QUICK))
    box.open_button.click()

    assert f"{box.opened['loss']:.3g}" in shows(box)
    assert "until this kernel stops" in box.note.value


def test_box_remembers_a_loss_that_is_not_finite(monkeypatch):
    run = fit(load_dataset("wine", seed=15), QUICK)
    monkeypatch.setattr(type(run), "test_loss", lambda run: np.nan)
    box = TestBoxPanel(run)
    box.look()

    assert "nan" in shows(box)
    assert mark(box.charts.charts[0], "cross").columns[0].tolist() == [[1]]
    assert np.isnan(TestBoxPanel(run).opened["loss"])
