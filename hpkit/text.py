"""Values, settings and results of searches as text for users; tables; lines of code."""

import re
import textwrap
import unicodedata
from html import escape

import numpy as np

from hpkit.hyperparameters import TABLE, USUAL, cut_middle, names_to_show
from hpkit.locale import digits, words

_MOST_TIES = 5  # settings that a sentence names
_TOP = 5  # rows of a short table
_MAX_VALUE_LENGTH = 18  # on a chart
_WIDTH = 72  # of a line of code


def value_text(value) -> str:
    """Return a value as shown to users: 0.3, 16-16, adam."""
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, tuple):
        return "-".join(map(value_text, value)) or words("values")["no_layers"]
    return str(value)


def chart_text(value) -> str:
    """Return a value for a chart: numbers in three digits, long texts shortened."""
    text = value_text(float(f"{value:.3g}") if isinstance(value, float) else value)
    return cut_middle(text, _MAX_VALUE_LENGTH) if isinstance(value, str) else text


def axis_texts(values) -> list:
    """Return the values of an axis as `chart_text`, in full where two became equal."""
    texts = list(map(chart_text, values))
    return texts if len({*texts}) == len({*values}) else list(map(value_text, values))


def named_value(name: str, value) -> str:
    """Return a value with its name: "batch size 16", "no hidden layers"."""
    texts = words("values")
    if name == "hidden" and not value:
        return texts["no_hidden"]
    key = "units" if name == "hidden" else "named"
    return texts[key].format(name=TABLE[name].label, value=value_text(value))


def setting_text(setting, names=None) -> str:
    """Return the values of some hyperparameters: "learning rate 0.3, batch size 16"."""
    if names is None:
        names = names_to_show(setting, always=USUAL)
    return ", ".join(named_value(n, getattr(setting, n)) for n in names)


def short_text(setting, names) -> str:
    values = [(n, getattr(setting, n, None)) for n in names or ["lr"]]
    return ", ".join(TABLE[n].legend.format(chart_text(value)) for n, value in values)


def loss_text(runs, number) -> str:
    loss, spread = digits(runs.mean_val_loss[number]), runs.std_val_loss[number]
    if np.isnan(spread):
        return loss
    key = "spread_folds" if runs.folds else "spread"
    return words("search")[key].format(loss=loss, spread=digits(spread, 2))


def run_sentence(run) -> str:
    """Return what the training curves of a run show."""
    last, train = run.val_loss[-1], run.train_loss[-1]
    key = "run_out" if np.isfinite(run.val_loss[0]) else "run_nan"
    if not run.diverged:  # a run of an Optuna study has no training loss
        key = "run_value" if np.isnan(train) else "run"
    facts = {"setting": short_text(run.setting, ["lr", "batch_size"]), "run": run}
    return words("plots")["told"][key].format(**facts, last=last, train=train)


def curve_text(values, places) -> str:
    """Return the shape of a curve: its start, lowest and highest point, and its end.

    >>> curve_text([0.7, 0.3, 0.3001, np.inf], ["lr 0.1", "lr 1", "lr 3", "lr 10"])
    '0.700 at lr 0.1, falls to 0.300 at lr 1, stays at 0.300 at lr 3'
    """
    texts, finite = words("plots")["told"], np.flatnonzero(np.isfinite(values))
    losses = np.asarray(values)[finite]
    if not len(losses):
        return words("charts")["script"]["unknown"]
    at = sorted({0, int(losses.argmin()), int(losses.argmax()), len(losses) - 1})
    points = ({"loss": losses[k], "value": places[finite[k]]} for k in at)
    first, *later = (texts["point"].format(**point) for point in points)
    signs = np.sign(np.diff([float(digits(loss)) for loss in losses[at]])).astype(int)
    moves = (texts[("stays", "rises", "falls")[sign]] for sign in signs)
    return ", ".join([first, *map(str.format, moves, later)])


def search_sentences(search, beside_table=False) -> list:
    """Return the results of a search; beside its table only what that does not show."""
    texts = words("search")
    kind, dataset = texts["kinds"][search.kind], search.dataset.name
    sentences = [texts["head"].format(kind=kind, dataset=dataset, cost=search.cost)]
    weighted = any(s.class_weight != "none" for s in search.settings)
    notes = {"folds": search.runs.folds, "weighted": weighted}
    notes["unfinished"] = not search.finished
    sentences += [texts[key] for key, applies in notes.items() if applies]
    if search.cost.epochs == 0:
        return [*sentences, texts["nothing"]]
    if not beside_table:
        sentences += step_sentences(search)
        for rung in search.rungs:
            facts = {"there": len(rung.settings), "kept": len(rung.kept)}
            sentences.append(texts["rung"].format(epoch=rung.epoch, **facts))
    return sentences + best_sentences(search, beside_table)


