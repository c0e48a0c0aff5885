"""How large the project may be. Whoever makes it smaller writes the new numbers here.

The goals: 14,500 lines in 80 modules, a script of 700 lines for the charts, and 16,860
lines of tests.
"""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MOST = {  # lines, files
    "hpkit/**/*.py": (16_886, 62),
    "hpkit/charts/*.js": (700, 2),
    "tests/**/*.py": (21_451, 95),
}


@pytest.mark.parametrize("files", MOST)
def test_nothing_grows(files):
    lines = [path.read_text("utf-8").count("\n") for path in ROOT.glob(files)]
    assert 0 < sum(lines) <= MOST[files][0]
    assert len(lines) <= MOST[files][1]
