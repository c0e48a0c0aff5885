"""Why the best validation score is too good: `CoinFlipsPanel`, and `TestBoxPanel`."""

import html

import ipywidgets as W
import numpy as np

from hpkit.charts.runs import round_up
from hpkit.charts.spec import GUESS, Axis, Chart, line, points, rule, text
from hpkit.data.datasets import load_dataset
from hpkit.engine.runs import Run
from hpkit.hyperparameters import Hyperparameters, check_count, refusal
from hpkit.locale import Texts, digits
from hpkit.panels.controls import count_box
from hpkit.panels.panel import FOLDER, Panel, play
from hpkit.panels.parts import code_of_run
from hpkit.store import Store, check_kinds
from hpkit.text import setting_text

_COINS, _BOX = Texts("panels.coins"), Texts("panels.test_box")
_MODELS = 100
_PAUSE = 0.06  # seconds between two models of a run
_COIN_RATES = (0.01, 0.03, 0.1, 0.3, 1.0)
_COLORS = "blue", "orange"  # validation loss, test loss


class CoinFlipsPanel(Panel):
    """Try more and more models on classes that are coin flips.

    The best of many is lucky on the rows it was chosen by (Cawley and Talbot, On
    over-fitting in model selection, JMLR 11, 2010). Each model has its own seed, one
    hidden layer of 16, 20 epochs, and a learning rate of 0.01 to 1.

    Parameters
    ----------
    models : int, 1 to 100
        How many are tried at first.

    Examples
    --------
    >>> hk.CoinFlipsPanel().wait().valid.shape  # accuracies
    (100,)
    """

    kind, words, newest_first = "coin-flips", _COINS, True
    has_result = False  # until all models are trained

    def __init__(
        self,
        *,
        models: int = 50,
        title: str | None = None,
        predict: bool = False,
    ) -> None:
        self.flips = 0
        super().__init__(load_dataset("coin_flips", 0), title)
        self.first = check_count("models", models, most=_MODELS)  # tried before Run
        self.valid = self.test = np.zeros(0)
        self.count = count_box(_COINS["box"], self.first, 1, _MODELS, most=_MODELS)
        options = {"text": _COINS["percent"].format, "min": 40, "max": 100}
        self.ask(predict, _COINS["guess"], W.IntSlider, 40, **options)
        buttons = self.buttons(run=self._run, stop=self.stop)
        self.build(self.count, buttons, self.buttons(again=self.flip))
        self.on_change(self._draw, self.count)
        self.live.run_now(self._training(self.flips))

    def flip(self) -> None:
        """Flip all coins again, and go back to the first number of models."""
        self.live.start(self._training(self.flips + 1))

    def _run(self):
        job = play(self._set_count, lambda: self.count.value, _MODELS, _PAUSE, first=1)
        self.live.start(job, replace=not self.flipping)

    def _set_count(self, models):
        with self.quietly():
            self.count.value = models

    def _training(self, flips):
        self._set_count(self.first)
        data, accuracies = load_dataset("coin_flips", flips), np.zeros((2, _MODELS))
        self.flipping = True
        try:
            for first, lr in enumerate(_COIN_RATES):  # twenty seeds each
                setting = Hyperparameters(lr=lr, hidden=(16,), epochs=20)
                seeds = range(first, _MODELS, len(_COIN_RATES))
                for run in (yield from self.train(data, setting, seeds)):
                    right = run.predict(data.test, "last") == data.test.y
                    accuracies[:, run.seed] = run.val_accuracy[-1], right.mean()
        finally:
            self.flipping = False
        with self.live.lock:
            self.dataset, self.flips, self.has_result = data, flips, True
            self.valid, self.test = accuracies
        yield

    @property
    def _tried(self):
        """Accuracies of the models tried; the best of the first 1, 2, ... of them."""
        valid, test = self.valid[: self.count.value], self.test[: self.count.value]
        return valid, test, [int(np.argmax(valid[: k + 1])) for k in range(len(valid))]

    def _charts(self):
        valid, test, best = self._tried
        at, tens = np.arange(1, len(valid) + 1), np.arange(20, 81, 10)
        guess = np.divide(self.guesses, 100)
        dots = {"color": "gray", "size": 2.8, "opacity": 0.6, "legend": _COINS["each"]}
        steps = {"width": 2.8, "step": True, "hover": False}
        test_steps = {"color": "orange", "dash": "dashed", "label": _COINS["test"]}
        marks = [
            points(at, valid, **dots),
            line(at, valid[best], strong=True, label=_COINS["valid"], **steps),
            line(at, test[best], **steps, **test_steps),
            rule(guess, across=True, label=_COINS["mine"], **GUESS),
        ]
        texts = [_COINS["percent"].format(ten) for ten in tens]
        x = Axis(_COINS["tried"], (0, 1.01 * _MODELS))
        y = Axis(_COINS["score"], (0.2, 0.85), ticks=tens / 100, texts=texts)
        alt = _COINS["alt"].format(len(best), valid[best[-1]], test[best[-1]])
        return [Chart(x, y, marks, alt=alt)]

    def _summary(self, running):
        valid, test, best = self._tried
        facts = {"n": len(best), "valid": valid[best[-1]], "test": test[best[-1]]}
        return _COINS["luck"].format(**facts, rows=len(self.dataset.test.y))

    def _table(self):
        valid, test, best = self._tried
        columns = {"val_accuracy": valid, "test_accuracy": test}
        columns |= {"best_val_accuracy": valid[best], "its_test_accuracy": test[best]}
        return {"model": range(1, len(best) + 1), **columns}

    def _code(self):
        return f"""import hpkit as hk

data = hk.load_dataset("coin_flips", {self.flips})
rates = {list(_COIN_RATES)}
runs = [hk.fit(data, hk.Hyperparameters(
    lr=rates[k % 5], hidden=(16,), epochs=20), seed=k)
    for k in range({self.count.value})]
max(run.val_accuracy[-1] for run in runs)"""


