"""A real JupyterLab in headless Chromium: open a notebook, run it, press keys, look at the page, ask its kernel.

The same server shows Notebook 7 too, and there are pages read from disk with the network off.
"""

from __future__ import annotations

import ast
import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

CHROMIUM_ARGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
                 "--disable-background-networking", "--disable-component-update"]  # fmt: skip
SETTINGS = {
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},  # every cell is in the page, in sight or not
    "@jupyter-widgets/jupyterlab-manager/plugin": {"saveState": True},  # widgets are saved with their notebook
}
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
PANEL = "window.jupyterapp.shell.currentWidget"
ADDRESS = {"lab": "lab/workspaces/{name}/tree/{name}.ipynb", "notebook": "notebooks/{name}.ipynb"}


def needed(there: object, what: str) -> None:
    """Skip where a tool is missing; fail where CI is set, so that nothing is passed over there unseen."""
    if not there:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"found no {what}: install it to run these tests")


def _tools() -> dict[str, object]:
    python = {name: find_spec(name) for name in ("playwright", "jupyterlab")}
    return {**python, "chromium": shutil.which("chromium")}


def tools_are_there() -> bool:
    return all(_tools().values())


def tools_needed() -> None:
    for what, there in _tools().items():
        needed(there, what)


def eventually(ask: Callable[[], Any], expected: Any, seconds: float = 10) -> Any:
    """The answer, once it is as expected; the last answer if it does not become so in time."""
    until = time.monotonic() + seconds
    while (answer := ask()) != expected and time.monotonic() < until:
        time.sleep(0.05)
    return answer


class Notebook:
    """A notebook that is open in a page of its own."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def run(self) -> None:
        """Run all cells and wait for the last. Raises AssertionError if a cell ends in an error."""
        self.page.evaluate("window.jupyterapp.commands.execute('notebook:run-all-cells')")
        self.wait_until_idle()
        errors = self.page.locator('[data-mime-type="application/vnd.jupyter.error"]').all_inner_texts()
        assert errors == []

    def wait_until_idle(self) -> None:
        """Wait until the kernel is there and has nothing to do."""
        idle = f"{PANEL}?.sessionContext?.session?.kernel?.status === 'idle'"
        self.page.wait_for_function(idle, timeout=60_000)

    def cell(self, number: int) -> Locator:
        """A cell with its outputs, counted from 0."""
        return self.page.locator(".jp-Notebook .jp-Cell").nth(number)

    def player(self, number: int) -> Locator:
        return self.cell(number).locator(".eslab-player")

    def count(self) -> int:
        return self.page.locator(".jp-Notebook .jp-Cell").count()

    def python(self, expression: str) -> Any:
        """The value of an expression in the kernel: text, numbers, None, or lists of them; "error: …" if it failed."""
        answer = self.page.evaluate(
            f"""async (asked) => {{
              const kernel = {PANEL}.sessionContext.session.kernel;
              const question = {{ code: "", store_history: false, user_expressions: {{ it: asked }} }};
              const reply = await kernel.requestExecute(question).done;
              const found = reply.content.user_expressions.it;
              return found.status === "ok" ? [found.data["text/plain"]] : "error: " + found.evalue;
            }}""",
            expression,
        )
        return answer if isinstance(answer, str) else ast.literal_eval(answer[0])

    def busy(self, seconds: int) -> None:
        """Start a cell's worth of waiting in the kernel, and come back at once."""
        self.page.evaluate(
            f"""code => {{
              const over = () => {{ window.waiting = false; }};
              window.waiting = true;
              {PANEL}.sessionContext.session.kernel.requestExecute({{ code }}).done.then(over, over);
            }}""",
            f"import time\nfor _ in range({10 * seconds}): time.sleep(0.1)",
        )
        self.page.wait_for_function(f"{PANEL}.sessionContext.session.kernel.status === 'busy'")

    def is_busy(self) -> bool:
        """Whether what `busy` started is still running; the kernel's own status is also that of its subshells."""
        return bool(self.page.evaluate("window.waiting"))

    def interrupt(self) -> None:
        self.page.evaluate(f"{PANEL}.sessionContext.session.kernel.interrupt()")
        self.page.wait_for_function("window.waiting === false")

    def save_and_end(self) -> None:
        """Save the notebook, end its kernel and close its page."""
        self.page.evaluate(f"async () => {{ await {PANEL}.context.save(); await {PANEL}.sessionContext.shutdown(); }}")
        self.page.close()

    def theme(self, name: str) -> None:
        """Show JupyterLab in "Light" or "Dark"."""
        change = "theme => window.jupyterapp.commands.execute('apputils:change-theme', { theme })"
        self.page.evaluate(change, f"JupyterLab {name}")
        self.page.wait_for_selector(
            f"body[data-jp-theme-light={json.dumps(str(name == 'Light').lower())}]", state="attached"
        )


