"""Searches: validation curve, map of a grid, path and steps, parallel coordinates."""

from collections.abc import Mapping, Sequence
from functools import cache
from itertools import groupby

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import to_hex

from hpkit.charts import spec as mark
from hpkit.charts.runs import axis_floor, clip_curve, pad_curves, round_up, usual_high
from hpkit.charts.spec import GUESS, Axis, Chart, style_of
from hpkit.hyperparameters import TABLE, are_numbers, sort_numbers, varied
from hpkit.locale import Texts, digits
from hpkit.search.space import Range
from hpkit.text import axis_texts, chart_text, curve_text, short_text

WORDS = Texts("charts")
_LOG = Texts("capstone.pictures")
_LOG_SPAN = 8  # times the lowest value: from there on the axis is logarithmic
_DOT = {"size": 3, "opacity": 0.45, "hover": False}
_ROOM = 0.05  # of an axis beside its outermost values
_STEP_GAP, _SHORT_LIST = 1, 3  # places between two steps, and those of a short list
_FRAMES = {  # of cells
    "ties": {"color": "orange", "width": 2.5, "dash": "dashed"},
    "best": {"color": "orange", "width": 4.0},
    "chosen": {"color": "ink", "width": 2.5, "dash": "dotted", "inset": 0.07},
    "guess": GUESS | {"width": 4.0},  # a right one and the best are both seen
}
_COLUMN = 0.07  # of the budget: from one column of ends to the next


def value_axis(name: str, values: Sequence) -> tuple[Axis, np.ndarray]:
    """Return the axis of a hyperparameter's values, and their places on it."""
    # Positive numbers over a wide span are on a logarithmic axis, other numbers on a
    # linear one; anything else, and 0 beside small numbers, is side by side.
    label, texts = TABLE[name].label, axis_texts(values)
    numbers = are_numbers(values)
    above = [v for v in values if numbers and v > 0]
    factors = len(above) > 1 and max(above) / min(above) >= _LOG_SPAN
    mixed = factors and len(above) < len(values)  # 0 among factors
    if not numbers or mixed:
        return Axis(label, kind="band", texts=texts), np.arange(float(len(values)))
    at, low, high = np.array(values, float), float(min(values)), float(max(values))
    order = np.argsort(at)
    ticks = {"ticks": at[order].tolist(), "texts": [texts[i] for i in order]}
    if not factors:
        room = _ROOM * (high - low) or 0.5 * abs(low) or 1.0
        return Axis(label, (low - room, high + room), **ticks), at
    if high / low >= 1000:
        ticks = {}  # powers of ten say it with less ink
    room = (high / low) ** _ROOM
    return Axis(label, (low / room, high * room), "log", **ticks), at


@cache
def _shades(name, values):
    """Return colors of values, the darker the further right they stand."""
    _, at = value_axis(name, values)
    colors = colormaps["viridis"](np.linspace(0.75, 0.22, len(at)))
    ranks = np.argsort(np.argsort(at, kind="stable"))
    return [to_hex(colors[r]) for r in ranks]


def value_curves_chart(found, chosen: int, alt: str) -> Chart:
    """Return the training curves of a search over one hyperparameter, by its value."""
    # The setting of number `chosen` is drawn strongly. A click on a curve tells the
    # number of its setting as "curve".
    runs, name = found.runs, found.param_name
    values, out = found.values(name), runs.unfit
    texts, colors = axis_texts(values), _shades(name, tuple(values))
    done = runs.epochs_done.min(1)
    means = [runs.val_loss[i, :, : max(n, 0) + 1].mean(0) for i, n in enumerate(done)]
    start = float(np.nanmean(runs.val_loss[:, :, 0]))
    highs = [usual_high(m) for m, gone in zip(means, out, strict=True) if not gone]
    top = round_up(max([1.1 * start, *(min(high, 2 * start) for high in highs)]))
    _, left = clip_curve(means[chosen], top)
    ends = [None if gone or i == chosen else texts[i] for i, gone in enumerate(out)]
    names = [f"{TABLE[name].short} {said}" for said in texts]
    each = {"color": colors, "label": ends, "name": names}  # dashes are of training
    strong = {"width": 3, "strong": True, "hover": False}
    strong["label"] = None if out[chosen] else texts[chosen]
    gone = {"label": WORDS["diverged" if out[chosen] else "above"]}
    marks = [
        mark.line(*pad_curves(means, top), width=1.5, click="curve", **each),
        mark.line(*pad_curves([means[chosen]], top), **strong),
        mark.cross([] if left is None else [left], name=names[chosen], **gone),
    ]
    across = Axis(WORDS["epoch"], (0, 1.02 * max(s.epochs for s in found.settings)))
    up = Axis(WORDS["val_loss"], (0, top))
    return Chart(across, up, marks, alt=alt, ends=TABLE[name].label)


