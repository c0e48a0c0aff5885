"""Checks that train the answer's settings; the six curves of lesson 01."""

import functools
import io
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise

import numpy as np

import hpkit
from hpkit.data.datasets import load_dataset
from hpkit.exercises import _answers as read
from hpkit.exercises._answers import wrong_if
from hpkit.exercises._core import Exercise, load_texts, trained
from hpkit.hyperparameters import Hyperparameters, all_settings

# As in the lessons: 16-16 units on moons, 32 on digits; 50 training points and a large
# network for early stopping.
MOONS = Hyperparameters(epochs=30)
DIGITS = Hyperparameters(lr=0.1, epochs=10, hidden=(32,))
LONG = Hyperparameters(lr=0.1, momentum=0.9, batch_size=10, hidden=(64, 64), epochs=200)

# The six curves of lesson 01, whose shapes are named in an exercise.
_SIX = {
    "A": ("small_moons", LONG.but(epochs=100)),
    "B": ("moons", MOONS.but(lr=0.001)),
    "C": ("digits", DIGITS.but(lr=3.5, epochs=30)),
    "D": ("digits", DIGITS.but(epochs=30)),
    "E": ("moons", MOONS.but(lr=6, batch_size=64, hidden=(16,))),
    "F": ("moons", MOONS.but(lr=0.3, batch_size=4)),
}


@functools.cache
def _mystery_runs():
    return {name: hpkit.fit(load_dataset(data), s) for name, (data, s) in _SIX.items()}


