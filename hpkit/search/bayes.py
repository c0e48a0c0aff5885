"""Bayesian search, which is Optuna's, through its public ask-and-tell interface.

The way to and from Optuna's studies is in `studies`.
"""

import math

from hpkit.engine.run import DIVERGED_ABOVE
from hpkit.engine.runs import join
from hpkit.hyperparameters import brief, check_count, check_seed
from hpkit.search.optuna_studies import distribution, new_study, setting_of
from hpkit.search.records import planned_cost
from hpkit.search.shared import LIVE_TICK, make_plan, searching, train_more
from hpkit.search.space import Range

RANDOM_FIRST = 10  # trials that TPE draws at random before it begins to model


@searching
def bayesian_search(
    dataset, base=None, *, n_trials=20, sampler=None, search_seed=0,
    seeds=(0,), model=None, executor=None, tick=LIVE_TICK, **values,
):  # fmt: skip
    """Return models with settings that Optuna proposes from those before.

    Parameters
    ----------
    dataset, base, seeds, model, executor, progress
        As in `validation_curve`.
    n_trials : int, default 20
        How many settings to ask for. The same one may be proposed again; it is not
        trained again.
    sampler : optuna.samplers.BaseSampler, optional
        Default ``optuna.samplers.TPESampler(seed=search_seed)``, of which the first
        ten trials are random draws: these are trained at once.
    search_seed : int, default 0
        Of the default sampler.
    **values : Range or iterable
        As in `random_search`.

    Returns
    -------
    Search
        Settings in the order in which they were proposed.

    Raises
    ------
    ValueError, TypeError
        Before anything is trained.

    Notes
    -----
    Optuna is told the mean over seeds of the lowest validation loss; for a diverged
    setting three times the loss before any training. TPE: Bergstra, Bardenet, Bengio,
    Kegl, Algorithms for hyper-parameter optimization, NIPS 2011. Optuna: Akiba et al.,
    KDD 2019.

    Examples
    --------
    >>> import hpkit as hk
    >>> tpe = hk.bayesian_search(
    ...     hk.load_dataset("moons"), hk.Hyperparameters(epochs=2),
    ...     lr=hk.log_uniform(1e-4, 10), n_trials=12)
    >>> len(tpe.to_optuna().trials)
    12
    """
    plan = make_plan(
        "bayesian_search", dataset, base, values, ranges=True, seeds=seeds, model=model,
        executor=executor, tick=tick,
    )  # fmt: skip
    count = check_count("n_trials", n_trials, most=10**5, hint="try 20")
    draws = check_seed("search_seed", search_seed, most=2**32 - 1)  # Optuna's most
    sampler, first = check_sampler(sampler, draws)
    return _ask_and_tell(plan, count, sampler, first)


def check_sampler(sampler, seed):
    """Return the sampler, and how many it may be asked for at first."""
    from optuna.samplers import BaseSampler, TPESampler

    if sampler is None:
        return TPESampler(seed=seed, n_startup_trials=RANDOM_FIRST), RANDOM_FIRST
    if not isinstance(sampler, BaseSampler):
        raise TypeError(
            f"sampler must be one of optuna.samplers, got {brief(sampler)}; write for "
            "example optuna.samplers.TPESampler(multivariate=True, seed=0)."
        )
    return sampler, 1


def _ask_and_tell(plan, count, sampler, first):
    study, asked, parts, lost = new_study(sampler), 0, [], ()
    ranges = {name: distribution(name, v) for name, v in plan.space.items()}
    longest = longest_epochs(plan)
    planned = planned_cost([plan.base.but(epochs=longest)] * count, plan.seeds)
    while asked < count:
        now = min(count - asked, 1 if asked else first)
        trials = [study.ask(ranges) for _ in range(now)]
        asked += now
        settings = [setting_of(trial.params, plan.base) for trial in trials]
        lost = yield from train_more(plan, parts, settings, planned, lost)
        runs = join(parts)
        for trial, setting in zip(trials, settings, strict=True):
            tell(study, trial, runs, runs.settings.index(setting))
    yield plan.found(runs, planned, lost=lost)


def longest_epochs(plan):
    """Return the most epochs that a setting may have."""
    values = plan.space.get("epochs", (plan.base.epochs,))
    return round(values.high) if isinstance(values, Range) else max(values)


def tell(study, trial, runs, number):
    """Tell a study what came of a trial."""
    from optuna.trial import TrialState

    loss = runs.mean_val_loss[number]
    if runs.diverged[number].any():
        loss = DIVERGED_ABOVE * runs.val_loss[number, :, 0].mean()
    if math.isfinite(loss):
        study.tell(trial, float(loss))
    else:  # lost
        study.tell(trial, state=TrialState.FAIL)
