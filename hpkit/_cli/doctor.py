"""``python -m hpkit doctor``: for each check a line, with the way out if it fails.

Standard library only at the top, so that it can report missing packages.
"""

import os
import sys
from importlib import metadata
from pathlib import Path

import hpkit
from hpkit._cli.environment import ROOT, missing, tr
from hpkit._cli.lab import MY_LESSONS
from hpkit.store import home, write

_PACKAGES = ("torch", "numpy", "jupyterlab", "ipywidgets", "anywidget", "ipykernel")
_EXTENSIONS = ("@jupyter-widgets/jupyterlab-manager", "anywidget")


def run_checks():
    """Print the checks; return the exit code, 1 if one of them fails."""
    failed = 0
    for check in (python, packages, extensions, folders, training):
        try:
            line = tr("ok", check=check.__name__, found=check())
        except Exception as error:  # whatever it is, run the other checks
            failed = 1
            line = tr("not_ok", check=check.__name__, found=error)
        print(line, flush=True)
        if failed and check is packages:  # all others would fail for the same reason
            break
    return failed


def python():
    return f"{sys.version.split()[0]} ({sys.executable})"


def packages():
    """Return versions; all requirements are met."""
    if lacking := missing():
        raise RuntimeError(tr("not_met", names=", ".join(lacking)))
    return ", ".join(f"{name} {metadata.version(name)}" for name in _PACKAGES)


def extensions():
    """JupyterLab finds the widgets' extensions, and they are enabled."""
    from jupyter_core.paths import jupyter_path
    from jupyterlab_server.config import get_page_config

    paths = jupyter_path("labextensions")
    disabled = get_page_config(paths)["disabledExtensions"]
    disabled = {name.split(":")[0] for name in disabled}  # "extension:plugin" counts
    python = sys.executable.removeprefix(f"{ROOT}{os.sep}")
    for name in _EXTENSIONS:
        if not any(Path(path, name, "package.json").is_file() for path in paths):
            raise RuntimeError(tr("no_extension", name=name, python=python))
        if name in disabled:
            raise RuntimeError(tr("disabled", name=name, python=python))
    return tr("found", names=", ".join(_EXTENSIONS))


def folders():
    """Lessons, progress and Jupyter's own files can be saved."""
    from jupyter_core.paths import jupyter_runtime_dir

    lessons = ROOT / MY_LESSONS if (ROOT / "notebooks").is_dir() else Path.cwd()
    wanted = (lessons, home(), Path(jupyter_runtime_dir()))
    for folder in wanted:
        existing = next((p for p in (folder, *folder.parents) if p.exists()), folder)
        probe = existing / f"hpkit-{os.getpid()}"
        try:
            write(probe, bytes(10**6))  # an empty file fits even on a full disk
            probe.unlink()
        except OSError as error:
            reason = error.strerror
            raise RuntimeError(tr("not_writable", folder=folder, why=reason)) from None
    return tr("writable", folders=", ".join(map(str, wanted)))


def training():
    try:
        run = hpkit.fit(hpkit.load_dataset("moons"), hpkit.Hyperparameters(epochs=3))
    except OSError as error:  # raised when torch is imported
        if not any(f"WinError {n}]" in str(error) for n in (126, 1114)):
            raise
        raise RuntimeError(tr("no_runtime")) from None
    return tr("trained", loss=run.val_loss[-1])
