"""`CoinFlipsPanel`: the best of many models, where nothing can be learned."""

import numpy as np

from hpkit.datasets import load_dataset
from hpkit.panels.controls import count_box
from hpkit.panels.figures import figure, legend, limit, linear, lines, points, set_all
from hpkit.panels.live import FRAME
from hpkit.panels.panel import Panel, button, row
from hpkit.settings import Hyperparameters
from hpkit.training import train

WORDS = {
    "coins": "The best of many models, on labels that are coin flips",
    "tried": "models tried",
    "score": "accuracy",
    "valid": "validation, best so far",
    "test": "test, of that model",
    "each": "every model",
    "again": "New flips",
    "again_tip": "Flip all coins again and train all models anew",
    "luck": "Of {n} models the best has a validation accuracy of <b>{valid:.0%}</b>. "
    "On {rows} new rows it has <b>{test:.0%}</b>: there was nothing to learn.",
}
MODELS = 100
RATES = (0.01, 0.03, 0.1, 0.3, 1.0)


class CoinFlipsPanel(Panel):
    """Try more and more models on labels that are coin flips.

    Parameters
    ----------
    models : int, default 50
        How many are tried at first; 1 to 100.
    seed : int, default 0
        Of the coin flips.
    title : str, optional

    Attributes
    ----------
    valid, test : ndarray (100,)
        Accuracy of each model after its last epoch.

    Notes
    -----
    One hidden layer of 16, 20 epochs, learning rates 0.01 to 1 by turns, each model
    with its own seed. The best of many is lucky on the rows it was chosen by: Cawley
    and Talbot, On over-fitting in model selection, JMLR 11 (2010). This instrument
    looks at the test split as often as it likes: nothing is chosen by it.

    Examples
    --------
    >>> panel = CoinFlipsPanel(models=50).wait()
    >>> bool(panel.valid[:50].max() > 0.55)
    True
    """

    kind = "coin-flips"

    def __init__(self, *, models=50, seed=0, title=None):
        self.seed = seed
        super().__init__(
            load_dataset("coin_flips", seed), title=title or WORDS["coins"]
        )
        self.valid = self.test = np.zeros(0)
        self.count, box = count_box(WORDS["tried"], models, 1, MODELS)
        self.again = button(WORDS["again"], WORDS["again_tip"], "primary")
        scales = {"x": linear(0, MODELS), "y": linear(0.2, 0.85)}
        self.each = points(
            scales, "gray", marker="circle", default_size=24, opacities=[0.6]
        )
        look = {"stroke_width": 2.8, "interpolation": "step-after"}
        self.best = lines(scales, **look)
        self.truth = lines(scales, "orange", line_style="dashed", **look)
        chart = figure(
            [self.each, self.best, self.truth], *scales.values(),
            (WORDS["tried"], WORDS["score"]),
        )  # fmt: skip
        limit(chart, 0, MODELS)
        limit(chart, 1, 0.85, 0.2)
        over = legend(
            (self.each, WORDS["each"]), (self.best, WORDS["valid"]),
            (self.truth, WORDS["test"]),
        )  # fmt: skip
        self.build([box, row(self.again, name="hp-buttons")], [(over, chart, 1)])
        self.on_change(self.count, self._draw)
        self.on_click(self.again, self.flip)
        self.live.now(self._training(self.dataset))

    def flip(self):
        """Flip all coins again."""
        self.seed += 1
        self.live.start(self._training(load_dataset("coin_flips", self.seed)))

    def _training(self, data):
        """Train all models (a job)."""
        settings = [
            Hyperparameters(lr=RATES[k % len(RATES)], hidden=(16,), epochs=20)
            for k in range(MODELS)
        ]
        valid, test = np.full((2, MODELS), np.nan)
        for first in range(len(RATES)):  # one learning rate, twenty seeds
            seeds = range(first, MODELS, len(RATES))
            for found in train(data, settings[first], seeds=seeds, tick=FRAME):
                runs = found
                yield False
            for run in runs:
                valid[run.seed] = run.val_accuracy[-1]
                right = run.predict(data.test.X, "last") == data.test.y
                test[run.seed] = right.mean()
        self.dataset, self.valid, self.test = data, valid, test
        yield

    @property
    def chosen(self):
        """Numbers of the best model of the first one, two, three, ..."""
        n = min(self.count.value, MODELS)
        highest = np.maximum.accumulate(self.valid[:n])
        return [int(np.argmax(self.valid[: k + 1])) for k in range(len(highest))]

    def draw(self, running):
        """Show the state."""
        if not len(self.valid):
            return
        best, at = self.chosen, np.arange(1.0, min(self.count.value, MODELS) + 1)
        set_all(self.each, x=at, y=self.valid[: len(at)])
        line = slice(None) if len(at) > 1 else slice(0, 0)
        set_all(self.best, x=at[line], y=self.valid[best][line])
        set_all(self.truth, x=at[line], y=self.test[best][line])
        self.bar.value = len(at) / MODELS

    def sentence(self, running):
        """Return the luck in words."""
        if not len(self.valid):
            return ""
        best = self.chosen[-1]
        return WORDS["luck"].format(
            n=len(self.chosen), valid=self.valid[best], test=self.test[best],
            rows=len(self.dataset.test.y),
        )  # fmt: skip

    def frame(self):
        """Return the accuracies, one model a row."""
        import pandas as pd

        table = {"model": range(1, len(self.valid) + 1), "val_accuracy": self.valid}
        return pd.DataFrame(table | {"test_accuracy": self.test})

    def code(self):
        """Return the cell that does the same in the open."""
        return "\n".join([
            "import hpkit as hk", "",
            f'data = hk.load_dataset("coin_flips", {self.seed})',
            f"rates = {list(RATES)}", "runs = [hk.fit(data, hk.Hyperparameters(",
            "    lr=rates[k % 5], hidden=(16,), epochs=20), seed=k)",
            f"    for k in range({self.count.value})]",
            "max(run.val_accuracy[-1] for run in runs)",
        ])  # fmt: skip
