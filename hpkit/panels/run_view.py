"""What a `TrainingPanel` shows of its runs: charts, a list, some side by side."""

import math
import time
from dataclasses import dataclass
from html import escape

import ipywidgets as W
import numpy as np

from hpkit.charts.runs import has_map, loss_chart, map_chart, map_pixels, thumbnail
from hpkit.charts.spec import PINNED, rule
from hpkit.charts.still import uri
from hpkit.engine.runs import Run
from hpkit.engine.training import train
from hpkit.hyperparameters import TABLE, told, varied
from hpkit.locale import Texts
from hpkit.panels.controls import aligned, list_widget
from hpkit.panels.live import FRAME
from hpkit.panels.parts import button, buttons, head_of, named, row, say, toggles
from hpkit.text import html_table, run_sentence, short, shown

WORDS = Texts("panels.run_view")
MAP_EVERY = 0.33  # seconds between two maps of a training
MAPS = 3  # that fit beside the table


def updates_per_epoch(dataset, setting):
    return math.ceil(len(dataset.train.y) / setting.batch_size)


@dataclass
class Kept:
    """A run of the list."""

    run: Run
    number: int
    name: str = ""
    color: str | None = None  # pinned in this color

    @property
    def label(self):
        """What stands at the end of its curve."""
        return self.name or str(self.number)

    @property
    def called(self):
        """What it is called in a sentence."""
        return WORDS["named" if self.name else "run"].format(self.label)


class RunView:
    """Charts of a `TrainingPanel`: the curves over epochs, updates or seconds."""

    # For two-dimensional data also the map of what the network says, with a slider back
    # through the epochs; the panel's thread trains what it asks for.

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

    def pictures(self, strong, kept, training, guess):
        """Return the charts of a run and of others, all of them `Kept`."""
        # `training` is "now", "rest" (paused) or False, `guess` a curve that was drawn.
        run = self.shown = strong.run
        if len(self.widths) > 1:
            self._map_of(run, training)
        rest = [k for k in kept if k is not strong]
        pinned = [k for k in rest if k.color]
        at = [] if self.epoch is None else [self.epoch * self._per_epoch(run)]
        ends = [self._per_epoch(k.run) * k.run.epochs_done for k in rest]
        curves = loss_chart(
            run,
            pinned=[(k.run, k.color, _told_apart(k, strong, pinned)) for k in pinned],
            faded=[k.run for k in rest if not k.color],
            end=max([self._per_epoch(run) * run.setting.epochs, *ends]),
            per_epoch=self._per_epoch,
            unit="" if self.unit.value == "epochs" else WORDS[self.unit.value],
            guess=guess,
            marks=[rule(at, color="ink", dash="dotted")],
            alt=run_sentence(run),
        )
        if len(self.widths) == 1:
            return [curves]
        title, alt = (WORDS[n].format(self.epoch or 0) for n in ("map", "map_alt"))
        return [curves, map_chart(self.dataset, self.pixels, title=title, alt=alt)]

    def _per_epoch(self, run):
        if self.unit.value == "updates":
            return updates_per_epoch(self.dataset, run.setting)
        if self.unit.value == "seconds":
            return run.fit_time / max(run.epochs_done, 1)
        return 1

    def _map_of(self, run, training):
        """Take the map: while training the last weights, then those of the best."""
        before, at = self.mapped
        key, now = (id(run), bool(training)), time.perf_counter()
        if before == key or (training == "now" and now - at < MAP_EVERY):
            return
        self.mapped = key, now
        self.epoch = run.epochs_done if training else run.best_epoch
        self.pixels = map_pixels(run, "last" if training else "best")
        with self.panel.quietly(), self.scrub.hold_sync():  # one message
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


def _told_apart(kept, strong, pinned):
    """Return a pinned run's label: its name, else what tells it from the others."""
    if kept.name:
        return kept.name
    runs = [strong.run, *(k.run for k in pinned)]
    if names := varied([run.setting for run in runs]):
        return short(kept.run.setting, names)
    seeds = len({run.seed for run in runs})
    return WORDS["of_seed"].format(kept.run.seed) if seeds > 1 else kept.label


