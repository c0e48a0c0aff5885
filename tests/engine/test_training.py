"""Training: its properties, own networks, memory; numbers of runs are in test_stack."""

import functools
import itertools
import math
import re
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from unittest.mock import Mock

import numpy as np
import pytest
import torch
from architectures import Noisy, batch_norm, dropout, mlp
from oracle import accuracy, assert_equal_the_plain_loop, dense, focal, table
from sklearn.metrics import mean_absolute_error, r2_score
from torch import nn

import hpkit as hk
from hpkit.data.datasets import load_dataset
from hpkit.engine import own_networks, training
from hpkit.engine.training import Hyperparameters, Training, check_settings, fit, train

MOONS = load_dataset("small_moons")
QUICK = Hyperparameters(lr=0.1, epochs=3, batch_size=16, hidden=(8,))


def last(generator):
    *_, runs = generator
    return runs


BAD_MODELS = {
    r"torch\.nn\.Module": (lambda f, o, s: "network", TypeError),
    "parameters to train": (lambda f, o, s: nn.Flatten(), ValueError),
    r"shape \(points, 2\)": (lambda f, o, s: nn.Linear(f, 7), ValueError),
    "rows of 2 features": (lambda f, o, s: nn.Linear(f + 1, o), ValueError),
    r"take \(n_features": (lambda f, o, s: nn.Linear(f, s), TypeError),
    r"n_outputs, setting\)": (lambda f, o, s: nn.Linear(f), TypeError),
}


@pytest.mark.parametrize("words", BAD_MODELS)
def test_unfit_network_is_refused_in_three_parts(words):
    model, kind = BAD_MODELS[words]
    for settings in QUICK, [QUICK, QUICK.but(lr=0.3)]:
        with pytest.raises(kind, match=rf"(?s)must .*{words}.*got .*;") as caught:
            last(train(MOONS, settings, model=model))
        assert "Recorded" not in str(caught.value)


def test_partial_results_only_grow():
    first, *others = train(MOONS, QUICK.but(epochs=30), seeds=range(2), tick=0)

    done = [runs.epochs_done.max() for runs in (first, *others)]
    assert done == sorted(done)
    assert {*done} == {*range(31)}
    assert np.isnan(first.val_loss[:, :, 1:]).all()  # not changed by later epochs
    assert first[0, 0].predict(MOONS.valid.X).shape == (200,)


@pytest.mark.parametrize("model", [None, Noisy, mlp])
@pytest.mark.filterwarnings("ignore::hpkit.engine.own_networks.OneByOneWarning")
def test_global_state_is_left_alone(model, monkeypatch):
    monkeypatch.setattr(own_networks, "STEPS_TO_TRACE", 1)

    def state():
        return torch.get_rng_state().tolist(), str(np.random.get_state())  # noqa: NPY002

    torch.manual_seed(5)
    np.random.seed(5)  # noqa: NPY002 - it is the global state that is looked at
    torch.set_num_threads(2)
    before = state()

    for _ in train(MOONS, QUICK, seeds=range(3), model=model, tick=0):
        assert torch.get_num_threads() == 2

    assert state() == before
    assert not torch.is_inference_mode_enabled()


def test_trainings_in_several_threads_do_not_disturb_each_other():
    torch.set_num_threads(2)

    def loss_of(seed):
        return fit(MOONS, QUICK.but(epochs=20), seed=seed).val_loss.tolist()

    with ThreadPoolExecutor(4) as pool:
        found = [*pool.map(loss_of, range(4))]

    assert torch.get_num_threads() == 2
    assert found == [*map(loss_of, range(4))]


def test_large_networks_wait_for_their_turn_and_only_the_best_keep_weights(monkeypatch):
    """One of 42 weights at a time; two that ended keep theirs, the best ones."""
    wanted = [QUICK.but(lr=lr) for lr in (0.001, 0.3, 1e9, 0.1, 0.003)]
    whole = last(train(MOONS, wanted))
    limits = {"WEIGHTS_PER_STACK": 41, "MOST_AT_ONCE": 50, "MOST_KEPT": 90}
    for name, most in limits.items():
        monkeypatch.setattr(f"hpkit.engine.training.{name}", most)

    for pauses in ([math.inf], [1, math.inf]):  # at a pause all are there
        training, alive = Training(MOONS, wanted), 0
        for pause in pauses:
            while not (training.finished or training.paused(pause)):
                training.advance(0, pause)
                alive = max(alive, len(training.stacks))
                runs = training.runs

        assert alive == (1 if len(pauses) == 1 else 5)
        assert np.array_equal(runs.val_loss, whole.val_loss, equal_nan=True)
        assert sorted(runs.weights) == sorted((int(i), 0) for i in whole.order[:2])
        assert runs.best_run.network() is not None
        with pytest.raises(ValueError, match="trains it again, with model="):
            runs[2, 0].network()


