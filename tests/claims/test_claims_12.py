"""What lesson 12, schedules, says: held over seeds that it does not show."""

from functools import cache

import numpy as np
import optuna
import pytest
from over_seeds import apart, defined, repeats
from over_seeds import trained as runs_of

import hpkit as hk

pytestmark = pytest.mark.slow

SMALL = hk.Hyperparameters(epochs=10, hidden=(32,))
DEEP = SMALL.but(hidden=(32,) * 4, momentum=0.9)
THREES = repeats(20, each=3)
FIVES = repeats(20, each=5)
CURVE = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3)
RATES = CURVE[2:6]
WARM = (0.1, 0.3, 1, 1.2)


@cache
def trained(settings, seeds=THREES, each=3):
    """Return lowest and last losses (settings, repeats), means as in the lesson."""
    runs = runs_of("digits", *settings, seeds=seeds)
    losses = runs.best_val_loss, runs.val_loss[..., -1]
    return [apart(np.nan_to_num(loss, nan=np.inf), each).mean(-1) for loss in losses]


def curve(base):
    """Return what `trained` does for the rates of a validation curve."""
    return trained(tuple(base.but(lr=lr) for lr in CURVE))


def decayed():
    """Return what `trained` does for both schedules: (2, 4 rates, repeats)."""
    cosine = trained(tuple(DEEP.but(lr=lr, schedule="cosine") for lr in RATES))
    return [np.stack([a[2:6], b]) for a, b in zip(curve(DEEP), cosine, strict=True)]


def test_decay_calms():
    lowest, last = (loss[:, RATES.index(0.1)] for loss in decayed())
    assert np.mean(lowest[1] < lowest[0]) >= 0.98
    assert np.mean(last[1] < last[0] / 2) >= 0.98


def test_decay_starves():
    constant, cosine = decayed()[0][:, RATES.index(0.03)]
    assert np.mean(constant < cosine / 2) >= 0.98


def test_drop_drops_the_loss():
    """The rate falls to a tenth after each of some epochs."""
    pulls = range(5, 9)
    drawn = (DEEP.but(lr=0.1, schedule=(1,) * k + (0.1,) * (10 - k)) for k in pulls)
    runs = runs_of("digits", *drawn, seeds=THREES)
    for k, loss in zip(pulls, runs.val_loss, strict=True):
        curve = apart(loss.T, 3).mean(-1)
        assert np.mean(curve[k + 1] < curve[k]) >= 0.95


def test_cosine_knows_its_end():
    for lr in (0.03, 0.1):
        base = DEEP.but(lr=lr, schedule="cosine")
        pair = runs_of("digits", base, base.but(epochs=30), seeds=repeats(20))
        ended, under_way = pair.val_loss[..., 10]
        assert np.mean(np.abs(np.log(under_way / ended)) > np.log(1.1)) >= 0.85


def test_decay_moves_the_best():
    constant, cosine = decayed()[0].argmin(1)
    assert np.mean(constant == RATES.index(0.03)) >= 0.98
    assert np.mean(cosine == RATES.index(0.1)) >= 0.98


def test_cosine_at_its_best():
    constant, cosine = decayed()[0].min(1)
    assert 0.8 <= np.mean(cosine < constant) < 1


def test_constant_wins_on_small():
    """In blocks of ten seeds: the lesson has forty, which tell it the more surely."""
    rates, both = (0.3, 0.5, 0.7, 1), ("constant", "cosine")
    settings = tuple(SMALL.but(lr=lr, schedule=name) for name in both for lr in rates)
    lowest = trained(settings, repeats(20, each=10), 10)[0].reshape(2, 4, -1).min(1)
    assert np.mean(lowest[0] < lowest[1]) >= 0.95
    assert np.median(lowest[1] / lowest[0]) < 1.15  # "not by much"


