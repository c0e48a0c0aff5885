"""What the panels of searches share: values to try, seeds, the search as a live job.

A subclass says which search (`begin`) and draws what it gives (`draw`).
"""

import time

import ipywidgets as W
import numpy as np

from hpkit import told
from hpkit.files import search_from_plain, search_to_plain
from hpkit.panels.code import code_of_dataset, code_of_setting
from hpkit.panels.controls import Controls, framed, number_box, tie
from hpkit.panels.panel import Panel
from hpkit.panels.parts import button, named, row, say
from hpkit.panels.runlist import aligned, short, text_of
from hpkit.panels.values import DEFAULTS, Entry, written
from hpkit.settings import Hyperparameters
from hpkit.training import check_settings

WORDS = {
    "seeds": "seeds",
    "start": "Start",
    "start_tip": "Train everything anew with the values shown",
    "settings": "Settings",
    "settings_tip": "All settings; arrow keys show them one by one",
    "columns": ("", "loss", "spread", "at epoch", ""),
    "runs": "{done} of {all} runs",
    "cost": "{runs} runs, {epochs} epochs",
    "took": "{cost} in {seconds:.2g} s",
    "slow": "{cost}, about {seconds:.0f} s: press Start",
    "long": "{cost}, about {seconds:.0f} s. That is long: try fewer values or seeds",
    "none": "Press Start.",
    "best": "best",
    "tie": "as good, within the spread",
    "out": "diverged",
}
QUICK = 0.5  # seconds: shorter searches follow the slider
REST = 0.4  # seconds without a move after which a search counts as chosen
LONG = 60  # seconds: the panel warns


