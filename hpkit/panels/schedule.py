"""`SchedulePanel`: draw a learning-rate schedule, and networks train with it."""

from collections.abc import Iterable

import ipywidgets as W
import numpy as np

from hpkit.charts.runs import round_up, runs_chart, shades
from hpkit.charts.spec import Axis, Chart, line, rule
from hpkit.data.datasets import Dataset
from hpkit.engine.training import Training
from hpkit.hyperparameters import SCHEDULES, Hyperparameters, check_count, check_setting
from hpkit.locale import Texts
from hpkit.panels.controls import log_knob, seeds_argument
from hpkit.panels.panel import FRAME, Panel
from hpkit.panels.parts import code_of_runs, code_of_setting, dropdown
from hpkit.text import curve_text

WORDS = Texts("panels.schedule")
_BASE = Hyperparameters(lr=0.1, momentum=0.9, epochs=10, hidden=(32,) * 4)
SECONDS = 13.0  # a watched training takes so long: time to draw its last epochs
_MOST_EPOCHS = 60  # each is a point to draw
_FINE = 10  # points per epoch of the curves that are not drawn
_COMPARED = SCHEDULES[0], "cosine"  # beside the drawn schedule


def _factors(shares):
    """Return shares of the learning rate, rounded to read well in code."""
    return tuple(np.round(shares, 3).tolist())


