"""The parts of a view in SQLite are its tables, with their indexes, views and triggers, as their statements say."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from typing import NamedTuple

from eslab.projections.tables import TableProjection


class Part(NamedTuple):
    """A table, an index, a view or a trigger, with the statement that makes it."""

    kind: str
    name: str
    table: str
    """The table that it belongs to; of a table its own name."""
    sql: str


def made_by(projection: TableProjection) -> list[Part]:
    """What a projection makes in an empty place."""
    db = sqlite3.connect(":memory:", isolation_level=None)
    try:
        projection.create(db)
        return parts_in(db)
    finally:
        db.close()


def parts_in(db: sqlite3.Connection, schema: str = "main") -> list[Part]:
    """Everything that statements have made, but for what SQLite makes by itself for them."""
    shadows = {name for _, name, kind, *_ in db.execute(f"PRAGMA {schema}.table_list") if kind == "shadow"}
    found = db.execute(f"SELECT type, name, tbl_name, sql FROM {schema}.sqlite_schema WHERE sql IS NOT NULL")  # noqa: S608
    parts = [Part(*row) for row in found]
    return [part for part in parts if part.name not in shadows and not part.name.startswith("sqlite_")]


def names(parts: list[Part]) -> list[str]:
    """The names of tables and views; indexes and triggers go with these."""
    return [part.name for part in parts if part.kind in ("table", "view")]


def drop(db: sqlite3.Connection, owned: set[str]) -> None:
    """Take away the tables and views of these names."""
    for part in parts_in(db):
        if part.kind in ("table", "view") and part.name in owned:
            db.execute(f"DROP {part.kind} main.{quoted(part.name)}")


def take(db: sqlite3.Connection, parts: list[Part]) -> None:
    """Make the parts that are in the attached schema `beside`, with their rows; what watches a table comes last."""
    for part in sorted(parts, key=lambda part: ("table", "index", "view", "trigger").index(part.kind)):
        db.execute(part.sql)
        if part.kind == "table":
            _copy(db, part)


def _copy(db: sqlite3.Connection, table: Part) -> None:
    """The rows of a table, with the numbers that SQLite has given them."""
    name = quoted(table.name)
    described = db.execute(f"PRAGMA beside.table_xinfo({name})").fetchall()
    columns = [quoted(column) for _, column, *_, hidden in described if not hidden]  # but for those that are computed
    keys = [kind.upper() for _, _, kind, _, _, key, _ in described if key]
    without_rowid = dict(db.execute("SELECT name, wr FROM pragma_table_list WHERE schema = 'beside'"))
    if not without_rowid[table.name] and keys != ["INTEGER"] and '"rowid"' not in columns:
        columns.append("rowid")
    wanted = ", ".join(columns)
    db.execute(f"INSERT INTO main.{name} ({wanted}) SELECT {wanted} FROM beside.{name}")  # noqa: S608 - quoted
    if "AUTOINCREMENT" in table.sql.upper():
        highest = "FROM beside.sqlite_sequence WHERE name = ?"
        db.execute("DELETE FROM main.sqlite_sequence WHERE name = ?", (table.name,))
        db.execute(f"INSERT INTO main.sqlite_sequence SELECT * {highest}", (table.name,))


def quoted(name: str) -> str:
    """A name as SQL takes it, whatever it is."""
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def is_open(db: sqlite3.Connection) -> bool:
    """Whether nobody has closed it."""
    try:
        return db.total_changes >= 0
    except sqlite3.ProgrammingError:
        return False


def remove(path: str) -> None:
    """Take away a SQLite file and its helpers."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path + suffix)
