"""What all panels share: thread, frame, charts, result in words, guess, code, files.

A panel is a box of widgets. A subclass makes its controls, passes them to `build`, and
starts jobs on `self.live`. Once it `has_result`, its methods describe what it shows:
`_update(running)` updates status and controls; `_charts()` returns the charts,
always the same number with the same kinds of marks; `_summary(running)` the result in
words (HTML); `_table()` the numbers in any form that `pandas.DataFrame` accepts;
`_rows_below()` the rows of the table below the charts if they are not those of
`frame()`; and `_code()` the cell that gives the same numbers.

A job is a generator: it trains a little, stores what it has so far, and yields. At a
`yield` it can be stopped, paused or replaced, and the panel can be drawn. `yield False`
says that there is nothing new to draw.
"""

import atexit
import html
import re
import threading
import time
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from typing import Self
from urllib.parse import urlencode
from weakref import WeakSet

import IPython
import ipywidgets as W
import pandas as pd

from hpkit import hyperparameters as hyper
from hpkit.charts.spec import Axis, Chart
from hpkit.charts.still import data_uri, picture, small_png
from hpkit.data.datasets import load_call
from hpkit.engine.as_pytorch import scripts
from hpkit.engine.files import refuse_file_errors
from hpkit.engine.training import TURN, check_settings, train, with_objective
from hpkit.locale import Texts, digits, words
from hpkit.panels import parts
from hpkit.panels.controls import Drawing, Guess, LiveCharts, written
from hpkit.panels.parts import html_widget, named, row
from hpkit.store import error_reason, write
from hpkit.text import file_stem, value_text

WORDS = Texts("panels.panel")
FOLDER = Path("hpkit-runs")
HPKIT = "hpkit"  # the first of the libraries that code is shown for
SAVE = 1.5  # seconds without a change before the saved picture is replaced
LONGEST_LINE = 200  # characters of a line that describes a panel's state
ANNOUNCE = 10.0  # seconds between two sentences for screen readers during training
_BELOW = 1.0  # seconds between two updates of the table or code during training
FRAME = 1 / 15  # seconds between two pictures: smooth to the eye, cheap to send
THREAD = "hpkit panel"
SETTLED = 0.4  # seconds without a move after which the value of a control counts
_PAUSE_PER_DRAW = 20  # times as long as drawing took: training comes first
_WAIT_TO_SHOW = 2.0  # seconds that a panel may train before it is shown
_WAIT_AT_EXIT = 5.0  # seconds that threads have to end before Python does
_turns = threading.Lock()  # panels take turns to train


