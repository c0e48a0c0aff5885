"""What lesson 09, beyond the grid, says: held over seeds that it does not show."""

from collections import deque
from functools import cache

import numpy as np
import optuna
import pytest
from over_seeds import apart, losses, repeats, trained

import hpkit as hk
from hpkit.panels.race import KINDS, halving_count, lowest_of, searches

pytestmark = pytest.mark.slow

SEEDS = repeats(20)
MOONS = hk.Hyperparameters(epochs=30)
DIGITS = hk.Hyperparameters(epochs=10, hidden=(32,))
DECAYS = [1e-7, 3.16e-6, 1e-4]
LAYERS = ((32,), (16,) * 2, (16,) * 3, (16,) * 4)


@cache
def nine_runs(low, high, lrs):
    """Return how often 9 random runs beat a 3 x 3 grid, for 20 seeds x 10 draws."""
    data = hk.load_dataset("moons")
    lr, decay = hk.log_uniform(low, high), hk.log_uniform(1e-7, 1e-4)
    how = {"n_trials": 90, "search_seed": 7, "seeds": SEEDS}
    drawn = hk.random_search(data, MOONS, lr=lr, weight_decay=decay, **how)
    grid = hk.grid_search(data, MOONS, lr=lrs, weight_decay=DECAYS, seeds=SEEDS)
    nine = losses(drawn).reshape(10, 9, len(SEEDS)).min(1)
    return np.mean(nine < losses(grid).min(0))


def test_random_beats_grid_here():
    assert nine_runs(1e-4, 10, (1e-4, 0.0316, 10)) >= 0.97


def test_random_not_always():
    assert 0.1 < nine_runs(1e-4, 1, (1e-4, 0.01, 1)) < 0.7


def test_weight_decay_hardly_matters():
    lists = {"lr": [1e-3, 0.0316], "weight_decay": DECAYS}
    grid = hk.grid_search(hk.load_dataset("moons"), MOONS, seeds=SEEDS, **lists)
    loss = losses(grid).reshape(2, 3, len(SEEDS))

    assert np.mean(loss.max(1) < 1.1 * loss.min(1)) >= 0.98


def test_halving_cheap_and_close():
    about, ratios = (hk.load_dataset("digits"), DIGITS.but(epochs=27)), []
    draws = {"n_trials": 27, "lr": hk.log_uniform(1e-4, 10)}

    for seed in SEEDS:
        draws |= {"search_seed": seed, "seeds": [seed]}
        halving = hk.successive_halving(*about, **draws)
        full = hk.random_search(*about, **draws)
        loss = losses(full)[:, 0]
        ratios.append(loss[full.settings.index(halving.best)] / loss.min())
        assert halving.cost.epochs < 0.112 * full.cost.epochs  # 81 of 729

    assert np.mean(np.array(ratios) <= 1.25) >= 0.95


def test_slow_starters():
    base = hk.Hyperparameters(lr=0.1, batch_size=16, epochs=80)
    settings = (base.but(hidden=hidden) for hidden in LAYERS)
    runs = trained("clean_spiral", *settings, seeds=repeats(20, each=3))
    low = np.minimum.accumulate(runs.val_loss, axis=2)
    low = apart(low.swapaxes(1, 2), 3).mean(-1)  # as in the lesson

    assert np.mean(low[:, 3].argmin(0) == 0) >= 0.98
    assert np.mean(low[:, 80].argmin(0) != 0) >= 0.98
    assert np.mean(low[0, 80] > 4 * low[:, 80].min(0)) >= 0.98


def test_momentum_is_a_longer_step():
    settings = [DIGITS.but(lr=0.1), DIGITS.but(lr=0.01, momentum=0.9)]
    plain, rolling = trained("digits", *settings, seeds=SEEDS).best_val_loss
    assert np.mean(np.abs(rolling / plain - 1) < 0.1) >= 0.98


def test_momentum_when_steps_are_few():
    rates, best = [0.01, 0.03, 0.1, 0.3, 1, 3], []
    for momentum in (0, 0.9):
        base = hk.Hyperparameters(batch_size=64, epochs=20, momentum=momentum)
        spiral = hk.load_dataset("spiral")
        grid = hk.grid_search(spiral, base, lr=rates, seeds=SEEDS)
        best.append(losses(grid)[grid.runs.order[0]])

    assert 0.35 < best[1].mean() / best[0].mean() < 0.65
    assert np.mean(best[1] < best[0]) >= 0.9


def explained(x, y):
    """Return the share of the variance of y that a smooth curve over log x takes."""
    x = np.log(x)
    return 1 - np.var(y - np.polyval(np.polyfit(x, y, 3), x)) / np.var(y)


@cache
def clouds():
    """Return for each seed 100 settings: learning rates, the one number, the losses."""
    digits, clouds = hk.load_dataset("digits"), []
    draws = {"lr": hk.log_uniform(1e-3, 1), "momentum": [0, 0.5, 0.9], "n_trials": 100}
    draws["batch_size"] = [16, 32, 64, 128]
    for seed in SEEDS:
        about = {"search_seed": seed, "seeds": [seed]}
        cloud = hk.random_search(digits, DIGITS, **about, **draws)
        lr, momentum, size = (np.array(cloud.values(n)) for n in cloud.space)
        clouds.append((lr, lr / ((1 - momentum) * size), cloud.mean_val_loss))
    return clouds


