"""Studies that go on, and what seeds become on the way to Optuna and back."""

import architectures
import numpy as np
import optuna
import pytest
import torch

import hpkit as hk
from hpkit.search import files

MOONS, DIGITS = hk.load_dataset("moons"), hk.load_dataset("digits")
BASE = hk.Hyperparameters(epochs=3)
SPACE = {"lr": hk.log_uniform(1e-3, 100), "hidden": [(), (4, 4)]}
CURVES = ("train_loss", "val_loss", "train_accuracy", "val_accuracy")


@pytest.fixture
def study(tmp_path):
    """Return a function that opens the same study, from a file, again and again."""

    def opened(seed):
        about = {"storage": f"sqlite:///{tmp_path}/a.db", "study_name": "a"}
        sampler = optuna.samplers.TPESampler(seed=seed)
        return optuna.create_study(**about, sampler=sampler, load_if_exists=True)

    return opened


def test_a_study_goes_on_and_what_it_has_is_not_trained_again(study):
    search = {"base": BASE, "seeds": (0, 3), **SPACE}
    first = hk.bayesian_search(MOONS, n_trials=4, study=study(0), **search)
    study(0).ask({})  # as a kill leaves it: running
    live = hk.bayesian_search.live(MOONS, n_trials=7, study=study(1), tick=0, **search)
    trained = next(live)
    *_, found = live

    assert first.settings == trained.settings[: len(first.settings)]
    assert first.cost.runs == 8
    assert trained.cost.epochs < first.cost.epochs + 6
    assert found.finished
    assert len(found.settings) == 7
    for name in CURVES:
        assert np.array_equal(getattr(found, name)[:4], getattr(first, name))
    done = [t for t in study(0).trials if t.state.is_finished()]
    assert len(done) == 7
    again = hk.bayesian_search(MOONS, n_trials=7, study=study(2), **search)
    assert again.settings == found.settings
    assert again.cost == found.cost
    back = hk.from_optuna(study(0), MOONS, BASE)
    assert np.array_equal(back.val_loss, found.val_loss)
    assert np.array_equal(back.diverged, found.diverged)
    for n_trials in (7, 8):  # the best one is of the study
        best = hk.bayesian_search(MOONS, n_trials=n_trials, study=study(3), **search)
        assert best.best_run.network() is not None


class Late(torch.nn.Linear):
    """Loses a row in training, after a while, with some `hidden`."""

    def __init__(self, n_in, n_out, setting):
        super().__init__(n_in, n_out)
        self.left = 30 if setting.hidden == (3,) else 1000

    def forward(self, rows):
        self.left -= self.training
        return super().forward(rows)[self.training and self.left < 0 :]


@pytest.mark.parametrize("model", [architectures.failing, Late])
def test_a_setting_that_is_lost_is_a_failed_trial_and_never_the_best(model):
    study, space = optuna.create_study(), {"hidden": [(3,), (2,)], "epochs": [1, 3]}
    for units, epochs in (("3", 3), ("2", 1)):
        study.enqueue_trial({"hidden": units, "epochs": epochs})
    about = {"model": model, "study": study, "n_trials": 2, **space}
    found = hk.bayesian_search(MOONS, BASE, **about)

    assert not found.mean_val_loss[0] > found.mean_val_loss[1]
    assert (found.best.hidden, found.planned.epochs) == ((2,), 6)
    assert [trial.state.name for trial in study.trials] == ["FAIL", "COMPLETE"]
    with pytest.warns(UserWarning, match="study's 2 trials, .*curves: 1"):
        back = hk.from_optuna(study, MOONS, BASE)
    for search in (back, hk.bayesian_search(MOONS, BASE, **about)):
        assert search.settings == (found.best,)


def test_trials_of_somebody_else_count():
    study = optuna.create_study()
    study.optimize(lambda trial: trial.suggest_float("lr", 0.01, 1, log=True), 3)
    found = hk.bayesian_search(MOONS, BASE, lr=SPACE["lr"], study=study, n_trials=5)
    assert len(found.settings) == 2
    assert len(study.trials) == 5
    with pytest.raises(ValueError, match="of 'moons', got others, of 'moons'"):
        hk.from_optuna(study, hk.load_dataset("moons", seed=5), BASE)


