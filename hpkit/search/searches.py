"""The searches: curve, grid, and random; one at a time and halving work in stages.

Each search is written once, as a generator of partial results. `search_function` turns
it into a function that trains to the end and takes the arguments that all share.
"""

import contextlib
import functools
import inspect
import itertools
from collections.abc import Iterable
from concurrent.futures import Executor
from dataclasses import KW_ONLY, dataclass, replace
from pathlib import Path

import numpy as np
import torch

from hpkit import hyperparameters as hp
from hpkit.data.datasets import Dataset, make_folds
from hpkit.engine import training as engine
from hpkit.engine.dense import Model, Score
from hpkit.engine.runs import Cost, fill_arrays, lowest_loss, over_seeds, rank
from hpkit.hyperparameters import Hyperparameters, refusal, warn
from hpkit.locale import tr
from hpkit.search import space as spaces
from hpkit.search.executors import DistributedTraining, check_executor
from hpkit.search.files import Storage
from hpkit.search.result import Rung, Search, Step
from hpkit.text import lost_sentences

_QUIET_TICK = 0.3  # seconds between two partial results: what Ctrl-C may lose


@dataclass(eq=False)
class _Plan:
    """The checked arguments that all searches share, and the training made of them."""

    kind: str
    dataset: Dataset
    base: Hyperparameters = None
    _: KW_ONLY
    seeds: Iterable = (0,)
    model: Model = None
    loss: Score = None
    metric: Score = None
    executor: Executor = None
    storage: str | Path = None
    cv: int = None
    device: str = "cpu"
    tick: float = 0.03  # as in `train`; panels take their own
    space: dict
    ranges: bool = False

    def __post_init__(self):
        self.dataset = engine.with_objective(self.dataset, self.loss, self.metric)
        base = hp.check_setting(self.base, "base", default=Hyperparameters())
        own = engine.allowed_own_names(self.space, self.model, base)
        rules = {"ranges": self.ranges, "own": own}
        self.space = spaces.check_space(self.kind, self.space, **rules)
        self.base = spaces.with_own_names(base, self.space).but()
        if given := {n for n in ("model", "loss") if getattr(self, n) is not None}:
            object.__setattr__(self.base, "_made_for", base._made_for | given)
        ends = {name: spaces.range_ends(values) for name, values in self.space.items()}
        first = self.base.but(**{name: values[0] for name, values in ends.items()})
        samples = [first.but(**{n: v}) for n, values in ends.items() for v in values]
        engine.check_settings(samples, self.dataset)
        self.seeds = hp.check_seeds(self.seeds)
        self.tick = hp.check_number("tick", self.tick, low=0)
        self.device = engine.check_device(self.device)
        options = {"model": self.model, "device": self.device}
        make = functools.partial(engine.Training, lasting=True)
        if self.executor is not None:
            check_executor(self.executor, self.model, self.dataset.objective)
            make = functools.partial(DistributedTraining, executor=self.executor)
        if self.cv is not None:
            options["folds"] = folds = self._make_folds()
            for fold in folds:  # a fold has fewer rows
                engine.check_settings(samples, fold)
            self.seeds = tuple(range(len(folds)))
        self.make = functools.partial(make, self.dataset, seeds=self.seeds, **options)
        if self.storage is not None:
            self.storage = Storage(self.storage, self)
        # The training and its settings so far; the cost, which each search plans.
        self.now, self.settings, self.planned = None, (), None

    def _make_folds(self):
        most = len(self.dataset.train.y) + len(self.dataset.valid.y)
        count = hp.check_count("cv", self.cv, low=2, most=most)
        ruled_out = {"seeds": (0,), "executor": None, "storage": None}
        if given := [name for name, v in ruled_out.items() if getattr(self, name) != v]:
            raise refusal("cv_alone", self.cv, names=", ".join(given))
        return tuple(make_folds(self.dataset, count, np.random.default_rng([0, 0])))

    @contextlib.contextmanager
    def training(self, settings):
        """Add settings to the training and yield it; close it in the end."""
        if self.now:
            self.now.extend(settings)
        else:
            self.now = self.make(settings=settings)
        self.settings = self.now.settings
        with contextlib.ExitStack() as stack:
            if self.executor:
                stack.enter_context(contextlib.closing(self.now))
            if self.storage:
                stack.enter_context(self.storage.locked(self.now))
            yield self.now

    def train(self, settings, **extra):
        """Train the settings that are new, yielding the results so far."""
        known = {*self.settings}
        if new := [s for s in dict.fromkeys(settings) if s not in known]:
            with self.training(new) as training:
                for _ in training.train_in_ticks(self.tick):
                    yield self.result(finished=False, **extra)

    def result(self, *, finished=True, **extra):
        """Return the `Search` so far, or raise if all runs failed."""
        training, runs = self.now, self.now.runs
        if finished and training.lost and runs.epochs_done.max() <= 0:
            if self.storage:  # else the error's traceback would keep the file locked
                self.storage.lock.release(force=True)
            raise training.failure
        fields = self.kind, self.base, self.space, runs, self.planned
        search = Search(*fields, finished, lost=training.lost, **extra)
        if self.storage:
            self.storage.save_when_due(search, training)
        # A best run from a file or a study has no weights: it is trained again. What
        # rounding changes on the way counts, so another one may be the best after it.
        while search.finished and search.runs.best_run.weights is None:
            if not self._train_again(search.runs):
                break
            search = replace(search, runs=training.runs)
        return search

    def _train_again(self, runs):
        """Train the best run once more, in its place; say whether it has weights."""
        best = runs.best_run
        at = runs.order[0], runs.seeds.index(best.seed)
        options = {"seeds": (best.seed,), "model": self.model, "device": self.device}
        again = engine.Training(best.dataset, best.setting, lasting=True, **options)
        again.advance(float("inf"), best.epochs_done)
        if not again.runs.weights:
            return False
        run = again.runs[0, 0]
        fill_arrays(self.now.arrays, at, replace(run, fit_time=best.fit_time))
        self.now.weights[at] = run.weights
        return True

    def cost(self, settings):
        count, seeds = len(settings), len(self.seeds)
        return Cost(count, count * seeds, seeds * sum(s.epochs for s in settings))


