"""A search's best settings as an HTML table."""

import numpy as np

from hpkit.engine.frames import median_epochs
from hpkit.tables import html_table
from hpkit.text import shown

TOP = 5  # rows of a short table

# What a learner reads.
HEADS = {
    "rank": "rank",
    "loss": "validation loss",
    "epoch": "best epoch",
    "note": "",
    "more": "{count} more: to_frame() shows all.",
}


def short_table(caption, runs, names, notes):
    """Return the best settings as an HTML table.

    Parameters
    ----------
    caption : str
    runs : Runs
    names : sequence of str
        The hyperparameters to show.
    notes : dict
        Number of a setting: a word about it.
    """
    order = [i for i in runs.order if (runs.epochs_done[i] >= 0).any()]
    epochs = median_epochs(runs)
    heads = [HEADS["rank"], *names, HEADS["loss"], HEADS["epoch"], HEADS["note"]]
    # To say that there is one more takes as much room as to show it.
    top = TOP if len(order) > TOP + 1 else len(order)
    rows = []
    for rank, i in enumerate(order[:top], 1):
        loss = f"{runs.mean_val_loss[i]:.3g}"
        if np.isfinite(runs.std_val_loss[i]):
            loss += f" \N{PLUS-MINUS SIGN} {runs.std_val_loss[i]:.2g}"
        values = [shown(getattr(runs.settings[i], name)) for name in names]
        rows.append([str(rank), *values, loss, str(epochs[i]), notes.get(i, "")])
    more = len(order) - top
    foot = f"<p>{HEADS['more'].format(count=more)}</p>" if more > 0 else ""
    return html_table(heads, rows, caption=caption) + foot
