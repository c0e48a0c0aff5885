"""`BowlPanel`: gradient descent in one dimension, step by step."""

from functools import partial

import ipywidgets as W
import numpy as np

from hpkit.charts.runs import clip_curve, round_up
from hpkit.charts.spec import Axis, Chart, cross, line, points
from hpkit.hyperparameters import check_count, check_number
from hpkit.locale import Texts
from hpkit.panels.controls import with_box
from hpkit.panels.panel import Panel, play

WORDS = Texts("panels.bowl")
_WIDE = 5.0  # the chart shows weights from -5 to 5
_FIRST_WEIGHT = -4.0
_EDGE = 1.07 * _WIDE  # leaves room for the ball at the end of the axis
_MOST_STEPS = 20  # per press of Run
_PAUSE = 0.12  # seconds between two steps of Run


@np.errstate(over="ignore")  # a ball that moves away ends at inf
def _descend(start, lr, curvature, n):
    """Return the weights (n + 1,) of gradient descent on curvature / 2 * w ** 2."""
    return start * (1 - lr * curvature) ** np.arange(n + 1.0) + 0.0  # no -0


@np.errstate(over="ignore")
def _loss_and_slope(w, curvature):
    return curvature / 2 * np.square(w), curvature * w + 0.0  # no -0


def _check_knob(name, value):
    return check_number(name, value, low=0, below=100.0, hint=WORDS["hint"])


def _regime(r):
    """Return what the steps do where learning rate x curvature is `r`."""
    for name, limit in (("still", 0.0), ("exact", 1.0), ("swing", 2.0)):
        if np.isclose(r, limit):
            return name
    return "short" if r < 1 else "jump" if r < 2 else "away"


