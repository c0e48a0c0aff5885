"""Searches that train what they try: curve, one at a time, grid, random.

    grid = hk.grid_search(moons, base, lr=[0.01, 0.1, 1], seeds=range(3))
    for grid in grid_search.live(moons, base, lr=[0.01, 0.1, 1], seeds=range(3)):
        ...                   # draw it; leave the loop to stop, and keep what is there

Every search has both forms, with the same arguments: the call gives a `Search`, and
``.live`` gives one again and again while it trains. Halving is in `halving`, Optuna in
`bayes`, more processes and machines in `executors`.
"""

from dataclasses import replace

from hpkit.engine.runs import join
from hpkit.hyperparameters import (
    NAMES,
    brief,
    check_count,
    check_items,
    check_name,
    check_seed,
    refused,
)
from hpkit.search.records import Cost, Step, best_number, planned_cost
from hpkit.search.shared import LIVE_TICK, make_plan, searching, train_all, train_more
from hpkit.search.space import all_settings, drawn_settings


@searching
def validation_curve(
    dataset, base=None, *, param_name, param_range, seeds=(0,), model=None,
    executor=None, tick=LIVE_TICK,
):  # fmt: skip
    """Return models that are alike in everything but one hyperparameter.

    Parameters
    ----------
    dataset : Dataset
    base : Hyperparameters, default Hyperparameters()
        Values of all others.
    param_name : str
        The hyperparameter, such as "lr".
    param_range : iterable
        Its values, all different.
    seeds : iterable of int, default (0,)
        Repeats; all settings get the same ones.
    model : function, optional
        ``(n_features, n_outputs, setting) -> torch.nn.Module``; default the dense
        network of the setting.
    executor : concurrent.futures.Executor, optional
        Trains on other processes or machines: see `hpkit.search.executors`.
    progress : bool, default False
        Show a bar with runs, epochs and seconds left. Interrupting returns what is
        done. (In `.live` there is `tick` instead, the seconds between two results.)

    Returns
    -------
    Search
        `val_loss` has the shape (n_values, n_seeds, n_epochs + 1), `mean_val_loss`
        the shape (n_values,).

    Raises
    ------
    ValueError, TypeError
        Before anything is trained.

    Notes
    -----
    The name is scikit-learn's (``sklearn.model_selection.validation_curve``).

    Examples
    --------
    >>> import hpkit as hk
    >>> moons = hk.load_dataset("moons")
    >>> curve = hk.validation_curve(moons, hk.Hyperparameters(epochs=5),
    ...     param_name="lr", param_range=[0.001, 0.1])
    >>> curve.best.lr
    0.1
    """
    check_name(param_name)
    plan = make_plan(
        "validation_curve", dataset, base, {param_name: param_range}, seeds=seeds,
        model=model, executor=executor, tick=tick,
    )  # fmt: skip
    return train_all(plan, all_settings(plan.base, plan.space))


@searching
def grid_search(
    dataset, base=None, *, seeds=(0,), model=None, executor=None, tick=LIVE_TICK,
    **values,
):  # fmt: skip
    """Return models with every combination of values.

    Parameters
    ----------
    dataset, base, seeds, model, executor, progress
        As in `validation_curve`.
    **values : iterable
        The values of each hyperparameter: ``lr=[0.01, 0.1], batch_size=[16, 64]``.

    Returns
    -------
    Search
        Settings in the order of nested loops, the last hyperparameter innermost.

    Raises
    ------
    ValueError, TypeError
        Before anything is trained.

    Examples
    --------
    >>> import hpkit as hk
    >>> moons = hk.load_dataset("moons")
    >>> grid = hk.grid_search(moons, hk.Hyperparameters(epochs=2),
    ...     lr=[0.01, 0.1, 1], batch_size=[16, 64], seeds=range(3))
    >>> print(grid.cost)
    6 settings, 18 runs, 36 epochs
    """
    plan = make_plan(
        "grid_search", dataset, base, values, seeds=seeds, model=model,
        executor=executor, tick=tick,
    )  # fmt: skip
    return train_all(plan, all_settings(plan.base, plan.space))


