"""`TrainingPanel`: choose a setting, see it train, compare it with the runs before."""

import html
import math
import time
from dataclasses import dataclass

import ipywidgets as W

from hpkit.panels.charts import LossChart, MapChart
from hpkit.panels.code import code_of_run
from hpkit.panels.controls import NAMES, Controls
from hpkit.panels.live import FRAME
from hpkit.panels.panel import WORDS as SHARED
from hpkit.panels.panel import Panel, button, say
from hpkit.panels.stills import still_training
from hpkit.panels.style import PINNED
from hpkit.results import Run, Runs
from hpkit.settings import Hyperparameters, check_count
from hpkit.training import check_settings, train

WORDS = {
    "title": "Train a network on {}",
    "train": "Train",
    "train_tip": "Train with the values shown",
    "reset": "Reset",
    "reset_tip": "Back to the first values; runs that are not pinned are removed",
    "seed": "seed",
    "same": "same",
    "new": "new",
    "same_tip": "Every run starts from the same first weights",
    "new_tip": "Every run starts from other first weights",
    "runs": "Runs",
    "runs_tip": "All runs so far; arrow keys show them one by one",
    "pin": "Pin",
    "pin_tip": "Keep the chosen run in color",
    "remove": "Remove",
    "remove_tip": "Remove the chosen run",
    "name": "Name of the chosen run",
    "legend": (
        "<span class='hp-key hp-dash'></span>training"
        "<span class='hp-key'></span>validation"
        "<span class='hp-key hp-old'></span>earlier"
        "<span class='hp-mark'>○</span>lowest"
    ),
    "map": "what the network says, epoch {}",
    "training": "epoch {done} of {epochs}",
    "ready": "{seconds:.2g} s for {done} epochs",
    "slow": "trains when you let go, about {seconds:.1g} s",
    "now": "Training, epoch {done} of {epochs}: validation loss <b>{last:.3g}</b>",
    "best": "Lowest validation loss <b>{best:.3g}</b> at epoch {at} of {epochs}",
    "stopped": "Stopped at epoch {done} of {epochs}: lowest validation loss "
    "<b>{best:.3g}</b> at epoch {at}",
    "diverged": "<b>Diverged</b> (✕): the loss grew instead of falling. A smaller "
    "learning rate is the usual way out",
    "with": " ({setting}).",
    "leader": " Best of {n} runs: run {number} with {best:.3g}.",
    "self": " The best of {n} runs.",
    "columns": ("run", "seed", "lowest", "at epoch", ""),
    "short": {"lr": "lr", "batch_size": "batch", "weight_decay": "decay",
              "hidden": "width", "optimizer": "optim."},
    "out": "diverged",
    "none": "nothing was trained yet",
}  # fmt: skip
HEIGHT = 270  # pixels of a chart
QUICK = 0.5  # seconds: trainings shorter than this follow the slider
REST = 0.4  # seconds without a move after which a run counts as chosen


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


