"""Exercises of lesson 09: random search, halving, momentum, a study of Optuna."""

import numpy as np

from hpkit.exercises._answers import kind, number, number_list, wrong_if
from hpkit.exercises._core import Exercise, trained
from hpkit.exercises._quiz import lesson_of
from hpkit.hyperparameters import Hyperparameters

DIGITS = Hyperparameters(lr=0.1, epochs=10, hidden=(32,))
LAST = 80
_SPIRAL = Hyperparameters(lr=0.1, batch_size=16, epochs=LAST)
NETWORKS = ((32,), (16,) * 2, (16,) * 3, (16,) * 4)


@Exercise
def how_many(answer):
    """A 4 x 4 x 4 grid tests 4 learning rates, 64 random runs test 64."""
    got = number_list(answer, low=0, whole=True)
    slips = {(64, 64): "grid", (4, 4): "random", (64, 4): "turned"}
    wrong_if(**{slips.get(tuple(got), "count"): got != [4, 64]})


@Exercise
def first_cut(answer):
    """Two of four are kept at the cut; the one that wins at epoch 80 is among them."""
    cut = number(answer, low=1, high=LAST, whole=True)
    settings = [_SPIRAL.but(hidden=hidden) for hidden in NETWORKS]
    runs = trained("clean_spiral", settings, seeds=range(3))
    losses = np.minimum.accumulate(runs.val_loss, axis=2).mean(1)  # lowest so far
    order, winner = losses[:, cut].argsort(), losses[:, LAST].argmin()
    said = {"cut": cut, "winner": len(NETWORKS[winner])}
    return wrong_if(said, lost=winner not in order[:2], late=cut > LAST // 2)


@Exercise
def with_momentum(answer):
    """Lr / (1 - momentum) is the same, and so is the loss."""
    lr = number(answer, above=0)
    facts = {"lr": lr, "effective": lr / (1 - 0.8)}
    same, larger = 0.08 < lr < 0.12, lr > 0.027
    wrong_if(facts, same_lr=same, larger=larger, smaller=lr < 0.015)
    settings = [DIGITS, DIGITS.but(lr=lr, momentum=0.8)]
    runs = trained("digits", settings, seeds=range(3))
    without, with_it = runs.mean_val_loss
    return facts | {"without": without, "with_it": with_it}


@Exercise
def optuna_study(answer):
    """Ten trials or more of lr alone, on a log scale, minimized; the best one holds."""
    if not all(hasattr(type(answer), name) for name in ("trials", "directions")):
        raise kind(answer)
    n = sum(t.state.name == "COMPLETE" for t in answer.trials)
    ways = [direction.name for direction in answer.directions]
    wrong_if({"n": n}, few=n < 10, direction=ways != ["MINIMIZE"])
    best = answer.best_trial
    names, others = list(best.params), sorted(best.params.keys() - {"lr"})
    no_lr = "lr" not in names
    wrong_if({"names": ", ".join(names)}, no_parameters=not names, no_lr=no_lr)
    linear = not getattr(best.distributions["lr"], "log", False)
    wrong_if({"names": ", ".join(others)}, others=others, linear=linear)
    lr = number(best.params["lr"], above=0)
    loss = trained("digits", [DIGITS.but(lr=lr)], seeds=range(3)).mean_val_loss[0]
    return wrong_if({"lr": lr, "loss": loss, "n": n}, poor=not loss <= 0.25)


EXERCISES, quiz = lesson_of(how_many, first_cut, with_momentum, optuna_study)
