"""`TestBoxPanel`: the test loss in a box that opens once."""

import html
import math

import ipywidgets as W
import numpy as np

from hpkit.engine.run import Run
from hpkit.hyperparameters import refused
from hpkit.panels.code import code_of_run
from hpkit.panels.figures import (
    figure,
    legend,
    limit,
    linear,
    lines,
    nice_top,
    points,
    set_all,
    texts,
    tick,
)
from hpkit.panels.guess import check_predict
from hpkit.panels.panel import FOLDER, Panel, titled
from hpkit.panels.parts import button, row
from hpkit.store import Store, check_kinds
from hpkit.text import label

WORDS = {
    "box": "The test box of {}",
    "open": "Open the box",
    "open_tip": "Ask for the test loss of your final choice. There is no second time",
    "done": "The box is open",
    "done_tip": "There is no second time",
    "closed": "The box is closed. It can be opened once, for: {setting}, seed {seed}. "
    "Is that your final choice, by the validation loss?",
    "opened": "Test loss <b>{loss:.3g}</b>{accuracy}, opened for: {setting}, seed "
    "{seed}.",
    "split": ("validation", "test"),
    "valid": "validation, chosen by it",
    "test": "test, asked once",
    "loss": "loss",
    "hidden": "?",
    "accuracy": ", accuracy <b>{:.1%}</b>",
    "twice": " The box was opened before and remembers its number. A second look "
    "would make the test data a second validation set.",
    "guess": "What will the test loss be?",
    "mine": "your guess",
    "memory": "What the box has shown could not be written ({error}). It is kept until "
    "this kernel stops.",
    "damaged": "The file of the box was damaged. It is set aside as {path}.",
}


UNOPENED = {"opened": None}


LOSSES = ("val_loss", "loss")


def _check(data):
    """Raise unless this is what a box writes."""
    if seen := data["opened"]:
        kinds = {"setting": str, "seed": int, "accuracy": float | None}
        check_kinds(seen, kinds | {"guess": float | None})
        for name in LOSSES:
            float(seen[name])