def search_function(generate):
    """Return a search and its `live` form; `generate` is called with a new `_Plan`."""
    plan, own = (inspect.signature(f).parameters.values() for f in (_Plan, generate))
    _kind, data, base, *shared, _space, _ranges = plan
    _new_plan, *others = own
    parameters = sorted([data, base, *others, *shared], key=lambda p: p.kind)
    parameters = [p.replace(annotation=p.empty) for p in parameters]
    bar = inspect.Parameter("progress", inspect.Parameter.KEYWORD_ONLY, default=False)
    names = {p.name for p in shared}

    def live(dataset=None, base=None, *others, **values):
        if others:
            raise refusal("by_position", others[0], kind=TypeError)
        given = {name: values.pop(name) for name in names & values.keys()}
        new_plan = functools.partial(_Plan, generate.__name__, dataset, base, **given)
        return generate(new_plan, **values)

    @functools.wraps(generate)
    def search(*args, progress=False, **values):
        hp.check_flag("progress", progress)
        return _run_to_end(live(*args, tick=_QUIET_TICK, **values), progress)

    search.live, live.__signature__ = live, inspect.Signature(parameters)
    live.__qualname__ = generate.__name__  # in Python's own errors
    parameters = [bar if p.name == "tick" else p for p in parameters]
    search.__signature__ = inspect.Signature(parameters)
    return search


def _run_to_end(live, progress):
    search, bar = None, contextlib.nullcontext()
    if progress:
        from tqdm.auto import tqdm

        bar = tqdm(unit=tr("search.bar_unit"))
    with contextlib.closing(live), bar:
        try:
            for search in live:
                if progress:
                    _show_progress(search, bar)
        except KeyboardInterrupt:
            if search is None:
                raise
            warn(tr("search.interrupted"))
    if search.lost:
        warn(" ".join(lost_sentences(search)))
    return search


def _show_progress(search, bar):
    # In the end all count as done, even if patience saved some: no bar gets shorter.
    done = (search.planned if search.finished else search.cost).epochs
    if bar.total is None:
        bar.reset(search.planned.epochs)  # until then a notebook's bar is a stub
    bar.set_description(tr("search.bar", search=search), refresh=False)
    bar.update(done - bar.n)


