"""`CoinFlipsPanel`: the best of many models, where nothing can be learned."""

import ipywidgets as W
import numpy as np

from hpkit.data.datasets import load_dataset
from hpkit.engine.training import train
from hpkit.hyperparameters import Hyperparameters, check_count, check_seed
from hpkit.panels.controls import count_box
from hpkit.panels.figures import figure, legend, limit, linear, lines, points, set_all
from hpkit.panels.guess import check_predict
from hpkit.panels.live import FRAME
from hpkit.panels.panel import Panel, titled
from hpkit.panels.parts import button, row
from hpkit.panels.play import play

WORDS = {
    "coins": "The best of many models, on labels that are coin flips",
    "tried": "models tried",
    "box": "models, up to {}",
    "score": "accuracy",
    "valid": "validation, best so far",
    "test": "test, of that model",
    "each": "every model",
    "mine": "your guess",
    "run": "Run",
    "run_tip": "Try one model after the other",
    "again": "New flips",
    "again_tip": "Flip all coins again and train all models anew",
    "training": "The models are trained first.",
    "stopped": "Stopped before the models were trained: press New flips.",
    "luck": "The best of {n} models has a validation accuracy of <b>{valid:.1%}</b>. "
    "On {rows} new rows it has <b>{test:.1%}</b>: there was nothing to learn.",
    "one": "One model has a validation accuracy of <b>{valid:.1%}</b>. On {rows} new "
    "rows it has <b>{test:.1%}</b>.",
    "guess": "What validation accuracy does the best of 50 models have?",
    "percent": "{}%",
}
MODELS = 100
PAUSE = 0.06  # seconds between two models of a run
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
    predict : bool, default False
        Ask for a guess before anything is shown.

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
    newest_first = True

    def __init__(self, *, models=50, seed=0, title=None, predict=False):
        seed = check_seed("seed", seed, most=2**31)
        flips = load_dataset("coin_flips", seed)
        super().__init__(flips, title=titled(title, WORDS["coins"]))
        models = check_count("models", models, most=MODELS, hint="try 5 or 50")
        self.valid = self.test = np.zeros(0)
        label = WORDS["box"].format(MODELS)
        self.count, box = count_box(label, models, 1, MODELS, most=MODELS)
        self.flips = seed
        self.run_button = button(WORDS["run"], WORDS["run_tip"], "primary")
        self.again = button(WORDS["again"], WORDS["again_tip"])
        if check_predict(predict):
            slider = W.IntSlider(50, min=40, max=100)
            self.ask(WORDS["guess"], slider, WORDS["percent"].format)
        left = [row(self.run_button, self.stop_button, name="hp-buttons"),
                row(self.again, name="hp-buttons")]  # fmt: skip
        self.build([box, *left], self._charts(predict))
        self.on_change(self.count, self._draw)
        self.on_click(self.run_button, self._run_clicked)
        self.on_click(self.again, self.flip)
        self.live.now(self._training())

    def _charts(self, predict):
        """Make the chart."""
        scales = {"x": linear(0, MODELS), "y": linear(0.2, 0.85)}
        self.each = points(
            scales, "gray", marker="circle", default_size=24, opacities=[0.6]
        )
        look = {"stroke_width": 2.8, "interpolation": "step-after"}
        self.best = lines(scales, **look)
        self.truth = lines(scales, "orange", line_style="dashed", **look)
        self.mine = lines(scales, "purple", stroke_width=2.5, line_style="dotted")
        chart = figure(
            [self.each, self.best, self.truth, self.mine], *scales.values(),
            (WORDS["tried"], WORDS["score"]),
        )  # fmt: skip
        limit(chart, 0, MODELS, room=1.01)
        limit(chart, 1, 0.85, 0.2)
        over = legend(
            (self.each, WORDS["each"]), (self.best, WORDS["valid"]),
            (self.truth, WORDS["test"]),
            *([(self.mine, WORDS["mine"])] if predict else []),
        )  # fmt: skip
        return [(over, chart, 1)]

    def flip(self):
        """Flip all coins again."""
        self.flips += 1
        self.live.start(self._training())

    def _run_clicked(self):
        """Try one model after the other, slowly; from the first when all were tried."""
        first = 1 if self.count.value >= MODELS else self.count.value + 1
        self.live.start(
            play(self._try, range(first, MODELS + 1), PAUSE),
            replace=len(self.valid) > 0,
        )

    def _try(self, models):
        with self.quietly():
            self.count.value = models

    def _training(self):
        """Train all models (a job)."""
        data = load_dataset("coin_flips", self.flips)
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
                right = run.predict(data.test, "last") == data.test.y
                test[run.seed] = right.mean()
        self.dataset, self.valid, self.test = data, valid, test
        yield

    @property
    def chosen(self):
        """Numbers of the best model of the first one, two, three, ..."""
        valid = self.valid[: self.count.value]
        return [int(np.argmax(valid[: k + 1])) for k in range(len(valid))]

    def draw(self, running):
        """Show the state."""
        if not len(self.valid):
            return
        best, at = self.chosen, np.arange(1.0, self.count.value + 1)
        set_all(self.each, x=at, y=self.valid[: len(at)])
        line = slice(None) if len(at) > 1 else slice(0, 0)
        set_all(self.best, x=at[line], y=self.valid[best][line])
        set_all(self.truth, x=at[line], y=self.test[best][line])
        if self.guess and self.guess.open:
            set_all(self.mine, x=[0.0, MODELS], y=[self.guess.value / 100] * 2)
        self.bar.value = len(at) / MODELS
        if running:
            self._show_drawer()

    def sentence(self, running):
        """Return the luck in words."""
        if not len(self.valid):
            return WORDS["training" if running else "stopped"]
        best, n = self.chosen[-1], len(self.chosen)
        return WORDS["luck" if n > 1 else "one"].format(
            n=n, valid=self.valid[best], test=self.test[best],
            rows=len(self.dataset.test.y),
        )  # fmt: skip

    def frame(self):
        """Return the accuracies of the models tried, one a row."""
        import pandas as pd

        best = self.chosen
        at = slice(len(best))
        return pd.DataFrame({
            "model": range(1, len(best) + 1),
            "val_accuracy": self.valid[at], "test_accuracy": self.test[at],
            "best_val_accuracy": self.valid[best], "its_test_accuracy": self.test[best],
        })  # fmt: skip

    def code(self):
        """Return the cell that does the same in the open."""
        return "\n".join([
            "import hpkit as hk", "",
            f'data = hk.load_dataset("coin_flips", {self.flips})',
            f"rates = {list(RATES)}", "runs = [hk.fit(data, hk.Hyperparameters(",
            "    lr=rates[k % 5], hidden=(16,), epochs=20), seed=k)",
            f"    for k in range({self.count.value})]",
            "max(run.val_accuracy[-1] for run in runs)",
        ])  # fmt: skip
