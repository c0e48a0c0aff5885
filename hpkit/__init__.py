"""Hyperparameters by hand: lessons, live panels, and the small library under them.

The public names are loaded on first use, so that ``import hpkit`` needs no torch and
``python -m hpkit lab`` runs on a bare Python.  Not in here: any code that trains,
plots or shows something.

This file must parse on an old Python (see ``__main__.py``).
"""

__version__ = "0.1.0"

# module: its public names
_PUBLIC = {
    "data.datasets": ("Dataset", "load_dataset"),
    "engine.training": ("Hyperparameters", "Run", "Runs", "fit", "train"),
    "search.searches": (
        "grid_search",
        "one_at_a_time",
        "random_search",
        "validation_curve",
    ),
    "search.space": ("log_uniform", "uniform"),
    "search.result": ("Search",),
    "search.files": ("load",),
    "exercises": ("progress",),
    "search.halving": ("successive_halving",),
    "search.bayes": ("bayesian_search",),
    "capstone": ("BudgetError", "Capstone"),
    "search.optuna_studies": ("from_optuna", "to_optuna"),
    "plots": (
        "alt_text",
        "describe",
        "plot_best_so_far",
        "plot_data",
        "plot_decision_boundary",
        "plot_grid",
        "plot_parallel",
        "plot_path",
        "plot_seeds",
        "plot_training_curves",
        "plot_validation_curve",
    ),
    "panels": (
        "BatchNoisePanel",
        "BowlPanel",
        "CoinFlipsPanel",
        "GridPanel",
        "OneAtATimePanel",
        "PatiencePanel",
        "SearchRacePanel",
        "SeedsPanel",
        "TestBoxPanel",
        "TrainingPanel",
        "ValidationCurvePanel",
        "present",
    ),
}
_MODULE_OF = {name: module for module, names in _PUBLIC.items() for name in names}

__all__ = sorted(_MODULE_OF)


def __getattr__(name):
    """Import the module of a public name when the name is first used (PEP 562)."""
    if name not in _MODULE_OF:
        raise AttributeError("module 'hpkit' has no attribute %r" % name)
    from importlib import import_module

    value = getattr(import_module("hpkit." + _MODULE_OF[name]), name)
    globals()[name] = value
    return value


def __dir__():
    """Names for completion, also those that are not loaded yet."""
    return sorted(set(globals()) | set(__all__))
