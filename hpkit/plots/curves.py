"""Loss against epochs: training curves, best so far; and the runs of each seed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import LogLocator, NullLocator

from hpkit.engine.run import Run
from hpkit.engine.runs import Runs
from hpkit.hyperparameters import check_choice, check_flag
from hpkit.plots.canvas import (
    COLORS,
    FONT,
    INK,
    MUTED,
    SIZE,
    alt_text,
    end_labels,
    label_out,
    look,
    mark_out,
    new_axes,
    top_of,
)
from hpkit.plots.words import (
    CHARTS,
    SAY,
    as_runs,
    as_searches,
    describe,
    short,
    varied,
)
from hpkit.search.result import Search

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STYLES = {"both": ("-", "--"), "valid": ("-",), "train": ("--",)}
FEW = 4  # settings of which both losses are drawn; more lines are a tangle
# Times the loss before training: what lies above is cut, so that one spike or one
# diverged run leaves the others readable. Over-fitting stays below (2.0 of 0.69).
HIGHEST = 3


def plot_training_curves(
    runs: Run | Runs | Search | Iterable[Run],
    ax: Axes | None = None,
    *,
    split: str | None = None,
) -> Axes:
    """Return the axes with loss against epoch: validation solid, training dashed.

    The lowest validation point has a ring. Each line has its label at its end; one
    that diverged has it beside the X at the top edge. Several seeds are a line (their
    mean) and a band (one standard deviation to each side).

    Parameters
    ----------
    runs : Run, list of Run, Runs or Search
    ax : matplotlib.axes.Axes, optional
        Default those of a new figure.
    split : {"both", "valid", "train"}, optional
        Default both for at most four settings, else the validation loss alone.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    TypeError, ValueError

    Notes
    -----
    Goodfellow, Bengio, Courville, Deep Learning (2016), figure 7.3.

    Examples
    --------
    >>> import hpkit as hk
    >>> run = hk.fit(hk.load_dataset("moons"), hk.Hyperparameters(epochs=5))
    >>> plot_training_curves(run).get_ylabel()
    'loss'
    """
    runs = as_runs(runs)
    there = np.flatnonzero((runs.epochs_done >= 0).any(1))
    split = split if split is not None else ("both" if len(there) <= FEW else "valid")
    check_choice("split", split, ("both", "valid", "train"))
    ax = new_axes(ax, (SIZE[0], max(SIZE[1], 0.6 + 0.19 * len(there))))
    out, losses = runs.diverged.any(1), (runs.val_loss, runs.train_loss)
    losses = {"both": losses, "valid": losses[:1], "train": losses[1:]}[split]
    start = np.nanmax(runs.val_loss[there][..., 0], initial=0)
    ax.set_ylim(0, top_of([loss[~out].mean(1) for loss in losses], start, HIGHEST))
    ax.set_xlim(0, max(1, runs.epochs_done.max()))
    names, ends, taken = varied(runs.settings), {}, []
    looks = looks_of(len(there), names)
    for i, (color, marker) in zip(there, looks, strict=True):
        best = i == runs.order[0] and len(there) > 1
        for loss, style in zip(losses, STYLES[split], strict=True):
            end = draw_loss(ax, loss[i], out[i], color, style, marker, best, taken)
        if split != "train" and not out[i]:
            mark_lowest(
                ax, runs.val_loss[i].mean(0), color, large=len(there) <= FEW or best
            )
        taken += [end[0]] * bool(out[i])
        ends[i] = (*end, short(runs.settings[i], names), color)
    name_axes(ax, split, len(there))
    gone = [ends.pop(i) for i in there if out[i]]
    label_out(ax, [(x, SAY["out"].format(text), color) for x, _, text, color in gone])
    if len(there) == 1 and not gone:
        ends = label_losses(runs, split, ends)
    else:
        ends = [ends[i][1:] for i in runs.order if i in ends]
    end_labels(ax, ends)
    return alt_text(ax, f"{CHARTS['training']} {describe(runs)}")


def looks_of(count, names):
    """Return color and marker of each line; many lines of one kind shade by value."""
    if count <= len(COLORS):
        return [
            look(number) if count > 1 else (COLORS[0], None) for number in range(count)
        ]
    if len(names) > 1:
        return [look(number) for number in range(count)]
    import matplotlib

    shades = matplotlib.colormaps["viridis"](np.linspace(0, 0.88, count))
    return [(tuple(map(float, shade[:3])), None) for shade in shades]


def draw_loss(ax, losses, diverged, color, style, marker, best, taken):
    """Draw the mean over seeds (seeds, epochs + 1) and a band; return where it ends.

    `taken` are the epochs at which other lines have their X.
    """
    mean, top = losses.mean(0), ax.get_ylim()[1]
    epochs = np.arange(len(mean))
    wide = (2.6 if best else 1.8) * (1 if style == "-" else 0.7)
    ax.plot(
        epochs, mean, style, color=color, lw=wide, ms=5, zorder=3 if best else 2,
        marker=marker if style == "-" else None,
        markevery=(len(mean) // 10, max(1, len(mean) // 6)),
    )  # fmt: skip
    inside = np.flatnonzero(mean <= top)
    last = int(inside[-1]) if len(inside) else 0
    if not diverged:
        if len(losses) > 1:
            spread = losses.std(0, ddof=1)
            ax.fill_between(epochs, mean - spread, mean + spread, color=color,
                            alpha=0.15, lw=0)  # fmt: skip
        return last, mean[last] if len(inside) else top
    most = ax.get_xlim()[1]
    out = beside(min(last + 1, int(most)), taken, most)
    if len(inside):
        ax.plot([last, out], [mean[last], top], style, color=color, lw=wide)
    mark_out(ax, out, color)
    return out, top


def beside(x, taken, most):
    """Return a place near `x` on an axis from 0 to `most`, on none that is taken."""
    gap = most * (0.03 if x < most / 2 else -0.03)
    while any(abs(x - other) < 0.9 * abs(gap) for other in taken):
        x += gap
    return x


def mark_lowest(ax, mean, color, *, large):
    """Put a ring around the lowest point of a line."""
    if np.isfinite(mean).any():
        at = int(np.nanargmin(mean))
        ax.plot(at, mean[at], "o", mfc="none", mec=color, ms=10 if large else 6,
                mew=2 if large else 1.2, zorder=4, clip_on=False)  # fmt: skip


def label_losses(runs, split, ends):
    """Return the labels of one run's two lines."""
    ((i, (x, _, _, color)),) = ends.items()
    both = [
        ("valid", runs.val_loss, "validation"),
        ("train", runs.train_loss, "training"),
    ]
    return [
        (loss[i].mean(0)[x], SAY[word], color)
        for part, loss, word in both
        if split in ("both", part)
    ]


