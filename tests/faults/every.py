"""Every fault by name, the sizes of a quick and of a full run, and the order in which they are made."""

from __future__ import annotations

import dataclasses
import itertools
import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg

from tests.faults import crowd, damage, views
from tests.faults.figures import Figures
from tests.faults.kills import Blow, Killing
from tests.faults.places import InMemory, Place
from tests.faults.server import Server


@dataclasses.dataclass(frozen=True)
class Sizes:
    """How often each fault is made, or how much each process does."""

    kills: int = 240
    backends: int = 20
    servers: int = 8
    flips: int = 1_000
    cuts: int = 200
    journals: int = 300
    fills: int = 150
    deposits: int = 60
    ticks: int = 300
    batches: int = 60
    beside: int = 3
    projectors: int = 200
    in_one_file: int = 100
    rebuilds: int = 40
    leaders: int = 12
    deliveries: int = 60
    under_projectors: int = 4


QUICK = Sizes(
    kills=5, backends=2, servers=1, flips=25, cuts=12, journals=8, fills=5, deposits=4, ticks=20, batches=4, beside=1,
    projectors=2, in_one_file=2, rebuilds=2, leaders=1, deliveries=2, under_projectors=1,
)  # fmt: skip


class Scene:
    """Where the faults are made: a folder, and schemas of a server; a `server` of our own may be killed."""

    def __init__(self, folder: Path, schemas: Callable[[], Place], server: Server | None = None) -> None:
        self.path, self.schema, self.server = folder, schemas, server
        self._numbers = itertools.count(1)

    def folder(self) -> Path:
        """A new, empty folder."""
        return Path(tempfile.mkdtemp(dir=self.path))

    def file(self) -> Place:
        """A file that is not there yet."""
        return Place(str(self.folder() / "events.db"))

    def two_files(self) -> tuple[Place, Place]:
        """A file for a log, and another for a view."""
        return self.file(), Place(str(self.folder() / "view.db"))

    def one_file(self) -> tuple[Place, Place]:
        """A file for both."""
        file = self.file()
        return file, file

    def two_schemas(self) -> tuple[Place, Place]:
        return self.schema(), self.schema()

    def killable(self) -> Server:
        if self.server is None:
            raise LookupError("this fault kills a server, so it wants one of its own")
        return self.server

    def at_its_backend(self, _: object) -> Blow:
        """kill -9 of the process of the server that serves the writer; the server then starts all of them anew."""
        (pid,) = self.killable().backends()
        return lambda: os.kill(pid, signal.SIGKILL)

    def at_its_line(self, _: object) -> Blow:
        """The server ends the connection of the writer, as an administrator can."""
        (pid,) = self.killable().backends()

        def strike() -> None:
            with psycopg.connect(self.killable().dsn) as db:
                db.execute("SELECT pg_terminate_backend(%s)", (pid,))

        return strike

    def at_the_server(self, _: object) -> Blow:
        """kill -9 of all its processes; then it is started again, and recovers."""
        server = self.killable()
        return lambda: (server.kill(), server.start())


Fault = Callable[[Scene, Sizes], Figures]

FAULTS: dict[str, Fault] = {
    "kill the writer on SQLite": lambda s, n: Killing("kill -9 of the writer", s.file).run(n.kills),
    "kill the writer on PostgreSQL": lambda s, n: Killing("kill -9 of the writer", s.schema).run(n.kills),
    "kill its backend": lambda s, n: Killing("kill -9 of its backend", s.schema, s.at_its_backend).run(n.backends),
    "end its connection": lambda s, n: Killing("connection ended", s.schema, s.at_its_line).run(n.backends),
    "kill the server": lambda s, n: Killing("kill -9 of the server", s.schema, s.at_the_server).run(n.servers),
    "fill the disk": lambda s, n: damage.fill_the_disk(s.folder(), n.fills),
    "limit the file": lambda s, n: damage.limit_the_file(s.folder(), n.fills),
    "flip bytes": lambda s, n: damage.flip_bytes(s.folder(), n.flips),
    "flip bytes of the journal": lambda s, n: damage.flip_the_journal(s.folder(), n.journals),
    "cut the file off": lambda s, n: damage.cut_off(s.folder(), n.cuts),
    "clocks that disagree, on SQLite": lambda s, n: crowd.clocks_that_disagree(s.file(), n.ticks),
    "clocks that disagree, on PostgreSQL": lambda s, n: crowd.clocks_that_disagree(s.schema(), n.ticks),
    "shared accounts on SQLite": lambda s, n: crowd.deposits_into_shared_accounts(s.file(), n.deposits),
    "shared accounts on PostgreSQL": lambda s, n: crowd.deposits_into_shared_accounts(s.schema(), n.deposits),
    "subscribers in memory": lambda s, n: several(lambda seed: beside(InMemory(), n, seed), n.beside),
    "subscribers on SQLite": lambda s, n: several(lambda seed: beside(s.file(), n, seed), n.beside),
    "subscribers on PostgreSQL": lambda s, n: several(lambda seed: beside(s.schema(), n, seed), n.beside),
    "kill the projector on SQLite": lambda s, n: views.kill_the_projector(s.two_files, n.projectors),
    "kill the projector in the file of the store": lambda s, n: views.kill_the_projector(s.one_file, n.in_one_file),
    "kill the projector on PostgreSQL": lambda s, n: views.kill_the_projector(s.two_schemas, n.projectors),
    "kill a rebuild on SQLite": lambda s, n: views.kill_a_rebuild(s.two_files, n.rebuilds),
    "kill a rebuild on PostgreSQL": lambda s, n: views.kill_a_rebuild(s.two_schemas, n.rebuilds),
    "kill the leader on SQLite": lambda s, n: views.kill_the_leader(s.two_files, n.leaders),
    "kill the leader on PostgreSQL": lambda s, n: views.kill_the_leader(s.two_schemas, n.leaders),
    "kill a delivery on SQLite": lambda s, n: views.kill_the_delivery(s.two_files, s.folder, n.deliveries),
    "kill a delivery on PostgreSQL": lambda s, n: views.kill_the_delivery(s.two_schemas, s.folder, n.deliveries),
    "kill the server under a projector": lambda s, n: views.kill_the_server(
        s.two_schemas, s.killable(), n.under_projectors
    ),
}
KILL_A_SERVER = ("kill its backend", "end its connection", "kill the server", "kill the server under a projector")
LONG = tuple(name for name in FAULTS if name.startswith(("kill a ", "kill the leader", "kill the projector in")))
"""Too long to be made a few times in every run of the tests."""


def beside(place: Place | InMemory, sizes: Sizes, seed: int) -> Figures:
    return crowd.subscribers_beside_writers(place, sizes.batches, seed)


def several(run: Callable[[int], Figures], times: int) -> Figures:
    """The same with other seeds, counted together."""
    first, *others = (run(seed) for seed in range(1, times + 1))
    total = sum(others, first)
    total.noted = f"each run: {total.noted}"
    return total


def every(scene: Scene, sizes: Sizes) -> Iterator[Figures]:
    """All faults in order, each as soon as it was made."""
    yield from (fault(scene, sizes) for fault in FAULTS.values())
