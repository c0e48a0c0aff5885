"""`TrainingPanel`: choose a setting, see it train, compare it with the runs before."""

import math
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

import ipywidgets as W
import numpy as np
import pandas as pd
import torch

from hpkit import hyperparameters as hyper
from hpkit import text as txt
from hpkit.charts.runs import loss_chart, map_chart, map_pixels
from hpkit.charts.spec import PINNED, Axis, rule
from hpkit.data.datasets import Dataset
from hpkit.engine.dense import NETWORK_NAMES, Model
from hpkit.engine.model_functions import group_by_reading
from hpkit.engine.runs import Run, Runs
from hpkit.engine.training import Training, check_model
from hpkit.hyperparameters import TABLE, USUAL, Hyperparameters
from hpkit.locale import Texts, digits
from hpkit.panels.controls import GUESS_WORDS, Controls, Drawing
from hpkit.panels.panel import FRAME, Panel, values_text
from hpkit.panels.parts import code_of_run, html_widget, label_widget, named, row

WORDS = Texts("panels.training")
_EPOCH_SECONDS = 0.05  # at least, in a slow training: enough to watch
_MAP_EVERY = 0.33  # seconds between two maps of a training
_FADED = 30  # earlier runs drawn: each move sends them all, 300 are half a megabyte


