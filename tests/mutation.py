"""Change the package a little, many times, and count what the fast tests notice.

    python tests/mutation.py                            # all, about half an hour
    python tests/mutation.py engine/stack --count 3     # some modules, fewer of each

Run by hand. Each mutant is one small change of a module (a comparison, a sign, a
statement left out ...) in a copy of the package; its tests and examples run until the
first one fails. One that none notices either stands in alike.toml, as no input can show
the difference, or a test is missing. The sample depends on seed and changed line alone.
"""

import argparse
import ast
import copy
import hashlib
import itertools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]
COPIED = ("hpkit", "tests", "data", "notebooks", "conftest.py", "pyproject.toml")
# Module: which tests hold it beside its own, the quickest first.
MODULES = {
    "engine/stack": "engine/training engine/own_networks",
    "engine/dense": "engine/stack engine/training engine/own_networks",
    "engine/own_networks": "engine/training -k not double and not compiled",
    "engine/model_functions": "engine/own_networks",
    "engine/training": "engine/stack search/searches search/lost",
    "engine/runs": "engine/stack search/searches",
    "search/searches": "search/lost data/tables engine/runs search/files",
    "search/result": "engine/runs search/ties search/searches plots",
    "search/bayes": "engine/runs search/searches",
    "search/executors": "",
    "search/files": "search/bayes",
    "data/datasets": "data/tables engine/runs search/lost",
    "data/tables": "data/datasets",
    "exercises/_core": "exercises/core exercises/progress exercises/grading",
    "panels/panel": "panels/panels panels/training panels/share",
    "panels/one_at_a_time": "",
    "panels/training": "panels/share",
}
# Mutants that no input can tell from the code: why, and parts of the changes.
ALIKE = tomllib.loads((ROOT / "tests" / "alike.toml").read_text("utf-8"))


def both(*pairs):
    """Return a table of pairs that is read in both directions."""
    return dict([*pairs, *(pair[::-1] for pair in pairs)])


COMPARE = both((ast.Lt, ast.LtE), (ast.Gt, ast.GtE), (ast.Eq, ast.NotEq))
COMPARE |= both((ast.In, ast.NotIn), (ast.Is, ast.IsNot))
AGAINST = {ast.Lt: ast.Gt, ast.LtE: ast.Gt, ast.Gt: ast.Lt, ast.GtE: ast.Lt}
ARITHMETIC = both((ast.Add, ast.Sub), (ast.Mult, ast.Div), (ast.BitAnd, ast.BitOr))
ARITHMETIC |= {ast.FloorDiv: ast.Mult, ast.Mod: ast.FloorDiv, ast.Pow: ast.Mult}
NAMES = {"min": "max", "max": "min", "any": "all", "all": "any"}


def changed(node, **fields):
    new = copy.copy(node)
    vars(new).update(fields)
    return new


def mutants_of(node):
    """Yield (a part of a node, what may stand in its place; None leaves it out)."""
    match node:
        case ast.Compare(ops=[op]):
            for table in (COMPARE, AGAINST):
                if type(op) in table:
                    yield node, changed(node, ops=[table[type(op)]()])
        case ast.BinOp(op=op) | ast.AugAssign(op=op) if type(op) in ARITHMETIC:
            yield node, changed(node, op=ARITHMETIC[type(op)]())
        case ast.BoolOp(op=op):
            other = ast.Or() if isinstance(op, ast.And) else ast.And()
            yield node, changed(node, op=other)
        case ast.UnaryOp(op=ast.Not() | ast.USub() | ast.Invert()):
            yield node, node.operand
        case ast.Name(id=name) if name in NAMES:
            yield node, changed(node, id=NAMES[name])
        case ast.Attribute(attr=name) if name in NAMES:
            yield node, changed(node, attr=NAMES[name])
        case ast.Constant(value=bool(value)):
            yield node, changed(node, value=not value)
        case ast.Constant(value=int(value) | float(value)):
            yield node, changed(node, value=value + 1)
        case ast.If(test=test) | ast.While(test=test) | ast.IfExp(test=test):
            if not isinstance(test, ast.Compare | ast.UnaryOp):
                yield test, ast.UnaryOp(ast.Not(), test)
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]) | ast.Expr():
            yield node, None
    if isinstance(node, ast.AugAssign):
        yield node, None