class Live:
    """Runs the newest job, one at a time, in a thread."""

    # `draw()` shows the state: called with `lock` held, up to 15 times a second, and at
    # the end; `fail(error)` shows an error of a job. Why a thread and an Event: a loop
    # in a button's callback keeps the kernel from reading the click on Stop.

    def __init__(self, draw, fail):
        self.draw, self.fail = draw, fail
        self.lock = threading.RLock()  # guards all state of the panel
        self.busy = False
        self.next_job = None  # waits for the running one, whose `rest` then ends
        self._thread = None
        self._halt, self._go = threading.Event(), threading.Event()
        self.pause, self.resume = self._go.clear, self._go.set

    @property
    def paused(self):
        """Whether the job rests until `resume`."""
        return self.busy and not self._go.is_set()

    def start(self, job, *, replace=True):
        """Start a job instead of the waiting and, with `replace`, the running one."""
        # Without `replace` the running one ends first. While a slider is dragged, only
        # that produces pictures: if each move stopped it, no training would ever end.
        with self.lock:
            self.next_job = job
            self.resume()
            if replace:
                self._halt.set()
            if self._thread is None:
                self.busy, self.announced = True, time.monotonic()
                self._thread = threading.Thread(None, self._work, THREAD, daemon=True)
                self._thread.start()

    def run_now(self, job, *, seconds=_WAIT_TO_SHOW):
        """Run a job before returning; after `seconds` it goes on in the thread."""
        deadline = time.perf_counter() + seconds
        with self.lock:
            with self._show_errors():
                for _ in job:
                    if time.perf_counter() > deadline:
                        self.start(job)
                        break
            with self._show_errors():
                self.draw()

    def stop(self):
        """Stop the running job and drop the waiting one; returns at once."""
        with self.lock:
            self.next_job = None
            self._halt.set()
            self.resume()

    def rest(self, seconds=SETTLED):
        """Rest until nothing has moved for a moment, or a newer job waits."""
        deadline = time.perf_counter() + seconds
        while time.perf_counter() < deadline and not self.next_job:
            time.sleep(0.02)
            yield False

    def wait(self, timeout=None):
        """Wait until nothing runs (raises TimeoutError after `timeout` seconds)."""
        deadline = time.monotonic() + (float("inf") if timeout is None else timeout)
        while self._thread is not None:
            if time.monotonic() > deadline:
                raise hyper.refusal("panel_trains", timeout, kind=TimeoutError)
            # Up to Python 3.12, interrupting `join` breaks the thread it waits for.
            time.sleep(0.01)

    def _work(self):
        """Run the newest job until none is left (the thread)."""
        ran = False
        TURN.set(_turns)
        while True:
            with self.lock:
                job, self.next_job = self.next_job, None
                self.busy = job is not None
                if ran or not self.busy:
                    with self._show_errors():
                        self.draw()
                if not self.busy:
                    self._thread = None
                    return
                self._halt.clear()
            # Closing a stopped job runs its `finally`, which stores what it has.
            with self._show_errors(), closing(job):
                self._run(job)
            ran = True

    def _run(self, job):
        """Step through a job and draw, until its end or a stop."""
        draw_at, stale = 0.0, False
        for news in job:
            stale = stale or news is not False
            due = time.perf_counter() >= draw_at or news is False
            if stale and (due or self.paused) and not self._halt.is_set():
                begin = time.perf_counter()
                with self.lock:
                    self.draw()
                end, stale = time.perf_counter(), False
                draw_at = end + max(FRAME, _PAUSE_PER_DRAW * (end - begin))
            self._go.wait()
            if self._halt.is_set():  # perhaps set while drawing
                return

    @contextmanager
    def _show_errors(self):
        try:
            yield
        except (Exception, SystemExit) as error:  # a model may call exit()
            with self.lock:
                self.fail(error)


_panels = WeakSet()  # those that no later run of their cell has ended


@atexit.register
def _end_all():
    """End all threads: torch aborts a Python that exits while one still trains."""
    deadline = time.monotonic() + _WAIT_AT_EXIT
    for panel in list(_panels):
        panel.stop()
    for panel in list(_panels):
        if thread := panel.live._thread:
            thread.join(max(0.0, deadline - time.monotonic()))


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
    """Return ids of the running cell and of this run of it; in a script, two Nones."""
    kernel = getattr(IPython.get_ipython(), "kernel", None)
    message = kernel.get_parent("shell") if kernel else {}
    # Some front ends give cells no id; there the code identifies the cell.
    code = message.get("content", {}).get("code")
    cell = message.get("metadata", {}).get("cellId") or code
    return cell, message.get("header", {}).get("msg_id")


def play(show, current, last, pause, first=0):
    """Show one number after another, slowly; after the last, start over (a job)."""
    # `current()` is the number shown, which a learner may move; `show(number)` sets it.
    restart = current() >= last
    while restart or current() < last:
        time.sleep(pause)
        yield False  # a stop takes effect here, before the next step
        show(first if restart else current() + 1)
        restart = False
        yield


