"""`ValidationCurvePanel`: many values of one hyperparameter, trained at once."""

from functools import cache

import ipywidgets as W
import numpy as np
from matplotlib import colormaps
from matplotlib.colors import to_hex

from hpkit.hyperparameters import check_name
from hpkit.panels.charts import clipped, stacked
from hpkit.panels.controls import NAMES
from hpkit.panels.drawing import Drawing
from hpkit.panels.figures import (
    ABOVE,
    CROSS,
    figure,
    legend,
    limit,
    linear,
    lines,
    nice_top,
    points,
    set_all,
    texts,
    tick,
)
from hpkit.panels.guess import check_predict
from hpkit.panels.live import FRAME
from hpkit.panels.panel import titled
from hpkit.panels.parts import say
from hpkit.panels.runlist import short
from hpkit.panels.search_panel import SearchPanel
from hpkit.panels.style import css_color
from hpkit.panels.values import places, usual
from hpkit.search.searches import validation_curve
from hpkit.search.space import all_settings
from hpkit.text import shown

WORDS = {
    "title": "Validation curve on {}",
    "loss": "validation loss",
    "epoch": "epoch",
    "chosen": "chosen",
    "guess": "Which value will be best?",
    "draw": "Which curve will the values give?",
    "mine": "your guess",
    "lowest_at": "lowest at {}",
    "others": "others, dark on the right",
    "curve": "mean",
    "before": "earlier",
    "lowest": "best",
}


