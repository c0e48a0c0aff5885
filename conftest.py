"""For all that pytest collects here: tests, docstrings, lessons.

It stands at the root, not in tests/, so that pytest loads it for a single lesson, too.
"""

import os
import tempfile

# Whoever runs the tests has progress of their own. It is neither read nor changed: the
# tests, and the kernels of nbval, which inherit the environment, begin without any.
HOME = tempfile.TemporaryDirectory(prefix="hpkit-test-", ignore_cleanup_errors=True)
os.environ["HPKIT_HOME"] = HOME.name
