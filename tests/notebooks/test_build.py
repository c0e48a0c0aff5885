"""``python -m hpkit build`` on small sources written for each case."""

import base64
import io
import json
import re
import sys

import build as notebooks
import nbformat
import pytest
from PIL import Image

from hpkit.exercises import _core, lesson_06_seeds

LESSON = """
# %% [markdown]
# # A lesson
# Words.
# %%
import matplotlib.pyplot as plt
print("one"); print("two 1.5")
# %%
plt.plot([1, 2]);
# %% tags=["raises-exception"]
1 / 0
# %%
plt.plot([1, 2]);
# %%
import ipywidgets as widgets

class Panel(widgets.HBox):
    def _repr_mimebundle_(self, **kwargs):
        bundle = super()._repr_mimebundle_(**kwargs)
        return {**bundle, "text/plain": "run this cell again"}

Panel()
"""


@pytest.fixture
def folder(tmp_path):
    """Folder of notebooks; ``write(folder, name, text)`` adds a source."""
    (tmp_path / "src").mkdir()
    return tmp_path


def write(folder, text, name="00_start"):
    (folder / "src" / f"{name}.py").write_text(text.lstrip(), encoding="utf-8")


def load(folder, name="00_start"):
    return nbformat.read(folder / f"{name}.ipynb", as_version=4)


def outputs(notebook):
    return [output for cell in notebook.cells for output in cell.get("outputs", ())]


def build(folder, text):
    (folder / "src").mkdir()
    write(folder, text)
    assert notebooks.main(folder=folder) == 0
    return folder


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    return build(tmp_path_factory.mktemp("notebooks"), LESSON)


def test_build_gives_a_valid_notebook_with_its_outputs(built):
    notebook = load(built)

    nbformat.validate(notebook)
    assert [c.cell_type for c in notebook.cells] == ["markdown"] + ["code"] * 5
    assert notebook.cells[1].outputs[0].text == "one\ntwo 1.5\n"
    assert "image/png" in notebook.cells[2].outputs[0].data
    assert notebook.cells[3].outputs[0].ename == "ZeroDivisionError"
    panel = notebook.cells[5].outputs[0]  # what stands beside its widget
    assert panel.data == {"text/plain": "run this cell again"}
    ids = [cell.id for cell in notebook.cells]
    assert len(set(ids)) == len(ids)
    assert ids[4] == f"{ids[2]}-2"
    kept = [cell.metadata for cell in notebook.cells if cell.metadata]
    assert kept == [{"tags": ["raises-exception"]}]
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert notebook.metadata.language_info == {"name": "python"}
    assert all(not output.get("metadata") for output in outputs(notebook))
    # The picture says nothing of its maker.
    png = notebook.cells[2].outputs[0].data["image/png"]
    picture = Image.open(io.BytesIO(base64.b64decode(png)))
    picture.load()
    assert set(picture.info) <= {"dpi"}


def test_building_twice_gives_the_same_bytes(built):
    before = (built / "00_start.ipynb").read_bytes()
    assert notebooks.main(folder=built) == 0
    assert (built / "00_start.ipynb").read_bytes() == before
    assert before.endswith(b"}\n")
    assert b"\r" not in before


def test_kernel_is_this_python_wherever_kernels_are_installed(tmp_path, monkeypatch):
    foreign = tmp_path / "kernels" / "python3"
    foreign.mkdir(parents=True)
    spec = {"argv": ["false"], "display_name": "Other", "language": "python"}
    (foreign / "kernel.json").write_text(json.dumps(spec))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    code = f"# %%\nimport sys\nprint(sys.executable == {sys.executable!r})"
    assert outputs(load(build(tmp_path, code)))[0].text == "True\n"


