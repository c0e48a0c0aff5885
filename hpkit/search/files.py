"""Searches as JSON files.

A file holds settings and curves, but neither weights nor data. With ``storage=`` a
search that was stopped or killed resumes where it was: until it has ended, the file
also holds the state of the runs in training, as text of base64.
"""

import ast
import base64
import contextlib
import dis
import functools
import glob
import hashlib
import inspect
import json
import math
import time
from dataclasses import is_dataclass, replace
from itertools import product
from pathlib import Path

import numpy as np

from hpkit import hyperparameters as hp
from hpkit import store
from hpkit.data.datasets import Dataset, check_dataset, rowless_dataset
from hpkit.engine.as_pytorch import source_of
from hpkit.engine.files import refuse_file_errors
from hpkit.engine.runs import CURVES, Cost, Lost, Run, Runs, fill_arrays
from hpkit.engine.stack import pack, unpack
from hpkit.engine.training import Group, Training
from hpkit.hyperparameters import NAMES, Hyperparameters, check_seeds, refusal
from hpkit.locale import words
from hpkit.search.result import Rung, Search, Step
from hpkit.search.space import Range, check_space

FORMAT, VERSION = "hpkit search", 1
_PARTS = ("kind", "finished", "base", "space", "planned", "steps", "rungs", "lost")
WRITE_SECONDS, WRITE_SHARE = 1.0, 0.05  # least time between writes; most time in them


def save_search(search, path, **extra):
    record = {"format": FORMAT, "version": VERSION}
    record |= {name: _to_json(getattr(search, name)) for name in _PARTS}
    for entry, step in zip(record["steps"], search.steps, strict=True):
        entry["winner"] = step.winner and search.settings.index(step.winner)
    with refuse_file_errors(path):
        store.write(path, json.dumps(record | runs_to_json(search.runs) | extra))
    return Path(path)


def _to_json(value):
    if isinstance(value, Hyperparameters):
        return setting_to_json(value)
    if is_dataclass(value):
        default = ("whole", False)  # not written, as before there were whole ranges
        value = dict(item for item in vars(value).items() if item != default)
    if isinstance(value, dict):
        return {name: _to_json(part) for name, part in value.items()}
    return list(map(_to_json, value)) if isinstance(value, tuple) else value


def load(path: str | Path, dataset: Dataset | None = None) -> Search:
    """Return the search that `Search.save` wrote, without weights.

    `dataset`: the data that it was trained on, which the file does not hold. Without
    it: a data set with the names of the columns and no rows.

    Examples
    --------
    >>> path = hk.grid_search(hk.load_dataset("moons"), lr=[0.1, 1]).save("grid.json")
    >>> hk.load(path).best.lr
    1.0
    >>> path.unlink()
    """
    search, record = read(path, None if dataset is None else check_dataset(dataset))
    if dataset:
        check_data(record, dataset)
    return search


def check_data(record, dataset):
    """Refuse a record of other rows; other programs may use the names for anything."""
    data, given = record.get("dataset"), data_to_json(dataset)
    is_ours = isinstance(data, dict) and data.keys() >= {"name", "classes"}
    rows = record.get("rows", dataset.fingerprint)
    if is_ours and not (data.items() <= given.items() and rows == dataset.fingerprint):
        raise refusal("other_data", dataset.name, name=data["name"])


def read(path, dataset):
    """Return the search in a file, and the file's content as a dict."""
    with refuse_file_errors(path):
        content = Path(path).read_bytes()
    try:
        record = json.loads(content)
        if record["format"] != FORMAT or record["version"] > VERSION:
            raise ValueError
        return _search_from_json(record, dataset), record
    except store.DAMAGED:
        raise refusal("not_saved", str(path)) from None


