"""Results: runs, what a search says of them, tables, files, Optuna studies."""

import itertools
import json
import re
import warnings
from dataclasses import replace

import numpy as np
import optuna
import pandas as pd
import pytest
import torch
from sklearn.datasets import load_diabetes
from sklearn.preprocessing import StandardScaler
from torch import nn

import hpkit as hk
from hpkit.engine.runs import CURVES, Cost, Lost, Runs, rank, tie_levels
from hpkit.search.result import CRITERIA, Rung, Step
from hpkit.search.space import Range, edge_side

MOONS = hk.load_dataset("moons")
LRS = [0.01, 0.1, 1]
NAN = np.nan


@pytest.fixture(scope="module")
def grid():
    lists = {"lr": LRS, "batch_size": [16, 64], "hidden": [(4,), (8, 8)]}
    return hk.grid_search(MOONS, hk.Hyperparameters(epochs=4), **lists, seeds=(0, 7))


def made(val_loss, train_loss=None, kind="grid_search", **more):
    """Return a search over lr with these losses (n_settings, n_seeds, epochs + 1)."""
    losses = val_loss if train_loss is None else train_loss, val_loss
    train_loss, val_loss = (np.array(loss, float) for loss in losses)
    count, seeds, epochs = val_loss.shape
    rates = tuple((0.1 * 2.0 ** np.arange(count)).round(6).tolist())
    settings = tuple(hk.Hyperparameters(lr, epochs=epochs - 1) for lr in rates)
    done, accuracy = np.isfinite(val_loss).sum(2) - 1, 1 - val_loss / 10
    curves = train_loss, val_loss, accuracy, accuracy
    about = MOONS, settings, tuple(range(seeds)), *curves
    runs = Runs(*about, done, np.ones((count, seeds)))
    return hk.Search(kind, settings[0], {"lr": rates}, runs, Cost(count, 0, 0), **more)


def test_run_opens_the_test_split_once():
    data = hk.Dataset.from_arrays(MOONS.train.X, MOONS.train.y)
    run, other = (hk.fit(data, hk.Hyperparameters(epochs=5), seed=s) for s in (0, 1))

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loss, accuracy = run.test_loss(), run.test_accuracy()

    out = torch.as_tensor(run.outputs(data.test.X))
    expected = nn.functional.cross_entropy(out, torch.tensor(data.test.y))
    assert loss == pytest.approx(float(expected))
    assert accuracy == (run.predict(data.test) == data.test.y).mean()
    with pytest.warns(UserWarning, match="look number 2"):
        run.test_loss()
    with pytest.warns(UserWarning, match="look number 3") as said:
        other.test_loss()
    assert said[0].filename == __file__


def test_an_untrained_network_that_predicts_is_told():
    run = hk.fit(MOONS, hk.Hyperparameters(lr=1e20, epochs=2))
    with pytest.warns(UserWarning, match="as it began"):
        run.predict([[0, 1]])


def test_run_of_a_regression_has_no_classes():
    X = np.random.default_rng(0).normal(size=(60, 2))
    data = hk.Dataset.from_arrays(X, X[:, 0] + 0.5)
    run = hk.fit(data, hk.Hyperparameters(epochs=5, lr=0.1), metric=nn.MSELoss())

    assert run.val_accuracy is None
    error = ((run.predict(data.test) - data.test.y) ** 2).mean()
    assert (run.test_loss(), run.test_metric()) == pytest.approx((error, error))
    for ask in (lambda: run.predict_proba(X), run.test_accuracy):
        with pytest.raises(ValueError, match="needs classes, got a regression"):
            ask()


@pytest.fixture(scope="module")
def diabetes():
    frame = load_diabetes(as_frame=True, scaled=False).frame
    data = hk.Dataset.from_frame(frame, target="target", seed=3)
    return frame, data, hk.fit(data, hk.Hyperparameters(lr=0.1, epochs=20))


def test_new_rows_are_predicted_in_the_units_of_the_table(diabetes):
    frame, data, run = diabetes
    scaler = StandardScaler().fit(data.train.X * data.scale + data.center)
    targets = data.train.y * data.target_scale + data.target_center
    target = StandardScaler().fit(targets[:, None])
    new, features = frame.sample(9, random_state=0), list(data.features)

    scaled = torch.tensor(scaler.transform(new[features].to_numpy()))
    out = run.network().double()(scaled).detach().numpy()
    said, turned, values = (
        run.predict(new),
        new[features[::-1]],
        new[features].to_numpy(),
    )

    assert said == pytest.approx(target.inverse_transform(out)[:, 0], rel=1e-5)
    assert 25 < said.min() < said.max() < 346  # as in the table
    for rows in (turned, values):
        assert run.predict(rows) == pytest.approx(said)
    row = turned.iloc[0]
    for one in (row, row.to_dict(), values[0], [*values[0]]):
        assert run.predict(one) == pytest.approx(said[:1])
    error = run.predict(data.valid) - data.valid.y  # of a split, in its own units
    assert (error**2).mean() == pytest.approx(run.best_val_loss, rel=1e-5)


