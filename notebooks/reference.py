"""Build REFERENCE.md from the docstrings: ``python -m hpkit build --reference``.

For each call: its signature, what it returns, and the example of its docstring, which
is tested as a doctest.
"""

import inspect
import re
from operator import attrgetter
from pathlib import Path

import hpkit as hk

FILE = Path(__file__).parent / "REFERENCE.md"
WORDS = 900  # two pages

HEAD = """# Reference

Calls for your own work, after `import hpkit as hk`. More: `help(hk.fit)`.
"""
# heading: (introduction, names of the calls)
PARTS = {
    "Data": (
        "`hk.Dataset.from_arrays(X, y)` takes arrays.",
        "load_dataset Dataset.from_frame",
    ),
    "Settings": ("", "Hyperparameters log_uniform"),
    "Training": (
        "- `model=`: a function or class `(n_features, n_outputs, setting)` that "
        "returns a new `torch.nn.Module`. It takes rows (rows, n_features) and gives "
        "(rows, n_outputs): logits, without a softmax, or one number.\n"
        "- `loss=`, `metric=` (higher is better): functions of outputs and targets: "
        "indices into `data.classes` (rows,), or scaled numbers (rows, 1). "
        "`metric=lambda out, y: f1_score(y, out.argmax(1), pos_label=0)`.",
        "fit train cross_validate",
    ),
    "Searches": (
        "Each also takes `{shared}`, and gives a `Search` with `best`, `best_run`, "
        "`ties`, `edge`, `to_frame()` and `save(path)`.\n"
        '- `storage="tuning.json"`: a killed search resumes.\n'
        "- `cv=5`: settings on five folds.\n"
        "- `executor=loky.get_reusable_executor()`: more processes.\n"
        "- `heads=[2, 4]`: `setting.heads` in your `model`.\n"
        '- `found.best_by("metric")` ranks by your metric, all else by the loss.',
        "grid_search random_search successive_halving bayesian_search",
    ),
    "Results": (
        "`hk.from_optuna(study, data, base)` reads a study.",
        "Search.to_frame load to_optuna",
    ),
    "Using a run": (
        "`run.predict_proba(X)` gives each class's probability; "
        "`run.test_accuracy()`, `test_loss()`, `test_metric()` look at the test rows, "
        "once.",
        "Run.predict load_model Run.to_module Run.as_pytorch",
    ),
    "Plots": ("", "plot_training_curves plot_validation_curve plot_grid"),
    "Panels": (
        "`GridPanel` and others take your `model=`, no `loss=`.",
        "TrainingPanel",
    ),
}
SEARCHES = PARTS["Searches"][1].split()
NOT_SHOWN = re.compile(r"import hpkit as hk$|from hpkit|\w+\.unlink\(\)")
BARE = re.compile(rf"(?<![\w.])(?=({'|'.join(hk.__all__)})\b[.(])")


def parameters(name, left_out=()):
    """Return the parameters of a call, without those it takes only to reject them."""
    every = inspect.signature(attrgetter(name)(hk)).parameters.values()
    accepted = [p for p in every if not str(p.annotation).endswith("Never")]
    return [p for p in accepted if p.name not in ("self", *left_out)]


def shared():
    """Return the keyword-only parameters that all searches take."""
    first, *others = ({p.name: p for p in parameters(name)} for name in SEARCHES)
    common = [p for n, p in first.items() if all(n in other for other in others)]
    return [p for p in common if p.kind is p.KEYWORD_ONLY]


def signature(name):
    """Return how to call `name`, and the type of what it returns."""
    left_out = [p.name for p in shared()] if name in SEARCHES else []
    bare = inspect.Parameter.empty
    taken = [p.replace(annotation=bare) for p in parameters(name, left_out)]
    back = inspect.signature(attrgetter(name)(hk)).return_annotation
    back = back if isinstance(back, str) else getattr(back, "__name__", "")
    arrow = "" if back in ("_empty", "None", "") else f" → `{back.split('.')[-1]}`"
    owner, _, method = name.partition(".")
    call = f"{owner.lower()}.{method}" if owner in ("Run", "Search") else f"hk.{name}"
    return f"**`{call}{inspect.Signature(taken)}`**{arrow}"


def example(name):
    """Return the example of a docstring as plain code, its output as a comment."""
    lines, code = inspect.getdoc(attrgetter(name)(hk)).splitlines(), []
    start = lines.index("Examples") + 2 if "Examples" in lines else len(lines)
    for line in lines[start:]:
        if line.startswith((">>> ", "... ")):
            if not NOT_SHOWN.match(line[4:]):
                code.append(BARE.sub("hk.", line[4:]))
        elif line:
            code.append(f"# {line}")
    return ["```python", *code, "```"] if code else []


def entry(name):
    """Return the lines about one call."""
    summary = inspect.getdoc(attrgetter(name)(hk)).split("\n\n")[0]
    summary = " ".join(summary.split()).replace("``", "`")
    return [signature(name) + "  ", summary, *example(name), ""]


def text():
    """Return the reference."""
    facts = {"shared": ", ".join(map(str, shared()))}
    lines = [HEAD]
    for heading, (intro, names) in PARTS.items():
        lines += [f"## {heading}", ""]
        if intro:
            lines += [intro.format(**facts), ""]
        for name in names.split():
            lines += entry(name)
    return "\n".join(lines)


def make():
    """Write the reference."""
    FILE.write_text(text(), encoding="utf-8", newline="\n")
    print(f"{FILE.name}: written")
