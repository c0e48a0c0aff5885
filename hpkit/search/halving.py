"""Successive halving: train many a little, the better ones longer.

Every setting is trained from where it stopped: no epoch is paid twice.
"""

from hpkit.hyperparameters import check_count, check_seed
from hpkit.search.records import Cost, Rung
from hpkit.search.shared import (
    LIVE_TICK,
    ending,
    lost_of,
    make_plan,
    searching,
    under_way,
)
from hpkit.search.space import all_settings, count_of, drawn_settings


@searching
def successive_halving(
    dataset, base=None, *, n_trials=None, eta=3, search_seed=0,
    seeds=(0,), model=None, executor=None, tick=LIVE_TICK, **values,
):  # fmt: skip
    """Return models of which fewer and fewer were trained on.

    All settings are trained for one epoch; then one in `eta` goes on to `eta` times as
    many epochs, and so on up to the epochs of `base`.

    Parameters
    ----------
    dataset, seeds, model, executor, progress
        As in `validation_curve`.
    base : Hyperparameters, default Hyperparameters()
        Its `epochs` are the most that a setting gets.
    n_trials : int, optional
        How many settings to draw as `random_search` does. Default: every combination,
        which needs lists.
    eta : int, >= 2, default 3
        One in `eta` goes on, rounded down, at least one.
    search_seed : int, default 0
        Of the drawing.
    **values : Range or iterable
        As in `random_search`; not epochs.

    Returns
    -------
    Search
        Its `rungs` are the cuts. `epochs_done` says how far each setting came.

    Raises
    ------
    ValueError, TypeError
        Before anything is trained.

    Notes
    -----
    At a cut settings are ranked by the lowest validation loss so far, the mean over
    seeds. Jamieson and Talwalkar, Non-stochastic best arm identification and
    hyperparameter optimization, AISTATS 2016. It goes wrong where the best in the end
    starts slowly.

    Examples
    --------
    >>> import hpkit as hk
    >>> halv = hk.successive_halving(
    ...     hk.load_dataset("digits"), hk.Hyperparameters(epochs=9),
    ...     lr=[0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10])
    >>> [(rung.epoch, len(rung.settings), len(rung.kept)) for rung in halv.rungs]
    [(1, 9, 3), (3, 3, 1)]
    >>> print(halv.cost)
    9 settings, 9 runs, 21 epochs
    """
    plan = make_plan(
        "successive_halving", dataset, base, values, ranges=True, seeds=seeds,
        model=model, executor=executor, tick=tick,
    )  # fmt: skip
    if "epochs" in plan.space:
        raise ValueError(
            "successive_halving decides itself how many epochs a setting gets, got "
            "values for epochs; set the most in base=hpkit.Hyperparameters(epochs=27)."
        )
    eta = check_count("eta", eta, low=2, hint="try 3")
    if plan.base.epochs < 2:
        raise ValueError(
            "the epochs of base must be at least 2 to halve, got 1; write for example "
            "base=hpkit.Hyperparameters(epochs=27)."
        )
    settings = settings_to_halve(plan, n_trials, search_seed)
    cuts = cuts_of(len(settings), eta, plan.base.epochs)
    return _halve(plan, plan.training(settings), cuts)


def settings_to_halve(plan, n_trials, search_seed):
    """Return the settings to begin with."""
    draws = check_seed("search_seed", search_seed)
    if n_trials is not None:
        count = check_count("n_trials", n_trials, most=10**5, hint="try 27")
        return drawn_settings(plan.base, plan.space, count, draws)
    if count_of(plan.space) == float("inf"):
        raise ValueError(
            "n_trials must be given to draw from a range, got none; write n_trials=27."
        )
    return all_settings(plan.base, plan.space)


def cuts_of(count, eta, last):
    """Return the cuts as (epoch, settings that go on)."""
    cuts, epoch = [], 1
    while epoch < last and count > 1:
        count = max(1, count // eta)
        cuts.append((epoch, count))
        epoch *= eta
    return cuts


def planned_halving(plan, count, cuts):
    """Return what a halving costs."""
    epochs, start, there = 0, 0, count
    for epoch, kept in (*cuts, (plan.base.epochs, 0)):
        epochs += there * (epoch - start)
        start, there = epoch, kept
    seeds = len(plan.seeds)
    return Cost(count, count * seeds, epochs * seeds)


def _halve(plan, training, cuts):
    runs, rungs = training.runs, ()
    there = tuple(range(len(runs.settings)))
    planned = planned_halving(plan, len(there), cuts)

    def found(finished=False):
        return plan.found(
            training.runs, planned, finished=finished, rungs=rungs,
            lost=lost_of(training),
        )  # fmt: skip

    with ending(training):
        for epoch, count in cuts:
            for _ in under_way(training, plan.tick, epoch):
                yield found()
            ranked = [int(i) for i in training.runs.order if i in there]
            kept = tuple(sorted(ranked[:count]))
            losers = set(there) - set(kept)
            training.drop({(i, k) for i in losers for k in range(len(plan.seeds))})
            rungs += (Rung(epoch, there, kept),)
            there = kept
        for _ in under_way(training, plan.tick):
            yield found()
        yield found(finished=True)
