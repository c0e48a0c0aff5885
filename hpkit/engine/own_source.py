"""The source of a learner's own model or loss, with all that it uses, for a script."""

import ast
import builtins
import inspect
import linecache
import symtable
import sys
import textwrap
import types

import torch

_THERE = ("import numpy as np", "import torch", "import torch.nn as nn")


def source_of(model, taken, what="network"):
    """Return imports, the lines that make a model, None if not found, and its name.

    All that it uses comes along; what has a name that is `taken` is in a function.
    """
    name, imports, found = getattr(model, "__name__", ""), {}, {}
    kind, functional = type(model).__name__, torch.nn.functional
    if hasattr(torch.nn, kind) and isinstance(model, getattr(torch.nn, kind)):
        return "", "", f"nn.{kind}({_arguments(model)})"
    if getattr(functional, name, None) is model:
        return "", "", f"nn.functional.{name}"
    try:
        _collect(name, model, model.__module__, imports, found)
    except (LookupError, AttributeError, TypeError, OSError, SyntaxError, ValueError):
        return "", None, name if name.isidentifier() else "model"
    imports = {name: line for name, line in imports.items() if line not in _THERE}
    lines = sorted(imports.values()), found.values()
    if not taken.isdisjoint({*imports, *found}):
        inside = "\n\n".join([*lines[0], *lines[1], f"return {name}"])
        inside = textwrap.indent(inside, "    ")
        return "", f"def make_{what}():\n{inside}", f"make_{what}()"
    return "\n".join(lines[0]), "\n\n\n".join(lines[1]), name


def _arguments(module):
    """Return the arguments that make a loss of PyTorch's, as text."""
    usual = inspect.signature(type(module)).parameters
    own = {name: getattr(module, name, p.default) for name, p in usual.items()}
    own = {name: v for name, v in own.items() if v is not usual[name].default}
    tensors = {n: v.tolist() for n, v in own.items() if isinstance(v, torch.Tensor)}
    said = {n: repr(v) for n, v in own.items()}
    said |= {name: f"torch.tensor({value})" for name, value in tensors.items()}
    return ", ".join(f"{name}={value}" for name, value in said.items())


def _collect(name, value, home, imports, found):
    """Add what defines a name, after what that uses itself."""
    if name in found or name in imports:
        return
    if isinstance(value, types.ModuleType):
        whole = value.__name__
        _refuse_ours(whole)
        imports[name] = f"import {whole}" + (f" as {name}" if name != whole else "")
        return
    module = getattr(value, "__module__", None)
    if not isinstance(value, types.FunctionType | type):
        if ast.literal_eval(repr(value)) != value:
            raise ValueError(name)
        found[name] = f"{name} = {value!r}"
    elif module != home:
        _refuse_ours(module)
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


def _refuse_ours(module):
    if module.split(".")[0] in ("hpkit", "__main__"):
        raise ValueError(module)


def _text_of(part):
    """Return the source of a function or class, and the names around it."""
    kind = types.FunctionType
    inside = [part] if isinstance(part, kind) else vars(part).values()
    codes = [f.__code__ for f in inside if isinstance(f, kind)]
    if any({*code.co_freevars} - {"__class__"} for code in codes):
        raise ValueError(part)  # it uses names of the function around it
    code = codes[0]
    lines = "".join(linecache.getlines(code.co_filename))
    for node in ast.walk(ast.parse(lines)):
        named = getattr(node, "name", "") == part.__name__ and not node.decorator_list
        if named and node.lineno <= code.co_firstlineno <= node.end_lineno:
            text = textwrap.dedent(ast.get_source_segment(lines, node, padded=True))
            return text, next(f for f in inside if isinstance(f, kind)).__globals__
    raise LookupError(part)


def _names_in(table):
    """Return the names that a source takes from around it."""
    symbols = (s for s in table.get_symbols() if s.is_global() and s.is_referenced())
    names = {s.get_name() for s in symbols if not s.is_assigned()}
    return names.union(*map(_names_in, table.get_children()))
