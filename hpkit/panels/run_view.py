"""`RunView`: a run beside others, over epochs, updates or seconds, and in words.

For two-dimensional data also the map of what the network says, with a slider back
through the epochs.
"""

import math
import time
from html import escape
from math import isclose

import ipywidgets as W

from hpkit.charts.decision import has_map, map_chart, map_pixels
from hpkit.charts.loss import loss_chart
from hpkit.engine.training import train
from hpkit.locale import Texts
from hpkit.panels.live import FRAME
from hpkit.panels.parts import named, row, say
from hpkit.plots.words import describe, varied
from hpkit.text import label, short

WORDS = Texts("panels.run_view")
MAP_EVERY = 0.33  # seconds between two maps of a training


def updates_per_epoch(dataset, setting):
    """Return how often the weights are updated in an epoch."""
    return math.ceil(len(dataset.train.y) / setting.batch_size)


def told_apart(kept, strong, pinned):
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
        self.shown = self.pixels = self.epoch = None
        self.mapped, self.scrubbing = (None, 0.0), False
        self.unit = W.ToggleButtons(
            options=[(WORDS[u], u) for u in ("epochs", "updates", "seconds")],
            tooltips=[WORDS["unit_tip"]] * 3,
        )
        self.unit.style.button_width = "auto"
        panel.on_change(self.unit, panel._draw)
        self.over = [row(self.unit, name="hp-small")]
        self.widths = (1,)
        if has_map(self.dataset):
            self.scrub = W.IntSlider(1, min=0, max=1, readout=False)
            named(self.scrub, WORDS["scrub"]).add_class("hp-slide")
            name = say(f"<span class='hp-name'>{WORDS['scrub']}</span>")
            panel.on_change(self.scrub, self._scrubbed)
            self.over.append(row(name, self.scrub, name="hp-knob hp-scrub"))
            self.widths = (3, 2.3)

    def pictures(self, strong, pinned, faded, *, training, paused=False, guess=None):
        """Return the charts of a run and of others; `strong` and others are `Kept`."""
        run = self.shown = strong.run
        if len(self.widths) > 1:
            self._map_of(run, training, paused)
        every = [run, *(k.run for k in (*pinned, *faded))]
        ends = [self._per_epoch(r) * r.epochs_done for r in every[1:]]
        at = None if self.epoch is None else self.epoch * self._per_epoch(run)
        unit = self.unit.value
        curves = loss_chart(
            run,
            pinned=[(k.run, k.color, told_apart(k, strong, pinned)) for k in pinned],
            faded=[k.run for k in faded],
            end=max([self._per_epoch(run) * run.setting.epochs, *ends]),
            per_epoch=self._per_epoch,
            unit=WORDS["epoch" if unit == "epochs" else unit],
            guess=guess,
            at=at,
            alt=describe(run),
        )
        if len(self.widths) == 1:
            return [curves]
        epoch = self.epoch or 0
        title, alt = (WORDS[name].format(epoch) for name in ("map", "map_alt"))
        return [curves, map_chart(self.dataset, self.pixels, title=title, alt=alt)]

    def _per_epoch(self, run):
        """Return how much an epoch of a run is on the axis."""
        if self.unit.value == "updates":
            return updates_per_epoch(self.dataset, run.setting)
        if self.unit.value == "seconds":
            return run.fit_time / max(run.epochs_done, 1)
        return 1

    def _map_of(self, run, training, paused):
        """Take the map: while training the last weights, then those of the best."""
        before, at = self.mapped
        key, now = (id(run), training), time.perf_counter()
        soon = training and not paused and now - at < MAP_EVERY
        if before == key or soon:
            return
        self.mapped = key, now
        self.epoch = run.epochs_done if training else run.best_epoch
        self.pixels = map_pixels(run, "last" if training else "best")
        with self.panel.quietly():
            self.scrub.max = max(1, run.epochs_done)
            self.scrub.value = self.epoch

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
                self.pixels, self.epoch = map_pixels(again, "last"), epoch
            yield
        finally:
            self.scrubbing = self.panel.live.asked


# ---- in words ----------------------------------------------------------------------


def told(strong, kept, names, training):
    """Return the result of a run in words (HTML).

    Parameters
    ----------
    strong : Kept or None
        The run that is shown.
    kept : sequence of Kept
        All runs of the list, to name the best of them.
    names : sequence of str
        The hyperparameters to name beside lr and batch size.
    training : "now", "rest" or None
        Whether it is under way or paused.

    Returns
    -------
    str
    """
    if strong is None:
        return WORDS["none"]
    run = strong.run
    facts = {
        "done": run.epochs_done, "epochs": run.setting.epochs,
        "last": digits(run.val_loss[-1]), "best": digits(run.best_val_loss),
        "at": run.best_epoch,
    }  # fmt: skip
    kind = "best" if run.epochs_done == run.setting.epochs else "stopped"
    kind = training or ("diverged" if run.diverged else kind)
    text = WORDS[kind].format(**facts)
    text += WORDS["with"].format(setting=described(run, names))
    if len(kept) > 1:
        text += _best(strong, kept)
    return text


def _best(strong, kept):
    """Return which run of the list is the best, or which are, in words."""
    lowest = min(kept, key=lambda k: (k.run.diverged, k.run.best_val_loss))
    best = lowest.run.best_val_loss
    equal = [k for k in kept if isclose(k.run.best_val_loss, best, rel_tol=1e-5)]
    names = [escape(k.called) for k in equal if k is not strong]
    line = "leader" if strong not in equal else "shared" if names else "self"
    facts = {"n": len(kept), "names": WORDS["and"].join(names), "best": digits(best)}
    return WORDS[line].format(**facts)


def digits(loss):
    """Return a loss in three digits: 0.110 stands beside 0.111."""
    return f"{loss:#.3g}".rstrip(".")


def described(run, names):
    """Return the setting of a run in words, its epochs left out."""
    names = [n for n in dict.fromkeys(("lr", "batch_size", *names)) if n != "epochs"]
    lr, others = f"lr {run.setting.lr:g}", label(run.setting, names[1:])
    return f"{lr}, {others}, seed {run.seed}"
