"""`ValidationCurvePanel`, `GridPanel`; `SearchPanel`, what panels of a search share."""

import time
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

import ipywidgets as W
import numpy as np
import traitlets

from hpkit import hyperparameters as hyper
from hpkit import text as txt
from hpkit.charts import searches as charts
from hpkit.charts.runs import loss_chart
from hpkit.data.datasets import Dataset
from hpkit.engine.dense import Model
from hpkit.engine.training import allowed_own_names, check_model
from hpkit.hyperparameters import TABLE, USUAL, Hyperparameters, all_settings
from hpkit.locale import Texts
from hpkit.panels import controls as ctl
from hpkit.panels.panel import FRAME, Panel
from hpkit.panels.parts import code_of_search, named, row
from hpkit.search import searches
from hpkit.search.result import describe
from hpkit.search.space import with_own_names

WORDS = Texts("panels.search_panel")
CURVE = Texts("panels.curve", "panels.search_panel")
GRID = Texts("panels.grid", "panels.search_panel")
_UNIT_SECONDS = 3e-6  # for a unit of `_work`, until a search was timed
_FEW_VALUES = {"lr": "0.001 to 10 in 5", "batch_size": "8, 16, 32, 64, 128"}


class SearchPanel(Panel):
    """A panel of a search over settings and seeds; `found` is its result so far."""

    def __init__(self, dataset, title, base, seeds, model):
        self.base = hyper.check_setting(base, "base", default=Hyperparameters())
        super().__init__(dataset, title, self.base)
        self.model, self.given = check_model(model), ctl.seeds_argument(seeds)
        label, count = ctl.WORDS["seeds"], len(self.given)
        self.seeds = ctl.count_box(label, count, 1, 10, most=ctl.MOST_SEEDS)
        self.add_class("hp-tall")

    @property
    def seed_list(self) -> Sequence[int]:
        """The seeds: those given, then the next numbers."""
        return ctl.seeds_from(self.given, self.seeds.value)

    @property
    def has_result(self):
        return self.found is not None and self.found.cost.epochs > 0

    def _rows_below(self):
        if len(rows := self.frame()):
            # Best first: only a few rows are visible at once.
            rows = rows[rows["best_epoch"] >= 0].sort_values("rank_val_loss")
        return rows.drop(columns=["epochs", "fit_time"], errors="ignore")

    def _table(self):
        return self.found.to_frame()

    def _line_parts(self, space):
        """Return the lists and the seeds as parts of the panel's line."""
        lists = (f"{n}:{ctl.written(v).replace(' ', '')}" for n, v in space.items())
        seeds = list(self.seed_list)
        text = ",".join(map(str, seeds)) + ("," if len(seeds) < 2 else "")
        if seeds == list(range(len(seeds))):
            text = "" if len(seeds) == 3 else str(len(seeds))
        return {"space": ";".join(lists), "seeds": text}

    def _arguments(self, space):
        """Return the lists of values as arguments of the search."""
        return space

    def _make_search(self, search, base, space):
        """Return a search as a generator; its arguments are checked at once."""
        options = {"seeds": self.seed_list, "model": self.model, "tick": FRAME}
        return search.live(self.dataset, base, **options, **self._arguments(space))

    def _code_of(self, search, base, space):
        lists = {name: list(values) for name, values in space.items()}
        seeds = self.found.seeds if self.found else self.seed_list
        code = [f"{name}={value!r}" for name, value in self._arguments(lists).items()]
        code.append(txt.seeds_code(seeds))
        return code_of_search(search, self.dataset, base, self.model, code)


