"""Charts of searches: validation curves, maps of a grid, paths, best loss so far."""

from collections.abc import Sequence
from itertools import groupby

import numpy as np

from hpkit.charts import runs as run_charts
from hpkit.charts import spec
from hpkit.charts.runs import axis_floor, clip_curve, pad_curves, round_up, usual_high
from hpkit.charts.spec import GUESS, Axis, Chart, style_of
from hpkit.charts.still import ticks
from hpkit.hyperparameters import TABLE, are_numbers, sort_numbers
from hpkit.locale import Texts, digits
from hpkit.search.space import Range
from hpkit.text import axis_texts, chart_text, curve_text, short_text

WORDS = Texts("charts")
_REPORT = Texts("capstone.pictures")
_LOG_SPAN = 8  # times the lowest value: an axis of at least this span is logarithmic
_LOWEST = {None: "lowest_at", "lowest": "lowest_left", "highest": "lowest_right"}
_LOWEST["gap"] = _LOWEST[None]
_DOT = {"size": 3, "opacity": 0.45, "hover": False}
_ROOM = 0.05  # of an axis beyond its outermost values
_STEP_GAP, _SHORT_LIST = 1, 3  # places between two steps; the fewest that a step takes
_FRAMES = {  # of cells
    "ties": {"color": "orange", "width": 2.5, "dash": "dashed"},
    "best": {"color": "orange", "width": 4.0},
    "chosen": {"color": "ink", "width": 2.5, "dash": "dotted", "inset": 0.07},
    "guess": GUESS | {"width": 2.0, "inset": 0.06},  # inside all others
}
# The best lines among parallel axes.
_BEST = dict(blue=None, orange="dashed", purple="dashdot", ink=None, green="dashed")
_COLUMN = 0.07  # of the budget: distance between columns of final losses


def value_axis(name: str, values: Sequence, space=()) -> tuple[Axis, np.ndarray]:
    """Return the axis of a hyperparameter's values, and their places on it."""
    # Positive numbers over a wide span get a logarithmic axis, other numbers and those
    # of `uniform` a linear one, all else, and 0 beside a wide span, equal distances.
    label, texts = TABLE[name].label, axis_texts(values)
    even = isinstance(space, Range) and not space.log
    positive = [v for v in values if v > 0] if are_numbers(values) and not even else []
    wide = len(positive) > 1 and max(positive) / min(positive) >= _LOG_SPAN
    if not are_numbers(values) or (wide and len(positive) < len(values)):
        # Numbers from low to high, as on the other axes.
        order = np.argsort(values) if are_numbers(values) else np.arange(len(values))
        texts = [texts[i] for i in order]
        return Axis(label, kind="band", texts=texts), np.argsort(order).astype(float)
    at, low, high = np.array(values, float), float(min(values)), float(max(values))
    ticks = {"ticks": np.sort(at).tolist(), "texts": axis_texts(sorted(values))}
    if not wide:
        ticks = {} if even else ticks  # round numbers are clearer than drawn ones
        room = _ROOM * (high - low) or 0.5 * abs(low) or 1.0
        return Axis(label, (low - room, high + room), **ticks), at
    if high / low >= 1000:
        ticks = {}  # powers of ten are clearer
    room = (high / low) ** _ROOM
    return Axis(label, (low / room, high * room), "log", **ticks), at


def _value_colors(at):
    """Return colors of values, the darker the further right they are."""
    shades = run_charts.shades(len(at), named=False)
    return [shades[rank] for rank in np.argsort(np.argsort(at, kind="stable"))]


