"""What all panels share: thread, frame, charts, result in words, guess, code, files.

A panel is a box of widgets. A subclass makes its controls and hands them on with
`build`, starts jobs on `self.live`, and says what it shows once it `has_result`:
`_update(running)` lets status, bar and controls show the state, `_charts()` returns the
charts, always as many and of the same marks, `_summary(running)` the result in words
(HTML), `_table()` the numbers as `pandas.DataFrame` takes them, `_rows_below()` others
that the table below shows, `_code()` the cell for them.

A job is a generator: it trains a little, writes down what there is, and yields. Between
two yields it can be stopped, paused, replaced and drawn. `yield False` says that there
is nothing new to draw.
"""

from __future__ import annotations

import atexit
import html
import re
import threading
import time
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Self
from urllib.parse import urlencode
from weakref import WeakSet

import ipywidgets as W

from hpkit import hyperparameters as hyper
from hpkit.charts.spec import Axis, Chart
from hpkit.charts.still import data_uri, picture, small_png
from hpkit.engine.as_pytorch import forms
from hpkit.engine.training import TURN, check_settings, train, with_objective
from hpkit.locale import Texts, words
from hpkit.panels import parts
from hpkit.panels.controls import Drawing, Guess, LiveCharts, written
from hpkit.panels.parts import html_widget, named, row
from hpkit.store import error_reason, write
from hpkit.text import file_stem, value_text

if TYPE_CHECKING:
    import pandas as pd

WORDS = Texts("panels.panel")
FOLDER = Path("hpkit-runs")
HPKIT = "hpkit"  # of the forms that code has
SAVE = 1.5  # seconds without a change, then the saved picture is drawn anew
LONGEST = 200  # characters of a line that says a panel's state
ANNOUNCE = 10.0  # seconds that a screen reader says nothing while something runs
FRAME = 1 / 15  # seconds between two pictures: smooth to the eye, cheap to send
THREAD = "hpkit panel"
_REST = 20  # times as long as a picture took lie between two: training comes first
_BELOW = 1.0  # seconds between two tables, or codes, of what runs
_AT_ONCE = 2.0  # seconds that a panel may train before it is shown
CHOSEN = 0.4  # seconds without a move after which what a control shows counts
_LAST = 5.0  # seconds that threads have to end before Python does
_turns = threading.Lock()  # panels train by turns


class Live:
    """Works through the newest job, one at a time, in a thread."""

    # `draw()` shows the state: called under `lock`, up to 15 times a second, and at the
    # end; `fail(error)` shows an error of a job. Why a thread and an Event: a loop in a
    # button's callback keeps the kernel from reading the click on Stop.

    def __init__(self, draw, fail):
        self.draw, self.fail = draw, fail
        self.lock = threading.RLock()  # all state of the panel sits behind it
        self.busy = False
        self._next = self._thread = None
        self._halt, self._go = threading.Event(), threading.Event()
        self.pause, self.resume = self._go.clear, self._go.set

    @property
    def asked(self):
        """Whether a newer job waits: a job that only rests should end."""
        return self._next is not None

    @property
    def paused(self):
        """Whether the job rests until `resume`."""
        return self.busy and not self._go.is_set()

    def start(self, job, *, replace=True):
        """Start a job for all that wait and, with `replace`, for the running one."""
        # Without `replace` the running one ends first. While a slider is dragged this
        # is what brings pictures: stopped at each move, no training would ever end.
        with self.lock:
            self._next = job
            self.resume()
            if replace:
                self._halt.set()
            if self._thread is None:
                self.busy, self.announced = True, time.monotonic()
                self._thread = threading.Thread(None, self._work, THREAD, daemon=True)
                self._thread.start()

    def now(self, job, *, seconds=_AT_ONCE):
        """Do a job before returning; what takes longer goes on in the thread."""
        until = time.perf_counter() + seconds
        with self.lock:
            with self._errors_shown():
                for _ in job:
                    if time.perf_counter() > until:
                        self.start(job)
                        break
            with self._errors_shown():
                self.draw()

    def stop(self):
        """Stop what runs and forget what waits; returns at once."""
        with self.lock:
            self._next = None
            self._halt.set()
            self.resume()

    def rest(self, seconds=CHOSEN):
        """Rest, unless a newer job waits: until nothing has moved for a moment."""
        until = time.perf_counter() + seconds
        while time.perf_counter() < until and not self.asked:
            time.sleep(0.02)
            yield False

    def wait(self, timeout=None):
        """Wait until nothing runs (raises TimeoutError after `timeout` seconds)."""
        until = time.monotonic() + (float("inf") if timeout is None else timeout)
        while self._thread is not None:
            if time.monotonic() > until:
                raise hyper.refusal("panel_trains", timeout, kind=TimeoutError)
            # Up to Python 3.12 an interrupt of `join` ends what it waits for.
            time.sleep(0.01)

    def _work(self):
        """Do the newest job until there is none (the thread)."""
        ran = False
        TURN.set(_turns)
        while True:
            with self.lock:
                job, self._next = self._next, None
                self.busy = job is not None
                if ran or not self.busy:
                    with self._errors_shown():
                        self.draw()
                if not self.busy:
                    self._thread = None
                    return
                self._halt.clear()
            # Its own `finally` writes down what a stopped job has.
            with self._errors_shown(), closing(job):
                self._steps(job)
            ran = True

    def _steps(self, job):
        """Step through a job and draw, until its end or a stop."""
        due_at, stale = 0.0, False
        for news in job:
            stale = stale or news is not False
            due = time.perf_counter() >= due_at or news is False
            if stale and (due or self.paused) and not self._halt.is_set():
                begin = time.perf_counter()
                with self.lock:
                    self.draw()
                end, stale = time.perf_counter(), False
                due_at = end + max(FRAME, _REST * (end - begin))
            self._go.wait()
            if self._halt.is_set():  # also while it was drawn
                return

    @contextmanager
    def _errors_shown(self):
        try:
            yield
        except Exception as error:
            with self.lock:
                self.fail(error)


