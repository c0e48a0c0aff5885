"""Each section of a lesson runs on its own, right after the set-up cell.

A teacher takes one section of a lesson, and a learner who comes back begins where they
stopped.
"""

import builtins
import re
import shutil
import symtable
from itertools import chain

import matplotlib
import psutil
import pytest
from build import FOLDER, read

matplotlib.use("Agg")


def sections():
    """Give lesson, heading, set-up and code of each section that has code."""
    for source in sorted((FOLDER / "src").glob("*.py")):
        setup, heading, cells, there = None, "", [], []
        for cell in read(source).cells:
            new = re.findall(r"^## (.+)$", cell.source, re.M)
            if cell.cell_type == "markdown" and new:
                there.append((heading, cells))
                heading, cells = new[-1], []
            elif cell.cell_type == "code" and setup is None:
                setup = cell.source
            elif cell.cell_type == "code":
                cells.append(cell.source)
        there.append((heading, cells))
        for title, code in there:
            if code:
                name = f"{source.stem[:2]} {title.split(' (')[0]}"
                yield pytest.param(setup, code, id=name)


WORKERS = "Client("  # the section with this is run by a test of its own, below
ALONE = [part for part in sections() if WORKERS not in "".join(part.values[1])]


@pytest.mark.parametrize(("setup", "cells"), ALONE)
def test_section_runs_alone(setup, cells, tmp_path, monkeypatch):
    import torch

    # Where a lesson runs: in notebooks/, with the learner's own table in ../data.
    shutil.copytree(FOLDER.parent / "data", tmp_path / "data")
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    monkeypatch.setenv("HPKIT_HOME", str(tmp_path))
    state, space = torch.get_rng_state(), {"__name__": "lesson"}
    try:
        for text in (setup, *cells):
            exec(compile(text, "lesson", "exec"), space)
    finally:
        torch.set_rng_state(state)


def read_and_made(text):
    """Return the names that a cell reads and those that it makes."""
    tables = [symtable.symtable(text, "cell", "exec")]
    for table in tables:  # of the cell, and of each function in it
        tables += table.get_children()
    whole, inner = tables[0].get_symbols(), [t.get_symbols() for t in tables[1:]]
    read = {s.get_name() for s in whole if s.is_referenced()}
    read |= {s.get_name() for s in chain(*inner) if s.is_global()}
    return read, {s.get_name() for s in whole if s.is_assigned() or s.is_imported()}


@pytest.mark.parametrize("path", sorted((FOLDER / "src").glob("*.py")), ids=str)
def test_panel_needs_the_setup_cell_alone(path):
    setup, *cells = (c.source for c in read(path).cells if c.cell_type == "code")
    known = read_and_made(setup)[1] | set(dir(builtins))
    for text in filter(re.compile(r"hk\.\w+Panel\(").search, cells):
        wanted, made = read_and_made(text)

        # Of the box of lesson 05 the learner's own choice, made in the cell above.
        assert wanted - made - known <= {"mine"}


def listening():
    """Return the addresses on which this process and its children listen."""
    me = psutil.Process()
    every = [me, *me.children(recursive=True)]
    found = chain.from_iterable(one.net_connections("inet") for one in every)
    return [each.laddr.ip for each in found if each.status == psutil.CONN_LISTEN]


@pytest.mark.parametrize("processes", ["False", "True"])
def test_workers_of_lesson_11_listen_on_this_computer_alone(processes, monkeypatch):
    monkeypatch.chdir(FOLDER)
    (section,) = (p.values for p in sections() if WORKERS in "".join(p.values[1]))
    text = "\n".join([section[0], *section[1]])
    text = text.replace("processes=False", f"processes={processes}")
    text = text.replace("    there = hk", "    ports = listening()\n    there = hk")
    before, space = len(listening()), {"__name__": "__main__", "listening": listening}

    exec(compile(text, "lesson", "exec"), space)

    assert len(space["ports"]) >= before + 3
    assert set(space["ports"]) == {"127.0.0.1"}
    assert (space["there"].val_loss == space["here"].val_loss).all()
