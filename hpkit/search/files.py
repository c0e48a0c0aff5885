"""Searches as files: plain JSON that a person can read, a line a run.

A file holds settings and curves, not the weights and not the data.
"""

import json
import math
from dataclasses import is_dataclass, replace
from pathlib import Path

import numpy as np

from hpkit import store
from hpkit.data.datasets import Dataset, check_dataset, without_rows
from hpkit.engine.files import checked
from hpkit.engine.runs import CURVES, Run, Runs
from hpkit.hyperparameters import NAMES, Hyperparameters, check_seeds, refusal, told
from hpkit.locale import words
from hpkit.search.result import Cost, Lost, Rung, Search, Step
from hpkit.search.space import Range, check_space

FORMAT, VERSION = "hpkit search", 1
_PARTS = ("kind", "finished", "base", "space", "planned", "steps", "rungs", "lost")


def save(search, path, **more):
    plain = {"format": FORMAT, "version": VERSION}
    plain |= {name: _plain(getattr(search, name)) for name in _PARTS}
    for step, own in zip(plain["steps"], search.steps, strict=True):
        step["winner"] = own.winner and search.settings.index(own.winner)
    with checked(path):
        store.write(path, store.as_text(plain | runs_to_plain(search.runs) | more))
    return Path(path)


def _plain(value):
    if isinstance(value, Hyperparameters):
        return setting_to_plain(value)
    if is_dataclass(value):
        same = ("whole", False)  # as before there were whole ranges
        value = {name: v for name, v in vars(value).items() if (name, v) != same}
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    return list(map(_plain, value)) if isinstance(value, tuple) else value


def load(path: str | Path, dataset: Dataset | None = None) -> Search:
    """Return the search that `Search.save` has written, without weights.

    `dataset`: the data that it was trained on, if you have them; the file does not hold
    them. Without: a data set with the names of the columns and no rows.

    Examples
    --------
    >>> import hpkit as hk
    >>> path = hk.grid_search(hk.load_dataset("moons"), lr=[0.1, 1]).save("grid.json")
    >>> hk.load(path).best.lr
    1.0
    >>> path.unlink()
    """
    return read(path, dataset)[0]


def read(path, dataset):
    """Return the search of a file, and all that stands there."""
    if dataset is not None:
        check_dataset(dataset)
    with checked(path):
        plain = _read(path)
    try:
        return _search_from_plain(plain, dataset), plain
    except store.DAMAGED:
        raise refusal("not_saved", str(path)) from None


def _search_from_plain(plain, dataset=None):
    runs, base = runs_from_plain(plain, dataset), Hyperparameters(**plain["base"])
    space = {
        name: Range(**values) if isinstance(values, dict) else _tuples(values)
        for name, values in plain["space"].items()
    }
    space = space and check_space(plain["kind"], space, ranges=True, own=dict(base.own))
    words("search")["kinds"][plain["kind"]]  # one that is known
    steps = []
    for step in map(_tuples, plain["steps"]):
        step |= {"base": Hyperparameters(**step["base"]), "cost": Cost(**step["cost"])}
        if step["winner"] is not None:
            step["winner"] = runs.settings[step["winner"]]
        steps.append(Step(**step))
    rungs = tuple(Rung(**_tuples(rung)) for rung in plain["rungs"])
    lost = tuple(Lost(**_tuples(part)) for part in plain["lost"])
    about = plain["kind"], base, space, runs, Cost(**plain["planned"])
    return Search(*about, plain["finished"], tuple(steps), rungs, lost)


def _tuples(plain):
    if isinstance(plain, dict):
        return {name: _tuples(value) for name, value in plain.items()}
    return tuple(map(_tuples, plain)) if isinstance(plain, list) else plain


def runs_to_plain(runs):
    data, plain = runs.dataset, []
    for i, k in np.argwhere(runs.epochs_done >= 0).tolist():
        run, one = runs[i, k], {"setting": i, "seed": k}
        curves = {n: getattr(run, n) for n in CURVES if getattr(run, n) is not None}
        curves = {n: numbers_to_plain(curve) for n, curve in curves.items()}
        plain.append(one | {"fit_time": run.fit_time} | curves)
    return {
        "dataset": about_data(data),
        "seeds": list(runs.seeds),
        "settings": [setting_to_plain(s) for s in runs.settings],
        "runs": plain,
    } | ({"folds": len(runs.folds)} if runs.folds else {})


def about_data(data):
    about = {n: _plain(getattr(data, n)) for n in ("name", "features", "classes")}
    return about | {"n_train": data.n_train}


def runs_from_plain(plain, dataset=None):
    if dataset is None:
        own = dict(plain["dataset"])
        dataset = without_rows(absent_rows=own.pop("n_train", 0), **own)
    settings = tuple(Hyperparameters(**s) for s in plain["settings"])
    seeds, runs = check_seeds(plain["seeds"]), []
    for run in plain["runs"]:
        curves = {n: numbers_from_plain(run[n]) for n in CURVES if n in run}
        curves = dict.fromkeys(CURVES) | curves | {"fit_time": run["fit_time"]}
        setting, seed = settings[run["setting"]], seeds[run["seed"]]
        runs.append(Run(dataset, setting, seed, **curves))
    # Curves alone: of the folds it is enough to know how many there were.
    folds = (dataset,) * plain.get("folds", 0)
    return replace(Runs.of(runs, settings, seeds), folds=folds)


def setting_to_plain(setting):
    # What was added since, where it says something: files stay as they were.
    names = [name for name in told(setting) if name in NAMES]
    plain = {name: _plain(getattr(setting, name)) for name in names}
    return plain | ({"own": _plain(dict(setting.own))} if setting.own else {})


def numbers_to_plain(values):  # JSON has no sign for nan and inf
    return [float(v) if math.isfinite(v) else str(float(v)) for v in values]


def numbers_from_plain(values):
    return np.array([float(v) for v in values])


def _read(path):
    content = Path(path).read_bytes()
    try:
        plain = json.loads(content)
        sound = plain["format"] == FORMAT and isinstance(plain["version"], int)
    except store.DAMAGED:
        sound = False
    if not sound:
        raise refusal("not_saved", str(path))
    if plain["version"] > VERSION:
        facts = {"most": VERSION, "version": plain["version"]}
        raise refusal("version", str(path), **facts)
    return plain
