"""What was trained as a list to choose from; runs side by side."""

import html
from base64 import b64encode
from dataclasses import dataclass

import ipywidgets as W
import numpy as np

from hpkit.charts.colors import PINNED
from hpkit.charts.decision import has_map, thumbnail
from hpkit.engine.runs import Run, Runs
from hpkit.hyperparameters import TABLE
from hpkit.locale import Texts
from hpkit.panels.parts import button, buttons, named, say
from hpkit.text import shown, text_lines

WORDS = Texts("panels.lists")
MAPS = 3  # that fit beside the table


def list_widget(tip):
    """Return a list to choose from, the line for its heads, and both in a box."""
    made = named(W.Select(options=[]), tip)
    made.layout.width = "100%"
    made.add_class("hp-mono")
    made.add_class("hp-list")
    heads = say("", "hp-muted")
    return made, heads, W.VBox([heads, made])


def aligned(heads, names, rows):
    """Return a line of heads (HTML) and the rows as lines, one width a column.

    The second head and what follows come after those of hyperparameters `names`.
    """
    heads = [heads[0], *(TABLE[name].short for name in names), *heads[1:]]
    first, *lines = text_lines([heads, *rows], right=True)
    # Spaces that stay.
    lines = tuple(line.replace(" ", "\u00a0") for line in lines)
    return f"<pre class='hp-mono'>{html.escape(first)}</pre>", lines


@dataclass
class Kept:
    """A run of the list."""

    run: Run
    number: int
    name: str = ""
    color: str | None = None  # pinned in this color

    @property
    def label(self):
        """What stands at the end of its curve."""
        return self.name or str(self.number)

    @property
    def called(self):
        """What it is called in a sentence."""
        return WORDS["named" if self.name else "run"].format(self.label)


class RunList:
    """Runs in the order in which they were trained; one of them is chosen.

    The panel's `_draw` is called after a change, its `show_setting` when another run is
    chosen; `columns` are the hyperparameters shown. `note` says what happened to an
    earlier run of the newest setting.
    """

    def __init__(self, panel, columns):
        self.panel, self.columns = panel, tuple(columns)
        self.kept, self.chosen, self.note = [], None, ""
        self.list, self.heads, rows = list_widget(WORDS["runs_tip"])
        rows.add_class("hp-grow")
        self.name = named(W.Text(placeholder=WORDS["name"]), WORDS["name"])
        self.name.layout.width = "176px"
        self.pin_button = button(WORDS["pin"], WORDS["pin_tip"])
        self.remove_button = button(WORDS["remove"], WORDS["remove_tip"])
        look = W.Layout(width="190px", margin="18px 0 0 10px")
        pair = buttons(self.pin_button, self.remove_button)
        side = W.VBox([self.name, pair], layout=look)
        self.box = W.HBox([rows, side])
        panel.on_change(self.list, self._choose)
        panel.on_change(self.name, self._rename)
        panel.on_click(self.pin_button, lambda: self.pin(self.chosen))
        panel.on_click(self.remove_button, self.remove)

    @property
    def runs(self):
        """All runs as `Runs`."""
        return Runs.of([k.run for k in self.kept])

    def add(self, run):
        """Add a run and choose it; it takes the place of one that it repeats in full.

        One of the same setting and seed that went further stays.
        """
        key = (run.setting, run.seed)
        same = [k for k in self.kept if (k.run.setting, k.run.seed) == key]
        same.sort(key=lambda k: k.run.epochs_done)
        repeated = [k for k in same if k.run.epochs_done <= run.epochs_done]
        self.note = ""
        if len(repeated) < len(same):
            self.note = WORDS["further"].format(html.escape(same[-1].called))
        elif same and np.array_equal(same[-1].run.val_loss, run.val_loss):
            self.note = WORDS["again"]
        if repeated:
            self.chosen = repeated[-1]
            self.chosen.run = run
        else:
            number = 1 + max((k.number for k in self.kept), default=0)
            self.chosen = Kept(run, number)
            self.kept.append(self.chosen)
        self.show()

    def pin(self, kept):
        """Pin a run, or let it go; the oldest pin makes room when colors run out."""
        if kept is None:
            return
        if kept.color:
            kept.color = None
        else:
            pins = [k for k in self.kept if k.color]
            if len(pins) == len(PINNED):
                pins[0].color = None
            free = {k.color for k in self.kept}
            kept.color = next(c for c in PINNED if c not in free)
        self._changed()

    def remove(self):
        """Take the chosen run off the list."""
        if self.chosen in self.kept:
            self.kept.remove(self.chosen)
        self.chosen, self.note = self.kept[-1] if self.kept else None, ""
        self.panel.show_setting()
        self._changed()

    def clear(self):
        """Remove all that is not pinned."""
        self.kept = [k for k in self.kept if k.color]
        self.chosen, self.note = None, ""
        self.show()

    def parted(self, strong):
        """Return the pinned and the other runs, without the one shown strongly."""
        rest = [k for k in self.kept if k is not strong]
        return [k for k in rest if k.color], [k for k in rest if not k.color]

    def show(self):
        """Show the runs as rows of text."""
        rows = [self._cells(k) for k in self.kept]
        heads, lines = aligned(WORDS["run_columns"], self.columns, rows)
        numbers = [k.number for k in self.kept]
        with self.panel.quietly():
            self.heads.value = heads
            self.list.options = list(zip(lines, numbers, strict=True))
            there = self.chosen in self.kept
            self.list.index = self.kept.index(self.chosen) if there else None
        self._show_chosen()

    def _show_chosen(self):
        chosen = self.chosen
        with self.panel.quietly():
            self.name.value = chosen.name if chosen else ""
        pinned = chosen is not None and chosen.color
        self.pin_button.description = WORDS["unpin" if pinned else "pin"]

    def _cells(self, kept):
        run = kept.run
        values = [shown(getattr(run.setting, name)) for name in self.columns]
        if "epochs" in self.columns and run.epochs_done < run.setting.epochs:
            at = self.columns.index("epochs")
            values[at] = f"{run.epochs_done}/{run.setting.epochs}"
        end = [f"{run.best_val_loss:.4f}", str(run.best_epoch)]
        end = [WORDS["out"], ""] if run.diverged else end
        sign = "●" if kept.color else " "
        return [f"{sign} {kept.number}", *values, str(run.seed), *end, kept.name]

    def _choose(self):
        self.chosen = next(k for k in self.kept if k.number == self.list.value)
        self.note = ""
        self._show_chosen()
        self.panel.show_setting()
        self.panel._draw()

    def _rename(self):
        """Give the chosen run a name; a named run is pinned."""
        if self.chosen:
            self.chosen.name = self.name.value.strip()
            if self.chosen.name and not self.chosen.color:
                self.pin(self.chosen)
            self._changed()

    def _changed(self):
        self.show()
        self.panel._draw()


