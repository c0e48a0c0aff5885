"""Searches: what they train, what they find, what they refuse."""

import _thread
import importlib
import inspect
import re
import signal
import threading

import numpy as np
import optuna
import pytest
from scipy.stats import loguniform, norm, randint, uniform
from torch import nn

import hpkit as hk
from hpkit import text
from hpkit.search.searches import halving_cuts
from hpkit.search.space import Range, draw_settings, draw_value

MOONS, DIGITS = hk.load_dataset("moons"), hk.load_dataset("digits")
BASE = hk.Hyperparameters(epochs=3)
LRS = [0.01, 0.1, 1]
SEARCHES = {
    hk.validation_curve: {"param_name": "lr", "param_range": np.array(LRS)},
    hk.one_at_a_time: {"lr": LRS},
    hk.grid_search: {"lr": LRS},
    hk.random_search: {"lr": LRS, "n_trials": 2},
    hk.successive_halving: {"lr": LRS},
    hk.bayesian_search: {"lr": LRS, "n_trials": 2},
}
each_search = pytest.mark.parametrize("search", SEARCHES, ids=lambda s: s.__name__)


def free(n_in, n_out, setting):
    kinds = {"gelu": nn.GELU, "soft plus": nn.Softplus, None: nn.ReLU}
    first = nn.Linear(n_in, setting.widths[0], bias=setting.bias)
    last = nn.Linear(first.out_features, n_out)
    return nn.Sequential(first, kinds[setting.act](), last)


FREE = {"act": ["soft plus", None], "widths": [(4,), (6, 1)], "bias": [True, False]}


@pytest.mark.parametrize(
    ("search", "more"),
    [
        (hk.grid_search, FREE),
        (hk.one_at_a_time, FREE),
        (hk.random_search, FREE | {"n_trials": 4}),
        (hk.bayesian_search, FREE | {"n_trials": 4, "lr": hk.log_uniform(0.01, 1)}),
        (hk.successive_halving, FREE),
        (hk.validation_curve, {"param_name": "act", "param_range": FREE["act"]}),
    ],
    ids=lambda part: getattr(part, "__name__", ""),
)
def test_names_of_a_models_own_are_shown_saved_and_handed_on(search, more, tmp_path):
    base = BASE.but(own={"bias": True, "widths": (4,)})

    found = search(MOONS, base, model=free, seeds=(0, 1), **more)

    own = [name for name in found.space if name in FREE]
    assert {s.act for s in found.settings} == {"soft plus", None}
    for name in own:
        assert found.values(name) == list(found.to_frame()[f"param_{name}"])
        best = text.value_text(getattr(found.best, name))
        assert f"{name} {best}" in found.describe()
        assert name in found._repr_html_()
    assert found.edge.keys() <= {"lr"}  # words have no end
    for plot in (hk.plot_parallel, hk.plot_training_curves, hk.plot_seeds):
        plot(found).figure.draw_without_rendering()
    if len(own) > 1:
        axes = hk.plot_grid(found, x="act", y="bias")
        assert (axes.get_xlabel(), axes.get_ylabel()) == ("act", "bias")
    else:
        assert hk.plot_validation_curve(found).get_xlabel() == "act"
    loaded = hk.load(found.save(tmp_path / "found.json"))
    for again in (loaded, hk.from_optuna(found.to_optuna(), MOONS, found.base)):
        assert (again.space, again.settings) == (found.space, found.settings)


def test_whole_numbers_are_drawn_and_handed_on_as_such(tmp_path):
    def wide(n_in, n_out, setting):
        first = nn.Linear(n_in, setting.width, bias=setting.rate > 0)
        return nn.Sequential(first, nn.Linear(setting.width, n_out))

    draws = {"width": hk.log_uniform(1, 9, whole=True), "rate": hk.uniform(-1, 1)}

    found = hk.random_search(MOONS, BASE, model=wide, n_trials=30, **draws)

    assert {*found.values("width")} >= {1, 2, 3, 9}
    assert {type(width) for width in found.values("width")} == {int}
    assert min(found.values("rate")) < 0 < max(found.values("rate"))
    loaded = hk.load(found.save(tmp_path / "found.json"))
    for again in (loaded, hk.from_optuna(found.to_optuna(), MOONS, BASE)):
        assert again.settings == found.settings
        assert again.space == found.space == draws
    with pytest.raises(ValueError, match=r"an end of log_uniform .* whole number >= 1"):
        hk.log_uniform(0.5, 9, whole=True)


