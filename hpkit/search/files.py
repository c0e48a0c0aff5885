"""Searches as files: plain JSON.

A file holds settings and curves, not the weights and not the data. With ``storage=`` a
search that was stopped or killed goes on where it was: beside its file lies, until it
has ended, the state of the runs under way, in `tuning.json.state-0` and `-1` in turn.
The JSON names the one that is its own, so that both are always of one moment.
"""

import ast
import contextlib
import dis
import functools
import glob
import hashlib
import json
import math
import time
from dataclasses import is_dataclass, replace
from itertools import product
from numbers import Integral, Real
from pathlib import Path

import numpy as np

from hpkit import hyperparameters as hp
from hpkit import store
from hpkit.data.datasets import Dataset, check_dataset, rowless_dataset
from hpkit.engine.as_pytorch import source_of
from hpkit.engine.files import file_errors_refused
from hpkit.engine.runs import CURVES, Cost, Lost, Run, Runs, fill_arrays
from hpkit.engine.stack import pack, unpack
from hpkit.engine.training import Group, Training
from hpkit.hyperparameters import NAMES, Hyperparameters, check_seeds, refusal
from hpkit.locale import words
from hpkit.search.result import Rung, Search, Step
from hpkit.search.space import Range, check_space

FORMAT, VERSION = "hpkit search", 1
_PARTS = ("kind", "finished", "base", "space", "planned", "steps", "rungs", "lost")
WRITE_SECONDS, WRITE_SHARE = 1.0, 0.05  # between two writings; their part of the time


def save_search(search, path, **more):
    plain = {"format": FORMAT, "version": VERSION}
    plain |= {name: _to_json(getattr(search, name)) for name in _PARTS}
    for step, own in zip(plain["steps"], search.steps, strict=True):
        step["winner"] = own.winner and search.settings.index(own.winner)
    with file_errors_refused(path):
        store.write(path, json.dumps(plain | runs_to_json(search.runs) | more))
    return Path(path)


def _to_json(value):
    if isinstance(value, Hyperparameters):
        return setting_to_json(value)
    if is_dataclass(value):
        same = ("whole", False)  # as before there were whole ranges
        value = dict(part for part in vars(value).items() if part != same)
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
    search, plain = read(path, dataset)
    if dataset and not plain["dataset"].items() <= about_data(dataset).items():
        raise refusal("other_data", dataset.name, name=plain["dataset"]["name"])
    return search


def read(path, dataset):
    """Return the search of a file, and all that stands there."""
    if dataset is not None:
        check_dataset(dataset)
    with file_errors_refused(path):
        content = Path(path).read_bytes()
    try:
        plain = json.loads(content)
        if plain["format"] != FORMAT or plain["version"] > VERSION:
            raise ValueError
        return _search_from_json(plain, dataset), plain
    except store.DAMAGED:
        raise refusal("not_saved", str(path)) from None


def _search_from_json(plain, dataset):
    runs, base = runs_from_json(plain, dataset), Hyperparameters(**plain["base"])
    space = _tuples(plain["space"])
    space = {n: Range(**v) if isinstance(v, dict) else v for n, v in space.items()}
    space = space and check_space(plain["kind"], space, ranges=True, own=dict(base.own))
    steps = []
    for step in map(_tuples, plain["steps"]):
        step |= {"base": Hyperparameters(**step["base"]), "cost": Cost(**step["cost"])}
        if step["winner"] is not None:
            step["winner"] = runs.settings[step["winner"]]
        steps.append(Step(**step))
    rungs = tuple(Rung(**_tuples(rung)) for rung in plain["rungs"])
    lost = tuple(Lost(**_tuples(part)) for part in plain["lost"])
    runs = replace(runs, lost=frozenset(run for part in lost for run in part.runs))
    about = plain["kind"], base, space, runs, Cost(**plain["planned"])
    search = Search(*about, plain["finished"], tuple(steps), rungs, lost)
    _ = search.describe(), search.best_so_far()  # what they can't read is no search
    return search


def _tuples(plain):
    if isinstance(plain, dict):
        return {name: _tuples(value) for name, value in plain.items()}
    return tuple(map(_tuples, plain)) if isinstance(plain, list) else plain


def runs_to_json(runs):
    plain = []
    for i, k in np.argwhere(runs.epochs_done >= 0).tolist():
        run, one = runs[i, k], {"setting": i, "seed": k}
        curves = {n: getattr(run, n) for n in CURVES if getattr(run, n) is not None}
        curves = {n: numbers_to_json(curve) for n, curve in curves.items()}
        plain.append(one | {"fit_time": run.fit_time} | curves)
    found = {"dataset": about_data(runs.dataset), "seeds": list(runs.seeds)}
    found |= {"settings": list(map(setting_to_json, runs.settings)), "runs": plain}
    more = {"folds": len(runs.folds), "failed": sorted(runs.lost)}
    return found | {name: value for name, value in more.items() if value}


