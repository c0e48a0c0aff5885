"""Exercises of lesson 09: random search, halving, momentum, a study of Optuna."""

from functools import cache

from hpkit.exercises._answers import NotYet, kind, number, number_list
from hpkit.exercises._core import Exercise
from hpkit.exercises._quiz import Quiz
from hpkit.exercises._trials import trained
from hpkit.hyperparameters import Hyperparameters

LESSON = "09_beyond_the_grid"
DIGITS = Hyperparameters(lr=0.1, epochs=10, hidden=(32,))

# ---- how many learning rates -------------------------------------------------------


def check_tested(answer):
    """A 3 x 3 grid tests 3 learning rates, 9 random runs test 9."""
    got = number_list(answer, low=0, whole=True)
    reasons = {(9, 9): "grid", (3, 3): "random", (9, 3): "turned"}
    if got != [3, 9]:
        raise NotYet(reasons.get(tuple(got), "count"))


def tested():
    """A grid repeats its values, a random draw repeats none."""
    return [3, 9]


# ---- the first cut of a halving ----------------------------------------------------

DEPTHS = (1, 2, 3, 4)
LAST = 80


@cache
def slow_starters():
    """Return the lowest losses so far, (depths, epochs + 1): means over 3 seeds."""
    import numpy as np

    base = Hyperparameters(lr=0.1, batch_size=16, epochs=LAST)
    settings = [base.but(hidden=(16,) * d if d > 1 else (32,)) for d in DEPTHS]
    runs = trained("clean_spiral", settings, seeds=range(3))
    return np.minimum.accumulate(runs.val_loss, axis=2).mean(1)


def check_cut(answer):
    """Two of four are kept at the cut; the one that wins at epoch 80 is among them."""
    cut = number(answer, low=1, high=LAST, whole=True)
    losses = slow_starters()
    order = losses[:, cut].argsort()
    winner = int(losses[:, LAST].argmin())
    values = {"cut": cut, "winner": DEPTHS[winner], "leader": DEPTHS[order[0]]}
    if winner not in order[:2]:
        raise NotYet("lost", **values)
    if cut > LAST // 2:
        raise NotYet("late", **values)
    return values


def cut():
    """The deep networks have caught up by then."""
    return 35


# ---- momentum ----------------------------------------------------------------------


def check_momentum(answer):
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


def momentum():
    """0.9 makes each step count ten times: 0.1 x (1 - 0.9)."""
    return 0.01


# ---- a study of Optuna -------------------------------------------------------------


def check_study(answer):
    """Ten trials or more of lr alone, on a log scale, minimized; the best one holds."""
    if not all(hasattr(answer, name) for name in ("trials", "best_trial", "direction")):
        raise kind(answer)
    done = [t for t in answer.trials if t.state.name == "COMPLETE"]
    if len(done) < 10:
        raise NotYet("few", n=len(done))
    if answer.direction.name != "MINIMIZE":
        raise NotYet("direction")
    best = answer.best_trial
    if "lr" not in best.params:
        raise NotYet("no_lr", names=", ".join(best.params) or "none")
    if others := sorted(best.params.keys() - {"lr"}):
        raise NotYet("others", names=", ".join(others))
    if not getattr(best.distributions["lr"], "log", False):
        raise NotYet("linear")
    lr = number(best.params["lr"], above=0)
    loss = trained("digits", [DIGITS.but(lr=lr)], seeds=range(3)).mean_val_loss[0]
    if not loss <= 0.25:
        raise NotYet("poor", lr=lr, loss=loss)
    return {"lr": lr, "loss": loss, "n": len(done)}


def my_study():
    """Ask for a learning rate, train with it, return the lowest validation loss."""
    import optuna

    import hpkit as hk

    digits = hk.load_dataset("digits")

    def objective(trial):
        lr = trial.suggest_float("lr", 1e-4, 10, log=True)
        setting = hk.Hyperparameters(lr=lr, epochs=10, hidden=(32,))
        loss = hk.fit(digits, setting).best_val_loss
        return min(loss, 10)  # a loss that is no number would end the trial

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    found = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=0))
    found.optimize(objective, n_trials=20)
    return found


def a_study(n=12, *, direction="minimize", name="lr", log=True, best=0.3, more=()):
    """Return a study with made-up losses, to break one condition at a time."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    made = optuna.create_study(direction=direction)
    low = optuna.distributions.FloatDistribution(1e-4, 10, log=log)
    sign = 1 if direction == "minimize" else -1
    for k in range(n):
        trial = optuna.trial.create_trial(
            params=dict.fromkeys((name, *more), best), value=sign * (1.0 + k),
            distributions=dict.fromkeys((name, *more), low),
        )  # fmt: skip
        made.add_trial(trial)
    return made


how_many = Exercise(
    LESSON, "how_many", check_tested, solution=tested,
    wrong=[
        ([9, 9], "grid"),
        ([3, 3], "random"),
        ([9, 3], "turned"),
        ([1, 2], "count"),
    ],
)  # fmt: skip
first_cut = Exercise(
    LESSON, "first_cut", check_cut, solution=cut,
    wrong=[(3, "lost"), (5, "lost"), (70, "late"), (0, "kind"), (90, "kind")],
)  # fmt: skip
with_momentum = Exercise(
    LESSON, "with_momentum", check_momentum, solution=momentum,
    wrong=[(0.1, "same_lr"), (1, "larger"), (0.001, "smaller"), (-1, "kind")],
)  # fmt: skip
optuna_study = Exercise(
    LESSON, "optuna_study", check_study, solution=my_study,
    wrong=lambda: [
        (a_study(n=3), "few"),
        (a_study(direction="maximize"), "direction"),
        (a_study(name="x"), "no_lr"),
        (a_study(more=("batch_size",)), "others"),
        (a_study(log=False), "linear"),
        (a_study(best=0.001), "poor"),
    ],
)  # fmt: skip
EXERCISES = (how_many, first_cut, with_momentum, optuna_study)
quiz = Quiz(LESSON)
