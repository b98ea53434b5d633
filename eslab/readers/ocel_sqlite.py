"""OCEL in SQLite: a table of all events, one for each type of them with its attributes, and the same for objects."""

from __future__ import annotations

import contextlib
import heapq
import itertools
import re
import sqlite3
from collections.abc import Iterable, Iterator
from operator import itemgetter
from pathlib import Path
from typing import Any

from eslab.events import Recorded
from eslab.projections.sqlite_parts import quoted
from eslab.readers.files import unreadable
from eslab.readers.log import Refused
from eslab.readers.ocel_parts import Attribute, Catalogue, Declared, Kind, Ocel, Relation, Told
from eslab.readers.places import rising

TABLES = {
    "event_map_type": ("ocel_type", "ocel_type_map"), "object_map_type": ("ocel_type", "ocel_type_map"),
    "event": ("ocel_id", "ocel_type"), "object": ("ocel_id", "ocel_type"),
    "event_object": ("ocel_event_id", "ocel_object_id", "ocel_qualifier"),
    "object_object": ("ocel_source_id", "ocel_target_id", "ocel_qualifier"),
}  # fmt: skip
"""The tables that each log has, with their columns; `event_map_type` says in which table the events of a type are."""
TYPES = {"string": "TEXT", "time": "TIMESTAMP", "integer": "INTEGER", "float": "REAL", "boolean": "BOOLEAN"}
NAMES = {"TEXT": "string", "TIMESTAMP": "time", "INTEGER": "integer", "REAL": "float", "BOOLEAN": "boolean"}
OURS = int.from_bytes(b"esla")
"""The application id of a file that eslab has written."""
QUOTE = '"'
START = "1970-01-01T00:00:00+00:00"
"""The time of what an object has from the beginning."""


@contextlib.contextmanager
def opened_tables(place: Path) -> Iterator[sqlite3.Connection]:
    """A log in SQLite, for reading only. Raises UnreadableLog if it is none, or damaged."""
    uri = f"{place.resolve().as_uri()}?mode=ro"
    try:
        with contextlib.closing(sqlite3.connect(uri, uri=True)) as db:
            db.execute("PRAGMA trusted_schema = OFF")
            tables = {name for (name,) in db.execute("SELECT lower(name) FROM sqlite_master WHERE type = 'table'")}
            if missing := sorted(set(TABLES) - tables):
                raise unreadable(place, f"it has no table {missing[0]!r}, expected those of OCEL 2.0: "
                                        f"{', '.join(TABLES)}; export it again in that version")  # fmt: skip
            yield db
    except sqlite3.Error as error:
        raise unreadable(place, f"it cannot be read as OCEL 2.0 in SQLite ({error}): export it again") from error


def read_tables(db: sqlite3.Connection) -> Ocel:
    """The log in a database. Its events are read while it is open."""
    event_types, object_types = (_kinds(db, what) for what in ("event", "object"))
    objects = _objects(db, object_types)
    return Ocel(
        [kind for kind, _ in event_types.values()], [kind for kind, _ in object_types.values()],
        list(objects.values()), itertools.chain(_events(db, event_types), _lost(db, event_types, objects)),
        db.execute("PRAGMA application_id").fetchone() == (OURS,),
    )  # fmt: skip


def _kinds(db: sqlite3.Connection, what: str) -> dict[str, tuple[Kind, str]]:
    """Each type of events or objects, and its table."""
    kinds = {}
    for name, mapped in db.execute(f"SELECT ocel_type, ocel_type_map FROM {what}_map_type"):  # noqa: S608 - ours
        table = f"{what}_{mapped}"
        real = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND lower(name) = lower(?)"
        if not db.execute(real, (table,)).fetchone():
            raise sqlite3.DatabaseError(f"there is no table {table!r} for the type {name!r}")
        columns = db.execute("SELECT name, type FROM pragma_table_info(?)", (table,)).fetchall()
        declared = [Declared(column, NAMES.get(kind.upper(), "string")) for column, kind in columns
                    if not column.lower().startswith("ocel_")]  # fmt: skip
        kinds[str(name)] = Kind(str(name), declared), quoted(table)
    return kinds


