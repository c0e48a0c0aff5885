"""Searches that are paid for: refused when too dear, counted by what they trained."""

from collections.abc import Iterator

from hpkit import bayes, halving, search
from hpkit.capstone.entries import ASIDE, entry_of, key_of, repeated, same
from hpkit.capstone.said import Refused, RefusedKind, fill
from hpkit.hyperparameters import Hyperparameters

SEARCHES = {
    "validation_curve": search.validation_curve,
    "one_at_a_time": search.one_at_a_time,
    "grid_search": search.grid_search,
    "random_search": search.random_search,
    "successive_halving": halving.successive_halving,
    "bayesian_search": bayes.bayesian_search,
}

# What a learner reads.
WORDS = {
    "too_dear": "a search must cost at most the {left} epochs left of {budget}, got "
    "{what}, up to {cost}; try fewer settings, seeds or epochs, or overdraw=True (the "
    "report then says so).",
    "after_test": "a search must come before the test set is opened, got {what} after "
    "it; begin again with other rows: hk.Capstone(hk.load_dataset({data!r}, seed=1), "
    "name='second').",
    "overdraw": "overdraw must be True or False, got {value!r}; leave it out.",
    "booked": "Entry {n}, {what}: {epochs} epochs. {state}",
    "over": "Entry {n}, {what}: {epochs} epochs, more than were left. {state}",
    "again": "{again} of its {runs} runs had been trained before and were paid again: "
    "only the very same call is free.",
    "free": "{what}: the same search is entry {n} of the log, so it costs nothing. "
    "{state}",
}


class BudgetError(Refused):
    """A search would cost more epochs than are left."""


def spend(capstone, what, args, kwargs, overdraw):
    """Train a search if the budget allows it, and write it into the log.

    Parameters
    ----------
    capstone : Capstone
    what : str
        "fit", or a name of `SEARCHES`.
    args, kwargs
        Of the search, without the data.
    overdraw : bool
        Whether it may cost more than is left.

    Returns
    -------
    Search
    """
    if not isinstance(overdraw, bool):
        raise RefusedKind(WORDS["overdraw"].format(value=overdraw))
    function = SEARCHES["grid_search" if what == "fit" else what]
    # Looked at twice, so nothing may be used up by looking.
    kwargs = {k: tuple(v) if isinstance(v, Iterator) else v for k, v in kwargs.items()}
    key = key_of(what, function, capstone.dataset, args, kwargs)
    known = {e["key"]: n for n, e in enumerate(capstone.entries) if e["finished"]}
    if key not in known:
        allow(capstone, what, price(function, capstone.dataset, args, kwargs), overdraw)
    found = function(capstone.dataset, *args, **kwargs)
    # A network of one's own may have changed under the same name.
    own = kwargs.get("model") is not None or kwargs.get("sampler") is not None
    if key in known and (not own or same(capstone.entries[known[key]], found)):
        say("free", what=what, n=known[key] + 1, state=capstone.state)
        return found
    again = 0 if own else repeated(capstone.entries, found.runs)
    entry = entry_of(what, key, found, own, kwargs)
    n = book(capstone.log, entry)
    facts = {"n": n, "what": what, "epochs": entry["epochs"]}
    say("over" if entry["overdraw"] else "booked", **facts, state=capstone.state)
    if again:
        say("again", again=again, runs=len(found.runs))
    return found


def say(words, **facts):
    """Print a message."""
    print(fill(WORDS[words].format(**facts)))


def book(log, entry):
    """Write an entry into a log and return its number."""

    def update(data):
        before = sum(one["epochs"] for one in data["entries"])
        entry["overdraw"] = before + entry["epochs"] > data["budget"]
        data["entries"].append(entry)

    return len(log.change(update)["entries"])


def price(function, dataset, args, kwargs):
    """Return the epochs that a search costs, at most."""
    # Asks for its plan alone. A sampler would be moved on by being asked.
    shared = {k: v for k, v in kwargs.items() if k not in ("sampler", *ASIDE)}
    live = function.live(dataset, *args, **shared, tick=0)
    try:
        return next(live).planned.epochs
    finally:
        live.close()


def allow(capstone, what, cost, overdraw):
    """Raise if a search may not begin."""
    if capstone.test:
        words = WORDS["after_test"]
        raise Refused(words.format(what=what, data=capstone.dataset.name))
    if cost > capstone.left and not overdraw:
        facts = {"left": capstone.left, "budget": capstone.budget}
        raise BudgetError(WORDS["too_dear"].format(what=what, cost=cost, **facts))


def fit_by_search(setting, seed, model):
    """Return the arguments of a grid search that trains one run."""
    setting = Hyperparameters() if setting is None else setting
    lr = [getattr(setting, "lr", 0.1)]  # what is no setting is refused by the search
    return (setting,), {"lr": lr, "seeds": (seed,), "model": model}


def counted(name):
    """Return a search of hpkit as a method of a capstone."""

    def method(self, *args, overdraw=False, **kwargs):
        return self._search(name, args, kwargs, overdraw)

    method.__name__, method.__qualname__ = name, f"Capstone.{name}"
    method.__doc__ = f"Return `hpkit.{name}` of this data, counted."
    return method
