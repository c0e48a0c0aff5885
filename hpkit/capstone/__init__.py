"""The capstone: tune on a budget of epochs that is counted, and report it.

The task, and how a search is paid for, is in `task`, other ways to tune in `rivals`,
the page in `report`.
"""

from hpkit.capstone.task import BudgetError, Capstone

__all__ = ["BudgetError", "Capstone"]
