"""Odd values for every argument of every public function, panel and exercise.

A call works, or it raises a ValueError or TypeError of hpkit's own, in three parts, at
once; then nothing is changed. ``HPKIT_ODD=5000`` makes that many calls of each kind
together, and pytest's --hypothesis-show-statistics says what came of them; the gate
makes a few.
"""

import functools
import inspect
import itertools
import math  # noqa: F401 - it stands in ODD, as what has this mark below
import os
import random
import re
import threading
import time
import traceback
from collections import defaultdict
from decimal import Decimal  # noqa: F401
from fractions import Fraction  # noqa: F401
from pathlib import Path

import ipywidgets as W
import matplotlib.pyplot as plt
import numpy as np
import optuna
import pandas as pd
import pytest
import torch
from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st
from scipy.stats import loguniform  # noqa: F401
from torch import nn  # noqa: F401

import hpkit as hk
from hpkit.exercises import BY_NAME, configure
from hpkit.exercises._core import load_entries
from hpkit.panels.panel import Live

# At the first optimizer torch names a folder of its own in os.environ.
torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1)

CALLS = int(os.environ.get("HPKIT_ODD", "150"))
SECONDS = 2.0  # of the processor that a call may take
HUNG = 60.0  # seconds after which nobody waits any more, on a busy machine too
PARTS = re.compile(r"(?s)^.+, got .*; .+$")
HPKIT = str(Path(hk.__file__).parent)


class Broken:
    """A value that fails at each look."""

    def __repr__(self):
        raise RuntimeError("no text")


# Expressions; each is made anew for a call: an iterator is gone after the first one.
ODD = r"""
None; True; False; ...; math.nan; math.inf; -math.inf; -0.0; 5e-324; 1.7e308; 1 + 2j
10**400; -(10**400); 10**5000; 2**31; 2**32; 2**63; 2**64; Fraction(10**400, 3)
Decimal("NaN"); ""; "lr"; "x" * 100_000; "a\0b"; "\ud800"; "{0}{name}<b>"; b"ab"
bytearray(b"\1\2"); []; {}; set(); [0.1, "a", None]; [math.nan, math.nan]; [[[]]]
[1, 1]; {"lr": [0.1]}; {16, 32}; itertools.count(1); range(10**12); slice(3)
(v for v in (1, 2)); iter([]); np.float32(0.1); np.int64(3); np.bool_(True)
np.str_("lr"); np.float64("nan"); pd.NA
np.longdouble("1e4000"); np.datetime64("NaT"); np.array(0.1); np.array([0.1, 0.2])
np.zeros((0, 3)); np.ones((3, 2)); np.array([None, "a", 1], object); torch.tensor(0.1)
np.zeros(3, [("a", int)]); torch.ones(2, requires_grad=True); pd.Series([0.1, 0.3])
pd.DataFrame({"a": [1, 2]}); nn.Linear(2, 2); nn.Linear; nn.Sequential(nn.ReLU()); int
lambda *values: values; lambda: 3; len; object(); Broken(); math; ValueError("x")
Path("no such file"); Path("."); DATA; BASE; search(); search().best_run
loguniform(0.01, 1); hk.uniform(0.1, 0.5); W.IntSlider()
"""
ODD = {text: eval(f"lambda: ({text})") for text in re.split(r"; |\n", ODD.strip())}

X = np.random.default_rng(0).normal(size=(60, 2))
DATA = hk.Dataset.from_arrays(X, (X[:, 0] > 0).astype(int), name="odd")
BASE = hk.Hyperparameters(epochs=2, batch_size=16)
LISTS = {"lr": [0.1, 1.0], "batch_size": [8, 16]}
FRAME = pd.DataFrame({"a": [*"uvw"] * 20, "b": X[:, 1], "y": [0, 1, 2] * 20})


@functools.cache
def search():
    return hk.grid_search(DATA, BASE, **LISTS, seeds=(0, 1))


@functools.wraps(hk.train)
def trained(*args, **values):
    return list(itertools.islice(hk.train(*args, **values), 3))[-1]


def capstone(method, *args, **values):
    cap = hk.Capstone(DATA, budget=40, folder=None)
    cap.fit(BASE)
    return getattr(cap, method)(*args, **values)


