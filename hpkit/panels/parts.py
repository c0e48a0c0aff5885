"""What panels are made of: buttons, rows, lines of text, the style sheet, the code."""

import html
import textwrap
from pathlib import Path
from weakref import WeakSet

import ipywidgets as W

from hpkit.charts.colors import css
from hpkit.data.course_data import SOURCES
from hpkit.data.datasets import load_dataset
from hpkit.hyperparameters import Hyperparameters, check_flag
from hpkit.locale import Texts, words

WORDS = Texts("panels.parts")
FULL = "calc(100% - 4px)"
_WIDTH = 72  # characters of a line of code
_ALWAYS = ("lr", "batch_size", "epochs")
_HERE = Path(__file__).parent
_STYLE = css(".hpkit") + (_HERE / "panel.css").read_text(encoding="utf-8")
_LARGE = (_HERE / "present.css").read_text(encoding="utf-8")
_sheets = WeakSet()
_large = [False]


def button(text, tip, look="", width=None):
    """Return a button."""
    made = W.Button(description=text, tooltip=tip, button_style=look)
    if width:
        made.layout.width = width
    return made


def row(*widgets, name=""):
    """Return widgets side by side, with CSS classes."""
    made = W.HBox(widgets)
    for each in name.split():
        made.add_class(each)
    return made


def buttons(*widgets):
    """Return buttons side by side."""
    return row(*widgets, name="hp-buttons")


def toggles(options, tips=()):
    """Return buttons of which one is chosen, as wide as their words."""
    made = W.ToggleButtons(options=options, tooltips=list(tips))
    made.style.button_width = "auto"
    return made


def named(widget, name):
    """Return a widget with a label for those who do not see where it stands."""
    widget.description = widget.tooltip = name
    widget.add_class("hp-named")
    return widget


def say(text="", *classes):
    """Return a widget for a line of text that keeps its place."""
    line = W.HTML(text)
    for name in classes:
        line.add_class(name)
    return line


def head_of(label):
    """Return the name of a control in bold."""
    return f"<span class='hp-name'>{label}</span>"


# ---- the style sheet, for light and dark themes ------------------------------------


def style_sheet():
    """Return the style sheet as a widget: it must be on the page with the panel."""
    sheet = say(_rules(), "hp-style")
    _sheets.add(sheet)
    return sheet


def _rules():
    """Return the style element, and an image that cannot load, to name the sliders.

    ipywidgets cannot name a slider's handle, and a `script` element set by it never
    runs; the image's `onerror` does. Where a page forbids that, all else works.
    """
    script = (_HERE / "panel.js").read_text(encoding="utf-8")
    for name in ("table", "slider"):
        script = script.replace(f"hp-word-{name}", WORDS[name].replace("'", ""))
    script = html.escape(script, quote=True)
    style = f"<style>{_STYLE}{_LARGE if _large[0] else ''}</style>"
    return f'{style}<img alt="" src="data:," onerror="{script}">'


def present(on: bool = True) -> None:
    """Make all panels of this notebook large, for a projector.

    Parameters
    ----------
    on : bool, default True
        False makes them as before.

    Examples
    --------
    >>> present()
    >>> present(False)
    """
    _large[0] = check_flag("on", on, words("hints")["present"])
    for sheet in list(_sheets):
        sheet.value = _rules()


# ---- the code that a panel shows: a cell that gives the same without it ------------


def call(head, arguments):
    """Return a call, over several lines where one would be too long."""
    line = f"{head}({', '.join(arguments)})"
    if len(line) <= _WIDTH:
        return line
    text = ", ".join(arguments) + ","
    lines = textwrap.wrap(text, _WIDTH - 4, break_long_words=False)
    return "\n    ".join([f"{head}(", *lines]) + "\n)"


def cell(dataset, model, *lines):
    """Return a cell: its first lines say what `data` and `model` are.

    A learner's own are named, not made: the notebook that shows the panel has them.
    """
    name = dataset.name
    course = name in SOURCES and load_dataset(name) is dataset
    data = f'data = hk.load_dataset("{name}")' if course else WORDS["own"].format(name)
    unnamed = [WORDS["model"]] if model_of(model) == ["model=model"] else []
    return "\n".join(["import hpkit as hk", "", data, *unnamed, *lines])


def model_of(model):
    """Return the argument that names a learner's own model, in a list."""
    if model is None or getattr(model, "__module__", "") == "hpkit.engine.dense":
        return []
    name = getattr(model, "__name__", "")
    return [f"model={name if name.isidentifier() else 'model'}"]


def seeds_of(seeds):
    """Return the argument that names seeds, as a range where they are one."""
    first, last, seeds = seeds[0], seeds[-1], list(seeds)
    if seeds != list(range(first, last + 1)):
        return f"seeds={seeds}"
    return f"seeds=range({f'{first}, ' if first else ''}{last + 1})"


def code_of_setting(setting, without=()):
    """Return the call that makes a setting; defaults are left out."""
    plain, parts = Hyperparameters(), []
    for name in setting.__dataclass_fields__:
        value = getattr(setting, name)
        said = name in _ALWAYS or value != getattr(plain, name)
        if said and name not in without:
            parts.append(f"{name}={value!r}")
    return call("hk.Hyperparameters", parts)


def code_of_run(run, *end):
    """Return the cell that trains a run, and ends in its result or in other lines."""
    arguments = ["data", "setting", f"seed={run.seed}", *model_of(run.model)]
    setting = f"setting = {code_of_setting(run.setting)}"
    end = end or ("run.best_val_loss, run.best_epoch",)
    return cell(run.dataset, run.model, setting, call("run = hk.fit", arguments), *end)


def code_of_search(name, dataset, base, model, arguments, *, without=()):
    """Return the cell that runs a search; `base` need not say what is searched."""
    base = f"base = {code_of_setting(base, without)}"
    arguments = ["data", "base", *arguments, *model_of(model)]
    return cell(dataset, model, base, call(f"found = hk.{name}", arguments), "found")
