"""`BatchNoisePanel`: how the loss of a batch jumps about the loss of all points."""

import ipywidgets as W
import numpy as np

from hpkit.charts.runs import round_up
from hpkit.charts.spec import Axis, Chart, line, points
from hpkit.data.datasets import Dataset
from hpkit.hyperparameters import Hyperparameters
from hpkit.locale import Texts
from hpkit.panels.controls import batch_knob
from hpkit.panels.panel import Panel
from hpkit.panels.parts import code_of_run

WORDS = Texts("panels.noise")
BATCHES = 120
SETTING = Hyperparameters(lr=0.1, epochs=5)


class BatchNoisePanel(Panel):
    """See how the loss of a batch jumps about the loss of all points.

    A network is trained with learning rate 0.1 for 5 epochs; the batches are drawn for
    its last weights.
    A batch repeats no point, so the spread is that of all points' losses times
    sqrt((1 - size / n) / size), about (Goodfellow, Bengio, Courville, Deep Learning,
    2016, 8.1.3).

    Parameters
    ----------
    size : int
        Points in a batch.

    Examples
    --------
    >>> hk.BatchNoisePanel(hk.load_dataset("moons")).losses.shape
    (120,)
    """

    kind, words, widths, newest_first = "batch-noise", WORDS, (3, 2), True

    def __init__(
        self,
        dataset: Dataset,
        *,
        size: int = 16,
        title: str | None = None,
        predict: bool = False,
    ) -> None:
        super().__init__(dataset, title, SETTING.but(batch_size=size))
        knob = batch_knob("batch_size", dataset, size)
        self.size = knob.slider
        self.sizes = []  # those looked at
        self.ask(predict, WORDS["guess"], W.ToggleButtons, options=WORDS["guesses"])
        self.build(knob, self.buttons(stop=self.stop))
        self.on_change(self._draw, self.size)
        self.live.now(self._training())

    def _training(self):
        runs = yield from self.train(self.dataset, SETTING, (0,))
        run, split = runs[0, 0], self.dataset.train
        if self.dataset.is_regression:
            each = (run.predict(split, "last") - split.y) ** 2
        else:
            right = run.predict_proba(split, "last")[np.arange(len(split.y)), split.y]
            each = -np.log(np.clip(right, 1e-12, 1))
        # Batches of all sizes: the first points of 120 orders.
        rng, n = np.random.default_rng(0), len(each)
        orders = np.stack([rng.permutation(n) for _ in range(BATCHES)])
        means = np.cumsum(each[orders], 1) / np.arange(1, n + 1)
        self.means = dict(enumerate(means.T, 1))  # of each size
        # The means of all points differ by rounding alone.
        self.spreads = {s: m.std() * (s < n) for s, m in self.means.items()}
        self.each, self.run = each, run
        yield

    @property
    def losses(self) -> np.ndarray:
        """The losses of the batches shown: ndarray (120,)."""
        return self.means[self.size.value]

    def _update(self, running):
        if self.has_result:
            size = self.size.value
            self.sizes = [*(other for other in self.sizes if other != size), size]
            self.bar.value = 1.0

    def _charts(self):
        size, n, mean = self.size.value, len(self.each), self.each.mean()
        spreads = [self.spreads[size] for size in self.sizes]
        spread, ends = spreads[-1], (0, BATCHES)
        edges = [[mean + spread] * 2, [mean - spread] * 2] if spread else []
        lines = {"color": "orange", "dash": "dashed", "hover": False}
        lines["label"] = [WORDS["above"], WORDS["below"]]
        look = {"size": 3, "opacity": 0.75, "legend": WORDS["each"]}
        marks = [
            points(np.arange(1, BATCHES + 1), self.losses, **look),
            line(ends, [mean] * 2, color="ink", label=WORDS["all"], hover=False),
            line(ends, np.reshape(edges, (-1, 2)), **lines),
        ]
        x, high = Axis(WORDS["batches"], ends), round_up(np.quantile(self.each, 0.97))
        alt = WORDS["batches_alt"].format(BATCHES, size, spread, mean)
        batches = Chart(x, Axis(WORDS["loss"], (0, high)), marks, alt=alt)
        told = list(map(WORDS["at"].format, spreads, self.sizes))
        # Numbers stand at sizes four times apart: between them they would touch.
        apart = np.log2(np.divide(self.sizes, size)) % 2 == 0
        said = [text * bool(far) for text, far in zip(told, apart, strict=True)]
        look = {"color": "orange", "size": 5.5}
        before = look | {"filled": False, "label": said[:-1]}
        now = look | {"strong": True, "label": told[-1:]}
        marks = [
            points(self.sizes[:-1], spreads[:-1], **before),
            points([size], [spread], **now),
        ]
        ticks = [4**k for k in range(6) if 4**k < n]
        x = Axis(WORDS["size"], (0.8, 1.25 * n), "log", ticks=ticks)  # whole dots
        y = Axis(WORDS["spread"], (0, round_up(self.spreads[1])))
        alt = WORDS["spreads_alt"].format("; ".join(told))
        return [batches, Chart(x, y, marks, alt=alt)]

    def _summary(self, running):
        n, size = len(self.each), self.size.value
        facts = {"size": size, "spread": self.spreads[size], "n": n}
        said = WORDS["jumps"].format(**facts, loss=self.each.mean())
        for few, many in ((size // 4, size), (size, 4 * size)):
            if {few, many} <= {*self.sizes} and self.spreads[few]:
                a, b = self.spreads[few], self.spreads[many]
                return said + WORDS["times_4"].format(few, many, a, b, b / a)
        return said

    def _table(self):
        spreads = [self.spreads[size] for size in self.sizes]
        return {"batch_size": self.sizes, "spread": spreads}

    def _code(self):
        each = """shares = run.predict_proba(data.train, "last")
each = -np.log(shares[np.arange(len(shares)), data.train.y])"""
        if self.dataset.is_regression:
            each = 'each = (run.predict(data.train, "last") - data.train.y) ** 2'
        draw = f"""size, n = {self.size.value}, {BATCHES}
choices = [np.random.choice(each, size, replace=False) for _ in range(n)]
np.mean(choices, axis=1).std()"""
        return "import numpy as np\n" + code_of_run(self.run, each, draw)
