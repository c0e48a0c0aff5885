"""``python -m hpkit lab``: JupyterLab at a lesson.  Standard library only."""

import json
import os
import sys
from contextlib import suppress
from pathlib import Path

from hpkit._cli.copies import refresh
from hpkit._cli.environment import ROOT, Failure, replace, say

WORKSPACE = "hpkit"


def lesson_name(number, root=ROOT):
    """Name of lesson `number` ("2", "02", "class"; None: the first)."""
    folder = root / "notebooks"
    found = *folder.glob("[0-9][0-9]_*.ipynb"), *folder.glob("class_*.ipynb")
    names = sorted(p.stem for p in found)
    if not names:
        raise Failure(say("no_lessons", folder=folder))
    for name in names:
        if number is None or name.partition("_")[0] == number.zfill(2):
            return name
    numbers = ", ".join(name.partition("_")[0] for name in names)
    raise Failure(say("no_lesson", numbers=numbers, number=number))


def open_lab(lesson, port=None, browser=True):
    options = {
        "ServerApp.root_dir": refresh(),
        "LabApp.default_url": address(f"{lesson}.ipynb"),
        "ServerApp.answer_yes": True,  # Ctrl-C stops, without a question
    }
    if port is not None:
        # A taken one ends JupyterLab, which says so.
        options |= {"ServerApp.port": port, "ServerApp.port_retries": 0}
    if not browser:
        options["ServerApp.open_browser"] = False
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
        if not manager.load(WORKSPACE)["data"]:
            dock = {"type": "tab-area", "widgets": []}
            first = {"main": {"dock": dock}, "left": {"collapsed": True}}
            new = {"data": {"layout-restorer:data": first}}
            manager.save(WORKSPACE, json.dumps(new | {"metadata": {"id": WORKSPACE}}))
    return f"/lab/workspaces/{WORKSPACE}/tree/{path}"


def settings(environ=os.environ):
    """Environment variables that add hpkit's settings, labconfig/, to JupyterLab's."""
    # For this one process, so nobody's configuration is written. In it: widget messages
    # go by the main shell (over subshells they arrive in other threads, and only with
    # some kernels), no question about news.
    own = Path(__file__).parent
    path = [str(own), *filter(None, [environ.get("JUPYTER_CONFIG_PATH")])]
    return {
        "JUPYTER_CONFIG_PATH": os.pathsep.join(path),
        # The kernel "python3" is this environment's, not one of the home folder.
        "JUPYTER_PREFER_ENV_PATH": "1",
    }