def test_classes_of_new_rows_are_those_of_the_table():
    X = np.random.default_rng(0).normal([500, 0.01], [100, 0.002], (300, 2))
    y = np.where(X[:, 0] / 100 + X[:, 1] * 500 > 10, "big", "small")
    data = hk.Dataset.from_arrays(X, y)
    run = hk.fit(data, hk.Hyperparameters(lr=0.3, epochs=30))

    names = run.predict(X, names=True)

    assert [data.classes.index(name) for name in names] == run.predict(X).tolist()
    assert (names == y).mean() > 0.95
    assert (run.predict_proba(X).argmax(1) == run.predict(X)).all()
    assert (run.predict(data.valid) == data.valid.y).mean() > 0.9


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (lambda X: X[:, :5], r"the shape \(rows, 10\), got \(3, 5\); give the 10 col"),
        (lambda X: X[0, :9], r"the shape \(rows, 10\), got \(9,\); give the 10 col"),
        (lambda X: np.where(X > 100, np.inf, X), r"no missing.*, got \d rows? .*; f"),
        (lambda X: [*X[:1].astype(str), ["a"] * 10], r"number.*, got .*; [gp]"),
        (lambda X: None, r"X must .*, got .*; "),
        (lambda X: MOONS, r"the shape \(rows, 10\), got \(\); give the 10 col"),
    ],
    ids=["width", "one-row-width", "infinite", "text", "nothing", "data-set"],
)
def test_rows_that_cannot_be_predicted_are_refused(diabetes, rows, said):
    frame, data, run = diabetes
    X = frame[list(data.features)].to_numpy()[:3]
    for ask in (run.predict, run.outputs, data.scaled):
        with pytest.raises((ValueError, TypeError), match=said):
            ask(rows(X))
    with pytest.raises(ValueError, match="or huge values, got 3 rows with some in bp;"):
        run.predict(frame[list(data.features)].head(3).assign(bp=1e50))
    with pytest.raises(ValueError, match=r"got none called bmi; give the 10"):
        run.predict(frame.drop(columns="bmi"))
    with pytest.raises(ValueError, match=r"got those of valid, .*; give .* data.valid"):
        run.predict(data.valid.X[:3])
    with pytest.raises(ValueError, match="epoch must be one of 'best', 'last'"):
        run.network(3)


def test_probabilities_of_a_network_that_is_very_sure(monkeypatch):
    run = hk.fit(MOONS, hk.Hyperparameters(epochs=1))
    outputs = np.array([[2000.0, 0.0], [1000.0, 1000.0], [-3000.0, -2999.0]])
    monkeypatch.setattr(type(run), "outputs", lambda *_: outputs)
    proba = run.predict_proba(MOONS.valid.X)
    assert proba[:2].tolist() == [[1, 0], [0.5, 0.5]]
    assert proba[2] == pytest.approx([1 / (1 + np.e), np.e / (1 + np.e)])


@pytest.mark.parametrize(
    ("train", "val", "diverged"),
    [
        ([1, 0.5], [1, 0.5], False),
        ([1, 2.9], [1, 0.5], False),
        ([1, 3.0], [1, 0.5], False),
        ([0, 0], [0, 0], False),  # nothing left to learn
        ([1, 3.1], [1, 0.5], True),
        ([2, 5.9], [2, 0.5], False),
        ([0.5, 1.6], [1, 0.5], True),
        ([1, 0.1], [1, 5.0], False),  # over-fitting is no divergence
        ([1, NAN], [1, 0.5], True),
        ([1, 0.5], [1, np.inf], True),
        ([NAN, NAN], [NAN, 0.5], False),  # not known
        ([0, 0.4], [0, 0.3], False),  # of a loss of one's own
        ([-0.1, 0.5], [-0.1, 0.5], False),
    ],
)
def test_diverged_is_not_finite_or_far_above_the_start(train, val, diverged):
    runs = made([[val]], [[train]]).runs
    runs = replace(runs, epochs_done=np.full((1, 1), 1))
    assert runs[0, 0].diverged == runs.diverged[0, 0] == diverged
    assert ("diverged" in repr(runs[0, 0])) == diverged


def test_runs_rank_by_mean_lowest_validation_loss_and_diverged_last():
    losses = [
        [[1, 0.5, 0.9], [1, 0.6, 0.7]],  # mean of lowest .55
        [[1, 0.4, 0.3], [1, 0.8, 0.4]],  # .35
        [[1, 0.1, 0.1], [1, 0.1, 9.0]],  # diverged in one seed
        [[np.nan] * 3] * 2,  # not begun
    ]
    search = made(losses)

    assert list(search.runs.order) == [1, 0, 2, 3]
    assert search.best == search.runs.best == search.settings[1]
    assert search.mean_val_loss[:3] == pytest.approx([0.55, 0.35, 0.1])
    # Of two numbers 0.1 apart, divided by n - 1.
    assert search.std_val_loss[:2] == pytest.approx([0.1 / 2**0.5] * 2)
    assert search.to_frame().std_val_loss[1] == search.std_val_loss[1]
    assert search.best_run.seed == 0
    assert search.diverged[:3].tolist() == [[False] * 2] * 2 + [[False, True]]