@searching
def random_search(
    dataset, base=None, *, n_trials=20, search_seed=0, seeds=(0,), model=None,
    executor=None, tick=LIVE_TICK, **values,
):  # fmt: skip
    """Return models with settings that were drawn at random.

    Parameters
    ----------
    dataset, base, seeds, model, executor, progress
        As in `validation_curve`.
    n_trials : int, default 20
        How many different settings.
    search_seed : int, default 0
        Of the drawing; `seeds` are those of the models.
    **values : Range or iterable
        For each hyperparameter `log_uniform`, `uniform`, or a list to choose from.
        Drawn numbers are rounded to four digits, batch size and epochs to whole ones.

    Returns
    -------
    Search
        Settings in the order of drawing.

    Raises
    ------
    ValueError, TypeError
        Before anything is trained.

    Notes
    -----
    Bergstra and Bengio, Random search for hyper-parameter optimization, JMLR 13
    (2012): n draws try n values of each hyperparameter, a grid only a root of n.

    Examples
    --------
    >>> import hpkit as hk
    >>> moons = hk.load_dataset("moons")
    >>> rand = hk.random_search(moons, hk.Hyperparameters(epochs=2),
    ...     lr=hk.log_uniform(1e-4, 10), n_trials=9)
    >>> len(rand.param_range)
    9
    """
    plan = make_plan(
        "random_search", dataset, base, values, ranges=True, seeds=seeds, model=model,
        executor=executor, tick=tick,
    )  # fmt: skip
    count = check_count("n_trials", n_trials, most=10**5, hint="try 20")
    draws = check_seed("search_seed", search_seed)
    return train_all(plan, drawn_settings(plan.base, plan.space, count, draws))


@searching
def one_at_a_time(
    dataset, base=None, *, order=None, seeds=(0,), model=None, executor=None,
    tick=LIVE_TICK, **values,
):  # fmt: skip
    """Return models of a search that changes one hyperparameter after the other.

    The best value of the first (lowest mean validation loss) is kept while the
    second is tried, and so on.

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

    Raises
    ------
    ValueError, TypeError
        Before anything is trained.

    Notes
    -----
    In optimization: coordinate search, one round of it. A value is the best for what
    was held fixed, not for other values of the others.

    Examples
    --------
    >>> import hpkit as hk
    >>> moons = hk.load_dataset("moons")
    >>> steps = hk.one_at_a_time(moons, hk.Hyperparameters(epochs=2),
    ...     lr=[0.01, 0.1], batch_size=[16, 32])
    >>> print(steps.cost, [step.name for step in steps.steps])
    3 settings, 3 runs, 6 epochs ['lr', 'batch_size']
    """
    plan = make_plan(
        "one_at_a_time", dataset, base, values, seeds=seeds, model=model,
        executor=executor, tick=tick,
    )  # fmt: skip
    order = check_order(order, plan.space)
    space = {name: plan.space[name] for name in order}
    plan = replace(plan, space=space)
    return _train_steps(plan)


def check_order(order, space):
    """Return the names in the order of the steps."""
    names = tuple(space)
    if order is None:
        return names
    hint = f"write for example order={list(names)}"
    order = check_items("order", order, hint=hint, most=len(NAMES), of="names")
    if sorted(map(brief, order)) != sorted(map(brief, names)):
        rule = "order must name each hyperparameter of the search once"
        raise refused(rule, list(order), hint)
    return tuple(map(str, order))


def _train_steps(plan):
    base, parts, steps, lost = plan.base, [], (), ()
    planned = planned_steps(plan)
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


def planned_steps(plan):
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
    seeds = len(plan.seeds)
    return Cost(count, count * seeds, epochs * seeds)
