"""`TrainingPanel`: choose a setting, see it train, compare it with the runs before."""

import math
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

import ipywidgets as W
import numpy as np
import torch

from hpkit import hyperparameters as hyper
from hpkit import text as txt
from hpkit.charts.runs import loss_chart, map_chart, map_pixels
from hpkit.charts.spec import PINNED, Axis, rule
from hpkit.data.datasets import Dataset
from hpkit.engine.dense import NETWORK_NAMES, Model
from hpkit.engine.model_functions import group_by_reading
from hpkit.engine.runs import CURVES, Run, Runs
from hpkit.engine.training import Training, check_model
from hpkit.hyperparameters import TABLE, Hyperparameters
from hpkit.locale import Texts, digits
from hpkit.panels import controls as c
from hpkit.panels import parts
from hpkit.panels.panel import FRAME, Panel, values_text

WORDS = Texts("panels.training")
_EPOCH_SECONDS = 0.05  # at least, in a slow training: enough to watch
_MAP_EVERY = 0.33  # seconds between two maps of a training
_FADED = 30  # lines of earlier runs: a move sends all anew, of 300 half a megabyte


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
        controls: Iterable[str] = c.USUAL,
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
        self.per_update = math.inf  # seconds, until one has ended
        # The map, its epoch, of what and when it was taken; whether a job takes one.
        self.pixels, self.epoch, self.mapped = None, None, (None, 0.0)
        self.scrubbing = False
        self.controls = c.Controls(dataset, base, controls)
        for name in {*NETWORK_NAMES} & {*self.controls.knobs} if model else ():
            others = (base.but(**{name: value}) for value in TABLE[name].ticks)
            both = base, next(setting for setting in others if setting != base)
            # Refuses a slider of what is not read.
            group_by_reading(model, dataset, both, 1, torch.float32)
        say, at = c.GUESS_WORDS, np.linspace(0, base.epochs, 11)
        about = dataset, at, Axis(say["epoch"], (0, base.epochs)), say["lowest"], at
        self.ask(predict, WORDS["draw"], c.Drawing, *about)
        self._build()
        self.live.now(self._training(base, seed))

    def _build(self):
        start = self.buttons(train=self._start, stop=self.stop, reset=self.reset)
        self.list = _RunList(self, self.controls.knobs)
        self.slow = W.ToggleButton(description=WORDS["slow"], tooltip=WORDS["slow_tip"])
        rest = self.buttons(pause=self.pause)
        rest.children += (self.slow,)
        options = (WORDS["same"], False), (WORDS["new"], True)
        tips = [WORDS["same_tip"], WORDS["new_tip"]]
        self.new_seeds = W.ToggleButtons(options=options, tooltips=tips)
        label = parts.label_widget(WORDS["seed"])
        seeds = parts.row(label, self.new_seeds, name="hp-row")
        units = [(WORDS[unit], unit) for unit in ("epochs", "updates", "seconds")]
        self.unit = parts.named(W.ToggleButtons(options=units), WORDS["unit_tip"])
        over = [parts.row(self.unit, name="hp-small")]
        if self.dataset.n_features == 2 and not self.dataset.is_regression:  # a map
            self.scrub = W.IntSlider(1, min=0, max=1, readout=False)
            parts.named(self.scrub, WORDS["scrub"]).add_class("hp-slide")
            head = parts.label_widget(WORDS["scrub"])
            over.append(parts.row(head, self.scrub, name="hp-knob hp-scrub"))
            self.widths = (3, 2.3)
            self.on_change(self._scrubbed, self.scrub)
        self.drawers = {"runs": self.list.box, **self.drawers}
        self.build(self.controls.box, seeds, start, rest, over=over)
        self.on_change(self._draw, self.unit)
        self.on_change(self._expect, self.slow)
        self.on_change(self._renew_seed, self.new_seeds)
        self.on_change(self._moved, *self.controls.knobs.values())

    def _start(self, *, replace=True, wait=False):
        self.error = None
        self._expect()
        job = self._training(self.controls.setting, self.seed, wait=wait)
        self.live.start(job, replace=replace)

    def _training(self, setting, seed, *, wait=False):
        """Train a setting (a job), with `wait` to a moment without a newer job."""
        training = Training(self.dataset, setting, seeds=(seed,), model=self.model)
        run = None
        try:
            while not training.finished:
                due = time.perf_counter() + _EPOCH_SECONDS
                following = run.epochs_done + 1 if run else 0
                training.advance(FRAME, following if self.slow.value else math.inf)
                run = training.runs[0, 0]
                self.now = ListedRun(run, 0)
                yield
                if self.slow.value:
                    yield from self.live.rest(due - time.perf_counter())
            if wait:
                yield from self.live.rest()
        finally:
            # Where a newer job waits, the run stays on the chart until that has
            # something to show: the chosen one would flash up between two places of a
            # slider.
            with self.live.lock:
                if not self.live.next_job:
                    self.now = None
                    if run is not None:
                        self._keep(run)

    def _keep(self, run):
        if run.epochs_done:
            each = run.fit_time / run.epochs_done
            self.per_update = each / self._updates(run.setting)
            self._expect()
        self.list.add(run)
        self._renew_seed()

    def _renew_seed(self):
        """Let the very next training take a new seed, or that of the run shown."""
        if self.new_seeds.value:
            self.seed += 1
        elif self.run:
            self.seed = self.run.seed

    def _moved(self):
        """Follow a control; a short training that runs may end first."""
        self._start(wait=True, replace=not self.controls.quick)

    def seconds(self, setting: Hyperparameters) -> float:
        """Return about how long a training of the setting takes, from the last one."""
        each = self.per_update * self._updates(setting)
        return max(each, _EPOCH_SECONDS * self.slow.value) * setting.epochs

    def _updates(self, setting):
        """Return the updates in an epoch."""
        return math.ceil(len(self.dataset.train.y) / setting.batch_size)

    def _expect(self):
        self.controls.follow(self.seconds(self.controls.setting))

    def show_setting(self) -> None:
        """Let the controls show the setting of the chosen run, unless one trains."""
        if self.list.chosen and not self.live.busy:
            with self.quietly():
                self.controls.setting = self.list.chosen.run.setting
            self._expect()

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
            runs, way = [kept.run for kept in self.list.entries], WORDS["way"]
        return Runs.of(hyper.check_items("panel.runs", runs, hint=way, of="Run"))

    @property
    def strong(self) -> "ListedRun | None":
        """What is shown: the run in training, else the chosen one."""
        return self.now or self.list.chosen

    @property
    def run(self) -> Run | None:
        with self.live.lock:
            return self.strong and self.strong.run

    def _update(self, running):
        if (run := self.run) is None:
            self.status.value, self.bar.value = "", 0.0
            return
        paused = self.live.paused
        self.pause_button.description = WORDS["resume" if paused else "pause"]
        self.bar.value = 1.0 if run.ended else run.epochs_done / run.setting.epochs
        kind = "paused" if paused else "training" if self.now else "ready"
        self.status.value = WORDS[kind].format(run=run)

    @property
    def _guess_fits(self):
        return not self.run or (self.run.setting, self.run.seed) == self.first

    def _charts(self):
        strong, guess = self.strong, self.guess and self.guess.drawn
        run = strong.run
        if guess and run.ended and not run.diverged:
            epochs = np.arange(len(run.val_loss))
            self.guess.judge(np.interp(guess[0], epochs, run.val_loss))
        rest = [k for k in self.list.entries if k is not strong]
        pinned = [k for k in rest if k.color]
        # Updates differ a hundredfold: beside pinned runs a gray one leaves the chart.
        wide = rest if self.unit.value == "epochs" else pinned or rest
        ends = [self._per_epoch(k.run) * k.run.epochs_done for k in wide]
        if len(self.widths) > 1:
            self._take_map(run)
        at = [] if self.epoch is None else [self.epoch * self._per_epoch(run)]
        curves = loss_chart(
            run,
            pinned=[(k.run, k.color, _label_beside(k, strong, pinned)) for k in pinned],
            faded=[k.run for k in rest if not k.color][-_FADED:],
            end=max([self._per_epoch(run) * run.setting.epochs, *ends]),
            per_epoch=self._per_epoch,
            unit="" if self.unit.value == "epochs" else WORDS[self.unit.value],
            guess=guess,
            own=_label_beside(strong, strong, pinned) if pinned else "",
            marks=[rule(at, color="soft", dash="dotted")],
            alt=" ".join(map(txt.run_sentence, [run, *(k.run for k in pinned)])),
        )
        if len(self.widths) == 1:
            return [curves]
        title, alt = (WORDS[name].format(self.epoch) for name in ("map", "map_alt"))
        alt += WORDS["map_right"].format(run.val_accuracy[: self.epoch + 1][-1])
        return [curves, map_chart(self.dataset, self.pixels, title=title, alt=alt)]

    def _per_epoch(self, run):
        """Return what an epoch of a run is on the axis."""
        each = {"epochs": 1, "updates": self._updates(run.setting)}
        each["seconds"] = run.fit_time / max(run.epochs_done, 1)
        return each[self.unit.value]

    def _take_map(self, run):
        """Take the map: while training the last weights, then those of the best."""
        training, now = self.now is not None, time.perf_counter()
        self.scrub.disabled = training and not self.controls.quick  # it follows
        (before, at), key = self.mapped, (id(run), training)
        soon = training and not self.live.paused and now - at < _MAP_EVERY
        if before == key or soon:
            return
        self.mapped = key, now
        self.epoch = run.epochs_done if training else run.best_epoch
        self.pixels = map_pixels(run, "last" if training else "best")
        # The page cuts a value off at the end it knows of, and says that as if it had
        # been chosen: a higher end is told before, a lower one after the value.
        end = run.setting.epochs if training else max(1, run.epochs_done)
        with self.quietly():
            self.scrub.max = max(self.scrub.max, end)
            self.scrub.value = self.epoch
            self.scrub.max = end

    def _scrubbed(self):
        """Show the map of another epoch of the run shown, unless a training runs."""
        if self.run and (not self.live.busy or self.scrubbing):
            self.live.start(self._back(self.run, self.scrub.value), replace=False)

    def _back(self, run, epoch):
        """Train a run again up to an epoch (a job): same seed, same weights."""
        self.scrubbing, more = True, {"seeds": (run.seed,), "model": self.model}
        training = Training(self.dataset, run.setting, **more)
        try:
            yield from training.under_way(FRAME, epoch)
            pixels = map_pixels(training.runs[0, 0], "last")
            with self.live.lock:
                self.pixels, self.epoch = pixels, epoch
            yield
        finally:
            self.scrubbing = self.live.next_job is not None

    def _result_text(self, running):
        if (run := self.run) is None:
            return WORDS["none"]
        early = run.epochs_done < run.setting.epochs
        ended = ("early" if early else "best") if run.ended else "stopped"
        kind = "diverged" if run.diverged else ended
        if self.now:
            kind = "rest" if self.live.paused else "now"
        names = dict.fromkeys(("batch_size", *self.controls.knobs))
        names = [name for name in names if name not in ("lr", "epochs")]
        others = txt.setting_text(run.setting, names)
        facts = {"setting": WORDS["described"].format(run=run, others=others)}
        facts |= {"last": digits(run.val_loss[-1]), "best": digits(run.best_val_loss)}
        text = WORDS[kind].format(**facts, run=run)
        return text if self.now else text + self._best() + self.list.note

    def _best(self):
        kept, mine = self.list.entries, self.run.best_val_loss
        if len(kept) < 2:
            return ""
        first = min(kept, key=lambda k: (k.run.diverged, k.run.best_val_loss))
        best, called = first.run.best_val_loss, "named" if first.name else "run"
        name = escape(WORDS[called].format(first.label))
        line = "self" if math.isclose(best, mine, rel_tol=1e-5) else "leader"
        return WORDS[line].format(n=len(kept), name=name, best=digits(best))

    def _code(self):
        return parts.code_of_run(self.run)

    def _state(self):
        shown, pins = self.strong, []
        setting, seed = self.controls.setting, self.seed
        if shown:
            setting, seed = shown.run.setting, shown.run.seed
        for run in (k.run for k in self.list.entries if k.color and k is not shown):
            other = values_text(run.setting, setting)
            other |= {"seed": str(run.seed)} if run.seed != seed else {}
            pins.append(",".join(f"{name}:{text}" for name, text in other.items()))
        more = {"seed": str(seed) if seed else "", "pin": ";".join(pins)}
        return setting, more | self.controls.line()

    def _table(self):
        if not self.list.entries:
            return {}
        # Numbered as in the list, which may hold a shorter one of the same setting.
        runs = self.runs
        entries = sorted(self.list.entries, key=lambda entry: entry.run.epochs_done)
        number_of = {(e.run.setting, e.run.seed): e.number for e in entries}
        rows, numbers = runs.history(), [number_of[r.setting, r.seed] for r in runs]
        return rows.assign(run=np.take(numbers, rows["run"]))

    def _rows_below(self):
        """Return a row for each run, with what its curves have at its best epoch."""
        import pandas as pd

        varied = hyper.varied([kept.run.setting for kept in self.list.entries])
        names, rows = dict.fromkeys((*self.controls.knobs, *varied)), []
        for kept in self.list.entries:
            run, at = kept.run, {"run": kept.label}
            at |= {f"param_{name}": getattr(run.setting, name, None) for name in names}
            at |= {"seed": run.seed, "best_epoch": run.best_epoch}
            curves = {name: getattr(run, name) for name in CURVES}
            at |= {n: c[run.best_epoch] for n, c in curves.items() if c is not None}
            rows.append(at | {"diverged": run.diverged, "fit_time": run.fit_time})
        return pd.DataFrame(rows)