def best_sentences(search, beside_table=False, on_map=False) -> list:
    texts, runs, names = words("search"), search.runs, tuple(search.space)
    diverged, tried = runs.diverged.any(1), (runs.epochs_done >= 0).any(1)
    lost = lost_sentences(search)
    if diverged[tried].all():
        key = "all_diverged" if runs.diverged.sum() == len(runs) else "each_diverged"
        had_loss = np.isfinite(runs.val_loss[tried][..., 0]).any()
        return lost if beside_table else [texts[key if had_loss else "all_nan"], *lost]
    too_early = not (search.finished or search.runs_done)
    edges = [] if too_early else edge_sentences(search)
    if beside_table:
        return edges + _metric_sentences(search) + lost
    key = "best_value" if search.kind == "optuna_study" else "best_one"
    seeds = (runs.epochs_done[runs.order[0]] >= 0).sum()
    key = "best" if seeds > 1 else key
    key = "none_learned" if not runs.best_epoch.any() else key
    setting, loss = setting_text(search.best, names), loss_text(runs, runs.order[0])
    sentences = [texts[key].format(setting=setting, loss=loss)]
    if not too_early and (ties := search.ties):
        key = "ties_folds" if runs.folds else "ties"
        if on_map:
            key = "framed" if len(ties) > 1 else "framed_one"
        facts = {"seeds": seeds, "settings": _any_of(ties, names)}
        sentences.append(texts[key].format(**facts, n=len(ties)))
    sentences += edges
    if diverged.any() and not on_map:
        key = "diverged" if len(runs.seeds) > 1 else "diverged_one"
        sentences.append(texts[key].format(count=diverged.sum(), all=tried.sum()))
    return sentences + _metric_sentences(search) + lost


def _shorten(texts):
    if len(texts) <= _MOST_TIES:
        return texts
    return [*texts[:3], words("search")["others"].format(len(texts) - 3)]


def _any_of(settings, names):
    """Return settings as "0.3, 0.5 or 1", with names where there are several."""
    key, separator = "or_long", "; "
    texts = [setting_text(setting, names) for setting in settings]
    if len(names) == 1:
        key, separator = "or", ", "
        texts = [value_text(getattr(setting, *names)) for setting in settings]
    *texts, last = _shorten(texts)
    return words("search")[key].format(separator.join(texts), last) if texts else last


def _metric_sentences(search) -> list:
    """Return where the user's metric is highest; ties and edges go by the loss."""
    texts, runs, sentences = words("search"), search.runs, []
    if runs.best_val_metric is None:
        return []
    is_nan = np.isnan(runs.best_val_metric[runs.epochs_done >= 0])
    if not np.isnan(runs.mean_val_metric[~runs.unfit]).all():
        best = search.best_by("metric")
        value = digits(runs.mean_val_metric[search.settings.index(best)])
        facts = {"setting": setting_text(best, search.space), "value": value}
        sentences.append(texts["metric"].format(**facts))
    if count := is_nan.sum():
        sentences.append(texts["metric_nan"].format(count=count, all=is_nan.size))
    return sentences


def lost_sentences(search) -> list:
    sentences = []
    for lost in search.lost:  # its runs are in any order
        settings = dict.fromkeys(search.settings[i] for i, _ in sorted(lost.runs))
        texts = _shorten([setting_text(setting, search.space) for setting in settings])
        facts = {"count": len(lost.runs), "places": "; ".join(texts)}
        facts["reason"] = lost.reason.rstrip(".")
        sentences.append(words("search")["lost"].format(**facts))
    return sentences


def edge_sentences(search) -> list:
    sentences = []
    for name, end in search.edge.items():
        values, kind, value = search._listed(name), "edge", getattr(search.best, name)
        known = search._tried(name)
        if not isinstance(values, tuple) and value not in (min(known), max(known)):
            kind, value = "range", values.low if end == "lowest" else values.high
        facts = {"name": TABLE[name].label, "value": value_text(value)}
        sentences.append(words("search")[f"{kind}_{end}"].format(**facts))
    return sentences


def step_sentences(search) -> list:
    sentences = []
    for number, step in enumerate(search.steps, 1):
        others = [name for name in search.space if name != step.name]
        facts = {"number": number, "others": setting_text(step.base, others)}
        facts |= {"name": TABLE[step.name].label, "cost": step.cost}
        facts["tried"] = ", ".join(map(value_text, step.values))
        key = ("step" if step.winner else "step_open") + ("" if others else "_alone")
        if step.winner:
            at = search.settings.index(step.winner)
            facts["value"] = value_text(getattr(step.winner, step.name))
            facts["loss"] = loss_text(search.runs, at)
            key = "step_out" if search.runs.unfit[at] else key
        sentences.append(words("search")[key].format(**facts))
    return sentences


