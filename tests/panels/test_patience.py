"""PatiencePanel: where training stops."""

from dataclasses import replace

import numpy as np
import pytest
from chart_reading import commit, curve, mark, marks, pasted, press, shows, until

from hpkit import Hyperparameters, PatiencePanel
from hpkit.charts.runs import axis_top
from hpkit.panels.patience import stop_epoch

QUICK = Hyperparameters(lr=0.3, epochs=20)


@pytest.mark.parametrize(("patience", "stop"), [(1, 3), (2, 4), (3, 8), (4, 9), (9, 9)])
def test_stop_epoch_counts_epochs_without_a_new_lowest(patience, stop):
    #        0    1    2    3     4    5     6    7    8    9
    losses = [9.0, 8.0, 7.0, 7.5, 7.2, 6.5, 7.0, 6.6, 6.9, 6.5]
    # new:         *    *               *
    assert stop_epoch(losses, patience) == stop


def test_patience_moves_the_stop(moons):
    panel = PatiencePanel(moons, QUICK.but(patience=2), patience=1, predict=True)
    commit(panel, 0)  # where the slider stands at first
    assert "Move the slider" in panel.guess.answer.value
    assert "Make your guess first" in panel.result
    commit(panel, 7)
    first = int(np.argmax(np.diff(panel.run.val_loss) >= 0)) + 1

    assert panel.stop_at == first
    assert f"stops at epoch <b>{first}</b>" in shows(panel)
    assert "Your guess: <b>7</b>" in panel.result
    assert mark(panel.charts.charts[0], "rule", color="purple").columns[0] == 7
    panel.patience.value = 20
    assert "guess" not in shows(panel)
    assert not marks(panel.charts.charts[0], "rule", color="purple")
    assert panel.stop_at == panel.run.epochs_done
    assert panel.frame().keeps.iloc[-1] == panel.run.best_epoch
    assert "never stops" in panel.result
    assert np.isnan(panel.frame().stops.iloc[-1])
    panel = PatiencePanel(moons, QUICK.but(epochs=1))
    assert "within 1 epoch and" in shows(panel)
    assert "over 1 epoch." in panel.charts.charts[0].alt
    assert not marks(panel.charts.charts[0], "rule")


def test_what_comes_after_the_stop_is_gray(moons):
    panel = PatiencePanel(moons, QUICK, patience=2)
    assert "stops at" in shows(panel)
    (chart,) = panel.charts.charts
    epochs, losses = curve(chart, width=3)
    assert epochs.tolist() == list(range(panel.stop_at + 1))
    later, rest = curve(chart, row=1, color="gray", width=1.5)
    assert later.tolist() == list(range(panel.stop_at, 21))
    np.testing.assert_allclose([*losses, *rest[1:]], panel.run.val_loss, rtol=1e-6)
    assert mark(chart, "ring").get("label") == f"kept {losses.min():#.3g}"
    high = replace(panel.run, val_loss=np.array([1, 1.8, 1.8]))
    assert axis_top([high]) == 2  # such a loss is no spike
    run = pasted(panel)["run"]  # its code finds the stop
    row = panel.frame().set_index("patience").loc[panel.patience.value]
    assert (run.epochs_done, run.best_epoch) == (row.stops, row.keeps)
    assert row.stops == panel.stop_at


def test_patience_stopped_while_it_trains_says_so(moons, shown_at_once):
    panel = PatiencePanel(moons, QUICK.but(batch_size=1, epochs=900))
    until(lambda: panel.run and panel.run.epochs_done > 1)
    press(panel, "stop")
    assert f"Stopped at epoch {panel.run.epochs_done}" in shows(panel)
    panel.patience.value = 2
    assert "Stopped at" in panel.result