class _ListsPanel(SearchPanel):
    """A panel of the search named `search` over lists of values."""

    usual = USUAL  # the controls that its line need not name
    on_map = False  # whether its sentences are beside a map

    def __init__(self, dataset, title, base, seeds, model, names, controls):
        own = allowed_own_names(names, model, base)
        for name in names:
            hyper.check_name(name, own)
        super().__init__(dataset, title, base, seeds, model)
        self.chosen = None  # index of the highlighted setting; None is the best
        self.settled = None  # the last search that no newer one replaced
        self.before = None  # the one settled before it, which charts show in gray
        self.offer = None  # says what a slow search would cost, until it is started
        self.pace, self.job_seconds, self.entries = _UNIT_SECONDS, 0.0, []
        self.controls = ctl.Controls(dataset, self.base, controls)
        buttons = self.buttons(start=self._on_start, stop=self.stop)
        self.search_box = [self.controls.box, self.seeds, buttons]
        self.on_change(self._on_move, *self.controls.knobs.values(), self.seeds)

    def _add_entry(self, name, values, label=None, lists=None):
        """Add an `Entry`: a choice of the hyperparameter and its values."""
        if values is None:
            values = ctl.usual_values(name, self.dataset, lists)
        if values == "":
            raise hyper.refusal("no_usual", name)
        entry = ctl.Entry(name, values, max(1, len(self.base.hidden)), label)
        self.entries.append(entry)
        first = entry.text.value
        self.controls.base = with_own_names(self.controls.base, {name: entry.values})

        def on_rename():
            with self.quietly():
                usual = ctl.usual_values(entry.name, self.dataset)
                entry.text.value = first if entry.name == name else usual
            entry.check()  # the text may be the same, but not what it means
            self._show_controls()
            self._on_move()

        self.on_change(on_rename, entry.which)
        self.on_change(self._on_move, entry.text)
        return entry

    def _space(self):
        space = {entry.name: entry.values for entry in self.entries}
        if len(space) < len(self.entries):
            raise hyper.refusal("same_axes", *space)
        return space

    def _begin(self):
        search = getattr(searches, self.search)
        return self._make_search(search, self.controls.setting, self._space())

    def _state(self):
        extra = self._line_parts(self._space()) | self.controls.line(self.usual)
        return self.controls.setting, extra

    def _code(self):
        return self._code_of(self.search, self.found.base, self.found.space)

    @property
    def focus(self) -> int:
        """Number of the setting that is highlighted."""
        if self.chosen is not None and self.chosen < len(self.found.settings):
            return self.chosen
        return int(self.found.runs.order[0])

    def choose(self, number: int) -> None:
        self.chosen = number
        self._draw()

    def _work(self, settings):
        """Return a number proportional to the time of a search, all trained at once."""
        # The calls of a step cost about as much as ten runs in it, and measuring the
        # losses after an epoch as much as about six steps.
        work, points, seeds = 0, len(self.dataset.train.y), len(self.seed_list)
        for size in {setting.batch_size for setting in settings}:
            epochs = [s.epochs for s in settings if s.batch_size == size]
            step = 10 + seeds * len(epochs) * (1 + size / 64)
            work += max(epochs) * (6 + points / size) * step
        return work

    def _planned(self):
        return all_settings(self.controls.setting, self._space())

    def _show_controls(self):
        """Show only the controls of hyperparameters that are not searched."""
        self.settled = None  # one of other hyperparameters is no comparison
        searched = [entry.name for entry in self.entries]
        for name, knob in self.controls.knobs.items():
            knob.layout.display = "none" if name in searched else ""

    def _run(self, search, *, rest=True):
        """Run a search (a job); it becomes `settled` if no newer one comes."""
        self.before, start = self.settled, time.process_time()
        for self.found in search:
            yield
        self.pace = (time.process_time() - start) / self._work(self.found.settings)
        if rest:
            yield from self.live.rest()
        if not self.live.next_job:
            self.settled = self.found

    def _run_first(self):
        self._show_controls()
        search = self._begin()  # checks before it shows
        self.live.run_now(self._run(search, rest=False))

    def seconds(self) -> float:
        """Return about how long a start takes, from the last one."""
        return self.pace * self._work(self._planned())

    def start(self, *, replace: bool = True) -> None:
        """Start the search with the values shown."""
        search = self._begin()
        self.error = self.chosen = self.offer = None
        self.job_seconds = self.seconds()
        self._unannounced = True  # so that screen readers say an equal result, too
        self.live.start(self._run(search), replace=replace)

    def _on_start(self):
        if not self.live.busy or self.offer:  # the second of a double click is ignored
            self.start()

    def _on_move(self):
        """Follow a control at once if that is quick, else say what it would cost."""
        if any(entry.wrong for entry in self.entries):
            return  # the entry shows why; the charts stay
        seconds = self.seconds()
        if seconds < ctl.QUICK:
            return self.start(replace=self.job_seconds >= ctl.QUICK)
        self.error = None
        settings, seeds = self._planned(), self.seed_list
        epochs = [setting.epochs for setting in settings for _ in seeds]
        facts = {"runs": len(epochs), "epochs": sum(epochs), "seconds": seconds}
        shown = self.found and ([*self.found.settings], self.found.seeds)
        slow = shown != (settings, seeds)  # else it came back to what is shown
        self.offer = WORDS["slow"].format(**facts) if slow else None
        self._draw()

    def _update(self, running):
        if not self.has_result:
            self.status.value = self.offer or ""
            return
        found, seconds = self.found, float(self.found.fit_time.sum())
        key = "took" if found.finished else "going" if running else "halted"
        status = WORDS[key].format(found=found, seconds=seconds)
        offered = self.offer and not running
        (self.add_class if offered else self.remove_class)("hp-stale")  # read aloud
        self.status.value = self.offer if offered else status
        done = found.finished and not offered  # Start would only repeat the search
        self.start_button.button_style = "" if done else "primary"

    def _summary(self, running):
        found, text = self.found, ""
        if self.offer and not running:
            text += WORDS["stale"]
        if not (running or found.finished):
            text += WORDS["cut"].format(found=found)
            if len(np.unique(found.runs.epochs_done)) > 1:
                text += WORDS["unequal"]
        best = txt.best_sentences(found, on_map=self.on_map)
        return text + escape(self._chosen_text() or " ".join(best))

    def _chosen_text(self):
        """Return a sentence on the setting that was chosen, unless it is the best."""
        number, runs = self.focus, self.found.runs
        if number == int(runs.order[0]):
            return ""
        setting = txt.setting_text(self.found.settings[number], self.found.space)
        text = WORDS["chosen_out" if runs.diverged[number].any() else "chosen"]
        setting = setting[:1].upper() + setting[1:]
        return text.format(setting, txt.loss_text(runs, number))


