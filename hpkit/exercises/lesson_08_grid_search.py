"""Exercises of lesson 08: all combinations, a grid that is wide enough, its cost."""

from collections.abc import Mapping

from hpkit.exercises import _answers as read
from hpkit.exercises._answers import NotYet, wrong_if
from hpkit.exercises._core import Exercise, trained
from hpkit.exercises._quiz import lesson_of
from hpkit.hyperparameters import Hyperparameters

BASE = Hyperparameters(epochs=30)  # moons
LOW = 0.2  # loss: the bottom of the valley is at 0.12, its slopes begin above 0.2
SIZES = {20: "no_seeds", 33: "no_rates", 7: "over"}


@Exercise
def double_loop(answer):
    """All pairs, each once, in any order."""
    right, cases, slips = double_loop.cases()
    read.function(answer, ("lrs", "batch_sizes"))

    def pairs(function):
        return [_as_pairs(read.call(function, *case)) for case in cases]

    got, all_pairs = pairs(answer), pairs(right)
    if got == all_pairs:
        return
    for reason, slip in slips.items():
        wrong_if(**{reason: got == pairs(slip)})
    n, want = len(got[0]), len(all_pairs[0])
    wrong_if({"n": n, "want": want}, count=n != want, members=True)


def _as_pairs(value):
    """Return the members as sorted tuples of numbers."""
    try:
        pairs = [tuple(read.number_list(pair)) for pair in read.sequence(value)]
    except NotYet:
        pairs = [()]
    got = read.describe(value)
    wrong_if({"got": got}, no_pairs=any(len(pair) != 2 for pair in pairs))
    return sorted(pairs)


@Exercise
def wide_enough(answer):
    """At most 20 settings, the best lr not at the edge, and nothing good left out."""
    if not isinstance(answer, Mapping):
        raise read.kind(answer)
    names = ("lr", "batch_size")
    for name in (*answer, *names):
        odd = {"no_such_key": name not in names, "key_missing": name not in answer}
        wrong_if({"name": repr(name)}, **odd)
    lrs = sorted(set(read.number_list(answer["lr"], above=0)))
    sizes = sorted(set(read.number_list(answer["batch_size"], low=1, whole=True)))
    size, n = max(sizes, default=0), len(lrs) * len(sizes)
    small = min(sizes, default=16) < 16  # there a list of the lesson would do
    wrong_if({"size": size, "n": n}, large=size > 400, small=small, many=n > 20)
    wrong_if({"n": len(lrs)}, one_size=len(sizes) < 2, few=len(lrs) < 3)
    settings = [BASE.but(lr=lr, batch_size=b) for lr in lrs for b in sizes]
    runs = trained("moons", settings, seeds=range(3))
    best, loss = runs.best, runs.mean_val_loss[runs.order[0]]
    facts = {"lr": best.lr, "batch_size": best.batch_size, "loss": loss, "low": LOW}
    low, high = best.lr == lrs[0], best.lr == lrs[-1]
    return wrong_if(facts | {"n": n}, low_edge=low, high_edge=high, gap=loss > LOW)


@Exercise
def affordable(answer):
    """At 1 minute each, 5 learning rates and 3 seeds fit six times into 100 minutes."""
    n = read.number(answer, low=0, whole=True)
    wrong_if({"n": n, "minutes": 15 * n}, **{SIZES.get(n, "count"): n != 100 // 15})


EXERCISES, quiz = lesson_of(double_loop, wide_enough, affordable)
