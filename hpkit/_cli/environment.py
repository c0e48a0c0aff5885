"""The Python environment that the lessons need: found, or made in ``.venv``.

Standard library only.  An environment will do if its packages meet requirements.txt
and pyproject.toml.
"""

import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import tomllib
from importlib import metadata, util
from pathlib import Path

from hpkit import locale

ROOT = Path(__file__).resolve().parents[2]
PYTHON = "py" if sys.platform == "win32" else "python3"  # its name in a terminal

_TEST_TOOLS = "tests/requirements.txt"  # includes requirements.txt

# Without CUDA, which a machine without an NVIDIA card cannot use: 0.2 GB instead of 3.
CPU_BUILD = "https://download.pytorch.org/whl/cpu"

# Causes of a failure by the pattern of their logs; the first that matches counts.
# Windows translates its messages, but not their numbers.
_CAUSES = {
    "space": r"Errno 28\b|WinError 112\b|No space left|not enough space|quota exceeded",
    "wheels": r"Ignoring indexes[\s\S]*No matching distribution",  # of lab --wheels
    "torch": r"No matching distribution found for torch",
    "certificate": r"CERTIFICATE_VERIFY_FAILED|SSLError",
    # pip gave up on an address: the last of its retries, or a download cut off.
    "network": r"Retry\(total=0|Max retries exceeded|Read timed out|IncompleteRead"
    r"|ProxyError|Network is unreachable|Could not fetch URL",
    "path": r"WinError 206\b|WinError 3\b|Errno 36\b|File name too long|Long Path",
    "scanner": r"WinError 225\b",
    "in_use": r"WinError (5|32)\b",
    "write": r"Errno (13|30)\b|Permission denied|Read-only file system",
    "other": r"",
}


def tr(key, **facts):
    return locale.tr(f"cli.{key}", **facts).replace("python3 -m", f"{PYTHON} -m")


class Failure(Exception):
    """Ends a command with a sentence: what is needed, what was found, the way out."""


def requirements(root=ROOT, tests=False):
    """Return the requirements of the lessons, with `tests` also of tests and builds."""
    if not (root / "pyproject.toml").is_file():  # installed, without the lessons
        return metadata.requires("hpkit")
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    text = (root / "requirements.txt").read_text("utf-8")
    if tests:
        text += (root / _TEST_TOOLS).read_text("utf-8")
    lines = [line for line in text.splitlines() if line and line[0] not in "#-"]
    return project["dependencies"] + lines


def missing(root=ROOT, tests=False):
    """Return the requirements that this Python does not meet, without importing any."""
    try:
        from packaging.requirements import Requirement
    except ImportError:  # JupyterLab would have installed it
        return requirements(root, tests)
    return [r for r in requirements(root, tests) if not _is_met(Requirement(r))]


def _is_met(requirement):
    try:  # None, or an error, where an installation was cut off between its files
        version = metadata.version(requirement.name) or "0.dev0"
    except (metadata.PackageNotFoundError, OSError, KeyError, TypeError):
        return False
    return requirement.specifier.contains(version, prereleases=True)


def ensure(argv, root=ROOT):
    """Return if this Python meets the requirements, else start over in ``.venv``."""
    tests = argv[:1] in (["test"], ["build"])
    try:
        if in_venv(root):
            _install_missing(root, tests)
        elif missing(root, tests):
            python = venv_python(root) or make_venv(root)
            exec_command([python, "-m", "hpkit", *argv], root=root)
    except OSError as error:
        raise diagnose(str(error), root) from None


def in_venv(root=ROOT):
    return Path(sys.prefix).resolve() == (root / ".venv").resolve()


def venv_python(root=ROOT):
    """Return the Python of ``.venv``, or None if it does not exist or does not run."""
    path = "Scripts/python.exe" if sys.platform == "win32" else "bin/python"
    python = root / ".venv" / path
    check = "import sys; sys.exit(sys.version_info < (3, 11))"
    try:
        done = subprocess.run([python, "-c", check], capture_output=True)
    except OSError:
        return None
    return python if done.returncode == 0 else None


def make_venv(root):
    """Make an empty ``.venv``, replacing one that does not run; return its Python."""
    venv = root / ".venv"
    if not (util.find_spec("venv") and util.find_spec("ensurepip")):
        raise Failure(tr("no_venv", python=sys.executable))
    if shutil.disk_usage(root).free < _space_needed() * 1e9:
        raise diagnose("No space left", root)
    print(tr("making"), flush=True)
    if venv.exists():
        shutil.rmtree(venv)
    command = [sys.executable, "-m", "venv", venv]
    done = subprocess.run(command, capture_output=True, text=True)
    python = venv_python(root)
    if done.returncode or python is None:
        print(done.stdout, done.stderr, file=sys.stderr)
        raise diagnose(done.stdout + done.stderr, root)
    return python


