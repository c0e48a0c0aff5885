"""Build ``notebooks/NN_topic.ipynb`` from ``notebooks/src/NN_topic.py``.

``python -m hpkit build [NN] [--check]`` runs a source (percent format) in a fresh
kernel and writes what a reader needs and nothing that changes from build to build: no
times, versions or widget state.  A panel's widget goes, the picture beside it stays.
Beside a source, in ``NN_topic.md``, stands the lesson's part of the teacher's guide.
Not in here: what a lesson contains (its source) and whether its numbers are right
(tests).
"""

import base64
import hashlib
import html
import os
import re
import sys
import tempfile
from collections import Counter
from pathlib import Path

import jupytext
import nbformat
from ipykernel.kernelspec import get_kernel_dict
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpec
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat.v4 import new_output

from hpkit.charts.still import small_png
from hpkit.panels.parts import VIEW, WORDS
from hpkit.plots import OFF_SCREEN

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "notebooks"

# In the kernel: a panel's first picture waits for its training, on a busy machine too,
# and shows the end of what its button plays, for whoever only reads.  It stays, however
# long the cells below take that do something to the panel.
PATIENT = """
from hpkit.panels import panel as _panel
_panel.Live.run_now.__kwdefaults__["seconds"] = 60.0
_panel.SAVE = 3600.0
def _play(cell, to_the_end={"OneAtATimePanel": "all", "CoinFlipsPanel": "run"}):
    panel = cell.result
    if name := to_the_end.get(type(panel).__name__):
        getattr(panel, f"{name}_button").click()
        panel.wait(60)._show_saved(again=True)
get_ipython().events.register("post_run_cell", _play)
"""
SAVED = '<div class="hp-saved'  # of a panel or quiz, beside its widget
PANEL = SAVED + r'[\s\S]*?<img alt="([^"]*)" src="data:image/png;base64,([^"]*)'
# Their bytes and words differ between machines: --check sees only whether one is there.
PICTURES = ("image/png", "image/svg+xml", "image/jpeg")

# So do numbers: processors round otherwise, and training carries that far.
NUMBER = re.compile(r"[ +-]*\d[\d.,]*(e[+-]?\d+)?[ ]*")

SAME, DIFFERS = "up to date", "differs; run python -m hpkit build"
REDRAWN = "up to date, pictures drawn otherwise; after a change to them build again"
RECOUNTED = "up to date, numbers come out otherwise; after a change to them build again"
AS_COMMITTED = SAME, REDRAWN, RECOUNTED

# GitHub shows a notebook of this size at once, and a clone stays small.
MAX_BYTES = 300_000

# The id of a sentence that states a result: for tests, not for readers.
CLAIM = re.compile(r"[ \n]*<!-- claim: ([a-z0-9 -]+?) -->")

# The tag of a cell whose code is no part of the lesson: folded down to its first line.
DRAWING = "drawing"

# Whoever is asked for a guess must not read the answer below: the output is folded
# until its cell is run.  What is to be seen is closed in every place, asked or not, so
# that a learner looks and says it first, and meets one rule.
GUESS = "**Predict.**"
# Its own line says the result, for whoever only reads: "What you see: a U." Below a
# question it is hidden there, and stands inside, in bold. GitHub, which cannot fold the
# picture above it either, knows no `hidden`: whoever reads there reads the result.
SAID = re.compile(r"\*\*(?:Do|Say what you see|What you see)\b|^#", re.M)
SEEN = re.compile(
    r"\*\*(What you see\b[^*]*)\*\*(?: |\n(?!\n)|\n\n(?=- ))"
    r"(.*?(?:\n\n(?:- |1\. ).*?)?)(?=\n\n|$)",
    re.S,
)
CLOSED = "<details>\n<summary><b>{}</b></summary>\n\n{}\n\n</details>"
# JupyterLab drops `hidden` without a value.
HIDDEN = '{}<span hidden="hidden">{}</span>'
APART = "</details>\n\n", "</details>\n<p></p>\n\n"  # text below keeps its distance
EXERCISE = re.compile(r"^ex\.", re.M)
# JupyterLab shows an output's first line where it is folded.
FIRST_LINE = "Made your guess? Run this cell."
IN_PANEL = "Run this cell: it asks for your guess."

