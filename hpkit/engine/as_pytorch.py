"""Runs as a script without hpkit: a plain PyTorch loop, or scikit-learn's networks.

The templates are in `plain/`. A marked line, and what is indented below it, is kept if
its mark holds: ``#? own lazy`` if both words are true of the runs, ``#= schedule step``
if a run has this choice, behind an ``if`` where others have another. ``# @data`` is a
comment in the locale's language, ``$ROWS`` a value. A learner's own model or loss is
copied with the source of all that it uses (`source_of`). Nothing here trains.
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
from hpkit.engine.files import refuse_file_errors
from hpkit.engine.model_functions import nested_codes
from hpkit.engine.runs import Run, Runs
from hpkit.hyperparameters import NAMES, Hyperparameters, refusal, varied
from hpkit.locale import words
from hpkit.text import call_code, file_stem, model_name, seeds_code

_TEMPLATES = Path(__file__).parent / "plain"
# A line with a mark, and the lines indented below it.
_MARKED = re.compile(r"^(( *).*?)  #([?=]) (.*)\n((?:\n*\2[ )].*\n)*)", re.MULTILINE)
_OTHER_IMPORT = re.compile(r"^ *(?:import|from) (?!torch|numpy|math)", re.MULTILINE)
_WORD = re.compile(r"\w*[a-z]\w*")  # of a template, not a placeholder
_TEMPLATE_IMPORTS = ("import numpy as np", "import torch", "import torch.nn as nn")
_CHOICES = ("optimizer", "activation")  # always in use; the loop branches on the value
# Names that every script uses: a model's own hyperparameters cannot have them.
_RESERVED = {"np", "nn", "torch", "seed", "stop", "X_train", "X_valid", "y_train"}
_RESERVED |= {"y_valid", "loss_of", "validation_loss", "SimpleNamespace"}
_RESERVED |= {"len", "range", "print"}
_SKLEARN_NAMES = {
    "hidden": "hidden_layer_sizes",
    "activation": "activation",
    "optimizer": "solver",
    "batch_size": "batch_size",
    "lr": "learning_rate_init",
    "epochs": "max_iter",
    "momentum": "momentum",
}


def as_pytorch(result, path):
    """Return the script of a run or of runs; with a path write it and its rows."""
    if path is None:
        file_name = f"{file_stem(result.dataset.name)}_data.npz"
        return _pytorch_script(result, file_name, "by_call")
    with refuse_file_errors(path):
        path = Path(path)
        rows_path = path.with_name(f"{path.stem}_data.npz")
        script = _pytorch_script(result, rows_path.name, "beside")
        train, valid = result.dataset.train, result.dataset.valid
        if not len(train.y):
            raise refusal("script_rows", result.dataset.name)
        arrays = {"X_train": train.X, "y_train": train.y}  # as the networks see them
        arrays |= {"X_valid": valid.X, "y_valid": valid.y}
        np.savez_compressed(file := io.BytesIO(), **arrays)
        store.write(rows_path, file.getvalue())
        store.write(path, script)
    return script


def scripts(result, rows_file, note):
    """Return scripts for a result by the name of their library, {} if none fits it."""
    runs = result and _as_runs(result)
    if not runs or runs.model is None or _RESERVED & {*hp.all_names(runs.settings)}:
        return {}
    scripts = {"PyTorch": _pytorch_script(result, rows_file, note)}
    if sklearn := _sklearn_script(result, rows_file, note):
        scripts["scikit-learn"] = sklearn
    return scripts


def _pytorch_script(result, rows_file, note=""):
    """Return the loop that reproduces the curves of runs; it reads rows from a file."""
    runs, traits = _as_runs(result), _traits(result)
    if runs.model is None:
        raise refusal("script_model")
    if runs.folds:
        raise refusal("script_folds", len(runs.folds))
    names, stops = hp.all_names(runs.settings), _stop_epochs(runs)
    if clashing := _RESERVED.intersection(names):
        raise refusal("script_name", min(clashing))
    template = _template("pytorch")
    is_own = runs.model is not network
    loss = runs.dataset.objective and runs.dataset.objective.loss
    taken = {*names, *_WORD.findall(template)}
    code = _own_code(runs.model if is_own else None, loss, taken)
    source = code["MODEL_SOURCE"]
    traits |= {"own": is_own, "loss": loss, "lazy": "Lazy" in (source or "")}
    traits["cast"] = re.search("float64|double|half|float16", source or "")
    top, loop = _apply_marks(template, traits | code).split("HEAD\n")
    loop, _, end = loop.partition("\n\n\n")
    loop = loop.replace("LAST_EPOCH", "stop" if any(stops) else "epochs")
    if not traits["warmup"]:
        loop = loop.replace("(updates - rise)", "updates").replace(" - rise", "")

    # The script's setting has only what the model reads: always the model's own names,
    # and all names if the source is unknown or imports a module that may read them.
    all_read = source is None or _OTHER_IMPORT.search(f"{code['IMPORTS']}\n{source}")
    in_source = names if all_read else _WORD.findall(source)
    read = [n for n in names if n not in NAMES or n in in_source] if is_own else []
    fields = [f"{name}={name}" for name in read]
    loop = loop.replace("READ", call_code("SimpleNamespace", fields))
    head, loop = _define_variables(loop, result, read, stops)
    facts = code | {
        "HEAD": head,
        "POINTS": runs.val_loss.shape[2],
        "SEEDS": seeds_code(runs.seeds).replace("=", " = "),
        "SETTINGS": _settings_code(runs.settings, stops),
    }
    script = "\n\n\n".join([top.rstrip("\n"), f"$HEAD\n{loop}", end])
    return _fill_in(script, runs, rows_file, note, facts)


def _own_code(model, loss, taken):
    """Return the code of a learner's model and loss by placeholder; "" for None."""
    code, imports = {}, set()
    for key, role, part in (("MODEL", "network", model), ("LOSS", "loss", loss)):
        lines = source = name = ""
        if part is not None:
            lines, source, name = source_of(part, taken, role)
        code |= {f"{key}_SOURCE": source, f"{key}_NAME": name}
        imports.update(lines.splitlines())
        symbols = symtable.symtable(source or "", role, "exec").get_symbols()
        taken = taken | {s.get_name() for s in symbols if s.is_assigned()}
    if code["LOSS_SOURCE"] is None:
        code["LOSS_NAME"] = ""  # a comment stands in its place
    return code | {"IMPORTS": "\n".join(sorted(imports))}


