"""`CoinFlipsPanel`: the best of many models, where nothing can be learned."""

import ipywidgets as W
import numpy as np

from hpkit.charts.spec import Axis, Chart, line, points, rule
from hpkit.data.datasets import load_dataset
from hpkit.engine.training import train
from hpkit.hyperparameters import Hyperparameters, check_count, check_seed
from hpkit.locale import Texts
from hpkit.panels.controls import count_box
from hpkit.panels.live import FRAME, play
from hpkit.panels.panel import Panel
from hpkit.panels.parts import buttons

WORDS = Texts("panels.coins")
MODELS = 100
PAUSE = 0.06  # seconds between two models of a run
RATES = (0.01, 0.03, 0.1, 0.3, 1.0)
SHOWN = 0.2, 0.85  # accuracies on the chart


def luck_chart(valid, test, *, guess: float | None = None) -> Chart:
    """Return the accuracy of every model, and of the best one so far."""
    valid, test = np.asarray(valid), np.asarray(test)
    best, at = best_so_far(valid), np.arange(1, len(valid) + 1)
    tens = np.arange(20, 81, 10)
    percents = [WORDS["percent"].format(ten) for ten in tens]
    alt = WORDS["none"]
    if len(best):
        alt = WORDS["alt"].format(len(best), valid[best[-1]], test[best[-1]])
    tips = [WORDS["tip"].format(*model) for model in zip(at, valid, test, strict=True)]
    dots = {"color": "gray", "size": 2.8, "opacity": 0.6, "legend": WORDS["each"]}
    strong = {"width": 2.8, "step": True, "hover": False, "label": WORDS["valid"]}
    same = strong | {"color": "orange", "dash": "dashed", "label": WORDS["test"]}
    mine = {"color": "purple", "dash": "dotted", "width": 2.5, "label": WORDS["mine"]}
    return Chart(
        Axis(WORDS["tried"], (0, 1.01 * MODELS)),
        Axis(WORDS["score"], SHOWN, ticks=tens / 100, texts=percents),
        [
            points(at, valid, tip=tips, **dots),
            line(at, valid[best], strong=True, **strong),
            line(at, test[best], **same),
            rule([] if guess is None else [guess], across=True, **mine),
        ],
        alt=alt,
    )


def best_so_far(valid) -> list[int]:
    """Return numbers of the best model of the first one, two, three, ..."""
    return [int(np.argmax(valid[: k + 1])) for k in range(len(valid))]


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
    words = WORDS

    def __init__(
        self,
        *,
        models: int = 50,
        seed: int = 0,
        title: str | None = None,
        predict: bool = False,
    ) -> None:
        self.flips = check_seed("seed", seed, most=2**31)
        super().__init__(load_dataset("coin_flips", self.flips), title)
        models = check_count("models", models, most=MODELS)
        self.valid = self.test = np.zeros(0)
        label = WORDS["box"].format(MODELS)
        self.count, box = count_box(label, models, 1, MODELS, most=MODELS)
        self.first = self.count.value  # how many are tried before Run
        self.run_button = self.button("run", self._run_clicked, "primary")
        self.again = self.button("again", self.flip)
        slider = W.IntSlider(50, min=40, max=100)
        self.ask(predict, WORDS["guess"], slider, WORDS["percent"].format)
        run = buttons(self.run_button, self.stop_button)
        self.build([box, run, buttons(self.again)])
        self.on_change(self.count, self._draw)
        self.live.now(self._training())

    def flip(self):
        """Flip all coins again, and go back to the first number of models."""
        self.flips += 1
        self._try(self.first)
        self.live.start(self._training())

    def _run_clicked(self):
        """Try one model after the other, slowly; from the first when all were tried."""
        first = 1 if self.count.value >= MODELS else self.count.value + 1
        job = play(self._try, range(first, MODELS + 1), PAUSE)
        self.live.start(job, replace=len(self.valid) > 0)

    def _try(self, models):
        with self.quietly():
            self.count.value = models

    def _training(self):
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

    def _update(self, running):
        self.bar.value = min(len(self.valid), self.count.value) / MODELS

    def _pictures(self):
        tried, guess = slice(self.count.value), None
        if len(self.valid) and self.guess and self.guess.open:
            guess = self.guess.value / 100
        return [luck_chart(self.valid[tried], self.test[tried], guess=guess)]

    def _sentence(self, running):
        if not len(self.valid):
            return WORDS["training" if running else "stopped"]
        best = best_so_far(self.valid[: self.count.value])
        n, best = len(best), best[-1]
        rows, valid, test = len(self.dataset.test.y), self.valid[best], self.test[best]
        text = WORDS["luck" if n > 1 else "one"]
        return text.format(n=n, valid=valid, test=test, rows=rows)

    def _table(self):
        best = best_so_far(self.valid[: self.count.value])
        valid, test = self.valid[: len(best)], self.test[: len(best)]
        table = {"model": range(1, len(best) + 1), "val_accuracy": valid}
        table |= {"test_accuracy": test, "best_val_accuracy": valid[best]}
        return table | {"its_test_accuracy": test[best]}

    def code(self):
        """Return the cell that does the same in the open."""
        return f"""import hpkit as hk

data = hk.load_dataset("coin_flips", {self.flips})
rates = {list(RATES)}
runs = [hk.fit(data, hk.Hyperparameters(
    lr=rates[k % 5], hidden=(16,), epochs=20), seed=k)
    for k in range({self.count.value})]
max(run.val_accuracy[-1] for run in runs)"""
