"""What lesson 05, choosing by validation, says: held over seeds it does not show."""

from functools import cache
from itertools import count

import numpy as np
import pytest
from over_seeds import defined, repeats, trained, trained_beside

import hpkit as hk
from hpkit.data.datasets import make_folds


@cache
def fifteen():
    """Return epochs, lowest training loss, last validation loss (15, 20 learners)."""
    base = hk.Hyperparameters(0.01, 10, 200, momentum=0.9, hidden=(64, 64))
    settings = [base.but(lr=lr) for lr in (0.01, 0.03, 0.1)]
    runs = trained("small_moons", *settings, seeds=repeats(20, each=3))
    epochs = [10, 20, 50, 100, 200]  # a shorter run is the beginning of a longer one
    train = [runs.train_loss[..., : n + 1].min(-1) for n in epochs]
    valid = [runs.val_loss[..., n] for n in epochs]
    threes = [np.reshape(loss, (15, 20, 3)).mean(2) for loss in (train, valid)]
    return np.repeat(epochs, 3), *threes


@pytest.mark.slow
def test_choice_training_loss_misleads():
    _, train, valid = fifteen()
    by_train, by_valid = train.argmin(0), valid.argmin(0)
    learners = np.arange(20)
    assert (by_train != by_valid).all()
    assert (valid[by_train, learners] > 1.5 * valid[by_valid, learners]).all()


@pytest.mark.slow
def test_choice_training_loss_likes_long():
    epochs, train, _ = fifteen()
    assert (epochs[train.argmin(0)] == 200).all()


FLIPS = repeats(40)


@cache
def models():
    """Return accuracies (flips, 100 models), and on test that of the best of 50."""
    base, wanted = hk.Hyperparameters(epochs=20, hidden=(16,)), []
    settings = [base.but(lr=lr) for lr in (0.01, 0.03, 0.1, 0.3, 1)] * 20  # by turns
    for flips in FLIPS:
        coins, seeds = hk.load_dataset("coin_flips", seed=flips), count(100 * flips)
        wanted += [(coins, *pair) for pair in zip(settings, seeds, strict=False)]
    runs, tests = trained_beside(wanted), []
    scores = np.reshape([run.val_accuracy[-1] for run in runs], (-1, 100))
    for first, best in enumerate(scores[:, :50].argmax(1)):
        winner = runs[100 * first + best]
        test = winner.dataset.test
        tests.append((winner.predict(test) == test.y).mean())
    return scores, np.array(tests)


def test_choice_fifty_coins_climb():
    scores = models()[0][:, :50]

    # All 50 share the 40 rows, so their mean has some luck of its own.
    assert np.median(np.abs(scores.mean(1) - 0.5)) < 0.05
    assert np.abs(scores.mean(1) - 0.5).max() < 0.15
    assert (scores.max(1) > 0.53).all()
    assert abs(np.median(scores.max(1)) - 0.65) < 0.03
    assert np.mean(np.abs(scores.max(1) - 0.65) < 0.101) >= 0.95


def test_choice_hundred_coins():
    """The 100 models of the panel, with 40 flips of the coins."""
    every, _ = models()
    reached = every > 0.6 - 1e-9
    first = np.where(reached.any(1), reached.argmax(1) + 1, np.inf)
    assert 0.4 <= (first <= 12).mean() <= 0.65
    assert (first > 30).mean() >= 0.1
    assert 0 < np.isinf(first).mean() < 0.2
    assert (every.max(1) > 0.7 + 1e-9).mean() <= 0.25


def test_choice_luck_is_gone():
    scores, test = models()[0][:, :50].max(1), models()[1]
    assert abs(np.median(test) - 0.5) < 0.02
    assert (np.abs(test - 0.5) < 0.06).mean() >= 0.95
    assert (test < scores).all()


def test_choice_second_look_warns():
    for seed in repeats(20, first=200):
        coins = hk.load_dataset("coin_flips", seed=seed)
        setting = hk.Hyperparameters(batch_size=8, epochs=1)
        one, two = (hk.fit(coins, setting, seed=k) for k in range(2))
        one.test_accuracy()
        with pytest.warns(UserWarning, match="look number 2"):
            two.test_accuracy()


def test_choice_leak_of_columns():
    """Shares of right rows, in percent, as the lesson has them: means of 20."""
    noise = defined("05", "import", "# the ten", "# 20 data")["accuracy"]
    found = [[noise(seed, rows) for seed in repeats(60)] for rows in (80, 40)]
    leak, clean = np.reshape(found, (2, 3, 20))
    assert (np.abs(leak.mean(1) - 80) < 5).all()
    assert (np.abs(clean.mean(1) - 50) < 7).all()
    assert (leak > clean).mean() >= 0.95


FOLD_LRS = 0.01, 0.1, 0.3, 1.0
FOLDED = [hk.Hyperparameters(lr, 16, 20, hidden=(16,)) for lr in FOLD_LRS]


