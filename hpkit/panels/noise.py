"""`BatchNoisePanel`: how the loss of a batch jumps about the loss of all points."""

import ipywidgets as W
import numpy as np

from hpkit.engine.training import check_settings, train
from hpkit.hyperparameters import (
    Hyperparameters,
    check_number,
    check_seed,
    check_setting,
)
from hpkit.panels.code import code_of_run
from hpkit.panels.controls import batch_knob
from hpkit.panels.figures import (
    figure,
    legend,
    limit,
    linear,
    lines,
    log,
    nice_top,
    points,
    set_all,
)
from hpkit.panels.guess import check_predict
from hpkit.panels.live import FRAME
from hpkit.panels.panel import Panel, titled
from hpkit.panels.parts import button, row

WORDS = {
    "title": "How much a batch's loss jumps: {}",
    "again": "New batches",
    "again_tip": "Draw 120 other batches of every size",
    "batches": "batches, drawn at random",
    "loss": "loss",
    "size": "batch size",
    "spread": "spread",
    "each": "one batch",
    "all": "all points",
    "edges": "one spread away",
    "seen": "looked at before",
    "now": "now",
    "jumps": "Batches of {size}: their losses spread by <b>{spread:.3g}</b> about the "
    "loss of all {n} points, {loss:.3g}.",
    "before": " Before, with {}, it was {:.3g}.",
    "times_4": " From {} to {}, four times as many points: from {:.3g} to {:.3g}, that "
    "is {:.2f} of it.",
    "whole": "One batch of all {n} points: the loss is always {loss:.3g}, no noise.",
    "training": "A network is trained first.",
    "stopped": "Stopped before the network was trained: press New batches.",
    "guess": "A batch of four times as many points: how does the spread change?",
    "guesses": ("stays the same", "half of it", "a quarter of it"),
}
BATCHES = 120


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

    def __init__(
        self, dataset, setting=None, *, size=16, seed=0, title=None,
        predict=False,
    ):  # fmt: skip
        usual = Hyperparameters(lr=0.1, epochs=5)
        self.setting = check_setting(setting, default=usual)
        title = titled(title, WORDS["title"], dataset)
        super().__init__(dataset, title=title, key=(setting,))
        check_settings([self.setting.but(batch_size=size)], dataset)
        self.seed, self.each = check_seed("seed", seed), None
        knob = batch_knob("batch_size", dataset, size)
        self.size = knob.slider
        self.sizes, self.drawn = [], self.seed
        self.again = button(WORDS["again"], WORDS["again_tip"], "primary")
        if check_predict(predict):
            self.ask(WORDS["guess"], W.ToggleButtons(options=WORDS["guesses"]))
        left = [knob.box, row(self.again, self.stop_button, name="hp-buttons")]
        self.build(left, self._charts(len(dataset.train.y)))
        self.on_change(self.size, self._draw)
        self.on_click(self.again, self.draw_again)
        self.live.now(self._training())

    def _charts(self, n):
        """Make the losses of the batches and the spread of each size looked at."""
        scales = {"x": linear(0, BATCHES), "y": linear()}
        self.level = lines(scales, "ink", stroke_width=2)
        self.edges = lines(scales, "orange", stroke_width=2, line_style="dashed")
        self.dots = points(scales, marker="circle", default_size=32, opacities=[0.75])
        marks, labels = [self.dots, self.level, self.edges], ("batches", "loss")
        names = [WORDS[name] for name in labels]
        self.batches = figure(marks, *scales.values(), names)
        limit(self.batches, 0, BATCHES)
        over = legend(
            (self.dots, WORDS["each"]), (self.level, WORDS["all"]),
            (self.edges, WORDS["edges"]),
        )  # fmt: skip
        scales = {"x": log(1, n), "y": linear()}
        look = {"marker": "circle", "fill": False, "stroke_width": 2}
        self.seen = points(scales, "orange", default_size=70, **look)
        self.here = points(scales, "orange", marker="circle", default_size=90)
        self.seen.x = self.here.x = [1.0]  # where they wait: 0 has no logarithm
        names = (WORDS["size"], WORDS["spread"])
        self.spreads = figure([self.seen, self.here], *scales.values(), names)
        limit(self.spreads, 0, n, 1)
        other = legend((self.seen, WORDS["seen"]), (self.here, WORDS["now"]))
        return [(over, self.batches, 3), (other, self.spreads, 2)]

    def _training(self):
        """Train the network and draw the batches (a job)."""
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
        check_number("the loss", float(each.mean()), low=0, hint="try a smaller lr")
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

    def draw(self, running):
        """Show the state."""
        if self.each is None:
            return
        size, losses, mean = self.size.value, self.losses, self.each.mean()
        before = [s for s in self.sizes if s != size and s <= len(self.each)]
        sizes = self.sizes = [*before, size]
        limit(self.batches, 1, nice_top(np.quantile(self.each, 0.97)))
        limit(self.spreads, 1, nice_top(self.spread_of(1)))
        ends, spread = np.array([0.0, BATCHES]), self.spread_of(size)
        set_all(self.dots, x=np.arange(BATCHES) + 0.5, y=losses)
        set_all(self.level, x=ends, y=np.full(2, mean))
        both = np.stack([np.full(2, mean - spread), np.full(2, mean + spread)])
        set_all(self.edges, x=np.stack([ends, ends]), y=both)
        seen = np.array([self.spread_of(s) for s in sizes])
        set_all(self.seen, x=np.array(sizes, float)[:-1], y=seen[:-1])
        set_all(self.here, x=np.array(sizes, float)[-1:], y=seen[-1:])
        self.bar.value = size / len(self.each)

    def sentence(self, running):
        """Return the noise in words."""
        if self.each is None:
            return WORDS["training" if running else "stopped"]
        n, (*before, size) = len(self.each), self.sizes
        text = WORDS["whole" if size >= n else "jumps"].format(
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

    def frame(self):
        """Return what the batches of each size looked at have, the newest last."""
        import pandas as pd

        names = ["batch_size", "spread", "mean_loss", "lowest", "highest"]
        rows = []
        for size in self.sizes if self.each is not None else ():
            losses = self.means[:, size - 1]
            ends = losses.mean(), losses.min(), losses.max()
            rows.append((size, self.spread_of(size), *ends))
        return pd.DataFrame(rows, columns=names)

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
        return "\n".join([
            "import numpy as np", *code_of_run(self.run).splitlines()[:-1], *each,
            f"size, n = {self.size.value}, {BATCHES}",
            "choices = [np.random.choice(each, size, replace=False) for _ in range(n)]",
            "np.mean(choices, axis=1).std()",
        ])  # fmt: skip
