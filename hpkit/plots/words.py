"""What all plots share: new axes, alternative text, a result in a sentence.

pyplot is asked for one thing only, a new figure when a learner gives no axes: it keeps
a current figure for the whole process, and panels draw in threads.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from hpkit.charts.still import draw
from hpkit.engine.runs import Run, Runs
from hpkit.hyperparameters import NAMES, TABLE, check_text, refusal
from hpkit.locale import Texts
from hpkit.locale import words as texts
from hpkit.search.result import Search
from hpkit.text import short, shown

# What a learner reads.

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIZE = (7.2, 4.0)  # inches: fills a notebook's width, stays readable when projected
FONT = 10
SAY = Texts("plots")
# A chart's kind, for alternative text.
CHARTS = Texts("plots.charts")
TOLD = Texts("plots.told")


def as_runs(result):
    """Return a Run, Runs, Search or list of Run as `Runs`."""
    if isinstance(result, Runs | Search):
        return result if isinstance(result, Runs) else result.runs
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


def varied(settings):
    """Return the names of the hyperparameters in which settings differ."""
    return [n for n in NAMES if len({getattr(s, n) for s in settings}) > 1]


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
    """Return one run in a sentence."""
    setting = short(run.setting, ["lr", "batch_size"])
    facts = {"data": run.dataset.name, "setting": setting}
    facts |= {"start": run.val_loss[0], "best": run.best_val_loss, "at": run.best_epoch}
    facts |= {"last": run.val_loss[-1], "done": run.epochs_done}
    kind = "run_out" if run.diverged else "run"
    return TOLD[kind].format(**facts, train=run.train_loss[-1])


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
        raise refusal("searches", result, kind=TypeError)
    return {}


# ---- the picture -------------------------------------------------------------------


def drawn(chart, ax, size, alt):
    """Return the axes, or new ones of a size in inches, with a chart drawn."""
    ax = new_axes(size) if ax is None else check_axes(ax)
    draw(ax, replace(chart, title=""), FONT)
    # Layouts count titles, but not the name of the axis that stands above it.
    ax.set_title(" ", loc="right", fontsize=FONT, pad=FONT)
    if chart.title:
        ax.set_title(chart.title, fontsize=1.08 * FONT, pad=2.4 * FONT)
    return alt_text(ax, alt)


def new_axes(size):
    """Return the axes of a new figure of a size in inches."""
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=size, layout="constrained")[1]


def check_axes(ax):
    """Return `ax` if it is axes, else raise."""
    from matplotlib.axes import Axes

    if not isinstance(ax, Axes):
        raise refusal("axes", ax, kind=TypeError)
    return ax


# ---- alternative text --------------------------------------------------------------


def alt_text(ax: Axes, sentence: str) -> Axes:
    """Return `ax` after giving its picture a sentence for those who do not see it.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    sentence : str
        Added to what the picture says already; hpkit's charts say themselves.

    Notes
    -----
    A notebook's output carries it as metadata, ``{"image/png": {"alt": ...}}``, where
    nbconvert's templates look for it.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> alt_text(Figure().subplots(), "A bowl.").figure.hpkit_said
    ['A bowl.']
    """
    figure = check_axes(ax).figure
    check_text("sentence", sentence)
    figure.hpkit_said = [*getattr(figure, "hpkit_said", ()), sentence]
    figure._repr_mimebundle_ = partial(_only_metadata, figure)
    return ax


def _only_metadata(figure, include=None, exclude=None):
    """Return the alternative text as IPython wants it; the picture comes by itself."""
    return {}, {"image/png": {"alt": " ".join(figure.hpkit_said)}}
