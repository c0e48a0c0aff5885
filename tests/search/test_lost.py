"""What fails is lost, and no other; `cv` and `cross_validate`: nothing leaks."""

import concurrent.futures as futures
import re
from unittest.mock import Mock

import architectures
import numpy as np
import pytest
import torch
from architectures import failing, sized
from matplotlib.figure import Figure
from torch import nn

import hpkit as hk
from hpkit.engine import own_networks, training

DIGITS = hk.load_dataset("digits")
BASE = hk.Hyperparameters(epochs=6, batch_size=64)
LRS = [0.003, 0.03, 0.3, 30]


@pytest.mark.parametrize("threads", [0, 2])
@pytest.mark.parametrize("seeds", [(0,), (0, 1)])
def test_settings_that_fail_are_named_and_lose_no_other(threads, seeds):
    space = {"hidden": [(2,), (3,), (5,)], "lr": [0.1, 1e38], "seeds": seeds}
    with futures.ThreadPoolExecutor(2) as pool:
        pool = pool if threads else None
        found = hk.grid_search(DIGITS, BASE, model=failing, executor=pool, **space)

    assert found.finished
    reasons = {found.settings[i]: p.reason for p in found.lost for i, _ in p.runs}
    words = {2: "no number", 3: "RuntimeError: no such network", 5: "shapes"}
    for setting, reason in reasons.items():
        assert words[setting.hidden[0]] in reason
    lost = [(setting.hidden[0], setting.lr) for setting in reasons]
    assert sorted(lost) == [(2, 1e38), (3, 0.1), (3, 1e38), (5, 0.1), (5, 1e38)]
    assert repr(found.lost[0]).startswith("Lost(runs=((")
    for k, seed in enumerate(seeds):
        alone = hk.fit(DIGITS, found.settings[0], seed=seed, model=failing)
        assert np.array_equal(found.val_loss[0, k], alone.val_loss)
    assert found.best == found.settings[0]
    assert f"Runs lost: {2 * len(seeds)}, at hidden units 3, " in found.describe()
    which = "learning rate 1e+38"
    assert f"{which}: RuntimeError: no such network." in found.describe()
    assert found.epochs_done.min() == -1
    assert (found.fit_time[found.epochs_done < 0] == 0).all()


class Odd(nn.Module):
    """Gives, in training or once trained for a while, what no network should."""

    def __init__(self, n_in, n_out, setting):
        super().__init__()
        self.layer, self.odd, self.calls = nn.Linear(n_in, n_out), setting.odd, 0
        self.half = torch.zeros(2, dtype=torch.bfloat16)  # that numpy does not have

    def forward(self, x):
        out, self.calls = self.layer(x), self.calls + self.training
        if self.calls < 5 or not self.odd:
            return out
        if self.odd == "memory":
            raise RuntimeError("not enough memory: you tried to allocate 9 bytes")
        return ODD[self.odd](out) if self.training == (self.odd != "flat") else out


ODD = {
    "pair": lambda out: (out, out),
    "nothing": lambda out: None,
    "array": lambda out: out.detach().numpy(),
    "whole": lambda out: out.long(),
    "short": lambda out: out[:1],
    "deep": lambda out: out[None],
    "flat": lambda out: out[:, 0],
    "raises": lambda out: {}[7],
}


@pytest.mark.filterwarnings("ignore::hpkit.engine.own_networks.OneByOneWarning")
@pytest.mark.parametrize("steps", [1, 10**6])  # stacked, and one after another
def test_what_a_network_gives_late_loses_its_own_setting_alone(steps, monkeypatch):
    monkeypatch.setattr(own_networks, "STEPS_TO_TRACE", steps)
    space = {"optimizer": ["sgd", "adam"], "odd": ["", *ODD, "memory"]}
    found = hk.grid_search(DIGITS, BASE, model=Odd, seeds=(0, 1), **space)

    assert len(found.lost) == len({part.reason for part in found.lost})
    lost = {found.settings[i].odd: p.reason for p in found.lost for i, _ in p.runs}
    assert found.best.odd == ""
    assert {*lost} == {*ODD, "memory"}
    for reason in lost.values():
        assert re.search("ValueError: the network must .*got ", reason)


def test_a_setting_that_lost_a_run_is_never_the_best(tmp_path):
    base = BASE.but(lr=1e-9)  # the losses are even: the first one would win
    found = hk.grid_search(DIGITS, base, odd=["raises", ""], model=Odd)
    for search in (found, hk.load(found.save(tmp_path / "a.json"))):
        assert search.best.odd == ""
        assert search.to_frame().rank_val_loss.tolist() == [2, 1]
        assert "diverged" not in hk.describe(search)  # nor is it one on a chart
        ax = hk.plot_validation_curve(search, Figure().subplots())
        assert "diverged" not in [text.get_text() for text in ax.texts]


def of_a_random_size(n_in, n_out, setting):
    width = 3 + int(torch.randint(0, 50, ())) if setting.wild else 4
    return nn.Sequential(nn.Linear(n_in, width), nn.Linear(width, n_out))


