"""Runs: losses against epochs, seeds side by side, and what a network says of a map."""

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import to_hex, to_rgb

from hpkit.charts import spec as mark
from hpkit.charts.spec import CLASSES, COLORS, FEW, GUESS, HIGHEST, PINNED, Axis, Chart
from hpkit.engine.runs import softmax
from hpkit.locale import Texts, digits

WORDS = Texts("charts")
_RIVALS = Texts("capstone.rivals")
_PINNED_DASHES = dict.fromkeys(PINNED[3:], "dashdot")
_DENSE = 200  # points of a curve, where there are many: more are not seen
_SHADES = (*CLASSES, "ink")
_ENDS, _TICKS = (0.2, 0.985), (0.3, 0.5, 0.7, 0.85, 0.95)  # of accuracies
_SIDE = 56  # cells along a side of the map: 3,136 points, about a millisecond
_PALETTE = np.array([to_rgb(COLORS[name][0]) for name in CLASSES])


def round_up(value: float) -> float:
    """Return the next of 1, 1.5, 2, 3, 5, 7 x 10^k that is not below `value`."""
    if not np.isfinite(value) or value <= 0:
        return 1.0
    power = 10.0 ** np.floor(np.log10(value))
    return float(min(s * power for s in (1, 1.5, 2, 3, 5, 7, 10) if s * power >= value))


def axis_floor(losses) -> float:
    """Return where a loss axis begins: 0, or below the lowest loss if that is less."""
    return 1.05 * float(np.nanmin(losses, initial=0))


