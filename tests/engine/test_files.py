"""Runs as files and as plain modules: they give the numbers of the run, or are refused.

What needs no hpkit is asked in another interpreter, which cannot import it.
"""

import subprocess
import sys
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from architectures import ALL, Counting, NoisyWhenMeasured
from torch import nn

import hpkit as hk

SAVED = Path(__file__).parent / "saved"  # written at commit 0ee1b4f
RNG = np.random.default_rng(5)
RAW = RNG.normal([500, *[0.01] * 7], [100, *[0.002] * 7], (90, 8))
NAMES = [f"column {i}" for i in range(8)]
KINDS = np.array(["low", "mid", "high"])[np.digitize(RAW[:, 0], [450, 550])]
DATA = {
    "classes": hk.Dataset.from_arrays(RAW, KINDS, features=NAMES),
    "regression": hk.Dataset.from_arrays(RAW, RAW[:, 0] * 3 - 7, features=NAMES),
}
SETTING = hk.Hyperparameters(epochs=3, batch_size=16, lr=0.05, dropout=0.1)
WITHOUT = """
import sys; sys.modules["hpkit"] = None
import numpy, torch
rows = torch.tensor(numpy.load("rows.npy"))
modules = {
    "classes": torch.load("classes.pth", weights_only=False),
    "regression": torch.export.load("regression.pt2").module(),
}
for kind, module in modules.items():
    said = module(rows).detach().numpy()
    numpy.testing.assert_allclose(said, numpy.load(kind + ".npy"), rtol=1e-12)
kept = torch.load("classes.pt", weights_only=True)
net = torch.nn.Sequential(
    torch.nn.Linear(8, 16), torch.nn.ReLU(), torch.nn.Dropout(),
    torch.nn.Linear(16, 16), torch.nn.ReLU(), torch.nn.Dropout(),
    torch.nn.Linear(16, 3),
).eval()
net.load_state_dict(kept["best"])
rows = (rows - kept["dataset"]["center"]) / kept["dataset"]["scale"]
said = net(rows.float()).double().softmax(1).detach().numpy()
numpy.testing.assert_allclose(said, numpy.load("classes.npy"), rtol=1e-12)
"""


@pytest.fixture(scope="module")
def run():
    return hk.fit(DATA["classes"], SETTING, seed=1)


NOT_TO_USE = {NoisyWhenMeasured, Counting}  # no other network is as they were


@pytest.mark.parametrize("model", sorted({*ALL} - NOT_TO_USE, key=ALL.index))
@pytest.mark.filterwarnings("ignore::hpkit.engine.own_networks.OneByOneWarning")
def test_own_network_predicts_the_same_from_a_file_and_as_a_module(model, tmp_path):
    *_, runs = hk.train(DATA["classes"], SETTING, model=model, seeds=(0, 3))
    run = runs[0, 1]

    loaded = hk.load_model(path := run.save(tmp_path / "own.pt"), model=model)

    assert {*run.network().state_dict()} <= {*torch.load(path)["best"]}  # also if tied
    for epoch in "best", "last":
        said = run.predict_proba(RAW, epoch)
        assert np.array_equal(loaded.predict_proba(RAW, epoch), said)
    module = run.to_module("last")(torch.tensor(RAW)).detach().numpy()
    assert module == pytest.approx(said, abs=1e-6)  # float32


def test_text_and_gaps_are_prepared_as_they_were_for_training(tmp_path):
    frame = pd.DataFrame(RAW, columns=NAMES).assign(city=["Rome", "Oslo", None] * 30)
    frame.loc[::7, NAMES[1]] = np.nan
    data = hk.Dataset.from_frame(frame.assign(kind=KINDS), "kind")
    run = hk.fit(data, SETTING)
    loaded = hk.load_model(run.save(tmp_path / "table.pt"))

    assert loaded.dataset.preparation == data.preparation
    said = run.predict_proba(frame)
    assert np.array_equal(loaded.predict_proba(frame), said)
    for row in (frame.iloc[7], frame.iloc[7].to_dict()):
        assert loaded.predict_proba(row) == pytest.approx(said[7:8])
    columns = torch.tensor(data.valid.X * data.scale + data.center)
    module = run.to_module()(columns).detach().numpy()
    assert module == pytest.approx(run.predict_proba(data.valid))


def test_double_weights_come_back_as_such(tmp_path):
    *_, runs = hk.train(DATA["regression"], SETTING, dtype=torch.float64)
    loaded = hk.load_model(runs[0, 0].save(tmp_path / "run.pt"))
    assert loaded.network()[0].weight.dtype == torch.float64
    assert np.array_equal(loaded.predict(RAW), runs[0, 0].predict(RAW))


