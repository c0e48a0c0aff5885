"""The commands, on a small project with its own wheels instead of a network.

The project has the real ``hpkit/_cli``, one lesson, and needs ``thing``, a wheel whose
modules ``jupyterlab`` and ``pytest`` print how they were called.
"""

import ast
import json
import os
import re
import runpy
import shutil
import signal
import socket
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path
from unittest.mock import MagicMock, Mock

import pytest
from harness import send, wait_for_server
from packaging.specifiers import SpecifierSet
from packaging.version import Version

import hpkit
from hpkit import _cli
from hpkit._cli import doctor, environment, lab
from hpkit._cli.environment import PYTHON, ROOT, Failure

FAKE = """
import json, os, sys
if __name__ == "__main__":
    print(json.dumps([sys.argv[1:], os.environ["PYTHONPATH"], sys.prefix]))
    sys.exit(7)
"""


def wheel(folder, name, version, files, more=""):
    """Write a wheel, which is a zip file with a list of itself."""
    info = f"{name}-{version}.dist-info"
    files = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\n"
        f"Version: {version}\n{more}",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any",
    }
    record = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        for path, text in {**files, f"{info}/RECORD": record}.items():
            archive.writestr(path, text)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Folder of the small project; its .venv is as the last test left it."""
    root = tmp_path_factory.mktemp("with a space") / "project"
    for name in ("_cli", "locale"):
        shutil.copytree(ROOT / "hpkit" / name, root / "hpkit" / name)
    for name in ("__init__.py", "__main__.py", "store.py"):
        shutil.copy(ROOT / "hpkit" / name, root / "hpkit")
    for name in ("tests", "notebooks", "wheels"):
        (root / name).mkdir()
    (root / "notebooks" / "00_start.ipynb").touch()
    (root / "notebooks" / "02_learning_rate.ipynb").touch()
    (root / "pyproject.toml").write_text("[project]\ndependencies = []\n")
    (root / "tests" / "requirements.txt").write_text("-r ../requirements.txt\n")
    fakes = {"jupyterlab.py": FAKE, "pytest.py": FAKE}
    wheel(root / "wheels", "thing", "1.0", fakes)
    wheel(root / "wheels", "other", "2.0", {"other.py": ""})
    wheel(root / "wheels", "tool", "2.0", {"tool.py": ""})
    files = [f for f in metadata.files("packaging") if f.suffix == ".py"]
    texts = {str(f): f.locate().read_text("utf-8") for f in files}
    wheel(root / "wheels", "packaging", metadata.version("packaging"), texts)
    return root


@pytest.fixture
def call(project):
    """Call ``python -m hpkit`` in the project with a Python that lacks ``thing``."""
    lines = ["--no-index", "--find-links wheels", "packaging", "thing>=1"]
    (project / "requirements.txt").write_text("\n".join(lines) + "\n")

    def call(*arguments, **environ):
        clean = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        return subprocess.run(
            [sys._base_executable, "-m", "hpkit", *arguments],
            cwd=project,
            env={**clean, "PIP_FIND_LINKS": "", "PIP_NO_INDEX": "1", **environ},
            capture_output=True,
            text=True,
        )

    return call


def require(project, line):
    with open(project / "requirements.txt", "a") as file:
        file.write(line + "\n")


def sentence(done):
    """Give the sentence that a failed call ended with."""
    assert done.returncode == 1, done
    assert "Traceback" not in done.stderr
    return done.stderr.strip().splitlines()[-1]


def test_first_call_makes_venv_and_goes_on_in_it(project, call):
    done = call("test", "-k", "lab", "--port=1")
    assert "Making .venv" in done.stdout
    assert "Successfully installed" in done.stdout
    arguments, path, prefix = json.loads(done.stdout.splitlines()[-1])
    assert arguments == ["-k", "lab", "--port=1"]
    assert path.split(os.pathsep)[0] == str(project)
    assert Path(prefix) == project / ".venv"
    assert done.returncode == 7


@pytest.fixture
def bare(tmp_path, monkeypatch):
    """Return a project that lacks torch, on Linux without a card and pip's settings."""
    (tmp_path / "pyproject.toml").write_text("[project]\ndependencies = []\n")
    (tmp_path / "requirements.txt").write_text("torch>=99\ntorchvision>=99\n")
    for name in [*os.environ]:
        if name.startswith("PIP_") or name == "HPKIT_TORCH":
            monkeypatch.delenv(name)
    monkeypatch.setattr(environment.shutil, "which", lambda name: None)
    monkeypatch.setattr(environment.sys, "platform", "linux")
    return tmp_path


