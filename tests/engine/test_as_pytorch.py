"""Scripts of `as_pytorch` run where there is no hpkit and give the same curves."""

import dataclasses
import functools
import importlib
import itertools
import subprocess
import sys
import warnings
from math import pi as PI
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from oracle import OTHER, table
from sklearn.neural_network import MLPClassifier, MLPRegressor
from torch import nn

import hpkit as hk
from hpkit.engine.as_pytorch import scripts, source_of
from hpkit.hyperparameters import TABLE

QUICK = hk.Hyperparameters(epochs=3, lr=0.05, batch_size=16)
DATA, NUMBERS = (table(90, 4, *s, name="mine, own") for s in ((0.2, 0.6), ()))
POINTS, UNITS = 0.25, (6, PI)  # also a word of the template


class Base(nn.Module):
    def forward(self, x):
        return self.last(F.gelu(self.first(x))) * self.twice


class Net(Base):
    def __init__(self, n_features, n_outputs, setting):
        super().__init__()
        self.first = nn.Linear(n_features, int(UNITS[0]))
        self.last = _last(UNITS[0], n_outputs)
        self.first.requires_grad_(setting.momentum > 0)
        self.twice = getattr(setting, "twice", 1)


def _last(units, n_outputs):
    layers = nn.BatchNorm1d(units), nn.Dropout(POINTS), nn.Linear(units, n_outputs)
    return nn.Sequential(*layers)


class Halve(torch.autograd.Function):
    @staticmethod
    def forward(context, x):
        return x / 2

    @staticmethod
    def backward(context, gradient):
        return gradient / 2


class Halved(nn.Linear):
    def __init__(self, n_features, n_outputs, setting):
        super().__init__(n_features, n_outputs, dtype=torch.float64)

    def forward(self, x):
        return Halve.apply(super().forward(x))


def by_rows(n_features, n_outputs, setting):
    return nn.Sequential(nn.LazyLinear(*setting.hidden), nn.ReLU(), _last(8, n_outputs))


hidden, rows = 5, "words that a script has, too"


def net(n_features, n_outputs, setting):
    assert rows.startswith("words")
    units = hidden + setting.hidden[0]
    return nn.Sequential(nn.Linear(n_features, units), nn.Linear(units, n_outputs))


GAMMA = 2


def loss_of(outputs, targets):
    logs = F.log_softmax(outputs, 1)[torch.arange(len(targets)), targets]
    return -((1 - logs.exp()) ** GAMMA * logs).mean()


