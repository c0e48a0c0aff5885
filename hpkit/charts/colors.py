"""The palette of all charts, panels and pictures, for light and for dark pages.

Okabe and Ito's colors (2008) can be told apart with color-blind eyes. On a dark page
their lighter ones stand in. Whatever differs in color differs in shape, dash or label
as well.
"""

import numpy as np

# name: on a light page (and in every still picture), on a dark page
COLORS = {
    "blue": ("#0072B2", "#56B4E9"),
    "orange": ("#D55E00", "#E69F00"),
    "green": ("#007F5C", "#2FC79B"),
    "purple": ("#AA4C83", "#E3A1C6"),
    "brown": ("#8A6500", "#F0E442"),
    "sky": ("#2B83B8", "#9AD4F5"),
    "gray": ("#8C8C8C", "#8F8F8F"),
    "ink": ("#222222", "#E6E6E6"),
    "ground": ("#FFFFFF", "#111111"),
    "soft": ("#5F6368", "#A8ADB3"),  # numbers on axes
    "grid": ("#E9EBEE", "#2C2F33"),
}
PINNED = ("orange", "green", "purple", "brown", "sky")
CLASSES = ("blue", "orange", "green", "purple", "brown", "sky")
# Of the classes, for eyes without color.
SHAPES = ("circle", "triangle", "square", "diamond", "plus", "x")
# ColorBrewer's YlGnBu without its ends, from dark (low) to light: frames stand out on
# every cell, and the order is kept in gray print.
RAMP = ["#1F2F88", "#2258A5", "#1E80B8", "#2FA4C2"]
RAMP += ["#59BFC0", "#8FD4BD", "#C7E9B4", "#EDF8B6"]

_LIGHT = '[data-jp-theme-light="true"] {0}, .vscode-light {0}, .notebook_app {0}'
_DARK = '[data-jp-theme-light="false"] {0}, .vscode-dark {0}, [theme=dark] {0}'


def cell_colors(values):
    """Return colors (..., 4), 0 to 1, of losses: dark is low, pale not known."""
    known = np.isfinite(values)
    logs = np.where(known, values, 1.0)
    logs = np.log(logs) if logs.min() > 0 else logs  # an own loss may be negative
    low = logs[known].min() if known.any() else 0.0
    span = max(logs[known].max() - low, np.log(2)) if known.any() else 1.0
    share = np.full(values.shape, 0.5) if known.sum() == 1 else (logs - low) / span
    at = np.linspace(0, 1, len(RAMP))
    stops = np.array([[int(c[k : k + 2], 16) / 255 for k in (1, 3, 5)] for c in RAMP])
    colors = np.stack([np.interp(share, at, stop) for stop in stops.T], -1)
    colors = np.append(colors, np.ones((*values.shape, 1)), -1)
    colors[~known] = (0.55, 0.55, 0.55, 0.13)
    colors[np.isposinf(values)] = (0.55, 0.55, 0.55, 0.45)
    return (255 * colors).round() / 255  # as the page gets them


def light(name: str) -> str:
    """Return the color of a name on a light page; a hexadecimal color stays."""
    return COLORS[name][0] if name in COLORS else name


def css(selector: str) -> str:
    """Return CSS that gives elements the colors of the page's theme."""
    # Where the page (JupyterLab, VS Code, Colab, nbclassic) says none, the system's.
    light, dark = (
        "{" + "".join(f"--hp-{name}:{pair[k]};" for name, pair in COLORS.items()) + "}"
        for k in (0, 1)
    )
    system = f"@media (prefers-color-scheme:dark){{{selector}{dark}}}"
    both = _LIGHT.format(selector) + light + _DARK.format(selector) + dark
    return selector + light + system + both
