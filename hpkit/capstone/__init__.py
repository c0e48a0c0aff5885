"""The capstone: tune on a budget of epochs that is counted, and report it.

    cap = hk.Capstone()                          # digits, 60 epochs
    found = cap.random_search(base, lr=hk.log_uniform(0.001, 1), n_trials=6)
    cap.choose(why="...")
    cap.open_test()
    cap.compare()
    cap.report()

The task is in `task`, how a search is paid for in `budget`, other ways to tune in
`rivals`, the page in `report`.
"""

from hpkit.capstone.budget import BudgetError
from hpkit.capstone.task import Capstone

__all__ = ["BudgetError", "Capstone"]