def _define_variables(loop, result, read, stops):
    """Return the values of a run, or the head of a function, and the loop below it."""
    settings = _as_runs(result).settings
    differ = varied(settings)
    used = {*read} | ({*NAMES} & {*_WORD.findall(loop)}) - {*_CHOICES}
    names = [n for n in hp.all_names(settings) if n in used and n not in differ]
    shared = {name: getattr(settings[0], name) for name in names}
    if isinstance(result, Run):
        stop = {"stop": stops[0]} if stops[0] else {}
        variables = {"seed": result.seed} | shared | stop
        return "\n".join(f"{n} = {_literal(v)}" for n, v in variables.items()), loop
    differ += ["stop"] if any(stops) else []
    defaults = [f"{name}={_literal(value)}" for name, value in shared.items()]
    head = call_code("def train", ["seed", *differ, *defaults])
    return f"{head}:", textwrap.indent(loop, "    ")


def _sklearn_script(result, rows_file, note):
    """Return a script for scikit-learn's networks; None for what they cannot train."""
    runs, traits = _as_runs(result), _traits(result)
    space = {n: [*dict.fromkeys(_values(runs, n))] for n in varied(runs.settings)}
    # As many different settings as there are combinations: all of them.
    is_grid = np.prod([*map(len, space.values())]) == len({*runs.settings})
    is_own = runs.model is not network or runs.dataset.objective
    # Its loss for regression is half of ours, which makes no difference to Adam alone.
    known = {"adam"} if traits["numbers"] else {"sgd", "adam"}
    unknown = {*traits["optimizer"]} - known
    unknown |= {n for n in NAMES if traits[n] and n not in _SKLEARN_NAMES}
    if is_own or unknown or not is_grid or any(_stop_epochs(runs)):
        return None
    traits["sgd"] = "sgd" in traits["optimizer"]
    unused = {"epochs": traits["run"], "momentum": not traits["sgd"]}
    fixed = [n for n in _SKLEARN_NAMES if n not in space and not unused.get(n)]
    arguments = [f"{_SKLEARN_NAMES[n]}={_literal(_values(runs, n)[0])}," for n in fixed]
    grid = {_SKLEARN_NAMES[n]: values for n, values in space.items()}
    grid["random_state"] = [seed % 2**32 for seed in runs.seeds]  # as torch reads them
    lines = [f'\n        "{n}": {_literal(values)},' for n, values in grid.items()]
    facts = {
        "ESTIMATOR": "MLPRegressor" if traits["numbers"] else "MLPClassifier",
        "ARGUMENTS": "\n    ".join(arguments),
        "SPACE": "".join(lines),
        "EPOCHS": max(_values(runs, "epochs")),
        "SEED": grid["random_state"][0],
    }
    script = _apply_marks(_template("sklearn"), traits)
    return _fill_in(script, runs, rows_file, note, facts)


