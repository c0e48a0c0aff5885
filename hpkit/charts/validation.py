"""A search over one hyperparameter: its training curves and its validation curve."""

from collections.abc import Sequence
from functools import cache

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import to_hex

from hpkit.charts.loss import HIGHEST, clipped, floor_of, nice_top, stacked, usual_high
from hpkit.charts.spec import GUESS, Axis, Chart, band, cross, line, points, ring
from hpkit.hyperparameters import TABLE, are_numbers
from hpkit.locale import Texts
from hpkit.text import shown

WORDS = Texts("charts")
WIDE = 8  # times the lowest value: from there on the axis is logarithmic
DOTS = 12  # seeds drawn as single points; more are a smear
DOT = {"size": 3, "opacity": 0.45, "hover": False}
ROOM = 0.05  # of an axis beside its outermost values


def value_axis(name: str, values: Sequence) -> tuple[Axis, np.ndarray]:
    """Return the axis of a hyperparameter's values, and their places on it."""
    # Positive numbers over a wide span are on a logarithmic axis, other numbers on a
    # linear one; anything else, and 0 beside small numbers, is side by side.
    label, texts = TABLE[name].label, list(map(shown, values))
    flat = [v[0] if isinstance(v, tuple) and len(set(v)) == 1 else v for v in values]
    numbers = are_numbers(flat)
    above = [v for v in flat if numbers and v > 0]
    factors = len(above) > 1 and max(above) / min(above) >= WIDE
    mixed = factors and len(above) < len(flat)  # 0 among factors
    if not numbers or len(set(flat)) < len(flat) or mixed:
        return Axis(label, kind="band", texts=texts), np.arange(len(flat), dtype=float)
    at, low, high = np.array(flat, float), float(min(flat)), float(max(flat))
    order = np.argsort(at)
    ticks = {"ticks": at[order].tolist(), "texts": [texts[i] for i in order]}
    if not factors:
        room = ROOM * (high - low) or 0.5 * abs(low) or 1.0
        return Axis(label, (low - room, high + room), **ticks), at
    if flat == list(values) and high / low >= 1000:
        ticks = {}  # powers of ten say it with less ink
    room = (high / low) ** ROOM
    return Axis(label, (low / room, high * room), "log", **ticks), at


@cache
def _shades(name, values):
    """Return a color for each value, the darker the further right it stands."""
    _, at = value_axis(name, values)
    colors = colormaps["viridis"](np.linspace(0.82, 0.33, len(at)))
    ranks = np.argsort(np.argsort(at, kind="stable"))
    return [to_hex(colors[rank]) for rank in ranks]


def value_curves_chart(found, *, chosen: int | None = None, alt: str = "") -> Chart:
    """Return the training curves of a search over one hyperparameter, by its value."""
    # The setting of number `chosen`, default the best, is drawn strongly. A click on a
    # curve tells the number of its setting as "curve".
    runs, name = found.runs, found.param_name
    chosen = int(runs.order[0]) if chosen is None else chosen
    values, out = found.values(name), runs.diverged.any(1)
    texts, colors = list(map(shown, values)), _shades(name, tuple(values))
    done = runs.epochs_done.min(1)
    means = [runs.val_loss[i, :, : max(n, 0) + 1].mean(0) for i, n in enumerate(done)]
    start = float(np.nanmean(runs.val_loss[:, :, 0]))
    highs = [usual_high(m) for m, gone in zip(means, out, strict=True) if not gone]
    top = nice_top(max([1.1 * start, *(min(high, 2 * start) for high in highs)]))
    _, left = clipped(means[chosen], top)
    ends = [None if gone or i == chosen else texts[i] for i, gone in enumerate(out)]
    names = [f"{TABLE[name].short} {text}" for text in texts]
    each = {"color": colors, "label": ends, "name": names, "click": "curve"}
    strong = {"width": 3, "strong": True, "hover": False}
    strong["label"] = None if out[chosen] else texts[chosen]
    gone = {"label": WORDS["diverged" if out[chosen] else "above"]}
    marks = [
        line(*stacked(means, top), width=1.5, **each),
        line(*stacked([means[chosen]], top), **strong),
        cross([] if left is None else [left], name=names[chosen], **gone),
    ]
    across = Axis(WORDS["epoch"], (0, 1.02 * max(s.epochs for s in found.settings)))
    up = Axis(WORDS["val_loss"], (0, top))
    return Chart(across, up, marks, alt=alt, ends=TABLE[name].label)