# Arguments that work, by their names; any one or two of all become odd. Where None
# stands for what is dear to make, a call makes it.
CURVE = {"param_name": "lr", "param_range": [0.1, 1]}
DEAR = {
    "study": lambda: search().to_optuna(),
    "steps": lambda: hk.one_at_a_time(DATA, BASE, **LISTS),
    "run": lambda: search().best_run,
    "ax": lambda: plt.figure().subplots(),
    "curve": lambda: hk.validation_curve(DATA, BASE, **CURVE),
}
DEAR |= dict.fromkeys(("search", "result", "searches", "grid", "runs"), search)
GOOD = {"dataset": DATA, "folds": 2, "n_trials": 3, "low": 0.1, "high": 1}
GOOD |= dict.fromkeys(("base", "setting", "settings"), BASE)
GOOD |= CURVE | {"sentence": "A chart."}
GOOD |= {"x": "lr", "x_values": [0.1, 1], "y_values": [8, 16]}
GOOD |= {"models": 5, "races": 2, "most": 3, "line": "training?data=moons&epochs=2"}


def with_arguments(table):
    """Return a table of functions and arguments with those that `GOOD` has, too."""
    found = {}
    for name, (function, more) in table.items():
        good = {}
        for p in inspect.signature(function).parameters.values():
            if p.kind is p.VAR_KEYWORD:
                good |= LISTS if p.name == "values" else {}
            elif (p.name, p.default) != ("study", None):  # it excludes others
                own = None if p.default is p.empty else p.default
                good[p.name] = GOOD.get(p.name, own)
        found[name] = function, good | more
    return found


def own_of(method, **good):
    """Return a method of the search, or of its best run, and its arguments."""
    owner = search if hasattr(hk.Search, method) else lambda: search().best_run
    return lambda **v: getattr(owner(), method)(**v), good


def of_capstone(method, **good):
    return lambda **v: capstone(method, **v), good


OWN = {
    "load_dataset": {"name": "moons"},
    "load_model": {"path": "run.pt"},
    "load": {"path": "saved.json"},
    "random_search": {"momentum": hk.uniform(0, 0.5)},
    "plot_training_curves": {"split": "both"},
    "TrainingPanel": {"controls": ("lr",)},
    "ValidationCurvePanel": {"param_range": "0.1, 1", "controls": (), "seeds": 1},
    "SeedsPanel": {"settings": [BASE, BASE.but(lr=1)], "seeds": 2},
    "GridPanel": {"seeds": 1},
    "OneAtATimePanel": {"seeds": 1},
    "SchedulePanel": {"seeds": 1},
}
PUBLIC = {name: (getattr(hk, name), OWN.get(name, {})) for name in hk.__all__}
PUBLIC |= {"train": (trained, {})}
PANELS = {name: pair for name, pair in PUBLIC.items() if name.endswith("Panel")}
FUNCTIONS = {name: p for name, p in PUBLIC.items() if inspect.isroutine(p[0])} | {
    "Hyperparameters": (hk.Hyperparameters, vars(BASE)),
    "but": (BASE.but, vars(BASE)),
    "from_frame": (
        hk.Dataset.from_frame,
        {"frame": FRAME, "target": "y", "categorical": ["a"], "standardize": ["b"]},
    ),
    "from_arrays": (hk.Dataset.from_arrays, {"X": X, "y": [0, 1] * 30}),
    "values": own_of("values", name="lr"),
    "scores": own_of("scores", by="last"),
    "best_by": own_of("best_by", by="accuracy"),
    "save": own_of("save", path="found.json"),
    "runs[]": (lambda at: search().runs[at], {"at": (0, 0)}),
    "runs[,]": (lambda i, k: search().runs[i, k], {"i": 0, "k": 0}),
    "network": own_of("network", epoch="best"),
    "predict": own_of("predict", X=X, epoch="best", names=True),
    "to_module": own_of("to_module", epoch="last"),
    "save run": (lambda **v: search().best_run.save(**v), {"path": "run.pt"}),
    "configure": (configure, {"solutions": True}),
    "Capstone": (hk.Capstone, {"bars": (0.8,), "name": "odd", "folder": None}),
    "cap.fit": of_capstone("fit", setting=BASE, seed=0, model=None),
    "cap.grid_search": of_capstone("grid_search", base=BASE, lr=[0.1], seeds=(0,)),
    "cap.choose": of_capstone("choose", setting=BASE, why="it is the best of all"),
    "cap.note": of_capstone("note", author="me", plan="a plan", learned="a lot"),
}
PANELS, FUNCTIONS = with_arguments(PANELS), with_arguments(FUNCTIONS)

