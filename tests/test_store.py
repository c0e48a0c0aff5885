"""The store: nothing is lost by many processes, a kill, a damaged file, a full disk."""

import json
import os
import signal
import subprocess
import sys
from unittest.mock import Mock, patch

import filelock
import pytest

from hpkit import store
from hpkit.store import Store

WORDS = {"memory": "memory: {error}", "damaged": "damaged: {path}"}
NEW = {"numbers": [], "notes": {}}


def check(data):
    if not all(isinstance(n, int) for n in data["numbers"]):
        raise ValueError("numbers must be whole")


def kept(path):
    return Store(path, NEW, check, WORDS)


def add(number):
    return lambda data: data["numbers"].append(number)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "folder" / "kept.json"


PRELUDE = """
import os, pathlib, sys, time
import filelock
from hpkit.store import Store
path = pathlib.Path(sys.argv[1])
new, words = {"numbers": [], "notes": {}}, {"memory": "memory: {error}"}
one = Store(path, new, lambda data: data["numbers"], words)
add = lambda number: lambda data: data["numbers"].append(number)
"""


def run(path, code):
    """Start another program that works on the same file as `one`."""
    command = [sys.executable, "-c", PRELUDE + code, str(path)]
    return subprocess.Popen(command, stdout=subprocess.PIPE)


posix = pytest.mark.skipif(os.name == "nt", reason="Windows has no such limits")


def test_tests_neither_read_nor_change_the_users_progress():
    assert store.home().name.startswith("hpkit-test-")  # see conftest.py


def test_no_file_before_the_first_change(path):
    one = kept(path)
    assert one.load() == NEW
    assert not path.parent.exists()
    assert one.change(add(1)) == kept(path).load() == {"numbers": [1], "notes": {}}
    assert (one.in_memory, one.notices) == (False, [])


def test_what_was_read_is_a_copy(path):
    for one in (kept(path), kept(None)):
        one.change(add(1))
        one.load()["numbers"].append(2)
        one.load()["notes"]["a"] = "b"
        assert (one.load(), one.notices) == ({"numbers": [1], "notes": {}}, [])
    assert one.in_memory  # without a path
    assert NEW == {"numbers": [], "notes": {}}


def test_a_file_that_another_program_holds_is_waited_for_or_as_read_last(path):
    one = kept(path)
    one.change(add(1))
    read = [PermissionError, PermissionError, '{"numbers": [2]}']
    with patch("pathlib.Path.read_text", Mock(side_effect=read)):
        assert kept(path).load()["numbers"] == [2]
    one.change(add(3))
    held = Mock(side_effect=PermissionError)
    with patch("pathlib.Path.read_text", held), patch.object(store, "RETRY_SECONDS", 0):
        assert one.load()["numbers"] == [1, 3]
        held.reset_mock()
        never = kept(path)
        assert never.load() == never.load() == NEW
        assert held.call_count == store._ATTEMPTS + 1  # it is waited for once


def test_an_older_file_gets_what_it_lacks_also_if_windows_marked_it_as_utf_8(path):
    path.parent.mkdir()
    path.write_text('{"numbers": [1, 2], "rows": [{"a": 1}]}', "utf-8-sig")
    assert kept(path).load()["notes"] == {}
    kept(path).change(lambda data: data["notes"].update(a={"b": 1}))
    wanted = {"numbers": [1, 2], "notes": {"a": {"b": 1}}, "rows": [{"a": 1}]}
    assert json.loads(path.read_text()) == wanted


DAMAGED = ["", "{", "[]", "null", "3", '{"numbers": ["1"]}', '{"numbers": 1}', "\0\xff"]


@pytest.mark.parametrize("text", [*DAMAGED, "[" * 10**5], ids=lambda text: text[:9])
def test_damaged_file_is_set_aside_by_a_change(path, text):
    path.parent.mkdir()
    path.write_bytes(text.encode("latin-1"))
    one = kept(path)

    assert one.load() == NEW
    assert path.read_bytes() == text.encode("latin-1")  # looking changes nothing
    one.change(add(1))
    one.change(add(2))

    (aside,) = path.parent.glob("kept.damaged-*.json")
    assert aside.read_bytes() == text.encode("latin-1")
    assert one.notices == [f"damaged: {aside}"]
    assert kept(path).load()["numbers"] == [1, 2]