# ---- runs side by side ------------------------------------------------------------


def compare_table(kept):
    """Return runs side by side as HTML; hyperparameters only where they differ."""
    if len(kept) < 2:
        return f"<p>{WORDS['few']}</p>"
    runs = [k.run for k in kept]
    values = {n: [getattr(r.setting, n) for r in runs] for n in TABLE}
    differ = [n for n, found in values.items() if len(set(found)) > 1]
    rows = [
        (f"<b>{TABLE[n].knob}</b>", [f"<b>{shown(v)}</b>" for v in values[n]])
        for n in differ
    ]
    same = [f"{TABLE[n].knob} {shown(values[n][0])}" for n in TABLE if n not in differ]
    seeds = [str(r.seed) for r in runs]
    if len(set(seeds)) > 1:
        rows.append((WORDS["seed"], seeds))
    else:
        same.append(f"{WORDS['seed']} {seeds[0]}")
    ends = [WORDS["out"] if r.diverged else f"{r.best_val_loss:.4f}" for r in runs]
    rows += [
        (WORDS["lowest"], ends),
        (WORDS["at"], [str(r.best_epoch) for r in runs]),
        (WORDS["train"], [f"{r.train_loss[r.best_epoch]:.4f}" for r in runs]),
    ]
    if runs[0].val_accuracy is not None:
        shares = [f"{r.val_accuracy[r.best_epoch]:.1%}" for r in runs]
        rows.append((WORDS["accuracy"], shares))
    rows.append((WORDS["seconds"], [f"{r.fit_time:.2g}" for r in runs]))
    heads = [html.escape(WORDS["run"].format(k.label)) for k in kept]
    body = "".join(_row("row", name, "td", cells) for name, cells in rows)
    head = _row("col", "", "th scope='col'", heads)
    text = f"<div><table><thead>{head}</thead><tbody>{body}</tbody></table></div>"
    if has_map(runs[0].dataset) and all(r.weights is not None for r in runs):
        text += "".join(_pictured(k, differ) for k in kept[:MAPS])
    same = WORDS["same"].format(", ".join(same))
    return f"<div class='hp-beside'>{text}</div><p>{same}</p>"


def _row(scope, name, tag, cells):
    end = tag.split()[0]
    cells = "".join(f"<{tag}>{cell}</{end}>" for cell in cells)
    return f"<tr><th scope='{scope}'>{name}</th>{cells}</tr>"


def _pictured(kept, differ):
    """Return the map of a run, named by the hyperparameters in which it differs.

    The table beside it has their values: below the map stands the run alone.
    """
    run = WORDS["run"].format(kept.label)
    differ = [f"{TABLE[n].knob} {shown(getattr(kept.run.setting, n))}" for n in differ]
    words = html.escape(", ".join([run, *differ]), quote=True)
    data = b64encode(thumbnail(kept.run)).decode()
    picture = f'<img alt="{words}" src="data:image/png;base64,{data}">'
    return f"<figure>{picture}<figcaption>{html.escape(run)}</figcaption></figure>"
