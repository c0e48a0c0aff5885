"""`Parallel`: every setting as a line over parallel axes, with a brush."""

import ipywidgets as W
import numpy as np
from bqplot.interacts import BrushSelector

from hpkit.panels.controls import NAMES
from hpkit.panels.figures import (
    figure,
    linear,
    lines,
    points,
    set_all,
    texts,
    tick,
)
from hpkit.panels.parts import named, row, say
from hpkit.panels.runlist import short

WORDS = {
    "axis": "color by",
    "axis_tip": "The axis by which lines get a color",
    "brush": "Lines from here to there on the axis get a color",
    "range": "in color: {low} to {high}",
    "loss": "loss",
}
BEST = (0, 20)  # percent of the loss axis, a log scale: in color at first


class Parallel:
    """Parallel coordinates of some searches.

    Parameters
    ----------
    space : dict
        Name of a hyperparameter: `Range`.
    looks : dict
        Kind of search: (color name, line style, marker). Lines are solid here, broken
        ones in a crowd cannot be followed; each ends in its marker.

    Notes
    -----
    The loss has a log scale, as in `hpkit.plot_parallel`.
    """

    def __init__(self, space, looks):
        self.space, self.looks = space, looks
        scales = {"x": linear(), "y": linear(-0.12, 1.12)}
        self.outside = lines(scales, "gray", stroke_width=1, opacities=[0.3])
        self.inside = {
            kind: lines(scales, color, stroke_width=1.8, opacities=[0.85])
            for kind, (color, _, _) in looks.items()
        }
        self.marks = {
            kind: points(scales, color, marker=marker, default_size=36)
            for kind, (color, _, marker) in looks.items()
        }
        above = sorted(self.inside, key=lambda kind: kind != "halving")
        self.ends = texts(
            scales, default_size=11, align="middle", y_offset=4, apply_clip=False
        )
        marks = [self.outside, *(self.inside[kind] for kind in above)]
        marks += [*self.marks.values(), self.ends]
        self.figure = figure(marks, *scales.values(), ("", ""), margin=(12, 26, 40, 42))
        self.figure.axes[1].visible = False
        names = [NAMES[n] if len(space) < 3 else short(n) for n in space]
        names.append(WORDS["loss"])
        self.at = np.arange(float(len(names)))
        words = dict(zip(self.at.tolist(), names, strict=True))
        tick(self.figure, 0, self.at, words, "", edge=0.08)
        self.axis = W.Dropdown(options=[(name, n) for n, name in enumerate(names)])
        self.axis.value = len(space)
        named(self.axis, WORDS["axis_tip"])
        self.axis.layout = W.Layout(flex="1 1 0", width="auto", min_width="0")
        self.brush = W.IntRangeSlider(value=BEST, max=100, readout=False)
        self.brush.add_class("hp-slide")
        self.brush.tooltip = WORDS["brush"]
        self.range, self.low, self.high = say("", "hp-muted"), 0.1, 1.0
        label = say(f"<span class='hp-name'>{WORDS['axis']}&nbsp;</span>")
        head = row(label, self.axis, name="hp-row")
        self.box = W.VBox([head, self.range, self.brush])
        self.box.add_class("hp-knob")  # names the handles, too
        self.box.layout.margin = "14px 0 0"
        self.drag = BrushSelector(
            x_scale=scales["x"], y_scale=scales["y"], color="orange"
        )
        self.figure.interaction = self.drag

    def dragged(self):
        """Take what was dragged with the mouse: the nearest axis, from and to."""
        box = self.drag.selected
        if box is None or len(box) < 2:
            self.brush.value = (0, 100)
            return
        (left, low), (right, high) = np.sort(np.asarray(box, float), 0)
        self.axis.value = int(np.clip(round((left + right) / 2), 0, self.at[-1]))
        self.brush.value = tuple(
            round(100 * float(np.clip(end, 0, 1))) for end in (low, high)
        )

    def show(self, found):
        """Show searches by kind; what the brush leaves out is faded."""
        rows = {kind: self._rows(search) for kind, search in found.items()}
        every = np.concatenate([r[1] for r in rows.values()] or [np.zeros(0)])
        if len(every):
            self.low, self.high = float(every.min()), float(every.max())
        ends, axis, faded = np.array(self.brush.value) / 100, self.axis.value, []
        nothing = np.zeros((0, len(self.space))), np.zeros(0)
        for kind, mark in self.inside.items():
            places, loss = rows.get(kind, nothing)
            span = np.log(self.high / self.low) or 1.0
            y = np.column_stack([places, np.log(loss / self.low) / span])
            keep = (y[:, axis] >= ends[0] - 1e-9) & (y[:, axis] <= ends[1] + 1e-9)
            faded.append(y[~keep])
            set_all(mark, x=np.tile(self.at, (keep.sum(), 1)), y=y[keep])
            set_all(self.marks[kind], x=self.at[[-1] * keep.sum()], y=y[keep, -1])
        out = np.concatenate(faded)
        set_all(self.outside, x=np.tile(self.at, (len(out), 1)), y=out)
        low, high = (self._text(axis, end) for end in ends)
        self.range.value = WORDS["range"].format(low=low, high=high)
        set_all(
            self.ends, x=np.repeat(self.at, 2), y=np.tile([-0.07, 1.07], len(self.at)),
            text=[self._text(n, end) for n in range(len(self.at)) for end in (0, 1)],
        )  # fmt: skip

    def _text(self, axis, share):
        """Return what stands at a share of an axis."""
        ranges = list(self.space.values())
        value = ranges[axis].at(share) if axis < len(ranges) else None
        if value is None:
            value = self.low * (self.high / self.low) ** share
        return f"{float(f'{value:.3g}'):g}"

    def _rows(self, found):
        """Return each trained setting as places 0..1, one an axis, and its loss."""
        runs = found.runs
        loss = runs.mean_val_loss
        know = np.flatnonzero(np.isfinite(loss) & ~runs.diverged.any(1))
        places = [
            [r.share(getattr(runs.settings[i], name)) for name, r in self.space.items()]
            for i in know
        ]
        return np.array(places).reshape(len(know), len(self.space)), loss[know]