def _as_runs(result):
    if isinstance(result, Run):
        return Runs.of([result])
    return getattr(result, "runs", result)


def _values(runs, name):
    return [getattr(setting, name, None) for setting in runs.settings]


def _traits(result):
    """Return what the words of marks stand for: values, or whether something holds."""
    runs = _as_runs(result)
    traits = {"run": isinstance(result, Run), "numbers": runs.dataset.is_regression}
    for name in NAMES:
        values = [*dict.fromkeys(_values(runs, name))]
        off = values == [getattr(Hyperparameters, name)] and name not in _CHOICES
        traits[name] = [] if off else values
    schedules = traits["schedule"] or (["constant"] if traits["warmup"] else [])
    kinds = [*dict.fromkeys(s if isinstance(s, str) else "list" for s in schedules)]
    traits |= {"schedule": kinds, "planned": kinds}
    traits |= {"cycle": "one-cycle" in kinds, "shaped": {*kinds} - {"one-cycle"}}
    return traits | {"reweighted": traits["label_smoothing"] or traits["class_weight"]}


def _stop_epochs(runs):
    """Return the epoch at which each setting was stopped, 0 for those that ended."""
    return np.where(runs.ended, 0, runs.epochs_done).max(1).clip(0).tolist()


def _settings_code(settings, stops):
    """Return a list of dicts, as code: of each setting what differs between them."""
    names, lines = varied(settings), []
    for setting, stop in zip(settings, stops, strict=True):
        values = {n: getattr(setting, n, None) for n in names}
        values |= {"stop": stop or setting.epochs} if any(stops) else {}
        items = ", ".join(f'"{n}": {_literal(value)}' for n, value in values.items())
        lines.append(f"    {{{items}}},\n")
    return "".join(["[\n", *lines, "]"])


def _literal(value):
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return f"[{', '.join(map(_literal, value))}]"
    return repr(value)


def _template(name):
    text = (_TEMPLATES / f"{name}.txt").read_text("utf-8")
    return text.replace("OPTIMIZERS\n", "".join(map(_optimizer_code, hp.OPTIMIZERS)))


def _optimizer_code(name):
    """Return the lines of an optimizer; an argument whose default is ours is marked."""
    kind, *extra = hp.OPTIMIZERS[name]
    parameters = inspect.signature(getattr(torch.optim, kind)).parameters
    lines = ["net.parameters(),", "lr=lr,"]
    for ours in [n for n in NAMES if n in parameters and n != "lr"]:
        off = parameters[ours].default == getattr(Hyperparameters, ours)  # not in AdamW
        lines.append(f"{ours}={ours}," + (f"  #? {ours}" if off else ""))
    lines = "\n    ".join([*lines, *extra])
    return f"optimizer = torch.optim.{kind}(  #= optimizer {name}\n    {lines}\n)\n"


def _apply_marks(text, traits):
    """Return the lines of a template whose marks hold, without the marks."""
    branched = set()  # choices that have their first branch

    def holds(word):
        return bool(traits.get(word.lstrip("!"))) != word.startswith("!")

    def apply(match):
        line, indent, mark, condition, below = match.groups()
        block = f"{line}\n{_apply_marks(below, traits)}"
        if mark == "?":
            return block if all(map(holds, condition.split())) else ""
        name, value = condition.split()
        if value not in traits[name]:
            return ""
        if len(traits[name]) == 1:
            return block
        keyword = "elif" if name in branched else "if"
        branched.add(name)
        test = f'{name} == "{value}"'
        if value == "list":
            test = f"isinstance({name}, tuple)"
        return f"{indent}{keyword} {test}:\n{textwrap.indent(block, '    ')}"

    return _MARKED.sub(apply, text)


def _fill_in(script, runs, rows_file, note, facts):
    """Put values and comments in the place of their names."""
    comments, data = words("scripts"), runs.dataset
    comment_facts = {
        "rows": rows_file,
        "how": comments.get(note, ""),
        "dataset": " ".join(data.name.split()),
        "name": facts.get("MODEL_NAME"),
    }
    sizes = {"N_FEATURES": data.n_features, "N_OUTPUTS": data.n_outputs}
    facts = facts | sizes | {"ROWS": _literal(rows_file)}

    def fill(match):
        indent, comment, name = match.groups()
        if comment:
            text = comments[comment].format(**comment_facts).strip()
            return textwrap.indent(text, f"{indent}# ")
        return str(facts[name])

    script = re.sub(r"\n{4,}", "\n\n\n", script)
    # All in one pass: a model's source may have the same marks, which must stay.
    placeholders = rf"( *)# @(\w+)|\$({'|'.join(facts)})\b"
    return re.sub(placeholders, fill, script).strip() + "\n"