@pytest.mark.parametrize(
    ("workers", "parts"),
    [(1, [8, 4]), (2, [4, 4, 4]), (3, [4, 4, 4]), (5, [3, 3, 2, 2, 2]), (99, [1] * 12)],
)
@pytest.mark.parametrize("most", [100, 10_000])  # weights, of which a run has 42
def test_stacks_are_cut_to_size_and_for_all_workers(workers, parts, most, monkeypatch):
    monkeypatch.setattr("hpkit.engine.training.WEIGHTS_PER_STACK", most)
    parts = [2] * 6 if most == 100 and workers < 99 else parts
    wanted = [QUICK, QUICK.but(lr=0.2), QUICK.but(batch_size=8)]
    training = Training(MOONS, wanted, seeds=range(4), workers=workers)
    assert [len(group.runs) for group in training.waiting] == parts
    assert len({run for group in training.waiting for run in group.runs}) == 12


def test_no_time_is_enough_for_one_step():
    training = Training(MOONS, QUICK.but(batch_size=10))
    training.advance(0)  # measures epoch 0
    for done in (0.2, 0.4, 0.6, 0.8, 1, 1.2):
        training.advance(0)
        assert training.stacks[0].done == pytest.approx(done)


@pytest.mark.parametrize(("least", "stacked"), [(24, True), (25, False)])
def test_own_networks_are_stacked_from_so_many_steps_on(least, stacked, monkeypatch):
    # 50 points by 16 are 4 steps, 3 epochs are 12: two runs more save 24.
    monkeypatch.setattr("hpkit.engine.own_networks.STEPS_TO_TRACE", least)
    training = Training(MOONS, QUICK, seeds=range(3), model=batch_norm)
    assert [group.stacked for group in training.waiting] == [stacked]


BAD_CALLS = {
    "must be a hpkit.Dataset": lambda: check_settings(QUICK, "moons"),
    "hpkit.Dataset, got": lambda: fit("moons"),
    "Hyperparameters, got 0.1": lambda: train(MOONS, [0.1]),
    "at least one, got none": lambda: train(MOONS, []),
    "at most 100,000": lambda: check_settings(itertools.repeat(QUICK, 100_001), MOONS),
    "in a setting, got lr=0.1": lambda: fit(MOONS, lr=0.1),
    "hpkit.Hyperparameters.lr=0.1": lambda: fit(MOONS, learning_rate=0.1),
    "one seed, .* give several seeds to hp": lambda: fit(MOONS, seeds=3),
    "list of Hyperparameters, got 3": lambda: train(MOONS, 3),
    "50 in small_moons, got 51": lambda: fit(MOONS, QUICK.but(batch_size=51)),
    "tick must be >= 0, got": lambda: train(MOONS, QUICK, tick=-1),
    "seeds must": lambda: train(MOONS, QUICK, seeds=[]),
    "^seed must .*; try 0": lambda: fit(MOONS, QUICK, seed="a"),
    "at most 2\\*\\*63": lambda: fit(MOONS, QUICK, seed=2**64),
    "got Linear": lambda: fit(MOONS, QUICK, model=nn.Linear(2, 2)),
    "got <class 'torch": lambda: train(MOONS, QUICK, model=nn.Conv2d),
    "model must be a function .*got 3": lambda: train(MOONS, QUICK, model=3),
    "use here, got 'moon'": lambda: fit(MOONS, QUICK, device="moon"),
    "use here, got 'meta'": lambda: fit(MOONS, QUICK, device="meta"),
    "use here, got 1": lambda: train(MOONS, QUICK, device=1),
    "n_outputs, setting.*got <function": lambda: fit(MOONS, model=lambda n, m: n),
}


@pytest.mark.parametrize("words", BAD_CALLS)
def test_bad_call_is_refused_before_anything_is_trained(words):
    with pytest.raises((ValueError, TypeError), match=words) as error:
        BAD_CALLS[words]()
    assert ";" in str(error.value)


NUMBERS = table(70, 4)


def pinball(outputs, targets):
    above = targets - outputs
    return torch.maximum(0.9 * above, -0.1 * above).mean()