def validation_chart(
    found, *, chosen=None, before=None, drawn=None, last=False, alt=""
) -> Chart:
    """Return the validation curve: the lowest loss, mean over seeds, by value."""
    # The setting of number `chosen` is marked; `before` is an earlier search; `drawn` a
    # guess (places, losses). With `last` come the loss after the last epoch and before
    # training, each seed, and on which side values may be missing. A click tells the
    # number of a setting as "point", or that of a cross as "cross".
    runs, name = found.runs, found.param_name
    values, out, several = found.values(name), runs.unfit, len(runs.seeds) > 1
    axis, at = value_axis(name, values)
    texts, colors = axis_texts(values), _shades(name, tuple(values))
    start = float(np.nanmean(runs.val_loss[:, :, 0]))
    mean, spread = np.where(out, np.nan, runs.mean_val_loss), runs.std_val_loss
    label, ends, each = "lowest_at", np.full(len(at), np.nan), np.zeros((0, 0))
    if last:
        ends = np.where(out, np.nan, found.scores("last"))
        each = np.where(out[:, None], np.nan, runs.best_val_loss)
        colors = ["blue"] * len(at)
        sides = {"lowest": "lowest_left", "highest": "lowest_right"}
        label = sides.get(found.edge.get(name), label)
    floor = axis_floor(np.concatenate([mean, ends, each.ravel()]))
    most, untrained = np.nanmax(ends, initial=start) - floor, start - floor
    reach = max(1.1 * untrained, *(drawn[1] if drawn else ()), 0)
    most = min(most, mark.HIGHEST * untrained)
    top = floor + (1.08 * most if last else round_up(reach))
    order = np.argsort(at, kind="stable")
    order = order[np.isfinite(mean[order])]
    x, y, s = at[order], mean[order], np.nan_to_num(spread[order])
    best = [i for i in order if i == runs.order[0]]
    gone = np.flatnonzero(runs.diverged.any(1))  # not what failed
    picked = [] if chosen is None else [chosen]
    # Of one that diverged, the sign is below its cross.
    height = np.where(out, floor + 0.92 * (top - floor), mean)[picked]
    dots = each.ravel() if several and len(runs.seeds) <= 12 else []  # else a smear
    level = (axis.domain, [start, start]) if last else ((), ())
    words = ("before_training", "last_epoch", "best_epoch")
    first, end, curve = (WORDS[word] if last else None for word in words)
    drawing = {"legend": WORDS["guess"] if drawn else None, "hover": False}
    moved = [n for n in varied([found.base, (before or found).base]) if n != name]
    old = short_text(before.base, moved) if len(moved) == 1 else WORDS["old"]
    earlier = {"color": "gray", "dash": "dashed", "legend": old}
    soft = {"color": "soft", "dash": "dotted", "hover": False}
    sign = {"color": "ink", "shape": "diamond", "legend": WORDS["chosen"]}
    lost = {"color": "ink" if last else [colors[i] for i in gone], "click": "cross"}
    lowest = [WORDS[label].format(mean[i], texts[i]) for i in best]
    marks = [
        mark.band(x, y - s, y + s, legend=WORDS["spread"] if several else None),
        mark.line(*(drawn or ((), ())), **drawing, **GUESS),
        mark.line(*_before(before, name, axis), width=1.8, hover=False, **earlier),
        mark.line(*level, width=1.2, color="gray", label=first, hover=False),
        mark.line(at[order], ends[order], width=2.2, label=end, **soft),
        mark.line(x, y, width=2.6, label=curve, strong=last, hover=False),
        mark.points(np.repeat(at, each.shape[-1])[: len(dots)], dots, **_DOT),
        mark.points(at, mean, color=colors, size=5, click="point"),
        mark.points(at[picked], height, size=5, hover=False, **sign),
        mark.cross(at[gone], label=WORDS["diverged"], **lost),
        mark.ring(at[best], mean[best], color="orange", label=lowest),
    ]
    up = Axis(WORDS["val_loss" if last else "lowest_loss"], (floor, top))
    choose = WORDS["choose_value"].format(TABLE[name].label)
    return Chart(axis, up, marks, alt=alt, choose=choose)