def found():
    each = {f"{n}={v}": QUICK.but(**{n: v}) for n, vs in OTHER.items() for v in vs}
    all_ = {name: hk.fit(DATA, setting, seed=3) for name, setting in each.items()}
    all_ |= {f"own {n}": hk.fit(DATA, QUICK, model=Net, seed=n) for n in range(2)}
    all_["halved"] = hk.fit(DATA, QUICK, model=Halved)
    setting = QUICK.but(dropout=0.2, weight_decay=0.1, hidden=(8,))
    all_["by_rows"] = hk.fit(NUMBERS, setting, model=by_rows)
    all_["taken names"] = hk.fit(NUMBERS, setting, model=net)
    all_["regression"] = hk.fit(NUMBERS, setting)
    *_, double = hk.train(NUMBERS, setting, dtype=torch.float64)
    all_["double"] = double[0, 0]
    about = DATA, QUICK
    lists = {"hidden": [(3,), (4, 5)], "activation": ["tanh", "relu"]}
    all_["grid"] = hk.grid_search(*about, seeds=(5, 2, 2**40 + 1), **lists)
    lists = {"optimizer": list(TABLE["optimizer"].ticks), "momentum": [0.5]}
    all_["optimizers"] = hk.grid_search(*about, weight_decay=[0, 0.01], **lists)
    lists = {"clip": [0, 0.1], "class_weight": ["none", "balanced"]}
    all_["loss"] = hk.grid_search(*about, label_smoothing=[0, 0.2], **lists)
    long, lists = QUICK.but(epochs=12), {"lr": [0.01, 0.3, 0.6], "patience": [0, 1, 3]}
    all_["patience"] = hk.grid_search(DATA, long, seeds=range(2), **lists)
    all_["dropped"] = hk.successive_halving(DATA, long, n_trials=6, eta=2, **lists)
    plans = ["constant", "one-cycle", (1, 0.5)]
    all_["schedules"] = hk.grid_search(*about, schedule=plans, warmup=[0, 1 / 12, 0.2])
    plans = ["step", "cosine", "linear"]
    all_["rises"] = hk.grid_search(*about, schedule=plans, warmup=[0.01, 0.2])
    all_["taken names grid"] = hk.grid_search(*about, model=net, hidden=[(2,), (3,)])
    lists = {"momentum": [0, 0.5], "lr": [0.1, 0.2], "twice": [1, 2.0]}
    all_["own grid"] = hk.grid_search(*about, model=Net, **lists)
    rates = {"lr": hk.log_uniform(0.01, 0.1), "dropout": hk.uniform(0, 0.5)}
    all_["halving"] = hk.successive_halving(*about, n_trials=5, eta=2, **rates)
    all_["path"] = hk.one_at_a_time(*about, epochs=[2, 4], batch_size=[8, 16])
    losses = {"lr": [0.001, 0.002], "loss": nn.HuberLoss("sum", 0.5)}
    all_["huber"] = hk.grid_search(NUMBERS, QUICK, **losses)
    all_["own loss"] = hk.fit(DATA, QUICK, loss=loss_of, model=Net)
    weighted = nn.CrossEntropyLoss(torch.linspace(1, 2, DATA.n_outputs))
    all_["weighted"] = hk.fit(DATA, QUICK, loss=weighted)
    all_["smooth"] = hk.fit(NUMBERS, QUICK, loss=F.smooth_l1_loss)
    setting = QUICK.but(class_weight="balanced", label_smoothing=0.2)
    known = np.flatnonzero(DATA.train.y)  # a fold in time may lack a class
    about = DATA.train.X, DATA.train.y, [known] * 3, DATA.features, DATA.classes
    fold = hk.Dataset.of_rows("fold", *about, standardize=False)
    all_["a class less"] = hk.fit(fold, setting)
    training = hk.train(DATA, QUICK.but(epochs=2000), tick=0)
    all_["stopped"] = [*itertools.islice(training, 40)][-1][0, 0]
    training.close()
    return all_


RUN_ALL = """
import glob, runpy, sys, numpy as np
sys.modules["hpkit"] = None
runs = {path: runpy.run_path(path)["val_loss"] for path in glob.glob("*.py")}
np.savez("curves.npz", **runs)
"""


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """Return pairs by name: what was trained, and the curves of its script."""
    folder = tmp_path_factory.mktemp("scripts")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of stacks that are not
        trained = found()
    for number, each in enumerate(trained.values()):
        each.as_pytorch(folder / f"s{number}.py")
    command = [sys.executable, "-I", "-c", RUN_ALL]
    subprocess.run(command, cwd=folder, check=True)
    curves = np.load(folder / "curves.npz")
    names = enumerate(trained.items())
    return {name: (each, curves[f"s{k}.py"]) for k, (name, each) in names}


def test_scripts_give_the_curves_of_hpkit(both):
    for name, (each, curves) in both.items():
        about = {"atol": 1e-5, "err_msg": name, "strict": True}  # its shape, too
        np.testing.assert_allclose(curves, each.val_loss, **about)


def test_every_hyperparameter_and_choice_is_in_a_script(both):
    for name, facts in TABLE.items():
        choices = facts.ticks if facts.kind == "choice" else ()
        assert {*choices} <= {*OTHER[name], getattr(hk.Hyperparameters, name)}
        for value in OTHER[name]:
            text = both[f"{name}={value}"][0].as_pytorch()
            assert facts.kind == "choice" or f"\n{name} = {value!r}\n" in text, name


