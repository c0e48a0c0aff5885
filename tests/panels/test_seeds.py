"""SeedsPanel: settings beside each other, seed by seed."""

import numpy as np
import pytest
from chart_reading import commit, mark, marks, press, shows, until

from hpkit import Hyperparameters, SeedsPanel, validation_curve

QUICK = Hyperparameters(lr=0.3, epochs=20)


def test_seeds_of_a_single_setting_stopped_say_so(moons, shown_at_once):
    panel = SeedsPanel(moons, [QUICK.but(epochs=20_000)], seeds=4, most=4)
    until(lambda: panel.runs.epochs_done.min() > 0)
    press(panel, "stop")
    done = int(panel.runs.epochs_done.min())
    assert 0 < done < 20_000
    assert panel.result.startswith(f"Stopped after epoch {done}. Learning rate 0.3: ")
    assert panel.result.endswith("of 4 seeds.")


def test_seeds_that_ran_out_of_patience_are_done(moons):
    setting = QUICK.but(lr=1, momentum=0.9, epochs=100, patience=2)
    panel = SeedsPanel(moons, [setting, setting.but(patience=1)], seeds=2, most=2)
    panel.wait(60)
    assert (panel.runs.epochs_done < 100).all()
    assert "Stopped" not in panel.result


def test_seeds_strip_compares_in_words(moons):
    settings = [QUICK.but(lr=lr) for lr in (0.001, 0.3)]
    panel = SeedsPanel(moons, settings, seeds=4, most=8, predict=True)
    assert "Make your guess" in panel.result
    commit(panel, index=2)

    assert panel.title == "Seeds: 2 settings, the same luck"
    assert panel.losses.shape == (2, 4)
    assert "Your guess: <b>cannot tell</b>" in panel.result
    assert "4 of 4" in shows(panel)
    assert "<b>learning rate 0.3 is better</b>" in panel.result
    assert "with 4 seeds it takes more than 3.18." in panel.result
    panel.count.value = 8
    assert "8 of 8" in panel.result
    (chart,) = panel.charts.charts
    pairs, dots = mark(chart, "line", color="soft"), marks(chart, "points", opacity=0.7)
    means, bars = mark(chart, "points", shape="diamond"), mark(chart, "line", width=3)
    mean, spread = panel.losses.mean(1), panel.losses.std(1, ddof=1)
    np.testing.assert_allclose(pairs.columns[0], panel.losses.T, rtol=1e-6)
    assert dots[0].get("shape") != dots[1].get("shape")
    shown = np.concatenate([each.columns[0] for each in dots])
    np.testing.assert_allclose(shown, panel.losses, rtol=1e-6)
    np.testing.assert_allclose(means.columns[0][0], mean, rtol=1e-6)
    ends = np.stack([mean - spread, mean + spread], 1)
    np.testing.assert_allclose(bars.columns[0], ends, rtol=1e-5)
    assert dots[1].get("tip")[1].startswith("lr 0.3\nseed 1\n")
    panel.count.value = 1
    assert "With one seed" in panel.result


def test_seeds_of_a_single_setting_are_told(moons):
    panel = SeedsPanel(moons, [QUICK], seeds=4, most=4)
    losses = panel.losses[0]
    mean, spread = losses.mean(), losses.std(ddof=1)
    ends = f"lowest {losses.min():#.3g}, highest {losses.max():#.3g} of 4 seeds."
    said = f"mean <b>{mean:#.3g}</b>, spread {spread:#.2g}, {ends}"
    assert shows(panel).endswith(said)
    panel.count.value = 1
    assert shows(panel).endswith(f"<b>{losses[0]:#.3g}</b> with one seed.")


@pytest.mark.parametrize("seeds", [2, 3, 5, 10])
@pytest.mark.parametrize("lrs", [(0.1, 0.3), (0.3, 0.1), (0.5, 0.7), (0.2, 0.2001)])
def test_seeds_strip_says_what_a_search_says(moons, seeds, lrs):
    panel = SeedsPanel(moons, [QUICK.but(lr=lr) for lr in lrs], seeds=seeds, most=seeds)
    about = {"param_name": "lr", "param_range": lrs, "seeds": range(seeds)}
    search = validation_curve(moons, QUICK, **about)
    verdict = f"<b>learning rate {search.best.lr:g} is better</b>"
    assert ("cannot tell" in panel.result) == bool(search.ties)
    assert (verdict in panel.result) == (not search.ties)
    left, right = panel.charts.charts[0].x.domain
    assert left < panel.losses.min() <= panel.losses.max() < right < 1


def test_seeds_strip_names_what_diverged(moons):
    panel = SeedsPanel(moons, [QUICK, QUICK.but(lr=1000)], seeds=3, most=3)
    assert "of 3 seeds with learning rate 0.3, 3 with learning rate 1000" in shows(
        panel
    )
    (chart,) = panel.charts.charts
    gone = mark(chart, "points", shape="x", label=["3 of 3 diverged"])
    assert gone.columns[1].tolist() == [[0]]  # in the lower row
    assert "better" not in panel.result
    one = SeedsPanel(moons, QUICK.but(lr=1000), seeds=1, most=1)
    assert "but 1 of 1 seed diverged" in shows(one)
