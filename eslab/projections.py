"""A projection folds the whole log into a read model: a view for one question, thrown away and rebuilt at will.

A read model remembers its checkpoint, the position of the last event in it. View and checkpoint change together, so
that a crash between two batches neither loses an event nor counts it twice.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Any, ClassVar, Protocol

from eslab.errors import InvalidName, ProjectionFailed, StoreUnavailable
from eslab.events import PAGE, Recorded
from eslab.show import progress
from eslab.store import Store
from eslab.stores.sqlite import connect, refusals, transaction, use_wal

OWN_TABLES = ("events", "checkpoints")
"""A view may lie in the file of a store, and its tables are dropped when it is made anew: never these."""


class Projection:
    """A fold over many streams, kept as plain Python state: give it `initial` and `evolve`.

    `types` and `categories` narrow what it is shown; without them it sees every event and passes over what it does
    not need. `evolve` may change the state in place, and returns it.
    """

    name: ClassVar[str]
    types: ClassVar[tuple[type | str, ...] | None] = None
    categories: ClassVar[tuple[str, ...] | None] = None

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "name" not in vars(cls):
            cls.name = cls.__name__

    def initial(self) -> Any:
        """The empty read model, made anew each time."""
        return {}

    def evolve(self, state: Any, recorded: Recorded, /) -> Any:
        """The read model after one more event."""
        raise ProjectionFailed(
            f"projection {self.name} does nothing with events: give it a method evolve(state, recorded)"
        )

    def read_model(self) -> ReadModel:
        return PythonState(self)

    def __repr__(self) -> str:
        return f"<projection {self.name}>"


class SqliteProjection(Projection):
    """A projection whose read model is tables in a SQLite file, so that a question is one SELECT.

    `tables` are the CREATE TABLE statements, by table name. `evolve(db, recorded)` runs SQL on the connection it is
    given (values as parameters, never in the text) and returns it. The file may be the store's; one of its own keeps
    a long rebuild out of the way of writers.
    """

    tables: ClassVar[dict[str, str]] = {}

    def __init__(self, path: str) -> None:
        self.path = path

    def initial(self) -> sqlite3.Connection:
        """Empty tables in memory, for tests and for looking at a few events."""
        db = connect(":memory:")
        self.create(db)
        return db

    def create(self, db: sqlite3.Connection) -> None:
        for statement in self.tables.values():
            db.execute(statement)

    def read_model(self) -> ReadModel:
        return SqliteTables(self)


class ReadModel(Protocol):
    """Where a projection keeps its state and its checkpoint."""

    @property
    def state(self) -> Any: ...
    @property
    def checkpoint(self) -> int: ...
    def apply(self, events: list[Recorded], after: int, checkpoint: int) -> None:
        """Handle events that follow position `after`, and move the checkpoint with them; all or nothing."""

    def replace(self, events: Iterable[Recorded], checkpoint: int) -> None:
        """Handle these events from an empty state, and put the result in the place of the old one; all or nothing."""


class PythonState:
    """A read model in memory."""

    def __init__(self, projection: Projection) -> None:
        self.projection, self.state, self.checkpoint = projection, projection.initial(), 0

    def apply(self, events: list[Recorded], after: int, checkpoint: int) -> None:
        try:
            self.state, self.checkpoint = evolved(self.projection, self.state, events), checkpoint
        except BaseException:  # a state changed in place cannot go back, but the log can always make it again
            self.state, self.checkpoint = self.projection.initial(), 0
            raise

    def replace(self, events: Iterable[Recorded], checkpoint: int) -> None:
        self.state, self.checkpoint = evolved(self.projection, self.projection.initial(), events), checkpoint


class SqliteTables:
    """A read model in tables, with its checkpoint in a table beside them: one transaction changes both."""

    def __init__(self, projection: SqliteProjection) -> None:
        self.projection = projection
        if taken := [table for table in projection.tables if table.lower() in OWN_TABLES]:
            raise InvalidName(
                f"projection {projection.name} has a table {taken[0]!r}, which eslab keeps for itself in such a file: "
                f"choose another name", found=taken[0],
            )  # fmt: skip
        with refusals(projection.path):
            self.state = connect(projection.path)
            use_wal(self.state, projection.path)
            with transaction(self.state):
                self.state.execute(
                    "CREATE TABLE IF NOT EXISTS checkpoints (projection TEXT PRIMARY KEY, position INTEGER NOT NULL)"
                )
                if self._stored() is None:
                    self._refuse_tables_of_others()
                    self._handle((), 0, begin=True)

    @property
    def checkpoint(self) -> int:
        return self._stored() or 0

    def _stored(self) -> int | None:
        """The checkpoint in the file; None if this projection has never been there."""
        query = "SELECT position FROM checkpoints WHERE projection = ?"
        found = self.state.execute(query, (self.projection.name,)).fetchone()
        return found[0] if found else None

    def _refuse_tables_of_others(self) -> None:
        there = {
            table.lower() for (table,) in self.state.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
        }
        if taken := [table for table in self.projection.tables if table.lower() in there]:
            raise InvalidName(
                f"projection {self.projection.name} wants a table {taken[0]!r}, but {self.projection.path!r} has one "
                f"that is not its own: choose another name for the table, or another file", found=taken[0],
            )  # fmt: skip

    def apply(self, events: list[Recorded], after: int, checkpoint: int) -> None:
        with refusals(self.projection.path), transaction(self.state):
            if self.checkpoint == after:  # else another process has handled these events meanwhile
                self._handle(events, checkpoint)

    def replace(self, events: Iterable[Recorded], checkpoint: int) -> None:
        with refusals(self.projection.path), transaction(self.state):
            self._handle(events, checkpoint, begin=True)

    def _handle(self, events: Iterable[Recorded], checkpoint: int, *, begin: bool = False) -> None:
        if begin:
            self._empty()
        evolved(self.projection, self.state, events)
        self.state.execute("INSERT OR REPLACE INTO checkpoints VALUES (?, ?)", (self.projection.name, checkpoint))

    def _empty(self) -> None:
        for table in self.projection.tables:
            quoted = table.replace('"', '""')
            self.state.execute(f'DROP TABLE IF EXISTS "{quoted}"')
        self.projection.create(self.state)


class Projector:
    """Runs a projection over a store, and answers how far it has come."""

    def __init__(self, store: Store, projection: Projection) -> None:
        self.store, self.projection = store, projection
        self.read_model = projection.read_model()

    @property
    def state(self) -> Any:
        """The read model: Python state, or a SQLite connection to ask."""
        return self.read_model.state

    @property
    def checkpoint(self) -> int:
        """The position of the last event handled; 0 before the first."""
        return self.read_model.checkpoint

    @property
    def lag(self) -> int:
        """How many events of the log it has not handled yet."""
        return self.store.position - self.checkpoint

    def catch_up(self, *, batch: int = PAGE) -> int:
        """Handle every event up to the end of the log; returns how many positions the checkpoint moved.

        Raises ProjectionFailed if an event cannot be handled: the events before it are handled then, and catching up
        again begins with it. Raises StoreUnavailable if the checkpoint is not of this log.
        """
        began, end = self.checkpoint, self.store.position
        if began > end:
            raise StoreUnavailable(
                f"projection {self.projection.name} has handled position {began}, but the log ends at {end}: it "
                f"belongs to another store, or the store was restored from an older copy; rebuild() it",
                checkpoint=began, position=end,
            )  # fmt: skip
        try:
            self._advance(end, batch)
        except ProjectionFailed as failure:
            self._advance(failure.position - 1, batch)
            raise
        return end - began

    def rebuild(self) -> None:
        """Make the read model again from position 0; readers see the old one until the new one is whole.

        Raises ProjectionFailed, and leaves the old one as it is, if an event cannot be handled.
        """
        end = self.store.position
        self.read_model.replace(self._read(0, end, None), end)

    def _advance(self, end: int, batch: int) -> None:
        after = self.checkpoint
        with progress(end - after, self.projection.name) as bar:
            while after < end:
                events = list(self._read(after, end, batch))
                checkpoint = events[-1].position if len(events) == batch else end
                self.read_model.apply(events, after, checkpoint)
                bar.update(checkpoint - after)
                after = self.checkpoint

    def _read(self, after: int, until: int, limit: int | None) -> Iterable[Recorded]:
        only = self.projection
        return self.store.read(after=after, until=until, types=only.types, categories=only.categories, limit=limit)

    def __repr__(self) -> str:
        return f"<{self.projection.name}: checkpoint {self.checkpoint:,}, lag {self.lag:,}>"


def evolved(projection: Projection, state: Any, events: Iterable[Recorded]) -> Any:
    """The state after these events. Raises ProjectionFailed at the first that cannot be handled."""
    for recorded in events:
        try:
            state = projection.evolve(state, recorded)
        except Exception as error:
            raise ProjectionFailed(
                f"projection {projection.name} could not handle position {recorded.position}, {recorded.type} of "
                f"stream {recorded.stream!r}: {type(error).__name__}: {error}. "
                f"Correct the projection, then catch up or rebuild",
                projection=projection.name, position=recorded.position, event=recorded,
            ) from error  # fmt: skip
    return state
