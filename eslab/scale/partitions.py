"""A partition is a part of a log in which each stream is whole, and that a worker can read by itself.

Of a log in Parquet it is a file. Of a store in PostgreSQL it is the streams from one name to the next, chosen so that
each part holds about as many events.
"""

from __future__ import annotations

import dataclasses
import itertools
import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from eslab.errors import InvalidPosition, UnreadableLog
from eslab.events import PAGE, Recorded
from eslab.readers.parts import opened_part, parts_in, read_part
from eslab.stores import SERVERS, schema_of

PATIENCE = 10
"""Seconds that a worker waits for a server."""
LAST = "\U0010ffff"
"""A text after every name that a stream can have."""
OF_STREAMS = """
SELECT position, stream, version, type, schema_version, id, recorded_at, occurred_at, payload, metadata FROM events
WHERE stream >= %s AND stream < %s AND position <= %s ORDER BY position
"""
ALL_ROWS = "SET cursor_tuple_fraction = 1"
"""All rows will be asked for. A server that thinks of the first few would read the whole table for each partition."""
NAMES = "SELECT stream FROM events WHERE position = ANY(%s) ORDER BY stream"
USUAL = 100_000
"""How many events a partition of a store has, about, if nothing else is said: a second's work."""
SAMPLED = 100
"""How many events are looked at for each partition, to find the names of streams that part the log evenly."""


@dataclasses.dataclass(frozen=True)
class Partition:
    """A part of a log: iterate over it, here or on a worker, for recorded events. The first has number 0."""

    number: int
    log: str
    """What log it is of, for people: no password is in it."""
    events: int
    """How many it holds; of a store: about."""

    def __iter__(self) -> Iterator[Recorded]:
        raise TypeError("a partition is of a log in Parquet or PostgreSQL: make it with partitions(log)")

    def __repr__(self) -> str:
        return f"<partition {self.number} of {self.log}>"


@dataclasses.dataclass(frozen=True, repr=False)
class FilePartition(Partition):
    """A file of a log in Parquet; its events come in the order of position."""

    path: Path

    def __iter__(self) -> Iterator[Recorded]:
        return read_part(self.path)


@dataclasses.dataclass(frozen=True, repr=False)
class StorePartition(Partition):
    """The streams from `first` to before `end` of a store in PostgreSQL, up to a position, over a line of its own.

    Its address, with the password if there is one, goes to the worker: let the cluster speak TLS, as one made here
    does, or keep passwords in ~/.pgpass of the workers.
    """

    dsn: str
    schema: str
    first: str
    end: str
    until: int

    def __iter__(self) -> Iterator[Recorded]:
        from eslab.stores.postgres_line import Line
        from eslab.stores.postgres_refusals import refusals
        from eslab.stores.postgres_tables import settings_of

        hello = f"{settings_of(self.schema, PATIENCE)}; {ALL_ROWS}"
        with closing(Line(self.dsn, PATIENCE, hello)) as line, refusals(line.place):
            connection = line.connection
            with connection.transaction(), connection.cursor("partition") as rows:
                rows.itersize = PAGE
                rows.execute(OF_STREAMS, [self.first, self.end, self.until])
                yield from itertools.starmap(Recorded, rows)


def partitions(log: str | os.PathLike[str], number: int | None = None) -> list[Partition]:
    """The partitions of a log: of a folder or file that `to_parquet` has written, or of the store at an address.

    A log in Parquet has as many as it has files. A store is parted into about `number`, without it one for each
    100,000 events; a stream is never parted, however long. What is appended after this call is in none of them.
    Events come in the order of position. The server finds those of a small part by its index of streams; but a table
    that is larger than its memory is read several times then, and is better written to Parquet first, in one reading.

    Raises UnreadableLog or StoreUnavailable if there is no such log, and InvalidPosition if `number` is below 1.
    """
    if number is not None and (type(number) is not int or number < 1):
        raise InvalidPosition(f"partitions is {number!r}, expected how many to make, 1 or more", found=number)
    if isinstance(log, str) and log.startswith(SERVERS):
        return list(_of_store(log, number))
    if isinstance(log, str) and "://" in log:
        raise UnreadableLog(
            "found an address that is none of PostgreSQL (it is not shown: it may hold a password), expected "
            "'postgresql://user@host/database', or a folder that readers.to_parquet has written", file=None, line=None,
        )  # fmt: skip
    return list(_of_files(Path(log)))


def _of_files(folder: Path) -> Iterator[Partition]:
    for number, path in enumerate(parts_in(folder)):
        with opened_part(path) as file:
            yield FilePartition(number, folder.name, file.metadata.num_rows, path.resolve())


def _of_store(address: str, number: int | None) -> Iterator[Partition]:
    from eslab.stores.postgres import PostgresStore

    dsn, schema = schema_of(address)
    with PostgresStore(dsn, schema=schema or "eslab", create=False) as store:
        until, log = store.position, f"schema {store.schema!r} in {store._line.place}"
        wanted = number or max(1, until // USUAL)
        looked_at = list(range(1, until + 1, max(1, until // (wanted * SAMPLED))))
        names = [name for (name,) in store._ask(NAMES, looked_at)]
    cuts = sorted({names[n * len(names) // wanted] for n in range(1, wanted)} - {""}) if names else []
    bounds = list(itertools.pairwise(["", *cuts, LAST]))
    for n, (first, end) in enumerate(bounds):
        share = until * (n + 1) // len(bounds) - until * n // len(bounds)
        yield StorePartition(n, log, share, dsn, store.schema, first, end, until)