def test_a_difference_of_rounding_is_a_tie_and_the_cheaper_value_wins():
    scores = [0.3, 0.1, NAN, 0.1 * (1 + 9e-6), 0.1 * (1 + 3e-5), -0.1, NAN]
    assert tie_levels(scores).tolist() == [3, 1, 4, 1, 2, 0, 4]
    losses = [0.4, 0.3 * (1 + 1e-6), 0.3, 0.3 * (1 - 1e-6), 0.29]
    assert list(made([[[1, loss]] for loss in losses]).runs.order) == [4, 1, 2, 3, 0]
    even = made([[[1, loss]] for loss in losses[:-1]])
    assert even.best == even.settings[1]
    assert even.edge == {}  # nothing says that a larger value is better
    assert list(rank(even.runs, even.mean_val_loss, [0, 3, 2])) == [3, 2, 0]
    assert even.best_by("accuracy") == even.settings[1]


def test_epochs_without_a_gain_do_not_win():
    base = hk.Hyperparameters(lr=1, hidden=(64, 64), momentum=0.5)
    about = hk.load_dataset("small_moons"), base

    for values in ([40, 5, 20], [5, 20, 40]):
        steps = hk.one_at_a_time(*about, epochs=values, lr=[1, 0.3])
        curve = hk.validation_curve(*about, param_name="epochs", param_range=values)
        won = steps.steps[0].winner.epochs
        assert won == curve.best.epochs
        loss = dict(zip(curve.values("epochs"), curve.mean_val_loss, strict=True))
        assert loss[won] == pytest.approx(min(loss.values()), rel=1e-5)
        if loss[40] == pytest.approx(loss[20], rel=1e-6):
            assert won < 40
            assert "epochs" not in curve.edge


def test_runs_of_single_runs_are_the_same_runs(grid):
    again = Runs.of(list(grid.runs))

    assert (again.settings, again.seeds) == (grid.settings, grid.seeds)
    for name in (*CURVES, "epochs_done", "fit_time"):
        assert np.array_equal(getattr(again, name), getattr(grid.runs, name)), name
    assert again.fit_time.min() > 0
    X, run = MOONS.valid.X, again[3, 1]
    assert np.array_equal(run.predict(X), grid.runs[3, 1].predict(X))
    assert Runs.of([run], again.settings, again.seeds).epochs_done.min() == -1
    other = hk.fit(hk.load_dataset("moons", seed=1), run.setting)
    for error, runs, words in (
        (ValueError, [], "at least one, got none"),
        (ValueError, itertools.repeat(run), "at most 1,000,000"),
        (TypeError, [run, 3], "got 3"),
        (ValueError, [run, other], r"and loss, got .*\['moons', 'moons'\]"),
    ):
        with pytest.raises(error, match=words):
            Runs.of(runs)
    short, long = (made([[v]]).runs[0, 0] for v in ([1, 0.5], [1, 0.5, 0.2]))
    short = type(short)(**vars(short) | {"setting": long.setting})
    twin = replace(long, val_loss=long.val_loss + 1)  # as long: the first one stays
    kept = Runs.of([long, short, twin]).val_loss
    assert kept[0, 0, :3].tolist() == [1, 0.5, 0.2]
    assert kept.shape[2] == long.setting.epochs + 1  # as where it was trained
    assert Runs.of([short, long]).epochs_done.tolist() == [[2]]


def test_runs_of_other_losses_or_networks_are_not_one_collection():
    def wide(units):
        return lambda n, k, _: nn.Sequential(nn.Linear(n, units), nn.Linear(units, k))

    setting = hk.Hyperparameters(epochs=1)

    def half(out, y):
        return (out - y[:, None]).square().mean()

    for others in ({"loss": half}, {"model": wide(2)}):
        one, again = (hk.fit(MOONS, setting, **others) for _ in range(2))
        assert len(Runs.of([one, again])) == 1
        other = hk.fit(MOONS, setting, **others | {"model": wide(64)})
        with pytest.raises(ValueError, match="the same rows, model and loss"):
            hk.describe([one, other])

    def halved():  # a class that is made anew, as where a cell runs twice
        class Half(nn.Module):
            def forward(self, out, y):
                return nn.functional.cross_entropy(out, y) / 2

        return hk.fit(MOONS, setting, loss=Half())

    assert len(Runs.of([halved(), halved()])) == 1
    other = hk.fit(MOONS, setting.but(lr=1), loss=half)
    with pytest.raises(ValueError, match="the same rows, model and loss"):
        hk.describe([hk.fit(MOONS, setting), other])