class TrainingPanel(Panel):
    """Train one setting at a time and compare it with the ones before.

    `runs` are all runs of the list, `run` is the one shown.

    Parameters
    ----------
    base : Hyperparameters, default Hyperparameters()
        The first values; those without a control keep them.
    controls : sequence of str, default ("lr", "batch_size", "epochs")
        Which hyperparameters can be moved, such as "momentum" or "optimizer"; for
        "hidden" it is the width of the layers.
    model : function, optional
        As in `hpkit.train`.
    predict : bool or "draw", default False
        Let the learner draw a guess of the curve before anything is shown.

    Examples
    --------
    >>> panel = hk.TrainingPanel(hk.load_dataset("moons"))
    >>> panel.controls["lr"].slider.value = 0.1
    >>> panel.wait().run.setting.lr
    0.1
    >>> len(panel.runs)
    2
    """

    kind, words, shares = "training", WORDS, True

    def __init__(
        self,
        dataset: Dataset,
        base: Hyperparameters | None = None,
        *,
        controls: Iterable[str] = USUAL,
        title: str | None = None,
        seed: int = 0,
        model: Model | None = None,
        predict: bool | str = False,
    ) -> None:
        base = hyper.check_setting(base, "base", default=Hyperparameters())
        super().__init__(dataset, title, base)
        seed, self.model = hyper.check_seed("seed", seed), check_model(model)
        self.first, self.seed = (base, seed), seed
        self.now = None  # the run in training, as `ListedRun`
        self.pixels = self.epoch = None  # the map and its epoch
        self.map_key, self.map_time = None, 0.0  # what it shows, and when it was made
        self.scrubbing = False  # whether a job makes the map of another epoch
        self.controls = Controls(dataset, base, controls)
        network_knobs = {*NETWORK_NAMES} & {*self.controls.knobs} if model else ()
        for name in network_knobs:  # refuse one that the model does not read
            others = (base.but(**{name: value}) for value in TABLE[name].ticks)
            other = next(setting for setting in others if setting != base)
            group_by_reading(model, dataset, (base, other), 1, torch.float32)
        at = np.linspace(0, base.epochs, 11)
        axis = Axis(GUESS_WORDS["epoch"], (0, base.epochs))
        drawing = dataset, at, axis, GUESS_WORDS["lowest"], at
        self.ask(predict, WORDS["draw"], Drawing, *drawing)
        self._build()
        self.live.run_now(self._training(base, seed))

    def _build(self):
        start = self.buttons(train=self._start, stop=self.stop, reset=self.reset)
        self.list = _RunList(self, self.controls.knobs)
        self.slow = W.ToggleButton(description=WORDS["slow"], tooltip=WORDS["slow_tip"])
        pause = self.buttons(pause=self.pause)
        pause.children += (self.slow,)
        options = (WORDS["same"], False), (WORDS["new"], True)
        tips = [WORDS["same_tip"], WORDS["new_tip"]]
        self.new_seeds = W.ToggleButtons(options=options, tooltips=tips)
        seeds = row(label_widget(WORDS["seed"]), self.new_seeds, name="hp-row")
        units = [(WORDS[unit], unit) for unit in ("epochs", "updates", "seconds")]
        self.unit = named(W.ToggleButtons(options=units), WORDS["unit_tip"])
        over = [row(self.unit, name="hp-small")]
        if self.dataset.n_features == 2 and not self.dataset.is_regression:  # a map
            self.scrub = W.IntSlider(1, min=0, max=1, readout=False)
            named(self.scrub, WORDS["scrub"]).add_class("hp-slide")
            label = label_widget(WORDS["scrub"])
            over.append(row(label, self.scrub, name="hp-knob hp-scrub"))
            self.widths = (3, 2.3)
            self.on_change(self._show_epoch, self.scrub)
        self.drawers = {"runs": self.list.box, **self.drawers}
        self.build(self.controls.box, seeds, start, pause, over=over)
        self.on_change(self._draw, self.unit)
        self.on_change(self._set_follow, self.slow)
        self.on_change(self._set_seed, self.new_seeds)
        self.on_change(lambda: self._start(moved=True), *self.controls.knobs.values())

    def _start(self, *, moved=False):
        """Train; once a control has `moved`, a short training that runs ends first."""
        replace = not (moved and self.controls.quick)
        self.error = None
        self._set_follow()
        job = self._training(self.controls.setting, self.seed, wait=moved)
        self.live.start(job, replace=replace)

    def _training(self, setting, seed, *, wait=False):
        """Train a setting (a job); with `wait`, then wait a moment for a newer job."""
        training = Training(self.dataset, setting, seeds=(seed,), model=self.model)
        entry = None
        try:
            while not training.finished:
                deadline = time.perf_counter() + _EPOCH_SECONDS
                next_epoch = entry.run.epochs_done + 1 if entry else 0
                training.advance(FRAME, next_epoch if self.slow.value else math.inf)
                entry = entry or ListedRun(training.runs[0, 0])
                entry.run = training.runs[0, 0]
                self.now = entry
                yield
                if self.slow.value:
                    yield from self.live.rest(deadline - time.perf_counter())
            if wait:
                yield from self.live.rest()
        finally:
            # While a newer job waits, this run stays on the chart until that job draws:
            # else the chosen run would flash up at each move of a slider.
            with self.live.lock:
                if (entry and entry.color) or not self.live.next_job:
                    self.now = None
                    if entry:
                        self.list.add(entry.run, entry.color)
                        self._set_follow()
                        self._set_seed()

    def _set_seed(self):
        """Set the seed of the next training: a new one, or that of the run shown."""
        if self.new_seeds.value:
            self.seed += 1
        elif self.run:
            self.seed = self.run.seed

    def seconds(self, setting: Hyperparameters) -> float:
        """Return about how long a training of the setting takes, from the run shown."""
        run = self.run
        if not (run and run.epochs_done):
            return math.inf
        update = run.fit_time / run.epochs_done / self._updates(run.setting)
        epoch = update * self._updates(setting)
        return max(epoch, _EPOCH_SECONDS * self.slow.value) * setting.epochs

    def _updates(self, setting):
        """Return the number of updates in an epoch."""
        return math.ceil(len(self.dataset.train.y) / setting.batch_size)

    def _set_follow(self):
        if self.run:
            self.controls.follow(self.seconds(self.controls.setting))

    def show_setting(self) -> None:
        """Let the controls show the setting of the chosen run, unless one trains."""
        if self.list.chosen and not self.live.busy:
            with self.quietly():
                self.controls.setting = self.list.chosen.run.setting
            self._set_follow()

    def pause(self) -> None:
        """Let the training rest, or go on."""
        (self.live.resume if self.live.paused else self.live.pause)()
        if self.live.busy:
            self._draw()

    def reset(self) -> None:
        """Go back to the first values; runs that are not pinned are removed."""
        with self.quietly():
            self.list.clear()
            self.controls.setting, self.seed = self.first
            self.new_seeds.value = False
            self._start()

    @property
    def runs(self) -> Runs:
        with self.live.lock:
            runs, hint = [entry.run for entry in self.list.entries], WORDS["way"]
        return Runs.of(hyper.check_items("panel.runs", runs, hint=hint, of="Run"))

    @property
    def shown(self) -> "ListedRun | None":
        """The run in training, else the chosen one."""
        return self.now or self.list.chosen

    @property
    def run(self) -> Run | None:
        with self.live.lock:
            return self.shown and self.shown.run

    def _update(self, running):
        pinned = self.shown and self.shown.color
        self.pin_button.description = WORDS["unpin" if pinned else "pin"]
        if (run := self.run) is None:
            self.status.value = ""
            return
        paused = self.live.paused
        self.pause_button.description = WORDS["resume" if paused else "pause"]
        state = "under_way" if self.now else "ready"
        self.status.value = WORDS["paused" if paused else state].format(run=run)

    @property
    def _guess_fits(self):
        return not self.run or (self.run.setting, self.run.seed) == self.first

    def _charts(self):
        shown, guess = self.shown, self.guess and self.guess.drawn
        run = shown.run
        if guess and run.ended and not run.diverged:
            epochs = np.arange(len(run.val_loss))
            self.guess.judge(np.interp(guess[0], epochs, run.val_loss))
        others = [entry for entry in self.list.entries if entry is not shown]
        pinned = [entry for entry in others if entry.color]
        faded = [entry for entry in others if not entry.color][-_FADED:]
        # Updates can differ a hundredfold: beside pinned runs, gray ones may not fit.
        inside = others if self.unit.value == "epochs" else pinned or others
        ends = [self._per_epoch(e.run) * e.run.epochs_done for e in inside]
        if len(self.widths) > 1:
            self._update_map(run)
        at = [] if self.epoch is None else [self.epoch * self._per_epoch(run)]
        curves = loss_chart(
            run,
            pinned=[(e.run, e.color, _curve_label(e, shown, pinned)) for e in pinned],
            faded=[entry.run for entry in faded],
            faded_names=[entry.title for entry in faded],
            end=max([self._per_epoch(run) * run.setting.epochs, *ends]),
            per_epoch=self._per_epoch,
            unit="" if self.unit.value == "epochs" else WORDS[self.unit.value],
            guess=guess,
            run_label=_curve_label(shown, shown, pinned) if pinned else "",
            marks=[rule(at, color="soft", dash="dotted")],
            alt=" ".join(map(txt.run_sentence, [run, *(e.run for e in pinned)])),
        )
        if len(self.widths) == 1:
            return [curves]
        title, alt = (WORDS[name].format(self.epoch) for name in ("map", "map_alt"))
        alt += WORDS["map_right"].format(run.val_accuracy[: self.epoch + 1][-1])
        return [curves, map_chart(self.dataset, self.pixels, title=title, alt=alt)]

    def _per_epoch(self, run):
        """Return the length of an epoch of a run on the horizontal axis."""
        lengths = {"epochs": 1, "updates": self._updates(run.setting)}
        lengths["seconds"] = run.fit_time / max(run.epochs_done, 1)
        return lengths[self.unit.value]

    def _update_map(self, run):
        """Map the last weights during training, then those of the best epoch."""
        training, now = self.now is not None, time.perf_counter()
        self.scrub.disabled = training and not self.controls.quick  # it follows
        key = run, training
        early = now < self.map_time + _MAP_EVERY and not self.live.paused
        if key == self.map_key or (training and early):
            return
        self.map_key, self.map_time = key, now
        self.epoch = run.epochs_done if training else run.best_epoch
        self.pixels = map_pixels(run, "last" if training else "best")
        # The page clips a value to the range it knows, and reports the result as if it
        # had been chosen: raise the maximum before the value, lower it after.
        end = run.setting.epochs if training else max(1, run.epochs_done)
        with self.quietly():
            self.scrub.max = max(self.scrub.max, end)
            self.scrub.value = self.epoch
            self.scrub.max = end

    def _show_epoch(self):
        """Show the map of another epoch of the run shown, unless a training runs."""
        if self.run and (not self.live.busy or self.scrubbing):
            self.live.start(self._retrain(self.run, self.scrub.value), replace=False)

    def _retrain(self, run, epoch):
        """Train a run again up to an epoch (a job): same seed, same weights."""
        self.scrubbing, options = True, {"seeds": (run.seed,), "model": self.model}
        training = Training(self.dataset, run.setting, **options)
        try:
            yield from training.train_in_ticks(FRAME, epoch)
            pixels = map_pixels(training.runs[0, 0], "last")
            with self.live.lock:
                self.pixels, self.epoch = pixels, epoch
            yield
        finally:
            self.scrubbing = self.live.next_job is not None

    def _summary(self, running):
        run = self.run
        if self.now:
            key = "rest" if self.live.paused else "now"
        elif run.diverged:
            key = "diverged" if np.isfinite(run.val_loss[0]) else "began_nan"
        elif not run.ended:
            key = "cut"
        else:
            key = "early" if run.epochs_done < run.setting.epochs else "best"
        listed = dict.fromkeys(("batch_size", *self.controls.knobs))
        names = [name for name in listed if name not in ("lr", "epochs")]
        others = txt.setting_text(run.setting, names)
        facts = {"setting": WORDS["described"].format(run=run, others=others)}
        facts |= {"last": digits(run.val_loss[-1]), "best": digits(run.best_val_loss)}
        text = WORDS[key].format(**facts, run=run)
        return text if self.now else text + self._best_text() + self.list.note

    def _best_text(self):
        entries = self.list.entries
        leader = min(entries, key=lambda e: (e.run.diverged, e.run.best_val_loss))
        if len(entries) < 2 or leader.run.diverged:
            return ""
        best, shown = leader.run.best_val_loss, self.run.best_val_loss
        equal = not self.run.diverged and digits(best) == digits(shown)
        key = "self" if leader.run is self.run else "equal" if equal else "leader"
        facts = {"n": len(entries), "name": escape(leader.title), "best": digits(best)}
        return WORDS[key].format(**facts)

    def _code(self):
        return code_of_run(self.run)

    def _state(self):
        shown, pins = self.shown, []
        setting, seed = self.controls.setting, self.seed
        if shown:
            setting, seed = shown.run.setting, shown.run.seed
        for run in (e.run for e in self.list.entries if e.color and e is not shown):
            texts = values_text(run.setting, setting)
            if run.seed != seed:
                texts["seed"] = str(run.seed)
            pins.append(",".join(f"{name}:{text}" for name, text in texts.items()))
        extra = {"seed": str(seed) if seed else "", "pin": ";".join(pins)}
        return setting, extra | self.controls.line()

    def _table(self):
        return self.runs.history() if self.list.entries else {}

    def _rows_below(self):
        """Return a row for each run, with what its curves have at its best epoch."""
        varied = hyper.varied([entry.run.setting for entry in self.list.entries])
        names = dict.fromkeys((*self.controls.knobs, *varied))
        rows = []
        for entry in self.list.entries:
            run = entry.run
            values = {f"param_{n}": getattr(run.setting, n, None) for n in names}
            cells = {"run": entry.name or str(entry.number), **values}
            cells |= {"seed": run.seed, "best_epoch": run.best_epoch}
            cells |= {n: curve[run.best_epoch] for n, curve in run._curves.items()}
            rows.append(cells | {"diverged": run.diverged, "fit_time": run.fit_time})
        return pd.DataFrame(rows)


