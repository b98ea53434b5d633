"""Tables are a read model that a query can ask: those of the view, and beside them two with what is known of it."""

from __future__ import annotations

import abc
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, ClassVar, Literal

import msgspec

from eslab.errors import InvalidName, ProjectionFailed, ReadModelAltered
from eslab.events import Recorded
from eslab.projections.letters import DeadLetter
from eslab.projections.projection import Projection, evolved, failure
from eslab.projections.read_models import Mark, ReadModel

RESERVED = ("checkpoints", "dead_letters", "events", "links", "settings", "snapshots", "tags")
"""Tables that eslab keeps for itself; a view may lie beside them, and its own are dropped when it is made anew."""
EARLIER = "earlier eslab"
"""What is written as made_by for a view whose maker is not known, as nobody wrote it down then."""

DEAD_LETTERS = """CREATE TABLE IF NOT EXISTS dead_letters (
    projection TEXT NOT NULL,
    position   BIGINT NOT NULL,
    stream     TEXT NOT NULL,
    event_id   TEXT NOT NULL,
    type       TEXT NOT NULL,
    error      TEXT NOT NULL,
    attempts   INTEGER NOT NULL,
    status     TEXT NOT NULL,
    reason     TEXT NOT NULL,
    PRIMARY KEY (projection, position)
)"""
# Each ? stands for a value; PostgreSQL writes it as %s.
MARK = "SELECT checkpoint, position, event_id, made_by FROM checkpoints WHERE projection = ?"
MOVE = "UPDATE checkpoints SET checkpoint = ?, position = ?, event_id = ?, made_by = ? WHERE projection = ?"
BEGIN = """INSERT INTO checkpoints (projection, checkpoint, position, event_id, made_by, tables)
VALUES (?, 0, 0, '', '', ?)"""
TABLES = "SELECT tables FROM checkpoints WHERE projection = ?"
LETTERS = """SELECT projection, position, stream, event_id, type, error, attempts, status, reason FROM dead_letters
WHERE projection = ? AND (status = 'waiting') <> ? ORDER BY position"""
WAITING = "SELECT position FROM dead_letters WHERE projection = ? AND status = 'waiting'"
WRITE = """INSERT INTO dead_letters (projection, position, stream, event_id, type, error, attempts, status, reason)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (projection, position) DO UPDATE SET
error = excluded.error, attempts = excluded.attempts, status = excluded.status, reason = excluded.reason"""
TAKE_MARK = """INSERT INTO checkpoints (projection, checkpoint, position, event_id, made_by, tables)
SELECT projection, checkpoint, position, event_id, made_by, tables FROM {beside}.checkpoints WHERE projection = ?
ON CONFLICT (projection) DO UPDATE SET checkpoint = excluded.checkpoint, position = excluded.position,
event_id = excluded.event_id, made_by = excluded.made_by, tables = excluded.tables"""
TAKE_LETTERS = """INSERT INTO dead_letters SELECT * FROM {beside}.dead_letters
WHERE projection = ? AND status = 'waiting' ON CONFLICT (projection, position) DO NOTHING"""
FORGET = "DELETE FROM dead_letters WHERE projection = ? AND status <> 'skipped'"


class Ended(Exception):
    """The code of a projection has ended the transaction in which its view changes."""


class TableProjection(Projection):
    """A projection whose read model is tables of a database: `tables` are the statements that make them, by name."""

    tables: ClassVar[dict[str, str]] = {}
    entrances = ("tables", "create")

    def create(self, db: Any) -> None:
        """Make the tables, with all that belongs to them."""
        for statement in self.tables.values():
            db.execute(statement)


