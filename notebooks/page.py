"""Make the page to try without installing: ``python -m hpkit page --out FOLDER``.

Static files: the page of ``notebooks/page``, numbers of `recorded`, and every lesson to
read.  It needs no server and asks nobody for anything, so it opens from a memory stick.
Numbers come in scripts, since a page that is opened as a file may load nothing else.
What the first picture needs stands in the page itself, so that it waits for one answer.
"""

import base64
import gzip
import html
import json
import os
import re
import tempfile
import tomllib
from pathlib import Path

import mistune
import nbformat
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer
from recorded import LEVELS, LOSSES, PATH, record

from hpkit.charts.spec import CLASSES, COLORS, Axis, Chart, css
from hpkit.hyperparameters import TABLE, Hyperparameters
from hpkit.locale import words
from hpkit.panels.controls import SCRIPT, STYLE, written

ROOT = Path(__file__).resolve().parents[1]
ANSWER = "Made your guess? Here is the answer:"  # where nothing can be run
SOURCE = ROOT / "notebooks" / "page"


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
SAID = tomllib.loads((SOURCE / "words.toml").read_text("utf-8"))
LINK = "<p class='live'><a href='../index.html#{}'>{}</a></p>"
MARKDOWN = mistune.create_markdown(escape=False, plugins=["table"])


def lesson(path):
    """Return a built notebook as the body of a page, with its answers folded."""
    parts = []
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
        folded = hidden.get("outputs_hidden", False)  # and a first line in its place
        outputs = [] if UNANSWERED.search(source) else cell.outputs[folded:]
        out = "".join(_shown(output, source) for output in outputs)
        if out and folded:
            out = f"<details><summary><b>{ANSWER}</b></summary>{out}</details>"
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
        return MARKDOWN(data["text/markdown"])
    if "text/html" in data:
        return data["text/html"]
    said = output.get("text") or data.get("text/plain", "")
    if said.strip() == DEAD:
        panel = PANEL.search(source)
        place = LIVE.get(panel[1]) if panel else None
        return LINK.format(place, SAID["live"]) if place else ""
    return f"<pre>{html.escape(said)}</pre>"


def write_lessons(folder):
    """Write every lesson, the glossary and the reference as pages to read."""
    folder.mkdir(exist_ok=True)
    frame = (SOURCE / "lesson.html").read_text("utf-8")
    pages = {p.stem: lesson(p) for p in sorted(SOURCE.parent.glob("*.ipynb"))}
    for name in ("glossary", "REFERENCE"):
        read = (SOURCE.parent / f"{name}.md").read_text("utf-8")
        read = re.sub(r"(\]\([^):]+)\.ipynb", r"\1.html", read)
        pages[name] = MARKDOWN(read)
    for name, body in pages.items():
        title = re.sub("<[^>]+>", "", body[body.index("<h1>") : body.index("</h1>")])
        text = frame.replace("{title}", title).replace("{body}", body)
        (folder / f"{name}.html").write_text(text, "utf-8", newline="\n")


def _listed():
    """Return the table of lessons of the README as links."""
    readme = (ROOT / "README.md").read_text("utf-8")
    row = r"\| (\d\d) \[(.+?)\]\(.+?/(\w+)\.ipynb\) \| (\d+) \| (.+?) \|"
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
    # A home of its own: guesses that panels make here are not those of the teacher.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        os.environ["HPKIT_HOME"] = home
        write(out, record())
    files = [out / "index.html", *(out / "page").iterdir()]
    size = sum(len(gzip.compress(path.read_bytes())) for path in files)
    print(f"{size:,} bytes as sent. Open {out / 'index.html'} in a browser.")
    if size > MOST:
        print(f"The page must be sent in {MOST:,} bytes; record fewer values.")
    return int(size > MOST)


