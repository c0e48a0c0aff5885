"""The code that a panel shows: a cell that gives the same result without it."""

import textwrap

from hpkit.datasets import load_dataset
from hpkit.settings import Hyperparameters
from hpkit.sources import SOURCES

WORDS = {
    "own": "data = ...  # your data set: {}",
    "model": "model = ...  # your function that makes the network",
}
WIDTH = 72  # characters of a line
ALWAYS = ("lr", "batch_size", "epochs")


def call(head, arguments):
    """Return a call, over several lines where one would be too long."""
    line = f"{head}({', '.join(arguments)})"
    if len(line) <= WIDTH:
        return line
    lines = textwrap.wrap(", ".join(arguments) + ",", WIDTH - 4, break_long_words=False)
    return "\n    ".join([f"{head}(", *lines]) + "\n)"


def code_of_dataset(dataset):
    """Return the line that loads a data set."""
    name = dataset.name
    if name in SOURCES and load_dataset(name) is dataset:
        return f'data = hk.load_dataset("{name}")'
    return WORDS["own"].format(name)


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
    own = run.model is not None and run.model.__module__ != "hpkit.models"
    return "\n".join([
        "import hpkit as hk",
        "",
        code_of_dataset(run.dataset),
        *([WORDS["model"]] if own else []),
        f"setting = {code_of_setting(run.setting)}",
        f"run = hk.fit(data, setting, seed={run.seed}{', model=model' if own else ''})",
        "run.best_val_loss, run.best_epoch",
    ])  # fmt: skip
