"""The public signatures: typed, and the same in __init__.pyi as where they are."""

import ast
import inspect
from functools import cached_property
from importlib import import_module
from pathlib import Path

import pytest

import hpkit as hk

STUB = ast.parse(Path(hk.__file__).with_suffix(".pyi").read_text("utf-8"))
IMPORTED = {
    alias.name: node.module
    for node in STUB.body
    if isinstance(node, ast.ImportFrom) and node.module.startswith("hpkit")
    for alias in node.names
}
DEFINED = {node.name: node for node in STUB.body if isinstance(node, ast.FunctionDef)}


def bare(signature):
    """Return names, kinds and defaults of parameters, without types."""
    return [(p.name, p.kind, p.default) for p in signature.parameters.values()]


def signatures():
    """Yield the public functions, and methods of classes; of panels the constructor."""
    for name in hk.__all__:
        thing = getattr(hk, name)
        if not inspect.isclass(thing):
            if name in IMPORTED:
                yield pytest.param(thing, id=name)
            continue
        for part, value in vars(thing).items():
            if isinstance(value, property):
                value = value.fget
            elif isinstance(value, cached_property):
                value = value.func
            value = inspect.unwrap(getattr(value, "__func__", value))
            own = inspect.isfunction(value) and value.__module__.startswith("hpkit")
            public = not part.startswith("_") and not name.endswith("Panel")
            if own and (public or part == "__init__"):
                yield pytest.param(value, id=f"{name}.{part}")


def test_stub_has_the_public_names_and_no_others_from_where_they_are():
    (names,) = (node.value for node in STUB.body if isinstance(node, ast.Assign))
    assert ast.literal_eval(names) == hk.__all__
    assert set(hk.__all__) <= IMPORTED.keys() | DEFINED.keys()
    for name in IMPORTED.keys() & set(hk.__all__):
        assert getattr(import_module(IMPORTED[name]), name) is getattr(hk, name), name


@pytest.mark.parametrize("name", DEFINED)
def test_stub_has_types_and_the_signature_that_is_called(name):
    node, space = DEFINED[name], {}
    args = [*node.args.args, *node.args.kwonlyargs]
    args += [node.args.kwarg] if node.args.kwarg else []
    assert node.returns
    assert all(arg.annotation for arg in args)

    for arg in args:
        arg.annotation = None
    node.returns = None
    exec(ast.unparse(node), space)

    called = inspect.signature(getattr(hk, name))
    assert bare(inspect.signature(space[name])) == bare(called)


@pytest.mark.parametrize("function", list(signatures()))
def test_public_signature_has_types_and_says_what_comes_back(function):
    named = inspect.signature(function).parameters.keys() - {"self", "cls"}
    assert {*named, "return"} - function.__annotations__.keys() == set()
    assert inspect.getdoc(function) or function.__name__ == "__init__"
