"""For all that pytest collects here: tests and docstrings.

It stands at the root, not in tests/, so that pytest loads it for docstrings, too.
"""

import os
import tempfile

# Whoever runs the tests has progress of their own. It is neither read nor changed: the
# tests, and the kernels and processes that they start, begin without any.
HOME = tempfile.TemporaryDirectory(prefix="hpkit-test-", ignore_cleanup_errors=True)
os.environ["HPKIT_HOME"] = HOME.name
