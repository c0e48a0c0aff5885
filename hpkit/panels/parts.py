"""What panels are made of: rows, lists, text, style sheet, code, saved picture.

JupyterLab says "model not found" for a widget that no kernel has any more, whatever
else its output holds. So a second output has a picture of it: the widget hides that
while it is on the page, and the picture hides the error (not in browsers of before
2023: there it is below it).
"""

import html
from pathlib import Path
from weakref import WeakSet

import ipywidgets as W

from hpkit.charts.spec import css
from hpkit.data.datasets import load_call
from hpkit.engine.dense import DEFAULT_OBJECTIVE
from hpkit.hyperparameters import NAMES, Hyperparameters, check_flag, varied
from hpkit.locale import Texts, words
from hpkit.text import call_code, seeds_code

WORDS = Texts("panels.parts", "panels.panel")
VIEW = "application/vnd.jupyter.widget-view+json"
USUAL = "lr", "batch_size", "epochs"  # that code names, and panels have controls for
_CSS = {p.stem: p.read_text("utf-8") for p in Path(__file__).parent.glob("*.css")}
_IN_CLASS = _CSS["present"].replace(".hpkit", ".jp-mod-presentationMode .hpkit")
_STYLE = css(".hpkit") + _CSS["panel"] + _IN_CLASS  # JupyterLab's Presentation Mode
_sheets = WeakSet()
_large = [False]


def row(*widgets, name=""):
    return W.HBox(widgets, _dom_classes=tuple(name.split()))


def named(widget, name):
    """Return a widget with a label for those who do not see where it stands."""
    widget.description = widget.tooltip = name
    return widget.add_class("hp-named")


def dropdown(options, name, label=None):
    """Return a list to choose from, called `name`, and a box of it below its label."""
    made = named(W.Dropdown(options=options), name)
    return made, W.VBox([label_widget(label or name), made]).add_class("hp-knob")


def html_widget(text="", *classes):
    return W.HTML(text, _dom_classes=classes)


def label_widget(label):
    return html_widget(f"<span class='hp-name'>{label}</span>")


def style_sheet():
    """Return the style sheet as a widget: it must be on the page with the panel."""
    sheet = html_widget(_rules(), "hp-style")
    _sheets.add(sheet)
    return sheet


def _rules():
    return f"<style>{_STYLE}{_CSS['present'] if _large[0] else ''}</style>"


def present(on: bool = True) -> None:
    """Make all panels of this notebook large, for a projector; False undoes it.

    Examples
    --------
    >>> hk.present()
    >>> hk.present(False)
    """
    _large[0] = check_flag("on", on)
    for sheet in list(_sheets):
        sheet.value = _rules()


def cell(dataset, model, *lines):
    """Return a cell: its first lines say what `data` and `model` are."""
    # A learner's own are named, not made: the notebook that shows the panel has them.
    made = load_call(dataset.name, dataset.fingerprint)
    data = f"data = {made}" if made else WORDS["own"].format(dataset.name)
    unnamed = [WORDS["model"]] if _model_of(model) == ["model=model"] else []
    return "\n".join(["import hpkit as hk", "", data, *unnamed, *lines])


def is_of_course(dataset):
    """Return whether `load_dataset` gives this data set by its name alone."""
    made = load_call(dataset.name, dataset.fingerprint)
    return bool(made) and "seed=" not in made


def _model_of(model):
    """Return the argument that names a learner's own model, in a list."""
    if model is None or getattr(model, "__module__", "") == "hpkit.engine.dense":
        return []
    name = getattr(model, "__name__", "")
    return [f"model={name if name.isidentifier() else 'model'}"]


def code_of_setting(setting):
    """Return the call that makes a setting; defaults are left out."""
    said = {*varied([setting, Hyperparameters()]), *USUAL}
    parts = [f"{name}={getattr(setting, name)!r}" for name in NAMES if name in said]
    own = [f"own={dict(setting.own)}"] if setting.own else []
    return call_code("hk.Hyperparameters", [*parts, *own])


def code_of_run(run, *end):
    """Return the cell that trains a run, and ends in its result or in other lines."""
    scores = vars(run.dataset.objective or DEFAULT_OBJECTIVE)
    own = [name for name in ("loss", "metric") if scores[name] is not None]
    arguments = ["data", "setting", f"seed={run.seed}", *_model_of(run.model)]
    arguments += [f"{name}={name}" for name in own]
    lines = [WORDS["score"].format(name) for name in own]
    lines.append(f"setting = {code_of_setting(run.setting)}")
    lines.append(call_code("run = hk.fit", arguments))
    end = end or ("run.best_val_loss, run.best_epoch",)
    return cell(run.dataset, run.model, *lines, *end)


def code_of_runs(dataset, settings, seeds, end, *before):
    """Return the cell that trains settings, given as code, and ends in their result."""
    listed = ",\n    ".join(settings)
    made = f"settings = [\n    {listed},\n]"
    run = f"*_, runs = hk.train(data, settings, {seeds_code(seeds)})"
    return cell(dataset, None, *before, made, run, end)


def code_of_search(name, dataset, base, model, arguments):
    """Return the cell that runs a search."""
    base = f"base = {code_of_setting(base)}"
    arguments = ["data", "base", *arguments, *_model_of(model)]
    search = call_code(f"found = hk.{name}", arguments)
    return cell(dataset, model, base, search, "found")


def live_style(widget):
    """Return style for HTML in a widget: no saved picture while that is shown."""
    widget.add_class("hp-mortal")
    rules = _CSS["alive"].replace("NAME", widget.model_id)
    rules = rules.replace("LANGUAGE", words("language")["css"])
    for place, name in (("LINE", "dead"), ("LOST", "lost")):
        rules = rules.replace(place, WORDS[name].replace("'", r"\27 "))
    return f"<style>{rules}</style>"


def show_saved(widget, picture, *, again=False, line="", **bundle):
    """Show a widget and its saved picture (HTML); `again` another picture of it."""
    # `line` stands below the picture; default: that the cell makes it live. `bundle`
    # has text, and perhaps Markdown, for where no HTML is shown.
    from IPython.display import display

    if (comm := widget.comm) is None:  # closed while its picture was drawn
        return
    name = comm.comm_id
    if not again:
        view = {"version_major": 2, "version_minor": 0, "model_id": name}
        # VS Code shows the text of a widget that it no longer has, or an error.
        display({VIEW: view, "text/plain": ""}, raw=True)
    line = line or f"<i>{html.escape(WORDS['dead'])}</i>"
    saved = f"<style>{_CSS['dead']}</style>{picture}<p>{line}</p>"
    bundle = {f"text/{kind}": text for kind, text in bundle.items()}
    bundle["text/html"] = f'<div class="hp-saved hp-saved-{name}">{saved}</div>'
    display(bundle, raw=True, display_id=f"saved-{name}", update=again)


def close(widget):
    """Close a widget and all that it is made of: the page forgets them."""
    if widget.comm is None:
        return
    parts = [getattr(widget, name) for name in widget.trait_names(sync=True)]
    widget.close()
    for part in parts:
        for each in part if isinstance(part, tuple) else (part,):
            if hasattr(each, "comm"):
                close(each)
