"""The scripts of the package: a linter finds no fault, and they stay readable."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hpkit._cli.environment import ROOT

SCRIPTS = sorted(ROOT.glob("hpkit/**/*.js"))


def lint(path):
    """Return what oxlint finds, with its rules about correctness."""
    program = shutil.which("oxlint", path=Path(sys.executable).parent) or "oxlint"
    command = [program, "-D", "correctness", "--deny-warnings", path]
    done = subprocess.run(command, capture_output=True, text=True)
    return done.returncode, done.stdout


@pytest.mark.parametrize("path", SCRIPTS, ids=[path.name for path in SCRIPTS])
def test_the_linter_finds_no_fault(path):
    code, said = lint(path)
    assert code == 0, said


def test_the_linter_sees_a_fault(tmp_path):
    script = (ROOT / "hpkit/charts/chart.js").read_text("utf-8")
    wrong = tmp_path / "chart.js"
    wrong.write_text(script + "\nfunction twice(a) { if (a = 1) return; b = a }\n")

    code, said = lint(wrong)

    assert code == 1
    assert "no-unused-vars" in said


@pytest.mark.parametrize("path", SCRIPTS, ids=[path.name for path in SCRIPTS])
def test_scripts_are_short_and_readable(path):
    lines = path.read_text("utf-8").splitlines()
    assert len(lines) <= 700
    assert max(map(len, lines)) <= 100
