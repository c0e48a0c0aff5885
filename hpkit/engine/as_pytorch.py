"""Runs as a script without hpkit: a plain PyTorch loop, or scikit-learn's networks.

What can stand in a script is in `plain/`. A line with a mark is kept, with what is
indented below it, where the mark fits: ``#? own lazy`` if both words are true of the
runs, ``#= optimizer adam`` if one has this choice, after an ``if`` where others have
another. ``# @data`` is a comment, in the words of the locale, ``$ROWS`` a fact. A
learner's own model or loss comes with the source of all that it uses (`source_of`).
Nothing here trains.
"""

import ast
import builtins
import inspect
import io
import json
import linecache
import re
import symtable
import sys
import textwrap
import types
from pathlib import Path

import numpy as np
import torch

from hpkit import hyperparameters as hp
from hpkit import store
from hpkit.engine.dense import network
from hpkit.engine.files import file_errors_refused
from hpkit.engine.model_functions import nested_codes
from hpkit.engine.runs import Run, Runs
from hpkit.hyperparameters import NAMES, Hyperparameters, refusal, varied
from hpkit.locale import words
from hpkit.text import call_code, file_stem, seeds_code

_TEMPLATES = Path(__file__).parent / "plain"
# A line with a mark, and those that are indented below it.
_MARKED = re.compile(r"^(( *).*?)  #([?=]) (.*)\n((?:\n*\2[ )].*\n)*)", re.MULTILINE)
_ELSEWHERE = re.compile(r"^ *(?:import|from) (?!torch|numpy|math)", re.MULTILINE)
_WORD = re.compile(r"\w*[a-z]\w*")  # of a template, no place for a fact
# Of every script.
_THERE = ("import numpy as np", "import torch", "import torch.nn as nn")
_CHOSEN = ("optimizer", "activation")  # never off; in the loop by what they choose
# Names that a script has itself: no hyperparameter of a model can have them, too.
_OWN = {"np", "nn", "torch", "seed", "stop", "X_train", "X_valid", "y_train", "y_valid"}
_OWN |= {"loss_of", "validation_loss", "SimpleNamespace", "len", "range", "print"}
_IN_SKLEARN = {
    "hidden": "hidden_layer_sizes",
    "activation": "activation",
    "optimizer": "solver",
    "batch_size": "batch_size",
    "lr": "learning_rate_init",
    "epochs": "max_iter",
    "momentum": "momentum",
}


def as_pytorch(found, path):
    """Return the script of a run or of runs; with a path write it and its rows."""
    if path is None:
        return pytorch(found, f"{file_stem(found.dataset.name)}_data.npz", "by_call")
    with file_errors_refused(path):
        path = Path(path)
        rows = path.with_name(f"{path.stem}_data.npz")
        text = pytorch(found, rows.name)
        _write_rows(found.dataset, rows)
        store.write(path, text)
    return text


def forms(found, rows, how):
    """Return the scripts that there are of what was trained, by the library's name."""
    runs = found and _as_runs(found)
    if not runs or runs.model is None or _OWN & {*hp.all_names(runs.settings)}:
        return {}
    texts = {"PyTorch": pytorch, "scikit-learn": sklearn}
    texts = {name: script(found, rows, how) for name, script in texts.items()}
    return {name: text for name, text in texts.items() if text}


def _write_rows(dataset, path):
    """Write training and validation rows, as the networks see them; no test rows."""
    if not len(dataset.train.y):
        raise refusal("script_rows", dataset.name)
    splits, file = {"train": dataset.train, "valid": dataset.valid}, io.BytesIO()
    arrays = {f"{x}_{n}": getattr(s, x) for n, s in splits.items() for x in "Xy"}
    np.savez_compressed(file, **arrays)
    store.write(path, file.getvalue())


