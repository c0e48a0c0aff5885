"""What all panels share: frame, charts, result in words, a guess, code, saving.

A panel is a box of widgets. A subclass makes its controls and hands them on with
`build`, starts jobs on `self.live`, and says what it shows once it is
`there`: `_update(running)` lets status, bar and controls show the state, `_charts()`
returns the charts, always as many and of the same marks, `_says(running)` the result
in words (HTML), `_table()` the numbers as `pandas.DataFrame` takes them, `code()` the
cell for them.
"""

from __future__ import annotations

import html
import re
import threading
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Self
from urllib.parse import urlencode

import ipywidgets as W

from hpkit.charts.live import LiveCharts
from hpkit.charts.spec import Axis, Chart
from hpkit.charts.still import picture, small, uri
from hpkit.engine.as_pytorch import forms, write_rows
from hpkit.engine.training import check_dataset, train
from hpkit.hyperparameters import (
    Hyperparameters,
    check_text,
    refusal,
    varied,
    was_refused,
)
from hpkit.locale import Texts
from hpkit.panels import parts
from hpkit.panels.controls import Guess, check_predict, written
from hpkit.panels.live import FRAME, Live, stop_earlier
from hpkit.panels.parts import button, buttons, named, row, say
from hpkit.store import reason, write
from hpkit.text import stem

if TYPE_CHECKING:
    import pandas as pd

    from hpkit.engine.runs import Run, Runs
    from hpkit.search.result import Search

WORDS = Texts("panels.panel")
FOLDER = Path("hpkit-runs")
HPKIT = "hpkit"  # of the forms that code has
SAVE = 1.5  # seconds without a change, then the saved picture is drawn anew
LONGEST = 200  # characters of a line that says a panel's state


