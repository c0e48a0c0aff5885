"""Choose hyperparameters by hand and by search, with live panels.

For learners of deep learning, and for anyone who compares many settings of
a small model: hpkit trains hundreds of settings and seeds at once on an
ordinary laptop, and each run gives the numbers of a plain PyTorch loop.

>>> import hpkit as hk
>>> moons = hk.load_dataset("moons")
>>> run = hk.fit(moons, hk.Hyperparameters(lr=0.1, epochs=5))
>>> grid = hk.grid_search(moons, lr=[0.01, 0.1], batch_size=[16, 32])
>>> grid.runs
Runs(4 runs on moons: 4 settings, 1 seed)

Ten calls to start with:

hk.load_dataset("moons")          a data set in three splits; for your own
                                  table there is hk.Dataset.from_frame
hk.Hyperparameters(lr=0.1)        a setting; what is left out has a default
hk.fit(data, setting)             train it once: curves, and the network
hk.train(data, settings)          train many at once, and watch
hk.validation_curve(data, ...)    one hyperparameter, all others held fixed
hk.grid_search(data, ...)         every combination; and random_search,
                                  successive_halving, bayesian_search
hk.plot_training_curves(result)   loss against epoch; more: plot_...
hk.describe(result)               what the chart shows, in a sentence
hk.TrainingPanel(data)            sliders and curves, live in a notebook
hk.progress()                     which exercises you have done

A search's result shows as a table at the end of a cell, and has best,
ties, val_loss, to_frame() and save(path).

run.predict(rows) uses a network; hk.load_model reads what run.save wrote.

Read on: help(hk.grid_search) and the like; the lessons, opened with
python -m hpkit lab; the glossary and the reference beside them. How hpkit
is made: hpkit/README.md.
"""

# The public names are loaded on first use, so that `import hpkit` needs no torch and
# `python -m hpkit lab` runs on a bare Python. This file must parse on an old Python
# (see __main__.py). Editors and mypy read __init__.pyi.

__version__ = "0.1.0"

_PUBLIC = {
    "locale": "language",
    "data.datasets": "Dataset load_dataset",
    "engine.files": "load_model",
    "engine.training": "Hyperparameters Run Runs fit train",
    "search.searches": "cross_validate grid_search one_at_a_time random_search "
    "successive_halving validation_curve",
    "search.space": "log_uniform uniform",
    "search.result": "Search describe",
    "search.files": "load",
    "search.bayes": "bayesian_search from_optuna to_optuna",
    "exercises": "progress",
    "capstone.task": "BudgetError Capstone",
    "plots": "alt_text plot_best_so_far plot_data plot_decision_boundary plot_grid "
    "plot_parallel plot_path plot_seeds plot_training_curves plot_validation_curve",
    "panels.bowl": "BowlPanel",
    "panels.choosing": "CoinFlipsPanel TestBoxPanel",
    "panels.clinic": "ClinicPanel",
    "panels.noise": "BatchNoisePanel",
    "panels.one_at_a_time": "OneAtATimePanel",
    "panels.parts": "present",
    "panels.patience": "PatiencePanel",
    "panels.race": "SearchRacePanel",
    "panels.schedule": "SchedulePanel",
    "panels.searches": "GridPanel ValidationCurvePanel",
    "panels.seeds": "SeedsPanel",
    "panels.share": "open",
    "panels.training": "TrainingPanel",
}
_MODULE_OF = {n: module for module, names in _PUBLIC.items() for n in names.split()}

__all__ = sorted(_MODULE_OF)


def __getattr__(name):
    """Import the module of a public name when the name is first used (PEP 562)."""
    if name not in _MODULE_OF:
        from difflib import get_close_matches

        close = get_close_matches(name, __all__, 1)
        message = "module 'hpkit' has no attribute %r" % name
        message += "; is %s meant?" % close[0] if close else ""
        raise AttributeError(message)
    import gc
    from importlib import import_module

    was_enabled = gc.isenabled()
    gc.disable()  # collecting garbage while torch loads takes a sixth of the time
    try:
        value = getattr(import_module("hpkit." + _MODULE_OF[name]), name)
    finally:
        if was_enabled:
            gc.enable()
    globals()[name] = value
    return value


def __dir__():
    """Return the names for completion, also those that are not loaded yet."""
    return sorted(set(globals()) | set(__all__))
