"""Make the page to try without installing: ``python -m hpkit page --out FOLDER``.

Static files: the page of ``notebooks/page``, numbers recorded from hpkit's own
trainings, and every lesson to read.  It needs no server and asks nobody for anything,
so it opens from a memory stick.  Numbers come in scripts, since a page that is opened
as a file may load nothing else.

A scene of the page is a panel that was led through all its states here: the page shows
the charts and the sentence that the panel showed.  Only the first panel has too many
states for that: of it the losses are recorded (`trainings`), and the page draws them.
"""

import base64
import gzip
import html
import json
import re
import tomllib
from collections import Counter
from dataclasses import replace
from itertools import permutations, product
from pathlib import Path

import nbformat
import numpy as np
from build import FIRST_LINE
from markdown_it import MarkdownIt
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

import hpkit as hk
from hpkit.charts.colors import CLASSES, COLORS, css
from hpkit.charts.decision import map_cells
from hpkit.charts.live import SCRIPT, STYLE
from hpkit.charts.loss import nice_top
from hpkit.charts.spec import Axis, Chart, Mark
from hpkit.engine.training import Training
from hpkit.hyperparameters import TABLE
from hpkit.locale import words

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "notebooks" / "page"
LOW, HIGH, LEVELS = 1e-5, 1e3, 65_534  # losses are kept as one of so many factors
SURE = 15  # levels of a class's share in a map
MAP = 24  # cells along a side of a map
SHORT = 12  # bits that are dropped of a number in a chart: it stays right to 1 in 4,000
RATES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)
SIZES = (2, 4, 8, 16, 32, 64, 128)  # and all points at once
STAGES = (0, 1, 2, 5, 10, 20, 50, 100)  # epochs of which there is a map

H = hk.Hyperparameters
TRAINED = {
    "moons": {"base": H(epochs=100)},
    "spiral": {"base": H(epochs=100)},
    "digits": {"base": H(epochs=30, hidden=(32,))},
}
CURVE = {  # lesson 02
    "data": "moons",
    "base": H(epochs=30),
    "rates": (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10),
    "sizes": (1, 2, 4, 8, 16, 32, 64, 128, 400),
    "seeds": 5,
}
PATH = {  # lesson 07
    "data": "spiral",
    "base": H(lr=0.1, batch_size=200, epochs=20),
    "lists": {
        "lr": (0.01, 0.1, 1.0, 10.0),
        "batch_size": (4, 64, 200),
        "dropout": (0.0, 0.1, 0.3),
    },
}
GRID = {  # lesson 08
    "data": "spiral",
    "base": H(epochs=20),
    "x_values": (0.01, 0.03, 0.1, 0.3, 1, 3, 10),
    "y_values": (4, 8, 16, 32, 64, 200),
    "seeds": 20,
}
BY_HEART = H(0.1, 10, 200, momentum=0.9, hidden=(64, 64))  # lesson 04
PATIENTS = 14


# ---- the first panel: losses and maps of many runs -----------------------------------


def trainings(name, base, *, rates=RATES, sizes=SIZES, seeds=5):
    """Return the losses of all runs, and the maps of what they say, as JSON can."""
    data = hk.load_dataset(name)
    sizes = [*(s for s in sizes if s < data.n_train), data.n_train]
    pairs = product(rates, sizes)
    settings, epochs = [base.but(lr=r, batch_size=b) for r, b in pairs], base.epochs
    training, maps, runs = Training(data, settings, seeds=range(seeds)), [], None
    stages = [e for e in STAGES if e <= epochs] if data.n_features == 2 else []
    for stage in stages:
        runs = _at(training, stage)
        maps.append([_map(run) for run in runs])
    runs = _at(training, epochs)
    curves = np.stack([runs.train_loss, runs.val_loss], 2)
    made = {
        "rates": rates,
        "sizes": sizes,
        "seeds": seeds,
        "epochs": epochs,
        "top": nice_top(1.1 * float(np.log(data.n_outputs))),
        "losses": _packed(levels(curves)),
        "points": data.n_train,
        "runs": len(settings) * seeds,
        "stages": stages,
    }
    if name == "digits":
        made |= _digits(data)
    if stages:
        (left, right, bottom, top), _ = map_cells(data, MAP)
        X, y = data.train.X, data.train.y
        classes = [np.round(X[y == n], 3).tolist() for n in range(2)]
        # The maps of a run stand behind each other.
        bytes_ = np.array(maps, np.uint8).swapaxes(0, 1).tobytes()
        made |= {"extent": [left, right, bottom, top], "dots": classes, "map": MAP}
        made |= {"maps": base64.b64encode(bytes_).decode(), "axes": data.features[:2]}
    return made