def _train_all(plan, settings):
    plan.planned = plan.cost(settings)
    yield from plan.train(settings)
    yield plan.result()


@search_function
def validation_curve(new_plan, *, param_name, param_range):
    """Train settings alike in all but one hyperparameter.

    Arguments as in `grid_search`, but for `param_name`, such as "lr", and
    `param_range`, its values, as in ``sklearn.model_selection.validation_curve``.

    Examples
    --------
    >>> curve = hk.validation_curve(hk.load_dataset("moons"),
    ...     hk.Hyperparameters(epochs=5), param_name="lr", param_range=[0.001, 0.1])
    >>> curve.best.lr
    0.1
    """
    plan = new_plan(space={param_name: param_range})
    return _train_all(plan, hp.all_settings(plan.base, plan.space))


@search_function
def grid_search(new_plan, **values):
    """Train every combination of values, the last name varying fastest.

    Parameters
    ----------
    dataset : Dataset
    base : Hyperparameters, default Hyperparameters()
        Values of what is not searched.
    seeds : iterable of int, default (0,)
        Repeats; all settings get the same ones.
    model, loss, metric : function, optional
        Your own, as in `hpkit.train`. The loss ranks settings, unless you ask for
        ``found.best_by("metric")``.
    storage : str or Path, optional
        A file, "tuning.json", that `hpkit.load` can read, too. After a stop or a kill,
        the same call resumes from it, random and Bayesian ones also with a larger
        `n_trials`. It holds only curves: the best run is trained again for its network.
    cv : int, optional
        Train on that many folds, cut as in `cross_validate`: the loss of seed k is that
        on fold k, which its network has not learned from, at the epoch that is best on
        average. See `best_run`. Not with `seeds`, `storage` or `executor`.
    executor : concurrent.futures.Executor, optional
        Trains on other processes, ``loky.get_reusable_executor()``, or machines,
        ``client.get_executor()`` of Dask. The numbers stay the same, up to rounding.
    device : str or torch.device, default 'cpu'
        Where to train, as in `hpkit.train`.
    progress : bool, default False
        Show a bar with runs, epochs and seconds left. Interrupting returns what is
        done.
    **values : iterable
        Those of each hyperparameter: ``lr=[0.01, 0.1], batch_size=[16, 64]``. With a
        `model` of your own, also of whatever it reads from its setting:
        ``heads=[2, 4]`` for ``setting.heads``.

    Examples
    --------
    >>> base = hk.Hyperparameters(epochs=2)
    >>> grid = hk.grid_search(hk.load_dataset("moons"), base, lr=[0.1, 1], seeds=[0, 1])
    >>> print(grid.cost)
    2 settings, 4 runs, 8 epochs
    """
    plan = new_plan(space=values)
    return _train_all(plan, hp.all_settings(plan.base, plan.space))


@search_function
def random_search(new_plan, *, n_trials=20, search_seed=0, **values):
    """Train settings that are drawn at random, in that order.

    Arguments as in `grid_search`, and those below.

    Parameters
    ----------
    n_trials : int, default 20
        How many different settings.
    search_seed : int, default 0
        For the drawing; `seeds` are those of the models.
    **values : Range or iterable
        For each hyperparameter `log_uniform`, `uniform`, or a list to choose from.
        Drawn numbers are rounded to four digits, counts such as epochs to whole ones.

    Notes
    -----
    Bergstra and Bengio, Random search for hyper-parameter optimization, JMLR 13, 2012.

    Examples
    --------
    >>> rand = hk.random_search(hk.load_dataset("moons"), hk.Hyperparameters(epochs=2),
    ...     lr=hk.log_uniform(1e-4, 10), n_trials=9)
    >>> len(rand.settings)
    9
    """
    plan = new_plan(space=values, ranges=True)
    drawn = spaces.draw_settings(plan.base, plan.space, n_trials, search_seed)
    return _train_all(plan, drawn)


