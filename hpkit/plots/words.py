"""What charts say: their labels, and a result in a sentence."""

from __future__ import annotations

from typing import Any

import numpy as np

from hpkit.engine.runs import Run, Runs
from hpkit.hyperparameters import NAMES, TABLE, refused
from hpkit.locale import Texts
from hpkit.locale import words as texts
from hpkit.search.result import Search
from hpkit.text import short, shown

# What a learner reads.
SAY = Texts("plots")
# A chart's kind, for alternative text.
CHARTS = Texts("plots.charts")
TOLD = Texts("plots.told")


def as_runs(result):
    """Return a Run, Runs, Search or list of Run as `Runs`."""
    if isinstance(result, Runs):
        return result
    if isinstance(result, Search):
        return result.runs
    if isinstance(result, Run):
        return Runs.of([result])
    if isinstance(result, list | tuple) and all(isinstance(r, Run) for r in result):
        return Runs.of(result)
    raise TypeError(
        "a result must be a Run, a list of Run, Runs or a Search, got "
        f"{type(result).__name__}; make one with hpkit.fit or hpkit.grid_search."
    )


def as_search(result, kinds=None):
    """Return `result` if it is a Search (of one of `kinds`), else raise."""
    kind = getattr(result, "kind", type(result).__name__)
    if not isinstance(result, Search) or (kinds and kind not in kinds):
        wanted = " or ".join(f"hpkit.{k}" for k in kinds or ("grid_search",))
        raise TypeError(
            f"this chart needs the result of a search, got {kind}; make one with "
            f"{wanted}."
        )
    return result


def varied(settings):
    """Return the names of the hyperparameters in which settings differ."""
    return [n for n in NAMES if len({getattr(s, n) for s in settings}) > 1]


def counted(runs):
    """Return how many settings and seeds there are."""
    n, k = len(runs.settings), len(runs.seeds)
    words = TOLD["setting"] if n == 1 else TOLD["settings"].format(n=n)
    return words + (TOLD["seeds"].format(n=k) if k > 1 else "")


def describe(result: Any) -> str:
    """Return what a chart of a result shows, in one sentence.

    Parameters
    ----------
    result : Run, Runs, Search, list of Run, list of Search or dict of Search

    Returns
    -------
    str
        Also the alternative text of the charts, so that it says what they show.

    Examples
    --------
    >>> import hpkit as hk
    >>> curve = hk.validation_curve(hk.load_dataset("moons"),
    ...     hk.Hyperparameters(epochs=3), param_name="lr", param_range=[0.001, 0.1])
    >>> print(describe(curve)[:44])
    moons, validation loss against learning rate
    """
    if several := as_searches(result, strict=False):
        said = [
            TOLD["so_far"].format(
                name=name, epochs=s.best_so_far()[0][-1], loss=s.best_so_far()[1][-1]
            )
            for name, s in several.items()
        ]
        data = next(iter(several.values())).dataset.name
        return f"{data}: {'; '.join(said)}."
    runs = as_runs(result)
    if len(runs) == 1:
        return told_run(next(iter(runs)))
    if isinstance(result, Search) and len(result.space) == 1:
        return told_curve(result)
    return told_runs(runs)


def told_run(run):
    """Return one run in a sentence."""
    facts = {
        "data": run.dataset.name, "setting": short(run.setting, ["lr", "batch_size"]),
        "start": run.val_loss[0], "best": run.best_val_loss, "at": run.best_epoch,
        "last": run.val_loss[-1], "done": run.epochs_done, "train": run.train_loss[-1],
    }  # fmt: skip
    return TOLD["run_out" if run.diverged else "run"].format(**facts)


def told_runs(runs):
    """Return many runs in a sentence."""
    out, best = runs.diverged.any(1), runs.order[0]
    facts = {
        "data": runs.dataset.name, "count": counted(runs),
        "best": runs.mean_val_loss[best],
        "setting": short(runs.settings[best], varied(runs.settings)),
        "out": TOLD["out"].format(count=out.sum()) if out.any() else "",
    }  # fmt: skip
    return TOLD["runs_out" if out.all() else "runs"].format(**facts)


def told_curve(search):
    """Return a validation curve in a sentence: its ends and its lowest point."""
    runs, name = search.runs, search.param_name
    out, best = runs.diverged.any(1), int(runs.order[0])
    if out.all():
        return told_runs(runs)
    values = search.values(name)
    ends = [i for i in (0, best, len(values) - 1) if np.isfinite(runs.mean_val_loss[i])]
    points = [
        TOLD["point"].format(loss=runs.mean_val_loss[i], value=shown(values[i]))
        for i in dict.fromkeys(ends)
    ]
    return TOLD["curve"].format(
        data=runs.dataset.name, name=TABLE[name].label, points=", ".join(points),
        value=shown(values[best]),
        out=TOLD["out"].format(count=out.sum()) if out.any() else "",
    )  # fmt: skip


def as_searches(result, strict=True):
    """Return one or several searches as a dict by name."""
    if isinstance(result, Search) and strict:
        result = [result]
    by_name = isinstance(result, dict) and len(result) > 0
    if by_name and all(isinstance(s, Search) for s in result.values()):
        return result
    several = isinstance(result, list | tuple) and len(result) > 0
    if several and all(isinstance(s, Search) for s in result):
        named, kinds = {}, texts("search")["kinds"]
        for search in result:
            name, again = kinds[search.kind], 2
            while name in named:
                name, again = f"{kinds[search.kind]} {again}", again + 1
            named[name] = search
        return named
    if strict:
        rule = "searches must be a Search, a list or a dict of them"
        way = "write [grid, rand] or {'grid': grid, 'random': rand}"
        raise refused(rule, result, way, kind=TypeError)
    return {}