def _search_from_json(record, dataset):
    runs, base = runs_from_json(record, dataset), Hyperparameters(**record["base"])
    kind, space = record["kind"], _to_tuples(record["space"])
    space = {n: Range(**v) if isinstance(v, dict) else v for n, v in space.items()}
    if kind != "optuna_study":  # which may list what hpkit does not know
        space = check_space(kind, space, ranges=True, own=dict(base.own))
    steps = []
    for step in map(_to_tuples, record["steps"]):
        step |= {"base": Hyperparameters(**step["base"]), "cost": Cost(**step["cost"])}
        if step["winner"] is not None:
            step["winner"] = runs.settings[step["winner"]]
        steps.append(Step(**step))
    rungs = tuple(Rung(**_to_tuples(rung)) for rung in record["rungs"])
    lost = tuple(Lost(**_to_tuples(part)) for part in record["lost"])
    runs = replace(runs, lost=frozenset(run for part in lost for run in part.runs))
    fields = kind, base, space, runs, Cost(**record["planned"]), record["finished"]
    search = Search(*fields, tuple(steps), rungs, lost)
    _ = search.describe(), search.best_so_far()  # raise if the content makes no sense
    return search


def _to_tuples(value):
    if isinstance(value, dict):
        return {name: _to_tuples(part) for name, part in value.items()}
    return tuple(map(_to_tuples, value)) if isinstance(value, list) else value


def runs_to_json(runs):
    rows = []
    for i, k in np.argwhere(runs.epochs_done >= 0).tolist():
        run = runs[i, k]
        curves = {n: numbers_to_json(curve) for n, curve in run._curves.items()}
        rows.append({"setting": i, "seed": k, "fit_time": run.fit_time} | curves)
    record = {"dataset": data_to_json(runs.dataset), "seeds": list(runs.seeds)}
    record |= {"settings": list(map(setting_to_json, runs.settings)), "runs": rows}
    optional = {"folds": len(runs.folds), "failed": sorted(runs.lost)}
    optional["rows"] = runs.dataset.fingerprint
    return record | {name: value for name, value in optional.items() if value}


def data_to_json(dataset):
    record = {n: _to_json(getattr(dataset, n)) for n in ("name", "features", "classes")}
    return record | {"n_train": dataset.n_train}


def runs_from_json(record, dataset=None):
    if dataset is None:
        fields = dict(record["dataset"])
        dataset = rowless_dataset(absent_rows=fields.pop("n_train", 0), **fields)
        vars(dataset)["fingerprint"] = record.get("rows")  # of the rows that it had
    settings = tuple(Hyperparameters(**s) for s in record["settings"])
    seeds, runs = check_seeds(record["seeds"]), []
    for row in record["runs"]:
        curves = {n: numbers_from_json(row[n]) for n in CURVES if n in row}
        curves = dict.fromkeys(CURVES) | curves | {"fit_time": row["fit_time"]}
        setting, seed = settings[row["setting"]], seeds[row["seed"]]
        runs.append(Run(dataset, setting, seed, **curves))
    # Only the number of folds counts, as there are curves, but no rows.
    folds = (dataset,) * record.get("folds", 0)
    lost = frozenset(map(tuple, record.get("failed", ())))
    return replace(Runs.of(runs, settings, seeds), folds=folds, lost=lost)


def setting_to_json(setting):
    # Newer hyperparameters only if they are set: older files and new ones stay alike.
    names = [name for name in hp.names_to_show(setting) if name in NAMES]
    record = {name: _to_json(getattr(setting, name)) for name in names}
    return record | ({"own": _to_json(dict(setting.own))} if setting.own else {})


def numbers_to_json(values):  # JSON has no nan and inf
    return [float(v) if math.isfinite(v) else str(float(v)) for v in values]


def numbers_from_json(values):
    return np.array([float(v) for v in values])