def value_curves_chart(search, chosen: int, alt: str) -> Chart:
    """Return the training curves of a search over one hyperparameter, by its value."""
    # The curve of the setting `chosen` (an index) is emphasized. Clicking on a curve
    # sends the index of its setting as "curve".
    runs, name = search.runs, search.param_name
    values, unfit = search.values(name), runs.unfit
    texts, colors = axis_texts(values), _value_colors(value_axis(name, values)[1])
    done = runs.epochs_done.min(1)
    means = [runs.val_loss[i, :, : max(n, 0) + 1].mean(0) for i, n in enumerate(done)]
    start = float(np.nanmean(runs.val_loss[:, :, 0]))
    highs = [usual_high(means[i]) for i in np.flatnonzero(~unfit)]
    top = round_up(max([1.1 * start, *(min(high, 2 * start) for high in highs)]))
    _, left_at = clip_curve(means[chosen], top)
    names = [f"{TABLE[name].short} {text}" for text in texts]
    hidden = unfit | (done < 0) | (np.arange(len(names)) == chosen)
    labels = [None if h else n for h, n in zip(hidden, names, strict=True)]
    thin = {"color": colors, "label": labels, "name": names}  # not dashed, as training
    strong = {"width": 3, "strong": True, "hover": False}
    strong["label"] = None if unfit[chosen] else names[chosen]
    cross = {"label": WORDS["diverged" if unfit[chosen] else "above"]}
    marks = [
        spec.line(*pad_curves(means, top), width=1.5, click="curve", **thin),
        spec.line(*pad_curves([means[chosen]], top), **strong),
        spec.cross([] if left_at is None else [left_at], name=names[chosen], **cross),
    ]
    x = Axis(WORDS["epoch"], (0, 1.02 * max(s.epochs for s in search.settings)))
    return Chart(x, Axis(WORDS["val_loss"], (0, top)), marks, alt=alt)


def validation_chart(search, chosen: int, before, drawn, alt: str) -> Chart:
    """Return a panel's validation curve: the lowest loss, mean over seeds, by value."""
    # The setting `chosen` (an index) is marked. `before` is an earlier search, shown if
    # it had the same values, `drawn` a guess (places, losses); both may be None. A
    # click sends the index of a setting as "point" or that of a cross as "cross".
    runs, name = search.runs, search.param_name
    axis, at = value_axis(name, search.values(name))
    mean = np.where(runs.unfit, np.nan, runs.mean_val_loss)
    floor = axis_floor(mean)
    start = float(np.nanmean(runs.val_loss[:, :, 0]))
    top = floor + round_up(max(1.1 * (start - floor), *(drawn[1] if drawn else ()), 0))
    guess = {"legend": WORDS["guess"] if drawn else None, "hover": False} | GUESS
    earlier = {"width": 1.8, "hover": False, "color": "gray", "dash": "dashed"}
    earlier["legend"] = WORDS["old"]
    old = [], []
    if before is not None and before.space == search.space:
        order = _left_to_right(at, ~before.runs.unfit)
        old = at[order], before.runs.mean_val_loss[order]
    sign = {"color": "ink", "shape": "diamond", "legend": WORDS["chosen"]}
    band, line, dots, *rest = _curve_marks(search, _value_colors(at), strong=False)
    marks = [
        band,
        spec.line(*(drawn or ((), ())), **guess),
        spec.line(*old, **earlier),
        line,
        dots,
        spec.points(at[chosen], mean[chosen], size=5, hover=False, **sign),
        *rest,
    ]
    y = Axis(WORDS["lowest_loss"], (floor, top))
    choose = WORDS["choose_value"].format(TABLE[name].label)
    return Chart(axis, y, marks, alt=alt, choose=choose)


def validation_plot(search) -> Chart:
    """Return a validation curve beside the losses before and at the end of training."""
    # It says where to look further if the lowest loss is at an end of the list.
    runs, name = search.runs, search.param_name
    axis, at = value_axis(name, search.values(name), search.space[name])
    start = float(np.nanmean(runs.val_loss[:, :, 0]))
    ends = np.where(runs.unfit, np.nan, search.scores("last"))
    losses = np.where(runs.unfit[:, None], np.nan, runs.best_val_loss)
    order = _left_to_right(at, np.isfinite(ends))
    level = {"width": 1.2, "color": "gray", "label": WORDS["before_training"]}
    end = {"width": 2.2, "color": "soft", "dash": "dotted"}
    style = {"label": WORDS["best_epoch"], "lowest": _LOWEST[search.edge.get(name)]}
    band, line, *rest = _curve_marks(search, strong=True, **style)
    marks = [
        band,
        spec.line(axis.domain, [start, start], **level),
        spec.line(at[order], ends[order], label=WORDS["last_epoch"], **end),
        line,
    ]
    if 1 < len(runs.seeds) <= 12:  # more would be a smear
        places = np.repeat(at, len(runs.seeds))
        marks.append(spec.points(places, losses.ravel(), **_DOT))
    y = Axis(WORDS["val_loss"], run_charts.loss_limits(ends, start, losses))
    return Chart(axis, y, [*marks, *rest])


