"""Progress: what is kept of a try, where, and how the table shows it."""

import json
from unittest.mock import Mock

import pytest

import hpkit as hk
from hpkit import exercises, store
from hpkit.exercises import _core
from hpkit.locale import tr

KEY = "02_learning_rate/good_rate"


def test_tries_are_counted_and_a_pass_stays(home):
    _core.record(KEY, "not yet")
    for _ in range(2):  # the second one is a cell that runs again
        _core.record(KEY, "correct")
    passed = _core.load_entries()[KEY]["passed"]
    said = _core.record(KEY, "not yet")

    entry = _core.load_entries()[KEY]

    assert said == ""
    assert (entry["tries"], entry["outcome"], entry["passed"]) == (2, "correct", passed)
    assert json.loads((home / "progress.json").read_text())["entries"][KEY] == entry


def test_file_of_an_older_kit_still_loads(home):
    old = {"tries": 2, "outcome": "correct", "last": "2026-01-02T10:00:00+01:00"}
    old["passed"] = old["last"]
    entries = {KEY: old, "x/quiz/1": old | {"choice": "B", "first": "A"}}
    home.mkdir()
    kept = json.dumps({"entries": entries, "version": 1}, indent=1)
    (home / "progress.json").write_text(kept)

    _core.record(KEY, hints=1, solution=True)

    changed = old | {"hints": 1, "solution": True}
    assert _core.load_entries() == entries | {KEY: changed}


def test_default_folder_is_the_users(monkeypatch):
    import platformdirs

    monkeypatch.delenv("HPKIT_HOME")
    assert str(store.home()) == platformdirs.user_data_dir("hpkit", appauthor=False)
    monkeypatch.setenv("HPKIT_HOME", "~no such user")
    assert str(store.home()) == "~no such user"  # as in a shell


LAST = '1, "last": "2026-01-01T00:00", '
TRIES = ['"many"', '1, "last": "soon"', "1"]
TRIES += [LAST + more for more in ('"hints": "1"', '"outcome": {}')]
ENTRIES = ["[]", '{"a": 1}', *(f'{{"a": {{"tries": {more}}}}}' for more in TRIES)]


@pytest.mark.parametrize(  # others that are no JSON: test_store
    "text", ["{", *(f'{{"entries": {entries}}}' for entries in ENTRIES)]
)
def test_damaged_file_is_set_aside_and_said(home, text):
    home.mkdir()
    (home / "progress.json").write_text(text)

    assert _core.load_entries() == {}
    assert "0 of" in repr(hk.progress(2))
    said = _core.record(KEY, "not yet")
    again = _core.record(KEY, "correct")

    (aside,) = home.glob("progress.damaged-*.json")
    assert str(aside) in said
    assert again == ""
    assert _core.load_entries()[KEY]["tries"] == 2


def test_home_that_cannot_be_written_keeps_it_in_memory(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("HPKIT_HOME", str(tmp_path / "file" / "home"))

    said = _core.record(KEY, "not yet")
    _core.record(KEY, "correct")

    assert "could not be saved" in said
    assert "HPKIT_HOME" in said
    assert _core.load_entries()[KEY]["tries"] == 2
    got = exercises.lesson_02_learning_rate.good_rate.check("x")
    assert "could not be saved" in got.note


def test_table_says_states_in_words():
    _core.record(KEY, "correct")
    _core.record("02_learning_rate/log_list", "not yet")
    opened = "02_learning_rate/diverging_rate"
    _core.record(opened, hints=2)
    _core.record(opened, hints=1, solution=True)
    entry = _core.load_entries()[opened]
    assert (entry["tries"], entry["hints"], entry["solution"]) == (0, 1, True)
    _core.record("02_learning_rate/quiz/1", "correct")

    table = hk.progress("02_learning_rate")
    states = {row["exercise"]: row["state"] for row in table.rows}

    names = "good_rate", "log_list", "diverging_rate", "quiz/1", "quiz/2"
    said = ["✓ passed", "→ not yet", "→ opened, no try yet", "✓ passed", "… not tried"]
    assert [states[name] for name in names] == said
    assert table.done == 2
    for shown in (repr(table), table._repr_html_()):
        assert "✓ passed" in shown
        assert "1, solution seen" in shown
        assert "02 The learning rate" in shown
        assert f"2 of {len(table.rows)} done" in shown


def test_overview_counts_lessons_and_shows_no_path(home):
    _core.record(KEY, "correct")
    table = hk.progress()
    assert f"1 of {len(table.rows)} done" in repr(table)
    assert "not yet begun" in repr(table)
    assert _core.when(_core.load_entries()[KEY]["last"]) in repr(table)
    assert "---\n00 Start here   " in repr(table)  # below the rule of the heads
    assert set(table.to_frame()["lesson"]) == set(exercises.LESSONS)
    assert str(home) not in repr(table) + table._repr_html_()


def test_progress_of_an_unknown_lesson():
    with pytest.raises(ValueError, match=r"a lesson must be one of 00_.* got 77"):
        hk.progress(77)


def test_reset_deletes_the_lessons_of_its_table_when_sure(monkeypatch):
    quiz = "02_learning_rate/quiz/1"
    for key in (KEY, quiz, "00_start/stop", "06_seeds/differ"):
        _core.record(key, "correct")

    assert hk.progress().reset() == tr("exercises.progress.kept")
    monkeypatch.setattr("builtins.input", lambda words: "y")
    assert hk.progress().reset() == tr("exercises.progress.kept")
    assert len(_core.load_entries()) == 4
    monkeypatch.setattr("builtins.input", lambda words: " Yes ")
    assert hk.progress(2).reset() == "Deleted: 2 entries."
    assert set(_core.load_entries()) == {"00_start/stop", "06_seeds/differ"}
    with monkeypatch.context() as full:
        full.setattr(store, "write", Mock(side_effect=OSError(28, "disk full")))
        assert "disk full" in hk.progress().reset(sure=True)
    assert _core.load_entries() == {}
