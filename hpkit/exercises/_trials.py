"""Checking a claim by training it: many runs at once, with a sign that work goes on."""

import sys

WORDS = {
    "under_way": "Training {runs} to check your answer: {percent} %",
    "done": "Checked by training {runs}.",
    "one": "1 run",
    "many": "{n} runs",
}


def trained(dataset, settings, *, seeds=range(5), model=None):
    """Train settings x seeds and return them as `Runs`; a line shows how far it is.

    Parameters
    ----------
    dataset : str or Dataset
    settings : iterable of Hyperparameters
    seeds : iterable of int, default range(5)
    model : function, optional

    Returns
    -------
    Runs
    """
    from hpkit.datasets import load_dataset
    from hpkit.training import train

    dataset = load_dataset(dataset) if isinstance(dataset, str) else dataset
    settings, seeds = list(settings), tuple(seeds)
    total = sum(s.epochs for s in settings) * len(seeds)
    sign = Sign(len(settings) * len(seeds))
    for runs in train(dataset, settings, seeds=seeds, model=model, tick=0.1):
        sign.show(runs.epochs_done.clip(0).sum() / total)
    sign.close()
    return runs


def epochs_spent(runs):
    """Return the epochs that were trained, over all runs."""
    return int(runs.epochs_done.clip(0).sum())


class Sign:
    """One line that says how far a check is: in a notebook, or in a terminal."""

    def __init__(self, n):
        self.runs = WORDS["one"] if n == 1 else WORDS["many"].format(n=n)
        self.handle = None
        self.show(0.0)

    def show(self, share):
        """Say how much is done."""
        self.write(WORDS["under_way"].format(runs=self.runs, percent=int(100 * share)))

    def close(self):
        """Say that it is done, in words that are the same each time."""
        self.write(WORDS["done"].format(runs=self.runs), end="\n")

    def write(self, line, end=""):
        """Show the line in place of the last one; say nothing where nobody looks."""
        if in_notebook():
            from IPython.display import display

            bundle = {
                "text/plain": line,
                "text/html": f"<div role='status' style='opacity:.8'>{line}</div>",
            }
            if self.handle is None:
                self.handle = display(bundle, raw=True, display_id=True)
            else:
                self.handle.update(bundle, raw=True)
        elif sys.stderr is not None and sys.stderr.isatty():
            print(f"\r{line}", end=end, file=sys.stderr, flush=True)


def in_notebook():
    """Say whether a Jupyter kernel runs this code."""
    if "IPython" not in sys.modules:
        return False
    from IPython import get_ipython

    return hasattr(get_ipython(), "kernel")
