"""A log can be asked in SQL where it lies: a store, Parquet files, a history or a frame is the table `events`."""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from eslab.events import Recorded
from eslab.frames.columns import typed
from eslab.frames.envelopes import FIELDS, MICROSECONDS, InvalidFrame, gathered, listed
from eslab.store import Store
from eslab.stores.sqlite import SqliteStore

BATCH = 10_000
"""How many events of a store are in memory at a time."""
SETTINGS: dict[str, Any] = {"autoinstall_known_extensions": False, "autoload_known_extensions": False}
KINDS = {
    **dict.fromkeys(("position", "version", "schema_version"), pa.int64()),
    **dict.fromkeys(("recorded_at", "occurred_at"), MICROSECONDS),
}
SCHEMA = pa.schema([(name, KINDS.get(name, pa.string())) for name in FIELDS])
NULLABLE = {pa.int64(): pd.Int64Dtype()}
EXACT = (pa.types.is_string, pa.types.is_floating, pa.types.is_timestamp, pa.types.is_dictionary)
"""The kinds of Arrow that pandas has as well."""


def sql(source: Any, query: str, **tables: Any) -> pd.DataFrame:
    """What a SELECT finds in a log, by DuckDB; the log is the table `events`, and can not be changed.

    `source` is a store or the path of its SQLite file, Parquet files as `readers.to_parquet` writes them (a path or a
    folder), a history, or a frame; `tables` are more of these, by name. The events of a store have the columns
    position, stream, version, type, schema_version, id, recorded_at, occurred_at (UTC), payload and metadata (JSON:
    `payload->>'amount'`), and pass through memory some thousands at a time. From Parquet only what the query needs is
    read. The query reaches no other file and no network.

    Raises InvalidFrame for anything but one SELECT, a query that fails, or what is no such table, and StoreUnavailable
    for a file that is no store.
    """
    import duckdb  # here, because who asks no SQL need not wait for it

    with contextlib.ExitStack() as open_files, duckdb.connect(config=SETTINGS) as db:
        given = {name: _table(one, open_files) for name, one in ({"events": source} | tables).items()}
        for name, table in given.items():
            db.register(name, table)
        for setting in ("TimeZone = 'UTC'", "enable_external_access = false", "lock_configuration = true"):
            db.execute(f"SET {setting}")
        try:
            _check_select(db, query)
            return _frame(db.sql(query).to_arrow_table())
        except duckdb.Error as error:
            for table in given.values():
                if isinstance(table, Scanned) and table.error:
                    raise table.error from error
            why = f"the query failed: {error}. Correct it; its tables are {_said(db)}"
            raise InvalidFrame(why, found=query) from error


def _check_select(db: Any, query: str) -> None:
    kinds = [one.type.name for one in db.extract_statements(query)]
    if kinds != ["SELECT"]:
        raise InvalidFrame(
            f"the query is {' and '.join(kinds) or 'empty'}, expected one SELECT: a log is only asked, new facts are "
            f"appended to its store", found=query,
        )  # fmt: skip


def _said(db: Any) -> str:
    """The tables with their columns."""
    named = "SELECT view_name FROM duckdb_views() WHERE NOT internal ORDER BY view_name"
    tables = [name for (name,) in db.execute(named).fetchall()]
    return "; ".join(f"{name} ({', '.join(db.table(name).columns)})" for name in tables)


# --- what a query can be asked of -------------------------------------------------------------------------------------


class Scanned:
    """Events as Arrow record batches, made anew each time that a query goes through them."""

    def __init__(self, events: Callable[[], Iterable[Recorded]]) -> None:
        self.events = events
        self.error: Exception | None = None  # what went wrong with the events, which DuckDB says as its own

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return pa.RecordBatchReader.from_batches(SCHEMA, self._batches()).__arrow_c_stream__(requested_schema)

    def _batches(self) -> Iterator[pa.RecordBatch]:
        events = iter(self.events())
        try:
            while batch := listed(list(itertools.islice(events, BATCH))):
                told = gathered(batch)  # times are texts here, which Arrow reads as soon as they are its own
                yield pa.record_batch([pa.array(told[field.name]).cast(field.type) for field in SCHEMA], SCHEMA)
        except Exception as error:
            self.error = error
            raise


def _table(source: Any, open_files: contextlib.ExitStack) -> Any:
    """What DuckDB can go through, from what was given."""
    if isinstance(source, (str, os.PathLike)):
        path = Path(source)
        if path.is_dir() or path.suffix == ".parquet":
            return _parquet(path)
        source = open_files.enter_context(SqliteStore(path, create=False))
    if isinstance(source, pd.DataFrame):
        return _of_frame(source)
    if isinstance(source, Store):
        end = source.position  # so that each pass through it finds the same, whatever is appended meanwhile
        return Scanned(lambda: source.read(until=end))
    if isinstance(source, Iterable) and iter(source) is not source:
        return Scanned(lambda: source)
    events = listed(source)
    return Scanned(lambda: events)


def _parquet(path: Path) -> Any:
    from pyarrow.dataset import dataset

    try:
        found = dataset(path, format="parquet")
    except (OSError, pa.ArrowException) as error:
        raise InvalidFrame(
            f"{os.fspath(path)!r} cannot be read as Parquet: {error}. Expected a file or a folder of files as "
            f"readers.to_parquet writes them: check the path", path=os.fspath(path),
        ) from error  # fmt: skip
    if not found.schema.names:
        raise InvalidFrame(
            f"folder {os.fspath(path)!r} holds no Parquet files, expected those of a log: check the path, or write it "
            f"with readers.to_parquet", path=os.fspath(path),
        )  # fmt: skip
    return found


def _of_frame(frame: pd.DataFrame) -> pa.Table:
    """The columns of a frame, and its index where it has a name; what SQL has no kind for is text."""
    named = frame.reset_index() if any(frame.index.names) else frame
    return pa.table({str(name): _of_column(named.iloc[:, place]) for place, name in enumerate(named.columns)})


def _of_column(column: pd.Series) -> pa.Array:
    try:
        return pa.Array.from_pandas(column)
    except (pa.ArrowException, OverflowError):
        return pa.array([None if one is None else str(one) for one in column], pa.string())


# --- what comes back --------------------------------------------------------------------------------------------------


def _frame(found: pa.Table) -> pd.DataFrame:
    """A frame with columns of the kinds that all frames have."""
    notes, arrays = [], []
    for name, column in zip(found.schema.names, found.columns, strict=True):
        array, note = _column(column)
        arrays.append(array)
        notes += [f"{name} {note}"] if note else []
    frame = pd.DataFrame(dict(enumerate(arrays)), index=pd.RangeIndex(found.num_rows))
    frame.columns = pd.Index(found.schema.names, dtype="str")
    frame.attrs["notes"] = notes
    return frame


def _column(column: pa.ChunkedArray) -> tuple[Any, str]:
    if pa.types.is_decimal(column.type) and column.type.scale == 0:  # a sum, for which DuckDB takes more room
        with contextlib.suppress(pa.ArrowInvalid):
            column = column.cast(pa.int64())
    if pa.types.is_integer(column.type) and not pa.types.is_uint64(column.type):
        whole = column.cast(pa.int64())
        return (whole.to_pandas(types_mapper=NULLABLE.get).array if whole.null_count else whole.to_numpy()), ""
    if any(known(column.type) for known in EXACT):
        return column.to_pandas().array, ""
    values = column.to_pylist()
    return typed(values, np.arange(len(values)))