def _curve_marks(search, colors=None, lowest="lowest_at", **style):
    """Return the marks of a validation curve: band, line, points, crosses, ring."""
    runs, values = search.runs, search.values(search.param_name)
    at = value_axis(search.param_name, values)[1]
    mean = np.where(runs.unfit, np.nan, runs.mean_val_loss)
    order = _left_to_right(at, np.isfinite(mean))
    x, y, std = at[order], mean[order], np.nan_to_num(runs.std_val_loss[order])
    spread = WORDS["spread"] if len(runs.seeds) > 1 else None
    diverged = np.flatnonzero(runs.diverged.any(1))  # not the failed ones
    signs = [colors[i] for i in diverged] if colors else "ink"
    best = order[order == runs.order[0]]
    label = [WORDS[lowest].format(mean[i], axis_texts(values)[i]) for i in best]
    return [
        spec.band(x, y - std, y + std, legend=spread),
        spec.line(x, y, width=2.6, hover=False, **style),
        spec.points(at, mean, color=colors or ["blue"], size=5, click="point"),
        spec.cross(at[diverged], label=WORDS["diverged"], color=signs, click="cross"),
        spec.ring(at[best], mean[best], color="orange", label=label),
    ]


def _left_to_right(at, drawn):
    """Return the indices of what is drawn, in the order of places."""
    order = np.argsort(at, kind="stable")
    return order[drawn[order]]


def heatmap_chart(space, loss, *, framed=None, marks=(), cells=None, **chart) -> Chart:
    """Return the losses (rows, columns) of all pairs of values as a map."""
    # The first hyperparameter of `space` is on the x axis, the second on the y axis. A
    # loss of nan means not trained, inf diverged. `framed` has settings by kind:
    # "best", "ties", "chosen", "guess"; `cells` is the style of the cells. Clicking
    # sends row * columns + column as "cell".
    legends, framed = WORDS["frames"], framed or {}
    by_kind = {k: [_cell_at(s, space) for s in framed.get(k, ())] for k in _FRAMES}
    frames = []
    for kind, style in _FRAMES.items():
        legend = legends[kind] if kind in framed else None  # or it would take room
        frames.append(spec.frames(by_kind[kind], **style, halo=True, legend=legend))
    pair = list(space.items())[:2]
    x, y = (Axis(TABLE[n].label, kind="band", texts=axis_texts(v)) for n, v in pair)
    # The best is inside the frame around all ties, but not named as one.
    by_kind["ties"] = [p for p in by_kind["ties"] if p not in by_kind["best"]]
    at = [(c, r) for r, c in np.ndindex(np.shape(loss))]
    labels = ["".join(f"\n{legends[k]}" for k in framed if p in by_kind[k]) for p in at]
    style = {"name": WORDS["loss"], "click": "cell", "label": labels} | (cells or {})
    chart = {"grid": False, "choose": WORDS["choose_cell"]} | chart
    return Chart(x, y, [spec.cells(loss, **style), *frames, *marks], **chart)


def grid_losses(search) -> np.ndarray:
    """Return the loss of each cell of a grid (rows, columns); inf if it diverged."""
    loss = np.where(search.runs.unfit, np.inf, search.runs.mean_val_loss)
    return loss.reshape(*map(len, search.space.values())).T


