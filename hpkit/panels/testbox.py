"""`TestBoxPanel`: the test loss in a box that opens once."""

import json

import numpy as np

from hpkit.panels.code import code_of_run
from hpkit.panels.figures import (
    figure,
    limit,
    linear,
    nice_top,
    points,
    set_all,
    texts,
    tick,
)
from hpkit.panels.panel import FOLDER, Panel, button, row
from hpkit.told import label

WORDS = {
    "box": "The test box of {}: opened once",
    "open": "Open the box",
    "open_tip": "Ask for the test loss of your final choice. There is no second time",
    "closed": "The box is closed. Choose by the validation loss, then open it once.",
    "opened": "Test loss <b>{loss:.3g}</b>{accuracy}, opened for: {setting}, seed "
    "{seed}.",
    "valid": "validation: chosen by",
    "test": "test: asked once",
    "loss": "loss",
    "hidden": "?",
    "accuracy": ", accuracy <b>{:.1%}</b>",
    "twice": " The box was opened before and remembers its number. A second look "
    "would make the test data a second validation set.",
}


class TestBoxPanel(Panel):
    """A box with the test loss in it: it opens once, and remembers.

    Parameters
    ----------
    run : Run
        The final choice.
    title : str, optional

    Attributes
    ----------
    opened : dict or None
        What was seen.

    Notes
    -----
    It is remembered in hpkit-runs/ beside the notebook, one box a data set, so that a
    restart of the kernel does not close it again.

    Examples
    --------
    >>> from hpkit.datasets import load_dataset
    >>> from hpkit.training import Hyperparameters, fit
    >>> box = TestBoxPanel(fit(load_dataset("wine"), Hyperparameters(epochs=5)))
    >>> box.run.setting.epochs
    5
    """

    __test__ = False  # no test, whatever pytest thinks of the name
    kind = "test-box"

    def __init__(self, run, *, title=None):
        self.run = run
        title = title or WORDS["box"].format(run.dataset.name)
        super().__init__(run.dataset, title=title)
        self.path = FOLDER / f"{self.stem}.json"
        self.again = self.path.exists()
        self.opened = json.loads(self.path.read_text()) if self.again else None
        self.open_button = button(WORDS["open"], WORDS["open_tip"], "primary")
        scales = {"x": linear(-0.5, 1.5), "y": linear()}
        self.dots = points(scales, marker="circle", default_size=170)
        self.lid = texts(scales, default_size=40, align="middle")
        self.chart = figure(
            [self.dots, self.lid], *scales.values(), ("", WORDS["loss"])
        )
        words = {0.0: WORDS["valid"], 1.0: WORDS["test"]}
        tick(self.chart, 0, np.array([0.0, 1.0]), words, "", edge=0.5)
        left = [row(self.open_button, name="hp-buttons")]
        self.build(left, [("", self.chart, 1)])
        self.on_click(self.open_button, self.look)
        self._draw()

    def look(self):
        """Look at the test loss; the second time, at the number of the first."""
        with self.live.lock:
            self.again = self.opened is not None
            if not self.again:
                regression = self.dataset.is_regression
                self.opened = {
                    "loss": self.run.test_loss(),
                    "accuracy": None if regression else self.run.test_accuracy(),
                    "setting": label(self.run.setting, ("lr", "batch_size", "epochs")),
                    "seed": self.run.seed,
                }
                FOLDER.mkdir(exist_ok=True)
                self.path.write_text(json.dumps(self.opened))
            self._draw()

    def draw(self, running):
        """Show the state."""
        losses = [self.run.best_val_loss]
        losses += [self.opened["loss"]] if self.opened else []
        top = nice_top(1.3 * max(losses))
        limit(self.chart, 1, top)
        set_all(self.dots, x=np.arange(float(len(losses))), y=np.array(losses))
        closed = [] if self.opened else [WORDS["hidden"]]
        set_all(self.lid, x=[1.0] * len(closed), y=[top / 2] * len(closed), text=closed)
        self.bar.value = float(self.opened is not None)

    def sentence(self, running):
        """Return what is in the box, if it is open."""
        if self.opened is None:
            return WORDS["closed"]
        accuracy = self.opened["accuracy"]
        extra = WORDS["accuracy"].format(accuracy) if accuracy is not None else ""
        text = WORDS["opened"].format(**self.opened | {"accuracy": extra})
        return text + (WORDS["twice"] if self.again else "")

    def frame(self):
        """Return what was seen."""
        import pandas as pd

        return pd.DataFrame([self.opened or {"loss": None}])

    def code(self):
        """Return the cell that trains the run."""
        return code_of_run(self.run) + "\nrun.test_loss()"
