"""`BatchNoisePanel`: how the loss of a batch jumps about the loss of all points."""

from __future__ import annotations

import ipywidgets as W
import numpy as np

from hpkit.charts.loss import nice_top
from hpkit.charts.spec import Axis, Chart, line, points
from hpkit.data.datasets import Dataset
from hpkit.engine.training import check_settings, train
from hpkit.hyperparameters import (
    Hyperparameters,
    check_number,
    check_seed,
    check_setting,
)
from hpkit.locale import Texts
from hpkit.panels.controls import batch_knob
from hpkit.panels.live import FRAME
from hpkit.panels.panel import Panel
from hpkit.panels.parts import buttons, code_of_run

WORDS = Texts("panels.noise")
BATCHES = 120
HALF = 0.35, 0.71  # shares nearer to a half than to a quarter or to the whole


def batches_chart(losses, mean: float, spread: float, size: int, top: float) -> Chart:
    """Return the losses of batches about the loss of all points."""
    at, ends = np.arange(len(losses)) + 0.5, np.array([0, len(losses)])
    names = [WORDS["above"], WORDS["below"]]
    edges = [[mean + spread] * 2, [mean - spread] * 2] if spread else np.zeros((0, 2))
    return Chart(
        Axis(WORDS["batches"], (0, len(losses))),
        Axis(WORDS["loss"], (0, top)),
        [
            points(at, losses, size=3, opacity=0.75, legend=WORDS["each"]),
            line(ends, [mean] * 2, color="ink", label=WORDS["all"], hover=False),
            line(ends, edges, color="orange", dash="dashed", label=names, hover=False),
        ],
        alt=WORDS["batches_alt"].format(len(losses), size, spread, mean),
    )


def spreads_chart(sizes, spreads, n: int, top: float) -> Chart:
    """Return the spread of each batch size looked at, the last one strongly.

    Numbers stand at sizes four times apart from it: between them they would touch.
    """
    told = [WORDS["at"].format(*at) for at in zip(spreads, sizes, strict=True)]
    fours = {size * 4.0**k for size in sizes[-1:] for k in range(-5, 6)}
    said = [text if s in fours else "" for text, s in zip(told, sizes, strict=True)]
    tips = [WORDS["tip"].format(*at) for at in zip(sizes, spreads, strict=True)]
    ticks = [*(2**k for k in range(11) if 2**k < n), n]
    look = {"color": "orange", "size": 5.5}
    before = {"filled": False, "label": said[:-1], "tip": tips[:-1]}
    now = {"strong": True, "label": told[-1:], "tip": tips[-1:]}
    return Chart(
        Axis(WORDS["size"], (0.8, 1.25 * n), "log", ticks=ticks),  # room for whole dots
        Axis(WORDS["spread"], (0, top)),
        [
            points(sizes[:-1], spreads[:-1], **look, **before),
            points(sizes[-1:], spreads[-1:], **look, **now),
        ],
        alt=WORDS["spreads_alt"].format("; ".join(told)),
    )


