"""Values, settings and what a search has found, as a learner reads them; tables."""

import re
import textwrap
import unicodedata
from html import escape

import numpy as np

from hpkit.hyperparameters import TABLE, cut_middle
from hpkit.locale import digits, words

_MOST_TIES = 5  # settings that a sentence names
_TOP = 5  # rows of a short table
_LONGEST_VALUE = 18  # letters, on a chart
_WIDTH = 72  # characters of a line of code


def value_text(value) -> str:
    """Return a value as a learner reads it: 0.3, 16-16, adam."""
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, tuple):
        return "-".join(map(value_text, value)) or words("values")["no_layers"]
    return str(value)


def chart_text(value) -> str:
    """Return a value for a chart: three digits, a text without its middle."""
    text = value_text(float(f"{value:.3g}") if isinstance(value, float) else value)
    return cut_middle(text, _LONGEST_VALUE) if isinstance(value, str) else text


def axis_texts(values) -> list:
    """Return values for an axis: `on_chart` where all of them still differ."""
    said = list(map(chart_text, values))
    return said if len({*said}) == len({*values}) else list(map(value_text, values))


def named_value(name: str, value) -> str:
    """Return a value with its name: "batch size 16", "no hidden layers"."""
    texts = words("values")
    if name == "hidden" and not value:
        return texts["no_hidden"]
    kind = "units" if name == "hidden" else "named"
    return texts[kind].format(name=TABLE[name].label, value=value_text(value))


def setting_text(setting, names) -> str:
    """Return the values of some hyperparameters: "learning rate 0.3, batch size 16"."""
    return ", ".join(named_value(n, getattr(setting, n)) for n in names)


def short_text(setting, names) -> str:
    values = [(n, getattr(setting, n, None)) for n in names or ["lr"]]
    return ", ".join(TABLE[n].legend.format(chart_text(value)) for n, value in values)


def loss_text(runs, number) -> str:
    loss, spread = digits(runs.mean_val_loss[number]), runs.std_val_loss[number]
    if np.isnan(spread):
        return loss
    one = "spread_folds" if runs.folds else "spread"
    return words("search")[one].format(loss=loss, spread=digits(spread, 2))


def run_sentence(run) -> str:
    """Return what the training curves of a run show."""
    facts = {"run": run, "setting": short_text(run.setting, ["lr", "batch_size"])}
    facts |= {"last": run.val_loss[-1], "train": run.train_loss[-1]}
    one = "run_out" if run.diverged else "run"
    one = "run_nan" if np.isinf(run.best_val_loss) else one
    return words("plots")["told"][one].format(**facts)


def curve_text(values, places) -> str:
    """Return how a curve goes: its start, lowest and highest point, and its end.

    >>> course([0.7, 0.3, 0.5, np.inf], ["lr 0.1", "lr 1", "lr 3", "lr 10"])
    '0.700 at lr 0.1, falls to 0.300 at lr 1, rises to 0.500 at lr 3'
    """
    say, there = words("plots")["told"], np.flatnonzero(np.isfinite(values))
    known = np.asarray(values)[there]
    if not len(known):
        return words("charts")["script"]["unknown"]
    at = sorted({0, int(known.argmin()), int(known.argmax()), len(known) - 1})
    points = ({"loss": known[k], "value": places[there[k]]} for k in at)
    first, *later = (say["point"].format(**point) for point in points)
    ways = np.sign(np.diff(known[at])).astype(int)
    ways = (say[("stays", "rises", "falls")[way]] for way in ways)
    return ", ".join([first, *map(str.format, ways, later)])


def search_sentences(search, beside_table=False) -> list:
    """Return what a search has found, as sentences; or only what no table shows."""
    say = words("search")
    kind, dataset = say["kinds"][search.kind], search.dataset.name
    found = [say["head"].format(kind=kind, dataset=dataset, cost=search.cost)]
    found += [say["folds"]] if search.runs.folds else []
    weighted = any(s.class_weight != "none" for s in search.settings)
    found += [say["weighted"]] if weighted else []
    found += [] if search.finished else [say["unfinished"]]
    if search.cost.epochs == 0:
        return [*found, say["nothing"]]
    if not beside_table:
        found += step_sentences(search)
        for rung in search.rungs:
            there, kept = len(rung.settings), len(rung.kept)
            found.append(say["rung"].format(epoch=rung.epoch, there=there, kept=kept))
    return found + best_sentences(search, beside_table)