# What would differ on the next machine: addresses, and folders of this one.
ADDRESS = re.compile(r"0x[0-9a-fA-F]{6,}")
PLACES = {str(ROOT), str(Path.home()), tempfile.gettempdir(), sys.prefix} - {"/"}
PLACE = re.compile(
    r"(?<![\w.])(" + "|".join(map(re.escape, sorted(PLACES))) + r")\b|~[/\\]"
)


class BuildError(Exception):
    """A notebook that cannot be published; names the notebook and the cell."""


def main(number=None, *, check=False, folder=FOLDER):
    """Build lesson `number` or all; give the exit code.

    Parameters
    ----------
    number : str, optional
        Two digits, or "class"; all notebooks by default.
    check : bool, default=False
        Write nothing, compare with the committed notebooks: sources and structure
        exactly, what is printed but for its numbers, of pictures only that they are
        there.
    folder : Path
        The folder of the notebooks, with the sources in ``src``.

    Returns
    -------
    code : int
        0, or 1 if a lesson fails or differs; a line on each says why.
    """
    named = "*.py" if number is None else f"{number.zfill(2)}_*.py"
    sources = sorted((folder / "src").glob(named))
    if not sources:
        wanted = named.replace("*", "topic")
        print(
            f"build needs a source {wanted} in {folder / 'src'}, found none; write it."
        )
        return 1
    code = 0
    for source in sources:
        target = folder / f"{source.stem}.ipynb"
        try:
            built = build(source, folder)
            verdict = difference(target, built) if check else write(target, built)
        except BuildError as error:
            verdict = f"FAILED: {error}"
        code |= verdict not in (*AS_COMMITTED, "written")
        print(f"{target.name}: {verdict}", flush=True)
    if (target := folder / "TEACHING.md").is_file():
        built = guide(target)
        verdict = SAME if built == target.read_text("utf-8") else DIFFERS
        if not check:
            verdict = write(target, built)
        code |= verdict == DIFFERS
        print(f"{target.name}: {verdict}")
    return code


def write(target, text):
    """Write what was built with LF line ends on every system."""
    target.write_text(text, encoding="utf-8", newline="\n")
    return "written"


def guide(target):
    """Text of the teacher's guide, in it the part of each lesson as its file has it."""
    before, head, rest = target.read_text("utf-8").partition("## Lesson by lesson\n")
    files = sorted((target.parent / "src").glob("*.md"))
    parts = [before + head, *(path.read_text("utf-8") for path in files)]
    return "\n".join([*parts, rest[rest.index("## Grading") :]])


def build(source, folder):
    """Text of the notebook of `source`, run in `folder` and normalised."""
    notebook = read(source)
    # A home without progress: what the builder has passed is no part of a lesson.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        run(notebook, folder, HPKIT_HOME=home)
    normalise(notebook)
    text = nbformat.writes(notebook, indent=1, ensure_ascii=False) + "\n"
    if (size := len(text.encode())) > MAX_BYTES:
        raise BuildError(
            f"a notebook may have {MAX_BYTES} bytes, this one has {size}; use fewer or "
            "smaller pictures."
        )
    return text


def read(source):
    """Notebook of a percent source, without outputs, with stable cell ids."""
    parsed = jupytext.reads(source.read_text("utf-8"), fmt="py:percent")
    seen = Counter()
    for cell in parsed.cells:
        if cell.cell_type == "markdown":
            cell.source = CLAIM.sub("", cell.source)
        # jupytext's own ids are random.
        digest = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()
        seen[digest] += 1
        again = f"-{seen[digest]}" if seen[digest] > 1 else ""
        cell.id = digest[:12] + again
    parsed.cells[-1].source += leads_to(source)
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    parsed.metadata = nbformat.from_dict(
        {"kernelspec": kernel, "language_info": {"name": "python"}}
    )
    parsed.nbformat, parsed.nbformat_minor = 4, 5
    return parsed