class TestBoxPanel(Panel):
    """A box with the test loss of a run, the final choice: it opens once.

    Examples
    --------
    >>> hk.TestBoxPanel(hk.fit(hk.load_dataset("wine"))).opened
    """

    __test__ = False  # keeps pytest from collecting it
    kind, words = "test-box", _BOX

    def __init__(
        self, run: Run, *, title: str | None = None, predict: bool = False
    ) -> None:
        if not isinstance(run, Run):
            raise refusal("one_run", kind=TypeError, type=type(run).__name__)
        self.run, self.opened, self.again = run, None, False
        self.choice = setting_text(run.setting)
        super().__init__(run.dataset, title)
        # One file per set of rows, so that a box stays open after a kernel restart.
        path = FOLDER / f"{self.stem}-{self.dataset.fingerprint}.json"
        self.store = Store(path, {"opened": None}, _check, _BOX)
        self.add_class("hp-tall")
        most = round_up(2 * run.best_val_loss)
        options = {"min": 0, "max": most, "step": most / 100, "readout_format": ".3g"}
        self.ask(predict, _BOX["guess"], W.FloatSlider, 0, text=digits, **options)
        # A double click counts as one look.
        self.build(self.buttons(open=lambda: self.opened or self.look()))
        self._recall()
        self._draw()

    def _recall(self):
        """Restore what this or another panel or session has seen of the test set."""
        if seen := self.store.load()["opened"]:
            self.opened, self.again = seen, True

    def look(self) -> None:
        """Look at the test loss; a second look shows the number of the first."""
        with self.live.lock:
            self._recall()
            if self.opened is None:
                run, classes = self.run, not self.dataset.is_regression
                seen = {"val_loss": run.best_val_loss, "loss": run.test_loss()}
                seen |= {"setting": self.choice, "seed": run.seed}
                seen["accuracy"] = run.test_accuracy() if classes else None
                self.opened = seen
                self.store.change(lambda data: data.update(opened=seen))
                self.note.value = html.escape(" ".join(self.store.notices))
            self._draw()

    @property
    def losses(self) -> list:
        """Validation loss and, once the box was opened, test loss of the choice."""
        seen = self.opened or {"val_loss": self.run.best_val_loss}
        return [seen[name] for name in ("val_loss", "loss") if name in seen]

    def _update(self, running):
        state = "done" if self.opened else "open"
        self.open_button.disabled = self.opened is not None
        self.open_button.description = _BOX[state]
        self.open_button.tooltip = _BOX[f"{state}_tip"]

    def _charts(self):
        losses, guess = np.array(self.losses), self.guesses
        at, closed = np.arange(len(losses)), len(losses) < 2
        # Leave room for the test loss, so that opening the box rarely moves the axis.
        top = round_up(np.nanmax([2 * losses[0], *1.1 * losses, *guess]))
        mine = _BOX["mine"].format(*guess) if guess else None
        stems = np.stack([at, at], 1), np.stack([np.zeros_like(losses), losses], 1)
        hidden = ([1], [top / 2], [_BOX["hidden"]]) if closed else ([], [], [])
        numbers = [_BOX["number"].format(loss) for loss in losses]
        marks = [
            rule(losses[:1], across=True, color="gray", dash="dotted"),
            line([0.6, 1.4] * len(guess), 2 * guess, hover=False, label=mine, **GUESS),
            line(*stems, color=_COLORS, width=5, opacity=0.3, hover=False),
            points(at, losses, color=_COLORS, size=7, label=numbers, strong=True),
            text(*hidden, size=3),
        ]
        x = Axis(kind="band", texts=[_BOX["valid"], _BOX["test"]])
        alt = _BOX["alt" if closed else "alt_open"].format(*losses)
        return [Chart(x, Axis(_BOX["loss"], (0, top)), marks, alt=alt, height=16)]

    def _summary(self, running):
        if self.opened is None:
            return _BOX["closed"].format(setting=self.choice, seed=self.run.seed)
        errors = [abs(self.opened["loss"] - guess) for guess in self.guesses]
        text = "".join(_BOX["off"].format(off) for off in errors if np.isfinite(off))
        facts = self.opened | {"setting": html.escape(self.opened["setting"])}
        key = "opened" if facts["accuracy"] is None else "opened_classes"
        text += _BOX[key].format(**facts)
        if self.again:
            text += _BOX["twice"]
            seed = self.run.seed
            if (self.choice, seed) != (self.opened["setting"], self.opened["seed"]):
                text += _BOX["other"].format(html.escape(self.choice), seed)
        return text

    def _table(self):
        return {"split": _BOX["split"][: len(self.losses)], "loss": self.losses}

    def _code(self):
        best = "run.best_val_loss, run.best_epoch"
        return code_of_run(self.run, best, "run.test_loss()")


def _check(data):
    if seen := data["opened"]:
        kinds = {"setting": str, "seed": int, "val_loss": float, "loss": float}
        check_kinds(seen, kinds | {"accuracy": float | None})