def test_full_disk_keeps_the_file_and_the_change(path):
    one = kept(path)
    one.change(add(1))
    before = path.read_bytes()

    full = OSError(28, "No space left on device")
    with patch.object(os, "fsync", side_effect=full):
        one.change(add(2))
        one.change(add(3))

    assert path.read_bytes() == before
    assert one.notices == ["memory: No space left on device"]
    assert (one.in_memory, one.load()["numbers"]) == (True, [1, 2, 3])
    assert {*os.listdir(path.parent)} - {"kept.json.lock"} == {"kept.json"}
    kept(path).change(add(4))  # another notebook, once there is room
    assert one.change(add(5))["numbers"] == [1, 4, 2, 3, 5]
    assert kept(path).load()["numbers"] == [1, 4, 2, 3, 5]
    assert not one.in_memory


def test_folder_that_cannot_be_made_keeps_it_in_memory(tmp_path, path):
    (tmp_path / "file").write_text("no folder")
    (tmp_path / "kept.json").mkdir()
    for place in (tmp_path / "file" / "kept.json", tmp_path / "kept.json"):
        one = kept(place)
        one.change(add(1))
        one.change(add(2))
        assert (one.in_memory, one.load()["numbers"]) == (True, [1, 2])
        assert len(one.notices) == 1
    one.path = path
    one.change(add(3))
    assert json.loads(path.read_text())["numbers"] == [1, 2, 3]
    assert not one.in_memory


@posix
def test_read_only_folder_for_a_user_without_rights(path):
    path.parent.mkdir()
    path.parent.chmod(0o555)
    # The administrator may write everywhere, so the other user does it in that case.
    for folder in path.parents[1:4]:
        folder.chmod(folder.stat().st_mode | 0o111)
    code = """
if os.geteuid() == 0:
    os.setuid(65534)
one.change(add(1))
print(one.load()["numbers"], one.notices)
"""

    said, _ = run(path, code).communicate(timeout=120)
    assert said == b"[1] ['memory: Permission denied']\n"


def test_lock_that_somebody_holds_keeps_it_in_memory(path, monkeypatch):
    monkeypatch.setattr(store, "LOCK_SECONDS", 0.1)
    one = kept(path)
    path.parent.mkdir()

    with filelock.FileLock(f"{path}.lock"):
        one.change(add(1))

    assert one.load()["numbers"] == [1]
    assert not path.exists()
    one.change(add(2))
    assert kept(path).load()["numbers"] == [1, 2]


def test_file_that_windows_does_not_replace_yet_is_tried_20_times(path, monkeypatch):
    monkeypatch.setattr(store, "RETRY_SECONDS", 0)
    for refused in (19, 20):
        answers = [PermissionError(13, "it is read")] * refused + [None]
        monkeypatch.setattr(os, "replace", Mock(side_effect=answers))
        (one := kept(path)).change(add(1))
        assert one.in_memory == (refused == 20)


def test_20_processes_lose_nothing(path):
    code = """
for n in range(10):
    one.change(add(1))
assert not one.in_memory, one.notices
"""
    assert {worker.wait(120) for worker in [run(path, code) for _ in range(20)]} == {0}
    assert kept(path).load()["numbers"] == [1] * 200


@posix
def test_kill_in_the_middle_of_a_write_leaves_the_old_file(path):
    kept(path).change(add(1))
    # The draft is written and never replaces the file: the kill meets it there.
    code = """
os.fsync = lambda number: (print("now", flush=True), time.sleep(60))
one.change(add(2))
"""
    worker = run(path, code)
    assert worker.stdout.readline() == b"now\n"
    assert b": [1, 2]" in next(path.parent.glob("kept.json.*.new")).read_bytes()

    os.kill(worker.pid, signal.SIGKILL)

    assert worker.wait(60) == -signal.SIGKILL
    assert kept(path).load()["numbers"] == [1]
    assert kept(path).change(add(3))["numbers"] == [1, 3]  # its lock is free
