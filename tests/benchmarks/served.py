"""Rows on a PostgreSQL server: the same jobs as on SQLite, beside the other library on the same server."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator

from eslab.aggregates import Repository
from eslab.domains.bank import Account
from eslab.store import Store
from eslab.stores.postgres import PostgresStore
from tests.benchmarks import by_hand, theirs
from tests.benchmarks.measure import Row, Side, Target, must_agree, race
from tests.benchmarks.places import POSTGRES, Places, fill, places
from tests.benchmarks.reading import caught_up
from tests.benchmarks.sizes import LIBRARY, Files, Sizes
from tests.benchmarks.story import SEED, as_events, balance_of, story
from tests.benchmarks.workers import Worker
from tests.benchmarks.writing import balances_of, by_bus, by_repository, deposits


@contextlib.contextmanager
def both(files: Files, *, large: bool = False) -> Iterator[tuple[PostgresStore, theirs.Bank, Places]]:
    """A store and an application on one server, each in a schema of its own, and as durable as each other."""
    with places(files) as somewhere:
        bank = theirs.open_bank_in(somewhere.postgres.dsn, somewhere.empty_schema(), large=large)
        with contextlib.closing(bank), somewhere.postgres.open_store() as store:
            durable = dict.fromkeys(theirs.DURABLE, "on")
            must_agree({"a durable server": durable, "eslab": durability(store), LIBRARY: theirs.durability_in(bank)})
            yield store, bank, somewhere


def durability(store: PostgresStore) -> dict[str, str]:
    """How the store writes, as the server says inside one of its transactions."""
    with store._writing():
        return {name: store._line.ask(f"SHOW {name}")[0][0] for name in theirs.DURABLE}


def load(sizes: Sizes, files: Files) -> Iterator[Row]:
    """Load one long stream from the server and rebuild its aggregate."""
    told = story(sizes.stream - 1, SEED)
    with both(files, large=True) as (store, bank, _):
        store.append("account-1", as_events(told))
        bank.save(theirs.played("account-1", told))
        taken = race([
            Side("eslab", lambda _: Repository(store, Account).load("1").balance),
            Side(LIBRARY, lambda _: bank.balance("account-1")),
            Side("the story", lambda _: balance_of(told)),
        ], runs=sizes.runs)  # fmt: skip
    name = f"{POSTGRES}: load {sizes.stream:,} events, rebuild the aggregate"
    yield Row(name, LIBRARY, taken["eslab"], taken[LIBRARY], Target("faster", 8))


def append(sizes: Sizes, files: Files) -> Iterator[Row]:
    """Append a long story in one durable batch, each time to another stream; the events are made beforehand."""
    told = story(sizes.stream - 1, SEED)
    events = as_events(told)
    with both(files, large=True) as (store, bank, _):
        ours, others = (iter([str(n) for n in range(sizes.runs + 1)]) for _ in range(2))
        taken = race([
            Side("eslab", lambda name: store.append(f"account-{name}", events), lambda: next(ours),
                 lambda name: Repository(store, Account).load(name).balance),
            Side(LIBRARY, bank.save, lambda: theirs.played(next(others), told),
                 lambda account: bank.repository.get(account.id).balance),
        ], runs=sizes.runs)  # fmt: skip
    name = f"{POSTGRES}: append {sizes.stream:,} events in one durable batch"
    yield Row(name, LIBRARY, taken["eslab"], taken[LIBRARY], Target("faster", 2))


def commands(sizes: Sizes, files: Files) -> Iterator[Row]:
    """Deposit into short streams: load, decide, append one event, durably, one command after the other."""
    names, wishes, totals = deposits(sizes)
    with contextlib.ExitStack() as stack:

        def store() -> Store:
            opened, *_ = stack.enter_context(both(files))
            for name in names:
                opened.append(f"account-{name}", as_events([]))
            return opened

        def bank() -> theirs.Bank:
            _, opened, _ = stack.enter_context(both(files))
            opened.save(*(theirs.played(name, []) for name in names))
            return opened

        taken = race([
            Side("bus", lambda store: by_bus(store, wishes), store, balances_of(names)),
            Side("repository", lambda store: by_repository(store, wishes), store, balances_of(names)),
            Side(LIBRARY, lambda bank: [bank.deposit(*wish) for wish in wishes], bank,
                 lambda bank: [bank.balance(name) for name in names]),
            Side("the wishes", lambda _: totals),
        ], runs=sizes.few)  # fmt: skip
    name = f"{POSTGRES}: {sizes.commands:,} x (load, decide, append one event, durable)"
    for ours in ("bus", "repository"):
        yield Row(f"{name}, by {ours}", LIBRARY, taken[ours], taken[LIBRARY], Target("faster", 1.3))


def catch_up(sizes: Sizes, files: Files) -> Iterator[Row]:
    """Fold the whole log into the balance of every account, kept as plain Python state."""
    told = {f"account-{n}": story(sizes.log // sizes.log_accounts - 1, SEED + n) for n in range(sizes.log_accounts)}
    placed = [(name, v, e) for name, t in told.items() for v, e in enumerate(as_events(t), 1)]
    with both(files) as (store, bank, _):
        fill(store, by_hand.recorded(placed))
        for name, happenings in told.items():
            bank.save(theirs.played(name, happenings))
        taken = race([
            Side("eslab", lambda _: sorted(caught_up(store).values())),
            Side(LIBRARY, lambda _: sorted(bank.balances().values())),
            Side("the stories", lambda _: sorted(map(balance_of, told.values()))),
        ], runs=sizes.few)  # fmt: skip
    name = f"{POSTGRES}: projection catch-up over {len(placed):,} events"
    yield Row(name, f"{LIBRARY}, notification log", taken["eslab"], taken[LIBRARY], Target("faster", 2.5))


def writers(sizes: Sizes, files: Files) -> Iterator[Row]:
    """Several processes append at the same time, each one event after the other to a stream of its own."""
    total = sizes.writers * sizes.writes
    with both(files) as (store, bank, somewhere), contextlib.ExitStack() as stack:
        schema = bank.factory.datastore.schema  # type: ignore[attr-defined]  # as in theirs.durability
        crews = {
            "eslab": {"task": "append", "dsn": somewhere.postgres.dsn, "schema": store.schema},
            LIBRARY: {"task": "save", "dsn": somewhere.postgres.dsn, "schema": schema},
        }
        hired = {name: [Worker({**work, "stream": f"account-{n}"}) for n in range(sizes.writers)]
                 for name, work in crews.items()}  # fmt: skip
        for worker in itertools.chain.from_iterable(hired.values()):
            stack.enter_context(worker)
        taken = race([
            Side("eslab", lambda _: _rush(hired["eslab"], sizes.writes), answer=lambda _: store.position),
            Side(LIBRARY, lambda _: _rush(hired[LIBRARY], sizes.writes),
                 answer=lambda _: bank.recorder.max_notification_id()),
        ], runs=sizes.few)  # fmt: skip
    name = f"{POSTGRES}: {sizes.writers} processes append one event at a time, each to its own stream"
    ours, others = ([total / seconds for seconds in taken[side]] for side in ("eslab", LIBRARY))
    yield Row(name, LIBRARY, ours, others, Target("more", 1.3))


def _rush(crew: list[Worker], writes: int) -> None:
    for worker in crew:
        worker.tell(writes)
    for worker in crew:
        worker.hear()
