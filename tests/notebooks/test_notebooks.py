"""The committed lessons: form, length, pictures; what they print: test_in_lessons."""

import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import nbformat
import pytest
from build import DRAWING, FOLDER, MAX_BYTES, read
from markdown_it import MarkdownIt

from hpkit import exercises

LESSONS = sorted(FOLDER.glob("*.ipynb"))
EVERY = exercises.LESSONS  # the one list, which a class of fifty minutes is not in
# What some renderers take and CommonMark does not: tables, MyST directives and roles,
# formulas, and (in CommonMark, but not the same in all places) HTML.
FOREIGN = {
    "a table": re.compile(r"^\s*\|?\s*:?-{3,}:?\s*\|", re.M),
    "a directive": re.compile(r"^(:{3,}|`{3,}\{)", re.M),
    "a role": re.compile(r"\{[a-z]+\}`"),
    "a formula": re.compile(r"\$\$|\\\(|(?<![\w$])\$[^$\s][^$\n]*\$"),
}

# The one piece of HTML: what is closed until a guess was made; the build puts it in.
CLOSED = re.compile(
    r"<details>\n<summary><b>(.*?)</b></summary>\n\n(.*?)\n\n</details>(?:\n<p></p>)?",
    re.S,
)


def opened(text):
    """Give a text as it is in the source, but for capital letters."""
    text = CLOSED.sub(r"**\1** \2", text)
    # Below a question the result stands inside.
    text = re.sub(r'<span hidden="hidden">:\s[^<]*</span>\*\* \*\*', ": ", text)
    # A list begins a line of its own.
    return re.sub(r"(see\b[^*]*\*\*) (?=- )", r"\1\n\n", text).lower()


@pytest.fixture(params=LESSONS, ids=lambda path: path.stem)
def lesson(request):
    return request.param


def markdown(lesson):
    cells = nbformat.read(lesson, as_version=4).cells
    return [cell.source for cell in cells if cell.cell_type == "markdown"]


def test_lesson_is_valid_and_small_and_so_are_its_cells(lesson):
    notebook = nbformat.read(lesson, as_version=4)
    nbformat.validate(notebook)
    assert lesson.stat().st_size <= MAX_BYTES
    assert b"\r" not in lesson.read_bytes()
    for cell in notebook.cells:
        if cell.cell_type == "code":
            lines = [line for line in cell.source.splitlines() if line.strip()]
            assert len(lines) <= 12, cell.source


def test_lesson_is_plain_commonmark_with_one_title_and_no_level_left_out(lesson):
    parser, levels = MarkdownIt("commonmark"), []
    for text in map(opened, markdown(lesson)):
        blocks = parser.parse(text)
        levels += [int(one.tag[1]) for one in blocks if one.type == "heading_open"]
        tokens = blocks + [part for one in blocks for part in one.children or ()]
        code = ("code_inline", "code_block", "fence")
        kinds = {token.type for token in tokens}
        assert kinds.isdisjoint({"html_block", "html_inline"}), text
        for what, pattern in FOREIGN.items():
            plain = [t.content for t in tokens if t.type not in code]
            assert not any(map(pattern.search, plain)), f"{what} in: {text}"
    assert levels[0] == levels.count(1) == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))


def test_answer_of_a_guess_is_folded_with_all_its_paragraphs():
    """What the race asks for is named in no text that stands open below it."""
    cells = nbformat.read(FOLDER / "09_beyond_the_grid.ipynb", as_version=4).cells
    (at,) = [n for n, c in enumerate(cells) if "hk.SearchRacePanel(" in c.source]
    assert "predict=True" in cells[at].source
    answer = "\n\n".join(c.source for c in cells[at + 1 :]).partition("\n#")[0]
    folds = re.findall(r"<details>.*?</details>", answer, re.S)
    open_text = re.sub(r"<details>.*?</details>", "", answer, flags=re.S)

    assert "halving" in "".join(folds).lower()
    assert "always" in "".join(folds)
    assert re.findall(r"halving|bayes|always", open_text, re.I) == []


