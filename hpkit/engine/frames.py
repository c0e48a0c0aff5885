"""Results as pandas tables, their columns named as in scikit-learn's cv_results_."""

import numpy as np

from hpkit.engine.run import CURVES
from hpkit.hyperparameters import NAMES


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