def _before(before, name, axis):
    """Return the curve of an earlier search, as far as it is on the axis."""
    if before is None or before.param_name != name:
        return [], []
    earlier, at = value_axis(name, before.values(name))
    if "band" in (axis.kind, earlier.kind) and earlier.texts != axis.texts:
        return [], []
    fine = ~before.runs.unfit & ((at > 0) | (axis.kind != "log"))
    order = [i for i in np.argsort(at, kind="stable") if fine[i]]
    return at[order], before.runs.mean_val_loss[order]


def heatmap_chart(
    space, loss, *, framed=None, legends=None, marks=(), cells=None, **chart
) -> Chart:
    """Return the losses (rows, columns) of all pairs of values as a map."""
    # The first hyperparameter of `space` is across, the second upwards; a loss of nan
    # is not known, inf diverged. `framed` are cells (column, row) by kind: "best",
    # "ties", "chosen", "guess"; `legends` their names where they are others than usual;
    # `cells` are looks of the cells. A click tells row * columns + column as "cell".
    made, legends = [], WORDS["frames"] | dict(legends or {})
    given = framed or {}  # of the others the legend holds no room
    framed = {kind: list(given.get(kind, ())) for kind in _FRAMES}
    for kind, look in _FRAMES.items():
        halo = kind != "guess" or framed["guess"] != framed["best"]
        look = look | {"halo": halo, "legend": legends[kind] if kind in given else None}
        made.append(mark.frames(*np.reshape(framed[kind], (-1, 2)).T, **look))
    pair = list(space.items())[:2]
    x, y = (Axis(TABLE[n].label, kind="band", texts=axis_texts(v)) for n, v in pair)
    at = [(c, r) for r, c in np.ndindex(np.shape(loss))]
    told = {kind: framed[kind] for kind in given}
    if "ties" in told:  # the frame around all of them has the best inside
        told["ties"] = [p for p in told["ties"] if p not in framed["best"]]
    said = ["".join(f"\n{legends[k]}" for k in told if p in told[k]) for p in at]
    look = {"name": WORDS["loss"], "click": "cell", "label": said} | (cells or {})
    if "tip" in look:
        look["tip"] = [tip + more for tip, more in zip(look["tip"], said, strict=True)]
    made.insert(0, mark.cells(loss, **look))
    chart = {"grid": False, "choose": WORDS["choose_cell"]} | chart
    return Chart(x, y, [*made, *marks], **chart)


def grid_losses(found) -> np.ndarray:
    """Return the loss of each cell of a grid (rows, columns); inf diverged."""
    loss = np.where(found.runs.unfit, np.inf, found.runs.mean_val_loss)
    return loss.reshape(*map(len, found.space.values())).T


