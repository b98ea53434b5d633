"""Rows about views: kept in tables, by many projections at once, seen soon after an append, made again."""

from __future__ import annotations

import contextlib
import io
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

from eslab import event
from eslab.datasets import load
from eslab.domains.bank import AccountOpened, Balances, MoneyDeposited, MoneyWithdrawn
from eslab.domains.flights import FlightCounts
from eslab.events import Recorded
from eslab.projections import Projection, Projector, SqliteProjection
from eslab.projections.postgres import PostgresProjection
from eslab.store import Store
from eslab.stores import connect
from eslab.stores.sqlite import SqliteStore
from tests.benchmarks import by_hand, served, their_views, theirs
from tests.benchmarks.measure import Row, Seconds, Side, Target, must_agree, p95, race
from tests.benchmarks.places import MEMORY, PLACES, POSTGRES, SQLITE, fill, places
from tests.benchmarks.sizes import LIBRARY, Files, Sizes
from tests.benchmarks.story import SEED, as_events, balance_of, story
from tests.benchmarks.waiting import appended, between
from tests.benchmarks.workers import Worker

RUNNER = f"{LIBRARY}, projection runner"
SHOWN = f"{LIBRARY}, its projection by hand"
"""Its projection runner cannot subscribe to a log in SQLite, so each event is given to the projection in a loop."""
UPSERT = "INSERT INTO balances VALUES ({0}, {0}) ON CONFLICT (account) DO UPDATE SET balance = balances.balance + {0}"


class InTables:
    """The balance of every account, in a table."""

    types = (AccountOpened, MoneyDeposited, MoneyWithdrawn)
    tables: ClassVar[dict[str, str]] = {
        "balances": "CREATE TABLE balances (account TEXT PRIMARY KEY, balance BIGINT NOT NULL)"
    }

    def evolve(self, db: Any, recorded: Recorded, /) -> Any:
        match recorded.payload:
            case MoneyDeposited(amount):
                change = amount
            case MoneyWithdrawn(amount):
                change = -amount
            case _:
                change = 0
        sign = "?" if isinstance(db, sqlite3.Connection) else "%s"
        db.execute(UPSERT.format(sign), (recorded.stream, change, change))
        return db


class BalancesInFile(InTables, SqliteProjection):
    name = "balances"


class BalancesInSchema(InTables, PostgresProjection):
    name = "balances"


Told = dict[str, list[tuple[str, int]]]


