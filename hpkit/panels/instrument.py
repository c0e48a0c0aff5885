"""What the small panels share: few controls, one computation, one or two charts."""

from hpkit.charts.spec import Axis, Chart
from hpkit.engine.training import train
from hpkit.panels.live import FRAME
from hpkit.panels.panel import Panel
from hpkit.panels.parts import buttons


class Instrument(Panel):
    """A panel that shows one thing, once `there` is something to show."""

    # A subclass has controls (`arrange`), a computation, `_charts`, `_says` and `code`.

    there = True

    def arrange(self, *controls, widths=(1,), calls=None):
        """Put controls below each other; those in a tuple are buttons side by side."""
        rows = [buttons(*c) if isinstance(c, tuple) else c for c in controls]
        self.build(rows, widths, calls=calls)

    @property
    def guesses(self):
        """The guess in a list; empty before there is one."""
        return [self.guess.value] if self.guess and self.guess.open else []

    def train(self, dataset, settings, seeds):
        """Train, with nothing to show before the end (a job); return the runs."""
        for runs in train(dataset, settings, seeds=seeds, tick=FRAME):  # noqa: B007
            yield False
        return runs

    def _pictures(self):
        empty = [Chart(Axis(), Axis(), [], alt=self.title)] * len(self.widths)
        return self._charts() if self.there else self.charts.charts or empty

    def _sentence(self, running):
        if not self.there:
            return self.words["training" if running else "stopped"]
        return self._says(running)
