"""Trainings that outlast failures and kills.

A setting that fails is lost, and the others go on. With ``storage="tuning.json"`` a
search that was stopped, killed or cut off goes on where it was. That file is what
`Search.save` writes; beside it lies, until the search has ended, the state of the runs
under way, in `tuning.json.state-0` and `-1` in turn: the JSON names the one that is its
own, so that both are always of one moment, whenever the process ends.
"""

import contextlib
import os
import time
import warnings
from pathlib import Path

import numpy as np

from hpkit import store
from hpkit.engine.runs import fill
from hpkit.engine.stack import pack, unpack
from hpkit.engine.training import Group, Training
from hpkit.hyperparameters import refusal, was_refused
from hpkit.locale import words
from hpkit.search.files import about_data, checked, read, save
from hpkit.search.result import Lost

_NOTHING = {"epochs_done": -1, "fit_time": 0}
PAUSE, SHARE = 1.0, 0.05  # seconds between two writings; their part of the time


class Lasting(Training):
    """A training in which what fails is lost, and which can be kept in a file."""

    must_fit = min  # of the networks; the others are lost

    def fail(self, runs, failure):
        """Lose runs; of a stack of a learner's, first see which of them it is."""
        if is_ours(failure):
            raise failure
        if len(runs) > 1 and self.own and "waiting" in vars(self):
            for name, array in self.arrays.items():
                if array is not None:
                    array[tuple(np.transpose(runs))] = _NOTHING.get(name, np.nan)
            return self.add([Group([run]) for run in runs])
        reason, lost = f"{type(failure).__name__}: {failure}", self.lost
        if lost and lost[-1].reason == reason:
            runs, lost = (*lost[-1].runs, *runs), lost[:-1]
        self.lost = (*lost, Lost(tuple(runs), reason))
        self.failure = self.failure or failure

    def add(self, groups):
        self.waiting[:0] = groups

    def groups(self):
        """Return all that is still to be trained, as `Group`s to go on with."""
        found = list(self.waiting)
        for stack in self.stacks:
            net = stack.net
            state = None if getattr(net, "has_state", False) else stack.state()
            size = len(stack.flat["weights"])
            about = getattr(net, "stacked", False), size, state
            found.append(Group(stack.runs, *about))
        return found

    def take(self, groups):
        """Train these, in place of what is waiting."""
        self.waiting, self.stacks = list(groups), []


def _start(run):
    """Return what a run has before any training, as far as it tells a model."""
    curves = run.train_loss, run.val_loss, run.val_metric
    return [np.nan if curve is None else curve[0] for curve in curves]


def is_ours(failure):
    """Say whether an error comes of hpkit's own code, not of a model or of memory."""
    if hasattr(failure, "ours"):  # it comes from another process, without its frames
        return failure.ours
    where = failure.__traceback__
    while where and where.tb_next:
        where = where.tb_next
    ours = where and where.tb_frame.f_globals.get("__name__", "").startswith("hpkit.")
    memory = isinstance(failure, MemoryError) or "allocate" in str(failure)
    return ours and not was_refused(failure) and not memory


