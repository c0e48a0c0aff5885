"""Parallel coordinates: every setting of a search as a line over upright axes."""

from collections.abc import Mapping, Sequence

import numpy as np

from hpkit.charts.spec import Axis, Chart, line, points, ranges, text
from hpkit.hyperparameters import TABLE
from hpkit.locale import Texts
from hpkit.search.space import Range
from hpkit.text import shown

WORDS = Texts("charts.parallel")
MOST = 7  # values of a list that are all written at their axis
WIDE = 8  # numbers that span this factor stand on a logarithmic axis


def parallel_axes(space: Mapping[str, object], losses: Sequence[float]) -> list[Axis]:
    """Return an axis for each hyperparameter of a space, and one for the loss."""
    fine = np.asarray(losses, float)
    fine = fine[np.isfinite(fine)]
    ends = (float(fine.min()), float(fine.max())) if len(fine) else (0.1, 1.0)
    return [
        *(_axis(name, values, len(space)) for name, values in space.items()),
        Axis(WORDS["loss"], ends, "log"),
    ]


def _axis(name, values, count):
    label = TABLE[name].label if count < 3 else TABLE[name].short
    if isinstance(values, Range):
        return Axis(label, (values.low, values.high), "log" if values.log else "linear")
    values = (
        sorted(values) if all(isinstance(v, int | float) for v in values) else values
    )
    if isinstance(values[0], int | float):
        log = values[0] > 0 and values[-1] / values[0] >= WIDE
        ends, kind = (values[0], values[-1]), "log" if log else "linear"
        return Axis(label, ends, kind, ticks=values)
    return Axis(label, kind="band", texts=list(map(shown, values)))


def parallel_shares(search, axes: Sequence[Axis]) -> np.ndarray:
    """Return the places 0..1 (settings, axes); the loss of what diverged is nan."""
    runs = search.runs
    loss = np.where(runs.diverged.any(1), np.nan, runs.mean_val_loss)
    columns = [[getattr(s, name) for s in runs.settings] for name in search.space]
    places = [_shares(axis, c) for axis, c in zip(axes, [*columns, loss], strict=True)]
    return np.stack(places, 1)


def _shares(axis, values):
    if len(axis.texts):
        texts = list(axis.texts)
        at = [texts.index(shown(value)) for value in values]
        return np.array(at) / max(1, len(texts) - 1)
    curve = np.log if axis.kind == "log" else np.asarray
    low, high = curve(axis.domain)
    return (curve(np.asarray(values, float)) - low) / (high - low or 1.0)


def round_numbers(low: float, high: float) -> list[float]:
    """Return 1, 2, 5 times powers of ten between two numbers, or their middle."""
    decades = 10.0 ** np.arange(np.floor(np.log10(low)), np.log10(high) + 1)
    steps = (1,) if high > 300 * low else (1, 2, 5)
    values = [float(f"{k * ten:.3g}") for ten in decades for k in steps]
    values = [value for value in values if low < value < high]
    return values or [float(f"{np.sqrt(low * high):.3g}")]


def _between(axis):
    """Return shares and texts of what stands between the ends of an axis."""
    low, high = axis.domain
    if axis.texts:
        places, texts = np.linspace(0, 1, len(axis.texts)), axis.texts
    else:
        middle = round_numbers(low, high) if axis.kind == "log" else [(low + high) / 2]
        values = axis.ticks if 0 < len(axis.ticks) <= MOST else middle
        places, texts = _shares(axis, values), [f"{value:.6g}" for value in values]
    return [p for p in zip(places, texts, strict=True) if 0.03 < p[0] < 0.97]


def inside(shares: np.ndarray, low: Sequence[float], high: Sequence[float]):
    """Return which settings are in the range of every axis."""
    return ((shares >= np.array(low) - 1e-6) & (shares <= np.array(high) + 1e-6)).all(1)


def parallel_chart(
    axes: Sequence[Axis],
    shares: np.ndarray,
    *,
    strong: np.ndarray,
    color: Sequence[str],
    shape: Sequence[str] = ("circle",),
    tip: Sequence[str] | None = None,
    label: Sequence[str | None] = (),
    low: Sequence[float] | None = None,
    high: Sequence[float] | None = None,
    name: str | None = None,
    numbers: bool = False,
    title: str = "",
    alt: str = "",
) -> Chart:
    """Return a line for each setting, those that are `strong` in color.

    Parameters
    ----------
    axes, shares
        As of `parallel_axes` and `parallel_shares`.
    strong : ndarray of bool (settings,)
    color, shape, tip, label : sequence, one a setting
        `shape` is what a strong line ends in.
    low, high : sequence of float, one an axis
        A range on each, which `name` tells when a learner moves it.
    numbers : bool
        Whether values between the ends of the axes are written, too, and what diverged
        ends in an x at the top.
    """
    at, pale = np.arange(len(axes)), np.flatnonzero(~strong)
    front = np.flatnonzero(strong)
    out = np.isnan(shares[:, -1])
    gone = np.flatnonzero(out)[: len(out) * numbers]
    told = [(i - 0.02, *t) for i, a in enumerate(axes) for t in _between(a) if numbers]
    where, heights_told, words = zip(*told, strict=True) if told else ((), (), ())
    heights = np.where(np.isnan(shares), 1.0, shares)

    def some(values, numbers):
        return (
            [values[min(i, len(values) - 1)] for i in numbers] if len(values) else None
        )

    return Chart(
        Axis("", kind="band", texts=[axis.label for axis in axes]),
        Axis("", (-0.12, 1.12), "none"),
        [
            ranges(
                np.zeros(len(axes)) if low is None else low,
                np.ones(len(axes)) if high is None else high,
                axes,
                name=name,
            ),
            line(
                at,
                heights[pale],
                color="gray",
                width=1,
                opacity=0.35,
                dash=["dotted" if out[i] else None for i in pale] or None,
                tip=some(tip or (), pale),
            ),
            line(
                at,
                heights[front],
                color=some(color, front),
                width=1.8,
                opacity=0.9,
                tip=some(tip or (), front),
                label=some(label, front),
            ),
            points(
                np.full(len(front), at[-1]),
                heights[front, -1],
                color=some(color, front),
                shape=some(shape, front),
                size=4,
                hover=False,
            ),
            text(where, heights_told, words, anchor="end", color="soft", size=0.9),
            points(
                np.full(len(gone), at[-1]),
                np.ones(len(gone)),
                shape="x",
                color="soft",
                hover=False,
            ),
        ],
        title=title,
        alt=alt,
        grid=False,
    )