def test_loaded_run_is_the_run_without_its_rows(run, tmp_path):
    loaded = hk.load_model(run.save(tmp_path / "run.pt"))

    assert repr(loaded) == repr(run)
    assert loaded.setting == run.setting
    assert np.array_equal(loaded.val_accuracy, run.val_accuracy)
    for name in "features", "classes", "n_train":
        assert getattr(loaded.dataset, name) == getattr(run.dataset, name)
    row = dict(zip(NAMES, RAW[0], strict=True))
    assert set(loaded.predict(row, names=True)) <= {*KINDS}
    again = hk.load_model(loaded.save(tmp_path / "again.pt"))
    assert again.predict(RAW[:0]).shape == (0,)
    with pytest.raises(ValueError, match="needs the rows of the data set, got"):
        loaded.test_loss()


def test_module_and_file_need_no_hpkit(run, tmp_path):
    other, rows = hk.fit(DATA["regression"], SETTING), torch.tensor(RAW)
    run.save(tmp_path / "classes.pt")
    torch.save(run.to_module(), tmp_path / "classes.pth")
    many = ({0: torch.export.Dim("n")},)
    program = torch.export.export(other.to_module(), (rows[:5],), dynamic_shapes=many)
    torch.export.save(program, tmp_path / "regression.pt2")
    np.save(tmp_path / "classes.npy", run.predict_proba(RAW))
    np.save(tmp_path / "regression.npy", other.predict(RAW))
    np.save(tmp_path / "rows.npy", RAW)

    done = subprocess.run([sys.executable, "-P", "-c", WITHOUT], cwd=tmp_path)

    assert done.returncode == 0


def test_damaged_and_foreign_files_are_refused(run, tmp_path):
    path = run.save(tmp_path / "run.pt")
    whole, bad = path.read_bytes(), tmp_path / "bad.pt"
    weights = run.network()[0].weight.detach().numpy().tobytes()
    flipped = bytearray(whole)
    flipped[whole.index(weights) + 9] ^= 1
    bads = [b"", b"{}", whole[:-40], whole[50:], flipped]
    newer = torch.load(path, weights_only=True) | {"version": 2}
    for foreign in {"a": torch.zeros(2)}, newer, run.network():  # this one runs code
        torch.save(foreign, bad)
        bads.append(bad.read_bytes())

    words = r"written by run.save\(\), .* older one, got '.*bad"
    for content in bads:
        bad.write_bytes(content)
        with pytest.raises(ValueError, match=words):
            hk.load_model(bad)
    with pytest.raises(OSError, match=r"read or write \(No such file.*; give another"):
        hk.load_model(tmp_path / "none.pt")


def test_own_network_needs_the_function_that_made_it(run, tmp_path):
    own = hk.fit(DATA["classes"], SETTING, model=lambda i, o, _: nn.Linear(i, o))
    own = own.save(tmp_path / "own.pt")
    with pytest.raises(ValueError, match=r"got a network of your own .*; give hpkit\."):
        hk.load_model(own)
    bent = type("Bent", (nn.Linear,), {"forward": lambda net, x: x @ net.weight.T})
    others = lambda i, o, _: nn.Linear(i, o, bias=False), lambda i, o, _: bent(i, o)
    for path, model in product((own, run.save(tmp_path / "run.pt")), others):
        with pytest.raises(ValueError, match="network that was trained, got another"):
            hk.load_model(path, model=model)


def test_a_network_that_takes_other_columns_is_another(tmp_path):
    """Its tensors have the same shapes, and equal columns give the same outputs."""

    def over(columns):
        class Net(nn.Linear):
            def forward(self, x):
                return super().forward(x[:, columns])

        return lambda _, n_outputs, setting: Net(2, n_outputs)

    path = hk.fit(DATA["classes"], SETTING, model=over([0, 1])).save(
        tmp_path / "own.pt"
    )
    hk.load_model(path, model=over([0, 1]))
    with pytest.raises(ValueError, match="network that was trained, got another"):
        hk.load_model(path, model=over([1, 0]))
    with pytest.raises(ValueError, match="out of bounds"):
        hk.load_model(path, model=over([0, 9]))


def test_a_module_says_that_it_predicts_as_it_began():
    run = hk.fit(DATA["classes"], SETTING.but(lr=300.0))
    assert run.best_epoch == 0 < run.epochs_done
    with pytest.warns(UserWarning, match="lowest before any training"):
        run.to_module()
    run.to_module("last")


def test_saved_run_of_an_earlier_version_predicts_as_it_did():
    run = hk.load_model(SAVED / "flats.pt")

    rows = [{"city": "Rome", "size": 50}, {"city": "Oslo", "size": None}]
    said = {"best": [108.98212, 99.500763], "last": [112.5827, 102.00588]}
    for epoch, prices in said.items():
        assert run.predict(rows, epoch) == pytest.approx(prices, rel=1e-6)
    assert (run.setting.lr, run.best_epoch, run.dataset.n_train) == (0.3, 16, 36)
    (size,) = (c for c in run.dataset.preparation if c.name == "size")
    lacking = replace(size, fill=None, missing=False)
    data = replace(run.dataset, preparation=(lacking,))
    with pytest.raises(ValueError, match="got 1 row with some in size; fill them in"):
        data.prepare({"size": None})