def test_a_search_answers_in_scikit_learns_words():
    grid = hk.grid_search(MOONS, BASE, lr=[0.1, 1e6], batch_size=[16, 64], seeds=(0, 1))

    assert grid.best_params == {"lr": 0.1, "batch_size": grid.best.batch_size}
    assert (grid.best_params_, grid.best_score_) == (grid.best_params, grid.best_score)
    assert grid.best_score == grid.mean_val_loss.min()
    table, best = grid.cv_results, grid.settings.index(grid.best)
    assert table["params"][best] == grid.best_params
    assert table["rank_test_score"][best] == 1
    assert table["mean_test_score"][best] == -grid.best_score
    assert list(table["split1_test_score"][:2]) == list(-grid.best_val_loss[:2, 1])
    assert np.isnan(table["mean_test_score"]).tolist() == [False, False, True, True]
    frame = grid.to_frame()
    assert list(frame)[:3] == ["param_lr", "param_batch_size", "mean_val_loss"]
    assert list(frame.mean_val_accuracy[:2]) == list(-grid.scores("accuracy")[:2])


def test_of_what_is_searched_the_base_need_not_fit_the_data():
    few = hk.Dataset.from_arrays(np.eye(20), [0, 1] * 10)
    assert hk.grid_search(few, BASE, lr=[0.1], batch_size=[4]).best.batch_size == 4
    with pytest.raises(ValueError, match="12 in your data, got 64"):
        hk.grid_search(few, BASE, lr=[0.1], batch_size=[4, 64])


def test_ranges_draw_evenly_and_round():
    space = {"lr": Range(1e-4, 1, True), "momentum": Range(0, 0.8)}

    drawn = draw_settings(hk.Hyperparameters(), space, 2000, 0)

    decades = np.histogram([np.log10(s.lr) for s in drawn], 4, (-4, 0))[0]
    quarters = np.histogram([s.momentum for s in drawn], 4, (0, 0.8))[0]
    assert (*decades, *quarters) == pytest.approx((500,) * 8, abs=100)
    assert all(float(f"{s.lr:.4g}") == s.lr for s in drawn)


@pytest.mark.parametrize("make", [hk.uniform, hk.log_uniform])
def test_ends_of_whole_numbers_are_drawn_like_all_others(make):
    rng = np.random.default_rng(0)
    drawn = [draw_value(rng, make(1, 3, whole=True)) for _ in range(6000)]
    counts = np.unique(drawn, return_counts=True)[1] / 6000
    share = 1 / 3 if make is hk.uniform else np.log([3, 5 / 3, 7 / 5]) / np.log(7)
    assert np.allclose(counts, share, atol=0.03)
    large = {draw_value(rng, make(123_456, 123_466, whole=True)) for _ in range(200)}
    assert large == {*range(123_456, 123_467)}


def test_one_at_a_time_keeps_its_path_and_trains_nothing_twice():
    lists = {"lr": LRS, "batch_size": [16, 64], "epochs": [2, 3]}
    start = BASE.but(lr=0.01, batch_size=64)
    search = hk.one_at_a_time(MOONS, start, **lists, seeds=range(2))

    first, second, third = search.steps
    steps = [(step.name, step.cost.settings) for step in search.steps]
    assert steps == [("lr", 3), ("batch_size", 1), ("epochs", 1)]
    assert second.base == first.winner == BASE.but(lr=first.winner.lr, batch_size=64)
    assert third.base == second.winner
    assert len(set(search.settings)) == len(search.settings) == 5
    assert search.cost.runs == 10
    assert search.cost.epochs == sum(s.cost.epochs for s in search.steps)
    losses = search.mean_val_loss[list(second.settings)]
    tried = [search.settings[i] for i in second.settings]
    assert [s.batch_size for s in tried] == [16, 64]
    assert second.winner == tried[losses.argmin()]
    assert search.best == third.winner
    told = "Step 2: batch size 16, 64, with learning rate 1, epochs 3 held fixed"
    assert told in search.describe()


def test_steps_cost_what_patience_left_of_them():
    base = hk.Hyperparameters(lr=1, epochs=60, patience=2)
    found = hk.one_at_a_time(MOONS, base, lr=[0.5, 1], batch_size=[16, 32])
    assert sum(step.cost.epochs for step in found.steps) == found.cost.epochs < 180
    assert f"Epochs trained: {found.steps[1].cost.epochs}." in found.describe()


