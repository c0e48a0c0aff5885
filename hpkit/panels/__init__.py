"""The live panels of the lessons: ipywidgets and bqplot over the engine and searches.

Each is a widget: put it last in a cell. Nothing here trains by itself.
"""

from hpkit.panels.bowl import BowlPanel
from hpkit.panels.coins import CoinFlipsPanel
from hpkit.panels.curve import ValidationCurvePanel
from hpkit.panels.grid import GridPanel
from hpkit.panels.noise import BatchNoisePanel
from hpkit.panels.path import OneAtATimePanel
from hpkit.panels.patience import PatiencePanel
from hpkit.panels.race import SearchRacePanel
from hpkit.panels.seeds import SeedsPanel
from hpkit.panels.style import present
from hpkit.panels.testbox import TestBoxPanel
from hpkit.panels.training import TrainingPanel

__all__ = [
    "BatchNoisePanel",
    "BowlPanel",
    "CoinFlipsPanel",
    "GridPanel",
    "OneAtATimePanel",
    "PatiencePanel",
    "SearchRacePanel",
    "SeedsPanel",
    "TestBoxPanel",
    "TrainingPanel",
    "ValidationCurvePanel",
    "present",
]