def about_data(data):
    about = {n: _to_json(getattr(data, n)) for n in ("name", "features", "classes")}
    return about | {"n_train": data.n_train}


def runs_from_json(plain, dataset=None):
    if dataset is None:
        own = dict(plain["dataset"])
        dataset = rowless_dataset(absent_rows=own.pop("n_train", 0), **own)
    settings = tuple(Hyperparameters(**s) for s in plain["settings"])
    seeds, runs = check_seeds(plain["seeds"]), []
    for run in plain["runs"]:
        curves = {n: numbers_from_json(run[n]) for n in CURVES if n in run}
        curves = dict.fromkeys(CURVES) | curves | {"fit_time": run["fit_time"]}
        setting, seed = settings[run["setting"]], seeds[run["seed"]]
        runs.append(Run(dataset, setting, seed, **curves))
    # Curves alone: of the folds it is enough to know how many there were.
    folds = (dataset,) * plain.get("folds", 0)
    lost = frozenset(map(tuple, plain.get("failed", ())))
    return replace(Runs.of(runs, settings, seeds), folds=folds, lost=lost)


def setting_to_json(setting):
    # What was added since, where it says something: files stay as they were.
    names = [name for name in hp.names_to_show(setting) if name in NAMES]
    plain = {name: _to_json(getattr(setting, name)) for name in names}
    return plain | ({"own": _to_json(dict(setting.own))} if setting.own else {})


def numbers_to_json(values):  # JSON has no sign for nan and inf
    return [float(v) if math.isfinite(v) else str(float(v)) for v in values]


def numbers_from_json(values):
    return np.array([float(v) for v in values])


def starts_alike(plan, runs, said=None):
    """Say whether runs began as they would with a plan's data, model and scores."""
    # That which learned most is looked at: in another model it would differ most.
    run = min(runs, key=lambda run: run.best_val_loss)
    about = {"seeds": (run.seed,), "model": plan.model}
    training = Training(plan.dataset, run.setting, **about)
    # A model whose code is not known trains for an epoch: before, dropout says nothing.
    end, near = (0, 1e-5) if _code_of(plan.model) else (min(1, run.epochs_done), 1e-3)
    training.advance(math.inf, end)
    said = training.probe if said is None else list(map(float, said))
    new = [*_start(training.runs[0, 0], end), *training.probe]
    old = [*_start(run, end), *said]
    return len(new) == len(old) and np.allclose(new, old, near, 0, True)


def identity_of(plan):
    """Return what tells the data, the seeds and the model of a search from others."""
    facts = {"dataset": about_data(plan.dataset), "seeds": list(plan.seeds)}
    facts |= {"rows": plan.dataset.fingerprint, "code": _code_of(plan.model)}
    facts["held"] = _held_by(plan.model)
    return {name: fact for name, fact in facts.items() if fact}


def differing_part(plan, facts, told, runs):
    """Return the part in which what was told is of another search, or None."""
    for name, fact in facts.items():
        if told.get(name, fact) != fact:
            return {"rows": "dataset", "code": "model", "held": "model"}.get(name, name)
    alike = len(runs) == 0 or starts_alike(plan, runs, told.get("said"))
    return None if alike else "model"


def _code_of(model):
    """Return a mark of a model's source with all that it uses; None if not known."""
    if model is None:
        return "hpkit"
    tree = ast.parse(source_of(model, set())[1] or "")
    for node in ast.walk(tree):
        if isinstance(node, ast.Set):  # whose order is another in each process
            node.elts.sort(key=ast.dump)
    return hashlib.sha256(ast.unparse(tree).encode()).hexdigest() if tree.body else None


def _held_by(model):
    """Return a mark of the numbers and texts in a partial or a closure, or None."""
    function, held = model, []
    if isinstance(model, functools.partial):
        function = model.func
        held = [*enumerate(model.args), *sorted(model.keywords.items())]
    if code := getattr(function, "__code__", None):
        steps = dis.get_instructions(code)
        changing = {step.argval for step in steps if step.opname == "STORE_DEREF"}
        cells = zip(code.co_freevars, function.__closure__ or (), strict=True)
        for name, cell in cells:
            with contextlib.suppress(ValueError):  # an empty one
                held += [(name, cell.cell_contents)] if name not in changing else []
    said = [(name, one) for name, v in held if (one := _constant(v)) is not None]
    return hashlib.sha256(repr(said).encode()).hexdigest() if said else None


def _constant(value):
    if isinstance(value, Real):  # of NumPy, too
        return int(value) if isinstance(value, Integral) else float(value)
    if isinstance(value, tuple):
        parts = tuple(map(_constant, value))
        return None if None in parts else parts
    return value if isinstance(value, str) else None


def _start(run, end):
    for curve in (run.train_loss, run.val_loss, run.val_metric):
        yield from [np.nan] if curve is None else curve[: end + 1]