def test_results_do_not_change():
    one, same = (made([[[1, 0.5]]]) for _ in range(2))
    for a, b in ((one, same), (one.runs, same.runs), (one.runs[0, 0], same.runs[0, 0])):
        with pytest.raises(AttributeError, match="cannot assign"):
            a.val_loss = None
        with pytest.raises(ValueError, match="read-only"):
            a.val_loss -= 1
        assert a == a
        assert len({a, b}) == 2  # told apart by identity
    step = Step("lr", None, (), (), None)
    for part in (Cost(1, 1, 0), Rung(1, (0,), (0,)), Lost((), "gone"), step):
        with pytest.raises(AttributeError, match="cannot assign"):
            part.runs = 0


def test_a_run_that_has_not_started_is_not_there_one_of_no_epoch_yet_is():
    runs = made([[[1, 0.5]], [[NAN, NAN]]]).runs
    assert len(runs) == len(list(runs)) == 1
    assert np.isnan(runs.mean_val_loss[1])
    assert runs.median_best_epoch == [1, -1]
    frame = runs.to_frame()
    assert (frame.fit_time.tolist(), frame.epochs.tolist()) == ([1, 0], [1, 0])
    for at, said in {(1, 0): "has not started", (9, 9): "number of settings"}.items():
        with pytest.raises(IndexError, match=said):
            runs[at]
    with pytest.raises(IndexError, match="has not started"):
        print(made([[[NAN, NAN]]]).best_run)
    seldom = made([[[1, 0.5, 0.7], [NAN] * 3], [[1, 0.5, 0.4]] * 2]).runs
    assert (seldom.median_best_epoch, seldom.cost) == ([1, 2], Cost(2, 3, 6))
    begun = made([[[1.0, NAN]]]).runs
    assert (begun.median_best_epoch, begun.cost) == ([0], Cost(1, 1, 0))
    assert len(begun) == len([*begun]) == begun.best_val_loss == 1
    assert made([[[1.0, NAN]]], [[[np.inf, NAN]]]).diverged.all()


def test_the_network_of_a_run_is_a_new_one_and_its_way_back_is_told():
    shared = nn.Linear(2, 2)
    before, setting = shared.weight.clone(), hk.Hyperparameters(epochs=1, lr=1)
    own = hk.fit(MOONS, setting, model=lambda *_: shared)
    assert own.network() is not shared
    assert torch.equal(shared.weight, before)
    with pytest.raises(ValueError, match=r"weights .*; hk\.fit.* with model= and"):
        replace(own, weights=None).network()


def test_scores_are_of_another_measure_too():
    val = [[[1, 0.2, 0.9]], [[1, 0.5, 0.4]], [[1, 0.8, 0.7]]]
    train = [[[1, 0.6, 0.5]], [[1, 0.5, 0.4]], [[1, 0.1, 0.1]]]
    accuracy = np.array([[[0, 0.1, 0.1]], [[0, 0.7, 0.1]], [[0, 0.2, 0.2]]])
    runs = replace(made(val, train).runs, val_accuracy=accuracy, val_metric=-accuracy)
    search = replace(made(val), runs=runs)

    best = {by: search.settings.index(search.best_by(by)) for by in CRITERIA}

    losses = {"validation": 0, "last": 1, "training": 2}
    assert best == losses | {"accuracy": 2, "metric": 0}
    assert search.scores("accuracy") == pytest.approx([-0.1, -0.1, -0.2])
    even = replace(search, runs=replace(runs, val_metric=0 * accuracy))
    assert even.best_by("metric") == search.best  # by the loss where all are equal
    with pytest.raises(ValueError, match=r"by must be one of .*, got 'test'; choose"):
        search.scores("test")
    with pytest.raises(ValueError, match="needs classes"):
        replace(search, runs=replace(runs, val_accuracy=None)).scores("accuracy")
    none = [NAN, NAN]  # before any training they are those of epoch 0
    search = made([[[1, 0.5], none], [[2, NAN], none], [none, none]])
    for by in ("last", "training"):
        assert search.scores(by) == pytest.approx([0.5, 2, NAN], nan_ok=True)


# Lowest losses with four seeds. Against the best: lower with one seed and higher with
# two; always higher by about 0.2, though all lie within the spread of the best.
UNEVEN = [[0.1, 0.4, 0.2, 0.5], [0.1, 0.3, 0.4, 0.5], [0.31, 0.6, 0.41, 0.69]]


def lasting(losses, epochs=1):
    return [[[1] * epochs + [loss] for loss in row] for row in losses]


def test_ties_are_what_the_same_seeds_do_not_tell_apart():
    train = lasting([[0.1] * 4] * 3 + [[0.1] * 3 + [9]])
    search = made(lasting([*UNEVEN, UNEVEN[1]]), train)

    assert np.ptp(search.mean_val_loss[:3]) < 1.2 * search.std_val_loss[0]
    assert search.ties == (search.settings[1],)  # and not the one that diverged
    said = search.describe()
    assert re.search(r"is 0\.30* .*As far as 4 seeds can tell, 0\.2 may", said)
    assert "1 of 4 settings diverged" in said
    assert search._repr_html_().count("<td>as good?</td>") == 1
    many = made(lasting([UNEVEN[0], *[UNEVEN[1]] * 7]))
    assert len(many.ties) == 7
    assert re.search(r"tell, [\d.]+, [\d.]+, [\d.]+ or 4 others may", many.describe())
    two = made([[[1, 0.3], [1, 0.33]], [[1, 0.34], [1, 0.32]]])
    assert two.ties == (two.settings[1],)
    one = made([[[1, 0.3]], [[1, 0.3]]])
    assert one.ties == ()
    assert np.isnan(one.std_val_loss).all()
    assert "spread" not in one.describe()
    assert "nan" not in one.describe() + one._repr_html_()