# What else of hpkit's own a call may raise: its documentation says so.
MORE = defaultdict(tuple)
MORE |= dict.fromkeys(("load", "save", "load_model", "save run"), (OSError,))


def trained_bytes():
    """Return the numbers of what is trained, and of the data, as they lie in memory."""
    runs = search().runs
    weights = {id(copy): copy for copy, _ in runs.weights.values()}.values()
    tensors = itertools.chain(*((*copy.last, *copy.best) for copy in weights))
    splits = DATA.train, DATA.valid, DATA.test
    arrays = (runs.train_loss, runs.val_loss, runs.fit_time, runs.epochs_done)
    whole = (X, *arrays, *(part for split in splits for part in (split.X, split.y)))
    return [*(a.tobytes() for a in whole), *(t.numpy().tobytes() for t in tensors)]


def everything():
    """Return what a call may not change, by name."""
    files = sorted(p for p in Path().rglob("*") if p.is_file())
    return {
        "trained": trained_bytes(),
        "looks": DATA.test_looks[:],
        "progress": load_entries(),
        "threads": torch.get_num_threads(),
        "torch": torch.get_rng_state().tolist(),
        "random": random.getstate(),
        "numpy": str(np.random.get_state()),  # noqa: NPY002
        "dtype": torch.get_default_dtype(),
        "errors": np.geterr(),
        "gradients": torch.is_grad_enabled(),
        "folder": os.getcwd(),
        "environment": dict(os.environ),
        "optuna": optuna.logging.get_verbosity(),
        "files": {p: p.read_bytes() for p in files},
    }


def changed(before):
    return [name for name, value in everything().items() if value != before[name]]


def text_of(values):
    """Return odd arguments as text, to see whether they were changed."""
    try:
        if any(hasattr(v, "__next__") for v in values.values()):
            return ""  # an iterator is there to be used
        return repr(values)
    except Exception:
        return ""


def guarded(call):
    """Return result and error of a call, and the seconds of the processor it took."""
    found = {}

    def work():
        start = time.thread_time()
        try:
            found["result"] = call()
        except BaseException as error:
            found["error"] = error
        found["seconds"] = time.thread_time() - start

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(HUNG)
    assert not thread.is_alive(), "hangs"
    return found


def is_ours(error, kinds):
    """Say whether an error is one of hpkit's own, in three parts."""
    last = traceback.extract_tb(error.__traceback__)[-1].filename
    # A frozen dataclass or a property of ours counts as ours, NumPy's frames do not.
    ours = isinstance(error, kinds) and last.startswith(HPKIT)
    return ours and bool(PARTS.match(str(error)))


def judge(table, call):
    """Make one call and fail if it does what no call may do."""
    name, odd = call
    function, good = table[name]
    good = {k: DEAR[k]() if v is None and k in DEAR else v for k, v in good.items()}
    own = {key: make() for key, (_, make) in odd.items()}
    said = ", ".join(f"{key}={words[:60]}" for key, (words, _) in odd.items())
    said = f"{name}({said})"
    before, text = everything(), text_of(own)
    found = guarded(lambda: function(**good | own))
    error, panel = found.get("error"), found.get("result")
    if isinstance(panel, W.Widget) and hasattr(panel, "live"):
        panel.stop()
        panel.live.wait()
        error = error or panel.error
    if name.startswith("runs[") and isinstance(error, IndexError):
        error = None  # Python's own
    plt.close("all")
    event("refused" if error else "worked")
    if error is not None and not is_ours(error, (ValueError, TypeError, *MORE[name])):
        raise AssertionError(f"{said}: {type(error).__name__}: {error}") from error
    assert found["seconds"] < SECONDS, f"{said} took {found['seconds']:.1f} s"
    assert text_of(own) == text
    # What works may write the file that it was asked for.
    assert changed(before) in ([], *([] if error else [["files"]]))