@pytest.mark.parametrize("files", [[], ["METADATA"]])
def test_a_package_that_was_cut_off_is_missing(bare, monkeypatch, files):
    usual = SpecifierSet.contains

    def contains(specifiers, version, **options):
        return usual(specifiers, Version(version), **options)

    info = bare / "torch-99.0.dist-info"
    info.mkdir()
    for name in files:
        (info / name).touch()
    monkeypatch.syspath_prepend(bare)
    monkeypatch.setattr(SpecifierSet, "contains", contains)  # as in packaging 24
    assert environment.missing(bare)[0] == "torch>=99"


@pytest.mark.parametrize("name", ["HPKIT_TORCH", "PIP_INDEX_URL", "PIP_FIND_LINKS"])
def test_whoever_chose_a_source_gets_it(bare, monkeypatch, name):
    monkeypatch.setenv(name, "cuda")
    assert environment.cpu_torch(environment.missing(bare)) is None


def test_linux_without_a_card_takes_the_cpu_build_and_no_other(bare, monkeypatch):
    assert environment.cpu_torch(environment.missing(bare)) == "torch>=99"
    (bare / "requirements.txt").write_text("pytest>=1\n")
    assert environment.cpu_torch(environment.missing(bare)) is None
    (bare / "requirements.txt").write_text("torch>=99\n")
    with monkeypatch.context() as patch:
        patch.setattr(environment.shutil, "which", lambda name: "/usr/bin/nvidia-smi")
        assert environment.cpu_torch(environment.missing(bare)) is None
    monkeypatch.setattr(environment.sys, "platform", "darwin")
    assert environment.cpu_torch(environment.missing(bare)) is None


def test_cpu_build_that_is_not_reached_is_said_and_the_usual_one_taken(
    bare, monkeypatch, capsys
):
    calls = []

    def run(command, **_):
        calls.append([str(part) for part in command])
        return subprocess.CompletedProcess(command, environment.CPU_BUILD in command)

    monkeypatch.setattr(environment.subprocess, "run", run)
    environment.install(bare)

    pip, first, second = calls  # the pip that Python brings is old, and slow
    assert pip[4:6] == ["--upgrade", "pip"]
    assert first[first.index("--index-url") + 1] == environment.CPU_BUILD
    assert "torch>=99" in first
    assert second[-2:] == ["-r", "requirements.txt"]
    assert "could not be reached" in capsys.readouterr().out


def test_second_call_starts_at_once_and_an_unfinished_venv_is_filled(project, call):
    call("test")
    begin = sum(os.times()[2:4])  # what processes that have ended have worked

    done = call("test")

    assert len(done.stdout.splitlines()) == 1
    assert sum(os.times()[2:4]) - begin < 5
    next(Path(project, ".venv").glob("**/thing-1.0.dist-info/RECORD")).unlink()
    assert "Installing" in call("test").stdout
    assert "Installing" not in call("test").stdout
    require(project, "# a comment\nother>=2")
    assert "other-2.0" in call("test").stdout
    require(project, "absent>=3")
    assert "computer of the same kind" in sentence(call("test"))


def test_lab_opens_the_lesson_in_jupyterlab_on_the_port_asked_for(project, call):
    done = call("lab", "--port", "1")
    options = {*json.loads(done.stdout.splitlines()[-1])[0]}
    assert {"--ServerApp.port=1", "--ServerApp.port_retries=0"} <= options
    assert "--Application.log_level=WARN" in options
    assert "one of 00, 02, got 77" in sentence(call("lab", "77"))
    done = call("lab", "2", "--no-browser")
    arguments, _, _ = json.loads(done.stdout.splitlines()[-1])
    page = r"url=/lab/workspaces/hpkit-[\da-f]{6}/tree/02_learning_rate\.ipynb"
    assert re.search(page, " ".join(arguments))  # a workspace for each copy
    assert f"--ServerApp.root_dir={project / 'my-lessons'}" in arguments
    assert "--ServerApp.open_browser=False" in arguments
    assert "--Application.log_level=WARN" not in arguments  # which tells the address


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    """Return how to read hpkit's workspace, in a folder of its own."""
    monkeypatch.setenv("JUPYTERLAB_WORKSPACES_DIR", str(tmp_path))
    return lambda: next(tmp_path.glob("hpkit*"))