def starts_alike(plan, runs, probe=None, device="cpu", same_code=False):
    """Return whether runs began as they would with a plan's data, model, and scores."""
    # Compare the run that learned most: with another model it would differ most.
    run = min(runs, key=lambda run: run.best_val_loss)
    options = {"seeds": (run.seed,), "model": plan.model, "device": device}
    training = Training(plan.dataset, run.setting, **options)
    # An unknown model trains for an epoch, as dropout does not show before. In a stack
    # rounding may grow as much, where Adam meets a bias before a BatchNorm.
    unknown = plan.model and not same_code
    end, rtol = (min(1, run.epochs_done), 1e-3) if unknown else (0, 1e-5)
    training.advance(math.inf, end)
    probe = training.probe if probe is None else list(map(float, probe))
    new = [*_first_losses(training.runs[0, 0], end), *training.probe]
    old = [*_first_losses(run, end), *probe]
    return len(new) == len(old) and np.allclose(new, old, rtol, 0, equal_nan=True)


def identify(plan):
    """Return what identifies the data, the seeds, and the model of a search."""
    facts = {"dataset": data_to_json(plan.dataset), "seeds": list(plan.seeds)}
    facts |= {"rows": plan.dataset.fingerprint, "code": _hash_code(plan.model)}
    facts["bound"] = _bound_values(plan.model)
    return {name: fact for name, fact in facts.items() if fact}


def differing_part(plan, identity, record, runs):
    """Return the part in which a record is of another search, or None."""
    for name, fact in identity.items():
        if record.get(name, fact) != fact:
            parts = {"rows": "dataset", "code": "model", "bound": "model"}
            return parts.get(name, name)
    # Of what a model imports only the name is known.
    imports = plan.model and source_of(plan.model, set())[0]
    same_code = "code" in identity.keys() & record.keys() and not imports
    about = runs, record.get("said"), plan.device, same_code
    return None if len(runs) == 0 or starts_alike(plan, *about) else "model"


def _hash_code(model):
    """Return a hash of a model's source with all that it uses, or None if unknown."""
    if model is None:
        return "hpkit"
    tree = ast.parse(source_of(model, set())[1] or "")
    for node in ast.walk(tree):
        if isinstance(node, ast.Set):  # its order differs between processes
            node.elts.sort(key=ast.dump)
    return hashlib.sha256(ast.unparse(tree).encode()).hexdigest() if tree.body else None


def _bound_values(model):
    """Return the plain values that a partial or a closure holds, as text, or ""."""
    values = {}
    if isinstance(model, functools.partial):
        values, model = dict(enumerate(model.args)) | model.keywords, model.func
    if inspect.isfunction(model):
        values |= inspect.getclosurevars(model).nonlocals
        for step in dis.get_instructions(model):  # leave out what a call changes
            if step.opname == "STORE_DEREF":
                values.pop(step.argval, None)
    values = {str(n): hp.to_python(value) for n, value in values.items()}
    values = {n: float(v) if isinstance(v, int) else v for n, v in values.items()}
    plain = [(n, v) for n, v in values.items() if isinstance(v, float | str | None)]
    return str(sorted(plain) or "")


def _first_losses(run, end):
    for curve in (run.train_loss, run.val_loss, run.val_metric):
        yield from [np.nan] if curve is None else curve[: end + 1]


