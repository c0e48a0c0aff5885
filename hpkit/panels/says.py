"""What a `TrainingPanel` says of the run that it shows."""

from html import escape

from hpkit.panels.controls import NAMES
from hpkit.panels.runlist import short, text_of

WORDS = {
    "now": "Training, epoch {done} of {epochs}: validation loss <b>{last:.3g}</b>",
    "rest": "Paused at epoch {done} of {epochs}: validation loss <b>{last:.3g}</b>",
    "best": "Lowest validation loss <b>{best:.3g}</b> at epoch {at} of {epochs}",
    "stopped": "Stopped at epoch {done} of {epochs}: lowest validation loss "
    "<b>{best:.3g}</b> at epoch {at}",
    "diverged": "<b>Diverged</b> (✕): the loss grew instead of falling. A smaller "
    "learning rate is the usual way out",
    "with": " ({setting}).",
    "leader": " Best of {n} runs: run {number} with {best:.3g}.",
    "self": " The best of {n} runs.",
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
        "last": run.val_loss[-1], "best": run.best_val_loss, "at": run.best_epoch,
    }  # fmt: skip
    kind = "best" if run.epochs_done == run.setting.epochs else "stopped"
    kind = training or ("diverged" if run.diverged else kind)
    text = WORDS[kind].format(**facts)
    text += WORDS["with"].format(setting=described(run, names))
    if len(kept) > 1:
        leader = min(kept, key=lambda k: (k.run.diverged, k.run.best_val_loss))
        line = WORDS["self"] if leader is strong else WORDS["leader"]
        best = leader.run.best_val_loss
        text += line.format(n=len(kept), number=escape(leader.label), best=best)
    return text


def described(run, names):
    """Return the setting of a run in words, its epochs left out."""
    names = [n for n in dict.fromkeys(("lr", "batch_size", *names)) if n != "epochs"]
    parts = [
        f"{short(n) if n == 'lr' else NAMES[n]} {text_of(getattr(run.setting, n))}"
        for n in names
    ]
    return ", ".join([*parts, f"seed {run.seed}"])
