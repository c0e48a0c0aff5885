"""For all that pytest collects here: tests and docstrings.

It stands at the root, not in tests/, so that pytest loads it for docstrings, too.
"""

import gc
import os
import sys
import tempfile
from pathlib import Path

import pytest

# Whoever runs the tests has progress of their own. It is neither read nor changed: the
# tests, and the kernels and processes that they start, begin without any.
HOME = tempfile.TemporaryDirectory(prefix="hpkit-test-", ignore_cleanup_errors=True)
os.environ["HPKIT_HOME"] = HOME.name

# A Python that a test starts, of a kernel, server, worker or script, reads this first.
# To look for garbage took a third of what it takes to load torch and to end again: it
# is looked for less often, and not at the end, when all is thrown away in any case.
FIRST = """
import atexit
import gc
import sys

gc.set_threshold(20_000)
atexit.register(gc.freeze)  # the first to register is called last
sys.modules["rfc3987_syntax"] = None  # of jsonschema: 0.7 s for a check of addresses
"""
PATH = tempfile.TemporaryDirectory(prefix="hpkit-test-", ignore_cleanup_errors=True)
Path(PATH.name, "sitecustomize.py").write_text(FIRST)
paths = [os.environ.get("PYTHONPATH"), PATH.name]
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, paths))


# The same in pytest itself. nbval imports jsonschema, so it is loaded only after this.
sys.modules["rfc3987_syntax"] = None
pytest_plugins = ["nbval.plugin"]

# The garbage collector took a tenth of the time: it looks less often, and not at what
# was collected.
gc.set_threshold(20_000)


def pytest_collection_finish():
    gc.freeze()


@pytest.fixture(autouse=True)
def _as_learners_call_it(doctest_namespace):
    doctest_namespace["hk"] = sys.modules.get("hpkit")


@pytest.fixture(autouse=True)
def _others_undisturbed():
    """Close figures, of which the 21st gets a warning; give torch its threads back.

    With more than it was given, small networks train many times as slowly.
    """
    torch = sys.modules.get("torch")
    threads = torch and torch.get_num_threads()
    yield
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close("all")
    if torch:
        torch.set_num_threads(threads)