class TestBoxPanel(Panel):
    """A box with the test loss in it: it opens once, and remembers.

    Parameters
    ----------
    run : Run
        The final choice.
    title : str, optional
    predict : bool, default False
        Ask for a guess before the box can be seen.

    Attributes
    ----------
    opened : dict or None
        What was seen.

    Examples
    --------
    >>> from hpkit.data.datasets import load_dataset
    >>> from hpkit.engine.training import Hyperparameters, fit
    >>> box = TestBoxPanel(fit(load_dataset("wine"), Hyperparameters(epochs=5)))
    >>> box.run.setting.epochs
    5
    """

    __test__ = False  # no test, whatever pytest thinks of the name
    kind = "test-box"

    def __init__(self, run, *, title=None, predict=False):
        if not isinstance(run, Run):
            way = "take one with hpkit.fit, or search.best_run"
            raise refused("run must be one Run", run, way, kind=TypeError)
        self.run, self.opened, self.again = run, None, False
        title = titled(title, WORDS["box"], run.dataset)
        super().__init__(run.dataset, title=title)
        # A box for these rows: a restart of the kernel does not close it again.
        path = FOLDER / f"{self.stem}-{self.dataset.fingerprint}.json"
        self.store = Store(path, UNOPENED, _check, WORDS)
        self.result.add_class("hp-tall")
        self.open_button = button(WORDS["open"], WORDS["open_tip"], "primary")
        scales = {"x": linear(-0.5, 1.5), "y": linear()}
        self.dots = points(scales, marker="circle", default_size=170)
        self.numbers = texts(scales, default_size=15, x_offset=14)
        self.lid = texts(scales, default_size=40, align="middle")
        self.mine = lines(scales, "purple", stroke_width=2.5, line_style="dotted")
        marks = [self.mine, self.dots, self.numbers, self.lid]
        self.chart = figure(marks, *scales.values(), ("", WORDS["loss"]))
        words = {0.0: WORDS["valid"], 1.0: WORDS["test"]}
        tick(self.chart, 0, np.array([0.0, 1.0]), words, "", edge=0.5)
        if check_predict(predict):
            most = nice_top(2 * run.best_val_loss)
            slider = W.FloatSlider(0, min=0, max=most, step=most / 100)
            self.ask(WORDS["guess"], slider, "{:.3g}".format)
        over = legend((self.mine, WORDS["mine"])) if predict else ""
        left = [row(self.open_button, name="hp-buttons")]
        self.build(left, [(over, self.chart, 1)])
        self.on_click(self.open_button, self.look)
        self._recall()
        self._draw()

    def _recall(self):
        """Take what was seen before, here, in another panel or another session."""
        if seen := self.store.load()["opened"]:
            losses = {name: float(seen[name]) for name in LOSSES}
            self.opened, self.again = seen | losses, True
            if self.guess and not self.guess.open and seen["guess"] is not None:
                self.guess.widget.value = seen["guess"]
                self.guess.commit()

    def look(self):
        """Look at the test loss; the second time, at the number of the first."""
        with self.live.lock:
            self._recall()
            if self.opened is None:
                regression = self.dataset.is_regression
                self.opened = {
                    "val_loss": self.run.best_val_loss,
                    "loss": self.run.test_loss(),
                    "accuracy": None if regression else self.run.test_accuracy(),
                    "setting": self._choice,
                    "seed": self.run.seed,
                    "guess": self.guess.value if self.guess else None,
                }
                # JSON has no sign for a loss that is not finite.
                seen = self.opened | {name: str(self.opened[name]) for name in LOSSES}
                self.store.change(lambda data: data.update(opened=seen))
                self.note.value = html.escape(" ".join(self.store.notices))
            else:
                self.again = True
            self._draw()

    def close_box(self):
        """Close the box again, for a teacher whose next class is to open it."""
        with self.live.lock:
            self.opened, self.again = None, False
            self.dataset.test_looks.clear()
            self.store.change(lambda data: data.update(UNOPENED))
            self._draw()

    @property
    def _choice(self):
        """The setting in words."""
        return label(self.run.setting, ("lr", "batch_size", "epochs"))

    @property
    def losses(self):
        """Validation loss and, once the box was opened, test loss of the choice."""
        if self.opened is None:
            return [self.run.best_val_loss]
        return [self.opened["val_loss"], self.opened["loss"]]

    def draw(self, running):
        """Show the state."""
        losses, guessed = self.losses, self.guess.value if self.guess else None
        high = [v for v in losses if math.isfinite(v)] + [guessed or 0.0]
        # Room for the test loss beforehand, so that the axis mostly stays.
        top = nice_top(max(2 * high[0], 1.1 * max(high)))
        limit(self.chart, 1, top)
        at = np.arange(float(len(losses)))
        y = np.array([v if math.isfinite(v) else top for v in losses])
        set_all(self.dots, x=at, y=y)
        set_all(self.numbers, x=at, y=y, text=[f"{v:.3g}" for v in losses])
        closed = [] if self.opened else [WORDS["hidden"]]
        set_all(self.lid, x=[1.0] * len(closed), y=[top / 2] * len(closed), text=closed)
        if guessed is not None:
            set_all(self.mine, x=[0.6, 1.4], y=[guessed] * 2)
        self.bar.value = float(self.opened is not None)
        state = "done" if self.opened else "open"
        self.open_button.disabled = self.opened is not None
        self.open_button.description = WORDS[state]
        self.open_button.tooltip = WORDS[f"{state}_tip"]

    def sentence(self, running):
        """Return what is in the box, if it is open."""
        if self.opened is None:
            return WORDS["closed"].format(setting=self._choice, seed=self.run.seed)
        accuracy = self.opened["accuracy"]
        extra = WORDS["accuracy"].format(accuracy) if accuracy is not None else ""
        facts = {"accuracy": extra, "setting": html.escape(self.opened["setting"])}
        text = WORDS["opened"].format(**self.opened | facts)
        return text + (WORDS["twice"] if self.again else "")

    def frame(self):
        """Return the losses that may be seen."""
        import pandas as pd

        table = zip(WORDS["split"], self.losses, strict=False)
        return pd.DataFrame(table, columns=["split", "loss"])

    def code(self):
        """Return the cell that trains the run."""
        return code_of_run(self.run) + "\nrun.test_loss()"
