"""Exercises of lesson 00: first steps in a panel; what makes a run the run it is."""

from hpkit.exercises._answers import kind, sequence, wrong_if
from hpkit.exercises._core import Exercise
from hpkit.exercises._quiz import lesson_of


def _kept_in(answer):  # a panel, known by its list: exercises do not need its class
    return getattr(getattr(answer, "list", None), "kept", None)


def _is_run(answer):
    return all(hasattr(answer, name) for name in ("setting", "seed", "epochs_done"))


def _runs_of(answer):
    """Return the runs of a panel, of a collection, or the run itself."""
    if (kept := _kept_in(answer)) is not None:
        return [one.run for one in kept]
    runs = [answer] if _is_run(answer) else sequence(answer)
    if not runs or not all(map(_is_run, runs)):
        raise kind(answer)
    return runs


@Exercise
def stop(answer):
    """Some run has begun and was stopped before its last epoch."""
    runs = _runs_of(answer)
    stopped = [r for r in runs if 0 < r.epochs_done < r.setting.epochs]
    if stopped:
        return {"done": stopped[-1].epochs_done, "epochs": stopped[-1].setting.epochs}
    begun = any(r.epochs_done for r in runs)
    wrong_if({"epochs": runs[-1].setting.epochs}, not_begun=not begun, to_the_end=True)


@Exercise
def name_it(answer):
    """Some run of the panel is pinned and has a name."""
    if (kept := _kept_in(answer)) is None:
        raise kind(answer)
    names = [one.name.strip() for one in kept]
    pinned = [one.color for one in kept]
    for name, color in zip(names, pinned, strict=True):
        if name and color:
            return {"name": name}
    wrong_if(not_pinned=any(names), not_named=any(pinned), neither=True)


@Exercise
def seeds(answer):
    """Two runs on the same data, alike in the setting, with different seeds."""
    runs = _runs_of(answer)
    wrong_if({"n": len(runs)}, not_two=len(runs) != 2)
    one, other = runs
    wrong_if(
        {"seed": one.seed},
        other_data=one.dataset.name != other.dataset.name,
        other_setting=one.setting != other.setting,
        same_seed=one.seed == other.seed,
    )


EXERCISES, quiz = lesson_of(stop, name_it, seeds)
