"""Two instruments on one trained run: `PatiencePanel` and `BatchNoisePanel`."""

import numpy as np

from hpkit.panels.charts import WORDS as CHART
from hpkit.panels.charts import LossChart
from hpkit.panels.code import code_of_dataset, code_of_run, code_of_setting
from hpkit.panels.controls import count_box
from hpkit.panels.figures import figure, legend, limit, linear, lines, points, set_all
from hpkit.panels.panel import Panel
from hpkit.run import Run
from hpkit.settings import Hyperparameters, check_count, check_number
from hpkit.training import check_settings, fit

WORDS = {
    "title": "Early stopping on {}",
    "patience": "patience",
    "stop": "stops here",
    "kept": "kept",
    "says": "Patience {patience}: stops at epoch <b>{stop}</b> of {all} and keeps "
    "epoch {kept}, loss <b>{loss:.3g}</b>. The lowest of all {all} epochs is "
    "{best:.3g}, at epoch {at}. {saved} epochs are saved.",
    "never": "Patience {patience}: never stops within {all} epochs, keeps epoch "
    "{kept}, loss <b>{loss:.3g}</b>: the lowest of all.",
    "noise": "How much a batch's loss jumps: {}",
    "size": "batch size",
    "batches": "batches, drawn at random",
    "batch_loss": "loss",
    "all": "all training points",
    "spread": "one spread up and down",
    "jumps": "Batches of {size}: their losses spread by <b>{spread:.3g}</b> about the "
    "loss of all {n} points, {loss:.3g}. Four times as many points halve the spread.",
    "whole": "One batch of all {n} points: the loss is always {loss:.3g}, no noise.",
}
BATCHES = 120


def stop_epoch(val_loss, patience):
    """Return the epoch at which early stopping ends a training.

    The first one at which `patience` epochs in a row have brought no new lowest loss;
    the last one if there is none.
    """
    best, lowest = 0, np.inf
    for epoch, loss in enumerate(val_loss):
        if loss < lowest:
            best, lowest = epoch, loss
        elif epoch - best >= patience:
            return epoch
    return len(val_loss) - 1


class PatiencePanel(Panel):
    """Move the patience along a finished training and see where it would stop.

    Parameters
    ----------
    dataset : Dataset
    setting : Hyperparameters, optional
        Default that of lesson 4: lr 0.1, momentum 0.9, batch size 10, two layers of
        64 units, 200 epochs.
    patience : int, default 5
    seed : int, default 0
    title : str, optional

    Attributes
    ----------
    run : Run

    Examples
    --------
    >>> from hpkit.datasets import load_dataset
    >>> panel = PatiencePanel(load_dataset("moons"), Hyperparameters(epochs=9))
    >>> panel.patience.value = 3
    >>> panel.error
    """

    kind = "patience"

    def __init__(self, dataset, setting=None, *, patience=5, seed=0, title=None):
        setting = setting or Hyperparameters(
            lr=0.1, momentum=0.9, batch_size=10, hidden=(64, 64), epochs=200
        )
        title = title or WORDS["title"].format(getattr(dataset, "name", ""))
        super().__init__(dataset, title=title, key=(setting,))
        check_count("patience", patience, hint="try 5 or 20")
        self.run: Run = fit(dataset, setting, seed=seed)
        most = min(60, setting.epochs)
        self.patience, box = count_box(WORDS["patience"], patience, 1, most)
        self.chart = LossChart()
        scales = {"x": self.chart.val.scales["x"], "y": self.chart.val.scales["y"]}
        self.end = lines(scales, "orange", stroke_width=2.5, line_style="dotted")
        self.kept = points(scales, "orange", marker="diamond", default_size=130)
        self.chart.figure.marks = [*self.chart.figure.marks, self.end, self.kept]
        over = legend(
            (self.chart.train, CHART["train"]), (self.chart.val, CHART["val"]),
            (self.chart.lowest, CHART["lowest"]), (self.end, WORDS["stop"]),
            (self.kept, WORDS["kept"]),
        )  # fmt: skip
        self.build([box], [(over, self.chart.figure, 1)])
        self.on_change(self.patience, self._draw)
        self._draw()

    @property
    def stop_at(self):
        """The epoch at which the training would stop."""
        return stop_epoch(self.run.val_loss, self.patience.value)

    @property
    def kept_epoch(self):
        """The epoch that would be kept."""
        return int(np.argmin(self.run.val_loss[: self.stop_at + 1]))

    def draw(self, running):
        """Show the state."""
        run, at, kept = self.run, self.stop_at, self.kept_epoch
        self.chart.show(run, end=run.setting.epochs)
        top = self.chart.figure.axes[1].scale.max
        set_all(self.end, x=[float(at)] * 2, y=[0.0, top])
        set_all(self.kept, x=[float(kept)], y=[run.val_loss[kept]])
        self.bar.value = at / run.setting.epochs

    def sentence(self, running):
        """Return what the patience does in words."""
        run, at, kept = self.run, self.stop_at, self.kept_epoch
        never = at == run.epochs_done and kept == run.best_epoch
        return WORDS["never" if never else "says"].format(
            patience=self.patience.value, stop=at, all=run.epochs_done, kept=kept,
            loss=run.val_loss[kept], best=run.best_val_loss, at=run.best_epoch,
            saved=run.epochs_done - at,
        )  # fmt: skip

    def frame(self):
        """Return what every patience gives, one a row."""
        import pandas as pd

        rows = []
        for patience in range(1, min(60, self.run.epochs_done) + 1):
            at = stop_epoch(self.run.val_loss, patience)
            kept = int(np.argmin(self.run.val_loss[: at + 1]))
            rows.append((patience, at, kept, self.run.val_loss[kept]))
        return pd.DataFrame(rows, columns=["patience", "stops", "keeps", "val_loss"])

    def code(self):
        """Return the cell that trains the run."""
        return code_of_run(self.run)


