"""What all charts share: axes and alternative text.

pyplot is asked for one thing only, a new figure when a learner gives no axes: it keeps
a current figure for the whole process, and panels draw in threads.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from hpkit.charts.still import draw
from hpkit.hyperparameters import check_text, refused

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIZE = (7.2, 4.0)  # inches: fills a notebook's width, stays readable when projected
FONT = 10


def drawn(chart, ax, size, alt):
    """Return the axes, or new ones of a size in inches, with a chart drawn."""
    ax = new_axes(size) if ax is None else check_axes(ax)
    draw(ax, replace(chart, title=""), FONT)
    # Layouts count titles, but not the name of the axis that stands above it.
    ax.set_title(" ", loc="right", fontsize=FONT, pad=FONT)
    if chart.title:
        ax.set_title(chart.title, fontsize=1.08 * FONT, pad=2.4 * FONT)
    return alt_text(ax, alt)


def new_axes(size):
    """Return the axes of a new figure of a size in inches."""
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=size, layout="constrained")[1]


def check_axes(ax):
    """Return `ax` if it is axes, else raise."""
    from matplotlib.axes import Axes

    if not isinstance(ax, Axes):
        way = "write fig, ax = matplotlib.pyplot.subplots(), or leave it out"
        raise refused("ax must be matplotlib's axes", ax, way, kind=TypeError)
    return ax


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
