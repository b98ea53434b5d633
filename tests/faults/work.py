"""What the processes do that are struck, killed or watched: each says on a pipe what it has done."""

from __future__ import annotations

import contextlib
import datetime as dt
import itertools
import os
import random
import sqlite3
import time
from collections.abc import Iterator, Mapping
from multiprocessing.connection import Connection
from typing import Any

from eslab.errors import StoreUnavailable, WrongExpectedVersion
from eslab.store import Store
from eslab.stores.transfer import transfer
from tests.faults.places import Deposited, Ended, InMemory, Noted, Place, batch

PATIENCE_S = 30
INSERT = (
    "INSERT INTO events (position, stream, version, type, schema_version, id, recorded_at, occurred_at, payload, "
    "metadata) SELECT {position}, {stream}, 1, 'eslab.faults.Raw', 1, {stream}, max(recorded_at), max(recorded_at), "
    "'{{}}', '{{}}' FROM events"
)


def settled(store: Store, events: Mapping[str, list[Any]]) -> None:
    """Append; and when the place is not there for a while append again with the same ids, until it is settled."""
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            store.append(events)
            return
        except StoreUnavailable:
            if time.monotonic() > until:
                raise
            time.sleep(0.02)


def opened(place: Place) -> Store:
    """The store, as soon as its server answers."""
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            return place.open()
        except StoreUnavailable:
            if time.monotonic() > until:
                raise
            time.sleep(0.02)


def batches(name: str) -> Iterator[Mapping[str, list[Any]]]:
    """The batches of one writer, without end and the same each time, so that others know what it wrote."""
    chance = random.Random(name)
    for number in itertools.count(1):
        yield batch(f"{name}-{number}", chance)


def keep_writing(place: Place, name: str, say: Connection) -> None:
    """Append batch after batch until killed; say when each begins, and when its append has returned."""
    with opened(place) as store:
        for number, events in enumerate(batches(name), 1):
            say.send(("begun", number, time.perf_counter()))
            settled(store, events)
            say.send(("done", number, time.perf_counter()))


def write_some(place: Place | InMemory, name: str, times: int, say: Connection) -> None:
    """Append so many batches, with pauses of up to 4 ms; say how many events each had."""
    chance = random.Random(f"{name}, pauses")
    store = place.open()
    for _, events in zip(range(times), batches(name), strict=False):
        store.append(events)
        say.send(sum(map(len, events.values())))
        time.sleep(chance.uniform(0, 0.004))
    say.send("end")


def copy_slowly(source: Place, target: Place, say: Connection) -> None:
    """Transfer in small batches, and say how many events there were."""
    with source.open() as events, target.open() as copies:
        say.send(transfer(events, copies, batch=20).events)


def follow(place: Place | InMemory, after: int, filtered: bool, say: Connection) -> None:
    """Subscribe after a position, and say what was seen up to the end of the run."""
    types = [Noted, Ended] if filtered else None
    seen = []
    with place.open().subscribe(after=after, types=types, timeout=PATIENCE_S) as events:
        for recorded in events:
            seen.append((recorded.position, recorded.id))
            if recorded.type == "eslab.faults.Ended":
                break
    say.send(seen)


def deposit(place: Place, accounts: int, times: int, name: str, together: Any, say: Connection) -> None:
    """Deposit into accounts that others use too, or move money between two, and decide again after each conflict.

    At first all decide `together`, before anybody has appended, so that they meet on every machine.
    """
    chance, totals, conflicts = random.Random(name), [0] * accounts, 0
    with place.open() as store:
        for number in range(times):
            to, other = chance.sample(range(accounts), 2)
            amount = chance.randint(1, 100)
            changes = {to: amount} if chance.random() < 0.5 else {to: amount, other: -amount}
            while True:
                known = {n: store.load(f"account-{n}") for n in changes}
                balances = {n: history[-1].payload.balance if history else 0 for n, history in known.items()}
                if number == conflicts == 0:
                    together.wait(PATIENCE_S)
                time.sleep(chance.uniform(0, 0.002))  # what a decision takes
                try:
                    store.append(
                        {f"account-{n}": [Deposited(change, balances[n] + change)] for n, change in changes.items()},
                        expected_version={f"account-{n}": len(history) for n, history in known.items()},
                    )
                    break
                except WrongExpectedVersion:
                    conflicts += 1
            for n, change in changes.items():
                totals[n] += change
    say.send((totals, conflicts))


def write_by_a_wrong_clock(place: Place, hours: float, times: int, together: Any, say: Connection) -> None:
    """Append by a clock that is so many hours ahead, and that is set back by a minute now and then.

    Every fifth time the others are waited for, so that they take turns on every machine.
    """
    ticks = itertools.count()

    def clock() -> dt.datetime:
        late = dt.timedelta(minutes=next(ticks) // 5)
        return dt.datetime.now(dt.UTC) + dt.timedelta(hours=hours) - late

    with place.open(clock=clock) as store:
        for number in range(times):
            if number % 5 == 0:
                together.wait(PATIENCE_S)
            store.append(f"laptop-{hours}", [Noted(f"{hours}/{number}", 1, 1)])
    say.send(times)


def commit_in_reverse(place: Place, times: int, say: Connection) -> None:
    """With two connections of its own: one inserts and waits, the other tries to insert behind it and commit first.

    Says how many transactions were held open, and how many of the overtaking ones were kept out.
    """
    import psycopg

    errors = (sqlite3.OperationalError, psycopg.Error)
    held = kept_out = 0
    with _raw(place) as first, _raw(place) as second:
        while held < times:
            name = f"{os.getpid()}-{held}"
            try:
                position = _take_the_last_place(first, place, f"raw-{name}")
            except errors:  # somebody else is writing
                _roll_back(first)
                continue
            held += 1
            try:
                _insert(second, place, position + 1, f"overtaking-{name}")
                second.execute("COMMIT")
            except errors:
                kept_out += 1
            _roll_back(second)
            time.sleep(0.01)
            first.execute("COMMIT" if held % 3 else "ROLLBACK")
            time.sleep(0.005)
    say.send((held, kept_out))


# --- raw connections, as another program has them --------------------------------------------------------------------


@contextlib.contextmanager
def _raw(place: Place) -> Iterator[Any]:
    if place.schema is None:
        db = sqlite3.connect(place.where, isolation_level=None, timeout=0.03)
    else:
        import psycopg

        db = psycopg.connect(
            place.where, autocommit=True, options=f"-c search_path={place.schema} -c lock_timeout=30ms"
        )
    try:
        yield db
    finally:
        db.close()


def _roll_back(db: Any) -> None:
    if db.in_transaction if isinstance(db, sqlite3.Connection) else db.info.transaction_status:
        db.execute("ROLLBACK")


def _take_the_last_place(db: Any, place: Place, stream: str) -> int:
    """Begin, insert an event at the end of the log, and leave the transaction open."""
    db.execute("BEGIN" if place.schema else "BEGIN IMMEDIATE")
    if place.schema:  # an insert of nothing takes the lock, so that the end of the log is read behind it
        db.execute("INSERT INTO events (position) SELECT position FROM events WHERE false")
    (end,) = db.execute("SELECT max(position) FROM events").fetchone()
    _insert(db, place, end + 1, stream)
    return int(end + 1)


def _insert(db: Any, place: Place, position: int, stream: str) -> None:
    mark = "%s" if place.schema else "?"
    if not place.schema and not db.in_transaction:
        db.execute("BEGIN")
    db.execute(INSERT.format(position=mark, stream=mark), (position, stream, stream))
