"""What panels of searches share: values to try, seeds, the search as a live job.

A subclass says which search (`begin`) and draws what it gives (`charts_of`).
"""

import time

import numpy as np

from hpkit.charts.spec import Axis, Chart
from hpkit.engine.training import check_model, check_settings
from hpkit.hyperparameters import Hyperparameters, agreed, check_setting
from hpkit.locale import Texts
from hpkit.panels.code import code_of_search
from hpkit.panels.controls import Controls, SeedCount
from hpkit.panels.lists import SettingList
from hpkit.panels.panel import Panel
from hpkit.panels.parts import button, row
from hpkit.panels.values import Entry, usual
from hpkit.text import best_sentences, label, loss_of

WORDS = Texts("panels.search_panel")
PACE = 3e-6  # seconds a unit of `work`, until a search has shown it
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

    def __init__(self, dataset, base, *, controls, seeds, title, model, key):
        self.base = check_setting(base, "base", default=Hyperparameters())
        super().__init__(dataset, title=title, key=key)
        check_settings([self.base], dataset)
        self.found = self.before = self.settled = self.chosen = self.offer = None
        check_model(model)
        self.model, self.pace, self.job_seconds = model, PACE, 0.0
        self.entries, self.unbegun = [], False
        self.add_class("hp-tall")
        self.controls = Controls(dataset, self.base, controls)
        self.seed_count = SeedCount(seeds)
        self.seeds = self.seed_count.number
        self.start_button = button(WORDS["start"], WORDS["start_tip"], "primary")
        self.buttons = row(self.start_button, self.stop_button, name="hp-buttons")
        self.on_click(self.start_button, lambda: self.start())
        self.controls.observe(self._guarded(self.moved))
        self.on_change(self.seeds, self.moved)
        self.listing = SettingList(self, self.choose)
        self.list = self.listing.list
        self.rows = WORDS["settings"], WORDS["settings_tip"], self.listing.box

    def entry(self, name, values):
        """Return an `Entry` of values, with a choice of the hyperparameter."""
        entry = Entry(name, values, max(1, len(self.base.hidden)))
        self.entries.append(entry)

        def renamed():
            with self.quietly():
                entry.text.value = usual(entry.name, self.dataset)
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
        """As many seeds as the panel says: those given, then the next numbers."""
        return self.seed_count.list

    def _searching(self, search, *, rest=True):
        """Run a search (a job); it becomes `settled` when no newer one comes."""
        self.before, start = self.settled, time.process_time()
        last, self.unbegun = (self.found, self.chosen), False
        try:
            for self.found in search:
                yield
        finally:
            if last[0] is not None and not self.found.cost.epochs:
                (self.found, self.chosen), self.unbegun = last, True
        self.pace = (time.process_time() - start) / self.work(self.found.settings)
        until = time.perf_counter() + REST
        while rest and time.perf_counter() < until and not self.live.asked:
            time.sleep(0.02)
            yield False
        if not self.live.asked:
            self.settled = self.found

    def come_in(self):
        """Search at once, unless that takes long."""
        if self.seconds() > LONG:
            self.begin().close()  # checks all before anything is shown
            self.moved()
        else:
            self.live.now(self._searching(self.begin(), rest=False))

    def work(self, settings):
        """Return a number that grows as the time of a search, its runs trained at once.

        A step costs about ten runs' worth of calls, and measuring the losses after an
        epoch about six steps.
        """
        points, alike = len(self.dataset.train.y), {}
        for s in settings:
            key = s.batch_size, agreed(s, "loop"), agreed(s, "network")
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
        self.error = self.chosen = self.offer = None
        self.job_seconds = self.seconds()
        self.live.start(self._searching(search), replace=replace)

    def moved(self):
        """Follow a control, at once if that is quick, else say what it would cost."""
        if any(entry.wrong for entry in self.entries):
            return  # it says so itself; what is drawn stays
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
        self.offer = line.format(cost=cost, seconds=seconds)
        self._draw()

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

    @property
    def _empty(self):
        """Whether nothing was trained yet."""
        return self.found is None or not len(self.found.runs)

    def update(self, running):
        """Let status, bar and list show the state."""
        if self._empty:
            self.status.value = self.offer or ""
            return
        cost, planned = self.found.cost, self.found.planned
        self.bar.value = 1.0 if self.found.finished else cost.epochs / planned.epochs
        facts = {"done": cost.epochs, "all": planned.epochs}
        took = WORDS["cost"].format(runs=cost.runs, epochs=cost.epochs)
        facts |= {"cost": took, "seconds": float(self.found.fit_time.sum())}
        kind = "took" if self.found.finished else "going" if running else "halted"
        offered = self.offer and not running
        self.status.value = self.offer if offered else WORDS[kind].format(**facts)
        (self.add_class if offered else self.remove_class)("hp-stale")
        self.listing.show(self.found, self.focus)

    def pictures(self):
        """Return the charts of the search, empty ones before it."""
        if self._empty:
            return [Chart(Axis(), Axis(), []) for _ in self.widths]
        return self.charts_of(self.found)

    def charts_of(self, found):
        """Return the charts of what the search has given so far."""
        raise NotImplementedError

    def sentence(self, running):
        """Return what was found in words."""
        if self._empty:
            return WORDS["none"]
        text = self._stopped(running) + self._chosen()
        text += " ".join(best_sentences(self.found))
        return text if running or not self.offer else WORDS["stale"] + text

    def _chosen(self):
        """Return the loss of the setting that was chosen, unless it is the best."""
        number, runs = self.focus, self.found.runs
        if number == int(runs.order[0]):
            return ""
        setting = label(self.found.settings[number], self.found.space)
        if runs.diverged[number].any():
            return WORDS["chosen_out"].format(setting)
        return WORDS["chosen"].format(setting, loss_of(runs, number))

    def _stopped(self, running):
        """Return what to say of a search that was stopped."""
        if running or (self.found.finished and not self.unbegun):
            return ""
        if self.unbegun:
            return WORDS["unbegun"]
        text = WORDS["stopped"].format(
            done=self.found.cost.epochs, all=self.found.planned.epochs
        )
        unequal = len(np.unique(self.found.runs.epochs_done)) > 1
        return text + (WORDS["unequal"] if unequal else "")

    def frame(self):
        """Return one row a setting."""
        import pandas as pd

        return self.found.to_frame() if self.found else pd.DataFrame()

    def code_of(self, search, **arguments):
        """Return a cell that runs the same search."""
        found = self.found
        return code_of_search(
            search,
            self.dataset,
            self.controls.setting,
            found.seeds if found else self.seed_list,
            self.model,
            without=found.space if found else (),
            **arguments,
        )
