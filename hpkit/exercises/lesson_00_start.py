"""Exercises of lesson 00: first steps in a panel; what makes a run the run it is.

A panel is known here by what its list holds (`kept`, each with run, name and color),
not by its class: exercises do not need the panels.
"""

from types import SimpleNamespace

from hpkit.exercises._answers import NotYet, kind, sequence
from hpkit.exercises._core import Exercise
from hpkit.exercises._quiz import Quiz

LESSON = "00_start"


def kept_in(answer):
    """Return the list of a panel, or None if it is no panel."""
    return getattr(getattr(answer, "list", None), "kept", None)


def is_run(answer):
    """Say whether an answer is one run."""
    return all(hasattr(answer, name) for name in ("setting", "seed", "epochs_done"))


def runs_of(answer):
    """Return the runs of a panel, of a collection, or the run itself."""
    if (kept := kept_in(answer)) is not None:
        return [one.run for one in kept]
    runs = [answer] if is_run(answer) else sequence(answer)
    if not runs or not all(map(is_run, runs)):
        raise kind(answer)
    return runs


# ---- stop a run --------------------------------------------------------------------


def check_stopped(answer):
    """Some run has begun and was stopped before its last epoch."""
    runs = runs_of(answer)
    stopped = [r for r in runs if 0 < r.epochs_done < r.setting.epochs]
    if stopped:
        return {"done": stopped[-1].epochs_done, "epochs": stopped[-1].setting.epochs}
    if all(r.epochs_done == 0 for r in runs):
        raise NotYet("not_begun")
    raise NotYet("to_the_end", epochs=runs[-1].setting.epochs)


def stopped():
    """With Slow on and 200 epochs: click Train, then Stop before the last epoch."""
    return panel


def a_run(*, done, epochs, seed=0, lr=0.1, dataset="moons"):
    """Return what the checks look at in a run, for the wrong answers."""
    return SimpleNamespace(
        setting=SimpleNamespace(epochs=epochs, lr=lr), seed=seed, epochs_done=done,
        dataset=SimpleNamespace(name=dataset),
    )  # fmt: skip


# Stands for the lesson's `panel`, so that the solution shows what is to be typed.
panel = SimpleNamespace(
    list=SimpleNamespace(kept=[SimpleNamespace(run=a_run(done=5, epochs=200))])
)


# ---- pin it and name it ------------------------------------------------------------


def check_named(answer):
    """Some run of the panel is pinned and has a name."""
    if (kept := kept_in(answer)) is None:
        raise kind(answer)
    for one in kept:
        if one.color and one.name.strip():
            return {"name": one.name.strip()}
    if any(one.name.strip() for one in kept):
        raise NotYet("not_pinned")
    raise NotYet("not_named" if any(one.color for one in kept) else "neither")


def named():
    """Give the chosen run a name, which pins it, too."""
    import hpkit as hk
    from hpkit.panels import TrainingPanel

    panel = TrainingPanel(hk.load_dataset("moons"))
    panel.list.name.value = "my first run"  # as if typed into the box
    return panel


def a_panel(*, color=None, name=""):
    """Return what the check looks at in a panel, for the wrong answers."""
    kept = [SimpleNamespace(run=None, color=color, name=name)]
    return SimpleNamespace(list=SimpleNamespace(kept=kept))


# ---- a run is its setting and its seed ---------------------------------------------


def check_two_seeds(answer):
    """Two runs on the same data, alike in the setting, with different seeds."""
    runs = runs_of(answer)
    if len(runs) != 2:
        raise NotYet("not_two", n=len(runs))
    one, other = runs
    if one.dataset.name != other.dataset.name:
        raise NotYet("other_data")
    if one.setting != other.setting:
        raise NotYet("other_setting")
    if one.seed == other.seed:
        raise NotYet("same_seed", seed=one.seed)


def two_seeds():
    """The same setting twice; only the seed differs."""
    import hpkit as hk

    moons, setting = hk.load_dataset("moons"), hk.Hyperparameters(lr=0.1, epochs=5)
    return [hk.fit(moons, setting, seed=0), hk.fit(moons, setting, seed=1)]


stop = Exercise(
    LESSON, "stop", check_stopped, solution=stopped,
    wrong=[
        (a_run(done=0, epochs=30), "not_begun"),
        ([a_run(done=30, epochs=30)], "to_the_end"),
    ],
)  # fmt: skip
name_it = Exercise(
    LESSON, "name_it", check_named, solution=named,
    wrong=[
        (a_panel(), "neither"),
        (a_panel(color="red"), "not_named"),
        (a_panel(name="slow"), "not_pinned"),
    ],
)  # fmt: skip
seeds = Exercise(
    LESSON, "seeds", check_two_seeds, solution=two_seeds,
    wrong=[
        ([a_run(done=5, epochs=5)], "not_two"),
        ([a_run(done=5, epochs=5), a_run(done=5, epochs=5)], "same_seed"),
        ([a_run(done=5, epochs=5), a_run(done=5, epochs=6, seed=1)], "other_setting"),
        (
            [a_run(done=5, epochs=5), a_run(done=5, epochs=5, seed=1, dataset="wine")],
            "other_data",
        ),
    ],
)  # fmt: skip
EXERCISES = (stop, name_it, seeds)
quiz = Quiz(LESSON)
