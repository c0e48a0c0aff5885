"""`RunList`: the runs of a panel as a list; choose, pin, name, remove."""

import html
from dataclasses import dataclass

import ipywidgets as W
import numpy as np

from hpkit.engine.run import Run
from hpkit.engine.runs import Runs
from hpkit.hyperparameters import TABLE
from hpkit.panels.parts import button, named, row, say
from hpkit.charts.colors import PINNED
from hpkit.text import shown

WORDS = {
    "tip": "All runs so far; arrow keys show them one by one",
    "pin": "Pin",
    "unpin": "Unpin",
    "pin_tip": "Keep the chosen run in color, or let it go",
    "remove": "Remove",
    "remove_tip": "Remove the chosen run",
    "name": "Name of the chosen run",
    "columns": ("run", "seed", "lowest", "at epoch", ""),
    "out": "diverged",
    "again": " Trained again: same setting, same seed, same curve.",
    "further": " A longer run of this setting stays in the list: {}.",
    "run": "run {}",
    "named": "\N{LEFT DOUBLE QUOTATION MARK}{}\N{RIGHT DOUBLE QUOTATION MARK}",
}  # fmt: skip


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

    @property
    def called(self):
        """What it is called in a sentence."""
        return WORDS["named" if self.name else "run"].format(self.label)


class RunList:
    """Runs in the order in which they were trained; one of them is chosen.

    `note` says what happened to an earlier run of the newest setting.

    Parameters
    ----------
    panel : TrainingPanel
        Its lock guards the list; its `_draw` is called after a change, and
        `show_setting` when another run is chosen.
    columns : sequence of str
        Hyperparameters to show.
    """

    def __init__(self, panel, columns):
        self.panel, self.columns = panel, tuple(columns)
        self.kept, self.chosen = [], None
        self.note = ""
        self.heads = say("", "hp-muted")
        self.list = named(W.Select(options=[]), WORDS["tip"])
        self.list.layout.width = "100%"
        self.list.add_class("hp-mono")
        self.list.add_class("hp-list")
        rows = W.VBox([self.heads, self.list])
        rows.add_class("hp-grow")
        self.name = named(W.Text(placeholder=WORDS["name"]), WORDS["name"])
        self.name.layout.width = "176px"
        self.pin_button = button(WORDS["pin"], WORDS["pin_tip"])
        self.remove_button = button(WORDS["remove"], WORDS["remove_tip"])
        pair = row(self.pin_button, self.remove_button, name="hp-buttons")
        side = W.VBox([self.name, pair])
        side.layout = W.Layout(width="190px", margin="18px 0 0 10px")
        self.box = W.HBox([rows, side])
        panel.on_change(self.list, self._choose)
        panel.on_change(self.name, self._rename)
        panel.on_click(self.pin_button, lambda: self.pin(self.chosen))
        panel.on_click(self.remove_button, self.remove)

    @property
    def runs(self):
        """All runs as `Runs`."""
        return Runs.of([k.run for k in self.kept])

    def add(self, run):
        """Add a run and choose it; it takes the place of one that it repeats in full.

        One of the same setting and seed that went further stays.
        """
        key = (run.setting, run.seed)
        same = [k for k in self.kept if (k.run.setting, k.run.seed) == key]
        same.sort(key=lambda k: k.run.epochs_done)
        repeated = [k for k in same if k.run.epochs_done <= run.epochs_done]
        self.note = ""
        if len(repeated) < len(same):
            self.note = WORDS["further"].format(html.escape(same[-1].called))
        elif same and np.array_equal(same[-1].run.val_loss, run.val_loss):
            self.note = WORDS["again"]
        if repeated:
            self.chosen = repeated[-1]
            self.chosen.run = run
        else:
            number = 1 + max((k.number for k in self.kept), default=0)
            self.chosen = Kept(run, number)
            self.kept.append(self.chosen)
        self.show()

    def pin(self, kept):
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
        self._changed()

    def remove(self):
        """Take the chosen run off the list."""
        if self.chosen in self.kept:
            self.kept.remove(self.chosen)
        self.chosen, self.note = self.kept[-1] if self.kept else None, ""
        self.panel.show_setting()
        self._changed()

    def clear(self):
        """Remove all that is not pinned."""
        self.kept = [k for k in self.kept if k.color]
        self.chosen, self.note = None, ""
        self.show()

    def parted(self, strong):
        """Return the pinned and the other runs, without the one shown strongly."""
        rest = [k for k in self.kept if k is not strong]
        return [k for k in rest if k.color], [k for k in rest if not k.color]

    def show(self):
        """Show the runs as rows of text."""
        table = [self._cells(k) for k in self.kept]
        heads = [WORDS["columns"][0], *map(short, self.columns), *WORDS["columns"][1:]]
        lines = aligned([heads, *table])
        with self.panel.quietly():
            self.heads.value = f"<pre class='hp-mono'>{html.escape(lines[0])}</pre>"
            at = self.kept.index(self.chosen) if self.chosen in self.kept else None
            numbers = [k.number for k in self.kept]
            self.list.options = list(zip(lines[1:], numbers, strict=True))
            self.list.index = at
        self._show_chosen()

    def _show_chosen(self):
        """Show what can be done with the chosen run."""
        chosen = self.chosen
        with self.panel.quietly():
            self.name.value = chosen.name if chosen else ""
        pinned = chosen is not None and chosen.color
        self.pin_button.description = WORDS["unpin" if pinned else "pin"]

    def _cells(self, kept):
        """Return the cells of one run."""
        run = kept.run
        values = [shown(getattr(run.setting, name)) for name in self.columns]
        if "epochs" in self.columns and run.epochs_done < run.setting.epochs:
            at = self.columns.index("epochs")
            values[at] = f"{run.epochs_done}/{run.setting.epochs}"
        end = [f"{run.best_val_loss:.4f}", str(run.best_epoch)]
        end = [WORDS["out"], ""] if run.diverged else end
        sign = "●" if kept.color else " "
        return [f"{sign} {kept.number}", *values, str(run.seed), *end, kept.name]

    def _choose(self):
        """Show the run that was chosen in the list."""
        self.chosen = next(k for k in self.kept if k.number == self.list.value)
        self.note = ""
        self._show_chosen()
        self.panel.show_setting()
        self.panel._draw()

    def _rename(self):
        """Give the chosen run a name; a named run is pinned."""
        if self.chosen:
            self.chosen.name = self.name.value.strip()
            if self.chosen.name and not self.chosen.color:
                self.pin(self.chosen)
            self._changed()

    def _changed(self):
        self.show()
        self.panel._draw()


def aligned(table):
    """Return rows of cells as lines of one width a column, spaces that stay."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = []
    for cells in table:
        parts = [c.rjust(w) for c, w in zip(cells[:-1], widths, strict=False)]
        lines.append("  ".join([*parts, cells[-1]]).replace(" ", "\u00a0"))
    return lines


def short(name):
    """Return the head of a column."""
    return TABLE[name].short
