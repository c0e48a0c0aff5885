"""The still pictures of panels, by matplotlib: for GitHub, print and dead widgets.

No pyplot: it keeps a current figure for the whole process, and panels draw in threads.
"""

import numpy as np
from matplotlib.figure import Figure

from hpkit.panels.charts import GRID, SHAPES, WORDS, clipped, map_colors, top_of
from hpkit.panels.style import CLASSES, COLORS

SIZE = (9.4, 3.3)


def new_figure(widths):
    """Return a figure with axes side by side."""
    figure = Figure(figsize=SIZE, dpi=72, layout="constrained", facecolor="white")
    axes = figure.subplots(1, len(widths), width_ratios=widths, squeeze=False)[0]
    for ax in axes:
        ax.spines[["top", "right"]].set_visible(False)
        ax.grid(color="#eeeeee")
        ax.set_axisbelow(True)
    return figure, axes


def still_training(strong, pinned, faded, dataset, chart):
    """Return loss against epoch and, with a map chart, the map."""
    figure, axes = new_figure([2, 1] if chart else [1])
    if strong is not None:
        draw_curves(axes[0], strong, pinned, faded)
        if chart:
            draw_map(axes[1], strong.run, dataset, chart)
    return figure


def draw_curves(ax, strong, pinned, faded):
    """Draw training dashed and validation solid; a circle at each lowest point."""
    runs = [k.run for k in (strong, *pinned, *faded)]
    top = top_of(runs)
    for kept in faded:
        ax.plot(*clipped(kept.run.val_loss, top)[:2], color="#b0b0b0", lw=0.9)
    for kept, color, width in [(k, k.color, 1.6) for k in pinned] + [
        (strong, "blue", 2.4)
    ]:
        color = COLORS[color][0]
        x, y, out = clipped(kept.run.val_loss, top)
        first = kept is strong
        ax.plot(
            *clipped(kept.run.train_loss, top)[:2], "--", color=color, lw=0.6 * width,
            label="training" if first else None,
        )  # fmt: skip
        ax.plot(
            x, y, color=color, lw=width, label="validation" if first else kept.label
        )
        if kept.run.best_val_loss <= top:
            ax.plot(kept.run.best_epoch, kept.run.best_val_loss, "o", mfc="none",
                    mec=color, ms=9, mew=1.8)  # fmt: skip
        if kept.run.diverged and out is not None:
            ax.plot(out, top, "x", color=color, ms=10, mew=2.5, clip_on=False)
    epochs = max(max(r.epochs_done for r in runs), strong.run.setting.epochs)
    ax.set(xlabel=WORDS["epoch"], ylabel=WORDS["loss"], ylim=(0, top), xlim=(0, epochs))
    ax.legend(frameon=False, fontsize=9)


def draw_map(ax, run, dataset, chart):
    """Draw the points over the probabilities of the best epoch."""
    colors = map_colors(run, chart.cells, "best")
    ax.imshow(
        np.asarray(colors), extent=chart.extent, origin="lower", aspect="auto",
        interpolation="bilinear",
    )  # fmt: skip
    ax.grid(False)
    for number, _ in enumerate(dataset.classes):
        X = dataset.train.X[dataset.train.y == number]
        ax.scatter(*X.T, s=7, marker=SHAPES[number % 6],
                   color=COLORS[CLASSES[number % 6]][0], lw=0)  # fmt: skip
    ax.set(xlabel=dataset.features[0], ylabel=dataset.features[1])


__all__ = ["GRID", "draw_curves", "draw_map", "new_figure", "still_training"]
