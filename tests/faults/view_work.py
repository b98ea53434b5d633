"""What the processes do that keep views, or deliver messages: each says what it is about, until it is killed."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, ClassVar

from eslab import Projector
from eslab.events import Recorded
from eslab.processes import Delivery, Reactor, message
from eslab.projections import Projection, SqliteProjection
from eslab.projections.postgres import PostgresProjection
from tests.faults.places import Noted, Place
from tests.faults.work import opened

HANDLED = "CREATE TABLE handled (position BIGINT, stream TEXT)"
TOTALS = "CREATE TABLE totals (stream TEXT PRIMARY KEY, events BIGINT)"
LOOK = """
SELECT (SELECT checkpoint FROM {0}checkpoints WHERE projection = 'handled'), count(*), count(DISTINCT position),
coalesce(max(position), 0), (SELECT coalesce(sum(events), 0) FROM {0}totals) FROM {0}handled
"""


class Handling:
    """Which events were handled, and how many of each stream."""

    tables: ClassVar[dict[str, str]] = {"handled": HANDLED, "totals": TOTALS}

    def evolve(self, db: Any, recorded: Recorded, /) -> Any:
        sign = "?" if isinstance(db, sqlite3.Connection) else "%s"
        db.execute(f"INSERT INTO handled VALUES ({sign}, {sign})", (recorded.position, recorded.stream))
        db.execute(
            f"INSERT INTO totals VALUES ({sign}, 1) ON CONFLICT (stream) DO UPDATE SET events = totals.events + 1",
            (recorded.stream,),
        )
        return db


class InFile(Handling, SqliteProjection):
    """It in a SQLite file."""

    name = "handled"


class InSchema(Handling, PostgresProjection):
    """It in a schema of PostgreSQL."""

    name = "handled"


def view_in(place: Place) -> Any:
    """The projection, with its tables at this place; a careless place has one of its own."""
    if made := getattr(place, "view", None):
        return made()
    return InSchema(place.where, schema=place.schema) if place.schema else InFile(place.where)


@contextlib.contextmanager
def projector_at(log: Place, projection: Projection) -> Iterator[Projector]:
    with opened(log) as store:
        projector = Projector(store, projection)
        try:
            yield projector
        finally:
            projector.read_model.close()


def tell(projector: Projector, verb: str, say: Connection, before: str, after: str) -> None:
    """Let the read model say a word before it does this, and another when it is done."""
    do = getattr(projector.read_model, verb)

    def told(*given: Any) -> Any:
        say.send((before, 0))
        result = do(*given)
        say.send((after, 0))
        return result

    setattr(projector.read_model, verb, told)


def keep_catching_up(log: Place, view: Place, batch: int, say: Connection) -> None:
    """Catch up in small batches, and say when each begins and when it is kept; "end" when there is nothing left."""
    with projector_at(log, view_in(view)) as projector:
        tell(projector, "apply", say, "begun", "done")
        projector.catch_up(batch=batch)
    say.send(("end", 0))


def keep_rebuilding(log: Place, view: Place, say: Connection) -> None:
    """Rebuild again and again; say when that begins, and before and after the swap."""
    with projector_at(log, view_in(view)) as projector:
        tell(projector, "swap", say, "swapping", "swapped")
        while True:
            say.send(("rebuilding", 0))
            projector.rebuild()


def run_in_the_background(log: Place, view: Place, say: Connection) -> None:
    """Keep up in the background, or stand by, until killed; say when it begins to lead."""
    with projector_at(log, view_in(view)) as projector:
        lead, told = projector.read_model.lead, list[bool]()

        def leads() -> bool:
            if (mine := lead()) and not told:
                say.send(("leads", 0))
                told.append(mine)
            return mine

        projector.read_model.lead = leads  # type: ignore[method-assign,assignment]
        projector.start()
        say.send(("ready", os.getpid()))
        while projector.running:
            time.sleep(0.1)


# --- messages ---


@message
class Card:
    """What is sent for an event: which one."""

    position: int


class Cards(Reactor):
    """Sends a card for every event of the log."""

    types = (Noted,)
    sends = (Card,)

    def begins(self, store: Any) -> int:
        return 0

    def react(self, recorded: Recorded) -> list[Card]:
        return [Card(recorded.position)]


def cards_at(place: Place) -> Cards:
    return Cards(place.where, **({"schema": place.schema} if place.schema else {}))


class Letterbox:
    """A receiver that knows nothing of transactions: one line for each card that came, with its key."""

    say: Connection

    def __init__(self, path: Path) -> None:
        self.path = path

    def __call__(self, card: Card, key: str) -> None:
        self.say.send(("begun", card.position))
        self.keep(f"{card.position} {key}\n")

    def keep(self, line: str) -> None:
        with self.path.open("a") as file:
            file.write(line)

    def came(self) -> list[tuple[int, str]]:
        """Every card in the order in which it came: for which position, and with which key."""
        if not self.path.exists():
            return []
        lines = (line.split(" ") for line in self.path.read_text().splitlines())
        return [(int(position), key) for position, key in lines]


def keep_delivering(log: Place, outbox: Place, box: Letterbox, say: Connection) -> None:
    """Deliver what waits, and say when each card is handed over; "end" when there is nothing left."""
    box.say = say
    with projector_at(log, cards_at(outbox)) as projector:
        Delivery(projector, {Card: box}).deliver()
    say.send(("end", 0))