class ValidationCurvePanel(_ListsPanel):
    """Train many values of one hyperparameter and see the validation curve grow.

    Parameters
    ----------
    param_name : str, default "lr"
        The hyperparameter to begin with; another can be chosen.
    base : Hyperparameters, default Hyperparameters()
        Values of all others.
    param_range : sequence, or text such as "0.001 to 10 in 9", optional
    seeds : int or iterable of int, default 3
        How many, from 0 on, or which.
    controls : sequence of str, default ("lr", "batch_size", "epochs")
        Which others can be moved.
    model, predict
        As in `TrainingPanel`.

    Examples
    --------
    >>> moons, base = hk.load_dataset("moons"), hk.Hyperparameters(epochs=5)
    >>> panel = hk.ValidationCurvePanel(moons, "lr", base, param_range=[0.001, 0.1])
    >>> panel.wait().found.best.lr
    0.1
    """

    kind, words, widths = "validation-curve", CURVE, (5, 6)
    search, shares = "validation_curve", True

    def __init__(
        self,
        dataset: Dataset,
        param_name: str = "lr",
        base: Hyperparameters | None = None,
        *,
        param_range: Iterable[Any] | None = None,
        seeds: int | Iterable[int] = 3,
        controls: Iterable[str] = USUAL,
        title: str | None = None,
        model: Model | None = None,
        predict: bool | str = False,
    ) -> None:
        super().__init__(dataset, title, base, seeds, model, (param_name,), controls)
        self.values = self._add_entry(param_name, param_range)
        values = hyper.sort_numbers(self.values.values)
        axis, at = charts.value_axis(param_name, values)
        names = list(map(txt.value_text, values))
        drawing = dataset, at, axis, CURVE["lowest_at"], names
        self.ask(predict, CURVE["draw"], ctl.Drawing, *drawing)
        self.first = self._planned()  # what the guess is about
        calls = dict(curve=self.choose, point=self.choose, cross=self._choose_diverged)
        self.build(self.values.frame, *self.search_box, calls=calls)
        self._run_first()

    def _arguments(self, space):
        ((name, values),) = space.items()
        return {"param_name": name, "param_range": values}

    def _choose_diverged(self, number):
        diverged = np.flatnonzero(self.found.diverged.any(1))
        if number < len(diverged):  # the click may be from before a newer search
            self.choose(int(diverged[number]))

    def _charts(self):
        found = self.found
        setting = txt.setting_text(found.settings[self.focus], (found.param_name,))
        mean = found.runs.val_loss[self.focus].mean(0)
        places = [f"{charts.WORDS['epoch']} {n}" for n in range(len(mean))]
        alt = CURVE["curves"].format(setting, txt.curve_text(mean, places))
        curves = charts.value_curves_chart(found, self.focus, alt)
        drawn = self.guess and self.guess.drawn
        if drawn and found.finished:
            losses = np.where(found.unfit, np.nan, found.mean_val_loss)
            _, at = charts.value_axis(found.param_name, found.values(found.param_name))
            self.guess.judge(losses[np.argsort(at)])
        about = self.focus, self.before, drawn, describe(found)
        return [curves, charts.validation_chart(found, *about)]

    @property
    def _guess_fits(self):
        return not self.found or {*self.found.settings} == {*self.first}


