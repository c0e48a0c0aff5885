"""Exercises of lesson 09: random search, halving, momentum, a study of Optuna."""

from functools import cache

import numpy as np

from hpkit.exercises._answers import NotYet, kind, number, number_list
from hpkit.exercises._core import Exercise
from hpkit.exercises._quiz import Quiz
from hpkit.exercises._trials import trained
from hpkit.hyperparameters import Hyperparameters

DIGITS = Hyperparameters(lr=0.1, epochs=10, hidden=(32,))
LAST = 80
SPIRAL = Hyperparameters(lr=0.1, batch_size=16, epochs=LAST)
NETWORKS = ((32,), (16,) * 2, (16,) * 3, (16,) * 4)


@Exercise
def how_many(answer):
    """A 3 x 3 grid tests 3 learning rates, 9 random runs test 9."""
    got = number_list(answer, low=0, whole=True)
    reasons = {(9, 9): "grid", (3, 3): "random", (9, 3): "turned"}
    if got != [3, 9]:
        raise NotYet(reasons.get(tuple(got), "count"))


@cache
def slow_starters():
    """Return the lowest losses so far, (networks, epochs + 1): means over 3 seeds."""
    settings = [SPIRAL.but(hidden=hidden) for hidden in NETWORKS]
    runs = trained("clean_spiral", settings, seeds=range(3))
    return np.minimum.accumulate(runs.val_loss, axis=2).mean(1)


@Exercise
def first_cut(answer):
    """Two of four are kept at the cut; the one that wins at epoch 80 is among them."""
    cut = number(answer, low=1, high=LAST, whole=True)
    losses = slow_starters()
    order = losses[:, cut].argsort()
    winner = losses[:, LAST].argmin()
    leader = len(NETWORKS[order[0]])
    values = {"cut": cut, "winner": len(NETWORKS[winner]), "leader": leader}
    if winner not in order[:2]:
        raise NotYet("lost", **values)
    if cut > LAST // 2:
        raise NotYet("late", **values)
    return values


@Exercise
def with_momentum(answer):
    """Lr / (1 - momentum) is the same, and so is the loss."""
    lr = number(answer, above=0)
    values = {"lr": lr, "effective": lr / (1 - 0.9)}
    if not 0.0085 <= lr <= 0.0115:
        if 0.08 < lr < 0.12:
            raise NotYet("same_lr", **values)
        raise NotYet("larger" if lr > 0.01 else "smaller", **values)
    settings = [DIGITS, DIGITS.but(lr=lr, momentum=0.9)]
    runs = trained("digits", settings, seeds=range(3))
    values["without"], values["with_it"] = runs.mean_val_loss
    return values


@Exercise
def optuna_study(answer):
    """Ten trials or more of lr alone, on a log scale, minimized; the best one holds."""
    if not all(hasattr(answer, name) for name in ("trials", "best_trial", "direction")):
        raise kind(answer)
    done = [t for t in answer.trials if t.state.name == "COMPLETE"]
    if len(done) < 10:
        raise NotYet("few", n=len(done))
    if answer.direction.name != "MINIMIZE":
        raise NotYet("direction")
    best = answer.best_trial
    if not best.params:
        raise NotYet("no_parameters")
    if "lr" not in best.params:
        raise NotYet("no_lr", names=", ".join(best.params))
    if others := sorted(best.params.keys() - {"lr"}):
        raise NotYet("others", names=", ".join(others))
    if not getattr(best.distributions["lr"], "log", False):
        raise NotYet("linear")
    lr = number(best.params["lr"], above=0)
    loss = trained("digits", [DIGITS.but(lr=lr)], seeds=range(3)).mean_val_loss[0]
    if not loss <= 0.25:
        raise NotYet("poor", lr=lr, loss=loss)
    return {"lr": lr, "loss": loss, "n": len(done)}


EXERCISES = (how_many, first_cut, with_momentum, optuna_study)
quiz = Quiz("09_beyond_the_grid")
