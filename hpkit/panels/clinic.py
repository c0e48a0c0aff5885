"""`ClinicPanel`: sick trainings; name the fault, and see whether a remedy helps."""

import html
from dataclasses import dataclass
from functools import partial

import ipywidgets as W
import numpy as np
import pandas as pd

from hpkit.charts.runs import loss_chart, round_up
from hpkit.data.datasets import Dataset, load_dataset
from hpkit.engine.training import train
from hpkit.hyperparameters import Hyperparameters, check_seed
from hpkit.locale import Texts, digits
from hpkit.panels.panel import FRAME, Panel
from hpkit.panels.parts import code_of_run, dropdown
from hpkit.text import named_value

WORDS = Texts("panels.clinic")
_HEALTHY = Hyperparameters(lr=0.3, batch_size=20, hidden=(16,), epochs=60)
_LARGE = dict(lr=0.1, momentum=0.9, batch_size=10, hidden=(64, 64), epochs=100)
FAULTS = {  # fault: remedy, data, changes to _HEALTHY (one value of a list is drawn)
    "slow": ("higher", None, {"lr": [0.0002, 0.0003, 0.0005]}),
    "bouncing": ("lower", None, {"lr": [5.0, 6.0, 7.0]}),
    "diverged": ("lower", "digits", {"lr": [3.0, 5.0, 7.0], "epochs": 20}),
    "overfitting": ("decay", "small_moons", _LARGE),
    "early": ("longer", None, {"epochs": [3, 4, 5, 6]}),
    "unlucky": ("seed", "circles", {"hidden": (6,), "epochs": 100}),
    "training": ("validation", "small_moons", _LARGE),
}
DECAYS = 0.0, 0.003, 0.01, 0.03  # the choices of the doctor of a "training" patient
CURED = 0.8  # a remedy helps if the loss falls below this share of what it was
SEEDS = 40  # the unlucky seed is the worst of so many
_HIGHEST_LOSS = 6  # the chart grows up to here
OTHERS = 4  # seeds shown beside the patient
_ROW = ["patient", "named", "right", "remedy", "loss_before", "loss_after"]
_LISTED = ("lr", "batch_size", "epochs", "hidden", "momentum", "weight_decay")


@dataclass(frozen=True)
class Patient:
    """A run with a fault, and the weight decays that its doctor tried, if any."""

    fault: str
    dataset: Dataset
    data_seed: int
    setting: Hyperparameters
    seed: int = 0
    tried: tuple[float, ...] = ()  # weight decays

    def treat(self, remedy: str) -> tuple:
        """Return the settings to train after a remedy, and their seed."""
        setting = self.setting
        if remedy == "validation" and self.tried:
            return [setting.but(weight_decay=decay) for decay in self.tried], self.seed
        changes = {
            "higher": {"lr": 100 * setting.lr},
            "lower": {"lr": setting.lr / 100},
            "longer": {"epochs": setting.epochs + 100},
            "decay": {"weight_decay": setting.weight_decay + 0.01},
        }
        return [setting.but(**changes.get(remedy, {}))], self.seed + (remedy == "seed")


def last_losses(runs, curve="val_loss"):
    """Return the last loss of a run, or of each of some, inf if it diverged."""
    losses = getattr(runs, curve)[..., -1]
    return np.where(runs.diverged | np.isnan(losses), np.inf, losses)


