"""The public names for editors and type checkers: they are loaded on first use.

The searches are typed here, the others where they are.
"""

from collections.abc import Iterable
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import torch
from optuna.samplers import BaseSampler
from optuna.study import Study

from hpkit.capstone.task import BudgetError, Capstone
from hpkit.data.datasets import Dataset, load_dataset
from hpkit.engine.dense import Model, Score
from hpkit.engine.files import load_model
from hpkit.engine.training import Hyperparameters, Run, Runs, fit, train
from hpkit.exercises import progress
from hpkit.locale import language
from hpkit.panels.bowl import BowlPanel
from hpkit.panels.choosing import CoinFlipsPanel, TestBoxPanel
from hpkit.panels.clinic import ClinicPanel
from hpkit.panels.noise import BatchNoisePanel
from hpkit.panels.one_at_a_time import OneAtATimePanel
from hpkit.panels.parts import present
from hpkit.panels.patience import PatiencePanel
from hpkit.panels.race import SearchRacePanel
from hpkit.panels.schedule import SchedulePanel
from hpkit.panels.searches import GridPanel, ValidationCurvePanel
from hpkit.panels.seeds import SeedsPanel
from hpkit.panels.share import open
from hpkit.panels.training import TrainingPanel
from hpkit.plots import (
    alt_text,
    plot_best_so_far,
    plot_data,
    plot_decision_boundary,
    plot_grid,
    plot_parallel,
    plot_path,
    plot_seeds,
    plot_training_curves,
    plot_validation_curve,
)
from hpkit.search.bayes import from_optuna, to_optuna
from hpkit.search.files import load
from hpkit.search.result import Search, describe
from hpkit.search.searches import cross_validate
from hpkit.search.space import log_uniform, uniform

__version__: str
__all__ = [
    "BatchNoisePanel",
    "BowlPanel",
    "BudgetError",
    "Capstone",
    "ClinicPanel",
    "CoinFlipsPanel",
    "Dataset",
    "GridPanel",
    "Hyperparameters",
    "OneAtATimePanel",
    "PatiencePanel",
    "Run",
    "Runs",
    "SchedulePanel",
    "Search",
    "SearchRacePanel",
    "SeedsPanel",
    "TestBoxPanel",
    "TrainingPanel",
    "ValidationCurvePanel",
    "alt_text",
    "bayesian_search",
    "cross_validate",
    "describe",
    "fit",
    "from_optuna",
    "grid_search",
    "language",
    "load",
    "load_dataset",
    "load_model",
    "log_uniform",
    "one_at_a_time",
    "open",
    "plot_best_so_far",
    "plot_data",
    "plot_decision_boundary",
    "plot_grid",
    "plot_parallel",
    "plot_path",
    "plot_seeds",
    "plot_training_curves",
    "plot_validation_curve",
    "present",
    "progress",
    "random_search",
    "successive_halving",
    "to_optuna",
    "train",
    "uniform",
    "validation_curve",
]

def bayesian_search(
    dataset: Dataset,
    base: Hyperparameters | None = None,
    *,
    n_trials: int = 20,
    sampler: BaseSampler | None = None,
    study: Study | None = None,
    search_seed: int = 0,
    seeds: Iterable[int] = (0,),
    model: Model | None = None,
    loss: Score | None = None,
    metric: Score | None = None,
    executor: Executor | None = None,
    storage: str | Path | None = None,
    cv: int | None = None,
    device: str | torch.device = "cpu",
    progress: bool = False,
    **values: Any,
) -> Search: ...
def grid_search(
    dataset: Dataset,
    base: Hyperparameters | None = None,
    *,
    seeds: Iterable[int] = (0,),
    model: Model | None = None,
    loss: Score | None = None,
    metric: Score | None = None,
    executor: Executor | None = None,
    storage: str | Path | None = None,
    cv: int | None = None,
    device: str | torch.device = "cpu",
    progress: bool = False,
    **values: Any,
) -> Search: ...
def one_at_a_time(
    dataset: Dataset,
    base: Hyperparameters | None = None,
    *,
    order: Iterable[str] | None = None,
    seeds: Iterable[int] = (0,),
    model: Model | None = None,
    loss: Score | None = None,
    metric: Score | None = None,
    executor: Executor | None = None,
    storage: str | Path | None = None,
    cv: int | None = None,
    device: str | torch.device = "cpu",
    progress: bool = False,
    **values: Any,
) -> Search: ...
def random_search(
    dataset: Dataset,
    base: Hyperparameters | None = None,
    *,
    n_trials: int = 20,
    search_seed: int = 0,
    seeds: Iterable[int] = (0,),
    model: Model | None = None,
    loss: Score | None = None,
    metric: Score | None = None,
    executor: Executor | None = None,
    storage: str | Path | None = None,
    cv: int | None = None,
    device: str | torch.device = "cpu",
    progress: bool = False,
    **values: Any,
) -> Search: ...
def successive_halving(
    dataset: Dataset,
    base: Hyperparameters | None = None,
    *,
    n_trials: int | None = None,
    eta: int = 3,
    search_seed: int = 0,
    seeds: Iterable[int] = (0,),
    model: Model | None = None,
    loss: Score | None = None,
    metric: Score | None = None,
    executor: Executor | None = None,
    storage: str | Path | None = None,
    cv: int | None = None,
    device: str | torch.device = "cpu",
    progress: bool = False,
    **values: Any,
) -> Search: ...
def validation_curve(
    dataset: Dataset,
    base: Hyperparameters | None = None,
    *,
    param_name: str,
    param_range: Iterable[Any],
    seeds: Iterable[int] = (0,),
    model: Model | None = None,
    loss: Score | None = None,
    metric: Score | None = None,
    executor: Executor | None = None,
    storage: str | Path | None = None,
    cv: int | None = None,
    device: str | torch.device = "cpu",
    progress: bool = False,
) -> Search: ...
