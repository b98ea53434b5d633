"""A line to a PostgreSQL server: one connection, made again when it is lost, and one more on which it calls."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from eslab.errors import DuplicateEvent, InvalidPayload, StoreUnavailable
from eslab.stores.postgres_refusals import parameters, place, psycopg, refusal, refusals

PAUSE = 0.1
"""Seconds between two attempts to reach a server that was there before."""
FEW = 10
"""So many rows go to the server in one INSERT; with more of them, COPY is faster, and many times so with thousands."""
SLICE = 0.2
"""Seconds that is listened at most before it is looked whether the store was closed."""


class Line:
    """A connection to the server at `dsn`; the caller sees to it that threads use it in turn.

    A line that was lost is made again when it is next used, for up to `patience` seconds, and says `hello` (SQL) first.
    What is asked outside a transaction is then asked again; a transaction is lost with its line.
    Raises StoreUnavailable for whatever the server refuses.
    """

    def __init__(self, dsn: str, patience: float, hello: str) -> None:
        self.patience = patience
        self._hello = hello
        self._parameters = parameters(dsn, patience)
        self.place = place(self._parameters)
        self._connection: psycopg.Connection[tuple[Any, ...]] | None = None
        self._closed = False
        self._within = False

    @property
    def lost(self) -> bool:
        return self._connection is None or self._connection.closed

    @property
    def connection(self) -> psycopg.Connection[tuple[Any, ...]]:
        """The connection itself, a new one if it is lost, unless in a transaction."""
        if self._closed:
            raise StoreUnavailable(f"the store in {self.place} is closed: open the store again", place=self.place)
        if self._connection is None or (self._connection.closed and not self._within):
            self._connection = self._connect(again=self._connection is not None)
        return self._connection

    def ask(self, sql: str, *values: object, plan: bool = False) -> list[tuple[Any, ...]]:
        """The rows that answer a question; with `plan`, the server thinks anew about how to find just these values."""
        return self._surely(sql, *values, prepare=False if plan else None).fetchall()

    def put(self, table: str, columns: str, rows: Sequence[tuple[object, ...]]) -> None:
        """Insert rows. Raises DuplicateEvent if an id or a place is taken, InvalidPayload if a text cannot be kept."""
        if not rows:
            return
        with refusals(self.place):
            try:
                if len(rows) <= FEW:
                    marks = ", ".join([f"({', '.join(['%s'] * len(rows[0]))})"] * len(rows))
                    values = list(itertools.chain.from_iterable(rows))
                    self.connection.execute(f"INSERT INTO {table} ({columns}) VALUES {marks}", values)
                else:
                    with self.connection.cursor().copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
                        for row in rows:
                            copy.write_row(row)
            except psycopg.errors.UniqueViolation as error:
                raise DuplicateEvent(
                    f"store in {self.place}: found an id, or a place in the log, that is taken: give the store a "
                    f"source of ids that never repeats", constraint=error.diag.constraint_name,
                ) from error  # fmt: skip
            except (psycopg.DataError, UnicodeEncodeError) as error:
                raise InvalidPayload(
                    f"found a text that PostgreSQL cannot keep ({error}); nothing was stored: correct it, then append "
                    f"again"
                ) from error

    def called(self, seconds: float) -> bool:
        """Whether the server has called on this line (LISTEN), within so many seconds, or it was lost."""
        with suppress(psycopg.OperationalError):
            return bool(list(self.connection.notifies(timeout=seconds, stop_after=1)))
        return True

    def begin(self, *questions: str) -> list[list[tuple[Any, ...]]]:
        """Begin a transaction, on a new line if it was lost, and answer its first questions in the same round trip."""
        try:
            cursor = self._surely("; ".join(["BEGIN", *questions]))
            self._within = True
            return [cursor.fetchall() for _ in questions if cursor.nextset()]
        except BaseException:
            self.rollback()
            raise

    def run(self, sql: str) -> None:
        """Execute statements that have no answer, in the transaction that is open."""
        with refusals(self.place):
            self.connection.execute(sql)

    def commit(self) -> None:
        """Keep what was done since `begin`. Raises StoreUnavailable; if the line is `lost` then, it may be kept."""
        with refusals(self.place):
            try:
                done = self.connection.execute("COMMIT", prepare=False).statusmessage
            except BaseException:
                self.rollback()
                raise
        self._within = False
        if done != "COMMIT":
            raise StoreUnavailable(
                f"store in {self.place}: found a transaction that an error had ended; nothing was stored: append again",
                place=self.place,
            )

    def rollback(self) -> None:
        """Undo what was done since `begin`; the server itself does so for a line that is lost."""
        self._within = False
        if self._connection is not None:
            with suppress(psycopg.Error):
                self._connection.execute("ROLLBACK")

    def close(self) -> None:
        self._closed = True
        if self._connection is not None:
            self._connection.close()

    def _surely(self, sql: str, *values: object, prepare: bool | None = None) -> psycopg.Cursor[tuple[Any, ...]]:
        """Execute; if the line was lost, do it again on a new one, unless in a transaction."""
        with refusals(self.place):
            try:
                return self.connection.execute(sql, values or None, prepare=prepare)
            except psycopg.OperationalError:
                if self._within or not self.lost:
                    raise
            return self.connection.execute(sql, values or None, prepare=prepare)

    def _connect(self, again: bool) -> psycopg.Connection[tuple[Any, ...]]:
        until = time.monotonic() + (self.patience if again else 0)
        while isinstance(found := self._reached(), StoreUnavailable):
            if time.monotonic() >= until:
                raise found
            time.sleep(PAUSE)
        return found

    def _reached(self) -> psycopg.Connection[tuple[Any, ...]] | StoreUnavailable:
        """A new connection, or why there is none; without the error behind it, which holds the address and all."""
        try:
            connection = psycopg.connect(**self._parameters, autocommit=True)
        except psycopg.Error as error:
            return refusal(self.place, error)
        try:
            connection.execute(self._hello)
        except BaseException:
            connection.close()
            raise
        return connection


class Ear:
    """Hears that the log of a schema has become longer, on a line of its own, for any number of threads of one store.

    One thread listens, for all. Because it asks where the log ends after it has begun to listen, nothing is missed.
    """

    def __init__(self, dsn: str, schema: str) -> None:
        self._line = Line(dsn, patience=0, hello=f'SET search_path TO "{schema}"; LISTEN "eslab_{schema}"')
        self._turn = threading.Lock()
        self._heard = -1
        self._closed = False

    def wait(self, after: int, seconds: float) -> bool:
        """True when the log is longer than `after`, or nothing can be heard, so that it must be looked at."""
        until = time.monotonic() + seconds
        if not self._turn.acquire(timeout=max(0, seconds)):  # another thread has listened all the while
            return self._heard > after
        try:
            while self._heard <= after and not self._closed and (left := until - time.monotonic()) > 0:
                self._listen(min(left, SLICE))
            return self._heard > after or self._closed
        except StoreUnavailable:
            time.sleep(min(PAUSE, max(0, until - time.monotonic())))
            return True
        finally:
            self._turn.release()

    def _listen(self, seconds: float) -> None:
        if self._line.lost or self._line.called(seconds):
            ((self._heard,),) = self._line.ask("SELECT coalesce(max(position), 0) FROM events")

    def close(self) -> None:
        self._closed = True
        with self._turn:
            self._line.close()
