"""A search over two hyperparameters: a map of its losses, and its profile."""

import numpy as np

from hpkit.charts.loss import nice_top
from hpkit.charts.spec import Axis, Chart, cells, cross, frames, line, points
from hpkit.charts.validation import value_axis
from hpkit.hyperparameters import TABLE
from hpkit.locale import Texts
from hpkit.text import shown

WORDS = Texts("charts")
FEW = 6  # points with words beside them; above, numbers alone
_FRAMES = {  # of cells: color, width, dash, how far one lies inwards
    "ties": ("orange", 2.5, "dashed", 0.0),
    "best": ("orange", 4.0, None, 0.0),
    "chosen": ("ink", 2.5, "dotted", 0.07),
    "guess": ("purple", 3.0, "dashdot", 0.16),
}


def heatmap_chart(
    space, loss, *, framed=None, legends=None, tips=None, marks=(), lift=0.0, **chart
) -> Chart:
    """Return the losses (rows, columns) of all pairs of values as a map.

    The first hyperparameter of `space` is across, the second upwards; a loss of nan is
    not known, inf diverged. `framed` are cells (column, row) by kind: "best", "ties",
    "chosen", "guess"; `legends` their names where they are others than usual; `tips`
    what hovering says, row by row from below. `marks` are drawn last, `lift` raises the
    numbers by a share of a cell. A click tells row * columns + column as "cell".
    """
    made, legends = [], WORDS["frames"] | dict(legends or {})
    for kind, (color, width, dash, inset) in _FRAMES.items():
        at = np.array(list((framed or {}).get(kind, ())), float).reshape(-1, 2)
        look = {"color": color, "width": width, "dash": dash, "inset": inset}
        made.append(frames(*at.T, legend=legends[kind], **look))
    axes = [
        Axis(TABLE[name].label, kind="band", texts=list(map(shown, values)))
        for name, values in list(space.items())[:2]
    ]
    losses = cells(loss, name=WORDS["loss"], click="cell", lift=lift, tip=tips)
    look = {"grid": False, "choose": WORDS["choose_cell"]} | chart
    return Chart(*axes, [losses, *made, *marks], **look)


def grid_losses(found) -> np.ndarray:
    """Return the loss of each cell of a grid (rows, columns); inf diverged."""
    across, up = map(len, found.space.values())
    out, loss = found.runs.diverged.any(1), found.runs.mean_val_loss
    return np.where(out, np.inf, loss).reshape(across, up).T


def profile_chart(found, side: int, **chart) -> Chart:
    """Return the lowest loss over one hyperparameter of a grid against the other.

    `side` says which one is on the axis: 0 the first, 1 the second.
    """
    names, values = tuple(found.space), tuple(found.space.values())
    loss, other = grid_losses(found), names[1 - side]
    known = np.where(np.isnan(loss), np.inf, loss)
    winner, lowest = known.argmin(side), known.min(side)
    axis, at = value_axis(names[side], values[side])
    numbers = [shown(values[1 - side][k]) for k in winner]
    beats = [f"{TABLE[other].short} {number}" for number in numbers]
    labels = beats if len(at) <= FEW else numbers
    named = [f"{TABLE[names[side]].short} {shown(value)}" for value in values[side]]
    fine = np.flatnonzero(np.isfinite(lowest))
    fine = fine[np.argsort(at[fine], kind="stable")]
    gone = np.flatnonzero(np.isinf(lowest) & found.finished)
    tips = [WORDS["tip_profile"].format(named[k], beats[k], lowest[k]) for k in fine]
    dots = {"size": 5, "tip": tips, "label": [labels[k] for k in fine]}
    lost = {"color": "ink", "tip": [WORDS["tip_out"].format(named[k]) for k in gone]}
    top = nice_top(1.1 * max(lowest[fine], default=0))
    return Chart(
        axis,
        Axis(WORDS["lowest_loss"], (0, top)),
        [
            line(at[fine], lowest[fine], width=2.6, hover=False),
            points(at[fine], lowest[fine], **dots),
            cross(at[gone], label=WORDS["diverged"], **lost),
        ],
        **chart,
    )
