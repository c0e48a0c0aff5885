"""The commands of ``python -m hpkit``.  Standard library only, for a bare Python.

Here the arguments are read; ``environment`` finds or makes the environment, ``lab``
and ``doctor`` do what their names say, ``notebooks/build.py`` builds.
"""

import argparse
import sys
from importlib import import_module
from pathlib import Path

from hpkit._cli import environment
from hpkit._cli.environment import ROOT, Failure, ensure, replace, say
from hpkit._cli.lab import lesson_name, open_lab, reset


def main(argv):
    """Run one command; end the process with its exit code, 1 after a Failure."""
    try:
        # pytest's arguments are pytest's, also those that look like ours.
        if argv[:1] == ["test"]:
            run_test(argv)
        arguments = parser().parse_args(argv)
        sys.exit(arguments.run(arguments, argv))
    except Failure as failure:
        sys.exit(str(failure))
    except KeyboardInterrupt:
        sys.exit("Stopped; the next call goes on from here.")


def parser():
    top = argparse.ArgumentParser(
        prog="python -m hpkit", description="Lessons on hyperparameters: start here."
    )
    commands = top.add_subparsers(required=True, metavar="command")
    commands.add_parser("test", help="run all tests, or pytest's arguments")
    sub = commands.add_parser("lab", help="open JupyterLab at a lesson")
    sub.set_defaults(run=run_lab)
    sub.add_argument("lesson", nargs="?", help="its number, as 02 (default: the first)")
    sub.add_argument("--port", type=int, help="default: a free one from 8888 on")
    sub.add_argument("--no-browser", action="store_true", help="print the address only")
    sub.add_argument("--wheels", metavar="FOLDER", help="install from there, offline")
    sub = commands.add_parser("wheels", help="download what lab installs, for --wheels")
    sub.set_defaults(run=run_wheels)
    sub.add_argument("folder", type=Path)
    sub = commands.add_parser("reset", help="renew your copy of a lesson")
    sub.set_defaults(run=run_reset)
    sub.add_argument("lesson", help="its number, as 02")
    sub = commands.add_parser("doctor", help="check that everything works")
    sub.set_defaults(run=run_doctor)
    sub = commands.add_parser("build", help="make the notebooks from notebooks/src")
    sub.set_defaults(run=run_build)
    sub.add_argument("lesson", nargs="?", help="its number (default: all)")
    sub.add_argument("--check", action="store_true", help="compare, write nothing")
    sub.add_argument("--pictures", action="store_true", help="those of the README only")
    sub.add_argument("--reference", action="store_true", help="REFERENCE.md only")
    sub = commands.add_parser("page", help="make the page to try without installing")
    sub.set_defaults(run=run_page)
    sub.add_argument("--out", default="site", help="folder (default: site)")
    return top


def run_lab(arguments, argv):
    """Open a lesson; what cannot work is said before anything is installed."""
    lesson = lesson_name(arguments.lesson)
    if arguments.wheels:
        environment.use_wheels(arguments.wheels)
    ensure(argv)
    open_lab(lesson, arguments.port, browser=not arguments.no_browser)


def run_wheels(arguments, argv):
    """Download the packages; on a memory stick they install without a network."""
    ensure(argv)
    environment.download(arguments.folder.resolve())
    print(say("wheels_done", v=sys.version_info))


def run_reset(arguments, argv):
    """Renew the copy of a lesson, then ask whether to forget its progress, too."""
    lesson = lesson_name(arguments.lesson)
    ensure(argv)
    reset(lesson)
    from hpkit.exercises import progress

    if lesson[:2].isdigit():  # the class hour keeps none
        print(progress(lesson).reset())


def run_test(argv):
    """Run pytest; without arguments over all tests, docstrings and notebooks."""
    if not (ROOT / "tests").is_dir() or not (ROOT / "notebooks").is_dir():
        raise Failure(say("no_tests", root=ROOT))
    ensure(argv)
    replace([sys.executable, "-m", "pytest", *argv[1:]])


def run_doctor(_, argv):
    """Check this environment, or the project's .venv; never installs."""
    from hpkit._cli.doctor import report

    elsewhere = not environment.inside() and environment.missing()
    if elsewhere and (python := environment.existing()):
        replace([python, "-m", "hpkit", *argv])
    return report()


def run_build(arguments, argv):
    ensure(argv)
    if arguments.pictures:
        return maker("pictures").make()
    if arguments.reference or not (arguments.lesson or arguments.check):
        maker("reference").make()
        if arguments.reference:
            return 0
    return maker("build").main(arguments.lesson, check=arguments.check)


def run_page(arguments, argv):
    ensure(argv)
    return maker("page").make(Path(arguments.out))


def maker(name):
    """Return a module of notebooks/, which makes files."""
    sys.path.insert(0, str(ROOT / "notebooks"))
    return import_module(name)