def test_what_a_study_is_told_to_try_and_hpkit_refuses_is_a_failed_trial():
    study = optuna.create_study()
    for lr in (0.1, "0.1"):
        study.enqueue_trial({"lr": lr})
    with pytest.raises(TypeError, match=r"lr must be a number, got '0\.1'"):
        hk.bayesian_search(MOONS, BASE, lr=SPACE["lr"], study=study, n_trials=3)
    assert [trial.state.name for trial in study.trials] == ["COMPLETE", "FAIL"]


def test_a_sampler_that_is_through_ends_a_search_with_its_result():
    sampler = optuna.samplers.GridSampler({"lr": [0.1, 0.2]})
    found = hk.bayesian_search(MOONS, BASE, lr=SPACE["lr"], sampler=sampler)
    assert sorted(found.values("lr")) == [0.1, 0.2]


def test_text_that_looks_like_a_tuple_stays_text():
    def model(n_in, n_out, setting):
        return torch.nn.Linear(n_in, n_out, bias=isinstance(setting.kind, str))

    kinds = ["(1, 2)", (1, 2), "'a'"]
    found = hk.bayesian_search(MOONS, BASE, kind=kinds, model=model)
    assert {*found.values("kind")} == {*kinds}
    assert hk.from_optuna(found.to_optuna(), MOONS, BASE).settings == found.settings


