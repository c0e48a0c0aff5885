"""What a `TrainingPanel` says of the run that it shows."""

from html import escape
from math import isclose

from hpkit.text import label

WORDS = {
    "now": "Training, epoch {done} of {epochs}: validation loss <b>{last}</b>",
    "rest": "Paused at epoch {done} of {epochs}: validation loss <b>{last}</b>",
    "best": "Lowest validation loss <b>{best}</b> at epoch {at} of {epochs}",
    "stopped": "Stopped at epoch {done} of {epochs}: lowest validation loss "
    "<b>{best}</b> at epoch {at}",
    "diverged": "<b>Diverged</b> (✕): the loss grew instead of falling. A smaller "
    "learning rate is the usual way out",
    "with": " ({setting}).",
    "leader": " Best of {n} runs: {names} ({best}).",
    "self": " Best of the {n} runs.",
    "shared": " Best of the {n} runs, tied with {names}.",
    "and": " and ",
    "none": "Nothing was trained yet: press Train.",
}


def told(strong, kept, names, training):
    """Return the result of a run in words (HTML).

    Parameters
    ----------
    strong : Kept or None
        The run that is shown.
    kept : sequence of Kept
        All runs of the list, to name the best of them.
    names : sequence of str
        The hyperparameters to name beside lr and batch size.
    training : "now", "rest" or None
        Whether it is under way or paused.

    Returns
    -------
    str
    """
    if strong is None:
        return WORDS["none"]
    run = strong.run
    facts = {
        "done": run.epochs_done, "epochs": run.setting.epochs,
        "last": digits(run.val_loss[-1]), "best": digits(run.best_val_loss),
        "at": run.best_epoch,
    }  # fmt: skip
    kind = "best" if run.epochs_done == run.setting.epochs else "stopped"
    kind = training or ("diverged" if run.diverged else kind)
    text = WORDS[kind].format(**facts)
    text += WORDS["with"].format(setting=described(run, names))
    if len(kept) > 1:
        text += _best(strong, kept)
    return text


def _best(strong, kept):
    """Return which run of the list is the best, or which are, in words."""
    lowest = min(kept, key=lambda k: (k.run.diverged, k.run.best_val_loss))
    best = lowest.run.best_val_loss
    equal = [k for k in kept if isclose(k.run.best_val_loss, best, rel_tol=1e-5)]
    names = [escape(k.called) for k in equal if k is not strong]
    line = "leader" if strong not in equal else "shared" if names else "self"
    facts = {"n": len(kept), "names": WORDS["and"].join(names), "best": digits(best)}
    return WORDS[line].format(**facts)


def digits(loss):
    """Return a loss in three digits: 0.110 stands beside 0.111."""
    return f"{loss:#.3g}".rstrip(".")


def described(run, names):
    """Return the setting of a run in words, its epochs left out."""
    names = [n for n in dict.fromkeys(("lr", "batch_size", *names)) if n != "epochs"]
    lr, others = f"lr {run.setting.lr:g}", label(run.setting, names[1:])
    return f"{lr}, {others}, seed {run.seed}"