ASK = "# %% [markdown]\n# **Predict.** What?\n"


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("# %%\nx = 1\n\n# %%\n1 / 0", "cell 2 ('1 / 0'): ZeroDivisionError"),
        (
            "# %%\nimport ipywidgets as w\nw.interact(lambda x: 1 / x, x=(-1, 1));",
            "cell 1 ('import ipywidgets as w'), in an Output widget: ZeroDivision",
        ),
        ("# %%\nobject()", "cell 1 ('object()') must print what is the same"),
        ("# %%\nimport os; print(os.path.expanduser('~'))", "the same everywhere"),
        ("# %%\nimport os; os._exit(1)", "its kernel stopped"),
        ("# %%\nprint(('x' * 99 + '\\n') * 3000)", "may have 300000 bytes"),
        # words that cannot be closed are not shown below their question
        (f"{ASK}#\n# **What you see: four**, or so.", "found '**What you see: four**,"),
    ],
    ids=["error", "widget", "address", "place", "death", "size", "words"],
)
def test_lesson_that_cannot_be_published_fails(folder, capsys, source, words):
    write(folder, source)
    assert notebooks.main(folder=folder) == 1
    assert words in capsys.readouterr().out
    assert not (folder / "00_start.ipynb").exists()


@pytest.mark.parametrize(("number", "built"), [("2", "02_two"), ("class", "class_50")])
def test_one_lesson_is_built_by_its_number(folder, capsys, number, built):
    for name in ("01_one", "02_two", "class_50"):
        write(folder, "# %%\n1", name)
    assert notebooks.main(number, folder=folder) == 0
    assert [p.stem for p in folder.glob("*.ipynb")] == [built]
    assert notebooks.main("7", folder=folder) == 1
    assert "needs a source 07_topic.py" in capsys.readouterr().out


def picture(notebook):
    return notebook.cells[2].outputs[0].data


def prints(notebook, text):
    notebook.cells[1].outputs[0].text = text


OTHER, MORE = {"image/png": "iVBORw0KGgo="}, nbformat.v4.new_markdown_cell("more")


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        (lambda n: None, 0, "up to date\n"),
        # as on another machine, or by another processor
        (lambda n: picture(n).update(OTHER), 0, "pictures drawn otherwise"),
        (lambda n: prints(n, "one\ntwo  -22.25\n"), 0, "numbers come out otherwise"),
        (
            lambda n: prints(n, "other\n"),
            1,
            "('import matplotlib.pyplot as plt') differs",
        ),
        (lambda n: n.cells[2].update(source="plt.plot([1, 2]); "), 1, "cell 3 "),
        (lambda n: picture(n).pop("image/png"), 1, "cell 3 "),
        (lambda n: n.cells.append(MORE), 1, "cells or metadata differ"),
    ],
    ids=["nothing", "picture", "number", "text", "source", "no picture", "cell"],
)
def test_check_compares_all_but_the_bytes_of_pictures(
    built, folder, monkeypatch, capsys, change, code, words
):
    text = (built / "00_start.ipynb").read_text("utf-8")
    monkeypatch.setattr(notebooks, "build", lambda source, folder: text)
    write(folder, LESSON)
    notebook = load(built)
    change(notebook)
    nbformat.write(notebook, folder / "00_start.ipynb")
    before = (folder / "00_start.ipynb").read_bytes()

    assert notebooks.main(folder=folder, check=True) == code

    assert words in capsys.readouterr().out
    assert (folder / "00_start.ipynb").read_bytes() == before


ASKS = """
# %% [markdown]
# **Predict.** What does it print?
# %%
print("one")
# %%
ex = "a question of an exercise"
ex.title()
# %% [markdown]
# The same once more.
# %%
print("two")
# %% [markdown]
# Look.
#
# **What you see.** One,
# two:
#
# - words.
#
# And so on.
# %%
print("three")
# %% [markdown]
# **Predict.** And now? **Do.** Run the cell.
# %%
print("four")
# %% [markdown]
# ## A heading ends it
#
# **Predict.** Four?
#
# **What you see: still
# four.** Yes, four.
#
# **What you see: a list.**
#
# - Five.
# - Six.
# %%
print("five")
"""


@pytest.fixture(scope="module")
def asks(tmp_path_factory):
    return build(tmp_path_factory.mktemp("asks"), ASKS)


def test_answers_below_a_question_are_folded_until_they_are_run(asks):
    code = [cell for cell in load(asks).cells if cell.cell_type == "code"]
    folded = [cell.source[7:-2] for cell in code if cell.metadata]
    assert folded == ["one", "two", "four"]
    assert all(
        cell.metadata == {"collapsed": True, "jupyter": {"outputs_hidden": True}}
        for cell in code
        if cell.metadata
    )
    shown = [cell.outputs[0].get("text") for cell in code]
    assert shown == [None, None, None, "three\n", None, "five\n"]
    assert code[0].outputs[0].data["text/plain"] == notebooks.FIRST_LINE
    assert code[0].outputs[1].text == "one\n"  # for readers without JupyterLab