class BatchNoisePanel(Panel):
    """See how the loss of a batch jumps about the loss of all points.

    Parameters
    ----------
    dataset : Dataset
    setting : Hyperparameters, default lr 0.1, 5 epochs
        A network is trained with it; the batches are drawn for its last weights.
    size : int, default 16
        Points in a batch.
    seed : int, default 0
    title : str, optional
    predict : bool, default False
        Ask for a guess before anything is shown.

    Attributes
    ----------
    losses : ndarray (120,)
        The losses of the batches shown.

    Notes
    -----
    Batches are drawn without repeating a point, so the spread is that of all points'
    losses times sqrt((1 - size / n) / size), about (Goodfellow, Bengio, Courville,
    Deep Learning, 2016, 8.1.3).

    Examples
    --------
    >>> from hpkit.data.datasets import load_dataset
    >>> panel = BatchNoisePanel(load_dataset("moons"))
    >>> spread = panel.losses.std()
    >>> panel.size.value = 256
    >>> bool(panel.losses.std() < spread / 2)
    True
    """

    kind = "batch-noise"
    newest_first = True
    words = WORDS

    def __init__(
        self,
        dataset: Dataset,
        setting: Hyperparameters | None = None,
        *,
        size: int = 16,
        seed: int = 0,
        title: str | None = None,
        predict: bool = False,
    ) -> None:
        usual = Hyperparameters(lr=0.1, epochs=5)
        self.setting = check_setting(setting, default=usual)
        super().__init__(dataset, title, key=(setting,))
        check_settings([self.setting.but(batch_size=size)], dataset)
        self.seed, self.each = check_seed("seed", seed), None
        knob = batch_knob("batch_size", dataset, size)
        self.size, self.sizes, self.drawn = knob.slider, [], self.seed
        self.again = self.button("again", self.draw_again, "primary")
        self.ask(predict, WORDS["guess"], W.ToggleButtons(options=WORDS["guesses"]))
        self.build([knob.box, buttons(self.again, self.stop_button)], (3, 2))
        self.on_change(self.size, self._draw)
        self.live.now(self._training())

    def _training(self):
        found = train(self.dataset, self.setting, seeds=(self.seed,), tick=FRAME)
        for runs in found:
            run = runs[0, 0]
            yield False
        split = self.dataset.train
        if self.dataset.is_regression:
            each = (run.predict(split, "last") - split.y) ** 2
        else:
            shares = run.predict_proba(split, "last")
            each = -np.log(shares[np.arange(len(split.y)), split.y] + 1e-12)
        check_number("batch_loss", float(each.mean()), low=0)
        self.run, self.each = run, each
        self._shuffle()
        yield

    def _shuffle(self):
        """Draw batches of all sizes: the first points of 120 orders."""
        rng, n = np.random.default_rng(self.drawn), len(self.each)
        orders = np.stack([rng.permutation(n) for _ in range(BATCHES)])
        self.means = np.cumsum(self.each[orders], 1) / np.arange(1, n + 1)

    def draw_again(self):
        """Draw other batches."""
        self.drawn += 1
        if self.each is None:
            self.live.start(self._training())
        else:
            self._shuffle()
            self._draw()

    @property
    def losses(self):
        """The losses of the batches shown: ndarray (120,)."""
        return self.means[:, self.size.value - 1]

    def spread_of(self, size):
        """Return the standard deviation of the losses of batches of a size."""
        if size >= len(self.each):
            return 0.0  # but for rounding
        return float(self.means[:, size - 1].std())

    def _update(self, running):
        if self.each is not None:
            size, n = self.size.value, len(self.each)
            self.sizes = [*(s for s in self.sizes if s != size and s <= n), size]
            self.bar.value = 1.0

    def _pictures(self):
        n = len(self.dataset.train.y)
        if self.each is None:
            nothing = batches_chart(np.full(BATCHES, np.nan), np.nan, 0.0, 0, 1.0)
            return [nothing, spreads_chart([], [], n, 1.0)]
        size, spreads = self.size.value, list(map(self.spread_of, self.sizes))
        facts = self.each.mean(), spreads[-1], size
        top = nice_top(np.quantile(self.each, 0.97))
        highest = nice_top(self.spread_of(1))
        batches = batches_chart(self.losses, *facts, top)
        return [batches, spreads_chart(self.sizes, spreads, n, highest)]

    def _judged(self):
        """Return what the sizes looked at say about the guess.

        Of large batches with few others left to draw, the spread falls by more.
        """
        if not (self.guess and self.guess.open):
            return ""
        few = [
            s for s in self.sizes if 4 * s in self.sizes and 16 * s <= len(self.each)
        ]
        shares = [self.spread_of(4 * size) / self.spread_of(size) for size in few]
        if not any(HALF[0] < share < HALF[1] for share in shares):
            return ""
        return WORDS["right" if self.guess.value == WORDS["guesses"][1] else "wrong"]

    def _sentence(self, running):
        if self.each is None:
            return WORDS["training" if running else "stopped"]
        n, (*before, size) = len(self.each), self.sizes
        text = self._judged() + WORDS["whole" if size >= n else "jumps"].format(
            size=size, spread=self.spread_of(size), n=n, loss=self.each.mean()
        )
        pairs = [(size // 4, size), (size, 4 * size)]
        pairs = [pair for pair in pairs if {*pair} <= {size, *before}]
        for few, many in pairs[:1]:
            a, b = self.spread_of(few), self.spread_of(many)
            return text + WORDS["times_4"].format(few, many, a, b, b / a)
        if before:
            text += WORDS["before"].format(before[-1], self.spread_of(before[-1]))
        return text

    def _table(self):
        rows = []
        for size in self.sizes if self.each is not None else ():
            losses = self.means[:, size - 1]
            row = {"batch_size": size, "spread": self.spread_of(size)}
            row |= {"mean_loss": losses.mean(), "lowest": losses.min()}
            rows.append(row | {"highest": losses.max()})
        return rows

    def code(self):
        """Return the cell that draws batches anew."""
        if self.each is None:
            return ""
        each = [
            'shares = run.predict_proba(data.train, "last")',
            "each = -np.log(shares[np.arange(len(shares)), data.train.y])",
        ]
        if self.dataset.is_regression:
            each = ['each = (run.predict(data.train, "last") - data.train.y) ** 2']
        draw = (
            "choices = [np.random.choice(each, size, replace=False) for _ in range(n)]"
        )
        sizes = f"size, n = {self.size.value}, {BATCHES}"
        end = *each, sizes, draw, "np.mean(choices, axis=1).std()"
        return "import numpy as np\n" + code_of_run(self.run, *end)
