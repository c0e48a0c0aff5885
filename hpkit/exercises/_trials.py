"""Checking a claim by training it: many runs at once, with a sign that work goes on."""

import contextlib
import contextvars
import sys

WORDS = {
    "under_way": "Training {runs} to check your answer: {percent} %",
    "done": "Checked by training {runs}.",
    "one": "1 run",
    "many": "{n} runs",
}
_sign = contextvars.ContextVar("sign", default=None)


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
    from hpkit.data.datasets import load_dataset
    from hpkit.engine.training import train

    dataset = load_dataset(dataset) if isinstance(dataset, str) else dataset
    settings, seeds = list(settings), tuple(seeds)
    n, total = len(settings) * len(seeds), sum(s.epochs for s in settings) * len(seeds)
    sign = _sign.get()
    for runs in train(dataset, settings, seeds=seeds, model=model, tick=0.1):
        if sign:
            sign.show(n, runs.epochs_done.clip(0).sum() / total)
    if sign:
        sign.add(n)
    return runs


@contextlib.contextmanager
def one_sign():
    """Show one line for all that is trained in here."""
    sign = Sign()
    token = _sign.set(sign)
    try:
        yield
    finally:
        _sign.reset(token)
        sign.close()


class Sign:
    """One line that says how far a check is: in a notebook, or in a terminal."""

    def __init__(self):
        self.done, self.handle = 0, None

    def runs(self, n):
        """Return how many runs, in words."""
        return WORDS["one"] if n == 1 else WORDS["many"].format(n=n)

    def show(self, n, share):
        """Say how much of n more runs is done."""
        runs, percent = self.runs(self.done + n), int(100 * share)
        self.write(WORDS["under_way"].format(runs=runs, percent=percent))

    def add(self, n):
        """Note that n runs are done."""
        self.done += n

    def close(self):
        """Say what was trained, in words that are the same each time."""
        if self.done:
            self.write(WORDS["done"].format(runs=self.runs(self.done)), end="\n")

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
