"""Fixtures and set-up for all tests and doctests.

This file is at the root, not in tests/, so that pytest loads it for doctests, too.
"""

import gc
import os
import sys
import tempfile
from pathlib import Path

import pytest

# The tests, and the kernels and processes that they start, begin without progress, and
# leave alone that of whoever runs them.
HOME = tempfile.TemporaryDirectory(prefix="hpkit-test-", ignore_cleanup_errors=True)
os.environ["HPKIT_HOME"] = HOME.name

# Every Python that a test starts (kernel, server, worker or script) runs this first.
# Garbage collection took a third of the time of loading torch and exiting: it now runs
# less often, and not at exit, when everything is freed anyway.
SITE_CUSTOMIZE = """
import atexit
import gc
import sys

gc.set_threshold(20_000)
atexit.register(gc.freeze)  # registered first, called last
sys.modules["rfc3987_syntax"] = None  # jsonschema takes 0.7 s to import it
"""
SITE = tempfile.TemporaryDirectory(prefix="hpkit-test-", ignore_cleanup_errors=True)
Path(SITE.name, "sitecustomize.py").write_text(SITE_CUSTOMIZE)
paths = [os.environ.get("PYTHONPATH"), SITE.name]
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, paths))

# The same in pytest itself. nbval imports jsonschema, so it is loaded only after this.
sys.modules["rfc3987_syntax"] = None
pytest_plugins = ["nbval.plugin"]

# Garbage collection took a tenth of the time: it runs less often, and skips what was
# loaded while the tests were collected.
gc.set_threshold(20_000)


def pytest_collection_finish():
    gc.freeze()


def pytest_unconfigure():
    for folder in (HOME, SITE):  # a worker's process ends without its own tidying up
        folder.cleanup()


@pytest.fixture(autouse=True)
def _hk_in_doctests(doctest_namespace):
    doctest_namespace["hk"] = sys.modules.get("hpkit")


@pytest.fixture(autouse=True)
def _leave_no_figures_or_threads():
    """Close figures, since matplotlib warns of the 21st; reset the threads of torch.

    With more threads than it had, small networks train many times as slowly.
    """
    torch = sys.modules.get("torch")
    threads = torch and torch.get_num_threads()
    yield
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close("all")
    if torch:
        torch.set_num_threads(threads)