def profile_chart(found, side: int, title: str = "") -> Chart:
    """Return the lowest loss over one hyperparameter of a grid against the other."""
    # `side` says which one is on the axis: 0 the first, 1 the second.
    pair = list(found.space.items())
    (name, values), (other, others) = pair[side], pair[1 - side]
    loss = grid_losses(found)
    known = np.where(np.isnan(loss), np.inf, loss)
    winner, lowest = known.argmin(side), known.min(side)
    axis, at = value_axis(name, values)
    beats = [f"{TABLE[other].short} {axis_texts(others)[k]}" for k in winner]
    fine = [k for k in np.argsort(at, kind="stable") if np.isfinite(lowest[k])]
    gone = np.flatnonzero(np.isinf(lowest) & found.finished)
    its = [beats[k] for k in fine]
    marks = [
        mark.line(at[fine], lowest[fine], width=2.6, hover=False),
        mark.points(at[fine], lowest[fine], size=5, name=its, label=its),
        mark.cross(at[gone], label=WORDS["diverged"], color="ink"),
    ]
    top = round_up(1.1 * max(lowest[fine], default=0))
    both = zip(axis_texts(values), beats, strict=True)
    places = [f"{TABLE[name].short} {value} ({beat})" for value, beat in both]
    alt = f"{title}: {curve_text(lowest[fine], [places[k] for k in fine])}."
    return Chart(axis, Axis(WORDS["lowest_loss"], (0, top)), marks, title, alt=alt)


def cell_at(setting, space) -> tuple[int, int] | None:
    """Return column and row on the map of the first two names, None where not on it."""
    lists = [(list(v), getattr(setting, n, None)) for n, v in [*space.items()][:2]]
    if all(value in values for values, value in lists):
        return tuple(values.index(value) for values, value in lists)


def best_in_cells(search, space) -> dict[tuple, int]:
    """Return {(column, row): number of its best setting} of what was trained."""
    begun = np.isfinite(search.runs.mean_val_loss)
    order = search.runs.order[::-1]  # the best comes last
    return {cell_at(search.settings[i], space): int(i) for i in order if begun[i]}


def path_chart(space, searches, path=(), beside=(), **chart) -> Chart:
    """Return the lowest loss of each pair of values, and perhaps a path over them."""
    # Where several searches know a cell, the last one counts. `path` is the start, then
    # the winner of each step; losses `beside` share the scale of colors.
    across, up = map(len, list(space.values())[:2])
    loss, tips = np.full((up, across), np.nan), {}
    for search in searches:
        runs = search.runs
        for cell, i in best_in_cells(search, space).items():
            value = np.inf if runs.diverged[i].any() else runs.mean_val_loss[i]
            loss[cell[::-1]] = value
            said = short_text(search.settings[i], space), value
            tips[cell] = WORDS["tip" if value < np.inf else "tip_out"].format(*said)
    every = [tips.get((c, r), "") for r, c in np.ndindex(loss.shape)]
    stops = []  # cells in the order of the path, each with "S", "1" or a span of them
    placed = [(n, cell_at(setting, space)) for n, setting in enumerate(path)]
    for cell, group in groupby([at for at in placed if at[1]], lambda at: at[1]):
        names = [str(number or WORDS["start"]) for number, _ in group]
        span = f"{names[0]}\N{EN DASH}{names[-1]}"
        stops.append((cell, span if len(names) > 1 else names[0]))
    # A cell's number stands above the middle, and the path passes at the left below.
    at = np.reshape([cell for cell, _ in stops], (-1, 2)).T - [[0.34], [0.24]]
    badges = [badge for _, badge in stops]
    dots = {"color": "ground", "size": [5.5 + 2 * len(badge) for badge in badges]}
    marks = [
        mark.line(*at, color="ink", width=2.5, halo=True, hover=False),
        mark.points(*at, hover=False, **dots),
        mark.text(*at, badges, strong=True, size=0.9),
    ]
    unknown = WORDS["script"]["unknown"]
    told = (f"{badge}: {tips.get(cell, unknown)}" for cell, badge in stops)
    alt = WORDS["path_alt"].format("; ".join(told).replace("\n", ", "))
    lift = 0.16 if path else 0.0
    look = {"tip": every, "lift": lift, "beside": beside, "click": None}
    chart |= {"alt": alt, "choose": ""}
    return heatmap_chart(space, loss, cells=look, marks=marks, **chart)