def short_table(caption, runs, names, notes) -> str:
    """Return the best settings as an HTML table; `notes` are by number of setting."""
    texts = words("table")
    order = [i for i in runs.order if (runs.epochs_done[i] >= 0).any()]
    metric, epochs = runs.mean_val_metric, runs.median_best_epoch
    loss_head = texts["loss_spread" if len(runs.seeds) > 1 else "loss"]
    metric_heads = [] if metric is None else [texts["metric"]]
    heads = [texts["rank"], *names, loss_head, *metric_heads, texts["epoch"], ""]
    # A line that says "1 more" takes as much room as the row itself.
    top = _TOP if len(order) > _TOP + 1 else len(order)
    rows = []
    for rank, i in enumerate(order[:top], 1):
        loss = digits(runs.mean_val_loss[i]).replace("inf", "")  # its note says more
        if np.isfinite(runs.std_val_loss[i]):
            loss += f" \N{PLUS-MINUS SIGN} {digits(runs.std_val_loss[i], 2)}"
        values = [value_text(getattr(runs.settings[i], name)) for name in names]
        values += [loss] if metric is None else [loss, digits(metric[i])]
        rows.append([rank, *values, epochs[i], notes.get(i, "")])
    omitted = len(order) - top
    foot = f"<p>{texts['more'].format(count=omitted)}</p>" if omitted else ""
    above = f"<p style='max-width:46em'>{escape(caption)}</p>"
    return above + html_table(heads, rows) + foot


def html_table(heads, rows, *, row_heads=False, style="", cell=""):
    """Return a table as HTML, with the contents of cells escaped."""
    # `row_heads`: the first cell of a row is its heading; `style`, `cell`: CSS of the
    # table and of each of its cells.
    head, data = _cell("th scope='col'", cell), _cell("td", cell)
    first = _cell("th scope='row'", f"font-weight:normal;{cell}") if row_heads else data
    rows = (first(name) + "".join(map(data, cells)) for name, *cells in rows)
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    top = f"<thead><tr>{''.join(map(head, heads))}</tr></thead>"
    style = words("language")["css"] + style
    return f"<table{_style_attribute(style)}>{top}<tbody>{body}</tbody></table>"


def _cell(tag, style=""):
    start, end = f"<{tag}{_style_attribute(style)}>", f"</{tag.split()[0]}>"
    return lambda content: start + escape(str(content)) + end


def _style_attribute(style):
    return style and f" style='{style}'"


def text_lines(rows, *, right=False, rule=False):
    """Return a line for each row of texts, with aligned columns."""
    # `right`: all columns but the last one are aligned at the right, as numbers are;
    # `rule`: a rule separates the first row, the heads, from the others.
    widths = [max(map(display_width, column)) for column in zip(*rows, strict=True)]
    if rule:
        rows = [rows[0], ["-" * width for width in widths], *rows[1:]]
    lines = []
    for *cells, last in rows:
        for k, cell in enumerate(cells):
            padding = " " * (widths[k] - display_width(cell))
            cells[k] = padding + cell if right else cell + padding
        lines.append("  ".join([*cells, last]).rstrip())
    return lines


def wrap_text(text, width=84):
    """Return a text wrapped at so many columns of a terminal."""
    text = "".join(char + "\0" * (display_width(char) - 1) for char in text)
    return textwrap.fill(text, width, break_on_hyphens=False).replace("\0", "")


def display_width(text):
    """Return how many columns of a terminal a text takes: two for a Korean letter."""
    return sum(1 + (unicodedata.east_asian_width(c) in "WF") for c in text)


def call_code(head, arguments):
    """Return the code of a call, on several lines where one would be too long."""
    text = ", ".join(arguments)
    if len(head) + len(text) + 2 <= _WIDTH:
        return f"{head}({text})"
    # Break no line inside a string.
    text = re.sub(r"'[^']*'", lambda match: match[0].replace(" ", "\0"), f"{text},")
    options = {"break_long_words": False, "break_on_hyphens": False}
    lines = textwrap.wrap(text, _WIDTH - 4, **options)
    return "\n    ".join([f"{head}(", *lines]).replace("\0", " ") + "\n)"


def seeds_code(seeds):
    """Return the code of the argument `seeds`, a range where they are consecutive."""
    seeds, span = list(seeds), range(seeds[0], seeds[0] + len(seeds))
    code = str(span if seeds == list(span) else seeds)
    return "seeds=" + code.replace("range(0, ", "range(")


def model_name(model):
    """Return what code calls a learner's model: its name, if it is one in Python."""
    name = getattr(model, "__name__", "")
    return name if name.isidentifier() else "model"


def file_stem(name):
    return re.sub(r"[^\w]+", "-", name)[:60].strip("-")
