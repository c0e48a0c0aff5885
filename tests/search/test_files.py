"""Searches in files: an earlier hpkit's are read, one that was cut off goes on."""

import concurrent.futures as futures
import contextlib
import json
import os
import subprocess
import sys
import time
import warnings
from dataclasses import replace
from functools import partial, reduce
from operator import getitem
from pathlib import Path
from unittest.mock import patch

import architectures
import numpy as np
import optuna
import pytest
from architectures import failing, sized
from oracle import accuracy, focal
from torch import nn

import hpkit as hk
from hpkit.data.datasets import Split
from hpkit.engine import own_networks
from hpkit.search import files

DIGITS, MOONS = hk.load_dataset("digits"), hk.load_dataset("moons")
BASE = hk.Hyperparameters(epochs=6, batch_size=64)
LRS = [0.003, 0.03, 0.3, 30]
RANGE = hk.log_uniform(1e-3, 10)
SAVED = Path(__file__).parent / "saved"  # written at commit c856c87
SEARCHES = {
    hk.validation_curve: {"param_name": "lr", "param_range": LRS},
    hk.one_at_a_time: {"epochs": [3, 6], "momentum": [0, 0.5], "lr": LRS},
    hk.grid_search: {"lr": LRS, "patience": [0, 1], "schedule": ["cosine", "step"]},
    hk.random_search: {"lr": RANGE, "dropout": [0, 0.3], "n_trials": 8},
    hk.successive_halving: {"lr": LRS, "optimizer": ["sgd", "adam"], "eta": 2},
    hk.bayesian_search: {"lr": RANGE, "n_trials": 13},
}
ARRAYS = ("train_loss", "val_loss", "train_accuracy", "val_accuracy", "epochs_done")
ABOUT = ("kind", "base", "space", "steps", "seeds")
ABOUT += ("settings", "planned", "rungs", "lost", "finished")


@pytest.fixture(autouse=True)
def often(monkeypatch, tmp_path):
    """Let files be written often, in a folder of their own."""
    monkeypatch.setattr(files, "WRITE_SECONDS", 0.03)
    monkeypatch.setattr(files, "WRITE_SHARE", 1e9)
    monkeypatch.chdir(tmp_path)


def assert_same(found, whole):
    for name in ABOUT:
        assert getattr(found, name) == getattr(whole, name), name
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(found, name), getattr(whole, name), name)
    assert found.describe() == whole.describe()


def left(search, fits, **arguments):
    """Leave a search at its first result that fits; return that."""
    with contextlib.closing(search.live(DIGITS, **{"tick": 0} | arguments)) as live:
        return next(found for found in live if fits(found))


def left_and_resumed(search, whole, parts=3, **arguments):
    """Leave a search again and again; return its result, and what was trained twice."""
    known = there = twice = 0
    for count in range(parts + 1):
        live = search.live(DIGITS, tick=0, storage="tuning.json", **arguments)
        first = found = next(live)
        twice += max(there - first.cost.epochs, 0)
        assert not known or len(hk.load("tuning.json").settings) >= known
        for found in live:
            new = found.cost.epochs - first.cost.epochs
            if new > whole.cost.epochs / parts and count < parts:
                break
        live.close()
        known, there = len(hk.load("tuning.json").settings), found.cost.epochs
        if found.finished:
            break
    return found, count, twice


@pytest.mark.parametrize("search", SEARCHES, ids=lambda s: s.__name__)
def test_a_search_that_was_left_goes_on_where_it_was(search):
    arguments = SEARCHES[search] | {"base": BASE, "seeds": (0, 3)}
    whole = search(DIGITS, **arguments)

    found, count, twice = left_and_resumed(search, whole, **arguments)

    assert 2 <= count <= 3
    if search is not hk.one_at_a_time:  # which begins by showing its first step again
        assert twice == 0  # nothing of a run under way was lost
    assert_same(found, whole)
    assert os.listdir() == ["tuning.json"]
    assert_same(hk.load("tuning.json"), whole)
    assert_same(search(DIGITS, storage="tuning.json", **arguments), whole)
    run = found.best_run
    alone = hk.fit(DIGITS, run.setting, seed=run.seed)
    np.testing.assert_allclose(alone.val_loss, run.val_loss, atol=1e-6)


