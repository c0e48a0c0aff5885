"""What was trained, as a list to choose from, and runs side by side."""

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
from hpkit.panels.parts import button, named, row, say
from hpkit.text import shown, text_lines

WORDS = Texts("panels.lists")
MAPS = 3  # that fit beside the table
# Tight, so that table and last line are seen without scrolling.
CELL = "style='padding:0 8px;line-height:16px'"
FOOT = "style='margin:2px 0 0;line-height:14px;font-size:85%'"


def _list_widget(tip):
    """Return a list to choose from, the line for its heads, and both in a box."""
    made = named(W.Select(options=[]), tip)
    made.layout.width = "100%"
    made.add_class("hp-mono")
    made.add_class("hp-list")
    heads = say("", "hp-muted")
    return made, heads, W.VBox([heads, made])


def _aligned(heads, names, rows):
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

    `note` says what happened to an earlier run of the newest setting.

    Parameters
    ----------
    panel : TrainingPanel
        Its lock guards the list; its `_draw` is called after a change, and
        `show_setting` when another run is chosen.
    columns : sequence of str
        Hyperparameters to show.
    """

    def __init__(self, panel, columns):
        self.panel, self.columns = panel, tuple(columns)
        self.kept, self.chosen = [], None
        self.note = ""
        self.list, self.heads, rows = _list_widget(WORDS["runs_tip"])
        rows.add_class("hp-grow")
        self.name = named(W.Text(placeholder=WORDS["name"]), WORDS["name"])
        self.name.layout.width = "176px"
        self.pin_button = button(WORDS["pin"], WORDS["pin_tip"])
        self.remove_button = button(WORDS["remove"], WORDS["remove_tip"])
        pair = row(self.pin_button, self.remove_button, name="hp-buttons")
        side = W.VBox([self.name, pair])
        side.layout = W.Layout(width="190px", margin="18px 0 0 10px")
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
        heads, lines = _aligned(WORDS["run_columns"], self.columns, rows)
        with self.panel.quietly():
            self.heads.value = heads
            at = self.kept.index(self.chosen) if self.chosen in self.kept else None
            numbers = [k.number for k in self.kept]
            self.list.options = list(zip(lines, numbers, strict=True))
            self.list.index = at
        self._show_chosen()

    def _show_chosen(self):
        """Show what can be done with the chosen run."""
        chosen = self.chosen
        with self.panel.quietly():
            self.name.value = chosen.name if chosen else ""
        pinned = chosen is not None and chosen.color
        self.pin_button.description = WORDS["unpin" if pinned else "pin"]

    def _cells(self, kept):
        """Return the cells of one run."""
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
        """Show the run that was chosen in the list."""
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


class SettingList:
    """Settings in the order of the search.

    Parameters
    ----------
    panel : Panel
    chosen : function (int)
        Called with the number of the setting that a learner chooses.
    """

    def __init__(self, panel, chosen):
        self.panel = panel
        self.list, self.heads, self.box = _list_widget(WORDS["settings_tip"])
        panel.on_change(self.list, lambda: self._listed(chosen))

    def _listed(self, chosen):
        if self.list.index is not None:
            chosen(self.list.index)

    def show(self, found, focus):
        """Show the settings of a search, the one in focus chosen."""
        runs, names = found.runs, tuple(found.space)
        notes = {found.settings.index(s): WORDS["tie"] for s in found.ties}
        notes[int(runs.order[0])] = WORDS["best"]
        table = []
        for i, setting in enumerate(found.settings):
            out = runs.diverged[i].any()
            values = (shown(getattr(setting, name)) for name in names)
            spread = runs.std_val_loss[i]
            facts = [
                f"{runs.mean_val_loss[i]:.4f}",
                "" if np.isnan(spread) else f"{spread:.3f}",
                f"{np.median(runs.best_epoch[i]):g}",
                notes.get(i, ""),
            ]
            facts = ["", "", "", WORDS["out"]] if out else facts
            table.append([str(i + 1), *values, *facts])
        heads, lines = _aligned(WORDS["setting_columns"], names, table)
        with self.panel.quietly():
            self.heads.value = heads
            if lines != self.list.options:
                self.list.options = lines
            self.list.index = focus


# ---- runs side by side ------------------------------------------------------------


def compare_table(kept):
    """Return runs side by side as HTML; hyperparameters only where they differ.

    Parameters
    ----------
    kept : sequence of Kept
        Two or more, else a sentence that says so.

    Returns
    -------
    str
    """
    if len(kept) < 2:
        return f"<p>{WORDS['few']}</p>"
    runs = [k.run for k in kept]
    values = {n: [getattr(r.setting, n) for r in runs] for n in TABLE}
    rows = [
        (f"<b>{TABLE[n].knob}</b>", [f"<b>{shown(v)}</b>" for v in found])
        for n, found in values.items()
        if len(set(found)) > 1
    ]
    same = [
        f"{TABLE[n].knob} {shown(v[0])}" for n, v in values.items() if len(set(v)) == 1
    ]
    seeds = [str(r.seed) for r in runs]
    if len(set(seeds)) > 1:
        rows.append((WORDS["seed"], seeds))
    else:
        same.append(f"{WORDS['seed']} {seeds[0]}")
    rows += [
        (WORDS["lowest"], [_outcome(r) for r in runs]),
        (WORDS["at"], [str(r.best_epoch) for r in runs]),
        (WORDS["train"], [f"{r.train_loss[r.best_epoch]:.4f}" for r in runs]),
    ]
    if runs[0].val_accuracy is not None:
        shares = [f"{r.val_accuracy[r.best_epoch]:.1%}" for r in runs]
        rows.append((WORDS["accuracy"], shares))
    rows.append((WORDS["seconds"], [f"{r.fit_time:.2g}" for r in runs]))
    heads = (WORDS["run"].format(k.label) for k in kept)
    heads = "".join(
        f"<th {CELL} scope='col'>{html.escape(head)}</th>" for head in heads
    )
    body = "".join(
        f"<tr><th {CELL} scope='row'>{name}</th>"
        f"{''.join(f'<td {CELL}>{c}</td>' for c in cells)}</tr>"
        for name, cells in rows
    )
    foot = f"<p {FOOT}>{WORDS['same'].format(', '.join(same))}</p>"
    head = f"<thead><tr><th {CELL} scope='col'></th>{heads}</tr></thead>"
    text = f"<div><table>{head}<tbody>{body}</tbody></table></div>"
    if has_map(runs[0].dataset) and all(r.weights is not None for r in runs):
        differ = [n for n, found in values.items() if len(set(found)) > 1]
        text += "".join(_pictured(k, differ) for k in kept[:MAPS])
    return f"<div class='hp-beside'>{text}</div>{foot}"


def _pictured(kept, differ):
    """Return the map of a run, named by the hyperparameters in which it differs.

    The table beside it has their values: below the map stands the run alone.
    """
    run = WORDS["run"].format(kept.label)
    words = [
        run,
        *(f"{TABLE[n].knob} {shown(getattr(kept.run.setting, n))}" for n in differ),
    ]
    words = html.escape(", ".join(words), quote=True)
    data = b64encode(thumbnail(kept.run)).decode()
    picture = f'<img alt="{words}" src="data:image/png;base64,{data}">'
    return f"<figure>{picture}<figcaption>{html.escape(run)}</figcaption></figure>"


def _outcome(run):
    """Return the lowest validation loss, or that there is none."""
    return WORDS["out"] if run.diverged else f"{run.best_val_loss:.4f}"
