"""Wrong answers to each exercise, by the reason of the message that each must get."""

import warnings
from itertools import product
from operator import sub
from statistics import mean, stdev
from types import SimpleNamespace

import numpy as np

import hpkit as hk
from hpkit import exercises
from hpkit.exercises._core import CASES, texts_of
from hpkit.exercises._results import parts_of

EX = exercises.BY_NAME
ALL = [one for lesson in EX.values() for one in lesson.EXERCISES]


def a_run(*, done=5, epochs=5, seed=0, lr=0.1, rows=0):
    """Return what the checks look at in a run."""
    return SimpleNamespace(
        setting=SimpleNamespace(epochs=epochs, lr=lr),
        seed=seed,
        epochs_done=done,
        dataset=hk.load_dataset("moons", seed=rows),
    )


def a_panel(*, run=None, color=None, name=""):
    return a_list(SimpleNamespace(run=run, color=color, name=name))


def a_list(*kept):
    return SimpleNamespace(list=SimpleNamespace(kept=list(kept)))


# What a hand does in the lesson.
PANEL = a_panel(run=a_run(done=5, epochs=200), color="orange", name="short")


def right(one):
    return one.answer(panel=PANEL)


ALSO_RIGHT = {  # names of exercises, and what makes other answers of the right one
    "loop": lambda _: [loop_with("nbs")],  # it clears the gradients of the network
    "double_loop": lambda _: [
        lambda lrs, sizes: product(reversed(lrs), sizes),
        lambda lrs, sizes: [np.array([a, b]) for b in sizes for a in lrs],
    ],
}


SET_BY_NOBODY = "weights", "biases", "training loss", "validation loss"
SET_BEFORE = EX["01_parameters_and_hyperparameters"].hyperparameters.answer()


def loop_with(order, *, first="", last="", end=7, factor=1):
    """Return a loop with one mistake: the steps of a batch, before and after all."""

    def train(net, optimizer, X, y, batch_size):
        import torch

        def take(names, loss=None):
            steps = {"z": optimizer.zero_grad, "s": optimizer.step, "n": net.zero_grad}
            for name in names:
                loss.backward() if name == "b" else steps[name]()

        take(first)
        for start in range(0, end, batch_size):
            rows = slice(start, start + batch_size)
            loss = torch.nn.functional.cross_entropy(net(X[rows]), y[rows])
            take(order, factor * loss)
        take(last)

    return train


def a_study(n=12, *, direction="minimize", names=("lr",), log=True, best=0.3):
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    made = optuna.create_study(direction=direction)
    low = optuna.distributions.FloatDistribution(1e-4, 10, log=log)
    sign = 1 if direction == "minimize" else -1
    for k in range(n):
        trial = optuna.trial.create_trial(
            params=dict.fromkeys(names, best),
            value=sign * (1.0 + k),
            distributions=dict.fromkeys(names, low),
        )
        made.add_trial(trial)
    return made


def a_task(**changes):
    """Return what the check looks at in a capstone."""
    facts = {
        "dataset": SimpleNamespace(name="digits"),
        "budget": 60,
        "spent": 60,
        "entries": [{}],
        "bar": 0.93,
        "bars": (0.85, 0.93),
        "why": "the lowest validation loss of all",
        "test": {"accuracy": 0.95},
    }
    return SimpleNamespace(**facts | changes)


def searched(dataset, n=5, seeds=3, looks=0):
    """Return a search that may break one condition."""
    lrs, quick = [0.01 * (k + 1) for k in range(n)], hk.Hyperparameters(epochs=1)
    found = hk.grid_search(dataset, quick, lr=lrs, seeds=range(seeds))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for k in range(looks):
            found.runs[k, 0].test_loss()
    return found


def searches():
    own = EX["11_your_own"].own_data.answer
    return by(
        course=[searched(hk.load_dataset("moons"))],
        settings=[searched(own(), n=4)],
        seeds=[searched(own(), seeds=2)],
        looked=[searched(own(), looks=2)],
    )