def cross_validate(
    dataset: Dataset,
    settings: Hyperparameters | Iterable[Hyperparameters],
    *,
    folds: int = 5,
    repeats: int = 1,
    seed: int = 0,
    model: Model | None = None,
    loss: Score | None = None,
    metric: Score | None = None,
    device: str | torch.device = "cpu",
) -> np.ndarray:
    """Return validation losses of every fold, after the last epoch.

    That is ndarray (repeats, folds), for several settings (n_settings, repeats, folds).
    The training and validation rows are cut into folds of about the same shares of
    classes, `repeats` times anew; the test rows stay out. Groups stay whole; with
    `time` the rows held back come after those learned from. Columns are scaled by the
    rows learned from, a regression target as in the data set. With `patience` a fold
    stops so many epochs after its lowest loss and tells the loss there, above that of
    the network that `fit` keeps. `seed` is for the shuffles and the networks (with
    ``cv=`` in a search, fold k has the network of seed k, and a setting's folds are
    read at one epoch, the best on average); `model`, `loss`, `metric` and `device` are
    as in `fit`; a metric's values come in place of losses.

    Notes
    -----
    Hastie, Tibshirani, Friedman, The Elements of Statistical Learning (2009), 7.10.

    Examples
    --------
    >>> hk.cross_validate(hk.load_dataset("wine"), hk.Hyperparameters(), folds=3).shape
    (1, 3)
    """
    dataset = engine.with_objective(dataset, loss, metric)
    single = isinstance(settings, Hyperparameters)
    settings = engine.check_settings(settings, dataset)
    options = {"model": model, "loss": loss, "metric": metric, "device": device}
    seed = hp.check_seed("seed", seed)
    most = len(dataset.train.y) + len(dataset.valid.y)
    folds = hp.check_count("folds", folds, low=2, most=most)
    repeats, losses = hp.check_count("repeats", repeats, most=spaces.MOST_TRIALS), []
    if repeats > 1 and dataset.cut_by == "time":
        raise refusal("time_repeats", repeats)
    for repeat in range(repeats):
        for data in make_folds(dataset, folds, np.random.default_rng([seed, repeat])):
            *_, runs = engine.train(data, settings, seeds=(seed,), **options)
            curves = runs.val_loss if metric is None else runs.val_metric
            last = runs.epochs_done[:, :, None]
            losses.append(np.take_along_axis(curves, last, 2)[:, 0, 0])
    losses = np.reshape(np.transpose(losses), (-1, repeats, folds))
    return losses[0] if single else losses


@search_function
def one_at_a_time(new_plan, *, order=None, **values):
    """Train the values of one hyperparameter after another, keeping the best.

    It starts at `base`. The best value of the first (lowest mean validation loss) is
    kept while the second is tried, and so on: one round of coordinate search. The
    result's `steps` are the path, `best` is the best of all that were tried.

    Arguments as in `grid_search`; `order`, a list of names, is that of the steps.

    Examples
    --------
    >>> steps = hk.one_at_a_time(hk.load_dataset("moons"), hk.Hyperparameters(epochs=2),
    ...     lr=[0.01, 0.1], batch_size=[16, 32])
    >>> print(steps.cost, [step.name for step in steps.steps])
    3 settings, 3 runs, 6 epochs ['lr', 'batch_size']
    """
    plan = new_plan(space=values)
    plan.space = {name: plan.space[name] for name in check_order(order, plan.space)}
    if plan.model:  # refuse names that it never reads before the first step trains
        plan.make(settings=list(_longest_steps(plan))).groups()
    return _train_steps(plan)


def check_order(order, space):
    names = list(space)
    hint, order = tr("hints.order", names=names), names if order is None else order
    order = hp.check_items("order", order, hint=hint, of="names")
    if sorted(map(hp.brief, order)) != sorted(map(hp.brief, names)):
        raise refusal("order", list(order), names=names)
    return order


def _train_steps(plan):
    base, steps = plan.base, ()
    plan.planned = plan.cost(_longest_steps(plan))
    for name, values in plan.space.items():
        settings, known = hp.all_settings(base, {name: values}), len(plan.settings)
        step = Step(name, base, values, (), plan.cost({*settings} - {*plan.settings}))
        yield from plan.train(settings, steps=(*steps, step))
        runs = plan.now.runs
        numbers = tuple(runs.settings.index(s) for s in settings)
        base = runs.settings[rank(runs, runs.mean_val_loss, numbers)[0]]
        epochs = np.maximum(runs.epochs_done[known:], 0).sum()  # fewer by patience
        cost = replace(step.cost, epochs=int(epochs))
        steps += (replace(step, settings=numbers, winner=base, cost=cost),)
        yield plan.result(steps=steps, finished=len(steps) == len(plan.space))


