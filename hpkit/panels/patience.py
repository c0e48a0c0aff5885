"""`PatiencePanel`: where early stopping would end a training."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import ipywidgets as W
import numpy as np

from hpkit.charts.loss import WORDS as CHART
from hpkit.charts.loss import loss_chart, stacked, top_of
from hpkit.charts.spec import Chart, line, points, rule
from hpkit.data.datasets import Dataset
from hpkit.engine.runs import CURVES
from hpkit.engine.training import check_settings, train
from hpkit.hyperparameters import (
    Hyperparameters,
    check_count,
    check_seed,
    check_setting,
)
from hpkit.locale import Texts
from hpkit.panels.controls import count_box
from hpkit.panels.live import FRAME, play
from hpkit.panels.panel import Panel
from hpkit.panels.parts import buttons, code_of_run

WORDS = Texts("panels.patience")
SECONDS = 4.0  # that a whole training takes to watch
SLOWEST = 0.25  # seconds an epoch


def stop_epoch(val_loss, patience):
    """Return the epoch at which early stopping ends a training.

    The first one at which `patience` epochs in a row have brought no new lowest loss;
    the last one if there is none.
    """
    best, lowest = 0, np.inf
    for epoch, loss in enumerate(val_loss):
        if loss < lowest:
            best, lowest = epoch, loss
        elif epoch - best >= patience:
            return epoch
    return len(val_loss) - 1


def until(run, epoch):
    """Return a run as it was after an epoch."""
    curves = {name: getattr(run, name) for name in CURVES}
    cut = {name: c[: epoch + 1] for name, c in curves.items() if c is not None}
    return replace(run, **cut)


def patience_chart(
    run, at: int, *, watched: bool = False, guess: int | None = None
) -> Chart:
    """Return the losses up to epoch `at`, where a training stops, and those after it.

    Nothing of what comes after is shown of a training that is `watched`.
    """
    shown, top = until(run, at), top_of([run])
    best = [] if watched else [run.best_epoch]
    rest = not watched and at < run.epochs_done
    curves = (run.train_loss, run.val_loss) if rest else ()
    x, y = stacked([curve[at:] for curve in curves], top)
    kept, all_epochs = ((each.best_epoch, each.best_val_loss) for each in (shown, run))
    names = [CHART["train"], CHART["val"]]
    later = {"color": "gray", "width": 1.5, "dash": ["dashed", None], "label": names}
    stop = {"dash": "dotted", "width": 2.5, "label": WORDS["stop"]}
    mine = {"dash": "dashed", "width": 2.5, "label": WORDS["mine"]}
    name = "" if kept == all_epochs else WORDS["best"]
    lowest = {"color": "orange", "shape": "diamond", "label": name}
    return loss_chart(
        shown,
        top=top,
        lowest=WORDS["kept"],
        named=not rest,
        marks=[
            line(at + x, y, **later),
            rule([] if watched else [at], color="orange", **stop),
            points(best, [run.best_val_loss] * len(best), **lowest),
            rule([] if guess is None else [guess], color="purple", **mine),
        ],
        alt=WORDS["alt"].format(run.epochs_done, at, *kept, *all_epochs),
    )


class PatiencePanel(Panel):
    """Move the patience along a finished training and see where it would stop.

    Parameters
    ----------
    dataset : Dataset
    setting : Hyperparameters, optional
        Default that of lesson 4: lr 0.1, momentum 0.9, batch size 10, two layers of
        64 units, 200 epochs.
    patience : int, default 5
    seed : int, default 0
    title : str, optional
    predict : bool, default False
        Ask for a guess before anything is shown.

    Attributes
    ----------
    run : Run
        The whole training.

    Examples
    --------
    >>> from hpkit.data.datasets import load_dataset
    >>> panel = PatiencePanel(load_dataset("moons"), Hyperparameters(epochs=9))
    >>> panel.patience.value = 3
    >>> panel.error
    """

    kind = "patience"
    words = WORDS

    def __init__(
        self,
        dataset: Dataset,
        setting: Hyperparameters | None = None,
        *,
        patience: int = 5,
        seed: int = 0,
        title: str | None = None,
        predict: bool = False,
    ) -> None:
        usual = {"lr": 0.1, "momentum": 0.9, "batch_size": 10, "hidden": (64, 64)}
        usual = Hyperparameters(**usual, epochs=200)
        self.setting = setting = check_setting(setting, default=usual)
        super().__init__(dataset, title, key=(setting,))
        check_settings(setting, dataset)
        patience = check_count("patience", patience, most=10**6)
        self.seed = check_seed("seed", seed)
        self.run = self.epoch = None  # the epoch that is watched
        most = min(60, setting.epochs)
        self.patience, box = count_box(WORDS["patience"], patience, 1, most)
        self.watch_button = self.button("watch", self._watch, "primary")
        slider = W.IntSlider(0, min=0, max=setting.epochs)
        self.ask(predict, WORDS["guess"].format(patience), slider)
        self.build([box, buttons(self.watch_button, self.stop_button)])
        self.on_change(self.patience, self._moved)
        self.live.now(self._training())

    def _training(self):
        more = {"seeds": (self.seed,), "tick": FRAME}
        for runs in train(self.dataset, self.setting, **more):
            self.run = runs[0, 0]
            yield

    @property
    def trained(self):
        """Whether the whole training is there."""
        return self.run is not None and self.run.epochs_done == self.setting.epochs

    def _moved(self):
        if not self.live.busy:
            self.epoch = None
        self._draw()

    def _watch(self):
        self.live.start(self._watching(), replace=self.trained)

    def _watching(self):
        self.epoch, pause = 0, min(SLOWEST, SECONDS / self.stop_at)
        yield from play(partial(setattr, self, "epoch"), self._epochs(), pause)
        self.epoch = None
        yield

    def _epochs(self):
        """Yield the next epoch; the patience may be moved meanwhile."""
        while self.epoch < self.stop_at:
            yield self.epoch + 1

    @property
    def stop_at(self):
        """The epoch at which the training would stop."""
        return stop_epoch(self.run.val_loss, self.patience.value)

    @property
    def _at(self):
        """The epoch that is shown: the one watched, else the stop."""
        return self.stop_at if self.epoch is None else self.epoch

    def _update(self, running):
        if self.run is not None:
            self.bar.value = self._at / self.setting.epochs
            self.status.value = WORDS["epoch"].format(self._at)

    def _pictures(self):
        if self.run is None:
            return self.charts.charts
        guess = self.guess.value if self.guess else None
        watched = self.epoch is not None
        return [patience_chart(self.run, self._at, watched=watched, guess=guess)]

    def _sentence(self, running):
        if running and self.epoch is None and not self.trained:
            done = self.run.epochs_done if self.run else 0
            return WORDS["training"].format(done, self.setting.epochs)
        if self.run is None:
            return ""
        run, at = self.run, self._at
        shown = until(run, at)
        kept, loss, n = shown.best_epoch, shown.best_val_loss, run.epochs_done
        kind = "never" if (at, kept) == (n, run.best_epoch) else "says"
        facts = {"patience": self.patience.value, "epoch": at, "all": n, "kept": kept}
        facts |= {"loss": loss, "best": run.best_val_loss, "at": run.best_epoch}
        facts |= {"last": run.val_loss[at], "since": at - kept, "saved": n - at}
        said = WORDS[kind if self.epoch is None else "watching"].format(**facts)
        return said if self.trained else WORDS["stopped"].format(**facts) + said

    def _table(self):
        rows, most = [], min(60, self.run.epochs_done) if self.run else 0
        for patience in range(1, most + 1):
            at = stop_epoch(self.run.val_loss, patience)
            shown = until(self.run, at)
            kept = {"keeps": shown.best_epoch, "val_loss": shown.best_val_loss}
            rows.append({"patience": patience, "stops": at} | kept)
        return rows

    def code(self):
        """Return the cell that trains the run and finds where to stop."""
        if self.run is None:
            return ""
        lines = [
            "kept = 0",
            "for epoch, loss in enumerate(run.val_loss):",
            "    if loss < run.val_loss[kept]:",
            "        kept = epoch",
            f"    elif epoch - kept >= {self.patience.value}:",
            "        break",
        ]
        return code_of_run(self.run, *lines, f"epoch, kept  {WORDS['code']}")