def steps_chart(search, space, beside=()) -> Chart:
    """Return the validation curves of the steps; those that are not begun are named."""
    # `search` is None before the first. Losses `beside` have room on the axis, too.
    steps, loss_of = search.steps if search else (), {}
    if search:
        known = np.where(search.runs.unfit, np.inf, search.runs.mean_val_loss)
        loss_of = dict(zip(search.settings, known, strict=True))
    ticks, texts, heads, said, begin = [], [], [], [], 0
    dots, gone = [], []  # dots: place, loss, tip, whether it won; a gap after each step
    for number, (name, values) in enumerate(space.items()):
        values = sort_numbers(values)
        now = WORDS["next" if number == len(steps) else "later"]
        at = begin + np.arange(len(values)) + max(0, _SHORT_LIST - len(values)) / 2
        begin += max(len(values), _SHORT_LIST) + _STEP_GAP
        ticks += at.tolist()
        texts += axis_texts(values)
        if number < len(steps):
            step = steps[number]
            won = step.winner and chart_text(getattr(step.winner, name))
            now = WORDS["won"].format(won) if won else WORDS["now"]
            for place, value in zip(at, values, strict=True):
                setting = step.base.but(**{name: value})
                loss = loss_of.get(setting, np.nan)
                if np.isfinite(loss):
                    tip = WORDS["tip"].format(short_text(setting, space), loss)
                    dots.append((place, loss, tip, setting == step.winner))
                elif np.isposinf(loss):
                    gone.append(place)
            dots.append((np.nan, np.nan, "", False))
        head = WORDS["step"].format(number + 1, TABLE[name].short)
        heads.append((at.mean(), head, now))
        said.append(f"{TABLE[name].label}, {now}")
    x, y, tips, _ = zip(*dots, strict=True) if dots else [()] * 4
    losses = [loss for loss in y if np.isfinite(loss)]
    top = round_up(1.1 * max([*losses, *beside], default=0))
    (middle, names, states), level = zip(*heads, strict=True), np.full(len(heads), top)
    scale = {"kind": "linear" if losses else "none", "ticks": (0, top / 2, top)}
    room = {"room": _SHORT_LIST + _STEP_GAP}  # between middles
    rings = np.reshape([dot[:2] for dot in dots if dot[3]], (-1, 2)).T
    marks = [
        mark.text(middle, 1.22 * level, names, strong=True, **room),
        mark.text(middle, 1.1 * level, states, color="soft", **room),
        mark.line(x, y, width=2.2, hover=False),
        mark.points(x, y, size=4.5, tip=tips),
        mark.ring(*rings, color="orange"),
        mark.cross(gone, color="orange", legend=WORDS["diverged"], hover=False),
    ]
    across = Axis("", (-0.6, begin - _STEP_GAP - 0.4), texts=texts, ticks=ticks)
    up = Axis(WORDS["loss"], (0, 1.3 * top), **scale)
    alt = WORDS["steps_alt"].format("; ".join(said))
    return Chart(across, up, marks, title=WORDS["steps"], alt=alt)


