"""Maps of losses: a grid and its profile; the path of one-at-a-time and its steps."""

from itertools import groupby
from operator import itemgetter

import numpy as np

from hpkit.charts import spec
from hpkit.charts.loss import nice_top
from hpkit.charts.spec import Axis, Chart
from hpkit.charts.validation import value_axis
from hpkit.hyperparameters import TABLE, in_order
from hpkit.locale import Texts
from hpkit.text import short, shown

WORDS = Texts("charts")
DASH = "\N{EN DASH}"
LIFT = 0.16  # of a cell: its number stands above the middle
STOP = np.array([[-0.34], [-0.24]])  # and the path passes at the left and below
GAP, NARROW = 1, 3  # places between two steps, and those of a short list
_FRAMES = {  # of cells: color, width, dash, how far one lies inwards
    "ties": ("orange", 2.5, "dashed", 0.0),
    "best": ("orange", 4.0, None, 0.0),
    "chosen": ("ink", 2.5, "dotted", 0.07),
    "guess": ("purple", 4.0, "dotted", 0.0),  # a right one and the best are both seen
}


def heatmap_chart(
    space, loss, *, framed=None, legends=None, tips=None, marks=(), lift=0.0, **chart
) -> Chart:
    """Return the losses (rows, columns) of all pairs of values as a map.

    The first hyperparameter of `space` is across, the second upwards; a loss of nan is
    not known, inf diverged. `framed` are cells (column, row) by kind: "best", "ties",
    "chosen", "guess"; `legends` their names where they are others than usual; `tips`
    what hovering says, row by row from below. `marks` are drawn last, `lift` raises the
    numbers by a share of a cell. A click tells row * columns + column as "cell".
    """
    made, legends = [], WORDS["frames"] | dict(legends or {})
    framed = {kind: list((framed or {}).get(kind, ())) for kind in _FRAMES}
    for kind, (color, width, dash, inset) in _FRAMES.items():
        at = np.reshape(framed[kind], (-1, 2))
        look = {"color": color, "width": width, "dash": dash, "inset": inset}
        look["halo"] = kind != "guess" or framed["guess"] != framed["best"]
        made.append(spec.frames(*at.T, legend=legends[kind], **look))
    axes = [
        Axis(TABLE[name].label, kind="band", texts=list(map(shown, values)))
        for name, values in list(space.items())[:2]
    ]
    losses = spec.cells(loss, name=WORDS["loss"], click="cell", lift=lift, tip=tips)
    look = {"grid": False, "choose": WORDS["choose_cell"]} | chart
    return Chart(*axes, [losses, *made, *marks], **look)


def grid_losses(found) -> np.ndarray:
    """Return the loss of each cell of a grid (rows, columns); inf diverged."""
    across, up = map(len, found.space.values())
    out, loss = found.runs.diverged.any(1), found.runs.mean_val_loss
    return np.where(out, np.inf, loss).reshape(across, up).T


def profile_chart(found, side: int, **chart) -> Chart:
    """Return the lowest loss over one hyperparameter of a grid against the other."""
    # `side` says which one is on the axis: 0 the first, 1 the second.
    (name, values), (other, others) = list(found.space.items())[:: 1 - 2 * side]
    loss = grid_losses(found)
    known = np.where(np.isnan(loss), np.inf, loss)
    winner, lowest = known.argmin(side), known.min(side)
    axis, at = value_axis(name, values)
    beats = [f"{TABLE[other].short} {shown(others[k])}" for k in winner]
    named = [f"{TABLE[name].short} {shown(value)}" for value in values]
    fine = [k for k in np.argsort(at, kind="stable") if np.isfinite(lowest[k])]
    gone = np.flatnonzero(np.isinf(lowest) & found.finished)
    tips = [WORDS["tip_profile"].format(named[k], beats[k], lowest[k]) for k in fine]
    dots = {"size": 5, "tip": tips, "label": [beats[k] for k in fine]}
    lost = {"color": "ink", "tip": [WORDS["tip_out"].format(named[k]) for k in gone]}
    marks = [
        spec.line(at[fine], lowest[fine], width=2.6, hover=False),
        spec.points(at[fine], lowest[fine], **dots),
        spec.cross(at[gone], label=WORDS["diverged"], **lost),
    ]
    top = nice_top(1.1 * max(lowest[fine], default=0))
    return Chart(axis, Axis(WORDS["lowest_loss"], (0, top)), marks, **chart)


def cell_of(setting, space) -> tuple[int, int]:
    """Return column and row of a setting on the map of the first two names."""
    first, second = list(space)[:2]
    return tuple(list(space[n]).index(getattr(setting, n)) for n in (first, second))


def best_in_cells(search, space) -> dict[tuple, int]:
    """Return {(column, row): number of its best setting} of what was trained."""
    if search is None:
        return {}
    begun = np.isfinite(search.runs.mean_val_loss)
    order = search.runs.order[::-1]  # the best comes last
    return {cell_of(search.settings[i], space): int(i) for i in order if begun[i]}


def loss_in(search, number):
    """Return the loss of a setting on the map, inf where it diverged."""
    runs = search.runs
    return np.inf if runs.diverged[number].any() else runs.mean_val_loss[number]


