"""CoinFlipsPanel: the luck of the best of many. TestBoxPanel: opened once."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from chart_reading import commit, curve, mark, press, shows, until

from hpkit import CoinFlipsPanel, Hyperparameters, TestBoxPanel, fit
from hpkit.data.datasets import Dataset, load_dataset

QUICK = Hyperparameters(lr=0.3, epochs=20)
# A panel that looks at the test rows warns nobody: its button says it.
pytestmark = pytest.mark.filterwarnings("error::UserWarning")


def test_coin_flips_best_is_lucky_on_validation_only():
    panel = CoinFlipsPanel(models=50).wait(60)

    assert len(panel.valid) == len(panel.test) == 100
    best = panel.valid[: panel.count.value].argmax()
    assert panel.valid[best] == panel.valid[:50].max() > 0.55
    assert 0.44 < panel.test[best] < 0.56
    setting = Hyperparameters(lr=0.1, hidden=(16,), epochs=20)
    run = fit(panel.dataset, setting, seed=7)  # one model alone
    assert panel.valid[7] == pytest.approx(run.val_accuracy[-1], abs=0.03)
    said = f"50 models has a validation accuracy of <b>{panel.valid[best]:.1%}</b>."
    assert said in shows(panel)
    panel.count.value = 1
    assert len(panel.frame()) == 1
    assert "best of 1 model has" in panel.result
    panel.count.value = 100
    assert "best of 100 models" in panel.result


def test_coin_flips_run_tries_one_after_the_other_and_stops():
    panel = CoinFlipsPanel(models=2).wait(60)
    panel.run_button.click()
    until(lambda: panel.count.value >= 5)
    (table, _) = panel.drawer.children
    rows = table.value.count("<tr>")
    assert "its test accuracy" in table.value
    panel.count.value = 1  # typed meanwhile: it goes on from there
    until(lambda: 1 < panel.count.value < 5)
    press(panel, "stop")

    assert rows >= 3
    assert 1 < panel.count.value < 100
    assert len(panel.frame()) == panel.count.value


def test_new_flips_while_the_line_climbs_begin_with_the_first_models():
    panel, drawn = CoinFlipsPanel(models=3).wait(60), []

    def click(draw=panel.live.draw):  # between two steps, where most of the time goes
        drawn.append(draw())
        if len(drawn) == 2:
            panel.flip()

    panel.live.draw = click
    press(panel, "run")

    assert (panel.flips, panel.count.value) == (1, 3)
    with panel.live.lock:  # the thread waits for it
        panel.flip()
        panel.stop()
    panel.wait(60)
    assert panel.flips == 1  # as the chart and the code have them
    panel.flip()
    until(lambda: panel.flipping)
    panel.run_button.click()  # climbs after them
    until(lambda: panel.count.value > 3)
    panel.stop()
    panel.wait(60)
    assert panel.flips == 2


def test_coin_flips_climb_in_steps_and_keep_the_guess_for_other_flips():
    panel = CoinFlipsPanel(models=20, predict=True).wait(60)
    commit(panel, 80)
    before, panel.count.value = panel.frame(), 100
    press(panel, "again")

    assert panel.count.value == len(panel.frame()) == 20
    assert "Your guess: <b>80%</b>" in shows(panel)
    (chart,), table = panel.charts.charts, panel.frame()
    assert mark(chart, "rule").columns[0].item() == pytest.approx(0.8)
    assert not table.equals(before)
    for name, heights in (
        ("best, validation", table.best_val_accuracy),
        ("same model, test", table.its_test_accuracy),
    ):
        assert mark(chart, "line", label=name).get("step")
        np.testing.assert_allclose(curve(chart, label=name)[1], heights, rtol=1e-6)


def test_box_opens_once_keeps_its_axis_and_remembers(tmp_path):
    dataset = load_dataset("wine", seed=5)
    run = fit(dataset, QUICK)
    box, twin = TestBoxPanel(run), TestBoxPanel(run)
    assert "closed" in shows(box)
    assert dataset.test_looks == []
    assert box.frame().split.tolist() == ["validation"]
    (chart,) = box.charts.charts
    assert mark(chart, "points").columns[0].tolist() == [[0]]
    assert mark(chart, "text").get("texts") == ["?"]
    assert not (tmp_path / "hpkit-runs").exists()
    before = chart.y.domain[1]
    assert before >= 2 * run.best_val_loss
    box.open_button.click()
    after = box.charts.charts[0].y.domain[1]
    assert (after == before) == (1.1 * box.losses[1] <= before)
    assert box.losses[1] < after
    loss = box.opened["loss"]
    assert f"{loss:#.3g}" in shows(box)
    assert box.open_button.disabled
    box.open_button.click()  # the second one of a double click
    assert "opened before" not in box.result
    box.look()
    assert "opened before" in box.result
    twin.open_button.click()
    assert "opened before" in shows(twin)
    assert len(dataset.test_looks) == 2  # loss and accuracy

    other = TestBoxPanel(fit(dataset, QUICK.but(lr=0.01)))
    assert other.opened["loss"] == loss
    assert other.losses == box.losses
    assert other.losses[0] == run.best_val_loss
    assert other.open_button.description == "The box is open"
    assert "opened before" in other.result


def test_box_keeps_the_guess_beside_the_result():
    box = TestBoxPanel(fit(load_dataset("wine", seed=7), QUICK), predict=True)
    commit(box, box.guess.widget.max)
    box.open_button.click()

    assert "Your guess" in shows(box)
    (chart,) = box.charts.charts
    mine = mark(chart, "line", color="purple")
    np.testing.assert_allclose(mine.columns[1], box.guess.value, rtol=1e-6)
    assert box.guess.value < chart.y.domain[1]
    off = abs(box.guess.value - box.opened["loss"])
    assert f"It is <b>{off:#.3g}</b> off. Test loss" in box.result


def test_box_knows_its_rows_and_not_their_name(moons):
    splits = moons.train, moons.valid, moons.train
    one, two, again = (Dataset.from_arrays(split.X, split.y) for split in splits)
    box = TestBoxPanel(fit(one, QUICK))
    box.look()

    other = TestBoxPanel(fit(two, QUICK))

    assert one.name == two.name
    assert other.opened is None
    assert "closed" in shows(other)
    assert two.test_looks == []
    assert TestBoxPanel(fit(again, QUICK)).opened == box.opened


def test_a_teacher_closes_the_box_again_by_deleting_its_folder(tmp_path):
    run = fit(load_dataset("wine", seed=14), QUICK)
    box = TestBoxPanel(run)
    box.look()
    loss = box.opened["loss"]

    shutil.rmtree(tmp_path / "hpkit-runs")
    run.dataset.test_looks.clear()  # as in a new kernel
    box = TestBoxPanel(run)

    assert box.frame().split.tolist() == ["validation"]
    assert "closed" in shows(box)
    assert box.open_button.description == "Open the box"
    box.open_button.click()
    assert box.opened["loss"] == loss


@pytest.mark.parametrize("name", ["setting", "seed", "accuracy", "loss"])
@pytest.mark.parametrize("value", ["<img src=x onerror=alert(1)>", ["<img src=x>"]])
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
    assert TestBoxPanel(run).opened == box.opened


def test_box_that_cannot_write_says_so_and_goes_on(tmp_path):
    (tmp_path / "hpkit-runs").write_text("a file where the folder should be")
    box = TestBoxPanel(fit(load_dataset("wine", seed=9), QUICK))
    box.open_button.click()
    assert f"{box.opened['loss']:#.3g}" in shows(box)
    assert "until this kernel stops" in box.note.value


def test_box_remembers_a_loss_that_is_not_finite(monkeypatch):
    run = fit(load_dataset("wine", seed=15), QUICK)
    monkeypatch.setattr(type(run), "test_loss", lambda run: np.nan)
    box = TestBoxPanel(run)
    box.look()
    assert "nan" in shows(box)
    assert box.picture().startswith(b"\x89PNG")
    assert np.isnan(TestBoxPanel(run).opened["loss"])


def test_code_of_a_run_with_a_loss_of_its_own_gives_the_run():
    loss = torch.nn.CrossEntropyLoss(weight=torch.tensor([1.0, 5.0, 1.0]))
    wine = load_dataset("wine")
    wine.test_looks.clear()  # those of other tests
    box = TestBoxPanel(fit(wine, QUICK, loss=loss))
    space = {"loss": loss}
    exec(box.code(), space)
    assert space["run"].best_val_loss == box.run.best_val_loss
