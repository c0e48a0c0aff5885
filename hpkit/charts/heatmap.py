"""A search over two hyperparameters: a map of its losses, and its profile."""

from collections.abc import Mapping, Sequence

import numpy as np

from hpkit.charts.loss import nice_top
from hpkit.charts.spec import Axis, Chart, Mark, cells, cross, frames, line, points
from hpkit.charts.validation import value_axis
from hpkit.hyperparameters import TABLE
from hpkit.locale import Texts
from hpkit.text import shown

WORDS = Texts("charts.heatmap")
FEW = 6  # points with words beside them; above, numbers alone
_FRAMES = {  # of cells: color, width, dash, how far one lies inwards
    "ties": ("orange", 2.5, "dashed", 0.0),
    "best": ("orange", 4.0, None, 0.0),
    "chosen": ("ink", 2.5, "dotted", 0.07),
    "guess": ("purple", 3.0, "dashdot", 0.16),
}


def heatmap_chart(
    space: Mapping[str, Sequence],
    loss: np.ndarray,
    *,
    framed: Mapping[str, Sequence[tuple[int, int]]] | None = None,
    legends: Mapping[str, str | None] | None = None,
    tips: Sequence[str] | None = None,
    marks: Sequence[Mark] = (),
    lift: float = 0.0,
    title: str = "",
    alt: str = "",
    height: float = 20.0,
) -> Chart:
    """Return the losses of all pairs of values as a map.

    Parameters
    ----------
    space : dict
        The values by name: the first hyperparameter is across, the second upwards.
    loss : ndarray (rows, columns)
        nan is not known, inf diverged.
    framed : dict, optional
        Cells (column, row) to frame: "best", "ties", "chosen", "guess".
    legends : dict, optional
        Their names in the legend, where they are others than usual.
    tips : sequence of str, optional
        What hovering over a cell says, row by row from below.
    marks : sequence of Mark
        Drawn last.
    lift : float
        By how much of a cell the numbers are raised.

    Returns
    -------
    Chart
        A click on a cell tells its number, row * columns + column, as "cell".
    """
    (across, xs), (up, ys) = list(space.items())[:2]
    made = []
    for kind, (color, width, dash, inset) in _FRAMES.items():
        at = np.array(list((framed or {}).get(kind, ())), float).reshape(-1, 2)
        look = {"color": color, "width": width, "dash": dash, "inset": inset}
        legend = (legends or {}).get(kind, WORDS[kind])
        made.append(frames(*at.T, **look, legend=legend))
    return Chart(
        Axis(TABLE[across].label, kind="band", texts=list(map(shown, xs))),
        Axis(TABLE[up].label, kind="band", texts=list(map(shown, ys))),
        [
            cells(loss, name=WORDS["loss"], click="cell", lift=lift, tip=tips),
            *made,
            *marks,
        ],
        title=title,
        alt=alt,
        height=height,
        grid=False,
        choose=WORDS["choose"],
    )


def grid_losses(found) -> np.ndarray:
    """Return the loss of each cell of a grid (rows, columns); inf diverged."""
    across, up = map(len, found.space.values())
    out, loss = found.runs.diverged.any(1), found.runs.mean_val_loss
    return np.where(out, np.inf, loss).reshape(across, up).T


def profile_chart(found, side: int, *, title: str = "", alt: str = "") -> Chart:
    """Return the lowest loss over one hyperparameter of a grid against the other.

    Parameters
    ----------
    found : Search
        A grid of two hyperparameters.
    side : int
        Which one is on the axis: 0 the first, 1 the second.
    """
    names, values = tuple(found.space), tuple(found.space.values())
    loss = grid_losses(found)
    known = np.where(np.isnan(loss), np.inf, loss)
    winner, lowest = known.argmin(side), known.min(side)
    axis, at = value_axis(names[side], values[side])
    other = names[1 - side]
    numbers = [shown(values[1 - side][k]) for k in winner]
    beats = [f"{TABLE[other].short} {number}" for number in numbers]
    labels = beats if len(at) <= FEW else numbers
    named = [f"{TABLE[names[side]].short} {shown(value)}" for value in values[side]]
    fine = np.flatnonzero(np.isfinite(lowest))
    fine = fine[np.argsort(at[fine], kind="stable")]
    gone = np.flatnonzero(np.isinf(lowest) & found.finished)
    tips = [WORDS["tip"].format(named[k], beats[k], lowest[k]) for k in fine]
    return Chart(
        axis,
        Axis(WORDS["lowest_loss"], (0, nice_top(1.1 * max(lowest[fine], default=0)))),
        [
            line(at[fine], lowest[fine], width=2.6, hover=False),
            points(
                at[fine],
                lowest[fine],
                size=5,
                tip=tips,
                label=[labels[k] for k in fine],
            ),
            cross(
                at[gone],
                label=WORDS["diverged"],
                color="ink",
                tip=[WORDS["tip_out"].format(named[k]) for k in gone],
            ),
        ],
        title=title,
        alt=alt,
    )
