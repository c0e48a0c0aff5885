"""The six curves of lesson 01, whose shapes are named in an exercise."""

import functools
import io

import hpkit
from hpkit.data.datasets import load_dataset
from hpkit.exercises._core import load_texts
from hpkit.exercises._trainings import DIGITS, LARGE, MOONS
from hpkit.hyperparameters import Hyperparameters

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
