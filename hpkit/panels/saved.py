"""A saved picture beside a widget, for where no kernel has the widget any more.

JupyterLab says "model not found" for such a widget, whatever else its output holds. So
a second output has the picture: the widget hides it while it is on the page, and it
hides that error (not in browsers of before 2023: there the picture is below it).
"""

import html

from hpkit.locale import Texts

WORDS = Texts("panels.panel")
VIEW = "application/vnd.jupyter.widget-view+json"
_DEAD = (
    "<style>.jp-OutputArea:has(.hp-saved) .jp-OutputArea-child>.lm-Panel:not(:has(*)),"
    ".output:has(.hp-saved) .jupyter-widgets-view:not(:has(*)){display:none}</style>"
)
# After a restart of the kernel the widget stays on the page, with a sign at each part.
_ALIVE = (
    "<style>.hp-saved-{name}{{display:none}}"
    ".hp-mortal .jupyter-widgets-disconnected::before{{display:none}}"
    ".hp-mortal.jupyter-widgets-disconnected{{pointer-events:none}}"
    ".hp-mortal.jupyter-widgets-disconnected::before{{content:'{line}';order:9;"
    "font:inherit;font-style:italic;color:inherit;margin:.5em 0 0}}</style>"
)


def alive(widget):
    """Return style for HTML in a widget: no saved picture while that is shown."""
    widget.add_class("hp-mortal")
    return _ALIVE.format(name=widget.model_id, line=WORDS["dead"])


def show(widget, picture, *, again=False, line="", **bundle):
    """Show a widget and its saved picture (HTML), or, `again`, another picture of it.

    `line` stands below the picture; default: that the cell makes it live.

    `bundle` has text, and perhaps Markdown, for where no HTML is shown.
    """
    from IPython.display import display

    name = widget.model_id
    if not again:
        view = {"version_major": 2, "version_minor": 0, "model_id": name}
        display({VIEW: view}, raw=True)
    line = line or f"<i>{html.escape(WORDS['dead'])}</i>"
    saved = f"{_DEAD}{picture}<p>{line}</p>"
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
