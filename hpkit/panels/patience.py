"""`PatiencePanel`: where early stopping would end a training."""

from dataclasses import replace

import ipywidgets as W
import numpy as np

from hpkit.charts.runs import WORDS as CHART
from hpkit.charts.runs import axis_top, loss_chart, pad_curves
from hpkit.charts.spec import line, points, rule
from hpkit.data.datasets import Dataset
from hpkit.hyperparameters import Hyperparameters as Setting
from hpkit.hyperparameters import check_count, check_seed, check_setting
from hpkit.locale import Texts
from hpkit.panels.controls import count_box
from hpkit.panels.panel import Panel
from hpkit.panels.parts import code_of_run

WORDS = Texts("panels.patience")
_BASE = Setting(lr=0.1, momentum=0.9, batch_size=10, hidden=(64, 64), epochs=200)
_MOST_PATIENCE = 60  # on the slider, and in the table


def stop_epoch(val_loss, patience):
    """Return the epoch at which early stopping ends a training."""
    # The first after `patience` epochs in a row without a new lowest loss, or the last.
    best, lowest = 0, np.inf
    for epoch, loss in enumerate(val_loss):
        if loss < lowest:
            best, lowest = epoch, loss
        elif epoch - best >= patience:
            return epoch
    return len(val_loss) - 1


def _cut_run(run, epoch):
    """Return a run as it was after an epoch."""
    return replace(run, **{n: c[: epoch + 1] for n, c in run._curves.items()})


class PatiencePanel(Panel):
    """Move the patience along a finished training and see where it would stop.

    Parameters
    ----------
    setting : Hyperparameters, default that of lesson 4
        Its own `patience` is left out.

    Examples
    --------
    >>> panel = hk.PatiencePanel(hk.load_dataset("moons"), hk.Hyperparameters(epochs=9))
    >>> panel.wait().run.epochs_done
    9
    """

    kind, words = "patience", WORDS

    def __init__(
        self,
        dataset: Dataset,
        setting: Setting | None = None,
        *,
        patience: int = 5,
        seed: int = 0,
        title: str | None = None,
        predict: bool = False,
    ) -> None:
        self.setting = setting = check_setting(setting, default=_BASE).but(patience=0)
        super().__init__(dataset, title, setting)
        self.asked = patience = check_count("patience", patience, most=10**6)
        seeds = (check_seed("seed", seed),)
        most = min(_MOST_PATIENCE, setting.epochs)
        limits = {"low": 1, "high": most, "most": max(patience, setting.epochs)}
        self.patience = count_box(WORDS["patience"], patience, **limits)
        question = WORDS["guess"].format(patience)
        self.ask(predict, question, W.IntSlider, 0, 0, setting.epochs)
        self.build(self.patience, self.buttons(stop=self.stop))
        self.on_change(self._draw, self.patience)
        self.live.run_now(self.train(dataset, setting, seeds, self._show_runs))

    def _show_runs(self, runs):
        self.run = runs[0, 0]

    @property
    def _guess_fits(self):
        return self.patience.value == self.asked

    @property
    def stop_at(self) -> int:
        return stop_epoch(self.run.val_loss, self.patience.value)

    def _charts(self):
        run, stop, top = self.run, self.stop_at, axis_top([self.run])
        stopped, stops_early = _cut_run(run, stop), stop < run.epochs_done
        curves = (run.train_loss, run.val_loss) if stops_early else ()
        x, y = pad_curves([curve[stop:] for curve in curves], top)
        kept, best = ((r.best_epoch, r.best_val_loss) for r in (stopped, run))
        rest = {"color": "gray", "width": 1.5, "dash": ["dashed", None]}
        rest["label"] = [CHART["train"], CHART["val"]]
        halt = {"color": "orange", "dash": "dotted", "width": 2.5}
        mine = {"dash": "dashed", "width": 2.5, "label": WORDS["mine"]}
        label = "" if kept == best else WORDS["best"]
        marks = [
            line(stop + x, y, **rest),
            rule([stop] * stops_early, label=WORDS["stop"], **halt),
            points(*best, color="orange", shape="diamond", label=label),
            rule(self.guesses, color="purple", **mine),
        ]
        options = {"top": top, "lowest": WORDS["kept"], "named": not stops_early}
        alt = WORDS["alt"].format(run.epochs_done, stop, *kept, *best)
        return [loss_chart(stopped, alt=alt, marks=marks, **options)]

    def _summary(self, running):
        run, stop = self.run, self.stop_at
        facts = {"run": run, "patience": self.patience.value}
        if running:
            return WORDS["going"].format(**facts)
        kept = _cut_run(run, stop)
        same = (stop, kept.best_epoch) == (run.epochs_done, run.best_epoch)
        halted = "" if run.ended else WORDS["halted"].format(**facts)
        return halted + WORDS["never" if same else "says"].format(**facts, kept=kept)

    def _table(self):
        rows = []
        for patience in range(1, min(_MOST_PATIENCE, self.run.epochs_done) + 1):
            stop = stop_epoch(self.run.val_loss, patience)
            kept = _cut_run(self.run, stop)
            stops = stop if stop < self.run.epochs_done else np.nan  # never: empty
            row = {"patience": patience, "stops": stops, "keeps": kept.best_epoch}
            rows.append(row | {"val_loss": kept.best_val_loss})
        return rows

    def _code(self):
        setting = self.setting.but(patience=self.patience.value)
        end = f"run.epochs_done, run.best_epoch  {WORDS['code']}"
        return code_of_run(replace(self.run, setting=setting), end)
