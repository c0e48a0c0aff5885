"""The commands of ``python -m hpkit``.  Standard library only, for a bare Python.

This module reads the arguments; ``environment`` finds or makes the environment, ``lab``
and ``doctor`` are the commands of these names, modules of ``notebooks/`` build files.
"""

import argparse
import sys
from importlib import import_module
from pathlib import Path

from hpkit._cli import environment
from hpkit._cli.doctor import run_checks
from hpkit._cli.environment import PYTHON, ROOT, Failure, ensure, exec_command, tr
from hpkit._cli.lab import lesson_name, open_lab, reset


def main(argv):
    try:
        sys.stdout.reconfigure(errors="backslashreplace")  # a path may not be printable
        # pytest gets all arguments of `test`, even those that look like ours.
        arguments = argv[:1] if argv[:1] == ["test"] else argv
        sys.exit(_run(_parser().parse_args(arguments), argv))
    except Failure as failure:
        sys.exit(str(failure))
    except KeyboardInterrupt:
        sys.exit(tr("stopped"))


def _parser():
    top = argparse.ArgumentParser(prog=f"{PYTHON} -m hpkit", description=_help("hpkit"))
    commands = top.add_subparsers(required=True, dest="command")
    names = ("lab", "reset", "doctor", "wheels", "page", "build", "test")
    parsers = {name: commands.add_parser(name, help=_help(name)) for name in names}
    lab, build = parsers["lab"], parsers["build"]
    lab.add_argument("lesson", nargs="?", help=_help("lab_lesson"))
    lab.add_argument("--port", type=int, help=_help("port"))
    lab.add_argument("--no-browser", action="store_true", help=_help("no_browser"))
    lab.add_argument("--wheels", metavar="FOLDER", help=_help("lab_wheels"))
    parsers["reset"].add_argument("lesson", help=_help("lesson"))
    parsers["wheels"].add_argument("folder", type=Path)
    parsers["page"].add_argument("--out", default="site", help=_help("out"))
    build.add_argument("lesson", nargs="?", help=_help("build_lesson"))
    for name in ("check", "pictures", "reference"):
        build.add_argument(f"--{name}", action="store_true", help=_help(name))
    return top


def _help(key):
    return tr(f"help.{key}")


def _run(args, argv):
    """Run a command; whatever cannot work fails before anything is installed."""
    command = args.command
    if command != "doctor" and not (ROOT / "notebooks").is_dir():
        raise Failure(tr("no_clone", command=command, root=ROOT))
    lesson = lesson_name(args.lesson) if command in ("lab", "reset") else ""
    if command == "lab" and args.wheels:
        environment.use_wheels(args.wheels)
    if command != "doctor":  # it checks this environment, or .venv; never installs
        ensure(argv)
    match command:
        case "lab":
            open_lab(lesson, args.port, browser=not args.no_browser)
        case "wheels":
            environment.download(args.folder.resolve())
            print(tr("wheels_done", v=sys.version_info))
        case "reset":
            reset(lesson)
            from hpkit.exercises import progress

            has_exercises = lesson[:2].isdigit()  # the class hour has none
            if has_exercises and any(row["last"] for row in progress(lesson).rows):
                print(progress(lesson))
                print(progress(lesson).reset())
        case "test":
            exec_command([sys.executable, "-m", "pytest", *argv[1:]])
        case "doctor":
            not_here = not environment.in_venv() and environment.missing()
            if not_here and (python := environment.venv_python()):
                exec_command([python, "-m", "hpkit", *argv])
            return run_checks()
        case "page":
            return _import_maker("page").make(Path(args.out))
        case "build":
            if args.pictures:
                return _import_maker("pictures").make()
            if args.reference or not (args.lesson or args.check):
                _import_maker("reference").make()
            if not args.reference:
                return _import_maker("build").main(args.lesson, check=args.check)


def _import_maker(name):
    """Return a module of notebooks/, which makes files."""
    sys.path.insert(0, str(ROOT / "notebooks"))
    return import_module(name)
