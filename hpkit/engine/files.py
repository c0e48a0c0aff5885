"""A trained run in a file of torch's, which holds no rows and no code to run."""

import os
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

FORMAT, VERSION = "hpkit model", 1
_UNSAVED = "train", "valid", "test", "test_looks", "absent_rows", "objective", "_table"


def _tensors(net, **options):
    """Return tensors by name; a shared one has all its names, or only the first."""
    return dict(net.named_parameters(**options)) | dict(net.named_buffers(**options))


@contextmanager
def refuse_file_errors(path: str | Path) -> Iterator[None]:
    """Check a path, and refuse in hpkit's words what the file system refuses."""
    if not isinstance(path, str | os.PathLike) or path == "" or "\0" in str(path):
        raise refusal("path", path, kind=TypeError)
    try:
        yield
    except (OSError, UnicodeEncodeError) as error:
        kind = type(error) if isinstance(error, OSError) else ValueError
        reason = store.error_reason(error)
        raise refusal("file", path, kind=kind, reason=reason) from None


def save_run(run, path):
    data = {f.name: getattr(run.dataset, f.name) for f in fields(Dataset)}
    data["preparation"] = [vars(column) for column in run.dataset.preparation]
    record = {"format": FORMAT, "version": VERSION, "own": run.model is not network}
    record["dataset"] = {n: v for n, v in data.items() if n not in _UNSAVED}
    record["n_train"] = run.dataset.n_train
    record["setting"] = {n: v for n, v in vars(run.setting).items() if n != "_made_for"}
    record |= {name: getattr(run, name) for name in ("seed", *CURVES, "fit_time")}
    record = tree_map_only(np.generic, np.generic.item, record)
    for epoch in ("best", "last"):
        tensors = _tensors(run.network(epoch), remove_duplicate=False)
        record[epoch] = {name: value.detach() for name, value in tensors.items()}
    with suppress(Exception):  # it may take only other rows
        record["probe"] = _probe(run)
    record = tree_map_only(np.ndarray, torch.tensor, record)
    with refuse_file_errors(path):
        store.write(path, pack(record))
    return Path(path)


def _probe(run, count=None):
    """Return the outputs for some made-up rows, None if they differ each time."""
    n = run.dataset.n_features
    # All 0, all 1, and rows that tell columns apart: digits of their binary numbers.
    digits = np.arange(1, n + 1) >> np.arange(n.bit_length())[:, None] & 1
    rows = np.vstack([np.zeros(n), np.ones(n), digits])[:count]
    first, second = run.outputs(rows), run.outputs(rows)
    return first if np.array_equal(first, second) else None


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
    make_network = network if check_model(model) is None else model
    with refuse_file_errors(path):
        content = Path(path).read_bytes()
    try:
        saved = unpack(content)
        if saved["version"] > VERSION or saved["format"] != FORMAT:
            raise ValueError
        states = [{**saved.pop(epoch)} for epoch in ("last", "best")]
        saved = tree_map_only(torch.Tensor, torch.Tensor.numpy, saved)
        dataset = rowless_dataset(**saved["dataset"], absent_rows=saved["n_train"])
        setting = Hyperparameters(**saved["setting"])
        curves = {name: saved.get(name) for name in (*CURVES, "fit_time")}
        run = Run(dataset, setting, saved["seed"], **curves, model=make_network)
    except Exception:  # whatever torch raises for a file that is not its own
        raise refusal("not_model", str(path)) from None
    if saved["own"] and make_network is network:
        raise refusal("own_model", str(path))
    net = run._start()
    tensors = _tensors(net, remove_duplicate=False)
    shapes = {name: tensor.shape for name, tensor in tensors.items()}
    if any({n: t.shape for n, t in state.items()} != shapes for state in states):
        raise refusal("other_model", net)
    parts = [[state[name][None] for name in _tensors(net)] for state in states]
    weights = Weights((0,), list(range(len(parts[0]))), *parts)
    run = replace(run, weights=(weights, 0))
    expected = saved.get("probe")
    if expected is not None:
        outputs = _probe(run, len(expected))  # older files have those of the first two
        if outputs is None or not np.allclose(outputs, expected, 1e-3, 1e-4):
            raise refusal("other_model", net)
    return run