def test_a_study_may_go_on_with_another_range():
    about = {"study": optuna.create_study(), "n_trials": 2}
    hk.bayesian_search(MOONS, BASE, lr=hk.log_uniform(0.1, 0.3), **about)
    rates = hk.log_uniform(1e-5, 1e-4)
    found = hk.bayesian_search(MOONS, BASE, lr=rates, **about | {"n_trials": 3})
    assert hk.from_optuna(found.to_optuna(), MOONS, BASE).settings == found.settings
    assert "0.0001" not in str(found)  # as an end of what was tried


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"base": BASE.but(momentum=0.5)}, "got trial 0, in which base differs; g"),
        ({"seeds": (1,)}, "the seeds differ"),
        ({"dataset": hk.load_dataset("small_moons")}, "the data set differs"),
        ({"dataset": hk.load_dataset("moons", 1)}, "the data set differs"),
        ({"model": architectures.mlp}, "the data set, the model, the"),
        ({"lr": [0.1, 1]}, r"lr must be as in .* FloatDistribution\(high=100"),
        ({"lr": hk.uniform(0.1, 1)}, r"end.* may change, got uniform\(0.1, 1\); give"),
        ({"search_seed": 1}, "without sampler, search_seed, storage and cv, got one"),
        ({"storage": "a.json"}, "sampler, search_seed, storage and cv, got one"),
        ({"cv": 2}, "sampler, search_seed, storage and cv, got one of them"),
        ({"study": "a"}, "must be an optuna.study.Study, got 'a'; make"),
    ],
)
def test_the_study_of_another_search_is_refused(other, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    study = optuna.create_study()
    search = {"dataset": MOONS, "base": BASE, "lr": SPACE["lr"], "study": study}
    hk.bayesian_search(**search, n_trials=2)
    with pytest.raises((ValueError, TypeError), match=words):
        hk.bayesian_search(**search | other, n_trials=3)
    assert len(study.trials) == 2
    assert not list(tmp_path.iterdir())
    search |= {"model": architectures.mlp, "study": optuna.create_study()}
    hk.bayesian_search(**search, n_trials=2)
    monkeypatch.setattr(files, "_hash_code", lambda model: "of a changed source")
    with pytest.raises(ValueError, match="data set, the model, the loss or"):
        hk.bayesian_search(**search, n_trials=3)
    study = optuna.create_study()
    study.optimize(lambda trial: 1.0, 2)
    with pytest.raises(ValueError, match=r"more than the 2 trials .*, got 2; hpkit\."):
        hk.bayesian_search(MOONS, BASE, lr=[1], study=study, n_trials=2)


def test_a_study_with_another_name_or_other_rows_is_refused():
    study = optuna.create_study()
    study.optimize(lambda trial: trial.suggest_float("learning_rate", 0.1, 1), 2)
    with pytest.raises(ValueError, match=r"got 'learning_rate', which hpkit calls lr;"):
        hk.bayesian_search(MOONS, BASE, lr=SPACE["lr"], study=study, n_trials=3)
    study = hk.to_optuna(hk.grid_search(MOONS, BASE, lr=[0.1, 1]))
    with pytest.raises(ValueError, match="those of 'moons', got others"):
        hk.bayesian_search(DIGITS, BASE, lr=[0.1, 1], study=study, n_trials=3)
    assert len(study.trials) == 2


def test_pruned_trials_are_said_and_what_they_tried_is_no_edge(tmp_path):
    def objective(trial):
        trial.suggest_categorical("optimizer", ["SGD", "sgd", "adagrad"])
        lr = trial.suggest_float("lr", 0.001, 10, log=True)
        if lr > 1:
            trial.report(-lr, 0)
            raise optuna.TrialPruned
        return -lr

    study = optuna.create_study()
    for lr in (0.1, 0.3, 3.0):
        study.enqueue_trial({"lr": lr, "optimizer": "SGD" if lr < 1 else "adagrad"})
    study.optimize(objective, 3)
    with pytest.warns(UserWarning, match="the study's 3 trials, .*curves: 1"):
        found = hk.from_optuna(study, MOONS, BASE)
    assert (found.best.lr, found.edge) == (0.3, {})
    assert hk.load(found.save(tmp_path / "a.json")).space == found.space
    assert "nan" not in hk.describe(found.best_run)  # it has one loss, of validation


def test_a_study_of_another_program_is_read():
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=0))

    def objective(trial):
        layers = trial.suggest_int("n_layers", 1, 2)
        units = [trial.suggest_int(f"units_{k}", 4, 9) for k in range(layers)]
        if trial.suggest_categorical("optim", ["Adam", "SGD"]) == "SGD":
            trial.suggest_float("weight_decay", 1e-5, 0.1, log=True)
        trial.suggest_int("width", 4, 32)
        return 10 * layers + units[-1]

    study.optimize(objective, 8)
    names = {"optim": "optimizer", "width": "hidden"}
    found = hk.from_optuna(study, MOONS, BASE, names=names)

    assert {*found.values("optimizer")} <= {"adam", "sgd"}
    assert "units_1" not in found.edge
    assert found.best.units_1 is None
    assert "units_0" in str(found)
    assert {len(widths) for widths in found.values("hidden")} == {1}
    assert hk.from_optuna(hk.to_optuna(found), MOONS, BASE).settings == found.settings


def test_of_a_setting_that_a_study_tried_again_the_lowest_loss_counts():
    study, make = optuna.create_study(), optuna.trial.create_trial
    space = {"lr": optuna.distributions.FloatDistribution(0.01, 1)}
    for lr, value in ((0.1, 0.5), (0.2, 0.4), (0.1, 0.3), (0.1, 0.7)):
        about = {"params": {"lr": lr}, "distributions": space}
        study.add_trial(make(value=value, **about))
    found = hk.from_optuna(study, MOONS, BASE)

    assert found.values("lr") == [0.1, 0.2]
    assert found.best_params == study.best_params
    assert found.best_score == study.best_value


@pytest.mark.filterwarnings("ignore:Choices for a categorical")
def test_layers_of_another_program_are_read_or_refused(tmp_path):
    def study(*choices):
        found, make = optuna.create_study(), optuna.trial.create_trial
        space = {"hidden": optuna.distributions.CategoricalDistribution(choices)}
        for k, choice in enumerate(choices):
            about = {"params": {"hidden": choice}, "distributions": space}
            found.add_trial(make(value=k + 0.5, **about))
        return found

    found = hk.from_optuna(study("64-32", "16", "none"), MOONS, BASE)
    assert found.values("hidden") == [(64, 32), (16,), ()]
    found = hk.from_optuna(study(16, 32), MOONS, BASE)
    assert found.space == {"hidden": ((16,), (32,))}
    assert hk.load(found.save(tmp_path / "grid.json")).space == found.space
    for lists in ([[64, 32], [8]], [(64, 32), (8,)]):
        again = hk.from_optuna(study(*lists), MOONS, BASE)
        assert again.values("hidden") == [(64, 32), (8,)]
    with pytest.raises(ValueError, match=r"invalid literal .* '64x32'"):
        hk.from_optuna(study("64x32"), MOONS, BASE)