def path_chart(
    space, searches, path, *, best=None, best_label=None, ties=(), chosen=None, title=""
) -> Chart:
    """Return the lowest loss of each pair of values, and a path over them.

    Where several searches know a cell, the last one counts. `path` is the start, then
    the winner of each step; cells of `best`, `ties` and `chosen` are framed.
    """
    across, up = map(len, list(space.values())[:2])
    loss, tips = np.full((up, across), np.nan), {}
    for search in searches:
        for cell, i in best_in_cells(search, space).items():
            loss[cell[::-1]] = value = loss_in(search, i)
            said = short(search.settings[i], space), value
            tips[cell] = WORDS["tip" if value < np.inf else "tip_out"].format(*said)
    unknown = WORDS["script"]["unknown"]
    every = [tips.get((c, r), unknown) for r, c in np.ndindex(loss.shape)]
    stops = {}  # of each cell on the map: "S", "1" or a span of them
    placed = [(number, _cell_on(setting, space)) for number, setting in enumerate(path)]
    for cell, group in groupby([at for at in placed if at[1]], itemgetter(1)):
        names = [str(number or WORDS["start"]) for number, _ in group]
        stops[cell, names[0]] = DASH.join(dict.fromkeys((names[0], names[-1])))
    at = np.reshape([cell for cell, _ in stops], (-1, 2)).T + STOP
    badges = list(stops.values())
    dots = {"color": "ground", "size": [5.5 + 2 * len(said) for said in badges]}
    marks = [
        spec.line(*at, color="ink", width=2.5, halo=True, hover=False),
        spec.points(*at, hover=False, **dots),
        spec.text(*at, badges, strong=True, size=0.9),
    ]
    framed = {"best": [] if best is None else [cell_of(best, space)], "ties": ties}
    framed["chosen"] = [] if chosen is None else [chosen]
    legends = {"best": best_label or WORDS["best"], "chosen": None}
    told = (f"{name}: {tips.get(cell, unknown)}" for (cell, _), name in stops.items())
    alt = WORDS["path_alt"].format("; ".join(told).replace("\n", ", "))
    look = {"framed": framed, "legends": legends, "tips": every, "marks": marks}
    return heatmap_chart(space, loss, lift=LIFT, title=title, alt=alt, **look)


def _cell_on(setting, space):
    """Return the cell of a setting, None where the map has no such cell."""
    there = all(getattr(setting, name) in space[name] for name in list(space)[:2])
    return cell_of(setting, space) if there else None


def _step_losses(runs, step, values):
    """Return the loss of each value of a step: nan not begun, inf diverged."""
    number = {s: i for i, s in enumerate(runs.settings)}
    tried = [number.get(step.base.but(**{step.name: v})) for v in values]
    loss = [np.nan if i is None else runs.mean_val_loss[i] for i in tried]
    gone = [i is not None and runs.diverged[i].any() for i in tried]
    return np.where(gone, np.inf, loss)


def steps_chart(search, space, *, title=None, click=None) -> tuple[Chart, list]:
    """Return the validation curves of the steps, and the settings of their points.

    Steps that the search, or None, has not begun are named only.
    """
    steps = search.steps if search else ()
    ordered = [in_order(values) for values in space.values()]
    losses = [
        _step_losses(search.runs, step, values)
        for step, values in zip(steps, ordered, strict=False)
    ]
    known = np.concatenate([[], *losses])
    known = known[np.isfinite(known)]
    top, begin = nice_top(1.1 * known.max()) if len(known) else 1.0, 0
    ticks, texts, heads, said, tips = [], [], [], [], []
    settings, won, gone = [], [], []
    curves = np.full((2, len(space), max(map(len, ordered))), np.nan)
    for number, (name, values) in enumerate(zip(space, ordered, strict=True)):
        at, winner = begin + np.arange(len(values), dtype=float), None
        at += max(0, NARROW - len(values)) / 2
        ticks += at.tolist()
        texts += map(shown, values)
        now = "next" if number == len(steps) else "later"
        if number < len(steps):
            step, loss, now = steps[number], losses[number], "now"
            winner = step.winner
            good = np.flatnonzero(np.isfinite(loss))
            curves[:, number, : len(good)] = at[good], loss[good]
            gone += at[np.isposinf(loss)].tolist()
            tried = [step.base.but(**{name: values[k]}) for k in good]
            won += [len(settings) + k for k, s in enumerate(tried) if s == winner]
            settings += tried
            told = zip(tried, loss[good], strict=True)
            tips += [WORDS["tip"].format(short(s, space), value) for s, value in told]
        now = WORDS["won" if winner else now]
        now = now.format(shown(getattr(winner, name)) if winner else "")
        head = WORDS["step"].format(number + 1, TABLE[name].short)
        heads.append((at.mean(), head, now))
        said.append(f"{TABLE[name].label}, {now}")
        begin += max(len(values), NARROW) + GAP
    (middle, names, states), level = zip(*heads, strict=True), np.full(len(heads), top)
    x, y = curves[:, np.isfinite(curves[0])]
    losses = {"kind": "linear" if len(known) else "none", "ticks": (0, top / 2, top)}
    room = {"room": NARROW + GAP}  # between middles
    marks = [
        spec.text(middle, 1.22 * level, names, strong=True, **room),
        spec.text(middle, 1.1 * level, states, color="soft", **room),
        spec.line(*curves, width=2.2, hover=False),
        spec.points(x, y, size=4.5, tip=tips, click=click),
        spec.ring(x[won], y[won], color="orange"),
        spec.cross(gone, color="orange", legend=WORDS["diverged"], hover=False),
    ]
    chart = Chart(
        Axis("", (-0.6, begin - GAP - 0.4), texts=texts, ticks=ticks),
        Axis(WORDS["loss"], (0, 1.3 * top), **losses),
        marks,
        title=WORDS["steps"] if title is None else title,
        alt=WORDS["steps_alt"].format("; ".join(said)),
        choose=WORDS["choose_setting"],
    )
    return chart, settings
