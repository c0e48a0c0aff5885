"""One-at-a-time search: its path on the map of losses, and the curve of each step."""

from collections.abc import Mapping, Sequence
from itertools import groupby

import numpy as np

from hpkit.charts.heatmap import heatmap_chart
from hpkit.charts.loss import nice_top
from hpkit.charts.spec import (
    Axis,
    Chart,
    cross,
    line,
    points,
    ring,
    text,
)
from hpkit.hyperparameters import TABLE
from hpkit.locale import Texts
from hpkit.text import short, shown

WORDS = Texts("charts.path")
DASH = "\N{EN DASH}"
LIFT = 0.16  # of a cell: its number stands above the middle
STOP = np.array([[-0.38], [-0.24]])  # and the path passes at the left and below
GAP, NARROW = 1, 3  # places between two steps, and those of a short list


# ---- the map -----------------------------------------------------------------------


def cell_of(setting, space: Mapping[str, Sequence]) -> tuple[int, int]:
    """Return column and row of a setting on the map of the first two names."""
    first, second = list(space)[:2]
    return tuple(list(space[n]).index(getattr(setting, n)) for n in (first, second))


def _cell_on(setting, space):
    """Return the cell of a setting, None where the map has no such cell."""
    there = all(getattr(setting, name) in space[name] for name in list(space)[:2])
    return cell_of(setting, space) if there else None


def best_in_cells(search, space: Mapping[str, Sequence]) -> dict[tuple, int]:
    """Return {(column, row): number of its best setting} of what was trained."""
    if search is None:
        return {}
    begun = np.isfinite(search.runs.mean_val_loss)
    order = search.runs.order[::-1]  # the best comes last
    settings = search.settings
    return {cell_of(settings[i], space): int(i) for i in order if begun[i]}


def path_chart(
    space: Mapping[str, Sequence],
    searches: Sequence,
    path: Sequence,
    *,
    best=None,
    best_label: str | None = None,
    ties: Sequence[tuple[int, int]] = (),
    chosen: tuple[int, int] | None = None,
    title: str = "",
) -> Chart:
    """Return the lowest loss of each pair of values, and a path over them.

    Parameters
    ----------
    space : dict
        The values by name; the first two are across and upwards.
    searches : sequence of Search
        Where several know a cell, the last one counts.
    path : sequence of Hyperparameters
        The start, then the winner of each step.
    best : Hyperparameters, optional
        Framed.
    ties : sequence of (column, row)
        Cells that are as good.
    chosen : (column, row), optional
        A cell to frame, too.
    """
    names = list(space)[:2]
    across, up = (space[name] for name in names)
    loss = np.full((len(up), len(across)), np.nan)
    tips = {}
    for search in searches:
        for cell, i in best_in_cells(search, space).items():
            out = search.runs.diverged[i].any()
            value = np.inf if out else search.runs.mean_val_loss[i]
            loss[cell[::-1]] = value
            said = WORDS["diverged"] if out else WORDS["of"].format(value)
            tips[cell] = short(search.settings[i], space), said
    unknown = {(c, r): WORDS["unknown"] for r, c in np.ndindex(loss.shape)}
    tips = {cell: WORDS["tip"].format(*tips[cell]) for cell in tips}
    every = [(unknown | tips)[c, r] for r, c in np.ndindex(loss.shape)]
    badges = _badges([_cell_on(setting, space) for setting in path])
    at = _placed([cell for cell, _ in badges]) + STOP
    words = [said for _, said in badges]
    framed = {
        "best": [] if best is None else [cell_of(best, space)],
        "ties": ties,
        "chosen": [] if chosen is None else [chosen],
    }
    return heatmap_chart(
        dict(list(space.items())[:2]),
        loss,
        framed=framed,
        legends={"best": best_label or WORDS["best"], "chosen": None},
        tips=every,
        marks=[
            line(*at, color="ink", width=2.5, halo=True, hover=False),
            points(
                *at,
                color="ground",
                size=[7.5 + 2 * (len(said) - 1) for said in words],
                hover=False,
            ),
            text(*at, words, strong=True, size=0.9),
        ],
        lift=LIFT,
        title=title,
        alt=_path_alt(badges, unknown | tips),
    )


def _placed(some):
    return np.array(some, float).reshape(-1, 2).T