def looking(outputs, targets):
    """Return a loss that no vmap can ask, for it looks at values."""
    loss = nn.functional.cross_entropy(outputs, targets)
    return loss if loss.item() < 0.5 else loss + 0.1 * outputs.pow(2).mean()


def in_place(outputs, targets):
    return outputs.sub_(targets).abs_().sum() / len(targets) - 3


LOSSES = [nn.HuberLoss(delta=0.5), pinball, in_place, focal, looking]
SOME = [
    QUICK.but(batch_size=13, momentum=0.9, clip=0.5),
    QUICK.but(batch_size=13, lr=0.3, epochs=2, patience=1),
    QUICK.but(batch_size=40, optimizer="adam", schedule="cosine", weight_decay=0.1),
]


@pytest.mark.filterwarnings("ignore::hpkit.engine.own_networks.OneByOneWarning")
@pytest.mark.parametrize("model", [None, batch_norm, dropout])
@pytest.mark.parametrize("loss", LOSSES)
def test_own_loss_trains_as_in_the_plain_loop_in_any_company(loss, model, monkeypatch):
    monkeypatch.setattr(own_networks, "STEPS_TO_TRACE", 1)
    data = MOONS if loss in (focal, looking) else NUMBERS
    about = {"loss": loss, "model": model, "dtype": torch.float64}

    for settings in SOME, SOME[:1]:
        runs = last(train(data, settings, seeds=(4, 0), **about))
        assert_equal_the_plain_loop(runs, model or dense, torch.float64, loss)


def test_an_own_loss_is_asked_at_once_where_it_can_be():
    settings = [QUICK.but(lr=lr) for lr in np.linspace(0.01, 0.5, 30)]
    asked = [Mock(side_effect=loss) for loss in (focal, looking)]
    for loss in asked:
        last(train(MOONS, settings, loss=lambda *about, loss=loss: loss(*about)))
    assert asked[1].call_count > 10 * asked[0].call_count


def test_cross_entropy_given_as_a_loss_is_what_there_is_without_one():
    for data, loss in ((MOONS, nn.CrossEntropyLoss()), (NUMBERS, nn.MSELoss())):
        data.test_looks.clear()
        plain, own = fit(data, QUICK), fit(data, QUICK, loss=loss)
        assert own.val_loss == pytest.approx(plain.val_loss, abs=1e-6)
        want = pytest.approx(plain.test_loss(), abs=1e-6)
        data.test_looks.clear()
        assert own.test_loss() == want
        assert plain.dataset is data
        assert fit(own.dataset, QUICK).val_loss.tolist() == plain.val_loss.tolist()


def test_an_own_metric_is_measured_beside_the_loss_and_ranks():
    def worse(outputs, targets):  # numpy's, a number of its own kind
        return np.float32(-accuracy(outputs, targets))

    settings = [QUICK.but(lr=lr, epochs=e) for lr, e in ((0.01, 2), (0.5, 3))]
    runs = last(train(MOONS, settings, seeds=(0, 1), metric=accuracy))
    search = functools.partial(hk.grid_search, MOONS, QUICK, lr=[0.01, 0.5])
    grid = search(seeds=(0, 1), metric=worse)

    assert runs.val_metric == pytest.approx(runs.val_accuracy, nan_ok=True)
    with pytest.raises(TypeError, match="metric"):
        last(train(MOONS, settings, metric=lambda outputs, targets: "high"))
    # It ranks by what the network that predicts has, not by a lucky epoch.
    best = np.reshape([run.val_metric[run.best_epoch] for run in runs], (2, 2))
    assert runs.mean_val_metric == pytest.approx(best.mean(1))
    predicted = [run.predict(MOONS.valid) == MOONS.valid.y for run in runs]
    assert np.mean(predicted) == pytest.approx(best.mean(), abs=1e-6)
    MOONS.test_looks.clear()
    assert runs[1, 0].test_metric() == pytest.approx(runs[1, 0].test_accuracy())
    assert grid.best_by("metric").lr == 0.01
    assert grid.best_by("accuracy").lr == grid.best.lr == 0.5
    assert grid.scores("metric") == pytest.approx(-grid.mean_val_metric)
    high, low = (f"{value:#.3g}" for value in grid.mean_val_metric)
    for said in str(grid), grid._repr_html_():
        assert f"highest at learning rate 0.01: {high}. Ranks, ties, edges" in said
    assert f"<td>{low}</td><td>" in grid._repr_html_().split("your metric")[1]
    same = search(metric=accuracy)
    assert f"rate 0.5: {same.mean_val_metric[1]:#.3g}." in str(same)
    assert "metric" not in str(search())
    assert grid.to_frame()["mean_val_metric"].tolist() == grid.mean_val_metric.tolist()
    rows = grid.history().query("metric == 'metric' and split == 'valid'")
    assert rows["value"].to_numpy() == pytest.approx(grid.val_metric.ravel(), abs=1e-6)
    folds = hk.cross_validate(MOONS, SOME[:2], folds=3, metric=accuracy)
    assert folds.shape == (2, 1, 3)
    assert ((folds > 0.4) & (folds <= 1)).all()
    with pytest.raises(ValueError, match="needs a metric of your own, got a search"):
        search().best_by("metric")


