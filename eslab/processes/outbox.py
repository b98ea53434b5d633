"""An outbox keeps what a reactor asks for until it is delivered, in the transaction that says the event is handled."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import msgspec

from eslab.codec import stored_time
from eslab.errors import InvalidName, MissingHandler
from eslab.events import Recorded
from eslab.processes.messages import Later, by_name, written
from eslab.projections.tables import Tables, writable
from eslab.show import Listing, shortened

if TYPE_CHECKING:
    from eslab.processes.reactors import Reactor

Status = Literal["waiting", "parked", "delivered", "refused", "skipped"]
COLUMNS = (
    "settled, due_at, position, number, key, message, payload, stream, event_id, recorded_at, status, attempts, "
    "again_at, error, reason"
)
TABLE = """CREATE TABLE {table} (
    settled INTEGER NOT NULL, due_at TEXT NOT NULL, position BIGINT NOT NULL, number INTEGER NOT NULL,
    key TEXT NOT NULL UNIQUE, message TEXT NOT NULL, payload TEXT NOT NULL,
    stream TEXT NOT NULL, event_id TEXT NOT NULL, recorded_at TEXT NOT NULL,
    status TEXT NOT NULL, attempts INTEGER NOT NULL, again_at TEXT NOT NULL, error TEXT NOT NULL, reason TEXT NOT NULL,
    PRIMARY KEY (settled, due_at, position, number))"""
INSERT = "INSERT INTO {table} ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
DUE = """SELECT {columns} FROM {table} WHERE settled = 0 AND (due_at <= ? OR due_at = recorded_at)
ORDER BY due_at, position, number"""
UNSETTLED = "SELECT {columns} FROM {table} WHERE settled = 0 ORDER BY due_at, position, number"
COUNTS = "SELECT status, count(*) FROM {table} GROUP BY status ORDER BY status"
EVERY = "SELECT {columns} FROM {table} ORDER BY position, number"
UPDATE = """UPDATE {table} SET settled = ?, status = ?, attempts = ?, again_at = ?, error = ?, reason = ?
WHERE key = ? AND settled = 0"""


class Outgoing(msgspec.Struct, frozen=True):
    """A message in an outbox: what is asked, which event led to it, and what became of it."""

    settled: int
    """1 once nothing more is to be done with it."""
    due_at: str
    position: int
    """Of the event that led to it."""
    number: int
    """Which of the messages that the event led to, first = 1."""
    key: str
    """`<reactor>:<event id>:<number>`: the same each time it is delivered, so that a receiver can know it again."""
    message: str
    payload: str
    stream: str
    event_id: str
    recorded_at: str
    status: Status = "waiting"
    attempts: int = 0
    """How often it was tried, since it came or since `retry`."""
    again_at: str = ""
    """When it is tried again after a failure; '' = it has not failed."""
    error: str = ""
    reason: str = ""
    """Why it was skipped."""

    @property
    def reactor(self) -> str:
        return self.key.partition(":")[0]

    @property
    def due(self) -> dt.datetime:
        """From when on it may be delivered, in UTC."""
        return dt.datetime.fromisoformat(self.due_at)

    @property
    def fate(self) -> str:
        """What became of it, in words."""
        if self.status == "waiting" and self.due_at > self.recorded_at and not self.error:
            return f"waits until {self.due_at[:16].replace('T', ' ')}"
        why = self.reason if self.status == "skipped" else self.error
        return f"{self.status}: {why}" if why else self.status

    def held(self, now: str) -> bool:
        """Whether it has failed, and is not to be tried again yet; the later ones of its stream wait for it."""
        return self.status == "parked" or self.again_at > now

    def now(self, status: Status, **changed: Any) -> Outgoing:
        """The same message with what became of it."""
        settled = int(status not in ("waiting", "parked"))
        return msgspec.structs.replace(self, settled=settled, status=status, **changed)

    def __repr__(self) -> str:
        asked = shortened(f"{self.message} {self.payload}", 100)
        return f"<{self.reactor}: {asked} from position {self.position}: {self.fate}>"


class Outgoings(Listing[Outgoing]):
    """Messages in order: a tuple that shows itself as a table."""

    __slots__ = ()
    shown = 20
    _called = "message"
    _heads = ("reactor", "message", "what it says", "from position", "stream", "attempts", "what became of it")

    def _cells(self, one: Outgoing) -> tuple[object, ...]:
        return one.reactor, one.message, one.payload, one.position, one.stream, one.attempts, one.fate


class Delivered(NamedTuple):
    """What came of delivering: each message that was tried, and how many are left."""

    messages: Outgoings
    waiting: int
    """How many are not settled: not due yet, failed and to be tried again, or parked, with those behind them."""

    @property
    def said(self) -> str:
        """How many of each fate there are, in words."""
        fates = Counter("failed" if one.status == "waiting" else one.status for one in self.messages)
        said = ", ".join(f"{count:,} {fate}" for fate, count in sorted(fates.items())) or "nothing was due"
        return f"{said}; {self.waiting:,} waiting" if self.waiting else said

    def __repr__(self) -> str:
        return "\n".join([self.said, *repr(self.messages).splitlines()[1:]])

    def _repr_html_(self) -> str:
        return (self.messages._repr_html_() if self.messages else "") + f"<p>{self.said}</p>"


class Outbox:
    """The outbox of one reactor: a table in the reactor's read model."""

    def __init__(self, reactor: Reactor, model: Tables) -> None:
        self.reactor, self.model = reactor, model

    def due(self, now: str) -> list[Outgoing]:
        """What is not settled and may be delivered by now, in the order of delivery; what is parked is among it."""
        return self._asked(DUE, now)

    def every(self) -> list[Outgoing]:
        """All that ever were in it, in the order of their events."""
        return self._asked(EVERY)

    def unsettled(self) -> list[Outgoing]:
        """What waits, whenever it is due, and what is parked."""
        return self._asked(UNSETTLED)

    def counts(self) -> dict[str, int]:
        """How many there are of each status."""
        return dict(self.model.ask(about(self.reactor, COUNTS)))

    def note(self, one: Outgoing) -> bool:
        """Write what became of a message, durably; False if it is settled already."""
        error, reason = writable(one.error), writable(one.reason)
        with self.model.changing() as db:
            values = (one.settled, one.status, one.attempts, one.again_at, error, reason, one.key)
            return bool(db.execute(in_dialect(about(self.reactor, UPDATE), db), values).rowcount)

    def _asked(self, sql: str, *values: object) -> list[Outgoing]:
        return [Outgoing(*row) for row in self.model.ask(about(self.reactor, sql), *values)]


