"""Searches in stages: one hyperparameter after the other, and halving."""

from dataclasses import replace

from hpkit.engine.runs import join
from hpkit.hyperparameters import (
    NAMES,
    brief,
    check_count,
    check_items,
    check_seed,
    refusal,
)
from hpkit.locale import words
from hpkit.search.result import Cost, Rung, Step, best_number
from hpkit.search.searches import (
    MOST_TRIALS,
    check_lost,
    planned_cost,
    searching,
    train_more,
    under_way,
)
from hpkit.search.space import all_settings, count_of, drawn_settings


@searching
def one_at_a_time(plan, *, order=None, **values):
    """Return models of a search that changes one hyperparameter after the other.

    The best value of the first (lowest mean validation loss) is kept while the
    second is tried, and so on. In optimization: coordinate search, one round of it.

    Parameters
    ----------
    dataset, base, seeds, model, executor, progress
        As in `validation_curve`; base is where the search starts.
    order : sequence of str, optional
        The order of the steps; default that of `values`.
    **values : iterable
        The values of each hyperparameter.

    Returns
    -------
    Search
        Its `steps` are the path, `describe()` tells it, `best` is the lowest of all
        that was tried. What an earlier step has trained is not trained again: three
        lists of 4, 3 and 3 values that hold the start cost 4 + 2 + 2 settings.

    Examples
    --------
    >>> import hpkit as hk
    >>> moons = hk.load_dataset("moons")
    >>> steps = hk.one_at_a_time(moons, hk.Hyperparameters(epochs=2),
    ...     lr=[0.01, 0.1], batch_size=[16, 32])
    >>> print(steps.cost, [step.name for step in steps.steps])
    3 settings, 3 runs, 6 epochs ['lr', 'batch_size']
    """
    plan = plan(values)
    order = check_order(order, plan.space)
    return _train_steps(replace(plan, space={name: plan.space[name] for name in order}))


def check_order(order, space):
    names = list(space)
    if order is None:
        return tuple(names)
    hint = words("hints")["order"].format(names=names)
    order = check_items("order", order, hint=hint, most=len(NAMES), of="names")
    if sorted(map(brief, order)) != sorted(map(brief, names)):
        raise refusal("order", list(order), names=names)
    return tuple(map(str, order))


def _train_steps(plan):
    base, parts, steps, lost = plan.base, [], (), ()
    planned = _planned_steps(plan)
    for name, values in plan.space.items():
        settings = all_settings(base, {name: values})
        new = set(settings).difference(*(part.settings for part in parts))
        step = Step(name, base, values, (), planned_cost(new, plan.seeds))
        lost = yield from train_more(
            plan, parts, settings, planned, lost, steps=(*steps, step)
        )
        runs = join(parts)
        numbers = tuple(runs.settings.index(s) for s in settings)
        base = runs.settings[best_number(runs, runs.mean_val_loss, numbers)]
        steps += (replace(step, settings=numbers, winner=base),)
    yield plan.found(runs, planned, steps=steps, lost=lost)


def _planned_steps(plan):
    """Return what one-at-a-time costs, at most: which epochs win is not known."""
    count, epochs, longest = 0, 0, plan.base.epochs
    for number, (name, values) in enumerate(plan.space.items()):
        known = number > 0 and getattr(plan.base, name) in values
        count += len(values) - known
        if name == "epochs":
            epochs += sum(values) - known * plan.base.epochs
            longest = max(values)
        else:
            epochs += (len(values) - known) * longest
    return _cost(plan, count, epochs)


def _cost(plan, count, epochs):
    return Cost(count, count * len(plan.seeds), epochs * len(plan.seeds))


@searching
def successive_halving(plan, *, n_trials=None, eta=3, search_seed=0, **values):
    """Return models of which fewer and fewer were trained on.

    All settings are trained for one epoch; then one in `eta` goes on to `eta` times as
    many epochs, and so on up to the epochs of `base`.

    Parameters
    ----------
    dataset, seeds, model, executor, progress
        As in `validation_curve`.
    base : Hyperparameters, default Hyperparameters()
        Its `epochs` are the most that a setting gets.
    n_trials : int, optional
        How many settings to draw as `random_search` does. Default: every combination,
        which needs lists.
    eta : int, >= 2, default 3
        One in `eta` goes on, rounded down, at least one.
    search_seed : int, default 0
        Of the drawing.
    **values : Range or iterable
        As in `random_search`; not epochs.

    Returns
    -------
    Search
        Its `rungs` are the cuts. `epochs_done` says how far each setting came.

    Notes
    -----
    At a cut settings are ranked by the lowest validation loss so far, the mean over
    seeds. Jamieson and Talwalkar, Non-stochastic best arm identification and
    hyperparameter optimization, AISTATS 2016. It goes wrong where the best in the end
    starts slowly.

    Examples
    --------
    >>> import hpkit as hk
    >>> halv = hk.successive_halving(
    ...     hk.load_dataset("digits"), hk.Hyperparameters(epochs=9),
    ...     lr=[0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10])
    >>> [(rung.epoch, len(rung.settings), len(rung.kept)) for rung in halv.rungs]
    [(1, 9, 3), (3, 3, 1)]
    >>> print(halv.cost)
    9 settings, 9 runs, 21 epochs
    """
    plan = plan(values, ranges=True)
    if "epochs" in plan.space:
        raise refusal("halving_epochs")
    eta = check_count("eta", eta, low=2)
    if plan.base.epochs < 2:
        raise refusal("halving_base")
    draws = check_seed("search_seed", search_seed)
    if n_trials is not None:
        count = check_count("n_trials", n_trials, most=MOST_TRIALS)
        settings = drawn_settings(plan.base, plan.space, count, draws)
    elif count_of(plan.space) == float("inf"):
        raise refusal("halving_trials")
    else:
        settings = all_settings(plan.base, plan.space)
    return _halve(plan, settings, cuts_of(len(settings), eta, plan.base.epochs))


def cuts_of(count, eta, last):
    """Return the cuts of a halving as (epoch, settings that go on)."""
    cuts, epoch = [], 1
    while epoch < last and count > 1:
        count = max(1, count // eta)
        cuts.append((epoch, count))
        epoch *= eta
    return cuts


def _halve(plan, settings, cuts):
    starts, counts = zip((0, len(settings)), *cuts, strict=True)
    ends = (*starts[1:], plan.base.epochs)
    each = zip(counts, starts, ends, strict=True)
    planned = sum(count * (end - start) for count, start, end in each)
    planned = _cost(plan, len(settings), planned)
    there, rungs, seeds = tuple(range(len(settings))), (), range(len(plan.seeds))

    def found(finished=False):
        more = {"rungs": rungs, "lost": check_lost(training)}
        return plan.found(training.runs, planned, finished=finished, **more)

    with plan.training(settings) as training:
        for epoch, count in cuts:
            for _ in under_way(training, plan.tick, epoch):
                yield found()
            ranked = [int(i) for i in training.runs.order if i in there]
            kept = tuple(sorted(ranked[:count]))
            training.drop({(i, k) for i in {*there} - {*kept} for k in seeds})
            rungs += (Rung(epoch, there, kept),)
            there = kept
        for _ in under_way(training, plan.tick):
            yield found()
        yield found(finished=True)