def test_every_panel_has_its_picture_and_one_that_asks_is_folded(lesson):
    """It shows the result; only a test box that is still closed shows none."""
    for cell in nbformat.read(lesson, as_version=4).cells:
        if cell.cell_type == "code" and PANEL.search(cell.source):
            pictures = [o for o in cell.outputs if "image/png" in o.get("data", ())]
            assert pictures, cell.source
            if "predict=" in cell.source and "TestBoxPanel(" not in cell.source:
                assert cell.metadata.jupyter.outputs_hidden


def test_lesson_leads_to_the_next_to_the_glossary_and_to_pictures(lesson):
    links = re.findall(r"\]\((\S+?)\)", markdown(lesson)[-1])
    later = [p for p in LESSONS[LESSONS.index(lesson) + 1 :] if p.stem in EVERY]
    assert "glossary.md" in links
    assert not later or later[0].name in links
    for text in markdown(lesson):
        for target in re.findall(r"!\[[^]]*\]\(([^)\s]+)", text):
            assert "://" in target or Path(lesson.parent, target).is_file(), target


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Folder of all lessons as pages, made as anybody makes them."""
    folder = tmp_path_factory.mktemp("pages")
    command = [sys.executable, "-m", "nbconvert", "--to", "html", "--template", "hpkit"]
    # From a folder of its own: a configuration is also looked for where one stands.
    command += ["--output-dir", folder, *map(str, LESSONS)]
    subprocess.run(command, cwd=folder, check=True)
    return folder


def test_every_picture_has_alternative_text_in_its_exported_page_too(lesson, pages):
    page = (pages / f"{lesson.stem}.html").read_text("utf-8")

    found = re.findall(r'<img[^>]*? ?alt="([^"]*)"', page)
    # An apostrophe or an ampersand of the text is written otherwise in HTML.
    plain = {re.sub(r"&[#\w]+;|\W", "", text) for text in found}
    cells = nbformat.read(lesson, as_version=4).cells
    every = [output for cell in cells for output in cell.get("outputs", ())]
    for output in (each for each in every if "image/png" in each.get("data", ())):
        alt = output.metadata["image/png"]["alt"]
        assert len(alt.split()) > 4
        assert re.sub(r"\W", "", alt) in plain, (
            "nbconvert does not take the template of hpkit; install it again: "
            "pip install -e ."
        )


LONG, FEW = 6, 2  # lines of a cell that a learner must read; how many longer ones
MINUTES = 3  # to the first panel
BRACKETS = re.compile(r"(?:^|[.?!:]\**\s)\s*\([A-Z][^()]*[.?!]\)", re.M)
EXERCISE = re.compile(r"^ex\.\w+\.check\(", re.M)
PANEL = re.compile(r"\bhk\.\w+Panel\(")


@pytest.fixture(params=EVERY)
def source(request):
    return FOLDER / "src" / f"{request.param}.py"


def test_lesson_is_short_and_no_sentence_stands_in_brackets(source):
    """Of its code a learner reads all but the set-up, what is folded, and answers."""
    lines = source.read_text("utf-8").splitlines()
    words = sum(len(line.split()) for line in lines if line.startswith("# "))
    cells = read(source).cells
    # Counted as by `grep '^# ' LESSON | wc -w`; the first cell states the limit.
    assert words <= cells[0].metadata.words
    text = "\n".join(c.source for c in cells if c.cell_type == "markdown")
    assert BRACKETS.findall(text) == []
    _, *code = (c for c in cells if c.cell_type == "code")
    shown = [c.source for c in code if DRAWING not in c.metadata.get("tags", ())]
    read_by = [text for text in shown if not EXERCISE.search(text)]
    long = [t for t in read_by if len([x for x in t.splitlines() if x.strip()]) > LONG]
    assert len(long) <= FEW, long


def test_a_panel_is_there_within_three_minutes(source):
    """At 200 words a minute, and ten seconds for each cell that is run before it."""
    minutes = 0
    for cell in read(source).cells:
        if cell.cell_type == "markdown":
            minutes += len(cell.source.split()) / 200
            continue
        minutes += 1 / 6
        if PANEL.search(cell.source):
            assert minutes <= MINUTES
            return
    raise AssertionError("no panel")
