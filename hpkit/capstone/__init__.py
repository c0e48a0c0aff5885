"""The capstone: tune on a budget of epochs that is counted, and report it.

    cap = hk.Capstone()                          # digits, 60 epochs
    found = cap.random_search(base, lr=hk.log_uniform(0.001, 1), n_trials=6)
    cap.choose(why="...")
    cap.open_test()
    cap.compare()
    cap.report()

The task is in `task`, how a search is paid for in `spending`, what the log holds of it
in `entries`, its file in `log`, how it speaks and refuses in `said`, other ways to tune
in `rivals`, the page in `report`, `pictures` and `pages`.
"""

from hpkit.capstone.spending import BudgetError
from hpkit.capstone.task import Capstone

__all__ = ["BudgetError", "Capstone"]
