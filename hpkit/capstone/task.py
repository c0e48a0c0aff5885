"""`Capstone`: a task with a budget of epochs, a log, and a test set opened once."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from itertools import chain, islice
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

import hpkit
from hpkit import hyperparameters as hp
from hpkit.capstone import report, rivals
from hpkit.capstone.report import TEXT_NAMES, Report, content, make_report
from hpkit.capstone.rivals import Comparison, tr
from hpkit.data.datasets import Dataset, check_dataset, load_dataset
from hpkit.engine.dense import Model, Score
from hpkit.engine.runs import Run
from hpkit.engine.training import Training
from hpkit.hyperparameters import TABLE, Hyperparameters, brief
from hpkit.locale import words
from hpkit.search import files
from hpkit.search.result import Search
from hpkit.search.space import Range
from hpkit.store import Store, StoredPairs, check_kinds, now
from hpkit.text import model_name, setting_text, value_text, wrap_text

# Test accuracies on digits. On 24 splits, lr 0.01 (batch 32) reaches the first always
# with 60 epochs and never with 10, and never the others; a search with 60 reaches the
# second on 20 to 24 of them and the third on 13 to 19.
_BARS = (0.85, 0.94, 0.95)
_NEW = {"format": "hpkit run log", "version": 1, "entries": [], "looks": []}
_NEW |= {"choice": None, "test": None, "texts": {}, "rivals": None}
_DRAWS = "random_search", "successive_halving", "bayesian_search"
_ALWAYS = (*hp.USUAL, "hidden")  # what a report never leaves out


class Refused(ValueError):
    """What a capstone does not allow; a notebook shows the message alone."""

    def _render_traceback_(self):  # for IPython: a traceback would not help
        return wrap_text(tr("refused", words=self)).splitlines()


class BudgetError(Refused):
    """A search would cost more epochs than are left."""


def refuse(key, *, kind=Refused, **facts):
    raise kind(tr(key, **facts))


def _check_log(data):
    if data["format"] != _NEW["format"]:
        raise ValueError("another kind of file")
    check_kinds(data, {"dataset": str, "rows": str, "budget": int, "entries": list})
    check_kinds(data["texts"], dict.fromkeys(TEXT_NAMES & data["texts"].keys(), str))
    list(content(data))
    dict(data["looks"] + [])  # a list of pairs


class _Message(str):
    """Text that a notebook shows in lines and without quotes."""

    def __repr__(self):
        return wrap_text(self)


def _counted(name: str) -> Callable[..., Search]:
    def method(self: Any, *args: Any, **kwargs: Any) -> Search:
        return self._search(name, args, kwargs)

    method.__name__, method.__qualname__ = name, f"Capstone.{name}"
    method.__doc__ = f"Return `hpkit.{name}` of this data, counted."
    return method


class Capstone:
    """A data set, a budget of epochs, and a log of what it was spent on.

    The methods `grid_search`, `fit` and the like take what hpkit's functions take, but
    data, `loss` and `cv`, and return the same. A call that may cost more than is left
    raises `BudgetError`. Repeating a call without `sampler` and `study` costs nothing.

    Parameters
    ----------
    dataset : str or Dataset, default "digits"
    budget : int, default 60
        Epochs of all runs together: 6 settings for 10 epochs cost 60.
    bars : sequence of float, optional
        Test accuracies to reach; default (0.85, 0.94, 0.95) on digits, else none.
    name : str, default "capstone"
        Of the log; the same name continues it, on the same data and budget.
    folder : str or path, default "hpkit-runs"
        Where the log and the report are kept; None keeps them in memory.

    Examples
    --------
    >>> cap = Capstone("wine", budget=9, folder=None)
    >>> found = cap.grid_search(hk.Hyperparameters(epochs=3), lr=[0.001, 0.1])
    ... # doctest: +ELLIPSIS
    Entry 1, grid_search: 6 epochs. 6 of 9 epochs spent, 3 left. Lowest...
    """

    def __init__(
        self,
        dataset: str | Dataset = "digits",
        *,
        budget: int = 60,
        bars: Iterable[float] | None = None,
        name: str = "capstone",
        folder: str | PathLike[str] | None = "hpkit-runs",
    ) -> None:
        dataset = load_dataset(dataset) if isinstance(dataset, str) else dataset
        check_dataset(dataset)
        self.budget = budget = hp.check_count("budget", budget)
        if bars is None:
            bars = _BARS if dataset.name == "digits" else ()
        bars = hp.check_items("bars", bars, empty=True, of="accuracies", most=20)
        bars = sorted(hp.check_number("bar", bar, low=0) for bar in bars)
        self.bars, self.name, self._trained = tuple(bars), name, []
        if not isinstance(name, str) or not name.replace("-", "_").isidentifier():
            refuse("name", name=brief(name))
        self.folder = None if folder is None else Path(folder)
        path = self.folder and self.folder / f"{name}.json"
        new = {"dataset": dataset.name, "rows": dataset.fingerprint, "budget": budget}
        self.log = Store(path, _NEW | new, _check_log, words("capstone"))
        old = self.data
        if old["budget"] != budget:
            refuse("budget", old=old["budget"], new=budget)
        if old["rows"] != new["rows"]:
            refuse("data", name=name, old=old["dataset"], new=dataset.name)
        # A copy, because load_dataset returns one object, with the looks of others.
        self.dataset = replace(dataset, test_looks=StoredPairs(self.log, "looks"))

    @property
    def data(self) -> dict[str, Any]:
        """All that the log holds, as a dict."""
        return self.log.load()

    @property
    def entries(self) -> list[dict[str, Any]]:
        """The log: a dict for each search, with what, tried, epochs, runs and more."""
        return self.data["entries"]

    @property
    def spent(self) -> int:
        """Epochs that were trained."""
        return sum(entry["epochs"] for entry in self.entries)

    @property
    def left(self) -> int:
        """Epochs that are left, never below 0."""
        return max(0, self.budget - self.spent)

    @property
    def best(self) -> dict[str, Any] | None:
        """The run with the lowest mean validation loss: a dict, or None."""
        return self._best_of(None)

    @property
    def why(self) -> str:
        """The reason for the choice, or an empty text."""
        return (self.data["choice"] or {"why": ""})["why"]

    @property
    def test(self) -> dict[str, Any] | None:
        """What the test set has shown: a dict, or None before it is opened."""
        return self.data["test"]

    @property
    def bar(self) -> float | None:
        """The highest bar that the test accuracy has reached, or None."""
        share = round((self.test or {}).get("accuracy") or 0, 3)  # as it is shown
        return max((bar for bar in self.bars if share >= bar), default=None)

    @property
    def state(self) -> str:
        """What is spent, left and found, in sentences."""
        sentences = [tr("state", capstone=self)]
        if best := self.best:
            setting = setting_text(Hyperparameters(**best["setting"]))
            sentences.append(tr("best", loss=best["mean_val_loss"], setting=setting))
        return " ".join([*sentences, *self.log.notices])

    def __repr__(self):
        lines = [tr("head", data=self.dataset.name, state=self.state)]
        for n, entry in enumerate(self.entries, 1):
            lines.append(tr("line", n=n, loss=report.lowest_text(entry), **entry))
        if choice := self.data["choice"]:
            lines.append(report.choice_text(choice))
        if self.test:
            lines.append(self._test_text)
        return "\n".join(map(wrap_text, lines))

    def fit(
        self,
        setting: Hyperparameters | None = None,
        *,
        seed: int = 0,
        model: Model | None = None,
        loss: Score | None = None,
        metric: Score | None = None,
    ) -> Run:
        """Return `hpkit.fit` of this data, counted."""
        setting = Hyperparameters() if setting is None else setting
        lr = [getattr(setting, "lr", 0.1)]  # grid_search rejects other kinds of values
        kwargs = dict(lr=lr, seeds=(seed,), model=model, loss=loss, metric=metric)
        return self._search("fit", (setting,), kwargs).runs[0, 0]

    bayesian_search = _counted("bayesian_search")
    grid_search = _counted("grid_search")
    one_at_a_time = _counted("one_at_a_time")
    random_search = _counted("random_search")
    successive_halving = _counted("successive_halving")
    validation_curve = _counted("validation_curve")

    def _search(self, what, args, kwargs):
        """Run a search that the budget allows, log it, and return it."""
        for name in ("cv", "loss"):
            if kwargs.get(name) is not None:
                refuse(f"no_{name}", got=brief(kwargs[name]))
        if args and isinstance(args[0], Dataset):
            refuse("own_data", what=what)
        search = getattr(hpkit, "grid_search" if what == "fit" else what)
        # Read iterators now, because values are needed twice; some never end.
        for name, values in kwargs.items():
            if isinstance(values, Iterator):
                kwargs[name] = tuple(islice(values, hp.MANY + 1))
        stateful = {"sampler", "study"} & kwargs.keys()  # each search changes these
        entries = [] if stateful else self.entries
        entry, old = self._plan(what, search, entries, args, kwargs)
        new = not (old and old["finished"])
        if new and self.test:
            refuse("after_test", what=what, data=self.dataset.name)
        paid = old["epochs"] if old else 0
        if new and entry["planned"] - paid > self.left:
            refuse("too_dear", kind=BudgetError, **entry, capstone=self)
        found = search(self.dataset, *args, **kwargs)
        self._trained += found.runs  # `open_test` needs their networks
        new = new and (found.finished or found.cost.epochs > paid)  # or it adds none
        number = (entries.index(old) if old else len(self.entries)) + 1
        if new:
            epochs, loss = found.best_so_far()
            entry |= {"epochs": found.cost.epochs, "finished": found.finished}
            entry["so_far"] = [epochs.tolist(), files.numbers_to_json(loss)]
            entry["runs"] = files.runs_to_json(found.runs)
            self.log.change(lambda data: _put(data, entry, old))
        if new or old:  # else it was stopped before its first epoch
            facts = entry | {"n": number, "state": self.state}
            print(wrap_text(tr("booked" if new else "free", **facts)))
        return found

    def _plan(self, what, search, entries, args, kwargs):
        """Return the entry of a search, and the old one that it repeats, or None."""
        # Without a seed, each search draws with the next one (put into `kwargs`): none
        # should pay for the same settings twice. A repeated call gets the one it had.
        fixed = what not in _DRAWS or "search_seed" in kwargs
        drawn = 0 if fixed else sum(entry["what"] in _DRAWS for entry in entries)
        for seed in range(drawn + 1):
            if seed:
                kwargs["search_seed"] = seed
            plan, entry = _plan_entry(what, search, self.dataset, args, kwargs)
            for old in entries:
                if _is_same(old, entry, plan):
                    return entry, old
        return entry, None

    def choose(self, setting: Hyperparameters | None = None, *, why: Any = ...) -> str:
        """Choose a setting, with your reason; return what is chosen in words.

        `setting` was trained, such as `found.settings[1]`; default: lowest validation
        loss. `why`, your reason in 5 words or more, goes into the report.
        """
        if why is ... or not self.best:
            return _Message(tr("empty" if why is ... else "nothing"))
        least = tr("least")
        if not isinstance(why, str) or len(why.split()) < least:
            return _Message(tr("no_reason", why=brief(why), least=least))
        if not (best := self._best_of(setting)):
            text = setting if isinstance(setting, Hyperparameters) else brief(setting)
            refuse("untrained", setting=text)
        looks = len({model for model, _ in self.dataset.test_looks})
        choice, old = best | {"why": why.strip(), "looks": looks}, self.data["choice"]
        if not self.test:
            self.log.change(lambda data: data.update(choice=choice))
        elif any(choice[name] != old[name] for name in ("setting", "why")):
            refuse("too_late", setting=setting_text(Hyperparameters(**old["setting"])))
        return _Message(report.choice_text(choice))

    def _best_of(self, setting):
        """Return the best run of a setting, default of all, or None."""
        # A setting may have been trained with several models.
        bests = filter(None, (report.best_of(e, setting) for e in self.entries))
        return min(bests, key=lambda best: best["mean_val_loss"], default=None)

    def open_test(self) -> str:
        """Open the test set for the chosen setting, once; return what it shows."""
        if self.test:
            return _Message(tr("again", seen=self._test_text))
        if not (choice := self.data["choice"]):
            refuse("not_chosen")
        run = report.find(self._trained, choice)
        if run is None and choice["model"]:
            refuse("own_model")
        # Without weights train it again, up to the epoch that was paid for.
        if run is None or run.weights is None:
            about = {"seeds": (choice["seed"],), "model": run and run.model}
            setting = Hyperparameters(**choice["setting"])
            training = Training(self.dataset, setting, **about)
            training.advance(float("inf"), pause=choice["epochs"])
            run = training.runs[0, 0]
        run, data = replace(run, dataset=self.dataset), self.dataset
        test = {"when": now(), "loss": run.test_loss(), "accuracy": None}
        test |= {"rows": len(data.test.y), "looks": choice.get("looks")}
        if data.is_regression:
            test["error"] = float(np.sqrt(test["loss"]) * data.target_scale)
        else:
            test["accuracy"] = run.test_accuracy()
            test["largest"] = float(np.bincount(data.test.y).max() / test["rows"])
        self.log.change(lambda data: data.update(test=data["test"] or test))
        return _Message(self._test_text)

    @property
    def _test_text(self):
        kind = "loss" if self.test["accuracy"] is None else "accuracy"
        if kind == "accuracy" and self.bars:
            kind = "no_bar" if self.bar is None else "bar"
        facts = {"bar": self.bar, "lowest": min(self.bars, default=0)}
        return " ".join([tr(kind, **self.test, **facts), *report.beside(self.test)])

    def note(self, **texts: str) -> None:
        """Keep your sentences for the report: `author`, `plan`, `learned`.

        `...` is left out; a new text replaces the old one.
        """
        texts = {name: text for name, text in texts.items() if text is not ...}
        for name, text in texts.items():
            if name not in TEXT_NAMES:
                refuse("unknown", names=", ".join(TEXT_NAMES), name=name)
            texts[name] = hp.check_text(name, text).strip()
        if texts:
            self.log.change(lambda data: data["texts"].update(texts))

    def report(self, **texts: str) -> Report:
        """Write the report from the log, with texts as in `note`; return a `Report`."""
        self.note(**texts)
        return make_report(self)

    def compare(self, n: int = 8) -> Comparison:
        """Return a `Comparison` with other ways to tune, each trained n times."""
        if self.dataset.is_regression or self.dataset.n_train < 64:  # batch size
            refuse("no_rivals", got=repr(self.dataset).splitlines()[0])
        mine = self.test and self.test["accuracy"]
        found = rivals.compare(self.dataset, mine=mine, bars=self.bars, n=n)
        found.epochs["you"] = self.spent
        if self.entries:
            self.log.change(lambda data: data.update(rivals=vars(found)))
        return found


def _put(data, entry, old):
    """Put an entry into a log, in place of an old one of the same search, or None."""
    entries, choice = data["entries"], data["choice"]
    at = entries.index(old) if old in entries else len(entries)
    entries[at : at + 1] = [entry]
    if choice and not report.find(chain(*map(report.runs_of, entries)), choice):
        best = report.best_of(entry, Hyperparameters(**choice["setting"]))
        data["choice"] = best and choice | best  # its run has gone on since


def _plan_entry(what, function, dataset, args, kwargs):
    """Return what a search would train, and its entry in the log so far."""
    # The plan depends on none of these, and asking a sampler would change its state.
    left_out = ("sampler", "study", "executor", "storage", "progress")
    kwargs_of_plan = {n: value for n, value in kwargs.items() if n not in left_out}
    with closing(function.live(dataset, *args, **kwargs_of_plan, tick=0)) as live:
        plan = next(live)
    model = kwargs.get("model")
    name = "" if model is None else model_name(model)
    tried = "; ".join(_values_text(*item) for item in plan.space.items())
    entry = {"what": what, "tried": tried, "held": _held_text(plan, kwargs)}
    return plan, entry | {"model": name, "planned": plan.planned.epochs}


def _is_same(old, entry, plan):
    """Return whether an old entry is of the same search, which may have stopped."""
    if not entry.items() <= old.items():
        return False
    runs, n = report.runs_of(old), len(plan.settings)
    alike = (runs.seeds, runs.settings[:n]) == (plan.seeds, plan.settings)
    return alike and (not entry["model"] or files.starts_alike(plan, runs))


def _values_text(name, values):
    label = TABLE[name].label
    if isinstance(values, Range):
        return tr("range", name=label, **vars(values))
    return tr("list", name=label, values=", ".join(map(value_text, values)))


def _held_text(plan, kwargs):
    shown = hp.names_to_show(plan.base, always=_ALWAYS)
    names = [name for name in shown if name not in plan.space]
    key = "seed" if len(plan.seeds) == 1 else "seeds"
    seeds = tr(key, seeds=", ".join(map(str, plan.seeds)))
    drawn = any(isinstance(values, Range) for values in plan.space.values())
    options = {"search_seed": 0} if drawn else {}
    options |= {n: kwargs[n] for n in ("search_seed", "eta") if n in kwargs}
    texts = [tr("argument", name=n, value=value) for n, value in options.items()]
    return "; ".join(filter(None, [setting_text(plan.base, names), seeds, *texts]))