@pytest.mark.parametrize("model", ["mlp", "batch_norm", "dropout", "Counting"])
@pytest.mark.filterwarnings("ignore::hpkit.engine.own_networks.OneByOneWarning")
def test_own_networks_go_on_where_they_were(model, monkeypatch):
    monkeypatch.setattr(own_networks, "STEPS_TO_TRACE", 1)
    arguments = {"model": getattr(architectures, model), "seeds": (0, 3)}
    arguments |= {"base": BASE.but(epochs=4), "lr": [0.03, 0.3]}
    arguments |= {"batch_size": [100, 300]}
    whole = hk.grid_search(DIGITS, **arguments)
    with futures.ThreadPoolExecutor(2) as pool:
        arguments["executor"] = pool if model == "batch_norm" else None
        found, *_ = left_and_resumed(hk.grid_search, whole, 2, **arguments)
    for name in ARRAYS:  # stacks of another size may round otherwise
        there, wanted = getattr(found, name), getattr(whole, name)
        np.testing.assert_allclose(there, wanted, atol=1e-5)


@pytest.mark.filterwarnings("ignore::hpkit.engine.own_networks.OneByOneWarning")
def test_networks_that_keep_values_are_ranked_after_they_trained_again():
    space = {"lr": [0.003, 0.03, 0.3], "batch_size": [30, 100, 300]}
    arguments = space | {"model": architectures.Counting, "base": BASE.but(epochs=9)}
    whole = hk.successive_halving(DIGITS, **arguments)

    def before_the_cut(found):
        return found.epochs_done.max() == 1

    left(hk.successive_halving, before_the_cut, **arguments, storage="tuning.json")
    found = hk.successive_halving(DIGITS, **arguments, storage="tuning.json")
    assert_same(found, whole)


KILLED = """
import sys, hpkit as hk
from hpkit.search import files
files.WRITE_SECONDS = 0.02
data, base = hk.load_dataset("digits"), hk.Hyperparameters(epochs=int(sys.argv[2]))
space = {"lr": [0.003, 0.03, 0.3], "batch_size": [8, 32, 64], "seeds": range(3)}
getattr(hk, sys.argv[1])(data, base, **space, storage="tuning.json")
"""


@pytest.mark.parametrize(
    ("search", "epochs"), [(hk.grid_search, 30), (hk.successive_halving, 200)]
)
def test_a_search_killed_at_any_moment_ends_as_an_undisturbed_one(search, epochs):
    command = [sys.executable, "-c", KILLED, search.__name__, str(epochs)]
    for _ in range(9):  # on a busy machine the search may end before it is killed
        with subprocess.Popen(command) as process:
            while process.poll() is None and not Path("tuning.json").exists():
                time.sleep(0.001)
            time.sleep(np.random.default_rng().uniform(0, 0.15))
            process.kill()
        there = json.loads(Path("tuning.json").read_text())
        if not there["finished"]:
            break
        Path("tuning.json").unlink()
    base = hk.Hyperparameters(epochs=epochs)
    space = {"lr": LRS[:3], "batch_size": [8, 32, 64], "seeds": range(3)}
    found = search(DIGITS, base, **space, storage="tuning.json")

    assert process.returncode
    assert (there["finished"], bool(there["state"])) == (False, True)
    assert_same(found, search(DIGITS, base, **space))
    assert os.listdir() == ["tuning.json"]


