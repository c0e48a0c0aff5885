"""Searches that are paid for, and what a log holds of each; short refusals."""

import textwrap
import zlib
from collections.abc import Iterator
from contextlib import closing

import numpy as np

from hpkit.hyperparameters import NAMES, TABLE, Hyperparameters, brief
from hpkit.locale import words
from hpkit.search import bayes, stages
from hpkit.search import searches as search
from hpkit.search.files import numbers_to_plain, runs_from_plain, runs_to_plain
from hpkit.search.files import setting_to_plain as plain_setting
from hpkit.search.space import Range
from hpkit.text import label, shown

SEARCHES = {
    "validation_curve": search.validation_curve,
    "one_at_a_time": stages.one_at_a_time,
    "grid_search": search.grid_search,
    "random_search": search.random_search,
    "successive_halving": stages.successive_halving,
    "bayesian_search": bayes.bayesian_search,
}
DEFAULT = Hyperparameters()
ALWAYS = ("lr", "batch_size", "epochs", "hidden")  # what a report never leaves out
WIDTH = 84  # letters in a line of JupyterLab's output at 1280 pixels
WORDS = words("capstone")


# ---- how a capstone speaks ---------------------------------------------------------


def fill(text):
    """Return a text in lines; a notebook would break them within words."""
    return textwrap.fill(text, WIDTH, break_on_hyphens=False)


class Told(str):
    """Text that a notebook shows as it is, in lines and without quotes."""

    __slots__ = ()

    def __repr__(self):
        return fill(self)


class Refused(ValueError):
    """What a capstone does not allow; a notebook shows the message alone."""

    def _render_traceback_(self):  # for IPython: where it was noticed does not help
        return fill(WORDS["refused"].format(words=self)).splitlines()


class RefusedKind(Refused, TypeError):
    """What is of another kind than a capstone needs."""


class BudgetError(Refused):
    """A search would cost more epochs than are left."""


# ---- paying ------------------------------------------------------------------------


def spend(capstone, what, args, kwargs, overdraw):
    """Return a search that the budget allows, after writing it into the log."""
    if not isinstance(overdraw, bool):
        raise RefusedKind(WORDS["overdraw"].format(value=brief(overdraw)))
    function = SEARCHES["grid_search" if what == "fit" else what]
    # Looked at twice, so nothing may be used up by looking.
    kwargs = {k: tuple(v) if isinstance(v, Iterator) else v for k, v in kwargs.items()}
    plan = plan_of(function, capstone.dataset, args, kwargs)
    entry = {
        "what": what, "tried": tried(plan), "held": held(plan, kwargs),
        "planned": plan.planned.epochs, "model": model_name(kwargs.get("model")),
    }  # fmt: skip
    n, old = paid(capstone.entries, entry)
    if not old:
        allow(capstone, what, entry["planned"], overdraw)
    found = function(capstone.dataset, *args, **kwargs)
    if old and same(runs_of(old), found):
        print(fill(WORDS["free"].format(what=what, n=n, state=capstone.state)))
        return found
    epochs, loss = found.best_so_far()
    entry |= {
        "epochs": found.cost.epochs, "finished": found.finished,
        "so_far": [epochs.tolist(), numbers_to_plain(loss)],
        "runs": runs_to_plain(found.runs),
    }  # fmt: skip
    n = book(capstone.log, entry)
    said = WORDS["over" if entry["overdraw"] else "booked"]
    print(fill(said.format(n=n, state=capstone.state, **entry)))
    return found


def plan_of(function, dataset, args, kwargs):
    """Return a search as it is when it begins: what it tries, and its price."""
    # A sampler would be moved on by being asked.
    aside = ("sampler", "executor", "progress")
    kwargs = {name: value for name, value in kwargs.items() if name not in aside}
    with closing(function.live(dataset, *args, **kwargs, tick=0)) as live:
        return next(live)


def allow(capstone, what, cost, overdraw):
    """Raise if a search may not begin."""
    if capstone.test:
        said = WORDS["after_test"]
        raise Refused(said.format(what=what, data=capstone.dataset.name))
    if cost > capstone.left and not overdraw:
        facts = {"left": capstone.left, "budget": capstone.budget}
        raise BudgetError(WORDS["too_dear"].format(what=what, cost=cost, **facts))


