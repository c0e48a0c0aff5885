"""Make the page to try without installing: ``python -m hpkit page --out FOLDER``.

Static files: the page of ``notebooks/page``, the numbers of `recorded`, and every
lesson to read.  It needs no server and loads nothing from elsewhere, so it opens from a
memory stick.  Numbers come in scripts, since a page that is opened as a file may load
nothing else.  What the first picture needs is inlined, so that one request shows it.
"""

import base64
import gzip
import html
import json
import os
import re
import shutil
import tempfile
import tomllib
from pathlib import Path
from unittest.mock import patch

import mistune
import nbformat
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer
from recorded import LEVELS, LOSSES, PATH, record

from hpkit._cli.environment import Failure, tr
from hpkit.charts.spec import CLASSES, COLORS, Axis, Chart, css
from hpkit.hyperparameters import TABLE, Hyperparameters
from hpkit.locale import words
from hpkit.panels.controls import SCRIPT, STYLE, written

ROOT = Path(__file__).resolve().parents[1]
ANSWER = "Made your guess? Then open this."  # nothing can be run on the page
SOURCE = ROOT / "notebooks" / "page"


# ---- lessons to read -----------------------------------------------------------------

# The section of the page that has a panel like the one in a lesson's cell.
LIVE = {
    "TrainingPanel": "one",
    "ValidationCurvePanel": "curve",
    "OneAtATimePanel": "path",
    "GridPanel": "grid",
    "ClinicPanel": "clinic",
}
PANEL = re.compile(r"\bhk\.(\w+Panel)\(")
UNANSWERED = re.compile(r"\.check\(|\bhk\.progress\(")  # prints what is not done yet
DEAD = words("panels")["panel"]["dead"]
TEXTS = tomllib.loads((SOURCE / "words.toml").read_text("utf-8"))
LINK = "<p class='live'><a href='../index.html#{}'>{}</a></p>"
MARKDOWN = mistune.create_markdown(escape=False, plugins=["table"])


def lesson_html(path):
    """Return a built notebook as the body of a page, with its answers folded."""
    parts = [TEXTS["read"]]
    for cell in nbformat.read(path, 4).cells:
        if cell.cell_type == "markdown":
            parts.append(MARKDOWN(cell.source))
            continue
        source, hidden = cell.source, cell.metadata.get("jupyter", {})
        code = highlight(source, PythonLexer(), HtmlFormatter(nowrap=True))
        code = f"<pre><code>{code}</code></pre>"
        if hidden.get("source_hidden"):
            first = html.escape(source.splitlines()[0].removeprefix("# "))
            code = f"<details><summary>{first}</summary>{code}</details>"
        folded = hidden.get("outputs_hidden", False)
        outputs = cell.outputs[1:] if folded else cell.outputs  # no "Made your guess?"
        if UNANSWERED.search(source):
            outputs = []
        results = "".join(_output_html(output, source) for output in outputs)
        if results and folded:
            results = f"<details><summary><b>{ANSWER}</b></summary>{results}</details>"
        parts += [code, f"<div class='out'>{results}</div>" if results else ""]
    return re.sub(r'(href="[^":]+)\.(ipynb|md)"', r'\1.html"', "".join(parts))


def _output_html(output, source):
    """Return an output as HTML; `source` is the code of its cell."""
    data = output.get("data", {})
    if "image/png" in data:
        alt = html.escape(output.metadata.get("image/png", {}).get("alt", ""))
        picture = data["image/png"].replace("\n", "")
        return f'<img alt="{alt}" loading="lazy" src="data:image/png;base64,{picture}">'
    if "text/markdown" in data:
        return MARKDOWN(data["text/markdown"])
    if "text/html" in data:
        return data["text/html"]
    text = output.get("text") or data.get("text/plain", "")
    if text.strip() == DEAD:
        panel = PANEL.search(source)
        section = LIVE.get(panel[1]) if panel else None
        return LINK.format(section, TEXTS["live"]) if section else ""
    return f"<pre>{html.escape(text)}</pre>"


def write_lessons(folder):
    """Write every lesson, the glossary and the reference as pages to read."""
    folder.mkdir(exist_ok=True)
    frame = (SOURCE / "lesson.html").read_text("utf-8")
    pages = {p.stem: lesson_html(p) for p in sorted(SOURCE.parent.glob("*.ipynb"))}
    for name in ("glossary", "REFERENCE", "TEACHING", "GRADING"):
        text = (SOURCE.parent / f"{name}.md").read_text("utf-8")
        pages[name] = MARKDOWN(re.sub(r"(\]\([^):]+)\.(ipynb|md)\b", r"\1.html", text))
    for name, body in pages.items():
        title = re.sub("<[^>]+>", "", body[body.index("<h1>") : body.index("</h1>")])
        page = frame.replace("{title}", title).replace("{body}", body)
        (folder / f"{name}.html").write_text(page, "utf-8", newline="\n")
    shutil.copy(SOURCE.parent / "guess_sheet.html", folder)


def _lesson_links():
    """Return the README's table of lessons as a list of links."""
    readme = (ROOT / "README.md").read_text("utf-8")
    row = r"\| (\d\d) \[(.+?)\]\(.+?/(\w+)\.ipynb\) \| (\d+) \| (.+?) \|"
    item = (
        "<li><a href='lessons/{2}.html'><i>{3} min</i><b>{0} {1}</b>"
        "<span>{4}</span></a></li>"
    )
    return "".join(item.format(*cells) for cells in re.findall(row, readme))


# ---- the files -----------------------------------------------------------------------

MAX_BYTES = 1_500_000  # as sent, compressed, without the lessons
COUNTS = ["No", "One", "Two", "Three", "Four", "Five", "Six"]


