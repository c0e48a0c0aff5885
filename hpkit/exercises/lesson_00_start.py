"""Exercises of lesson 00: first steps in a panel; what makes a run the run it is.

A panel is known here by what its list holds (`kept`, each with run, name and color),
not by its class: exercises do not need the panels.
"""

from hpkit.exercises._answers import NotYet, kind, sequence
from hpkit.exercises._core import Exercise
from hpkit.exercises._quiz import Quiz


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


@Exercise
def stop(answer):
    """Some run has begun and was stopped before its last epoch."""
    runs = runs_of(answer)
    stopped = [r for r in runs if 0 < r.epochs_done < r.setting.epochs]
    if stopped:
        return {"done": stopped[-1].epochs_done, "epochs": stopped[-1].setting.epochs}
    if all(r.epochs_done == 0 for r in runs):
        raise NotYet("not_begun")
    raise NotYet("to_the_end", epochs=runs[-1].setting.epochs)


@Exercise
def name_it(answer):
    """Some run of the panel is pinned and has a name."""
    if (kept := kept_in(answer)) is None:
        raise kind(answer)
    for one in kept:
        if one.color and one.name.strip():
            return {"name": one.name.strip()}
    if any(one.name.strip() for one in kept):
        raise NotYet("not_pinned")
    raise NotYet("not_named" if any(one.color for one in kept) else "neither")


@Exercise
def seeds(answer):
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


EXERCISES = (stop, name_it, seeds)
quiz = Quiz("00_start")