class Panel(W.VBox):
    """The frame of a panel; a `title` of None is the usual one, `words["title"]`.

    `key` tells panels of a script apart (see `stop_earlier`). `live` is the thread,
    whose `lock` guards all state; `charts` the `LiveCharts`; `result` what is said of
    the state, as HTML; `error` what the last training or callback raised, shown in the
    panel, too.
    """

    kind = "panel"
    words = WORDS  # of a subclass: its title; the name and the tip of its buttons
    _guess_fits = True  # what is shown is what the guess was about
    model, shares = None, False  # whether it has a `line` that says its state
    newest_first = False  # whether the table begins with the last row of `frame`
    there = True  # whether there is something to show

    def __init__(self, dataset, title, key=()):
        if title is None:
            title = self.words["title"].format(getattr(dataset, "name", ""))
        self.dataset = None if dataset is None else check_dataset(dataset)
        self.live = Live(self._draw, self._fail)
        self.guess = self.error = None
        self.title, self.result, self._quiet = check_text("title", title), "", 0
        self._saving = None  # the wait before the saved picture is drawn anew
        self.status, self.note = say("", "hp-status"), say("", "hp-muted", "hp-grow")
        self.bar = parts.classed(W.FloatProgress(value=0, min=0, max=1), "hp-bar")
        self.stop_button = self.button("stop", self.stop, words=WORDS)
        self.stop_button.add_class("hp-stop")
        super().__init__()
        self.add_class("hpkit")
        stop_earlier(self, (type(self).__name__, self.stem, title, *key))

    def build(self, *left, widths=(1,), calls=None, over=(), drawers=()):
        """Put the parts together.

        `left` are the controls below each other, of which those in a tuple are buttons
        side by side; `widths` those of the charts, `calls` as in `LiveCharts`, each
        called under the lock and its errors shown; `over` stands above the charts.
        `drawers` are (name, tip, Widget) below, one at a time, by
        default a table of `frame`.
        """
        head = f"<span class='hp-title'>{html.escape(self.title)}</span>"
        head = say(head + parts.alive(self), "hp-grow")
        left = [buttons(*c) if isinstance(c, tuple) else c for c in left]
        controls = W.VBox([*([self.guess.box] if self.guess else ()), *left])
        calls = {name: self._told(call) for name, call in (calls or {}).items()}
        self.widths, self.charts = widths, LiveCharts(widths, calls=calls)
        shown = W.VBox([*([row(*over, name="hp-over")] if over else ()), self.charts])
        body = controls.add_class("hp-controls"), shown.add_class("hp-charts")

        whole = W.Layout(width="100%", height="100%")
        self.code_box = named(W.Textarea(layout=whole), WORDS["code_tip"])
        self.code_box.add_class("hp-mono")
        self.forms = named(parts.toggles([HPKIT]), WORDS["forms_tip"])
        self.rows_button = self.button("rows", self._write_rows, words=WORDS)
        self.on_change(self.forms, self._show_drawer)
        self.rows_button.layout.display = "none"
        code = row(self.forms.add_class("hp-forms"), self.code_box, name="hp-code")
        self.table_box = None if drawers else say("", "hp-table")
        table = WORDS["table"], WORDS["table_tip"], self.table_box
        drawers = [*(drawers or [table])]
        drawers += [(WORDS["code"], WORDS["code_tip"], code)]
        names = [(name, n) for n, (name, *_) in enumerate(drawers)]
        self.view = parts.toggles(names, [tip for _, tip, _ in drawers], "84px")
        self.drawer = W.Stack([shown for *_, shown in drawers], selected_index=0)
        self.save_button = self.button("save", self._save_clicked, words=WORDS)
        foot = [self.view, self.save_button, self.rows_button]
        if self.shares:
            self.share_button = self.button("share", self._share_clicked, words=WORDS)
            foot.insert(2, self.share_button)
        self.on_change(self.view, self._show_drawer)
        self.children = (
            parts.style_sheet(),
            row(head, self.status, name="hp-head"),
            self.bar,
            row(*body, name="hp-body"),
            row(*foot, self.note, name="hp-foot"),
            self.drawer.add_class("hp-drawer"),
        )

    def ask(self, predict, question, widget, text=str):
        """Cover the charts until a guess is made, if `predict`; to be called first."""
        # `widget` and `text` as of `Guess`.
        if check_predict(predict):
            self.guess = Guess(self, question, widget, text)
        else:
            parts.close(widget)

    @property
    def guesses(self):
        """The guess in a list; empty before there is one."""
        return [self.guess.value] if self.guess and self.guess.open else []

    def train(self, dataset, settings, seeds):
        """Train, with nothing to show before the end (a job); return the runs."""
        for runs in train(dataset, settings, seeds=seeds, tick=FRAME):  # noqa: B007
            yield False
        return runs

    def _told(self, callback):
        """Return a callback that holds the lock and shows its own errors."""

        def called(*values):
            with self.live.lock:
                if self._quiet:
                    return
                try:
                    callback(*values)
                except Exception as error:
                    self.error = None
                    self._fail(error)

        return called

    def button(self, name, callback, look="", words=None):
        """Return a button that calls `callback()`, in the words `name` of the panel."""
        words = words or self.words
        made = button(words[name], words[f"{name}_tip"], look)
        self.on_click(made, callback)
        return made

    def on_click(self, widget, callback):
        widget.on_click(self._told(lambda _: callback()))

    def on_change(self, widget, callback):
        """Call `callback()` when a learner changes a widget (not the panel itself)."""
        if hasattr(widget, "refuse"):
            widget.refuse = lambda error: self.say(html.escape(str(error)), wrong=True)
        widget.observe(self._told(lambda _: callback()), "value")

    @contextmanager
    def quietly(self):
        """Change widgets without their callbacks."""
        with self.live.lock:
            self._quiet += 1
            try:
                yield
            finally:
                self._quiet -= 1

    def _fail(self, error):
        """Show an error; it stays until the next start, and the first one counts."""
        # Of a value that hpkit refuses the message says all. Any other error is a
        # failure, a ValueError of our own code too.
        if self.error is not None:
            return
        self.error, said = error, html.escape(str(error))
        if not was_refused(error):
            said = WORDS["error"].format(f"<b>{type(error).__name__}: {said}</b>")
        self.say(said, wrong=True)

    def say(self, text, *, wrong=False):
        """Show a sentence (HTML) below the charts as they are."""
        self._show(self.charts.charts, text, wrong=wrong)

    def _show(self, charts, text, *, wrong=False, passing=False):
        """Show charts and sentence at once; a screen reader skips `passing` ones."""
        role = "" if passing else " role='status'"
        look = "hp-say hp-error" if wrong else "hp-say"
        self.result = text
        self.charts.show(charts, sentence=f"<div class='{look}'{role}>{text}</div>")
        if self._saving and not passing:
            self._saving.cancel()
            again = {"again": True}
            self._saving = threading.Timer(SAVE, self._show_saved, kwargs=again)
            self._saving.daemon = True
            self._saving.start()

    def _draw(self):
        running = self.live.busy
        (self.add_class if running else self.remove_class)("hp-running")
        self._update(running)
        said, passing = self.result, running and not self.live.paused
        charts = self._pictures()  # which may judge the guess
        if self.error is None:
            said = self.guess.said if self.guess else ""
            if not self.guess or self.guess.open:
                said += self._sentence(running)
        self._show(charts, said, wrong=self.error is not None, passing=passing)
        if not running or self.table_box is not None:
            self._show_drawer()

    def _update(self, running):
        pass

    def _pictures(self):
        empty = [Chart(Axis(), Axis(), [], alt=self.title)] * len(self.widths)
        return self._charts() if self.there else self.charts.charts or empty

    def _sentence(self, running):
        if not self.there:
            return self.words["training" if running else "stopped"]
        return self._says(running)

    def end(self) -> None:
        """Stop it and take it from the page; its saved picture stays."""
        self.live.stop()
        if self._saving:
            self._saving.cancel()
        parts.close(self)

    def frame(self) -> pd.DataFrame:
        """Return the numbers of the charts as a table."""
        import pandas as pd

        return pd.DataFrame(self._table())

    def code(self) -> str:
        """Return the cell that gives the same result without a panel."""

    @property
    def _trained(self) -> Run | Runs | Search | None:
        """What scripts train anew: what is shown, if a script can."""
        return getattr(self, "run", None) or getattr(self, "found", None)

    def codes(self) -> dict[str, str]:
        """Return `code`, and scripts without hpkit, by the name of their library."""
        with self.live.lock:
            codes, found = {HPKIT: self.code()}, self._trained
            return codes | (forms(found, self._rows, "by_button") if found else {})

    @property
    def _rows(self):
        data = self._trained.dataset
        return f"{FOLDER}/{stem(data.name)}-{data.fingerprint}.npz"

    def stop(self) -> None:
        """Stop the training; returns at once."""
        self.live.stop()

    def wait(self, timeout: float | None = None) -> Self:
        """Wait until nothing trains any more.

        Parameters
        ----------
        timeout : float, optional
            Seconds; TimeoutError after them.

        Returns
        -------
        the panel
        """
        self.live.wait(timeout)
        return self

    def save(self, name: str | None = None) -> list[Path]:
        """Write the numbers as CSV and the picture as PNG and SVG into hpkit-runs/.

        Parameters
        ----------
        name : str, optional
            Of the files, without ending; default: data set, panel and a number.

        Returns
        -------
        list of pathlib.Path
        """
        stem, ends = name or self.stem, ("csv", "png", "svg")
        names = (stem if n == 1 else f"{stem}-{n}" for n in count(1))
        free = ([FOLDER / f"{each}.{end}" for end in ends] for each in names)
        paths = next(some for some in free if not any(path.exists() for path in some))
        made = [self.frame().to_csv(index=False), *map(self.picture, ("png", "svg"))]
        try:
            FOLDER.mkdir(exist_ok=True)
            for path, content in zip(paths, made, strict=True):
                write(path, content)
        except OSError as error:
            for path in paths:
                path.unlink(missing_ok=True)
            why = {"kind": type(error), "reason": reason(error)}
            raise refusal("file", str(paths[0]), **why) from None
        return paths

    def line(self) -> str:
        """Return the state in a line, which `hpkit.open` makes a panel of.

        Raises
        ------
        ValueError
            For a data set or a model of one's own, and above 200 characters.
        """
        setting, more = self._state()
        if self.model is not None or not parts.is_of_course(self.dataset):
            raise refusal("line_own", self.dataset.name)
        said = {"data": self.dataset.name}
        said |= values_text(setting, Hyperparameters()) | more
        if self.guess:
            said["ask"] = "1"
        said = urlencode({n: text for n, text in said.items() if text}, safe=":;,")
        made = f"{self.kind}?{said}"
        if len(made) > LONGEST:
            raise refusal("line_long", len(made), most=LONGEST)
        return made

    def _state(self):
        """Return the setting, and what else the line says, as text."""
        raise NotImplementedError

    @property
    def stem(self) -> str:
        """Start of the names of files."""
        return stem(f"{self.dataset.name}-{self.kind}" if self.dataset else self.kind)

    def _save_clicked(self):
        try:
            table, *pictures = self.save()
            said = WORDS["saved"].format(table, *(path.name for path in pictures))
        except OSError as error:  # what is shown stays
            said = str(error)
        self.note.value = html.escape(said)

    def _share_clicked(self):
        code = f"<code>hk.open({html.escape(repr(self.line()))})</code>"
        made = f"{code} <button class='hp-copy'>{WORDS['copy']}</button>"
        self.note.value = made

    def _show_drawer(self):
        """Fill what is below the charts."""
        self.drawer.selected_index = self.view.value
        shown = self.drawer.children[self.view.value]
        coded = self.code_box in getattr(shown, "children", ())
        scripted = coded and self._show_code() != HPKIT
        self.rows_button.layout.display = "" if scripted else "none"
        if shown is self.table_box:
            rows = self.frame()[:: -1 if self.newest_first else 1]
            look = {"index": False, "border": 0, "float_format": "{:.4g}".format}
            shown.value = rows.to_html(**look)

    def _show_code(self):
        codes, chosen = self.codes(), self.forms.value
        self.forms.layout.display = "" if len(codes) > 1 else "none"
        with self.quietly():
            if self.forms.options != tuple(codes):
                self.forms.options = tuple(codes)
                self.forms.value = chosen if chosen in codes else HPKIT
        self.code_box.value = codes[self.forms.value]
        return self.forms.value

    def _write_rows(self):
        """Write the rows that the scripts read."""
        try:
            FOLDER.mkdir(exist_ok=True)
            write_rows(self._trained.dataset, self._rows)
            said = WORDS["wrote"].format(self._rows)
        except OSError as error:  # what is shown stays
            said = reason(error)
        self.note.value = html.escape(said)

    def picture(self, form: str = "png") -> bytes:
        """Return the still picture as PNG or SVG; same state, same bytes."""
        return picture(self.charts.charts, self.widths, form=form)

    def _ipython_display_(self):
        """Show the live widget, and beside it its saved picture."""
        self._show_saved()
        self._saving = threading.Timer(0, int)

    def _show_saved(self, *, again=False):
        """Show the picture with the result, even where a guess is waited for."""
        # A page that is only read has nobody to guess.
        with self.live.lock:
            covered = self.guess and not self.guess.open and self.error is None
            said = self._sentence(self.live.busy) if covered else self.result
        plain = f"{self.title}. {html.unescape(re.sub(r'<[^>]+>', '', said))}"
        alt, png = html.escape(plain), small(self.picture())
        image = f'<img alt="{alt}" src="{uri(png)}">'
        parts.show_saved(self, image, plain=plain, again=again)


def values_text(setting, other):
    """Return the hyperparameters in which a setting differs from another, as text."""
    return {n: written([getattr(setting, n)]) for n in varied([setting, other])}
