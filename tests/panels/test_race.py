"""SearchRacePanel: what a learner does with it."""

import numpy as np
import pytest
from chart_reading import move, nth, pasted, press, shows

from hpkit import Hyperparameters, SearchRacePanel, load_dataset, log_uniform
from hpkit.panels.race import KINDS, SPACE, halving_count, race_sentence
from hpkit.search.searches import halving_cuts

QUICK = Hyperparameters(lr=0.3, epochs=5)


def make_race(moons, **more):
    return SearchRacePanel(moons, QUICK, **{"budget": 45, "races": 3} | more)


def test_race_gives_each_search_the_same_budget_and_names_its_line(moons):
    race = make_race(moons)
    assert set(race.found) == {"grid", "random", "halving", "bayes"}
    epochs = {kind: found.cost.epochs for kind, found in race.found.items()}
    assert epochs["grid"] == epochs["random"] == epochs["bayes"] == 45
    assert 30 <= epochs["halving"] <= 45
    x, y = nth(race, 0, "line").columns
    for row, kind in enumerate(KINDS):
        spent, loss = race.found[kind].best_so_far()
        np.testing.assert_allclose(y[row, : len(loss)], loss, rtol=1e-6)
        assert np.isnan(y[row, len(loss) :]).all()
        assert x[row, len(loss) - 1] == spent[-1]
    curves, ends = nth(race, 0, "line"), nth(race, 0, "points")
    for look in (*map(curves.get, ("dash", "color", "name")), ends.get("shape")):
        assert len(look) == len(set(look)) == 4  # they differ in more than color
    names = ["grid", "random", "halving", "Bayes"]
    assert curves.get("label") == names
    for name, losses in zip(names, race.lowest.values(), strict=True):
        assert f"{name} {losses[0]:#.3g}" in ends.get("tip")
        assert f"{name} <b>{losses[0]:#.3g}" in race.result


@pytest.mark.parametrize("budget", [30, 81, 243])
def test_halving_count_uses_the_budget_up_and_no_more(budget):
    def cost(count):
        spent, before, there = 0, 0, count
        for epoch, kept in [*halving_cuts(count, 3, 27), (27, 0)]:
            spent, before, there = spent + there * (epoch - before), epoch, kept
        return spent

    count = halving_count(budget, 27)
    assert cost(count) <= budget or count == 2
    assert cost(count + 1) > budget


def test_races_are_told_as_counted_by_hand():
    lowest = {
        "grid": [0.5, 0.2, 0.3],
        "random": [0.4, 0.2, 0.1],
        "halving": [0.3, 0.6, 0.1],
        "bayes": [0.6, 0.7, 0.8],
    }
    said = race_sentence(lowest, 90)
    assert "90 epochs for each search" in said
    assert said.index("halving") < said.index("random") < said.index("grid")
    assert "Random beat the grid in 2 of 3 races." in said
    assert "grid 1, random 2, halving 2, Bayes 0 (a tie counts for each)" in said
    assert "Random beat" not in race_sentence({k: v[:1] for k, v in lowest.items()}, 90)


def test_race_shows_and_counts_the_end_of_every_race(moons):
    panel = make_race(moons)
    assert nth(panel, 0, "points").columns[0].size == 4
    assert panel.charts.charts[0].title == "Race 1"
    assert "Start runs all 3 races." in panel.result
    press(panel, "start")
    x, y = (column[0].reshape(4, 4) for column in nth(panel, 0, "points").columns)
    for row, kind in enumerate(panel.lowest):
        np.testing.assert_allclose(y[row, 1:], panel.lowest[kind], rtol=1e-6)
        assert (x[row, 1:] > panel.budget.value).all()
    axis = panel.charts.charts[0].x
    assert x.max() < axis.domain[1] < 90
    assert (axis.ticks[3], axis.texts[3]) == (45, "45")  # as before, then apart
    assert axis.texts[4] == "all races"
    assert axis.ticks[4] > nth(panel, 0, "rule").columns[0].item() == 45
    assert panel.charts.charts[0].title == "Race 1, and where all races end"
    tip = nth(panel, 0, "points").get("tip")[3]
    assert tip == f"race 3\ngrid {panel.lowest['grid'][2]:#.3g}"
    assert "Start runs" not in panel.result
    pairs = zip(panel.lowest["random"], panel.lowest["grid"], strict=True)
    beat = sum(random < grid for random, grid in pairs)
    assert f"Random beat the grid in {beat} of 3" in shows(panel)


def test_race_refused_or_stopped_at_once_keeps_what_is_shown(moons):
    panel = make_race(moons)
    before = panel.found
    with panel.live.lock:  # the thread waits for it
        panel.start()
        panel.stop()
    panel.wait(60)
    assert panel.found is before
    assert "Stopped: only finished races are counted" in panel.result
    press(panel, "start")
    assert "Stopped" not in panel.result
    before = panel.found
    move(panel, panel.budget, 7)
    assert "at least 10 epochs, two whole runs, got 7" in panel.result
    assert "Stopped by an error" not in panel.result
    assert panel.found is before
    assert pasted(panel)["found"].settings == before["random"].settings
    move(panel, panel.budget, 20)
    assert panel.found["random"].cost.epochs == 20


def test_table_begins_with_the_lowest_loss_of_those_that_count():
    base = Hyperparameters(batch_size=106, epochs=3)
    panel = SearchRacePanel(load_dataset("wine"), base).wait(60)
    table = panel.frame()
    best = min(losses[0] for losses in panel.lowest.values())
    assert table.mean_val_loss.iloc[0] == pytest.approx(best)
    assert table.mean_val_loss.min() < best  # of one that diverged later


def test_a_loss_of_zero_has_a_place_below_the_axis(monkeypatch):
    monkeypatch.setitem(SPACE, "lr", log_uniform(30, 300))
    panel = SearchRacePanel(load_dataset("wine"), QUICK.but(hidden=()))
    assert min(min(losses) for losses in panel.wait(60).lowest.values()) == 0
    assert 0 < panel.charts.charts[0].y.domain[0] < 0.1
    assert shows(panel)