def skipped(node, parent):
    """Say whether nothing in a node is changed: no words, types or checks of length."""
    text = isinstance(node, ast.Constant) and isinstance(node.value, str)
    docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    strict = isinstance(node, ast.keyword) and node.arg == "strict"
    typed = isinstance(parent, ast.arg) or node is getattr(parent, "annotation", None)
    return text or docstring or strict or typed or isinstance(node, ast.JoinedStr)


def candidates(source):
    """Yield every mutant of a module: (place, lines before => after, whole code)."""
    code = source.encode()
    lines = code.splitlines(keepends=True)
    starts = [sum(map(len, lines[:n])) for n in range(len(lines) + 1)]

    def visit(node, parent, name):
        if skipped(node, parent):
            return
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            name = f"{name}.{node.name}".lstrip(".")
        for part, new in mutants_of(node):
            begin = starts[part.lineno - 1] + part.col_offset
            end = starts[part.end_lineno - 1] + part.end_col_offset
            text = "pass" if new is None else ast.unparse(new)
            text = f"({text})" if isinstance(part, ast.expr) else text
            made = code[:begin] + text.encode() + code[end:]
            first, last = starts[part.lineno - 1], starts[part.end_lineno]
            now = made[first : last + len(made) - len(code)]
            change = f"{code[first:last].decode()} => {now.decode()}"
            yield f"{name}:{part.lineno}", " ".join(change.split()), made
        for child in ast.iter_child_nodes(node):
            yield from visit(child, node, name)

    yield from visit(ast.parse(source), None, "")


def sample(module, count, seed):
    """Return some mutants of a module, of each line at most one."""
    source = (ROOT / "hpkit" / f"{module}.py").read_text("utf-8")
    drawn = {}
    for mutant in candidates(source):
        place, change, _ = mutant
        words = f"{seed} {module} {place.split(':')[0]} {change}"
        lot = hashlib.sha256(words.encode()).hexdigest()
        drawn[place] = min(drawn.get(place, (lot, mutant)), (lot, mutant))
    return [mutant for _, mutant in sorted(drawn.values())[:count]]


def test_run(folder, module, tests, limit):
    """Return "passed", "failed" or "time", the seconds, and what pytest said."""
    tests, _, some = f"{module} {tests}".partition(" -k ")
    files = ["/test_".join(f"tests/{name}.py".rsplit("/", 1)) for name in tests.split()]
    files = [name for name in files if (folder / name).exists()]
    files.append(f"hpkit/{module}.py")
    quiet = ["-q", "-x", "-p", "no:cacheprovider", "-m", "not slow and not browser"]
    quiet += ["-k", some] * bool(some)
    home = {"HPKIT_HOME": str(folder), "OMP_NUM_THREADS": "1", "CI": "true"}
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", *quiet, *files],
        cwd=folder,
        env=os.environ | home | {"PYTHONPATH": str(folder)},
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        out = process.communicate(timeout=limit)[0].decode()
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # with the pools that it has started
        process.communicate()
        return "time", limit, ""
    kind = "passed" if process.returncode == 0 else "failed"
    return kind, time.perf_counter() - start, out


def try_mutants(module, mutants):
    """Try mutants of a module in a copy of the package; count what became of them."""
    kinds, tests = Counter(), MODULES[module]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in COPIED:
            take = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
            take(ROOT / part, folder / part)
        kind, seconds, out = test_run(folder, module, tests, 900)
        if kind != "passed":
            print(f"{module}: its tests fail without a change\n{out[-2000:]}")
            return kinds
        for place, change, code in mutants:
            (folder / "hpkit" / f"{module}.py").write_bytes(code)
            kind, _, _ = test_run(folder, module, tests, 20 + 3 * seconds)
            known = itertools.chain(*ALIKE.get(module, {}).values())
            alike = any(part in change for part in known)
            kind = "alike" if alike and kind == "passed" else kind
            kinds[kind] += 1
            mark = {"passed": "SURVIVED", "failed": "killed"}.get(kind, kind)
            print(f"{mark:8} {module} {place}: {change}", flush=True)
    return kinds


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("modules", nargs="*", help=", ".join(MODULES))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=12, help="of mutants a module")
    asked, found = parser.parse_args(), Counter()
    os.nice(10)
    for module in asked.modules or MODULES:
        found += try_mutants(module, sample(module, asked.count, asked.seed))
    print(*(f"{kind}: {count}" for kind, count in found.items()), sep=", ")


if __name__ == "__main__":
    main()