def _badges(stops):
    """Return (cell, "S", "1" or a span of them) of each cell of a path."""
    named = [(cell, str(n or WORDS["start"])) for n, cell in enumerate(stops) if cell]
    groups = [(c, [name for _, name in g]) for c, g in groupby(named, lambda s: s[0])]
    return [(c, DASH.join(dict.fromkeys((g[0], g[-1])))) for c, g in groups]


def _path_alt(badges, tips):
    said = (f"{name}: {tips[cell]}".replace("\n", ", ") for cell, name in badges)
    return WORDS["path_alt"].format("; ".join(said))


# ---- the steps ---------------------------------------------------------------------


def step_losses(runs, step) -> np.ndarray:
    """Return the loss of each value of a step: nan not begun, inf diverged."""
    number = {s: i for i, s in enumerate(runs.settings)}
    tried = [number.get(step.base.but(**{step.name: v})) for v in step.values]
    loss = [np.nan if i is None else runs.mean_val_loss[i] for i in tried]
    gone = [i is not None and runs.diverged[i].any() for i in tried]
    return np.where(gone, np.inf, loss)


def steps_chart(
    search,
    space: Mapping[str, Sequence],
    *,
    title: str | None = None,
    click: str | None = None,
) -> tuple[Chart, list]:
    """Return the validation curves of the steps side by side, on one loss axis.

    Parameters
    ----------
    search : Search or None
        Of `one_at_a_time`; steps that it has not begun are named only.
    space : dict
        The values by name, in the order of the steps.

    Returns
    -------
    chart : Chart
    settings : list of Hyperparameters
        Of its points, in their order.
    """
    steps = search.steps if search else ()
    losses = [step_losses(search.runs, step) for step in steps]
    fine = [loss[np.isfinite(loss)] for loss in losses]
    known = np.concatenate([[], *fine])
    top = nice_top(1.1 * known.max()) if len(known) else 1.0
    ticks, texts, heads, said = [], [], [], []
    x, y, tips, settings, won, gone = [], [], [], [], [], []
    curves, begin = np.full((2, len(space), max(map(len, space.values()))), np.nan), 0
    for number, (name, values) in enumerate(space.items()):
        values = _sorted(values)
        wide = max(len(values), NARROW)
        at = begin + (wide - len(values)) / 2 + np.arange(len(values))
        ticks += at.tolist()
        texts += map(shown, values)
        winner = None
        if number < len(steps):
            step, loss = steps[number], losses[number]
            order = [step.values.index(v) for v in values]
            loss, winner = loss[order], step.winner
            good = np.flatnonzero(np.isfinite(loss))
            curves[:, number, : len(good)] = at[good], loss[good]
            gone += at[np.isposinf(loss)].tolist()
            for k in good:
                x.append(at[k])
                y.append(loss[k])
                settings.append(step.base.but(**{name: values[k]}))
                tips.append(
                    WORDS["tip"].format(
                        short(settings[-1], space), WORDS["of"].format(loss[k])
                    )
                )
                if settings[-1] == winner:
                    won.append(len(x) - 1)
        value = shown(getattr(winner, name)) if winner else ""
        look = "won" if winner else "now" if number < len(steps) else "later"
        look = "next" if number == len(steps) else look
        words = WORDS[look].format(value)
        head = WORDS["step"].format(number + 1, TABLE[name].short)
        heads.append((at.mean(), head, words))
        said.append(f"{TABLE[name].label}, {words}")
        begin += wide + GAP
    room = NARROW + GAP  # between the middles of two
    middle, names, states = zip(*heads, strict=True)
    x, y = np.array(x), np.array(y)
    chart = Chart(
        Axis("", (-0.6, begin - GAP - 0.4), texts=texts, ticks=ticks),
        Axis(
            WORDS["loss"],
            (0, 1.3 * top),
            "linear" if len(known) else "none",
            ticks=(0, top / 2, top),
        ),
        [
            text(middle, [1.22 * top] * len(heads), names, strong=True, room=room),
            text(middle, [1.1 * top] * len(heads), states, color="soft", room=room),
            line(*curves, width=2.2, hover=False),
            points(x, y, size=4.5, tip=tips, click=click),
            ring(x[won], y[won], color="orange"),
            cross(gone, color="orange", label=WORDS["diverged"], hover=False),
        ],
        title=WORDS["steps"] if title is None else title,
        alt=WORDS["steps_alt"].format("; ".join(said)),
        choose=WORDS["choose_value"],
    )
    return chart, settings


def _sorted(values):
    """Return numbers in their order, other values as they are."""
    numbers = all(isinstance(v, int | float) for v in values)
    return sorted(values) if numbers else list(values)
