"""Checking a claim by training it: many runs at once, with a sign that work goes on."""

import contextlib
import contextvars
import sys

from hpkit.locale import say

_sign = contextvars.ContextVar("sign", default=None)


def trained(dataset, settings, *, seeds=range(5), model=None):
    """Train settings x seeds and return them as `Runs`; a line shows how far it is."""
    from hpkit.data.datasets import load_dataset
    from hpkit.engine.training import train

    dataset = load_dataset(dataset) if isinstance(dataset, str) else dataset
    settings, seeds = list(settings), tuple(seeds)
    n, total = len(settings) * len(seeds), sum(s.epochs for s in settings) * len(seeds)
    sign = _sign.get()
    for runs in train(dataset, settings, seeds=seeds, model=model, tick=0.1):
        if sign:
            percent = int(100 * (runs.epochs_done.clip(0).sum() / total))
            sign.tell("under_way", sign.done + n, percent=percent)
    if sign:
        sign.done += n
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
        if sign.done:  # in words that are the same each time
            sign.tell("done", sign.done, end="\n")


class Sign:
    """One line that says how far a check is: in a notebook, or in a terminal."""

    def __init__(self):
        self.done, self.handle = 0, None

    def tell(self, key, n, *, end="", **facts):
        """Show the line in place of the last one; say nothing where nobody looks."""
        one = key if n > 1 else f"{key}_one"
        line = say(f"exercises.trials.{one}", n=n, **facts)
        if in_notebook():
            from IPython.display import display

            page = f"<div role='status' style='opacity:.8'>{line}</div>"
            bundle = {"text/plain": line, "text/html": page}
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
