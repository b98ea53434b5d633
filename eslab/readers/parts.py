"""A log in Parquet is columns of its events, in one file or in parts, and each stream is whole in its part.

So each part can be folded by another program, and none needs to know of the others.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import zlib
from collections.abc import Iterable, Iterator
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from eslab.errors import InvalidPayload, InvalidPosition, InvalidTime
from eslab.events import Recorded
from eslab.readers.files import replacing, unreadable
from eslab.readers.places import rising

MOMENT = pa.timestamp("us", "UTC")
SCHEMA = pa.schema(
    [
        ("position", pa.int64()), ("stream", pa.string()), ("version", pa.int64()),
        ("type", pa.dictionary(pa.int32(), pa.string())), ("schema_version", pa.int64()), ("id", pa.string()),
        ("recorded_at", MOMENT), ("occurred_at", MOMENT), ("payload", pa.string()), ("metadata", pa.string()),
    ]
)  # fmt: skip
"""The ten fields of a recorded event; payload and metadata are JSON text."""
MARK = b"eslab"
"""Under this key a file says that eslab wrote it, and which part of what it is."""
AT_ONCE = 100_000
"""How many events wait in memory while they are written, over all parts."""
BATCH = 10_000
"""How many events are read at a time."""


class Part(NamedTuple):
    """What a file says of itself: it is part `number` (first = 0) of so many `parts`, which hold so many `events`."""

    number: int
    parts: int
    events: int


def part_of(stream: str, parts: int) -> int:
    """The number of the part that holds a stream: the same on every machine and in every year (CRC-32 of its name)."""
    return zlib.crc32(stream.encode()) % parts


# --- writing --------------------------------------------------------------------------------------------------------


def write(history: Iterable[Recorded], path: str | PathLike[str], partitions: int) -> int:
    """Write events to one file or to a folder of parts: see `readers.to_parquet`."""
    place = Path(path)
    single = place.suffix == ".parquet"
    if type(partitions) is not int or partitions < 1 or (single and partitions > 1):
        raise InvalidPosition(
            f"partitions is {partitions!r}, expected 1 or more for a folder, and 1 for a single file: take a path "
            f"without .parquet for a folder", found=partitions,
        )  # fmt: skip
    if single:
        with replacing(place) as beside:
            return _written(history, [beside])
    with _replacing_folder(place) as beside:
        return _written(history, [beside / f"part-{number:04}.parquet" for number in range(partitions)])


def _written(history: Iterable[Recorded], paths: list[Path]) -> int:
    parts, events = len(paths), 0
    waiting: list[list[Recorded]] = [[] for _ in paths]
    with contextlib.ExitStack() as files:
        writers = [
            files.enter_context(pq.ParquetWriter(path, SCHEMA, compression="zstd", write_page_checksum=True))
            for path in paths
        ]
        for events, recorded in enumerate(rising(history), 1):  # noqa: B007 - it is counted for the mark
            rows = waiting[part_of(recorded.stream, parts)]
            rows.append(recorded)
            if len(rows) * parts >= AT_ONCE:
                writers[part_of(recorded.stream, parts)].write_batch(as_batch(rows))
                rows.clear()
        for number, (writer, rows) in enumerate(zip(writers, waiting, strict=True)):
            writer.write_batch(as_batch(rows))
            mark = msgspec.json.encode(Part(number, parts, events))
            writer.add_key_value_metadata({MARK: mark})
    return events


def as_batch(events: list[Recorded]) -> pa.RecordBatch:
    """Events as columns. Raises InvalidTime or InvalidPayload for a text that would not be read back the same."""
    columns = list(zip(*map(msgspec.structs.astuple, events), strict=True)) or [()] * len(SCHEMA)
    try:
        arrays = [pa.array(column, pa.string() if kind == MOMENT else kind)
                  for column, kind in zip(columns, SCHEMA.types, strict=True)]  # fmt: skip
    except (UnicodeEncodeError, pa.ArrowInvalid, OverflowError) as error:
        raise InvalidPayload(
            f"found a text or a number that Parquet cannot keep ({error}); nothing was written: correct it, then "
            f"write again"
        ) from error
    for place in (6, 7):
        arrays[place] = _moments(arrays[place])
    return pa.record_batch(arrays, schema=SCHEMA)


def _moments(texts: pa.Array) -> pa.Array:
    try:
        moments = texts.cast(MOMENT)
        wrong = pc.index(pc.equal(_texts(moments), texts), False).as_py()
    except pa.ArrowInvalid as error:
        raise InvalidTime(f"found a time that is none ({error}); nothing was written: correct it") from error
    if wrong >= 0:
        raise InvalidTime(
            f"found the time {texts[wrong].as_py()!r}, expected UTC with microseconds, as "
            f"'2026-11-23T09:30:00.000000+00:00'; nothing was written: correct it", found=texts[wrong].as_py(),
        )  # fmt: skip
    return moments


@contextlib.contextmanager
def _replacing_folder(place: Path) -> Iterator[Path]:
    """A new folder beside `place`, which takes its place at the end of the `with`, if nothing was raised."""
    if place.exists() and (not place.is_dir() or any(place.iterdir())):
        parts_in(place)  # raises, so that nothing is deleted that another program has made
    beside, old = (place.with_name(f".{place.name}-{secrets.token_hex(4)}") for _ in range(2))
    beside.mkdir(parents=True)
    try:
        yield beside
        for file in beside.iterdir():
            with file.open("rb") as written:
                os.fsync(written.fileno())
        if place.exists():
            place.rename(old)  # from here until the next line is done, the old log has only this hidden name
        beside.rename(place)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        if old.exists():
            old.rename(place)
        raise
    shutil.rmtree(old, ignore_errors=True)


# --- reading --------------------------------------------------------------------------------------------------------


def opened_part(path: Path) -> pq.ParquetFile:
    """A file of a log, open. Raises UnreadableLog if it is no Parquet file, or cannot be read."""
    try:
        return pq.ParquetFile(path, page_checksum_verification=True)
    except FileNotFoundError:
        raise unreadable(path, f"there is no such file or folder in {path.parent.name!r}, or this machine does not "
                               f"see it: correct the path") from None  # fmt: skip
    except (pa.ArrowInvalid, OSError) as error:
        raise unreadable(path, f"it is no whole Parquet file ({error}), expected one: fetch it again, or write it "
                               f"again") from error  # fmt: skip


def said_by(file: pq.ParquetFile) -> Part | None:
    """What a file says of itself, None if eslab has not written it."""
    mark = (file.metadata.metadata or {}).get(MARK, b"")
    with contextlib.suppress(msgspec.DecodeError):
        said: Part = msgspec.json.decode(mark, type=Part)
        return said if file.schema_arrow.equals(SCHEMA) else None
    return None


def parts_in(path: str | PathLike[str]) -> list[Path]:
    """The files of a log that eslab has written, by the number of their part: of a folder, or the file itself.

    Raises UnreadableLog if one is missing, does not belong to the others, or was written by another program.
    """
    place = Path(path)
    paths = sorted(place.iterdir()) if place.is_dir() else [place]
    said, rows = [], 0
    for one in paths:
        with opened_part(one) as file:
            said.append((said_by(file), one))
            rows += file.metadata.num_rows
    numbers = [part.number if part else -1 for part, _ in said]
    parts, events = (said[0][0] or Part(0, 1, 0))[1:] if said else (1, 0)
    if sorted(numbers) != list(range(parts)) or {part[1:] for part, _ in said if part} != {(parts, events)}:
        raise unreadable(place, f"it holds the parts {numbers} (-1 is a file of another program), expected each of 0 "
                                f"to {parts - 1} once, of one log: bring what is missing, take out what does not "
                                f"belong to it, or write the log again")  # fmt: skip
    if rows != events:
        raise unreadable(place, f"its parts hold {rows:,} events, expected {events:,}: they were not written together, "
                                f"so write the log again")  # fmt: skip
    return [one for _, one in sorted(said, key=lambda pair: pair[0].number if pair[0] else 0)]


def read_part(path: Path) -> Iterator[Recorded]:
    """The events of one file, in the order of position, a batch at a time."""
    with opened_part(path) as file:
        batches = file.iter_batches(BATCH)
        while True:
            try:
                columns = [_listed(column) for column in next(batches).columns]
            except StopIteration:
                return
            except (pa.ArrowInvalid, OSError, ValueError) as error:
                raise unreadable(path, f"it is damaged ({error}): fetch it again, or write it again") from error
            yield from map(Recorded, *columns)


def _listed(column: Any) -> list[Any]:
    if column.null_count:
        raise ValueError("an event without one of its fields")
    if column.type == MOMENT:
        column = _texts(column)
    if pa.types.is_dictionary(column.type):
        names = column.dictionary.to_pylist()
        return [names[index] for index in column.indices.to_pylist()]
    listed: list[Any] = column.to_pylist()
    return listed


def _texts(moments: pa.Array) -> pa.Array:
    """Times as a store keeps them: 2026-11-23T09:30:00.000000+00:00."""
    naive = moments.cast(pa.timestamp("us")).cast(pa.string())
    return pc.binary_join_element_wise(pc.replace_substring(naive, " ", "T"), "+00:00", "")
