"""Searches that are paid for, what a log holds of each, and short refusals."""

import textwrap
from collections.abc import Iterator
from contextlib import closing

import numpy as np

from hpkit import locale
from hpkit.hyperparameters import TABLE, Hyperparameters, brief, names_of, varied
from hpkit.search import bayes, files, searches
from hpkit.search.space import Range
from hpkit.text import label, shown

_NAMES = "validation_curve one_at_a_time grid_search random_search successive_halving"
SEARCHES = {name: getattr(searches, name) for name in _NAMES.split()}
SEARCHES["bayesian_search"] = bayes.bayesian_search
_ALWAYS = ("lr", "batch_size", "epochs", "hidden")  # what a report never leaves out


def say(path, **facts):
    return locale.say(f"capstone.{path}", **facts)


def fill(text):
    return textwrap.fill(text, 84, break_on_hyphens=False)


class Refused(ValueError):
    """What a capstone does not allow; a notebook shows the message alone."""

    def _render_traceback_(self):  # for IPython: where it was noticed does not help
        return fill(say("refused", words=self)).splitlines()


class BudgetError(Refused):
    """A search would cost more epochs than are left."""


def refuse(key, *, kind=Refused, **facts):
    raise kind(say(key, **facts))


def spend(capstone, what, args, kwargs):
    """Return a search that the budget allows, after writing it into the log."""
    for name in ("cv", "loss"):
        if kwargs.get(name) is not None:
            refuse(f"no_{name}", got=brief(kwargs[name]))
    function = SEARCHES["grid_search" if what == "fit" else what]
    # Looked at twice, so nothing may be used up by looking.
    kwargs = {k: tuple(v) if isinstance(v, Iterator) else v for k, v in kwargs.items()}
    entry = {"what": what} | _planned(function, capstone.dataset, args, kwargs)
    cost, left, n = entry["planned"], capstone.left, 0
    old = [e for e in capstone.entries if e["finished"] and entry.items() <= e.items()]
    if not old and capstone.test:
        refuse("after_test", what=what, data=capstone.dataset.name)
    if not old and cost > left:
        facts = {"left": left, "budget": capstone.budget, "what": what, "cost": cost}
        refuse("too_dear", kind=BudgetError, **facts)
    found = function(capstone.dataset, *args, **kwargs)
    if old:
        said, n = "free", capstone.entries.index(old[0]) + 1
    else:
        epochs, loss = found.best_so_far()
        entry |= {"epochs": found.cost.epochs, "finished": found.finished}
        entry["so_far"] = [epochs.tolist(), files.numbers_to_plain(loss)]
        entry["runs"] = files.runs_to_plain(found.runs)
        said, n = "booked", book(capstone.log, entry)
    print(fill(say(said, **entry | {"n": n, "state": capstone.state})))
    return found


def _planned(function, dataset, args, kwargs):
    # A sampler would be moved on by being asked.
    aside = ("sampler", "study", "executor", "storage", "progress")
    asked = {name: value for name, value in kwargs.items() if name not in aside}
    with closing(function.live(dataset, *args, **asked, tick=0)) as live:
        plan = next(live)
    model = getattr(kwargs.get("model"), "__name__", "")
    if kwargs.get("model") is not None and not model.isidentifier():
        model = "model"
    tried = "; ".join(_searched(*one) for one in plan.space.items())
    entry = {"tried": tried, "held": _held(plan, kwargs), "model": model}
    return entry | {"planned": plan.planned.epochs}


def book(log, entry):
    return len(log.change(lambda data: data["entries"].append(entry))["entries"])


def runs_of(entry):
    return files.runs_from_plain(entry["runs"])


def best_of(entry, number=None):
    """Return the best run of a setting, default the best one that has not diverged."""
    runs = runs_of(entry)
    if number is None:
        if runs.diverged.any(1).all():
            return None
        number = int(runs.order[0])
    run = runs[number, int(np.nanargmin(runs.best_val_loss[number]))]
    shares, at = run.val_accuracy, run.best_epoch
    return {
        "setting": files.setting_to_plain(run.setting),
        "seed": run.seed,
        "epochs": run.epochs_done,
        "val_loss": run.best_val_loss,
        "mean_val_loss": float(runs.mean_val_loss[number]),
        "val_accuracy": None if shares is None else float(shares[at]),
        "model": entry["model"],
    }


def run_named(plain):
    return Hyperparameters(**plain["setting"]), plain["seed"], plain["epochs"]


def _searched(name, values):
    label = TABLE[name].label
    if isinstance(values, Range):
        return say("range", name=label, **vars(values))
    return say("list", name=label, values=", ".join(map(shown, values)))


def _held(plan, kwargs):
    names = {*_ALWAYS, *varied([plan.base, Hyperparameters()])} - plan.space.keys()
    said = [label(plan.base, [n for n in names_of([plan.base]) if n in names])]
    seeds = "seed" if len(plan.seeds) == 1 else "seeds"
    said.append(say(seeds, seeds=", ".join(map(str, plan.seeds))))
    if any(isinstance(values, Range) for values in plan.space.values()):
        said.append(say("drawn", draws=kwargs.get("search_seed", 0)))
    return "; ".join(filter(None, said))


def in_words(plain):
    """Return a plain setting in words: what differs from the defaults, and lr."""
    setting = Hyperparameters(**plain)
    names = "lr", "batch_size", *varied([setting, Hyperparameters()])
    return label(setting, dict.fromkeys(names))