def report_with(**parts):
    """Return the model answer with other lines."""
    got = parts_of(EX["11_your_own"].report.answer()) | parts
    return "\n".join(f"{part}: {text}" for part, text in got.items())


def told_apart(factor=2.0, fewer=0):
    """Return the rule of lesson 06 with another factor, or of fewer seeds."""

    def can_tell(a, b):
        d = [*map(sub, a, b)]
        return abs(mean(d)) > factor * stdev(d) / (len(d) - fewer) ** 0.5

    return can_tell


GOOD = hk.Hyperparameters(lr=0.5, epochs=30)
CATS = "I have three cats, the sea is blue, and there is soup on the table. "


def wrong_answers(one):
    found = WRONG[f"{one.lesson[:2]}/{one.name}"]
    answers = dict(found() if callable(found) else found)
    changed = answers.pop("changed", "")
    made = [(wrong, reason) for reason, some in answers.items() for wrong in some]
    for key, value, *reason in (p.split("/") for p in changed.split(", ") if p):
        made.append((one.answer() | {key: value}, *(reason or [key])))
    if one.name in texts_of(CASES).get(one.lesson, {}):
        made += [(slip, reason) for reason, slip in one.cases()[2].items()]
    return made


by = dict  # of the reasons
# They break one condition at a time. `changed` has parts key/value/reason: the right
# answer with one member changed; the reason is the key unless another one is named.
WRONG = {
    "00/stop": by(
        not_begun=[a_panel(run=a_run(done=0, epochs=30)), a_list()],
        to_the_end=[a_panel(run=a_run(done=30, epochs=30))],
    ),
    "00/name_it": by(
        neither=[a_panel()],
        not_named=[a_panel(color="red")],
        not_pinned=[a_panel(name="slow")],
    ),
    "00/seeds": by(
        not_two=[[a_run()]],
        same_seed=[[a_run(), a_run()]],
        other_setting=[[a_run(), a_run(epochs=6, seed=1)]],
        other_data=[[a_run(), a_run(seed=1, rows=1)]],
    ),
    "01/hyperparameters": by(
        **{word: [[*SET_BEFORE, word]] for word in SET_BY_NOBODY},
        more=[["learning rate", "epochs"]],
        none=[[]],
        unknown=["momentum"],
    ),
    "01/loop": by(
        early=[loop_with(order) for order in ("zsb", "snb", "sbz")],
        no_step=[loop_with("zb")],
        no_backward=[loop_with("zs")],
        no_zero_grad=[loop_with("bs")],
        zeroed=[loop_with("bzs")],
        updates=[
            loop_with("b", first="z", last="s"),
            loop_with("zbs", end=6),
            lambda net, optimizer, X, y, batch_size: loop_with("zbs")(
                net, optimizer, X, y, 4
            ),
        ],
        once=[loop_with("bs", first="z")],
        weights=[loop_with("zbs", factor=2)],
        raised=[lambda net, optimizer, X, y, batch_size: net(X).no_such_thing],
        called=[lambda net: None],
    ),
    "01/six_curves": by(
        changed="A/good, B/good, C/good, E/good, F/good, D/noisy, D/slow/unknown",
    ),
    "02/good_rate": by(too_small=[0.002, 0.05, 0.2], too_large=[8], listed=[1, 0.3001]),
    "02/diverging_rate": by(learns=[0.1, 1], smaller_too=[10], unknown=[5]),
    "02/worst_to_best": by(
        reversed=[[0.3, 0.01, 0.001, 10]],
        larger_is_better=[[0.001, 0.01, 0.3, 10]],
        smaller_is_better=[[10, 0.3, 0.01, 0.001]],
        order=[[0.001, 10, 0.3, 0.01]],
        missing=[[10, 0.001, 0.3]],
        kind=[[10, 0.001, 0.3, 0.01, 0.01]],
        empty=[[..., ...]],
    ),
    "02/log_list": by(
        high_end=[[0.01, 0.02, 0.04, 0.08, 0.16]],
        close=[[0.01, 0.02, 0.03, 0.04, 0.05], [0.5, 0.6, 0.7, 0.8, 0.9, 1.0]],
        low_end=[[3, 6, 12, 24, 48]],
        uneven=[[0.01, 0.4, 0.8, 1.2, 1.6, 5]],
        few=[[0.1, 0.3, 1]],
        many=[[0.01, 0.03, 0.1, 0.3, 1, 3, 10]],
        twice=[[0.03, 0.1, 0.1, 0.3, 1, 3]],
    ),
    "03/updates": by(
        case=[
            lambda n_points, batch_size: int(n_points / batch_size + 0.5),
        ],
        raised=[lambda n_points, batch_size: n_points / (batch_size - 600)],
        returned_none=[lambda n_points, batch_size: print(end="")],
        called=[lambda n_points: 7],
        empty=[lambda n_points, batch_size: ...],
    ),
    "03/equal_epochs": by(
        near=[[16, 32]],
        order=[[256, 16]],
        diverged=[[1, 256]],
        not_two=[[16]],
        kind=[[16, 601]],
    ),
    "03/scaled_rate": by(
        unchanged=[0.04], smaller=[0.005], too_small=[0.1], too_large=[10]
    ),
    "03/scaling_breaks": by(holds=[64], unknown=[4]),
    "04/best": by(
        case=[lambda val_loss: 2, lambda v: v.index(min(v)) if min(v) < 1 else 0]
    ),
    "04/choose_patience": by(too_eager=[1], too_patient=[150], kind=[0, 2.5]),
    "04/how_long": by(changed="A/enough, B/enough, C/longer, C/stop/unknown"),
    "05/which_split": by(
        changed="update/valid, lr/test, stop/train, "
        "report/valid, report/all/unknown, report/exam/unknown",
        missing=[{"lr": "valid"}],
    ),
    "05/find_leaks": by(
        more=["C", "A"], none=[[]], B=[["A", "C", "B"]], D=[["A", "C", "D"]]
    ),
    "05/best_of_50": by(too_high=[0.65, 80], too_low=[0.45], kind=[500]),
    "05/honest_number": by(
        poor=[(GOOD.but(lr=0.001), 0.67)],
        too_low=[(GOOD, 0.001)],
        too_high=[(GOOD, 3)],
        epochs=[(GOOD.but(epochs=500), 0.1)],
        refused=[(GOOD.but(batch_size=5000), 0.1)],
        kind=[(GOOD,)],
    ),
    "06/differ": by(
        case=[
            lambda a, b: "yes",
            lambda a, b: abs(mean(a) - mean(b)) > stdev(map(sub, a, b)),
            *(told_apart(factor=factor) for factor in (1.5, 1.85, 2.1, 2.5)),
            told_apart(fewer=1),
        ],
        of_losses=[lambda a, b: bool(abs(mean(a) - mean(b)) > 2 * stdev(b))],
    ),
    "06/four_pairs": by(
        changed="A/cannot tell, B/cannot tell, C/second, D/first, D/both/unknown"
    ),
    "06/enough_seeds": by(linear=[3], count=[8, 100], kind=[2.5]),
    "07/recipe": by(
        case=[lambda loss, base, lists: dict(base)],
        raised=[
            lambda loss, base, lists: loss(None),
            lambda loss, base, lists: loss({"lr": 0.1}),
        ],
    ),
    "07/cost": by(case=[lambda sizes: 8]),
    "07/order": by(
        jun=[["batch_size", "lr", "dropout"]],
        far=[["lr", "batch_size", "dropout"], ["dropout", "lr", "batch_size"]],
        missing=[["lr", "dropout"]],
        unknown=[["lr", "momentum", "dropout"]],
    ),
    "08/double_loop": by(
        case=[
            lambda lrs, batch_sizes: [(1, 2)] * 6,
            lambda lrs, batch_sizes: lrs,
            lambda lrs, batch_sizes: [*zip(lrs, batch_sizes, strict=False)] * 2,
            lambda lrs, batch_sizes: [*product(lrs, batch_sizes)] * 2,
            lambda lrs, batch_sizes: "pairs",
        ],
    ),
    "08/wide_enough": by(
        high_edge=[{"lr": [0.003, 0.01, 0.03], "batch_size": [32, 64]}],
        low_edge=[{"lr": [3, 10, 30], "batch_size": [16, 32]}],
        gap=[{"lr": [0.001, 0.01, 100], "batch_size": [16, 32]}],
        one_size=[{"lr": [0.1, 1, 10], "batch_size": [32]}],
        few=[{"lr": [0.1, 1], "batch_size": [32, 64]}],
        many=[{"lr": [0.01, 0.03, 0.1, 0.3, 1, 3, 10], "batch_size": [16, 32, 64]}],
        kind=[
            {"lr": 0.1, "batch_size": [32, 64]},
            {"lr": [0.1, 1, 10]},
            {"lr": [0.1, 1, 10], "batch_size": [4, 32]},
            {"lr": [0.1, 1, 10], "batch_size": [32, 4000]},
        ],
    ),
    "08/affordable": by(no_seeds=[20], no_rates=[33], over=[7], count=[4], kind=[2.5]),
    "09/how_many": by(
        grid=[[64, 64]], random=[[4, 4]], turned=[[64, 4]], count=[[3, 9]]
    ),
    "09/first_cut": by(lost=[3, 5], late=[70], kind=[0, 90]),
    "09/with_momentum": by(same_lr=[0.1], larger=[0.0241], smaller=[0.0179], kind=[-1]),
    "09/optuna_study": lambda: by(
        few=[a_study(n=3), a_study(n=0)],
        direction=[a_study(direction="maximize")],
        names=[a_study(names=names) for names in ((), ("x",), ("lr", "batch_size"))],
        linear=[a_study(log=False)],
        poor=[a_study(best=0.001)],
        value=[a_study()],
    ),
    "10/budget": by(all=[162], again=[54], first=[18], count=[60]),
    "10/my_plan": by(
        short=["random search, 6 settings, 60 epochs"],
        no_numbers=[
            "I will do a search and see what comes out of it.",
            "I will do a search for 60 epochs and see what comes.",
        ],
    ),
    "10/finish": by(
        other_task=[a_task(dataset=SimpleNamespace(name="wine")), a_task(budget=100)],
        nothing=[a_task(entries=[], spent=0)],
        overdrawn=[a_task(spent=72)],
        not_chosen=[a_task(why="")],
        not_opened=[a_task(test=None)],
        looked=[a_task(test={"accuracy": 0.95, "looks": 2})],
        below=[a_task(test={"accuracy": 0.64}, bar=None)],
    ),
    "10/may_say": by(
        B=[["A", "B", "C", "E"]], D=[["A", "D"]], more=[["A", "C"]], none=[[]]
    ),
    "11/own_data": lambda: by(
        course=[hk.load_dataset("moons")],
        few=[hk.Dataset.from_arrays([[n] for n in range(30)], [0, 1] * 15)],
    ),
    "11/search": searches,
    "11/report": by(
        line=[CATS * 2],
        rows=[report_with(data="my table, with many rows")],
        range=[report_with(tried="many learning rates with 3 seeds")],
        number=[report_with(test="all was well at the end")],
        open=[report_with(mistake="...")],
    ),
    "12/roles": by(
        changed="batch_size/fixed, lr/fixed, hidden/nuisance, "
        "activation/scientific, lr/tuned/unknown"
    ),
    "12/warm_cosine": by(case=[lambda t, n, warm, lr: lr / 2]),
    "12/after_the_test": by(too_large=[0.03, 1], too_small=[0.003], kind=[0]),
}