def test_one_number_explains_most():
    shares = []
    for lr, number, loss in clouds():
        y = np.log(np.clip(np.nan_to_num(loss, nan=3, posinf=3), 0, 3))
        shares.append((explained(lr, y), explained(number, y)))
    alone, together = np.array(shares).T
    assert np.mean(together > 0.7) >= 0.98
    assert np.mean(together > alone + 0.2) >= 0.98


def test_best_share_one_number():
    for lr, number, loss in clouds():
        near, far = (x[loss.argsort()[:5]] for x in (number, lr))
        assert near.max() / near.min() < min(10, far.max() / far.min())
        assert number.max() > 1000 * number.min()


@cache
def proposed():
    """Return for each seed how far 30 proposals lie from the best, in decades."""
    digits, far = hk.load_dataset("digits"), []
    draws = {"lr": hk.log_uniform(1e-4, 10), "batch_size": [16, 32, 64, 128]}
    for seed in SEEDS:
        about = {"n_trials": 30, "search_seed": seed, "seeds": [seed]}
        found = hk.bayesian_search(digits, DIGITS, **about, **draws)
        far.append(np.abs(np.log10(np.array(found.values("lr")) / found.best.lr)))
    return far


def test_tpe_narrows():
    closer = [np.median(far[10:]) < np.median(far[:10]) for far in proposed()]
    assert np.mean(closer) >= 0.95


def test_tpe_goes_on_trying():
    assert all(far[10:].max() > 1 for far in proposed())


def race_of_the_panel(budget, seed):
    return searches(hk.load_dataset("digits"), DIGITS.but(epochs=9), budget, seed)


@cache
def races_of_the_panel(budget):
    """Return the lowest losses (races, 4) in the order of KINDS."""
    found = []
    for seed in SEEDS:
        race = race_of_the_panel(budget, seed)
        assert tuple(race) == KINDS
        found.append([lowest_of(deque(each, 1)[0]) for each in race.values()])
    return np.array(found)


def test_race_badly_placed_grid():
    lowest = dict(zip(KINDS, races_of_the_panel(81).T, strict=True))
    assert np.mean(lowest["random"] < lowest["grid"]) >= 0.8
    assert np.mean(lowest["grid"] > 4 * lowest["halving"]) >= 0.8


def test_race_grid_catches_up():
    grid, *others = races_of_the_panel(243).T
    best = np.min(others, axis=0)
    rates = sorted({*next(race_of_the_panel(243, 0)["grid"]).values("lr")})
    assert len(rates) == 5
    assert rates[3] == pytest.approx(0.56, abs=0.005)
    assert np.mean(grid < best) <= 0.15
    assert np.mean(grid <= 1.25 * best) >= 0.95


def test_race_halving_lowest():
    lowest = races_of_the_panel(81)
    wins = (lowest <= lowest.min(1, keepdims=True)).sum(0)
    assert halving_count(81, 9) == 35
    assert wins.argmax() == KINDS.index("halving")
    assert wins.max() > 0.5 * len(SEEDS)


def test_race_others_close():
    for budget, least in ((81, 0.5), (243, 0.9)):
        lowest = races_of_the_panel(budget)
        close = np.mean(lowest <= 1.25 * lowest.min(1, keepdims=True), axis=0)
        assert (close[1:] > least).all()
        assert (close[0] > least) == (budget == 243)  # the grid


# Wrong answers to the exercises: see tests/exercises/wrong_answers.py.
def a_study(
    n=12, *, direction="minimize", names=("lr",), log=True, best=0.3, value=1.0
):
    made = optuna.create_study(direction=direction)
    low = optuna.distributions.FloatDistribution(1e-4, 10, log=log)
    sign = 1 if direction == "minimize" else -1
    for k in range(n):
        trial = optuna.trial.create_trial(
            params=dict.fromkeys(names, best),
            value=sign * (value + k),
            distributions=dict.fromkeys(names, low),
        )
        made.add_trial(trial)
    return made


ALSO_RIGHT = {"optuna_study": lambda _: [a_study(n=10, value=0.14)]}
WRONG = {
    "09/how_many": dict(
        grid=[[64, 64]],
        random=[[4, 4]],
        turned=[[64, 4]],
        count=[[3, 9]],
        kind=[[4], {4, 64}],
    ),
    "09/first_cut": dict(lost=[3, 20], late=[35, 80], kind=[0, 90]),
    "09/with_momentum": dict(
        same_lr=[0.1], larger=[0.025, 0.08, 0.13], smaller=[0.0175], kind=[-1]
    ),
    "09/optuna_study": lambda: dict(
        few=[a_study(n=9), a_study(n=0)],
        direction=[a_study(direction="maximize")],
        names=[a_study(names=names) for names in ((), ("x",), ("lr", "batch_size"))],
        linear=[a_study(log=False)],
        poor=[a_study(best=0.001, value=2.3), a_study(best=0.07, value=0.26)],
        value=[  # 1 is an accuracy, minimized
            *(a_study(value=value) for value in (1, 0.09, 0.21)),
            a_study(best=0.001),
        ],
    ),
}
