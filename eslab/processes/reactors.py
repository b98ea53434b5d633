"""A reactor acts on what has happened: each new event may lead to messages, which wait in its outbox; the past to none.

A projection answers questions and may be made again at any time. A reactor is heard by the world, so it is shown each
event once, from the moment on at which it first ran, and nothing that is replayed, rebuilt or folded.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any, ClassVar, NoReturn

from eslab.errors import EffectOnReplay, InvalidPayload
from eslab.events import Recorded
from eslab.processes.outbox import TABLE, about, put, table_of
from eslab.projections import Projection, ReadModel, SqliteProjection
from eslab.store import Store
from eslab.stores import SERVERS, schema_of


class Reactor(Projection):
    """Gives the messages that follow from an event; run by a Projector, which keeps them in its outbox.

    The outbox lies in memory, in the SQLite file at `place`, or in the `schema` of the PostgreSQL database at `place`
    ("postgresql://..."). Checkpoint and outbox change in one transaction, so no message is lost, and none comes twice;
    a `Delivery` carries them out. `sends` names the classes of all its messages.
    """

    sends: ClassVar[tuple[type, ...]] = ()
    replayable = False
    entrances: ClassVar[tuple[str, ...]] = ("react",)
    places = ("place", "schema")

    def __init__(self, place: str | os.PathLike[str] = ":memory:", *, schema: str = "views") -> None:
        self.place, self.schema = os.fspath(place), schema
        if self.place.startswith(SERVERS):
            self.place, named = schema_of(self.place)
            self.schema = named or schema

    def react(self, recorded: Recorded, /) -> Iterable[Any]:
        """The messages that follow from an event, each alone or as Later(message, after=…); none if nothing does.

        It decides from the event alone: what it looked up elsewhere, or did by itself, would be lost in a crash.
        """
        raise InvalidPayload(f"reactor {self.name} does nothing with events: give it a method react(recorded)")

    def messages(self, recorded: Recorded) -> Iterable[Any]:
        """What `react` says. Raises InvalidPayload if that is not a list of messages."""
        said: Any = self.react(recorded)
        if isinstance(said, str | bytes) or not isinstance(said, Iterable):
            raise InvalidPayload(
                f"react of {self.name} returned {said!r}, expected a list of messages: put them in [ ], and return [] "
                f"where nothing follows", found=said,
            )  # fmt: skip
        return said

    def begins(self, store: Store) -> int:
        """The end of the log: it acts on what is new when it is first run, and on nothing before."""
        return store.position

    def read_model(self) -> ReadModel:
        if self.place.startswith(SERVERS):
            from eslab.processes.postgres import OutboxInPostgres  # here, as it loads a driver

            return OutboxInPostgres(self).read_model()
        return OutboxInSqlite(self).read_model()

    def initial(self) -> NoReturn:
        raise self._refusal()

    def evolve(self, state: Any, recorded: Recorded, /) -> NoReturn:
        raise self._refusal()

    def _refusal(self) -> EffectOnReplay:
        return EffectOnReplay(
            f"reactor {self.name} was given a history to fold, but it acts, and the world would see each effect again: "
            f"run it on new events with Projector(store, {self.name}()); to see what it would ask for, and to test it, "
            f"call its react(recorded)", reactor=self.name,
        )  # fmt: skip

    def __repr__(self) -> str:
        return f"<reactor {self.name}>"


class OutboxInSqlite(SqliteProjection):
    """What a projector keeps for a reactor: the table of its outbox."""

    def __init__(self, reactor: Reactor) -> None:
        super().__init__(reactor.place)
        self.reactor = reactor
        self.name, self.tables = named(reactor)  # type: ignore[misc]  # each reactor has a table of its own

    def evolve(self, db: Any, recorded: Recorded, /) -> Any:
        put(db, self.reactor, recorded)
        return db


def named(reactor: Reactor) -> tuple[str, dict[str, str]]:
    """The name of a reactor and the table of its outbox, with the statement that makes it."""
    return reactor.name, {table_of(reactor): about(reactor, TABLE)}