class GridPanel(_ListsPanel):
    """Train all combinations of two lists of values, as a map.

    Parameters
    ----------
    x, y : str, default "lr", "batch_size"
        Hyperparameter across and up.
    x_values, y_values : sequence, or text such as "0.001 to 10 in 5", optional
    base, seeds, controls, model
        As in `ValidationCurvePanel`, but `controls` default to ("epochs",).
    predict : bool, default False
        Ask for a guess of the best cell before anything is shown.

    Examples
    --------
    >>> lists = {"x_values": [0.01, 0.3], "y_values": [16, 64]}
    >>> panel = hk.GridPanel(hk.load_dataset("moons"), **lists, seeds=1)
    >>> panel.wait().found.best.lr
    0.3
    """

    kind, words, widths = "grid", GRID, (1, 1)
    search, usual = "grid_search", ("epochs",)
    shares = on_map = True

    def __init__(
        self,
        dataset: Dataset,
        x: str = "lr",
        y: str = "batch_size",
        base: Hyperparameters | None = None,
        *,
        x_values: Iterable[Any] | None = None,
        y_values: Iterable[Any] | None = None,
        seeds: int | Iterable[int] = 3,
        controls: Iterable[str] = ("epochs",),
        title: str | None = None,
        model: Model | None = None,
        predict: bool = False,
    ) -> None:
        super().__init__(dataset, title, base, seeds, model, (x, y), controls)
        for name, values, side in ((x, x_values, "x"), (y, y_values, "y")):
            self._add_entry(name, values, GRID[side], _FEW_VALUES)
        cells = self._space(), self._planned()
        self.ask(predict, GRID["guess"], _CellGuess, *cells, text=self._guess_text)
        self.which = W.ToggleButtons(options=[(GRID["curves"], "")])
        self.on_change(self._draw, self.which)
        views = row(named(self.which, GRID["view"]), name="hp-small hp-right")
        left = [*(entry.frame for entry in self.entries), *self.search_box]
        self.build(*left, over=[views], calls={"cell": self._choose_cell})
        self.add_class("hp-map")
        self._run_first()

    def _choose_cell(self, cell):
        columns, rows = map(len, self.found.space.values())
        self.choose(cell % columns * rows + cell // columns)

    def _charts(self):
        found = self.found
        best = [] if found.runs.unfit.all() else [found.best]
        ties = [*found.ties, *best] if found.ties else []  # one plateau
        chosen = [] if self.chosen is None else [found.settings[self.focus]]
        marked = {"best": best, "ties": ties, "chosen": chosen}
        if self.guess:
            marked["guess"] = self.guesses
        options = {"framed": marked, "title": GRID["map"], "alt": describe(found)}
        losses = charts.grid_losses(found)
        heatmap = charts.heatmap_chart(found.space, losses, **options)
        return [heatmap, self._second_chart(found)]

    @property
    def _guess_fits(self):
        return self.found and [*self.found.settings] == self.guess.widget.settings

    def _second_chart(self, found):
        """Return the curves of the chosen cell, or the best along one axis."""
        names, runs = tuple(found.space), found.runs
        views = [(GRID["over"].format(TABLE[n].short), k) for k, n in enumerate(names)]
        with self.quietly():
            self.which.options = ((GRID["curves"], ""), *views)
        side = self.which.value
        if side != "":
            x, other = TABLE[names[side]].knob, TABLE[names[1 - side]].knob
            return charts.profile_chart(found, side, GRID["over_tip"].format(x, other))
        seeds = np.flatnonzero(runs.epochs_done[self.focus] >= 0)
        run, *others = [runs[self.focus, k] for k in seeds]
        options = {"faded": others, "faded_label": GRID["faded"], "alt": describe(run)}
        title = GRID["of_seed"].format(txt.short_text(run.setting, names), run.seed)
        return loss_chart(run, **options, title=title)

    def _guess_text(self, guess):
        """Return a guess in words, with its loss if that is known."""
        loss = self.found.mean_val_loss[self.found.settings.index(guess)]
        text = txt.short_text(guess, self.found.space)
        return text + (GRID["there"].format(loss) if np.isfinite(loss) else "")


class _CellGuess(W.VBox):
    """An empty map of all pairs of values, where a learner clicks one."""

    # `settings` are those of the cells, column by column from the left, each from the
    # bottom up; `value` is the one that was chosen, or None.

    value, request = traitlets.Any(), "cell"

    def __init__(self, space, settings):
        self.settings, self.space = settings, space
        self.columns, self.rows = map(len, space.values())
        self.charts = ctl.LiveCharts(calls={"cell": self._choose})
        super().__init__([self.charts])
        self._draw()

    def _choose(self, cell):
        row, column = divmod(cell, self.columns)
        self.value = self.settings[column * self.rows + row]
        self._draw()

    def _draw(self):
        chosen = [self.value] if self.value else []
        options = {"framed": {"guess": chosen}, "height": 15, "alt": GRID["guess"]}
        empty = np.full((self.rows, self.columns), np.nan)
        self.charts.show([charts.heatmap_chart(self.space, empty, **options)])