@dataclass
class ListedRun:
    """A run of the list."""

    run: Run
    number: int
    name: str = ""
    color: str | None = None  # pinned in this color

    @property
    def label(self):
        """What stands at the end of its curve."""
        return self.name or str(self.number or "")


def _label_beside(kept, strong, pinned):
    """Return a pinned run's label: its name, else what tells it from the others."""
    if kept.name:  # the list has the whole
        return hyper.cut_middle(kept.name, 14)
    if names := hyper.varied([k.run.setting for k in (strong, *pinned)]):
        return txt.short_text(kept.run.setting, names)
    return WORDS["of_seed"].format(kept.run.seed)


class _RunList:
    """Runs in the order in which they were trained; one of them is chosen."""

    # The panel's `_draw` is called after a change, its `show_setting` when another run
    # is chosen; `columns` are the hyperparameters shown. `note` says that the newest
    # run is the same as an earlier one.

    def __init__(self, panel, columns):
        self.panel, self.columns = panel, tuple(columns)
        self.entries, self.chosen, self.note = [], None, ""
        self.list = parts.named(W.Select(options=[]), WORDS["list_tip"])
        self.list.add_class("hp-mono").add_class("hp-list")
        self.heads = parts.html_widget("")  # of the size of the lines
        name = W.Text(placeholder=WORDS["name"], continuous_update=False)
        self.name = parts.named(name, WORDS["name"])
        pair = panel.buttons(pin=lambda: self.pin(self.chosen), remove=self.remove)
        side = W.VBox([self.name, pair]).add_class("hp-side")
        self.box = W.HBox([W.VBox([self.heads, self.list]).add_class("hp-grow"), side])
        panel.on_change(lambda: self._choose(self.entries[self.list.index]), self.list)
        panel.on_change(self._rename, self.name)

    def add(self, run):
        """Add a run and choose it; it replaces one that it repeats in full."""
        # One of the same setting and seed that went further stays.
        key = (run.setting, run.seed)
        same = [k for k in self.entries if (k.run.setting, k.run.seed) == key]
        same.sort(key=lambda k: k.run.epochs_done)
        repeated = [k for k in same if k.run.epochs_done <= run.epochs_done]
        again = same and np.array_equal(same[-1].run.val_loss, run.val_loss)
        self.note = WORDS["again"] if again else ""
        if repeated:
            self.chosen = repeated[-1]
            self.chosen.run = run
        else:
            numbers = (entry.number for entry in self.entries)
            self.chosen = ListedRun(run, 1 + max(numbers, default=0))
            self.entries.append(self.chosen)
        self.show()

    def pin(self, kept):
        """Pin a run, or let it go; of more pins than colors two share one."""
        self.note = ""
        if kept and kept.color:
            kept.color = None
        elif kept:
            kept.color = min(PINNED, key=[k.color for k in self.entries].count)
        self._changed()

    def pin_beside(self, runs):
        """Add pinned runs; the chosen one stays that."""
        with self.panel.live.lock:
            chosen = self.chosen
            for run in runs:
                self.add(run)
                if not self.chosen.color:
                    self.pin(self.chosen)
            self._choose(chosen)

    def remove(self):
        if self.chosen in self.entries:
            self.entries.remove(self.chosen)
        self._choose(self.entries[-1] if self.entries else None)

    def clear(self):
        """Remove all that is not pinned."""
        self.entries = [k for k in self.entries if k.color]
        self.chosen, self.note = None, ""
        self.show()

    def show(self):
        """Show the runs as rows of text below their heads, and the chosen one."""
        (first, *last), chosen = WORDS["run_columns"], self.chosen
        heads = [first, *(TABLE[name].short for name in self.columns), *last]
        rows = [heads, *map(self._cells, self.entries)]
        top, *lines = txt.text_lines(rows, right=True)
        # In a browser a letter of Korean is narrower: each head takes its own room.
        heads = re.findall(r" *\S+(?: \S+)*", top)
        look = "<span style='width:{}ch'>{}</span>".format
        top = "".join(look(txt.display_width(head), escape(head)) for head in heads)
        lines = tuple(line.replace(" ", "\u00a0") for line in lines)  # which stay
        with self.panel.quietly():
            self.heads.value = f"<pre class='hp-mono'>{top}</pre>"
            self.list.options = lines  # equal ones change nothing
            listed = chosen in self.entries
            self.list.index = self.entries.index(chosen) if listed else None
            self.name.value = chosen.name if chosen else ""
        name = "unpin" if chosen and chosen.color else "pin"
        self.panel.pin_button.description = WORDS[name]

    def _cells(self, kept):
        run, setting = kept.run, kept.run.setting
        values = {n: txt.value_text(getattr(setting, n)) for n in self.columns}
        if "epochs" in values and run.epochs_done < run.setting.epochs:
            values["epochs"] = f"{run.epochs_done}/{run.setting.epochs}"
        best = [digits(run.best_val_loss), str(run.best_epoch)]
        end = [WORDS["out"], ""] if run.diverged else best
        number = f"{'●' if kept.color else ' '} {kept.number}"
        name = hyper.cut_middle(kept.name, 24)  # the buttons beside stay near
        return [number, *values.values(), str(run.seed), *end, name]

    def _choose(self, kept):
        self.chosen, self.note = kept, ""
        self.panel.show_setting()
        self._changed()

    def _rename(self):
        if self.chosen:
            self.chosen.name = self.name.value.strip()
            if self.chosen.name and not self.chosen.color:
                self.pin(self.chosen)
            self._changed()

    def _changed(self):
        self.show()
        self.panel._draw()
