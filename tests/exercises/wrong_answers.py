"""Wrong answers to each exercise, with the reason of the message that each must get.

They break one condition at a time. What takes long to make is made when asked for.
"""

import warnings
from types import SimpleNamespace

import hpkit as hk
from hpkit import exercises

EX = {name: exercises.load_lesson(name) for name in exercises.LESSONS}
ALL = [one for lesson in EX.values() for one in lesson.EXERCISES]


def slips(table):
    """Return the slips that a check knows as wrong answers."""
    return [(slip, reason) for reason, slip in table.items()]


def changed(one, *changes):
    """Return the right answer, a dict, with one member changed, for each change."""
    return [(one.answer() | {key: value}, reason) for key, value, reason in changes]


# ---- lesson 00 ---------------------------------------------------------------------


def a_run(*, done=5, epochs=5, seed=0, lr=0.1, dataset="moons"):
    """Return what the checks look at in a run."""
    return SimpleNamespace(
        setting=SimpleNamespace(epochs=epochs, lr=lr),
        seed=seed,
        epochs_done=done,
        dataset=SimpleNamespace(name=dataset),
    )


def a_panel(*, run=None, color=None, name=""):
    """Return what the checks look at in a panel."""
    kept = [SimpleNamespace(run=run, color=color, name=name)]
    return SimpleNamespace(list=SimpleNamespace(kept=kept))


PANEL = a_panel(run=a_run(done=5, epochs=200))  # what a hand does in the lesson


def right(one):
    """Return the right answer of an exercise."""
    return one.answer(panel=PANEL)


# ---- lesson 01 ---------------------------------------------------------------------

SET_BEFORE = EX["01_parameters_and_hyperparameters"].hyperparameters.answer()


def loop_with(order, *, whole=False, drop_last=False):
    """Return a loop with the given steps, to make each mistake alone."""

    def train(net, optimizer, X, y, batch_size):
        import torch

        size = len(X) if whole else batch_size
        end = len(X) - len(X) % size if drop_last else len(X)
        for start in range(0, end, size):
            rows = slice(start, start + size)
            loss = torch.nn.functional.cross_entropy(net(X[rows]), y[rows])
            steps = {"z": optimizer.zero_grad, "b": loss.backward, "s": optimizer.step}
            for name in order:
                steps[name]()

    return train


def step_once(net, optimizer, X, y, batch_size):
    """One update for all batches together."""
    import torch

    optimizer.zero_grad()
    for start in range(0, len(X), batch_size):
        rows = slice(start, start + batch_size)
        torch.nn.functional.cross_entropy(net(X[rows]), y[rows]).backward()
    optimizer.step()


def other_loss(net, optimizer, X, y, batch_size):
    """All steps are there, but it is another loss."""
    import torch

    for start in range(0, len(X), batch_size):
        rows = slice(start, start + batch_size)
        optimizer.zero_grad()
        (2 * torch.nn.functional.cross_entropy(net(X[rows]), y[rows])).backward()
        optimizer.step()


# ---- lessons 09 to 11 --------------------------------------------------------------


def a_study(n=12, *, direction="minimize", names=("lr",), log=True, best=0.3):
    """Return a study with made-up losses."""
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
        "overdrawn": False,
        "entries": [{}],
        "bar": 0.93,
        "bars": (0.85, 0.93),
        "why": "the lowest validation loss of all",
        "test": {"accuracy": 0.95},
    }
    return SimpleNamespace(**facts | changes)


def small_table():
    """Return a table that is too small."""
    rows = range(30)
    return hk.Dataset.from_arrays([[row] for row in rows], [row % 2 for row in rows])


def lesson_table():
    """Return the lesson's own table under another name."""
    import pandas as pd

    from hpkit.data.course_data import data_folder

    frame = pd.read_csv(data_folder() / "breast_cancer.csv")
    return hk.Dataset.from_frame(frame, target="diagnosis", name="mine")


def searched(dataset, n=5, seeds=3, looks=0):
    """Return runs that may break one condition."""
    settings = [hk.Hyperparameters(lr=0.01 * (k + 1), epochs=1) for k in range(n)]
    *_, runs = hk.train(dataset, settings, seeds=range(seeds))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for k in range(looks):
            runs[k, 0].test_loss()
    return runs