class Storage:
    """The file of a search: `resume` reads what is done, `keep` writes what is new."""

    def __init__(self, path, plan):
        from filelock import FileLock  # 0.07 s that few need

        self.before, self.rungs = None, ()
        self.state = 1  # number of the state file that the JSON names
        self.next, self.last = 0.0, None  # when to write, (search, training) to write
        self.facts = identity_of(plan)
        self.lock = FileLock(f"{path}.lock", timeout=0)
        with file_errors_refused(path):
            self.path = Path(path)
            if not self.path.exists():
                probe = Path(f"{path}.probe.new")  # the call may still be refused
                probe.write_bytes(b"")
                probe.unlink()
                return
        self.before, told = read(str(self.path), plan.dataset)
        runs, self.rungs = self.before.runs, self.before.rungs
        self.known = set(map(tuple, np.argwhere(runs.epochs_done >= 0).tolist()))
        kept = self.rungs[-1].kept if self.rungs else range(len(runs.settings))
        self.done = {at for at in self.known if runs.ended[at] or at[0] not in kept}
        self.state = 0 if told.get("state") == 0 else 1
        for name in ("kind", "base", "space"):
            if getattr(self.before, name) != getattr(plan, name):
                self.refuse(name)
        if part := differing_part(plan, self.facts, told, self.before.runs):
            self.refuse(part)

    def refuse(self, name):
        raise refusal("storage", str(self.path), part=words("search")["parts"][name])

    def resume(self, training):
        """Put into a training what the file has of its new settings."""
        if self.before is None:
            return
        first, end = training.first, len(training.settings)
        old = self.before.settings[first:end]
        same = training.settings[first:][: len(old)] == old
        # More of them, by a larger n_trials, are welcome, but not once runs were cut.
        if first == 0 and not (same and (len(old) == end or not self.rungs)):
            self.refuse("settings")
        if not same:  # a later stage that goes another way now
            return
        new = set(product(range(first, end), range(len(training.seeds))))
        groups = [g for g in self._groups() if new >= {*g.runs}]
        going = {run for group in groups for run in group.runs}
        begun = {run for group in groups if group.state for run in group.runs}
        done = new & self.done
        for run in done | (begun & self.known):
            fill_arrays(training.arrays, run, self.before.runs[run])
        for part in self.before.lost:  # of what a cut dropped; all else is tried again
            if runs := tuple(run for run in part.runs if run in done):
                training.lost += (replace(part, runs=runs),)
        if left := new - done - going:
            for group in training.groups():
                runs = [run for run in group.runs if run in left]
                groups.append(group._replace(runs=runs))
        training.take([group for group in groups if group.runs])

    def _groups(self):
        if "code" not in self.facts and self.before.runs.epochs_done.max() < 1:
            return []  # nothing tells yet whether it is the same model
        try:
            state = Path(f"{self.path}.state-{self.state}").read_bytes()
            groups = unpack(state)["groups"]
            return [Group(list(map(tuple, runs)), *more) for runs, *more in groups]
        except Exception:  # lost or damaged: these runs are trained anew
            return []

    def save_when_due(self, search, training):
        """Write a search down if it is time to, and always when it has ended."""
        known = len(self.before.settings) if self.before else 0
        if len(search.runs) == 0 or len(search.settings) < known:  # the file has more
            return self._tidy("lock") if search.finished else None
        self.last = search, training
        if search.finished or time.perf_counter() >= self.next:
            self.write()

    def write(self):
        start, state = time.perf_counter(), 1 - self.state
        search, training = self.last
        content = pack({"groups": list(map(tuple, training.groups()))})
        said = {"said": list(map(str, training.probe))} if training.probe else {}
        try:
            with file_errors_refused(str(self.path)):
                store.write(f"{self.path}.state-{state}", content)
                save_search(search, self.path, state=state, **said, **self.facts)
                self.state = state
                if search.finished:
                    self._tidy("lock", "state-*", "*.new")
        except OSError as error:  # a full disk ends no search; the next time it may go
            hp.warn(str(error))
            if search.finished:
                self.lock.release(force=True)
        took = time.perf_counter() - start
        self.next = start + took + max(WRITE_SECONDS, took / WRITE_SHARE)

    def _tidy(self, *ends):
        """Remove the states, and what kills have left of files half written."""
        self.lock.release(force=True)
        for end in ends:
            for other in self.path.parent.glob(f"{glob.escape(self.path.name)}.{end}"):
                other.unlink(missing_ok=True)

    @contextlib.contextmanager
    def locked(self, training):
        """Hold the file's lock; write once more when a search is left in its midst."""
        try:
            self.lock.acquire()  # until the search has ended
        except TimeoutError:
            raise refusal("storage_busy", str(self.path)) from None
        except (OSError, NotImplementedError):  # a disk without locks
            pass
        try:
            self.resume(training)
            yield
        except BaseException as left:
            if self.last and isinstance(left, GeneratorExit):
                self.write()
            self.lock.release(force=True)
            raise
