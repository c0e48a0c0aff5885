"""Bayesian search with Optuna, and searches converted to Optuna studies and back."""

import ast
import contextlib
from collections.abc import Mapping
from dataclasses import replace
from itertools import product

import numpy as np
import optuna
from optuna import Study, create_trial, distributions
from optuna.samplers import BaseSampler, TPESampler
from optuna.trial import TrialState

from hpkit import hyperparameters as hp
from hpkit.data.datasets import Dataset, check_dataset
from hpkit.engine.runs import CURVES, DIVERGED_ABOVE, Run, Runs, fill_arrays
from hpkit.hyperparameters import Hyperparameters, refusal
from hpkit.locale import tr
from hpkit.search import files
from hpkit.search.result import Search
from hpkit.search.searches import search_function
from hpkit.search.space import MOST_TRIALS, Range, range_ends

_RANDOM_FIRST = 10  # trials that TPE draws at random before it begins to model
_LITERAL = "(", "'", '"'  # how text of a tuple begins, or of text in quotes


@search_function
def bayesian_search(
    new_plan, *, n_trials=20, sampler=None, study=None, search_seed=0, **values
):
    """Train settings that Optuna proposes from the results so far.

    Arguments as in `random_search`, and those below. Numbers are as Optuna proposes
    them; a setting that is proposed again is not trained again.

    Parameters
    ----------
    sampler : one of optuna.samplers, optional
        Default ``TPESampler(seed=search_seed)``, of which the first ten trials are
        random draws that are trained at once. To resume from `storage`, make it anew in
        each call, with a seed: it must propose the same again.
    study : optuna.study.Study, optional
        One to continue, with its own sampler. Its finished trials count toward
        `n_trials`; those of this function come back in the result. It survives a kill
        as ``optuna.create_study(storage="sqlite:///tuning.db", study_name="a",
        load_if_exists=True)``; a sampler with a seed proposes the same again then.

    Notes
    -----
    Optuna is told the mean over seeds of `best_val_loss`; for a diverged
    setting three times the loss before any training. TPE: Bergstra, Bardenet, Bengio,
    Kegl, Algorithms for hyper-parameter optimization, NIPS 2011.

    Examples
    --------
    >>> moons, rates = hk.load_dataset("moons"), hk.log_uniform(1e-4, 10)
    >>> len(hk.bayesian_search(moons, lr=rates, n_trials=12).settings)
    12
    """
    plan = new_plan(space=values, ranges=True)
    count = hp.check_count("n_trials", n_trials, most=MOST_TRIALS)
    seed = hp.check_seed("search_seed", search_seed, most=2**32 - 1)  # Optuna's limit
    if not isinstance(sampler, BaseSampler | None):
        raise refusal("sampler", sampler, kind=TypeError)
    if study is None:
        first = _RANDOM_FIRST if sampler is None else 1
        sampler = sampler or TPESampler(seed=seed, n_startup_trials=first)
        return _ask_and_tell(plan, count, _new_study(sampler), first)
    earlier = _finished_trials(study)
    if sampler is not None or seed or plan.storage or plan.cv:
        raise refusal("study_alone")
    if runs := _earlier_runs(plan, earlier):
        runs = Runs.of(runs, seeds=plan.seeds)
        plan.settings, plan.now = runs.settings, plan.make(settings=runs.settings)
        fill_arrays(plan.now.arrays, ..., runs)
        plan.now.take([])
    elif len(earlier) >= count:
        raise refusal("study_done", count, trials=len(earlier))
    return _ask_and_tell(plan, count, study, 1, len(earlier))


def _earlier_runs(plan, trials):
    """Return the runs that this search left in a study; refuse those of another one."""
    runs, identity = [], files.identify(plan)
    for trial in trials:
        record = trial.user_attrs
        for name, values in plan.space.items():  # Optuna would refuse it later
            old = trial.distributions.get(name)
            if old and _kind(old) != _kind(_distribution(name, values)):
                raise refusal("study_values", values, name=name, theirs=old)
        if "setting" not in record or {*trial.params} != {*plan.space}:
            files.check_data(record, plan.dataset)
            for name in trial.params:  # Optuna would begin anew under another name
                if (ours := hp.name_for_alias(name)) in plan.space:
                    raise refusal("study_name", name, ours=ours)
            continue
        setting = _setting(trial.params, plan.base)
        new = _runs_of(record, plan.dataset, setting)
        part = "base"
        if record["setting"] == files.setting_to_json(setting):
            part = files.differing_part(plan, identity, record, () if runs else new)
        if part:
            raise refusal("study_other", trial.number, part=tr(f"search.parts.{part}"))
        runs += new
    return runs


def _curves_to_json(runs, i):
    """Return the curves of a setting, a list per seed, for a trial's attributes."""
    row = [runs[i, k]._curves for k in np.flatnonzero(runs.epochs_done[i] >= 0)]
    row = [] if i in {i for i, _ in runs.lost} else row  # a low loss must not count
    return {n: [curves[n].tolist() for curves in row] for n in (row[0] if row else ())}


