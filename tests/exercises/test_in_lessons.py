"""The lessons use every exercise in the documented form; solutions as shown pass."""

import ast
import functools
import itertools
import re
import shutil

import build as notebooks
import nbformat
import pytest
from nbformat.v4 import new_code_cell

from hpkit import exercises
from hpkit.exercises._core import load_texts

SOURCES = notebooks.FOLDER / "src"
CHECK = re.compile(r"^ex\.(\w+)\.check\((\w+)\)$", re.MULTILINE)


def cells_of(name, kind="code"):
    notebook = notebooks.read(SOURCES / f"{name}.py")
    return [cell.source for cell in notebook.cells if cell.cell_type == kind]


@pytest.mark.parametrize("name", exercises.LESSONS)
def test_every_exercise_stands_in_its_lesson(name):
    cells = cells_of(name)
    code, title = "\n".join(cells), load_texts(name)["title"]

    assert cells_of(name, "markdown")[0].startswith(f"# {title}\n")
    assert f"from hpkit.exercises import lesson_{name} as ex" in code
    assert "ex.quiz" in cells
    prose = "\n".join(cells_of(name, "markdown"))
    answers = filter(CHECK.search, cells)  # in the order in which progress lists them
    for one, answer in zip(exercises.BY_NAME[name].EXERCISES, answers, strict=True):
        assert one.words["question"].strip()[:60] not in prose, "written once"
        assert f"ex.{one.name}" in cells
        assert CHECK.findall(answer) == [(one.name, CHECK.search(answer)[2])]
        assert answer.endswith(CHECK.search(answer)[0]), "check must come last"
        assert "..." in answer, "the answer must be left open"


# What a solution asks a hand to do, in code: a name; Slow, 200 epochs, Train, Stop.
BY_HAND = {
    "name_it": """
assert ex.name_it.check(panel).reason == "neither"
panel.list.name.value = "my first run"
""",
    "stop": """
import time

assert ex.stop.check(panel).reason == "to_the_end"
setting = panel.controls.setting.but(epochs=200)
panel.slow.value = True
panel.controls.setting = setting
panel.train_button.click()
while panel.run.setting != setting or not panel.run.epochs_done:
    time.sleep(0.01)
panel.stop_button.click()
panel.wait()
""",
}


def shown(one):
    """Return the solution that an exercise shows, and its check."""
    code = repr(one.solution()).split("```python\n")[1].rsplit("```", 1)[0]
    code = BY_HAND.get(one.name, "") + code
    last = ast.parse(code).body[-1]
    answer = last.name if isinstance(last, ast.FunctionDef) else "answer"
    return f"{code}\nassert ex.{one.name}.check({answer}).passed"


# With a progress of its own, so that the cells below print what they print unanswered,
# and leaving no name that a cell below might take.
SOLVED = """
import os

unanswered = os.environ["HPKIT_HOME"]
os.environ["HPKIT_HOME"] = {home!r}
{code}
os.environ["HPKIT_HOME"] = unanswered
"""


# A section runs right after the set-up cell: a teacher takes one section of a lesson,
# and a learner who comes back begins where they stopped.
AFRESH = """
_earlier = dict(globals())
for _ in [*map(globals().pop, get_ipython().run_line_magic("who_ls", ""))]: pass
{setup}
"""


def solution_of(name, cell):
    """Return what solves the exercise or quiz of a cell, or None."""
    if found := CHECK.search(cell.source):
        return shown(getattr(exercises.BY_NAME[name], found[1]))
    if cell.source == "ex.quiz":
        return (
            "for n in range(1, len(ex.quiz) + 1):\n"
            "    assert ex.quiz.answer(n, ex.quiz.right(n)).passed"
        )
    return None


# A kernel takes seconds to import torch, so one runs them all; backwards: none finds
# what an earlier one has left. The first is what .ci/run asks for alone.
TOGETHER = [exercises.LESSONS[:1], [*exercises.LESSONS[1:], "class_50"]]


def with_solutions(name, home, solved):
    """Return the cells of a lesson: below an exercise its solution, sections afresh."""
    cells, setup = [], cells_of(name)[0]
    leaves = f"import os; os.environ['HPKIT_HOME'] = {home!r}"
    for cell in notebooks.read(SOURCES / f"{name}.py").cells:
        if cell.cell_type == "markdown" and re.search(r"^## ", cell.source, re.M):
            cells.append(new_code_cell(AFRESH.format(setup=setup), id="added"))
        cells.append(cell)
        if cell.cell_type == "code" and (code := solution_of(name, cell)):
            code = SOLVED.format(home=solved, code=code)
            code = f"exec({code!r}, {{**_earlier, **globals()}})"
            cells.append(new_code_cell(code, id="added"))
    return [new_code_cell(AFRESH.format(setup=leaves), id="added"), *cells]


@functools.cache
def run_together(names, folder):
    """Return the cells of each lesson, run in a folder as it lies beside the data."""
    shutil.copytree(notebooks.FOLDER.parent / "data", folder / "data")
    (folder / "notebooks").mkdir()
    lessons = {
        name: with_solutions(name, str(folder / f"of {name}"), str(folder / "solved"))
        for name in reversed(names)
    }
    whole = notebooks.read(SOURCES / f"{names[0]}.py")
    whole.cells = list(itertools.chain(*lessons.values()))
    notebooks.run(whole, folder / "notebooks")
    return lessons


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return [tmp_path_factory.mktemp("lessons") for _ in TOGETHER]


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(path.stem for path in SOURCES.glob("*.py")))
def test_lesson_prints_what_is_there_and_solutions_pass(name, folders, monkeypatch):
    """One run for all: above a section the set-up, below an exercise its solution."""
    (at,) = (n for n, names in enumerate(TOGETHER) if name in names)
    cells = run_together(tuple(TOGETHER[at]), folders[at])[name]

    monkeypatch.setenv("HPKIT_HOME", str(folders[at] / "solved"))
    if name in exercises.LESSONS:
        assert exercises.progress(name).percent == 100
    notebook = notebooks.read(SOURCES / f"{name}.py")
    notebook.cells = [cell for cell in cells if cell.id != "added"]
    codes = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for number, cell in enumerate(codes, 1):
        for part in (cell, *cell.outputs):
            if "execution_count" in part:
                part.execution_count = number
    notebooks.normalize(notebook)
    built = nbformat.writes(notebook)
    verdict = notebooks.difference(notebooks.FOLDER / f"{name}.ipynb", built)
    assert verdict in notebooks.AS_COMMITTED, verdict
    if name.startswith("05"):  # the picture is that of what its button plays
        assert "The best of 100 models" in built
