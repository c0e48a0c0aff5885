"""`LossChart`: loss against epoch, one strong run, pinned ones, faded ones."""

from itertools import pairwise

import numpy as np

from hpkit.panels.figures import (
    ABOVE,
    CROSS,
    figure,
    legend,
    limit,
    linear,
    lines,
    nice_top,
    points,
    set_all,
    texts,
)
from hpkit.panels.style import css_color

WORDS = {
    "epoch": "epoch",
    "loss": "loss",
    "train": "training",
    "val": "validation",
    "old": "earlier",
    "lowest": "lowest",
}

DENSE = 200  # points a curve, where there are many: more are not seen


def top_of(runs):
    """Return the upper end of the loss axis; spikes and diverged runs do not count."""
    most = 1.0
    for run in runs:
        start = run.val_loss[0] if np.isfinite(run.val_loss[0]) else 1.0
        most = max(most, 1.1 * start)
        if not run.diverged:
            usual = np.nanpercentile(run.val_loss[len(run.val_loss) // 2 :], 90)
            most = max(most, min(1.05 * usual, 2 * start))
    return nice_top(most)


def clipped(curve, top):
    """Return epochs, losses and the epoch where the curve left the chart for good.

    What is far above the chart is cut there, so that the line leaves it steeply.
    """
    curve = np.asarray(curve, float)
    epochs = np.arange(len(curve), dtype=float)
    outside = ~(curve <= top)  # also nan
    inside = np.flatnonzero(~outside)
    out = int(inside[-1]) + 1 if len(inside) else 0
    return epochs, np.minimum(curve, 20 * top), out if outside[-1] else None


def stacked(curves, top):
    """Return curves as two arrays (n, points), for one bqplot mark."""
    width = min(DENSE, max(map(len, curves), default=0))
    x, y = np.empty((2, len(curves), max(2, width)))
    for row, curve in enumerate(curves):
        epochs, losses, _ = clipped(curve, top)
        if len(epochs) > DENSE:
            some = np.linspace(0, len(epochs) - 1, DENSE).round().astype(int)
            epochs, losses = epochs[some], losses[some]
        x[row], y[row] = epochs[-1], losses[-1]  # the end repeats: nothing is drawn
        x[row, : len(epochs)], y[row, : len(epochs)] = epochs, losses
    return x, y


def spread(values, gap):
    """Return heights of labels moved apart by at least `gap`, order kept."""
    placed = np.asarray(values, float).copy()
    for before, after in pairwise(np.argsort(placed)):
        placed[after] = max(placed[after], placed[before] + gap)
    return placed


class LossChart:
    """Loss against epoch; training dashed, validation solid.

    A circle at each lowest validation loss; at the top edge an X where a curve that
    diverged left the chart, a triangle where another one did.
    """

    def __init__(self, *, height=270):
        x, y = linear(), linear()
        scales = {"x": x, "y": y}
        self.seen, self.top, self.pointed = (), 1.0, None
        self.faded = lines(scales, "gray", stroke_width=1.3, opacities=[0.55])
        self.pinned_train = lines(scales, stroke_width=1.6, line_style="dashed")
        self.pinned_val = lines(scales, stroke_width=2.2)
        self.mine = lines(scales, "purple", stroke_width=2.5, line_style="dotted")
        self.train = lines(scales, stroke_width=2, line_style="dashed")
        self.val = lines(scales, stroke_width=3)
        self.lowest = points(
            scales, marker="circle", default_size=90, fill=False, stroke_width=2.5
        )
        self.names = texts(
            scales, default_size=12, x_offset=-2, y_offset=-9, align="end"
        )
        self.left = texts(
            scales, default_size=18, align="middle", y_offset=3, apply_clip=False
        )
        self.figure = figure(
            [self.faded, self.mine, self.pinned_train, self.pinned_val, self.train,
             self.val, self.lowest, self.left, self.names],
            x, y, (WORDS["epoch"], WORDS["loss"]), height=height,
            margin=(14, 14, 40, 50),
        )  # fmt: skip
        self.legend = legend(
            (self.train, WORDS["train"]), (self.val, WORDS["val"]),
            (self.faded, WORDS["old"]), (self.lowest, WORDS["lowest"]),
        )  # fmt: skip

    def show(
        self, run, *, pinned=(), faded=(), end=1, per_epoch=lambda run: 1, label=None
    ):  # fmt: skip
        """Show one run strongly, others beside it.

        Parameters
        ----------
        run : Run
        pinned : sequence of (Run, color name, label)
        faded : sequence of Run
        end : float
            Right end of the axis.
        per_epoch : function (Run) -> float
            What an epoch of a run is on the axis: 1, its updates, its seconds.
        label : str, optional
            Of the axis.
        """
        self.per_epoch = per_epoch
        look = ([(id(r), *look) for r, *look in pinned], [id(r) for r in faded])
        others = (*look, label)
        if others != self.seen:
            rest = [*(p[0] for p in pinned), *faded]
            self.top = top_of(rest) if rest else 1.0
        top = max(self.top, top_of([run]))
        if others != self.seen or top != self.figure.axes[1].scale.max:
            self.seen = others
            limit(self.figure, 1, top)
            self._others(pinned, faded, top)
        self.figure.axes[0].label = label or WORDS["epoch"]
        limit(self.figure, 0, end, n=6, room=1.025)  # a circle fits at the end
        for mark, curve in ((self.train, run.train_loss), (self.val, run.val_loss)):
            x, y, _ = clipped(curve, top)
            set_all(mark, x=x * per_epoch(run), y=y)
        self._points([(run, "blue"), *((p[0], p[1]) for p in pinned)], top)

    def show_guess(self, run, epochs, losses):
        """Show the curve that a learner has drawn."""
        set_all(self.mine, x=epochs * self.per_epoch(run), y=np.asarray(losses))

    def _others(self, pinned, faded, top):
        """Draw what changes only when a run was added, pinned or removed."""
        x, y = stacked([r.val_loss for r in faded], top)
        set_all(self.faded, x=x * self._scales_of(faded), y=y)
        runs, scales = [p[0] for p in pinned], self._scales_of([p[0] for p in pinned])
        colors = [css_color(p[1]) for p in pinned]
        x, y = stacked([r.train_loss for r in runs], top)
        set_all(self.pinned_train, x=x * scales, y=y, colors=colors)
        x, y = stacked([r.val_loss for r in runs], top)
        set_all(self.pinned_val, x=x * scales, y=y, colors=colors)
        high = 0.88 * top  # whole letters below the upper edge, also of what left it
        ends = [min(high, r.val_loss[-1] if r.val_loss[-1] <= top else top)
                for r in runs]  # fmt: skip
        set_all(
            self.names, text=[p[2] for p in pinned], colors=colors,
            x=[r.epochs_done * self.per_epoch(r) for r in runs],
            y=spread(ends, top / 16),
        )  # fmt: skip

    def _scales_of(self, runs):
        """Return what an epoch of each run is on the axis, as a column."""
        return np.array([self.per_epoch(r) for r in runs], float).reshape(-1, 1)

    def _points(self, runs, top):
        """Draw the lowest points and the X of what left the chart."""
        key = [(r.best_epoch, r.best_val_loss, r.diverged, c, top) for r, c in runs]
        key.append(self.figure.axes[0].label)
        if key == self.pointed:
            return
        self.pointed = key
        calm = [(r, c) for r, c in runs if r.best_val_loss <= top]
        set_all(
            self.lowest, colors=[css_color(c) for _, c in calm],
            x=[float(r.best_epoch * self.per_epoch(r)) for r, _ in calm],
            y=[r.best_val_loss for r, _ in calm],
        )  # fmt: skip
        out = [(clipped(r.val_loss, top)[2], r, c) for r, c in runs]
        out = [left for left in out if left[0] is not None]
        set_all(
            self.left, text=[CROSS if r.diverged else ABOVE for _, r, _ in out],
            colors=[css_color(c) for *_, c in out], y=[top for _ in out],
            x=[float(at * self.per_epoch(r)) for at, r, _ in out],
        )  # fmt: skip
