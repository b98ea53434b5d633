"""Fresh places for logs, each by the address that `eslab.connect` opens, and the quickest way to fill them."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from eslab.events import Recorded
from eslab.store import Store
from tests.benchmarks.sizes import Files
from tests.postgres import Postgres

MEMORY, SQLITE, POSTGRES = PLACES = ("memory", "SQLite", "PostgreSQL")
BATCH = 20_000


class Places:
    """New files in a folder, and new schemas on the server."""

    def __init__(self, files: Files, postgres: Postgres) -> None:
        self.files, self.postgres = files, postgres

    def address(self, place: str) -> str:
        """Where a new store of this kind is to lie."""
        if place == MEMORY:
            return "memory:"
        if place == SQLITE:
            return str(self.files.new())
        dsn = self.postgres.dsn
        return f"{dsn}{'&' if '?' in dsn else '?'}schema={self.postgres.schema()}"

    def empty_schema(self) -> str:
        """The name of a schema that is there, without tables."""
        name: str = self.postgres.schema()
        self.postgres.ask(f'CREATE SCHEMA "{name}"')
        return name


@contextmanager
def places(files: Files) -> Iterator[Places]:
    """Places for the length of a `with`; the schemas are gone afterwards."""
    with Postgres() as postgres:
        yield Places(files, postgres)


def fill(store: Store, rows: Iterable[Recorded]) -> None:
    """Put recorded events at the end of a log as they are, tags included."""
    left = iter(rows)
    while batch := list(itertools.islice(left, BATCH)):
        with store._writing():
            store._insert(batch)
