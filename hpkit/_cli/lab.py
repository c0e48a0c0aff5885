"""``python -m hpkit lab``: JupyterLab at a lesson, one of the learner's copies.

The project's own notebooks stay unchanged, so an update of the project never conflicts
with what a learner wrote.  Standard library only.
"""

import hashlib
import json
import os
import sys
from contextlib import suppress

from hpkit._cli.environment import ROOT, Failure, exec_command, tr
from hpkit.store import write

# One for each clone: a shared one would reopen the lessons of the other clone.
_WORKSPACE = f"hpkit-{hashlib.sha256(bytes(ROOT)).hexdigest()[:6]}"
MY_LESSONS = "my-lessons"
# Digests of what each copy was made from: a lesson with another has been updated since.
RECORD = ".copied.json"
PAGES = ("glossary.md", "REFERENCE.md")


def lesson_name(number, root=ROOT):
    """Return the name of lesson `number` ("2", "02", "class"; None: the first)."""
    folder = root / "notebooks"
    paths = *folder.glob("[0-9][0-9]_*.ipynb"), *folder.glob("class_*.ipynb")
    stems = sorted((path.stem for path in paths), reverse=True)
    names = {stem.partition("_")[0]: stem for stem in stems}  # the first of a number
    wanted = min(names) if number is None else number.zfill(2)
    if wanted not in names:
        raise Failure(tr("no_lesson", numbers=", ".join(sorted(names)), number=number))
    return names[wanted]


def open_lab(lesson, port=None, browser=True):
    options = {
        "ServerApp.root_dir": refresh(),
        "LabApp.default_url": address(f"{lesson}.ipynb"),
        "ServerApp.answer_yes": True,  # Ctrl-C stops without asking
    }
    if port is not None:
        # If the port is taken, JupyterLab reports it and ends.
        options |= {"ServerApp.port": port, "ServerApp.port_retries": 0}
    # The log would push what `refresh` printed off the screen.
    quiet = {"Application.log_level": "WARN"}
    options |= quiet if browser else {"ServerApp.open_browser": False}
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options["ServerApp.allow_root"] = True
    command = [sys.executable, "-m", "jupyterlab"]
    command += [f"--{name}={value}" for name, value in options.items()]
    exec_command(command, **settings())


def address(path):
    """Return where JupyterLab opens a notebook, in hpkit's own workspace."""
    # A workspace of its own leaves other work as it was. It first opens with the file
    # browser closed, to give panels more room.
    with suppress(Exception):  # a damaged or read-only workspace stops no lesson
        from jupyterlab.commands import get_workspaces_dir
        from jupyterlab_server.workspaces_handler import WorkspacesManager

        manager = WorkspacesManager(get_workspaces_dir())
        if not manager.load(_WORKSPACE)["data"]:
            dock = {"type": "tab-area", "widgets": []}
            layout = {"main": {"dock": dock}, "left": {"collapsed": True}}
            new = {"data": {"layout-restorer:data": layout}}
            manager.save(_WORKSPACE, json.dumps(new | {"metadata": {"id": _WORKSPACE}}))
    return f"/lab/workspaces/{_WORKSPACE}/tree/{path}"


def settings(environ=os.environ):
    """Return environment variables that make JupyterLab read what is beside, too."""
    # This changes nobody's configuration: a page saved from the menu has hpkit's look;
    # widget messages go by the main shell (over subshells they arrive in other threads,
    # and only with some kernels); no question about news.
    path = filter(None, [os.path.dirname(__file__), environ.get("JUPYTER_CONFIG_PATH")])
    return {
        "JUPYTER_CONFIG_PATH": os.pathsep.join(path),
        # The kernel "python3" is this environment's, not one of the home folder.
        "JUPYTER_PREFER_ENV_PATH": "1",
    }


def refresh(root=ROOT):
    """Copy new and updated lessons to my-lessons/; return the folder to open."""
    source, folder = root / "notebooks", root / MY_LESSONS
    try:
        folder.mkdir(exist_ok=True)
        record = {}
        with suppress(FileNotFoundError, ValueError, TypeError):  # none yet, or damaged
            record = dict(json.loads((folder / RECORD).read_text()))
        originals = (path for name in ("*.ipynb", *PAGES) for path in source.glob(name))
        for original in originals:
            name, mine = original.name, folder / original.name
            old, new, copied = _digest(mine), _digest(original), record.get(name)
            if not mine.exists() or (old != new and copied == old):
                write(mine, original.read_bytes())  # the learner wrote nothing in it
            elif old != new and copied != new:  # save the update beside it
                update = _free_path(mine, "new")
                write(update, original.read_bytes())
                key = "updated_page" if name in PAGES else "updated"  # `reset` has none
                print(tr(key, name=name, new=update, number=name.partition("_")[0]))
            if copied != new:  # at once: what fails later must not repeat an update
                record[name] = new
                write(folder / RECORD, json.dumps(record, indent=0))
    except OSError as error:
        print(tr("no_copies", folder=folder, why=error.strerror))
        return source
    return folder


def reset(lesson, root=ROOT):
    """Replace the learner's copy of a lesson by a new one, and keep the old one."""
    mine = root / MY_LESSONS / f"{lesson}.ipynb"
    failure = Failure(tr("not_renewed", folder=mine.parent, name=mine.name))
    if mine.is_file():
        old = _free_path(mine, "old")
        try:
            os.replace(mine, old)
        except OSError:
            raise failure from None
        print(tr("kept", folder=MY_LESSONS, name=old.name))
    if refresh(root) != mine.parent:
        raise failure
    print(tr("renewed", folder=MY_LESSONS, name=mine.name))


def _digest(path):
    """Hash a file, of a notebook only the cells: opening it changes the rest."""
    content = path.read_bytes() if path.exists() else b""
    with suppress(ValueError, KeyError, TypeError):
        content = json.dumps(json.loads(content)["cells"], sort_keys=True).encode()
    return hashlib.sha256(content).hexdigest()


def _free_path(path, word):
    """Return a path that does not exist: 02.old.ipynb, 02.old-2.ipynb, ..."""
    ends = ("" if n == 1 else f"-{n}" for n in range(1, 1000))
    paths = (path.with_name(f"{path.stem}.{word}{end}{path.suffix}") for end in ends)
    return next(free for free in paths if not free.exists())
