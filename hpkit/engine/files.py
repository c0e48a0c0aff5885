"""A trained run in a file of torch's, read without running code: no rows are in it."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import torch
from torch.utils._pytree import tree_map_only

from hpkit import store
from hpkit.data.datasets import Dataset, rowless_dataset
from hpkit.engine.dense import Model, network
from hpkit.engine.runs import CURVES, Run
from hpkit.engine.stack import Weights, pack, unpack
from hpkit.engine.training import check_model
from hpkit.hyperparameters import Hyperparameters, refusal

ALL = {"remove_duplicate": False}  # as a state_dict names them
FORMAT, VERSION = "hpkit model", 1
_ROWS = "train", "valid", "test", "test_looks", "absent_rows", "objective", "_table"


def _tensors(net, **how):
    return dict(net.named_parameters(**how)) | dict(net.named_buffers(**how))


@contextmanager
def file_errors_refused(path: str | Path) -> Iterator[None]:
    """Check a path, and say what the system says of its file in three parts."""
    if not isinstance(path, str | os.PathLike) or path == "" or "\0" in str(path):
        raise refusal("path", path, kind=TypeError)
    try:
        yield
    except (OSError, UnicodeEncodeError) as error:
        kind = type(error) if isinstance(error, OSError) else ValueError
        why = store.error_reason(error)
        raise refusal("file", path, kind=kind, reason=why) from None


def save_run(run, path):
    data = {f.name: getattr(run.dataset, f.name) for f in fields(Dataset)}
    data["preparation"] = [vars(column) for column in run.dataset.preparation]
    plain = {"format": FORMAT, "version": VERSION, "own": run.model is not network}
    plain |= {"dataset": {n: v for n, v in data.items() if n not in _ROWS}}
    setting = {n: v for n, v in vars(run.setting).items() if n != "_of"}
    plain |= {"n_train": run.dataset.n_train, "setting": setting}
    plain |= {name: getattr(run, name) for name in ("seed", *CURVES, "fit_time")}
    plain = tree_map_only(np.generic, np.generic.item, plain)
    plain = tree_map_only(np.ndarray, torch.tensor, plain)
    for epoch in ("best", "last"):
        tensors = _tensors(run.network(epoch), **ALL)
        plain[epoch] = {name: value.detach() for name, value in tensors.items()}
    plain["probe"] = None if (said := _probe(run)) is None else torch.tensor(said)
    with file_errors_refused(path):
        store.write(path, pack(plain))
    return Path(path)


def _probe(run):
    """Return what a network says of two rows of no table, None if it cannot be told."""
    rows = np.repeat([[0.0], [1.0]], run.dataset.n_features, 1)
    with suppress(Exception):  # it takes other rows alone
        said, again = run.outputs(rows), run.outputs(rows)
        return said if np.array_equal(said, again) else None


def load_model(path: str | Path, *, model: Model | None = None) -> Run:
    """Return the run that `Run.save` wrote: it predicts as before.

    Its `dataset` has names, classes and scales but no rows.

    Parameters
    ----------
    path : str or Path
        Where the file is.
    model : callable, optional
        The function that made the network, if that was your own.

    Examples
    --------
    >>> run = hk.fit(hk.load_dataset("moons"))
    >>> path = run.save("moons.pt")
    >>> hk.load_model(path).predict([[0, 1]])
    array([0])
    >>> path.unlink()
    """
    make = network if check_model(model) is None else model
    with file_errors_refused(path):
        content = Path(path).read_bytes()
    try:
        damaged = zipfile.ZipFile(io.BytesIO(content)).testzip()  # torch does not look
        plain = unpack(content)
        if damaged or plain["format"] != FORMAT:
            raise ValueError
        newer = plain["version"] > VERSION
        if not newer:
            saved = [{**plain.pop(epoch)} for epoch in ("last", "best")]
            plain = tree_map_only(torch.Tensor, torch.Tensor.numpy, plain)
            dataset = rowless_dataset(**plain["dataset"], absent_rows=plain["n_train"])
            setting = Hyperparameters(**plain["setting"])
            curves = {name: plain.get(name) for name in (*CURVES, "fit_time")}
            run = Run(dataset, setting, plain["seed"], **curves, model=make)
    except Exception:  # whatever torch says of a file that is not its own
        raise refusal("not_model", str(path)) from None
    if newer:
        raise refusal("version", str(path), most=VERSION, version=plain["version"])
    if plain["own"] and make is network:
        raise refusal("own_model", str(path))
    net = run._start()
    shapes = {name: value.shape for name, value in _tensors(net, **ALL).items()}
    if any({n: value.shape for n, value in part.items()} != shapes for part in saved):
        raise refusal("other_model", net)
    parts = [[part[name][None] for name in _tensors(net)] for part in saved]
    weights = Weights((0,), list(range(len(parts[0]))), *parts)
    run = replace(run, weights=(weights, 0))
    known = plain.get("probe")
    if known is not None:
        said = _probe(run)
        if said is None or not np.allclose(said, known, 1e-3, 1e-4):
            raise refusal("other_model", net)
    return run