def _longest_steps(plan):
    """Return the settings of all steps at most: the largest number of epochs wins."""
    base, settings = plan.base, {}
    for name, values in plan.space.items():
        settings |= dict.fromkeys(hp.all_settings(base, {name: values}))
        base = base.but(**{name: max(values) if name == "epochs" else values[0]})
    return settings


@search_function
def successive_halving(new_plan, *, n_trials=None, eta=3, search_seed=0, **values):
    """Train many settings a little, the best of them longer, and so on.

    After some epochs one setting in `eta` goes on, to `eta` times as many epochs, and
    so on; those left at last train to the epochs of `base`. The result's `rungs` are
    the cuts; `epochs_done` says how far each setting came.

    Arguments as in `random_search`, without epochs, and those below.

    Parameters
    ----------
    n_trials : int, optional
        How many settings to draw. Default: every combination, which needs lists.
    eta : int, >= 2, default 3
        One in `eta` goes on, rounded down, at least one.

    Notes
    -----
    At a cut settings are ranked by the lowest validation loss after any epoch, the mean
    over seeds: where the one that ends best starts slowly, this goes wrong. A schedule
    spans all epochs of `base`. Jamieson and Talwalkar, Non-stochastic best arm
    identification and hyperparameter optimization, AISTATS 2016.

    Examples
    --------
    >>> halv = hk.successive_halving(hk.load_dataset("digits"),
    ...     hk.Hyperparameters(epochs=9), lr=hk.log_uniform(0.001, 10), n_trials=9)
    >>> [(rung.epoch, len(rung.settings), len(rung.kept)) for rung in halv.rungs]
    [(1, 9, 3), (3, 3, 1)]
    """
    plan = new_plan(space=values, ranges=True)
    if "epochs" in plan.space:
        raise refusal("halving_epochs")
    eta = hp.check_count("eta", eta, low=2)
    hp.check_seed("search_seed", search_seed)
    if n_trials is not None:
        settings = spaces.draw_settings(plan.base, plan.space, n_trials, search_seed)
    elif spaces.space_size(plan.space) == float("inf"):
        raise refusal("halving_trials")
    else:
        settings = hp.all_settings(plan.base, plan.space)
    return _halve(plan, settings, eta)


def halving_cuts(count, eta, last):
    """Return the cuts of a halving as (epoch, settings that go on)."""
    counts = []
    while count > 1:
        counts.append(count := max(1, count // eta))
    # Late, for early losses mislead: only the last of all trains to the end.
    first = max(1, last // eta ** len(counts))
    epochs = (first * eta**i for i in range(len(counts)))
    return [cut for cut in zip(epochs, counts, strict=True) if cut[0] < last]


def _halve(plan, settings, eta):
    rungs = plan.storage.rungs if plan.storage else ()
    cuts = halving_cuts(len(settings), eta, plan.base.epochs)
    starts, counts = np.transpose([(0, len(settings)), *cuts])
    epochs = int(counts @ np.diff([*starts, plan.base.epochs])) * len(plan.seeds)
    plan.planned = replace(plan.cost(settings), epochs=epochs)
    if [(rung.epoch, len(rung.kept)) for rung in rungs] != cuts[: len(rungs)]:
        plan.storage.refuse("cuts")  # its file has the rungs
    remaining = rungs[-1].kept if rungs else range(len(settings))

    with plan.training(settings) as training:
        for epoch, count in cuts[len(rungs) :]:
            for _ in training.train_in_ticks(plan.tick, epoch):
                yield plan.result(finished=False, rungs=rungs)
            runs = training.runs
            lowest, _ = lowest_loss(runs.val_loss[..., 1:])  # not before training
            losses = over_seeds(np.mean, lowest)
            order = [int(i) for i in rank(runs, losses) if i in remaining]
            kept = tuple(sorted(order[:count]))
            losers = itertools.product({*remaining} - {*kept}, range(len(plan.seeds)))
            training.drop(set(losers))
            rungs += (Rung(epoch, tuple(remaining), kept),)
            remaining = kept
        for _ in training.train_in_ticks(plan.tick):
            yield plan.result(finished=False, rungs=rungs)
        yield plan.result(rungs=rungs)
