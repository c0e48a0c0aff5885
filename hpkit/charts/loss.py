"""Loss against epochs: one run strongly, pinned ones in color, the rest in gray."""

from collections.abc import Callable, Sequence

import numpy as np

from hpkit.charts.spec import Axis, Chart, cross, line, ring, rule

WORDS = {
    "epoch": "epoch",
    "loss": "loss",
    "train": "training",
    "val": "validation",
    "old": "earlier",
    "lowest": "lowest {:.3g}",
    "diverged": "diverged",
    "above": "above the chart",
    "map": "map",
    "guess": "your guess",
}
DENSE = 200  # points of a curve, where there are many: more are not seen


def nice_top(value: float) -> float:
    """Return the next of 1, 1.5, 2, 3, 5, 7 x 10^k that is not below `value`."""
    if not np.isfinite(value) or value <= 0:
        return 1.0
    power = 10.0 ** np.floor(np.log10(value))
    steps = (s * power for s in (1, 1.5, 2, 3, 5, 7, 10))
    return float(next(step for step in steps if step >= value))


def usual_high(losses) -> float:
    """Return what a curve mostly stays below, spikes left out."""
    losses = np.asarray(losses, float)
    late = losses[len(losses) // 2 :]
    return float(np.nanpercentile(late, 90)) if np.isfinite(late).any() else np.nan


def top_of(runs) -> float:
    """Return the upper end of the loss axis; spikes and diverged runs do not count."""
    most = 1.0
    for run in runs:
        start = run.val_loss[0] if np.isfinite(run.val_loss[0]) else 1.0
        most = max(most, 1.1 * start)
        if not run.diverged:
            most = max(most, min(1.05 * usual_high(run.val_loss), 2 * start))
    return nice_top(most)


def clipped(curve, top):
    """Return losses cut far above the chart, and the epoch where they left it.

    None where they end inside. The line leaves the chart steeply.
    """
    curve = np.asarray(curve, float)
    outside = ~(curve <= top)  # also nan
    inside = np.flatnonzero(~outside)
    left = int(inside[-1]) + 1 if len(inside) else 0
    return np.minimum(curve, 20 * top), left if outside[-1] else None


def stacked(curves: Sequence, top: float, scale: Callable[[int], float] | None = None):
    """Return curves of any length as x and y (curves, points), nan after an end.

    `scale(number)` is what an epoch of a curve is on the axis.
    """
    most = max(map(len, curves), default=0)
    x, y = np.full((2, len(curves), min(DENSE, most)), np.nan)
    for row, curve in enumerate(curves):
        losses, _ = clipped(curve, top)
        epochs = np.arange(len(losses), dtype=float)
        if len(epochs) > DENSE:
            some = np.linspace(0, len(epochs) - 1, DENSE).round().astype(int)
            epochs, losses = epochs[some], losses[some]
        x[row, : len(epochs)] = epochs * (scale(row) if scale else 1.0)
        y[row, : len(epochs)] = losses
    return x, y


def loss_chart(
    run,
    *,
    pinned: Sequence[tuple] = (),
    faded: Sequence = (),
    end: float | None = None,
    per_epoch: Callable = lambda run: 1,
    unit: str = WORDS["epoch"],
    guess: tuple | None = None,
    at: float | None = None,
    top: float | None = None,
    marks: Sequence = (),
    alt: str = "",
) -> Chart:
    """Return the chart of a run beside others: training dashed, validation solid.

    Parameters
    ----------
    run : Run
    pinned : sequence of (Run, color, label)
    faded : sequence of Run
    end : float, optional
        Right end of the axis.
    per_epoch : function (Run) -> float
        What an epoch of a run is on the axis: 1, its updates, its seconds.
    unit : str
        What the axis counts.
    guess : (epochs, losses), optional
        What a learner has drawn.
    at : float, optional
        Epoch of the map beside it.
    marks : sequence of Mark
        Drawn last.
    """
    others = [each[0] for each in pinned]
    top = top or top_of([run, *others, *faded])
    end = end or run.setting.epochs * per_epoch(run)
    shown = [(run, "blue"), *(each[:2] for each in pinned)]
    calm = [(r, c) for r, c in shown if r.best_val_loss <= top]
    out = [(clipped(r.val_loss, top)[1], r, c) for r, c in shown]
    out = [each for each in out if each[0] is not None]
    colors = [each[1] for each in pinned]

    def curves(runs, name, **look):
        values = [getattr(r, name) for r in runs]
        xy = stacked(values, top, lambda row: per_epoch(runs[row]))
        return line(*xy, **look)

    ended = run.best_val_loss <= top and (at is None or True)
    return Chart(
        Axis(unit, (0, 1.02 * end)),
        Axis(WORDS["loss"], (0, top)),
        [
            curves(faded, "val_loss", color="gray", width=1.3, opacity=0.55,
                   legend=WORDS["old"] if faded else None),
            line(*(guess or ((), ())), color="purple", width=2.5, dash="dotted",
                 legend=WORDS["guess"] if guess else None),
            curves(others, "train_loss", color=colors, width=1.6, dash="dashed"),
            curves(others, "val_loss", color=colors, width=2.2,
                   label=[each[2] for each in pinned]),
            curves([run], "train_loss", width=2, dash="dashed", label=WORDS["train"]),
            curves([run], "val_loss", width=3, label=WORDS["val"], strong=True),
            ring(
                [r.best_epoch * per_epoch(r) for r, _ in calm],
                [r.best_val_loss for r, _ in calm],
                color=[color for _, color in calm],
                label=WORDS["lowest"].format(run.best_val_loss) if ended else None,
            ),
            cross(
                [left * per_epoch(r) for left, r, _ in out],
                color=[color for *_, color in out],
                label=[WORDS["diverged" if r.diverged else "above"] for _, r, _ in out],
            ),
            rule([] if at is None else [at], color="ink", dash="dotted", width=1.5),
            *marks,
        ],
        alt=alt,
    )  # fmt: skip