def stories(length: int, accounts: int) -> Told:
    return {f"account-{n}": story(length // accounts - 1, SEED + n) for n in range(accounts)}


def placed(told: Told) -> list[Any]:
    return [(name, v, e) for name, t in told.items() for v, e in enumerate(as_events(t), 1)]


def caught_up(store: Store, projection: Projection, batch: int = 0) -> Projector:
    """A projector that has seen the whole log."""
    projector = Projector(store, projection)
    with contextlib.redirect_stderr(io.StringIO()):  # where the progress bar goes
        projector.catch_up(**({"batch": batch} if batch else {}))
    return projector


def values(projector: Projector) -> list[int]:
    """The balances in the view, which is closed."""
    if isinstance(state := projector.state, dict):
        return sorted(state.values())
    rows = state.execute("SELECT balance FROM balances ORDER BY balance").fetchall()
    projector.read_model.close()
    with contextlib.suppress(Exception):
        state.close()
    return [balance for (balance,) in rows]


# --- kept in tables, beside the other library ---


def views(sizes: Sizes, files: Files) -> Iterator[Row]:
    """Bring the view of every account's balance up to date with a log in a SQLite file."""
    for length, batch in ((sizes.viewed, 0), (sizes.commands, 1)):
        told = stories(length, sizes.accounts)
        with SqliteStore(files.new()) as store, contextlib.closing(theirs.open_bank(files.new())) as bank:
            fill(store, by_hand.recorded(placed(told)))
            for name, happenings in told.items():
                bank.save(theirs.played(name, happenings))
            taken = race([
                Side("eslab", lambda path, store=store, batch=batch:
                     values(caught_up(store, BalancesInFile(str(path)), batch)), files.new),
                Side(SHOWN, lambda path, bank=bank:
                     their_views.show(bank, their_views.InFile, their_views.file(path)), files.new),
                Side("the stories", lambda _, told=told: sorted(map(balance_of, told.values()))),
            ], runs=1, warm_up=False)  # fmt: skip
        yield Row(_named(SQLITE, length, batch), SHOWN, taken["eslab"], taken[SHOWN], _asked(batch))


def pg_views(sizes: Sizes, files: Files) -> Iterator[Row]:
    """The same on PostgreSQL; and as Python state on both sides, from a log on the server."""
    told = stories(sizes.log, sizes.log_accounts)
    with _on_server(files, told) as (store, bank, _):
        taken = race([
            Side("eslab", lambda _: sorted(caught_up(store, Balances()).state.values())),
            Side(RUNNER, lambda _: their_views.run(bank, their_views.InMemory, their_views.MEMORY)),
            Side("the stories", lambda _: sorted(map(balance_of, told.values()))),
        ], runs=sizes.few)  # fmt: skip
    name = f"{POSTGRES}: catch-up over {sizes.log:,} events, view in memory"
    yield Row(name, RUNNER, taken["eslab"], taken[RUNNER], Target("faster", 2.5))
    for length, batch in ((sizes.viewed, 0), (sizes.commands, 1)):
        told = stories(length, sizes.accounts)
        with _on_server(files, told) as (store, bank, somewhere):
            dsn, schema = somewhere.postgres.dsn, somewhere.postgres.schema
            taken = race([
                Side("eslab", lambda projection, store=store, batch=batch:
                     values(caught_up(store, projection, batch)),
                     lambda dsn=dsn, schema=schema: BalancesInSchema(dsn, schema=schema())),
                Side(RUNNER, lambda _, bank=bank: their_views.run(bank, their_views.InSchema, {})),
                Side("the stories", lambda _, told=told: sorted(map(balance_of, told.values()))),
            ], runs=1, warm_up=False)  # fmt: skip
        yield Row(_named(POSTGRES, length, batch), RUNNER, taken["eslab"], taken[RUNNER], _asked(batch))


def _named(place: str, length: int, batch: int) -> str:
    return f"{place}: catch-up over {length:,} events, view in tables" + ", event by event" * bool(batch)


def _asked(batch: int) -> Target:
    """A transaction for every event costs everybody the same; it is shown, and not judged."""
    return Target() if batch else Target("faster", 2.5)


@contextlib.contextmanager
def _on_server(files: Files, told: Told) -> Iterator[Any]:
    with served.both(files) as (store, bank, somewhere):
        fill(store, by_hand.recorded(placed(told)))
        for name, happenings in told.items():
            bank.save(theirs.played(name, happenings))
        yield store, bank, somewhere


# --- many over one log ---


MANY = 20


def kind(number: int) -> type:
    """One of twenty types of events."""
    return event(name=f"benchmarks.Kind{number}")(type(f"Kind{number}", (), {"__annotations__": {"amount": int}}))


KINDS = [kind(number) for number in range(MANY)]


class Sum(Projection):
    """The sum of the amounts, of one type or of all; each with a name of its own."""

    def __init__(self, name: str, types: tuple[type, ...]) -> None:
        self.name, self.types = name, types  # type: ignore[misc]  # one class for all of them

    def initial(self) -> list[int]:
        return [0]

    def evolve(self, state: list[int], recorded: Recorded, /) -> list[int]:
        state[0] += recorded.payload.amount
        return state


def many(sizes: Sizes, files: Files) -> Iterator[Row]:
    """Twenty projections over one log, beside one that wants all of it.

    Where all want all of it, the calls of `evolve` alone, twenty for each event, take longer than the one in all.
    """
    with SqliteStore(files.new()) as store:
        for first in range(0, sizes.log, at_once := 10_000):
            store.append("sums-1", [KINDS[n % MANY](n) for n in range(first, first + at_once)])

        def summed(*projections: Sum) -> Projector:
            projector = Projector(store, *projections)
            with contextlib.redirect_stderr(io.StringIO()):
                projector.catch_up()
            return projector

        total = sum(range(store.position))
        taken = race([
            Side("one", lambda _: summed(Sum("all", tuple(KINDS))).state[0]),
            Side("a type each", lambda _: sum(state[0] for state in summed(
                *(Sum(f"s{n}", (one,)) for n, one in enumerate(KINDS))).state.values())),
            Side("all of it", lambda _: max(state[0] for state in summed(
                *(Sum(f"s{n}", tuple(KINDS)) for n in range(MANY))).state.values())),
            Side("the sum", lambda _: total),
        ], runs=sizes.few)  # fmt: skip
    for wanted in ("a type each", "all of it"):
        name = f"{MANY} projections that want {wanted}, over {sizes.log:,} events"
        yield Row(name, "one that wants all of it", taken[wanted], taken["one"], Target("within", 2))


# --- from an append to the view ---


def visible(sizes: Sizes, files: Files) -> Iterator[Row]:
    """From the call of a durable append to the moment at which a running projector has it in the view."""
    with places(files) as somewhere:
        for place in PLACES:
            address, view = somewhere.address(place), _view_at(place, files, somewhere)
            yield from _rows(f"{place}: append to view, in another thread", _by_thread(address, view, sizes))
            if place != MEMORY:
                address, view = somewhere.address(place), _view_at(place, files, somewhere)
                yield from _rows(f"{place}: append to view, in another process", _by_process(address, view, sizes))


def _rows(name: str, taken: Seconds) -> Iterator[Row]:
    yield Row(f"{name}, median", "-", taken, None, Target())
    yield Row(f"{name}, p95", "-", [p95(taken)], None, Target())


def _view_at(place: str, files: Files, somewhere: Any) -> dict[str, str]:
    if place == MEMORY:
        return {}
    if place == SQLITE:
        return {"path": str(files.new())}
    return {"dsn": somewhere.postgres.dsn, "schema": somewhere.postgres.schema()}


def projection_at(view: dict[str, str]) -> Projection:
    """The projection whose view lies there; nowhere: in memory."""
    if not view:
        return Balances()
    return BalancesInFile(**view) if "path" in view else BalancesInSchema(**view)


def seen_by(projector: Projector, tell: Callable[[tuple[int, float]], None]) -> None:
    """Let a projector tell each new checkpoint, and when it was there."""

    def look() -> None:
        now = time.perf_counter()
        tell((projector.checkpoint, now))

    projector.watch(look)


def firsts(told: Iterator[tuple[int, float]], count: int) -> list[tuple[int, float]]:
    """When each position was first in the view."""
    seen: list[tuple[int, float]] = []
    for checkpoint, at in told:
        seen += [(position, at) for position in range(len(seen) + 1, checkpoint + 1)]
        if len(seen) >= count:
            break
    return seen


def _by_thread(address: str, view: dict[str, str], sizes: Sizes) -> Seconds:
    told: list[tuple[int, float]] = []
    done = threading.Event()
    with connect(address) as store:
        store.append("account-1", [AccountOpened("Ada")])
        projector = caught_up(store, projection_at(view))
        seen_by(projector, lambda one: (told.append(one), done.set() if one[0] > sizes.sightings else None))
        with projector:
            began = appended(store, sizes.sightings, first=2)
            done.wait(10)
        projector.read_model.close()
    return between([(1, 0.0), *began], firsts(iter(told), sizes.sightings + 1))[1:]


def _by_process(address: str, view: dict[str, str], sizes: Sizes) -> Seconds:
    with connect(address) as store:
        store.append("account-1", [AccountOpened("Ada")])
        with Worker({"task": "project", "address": address, "view": view}) as worker:
            worker.tell(sizes.sightings + 1)
            began = appended(store, sizes.sightings, first=2)
            seen = [(position, at) for position, at in worker.hear()]
    return between([(1, 0.0), *began], seen)[1:]


# --- made again ---


class CountsInFile(SqliteProjection):
    """What became of the flights, by type of event, in a table."""

    name = "counts"
    types = FlightCounts.types
    tables: ClassVar[dict[str, str]] = {
        "counts": "CREATE TABLE counts (type TEXT PRIMARY KEY, flights INTEGER NOT NULL)"
    }

    def evolve(self, db: sqlite3.Connection, recorded: Recorded, /) -> sqlite3.Connection:
        db.execute(
            "INSERT INTO counts VALUES (?, 1) ON CONFLICT (type) DO UPDATE SET flights = flights + 1", [recorded.type]
        )
        return db


def rebuild(sizes: Sizes, files: Files) -> Iterator[Row]:
    """Make the views of a month of flights again, beside the live ones, and swap them."""
    data = "flights" if sizes.log < 100_000 else "flights-month"
    with SqliteStore(files.new()) as store, contextlib.redirect_stderr(io.StringIO()):
        events = len(load(data, into=store))
        for projection, kept in ((FlightCounts(), "Python state"), (CountsInFile(str(files.new())), "tables")):
            projector = caught_up(store, projection)
            taken = race([Side("again", lambda _, projector=projector: projector.rebuild())], runs=sizes.few)
            must_agree({"made again": projector.checkpoint, "the log": store.position})
            name = f"rebuild over {events:,} events of {data}, {kept}"
            yield Row(name, "-", taken["again"], None, Target("in seconds", 10))
            projector.read_model.close()
