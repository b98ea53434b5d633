"""Snapshots are rows of a table in a SQLite file, one a stream and fold, each with a digest of all that it says."""

from __future__ import annotations

import hashlib
import json
import threading
from typing import NamedTuple

from eslab.errors import StoreUnavailable
from eslab.stores.sqlite import connect, refusals, transaction, use_wal

COLUMNS = ("stream", "fold", "version", "event_id", "fingerprint", "schemas", "state", "digest")
TABLE = """CREATE TABLE IF NOT EXISTS snapshots (
    stream      TEXT NOT NULL,
    fold        TEXT NOT NULL,
    version     INTEGER NOT NULL,
    event_id    TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    schemas     TEXT NOT NULL,
    state       TEXT NOT NULL,
    digest      TEXT NOT NULL,
    PRIMARY KEY (stream, fold)
)"""


class Row(NamedTuple):
    """A snapshot as it is kept: of which stream and fold, up to which event, made by which code, and the state."""

    stream: str
    fold: str
    version: int
    event_id: str
    fingerprint: str
    schemas: str
    state: str

    @property
    def digest(self) -> str:
        return hashlib.sha256(json.dumps(self).encode()).hexdigest()


class Rows:
    """The table of snapshots in a file, which any thread and several processes may use.

    Raises StoreUnavailable if the file is not SQLite, or has a table `snapshots` that is something else.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._lock = threading.RLock()
        with refusals(path):
            self.connection = connect(path)
            try:
                self._claim()
            except BaseException:
                self.connection.close()
                raise

    def _claim(self) -> None:
        use_wal(self.connection, self.path)
        self.connection.execute("PRAGMA synchronous = NORMAL")  # what a power cut takes from a cache is made again
        self.connection.execute("PRAGMA secure_delete = ON")  # what is thrown away is not in the file any more
        if not (found := self._columns()):
            with transaction(self.connection):
                self.connection.execute(TABLE)
            found = self._columns()
        if found != COLUMNS:
            raise StoreUnavailable(
                f"file {self.path!r} has a table 'snapshots' with the columns {', '.join(found)}, expected "
                f"{', '.join(COLUMNS)}: something else made it, so choose another path", path=self.path,
            )  # fmt: skip

    def _columns(self) -> tuple[str, ...]:
        return tuple(row[1] for row in self.connection.execute("PRAGMA table_info(snapshots)"))

    def find(self, stream: str, fold: str) -> Row | str | None:
        """The snapshot of a stream and a fold, or None; or why it cannot be read, if it is damaged."""
        query = f"SELECT {', '.join(COLUMNS)} FROM snapshots WHERE stream = ? AND fold = ?"  # noqa: S608 - constants
        try:
            with self._lock, refusals(self.path):
                found = self.connection.execute(query, (stream, fold)).fetchone()
        except StoreUnavailable as error:
            return f"it cannot be read ({error})"
        if found is None:
            return None
        row = Row(*found[:-1])
        texts = [part for part in found if isinstance(part, str)]
        whole = len(texts) == len(COLUMNS) - 1 and type(row.version) is int and row.version > 0
        return row if whole and row.digest == found[-1] else "its row is damaged"

    def keep(self, row: Row) -> None:
        """Put a snapshot in the place of the one before it. Raises StoreUnavailable if the file cannot be written."""
        places = ", ".join("?" * len(COLUMNS))
        with self._lock, refusals(self.path), transaction(self.connection):
            self.connection.execute(f"INSERT OR REPLACE INTO snapshots VALUES ({places})", (*row, row.digest))  # noqa: S608

    def forget(self, stream: str | None, fold: str) -> int:
        """Throw away the snapshot of a stream, or all of a fold; returns how many."""
        delete = "DELETE FROM snapshots WHERE fold = ? AND (stream = ? OR ? IS NULL)"
        with self._lock, refusals(self.path):
            with transaction(self.connection):
                thrown_away = self.connection.execute(delete, (fold, stream, stream)).rowcount
            self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return thrown_away

    def close(self) -> None:
        with self._lock:
            self.connection.close()
