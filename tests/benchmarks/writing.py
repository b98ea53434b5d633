"""Rows about writing: a long batch, and many commands one after the other; durable on every side."""

from __future__ import annotations

import contextlib
import random
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

from eslab.aggregates import Repository
from eslab.commands import CommandBus
from eslab.domains.bank import HANDLERS, Account, DepositMoney
from eslab.store import Store
from eslab.stores.sqlite import SqliteStore
from tests.benchmarks import by_hand, theirs
from tests.benchmarks.measure import Row, Side, Target, race
from tests.benchmarks.sizes import LIBRARY, MINIMUM, RAW, Files, Sizes
from tests.benchmarks.story import SEED, as_events, story

Wishes = list[tuple[str, int]]
"""Account and amount of each deposit."""


def append(sizes: Sizes, files: Files) -> Iterator[Row]:
    """Append a long story in one durable batch; on every side the events are made beforehand, and encoded in it."""
    told = story(sizes.stream - 1, SEED)
    events = as_events(told)
    placed = [("account-1", version, event) for version, event in enumerate(events, 1)]
    taken = race([
        Side("eslab", lambda store: store.append("account-1", events), lambda: SqliteStore(files.new()), _ours_holds),
        Side(LIBRARY, lambda made: made[0].save(made[1]),
             lambda: (theirs.open_bank(files.new()), theirs.played("account-1", told)),
             lambda made: _theirs_holds(made[0])),
        Side(RAW, lambda db: by_hand.append(db, placed), lambda: by_hand.connect(files.new()), _raw_holds),
    ], runs=sizes.runs)  # fmt: skip
    name = f"append {sizes.stream:,} events in one durable batch"
    yield Row(name, LIBRARY, taken["eslab"], taken[LIBRARY], Target("faster", 2))
    yield Row(name, RAW, taken["eslab"], taken[RAW], Target("within", 1.5))


def _ours_holds(store: SqliteStore) -> int:
    with store:
        return Repository(store, Account).load("1").balance


def _theirs_holds(bank: theirs.Bank) -> int:
    with contextlib.closing(bank):
        return bank.balance("account-1")


def _raw_holds(db: sqlite3.Connection) -> int:
    with contextlib.closing(db):
        return by_hand.balance_minimum(db, "account-1")


def commands(sizes: Sizes, files: Files) -> Iterator[Row]:
    """Deposit into short streams: load, decide, append one event, durably, one command after the other."""
    names, wishes, totals = deposits(sizes)
    taken = race([
        Side("bus", lambda store: by_bus(store, wishes), lambda: _store_of(files, names), balances_of(names)),
        Side("repository", lambda store: by_repository(store, wishes), lambda: _store_of(files, names),
             balances_of(names)),
        Side(LIBRARY, lambda bank: [bank.deposit(*wish) for wish in wishes], lambda: _bank_of(files, names),
             lambda bank: [bank.balance(name) for name in names]),
        Side(MINIMUM, lambda db: [by_hand.deposit(db, f"account-{name}", amount) for name, amount in wishes],
             lambda: _raw_of(files.new(), names),
             lambda db: [by_hand.balance_minimum(db, f"account-{name}") for name in names]),
        Side("the wishes", lambda _: totals),
    ], runs=sizes.runs)  # fmt: skip
    name = f"{sizes.commands:,} x (load, decide, append one event, durable)"
    yield Row(f"{name}, by bus", LIBRARY, taken["bus"], taken[LIBRARY], Target("faster", 1.3))
    yield Row(f"{name}, by repository", LIBRARY, taken["repository"], taken[LIBRARY], Target("faster", 1.3))
    yield Row(f"{name}, by bus", MINIMUM, taken["bus"], taken[MINIMUM], Target())


def deposits(sizes: Sizes) -> tuple[list[str], Wishes, list[int]]:
    """The accounts, what is to be deposited where, and what each account holds in the end."""
    chance, names = random.Random(SEED), [str(number) for number in range(sizes.accounts)]
    wishes = [(chance.choice(names), chance.randint(1, 300)) for _ in range(sizes.commands)]
    return names, wishes, [sum(amount for account, amount in wishes if account == name) for name in names]


def by_bus(store: Store, wishes: Wishes) -> None:
    """Take every deposit to its handler."""
    bus = CommandBus(store, HANDLERS)
    for name, amount in wishes:
        bus.dispatch(DepositMoney(name, amount))


def by_repository(store: Store, wishes: Wishes) -> None:
    """Make every deposit on the aggregate itself."""
    accounts = Repository(store, Account)
    for name, amount in wishes:
        account = accounts.load(name)
        account.deposit(amount)
        accounts.save(name, account)


def balances_of(names: list[str]) -> Callable[[Store], list[int]]:
    """The answer that all sides must give: what each account holds."""
    return lambda store: [Repository(store, Account).load(name).balance for name in names]


def _raw_of(path: Path, names: list[str]) -> sqlite3.Connection:
    db = by_hand.connect(path)
    by_hand.append(db, [(f"account-{name}", 1, event) for name in names for event in as_events([])])
    return db


def _store_of(files: Files, names: list[str]) -> SqliteStore:
    path = files.new()
    _raw_of(path, names).close()
    return SqliteStore(path)


def _bank_of(files: Files, names: list[str]) -> theirs.Bank:
    bank = theirs.open_bank(files.new())
    bank.save(*(theirs.played(name, []) for name in names))
    return bank