class ValidationCurvePanel(SearchPanel):
    """Train many values of one hyperparameter and see the validation curve grow.

    Parameters
    ----------
    dataset : Dataset
    param_name : str, default "lr"
        The hyperparameter to begin with; another can be chosen.
    base : Hyperparameters, default Hyperparameters()
        Values of all others.
    param_range : sequence, or text such as "0.001 to 10 in 9", optional
    seeds : int or iterable of int, default 3
        How many, from 0 on, or which.
    controls : sequence of str, default ("lr", "batch_size", "epochs")
        Which others can be moved.
    title : str, optional
    model : function, optional
        As in `hpkit.training.train`.
    predict : bool or "draw", default False
        Ask for a guess before anything is shown: the best value, or the whole curve.

    Attributes
    ----------
    found : Search
    error : Exception or None

    Raises
    ------
    ValueError, TypeError
        Before anything is shown.

    Examples
    --------
    >>> from hpkit.data.datasets import load_dataset
    >>> from hpkit.hyperparameters import Hyperparameters
    >>> panel = ValidationCurvePanel(
    ...     load_dataset("moons"), "lr", Hyperparameters(epochs=5),
    ...     param_range=[0.001, 0.1], seeds=1)
    >>> panel.wait().found.best.lr
    0.1
    """

    kind = "validation-curve"

    def __init__(
        self, dataset, param_name="lr", base=None, *, param_range=None, seeds=3,
        controls=("lr", "batch_size", "epochs"), title=None, model=None,
        predict=False,
    ):  # fmt: skip
        check_name(param_name)
        title = titled(title, WORDS["title"], dataset)
        super().__init__(
            dataset, base, controls=controls, seeds=seeds,
            title=title, model=model, key=(param_name,),
        )  # fmt: skip
        values = usual(param_name, dataset) if param_range is None else param_range
        self.values, self.asked = self.entry(param_name, values), param_name
        left = [self.values.frame, self.controls.box, self.seed_count.box, self.buttons]
        if check_predict(predict, draw=True):
            self._ask(draw=predict == "draw")
        self.build(left, self._charts(), drawers=[self.rows])
        self.renamed()
        self.come_in()

    def _ask(self, draw):
        """Ask for the best value or for the curve."""
        values = self.values.values
        if draw:
            names = list(map(shown, values))
            drawing = Drawing(*places(values), NAMES[self.values.name], names)
            words = lambda _: WORDS["lowest_at"].format(names[drawing.lowest])  # noqa: E731
            self.ask(WORDS["draw"], drawing, words)
        else:
            options = [(shown(v), v) for v in values]
            self.ask(WORDS["guess"], W.SelectionSlider(options=options), shown)

    def _charts(self):
        """Make the training curves and the validation curve."""
        scales = {"x": linear(), "y": linear()}
        self.many = lines(scales, stroke_width=1.4)
        self.strong = lines(scales, stroke_width=3)
        self.left = texts(scales, default_size=18, align="middle", y_offset=3,
                          apply_clip=False)  # fmt: skip
        self.curves = figure(
            [self.many, self.strong, self.left], *scales.values(),
            (WORDS["epoch"], WORDS["loss"]),
        )  # fmt: skip
        scales = {"x": linear(), "y": linear()}
        self.band = lines(
            scales, fill="between", fill_opacities=[0.18], opacities=[0.0]
        )
        self.old = lines(scales, "gray", stroke_width=1.8, line_style="dashed")
        self.mine = lines(scales, "purple", stroke_width=2.5, line_style="dotted")
        self.line = lines(scales, stroke_width=2.6)
        self.dots = points(
            scales, marker="circle", default_size=54, stroke=css_color("ink"),
            stroke_width=0.8,
        )  # fmt: skip
        self.lowest = points(
            scales, "orange", marker="circle", default_size=150, fill=False,
            stroke_width=2.5,
        )  # fmt: skip
        self.here = points(scales, "ink", marker="diamond", default_size=70)
        self.out = texts(scales, default_size=16, align="middle", y_offset=3,
                         apply_clip=False)  # fmt: skip
        # Texts tell no click: unseen points under the crosses do.
        self.hit = points(scales, marker="square", default_size=400, opacities=[0.0])
        marks = [self.band, self.mine, self.old, self.line, self.dots, self.lowest]
        self.chart = figure(
            [*marks, self.here, self.out, self.hit], *scales.values(),
            ("", WORDS["loss"]),
        )  # fmt: skip
        self.chart.add_class("hp-clicks")
        self.dots.on_element_click(self._clicked)
        self.hit.on_element_click(self._clicked_out)
        self.many.on_element_click(self._clicked_line)
        self.over, self.right = say("", "hp-muted"), say("", "hp-muted")
        # The right one has the longer legend, and its ticks must not touch.
        return [(self.over, self.curves, 5), (self.right, self.chart, 6)]

    # ---- the search ----------------------------------------------------------------

    def planned(self):
        """Return the settings that a start would train."""
        space = {self.values.name: self.values.values}
        return all_settings(self.controls.setting, space)

    def begin(self):
        """Return the search to run."""
        return validation_curve.live(
            self.dataset, self.controls.setting, param_name=self.values.name,
            param_range=self.values.values,
            seeds=self.seed_list, model=self.model, tick=FRAME,
        )  # fmt: skip

    def _clicked(self, _, event):
        """Highlight the setting of a point."""
        self._guarded(lambda: self.choose(self.shown[event["data"]["index"]]))(None)

    def _clicked_out(self, _, event):
        """Highlight a setting that diverged."""
        self._guarded(lambda: self.choose(self.gone[event["data"]["index"]]))(None)

    def _clicked_line(self, _, event):
        """Highlight the setting of a curve."""
        self._guarded(lambda: self.choose(int(event["data"]["index"])))(None)

    # ---- what is shown -------------------------------------------------------------

    def draw_found(self):
        """Show what the search has given so far."""
        found, runs = self.found, self.found.runs
        out = runs.diverged.any(1)
        calm = [r for i, r in enumerate(self._means()) if not out[i]]
        start = float(np.nanmean(runs.val_loss[:, :, 0]))
        usual = (high(loss[len(loss) // 2 :]) for _, loss in calm)
        top = nice_top(max([1.1 * start, *(min(u, 2 * start) for u in usual)]))
        limit(self.curves, 1, top)
        limit(self.curves, 0, max(s.epochs for s in found.settings), n=6, room=1.025)
        self._draw_curves(top, out)
        self._draw_line(nice_top(1.1 * start), out)

    def _means(self):
        """Return epochs and mean validation loss over seeds of each setting."""
        parts = []
        for i, done in enumerate(self.found.runs.epochs_done.min(1)):
            loss = self.found.runs.val_loss[i, :, : max(done, 0) + 1].mean(0)
            parts.append((np.arange(len(loss)), loss))
        return parts

    def _laid_out(self):
        """Return places, ticks, colors and order of the values."""
        return laid_out(tuple(self.found.values(self.found.param_name)))

    def _draw_curves(self, top, gone):
        """Show one training curve a setting, the chosen one strongly."""
        means = [loss for _, loss in self._means()]
        x, y = stacked(means, top)
        _, _, colors, order = self._laid_out()
        set_all(self.many, x=x, y=y, colors=colors)
        x, y, at = clipped(means[self.focus], top)
        left, there = [at] if at is not None else [], len(x) > 1
        sign = CROSS if gone[self.focus] else ABOVE
        set_all(self.left, x=np.array(left, float), y=[top] * len(left),
                text=[sign] * len(left), colors=self.strong.colors)  # fmt: skip
        set_all(self.strong, x=x if there else x[:0], y=y if there else y[:0])
        name = self.found.param_name
        values = list(map(shown, self.found.values(name)))
        values = [
            f"{v} {CROSS}" if out else v for v, out in zip(values, gone, strict=True)
        ]
        keys = [(self.strong, f"{short(name)} {values[self.focus]}")]
        ends = dict.fromkeys((order[0], order[-1])) if len(values) > 1 else ()
        keys += [(self.many, values[i], colors[i]) for i in ends]
        self.over.value = legend(*keys)
        self.many.words = WORDS["others"]  # one line of the still picture

    def _draw_line(self, top, out):
        """Show the lowest loss against the value."""
        found, runs = self.found, self.found.runs
        limit(self.chart, 1, top)
        at, ticks, colors, _ = self._laid_out()
        edge = 0.06 * (np.ptp(at) or 1.0)
        tick(self.chart, 0, at, ticks, NAMES[found.param_name], edge=edge)
        mean, spread = runs.mean_val_loss, np.nan_to_num(runs.std_val_loss)
        good = np.flatnonzero(~out & np.isfinite(mean))
        good = good[np.argsort(at[good], kind="stable")]
        self.shown = [int(i) for i in good]
        x, y, s = at[good], mean[good], spread[good]
        line = slice(None) if len(good) > 1 else slice(0, 0)
        set_all(self.line, x=x[line], y=y[line])
        set_all(self.dots, x=x, y=y, colors=[colors[i] for i in good])
        set_all(self.band, x=x[line], y=np.stack([y - s, y + s])[:, line])
        best = [i for i in good if i == runs.order[0]]
        set_all(self.lowest, x=at[best], y=mean[best])
        gone = np.flatnonzero(out)
        # Of one that diverged, the sign is below its cross.
        below = np.where(out, 0.92 * top, mean)
        here = [i for i in (*good, *gone) if i == self.focus]
        set_all(self.here, x=at[here], y=below[here])
        self.gone = gone.tolist()
        edge = [top] * len(gone)
        set_all(self.out, x=at[gone], y=edge, text=[CROSS] * len(gone))
        set_all(self.hit, x=at[gone], y=edge)
        self._draw_before(at)
        self._draw_guess(top)
        marks = [(self.line, "curve"), (self.old, "before"), (self.mine, "mine"),
                 (self.lowest, "lowest"), (self.here, "chosen")]  # fmt: skip
        shown = ((mark, WORDS[name]) for mark, name in marks if mark.visible)
        self.right.value = legend(*shown)

    def _draw_guess(self, top):
        """Show the guess: a place, or a curve; only on the axis that it was made on."""
        x, y = np.array([]), np.array([])
        open_ = self.guess and self.guess.open
        if open_ and self.found.param_name == self.asked:
            if isinstance(self.guess.widget, Drawing):
                x, y = self.guess.widget.at, np.array(self.guess.value)
            else:
                x, _ = places(self.found.values(self.found.param_name))
                values = self.found.values(self.found.param_name)
                x = x[[i for i, v in enumerate(values) if v == self.guess.value]]
                x, y = np.repeat(x, 2), np.array([0.0, top] * len(x))
        set_all(self.mine, x=x, y=y)

    def _draw_before(self, at):
        """Show the curve before this one, if it is of the same hyperparameter."""
        old, x, y = self.before, np.array([]), np.array([])
        if old is not None and old.param_name == self.found.param_name:
            x, _ = places(old.values(old.param_name))
            keep = ~old.runs.diverged.any(1)
            order = np.argsort(x[keep])
            x, y = x[keep][order], old.runs.mean_val_loss[keep][order]
        line = slice(None) if len(x) > 1 else slice(0, 0)
        set_all(self.old, x=x[line], y=y[line])

    def code(self):
        """Return the cell that runs the same search."""
        name, values = self.values.name, self.values.values
        if self.found:
            name, values = next(iter(self.found.space.items()))
        return self.code_of(
            "validation_curve", param_name=name, param_range=list(values)
        )


def high(losses):
    """Return the 90th percentile; numpy's own takes most of the time of a picture."""
    return np.sort(losses)[int(0.9 * (len(losses) - 1))]


@cache
def laid_out(values):
    """Return where values stand on an axis, its ticks, their colors and their order.

    The color is the darker the further right a value stands.
    """
    at, ticks = places(values)
    order = np.argsort(at, kind="stable")
    colors = shades(len(values))
    return at, ticks, [colors[r] for r in np.argsort(order)], order


@cache
def shades(count):
    """Return colors from light to dark, one a curve; seen on white and on black."""
    return [to_hex(c) for c in colormaps["viridis"](np.linspace(0.82, 0.33, count))]
