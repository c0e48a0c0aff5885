"""The pictures of a report: for each a chart, and a sentence that says it."""

import io

import numpy as np
from matplotlib.figure import Figure

from hpkit.capstone.budget import run_named, runs_of, say
from hpkit.charts.colors import CLASSES, SHAPES
from hpkit.charts.spec import Axis, Chart, cross, line, points, ring, rule, text
from hpkit.charts.still import UNDATED, still
from hpkit.search.files import numbers_from_plain

LETTERS = 14  # points on 6.4 inches; on a printed page it is a third of that
HEIGHT = 12  # letters


def png(drawn):
    """Return the PNG of a chart, or of what a function draws on axes."""
    file = io.BytesIO()
    if isinstance(drawn, Chart):
        figure = still([drawn], width=6.4, letter=LETTERS)
    else:
        figure = Figure(figsize=(6.4, 3.6), layout="constrained")
        large(drawn(figure.subplots()))
    figure.savefig(file, format="png", dpi=110, metadata=UNDATED["png"])
    return file.getvalue()


def large(ax):
    """Make the letters of an axes large enough for a picture half a page wide."""
    ax.tick_params(labelsize=LETTERS)
    for label in (ax.xaxis.label, ax.yaxis.label):
        label.set_fontsize(LETTERS)
    for name in ax.texts:  # many may have to stand side by side
        name.set_fontsize(0.85 * LETTERS)


def _log(label, values, *, room=0.0):
    """Return a log axis around those values that it can show, with room above."""
    values = [v for v in values if 0 < v < np.inf] or [1]
    low, high = min(values) / 1.3, max(values) * 1.3
    return Axis(label, (low, high * (high / low) ** room), "log")


def so_far(entries, budget):
    """Return the lowest validation loss against the epochs spent."""
    steps, spent, lowest = [], 0, np.inf
    for entry in entries:
        epochs, loss = map(numbers_from_plain, entry["so_far"])
        steps.append((spent + epochs, np.minimum(loss, lowest)))
        spent, lowest = int(steps[-1][0][-1]), steps[-1][1][-1]
    x = Axis(say("pictures.spent"), (0, 1.02 * max(spent, budget)))
    y = _log(say("pictures.so_far"), [v for _, loss in steps for v in loss], room=0.3)
    marks, ends = [], []
    for n, (epochs, loss) in enumerate(steps):
        look = {"color": CLASSES[n % len(CLASSES)]}
        said = [say("pictures.entry", n=n + 1, what=entries[n]["what"])]
        left = epochs[0] + epochs[-1] < x.domain[1]  # so none leaves the picture
        at, anchor = (epochs[0], "start") if left else (epochs[-1], "end")
        height = y.domain[1] * (y.domain[0] / y.domain[1]) ** (0.05 + 0.08 * (n % 3))
        marks += [
            line(epochs, loss, step=True, width=3, **look),
            text(at, height, said, anchor=anchor, **look),
            rule(epochs[-1], color="soft", width=0.6),
        ]
        ends.append(say("pictures.end", loss=loss[-1], epochs=epochs[-1]))
    marks.append(rule(budget, color="ink", dash="dashed", label=say("pictures.budget")))
    said = say("pictures.so_far_said", ends=", ".join(ends))
    return Chart(x, y, marks, alt=said, height=HEIGHT), said


def tried(entries, choice):
    """Return the loss of each setting at its lr, the chosen one in a ring."""
    marks, dots, crosses = [], set(), set()
    for n, runs in enumerate(map(runs_of, entries)):
        look = {"color": CLASSES[n % len(CLASSES)]}
        lrs, out = np.array([s.lr for s in runs.settings]), runs.diverged.any(1)
        loss = runs.mean_val_loss
        shape = SHAPES[n % len(SHAPES)]
        marks += [
            points(lrs[~out], loss[~out], shape=shape, opacity=0.7, size=5, **look)
        ]
        marks += [cross(lrs[out], **look)]
        # Two that lie on each other are one that was trained twice.
        dots |= {(lr, f"{v:.4g}") for lr, v in zip(lrs[~out], loss[~out], strict=True)}
        crosses |= set(lrs[out])
    said = say("pictures.tried_said", n=len(dots) + len(crosses), out=len(crosses))
    if choice:
        at = run_named(choice)[0].lr, choice["mean_val_loss"]
        marks.append(ring(*at, color="ink"))
        said += " " + say("pictures.chosen_said", lr=at[0], loss=at[1])
    x = _log(say("pictures.lr"), [lr for lr, _ in dots] + [*crosses])
    y = _log(say("pictures.val_loss"), [float(loss) for _, loss in dots])
    return Chart(x, y, marks, alt=said, height=HEIGHT), said


def chosen(entries, choice):
    """Return the training curves of the chosen run."""
    from hpkit.plots import describe, plot_training_curves

    every = [run for entry in entries for run in runs_of(entry)]
    names = [(run.setting, run.seed, run.epochs_done) for run in every]
    run = every[names.index(run_named(choice))]
    return lambda ax: plot_training_curves(run, ax), describe(run)