def test_a_network_of_another_shape_with_each_seed_is_trained_alone():
    wild = {"seeds": range(3), "model": of_a_random_size}
    found = hk.grid_search(DIGITS, BASE, wild=[True, False], **wild)

    assert (found.lost, found.epochs_done.min()) == ((), 6)
    setting = found.settings[0]
    for k in range(3):
        alone = hk.fit(DIGITS, setting, seed=k, model=of_a_random_size)
        assert found.runs[0, k].val_loss == pytest.approx(alone.val_loss, abs=1e-6)
        assert found.runs[0, k].outputs(DIGITS.valid).shape == (len(DIGITS.valid.y), 10)


def test_where_everything_fails_the_first_error_is_raised(tmp_path):
    about = {"model": failing, "storage": tmp_path / "tuning.json"}  # is never busy
    for search in (hk.grid_search, hk.one_at_a_time, hk.successive_halving):
        with pytest.raises(RuntimeError, match="no such network"):
            search(DIGITS, BASE, hidden=[(3,), (5,)], **about)
    with pytest.raises(ValueError, match="no number"):
        hk.validation_curve(DIGITS, BASE, param_name="lr", param_range=[1e38], **about)


def test_what_does_not_fit_is_lost(monkeypatch):
    monkeypatch.setattr(training, "free_memory", lambda: 1e9)
    space = {"hidden": [(2,), (9000, 9000)]}
    with futures.ThreadPoolExecutor(2) as pool:
        for executor in (None, pool):
            about = DIGITS, BASE.but(epochs=1)
            found = hk.grid_search(*about, executor=executor, **space)
            assert [part.runs for part in found.lost] == [((1, 0),)]
            assert "must fit into free memory" in found.lost[0].reason