class Storage:
    """The file of a search: `resume` reads what is done, `keep` writes what is new."""

    def __init__(self, path, plan, model):
        from filelock import FileLock  # 0.07 s that few need

        self.path, self.before, self.rungs = path, None, ()
        self.done, self.going = {}, {}  # runs of the file, by setting and seed
        self.state, self.next, self.last = 1, 0.0, None
        self.begun = False
        self.lock = FileLock(f"{path}.lock", timeout=0)
        with checked(path):
            there = Path(path).exists()
            if not there:
                self._state_path(0).write_bytes(b"")  # it can be written
                self._state_path(0).unlink()  # the call may still be refused
        if there:
            self._read(plan)
        if self.before:
            self._check(plan, model)
            self.rungs = self.before.rungs

    def _state_path(self, number):
        return Path(f"{os.fspath(self.path)}.state-{number}")

    def _read(self, plan):
        try:
            self.before, self.plain = read(self.path, plan.dataset)
            runs, rungs = self.before.runs, self.before.rungs
            going = self.plain.get("going")
            if going is None:  # a file of `Search.save`
                kept = rungs[-1].kept if rungs else range(len(runs.settings))
                going = [at for at in np.argwhere(~runs.ended) if at[0] in kept]
            going = set(map(tuple, going))
            for at in zip(*np.nonzero(runs.epochs_done >= 0), strict=True):
                part = self.going if at in going else self.done
                part[runs.settings[at[0]], runs.seeds[at[1]]] = runs[at]
        except (*store.DAMAGED,) as error:
            if getattr(error, "key", "not_saved") != "not_saved":
                raise
            aside = store.put_aside(Path(self.path))
            text = words("search")["damaged"].format(path=aside)
            warnings.warn(text, UserWarning, stacklevel=2)
            self.before, self.plain, self.done, self.going = None, {}, {}, {}
        self.state = 0 if self.plain.get("state") == 0 else 1

    def _check(self, plan, model):
        """Refuse the file of another search, data set, base or model."""
        before, names = self.before, ("kind", "base", "space", "seeds")
        same = {name: getattr(before, name) == getattr(plan, name) for name in names}
        same["dataset"] = self.plain["dataset"] == about_data(plan.dataset)
        for run in list(before.runs)[:1] if all(same.values()) else ():
            probe = Training(plan.dataset, run.setting, seeds=(run.seed,), model=model)
            probe.advance(0)  # before any training
            said = map(float, self.plain.get("said", probe.said))
            new, old = [*_start(probe.runs[0, 0]), *probe.said], [*_start(run), *said]
            close = len(new) == len(old) and np.allclose(new, old, 1e-5, 0, True)
            same["model"] = close
        for name, fits in same.items():
            if not fits:
                self._refuse(name)

    def _refuse(self, name):
        raise refusal("storage", str(self.path), part=words("search")["parts"][name])

    def resume(self, training):
        """Put into a training what the file has of it."""
        if self.before is None:
            return
        settings, known = training.settings, self.before.settings
        first, self.begun = not self.begun, True
        if first and settings != known[: len(settings)]:
            self._refuse("settings")
        done = set()
        for i, setting in enumerate(settings):
            for k, seed in enumerate(training.seeds):
                if run := self.done.get((setting, seed)):
                    done.add((i, k))
                    fill(training.arrays, (i, k), run)
        groups = self._groups() if settings == known[-len(settings) :] else []
        for group in groups:
            for i, k in group.runs if group.state else ():
                if run := self.going.get((settings[i], training.seeds[k])):
                    fill(training.arrays, (i, k), run)
        there = done.union(*(group.runs for group in groups))
        if len(there) < len(settings) * len(training.seeds):  # as what was lost
            groups += [
                group._replace(runs=[run for run in group.runs if run not in there])
                for group in training.groups()
            ]
        training.take([group for group in groups if group.runs])

    def _groups(self):
        try:
            groups = unpack(self._state_path(self.state).read_bytes())
            return [Group(list(map(tuple, runs)), *more) for runs, *more in groups]
        except Exception:  # lost or damaged: these runs are trained anew
            return []

    def keep(self, search, training):
        """Write a search down if it is time to, and always when it has ended."""
        known = len(self.before.settings) if self.before else 0
        if len(search.runs) == 0 or len(search.settings) < known:
            return  # the file has more
        self.last = search, training
        if search.finished or time.perf_counter() >= self.next:
            self.write()

    def write(self):
        start, (search, training) = time.perf_counter(), self.last
        state, groups = 1 - self.state, training.groups()
        shift = len(search.settings) - len(training.settings)
        runs = [run for part in (*groups, *training.lost) for run in part.runs]
        more = {"state": state, "going": [[i + shift, k] for i, k in runs]}
        more |= {"said": list(map(str, training.said))} if training.said else {}
        try:
            with checked(self.path):
                content = pack(list(map(tuple, groups)))
                store.write(self._state_path(state), content)
                save(search, self.path, **more)
                self.state = state
                if search.finished:
                    self._tidy()
        except OSError as error:  # a full disk ends no search; the next time it may go
            warnings.warn(str(error), UserWarning, stacklevel=2)
        took = time.perf_counter() - start
        self.next = start + took + max(PAUSE, took / SHARE)

    def _tidy(self):
        """Remove the states, and what kills have left of files half written."""
        self.lock.release(force=True)
        path = Path(self.path)
        for other in path.parent.iterdir():
            state = other.name.startswith(f"{path.name}.state-")
            draft = other.name.startswith(f"{path.name}.") and other.suffix == ".new"
            if state or draft or other.name == f"{path.name}.lock":
                other.unlink(missing_ok=True)

    @contextlib.contextmanager
    def kept(self, training):
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
            last = self.last and self.last[1] is training
            if last and isinstance(left, GeneratorExit):
                self.write()
            self.lock.release(force=True)
            raise