class SearchPanel(Panel):
    """A panel around one search.

    Attributes
    ----------
    found : Search or None
        What the search has given so far.
    chosen : int or None
        Number of the setting that is highlighted; None is the best.
    """

    def __init__(self, dataset, base, *, controls, seeds, title, model, key, keep=None):
        self.base = Hyperparameters() if base is None else base
        super().__init__(dataset, title=title, key=key, keep=keep)
        check_settings([self.base], dataset)
        self.found = self.before = self.settled = self.chosen = self.said = None
        self.model, self.pace, self.job_seconds = model, 0.0, 0.0
        self.entries = []
        self.result.add_class("hp-tall")
        self.controls = Controls(dataset, self.base, controls)
        slider = W.IntSlider(seeds, min=1, max=max(10, seeds), readout=False)
        self.seeds = number_box(W.BoundedIntText, WORDS["seeds"], value=seeds, min=1)
        tie(slider, self.seeds)
        self.seeds_box = framed(WORDS["seeds"], slider, self.seeds)
        self.start_button = button(WORDS["start"], WORDS["start_tip"], "primary")
        self.buttons = row(self.start_button, self.stop_button, name="hp-buttons")
        self.on_click(self.start_button, lambda: self.start())
        self.controls.observe(self._guarded(self.moved))
        self.on_change(self.seeds, self.moved)
        self.list = named(W.Select(options=[]), WORDS["settings_tip"])
        self.list.layout = W.Layout(width="100%", height="124px")
        self.list.add_class("hp-mono")
        self.heads = say("", "hp-muted")
        self.on_change(self.list, self._listed)
        self.rows = (WORDS["settings"], WORDS["settings_tip"],
                     W.VBox([self.heads, self.list]))  # fmt: skip

    def entry(self, name, values):
        """Return an `Entry` of values, with a choice of the hyperparameter."""
        entry = Entry(name, values, max(1, len(self.base.hidden)))
        self.entries.append(entry)

        def renamed():
            with self.quietly():
                entry.text.value = DEFAULTS[entry.name]
            self.renamed()
            self.moved()

        self.on_change(entry.which, renamed)
        self.on_change(entry.text, self.moved)
        return entry

    def renamed(self):
        """Show the controls of those hyperparameters only that are not searched."""
        self.settled = None
        searched = [entry.name for entry in self.entries]
        for name, knob in self.controls.knobs.items():
            knob.box.layout.display = "none" if name in searched else ""

    # ---- the search as a job -------------------------------------------------------

    def begin(self):
        """Return the search to run, as a generator of `Search`; checks at once."""
        raise NotImplementedError

    @property
    def seed_list(self):
        """The seeds: 0, 1, ..."""
        return range(self.seeds.value)

    def _searching(self, search, *, rest=True):
        """Run a search (a job); it becomes `settled` when no newer one comes."""
        self.before, start = self.settled, time.process_time()
        for self.found in search:
            yield
        self.pace = (time.process_time() - start) / self.work(self.found.settings)
        until = time.perf_counter() + REST
        while rest and time.perf_counter() < until and not self.live.asked:
            time.sleep(0.02)
            yield False
        if not self.live.asked:
            self.settled = self.found

    def come_in(self):
        """Show what was kept, or else search for the first time."""
        if self.come_back():
            self._draw()
        else:
            self.live.now(self._searching(self.begin(), rest=False))

    def plain(self):
        """Return the search as JSON can hold it."""
        return search_to_plain(self.found)

    def take(self, plain):
        """Take the search that was kept, and the values that gave it."""
        self.found = self.settled = search_from_plain(plain, self.dataset)
        for entry, (name, values) in zip(
            self.entries, self.found.space.items(), strict=True
        ):
            entry.which.value, entry.text.value = name, written(values)
        self.controls.setting = self.found.base
        self.seeds.value = len(self.found.seeds)
        self.renamed()

    @property
    def starting(self):
        """The setting that the search starts from."""
        return self.controls.setting

    def work(self, settings):
        """Return a number that grows as the time of a search, its runs trained at once.

        A step costs about ten runs' worth of calls, and measuring the losses after an
        epoch about six steps.
        """
        points, alike = len(self.dataset.train.y), {}
        for s in settings:
            key = (s.batch_size, s.hidden, s.optimizer, s.activation)
            alike.setdefault(key, []).append(s.epochs)
        each = len(self.seed_list)
        return sum(
            max(epochs)
            * (6 + points / size)
            * (10 + each * len(epochs) * (1 + size / 64))
            for (size, *_), epochs in alike.items()
        )

    def planned(self):
        """Return the settings that a start would train."""
        raise NotImplementedError

    def seconds(self):
        """Return about how long a start takes, from the last one."""
        return self.pace * self.work(self.planned())

    def start(self, *, replace=True):
        """Start the search with the values shown."""
        search = self.begin()
        self.error = None
        self.chosen = None
        self.job_seconds = self.seconds()
        self.live.start(self._searching(search), replace=replace)

    def moved(self):
        """Follow a control, at once if that is quick, else say what it would cost."""
        seconds = self.seconds()
        self.controls.continuous = seconds < QUICK
        if seconds < QUICK:
            self.start(replace=self.job_seconds >= QUICK)
            return
        self.error = None
        settings = self.planned()
        cost = WORDS["cost"].format(
            runs=len(settings) * len(self.seed_list),
            epochs=sum(s.epochs for s in settings) * len(self.seed_list),
        )
        line = WORDS["long" if seconds > LONG else "slow"]
        self.status.value = line.format(cost=cost, seconds=seconds)

    # ---- what is shown -------------------------------------------------------------

    @property
    def focus(self):
        """Number of the setting that is highlighted."""
        if self.chosen is not None and self.chosen < len(self.found.settings):
            return self.chosen
        return int(self.found.runs.order[0])

    def choose(self, number):
        """Highlight a setting."""
        self.chosen = number
        self._draw()

    def _listed(self):
        if self.list.index is not None:
            self.choose(self.list.index)

    def draw(self, running):
        """Show the state."""
        if self.found is None or not len(self.found.runs):
            return
        cost, planned = self.found.cost, self.found.planned
        self.bar.value = 1.0 if self.found.finished else cost.epochs / planned.epochs
        if not self.found.finished:
            done = self.found.runs_done
            self.status.value = WORDS["runs"].format(done=done, all=planned.runs)
        elif self.found is not self.said:  # what a start would cost stays
            self.said = self.found
            text = WORDS["cost"].format(runs=cost.runs, epochs=cost.epochs)
            seconds = float(self.found.fit_time.sum())
            self.status.value = WORDS["took"].format(cost=text, seconds=seconds)
        self.draw_found()
        if not running or self.found.finished:
            self._fill_list()

    def draw_found(self):
        """Show what the search has given so far."""
        raise NotImplementedError

    def _fill_list(self):
        """Show the settings as rows of text."""
        found, runs = self.found, self.found.runs
        names = tuple(found.space)
        notes = {found.settings.index(s): WORDS["tie"] for s in found.ties}
        notes[int(runs.order[0])] = WORDS["best"]
        table = []
        for i, setting in enumerate(found.settings):
            out = runs.diverged[i].any()
            values = (text_of(getattr(setting, name)) for name in names)
            table.append([
                str(i + 1), *values,
                f"{runs.mean_val_loss[i]:.4f}", f"{runs.std_val_loss[i]:.3f}",
                f"{np.median(runs.best_epoch[i]):g}",
                WORDS["out"] if out else notes.get(i, ""),
            ])  # fmt: skip
        heads = [WORDS["columns"][0], *map(short, names), *WORDS["columns"][1:]]
        lines = aligned([heads, *table])
        with self.quietly():
            self.heads.value = f"<pre class='hp-mono'>{lines[0]}</pre>"
            if tuple(lines[1:]) != self.list.options:
                self.list.options = tuple(lines[1:])
            self.list.index = self.focus

    def sentence(self, running):
        """Return what was found in words."""
        if self.found is None or not len(self.found.runs):
            return WORDS["none"]
        return " ".join(told.told_best(self.found))

    def frame(self):
        """Return one row a setting."""
        return self.found.to_frame()

    def code_of(self, call, *, keep=False, **arguments):
        """Return a cell that runs the same search."""
        parts = [f"{name}={value!r}" for name, value in arguments.items()]
        searched = self.found.space if self.found else ()
        base = code_of_setting(self.starting, without=() if keep else searched)
        seeds = f"seeds=range({self.seeds.value})"
        return "\n".join([
            "import hpkit as hk", "", code_of_dataset(self.dataset), f"base = {base}",
            f"found = hk.{call}(data, base, {', '.join([*parts, seeds])})",
            "found",
        ])  # fmt: skip
