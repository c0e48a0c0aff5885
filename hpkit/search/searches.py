"""The searches: curve, grid, random; one at a time and halving, in stages.

    grid = hk.grid_search(moons, base, lr=[0.01, 0.1, 1], seeds=range(3))
    for grid in grid_search.live(moons, base, lr=[0.01, 0.1, 1], seeds=range(3)):
        ...                   # draw it; leave the loop to stop, and keep what is there

A search is written once, as a generator of partial results. `searching` adds the
arguments of all searches and their checks, and makes of it the function that trains to
the end and, as its ``.live``, the one that gives a `Search` again and again.
"""

import contextlib
import functools
import inspect
import itertools
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from hpkit.data.datasets import Dataset, check_dataset
from hpkit.engine.dense import Model
from hpkit.engine.runs import join
from hpkit.engine.training import Training, check_model, check_settings, train
from hpkit.hyperparameters import (
    NAMES,
    Hyperparameters,
    brief,
    check_count,
    check_flag,
    check_items,
    check_name,
    check_number,
    check_seed,
    check_seeds,
    check_setting,
    refusal,
)
from hpkit.locale import words
from hpkit.search.result import Cost, Rung, Search, Step, best_number
from hpkit.search.space import (
    Range,
    all_settings,
    as_count,
    check_space,
    count_of,
    drawn_settings,
)

# Seconds between two partial results: about 30 pictures a second for a panel; while
# nobody looks, what Ctrl-C may lose.
_LIVE_TICK, _QUIET_TICK = 0.03, 0.3
MOST_TRIALS = 10**5


def searching(own):
    """Return a search with the arguments of all searches, and its `live` form.

    `own(plan, *, its own arguments, **values)` returns a generator of `Search`;
    ``plan(values)`` gives it its checked `Plan`.
    """

    def live(
        dataset=None,
        base=None,
        *,
        seeds=(0,),
        model=None,
        executor=None,
        tick=_LIVE_TICK,
        **kwargs,
    ):
        shared = own.__name__, dataset, base, seeds, model, executor, tick
        return own(functools.partial(_plan, *shared), **kwargs)

    @functools.wraps(own)
    def search(*args, progress=False, **kwargs):
        check_flag("progress", progress)
        return _last_of(live(*args, tick=_QUIET_TICK, **kwargs), progress)

    _, *others = inspect.signature(own).parameters.values()
    data, *shared, _ = inspect.signature(live).parameters.values()
    data = data.replace(default=inspect.Parameter.empty)
    names = sorted([data, *others, *shared], key=lambda name: name.kind)
    search.live = functools.update_wrapper(live, own)
    live.__signature__ = inspect.Signature(names)
    bar = inspect.Parameter("progress", inspect.Parameter.KEYWORD_ONLY, default=False)
    names = [bar if name.name == "tick" else name for name in names]
    search.__signature__ = inspect.Signature(names)
    return search


def _last_of(live, progress):
    found, bar = None, contextlib.nullcontext()
    if progress:
        from tqdm.auto import tqdm

        bar = tqdm(unit=words("search")["bar_unit"])
    with contextlib.closing(live), bar:
        try:
            for found in live:
                if progress:
                    _show(found, bar)
        except KeyboardInterrupt:
            if found is None:
                raise
    return found


def _show(found, bar):
    bar.total = found.cost.epochs if found.finished else found.planned.epochs
    facts = {"runs": found.runs_done, "all_runs": found.planned.runs}
    bar.set_description(words("search")["bar"].format(**facts), refresh=False)
    bar.update(found.cost.epochs - bar.n)


@dataclass(frozen=True)
class Plan:
    """The arguments that all searches share, checked."""

    kind: str
    dataset: object
    base: Hyperparameters
    space: dict
    seeds: tuple
    model: object
    executor: object
    tick: float

    def training(self, settings):
        """Return a training of some settings with all seeds, to be closed."""
        about = {"seeds": self.seeds, "model": self.model}
        if self.executor is None:
            return contextlib.closing(Training(self.dataset, settings, **about))
        from hpkit.search.executors import Spread

        about["executor"] = self.executor
        return contextlib.closing(Spread(self.dataset, settings, **about))

    def found(self, runs, planned, **more):
        return Search(self.kind, self.base, self.space, runs, planned, **more)


def _plan(kind, dataset, base, seeds, model, executor, tick, space, *, ranges=False):
    check_dataset(dataset)
    base = check_setting(base, "base", default=Hyperparameters())
    space = check_space(kind, space, ranges=ranges)
    for name, tried in space.items():
        ends = (tried.low, tried.high) if isinstance(tried, Range) else tried
        check_settings([base.but(**{name: as_count(name, v)}) for v in ends], dataset)
    seeds, tick = check_seeds(seeds), check_number("tick", tick, low=0)
    check_model(model)
    if executor is not None:
        from hpkit.search.executors import check_executor

        check_executor(executor, model)
    return Plan(kind, dataset, base, space, seeds, model, executor, tick)


def planned_cost(settings, seeds):
    epochs = sum(setting.epochs for setting in settings) * len(seeds)
    return Cost(len(settings), len(settings) * len(seeds), epochs)


