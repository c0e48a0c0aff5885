"""What an import may load: nothing for ``hpkit``, no drawing below the plots.

Each case runs in a fresh interpreter, since this one has everything loaded.
"""

import subprocess
import sys
from importlib.util import find_spec

import pytest

DRAWING = ("matplotlib", "ipywidgets", "IPython", "bqplot")
# module: what it must not load
FORBIDDEN = {
    "hpkit": ("torch", "numpy", "pandas", *DRAWING),
    "hpkit.datasets": ("torch", *DRAWING),
    "hpkit.models": DRAWING,
    "hpkit.training": DRAWING,
    "hpkit.search": (*DRAWING, "optuna"),
    "hpkit.plots": ("ipywidgets", "bqplot"),
    "hpkit._cli": ("torch", "numpy", "packaging", *DRAWING),
}


def python(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("module", [name for name in FORBIDDEN if find_spec(name)])
def test_import_loads_nothing_above_it(module):
    loaded = python(f"import sys, {module}; print(*sys.modules)").split()

    assert module in loaded
    assert [name for name in FORBIDDEN[module] if name in loaded] == []


def test_import_hpkit_takes_under_a_tenth_of_a_second():
    code = "import time; t = time.perf_counter(); import hpkit; print({})"
    code = code.format("time.perf_counter() - t")

    assert min(float(python(code)) for _ in range(3)) < 0.1


def test_import_hpkit_works_on_bare_python():
    # -I -S: without site-packages, as a Python without any package.
    import hpkit

    code = f"import sys; sys.path.insert(0, {hpkit.__path__[0] + '/..'!r}); "
    code += "import hpkit, hpkit._cli; print(hpkit.__version__, len(hpkit.__all__))"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True
    )

    assert done.stderr == ""
    assert done.stdout.startswith(hpkit.__version__)


def test_every_public_name_is_there():
    import hpkit

    for name in hpkit.__all__:
        assert getattr(hpkit, name).__doc__, name
    assert set(hpkit.__all__) <= set(dir(hpkit))


def test_unknown_name_is_an_attribute_error():
    import hpkit

    with pytest.raises(AttributeError, match="no attribute 'lerning_rate'"):
        _ = hpkit.lerning_rate
