"""Exercises of lesson 08: all combinations, a grid that is wide enough, its cost."""

from collections.abc import Mapping

from hpkit.exercises._answers import (
    NotYet,
    call,
    describe,
    function,
    kind,
    number,
    number_list,
    sequence,
)
from hpkit.exercises._core import Exercise
from hpkit.exercises._quiz import Quiz
from hpkit.exercises._trials import trained
from hpkit.hyperparameters import Hyperparameters

BASE = Hyperparameters(epochs=30)  # moons
LOW = 0.2  # loss: the bottom of the valley is at 0.12, its slopes begin above 0.2
PAIRS = [([0.1, 0.3], [8, 16, 32]), ([0.1], [4]), ([0.01, 0.1, 1], [16, 64])]
SLIPS = {
    "side_by_side": lambda lrs, sizes: list(zip(lrs, sizes, strict=False)),
    "turned": lambda lrs, sizes: [(b, lr) for lr in lrs for b in sizes],
    "first_only": lambda lrs, sizes: [(lr, b) for lr in lrs[:1] for b in sizes],
}
THIRD = {64: "added", 80: "no_seeds", 320: "seeds_twice", 60: "same", 13: "summed"}
THIRD |= {39: "summed", 180: "new_only", 12: "new_alone"}


@Exercise
def double_loop(answer):
    """All pairs, each once, in any order."""
    function(answer, ("lrs", "batch_sizes"))
    got = [as_pairs(call(answer, *case)) for case in PAIRS]
    for reason, other in {"": double_loop.answer(), **SLIPS}.items():
        if got == [as_pairs(other(*case)) for case in PAIRS]:
            if reason:
                raise NotYet(reason)
            return
    n, want = len(got[0]), len(PAIRS[0][0]) * len(PAIRS[0][1])
    raise NotYet("count" if n != want else "members", n=n, want=want)


def as_pairs(value):
    """Return the members as sorted tuples of numbers."""
    try:
        pairs = [tuple(map(number, sequence(pair))) for pair in sequence(value)]
    except NotYet:
        pairs = [()]
    if any(len(pair) != 2 for pair in pairs):
        raise NotYet("no_pairs", got=describe(value))
    return sorted(pairs)


@Exercise
def wide_enough(answer):
    """At most 20 settings, the best lr not at the edge, and nothing good left out."""
    if not isinstance(answer, Mapping):
        raise kind(answer)
    for name in answer:
        if name not in ("lr", "batch_size"):
            raise NotYet("no_such_key", name=repr(name))
    for name in ("lr", "batch_size"):
        if name not in answer:
            raise NotYet("key_missing", name=repr(name))
    lrs = sorted(set(number_list(answer["lr"], above=0)))
    sizes = sorted(set(number_list(answer["batch_size"], low=1, whole=True)))
    if sizes and sizes[-1] > 400:
        raise NotYet("large", size=sizes[-1])
    if len(lrs) * len(sizes) > 20:
        raise NotYet("many", n=len(lrs) * len(sizes))
    if len(sizes) < 2:
        raise NotYet("one_size")
    if len(lrs) < 3:
        raise NotYet("few", n=len(lrs))
    settings = [BASE.but(lr=lr, batch_size=b) for lr in lrs for b in sizes]
    runs = trained("moons", settings, seeds=range(3))
    best, loss = runs.best, runs.mean_val_loss[runs.order[0]]
    values = {"lr": best.lr, "batch_size": best.batch_size, "loss": loss}
    if best.lr == lrs[0]:
        raise NotYet("low_edge", **values)
    if best.lr == lrs[-1]:
        raise NotYet("high_edge", **values)
    if loss > LOW:
        raise NotYet("gap", low=LOW, **values)
    return values | {"n": len(settings)}


@Exercise
def third_one(answer):
    """5 x 4 x 4 settings, 3 seeds each."""
    n = number(answer, low=0, whole=True)
    if n != 5 * 4 * 4 * 3:
        raise NotYet(THIRD.get(n, "count"), n=n)


EXERCISES = (double_loop, wide_enough, third_one)
quiz = Quiz("08_grid_search")