def best_sentences(search, beside_table=False, on_map=False) -> list:
    say, runs, names = words("search"), search.runs, tuple(search.space)
    diverged, tried = runs.diverged.any(1), (runs.epochs_done >= 0).any(1)
    lost = lost_sentences(search)
    if diverged[tried].all():
        known = np.isfinite(runs.val_loss[tried][..., 0]).any()
        out = say["all_diverged" if known else "all_nan"]
        return lost if beside_table else [out, *lost]
    early = not (search.finished or search.runs_done)
    last = [] if early else _edge_sentences(search)
    if beside_table:
        return last + _metric_sentences(search) + lost
    one = "best_value" if search.kind == "optuna_study" else "best_one"
    one, out = ("best", "diverged") if len(runs.seeds) > 1 else (one, "diverged_one")
    loss = loss_text(runs, runs.order[0])
    found = [say[one].format(loss=loss, setting=setting_text(search.best, names))]
    ties = () if early else search.ties
    if ties:
        kind = "ties_folds" if runs.folds else "ties"
        if on_map:
            kind = "framed" if len(ties) > 1 else "framed_one"
        facts = {"seeds": len(runs.seeds), "settings": _any_of(ties, names)}
        found.append(say[kind].format(**facts, n=len(ties)))
    if diverged.any() and not on_map:
        last.append(say[out].format(count=diverged.sum(), all=tried.sum()))
    return found + last + _metric_sentences(search) + lost


def _few(said):
    if len(said) <= _MOST_TIES:
        return said
    return [*said[:3], words("search")["others"].format(len(said) - 3)]


def _any_of(settings, names):
    """Return settings as "0.3, 0.5 or 1", without the name where it is only one."""
    kind, between, say = "or_long", "; ", setting_text
    if len(names) == 1:
        kind, between, say = "or", ", ", lambda s, names: value_text(getattr(s, *names))
    *said, last = _few([say(setting, names) for setting in settings])
    return words("search")[kind].format(between.join(said), last) if said else last


def _metric_sentences(search) -> list:
    """Return where a learner's own metric is highest; ties and edges know the loss."""
    say, runs, found = words("search"), search.runs, []
    if (each := runs.best_val_metric) is None:
        return []
    unknown, means = np.isnan(each[runs.epochs_done >= 0]), runs.mean_val_metric
    if not unknown.all():
        best = search.best_by("metric")
        value = digits(means[search.settings.index(best)])
        facts = {"setting": setting_text(best, search.space), "value": value}
        found.append(say["metric"].format(**facts))
    if count := unknown.sum():
        found.append(say["metric_nan"].format(count=count, all=unknown.size))
    return found


def lost_sentences(search) -> list:
    found = []
    for lost in search.lost:  # in any order
        settings = dict.fromkeys(search.settings[i] for i, _ in sorted(lost.runs))
        said = _few([setting_text(setting, search.space) for setting in settings])
        facts = {"count": len(lost.runs), "places": "; ".join(said)}
        facts["reason"] = lost.reason.rstrip(".")
        found.append(words("search")["lost"].format(**facts))
    return found


def _edge_sentences(search) -> list:
    found = []
    for name, end in search.edge.items():
        values = search._listed(name)
        if isinstance(values, tuple):
            kind, value = "edge", getattr(search.best, name)
        else:
            kind, value = "range", values.low if end == "lowest" else values.high
        say = words("search")[f"{kind}_{end}"]
        found.append(say.format(name=TABLE[name].label, value=value_text(value)))
    return found


def step_sentences(search) -> list:
    found = []
    for number, step in enumerate(search.steps, 1):
        others = [name for name in search.space if name != step.name]
        facts = {"number": number, "others": setting_text(step.base, others)}
        facts |= {"name": TABLE[step.name].label, "cost": step.cost}
        facts["tried"] = ", ".join(map(value_text, step.values))
        one = ("step" if step.winner else "step_open") + ("" if others else "_alone")
        if step.winner:
            at = search.settings.index(step.winner)
            facts["value"] = value_text(getattr(step.winner, step.name))
            facts["loss"] = loss_text(search.runs, at)
            one = "step_nan" if np.isinf(search.runs.mean_val_loss[at]) else one
        found.append(words("search")[one].format(**facts))
    return found


