"""Build ``notebooks/NN_topic.ipynb`` from ``notebooks/src/NN_topic.py``.

``python -m hpkit build [NN] [--check]`` runs a source (percent format) in a fresh
kernel and writes what a reader needs, without anything that changes from build to
build: no times, versions or widget state.  Panels lose their widget and keep the
picture of it.  ``NN_topic.md`` next to a source is the lesson's section of the
teacher's guide.  What a lesson contains is up to its source, and whether its numbers
are right up to the tests.
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

# Run in the kernel, so that the saved picture of a panel shows the finished training,
# on a busy machine too, and the last step of what a button plays, for those who only
# read.  It is kept up to date however long later cells take that change the panel.
SETUP = """
from hpkit.panels import panel as _panel
_panel.Live.run_now.__kwdefaults__["seconds"] = 60.0
_panel.SAVE = 3600.0
_buttons = {"OneAtATimePanel": "all", "SearchRacePanel": "start"}
_buttons |= {"CoinFlipsPanel": "run", "BowlPanel": "run"}
def _play(execution):
    panel = execution.result
    if button := _buttons.get(type(panel).__name__):
        getattr(panel, f"{button}_button").click()
        panel.wait(60)._show_saved(again=True)
get_ipython().events.register("post_run_cell", _play)
"""
SAVED = '<div class="hp-saved'  # the picture of a panel or quiz, next to its widget
PANEL = SAVED + r'[\s\S]*?<img alt="([^"]*)" src="data:image/png;base64,([^"]*)'
# Bytes and alt texts differ between machines: --check only sees whether there is one.
PICTURES = ("image/png", "image/svg+xml", "image/jpeg")

# Numbers differ, too: processors round differently, and training amplifies that.
NUMBER = re.compile(r"[ +-]*\d[\d.,]*(e[+-]?\d+)?[ ]*")

SAME, DIFFERS = "up to date", "differs; run python -m hpkit build"
REDRAWN = "up to date, pictures drawn otherwise; after a change to them build again"
RECOUNTED = "up to date, numbers come out otherwise; after a change to them build again"
AS_COMMITTED = SAME, REDRAWN, RECOUNTED

# GitHub renders a notebook of this size at once, and a clone stays small.
MAX_BYTES = 300_000

# The id of a sentence that states a result: for tests, not for readers.
CLAIM = re.compile(r"[ \n]*<!-- claim: ([a-z0-9 -]+?) -->")

# Tags a cell whose code is not part of the lesson: folded to its first line.
DRAWING = "drawing"

# Learners who are asked for a guess must not see the answer below: the output is folded
# until they run its cell.  "What you see" is folded everywhere, with or without a
# question, so that learners first look and put it into words, and there is one rule.
GUESS = "**Predict.**"
GUESS_ENDS = re.compile(r"\*\*(?:Do|Say what you see|What you see)\b|^#", re.M)
# The summary itself states the result for those who only read: "What you see: a U."
# Below a question it is hidden there and repeated inside, in bold. GitHub ignores
# `hidden`, but cannot fold the picture above either: there one reads the result.
WHAT_YOU_SEE = re.compile(
    r"\*\*(What you see\b[^*]*)\*\*(?: |\n(?!\n)|\n\n(?=- ))"
    r"(.*?(?:\n\n(?:- |1\. ).*?)?)(?=\n\n|$)",
    re.S,
)
FOLDED = "<details>\n<summary><b>{}</b></summary>\n\n{}\n\n</details>"
# JupyterLab drops `hidden` without a value.
HIDDEN = '{}<span hidden="hidden">{}</span>'
ADD_SPACE = "</details>\n\n", "</details>\n<p></p>\n\n"  # above the text that follows
EXERCISE = re.compile(r"^ex\.", re.M)
# JupyterLab shows the first line of a folded output.
FIRST_LINE = "Made your guess? Run this cell."
IN_PANEL = "Run this cell: it asks for your guess."

# What would differ on another machine: addresses, and folders of this one.
ADDRESS = re.compile(r"0x[0-9a-fA-F]{6,}")
PLACES = {str(ROOT), str(Path.home()), tempfile.gettempdir(), sys.prefix} - {"/"}
PLACE = re.compile(
    r"(?<![\w.])(" + "|".join(map(re.escape, sorted(PLACES))) + r")\b|~[/\\]"
)


class BuildError(Exception):
    """The notebook cannot be published; the message names the cell."""


def main(number=None, *, check=False, folder=FOLDER):
    """Build lesson `number`, or all lessons; return the exit code.

    Parameters
    ----------
    number : str, optional
        Two digits, or "class"; all notebooks by default.
    check : bool, default=False
        Write nothing, compare with the committed notebooks: sources and structure
        exactly, printed text except for its numbers, and pictures only by whether there
        is one.
    folder : Path
        The folder of the notebooks, with the sources in ``src``.

    Returns
    -------
    code : int
        0, or 1 if a lesson fails or differs; one printed line per lesson says why.
    """
    pattern = "*.py" if number is None else f"{number.zfill(2)}_*.py"
    src = folder / "src"
    sources = sorted(src.glob(pattern))
    if not sources:
        wanted = pattern.replace("*", "topic")
        print(f"build needs a source {wanted} in {src}, found none; write it.")
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
    """Write a built file, with LF line endings on every system."""
    target.write_text(text, encoding="utf-8", newline="\n")
    return "written"


def guide(target):
    """Return the teacher's guide with the current section of each lesson."""
    before, head, rest = target.read_text("utf-8").partition("## Lesson by lesson\n")
    files = sorted((target.parent / "src").glob("*.md"))
    sections = [path.read_text("utf-8") for path in files]
    return "\n".join([before + head, *sections, rest[rest.index("## Grading") :]])