class Panel(W.VBox):
    """The frame of a panel; a `title` of None is the usual one, `words["title"]`.

    `live` runs its jobs, and `live.lock` guards all state; `charts` are the
    `LiveCharts`; `result` is the sentence below them, as HTML; `error` is what the last
    training or callback raised, also shown in the panel.
    """

    # A subclass sets `kind`, which names its files, and `words`: its title, and the
    # description and tooltip of each button.
    widths = (1,)  # of the charts
    _guess_fits = True  # whether the guess was about what is shown
    model, shares = None, False  # `shares`: whether `line` can describe its state
    _next_style = "primary"  # of the next button
    newest_first = False  # whether the table grows, with the last row of `frame` first
    run = runs = found = None  # what was trained, as far as the panel has it

    def __init__(self, dataset, title, *settings):
        if settings:
            check_settings(settings, dataset)
        self.texts = Texts(*WORDS.paths, *self.words.paths)  # shared ones, then its own
        if title is None:
            title = self.words["title"].format(getattr(dataset, "name", ""))
        self.dataset = None if dataset is None else with_objective(dataset, None, None)
        self.live = Live(self._draw, self._fail)
        self.guess = self.error = None
        self.drawers = {"table": html_widget("", "hp-table")}  # below the charts
        self.title, self.result = hyper.check_text("title", title), ""
        self._quiet = 0  # how many `quietly` blocks are open
        self.refused = False  # whether the last value was
        self._unannounced = False  # whether screen readers skipped the last sentence
        self._drawer_time = 0.0  # of its last update
        self._saving = None  # timer for the next saved picture
        self.status = html_widget("", "hp-status")
        self.note = html_widget("", "hp-muted", "hp-grow")
        super().__init__()
        self.add_class("hpkit")
        stop_earlier(self)

    def build(self, *left, calls=(), over=()):
        """Lay out the panel: controls on the `left`, widgets `over` the charts."""
        attributes = "class='hp-title' role='heading' aria-level='3'"
        head = f"<span {attributes}>{html.escape(self.title)}</span>"
        head = html_widget(head + parts.live_style(self), "hp-grow")
        controls = W.VBox([*([self.guess.box] if self.guess else ()), *left])
        calls = {name: self._guard(call) for name, call in dict(calls).items()}
        self.charts = LiveCharts(self.widths, calls=calls)
        self.blank = [Chart(Axis(), Axis(), [], alt=self.title)] * len(self.widths)
        self.charts.charts = self.blank
        right = W.VBox([*([row(*over, name="hp-over")] if over else ()), self.charts])
        body = controls.add_class("hp-controls"), right.add_class("hp-charts")

        self.code_box = named(W.Textarea(), WORDS["code_tip"])
        self.code_box.add_class("hp-mono")
        self.forms = named(W.ToggleButtons(options=[HPKIT]), WORDS["forms_tip"])
        code = row(self.forms.add_class("hp-forms"), self.code_box, name="hp-code")
        self.drawers["code"] = code
        names = [(self.texts[name], name) for name in self.drawers]
        tips = [self.texts[f"{name}_tip"] for name in self.drawers]
        self.view = named(W.ToggleButtons(options=names, tooltips=tips), WORDS["view"])
        self.drawer = W.Stack([*self.drawers.values()], selected_index=0)
        save = self.button("save", self._save)
        share = [self.button("share", self._share)] if self.shares else []
        self.on_change(self._show_drawer, self.forms, self.view)
        self.children = (
            parts.style_sheet(),
            row(head, self.status, name="hp-head"),
            row(*body, name="hp-body"),
            row(self.view, save, *share, self.note, name="hp-foot"),
            self.drawer.add_class("hp-drawer"),
        )

    def ask(self, predict, question, kind, *arguments, text=str, **options):
        """Cover the charts until a guess is made, if `predict`; before `build`."""
        # `kind(*arguments, **options)` is the widget of `Guess`, `text` as there.
        draws = kind is Drawing and predict == "draw"
        if draws or hyper.check_flag("predict", predict):
            self.guess = Guess(self, question, kind(*arguments, **options), text)

    @property
    def guesses(self):
        """The guess in a list; empty where there is none on what is shown."""
        answered = self.guess and self.guess.open and self._guess_fits
        return [self.guess.value] if answered else []

    def train(self, dataset, settings, seeds, show=None):
        """Train and return the runs (a job); `show` is called with the runs so far."""
        for runs in train(dataset, settings, seeds=seeds, tick=FRAME):
            if show:
                show(runs)
            yield show is not None
        return runs

    def _guard(self, callback):
        """Return a callback that holds the lock and shows its own errors."""

        def guarded(*values):
            with self.live.lock:
                if self._quiet:
                    return
                self.refused = False
                if "hp-copy" in self.note.value:  # the line of an earlier state
                    self.note.value = ""
                try:
                    callback(*values)
                except Exception as error:
                    self.error = None
                    self._fail(error)

        return guarded

    def button(self, name, callback):
        """Return a button that calls `callback()`, also kept as `name_button`."""
        # Its texts have the same name. The first button made is the one to press first.
        tip = self.texts[f"{name}_tip"]
        button = W.Button(description=self.texts[name], tooltip=tip)
        button.button_style = "" if name == "stop" else self._next_style
        self._next_style = ""
        setattr(self, f"{name}_button", button.add_class(f"hp-press-{name}"))
        self.on_click(button, callback)
        return button

    def buttons(self, **callbacks):
        """Return buttons side by side, from their names and callbacks."""
        return row(*map(self.button, callbacks, callbacks.values()), name="hp-buttons")

    def on_click(self, widget, callback):
        widget.on_click(self._guard(lambda _: callback()))

    def on_change(self, callback, *widgets):
        """Call `callback()` when a learner changes a control (not the panel itself)."""
        for widget in widgets:
            source = getattr(widget, "source", widget)
            if hasattr(source, "refuse"):
                source.refuse = self._refuse
            source.observe(self._guard(lambda _: callback()), "value")

    def _refuse(self, text):
        """Show what is wrong with a value until something is changed."""
        with self.live.lock:
            self.refused = True
            self.show_message(text, wrong=True)

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
        """Show an error until the next start; the first one counts."""
        # The message of a refused value says all. Any other error is a failure, even a
        # ValueError of our own code, and is shown as one.
        if self.error is not None:
            return
        self.error, text = error, html.escape(str(error))
        if not hyper.was_refused(error):
            text = WORDS["error"].format(f"<b>{type(error).__name__}: {text}</b>")
        self.show_message(text, wrong=True)

    def show_message(self, text, *, wrong=False):
        """Show a sentence (HTML) below the charts as they are."""
        self._show(self.charts.charts, text, wrong=wrong)

    def _show(self, charts, text, *, wrong=False, passing=False):
        """Show charts and sentence at once; a screen reader skips `passing` ones."""
        # A sentence that stays, as while a map is drawn, is not read aloud twice.
        self._unannounced = passing and (self._unannounced or text != self.result)
        classes = "hp-say hp-error" if wrong else "hp-say"
        aria = " aria-live='off'" if self._unannounced else ""
        self.result = text
        self.charts.show(charts, sentence=f"<div class='{classes}'{aria}>{text}</div>")
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
        text, passing = self.result, running and not self.live.paused
        if passing and time.monotonic() > self.live.announced + ANNOUNCE:
            passing, self.live.announced = False, time.monotonic()
        charts = self.charts.charts if running else self.blank
        if self.has_result:
            charts = self._charts()  # which may judge the guess
        wrong = self.refused or self.error is not None
        if not wrong:
            text = self.guess.sentence if self.guess else ""
            if not self.guess or self.guess.open:
                text += self._result_text(running)
        self._show(charts, text, wrong=wrong, passing=passing)
        # Table and code follow a training, too, but not with every picture.
        due = time.monotonic() > self._drawer_time + _BELOW
        if due or not running or self.newest_first:
            self._show_drawer()

    def _update(self, running):
        pass

    @property
    def _trained(self):
        """The runs or the search shown, which scripts train again."""
        return self.run or self.found

    @property
    def has_result(self) -> bool:
        """Whether there is something to show."""
        return self._trained is not None

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
        return pd.DataFrame(self._table() if self.has_result else {})

    def code(self) -> str:
        """Return the cell that gives the same result without a panel."""
        return self._code() if self.has_result else ""

    def codes(self) -> dict[str, str]:
        """Return `code`, and scripts without hpkit, by the name of their library."""
        with self.live.lock:
            others = scripts(self._trained, "run_data.npz", "by_call")
            return {HPKIT: self.code()} | others

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
        first = name or self.stem
        for number in count(1):
            stem = first if number == 1 else f"{first}-{number}"
            paths = [FOLDER / f"{stem}.{suffix}" for suffix in ("csv", "png", "svg")]
            if not any(path.exists() for path in paths):
                break
        table = self.frame().to_csv(index=False)
        mark = "" if table.isascii() else "\ufeff"  # else Excel misreads Korean
        contents = [mark + table, *map(self.picture, ("png", "svg"))]
        with refuse_file_errors(paths[0]):
            FOLDER.mkdir(exist_ok=True)
            for path, content in zip(paths, contents, strict=True):
                write(path, content)
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
        setting, extra = self._state()  # `extra`: further parts of the line, as texts
        load = load_call(self.dataset.name, self.dataset.fingerprint)
        if self.model is not None or not load or "seed=" in load:
            raise hyper.refusal("line_own", self.dataset.name)
        texts = values_text(setting, hyper.Hyperparameters()) | extra
        texts = {"data": self.dataset.name, **texts, "ask": "1" if self.guess else ""}
        query = urlencode({n: text for n, text in texts.items() if text}, safe=":;,")
        line = f"{self.kind}?{query}"
        if len(line) > LONGEST_LINE:
            raise hyper.refusal("line_long", len(line), most=LONGEST_LINE)
        return line

    @property
    def stem(self) -> str:
        """Start of the names of files."""
        data = f"{self.dataset.name}-" if self.dataset else ""
        return file_stem(data + self.kind)

    def _save(self):
        try:
            table, *pictures = self.save()
            text = WORDS["saved"].format(table, *(path.name for path in pictures))
        except OSError as error:  # a note: charts and result stay
            text = error_reason(error)
        self.note.value = html.escape(text)

    def _share(self):
        code = f"<code>hk.open({html.escape(repr(self.line()))})</code>"
        self.note.value = f"{code} <button class='hp-copy'>{WORDS['copy']}</button>"

    def _show_drawer(self):
        self._drawer_time = time.monotonic()
        self.drawer.selected_index = self.view.index
        if self.view.value == "code":
            codes, chosen = self.codes(), self.forms.value
            self.forms.layout.display = "" if len(codes) > 1 else "none"
            with self.quietly():
                self.forms.options = tuple(codes)  # equal ones change nothing
                self.forms.value = chosen if chosen in codes else HPKIT
            self.code_box.value = codes[self.forms.value]
        if self.view.value == "table":
            rows = self._rows_below()[:: -1 if self.newest_first else 1]
            flags = dict(zip((False, True), words("values")["flags"], strict=False))
            rows = rows.apply(lambda c: c.map(flags) if c.dtype == bool else c)
            rows = rows.apply(lambda c: c.map(value_text) if c.dtype == object else c)
            scores = rows.filter(regex="^(?!rank).*(loss|accuracy|spread)$")
            formats = dict.fromkeys(map(_heading, scores), _score_text)
            options = {"float_format": "{:.4g}".format, "index": False, "border": 0}
            options |= {"na_rep": "", "formatters": formats}
            table = rows.rename(columns=_heading).to_html(**options)
            diverged = f"<td>{words('charts')['diverged']}</td>"  # a loss of inf
            self.drawers["table"].value = table.replace("<td>inf</td>", diverged)

    def picture(self, form: str = "png") -> bytes:
        """Return the still picture as PNG or SVG."""
        return picture(self.charts.charts, self.widths, form=form)

    def __repr__(self):  # that of a box has the whole style sheet
        return f"<{type(self).__name__}: {self.title}>"

    def _ipython_display_(self):
        """Show the live widget, and beside it its saved picture."""
        self._show_saved()
        self._saving = threading.Timer(0, int)  # never started: `_show` replaces it

    def _show_saved(self, again=False):
        """Show the picture with the result, folded while a guess is awaited."""
        with self.live.lock:
            covered = self.guess and not self.guess.open and self.error is None
            text = self._result_text(self.live.busy) if covered else self.result
        plain = f"{self.title}. {html.unescape(re.sub(r'<[^>]+>', '', text))}"
        alt, png = html.escape(plain), small_png(self.picture())
        image = f'<img alt="{alt}" src="{data_uri(png)}">'
        image += f'<p aria-hidden="true">{text}</p>'
        if covered:  # until the next day, or for a page that is only read
            image = f"<details><summary>{WORDS['guessed']}</summary>{image}</details>"
        parts.show_saved(self, image, plain=plain, again=again)


def _heading(column):
    """Return a column's name in words: `param_lr` is a learning rate."""
    name, headings = column.removeprefix("param_"), words("panels.heads")
    if name in hyper.TABLE and column not in headings:
        return hyper.TABLE[name].label
    return headings.get(name, name.replace("_", " "))


def _score_text(score):  # so that the points of a column are below each other
    return f"{score:.4f}" if 1e-3 <= abs(score) < 10 else digits(score, 4)


def values_text(setting, other):
    """Return the hyperparameters in which a setting differs from another, as text."""
    return {n: written([getattr(setting, n)]) for n in hyper.varied([setting, other])}