def test_one_at_a_time_costs_what_was_planned_at_most():
    lists = {"lr": [0.01, 0.1, 30], "batch_size": [100, 200, 400], "epochs": [1, 2, 3]}
    rng, exact, less = np.random.default_rng(0), 0, 0
    for _ in range(80):
        names = rng.permutation([*lists])[: rng.integers(1, 4)].tolist()
        space = {n: rng.permutation(lists[n])[: rng.integers(1, 4)] for n in names}
        lr = rng.choice([0.1, 30])  # 30 gains nothing: few epochs win
        about = lr, rng.choice([200, 300]), rng.integers(1, 5)
        start, seeds = hk.Hyperparameters(*about), range(rng.integers(1, 4))

        search = hk.one_at_a_time(MOONS, start, seeds=seeds, **space)

        cost, planned = search.cost, search.planned
        assert (cost.settings, cost.runs) == (planned.settings, planned.runs)
        assert cost.epochs <= planned.epochs
        won = search.steps[-1].winner.epochs
        after = names[names.index("epochs") + 1 :] if "epochs" in names else []
        if not after or won == max(space["epochs"]):
            assert cost.epochs == planned.epochs
            exact += 1
        elif any(set(space[name]) - {getattr(start, name)} for name in after):
            assert cost.epochs < planned.epochs
            less += 1

    assert min(exact, less) >= 5


def test_one_at_a_time_when_nothing_new_is_left_to_train():
    lists = {"lr": LRS, "batch_size": [BASE.batch_size]}
    search = hk.one_at_a_time(MOONS, BASE, **lists)
    first, second = search.steps
    assert (search.finished, second.cost.runs) == (True, 0)
    assert second.winner == first.winner
    turned = hk.one_at_a_time(MOONS, BASE, **lists, order=["batch_size", "lr"])
    assert [s.name for s in turned.steps] == ["batch_size", "lr"] == [*turned.space]


def test_halving_leads_survivors_on_from_where_they_stopped():
    #   epoch      1     3        9
    #   settings   9 ->  3  ->    1
    base = hk.Hyperparameters(epochs=9, hidden=(8,))
    space = {"lr": hk.log_uniform(1e-3, 1), "n_trials": 9, "seeds": (0, 1)}

    halv = hk.successive_halving(DIGITS, base, **space)
    rand = hk.random_search(DIGITS, base, **space)

    cuts = [(r.epoch, len(r.settings), len(r.kept)) for r in halv.rungs]
    assert cuts == [(1, 9, 3), (3, 3, 1)]
    assert halv.settings == rand.settings
    assert sorted(halv.epochs_done[:, 0]) == [1] * 6 + [3] * 2 + [9]
    assert halv.cost == halv.planned
    assert halv.cost.epochs == 2 * (9 + 3 * 2 + 6)
    there = np.arange(10) <= halv.epochs_done[..., None]
    whole = np.where(there, rand.val_loss, np.nan)
    np.testing.assert_allclose(halv.val_loss, whole, rtol=1e-4)  # as if without pauses
    assert halv._repr_html_().count("cut at epoch 3") == 2
    kept = halv.rungs[0].kept
    assert set(kept) == set(rand.val_loss[:, :, :2].min(2).mean(1).argsort()[:3])
    # What was cut does not come back where those that went on diverge.
    base, late = hk.Hyperparameters(epochs=16, lr=0.1, hidden=(16,)), (1e9,) * 3
    shapes = [(4.0 + k, *late) for k in range(3)] + [(0.5**k,) * 4 for k in range(5)]
    halv = hk.successive_halving(DIGITS, base, schedule=shapes, eta=2)
    assert all({*rung.kept} <= {*rung.settings} for rung in halv.rungs)


def test_halving_ranks_by_trained_networks_and_what_it_cuts_has_not_diverged():
    # All three are worse after an epoch than before.
    halv = hk.successive_halving(MOONS, BASE, lr=[30.0, 20.0, 10.0])
    assert (halv.val_loss[:, 0, 1] > halv.val_loss[:, 0, 0]).all()
    assert halv.rungs[0].kept == (halv.val_loss[:, 0, 1].argmin(),) == (2,)
    assert halv.train_loss[0, 0, 1] > 3 * halv.train_loss[0, 0, 0]
    assert not halv.diverged[:2].any()
    assert halv.best.lr == 10  # of a tie at epoch 0 what was not cut


