"""What all plots share: new axes, alternative text, a result in a sentence.

pyplot is asked for one thing only, a new figure when a learner gives no axes: it keeps
a current figure for the whole process, and panels draw in threads.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from hpkit.charts.still import draw
from hpkit.engine.runs import Run, Runs
from hpkit.hyperparameters import TABLE, check_text, refusal, varied
from hpkit.locale import Texts, words
from hpkit.search.result import Search
from hpkit.text import short, shown

SIZE = (7.2, 4.0)  # inches: fills a notebook's width, stays readable when projected
FONT = 10
SAY = Texts("plots")
CHARTS = Texts("plots.charts")
TOLD = Texts("plots.told")


def as_runs(result):
    if isinstance(result, Runs | Search):
        return getattr(result, "runs", result)
    runs = [result] if isinstance(result, Run) else result
    if isinstance(runs, list | tuple) and all(isinstance(r, Run) for r in runs):
        return Runs.of(runs)
    raise refusal("result", kind=TypeError, type=type(result).__name__)


def as_search(result, kinds=None):
    """Return `result` if it is a Search (of one of `kinds`), else raise."""
    kind = getattr(result, "kind", type(result).__name__)
    if not isinstance(result, Search) or (kinds and kind not in kinds):
        wanted = " or ".join(f"hpkit.{k}" for k in kinds or ("grid_search",))
        raise refusal("chart_search", kind=TypeError, got=kind, wanted=wanted)
    return result


def describe(result: Any) -> str:
    """Return what a chart of a result shows, in one sentence: its alternative text.

    Parameters
    ----------
    result : Run, Runs, Search, list of Run, list of Search or dict of Search

    Examples
    --------
    >>> import hpkit as hk
    >>> curve = hk.grid_search(hk.load_dataset("moons"), lr=[0.001, 0.1])
    >>> print(describe(curve)[:44])
    moons, validation loss against learning rate
    """
    if several := as_searches(result, strict=False):
        said = []
        for name, search in several.items():
            epochs, losses = search.best_so_far()
            facts = {"name": name, "epochs": epochs[-1], "loss": losses[-1]}
            said.append(TOLD["so_far"].format(**facts))
        data = next(iter(several.values())).dataset.name
        return f"{data}: {'; '.join(said)}."
    runs = as_runs(result)
    if len(runs) == 1:
        return _told_run(next(iter(runs)))
    out, best, n = runs.diverged.any(1), int(runs.order[0]), len(runs.settings)
    setting = short(runs.settings[best], varied(runs.settings))
    facts = {"data": runs.dataset.name, "n": n, "seeds": len(runs.seeds)}
    facts |= {"best": runs.mean_val_loss[best], "gone": out.sum(), "setting": setting}
    if isinstance(result, Search) and len(result.space) == 1 and not out.all():
        values = result.values(result.param_name)
        ends = dict.fromkeys((0, best, len(values) - 1))
        ends = [i for i in ends if np.isfinite(runs.mean_val_loss[i])]
        points = [(runs.mean_val_loss[i], shown(values[i])) for i in ends]
        points = [TOLD["point"].format(loss=loss, value=v) for loss, v in points]
        facts |= {"name": TABLE[result.param_name].label, "value": shown(values[best])}
        text = TOLD["curve_out" if out.any() else "curve"]
        return text.format(points=", ".join(points), **facts)
    kind = "all" if out.all() else "some" if out.any() else "runs"
    kind += "_one" if n == 1 else "_seeds" if len(runs.seeds) > 1 else ""
    return TOLD[kind].format(**facts)


def _told_run(run):
    setting = short(run.setting, ["lr", "batch_size"])
    facts = {"data": run.dataset.name, "setting": setting}
    facts |= {"start": run.val_loss[0], "best": run.best_val_loss, "at": run.best_epoch}
    facts |= {"last": run.val_loss[-1], "done": run.epochs_done}
    facts["train"] = run.train_loss[-1]
    return TOLD["run_out" if run.diverged else "run"].format(**facts)


def as_searches(result, strict=True):
    """Return one or several searches as a dict by name; if not `strict`, or nothing."""
    given = [result] if isinstance(result, Search) and strict else result
    several = given.values() if isinstance(given, dict) else given
    fit = isinstance(given, dict | list | tuple) and len(given) > 0
    if not fit or not all(isinstance(search, Search) for search in several):
        if strict:
            raise refusal("searches", result, kind=TypeError)
        return {}
    if isinstance(given, dict):
        return given
    named, kinds = {}, words("search")["kinds"]
    for search in given:
        kind = name = kinds[search.kind]
        again = itertools.count(2)
        while name in named:
            name = f"{kind} {next(again)}"
        named[name] = search
    return named


def alt(kind, result, **facts):
    return f"{CHARTS[kind].format(**facts)} {describe(result)}"


def drawn(chart, ax, size, alt):
    """Return the axes, or new ones of a size in inches, with a chart drawn."""
    ax = axes_for(ax, size)
    draw(ax, replace(chart, title=""), FONT)
    # Layouts count titles, but not the name of the axis that stands above it.
    ax.set_title(" ", loc="right", fontsize=FONT, pad=FONT)
    if chart.title:
        ax.set_title(chart.title, fontsize=1.08 * FONT, pad=2.4 * FONT)
    return alt_text(ax, alt)


def axes_for(ax, size=None):
    """Return `ax` if it is axes, or those of a new figure of a size in inches."""
    if ax is None and size is not None:
        import matplotlib.pyplot as plt

        return plt.subplots(figsize=size, layout="constrained")[1]
    if not isinstance(ax, Axes):
        raise refusal("axes", ax, kind=TypeError)
    return ax


def alt_text(ax: Axes, sentence: str) -> Axes:
    """Return `ax` after giving its picture a sentence for those who do not see it.

    It is added to what the picture says already; hpkit's charts say themselves. A
    notebook's output carries it as metadata, ``{"image/png": {"alt": ...}}``, where
    nbconvert's templates look for it.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> alt_text(Figure().subplots(), "A bowl.").figure.hpkit_said
    ['A bowl.']
    """
    figure = axes_for(ax).figure
    check_text("sentence", sentence)
    figure.hpkit_said = [*getattr(figure, "hpkit_said", ()), sentence]
    figure._repr_mimebundle_ = partial(_only_metadata, figure)
    return ax


def _only_metadata(figure, include=None, exclude=None):
    # As IPython wants it; the picture comes by itself.
    return {}, {"image/png": {"alt": " ".join(figure.hpkit_said)}}