def test_a_metric_that_is_nan_is_told():
    def some(outputs, targets):
        return accuracy(outputs, targets) if outputs.std() > 0.6 else float("nan")

    about = {"lr": [0.01, 0.5], "seeds": (0, 1)}
    for metric, count in ((some, 2), (lambda o, t: float("nan"), 4)):
        found = hk.grid_search(MOONS, QUICK, **about, metric=metric)
        assert f"was nan in {count} of 4 runs; its mean leaves out" in str(found)
        assert ("highest at learning rate 0.5: 0.8" in str(found)) == (count == 2)
    with pytest.raises(ValueError, match=r"needs runs whose .*got nan in all; try"):
        found.best_by("metric")
    # One that takes no nan is nan where a run diverges.
    about = {"metric": lambda outputs, targets: r2_score(targets, outputs)}
    found = hk.grid_search(NUMBERS, QUICK, lr=[0.1, 1e9], **about)
    assert found.diverged.tolist() == [[False], [True]]
    assert np.isfinite(found.val_metric[0]).all()
    assert np.isnan(found.val_metric[1, 0, -1])
    runs = replace(found.runs, val_metric=found.val_metric * [[[np.nan]], [[1]]])
    assert ": nan. Ranks" not in replace(found, runs=runs).describe()


def test_a_loss_below_zero_diverges_where_it_rises_alone():
    falling = fit(NUMBERS, QUICK, loss=lambda o, t: (o - t).pow(2).mean() - 5)
    rising = fit(NUMBERS, QUICK.but(lr=9), loss=lambda o, t: (o - t).pow(2).mean() - 1)
    odd = fit(MOONS, QUICK, loss=lambda o, t: focal(o, t) * float("nan"))

    assert falling.val_loss[-1] < falling.val_loss[0] < 0
    assert (falling.diverged, rising.diverged, odd.diverged) == (False, True, True)


class Louder(nn.Module):
    """A loss that grows with its calls, or by a parameter of its own."""

    def __init__(self, by=float):
        super().__init__()
        self.by = by(torch.ones(()))

    def forward(self, outputs, targets):
        if isinstance(self.by, float):
            self.by += 1
        return self.by * focal(outputs, targets)


FAULTS = {
    r"loss must be a function .*got 3; write": {"loss": 3},
    r"loss must be a function .*got <function .*; write": {"loss": lambda outputs: 0},
    r"loss must be a function .*got <class .*; write": {"loss": torch.nn.HuberLoss},
    r"metric must be a function .*got 'f1'; write": {"metric": "f1"},
    r"one number, the mean.*got the shape \(\d+, 2\); end": {"loss": lambda o, t: o},
    r"must return a tensor, got float32; comp": {"loss": lambda o, t: np.float32(1)},
    r"must return a tensor, got NoneType; c": {"loss": lambda o, t: None},
    r"got one without a gradient; compute": {"loss": lambda o, t: o.detach().mean()},
    r"from it: .*size of tensor.*; try": {"loss": lambda o, t: (o - t).mean()},
    r"must have a lowest .* CrossEntropyLoss": {"loss": nn.NLLLoss()},
    r"metric must take .*got this .*zero; t": {"metric": lambda o, t: 1 / 0},
    r"metric must return one number, got ten.*; r": {"metric": lambda o, t: o},
    r"metric must return one number, got None; r": {"metric": lambda o, t: None},
    r"got one that draws random.*; let": {"loss": lambda o, t: o.std() * torch.rand(1)},
    r"alone, got .* depends on earlier calls .*; let": {"loss": Louder()},
    r"alone, got .* has parameters to train; let": {"loss": Louder(by=nn.Parameter)},
}


