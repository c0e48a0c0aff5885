"""What a search has found: the validation curve, and parallel coordinates."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hpkit.hyperparameters import TABLE
from hpkit.plots.canvas import (
    COLORS,
    FONT,
    INK,
    MUTED,
    Scale,
    alt_text,
    dark,
    end_labels,
    label_out,
    mark_out,
    new_axes,
    spread_out,
    top_of,
)
from hpkit.plots.words import (
    CHARTS,
    SAY,
    as_search,
    describe,
    range_values,
    short,
)
from hpkit.search.result import Search
from hpkit.text import shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Times the loss before training: the chart is about what lies below it.
HIGHEST = 1.6
DOTS = 12  # seeds drawn as single dots; more are a smear
STRONG = 5  # best settings in full color in parallel coordinates


def plot_validation_curve(curve: Search, ax: Axes | None = None) -> Axes:
    """Return the axes with validation loss against one hyperparameter's values.

    Solid: the lowest loss of each run (its best epoch), mean over seeds, with a band of
    one standard deviation and the seeds as dots. Dotted: the loss after the last epoch.
    The minimum has a ring; what diverged has an X at the top edge; a minimum at the
    edge of the list is said.

    Parameters
    ----------
    curve : Search
        Of one hyperparameter, such as `validation_curve` gives.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
        With a log scale when the values grow by factors.

    Notes
    -----
    The name is scikit-learn's. Bengio, Practical recommendations for gradient-based
    training of deep architectures (2012): hyperparameters on a log scale.

    Examples
    --------
    >>> import hpkit as hk
    >>> curve = hk.validation_curve(hk.load_dataset("moons"),
    ...     hk.Hyperparameters(epochs=3), param_name="lr", param_range=[0.01, 0.1, 1])
    >>> plot_validation_curve(curve).get_xscale()
    'log'
    """
    curve = as_search(curve, ("validation_curve",) if not one(curve) else None)
    runs, name = curve.runs, curve.param_name
    ax = new_axes(ax)
    scale = Scale(curve.values(name))
    order = np.argsort(scale.place(curve.values(name)), kind="stable")
    x = scale.place(curve.values(name))[order]
    each = runs.best_val_loss[order]
    mean, spread = runs.mean_val_loss[order], runs.std_val_loss[order]
    last, out = curve.scores("last")[order], runs.diverged.any(1)[order]
    start = float(np.nanmean(runs.val_loss[..., 0]))
    scale.fit(ax.xaxis, shown)
    top = top_of([mean, last[~out]], start, HIGHEST)
    ax.set_ylim(0, top)
    ax.axhline(start, color=MUTED, lw=1, ls=(0, (1, 3)))
    blue, gray = COLORS[0], MUTED
    ax.plot(x, np.where(out, np.nan, last), ":", color=gray, lw=1.6)
    fine = np.where(out, np.nan, mean)
    if len(runs.seeds) > 1:
        ax.fill_between(x, fine - spread, fine + spread, color=blue, alpha=0.15, lw=0)
    if 1 < len(runs.seeds) <= DOTS:
        dots = np.where(out[:, None], np.nan, each)
        ax.plot(x, dots, ".", color=blue, ms=4, alpha=0.45)
    ax.plot(x, fine, "o-", color=blue, lw=2, ms=6)
    for place in x[out]:
        mark_out(ax, place, COLORS[1])
    ax.set(xlabel=TABLE[name].label, ylabel=SAY["val_loss"])
    lines = [(x, fine), (x, fine - spread), (x, fine + spread), (x, last)]
    at = list(order).index(runs.order[0])
    mark_best(ax, curve, at, x, fine, [np.column_stack(line) for line in lines])
    label_lines(ax, x, fine, np.where(out, np.nan, last), start, out)
    return alt_text(ax, f"{CHARTS['curve']} {describe(curve)}")


def one(search):
    """Say whether a search is of one hyperparameter."""
    return len(getattr(search, "space", ())) == 1


def mark_best(ax, curve, at, x, fine, drawn):
    """Put a ring around the best, say its value, and whether it is at the edge."""
    if not np.isfinite(fine).any():
        return
    name = curve.param_name
    place, loss = x[at], fine[at]
    ax.plot(
        place, loss, "o", mfc="none", mec=INK, ms=14, mew=2, zorder=5, clip_on=False
    )
    ax.axvline(place, color=INK, lw=0.8, ls=(0, (4, 4)), alpha=0.6)
    value = shown(getattr(curve.best, name))
    words = SAY["lowest_at"].format(loss=loss, value=value)
    if end := curve.edge.get(name):
        words += "\n" + SAY["edge"].format(
            way=SAY[{"lowest": "left"}.get(end, "right")]
        )
    upright = np.array([(place, end) for end in ax.get_ylim()])
    corner, near = free_place(ax, words, (place, loss), [*drawn, upright])
    ax.annotate(
        words, (place, loss), xytext=corner, textcoords="axes fraction",
        ha=near, va="bottom", fontsize=FONT, color=INK, zorder=6,
        arrowprops={"arrowstyle": "-", "color": INK, "lw": 0.8, "shrinkB": 8},
    )  # fmt: skip


def free_place(ax, words, point, drawn):
    """Return where a text hides no line: its lower corner nearest to the point.

    Tried on a lattice of places, with the size of the text estimated from its letters.
    """
    size = 72 * ax.figure.get_size_inches() * ax.get_position().size
    lines = words.split("\n")
    box = np.array([0.56 * max(map(len, lines)), 1.3 * len(lines)]) * FONT / size
    to_axes = ax.transScale + ax.transLimits
    ends = [to_axes.transform(line[np.isfinite(line).all(1)]) for line in drawn]
    steps = np.linspace(0, 1, 40)[:, None, None]
    dots = np.concatenate(
        [((1 - steps) * e[:-1] + steps * e[1:]).reshape(-1, 2) for e in ends]
    )
    lattice = np.meshgrid(np.linspace(0.02, 0.98, 40), np.linspace(0.03, 0.97, 24))
    low = np.stack(lattice, axis=-1).reshape(-1, 1, 2)
    low = low[((low + box)[:, 0] <= 1).all(1)]
    at, gap = to_axes.transform(point), np.array([4, 3]) / size
    hidden = ((dots > low - gap) & (dots < low + box + gap)).all(2).sum(1)
    # 12 points away from the ring at least, then as near as can be.
    far = np.linalg.norm((np.clip(at, low, low + box) - at)[:, 0] * size, axis=1)
    best = np.lexsort((np.abs(far - 24), hidden))[0]
    left, right = low[best, 0], low[best, 0] + [box[0], 0]
    return (left, "left") if left[0] + box[0] / 2 > at[0] else (right, "right")


def label_lines(ax, x, fine, last, start, out):
    """Write at the right what each line is."""
    ends = []
    for line, words, color in (
        (fine, SAY["best_epoch"], COLORS[0]),
        (last, SAY["last_epoch"], MUTED),
    ):
        if (there := np.flatnonzero(np.isfinite(line))).size:
            ends.append((line[there[-1]], words, color))
    ends.append((start, SAY["start"], MUTED))
    end_labels(ax, ends)
    if out.any():
        first, last = x[out][[0, -1]]
        middle = x[len(x) // 2]
        at = first if last > middle else last
        label_out(ax, [(at, SAY["diverged"], COLORS[1])])


# ---- parallel coordinates ----------------------------------------------------------


def plot_parallel(search: Search, ax: Axes | None = None) -> Axes:
    """Return the axes with a line for each setting through its values and its loss.

    Parameters
    ----------
    search : Search
        Of any number of hyperparameters.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
        One vertical scale for each hyperparameter and, at the right, the validation
        loss (log scale, low at the bottom). The five best settings are in color, the
        others gray; what diverged ends in an X at the top.

    Notes
    -----
    Inselberg, The plane with parallel coordinates, The Visual Computer 1 (1985).

    Examples
    --------
    >>> import hpkit as hk
    >>> rand = hk.random_search(hk.load_dataset("moons"), hk.Hyperparameters(epochs=2),
    ...     lr=hk.log_uniform(0.01, 1), batch_size=[16, 32], n_trials=4)
    >>> [tick.get_text() for tick in plot_parallel(rand).get_xticklabels()]
    ['learning rate', 'batch size', 'validation loss']
    """
    search = as_search(search)
    runs, names = search.runs, list(search.space)
    ax = new_axes(ax, (7.6, 4.2))
    out = runs.diverged.any(1)
    heights = [height_of(ax, number, search, name) for number, name in enumerate(names)]
    loss = np.where(out, np.nan, runs.mean_val_loss)
    heights.append(loss_height(ax, len(names), loss))
    heights = np.array(heights)
    tried = [int(i) for i in runs.order if (runs.epochs_done[i] >= 0).any()]
    ends = []
    for rank, i in reversed(list(enumerate(tried))):
        strong = rank < STRONG and not out[i]
        color = COLORS[rank] if strong else "#b4b4b4"
        y = np.where(np.isnan(heights[:, i]), 1.0, heights[:, i])
        wide = 2.6 if rank == 0 else 1.6 if strong else 0.8
        style = ":" if out[i] else "-"
        ax.plot(y, style, color=color, lw=wide, zorder=12 if strong else 2)
        if out[i]:
            ax.plot(len(names), 1.0, "X", color=MUTED, ms=8, clip_on=False)
        if strong:
            text = f"{loss[i]:.3g}  {short(search.settings[i], names)}"
            ends.insert(0, (len(names), y[-1], text, color))
    ax.set_xticks(
        range(len(names) + 1), [*(TABLE[n].label for n in names), SAY["val_loss"]]
    )
    ax.set(xlim=(-0.15, len(names)), ylim=(-0.02, 1.02), yticks=[])
    ax.spines["left"].set_visible(False)
    ax.grid(False)
    label_best(ax, ends)
    return alt_text(ax, f"{CHARTS['parallel']} {describe(search.runs)}")


def label_best(ax, ends, size=9):
    """Write the best settings at the right, led to from their lines' ends."""
    gap = 1.5 * size / (72 * ax.figure.get_figheight() * ax.get_position().height)
    places = spread_out([y for _, y, _, _ in ends], gap, 0.0, 1.0)
    for (x, y, text, color), place in zip(ends, places, strict=True):
        ax.annotate(
            text, (x, y), xytext=(1.06, place), textcoords="axes fraction",
            va="center", fontsize=size, color=dark(color), annotation_clip=False,
            # To the first letter: from the middle a line would cross the words.
            arrowprops={"arrowstyle": "-", "color": color, "lw": 1, "shrinkA": 0,
                        "shrinkB": 2, "relpos": (0, 0.5)},
        )  # fmt: skip


