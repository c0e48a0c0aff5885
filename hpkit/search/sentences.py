"""What a search has found, in sentences."""

import numpy as np

from hpkit.search.space import Range
from hpkit.text import WORDS, label, shown

# What a learner reads.
KINDS = {
    "validation_curve": "Validation curve",
    "one_at_a_time": "One at a time",
    "grid_search": "Grid search",
    "random_search": "Random search",
    "successive_halving": "Successive halving",
    "bayesian_search": "Bayesian search",
    "optuna_study": "Optuna study",
}
SAY = {
    "head": "{kind} on {dataset}: {cost}.",
    "unfinished": "Stopped before the end.",
    "nothing": "Nothing was trained yet.",
    "best": "The lowest mean validation loss is {loss}, at {setting}.",
    "best_one": "The lowest validation loss is {loss}, at {setting}.",
    "spread": "{loss} (spread over seeds {spread})",
    "diverged": "{count} of {all} settings diverged.",
    "all_diverged": "All settings diverged: try smaller learning rates.",
    "ties": "As good, as far as {seeds} seeds can tell: {settings}.",
    "many_ties": "As good, as far as {seeds} seeds can tell: {settings}; and {more} "
    "others.",
    "edge": "For {name} the best value is the {end} one that was tried: better ones "
    "may lie beyond it.",
    "edge_range": "For {name} the best value is close to the {end} end of its range, "
    "{value}: better ones may lie beyond it.",
    "lost": "{count} runs were lost: {reason}.",
    "step": "Step {number}: {name} {tried}{fixed}. The lowest loss is {loss}, at "
    "{value}. New: {cost}.",
    "step_open": "Step {number}: {name} {tried}{fixed}. Under way.",
    "fixed": ", with {others} held fixed",
    "rung": "After epoch {epoch}: {there} settings, the best {kept} went on.",
    "cost": "{settings} settings, {runs} runs, {epochs} epochs",
    "best_note": "best",
    "tie_note": "as good",
    "diverged_note": "diverged",
}

RANGE_ENDS = {"lowest": "lower", "highest": "upper"}
MOST_TIES = 5  # settings that a sentence names


def sentences(search, short=False):
    """Return the sentences that say what a search has found."""
    runs = search.runs
    said = [
        SAY["head"].format(
            kind=KINDS[search.kind], dataset=search.dataset.name, cost=search.cost
        )
    ]
    if not search.finished:
        said.append(SAY["unfinished"])
    if not len(runs):
        return [*said, SAY["nothing"]]
    if short:
        return said
    said += [*told_steps(search), *told_rungs(search), *told_best(search)]
    for lost in search.lost:
        said.append(SAY["lost"].format(count=len(lost.runs), reason=lost.reason))
    return said


def told_best(search):
    """Return the sentences about the best setting."""
    runs, names = search.runs, tuple(search.space)
    diverged, tried = runs.diverged.any(1), (runs.epochs_done >= 0).any(1)
    if diverged[tried].all():
        return [SAY["all_diverged"]]
    best, several = runs.order[0], len(runs.seeds) > 1
    said = [
        SAY["best" if several else "best_one"].format(
            loss=told_loss(runs, best), setting=label(search.best, names)
        )
    ]
    if ties := search.ties:
        few = ties if len(ties) <= MOST_TIES else ties[:3]
        words = {
            "seeds": len(runs.seeds), "more": len(ties) - 3,
            "settings": "; ".join(label(s, names) for s in few),
        }  # fmt: skip
        said.append(SAY["ties" if few is ties else "many_ties"].format(**words))
    said += told_edge(search)
    if diverged.any():
        said.append(SAY["diverged"].format(count=diverged.sum(), all=tried.sum()))
    return said


def told_edge(search):
    """Return a sentence for each hyperparameter whose best value is at an end."""
    said = []
    for name, end in search.edge.items():
        words, values = {"name": WORDS[name], "end": end}, search.space[name]
        if isinstance(values, Range):
            at = values.low if end == "lowest" else values.high
            words |= {"end": RANGE_ENDS[end], "value": shown(at)}
        said.append(SAY["edge_range" if "value" in words else "edge"].format(**words))
    return said


def told_steps(search):
    """Return a sentence for each step of one-at-a-time."""
    said = []
    for number, step in enumerate(search.steps, 1):
        others = [name for name in search.space if name != step.name]
        words = {
            "number": number,
            "fixed": SAY["fixed"].format(others=label(step.base, others)),
            "name": WORDS[step.name],
            "tried": ", ".join(map(shown, step.values)),
            "cost": step.cost,
        }
        if step.winner is None:
            said.append(SAY["step_open"].format(**words))
            continue
        won = search.settings.index(step.winner)
        words["value"] = shown(getattr(step.winner, step.name))
        words["loss"] = told_loss(search.runs, won)
        said.append(SAY["step"].format(**words))
    return said


def told_rungs(search):
    """Return a sentence for each cut of successive halving."""
    return [
        SAY["rung"].format(epoch=r.epoch, there=len(r.settings), kept=len(r.kept))
        for r in search.rungs
    ]


def told_loss(runs, number):
    """Return a setting's validation loss, with its spread if there are seeds."""
    loss, spread = f"{runs.mean_val_loss[number]:.3g}", runs.std_val_loss[number]
    if np.isnan(spread):
        return loss
    return SAY["spread"].format(loss=loss, spread=f"{spread:.2g}")