def test_a_table_without_runs_has_its_words_and_no_html_of_a_name():
    found = made([[[1, 0.3]]])
    named = replace(found.dataset, name="<b>mine")
    empty = replace(found.runs, dataset=named, epochs_done=found.epochs_done - 2)
    page = replace(found, runs=empty)._repr_html_()
    assert "on &lt;b&gt;mine: " in page
    assert "Nothing has been trained yet." in page


def test_what_misses_a_seed_or_was_dropped_is_no_tie():
    lost = lasting([*UNEVEN, UNEVEN[1]])
    lost[3][2] = [NAN, NAN]
    best_lost = lasting(UNEVEN)
    best_lost[0][1] = [NAN, NAN]

    assert made(lost).ties == made(lasting(UNEVEN)).ties
    # The best has three seeds: by these the others are compared.
    assert made(best_lost).ties == (made(best_lost).settings[1],)
    assert "As far as 3 seeds can tell, 0.2 may" in made(best_lost).describe()
    best_lost[0][2] = best_lost[0][3] = [NAN, NAN]
    assert made(best_lost).ties == ()
    losses = lasting([UNEVEN[0], UNEVEN[1], UNEVEN[1]], 2)
    losses[2] = [[1, loss, NAN] for loss in UNEVEN[1]]  # by halving, or Stop
    assert made(losses).ties == made(losses).settings[1:2]
    runs = made([[[1, 0.5]] * 2, [[1, 0.2]] * 2], [[[1, 1]] * 2, [[1, 9]] * 2]).runs
    assert replace(runs, lost=frozenset({(0, 1)})).order.tolist() == [0, 1]


def test_where_nothing_learned_that_is_said():
    worse = [[[1, 2]] * 2, [[1.1, 3]] * 2]
    said = made(worse).describe()
    assert "No setting got below its loss before training; the lowest is 1.00" in said
    assert "No setting" not in made([[[1, 0.9]] * 2, *worse[1:]]).describe()
    assert "No setting" not in made([[[0.6, 0.9]], [[1.5, 0.8]]]).describe()


def test_a_winner_that_was_cut_is_said_to_be():
    rungs = (Rung(1, (0, 1), (1,)),)
    losses = [[[1, 0.5, NAN]], [[1, 0.4, 9]]]
    search = made(losses, [[[1, 0.5, NAN]], [[1, 0.4, 99]]], rungs=rungs)
    assert "<td>best, cut at epoch 1</td>" in search._repr_html_()


def test_one_seed_of_the_best_may_be_luck():
    lonely = made([[[1, 0.5], [NAN, NAN]], [[1, 0.6], [1, 0.6]]])
    assert "with one seed that may be luck" in lonely.describe()


def test_a_single_setting_has_a_name():
    assert "0.500, is at learning rate 0.1" in hk.describe(made([[[1, 0.5]] * 2]).runs)


def test_where_all_diverged_that_is_said():
    diverged = made(lasting(UNEVEN), [[[1, 9]] * 4] * 3)
    assert diverged.diverged.all()
    assert diverged.ties == ()
    assert "All settings diverged" in diverged.describe()
    some = made(lasting(UNEVEN), [[[1, 9], [1, 1], [1, 1], [1, 1]]] * 3)
    assert "Each setting diverged with at least one seed: " in some.describe()
    assert hk.describe(some.runs).endswith("all diverged with at least one.")
    assert "class_weight" not in diverged.describe()
    assert "that was tried" not in diverged._repr_html_()
    weighted = tuple(s.but(class_weight="balanced") for s in diverged.settings)
    inf = np.full_like(diverged.runs.val_loss, np.inf)
    for more, words in (
        ({"val_loss": inf}, "before training: look at your loss"),
        ({"settings": weighted}, "without it"),
    ):
        runs = replace(diverged.runs, **more)
        found = replace(diverged, runs=runs)
        assert words in found.describe()
        assert "reaches inf" not in hk.describe([found])
        assert "inf" not in found._repr_html_()


