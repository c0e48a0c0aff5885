"""`SeedsPanel`: settings compared over many seeds, as strips of points."""

from collections.abc import Iterable
from functools import partial

import ipywidgets as W
import numpy as np

from hpkit.charts.runs import mean_and_spread, seeds_chart
from hpkit.data.datasets import Dataset
from hpkit.engine.training import Runs, check_settings
from hpkit.hyperparameters import Hyperparameters, check_count, varied
from hpkit.locale import Texts
from hpkit.panels.controls import MOST_SEEDS, count_box, seeds_argument, seeds_from
from hpkit.panels.panel import Panel
from hpkit.panels.parts import code_of_runs, code_of_setting
from hpkit.search.result import clearly_worse, critical_value, paired_differences
from hpkit.text import setting_text, short_text

WORDS = Texts("panels.seeds")


class SeedsPanel(Panel):
    """Compare two settings or more over many seeds, as strips of points.

    A spread is the standard deviation over seeds (n - 1). Two settings are told apart
    as in every search: by the differences of runs with the same seed (a paired t-test,
    see `Search.ties`).

    Parameters
    ----------
    settings : Hyperparameters or sequence of them
        The first two are compared in words.
    seeds : int or iterable of int, default 5
        How many are shown at first, or which.
    most : int, default 30
        How many are trained.

    Examples
    --------
    >>> settings = [hk.Hyperparameters(lr=lr, epochs=5) for lr in (0.01, 0.3)]
    >>> hk.SeedsPanel(hk.load_dataset("moons"), settings, most=6).wait().losses.shape
    (2, 5)
    """

    kind, words = "seeds", WORDS

    def __init__(
        self,
        dataset: Dataset,
        settings: Hyperparameters | Iterable[Hyperparameters],
        *,
        seeds: int | Iterable[int] = 5,
        most: int = 30,
        title: str | None = None,
        predict: bool = False,
    ) -> None:
        self.settings = check_settings(settings, dataset)
        if title is None and len(self.settings) > 1:
            title = WORDS["title_many"].format(len(self.settings))
        super().__init__(dataset, title)
        self.add_class("hp-tall")
        self.most = check_count("most", most, most=MOST_SEEDS)
        self.given, self.first = seeds_argument(seeds), 0
        self.loss_range = []  # lowest and highest loss shown so far
        differ = varied(self.settings) or ["lr"]
        self.names = [setting_text(setting, differ) for setting in self.settings]
        self.short = [short_text(setting, differ) for setting in self.settings]
        count = min(len(self.given), most)
        self.count = count_box(WORDS["count"], count, 1, most, most=most)
        guesses = [*self.names, WORDS["tell"]]
        self.ask(predict, WORDS["guess"], W.ToggleButtons, options=guesses)
        self.build(self.count, self.buttons(again=self.train_anew, stop=self.stop))
        self.on_change(self._draw, self.count)
        self.live.run_now(self._training())

    def train_anew(self) -> None:
        """Train all settings with seeds that were not shown yet."""
        self.first += self.most
        self.live.start(self._training())

    def _training(self):
        seeds = seeds_from(self.given, self.most, self.first)
        show = partial(setattr, self, "runs")
        return self.train(self.dataset, self.settings, seeds, show)

    @property
    def has_result(self):
        return len(self.shown) > 0

    @property
    def shown(self) -> np.ndarray:
        """The seeds shown whose runs have all begun, as numbers from 0."""
        begun = np.isfinite(self.runs.best_val_loss).all(0) if self.runs else ()
        return np.flatnonzero(begun[: self.count.value])

    @property
    def losses(self) -> np.ndarray:
        """Lowest validation losses shown: ndarray (settings, seeds)."""
        return self.runs.best_val_loss[:, self.shown]

    def _charts(self):
        losses, shown = self.losses, self.shown
        means = map(mean_and_spread, losses)
        strips = "; ".join(map(WORDS["at"].format, self.names, means))
        if self.runs.ended.all():  # new seeds move their dots, not the axis
            ends = [*self.loss_range, *losses[np.isfinite(losses)]]
            self.loss_range = [min(ends), max(ends)] if ends else []
        options = {"seeds": np.array(self.runs.seeds)[shown], "seen": self.loss_range}
        alt, diverged = WORDS["alt"].format(len(shown), strips), self.runs.diverged
        return [seeds_chart(losses, diverged[:, shown], self.short, alt=alt, **options)]

    def _summary(self, running):
        early = "" if self.runs.ended.all() else WORDS["going" if running else "halted"]
        early = early.format(self.runs.epochs_done[:, self.shown].min())
        names, losses, n = self.names[:2], self.losses[:2], len(self.shown)
        means, diverged = losses.mean(1), self.runs.diverged[:2, self.shown].sum(1)
        facts, lower = {"names": names, "means": means, "n": n}, int(means.argmin())
        facts["name"] = names[0][:1].upper() + names[0][1:]
        if diverged.any():
            text = WORDS["outs" if len(names) > 1 else "outs_alone"]
            facts["outs"] = diverged
        elif len(names) == 1:
            text = WORDS["alone" if n > 1 else "alone_one"]
            facts |= {"low": losses.min(), "high": losses.max()}
            facts["spread"] = losses[0].std(ddof=min(1, n - 1))
        elif n == 1:
            text = WORDS["one"]
        else:
            (difference,), (error,), df = paired_differences(losses[:1], losses[1])
            facts |= {"wins": (losses[1] < losses[0]).sum(), "error": error}
            facts |= {"difference": abs(difference), "factor": critical_value(df)}
            facts |= {"ratio": abs(difference) / error if error else 0.0}
            text = WORDS["compare"]
            if not running:  # no verdict before the training ends
                apart = clearly_worse(losses, lower).any()
                text += WORDS["apart" if apart else "cannot"]
        return early + text.format(**facts, better=names[lower])

    def _table(self):
        seeds = np.array(self.runs.seeds)[self.shown]
        return {"seed": seeds} | dict(zip(self.names, self.losses, strict=True))

    @property
    def _trained(self):
        seeds = self.runs.seeds[: self.count.value] if self.runs else ()
        runs = [run for run in self.runs or () if run.seed in seeds]
        return Runs.of(runs) if runs else None

    def _code(self):
        settings = map(code_of_setting, self.settings)
        end = "runs.mean_val_loss, runs.std_val_loss"
        seeds = self.runs.seeds[: self.count.value]
        return code_of_runs(self.dataset, settings, seeds, end)
