"""A search over one hyperparameter: its training curves and its validation curve."""

from collections.abc import Sequence
from functools import cache

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import to_hex

from hpkit.charts.loss import clipped, nice_top, stacked, usual_high
from hpkit.charts.spec import Axis, Chart, band, cross, line, points, ring, rule
from hpkit.hyperparameters import TABLE
from hpkit.locale import Texts
from hpkit.text import shown

WORDS = Texts("charts.validation")
WIDE = 8  # times the lowest value: from there on the axis is logarithmic
DOTS = 12  # seeds drawn as single points; more are a smear
ROOM = 0.05  # of an axis beside its outermost values
HIGHEST = 3  # times the loss before training: what lies above is cut


def value_axis(name: str, values: Sequence) -> tuple[Axis, np.ndarray]:
    """Return the axis of a hyperparameter's values, and their places on it.

    Positive numbers over a wide span are on a logarithmic axis, other numbers on a
    linear one; anything else, and 0 beside small numbers, is side by side.
    """
    label, texts = TABLE[name].label, list(map(shown, values))
    flat = [v[0] if isinstance(v, tuple) and len(set(v)) == 1 else v for v in values]
    numbers = all(isinstance(v, int | float) for v in flat)
    above = [v for v in flat if numbers and v > 0]
    factors = len(above) > 1 and max(above) / min(above) >= WIDE
    mixed = factors and len(above) < len(flat)  # 0 among factors
    if not numbers or len(set(flat)) < len(flat) or mixed:
        return Axis(label, kind="band", texts=texts), np.arange(len(flat), dtype=float)
    at = np.array(flat, float)
    low, high = float(at.min()), float(at.max())
    order = np.argsort(at)
    ticks = {"ticks": at[order].tolist(), "texts": [texts[i] for i in order]}
    if factors:
        if flat == list(values) and high / low >= 1000:
            ticks = {}  # powers of ten say it with less ink
        room = (high / low) ** ROOM
        return Axis(label, (low / room, high * room), "log", **ticks), at
    room = ROOM * (high - low) or 0.5 * abs(low) or 1.0
    return Axis(label, (low - room, high + room), **ticks), at


@cache
def _shades(name, values):
    """Return a color for each value, the darker the further right it stands."""
    _, at = value_axis(name, values)
    colors = colormaps["viridis"](np.linspace(0.82, 0.33, len(at)))
    ranks = np.argsort(np.argsort(at, kind="stable"))
    return [to_hex(colors[rank]) for rank in ranks]


def mean_curves(runs) -> list[np.ndarray]:
    """Return the mean validation loss over seeds of each setting, epoch by epoch."""
    done = runs.epochs_done.min(1)
    return [runs.val_loss[i, :, : max(n, 0) + 1].mean(0) for i, n in enumerate(done)]


def value_curves_chart(found, *, chosen: int | None = None, alt: str = "") -> Chart:
    """Return the training curves of a search over one hyperparameter, by its value.

    Parameters
    ----------
    found : Search
    chosen : int, optional
        Number of the setting that is drawn strongly, default the best.

    Returns
    -------
    Chart
        A click on a curve tells the number of its setting as "curve".
    """
    runs, name = found.runs, found.param_name
    chosen = int(runs.order[0]) if chosen is None else chosen
    values = found.values(name)
    texts, colors = list(map(shown, values)), _shades(name, tuple(values))
    means, out = mean_curves(runs), runs.diverged.any(1)
    start = float(np.nanmean(runs.val_loss[:, :, 0]))
    highs = [usual_high(m) for m, gone in zip(means, out, strict=True) if not gone]
    top = nice_top(max([1.1 * start, *(min(high, 2 * start) for high in highs)]))
    _, left = clipped(means[chosen], top)
    ends = [None if gone or i == chosen else texts[i] for i, gone in enumerate(out)]
    names = [f"{TABLE[name].short} {text}" for text in texts]
    return Chart(
        Axis(WORDS["epoch"], (0, 1.02 * max(s.epochs for s in found.settings))),
        Axis(WORDS["loss"], (0, top)),
        [
            line(
                *stacked(means, top),
                color=colors,
                width=1.5,
                label=ends,
                name=names,
                click="curve",
            ),
            line(
                *stacked([means[chosen]], top),
                width=3,
                strong=True,
                hover=False,
                label=None if out[chosen] else texts[chosen],
            ),
            cross(
                [] if left is None else [left],
                label=WORDS["diverged" if out[chosen] else "above"],
                name=names[chosen],
            ),
        ],
        alt=alt,
        ends=TABLE[name].label,
    )