def _runs_of(record, dataset, setting):
    """Return the runs in the seeds and curves of a trial's attributes, if any."""
    runs = []
    with contextlib.suppress(LookupError, TypeError, ValueError):
        for k, seed in enumerate(record["seeds"]):
            curves = {n: np.array(record[n][k], float) for n in CURVES if n in record}
            loss = curves["val_loss"]
            if loss.ndim == 0:  # one number, which becomes the loss of the last epoch
                curves["val_loss"] = loss = np.append([np.nan] * setting.epochs, loss)
            points = min(len(loss), setting.epochs + 1)
            if any(len(curve) != points for curve in curves.values()):
                return []
            curves = dict.fromkeys(CURVES) | curves | {"fit_time": 0.0}
            runs.append(Run(dataset, setting, hp.check_seed("seed", seed), **curves))
        return runs
    return []


def _ask_and_tell(plan, count, study, first, asked=0):
    """Train `count` trials, the `first` of them together if none was asked before."""
    identity = files.identify(plan)
    longest = max(range_ends(plan.space.get("epochs", (plan.base.epochs,))))
    plan.planned = plan.cost([plan.base.but(epochs=longest)] * count)
    while asked < count:
        trials = [study.ask() for _ in range(min(count - asked, 1 if asked else first))]
        asked += len(trials)
        try:
            yield from _train_and_tell(plan, study, trials, identity)
        except Exception as error:
            for trial in trials:  # else these would be "running" for ever
                with contextlib.suppress(Exception):
                    study.tell(trial, None, TrialState.FAIL, skip_if_finished=True)
            if not str(error).startswith("`Study.stop`"):
                raise
            count = asked  # the sampler has tried everything
    yield plan.result()


def _train_and_tell(plan, study, trials, identity):
    for trial, (name, values) in product(trials, plan.space.items()):
        _suggest(trial, name, values)
    settings = [_setting(trial.params, plan.base) for trial in trials]
    yield from plan.train(settings)
    runs = plan.now.runs
    for trial, setting in zip(trials, settings, strict=True):
        number = runs.settings.index(setting)
        attrs = identity | {"setting": files.setting_to_json(setting)}
        for name, value in (attrs | _curves_to_json(runs, number)).items():
            trial.set_user_attr(name, value)
        loss = runs.mean_val_loss[number]
        if runs.diverged[number].any():
            loss = DIVERGED_ABOVE * abs(runs.val_loss[number, :, 0].mean())
        fit = np.isfinite(loss) and not any(i == number for i, _ in runs.lost)
        study.tell(trial, *((float(loss),) if fit else (None, TrialState.FAIL)))


def to_optuna(search: Search) -> Study:
    """Return a search as an Optuna study, in memory, with a trial for each setting.

    A trial's value is its `mean_val_loss`, its intermediate values the mean
    validation loss at each epoch. Settings that were not trained to the end are
    "pruned", diverged ones "failed". Hidden layers are text, "16-16".

    Examples
    --------
    >>> grid = hk.grid_search(hk.load_dataset("moons"), lr=[0.01, 0.1])
    >>> grid.to_optuna().best_params
    {'lr': 0.1}
    """
    if not isinstance(search, Search):
        raise refusal("search", search, kind=TypeError)
    study, runs, data = _new_study(None), search.runs, search.dataset
    ranges = {name: _distribution(name, search._listed(name)) for name in search.space}
    lists = [name for name, part in ranges.items() if hasattr(part, "choices")]
    shared = {"seeds": [*search.seeds], "folds": len(runs.folds)}
    shared["dataset"] = data.n_train and files.data_to_json(data)
    shared["rows"] = data.fingerprint
    shared = {name: value for name, value in shared.items() if value}
    for i, setting in enumerate(search.settings):
        if (runs.epochs_done[i] < 0).any():
            continue
        state = TrialState.COMPLETE if runs.ended[i].all() else TrialState.PRUNED
        state = TrialState.FAIL if runs.unfit[i] else state
        value = float(runs.mean_val_loss[i]) if state is TrialState.COMPLETE else None
        curve = enumerate(runs.val_loss[i].mean(0).tolist())
        # A trial of a conditional study may lack some: a range has no place for None.
        names = [n for n in ranges if n in lists or getattr(setting, n) is not None]
        attrs = {"std_val_loss": float(runs.std_val_loss[i])} | shared
        trial = create_trial(
            state=state,
            params={n: _choice(n, getattr(setting, n)) for n in names},
            distributions={n: ranges[n] for n in names},
            value=value,
            intermediate_values={e: v for e, v in curve if np.isfinite(v)},
            user_attrs=attrs | _curves_to_json(runs, i),
        )
        study.add_trial(trial)
    return study


