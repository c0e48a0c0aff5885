"""The small instruments without a browser."""

import warnings

import numpy as np
import pytest

from hpkit.datasets import load_dataset
from hpkit.panels import (
    BatchNoisePanel,
    CoinFlipsPanel,
    PatiencePanel,
    SeedsPanel,
    TestBoxPanel,
)
from hpkit.panels.patience import stop_epoch
from hpkit.results import TestSplitWarning
from hpkit.settings import Hyperparameters
from hpkit.training import fit

QUICK = Hyperparameters(lr=0.3, epochs=20)


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def moons():
    return load_dataset("moons")


def shows(panel):
    """Return the sentence of a panel without an error; its picture can be drawn."""
    assert panel.error is None
    assert panel.picture().startswith(b"\x89PNG")
    assert len(panel.frame())
    panel.view.value = 1
    assert panel.code_box.value == panel.code()
    return panel.result.value


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
    assert panel.kept_epoch == panel.run.best_epoch
    assert "never stops" in panel.result.value
    assert panel.end.x.tolist() == [20, 20]


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
    assert "no noise" in panel.result.value


def test_batch_noise_knows_the_loss_of_all_points(moons):
    panel = BatchNoisePanel(moons, QUICK)
    run = fit(moons, QUICK, seed=0)

    assert panel.each.mean() == pytest.approx(run.train_loss[-1], rel=1e-5)


def test_coin_flips_best_is_lucky_on_validation_only():
    panel = CoinFlipsPanel(models=50).wait(20)

    assert len(panel.valid) == len(panel.test) == 100
    best = panel.chosen[-1]
    assert panel.valid[best] == panel.valid[:50].max() > 0.55
    assert 0.44 < panel.test[best] < 0.56
    assert "50 models" in shows(panel)
    panel.count.value = 1
    assert panel.chosen == [0]


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


def test_seeds_strip_compares_in_words(moons):
    settings = [QUICK.but(lr=lr) for lr in (0.001, 0.3)]
    panel = SeedsPanel(moons, settings, seeds=4, most=8)

    assert panel.losses.shape == (2, 4)
    assert "4 of 4" in shows(panel)
    assert "mostly say the same" in panel.result.value
    panel.count.value = 8
    assert "8 of 8" in panel.result.value
    assert panel.pairs.y.shape == (8, 2)
    panel.count.value = 1
    assert "With one seed" in panel.result.value


def test_seeds_strip_does_not_tell_equals_apart(moons):
    settings = [QUICK.but(lr=lr) for lr in (0.3, 0.31)]
    panel = SeedsPanel(moons, settings, seeds=8, most=8)

    assert "may say the opposite" in panel.result.value


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
    box.open_button.click()

    assert "opened before" in box.result.value
    other = TestBoxPanel(fit(dataset, QUICK.but(lr=0.01)))
    assert other.opened["loss"] == loss
    assert "opened before" in other.result.value
