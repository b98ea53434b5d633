"""The outbox of a reactor in PostgreSQL is a table in a schema, as it is a table in a file in SQLite."""

from __future__ import annotations

from typing import Any

from eslab.events import Recorded
from eslab.processes.outbox import put
from eslab.processes.reactors import Reactor, named
from eslab.projections.postgres import PostgresProjection


class OutboxInPostgres(PostgresProjection):
    """What a projector keeps for a reactor: the table of its outbox."""

    def __init__(self, reactor: Reactor) -> None:
        super().__init__(reactor.place, schema=reactor.schema)
        self.reactor = reactor
        self.name, self.tables = named(reactor)  # type: ignore[misc]  # each reactor has a table of its own

    def evolve(self, db: Any, recorded: Recorded, /) -> Any:
        put(db, self.reactor, recorded)
        return db