def pytorch(found, rows, how=""):
    """Return the loop that gives the curves of runs, with the rows of a file."""
    runs, uses = _as_runs(found), _uses(found)
    if runs.model is None:
        raise refusal("script_model")
    if runs.folds:
        raise refusal("script_folds", len(runs.folds))
    if taken := _OWN.intersection(hp.all_names(runs.settings)):
        raise refusal("script_name", min(taken))
    own, stops = runs.model is not network, _stops(runs)
    taken = {*hp.all_names(runs.settings), *_WORD.findall(_template("pytorch"))}
    imports, source, name = source_of(runs.model, taken) if own else ("", "", "")
    loss = runs.dataset.objective and runs.dataset.objective.loss
    defined = symtable.symtable(source or "", "model", "exec").get_symbols()
    taken |= {symbol.get_name() for symbol in defined if symbol.is_assigned()}
    more, loss_source, loss_name = source_of(loss, taken, "loss") if loss else [""] * 3
    imports = "\n".join(sorted({*imports.splitlines(), *more.splitlines()}))
    uses |= {"own": own, "IMPORTS": imports, "MODEL_SOURCE": source, "loss": loss}
    uses |= {"MODEL_NAME": name, "LOSS_SOURCE": loss_source}
    uses["LOSS_NAME"] = "" if loss_source is None else loss_name
    uses["lazy"] = "Lazy" in (source or "")
    uses["double"] = any(w and w[0].last[0].itemsize > 4 for w in runs.weights.values())
    uses["FLOAT"] = "float64" if uses["double"] else "float32"
    top, loop = _apply_marks(_template("pytorch"), uses).split("HEAD\n")
    loop, _, end = loop.partition("\n\n\n")
    loop = loop.replace("LAST_EPOCH", "stop" if any(stops) else "epochs")
    if not uses["warmup"]:
        loop = loop.replace("(updates - rise)", "updates").replace(" - rise", "")

    # What the model reads of the setting, surely its own names; all, if that cannot be
    # seen: the source is not there, or another module may read it.
    names, seen = hp.all_names(runs.settings), source is not None
    seen = seen and not _ELSEWHERE.search(f"{imports}\n{source}")
    read = [n for n in names if n not in NAMES or not seen or _has_word(source, n)]
    read = read if own else []
    fields = [f"{name}={name}" for name in read]
    loop = loop.replace("READ", call_code("SimpleNamespace", fields))
    told = {n for n in NAMES if _has_word(loop, n) and n not in _CHOSEN} | {*read}
    differ, first = varied(runs.settings), runs.settings[0]
    facts = {n: getattr(first, n) for n in names if n in told and n not in differ}
    if uses["run"]:
        facts = {"seed": found.seed} | facts | ({"stop": stops[0]} if stops[0] else {})
        loop = "".join(f"{n} = {_literal(v)}\n" for n, v in facts.items()) + loop
    else:
        differ += ["stop"] if any(stops) else []
        head = ["seed", *differ, *(f"{n}={_literal(v)}" for n, v in facts.items())]
        loop = call_code("def train", head) + ":\n" + textwrap.indent(loop, "    ")
    uses["POINTS"] = runs.val_loss.shape[2]
    uses["SETTINGS"] = _settings_list(runs.settings, differ, stops)
    uses["SEEDS"] = seeds_code(runs.seeds).replace("=", " = ")
    text = "\n\n\n".join([top.rstrip("\n"), loop, end])
    return _fill_in(text, runs, rows, how, uses)


def sklearn(found, rows, how=""):
    """Return the same with scikit-learn's networks, None where they cannot do it."""
    runs, uses = _as_runs(found), _uses(found)
    space = {n: [*dict.fromkeys(_each(runs, n))] for n in varied(runs.settings)}
    # As many different settings as there are combinations: all of them.
    grid = np.prod([*map(len, space.values())]) == len({*runs.settings})
    solvers = {*uses["optimizer"]}
    # The loss of its regression is half of ours: Adam alone does not mind.
    able = solvers <= ({"adam"} if uses["numbers"] else {"sgd", "adam"})
    able &= not any(uses[n] for n in NAMES if n not in _IN_SKLEARN)
    able &= runs.model is network and not runs.dataset.objective
    if not able or not grid or any(_stops(runs)):
        return None
    uses |= {"sgd": "sgd" in solvers}
    idle = {"epochs": uses["run"], "momentum": not uses["sgd"]}
    given = [n for n in _IN_SKLEARN if n not in space and not idle.get(n)]
    lines = [f"{_IN_SKLEARN[n]}={_literal(_each(runs, n)[0])}," for n in given]
    lists = {_IN_SKLEARN[n]: values for n, values in space.items()}
    lists |= {"random_state": list(runs.seeds)}
    lists = [f'\n        "{n}": {_literal(values)},' for n, values in lists.items()]
    facts = {"ESTIMATOR": "MLPRegressor" if uses["numbers"] else "MLPClassifier"}
    facts |= {"ARGUMENTS": "\n    ".join(lines), "SPACE": "".join(lists)}
    facts |= {"EPOCHS": max(_each(runs, "epochs")), "SEED": runs.seeds[0]}
    return _fill_in(_apply_marks(_template("sklearn"), uses), runs, rows, how, facts)


def _as_runs(found):
    return Runs.of([found]) if isinstance(found, Run) else getattr(found, "runs", found)