def _events(db: sqlite3.Connection, kinds: dict[str, tuple[Kind, str]]) -> Iterator[Told | Refused]:
    """The events in the order of the table of all events."""
    tables = [_of_type(db, name, table) for name, (_, table) in kinds.items()]
    unknown = db.execute(
        "SELECT rowid, ocel_id, ocel_type FROM event WHERE ocel_type IS NULL "
        "OR ocel_type NOT IN (SELECT ocel_type FROM event_map_type WHERE ocel_type IS NOT NULL) ORDER BY rowid"
    )
    tables.append((row, Told(told_id, kind)) for row, told_id, kind in unknown)
    related = _related(db)
    row_of_next, relations = next(related, (0, []))
    for row, told in heapq.merge(*tables, key=itemgetter(0)):
        if row == row_of_next:
            told.relationships = relations
            row_of_next, relations = next(related, (0, []))
        yield told


def _lost(db: sqlite3.Connection, kinds: dict[str, tuple[Kind, str]], objects: dict[str, Told]) -> Iterator[Refused]:
    """The rows that belong to no event, and the relations of no object."""
    for table, column in (*((table, "ocel_id") for _, table in kinds.values()), ("event_object", "ocel_event_id")):
        lost = f"SELECT * FROM {table} WHERE {column} NOT IN (SELECT ocel_id FROM event WHERE ocel_id IS NOT NULL)"  # noqa: S608
        for found in db.execute(lost):
            yield Refused(0, f"a row of {table.strip(QUOTE)} belongs to no event of the table event, expected one: "
                             f"add the event, or take the row out", found)  # fmt: skip
    for found in _relations(db):
        if found[0] not in objects:
            yield Refused(0, "a row of object_object belongs to no object of the table object, expected one: add the "
                             "object, or take the row out", found)  # fmt: skip


def _of_type(db: sqlite3.Connection, name: str, table: str) -> Iterator[tuple[int, Told]]:
    rows = db.execute(
        f"SELECT event.rowid, event.ocel_id, told.* FROM event LEFT JOIN {table} AS told USING (ocel_id) "  # noqa: S608
        f"WHERE event.ocel_type = ? ORDER BY event.rowid", (name,),
    )  # fmt: skip
    columns = [column.lower() if column.lower().startswith("ocel_") else column for column, *_ in rows.description]
    for row in rows:
        told = dict(zip(columns[2:], row[2:], strict=True))
        yield row[0], Told(row[1], name, told.pop("ocel_time", None), _attributes(told))


def _attributes(row: dict[str, Any], time: str | None = None) -> list[Attribute]:
    return [Attribute(name, value, time) for name, value in row.items()
            if value is not None and not name.startswith("ocel_")]  # fmt: skip


def _related(db: sqlite3.Connection) -> Iterator[tuple[int, list[Relation]]]:
    rows = db.execute(
        "SELECT event.rowid, ocel_object_id, ocel_qualifier FROM event_object "
        "JOIN event ON event.ocel_id = ocel_event_id ORDER BY event.rowid, event_object.rowid"
    )
    for row, group in itertools.groupby(rows, itemgetter(0)):
        yield row, [Relation(*relation[1:]) for relation in group]


def _objects(db: sqlite3.Connection, kinds: dict[str, tuple[Kind, str]]) -> dict[str, Told]:
    """All objects by id. A row of the table of a type holds its first values, or one value that changed."""
    objects: dict[str, Told] = {}
    for name, kind in db.execute("SELECT ocel_id, ocel_type FROM object"):
        if objects.setdefault(name, Told(name, kind, attributes=[], relationships=[])).type != kind:
            raise sqlite3.DatabaseError(f"the object {name!r} has two types")
    for name, (_, table) in kinds.items():
        rows = db.execute(f"SELECT * FROM {table}")  # noqa: S608 - quoted
        columns = [column.lower() if column.lower().startswith("ocel_") else column for column, *_ in rows.description]
        for row in rows:
            told = dict(zip(columns, row, strict=True))
            changed, time = told.get("ocel_changed_field"), told.get("ocel_time")
            found = _attributes(_one_of(told, str(changed)) if changed else told, time)
            objects.setdefault(told["ocel_id"], Told(told["ocel_id"], name, attributes=[])).attributes.extend(found)
    for source, target, qualifier in _relations(db):
        if source in objects:
            objects[source].relationships.append(Relation(target, qualifier))
    return objects


