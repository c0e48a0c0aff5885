"""What panels of searches share: values to try, seeds, the search as a live job.

A subclass of `SearchPanel` says which search: `_begin()` checks all at once and returns
it as a generator of `Search`, `_planned()` the settings that it would train.
"""

import time
from collections.abc import Sequence

import numpy as np

from hpkit.engine.training import check_model, check_settings, weights
from hpkit.hyperparameters import Hyperparameters, agreed, check_setting
from hpkit.locale import Texts
from hpkit.panels import controls as c
from hpkit.panels.live import FRAME
from hpkit.panels.panel import Panel
from hpkit.panels.parts import code_of_search
from hpkit.search.space import with_own
from hpkit.text import best_sentences, label, loss_of, seeds_of, shown

WORDS = Texts("panels.search_panel")
USUAL = 354  # weights of the usual network on moons
PACE = 3e-6  # seconds a unit of `work`, until a search has shown it
QUICK = 0.5  # seconds: shorter searches follow the slider
LONG = 60  # seconds: the panel warns


class ListedPanel(Panel):
    """A panel with what a search has found so far, and a list of its settings.

    Attributes
    ----------
    found : Search or None
    chosen : int or None
        Number of the setting that is highlighted; None is the best.
    """

    def __init__(self, dataset, title, base, seeds, model, key=()):
        self.base = check_setting(base, "base", default=Hyperparameters())
        super().__init__(dataset, title, key=key)
        check_settings([self.base], dataset)
        self.found = self.chosen = None
        self.model, self.given = check_model(model), c.given_seeds(seeds)
        self.seed_knob = c.seed_knob(len(self.given))
        self.seeds = self.seed_knob.source
        self.add_class("hp-tall")
        self.list, self._heads, box = c.list_widget(WORDS["settings_tip"])
        self.on_change(self.list, self._listed)
        self.rows = [(WORDS["settings"], WORDS["settings_tip"], box)]

    @property
    def seed_list(self) -> Sequence[int]:
        """The seeds: those given, then the next numbers; checks what was typed."""
        return c.seeds_from(self.given, self.seed_knob.value)

    @property
    def _more(self):
        """Arguments of every search."""
        return {"seeds": self.seed_list, "model": self.model, "tick": FRAME}

    def _work(self, settings):
        """Return a number that grows as the time of a search, all trained at once."""
        # A step costs about ten runs' worth of calls, and measuring the losses after an
        # epoch about six steps.
        points, alike = len(self.dataset.train.y), {}
        for s in settings:
            width = weights(self.dataset, s.hidden) / USUAL
            key = s.batch_size, width, agreed(s, "loop"), agreed(s, "network")
            alike.setdefault(key, []).append(s.epochs)
        each = len(self.seed_list)
        return sum(
            max(epochs)
            * (6 + points / size)
            * (10 + each * len(epochs) * (1 + width * size / 64))
            for (size, width, *_), epochs in alike.items()
        )

    def _offered(self, words, settings, seconds):
        """Return what a search costs, in words."""
        each = len(self.seed_list)
        facts = {"runs": len(settings) * each, "seconds": seconds}
        return words.format(**facts, epochs=sum(s.epochs for s in settings) * each)

    @property
    def focus(self) -> int:
        """Number of the setting that is highlighted."""
        if self.chosen is not None and self.chosen < len(self.found.settings):
            return self.chosen
        return int(self.found.runs.order[0])

    def choose(self, number: int) -> None:
        self.chosen = number
        self._draw()

    def _listed(self):
        if self.list.index is not None:
            self.choose(self.list.index)

    @property
    def there(self):
        return self.found is not None and len(self.found.runs) > 0

    def _update(self, running):
        """Show the settings in the order of the search, the one in focus chosen."""
        found, runs, names = self.found, self.found.runs, tuple(self.found.space)
        notes = {found.settings.index(s): WORDS["tie"] for s in found.ties}
        notes[int(runs.order[0])] = WORDS["best"]
        table = []
        for i, setting in enumerate(found.settings):
            spread = runs.std_val_loss[i]
            facts = [f"{runs.mean_val_loss[i]:.4f}"]
            facts += ["" if np.isnan(spread) else f"{spread:.3f}"]
            facts += [f"{np.median(runs.best_epoch[i]):g}", notes.get(i, "")]
            if runs.diverged[i].any():
                facts = ["", "", "", WORDS["diverged"]]
            values = (shown(getattr(setting, name)) for name in names)
            table.append([str(i + 1), *values, *facts])
        heads, lines = c.aligned(WORDS["columns"], names, table)
        with self.quietly():
            self._heads.value = heads
            if lines != self.list.options:
                self.list.options = lines
            self.list.index = self.focus

    def _table(self):
        return self.found.to_frame() if self.found else {}

    def _line_of(self, space, controls=None, usual=c.USUAL):
        """Return what the panel's line says of lists, seeds and controls."""
        lists = (f"{n}:{c.written(v).replace(' ', '')}" for n, v in space.items())
        seeds = list(self.seed_list)
        many = ",".join(map(str, seeds)) + "," * (len(seeds) < 2)
        if seeds == list(range(len(seeds))):
            many = "" if len(seeds) == 3 else str(len(seeds))
        more = {"space": ";".join(lists), "seeds": many}
        return more | (controls.line(usual) if controls else {})

    def _code_of(self, search, base, *, without=(), **arguments):
        seeds = self.found.seeds if self.found else self.seed_list
        arguments = [f"{name}={value!r}" for name, value in arguments.items()]
        facts = self.dataset, base, self.model, [*arguments, seeds_of(seeds)]
        return code_of_search(search, *facts, without=without)


