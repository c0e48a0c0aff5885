"""Lowest loss so far against the epochs spent: searches with one budget."""

from collections.abc import Mapping, Sequence

import numpy as np

from hpkit.charts.colors import CLASSES, SHAPES
from hpkit.charts.spec import Axis, Chart, line, points
from hpkit.locale import Texts

WORDS = Texts("charts.best_so_far")
DASHES = (None, "dashed", "dotted", "dashdot")
COLUMN = 0.07  # of the budget: from one column of ends to the next


def best_so_far_chart(
    searches: Mapping[str, object],
    *,
    colors: Sequence[str] = CLASSES,
    dashes: Sequence[str | None] = DASHES,
    shapes: Sequence[str] = SHAPES,
    budget: float | None = None,
    ends: Mapping[str, Sequence[float]] | None = None,
    log: bool | None = None,
    label: str = "{} {:.3g}",
    x_label: str = "",
    y_label: str = "",
    title: str = "",
    alt: str = "",
) -> Chart:
    """Return a step line for each `Search`, by name.

    Parameters
    ----------
    searches : dict
        Name: Search.
    budget : float, optional
        Right end of the lines, default the most epochs spent.
    ends : dict, optional
        Name: the lowest loss of each of many races, drawn as a column of points at the
        right of the lines.
    log : bool, optional
        Whether the loss axis is logarithmic; default if the lines span a factor of ten.
    label : str
        What stands at a line's end, of its name and lowest loss.
    """
    ends = ends or {}
    curves = [search.best_so_far() for search in searches.values()]
    longest = max([1, *(len(epochs) for epochs, _ in curves)])
    x, y = np.full((2, len(curves), longest), np.nan)
    for row, (epochs, loss) in enumerate(curves):
        x[row, : len(epochs)], y[row, : len(loss)] = epochs, loss
    budget = budget or max([1, *(epochs[-1] for epochs, _ in curves)])

    def look(values):
        return [values[k % len(values)] for k in range(len(curves))]

    colors, shapes = look(colors), look(shapes)
    at, height, owner, tips = [], [], [], []
    for k, (name, (epochs, loss)) in enumerate(zip(searches, curves, strict=True)):
        column = list(ends.get(name, ()))
        at += [epochs[-1], *[budget * (1 + COLUMN * (k + 1))] * len(column)]
        height += [loss[-1], *column]
        owner += [k] * (1 + len(column))
        tips += [f"{name} {loss[-1]:.3g}"]
        tips += [
            f"{WORDS['race'].format(race)}\n{name} {lowest:.3g}"
            for race, lowest in enumerate(column, 1)
        ]
    tops = [*(loss[0] for _, loss in curves), *height] or [0.1, 1.0]
    low, high = min(tops), max(tops)
    log = high > 10 * low if log is None else log
    columns = (len(curves) + 0.7) * COLUMN if any(map(len, ends.values())) else 0
    labels = [
        label.format(name, loss[-1])
        for name, (_, loss) in zip(searches, curves, strict=True)
    ]
    return Chart(
        Axis(
            x_label or WORDS["spent"],
            (0, budget * (1.02 + columns)),
            ticks=np.linspace(0, budget, 4).round() if columns else (),
        ),
        Axis(
            y_label or WORDS["so_far"],
            (0.8 * low, 1.15 * high) if log else (0, 1.08 * high),
            "log" if log else "linear",
        ),
        [
            line(
                x,
                y,
                step=True,
                color=colors,
                width=2.6,
                dash=look(dashes),
                name=list(searches),
                label=labels,
            ),
            points(
                at,
                height,
                color=[colors[k] for k in owner],
                shape=[shapes[k] for k in owner],
                size=4,
                tip=tips,
            ),
        ],
        title=title,
        alt=alt,
    )
