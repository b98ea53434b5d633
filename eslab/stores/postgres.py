"""A store in a PostgreSQL database: durable, shared by many programs on many machines, and open to SQL."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from eslab.errors import StoreUnavailable
from eslab.events import PAGE, Recorded
from eslab.queries import Query
from eslab.store import Clock, Ids, Store, new_id, utc_now
from eslab.stores.postgres_line import Ear, Line
from eslab.stores.postgres_tables import (
    COLUMNS,
    GUARDS,
    ON_GUARD,
    UNINDEXED_TAGS,
    checked_schema,
    claim,
    lock_of,
    settings_of,
)
from eslab.stores.sql import as_sql, of_stream

END = "SELECT position, recorded_at FROM events ORDER BY position DESC LIMIT 1"
CHAIN_END = "SELECT digest FROM links ORDER BY position DESC LIMIT 1"


class PostgresStore(Store):
    """The store in one schema (a folder of tables) of the database at `dsn`, made if not there (but for create=False).

    One program writes at a time, from the first look at the log to the end of its commit, so positions are given in
    the order of commits and have no gaps; readers never wait. When `append` returns, the events are on the server's
    disk (if its `fsync` is on, as it is unless somebody turned it off). A writer waits up to `patience` seconds for
    another, and as long for a server that was there before and does not answer.

    If the connection is lost in the middle of an append, the store finds out whether it was stored. What it cannot
    find out is settled by appending again with the same ids: NewEvent(..., id=...).

    Raises StoreUnavailable if the server cannot be reached or refuses, or if the schema is not an eslab store.
    """

    def __init__(
        self, dsn: str, *, schema: str = "eslab", clock: Clock = utc_now, ids: Ids = new_id, patience: float = 10,
        create: bool = True,
    ) -> None:  # fmt: skip
        super().__init__(clock=clock, ids=ids)
        self.schema = checked_schema(schema)
        self._lock = threading.RLock()
        self._line = Line(dsn, patience, hello=settings_of(schema, patience))
        self._ear = Ear(dsn, schema)
        self._inserted: list[str] = []
        self._seen: dict[str, list[tuple[Any, ...]]] = {}
        try:
            claim(self._line, schema, create)
        except BaseException:
            self._line.close()
            raise

    def close(self) -> None:
        self._ear.close()
        with self._lock:
            self._line.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: schema {self.schema!r} in {self._line.place}>"

    # --- the small methods of the contract ---

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with self._lock:
            self._inserted = []
            _, *seen = self._line.begin(lock_of(self.schema), END, CHAIN_END)
            self._seen = dict(zip((END, CHAIN_END), seen, strict=True))  # they are asked next, and came along
            try:
                yield
                self._seen = {}
            except BaseException as error:
                self._seen = {}
                self._line.rollback()
                if isinstance(error, StoreUnavailable) and self._line.lost:
                    raise self._not_stored() from error
                raise
            try:
                self._line.commit()
            except StoreUnavailable as error:
                if self._line.lost:
                    self._settle(error)
                else:
                    raise

    def _settle(self, error: StoreUnavailable) -> None:
        """After a lost commit: return if it was kept after all. Raises StoreUnavailable if it was not, or who knows."""
        ids = self._inserted
        try:
            self._line.begin(lock_of(self.schema))  # once this transaction has its turn, the lost one is over
            stored = len(self._with_ids(ids))
            self._line.rollback()
        except StoreUnavailable as silent:
            raise StoreUnavailable(
                f"store in {self._line.place}: found the line lost while an append was being committed, and the server "
                f"does not answer, so it is not known whether it was stored: append again with the same ids "
                f"(NewEvent(..., id=...)), which stores nothing twice", place=self._line.place, ids=ids,
            ) from silent  # fmt: skip
        if not ids:
            raise error
        if stored < len(ids):
            raise self._not_stored() from error

    def _not_stored(self) -> StoreUnavailable:
        return StoreUnavailable(
            f"store in {self._line.place}: found the line lost in the middle of an append; nothing was stored: "
            f"append again", place=self._line.place, ids=self._inserted,
        )  # fmt: skip

    def _insert(self, rows: list[Recorded]) -> None:
        self._inserted += [row.id for row in rows]
        self._seen.pop(END, None)
        self._line.put("events", COLUMNS, list(map(msgspec.structs.astuple, rows)))
        tags = [(tag, row.position) for row in rows if row.metadata_text != "{}" for tag in row.tags]
        self._line.put("tags", "tag, position", tags)

    def _end(self) -> tuple[int, str]:
        rows = self._ask(END)
        return (rows[0][0], rows[0][1]) if rows else (0, "")

    def _version(self, stream: str) -> int:
        rows = self._ask("SELECT version FROM events WHERE stream = %s ORDER BY version DESC LIMIT 1", stream)
        return rows[0][0] if rows else 0

    def _with_ids(self, ids: list[str]) -> list[Recorded]:
        return self._recorded("id = ANY(%s) ORDER BY position", ids)

    def _stream(
        self,
        stream: str,
        after: int,
        until: int | None,
        recorded_until: str | None,
        occurred_until: str | None,
    ) -> list[Recorded]:
        where, values = of_stream(stream, after, until, recorded_until, occurred_until, mark="%s")
        return self._recorded(f"{where} ORDER BY version", *values)

    def _log(
        self, after: int, until: int, types: list[str] | None, categories: list[str] | None, limit: int
    ) -> list[Recorded]:
        where, values = "position > %s AND position <= %s", list[object]()
        for column, wanted in (("type", types), ("category", categories)):
            if wanted is not None:
                where += f" AND {column} = ANY(%s)"
                values.append(wanted)
        rows: list[Recorded] = []
        while after < until and len(rows) < limit:  # a page of the log at a time: a short way, whatever the plan
            end = min(after + PAGE, until) if values else until
            found = self._recorded(f"{where} ORDER BY position LIMIT %s", after, end, *values, limit - len(rows))
            rows, after = rows + found, end
        return rows

    def _matching(self, query: Query, after: int, until: int, limit: int) -> list[Recorded]:
        positions, values = as_sql(query, after, until, limit, mark="%s")
        where = f"position IN ({positions}) ORDER BY position LIMIT %s"
        return self._recorded(where, *values, limit, plan=True)

    def _chain_end(self) -> bytes | None:
        rows = self._ask(CHAIN_END)
        return rows[0][0] if rows else None

    def _links(self, after: int, limit: int) -> list[bytes]:
        query = "SELECT digest FROM links WHERE position > %s ORDER BY position LIMIT %s"
        return [digest for (digest,) in self._ask(query, after, limit)]

    def _add_links(self, first: int, digests: list[bytes]) -> None:
        self._seen.pop(CHAIN_END, None)
        self._line.put("links", "position, digest", list(enumerate(digests, first)))

    def _wait(self, after: int, seconds: float) -> bool:
        return self._ear.wait(after, seconds)

    def _inspect(self) -> str:
        if missing := sorted(GUARDS - set(self._ask(ON_GUARD))):
            return (
                "somebody has taken away the trigger {1!r} of table {0!r}, which keeps facts from being changed".format(
                    *missing[0]
                )
            )
        wrong = self._ask(f"SELECT position FROM ({UNINDEXED_TAGS}) AS wrong ORDER BY position LIMIT 1")
        return f"the index of tags is not that of the events, first at position {wrong[0][0]}" if wrong else ""

    def _recorded(self, where: str, *values: object, plan: bool = False) -> list[Recorded]:
        return [Recorded(*row) for row in self._ask(f"SELECT {COLUMNS} FROM events WHERE {where}", *values, plan=plan)]

    def _ask(self, sql: str, *values: object, plan: bool = False) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._seen[sql] if sql in self._seen else self._line.ask(sql, *values, plan=plan)