class _MysteryCurves:
    """Six small charts without labels; in text, a table of losses."""

    @property
    def _words(self):
        return load_texts("01_parameters_and_hyperparameters")["six_curves"]

    def __repr__(self):
        lines, names = [], self._words["lines"]
        for letter, run in _mystery_runs().items():
            last = run.setting.epochs
            epochs = [e for e in range(0, last + 1, last // 5) if e <= run.epochs_done]
            for name, loss in zip(names, (run.train_loss, run.val_loss), strict=True):
                row = "  ".join(f"{loss[e]:8.3g}" for e in epochs)
                lines.append(f"{letter}  {name:9}{row}")
        return "\n".join(lines)

    def _repr_png_(self):
        from matplotlib.figure import Figure

        figure = Figure(figsize=(11, 5.6), layout="constrained")
        figure.get_layout_engine().set(h_pad=0.1)  # between the two rows
        axes = figure.subplots(2, 3).flat
        for ax, (letter, run) in zip(axes, _mystery_runs().items(), strict=True):
            hpkit.plot_training_curves(run, ax).set_title(letter)
            if run.diverged:  # the label at the X would give it away
                for label in list(ax.texts):
                    label.remove()
        file = io.BytesIO()
        figure.savefig(file, format="png", dpi=90)
        _, alt = hpkit.plots.alt_metadata([self._words["alt"]])
        return file.getvalue(), alt["image/png"]


mystery_curves = _MysteryCurves()

_SWEEP = (1e-4, 1e-3, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
# A spread would be the natural limit, but the best value's is often small by luck.
_CLOSE = 1.15
_BREAKING = (0.1, 0.3, 1, 3, 10, 30)
_RATES = (0.001, 0.01, 0.3, 10)
DEEP = Hyperparameters(momentum=0.9, epochs=10, hidden=(32,) * 4, batch_size=8)


@Exercise
def good_rate(answer):
    """The mean loss of the learning rate is close to that of the sweep's best."""
    lr = read.number(answer, above=0)
    wrong_if({"lr": lr}, listed=any(abs(lr / other - 1) < 0.02 for other in _SWEEP))
    sweep = trained("moons", *(MOONS.but(lr=lr) for lr in _SWEEP))
    best_lr, lowest = sweep.best.lr, sweep.mean_val_loss[sweep.order[0]]
    loss = trained("moons", MOONS.but(lr=lr)).mean_val_loss[0]
    facts = {"lr": lr, "loss": loss, "limit": _CLOSE * lowest, "best": lowest}
    poor = not loss <= _CLOSE * lowest
    return wrong_if(facts, too_small=poor and lr < best_lr, too_large=poor)


@Exercise
def diverging_rate(answer):
    """The smallest rate in the list whose loss is nan."""
    lr = read.choice(answer, _BREAKING)
    runs = trained("digits", *(DIGITS.but(lr=lr) for lr in _BREAKING), seeds=range(3))
    # With 60 seeds all learn at lr 1, none at 3.
    shares = (runs.val_loss[..., -1] / runs.val_loss[..., 0]).mean(1)
    smallest, share = _BREAKING[np.isnan(shares).argmax()], shares[_BREAKING.index(lr)]
    facts = {"lr": lr, "share": 100 * share}
    wrong_if(facts, learns=not np.isnan(share), smaller_too=lr > smallest)


@Exercise
def worst_to_best(answer):
    """The order is that of the trained losses."""
    got = read.ordering(answer, _RATES)
    last = trained("moons", *(MOONS.but(lr=lr) for lr in _RATES)).val_loss[:, :, -1]
    want = tuple(np.array(_RATES)[np.argsort(-last.mean(1))].tolist())
    if got != want:
        lr = next(a for a, b in zip(got, want, strict=True) if a != b)
        wrong_if(reversed=got == want[::-1], larger_is_better=got == _RATES)
        wrong_if({"lr": lr}, smaller_is_better=got == _RATES[::-1], order=True)


@Exercise
def log_list(answer):
    """Five or six values, evenly spaced on a log scale, the best one not at an end."""
    lrs = sorted(read.number_list(answer, above=0))
    n, twice = len(lrs), len(set(lrs)) < len(lrs)
    wrong_if({"n": n}, twice=twice, few=n < 5, many=n > 6)
    factors = [b / a for a, b in pairwise(lrs)]
    facts = {"small": min(factors), "large": max(factors)}
    # 0.01, 0.03, 0.1 has the factors 3 and 3.3, so a ratio of two is far from even.
    # With equal steps, or factors near 1, luck makes the winner.
    wrong_if(facts, uneven=max(factors) > 2 * min(factors), close=min(factors) < 1.9)
    best = trained("moons", *(MOONS.but(lr=lr) for lr in lrs), seeds=range(3)).best.lr
    return wrong_if({"best": best}, low_end=best == lrs[0], high_end=best == lrs[-1])


@Exercise
def after_the_test(answer):
    """A rate that trains the deep network, even if the rule of a third says no."""
    lr = read.number(answer, above=0)
    loss = trained("digits", DEEP.but(lr=lr), seeds=range(10)).mean_val_loss[0]
    low = 0.47  # the valley, 0.3, begins at lr 0.005 and ends before 0.03, at 0.5
    poor = not loss <= low
    facts = {"lr": lr, "loss": loss, "low": low}
    return wrong_if(facts, too_large=poor and lr > 0.01, too_small=poor)


SIZES = (8, 16, 32, 64, 128, 256, 512)


@Exercise
def equal_updates(answer):
    """Batch size 256 gets as low as ten epochs of 16, after as many updates."""
    epochs = read.number(answer, low=1, high=600, whole=True)
    settings = DIGITS.but(batch_size=16), DIGITS.but(batch_size=256, epochs=epochs)
    before, after = trained("digits", *settings, seeds=range(3)).mean_val_loss
    facts = {"epochs": epochs, "updates": 3 * epochs, "before": before, "after": after}
    return wrong_if(facts, few=after > 1.04 * before, many=after < 0.96 * before)


@Exercise
def scaled_rate(answer):
    """The loss at batch size 64 is back at that of batch size 8."""
    lr = read.number(answer, above=0)
    settings = [DIGITS.but(lr=0.04, batch_size=8), DIGITS.but(lr=lr, batch_size=64)]
    runs = trained("digits", *settings, seeds=range(3))
    before, after = runs.mean_val_loss
    facts = {"lr": lr, "before": before, "after": after}
    if not after <= 1.1 * before:
        small = {"smaller": lr < 0.04, "unchanged": lr == 0.04, "too_small": lr < 0.5}
        wrong_if(facts, **small, diverged=runs.diverged.any(), too_large=True)
    return facts


@Exercise
def scaling_breaks(answer):
    """The smallest size at which lr = 0.015 x batch size doubles the loss."""
    size = read.choice(answer, SIZES)
    settings = [DIGITS.but(lr=0.015 * b, batch_size=b) for b in (4, size // 2, size)]
    small, half, large = trained("digits", *settings, seeds=range(5)).mean_val_loss
    facts = {"size": size, "lr": 0.015 * size, "small": small, "large": large}
    return wrong_if(facts, holds=not large >= 2 * small, smaller_too=half >= 2 * small)


@Exercise
def choose_patience(answer):
    """The kept loss within 7% of the lowest, and at most an eighth of the epochs."""
    patience = read.number(answer, low=1, high=200, whole=True)
    runs = trained("small_moons", LONG, LONG.but(patience=patience))
    (lowest, kept), stop = runs.mean_val_loss, runs.epochs_done[1].mean()
    above, late = 100 * (kept / lowest - 1), stop > LONG.epochs / 8
    facts = {"patience": patience, "above": above, "stop": stop}
    return wrong_if(facts, too_eager=above > 7, too_patient=late)


@Exercise
def honest_number(answer):
    """A setting with a low validation loss, and about its loss on new points."""
    parts = read.sequence(answer)
    read.check_kind(answer, len(parts) == 2 and isinstance(parts[0], Hyperparameters))
    chosen, predicted = parts[0], read.number(parts[1], above=0)
    wrong_if({"epochs": chosen.epochs}, epochs=chosen.epochs > 100)
    try:
        runs = trained("moons", chosen)
    except ValueError as error:
        raise read.NotYet("refused", error=error) from None
    valid = runs.mean_val_loss[0]
    wrong_if({"valid": valid}, poor=not valid <= 0.2)
    # On other draws, so that the lesson's test split stays closed to the learner.
    losses = []
    for seed, run in enumerate(runs, 1):
        draw = replace(load_dataset("moons", seed=seed), test_looks=[])
        losses.append(replace(run, dataset=draw).test_loss())
    new = np.mean(losses)
    facts = {"predicted": predicted, "valid": valid, "new": new}
    low, high = predicted < new / 1.5, predicted > new * 1.5
    return wrong_if(facts, too_low=low, too_high=high)


JUN = ("batch_size", "lr", "dropout")  # shown in the lesson
_START = Hyperparameters(lr=0.1, batch_size=200, epochs=20)
LISTS = {"lr": (0.01, 0.1, 1, 10), "batch_size": (4, 64, 200), "dropout": (0, 0.1, 0.3)}
_LOW = 0.2  # loss: the bottom of the valley is at 0.12, its slopes begin above 0.2
_SPIRAL = Hyperparameters(lr=0.1, batch_size=16, epochs=80)
NETWORKS = ((32,), (16,) * 2, (16,) * 3, (16,) * 4)


@Exercise
def order(answer):
    """One at a time in this order ends within 1.2 times the grid's best."""
    names = read.ordering(answer, tuple(LISTS))
    wrong_if(jun=names == JUN)
    settings = all_settings(_START, LISTS)
    means = trained("spiral", *settings).mean_val_loss.tolist()
    losses = dict(zip(settings, means, strict=True))
    best = _START
    for name in names:
        best = min((best.but(**{name: v}) for v in LISTS[name]), key=losses.get)
    found, lowest = losses[best], min(losses.values())
    facts = {"found": found, "grid": lowest, "times": found / lowest}
    return wrong_if(facts, far=not found / lowest <= 1.2)


@Exercise
def wide_enough(answer):
    """At most 8 settings, the best lr not at the edge, and nothing good left out."""
    names = {*answer} if isinstance(answer, Mapping) else ()
    read.check_kind(answer, names == {"lr", "batch_size"})
    lrs = {*read.number_list(answer["lr"], above=0)}
    sizes = {*read.number_list(answer["batch_size"], low=16, high=400, whole=True)}
    n = len(lrs) * len(sizes)
    wrong_if({"n": n}, many=n > 8, one_size=len(sizes) < 2, few=len(lrs) < 3)
    # Of values that lie close together luck makes the winner.
    wrong_if(close=any(b < 1.9 * a for a, b in pairwise(sorted(lrs))))
    settings = all_settings(MOONS, {"lr": sorted(lrs), "batch_size": sorted(sizes)})
    runs = trained("moons", *settings, seeds=range(3))
    best, loss = runs.best, runs.mean_val_loss[runs.order[0]]
    facts = {"lr": best.lr, "batch_size": best.batch_size, "loss": loss, "low": _LOW}
    low, high = best.lr == min(lrs), best.lr == max(lrs)
    return wrong_if(facts | {"n": n}, low_edge=low, high_edge=high, gap=loss > _LOW)


@Exercise
def first_cut(answer):
    """The cut keeps two of four networks, one of which wins at epoch 80, just so."""
    cut = read.number(answer, low=1, high=_SPIRAL.epochs, whole=True)
    settings = [_SPIRAL.but(hidden=hidden) for hidden in NETWORKS]
    runs = trained("clean_spiral", *settings, seeds=range(3))
    losses = np.minimum.accumulate(runs.val_loss, axis=2).mean(1)  # lowest so far
    winner = losses[:, -1].argmin()
    kept = (losses < losses[winner]).sum(0) < 2  # whether the winner goes on, by epoch
    facts = {"cut": cut, "winner": len(NETWORKS[winner])}
    return wrong_if(facts, lost=not kept[cut], late=kept[: cut - 5].any())


@Exercise
def with_momentum(answer):
    """Lr / (1 - momentum) is the same, and so is the loss."""
    lr = read.number(answer, above=0)
    facts = {"lr": lr, "effective": lr / (1 - 0.8)}
    # From 0.0177 to 0.0248 the loss is within 10% of that without momentum.
    wrong_if(facts, same_lr=0.09 < lr < 0.12, larger=lr > 0.0248, smaller=lr < 0.0177)
    settings = [DIGITS, DIGITS.but(lr=lr, momentum=0.8)]
    without, momentum = trained("digits", *settings, seeds=range(3)).mean_val_loss
    return facts | {"without": without, "with_it": momentum}
