"""How large the project may be. Whoever makes it smaller writes the new numbers here.

The goals: 14,500 lines, a script of 700 lines for the charts, 16,860 lines of tests.
"""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MOST = {  # lines, files
    "hpkit/**/*.py": (16_449, 62),
    "hpkit/capstone/*.py": (750, 4),
    "hpkit/search/executors.py": (200, 1),
    "hpkit/charts/*.js": (700, 2),
    "tests/**/*.py": (21_255, 93),
}


@pytest.mark.parametrize("files", MOST)
def test_nothing_grows(files):
    lines = [path.read_text("utf-8").count("\n") for path in ROOT.glob(files)]
    assert 0 < sum(lines) <= MOST[files][0]
    assert len(lines) <= MOST[files][1]


def test_a_function_fits_on_a_screen():
    for path in ROOT.glob("hpkit/**/*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef):
                code = node.body[ast.get_docstring(node) is not None :] or node.body
                assert node.end_lineno - code[0].lineno < 40, (path, node.name)


def test_lessons_stay_short():
    texts = [path.read_text("utf-8") for path in ROOT.glob("notebooks/src/*.py")]
    lines = [line for text in texts for line in text.splitlines()]
    words = sum(len(line.split()) for line in lines if line.startswith("# "))
    assert 0 < words <= 18_139
