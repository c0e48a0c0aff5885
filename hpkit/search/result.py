"""`Search`: what a search has tried and found, finished or not."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hpkit import hyperparameters as hp
from hpkit import text
from hpkit.engine.runs import TIE, Run, Runs, lowest_loss, over_seeds, rank, tie_levels
from hpkit.hyperparameters import TABLE, Hyperparameters, refusal
from hpkit.locale import words
from hpkit.search.space import Range, edge_side

if TYPE_CHECKING:
    import pandas as pd
    from optuna.study import Study

    from hpkit.engine.runs import Cost

CRITERIA = ("validation", "last", "training", "accuracy", "metric")
_LEVEL = 0.05  # share of equally good pairs in which one is called `clearly_worse`
SHARED = 12  # degrees of freedom, at most, of the variance that settings share


@dataclass(frozen=True)
class Step:
    """One step of one-at-a-time: from `base` on the hyperparameter `name` was changed.

    `settings` are the numbers of those with its `values`. `cost` leaves out what an
    earlier step had trained. The `winner` is None while the step is under way.
    """

    name: str
    base: Hyperparameters
    values: tuple
    settings: tuple
    cost: Cost
    winner: Hyperparameters | None = None


@dataclass(frozen=True)
class Rung:
    """A cut of successive halving: numbers of the settings there, and of those kept."""

    epoch: int
    settings: tuple
    kept: tuple


if TYPE_CHECKING:
    _RunsMembers = Runs  # so that editors know the members and their types
else:
    _RunsMembers = object


@dataclass(frozen=True, eq=False, repr=False)
class Search(_RunsMembers):
    """What a search has tried and found.

    Attributes
    ----------
    kind : str
        Name of the function.
    base : Hyperparameters
        Values of what was not searched.
    space : dict
        Name of a hyperparameter: tuple of values, or `Range`.
    runs : Runs
        All that was trained, in the order of trying. Whatever they have, such as
        `settings`, `val_loss`, `best` and `to_frame()`, the search has, too.
    planned : Cost
        What the whole search costs, at most.
    finished : bool
        False when it was left or stopped.
    steps, rungs, lost : tuple
        Each `Step` of one-at-a-time, `Rung` of halving, and what failed: `Lost`.
    """

    kind: str
    base: Hyperparameters
    space: dict
    runs: Runs
    planned: Cost
    finished: bool = True
    steps: tuple = ()
    rungs: tuple = ()
    lost: tuple = ()

    def __getattr__(self, name):
        """Return what the runs have."""
        if name.startswith("_"):
            raise AttributeError(name)
        if name.endswith("_"):  # as scikit-learn ends them: best_params_
            return getattr(self, name.rstrip("_"))
        return getattr(self.runs, name)

    def __dir__(self):
        return sorted({*super().__dir__(), *dir(self.runs)})

    @property
    def param_name(self) -> str:
        """The hyperparameter that was searched; of several, the first."""
        return next(iter(self.space))

    @property
    def param_range(self) -> tuple:
        """The values of `param_name` in the order in which they were tried."""
        return tuple(dict.fromkeys(self.values(self.param_name)))

    def _listed(self, name):
        """Return the range or list of a hyperparameter with all that was tried."""
        space = self.space[name]
        if isinstance(space, Range):  # a study may have tried values of another range
            ends = space.low, space.high, *self._tried(name)
            low, high = min(ends), max(ends)  # 0 is the base's, if trials lack it
            return replace(space, low=low, high=high, log=space.log and low > 0)
        return tuple(dict.fromkeys((*space, *self.values(name))))

    def values(self, name: str) -> list:
        """Return the value of a hyperparameter in each setting."""
        name = hp.check_name(name, dict(self.base.own))
        return [getattr(setting, name) for setting in self.settings]

    def _tried(self, name):
        tried, space = {*self.values(name)}, self.space[name]
        if self.kind == "optuna_study":  # its pruned trials may have tried the rest
            tried |= {space.low, space.high} if isinstance(space, Range) else {*space}
        return tried - {None}  # an Optuna trial may lack it

    @property
    def runs_done(self) -> int:
        """How many runs will train no further."""
        goals = {i: stop for i, _, stop in self._stages()}.items()
        over, done = self.runs._ended_or_failed, self.epochs_done
        return sum((over[i] | (done[i] == stop)).sum() for i, stop in goals)

    def scores(self, by: str = "validation") -> np.ndarray:
        """Return a number for each setting, the lower the better: (n_settings,).

        Mean over seeds of the "validation" loss at the best epoch, the one after the
        "last" epoch, the lowest "training" loss, or minus the validation "accuracy" or
        your own "metric" at the best epoch. nan where nothing was trained.
        """
        hp.check_choice("by", by, CRITERIA)
        runs = self.runs
        if by == "validation":
            return runs.mean_val_loss
        if by in ("accuracy", "metric"):
            if getattr(runs, f"val_{by}") is None:
                raise refusal(f"by_{by}")
            return -getattr(runs, f"mean_val_{by}")
        losses, _ = lowest_loss(runs.train_loss)
        if by == "last":
            last = np.maximum(runs.epochs_done, 0)[..., None]
            losses = np.take_along_axis(runs.val_loss, last, -1)[..., 0]
        return over_seeds(np.mean, losses, where=runs.epochs_done >= 0)

    def best_by(self, by: str) -> Hyperparameters:
        """Return the best setting by other `scores`, such as "accuracy": `fit` it."""
        scores = self.scores(by)
        if by == "metric" and np.isnan(scores).all():
            raise refusal("nan_metric")
        return self.settings[rank(self.runs, scores, self.runs.order)[0]]

    @property
    def ties(self) -> tuple:
        """Other settings that are as good as the best, as far as the seeds tell.

        Best first, by t-tests of what two settings differ by with the same seeds; one
        that is as good is missed about one time in twenty, or ten if many settings with
        few seeds spread unequally. None with one seed, which cannot tell. Never one
        with a seed that diverged or is missing, nor one not trained to its end.
        """
        return tuple(self.settings[i] for i in self._tied)

    @cached_property
    def _tied(self):
        runs, best = self.runs, self.runs.order[0]
        seeds = np.isfinite(runs.best_val_loss[best])
        losses = runs.best_val_loss[:, seeds]
        fit = runs.ended[:, seeds].all(1) & ~runs.unfit
        if seeds.sum() < 2 or not fit[best] or fit.sum() < 2:
            return []
        tied, folds = fit.copy(), bool(runs.folds)
        tied[fit] = ~clearly_worse(losses[fit], fit[:best].sum(), folds=folds)
        return [i for i in runs.order if tied[i] and i != best]

    @property
    def edge(self) -> dict:
        """Where the best value is at an end of what was tried: "lowest" or "highest".

        "gap": at an end, but each setting with the next value diverged or failed. Not
        where nothing lies beyond, nor where another value has the same loss.
        """
        level, edges = tie_levels(self.mean_val_loss), {}
        is_best = (level == level[self.runs.order[0]]) & ~self.runs.unfit
        winners = [self.settings[i] for i in np.flatnonzero(is_best)]
        for name in self.space:
            best, most = getattr(self.best, name), self.dataset.n_train
            same = {getattr(setting, name) for setting in winners} == {best}
            known = self._tried(name)
            if same and best in known and len(known) > 1:
                side = edge_side(name, self._listed(name), best, most, known)
                if side and best in (min(known), max(known)):
                    inner = sorted(known)[1 if side == "lowest" else -2]
                    beside = [value == inner for value in self.values(name)]
                    side = "gap" if any(beside) and self.unfit[beside].all() else side
                edges[name] = side
        return {name: side for name, side in edges.items() if side}

    def best_so_far(self) -> tuple:
        """Return (epochs spent, lowest mean validation loss so far): two ndarrays (n,).

        Epochs of all runs together, from 0, as if the settings were trained one after
        the other (halving: rung after rung). Diverged settings cost epochs, too.
        """
        runs, spent = self.runs, [[0]]
        reached = np.fmin.accumulate(runs._selection_loss, axis=2).mean(1)
        reached[runs.unfit] = np.nan
        losses = [[np.fmin.reduce(over_seeds(np.nanmean, runs.val_loss[:, :, 0]))]]
        for i, start, stop in self._stages():
            done = runs.epochs_done[i]
            common = np.where(runs._ended_or_failed[i], done.max(), done).min()
            epochs = np.arange(start, min(stop, common)) + 1
            losses.append(reached[i, epochs])
            spent.append((done[:, None] >= epochs).sum(0))
        lowest = np.fmin.accumulate(np.concatenate(losses))
        return np.cumsum(np.concatenate(spent)), lowest

    def _stages(self):
        """Yield (setting, from epoch, to epoch) as if trained one after another."""
        start = 0
        for rung in self.rungs:
            yield from ((i, start, rung.epoch) for i in rung.settings)
            start = rung.epoch
        last = self.rungs[-1].kept if self.rungs else range(len(self.settings))
        yield from ((i, start, self.settings[i].epochs) for i in last)

    def to_frame(self) -> pd.DataFrame:
        """Return a DataFrame, a row per setting; rank_val_loss 1 is best.

        Examples
        --------
        >>> grid = hk.grid_search(hk.load_dataset("moons"), lr=[0.1, 1])
        >>> list(grid.to_frame())[:3]
        ['param_lr', 'mean_val_loss', 'std_val_loss']
        """
        return self.runs._frame(self.space)

    @property
    def best_params(self) -> dict:
        """The values of what was searched in the best setting, by name."""
        return {name: getattr(self.best, name) for name in self.space}

    @property
    def best_score(self) -> float:
        """The mean validation loss of the best setting: lower is better.

        Its negative is the `mean_test_score` in `cv_results`.
        """
        return float(self.mean_val_loss[self.runs.order[0]])

    @property
    def cv_results(self) -> dict:
        """What ``cv_results_`` of scikit-learn has: a dict, an entry per setting.

        A score is minus a run's validation loss at its best epoch; a split is a seed,
        which with `cv` has its own fold. "test" is scikit-learn's word: no test row is
        looked at.
        """
        frame, settings = self.to_frame(), self.settings
        score = np.where(self.diverged, np.nan, -self.best_val_loss)
        table = {"params": [{n: getattr(s, n) for n in self.space} for s in settings]}
        table |= {n: frame[n].to_numpy(object) for n in frame if n.startswith("param_")}
        table |= {f"split{k}_test_score": column for k, column in enumerate(score.T)}
        table |= {"mean_test_score": score.mean(1), "std_test_score": score.std(1)}
        table["mean_fit_time"] = self.fit_time.mean(1)
        return table | {"rank_test_score": frame["rank_val_loss"].to_numpy()}

    def to_optuna(self) -> Study:
        """Return the search as an Optuna study: see `hpkit.to_optuna`."""
        from hpkit.search.bayes import to_optuna

        return to_optuna(self)

    def save(self, path: str | Path) -> Path:
        """Write settings and curves as JSON, for `hpkit.load`, and return the path."""
        from hpkit.search.files import save_search

        return save_search(self, path)

    def describe(self) -> str:
        """Return what was found, in sentences."""
        return " ".join(text.search_sentences(self))

    def __repr__(self):
        return f"<{self.describe()}>"

    def _repr_html_(self):
        texts, diverged = words("search"), self.runs.diverged.any(1)
        notes = dict.fromkeys(self._tied, texts["tie_note"])
        for rung in self.rungs:
            cut = texts["cut_note"].format(epoch=rung.epoch)
            notes |= dict.fromkeys({*rung.settings} - {*rung.kept}, cut)
        best = self.runs.order[0]  # perhaps cut, where what went on diverged
        notes[best] = ", ".join(filter(None, (texts["best_note"], notes.get(best))))
        notes |= dict.fromkeys(np.flatnonzero(diverged), texts["diverged_note"])
        caption = text.search_sentences(self, beside_table=True)
        return text.short_table(" ".join(caption), self.runs, tuple(self.space), notes)


def as_runs(result):
    if isinstance(result, Runs | Search):
        return getattr(result, "runs", result)
    runs = [result] if isinstance(result, Run) else result
    if isinstance(runs, list | tuple) and all(isinstance(r, Run) for r in runs):
        return Runs.of(runs)
    raise refusal("result", kind=TypeError, type=type(result).__name__)


def as_searches(result):
    """Return one or several searches as a dict by name."""
    given = [result] if isinstance(result, Search) else result
    searches = given.values() if isinstance(given, dict) else given
    valid = isinstance(given, dict | list | tuple) and len(given) > 0
    if not valid or not all(isinstance(search, Search) for search in searches):
        raise refusal("searches", result, kind=TypeError)
    if isinstance(given, dict):
        return given
    kinds = [words("search")["kinds"][search.kind] for search in searches]
    counts = [kinds[: i + 1].count(kind) for i, kind in enumerate(kinds)]
    names = [f"{k} {n}" if n > 1 else k for k, n in zip(kinds, counts, strict=True)]
    return dict(zip(names, searches, strict=True))


def describe(result: Any) -> str:
    """Return what a chart of a result shows, in one sentence: its alternative text.

    Parameters
    ----------
    result : Run, Runs, Search, list of Run, list of Search or dict of Search

    Examples
    --------
    >>> curve = hk.grid_search(hk.load_dataset("moons"), lr=[0.001, 0.1])
    >>> print(describe(curve)[:44])
    moons, validation loss against learning rate
    """
    texts = words("plots")["told"]
    members = result if isinstance(result, list | tuple) else ()
    if isinstance(result, dict) or any(isinstance(part, Search) for part in members):
        searches, clauses = as_searches(result), []
        for name, search in searches.items():
            epochs, losses = search.best_so_far()
            clause = texts["so_far" if np.isfinite(losses[-1]) else "so_far_out"]
            clauses.append(clause.format(name=name, epochs=epochs[-1], loss=losses[-1]))
        data = dict.fromkeys(search.dataset.name for search in searches.values())
        return f"{', '.join(data)}: {'; '.join(clauses)}."
    runs = as_runs(result)
    if len(runs) == 1:
        return text.run_sentence(next(iter(runs)))
    diverged, best, n = runs.diverged.any(1), int(runs.order[0]), len(runs.settings)
    loss, names = runs.mean_val_loss, hp.varied(runs.settings) or ["lr"]
    facts = {"data": runs.dataset.name, "n": n, "best": loss[best]}
    seeds = texts["of_folds" if runs.folds else "of_seeds"].format(len(runs.seeds))
    facts |= {"seeds": seeds, "gone": diverged.sum()}
    facts["setting"] = text.setting_text(runs.settings[best], names)
    if isinstance(result, Search) and len(result.space) == 1 and not diverged.all():
        values = result.values(result.param_name)
        order = [values.index(value) for value in hp.sort_numbers(values)]
        labels = [text.value_text(values[i]) for i in order]
        losses = np.where(diverged, np.inf, loss)[order]
        facts["curve"] = text.curve_text(losses, labels)
        facts["gone"] = ", ".join(itertools.compress(labels, diverged[order]))
        facts["name"] = TABLE[result.param_name].label
        return texts["curve_out" if diverged.any() else "curve"].format(**facts)
    kind = "all" if diverged.all() else "some" if diverged.any() else "runs"
    kind += "_one" if n == 1 else "_seeds" if len(runs.seeds) > 1 else ""
    return texts[kind].format(**facts)


def clearly_worse(losses, best, *, folds=False):
    """Return which settings are worse than the best by more than luck: (n_settings,).

    Losses (n_settings, n_seeds) are finite, of two seeds or more, or `folds`. Each
    setting is tested by its `paired_differences` from the best; with two settings that
    is the paired t-test. The best of many is partly the luckiest, so they are tested in
    steps (Holm, A simple sequentially rejective multiple test procedure, 1979): that
    keeps 5% for each, not for all together, as the best was not known before.
    """
    from scipy.special import stdtr

    others = np.flatnonzero(np.arange(len(losses)) != best)
    difference, error, df = paired_differences(losses[others], losses[best], folds)
    with np.errstate(divide="ignore", invalid="ignore"):
        p = 2 * stdtr(df, -np.abs(difference / error))
    p[np.abs(difference) <= TIE * np.abs(losses[best].mean())] = 1
    order = np.argsort(p, kind="stable")
    rejected = np.logical_and.accumulate(p[order] < _LEVEL / np.arange(len(p), 0, -1))
    worse = np.zeros(len(losses), bool)
    worse[others[order[rejected]]] = True
    return worse


def paired_differences(losses, best, folds=False):
    """Return how far settings are above another one: means, standard errors, df.

    The spread of a few differences is luck, too: each variance is pooled with the mean
    variance of the better half (Smyth, Linear models and empirical Bayes methods, 2004,
    with a fixed weight), unless it is larger. With one setting, or with many seeds, it
    counts alone. Folds learn from each other's rows, so their mean is less sure than
    that of as many seeds (Nadeau and Bengio, Inference for the generalization error,
    2003).
    """
    differences = losses - best
    means, n = differences.mean(1), differences.shape[1]
    variance = differences.var(1, ddof=1)
    half = max(min(2, len(means)), (len(means) + 1) // 2)
    usual = variance[np.argsort(means, kind="stable")[:half]].mean()
    shared = min(SHARED, (half - 1) * (n - 1))
    df = shared + n - 1
    pooled = np.maximum(variance, (shared * usual + (n - 1) * variance) / df)
    share = 1 / n + folds / (n - 1)  # of folds: rows held back per row learned from
    return means, np.sqrt(pooled * share), df


def critical_value(df):
    """Return how many standard errors tell two settings apart: 2.1 for 20 seeds."""
    from scipy.special import stdtrit

    return float(stdtrit(df, 1 - _LEVEL / 2))
