"""`ClinicPanel`: sick trainings; name the fault, and see whether a remedy helps."""

import html
from dataclasses import dataclass
from functools import partial

import ipywidgets as W
import numpy as np

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
FAULTS = {  # fault: what helps, data, setting; of a list one value is drawn
    "slow": ("higher", None, {"lr": [0.0003, 0.0005, 0.001]}),
    "bouncing": ("lower", None, {"lr": [5.0, 6.0, 7.0]}),
    "diverged": ("lower", "digits", {"lr": [3.0, 5.0, 7.0], "epochs": 20}),
    "overfitting": ("decay", "small_moons", _LARGE),
    "early": ("longer", None, {"epochs": [3, 4, 5, 6]}),
    "unlucky": ("seed", "circles", {"hidden": (6,), "epochs": 100}),
    "training": ("validation", "small_moons", _LARGE),
}
DECAYS = 0.0, 0.003, 0.01, 0.03  # weight decays tried before one of them was chosen
CURED = 0.8  # of the loss before: what lies above counts as no help
SEEDS = 40  # among which an unlucky one is looked for
_HIGHEST_LOSS = 6  # that a chart grows for
OTHERS = 4  # seeds shown beside the patient
_ROW = ["patient", "named", "right", "remedy", "loss_before", "loss_after"]
_LISTED = ("lr", "batch_size", "epochs", "hidden", "momentum", "weight_decay")


@dataclass(frozen=True)
class Patient:
    """A training with a fault, and what else its doctor did."""

    fault: str
    dataset: Dataset
    drawn: int  # seed of the data set
    setting: Hyperparameters
    seed: int = 0
    tried: tuple[float, ...] = ()  # weight decays

    def treated(self, remedy: str) -> tuple:
        """Return the settings that a remedy trains, and their seed."""
        setting, tried = self.setting, self.tried if remedy == "validation" else ()
        changes = {
            "higher": {"lr": 100 * setting.lr},
            "lower": {"lr": setting.lr / 100},
            "longer": {"epochs": setting.epochs + 100},
            "decay": {"weight_decay": setting.weight_decay + 0.01},
        }
        changed = [setting.but(weight_decay=decay) for decay in tried]
        changed = changed or [setting.but(**changes.get(remedy, {}))]
        return changed, self.seed + (remedy == "seed")


def last_losses(runs, curve="val_loss"):
    """Return the losses at the end of trainings: (settings, seeds), inf if diverged."""
    losses = getattr(runs, curve)[..., -1]
    return np.where(runs.diverged | np.isnan(losses), np.inf, losses)


