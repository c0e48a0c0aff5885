"""`BowlPanel`: gradient descent in one dimension, step by step."""

from functools import partial

import ipywidgets as W
import numpy as np

from hpkit.charts.loss import clipped, nice_top
from hpkit.charts.spec import Axis, Chart, cross, line, points
from hpkit.hyperparameters import check_count, check_number
from hpkit.locale import Texts
from hpkit.panels.controls import tied
from hpkit.panels.live import play
from hpkit.panels.panel import Panel
from hpkit.panels.parts import buttons

WORDS = Texts("panels.bowl")
WIDE = 5.0  # the chart shows weights from -5 to 5
EDGE = 1.07 * WIDE  # room for the whole ball
MOST = 20  # steps of a run
LIMIT = 100.0  # of learning rate and curvature
PAUSE = 0.12  # seconds between two steps of a run


@np.errstate(over="ignore")  # far away is inf
def descend(start, lr, curvature, n):
    """Return the weights (n + 1,) of gradient descent on curvature / 2 * w ** 2."""
    return start * (1 - lr * curvature) ** np.arange(n + 1.0) + 0.0  # no -0


@np.errstate(over="ignore")
def bowl_chart(path, curvature: float) -> Chart:
    """Return the bowl with the ball, its steps, and a cross where it is outside."""
    w, n = np.asarray(path, float), len(path) - 1
    grid, top = np.linspace(-EDGE, EDGE, 81), _top(curvature)
    drawn, losses = np.clip(w, -3 * WIDE, 3 * WIDE), _loss(w, curvature)
    steps = zip(range(n + 1), w, losses, strict=True)
    tips = [WORDS["tip"].format(*step) for step in steps]
    there = np.abs(w) <= WIDE
    dots, ball = np.flatnonzero(there[:-1]), np.flatnonzero(there[-1:]) + n
    gone = [] if there[-1] else np.sign(w[-1:]) * 0.96 * WIDE
    first = [WORDS["first"] if k == 0 else "" for k in dots]
    before = {"label": first, "tip": [tips[k] for k in dots]}
    now = {"label": WORDS["now" if n else "first"], "tip": tips[n], "strong": True}
    return Chart(
        Axis(WORDS["weight"], (-EDGE, EDGE)),
        Axis(WORDS["loss"], (-0.04 * top, top)),  # room for the ball
        [
            line(grid, _loss(grid, curvature), color="gray", hover=False),
            line(drawn, _loss(drawn, curvature), width=1.5, dash="dashed", hover=False),
            points(w[dots], losses[dots], size=3.5, **before),
            points(w[ball], losses[ball], color="orange", size=8.5, **now),
            cross(gone, color="orange", label=WORDS["out"], tip=tips[n]),
        ],
        alt=WORDS["bowl_alt"].format(n, w[-1]),
    )


@np.errstate(over="ignore")
def steps_chart(path, curvature: float) -> Chart:
    """Return the loss after each step."""
    losses, n, top = _loss(np.asarray(path), curvature), len(path) - 1, _top(curvature)
    drawn, left = clipped(losses, top)
    last = [n] if losses[-1] <= top else []
    return Chart(
        Axis(WORDS["steps"], (0, max(MOST, n))),
        Axis(WORDS["loss"], (0, top)),
        [
            line(np.arange(n + 1), drawn, width=2.5),
            points(last, losses[last], color="orange", hover=False),
            cross([] if left is None else [left], color="orange", label=WORDS["out"]),
        ],
        alt=WORDS["curve_alt"].format(losses[0], losses[-1], n),
    )


def _loss(w, curvature):
    return curvature / 2 * np.square(w)


def _top(curvature):
    return nice_top(1.05 * _loss(WIDE, curvature))


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
    words = WORDS

    def __init__(
        self,
        *,
        lr: float = 0.2,
        curvature: float = 1.0,
        start: float = -4.0,
        steps: int = 0,
        title: str | None = None,
        predict: bool = False,
    ) -> None:
        # What is shown: a wrong number in a box changes nothing.
        self.right = {
            name: check_number(name, value, low=0, below=LIMIT, hint=WORDS["hint"])
            for name, value in (("lr", lr), ("curvature", curvature))
        }
        self.start = check_number("start", start, low=-WIDE, below=WIDE)
        self.steps = check_count("steps", steps, low=0, most=1000)  # taken so far
        super().__init__(None, title)
        lr_knob = self._knob("lr", 0.05, 2.5)
        curvature_knob = self._knob("curvature", 0.1, 4.0)
        self.lr, self.curvature = lr_knob.source, curvature_knob.source
        self.asked, self.tried = curvature, set()  # learning rates x curvature
        question = WORDS["guess"].format(self.right["curvature"])
        slider = W.FloatSlider(1.0, min=0, max=5, step=0.1)
        self.ask(predict, question, slider, "{:g}".format)
        if self.guess and not steps:  # the ball at its start tells nothing
            self.add_class("hp-shown")
        self.step_button = self.button("step", self.step, "primary")
        self.run_button = self.button("run", self._run_clicked)
        self.reset_button = self.button("reset", self.reset)
        first = buttons(self.step_button, self.run_button)
        last = buttons(self.reset_button, self.stop_button)
        self.build([lr_knob.box, curvature_knob.box, first, last], (3, 2))
        self._draw()

    def _knob(self, name, step, high):
        """Return a number box tied to a slider from 0 to `high` or above."""
        value = self.right[name]
        look = {"min": 0, "max": max(high, value), "step": step, "readout": False}
        slider = W.FloatSlider(value, **look)
        knob = tied(WORDS[name], slider, lambda v: round(v, 4), step=None)
        self.on_change(knob.source, self._moved)
        return knob

    @property
    def path(self):
        """The weights so far: ndarray (steps + 1,)."""
        return descend(self.start, *self.right.values(), self.steps)

    def _check(self):
        """Take the numbers of the boxes; a wrong one is refused."""
        typed = {name: getattr(self, name).value for name in self.right}
        for name, value in typed.items():
            check_number(WORDS[name], value, low=0, below=LIMIT, hint=WORDS["hint"])
        self.right = typed
        self.error = None

    def _moved(self):
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
        steps = range(0 if self.steps >= MOST else self.steps + 1, MOST + 1)
        self.live.start(play(partial(setattr, self, "steps"), steps, PAUSE))

    def _update(self, running):
        self.bar.value = min(1.0, self.steps / MOST)
        self.status.value = f"{WORDS['steps']} {self.steps}"

    def _pictures(self):
        path, curvature = self.path, self.right["curvature"]
        return [bowl_chart(path, curvature), steps_chart(path, curvature)]

    def _judged(self):
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
    def _sentence(self, running):
        w, (lr, curvature) = self.path[-1], self.right.values()
        slope = curvature * w + 0.0  # no -0
        r, following = lr * curvature, descend(w, lr, curvature, 1)[1]
        facts = {"w": w, "lr": lr, "slope": slope, "next": following, "r": r}
        facts |= {"n": self.steps, "how": WORDS[regime(r)], "loss": _loss(w, curvature)}
        return self._judged() + WORDS["went" if self.steps else "start"].format(**facts)

    @np.errstate(over="ignore")
    def _table(self):
        w, curvature = self.path, self.right["curvature"]
        table = {"step": range(len(w)), "w": w, "loss": _loss(w, curvature)}
        return table | {"slope": curvature * w + 0.0}

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
