"""Fixtures of the panel tests."""

import pytest

from hpkit.data.datasets import load_dataset
from hpkit.hyperparameters import was_refused
from hpkit.panels.panel import Live, Panel


@pytest.fixture(scope="session")
def moons():
    return load_dataset("moons")


@pytest.fixture(autouse=True)
def _in_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def shown_at_once(monkeypatch):
    """Show panels after a moment, not two seconds; they go on in their thread."""
    monkeypatch.setitem(Live.run_now.__kwdefaults__, "seconds", 0.05)


@pytest.fixture(autouse=True)
def errors(monkeypatch):
    """List of errors that panels showed, other than refusals; a test must empty it."""
    panels, errors = [], []

    def set_error(panel, error):
        panels.append(panel)
        if error is not None and not was_refused(error):
            errors.append(error)
        vars(panel)["error"] = error

    recorded = property(lambda panel: vars(panel)["error"], set_error)
    monkeypatch.setattr(Panel, "error", recorded, raising=False)
    yield errors
    for panel in panels:
        panel.stop()
    for panel in panels:
        panel.wait(60)
    assert errors == []
