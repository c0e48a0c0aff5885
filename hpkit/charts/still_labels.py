"""Labels at ends of lines and beside points on matplotlib's axes, none on another."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.text import Annotation

_LINE = 1.25  # height of a line of text over the size of its letters
SMALLEST = 0.7  # size of crowded labels over that of others
_GAP = 1.1  # letters between the axes and a label at the end of a line


@lru_cache(4096)
def wide(text: str, size: float, strong: bool = False) -> float:
    """Return the width of a text in points."""
    weight = "bold" if strong else "normal"
    font = get_font(findfont(FontProperties(weight=weight)))
    font.set_size(size, 72)
    font.set_text(str(text), 0.0)
    return font.get_width_height()[0] / 64


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> np.ndarray:
    """Return places near the wanted ones, at least `gap` apart, from `low` to `high`.

    The nearest ones by least squares: where labels crowd, they move as a block
    (isotonic regression, pool adjacent violators).
    """
    order, blocks = np.argsort(wanted, kind="stable"), []
    for k, i in enumerate(order):
        blocks.append((wanted[i] - k * gap, 1))
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            (a, m), (b, n) = blocks[-2:]
            blocks[-2:] = [((a * m + b * n) / (m + n), m + n)]
    free = np.repeat([v for v, _ in blocks], [n for _, n in blocks])
    placed, steps = np.empty(len(order)), gap * np.arange(len(order))
    placed[order] = np.clip(free, low, max(low, high - gap * (len(order) - 1))) + steps
    return placed


def end_labels(ax, ends, letter):
    """Write (x, y, text, color, strong) at line ends; return how far they reach.

    Many are smaller; where not all have room, the strong ones are written, then every
    so many.
    """
    if not ends:
        return 0.0
    width, height = np.array([ax.bbox.width, ax.bbox.height]) * 72 / ax.figure.dpi
    letter *= np.clip(height / (_LINE * letter * len(ends)), SMALLEST, 1)
    gap, to_axes = _LINE * letter / height, ax.transData - ax.transAxes
    places = to_axes.transform([end[:2] for end in ends]).clip(0, 1)
    if len(ends) > (most := int(1 / gap) + 1):
        strong = sum(end[4] for end in ends)
        keep = -(-(len(ends) - strong) // max(1, most - strong))
        order = np.argsort(places[:, 1], kind="stable")
        some = [i for k, i in enumerate(order) if k % keep == 0 or ends[i][4]][:most]
        ends, places = [ends[i] for i in some], places[some]
    heights = spread(places[:, 1], gap, 0, 1)
    from_, bend = 1 + _GAP * letter / width, 1 + 0.3 * letter / width
    lines = [
        [(x, y), (bend, y), (from_ - 0.2 * letter / width, place)]
        for (x, y), place in zip(places, heights, strict=True)
    ]
    look = {"colors": [end[3] for end in ends], "linewidths": 0.7, "alpha": 0.55}
    leads = LineCollection(lines, transform=ax.transAxes, clip_on=False, **look)
    ax.add_collection(leads, autolim=False)
    for (_, _, text, color, strong), place in zip(ends, heights, strict=True):
        weight = "bold" if strong else "normal"
        look = {"color": color, "size": letter, "weight": weight, "va": "center"}
        ax.text(from_, place, text, transform=ax.transAxes, **look)
    return _GAP * letter + max(wide(end[2], letter, end[4]) for end in ends)


def beside(ax, note, letter):
    """Write (x, y, text, color, strong) where it covers the least of what is drawn."""
    x, y, text, color, strong = note
    side, lift = _free(ax, (x, y), wide(text, letter, strong), letter)
    away = (side * 1.3 * letter, lift * 1.7 * letter)
    look = {"color": color, "size": letter, "weight": "bold" if strong else "normal"}
    look |= {"ha": {-1: "right", 0: "center", 1: "left"}[side], "va": "center"}
    look |= {"textcoords": "offset points", "annotation_clip": False, "zorder": 9}
    ax.annotate(text, (x, y), away, **look)


def _seen(ax, scale):
    """Return places (n, 2) in points that a text should not cover."""
    data, seen = ax.transData, [np.zeros((0, 2))]
    steps = np.linspace(0, 1, 8)[:, None, None]
    paths = [(line.get_transform(), line.get_xydata()) for line in ax.lines]
    for dots in ax.collections:
        offsets = dots.get_offsets()
        if isinstance(dots, LineCollection):  # from ends of lines to their labels
            paths += [(dots.get_transform(), lead) for lead in dots.get_segments()]
        elif len(offsets) and dots.get_offset_transform() == data:
            seen.append(data.transform(offsets) * scale)
    for transform, path in paths:
        ends = transform.transform(path) * scale
        if len(ends) == 1:  # a cross
            seen.append(ends + np.array([(-4, 0), (4, 0)]))
        seen.append((ends[:-1] + (ends[1:] - ends[:-1]) * steps).reshape(-1, 2))
    for text in ax.texts:  # also those that `beside` has written
        at = text.xy if isinstance(text, Annotation) else text.get_position()
        if text.get_transform() == data or isinstance(text, Annotation):
            away = text.get_position() if isinstance(text, Annotation) else (0, 0)
            long = wide(text.get_text(), text.get_size())
            shift = {"left": 0.0, "center": -0.5, "right": -1.0}[text.get_ha()] * long
            middle = data.transform(at) * scale + away + (shift, 0)
            seen.append(middle + np.linspace(0, 1, 8)[:, None] * (long, 0))
    return np.concatenate(seen)


def _free(ax, point, across, letter):
    """Return the side of a point (-1, 0, 1 across; lines up) with room for a text."""
    scale = 72 / ax.figure.dpi
    seen, (px, py) = _seen(ax, scale), ax.transData.transform(point) * scale
    (left, low), (right, high) = ax.transAxes.transform([(0, 0), (1, 1)]) * scale
    best = (np.inf, 0, 1)
    for lift in (0, -1, 1, -2, 2, -3, 3, -4, 4):
        for side in (0, 1, -1) if lift else (1, -1):
            half = across / 2 + 2
            cx, cy = px + side * (1.3 * letter + across / 2), py + lift * 1.7 * letter
            inside = left < cx - half + 2 and cx + half - 2 < right
            if inside and low + 0.6 * letter < cy < high + 0.1 * letter:
                covered = (abs(seen - (cx, cy)) < (half, 0.75 * letter)).all(1).sum()
                best = min(
                    best, (covered + 0.3 * abs(side) + 0.6 * abs(lift), side, lift)
                )
    return best[1:]