def test_first_start_closes_the_list_of_files_and_later_ones_change_nothing(workspace):
    assert lab.address("00_start.ipynb").endswith("/tree/00_start.ipynb")
    saved = json.loads(workspace().read_text())
    assert saved["data"]["layout-restorer:data"]["left"] == {"collapsed": True}

    saved["data"]["layout-restorer:data"]["left"]["collapsed"] = False
    workspace().write_text(json.dumps(saved))
    assert lab.address("02_learning_rate.ipynb").endswith("/02_learning_rate.ipynb")
    assert json.loads(workspace().read_text()) == saved


@pytest.mark.parametrize("text", ["", "{", '{"data": 3}', "3"])
def test_damaged_workspace_stops_no_lesson(workspace, text):
    lab.address("00_start.ipynb")
    workspace().write_text(text)
    assert lab.address("00_start.ipynb").endswith("/tree/00_start.ipynb")


def test_lesson_is_named_by_its_number_and_the_class_by_its_name(tmp_path):
    (tmp_path / "notebooks").mkdir()
    names = ["00_start", "02_learning_rate", "class_50"]
    for name in (*names, "my_own", "02_learning_rate_solved", "class_50-Copy1"):
        (tmp_path / "notebooks" / f"{name}.ipynb").touch()
    assert [lab.lesson_name(n, tmp_path) for n in (None, "2", "class")] == names


def test_tools_of_the_tests_come_with_the_tests(project, call):
    tools = project / "tests" / "requirements.txt"
    text = tools.read_text()
    tools.write_text(text + "tool>=2\n")
    site = next(Path(project, ".venv").glob("**/site-packages"))
    call("lab")
    before = (site / "tool.py").exists()

    call("test")
    again = call("lab")
    tools.write_text(text)

    assert not before
    assert (site / "tool.py").exists()
    assert "Installing" not in again.stdout


def test_wheels_on_a_stick_install_without_a_network(project, call):
    """The index is a closed port: what is not on the stick cannot come."""
    (project / "pyproject.toml").write_text(
        '[project]\ndependencies = []\n[build-system]\nrequires = ["other"]\n'
    )
    wheel(project / "wheels", "editables", "1.0", {"editables.py": ""})
    done = call("wheels", "stick", PIP_FIND_LINKS=(project / "wheels").as_uri())
    assert done.returncode == 0, done
    assert len(list((project / "stick").glob("*.whl"))) == 4
    for part in Path(project, ".venv").glob("**/site-packages/thing*"):
        shutil.rmtree(part)
    (project / "requirements.txt").write_text("packaging\nthing>=1\n")

    closed = {"PIP_NO_INDEX": "", "PIP_INDEX_URL": "http://127.0.0.1:1"}
    done = call("lab", "--wheels", "stick", **closed)

    assert "Successfully installed" in done.stdout
    assert done.returncode == 7
    assert "no wheel" in sentence(call("lab", "--wheels", "tests"))


def test_venv_cut_off_before_pip_and_within_a_package_is_repaired(project, call):
    call("test")
    site = next(Path(project, ".venv").glob("**/site-packages"))
    for folder in [*site.glob("pip"), *site.glob("pip-*")]:
        shutil.rmtree(folder)
    for file in ["pytest.py", "thing-1.0.dist-info/RECORD"]:
        (site / file).unlink()

    done = call("test")

    assert done.returncode == 7, done
    assert "Installing" in done.stdout
    assert "Installing" not in call("test").stdout


