"""Charts of runs: training curves, seeds side by side, and a network's predictions."""

from collections.abc import Sequence
from functools import partial

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import to_hex, to_rgb

from hpkit.charts import spec
from hpkit.charts.spec import CLASSES, COLORS, FEW, GUESS, PINNED, Axis, Chart, style_of
from hpkit.engine.runs import softmax
from hpkit.locale import Texts, digits

WORDS = Texts("charts")
_RIVALS = Texts("capstone.rivals")
_PINNED_DASHES = dict.fromkeys(PINNED[3:], "dashdot")
_DENSE = 200  # points of a long curve: more are not seen
_HIGHEST = 3  # times the loss before training: a loss axis ends there
_SHADES = (*CLASSES, "ink")
_ENDS, _TICKS = (0.2, 0.985), (0.3, 0.5, 0.7, 0.85, 0.93, 0.97)  # of an accuracy axis
_SIDE = 56  # cells along a side of the map: 3,136 points, about a millisecond
_PALETTE = np.array([to_rgb(COLORS[name][0]) for name in CLASSES])


def round_up(value: float) -> float:
    """Return the next of 1, 1.5, 2, 3, 5, 7 x 10^k that is not below `value`."""
    if not np.isfinite(value) or value <= 0:
        return 1.0
    power = 10.0 ** np.floor(np.log10(value))
    return float(min(s * power for s in (1, 1.5, 2, 3, 5, 7, 10) if s * power >= value))


def axis_floor(losses) -> float:
    """Return where a loss axis begins: 0, or just below a negative lowest loss."""
    return 1.05 * float(np.nanmin(losses, initial=0))