class SearchPanel(ListedPanel):
    """A panel around one search."""

    def __init__(self, dataset, title, base, *, controls, seeds, model, key):
        super().__init__(dataset, title, base, seeds, model, key)
        self.before = self.settled = self.offer = None
        self.pace, self.job_seconds = PACE, 0.0
        self.entries, self.unbegun = [], False
        self.controls = c.Controls(dataset, self.base, controls)
        self.start_button = self.button("start", lambda: self.start(), "primary")
        pair = self.start_button, self.stop_button
        self.search_box = [self.controls.box, self.seed_knob.box, pair]
        for knob in (*self.controls.knobs.values(), self.seed_knob):
            self.on_change(knob.source, self._moved)

    def _entry(self, name, values, label=None, lists=None):
        """Return an `Entry` of values, with a choice of the hyperparameter."""
        values = c.usual(name, self.dataset, lists) if values is None else values
        entry = c.Entry(name, values, max(1, len(self.base.hidden)), label)
        self.entries.append(entry)
        if entry.own:
            self.base = with_own(self.base, {name: entry.values})
            self.controls.base = self.base

        def renamed():
            with self.quietly():
                own = dict(entry.own.keys())
                entry.text.value = c.usual(entry.name, self.dataset, own)
            self._renamed()
            self._moved()

        self.on_change(entry.which, renamed)
        self.on_change(entry.text, self._moved)
        return entry

    def _renamed(self):
        """Show the controls of those hyperparameters only that are not searched."""
        self.settled = None
        searched = [entry.name for entry in self.entries]
        for name, knob in self.controls.knobs.items():
            knob.box.layout.display = "none" if name in searched else ""

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
        self.pace = (time.process_time() - start) / self._work(self.found.settings)
        if rest:
            yield from self.live.rest()
        if not self.live.asked:
            self.settled = self.found

    def _come_in(self):
        """Search at once, unless that takes long."""
        self._renamed()
        if self.seconds() > LONG:
            self._begin().close()  # checks all before anything is shown
            self._moved()
        else:
            self.live.now(self._searching(self._begin(), rest=False))

    def seconds(self) -> float:
        """Return about how long a start takes, from the last one."""
        return self.pace * self._work(self._planned())

    def start(self, *, replace: bool = True) -> None:
        """Start the search with the values shown."""
        search = self._begin()
        self.error = self.chosen = self.offer = None
        self.job_seconds = self.seconds()
        self.live.start(self._searching(search), replace=replace)

    def _moved(self):
        """Follow a control, at once if that is quick, else say what it would cost."""
        if any(entry.wrong for entry in self.entries):
            return  # it says so itself; what is drawn stays
        seconds = self.seconds()
        self.controls.follow(seconds < QUICK)
        if seconds < QUICK:
            self.start(replace=self.job_seconds >= QUICK)
            return
        self.error, words = None, WORDS["long" if seconds > LONG else "slow"]
        self.offer = self._offered(words, self._planned(), seconds)
        self._draw()

    def _update(self, running):
        if not self.there:
            self.status.value = self.offer or ""
            return
        super()._update(running)
        found, cost, every = self.found, self.found.cost, self.found.expected
        self.bar.value = 1.0 if found.finished else cost.epochs / every
        kind = "took" if found.finished else "going" if running else "halted"
        facts = {"done": cost.epochs, "all": every, "runs": cost.runs}
        status = WORDS[kind].format(**facts, seconds=float(found.fit_time.sum()))
        offered = self.offer and not running
        self.status.value = self.offer if offered else status
        (self.add_class if offered else self.remove_class)("hp-stale")

    def _sentence(self, running):
        if not self.there:
            return WORDS["none"]
        text = "" if running else self._stopped()
        text += self._chosen() + " ".join(best_sentences(self.found))
        return text if running or not self.offer else WORDS["stale"] + text

    def _chosen(self):
        """Return the loss of the setting that was chosen, unless it is the best."""
        number, runs = self.focus, self.found.runs
        if number == int(runs.order[0]):
            return ""
        setting = label(self.found.settings[number], self.found.space)
        words = WORDS["chosen_out" if runs.diverged[number].any() else "chosen"]
        return words.format(setting, loss_of(runs, number))

    def _stopped(self):
        found = self.found
        if self.unbegun:
            return WORDS["unbegun"]
        if found.finished:
            return ""
        text = WORDS["stopped"].format(done=found.cost.epochs, all=found.expected)
        unequal = len(np.unique(found.runs.epochs_done)) > 1
        return text + (WORDS["unequal"] if unequal else "")
