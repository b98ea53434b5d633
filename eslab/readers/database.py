"""A table of a database, or the answer to a query, is read row by row as events, and nothing is changed in it."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from eslab.errors import InvalidName, UnreadableLog
from eslab.readers.files import opened
from eslab.readers.log import Found, Log, Refused
from eslab.readers.tables import Columns, check_head, closest, with_columns

ROWS = 2_000
"""How many rows are fetched at a time."""


@with_columns
def database(
    address: str | sa.URL | sa.Engine, query: str | None = None, *, table: str | None = None, schema: str | None = None,
    parameters: Mapping[str, Any] | None = None, **columns: Any,
) -> Log:  # fmt: skip
    """The events of a `table`, or of the answer to a `query`: a row an event, `line` its number there, first = 1.

        readers.database("postgresql://ada@shop/sales", table="order_log", stream="order_id", type="status",
                         occurred_at="changed_at", category="order")
        readers.database("sqlite:///shop.db", "SELECT * FROM log WHERE country = :land ORDER BY id",
                         parameters={"land": "DE"}, stream="order_id", type="status", occurred_at="changed_at")

    `address` is a URL of SQLAlchemy or an engine, `schema` that of the table. A table is read in the order of its
    primary key; a query says ORDER BY itself, if rows of equal time shall have an order. Values for a query belong into
    `parameters`, never into its text. What the columns mean is said as in `readers.Columns`; NULL is left out.

    Nothing is written: rows are read in a transaction that is rolled back, and a SQLite file is opened read-only (but
    give no DROP to a server that commits it by itself, as MySQL does).
    Raises UnreadableLog if there is no answer or no such table or column, and on reading for a row that is no event.
    """
    if (query is None) == (table is None):
        raise InvalidName("found a query and a table, or neither, expected one of them: write table='order_log', or a "
                          "query", found=(query, table))  # fmt: skip
    mapped = Columns(**columns)
    place = _Place(address)
    ask = (place, query, table, schema, dict(parameters or {}))
    with _answer(*ask) as rows:
        head = list(rows.keys())
    source = f"{f'table {table}' if table else 'a query'} of {place}"
    check_head(head, mapped, source)

    def records() -> Iterator[Found | Refused]:
        with _answer(*ask) as rows:
            for line, row in enumerate(rows, 1):
                there = {name: value for name, value in zip(head, row, strict=True) if value is not None}
                yield mapped.event(line, there)

    return mapped.log(source, records, {"columns": head}, "row")


class _Place:
    """Where a database is; its password is never shown."""

    def __init__(self, address: str | sa.URL | sa.Engine) -> None:
        try:
            self.url = address.url if isinstance(address, sa.Engine) else sa.make_url(address)
            self.engine = address if isinstance(address, sa.Engine) else _engine(self.url)
        except (sa.exc.ArgumentError, ImportError) as error:
            raise UnreadableLog(
                f"the address of the database cannot be used ({error}), expected one such as 'sqlite:///shop.db' or "
                f"'postgresql+psycopg://name@machine/database': correct it, or install what is missing",
                file="database", line=None,
            ) from None  # fmt: skip

    def __str__(self) -> str:
        url = self.url
        return str(sa.URL.create(url.drivername, url.username, None, url.host, url.port, url.database))

    def without_secrets(self, text: str) -> str:
        secrets = [self.url.password, *(value for key, value in self.url.query.items() if "pass" in key.lower())]
        for secret in filter(None, map(str, secrets)):
            text = text.replace(secret, "***")
        return text


def _engine(url: sa.URL) -> sa.Engine:
    if url.drivername == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() == "sqlite" and url.database and not url.database.startswith((":memory:", "file:")):
        path = Path(url.database)
        with opened(path, unpack=False):  # it is there: SQLite would make a new one
            pass
        file = f"{path.resolve().as_uri()}?mode=ro"
        return sa.create_engine("sqlite://", creator=lambda: sqlite3.connect(file, uri=True), poolclass=NullPool,
                                hide_parameters=True)  # fmt: skip
    return sa.create_engine(url, poolclass=NullPool, hide_parameters=True)


@contextlib.contextmanager
def _answer(
    place: _Place, query: str | None, table: str | None, schema: str | None, parameters: dict[str, Any]
) -> Iterator[sa.CursorResult[Any]]:
    """The rows, fetched as they are asked for, in a transaction that is rolled back."""
    options: dict[str, Any] = {"stream_results": True, "yield_per": ROWS}
    if place.url.get_backend_name() == "postgresql":
        options["postgresql_readonly"] = True
    try:
        with place.engine.connect().execution_options(**options) as connection:
            _begin(connection)
            asked = sa.text(query) if query is not None else _all_of(connection, place, str(table), schema)
            with connection.execute(asked, parameters) as rows:
                if not rows.returns_rows:
                    raise UnreadableLog(f"{place}: the query has no rows as its answer, expected a SELECT; nothing was "
                                        f"changed", file=str(place), line=None)  # fmt: skip
                yield rows
            connection.rollback()
    except sa.exc.SQLAlchemyError as error:
        said = place.without_secrets(str(getattr(error, "orig", None) or error)).strip()
        raise UnreadableLog(f"{place}: the database answers {said!r}: correct the address, the query or the parameters",
                            file=str(place), line=None) from None  # fmt: skip


def _begin(connection: sa.Connection) -> None:
    """Begin a transaction in SQLite, for which Python begins none before a DROP, so that it could not be undone."""
    if connection.dialect.name == "sqlite" and not getattr(connection.connection, "in_transaction", False):
        connection.exec_driver_sql("BEGIN")


def _all_of(connection: sa.Connection, place: _Place, table: str, schema: str | None) -> sa.Select[Any]:
    """All rows, in the order of the primary key; every value as the database has it."""
    there = sa.inspect(connection)
    if not there.has_table(table, schema):
        names = [*there.get_table_names(schema), *there.get_view_names(schema)]
        found = ", ".join(map(repr, names[:40])) or "none"
        raise UnreadableLog(f"{place}: there is no table {table!r}, found {found}: "
                            f"{closest(table, names, 'name one of them, or its schema')}",
                            file=str(place), line=None)  # fmt: skip
    columns: list[sa.ColumnClause[Any]] = [sa.column(one["name"]) for one in there.get_columns(table, schema)]
    key = there.get_pk_constraint(table, schema)["constrained_columns"]
    return sa.select(*columns).select_from(sa.table(table, schema=schema)).order_by(*map(sa.column, key))
