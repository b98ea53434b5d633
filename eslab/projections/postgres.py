"""A view in PostgreSQL is tables in a schema: its own schema, or that of the store."""

from __future__ import annotations

import hashlib
import json
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import TYPE_CHECKING, Any

from eslab.errors import InvalidName, ProjectionFailed, StoreUnavailable
from eslab.projections.postgres_parts import (
    NAMES,
    described,
    drop,
    grant,
    grants,
    move,
    quoted,
    relations,
)
from eslab.projections.read_models import ReadModel
from eslab.projections.tables import BEGIN, DEAD_LETTERS, TABLES, Ended, TableProjection, Tables, ended
from eslab.stores.postgres_line import Line
from eslab.stores.postgres_refusals import psycopg, refusal, refusals
from eslab.stores.postgres_tables import checked_schema

if TYPE_CHECKING:
    from eslab.stores.postgres import PostgresStore

PATIENCE = 10.0
"""Seconds for which another who holds what is wanted is waited for."""
GLANCE_MS = 100
"""So long a swap waits for readers at a time, as new readers wait behind it; then it lets them through."""
CHECKPOINTS = """
CREATE TABLE IF NOT EXISTS checkpoints (
    projection TEXT PRIMARY KEY,
    checkpoint BIGINT NOT NULL,
    position   BIGINT NOT NULL,
    event_id   TEXT NOT NULL,
    made_by    TEXT NOT NULL,
    tables     TEXT NOT NULL,
    unfinished TEXT CONSTRAINT unfinished REFERENCES checkpoints DEFERRABLE INITIALLY DEFERRED
);
"""
BEGUN = "UPDATE checkpoints SET unfinished = '' WHERE projection = %s"
"""While it says so, the constraint lets nobody commit: there is no projection without a name."""
FINISHED = "UPDATE checkpoints SET unfinished = NULL WHERE projection = %s AND unfinished = ''"


class PostgresProjection(TableProjection):
    """A projection whose read model is tables in a schema (a folder of tables) of a PostgreSQL database.

    `tables` are the CREATE TABLE statements, by table name, without the schema. `evolve(db, recorded)` runs SQL on the
    psycopg connection it is given (%s for each value) and returns it; the transaction is not its to end. The schema is
    made if it is not there; it may be the store's.
    """

    places = ("dsn", "schema")

    def __init__(self, dsn: str, *, schema: str = "views") -> None:
        self.dsn, self.schema = dsn, checked_schema(schema)

    def initial(self) -> psycopg.Connection[tuple[Any, ...]]:
        """Empty temporary tables, which are gone when this connection is closed."""
        connection = Line(self.dsn, 0, hello="SET search_path TO pg_temp").connection
        self.create(connection)
        return connection

    def read_model(self) -> ReadModel:
        return PostgresTables(self, self.schema)