def build(source, folder):
    """Return the text of the notebook of `source`, run in `folder` and normalized."""
    notebook = read(source)
    # Without progress: exercises that the builder has passed must not show as passed.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        run(notebook, folder, HPKIT_HOME=home)
    normalize(notebook)
    text = nbformat.writes(notebook, indent=1, ensure_ascii=False) + "\n"
    if (size := len(text.encode())) > MAX_BYTES:
        raise BuildError(
            f"a notebook may have {MAX_BYTES} bytes, this one has {size}; use fewer or "
            "smaller pictures."
        )
    return text


def read(source):
    """Return the notebook of a percent source, without outputs, with stable ids."""
    notebook = jupytext.reads(source.read_text("utf-8"), fmt="py:percent")
    count = Counter()
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = CLAIM.sub("", cell.source)
        # jupytext's own ids are random.
        digest = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()
        count[digest] += 1
        repeat = f"-{count[digest]}" if count[digest] > 1 else ""
        cell.id = digest[:12] + repeat
    notebook.cells[-1].source += link_to_next(source)
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    notebook.metadata = nbformat.from_dict(metadata)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    return notebook


def link_to_next(source):
    """Return a link to the lesson after `source`, with the teaser of its first cell."""
    numbered = source.parent.glob("[0-9]*.py")
    later = sorted(path for path in numbered if path.name > source.name)
    if not later:
        return ""
    first = jupytext.reads(later[0].read_text("utf-8"), fmt="py:percent").cells[0]
    title = first.source.splitlines()[0].replace("#", later[0].name[:2])
    link = f"[{title}]({later[0].stem}.ipynb)"
    return f"\n\n**Next:** {link}. {first.metadata['teaser']}"


class ThisPython(AsyncKernelManager):
    """Starts this interpreter as the kernel, whatever kernels are installed."""

    @property
    def kernel_spec(self):
        """Specification of ipykernel for ``sys.executable``."""
        return KernelSpec(**get_kernel_dict())


def run(notebook, folder, **environ):
    """Execute `notebook` in place; raise BuildError for an error shown anywhere.

    The kernel inherits the environment; `environ` adds and overrides variables.

    ipywidgets' ``interactive`` prints an exception into its Output widget while the
    kernel reports success, so the widgets' states are searched after every cell.
    """

    def search_widgets(cell, cell_index, execute_reply):
        states = client.widget_state.values()
        outputs = [output for state in states for output in state.get("outputs", ())]
        raise_for_error(outputs, f"{cell_name(cell, cell_index)}, in an Output widget")

    # Hides the kernel's start-up warnings about unencrypted transport.
    options = ["--log-level=ERROR"]
    if any("hpkit" in cell.source for cell in notebook.cells):  # it may have panels
        options.append(f"--IPKernelApp.exec_lines={SETUP}")
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
                raise_for_error(cell.get("outputs", ()), cell_name(cell, index))
        raise BuildError(str(error)) from None
    except (CellTimeoutError, DeadKernelError) as error:
        raise BuildError(f"its kernel stopped: {error}") from None


def raise_for_error(outputs, where):
    """Raise BuildError for the first error among `outputs`."""
    for output in outputs:
        if output["output_type"] == "error":
            raise BuildError(f"{where}: {output['ename']}: {output['evalue']}")


def cell_name(cell, index):
    """Return what identifies a cell in a message: its number and first line."""
    return f"cell {index + 1} ({cell.source.splitlines()[0]!r})"


def normalize(notebook):
    """Drop from an executed notebook, in place, what the next build would change."""
    notebook.metadata.pop("widgets", None)
    notebook.metadata.language_info = nbformat.from_dict({"name": "python"})
    for index, cell in enumerate(notebook.cells):
        tags = cell.metadata.get("tags")
        cell.metadata = nbformat.from_dict({"tags": tags} if tags else {})
        if DRAWING in (tags or ()):
            cell.metadata.jupyter = {"source_hidden": True}
        if "outputs" in cell:
            cell.outputs = [part for o in cell.outputs for part in clean(o)]
        for output in cell.get("outputs", ()):
            check_text(output, cell_name(cell, index))
    fold_answers(notebook)