def leads_to(source):
    """Say which lesson comes after `source`, with the teaser in its first cell."""
    numbered = source.parent.glob("[0-9]*.py")
    later = sorted(path for path in numbered if path.name > source.name)
    if not later:
        return ""
    first = jupytext.reads(later[0].read_text("utf-8"), fmt="py:percent").cells[0]
    title = first.source.splitlines()[0].replace("#", later[0].name[:2])
    link = f"[{title}]({later[0].stem}.ipynb)"
    return f"\n\n**Next:** {link}. {first.metadata['teaser']}"


class ThisPython(AsyncKernelManager):
    """Whatever kernels are installed, the one that runs is this interpreter."""

    @property
    def kernel_spec(self):
        """Specification of ipykernel for ``sys.executable``."""
        return KernelSpec(**get_kernel_dict())


def run(notebook, folder, **environ):
    """Execute `notebook` in place; raise BuildError for an error shown anywhere.

    The kernel inherits the environment, with the variables `environ` on top.

    ipywidgets' ``interactive`` prints an exception into its Output widget, and the
    kernel then reports success: the widgets' states are searched after every cell.
    """

    def search_widgets(cell, cell_index, execute_reply):
        states = client.widget_state.values()
        outputs = [output for state in states for output in state.get("outputs", ())]
        raise_for_error(outputs, f"{name(cell, cell_index)}, in an Output widget")

    # Nobody listens to a kernel's start-up warnings on unencrypted transport.
    options = ["--log-level=ERROR"]
    if any("hpkit" in cell.source for cell in notebook.cells):  # else no panel is there
        options.append(f"--IPKernelApp.exec_lines={PATIENT}")
    client = NotebookClient(
        notebook,
        kernel_manager_class=ThisPython,
        resources={"metadata": {"path": str(folder)}},
        extra_arguments=options,
        timeout=120,
        store_widget_state=True,
        coalesce_streams=True,
        on_cell_executed=search_widgets,
    )
    try:
        path = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        environ = {"PYTHONPATH": os.pathsep.join(path)} | environ
        client.execute(env={**os.environ, **environ})
    except CellExecutionError as error:
        for index, cell in enumerate(notebook.cells):
            if "raises-exception" not in cell.metadata.get("tags", ()):
                raise_for_error(cell.get("outputs", ()), name(cell, index))
        raise BuildError(str(error)) from None
    except (CellTimeoutError, DeadKernelError) as error:
        raise BuildError(f"its kernel stopped: {error}") from None


def raise_for_error(outputs, where):
    """Raise BuildError for the first error among `outputs`."""
    for output in outputs:
        if output["output_type"] == "error":
            raise BuildError(f"{where}: {output['ename']}: {output['evalue']}")


def name(cell, index):
    """Words that find a cell again: its place and first line."""
    return f"cell {index + 1} ({cell.source.splitlines()[0]!r})"


def normalise(notebook):
    """Keep of an executed notebook what the next build gives again."""
    notebook.metadata.pop("widgets", None)
    notebook.metadata.language_info = nbformat.from_dict({"name": "python"})
    for index, cell in enumerate(notebook.cells):
        tags = cell.metadata.get("tags")
        cell.metadata = nbformat.from_dict({"tags": tags} if tags else {})
        if DRAWING in (tags or ()):
            cell.metadata.jupyter = {"source_hidden": True}
        if "outputs" in cell:
            cell.outputs = [each for o in cell.outputs for each in cleaned(o)]
        for output in cell.get("outputs", ()):
            check_text(output, name(cell, index))
    fold_answers(notebook)


def fold_answers(notebook):
    """Let JupyterLab open with the outputs folded that a learner is to predict."""
    asked = waiting = False
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            _, guess, after = cell.source.rpartition(GUESS)
            if guess:
                asked = "**What you see" not in after
            elif SAID.search(cell.source):
                asked = False
            cell.source, waiting = closed(cell.source, waiting)
        elif asked and cell.get("outputs") and not EXERCISE.search(cell.source):
            # JupyterLab reads the one, nbclassic the other.
            hidden = {**cell.metadata.get("jupyter", {}), "outputs_hidden": True}
            cell.metadata |= {"collapsed": True, "jupyter": hidden}
            line = IN_PANEL if "predict=" in cell.source else FIRST_LINE
            first = new_output("display_data", {"text/plain": line})
            cell.outputs.insert(0, first)


