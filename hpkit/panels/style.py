"""Colors and the style sheet of all panels, for JupyterLab's light and dark themes.

Okabe and Ito's colors (2008) can be told apart with color-blind eyes; on a dark page
their lighter ones stand in. Lines differ in style or in a label as well.
"""

import html
from pathlib import Path
from weakref import WeakSet

import ipywidgets as W

from hpkit.charts.colors import CLASSES, COLORS, PINNED, variables
from hpkit.hyperparameters import check_flag

__all__ = ["CLASSES", "COLORS", "PINNED"]


def css_color(name):
    """Return a color that follows the page's theme."""
    return f"var(--hp-{name}, {COLORS[name][0]})"


HERE = Path(__file__).parent
STYLE = (
    f".hpkit{{{variables(0)}}}"
    f'[data-jp-theme-light="false"] .hpkit{{{variables(1)}}}'
    + (HERE / "panel.css").read_text(encoding="utf-8")
)


LARGE = (HERE / "present.css").read_text(encoding="utf-8")
_sheets = WeakSet()
_large = [False]


def style_sheet():
    """Return the style sheet as a widget: it must be on the page with the panel."""
    sheet = W.HTML(rules())
    sheet.add_class("hp-style")
    _sheets.add(sheet)
    return sheet


def rules():
    """Return the style element, and an image that cannot load, to name the sliders.

    ipywidgets cannot name a slider's handle, and a `script` element set by it never
    runs; the image's `onerror` does. Where a page forbids that, all else works.
    """
    script = html.escape((HERE / "panel.js").read_text(encoding="utf-8"), quote=True)
    style = f"<style>{STYLE}{LARGE if _large[0] else ''}</style>"
    return f'{style}<img alt="" src="data:," onerror="{script}">'


def present(on=True):
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
    _large[0] = check_flag("on", on, "write hpkit.present() or hpkit.present(False)")
    for sheet in list(_sheets):
        sheet.value = rules()
