"""``python -m hpkit lab``: JupyterLab at a lesson, one of the learner's copies.

The project's own notebooks stay as they are, so an update of the project meets nothing
that a learner wrote.  Standard library only.
"""

import hashlib
import json
import os
import sys
from contextlib import suppress
from pathlib import Path

from hpkit._cli.environment import ROOT, Failure, replace, tr
from hpkit.store import write

# One for each copy of the project: another one's lessons would be opened with its own.
_WORKSPACE = f"hpkit-{hashlib.sha256(bytes(ROOT)).hexdigest()[:6]}"
MY_LESSONS = "my-lessons"
# What each copy was made from: a lesson that differs from it has been updated since.
RECORD = ".copied.json"
PAGES = ("glossary.md", "REFERENCE.md")


def lesson_name(number, root=ROOT):
    """Name of lesson `number` ("2", "02", "class"; None: the first)."""
    folder = root / "notebooks"
    found = *folder.glob("[0-9][0-9]_*.ipynb"), *folder.glob("class_*.ipynb")
    stems = sorted((p.stem for p in found), reverse=True)
    names = {stem.partition("_")[0]: stem for stem in stems}  # the first of a number
    if not names:
        raise Failure(tr("no_lessons", folder=folder))
    wanted = min(names) if number is None else number.zfill(2)
    if wanted not in names:
        raise Failure(tr("no_lesson", numbers=", ".join(sorted(names)), number=number))
    return names[wanted]


def open_lab(lesson, port=None, browser=True):
    options = {
        "ServerApp.root_dir": refresh(),
        "LabApp.default_url": address(f"{lesson}.ipynb"),
        "ServerApp.answer_yes": True,  # Ctrl-C stops, without a question
    }
    if port is not None:
        # A taken one ends JupyterLab, which says so.
        options |= {"ServerApp.port": port, "ServerApp.port_retries": 0}
    # Its log would push the address, and what `refresh` said, off the screen.
    quiet = {"Application.log_level": "WARN"}
    options |= quiet if browser else {"ServerApp.open_browser": False}
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options["ServerApp.allow_root"] = True
    command = [sys.executable, "-m", "jupyterlab"]
    command += [f"--{name}={value}" for name, value in options.items()]
    replace(command, **settings())


def address(path):
    """Return where JupyterLab opens a notebook, in a workspace of hpkit's."""
    # What was open in other work stays there. At its first start the list of files is
    # closed, so that a panel has the room.
    with suppress(Exception):  # a damaged or read-only workspace stops no lesson
        from jupyterlab.commands import get_workspaces_dir
        from jupyterlab_server.workspaces_handler import WorkspacesManager

        manager = WorkspacesManager(get_workspaces_dir())
        if not manager.load(_WORKSPACE)["data"]:
            dock = {"type": "tab-area", "widgets": []}
            first = {"main": {"dock": dock}, "left": {"collapsed": True}}
            new = {"data": {"layout-restorer:data": first}}
            manager.save(_WORKSPACE, json.dumps(new | {"metadata": {"id": _WORKSPACE}}))
    return f"/lab/workspaces/{_WORKSPACE}/tree/{path}"


def settings(environ=os.environ):
    """Environment variables that add hpkit's settings, labconfig/, to JupyterLab's."""
    # For this one process, so nobody's configuration is written. In it: widget messages
    # go by the main shell (over subshells they arrive in other threads, and only with
    # some kernels), no question about news.
    own = str(Path(__file__).parent)
    path = filter(None, [own, environ.get("JUPYTER_CONFIG_PATH")])
    return {
        "JUPYTER_CONFIG_PATH": os.pathsep.join(path),
        # The kernel "python3" is this environment's, not one of the home folder.
        "JUPYTER_PREFER_ENV_PATH": "1",
    }


def refresh(root=ROOT):
    """Copy what my-lessons/ lacks, lay updates beside it; give the folder to open."""
    source, folder = root / "notebooks", root / MY_LESSONS
    try:
        folder.mkdir(exist_ok=True)
        known = _digests(folder)
        pages = (path for name in PAGES for path in source.glob(name))
        for original in [*source.glob("*.ipynb"), *pages]:
            name, mine = original.name, folder / original.name
            old, new, made_of = digest(mine), digest(original), known.get(name)
            if not mine.exists() or (old != new and made_of == old):
                write(mine, original.read_bytes())  # nothing of the learner's is in it
            elif old != new and made_of != new:
                beside, number = _free_name(mine, "new"), name.partition("_")[0]
                write(beside, original.read_bytes())
                print(tr("updated", name=name, new=beside, number=number))
            known[name] = new
        if known != _digests(folder):
            write(folder / RECORD, json.dumps(known, indent=0))
    except OSError as error:
        print(tr("no_copies", folder=folder, why=error.strerror))
        return source
    return folder


def reset(lesson, root=ROOT):
    """Put a new copy of a lesson in place of the learner's, which is kept aside."""
    mine = root / MY_LESSONS / f"{lesson}.ipynb"
    failure = Failure(tr("not_renewed", folder=mine.parent, name=mine.name))
    if mine.is_file():
        old = _free_name(mine, "old")
        try:
            os.replace(mine, old)
        except OSError:
            raise failure from None
        print(tr("kept", folder=MY_LESSONS, name=old.name))
    if refresh(root) != mine.parent:
        raise failure
    print(tr("renewed", folder=MY_LESSONS, name=mine.name))


def digest(path):
    """Give that of the cells, which opening leaves alone; of another file, of all."""
    content = path.read_bytes() if path.exists() else b""
    with suppress(ValueError, KeyError, TypeError):
        content = json.dumps(json.loads(content)["cells"], sort_keys=True).encode()
    return hashlib.sha256(content).hexdigest()


def _digests(folder):
    """Give the digests of what was copied; none where the file is damaged."""
    with suppress(FileNotFoundError, ValueError, TypeError):
        return dict(json.loads((folder / RECORD).read_text()))
    return {}


def _free_name(path, word):
    """Give a name beside `path` that nothing has: 02.old.ipynb, 02.old-2.ipynb."""
    ends = ("" if n == 1 else f"-{n}" for n in range(1, 1000))
    paths = (path.with_name(f"{path.stem}.{word}{end}{path.suffix}") for end in ends)
    return next(new for new in paths if not new.exists())
