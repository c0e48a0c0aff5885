"""The steps of one-at-a-time: a small validation curve each."""

from dataclasses import replace

import ipywidgets as W
import numpy as np

from hpkit.panels.controls import NAMES
from hpkit.panels.figures import (
    figure,
    limit,
    linear,
    lines,
    nice_top,
    points,
    set_all,
    tick,
)
from hpkit.panels.parts import say
from hpkit.panels.values import places
from hpkit.search.result import best_number
from hpkit.search.space import all_settings
from hpkit.text import shown

WORDS = {
    "step": "step {0}: loss by {1}",
    "won": "step {0}: loss by {1}, best {2}",
    "next": "step {0}, next: {1}",
    "later": "step {0}, later: {1}",
}


def closed(found):
    """Return a search whose last step has its winner as soon as all of it is trained.

    The search itself names it when the next step begins.
    """
    *before, step = found.steps
    runs, tried = found.runs, all_settings(step.base, {step.name: step.values})
    there = {s: i for i, s in enumerate(runs.settings)}
    if step.winner or not all(s in there for s in tried):
        return found
    numbers = tuple(there[s] for s in tried)
    if any((runs.epochs_done[there[s]] < s.epochs).any() for s in tried):
        return found
    winner = runs.settings[best_number(runs, runs.mean_val_loss, numbers)]
    step = replace(step, settings=numbers, winner=winner)
    return replace(found, steps=(*before, step))


class StepCharts:
    """Small validation curves below each other: side by side they are too narrow."""

    def __init__(self, count):
        self.parts = [self._part(max(90, 288 // count)) for _ in range(count)]
        self.figures = [part[0] for part in self.parts]
        self.box = W.VBox([w for part in self.parts for w in (part[3], part[0])])

    def _part(self, height):
        """Return one chart: figure, line, best, title."""
        scales = {"x": linear(), "y": linear()}
        line = lines(scales, stroke_width=2.2, marker="circle", marker_size=36)
        best = points(
            scales, "orange", marker="circle", default_size=110, fill=False,
            stroke_width=2.5,
        )  # fmt: skip
        chart = figure(
            [line, best], *scales.values(), ("", ""), height=height,
            margin=(6, 12, 24, 44),
        )  # fmt: skip
        chart.add_class("hp-low")
        chart.title_style = {"display": "none"}  # on the page it stands above
        limit(chart, 1, 1.0, at=(0, 0.5, 1.0))
        return chart, line, best, say("", "hp-muted")

    def show(self, found, order, space):
        """Show the steps of a `Search` (or None) as far as they are trained."""
        steps = found.steps if found else ()
        losses = [step_losses(found.runs, step) for step in steps]
        known = np.concatenate([np.zeros(0), *losses])
        known = known[np.isfinite(known)]
        # One height for all: what each step gains is seen.
        top = nice_top(1.1 * known.max()) if len(known) else 1.0
        for number, (chart, line, best, over) in enumerate(self.parts):
            name, step = order[number], steps[number] if number < len(steps) else None
            won = step.winner if step else None
            look = "next" if number == len(steps) else "later"
            words = WORDS["won" if won else "step" if step else look]
            value = shown(getattr(won, name)) if won else ""
            over.value = words.format(number + 1, NAMES[name], value)
            chart.title = over.value.replace(", ", "\n")  # of the still picture
            chart.axes[1].visible = bool(step)  # no numbers before there is a loss
            at, words = places(space[name])
            tick(chart, 0, at, words, "")
            limit(chart, 1, top, at=(0, top / 2, top))
            if step:
                draw_step(step, losses[number], at, line, best)
            else:
                set_all(line, x=at[:0], y=at[:0])
                set_all(best, x=at[:0], y=at[:0])


def step_losses(runs, step):
    """Return the loss of each value of a step; nan if it diverged or is not begun."""
    number = {s: i for i, s in enumerate(runs.settings)}
    tried = [number.get(step.base.but(**{step.name: v})) for v in step.values]
    loss = np.array([np.nan if i is None else runs.mean_val_loss[i] for i in tried])
    gone = [i is not None and runs.diverged[i].any() for i in tried]
    loss[gone] = np.nan
    return loss


def draw_step(step, loss, at, line, best):
    """Show the validation curve of one step."""
    good = np.flatnonzero(np.isfinite(loss))
    good = good[np.argsort(at[good])]
    there = good if len(good) > 1 else good[:0]
    set_all(line, x=at[there], y=loss[there])
    won = [step.values.index(getattr(step.winner, step.name))] if step.winner else []
    set_all(best, x=at[won], y=loss[won])