@pytest.mark.parametrize(
    ("count", "eta", "last", "cuts"),
    [
        (27, 3, 27, [(1, 9), (3, 3), (9, 1)]),
        (16, 2, 10, [(1, 8), (2, 4), (4, 2), (8, 1)]),
        (9, 3, 81, [(9, 3), (27, 1)]),
        (8, 3, 30, [(3, 2), (9, 1)]),
        (5, 3, 100, [(33, 1)]),
        (100, 3, 3, [(1, 33)]),
        (1, 3, 9, []),
        (9, 3, 1, []),
    ],
)
def test_cuts_of_halving(count, eta, last, cuts):
    assert halving_cuts(count, eta, last) == cuts


def test_bayesian_search_is_optunas_own():
    base = BASE.but(epochs=5)
    space = {"lr": hk.log_uniform(1e-4, 10), "batch_size": [16, 64]}

    search = hk.bayesian_search(MOONS, base, n_trials=14, **space)

    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=0))
    for _ in range(14):
        trial = study.ask()
        lr = trial.suggest_float("lr", 1e-4, 10, log=True)
        size = trial.suggest_categorical("batch_size", [16, 64])
        run = hk.fit(MOONS, base.but(lr=lr, batch_size=size))
        loss = 3 * run.val_loss[0] if run.diverged else run.best_val_loss
        study.tell(trial, loss)
    asked = [base.but(**trial.params) for trial in study.trials]
    assert list(search.settings) == list(dict.fromkeys(asked))


def test_bayesian_search_tells_a_diverged_setting_as_bad():
    told, order = {}, []

    class Listening(optuna.samplers.RandomSampler):
        def before_trial(self, *_):
            order.append("ask")

        def after_trial(self, study, trial, state, values):
            told[trial.params["lr"]] = state.name, values
            order.append("tell")

    search = {"lr": [0.1, 100], "n_trials": 6, "seeds": (0, 1)}
    study = optuna.create_study(sampler=Listening(seed=0))
    hk.bayesian_search(DIGITS, BASE, study=study, **search)
    found = hk.bayesian_search(DIGITS, BASE, sampler=Listening(seed=0), **search)
    assert order == ["ask", "tell"] * 12  # each one knows all before it
    assert found.cost.runs == 2 * 2  # repeats cost nothing
    hk.bayesian_search(MOONS, BASE, lr=[0.1], n_trials=1, search_seed=2**32 - 1)

    good, bad = (found.values("lr").index(lr) for lr in (0.1, 100))
    assert found.diverged[bad].any()
    before = found.val_loss[bad, :, 0].mean()
    assert told[100] == ("COMPLETE", [pytest.approx(3 * before)])
    assert told[0.1] == ("COMPLETE", [pytest.approx(found.mean_val_loss[good])])


@each_search
def test_live_gives_growing_results_and_ends_as_the_call(search):
    arguments = SEARCHES[search] | {"seeds": (0, 1)}

    founds = list(search.live(MOONS, BASE, tick=0, **arguments))
    whole = search(MOONS, BASE, **arguments)

    epochs = [found.cost.epochs for found in founds]
    assert epochs == sorted(epochs)
    assert len(set(epochs)) > 3
    assert [found for found in founds if found.finished] == founds[-1:]
    np.testing.assert_array_equal(founds[-1].val_loss, whole.val_loss)
    assert founds[-1].describe() == whole.describe()
    assert whole.kind == search.__name__
    assert whole.cost.epochs <= whole.planned.epochs
    assert whole.runs_done == whole.cost.runs
    for found in founds:  # whatever is there can be shown
        assert len(found.to_frame()) >= found.cost.settings
        assert np.diff(found.best_so_far()[1]).max(initial=-1) <= 0
        assert found.best in found.settings
        assert found.best not in found.ties
        assert "<table>" in found._repr_html_() or not found.cost.runs


@each_search
def test_a_run_without_patience_counts_as_done(search, tmp_path):
    base = BASE.but(epochs=27, batch_size=10, momentum=0.9, patience=2)
    arguments = SEARCHES[search] | {"seeds": (0, 1)}

    *_, found = search.live(MOONS, base, tick=0, **arguments)

    assert found.finished
    assert found.runs_done == found.cost.runs
    assert found.cost.epochs < found.planned.epochs
    assert (found.epochs_done < 27).any()
    epochs, loss = found.best_so_far()
    assert epochs[-1] == found.cost.epochs
    assert loss[-1] == pytest.approx(found.best_val_loss.mean(1).min())
    assert hk.load(found.save(tmp_path / "found.json")).runs_done == found.runs_done
    if search is not hk.successive_halving:
        assert {trial.state.name for trial in found.to_optuna().trials} == {"COMPLETE"}