def under_way(training, tick, pause=float("inf")):
    while not training.finished and not training.paused(pause):
        training.advance(tick, pause)
        yield


def _check_lost(training, before=()):
    """Return what an executor has lost; raise its error if nothing is left at all."""
    ended = training.lost and training.finished
    if ended and not any(map(len, (*before, training.runs))):
        raise training.failure  # as it would be in one process
    return training.lost


def _train_all(plan, settings):
    with plan.training(settings) as training:
        planned = planned_cost(settings, plan.seeds)
        for _ in under_way(training, plan.tick):
            done, lost = training.finished, _check_lost(training)
            yield plan.found(training.runs, planned, finished=done, lost=lost)


def train_more(plan, parts, settings, planned, lost, **more):
    """Train the settings that are not in `parts`, and append their runs to it."""
    known = {setting for part in parts for setting in part.settings}
    new = [s for s in dict.fromkeys(settings) if s not in known]
    if not new:
        return lost
    with plan.training(new) as training:
        for _ in under_way(training, plan.tick):
            now = (*lost, *_check_lost(training, parts))
            runs = join([*parts, training.runs])
            yield plan.found(runs, planned, finished=False, lost=now, **more)
        parts.append(training.runs)
    return now


@searching
def validation_curve(plan, *, param_name, param_range):
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
    plan = plan({check_name(param_name): param_range})
    return _train_all(plan, all_settings(plan.base, plan.space))


@searching
def grid_search(plan, **values):
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

    Examples
    --------
    >>> import hpkit as hk
    >>> moons = hk.load_dataset("moons")
    >>> grid = hk.grid_search(moons, hk.Hyperparameters(epochs=2),
    ...     lr=[0.01, 0.1, 1], batch_size=[16, 64], seeds=range(3))
    >>> print(grid.cost)
    6 settings, 18 runs, 36 epochs
    """
    plan = plan(values)
    return _train_all(plan, all_settings(plan.base, plan.space))


@searching
def random_search(plan, *, n_trials=20, search_seed=0, **values):
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
    plan = plan(values, ranges=True)
    count = check_count("n_trials", n_trials, most=MOST_TRIALS)
    draws = check_seed("search_seed", search_seed)
    return _train_all(plan, drawn_settings(plan.base, plan.space, count, draws))


def cross_validate(
    dataset: Dataset,
    settings: Hyperparameters | Iterable[Hyperparameters],
    *,
    folds: int = 5,
    repeats: int = 1,
    seed: int = 0,
    model: Model | None = None,
) -> np.ndarray:
    """Return the validation losses of every fold, after the last epoch.

    Parameters
    ----------
    dataset : Dataset
        Its training and validation rows are cut into folds; the test rows stay out.
    settings : Hyperparameters or iterable of Hyperparameters
    folds : int, default 5
    repeats : int, default 1
        How often the rows are shuffled and cut anew.
    seed : int, default 0
        Of the shuffles and of the networks.
    model : function, optional
        As in `validation_curve`.

    Returns
    -------
    ndarray (repeats, folds)
        For several settings (n_settings, repeats, folds).

    Notes
    -----
    Nothing leaks: columns are scaled by the rows that a network learns from, and no
    fold chooses its own best epoch. Hastie, Tibshirani, Friedman, The Elements of
    Statistical Learning (2009), 7.10.

    Examples
    --------
    >>> import hpkit as hk
    >>> setting = hk.Hyperparameters(epochs=5)
    >>> hk.cross_validate(hk.load_dataset("wine"), setting, repeats=2).shape
    (2, 5)
    """
    one = isinstance(settings, Hyperparameters)
    settings = check_settings([settings] if one else settings, check_dataset(dataset))
    check_seed("seed", seed)
    splits, about = (dataset.train, dataset.valid), {"seeds": (seed,), "model": model}
    X = np.concatenate([part.X for part in splits]) * dataset.scale + dataset.center
    y = np.concatenate([part.y for part in splits])
    if dataset.is_regression:
        y = y * dataset.target_scale + dataset.target_center
    kind = {"standardize": bool((dataset.scale != 1).any())}
    folds = check_count("folds", folds, low=2, most=len(y))
    repeats, losses = check_count("repeats", repeats, most=MOST_TRIALS), []
    for repeat, k in itertools.product(range(repeats), range(folds)):
        order = np.random.default_rng([seed, repeat]).permutation(len(y))
        parts = np.array_split(order, folds)
        held = parts.pop(k)
        rows, names = (np.concatenate(parts), held, held), dataset.features
        data = Dataset.of_rows(dataset.name, X, y, rows, names, dataset.classes, **kind)
        *_, runs = train(data, settings, **about)
        losses.append(runs.val_loss[:, 0, -1])
    losses = np.reshape(np.transpose(losses), (-1, repeats, folds))
    return losses[0] if one else losses


# ---- in stages ----------------------------------------------------------------------


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
        done = len(steps) == len(plan.space)
        yield plan.found(runs, planned, steps=steps, lost=lost, finished=done)


def _planned_steps(plan):
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
        more = {"rungs": rungs, "lost": _check_lost(training)}
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