class Tables(ReadModel):
    """A read model in tables: one transaction changes view, mark and dead letters."""

    sign: ClassVar[Literal["?", "%s"]] = "?"
    held: ClassVar[Literal["", " FOR UPDATE"]] = ""
    """What a SELECT says so that nobody else changes the row; in SQLite the whole file is held."""
    projection: TableProjection
    passing = False
    """Whether it is built beside another, to be swapped in or thrown away."""

    def __init__(self, projection: TableProjection) -> None:
        super().__init__(projection)
        self._turn = threading.RLock()
        self._mine: set[str] = set()
        if taken := [table for table in projection.tables if table.lower() in RESERVED]:
            raise InvalidName(
                f"projection {projection.name} has a table {taken[0]!r}, which eslab keeps for itself: "
                f"choose another name", found=taken[0],
            )  # fmt: skip

    # --- what a database adds ---

    @abc.abstractmethod
    def changing(self) -> AbstractContextManager[Any]:
        """One transaction, for one thread and one process at a time, on the connection that is given."""

    @abc.abstractmethod
    def refusing(self) -> AbstractContextManager[None]:
        """Turns what the database says of itself into StoreUnavailable."""

    @abc.abstractmethod
    def _guarded(self, db: Any) -> AbstractContextManager[object]:
        """In here, the code of a projection cannot end the transaction; raises Ended if it has nevertheless."""

    @abc.abstractmethod
    def ask(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """The rows that answer a question, also while a batch is being handled; each ? in it stands for a value."""

    @abc.abstractmethod
    def _misfortune(self, failed: ProjectionFailed) -> Exception:
        """What an event that could not be handled speaks of: the projection, or the place, or altered tables."""

    @abc.abstractmethod
    def _differences(self) -> Iterator[str]:
        """In what its tables are not as the projection makes them."""

    @property
    @abc.abstractmethod
    def where(self) -> str:
        """The place, for people."""

    # --- the contract ---

    @property
    def tables(self) -> list[str]:
        """The names of its own tables, and of what else can be asked."""
        return sorted(self._mine)

    @property
    def mark(self) -> Mark:
        rows = self.ask(MARK, self.projection.name)
        return Mark(*rows[0]) if rows else Mark()

    def letters(self, *, settled: bool = False) -> list[DeadLetter]:
        return [DeadLetter(*row) for row in self.ask(LETTERS, self.projection.name, settled)]

    def apply(
        self, events: Sequence[Recorded], after: int, mark: Mark, letters: Sequence[DeadLetter] = ()
    ) -> bool:  # fmt: skip
        with self.changing() as db:
            return self.change(db, events, after, mark, letters)

    def change(
        self, db: Any, events: Sequence[Recorded], after: int, mark: Mark, letters: Sequence[DeadLetter] = ()
    ) -> bool:  # fmt: skip
        """The same as `apply`, in the transaction that is open on this connection."""
        if self.mark_in(db).checkpoint != after:
            return False
        self._evolve(db, events)
        db.execute(self._sql(MOVE), (*mark, self.projection.name))
        self._write(db, letters)
        return True

    def settle(self, events: Sequence[Recorded], letters: Sequence[DeadLetter]) -> bool:
        with self.changing() as db:
            self.mark_in(db)
            waiting = {position for (position,) in db.execute(self._sql(WAITING), (self.projection.name,))}
            if not waiting.issuperset(letter.position for letter in letters):
                return False
            self._evolve(db, events)
            self._write(db, letters)
            return True

    def mark_in(self, db: Any) -> Mark:
        """The mark, which from now to the end of the transaction is in no other hands."""
        found = db.execute(self._sql(MARK) + self.held, (self.projection.name,)).fetchone()
        if found is None:
            raise self._gone()
        return Mark(*found)

    def _evolve(self, db: Any, events: Sequence[Recorded]) -> None:
        if not events:
            return
        try:
            with self._guarded(db):
                evolved(self.projection, db, events)
        except Ended as error:
            raise ended(failure(self.projection, events[0], error)) from error
        except ProjectionFailed as failed:
            raise self._misfortune(failed) from failed.__cause__

    def _write(self, db: Any, letters: Iterable[DeadLetter]) -> None:
        for letter in letters:
            row = msgspec.structs.astuple(letter)
            db.execute(self._sql(WRITE), [writable(one) if isinstance(one, str) else one for one in row])

    def _take_books(self, db: Any, beside: str) -> None:
        """Mark and waiting letters of what was built in the schema `beside`; letters that were skipped here stay."""
        for statement in (TAKE_MARK.format(beside=beside), FORGET, TAKE_LETTERS.format(beside=beside)):
            db.execute(self._sql(statement), (self.projection.name,))

    def _sql(self, statement: str) -> str:
        return statement.replace("?", self.sign)

    def _altered(self, found: str) -> ReadModelAltered:
        step = "rebuild() makes it again (also rows that somebody has altered, which cannot be seen)"
        if not self.projection.replayable:
            step = "what it remembers cannot be made again from the log, so restore a copy from before"
        return ReadModelAltered(
            f"the view {self.projection.name} in {self.where} was altered: found {found}; {step}",
            projection=self.projection.name, found=found,
        )  # fmt: skip

    def check(self) -> None:
        if not self.ask(MARK, self.projection.name):
            raise self._gone()
        for found in self._differences():
            raise self._altered(found)

    def _gone(self) -> ReadModelAltered:
        return self._altered(f"no row for {self.projection.name} in checkpoints, expected one")

    def _found_altered(self) -> ReadModelAltered | None:
        try:
            self.check()
        except ReadModelAltered as altered:
            return altered
        return None


def writable(text: str) -> str:
    """A text that every database keeps: what is no character is written as its code."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")


def ended(failed: ProjectionFailed) -> ProjectionFailed:
    """The refusal of a projection that commits, or rolls back, by itself."""
    return ProjectionFailed(
        f"projection {failed.facts['projection']} ended the transaction by itself at position {failed.position}: "
        f"nothing of that is kept, as view and checkpoint change together: take commit, rollback, executescript or "
        f"`with connection` out of its evolve", **failed.facts, ended=True,
    )  # fmt: skip
