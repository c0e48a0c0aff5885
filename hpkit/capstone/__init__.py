"""The capstone: tune on a budget of epochs that is counted, and report it.

The task is in `task`, how a search is paid for in `budget`, other ways to tune in
`rivals`, the page in `report`.
"""

from hpkit.capstone.budget import BudgetError
from hpkit.capstone.task import Capstone

__all__ = ["BudgetError", "Capstone"]