def validation_chart(
    found, *, chosen=None, before=None, drawn=None, last=False, alt=""
) -> Chart:
    """Return the validation curve: the lowest loss against the value, mean over seeds.

    The setting of number `chosen` is marked; `before` is an earlier search; `drawn` a
    guess (places, losses). With `last` come the loss after the last epoch and before
    training, each seed, and on which side values may be missing. A click tells the
    number of a setting as "point", or that of a cross as "cross".
    """
    runs, name = found.runs, found.param_name
    values, out, several = found.values(name), runs.diverged.any(1), len(runs.seeds) > 1
    axis, at = value_axis(name, values)
    texts, colors = list(map(shown, values)), _shades(name, tuple(values))
    start = float(np.nanmean(runs.val_loss[:, :, 0]))
    mean, spread = np.where(out, np.nan, runs.mean_val_loss), runs.std_val_loss
    label, ends, each = "lowest_at", np.full(len(at), np.nan), np.zeros((0, 0))
    if last:
        ends = np.where(out, np.nan, found.scores("last"))
        each = np.where(out[:, None], np.nan, runs.best_val_loss)
        colors = ["blue"] * len(at)
        sides = {"lowest": "lowest_left", "highest": "lowest_right"}
        label = sides.get(found.edge.get(name), label)
    floor = floor_of(np.concatenate([mean, ends, each.ravel()]))
    high, low = np.nanmax(ends, initial=start) - floor, start - floor
    top = floor + (1.08 * min(high, HIGHEST * low) if last else nice_top(1.1 * low))
    order = np.argsort(at, kind="stable")
    order = order[np.isfinite(mean[order])]
    x, y, s = at[order], mean[order], np.nan_to_num(spread[order])
    best, gone = [i for i in order if i == runs.order[0]], np.flatnonzero(out)
    picked = [] if chosen is None else [chosen]
    # Of one that diverged, the sign is below its cross.
    height = np.where(out, floor + 0.92 * (top - floor), mean)[picked]
    kinds = np.where(out, "tip_out", np.where(np.isnan(spread), "tip", "tip_spread"))
    said = zip(kinds, texts, mean, spread, strict=True)
    tips = [WORDS[k].format(f"{TABLE[name].short} {v}", *of) for k, v, *of in said]
    over = WORDS["spread_folds" if runs.folds else "spread"] if several else None
    dots = each.ravel() if several and len(runs.seeds) <= DOTS else []
    level = (axis.domain, [start, start]) if last else ((), ())
    words = ("before_training", "last_epoch", "best_epoch")
    first, end, curve = (WORDS[word] if last else None for word in words)
    drawing = {"label": WORDS["guess"] if drawn else None, "hover": False}
    earlier = {"color": "gray", "dash": "dashed", "legend": WORDS["old"]}
    soft = {"color": "soft", "dash": "dotted", "hover": False}
    sign = {"color": "ink", "shape": "diamond", "legend": WORDS["chosen"]}
    lost = {"color": "ink" if last else [colors[i] for i in gone], "click": "cross"}
    lost |= {"label": WORDS["diverged"], "tip": [tips[i] for i in gone]}
    lowest = [WORDS[label].format(mean[i], texts[i]) for i in best]
    marks = [
        band(x, y - s, y + s, legend=over),
        line(*(drawn or ((), ())), **drawing, **GUESS),
        line(*_before(before, name, axis), width=1.8, hover=False, **earlier),
        line(*level, width=1.3, label=first, **soft),
        line(at[order], ends[order], width=2.2, label=end, **soft),
        line(x, y, width=2.6, label=curve, strong=last, hover=False),
        points(np.repeat(at, each.shape[-1])[: len(dots)], dots, **DOT),
        points(at, mean, color=colors, size=5, click="point", tip=tips),
        points(at[picked], height, size=5, hover=False, **sign),
        cross(at[gone], **lost),
        ring(at[best], mean[best], color="orange", label=lowest),
    ]
    up = Axis(WORDS["val_loss" if last else "lowest_loss"], (floor, top))
    choose = WORDS["choose_value"].format(TABLE[name].label)
    return Chart(axis, up, marks, alt=alt, choose=choose)


def _before(before, name, axis):
    """Return the curve of an earlier search, as far as it is on the axis."""
    if before is None or before.param_name != name:
        return [], []
    earlier, at = value_axis(name, before.values(name))
    if "band" in (axis.kind, earlier.kind) and earlier.texts != axis.texts:
        return [], []
    fine = ~before.runs.diverged.any(1) & ((at > 0) | (axis.kind != "log"))
    order = [i for i in np.argsort(at, kind="stable") if fine[i]]
    return at[order], before.runs.mean_val_loss[order]
