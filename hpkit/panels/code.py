"""The code that a panel shows: a cell that gives the same result without it."""

import textwrap

from hpkit.data.course_data import SOURCES
from hpkit.data.datasets import load_dataset
from hpkit.hyperparameters import Hyperparameters
from hpkit.locale import Texts

WORDS = Texts("panels.code")
WIDTH = 72  # characters of a line
ALWAYS = ("lr", "batch_size", "epochs")


def call(head, arguments):
    """Return a call, over several lines where one would be too long."""
    line = f"{head}({', '.join(arguments)})"
    if len(line) <= WIDTH:
        return line
    lines = textwrap.wrap(", ".join(arguments) + ",", WIDTH - 4, break_long_words=False)
    return "\n    ".join([f"{head}(", *lines]) + "\n)"


def head(dataset, model=None):
    """Return the first lines of a cell: what `data` and `model` are.

    A learner's own are named, not made: the notebook that shows the panel has them.
    """
    name = dataset.name
    course = name in SOURCES and load_dataset(name) is dataset
    data = f'data = hk.load_dataset("{name}")' if course else WORDS["own"].format(name)
    unnamed = [WORDS["model"]] if model_of(model) == ["model=model"] else []
    return ["import hpkit as hk", "", data, *unnamed]


def model_of(model):
    """Return the argument that names a learner's own model, in a list."""
    if model is None or getattr(model, "__module__", "") == "hpkit.engine.dense":
        return []
    name = getattr(model, "__name__", "")
    return [f"model={name if name.isidentifier() else 'model'}"]


def seeds_of(seeds):
    """Return the argument that names seeds, as a range where they are one."""
    first, last, seeds = seeds[0], seeds[-1], list(seeds)
    if seeds != list(range(first, last + 1)):
        return f"seeds={seeds}"
    return f"seeds=range({f'{first}, ' if first else ''}{last + 1})"


def code_of_setting(setting, without=()):
    """Return the call that makes a setting; defaults are left out."""
    plain, parts = Hyperparameters(), []
    for name in setting.__dataclass_fields__:
        value = getattr(setting, name)
        said = name in ALWAYS or value != getattr(plain, name)
        if said and name not in without:
            parts.append(f"{name}={value!r}")
    return call("hk.Hyperparameters", parts)


def code_of_run(run):
    """Return the cell that trains a run."""
    arguments = ["data", "setting", f"seed={run.seed}", *model_of(run.model)]
    lines = [
        *head(run.dataset, run.model),
        f"setting = {code_of_setting(run.setting)}",
        call("run = hk.fit", arguments),
        "run.best_val_loss, run.best_epoch",
    ]
    return "\n".join(lines)


def code_of_search(search, dataset, base, seeds, model, *, without=(), **arguments):
    """Return the cell that runs a search; `base` need not say what is searched."""
    parts = [f"{name}={value!r}" for name, value in arguments.items()]
    parts += [seeds_of(seeds), *model_of(model)]
    lines = [
        *head(dataset, model),
        f"base = {code_of_setting(base, without)}",
        call(f"found = hk.{search}", ["data", "base", *parts]),
        "found",
    ]
    return "\n".join(lines)
