"""The fixtures of tests that look at pages: say `pytest_plugins = ["in_browser"]`.

The server is one for the whole run, and starts beside the first tests. The browser goes from module to module, and is
closed before the first test without one, since that may need the event loop which the browser takes.
"""

from __future__ import annotations

import contextlib
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browser import Lab, launched, server_in, tools_are_there, tools_needed

if TYPE_CHECKING:
    from playwright.sync_api import Browser


Served = tuple[Path, str, str]
"""The folder that is served, the address and the token."""


class Ahead:
    """A server that starts in a thread; whoever wants it waits for it."""

    def __init__(self) -> None:
        self._open, self._served = contextlib.ExitStack(), Future[Served]()
        threading.Thread(target=self._start, daemon=True).start()

    def _start(self) -> None:
        try:
            folder = Path(self._open.enter_context(tempfile.TemporaryDirectory(prefix="eslab-lab-")))
            self._served.set_result(self._open.enter_context(server_in(folder)))
        except BaseException as error:
            self._served.set_exception(error)

    def served(self) -> Served:
        return self._served.result()

    def close(self) -> None:
        with contextlib.suppress(Exception):  # whoever wanted it was told
            self.served()
        self._open.close()


starting: list[Ahead] = []
"""The server of this run, if it has one."""


def pytest_collection_finish(session: pytest.Session) -> None:
    wanted = any("server" in getattr(item, "fixturenames", ()) for item in session.items)
    if wanted and tools_are_there() and not session.config.option.collectonly:
        starting.append(Ahead())


@pytest.fixture(scope="session")
def server() -> Served:
    tools_needed()
    return starting[0].served()


open_now = contextlib.ExitStack()
browsers: list[Browser] = []
"""The one that is open, or none."""


def close_the_browser() -> None:
    browsers.clear()
    open_now.close()


def pytest_runtest_setup(item: pytest.Item) -> None:
    if browsers and "chromium" not in getattr(item, "fixturenames", ()):
        close_the_browser()


def pytest_sessionfinish() -> None:
    close_the_browser()
    while starting:
        starting.pop().close()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A browser; whatever a module has opened in it is closed at the end of the module."""
    tools_needed()
    if not browsers:
        browsers.append(open_now.enter_context(launched()))
    yield browsers[0]
    for context in browsers[0].contexts:
        context.close()


@pytest.fixture(scope="module")
def lab(server: Served, chromium: Browser) -> Lab:
    """JupyterLab, and with `app="notebook"` Notebook 7."""
    return Lab(*server, chromium)
