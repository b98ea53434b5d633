"""The same jobs without a library: sqlite3, msgspec and a match statement, as short as each job allows.

The loops read the tables of a SqliteStore and decode into the event classes of eslab's bank. `minimum` reads the
two or three columns that the job needs; `envelope` reads all ten, as a store must that returns recorded events.
"""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import uuid_utils

from eslab.domains.bank import AccountEvent, AccountOpened, MoneyDeposited, MoneyWithdrawn
from eslab.events import Recorded
from eslab.stores.sqlite import COLUMNS, INSERT, SqliteStore

NAMES: dict[type[AccountEvent], str] = {
    kind: f"bank.{kind.__name__}" for kind in (AccountOpened, MoneyDeposited, MoneyWithdrawn)
}
DECODE = {name: msgspec.json.Decoder(kind).decode for kind, name in NAMES.items()}
encode = msgspec.json.Encoder().encode
Placed = tuple[str, int, AccountEvent]


def connect(path: Path) -> sqlite3.Connection:
    """A connection to the file of a new SqliteStore: the same table, the same indexes, and as durable."""
    SqliteStore(path).close()
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA synchronous = FULL")
    return db


def rows(placed: Iterable[Placed], after: int = 0) -> Iterator[tuple[Any, ...]]:
    """Events with stream and version as rows of the table, encoded with msgspec, each with an id of its own."""
    now = dt.datetime.now(dt.UTC).isoformat(timespec="microseconds")
    for position, (stream, version, event) in enumerate(placed, after + 1):
        text, id = encode(event).decode(), str(uuid_utils.uuid7())
        yield position, stream, version, NAMES[type(event)], 1, id, now, now, text, "{}"


def append(db: sqlite3.Connection, placed: Iterable[Placed], after: int = 0) -> None:
    """One durable transaction with all of them."""
    db.execute("BEGIN IMMEDIATE")
    db.executemany(INSERT, rows(placed, after))
    db.execute("COMMIT")


def recorded(placed: Iterable[Placed]) -> list[Recorded]:
    """The same as recorded events in memory, as if a store had returned them."""
    return [Recorded(*row) for row in rows(placed)]


def balance_minimum(db: sqlite3.Connection, stream: str) -> int:
    balance = 0
    sql = "SELECT type, payload FROM events WHERE stream = ? ORDER BY version"
    for kind, payload in db.execute(sql, (stream,)):
        match DECODE[kind](payload):
            case MoneyDeposited(amount):
                balance += amount
            case MoneyWithdrawn(amount):
                balance -= amount
    return balance


def balance_envelope(db: sqlite3.Connection, stream: str) -> int:
    balance = 0
    sql = f"SELECT {COLUMNS} FROM events WHERE stream = ? ORDER BY version"
    for _, _, _, kind, _, _, _, _, payload, _ in db.execute(sql, (stream,)):
        match DECODE[kind](payload):
            case MoneyDeposited(amount):
                balance += amount
            case MoneyWithdrawn(amount):
                balance -= amount
    return balance


def balances_minimum(db: sqlite3.Connection) -> dict[str, int]:
    sql = "SELECT stream, type, payload FROM events ORDER BY position"
    return _balances((stream, kind, payload) for stream, kind, payload in db.execute(sql))


def balances_envelope(db: sqlite3.Connection) -> dict[str, int]:
    sql = f"SELECT {COLUMNS} FROM events ORDER BY position"
    return _balances((row[1], row[3], row[8]) for row in db.execute(sql))


def _balances(found: Iterable[tuple[str, str, str]]) -> dict[str, int]:
    balances: dict[str, int] = {}
    for stream, kind, payload in found:
        match DECODE[kind](payload):
            case AccountOpened():
                balances[stream] = 0
            case MoneyDeposited(amount):
                balances[stream] += amount
            case MoneyWithdrawn(amount):
                balances[stream] -= amount
    return balances


def deposit(db: sqlite3.Connection, stream: str, amount: int) -> None:
    """Load, decide, append one event, durably: the least that this can cost."""
    found = db.execute("SELECT type, payload FROM events WHERE stream = ? ORDER BY version", (stream,)).fetchall()
    if [DECODE[kind](payload) for kind, payload in found]:
        db.execute("BEGIN IMMEDIATE")
        (end,) = db.execute("SELECT max(position) FROM events").fetchone()
        db.executemany(INSERT, rows([(stream, len(found) + 1, MoneyDeposited(amount))], end))
        db.execute("COMMIT")
