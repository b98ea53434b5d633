"""A view in SQLite is tables in a file: its own file, or that of the store."""

from __future__ import annotations

import hashlib
import json
import os
import re
import sqlite3
import threading
import weakref
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from eslab.errors import InvalidName, ProjectionFailed, StoreUnavailable
from eslab.projections.read_models import ReadModel
from eslab.projections.sqlite_parts import Part, drop, is_open, made_by, names, parts_in, remove, take
from eslab.projections.tables import BEGIN, DEAD_LETTERS, EARLIER, TABLES, Ended, TableProjection, Tables, ended
from eslab.stores.sqlite import connect, refusals, transaction, use_wal

CHECKPOINTS = """CREATE TABLE checkpoints (
    projection TEXT PRIMARY KEY,
    checkpoint INTEGER NOT NULL,
    position   INTEGER NOT NULL,
    event_id   TEXT NOT NULL,
    made_by    TEXT NOT NULL,
    tables     TEXT NOT NULL
)"""
COLUMNS = ["projection", "checkpoint", "position", "event_id", "made_by", "tables"]
BOOKS = ("checkpoints", "dead_letters")
PLACES = (
    sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_NOMEM,
)  # fmt: skip
"""What SQLite says of the file, and not of the statement."""


class SqliteProjection(TableProjection):
    """A projection whose read model is tables in a SQLite file, so that a question is one SELECT.

    `tables` are the CREATE TABLE statements, by table name. `evolve(db, recorded)` runs SQL on the connection it is
    given (values as parameters, never in the text) and returns it; the transaction is not its to end. The file may be
    the store's; one of its own keeps views and writers out of each other's way. ":memory:" is gone with the program.
    """

    places = ("path",)

    def __init__(self, path: str) -> None:
        self.path = path

    def initial(self) -> sqlite3.Connection:
        """Empty tables in memory, for tests and for looking at a few events."""
        db = connect(":memory:")
        self.create(db)
        return db

    def read_model(self) -> ReadModel:
        return SqliteTables(self, self.path)