def play(show, now, most, pause, first=0):
    """Show one number after another, slowly; after the last from the first (a job)."""
    # `now()` is where a learner may have moved it meanwhile, `show(number)` sets it;
    # `pause` seconds lie before each.
    again = now() >= most
    while again or now() < most:
        time.sleep(pause)
        yield False  # a stop is seen here, before the next step
        show(first if again else now() + 1)
        again = False
        yield


_panels = WeakSet()  # that no later run of their cell has ended


@atexit.register
def _end_all():
    """End all threads: torch aborts a Python that ends while one still trains."""
    until = time.monotonic() + _LAST
    for panel in list(_panels):
        panel.stop()
    for panel in list(_panels):
        if thread := panel.live._thread:
            thread.join(max(0.0, until - time.monotonic()))


def stop_earlier(panel):
    """End the panels that an earlier run of the same cell made."""
    panel.made_in = cell, execution = running_cell()
    for old in list(_panels):
        earlier = execution is None or old.made_in != panel.made_in
        if cell and old.made_in[0] == cell and earlier:
            old.end()
            _panels.remove(old)
    _panels.add(panel)


def running_cell():
    """Return what names the cell that runs and this run of it; None in a script."""
    from IPython import get_ipython

    kernel = getattr(get_ipython(), "kernel", None)
    message = kernel.get_parent("shell") if kernel else {}
    # Some front ends give cells no id: there the code stands for it.
    code = message.get("content", {}).get("code")
    cell = message.get("metadata", {}).get("cellId") or code
    return cell, message.get("header", {}).get("msg_id")