def _digits(data):
    """Return the first row of each class as a picture, bottom row first."""
    rows, across = data.train, 5
    first = [rows.X[rows.y == k][0] * data.scale + data.center for k in range(10)]
    tiles = np.pad(
        np.reshape(first, (2, across, 8, 8)), ((0, 0), (0, 0), (1, 1), (1, 1))
    )
    gray = tiles.swapaxes(1, 2).reshape(20, 10 * across)[::-1]
    gray = np.clip(255 * gray / gray.max(), 0, 255).astype(np.uint8)
    return {"tiles": base64.b64encode(gray.tobytes()).decode(), "across": 10 * across}


def _at(training, epoch):
    """Return the runs of a training, led on to an epoch."""
    if epoch == 0:  # the weights before any training: steps of nothing
        still = [s.but(lr=1e-12, epochs=1) for s in training.settings]
        *_, runs = hk.train(training.dataset, still, seeds=training.seeds)
        return runs
    training.advance(float("inf"), pause=epoch)
    return training.runs


def _map(run):
    """Return the share of the second class at each place, two places a byte."""
    _, cells = map_cells(run.dataset, MAP)
    out = run.outputs(cells, "last")
    with np.errstate(over="ignore", invalid="ignore"):
        share = np.nan_to_num(1 / (1 + np.exp(out[:, 0] - out[:, 1])), nan=0.5)
    level = (SURE * share).round().astype(np.uint8)
    return 16 * level[::2] + level[1::2]


def levels(losses):
    """Return losses as whole numbers of equal factors; LEVELS + 1 is no number."""
    share = np.log(np.clip(losses, LOW, HIGH) / LOW) / np.log(HIGH / LOW)
    whole = np.where(np.isfinite(losses), (LEVELS * share).round(), LEVELS + 1)
    return whole.astype(np.uint16)


def _packed(curves):
    """Return curves as base64: steps from epoch to epoch, high bytes, then low ones."""
    steps = np.diff(curves, axis=-1, prepend=np.uint16(0)).ravel()
    return base64.b64encode(
        b"".join(((steps >> s) & 255).astype(np.uint8).tobytes() for s in (8, 0))
    ).decode()


# ---- scenes: panels in all their states ----------------------------------------------


class Scene:
    """Charts and sentences of a panel by the name of a state; what is equal, once."""

    def __init__(self):
        self.specs, self.marks, self.states = {}, {}, {}

    def add(self, name, charts, said):
        """Note a state."""
        shown = []
        for chart in charts:
            spec = json.dumps(chart.spec(), separators=(",", ":"))
            marks = [self._number(self.marks, _short(mark)) for mark in chart.marks]
            shown.append([self._number(self.specs, spec), marks])
        self.states[name] = [shown, said]

    @staticmethod
    def _number(known, one):
        return known.setdefault(one, len(known))

    def made(self, **more):
        """Return all as JSON can hold it."""
        specs, marks = [json.loads(spec) for spec in self.specs], list(self.marks)
        return {"specs": specs, "marks": marks, "states": self.states} | more


