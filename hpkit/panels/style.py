"""The style sheet of all panels, for JupyterLab's light and dark themes."""

import html
from pathlib import Path
from weakref import WeakSet

import ipywidgets as W

from hpkit.charts.colors import css
from hpkit.hyperparameters import check_flag

_HERE = Path(__file__).parent
_STYLE = css(".hpkit") + (_HERE / "panel.css").read_text(encoding="utf-8")
_LARGE = (_HERE / "present.css").read_text(encoding="utf-8")
_sheets = WeakSet()
_large = [False]


def style_sheet():
    """Return the style sheet as a widget: it must be on the page with the panel."""
    sheet = W.HTML(_rules())
    sheet.add_class("hp-style")
    _sheets.add(sheet)
    return sheet


def _rules():
    """Return the style element, and an image that cannot load, to name the sliders.

    ipywidgets cannot name a slider's handle, and a `script` element set by it never
    runs; the image's `onerror` does. Where a page forbids that, all else works.
    """
    script = html.escape((_HERE / "panel.js").read_text(encoding="utf-8"), quote=True)
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
    _large[0] = check_flag("on", on, "write hpkit.present() or hpkit.present(False)")
    for sheet in list(_sheets):
        sheet.value = _rules()
