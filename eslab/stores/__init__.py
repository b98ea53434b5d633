"""Stores on real databases, each with the same contract as the one in memory."""

from __future__ import annotations

import os
import re
from typing import Any
from urllib.parse import unquote

from eslab.errors import StoreUnavailable
from eslab.store import Store

SERVERS = ("postgresql://", "postgres://")


def connect(where: str | os.PathLike[str], **options: Any) -> Store:
    """Open a store: "memory:", a SQLite file such as "events.db", or a server, "postgresql://user@host/database".

    A text that names a file has a dot in its last part, or the file is there already; a Path always names a file. The
    address of a server may end with ?schema=name. The options are those of MemoryStore, SqliteStore or PostgresStore.
    Raises StoreUnavailable if it is none of these, or cannot be opened.
    """
    if isinstance(where, str) and where == "memory:":
        from eslab.stores.memory import MemoryStore

        return MemoryStore(**options)
    if isinstance(where, str) and where.startswith(SERVERS):
        from eslab.stores.postgres import PostgresStore

        dsn, schema = schema_of(where)
        return PostgresStore(dsn, **{"schema": schema, **options} if schema else options)
    address = isinstance(where, str) and re.match(r"\w{2,}:|\w+=", where) is not None
    if isinstance(where, str) and (address or not (os.path.splitext(where)[1] or os.path.isfile(where))):
        found = where[: where.index(next(mark for mark in ":=" if mark in where)) + 1] + "…" if address else where
        raise StoreUnavailable(  # an address is not shown: it may hold a password
            f"found {found!r}, expected 'memory:', a SQLite file such as 'events.db', or the address of a server, "
            f"'postgresql://user@host/database'", where=found,
        )  # fmt: skip
    from eslab.stores.sqlite import SqliteStore

    return SqliteStore(where, **options)


def schema_of(address: str) -> tuple[str, str]:
    """An address without `schema=` among its parameters, and the schema that was named there; '' if none."""
    start, _, query = address.rpartition("?")
    parameters = query.split("&")
    schemas = [one for one in parameters if one.startswith("schema=")]
    if not start or not schemas:
        return address, ""
    rest = "&".join(one for one in parameters if one not in schemas)
    return start + ("?" + rest if rest else ""), unquote(schemas[-1].removeprefix("schema="))
