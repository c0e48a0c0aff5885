"""Every test of exercises starts without progress and may see the solutions."""

import pytest

from hpkit.exercises import _core


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HPKIT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HPKIT_SOLUTIONS", "1")
    monkeypatch.setattr(_core._store, "_pending", [])
    monkeypatch.setattr(_core._store, "notices", [])
    return tmp_path / "home"
