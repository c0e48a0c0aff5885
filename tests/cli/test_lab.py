"""The learner's copies of the lessons: never overwritten, the project stays clean."""

import os
import subprocess
from pathlib import Path
from unittest.mock import Mock

import pytest

from hpkit._cli import lab
from hpkit._cli.environment import PYTHON, Failure


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "notebooks"
    folder.mkdir()
    for name in ("00_start.ipynb", "02_rate.ipynb", "glossary.md", "REFERENCE.md"):
        (folder / name).write_text(f"first {name}")
    (folder / "TEACHING.md").write_text("for teachers")
    return tmp_path


def mine(project):
    folder = project / "my-lessons"
    return {path.name: path.read_text() for path in folder.iterdir()}


def update(project, name="02_rate.ipynb"):
    (project / "notebooks" / name).write_text("second")


def test_update_lies_beside_what_was_written_and_replaces_what_was_not(project, capsys):
    assert lab.refresh(project) == project / "my-lessons"
    copies = {"00_start.ipynb", "02_rate.ipynb", *lab.PAGES, lab.RECORD}
    assert {*mine(project)} == copies  # the learner's part
    for name in ("02_rate.ipynb", "glossary.md"):
        (project / "my-lessons" / name).write_text("my answers")
        update(project, name)
    update(project, "00_start.ipynb")

    for _ in range(2):  # the second time nothing is new
        lab.refresh(project)

    now = mine(project)
    assert now["02_rate.ipynb"] == now["glossary.md"] == "my answers"
    assert now["02_rate.new.ipynb"] == now["00_start.ipynb"] == "second"
    assert {*now} == copies | {"02_rate.new.ipynb", "glossary.new.md"}
    said = capsys.readouterr().out
    assert f"{PYTHON} -m hpkit reset 02" in said
    assert "reset glossary" not in said  # it is no lesson


def test_update_is_put_beside_once_although_another_file_stops_the_copying(project):
    lab.refresh(project)
    folder = project / "my-lessons"
    (folder / "02_rate.ipynb").write_text("my answers")
    update(project)
    (folder / "glossary.md").unlink()
    (folder / "glossary.md").mkdir()
    for _ in range(2):
        assert lab.refresh(project) == project / "notebooks"
    assert not (folder / "02_rate.new-2.ipynb").exists()


def test_a_lesson_that_was_only_opened_and_saved_is_replaced(project, capsys):
    lesson, form = project / "notebooks" / "02_rate.ipynb", '{{"cells": [{}], "x": {}}}'
    lesson.write_text(form.format(1, 1))
    lab.refresh(project)
    copy = project / "my-lessons" / lesson.name
    copy.write_text(form.format(1, 2))  # its metadata
    lesson.write_text(form.format(2, 1))
    lab.refresh(project)
    assert copy.read_text() == lesson.read_text()
    assert capsys.readouterr().out == ""


def test_reset_keeps_every_old_copy_and_gives_the_newest_lesson(project, capsys):
    lab.refresh(project)
    for text in ("one", "two"):
        (project / "my-lessons" / "02_rate.ipynb").write_text(text)
        update(project)
        lab.reset("02_rate", project)

    now = mine(project)
    assert [now[f"02_rate.old{n}.ipynb"] for n in ("", "-2")] == ["one", "two"]
    assert now["02_rate.ipynb"] == "second"
    assert "02_rate.new.ipynb" not in now


@pytest.mark.parametrize("text", ["", "[1]", "{"])
def test_damaged_record_loses_nothing(project, text):
    lab.refresh(project)
    (project / "my-lessons" / "02_rate.ipynb").write_text("my answers")
    (project / "my-lessons" / lab.RECORD).write_text(text)
    update(project)
    lab.refresh(project)
    assert mine(project)["02_rate.ipynb"] == "my answers"


def test_folder_that_cannot_be_written_opens_the_projects_own(project, capsys):
    (project / "my-lessons").write_text("a file is in the way")
    assert lab.refresh(project) == project / "notebooks"
    assert "Save Notebook As" in capsys.readouterr().out
    with pytest.raises(Failure, match="needs to write"):
        lab.reset("02_rate", project)


def test_full_disk_leaves_no_half_lesson_and_opens_those_that_are_there(
    project, monkeypatch
):
    full = Mock(side_effect=OSError(28, "No space left on device"))
    with monkeypatch.context() as disk:
        disk.setattr(os, "fsync", full)
        assert lab.refresh(project) == project / "notebooks"
    assert mine(project) == {}
    lab.refresh(project)
    monkeypatch.setattr("builtins.open", full)
    monkeypatch.setattr(Path, "write_text", full)
    assert lab.refresh(project) == project / "my-lessons"


def test_reset_of_a_copy_that_cannot_be_moved_says_so(project, monkeypatch):
    lab.refresh(project)
    monkeypatch.setattr(os, "replace", Mock(side_effect=PermissionError))
    with pytest.raises(Failure, match="needs to write"):
        lab.reset("02_rate", project)


def test_git_sees_nothing_of_a_learners_week(project):
    """So that a pull, which changes the lessons, meets no change of the learner's."""
    root = Path(lab.__file__).parents[2]
    (project / ".gitignore").write_text((root / ".gitignore").read_text("utf-8"))

    def git(*command):
        call = ["git", "-c", "user.name=a", "-c", "user.email=a@b.c", *command]
        return subprocess.run(call, cwd=project, check=True, capture_output=True).stdout

    for command in (["init"], ["add", "."], ["commit", "-m", "one"]):
        git(*command)
    lab.refresh(project)
    (project / "my-lessons" / "02_rate.ipynb").write_text("my answers")

    assert git("status", "--porcelain") == b""
