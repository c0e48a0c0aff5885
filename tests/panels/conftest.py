"""What the tests of all panels begin with and end in."""

import pytest

from hpkit.data.datasets import load_dataset
from hpkit.hyperparameters import was_refused
from hpkit.panels.live import Live
from hpkit.panels.panel import Panel


@pytest.fixture(scope="session")
def moons():
    return load_dataset("moons")


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def shown_at_once(monkeypatch):
    """Show panels after a moment; they go on in their thread, as after two seconds."""
    monkeypatch.setitem(Live.run_now.__kwdefaults__, "seconds", 0.05)


@pytest.fixture(autouse=True)
def errors(monkeypatch):
    """Errors that panels showed, but for refused values; none may be left in it."""
    panels, found = [], []

    def note(panel, error):
        panels.append(panel)
        found.extend([error] * (error is not None and not was_refused(error)))
        vars(panel)["error"] = error

    shown = property(lambda panel: vars(panel)["error"], note)
    monkeypatch.setattr(Panel, "error", shown, raising=False)
    yield found
    for panel in panels:
        panel.stop()
    for panel in panels:
        panel.wait(60)
    assert found == []
