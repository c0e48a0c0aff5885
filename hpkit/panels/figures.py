"""Parts of live charts (bqplot): figures with labeled axes, round ticks, legends."""

import html

import bqplot as bq
import ipywidgets as W
import numpy as np
from matplotlib.ticker import MaxNLocator

from hpkit.panels.style import css_color

KEYS = {
    "solid": "",
    "dashed": " hp-dash",
    "dotted": " hp-dot",
    "dash_dotted": " hp-dash",
}
SIGNS = {
    "circle": "○", "cross": "✚", "square": "■", "diamond": "◆", "triangle-up": "▲",
}  # fmt: skip
CROSS, ABOVE = "✕", "▲"
STAGGERED = "hp-stagger"  # class of a figure whose texts across stand on two lines


def linear(low=0.0, high=1.0):
    """Return a scale that ends where it says."""
    return bq.LinearScale(min=float(low), max=float(high), allow_padding=False)


def log(low, high):
    """Return a logarithmic scale that ends where it says."""
    return bq.LogScale(min=float(low), max=float(high), allow_padding=False)


def lines(scales, color="blue", **look):
    """Return lines that wait for points."""
    return bq.Lines(
        x=[0.0, 0], y=[0.0, 0], scales=scales, visible=False,
        colors=[css_color(color)], **look,
    )  # fmt: skip


def points(scales, color="blue", **look):
    """Return points that wait for places."""
    return bq.Scatter(
        x=[0.0],
        y=[0.0],
        scales=scales,
        visible=False,
        colors=[css_color(color)],
        **look,
    )


def texts(scales, **look):
    """Return texts that wait for places."""
    return bq.Label(
        x=[0.0], y=[0.0], text=[""], scales=scales, visible=False,
        font_weight="bold", colors=[css_color("ink")], **look,
    )  # fmt: skip


def figure(marks, x, y, labels, *, height=270, margin=(12, 14, 40, 50), grid="solid"):
    """Return a figure with two labeled axes; margin is top, right, bottom, left."""
    sides = dict(zip(("top", "right", "bottom", "left"), margin, strict=True))
    across = bq.Axis(scale=x, label=labels[0], grid_lines=grid)
    up = bq.Axis(
        scale=y, label=labels[1], side="left", label_offset="36px", grid_lines=grid
    )
    made = bq.Figure(
        marks=marks, axes=[across, up], fig_margin=sides, padding_y=0, padding_x=0,
        layout=W.Layout(height=f"{height}px", width="100%", min_width="0"),
        display_toolbar=False,
    )  # fmt: skip
    if grid == "none":
        made.add_class("hp-nogrid")
    return made


def ticks(low, high, n=5):
    """Return about n round numbers from `low` to `high`."""
    values = MaxNLocator(n, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
    return [float(v) for v in values if low - 1e-9 <= v <= high + 1e-9]


def decades(low, high):
    """Return the powers of ten from `low` to `high`; 2 and 5 times them if few."""
    tens = 10.0 ** np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
    steps = (1,) if high / low > 300 else (1, 2, 5)
    values = [float(f"{k * ten:.2g}") for ten in tens for k in steps]
    return [v for v in values if low <= v <= high]


def limit(figure, side, high, low=0.0, n=5, room=1.0, at=None):
    """Set the ends of an axis (0 across, 1 up), with room, and numbers on it.

    About `n` round ones, or those `at` places.
    """
    axis, end = figure.axes[side], float(high * room)
    if (axis.scale.min, axis.scale.max) != (low, end) or axis.tick_values is None:
        set_all(axis.scale, min=float(low), max=end)
        by_ten = isinstance(axis.scale, bq.LogScale)
        values = at or (decades(low, high) if by_ten else ticks(low, high, n))
        whole = all(v == round(v) for v in values)
        axis.tick_format = "~g" if by_ten else "d" if whole else "~g"
        axis.tick_values = np.array(values)


def tick(figure, side, at, words, label, *, edge=None):
    """Set an axis that has words at places; `words` is {place: text}."""
    axis, edge = figure.axes[side], edge or 0.08 * (np.ptp(at) or 1.0)
    shown = {f"{k:g}": w for k, w in words.items()}
    if axis.label != label or axis.tick_labels != shown:
        low, high = float(np.min(at) - edge), float(np.max(at) + edge)
        set_all(axis.scale, min=low, max=high)
        axis.label, axis.tick_labels = label, shown
        axis.tick_values = np.array(list(words))


def nice_top(value):
    """Return the next of 1, 1.5, 2, 3, 5, 7 x 10^k that is not below `value`."""
    if not np.isfinite(value) or value <= 0:
        return 1.0
    power = 10.0 ** np.floor(np.log10(value))
    return float(
        next(s * power for s in (1, 1.5, 2, 3, 5, 7, 10) if s * power >= value)
    )


def set_all(widget, **traits):
    """Set traits in one message; a mark without a point is hidden."""
    if isinstance(widget, bq.Mark):
        traits["visible"] = bool(len(traits["x"]))
        if not traits["visible"]:  # bqplot cannot draw it
            traits = {"visible": False}
        elif traits.get("colors", ()) == widget.colors:
            del traits["colors"]  # to check each again takes longer than all the rest
    with widget.hold_sync():
        for name, value in traits.items():
            setattr(widget, name, value)


def legend(*entries):
    """Return the legend of marks as a line of HTML.

    Entries are (mark, words), or with a color if that is not the mark's first one. The
    words stay with their mark, for the still picture.
    """
    parts = []
    for mark, words, *color in entries:
        mark.words = words
        color = color[0] if color else mark.colors[0]
        if isinstance(mark, bq.Lines):
            look = f"hp-key{KEYS[mark.line_style]}"
            width = f"{max(1.2, 0.8 * mark.stroke_width):g}px"
            sign = f"<span class='{look}' style='border-top-width:{width};"
            sign += f"border-top-color:{color}'></span>"
        else:
            char = CROSS if isinstance(mark, bq.Label) else SIGNS[mark.marker]
            char = "●" if char == "○" and mark.fill else char
            sign = f"<span class='hp-mark' style='color:{color}'>{char}</span>"
        parts.append(f"<span class='hp-entry'>{sign}{html.escape(words)}</span>")
    return "".join(parts)
