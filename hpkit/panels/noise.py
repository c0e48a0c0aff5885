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

    A network for classes is trained with learning rate 0.1 for 5 epochs; the batches
    are drawn for its last weights.
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
        self.sizes = []  # seen so far, the current one last
        self.ask(predict, WORDS["guess"], W.ToggleButtons, options=WORDS["guesses"])
        self.build(knob, self.buttons(stop=self.stop))
        self.on_change(self._draw, self.size)
        self.live.run_now(self._training())

    def _training(self):
        split, most = self.dataset.train, self.dataset.n_train
        setting = SETTING.but(batch_size=min(SETTING.batch_size, most))
        (run,) = yield from self.train(self.dataset, setting, (0,))
        right = run.predict_proba(split, "last")[np.arange(len(split.y)), split.y]
        losses = -np.log(np.clip(right, 1e-12, 1))
        # The batches of a size are the first points of 120 permutations.
        rng, n = np.random.default_rng(0), len(losses)
        orders = np.stack([rng.permutation(n) for _ in range(BATCHES)])
        means = np.cumsum(losses[orders], 1) / np.arange(1, n + 1)
        self.means = dict(enumerate(means.T, 1))  # by size
        self.spreads = {size: means.std() for size, means in self.means.items()}
        self.spreads[n] = 0.0  # the means of all points differ by rounding alone
        self.point_losses, self.run = losses, run
        yield

    @property
    def losses(self) -> np.ndarray:
        """The losses of the batches shown: ndarray (120,)."""
        return self.means[self.size.value]

    def _update(self, running):
        if self.has_result:
            size = self.size.value
            self.sizes = [*(other for other in self.sizes if other != size), size]

    def _charts(self):
        size, mean, n = self.size.value, self.point_losses.mean(), self.dataset.n_train
        spreads = [self.spreads[size] for size in self.sizes]
        spread, ends = spreads[-1], (0, BATCHES)
        edges = [[mean + spread] * 2, [mean - spread] * 2] if spread else []
        edge_style = {"color": "orange", "dash": "dashed", "hover": False}
        edge_style["label"] = [WORDS["above"], WORDS["below"]]
        dots = {"size": 3, "opacity": 0.75, "legend": WORDS["each"]}
        marks = [
            points(np.arange(1, BATCHES + 1), self.losses, **dots),
            line(ends, [mean] * 2, color="ink", label=WORDS["all"], hover=False),
            line(ends, np.reshape(edges, (-1, 2)), **edge_style),
        ]
        high = round_up(np.quantile(self.point_losses, 0.97))
        x, y = Axis(WORDS["batches"], ends), Axis(WORDS["loss"], (0, high))
        alt = WORDS["batches_alt"].format(BATCHES, size, spread, mean)
        batches = Chart(x, y, marks, alt=alt)
        texts = list(map(WORDS["at"].format, spreads, self.sizes))
        dots = {"color": "orange", "size": 5.5}
        marks = [
            points(self.sizes[:-1], spreads[:-1], filled=False, **dots),
            points([size], [spread], strong=True, label=texts[-1], **dots),
        ]
        ticks = [4**k for k in range(6) if 4**k < n]
        x = Axis(WORDS["size"], (0.8, 1.25 * n), "log", ticks=ticks)  # room for dots
        y = Axis(WORDS["spread"], (0, round_up(self.spreads[1])))
        alt = WORDS["spreads_alt"].format("; ".join(texts))
        return [batches, Chart(x, y, marks, alt=alt)]

    def _summary(self, running):
        size, losses = self.size.value, self.point_losses
        facts = {"size": size, "spread": self.spreads[size], "n": len(losses)}
        text = WORDS["jumps"].format(**facts, loss=losses.mean())
        for small, large in ((size // 4, size), (size, 4 * size)):
            if {small, large} <= {*self.sizes} and self.spreads[small]:
                a, b = self.spreads[small], self.spreads[large]
                text += WORDS["times_4"].format(small, large, a, b, b / a)
                if self.guesses and 0.4 < b / a < 0.6:  # few points are left at the end
                    right = self.guess.value == WORDS["guesses"][1]
                    text += WORDS["hit" if right else "missed"]
                return text
        return text

    def _table(self):
        spreads = [self.spreads[size] for size in self.sizes]
        return {"batch_size": self.sizes, "spread": spreads}

    def _code(self):
        losses = """shares = run.predict_proba(data.train, "last")
each = -np.log(shares[np.arange(len(shares)), data.train.y])"""
        draw = f"""size, n = {self.size.value}, {BATCHES}
choices = [np.random.choice(each, size, replace=False) for _ in range(n)]
np.mean(choices, axis=1).std()"""
        return "import numpy as np\n" + code_of_run(self.run, losses, draw)
