"""`Parallel`: every setting as a line over parallel axes, with a brush."""

import ipywidgets as W
import numpy as np

from hpkit.panels.controls import NAMES
from hpkit.panels.figures import figure, linear, lines, set_all, tick
from hpkit.panels.parts import named, say
from hpkit.panels.values import FULL

WORDS = {
    "axis": "keep lines by",
    "brush": "from, to (percent of the axis)",
    "loss": "loss",
    "low": "low",
    "high": "high",
}


class Parallel:
    """Parallel coordinates of some searches.

    Parameters
    ----------
    space : dict
        Name of a hyperparameter: `Range`.
    looks : dict
        Kind of search: (color name, line style).
    """

    def __init__(self, space, looks):
        self.space, self.looks = space, looks
        scales = {"x": linear(), "y": linear(-0.04, 1.04)}
        self.outside = lines(scales, "gray", stroke_width=1, opacities=[0.25])
        self.inside = {
            kind: lines(
                scales, color, line_style=style, stroke_width=1.8,
                opacities=[0.4 if kind == "halving" else 0.9],  # it has many more
            )
            for kind, (color, style) in looks.items()
        }  # fmt: skip
        above = sorted(self.inside, key=lambda kind: kind != "halving")
        self.figure = figure(
            [self.outside, *(self.inside[kind] for kind in above)], *scales.values(),
            ("", ""), margin=(12, 30, 40, 40),
        )  # fmt: skip
        tick(
            self.figure, 1, np.array([0.0, 1.0]),
            {0.0: WORDS["low"], 1.0: WORDS["high"]}, "",
        )  # fmt: skip
        names = [*(NAMES[name] for name in space), WORDS["loss"]]
        self.at = np.arange(float(len(names)))
        words = dict(zip(self.at.tolist(), names, strict=True))
        tick(self.figure, 0, self.at, words, "", edge=0.15)
        self.axis = W.Dropdown(options=[(name, n) for n, name in enumerate(names)])
        self.axis.value = len(space)
        named(self.axis, WORDS["axis"]).layout.width = FULL
        self.brush = W.IntRangeSlider(value=(0, 100), max=100, readout=False)
        self.brush.add_class("hp-slide")
        self.brush.tooltip = WORDS["brush"]
        heads = [say(f"<b>{WORDS[key]}</b>", "hp-name") for key in ("axis", "brush")]
        self.box = W.VBox([heads[0], self.axis, heads[1], self.brush])

    def show(self, found):
        """Show searches by kind; what the brush leaves out is faded."""
        rows = {kind: self._rows(search) for kind, search in found.items()}
        every = np.concatenate([r[1] for r in rows.values()] or [np.zeros(0)])
        low, span = (every.min(), np.ptp(every) or 1.0) if len(every) else (0.0, 1.0)
        ends, axis, faded = np.array(self.brush.value) / 100, self.axis.value, []
        nothing = np.zeros((0, len(self.space))), np.zeros(0)
        for kind, mark in self.inside.items():
            places, loss = rows.get(kind, nothing)
            y = np.column_stack([places, (loss - low) / span])
            keep = (y[:, axis] >= ends[0] - 1e-9) & (y[:, axis] <= ends[1] + 1e-9)
            faded.append(y[~keep])
            set_all(mark, x=np.tile(self.at, (keep.sum(), 1)), y=y[keep])
        out = np.concatenate(faded)
        set_all(self.outside, x=np.tile(self.at, (len(out), 1)), y=out)

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
