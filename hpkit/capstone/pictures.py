"""The pictures of a report: each is PNG as bytes, and a sentence that says it."""

import io

import numpy as np

from hpkit.capstone.budget import run_named, runs_of
from hpkit.locale import words
from hpkit.plots.canvas import FONT, INK, MUTED, look, new_axes
from hpkit.search.files import numbers_from_plain

LETTERS = 14  # points on 6.4 inches; on a printed page it is a third of that
WORDS = words("capstone")["pictures"]


def drawn(draw):
    """Return the PNG of what `draw(ax)` draws."""
    from matplotlib.figure import Figure

    figure, file = Figure(figsize=(6.4, 3.6), layout="constrained"), io.BytesIO()
    draw(figure.subplots())
    figure.savefig(file, format="png", dpi=110, metadata={"Software": None})
    return file.getvalue()


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
    low, high = axis.get_view_interval()
    # Over three powers of ten there is no room for 2 and 5 between them.
    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 1000 * low else (1,)))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(lambda v, _: f"{v:g}")


def so_far(entries, budget):
    """Draw the lowest validation loss against the epochs spent."""
    ends = []

    def draw(ax):
        spent, lowest = 0, np.inf
        new_axes(ax)
        for number, entry in enumerate(entries):
            epochs, loss = map(numbers_from_plain, entry["so_far"])
            loss = np.minimum(loss, lowest)
            color = look(number)[0]
            ax.step(spent + epochs, loss, where="post", color=color, lw=2.5)
            said = WORDS["entry"].format(n=number + 1, what=entry["what"])
            ax.text(spent + epochs[-1] / 2, 1.02 - 0.07 * (number % 3), said,
                    ha="center", color=color, fontsize=FONT - 1,
                    transform=ax.get_xaxis_transform())  # fmt: skip
            spent, lowest = spent + int(epochs[-1]), loss[-1]
            ends.append(WORDS["end"].format(loss=lowest, epochs=spent))
            ax.axvline(spent, color=MUTED, lw=0.6)
        ax.axvline(budget, color=INK, lw=1.5, ls=(0, (4, 3)))
        ax.text(budget, 0.6, WORDS["budget"], ha="right", va="center",
                transform=ax.get_xaxis_transform())  # fmt: skip
        ax.set(xlabel=WORDS["spent"], ylabel=WORDS["so_far"])
        ax.set_xlim(0, 1.02 * max(spent, budget))
        factors(ax.yaxis)
        low, high = ax.get_ylim()
        ax.set_ylim(low, high * (high / low) ** 0.15)  # room for the words on top
        large(ax)

    return drawn(draw), WORDS["so_far_said"].format(ends=", ".join(ends))


def tried(entries, choice):
    """Draw the loss of each setting at its learning rate, the chosen one in a ring."""
    dots, crosses = set(), set()
    if choice:
        ring = {"lr": run_named(choice)[0].lr, "loss": choice["mean_val_loss"]}

    def draw(ax):
        new_axes(ax)
        for number, entry in enumerate(entries):
            runs, (color, marker) = runs_of(entry), look(number)
            for setting, loss, out in zip(
                runs.settings, runs.mean_val_loss, runs.diverged.any(1), strict=True
            ):
                # Two that lie on each other are one that was trained twice.
                (crosses if out else dots).add((setting.lr, f"{loss:.4g}"))
                if out:
                    ax.plot(setting.lr, 1, "x", color=color, ms=9, mew=2, clip_on=False,
                            transform=ax.get_xaxis_transform())  # fmt: skip
                else:
                    ax.plot(setting.lr, loss, marker, color=color, ms=7, alpha=0.7)
        if choice:
            ax.plot(ring["lr"], ring["loss"], "o", mfc="none", mec=INK, ms=15, mew=2)
        factors(ax.xaxis)
        if dots:  # crosses alone have no loss to make a scale of
            factors(ax.yaxis)
        ax.set(xlabel=WORDS["lr"], ylabel=WORDS["val_loss"])
        large(ax)

    png = drawn(draw)
    text = WORDS["tried_said"].format(n=len(dots | crosses), out=len(crosses))
    if choice:
        text = f"{text} {WORDS['chosen_said'].format(**ring)}"
    return png, text


def chosen(entries, choice):
    """Draw the training curves of the chosen run."""
    from hpkit.plots import describe, plot_training_curves

    wanted = run_named(choice)
    every = (run for entry in entries for run in runs_of(entry))
    run = next(r for r in every if (r.setting, r.seed, r.epochs_done) == wanted)
    return drawn(lambda ax: large(plot_training_curves(run, ax))), describe(run)
