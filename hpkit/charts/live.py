"""`LiveCharts`: one to three charts on the page, drawn by chart.js.

One widget holds all charts of a panel. So they change in the same frame of the browser,
stand side by side where there is room and below each other where not, and the page
loads the script once a panel. A sentence that is shown with them changes in that frame
as well.

`show` sends one message with what changed: a chart's spec ("c0"), a mark's numbers
("c0m1"). They are keys of the widget's state, but no traits: the front end takes keys
that it does not know, and a page that is opened later gets all of them (`get_state`).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import anywidget
import traitlets

from hpkit.charts.spec import Chart, css, state

_HERE = Path(__file__).parent
_TEXTS = [(_HERE / f"{name}.js").read_text("utf-8") for name in ("reach", "chart")]
# One script: anywidget loads no other.
SCRIPT = "".join(re.sub("^import .*\n", "", text, flags=re.M) for text in _TEXTS)
STYLE = css(".hpc") + (_HERE / "chart.css").read_text(encoding="utf-8")


class LiveCharts(anywidget.AnyWidget):
    """Shows charts (`charts`) side by side, and tells what a learner does with them."""

    # `calls` has by the name of a mark's `click` or `draw` a function of (index) or
    # (heights). They run where messages of widgets do: guard what they do.
    # As traits of the class: anywidget would send them twice.
    _esm = traitlets.Unicode(SCRIPT).tag(sync=True)
    _css = traitlets.Unicode(STYLE).tag(sync=True)

    def __init__(
        self,
        widths: Sequence[float] = (1,),
        *,
        calls: Mapping[str, Callable] | None = None,
        **more,
    ):
        self.charts, self.calls, self._changed = [], dict(calls or {}), set()
        self._state = {"widths": list(widths), "sentence": "", "picture": 0}
        super().__init__(**more)
        self.on_msg(self._hear)

    def show(self, charts: Sequence[Chart], *, sentence: str | None = None) -> None:
        """Draw charts and a sentence (HTML) below; what is as before is not sent."""
        # While something runs a sentence may change with each picture; put it into an
        # element with role="status" when a screen reader is to say it.
        old, self.charts = self._state, list(charts)
        new = {name: old[name] for name in ("widths", "sentence", "picture")}
        if sentence is not None:
            new["sentence"] = sentence
        new |= state(charts)
        news = {key for key, value in new.items() if old.get(key) != value}
        news |= self._changed & new.keys()
        self._state, self._changed = new, set()
        if news:
            new["picture"] += 1  # chart.js draws when it changes
            self.send_state({*news, "picture"})

    def __getattr__(self, name):
        """Return what is shown by its key: ipywidgets' embed asks for it so."""
        if name in self.__dict__.get("_state", ()):
            return self._state[name]
        raise AttributeError(f"LiveCharts has no attribute {name!r}")

    def get_state(self, key=None, drop_defaults=False):
        """Return the state for the front end: traits and what is shown."""
        if key is None:
            return super().get_state() | self._state  # the script is a default
        keys = {key} if isinstance(key, str) else set(key)
        own = {name: self._state[name] for name in keys & self._state.keys()}
        return super().get_state(keys - self._state.keys(), drop_defaults) | own

    def _hear(self, _, content, buffers):
        """Tell what a learner did, unless the chart has changed meanwhile."""
        call, chart = self.calls.get(content.get("name")), content.get("chart")
        marks = self.charts[chart].marks if 0 <= chart < len(self.charts) else []
        number, kind, value = content["mark"], content["type"], content["value"]
        if call is None or not 0 <= number < len(marks):
            return
        last = marks[number].columns[-1]
        if kind == "draw":
            # The page has changed these numbers itself: they are sent again by `show`.
            self._changed.add(f"c{chart}m{number}")
        rows = len(last) if marks[number].kind == "line" else last.size
        clicked = kind == "click" and 0 <= value < rows
        if clicked or (kind == "draw" and len(value) == last.size):
            call(value)
