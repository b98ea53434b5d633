"""What a PostgreSQL server is told, and what it says: addresses without their secrets, refusals in plain words."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from eslab.errors import StoreUnavailable

try:
    import psycopg as psycopg  # and so for the modules beside this one
    from psycopg.conninfo import conninfo_to_dict
    from psycopg.pq import Conninfo
except ImportError as missing:
    raise StoreUnavailable(
        "found no driver for PostgreSQL, expected the package psycopg: run  pip install 'eslab[postgres]'"
    ) from missing

# --- the address --------------------------------------------------------------------------------------------------


def parameters(dsn: str, patience: float) -> dict[str, Any]:
    """What an address says, and what every line adds to it. Raises StoreUnavailable, without a word of the address."""
    found = _parsed(dsn)
    if found is None or not all(port.isdigit() for port in str(found.get("port", "0")).split(",")):
        # PostgreSQL's own message would quote the address, and the password with it; so would the error behind ours.
        raise StoreUnavailable(
            "the address of the server cannot be read (it is not shown: it may hold a password), expected "
            "'postgresql://user:password@host:5432/database': write / @ : % in a password as %2F %40 %3A %25"
        )
    return {
        "connect_timeout": max(2, math.ceil(patience)), "fallback_application_name": "eslab",
        "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 25_000,
        **found, "client_encoding": "UTF8",
    }  # fmt: skip


def _parsed(dsn: str) -> dict[str, Any] | None:
    with suppress(psycopg.Error):
        found: dict[str, Any] = conninfo_to_dict(dsn)
        if not any("@" in str(found.get(name, "")) for name in ("host", "dbname")):
            return found
    return None


def place(found: dict[str, Any]) -> str:
    """Which database on which machine, for people; without user and password."""
    defaults = {option.keyword.decode(): option.val.decode() for option in Conninfo.get_defaults() if option.val}
    known = {**defaults, **found}
    host = str(known.get("host") or "/")
    where = "this machine" if host.startswith("/") else f"{host}:{known['port']}"
    return f"database {known.get('dbname') or known.get('user')!r} on {where}"


# --- refusals -----------------------------------------------------------------------------------------------------

AGAIN = "nothing of this append was stored"
BY_CODE = {
    "3D000": "create that database, or correct its name in the address",
    "25006": "it takes no writers: append to the server that does; it can be read as it is",
    "42501": "this role may not do that: ask the owner of the database for the right (GRANT), or use another role; "
             "what it may read it can read",
    "53100": f"the disk of the server is full: make room, then append again; {AGAIN}",
    "53200": f"the server is short of memory: try again later; {AGAIN}",
    "53300": "it has as many connections as it allows: close stores that are not needed, or raise max_connections",
    "55P03": f"another program has been writing for too long: wait or end it, then append again; {AGAIN}",
    "57014": f"it took longer than the server allows: raise its statement_timeout, or do less at once; {AGAIN}",
    "57P03": "it is starting or stopping: try again in a moment",
    "28P01": "the user or the password is wrong: correct them in the address",
    "28000": "this user may not connect from here: correct the user, or ask the owner of the server",
    "XX001": "the server's files are damaged: keep a copy of them, then restore a backup",
    "XX002": "an index of the server is damaged: keep a copy, then REINDEX",
    "P0001": "append through the store",
}  # fmt: skip
BY_WORDS = {  # a server that turns a caller away at the door gives no code
    "too many": BY_CODE["53300"],
    "slots": BY_CODE["53300"],
    "password": BY_CODE["28P01"],
    'FATAL: role "': BY_CODE["28P01"],
    'FATAL: database "': BY_CODE["3D000"],
    "starting up": BY_CODE["57P03"],
    "shutting down": BY_CODE["57P03"],
    "resolve host": "there is no machine of that name: correct the host in the address",
    "timeout": "the machine does not answer: check the host in the address, the network and its firewall",
}
LOST = "the line was lost: check that the server runs and that its address is right, then try again"


@contextmanager
def refusals(where: str) -> Iterator[None]:
    """Turn PostgreSQL's errors into StoreUnavailable, with what to do next."""
    try:
        yield
    except psycopg.Error as error:
        raise refusal(where, error) from error


def refusal(where: str, error: psycopg.Error) -> StoreUnavailable:
    """What was found and what to do next; what is expected is in the next step."""
    found = " ".join((error.diag.message_primary or str(error)).split())
    step = BY_CODE.get(error.sqlstate or "")
    if step is None and isinstance(error, psycopg.OperationalError):
        step = next((step for words, step in BY_WORDS.items() if words in found), LOST)
    return StoreUnavailable(
        f"store in {where}: found {found}; {step or 'see the message of PostgreSQL itself'}",
        place=where, code=error.sqlstate,
    )  # fmt: skip
