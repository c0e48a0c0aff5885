"""What all searches share: checked arguments, live form, progress bar.

A search is written once, as a generator of partial results; `searching` makes the
function that trains it to the end.
"""

import contextlib
import functools
import inspect
from dataclasses import dataclass

from hpkit.engine.runs import join
from hpkit.engine.training import Training, check_dataset, check_model, check_settings
from hpkit.hyperparameters import (
    Hyperparameters,
    check_flag,
    check_number,
    check_seeds,
    check_setting,
)
from hpkit.search.records import planned_cost
from hpkit.search.result import Search
from hpkit.search.space import Range, as_count, check_space

# Seconds between two partial results: about 30 pictures a second for a panel; while
# nobody looks, what Ctrl-C may lose.
LIVE_TICK, QUIET_TICK = 0.03, 0.3

# What a learner reads.
BAR = "{runs} of {all_runs} runs"


def searching(plan):
    """Return a search as a function that trains it to the end; its `live` is `plan`.

    Parameters
    ----------
    plan : function
        Checks its arguments at once and returns a generator of `Search`.
    """

    @functools.wraps(plan)
    def search(*args, progress=False, **kwargs):
        check_flag("progress", progress, "write progress=True for a bar")
        return last_of(plan(*args, tick=QUIET_TICK, **kwargs), progress)

    signature = inspect.signature(plan)
    names = [
        inspect.Parameter("progress", p.kind, default=False) if p.name == "tick" else p
        for p in signature.parameters.values()
    ]
    search.__signature__ = signature.replace(parameters=names)
    search.live = plan
    return search


def last_of(live, progress):
    """Return the last of the partial results, or what is there when interrupted."""
    found = None
    with contextlib.closing(live), progress_bar(progress) as show:
        try:
            for found in live:
                show(found)
        except KeyboardInterrupt:
            if found is None:
                raise
    return found


@contextlib.contextmanager
def progress_bar(wanted):
    """Give a function that shows a `Search` as a bar of epochs, if wanted."""
    if not wanted:
        yield lambda found: None
        return
    from tqdm.auto import tqdm

    with tqdm(unit="epoch") as bar:

        def show(found):
            cost, planned = found.cost, found.planned
            bar.total = cost.epochs if found.finished else planned.epochs
            words = BAR.format(runs=found.runs_done, all_runs=planned.runs)
            bar.set_description(words, refresh=False)
            bar.update(cost.epochs - bar.n)

        yield show


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
        """Return a training of some settings with all seeds, not yet begun."""
        if self.executor is None:
            return Training(self.dataset, settings, seeds=self.seeds, model=self.model)
        from hpkit.search.executors import Spread

        return Spread(
            self.dataset, settings, seeds=self.seeds, model=self.model,
            executor=self.executor,
        )  # fmt: skip

    def found(self, runs, planned, **more):
        """Return what is there as a `Search`."""
        return Search(self.kind, self.base, self.space, runs, planned, **more)


def make_plan(kind, dataset, base, space, *, ranges=False, **shared):
    """Return the checked `Plan` of a search."""
    check_dataset(dataset)
    base = check_setting(base, "base", default=Hyperparameters())
    space = check_space(kind, space, ranges=ranges)
    for name, tried in space.items():
        ends = (tried.low, tried.high) if isinstance(tried, Range) else tried
        one_changed = [base.but(**{name: as_count(name, v)}) for v in ends]
        check_settings(one_changed, dataset)
    shared["seeds"] = check_seeds(shared["seeds"])
    shared["tick"] = check_number("tick", shared["tick"], low=0, hint="try 0.03")
    check_model(shared["model"])
    if shared["executor"] is not None:
        from hpkit.search.executors import check_executor

        check_executor(shared["executor"], shared["model"])
    return Plan(kind, dataset, base, space, **shared)


def under_way(training, tick, pause=float("inf")):
    """Advance a training to its end, or to epoch `pause`, and give it at each tick."""
    while not training.finished and not training.paused(pause):
        training.advance(tick, pause)
        yield training


@contextlib.contextmanager
def ending(training):
    """Give a training; afterwards nothing of it is left running elsewhere."""
    try:
        yield training
    finally:
        if close := getattr(training, "close", None):
            close()


def lost_of(training, before=()):
    """Return what an executor has lost; raise its error if nothing is left at all.

    `before` are the runs of earlier trainings of the same search.
    """
    lost = tuple(getattr(training, "lost", ()))
    if lost and training.finished and not any(map(len, (*before, training.runs))):
        raise training.error  # as it would be in one process
    return lost


def train_all(plan, settings):
    """Return a generator that trains all settings at once."""
    planned = planned_cost(settings, plan.seeds)
    return _train_all(plan, plan.training(settings), planned)


def _train_all(plan, training, planned):
    with ending(training):
        for _ in under_way(training, plan.tick):
            done, lost = training.finished, lost_of(training)
            yield plan.found(training.runs, planned, finished=done, lost=lost)


def train_more(plan, parts, settings, planned, lost, **more):
    """Train the settings that are not in `parts`, and append their runs to it.

    Returns
    -------
    tuple of Lost
        What was lost so far.
    """
    known = {setting for part in parts for setting in part.settings}
    new = [s for s in dict.fromkeys(settings) if s not in known]
    if not new:
        return lost
    with ending(plan.training(new)) as training:
        for _ in under_way(training, plan.tick):
            now = (*lost, *lost_of(training, parts))
            runs = join([*parts, training.runs])
            yield plan.found(runs, planned, finished=False, lost=now, **more)
        parts.append(training.runs)
    return now
