"""`SeedsPanel`: settings compared over many seeds, as strips of points."""

from __future__ import annotations

from collections.abc import Iterable

import ipywidgets as W
import numpy as np

from hpkit.charts.loss import seeds_chart
from hpkit.data.datasets import Dataset
from hpkit.engine.training import check_settings, train
from hpkit.hyperparameters import Hyperparameters, check_count
from hpkit.locale import Texts
from hpkit.panels.controls import MOST_SEEDS, count_box, given_seeds, seeds_from
from hpkit.panels.live import FRAME
from hpkit.panels.panel import Panel
from hpkit.panels.parts import buttons, cell, code_of_setting, seeds_of
from hpkit.plots.words import varied
from hpkit.search.result import compared, factor, told_apart
from hpkit.text import label, short

WORDS = Texts("panels.seeds")


class SeedsPanel(Panel):
    """Compare two settings or more over many seeds, as strips of points.

    Parameters
    ----------
    dataset : Dataset
    settings : sequence of Hyperparameters
        Two or more; the first two are compared in words.
    seeds : int or iterable of int, default 5
        How many are shown at first, or which.
    most : int, default 30
        How many are trained.
    title : str, optional
    predict : bool, default False
        Ask for a guess before anything is shown.

    Attributes
    ----------
    runs : Runs

    Notes
    -----
    A spread is the standard deviation over seeds (n - 1). Two settings are told apart
    as in every search: by the differences of runs with the same seed (a paired t-test,
    see `Search.ties`).

    Examples
    --------
    >>> from hpkit.data.datasets import load_dataset
    >>> from hpkit.hyperparameters import Hyperparameters
    >>> settings = [Hyperparameters(lr=lr, epochs=5) for lr in (0.01, 0.3)]
    >>> panel = SeedsPanel(load_dataset("moons"), settings, most=6)
    >>> panel.wait().runs.val_loss.shape
    (2, 6, 6)
    """

    kind = "seeds"
    words = WORDS

    def __init__(
        self,
        dataset: Dataset,
        settings: Hyperparameters | Iterable[Hyperparameters],
        *,
        seeds: int = 5,
        most: int = 30,
        title: str | None = None,
        predict: bool = False,
    ) -> None:
        self.settings = check_settings(settings, dataset)
        super().__init__(dataset, title, key=self.settings)
        self.add_class("hp-tall")
        self.most = most = check_count("most", most, most=MOST_SEEDS)
        self.given, self.names = given_seeds(seeds), names_apart(self.settings)
        self.runs, self.first, count = None, 0, min(len(self.given), most)
        self.count, box = count_box(WORDS["count"], count, 1, most, most=most)
        self.again = self.button("again", self.train_anew, "primary")
        guesses = W.ToggleButtons(options=(*self.names, WORDS["tell"]))
        self.ask(predict, WORDS["guess"], guesses)
        self.build([box, buttons(self.again, self.stop_button)])
        self.on_change(self.count, self._draw)
        self.live.now(self._training())

    def train_anew(self):
        """Train all settings with seeds that were not shown yet."""
        self.first += self.most
        self.live.start(self._training())

    def _training(self):
        seeds = seeds_from(self.given, self.most, self.first)
        found = train(self.dataset, self.settings, seeds=seeds, tick=FRAME)
        for self.runs in found:
            yield

    @property
    def shown(self):
        """The seeds shown whose runs have all begun, as numbers from 0."""
        if self.runs is None:
            return np.zeros(0, int)
        begun = np.isfinite(self.runs.best_val_loss).all(0)
        return np.flatnonzero(begun[: self.count.value])

    @property
    def losses(self):
        """Lowest validation losses shown: ndarray (settings, seeds)."""
        if self.runs is None:
            return np.zeros((len(self.settings), 0))
        return self.runs.best_val_loss[:, self.shown]

    def _update(self, running):
        if self.runs is not None:
            every = sum(setting.epochs for setting in self.settings) * self.most
            self.bar.value = self.runs.epochs_done.clip(0).sum() / every

    def _pictures(self):
        losses, at = self.losses, self.shown
        out, seeds = np.zeros(losses.shape, bool), range(len(at))
        if self.runs is not None:
            out, seeds = self.runs.diverged[:, at], np.array(self.runs.seeds)[at]
        told, many = [], len(at) > 1
        for row in losses if len(at) else ():
            facts = row.mean(), row.std(ddof=1) if many else 0.0
            told.append(WORDS["spread" if many else "mean"].format(*facts))
        names = [short(s, varied(self.settings)) for s in self.settings]
        each = zip(self.names, told, strict=False)  # none before the first epoch
        strips = "; ".join(WORDS["at"].format(*strip) for strip in each)
        look = {"told": told, "alt": WORDS["alt"].format(len(at), strips)}
        pairs = len(losses) > 1
        return [seeds_chart(losses, out, names, seeds=seeds, pairs=pairs, **look)]

    def _sentence(self, running):
        if not len(self.shown):
            return WORDS["begun"]
        early = self._early(running)
        if len(self.settings) < 2:
            return early + self._alone()
        losses, n = self.losses[:2], len(self.shown)
        facts = {"a": self.names[0], "b": self.names[1], "n": n}
        ma, mb = facts["ma"], facts["mb"] = losses.mean(1)
        outs = self.runs.diverged[:2, self.shown].sum(1)
        if n == 1:
            return early + WORDS["one"].format(**facts)
        if outs.any():
            each = {"count_a": outs[0], "count_b": outs[1], "count": outs.sum()}
            each["name"] = facts["b" if outs[1] else "a"]
            return early + WORDS["outs" if outs.all() else "out"].format(
                **facts, **each
            )
        (difference,), (error,), df = compared(losses[:1], losses[1])
        apart = told_apart(losses[:2], int(mb < ma)).any()
        facts |= {"wins": int((losses[1] < losses[0]).sum()), "factor": factor(df)}
        facts |= {"difference": abs(difference), "error": error}
        facts |= {"ratio": abs(difference) / error if error else 0.0}
        facts |= {"better": facts["b" if mb < ma else "a"]}
        said = WORDS["compare"] + WORDS["apart" if apart else "cannot"]
        return early + said.format(**facts)

    def _early(self, running):
        """Return how far the trainings are, unless they are at their end."""
        done, ends = self.runs.epochs_done, [[s.epochs] for s in self.settings]
        if (done == ends).all():
            return ""
        done = int(done[:, self.shown].min())
        return WORDS["going" if running else "stopped"].format(done)

    def _alone(self):
        losses, name = self.losses[0], self.names[0]
        n, mean = len(losses), losses.mean()
        spread = losses.std(ddof=1) if n > 1 else 0.0
        text = WORDS["alone" if n > 1 else "alone_one"]
        return text.format(
            name=name[:1].upper() + name[1:], mean=mean, spread=spread, n=n
        )

    def _table(self):
        seeds = np.array(seeds_from(self.given, self.most, self.first))
        losses = zip(self.names, self.losses, strict=True)
        return {"seed": seeds[self.shown]} | dict(losses)

    def code(self):
        """Return the cell that trains the same without a panel."""
        settings = ",\n    ".join(code_of_setting(s) for s in self.settings)
        seeds = seeds_of(seeds_from(self.given, self.count.value, self.first))
        run = f"*_, runs = hk.train(data, settings, {seeds})"
        settings = f"settings = [\n    {settings},\n]"
        end = "runs.mean_val_loss, runs.std_val_loss"
        return cell(self.dataset, None, settings, run, end)


def names_apart(settings):
    """Return each setting in words, only what differs between them."""
    names = varied(settings) or ["lr"]
    return tuple(label(s, names) for s in settings)