def test_interrupting_returns_what_is_done(request):
    # a shell that runs the tests in the background has them ignore the interrupt
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, before))
    threading.Timer(1, _thread.interrupt_main).start()
    with pytest.warns(UserWarning, match="was interrupted"):
        found = hk.grid_search(MOONS, BASE.but(epochs=100_000), lr=LRS, progress=True)
    assert not found.finished
    assert 10 < found.cost.epochs < found.planned.epochs
    assert "Stopped before the end." in found.describe()
    assert np.isfinite(found.runs[0, 0].val_loss[:10]).all()


def test_progress_shows_runs_and_epochs(capsys, monkeypatch):
    search = {"dataset": MOONS, "base": BASE.but(epochs=2), "lr": LRS}
    hk.successive_halving(**search, seeds=(0, 1), progress=True)
    last = capsys.readouterr().err.split("\r")[-1]
    assert re.search("6 runs, 6 ended: 100%.* 8/8", last)
    hk.successive_halving(**search)
    assert capsys.readouterr().err == ""
    bars, own = [], {"close": lambda bar: bars.append(bar)}
    bar = type("Bar", (importlib.import_module("tqdm.notebook").tqdm,), own)
    monkeypatch.setattr("tqdm.auto.tqdm", bar)
    search |= {"base": BASE.but(epochs=99, patience=1)}
    assert hk.grid_search(**search, progress=True).cost.epochs < 99 * len(LRS)
    shown = bars[0].container.children[1]
    assert (shown.layout.width, shown.max) == (None, bars[0].n)


@each_search
def test_signatures_tell_the_arguments(search):
    called = inspect.signature(search).parameters
    live = inspect.signature(search.live).parameters

    assert {"seeds", "model", "executor", "progress"} <= set(called)
    assert called["seeds"].default == live["seeds"].default == (0,)
    assert called["progress"].default is False
    told = re.findall(r"^    (\w+) : .*, default (\S+)$", search.__doc__, re.M)
    for name, default in told:
        value = called[name].default
        assert default == ("Hyperparameters()" if value is None else repr(value)), name
    assert "tick" in live
    assert "progress" not in live


NAN, INF = float("nan"), float("inf")
BAD_LISTS = ([], "0.1", 0.1, None, {0.1: 1}, [0.1, 0.1], [0.1, None], [[0.1]])
# Lists are checked as settings are: all other bad values are in test_hyperparameters.
BAD_VALUES = {"lr": (0, "0.1"), "batch_size": (401,), "hidden": ("16", None)}
BAD_VALUES |= {"learning_rate": (0.1,)}
BAD_SHARED = [
    *({"seeds": s} for s in ([], "01", 3, None, [0, 0], [-1], [0.5], [NAN], ["a"])),
    *({"base": b} for b in ("lr", {"lr": 0.1}, {"lr": [0.1]}, MOONS)),
    *({"dataset": d} for d in ("moons", None, MOONS.train)),
    *({"progress": p} for p in ("yes", 1, None)),
    *({"executor": e} for e in ("loky", 2)),
    *({"storage": s} for s in (3, "", "no\0name")),
    *({"model": m} for m in ("mlp", 3, nn.Linear(2, 2))),
    {"base": hk.Hyperparameters(batch_size=401)},
]
BAD_OWN = {
    hk.validation_curve: [
        *({"param_name": n} for n in ("learning_rate", "", None, 3)),
        {"param_range": hk.log_uniform(0.1, 1)},
    ],
    hk.one_at_a_time: [
        *({"order": o} for o in ([], ["lr", "lr"], ["epochs"], "lr", 3, [None])),
        {"lr": hk.log_uniform(0.1, 1)},
    ],
    hk.grid_search: [{"lr": hk.uniform(0.1, 1)}, {"hidden": (8, 4)}],  # one, or two?
    hk.random_search: [
        *({"n_trials": n} for n in (0, -1, NAN, 2.5, "9", None, 4)),
        *({"search_seed": s} for s in (-1, 0.5, "0", None)),
        {"optimizer": hk.uniform(0.1, 1)},
        {"lr": hk.uniform(-1, 1)},
        {"momentum": hk.uniform(0, 1)},
        {"dropout": hk.uniform(0, 1)},
        {"batch_size": hk.uniform(8, 500)},
        {"lr": hk.uniform(0.1, 0.10001), "n_trials": 9},
    ],
    hk.successive_halving: [
        *({"n_trials": n} for n in (0, -1, NAN, 2.5, "9", 4)),
        *({"eta": e} for e in (0, 1, -3, 2.5, NAN, "3", None)),
        {"epochs": [3, 9]},
        {"lr": hk.log_uniform(0.1, 1)},  # how many?
    ],
    hk.bayesian_search: [
        *({"n_trials": n} for n in (0, -1, NAN, 2.5, "9", None)),
        *({"sampler": s} for s in ("tpe", 3)),
        {"batch_size": hk.uniform(8, 500)},
        {"search_seed": 2**32},
    ],
}


