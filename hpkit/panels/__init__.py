"""The live panels of the lessons: ipywidgets and bqplot over `hpkit.training`.

Each is a widget: put it last in a cell. Nothing here trains by itself.
"""

from hpkit.panels.bowl import BowlPanel
from hpkit.panels.curve import ValidationCurvePanel
from hpkit.panels.grid import GridPanel
from hpkit.panels.path import OneAtATimePanel
from hpkit.panels.race import SearchRacePanel
from hpkit.panels.training import TrainingPanel

__all__ = [
    "BowlPanel",
    "GridPanel",
    "OneAtATimePanel",
    "SearchRacePanel",
    "TrainingPanel",
    "ValidationCurvePanel",
]
