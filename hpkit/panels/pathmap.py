"""`PathMap`: the cells of the first two hyperparameters, and the path over them."""

import numpy as np

from hpkit.panels.cells import CellMap
from hpkit.panels.controls import NAMES
from hpkit.panels.figures import legend
from hpkit.panels.parts import say
from hpkit.panels.values import briefly

WORDS = {
    "map": "loss of each cell, dark is low",
    "part": "lowest loss over the {0} tried, dark is low",
    "whole": "lowest loss over all {0}, dark is low",
    "rest": "values of the rest",
    "best_so_far": "best so far",
    "best": "best of all",
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

    def cell(self, setting):
        """Return column and row of a setting."""
        names = list(self.space)[:2]
        return tuple(self.space[n].index(getattr(setting, n)) for n in names)

    def numbers(self, search):
        """Return {cell: number of its best setting} of what was trained."""
        if not search:
            return {}
        begun = np.isfinite(search.runs.mean_val_loss)
        order = search.runs.order[::-1]  # the best comes last
        return {self.cell(search.settings[i]): int(i) for i in order if begun[i]}

    def show(self, found, grid, path, chosen):
        """Show the lowest loss of each cell, the path (settings), a chosen cell.

        Before the grid is known the path's own, so that a step goes to the lowest cell
        of its row or column; then the grid's, the same whichever path is walked.
        """
        names = list(self.space)[:2]
        across, up = values = [self.space[n] for n in names]
        loss = np.full((len(up), len(across)), np.nan)
        out, setting = np.zeros(loss.shape, bool), {}
        every = grid is not None and grid.finished
        for search in (grid,) if every else filter(None, (grid, found)):
            for cell, i in self.numbers(search).items():
                loss[cell[::-1]] = search.runs.mean_val_loss[i]
                out[cell[::-1]] = search.runs.diverged[i].any()
                setting[cell] = search.settings[i]
        search = grid or found
        best = [self.cell(search.best)] if search else []
        here = [] if chosen is None else [chosen]
        self.cells.show(names, values, loss, out, best=best, here=here)
        self.cells.show_path([self.cell(setting) for setting in path])
        said = self._said(every)
        if chosen in setting:
            words = briefly(setting[chosen], self.space)
            said = WORDS["chosen"].format(words, loss[chosen[::-1]])
        keys = legend(
            (self.cells.best, WORDS["best" if every else "best_so_far"]),
            (self.cells.path, WORDS["path"]),
        )
        self.over.value = f"{said}<br>{keys}"

    def _said(self, every):
        """Return what a cell shows; `every` if all of the grid is known."""
        others = [NAMES[name] for name in list(self.space)[2:]]
        if not others:
            return WORDS["map"]
        name = others[0] if len(others) == 1 else WORDS["rest"]
        return WORDS["whole" if every else "part"].format(name)
