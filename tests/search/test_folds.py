"""`cross_validate`: each row is held back once, and nothing leaks."""

import numpy as np
import pytest

import hpkit as hk

SETTING = hk.Hyperparameters(lr=0.1, batch_size=16, epochs=3, hidden=(8,))


def by_hand(data, setting, seed, repeat, folds):
    """Return the losses of one shuffle, by a plain loop."""
    X = np.concatenate([data.train.X, data.valid.X]) * data.scale + data.center
    y = np.concatenate([data.train.y, data.valid.y])
    order, losses = np.random.default_rng([seed, repeat]).permutation(len(y)), []
    for held in np.array_split(order, folds):
        rest = [row for row in order if row not in held]
        center, scale = X[rest].mean(0), X[rest].std(0)
        splits = [hk.data.datasets.Split((X[r] - center) / scale, y[r])
                  for r in (rest, held, held)]  # fmt: skip
        fold = hk.Dataset("fold", *splits, data.features, data.classes, center, scale)
        losses.append(hk.fit(fold, setting, seed=seed).val_loss[-1])
    return losses


def test_losses_are_those_of_a_plain_loop():
    wine = hk.load_dataset("wine")
    found = hk.cross_validate(wine, SETTING, folds=4, repeats=2, seed=3)
    assert found.shape == (2, 4)
    for repeat in range(2):
        np.testing.assert_allclose(
            found[repeat], by_hand(wine, SETTING, 3, repeat, 4), rtol=1e-5
        )


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
    losses = hk.cross_validate(data, SETTING.but(epochs=20), folds=3)
    assert (losses < 0.5).all()  # predicting the mean has about 1


@pytest.mark.parametrize(
    ("wrong", "words"),
    [({"folds": 1}, "folds must"), ({"folds": 601}, "folds"), ({"repeats": 0}, "rep")],
)
def test_wrong_numbers_are_refused(wrong, words):
    with pytest.raises(ValueError, match=words):
        hk.cross_validate(hk.load_dataset("moons"), SETTING, **wrong)