def from_optuna(
    study: Study,
    dataset: Dataset,
    base: Hyperparameters | None = None,
    *,
    names: Mapping[str, str] | None = None,
) -> Search:
    """Return the trials of an Optuna study, which minimizes a loss, as a `Search`.

    Its `val_loss` has the trials' values, at the last epoch; the rest is nan. Seeds and
    curves come back where a trial's user attributes hold them, as those of `to_optuna`
    do: "seeds", and "val_loss", a number or a curve per seed. Of pruned and failed
    trials only these count.

    Parameters
    ----------
    study : optuna.study.Study
    dataset : Dataset
        What it was trained on.
    base : Hyperparameters, default Hyperparameters()
        Values of what the study did not search, such as its epochs.
    names : dict, optional
        The study's name of a hyperparameter to hpkit's: ``{"learning_rate": "lr"}``.
    """
    finished = _finished_trials(study)
    check_dataset(dataset)
    base = hp.check_setting(base, "base", default=Hyperparameters())
    done = TrialState.COMPLETE  # a pruned trial's value is what it reported last
    trials = [t for t in finished if t.state is done or "val_loss" in t.user_attrs]
    ours = {n: (names or {}).get(n, n) for trial in trials for n in trial.params}
    own = [n for n in ours.values() if n not in hp.NAMES]
    for name in own:
        if (known := hp.name_for_alias(name)) in hp.NAMES:
            raise refusal("optuna_name", name, ours=known)
    base = base.but(own=dict.fromkeys(own) | dict(base.own))
    runs, folds, space = [], [], {}
    for trial in trials:
        setting = _setting({ours[n]: v for n, v in trial.params.items()}, base)
        record = trial.user_attrs
        files.check_data(record, dataset)
        value = {"seeds": [0], "val_loss": [trial.value]} if trial.state is done else {}
        new = _runs_of(record, dataset, setting) or _runs_of(value, dataset, setting)
        if new:
            runs += new
            folds.append(1 < len(new) == record.get("folds"))  # else somebody's own
            for name, distribution in trial.distributions.items():
                space[ours[name]] = _values(ours[name], distribution)
    if not runs:
        raise refusal("study_empty")
    if left_out := len(finished) - len(folds):
        hp.warn(tr("search.left_out", count=left_out, all=len(finished)))
    first = Runs.of(runs)
    runs.sort(key=lambda run: run.best_val_loss)  # of a setting tried twice: the lowest
    runs = Runs.of(runs, first.settings, first.seeds)
    runs = replace(runs, folds=(dataset,) * len(runs.seeds) * all(folds))
    return Search("optuna_study", base, space, runs, runs.cost)


def _finished_trials(study):
    if not isinstance(study, Study):
        raise refusal("study", study, kind=TypeError)
    directions = [direction.name.lower() for direction in study.directions]
    if directions != ["minimize"]:
        raise refusal("study_direction", directions=", ".join(directions))
    return [t for t in study.get_trials(deepcopy=False) if t.state.is_finished()]


def _new_study(sampler):
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        return optuna.create_study(direction="minimize", sampler=sampler)
    finally:
        optuna.logging.set_verbosity(before)


def _suggest(trial, name, values):
    if not isinstance(values, Range):
        return trial.suggest_categorical(name, [_choice(name, v) for v in values])
    suggest = trial.suggest_int if values.whole else trial.suggest_float
    return suggest(name, *range_ends(values), log=values.log)


def _distribution(name, values):
    if not isinstance(values, Range):
        return distributions.CategoricalDistribution([_choice(name, v) for v in values])
    kind = "IntDistribution" if values.whole else "FloatDistribution"
    return getattr(distributions, kind)(*range_ends(values), log=values.log)


def _kind(part):  # limits may change within a study
    return type(part), getattr(part, "log", None), getattr(part, "choices", None)


def _values(name, distribution):
    if hasattr(distribution, "choices"):
        return tuple(_value(name, choice) for choice in distribution.choices)
    low, high = distribution.low, distribution.high
    if name == "hidden":  # the width of one layer; a `Range` holds no tuples
        return tuple((n,) for n in range(low, high + 1, distribution.step))
    return Range(low, high, distribution.log, isinstance(low, int))


def _setting(params, base):
    return base.but(**{name: _value(name, v) for name, v in params.items()})


def _choice(name, value):
    if not isinstance(value, tuple) and not str(value).startswith(_LITERAL):
        return value  # text that begins so is quoted: it must not come back as a tuple
    return "-".join(map(str, value)) or "none" if name == "hidden" else repr(value)


def _value(name, choice):
    if not isinstance(choice, str):  # for `hidden` a database's list, or one width
        return hp.TABLE[name].check(name, choice) if name == "hidden" else choice
    if name == "hidden":  # "64-32", "none"
        return () if choice == "none" else tuple(map(int, choice.split("-")))
    if choice.startswith(_LITERAL):  # a tuple or quoted text, of a custom name
        with contextlib.suppress(ValueError, SyntaxError):
            return ast.literal_eval(choice)
    return choice.lower() if name in hp.NAMES else choice  # others may write "Adam"
