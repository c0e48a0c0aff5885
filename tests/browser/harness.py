"""Drive notebooks in a real JupyterLab with an installed Chromium."""

import contextlib
import functools
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import nbformat
from playwright.sync_api import Error, sync_playwright

from hpkit._cli.environment import ROOT
from hpkit._cli.lab import settings

# Without these Chromium contacts hosts at every start, which a closed network blocks.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# The first is Chromium without windows: it takes a fifth less processor time.
PROGRAMS = ["chromium-headless-shell", "chromium", "chromium-browser"]
PROGRAMS += ["google-chrome", "microsoft-edge"]
SECOND = "HPKIT_SECOND_KERNEL"  # environment variable: Python of one more kernel
NOTEBOOK = ".jp-NotebookPanel:not(.lm-mod-hidden)"

KERNEL = "window.jupyterapp.shell.currentWidget.context.sessionContext.session.kernel"


@contextlib.contextmanager
def lab(root, *options, app="jupyterlab", kernels=None):
    """Start a JupyterLab as ``python -m hpkit lab`` does; yield its address.

    It has its own settings, workspaces and port, so that a developer's are left alone.
    `kernels` are offered in addition to python3: {name: path of its Python}.
    """
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    home = Path(tempfile.mkdtemp(prefix="lab"))
    site = os.environ.get("PYTHONPATH", "").split(os.pathsep)[-1]  # see conftest.py
    environ = {
        **os.environ,
        **settings({}),
        "PYTHONHASHSEED": "0",  # sets of names are sent in the same order
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), site])),
        "JUPYTER_CONFIG_DIR": str(home),
        "JUPYTER_PATH": str(home / "jupyter"),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
        # Learners' progress, on Linux, macOS and Windows.
        "XDG_DATA_HOME": str(home / "data"),
    }
    for name, python in (kernels or {}).items():
        folder = home / "jupyter" / "kernels" / name
        folder.mkdir(parents=True)
        argv = [python, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        spec = {"argv": argv, "display_name": name, "language": "python"}
        (folder / "kernel.json").write_text(json.dumps(spec))
    command = [
        *(sys.executable, "-m", app, "--no-browser", "--allow-root"),
        *("--ip=127.0.0.1", f"--port={port}", f"--ServerApp.root_dir={root}"),
        # Otherwise it moves to the next port, and the test talks to another server.
        *("--ServerApp.port_retries=0", "--IdentityProvider.token="),
        "--ServerApp.disable_check_xsrf=True",  # `send` has no cookie
        *("--LabApp.expose_app_in_browser=True", *options),
    ]
    with open(home / "lab.log", "w") as log:
        server = subprocess.Popen(
            command, env=environ, stdout=log, stderr=subprocess.STDOUT
        )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for_server(url, server, home / "lab.log")
        yield url
    finally:
        server.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(10)
        server.kill()  # now and then a thread of anyio keeps it from ending
        server.wait()
        shutil.rmtree(home, ignore_errors=True)


def wait_for_server(url, server, log, seconds=180):
    """Wait until the server answers; raise with its log if it ends or never does."""
    for _ in range(seconds * 4):
        if server.poll() is not None:
            break
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"{url}/api", timeout=1).close()
            return
        time.sleep(0.25)
    raise RuntimeError(f"JupyterLab does not answer at {url}:\n{log.read_text()}")


def send(method, address, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address, method=method, data=data)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read() or "null")


def shut_down_kernels(url):
    """Shut down all kernels of the server: two cores cannot carry forgotten ones."""
    for session in send("GET", f"{url}/api/sessions"):
        send("DELETE", f"{url}/api/sessions/{session['id']}")


def use_subshells(url, way):
    """Set JupyterLab's "Kernel Comms over subshells" for pages opened from now on.

    `way` is "disabled", "perComm", "perCommTarget", or None for hpkit's own setting.
    """
    raw = "{}" if way is None else json.dumps({"commsOverSubshells": way})
    kernels = "@jupyterlab/apputils-extension:kernels-settings"
    send("PUT", f"{url}/lab/api/settings/{kernels}", {"raw": raw})


def write_notebook(path, *cells, kernel="python3"):
    code = [nbformat.v4.new_code_cell(cell.strip()) for cell in cells]
    spec = {"kernelspec": {"name": kernel, "display_name": kernel}}
    nbformat.write(nbformat.v4.new_notebook(cells=code, metadata=spec), path)


def errors(page):
    return page.evaluate(
        """() => window.jupyterapp.shell.currentWidget.content.model.sharedModel.cells
            .flatMap(cell => cell.cell_type == 'code' ? cell.toJSON().outputs : [])
            .filter(output => output.output_type == 'error')
            .map(output => output.ename + ': ' + output.evalue)"""
    )


def ask(page, code):
    """Run code in the kernel, outside the notebook; return what it prints."""
    printed, error = page.evaluate(
        """async code => {
            const future = """
        + KERNEL
        + """.requestExecute({code, store_history: false})
            let printed = '', error = ''
            future.onIOPub = ({header, content}) => {
                if (header.msg_type == 'stream') printed += content.text
                if (header.msg_type == 'error') error += content.traceback.join('\\n')
            }
            await future.done
            return [printed.trim(), error]
        }""",
        code,
    )
    assert not error, error
    return printed


def processor_time(page):
    """Return the kernel's seconds of processor time: the machine may be busy."""
    return float(ask(page, "import time; print(time.process_time())"))