def test_a_file_on_which_another_search_is_under_way_is_refused():
    about = {"base": BASE.but(epochs=3), "storage": "tuning.json", "tick": 0}
    about |= {"lr": LRS[:2], "batch_size": [32, 64]}
    for search in hk.grid_search, hk.one_at_a_time:  # in one stage, in two
        Path("tuning.json").unlink(missing_ok=True)
        live = search.live(DIGITS, **about)
        while next(live).cost.epochs < 9:
            with pytest.raises(ValueError, match=r"one search at a time, got .*; wait"):
                next(search.live(DIGITS, **about))
        *_, found = live
        assert found.finished
        assert os.listdir() == ["tuning.json"]
        *_, again = search.live(DIGITS, **about)
        assert_same(again, found)


def begun():
    about = {"base": BASE, "lr": LRS, "storage": "tuning.json"}
    return left(hk.grid_search, lambda found: found.cost.epochs > 8, **about)


def as_ours(n_features, n_outputs, setting):  # whose state is another one
    layers = nn.Linear(n_features, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU()
    return nn.Sequential(*layers, nn.Linear(16, n_outputs))


OTHERS = {
    "the function": (hk.random_search, {"n_trials": 4}),
    "base differs": (hk.grid_search, {"base": BASE.but(momentum=0.5)}),
    "values are": (hk.grid_search, {"lr": [0.1]}),
    "the seeds": (hk.grid_search, {"seeds": (0, 1)}),
    "the data set differs": (hk.grid_search, {"dataset": MOONS, "model": lambda *_: 0}),
    "the model": (hk.grid_search, {"model": architectures.mlp}),
    "the data set, the model, the loss or": (hk.grid_search, {"model": as_ours}),
}


@pytest.mark.parametrize("part", OTHERS)
def test_the_file_of_another_search_is_refused_and_left_alone(part):
    begun()
    before = Path("tuning.json").read_text()
    search, other = OTHERS[part]
    arguments = {"dataset": DIGITS, "base": BASE, "lr": LRS} | other
    words = f"got 'tuning.json', in which .*{part}.*; give"
    with pytest.raises(ValueError, match=words):
        search(**arguments, storage="tuning.json")
    assert Path("tuning.json").read_text() == before


def test_a_model_whose_source_has_changed_is_refused(monkeypatch):
    search = {"lr": LRS, "model": architectures.mlp, "storage": "tuning.json"}
    hk.grid_search(DIGITS, BASE, **search)
    other = files._hash_code(architectures.dropout)  # first losses may be the same
    monkeypatch.setattr(files, "_hash_code", lambda model: other)
    with pytest.raises(ValueError, match="the data set, the model, the loss or"):
        hk.grid_search(DIGITS, BASE, **search)


def test_more_draws_are_trained_other_draws_and_other_rows_are_refused():
    space = {"lr": RANGE, "n_trials": 1, "storage": "tuning.json"}
    first = hk.random_search(DIGITS, BASE, **space)
    more = hk.random_search(DIGITS, BASE, **space | {"n_trials": 3})
    assert_same(more, hk.random_search(DIGITS, BASE, lr=RANGE, n_trials=3))
    assert more.fit_time[0] == first.fit_time[0]  # not trained again
    hk.random_search(DIGITS, BASE, **space)  # fewer: the file keeps the others
    assert os.listdir() == ["tuning.json"]
    some = space | {"base": BASE, "storage": "left.json"}
    left(hk.random_search, lambda f: f.cost.epochs > 1, **some | {"n_trials": 3})
    assert_same(hk.random_search(DIGITS, **some), first)  # of a stack of three
    with pytest.raises(ValueError, match="the settings differ"):
        hk.random_search(DIGITS, BASE, search_seed=1, **space)
    cut = {"lr": RANGE, "storage": "cut.json"}
    hk.successive_halving(DIGITS, BASE, **cut, n_trials=9)
    with pytest.raises(ValueError, match="the settings differ"):  # of as many cuts
        hk.successive_halving(DIGITS, BASE, **cut, n_trials=11)
    halving = {"lr": LRS, "storage": "halving.json"}
    hk.successive_halving(DIGITS, BASE, **halving)
    with pytest.raises(ValueError, match="eta or n_trials differs"):
        hk.successive_halving(DIGITS, BASE, eta=2, **halving)
    turned = Split(DIGITS.train.X[::-1], DIGITS.train.y[::-1])  # first losses: as they
    turned, saved = replace(DIGITS, train=turned), more.save("saved.json")
    for path, other in ((saved, MOONS), (saved, turned), ("halving.json", turned)):
        with pytest.raises(ValueError, match="of 'digits', got others, of"):
            hk.load(path, other)
    with pytest.raises(ValueError, match="the data set differs"):
        hk.random_search(turned, BASE, **space)


def dropping(share, n, k, setting):
    return nn.Sequential(nn.Linear(n, 8), nn.Dropout(share), nn.Linear(8, k))


def test_a_model_that_differs_once_it_trains_is_refused():
    about = {"lr": LRS, "storage": "tuning.json"}
    hk.grid_search(DIGITS, BASE, model=partial(dropping, 0.2), **about)
    with pytest.raises(ValueError, match="the data set, the model"):
        hk.grid_search(DIGITS, BASE, model=partial(dropping, 0.2001), **about)


def test_a_model_that_imports_what_differs_is_refused(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    code = "from imported_part import middle\nfrom torch import nn\n\n"
    code += "def net(n, k, setting):\n"
    code += "    return nn.Sequential(nn.Linear(n, 8), middle(), nn.Linear(8, k))\n"
    (tmp_path / "imported_part.py").write_text(
        "from torch import nn\ndef middle():\n    return nn.Dropout(RATE)\nRATE = 0\n"
    )
    (tmp_path / "importing_net.py").write_text(code)
    import imported_part
    import importing_net

    about = {"lr": LRS, "storage": "tuning.json", "model": importing_net.net}
    hk.grid_search(DIGITS, BASE, **about)
    imported_part.RATE = 0.8
    with pytest.raises(ValueError, match="the data set, the model"):
        hk.grid_search(DIGITS, BASE, **about)


def test_a_model_made_anew_with_the_same_values_goes_on():
    calls = 0

    def counted(n, k, setting):
        nonlocal calls
        calls += 1
        return dropping(share, n, k, setting)

    def named(n, k, setting, *, units, share):
        return nn.Sequential(
            nn.Linear(n, units), nn.Dropout(share), nn.Linear(units, k)
        )

    share = 0.2
    pairs = [(partial(dropping, 0), partial(dropping, np.float64(0)))]
    pairs += [(partial(named, units=4, share=0.1), partial(named, share=0.1, units=4))]
    for n, (first, again) in enumerate([*pairs, (counted, counted)]):
        about = {"lr": LRS, "storage": f"{n}.json"}
        found = hk.grid_search(DIGITS, BASE, model=first, **about)
        assert hk.grid_search(DIGITS, BASE, model=again, **about).best == found.best


def with_batch_norm(n, k, setting):  # the first bias changes nothing but rounding
    layers = nn.Linear(n, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, k)
    return nn.Sequential(*layers)


def test_a_search_in_which_rounding_grows_goes_on(monkeypatch):
    monkeypatch.setattr(own_networks, "STEPS_TO_TRACE", 1)  # in a stack, alone again
    about = {"base": BASE.but(optimizer="adam", epochs=30), "storage": "tuning.json"}
    about |= {"lr": [0.001, 0.003, 0.01, 0.03], "model": with_batch_norm}
    first = hk.grid_search(DIGITS, seeds=range(4), **about)
    again = hk.grid_search(DIGITS, seeds=range(4), **about)
    assert again.mean_val_loss == pytest.approx(first.mean_val_loss, rel=0.2)
    again.best_run.predict(DIGITS.valid)  # its network has the loss of its curve


def test_a_stop_before_the_first_epoch_keeps_nothing_of_a_custom_model():
    about = {"lr": [0.01], "storage": "tuning.json"}
    about["base"] = BASE.but(batch_size=2, epochs=2)
    first = {"model": lambda *sizes: dropping(0.1, *sizes), "tick": 0.01}
    assert left(hk.grid_search, bool, **about, **first).epochs_done.max() == 0
    about["model"] = lambda *sizes: dropping(0.8, *sizes)
    again = hk.grid_search(DIGITS, **about)
    whole = hk.grid_search(DIGITS, **about | {"storage": None})
    assert np.array_equal(again.val_loss, whole.val_loss)


def test_a_range_whose_ends_meet_is_saved_and_resumed():
    about = {"batch_size": hk.uniform(15.6, 16.4), "patience": hk.log_uniform(0.4, 2)}
    about |= {"base": BASE, "n_trials": 2, "storage": "tuning.json"}
    found = hk.random_search(MOONS, **about)
    assert {(s.batch_size, s.patience) for s in found.settings} == {(16, 1), (16, 2)}
    assert hk.load("tuning.json").describe() == found.describe()
    assert_same(hk.random_search(MOONS, **about), found)


@pytest.mark.parametrize("path", ["no/such/folder/tuning.json", "/", "sqlite:///t.db"])
def test_a_file_that_cannot_be_written_is_refused_before_training(path):
    with pytest.raises(OSError, match=r"this must be a file .*, got '.*'; give"):
        hk.grid_search.live(DIGITS, BASE, lr=LRS, storage=path)


NEWER = (SAVED / "one_at_a_time.json").read_text().replace('version": 1', 'version": 2')
NO_SEARCH = "", "{", "{}", "[1]", '{"format": "other"}', "\0\xff", NEWER


@pytest.mark.parametrize("text", NO_SEARCH, ids=lambda text: repr(text[:9]))
def test_a_file_of_something_else_or_of_a_newer_version_is_refused_and_stays(text):
    Path("tuning.json").write_text(text, "latin-1")
    words = r"written by save\(\) .*, got"
    for read in hk.load, lambda path: hk.grid_search(DIGITS, lr=LRS, storage=path):
        with pytest.raises(ValueError, match=rf"{words} 'tuning\.json'.*; give"):
            read("tuning.json")
    assert Path("tuning.json").read_text("latin-1") == text


@pytest.mark.parametrize("damage", [None, 0, "", "gAIu", "é", "AAAA"])
def test_without_its_state_only_what_had_ended_is_not_trained_again(damage):
    space = {"base": BASE, "lr": LRS, "epochs": [2, 6]}
    whole = hk.grid_search(DIGITS, **space)
    left(hk.grid_search, lambda f: f.runs_done, **space, storage="tuning.json")
    record = json.loads(Path("tuning.json").read_text())
    if damage == "AAAA":  # in a weight
        damage = record["state"][:60_000] + damage + record["state"][60_004:]
    record["state"] = damage  # 0: of an earlier version, with a file of its own
    Path("tuning.json").write_text(json.dumps(record))
    assert (~hk.load("tuning.json").ended).sum() == 4
    about = {"tick": 0, "storage": "tuning.json"}
    first, *_, found = hk.grid_search.live(DIGITS, **space, **about)
    assert first.best_run.weights is None  # it is trained again at the end alone
    assert_same(found, whole)


def test_a_file_is_not_written_more_often_than_once_a_second(monkeypatch):
    monkeypatch.setattr(files, "WRITE_SECONDS", 1)
    times, base = [], BASE.but(epochs=100_000)
    monkeypatch.setattr(files, "save_search", lambda *a, **b: times.append(time.time()))
    for _ in hk.grid_search.live(DIGITS, base, lr=LRS, tick=0, storage="tuning.json"):
        if len(times) == 3:
            break
    assert np.diff(times[:3]).min() >= 1


def test_what_was_lost_is_tried_again_and_named_again(tmp_path):
    space = {"hidden": [(2,), (3,), (5,)], "lr": [0.1, 0.2], "model": failing}
    whole = hk.grid_search(DIGITS, BASE, **space)
    found, count, _ = left_and_resumed(hk.grid_search, whole, base=BASE, **space)
    assert count
    assert_same(found, whole)
    assert_same(hk.grid_search(DIGITS, BASE, **space, storage="tuning.json"), whole)
    hk.load("tuning.json").save("tuning.json")
    assert_same(hk.grid_search(DIGITS, BASE, **space, storage="tuning.json"), whole)


def fails_in_training(n_features, n_outputs, setting):
    net = nn.Linear(n_features, n_outputs)
    if setting.lr > 1:  # after the loss at epoch 0
        net.register_forward_hook(lambda net, x, out: 1 / (1 - net.training) and out)
    return net


def test_what_was_lost_before_a_cut_stays_lost():
    space = {"lr": LRS, "model": fails_in_training, "eta": 2}
    whole = hk.successive_halving(DIGITS, BASE, **space)
    assert whole.lost
    for _ in range(2):
        found = hk.successive_halving(DIGITS, BASE, **space, storage="tuning.json")
        assert_same(found, whole)


def test_a_file_of_save_is_gone_on_with_and_a_full_disk_ends_no_search():
    search = {"base": BASE, "lr": LRS, "momentum": [0, 0.5], "eta": 2}
    whole = hk.successive_halving(DIGITS, **search)
    found = left(hk.successive_halving, lambda f: len(f.rungs) == 2, **search)
    found.save("tuning.json")
    before = Path("tuning.json").read_text()

    full = patch.object(files.store, "write", side_effect=OSError("No space left"))
    said = r"^this must be a file to read or write \(No space left\), got 'tuning.json'"
    with full as write, pytest.warns(UserWarning, match=said):
        found = hk.successive_halving(DIGITS, **search, storage="tuning.json")
    paths = {call.args[0] for call in write.call_args_list}
    assert paths == {"tuning.json"}
    assert_same(found, whole)
    assert Path("tuning.json").read_text() == before
    held = patch.object(Path, "unlink", side_effect=PermissionError)  # open elsewhere
    with held as remove, warnings.catch_warnings(action="error"):
        again = hk.successive_halving(DIGITS, **search, storage="tuning.json")
    assert remove.called
    assert_same(again, whole)
    steps = {"lr": LRS, "momentum": [0, 0.5], "storage": "steps.json"}
    with full, pytest.warns(UserWarning, match="No space"):
        hk.one_at_a_time(DIGITS, BASE, **steps)
    assert hk.one_at_a_time(DIGITS, BASE, **steps).finished  # its file is not busy


@pytest.mark.parametrize("cut", ["storage", "study"])
def test_a_search_by_an_own_loss_goes_on_with_that_alone(cut):
    own = {"loss": focal, "metric": accuracy, "lr": LRS}
    if cut == "storage":
        search, study = hk.grid_search, {"storage": "tuning.json"}
        left(search, lambda f: f.cost.epochs >= 9, base=BASE, **own, **study)
    else:
        search, own["n_trials"] = hk.bayesian_search, 3
        study = {"study": optuna.create_study(sampler=optuna.samplers.RandomSampler(1))}
        search(DIGITS, BASE, **own | {"n_trials": 2}, **study)
    others = [{"loss": None}, {"loss": lambda o, t: 1.0003 * focal(o, t)}]
    if cut == "storage":  # of an untrained network the other one says the same
        others += {"metric": None}, {"metric": lambda o, t: accuracy(o.clamp(-1, 1), t)}
    for other in others:
        with pytest.raises(ValueError, match="of this very search"):
            search(DIGITS, BASE, **own | other, **study)
    found = search(DIGITS, BASE, **own, **study)

    assert found.finished
    for run in found.runs:
        alone = hk.fit(DIGITS, run.setting, loss=focal, metric=accuracy)
        assert run.val_loss == pytest.approx(alone.val_loss, abs=1e-6)
        assert run.val_metric == pytest.approx(alone.val_metric, abs=0.02)
    path = found.save("found.json")
    assert np.array_equal(hk.load(path).val_metric, found.val_metric, equal_nan=True)


@pytest.mark.parametrize(
    ("search", "arguments"),
    [
        (hk.grid_search, {"lr": LRS}),
        (hk.successive_halving, {"lr": LRS, "eta": 2}),
        (hk.bayesian_search, {"lr": RANGE, "n_trials": 3}),
        (hk.grid_search, {"width": [4, 8], "model": sized}),
    ],
)
def test_a_search_from_its_file_has_its_best_network(search, arguments, tmp_path):
    def again():
        return search(DIGITS, BASE, storage="tuning.json", **arguments)

    others = [Path(name) for name in ("other.new", "tuning.json.old")]
    for other in others:
        other.touch()
    first, second = again(), again()
    assert all(other.exists() for other in others)

    assert_same(second, first)
    runs = first.best_run, second.best_run
    for epoch in ("best", "last"):
        assert np.array_equal(*(run.outputs(DIGITS.valid, epoch) for run in runs))
    second.best_run.save(tmp_path / "model.pt")
    worst = second.runs[int(second.runs.order[-1]), 0]
    with pytest.raises(ValueError, match="needs the weights"):
        worst.network()


SMALL = hk.Hyperparameters(epochs=2, hidden=(4,))


HALVED = {"lr": hk.log_uniform(0.01, 1), "batch_size": [32, 64], "n_trials": 3}
EARLIER = {
    "one_at_a_time": {"lr": [0.1, 100], "hidden": [(), (4, 4)]},
    "successive_halving": HALVED | {"seeds": (0, 5)},
}


@pytest.mark.parametrize("kind", EARLIER)
def test_saved_searches_of_earlier_versions_are_read(kind, tmp_path):
    path = SAVED / f"{kind}.json"
    old, new = hk.load(path), getattr(hk, kind)(MOONS, SMALL, **EARLIER[kind])
    for name in ("kind", "base", "space", "planned", "steps", "rungs", "settings"):
        assert getattr(old, name) == getattr(new, name)
    assert np.allclose(old.val_loss, new.val_loss, rtol=1e-4, equal_nan=True)
    assert old.describe() == new.describe()
    again = old.save(tmp_path / "again.json").read_text()
    assert json.loads(again) == json.loads(path.read_text())


def places(part, path=()):
    """Give the path of everything in what JSON holds."""
    pairs = part.items() if isinstance(part, dict) else enumerate(part)
    for key, value in pairs:
        yield (*path, key)
        if isinstance(value, dict | list):
            yield from places(value, (*path, key))


@pytest.mark.parametrize("kind", EARLIER)
def test_file_with_anything_odd_in_it_is_refused_or_shown_whole(tmp_path, kind):
    rng, path, refused = np.random.default_rng(0), tmp_path / "odd.json", 0
    text = (SAVED / f"{kind}.json").read_text()
    every = list(places(json.loads(text)))
    odd = [None, "<img src=x onerror=a()>", -1, 10**30, 1e400, [], {}, [[[]]], True, ""]
    for _ in range(400):
        plain, (*way, last) = json.loads(text), every[rng.integers(len(every))]
        reduce(getitem, way, plain)[last] = odd[rng.integers(10)]
        path.write_text(json.dumps(plain))
        try:
            found = hk.load(path)
        except ValueError as error:
            refused += error.refused
            continue
        assert "<img" not in found._repr_html_()
        assert repr(found)
        assert len(found.best_so_far()) == 2
        assert len(found.to_frame()) == len(found.settings)
    assert refused > 100