def test_what_a_package_needs_is_repaired_when_an_upgrade_was_cut_off(project, call):
    wheel(project / "wheels", "under", "1.0", {"under.py": ""})
    wheel(project / "wheels", "over", "1.0", {"over.py": ""}, "Requires-Dist: under")
    require(project, "over")
    call("test")
    site = next(Path(project, ".venv").glob("**/site-packages"))
    for file in ["under.py", "under-1.0.dist-info/RECORD"]:
        (site / file).unlink()

    assert "Installing" in call("test").stdout
    assert (site / "under.py").exists()
    assert "Installing" not in call("test").stdout


def test_no_network_says_so(project, call):
    require(project, "elsewhere")
    text = (project / "requirements.txt").read_text()
    (project / "requirements.txt").write_text(text.replace("--no-index", ""))
    closed = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "0"}
    assert "needs a network" in sentence(call("test", **closed, PIP_NO_INDEX=""))


@pytest.mark.parametrize(
    ("log", "words"),
    [
        ("[Errno 28] No space left on device", "2.5 GB of free disk"),
        ("[WinError 112] Nicht genug Speicherplatz", "of free disk"),
        ("ERROR: No matching distribution found for torch>=2.6", "Intel processor"),
        ("SSLError(SSLCertVerificationError(1, 'CERTIFICATE_VERIFY_FAILED", "PIP_CERT"),
        ("Ignoring indexes:\nNo matching distribution found for torch", "same Python"),
        ("HINT: this system does not have Windows Long Path support", "short path"),
        ("OSError: [WinError 206] Der Dateiname ist zu lang", "short path"),
        ("[WinError 5] Zugriff verweigert: 'torch_cpu.dll'", "close JupyterLab"),
        ("[WinError 32] used by another process", "close JupyterLab"),
        ("[WinError 225] virus", "virus scanner"),
        ("[Errno 30] Read-only file system", "does not allow it"),
        ("[Errno 13] Permission denied: '.venv'", "does not allow it"),
        ("Retry(total=0, connect=None) broken by NewConnectionError", "a network"),
        ("Retry(total=4, ...) and later a compiler error", "the error above"),
    ],
)
def test_cause_in_log_becomes_a_sentence(log, words, tmp_path):
    assert words in str(environment.diagnose(log, tmp_path))


def test_doctor_names_the_runtime_that_windows_lacks(monkeypatch):
    lost = OSError("[WinError 126] Das Modul wurde nicht gefunden")
    monkeypatch.delattr(hpkit, "fit", raising=False)
    monkeypatch.setattr("importlib.import_module", Mock(side_effect=lost))
    with pytest.raises(RuntimeError, match=r"Visual C\+\+ runtime.*install"):
        doctor.training()
    lost.args = ("disk full",)
    with pytest.raises(OSError, match="disk full"):
        doctor.training()


def test_full_disk_is_said_before_anything_is_made(monkeypatch, tmp_path):
    usage = shutil.disk_usage(tmp_path)._replace(free=3 * 10**8)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(Failure, match=r"(2\.5|8) GB.* has 0\.3 GB left; free some"):
        environment.make_venv(tmp_path)
    assert not (tmp_path / ".venv").exists()


def test_python_without_venv_is_said(monkeypatch, tmp_path):
    monkeypatch.setattr(environment.util, "find_spec", lambda name: None)
    with pytest.raises(Failure, match="apt install python3-venv"):
        environment.make_venv(tmp_path)


def test_venv_cut_off_before_it_had_a_python_is_made_anew(monkeypatch, tmp_path):
    venv, done = tmp_path / ".venv", subprocess.CompletedProcess((), 0)
    Path(venv, "bin").mkdir(parents=True)
    assert environment.venv_python(tmp_path) is None
    monkeypatch.setattr(environment.subprocess, "run", lambda *_, **how: done)
    environment.make_venv(tmp_path)
    assert not venv.exists()  # for the one that is made


def test_old_python_reads_that_it_is_and_what_is_needed(monkeypatch):
    for name in ("__main__.py", "__init__.py"):
        source = (ROOT / "hpkit" / name).read_text("utf-8")
        ast.parse(source, name, feature_version=(3, 4))
        assert 'f"' not in source, name
    monkeypatch.setattr(sys, "version_info", (3, 8))
    with pytest.raises(SystemExit, match=r"needs Python 3\.11 .* this is Python 3\.8"):
        runpy.run_path(str(ROOT / "hpkit" / "__main__.py"), run_name="__main__")


