"""`BowlPanel`: gradient descent in one dimension, step by step."""

from functools import partial

import ipywidgets as W
import numpy as np

from hpkit.hyperparameters import check_count, check_number
from hpkit.panels.controls import framed, number_box, tie
from hpkit.panels.figures import (
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
)
from hpkit.panels.guess import check_predict
from hpkit.panels.panel import Panel, titled
from hpkit.panels.parts import button, row
from hpkit.panels.play import play

WORDS = {
    "title": "A ball in a bowl: gradient descent with one weight",
    "lr": "learning rate",
    "curvature": "curvature",
    "step": "Step",
    "step_tip": "One step against the slope",
    "run": "Run",
    "run_tip": "Twenty steps, one after the other",
    "reset": "To start",
    "reset_tip": "Put the ball back to the start",
    "weight": "weight w",
    "loss": "loss",
    "steps": "step",
    "bowl": "the bowl",
    "path": "steps",
    "ball": "now",
    "out": "now, outside",
    "curve": "loss after each step",
    "start": "Step 0: w = <b>{w:.3g}</b>, slope {slope:.3g}. A step goes to "
    "w &minus; learning rate &times; slope = {w:.3g} &minus; {lr:g} &times; "
    "({slope:.3g}) = <b>{next:.3g}</b>.",
    "went": "Step {n}: w = <b>{w:.3g}</b>, loss <b>{loss:.3g}</b>, slope {slope:.3g}. "
    "Learning rate &times; curvature = {r:.3g}: {how}",
    "still": "no step moves the ball.",
    "short": "below 1, every step stays on one side of the bottom.",
    "jump": "between 1 and 2, every step jumps over the bottom and lands lower.",
    "exact": "one step ends at the bottom.",
    "swing": "to and fro for ever.",
    "away": "above 2, every step lands higher. It diverges.",
    "guess": "From which learning rate on does the ball never come to rest, with "
    "curvature {:g}?",
    "high": "Too high: at {:g} the ball comes no closer. ",
    "low": "Too low: at {:g} the ball still comes closer, step by step. ",
    "right": "That is right. ",
}
WIDE = 5.0  # the chart shows weights from -5 to 5
EDGE = 1.07 * WIDE  # room for the whole ball
MOST = 20  # steps of a run
LIMIT = 100.0  # of learning rate and curvature
PAUSE = 0.12  # seconds between two steps of a run


@np.errstate(over="ignore")  # far away is inf
def descend(start, lr, curvature, n):
    """Return the weights (n + 1,) of gradient descent on curvature / 2 * w ** 2."""
    return start * (1 - lr * curvature) ** np.arange(n + 1.0) + 0.0  # no -0