def show_cell(page, text):
    """Scroll the first code cell with this text into view; return its locator."""
    # JupyterLab keeps only the cells near the viewport in the page.
    page.evaluate(
        """text => {
            const content = window.jupyterapp.shell.currentWidget.content
            const cells = content.model.sharedModel.cells
            const at = cells.findIndex(
                c => c.cell_type == 'code' && c.source.includes(text))
            content.activeCellIndex = at
            return content.scrollToItem(at, 'start')
        }""",
        text,
    )
    return page.locator(f"{NOTEBOOK} .jp-Cell", has_text=text).first


@contextlib.contextmanager
def chromium(folder=None, **options):
    """Start an installed Chromium, Chrome or Edge, or else Playwright's own.

    With a folder it yields the profile stored there, opened with these options.
    """
    paths = filter(None, map(shutil.which, PROGRAMS))
    ways = [{"executable_path": path} for path in paths]
    ways += [{"channel": "chrome"}, {"channel": "msedge"}, {}]
    with sync_playwright() as playwright:
        launch = playwright.chromium.launch
        if folder:
            profile = playwright.chromium.launch_persistent_context
            launch = functools.partial(profile, folder, **options)
        for way in ways:
            with contextlib.suppress(Error):
                browser = launch(args=FLAGS, **way)
                break
        else:
            raise LookupError(
                "Browser tests need Chromium, Chrome or Edge, none is installed; "
                "install one, or run: python -m playwright install chromium."
            )
        with contextlib.closing(browser):
            yield browser


def open_notebook(page, url, name, *, workspace="tests"):
    """Open a notebook; wait until its kernel is idle and can run cells."""
    page.goto(f"{url}/lab/workspaces/{workspace}/tree/{name}?reset")
    wait_for_kernel(page)


def wait_for_kernel(page):
    page.wait_for_function(
        """() => {
            const context = window.jupyterapp?.shell.currentWidget?.context
            const kernel = context?.sessionContext.isReady
                && context.sessionContext.session?.kernel
            return kernel && kernel.connectionStatus == 'connected'
                && kernel.status == 'idle'
        }""",
        timeout=120_000,
        polling=100,
    )
    ask(page, "")


def await_answers(page):
    """Wait until the kernel has answered everything that the page has sent."""
    page.wait_for_function(
        f"() => [...{KERNEL}._futures.values()].every(future => future._status & 4)",
        timeout=120_000,
        polling=50,
    )


def command(page, name, **arguments):
    """Run a command of JupyterLab, such as notebook:run-cell, to its end."""
    done = page.evaluate(
        """([name, arguments]) => Promise.race([
            window.jupyterapp.commands.execute(name, arguments).then(() => true),
            new Promise(late => setTimeout(late, 120000))])""",
        [name, arguments],
    )
    assert done, f"{name} takes more than two minutes"


def run_all(page):
    command(page, "notebook:run-all-cells")


def run_notebook(page, server, name, *cells, kernel="python3"):
    """Write a notebook of code cells to a server's folder, open it and run it."""
    write_notebook(server.root / name, *cells, kernel=kernel)
    open_notebook(page, server.url, name)
    run_all(page)


def close_files(page):
    """Close the file browser, as it is when ``python -m hpkit lab`` opens."""
    if not page.evaluate("() => window.jupyterapp.shell.leftCollapsed"):
        command(page, "application:toggle-left-area")
    page.locator("#jp-left-stack").wait_for(state="hidden")


def fits(panel):
    """Return whether a panel and the "Do" above it fit on the screen together."""
    height, room = panel.evaluate(
        """node => {
            const above = node.closest('.jp-Cell').previousElementSibling
            const texts = [...above.querySelectorAll('.jp-RenderedMarkdown > *')]
            const first = texts.find(text => text.innerText.startsWith('Do.'))
            const {top} = first.getBoundingClientRect()
            const room = node.closest('.jp-WindowedPanel-outer').clientHeight
            return [node.getBoundingClientRect().bottom - top, room]
        }"""
    )
    return height <= room


def run_cell(page, index):
    """Run the cell at `index` among all cells, wait, and return its locator."""
    page.evaluate(
        """index => {
            const notebook = window.jupyterapp.shell.currentWidget.content
            notebook.activeCellIndex = index
            notebook.deselectAll()
        }""",
        index,
    )
    command(page, "notebook:run-cell")
    return page.locator(f"{NOTEBOOK} .jp-Cell").nth(index)


# Returns the texts in the page, each with its contrast ratio.
CONTRAST = """selector => {
    const luminance = c => {
        const [r, g, b] = c.map(v => v / 255).map(
            v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        return 0.2126 * r + 0.7152 * g + 0.0722 * b
    }
    const parts = color => color.match(/[\\d.]+/g).map(
        (part, at) => color.startsWith('color(srgb') && at < 3 ? 255 * part : +part)
    const background = node => {
        for (; node; node = node.parentElement) {
            const c = parts(getComputedStyle(node).backgroundColor)
            if (c.length == 3 || c[3] > 0.5) return c.slice(0, 3)
        }
        return [255, 255, 255]
    }
    const ratios = []
    for (const node of document.querySelectorAll(selector)) {
        const text = [...node.childNodes].some(
            n => n.nodeType == 3 && n.textContent.trim())
        if (!text || !node.getClientRects().length || node.tagName == 'STYLE') continue
        // On a picture the background is unknown: see tests/charts.
        if (node.closest('.cell')) continue
        const style = getComputedStyle(node)
        const ink = parts(node.ownerSVGElement ? style.fill : style.color).slice(0, 3)
        const [a, b] = [ink, background(node)].map(luminance).sort((x, y) => y - x)
        // A ratio of 3, not 4.5, is enough for a symbol.
        const words = node.textContent.trim().slice(0, 20)
        const factor = /^[^\\w\\s]$/.test(words) ? 1.5 : 1
        ratios.push([words, factor * (a + 0.05) / (b + 0.05)])
    }
    return ratios
}"""