class TrainingPanel(Panel):
    """Train one setting at a time and compare it with the ones before.

    Parameters
    ----------
    dataset : Dataset
    base : Hyperparameters, default Hyperparameters()
        The first values; those without a control keep them.
    controls : sequence of str, default ("lr", "batch_size", "epochs")
        Which hyperparameters can be moved; also "momentum", "weight_decay",
        "optimizer", "hidden" (the width of the hidden layers), "activation".
    preset : sequence of Hyperparameters, default ()
        Trained and pinned before the first setting, to compare with.
    title : str, optional
    seed : int, default 0
    model : function, optional
        As in `hpkit.training.train`.

    Attributes
    ----------
    runs : Runs
        All runs of the list; `run` is the one shown.
    error : Exception or None

    Raises
    ------
    ValueError, TypeError
        For values outside their range, before anything is shown.

    Notes
    -----
    The first setting is trained when the panel is made. `panel.wait()` waits for a
    training, `panel.stop()` ends it.

    Examples
    --------
    >>> from hpkit.datasets import load_dataset
    >>> panel = TrainingPanel(load_dataset("moons"), Hyperparameters(lr=0.3, epochs=5))
    >>> panel.controls["lr"].slider.value = 0.1
    >>> panel.wait().run.setting.lr
    0.1
    >>> len(panel.runs)
    2
    """

    kind = "training"

    def __init__(
        self, dataset, base=None, *, controls=("lr", "batch_size", "epochs"),
        preset=(), title=None, seed=0, model=None,
    ):  # fmt: skip
        base = Hyperparameters() if base is None else base
        title = title or WORDS["title"].format(getattr(dataset, "name", ""))
        super().__init__(dataset, title=title, kind_key=(controls, base))
        check_settings([base, *preset], dataset)
        self.first = base, check_count("seed", seed, low=0, hint="try 0")
        self.seed, self.model = seed, model
        self.kept, self.now, self.chosen = [], None, None
        self.per_update = self.job_seconds = 0.0
        self.mapped = (None, 0.0)
        self.controls = Controls(dataset, base, controls)
        self._build()
        for setting in preset:
            self.live.now(self._training(setting, seed))
            self.live.wait()
            self._pin(self.chosen)
        self.live.now(self._training(base, seed))

    # ---- the parts -----------------------------------------------------------------

    def _build(self):
        """Make the widgets and tie them to what they do."""
        self.train_button = button(WORDS["train"], WORDS["train_tip"], "primary")
        self.stop_button = button(SHARED["stop"], SHARED["stop_tip"])
        self.stop_button.add_class("hp-stop")
        self.reset_button = button(WORDS["reset"], WORDS["reset_tip"])
        buttons = W.HBox([self.train_button, self.stop_button, self.reset_button])
        buttons.add_class("hp-buttons")
        self.seeds = W.ToggleButtons(
            options=[WORDS["same"], WORDS["new"]],
            tooltips=[WORDS["same_tip"], WORDS["new_tip"]],
        )  # fmt: skip
        self.seeds.style.button_width = "62px"
        seed = W.HBox(
            [say(f"<span class='hp-name'>{WORDS['seed']}</span>"), self.seeds]
        )
        seed.add_class("hp-row")
        left = W.VBox([self.controls.box, seed, buttons])
        left.layout = W.Layout(width="216px", min_width="216px", margin="0 8px 0 0")
        self.chart, self.map = LossChart(height=HEIGHT), None
        middle = W.VBox([say(WORDS["legend"], "hp-muted"), self.chart.figure])
        middle.layout = W.Layout(flex="1 1 0", min_width="0")
        body = [left, middle]
        if self.dataset.n_features == 2 and not self.dataset.is_regression:
            self.map = MapChart(self.dataset, height=HEIGHT)
            self.map_title = say("", "hp-muted")
            right = W.VBox([self.map_title, self.map.figure])
            right.layout = W.Layout(width="30%", min_width="0")
            body.append(right)
        self.build(W.HBox(body), [(WORDS["runs"], self._list())])
        self.on_click(self.train_button, self._train_clicked)
        self.on_click(self.stop_button, self.stop)
        self.on_click(self.reset_button, self.reset)
        self.controls.observe(self._guarded(self._moved))

    def _list(self):
        """Return the list of runs with what can be done to them."""
        self.columns = say("", "hp-muted")
        self.list = W.Select(options=[], tooltip=WORDS["runs_tip"])
        self.list.layout = W.Layout(width="100%", height="112px")
        self.list.add_class("hp-mono")
        rows = W.VBox([self.columns, self.list])
        rows.layout = W.Layout(flex="1 1 0", min_width="0")
        self.name = W.Text(placeholder=WORDS["name"], tooltip=WORDS["name"])
        self.name.layout.width = "176px"
        self.pin_button = button(WORDS["pin"], WORDS["pin_tip"])
        self.remove_button = button(WORDS["remove"], WORDS["remove_tip"])
        pair = W.HBox([self.pin_button, self.remove_button])
        pair.add_class("hp-buttons")
        side = W.VBox([self.name, pair])
        side.layout = W.Layout(width="190px", margin="18px 0 0 10px")
        self.on_change(self.list, self._chosen_in_list)
        self.on_change(self.name, self._named)
        self.on_click(self.pin_button, lambda: self._pin(self.chosen))
        self.on_click(self.remove_button, self._remove)
        return W.HBox([rows, side])

    # ---- training ------------------------------------------------------------------

    def _training(self, setting, seed, *, rest=False):
        """Train one setting (a job); with `rest`, keep it if no newer one comes."""
        done = False
        try:
            runs = train(
                self.dataset, setting, seeds=(seed,), model=self.model, tick=FRAME
            )
            for found in runs:
                self.now = Kept(found[0, 0], len(self.kept) + 1)
                yield
            done = True
            until = time.perf_counter() + REST
            while rest and time.perf_counter() < until and not self.live.asked:
                time.sleep(0.02)
                yield False
        finally:
            with self.live.lock:
                if (
                    self.now
                    and not self.live.asked
                    and (done or self.now.run.epochs_done)
                ):
                    self._keep(self.now.run)
                self.now = None

    def _keep(self, run):
        """Add a run to the list; the same setting and seed again replaces it."""
        updates = run.epochs_done * self._updates(run.setting)
        if updates:
            self.per_update = run.fit_time / updates
        key = (run.setting, run.seed)
        same = [k for k in self.kept if (k.run.setting, k.run.seed) == key]
        if same:
            self.chosen = same[0]
            self.chosen.run = run
        else:
            number = 1 + max((k.number for k in self.kept), default=0)
            self.chosen = Kept(run, number)
            self.kept.append(self.chosen)
        if self.seeds.value == WORDS["new"]:
            self.seed += 1
        self._fill_list()

    def _updates(self, setting):
        """Return the updates of the weights in an epoch."""
        return math.ceil(len(self.dataset.train.y) / setting.batch_size)

    def seconds(self, setting):
        """Return about how long a training of the setting takes, from the last one."""
        return self.per_update * self._updates(setting) * setting.epochs

    def _start(self, *, rest, replace):
        """Start a training of what the controls show."""
        setting = self.controls.setting
        self.error = None
        self.job_seconds = self.seconds(setting)
        self.controls.continuous = self.job_seconds < QUICK
        self.live.start(self._training(setting, self.seed, rest=rest), replace=replace)

    def _moved(self):
        """Follow a control; a short training that runs may end first."""
        self._start(rest=True, replace=self.job_seconds >= QUICK)

    def _train_clicked(self):
        self._start(rest=False, replace=True)

    def reset(self):
        """Go back to the first values; runs that are not pinned are removed."""
        with self.quietly():
            self.kept = [k for k in self.kept if k.color]
            self.chosen = None
            self.controls.setting, self.seed = self.first
            self.seeds.value = WORDS["same"]
            self._fill_list()
            self._start(rest=False, replace=True)

    # ---- the list of runs ----------------------------------------------------------

    @property
    def runs(self):
        """All runs of the list as `Runs`."""
        with self.live.lock:
            return Runs.of([k.run for k in self.kept])

    @property
    def run(self):
        """The `Run` shown: the one in training, else the chosen one."""
        with self.live.lock:
            shown = self.now or self.chosen
            return shown.run if shown else None

    def _fill_list(self):
        """Show the runs as rows of text."""
        rows = [self._row(k) for k in self.kept]
        heads = [WORDS["columns"][0], *map(short, self.controls.knobs)]
        table = [(*heads, *WORDS["columns"][1:]), *rows]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = [
            "\u00a0\u00a0".join(
                cell.rjust(w) if n < len(row) - 1 else cell
                for n, (cell, w) in enumerate(zip(row, widths, strict=True))
            ).replace(" ", "\u00a0")
            for row in table
        ]
        with self.quietly():
            self.columns.value = f"<pre class='hp-mono'>{html.escape(lines[0])}</pre>"
            at = self.kept.index(self.chosen) if self.chosen in self.kept else None
            self.list.options = [(line, k.number) for line, k in
                                 zip(lines[1:], self.kept, strict=True)]  # fmt: skip
            self.list.index = at
            self.name.value = self.chosen.name if self.chosen else ""

    def _row(self, kept):
        """Return the cells of one run."""
        run = kept.run
        values = [text_of(getattr(run.setting, name)) for name in self.controls.knobs]
        loss = WORDS["out"] if run.diverged else f"{run.best_val_loss:.4f}"
        at = "" if run.diverged else str(run.best_epoch)
        pin = "●" if kept.color else " "
        name = kept.name
        return (f"{pin} {kept.number}", *values, str(run.seed), loss, at, name)

    def _chosen_in_list(self):
        """Show the run that was chosen in the list."""
        self.chosen = next(k for k in self.kept if k.number == self.list.value)
        self.name.value = self.chosen.name
        self._draw()

    def _named(self):
        """Give the chosen run a name; a named run is pinned."""
        if self.chosen:
            self.chosen.name = self.name.value.strip()
            if self.chosen.name and not self.chosen.color:
                self._pin(self.chosen)
            self._fill_list()
            self._draw()

    def _pin(self, kept):
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
        self._fill_list()
        self._draw()

    def _remove(self):
        """Take the chosen run off the list."""
        if self.chosen in self.kept:
            self.kept.remove(self.chosen)
        self.chosen = self.kept[-1] if self.kept else None
        self._fill_list()
        self._draw()

    # ---- what is shown -------------------------------------------------------------

    def shown(self):
        """Return the run shown strongly, the pinned ones and the faded ones."""
        strong = self.now or self.chosen
        rest = [k for k in self.kept if k is not strong]
        return strong, [k for k in rest if k.color], [k for k in rest if not k.color]

    def draw(self, running):
        """Show the state."""
        strong, pinned, faded = self.shown()
        if strong is None:
            return
        run = strong.run
        epochs = [k.run.epochs_done for k in (*pinned, *faded)]
        self.chart.show(
            run, pinned=[(k.run, k.color, k.label) for k in pinned],
            faded=[k.run for k in faded], epochs=max([run.setting.epochs, *epochs]),
        )  # fmt: skip
        training = self.now is not None
        if self.map:
            self._draw_map(run, "last" if training else "best", training)
        self.bar.value = run.epochs_done / run.setting.epochs
        facts = {"done": run.epochs_done, "epochs": run.setting.epochs}
        line = WORDS["training"] if training else WORDS["ready"]
        self.status.value = line.format(**facts, seconds=run.fit_time)
        if not running:
            self.controls.continuous = self.seconds(self.controls.setting) < QUICK
            if not self.controls.continuous:
                seconds = self.seconds(self.controls.setting)
                self.status.value = WORDS["slow"].format(seconds=seconds)

    def _draw_map(self, run, epoch, training):
        """Show the map, while training at most eight times a second."""
        before, at = self.mapped
        now = time.perf_counter()
        if before == (id(run), epoch) or (training and now - at < 0.125):
            return
        self.map.show(run, epoch)
        number = run.epochs_done if epoch == "last" else run.best_epoch
        self.map_title.value = WORDS["map"].format(number)
        self.mapped = ((id(run), epoch), now)

    def sentence(self, running):
        """Return the result in words."""
        strong, *_ = self.shown()
        if strong is None:
            return WORDS["none"]
        run = strong.run
        facts = {
            "done": run.epochs_done, "epochs": run.setting.epochs,
            "last": run.val_loss[-1], "best": run.best_val_loss, "at": run.best_epoch,
        }  # fmt: skip
        kind = "best" if run.epochs_done == run.setting.epochs else "stopped"
        kind = "now" if self.now else "diverged" if run.diverged else kind
        text = WORDS[kind].format(**facts)
        text += WORDS["with"].format(setting=self._describe(run))
        if len(self.kept) > 1 and not self.now:
            leader = min(self.kept, key=lambda k: (k.run.diverged, k.run.best_val_loss))
            line = WORDS["self"] if leader is strong else WORDS["leader"]
            text += line.format(
                n=len(self.kept), number=leader.label, best=leader.run.best_val_loss
            )
        return text

    def _describe(self, run):
        """Return the setting of a run in words."""
        names = dict.fromkeys(("lr", "batch_size", *self.controls.knobs))
        names.pop("epochs", None)
        parts = [
            f"{short(n) if n == 'lr' else NAMES[n]} {text_of(getattr(run.setting, n))}"
            for n in names
        ]
        return ", ".join([*parts, f"seed {run.seed}"])

    def still(self):
        """Return the picture: a matplotlib figure."""
        return still_training(*self.shown(), self.dataset, self.map)

    def code(self):
        """Return the cell that trains the run shown."""
        return code_of_run(self.run) if self.run else ""

    def frame(self):
        """Return the curves of all runs as a table."""
        return self.runs.history()


def short(name):
    """Return the head of a column."""
    return WORDS["short"].get(name, NAMES[name])


def text_of(value):
    """Return a value as text."""
    if isinstance(value, tuple):
        return str(value[0]) if value else "0"
    return f"{value:g}" if isinstance(value, float) else str(value)