def fold_answers(notebook):
    """Fold the outputs that a learner is asked to predict, and all "What you see"."""
    asked = waiting = False  # is the next output, or "What you see", an answer?
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            _, guess, after = cell.source.rpartition(GUESS)
            if guess:
                asked = "**What you see" not in after
            elif GUESS_ENDS.search(cell.source):
                asked = False
            cell.source, waiting = fold_text(cell.source, waiting)
        elif asked and cell.get("outputs") and not EXERCISE.search(cell.source):
            # JupyterLab reads "jupyter", nbclassic "collapsed".
            hidden = {**cell.metadata.get("jupyter", {}), "outputs_hidden": True}
            cell.metadata |= {"collapsed": True, "jupyter": hidden}
            line = IN_PANEL if "predict=" in cell.source else FIRST_LINE
            first = new_output("display_data", {"text/plain": line})
            cell.outputs.insert(0, first)


def fold_text(source, waiting):
    """Return a text with its "What you see" folded.

    `waiting` says whether a guess is open where the text begins; the second value
    returned says the same of its end.
    """
    parts, end = [], 0
    for match in WHAT_YOU_SEE.finditer(source):
        before = source[end : match.start()]
        waiting = waiting or GUESS in before
        title, text = match.groups()
        result = re.match(r"(What you see)(:\s+(.)(.*))", title, re.S)
        if waiting and result:
            title = HIDDEN.format(result[1], result[2])
            between = "\n\n" if text.startswith("- ") else " "
            text = f"**{result[3].upper()}{result[4]}**{between}{text}"
        parts += [before, FOLDED.format(title, text)]
        waiting, end = False, match.end()
    rest = source[end:]
    if (start := rest.find("**What you see")) >= 0:
        raise BuildError(
            "What is to be seen must be bold words with a text after them, found "
            f"{rest[start : start + 60]!r}; write **What you see: it falls.** It ..."
        )
    return "".join([*parts, rest]).replace(*ADD_SPACE), waiting or GUESS in rest


def clean(output):
    """Return a list of what remains of an output without widget and metadata.

    Alt texts stay.  The picture that a panel saves inside HTML becomes an output of its
    own, since GitHub shows no pictures inside HTML.
    """
    output.pop("transient", None)
    if "data" not in output:
        return [output]
    data, line = output.data, []
    data.pop(VIEW, None)
    alt = output.metadata.get("image/png", {}).get("alt")
    if OFF_SCREEN in data.get("text/html", ""):
        return []  # the picture has this text, too, and GitHub would show it
    if SAVED in data.get("text/html", ""):
        saved = data.pop("text/html")
        if match := re.search(PANEL, saved):
            alt, data["image/png"] = html.unescape(match[1]), match[2]
            line = [new_output("display_data", {"text/plain": WORDS["dead"]})]
    elif png := data.get("image/png"):
        data["image/png"] = base64.b64encode(small_png(base64.b64decode(png))).decode()
    output.metadata = nbformat.from_dict({"image/png": {"alt": alt}} if alt else {})
    return [output, *line] if any(data.values()) else []


def check_text(output, where):
    """Raise BuildError if an output has an address or a folder of this machine."""
    texts = [output.get("text", ""), *output.get("traceback", ())]
    data = output.get("data", {})
    texts += [str(data[kind]) for kind in data if kind not in PICTURES]
    for text in texts:
        if match := ADDRESS.search(text) or PLACE.search(text):
            raise BuildError(
                f"{where} must print what is the same everywhere, found "
                f"{match.group()!r}; print a name or a value instead."
            )


def difference(target, built):
    """Return in words how the committed notebook differs from the `built` one."""
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
            return f"{cell_name(b, index)} differs; run python -m hpkit build"
        if comparable(a, numbers=True) != comparable(b, numbers=True):
            verdict = RECOUNTED
    if (len(old.cells), old.metadata) != (len(new.cells), new.metadata):
        return "cells or metadata differ; run python -m hpkit build"
    return verdict


def comparable(cell, *, numbers):
    """Return a copy of a cell in which all pictures are equal.

    The numbers that it prints are made equal, too, unless `numbers`.
    """
    cell = nbformat.from_dict(cell)
    for output in cell.get("outputs", ()):
        data = output.get("data", {})
        for kind in set(PICTURES) & set(data):
            data[kind] = ""
            if kind in output.metadata:
                output.metadata[kind].alt = ""
        for texts in (output, data):
            for kind, text in texts.items():
                if isinstance(text, str) and not numbers:
                    texts[kind] = NUMBER.sub("#", text)
    return cell