@dataclass
class ListedRun:
    """A run of the list."""

    run: Run
    number: int = 0
    name: str = ""
    color: str | None = None  # pinned in this color

    @property
    def title(self):
        return WORDS["named" if self.name else "run"].format(self.name or self.number)


def _curve_label(entry, shown, pinned):
    """Return the label of a curve: its run's name, else how it differs from others."""
    if entry.name:  # the list has the full name
        return hyper.cut_middle(entry.name, 14)
    runs = [e.run for e in (shown, *pinned)]
    names, seed = hyper.varied([r.setting for r in runs]), entry.run.seed
    text = txt.short_text(entry.run.setting, names) if names else ""
    if names and all(r.seed == seed for r in runs if r.setting == entry.run.setting):
        return text
    return ", ".join(filter(None, [text, WORDS["of_seed"].format(seed)]))


class _RunList:
    """Runs in the order in which they were trained; one of them is chosen."""

    # It calls the panel's `_draw` after a change, and `show_setting` when another run
    # is chosen. `columns` are the hyperparameters shown. `note` is a sentence if the
    # newest run repeats an earlier one.

    def __init__(self, panel, columns):
        self.panel, self.columns = panel, tuple(columns)
        self.entries, self.chosen, self.note = [], None, ""
        self._named = None, 0.0  # the run that naming pinned, and when
        self.list = named(W.Select(options=[]), WORDS["list_tip"])
        self.list.add_class("hp-mono").add_class("hp-list")
        self.heads = html_widget("")  # column headings, as large as the lines
        name = W.Text(placeholder=WORDS["name"], continuous_update=False)
        self.name = named(name, WORDS["name"])
        buttons = panel.buttons(pin=lambda: self.pin(panel.shown), remove=self.remove)
        side = W.VBox([self.name, buttons]).add_class("hp-side")
        self.box = W.HBox([W.VBox([self.heads, self.list]).add_class("hp-grow"), side])
        panel.on_change(lambda: self._choose(self.entries[self.list.index]), self.list)
        panel.on_change(self._rename, self.name)

    def add(self, run, color=None):
        """Add a run and choose it; it replaces one that it repeats in full."""
        # One with the same setting and seed that has more epochs stays.
        key = (run.setting, run.seed)
        same = [e for e in self.entries if (e.run.setting, e.run.seed) == key]
        same.sort(key=lambda entry: entry.run.epochs_done)
        repeated = [e for e in same if e.run.epochs_done <= run.epochs_done]
        again = same and np.array_equal(same[-1].run.val_loss, run.val_loss)
        self.note = WORDS["again"] if again else ""
        if repeated:
            self.chosen = repeated[-1]
            self.chosen.run = run
        else:
            numbers = (entry.number for entry in self.entries)
            self.chosen = ListedRun(run, 1 + max(numbers, default=0))
            self.entries.append(self.chosen)
        self.chosen.color = self.chosen.color or color
        self.show()

    def pin(self, entry):
        """Pin a run, or unpin it; colors are shared once there are more pins."""
        self.note = ""
        # A click on Pin leaves the box for the name first, which pins the run already.
        named, when = self._named
        if entry and entry is named and entry.color and time.monotonic() - when < 1:
            return
        if entry:
            entry.color = None if entry.color else self._free_color()
        self._redraw()

    def _free_color(self):
        entries = [*self.entries, *filter(None, [self.panel.now])]
        return min(PINNED, key=[entry.color for entry in entries].count)

    def pin_beside(self, runs):
        """Add pinned runs; the chosen run stays chosen."""
        with self.panel.live.lock:
            chosen = self.chosen
            for run in runs:
                self.add(run, self._free_color())
            self._choose(chosen)

    def remove(self):
        if self.chosen in self.entries:
            self.entries.remove(self.chosen)
        self._choose(self.entries[-1] if self.entries else None)

    def clear(self):
        """Remove all that is not pinned."""
        self.entries = [entry for entry in self.entries if entry.color]
        self.chosen, self.note = None, ""
        self.show()

    def show(self):
        """Show the runs as rows of text below their headings, and the chosen one."""
        (first, *last), chosen = WORDS["run_columns"], self.chosen
        heads = [first, *(TABLE[name].short for name in self.columns), *last]
        rows = [heads, *map(self._cells, self.entries)]
        top, *lines = txt.text_lines(rows, right=True)
        # Browsers draw Korean letters narrower: each heading gets a fixed width.
        heads = re.findall(r" *\S+(?: \S+)*", top)
        span = "<span style='width:{}ch'>{}</span>".format
        top = "".join(span(txt.display_width(head), escape(head)) for head in heads)
        lines = tuple(line.replace(" ", "\u00a0") for line in lines)  # else collapsed
        with self.panel.quietly():
            self.heads.value = f"<pre class='hp-mono'>{top}</pre>"
            self.list.options = lines  # equal ones change nothing
            listed = chosen in self.entries
            self.list.index = self.entries.index(chosen) if listed else None
            self.name.value = chosen.name if chosen else ""

    def _cells(self, entry):
        run, setting = entry.run, entry.run.setting
        values = {n: txt.value_text(getattr(setting, n)) for n in self.columns}
        if "epochs" in values and run.epochs_done < run.setting.epochs:
            values["epochs"] = f"{run.epochs_done}/{run.setting.epochs}"
        best = [digits(run.best_val_loss), str(run.best_epoch)]
        result = [WORDS["out"], ""] if run.diverged else best
        number = f"{'●' if entry.color else ' '} {entry.number}"
        name = hyper.cut_middle(entry.name, 24)  # else the buttons move away
        return [number, *values.values(), str(run.seed), *result, name]

    def _choose(self, entry):
        self.chosen, self.note = entry, ""
        self.panel.show_setting()
        self._redraw()

    def _rename(self):
        if self.chosen:
            self.chosen.name = self.name.value.strip()
            if self.chosen.name and not self.chosen.color:
                self.pin(self.chosen)
                self._named = self.chosen, time.monotonic()
            self._redraw()

    def _redraw(self):
        self.show()
        self.panel._draw()
