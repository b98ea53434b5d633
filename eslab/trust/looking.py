"""Wherever state is kept, it can be looked through for texts: logs, tables, frames, files and plain Python values."""

from __future__ import annotations

import collections
import datetime as dt
import decimal
import enum
import numbers
import os
import sqlite3
import types
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from eslab.errors import StoreUnavailable
from eslab.events import Recorded
from eslab.projections import Projector
from eslab.snapshots import Snapshots
from eslab.store import Store
from eslab.stores.sqlite import refusals
from eslab.trust.keys import SEALED, KeyRing
from eslab.trust.private import PrivateStore

Placed = tuple[str, Any]
"""Where something stands inside a place, and the thing."""
PLAIN = (numbers.Number, decimal.Decimal, dt.date, dt.time, dt.timedelta, uuid.UUID)
MANY = "[…]"
"""Stands for the number of an entry in a list, so that a text that is in many of them is one line of the report."""


class Looker:
    """Looks through things without changing them, and keeps account of what it could not look into."""

    def __init__(self) -> None:
        self.closed: set[str] = set()
        self._seen: dict[int, Any] = {}  # with the things themselves, so that no id is used twice

    def texts(self, thing: Any) -> Iterator[tuple[str, str]]:
        """Every text in a thing, and where it stands; numbers and times as texts too."""
        waiting: list[Iterator[Placed]] = [iter([("", thing)])]
        while waiting:
            for where, one in waiting[-1]:
                if isinstance(one, str):
                    yield where, one
                elif isinstance(one, bytes | bytearray):
                    yield where, bytes(one).decode(errors="replace")
                elif isinstance(one, PLAIN):
                    yield where, str(one)
                elif one is not None:
                    waiting.append(iter(self._inside(where, one)))
                    break
            else:
                waiting.pop()

    def _inside(self, where: str, thing: Any) -> Iterable[Placed]:
        if id(thing) in self._seen:
            return ()
        self._seen[id(thing)] = thing
        for kind, look in KINDS:
            if isinstance(thing, kind):
                return look(where, thing)
        if hasattr(thing, "index") and hasattr(thing, "items") and hasattr(thing, "attrs"):
            return in_frame(where, thing)
        if hasattr(thing, "dtype") and hasattr(thing, "tolist"):  # an array
            return [(where, thing.tolist())]
        return self._attributes(where, thing)

    def _attributes(self, where: str, thing: Any) -> Iterable[Placed]:
        names = [slot for cls in type(thing).__mro__ for slot in _listed(vars(cls).get("__slots__", ()))]
        names += getattr(thing, "__struct_fields__", ())
        found = {name: getattr(thing, name) for name in names if hasattr(thing, name)}
        found |= getattr(thing, "__dict__", {})
        if callable(thing) or isinstance(thing, types.ModuleType):  # code, which is not looked into
            return ()
        if not found and type(thing).__module__ != "_thread":
            self.closed.add(f"{type(thing).__module__}.{type(thing).__qualname__}".removeprefix("builtins."))
        return [(at(where, name), one) for name, one in found.items()]


def _listed(slots: str | Iterable[str]) -> Iterable[str]:
    return (slots,) if isinstance(slots, str) else slots