def draw_patient(rng, faults=tuple(FAULTS)):
    """Yield runs of candidates while they train, and at last the `Patient`."""
    # Each fault comes as often; `rng` is a `numpy.random.Generator`. A candidate whose
    # fault does not show, a bouncing one that ends low, say, is followed by the next.
    fault, shows = str(rng.choice(faults)), False
    _, always, look = FAULTS[fault]
    tried = DECAYS if fault == "training" else ()
    while not shows:
        name, seed = str(rng.choice(["moons", "circles"])), int(rng.integers(1000))
        values = {n: rng.choice(v).item() for n, v in look.items() if type(v) is list}
        setting, drawn = _HEALTHY.but(**look | values), int(rng.integers(10**6))
        dataset = load_dataset(always or name, seed=drawn)
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
        elif fault == "bouncing":
            shows = not run.diverged and run.val_loss[30:].min() > 0.2  # of 60 epochs
        else:
            shows = fault != "overfitting" or run.val_loss[-1] > 1.4 * run.best_val_loss
    yield Patient(fault, dataset, drawn, setting, seed, tried)


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
        self.patient = self.run = self.treated = None
        self.others, self.rows, self.number, self._seen_faults = [], [], 0, []
        self.record = W.HTML()
        self.fault, fault = self._choice("fault", WORDS["faults"])
        self.remedy, remedy = self._choice("remedy", WORDS["remedies"])
        treat = self.buttons(treat=self._treat, stop=self.stop)
        self.build(self.record, fault, remedy, treat, self.buttons(next=self.admit))
        self.live.now(self._admitting())

    def _choice(self, name, texts):
        options = [(text, key) for key, text in texts.items()]
        return dropdown([(WORDS["choose"], ""), *options], WORDS[name])

    def admit(self) -> None:
        """Let the next patient come in."""
        self.live.start(self._admitting())

    def _admitting(self):
        """Draw the next patient and train it with other seeds (a job)."""
        with self.live.lock, self.quietly():
            self.number += self.has_result or not self.number  # not for a double click
            self._admit(None, None)
            self.fault.value = self.remedy.value = ""
        yield
        # The first ones have a fault whose shape lesson 01 has shown, then come others.
        new = [fault for fault in FAULTS if fault not in self._seen_faults]
        faults = new[:-3] if self.number <= 3 else new[1:2] or tuple(FAULTS)
        for patient in draw_patient(self._rng, faults):
            yield patient
        self._seen_faults.append(patient.fault)
        seeds = range(patient.seed, patient.seed + OTHERS + 1)
        shown = partial(self._admit, patient)
        yield from self._shown(patient.dataset, [patient.setting], seeds, shown)

    def _admit(self, patient, runs):
        self.patient, self.treated = patient if runs else None, None
        self.run, *self.others = runs or [None]

    def _shown(self, dataset, settings, seeds, show):
        """Train and show it (a job), or nothing: one stopped halfway proves nothing."""
        whole = None
        try:
            whole = yield from self.train(dataset, settings, seeds, show)
        finally:
            show(whole)

    def _treat(self):
        named, remedy = self.fault.value, self.remedy.value
        if not (named and remedy):
            self.show_message(WORDS["both"])
        elif self.has_result and not self.live.busy:
            self.live.start(self._treating(named, remedy))

    def _treating(self, named, remedy):
        """Train the patient after a remedy and note how it went (a job)."""
        settings, seed = self.patient.treated(remedy)

        def lowest(runs):
            chosen = last_losses(runs).argmin() if runs else 0
            self.treated = runs and runs[int(chosen), 0]

        yield from self._shown(self.patient.dataset, settings, [seed], lowest)
        fault, tried = self.patient.fault, self.patient.tried  # which overfits, too
        right = named == fault or (named == "overfitting" and bool(tried))
        # Not the fault: the table would tell it to whoever is to look again.
        ends = _end_of(self.run), _end_of(self.treated)
        row = self.number, named, right, remedy, *ends
        self.rows.append(dict(zip(_ROW, row, strict=True)))
        yield

    def _update(self, running):
        self.treat_button.disabled = not self.has_result  # a second press does nothing
        right = [row["right"] for row in self.rows]
        said = WORDS["score"].format(sum(right), len(right))
        self.status.value = said if right else ""
        if not self.has_result:
            if not running:
                self.record.value = ""  # it was of the patient before
            return
        data, patient = self.patient.dataset, self.patient
        said = [WORDS["data"].format(name=data.name, n=data.n_train)]
        said += [named_value(name, getattr(patient.setting, name)) for name in _LISTED]
        items = "".join(f"<li>{html.escape(text)}</li>" for text in said)
        tried = ", ".join(f"{decay:g}" for decay in patient.tried)
        history = tried and WORDS["history"].format(tried)
        head = f"<b>{WORDS['patient'].format(self.number)}</b>"
        self.record.value = f"{head}<ul class='hp-record'>{items}</ul><p>{history}</p>"

    def _charts(self):
        treated = [] if self.treated is None else [self.treated]
        every = self.run, *self.others, *treated
        ends = _end_of(self.run, "train_loss"), *map(_end_of, every)
        said = _in_words(ends, "gone")  # that names no fault
        alt = WORDS["alt_treated" if treated else "alt"].format(*said, run=self.run)
        look = {"faded": self.others, "faded_are": WORDS["others"], "alt": alt}
        look["end"] = max(run.setting.epochs for run in every)
        treated = [(run, "green", WORDS["treated"]) for run in treated]
        starts = [run.val_loss[0] for run in self.others]  # where they go is no fault
        highest = 1.04 * np.max([*self.run.val_loss, *self.run.train_loss, *starts])
        # A line that leaves the chart is then a diverged one's.
        look["top"] = round_up(highest) if highest <= _HIGHEST_LOSS else None
        chart = loss_chart(self.run, pinned=treated, **look)
        chart.marks[-1].style["label"] = None  # that at the X would name the fault
        return [chart]

    def _summary(self, running):
        if running or self.treated is None:
            return WORDS["treating" if running else "ask"]
        note, fault = self.rows[-1], self.patient.fault
        remedy = note["remedy"]
        losses = np.array([note["loss_before"], note["loss_after"]])
        before, after = np.nan_to_num(losses, nan=np.inf)
        # With another seed the same fault may end lower, by luck.
        lucky = remedy == "seed" and fault != "unlucky"
        if remedy == "validation" and not self.patient.tried:
            end = "nothing"
        elif np.isnan(losses).all():
            end = "still"
        elif lucky or after >= CURED * before:
            end = "no_help"
        elif remedy == "lower" and fault in ("overfitting", "training"):
            end = "slower"
        else:
            end = "helped"
        before, after = _in_words(losses, "diverged")
        facts = {"clue": WORDS["clues"][fault], "before": before, "after": after}
        said = WORDS["right" if note["right"] else "wrong"]
        return f"{said} {WORDS[end]}".format(**facts, remedy=WORDS["remedies"][remedy])

    def frame(self):
        import pandas as pd

        said = {**WORDS["faults"], **WORDS["remedies"]}
        return pd.DataFrame(self.rows, columns=_ROW).replace(said)

    def _code(self):
        data, lines = self.patient.dataset, code_of_run(self.run).splitlines()
        lines[2] = f'data = hk.load_dataset("{data.name}", seed={self.patient.drawn})'
        return "\n".join(lines)


def _end_of(run, curve="val_loss"):
    """Return the loss at the end of a training, nan if it diverged."""
    return np.nan if run.diverged else float(getattr(run, curve)[-1])


def _in_words(losses, none):
    return [WORDS[none] if np.isnan(loss) else digits(loss) for loss in losses]
