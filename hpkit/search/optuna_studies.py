"""Searches as Optuna studies, and studies as searches.

What Optuna can do with a study (importances, its own charts, its dashboard, going on
from there) it can do with ``to_optuna(search)``.
"""

import numpy as np

from hpkit.engine.run import Run
from hpkit.engine.runs import Runs
from hpkit.engine.training import check_dataset
from hpkit.hyperparameters import Hyperparameters, brief, check_setting, refused
from hpkit.search.records import cost_of
from hpkit.search.result import Search
from hpkit.search.space import COUNTS, Range
from hpkit.text import shown

READ = ("COMPLETE", "PRUNED")  # states of a trial; failed and running ones say nothing


def to_optuna(search):
    """Return a search as an Optuna study, a trial for each setting.

    Parameters
    ----------
    search : Search

    Returns
    -------
    optuna.study.Study
        In memory, to be minimized. A trial's value is the mean lowest validation loss,
        its intermediate values the mean validation loss at each epoch. Settings that
        were not trained to the end are "pruned", diverged ones "failed". A list of
        values is a categorical distribution, to which a start that is not on the list
        is added; hidden layers are text, "16-16".

    Examples
    --------
    >>> import hpkit as hk
    >>> grid = hk.grid_search(hk.load_dataset("moons"), lr=[0.01, 0.1])
    >>> grid.to_optuna().best_params
    {'lr': 0.1}
    """
    from optuna.trial import TrialState, create_trial

    if not isinstance(search, Search):
        way = "make one with hpkit.grid_search"
        raise refused("search must be a Search", search, way, kind=TypeError)
    study, runs = new_study(None), search.runs
    ranges = {}
    for name, values in search.space.items():
        if not isinstance(values, Range):
            values = dict.fromkeys((*values, *search.values(name)))
        ranges[name] = distribution(name, values)
    for i, setting in enumerate(search.settings):
        if (runs.epochs_done[i] < 0).any():
            continue
        state = TrialState.COMPLETE
        if runs.epochs_done[i].min() < setting.epochs:
            state = TrialState.PRUNED
        if runs.diverged[i].any():
            state = TrialState.FAIL
        curve = enumerate(runs.val_loss[i].mean(0))
        complete = state == TrialState.COMPLETE
        study.add_trial(
            create_trial(
                state=state,
                params={n: choice(getattr(setting, n)) for n in search.space},
                distributions=ranges,
                value=float(runs.mean_val_loss[i]) if complete else None,
                intermediate_values={e: float(v) for e, v in curve if np.isfinite(v)},
                user_attrs={
                    "std_val_loss": float(runs.std_val_loss[i]),
                    "seeds": list(search.seeds),
                },
            )
        )
    return study


def from_optuna(study, dataset, base=None, *, names=None):
    """Return the trials of an Optuna study as a `Search`.

    Parameters
    ----------
    study : optuna.study.Study
        With one value to be minimized, a validation loss.
    dataset : Dataset
        What it was trained on.
    base : Hyperparameters, default Hyperparameters()
        Values of what the study did not search.
    names : dict, optional
        The study's name of a hyperparameter: hpkit's, ``{"learning_rate": "lr"}``.

    Returns
    -------
    Search
        `val_loss` has the trials' intermediate values, by their step, if in every
        trial the lowest of them is its value; else only the values, at the last epoch,
        and no pruned trials. The rest is nan: a study does not hold it.

    Raises
    ------
    ValueError, TypeError
        No study, one to be maximized, unknown hyperparameters, no trial with a value.
    """
    check_study(study)
    check_dataset(dataset)
    texts = [*names, *names.values()] if isinstance(names, dict) else [None]
    if names is not None and not all(isinstance(text, str) for text in texts):
        way = "write names={'learning_rate': 'lr'}"
        raise refused("names must be a dict of texts", names, way, kind=TypeError)
    base, names = check_setting(base, "base", default=Hyperparameters()), names or {}
    trials = [t for t in study.get_trials(deepcopy=False) if t.state.name in READ]
    reported = all(map(reports_its_value, trials))
    runs, space = [], {}
    for trial in trials:
        params = {names.get(name, name): v for name, v in trial.params.items()}
        setting = setting_of(params, base)
        curve = curve_of(trial, setting.epochs, reported)
        if not np.isfinite(curve).any():
            continue
        for name, found in trial.distributions.items():
            name = names.get(name, name)
            space[name] = space_of(name, found)
        nothing = np.full_like(curve, np.nan)
        accuracy = None if dataset.is_regression else nothing
        runs.append(Run(dataset, setting, 0, nothing, curve, accuracy, accuracy, 0.0))
    if not runs:
        raise ValueError(
            "a study must hold a trial with a value, got none; run it first."
        )
    runs = Runs.of(runs)
    return Search("optuna_study", base, space, runs, cost_of(runs))


def check_study(study):
    """Raise unless it is a study with one value to be minimized."""
    import optuna

    if not isinstance(study, optuna.study.Study):
        raise TypeError(
            f"study must be an optuna.study.Study, got {brief(study)}; make one with "
            "optuna.create_study()."
        )
    directions = [direction.name.lower() for direction in study.directions]
    if directions != ["minimize"]:
        raise ValueError(
            "a study must minimize one value, the validation loss, got "
            f"{', '.join(directions)}; let the objective return the validation loss."
        )


def reports_its_value(trial):
    """Whether the lowest intermediate value of a trial, if complete, is its value."""
    if trial.state.name == "PRUNED":
        return True
    lowest = min(trial.intermediate_values.values(), default=np.nan)
    return bool(np.isclose(lowest, trial.value))


def curve_of(trial, epochs, reported):
    """Return what a trial says of the validation loss: ndarray (epochs + 1,)."""
    curve = np.full(epochs + 1, np.nan)
    if reported:
        for step, value in trial.intermediate_values.items():
            if 0 <= step <= epochs:
                curve[step] = value
        if trial.state.name == "PRUNED":
            curve = curve[: max((*trial.intermediate_values, -1)) + 1]
    elif trial.state.name == "COMPLETE":
        curve[-1] = trial.value
    return curve


def new_study(sampler):
    """Return a study in memory, made without a word."""
    import optuna

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        return optuna.create_study(direction="minimize", sampler=sampler)
    finally:
        optuna.logging.set_verbosity(before)


def distribution(name, values):
    """Return Optuna's distribution of a list or a range."""
    from optuna import distributions

    if not isinstance(values, Range):
        return distributions.CategoricalDistribution([choice(v) for v in values])
    if name in COUNTS:
        low, high = round(values.low), round(values.high)
        return distributions.IntDistribution(low, high, log=values.log)
    return distributions.FloatDistribution(values.low, values.high, log=values.log)


def space_of(name, found):
    """Return the list or the range of one of Optuna's distributions."""
    if hasattr(found, "choices"):
        return tuple(value_of(name, choice) for choice in found.choices)
    return Range(found.low, found.high, found.log)


def setting_of(params, base):
    """Return the setting with the values that Optuna proposed."""
    return base.but(**{name: value_of(name, v) for name, v in params.items()})


def choice(value):
    """Return a value as Optuna takes it: a tuple as text."""
    return shown(value) if isinstance(value, tuple) else value


def value_of(name, choice):
    """Return the value of one of Optuna's choices."""
    if name == "hidden" and isinstance(choice, str):
        return tuple(int(units) for units in choice.split("-") if units.isdigit())
    return choice