def write(out, made):
    """Write the files of the page into a folder."""
    folder = out / "page"
    folder.mkdir(parents=True, exist_ok=True)
    script = re.sub("^export default", "const widget =", SCRIPT, flags=re.M)
    script = re.sub("^export ", "", script, flags=re.M)
    script = f"const charts = (() => {{{script}\nreturn charts}})()\n"
    script += (SOURCE / "page.js").read_text("utf-8")
    script += _taken("words", _words(made))
    (first, start), *later = made.items()
    script += _taken(first, start | {"opening": _opening(made, first)})
    files = {f"{name}.js": _taken(name, value) for name, value in later}
    files["page.css"] = _style() + (SOURCE / "page.css").read_text("utf-8")
    for name, text in files.items():
        (folder / name).write_text(text, "utf-8", newline="\n")
    facts = _facts(made) | {"lessons": _listed()}
    facts |= {"style": files["page.css"], "script": script}
    text = (SOURCE / "index.html").read_text("utf-8")
    text = re.sub(r"{(\w+)}", lambda found: str(facts[found[1]]), text)
    (out / "index.html").write_text(text, "utf-8", newline="\n")
    write_lessons(out / "lessons")


ICON = (
    "%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E%3Cg fill='none' "
    "stroke-width='4'%3E%3Cpath d='M4 5c3 24 10 24 24 3' stroke='%230072B2'/%3E"
    "%3Ccircle cx='14' cy='23' r='5' stroke='%23D55E00'/%3E%3C/g%3E%3C/svg%3E"
)


def _taken(name, value):
    value = json.dumps(value, separators=(",", ":"))
    return f'page.take("{name}", {value})\n'


def _opening(made, name):
    """Return what is recorded of the run that the page opens with."""
    start, one = SAID["begin"], made[name]
    at = one["rates"].index(start["rate"]) * len(one["sizes"])
    run = (at + one["sizes"].index(start["size"])) * one["seeds"]
    opening = {"run": run}
    for kind in ("losses", "maps"):
        data = base64.b64decode(made[f"{name}-{kind}"][kind])
        long = len(data) // one["runs"]
        data = data[run * long : (run + 1) * long]
        opening[kind] = base64.b64encode(data).decode()
    return opening


def _words(recorded):
    """Return what the script says, the words of charts and panels with its own."""
    chart, view = words("charts"), words("panels")["training"]
    made = dict(SAID)
    same = ["old", "guess", "epoch", "loss", "train", "val", "diverged", "above"]
    made |= {name: chart[name] for name in same}
    made["lowest"] = re.sub(r"{.*?}", "{loss}", chart["lowest"])
    usual = {name: written([value]) for name, value in vars(Hyperparameters()).items()}
    made["usual"] = usual | {"seed": "0"}
    made["plain"] = Chart(Axis(), Axis(), [], height=21).spec()
    made |= {"map": view["map"].replace("{}", "{epoch}")}
    made["digitsAlt"] = words("plots")["charts"]["digits"]
    made |= {"mapAlt": view["map_alt"].replace("{}", "{epoch}")}
    made |= {"knobs": {name: TABLE[name].knob for name in PATH["lists"]}}
    classes = [COLORS[name][0] for name in CLASSES[:2]]
    made["classes"] = [[int(c[k : k + 2], 16) for k in (1, 3, 5)] for c in classes]
    first, *later = recorded
    sets = [name for name in recorded if f"{name}-losses" in recorded]
    made |= {"sets": sets, "first": first}
    return made | {"later": later, "ends": LOSSES, "levels": LEVELS}


def _facts(made):
    """Return the figures that the text of the page says."""
    curve, path, means = made["curve"], made["path"], made["curve"]["means"]
    rates, sizes = curve["rates"], curve["sizes"]

    def best(i):
        return rates[min((loss, k) for k, loss in enumerate(means[i]) if loss)[1]]

    times = [end / path["best"] for end in path["ends"]]
    runs = sum(one["runs"] for one in made.values() if "runs" in one)
    facts = {"icon": ICON, "low": best(1)}
    facts |= {"small": sizes[1], "large": sizes[-1]}
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
