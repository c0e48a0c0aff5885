"""`TrainingPanel`: choose a setting, see it train, compare it with the runs before."""

from __future__ import annotations

from collections.abc import Iterable

import ipywidgets as W
import numpy as np

from hpkit.data.datasets import Dataset
from hpkit.engine.dense import Model
from hpkit.engine.training import check_model, check_settings
from hpkit.hyperparameters import (
    Hyperparameters,
    brief,
    check_seed,
    check_setting,
    was_refused,
)
from hpkit.locale import Texts
from hpkit.panels.controls import NEW, SAME, Controls, seed_choice
from hpkit.panels.guess import check_predict, over_epochs
from hpkit.panels.lists import RunList, compare_table
from hpkit.panels.panel import Panel
from hpkit.panels.parts import buttons, code_of_run, say
from hpkit.panels.run_view import OneRun, RunView, told

WORDS = Texts("panels.training")
QUICK = 0.5  # seconds: trainings shorter than this follow the slider


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
        Ask for a guess before anything is shown: the lowest validation loss, or the
        whole curve.

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

    kind = "training"
    words = WORDS

    def __init__(
        self,
        dataset: Dataset,
        base: Hyperparameters | None = None,
        *,
        controls: Iterable[str] = ("lr", "batch_size", "epochs"),
        title: str | None = None,
        seed: int = 0,
        model: Model | None = None,
        predict: bool | str = False,
    ) -> None:
        base = check_setting(base, "base", default=Hyperparameters())
        super().__init__(dataset, title, key=(brief(controls), base))
        check_settings([base], dataset)
        seed, self.model = check_seed("seed", seed), check_model(model)
        self.first, self.seed, self.job_seconds = (base, seed), seed, 0.0
        self.one = OneRun(dataset, self.model, self.live, self._keep)
        self.controls = Controls(dataset, base, controls)
        self.list = RunList(self, self.controls.knobs)
        if check_predict(predict, draw=True) == "draw":
            self.ask(True, WORDS["draw"], *over_epochs(dataset, base.epochs))
        else:
            guess = W.FloatSlider(0.5, min=0, max=2, step=0.01)
            self.ask(predict, WORDS["guess"], guess, "{:.2f}".format)
        self._build()
        self.live.now(self.one.job(base, seed))

    def _build(self):
        self.train_button = self.button("train", lambda: self._start(), "primary")
        self.reset_button = self.button("reset", self.reset)
        self.pause_button = self.button("pause", self.pause)
        self.one_button = self.button("one", self.one_epoch)
        self.slow = W.ToggleButton(description=WORDS["slow"], tooltip=WORDS["slow_tip"])
        self.seeds, seed_row = seed_choice()
        left = [
            self.controls.box,
            seed_row,
            buttons(self.train_button, self.stop_button, self.reset_button),
            buttons(self.pause_button, self.one_button, self.slow),
        ]
        self.view_of_run = view = RunView(self, self.model)
        self.beside = say("", "hp-table")
        shown = {"runs": self.list.box, "compare": self.beside}
        drawers = [(WORDS[name], WORDS[f"{name}_tip"], w) for name, w in shown.items()]
        self.build(left, view.widths, over=view.over, drawers=drawers)
        self.on_change(self.slow, self._pace)
        self.controls.observe(self._guarded(self._moved))
        self.seeds.observe(self._seeds_chosen, "value")

    def _keep(self, run):
        self.list.add(run)
        if self.seeds.value == NEW:
            self.seed += 1

    def _start(self, *, replace=True, **job):
        """Start a training of what the controls show; `job` as in `OneRun.job`."""
        setting, self.error = self.controls.setting, None
        self._expect(setting)
        self.live.start(self.one.job(setting, self.seed, **job), replace=replace)

    def _seeds_chosen(self, change):
        """Let the very next training take a new seed."""
        with self.live.lock:
            self.seed += change["new"] == NEW

    def _moved(self):
        """Follow a control; a short training that runs may end first."""
        self._start(wait=True, replace=self.job_seconds >= QUICK)

    def _pace(self):
        """Train slowly or at full speed, from the next epoch on."""
        self.one.slow = self.slow.value
        self._expect(self.controls.setting)

    def _expect(self, setting):
        self.job_seconds = self.one.seconds(setting)
        self.controls.continuous = self.job_seconds < QUICK

    def show_setting(self):
        """Let the controls show the setting of the chosen run, unless one trains."""
        if self.list.chosen and not self.live.busy:
            with self.quietly():
                self.controls.setting = self.list.chosen.run.setting

    def pause(self):
        """Let the training rest, or go on."""
        (self.live.resume if self.live.paused else self.live.pause)()
        if self.live.busy:
            self._draw()

    def one_epoch(self):
        """Train one epoch more and rest; begins a training if there is none."""
        if self.live.busy and self.now:
            self.one.rest_at = self.now.run.epochs_done + 1
            self.live.resume()
            return
        halted = self.one.to_go_on(self.controls.setting, self.seed)
        done = halted.runs[0, 0].epochs_done if halted else 0
        self._start(rest_at=done + 1, halted=halted)

    def reset(self):
        """Go back to the first values; runs that are not pinned are removed."""
        with self.quietly():
            self.list.clear()
            self.controls.setting, self.seed = self.first
            self.seeds.value = SAME
            self._start()

    @property
    def runs(self):
        """All runs of the list as `Runs`."""
        with self.live.lock:
            return self.list.runs

    @property
    def now(self):
        """The run in training as `Kept`, or None."""
        return self.one.now

    @property
    def run(self):
        """The `Run` shown: the one in training, else the chosen one."""
        with self.live.lock:
            shown = self.now or self.list.chosen
            return shown.run if shown else None

    def _update(self, running):
        if (strong := self.now or self.list.chosen) is None:
            return
        run, paused = strong.run, self.live.paused
        self.pause_button.description = WORDS["resume" if paused else "pause"]
        self.bar.value = run.epochs_done / run.setting.epochs
        kind = "paused" if paused else "training" if self.now else "ready"
        facts = {"done": run.epochs_done, "epochs": run.setting.epochs}
        self.status.value = WORDS[kind].format(**facts, seconds=run.fit_time)
        if not running:
            try:  # what is typed may be wrong
                seconds = self.one.seconds(self.controls.setting)
                self.controls.continuous = seconds < QUICK
            except (ValueError, TypeError) as error:
                if not was_refused(error):
                    raise

    def _pictures(self):
        if (strong := self.now or self.list.chosen) is None:
            return self.charts.charts
        guess = self.guess and self.guess.drawn
        run = strong.run
        whole = run.epochs_done == run.setting.epochs and not run.diverged
        if guess and whole and (run.setting, run.seed) == self.first:
            epochs = np.arange(len(run.val_loss))
            self.guess.judge(np.interp(guess[0], epochs, run.val_loss))
        how = {"training": self.now is not None, "paused": self.live.paused}
        parted = self.list.parted(strong)
        return self.view_of_run.pictures(strong, *parted, **how, guess=guess)

    def _show_drawer(self):
        super()._show_drawer()
        if self.drawer.children[self.view.value] is self.beside:
            marked = [k for k in self.list.kept if k.color or k is self.list.chosen]
            self.beside.value = compare_table(marked)

    def _sentence(self, running):
        strong, kept = self.now or self.list.chosen, () if self.now else self.list.kept
        training = self.now and ("rest" if self.live.paused else "now")
        text = told(strong, kept, tuple(self.controls.knobs), training)
        note = "" if training else self.list.note
        unbegun = WORDS["unbegun"] if self.one.unbegun and not training else ""
        return unbegun + text + note

    def code(self):
        """Return the cell that trains the run shown."""
        return code_of_run(self.run) if self.run else ""

    def _table(self):
        return self.runs.history() if self.list.kept else {}
