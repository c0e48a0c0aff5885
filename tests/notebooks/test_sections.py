"""Each section of a lesson needs the set-up cell alone, and takes nothing away."""

import builtins
import re
import symtable
from itertools import chain

import psutil
import pytest
from build import FOLDER
from over_seeds import code_of


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
    setup, *cells = code_of(path.stem.partition("_")[0])
    given = read_and_made(setup)[1]
    for text in cells:
        wanted, made = read_and_made(text)

        assert made.isdisjoint(given)  # else the next section would read another thing
        if re.search(r"hk\.\w+Panel\(", text):
            # Of the box of lesson 05 the learner's own choice, made in the cell above.
            assert wanted - made - given - set(dir(builtins)) <= {"mine"}


def listening():
    me = psutil.Process()
    every = [me, *me.children(recursive=True)]
    found = chain.from_iterable(one.net_connections("inet") for one in every)
    return [each.laddr.ip for each in found if each.status == psutil.CONN_LISTEN]


@pytest.mark.parametrize("processes", ["False", "True"])
def test_workers_of_lesson_11_listen_on_this_computer_alone(processes, monkeypatch):
    monkeypatch.chdir(FOLDER)
    setup, *cells = code_of("11")
    text = "\n".join([setup, *(cell for cell in cells if "Client(" in cell)])
    text = text.replace("processes=False", f"processes={processes}")
    text = text.replace("    there = hk", "    ports = listening()\n    there = hk")
    before, space = len(listening()), {"__name__": "__main__", "listening": listening}

    exec(compile(text, "lesson", "exec"), space)

    assert len(space["ports"]) >= before + 3
    assert set(space["ports"]) == {"127.0.0.1"}
    assert (space["there"].val_loss == space["here"].val_loss).all()