def _short(mark):
    """Return a mark's numbers as base64; the last bits of each are left out."""
    columns = []
    for column in mark.columns:
        if column.dtype == np.float32:
            bits = np.ascontiguousarray(column).view(np.int32) + (1 << (SHORT - 1))
            rounded = (bits >> SHORT << SHORT).view(np.float32)
            column = np.where(np.isfinite(column), rounded, column)
        columns.append(column)
    return base64.b64encode(Mark(mark.kind, tuple(columns), {}).data()).decode()


def _tall(charts):
    """Return charts as high as those that follow in their place."""
    return [replace(chart, height=Chart.height) for chart in charts]


def curve(*, data, base, rates, sizes, seeds):
    """Return the validation curve of the learning rate, for each batch size."""
    scene, data, means, out = Scene(), hk.load_dataset(data), [], []
    for size in sizes:
        panel = hk.ValidationCurvePanel(
            data, "lr", base.but(batch_size=size), param_range=rates, seeds=seeds
        ).wait()
        for chosen in (None, *range(len(rates))):
            panel.choose(chosen)
            name = f"{size}/{'' if chosen is None else chosen}"
            scene.add(name, panel.charts.charts, panel.result)
        panel.end()
        gone = panel.found.runs.diverged.any(1)
        means.append(_numbers(np.where(gone, np.nan, panel.found.mean_val_loss)))
        out.append(np.flatnonzero(gone).tolist())
    about = {"rates": rates, "sizes": sizes, "means": means, "out": out}
    runs = len(rates) * len(sizes) * seeds
    return scene.made(**about, runs=runs, widths=panel.widths)


def _numbers(losses):
    """Return losses as JSON can hold them; what is no number is None."""
    return [float(loss) if np.isfinite(loss) else None for loss in losses]


def path(*, data, base, lists):
    """Return the path of each order on the map, step by step, without and with grid."""
    scene, panel = Scene(), hk.OneAtATimePanel(hk.load_dataset(data), base, **lists)
    panel.wait()
    orders, ends = list(permutations(lists)), []
    for shown in ("", "grid"):
        if shown:
            panel.grid_button.click()
            panel.wait()
        for order in orders:
            panel.order.value = order
            panel.reset()
            panel.wait()
            for step in range(len(lists) + 1):
                if step:
                    panel.next_button.click()
                    panel.wait()
                name = f"{','.join(order)}/{step}/{shown}"
                scene.add(name, panel.charts.charts, panel.result)
            if shown:
                ends.append(float(panel.found.mean_val_loss.min()))
    grid = panel.grid
    panel.end()
    about = {"orders": orders, "ends": ends, "best": float(grid.mean_val_loss.min())}
    about |= {"settings": len(grid.settings), "runs": grid.cost.runs}
    return scene.made(**about, widths=panel.widths)


def grid(*, data, **more):
    """Return the map of a grid with the curves of each cell, and an empty one."""
    scene, data = Scene(), hk.load_dataset(data)
    asks = hk.GridPanel(data, predict=True, **more | {"seeds": 1})
    scene.add("ask", _tall(asks.guess.widget.charts.charts), "")
    asks.end()
    panel, losses = hk.GridPanel(data, **more), []
    panel.start_button.click()
    panel.wait()
    found = panel.found
    across, up = map(len, found.space.values())
    for cell in (None, *range(across * up)):
        number = None if cell is None else cell % across * up + cell // across
        panel.choose(number)
        name = "" if cell is None else str(cell)
        scene.add(name, panel.charts.charts, panel.result)
        if cell is not None:
            gone = found.runs.diverged[number].any()
            losses.append(np.nan if gone else found.mean_val_loss[number])
    panel.end()
    about = {"across": across, "cells": _numbers(losses), "seeds": len(found.seeds)}
    return scene.made(**about, runs=found.cost.runs, widths=panel.widths)