def usual_high(losses) -> float:
    """Return the level below which the second half of a curve mostly stays."""
    late = np.asarray(losses, float)[len(losses) // 2 :]
    return float(np.nanpercentile(late, 90)) if np.isfinite(late).any() else np.nan


def axis_top(runs) -> float:
    """Return the upper end of the loss axis; spikes and diverged runs do not count."""
    levels = [1.0]
    for run in runs:
        start = run.val_loss[0] if np.isfinite(run.val_loss[0]) else 1.0
        usual = start if run.diverged else 1.05 * usual_high(run.val_loss)
        levels += [1.1 * start, min(usual, 2 * start)]
    return round_up(max(levels))


def clip_curve(curve, top):
    """Return losses capped far above the chart, and the epoch where they left it."""
    # That is None if they end inside. The cap is so high that the line leaves steeply.
    curve = np.asarray(curve, float)
    inside = np.flatnonzero(curve <= top)  # nan is not
    left_at = int(inside[-1]) + 1 if len(inside) else 0
    return np.minimum(curve, 20 * abs(top)), left_at if left_at < len(curve) else None


def pad_curves(curves: Sequence, top: float):
    """Return curves of any length as x and y (curves, points), padded with nan."""
    longest = max(map(len, curves), default=0)
    x, y = np.full((2, len(curves), min(_DENSE, longest)), np.nan)
    for row, curve in enumerate(curves):
        count = min(_DENSE, len(curve))
        epochs = np.linspace(0, len(curve) - 1, count).round().astype(int)
        heights, left_at = clip_curve(curve, top)
        if left_at is not None:
            epochs[np.searchsorted(epochs, left_at)] = left_at
            heights[left_at] = top  # up to its cross
        x[row, :count], y[row, :count] = epochs, heights[epochs]
    return x, y


def loss_chart(
    run,
    *,
    pinned=(),  # (Run, color, label) of each
    faded=(),  # runs in gray
    faded_label="",
    faded_names=(),  # in tips
    end=None,  # of the x axis
    per_epoch=lambda run: 1,  # length of an epoch on the x axis
    unit="",  # of the x axis
    guess=None,  # (epochs, losses)
    top=None,
    lowest="",  # label of the lowest validation loss
    named=True,  # label both curves of the run; `run_label` is written in any case
    run_label="",
    marks=(),
    **chart,
) -> Chart:
    """Return the chart of a run beside others: training dashed, validation solid."""
    others, colors, names = spec.transpose(pinned, 3)
    top = top or axis_top([run, *others, *faded])
    top = max(top, round_up(max(guess[1]))) if guess else top
    train, val = (WORDS["train"], WORDS["val"]) if named else (None, None)
    legend = faded_label or WORDS["old"]
    gray = {"color": "gray", "opacity": 0.55, "legend": legend if faded else None}
    pen = {"color": colors, "dash": [_PINNED_DASHES.get(color) for color in colors]}
    lines = partial(_loss_lines, top=top, per_epoch=per_epoch)
    shown = [(run, "blue", run_label), *pinned]
    drawn = [
        lines("val", faded, faded_names or [legend], width=1.3, **gray),
        spec.line(*(guess or ((), ())), legend=guess and WORDS["guess"], **GUESS),
        lines("train", others, names, color=colors, width=1.6, dash="dashed"),
        lines("val", others, names, width=2.2, label=names, **pen),
        lines("train", [run], [run_label], width=2, dash="dashed", label=train),
        lines("val", [run], [run_label], width=3, label=run_label or val, strong=True),
        _lowest_rings(shown, top, per_epoch, lowest or WORDS["lowest"]),
        _exit_crosses(shown, top, per_epoch),
    ]
    end = end or run.setting.epochs * per_epoch(run)
    x = Axis(unit or WORDS["epoch"], (0, 1.02 * end))
    return Chart(x, Axis(WORDS["loss"], (0, top)), [*drawn, *marks], **chart)


def _loss_lines(part, runs, names, *, top, per_epoch, **style):
    """Return a line for the "train" or "val" losses of each run."""
    x, y = pad_curves([getattr(run, f"{part}_loss") for run in runs], top)
    x *= np.reshape([per_epoch(run) for run in runs], (-1, 1))
    style["name"] = [", ".join(filter(None, (name, WORDS[part]))) for name in names]
    return spec.line(x, y, **style)


def _lowest_rings(shown, top, per_epoch, label):
    """Return rings at the lowest losses of (Run, color, name); the first is labeled."""
    inside = [(run, color) for run, color, _ in shown if run.best_val_loss <= top]
    x = [run.best_epoch * per_epoch(run) for run, _ in inside]
    style, first = {"color": [color for _, color in inside]}, shown[0][0]
    if first.best_val_loss <= top and not first.diverged:
        style["label"] = label.format(first.best_val_loss)
    return spec.ring(x, [run.best_val_loss for run, _ in inside], **style)


def _exit_crosses(shown, top, per_epoch):
    """Return crosses where the curves of (Run, color, name) leave the chart."""
    crosses = []
    for run, color, name in shown:
        if (left_at := clip_curve(run.val_loss, top)[1]) is not None:
            label = WORDS["diverged" if run.diverged else "above"]
            crosses.append((left_at * per_epoch(run), color, name, label))
    x, colors, names, labels = spec.transpose(crosses, 4)
    return spec.cross(x, color=colors, name=names, label=labels)


def shades(count: int, named: bool = True) -> list[str]:
    """Return colors for curves: names, or shades from light to dark if not enough."""
    if named and count <= len(_SHADES):
        return list(_SHADES[:count])
    return list(map(to_hex, colormaps["viridis"](np.linspace(0.75, 0.22, count))))


def loss_limits(losses, starts, others=()) -> tuple[float, float]:
    """Return the limits of a loss axis; `losses` far above `starts` are cut off."""
    floor = axis_floor(np.append(losses, others))  # below all of them
    high = np.nanmax(np.append(losses, floor)) - floor
    start = np.ma.masked_invalid(np.append(starts, floor)).max() - floor or high or 1.0
    return floor, floor + 1.08 * float(np.clip(high, start, _HIGHEST * start))


def runs_chart(runs, split: str, names: Sequence[str], alt: str = "") -> Chart:
    """Return the training curves of settings: means over seeds, with their spread."""
    # `split` is "both", "valid" (solid) or "train" (dashed). `names` label the ends of
    # the curves.
    begun = np.flatnonzero((runs.epochs_done >= 0).any(1))
    diverged, alone = runs.diverged.any(1), len(begun) == 1
    parts = ("valid", "train") if split == "both" else (split,)
    losses = {"valid": runs.val_loss, "train": runs.train_loss}
    means = [losses[part][begun[~diverged[begun]]].mean(1) for part in parts]
    floor, top = loss_limits(means, runs.val_loss[begun, :, 0])
    last_epoch = max(1, int(runs.epochs_done.max()))
    marks, crossed = [], [i for i in begun if diverged[i]]
    for i, color in zip(begun, shades(len(begun)), strict=True):
        strong = not alone and bool(i == runs.order[0])
        for part in parts:
            solid = part == "valid"
            label = names[i] if part == parts[0] else None
            label = WORDS["val" if solid else "train"] if alone else label
            style = {"color": color, "dash": None if solid else "dashed"}
            style["name"] = names[i]
            style["label"] = None if diverged[i] else label
            style["width"] = (3.2 if strong else 2.4) * (1 if solid else 0.75)
            style["strong"] = strong or (alone and solid)
            marks += _mean_and_band(losses[part][i], diverged[i], top, style)
        val_loss = runs.val_loss[i].mean(0)
        if diverged[i]:
            at = min(clip_curve(val_loss, top)[1] or last_epoch, last_epoch)
            label = WORDS["gone"].format(name=names[i])
            if len(crossed) > 1:  # one label for all, as theirs would overlap
                label = WORDS["gone_of"].format(len(crossed), len(begun))
            label = label if i == crossed[0] else ""
            marks.append(spec.cross([at], label=label, color=color))
        elif split != "train" and np.isfinite(val_loss).any():
            at = int(np.nanargmin(val_loss))
            size = 6 if strong or len(begun) <= FEW else 3.4
            ring = {"size": size, "filled": False, "hover": False, "color": color}
            marks.append(spec.points([at], [val_loss[at]], **ring))
    both = "loss" if alone else "both_losses"
    loss = WORDS[{"valid": "val_loss", "train": "train_loss", "both": both}[split]]
    x = Axis(WORDS["epoch" if split == "train" else "marked_epoch"], (0, last_epoch))
    return Chart(x, Axis(loss, (floor, top)), marks, alt=alt)


def _mean_and_band(losses, diverged, top, style):
    """Return the mean over seeds as a line, in front of a band if it has a spread."""
    with np.errstate(invalid="ignore"):  # a run that diverged
        mean = losses.mean(0)
    epochs, (heights, left_at) = np.arange(len(mean)), clip_curve(mean, top)
    if diverged and left_at is not None:
        heights[left_at] = top  # up to its cross
    marks = [spec.line(epochs, heights, **style)]
    if not diverged and len(losses) > 1:
        spread = losses.std(0, ddof=1)
        pale = {"color": style["color"], "opacity": 0.15}
        marks.insert(0, spec.band(epochs, mean - spread, mean + spread, **pale))
    return marks


def mean_and_spread(losses) -> str:
    if len(losses) < 2:
        return "".join(map(digits, losses))
    return WORDS["mean_spread"].format(losses.mean(), losses.std(ddof=1))


def seeds_chart(losses, diverged, names, seeds, pairs=None, seen=(), alt="") -> Chart:
    """Return a row of dots for each setting, a dot for each seed."""
    # `losses` and `diverged` are (settings, seeds). `pairs` joins the dots of a seed;
    # None: if the settings are few. A diamond is the mean, with one standard deviation
    # to each side. The axis starts at 0 if that is near and has room for all `seen`.
    count, few = len(losses), len(losses) <= FEW
    rows = np.arange(count, dtype=float)[::-1]
    finite = [row[np.isfinite(row)] for row in losses]
    known = np.concatenate([*finite, seen]) if any(map(len, finite)) else [0, 1]
    low, high = min(known), max(known)
    room = max(0.06 * (high - low or high or 1.0), 0.1 * high)
    floor = 0.0 if 0 <= low < 0.4 * high else low - room
    means = np.array([row.mean() if len(row) else np.nan for row in finite])
    spreads = [row.std(ddof=1) if len(row) > 1 else 0.0 for row in finite]
    if not few:  # labels beside the means would overlap
        named = zip(names, means, strict=True)
        names = [n if np.isnan(m) else f"{n}: {digits(m)}" for n, m in named]
    # Neighboring seeds are at different heights, so that few dots cover each other.
    shifts = 0.24 * ((0.5 + 0.618 * np.arange(len(seeds))) % 1 - 0.5)
    joined = losses.T if (few if pairs is None else pairs) else np.zeros((0, count))
    thin = {"color": "soft", "width": 0.8, "opacity": 0.5, "hover": False}
    bars = means[:, None] + np.outer(spreads, [-1, 1])
    labels = list(map(mean_and_spread, finite)) if few else None
    diamond = {"shape": "diamond", "size": 6, "strong": True, "label": labels}
    crossed = np.flatnonzero(diverged.any(1))
    cross = {"color": [style_of(i)[0] for i in crossed], "shape": "x", "size": 6}
    counts = diverged[crossed].sum(1)
    cross["label"] = [WORDS["gone_of"].format(n, len(seeds)) for n in counts]
    ink = {"color": "ink", "hover": False}
    marks = [
        spec.line(joined, rows + shifts[: len(joined), None], **thin),
        *_seed_dots(losses, rows[:, None] + shifts, names, seeds),
        spec.line(bars, rows[:, None] + [0.2, 0.2], width=3, **ink),
        spec.points(means, rows + 0.2, **diamond, **ink),
        spec.points(np.full(len(crossed), high + room), rows[crossed], **cross),
    ]
    x = Axis(WORDS["seeds"], (floor, high + (2 if len(crossed) else 1) * room))
    y = Axis("", (-0.5, count - 0.3), ticks=rows[::-1], texts=names[::-1])
    return Chart(x, y, marks, alt=alt)


def _seed_dots(losses, heights, names, seeds):
    """Return the dots of each setting, one for each seed."""
    dots = []
    for i, name in enumerate(names):
        color, shape, _ = style_of(i)
        results = zip(seeds, losses[i], strict=True)
        tips = [WORDS["tip_seed"].format(name, *result) for result in results]
        style = {"color": color, "shape": shape, "opacity": 0.7, "tip": tips}
        dots.append(spec.points(losses[i], heights[i], **style))
    return dots


def _log_odds(shares):
    """Return log-odds of shares: they spread out the tuned accuracies near 1."""
    shares = np.clip(shares, *_ENDS)
    return np.log(shares / (1 - shares))


def ways_chart(scores, names, tuned, bars, score) -> Chart:
    """Return a row of dots for each way to tune: test accuracies, and their median."""
    # `scores` and `names` are by way; those in `tuned` are in color. `bars` are
    # accuracies to reach, `score` is the learner's own accuracy, or None.
    own = [] if score is None else [score]
    labels = [names[way] for way in scores] + [_RIVALS["you"] for _ in own]
    top, at = len(labels) - 0.4, _log_odds(list(scores.values()))
    rows = len(labels) - 1.0 - np.arange(len(scores))[:, None]
    colors = ["blue" if way in tuned else "gray" for way in scores for _ in at[0]]
    medians = np.tile(np.median(at, axis=1, keepdims=True), 2)
    goals, mine = _log_odds(bars), _log_odds(own)
    over = np.full(len(bars), top + 0.1)
    texts = [f"{bar:g}" for bar in bars]
    marks = [
        spec.rule(goals, color="ink", width=1, dash="dashed"),
        spec.points(at.ravel(), np.repeat(rows, len(at[0])), color=colors, opacity=0.5),
        spec.line(medians, rows + np.array([-0.3, 0.3]), color="ink", width=3.4),
        spec.points(mine, 0 * mine, color="orange", shape="diamond", size=7),
        spec.text(goals[:-1] - 0.06, over[:-1], texts[:-1], anchor="end", size=0.85),
        spec.text(goals[-1:] + 0.06, over[-1:], texts[-1:], anchor="start", size=0.85),
    ]
    ticks = {"ticks": _log_odds(_TICKS), "texts": [f"{tick:g}" for tick in _TICKS]}
    x = Axis(_RIVALS["axis"], tuple(_log_odds(_ENDS)), **ticks)
    parts = [f"{names[way]}: {np.median(each):.3f}" for way, each in scores.items()]
    alt = _RIVALS["alt"].format(medians="; ".join(parts))
    if own:
        alt += " " + _RIVALS["alt_mine"].format(score=score)
    return Chart(x, Axis("", (-0.6, top + 0.4), texts=labels[::-1]), marks, alt=alt)


def map_cells(dataset, grid: int = _SIDE):
    """Return the centers of a map's cells (cells, 2), bottom row first, with a rim."""
    X = np.concatenate([dataset.train.X, dataset.valid.X])
    low, high = X.min(0), X.max(0)
    rim = 0.08 * (high - low)
    sides = np.linspace(low - rim, high + rim, grid).T
    return np.stack(np.meshgrid(*sides), -1).reshape(-1, 2)


def map_pixels(run, epoch: str = "best") -> np.ndarray:
    """Return the map of a run ("best" or "last" epoch), bottom row first, uint8."""
    # A cell has the color of the most likely class, stronger the surer the network is:
    # at the boundary between two classes the color fades.
    shares = np.nan_to_num(softmax(run.outputs(map_cells(run.dataset), epoch)))
    chance = 1 / shares.shape[1]
    sure = np.clip((shares.max(1) - chance) / (1 - chance), 0, 1)
    pixels = np.c_[_PALETTE[shares.argmax(1) % len(CLASSES)], 0.62 * sure**0.8]
    return (255 * pixels).astype(np.uint8).reshape(_SIDE, _SIDE, 4)


def map_chart(dataset, pixels, *, names=(), size=2.6, **chart) -> Chart:
    """Return the training points over a map's pixels; None draws no map."""
    # `names` of the classes stand above the chart.
    x, y = map(Axis, dataset.features, map(tuple, map_cells(dataset, 2)[[0, -1]].T))
    train, dots = dataset.train, []
    for n in range(dataset.n_outputs):
        color, shape, _ = style_of(n)
        style = {"color": color, "shape": shape, "size": size, "hover": False}
        style["legend"] = names[n] if names else None
        dots.append(spec.points(*train.X[train.y == n].T, **style))
    ground = spec.image(np.zeros((0, 0, 4), np.uint8) if pixels is None else pixels)
    return Chart(x, y, [ground, *dots], grid=False, **chart)
