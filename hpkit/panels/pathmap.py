"""`PathMap`: the cells of the first two hyperparameters, and the path over them."""

import numpy as np

from hpkit.panels.cells import CellMap
from hpkit.panels.figures import legend
from hpkit.panels.parts import say
from hpkit.panels.values import briefly

WORDS = {
    "map": "lowest loss of each cell, dark is low",
    "best": "best",
    "path": "path from S over 1, 2, ...",
    "chosen": "{0}: loss {1:.3g}",
}


class PathMap:
    """The map of a path.

    Parameters
    ----------
    space : dict
        The values by name; the first two names are across and upwards.
    clicked : function (column, row)
    """

    def __init__(self, space, clicked):
        self.space, self.cells = space, CellMap(clicked, height=300)
        self.figure, self.over = self.cells.figure, say("", "hp-muted")
        self.legend = legend(
            (self.cells.best, WORDS["best"]), (self.cells.path, WORDS["path"])
        )

    def cell(self, setting):
        """Return column and row of a setting."""
        names = list(self.space)[:2]
        return tuple(self.space[n].index(getattr(setting, n)) for n in names)

    def numbers(self, search):
        """Return {cell: number of its best setting} of what was trained."""
        order = search.runs.order[::-1] if search else ()  # the best comes last
        return {self.cell(search.settings[i]): int(i) for i in order}

    def show(self, search, path, chosen):
        """Show the lowest loss of each cell, the path (settings), a chosen cell."""
        names = list(self.space)[:2]
        across, up = values = [self.space[n] for n in names]
        loss = np.full((len(up), len(across)), np.nan)
        out, numbers = np.zeros(loss.shape, bool), self.numbers(search)
        for cell, i in numbers.items():
            loss[cell[::-1]] = search.runs.mean_val_loss[i]
            out[cell[::-1]] = search.runs.diverged[i].any()
        best = [self.cell(search.best)] if search else []
        here = [] if chosen is None else [chosen]
        self.cells.show(names, values, loss, out, best=best, here=here)
        self.cells.show_path([self.cell(setting) for setting in path])
        said = WORDS["map"]
        if chosen in numbers:
            setting = search.settings[numbers[chosen]]
            words = briefly(setting, self.space)
            said = WORDS["chosen"].format(words, loss[chosen[::-1]])
        self.over.value = f"{said}<br>{self.legend}"