class PostgresTables(Tables):
    """A read model in a schema, with three connections: one changes it, one looks at the mark, one is for readers.

    A connection that was lost is made again.
    """

    projection: PostgresProjection
    sign, held = "%s", " FOR UPDATE"

    def __init__(self, projection: PostgresProjection, schema: str) -> None:
        super().__init__(projection)
        self.schema, self._looking = schema, threading.RLock()
        place = f"SET search_path TO {quoted(schema)}"
        careful = f"{place}; SET default_transaction_isolation = 'read committed'; SET synchronous_commit = on"
        self._line = Line(projection.dsn, PATIENCE, f"{careful}; SET lock_timeout = '{PATIENCE:.0f}s'")
        self._look, self._state = Line(projection.dsn, PATIENCE, place), Line(projection.dsn, PATIENCE, place)
        weakref.finalize(self, closed, self._line, self._look)
        self._leads: dict[str, psycopg.Connection[tuple[Any, ...]]] = {}
        self._expected: dict[str, dict[tuple[str, str], str]] = {}
        try:
            self._claim()
        except BaseException:
            self.close()
            raise

    @property
    def where(self) -> str:
        return f"schema {self.schema!r} of {self._line.place}"

    @property
    def state(self) -> psycopg.Connection[tuple[Any, ...]]:
        """A connection to ask; it sees whole batches only."""
        with self._looking:
            connection = self._state.connection
            connection.prepare_threshold = None  # after a rebuild, an answer may have other columns
            return connection

    def close(self) -> None:
        with self._looking:
            with suppress(StoreUnavailable):  # what a lost line led is given back, and the next rebuild cleans up
                for role in list(self._leads):
                    self.release(role)
                if self.passing:
                    self._look.run(f"DROP SCHEMA IF EXISTS {quoted(self.schema)} CASCADE")
                    self.passing = False
            self._look.close()
            self._state.close()
        if self._turn.acquire(timeout=1):  # else an event is being handled that does not end
            self._line.close()
            self._turn.release()

    # --- changing it ---

    @contextmanager
    def changing(self) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
        with self._turn, self.refusing():
            self._line.begin()
            try:
                yield self._line.connection
            except BaseException:
                self._line.rollback()
                raise
            self._line.commit()

    def refusing(self) -> AbstractContextManager[None]:
        return refusals(self._line.place)

    @contextmanager
    def _guarded(self, db: psycopg.Connection[tuple[Any, ...]]) -> Iterator[None]:
        db.execute(BEGUN, (self.projection.name,))
        yield
        if db.execute(FINISHED, (self.projection.name,)).rowcount != 1:
            raise Ended

    def _misfortune(self, failed: ProjectionFailed) -> Exception:
        match failed.__cause__:
            case psycopg.errors.ForeignKeyViolation() as error if error.diag.constraint_name == "unfinished":
                return ended(failed)
            case psycopg.OperationalError() | psycopg.InterfaceError() as error:
                return refusal(self._line.place, error)
            case psycopg.Error():
                return self._found_altered() or failed
        return failed

    def ask(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        with self._looking:
            return self._look.ask(self._sql(sql), *values)

    # --- its tables ---

    def _claim(self) -> None:
        """Find its tables, or make them where nobody else's are in the way."""
        if self.ask("SELECT to_regclass('dead_letters')") != [(None,)]:
            self._mine = self._owned(self._look.connection) or set()
        if self._mine:
            return
        with self.changing() as db:
            db.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (f"eslab views in {self.schema}",))
            if not db.execute("SELECT FROM pg_namespace WHERE nspname = %s", (self.schema,)).rowcount:
                db.execute(f"CREATE SCHEMA {quoted(self.schema)}")
            db.execute(CHECKPOINTS)
            db.execute(DEAD_LETTERS)
            if (owned := self._owned(db)) is None:
                self._refuse_others(db, {name for name, _ in self._made()}, set())
                there = set(relations(db, self.schema))
                self.projection.create(db)
                owned = {one.name for one in relations(db, self.schema) if one not in there}
                db.execute(self._sql(BEGIN), (self.projection.name, json.dumps(sorted(owned))))
            self._mine = owned

    def _owned(self, db: psycopg.Connection[tuple[Any, ...]]) -> set[str] | None:
        """The names of the relations that are this projection's; None if it has never been there."""
        found = db.execute(self._sql(TABLES), (self.projection.name,)).fetchone()
        return None if found is None else set(json.loads(found[0]))

    def _refuse_others(self, db: psycopg.Connection[tuple[Any, ...]], wanted: set[str], owned: set[str]) -> None:
        there = {name for (name,) in db.execute(NAMES, (self.schema,))}
        if taken := sorted(wanted & there - owned):
            raise InvalidName(
                f"projection {self.projection.name} wants a table {taken[0]!r}, but {self.where} has one that is not "
                f"its own: choose another name for the table, or another schema", found=taken[0],
            )  # fmt: skip

    def _made(self) -> dict[tuple[str, str], str]:
        """What its projection makes in an empty place; that of the last time, if the statements are the same."""
        key = json.dumps(self.projection.tables)
        with self._looking, refusals(self._look.place):
            if key not in self._expected:
                self._look.begin()
                try:
                    self._look.run("SET LOCAL search_path TO pg_temp")
                    self.projection.create(db := self._look.connection)
                    ((place,),) = db.execute("SELECT nspname FROM pg_namespace WHERE oid = pg_my_temp_schema()")
                    self._expected = {key: described(db, place)}
                finally:
                    self._look.rollback()
            return self._expected[key]

    def _differences(self) -> Iterator[str]:
        expected = self._made()
        own = {name for name, _ in expected}
        with self._looking, refusals(self._look.place):
            self._look.begin()
            try:
                found = described(self._look.connection, self.schema)
            finally:
                self._look.rollback()
        there = {part: what for part, what in found.items() if part[0] in own}
        for name, part in sorted(expected.keys() | there.keys()):
            if (one := there.get((name, part))) != (other := expected.get((name, part))):
                yield f"{part} of {name!r} as {one!r}, expected {other!r}"

    # --- made again ---

    def beside(self) -> ReadModel:
        digest = hashlib.sha256(json.dumps([self.schema, self.projection.name]).encode()).hexdigest()[:8]
        schema = f"{self.schema[:40]}__beside_{digest}"
        with self.changing() as db:
            db.execute(f"DROP SCHEMA IF EXISTS {quoted(schema)} CASCADE")  # left over from a crash
        made = PostgresTables(self.projection, schema)
        made.passing = True
        return made

    def swap(self, beside: ReadModel) -> None:
        assert isinstance(beside, PostgresTables)  # noqa: S101 - it was made by the method above
        until = time.monotonic() + PATIENCE
        while not self._taken(beside.schema, last=time.monotonic() > until):
            time.sleep(GLANCE_MS / 1000)
        beside.close()

    def _taken(self, beside: str, last: bool) -> bool:
        """Take what was built in that schema; False if readers are in the way, unless it is the last attempt."""
        try:
            with self.changing() as db:
                db.execute(f"SET LOCAL lock_timeout = {GLANCE_MS}")
                self._take(db, beside)
        except StoreUnavailable as refused:
            if refused.facts.get("code") == "55P03" and not last:
                return False
            if isinstance(refused.__cause__, psycopg.errors.DependentObjectsStillExist):
                detail = " ".join(str(refused.__cause__.diag.message_detail).split())
                raise StoreUnavailable(
                    f"{self.where}: found that others have made something of the tables of {self.projection.name} "
                    f"({detail}), which a rebuild would drop: drop it, rebuild, then make it again", place=self.where,
                ) from refused  # fmt: skip
            raise
        return True

    def _take(self, db: psycopg.Connection[tuple[Any, ...]], beside: str) -> None:
        """Put the tables that were built beside in the place of those that were, with mark and letters."""
        db.execute(CHECKPOINTS)
        db.execute(DEAD_LETTERS)
        db.execute(self._sql(TABLES) + self.held, (self.projection.name,))
        owned = self._owned(db) or self._mine
        new = [one for one in relations(db, beside) if one.name not in ("checkpoints", "dead_letters")]
        names = [one.name for one in new]
        self._refuse_others(db, set(names), owned)
        rights = grants(db, self.schema, owned)
        drop(db, self.schema, owned)
        move(db, new, beside, self.schema)
        grant(db, self.schema, rights, names)
        self._take_books(db, quoted(beside))
        self._mine = set(names)

    # --- one of several processes ---

    def lead(self, role: str = "") -> bool:
        with self._looking, refusals(self._look.place):
            self._look.ask("SELECT")  # a line that was lost is made again, and what it led is led no more
            if self.passing or self._leads.get(role) is (line := self._look.connection):
                return True
            ((leads,),) = line.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", (self._lock(role),))
            if leads:
                self._leads[role] = line
            return bool(leads)

    def release(self, role: str = "") -> None:
        with self._looking, refusals(self._look.place):
            if (line := self._leads.pop(role, None)) is not None and not line.closed:
                line.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", (self._lock(role),))

    def _lock(self, role: str) -> str:
        return json.dumps(["eslab view", self.schema, self.projection.name, role])


def closed(*lines: Line) -> None:
    """Close lines whose view nobody has any more."""
    for line in lines:
        line.close()


def same_place(store: PostgresStore, model: PostgresTables) -> bool:
    """Whether the tables of a view are in the schema of a store, by whatever address."""
    query = "SELECT current_database()::text, pg_postmaster_start_time(), current_schema()::regnamespace::oid"
    return store._ask(query) == model.ask(query)
