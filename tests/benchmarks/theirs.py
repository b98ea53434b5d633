"""The same bank in pyeventsourcing, as its documentation writes it: a decorated aggregate and an application."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from eventsourcing.system import NotificationLogReader
from psycopg.conninfo import conninfo_to_dict

from tests.benchmarks.story import Happening

PAGE = 2_000
"""Notifications read at a time, as many as eslab reads; the library's own ten would cost it much of its speed."""


class Account(Aggregate):
    @event("Opened")
    def __init__(self, name: str, owner: str) -> None:
        self.name, self.owner, self.balance, self.status = name, owner, 0, "open"

    @staticmethod
    def create_id(name: str) -> UUID:
        return uuid5(NAMESPACE_URL, name)

    def deposit(self, amount: int) -> None:
        self._must_be_open()
        self._deposited(amount)

    def withdraw(self, amount: int) -> None:
        self._must_be_open()
        if amount > self.balance:
            raise ValueError(f"the balance is {self.balance}, expected at least {amount}")
        self._withdrawn(amount)

    @event("Deposited")
    def _deposited(self, amount: int) -> None:
        self.balance += amount

    @event("Withdrawn")
    def _withdrawn(self, amount: int) -> None:
        self.balance -= amount

    def _must_be_open(self) -> None:
        if self.status != "open":
            raise ValueError(f"the account is {self.status}, expected an open one")


class Bank(Application[UUID]):
    log_section_size = PAGE

    def deposit(self, name: str, amount: int) -> None:
        account: Account = self.repository.get(Account.create_id(name))
        account.deposit(amount)
        self.save(account)

    def balance(self, name: str, version: int | None = None) -> int:
        account: Account = self.repository.get(Account.create_id(name), version=version)
        return account.balance

    def balances(self) -> dict[UUID, int]:
        """The balance of every account, from the notification log, page by page."""
        found: dict[UUID, int] = {}
        for page in NotificationLogReader(self.notification_log, PAGE).select(start=1):
            for notification in page:
                match self.mapper.to_domain_event(notification):
                    case Account.Opened(originator_id=id):
                        found[id] = 0
                    case Account.Deposited(originator_id=id, amount=amount):
                        found[id] += amount
                    case Account.Withdrawn(originator_id=id, amount=amount):
                        found[id] -= amount
        return found


def open_bank(path: Path) -> Bank:
    """An application on a SQLite file, as durable as a SqliteStore."""
    bank = Bank(env={"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": str(path)})
    found = durability(bank)
    if found != "wal, synchronous=2":
        raise RuntimeError(f"the other library writes with {found}, expected 'wal, synchronous=2' as on our side")
    return bank


def open_bank_in(dsn: str, schema: str, *, large: bool = False, make: bool = True) -> Bank:
    """An application in a schema of a PostgreSQL server, which must be there; its tables, too, without `make`.

    Several processes cannot make its tables at the same time ("tuple concurrently updated"): one does, for all.
    Pipelines, in which the library writes, hang over a socket with `large` batches of more than some hundred kB
    (psycopg 3.3.9): then it writes by the function that it keeps in the server.
    """
    found = conninfo_to_dict(dsn)
    socket = str(found.get("host", "")).startswith("/")
    return Bank(env={
        "PERSISTENCE_MODULE": "eventsourcing.postgres", "POSTGRES_SCHEMA": schema,
        "POSTGRES_DBNAME": str(found.get("dbname", "postgres")), "POSTGRES_HOST": str(found.get("host", "localhost")),
        "POSTGRES_PORT": str(found.get("port", "5432")), "POSTGRES_USER": str(found.get("user", "postgres")),
        "POSTGRES_PASSWORD": str(found.get("password", "none")),
        "CREATE_TABLE": "yes" if make else "no", "POSTGRES_ENABLE_DB_FUNCTIONS": "yes" if socket and large else "no",
    })  # fmt: skip


def durability(bank: Bank) -> str:
    """How the application writes to its file; 2 = FULL."""
    datastore: Any = bank.factory.datastore  # type: ignore[attr-defined]  # only those of databases have it
    with datastore.get_connection(commit=True) as connection:
        mode, level = (
            connection._sqlite_conn.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")
        )
    return f"{mode}, synchronous={level}"


DURABLE = ("fsync", "synchronous_commit")
"""What says whether PostgreSQL has written to the disk when it answers."""


def durability_in(bank: Bank) -> dict[str, str]:
    """How the application writes to its server."""
    datastore: Any = bank.factory.datastore  # type: ignore[attr-defined]  # only those of databases have it
    with datastore.get_connection() as connection:
        return {name: connection.execute(f"SHOW {name}").fetchone()[name] for name in DURABLE}


def played(name: str, told: list[Happening]) -> Account:
    """An account to which all of it has happened, and nothing of it saved yet."""
    account = Account(name=name, owner="Ada")
    for verb, amount in told:
        getattr(account, verb)(amount)
    return account