def guess(setting):
    """Return the training curve that is guessed first, and the chart to draw on."""
    scene, small = Scene(), hk.load_dataset("small_moons")
    panel = hk.TrainingPanel(
        small, setting, controls=("epochs",), seed=2, predict="draw"
    )
    panel.wait()
    drawing = panel.guess.widget
    scene.add("draw", _tall(drawing.charts.charts), "")
    at, flat = drawing.at, drawing.value
    panel.guess.button.click()
    panel.wait()
    said = panel.result.removeprefix(panel.guess.said)
    scene.add("truth", panel.charts.charts, said)
    panel.end()
    run = hk.fit(small, setting, seed=2)
    truth = np.interp(at, np.arange(run.epochs_done + 1), run.val_loss)
    truth = np.minimum(truth, drawing.highest).tolist()
    about = {"at": at.tolist(), "flat": flat, "truth": truth, "runs": 1}
    return scene.made(**about, widths=panel.widths)


def clinic(patients):
    """Return patients, each before and after every remedy; each fault as often."""
    scene, panel, kept = Scene(), hk.ClinicPanel(), []
    said = words("panels")["clinic"]
    seen, runs = Counter(dict.fromkeys(said["faults"], 0)), 0
    while len(kept) < patients:
        panel.wait()
        fault = panel.patient.fault
        if seen[fault] == min(seen.values()):
            seen[fault] += 1
            _treat(scene, panel, said, str(len(kept)))
            called = (said["patient"].format(n) for n in (panel.number, len(kept) + 1))
            kept.append({"fault": fault, "record": panel.record.value.replace(*called)})
            runs += 1 + len(panel.others) + len(said["remedies"])
        panel.next_button.click()
    panel.end()
    about = {"patients": kept, "words": said, "runs": runs}
    return scene.made(**about, widths=panel.widths)


def _treat(scene, panel, said, name):
    """Note a patient before and after every remedy."""
    scene.add(f"{name}/", panel.charts.charts, panel.result)
    fault = panel.patient.fault
    right = said["right"].format(clue=said["clues"][fault]) + " "
    for remedy in said["remedies"]:
        panel.fault.value, panel.remedy.value = fault, remedy
        panel.treat_button.click()
        panel.wait()
        scene.add(f"{name}/{remedy}", panel.charts.charts, panel.result[len(right) :])


# ---- lessons to read -----------------------------------------------------------------

# Where the page has the panel that a cell of a lesson shows.
LIVE = {
    "TrainingPanel": "one",
    "ValidationCurvePanel": "curve",
    "OneAtATimePanel": "path",
    "GridPanel": "grid",
    "ClinicPanel": "clinic",
}
PANEL = re.compile(r"\bhk\.(\w+Panel)\(")
UNANSWERED = re.compile(r"\.check\(|\bhk\.progress\(")  # says what is not done yet
DEAD = words("panels")["panel"]["dead"]
MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable("table")


def lesson(path):
    """Return a built notebook as the body of a page, with its answers folded."""
    parts = []
    for cell in nbformat.read(path, 4).cells:
        if cell.cell_type == "markdown":
            parts.append(MARKDOWN.render(cell.source))
            continue
        source, hidden = cell.source, cell.metadata.get("jupyter", {})
        code = highlight(source, PythonLexer(), HtmlFormatter(nowrap=True))
        code = f"<pre><code>{code}</code></pre>"
        if hidden.get("source_hidden"):
            first = html.escape(source.splitlines()[0].removeprefix("# "))
            code = f"<details><summary>{first}</summary>{code}</details>"
        outputs = [] if UNANSWERED.search(source) else cell.outputs
        out = "".join(_shown(output, source) for output in outputs)
        if out and hidden.get("outputs_hidden"):
            out = f"<details><summary><b>{FIRST_LINE}</b></summary>{out}</details>"
        parts.append(code + (f"<div class='out'>{out}</div>" if out else ""))
    return re.sub(r'(href="[^":]+)\.(ipynb|md)"', r'\1.html"', "".join(parts))