class Storage:
    """The file of a search: `resume` restores its runs, `save_when_due` writes them."""

    def __init__(self, path, plan):
        from filelock import FileLock  # 0.07 s that few need

        self.before, self.rungs = None, ()  # the search in the file, and its rungs
        self.due, self.latest = 0.0, None  # when to write, (search, training) to write
        self.identity, self.custom = identify(plan), plan.model is not None
        self.lock = FileLock(f"{path}.lock", timeout=0)
        with refuse_file_errors(path):
            self.path = Path(path)
            if not self.path.exists():
                probe = Path(f"{path}.probe.new")  # the call may still be refused
                probe.write_bytes(b"")
                probe.unlink()
                return
        self.before, record = read(str(self.path), plan.dataset)
        self.state = record.get("state")
        runs, self.rungs = self.before.runs, self.before.rungs
        self.known = set(map(tuple, np.argwhere(runs.epochs_done >= 0).tolist()))
        kept = self.rungs[-1].kept if self.rungs else range(len(runs.settings))
        self.done = {at for at in self.known if runs.ended[at] or at[0] not in kept}
        for name in ("kind", "base", "space"):
            if getattr(self.before, name) != getattr(plan, name):
                self.refuse(name)
        if part := differing_part(plan, self.identity, record, self.before.runs):
            self.refuse(part)

    def refuse(self, name):
        raise refusal("storage", str(self.path), part=words("search")["parts"][name])

    def resume(self, training):
        """Restore what the file has of a training's new settings."""
        if self.before is None:
            return
        first, end = training.first, len(training.settings)
        old = self.before.settings[first:end]
        same = training.settings[first:][: len(old)] == old
        # A larger n_trials may add settings, but not once a rung has cut some.
        if first == 0 and not (same and (len(old) == end or not self.rungs)):
            self.refuse("settings")
        if not same:  # a later stage, with another winner before it
            return
        new = set(product(range(first, end), range(len(training.seeds))))
        groups = [g for g in self._read_groups() if new >= {*g.runs}]
        resumed = {run for group in groups for run in group.runs}
        begun = {run for group in groups if group.state for run in group.runs}
        done = new & self.done
        for run in done | (begun & self.known):
            fill_arrays(training.arrays, run, self.before.runs[run])
        for part in self.before.lost:  # only those that a cut dropped are not retried
            if runs := tuple(run for run in part.runs if run in done):
                training.lost += (replace(part, runs=runs),)
        if missing := new - done - resumed:
            for group in training.groups():
                runs = [run for run in group.runs if run in missing]
                groups.append(group._replace(runs=runs))
        training.take([group for group in groups if group.runs])

    def _read_groups(self):
        if self.custom and self.before.runs.epochs_done.max() < 1:
            return []  # too early to tell whether it is the same model
        try:
            groups = unpack(base64.b64decode(self.state))["groups"]
            return [Group(list(map(tuple, runs)), *rest) for runs, *rest in groups]
        except Exception:  # none, or damaged: train these runs from the start
            return []

    def save_when_due(self, search, training):
        """Write a search if it is time to, and always when it has ended."""
        old = len(self.before.settings) if self.before else 0
        if len(search.runs) == 0 or len(search.settings) < old:  # the file has more
            return self._tidy("lock") if search.finished else None
        self.latest = search, training
        if search.finished or time.perf_counter() >= self.due:
            self.write()

    def write(self):
        start, (search, training) = time.perf_counter(), self.latest
        extra = {"said": list(map(str, training.probe))} if training.probe else {}
        if groups := training.groups():
            state = pack({"groups": list(map(tuple, groups))})
            extra["state"] = base64.b64encode(state).decode()
        try:
            save_search(search, str(self.path), **extra, **self.identity)
            if search.finished:
                self._tidy("lock", "*.new", "state-*")  # of earlier versions
        except OSError as error:  # such as a full disk: warn, and try again next time
            hp.warn(str(error))
            if search.finished:
                self.lock.release(force=True)
        seconds = time.perf_counter() - start
        self.due = start + seconds + max(WRITE_SECONDS, seconds / WRITE_SHARE)

    def _tidy(self, *ends):
        """Release the lock and remove files beside the JSON, by the ends of names."""
        self.lock.release(force=True)
        for end in ends:
            for other in self.path.parent.glob(f"{glob.escape(self.path.name)}.{end}"):
                with contextlib.suppress(OSError):  # open elsewhere: harmless
                    other.unlink()

    @contextlib.contextmanager
    def locked(self, training):
        """Hold the file's lock; write once more if the search is left unfinished."""
        try:
            self.lock.acquire()  # until the search has ended
        except TimeoutError:
            raise refusal("storage_busy", str(self.path)) from None
        except (OSError, NotImplementedError):  # a disk without locks
            pass
        try:
            self.resume(training)
            yield
        except BaseException as error:
            if self.latest and isinstance(error, GeneratorExit):
                self.write()
            self.lock.release(force=True)
            raise
