"""Lessons stay short: words, brackets, code, and the way to the first panel."""

import re

import pytest
from build import DRAWING, FOLDER, read

# Lines of text and comments, as `grep '^# ' LESSON | wc -w` counts their words.
WORDS = {
    "00": 730,
    "01": 1400,
    "02": 1680,
    "03": 1610,
    "04": 1300,
    "05": 1900,
    "06": 1110,
    "07": 2100,
    "08": 1800,
    "09": 1890,
    "10": 1700,
    "11": 2140,
}
LONG, FEW = 6, 2  # lines of a cell that a learner must read; how many longer ones
MINUTES = 3  # to the first panel
BRACKETS = re.compile(r"(?:^|[.?!:]\**\s)\s*\([A-Z][^()]*[.?!]\)", re.M)
EXERCISE = re.compile(r"^ex\.\w+\.check\(", re.M)
PANEL = re.compile(r"\bhk\.\w+Panel\(")


@pytest.fixture(params=WORDS)
def number(request):
    return request.param


def source(number):
    (path,) = (FOLDER / "src").glob(f"{number}_*.py")
    return path


def cells(number):
    return read(source(number)).cells


def test_lesson_is_short(number):
    lines = source(number).read_text("utf-8").splitlines()
    words = sum(len(line.split()) for line in lines if line.startswith("# "))
    assert words <= WORDS[number]


def test_no_sentence_stands_in_brackets(number):
    text = "\n".join(c.source for c in cells(number) if c.cell_type == "markdown")
    assert BRACKETS.findall(text) == []


def test_few_long_cells_must_be_read(number):
    """All but the set-up, what is folded, and what a learner writes."""
    _, *code = (c for c in cells(number) if c.cell_type == "code")
    shown = [c.source for c in code if DRAWING not in c.metadata.get("tags", ())]
    read_by = [text for text in shown if not EXERCISE.search(text)]
    long = [t for t in read_by if len([x for x in t.splitlines() if x.strip()]) > LONG]
    assert len(long) <= FEW, long


def test_a_panel_is_there_within_three_minutes(number):
    """At 200 words a minute, and ten seconds for each cell that is run before it."""
    minutes = 0
    for cell in cells(number):
        if cell.cell_type == "markdown":
            minutes += len(cell.source.split()) / 200
            continue
        minutes += 1 / 6
        if PANEL.search(cell.source):
            assert minutes <= MINUTES
            return
    raise AssertionError("no panel")


def test_brackets_are_found():
    assert BRACKETS.findall("Yes. (It is so.) And (not) here.")
    assert not BRACKETS.findall("Three (or four) of them (see below).")