def profile_chart(search, side: int, title: str = "") -> Chart:
    """Return the lowest loss over one hyperparameter of a grid against the other."""
    # `side` says which one is on the x axis: 0 the first, 1 the second.
    pair = list(search.space.items())
    (name, values), (other, others) = pair[side], pair[1 - side]
    loss = grid_losses(search)
    known = np.where(np.isnan(loss), np.inf, loss)
    winners, lowest = known.argmin(side), known.min(side)
    axis, at = value_axis(name, values)
    labels = [f"{TABLE[other].short} {axis_texts(others)[k]}" for k in winners]
    order = _left_to_right(at, np.isfinite(lowest))
    diverged = np.flatnonzero(np.isinf(lowest) & search.finished)
    x, y, text = at[order], lowest[order], [labels[k] for k in order]
    marks = [
        spec.line(x, y, width=2.6, hover=False),
        spec.points(x, y, size=5, name=text, label=text),
        spec.cross(at[diverged], label=WORDS["diverged"], color="ink"),
    ]
    top = round_up(1.1 * max(y, default=0))
    pairs = zip(axis_texts(values), labels, strict=True)
    places = [f"{TABLE[name].short} {value} ({label})" for value, label in pairs]
    alt = f"{title}: {curve_text(y, [places[k] for k in order])}."
    return Chart(axis, Axis(WORDS["lowest_loss"], (0, top)), marks, title, alt=alt)


def _cell_at(setting, space) -> tuple[int, int] | None:
    """Return (column, row) on the map of the first two names, or None if not on it."""
    pair = [(list(v), getattr(setting, n, None)) for n, v in [*space.items()][:2]]
    if all(value in values for values, value in pair):
        return tuple(values.index(value) for values, value in pair)


def path_chart(space, search, path=(), beside=(), **chart) -> Chart:
    """Return the lowest loss of each pair of values, and perhaps a path over them."""
    # `path` is the start, then the winner of each step; losses `beside` count for the
    # color scale.
    columns, rows = map(len, list(space.values())[:2])
    loss, tips, runs = np.full((rows, columns), np.nan), {}, search.runs
    begun = np.isfinite(runs.mean_val_loss)
    for i in runs.order[begun[runs.order]][::-1]:  # the best comes last and stays
        column, row = _cell_at(search.settings[i], space)
        value = np.inf if runs.diverged[i].any() else runs.mean_val_loss[i]
        loss[row, column] = value
        tip = WORDS["tip" if value < np.inf else "tip_out"]
        tips[column, row] = tip.format(short_text(search.settings[i], space), value)
    # Cells in the order of the path, each with a badge: "S", "1" or a span of steps.
    stops = []
    placed = [(step, _cell_at(setting, space)) for step, setting in enumerate(path)]
    for cell, group in groupby([p for p in placed if p[1]], lambda p: p[1]):
        names = [str(step or WORDS["start"]) for step, _ in group]
        span = f"{names[0]}\N{EN DASH}{names[-1]}"
        stops.append((cell, span if len(names) > 1 else names[0]))
    # A cell's number is above its middle; the path passes below it, to the left.
    at = np.reshape([cell for cell, _ in stops], (-1, 2)).T - [[0.34], [0.24]]
    badges = [badge for _, badge in stops]
    dots = {"color": "ground", "size": [5.5 + 2 * len(badge) for badge in badges]}
    marks = [
        spec.line(*at, color="ink", width=2.5, halo=True, hover=False),
        spec.points(*at, hover=False, **dots),
        spec.text(*at, badges, strong=True, size=0.9),
    ]
    unknown = WORDS["script"]["unknown"]
    visits = (f"{badge}: {tips.get(cell, unknown)}" for cell, badge in stops)
    alt = WORDS["path_alt"].format("; ".join(visits).replace("\n", ", "))
    cells = {"tip": [tips.get((c, r), "") for r, c in np.ndindex(loss.shape)]}
    cells |= {"lift": 0.16 if path else 0.0, "beside": beside, "click": None}
    chart |= {"cells": cells, "marks": marks, "alt": alt, "choose": ""}
    return heatmap_chart(space, loss, **chart)