@pytest.mark.parametrize("words", FAULTS)
def test_an_odd_loss_or_metric_is_refused_in_three_parts(words):
    for call in (
        functools.partial(fit, MOONS),
        functools.partial(hk.cross_validate, MOONS, QUICK),
        functools.partial(hk.grid_search, MOONS, QUICK, lr=[0.1, 1]),
    ):
        with pytest.raises((TypeError, ValueError), match=words):
            call(**FAULTS[words])


def test_what_a_search_had_and_a_later_training_has_not_is_told(tmp_path):
    own = {"model": linear_log, "loss": nn.NLLLoss()}
    found = hk.grid_search(MOONS, QUICK, lr=[0.1, 0.5], **own)
    run = fit(MOONS, found.best.but(epochs=2), **own)
    loaded = hk.load_model(run.save(tmp_path / "run.pt"), model=linear_log)
    assert loaded.setting == run.setting
    with pytest.warns(UserWarning, match="by a search with model=, but"):
        fit(MOONS, run.setting)
    with pytest.warns(UserWarning, match="by a search with loss=, but"):
        hk.grid_search(MOONS, found.best, lr=[0.2], model=linear_log)
    with pytest.raises(ValueError, match="must have a lowest value"):
        fit(NUMBERS, QUICK, loss=nn.CrossEntropyLoss())
    with pytest.raises(ValueError, match=r"mean 0 .* got PoissonNLLLoss.* leave it"):
        fit(NUMBERS, QUICK, loss=nn.PoissonNLLLoss())


def linear_log(n_features, n_outputs, setting):
    return nn.Sequential(nn.Linear(n_features, n_outputs), nn.LogSoftmax(1))


def test_a_loss_is_not_taken_for_the_network_of_another_thread_that_draws():
    def loss(outputs, targets):
        with ThreadPoolExecutor(1) as pool:
            pool.submit(torch.rand, 1).result()
        return focal(outputs, targets)

    run = fit(MOONS, QUICK, loss=loss)
    np.testing.assert_array_equal(run.val_loss, fit(MOONS, QUICK, loss=focal).val_loss)


def test_a_loss_that_torch_broadcasts_unasked_is_refused():
    mse, softplus = nn.functional.mse_loss, nn.functional.softplus
    for data, own in (
        (NUMBERS, lambda o, t: (o - t[:, 0]).square().mean()),
        (NUMBERS, lambda o, t: mse(o.squeeze(), t)),
        (NUMBERS, lambda o, t: nn.functional.poisson_nll_loss(o, target=t[:, 0])),
        (MOONS, lambda o, t: (o[:, 1:] - t).abs().mean()),
    ):
        with pytest.raises(ValueError, match=r"each row's output .* change places; br"):
            fit(data, QUICK, loss=own)
    for own in (  # some with all pairs on purpose
        lambda o, t: mse(o.squeeze(), t.squeeze()),
        lambda o, t: (o[t[:, 0].argsort()].cumsum(0) - t).abs().mean(),
        lambda o, t: (softplus(o[:, 0] - o) * (t > t[:, 0])).mean(),
    ):
        fit(NUMBERS, QUICK, loss=own, metric=own)


@pytest.mark.parametrize("metric", [nn.L1Loss(), mean_absolute_error])
def test_a_metric_whose_name_is_that_of_an_error_is_said(metric):
    name = getattr(metric, "__name__", "L1Loss")
    with pytest.warns(UserWarning, match=f"but {name} sounds like an error: negate"):
        fit(NUMBERS, QUICK, metric=metric)


def test_a_metric_that_torch_broadcasts_unasked_is_said():
    for data, own in (
        (NUMBERS, lambda o, t: -np.abs(o.numpy().ravel() - t.numpy()).mean()),
        (NUMBERS, lambda o, t: -(o.squeeze() - t).abs().mean()),
        (MOONS, lambda o, t: (o.argmax(1)[:, None] == t).float().mean()),
    ):
        with pytest.warns(
            UserWarning, match=r"the same when the outputs change places"
        ):
            fit(data, QUICK, metric=own)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit(NUMBERS, QUICK, metric=lambda o, t: -(o - t).abs().mean())
        for own in (
            lambda o, t: (o.argmax(1) == t).float().mean(),
            lambda o, t: (o.argmax(1) == t)[t == 1].float().mean(),
        ):
            fit(MOONS, QUICK, metric=own)
        fit(NUMBERS, QUICK, metric=lambda o, t: max(0, r2_score(t, o)))
        weights, sure = torch.rand(len(MOONS.valid.y)), 0.9  # one for each row, say
        fit(MOONS, QUICK, metric=lambda o, t: (weights * (o.argmax(1) == t)).mean())
        fit(MOONS, QUICK, metric=lambda o, t: (o.softmax(1)[t == 1, 1] > sure).sum())


