"""`TrainingPanel`: choose a setting, see it train, compare it with the runs before."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from html import escape

import ipywidgets as W
import numpy as np

from hpkit.data.datasets import Dataset
from hpkit.engine.dense import Model
from hpkit.engine.runs import Run, Runs
from hpkit.engine.training import Training, check_model, check_settings
from hpkit.hyperparameters import Hyperparameters, brief, check_seed, check_setting
from hpkit.locale import Texts
from hpkit.panels.controls import NEW, SAME, USUAL, Controls, seed_choice
from hpkit.panels.guess import check_predict, over_epochs
from hpkit.panels.live import FRAME
from hpkit.panels.panel import Panel, values_text
from hpkit.panels.parts import code_of_run, say
from hpkit.panels.run_view import Kept, RunList, RunView, compared, updates_per_epoch
from hpkit.text import label

WORDS = Texts("panels.training")
QUICK = 0.5  # seconds: trainings shorter than this follow the slider
PACE = 0.05  # seconds an epoch takes at least in a slow training: enough to watch


class TrainingPanel(Panel):
    """Train one setting at a time and compare it with the ones before.

    Parameters
    ----------
    dataset : Dataset
    base : Hyperparameters, default Hyperparameters()
        The first values; those without a control keep them.
    controls : sequence of str, default ("lr", "batch_size", "epochs")
        Which hyperparameters can be moved; also "momentum", "weight_decay",
        "optimizer", "hidden" (the width of the hidden layers), "activation",
        "dropout".
    title : str, optional
    seed : int, default 0
    model : function, optional
        As in `hpkit.training.train`.
    predict : bool or "draw", default False
        Let the learner draw a guess of the curve before anything is shown.

    Attributes
    ----------
    runs : Runs
        All runs of the list; `run` is the one shown.

    Notes
    -----
    The first setting is trained when the panel is made; what it refuses is refused
    then. `panel.wait()` waits for a training, `panel.stop()` ends it.

    Examples
    --------
    >>> from hpkit.data.datasets import load_dataset
    >>> panel = TrainingPanel(load_dataset("moons"), Hyperparameters(lr=0.3, epochs=5))
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
        base = check_setting(base, "base", default=Hyperparameters())
        super().__init__(dataset, title, key=(brief(controls), base))
        check_settings([base], dataset)
        seed, self.model = check_seed("seed", seed), check_model(model)
        self.first, self.seed = (base, seed), seed
        self.now = None  # the run in training, as `Kept`
        self.rest_at = self.halted = None  # an epoch; a training that was stopped
        self.unbegun = False  # whether the last one was stopped before its first epoch
        self.job_seconds = self.per_update = math.inf  # until one has ended
        self.controls = Controls(dataset, base, controls)
        self.list = RunList(self, self.controls.knobs)
        if check_predict(predict, draw=True):
            self.ask(True, WORDS["draw"], *over_epochs(dataset, base.epochs))
        self._build()
        self.live.now(self._training(base, seed))

    def _build(self):
        self.train_button = self.button("train", lambda: self._start(), "primary")
        self.reset_button = self.button("reset", self.reset)
        self.pause_button = self.button("pause", self.pause)
        self.one_button = self.button("one", self.one_epoch)
        self.slow = W.ToggleButton(description=WORDS["slow"], tooltip=WORDS["slow_tip"])
        self.seeds, seed_row = seed_choice()
        first = self.train_button, self.stop_button, self.reset_button
        second = self.pause_button, self.one_button, self.slow
        self.view_of_run = view = RunView(self, self.model)
        self.beside = say("", "hp-table")
        shown = {"runs": self.list.box, "compare": self.beside}
        drawers = [(WORDS[name], WORDS[f"{name}_tip"], w) for name, w in shown.items()]
        more = {"widths": view.widths, "over": view.over, "drawers": drawers}
        self.build(self.controls.box, seed_row, first, second, **more)
        self.on_change(self.slow, lambda: self._expect(self.controls.setting))
        self.on_change(self.seeds, self._renew_seed)
        for knob in self.controls.knobs.values():
            self.on_change(knob.source, self._moved)

    def _start(self, *, replace=True, rest_at=None, **job):
        """Start a training of what the controls show; `job` as in `_training`."""
        setting, self.error = self.controls.setting, None
        self._expect(setting)
        self.rest_at = rest_at
        self.live.start(self._training(setting, self.seed, **job), replace=replace)

    def _training(self, setting, seed, *, wait=False, halted=None):
        """Train a setting, or go on with one that halted (a job)."""
        # With `wait` it ends only after a moment in which no newer job came.
        more = {"seeds": (seed,), "model": self.model}
        training = halted or Training(self.dataset, setting, **more)
        self.halted, self.unbegun, run = None, False, None
        try:
            while not training.finished:
                due = time.perf_counter() + PACE
                rest_at = self.rest_at or math.inf
                if self.slow.value:
                    rest_at = min(rest_at, run.epochs_done + 1 if run else 0)
                training.advance(FRAME, pause=rest_at)
                run = training.runs[0, 0]
                self.now = Kept(run, 0)
                if self.rest_at and run.epochs_done >= self.rest_at:
                    self.rest_at = None
                    self.live.pause()
                yield
                while self.slow.value and time.perf_counter() < due:
                    time.sleep(0.01)
                    yield False
            if wait:
                yield from self.live.rest()
        finally:
            # Where a newer job waits, the run stays on the chart until that has
            # something to show: the chosen one would flash up between two places of a
            # slider.
            with self.live.lock:
                if not self.live.asked:
                    self.now = None
                    if run is not None:
                        self._keep(run, None if training.finished else training)

    def _keep(self, run, halted):
        self.halted, self.unbegun = halted, not run.epochs_done
        if self.unbegun:
            return
        updates = updates_per_epoch(self.dataset, run.setting)
        self.per_update = run.fit_time / (run.epochs_done * updates)
        self._expect(run.setting)
        self.list.add(run)
        self._renew_seed()

    def _renew_seed(self):
        """Let the very next training take a new seed, if it is to."""
        self.seed += self.seeds.value == NEW

    def _moved(self):
        """Follow a control; a short training that runs may end first."""
        self._start(wait=True, replace=self.job_seconds >= QUICK)

    def seconds(self, setting: Hyperparameters) -> float:
        """Return about how long a training of the setting takes, from the last one."""
        each = self.per_update * updates_per_epoch(self.dataset, setting)
        return max(each, PACE * self.slow.value) * setting.epochs

    def _expect(self, setting):
        self.job_seconds = self.seconds(setting)
        self.controls.follow(self.job_seconds < QUICK)

    def show_setting(self) -> None:
        """Let the controls show the setting of the chosen run, unless one trains."""
        if self.list.chosen and not self.live.busy:
            with self.quietly():
                self.controls.setting = self.list.chosen.run.setting
            self._expect(self.controls.setting)

    def pause(self) -> None:
        """Let the training rest, or go on."""
        (self.live.resume if self.live.paused else self.live.pause)()
        if self.live.busy:
            self._draw()

    def one_epoch(self) -> None:
        """Train one epoch more and rest; begins a training if there is none."""
        if self.live.busy and self.now:
            self.rest_at = self.now.run.epochs_done + 1
            self.live.resume()
            return
        run = self.halted and self.halted.runs[0, 0]
        if run and (run.setting, run.seed) == (self.controls.setting, self.seed):
            self._start(rest_at=run.epochs_done + 1, halted=self.halted)
        else:
            self._start(rest_at=1)

    def reset(self) -> None:
        """Go back to the first values; runs that are not pinned are removed."""
        with self.quietly():
            self.list.clear()
            self.controls.setting, self.seed = self.first
            self.seeds.value = SAME
            self._start()

    @property
    def runs(self) -> Runs:
        with self.live.lock:
            return Runs.of([kept.run for kept in self.list.kept])

    @property
    def strong(self) -> Kept | None:
        """What is shown: the run in training, else the chosen one."""
        return self.now or self.list.chosen

    @property
    def run(self) -> Run | None:
        """The run that is shown."""
        with self.live.lock:
            return self.strong and self.strong.run

    def _update(self, running):
        if (run := self.run) is None:
            return
        paused, facts = self.live.paused, {"epochs": run.setting.epochs}
        self.pause_button.description = WORDS["resume" if paused else "pause"]
        self.bar.value = 1.0 if run.ended else run.epochs_done / run.setting.epochs
        kind = "paused" if paused else "training" if self.now else "ready"
        facts |= {"done": run.epochs_done, "seconds": run.fit_time}
        self.status.value = WORDS[kind].format(**facts)

    @property
    def _guess_fits(self):
        return not self.run or (self.run.setting, self.run.seed) == self.first

    def _pictures(self):
        if (run := self.run) is None:
            return self.charts.charts
        guess = self.guess and self.guess.drawn
        whole = run.ended and not run.diverged
        if guess and whole:
            epochs = np.arange(len(run.val_loss))
            self.guess.judge(np.interp(guess[0], epochs, run.val_loss))
        training = self.now is not None and ("rest" if self.live.paused else "now")
        return self.view_of_run.pictures(self.strong, self.list.kept, training, guess)

    def _show_drawer(self):
        super()._show_drawer()
        if self.drawer.children[self.view.value] is self.beside:
            marked = [k for k in self.list.kept if k.color or k is self.list.chosen]
            self.beside.value = compared(marked)

    def _sentence(self, running):
        unbegun = WORDS["unbegun"] if self.unbegun and not self.now else ""
        if (run := self.run) is None:
            return unbegun + WORDS["none"]
        done, epochs = run.epochs_done, run.setting.epochs
        ended = ("early" if done < epochs else "best") if run.ended else "stopped"
        kind = "diverged" if run.diverged else ended
        if self.now:
            kind = "rest" if self.live.paused else "now"
        names = dict.fromkeys(("batch_size", *self.controls.knobs))
        others = label(run.setting, [n for n in names if n not in ("lr", "epochs")])
        setting = {"lr": f"{run.setting.lr:g}", "others": others, "seed": run.seed}
        facts = {"done": done, "epochs": epochs, "at": run.best_epoch}
        facts |= {"last": digits(run.val_loss[-1]), "best": digits(run.best_val_loss)}
        text = WORDS[kind].format(**facts, setting=WORDS["described"].format(**setting))
        return text if self.now else unbegun + text + self._best() + self.list.note

    def _best(self):
        """Return which run of the list is the best, or which are, in words."""
        kept = self.list.kept
        if len(kept) < 2:
            return ""
        _, best = min((k.run.diverged, k.run.best_val_loss) for k in kept)
        losses = [(k, k.run.best_val_loss) for k in kept]
        equal = [k for k, loss in losses if math.isclose(loss, best, rel_tol=1e-5)]
        names = [escape(k.called) for k in equal if k is not self.strong]
        line = "leader" if self.strong not in equal else "shared" if names else "self"
        facts = {"n": len(kept), "names": WORDS["and"].join(names)}
        return WORDS[line].format(**facts, best=digits(best))

    def code(self) -> str:
        return code_of_run(self.run) if self.run else ""

    def _state(self):
        shown, pins = self.strong, []
        setting, seed = self.controls.setting, self.seed
        if shown:
            setting, seed = shown.run.setting, shown.run.seed
        for run in (k.run for k in self.list.kept if k.color and k is not shown):
            other = values_text(run.setting, setting)
            other |= {"seed": str(run.seed)} if run.seed != seed else {}
            pins.append(",".join(f"{name}:{text}" for name, text in other.items()))
        more = {"seed": str(seed) if seed else "", "pin": ";".join(pins)}
        return setting, more | self.controls.line()

    def _table(self):
        return self.runs.history() if self.list.kept else {}


def digits(loss):
    """Return a loss in three digits: 0.110 stands beside 0.111."""
    return f"{loss:#.3g}".rstrip(".")
