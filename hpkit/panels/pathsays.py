"""What a `OneAtATimePanel` says of its path, and of the grid beside it."""

from hpkit.panels.controls import NAMES
from hpkit.text import label, loss_of, step_sentences

WORDS = {
    "begin": "Start S, {0}: lowest validation loss {1}. ",
    "out": "Start S, {0}: diverged (✕). ",
    "next": "Next, step {0}: {1}.",
    "end": "The path is at its end.",
    "stopped": "Stopped; Next step goes on.",
    "grid": "The grid's best is <b>{best:.3g}</b>, at {setting}: the path {ended}.",
    "apart": "is now at {:.3g} times that",
    "even": "is now as low, too",
    "there": "is now there, too",
    "part": "The grid was stopped before its end.",
}


def told_path(found, grid, start, order, running):
    """Return the last step, what comes next, and the grid, in words (HTML).

    Parameters
    ----------
    found : Search
        The path so far; before its first step, the start alone.
    grid : Search or None
    start : Hyperparameters
    order : sequence of str
    running : bool
    """
    done = [step for step in found.steps if step.winner is not None]
    if found.steps:
        said = step_sentences(found)[-1] + " "
    else:
        loss = loss_of(found.runs, 0)
        out = found.runs.diverged.any()
        said = WORDS["out" if out else "begin"].format(label(start, order), loss)
    if len(found.steps) > len(done) or not (found.steps or found.finished):
        return said + ("" if running else WORDS["stopped"])
    if grid is not None and not (running and not grid.finished):
        return said + told_grid(found, grid, done[-1].winner if done else start)
    if len(done) == len(order):
        return said + WORDS["end"]
    return said + WORDS["next"].format(len(done) + 1, NAMES[order[len(done)]])


def told_grid(found, grid, end):
    """Return what the grid found, beside the end of the path so far."""
    if not grid.finished:
        return WORDS["part"]
    here = found.runs.mean_val_loss[found.settings.index(end)]
    best = grid.runs.mean_val_loss[grid.runs.order[0]]
    even = "even" if f"{here / best:.3g}" == "1" else "apart"
    ended = WORDS["there" if end == grid.best else even].format(here / best)
    setting = label(grid.best, found.space)
    return WORDS["grid"].format(best=best, setting=setting, ended=ended)