def test_a_panel_that_asks_is_run_for_its_question():
    cells = nbformat.read(notebooks.FOLDER / "02_learning_rate.ipynb", 4).cells
    asking = [cell for cell in cells if "predict=" in cell.source]
    first = [cell.outputs[0].data["text/plain"] for cell in asking]
    assert first == [notebooks.IN_PANEL] * 2


def test_words_that_say_what_is_to_be_seen_are_closed(asks):
    texts = [c.source for c in load(asks).cells if c.cell_type == "markdown"]
    assert texts[2] == (
        "Look.\n\n<details>\n<summary><b>What you see.</b></summary>\n\n"
        "One,\ntwo:\n\n- words.\n\n</details>\n<p></p>\n\nAnd so on."
    )
    one = "<details>\n<summary><b>{}</b></summary>\n\n{}\n\n</details>"
    hidden = notebooks.HIDDEN.format("What you see", ": still\nfour.")  # a guess waits
    four = one.format(hidden, "**Still\nfour.** Yes, four.")
    five = one.format("What you see: a list.", "- Five.\n- Six.")
    assert texts[-1].endswith(f"{four}\n<p></p>\n\n{five}")
    assert sum("**What you see" in text for text in texts) == 0


def test_code_of_a_drawing_is_folded_down_to_its_first_line(tmp_path):
    drawing = '# %% tags=["drawing"]\n# a drawing\nprint("bars")\n\n'
    first, _, second = load(build(tmp_path, f"{drawing}{ASK}\n{drawing}")).cells
    assert first.metadata.jupyter == {"source_hidden": True}
    assert first.outputs[0].text == "bars\n"
    both = {"source_hidden": True, "outputs_hidden": True}  # it answers a question
    assert second.metadata.jupyter == both


def test_exported_page_folds_an_answer_and_holds_it(asks):
    from nbconvert import HTMLExporter

    templates = [str(notebooks.FOLDER / "templates")]
    exporter = HTMLExporter(template_name="hpkit", extra_template_basedirs=templates)
    page, _ = exporter.from_filename(str(asks / "00_start.ipynb"))
    fold, *_ = re.findall(
        '<details class="hp-answer hp-asked">.*?</details>', page, re.S
    )
    assert "<summary>Made your guess? Then open this.</summary>" in fold
    assert "<pre>one\n</pre>" in fold
    ran = load(asks)
    for cell in ran.cells:  # run anew, an answer is the first output
        cell["outputs"] = [o for o in cell.get("outputs", ()) if "data" not in o]
    page, _ = exporter.from_notebook_node(ran)
    assert 'class="hp-answer"' in page
    assert 'class="hp-answer hp-asked"' not in page


# Shows, and then does, what is kept: a question, an open answer, a right one.
EXERCISE = """
# %%
from hpkit.exercises import lesson_06_seeds as ex
ex.enough_seeds
# %%
ex.enough_seeds.check(...)
# %%
ex.enough_seeds.check(9).passed
"""


@pytest.fixture
def home(tmp_path, monkeypatch):
    """The progress file of somebody who has passed the exercise long ago."""
    home = tmp_path / "home"
    monkeypatch.setenv("HPKIT_HOME", str(home))
    monkeypatch.setattr(_core, "now", lambda: "2020-02-02T20:20:20+00:00")
    _core.record("06_seeds/enough_seeds", "correct")
    said = lesson_06_seeds.enough_seeds._repr_markdown_()
    assert "You passed this exercise on 2020-02-02 20:20." in said
    return home / "progress.json"


def test_build_neither_shows_nor_changes_the_builders_progress(tmp_path, home):
    before, folder = home.read_bytes(), build(tmp_path, EXERCISE)
    assert "You passed" not in (folder / "00_start.ipynb").read_text("utf-8")
    assert outputs(load(folder))[-1].data["text/plain"] == "True"
    assert home.read_bytes() == before