def closed(source, waiting):
    """Return a text with what is to be seen closed.

    `waiting` is whether a guess waits at its beginning; returned, too, for its end.
    """
    parts, at = [], 0
    for seen in SEEN.finditer(source):
        waiting = waiting or GUESS in source[at : seen.start()]
        title, text = seen.groups()
        if waiting and (said := re.match(r"(What you see)(:\s+(.)(.*))", title, re.S)):
            title = HIDDEN.format(said[1], said[2])
            between = "\n\n" if text.startswith("- ") else " "
            text = f"**{said[3].upper()}{said[4]}**{between}{text}"
        parts += [source[at : seen.start()], CLOSED.format(title, text)]
        waiting, at = False, seen.end()
    rest = source[at:]
    _, opened, found = rest.partition("**What you see")
    if opened:
        raise BuildError(
            "What is to be seen must be bold words with a text after them, found "
            f"{(opened + found)[:60]!r}; write **What you see: it falls.** It ..."
        )
    return "".join([*parts, rest]).replace(*APART), waiting or GUESS in rest


def cleaned(output):
    """Return what stays of an output: without widget and metadata, a picture's words.

    A saved panel's picture becomes one of its own: GitHub shows none that HTML holds.
    """
    output.pop("transient", None)
    if "data" not in output:
        return [output]
    data, line = output.data, []
    data.pop(VIEW, None)
    alt = output.metadata.get("image/png", {}).get("alt")
    if OFF_SCREEN in data.get("text/html", ""):
        return []  # its picture has it, too, and GitHub would show it
    if SAVED in data.get("text/html", ""):
        page = data.pop("text/html")
        if found := re.search(PANEL, page):
            alt, data["image/png"] = html.unescape(found[1]), found[2]
            line = [new_output("display_data", {"text/plain": WORDS["dead"]})]
    elif png := data.get("image/png"):
        data["image/png"] = base64.b64encode(small_png(base64.b64decode(png))).decode()
    output.metadata = nbformat.from_dict({"image/png": {"alt": alt}} if alt else {})
    return [output, *line] if any(data.values()) else []


def check_text(output, where):
    """Raise BuildError if an output speaks of this machine."""
    texts = [output.get("text", ""), *output.get("traceback", ())]
    data = output.get("data", {})
    texts += [str(data[kind]) for kind in data if kind not in PICTURES]
    for text in texts:
        if found := ADDRESS.search(text) or PLACE.search(text):
            raise BuildError(
                f"{where} must print what is the same everywhere, found "
                f"{found.group()!r}; print a name or a value instead."
            )


def difference(target, built):
    """What the committed notebook has otherwise than the `built` one, in words."""
    if not target.is_file():
        return "missing; run python -m hpkit build"
    committed = target.read_text("utf-8")
    if committed == built:
        return SAME
    old = nbformat.reads(committed, as_version=4)
    new = nbformat.reads(built, as_version=4)
    verdict = REDRAWN
    for index, (a, b) in enumerate(zip(old.cells, new.cells, strict=False)):
        if comparable(a, numbers=False) != comparable(b, numbers=False):
            return f"{name(b, index)} differs; run python -m hpkit build"
        if comparable(a, numbers=True) != comparable(b, numbers=True):
            verdict = RECOUNTED
    if (len(old.cells), old.metadata) != (len(new.cells), new.metadata):
        return "cells or metadata differ; run python -m hpkit build"
    return verdict


def comparable(cell, *, numbers):
    """Return a copy of a cell in which all pictures are equal.

    So are the numbers that it prints, unless `numbers` count.
    """
    cell = nbformat.from_dict(cell)
    for output in cell.get("outputs", ()):
        data = output.get("data", {})
        for kind in set(PICTURES) & set(data):
            data[kind] = ""
            if kind in output.metadata:
                output.metadata[kind].alt = ""
        for place in (output, data):
            for kind, said in place.items():
                if isinstance(said, str) and not numbers:
                    place[kind] = NUMBER.sub("#", said)
    return cell