def _install_missing(root, tests):
    """Install into the running ``.venv`` what it lacks, or has only a part of."""
    # Ctrl-C or a closed lid may have cut pip off. It installs a package after all that
    # the package needs, and writes RECORD last.
    found = Path(sysconfig.get_path("purelib")).glob("*.dist-info")
    cut_off = [info for info in found if not (info / "RECORD").exists()]
    for info in cut_off:
        shutil.rmtree(info)
    if not (cut_off or missing(root, tests)):  # or what packages need was cut off
        return
    print(tr("installing"), flush=True)
    install(root, tests)
    if lacking := missing(root, tests):
        raise Failure(tr("lacking", what=lacking[0]))


def install(root, tests=False):
    if util.find_spec("pip") is None:  # making .venv was cut off
        subprocess.run([sys.executable, "-m", "ensurepip"], capture_output=True)
    command = [sys.executable, "-m", "pip", "install"]
    give_up_soon = ["--retries", "1", "--timeout", "15"]
    # The pip that comes with Python is old and takes three times as long for an index.
    subprocess.run([*command, "--upgrade", "pip", *give_up_soon], capture_output=True)
    if torch := cpu_torch(missing(root)):
        print(tr("cpu_build"), flush=True)
        options = [*give_up_soon, torch, "--index-url", CPU_BUILD]
        if subprocess.run([*command, *options]).returncode:
            print(tr("usual_build", address=CPU_BUILD), flush=True)
    file = _TEST_TOOLS if tests else "requirements.txt"
    with tempfile.TemporaryDirectory(prefix="hpkit") as folder:
        log = Path(folder, "pip.log")
        done = subprocess.run([*command, "--log", log, "-r", file], cwd=root)
        text = log.read_text("utf-8", "replace") if log.exists() else ""
    if done.returncode:
        raise diagnose(text, root)


def _wants_cuda():
    """Return whether to install torch with CUDA: for a card, or when asked to."""
    card = shutil.which("nvidia-smi") or Path("/proc/driver/nvidia").exists()
    return bool(card) or os.environ.get("HPKIT_TORCH") == "cuda"


def _space_needed():
    # Measured: .venv with the CPU build of torch takes 2.0 GB, with the CUDA build
    # about 7, and pip needs room to unpack.
    return 8 if sys.platform == "linux" and _wants_cuda() else 2.5


def cpu_torch(lines):
    """Return the requirement of torch if its CPU build should be tried, else None."""
    # Users who configured a source of packages for pip get torch from there.
    sources = ("INDEX_URL", "EXTRA_INDEX_URL", "FIND_LINKS", "NO_INDEX", "CONFIG_FILE")
    has_source = any(os.environ.get(f"PIP_{name}") for name in sources)
    if has_source or _wants_cuda() or sys.platform != "linux":
        return None
    return next((line for line in lines if re.match(r"torch\b", line)), None)


def download(folder, root=ROOT):
    """Download to a folder all that ``lab --wheels`` installs without a network."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Failure(tr("not_writable", folder=folder, why=error.strerror)) from None
    command = [sys.executable, "-m", "pip", "download", "--dest", folder]
    build = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["build-system"]
    needed = [*requirements(root), *build["requires"], "editables"]  # last two: -e .
    torch = cpu_torch(needed)
    index = ["--index-url", CPU_BUILD]
    if torch and subprocess.run([*command, torch, *index]).returncode == 0:
        needed.remove(torch)  # else pip may take a newer one from PyPI, with CUDA
    if subprocess.run([*command, *needed]).returncode:
        raise Failure(tr("not_all_wheels", folder=folder))


def use_wheels(folder):
    """Let pip install packages only from this folder."""
    if not list(Path(folder).glob("*.whl")):
        raise Failure(tr("no_wheels", folder=folder))
    links = Path(folder).resolve().as_uri()  # pip splits paths at their spaces
    os.environ |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": links}


def diagnose(log, root):
    """Return a `Failure` that explains a log or message by one of `_CAUSES`."""
    cause = next(c for c, pattern in _CAUSES.items() if re.search(pattern, log, re.I))
    facts = {"space": _space_needed(), "free": shutil.disk_usage(root).free / 1e9}
    facts["machine"] = f"{platform.system()} {platform.machine()}"
    facts["python"] = platform.python_version()
    return Failure(tr(f"causes.{cause}", root=root, **facts))


def exec_command(command, *, root=ROOT, **environ):
    """Replace this process by `command`, run in the project's folder."""
    # Kernels, too, must import hpkit from the clone that was called.
    path = filter(None, [str(root), os.environ.get("PYTHONPATH")])
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(path), **environ}
    command = [str(part) for part in command]
    sys.stdout.flush()
    os.chdir(root)
    if sys.platform != "win32":  # so that the command gets signals and the terminal
        os.execve(command[0], command, environ)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C also reaches the child
    sys.exit(subprocess.call(command, env=environ))