def steps_chart(search, space, beside=()) -> Chart:
    """Return the validation curves of the steps, or the names of those to come."""
    # The axis has room for losses `beside`.
    steps = search.steps
    ticks, texts, heads, tried, left = [], [], [], [], 0
    for index, (name, values) in enumerate(space.items()):
        values = sort_numbers(values)
        at = left + np.arange(len(values)) + max(0, _SHORT_LIST - len(values)) / 2
        left += max(len(values), _SHORT_LIST) + _STEP_GAP
        ticks += at.tolist()
        texts += axis_texts(values)
        state = WORDS["next" if index == len(steps) else "later"]
        if index < len(steps):
            winner = steps[index].winner
            out = winner and search.unfit[search.settings.index(winner)]
            key = "diverged" if out else "won" if winner else "now"
            state = WORDS[key].format(winner and chart_text(getattr(winner, name)))
            tried += _tried_in_step(search, steps[index], values, at, space)
        title = WORDS["step"].format(index + 1, TABLE[name].short)
        heads.append((at.mean(), title, state, f"{TABLE[name].label}, {state}"))
    crosses = [place for place, loss, *_ in tried if np.isposinf(loss)]
    dots = [dot for dot in tried if not np.isposinf(dot[1])]
    x, y, tips, won = spec.transpose(dots, 4)
    losses = [loss for loss in y if np.isfinite(loss)]
    top = round_up(1.1 * max([*losses, *beside], default=0))
    middles, titles, states, alts = zip(*heads, strict=True)
    level = np.full(len(heads), top)
    room = {"room": _SHORT_LIST + _STEP_GAP}  # between middles
    marks = [
        spec.text(middles, 1.22 * level, titles, strong=True, **room),
        spec.text(middles, 1.1 * level, states, color="soft", **room),
        spec.line(x, y, width=2.2, hover=False),
        spec.points(x, y, size=4.5, tip=tips),
        spec.ring(np.compress(won, x), np.compress(won, y), color="orange"),
        spec.cross(crosses, color="orange", legend=WORDS["diverged"], hover=False),
    ]
    x_axis = Axis("", (-0.6, left - _STEP_GAP - 0.4), texts=texts, ticks=ticks)
    scale = {"kind": "linear" if losses else "none", "ticks": (0, top / 2, top)}
    y_axis = Axis(WORDS["loss"], (0, 1.3 * top), **scale)
    alt = WORDS["steps_alt"].format("; ".join(alts))
    return Chart(x_axis, y_axis, marks, title=WORDS["steps"], alt=alt)


def _tried_in_step(search, step, values, places, space):
    """Yield (place, loss, tip, whether it won) of what a step has tried, and a gap."""
    known = np.where(search.runs.unfit, np.inf, search.runs.mean_val_loss)
    losses = dict(zip(search.settings, known, strict=True))
    for value, place in zip(values, places, strict=True):
        setting = step.base.but(**{step.name: value})
        loss = losses.get(setting, np.nan)
        if not np.isnan(loss):
            tip = WORDS["tip"].format(short_text(setting, space), loss)
            yield place, loss, tip, setting == step.winner
    yield np.nan, np.nan, "", False


def best_so_far_chart(searches, *, budget=None, ends=None, **chart) -> Chart:
    """Return a step line for each `Search`, by name: the lowest loss so far."""
    # With a `budget` it is a race, and `ends` are the lowest losses of many races by
    # name: a column of points beyond the axis for each.
    race, ends = budget is not None, ends or {}
    curves = {name: search.best_so_far() for name, search in searches.items()}
    longest = max([1, *(len(epochs) for epochs, _ in curves.values())])
    x, y = np.full((2, len(curves), longest), np.nan)
    budget = budget or max([1, *(epochs[-1] for epochs, _ in curves.values())])
    styles = list(map(style_of, range(len(curves))))
    labels, dots = [], []  # dots: place, loss, tip, color, shape, dash
    for k, (name, (epochs, loss)) in enumerate(curves.items()):
        x[k, : len(epochs)], y[k, : len(loss)] = epochs, loss
        end = f"{name} {digits(loss[-1])}"
        labels.append(name if race else end)
        dots.append((epochs[-1], loss[-1], end, *styles[k]))
        column = budget * (1 + _COLUMN * (k + 1))
        for n, low in enumerate(ends.get(name, ()), 1):
            dots.append((column, low, WORDS["race"].format(n, name, low), *styles[k]))
    at, heights, tips, colors, shapes, _ = spec.transpose(dots, 6)
    ticks = np.linspace(0, budget, 4).round().tolist() if race else []
    texts = [f"{tick:g}" for tick in ticks]
    room = (len(curves) + 0.7) * _COLUMN if any(ends.values()) else 0
    if room:
        ticks.append(budget * (1 + (len(curves) + 1) / 2 * _COLUMN))
        texts.append(WORDS["all_races"])
    steps = {"color": [c for c, _, _ in styles], "dash": [dash for *_, dash in styles]}
    steps |= {"width": 2.6, "name": list(curves), "label": labels, "step": True}
    marks = [
        spec.line(x, y, **steps),
        spec.points(at, heights, color=colors, shape=shapes, size=4, tip=tips),
        spec.rule([budget] if room else [], color="soft", width=1),
    ]
    x_axis = Axis(WORDS["spent"], (0, budget * (1.02 + room)), ticks=ticks, texts=texts)
    return Chart(x_axis, _so_far_axis(np.append(y, heights), race), marks, **chart)