@pytest.mark.parametrize(
    ("name", "values", "best", "edge"),
    [
        ("momentum", (0.0, 0.5), 0.0, None),  # nothing lies below
        ("momentum", (0.0, 0.5), 0.5, "highest"),
        ("batch_size", (1, 8), 1, None),
        ("optimizer", ("sgd", "adam"), "adam", None),
        ("lr", hk.log_uniform(1e-4, 1), 0.9, "highest"),
        ("lr", hk.log_uniform(1e-4, 1), 1.1e-4, "lowest"),
        ("lr", hk.log_uniform(1e-4, 1), 0.01, None),
        ("lr", hk.uniform(0.1, 1), 0.11, "lowest"),
        ("lr", hk.uniform(0.1, 1), 0.154, None),  # 6 % from its end
        ("lr", hk.uniform(0.1, 1), 0.946, None),
        ("weight_decay", hk.uniform(0, 0.1), 0.0017, None),
        ("weight_decay", hk.uniform(0.001, 0.1), 0.0017, "lowest"),
        ("epochs", hk.uniform(1, 50, whole=True), 2, None),
        ("batch_size", hk.uniform(8, 400), 397, "highest"),
        ("batch_size", (8, 400), 400, "highest"),
        ("batch_size", (8, 401), 401, None),  # nothing lies beyond all points
        ("batch_size", hk.uniform(8, 401), 401, None),
        ("hidden", ((8,), (16,)), (16,), "highest"),
        ("hidden", ((8,), (16, 16)), (16, 16), None),
    ],
)
def test_edge_of(name, values, best, edge):
    assert edge_side(name, values, best, 401) == edge
    if isinstance(values, Range) and edge is None and best == 0.01:
        assert edge_side(name, values, best, 401, [0.001, best]) == "highest"
        assert edge_side(name, values, best, 401, [0.1, best]) == "lowest"


@pytest.mark.parametrize("search_seed", range(3))
def test_edge_of_a_range_can_be_told_where_its_neighbors_diverged(search_seed):
    base = hk.Hyperparameters(epochs=3, momentum=0.9, batch_size=64)
    draws = {"lr": hk.uniform(8 / 3, 8), "search_seed": search_seed}
    assert hk.random_search(MOONS, base, n_trials=60, **draws).describe()
    one = hk.random_search(MOONS, base.but(epochs=1), n_trials=1, **draws)
    assert one.edge == {}  # it was not compared with another one


def test_values_of_the_same_loss_are_no_edge():
    train = [[[1, 0.1]] * 2, [[1, 0.1], [1, 9]], [[1, 0.1]] * 2]
    val = [[[1, 0.3]] * 2, [[1, 0.3]] * 2, [[1, 0.5]] * 2]
    assert made(val).edge == {}
    apart = made(val, train)  # the second one diverged
    assert apart.edge == {"lr": "gap"}
    assert "0.1, and the value next to it diverged or failed; those" in apart.describe()
    third = made([*val[:1], *val[:0:-1]], [*train[:1], *train[:0:-1]])
    assert third.edge == {"lr": "lowest"}
    assert made(val, [[[1, 9]] * 2] * 3).edge == {}  # all did


def test_the_edge_of_a_range_is_told_of_its_end():
    space = {"lr": hk.log_uniform(1e-4, 0.1), "weight_decay": hk.uniform(0, 0.1)}
    about = MOONS, hk.Hyperparameters(epochs=5)
    search = hk.random_search(*about, n_trials=60, search_seed=7, **space)

    assert search.edge == {"lr": "highest"}
    assert search.best.lr < max(search.values("lr"))
    assert "close to the upper end of its range, 0.1; higher" in search.describe()
    assert "highest tried" not in search.describe()


def test_best_so_far_counts_epochs_of_all_runs():
    losses = [
        [[1.0, 0.8, 0.9], [1.0, 0.6, 0.7]],
        [[1.0, 0.9, 0.5], [1.0, 0.9, 0.3]],
        [[1.0, 0.1, 9.0], [1.0, 0.1, 9.0]],  # diverged: costs, is no candidate
    ]
    epochs, loss = made(losses).best_so_far()

    assert epochs.tolist() == [0, 2, 4, 6, 8, 10, 12]
    assert loss == pytest.approx([1, 0.7, 0.7, 0.7, 0.4, 0.4, 0.4])
    missing = made([[[1, 0.5], [NAN] * 2]])  # a seed of each setting
    assert missing.best_so_far()[1].tolist() == [1]
    failed = replace(missing, runs=replace(missing.runs, lost=frozenset({(0, 1)})))
    assert failed.best_so_far()[0].tolist() == [0, 1]  # as its cost
    assert failed.runs_done == 2  # neither trains any further


def test_best_so_far_of_halving_goes_rung_by_rung():
    #   epoch 1: a, b      epoch 2: b alone
    about = {"kind": "successive_halving", "rungs": (Rung(1, (0, 1), (1,)),)}
    search = made([[[1.0, 0.6, NAN]], [[1.0, 0.5, 0.4]]], **about)

    epochs, loss = search.best_so_far()

    assert epochs.tolist() == [0, 1, 2, 3]
    assert loss.tolist() == [1, 0.6, 0.5, 0.4]
    assert search.runs_done == 2
    assert "After epoch 1: 2 settings, of which 1 went on." in search.describe()


