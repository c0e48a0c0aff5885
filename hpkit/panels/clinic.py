"""`ClinicPanel`: sick trainings; name the fault, and see whether a remedy helps."""

from __future__ import annotations

import html
from dataclasses import dataclass

import ipywidgets as W
import numpy as np

from hpkit.charts.loss import loss_chart
from hpkit.data.datasets import Dataset, load_dataset
from hpkit.engine.training import train
from hpkit.hyperparameters import Hyperparameters, check_seed
from hpkit.locale import Texts
from hpkit.panels.live import FRAME
from hpkit.panels.panel import Panel
from hpkit.panels.parts import buttons, code_of_run, head_of, named, say
from hpkit.text import named_value

WORDS = Texts("panels.clinic")
HELPS = {
    "slow": "higher",
    "bouncing": "lower",
    "diverged": "lower",
    "overfitting": "decay",
    "early": "longer",
    "unlucky": "seed",
    "training": "validation",
}
DECAYS = 0.0, 0.003, 0.01, 0.03  # weight decays tried before one of them was chosen
CURED = 0.8  # of the loss before: what lies above counts as no help
SEEDS = 40  # among which an unlucky one is looked for
OTHERS = 4  # seeds shown beside the patient
TAUGHT = 3  # first patients: with a fault whose shape lesson 01 has shown


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
        setting = self.setting
        if remedy == "seed":
            return [setting], self.seed + 1
        if remedy == "validation" and self.tried:
            return [setting.but(weight_decay=decay) for decay in self.tried], self.seed
        changes = {
            "higher": {"lr": 100 * setting.lr},
            "lower": {"lr": setting.lr / 100},
            "longer": {"epochs": setting.epochs + 100},
            "decay": {"weight_decay": setting.weight_decay + 0.01},
        }
        return [setting.but(**changes.get(remedy, {}))], self.seed


def last_losses(runs, curve="val_loss"):
    """Return the losses at the end of trainings: (settings, seeds), inf if diverged."""
    losses = getattr(runs, curve)[..., -1]
    return np.where(runs.diverged | np.isnan(losses), np.inf, losses)


def trained(dataset, settings, seeds):
    """Train to the end."""
    *_, runs = train(dataset, settings, seeds=seeds)
    return runs