def _so_far_axis(losses, race):
    """Return a loss axis, a log scale in a race or over more than a factor of ten."""
    lowest = 0 if race else -np.inf  # 0 has no logarithm
    losses = losses[(losses > lowest) & (losses < np.inf)]
    low, high = (losses.min(), losses.max()) if losses.size else (0.1, 1.0)
    if race or high > 10 * low > 0:
        return Axis(WORDS["so_far"], (0.8 * low, 1.15 * high), "log")
    floor = axis_floor([low, high])
    return Axis(WORDS["so_far"], (floor, floor + 1.08 * (high - floor)))


def _log_axis(label, values):
    values = [v for v in values if 0 < v < np.inf] or [1]
    return Axis(label, (min(values) / 1.3, max(values) * 1.3), "log")


def spent_chart(searches, budget) -> Chart:
    """Return the lowest loss against the epochs spent, search after search."""
    # `searches` are (name, epochs, lowest loss so far), as in `Search.best_so_far`.
    marks, ends, losses, spent, lowest = [], [], [], 0, np.inf
    for index, (name, epochs, loss) in enumerate(searches):
        total, so_far = spent + epochs, np.fmin(loss, lowest)
        spent, lowest = int(total[-1]), so_far[-1]
        what = name.replace("successive_", "").replace("_search", "").replace("_", " ")
        label = _REPORT["entry"].format(n=index + 1, what=what)  # short, or it is cut
        style = {"color": style_of(index)[0], "label": label}
        marks.append(spec.line(total, so_far, step=True, width=3, **style))
        marks.append(spec.rule(spent, color="soft", width=0.6))
        end = _REPORT["end" if lowest < np.inf else "no_end"]
        ends.append(end.format(loss=lowest, epochs=spent))
        losses += list(so_far)
    marks.append(spec.rule(budget, color="ink", dash="dashed", label=_REPORT["budget"]))
    x = Axis(_REPORT["spent"], (0, 1.02 * max(spent, budget)))
    alt = _REPORT["so_far_said"].format(ends=", ".join(ends))
    return Chart(x, _log_axis(_REPORT["so_far"], losses), marks, alt=alt)


def tried_chart(runs_by_search, chosen=None) -> Chart:
    """Return the loss of each setting at its lr; the `chosen` (lr, loss) has a ring."""
    marks, dots, crosses = [], set(), set()
    for index, runs in enumerate(runs_by_search):
        color, shape, _ = style_of(index)
        fit, losses = ~runs.unfit, runs.mean_val_loss
        lrs = np.array([setting.lr for setting in runs.settings])
        style = {"color": color, "shape": shape, "size": 5, "opacity": 0.7}
        marks.append(spec.points(lrs[fit], losses[fit], **style))
        marks.append(spec.cross(lrs[~fit], color=color))
        # Two that coincide are one setting that was trained twice.
        dots |= {(lr, f"{v:.4g}") for lr, v in zip(lrs[fit], losses[fit], strict=True)}
        crosses |= {runs.settings[i] for i in np.flatnonzero(~fit)}
    alt = _REPORT["tried_said"].format(n=len(dots) + len(crosses), out=len(crosses))
    if chosen:
        marks.append(spec.ring(*chosen, color="ink"))
        alt += " " + _REPORT["chosen_said"].format(lr=chosen[0], loss=chosen[1])
    x = _log_axis(_REPORT["lr"], [lr for lr, _ in dots] + [s.lr for s in crosses])
    y = _log_axis(_REPORT["val_loss"], [float(loss) for _, loss in dots])
    return Chart(x, y, marks, alt=alt)