def at(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def in_mapping(where: str, thing: Mapping[Any, Any]) -> Iterator[Placed]:
    for key, one in thing.items():
        yield f"key of {where}" if where else "key", key
        yield f"{where}[{key!r}]", one


def in_list(where: str, thing: Iterable[Any]) -> Iterator[Placed]:
    return ((f"{where}{MANY}", one) for one in thing)


def in_store(where: str, store: Store) -> Iterator[Placed]:
    return (placed for row in store.read() for placed in in_event(where, row))


def in_private(where: str, store: PrivateStore) -> Iterator[Placed]:
    """A private store as its reader sees it; what is sealed in the log and has its key says so."""
    for row in store.inner.read():
        for (place, kept), (_, read) in zip(in_event(where, row), in_event(where, store.opened(row)), strict=True):
            yield f"{place} (sealed, but its key is there)" if kept.startswith(SEALED) else place, read


def in_event(where: str, recorded: Recorded) -> Iterator[tuple[str, str]]:
    """The texts of an event: of its envelope, its payload and its metadata."""
    yield at(where, "stream"), recorded.stream
    yield at(where, "id"), recorded.id
    yield from in_data(at(where, recorded.type), recorded.data)
    yield from in_data(at(where, "metadata"), recorded.metadata)


def in_data(where: str, data: Any) -> Iterator[tuple[str, str]]:
    """The texts in plain data, keys included."""
    match data:
        case str():
            yield where, data
        case dict():
            for key, one in data.items():
                yield f"key of {where}", key
                yield from in_data(f"{where}.{key}", one)
        case list():
            for one in data:
                yield from in_data(f"{where}{MANY}", one)
        case None:
            return
        case _:
            yield where, str(data)


def in_tables(where: str, db: sqlite3.Connection) -> Iterator[Placed]:
    """Every value in every table, by table and column; as bytes, so that text that is no UTF-8 is looked at too."""
    ask = db.cursor()
    ask.row_factory = None
    for (table,) in ask.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").fetchall():
        columns = [row[1] for row in ask.execute("SELECT * FROM pragma_table_xinfo(?)", (table,)).fetchall()]
        wanted = ", ".join(f"CAST({_quoted(column)} AS BLOB)" for column in columns)
        for row in ask.execute(f"SELECT {wanted} FROM {_quoted(table)}"):  # noqa: S608 - names, quoted
            for column, value in zip(columns, row, strict=True):
                yield at(where, f"{table}.{column}"), value


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def in_file(where: str, path: Path) -> Iterator[Placed]:
    """A SQLite file, table by table, or a text file, line by line. Raises StoreUnavailable for any other."""
    if not path.is_file():
        raise StoreUnavailable(f"there is no file {str(path)!r} to look through: check its path", path=str(path))
    with path.open("rb") as file:
        if file.read(16) == b"SQLite format 3\x00":
            yield from in_sqlite_file(where, path)
            return
        file.seek(0)
        for line in file:
            try:
                yield at(where, "line"), line.decode()
            except UnicodeDecodeError:
                raise StoreUnavailable(
                    f"file {path.name!r} is neither a SQLite file nor UTF-8 text, so a name in it may not be found: "
                    f"read it into a frame, and look through that", path=str(path),
                ) from None  # fmt: skip


def in_sqlite_file(where: str, path: Path) -> Iterator[Placed]:
    """Read-only; without its two helper files, a file in WAL mode can be read only as one that does not change."""
    mode = "mode=ro" if path.with_name(path.name + "-wal").exists() else "immutable=1"
    with refusals(str(path)):
        db = sqlite3.connect(f"{path.absolute().as_uri()}?{mode}", uri=True)
        try:
            yield from in_tables(where, db)
        finally:
            db.close()


def in_frame(where: str, frame: Any) -> Iterator[Placed]:
    """A pandas frame or series, told by its looks (pandas itself is not imported): columns, index, attributes.

    A category or a level that no row uses any more is still in the frame, and is looked at too.
    """
    parts = {"index": frame.index, "levels of the index": [list(one) for one in getattr(frame.index, "levels", ())]}
    if hasattr(frame, "columns"):
        parts["columns"] = frame.columns
        for name, column in frame.items():
            yield from _column(where, f"column {name!r}", column)
    else:
        yield from _column(where, "values", frame)
    yield from ((at(where, name), one) for name, part in parts.items() for one in part)
    yield at(where, "attrs"), dict(frame.attrs)


def _column(where: str, name: str, column: Any) -> Iterator[Placed]:
    yield from ((at(where, name), one) for one in column.array)
    categories = getattr(column.dtype, "categories", None)
    yield from ((at(where, f"categories of {name}"), one) for one in (() if categories is None else categories))


KINDS: tuple[tuple[Any, Callable[[str, Any], Iterable[Placed]]], ...] = (
    (PrivateStore, in_private),
    (Store, in_store),
    (Recorded, in_event),
    (Projector, lambda where, projector: [(at(where, "state"), projector.state)]),
    (Snapshots, lambda where, snapshots: in_tables(where, snapshots.connection)),
    (KeyRing, lambda where, keys: [(at(where, "subjects"), keys.subjects), (at(where, "forgotten"), keys.forgotten)]),
    (sqlite3.Connection, in_tables),
    (os.PathLike, lambda where, path: in_file(where, Path(path))),
    (enum.Enum, lambda where, one: [(where, one.value)]),
    (Mapping, in_mapping),
    ((list, tuple, set, frozenset, collections.deque), in_list),
)
"""How to look into what, the first that fits."""