def _shown(output, source):
    """Return an output as HTML."""
    data = output.get("data", {})
    if "image/png" in data:
        alt = html.escape(output.metadata.get("image/png", {}).get("alt", ""))
        picture = data["image/png"].replace("\n", "")
        return f'<img alt="{alt}" loading="lazy" src="data:image/png;base64,{picture}">'
    if "text/markdown" in data:
        return MARKDOWN.render(data["text/markdown"])
    if "text/html" in data:
        return data["text/html"]
    said = output.get("text") or data.get("text/plain", "")
    if said.strip() == DEAD:
        place = LIVE.get(next(iter(PANEL.findall(source)), None))
        return (
            f"<p class='live'><a href='../index.html#{place}'>{TRY}</a></p>"
            if place
            else ""
        )
    return "" if said == FIRST_LINE else f"<pre>{html.escape(said)}</pre>"


TRY = "Move one like it on the page"
FRAME = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} · Hyperparameters by hand</title>
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<link rel="stylesheet" href="../page/page.css">
</head>
<body class="lesson">
<main>
<nav aria-label="Page"><a href="../index.html">Hyperparameters by hand</a>
<a href="../index.html#lessons">All lessons</a></nav>
{body}
</main>
</body>
</html>
"""


def write_lessons(folder):
    """Write every lesson and the glossary as pages to read."""
    folder.mkdir(exist_ok=True)
    pages = {p.stem: lesson(p) for p in sorted(SOURCE.parent.glob("*.ipynb"))}
    glossary = (SOURCE.parent / "glossary.md").read_text("utf-8")
    links = r"\1.html"
    glossary = re.sub(r"(\]\([^):]+)\.ipynb", links, glossary)
    pages["glossary"] = MARKDOWN.render(glossary)
    for name, body in pages.items():
        title = re.sub("<[^>]+>", "", body[body.index("<h1>") : body.index("</h1>")])
        text = FRAME.format(title=title, body=body)
        (folder / f"{name}.html").write_text(text, "utf-8", newline="\n")


def _listed():
    """Return the table of lessons of the README as links."""
    readme, row = (
        (ROOT / "README.md").read_text("utf-8"),
        r"\| (\d\d) \[(.+?)\]\(.+?/(\w+)\.ipynb\) \| (\d+) \| (.+?) \|",
    )
    item = (
        "<li><a href='lessons/{2}.html'><i>{3} min</i><b>{0} {1}</b>"
        "<span>{4}</span></a></li>"
    )
    return "".join(item.format(*found) for found in re.findall(row, readme))


# ---- the files -----------------------------------------------------------------------

MOST = 1_500_000  # bytes as sent, compressed, without the lessons
COUNTS = ["No", "One", "Two", "Three", "Four", "Five", "Six"]


def make(out):
    """Record and write the page; give the exit code."""
    write(out, record())
    files = [out / "index.html", *(out / "page").iterdir()]
    size = sum(len(gzip.compress(path.read_bytes())) for path in files)
    print(f"{size / 1e6:.2f} MB as sent. Open {out / 'index.html'} in a browser.")
    return int(size > MOST)


def record(sets=None, **scenes):
    """Return all numbers by the name of their script, in the order of need.

    `sets` and `scenes` are arguments of the makers that record less (for tests).
    """
    sets = TRAINED if sets is None else sets
    makers = {
        "guess": guess,
        "curve": curve,
        "path": path,
        "grid": grid,
        "clinic": clinic,
    }
    first, *rest = sets
    made, later = {}, {}
    for name in (first, *makers, *rest):
        print(f"recording {name}", flush=True)
        if name in makers:
            made[name] = makers[name](**scenes.get(name, SCENES[name]))
        else:
            made[name] = trainings(name, **sets[name])
            if "maps" in made[name]:
                maps = {"maps": made[name].pop("maps")}
                (made if name == first else later)[f"{name}-maps"] = maps
    return made | later


def write(out, made):
    """Write the files of the page into a folder."""
    folder = out / "page"
    folder.mkdir(parents=True, exist_ok=True)
    script = re.sub("^export default", "const widget =", SCRIPT, flags=re.M)
    script = re.sub("^export ", "", script, flags=re.M)
    script = f"const charts = (() => {{{script}\nreturn charts}})()\n"
    script += (SOURCE / "page.js").read_text("utf-8")
    files = {"page.js": script + _taken("words", _words(made))}
    files |= {f"{name}.js": _taken(name, value) for name, value in made.items()}
    files["page.css"] = _style() + (SOURCE / "page.css").read_text("utf-8")
    for name, text in files.items():
        (folder / name).write_text(text, "utf-8", newline="\n")
    facts = _facts(made) | {"lessons": _listed()}
    text = (SOURCE / "index.html").read_text("utf-8")
    text = re.sub(r"{(\w+)}", lambda found: str(facts[found[1]]), text)
    (out / "index.html").write_text(text, "utf-8", newline="\n")
    write_lessons(out / "lessons")


SCENES = {
    "guess": {"setting": BY_HEART},
    "curve": CURVE,
    "path": PATH,
    "grid": GRID,
    "clinic": {"patients": PATIENTS},
}
ICON = (
    "%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E%3Cg fill='none' "
    "stroke-width='4'%3E%3Cpath d='M4 5c3 24 10 24 24 3' stroke='%230072B2'/%3E"
    "%3Ccircle cx='14' cy='23' r='5' stroke='%23D55E00'/%3E%3C/g%3E%3C/svg%3E"
)


def _taken(name, value):
    return (
        f"page.take({json.dumps(name)}, {json.dumps(value, separators=(',', ':'))})\n"
    )


def _words(recorded):
    """Return what the script says, the words of charts and panels with its own."""
    chart, view = words("charts"), words("panels")["run_view"]
    made = tomllib.loads((SOURCE / "words.toml").read_text("utf-8"))
    same = ["old", "guess", "epoch", "loss", "train", "val", "diverged", "above"]
    made |= {name: chart[name] for name in same}
    made["lowest"] = chart["lowest"].replace("{:.3g}", "{loss}")
    made["plain"] = Chart(Axis(), Axis(), [], height=21).spec()
    made |= {"map": view["map"].replace("{}", "{epoch}")}
    made["digitsAlt"] = words("plots")["charts"]["digits"]
    made |= {"mapAlt": view["map_alt"].replace("{}", "{epoch}")}
    made |= {"knobs": {name: TABLE[name].knob for name in PATH["lists"]}}
    classes = [COLORS[name][0] for name in CLASSES[:2]]
    made["classes"] = [[int(c[k : k + 2], 16) for k in (1, 3, 5)] for c in classes]
    first, *later = recorded
    made |= {"sets": [n for n in recorded if "losses" in recorded[n]], "first": first}
    return made | {"later": later, "low": LOW, "high": HIGH, "levels": LEVELS}


def _facts(made):
    """Return the figures that the text of the page says."""
    curve, path, means = made["curve"], made["path"], made["curve"]["means"]
    rates, sizes = curve["rates"], curve["sizes"]

    def best(i):
        return rates[min((loss, k) for k, loss in enumerate(means[i]) if loss)[1]]

    times = [end / path["best"] for end in path["ends"]]
    runs = sum(one["runs"] for one in made.values() if "runs" in one)
    facts = {
        "icon": ICON,
        "first": next(iter(made)),
        "small": sizes[1],
        "large": sizes[-1],
        "low": best(1),
    }
    facts |= {"high": best(-1), "there": COUNTS[sum(t < 1.001 for t in times)]}
    facts |= {"cells": path["settings"], "worst": f"{max(times):.2g}"}
    return facts | {"seeds": made["grid"]["seeds"], "networks": f"{runs:,}"}


def _style():
    """Return the colors of the page, and the style of its charts and code."""
    day, night = (
        HtmlFormatter(style=style).get_style_defs(".lesson code")
        for style in ("xcode", "github-dark")
    )
    night = f"@media (prefers-color-scheme:dark){{{night}}}"
    return "\n".join([css(":root"), day, night, STYLE, ""])