def draw_patient(rng, faults=tuple(HELPS)) -> Patient:
    """Return the next patient of a `numpy.random.Generator`, each fault as often.

    Those whose fault does not show are sent home: a bouncing one that ends low, say.
    """
    fault = str(rng.choice(faults))
    while True:
        name = str(rng.choice(["moons", "circles"]))
        seed = int(rng.integers(1000))
        setting = Hyperparameters(lr=0.3, batch_size=20, hidden=(16,), epochs=60)
        tried = ()
        if fault == "slow":
            setting = setting.but(lr=float(rng.choice([0.0003, 0.0005, 0.001])))
        elif fault == "bouncing":
            setting = setting.but(lr=float(rng.choice([5, 6, 7])))
        elif fault == "diverged":
            setting = setting.but(lr=float(rng.choice([20, 30, 40])))
        elif fault == "early":
            setting = setting.but(epochs=int(rng.integers(3, 7)))
        elif fault == "unlucky":
            name, setting = "circles", setting.but(hidden=(6,), epochs=100)
        else:
            large = {"lr": 0.1, "momentum": 0.9, "batch_size": 10, "hidden": (64, 64)}
            name, setting = "small_moons", Hyperparameters(**large, epochs=100)
            tried = DECAYS if fault == "training" else ()
        drawn = int(rng.integers(10**6))
        dataset = load_dataset(name, seed=drawn)
        if fault == "unlucky":
            seeds = range(seed, seed + SEEDS + 1)  # the last one treats
            losses = last_losses(trained(dataset, [setting], seeds))[0]
            worst = int(losses[:SEEDS].argmax())
            usual, seed = np.quantile(losses, 0.9), seed + worst
            shows = losses[worst] > 2 * max(usual, losses[worst + 1])
        elif tried:
            settings = [setting.but(weight_decay=decay) for decay in tried]
            runs = trained(dataset, settings, [seed])
            chosen = int(last_losses(runs, "train_loss").argmin())
            setting, losses = settings[chosen], last_losses(runs)
            shows = losses.min() < 0.7 * losses[chosen, 0]
        else:
            run = trained(dataset, [setting], [seed])[0, 0]
            late = run.val_loss[len(run.val_loss) // 2 :]
            shows = {
                "diverged": run.diverged,
                "bouncing": not run.diverged and late.min() > 0.2,
                "overfitting": run.val_loss[-1] > 1.4 * run.best_val_loss,
            }.get(fault, True)
        if shows:
            return Patient(fault, dataset, drawn, setting, seed, tried)


class ClinicPanel(Panel):
    """Look at a sick training, name its fault, and try a remedy on it at once.

    Every patient is a fresh data set with a seed and a fault of its own: too slow,
    bouncing, diverged, overfitting, stopped too early, an unlucky seed, or chosen by
    its training loss. There is always a next one.

    Parameters
    ----------
    seed : int, default 0
        Of the row of patients.
    title : str, optional

    Attributes
    ----------
    patient : Patient
        With its `fault`.
    run, treated : Run or None
        The sick training, and the one after the remedy.

    Examples
    --------
    >>> panel = ClinicPanel().wait()
    >>> panel.fault.value, panel.remedy.value = panel.patient.fault, "lower"
    >>> panel.treat_button.click()
    >>> panel.wait().treated is not None
    True
    """

    kind = "clinic"
    words = WORDS

    def __init__(self, *, seed: int = 0, title: str | None = None) -> None:
        super().__init__(None, title)
        self._rng = np.random.default_rng(check_seed("seed", seed))
        self.patient = self.run = self.treated = None
        self.others, self.rows, self.number, self._first = [], [], 0, True
        self.record = W.HTML()
        self.fault = self._choice("fault", "faults", HELPS)
        self.remedy = self._choice("remedy", "remedies", dict.fromkeys(HELPS.values()))
        self.treat_button = self.button("treat", self._treat, "primary")
        self.next_button = self.button("next", self._next)
        lists = [self.fault, self.remedy]
        lists = [w for each in lists for w in (say(head_of(each.tooltip)), each)]
        treat = buttons(self.treat_button, self.stop_button)
        self.build([self.record, *lists, treat, buttons(self.next_button)])
        self.live.now(self._admitting())

    def _choice(self, name, many, keys):
        options = [(WORDS["choose"], None), *((WORDS[many][key], key) for key in keys)]
        choice = named(W.Dropdown(options=options), WORDS[name])
        choice.layout.width = "calc(100% - 8px)"
        return choice

    def _next(self):
        self.live.start(self._admitting())

    def _admitting(self):
        """Draw the next patient and train it with other seeds (a job)."""
        with self.live.lock, self.quietly():
            self.patient = self.run = self.treated = None
            self.others, self._first, self.number = [], True, self.number + 1
            self.fault.value = self.remedy.value = None
        yield
        faults = list(HELPS)[: 4 if self.number <= TAUGHT else None]
        patient = draw_patient(self._rng, faults)
        seeds = range(patient.seed, patient.seed + OTHERS + 1)
        job = train(patient.dataset, patient.setting, seeds=seeds, tick=FRAME)
        try:
            for runs in job:
                self.patient, self.run = patient, runs[0, 0]
                self.others = [runs[0, n] for n in range(1, len(seeds))]
                yield
        except GeneratorExit:  # stopped: half a patient has another fault
            self.patient = self.run = None
            raise

    def _treat(self):
        if self.run is None or self.live.busy:
            return
        if None in (self.fault.value, self.remedy.value):
            self.say(WORDS["both"])
            return
        self.live.start(self._treating(self.fault.value, self.remedy.value))

    def _treating(self, named, remedy):
        """Train the patient after a remedy and note how it went (a job)."""
        settings, seed = self.patient.treated(remedy)
        job = train(self.patient.dataset, settings, seeds=[seed], tick=FRAME)
        try:
            for runs in job:
                self.treated = runs[0, 0]
                yield
        except GeneratorExit:  # stopped: half a remedy proves nothing
            self.treated = None
            raise
        chosen = int(last_losses(runs).argmin())
        self.treated = runs[chosen, 0]
        row = {"patient": self.number, "fault": self.patient.fault, "named": named}
        row |= {"remedy": remedy, "loss_before": end_of(self.run)}
        row |= {"loss_after": end_of(self.treated), "first_try": self._first}
        self.rows.append(row)
        self._first = False
        yield

    def _update(self, running):
        self.treat_button.disabled = running or self.run is None
        right = [r["fault"] == r["named"] for r in self.rows if r["first_try"]]
        in_a_row = right[::-1].index(False) if False in right else len(right)
        said = WORDS["score"].format(in_a_row, sum(right), len(right))
        self.status.value = said if right else ""
        if self.patient is None:
            return
        names = ("lr", "batch_size", "epochs", "hidden", "momentum", "weight_decay")
        setting = self.patient.setting
        said = [named_value(name, getattr(setting, name)) for name in names]
        tried = ", ".join(f"{decay:g}" for decay in self.patient.tried)
        history = WORDS["history" if tried else "alone"].format(tried)
        data = self.patient.dataset
        data = WORDS["data"].format(name=data.name, n=data.n_train)
        items = "".join(f"<li>{html.escape(text)}</li>" for text in (data, *said))
        self.record.value = (
            f"<b>{WORDS['patient'].format(self.number)}</b><ul class='hp-record'>"
            f"{items}</ul><p>{history}</p>"
        )

    def _pictures(self):
        if self.run is None:
            return self.charts.charts
        treated = [] if self.treated is None else [self.treated]
        alt = WORDS["alt"].format(end_of(self.run, "train_loss"), end_of(self.run))
        look = {"faded": self.others, "faded_are": WORDS["others"], "alt": alt}
        end = max(run.setting.epochs for run in (self.run, *treated))
        treated = [(run, "green", WORDS["treated"]) for run in treated]
        return [loss_chart(self.run, pinned=treated, end=end, **look)]

    def _sentence(self, running):
        if self.run is None:
            return WORDS["admitting" if running else "stopped"]
        if running:
            return WORDS["training"]
        if self.treated is None or not self.rows or self._first:
            return WORDS["ask"]
        note = self.rows[-1]
        right, clue = note["named"] == note["fault"], WORDS["clues"][note["fault"]]
        said = WORDS["right" if right else "wrong"].format(
            named=WORDS["faults"][note["named"]], clue=clue
        )
        nothing = note["remedy"] == "validation" and not self.patient.tried
        lost = np.isnan([note["loss_before"], note["loss_after"]]).all()
        key = "helped" if self._helped(note) else "nothing" if nothing else "no_help"
        key = "still" if lost and not nothing else key
        return f"{said} " + WORDS[key].format(
            remedy=WORDS["remedies"][note["remedy"]],
            before=loss_text(note["loss_before"]),
            after=loss_text(note["loss_after"]),
        )

    def _helped(self, note):
        before, after = np.nan_to_num(
            [note["loss_before"], note["loss_after"]], nan=np.inf
        )
        return after < CURED * before

    def _table(self):
        return self.rows

    def code(self):
        """Return the cell that trains the patient."""
        if self.run is None:
            return ""
        name, drawn = self.patient.dataset.name, self.patient.drawn
        top, _, data, *rest = code_of_run(self.run).splitlines()
        data = f'data = hk.load_dataset("{name}", seed={drawn})'
        return "\n".join([top, "", data, *rest])


def end_of(run, curve="val_loss"):
    """Return the loss at the end of a training, nan if it diverged."""
    return np.nan if run.diverged else float(getattr(run, curve)[-1])


def loss_text(loss):
    """Return a loss in words."""
    return f"{loss:.3g}" if np.isfinite(loss) else WORDS["diverged"]
