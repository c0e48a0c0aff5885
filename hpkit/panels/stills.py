"""Live charts (bqplot) drawn again by matplotlib: for GitHub, print and dead widgets.

What is drawn is read from the marks, so that a still shows what the panel shows. No
pyplot: it keeps a current figure for the whole process, and panels draw in threads.
"""

import io
import re

import bqplot as bq
import ipywidgets as W
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator
from PIL import Image

from hpkit.panels.figures import CROSS, STAGGERED
from hpkit.panels.style import COLORS

LINES = {"solid": "-", "dashed": "--", "dotted": ":", "dash_dotted": "-."}
SHAPES = {
    "circle": "o", "diamond": "D", "square": "s", "triangle-up": "^", "cross": "P",
    "triangle-down": "v", "rectangle": "s",
}  # fmt: skip


def still(figures, widths, *, height=3.3):
    """Return live charts side by side as a matplotlib figure."""
    made = Figure(
        figsize=(9.4, height), dpi=72, layout="constrained", facecolor="white"
    )
    axes = made.subplots(1, len(figures), width_ratios=widths, squeeze=False)[0]
    for ax, chart in zip(axes, figures, strict=True):
        if isinstance(chart, W.Stack):
            chart = chart.children[chart.selected_index]
        draw(ax, chart)
    return made


def draw(ax, chart):
    """Draw a bqplot figure on matplotlib axes."""
    ax.spines[["top", "right"]].set_visible(False)
    for axis, name in zip(chart.axes, "xy", strict=True):
        scale, put = axis.scale, lambda key, value, n=name: ax.set(**{n + key: value})
        if isinstance(scale, bq.LogScale):
            put("scale", "log")
        if scale.min is not None:
            put("lim", (scale.min, scale.max))
        put("label", axis.label)
        if not axis.visible:
            put("ticks", [])
            continue
        if axis.tick_values is None:
            continue
        put("ticks", axis.tick_values)
        getattr(ax, f"{name}axis").set_minor_locator(NullLocator())
        if axis.tick_labels or isinstance(scale, bq.LogScale):
            words = axis.tick_labels or {}
            said = [words.get(f"{v:g}", f"{v:g}") for v in axis.tick_values]
            if name == "x" and STAGGERED in chart._dom_classes:
                said[1::2] = ["\n" + word for word in said[1::2]]
            put("ticklabels", said)
    if chart.axes[0].grid_lines != "none":
        ax.grid(color="#eeeeee")
    ax.set_axisbelow(True)
    ax.set_title(chart.title, fontsize=8)
    for mark in chart.marks:
        if mark.visible:
            DRAW[type(mark)](ax, mark)
    if named := ax.get_legend_handles_labels()[1]:
        ax.legend(
            loc="lower left", bbox_to_anchor=(0, 1), ncols=len(named), fontsize=8,
            frameon=False, borderaxespad=0, handlelength=1.6, columnspacing=1,
        )  # fmt: skip


def color(value):
    """Return a color of the light theme for what a mark has."""
    name = re.match(r"var\(--hp-(\w+)", value)
    return COLORS[name[1]][0] if name else value


def each(values, n):
    """Return n values: those given, the last one again and again."""
    values = list(values) or [1.0]
    return [values[min(k, len(values) - 1)] for k in range(n)]


def draw_lines(ax, mark):
    """Draw bqplot.Lines."""
    x, y = np.atleast_2d(mark.x), np.atleast_2d(mark.y)
    x = np.broadcast_to(x, y.shape)
    colors, alphas = each(mark.colors, len(y)), each(mark.opacities, len(y))
    if mark.fill == "between":
        ax.fill_between(x[0], y[0], y[1], color=color(colors[0]), alpha=0.2, lw=0)
        return
    for n in range(len(y)):
        ax.plot(
            x[n], y[n], LINES[mark.line_style], color=color(colors[n]),
            alpha=alphas[n], lw=0.75 * mark.stroke_width,
            drawstyle="steps-post" if mark.interpolation == "step-after" else "default",
            marker=SHAPES.get(mark.marker), ms=0.6 * mark.marker_size**0.5,
            label=None if n else getattr(mark, "words", None),
        )  # fmt: skip


def draw_points(ax, mark):
    """Draw bqplot.Scatter."""
    x, y = np.atleast_1d(mark.x), np.atleast_1d(mark.y)
    colors = [color(c) for c in each(mark.colors, len(x))]
    ax.scatter(
        x, y, s=0.8 * mark.default_size, marker=SHAPES[mark.marker],
        facecolors=colors if mark.fill else "none",
        edgecolors="white" if mark.fill else colors,
        linewidths=0.3 if mark.fill else mark.stroke_width, zorder=3,
        alpha=each(mark.opacities, 1)[0], label=getattr(mark, "words", None),
    )  # fmt: skip


def draw_texts(ax, mark):
    """Draw bqplot.Label; a cross as a marker, since few fonts have the sign."""
    words = zip(mark.x, mark.y, mark.text, each(mark.colors, len(mark.x)), strict=True)
    for x, y, text, tint in words:
        if text == CROSS:
            ax.plot(x, y, "x", color=color(tint), ms=9, mew=2.4, clip_on=False)
        else:
            ax.annotate(
                text, (x, y), (mark.x_offset, -mark.y_offset), color=color(tint),
                textcoords="offset points", fontsize=0.75 * mark.default_size,
                fontweight="bold", va="center", annotation_clip=False,
                ha={"start": "left", "middle": "center", "end": "right"}[mark.align],
            )  # fmt: skip


def draw_image(ax, mark):
    """Draw bqplot.Image."""
    pixels = np.asarray(Image.open(io.BytesIO(mark.image.value)))
    ax.imshow(
        pixels,
        extent=(*mark.x, *mark.y),
        aspect="auto",
        interpolation="nearest" if mark.pixelated else "bilinear",
    )


DRAW = {
    bq.Lines: draw_lines,
    bq.Scatter: draw_points,
    bq.Label: draw_texts,
    bq.Image: draw_image,
}
