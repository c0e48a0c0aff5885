"""The capstone: tune on a budget of epochs that is counted, and report it."""

from hpkit.capstone.task import BudgetError, Capstone

__all__ = ["BudgetError", "Capstone"]
