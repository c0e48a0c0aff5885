"""Building blocks of panels: rows, lists, text, style sheet, code, saved picture.

JupyterLab shows "model not found" for a widget whose kernel is gone, whatever else its
output holds. So a second output has a picture of the widget: the widget hides it while
it is on the page, and the picture hides the error (in browsers from before 2023 the
error stays above it).
"""

import html
from functools import cache
from pathlib import Path

import ipywidgets as W
from IPython import display

from hpkit.charts.spec import css
from hpkit.data.datasets import load_call
from hpkit.engine.dense import network
from hpkit.hyperparameters import NAMES, USUAL, check_flag, names_to_show
from hpkit.locale import Texts, words
from hpkit.text import call_code, model_name, seeds_code

WORDS = Texts("panels.parts", "panels.panel")
VIEW = "application/vnd.jupyter.widget-view+json"
_CSS = {p.stem: p.read_text("utf-8") for p in Path(__file__).parent.glob("*.css")}
_IN_CLASS = _CSS["present"].replace(".hpkit", ".jp-mod-presentationMode .hpkit")
_STYLE = css(".hpkit") + _CSS["panel"] + _IN_CLASS  # JupyterLab's Presentation Mode


def row(*widgets, name=""):
    return W.HBox(widgets, _dom_classes=tuple(name.split()))


def named(widget, name):
    """Return a widget with a label for screen readers, which is also its tooltip."""
    widget.description = widget.tooltip = name
    return widget.add_class("hp-named")


def dropdown(options, name, label=None):
    """Return a list to choose from, called `name`, and a box of it below its label."""
    widget = named(W.Dropdown(options=options), name)
    return widget, W.VBox([label_widget(label or name), widget]).add_class("hp-knob")


def html_widget(text="", *classes):
    return W.HTML(text, _dom_classes=classes)


def label_widget(label):
    return html_widget(f"<span class='hp-name'>{label}</span>")


def style_sheet():
    """Return the style sheet as a widget, the same one in all panels."""
    if _sheet().comm is None:  # after Widget.close_all()
        _sheet.cache_clear()
    return _sheet()


@cache
def _sheet():
    return html_widget(f"<style>{_STYLE}</style>", "hp-style")


def present(on: bool = True) -> None:
    """Make all panels of this notebook large, for a projector; False undoes it.

    Examples
    --------
    >>> hk.present()
    >>> hk.present(False)
    """
    large = _CSS["present"] if check_flag("on", on) else ""
    style_sheet().value = f"<style>{_STYLE}{large}</style>"


def cell(dataset, model, *lines):
    """Return a cell: its first lines say what `data` and `model` are."""
    # A learner's own ones are only named: the notebook with the panel defines them.
    call = load_call(dataset.name, dataset.fingerprint)
    data = f"data = {call}" if call else WORDS["own"].format(dataset.name)
    unnamed = [WORDS["model"]] if _model_argument(model) == ["model=model"] else []
    return "\n".join(["import hpkit as hk", "", data, *unnamed, *lines])


def _model_argument(model):
    """Return the argument that passes a learner's own model, in a list."""
    if model is None or model is network:
        return []
    return [f"model={model_name(model)}"]


def code_of_setting(setting):
    """Return the call that makes a setting; most defaults are left out."""
    names = [name for name in names_to_show(setting, always=USUAL) if name in NAMES]
    values = [f"{name}={getattr(setting, name)!r}" for name in names]
    own = [f"own={dict(setting.own)}"] if setting.own else []
    return call_code("hk.Hyperparameters", [*values, *own])


def code_of_run(run, *end):
    """Return the cell that trains a run, and ends with its result or other lines."""
    objective = run.dataset.objective
    custom = [n for n in ("loss", "metric") if getattr(objective, n, None) is not None]
    arguments = ["data", "setting", f"seed={run.seed}", *_model_argument(run.model)]
    arguments += [f"{name}={name}" for name in custom]
    lines = [WORDS["score"].format(name) for name in custom]
    lines.append(f"setting = {code_of_setting(run.setting)}")
    lines.append(call_code("run = hk.fit", arguments))
    end = end or ("run.best_val_loss, run.best_epoch",)
    return cell(run.dataset, run.model, *lines, *end)


def code_of_runs(dataset, settings, seeds, end, *before):
    """Return the cell that trains settings, given as code, and ends with `end`."""
    items = ",\n    ".join(settings)
    settings = f"settings = [\n    {items},\n]"
    train = f"*_, runs = hk.train(data, settings, {seeds_code(seeds)})"
    return cell(dataset, None, *before, settings, train, end)


def code_of_search(name, dataset, base, model, arguments):
    """Return the cell that runs a search."""
    base = f"base = {code_of_setting(base)}"
    arguments = ["data", "base", *arguments, *_model_argument(model)]
    search = call_code(f"found = hk.{name}", arguments)
    return cell(dataset, model, base, search, "found")


def live_style(widget):
    """Return a style sheet that hides the saved picture while the widget is shown."""
    widget.add_class("hp-mortal")
    rules = _CSS["alive"].replace("NAME", widget.model_id)
    rules = rules.replace("LANGUAGE", words("language")["css"])
    for placeholder, name in (("LINE", "dead"), ("LOST", "lost")):
        rules = rules.replace(placeholder, WORDS[name].replace("'", r"\27 "))
    return f"<style>{rules}</style>"


def show_saved(widget, picture, *, again=False, line="", **bundle):
    """Show a widget and its saved picture (HTML); `again` replaces the picture."""
    # `line` stands below the picture; by default it says that the cell makes it live.
    # `bundle` has text, and perhaps Markdown, for viewers that show no HTML.
    if (comm := widget.comm) is None:  # closed while its picture was drawn
        return
    name = comm.comm_id
    if not again:
        view = {"version_major": 2, "version_minor": 0, "model_id": name}
        # For a widget it no longer has, VS Code shows this text, else an error.
        display.display({VIEW: view, "text/plain": ""}, raw=True)
    line = line or f"<i>{html.escape(WORDS['dead'])}</i>"
    saved = f"<style>{_CSS['dead']}</style>{picture}<p>{line}</p>"
    bundle = {f"text/{kind}": text for kind, text in bundle.items()}
    bundle["text/html"] = f'<div class="hp-saved hp-saved-{name}">{saved}</div>'
    display.display(bundle, raw=True, display_id=f"saved-{name}", update=again)


def close(widget):
    """Close a widget and all that it alone is made of: the page forgets them."""
    if widget.comm is None or "hp-style" in getattr(widget, "_dom_classes", ()):
        return  # other panels need the style sheet
    values = [getattr(widget, name) for name in widget.trait_names(sync=True)]
    widget.close()
    for value in values:
        for part in value if isinstance(value, tuple) else (value,):
            if hasattr(part, "comm"):
                close(part)
