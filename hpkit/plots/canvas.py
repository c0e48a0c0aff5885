"""What all charts share: axes, colors, labels at line ends, alternative text.

pyplot is asked for one thing only, a new figure when a learner gives no axes: it keeps
a current figure for the whole process, and panels draw in threads.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from hpkit.charts.still import draw
from hpkit.hyperparameters import check_text, refused

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIZE = (7.2, 4.0)  # inches: fills a notebook's width, stays readable when projected
FONT = 10
# Okabe and Ito (2008), to be told apart by color-blind eyes; their yellow is too pale
# for a line on white. Markers differ too.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
INK, MUTED, GRID = "#222222", "#6b6b6b", "#e4e4e4"
LINE = 1.25  # height of a line of text over the font size


def new_axes(ax, size=SIZE):
    """Return `ax`, or the axes of a new figure, without clutter."""
    if ax is not None:
        check_axes(ax)
    else:
        import matplotlib.pyplot as plt

        ax = plt.subplots(figsize=size, layout="constrained")[1]
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(color=GRID)
    ax.set_axisbelow(True)
    return ax


def drawn(chart, ax, size, alt):
    """Return the axes, or new ones of a size in inches, with a chart drawn."""
    if ax is None:
        import matplotlib.pyplot as plt

        ax = plt.subplots(figsize=size, layout="constrained")[1]
    return alt_text(draw(check_axes(ax), chart, FONT), alt)


def check_axes(ax):
    """Return `ax` if it is axes, else raise."""
    from matplotlib.axes import Axes

    if not isinstance(ax, Axes):
        way = "write fig, ax = matplotlib.pyplot.subplots(), or leave it out"
        raise refused("ax must be matplotlib's axes", ax, way, kind=TypeError)
    return ax


def look(number):
    """Return color and marker of line number 0, 1, ...: 49 are different."""
    color, again = number % len(COLORS), number // len(COLORS)
    return COLORS[color], MARKERS[(color + again) % len(MARKERS)]


def dark(color):
    """Return a color dark enough for text on white."""
    from matplotlib.colors import to_rgb

    return tuple(0.68 * c for c in to_rgb(color))


# ---- alternative text --------------------------------------------------------------


def alt_text(ax: Axes, sentence: str) -> Axes:
    """Return `ax` after giving its picture a sentence for those who do not see it.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    sentence : str
        Added to what the picture says already; hpkit's charts say themselves.

    Returns
    -------
    matplotlib.axes.Axes

    Notes
    -----
    A notebook's output carries it as metadata, ``{"image/png": {"alt": ...}}``, where
    nbconvert's templates look for it.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> alt_text(Figure().subplots(), "A bowl.").figure.hpkit_said
    ['A bowl.']
    """
    figure = check_axes(ax).figure
    check_text("sentence", sentence, "write what the picture shows")
    figure.hpkit_said = [*getattr(figure, "hpkit_said", ()), sentence]
    figure._repr_mimebundle_ = partial(only_metadata, figure)
    return ax


def only_metadata(figure, include=None, exclude=None):
    """Return the alternative text as IPython wants it; the picture comes by itself."""
    return {}, {"image/png": {"alt": " ".join(figure.hpkit_said)}}


# ---- limits ------------------------------------------------------------------------


def top_of(curves, start, times):
    """Return the upper end of a loss axis: `times` the start at most."""
    values = np.concatenate([np.ravel(curve) for curve in curves] or [[]])
    values = values[np.isfinite(values)]
    most = values.max() if len(values) else 0.0
    start = start if np.isfinite(start) and start > 0 else most or 1.0
    return 1.08 * float(np.clip(most, start, times * start))


def by_factors(values):
    """Say whether numbers grow by factors (then a log scale suits), not by steps."""
    values = np.unique(np.asarray(values, float))
    if len(values) < 2 or values[0] <= 0:
        return False
    if len(values) == 2:
        return values[1] >= 10 * values[0]
    uneven = [
        np.std(d) / np.mean(d) for d in (np.diff(values), np.diff(np.log(values)))
    ]
    return bool(uneven[1] < uneven[0])


class Scale:
    """Where the values of a hyperparameter stand on an axis.

    Attributes
    ----------
    log : bool
    named : bool
        Values that are no numbers, or 0 among factors: side by side, evenly.
    """

    def __init__(self, values):
        self.values = list(dict.fromkeys(values))
        numbers = all(isinstance(v, int | float) for v in self.values)
        if numbers:
            self.values.sort()
        self.log = numbers and by_factors(self.values)
        above = [v for v in self.values if numbers and v > 0]
        self.named = not numbers or (
            len(above) > 1 and len(above) < len(self.values) and by_factors(above)
        )

    def place(self, values):
        """Return the places of values."""
        if self.named:
            return np.array([self.values.index(v) for v in values], float)
        return np.array(values, float)

    def fit(self, axis, shown, most=9):
        """Set scale and ticks of ``ax.xaxis`` or ``ax.yaxis``."""
        if self.log:
            axis._set_axes_scale("log")
        if self.named or len(self.values) <= most:
            axis.set_ticks(self.place(self.values), [shown(v) for v in self.values])
            axis.set_ticks([], minor=True)
        elif self.log:
            axis.set_major_formatter(lambda v, _: f"{v:g}")


# ---- labels at line ends -----------------------------------------------------------


def spread_out(wanted, gap, low, high):
    """Return places near the wanted ones, at least `gap` apart, in low..high.

    The nearest ones by least squares: where labels crowd, they move as a block
    (isotonic regression, pool adjacent violators).
    """
    order = np.argsort(wanted, kind="stable")
    steps = gap * np.arange(len(order))
    blocks = []
    for value in np.asarray(wanted, float)[order] - steps:
        blocks.append((value, 1))
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            (a, m), (b, n) = blocks[-2:]
            blocks[-2:] = [((a * m + b * n) / (m + n), m + n)]
    free = np.repeat([v for v, _ in blocks], [n for _, n in blocks])
    most = max(low, high - steps[-1]) if len(steps) else high
    placed = np.empty(len(order))
    placed[order] = np.clip(free, low, most) + steps
    return placed


def end_labels(ax, ends, size=FONT):
    """Write labels to the right of the axes, each at its line's end, none on another.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        With its limits set.
    ends : list of (y, text, color), best first
        When there is no room for all, the first ones are written. The thin line from
        a label stops at the axes: inside it would look like data.
    """
    height = 72 * ax.figure.get_figheight() * ax.get_position().height
    size = max(7, min(size, 1.05 * height / (LINE * max(1, len(ends)))))
    gap = LINE * size / height
    ends = ends[: max(1, int(1.05 / gap + 1e-9))]
    low, high = ax.get_ylim()
    wanted = [np.clip((y - low) / (high - low), 0, 1) for y, _, _ in ends]
    places = spread_out(wanted, gap, 0.0, 1.0)
    for (y, text, color), place in zip(ends, places, strict=True):
        ax.annotate(
            text, (1.0, min(y, high)), xycoords=ax.get_yaxis_transform(),
            xytext=(1.035, place), textcoords="axes fraction",
            va="center", fontsize=size, color=dark(color), annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": color, "lw": 0.7, "alpha": 0.6,
                        "shrinkA": 1, "shrinkB": 3},
        )  # fmt: skip


def mark_out(ax, x, color):
    """Mark at the top edge what has left the chart."""
    ax.plot(
        x, 1.0, "X", color=color, ms=9, mec="white", clip_on=False, zorder=5,
        transform=ax.get_xaxis_transform(),
    )  # fmt: skip


def label_out(ax, crosses):
    """Write beside each X at the top edge what has left the chart.

    Each text has a line of its own, in an order in which none runs into another X.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        With its limits set.
    crosses : list of (x, text, color)
    """
    to_axes, low = ax.transScale + ax.transLimits, ax.get_ylim()[0]
    at = [to_axes.transform((x, low))[0] for x, *_ in crosses]
    left = [share > 0.7 for share in at]  # of the X: to its right there is no room
    order = np.lexsort((np.where(left, at, np.negative(at)), left))
    for line, k in enumerate(order):
        x, text, color = crosses[k]
        ax.annotate(
            text, (x, 1.0), xycoords=ax.get_xaxis_transform(),
            xytext=(-9 if left[k] else 9, -6 - LINE * FONT * line),
            textcoords="offset points", ha="right" if left[k] else "left",
            va="center", fontsize=FONT, color=dark(color), zorder=6,
            bbox={"fc": "white", "ec": "none", "pad": 0.5, "alpha": 0.8},
        )  # fmt: skip