def put(db: Any, reactor: Reactor, recorded: Recorded) -> None:
    """Write what a reactor asks for because of an event into its outbox."""
    sql = in_dialect(about(reactor, INSERT), db)
    for one in asked(reactor, recorded):
        db.execute(sql, msgspec.structs.astuple(one))


def asked(reactor: Reactor, recorded: Recorded) -> Iterator[Outgoing]:
    """What a reactor asks for because of an event. Raises InvalidPayload or MissingHandler for what is no message."""
    known = by_name(reactor.sends)
    for number, given in enumerate(reactor.messages(recorded), 1):
        later = given if isinstance(given, Later) else Later(given, after=dt.timedelta())
        kind = type(later.message)
        text = written(later.message)
        if known.get(kind.__name__) is not kind:
            raise MissingHandler(
                f"reactor {reactor.name} asked for {kind.__name__}, but says that it sends "
                f"{', '.join(sorted(known)) or 'nothing'}: add {kind.__name__} to its sends; if it stands there, run "
                f"the cell of the reactor again, after that of the message", found=later.message,
            )  # fmt: skip
        due = max(stored_time(later.due(recorded.recorded_at), "due"), recorded.recorded_text)
        yield Outgoing(
            0, due, recorded.position, number, f"{reactor.name}:{recorded.id}:{number}", kind.__name__, text,
            recorded.stream, recorded.id, recorded.recorded_text,
        )  # fmt: skip


def table_of(reactor: Reactor) -> str:
    """What the table of its outbox is called. Raises InvalidName if the reactor's name is not fit for that."""
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,39}", reactor.name):
        raise InvalidName(
            f"a reactor is called {reactor.name!r}, expected at most 40 letters, digits and underscores, as its outbox "
            f"is a table of that name: give it another name", found=reactor.name,
        )  # fmt: skip
    return f"outbox_{reactor.name.lower()}"


def about(reactor: Reactor, sql: str) -> str:
    """A statement about the outbox of a reactor, the name of which is fit for that: see `table_of`."""
    return sql.format(table=table_of(reactor), columns=COLUMNS)


def in_dialect(sql: str, db: Any) -> str:
    """A statement with the mark for a value that its database knows: `?` in SQLite, `%s` in PostgreSQL."""
    return sql if type(db).__module__.startswith("sqlite3") else sql.replace("?", "%s")
