"""Searches as files: plain JSON that a person can read, a line a run.

A file holds settings and curves, not the weights and not the data.
"""

import json
import math
import os
from contextlib import contextmanager
from dataclasses import is_dataclass
from pathlib import Path

import numpy as np

from hpkit import store
from hpkit.data.datasets import Dataset, Split, check_dataset
from hpkit.engine.runs import CURVES, Runs, empty_arrays
from hpkit.hyperparameters import NAMES, Hyperparameters, check_seeds, refusal
from hpkit.locale import words
from hpkit.search.result import Cost, Lost, Rung, Search, Step
from hpkit.search.space import Range, check_space

FORMAT, VERSION = "hpkit search", 1
# Numbers that JSON has no sign for.
ODD = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


def save(search, path):
    with _checked(path):
        path, plain = Path(path), _search_to_plain(search)
        store.write(path, store.as_text({"format": FORMAT, "version": VERSION} | plain))
        return path


def _search_to_plain(search):
    names = ("kind", "finished", "base", "space", "planned", "steps", "rungs", "lost")
    plain = {name: _plain(getattr(search, name)) for name in names}
    for step, own in zip(plain["steps"], search.steps, strict=True):
        step["winner"] = own.winner and search.settings.index(own.winner)
    return plain | runs_to_plain(search.runs)


def _plain(value):
    if is_dataclass(value):
        value = vars(value)
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    return list(map(_plain, value)) if isinstance(value, tuple) else value


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
    runs, base = runs_from_plain(plain, dataset), Hyperparameters(**plain["base"])
    space = {
        name: Range(**values) if isinstance(values, dict) else _tuples(values)
        for name, values in plain["space"].items()
    }
    space = space and check_space(plain["kind"], space, ranges=True)
    words("search")["kinds"][plain["kind"]]  # one that is known
    steps = []
    for step in map(_tuples, plain["steps"]):
        step |= {"base": Hyperparameters(**step["base"]), "cost": Cost(**step["cost"])}
        if step["winner"] is not None:
            step["winner"] = runs.settings[step["winner"]]
        steps.append(Step(**step))
    rungs = tuple(Rung(**_tuples(rung)) for rung in plain["rungs"])
    lost = tuple(Lost(**_tuples(part)) for part in plain["lost"])
    planned, finished = Cost(**plain["planned"]), plain["finished"]
    about = plain["kind"], base, space, runs, planned, finished
    return Search(*about, tuple(steps), rungs, lost)


def _tuples(plain):
    if isinstance(plain, dict):
        return {name: _tuples(value) for name, value in plain.items()}
    return tuple(map(_tuples, plain)) if isinstance(plain, list) else plain


def runs_to_plain(runs):
    data, plain = runs.dataset, []
    names = [name for name in CURVES if getattr(runs, name) is not None]
    for (i, k), done in np.ndenumerate(runs.epochs_done):
        if done >= 0:
            curves = {n: getattr(runs, n)[i, k, : done + 1] for n in names}
            curves = {n: numbers_to_plain(curve) for n, curve in curves.items()}
            seconds = float(runs.fit_time[i, k])
            plain.append({"setting": i, "seed": k, "fit_time": seconds} | curves)
    about = {n: _plain(getattr(data, n)) for n in ("name", "features", "classes")}
    return {
        "dataset": about | {"n_train": data.n_train},
        "seeds": list(runs.seeds),
        "settings": [setting_to_plain(s) for s in runs.settings],
        "runs": plain,
    }


def runs_from_plain(plain, dataset=None):
    if dataset is None:
        dataset = _absent_dataset(**plain["dataset"])
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
    classes, scale = tuple(classes) if classes else None, np.ones(len(features))
    about = name, *[Split(X, y)] * 3, tuple(features), classes, 0 * scale, scale
    return Dataset(*about, absent_rows=n_train)


def setting_to_plain(setting):
    return {name: _plain(getattr(setting, name)) for name in NAMES}


def numbers_to_plain(values):
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
