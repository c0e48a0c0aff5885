"""The commands of ``python -m hpkit``.  Standard library only, for a bare Python.

Here the arguments are read; ``environment`` finds or makes the environment, ``lab``
and ``doctor`` do what their names say, ``notebooks/build.py`` builds.
"""

import argparse
import sys
from importlib import import_module
from pathlib import Path

from hpkit._cli import environment
from hpkit._cli.doctor import run_checks
from hpkit._cli.environment import PYTHON, ROOT, Failure, ensure, replace, tr
from hpkit._cli.lab import lesson_name, open_lab, reset


def main(argv):
    try:
        # pytest's arguments are pytest's, also those that look like ours.
        own = argv[:1] if argv[:1] == ["test"] else argv
        sys.exit(_run(parser().parse_args(own), argv))
    except Failure as failure:
        sys.exit(str(failure))
    except KeyboardInterrupt:
        sys.exit(tr("stopped"))


def parser():
    top = argparse.ArgumentParser(prog=f"{PYTHON} -m hpkit", description=_help("hpkit"))
    commands = top.add_subparsers(required=True, dest="command")
    names = ("lab", "reset", "doctor", "wheels", "page", "build", "test")
    of = {name: commands.add_parser(name, help=_help(name)) for name in names}
    lab, build = of["lab"], of["build"]
    lab.add_argument("lesson", nargs="?", help=_help("lab_lesson"))
    lab.add_argument("--port", type=int, help=_help("port"))
    lab.add_argument("--no-browser", action="store_true", help=_help("no_browser"))
    lab.add_argument("--wheels", metavar="FOLDER", help=_help("lab_wheels"))
    of["reset"].add_argument("lesson", help=_help("lesson"))
    of["wheels"].add_argument("folder", type=Path)
    of["page"].add_argument("--out", default="site", help=_help("out"))
    build.add_argument("lesson", nargs="?", help=_help("build_lesson"))
    for name in ("check", "pictures", "reference"):
        build.add_argument(f"--{name}", action="store_true", help=_help(name))
    return top


def _help(key):
    return tr(f"help.{key}")


def _run(given, argv):
    """Run a command: what cannot work is said before anything is installed."""
    command = given.command
    installed = not ((ROOT / "tests").is_dir() and (ROOT / "notebooks").is_dir())
    if installed and command in ("test", "wheels", "build", "page"):
        raise Failure(tr("no_clone", command=command, root=ROOT))
    lesson = lesson_name(given.lesson) if command in ("lab", "reset") else ""
    if command == "lab" and given.wheels:
        environment.use_wheels(given.wheels)
    if command != "doctor":  # it checks this environment, or .venv; never installs
        ensure(argv)
    match command:
        case "lab":
            open_lab(lesson, given.port, browser=not given.no_browser)
        case "wheels":
            environment.download(given.folder.resolve())
            print(tr("wheels_done", v=sys.version_info))
        case "reset":
            reset(lesson)
            from hpkit.exercises import progress

            if lesson[:2].isdigit():  # the class hour keeps none
                print(progress(lesson).reset())
        case "test":
            replace([sys.executable, "-m", "pytest", *argv[1:]])
        case "doctor":
            elsewhere = not environment.inside() and environment.missing()
            if elsewhere and (python := environment.existing()):
                replace([python, "-m", "hpkit", *argv])
            return run_checks()
        case "page":
            return maker("page").make(Path(given.out))
        case "build":
            if given.pictures:
                return maker("pictures").make()
            if given.reference or not (given.lesson or given.check):
                maker("reference").make()
            if not given.reference:
                return maker("build").main(given.lesson, check=given.check)


def maker(name):
    """Return a module of notebooks/, which makes files."""
    sys.path.insert(0, str(ROOT / "notebooks"))
    return import_module(name)