class Panel(W.VBox):
    """The frame of a panel; a `title` of None is the usual one, `words["title"]`.

    `live` is the thread, whose `lock` guards all state; `charts` the `LiveCharts`;
    `result` what is said of the state, as HTML; `error` what the last training or
    callback raised, shown in the panel, too.
    """

    # A subclass has its `kind`, which names its files, and its `words`: a title; the
    # name and the tip of its buttons.
    widths = (1,)  # of the charts
    _guess_fits = True  # what is shown is what the guess was about
    model, shares = None, False  # whether it has a `line` that says its state
    _next_style = "primary"  # of the next button
    newest_first = False  # whether the table grows, with the last row of `frame` first
    run = runs = found = None  # what was trained, as far as the panel has it

    def __init__(self, dataset, title, *settings):
        if settings:
            check_settings(settings, dataset)
        self.texts = Texts(*WORDS.paths, *self.words.paths)  # of all panels, its own
        if title is None:
            title = self.words["title"].format(getattr(dataset, "name", ""))
        self.dataset = None if dataset is None else with_objective(dataset, None, None)
        self.live = Live(self._draw, self._fail)
        self.guess = self.error = None
        self.drawers = {"table": None}  # what is below, one at a time, by name
        self.title, self.result, self._quiet = hyper.check_text("title", title), "", 0
        self.refused = self._unannounced = False  # the last value; the last sentence
        self._filled = 0.0  # when what is below the charts was
        self._saving = None  # the wait before the saved picture is drawn anew
        self.status = html_widget("", "hp-status")
        self.note = html_widget("", "hp-muted", "hp-grow")
        self.bar = W.FloatProgress(value=0, min=0, max=1).add_class("hp-bar")
        super().__init__()
        self.add_class("hpkit")
        stop_earlier(self)

    def build(self, *left, calls=(), over=()):
        """Put the parts together: controls on the `left`, `over` the charts more."""
        look = "class='hp-title' role='heading' aria-level='3'"
        head = f"<span {look}>{html.escape(self.title)}</span>"
        head = html_widget(head + parts.live_style(self), "hp-grow")
        controls = W.VBox([*([self.guess.box] if self.guess else ()), *left])
        calls = {name: self._guarded(call) for name, call in dict(calls).items()}
        self.charts = LiveCharts(self.widths, calls=calls)
        self.blank = [Chart(Axis(), Axis(), [], alt=self.title)] * len(self.widths)
        self.charts.charts = self.blank
        shown = W.VBox([*([row(*over, name="hp-over")] if over else ()), self.charts])
        body = controls.add_class("hp-controls"), shown.add_class("hp-charts")

        self.code_box = named(W.Textarea(), WORDS["code_tip"])
        self.code_box.add_class("hp-mono")
        self.forms = named(W.ToggleButtons(options=[HPKIT]), WORDS["forms_tip"])
        code = row(self.forms.add_class("hp-forms"), self.code_box, name="hp-code")
        self.drawers |= {"code": code}
        names = [(self.texts[name], name) for name in self.drawers]
        tips = [self.texts[f"{name}_tip"] for name in self.drawers]
        self.view = named(W.ToggleButtons(options=names, tooltips=tips), WORDS["view"])
        below = [box or html_widget("", "hp-table") for box in self.drawers.values()]
        self.drawer = W.Stack(below, selected_index=0)
        save = self.button("save", self._save)
        share = [self.button("share", self._share)] if self.shares else []
        self.on_change(self._show_drawer, self.forms, self.view)
        self.children = (
            parts.style_sheet(),
            row(head, self.status, name="hp-head"),
            self.bar,
            row(*body, name="hp-body"),
            row(self.view, save, *share, self.note, name="hp-foot"),
            self.drawer.add_class("hp-drawer"),
        )

    def ask(self, predict, question, kind, *about, text=str, **look):
        """Cover the charts until a guess is made, if `predict`; before `build`."""
        # `kind(*about, **look)` is the widget of `Guess`, `text` as there.
        draws = kind is Drawing and predict == "draw"
        if draws or hyper.check_flag("predict", predict):
            self.guess = Guess(self, question, kind(*about, **look), text)

    @property
    def guesses(self):
        """The guess in a list; empty where there is none on what is shown."""
        there = self.guess and self.guess.open and self._guess_fits
        return [self.guess.value] if there else []

    def train(self, dataset, settings, seeds, show=None):
        """Train and return the runs (a job); `show` takes what there is so far."""
        for runs in train(dataset, settings, seeds=seeds, tick=FRAME):
            if show:
                show(runs)
            yield show is not None
        return runs

    def _guarded(self, callback):
        """Return a callback that holds the lock and shows its own errors."""

        def called(*values):
            with self.live.lock:
                if self._quiet:
                    return
                self.refused = False
                if "hp-copy" in self.note.value:  # the line of the state before
                    self.note.value = ""
                try:
                    callback(*values)
                except Exception as error:
                    self.error = None
                    self._fail(error)

        return called

    def button(self, name, callback):
        """Return a button that calls `callback()`, which is then `name_button`."""
        # `name` is that of its words, too. What is to be pressed first is made first.
        made = W.Button(description=self.texts[name], tooltip=self.texts[f"{name}_tip"])
        made.button_style = "" if name == "stop" else self._next_style
        self._next_style = ""
        setattr(self, f"{name}_button", made.add_class(f"hp-press-{name}"))
        self.on_click(made, callback)
        return made

    def buttons(self, **callbacks):
        """Return buttons side by side, from their names and what they call."""
        return row(*map(self.button, callbacks, callbacks.values()), name="hp-buttons")

    def on_click(self, widget, callback):
        widget.on_click(self._guarded(lambda _: callback()))

    def on_change(self, callback, *widgets):
        """Call `callback()` when a learner changes a control (not the panel itself)."""
        for widget in (getattr(widget, "source", widget) for widget in widgets):
            if hasattr(widget, "refuse"):
                widget.refuse = self._refuse
            widget.observe(self._guarded(lambda _: callback()), "value")

    def _refuse(self, said):
        """Say what is wrong with a value until something is changed."""
        with self.live.lock:
            self.refused = True
            self.show_message(said, wrong=True)

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
        if not hyper.was_refused(error):
            said = WORDS["error"].format(f"<b>{type(error).__name__}: {said}</b>")
        self.show_message(said, wrong=True)

    def show_message(self, text, *, wrong=False):
        """Show a sentence (HTML) below the charts as they are."""
        self._show(self.charts.charts, text, wrong=wrong)

    def _show(self, charts, text, *, wrong=False, passing=False):
        """Show charts and sentence at once; a screen reader skips `passing` ones."""
        # A sentence that stays, as while a map is drawn, is not said a second time.
        self._unannounced = passing and (self._unannounced or text != self.result)
        look = "hp-say hp-error" if wrong else "hp-say"
        live = " aria-live='off'" if self._unannounced else ""
        self.result = text
        self.charts.show(charts, sentence=f"<div class='{look}'{live}>{text}</div>")
        if self._saving and not passing:
            self._saving.cancel()
            self._saving = threading.Timer(SAVE, self._show_saved, [True])
            self._saving.daemon = True
            self._saving.start()

    def _draw(self):
        running = self.live.busy
        (self.add_class if running else self.remove_class)("hp-running")
        for name in {"stop_button", "pause_button"} & vars(self).keys():
            getattr(self, name).disabled = not running
        self._update(running)
        said, passing = self.result, running and not self.live.paused
        if passing and time.monotonic() > self.live.announced + ANNOUNCE:
            passing, self.live.announced = False, time.monotonic()
        charts = self._pictures()  # which may judge the guess
        wrong = self.refused or self.error is not None
        if not wrong:
            said = self.guess.sentence if self.guess else ""
            if not self.guess or self.guess.open:
                said += self._result_text(running)
        self._show(charts, said, wrong=wrong, passing=passing)
        # Table and code follow what runs, too, though not in each picture.
        stale = time.monotonic() > self._filled + _BELOW
        if stale or not running or self.newest_first:
            self._show_drawer()

    @property
    def _trained(self):
        """What scripts train anew: what is shown, if a script can."""
        return self.run or self.found

    @property
    def has_result(self) -> bool:
        """Whether there is something to show."""
        return self._trained is not None

    def _pictures(self):
        if self.has_result:
            return self._charts()
        return self.charts.charts if self.live.busy else self.blank

    def _result_text(self, running):
        if not self.has_result:
            return self.words["training" if running else "stopped"]
        return self._summary(running)

    def end(self) -> None:
        """Stop it and take it from the page; its saved picture stays."""
        self.live.stop()
        if self._saving:
            self._saving.cancel()
        parts.close(self)

    def _rows_below(self):
        return self.frame()

    def frame(self) -> pd.DataFrame:
        """Return the numbers of the charts as a table."""
        import pandas as pd

        return pd.DataFrame(self._table() if self.has_result else {})

    def code(self) -> str:
        """Return the cell that gives the same result without a panel."""
        return self._code() if self.has_result else ""

    def codes(self) -> dict[str, str]:
        """Return `code`, and scripts without hpkit, by the name of their library."""
        with self.live.lock:
            codes, found = {HPKIT: self.code()}, self._trained
            return codes | (forms(found, "run_data.npz", "by_call") if found else {})

    def stop(self) -> None:
        """Stop the training; returns at once."""
        self.live.stop()

    def wait(self, timeout: float | None = None) -> Self:
        """Return the panel once training ends; TimeoutError after that many seconds."""
        self.live.wait(timeout)
        return self

    def save(self, name: str | None = None) -> list[Path]:
        """Write the numbers as CSV and the picture as PNG and SVG into hpkit-runs/.

        `name` is that of the files, without extension; default: data set, panel and a
        number.
        """
        first, ends = name or self.stem, ("csv", "png", "svg")
        names = (first if n == 1 else f"{first}-{n}" for n in count(1))
        every = ([FOLDER / f"{each}.{end}" for end in ends] for each in names)
        paths = next(some for some in every if not any(path.exists() for path in some))
        table = self.frame().to_csv(index=False)
        mark = "" if table.isascii() else "\ufeff"  # else Excel misreads Korean
        made = [mark + table, *map(self.picture, ("png", "svg"))]
        try:
            FOLDER.mkdir(exist_ok=True)
            for path, content in zip(paths, made, strict=True):
                write(path, content)
        except OSError as error:
            for path in paths:
                path.unlink(missing_ok=True)
            why = {"kind": type(error), "reason": error_reason(error)}
            raise hyper.refusal("file", str(paths[0]), **why) from None
        return paths

    def line(self) -> str:
        """Return the state as a line that `hpkit.open` makes a panel of.

        Raises
        ------
        ValueError
            For a panel without **Share**, a data set or model of your own, or more than
            200 characters.
        """
        if not self.shares:
            raise hyper.refusal("no_line", self.kind)
        setting, more = self._state()  # and what else the line says, as text
        if self.model is not None or not parts.is_of_course(self.dataset):
            raise hyper.refusal("line_own", self.dataset.name)
        said = {"data": self.dataset.name}
        said |= values_text(setting, hyper.Hyperparameters()) | more
        said["ask"] = "1" if self.guess else ""
        said = urlencode({n: text for n, text in said.items() if text}, safe=":;,")
        made = f"{self.kind}?{said}"
        if len(made) > LONGEST:
            raise hyper.refusal("line_long", len(made), most=LONGEST)
        return made

    @property
    def stem(self) -> str:
        """Start of the names of files."""
        data = f"{self.dataset.name}-" if self.dataset else ""
        return file_stem(data + self.kind)

    def _save(self):
        try:
            table, *pictures = self.save()
            said = WORDS["saved"].format(table, *(path.name for path in pictures))
        except OSError as error:  # what is shown stays
            said = error_reason(error)
        self.note.value = html.escape(said)

    def _share(self):
        code = f"<code>hk.open({html.escape(repr(self.line()))})</code>"
        self.note.value = f"{code} <button class='hp-copy'>{WORDS['copy']}</button>"

    def _show_drawer(self):
        self._filled = time.monotonic()
        self.drawer.selected_index = number = self.view.index
        if self.view.value == "code":
            codes, chosen = self.codes(), self.forms.value
            self.forms.layout.display = "" if len(codes) > 1 else "none"
            with self.quietly():
                self.forms.options = tuple(codes)  # equal ones change nothing
                self.forms.value = chosen if chosen in codes else HPKIT
            self.code_box.value = codes[self.forms.value]
        if self.view.value == "table":
            rows = self._rows_below()[:: -1 if self.newest_first else 1]
            said = dict(zip((False, True), words("values")["flags"], strict=False))
            rows = rows.apply(lambda c: c.map(said) if c.dtype == bool else c)
            rows = rows.apply(lambda c: c.map(value_text) if c.dtype == object else c)
            self.drawer.children[number].value = rows.rename(columns=_head_of).to_html(
                float_format="{:.4g}".format, na_rep="", index=False, border=0
            )

    def picture(self, form: str = "png") -> bytes:
        """Return the still picture as PNG or SVG."""
        return picture(self.charts.charts, self.widths, form=form)

    def _ipython_display_(self):
        """Show the live widget, and beside it its saved picture."""
        self._show_saved()
        self._saving = threading.Timer(0, int)

    def _show_saved(self, again=False):
        """Show the picture with the result; where a guess is waited for, folded."""
        with self.live.lock:
            covered = self.guess and not self.guess.open and self.error is None
            said = self._result_text(self.live.busy) if covered else self.result
        plain = f"{self.title}. {html.unescape(re.sub(r'<[^>]+>', '', said))}"
        alt, png = html.escape(plain), small_png(self.picture())
        image = f'<img alt="{alt}" src="{data_uri(png)}">'
        image += f'<p aria-hidden="true">{said}</p>'
        if covered:  # until the next day, or for a page that is only read
            image = f"<details><summary>{WORDS['guessed']}</summary>{image}</details>"
        parts.show_saved(self, image, plain=plain, again=again)


def _head_of(column):
    """Return a column's name in words: `param_lr` is a learning rate."""
    name, heads = column.removeprefix("param_"), words("panels.heads")
    if name in hyper.TABLE and column not in heads:
        return hyper.TABLE[name].label
    return heads.get(name, name.replace("_", " "))


def values_text(setting, other):
    """Return the hyperparameters in which a setting differs from another, as text."""
    return {n: written([getattr(setting, n)]) for n in hyper.varied([setting, other])}