class BatchNoisePanel(Panel):
    """See how the loss of a batch jumps about the loss of all points.

    Parameters
    ----------
    dataset : Dataset
        With classes.
    setting : Hyperparameters, default lr 0.1, 5 epochs
        A network is trained with it; the batches are drawn for its last weights.
    size : int, default 16
        Points in a batch.
    seed : int, default 0
    title : str, optional

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
    >>> from hpkit.datasets import load_dataset
    >>> panel = BatchNoisePanel(load_dataset("moons"))
    >>> spread = panel.losses.std()
    >>> panel.size.value = 256
    >>> bool(panel.losses.std() < spread / 2)
    True
    """

    kind = "batch-noise"

    def __init__(self, dataset, setting=None, *, size=16, seed=0, title=None):
        setting = setting or Hyperparameters(lr=0.1, epochs=5)
        title = title or WORDS["noise"].format(getattr(dataset, "name", ""))
        super().__init__(dataset, title=title, key=(setting,))
        check_settings([setting.but(batch_size=size)], dataset)
        self.setting, self.seed = setting, seed
        train, run = dataset.train, fit(dataset, setting, seed=seed)
        if dataset.is_regression:
            self.each = (run.outputs(train.X, "last")[:, 0] - train.y) ** 2
        else:
            shares = run.predict_proba(train.X, "last")
            self.each = -np.log(shares[np.arange(len(train.y)), train.y] + 1e-12)
        check_number(
            "the loss", float(self.each.mean()), low=0, hint="try a smaller lr"
        )
        rng = np.random.default_rng(seed)
        n = len(train.y)
        self.orders = np.stack([rng.permutation(n) for _ in range(BATCHES)])
        self.size, box = count_box(WORDS["size"], size, 1, n)
        scales = {"x": linear(0, BATCHES), "y": linear()}
        self.level = lines(scales, "ink", stroke_width=2)
        self.edges = lines(scales, "orange", stroke_width=2, line_style="dashed")
        self.dots = points(scales, marker="circle", default_size=32, opacities=[0.75])
        labels = (WORDS["batches"], WORDS["batch_loss"])
        chart = figure([self.dots, self.level, self.edges], *scales.values(), labels)
        limit(chart, 0, BATCHES)
        limit(chart, 1, float(np.quantile(self.each, 0.97)), 0.0)
        over = legend((self.level, WORDS["all"]), (self.edges, WORDS["spread"]))
        self.build([box], [(over, chart, 1)])
        self.on_change(self.size, self._draw)
        self._draw()

    @property
    def losses(self):
        """The losses of the batches shown: ndarray (120,)."""
        size = min(self.size.value, len(self.each))
        return self.each[self.orders[:, :size]].mean(1)

    def draw(self, running):
        """Show the state."""
        losses, mean = self.losses, self.each.mean()
        spread, ends = losses.std(), np.array([0.0, BATCHES])
        set_all(self.dots, x=np.arange(BATCHES) + 0.5, y=losses)
        set_all(self.level, x=ends, y=np.full(2, mean))
        both = np.stack([np.full(2, mean - spread), np.full(2, mean + spread)])
        set_all(self.edges, x=np.stack([ends, ends]), y=both)
        self.bar.value = min(1.0, self.size.value / len(self.each))

    def sentence(self, running):
        """Return the noise in words."""
        n, size = len(self.each), self.size.value
        return WORDS["whole" if size >= n else "jumps"].format(
            size=size, spread=self.losses.std(), n=n, loss=self.each.mean()
        )

    def frame(self):
        """Return the losses of the batches."""
        import pandas as pd

        return pd.DataFrame({"batch": range(BATCHES), "loss": self.losses})

    def code(self):
        """Return the cell that draws batches anew."""
        setting, size = code_of_setting(self.setting), self.size.value
        return "\n".join([
            "import hpkit as hk", "import numpy as np", "",
            code_of_dataset(self.dataset),
            f"run = hk.fit(data, {setting}, seed={self.seed})",
            'shares = run.predict_proba(data.train.X, "last")',
            "each = -np.log(shares[np.arange(len(shares)), data.train.y])",
            f"batches = [np.random.choice(each, {size}, replace=False).mean()",
            f"           for _ in range({BATCHES})]", "np.std(batches)",
        ])  # fmt: skip