def usual_high(losses) -> float:
    """Return what a curve mostly stays below, spikes left out."""
    late = np.asarray(losses, float)[len(losses) // 2 :]
    return float(np.nanpercentile(late, 90)) if np.isfinite(late).any() else np.nan


def axis_top(runs) -> float:
    """Return the upper end of the loss axis; spikes and diverged runs do not count."""
    most = [1.0]
    for run in runs:
        start = run.val_loss[0] if np.isfinite(run.val_loss[0]) else 1.0
        usual = start if run.diverged else 1.05 * usual_high(run.val_loss)
        most += [1.1 * start, min(usual, 2 * start)]
    return round_up(max(most))


def clip_curve(curve, top):
    """Return losses cut far above the chart, and the epoch where they left it."""
    # None where they end inside. The line leaves the chart steeply.
    curve = np.asarray(curve, float)
    inside = np.flatnonzero(curve <= top)  # nan is not
    left = int(inside[-1]) + 1 if len(inside) else 0
    return np.minimum(curve, 20 * abs(top)), left if left < len(curve) else None


def pad_curves(curves: Sequence, top: float, scale: Callable = lambda _: 1):
    """Return curves of any length as x and y (curves, points), nan after an end."""
    # `scale(number)` is what an epoch of a curve is on the axis.
    most = max(map(len, curves), default=0)
    x, y = np.full((2, len(curves), min(_DENSE, most)), np.nan)
    for row, curve in enumerate(curves):
        count = min(_DENSE, len(curve))
        some = np.linspace(0, len(curve) - 1, count).round().astype(int)
        x[row, :count] = some * scale(row)
        y[row, :count] = clip_curve(curve, top)[0][some]
    return x, y


def loss_chart(
    run,
    *,
    pinned=(),
    faded=(),
    faded_are="",
    end=None,
    per_epoch=lambda run: 1,
    unit="",
    guess=None,
    top=None,
    lowest="",
    named=True,
    own="",
    marks=(),
    **chart,
) -> Chart:
    """Return the chart of a run beside others: training dashed, validation solid."""
    # `pinned` are (Run, color, label), `faded` gray runs, called `faded_are`. An epoch
    # is `per_epoch(run)` of a `unit`, up to `end`. `guess` is (epochs, losses). The
    # lowest validation loss is said as `lowest`; curves are `named` at their ends, that
    # of the run by its `own` label if it has one, wherever it ends.
    others, colors, names = zip(*pinned, strict=True) if pinned else ((), (), ())
    top = top or axis_top([run, *others, *faded])
    top = max(top, round_up(max(guess[1]))) if guess else top
    end = end or run.setting.epochs * per_epoch(run)
    train, earlier = WORDS["train"] if named else None, faded_are or WORDS["old"]
    val = own or (WORDS["val"] if named else None)
    gray = {"color": "gray", "opacity": 0.55, "legend": earlier if faded else None}
    look = {"color": colors, "dash": [_PINNED_DASHES.get(c) for c in colors]}
    shown = list(zip((run, *others), ("blue", *colors), (own, *names), strict=True))
    ringed = [(r, c) for r, c, _ in shown if r.best_val_loss <= top]
    at = [r.best_epoch * per_epoch(r) for r, _ in ringed]
    ring = {"color": [c for _, c in ringed]}
    if run.best_val_loss <= top and not run.diverged:
        ring["label"] = (lowest or WORDS["lowest"]).format(run.best_val_loss)
    left = [(clip_curve(r.val_loss, top)[1], r, c, n) for r, c, n in shown]
    gone = [each for each in left if each[0] is not None]
    cross = {"color": [c for _, _, c, _ in gone], "name": [n for *_, n in gone]}
    cross["label"] = [WORDS["diverged" if r.diverged else "above"] for _, r, *_ in gone]

    def curves(part, runs, names, **look):
        values = [getattr(r, f"{part}_loss") for r in runs]
        look["name"] = [", ".join(filter(None, (n, WORDS[part]))) for n in names]
        x, y = pad_curves(values, top, lambda k: per_epoch(runs[k]))
        return mark.line(x, y, **look)

    drawn = [
        curves("val", faded, [earlier], width=1.3, **gray),
        mark.line(*(guess or ((), ())), legend=guess and WORDS["guess"], **GUESS),
        curves("train", others, names, color=colors, width=1.6, dash="dashed"),
        curves("val", others, names, width=2.2, label=names, **look),
        curves("train", [run], [own], width=2, dash="dashed", label=train),
        curves("val", [run], [own], width=3, label=val, strong=True),
        mark.ring(at, [r.best_val_loss for r, _ in ringed], **ring),
        mark.cross([epoch * per_epoch(r) for epoch, r, *_ in gone], **cross),
    ]
    across = Axis(unit or WORDS["epoch"], (0, 1.02 * end))
    return Chart(across, Axis(WORDS["loss"], (0, top)), [*drawn, *marks], **chart)


def shades(count: int) -> list[str]:
    """Return colors for curves: names while they last, else darker and darker ones."""
    ramp = colormaps["viridis"](np.linspace(0.75, 0.22, count))
    return list(_SHADES[:count]) if count <= len(_SHADES) else list(map(to_hex, ramp))


def runs_chart(runs, split: str, names: Sequence[str], alt: str = "") -> Chart:
    """Return the training curves of settings: means over seeds, with their spread."""
    # `split` is "both", "valid" (solid) or "train" (dashed); `names` stand at the ends
    # of the curves; where they are few, the lowest points get large rings.
    there, out = np.flatnonzero((runs.epochs_done >= 0).any(1)), runs.diverged.any(1)
    parts = ("valid", "train") if split == "both" else (split,)
    losses = {"valid": runs.val_loss, "train": runs.train_loss}
    calm = [losses[part][i].mean(0) for part in parts for i in there if not out[i]]
    floor = axis_floor(np.concatenate([[0.0], *calm]))
    highest = np.nanmax(np.concatenate([[floor], *calm])) - floor
    start = np.nanmax(runs.val_loss[there][..., 0], initial=floor) - floor
    start = start or highest or 1.0
    top = floor + 1.08 * float(np.clip(highest, start, HIGHEST * start))
    most, one = max(1, int(runs.epochs_done.max())), len(there) == 1
    marks, gone = [], [i for i in there if out[i]]
    for i, color in zip(there, shades(len(there)), strict=True):
        strong = not one and bool(i == runs.order[0])
        name = names[i] or names[-1]  # one without lies below the last
        look = {"color": color, "name": name}
        for part in parts:
            each, solid = losses[part][i], part == "valid"
            with np.errstate(invalid="ignore"):  # of a run that diverged
                mean, spread = each.mean(0), each.std(0, ddof=min(1, len(each) - 1))
            epochs, (height, left) = np.arange(len(mean)), clip_curve(mean, top)
            if out[i] and left is not None:
                height[left] = top  # up to its cross
            if not out[i] and len(each) > 1:
                around = mean - spread, mean + spread
                marks.append(mark.band(epochs, *around, color=color, opacity=0.15))
            label = WORDS["val" if solid else "train"] if one else names[i]
            look["label"] = None if out[i] or (part != parts[0] and not one) else label
            look["width"] = (3.2 if strong else 2.4) * (1 if solid else 0.75)
            look["dash"] = None if solid else "dashed"
            look["strong"] = strong or (one and solid)
            marks.append(mark.line(epochs, height, **look))
        mean = runs.val_loss[i].mean(0)
        if out[i]:
            at = min(clip_curve(mean, top)[1] or most, most)
            said = WORDS["gone"].format(name=names[i])
            if len(gone) > 1:  # one label for all: theirs would meet
                all_of = WORDS["gone_of"].format(len(gone), len(there))
                said = all_of if i == gone[0] else ""
            marks.append(mark.cross([at], label=said, color=color))
        elif split != "train" and np.isfinite(mean).any():
            at = int(np.nanargmin(mean))
            size = 6 if strong or len(there) <= FEW else 3.4
            ring = {"size": size, "filled": False, "hover": False, "color": color}
            marks.append(mark.points([at], [mean[at]], **ring))
    both = "loss" if one else "both_losses"
    loss = WORDS[{"valid": "val_loss", "train": "train_loss", "both": both}[split]]
    epoch = WORDS["epoch" if split == "train" else "marked_epoch"]
    return Chart(Axis(epoch, (0, most)), Axis(loss, (floor, top)), marks, alt=alt)


def mean_and_spread(losses) -> str:
    if len(losses) < 2:  # one alone, or none
        return "".join(map(digits, losses))
    return WORDS["mean_spread"].format(losses.mean(), losses.std(ddof=1))


def seeds_chart(losses, out, names, *, seeds, pairs=None, seen=(), alt="") -> Chart:
    """Return a row of dots for each setting, a dot for each seed."""
    # `losses` and `out`, whether it diverged, are (settings, seeds). `pairs` joins the
    # dots of a seed, of few settings if it is None. A diamond is the mean, with a
    # spread at each side, on an axis from 0 if that is near, with room for all `seen`.
    count, rows = len(losses), np.arange(len(losses), dtype=float)[::-1]
    fine = [row[np.isfinite(row)] for row in losses]
    known = np.concatenate([*fine, seen]) if any(map(len, fine)) else [0, 1]
    low, high, few = min(known), max(known), count <= FEW
    room = max(0.06 * (high - low or high or 1.0), 0.1 * high)
    floor = 0.0 if 0 <= low < 0.4 * high else low - room
    mean = np.array([row.mean() if len(row) else np.nan for row in fine])
    spread = [row.std(ddof=1) if len(row) > 1 else 0.0 for row in fine]
    joined = losses.T if (few if pairs is None else pairs) else np.zeros((0, count))
    if not few:  # words beside the means would meet
        each = zip(names, mean, strict=True)
        names = [n if np.isnan(m) else f"{n}: {digits(m)}" for n, m in each]
    colors, shapes, _ = zip(*map(mark.style_of, range(count)), strict=True)
    dots = []
    # Seeds beside each other lie at other heights: few dots cover each other.
    aside = 0.24 * ((0.5 + 0.618 * np.arange(len(seeds))) % 1 - 0.5)
    for i, color in enumerate(colors):
        each = zip(seeds, losses[i], strict=True)
        look = {"color": color, "shape": shapes[i], "opacity": 0.7}
        look["tip"] = [WORDS["tip_seed"].format(names[i], *at) for at in each]
        dots.append(mark.points(losses[i], rows[i] + aside, **look))
    thin = {"color": "soft", "width": 0.8, "opacity": 0.5, "hover": False}
    gone = np.flatnonzero(out.any(1))
    lost = {"color": [colors[i] for i in gone], "shape": "x", "size": 6}
    lost["label"] = [WORDS["gone_of"].format(out[i].sum(), len(seeds)) for i in gone]
    still, around = {"color": "ink", "hover": False}, np.outer(spread, [-1, 1])
    look = still | {"shape": "diamond", "size": 6, "strong": True}
    look["label"] = list(map(mean_and_spread, fine)) if few else None
    marks = [
        mark.line(joined, rows + aside[: len(joined), None], **thin),
        *dots,
        mark.line(mean[:, None] + around, rows[:, None] + [0.2, 0.2], width=3, **still),
        mark.points(mean, rows + 0.2, **look),
        mark.points(np.full(len(gone), high + room), rows[gone], **lost),
    ]
    across = Axis(WORDS["seeds"], (floor, high + (2 if len(gone) else 1) * room))
    up = Axis("", (-0.5, count - 0.3), ticks=rows[::-1], texts=names[::-1])
    return Chart(across, up, marks, alt=alt)


def _log_odds(shares):
    """Return log-odds of shares: else all that is tuned would be one heap."""
    shares = np.clip(shares, *_ENDS)
    return np.log(shares / (1 - shares))


def ways_chart(scores, names, tuned, bars, mine) -> Chart:
    """Return a row of dots for each way to tune: test accuracies, and their median."""
    # `scores` and `names` are by way; those that are `tuned` are in color. `bars` are
    # accuracies to reach, `mine` is one of the learner's own, or None.
    mine = [] if mine is None else [mine]
    named = [names[way] for way in scores] + [_RIVALS["you"] for _ in mine]
    top, at = len(named) - 0.4, _log_odds(list(scores.values()))
    rows = len(named) - 1.0 - np.arange(len(scores))[:, None]
    colors = ["blue" if way in tuned else "gray" for way in scores for _ in at[0]]
    middle = np.tile(np.median(at, axis=1, keepdims=True), 2)
    words = [f"{bar:g}".lstrip("0") for bar in bars]
    places, you, over = _log_odds(bars), _log_odds(mine), [top + 0.1] * len(bars)
    marks = [
        mark.rule(places, color="ink", width=1, dash="dashed"),
        mark.rule(you, color="orange", width=1.4),
        mark.points(at.ravel(), np.repeat(rows, len(at[0])), color=colors, opacity=0.5),
        mark.line(middle, rows + np.array([-0.3, 0.3]), color="ink", width=3.4),
        mark.points(you, np.zeros(len(you)), color="orange", shape="diamond", size=7),
        mark.text(places[:-1] - 0.06, over[:-1], words[:-1], anchor="end", size=0.85),
        mark.text(places[-1:] + 0.06, over[-1:], words[-1:], anchor="start", size=0.85),
    ]
    ticks = {"ticks": _log_odds(_TICKS), "texts": [f"{tick:g}" for tick in _TICKS]}
    across = Axis(_RIVALS["axis"], tuple(_log_odds(_ENDS)), **ticks)
    medians = [f"{names[way]}: {np.median(each):.3f}" for way, each in scores.items()]
    alt = [_RIVALS["alt"].format(medians="; ".join(medians))]
    alt = " ".join(alt + [_RIVALS["alt_mine"].format(score=score) for score in mine])
    return Chart(across, Axis("", (-0.6, top + 0.4), texts=named[::-1]), marks, alt=alt)


def map_cells(dataset, grid: int = _SIDE):
    """Return the centers of the cells of a map (cells, 2), from below, with a rim."""
    X = np.concatenate([dataset.train.X, dataset.valid.X])
    low, high = X.min(0), X.max(0)
    edge = 0.08 * (high - low)
    sides = np.linspace(low - edge, high + edge, grid).T
    return np.stack(np.meshgrid(*sides), -1).reshape(-1, 2)


def map_pixels(run, epoch: str = "best") -> np.ndarray:
    """Return the map of a run ("best" or "last" epoch), bottom row first, uint8."""
    # A cell has the color of the likeliest class, the clearer the surer it is: the
    # boundary between two classes is where the color fades.
    shares = np.nan_to_num(softmax(run.outputs(map_cells(run.dataset), epoch)))
    n, likeliest = shares.shape[1], shares.argmax(1)
    sure = np.clip((shares.max(1) - 1 / n) / (1 - 1 / n), 0, 1)
    colors = [_PALETTE[likeliest % len(CLASSES)], 0.62 * sure[:, None] ** 0.8]
    return (255 * np.concatenate(colors, 1)).astype(np.uint8).reshape(_SIDE, _SIDE, 4)


def map_chart(dataset, pixels, *, names=(), size=2.6, **chart) -> Chart:
    """Return the training points over a map's pixels; None draws no map."""
    # `names` of the classes stand above the chart.
    (left, bottom), (right, top) = map_cells(dataset, 2)[[0, -1]]
    part, dots = dataset.train, []
    for n in range(dataset.n_outputs):
        color, shape, _ = mark.style_of(n)
        look = {"size": size, "hover": False, "legend": names[n] if names else None}
        look |= {"color": color, "shape": shape}
        dots.append(mark.points(*part.X[part.y == n].T, **look))
    ground = mark.image(np.zeros((0, 0, 4), np.uint8) if pixels is None else pixels)
    across = Axis(dataset.features[0], (left, right))
    up = Axis(dataset.features[1], (bottom, top))
    return Chart(across, up, [ground, *dots], grid=False, **chart)
