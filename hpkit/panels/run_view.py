"""One run: its training as a live job, its charts beside others, and in words."""

import math
import time
from html import escape
from math import isclose

import ipywidgets as W

from hpkit.charts.decision import has_map, map_chart, map_pixels
from hpkit.charts.loss import loss_chart
from hpkit.charts.spec import rule
from hpkit.engine.training import Training, train
from hpkit.locale import Texts
from hpkit.panels.lists import Kept
from hpkit.panels.live import FRAME
from hpkit.panels.parts import head_of, named, row, say, toggles
from hpkit.plots.words import describe, varied
from hpkit.text import label, short

WORDS = Texts("panels.run_view")
REST = 0.4  # seconds without a move after which a run counts as chosen
PACE = 0.05  # seconds an epoch takes at least in a slow training: enough to watch
MAP_EVERY = 0.33  # seconds between two maps of a training


def updates_per_epoch(dataset, setting):
    """Return how often the weights are updated in an epoch."""
    return math.ceil(len(dataset.train.y) / setting.batch_size)


class OneRun:
    """What a `TrainingPanel` trains at the moment; `live` works through the jobs.

    `keep(run)` is called with each run that was trained for an epoch or more. `now` is
    the one in training (a `Kept`), `rest_at` the epoch at which it is to rest,
    `unbegun` whether the last one was stopped before its first epoch.
    """

    def __init__(self, dataset, model, live, keep):
        self.dataset, self.model, self.live, self.keep = dataset, model, live, keep
        self.now = self.rest_at = self.halted = None
        self.slow, self.unbegun, self.per_update = False, False, 0.0

    def job(self, setting, seed, *, wait=False, rest_at=None, halted=None):
        """Return the job that trains one setting, or goes on with one that `halted`.

        With `wait` it ends only after a moment in which no newer job came.
        """
        self.rest_at = rest_at
        return self._job(setting, seed, wait, halted)

    def _job(self, setting, seed, wait, training):
        if training is None:
            more = {"seeds": (seed,), "model": self.model}
            training = Training(self.dataset, setting, **more)
        self.halted, self.unbegun, run = None, False, None
        try:
            while not training.finished:
                due = time.perf_counter() + PACE
                rest_at = self.rest_at or math.inf
                if self.slow:
                    rest_at = min(rest_at, run.epochs_done + 1 if run else 0)
                training.advance(FRAME, pause=rest_at)
                run = training.runs[0, 0]
                self.now = Kept(run, 0)
                if self.rest_at and run.epochs_done >= self.rest_at:
                    self.rest_at = None
                    self.live.pause()
                yield
                while self.slow and time.perf_counter() < due:
                    time.sleep(0.01)
                    yield False
            until = time.perf_counter() + REST
            while wait and time.perf_counter() < until and not self.live.asked:
                time.sleep(0.02)
                yield False
        finally:
            with self.live.lock:
                self._end(training, run)

    def _end(self, training, run):
        """Write down what there is, unless a newer job waits.

        Then the run stays on the chart until the newer one has something to show: the
        chosen one would flash up between any two places of a slider.
        """
        if self.live.asked:
            return
        self.now = None
        if run is None:
            return
        self.halted = None if training.finished else training
        self.unbegun = not run.epochs_done
        if not self.unbegun:
            updates = updates_per_epoch(self.dataset, run.setting)
            self.per_update = run.fit_time / (run.epochs_done * updates)
            self.keep(run)

    def to_go_on(self, setting, seed):
        """Return the training that was stopped, if it is of that setting and seed."""
        if self.halted is None:
            return None
        run = self.halted.runs[0, 0]
        return self.halted if (run.setting, run.seed) == (setting, seed) else None

    def seconds(self, setting):
        """Return about how long a training of the setting takes, from the last one."""
        each = self.per_update * updates_per_epoch(self.dataset, setting)
        return max(each, PACE * self.slow) * setting.epochs


# ---- the charts -------------------------------------------------------------------


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
    """Charts of a `TrainingPanel`: the curves over epochs, updates or seconds.

    For two-dimensional data also the map of what the network says, with a slider back
    through the epochs; the panel's thread trains what it asks for.
    """

    def __init__(self, panel, model):
        self.panel, self.dataset, self.model = panel, panel.dataset, model
        self.shown = self.pixels = self.epoch = None
        self.mapped, self.scrubbing = (None, 0.0), False
        units = [(WORDS[unit], unit) for unit in ("epochs", "updates", "seconds")]
        self.unit = toggles(units, [WORDS["unit_tip"]] * 3)
        panel.on_change(self.unit, panel._draw)
        self.over = [row(self.unit, name="hp-small")]
        self.widths = (1,)
        if has_map(self.dataset):
            self.scrub = W.IntSlider(1, min=0, max=1, readout=False)
            named(self.scrub, WORDS["scrub"]).add_class("hp-slide")
            name = say(head_of(WORDS["scrub"]))
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
        curves = loss_chart(
            run,
            pinned=[(k.run, k.color, told_apart(k, strong, pinned)) for k in pinned],
            faded=[k.run for k in faded],
            end=max([self._per_epoch(run) * run.setting.epochs, *ends]),
            per_epoch=self._per_epoch,
            unit="" if self.unit.value == "epochs" else WORDS[self.unit.value],
            guess=guess,
            marks=[rule([] if at is None else [at], color="ink", dash="dotted")],
            alt=describe(run),
        )
        if len(self.widths) == 1:
            return [curves]
        epoch = self.epoch or 0
        title, alt = (WORDS[name].format(epoch) for name in ("map", "map_alt"))
        return [curves, map_chart(self.dataset, self.pixels, title=title, alt=alt)]

    def _per_epoch(self, run):
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
        more = {"seeds": (run.seed,), "model": self.model, "tick": FRAME}
        try:
            for found in train(self.dataset, setting, **more):
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

    `strong` is the run shown; `kept` are all of the list, to name the best of them;
    `names` the hyperparameters to name; `training` is "now", "rest" (paused) or None.
    """
    if strong is None:
        return WORDS["none"]
    run = strong.run
    done, epochs = run.epochs_done, run.setting.epochs
    facts = {"done": done, "epochs": epochs, "last": digits(run.val_loss[-1])}
    facts |= {"best": digits(run.best_val_loss), "at": run.best_epoch}
    kind = "diverged" if run.diverged else "best" if done == epochs else "stopped"
    text = WORDS[training or kind].format(**facts, setting=described(run, names))
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
    facts = {"others": label(run.setting, names[1:]), "seed": run.seed}
    return WORDS["described"].format(lr=f"{run.setting.lr:g}", **facts)
