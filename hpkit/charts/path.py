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

WORDS = Texts("charts")
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
    space, searches, path, *, best=None, best_label=None, ties=(), chosen=None, title=""
) -> Chart:
    """Return the lowest loss of each pair of values, and a path over them.

    The first two names of `space` are across and upwards. Where several searches know a
    cell, the last one counts. `path` is the start, then the winner of each step; the
    cell of the setting `best`, those that are `ties` and the one `chosen` are framed.
    """
    across, up = list(space.values())[:2]
    loss, tips = np.full((len(up), len(across)), np.nan), {}
    for search in searches:
        for cell, i in best_in_cells(search, space).items():
            out = search.runs.diverged[i].any()
            loss[cell[::-1]] = value = np.inf if out else search.runs.mean_val_loss[i]
            said = short(search.settings[i], space)
            tips[cell] = WORDS["tip_out" if out else "tip"].format(said, value)
    unknown = WORDS["script"]["unknown"]
    every = [tips.get((c, r), unknown) for r, c in np.ndindex(loss.shape)]
    badges = _badges([_cell_on(setting, space) for setting in path])
    at = np.array([cell for cell, _ in badges], float).reshape(-1, 2).T + STOP
    words = [said for _, said in badges]
    dots = {"color": "ground", "size": [7.5 + 2 * (len(said) - 1) for said in words]}
    marks = [
        line(*at, color="ink", width=2.5, halo=True, hover=False),
        points(*at, hover=False, **dots),
        text(*at, words, strong=True, size=0.9),
    ]
    framed = {"best": [] if best is None else [cell_of(best, space)], "ties": ties}
    framed["chosen"] = [] if chosen is None else [chosen]
    legends = {"best": best_label or WORDS["best"], "chosen": None}
    stops = (f"{name}: {tips.get(cell, unknown)}" for cell, name in badges)
    alt = WORDS["path_alt"].format("; ".join(stops).replace("\n", ", "))
    look = {"framed": framed, "legends": legends, "tips": every, "marks": marks}
    return heatmap_chart(space, loss, lift=LIFT, title=title, alt=alt, **look)


def _badges(stops):
    """Return (cell, "S", "1" or a span of them) of each cell of a path."""
    named = [(cell, str(n or WORDS["start"])) for n, cell in enumerate(stops) if cell]
    groups = [(c, [name for _, name in g]) for c, g in groupby(named, lambda s: s[0])]
    return [(c, DASH.join(dict.fromkeys((g[0], g[-1])))) for c, g in groups]


# ---- the steps ---------------------------------------------------------------------


def step_losses(runs, step) -> np.ndarray:
    """Return the loss of each value of a step: nan not begun, inf diverged."""
    number = {s: i for i, s in enumerate(runs.settings)}
    tried = [number.get(step.base.but(**{step.name: v})) for v in step.values]
    loss = [np.nan if i is None else runs.mean_val_loss[i] for i in tried]
    gone = [i is not None and runs.diverged[i].any() for i in tried]
    return np.where(gone, np.inf, loss)


def steps_chart(search, space, *, title=None, click=None) -> tuple[Chart, list]:
    """Return the validation curves of the steps side by side, on one loss axis.

    Steps that the search of `one_at_a_time` (or None) has not begun are named only;
    `space` has the values in the order of the steps. The second value returned are the
    settings of the points.
    """
    steps = search.steps if search else ()
    losses = [step_losses(search.runs, step) for step in steps]
    known = np.concatenate([[], *(loss[np.isfinite(loss)] for loss in losses)])
    top = nice_top(1.1 * known.max()) if len(known) else 1.0
    ticks, texts, heads, said = [], [], [], []
    x, y, tips, settings, won, gone = [], [], [], [], [], []
    curves, begin = np.full((2, len(space), max(map(len, space.values()))), np.nan), 0
    for number, (name, values) in enumerate(space.items()):
        values, winner = _sorted(values), None
        wide = max(len(values), NARROW)
        at = begin + (wide - len(values)) / 2 + np.arange(len(values))
        ticks += at.tolist()
        texts += map(shown, values)
        if number < len(steps):
            step, winner = steps[number], steps[number].winner
            loss = losses[number][[step.values.index(v) for v in values]]
            good = np.flatnonzero(np.isfinite(loss))
            curves[:, number, : len(good)] = at[good], loss[good]
            gone += at[np.isposinf(loss)].tolist()
            x += at[good].tolist()
            y += loss[good].tolist()
            tried = [step.base.but(**{name: values[k]}) for k in good]
            won += [len(settings) + k for k, s in enumerate(tried) if s == winner]
            settings += tried
        now = "next" if number == len(steps) else "later"
        now = "won" if winner else "now" if number < len(steps) else now
        now = WORDS[now].format(shown(getattr(winner, name)) if winner else "")
        head = WORDS["step"].format(number + 1, TABLE[name].short)
        heads.append((at.mean(), head, now))
        said.append(f"{TABLE[name].label}, {now}")
        begin += wide + GAP
    tips = [
        WORDS["tip"].format(short(setting, space), loss)
        for setting, loss in zip(settings, y, strict=True)
    ]
    (middle, names, states), x, y = zip(*heads, strict=True), np.array(x), np.array(y)
    losses = {"kind": "linear" if len(known) else "none", "ticks": (0, top / 2, top)}
    room, level = {"room": NARROW + GAP}, np.full(len(heads), top)  # between middles
    lost = {"color": "orange", "label": WORDS["diverged"], "hover": False}
    chart = Chart(
        Axis("", (-0.6, begin - GAP - 0.4), texts=texts, ticks=ticks),
        Axis(WORDS["loss"], (0, 1.3 * top), **losses),
        [
            text(middle, 1.22 * level, names, strong=True, **room),
            text(middle, 1.1 * level, states, color="soft", **room),
            line(*curves, width=2.2, hover=False),
            points(x, y, size=4.5, tip=tips, click=click),
            ring(x[won], y[won], color="orange"),
            cross(gone, **lost),
        ],
        title=WORDS["steps"] if title is None else title,
        alt=WORDS["steps_alt"].format("; ".join(said)),
        choose=WORDS["choose_setting"],
    )
    return chart, settings


def _sorted(values):
    """Return numbers in their order, other values as they are."""
    numbers = all(isinstance(v, int | float) for v in values)
    return sorted(values) if numbers else list(values)
