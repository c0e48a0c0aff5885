"""What an import may load: nothing for ``hpkit``, no drawing below the plots."""

import ast
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import hpkit

ROOT = Path(__file__).parents[1]
# From below to above: a folder or module imports from itself and from what is below it.
FLOORS = [
    "store locale",
    "hyperparameters",
    "text",
    "data",
    "engine",
    "search",
    "charts",
    "plots",
    "panels",
    "exercises",
    "capstone",
]
FLOOR = {name: n for n, names in enumerate(FLOORS) for name in names.split()}
ALOOF = ("__init__", "__main__", "_cli")  # load by name, or only what is their own

DRAWING = ("matplotlib", "ipywidgets", "IPython", "anywidget")
# From below to above: what neither a line nor those before it may load.
FORBIDDEN = {
    "import hpkit, hpkit._cli": ("torch", "numpy", "pandas", "packaging", *DRAWING),
    "import hpkit.data.datasets, hpkit.exercises": ("torch", *DRAWING),
    # loads all of hpkit.engine
    "import hpkit.search.searches, hpkit.charts.spec": ("optuna", *DRAWING),
    # torch.optim's first object imports the compiler, a second in a fresh kernel
    "hpkit.fit(hpkit.load_dataset('moons'))": ("torch._dynamo", "optuna", *DRAWING),
    "import hpkit.plots, hpkit.charts.still": (*DRAWING[1:], "matplotlib.pyplot"),
}


def python(code, *options):
    """Return what a fresh interpreter prints, since this one has everything loaded."""
    command = [sys.executable, *options, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.fixture(scope="module")
def loaded():
    """Return what is loaded after each line, in one interpreter."""
    steps = "\n".join(f"{line}; print(*sys.modules)" for line in FORBIDDEN)
    return dict(
        zip(FORBIDDEN, python(f"import sys\n{steps}").splitlines(), strict=True)
    )


@pytest.mark.parametrize("line", FORBIDDEN)
def test_import_loads_nothing_above_it(line, loaded):
    assert [name for name in FORBIDDEN[line] if name in loaded[line].split()] == []


def test_import_hpkit_takes_under_a_tenth_of_a_second():
    code = "import time; t = time.process_time(); import hpkit; print({})"
    code = code.format("time.process_time() - t")
    assert min(float(python(code)) for _ in range(3)) < 0.1


def test_import_hpkit_works_on_bare_python():
    # -I -S: without site-packages, as a Python without any package.
    code = f"import sys; sys.path.insert(0, {hpkit.__path__[0] + '/..'!r}); "
    code += "import hpkit, hpkit._cli; print(hpkit.__version__, len(hpkit.__all__))"
    assert python(code, "-I", "-S").startswith(hpkit.__version__)


def test_every_public_name_is_there_and_no_other():
    for name in hpkit.__all__:
        assert getattr(hpkit, name).__doc__, name
    assert set(hpkit.__all__) <= set(dir(hpkit))
    # Without docstrings, too.
    python("import hpkit; [getattr(hpkit, name) for name in hpkit.__all__]", "-OO")
    with pytest.raises(
        AttributeError, match="no attribute 'TrainingPanl'; is TrainingPanel me"
    ):
        _ = hpkit.TrainingPanl


def test_help_is_two_screens_and_names_what_there_is():
    lines = hpkit.__doc__.splitlines()
    assert len(lines) <= 48
    assert max(map(len, lines)) <= 76  # help() indents by four
    assert {*re.findall(r"hk\.(\w+)", hpkit.__doc__)} - {*hpkit.__all__} == set()


def imported(path):
    """Yield the line and the part of hpkit of each import, lazy ones too."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        modules = []
        if isinstance(node, ast.ImportFrom):
            assert not node.level, path
            modules = [node.module]
            if node.module == "hpkit":
                modules = [f"hpkit.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        for module in modules:
            name = module.removeprefix("hpkit.")
            part = hpkit._MODULE_OF.get(name, name).split(".")[0]
            if module.startswith("hpkit.") and part in FLOOR:
                yield node.lineno, part


def test_imports_go_one_way():
    upward, files = [], {}
    for path in sorted(ROOT.glob("hpkit/**/*.py")):
        files[path] = path.relative_to(ROOT / "hpkit").with_suffix("").parts[0]
    assert set(files.values()) <= {*FLOOR, *ALOOF}
    for path, part in files.items():
        if part in ALOOF:
            continue
        for line, other in imported(path):
            if other != part and FLOOR[other] >= FLOOR[part]:
                upward.append(f"{path.relative_to(ROOT)}:{line} imports {other}")

    assert upward == []


def defined(path):
    """Return the public names that a module defines itself, at its top level."""
    names = set()
    for node in ast.parse(path.read_text("utf-8")).body:
        targets = getattr(node, "targets", [getattr(node, "target", ast.Pass())])
        names |= {getattr(n, "id", "_") for t in targets for n in ast.walk(t)}
        names.add(getattr(node, "name", "_"))
    return {name for name in names if name[0] != "_"}


def test_what_one_module_alone_uses_has_an_underscore():
    paths = [p for d in ("hpkit", "tests", "notebooks") for p in ROOT.glob(f"{d}/**/*")]
    texts = [p.read_text("utf-8") for p in paths if p.suffix in (".py", ".pyi")]
    files = Counter(word for text in texts for word in set(re.findall(r"\w+", text)))
    for path in ROOT.glob("hpkit/**/*.py"):
        assert [name for name in defined(path) if files[name] == 1] == [], path


# Of each module the same: its texts, what its files begin with, locale.say shortened.
SHARED = {"WORDS", "FORMAT", "VERSION", "tr"}


def test_a_public_name_is_defined_in_one_module():
    modules = ROOT.glob("hpkit/**/*.py")
    count = Counter(name for path in modules for name in defined(path))
    assert {name for name in count if count[name] > 1} == SHARED


# A vocabulary that was ours alone, where the field has words.
OWN_WORDS = {"bend", "gone", "heard", "lively", "said", "say", "says", "there", "told"}


def test_names_are_words_of_the_field():
    for path in ROOT.glob("hpkit/**/*.py"):
        nodes = list(ast.walk(ast.parse(path.read_text("utf-8"))))
        kinds = ("id", "arg", "attr", "name")  # of functions and classes, too
        names = {getattr(node, kind, "") for node in nodes for kind in kinds}
        assert not OWN_WORDS.intersection(names), path


def test_page_for_maintainers_names_what_there_is():
    page = (ROOT / "hpkit/README.md").read_text("utf-8")
    named = re.findall(r"`([\w./-]*(?:/|\.(?:pyi?|toml|js|css)))`", page)
    named += ["hpkit/" + link for link in re.findall(r"\]\((\S+?)\)", page)]
    assert len(named) > 40
    for path in named:
        assert (ROOT / "hpkit" / path).exists() or (ROOT / path).exists(), path


# What is in no single module.
TOPICS = "exercises/grading exercises/in_lessons search/ties"
TOPICS += " search/lost imports odd_values size types"


def test_tests_mirror_the_package():
    for path in sorted(ROOT.glob("tests/**/test_*.py")):
        folder, topic = path.parent.relative_to(ROOT / "tests"), path.stem[5:]
        if folder.name in ("browser", "claims", "notebooks"):
            continue
        own = ROOT / "hpkit" / ("_cli" if folder.name == "cli" else folder)
        named = {part.stem.lstrip("_") for part in own.iterdir()} | {folder.name}
        assert topic in named or (folder / topic).as_posix() in TOPICS.split(), path
