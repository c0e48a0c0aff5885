"""`OneAtATimePanel`: one hyperparameter after another, as a path on a map."""

from collections.abc import Iterable
from html import escape
from itertools import permutations
from math import inf, prod
from typing import Any

import ipywidgets as W

from hpkit import text as txt
from hpkit.charts.searches import path_chart, steps_chart
from hpkit.data.datasets import Dataset, check_dataset
from hpkit.engine.dense import Model
from hpkit.engine.model_functions import mentions_name
from hpkit.engine.training import allowed_own_names
from hpkit.hyperparameters import TABLE, Hyperparameters, refusal, sort_numbers
from hpkit.locale import Texts, digits, words
from hpkit.panels.controls import pick_knob
from hpkit.panels.parts import dropdown, html_widget
from hpkit.panels.searches import SearchPanel
from hpkit.search.searches import check_order, grid_search, one_at_a_time
from hpkit.search.space import check_space, with_own_names

WORDS = Texts("panels.one_at_a_time", "panels.search_panel")


class OneAtATimePanel(SearchPanel):
    """Change one hyperparameter after another and see the path on the map.

    `found` is the search so far, at first only the start; `grid` is the grid search,
    once it was asked for.

    Parameters
    ----------
    base : Hyperparameters, optional
        Where to start; a value that is not on its list joins it. Default that of lesson
        7, or with `values` Hyperparameters(), with the first of a list that lacks its
        value.
    order : sequence of str, optional
        Default that of `values`.
    seeds, model
        As in `ValidationCurvePanel`.
    predict : bool, default False
        Ask whether the path will end at the best of the grid before anything is shown.
    **values : sequence
        The values of two hyperparameters or more; default those of lesson 7.

    Examples
    --------
    >>> moons, lists = hk.load_dataset("moons"), {"batch_size": [16, 64]}
    >>> panel = hk.OneAtATimePanel(moons, lr=[0.01, 0.3], **lists, seeds=1)
    >>> panel.all_button.click()
    >>> len(panel.wait().found.steps)
    2
    """

    kind, words, widths, shares = "one-at-a-time", WORDS, (1, 1), True

    def __init__(
        self,
        dataset: Dataset,
        base: Hyperparameters | None = None,
        *,
        order: Iterable[str] | None = None,
        seeds: int | Iterable[int] = 3,
        title: str | None = None,
        model: Model | None = None,
        predict: bool = False,
        **values: Any,
    ) -> None:
        points = len(check_dataset(dataset).train.y)
        if base is None and not values:  # those of lesson 7
            base = Hyperparameters(lr=0.1, batch_size=points, epochs=20)
        super().__init__(dataset, title, base, seeds, model)
        if not values:
            sizes = tuple(sorted({4, min(64, points), points}))
            values = {"lr": (0.01, 0.1, 1.0, 10.0), "batch_size": sizes}
            if model is None or mentions_name(model, "dropout"):
                values["dropout"] = (0.0, 0.1, 0.3)
        own = allowed_own_names(values, self.model, self.base)
        self.space = check_space("OneAtATimePanel", values, own=own)
        self.base = with_own_names(self.base, self.space)
        for name, values in self.space.items():
            start = getattr(self.base, name)
            if base is None and start not in values:
                self.base = self.base.but(**{name: values[0]})
            elif start not in values:
                self.space[name] = tuple(sort_numbers((*values, start)))
        if len(self.space) < 2:
            raise refusal("two_lists", list(self.space))
        self.grid = self.search = None
        self.starting = self.base
        self.walked = {}  # the end of each finished path and its loss, by order, start
        self.losses = set()  # of all that was trained: they share a color scale
        self.ask(predict, WORDS["guess"], W.ToggleButtons, options=WORDS["guesses"])
        self._build(check_order(order, self.space))
        self._begin().close()  # checks all before anything is shown
        self.live.run_now(self._train_start())

    def _build(self, order):
        self.starts = {
            name: pick_knob(name, values, getattr(self.base, name))
            for name, values in self.space.items()
        }
        orders = [order, *(o for o in permutations(self.space) if o != order)][:24]
        options = [(", ".join(names), names) for names in orders]  # as in code
        self.order, order_box = dropdown(options, WORDS["order_tip"], WORDS["order"])
        self.on_change(self.reset, self.order, *self.starts.values())
        self.paths = html_widget(WORDS["no_path"], "hp-table", "hp-paths")
        self.drawers = {"paths": self.paths, **self.drawers}
        self.build(
            order_box,
            html_widget(WORDS["start"], "hp-muted"),
            *self.starts.values(),
            self.buttons(next=self._walk, all=lambda: self._walk(len(self.space))),
            self.buttons(grid=self.reveal, stop=self.stop),
        )

    @property
    def ordered(self) -> dict[str, tuple]:
        return {name: self.space[name] for name in self.order.value}

    @property
    def done(self) -> list:
        steps = self.found.steps if self.found else ()
        return [step for step in steps if step.winner is not None]

    @property
    def _path(self):
        return [self.starting, *(step.winner for step in self.done)]

    def _begin(self):
        return self._make_search(one_at_a_time, self.starting, self.ordered)

    def reset(self) -> None:
        """Forget all but the start and the grid."""
        with self.live.lock:  # a step that still runs sees all of it or nothing
            self.found = self.search = self.error = None
            values = {name: knob.value for name, knob in self.starts.items()}
            self.starting = self.base.but(**values)
            self.live.start(self._train_start())

    def _train_start(self):
        """Return the job that trains the start alone."""
        start = {name: [getattr(self.starting, name)] for name in self.space}
        search = self._make_search(grid_search, self.base, start)
        return self._train_steps(search, self.starting)

    def reveal(self) -> None:
        self.error = None  # a running step ends first, and then the waiting job
        self.live.start(self._train_grid(self.live.next_job), replace=False)

    def _train_grid(self, waiting):
        """Train the grid (a job); show it only when complete: colors span all cells."""
        yield  # from now on Stop can be pressed
        yield from waiting or ()
        if not self.has_result:  # the start was stopped, or replaced while it waited
            yield from self._train_start()
        if self.grid:
            return
        for grid in self._make_search(grid_search, self.base, self.space):
            if grid.finished:
                self.grid = grid
            yield grid.finished

    def _walk(self, steps=None):
        """Walk on until so many steps are done, by default one more."""
        self.error, self.search = None, self.search or self._begin()
        steps = min(steps or len(self.done) + 1, len(self.space))
        self.live.start(self._train_steps(self.search, self.starting, steps))

    def _train_steps(self, search, start, steps=inf):
        """Continue a search until so many steps are done (a job)."""
        while len(self.done) < steps:
            found = next(search, None)
            with self.live.lock:
                if found is None or start is not self.starting:  # after a reset
                    return
                self.found = found
            yield

    def _update(self, running):
        runs = self.found.cost.runs if self.found else 0
        grid_runs = prod(map(len, self.space.values())) * int(self.seeds.value)
        self.status.value = WORDS["count"].format(runs=runs, all=grid_runs)
        ended = len(self.done) == len(self.space)
        self.next_button.button_style = "" if ended else "primary"
        self.grid_button.button_style = "primary" if ended and not self.grid else ""
        if self.has_result:
            self._list_paths(ended)

    def _list_paths(self, ended):
        """List all finished paths, and how far from the grid's best each ended."""
        if ended:
            start, end = (txt.short_text(self._path[i], self.space) for i in (0, -1))
            path = ", ".join(self.order.value), start
            self.walked.pop(path, None)
            self.walked[path] = end, _loss(self.found, self._path[-1])
        best = self.grid and _loss(self.grid, self.grid.best)
        rows = [
            (*path, end, digits(loss), f"{loss / best:.2f}" if best else "")
            for path, (end, loss) in reversed(self.walked.items())  # newest on top
        ]
        table = txt.html_table(WORDS["paths_columns"], rows)
        self.paths.value = table if rows else WORDS["no_path"]

    def _charts(self):
        # Before the grid is trained, the map shows the path, so that a step goes to the
        # lowest cell of its row or column; after that the grid, whatever the path.
        mapped = self.grid or self.found
        runs = mapped.runs
        self.losses.update(runs.mean_val_loss[runs.ended.all(1) & ~runs.unfit])
        others = ", ".join(TABLE[name].knob for name in list(self.space)[2:])
        title = WORDS["whole"].format(others) if others else WORDS["map"]
        options = {"framed": {"best": [mapped.best]}, "title": title}
        path = path_chart(self.space, mapped, self._path, self.losses, **options)
        return [path, steps_chart(self.found, self.ordered, self.losses)]

    def _summary(self, running):
        found, done, order = self.found, len(self.done), self.order.value
        if found.steps:
            text = txt.step_sentences(found)[-1] + " "
        else:
            facts = txt.setting_text(self.starting, order), txt.loss_text(found.runs, 0)
            text = WORDS["out" if found.diverged.any() else "begin"].format(*facts)
        lost = escape("".join(f"{lost} " for lost in txt.lost_sentences(found)))
        text = escape(text) + lost
        if len(found.steps) > done or not (found.steps or found.finished):
            return text + ("" if running else WORDS["stopped"])
        if done < len(order):
            text += WORDS["ahead"].format(done + 1, TABLE[order[done]].knob)
            return f"{text} {self._grid_text()}" if self.grid else text
        return lost + self._grid_text() if self.grid else text + WORDS["end"]

    def _grid_text(self):
        grid, end = self.grid, self._path[-1]
        if grid.runs.unfit.all():
            return words("search")["all_diverged"]
        best, loss = _loss(grid, grid.best), _loss(self.found, end)
        setting = escape(txt.setting_text(grid.best, self.found.space))
        key = "equal" if digits(loss) == digits(best) else "apart"
        text = WORDS["there" if end == grid.best else key]
        return text.format(setting=setting, best=best, times=loss / max(best, 1e-12))

    def _state(self):
        names = self.order.value
        order = "" if names == tuple(self.space) else ",".join(names)
        return self.starting, self._line_parts(self.space) | {"order": order}

    def code(self) -> str:
        return self._code_of("one_at_a_time", self.starting, self.ordered)


def _loss(search, setting):
    return search.runs.mean_val_loss[search.settings.index(setting)]