def short_table(caption, runs, names, notes) -> str:
    """Return the best settings as an HTML table; `notes` are words by their number."""
    say = words("table")
    order = [i for i in runs.order if (runs.epochs_done[i] >= 0).any()]
    metric, epochs = runs.mean_val_metric, runs.median_best_epoch
    own = [] if metric is None else [say["metric"]]
    loss = say["loss_spread" if len(runs.seeds) > 1 else "loss"]
    heads = [say["rank"], *names, loss, *own, say["epoch"], ""]
    # To say that there is one more takes as much room as to show it.
    top = _TOP if len(order) > _TOP + 1 else len(order)
    rows = []
    for rank, i in enumerate(order[:top], 1):
        loss = digits(runs.mean_val_loss[i])
        if np.isfinite(runs.std_val_loss[i]):
            loss += f" \N{PLUS-MINUS SIGN} {digits(runs.std_val_loss[i], 2)}"
        values = [value_text(getattr(runs.settings[i], name)) for name in names]
        own = [] if metric is None else [f"{metric[i]:.3g}"]
        rows.append([rank, *values, loss, *own, epochs[i], notes.get(i, "")])
    more = len(order) - top
    foot = f"<p>{say['more'].format(count=more)}</p>" if more > 0 else ""
    return html_table(heads, rows, caption=caption) + foot


def html_table(heads, rows, *, caption="", row_heads=False, style="", cell=""):
    """Return a table as HTML; what the cells hold is escaped."""
    # `row_heads`: the first cell of a row names it; `style`, `cell`: CSS of the table
    # and of each of its cells.
    head, data = _cell("th scope='col'", cell), _cell("td", cell)
    first = _cell("th scope='row'", f"font-weight:normal;{cell}") if row_heads else data
    rows = (first(name) + "".join(map(data, cells)) for name, *cells in rows)
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    top = caption and _cell("caption", "text-align:left")(caption)
    top += f"<thead><tr>{''.join(map(head, heads))}</tr></thead>"
    style = words("language")["css"] + style
    return f"<table{_css(style)}>{top}<tbody>{body}</tbody></table>"


def _cell(tag, style=""):
    start, end = f"<{tag}{_css(style)}>", f"</{tag.split()[0]}>"
    return lambda content: start + escape(str(content)) + end


def _css(style):
    return style and f" style='{style}'"


def markdown_table(heads, rows):
    lines = [heads, ["---"] * len(heads), *rows]
    lines = [[str(cell).replace("|", "\\|") for cell in line] for line in lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def text_lines(rows, *, right=False, rule=False):
    """Return a line for each row of texts, with the columns below each other."""
    # `right`: all columns but the last one end at the same place, as numbers do;
    # `rule`: a rule parts the first row, the heads, from the others.
    widths = [max(map(display_width, column)) for column in zip(*rows, strict=True)]
    if rule:
        rows = [rows[0], ["-" * width for width in widths], *rows[1:]]
    lines = []
    for *cells, last in rows:
        each = zip(cells, widths, strict=False)
        pads = [" " * (width - display_width(cell)) for cell, width in each]
        parts = [p + c if right else c + p for c, p in zip(cells, pads, strict=True)]
        lines.append("  ".join([*parts, last]).rstrip())
    return lines


def wrapped(text, width=84):
    """Return a text in lines of so many columns."""
    text = "".join(letter + "\0" * (display_width(letter) - 1) for letter in text)
    return textwrap.fill(text, width, break_on_hyphens=False).replace("\0", "")


def display_width(text):
    """Return how wide a text is in a terminal: a letter of Korean is two others."""
    return sum(1 + (unicodedata.east_asian_width(c) in "WF") for c in text)


def call_code(head, arguments):
    """Return a call, over several lines where one would be too long."""
    text = ", ".join(arguments)
    if len(head) + len(text) + 2 <= _WIDTH:
        return f"{head}({text})"
    text = re.sub(r"'[^']*'", lambda one: one[0].replace(" ", "\0"), f"{text},")
    whole = {"break_long_words": False, "break_on_hyphens": False}
    lines = textwrap.wrap(text, _WIDTH - 4, **whole)
    return "\n    ".join([f"{head}(", *lines]).replace("\0", " ") + "\n)"


def seeds_code(seeds):
    """Return the argument that names seeds, as a range where they are one."""
    seeds, span = list(seeds), range(seeds[0], seeds[0] + len(seeds))
    said = str(span if seeds == list(span) else seeds)
    return "seeds=" + said.replace("range(0, ", "range(")


def file_stem(name):
    return re.sub(r"[^\w]+", "-", name)[:60].strip("-")