class BowlPanel(Panel):
    """Gradient descent on the bowl curvature / 2 * w ** 2.

    Each step multiplies w by 1 - lr * curvature, so it comes nearer to 0 exactly when
    lr < 2 / curvature (Goodfellow, Bengio, Courville, Deep Learning, 2016, 4.3).

    Parameters
    ----------
    lr : float, 0 <= lr < 100
        At first; the curvature begins at 1, the ball at weight -4.
    steps : int
        Taken when the panel is made.

    Examples
    --------
    >>> hk.BowlPanel(lr=0.5, steps=2).path.tolist()
    [-4.0, -2.0, -1.0]
    """

    kind, words, widths = "bowl", WORDS, (3, 2)
    newest_first = has_result = True

    def __init__(
        self,
        *,
        lr: float = 0.2,
        steps: int = 0,
        title: str | None = None,
        predict: bool = False,
    ) -> None:
        _check_knob("lr", lr)
        self.steps = check_count("steps", steps, low=0, most=1000)  # taken so far
        super().__init__(None, title)
        self.lr = self._knob("lr", lr, 0.05, 2.5)
        self.curvature = self._knob("curvature", 1.0, 0.1, 4.0)
        options = {"text": "{:g}".format, "min": 0, "max": 5, "step": 0.1}
        self.ask(predict, WORDS["guess"], W.FloatSlider, 0.0, **options)
        if self.guess and not steps:  # the ball at its start gives nothing away
            self.add_class("hp-shown")
        first_row = self.buttons(step=self.step, run=self._run)
        second_row = self.buttons(reset=self.reset, stop=self.stop)
        self.build(self.lr, self.curvature, first_row, second_row)
        self.on_change(self._draw, self.lr, self.curvature)
        self._draw()

    def _knob(self, name, value, step, high):
        high = max(high, value)
        slider = W.FloatSlider(value, min=0, max=high, step=step, readout=False)
        return with_box(WORDS[name], value, slider, partial(_check_knob, WORDS[name]))

    @property
    def path(self) -> np.ndarray:
        """The weights so far: ndarray (steps + 1,)."""
        lr, curvature = self.lr.value, self.curvature.value
        return _descend(_FIRST_WEIGHT, lr, curvature, self.steps)

    def step(self) -> None:
        with self.live.lock:
            self.steps += 1
            self._draw()

    def reset(self) -> None:
        """Put the ball back at the start."""
        self.live.stop()
        with self.live.lock:
            self.steps = 0
            self._draw()

    def _run(self):
        show = partial(setattr, self, "steps")
        self.live.start(play(show, lambda: self.steps, _MOST_STEPS, _PAUSE))

    def _charts(self):
        w, n, curvature = self.path, self.steps, self.curvature.value
        losses, _ = _loss_and_slope(w, curvature)
        top = max(round_up(1.05 * _loss_and_slope(_WIDE, 1.0)[0]), 1.5 * losses[0])
        grid, path = np.linspace(-_EDGE, _EDGE, 81), np.clip(w, -3 * _WIDE, 3 * _WIDE)
        curve, path_losses = (_loss_and_slope(at, curvature)[0] for at in (grid, path))
        inside = (np.abs(w) <= _WIDE) & (losses <= top)
        earlier, ball = np.flatnonzero(inside[:-1]), [n] if inside[n] else []
        exits = [] if inside[n] else [np.clip(w[~inside][0], -_WIDE, _WIDE)]
        labels = [WORDS["first"] if k == 0 else "" for k in earlier]
        now = {"label": WORDS["now" if n else "first"], "color": "orange", "size": 8.5}
        left = {"color": "orange", "label": WORDS["out"]}
        marks = [
            line(grid, curve, color="gray", hover=False),
            line(path, path_losses, width=1.5, dash="dashed", hover=False),
            points(w[earlier], losses[earlier], size=3.5, label=labels),
            points(w[ball], losses[ball], strong=True, **now),
            cross(exits, tip=WORDS["out"], **left),
        ]
        weight = Axis(WORDS["weight"], (-_EDGE, _EDGE))
        loss = Axis(WORDS["loss"], (-0.04 * top, top))  # room for the ball
        bowl = Chart(weight, loss, marks, alt=WORDS["bowl_alt"].format(n, w[-1]))
        clipped, exit_step = clip_curve(losses, top)
        if exit_step is not None:
            clipped[exit_step] = top  # up to its cross
        last = [n] if losses[-1] <= top else []
        marks = [
            line(np.arange(n + 1), clipped, width=2.5),
            points(last, losses[last], color="orange", hover=False),
            cross([] if exit_step is None else [exit_step], **left),
        ]
        steps = Axis(WORDS["steps"], (0, max(_MOST_STEPS, n)))
        alt = WORDS["curve_alt"].format(losses[0], losses[-1], n)
        return [bowl, Chart(steps, loss, marks, alt=alt)]

    @property
    def _guess_fits(self):
        return self.curvature.value == 1.0

    def _summary(self, running):
        w, lr, curvature = self.path[-1], self.lr.value, self.curvature.value
        loss, slope = _loss_and_slope(w, curvature)
        r = lr * curvature
        facts = {"n": self.steps, "w": w, "lr": lr, "loss": loss, "slope": slope}
        facts |= {"next": _descend(w, lr, curvature, 1)[1], "r": r}
        text = WORDS["went" if self.steps else "start"]
        if self.guesses and self.steps and r > 2:
            facts["off"] = abs(self.guess.value - 2)
            text += WORDS["missed" if facts["off"] else "hit"]
        return text.format(**facts, how=WORDS[_regime(r)])

    def _table(self):
        loss, slope = _loss_and_slope(self.path, self.curvature.value)
        return {"step": range(len(loss)), "w": self.path, "loss": loss, "slope": slope}

    def _code(self):
        values = f"{self.lr.value}, {self.curvature.value}"
        return f"""w, lr, curvature = {_FIRST_WEIGHT}, {values}
for step in range({self.steps}):
    slope = curvature * w
    w = w - lr * slope
    print(step + 1, w, curvature / 2 * w**2)"""
