"""What all panels share: frame, charts, result in words, code, saving, still picture.

A panel is a box of widgets. A subclass makes its controls and hands them on with
`build`, starts jobs on `self.live`, and says what it shows: `_update` (its controls),
`_pictures` (its charts), `_sentence`, `_table` and `code`.
"""

import base64
import html
import re
import threading
from contextlib import contextmanager
from pathlib import Path

import ipywidgets as W

from hpkit.charts.live import LiveCharts
from hpkit.charts.still import picture, small
from hpkit.engine.training import check_dataset
from hpkit.hyperparameters import check_text, refusal, was_refused
from hpkit.locale import Texts
from hpkit.panels import saved
from hpkit.panels.guess import Guess, check_predict
from hpkit.panels.live import Live, stop_earlier
from hpkit.panels.parts import button, named, row, say, style_sheet
from hpkit.store import reason, write

WORDS = Texts("panels.panel")
FOLDER = Path("hpkit-runs")
SAVE = 1.5  # seconds without a change, then the saved picture is drawn anew


class Panel(W.VBox):
    """The frame of a panel; a `title` of None is the usual one, `words["title"]`.

    `key` tells panels of a script apart (see `stop_earlier`). `live` is the thread,
    whose `lock` guards all state; `charts` the `LiveCharts`; `result` what is said of
    the state, as HTML; `error` what the last training or callback raised, shown in the
    panel, too.
    """

    kind = "panel"
    words = WORDS  # of a subclass: its title; the name and the tip of its buttons
    newest_first = False  # whether the table begins with the last row of `frame`

    def __init__(self, dataset, title, key=()):
        if title is None:
            title = self.words["title"].format(getattr(dataset, "name", ""))
        self.dataset = None if dataset is None else check_dataset(dataset)
        self.live = Live(self._draw, self._fail)
        self.guess = self.error = None
        self.title, self.result, self._quiet = check_text("title", title), "", 0
        self._saving = None  # the wait before the saved picture is drawn anew
        self.status = say("", "hp-status")
        self.bar = W.FloatProgress(value=0, min=0, max=1)
        self.bar.add_class("hp-bar")
        self.note = say("", "hp-muted", "hp-grow")
        self.stop_button = button(WORDS["stop"], WORDS["stop_tip"])
        self.stop_button.add_class("hp-stop")
        self.on_click(self.stop_button, self.stop)
        super().__init__()
        self.add_class("hpkit")
        stop_earlier(self, (type(self).__name__, self.stem, title, *key))

    def build(self, left, widths=(1,), *, calls=None, over=(), drawers=()):
        """Put the parts together.

        `left` are the controls, `widths` those of the charts, `calls` as in
        `LiveCharts`, each called under the lock and its errors shown; `over` stands
        above the charts. `drawers` are (name, tip, Widget) below, one at a time, by
        default a table of `frame`.
        """
        left = [self.guess.box, *left] if self.guess else left
        head = f"<span class='hp-title'>{html.escape(self.title)}</span>"
        head = say(head + saved.alive(self), "hp-grow")
        controls = W.VBox(left)
        controls.add_class("hp-controls")
        calls = {name: self._told(call) for name, call in (calls or {}).items()}
        self.widths, self.charts = widths, LiveCharts(widths, calls=calls)
        shown = W.VBox([*([row(*over, name="hp-over")] if over else ()), self.charts])
        shown.add_class("hp-charts")
        foot = self._foot(list(drawers))
        self.children = (
            style_sheet(),
            row(head, self.status, name="hp-head"),
            self.bar,
            row(controls, shown, name="hp-body"),
            foot,
            self.drawer,
        )

    def _foot(self, drawers):
        """Make the buttons below the charts and the drawer that they open."""
        whole = W.Layout(width="100%", height="100%")
        self.code_box = named(W.Textarea(layout=whole), WORDS["code_tip"])
        self.code_box.add_class("hp-mono")
        self.table_box = None if drawers else say("", "hp-table")
        if not drawers:
            drawers = [(WORDS["table"], WORDS["table_tip"], self.table_box)]
        drawers = [*drawers, (WORDS["code"], WORDS["code_tip"], self.code_box)]
        self.view = W.ToggleButtons(
            options=[(name, n) for n, (name, *_) in enumerate(drawers)],
            tooltips=[tip for _, tip, _ in drawers],
        )
        self.view.style.button_width = "84px"
        self.drawer = W.Stack([shown for *_, shown in drawers], selected_index=0)
        self.drawer.add_class("hp-drawer")
        self.save_button = button(WORDS["save"], WORDS["save_tip"], width="72px")
        self.on_click(self.save_button, self._save_clicked)
        self.on_change(self.view, self._show_drawer)
        return row(self.view, self.save_button, self.note, name="hp-foot")

    def ask(self, predict, question, widget, text=str):
        """Cover the charts until a guess is made, if `predict`; call it before `build`.

        `widget` has a `value` (a slider, a list, a `Drawing`); `text(value)` is the
        guess in words, said before the result.
        """
        if check_predict(predict):
            self.guess = Guess(self, question, widget, text)
        else:
            saved.close(widget)

    # ---- callbacks and errors ------------------------------------------------------

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

    def _guarded(self, callback):
        """Return such a callback for what a widget tells: it takes no news."""
        return self._told(lambda _: callback())

    def button(self, name, callback, look=""):
        """Return a button that calls `callback()`, in the words `name` of the panel."""
        made = button(self.words[name], self.words[f"{name}_tip"], look)
        self.on_click(made, callback)
        return made

    def on_click(self, widget, callback):
        """Call `callback()` when a button is pressed."""
        widget.on_click(self._guarded(callback))

    def on_change(self, widget, callback, name="value"):
        """Call `callback()` when a learner changes a widget (not the panel itself)."""
        if hasattr(widget, "refuse"):
            widget.refuse = lambda error: self.say(html.escape(str(error)), wrong=True)
        widget.observe(self._guarded(callback), name)

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
        """Show an error; it stays until the next start, and the first one counts.

        Of a value that hpkit refuses the message says all. Any other error is a
        failure, a ValueError of our own code too.
        """
        if self.error is not None:
            return
        self.error = error
        if was_refused(error):
            return self.say(html.escape(str(error)), wrong=True)
        said = html.escape(f"{type(error).__name__}: {error}")
        self.say(WORDS["error"].format(f"<b>{said}</b>"), wrong=True)

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
            self._save_soon()

    def _draw(self):
        """Show the state."""
        running = self.live.busy
        (self.add_class if running else self.remove_class)("hp-running")
        self._update(running)
        said, passing = self.result, running and not self.live.paused
        charts = self._pictures()  # which may judge the guess
        if self.error is None:
            covered = self.guess and not self.guess.open
            said = self.guess.said if self.guess and not covered else ""
            said = self.guess.cover if covered else said + self._sentence(running)
        self._show(charts, said, wrong=self.error is not None, passing=passing)
        if not running or self.table_box is not None:
            self._show_drawer()

    def _update(self, running):
        """Let status, bar and controls show the state."""

    def _pictures(self):
        """Return the charts of the state, always as many and of the same marks."""
        raise NotImplementedError

    def _sentence(self, running):
        """Return the result in words (HTML)."""
        raise NotImplementedError

    def _table(self):
        """Return the numbers of the charts, as `pandas.DataFrame` takes them."""
        raise NotImplementedError

    def end(self):
        """Stop it and take it from the page; its saved picture stays."""
        self.live.stop()
        if self._saving:
            self._saving.cancel()
        saved.close(self)

    # ---- what a learner calls ------------------------------------------------------

    def frame(self):
        """Return the numbers of the charts as a table."""
        import pandas as pd

        return pd.DataFrame(self._table())

    def code(self):
        """Return the cell that gives the same result without a panel."""
        raise NotImplementedError

    def stop(self):
        """Stop the training; returns at once."""
        self.live.stop()

    def wait(self, timeout=None):
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

    def save(self, name=None):
        """Write the numbers as CSV and the picture as PNG and SVG into hpkit-runs/.

        Parameters
        ----------
        name : str, optional
            Of the files, without ending; default: data set, panel and a number.

        Returns
        -------
        list of pathlib.Path
        """
        paths = _free_paths(name or self.stem, ("csv", "png", "svg"))
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

    @property
    def stem(self):
        """Start of the names of files."""
        name = f"{self.dataset.name}-{self.kind}" if self.dataset else self.kind
        return re.sub(r"[^\w]+", "-", name)[:60].strip("-")

    def _save_clicked(self):
        try:
            table, *pictures = self.save()
            said = WORDS["saved"].format(table, *(path.name for path in pictures))
        except OSError as error:  # what is shown stays
            said = str(error)
        self.note.value = html.escape(said)

    def _show_drawer(self):
        """Fill what is below the charts."""
        self.drawer.selected_index = self.view.value
        shown = self.drawer.children[self.view.value]
        if shown is self.code_box:
            self.code_box.value = self.code()
        elif shown is self.table_box:
            rows = self.frame()[:: -1 if self.newest_first else 1]
            self.table_box.value = rows.to_html(
                index=False, border=0, float_format="{:.4g}".format
            )

    # ---- the still picture ---------------------------------------------------------

    def picture(self, form="png"):
        """Return the still picture as PNG or SVG; same state, same bytes."""
        return picture(self.charts.charts, self.widths, form=form)

    def _ipython_display_(self):
        """Show the live widget, and beside it its saved picture."""
        self._show_saved()
        self._saving = threading.Timer(0, int)

    def _show_saved(self, *, again=False):
        """Show the picture with the result, even where a guess is waited for.

        A page that is only read has nobody to guess.
        """
        with self.live.lock:
            covered = self.guess and not self.guess.open and self.error is None
            said = self._sentence(self.live.busy) if covered else self.result
        plain = f"{self.title}. {html.unescape(re.sub(r'<[^>]+>', '', said))}"
        png = small(self.picture())
        data, alt = base64.b64encode(png).decode(), html.escape(plain)
        image = f'<img alt="{alt}" src="data:image/png;base64,{data}">'
        saved.show(self, image, plain=plain, again=again)

    def _save_soon(self):
        """Show another saved picture when nothing has changed for a moment."""
        self._saving.cancel()
        self._saving = threading.Timer(SAVE, self._show_saved, kwargs={"again": True})
        self._saving.daemon = True
        self._saving.start()


def _free_paths(stem, ends):
    """Return the first paths with that name, one an ending, of which none is taken."""
    number = 1
    while True:
        name = stem if number == 1 else f"{stem}-{number}"
        paths = [FOLDER / f"{name}.{end}" for end in ends]
        if not any(path.exists() for path in paths):
            return paths
        number += 1