def best_so_far_chart(searches, *, budget=None, ends=None, **chart) -> Chart:
    """Return a step line for each `Search`, by name: the lowest loss so far."""
    # With a `budget` they race: `ends` has by name the lowest loss of each of many
    # races, drawn as a column of points beyond the axis. Else the loss axis is
    # logarithmic where the lines span a factor of ten.
    race, ends = budget is not None, ends or {}
    curves = {name: search.best_so_far() for name, search in searches.items()}
    spent = [epochs for epochs, _ in curves.values()]
    x, y = np.full((2, len(curves), max([1, *map(len, spent)])), np.nan)
    budget = budget or max([1, *(epochs[-1] for epochs in spent)])
    room = (len(curves) + 0.7) * _COLUMN if any(ends.values()) else 0
    looks = list(map(style_of, range(len(curves))))
    labels, dots = [], []  # dots: place, loss, tip, color, shape
    for k, (name, (epochs, loss)) in enumerate(curves.items()):
        x[k, : len(epochs)], y[k, : len(loss)] = epochs, loss
        (color, shape, _), end = looks[k], f"{name} {digits(loss[-1])}"
        labels.append(name if race else end)
        dots.append((epochs[-1], loss[-1], end, color, shape))
        column = budget * (1 + _COLUMN * (k + 1))
        for n, low in enumerate(ends.get(name, ()), 1):
            dots.append((column, low, WORDS["race"].format(n, name, low), color, shape))
    at, height, tips, colors, shapes = zip(*dots, strict=True) if dots else [()] * 5
    tops = np.hstack([y.ravel(), height])
    tops = tops[(tops > (0 if race else -np.inf)) & (tops < np.inf)]  # 0 has no log
    low, high = (tops.min(), tops.max()) if tops.size else (0.1, 1.0)
    log, floor = race or high > 10 * low > 0, axis_floor([low, high])
    span = (0.8 * low, 1.15 * high) if log else (floor, floor + 1.08 * (high - floor))
    ticks = np.linspace(0, budget, 4).round().tolist() if race else []
    texts = [f"{tick:g}" for tick in ticks]
    if room:
        ticks.append(budget * (1 + (len(curves) + 1) / 2 * _COLUMN))
        texts.append(WORDS["all_races"])
    steps = {"color": [c for c, _, _ in looks], "dash": [dash for *_, dash in looks]}
    steps |= {"width": 2.6, "name": list(curves), "label": labels, "step": True}
    across = Axis(WORDS["spent"], (0, budget * (1.02 + room)), ticks=ticks, texts=texts)
    up = Axis(WORDS["so_far"], span, "log" if log else "linear")
    marks = [
        mark.line(x, y, **steps),
        mark.points(at, height, color=colors, shape=shapes, size=4, tip=tips),
        mark.rule([budget] if room else [], color="soft", width=1),
    ]
    return Chart(across, up, marks, **chart)


def _log_axis(label, values):
    values = [v for v in values if 0 < v < np.inf] or [1]
    return Axis(label, (min(values) / 1.3, max(values) * 1.3), "log")


def spent_chart(each, budget) -> Chart:
    """Return the lowest loss against the epochs spent, search after search."""
    # `each` is (name, epochs, lowest loss so far), as `Search.best_so_far` has them.
    marks, ends, heights, spent, lowest = [], [], [], 0, np.inf
    for n, (name, epochs, loss) in enumerate(each):
        epochs, loss = spent + epochs, np.minimum(loss, lowest)
        spent, lowest = int(epochs[-1]), loss[-1]
        what = name.removeprefix("successive_").removesuffix("_search")
        said = _LOG["entry"].format(n=n + 1, what=what)  # short, or it is cut
        look = {"color": style_of(n)[0], "label": said}
        marks.append(mark.line(epochs, loss, step=True, width=3, **look))
        marks.append(mark.rule(spent, color="soft", width=0.6))
        ends.append(_LOG["end"].format(loss=lowest, epochs=spent))
        heights += list(loss)
    marks.append(mark.rule(budget, color="ink", dash="dashed", label=_LOG["budget"]))
    x = Axis(_LOG["spent"], (0, 1.02 * max(spent, budget)))
    said = _LOG["so_far_said"].format(ends=", ".join(ends))
    return Chart(x, _log_axis(_LOG["so_far"], heights), marks, alt=said)


def tried_chart(each, chosen=None) -> Chart:
    """Return the loss of each setting at its lr, the chosen one (lr, loss) ringed."""
    marks, dots, crosses = [], set(), set()
    for n, runs in enumerate(each):
        color, shape, _ = style_of(n)
        lrs, out = np.array([s.lr for s in runs.settings]), runs.unfit
        loss, look = runs.mean_val_loss, {"opacity": 0.7, "size": 5, "shape": shape}
        marks.append(mark.points(lrs[~out], loss[~out], color=color, **look))
        marks.append(mark.cross(lrs[out], color=color))
        # Two that lie on each other are one that was trained twice.
        dots |= {(lr, f"{v:.4g}") for lr, v in zip(lrs[~out], loss[~out], strict=True)}
        crosses |= {s for s, gone in zip(runs.settings, out, strict=True) if gone}
    said = _LOG["tried_said"].format(n=len(dots) + len(crosses), out=len(crosses))
    if chosen:
        marks.append(mark.ring(*chosen, color="ink"))
        said += " " + _LOG["chosen_said"].format(lr=chosen[0], loss=chosen[1])
    x = _log_axis(_LOG["lr"], [lr for lr, _ in dots] + [s.lr for s in crosses])
    y = _log_axis(_LOG["val_loss"], [float(loss) for _, loss in dots])
    return Chart(x, y, marks, alt=said)


