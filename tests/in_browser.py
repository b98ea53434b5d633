"""The fixtures of tests that look at pages: say `pytest_plugins = ["in_browser"]`.

The server is one for the whole run, the browser one for each module, since others may need the event loop it takes.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browser import Lab, launched, server_in, tools_needed

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str, str]]:
    tools_needed()
    with server_in(tmp_path_factory.mktemp("lab")) as served:
        yield served


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    tools_needed()
    with launched() as browser:
        yield browser


@pytest.fixture(scope="module")
def lab(server: tuple[Path, str, str], chromium: Browser) -> Lab:
    """JupyterLab, and with `app="notebook"` Notebook 7."""
    return Lab(*server, chromium)