@pytest.mark.parametrize(
    ("data", "loss", "words"),
    [
        (MOONS, focal, "left out with a loss of your own, got"),
        (NUMBERS, None, "need classes, got .* with a regression; "),
    ],
)
def test_class_weights_and_smoothing_are_refused_without_them(data, loss, words):
    for own in {"class_weight": "balanced"}, {"label_smoothing": 0.1}:
        with pytest.raises(ValueError, match=words):
            fit(data, QUICK.but(**own), loss=loss)
        values = {name: [value] for name, value in own.items()}
        with pytest.raises(ValueError, match=words):
            hk.grid_search(data, QUICK, **values, loss=loss)


# Numbers that a learner may type never end a kernel: what cannot fit is refused.
WORDS = "must fit into free memory, 1.0 GB, got about .* GB .*; take fewer"
MORE = load_dataset("moons")


@pytest.fixture
def small(monkeypatch):
    """Leave 1 GB."""
    monkeypatch.setattr(training, "free_memory", lambda: 1e9)


def test_panels_say_it_and_live_on(small, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    base = hk.Hyperparameters(epochs=2)
    curve = hk.ValidationCurvePanel(MORE, "hidden", base, param_range=[4], seeds=1)
    curve.entries[0].text.value, curve.seeds.value = "10000", 500
    curve.controls["epochs"].value = 10**6
    curve.start_button.click()
    curve.wait(60)
    panel = hk.TrainingPanel(MORE, base)
    monkeypatch.setattr(training, "free_memory", lambda: 5e7)
    monkeypatch.setattr(training, "SMALL", 0)
    panel.controls["epochs"].value = 10**6
    panel.wait(60)

    assert re.match(f"the runs {WORDS}", curve.result)
    assert "the runs must fit into free memory" in panel.result
    assert "Stopped by an error" not in curve.result + panel.result
    panel.controls["epochs"].value = 3
    assert panel.wait(60).error is None


def test_training_that_cannot_fit_is_refused_and_no_other(small):
    long = hk.Hyperparameters(epochs=10**6)
    with pytest.raises(ValueError, match=WORDS):
        hk.train(MORE, long, seeds=range(100), model=mlp)
    settings = [hk.Hyperparameters(epochs=100_000), hk.Hyperparameters(hidden=(2000,))]
    hk.train(MORE, settings, seeds=range(3))
    hk.train(MORE, hk.Hyperparameters(hidden=(1000, 1000)), seeds=range(1000))


@pytest.mark.parametrize(
    ("hidden", "epochs", "seeds", "need"),
    [
        ([(4, 4)], 10**6, 200, "19.2"),  # three copies of four curves
        ([(10_000, 10_000)], 1, 1, "2.5"),  # six numbers a weight, three a unit and row
        ([(10_000, 1) * 10, (2,)], 1, 1, "0.5"),
        ([(7000, 7000), (2,)], 1, 2, "1.2"),  # large ones in turn,
        ([(1000, 1000)], 1, 1000, "0.8"),  # of which the best are kept;
        ([(300, 300)], 1, 1000, "2.2"),  # small ones all at once
    ],
)
def test_need_is_of_curves_weights_and_units(hidden, epochs, seeds, need, monkeypatch):
    monkeypatch.setattr(training, "free_memory", lambda: 0)
    monkeypatch.setattr(training, "SMALL", 0)
    settings = [hk.Hyperparameters(epochs=epochs, hidden=units) for units in hidden]
    with pytest.raises(ValueError, match=f"free memory, 0.0 GB, got about {need} GB"):
        hk.train(MORE, settings, seeds=range(seeds))


def test_limit_of_a_container_counts_where_there_is_one(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "_CGROUP", tmp_path)
    assert training.free_memory() > 2**20
    most, used = tmp_path / "memory.max", tmp_path / "memory.current"
    most.write_text(f"{3 * 2**20}\n")
    used.write_text(f"{2 * 2**20}\n")
    stat = tmp_path / "memory.stat"  # what is cached of files can be had back
    stat.write_text("anon 1048576\ninactive_file 524288\nactive_file 524288\n")
    assert training.free_memory() == 1.5 * 2**20
    most.write_text("max\n")
    assert training.free_memory() > 2**20
