"""`RunView`: a run shown beside others, over epochs, updates or seconds.

For two-dimensional data also the map of what the network says, with a slider back
through the epochs.
"""

import math
import time

import ipywidgets as W

from hpkit.engine.training import train
from hpkit.panels.charts import LossChart
from hpkit.panels.figures import lines, set_all
from hpkit.panels.live import FRAME
from hpkit.panels.maps import MapChart, has_map
from hpkit.panels.parts import row, say
from hpkit.plots.words import short, varied

WORDS = {
    "epochs": "epochs",
    "updates": "updates",
    "seconds": "seconds",
    "unit_tip": "What the horizontal axis counts",
    "map": "the network at epoch {}",
    "scrub": "Epoch of the map",
    "seed": "seed {}",
}
MAP_EVERY = 0.33  # seconds between two maps of a training


def updates_per_epoch(dataset, setting):
    """Return how often the weights are updated in an epoch."""
    return math.ceil(len(dataset.train.y) / setting.batch_size)


def beside(kept, strong, pinned):
    """Return a pinned run's label: its name, else what tells it from the others."""
    if kept.name:
        return kept.name
    runs = [strong.run, *(k.run for k in pinned)]
    if names := varied([run.setting for run in runs]):
        return short(kept.run.setting, names)
    seeds = len({run.seed for run in runs})
    return WORDS["seed"].format(kept.run.seed) if seeds > 1 else kept.label


class RunView:
    """Charts of a `TrainingPanel`.

    Parameters
    ----------
    panel : Panel
        Its lock guards the state, its thread trains what the slider asks for.
    model : function or None
    """

    def __init__(self, panel, model):
        self.panel, self.dataset, self.model = panel, panel.dataset, model
        self.chart, self.map, self.shown = LossChart(), None, None
        self.mapped, self.scrubbing = (None, 0.0), False
        self.unit = W.ToggleButtons(
            options=[(WORDS[u], u) for u in ("epochs", "updates", "seconds")],
            tooltips=[WORDS["unit_tip"]] * 3,
        )
        self.unit.style.button_width = "auto"
        panel.on_change(self.unit, panel._draw)
        keys = say(self.chart.legend, "hp-muted", "hp-legend")
        over = W.VBox([keys, self.chart.figure])
        self.charts = [(row(self.unit, name="hp-small"), over, 3)]
        self.figures = [self.chart.figure]
        if has_map(self.dataset):
            self.map, self.map_title = MapChart(self.dataset), say("", "hp-muted")
            self.scrub = W.IntSlider(1, min=0, max=1, tooltip=WORDS["scrub"])
            self.scrub.readout = False
            self.scrub.add_class("hp-slide")
            panel.on_change(self.scrub, self._scrubbed)
            scales = self.chart.val.scales
            self.cursor = lines(scales, "ink", stroke_width=1.5, line_style="dotted")
            self.chart.figure.marks = [*self.chart.figure.marks, self.cursor]
            over = W.VBox([self.map_title, self.scrub])
            self.charts.append((over, self.map.figure, 2.3))
            self.figures.append(self.map.figure)

    def show(self, strong, pinned, faded, *, training, paused=False):
        """Show a run strongly, others beside it; `strong` and others are `Kept`."""
        run = self.shown = strong.run
        every = [run, *(k.run for k in (*pinned, *faded))]
        ends = [self._per_epoch(r) * r.epochs_done for r in every[1:]]
        end = max([self._per_epoch(run) * run.setting.epochs, *ends])
        self.chart.show(
            run, pinned=[(k.run, k.color, beside(k, strong, pinned)) for k in pinned],
            faded=[k.run for k in faded], end=end, per_epoch=self._per_epoch,
            label=WORDS[self.unit.value],
        )  # fmt: skip
        if self.map:
            self._show_map(run, training, paused)

    def _per_epoch(self, run):
        """Return how much an epoch of a run is on the axis."""
        if self.unit.value == "updates":
            return updates_per_epoch(self.dataset, run.setting)
        if self.unit.value == "seconds":
            return run.fit_time / max(run.epochs_done, 1)
        return 1

    def _show_map(self, run, training, paused):
        """Show the map: while training the last weights, then those of the best."""
        before, at = self.mapped
        key, now = (id(run), training), time.perf_counter()
        soon = training and not paused and now - at < MAP_EVERY
        if before == key or soon:
            return
        if run.weights is None:  # read from a file: the map needs training again
            self.mapped = key, now
            self.panel.live.start(self._back(run, run.best_epoch), replace=False)
            return
        epoch = run.epochs_done if training else run.best_epoch
        self._draw_map(run, "last" if training else "best", epoch)
        self.mapped = key, now
        with self.panel.quietly():
            self.scrub.max = max(1, run.epochs_done)
            self.scrub.value = epoch

    def _draw_map(self, run, which, epoch):
        """Show the map and where on the curve it is."""
        self.map.show(run, which)
        self.map_title.value = WORDS["map"].format(epoch)
        at = float(epoch * self._per_epoch(self.shown))
        top = self.chart.figure.axes[1].scale.max
        set_all(self.cursor, x=[at, at], y=[0.0, top])

    def _scrubbed(self):
        """Show the map of another epoch of the run shown, unless a training runs."""
        if not self.panel.live.busy or self.scrubbing:
            job = self._back(self.shown, self.scrub.value)
            self.panel.live.start(job, replace=False)

    def _back(self, run, epoch):
        """Train a run again up to an epoch (a job): same seed, same weights."""
        self.scrubbing = True
        setting = run.setting.but(epochs=max(1, epoch))
        if epoch == 0:  # the weights before any training: steps of nothing
            setting = setting.but(lr=1e-12)
        runs = train(
            self.dataset, setting, seeds=(run.seed,), model=self.model, tick=FRAME
        )
        try:
            for found in runs:
                again = found[0, 0]
                yield False
            with self.panel.live.lock:
                self._draw_map(again, "last", epoch)
        finally:
            self.scrubbing = self.panel.live.asked
