"""What the small panels share."""

import pytest

import hpkit as hk
from hpkit.hyperparameters import Hyperparameters
from hpkit.panels.live import Live

QUICK = Hyperparameters(lr=0.3, epochs=5)
PANELS = {
    "clinic": lambda data: hk.ClinicPanel(),
    "coins": lambda data: hk.CoinFlipsPanel(),
    "noise": hk.BatchNoisePanel,
    "patience": hk.PatiencePanel,
    "race": lambda data: hk.SearchRacePanel(data, QUICK, budget=45),
    "schedule": lambda data: hk.SchedulePanel(data, QUICK),
    "seeds": lambda data: hk.SeedsPanel(data, [QUICK, QUICK.but(lr=0.1)]),
}


@pytest.mark.parametrize("kind", PANELS)
def test_a_panel_in_which_nothing_is_trained_yet_can_be_shown(moons, monkeypatch, kind):
    monkeypatch.setattr(Live, "now", lambda live, job, **_: live.draw())
    panel = PANELS[kind](moons)
    assert panel.error is None
    assert panel.result == panel.words["stopped"]
    assert panel.picture().startswith(b"\x89PNG")
    assert panel.frame().empty
    assert isinstance(panel.code(), str)
