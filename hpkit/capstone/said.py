"""How a capstone speaks in a notebook: text in lines, and refusals that are short."""

import textwrap

WIDTH = 84  # letters in a line of JupyterLab's output at 1280 pixels
REFUSED = "Refused: {words}"  # what a learner reads


class Told(str):
    """Text that a notebook shows as it is."""

    __slots__ = ()

    def __repr__(self):
        """Return the text without quotes, in lines that a notebook need not break."""
        return fill(self)


class Short:
    """An error of which a notebook shows the message alone.

    A learner has asked for what is not allowed; where in hpkit that was noticed does
    not help. `%tb` still shows it.
    """

    def _render_traceback_(self):
        """Return the lines that IPython shows in place of the traceback."""
        return fill(REFUSED.format(words=self)).splitlines()


class Refused(Short, ValueError):
    """What a capstone does not allow."""


class RefusedKind(Short, TypeError):
    """What is of another kind than a capstone needs."""


def fill(text):
    """Return a text in lines; a notebook would break them within words."""
    return textwrap.fill(text, WIDTH, break_on_hyphens=False)