class BowlPanel(Panel):
    """Gradient descent on the bowl curvature / 2 * w ** 2.

    Parameters
    ----------
    lr : float, 0 to 100, default 0.2
    curvature : float, 0 to 100, default 1.0
        How steep the bowl is: its slope at w is curvature * w.
    start : float, default -4.0
        The first weight, -5 to 5.
    steps : int, default 0
        Steps taken when the panel is made.
    title : str, optional
    predict : bool, default False
        Ask for a guess before anything is shown.

    Attributes
    ----------
    path : ndarray (steps + 1,)
        The weights so far.

    Notes
    -----
    Each step multiplies w by 1 - lr * curvature, so it comes nearer to 0 exactly when
    lr < 2 / curvature (Goodfellow, Bengio, Courville, Deep Learning, 2016, 4.3).

    Examples
    --------
    >>> bowl = BowlPanel(lr=0.5, steps=2)
    >>> bowl.path.tolist()
    [-4.0, -2.0, -1.0]
    """

    kind = "bowl"
    newest_first = True

    def __init__(
        self, *, lr=0.2, curvature=1.0, start=-4.0, steps=0, title=None,
        predict=False,
    ):  # fmt: skip
        lr, curvature = (
            check_number(name, value, low=0, below=LIMIT, hint="try 1")
            for name, value in (("lr", lr), ("curvature", curvature))
        )
        self.start = check_number("start", start, low=-WIDE, below=WIDE, hint="try -4")
        steps = check_count("steps", steps, low=0, most=1000, hint="try 0")
        self.steps = steps  # taken so far
        super().__init__(None, title=titled(title, WORDS["title"]))
        self.lr, lr_box = linear_knob(WORDS["lr"], lr, 0.05, max(2.5, lr))
        self.curvature, curvature_box = linear_knob(
            WORDS["curvature"], curvature, 0.1, max(4.0, curvature)
        )
        # What is shown: a wrong number in a box changes nothing.
        self.right = {"lr": lr, "curvature": curvature}
        self.asked, self.tried = curvature, set()  # learning rates x curvature
        if check_predict(predict):
            slider = W.FloatSlider(1.0, min=0, max=5, step=0.1)
            self.ask(WORDS["guess"].format(curvature), slider, "{:g}".format)
        self.step_button = button(WORDS["step"], WORDS["step_tip"], "primary")
        self.run_button = button(WORDS["run"], WORDS["run_tip"])
        self.reset_button = button(WORDS["reset"], WORDS["reset_tip"])
        pairs = [
            (self.step_button, self.run_button),
            (self.reset_button, self.stop_button),
        ]
        left = [lr_box, curvature_box, *(row(*p, name="hp-buttons") for p in pairs)]
        self.build(left, self._charts())
        self.on_click(self.step_button, self.step)
        self.on_click(self.run_button, self._run_clicked)
        self.on_click(self.reset_button, self.reset)
        self.on_change(self.lr, self._moved)
        self.on_change(self.curvature, self._moved)
        self._draw()

    def _charts(self):
        """Make the bowl and the loss after each step."""
        x, y = linear(-EDGE, EDGE), linear()
        scales = {"x": x, "y": y}
        self.bowl = lines(scales, "gray", stroke_width=2)
        self.path_line = lines(scales, stroke_width=1.5, line_style="dashed")
        self.dots = points(scales, marker="circle", default_size=40)
        self.ball = points(scales, "orange", marker="circle", default_size=260)
        self.out = texts(scales, default_size=18, align="middle", y_offset=4)
        bowl = figure(
            [self.bowl, self.path_line, self.dots, self.ball, self.out],
            x, y, (WORDS["weight"], WORDS["loss"]),
        )  # fmt: skip
        limit(bowl, 0, EDGE, -EDGE, n=6)
        scales = {"x": linear(0, MOST), "y": linear()}
        self.losses = lines(scales, stroke_width=2.5)
        self.last = points(scales, "orange", marker="circle", default_size=90)
        labels = (WORDS["steps"], WORDS["loss"])
        curve = figure([self.losses, self.last], *scales.values(), labels)
        over = legend(
            (self.bowl, WORDS["bowl"]), (self.path_line, WORDS["path"]),
            (self.ball, WORDS["ball"]), (self.out, WORDS["out"]),
        )  # fmt: skip
        self.bowl_figure, self.curve_figure = bowl, curve
        return [(over, bowl, 3), (legend((self.losses, WORDS["curve"])), curve, 2)]

    # ---- what a learner does -------------------------------------------------------

    @property
    def path(self):
        """The weights so far: ndarray (steps + 1,)."""
        return descend(self.start, *self.right.values(), self.steps)

    def _check(self):
        """Take the numbers of the boxes; raise ValueError for a wrong one."""
        for name in self.right:
            value = getattr(self, name).value
            check_number(WORDS[name], value, low=0, below=LIMIT, hint="try 1")
        self.right = {name: getattr(self, name).value for name in self.right}
        self.error = None

    def _moved(self):
        """Show the same steps with the numbers of the boxes."""
        self._check()
        self._draw()

    def step(self):
        """Take one step."""
        with self.live.lock:
            self._check()
            self.steps += 1
            self._draw()

    def reset(self):
        """Put the ball back to the start."""
        self.live.stop()
        with self.live.lock:
            self.steps = 0
            self._draw()

    def _run_clicked(self):
        """Take twenty steps, slowly; from the start when they are all taken."""
        self._check()
        first = 0 if self.steps >= MOST else self.steps + 1
        show = partial(setattr, self, "steps")
        self.live.start(play(show, range(first, MOST + 1), PAUSE))

    # ---- what is shown -------------------------------------------------------------

    @np.errstate(over="ignore")
    def loss(self, w):
        """Return the loss of a weight."""
        return self.right["curvature"] / 2 * np.square(w)

    def draw(self, running):
        """Show the state."""
        w = self.path
        top = nice_top(1.05 * self.loss(WIDE))
        for chart in (self.bowl_figure, self.curve_figure):
            limit(chart, 1, top, -0.04 * top)  # room for the ball
        most = max(MOST, self.steps)
        limit(self.curve_figure, 0, most, -0.05 * most, room=1.03)  # whole dots
        grid = np.linspace(-EDGE, EDGE, 81)
        set_all(self.bowl, x=grid, y=self.loss(grid))
        there = np.abs(w) <= WIDE
        path = np.clip(w, -3 * WIDE, 3 * WIDE) if len(w) > 1 else w[:0]
        set_all(self.path_line, x=path, y=self.loss(path))
        ball, dots = w[-1:][there[-1:]], w[:-1][there[:-1]]
        set_all(self.dots, x=dots, y=self.loss(dots))
        set_all(self.ball, x=ball, y=self.loss(ball))
        gone = np.sign(w[-1:][~there[-1:]]) * WIDE * 0.96
        set_all(self.out, x=gone, y=[top] * len(gone), text=[CROSS] * len(gone))
        losses = np.minimum(self.loss(w), 20 * top) if len(w) > 1 else w[:0]
        set_all(self.losses, x=np.arange(len(losses), dtype=float), y=losses)
        set_all(self.last, x=np.full(len(ball), len(w) - 1.0), y=self.loss(ball))
        self.bar.value = min(1.0, self.steps / MOST)
        self.status.value = f"{WORDS['steps']} {self.steps}"
        if running:
            self._show_drawer()

    def judged(self):
        """Return what the steps so far say about the guess."""
        lr, curvature = self.right.values()
        if not (self.guess and self.guess.open) or curvature != self.asked:
            return ""
        if self.steps:
            self.tried.add(round(lr, 6))
        guess, border = self.guess.value, 2 / self.asked
        rests = [lr for lr in self.tried if lr < border - 1e-6]
        fails = [lr for lr in self.tried if lr >= border - 1e-6]
        if min(fails, default=np.inf) < guess - 1e-6:
            return WORDS["high"].format(min(fails))
        if max(rests, default=-1.0) > guess - 1e-6:
            return WORDS["low"].format(max(rests))
        return WORDS["right"] if fails and np.isclose(guess, border) else ""

    @np.errstate(over="ignore")
    def sentence(self, running):
        """Return the state in words."""
        w, (lr, curvature) = self.path[-1], self.right.values()
        slope = curvature * w + 0.0  # no -0
        facts = {
            "w": w,
            "lr": lr,
            "slope": slope,
            "next": descend(w, lr, curvature, 1)[1],
            "r": lr * curvature,
        }
        if self.steps == 0:
            return self.judged() + WORDS["start"].format(**facts)
        how = WORDS[regime(lr * curvature)]
        went = WORDS["went"].format(n=self.steps, loss=self.loss(w), how=how, **facts)
        return self.judged() + went

    @np.errstate(over="ignore")
    def frame(self):
        """Return the steps as a table."""
        import pandas as pd

        w = self.path
        table = {"step": range(len(w)), "w": w, "loss": self.loss(w)}
        return pd.DataFrame(table | {"slope": self.right["curvature"] * w + 0.0})

    def code(self):
        """Return the cell that takes the same steps."""
        return (
            f"w, lr, curvature = {self.start:g}, {self.right['lr']:g}, "
            f"{self.right['curvature']:g}\n"
            f"for step in range({self.steps}):\n"
            "    slope = curvature * w\n    w = w - lr * slope\n"
            "    print(step + 1, w, curvature / 2 * w**2)"
        )


def regime(r):
    """Return what learning rate x curvature means for the steps."""
    for name, at in (("still", 0.0), ("exact", 1.0), ("swing", 2.0)):
        if np.isclose(r, at):
            return name
    return "short" if r < 1 else "jump" if r < 2 else "away"


def linear_knob(label, value, step, high):
    """Return a number box tied to a slider from 0 to `high`, and their box."""
    slider = W.FloatSlider(value, min=0, max=high, step=step, readout=False)
    number = number_box(W.FloatText, label, value=value, step=None)
    tie(slider, number, lambda v: round(v, 4))
    return number, framed(label, slider, number)