def _each(runs, name):
    return [getattr(setting, name, None) for setting in runs.settings]


def _uses(found):
    """Return what is true of runs; of hyperparameters that do something, the values."""
    runs = _as_runs(found)
    uses = {"run": isinstance(found, Run), "numbers": runs.dataset.is_regression}
    for name in NAMES:
        values = [*dict.fromkeys(_each(runs, name))]
        off = values == [getattr(Hyperparameters, name)] and name not in _CHOSEN
        uses[name] = [] if off else values
    plans = uses["schedule"] or (["constant"] if uses["warmup"] else [])
    plans = [plan if isinstance(plan, str) else "list" for plan in plans]
    uses |= {"schedule": [*dict.fromkeys(plans)], "planned": plans}
    uses |= {"cycle": "one-cycle" in plans, "shaped": {*plans} - {"one-cycle"}}
    return uses | {"reweighted": uses["label_smoothing"] or uses["class_weight"]}


def _stops(runs):
    """Return the epoch at which each setting was stopped, 0 where none was."""
    return np.where(runs.ended, 0, runs.epochs_done).max(1).clip(0).tolist()


def _settings_list(settings, names, stops):
    """Return the list of the settings, each with what differs between them."""
    lines = []
    for setting, stop in zip(settings, stops, strict=True):
        values = {n: getattr(setting, n, None) for n in names}
        values |= {"stop": stop or setting.epochs} if "stop" in names else {}
        parts = ", ".join(f'"{n}": {_literal(value)}' for n, value in values.items())
        lines.append(f"    {{{parts}}},\n")
    return "".join(["[\n", *lines, "]"])


def _literal(value):
    if isinstance(value, list):
        return f"[{', '.join(map(_literal, value))}]"
    text = isinstance(value, str)
    return json.dumps(value, ensure_ascii=False) if text else repr(value)


def _has_word(text, name):
    return re.search(rf"\b{name}\b", text)


def _template(name):
    text = (_TEMPLATES / f"{name}.txt").read_text("utf-8")
    return text.replace("OPTIMIZERS\n", "".join(map(_optimizer, hp.OPTIMIZERS)))


def _optimizer(name):
    """Return the lines of an optimizer, with the hyperparameters that it takes."""
    kind, *more = hp.OPTIMIZERS[name]
    known = inspect.signature(getattr(torch.optim, kind)).parameters
    lines = ["net.parameters(),", "lr=lr,"]
    for ours in [n for n in NAMES if n in known and n != "lr"]:
        off = known[ours].default == getattr(Hyperparameters, ours)  # AdamW decays
        lines.append(f"{ours}={ours}," + f"  #? {ours}" * off)
    lines = "\n    ".join([*lines, *more])
    return f"optimizer = torch.optim.{kind}(  #= optimizer {name}\n    {lines}\n)\n"


def _apply_marks(text, uses):
    """Return the lines of a template whose marks fit, without the marks."""
    begun = set()

    def true(word):
        return bool(uses.get(word.lstrip("!"))) != word.startswith("!")

    def kept(found):
        line, pad, mark, about, below = found.groups()
        block = f"{line}\n{_apply_marks(below, uses)}"
        if mark == "?":
            return block if all(map(true, about.split())) else ""
        name, value = about.split()
        if value not in uses[name]:
            return ""
        if len(uses[name]) == 1:
            return block
        word = "elif" if name in begun else "if"
        begun.add(name)
        test = f'{name} == "{value}"'
        test = f"isinstance({name}, tuple)" if value == "list" else test
        return f"{pad}{word} {test}:\n{textwrap.indent(block, '    ')}"

    return _MARKED.sub(kept, text)


def _fill_in(text, runs, rows, how, facts):
    """Put in facts and comments where their names stand."""
    comments, data = words("scripts"), runs.dataset
    about = {"rows": rows, "how": comments.get(how, "")}
    about |= {"dataset": " ".join(data.name.split()), "name": facts.get("MODEL_NAME")}
    facts = {name: fact for name, fact in facts.items() if name.isupper()}
    facts |= {"ROWS": _literal(rows)}
    facts |= {"N_FEATURES": data.n_features, "N_OUTPUTS": data.n_outputs}

    def said(place):
        indent, comment, name = place.groups()
        if comment:
            text = comments[comment].format(**about).strip()
            return textwrap.indent(text, f"{indent}# ")
        return str(facts[name])

    text = re.sub(r"\n{4,}", "\n\n\n", text)
    # At once: what a model's source says is not looked at.
    places = rf"( *)# @(\w+)|\$({'|'.join(facts)})\b"
    return re.sub(places, said, text).strip() + "\n"