def test_an_interrupt_is_raised(monkeypatch):
    monkeypatch.setattr(training, "Stack", Mock(side_effect=KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        hk.grid_search(DIGITS, BASE, lr=LRS, model=architectures.mlp)


def test_what_failed_in_a_stack_is_tried_alone(monkeypatch):
    errors, stack = [MemoryError()], training.Stack

    def full(*about):
        if errors:
            raise errors.pop()
        return stack(*about)

    monkeypatch.setattr(training, "Stack", full)
    assert hk.grid_search(DIGITS, BASE, lr=LRS, model=architectures.mlp).lost == ()


def narrow(outputs, targets):
    if outputs.abs().max() > 30:
        raise ValueError("too large")
    return nn.functional.cross_entropy(outputs, targets)


@pytest.mark.parametrize("name", ["loss", "metric"])
def test_an_own_score_that_fails_late_loses_its_own_setting_alone(name):
    about, quick = {name: narrow, "lr": [0.003, 0.03, 9]}, BASE.but(momentum=0.9)
    with futures.ThreadPoolExecutor(2) as pool:
        for executor in (None, pool):
            found = hk.grid_search(DIGITS, quick, executor=executor, **about)
            assert [part.runs for part in found.lost] == [((2, 0),)]
            assert "ValueError: too large" in found.lost[0].reason
            assert found.epochs_done[:2].min() == 6


def test_lost_runs_are_numbered_as_in_the_search_by_steps_or_folds():
    space = {"lr": [0.1, 1], "hidden": [(2,), (3,)]}
    found = hk.one_at_a_time(DIGITS, BASE.but(hidden=(2,)), model=failing, **space)
    assert [found.settings[i].hidden for i, _ in found.runs.lost] == [(3,)]
    about = {"hidden": [(8,), (3,)], "model": failing, "cv": 2}
    found = hk.grid_search(WINE, SETTING.but(epochs=1), **about)
    assert found.runs.lost == {(1, 0), (1, 1)}
    assert found.best.hidden == (8,)


def test_a_search_left_early_names_no_winner_among_what_is_untrained():
    live = hk.grid_search.live(DIGITS, BASE, lr=LRS, seeds=range(3), tick=0)
    while (found := next(live)).cost.epochs == 0:
        assert "lowest" not in found.describe()
        assert "Nothing has been trained" in found.describe()
    live.close()

    assert not found.runs_done
    assert "lowest mean" in found.describe()
    for words in ("can tell", "lie beyond"):
        assert words not in found.describe()


@pytest.mark.filterwarnings("ignore:Initializing zero-element")
def test_a_model_with_an_empty_layer_or_a_broken_number_says_so():
    about = {"model": sized, "seeds": range(2)}
    found = hk.grid_search(DIGITS, BASE, width=[4, 0, 4.5], **about)
    draws = {"a": hk.uniform(0, 1), "width": hk.log_uniform(4, 64)}
    with pytest.raises(TypeError, match=r"with a=0.*, width=.*draw with whole=True"):
        hk.random_search(DIGITS, BASE, **draws, **about)

    empty, broken = found.lost
    assert (found.best.width, empty.runs) == (4, ((1, 0), (1, 1)))
    assert "0.weight" in empty.reason
    assert "width=4.5" in broken.reason


WINE = hk.load_dataset("wine")
SETTING = hk.Hyperparameters(lr=0.1, batch_size=16, epochs=3, hidden=(8,))


def by_hand(data, setting, seed, repeat, folds, seeds=None):
    """Return the losses of one shuffle, by a plain loop; `seeds`: one a fold."""
    X = np.concatenate([data.train.X, data.valid.X]) * data.scale + data.center
    y = np.concatenate([data.train.y, data.valid.y])
    order, losses = np.random.default_rng([seed, repeat]).permutation(len(y)), []
    order = sorted(order, key=lambda row: y[row])  # dealt out, class by class
    for k in range(folds):
        held = order[k::folds]
        rest = [row for j in range(folds) if j != k for row in order[j::folds]]
        center, scale = X[rest].mean(0), X[rest].std(0)
        splits = [hk.data.datasets.Split((X[r] - center) / scale, y[r])
                  for r in (rest, held, held)]  # fmt: skip
        fold = hk.Dataset("fold", *splits, data.features, data.classes, center, scale)
        seed = seeds[k] if seeds else seed
        losses.append(hk.fit(fold, setting, seed=seed).val_loss[-1])
    return losses


def test_losses_are_those_of_a_plain_loop():
    found = hk.cross_validate(WINE, SETTING, folds=4, repeats=2, seed=3.0)
    plain = [by_hand(WINE, SETTING, 3, repeat, 4) for repeat in range(2)]
    np.testing.assert_allclose(found, plain, rtol=1e-5)
    plain = [by_hand(WINE, SETTING, 0, 0, 5)]
    np.testing.assert_allclose(hk.cross_validate(WINE, SETTING), plain, rtol=1e-5)


def test_several_settings_share_the_cuts():
    moons = hk.load_dataset("moons", seed=5)
    settings = [SETTING, SETTING.but(lr=0.3), SETTING.but(epochs=5)]
    settings.append(SETTING.but(lr=3, epochs=40, patience=1))  # stops early
    found = hk.cross_validate(moons, settings, folds=3)
    assert found.shape == (4, 1, 3)
    alone = [hk.cross_validate(moons, setting, folds=3) for setting in settings]
    np.testing.assert_allclose(found, alone, rtol=1e-5)
    assert len(moons.test_looks) == 0


def test_a_regression_is_scaled_by_each_fold_alone():
    X = np.random.default_rng(0).normal(size=(60, 2))
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
    "grid_search": {"optimizer": ["sgd", "adam"], "patience": [1]},  # ends one fold
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
    whole = (found.epochs_done == SETTING.epochs).all(1)
    lowest = found.val_loss.mean(1).min(1)  # of one epoch for all folds
    assert found.mean_val_loss[whole] == pytest.approx(lowest[whole])
    assert found.median_best_epoch == found.best_epoch[:, 0].tolist()
    assert found.best_so_far()[1][-1] == pytest.approx(found.best_score)
    assert found.seeds == (0, 1, 2)
    said = "at one epoch, the best on average, or where they ended earlier; best_run"
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


def test_with_cv_the_best_of_large_networks_is_that_of_its_fold(monkeypatch):
    data = hk.load_dataset("small_moons")
    base = hk.Hyperparameters(epochs=12, batch_size=16, optimizer="adam", hidden=(16,))
    expected = hk.grid_search(data, base, lr=[0.1, 0.3], cv=8)
    for limit in ("WEIGHTS_PER_STACK", "MOST_KEPT"):
        monkeypatch.setattr(f"hpkit.engine.training.{limit}", 1)
    found = hk.grid_search(data, base, lr=[0.1, 0.3], cv=8)
    assert found.val_loss == pytest.approx(expected.val_loss, abs=1e-6)
    run, rows = found.best_run, found.best_run.dataset.valid
    loss = torch.nn.functional.cross_entropy(
        torch.tensor(run.outputs(rows.X)), torch.tensor(rows.y)
    )
    assert float(loss) == pytest.approx(run.best_val_loss, rel=1e-4)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"cv": 1}, "cv must be .* got 1; try 5, or 2 with few"),
        ({"cv": 3, "seeds": [1, 2]}, "cv must go without seeds, got cv=3"),
        ({"cv": 3, "storage": "x.json"}, "cv must go without storage"),
        ({"n_splits": 3}, "hpkit calls it cv"),
    ],
)
def test_what_folds_cannot_do_is_refused(given, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises((ValueError, TypeError), match=words):
        hk.grid_search(WINE, SETTING, lr=[0.1], **given)
    lists = {"lr": [0.1, 0.3], "batch_size": [8, 106]}
    with pytest.raises(ValueError, match="94 in a fold of wine, got 106"):
        hk.one_at_a_time.live(WINE, SETTING, cv=3, **lists)  # nothing is trained yet
    whole, lists["batch_size"] = SETTING.but(batch_size=106), [8, 16]
    with pytest.raises(ValueError, match="94 in a fold of wine, got 106"):
        hk.one_at_a_time(WINE, whole, cv=3, **lists)
    found = hk.grid_search(WINE, SETTING, lr=[0.1], cv=2)
    with pytest.raises(ValueError, match="one set of rows, got 2 folds; take one"):
        found.as_pytorch()
    assert not [*tmp_path.iterdir()]