@pytest.fixture(autouse=True)
def _apart(tmp_path_factory, monkeypatch):
    """Work in an empty folder; a panel trains no longer than it must."""
    monkeypatch.chdir(tmp_path_factory.mktemp("odd"))
    now = Live.run_now
    monkeypatch.setattr(
        Live, "run_now", lambda self, job, **_: now(self, job, seconds=0.0)
    )
    plt.switch_backend("agg")
    hk.load_dataset("moons", 0)  # scikit-learn sets variables when it is imported
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    search().save("saved.json")
    search().best_run.save("run.pt")
    yield
    hk.present(False)
    configure(solutions=True)
    W.Widget.close_all()


def values():
    """Return a strategy of odd values: name, and a function that makes it."""
    numbers = st.floats(), st.integers(-9, 3), st.integers(2**31)
    some = st.lists(st.one_of(st.floats(), st.text(), st.none()), max_size=3)
    named = st.dictionaries(st.text(), st.floats(), max_size=2)
    made = st.one_of(*numbers, st.text(), st.binary(), some, named)
    return st.one_of(
        st.sampled_from(sorted(ODD)).map(lambda name: (name, ODD[name])),
        made.map(lambda value: (repr(value), lambda: value)),
    )


def odd_calls(table):
    """Return a strategy of (name of a function, its odd arguments)."""

    def of(name):
        keys = st.sampled_from(sorted(table[name][1]))
        arguments = st.dictionaries(keys, values(), min_size=1, max_size=2)
        return st.tuples(st.just(name), arguments)

    return st.sampled_from(sorted(table)).flatmap(of)


def many(share):
    """Return the settings of a property test that makes a share of the calls."""
    return settings(
        max_examples=max(1, round(share * CALLS)),
        deadline=None,
        database=None,
        derandomize=CALLS <= 150,
        print_blob=False,
        suppress_health_check=list(HealthCheck),
    )


@many(0.5)
@given(call=odd_calls(FUNCTIONS))
@example(call=("cap.fit", {"model": ("no end", itertools.count)}))
def test_odd_arguments_work_or_are_refused(call):
    judge(FUNCTIONS, call)


@many(0.3)
@given(call=odd_calls(PANELS))
def test_odd_arguments_of_panels_work_or_are_refused(call):
    judge(PANELS, call)


def leave(*_):
    raise SystemExit


EXERCISES = [one for lesson in BY_NAME.values() for one in lesson.EXERCISES]
LOOP = next(exercise for exercise in EXERCISES if exercise.key.endswith("loop"))


@many(0.2)
@given(
    exercise=st.sampled_from(EXERCISES),
    answer=st.one_of(values(), st.just(("exit", lambda: leave))),
)
@example(exercise=LOOP, answer=("exit", lambda: leave))  # drew from torch's own state
def test_odd_answers_are_told_never_raised(exercise, answer):
    words, make = answer
    answer = make()
    before, text = everything(), text_of({"answer": answer})

    found = guarded(lambda: exercise.check(answer))

    assert "error" not in found, (exercise.key, words, found["error"])
    told = found["result"]
    about = exercise.key, words, told.message
    # "could not check" would call it a fault of the exercise
    assert told.outcome in ("correct", "not yet", "not attempted"), about
    assert text_of({"answer": answer}) == text
    assert changed(before | {"progress": noted(before["progress"], told)}) == []


def noted(progress, told):
    """Return the progress after one more try, of which nothing else is kept."""
    if told.outcome == "not attempted":
        return progress
    now, old = load_entries()[told.exercise], progress.get(told.exercise, {})
    if "passed" in old:
        return progress
    more = {"tries": old.get("tries", 0) + 1, "outcome": told.outcome}
    more |= {"last": now["last"]}
    if told.outcome == "correct":
        more["passed"] = old.get("passed", now["last"])
    return progress | {told.exercise: old | more}
