"""`play`: what an instrument shows step by step."""

import time


def play(show, values, pause):
    """Show one value after the other, slowly (a job).

    Parameters
    ----------
    show : function (value)
        Sets the state; the panel draws it.
    values : iterable
        Asked for one by one, so that it may follow the controls.
    pause : float
        Seconds before each.
    """
    for value in values:
        time.sleep(pause)
        yield False  # a stop is seen here, before the next step
        show(value)
        yield