def test_tables_have_a_row_a_setting_named_as_in_scikit_learn_or_a_row_a_value(grid):
    frame = grid.to_frame()

    assert list(frame.param_lr) == grid.values("lr")
    assert sorted(frame.rank_val_loss) == list(range(1, 13))
    best = frame.iloc[frame.rank_val_loss.argmin()]
    found = grid.best.lr, grid.best.hidden, grid.mean_val_loss.min()
    assert (best.param_lr, best.param_hidden, best.mean_val_loss) == found
    assert {"std_val_loss", "best_epoch", "diverged", "fit_time"} <= set(frame)
    assert (frame.epochs == 8).all()
    history = grid.history()  # a row a measured value
    assert list(history.index) == list(range(grid.val_loss.size * 4))
    assert list(history)[-5:] == ["seed", "epoch", "split", "metric", "value"]
    one = history.query("run == 5 and split == 'valid' and metric == 'loss'")
    assert one.seed.unique() == 7
    assert one.param_hidden.iloc[0] == grid.settings[2].hidden
    assert np.array_equal(one.value, grid.val_loss[2, 1])
    assert made([[[NAN, NAN]]]).history().empty


def test_html_is_a_short_table_that_shows_the_last_one_instead_of_counting_it(grid):
    page = grid._repr_html_()

    heads = re.findall("<th scope='col'>(.*?)<", page)
    assert heads[:4] == ["rank", "lr", "batch_size", "hidden"]
    rows = page.split("<tr>")[2:]
    assert rows[0].startswith("<td>1</td>")
    assert ["<td>best</td>" in row for row in rows] == [True] + [False] * 4
    assert "7 more: to_frame() shows all." in page
    losses = 0.9, 0.8, 0.3, 0.7, 0.6, 0.5
    six, seven, edge = (
        made([[[1, loss]] for loss in some])._repr_html_()
        for some in (losses, (*losses, 0.4), (0.9, 0.7, 0.3))
    )

    assert six.count("<tr>") == 1 + 6
    assert "more: to_frame()" not in six
    assert "2 more: to_frame()" in seven
    assert "Best learning rate: 0.4, the highest tried; higher" in edge
    assert "one tried" not in six
    half = made([[[1, 0.3], [1, 0.4]], [[1, 0.2], [1, 9]]])  # one seed diverged
    three = made([[[1, 0.3]], [[1, 0.4]], [[1, 9]]])
    assert three.finished
    assert "0.1, the lowest tried; lower" in three._repr_html_()
    best, out = half._repr_html_().split("<tr>")[2:]
    assert "<td>best</td>" in best
    assert "<td>diverged</td>" in out


@pytest.mark.parametrize(  # more kinds: search/test_files
    "search", [hk.grid_search, lambda *a, **b: next(hk.grid_search.live(*a, **b))]
)
def test_a_file_holds_all_but_weights(search, tmp_path):
    search = search(MOONS, hk.Hyperparameters(epochs=4), lr=LRS, seeds=(1, 4))

    again = hk.load(search.save(tmp_path / "search.json"))

    assert np.array_equal(again.fit_time, search.fit_time)
    assert again.describe() == search.describe()
    files = again.save(tmp_path / "2.json"), tmp_path / "search.json"
    assert len({file.read_bytes() for file in files}) == 1
    with pytest.raises(ValueError, match="files of searches and studies hold"):
        again.best_run.network()
    with pytest.raises(ValueError, match="needs the rows of the data set"):
        again.best_run.test_loss()
    data = again.dataset
    for split in (data.train, data.valid, data.test):
        assert (split.X.shape, split.y.shape, split.y.dtype) == ((0, 2), (0,), int)


@pytest.mark.parametrize("most", [399, 400])  # of 400 rows
def test_a_search_from_a_file_knows_the_edge(most, tmp_path):
    search = hk.grid_search(MOONS, hk.Hyperparameters(epochs=1), batch_size=[200, most])
    losses = np.array([[[1, 0.5]], [[1, 0.4]]])
    search = replace(search, runs=replace(search.runs, val_loss=losses))
    again = hk.load(search.save(tmp_path / "search.json"))
    edge = {"batch_size": "highest"} if most < 400 else {}
    assert search.edge == again.edge == edge
    assert (again.best.batch_size, again.describe()) == (most, search.describe())


def test_a_run_from_a_file_says_first_that_it_has_no_weights(tmp_path):
    frame = pd.DataFrame({"city": [*"ab"] * 30, "big": [0, 0, 1, 1] * 15})
    data = hk.Dataset.from_frame(frame, "big")
    path = hk.grid_search(data, lr=[0.1, 1]).save(tmp_path / "search.json")
    for own in None, data:
        run = hk.load(path, own).best_run
        for ask in run.predict, run.predict_proba:  # not: "none called city=a"
            with pytest.raises(ValueError, match="needs the weights"):
                ask(frame)
    run = hk.fit(data)
    assert np.array_equal(run.outputs(data.valid), run.outputs(data.valid.X))