def parallel_axes(space: Mapping, settings: Sequence, losses: Sequence[float]):
    """Return an axis for each hyperparameter and the loss, and places on them."""
    # The places, 0 to 1, are (settings, axes); a loss of nan has none.
    axes = [_axis(name, values, len(space)) for name, values in space.items()]
    columns = [[getattr(setting, name) for setting in settings] for name in space]
    for axis, column, values in zip(axes, columns, space.values(), strict=True):
        if axis.kind == "band":
            column[:] = [values.index(value) for value in column]
    fine = [loss for loss in losses if np.isfinite(loss)] or [0.1, 1.0]
    kind = "log" if min(fine) > 0 else "linear"
    axes.append(Axis(WORDS["loss"], (min(fine), max(fine)), kind))
    each = zip(axes, [*columns, losses], strict=True)
    return axes, np.stack([axis.shares(places) for axis, places in each], 1)


def _axis(name, values, count):
    label = TABLE[name].label if count < 3 else TABLE[name].short
    if isinstance(values, Range):
        return Axis(label, (values.low, values.high), "log" if values.log else "linear")
    if not are_numbers(values):
        return Axis(label, kind="band", texts=axis_texts(values))
    values = sorted(values)
    low, high = values[0], values[-1]
    log = low > 0 and high / low >= _LOG_SPAN
    ticks = values if len(values) <= 7 else ()
    return Axis(label, (low, high), "log" if log else "linear", ticks=ticks)


def parallel_chart(axes, shares, strong, looks, **chart) -> Chart:
    """Return a line for each setting, those that are `strong` in color."""
    # `looks` are lists, one a setting: "color", "dash", "shape" and "legend" (of strong
    # lines' ends), "tip", "label". What diverged ends in an x at the top.
    at, last, out = np.arange(len(axes)), len(axes) - 1, np.isnan(shares[:, -1])
    pale, front = np.flatnonzero(~strong), np.flatnonzero(strong)
    gone = np.flatnonzero(out)
    heights = np.where(np.isnan(shares), 1.0, shares)

    def some(numbers, *names):
        there = [name for name in names if len(looks.get(name, ()))]
        return {name: [looks[name][i] for i in numbers] for name in there}

    def dots(kind):
        its = np.flatnonzero(strong & (kinds == kind))
        look = some(its, "color", "shape") | {"legend": str(kind) or None, "size": 4}
        return mark.points(0 * its + last, heights[its, -1], hover=False, **look)

    grays = {"color": "gray", "width": 1, "opacity": 0.35} | some(pale, "tip")
    grays["dash"] = ["dotted" if out[i] else None for i in pale] or None
    kinds = np.array(looks.get("legend") or [""] * len(out))
    colors = some(front, "color", "tip", "label", "dash")
    lost = {"shape": "x", "color": "soft", "hover": False}
    ends = [(axis.texts or axis.domain)[end] for end in (0, -1) for axis in axes]
    limits = [end if isinstance(end, str) else chart_text(float(end)) for end in ends]
    below, sides = np.repeat([-0.1, 1.1], len(at)), np.repeat([[0, 1]], len(at), 0)
    marks = [
        mark.line(np.stack([at, at], 1), sides, color="ink", width=1, hover=False),
        mark.line(at, heights[pale], **grays),
        mark.line(at, heights[front], width=1.8, opacity=0.9, **colors),
        mark.text(np.tile(at, 2), below, limits, size=0.9),
        mark.points(0 * gone + last, 0 * gone + 1, **lost),
        *map(dots, dict.fromkeys(kinds)),
    ]
    names = Axis("", kind="band", texts=[axis.label for axis in axes])
    return Chart(names, Axis("", (-0.12, 1.12), "none"), marks, grid=False, **chart)