def test_seeds_and_their_spread_come_back_from_a_study():
    lrs, same = [0.1, 0.12, 0.5, 1, 1e6], {"seeds": (0, 3, 5)}
    grid = hk.grid_search(MOONS, BASE, lr=lrs, **same)
    lrs = hk.log_uniform(0.01, 10)
    halving = hk.successive_halving(MOONS, BASE, lr=lrs, n_trials=9, **same)
    for found in (grid, halving):  # with what diverged, and what was dropped
        again = hk.from_optuna(found.to_optuna(), MOONS, BASE)
        for name in (*CURVES, "std_val_loss"):
            ours, theirs = getattr(again, name), getattr(found, name)
            assert np.array_equal(ours, theirs, equal_nan=True)
        assert (again.seeds, again.ties) == (found.seeds, found.ties)
        assert again.fit_time.sum() == 0
    assert grid.diverged.any()
    grid = hk.grid_search(MOONS, BASE, lr=[0.003, 0.03, 0.1, 0.3, 0.6], cv=4)
    again = hk.from_optuna(grid.to_optuna(), MOONS, BASE)
    assert again.ties == grid.ties
    for words in ("As far as 4 folds can tell", "spread over folds"):
        assert words in again.describe()
    numbers = hk.Dataset.from_arrays(MOONS.train.X, MOONS.train.X[:, 0])
    grid = hk.grid_search(numbers, BASE, lr=[0.1])
    assert hk.from_optuna(grid.to_optuna(), numbers, BASE).train_accuracy is None
    with pytest.raises(ValueError, match=r"of 'your data', got others, of 'moons';"):
        hk.from_optuna(grid.to_optuna(), MOONS, BASE)
    with pytest.raises(ValueError, match="of 'moons', got others, of 'moons'"):
        hk.from_optuna(found.to_optuna(), hk.load_dataset("moons", seed=1), BASE)
    told = {"dataset": {"n_train": 5}, "folds": [0.4, 0.6]}  # somebody else's
    more = {"user_attrs": told, "value": 0.5}
    study = optuna.create_study()
    study.add_trial(optuna.trial.create_trial(**more))
    assert len(hk.from_optuna(study, MOONS, BASE).settings) == 1


@pytest.mark.parametrize("how", ["value", "numbers", "curves", "nonsense", "too long"])
def test_seeds_that_somebody_else_says_are_kept(how):
    study, losses = optuna.create_study(), {0.1: [0.5, 0.7], 1.0: [0.2, 0.4]}
    for lr, both in losses.items():
        told = {
            "value": {},
            "numbers": {"seeds": [7, 8], "val_loss": both},
            "curves": {"seeds": [7, 8], "val_loss": [[1, 2, loss] for loss in both]},
            "nonsense": {"seeds": 3, "val_loss": "low"},
            "too long": {"seeds": [7, 8], "val_loss": [[1] * 5] * 2},
        }[how]
        space = {"lr": optuna.distributions.FloatDistribution(0.01, 10)}
        about = {"params": {"lr": lr}, "distributions": space}
        about |= {"value": sum(both) / 2, "user_attrs": told}
        study.add_trial(optuna.trial.create_trial(**about))

    found = hk.from_optuna(study, MOONS, BASE)

    assert found.values("lr") == [0.1, 1]
    assert found.mean_val_loss.tolist() == pytest.approx([0.6, 0.3])
    assert (found.epochs_done == (2 if how == "curves" else 3)).all()
    if how in ("numbers", "curves"):
        assert found.seeds == (7, 8)
        assert found.std_val_loss.tolist() == pytest.approx([0.02**0.5] * 2)
    else:
        assert found.seeds == (0,)