def searches():
    """Return searches that break one condition each."""
    own = EX["11_your_own"].own_data.answer
    return [
        (searched(hk.load_dataset("moons")), "course"),
        (searched(lesson_table()), "lesson"),
        (searched(own(), n=4), "settings"),
        (searched(own(), seeds=2), "seeds"),
        (searched(own(), looks=2), "looked"),
    ]


def report_with(**parts):
    """Return the model answer with other lines."""
    lesson = EX["11_your_own"]
    got = lesson.parts_of(lesson.report.answer()) | parts
    return "\n".join(f"{part}: {text}" for part, text in got.items())


GOOD = hk.Hyperparameters(lr=0.5, epochs=30)
CATS = "I have three cats, the sea is blue, and there is soup on the table. "


def wrong_answers(one):
    """Return (answer, reason) for each wrong answer of an exercise."""
    found = WRONG[f"{one.lesson[:2]}/{one.name}"]
    return found() if callable(found) else found


L03, L04, L06 = EX["03_batch_size"], EX["04_epochs"], EX["06_seeds"]
L07, L08 = EX["07_one_at_a_time"], EX["08_grid_search"]
WRONG = {
    "00/stop": [
        (a_run(done=0, epochs=30), "not_begun"),
        ([a_run(done=30, epochs=30)], "to_the_end"),
    ],
    "00/name_it": [
        (a_panel(), "neither"),
        (a_panel(color="red"), "not_named"),
        (a_panel(name="slow"), "not_pinned"),
    ],
    "00/seeds": [
        ([a_run()], "not_two"),
        ([a_run(), a_run()], "same_seed"),
        ([a_run(), a_run(epochs=6, seed=1)], "other_setting"),
        ([a_run(), a_run(seed=1, dataset="wine")], "other_data"),
    ],
    "01/hyperparameters": [
        ([*SET_BEFORE, "weights"], "learned"),
        ([*SET_BEFORE, "validation loss"], "measured"),
        (["learning rate", "epochs"], "more"),
        ("momentum", "unknown"),
    ],
    "01/loop": [
        (loop_with("zb"), "no_step"),
        (loop_with("zs"), "no_backward"),
        (loop_with("bs"), "no_zero_grad"),
        (loop_with("bzs"), "zeroed"),
        *((loop_with(order), "early") for order in ("zsb", "szb", "sbz")),
        (loop_with("zbs", whole=True), "too_large"),
        (loop_with("zbs", drop_last=True), "left_out"),
        (step_once, "updates"),
        (other_loss, "weights"),
        (lambda net, optimizer, X, y, batch_size: net(X).no_such_thing, "raised_at"),
        (lambda net: None, "called"),
    ],
    "01/six_curves": [
        *changed(
            EX["01_parameters_and_hyperparameters"].six_curves,
            *((letter, "good", letter) for letter in "ABCEF"),
            ("D", "noisy", "D"),
            ("D", "slow", "unknown"),
        ),
        ({"A": "good"}, "missing"),
    ],
    "02/prediction": [("falls", "short")],
    "02/good_rate": [
        (0.002, "too_small"),
        (0.05, "too_small"),
        (0.2, "too_small"),
        (8, "too_large"),
        (1, "listed"),
        (0.3001, "listed"),
    ],
    "02/diverging_rate": [
        (0.1, "learns"),
        (1, "learns"),
        (10, "smaller_too"),
        (5, "unknown"),
    ],
    "02/worst_to_best": [
        ([0.3, 0.01, 0.001, 10], "reversed"),
        ([0.001, 0.01, 0.3, 10], "larger_is_better"),
        ([10, 0.3, 0.01, 0.001], "smaller_is_better"),
        ([0.001, 10, 0.3, 0.01], "order"),
        ([10, 0.001, 0.3], "missing"),
    ],
    "02/log_list": [
        ([0.01, 0.02, 0.04, 0.08, 0.16], "high_end"),
        ([0.01, 0.02, 0.03, 0.04, 0.05], "close"),
        ([0.5, 0.6, 0.7, 0.8, 0.9, 1.0], "close"),
        ([3, 6, 12, 24, 48], "low_end"),
        ([0.01, 0.4, 0.8, 1.2, 1.6, 5], "uneven"),
        ([0.1, 0.3, 1], "few"),
        ([0.01, 0.03, 0.1, 0.3, 1, 3, 10], "many"),
        ([0.03, 0.1, 0.1, 0.3, 1, 3], "twice"),
    ],
    "03/updates": [
        *slips(L03.SLIPS),
        (lambda n_points, batch_size: 7, "case"),
        (lambda n_points, batch_size: n_points / (batch_size - 600), "raised_at"),
        (lambda n_points, batch_size: print(end=""), "returned_none"),
    ],
    "03/equal_epochs": [
        ([16, 32], "near"),
        ([256, 16], "order"),
        ([1, 256], "diverged"),
        ([16], "not_two"),
        ([16, 601], "kind"),
    ],
    "03/scaled_rate": [
        (0.04, "unchanged"),
        (0.005, "smaller"),
        (0.1, "too_small"),
        (10, "too_large"),
    ],
    "03/scaling_breaks": [(4, "holds"), (64, "holds"), (100, "unknown")],
    "04/best": [
        *slips(L04.SLIPS),
        (lambda val_loss: 2, "case"),
        (lambda val_loss: val_loss.best, "raised_at"),
    ],
    "04/choose_patience": [
        (1, "too_eager"),
        (150, "too_patient"),
        (0, "kind"),
        (2.5, "kind"),
    ],
    "04/how_long": [
        *changed(
            L04.how_long,
            ("A", "enough", "A"),
            ("B", "enough", "B"),
            ("C", "longer", "C"),
            ("C", "stop", "unknown"),
        ),
        ({"A": "longer", "B": "shorter"}, "missing"),
    ],
    "05/which_split": [
        *changed(
            EX["05_choosing_by_validation"].which_split,
            ("update", "valid", "update"),
            ("lr", "test", "lr"),
            ("stop", "train", "stop"),
            ("report", "valid", "report"),
            ("report", "all", "unknown"),
        ),
        ({"lr": "valid"}, "missing"),
    ],
    "05/find_leaks": [
        ("C", "more"),
        ("A", "more"),
        ([], "none"),
        (["A", "C", "B"], "B"),
        (["A", "C", "D"], "D"),
    ],
    "05/best_of_50": [
        (0.65, "too_high"),
        (0.3, "too_low"),
        (80, "too_high"),
        (500, "kind"),
    ],
    "05/honest_number": [
        ((GOOD.but(lr=0.001), 0.67), "poor"),
        ((GOOD, 0.001), "too_low"),
        ((GOOD, 3), "too_high"),
        ((GOOD.but(epochs=500), 0.1), "epochs"),
        ((GOOD.but(batch_size=5000), 0.1), "kind"),
        ((GOOD,), "kind"),
    ],
    "06/differ": [
        *slips(L06.SLIPS),
        (lambda a, b: "yes", "case"),
        (lambda a, b: a / b, "raised_at"),
    ],
    "06/four_pairs": [
        *changed(
            L06.four_pairs,
            ("A", "cannot tell", "A"),
            ("B", "cannot tell", "B"),
            ("C", "second", "C"),
            ("D", "first", "D"),
            ("D", "both", "unknown"),
        ),
        ({"A": "second"}, "missing"),
    ],
    "06/enough_seeds": [
        (4, "linear"),
        (9, "too_few"),
        (100, "too_many"),
        (2.5, "kind"),
    ],
    "07/recipe": [
        *slips(L07.RECIPE_SLIPS),
        (lambda loss, base, lists: dict(base), "case"),
        (lambda loss, base, lists: loss(None), "raised_at"),
    ],
    "07/cost": [*slips(L07.COST_SLIPS), (lambda sizes: 8, "case")],
    "07/order": [
        (["batch_size", "lr", "dropout"], "jun"),
        (["lr", "batch_size", "dropout"], "far"),
        (["dropout", "lr", "batch_size"], "far"),
        (["lr", "dropout"], "missing"),
        (["lr", "momentum", "dropout"], "unknown"),
    ],
    "08/double_loop": [
        *slips(L08.SLIPS),
        (lambda lrs, batch_sizes: [(1, 2)] * 7, "count"),
        (lambda lrs, batch_sizes: [(1, 2)] * 6, "members"),
        (lambda lrs, batch_sizes: lrs, "no_pairs"),
        (lambda lrs, batch_sizes: (lrs, batch_sizes), "no_pairs"),
        (lambda lrs, batch_sizes: lrs.size, "raised_at"),
    ],
    "08/wide_enough": [
        ({"lr": [0.003, 0.01, 0.03], "batch_size": [32, 64]}, "high_edge"),
        ({"lr": [3, 10, 30], "batch_size": [8, 16]}, "low_edge"),
        ({"lr": [0.001, 0.01, 100], "batch_size": [8, 32]}, "gap"),
        ({"lr": [0.1, 1, 10], "batch_size": [32]}, "one_size"),
        ({"lr": [0.1, 1], "batch_size": [32, 64]}, "few"),
        ({"lr": [0.01, 0.03, 0.1, 0.3, 1, 3, 10], "batch_size": [16, 32, 64]}, "many"),
        ({"lr": [0.1, 1, 10]}, "key_missing"),
        ({"learning_rate": [0.1, 1, 10], "batch_size": [8, 32]}, "no_such_key"),
        ({"lr": [0.1, 1, 10], "batch_size": [32, 4000]}, "large"),
        ({"lr": 0.1, "batch_size": [32, 64]}, "kind"),
        ([0.1, 1, 10], "kind"),
    ],
    "08/third_one": [
        (64, "added"),
        (80, "no_seeds"),
        (60, "same"),
        (320, "seeds_twice"),
        (13, "summed"),
        (39, "summed"),
        (180, "new_only"),
        (12, "new_alone"),
        (100, "count"),
        (2.5, "kind"),
    ],
    "09/how_many": [
        ([9, 9], "grid"),
        ([3, 3], "random"),
        ([9, 3], "turned"),
        ([1, 2], "count"),
    ],
    "09/first_cut": [(3, "lost"), (5, "lost"), (70, "late"), (0, "kind"), (90, "kind")],
    "09/with_momentum": [
        (0.1, "same_lr"),
        (1, "larger"),
        (0.001, "smaller"),
        (-1, "kind"),
    ],
    "09/optuna_study": lambda: [
        (a_study(n=3), "few"),
        (a_study(direction="maximize"), "direction"),
        (a_study(names=()), "no_parameters"),
        (a_study(names=("x",)), "no_lr"),
        (a_study(names=("lr", "batch_size")), "others"),
        (a_study(log=False), "linear"),
        (a_study(best=0.001), "poor"),
    ],
    "10/budget": [(162, "all"), (54, "again"), (18, "first"), (60, "sum")],
    "10/my_plan": [
        ("random search, 6 settings, 60 epochs", "short"),
        ("I will do a search and see what comes out of it.", "no_numbers"),
        ("I will do a search for 60 epochs and see what comes.", "no_numbers"),
    ],
    "10/finish": [
        (a_task(dataset=SimpleNamespace(name="wine")), "other_task"),
        (a_task(budget=100), "other_task"),
        (a_task(entries=[], spent=0), "nothing"),
        (a_task(overdrawn=True, spent=72), "overdrawn"),
        (a_task(why=""), "not_chosen"),
        (a_task(why="it is best"), "no_reason"),
        (a_task(test=None), "not_opened"),
        (a_task(test={"accuracy": 0.64}, bar=None), "below"),
    ],
    "10/may_say": [
        (["A", "B", "C", "E"], "B"),
        (["A", "D"], "D"),
        (["A", "C"], "more"),
        (["Z"], "unknown"),
    ],
    "11/own_data": lambda: [
        (hk.load_dataset("moons"), "course"),
        (lesson_table(), "lesson"),
        (small_table(), "few"),
    ],
    "11/search": searches,
    "11/report": [
        (CATS * 2, "line"),
        (report_with(data="my table, with many rows"), "rows"),
        (report_with(tried="many learning rates with 3 seeds"), "range"),
        (report_with(test="all was well at the end"), "number"),
        (report_with(mistake="..."), "open"),
    ],
}