def height_of(ax, number, search, name):
    """Draw the scale of a hyperparameter; return the height of each setting, 0..1."""
    scale = Scale(range_values(search, name))
    ends = scale.place([scale.values[0], scale.values[-1]])
    bend = np.log if scale.log and not scale.named else np.asarray
    low, high = bend(ends)
    width = high - low or 1.0
    marks = scale.values
    if len(marks) > 7:
        middle = marks[len(marks) // 2]
        if isinstance(middle, float):  # drawn at random: nobody wants six digits
            middle = float(f"{middle:.1g}")
        marks = [marks[0], middle, marks[-1]]
    draw_scale(ax, number, (bend(scale.place(marks)) - low) / width, map(shown, marks))
    return (bend(scale.place(search.values(name))) - low) / width


def loss_height(ax, number, loss):
    """Draw the loss's scale; return each setting's height, nan if diverged."""
    fine = loss[np.isfinite(loss)]
    low, high = (np.log(fine.min()), np.log(fine.max())) if len(fine) else (0.0, 1.0)
    width = high - low or 1.0
    # None at the bottom, where the best lines end, nor at the top, of what diverged.
    marks = [v for v in round_numbers(low, high) if (np.log(v) - low) / width > 0.05]
    places = 0.9 * (np.log(marks) - low) / width
    draw_scale(ax, number, places, map(shown, marks))
    return 0.9 * (np.log(loss) - low) / width


def round_numbers(low, high):
    """Return 1, 2, 5 times powers of ten between two logarithms; if few, two others."""
    decades = 10.0 ** np.arange(np.floor(low / np.log(10)), high / np.log(10) + 1)
    steps = (1,) if high - low > np.log(300) else (1, 2, 5)
    values = [float(f"{k * ten:.3g}") for ten in decades for k in steps]
    values = [v for v in values if low <= np.log(v) <= high]
    ends = (low + high) / 2, high
    return values if len(values) > 1 else [float(f"{np.exp(e):.3g}") for e in ends]


def draw_scale(ax, number, places, words):
    """Draw a vertical line with marks."""
    ax.axvline(number, color=INK, lw=1)
    for place, word in zip(places, words, strict=True):
        ax.text(
            number - 0.02, place, word, ha="right", va="center", fontsize=9,
            color=dark(MUTED), zorder=20,
            bbox={"boxstyle": "round,pad=0.1", "fc": "white", "ec": "none"},
        )  # fmt: skip
