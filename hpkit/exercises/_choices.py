"""Checks of words, letters and numbers; the curves that are matched with words."""

import functools
import io
from collections.abc import Mapping

import hpkit
from hpkit.data.datasets import load_dataset
from hpkit.exercises import _answers as read
from hpkit.exercises._answers import wrong_if
from hpkit.exercises._core import Exercise, load_texts
from hpkit.exercises._trainings import DIGITS, LARGE, MOONS
from hpkit.hyperparameters import Hyperparameters

SPLITS = ("train", "valid", "test")


@Exercise
def hyperparameters(answer):
    """Exactly those that are set before training; the names in code do as well."""
    texts = hyperparameters.words
    words = [answer] if isinstance(answer, str) else read.sequence(answer)
    words = [texts["codes"].get(w, w) if isinstance(w, str) else w for w in words]
    got = read.choice_set(words, texts["choices"])
    for reason in ("learned", "measured"):
        names = ", ".join(sorted(got.intersection(texts[reason])))
        wrong_if({"names": names}, **{reason: names})
    wrong_if({"n": len(got)}, more=len(got) < len(hyperparameters.answer()))


@Exercise
def which_split(answer):
    """Each use has its split, by its name in code or in words."""
    want = which_split.answer()
    if isinstance(answer, Mapping):
        names = (*SPLITS, *want)
        answer = {_short(use, names): _short(v, names) for use, v in answer.items()}
    read.check_choices(answer, want, SPLITS)


def _short(name, names):
    """Return the name that the code has for a split: "train" for "Training split"."""
    if not isinstance(name, str):
        return name
    extra, full = which_split.words["extra"], which_split.words["full"]
    plain = " ".join(word for word in name.lower().split() if word not in extra)
    return full.get(plain, plain if plain in names else name)


@Exercise
def best_of_50(answer):
    """A little above one half."""
    share = read.number(answer, low=0, high=100)
    share = share / 100 if share > 1 else share  # written in percent
    wrong_if(too_high=share > 0.58, too_low=share < 0.505)


@Exercise
def enough_seeds(answer):
    """The smallest n with 0.04 / sqrt(n) <= 0.01."""
    n = read.number(answer, low=1, whole=True)
    facts = {"n": n, "spread": 0.04 / n**0.5}
    wrong_if(facts, linear=n == 4, too_few=n < 16, too_many=n > 16)


# ---- six curves (lesson 01) --------------------------------------------------------

CURVES = {
    "A": ("small_moons", Hyperparameters(**LARGE, epochs=100)),
    "B": ("moons", MOONS.but(lr=0.001)),
    "C": ("digits", DIGITS.but(lr=3.5, epochs=30)),
    "D": ("digits", DIGITS.but(epochs=30)),
    "E": ("moons", MOONS.but(lr=6, batch_size=64, hidden=(16,))),
    "F": ("moons", MOONS.but(lr=0.3, batch_size=4)),
}


@functools.cache
def _mystery_runs():
    return {
        letter: hpkit.fit(load_dataset(dataset), setting)
        for letter, (dataset, setting) in CURVES.items()
    }


class _MysteryCurves:
    """Six small charts without a label; as text, the losses in a table."""

    @property
    def _words(self):
        return load_texts("01_parameters_and_hyperparameters")["six_curves"]

    def __repr__(self):
        lines, names = [], self._words["lines"]
        for letter, run in _mystery_runs().items():
            last = run.setting.epochs
            at = [e for e in range(0, last + 1, last // 5) if e <= run.epochs_done]
            for name, loss in zip(names, (run.train_loss, run.val_loss), strict=True):
                row = "  ".join(f"{loss[e]:8.3g}" for e in at)
                lines.append(f"{letter}  {name:9}{row}")
        return "\n".join(lines)

    def _repr_png_(self):
        from matplotlib.figure import Figure

        from hpkit.plots import plot_training_curves

        figure = Figure(figsize=(11, 5.6), layout="constrained")
        axes = figure.subplots(2, 3).flat
        for ax, (letter, run) in zip(axes, _mystery_runs().items(), strict=True):
            plot_training_curves(run, ax).set_title(letter)
            if run.diverged:  # the label at the X says so
                for label in list(ax.texts):
                    label.remove()
        file = io.BytesIO()
        figure.savefig(file, format="png", dpi=90)
        return file.getvalue(), {"alt": self._words["alt"]}


mystery_curves = _MysteryCurves()