class RunList:
    """Runs in the order in which they were trained; one of them is chosen."""

    # The panel's `_draw` is called after a change, its `show_setting` when another run
    # is chosen; `columns` are the hyperparameters shown. `note` says what happened to
    # an earlier run of the newest setting.

    def __init__(self, panel, columns):
        self.panel, self.columns = panel, tuple(columns)
        self.kept, self.chosen, self.note = [], None, ""
        self.list, self.heads, rows = list_widget(WORDS["runs_tip"])
        self.name = named(W.Text(placeholder=WORDS["name"]), WORDS["name"])
        self.name.layout.width = "176px"
        self.pin_button = button(WORDS["pin"], WORDS["pin_tip"])
        self.remove_button = button(WORDS["remove"], WORDS["remove_tip"])
        look = W.Layout(width="190px", margin="18px 0 0 10px")
        pair = buttons(self.pin_button, self.remove_button)
        side = W.VBox([self.name, pair], layout=look)
        self.box = W.HBox([rows.add_class("hp-grow"), side])
        panel.on_change(self.list, self._choose)
        panel.on_change(self.name, self._rename)
        panel.on_click(self.pin_button, lambda: self.pin(self.chosen))
        panel.on_click(self.remove_button, self.remove)

    def add(self, run):
        """Add a run and choose it; it replaces one that it repeats in full."""
        # One of the same setting and seed that went further stays.
        key = (run.setting, run.seed)
        same = [k for k in self.kept if (k.run.setting, k.run.seed) == key]
        same.sort(key=lambda k: k.run.epochs_done)
        repeated = [k for k in same if k.run.epochs_done <= run.epochs_done]
        self.note = ""
        if len(repeated) < len(same):
            self.note = WORDS["further"].format(escape(same[-1].called))
        elif same and np.array_equal(same[-1].run.val_loss, run.val_loss):
            self.note = WORDS["again"]
        if repeated:
            self.chosen = repeated[-1]
            self.chosen.run = run
        else:
            number = 1 + max((k.number for k in self.kept), default=0)
            self.chosen = Kept(run, number)
            self.kept.append(self.chosen)
        self.show()

    def pin(self, kept):
        """Pin a run, or let it go; the oldest pin makes room when colors run out."""
        if kept is None:
            return
        if kept.color:
            kept.color = None
        else:
            pins = [k for k in self.kept if k.color]
            if len(pins) == len(PINNED):
                pins[0].color = None
            free = {k.color for k in self.kept}
            kept.color = next(c for c in PINNED if c not in free)
        self._changed()

    def remove(self):
        """Take the chosen run off the list."""
        if self.chosen in self.kept:
            self.kept.remove(self.chosen)
        self.chosen, self.note = self.kept[-1] if self.kept else None, ""
        self.panel.show_setting()
        self._changed()

    def clear(self):
        """Remove all that is not pinned."""
        self.kept = [k for k in self.kept if k.color]
        self.chosen, self.note = None, ""
        self.show()

    def show(self):
        """Show the runs as rows of text, and the chosen one."""
        rows = [self._cells(k) for k in self.kept]
        heads, lines = aligned(WORDS["run_columns"], self.columns, rows)
        numbers, chosen = [k.number for k in self.kept], self.chosen
        with self.panel.quietly():
            self.heads.value = heads
            self.list.options = list(zip(lines, numbers, strict=True))
            self.list.index = self.kept.index(chosen) if chosen in self.kept else None
            self.name.value = chosen.name if chosen else ""
        name = "unpin" if chosen and chosen.color else "pin"
        self.pin_button.description = WORDS[name]

    def _cells(self, kept):
        run = kept.run
        values = {name: shown(getattr(run.setting, name)) for name in self.columns}
        if "epochs" in values and run.epochs_done < run.setting.epochs:
            values["epochs"] = f"{run.epochs_done}/{run.setting.epochs}"
        end = [f"{run.best_val_loss:.4f}", str(run.best_epoch)]
        end = [WORDS["out"], ""] if run.diverged else end
        number = f"{'●' if kept.color else ' '} {kept.number}"
        return [number, *values.values(), str(run.seed), *end, kept.name]

    def _choose(self):
        self.chosen = next(k for k in self.kept if k.number == self.list.value)
        self.note = ""
        self.panel.show_setting()
        self._changed()

    def _rename(self):
        """Give the chosen run a name; a named run is pinned."""
        if self.chosen:
            self.chosen.name = self.name.value.strip()
            if self.chosen.name and not self.chosen.color:
                self.pin(self.chosen)
            self._changed()

    def _changed(self):
        self.show()
        self.panel._draw()


def compared(kept):
    """Return runs side by side as HTML; hyperparameters only where they differ."""
    if len(kept) < 2:
        return f"<p>{WORDS['few']}</p>"
    runs = [k.run for k in kept]
    rows, same, differ = [], [], []
    for name in told(*(run.setting for run in runs)):
        values = [shown(getattr(run.setting, name, None)) for run in runs]
        if len(set(values)) > 1:
            differ.append(name)
            rows.append((TABLE[name].knob, *values))
        else:
            same.append(f"{TABLE[name].knob} {values[0]}")
    seeds = [str(run.seed) for run in runs]
    if len(set(seeds)) > 1:
        rows.append((WORDS["seed"], *seeds))
    else:
        same.append(f"{WORDS['seed']} {seeds[0]}")
    ends = [WORDS["out"] if r.diverged else f"{r.best_val_loss:.4f}" for r in runs]
    rows += [
        (WORDS["lowest"], *ends),
        (WORDS["at"], *(r.best_epoch for r in runs)),
        (WORDS["train"], *(f"{r.train_loss[r.best_epoch]:.4f}" for r in runs)),
    ]
    if runs[0].val_accuracy is not None:
        shares = (f"{r.val_accuracy[r.best_epoch]:.1%}" for r in runs)
        rows.append((WORDS["accuracy"], *shares))
    rows.append((WORDS["seconds"], *(f"{r.fit_time:.2g}" for r in runs)))
    heads = ["", *(WORDS["run"].format(k.label) for k in kept)]
    text = f"<div>{html_table(heads, rows, row_heads=True)}</div>"
    if has_map(runs[0].dataset) and all(r.weights is not None for r in runs):
        text += "".join(_pictured(k, differ) for k in kept[:MAPS])
    same = WORDS["same"].format(", ".join(same))
    return f"<div class='hp-beside'>{text}</div><p>{same}</p>"


def _pictured(kept, differ):
    """Return the map of a run, named by the hyperparameters in which it differs."""
    # The table beside it has their values: below the map stands the run alone.
    run = WORDS["run"].format(kept.label)
    differ = [f"{TABLE[n].knob} {shown(getattr(kept.run.setting, n))}" for n in differ]
    words = escape(", ".join([run, *differ]), quote=True)
    picture = f'<img alt="{words}" src="{uri(thumbnail(kept.run))}">'
    return f"<figure>{picture}<figcaption>{escape(run)}</figcaption></figure>"