def paid(entries, new):
    """Return number and entry of the same search in the log, or (0, None)."""
    for n, old in enumerate(entries, 1):
        old = {"planned": old["epochs"], "model": model_of(old)} | old
        if old["finished"] and new.items() <= old.items():
            return n, old
    return 0, None


def same(old, new):
    """Say whether two searches have the same curves: a network may be another now."""
    old, new = old.val_loss, new.val_loss
    return old.shape == new.shape and np.allclose(old, new, rtol=1e-3, equal_nan=True)


def book(log, entry):
    """Write an entry into a log and return its number."""

    def update(data):
        before = sum(one["epochs"] for one in data["entries"])
        entry["overdraw"] = before + entry["epochs"] > data["budget"]
        data["entries"].append(entry)

    return len(log.change(update)["entries"])


# ---- what a log holds --------------------------------------------------------------


def rows_of(dataset):
    """Return a number that tells one split of the rows from another."""
    parts = (dataset.train, dataset.valid, dataset.test)
    labels = np.concatenate([part.y for part in parts]).astype(float)
    return zlib.crc32(np.round(labels, 6).tobytes())


def runs_of(entry):
    """Return an entry's `Runs`, without weights."""
    return runs_from_plain(entry["runs"])


def best_of(entry, number=None):
    """Return the best run of a setting, default the best one, as plain data.

    None where all settings diverged.
    """
    runs = runs_of(entry)
    if number is None:
        if runs.diverged.any(1).all():
            return None
        number = int(runs.order[0])
    seed = int(np.nanargmin(runs.best_val_loss[number]))
    run = runs[number, seed]
    at, accuracy = run.best_epoch, run.val_accuracy
    return {
        "setting": plain_setting(run.setting), "seed": run.seed,
        "epochs": run.epochs_done, "best_epoch": at, "val_loss": run.best_val_loss,
        "mean_val_loss": float(runs.mean_val_loss[number]), "model": model_of(entry),
        "val_accuracy": None if accuracy is None else float(accuracy[at]),
    }  # fmt: skip


def run_named(plain):
    """Return setting, seed and epochs of a run that `best_of` made plain."""
    return Hyperparameters(**plain["setting"]), plain["seed"], plain["epochs"]


def model_name(model):
    """Return the name of a network of one's own, None without one."""
    name = getattr(model, "__name__", "")
    return None if model is None else name if name.isidentifier() else "model"


def model_of(plain):
    """Return the name of the network of an entry or a run, None for hpkit's own."""
    older = "model" if plain.get("own_model") else None
    return plain.get("model", older)


def tried(search):
    """Return what a search tries in words."""
    said = []
    for name, values in search.space.items():
        if isinstance(values, Range):
            said.append(f"{TABLE[name].label} {values.low:g} to {values.high:g}")
        else:
            said.append(f"{TABLE[name].label} {', '.join(map(shown, values))}")
    return "; ".join(said)


def held(search, how):
    """Return in words what the settings of a search have in common, and its seeds."""
    base, seeds = search.base, ", ".join(map(str, search.seeds))
    names = [
        name for name in NAMES if name not in search.space
        and (name in ALWAYS or getattr(base, name) != getattr(DEFAULT, name))
    ]  # fmt: skip
    said = [label(base, names)] if names else []
    said.append(
        WORDS["seed" if len(search.seeds) == 1 else "seeds"].format(seeds=seeds)
    )
    if any(isinstance(values, Range) for values in search.space.values()):
        said.append(WORDS["drawn"].format(draws=how.get("search_seed", 0)))
    return "; ".join(said)


def in_words(plain):
    """Return a plain setting in words: what differs from the defaults, and lr."""
    setting = Hyperparameters(**plain)
    names = [n for n in NAMES if getattr(setting, n) != getattr(DEFAULT, n)]
    return label(setting, dict.fromkeys(("lr", "batch_size", *names)))
