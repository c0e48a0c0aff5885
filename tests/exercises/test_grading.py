"""The assignment of notebooks/GRADING.md: the marks that the page says come out.

The part of nbgrader, which is not installed with hpkit, is played.
"""

import ast
import json
import re

import pytest
from build import FOLDER

PAGE = (FOLDER / "GRADING.md").read_text("utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE, re.S | re.M)
SOLUTION = re.compile(r"^### BEGIN SOLUTION\n.*?^### END SOLUTION\n", re.S | re.M)
SUBMISSIONS = {  # as the page's table has them
    "solutions": (None, [2, 2, 4]),
    "right": (("0.8", "3", "['b', 'C ', 'B', 'C', 'A']"), [2, 2, 4]),
    "half": (("'much'", "1 / 0", "['B', ..., 'B', 'C']"), [0, 0, 3]),
    "wrong": (("0.002", "0.1", "['A', 'C', 'B', 'A']"), [0, 0, 2]),
    "empty": (("...", "...", "[..., ..., ..., ...]"), [0, 0, 0]),
}


def cells():
    """Give the metadata and the code of each cell of the nbgrader assignment."""
    (text,) = [block for block in BLOCKS if "nbgrader={" in block]
    for cell in re.split(r"^# %%", text, flags=re.M)[1:]:
        head, code = cell.split("\n", 1)
        if "[markdown]" not in head:
            yield json.loads(head.partition("nbgrader=")[2] or "{}"), code


def points(code, space, most):
    """Run a cell and return its points by nbgrader's rule."""
    *lines, last = ast.parse(code).body
    try:
        exec(compile(ast.Module(lines, []), "test", "exec"), space)
        value = eval(compile(ast.Expression(last.value), "test", "eval"), space)
    except Exception:
        return 0
    return most if value is None else float(str(value))


@pytest.mark.parametrize("name", SUBMISSIONS)
def test_assignment_gives_the_marks_of_the_page_and_hides_the_solutions(name):
    answers, want = SUBMISSIONS[name]
    space, marks, left = {}, [], list(answers or ())
    for meta, code in cells():
        if meta.get("grade"):
            marks.append(points(code, space, meta["points"]))
            continue
        if meta.get("solution") and answers:
            code = SOLUTION.sub("", code)
            code = re.sub(r"= .*\.\.\..*", lambda _: f"= {left.pop(0)}", code)
        if "1 / 0" in code:
            with pytest.raises(ZeroDivisionError):
                exec(code, space)
        else:
            exec(code, space)

    assert marks == want
    assert not left
    assert "switched off" in repr(space["ex"].good_rate.solution())
