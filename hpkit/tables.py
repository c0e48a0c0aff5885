"""Results as tables: pandas and HTML.

The columns are named as in scikit-learn's ``cv_results_``.
"""

import html

import numpy as np

from hpkit.hyperparameters import NAMES
from hpkit.run import CURVES

TOP = 5  # rows of a short table

# What a learner reads.
HEADS = {
    "rank": "rank",
    "loss": "validation loss",
    "epoch": "best epoch",
    "note": "",
    "more": "{count} more: to_frame() shows all.",
}


# ---- pandas ------------------------------------------------------------------------


def settings_frame(runs):
    """Return the table of `Runs.to_frame`, one row a setting."""
    import pandas as pd

    rank = np.empty(len(runs.settings), int)
    rank[runs.order] = np.arange(1, len(runs.settings) + 1)
    there = runs.epochs_done >= 0
    frame = {f"param_{n}": [getattr(s, n) for s in runs.settings] for n in NAMES}
    frame |= {
        "mean_val_loss": runs.mean_val_loss,
        "std_val_loss": runs.std_val_loss,
        "rank_val_loss": rank,
        "best_epoch": median_epochs(runs),
        "diverged": runs.diverged.any(1),
        "fit_time": np.where(there, runs.fit_time, 0).sum(1),
        "epochs": np.where(there, runs.epochs_done, 0).sum(1),
    }
    return pd.DataFrame(frame)


def median_epochs(runs):
    """Return each setting's best epoch, the median over seeds; -1 without a run."""
    there = runs.epochs_done >= 0
    return [
        int(np.median(epochs[row])) if row.any() else -1
        for epochs, row in zip(runs.best_epoch, there, strict=True)
    ]


def curves_frame(runs):
    """Return the table of `Runs.history`, one row a measured value."""
    import pandas as pd

    pieces = []
    for number, run in enumerate(runs):
        for name in CURVES:
            if (values := getattr(run, name)) is None:
                continue
            piece = {"run": number}
            # in a list, since a tuple (hidden) would be taken for a column
            piece |= {
                f"param_{n}": [getattr(run.setting, n)] * len(values) for n in NAMES
            }
            split, metric = name.split("_")
            piece |= {
                "seed": run.seed,
                "epoch": range(len(values)),
                "split": "train" if split == "train" else "valid",
                "metric": metric,
                "value": values,
            }
            pieces.append(pd.DataFrame(piece))
    return pd.concat(pieces, ignore_index=True) if pieces else pd.DataFrame()


# ---- HTML --------------------------------------------------------------------------


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
    return (
        f"<table><caption>{html.escape(caption)}</caption>"
        f"<thead>{html_row(heads, 'th')}</thead>"
        f"<tbody>{''.join(html_row(row, 'td') for row in rows)}</tbody></table>{foot}"
    )


def html_row(cells, tag):
    """Return a row of a table."""
    inside = "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells)
    return f"<tr>{inside}</tr>"


def shown(value):
    """Return a hyperparameter's value as a learner reads it: 0.3, 16-16, adam."""
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, tuple):
        return "-".join(map(str, value)) or "none"
    return str(value)
