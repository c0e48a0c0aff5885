"""`TestBoxPanel`: the test loss in a box that opens once."""

import html
import math

import ipywidgets as W
import numpy as np

from hpkit.charts.loss import nice_top
from hpkit.charts.spec import Axis, Chart, cross, line, points, rule, text
from hpkit.engine.runs import Run
from hpkit.hyperparameters import refusal
from hpkit.locale import Texts
from hpkit.panels.panel import FOLDER, Panel
from hpkit.panels.parts import buttons, code_of_run
from hpkit.store import Store, check_kinds
from hpkit.text import label

WORDS = Texts("panels.test_box")


UNOPENED = {"opened": None}
LOSSES = ("val_loss", "loss")


def box_chart(losses, *, guess: float | None = None) -> Chart:
    """Return the validation loss, and the test loss or that it is hidden.

    Parameters
    ----------
    losses : sequence of float
        One, or two once the box is open.
    guess : float, optional
        What a learner expected the test loss to be.
    """
    finite = [k for k, loss in enumerate(losses) if math.isfinite(loss)]
    out = [k for k in range(len(losses)) if k not in finite]
    shown, closed = [losses[k] for k in finite], len(losses) < 2
    # Room for the test loss beforehand, so that the axis mostly stays.
    first = losses[0] if math.isfinite(losses[0]) else 0.0
    top = nice_top(max(2 * first, 1.1 * max([*shown, guess or 0.0])))
    guessed = ([], []) if guess is None else ([0.6, 1.4], [guess, guess])
    said = None if guess is None else WORDS["mine"].format(guess)
    numbers = [WORDS["number"].format(loss) for loss in shown]
    stems = np.array([[k, k] for k in finite]), np.array([[0, loss] for loss in shown])
    colors = ["blue", "orange"]
    return Chart(
        Axis(kind="band", texts=[WORDS["valid"], WORDS["test"]]),
        Axis(WORDS["loss"], (0, top)),
        [
            rule(shown[:1], across=True, color="gray", dash="dotted"),
            line(*guessed, color="purple", dash="dotted", label=said, hover=False),
            line(*stems, color=colors, width=5, opacity=0.3, hover=False),
            points(finite, shown, color=colors, size=7, label=numbers, strong=True),
            cross(out, color="orange", label=WORDS["diverged"]),
            text([1] * closed, [top / 2] * closed, [WORDS["hidden"]] * closed, size=3),
        ],
        alt=WORDS["alt" if closed else "alt_open"].format(*losses),
        height=16,
    )


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
    words = WORDS

    def __init__(
        self, run: Run, *, title: str | None = None, predict: bool = False
    ) -> None:
        if not isinstance(run, Run):
            raise refusal("one_run", kind=TypeError, type=type(run).__name__)
        self.run, self.opened, self.again = run, None, False
        super().__init__(run.dataset, title)
        # A box for these rows: a restart of the kernel does not close it again.
        path = FOLDER / f"{self.stem}-{self.dataset.fingerprint}.json"
        self.store = Store(path, UNOPENED, _check, WORDS)
        self.add_class("hp-tall")
        self.open_button = self.button("open", self.look, "primary")
        most = nice_top(2 * run.best_val_loss)
        slider = W.FloatSlider(0, min=0, max=most, step=most / 100)
        self.ask(predict, WORDS["guess"], slider, "{:.3g}".format)
        self.build([buttons(self.open_button)])
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
        return label(self.run.setting, ("lr", "batch_size", "epochs"))

    @property
    def losses(self):
        """Validation loss and, once the box was opened, test loss of the choice."""
        if self.opened is None:
            return [self.run.best_val_loss]
        return [self.opened["val_loss"], self.opened["loss"]]

    def _update(self, running):
        self.bar.value = float(self.opened is not None)
        state = "done" if self.opened else "open"
        self.open_button.disabled = self.opened is not None
        self.open_button.description = WORDS[state]
        self.open_button.tooltip = WORDS[f"{state}_tip"]

    def _pictures(self):
        guess = self.guess.value if self.guess else None
        return [box_chart(self.losses, guess=guess)]

    def _sentence(self, running):
        if self.opened is None:
            return WORDS["closed"].format(setting=self._choice, seed=self.run.seed)
        regression = self.opened["accuracy"] is None
        text = WORDS["opened" if regression else "opened_classes"]
        text = text.format(
            **self.opened | {"setting": html.escape(self.opened["setting"])}
        )
        told, guess = "", self.guess.value if self.guess else None
        if guess is not None and math.isfinite(self.opened["loss"]):
            told = WORDS["off"].format(abs(self.opened["loss"] - guess))
        return told + text + (WORDS["twice"] if self.again else "")

    def _table(self):
        splits = WORDS["split"][: len(self.losses)]
        return {"split": splits, "loss": self.losses}

    def code(self):
        """Return the cell that trains the run."""
        return code_of_run(
            self.run, "run.best_val_loss, run.best_epoch", "run.test_loss()"
        )
