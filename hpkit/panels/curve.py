"""`ValidationCurvePanel`: many values of one hyperparameter, trained at once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from hpkit.charts.searches import validation_chart, value_axis, value_curves_chart
from hpkit.data.datasets import Dataset
from hpkit.engine.dense import Model
from hpkit.engine.training import own_names
from hpkit.hyperparameters import Hyperparameters, check_name
from hpkit.locale import Texts
from hpkit.panels.controls import USUAL
from hpkit.panels.guess import Drawing, check_predict
from hpkit.panels.search_panel import SearchPanel
from hpkit.search.result import describe
from hpkit.search.searches import validation_curve
from hpkit.search.space import all_settings
from hpkit.text import label, shown

WORDS = Texts("panels.curve", "panels.search_panel")


class ValidationCurvePanel(SearchPanel):
    """Train many values of one hyperparameter and see the validation curve grow.

    Parameters
    ----------
    dataset : Dataset
    param_name : str, default "lr"
        The hyperparameter to begin with; another can be chosen.
    base : Hyperparameters, default Hyperparameters()
        Values of all others.
    param_range : sequence, or text such as "0.001 to 10 in 9", optional
    seeds : int or iterable of int, default 3
        How many, from 0 on, or which.
    controls : sequence of str, default ("lr", "batch_size", "epochs")
        Which others can be moved.
    title : str, optional
    model : function, optional
        As in `hpkit.training.train`.
    predict : bool or "draw", default False
        Let the learner draw a guess of the curve before anything is shown.

    Attributes
    ----------
    found : Search

    Examples
    --------
    >>> from hpkit.data.datasets import load_dataset
    >>> from hpkit.hyperparameters import Hyperparameters
    >>> panel = ValidationCurvePanel(
    ...     load_dataset("moons"), "lr", Hyperparameters(epochs=5),
    ...     param_range=[0.001, 0.1], seeds=1)
    >>> panel.wait().found.best.lr
    0.1
    """

    kind, words, shares = "validation-curve", WORDS, True

    def __init__(
        self,
        dataset: Dataset,
        param_name: str = "lr",
        base: Hyperparameters | None = None,
        *,
        param_range: Iterable[Any] | None = None,
        seeds: int = 3,
        controls: Iterable[str] = USUAL,
        title: str | None = None,
        model: Model | None = None,
        predict: bool | str = False,
    ) -> None:
        check_name(param_name, own_names((param_name,), model, base))
        more = {"seeds": seeds, "model": model, "key": (param_name,)}
        super().__init__(dataset, title, base, controls=controls, **more)
        self.values = self._entry(param_name, param_range)
        self.first = param_name, self.controls.setting
        values = self.values.values
        if check_predict(predict, draw=True):
            axis, at = value_axis(param_name, values)
            drawing, words = Drawing(dataset, at, axis), WORDS["lowest_at"]

            def lowest(_):
                return words.format(shown(values[drawing.lowest]))

            self.ask(True, WORDS["draw"], drawing, lowest)
        calls = {"curve": self.choose, "point": self.choose, "cross": self._choose_out}
        more = {"widths": (5, 6), "calls": calls, "drawers": self.rows}
        self.build(self.values.frame, *self.search_box, **more)
        self._come_in()

    def _planned(self):
        space = {self.values.name: self.values.values}
        return all_settings(self.controls.setting, space)

    def _begin(self):
        more = {"param_name": self.values.name, "param_range": self.values.values}
        setting = self.controls.setting
        return validation_curve.live(self.dataset, setting, **more, **self._more)

    def _choose_out(self, number):
        self.choose(int(np.flatnonzero(self.found.runs.diverged.any(1))[number]))

    def _charts(self):
        found = self.found
        strong = label(found.settings[self.focus], (found.param_name,))
        alt, look = WORDS["curves"].format(strong), {"chosen": self.focus}
        curves = value_curves_chart(found, **look, alt=alt)
        look |= {"before": self.before, "alt": describe(found), **self._guessed()}
        return [curves, validation_chart(found, **look)]

    @property
    def _guess_fits(self):
        return not self.found or (self.found.param_name, self.found.base) == self.first

    def _guessed(self):
        drawn = self.guess and self.guess.drawn
        if drawn and self.found.finished and len(self.found.settings) == len(drawn[0]):
            out = self.found.runs.diverged.any(1)
            self.guess.judge(np.where(out, np.nan, self.found.mean_val_loss))
        return {"drawn": drawn}

    def _state(self):
        space = {self.values.name: self.values.values}
        return self.controls.setting, self._line_of(space, self.controls)

    def code(self) -> str:
        name, values = self.values.name, self.values.values
        if self.found:
            name, values = next(iter(self.found.space.items()))
        more = {"param_name": name, "param_range": list(values), "without": (name,)}
        return self._code_of("validation_curve", self.controls.setting, **more)
