"""`cross_validate`: each row is held back once, and nothing leaks."""

import numpy as np
import optuna
import pytest
import torch

import hpkit as hk

WINE = hk.load_dataset("wine")
SETTING = hk.Hyperparameters(lr=0.1, batch_size=16, epochs=3, hidden=(8,))


def by_hand(data, setting, seed, repeat, folds, seeds=None):
    """Return the losses of one shuffle, by a plain loop; `seeds`: one a fold."""
    X = np.concatenate([data.train.X, data.valid.X]) * data.scale + data.center
    y = np.concatenate([data.train.y, data.valid.y])
    order, losses = np.random.default_rng([seed, repeat]).permutation(len(y)), []
    for k, held in enumerate(np.array_split(order, folds)):
        rest = [row for row in order if row not in held]
        center, scale = X[rest].mean(0), X[rest].std(0)
        splits = [hk.data.datasets.Split((X[r] - center) / scale, y[r])
                  for r in (rest, held, held)]  # fmt: skip
        fold = hk.Dataset("fold", *splits, data.features, data.classes, center, scale)
        seed = seeds[k] if seeds else seed
        losses.append(hk.fit(fold, setting, seed=seed).val_loss[-1])
    return losses


def test_losses_are_those_of_a_plain_loop():
    found = hk.cross_validate(WINE, SETTING, folds=4, repeats=2, seed=3)
    assert found.shape == (2, 4)
    for repeat in range(2):
        plain = by_hand(WINE, SETTING, 3, repeat, 4)
        np.testing.assert_allclose(found[repeat], plain, rtol=1e-5)
    plain = [by_hand(WINE, SETTING, 0, 0, 5)]
    np.testing.assert_allclose(hk.cross_validate(WINE, SETTING), plain, rtol=1e-5)


def test_several_settings_share_the_cuts():
    moons = hk.load_dataset("moons")
    settings = [SETTING, SETTING.but(lr=0.3), SETTING.but(epochs=5)]
    settings.append(SETTING.but(lr=3, epochs=40, patience=1))  # stops early
    found = hk.cross_validate(moons, settings, folds=3)
    assert found.shape == (4, 1, 3)
    for losses, setting in zip(found, settings, strict=True):
        alone = hk.cross_validate(moons, setting, folds=3)
        np.testing.assert_allclose(losses, alone, rtol=1e-5)


def test_the_test_rows_stay_in_their_box():
    moons = hk.load_dataset("moons", seed=5)
    other = hk.Dataset(
        moons.name, moons.train, moons.valid,
        hk.data.datasets.Split(moons.test.X + 9, 1 - moons.test.y),
        moons.features, moons.classes, moons.center, moons.scale,
    )  # fmt: skip
    losses = [hk.cross_validate(data, SETTING, folds=3) for data in (moons, other)]

    np.testing.assert_array_equal(*losses)
    assert len(moons.test_looks) == 0


def test_a_regression_is_scaled_by_each_fold_alone():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 2))
    data = hk.Dataset.from_arrays(X, 100 + 7 * X[:, 0], task="regression")
    losses = hk.cross_validate(data, SETTING.but(epochs=20), folds=2)
    assert (losses < 0.5).all()  # predicting the mean has about 1


@pytest.mark.parametrize(
    ("wrong", "words"),
    [({"folds": 1}, "folds must"), ({"folds": 601}, "folds"), ({"repeats": 0}, "rep")],
)
def test_wrong_numbers_are_refused(wrong, words):
    with pytest.raises(ValueError, match=words):
        hk.cross_validate(hk.load_dataset("moons"), SETTING, **wrong)


SEARCHES = {
    "grid_search": {"lr": [0.1, 0.3], "batch_size": [8, 32]},
    "random_search": {"lr": hk.log_uniform(0.01, 1), "n_trials": 4},
    "bayesian_search": {"lr": hk.log_uniform(0.01, 1), "n_trials": 4},
    "one_at_a_time": {"lr": [0.1, 0.3], "batch_size": [8, 32]},
    "successive_halving": {"lr": [0.03, 0.1, 0.3, 1], "eta": 2},
    "validation_curve": {"param_name": "lr", "param_range": [0.1, 0.3]},
}


@pytest.mark.parametrize("kind", SEARCHES)
def test_with_cv_each_seed_trains_on_its_own_fold(kind, tmp_path):

    found = getattr(hk, kind)(WINE, SETTING, cv=3, **SEARCHES[kind])

    for i in (0, found.runs.order[0]):
        if (found.epochs_done[i] == SETTING.epochs).all():
            expected = by_hand(WINE, found.settings[i], 0, 0, 3, seeds=(0, 1, 2))
            np.testing.assert_allclose(found.val_loss[i, :, -1], expected, rtol=1e-5)
    assert found.mean_val_loss == pytest.approx(found.runs.best_val_loss.mean(1))
    assert found.seeds == (0, 1, 2)
    said = "Each seed has a fold of its own; best_run is the network of one fold."
    assert said in found.describe()
    run = found.best_run
    net = run.network().double()
    X = run.dataset.scaled(WINE.test.X * WINE.scale + WINE.center)
    outputs = net(torch.tensor(X)).argmax(1).numpy()
    assert (run.predict(WINE.test.X * WINE.scale + WINE.center) == outputs).all()
    with pytest.raises(ValueError, match=r"needs its rows, got .* fold, .*; use"):
        run.test_loss()
    kept = hk.load(found.save(tmp_path / "cv.json"), WINE)
    assert kept.describe() == found.describe()


def test_a_setting_that_fails_on_folds_is_lost_by_its_numbers():
    def picky(n_features, n_outputs, setting):
        if setting.lr > 0.2:
            raise RuntimeError("too steep")
        return torch.nn.Linear(n_features, n_outputs)

    base = SETTING.but(epochs=1)
    found = hk.grid_search(WINE, base, cv=2, model=picky, lr=[0.1, 1])

    lost = {run for part in found.lost for run in part.runs}
    assert lost == {(1, 0), (1, 1)}
    assert found.best.lr == 0.1


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"cv": 1}, "cv must be .* got 1; try 5"),
        ({"cv": 3, "seeds": [1, 2]}, "cv must go without seeds, got cv=3"),
        ({"cv": 3, "storage": "x.json"}, "cv must go without storage"),
        ({"n_splits": 3}, "hpkit calls it cv"),
    ],
)
def test_what_folds_cannot_do_is_refused(given, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises((ValueError, TypeError), match=words):
        hk.grid_search(WINE, SETTING, lr=[0.1], **given)
    study = optuna.create_study(direction="minimize")
    with pytest.raises(ValueError, match=r"without .* and cv, got more than one"):
        hk.bayesian_search(WINE, SETTING, lr=[0.1, 1], cv=2, study=study)
    found = hk.grid_search(WINE, SETTING, lr=[0.1], cv=2)
    with pytest.raises(ValueError, match="one set of rows, got 2 folds; take one"):
        found.as_pytorch()
    with pytest.raises(ValueError, match="same validation rows, got cv=2; leave"):
        hk.Capstone(WINE, budget=40, folder=None).grid_search(lr=[0.1], cv=2)
    assert not [*tmp_path.iterdir()]