def test_values_without_a_name_are_refused():
    with pytest.raises(TypeError, match=r"by name, got \{'lr': \[0.1\]\}; write .*lr="):
        hk.grid_search(MOONS, BASE, {"lr": [0.1]})


def bad_calls():
    for search, good in SEARCHES.items():
        curve = search is hk.validation_curve
        for name, values in BAD_VALUES.items():
            swept = {"param_name": name} if curve else {}
            for value in values:
                given = {"param_range" if curve else name: [value]}
                yield search, good | swept | given
        for values in BAD_LISTS:
            yield search, good | {"param_range" if curve else "lr": values}
        for bad in (*BAD_SHARED, *BAD_OWN[search]):
            yield search, good | bad
        if not curve:
            yield search, {name: v for name, v in good.items() if name != "lr"}


def name_of(part):
    return getattr(part, "__name__", None) or ",".join(f"{n}={part[n]}" for n in part)


def test_widths_alone_are_networks_of_one_layer():
    found = hk.grid_search(MOONS, BASE, hidden=[4, 8])
    assert found.values("hidden") == [(4,), (8,)]


@pytest.mark.parametrize(("search", "arguments"), list(bad_calls()), ids=name_of)
def test_bad_values_are_refused_in_three_parts(search, arguments):
    arguments = {"dataset": MOONS, "base": BASE} | arguments
    with pytest.raises((ValueError, TypeError), match=r"(?s)^.+, got .+[;,] .+\.$"):
        search(**arguments)
    if "progress" not in arguments:  # before anything is trained
        with pytest.raises((ValueError, TypeError)):
            search.live(**arguments)


@pytest.mark.parametrize("make", [hk.uniform, hk.log_uniform])
@pytest.mark.parametrize(
    "ends", [(1, 1), (2, 1), (NAN, 1), (1, INF), ("a", 1), (0.1, None), (True, 2)]
)
def test_bad_ranges_are_refused_in_three_parts(make, ends):
    with pytest.raises((ValueError, TypeError), match=r"^.+, got .+; .+\.$"):
        make(*ends)


def test_what_other_libraries_take_leads_to_ours():
    for values, words in ((norm(0.1, 1), "log_uniform"), (0.1, r"lr=\[")):
        with pytest.raises(TypeError, match=words):
            hk.random_search(MOONS, lr=values)
    draws = {"lr": loguniform(0.1, 1), "momentum": uniform(0, 0.5)}
    draws["batch_size"] = randint(8, 65)
    found = hk.random_search(MOONS, hk.Hyperparameters(epochs=1), n_trials=2, **draws)
    want = (hk.log_uniform(0.1, 1), hk.uniform(0, 0.5), hk.uniform(8, 64, whole=True))
    assert tuple(found.space.values()) == want
    with pytest.raises(TypeError, match=r"got \{'lr': \[0.1\]\}; write lr=\[0.1\]"):
        hk.grid_search(MOONS, {"lr": [0.1]})
    with pytest.raises(ValueError, match=r"2, got 20; .* hpkit\.log_uniform"):
        hk.random_search(MOONS, lr=(1e-4, 1e-1))
    with pytest.raises(TypeError, match=r"use .*from_frame"):
        hk.fit(MOONS.train.X, MOONS.train.y)
    for low in (0, -1):
        with pytest.raises(ValueError, match="must be > 0"):
            hk.log_uniform(low, 1)
