"""`OneAtATimePanel`: one hyperparameter after the other, as a path on a map."""

from collections.abc import Iterable
from html import escape
from itertools import permutations
from math import inf, prod
from typing import Any

import ipywidgets as W

from hpkit import text as txt
from hpkit.charts.searches import cell_at, path_chart, steps_chart
from hpkit.data.datasets import Dataset
from hpkit.engine.dense import Model
from hpkit.engine.model_functions import mentions_name
from hpkit.engine.training import allowed_own_names, check_dataset
from hpkit.hyperparameters import TABLE, Hyperparameters, refusal, sort_numbers
from hpkit.locale import Texts, digits
from hpkit.panels.controls import pick_knob
from hpkit.panels.parts import dropdown, html_widget
from hpkit.panels.searches import SearchPanel
from hpkit.search.searches import check_order, grid_search, one_at_a_time
from hpkit.search.space import check_space, with_own_names

WORDS = Texts("panels.one_at_a_time", "panels.search_panel")


class OneAtATimePanel(SearchPanel):
    """Change one hyperparameter after the other and see the path on the map.

    `found` is the search so far, at first only the start; `grid` is the grid search,
    once it was asked for.

    Parameters
    ----------
    base : Hyperparameters, optional
        Where to start; a value that is not on its list joins it. Default
        Hyperparameters(), with the first of a list that does not hold its value.
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
        seeds: int = 3,
        title: str | None = None,
        model: Model | None = None,
        predict: bool = False,
        **values: Any,
    ) -> None:
        most = len(check_dataset(dataset).train.y)
        if base is None and not values:  # those of lesson 7
            base = Hyperparameters(lr=0.1, batch_size=most, epochs=20)
        super().__init__(dataset, title, base, seeds, model)
        if not values:
            sizes = tuple(sorted({4, min(64, most), most}))
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
        self.resets, self.starting = 0, self.base
        self.walked = {}  # the end of each path and its loss, by order and start
        self.losses = set()  # of all that was trained: they share a scale
        self.ask(predict, WORDS["guess"], W.ToggleButtons, options=WORDS["guesses"])
        self._build(check_order(order, self.space))
        self._begin().close()  # checks all before anything is shown
        self.live.now(self._beginning())

    def _build(self, order):
        self.starts = {
            name: pick_knob(name, values, getattr(self.base, name))
            for name, values in self.space.items()
        }
        orders = [order, *(o for o in permutations(self.space) if o != order)][:24]
        options = [(", ".join(names), names) for names in orders]  # as in code
        self.order, order = dropdown(options, WORDS["order_tip"], WORDS["order"])
        self.on_change(self.reset, self.order, *self.starts.values())
        self.on_change(self._reseed, self.seeds)
        self.paths = html_widget(WORDS["no_path"], "hp-table", "hp-paths")
        self.drawers = {"paths": self.paths, **self.drawers}
        self.build(
            order,
            html_widget(WORDS["start"], "hp-muted"),
            *self.starts.values(),
            self.seeds,
            self.buttons(next=self._go, all=lambda: self._go(len(self.space))),
            self.buttons(grid=self.reveal),
            self.buttons(back=self.reset, stop=self.stop),
        )

    @property
    def ordered(self) -> dict[str, tuple]:
        return {name: self.space[name] for name in self.order.value}

    @property
    def done(self) -> list:
        steps = self.found.steps if self.found else ()
        return [step for step in steps if step.winner is not None]

    @property
    def _stops(self):
        return [self.starting, *(step.winner for step in self.done)]

    def _begin(self):
        """Return the search to run; checks all at once."""
        more = self._more | self.ordered
        return one_at_a_time.live(self.dataset, self.starting, **more)

    def _reseed(self):
        self.grid = None
        self.walked, self.losses = {}, set()
        self.reset()

    def reset(self) -> None:
        """Forget all but the start and the grid."""
        self.live.stop()
        self.found = self.search = self.error = None
        shown = {name: knob.value for name, knob in self.starts.items()}
        self.starting = self.base.but(**shown)  # not before: it is drawn meanwhile
        self.resets += 1  # what still trains is of no use any more
        self.live.start(self._beginning())

    def _beginning(self):
        """Return the job that trains the start alone."""
        start = {name: [getattr(self.starting, name)] for name in self.space}
        return self._training(self._grid_of(start), self.resets)

    def _grid_of(self, space):
        return grid_search.live(self.dataset, self.base, **self._more, **space)

    def reveal(self) -> None:
        self.error = None  # a step that is under way ends first, and what waits
        self.live.start(self._revealing(self.live.next_job), replace=False)

    def _revealing(self, before):
        """Train the grid (a job); it is shown whole: the colors hang on all cells."""
        yield  # from now on Stop can be pressed
        yield from before or ()
        if not self.has_result:  # its training was stopped, or waited and was replaced
            yield from self._beginning()
        if self.grid:
            return
        for grid in self._grid_of(self.space):
            if grid.finished and grid.seeds == tuple(self.seed_list):
                self.grid = grid
            yield grid.finished

    def _go(self, steps=None):
        """Walk on until so many steps are done, by default one more."""
        self.error, self.search = None, self.search or self._begin()
        steps = min(steps or len(self.done) + 1, len(self.space))
        self.live.start(self._training(self.search, self.resets, steps))

    def _training(self, search, resets, steps=inf):
        """Train on with a search, up to a step (a job)."""
        while len(self.done) < steps:
            found = next(search, None)
            with self.live.lock:
                if found is None or resets != self.resets:
                    return
                self.found = found
            yield

    def _update(self, running):
        runs = self.found.cost.runs if self.found else 0
        every = prod(map(len, self.space.values())) * int(self.seeds.value)
        self.status.value = WORDS["count"].format(runs=runs, all=every)
        self.bar.value = len(self.done) / len(self.space)
        ended = len(self.done) == len(self.space)
        self.next_button.button_style = "" if ended else "primary"
        self.grid_button.button_style = "primary" if ended and not self.grid else ""
        if self.has_result:
            self._keep_path()

    def _keep_path(self):
        """Keep where a whole path ended, and show all of them beside the grid."""
        if len(self.done) == len(self.space):
            end = self.done[-1].winner
            start = txt.short_text(self.starting, self.space)
            path = ", ".join(self.order.value), start
            self.walked.pop(path, None)
            self.walked[path] = txt.short_text(end, self.space), _loss(self.found, end)
        best = self.grid and _loss(self.grid, self.grid.best)
        rows = [
            (*path, end, digits(loss), f"{loss / best:.2f}" if best else "")
            for path, (end, loss) in reversed(self.walked.items())  # newest on top
        ]
        table = txt.html_table(WORDS["paths_columns"], rows)
        self.paths.value = table if rows else WORDS["no_path"]

    def _pictures(self):
        # Before the grid is known the map is of the path, so that a step goes to the
        # lowest cell of its row or column; then of the grid, whichever path is walked.
        known = [s for s in (self.grid, self.found) if s and len(s.runs)][:1]
        for runs in (search.runs for search in known):
            self.losses.update(runs.mean_val_loss[runs.ended.all(1) & ~runs.unfit])
        framed = {"best": [cell_at(search.best, self.space) for search in known]}
        best = WORDS["best" if self.grid else "best_so_far"]
        others = ", ".join(TABLE[name].knob for name in list(self.space)[2:])
        title = WORDS["whole"].format(others) if others else WORDS["map"]
        look = {"framed": framed, "legends": {"best": best}, "title": title}
        path = path_chart(self.space, known, self._stops, self.losses, **look)
        return [path, steps_chart(self.found, self.ordered, self.losses)]

    def _result_text(self, running):
        if not self.has_result:
            return "" if running else WORDS["stopped"]
        found, done, order = self.found, len(self.done), self.order.value
        if found.steps:
            said = txt.step_sentences(found)[-1] + " "
        else:
            out = found.runs.diverged.any()
            facts = txt.setting_text(self.starting, order), txt.loss_text(found.runs, 0)
            said = WORDS["out" if out else "begin"].format(*facts)
        said = escape(said + "".join(f"{one} " for one in txt.lost_sentences(found)))
        if len(found.steps) > done or not (found.steps or found.finished):
            return said + ("" if running else WORDS["stopped"])
        whole = done == len(order)
        said += self._grid_text(whole) if self.grid else WORDS["end"] if whole else ""
        if not whole:
            said += WORDS["ahead"].format(done + 1, TABLE[order[done]].knob)
        return said

    def _grid_text(self, whole):
        grid, end = self.grid, self._stops[-1]
        best, mine = _loss(grid, grid.best), _loss(self.found, end)
        at = txt.setting_text(grid.best, self.found.space)
        said = WORDS["there" if end == grid.best else "apart" if whole else "known"]
        return said.format(setting=escape(at), best=best, times=mine / max(best, 1e-12))

    def _state(self):
        return self.starting, self._line_of(self.ordered)

    def code(self) -> str:
        space = {name: list(values) for name, values in self.ordered.items()}
        return self._code_of("one_at_a_time", self.starting, **space)


def _loss(search, setting):
    return search.runs.mean_val_loss[search.settings.index(setting)]