def validation_chart(
    found,
    *,
    chosen: int | None = None,
    before=None,
    guess=None,
    drawn: tuple | None = None,
    last: bool = False,
    alt: str = "",
) -> Chart:
    """Return the validation curve: the lowest loss against the value, mean over seeds.

    Parameters
    ----------
    found : Search
        Of one hyperparameter.
    chosen : int, optional
        Number of a setting that is marked.
    before : Search, optional
        Of the same hyperparameter, drawn in gray.
    guess : optional
        A value that a learner has guessed to be the best.
    drawn : (places, losses), optional
        The curve that a learner has drawn in lieu of that.
    last : bool
        Whether to show as well the loss after the last epoch, that before training,
        each seed, and on which side the list of values may be too short.

    Returns
    -------
    Chart
        A click on a point tells the number of its setting as "point", one on a cross
        the number of the cross among those that diverged as "cross".
    """
    runs, name = found.runs, found.param_name
    values = found.values(name)
    axis, at = value_axis(name, values)
    texts, colors = list(map(shown, values)), _shades(name, tuple(values))
    out = runs.diverged.any(1)
    start = float(np.nanmean(runs.val_loss[:, :, 0]))
    mean = np.where(out, np.nan, runs.mean_val_loss)
    spread = runs.std_val_loss
    label, ends, each = WORDS["lowest"], np.full(len(at), np.nan), np.zeros((0, 0))
    if last:
        ends = np.where(out, np.nan, found.scores("last"))
        each = np.where(out[:, None], np.nan, runs.best_val_loss)
        colors = ["blue"] * len(at)
        if end := found.edge.get(name):
            label = WORDS["further"].format(label, WORDS["ways"][end])
    high = np.nanmax(ends, initial=start)
    top = 1.08 * min(high, HIGHEST * start) if last else nice_top(1.1 * start)
    order = np.argsort(at, kind="stable")
    order = order[np.isfinite(mean[order])]
    x, y, s = at[order], mean[order], np.nan_to_num(spread[order])
    best = [i for i in order if i == runs.order[0]]
    gone = np.flatnonzero(out)
    picked = [] if chosen is None else [chosen]
    # Of one that diverged, the sign is below its cross.
    height = np.where(out, 0.92 * top, mean)[picked]

    def tip(i):
        value = f"{TABLE[name].short} {texts[i]}"
        kind = "tip_out" if out[i] else "tip" if np.isnan(spread[i]) else "tip_spread"
        return WORDS[kind].format(value, mean[i], spread[i])

    guessed = [at[i] for i, value in enumerate(values) if value == guess]
    several = len(runs.seeds) > 1
    dots = each.ravel() if 1 < len(runs.seeds) <= DOTS else []
    return Chart(
        axis,
        Axis(WORDS["loss" if last else "lowest_loss"], (0, top)),
        [
            band(x, y - s, y + s, legend=WORDS["spread"] if several else None),
            rule(
                guessed, color="purple", width=2.5, dash="dotted", label=WORDS["guess"]
            ),
            line(
                *(drawn or ((), ())),
                color="purple",
                width=2.5,
                dash="dotted",
                label=WORDS["guess"] if drawn else None,
                hover=False,
            ),
            line(
                *_curve_before(before, name, axis),
                color="gray",
                width=1.8,
                dash="dashed",
                legend=WORDS["before"],
                hover=False,
            ),
            line(
                *((axis.domain, [start, start]) if last else ((), ())),
                color="soft",
                width=1.3,
                dash="dotted",
                hover=False,
                label=WORDS["start"] if last else None,
            ),
            line(
                at[order],
                ends[order],
                color="soft",
                width=2.2,
                dash="dotted",
                label=WORDS["last_epoch"] if last else None,
                hover=False,
            ),
            line(
                x,
                y,
                width=2.6,
                label=WORDS["best_epoch"] if last else None,
                strong=last,
                hover=False,
            ),
            points(
                np.repeat(at, each.shape[-1])[: len(dots)],
                dots,
                size=3,
                opacity=0.45,
                hover=False,
            ),
            points(
                at,
                mean,
                color=colors,
                size=5,
                click="point",
                tip=[tip(i) for i in range(len(at))],
            ),
            points(
                at[picked],
                height,
                color="ink",
                shape="diamond",
                size=5,
                legend=WORDS["chosen"],
                hover=False,
            ),
            cross(
                at[gone],
                color="ink" if last else [colors[i] for i in gone],
                label=WORDS["diverged"],
                click="cross",
                tip=[tip(i) for i in gone],
            ),
            ring(
                at[best],
                mean[best],
                color="orange",
                label=[label.format(mean[i], texts[i]) for i in best],
            ),
        ],
        alt=alt,
        choose=WORDS["choose"].format(TABLE[name].label),
    )


def _curve_before(before, name, axis):
    """Return the curve of an earlier search, as far as it is on the axis."""
    if before is None or before.param_name != name:
        return [], []
    earlier, at = value_axis(name, before.values(name))
    if "band" in (axis.kind, earlier.kind) and earlier.texts != axis.texts:
        return [], []
    fine = ~before.runs.diverged.any(1) & ((at > 0) | (axis.kind != "log"))
    fine = np.flatnonzero(fine)
    fine = fine[np.argsort(at[fine], kind="stable")]
    return at[fine], before.runs.mean_val_loss[fine]
