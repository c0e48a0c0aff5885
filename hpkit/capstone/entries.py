"""What a capstone's log holds of each search: plain data, and words for it."""

import inspect
import zlib
from collections.abc import Iterable

import numpy as np

from hpkit.capstone.log import now
from hpkit.capstone.said import Refused
from hpkit.files import runs_to_plain, setting_to_plain
from hpkit.hyperparameters import NAMES, Hyperparameters
from hpkit.space import Range
from hpkit.tables import shown
from hpkit.told import WORDS, label

# Arguments that change how a search is run, not what it finds.
ASIDE = ("dataset", "executor", "progress")
DEFAULT = Hyperparameters()

ALWAYS = ("lr", "batch_size", "epochs", "hidden")  # what a report never leaves out

# What a learner reads.
SAY = {
    "seed": "seed {seeds}",
    "seeds": "seeds {seeds}",
    "drawn": "search_seed {search_seed}",
    "own_model": "the chosen run must be there to be tested, got one of a network of "
    "your own from an earlier day; run the cell of that search again (it is free).",
}


def entry_of(what, key, search, own_model, how=None):
    """Return a search as an entry of a log.

    Parameters
    ----------
    what : str
        The method that was called.
    key : str
        From `key_of`.
    search : Search
    own_model : bool
        Whether its networks cannot be made again from the log.
    how : dict, optional
        The other arguments of the call.

    Returns
    -------
    dict
        Plain data. `epochs` is what was trained, `best` the best run or None,
        `so_far` epochs and lowest loss as in `Search.best_so_far`.
    """
    epochs, loss = search.best_so_far()
    best = None
    if not search.diverged.any(1).all():
        best = run_of(search.runs, int(search.runs.order[0]), own_model)
    return {
        "what": what, "tried": tried(search), "held": held(search, how or {}),
        "epochs": search.cost.epochs,
        "settings": search.cost.settings, "overdraw": False, "when": now(),
        "finished": search.finished, "own_model": own_model, "best": best, "key": key,
        "so_far": [epochs.tolist(), loss.tolist()], "runs": runs_to_plain(search.runs),
    }  # fmt: skip


def run_of(runs, number, own_model):
    """Return the best run of a setting as plain data."""
    seed = int(np.nanargmin(runs.best_val_loss[number]))
    run = runs[number, seed]
    at, accuracy = run.best_epoch, run.val_accuracy
    accuracy = None if accuracy is None else float(accuracy[at])
    return {
        "setting": setting_to_plain(run.setting), "seed": run.seed,
        "epochs": run.epochs_done, "best_epoch": at, "val_loss": run.best_val_loss,
        "mean_val_loss": float(runs.mean_val_loss[number]),
        "val_accuracy": accuracy,
        "own_model": own_model,
    }  # fmt: skip


def chosen_run(dataset, choice, found):
    """Return a run with its network; trained again unless it is among `found`.

    Parameters
    ----------
    dataset : Dataset
    choice : dict
        From `run_of`.
    found : iterable of Runs
        With weights.

    Returns
    -------
    Run
    """
    from hpkit.training import fit

    setting, seed = Hyperparameters(**choice["setting"]), choice["seed"]
    for run in (run for runs in found for run in runs):
        same_run = run.setting == setting and run.seed == seed
        if same_run and run.epochs_done == choice["epochs"]:
            return run
    if choice["own_model"]:
        raise Refused(SAY["own_model"])
    # It was paid for; a run that was cut is repeated up to where it was cut.
    return fit(dataset, setting.but(epochs=choice["epochs"]), seed=seed)


def key_of(what, function, dataset, args, kwargs):
    """Return a text that is the same for the same search, however it was written."""
    bound = inspect.signature(function).bind(dataset, *args, **kwargs)
    bound.apply_defaults()
    named = bound.arguments | bound.arguments.pop("values", {})
    named["base"] = named.get("base") or DEFAULT
    words = [f"{n}={in_key(v)}" for n, v in named.items() if n not in ASIDE]
    return f"{what}({', '.join(words)})"


def in_key(value):
    """Return an argument as a text without addresses."""
    if isinstance(value, Iterable) and not isinstance(value, str):
        return f"[{', '.join(map(in_key, value))}]"
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    named = value is None or isinstance(value, int | float | str)
    if named or isinstance(value, Range | Hyperparameters):
        return repr(value)
    return getattr(value, "__qualname__", type(value).__qualname__)


def same(entry, search):
    """Say whether a search gave again what an entry of the log holds."""
    new = runs_to_plain(search.runs)["runs"]
    old = [np.array(run["val_loss"], float) for run in entry["runs"]["runs"]]
    new = [np.array(run["val_loss"], float) for run in new]
    shapes = [run.shape for run in old] == [run.shape for run in new]
    return shapes and all(
        np.allclose(a, b, rtol=1e-3, equal_nan=True)
        for a, b in zip(old, new, strict=True)
    )


def rows_of(dataset):
    """Return a number that tells one split of the rows from another."""
    parts = (dataset.train, dataset.valid, dataset.test)
    labels = np.concatenate([part.y for part in parts]).astype(float)
    return zlib.crc32(np.round(labels, 6).tobytes())


def tried(search):
    """Return what a search has tried in words."""
    words = []
    for name, values in search.space.items():
        if isinstance(values, Range):
            words.append(f"{WORDS[name]} {values.low:g} to {values.high:g}")
        else:
            words.append(f"{WORDS[name]} {', '.join(map(shown, values))}")
    return "; ".join(words)


def held(search, how):
    """Return in words what the settings of a search have in common, and its seeds."""
    base = search.base
    names = [
        n for n in NAMES if n not in search.space
        and (n in ALWAYS or getattr(base, n) != getattr(DEFAULT, n))
    ]  # fmt: skip
    seeds = ", ".join(map(str, search.seeds))
    words = [label(base, names)] if names else []
    words.append(SAY["seed" if len(search.seeds) == 1 else "seeds"].format(seeds=seeds))
    if any(isinstance(values, Range) for values in search.space.values()):
        words.append(SAY["drawn"].format(search_seed=how.get("search_seed", 0)))
    return "; ".join(words)


def repeated(entries, runs):
    """Return how many of the runs an older entry holds just as long."""
    old = set()
    for plain in (entry["runs"] for entry in entries if not entry["own_model"]):
        settings = [Hyperparameters(**setting) for setting in plain["settings"]]
        for run in plain["runs"]:
            seed = plain["seeds"][run["seed"]]
            old.add((settings[run["setting"]], seed, len(run["val_loss"])))
    return sum((r.setting, r.seed, r.epochs_done + 1) in old for r in runs)


def in_words(plain):
    """Return a plain setting in words: what differs from the defaults, and lr."""
    setting = Hyperparameters(**plain)
    names = [n for n in NAMES if getattr(setting, n) != getattr(DEFAULT, n)]
    return label(setting, dict.fromkeys(("lr", "batch_size", *names)))