class SqliteTables(Tables):
    """A read model in a file, with three connections: one changes it, one looks at the mark, one is for readers."""

    projection: SqliteProjection

    def __init__(self, projection: SqliteProjection, path: str) -> None:
        super().__init__(projection)
        self.path = path
        self._file = path if path != ":memory:" else self._gone_with_this("view.db")
        self._looking, self._closed, self._denied = threading.RLock(), False, False
        self._state: sqlite3.Connection | None = None
        self._leads: dict[str, Any] = {}
        with refusals(path):
            self._db = connect(self._file)
            if path == ":memory:":
                self._db.execute("PRAGMA synchronous = OFF")
            try:
                self._claim()
                self._look = connect(self._file)
            except BaseException:
                self._db.close()
                raise

    def _gone_with_this(self, name: str) -> str:
        """A file in a folder of its own: memory of which several connections see whole transactions only."""
        import shutil
        import tempfile

        folder = tempfile.mkdtemp(prefix="eslab-view-")
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        return os.path.join(folder, name)

    @property
    def where(self) -> str:
        return repr(self.path)

    @property
    def state(self) -> sqlite3.Connection:
        """A connection to ask; it sees whole batches only."""
        with self._looking, refusals(self.path):
            if self._closed:
                raise StoreUnavailable(f"the view in {self.path!r} is closed: make its projector again", path=self.path)
            if self._state is None or not is_open(self._state):
                self._state = connect(self._file)
            return self._state

    def close(self) -> None:
        for role in list(self._leads):
            self.release(role)
        with self._looking:
            self._closed = True
            self._look.close()
            if self._state is not None:
                self._state.close()
        if self._turn.acquire(timeout=1):  # else an event is being handled that does not end
            self._db.close()
            self._turn.release()
        if self.passing:
            remove(self._file)

    # --- changing it ---

    @contextmanager
    def changing(self) -> Iterator[sqlite3.Connection]:
        with self._turn, self.refusing(), transaction(self._db):
            yield self._db

    def refusing(self) -> AbstractContextManager[None]:
        return refusals(self.path)

    @contextmanager
    def _guarded(self, db: sqlite3.Connection) -> Iterator[None]:
        self._denied = False

        def allowed(action: int, *_: object) -> int:
            if action != sqlite3.SQLITE_TRANSACTION:
                return sqlite3.SQLITE_OK
            self._denied = True
            return sqlite3.SQLITE_DENY

        db.set_authorizer(allowed)
        try:
            yield
        finally:
            db.set_authorizer(None)
        if not db.in_transaction:  # as after INSERT OR ROLLBACK
            raise Ended

    def _misfortune(self, failed: ProjectionFailed) -> Exception:
        if self._denied:
            return ended(failed)
        if isinstance(failed.__cause__, sqlite3.Error):
            if getattr(failed.__cause__, "sqlite_errorcode", 0) & 0xFF in PLACES:
                return self._unavailable(failed.__cause__)
            return self._found_altered() or failed
        return failed

    def _unavailable(self, error: sqlite3.Error) -> Exception:
        try:
            with refusals(self.path):
                raise error
        except StoreUnavailable as refusal:
            return refusal

    def ask(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        with self._looking, refusals(self.path):
            return self._look.execute(sql, values).fetchall()

    # --- its tables ---

    def _claim(self) -> None:
        """Find its tables, or make them where nobody else's are in the way."""
        use_wal(self._db, self._file)
        if self._columns() == COLUMNS and (owned := self._owned()) is not None:
            self._mine = owned
            return
        with transaction(self._db):
            self._keep_books()
            if (owned := self._owned()) is None:
                parts = made_by(self.projection)
                self._refuse_others(parts, set())
                self.projection.create(self._db)
                self._db.execute(BEGIN, (self.projection.name, json.dumps(names(parts))))
                owned = set(names(parts))
            self._mine = owned

    def _keep_books(self) -> None:
        """Make the two tables beside, or bring those of an earlier eslab up to date."""
        match self._columns():
            case []:
                self._db.execute(CHECKPOINTS)
            case ["projection", "position"]:
                self._db.execute("ALTER TABLE checkpoints RENAME TO earlier_checkpoints")
                self._db.execute(CHECKPOINTS)
                maker = "CASE position WHEN 0 THEN '' ELSE ? END"
                query = f"SELECT projection, position, 0, '', {maker}, '' FROM earlier_checkpoints"  # noqa: S608
                self._db.execute(f"INSERT INTO checkpoints {query}", (EARLIER,))
                self._db.execute("DROP TABLE earlier_checkpoints")
            case columns if columns != COLUMNS:
                raise StoreUnavailable(
                    f"file {self.path!r} has a table 'checkpoints' with the columns {', '.join(columns)}, expected "
                    f"{', '.join(COLUMNS)}: something else made it, so choose another path", path=self.path,
                )  # fmt: skip
        self._db.execute(DEAD_LETTERS)

    def _columns(self) -> list[str]:
        return [name for _, name, *_ in self._db.execute("PRAGMA table_info(checkpoints)")]

    def _owned(self) -> set[str] | None:
        """The names of the tables in the file that are this projection's; None if it has never been there."""
        found = self._db.execute(TABLES, (self.projection.name,)).fetchone() if self._columns() == COLUMNS else None
        if found is None:
            return None
        return set(json.loads(found[0])) if found[0] else set(names(made_by(self.projection)))

    def _refuse_others(self, parts: list[Part], owned: set[str]) -> None:
        there = {part.name.lower() for part in parts_in(self._db) if part.table not in owned}
        if taken := [part for part in parts if part.name.lower() in there]:
            raise InvalidName(
                f"projection {self.projection.name} wants a {taken[0].kind} {taken[0].name!r}, but {self.path!r} has "
                f"one that is not its own: choose another name for the {taken[0].kind}, or another file",
                found=taken[0].name,
            )  # fmt: skip

    def _differences(self) -> Iterator[str]:
        expected = made_by(self.projection)
        own = set(names(expected))
        with self._looking, refusals(self.path):
            parts = parts_in(self._look)
        found = {(part.kind, part.name): part.sql for part in parts if part.table in own}
        for part in expected:
            there = found.pop((part.kind, part.name), f"no {part.kind} {part.name!r}")
            if there != part.sql:
                yield f"{there}, expected {part.sql}"
        for added in found.values():
            yield f"{added}, which its projection does not make"

    # --- made again ---

    def beside(self) -> ReadModel:
        path = self._near("beside")
        remove(path)  # left over from a crash
        made = SqliteTables(self.projection, path)
        made.passing = True
        made._db.execute("PRAGMA synchronous = OFF")
        return made

    def swap(self, beside: ReadModel) -> None:
        assert isinstance(beside, SqliteTables)  # noqa: S101 - it was made by the method above
        with self._turn, refusals(self.path):
            self._db.execute("ATTACH ? AS beside", (beside._file,))
            try:
                with transaction(self._db):
                    self._keep_books()
                    self._take()
            finally:
                self._db.execute("DETACH beside")
        beside.close()

    def _take(self) -> None:
        """Put the tables that were built beside in the place of those that were, with mark and letters."""
        db, owned = self._db, self._owned() or self._mine
        new = [part for part in parts_in(db, "beside") if part.table not in BOOKS]
        self._refuse_others(new, owned)
        drop(db, owned)
        take(db, new)
        self._take_books(db, "beside")
        self._mine = set(names(new))

    # --- one of several processes ---

    def lead(self, role: str = "") -> bool:
        if self.passing or role in self._leads:
            return True
        import filelock

        lock = filelock.FileLock(self._near(f"{role}.lock".lstrip(".")), timeout=0, thread_local=False)
        try:
            lock.acquire()
        except filelock.Timeout:
            return False
        except OSError as error:
            raise StoreUnavailable(
                f"found no way to write {lock.lock_file!r} ({error.strerror}), expected a file by which processes "
                f"agree on who runs {self.projection.name}: change the permissions of its folder", path=self.path,
            ) from error  # fmt: skip
        self._leads[role] = lock
        return True

    def release(self, role: str = "") -> None:
        if role in self._leads:
            self._leads.pop(role).release()

    def _near(self, what: str) -> str:
        """A file beside that of the view, for this projection alone."""
        name = self.projection.name
        safe = re.sub(r"[^\w-]", "_", name)[:60]
        if safe != name:
            safe += f"~{hashlib.sha256(name.encode()).hexdigest()[:8]}"
        return f"{self._file}.{safe}.{what}"