def make(out):
    """Record and write the page; return the exit code."""
    try:  # before the recording, which takes a minute or two
        (out / "page").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Failure(tr("not_writable", folder=out, why=error.strerror)) from None
    # In an empty home: guesses made by the recording must not count as the teacher's.
    folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
    with folder as home, patch.dict(os.environ, HPKIT_HOME=home):
        write(out, record())
    files = [out / "index.html", *(out / "page").iterdir()]
    size = sum(len(gzip.compress(path.read_bytes())) for path in files)
    print(f"{size:,} bytes as sent. Open {out / 'index.html'} in a browser.")
    if size > MAX_BYTES:
        print(f"The page must be sent in {MAX_BYTES:,} bytes; record fewer values.")
    return int(size > MAX_BYTES)


def write(out, recordings):
    """Write the files of the page into a folder; `recordings` are those of `record`."""
    folder = out / "page"
    folder.mkdir(parents=True, exist_ok=True)
    script = re.sub("^export default", "const widget =", SCRIPT, flags=re.M)
    script = re.sub("^export ", "", script, flags=re.M)
    script = f"const charts = (() => {{{script}\nreturn charts}})()\n"
    script += (SOURCE / "page.js").read_text("utf-8")
    script += _take_call("words", _words(recordings))
    (first, training), *later = recordings.items()
    script += _take_call(first, training | {"opening": _opening(recordings, first)})
    files = {f"{name}.js": _take_call(name, value) for name, value in later}
    files["page.css"] = _style() + (SOURCE / "page.css").read_text("utf-8")
    for name, text in files.items():
        (folder / name).write_text(text, "utf-8", newline="\n")
    facts = _facts(recordings) | {"lessons": _lesson_links()}
    facts |= {"style": files["page.css"], "script": script}
    page = (SOURCE / "index.html").read_text("utf-8")
    page = re.sub(r"{(\w+)}", lambda match: str(facts[match[1]]), page)
    (out / "index.html").write_text(page, "utf-8", newline="\n")
    write_lessons(out / "lessons")


ICON = (
    "%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E%3Cg fill='none' "
    "stroke-width='4'%3E%3Cpath d='M4 5c3 24 10 24 24 3' stroke='%230072B2'/%3E"
    "%3Ccircle cx='14' cy='23' r='5' stroke='%23D55E00'/%3E%3C/g%3E%3C/svg%3E"
)


def _take_call(name, value):
    """Return the line of a script that hands a value to ``page.js``."""
    value = json.dumps(value, separators=(",", ":"))
    return f'page.take("{name}", {value})\n'


def _opening(recordings, name):
    """Return the bytes of the run that the page opens with."""
    begin, training = TEXTS["begin"], recordings[name]
    rates, sizes, seeds = (training[key] for key in ("rates", "sizes", "seeds"))
    index = rates.index(begin["rate"]) * len(sizes) + sizes.index(begin["size"])
    run = index * seeds
    opening = {"run": run}
    for kind in ("losses", "maps"):
        data = base64.b64decode(recordings[f"{name}-{kind}"][kind])
        length = len(data) // training["runs"]
        data = data[run * length : (run + 1) * length]
        opening[kind] = base64.b64encode(data).decode()
    return opening


def _words(recordings):
    """Return the texts and constants of the script, with those of charts and panels."""
    chart, view = words("charts"), words("panels")["training"]
    shared = ["old", "guess", "epoch", "loss", "train", "val", "diverged", "above"]
    usual = {name: written([value]) for name, value in vars(Hyperparameters()).items()}
    classes = [COLORS[name][0] for name in CLASSES[:2]]
    first, *later = recordings
    return {
        **TEXTS,
        **{name: chart[name] for name in shared},
        "lowest": re.sub(r"{.*?}", "{loss}", chart["lowest"]),
        "usual": usual | {"seed": "0"},
        "plain": Chart(Axis(), Axis(), [], height=21).spec(),
        "map": view["map"].replace("{}", "{epoch}"),
        "digitsAlt": words("plots")["charts"]["digits"],
        "mapAlt": view["map_alt"].replace("{}", "{epoch}"),
        "knobs": {name: TABLE[name].knob for name in PATH["lists"]},
        "classes": [[int(c[k : k + 2], 16) for k in (1, 3, 5)] for c in classes],
        "sets": [name for name in recordings if f"{name}-losses" in recordings],
        "first": first,
        "later": later,
        "ends": LOSSES,
        "levels": LEVELS,
    }


def _facts(recordings):
    """Return the figures that fill the text of the page."""
    curve, path = recordings["curve"], recordings["path"]

    def best_rate(row):
        losses = [(loss, k) for k, loss in enumerate(curve["means"][row]) if loss]
        return curve["rates"][min(losses)[1]]

    ratios = [end / path["best"] for end in path["ends"]]
    runs = sum(value.get("runs", 0) for value in recordings.values())
    return {
        "icon": ICON,
        "low": best_rate(1),
        "small": curve["sizes"][1],
        "large": curve["sizes"][-1],
        "high": best_rate(-1),
        "there": COUNTS[sum(ratio < 1.001 for ratio in ratios)],
        "cells": path["settings"],
        "worst": f"{max(ratios):.2g}",
        "seeds": recordings["grid"]["seeds"],
        "networks": f"{runs:,}",
    }


def _style():
    """Return the colors of the page and the style of its charts and code."""
    day, night = (
        HtmlFormatter(style=style).get_style_defs(".lesson code")
        for style in ("xcode", "github-dark")
    )
    night = f"@media (prefers-color-scheme:dark){{{night}}}"
    return "\n".join([css(":root"), day, night, STYLE, ""])