def parallel_chart(search) -> Chart:
    """Return a line for each setting through its values and its loss."""
    # The best are in color; what diverged ends in an x above the others.
    runs, names = search.runs, list(search.space)
    losses = np.where(runs.unfit, np.nan, runs.mean_val_loss)
    axes, heights = _parallel_axes(search, losses)
    crossed = np.flatnonzero(runs.diverged.any(1))
    heights[crossed, -1] = 1.06
    best = [i for i in runs.order[: len(_BEST)] if np.isfinite(losses[i])]
    pale = np.setdiff1d(np.arange(len(losses)), best)
    named = [(digits(losses[i]), short_text(runs.settings[i], names)) for i in best]
    pens = {"color": [*_BEST], "dash": [*_BEST.values()], "opacity": 0.9}
    pens |= {"width": [3.2] + 4 * [1.8], "strong": [True] + 4 * [False]}
    grays = {"color": "gray", "width": 1, "opacity": 0.35}
    grays["dash"] = ["dotted" if i in crossed else None for i in pale]
    at, last = np.arange(len(axes)), len(names)
    ends = [(axis.texts or axis.domain)[end] for end in (0, -1) for axis in axes]
    limits = [end if isinstance(end, str) else chart_text(float(end)) for end in ends]
    inner = []
    for i, axis in enumerate(axes):
        marked = [(axis.shares(place), label) for place, label in ticks(axis, 3)]
        marked = marked[:: 1 + len(marked) // 8]  # or they would overlap
        inner += [(i - 0.02, *mark) for mark in marked if 0.03 < mark[0] < 0.97]
    inner += [(last - 0.04, 1.06, WORDS["diverged"])] if len(crossed) else []
    beside = {"anchor": "end", "color": "soft", "size": 0.9}
    marks = [
        spec.line(np.stack([at, at], 1), [[0, 1]] * len(at), color="ink", width=1),
        spec.line(at, heights[pale], **grays),
        spec.line(at, heights[best], label=list(map("  ".join, named)), **pens),
        spec.text(np.tile(at, 2), np.repeat([-0.1, 1.1], len(at)), limits, size=0.9),
        spec.points(0 * crossed + last, heights[crossed, -1], shape="x", color="soft"),
        spec.points([last] * len(best), heights[best, -1], size=4, color=[*_BEST]),
        spec.text(*spec.transpose(inner, 3), **beside),
    ]
    x = Axis("", kind="band", texts=[axis.label for axis in axes])
    x.domain = (-0.3, last + 0.25)
    return Chart(x, Axis("", (-0.12, 1.12), "none"), marks, grid=False)


def _parallel_axes(search, losses):
    """Return an axis for each hyperparameter and the loss, and places on them."""
    # The places, 0 to 1, are (settings, axes); a loss of nan has none.
    axes, places = [], []
    for name in search.space:
        values, column = search._listed(name), search.values(name)
        if isinstance(values, Range):
            kind = "log" if values.log else "linear"
            axis = Axis("", (values.low, values.high), kind)
        else:
            axis, at = value_axis(name, values)
            axis.domain = (at.min(), at.max())
            column = [at[values.index(value)] for value in column]
        axis.label = TABLE[name].short if len(search.space) > 2 else TABLE[name].label
        axes.append(axis)
        places.append(axis.shares(column))
    finite = [loss for loss in losses if np.isfinite(loss)] or [0.1, 1.0]
    kind = "log" if min(finite) > 0 else "linear"
    loss = Axis(WORDS["val_loss"], (min(finite), max(finite)), kind)
    return [*axes, loss], np.stack([*places, loss.shares(losses)], 1)
