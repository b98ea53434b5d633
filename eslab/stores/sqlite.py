"""A store in one SQLite file: durable, shared by processes, and open to any tool that reads SQL."""

from __future__ import annotations

import functools
import itertools
import json
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from eslab.errors import DuplicateEvent, StoreUnavailable
from eslab.events import Recorded
from eslab.queries import Query
from eslab.store import Clock, Ids, Store, new_id, utc_now
from eslab.stores.sql import as_sql, of_stream

APPLICATION_ID = 0x65736C62  # "eslb", so that SQLite files of other programs are told apart
TAGS_OF_EVENTS = """SELECT DISTINCT tag.value AS tag, position FROM events, json_each(metadata, '$.tags') AS tag
WHERE json_type(metadata, '$.tags') = 'array' AND tag.type = 'text'"""
SCHEMAS = {
    1: (
        """CREATE TABLE events (
    position       INTEGER PRIMARY KEY,
    stream         TEXT    NOT NULL,
    version        INTEGER NOT NULL CHECK (version > 0),
    type           TEXT    NOT NULL,
    schema_version INTEGER NOT NULL,
    id             TEXT    NOT NULL UNIQUE,
    recorded_at    TEXT    NOT NULL,
    occurred_at    TEXT    NOT NULL,
    payload        TEXT    NOT NULL,
    metadata       TEXT    NOT NULL,
    category       TEXT    AS (substr(stream, 1, instr(stream || '-', '-') - 1)),
    UNIQUE (stream, version)
) STRICT""",
        """CREATE TRIGGER events_are_never_changed BEFORE UPDATE ON events
BEGIN SELECT RAISE(ABORT, 'an event is a fact and is never changed: append one that corrects it'); END""",
        """CREATE TRIGGER events_are_never_deleted BEFORE DELETE ON events
BEGIN SELECT RAISE(ABORT, 'an event is a fact and is never deleted: append one that takes it back'); END""",
    ),
    2: (
        """CREATE TABLE tags (
    tag      TEXT    NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (tag, position)
) STRICT, WITHOUT ROWID""",
        f"INSERT INTO tags {TAGS_OF_EVENTS}",
        "CREATE TABLE links (position INTEGER PRIMARY KEY, digest BLOB NOT NULL) STRICT",
        "CREATE INDEX events_by_type ON events (type)",
    ),
}
"""What each schema version adds to the one before; an older file is brought up to date when it is opened."""
SCHEMA_VERSION = max(SCHEMAS)
COLUMNS = "position, stream, version, type, schema_version, id, recorded_at, occurred_at, payload, metadata"
PAGE_BYTES = 8_192
"""Of a new file: twice SQLite's own, so that a long batch touches fewer pages."""
NAP = 0.01
"""Seconds between two looks at whether another process has written; a look takes some microseconds."""
UNINDEXED_TAGS = f"""SELECT * FROM ({TAGS_OF_EVENTS} EXCEPT SELECT tag, position FROM tags)
UNION ALL SELECT * FROM (SELECT tag, position FROM tags EXCEPT {TAGS_OF_EVENTS})"""
INSERT = f"INSERT INTO events ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


