"""Views as the other library keeps them: one event after the other, each with its place in one transaction."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

from eventsourcing.dispatch import singledispatchmethod
from eventsourcing.persistence import InfrastructureFactory, Tracking
from eventsourcing.popo import POPOTrackingRecorder
from eventsourcing.postgres import PostgresTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner
from eventsourcing.sqlite import SQLiteTrackingRecorder
from eventsourcing.system import NotificationLogReader
from eventsourcing.utils import Environment
from psycopg.sql import SQL, Identifier

from tests.benchmarks.theirs import PAGE, Account, Bank

WITHIN_S = 3_600
TABLE = "CREATE TABLE IF NOT EXISTS {} (account TEXT PRIMARY KEY, balance BIGINT NOT NULL)"


class InMemory(POPOTrackingRecorder):
    """The balances as a dict."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.balances: dict[UUID, int] = {}

    def change(self, account: UUID, amount: int, tracking: Tracking) -> None:
        with self._database_lock:
            self._insert_tracking(tracking)
            self.balances[account] = self.balances.get(account, 0) + amount

    def found(self) -> list[int]:
        return sorted(self.balances.values())


class InFile(SQLiteTrackingRecorder):
    """The balances in a table of a SQLite file."""

    def construct_create_table_statements(self) -> list[str]:
        return [*super().construct_create_table_statements(), TABLE.format("balances")]

    def change(self, account: UUID, amount: int, tracking: Tracking) -> None:
        with self.datastore.transaction(commit=True) as db:
            self._insert_tracking(db, tracking)
            db.execute(
                "INSERT INTO balances VALUES (?, ?) "
                "ON CONFLICT (account) DO UPDATE SET balance = balance + excluded.balance",
                (str(account), amount),
            )

    def found(self) -> list[int]:
        with self.datastore.transaction(commit=False) as db:
            db.execute("SELECT balance FROM balances ORDER BY balance")
            return [row["balance"] for row in db.fetchall()]


class InSchema(PostgresTrackingRecorder):
    """The balances in a table of PostgreSQL."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        table = SQL("{}.{}").format(Identifier(self.datastore.schema), Identifier("balances"))
        self.sql_create_statements.append(SQL(TABLE).format(table))
        self.select = SQL("SELECT balance FROM {} ORDER BY balance").format(table)
        self.upsert = SQL(
            "INSERT INTO {} VALUES (%s, %s) "
            "ON CONFLICT (account) DO UPDATE SET balance = balances.balance + excluded.balance"
        ).format(table)

    def change(self, account: UUID, amount: int, tracking: Tracking) -> None:
        with self.datastore.transaction(commit=True) as db:
            self._insert_tracking(db, tracking)
            db.execute(self.upsert, (str(account), amount), prepare=True)

    def found(self) -> list[int]:
        with self.datastore.transaction(commit=False) as db:
            db.execute(self.select)
            return [row["balance"] for row in db.fetchall()]


class Balances(Projection[Any]):
    """The balance of every account."""

    name = "balances"

    @singledispatchmethod
    def process_event(self, happened: Any, tracking: Tracking) -> None:
        raise TypeError(f"an event of another kind: {happened}")

    @process_event.register
    def _(self, happened: Account.Opened, tracking: Tracking) -> None:
        self.view.change(happened.originator_id, 0, tracking)

    @process_event.register
    def _(self, happened: Account.Deposited, tracking: Tracking) -> None:
        self.view.change(happened.originator_id, happened.amount, tracking)

    @process_event.register
    def _(self, happened: Account.Withdrawn, tracking: Tracking) -> None:
        self.view.change(happened.originator_id, -happened.amount, tracking)


def run(bank: Bank, kind: type, place: dict[str, str]) -> list[int]:
    """Let its projection runner catch up; the balances. It cannot subscribe to a log in SQLite: see `show`."""
    own = {name: value for name, value in bank.env.items() if name.startswith(("POSTGRES", "PERSISTENCE"))}
    theirs = {f"BALANCES_{name}": value for name, value in place.items()}
    runner = ProjectionRunner(application_class=Bank, projection_class=Balances, view_class=kind, env=own | theirs)
    with runner:
        runner.wait(bank.recorder.max_notification_id(), timeout=WITHIN_S)
        found: list[int] = runner.projection.view.found()
    return found


def show(bank: Bank, kind: type, place: dict[str, str]) -> list[int]:
    """The same work without a subscription: every event of the notification log, given to the projection."""
    view: Any = InfrastructureFactory.construct(env=Environment("balances", place)).tracking_recorder(kind)
    projection = Balances(view)
    for page in NotificationLogReader(bank.notification_log, PAGE).select(start=1):
        for notification in page:
            happened = bank.mapper.to_domain_event(notification)
            projection.process_event(happened, Tracking(bank.name, notification.id))
    found: list[int] = view.found()
    return found


MEMORY = {"PERSISTENCE_MODULE": "eventsourcing.popo"}


def file(path: Path) -> dict[str, str]:
    """What says that the view lies in a file, as durable as ours."""
    return {"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": str(path)}