def _relations(db: sqlite3.Connection) -> sqlite3.Cursor:
    """What objects are to each other."""
    return db.execute("SELECT ocel_source_id, ocel_target_id, ocel_qualifier FROM object_object ORDER BY rowid")


def _one_of(row: dict[str, Any], changed: str) -> dict[str, Any]:
    """The one value that changed; names of columns are the same in capitals."""
    found = {name: value for name, value in row.items() if name.lower() == changed.lower()}
    if not found:
        raise sqlite3.DatabaseError(f"{changed!r} of the object {row['ocel_id']!r} has changed, and is no column")
    return found


# --- writing --------------------------------------------------------------------------------------------------------


def write_tables(history: Iterable[Recorded], path: Path) -> int:
    """Write a log; a table gets a column when an attribute is met for the first time."""
    catalogue, number = Catalogue(), 0
    events, objects = _Mapped("event"), _Mapped("object")
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute(f"PRAGMA application_id = {OURS}")
        db.execute("PRAGMA journal_mode = OFF")  # nobody else sees the file before it is whole
        db.execute("BEGIN")
        for table, columns in TABLES.items():
            key = columns if len(columns) == 3 else columns[:1]
            db.execute(f"CREATE TABLE {table} ({', '.join(f'{name} TEXT' for name in columns)}, "
                       f"PRIMARY KEY ({', '.join(key)}))")  # fmt: skip
        for recorded in rising(history):
            number += 1
            told = catalogue.told(recorded)
            events.add(db, told, catalogue.kinds[told.type])
            db.executemany("INSERT OR IGNORE INTO event_object VALUES (?, ?, ?)",
                           [(told.id, one.id, one.qualifier) for one in told.relationships])  # fmt: skip
        for name, kind in catalogue.objects.items():
            objects.add(db, Told(name, kind, START), {})
        db.execute("COMMIT")
    return number


class _Mapped:
    """The tables of the types of events, or of objects, while they are written."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._columns: dict[str, set[str]] = {}
        self._tables: dict[str, str] = {}
        self._taken = {"", "object", "map_type"}  # event_object is a table already

    def add(self, db: sqlite3.Connection, told: Told, kinds: dict[str, str]) -> None:
        if told.type not in self._tables:
            self._create(db, told.type)
        table, columns = self._tables[told.type], self._columns[told.type]
        for name in [name for name in kinds if name not in columns]:
            db.execute(f"ALTER TABLE {table} ADD COLUMN {quoted(name)} {TYPES[kinds[name]]}")
            columns.add(name)
        row = {"ocel_id": told.id, "ocel_time": told.time, **{one.name: one.value for one in told.attributes}}
        db.execute(f"INSERT INTO {self._what} VALUES (?, ?)", (told.id, told.type))  # noqa: S608 - ours
        db.execute(f"INSERT INTO {table} ({', '.join(map(quoted, row))}) VALUES ({', '.join('?' * len(row))})",  # noqa: S608
                   list(row.values()))  # fmt: skip

    def _create(self, db: sqlite3.Connection, kind: str) -> None:
        plain = re.sub(r"\W", "", kind, flags=re.ASCII)
        mapped = next(name for name in itertools.chain([plain], (f"{plain}{n}" for n in itertools.count(2)))
                      if name.lower() not in self._taken)  # fmt: skip
        self._taken.add(mapped.lower())
        self._tables[kind], self._columns[kind] = quoted(f"{self._what}_{mapped}"), set()
        changed = ", ocel_changed_field TEXT" if self._what == "object" else ""
        db.execute(f"CREATE TABLE {self._tables[kind]} (ocel_id TEXT PRIMARY KEY, ocel_time TIMESTAMP{changed})")
        db.execute(f"INSERT INTO {self._what}_map_type VALUES (?, ?)", (kind, mapped))  # noqa: S608 - ours
