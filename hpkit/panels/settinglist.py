"""`SettingList`: the settings of a search as a list; one of them is chosen."""

import ipywidgets as W
import numpy as np

from hpkit.panels.parts import named, say
from hpkit.panels.runlist import aligned, short
from hpkit.text import shown

WORDS = {
    "tip": "All settings; arrow keys show them one by one",
    "columns": ("", "loss", "spread", "at epoch", ""),
    "best": "best",
    "tie": "as good",
    "out": "diverged",
}


class SettingList:
    """Settings in the order of the search.

    Parameters
    ----------
    panel : Panel
    chosen : function (int)
        Called with the number of the setting that a learner chooses.
    """

    def __init__(self, panel, chosen):
        self.panel = panel
        self.list = named(W.Select(options=[]), WORDS["tip"])
        self.list.layout.width = "100%"
        self.list.add_class("hp-mono")
        self.list.add_class("hp-list")
        self.heads = say("", "hp-muted")
        self.box = W.VBox([self.heads, self.list])
        panel.on_change(self.list, lambda: self._listed(chosen))

    def _listed(self, chosen):
        if self.list.index is not None:
            chosen(self.list.index)

    def clear(self):
        """Show nothing."""
        with self.panel.quietly():
            self.list.options, self.heads.value = (), ""

    def show(self, found, focus):
        """Show the settings of a search, the one in focus chosen."""
        runs, names = found.runs, tuple(found.space)
        notes = {found.settings.index(s): WORDS["tie"] for s in found.ties}
        notes[int(runs.order[0])] = WORDS["best"]
        table = []
        for i, setting in enumerate(found.settings):
            out = runs.diverged[i].any()
            values = (shown(getattr(setting, name)) for name in names)
            spread = runs.std_val_loss[i]
            facts = [
                f"{runs.mean_val_loss[i]:.4f}",
                "" if np.isnan(spread) else f"{spread:.3f}",
                f"{np.median(runs.best_epoch[i]):g}", notes.get(i, ""),
            ]  # fmt: skip
            facts = ["", "", "", WORDS["out"]] if out else facts
            table.append([str(i + 1), *values, *facts])
        heads = [WORDS["columns"][0], *map(short, names), *WORDS["columns"][1:]]
        lines = aligned([heads, *table])
        with self.panel.quietly():
            self.heads.value = f"<pre class='hp-mono'>{lines[0]}</pre>"
            if tuple(lines[1:]) != self.list.options:
                self.list.options = tuple(lines[1:])
            self.list.index = focus
