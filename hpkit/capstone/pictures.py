"""The pictures of a report: PNG and a sentence that says what it shows."""

import io

import numpy as np

from hpkit.hyperparameters import Hyperparameters
from hpkit.plots.canvas import FONT, INK, MUTED, look, new_axes

LETTERS = 14  # points on 6.4 inches; on a printed page it is a third of that

# What a learner reads.
WORDS = {
    "spent_axis": "epochs spent",
    "so_far": "lowest validation loss so far",
    "budget_line": "budget ",
    "entry": "{n}. {what}",
    "so_far_said": "Lowest validation loss against epochs spent: {ends}.",
    "end": "{loss:.3g} after {epochs}",
    "lr": "learning rate",
    "val_loss": "lowest validation loss",
    "tried_said": "Each setting that was tried, at its learning rate: {n} dots, {out} "
    "of them diverged (a cross at the top).",
    "chosen_said": " The ring is the chosen one, {loss:.3g} at {lr:g}.",
}


def drawn(draw, text, size=(6.4, 3.6)):
    """Return a picture that `draw(ax)` draws: (PNG as bytes, text)."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    draw(figure.subplots())
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=110, metadata={"Software": None})
    return file.getvalue(), text


def large(ax):
    """Make the letters of an axes large enough for a picture half a page wide."""
    ax.tick_params(labelsize=LETTERS)
    for text in (ax.xaxis.label, ax.yaxis.label):
        text.set_fontsize(LETTERS)
    for text in ax.texts:  # names, of which many may have to stand side by side
        text.set_fontsize(0.85 * LETTERS)


def factors(axis):
    """Make an axis a log scale with numbers as people write them."""
    from matplotlib.ticker import LogLocator, NullLocator

    axis._set_axes_scale("log")
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(lambda v, _: f"{v:g}")


def so_far(capstone):
    """Draw the lowest validation loss against the epochs spent."""
    entries, ends = capstone.entries, []

    def draw(ax):
        spent, lowest = 0, np.inf
        new_axes(ax)
        for number, entry in enumerate(entries):
            epochs, loss = map(np.array, entry["so_far"])
            loss = np.minimum(loss, lowest)
            color = look(number)[0]
            ax.step(spent + epochs, loss, where="post", color=color, lw=2.5)
            words = WORDS["entry"].format(n=number + 1, what=entry["what"])
            ax.text(spent + epochs[-1] / 2, 1.02 - 0.07 * (number % 3), words,
                    ha="center", color=color, fontsize=FONT - 1,
                    transform=ax.get_xaxis_transform())  # fmt: skip
            spent, lowest = spent + int(epochs[-1]), loss[-1]
            ends.append(WORDS["end"].format(loss=lowest, epochs=spent))
            ax.axvline(spent, color=MUTED, lw=0.6)
        ax.axvline(capstone.budget, color=INK, lw=1.5, ls=(0, (4, 3)))
        ax.text(capstone.budget, 0.6, WORDS["budget_line"], ha="right", va="center",
                transform=ax.get_xaxis_transform())  # fmt: skip
        ax.set(xlabel=WORDS["spent_axis"], ylabel=WORDS["so_far"])
        ax.set(xlim=(0, 1.02 * max(spent, capstone.budget)))
        factors(ax.yaxis)
        low, high = ax.get_ylim()
        ax.set_ylim(low, high * (high / low) ** 0.15)  # room for the words on top
        large(ax)

    png, _ = drawn(draw, "")
    return png, WORDS["so_far_said"].format(ends=", ".join(ends))


def tried(capstone):
    """Draw the loss of each setting at its learning rate, the chosen one in a ring."""
    choice, dots, crosses = capstone.data["choice"], [], []
    for number, entry in enumerate(capstone.entries):
        runs = capstone.runs_of(entry)
        out = runs.diverged.any(1)
        for i, setting in enumerate(runs.settings):
            dot = setting.lr, runs.mean_val_loss[i], number
            (crosses if out[i] else dots).append(dot)

    def draw(ax):
        new_axes(ax)
        for lr, loss, number in dots:
            color, marker = look(number)
            ax.plot(lr, loss, marker, color=color, ms=7, alpha=0.7)
        for lr, _, number in crosses:
            ax.plot(lr, 1, "x", color=look(number)[0], ms=9, mew=2, clip_on=False,
                    transform=ax.get_xaxis_transform())  # fmt: skip
        if choice:
            lr, loss = choice["setting"]["lr"], choice["mean_val_loss"]
            ax.plot(lr, loss, "o", mfc="none", mec=INK, ms=15, mew=2)
        factors(ax.xaxis)
        if dots:  # crosses alone have no loss to make a scale of
            factors(ax.yaxis)
        ax.set(xlabel=WORDS["lr"], ylabel=WORDS["val_loss"])
        large(ax)

    # Two that lie on each other are one that was trained twice.
    seen, out = (
        {(lr, f"{loss:.4g}") for lr, loss, _ in all_} for all_ in (dots, crosses)
    )
    count = {"n": len(seen) + len(out), "out": len(out)}
    text = WORDS["tried_said"].format(**count)
    if choice:
        facts = {"loss": choice["mean_val_loss"], "lr": choice["setting"]["lr"]}
        text += WORDS["chosen_said"].format(**facts)
    return drawn(draw, text)


def chosen(capstone):
    """Draw the training curves of the chosen run."""
    from hpkit.plots import describe, plot_training_curves

    choice = capstone.data["choice"]
    setting = Hyperparameters(**choice["setting"])
    every = (run for entry in capstone.entries for run in capstone.runs_of(entry))
    found = next(
        run for run in every if (run.setting, run.seed) == (setting, choice["seed"])
        and run.epochs_done == choice["epochs"]
    )  # fmt: skip
    return drawn(lambda ax: large(plot_training_curves(found, ax)), describe(found))