def draw_patient(rng, faults=tuple(FAULTS)):
    """Yield the runs of candidates while they train, and finally the `Patient`."""
    # All faults are equally likely. A candidate that does not show its fault, such as a
    # bouncing one that ends low, is dropped, and another is drawn.
    fault, shows = str(rng.choice(faults)), False
    _, only_data, changes = FAULTS[fault]
    tried = DECAYS if fault == "training" else ()
    while not shows:
        name, seed = str(rng.choice(["moons", "circles"])), int(rng.integers(1000))
        lists = {n: values for n, values in changes.items() if type(values) is list}
        drawn = {n: rng.choice(values).item() for n, values in lists.items()}
        setting, data_seed = _HEALTHY.but(**changes | drawn), int(rng.integers(10**6))
        dataset = load_dataset(only_data or name, seed=data_seed)
        settings = [setting.but(weight_decay=decay) for decay in tried] or [setting]
        seeds = range(seed, seed + SEEDS + 1) if fault == "unlucky" else [seed]
        for runs in train(dataset, settings, seeds=seeds, tick=FRAME):
            yield runs
        run, losses = runs[0, 0], last_losses(runs)
        if tried:
            chosen = int(last_losses(runs, "train_loss").argmin())
            setting, shows = settings[chosen], losses.min() < 0.7 * losses[chosen, 0]
        elif fault == "unlucky":
            worst = int(losses[0, :SEEDS].argmax())
            usual, seed = np.quantile(losses, 0.9), seed + worst
            shows = losses[0, worst] > 2 * max(usual, losses[0, worst + 1])
        elif fault == "slow":
            shows = run.val_loss[-1] > 0.85 * run.val_loss[0]
        elif fault == "early":
            losses = run.train_loss, run.val_loss
            shows = all(loss[-1] < 0.98 * loss[-2] for loss in losses)
        elif fault == "bouncing":
            shows = not run.diverged and run.val_loss[30:].min() > 0.2  # of 60 epochs
        else:
            shows = fault != "overfitting" or run.val_loss[-1] > 1.4 * run.best_val_loss
    yield Patient(fault, dataset, data_seed, setting, seed, tried)