def source_of(model, taken, role="network"):
    """Return imports, source and name of a model; the source is None if not found."""
    name, imports, sources = getattr(model, "__name__", ""), {}, {}
    kind = type(model).__name__
    if getattr(torch.nn, kind, None) is type(model):
        return "", "", f"nn.{kind}({_arguments_code(model)})"
    if getattr(torch.nn.functional, name, None) is model:
        return "", "", f"nn.functional.{name}"
    try:
        _collect(name, model, model.__module__, imports, sources)
    except (LookupError, AttributeError, TypeError, OSError, SyntaxError, ValueError):
        return "", None, model_name(model)
    imports = {n: line for n, line in imports.items() if line not in _TEMPLATE_IMPORTS}
    lines = sorted(imports.values())
    if not taken.isdisjoint({*imports, *sources}):  # keep them apart in a function
        body = "\n\n".join([*lines, *sources.values(), f"return {name}"])
        body = textwrap.indent(body, "    ")
        return "", f"def make_{role}():\n{body}", f"make_{role}()"
    return "\n".join(lines), "\n\n\n".join(sources.values()), name


def _arguments_code(module):
    """Return the arguments that make a loss of PyTorch's, as text."""
    arguments = []
    for name, parameter in inspect.signature(type(module)).parameters.items():
        value = getattr(module, name, parameter.default)
        if isinstance(value, torch.Tensor):
            arguments.append(f"{name}=torch.tensor({value.tolist()})")
        elif value is not parameter.default:
            arguments.append(f"{name}={value!r}")
    return ", ".join(arguments)


def _collect(name, value, home, imports, sources):
    """Add what defines a name to `imports` or `sources`, after what that needs."""
    if name in sources or name in imports:
        return
    is_module = isinstance(value, types.ModuleType)
    module = value.__name__ if is_module else getattr(value, "__module__", None)
    imported = is_module or module != home
    if imported and str(module).split(".")[0] in ("hpkit", "__main__"):
        raise ValueError(module)
    if is_module:
        imports[name] = f"import {module}" + (f" as {name}" if name != module else "")
    elif not isinstance(value, types.FunctionType | type):
        if ast.literal_eval(repr(value)) != value:
            raise ValueError(name)
        sources[name] = f"{name} = {value!r}"
    elif imported:
        if getattr(sys.modules[module], value.__name__) is not value:
            raise ValueError(name)
        alias = f" as {name}" if name != value.__name__ else ""
        imports[name] = f"from {module} import {value.__name__}{alias}"
    else:
        sources[name] = ""  # ends the recursion where two use each other
        text, namespace = _find_source(value)
        for used in sorted(_global_names(symtable.symtable(text, name, "exec"))):
            if used in namespace:
                _collect(used, namespace[used], home, imports, sources)
            elif not hasattr(builtins, used) and used != value.__name__:
                raise LookupError(used)
        del sources[name]  # to stand after what it uses
        sources[name] = text
        if name != value.__name__:
            sources[name] += f"\n\n\n{name} = {value.__name__}"


def _find_source(value):
    """Return the source of a function or class, and the namespace of its module."""
    members = [value] if isinstance(value, types.FunctionType) else vars(value).values()
    members = [getattr(part, "__func__", part) for part in members]  # of static methods
    functions = [part for part in members if isinstance(part, types.FunctionType)]
    codes = [function.__code__ for function in functions]
    if any({*code.co_freevars} - {"__class__"} for code in codes):
        raise ValueError(value)  # it uses names of the function around it
    code = codes[0]
    lines = "".join(linecache.getlines(code.co_filename))
    if not _compiles_to(lines, codes):  # the module was reloaded
        linecache.checkcache(code.co_filename)
        lines = "".join(linecache.getlines(code.co_filename))
    for node in ast.walk(ast.parse(lines)):
        named = getattr(node, "name", "") == value.__name__ and not node.decorator_list
        if named and node.lineno <= code.co_firstlineno <= node.end_lineno:
            text = textwrap.dedent(ast.get_source_segment(lines, node, padded=True))
            return text, functions[0].__globals__
    raise LookupError(value)


def _compiles_to(source, codes):
    """Say whether compiling a source gives all of these code objects."""
    try:
        module_code = compile(source, codes[0].co_filename, "exec", dont_inherit=True)
    except SyntaxError:
        return False
    return {*codes} <= {*nested_codes([module_code])}


def _global_names(table):
    """Return the names that a source uses but does not define."""
    symbols = (s for s in table.get_symbols() if s.is_global() and s.is_referenced())
    names = {s.get_name() for s in symbols if not s.is_assigned()}
    return names.union(*map(_global_names, table.get_children()))