class SchedulePanel(Panel):
    """Draw the learning rate of every epoch; networks train with it.

    Networks with a constant rate and with cosine train beside it, from the same
    weights. What you draw while Train runs counts from the next epoch on; what is past
    stays. `runs` are constant, cosine and drawn, in this order.

    Parameters
    ----------
    setting : Hyperparameters, default that of lesson 12
        At most 60 epochs, without `patience`. Its `schedule` and `warmup` are what
        is drawn at first.
    seeds : int or iterable of int, default 3
        How many, or which.

    Examples
    --------
    >>> panel = hk.SchedulePanel(hk.load_dataset("moons"), hk.Hyperparameters(epochs=4))
    >>> panel.draw([0.1, 0.2, 0.1, 0])
    >>> panel.wait().runs.settings[-1].rates().round(2).tolist()
    [0.1, 0.2, 0.1, 0.0]
    """

    kind, words, widths = "schedule", WORDS, (1, 1)

    def __init__(
        self,
        dataset: Dataset,
        setting: Hyperparameters | None = None,
        *,
        seeds: int | Iterable[int] = 3,
        title: str | None = None,
        predict: bool = False,
    ) -> None:
        setting = check_setting(setting, default=_BASE)
        super().__init__(dataset, title, setting)
        check_count("epochs", setting.epochs, most=_MOST_EPOCHS, hint=WORDS["fewer"])
        check_count("patience", setting.patience, low=0, most=0, hint=WORDS["all"])
        self.base = setting.but(schedule=_COMPARED[0], warmup=0)
        self.seeds, self.begun, self.watched = seeds_argument(seeds), 0, False
        self.factors = _factors(setting.rates() / setting.lr)
        self.names = [*_COMPARED, WORDS["yours"]]
        self.asked = self.settings
        self.lr = log_knob("lr", dataset, setting.lr)
        shapes = [(WORDS["own"], ""), *zip(SCHEDULES, SCHEDULES, strict=True)]
        self.shape, shape_box = dropdown(shapes, WORDS["shape"])
        if setting.schedule in SCHEDULES and not setting.warmup:
            self.shape.value = setting.schedule
        self.ask(predict, WORDS["guess"], W.ToggleButtons, options=_COMPARED)
        buttons = self.buttons(train=self._watch, stop=self.stop)
        self.build(self.lr, shape_box, buttons, calls={"drawn": self.draw})
        self.on_change(self._start, self.lr)
        self.on_change(self._use_shape, self.shape)
        self.live.run_now(self._training())

    @property
    def settings(self):
        others = [self.base.but(schedule=kind) for kind in _COMPARED]
        return [*others, self.base.but(schedule=self.factors)]

    @property
    def _guess_fits(self):
        return self.settings == self.asked

    def _start(self, pause=0.0):
        self.base, self.error = self.base.but(lr=self.lr.value), None
        self.live.start(self._training(pause))

    def _watch(self):
        self._start(SECONDS / self.base.epochs)

    def _use_shape(self):
        if self.shape.value:
            shape = self.base.but(schedule=self.shape.value)
            self.factors = _factors(shape.rates() / shape.lr)
            self._start()

    def draw(self, rates: Iterable[float]) -> None:
        """Take the learning rate of each epoch and train with it."""
        drawn = _factors(np.divide(list(rates), self.base.lr))
        self.factors = (*self.factors[: self.begun], *drawn[self.begun :])
        with self.quietly():
            self.shape.value = ""
        if not self.watched:
            self._start()

    def _training(self, pause=0.0):
        """Train epoch by epoch, with `pause` seconds between them (a job)."""
        training = Training(self.dataset, self.settings, seeds=self.seeds)
        self.watched = pause > 0
        try:
            # When watched, begin with the losses before training: no old ones stay.
            for epoch in range(0 if self.watched else 1, self.base.epochs + 1):
                yield from self.live.rest(pause if epoch else 0.0)
                with self.live.lock:
                    training.change(self.settings)
                    self.begun = epoch if self.watched else 0
                for _ in training.train_in_ticks(FRAME, epoch):
                    yield False
                self.runs = self.found = training.runs
                yield
        finally:
            self.begun, self.watched = 0, False

    @property
    def _epoch(self):
        """The last epoch trained."""
        return int(self.runs.epochs_done.max())

    def _charts(self):
        epochs, colors = self.base.epochs, shades(3)
        rates = [s.rates(_FINE) for s in self.settings[:-1]]
        fine, at = np.arange(epochs * _FINE) / _FINE + 0.5, np.arange(epochs) + 1
        mine = np.multiply(self.factors, self.base.lr)
        drawn_style = {"color": colors[-1], "width": 3, "label": self.names[-1]}
        now = [self._epoch + 0.5] if self.begun else []
        marks = [  # the constant rate lies above a schedule that is not drawn yet
            line(at, mine, draw="drawn", strong=True, **drawn_style),
            line(fine, rates, color=colors[:-1], label=_COMPARED, hover=False),
            rule(now, color="gray", dash="dotted"),
        ]
        ticks = np.arange(0, epochs + 1, -(-epochs // 5))[1:]
        x = Axis(WORDS["epoch_axis"], (0.5, epochs + 0.5), ticks=ticks)
        y = Axis(WORDS["rate"], (0, round_up(max(1.2 * self.base.lr, *mine))))
        curve = curve_text(mine, [f"{WORDS['epoch_axis']} {n}" for n in at])
        rate = Chart(x, y, marks, alt=WORDS["rates_alt"].format(self.base.lr, curve))
        alt = WORDS["losses_alt"].format(self._losses("low"))
        losses = runs_chart(self.runs, "valid", self.names, alt)
        losses.x.domain = 0, epochs
        return [rate, losses]

    def _losses(self, key):
        runs, texts = self.runs, []
        lows, ends = runs.mean_val_loss, runs.val_loss.mean(1)[:, self._epoch]
        rows = zip(self.names, lows, ends, runs.diverged.sum(1), strict=True)
        for name, low, end, diverged in rows:
            facts = {"name": name, "low": low, "end": end, "out": diverged}
            text = WORDS["out" if diverged else key]
            texts.append(text.format(**facts, n=len(self.seeds)))
        return ", ".join(texts)

    def _summary(self, running):
        key = "says" if self._epoch == self.base.epochs else "halted"
        losses = self._losses("each" if key == "says" and not running else "each_now")
        facts = {"told": losses, "n": len(self.seeds), "done": self._epoch}
        return WORDS["now" if running else key].format(**facts)

    def _table(self):
        rates = np.array([s.rates() for s in self.runs.settings])[:, : self._epoch]
        table = {"epoch": np.arange(1, self._epoch + 1)}
        table |= {f"lr_{n}": r for n, r in zip(self.names, rates, strict=True)}
        losses = self.runs.val_loss.mean(1)[:, 1 : self._epoch + 1]
        return table | dict(zip(self.names, losses, strict=True))

    def _code(self):
        base, *others = self.runs.settings
        define_base = f"base = {code_of_setting(base)}"
        others = [f"base.but(schedule={setting.schedule!r})" for setting in others]
        settings, end = ["base", *others], "runs.best_val_loss.mean(1)"
        return code_of_runs(self.dataset, settings, self.seeds, end, define_base)
