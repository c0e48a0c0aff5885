"""The Python environment that the lessons need: found, or made in ``.venv``.

Standard library only.  An environment serves when its packages meet requirements.txt
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
PYTHON = "py" if sys.platform == "win32" else "python3"  # what terminals know it by

# In .venv from before the first file until pip is done, so that a call that was cut off
# by Ctrl-C or a closed lid is known.
STAMP = "hpkit-unfinished"
_TEST_TOOLS = "tests/requirements.txt"  # reads requirements.txt, too

# Without CUDA, which a machine without an NVIDIA card cannot use: 0.2 GB instead of 3.
CPU_BUILD = "https://download.pytorch.org/whl/cpu"


# What a log speaks of, the first that fits; Windows says it in any language, with the
# same number.
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
    """Requirements of the lessons; with `tests` also those of tests and builder."""
    if not (root / "pyproject.toml").is_file():  # installed, without the lessons
        return [line for line in metadata.requires("hpkit") if "extra ==" not in line]
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    text, tools = (root / "requirements.txt").read_text("utf-8"), root / _TEST_TOOLS
    if tests and tools.is_file():
        text += tools.read_text("utf-8")
    lines = [line.split(" #")[0].strip() for line in text.splitlines()]
    own = [line for line in lines if line and line[0] not in "#-"]
    return project["dependencies"] + own


def missing(root=ROOT, tests=False):
    """Requirements that this Python's packages do not meet; imports none of them."""
    try:
        from packaging.requirements import Requirement
    except ImportError:  # JupyterLab would have brought it
        return requirements(root, tests)
    return [line for line in requirements(root, tests) if not _met(Requirement(line))]


def _met(want):
    if want.marker is not None and not want.marker.evaluate():
        return True
    try:  # None, or half of it, where an installation was cut off between its files
        there = metadata.version(want.name) or "0.dev0"
    except (metadata.PackageNotFoundError, KeyError, TypeError):
        return False
    return want.specifier.contains(there, prereleases=True)


def ensure(argv, root=ROOT):
    """Return if this Python has the requirements, else go on in ``.venv``."""
    tests = argv[:1] in (["test"], ["build"])
    if inside(root):
        _install_missing(root, tests)
    elif missing(root, tests):
        replace([existing(root) or make(root), "-m", "hpkit", *argv], root=root)


def inside(root=ROOT):
    return Path(sys.prefix).resolve() == (root / ".venv").resolve()


def existing(root=ROOT):
    """Python of the project's ``.venv``, or None if it is not there or does not run."""
    folder = "Scripts/python.exe" if sys.platform == "win32" else "bin/python"
    python = root / ".venv" / folder
    new_enough = "import sys; sys.exit(sys.version_info < (3, 11))"
    try:
        works = subprocess.run([python, "-c", new_enough], capture_output=True)
    except OSError:
        return None
    return python if works.returncode == 0 else None


def make(root):
    """Make an empty ``.venv`` in place of one that does not run; give its Python."""
    venv = root / ".venv"
    if not (util.find_spec("venv") and util.find_spec("ensurepip")):
        raise Failure(tr("no_venv", python=sys.executable))
    if shutil.disk_usage(root).free < _space_needed() * 1e9:
        raise failure("No space left", root)
    print(tr("making"), flush=True)
    try:
        if venv.exists():
            shutil.rmtree(venv)
        venv.mkdir()
        (venv / STAMP).touch()
    except OSError as error:
        raise failure(str(error), root) from None
    command = [sys.executable, "-m", "venv", venv]
    done = subprocess.run(command, capture_output=True, text=True)
    python = existing(root)
    if done.returncode or python is None:
        print(done.stdout, done.stderr, file=sys.stderr)
        raise failure(done.stdout + done.stderr, root)
    return python


def _install_missing(root, tests):
    """Install the requirements into the running ``.venv`` unless that is done."""
    stamp = root / ".venv" / STAMP
    if not stamp.exists() and not missing(root, tests):
        return
    print(tr("installing"), flush=True)
    try:
        if stamp.exists():  # pip installs again what it was cut off in
            for info in Path(sysconfig.get_path("purelib")).glob("*.dist-info"):
                if not (info / "RECORD").exists():  # which it writes last
                    shutil.rmtree(info)
        stamp.touch()
        install(root, tests)
        stamp.unlink()
    except OSError as error:
        raise failure(str(error), root) from None
    if lacking := missing(root, tests):
        raise Failure(tr("lacking", what=lacking[0]))