def source_of(model, taken, what="network"):
    """Return imports, the lines that make a model, None if not found, and its name."""
    name, imports, found = getattr(model, "__name__", ""), {}, {}
    kind, functional = type(model).__name__, torch.nn.functional
    if getattr(torch.nn, kind, None) is type(model):
        return "", "", f"nn.{kind}({_arguments(model)})"
    if getattr(functional, name, None) is model:
        return "", "", f"nn.functional.{name}"
    try:
        _collect(name, model, model.__module__, imports, found)
    except (LookupError, AttributeError, TypeError, OSError, SyntaxError, ValueError):
        return "", None, name if name.isidentifier() else "model"
    imports = {name: line for name, line in imports.items() if line not in _THERE}
    lines = sorted(imports.values()), found.values()
    if not taken.isdisjoint({*imports, *found}):  # of the script: in a function, then
        inside = "\n\n".join([*lines[0], *lines[1], f"return {name}"])
        inside = textwrap.indent(inside, "    ")
        return "", f"def make_{what}():\n{inside}", f"make_{what}()"
    return "\n".join(lines[0]), "\n\n\n".join(lines[1]), name


def _arguments(module):
    """Return the arguments that make a loss of PyTorch's, as text."""
    said = []
    for name, argument in inspect.signature(type(module)).parameters.items():
        value = getattr(module, name, argument.default)
        if isinstance(value, torch.Tensor):
            said.append(f"{name}=torch.tensor({value.tolist()})")
        elif value is not argument.default:
            said.append(f"{name}={value!r}")
    return ", ".join(said)


def _collect(name, value, home, imports, found):
    """Add what defines a name, after what that uses itself."""
    if name in found or name in imports:
        return
    whole = isinstance(value, types.ModuleType)
    module = value.__name__ if whole else getattr(value, "__module__", None)
    other = whole or module != home
    if other and str(module).split(".")[0] in ("hpkit", "__main__"):
        raise ValueError(module)
    if whole:
        imports[name] = f"import {module}" + (f" as {name}" if name != module else "")
    elif not isinstance(value, types.FunctionType | type):
        if ast.literal_eval(repr(value)) != value:
            raise ValueError(name)
        found[name] = f"{name} = {value!r}"
    elif other:
        if getattr(sys.modules[module], value.__name__) is not value:
            raise ValueError(name)
        end = f" as {name}" if name != value.__name__ else ""
        imports[name] = f"from {module} import {value.__name__}{end}"
    else:
        found[name] = ""  # whoever uses each other
        text, around = _text_of(value)
        for used in sorted(_names_in(symtable.symtable(text, name, "exec"))):
            if used in around:
                _collect(used, around[used], home, imports, found)
            elif not hasattr(builtins, used) and used != value.__name__:
                raise LookupError(used)
        del found[name]  # after what it uses
        found[name] = text
        if name != value.__name__:
            found[name] += f"\n\n\n{name} = {value.__name__}"


def _text_of(part):
    """Return the source of a function or class, and the names around it."""
    inside = [part] if isinstance(part, types.FunctionType) else vars(part).values()
    functions = [f for f in inside if isinstance(f, types.FunctionType)]
    codes = [f.__code__ for f in functions]
    if any({*code.co_freevars} - {"__class__"} for code in codes):
        raise ValueError(part)  # it uses names of the function around it
    code = codes[0]
    lines = "".join(linecache.getlines(code.co_filename))
    if not _has(lines, codes):  # of a module that was loaded again
        linecache.checkcache(code.co_filename)
        lines = "".join(linecache.getlines(code.co_filename))
    for node in ast.walk(ast.parse(lines)):
        named = getattr(node, "name", "") == part.__name__ and not node.decorator_list
        if named and node.lineno <= code.co_firstlineno <= node.end_lineno:
            text = textwrap.dedent(ast.get_source_segment(lines, node, padded=True))
            return text, functions[0].__globals__
    raise LookupError(part)


def _has(lines, codes):
    """Say whether a source has just these codes in it."""
    try:
        whole = compile(lines, codes[0].co_filename, "exec", dont_inherit=True)
    except SyntaxError:
        return False
    return {*codes} <= {*nested_codes([whole])}


def _names_in(table):
    """Return the names that a source takes from around it."""
    symbols = (s for s in table.get_symbols() if s.is_global() and s.is_referenced())
    names = {s.get_name() for s in symbols if not s.is_assigned()}
    return names.union(*map(_names_in, table.get_children()))