class ClinicPanel(Panel):
    """Look at a sick training, name its fault, and try a remedy on it at once.

    Every patient is a fresh data set with a seed and a fault of its own: too slow,
    bouncing, diverged, overfitting, stopped too early, an unlucky seed, or chosen by
    its training loss. There is always a next one; `seed` is for their order.

    Examples
    --------
    >>> panel = hk.ClinicPanel().wait(60)
    >>> panel.patient.fault in ("slow", "bouncing", "diverged", "overfitting")
    True
    """

    kind, words, newest_first = "clinic", WORDS, True

    def __init__(self, *, seed: int = 0, title: str | None = None) -> None:
        super().__init__(None, title)
        self._rng = np.random.default_rng(check_seed("seed", seed))
        self._show_patient(None, None)
        self.rows, self.number, self._seen_faults = [], 0, []
        self.record = W.HTML()
        self.fault, fault = self._dropdown("fault", WORDS["faults"])
        self.remedy, remedy = self._dropdown("remedy", WORDS["remedies"])
        treat = self.buttons(treat=self._treat, stop=self.stop)
        self.build(self.record, fault, remedy, treat, self.buttons(next=self.admit))
        self.live.run_now(self._admit_next())

    def _dropdown(self, name, texts):
        options = [(text, key) for key, text in texts.items()]
        return dropdown([(WORDS["choose"], ""), *options], WORDS[name])

    def admit(self) -> None:
        """Let the next patient come in."""
        self.live.start(self._admit_next())

    def _admit_next(self):
        """Draw the next patient and train it with other seeds, too (a job)."""
        with self.live.lock, self.quietly():
            if self.has_result or not self.number:  # else it is a double click
                self.number += 1
            self._show_patient(None, None)
            self.fault.value = self.remedy.value = ""
        yield
        # Begin with the faults whose curves lesson 01 has shown.
        new = [fault for fault in FAULTS if fault not in self._seen_faults]
        faults = new[:-3] if self.number <= 3 else new[1:2] or new or tuple(FAULTS)
        for patient in draw_patient(self._rng, faults):  # the last; before it, `Runs`
            yield patient
        seeds = range(patient.seed, patient.seed + OTHERS + 1)
        show = partial(self._show_patient, patient)
        yield from self._train_all(patient.dataset, [patient.setting], seeds, show)
        self._seen_faults.append(patient.fault)  # not if it was stopped

    def _show_patient(self, patient, runs):
        self.patient = patient if runs else None
        self.run, *self.others = runs or [None]
        self.treated = None

    def _train_all(self, dataset, settings, seeds, show):
        """Train to the end and `show` it (a job); show None if it was stopped."""
        runs = None  # a training stopped halfway proves nothing
        try:
            runs = yield from self.train(dataset, settings, seeds, show)
        finally:
            show(runs)

    def _treat(self):
        named, remedy = self.fault.value, self.remedy.value
        if not (named and remedy):
            self.show_message(WORDS["both"])
        elif self.has_result and not self.live.busy:
            self.live.start(self._train_treated(named, remedy))

    def _train_treated(self, named, remedy):
        """Train the patient after a remedy and add a row for it (a job)."""
        settings, seed = self.patient.treat(remedy)

        def show_best(runs):
            best = last_losses(runs).argmin() if runs else 0
            self.treated = runs and runs[int(best), 0]

        yield from self._train_all(self.patient.dataset, settings, [seed], show_best)
        overfits = named == "overfitting" and bool(self.patient.tried)
        right = named == self.patient.fault or overfits
        # Without the fault: the table would give it away to whoever tries again.
        ends = float(last_losses(self.run)), float(last_losses(self.treated))
        row = self.number, named, right, remedy, *ends
        self.rows.append(dict(zip(_ROW, row, strict=True)))
        yield

    def _update(self, running):
        self.treat_button.disabled = not self.has_result  # a second press does nothing
        right = {(row["patient"], row["named"]): row["right"] for row in self.rows}
        score = WORDS["score"].format(sum(right.values()), len(right))
        self.status.value = score if right else ""
        if not self.has_result:
            if not running:
                self.record.value = ""  # of the patient before
            return
        data, setting = self.patient.dataset, self.patient.setting
        facts = [WORDS["data"].format(name=data.name, n=data.n_train)]
        facts += [named_value(name, getattr(setting, name)) for name in _LISTED]
        items = "".join(f"<li>{html.escape(fact)}</li>" for fact in facts)
        tried = ", ".join(f"{decay:g}" for decay in self.patient.tried)
        history = tried and WORDS["history"].format(tried)
        head = f"<b>{WORDS['patient'].format(self.number)}</b>"
        self.record.value = f"{head}<ul class='hp-record'>{items}</ul><p>{history}</p>"

    def _charts(self):
        treated = [] if self.treated is None else [self.treated]
        runs = self.run, *self.others, *treated
        losses = last_losses(self.run, "train_loss"), *map(last_losses, runs)
        texts = _loss_texts(losses, "gone")  # a word that does not name the fault
        alt = WORDS["alt_treated" if treated else "alt"].format(*texts, run=self.run)
        options = {"faded": self.others, "faded_label": WORDS["others"], "alt": alt}
        options["end"] = max(run.setting.epochs for run in runs)
        options["pinned"] = [(run, "green", WORDS["treated"]) for run in treated]
        # Curves fit below this top, up to the highest loss.
        whole = [self.run, *(run for run in treated if not run.diverged)]
        curves = [curve for run in whole for curve in (run.val_loss, run.train_loss)]
        starts = [run.val_loss[0] for run in self.others]
        highest = 1.04 * np.max(np.concatenate([*curves, starts]))
        if np.isfinite(highest):
            options["top"] = round_up(min(highest, _HIGHEST_LOSS))
        chart = loss_chart(self.run, **options)
        chart.marks[-1].style["label"] = None  # the label at the X names the fault
        return [chart]

    def _summary(self, running):
        if running or self.treated is None:
            return WORDS["treating" if running else "ask"]
        row, fault = self.rows[-1], self.patient.fault
        remedy, before, after = row["remedy"], row["loss_before"], row["loss_after"]
        # Others may end lower by luck, or a little, with the fault still there.
        cures = FAULTS[fault][0], "decay" if self.patient.tried else ""
        if remedy == "validation" and not self.patient.tried:
            end = "nothing"
        elif np.isinf([before, after]).all():
            end = "still"
        elif after >= CURED * before:
            end = "no_help"
        elif remedy == "lower" and fault in ("overfitting", "training"):
            end = "slower"
        else:
            end = "helped" if remedy in cures else "less"
        text = f"{WORDS['right' if row['right'] else 'wrong']} {WORDS[end]}"
        facts = {"clue": WORDS["clues"][fault], "remedy": WORDS["remedies"][remedy]}
        facts["before"], facts["after"] = _loss_texts([before, after], "diverged")
        return text.format(**facts)

    def frame(self):
        texts = {**WORDS["faults"], **WORDS["remedies"]}
        return pd.DataFrame(self.rows, columns=_ROW).replace(texts)

    def _code(self):
        name, seed = self.patient.dataset.name, self.patient.data_seed
        lines = code_of_run(self.run).splitlines()
        lines[2] = f'data = hk.load_dataset("{name}", seed={seed})'
        return "\n".join(lines)


def _loss_texts(losses, diverged):
    return [WORDS[diverged] if np.isinf(loss) else digits(loss) for loss in losses]