def last_losses(settings, cuts, seeds):
    """Return the last loss (settings, cuts, folds); each cut has a seed."""
    losses = []
    for fold in zip(*cuts, strict=True):  # the first of all, which are as large, ...
        own = [*zip(fold, seeds, strict=True)]
        runs = trained_beside([(data, s, seed) for s in settings for data, seed in own])
        losses.append([run.val_loss[-1] for run in runs])
    return np.reshape(losses, (-1, len(settings), len(cuts))).transpose(1, 2, 0)


@cache
def every_shuffle():
    """Return the last loss (learning rates, 20 learners x 10 shuffles, 5 folds)."""
    wine = hk.load_dataset("wine")
    shuffles = [(seed, n) for seed in repeats(20) for n in range(10)]
    cuts = [make_folds(wine, 5, np.random.default_rng(by)) for by in shuffles]
    losses = last_losses(FOLDED, cuts, [seed for seed, _ in shuffles])
    usual = hk.cross_validate(wine, FOLDED, repeats=2, seed=shuffles[0][0])
    np.testing.assert_allclose(losses[:, :2], usual, rtol=1e-3)
    return losses


def shuffles(lr=FOLD_LRS[1]):
    """Return the last loss (shuffles, 5 folds)."""
    return every_shuffle()[FOLD_LRS.index(lr)]


@pytest.mark.slow
def test_choice_folds_differ():
    folds = shuffles()
    assert (folds.max(1) > 1.5 * folds.min(1)).mean() >= 0.95


@pytest.mark.slow
def test_choice_folds_are_steadier():
    tens = shuffles().reshape(20, 10, 5)
    one, mean = tens.std((1, 2), ddof=1), tens.mean(2).std(1, ddof=1)
    assert (one > 3 * mean).all()


@pytest.mark.slow
def test_choice_one_split_is_luck():
    tens = shuffles().reshape(20, 50)
    share = tens / tens.mean(1, keepdims=True)
    assert (share.min(1) < 0.5).all()
    assert (share.max(1) > 1.5).all()


@pytest.mark.slow
def test_choice_folds_choose():
    low, usual, high, highest = (shuffles(lr).reshape(20, 10, 5) for lr in FOLD_LRS)
    spread = np.max([each.mean(2).std(1, ddof=1) for each in (usual, high)], axis=0)
    means = [each.mean((1, 2)) for each in (low, usual, high, highest)]
    above = means[0] - np.min(means[1:], axis=0)
    assert (means[0] - means[1] > 20 * spread).all()  # "many times"
    assert (np.ptp(means[1:], axis=0) < above / 10).all()


@pytest.mark.slow
def test_choice_folds_other_wines():
    """Of all wines ten shuffles are sure, p < 0.001 in pairs, that 0.3 beats 1."""
    wine, cuts = hk.load_dataset("wine"), []
    about = wine.features, wine.classes
    X = np.concatenate([wine.train.X, wine.valid.X])
    y = np.concatenate([wine.train.y, wine.valid.y])
    for seed in repeats(20):
        rows = np.random.default_rng(seed).permutation(142)
        splits = rows[:85], rows[85:114], rows[114:]  # the last ones are left out
        some = hk.Dataset.of_rows("some", X, y, splits, *about, standardize=True)
        cuts += [make_folds(some, 5, np.random.default_rng((0, n))) for n in range(4)]
    losses = last_losses(FOLDED[1:], cuts, [0] * len(cuts))
    lead = losses.reshape(3, 20, 4 * 5).mean(2).argmin(0)
    assert min(np.bincount(lead, minlength=3)[1:]) >= 4


# Wrong answers to the exercises: see tests/exercises/wrong_answers.py.
GOOD = hk.Hyperparameters(lr=0.5, epochs=30)


WRONG = {
    "05/which_split": dict(
        changed="update/valid, lr/test, stop/train, "
        "report/valid, report/all/unknown, report/exam/unknown",
        missing=[{"lr": "valid"}],
    ),
    "05/find_leaks": dict(
        more=["C", "A"], none=[[]], B=[["A", "C", "B"]], D=[["A", "C", "D"]]
    ),
    "05/best_of_50": dict(too_high=[0.65, 80, 57.5], too_low=[0.45, 0.506], kind=[500]),
    "05/honest_number": dict(
        poor=[(GOOD.but(lr=0.001), 0.67), (GOOD.but(lr=0.1), 0.22)],
        too_low=[(GOOD, 0.001), (GOOD, 0.065)],
        too_high=[(GOOD, 3), (GOOD, 0.168)],
        epochs=[(GOOD.but(epochs=101), 0.1)],
        refused=[(GOOD.but(batch_size=5000), 0.1)],
        kind=[(GOOD,)],
    ),
}