def name_axes(ax, split, count):
    """Write what the axes and the lines are, in short if the chart is small."""
    small = ax.figure.get_figheight() * ax.get_position().height < 2.2
    loss = {"valid": "val_loss", "train": "train_loss", "both": "key"}[split]
    loss = "loss" if small or (loss == "key" and count == 1) else loss
    marks = "epoch" if small or split == "train" else "marks"
    ax.set(xlabel=SAY[marks], ylabel=SAY[loss])


def plot_best_so_far(
    searches: Search | Iterable[Search] | Mapping[str, Search], ax: Axes | None = None
) -> Axes:
    """Return the axes with the lowest validation loss against the epochs spent.

    Parameters
    ----------
    searches : Search, list of Search, or dict of name: Search
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes

    Notes
    -----
    Counted as in `Search.best_so_far`: settings one after the other. The loss axis is
    a log scale when the lines span more than a factor of ten.

    Examples
    --------
    >>> import hpkit as hk
    >>> grid = hk.grid_search(hk.load_dataset("moons"), hk.Hyperparameters(epochs=2),
    ...     lr=[0.01, 0.1, 1])
    >>> plot_best_so_far(grid).get_xlabel()
    'epochs spent, all runs together'
    """
    searches = as_searches(searches)
    ax, ends, low, high, most = new_axes(ax), [], np.inf, 0.0, 1
    for number, (name, search) in enumerate(searches.items()):
        color, marker = look(number)
        epochs, loss = search.best_so_far()
        ax.step(
            epochs, loss, where="post", color=color, lw=2, marker=marker, ms=6,
            markevery=(number * len(loss) // 30, max(1, len(loss) // 6)),
        )  # fmt: skip
        low, high, most = min(low, loss[-1]), max(high, loss[0]), max(most, epochs[-1])
        ends.append((loss[-1], f"{name} {loss[-1]:.3g}", color))
    ax.set(xlabel=SAY["epochs_spent"], ylabel=SAY["so_far"], xlim=(0, most))
    if high > 10 * low:
        ax.set_yscale("log")
        ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.yaxis.set_major_formatter(lambda v, _: f"{v:g}")
        ax.yaxis.set_minor_locator(NullLocator())
        ax.set_ylim(0.8 * low, 1.2 * high)
    else:
        ax.set_ylim(0, 1.08 * high)
    end_labels(ax, sorted(ends))
    return alt_text(ax, f"{CHARTS['so_far']} {describe(searches)}")


def plot_seeds(
    runs: Runs | Search | Iterable[Run],
    ax: Axes | None = None,
    *,
    pairs: bool | None = None,
) -> Axes:
    """Return the axes with a dot for each seed, a row of dots for each setting.

    Parameters
    ----------
    runs : Runs, Search or list of Run
    ax : matplotlib.axes.Axes, optional
    pairs : bool, optional
        Join the dots of the same seed by thin lines; default for at most four
        settings. Runs of one seed share first weights and order of the points.

    Returns
    -------
    matplotlib.axes.Axes
        The short bar is the mean over seeds. A run that diverged is an X at the right
        edge.

    Examples
    --------
    >>> import hpkit as hk
    >>> pair = hk.validation_curve(hk.load_dataset("moons"),
    ...     hk.Hyperparameters(epochs=2), param_name="lr", param_range=[0.1, 0.3],
    ...     seeds=range(4))
    >>> [label.get_text() for label in plot_seeds(pair).get_yticklabels()]
    ['lr 0.1', 'lr 0.3']
    """
    runs = as_runs(runs)
    count = len(runs.settings)
    if pairs is not None:
        check_flag("pairs", pairs)
    ax = new_axes(ax, (7.2, 1.3 + 0.45 * min(count, 14)))
    loss = np.where(runs.diverged, np.nan, runs.best_val_loss)
    rows = np.arange(count)
    if pairs if pairs is not None else count <= FEW:
        ax.plot(loss, rows, color=MUTED, lw=0.6, alpha=0.5, zorder=1)
    for i in rows:
        color, marker = look(i)
        ax.plot(
            loss[i], np.full(loss[i].shape, i), marker, color=color, ms=7, alpha=0.7
        )
        if np.isfinite(loss[i]).any():
            ax.plot([np.nanmean(loss[i])] * 2, [i - 0.3, i + 0.3], color=INK, lw=2.5)
        if runs.diverged[i].any():
            ax.plot(1.0, i, "X", color=color, ms=9, clip_on=False,
                    transform=ax.get_yaxis_transform())  # fmt: skip
    labels = [short(s, varied(runs.settings)) for s in runs.settings]
    for i in np.flatnonzero(runs.diverged.any(1)):
        out = f"{runs.diverged[i].sum()} of {len(runs.seeds)}"
        labels[i] += "\n" + SAY["out"].format(out)
    ax.set_yticks(rows, labels, fontsize=FONT)
    ax.set(xlabel=SAY["seeds"], ylim=(count - 0.5, -0.5))
    return alt_text(ax, f"{CHARTS['seeds']} {describe(runs)}")