class Lab:
    """A JupyterLab that serves one folder, and a browser to look at it."""

    def __init__(self, folder: Path, address: str, token: str, browser: Browser) -> None:
        self.folder, self.address, self.token, self.browser = folder, address, token, browser

    def open(
        self, name: str, cells: list[Any], *, app: str = "lab", width: int = 1280, height: int = 720, **context: Any
    ) -> Notebook:
        """A new notebook of these cells (the source of each, or whole cells), opened and with its kernel ready.

        `app` is "lab" or "notebook" (Notebook 7); `context` goes to the browser, such as `reduced_motion="reduce"`.
        """
        whole = [nbformat.v4.new_code_cell(cell) if isinstance(cell, str) else cell for cell in cells]
        notebook = nbformat.v4.new_notebook(cells=whole, metadata={"kernelspec": KERNEL})
        nbformat.write(notebook, self.folder / f"{name}.ipynb")
        return self.show(name, app=app, viewport={"width": width, "height": height}, **context)

    def show(self, name: str, *, app: str = "lab", **context: Any) -> Notebook:
        """A notebook that is there already, opened in a page of its own, with a kernel of its own that is ready."""
        page = self.browser.new_page(**context)
        page.set_default_timeout(10_000)
        page.goto(f"{self.address}/{ADDRESS[app].format(name=name)}?token={self.token}&reset", timeout=60_000)
        page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
        opened = Notebook(page)
        opened.wait_until_idle()
        page.evaluate(f"async () => {{ await {PANEL}.context.ready; await {PANEL}.sessionContext.ready; }}")
        page.evaluate("window.jupyterapp.shell.collapseLeft()")
        return opened


@contextlib.contextmanager
def lab_in(folder: Path) -> Iterator[Lab]:
    """JupyterLab for this folder, with settings, trust and history of its own; ended at the end, kernels and all."""
    with server_in(folder) as (served, address, token), launched() as browser:
        yield Lab(served, address, token, browser)


@contextlib.contextmanager
def launched() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=CHROMIUM_ARGS)
        with contextlib.closing(browser):
            yield browser


@contextlib.contextmanager
def from_disk(browser: Browser, path: Path, **context: Any) -> Iterator[Page]:
    """A page opened from disk with the network off; raises AssertionError if it asked for more, or had an error."""
    asked: list[str] = []
    errors: list[str] = []
    size = {"width": 1280, "height": 720}
    with contextlib.closing(browser.new_page(**{"viewport": size, "offline": True, **context})) as page:
        page.set_default_timeout(10_000)
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.goto(path.as_uri())
        yield page
    found = [*asked[1:], *errors]
    assert not found, f"a page from disk asked for more than itself, or had an error: {found}"


@contextlib.contextmanager
def server_in(folder: Path) -> Iterator[tuple[Path, str, str]]:
    """The folder that is served (in the one given), the address and the token of a server without a browser."""
    home, served, token, port = folder / "home", folder / "notebooks", secrets.token_hex(8), free_port()
    served.mkdir(parents=True)
    _write_settings(home / "settings")
    command = [sys.executable, "-m", "jupyterlab", "--allow-root", "--no-browser", "--ip=127.0.0.1", f"--port={port}",
               "--ServerApp.port_retries=0", f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={served}",
               "--LabApp.expose_app_in_browser=True", "--LabApp.news_url=",
               "--JupyterNotebookApp.expose_app_in_browser=True"]  # fmt: skip
    own = {"JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data", "JUPYTER_RUNTIME_DIR": "runtime",
           "IPYTHONDIR": "ipython", "JUPYTERLAB_SETTINGS_DIR": "settings", "JUPYTERLAB_WORKSPACES_DIR": "workspaces"}  # fmt: skip  # noqa: E501
    environment = os.environ | {name: str(home / folder) for name, folder in own.items()}
    address = f"http://127.0.0.1:{port}"
    with running(command, environment, home / "server.log", f"{address}/api?token={token}"):
        yield served, address, token


def _write_settings(folder: Path) -> None:
    for name, setting in SETTINGS.items():
        path = folder / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(setting))


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextlib.contextmanager
def running(
    command: list[str], environment: Mapping[str, str], log: Path, address: str, folder: Path | None = None
) -> Iterator[None]:
    """A server that has answered at this address; it is ended at the end."""
    with log.open("w") as written:
        server = subprocess.Popen(command, env=environment, cwd=folder, stdout=written, stderr=subprocess.STDOUT)
        try:
            _wait_for(address, server, log)
            yield
        finally:
            server.terminate()
            server.wait(timeout=30)


def _wait_for(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(240):
        with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=1):
            return
        if server.poll() is not None:
            break
        time.sleep(0.25)
    raise RuntimeError(f"{address} did not answer within a minute; its server said: {log.read_text()[-2000:]}")