def test_windows_has_no_exec_and_passes_the_exit_code_on(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "platform", "win32")
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(SystemExit) as stop:
        environment.exec_command([sys.executable, "-c", "exit(5)"], root=tmp_path)
    signal.signal(signal.SIGINT, before)
    assert stop.value.code == 5


def test_settings_are_added_to_a_path_that_is_there():
    path = lab.settings({"JUPYTER_CONFIG_PATH": "mine"})["JUPYTER_CONFIG_PATH"]
    own, mine = path.split(os.pathsep)
    assert mine == "mine"
    assert Path(own, "labconfig", "default_setting_overrides.json").is_file()


def test_reset_shows_what_it_would_delete_and_else_asks_nothing(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("HPKIT_HOME", str(tmp_path))
    for name in ("reset", "ensure"):  # what concerns no progress
        monkeypatch.setattr(_cli, name, lambda argument: None)
    ask = Mock(return_value="no")
    monkeypatch.setattr("builtins.input", ask)
    with pytest.raises(SystemExit):
        _cli.main(["reset", "02"])
    assert not ask.called
    hpkit.exercises.lesson_02_learning_rate.log_list.check([1])
    with pytest.raises(SystemExit):
        _cli.main(["reset", "02"])
    assert ask.called
    assert "02 The learning rate" in capsys.readouterr().out


def test_doctor_finds_all_well_and_prints_any_path(tmp_path):
    command = [sys.executable, "-m", "hpkit", "doctor"]
    home = {"HPKIT_HOME": str(tmp_path / "Łódź"), "PYTHONIOENCODING": "ascii"}
    options = {"cwd": ROOT, "capture_output": True, "text": True}
    done = subprocess.run(command, env=os.environ | home, **options)
    assert done.returncode == 0, done.stdout
    assert r"\u0141" in done.stdout
    assert [line[:7] for line in done.stdout.splitlines()] == ["ok     "] * 5


def test_doctor_sees_a_home_that_takes_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("HPKIT_HOME", str(tmp_path / "file"))
    (tmp_path / "file").touch()
    with pytest.raises(RuntimeError, match="file must be writable, but is not"):
        doctor.folders()
    monkeypatch.setenv("HPKIT_HOME", str(tmp_path))
    full = MagicMock(side_effect=OSError(28, "No space left"))
    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(RuntimeError, match="No space left"):
        doctor.folders()


def test_doctor_without_packages_gives_the_way_out(project, call):
    shutil.rmtree(project / ".venv", ignore_errors=True)
    done = call("doctor")
    assert done.returncode == 1
    assert f"thing>=1 needed, but missing; {PYTHON} -m hpkit lab" in done.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.slow
@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_lab_serves_and_stops(stop, tmp_path, monkeypatch):
    for name in ("JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR"):
        monkeypatch.setenv(name, str(tmp_path))
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    url, log = f"http://127.0.0.1:{port}", tmp_path / "log"
    process = subprocess.Popen(
        [sys.executable, "-m", "hpkit", "lab", "--no-browser", f"--port={port}"],
        cwd=ROOT,
        stderr=log.open("w"),
        # What a shell starts in the background ignores Ctrl-C, its children too.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )

    try:
        wait_for_server(url, process, log)
        assert send("GET", f"{url}/api")["version"]
        process.send_signal(stop)

        assert process.wait(60) == 0
    finally:
        process.kill()


@pytest.mark.parametrize("name", ["anywidget", "anywidget:plugin"])
def test_doctor_sees_a_front_end_that_is_disabled(name, monkeypatch):
    config = "jupyterlab_server.config.get_page_config"
    monkeypatch.setattr(config, lambda _: {"disabledExtensions": [name]})
    with pytest.raises(RuntimeError, match="-m jupyter labextension enable anywidget"):
        doctor.extensions()
    monkeypatch.setattr(config, lambda _: {"disabledExtensions": []})
    assert "anywidget found" in doctor.extensions()