class SqliteStore(Store):
    """The store in the file at `path`, which is made if it is not there (the folder must be; never with create=False).

    Journal in WAL mode with `synchronous=FULL`: when `append` returns, the events are on the disk. Other threads and
    processes can read meanwhile; a writer waits up to `patience` seconds for another. A file that cannot be written
    opens for reading.

    Raises StoreUnavailable if the file is not an eslab store, is damaged, or was made by a newer eslab.
    """

    def __init__(
        self, path: str | os.PathLike[str], *, clock: Clock = utc_now, ids: Ids = new_id, patience: float = 10,
        create: bool = True,
    ) -> None:  # fmt: skip
        super().__init__(clock=clock, ids=ids)
        self.path = os.fspath(path)
        if not create and not (os.path.exists(path) and os.path.getsize(path)):
            what = "the file is empty" if os.path.exists(path) else "there is no such file"
            raise StoreUnavailable(f"there is no store at {self.path!r}, {what}: check the path", path=self.path)
        self._lock, self._wrote, self._writes = threading.RLock(), threading.Condition(), 0
        with refusals(self.path):
            self._db = connect(self.path, patience)
            try:
                self._claim()
                use_wal(self._db, self.path, patience)
            except BaseException:
                self._db.close()
                raise

    def _claim(self) -> None:
        """Make the tables in an empty or an older file; refuse one that another program, or a newer eslab, has made."""
        application, version, tables = self._found()
        if application == APPLICATION_ID and version == SCHEMA_VERSION and "events" in tables:
            return
        if application == APPLICATION_ID and version > SCHEMA_VERSION:
            raise StoreUnavailable(
                f"store {self.path!r} has schema version {version}, expected at most {SCHEMA_VERSION}: "
                f"it was made by a newer eslab, so update this one", path=self.path, version=version,
            )  # fmt: skip
        if application == APPLICATION_ID and version == 0 and tables:
            raise StoreUnavailable(
                f"store {self.path!r} has lost its schema version: the file is damaged, so keep a copy and restore a "
                f"backup", path=self.path, version=version,
            )  # fmt: skip
        if (tables or application) and (application != APPLICATION_ID or "events" not in tables):
            raise StoreUnavailable(
                f"file {self.path!r} is not an eslab store: another program made it (tables: "
                f"{', '.join(map(repr, tables)) or 'none'}). It was left as it is: choose another path", path=self.path,
            )  # fmt: skip
        if tables and not os.access(self.path, os.W_OK):
            raise StoreUnavailable(
                f"store {self.path!r} has schema version {version}, expected {SCHEMA_VERSION}, and it cannot be "
                f"brought up to date where it is: copy it to where you may write, and open the copy",
                path=self.path, version=version,
            )  # fmt: skip
        if not tables:
            self._db.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        self._migrate()

    def _migrate(self) -> None:
        """Take the steps from the version of the file to today's, all or none; another may have taken them just now."""
        with transaction(self._db):
            (version,) = self._db.execute("PRAGMA user_version").fetchone()
            for statement in itertools.chain.from_iterable(SCHEMAS[n] for n in sorted(SCHEMAS) if n > version):
                self._db.execute(statement)
            self._db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            self._db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    def _found(self) -> tuple[int, int, list[str]]:
        """The two marks in the file and the names of its tables, all of one moment: others may just be making it."""
        self._db.execute("BEGIN")
        (application,) = self._db.execute("PRAGMA application_id").fetchone()
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        tables = [name for (name,) in self._db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        self._db.execute("COMMIT")
        return application, version, tables

    @property
    def position(self) -> int:
        """The position of the last event, asked for alone: a damaged one at the end leaves the others readable."""
        return self._ask("SELECT max(position) FROM events")[0][0] or 0

    def close(self) -> None:
        with self._lock:
            self._db.close()

    # --- the small methods of the contract ---

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with self._lock, refusals(self.path), transaction(self._db):
            yield
        with self._wrote:
            self._writes += 1
            self._wrote.notify_all()

    def _insert(self, rows: list[Recorded]) -> None:
        try:
            self._db.executemany(INSERT, map(msgspec.structs.astuple, rows))
        except sqlite3.IntegrityError as error:
            if "events.id" not in str(error):
                raise
            raise DuplicateEvent(
                "the id source gave an id that is taken: give the store one that never repeats"
            ) from error
        if tags := [(tag, row.position) for row in rows if row.metadata_text != "{}" for tag in row.tags]:
            self._db.executemany("INSERT INTO tags VALUES (?, ?)", tags)

    def _end(self) -> tuple[int, str]:
        rows = self._ask("SELECT position, recorded_at FROM events ORDER BY position DESC LIMIT 1")
        return rows[0] if rows else (0, "")

    def _version(self, stream: str) -> int:
        rows = self._ask("SELECT version FROM events WHERE stream = ? ORDER BY version DESC LIMIT 1", stream)
        return rows[0][0] if rows else 0

    def _with_ids(self, ids: list[str]) -> list[Recorded]:
        return self._recorded("id IN (SELECT value FROM json_each(?)) ORDER BY position", json.dumps(ids))

    def _stream(
        self,
        stream: str,
        after: int,
        until: int | None,
        recorded_until: str | None,
        occurred_until: str | None,
    ) -> list[Recorded]:
        where, values = of_stream(stream, after, until, recorded_until, occurred_until)
        return self._recorded(f"{where} ORDER BY version", *values)

    def _log(
        self, after: int, until: int, types: list[str] | None, categories: list[str] | None, limit: int
    ) -> list[Recorded]:
        where = "position > ? AND position <= ?"
        values: list[object] = [after, until]
        for column, wanted in (("type", types), ("category", categories)):
            if wanted is not None:
                where += f" AND +{column} IN (SELECT value FROM json_each(?))"  # +: not by its index, but in order
                values.append(json.dumps(wanted))
        return self._recorded(f"{where} ORDER BY position LIMIT ?", *values, limit)

    def _matching(self, query: Query, after: int, until: int, limit: int) -> list[Recorded]:
        positions, values = as_sql(query, after, until, limit)
        return self._recorded(f"position IN ({positions}) ORDER BY position LIMIT ?", *values, limit)

    def _chain_end(self) -> bytes | None:
        rows = self._ask("SELECT digest FROM links ORDER BY position DESC LIMIT 1")
        return rows[0][0] if rows else None

    def _links(self, after: int, limit: int) -> list[bytes]:
        query = "SELECT digest FROM links WHERE position > ? ORDER BY position LIMIT ?"
        return [digest for (digest,) in self._ask(query, after, limit)]

    def _add_links(self, first: int, digests: list[bytes]) -> None:
        self._db.executemany("INSERT INTO links VALUES (?, ?)", enumerate(digests, first))

    def _wait(self, after: int, seconds: float) -> bool:
        """Doze until this store has written, or `data_version` says that another connection has."""
        until = time.monotonic() + seconds
        while True:
            seen = self._written()
            if self.position > after:
                return True
            while seen == self._written():
                if (left := until - time.monotonic()) <= 0:
                    return False
                with self._wrote:
                    if self._writes == seen[0]:
                        self._wrote.wait(min(NAP, left))

    def _written(self) -> tuple[int, int]:
        """Two numbers, of which one is another when this store, or another connection, has written."""
        return self._writes, self._ask("PRAGMA data_version")[0][0]

    def _inspect(self) -> str:
        if (found := self._ask("PRAGMA integrity_check(1)")) != [("ok",)]:
            return f"SQLite finds the file damaged ({found[0][0]})"
        there = set(self._ask("SELECT name, sql FROM sqlite_schema"))
        if missing := [name for name, sql in parts_of_a_store() if (name, sql) not in there]:
            return f"{missing[0]!r} is not there as eslab makes it"
        wrong = self._ask(f"SELECT position FROM ({UNINDEXED_TAGS}) ORDER BY position LIMIT 1")
        return f"the index of tags is not that of the events, first at position {wrong[0][0]}" if wrong else ""

    def _recorded(self, where: str, *values: object) -> list[Recorded]:
        with self._lock, refusals(self.path):
            return [Recorded(*row) for row in self._db.execute(f"SELECT {COLUMNS} FROM events WHERE {where}", values)]

    def _ask(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        with self._lock, refusals(self.path):
            return self._db.execute(sql, values).fetchall()


@functools.cache
def parts_of_a_store() -> list[tuple[str, str]]:
    """The tables, indexes and triggers of a store by name, each with the statement that made it."""
    db = sqlite3.connect(":memory:")
    for statement in itertools.chain.from_iterable(SCHEMAS.values()):
        db.execute(statement)
    return db.execute("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL").fetchall()


# --- SQLite, for stores and read models alike ------------------------------------------------------------------------


def connect(path: str, patience: float = 10) -> sqlite3.Connection:
    """A connection that every thread may use in turn, without transactions of its own; read-only if the file is."""
    if path == ":memory:" or not os.path.exists(path) or os.access(path, os.W_OK):
        db = sqlite3.connect(path, timeout=patience, isolation_level=None, check_same_thread=False)
    else:
        # A file in WAL mode that nobody has open can be read without its two helper files only as immutable.
        mode = "mode=ro" if os.path.exists(path + "-wal") else "immutable=1"
        place = os.path.abspath(path).translate({ord(sign): f"%{ord(sign):02x}" for sign in "%?#"})
        uri = f"file:{place}?{mode}"
        db = sqlite3.connect(uri, uri=True, timeout=patience, isolation_level=None, check_same_thread=False)
    db.execute("PRAGMA synchronous = FULL")
    return db


def use_wal(db: sqlite3.Connection, path: str, patience: float = 10) -> None:
    """Let readers and a writer work at the same time; the file remembers it. A read-only file stays as it is.

    Unlike a writer, this change does not wait for others by itself, so it is tried again for up to `patience` seconds.
    """
    until = time.monotonic() + patience
    while path == ":memory:" or os.access(path, os.W_OK):
        try:
            db.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(0.005)


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """One writer at a time in the file; everything inside is kept, or nothing of it."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


NEXT_STEPS = {
    sqlite3.SQLITE_NOTADB: "it is not a SQLite file: choose another path",
    sqlite3.SQLITE_CORRUPT: "the file is damaged: keep a copy of it, then restore a backup; what still reads can "
                            "be saved with read() into another store",
    sqlite3.SQLITE_READONLY: "the file or its folder cannot be written: change its permissions, or copy it elsewhere; "
                             "it can be read as it is",
    sqlite3.SQLITE_FULL: "the disk is full: make room, then append again; nothing of this append was stored",
    sqlite3.SQLITE_BUSY: "another process has been writing for too long: wait or end it, then append again",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened: check that its folder exists and is yours, and that it is a file",
    sqlite3.SQLITE_IOERR: "the disk does not answer as it should: check it, then open the store again",
}  # fmt: skip


@contextmanager
def refusals(path: str) -> Iterator[None]:
    """Turn SQLite's errors into StoreUnavailable, with what to do next."""
    try:
        yield
    except (sqlite3.Error, UnicodeDecodeError) as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        found, step = str(error), NEXT_STEPS.get(code, "see SQLite's own message")
        if isinstance(error, UnicodeDecodeError) or found.startswith("Could not decode"):
            found, step, code = "text that is not UTF-8", NEXT_STEPS[sqlite3.SQLITE_CORRUPT], sqlite3.SQLITE_CORRUPT
        elif isinstance(error, sqlite3.ProgrammingError):
            step = "open the store again"
        raise StoreUnavailable(f"store {path!r}: found {found}; {step}", path=path, code=code) from error
