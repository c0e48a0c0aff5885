"""Searches as files: plain JSON that a person can read, a line a run.

A file holds settings and curves, not the weights and not the data.
"""

import json
import math
import os
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

from hpkit import store
from hpkit.data.datasets import Dataset, Split, check_dataset
from hpkit.engine.runs import CURVES, Runs, empty_arrays
from hpkit.hyperparameters import NAMES, Hyperparameters, check_seeds, refusal
from hpkit.search.result import Cost, Lost, Rung, Search, Step
from hpkit.search.space import Range

FORMAT, VERSION = "hpkit search", 1
# Numbers that JSON has no sign for.
ODD = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


def save(search, path):
    with _checked(path):
        path, plain = Path(path), _search_to_plain(search)
        store.write(path, store.as_text({"format": FORMAT, "version": VERSION} | plain))
        return path


def _search_to_plain(search):
    settings = list(search.settings)
    return {
        "kind": search.kind,
        "finished": search.finished,
        "base": setting_to_plain(search.base),
        "space": {
            name: vars(v) if isinstance(v, Range) else list(v)
            for name, v in search.space.items()
        },
        "planned": vars(search.planned),
        "steps": [
            vars(step)
            | {
                "base": setting_to_plain(step.base),
                "cost": vars(step.cost),
                "winner": step.winner and settings.index(step.winner),
            }
            for step in search.steps
        ],
        "rungs": [vars(rung) for rung in search.rungs],
        "lost": [vars(lost) for lost in search.lost],
    } | runs_to_plain(search.runs)


def load(path: str | Path, dataset: Dataset | None = None) -> Search:
    """Return the search that `Search.save` has written, without weights.

    Parameters
    ----------
    path : str or pathlib.Path
    dataset : Dataset, optional
        The data that it was trained on, if you have them; the file does not hold
        them. Without: a data set with the names of the columns and no rows.
    """
    if dataset is not None:
        check_dataset(dataset)
    with _checked(path):
        plain = _read(path)
    try:
        return _search_from_plain(plain, dataset)
    except store.DAMAGED:
        raise refusal("not_saved", str(path)) from None


@contextmanager
def _checked(path):
    """Check a path, and say what the system says of its file in three parts."""
    if not isinstance(path, str | os.PathLike) or "\0" in str(path):
        raise refusal("path", path, kind=TypeError)
    try:
        yield
    except (OSError, UnicodeEncodeError) as error:
        kind = type(error) if isinstance(error, OSError) else ValueError
        raise refusal("file", path, kind=kind, reason=store.reason(error)) from None


def _search_from_plain(plain, dataset=None):
    runs = runs_from_plain(plain, dataset)
    return Search(
        plain["kind"],
        Hyperparameters(**plain["base"]),
        {name: _values(v) for name, v in plain["space"].items()},
        runs,
        Cost(**plain["planned"]),
        plain["finished"],
        tuple(_step(step, runs.settings) for step in plain["steps"]),
        tuple(
            Rung(r["epoch"], tuple(r["settings"]), tuple(r["kept"]))
            for r in plain["rungs"]
        ),
        tuple(Lost(tuple(map(tuple, x["runs"])), x["reason"]) for x in plain["lost"]),
    )


def _values(plain):
    if isinstance(plain, dict):
        return Range(**plain)
    return tuple(tuple(v) if isinstance(v, list) else v for v in plain)


def _step(plain, settings):
    step = Step(**plain)
    return replace(
        step,
        base=Hyperparameters(**plain["base"]),
        values=_values(plain["values"]),
        settings=tuple(step.settings),
        cost=Cost(**plain["cost"]),
        winner=None if step.winner is None else settings[step.winner],
    )


def runs_to_plain(runs):
    data = runs.dataset
    return {
        "dataset": {
            "name": data.name,
            "features": list(data.features),
            "classes": list(data.classes) if data.classes else None,
            "n_train": data.n_train,
        },
        "seeds": list(runs.seeds),
        "settings": [setting_to_plain(s) for s in runs.settings],
        "runs": [
            {
                "setting": int(i),
                "seed": int(k),
                "fit_time": float(runs.fit_time[i, k]),
            }
            | {
                name: numbers_to_plain(getattr(runs, name)[i, k, : done + 1])
                for name in CURVES
                if getattr(runs, name) is not None
            }
            for (i, k), done in np.ndenumerate(runs.epochs_done)
            if done >= 0
        ],
    }


def runs_from_plain(plain, dataset=None):
    data = plain["dataset"]
    if dataset is None:
        dataset = _absent_dataset(**data)
    settings = tuple(Hyperparameters(**s) for s in plain["settings"])
    seeds = check_seeds(plain["seeds"])
    most = max(len(run["val_loss"]) for run in plain["runs"]) - 1
    arrays = empty_arrays(len(settings), len(seeds), most, dataset)
    for run in plain["runs"]:
        at = run["setting"], run["seed"]
        for name in CURVES:
            if name in run:
                values = numbers_from_plain(run[name])
                arrays[name][at][: len(values)] = values
        arrays["epochs_done"][at] = len(run["val_loss"]) - 1
        arrays["fit_time"][at] = run["fit_time"]
    return Runs(dataset, settings, seeds, **arrays)


def _absent_dataset(name, features, classes, n_train=0):
    X, y = np.empty((0, len(features))), np.empty(0, float if classes is None else int)
    parts = [Split(X, y)] * 3
    nothing, one = np.zeros(len(features)), np.ones(len(features))
    classes = tuple(classes) if classes else None
    return Dataset(
        name, *parts, tuple(features), classes, nothing, one, absent_rows=n_train
    )


def setting_to_plain(setting):
    """Return a setting by name, a tuple as a list."""
    values = {name: getattr(setting, name) for name in NAMES}
    return values | {"hidden": list(setting.hidden)}


def numbers_to_plain(values):
    """Return an array as a list; nan and infinities as text."""
    return [float(v) if math.isfinite(v) else str(float(v)) for v in values]


def numbers_from_plain(values):
    return np.array([ODD[v] if isinstance(v, str) else v for v in values])


def _read(path):
    try:
        plain = json.loads(Path(path).read_text(encoding="utf-8"))
    except UnicodeEncodeError:  # of the path
        raise
    except (ValueError, RecursionError):
        plain = None
    plain = plain if isinstance(plain, dict) else {}
    version = plain.get("version")
    if plain.get("format") != FORMAT or not isinstance(version, int):
        raise refusal("not_saved", str(path))
    if version > VERSION:
        raise refusal("version", str(path), most=VERSION, version=version)
    return plain