def warmed():
    """Return the lowest losses without and with warm-up: (2, 4 rates, repeats)."""
    settings = tuple(SMALL.but(lr=lr, warmup=w) for w in (0, 0.2) for lr in WARM)
    return trained(settings, FIVES, 5)[0].reshape(2, 4, -1)


def test_warmup_near_the_edge():
    cold, warm = warmed()[:, WARM.index(1) :]
    assert (np.mean(warm < cold, axis=1) >= 0.8).all()  # of groups of five
    assert (warm > cold).any()
    for forty in slice(8), slice(8, 16):  # groups of five
        assert (warm[:, forty].mean(1) < cold[:, forty].mean(1)).all()


def test_warmup_saves_a_few():
    pair = [SMALL.but(lr=1.2, warmup=warmup) for warmup in (0, 0.2)]
    runs = runs_of("digits", *pair, seeds=repeats(20, each=40))
    stuck = runs.best_val_loss > 0.21
    cold, warm = apart(stuck, 40).sum(-1)
    assert np.mean(cold > 10) > 0.5
    assert (cold >= 5).all()
    assert (warm < cold / 2).all()
    assert np.median(warm) <= 2


def test_warmup_elsewhere():
    cold, warm = warmed()
    slow, good = (warm / cold)[:2]
    assert np.mean(slow > 1.05) >= 0.98
    assert np.mean(np.abs(good - 1) < 0.06) >= 0.95


def test_warmup_at_its_best():
    cold, warm = warmed().min(1)
    assert (np.abs(warm / cold - 1) < 0.11).all()


@cache
def proposals():
    """Return for each network the rule's rates and the best of the curve (repeats,)."""
    test, found = defined("12", "import", "# The rows", "def ra")["range_test"], []
    for setting in (SMALL, DEEP):
        losses = curve(setting)[0]
        thirds = [test(setting, seed).idxmin() / 3 for seed in repeats(20)]
        found.append((np.array(thirds), np.array(CURVE)[losses.argmin(0)]))
    return found


def test_range_test_lands():
    third, best = proposals()[0]
    assert np.mean((best / 3.4 < third) & (third < 3.4 * best)) >= 0.95
    assert (3 * third > best).all()


def test_range_test_misses():
    third, best = proposals()[1]
    assert np.mean(third > 3.4 * best) >= 0.98


def test_pruning_saves():
    """The lesson's study, whose objective takes its losses from whole runs."""
    data, base, costs, ratios = hk.load_dataset("digits"), SMALL.but(epochs=9), [], []
    for seed in repeats(20):
        rng = np.random.default_rng(seed)
        lrs = 10 ** rng.uniform(-4, 1, 27)
        *_, runs = hk.train(data, [base.but(lr=lr) for lr in lrs], tick=60)
        pruner = optuna.pruners.SuccessiveHalvingPruner(reduction_factor=3)
        study = optuna.create_study(pruner=pruner)
        for run in runs:
            trial = study.ask()
            for epoch in range(1, 10):
                trial.report(run.val_loss[epoch], epoch)
                if trial.should_prune():
                    study.tell(trial, state=optuna.trial.TrialState.PRUNED)
                    break
            else:
                study.tell(trial, run.best_val_loss)
        costs.append(sum(len(trial.intermediate_values) for trial in study.trials))
        ratios.append(study.best_value / np.nanmin(runs.best_val_loss))
    assert max(costs) < 27 * 9 / 2
    assert np.median(costs) > 63  # of the halving
    assert np.mean(np.array(ratios) <= 1.25) >= 0.95


# Wrong answers to the exercises: see tests/exercises/wrong_answers.py.
WRONG = {
    "12/roles": dict(
        changed="batch_size/fixed, lr/fixed, hidden/nuisance, "
        "activation/scientific, lr/tuned/unknown"
    ),
    "12/warm_cosine": dict(case=[lambda t, n, warm, lr: lr / 2]),
    "12/after_the_test": dict(too_large=[0.03, 1], too_small=[0.004], kind=[0]),
}