def test_a_file_holds_what_is_not_finite(tmp_path):
    lost = (Lost(((1, 0),), "gone"),)
    search = made([[[1, np.inf, 0.5]], [[1, 0.2, 0.1]]], lost=lost)
    curves = np.array([[[1, np.inf, NAN]], [[1, 0.2, 0.1]]])
    about = {"val_loss": curves, "epochs_done": np.array([[2], [2]])}
    search = replace(search, runs=replace(search.runs, **about))

    again = hk.load(search.save(tmp_path / "search.json"), MOONS)

    assert np.array_equal(again.val_loss, curves, equal_nan=True)
    assert again.lost == search.lost
    for said in again.describe(), again._repr_html_():
        assert "Runs lost: 1, at learning rate 0.2: gone." in said
    assert again.dataset is MOONS
    assert repr(again.dataset) == repr(MOONS)
    text = (tmp_path / "search.json").read_text()
    assert json.loads(text, parse_constant=lambda name: pytest.fail(name))


def test_to_optuna_tells_pruned_and_failed_trials(grid):
    optuna.logging.set_verbosity(optuna.logging.DEBUG)
    for losses, states in (
        ([[[1, 0.5, 9], [1, 0.5, 0.4]]], ["FAIL"]),
        ([[[1, 0.5, 0.4], [1, 0.5, NAN]]], ["PRUNED"]),
        ([[[1, 0.6, NAN]], [[1, 0.5, 0.4]], [[NAN] * 3]], ["PRUNED", "COMPLETE"]),
        ([[[1, 0.5], [NAN, NAN]], [[1, 0.4], [1, 0.3]]], ["COMPLETE"]),
        ([[[1, NAN]]], ["PRUNED"]),
    ):
        begun = made(losses, kind="successive_halving").to_optuna()
        assert [trial.state.name for trial in begun.trials] == states
    assert hk.from_optuna(begun, MOONS).runs[0, 0].train_loss.tolist() == [1]

    study = grid.to_optuna()  # every setting is handed over
    hidden = "-".join(map(str, grid.best.hidden))
    assert [t.value for t in study.trials] == list(grid.mean_val_loss)
    assert study.best_params == grid.best_params | {"hidden": hidden}
    curve = study.trials[4].intermediate_values
    assert list(curve.values()) == pytest.approx(grid.val_loss[4].mean(0))
    assert optuna.logging.get_verbosity() == optuna.logging.DEBUG  # as it was


def test_to_optuna_takes_a_start_that_is_on_no_list():
    start = hk.Hyperparameters(epochs=1)  # batch size 32, hidden (16, 16)

    lists = {"lr": [0.01, 1], "batch_size": [16, 64], "hidden": [(4,), (8, 8)]}
    search = hk.one_at_a_time(MOONS, start, **lists)
    study = search.to_optuna()

    params = [trial.params for trial in study.trials]
    for name in "batch_size", "lr":
        assert [each[name] for each in params] == search.values(name)
    assert params[0] == {"lr": 0.01, "batch_size": 32, "hidden": "16-16"}
    assert study.trials[0].distributions["batch_size"].choices == (16, 64, 32)
    assert hk.from_optuna(study, MOONS, start).settings == search.settings


def test_from_optuna_reads_a_study_of_somebody_else():
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))

    def objective(trial):
        rate = trial.suggest_float("learning_rate", 0.01, 1, log=True)
        size = trial.suggest_int("batch_size", 8, 64)
        for step in range(2):
            trial.report(9.0, step)  # another measure than the value
        if trial.number == 3:
            raise optuna.TrialPruned
        if trial.number == 4:  # it fails, and is no setting of ours
            raise ValueError(trial.suggest_int("epochs", 0, 0))
        return rate + size

    study.optimize(objective, n_trials=6, catch=ValueError)
    base = hk.Hyperparameters(epochs=2)
    search = hk.from_optuna(study, MOONS, base, names={"learning_rate": "lr"})
    space = {"lr": hk.log_uniform(0.01, 1), "batch_size": hk.uniform(8, 64, whole=True)}
    assert search.space == space
    first = [np.nan, np.nan, study.trials[0].value]
    np.testing.assert_array_equal(search.val_loss[0, 0], first)
    assert len(search.settings) == 4  # the pruned one has no value to compare
    assert search.best_so_far()[1][-1] == study.best_value == search.best_score
    hk.plot_best_so_far(search).figure.draw_without_rendering()
    assert search.best.lr == study.best_params["learning_rate"]
    assert "seed" not in search.describe()  # a value may be a mean over many
    with pytest.raises(ValueError, match=r"give names=.'learning_rate': 'lr'"):
        hk.from_optuna(study, MOONS, base)


def test_from_optuna_refuses_what_it_cannot_rank():
    maximize, none = (optuna.create_study(direction=d) for d in ("maximize", None))
    for error, study, data, words in (
        (TypeError, "x", MOONS, r"an optuna.study.Study, got 'x'; make"),
        (ValueError, maximize, MOONS, r"must minimize one value.*, got maximize; use"),
        (ValueError, none, MOONS, "a trial with a value, got none; run it"),
        (TypeError, none, "moons", "a data set must be"),
    ):
        with pytest.raises(error, match=words):
            hk.from_optuna(study, data)