def install(root, tests=False):
    if util.find_spec("pip") is None:  # cut off while .venv was made
        subprocess.run([sys.executable, "-m", "ensurepip"], capture_output=True)
    command = [sys.executable, "-m", "pip", "install"]
    quick = ["--retries", "1", "--timeout", "15"]
    # Python brings an old pip, which reads an index three times as slowly.
    subprocess.run([*command, "--upgrade", "pip", *quick], capture_output=True)
    if torch := cpu_torch(missing(root)):
        print(tr("cpu_build"), flush=True)
        quick += [torch, "--index-url", CPU_BUILD]
        if subprocess.run([*command, *quick]).returncode:
            print(tr("usual_build", address=CPU_BUILD), flush=True)
    own = tests and (root / _TEST_TOOLS).is_file()
    file = _TEST_TOOLS if own else "requirements.txt"
    with tempfile.TemporaryDirectory(prefix="hpkit") as folder:
        log = Path(folder, "pip.log")
        done = subprocess.run([*command, "--log", log, "-r", file], cwd=root)
        text = log.read_text("utf-8", "replace") if log.exists() else ""
    if done.returncode:
        raise failure(text, root)


def _takes_cuda():
    """Say whether the CUDA build of torch is wanted: for a card, or when asked."""
    card = shutil.which("nvidia-smi") or Path("/proc/driver/nvidia").exists()
    return bool(card) or os.environ.get("HPKIT_TORCH") == "cuda"


def _space_needed():
    # Measured: .venv with the CPU build of torch takes 2.0 GB, with the CUDA build
    # about 7, and pip unpacks beside it.
    return 8 if sys.platform == "linux" and _takes_cuda() else 2.5


def cpu_torch(lines):
    """Give torch's of the requirements if its CPU build is to come first, else None."""
    # Whoever gave pip a source of packages gets torch from there.
    sources = ("INDEX_URL", "EXTRA_INDEX_URL", "FIND_LINKS", "NO_INDEX", "CONFIG_FILE")
    own = any(os.environ.get(f"PIP_{name}") for name in sources)
    linux = sys.platform == "linux" and platform.machine() == "x86_64"
    if own or _takes_cuda() or not linux:
        return None
    return next((line for line in lines if re.match(r"torch\b", line)), None)


def download(folder, root=ROOT):
    """Fill a folder with all that ``lab --wheels`` installs without a network."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Failure(tr("not_writable", folder=folder, why=error.strerror)) from None
    command = [sys.executable, "-m", "pip", "download", "--dest", folder]
    build = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["build-system"]
    needed = [*requirements(root), *build["requires"], "editables"]  # for -e .
    torch = cpu_torch(needed)
    index = ["--index-url", CPU_BUILD]
    if torch and subprocess.run([*command, torch, *index]).returncode == 0:
        needed.remove(torch)  # the usual index may have a newer one, with CUDA
    if subprocess.run([*command, *needed]).returncode:
        raise Failure(tr("not_all_wheels", folder=folder))


def use_wheels(folder):
    """Let pip take packages from this folder alone."""
    if not list(Path(folder).glob("*.whl")):
        raise Failure(tr("no_wheels", folder=folder))
    links = Path(folder).resolve().as_uri()  # pip parts paths at their spaces
    os.environ |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": links}


def failure(text, root):
    """Failure for the first of `_CAUSES` that `text` (a log, a message) speaks of."""
    cause = next(c for c, signs in _CAUSES.items() if re.search(signs, text, re.I))
    facts = {"space": _space_needed(), "free": shutil.disk_usage(root).free / 1e9}
    facts["machine"] = f"{platform.system()} {platform.machine()}"
    facts["python"] = platform.python_version()
    return Failure(tr(f"causes.{cause}", root=root, **facts))


def replace(command, *, root=ROOT, **environ):
    """Go on as `command` in the project's folder; its exit code becomes this one's."""
    # The clone that was called is the one that is imported, also by the kernels.
    path = filter(None, [str(root), os.environ.get("PYTHONPATH")])
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(path), **environ}
    command = [str(part) for part in command]
    sys.stdout.flush()
    os.chdir(root)
    if sys.platform != "win32":  # signals and the terminal are then the command's own
        os.execve(command[0], command, environ)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the child as well
    sys.exit(subprocess.call(command, env=environ))