def test_scripts_are_what_a_person_would_write(both, tmp_path):
    texts = [each.as_pytorch() for each, _ in both.values()]
    texts += [scripts(each, "r.npz", "")["PyTorch"] for each, _ in both.values()]
    for number, text in enumerate(texts):
        assert not any(word.isupper() and "_" in word for word in text.split())
        (tmp_path / f"s{number}.py").write_text(text)
    rules = ["--isolated", "--select", "E,F,W,I,B,UP", "--ignore", "B905,B007"]
    command = [sys.executable, "-m", "ruff", "check", *rules, str(tmp_path)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    assert done.returncode == 0, done.stdout


def around(units):
    def model(n_features, n_outputs, setting):
        return nn.Sequential(nn.Linear(n_features, units), nn.Linear(units, n_outputs))

    return model


@functools.cache
def decorated(n_features, n_outputs, setting):
    return nn.Linear(n_features, n_outputs)


def of_hpkit(n_features, n_outputs, setting):
    return hk.engine.dense.network(n_features, n_outputs, setting)


LINEAR = nn.Linear


def of_torch(n_features, n_outputs, setting):
    return LINEAR(n_features, n_outputs, bias=bool(setting.epochs))


def test_a_model_without_a_source_of_its_own_has_a_place_in_the_script():
    for model in around(3), decorated, of_hpkit, functools.partial(Net):
        assert source_of(model, set())[:2] == ("", None), model


@pytest.fixture
def ran(tmp_path, monkeypatch):
    """Return what runs the script of a result, and gives its text and its names."""
    monkeypatch.chdir(tmp_path)

    def ran(found, path="run.py", **names):
        found.as_pytorch(path)
        exec(script := Path(path).read_text("utf-8"), names)
        np.testing.assert_allclose(names["val_loss"], found.val_loss, atol=1e-5)
        return script, names

    return ran


def test_a_model_or_loss_of_unknown_source_has_a_place_in_the_script(ran):
    run = hk.fit(DATA, QUICK.but(dropout=0.5), model=lambda *about: of_torch(*about))
    script, names = ran(run, model=of_torch)
    assert "\n# Put the function that makes your network here" in script
    assert vars(names["setting"]) | {"own": ()} == {**vars(run.setting)}  # all of it
    run = hk.fit(DATA, QUICK, loss=lambda outputs, targets: loss_of(outputs, targets))
    assert '"학습_data.npz"' in ran(run, "학습.py", loss_of=loss_of)[0]
    assert [*scripts(run, "r.npz", "")] == ["PyTorch"]


NETS = """from torch import nn


def net(n_features, n_outputs, setting):
    first = nn.Linear(n_features, setting.hidden[0] * len(setting.tag))
    return nn.Sequential(first, nn.ReLU(), nn.LazyLinear(n_outputs))
"""


def handed_on(n_features, n_outputs, setting):
    import nets

    return nets.net(n_features, n_outputs, setting)


def test_a_setting_is_whole_where_another_module_reads_it(ran, monkeypatch):
    Path("nets.py").write_text(NETS)
    monkeypatch.syspath_prepend(Path.cwd())
    run = hk.fit(DATA, QUICK.but(own={"tag": "$ROWS"}), model=handed_on)
    assert ran(run)[1]["setting"].tag == "$ROWS"


def test_a_script_has_the_source_of_a_module_loaded_again(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    for width in (4, 16):
        more = " + 0" * width
        code = f"from torch import nn\ndef made(n, k, s): return nn.Linear(n, k{more})"
        code += f"\nclass Net:\n    def a(s): pass\n    def b(s): return 0{more}"
        (tmp_path / "again.py").write_text(code)
        module = importlib.reload(importlib.import_module("again"))
        for part in (module.made, module.Net):
            assert source_of(part, set())[1].count("+") == width
    (tmp_path / "again.py").write_text("")  # not loaded yet
    assert source_of(module.made, set())[1].count("+") == width


def test_results_of_which_the_network_or_the_rows_are_gone_are_refused(tmp_path):
    grid = hk.grid_search(DATA, QUICK, lr=[0.1, 0.2])
    loaded = hk.load(grid.save(tmp_path / "grid.json"), DATA)
    gone = hk.load(tmp_path / "grid.json").dataset

    assert scripts(loaded, "r.npz", "") == scripts(None, "r.npz", "") == {}
    with pytest.raises(ValueError, match=r"must come from training, got .*; train"):
        loaded.as_pytorch()
    run = dataclasses.replace(grid.best_run, dataset=gone)
    with pytest.raises(ValueError, match=r"needs .*, got 'mine, own' .*; give"):
        run.as_pytorch(tmp_path / "run.py")
    assert not list(tmp_path.glob("run*"))
    for path in (tmp_path / "none" / "run.py", 3, "\0"):
        with pytest.raises((OSError, TypeError), match=r".*, got .*; .*"):
            grid.as_pytorch(path)
    own = QUICK.but(own={"seed": 3})
    own = hk.fit(DATA, own, model=lambda i, o, s: nn.Linear(i, o + 0 * s.seed))
    assert scripts(own, "r.npz", "") == {}
    with pytest.raises(ValueError, match=r"variables of its own, got .*'seed'"):
        own.as_pytorch()
    odd = tmp_path / ("a'b.py" if sys.platform == "win32" else 'a"b.py')
    compile(grid.best_run.as_pytorch(odd), odd, "exec")


FULL = QUICK.but(batch_size=54, epochs=30, lr=0.02)  # all rows: no order


@pytest.mark.parametrize(
    ("data", "setting", "kind"),
    [
        (DATA, FULL.but(momentum=0.9, activation="tanh"), MLPClassifier),
        (DATA, FULL.but(optimizer="adam", hidden=()), MLPClassifier),
        (NUMBERS, FULL.but(optimizer="adam"), MLPRegressor),
    ],
)
def test_scikit_learn_gives_the_same_curve(data, setting, kind, ran, monkeypatch):
    run = hk.fit(data, setting, seed=2**32)
    draws = torch.Generator().manual_seed(0)

    def first_weights(net, n_in, n_out, dtype):
        weight = torch.empty(n_out, n_in).uniform_(-1, 1, generator=draws) / n_in**0.5
        bias = torch.empty(n_out).uniform_(-1, 1, generator=draws) / n_in**0.5
        return weight.numpy().T.astype(dtype), bias.numpy().astype(dtype)

    monkeypatch.setattr(kind, "_init_coef", first_weights)
    ran(run)
    exec(scripts(run, "run_data.npz", "")["scikit-learn"], names := {})

    np.testing.assert_allclose(names["val_loss"], run.val_loss[1:], atol=1e-3)


def test_scikit_learn_is_offered_for_a_whole_grid_alone(ran, capsys):
    lists = {"lr": [0.01, 0.1], "hidden": [(4,), (8, 8)], "optimizer": ["sgd", "adam"]}
    grid = hk.grid_search(DATA, QUICK, seeds=(0, 2**32 + 1), **lists)
    ran(grid)
    exec(scripts(grid, "run_data.npz", "by_call")["scikit-learn"], names := {})
    found = names["search"].cv_results_

    assert len(found["params"]) == 16
    assert {*found["params"][0]} > {"hidden_layer_sizes", "learning_rate_init"}
    assert "'solver': " in capsys.readouterr().out
    drawn = {"lr": hk.uniform(0.1, 0.2), "momentum": [0, 0.5]}
    for search in (
        hk.grid_search(DATA, QUICK, optimizer=["adam", "rmsprop"]),
        hk.grid_search(NUMBERS, QUICK, lr=[0.1, 0.2]),
        hk.random_search(DATA, QUICK, n_trials=3, **drawn),
        hk.validation_curve(DATA, QUICK, param_name="weight_decay", param_range=[0, 1]),
        hk.grid_search(DATA, QUICK, lr=[0.1, 0.2], model=Net),
    ):
        assert list(scripts(search, "r.npz", "")) == ["PyTorch"]
