"""A table of runs side by side: what differs between them, and what came out."""

import html
from base64 import b64encode

from hpkit.panels.controls import NAMES
from hpkit.charts.decision import has_map, thumbnail
from hpkit.text import shown

WORDS = {
    "few": "Pin a run and choose another one: they stand side by side here.",
    "what": "",
    "seed": "seed",
    "best": "lowest validation loss",
    "at": "at epoch",
    "train": "training loss there",
    "accuracy": "validation accuracy there",
    "seconds": "seconds",
    "map": "run {}",
    "same": "The same in all: {}.",
    "out": "diverged",
}

MAPS = 3  # that fit beside the table
# Tight, so that table and last line are seen without scrolling.
CELL = "style='padding:0 8px;line-height:16px'"
FOOT = "style='margin:2px 0 0;line-height:14px;font-size:85%'"


def compare_table(kept):
    """Return runs side by side as HTML; hyperparameters only where they differ.

    Parameters
    ----------
    kept : sequence of Kept
        Two or more, else a sentence that says so.

    Returns
    -------
    str
    """
    if len(kept) < 2:
        return f"<p>{WORDS['few']}</p>"
    runs = [k.run for k in kept]
    values = {n: [getattr(r.setting, n) for r in runs] for n in NAMES}
    rows = [
        (f"<b>{NAMES[n]}</b>", [f"<b>{shown(v)}</b>" for v in found])
        for n, found in values.items()
        if len(set(found)) > 1
    ]
    same = [f"{NAMES[n]} {shown(v[0])}" for n, v in values.items() if len(set(v)) == 1]
    seeds = [str(r.seed) for r in runs]
    if len(set(seeds)) > 1:
        rows.append((WORDS["seed"], seeds))
    else:
        same.append(f"{WORDS['seed']} {seeds[0]}")
    rows += [
        (WORDS["best"], [outcome(r) for r in runs]),
        (WORDS["at"], [str(r.best_epoch) for r in runs]),
        (WORDS["train"], [f"{r.train_loss[r.best_epoch]:.4f}" for r in runs]),
    ]
    if runs[0].val_accuracy is not None:
        shares = [f"{r.val_accuracy[r.best_epoch]:.1%}" for r in runs]
        rows.append((WORDS["accuracy"], shares))
    rows.append((WORDS["seconds"], [f"{r.fit_time:.2g}" for r in runs]))
    heads = (WORDS["map"].format(k.label) for k in kept)
    heads = "".join(
        f"<th {CELL} scope='col'>{html.escape(head)}</th>" for head in heads
    )
    body = "".join(
        f"<tr><th {CELL} scope='row'>{name}</th>"
        f"{''.join(f'<td {CELL}>{c}</td>' for c in cells)}</tr>"
        for name, cells in rows
    )
    foot = f"<p {FOOT}>{WORDS['same'].format(', '.join(same))}</p>"
    head = f"<thead><tr><th {CELL} scope='col'>{WORDS['what']}</th>{heads}</tr></thead>"
    text = f"<div><table>{head}<tbody>{body}</tbody></table></div>"
    if has_map(runs[0].dataset) and all(r.weights is not None for r in runs):
        differ = [n for n, found in values.items() if len(set(found)) > 1]
        text += "".join(pictured(k, differ) for k in kept[:MAPS])
    return f"<div class='hp-beside'>{text}</div>{foot}"


def pictured(kept, differ):
    """Return the map of a run, named by the hyperparameters in which it differs.

    The table beside it has their values: below the map stands the run alone.
    """
    run = WORDS["map"].format(kept.label)
    words = [
        run,
        *(f"{NAMES[n]} {shown(getattr(kept.run.setting, n))}" for n in differ),
    ]
    words = html.escape(", ".join(words), quote=True)
    data = b64encode(thumbnail(kept.run)).decode()
    picture = f'<img alt="{words}" src="data:image/png;base64,{data}">'
    return f"<figure>{picture}<figcaption>{html.escape(run)}</figcaption></figure>"


def outcome(run):
    """Return the lowest validation loss, or that there is none."""
    return WORDS["out"] if run.diverged else f"{run.best_val_loss:.4f}"
