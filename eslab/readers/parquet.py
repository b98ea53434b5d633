"""Parquet keeps a log in columns, in one file or in many, and what eslab has written there comes back as it was."""

from __future__ import annotations

import heapq
import operator
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eslab.events import Recorded
from eslab.readers.files import unreadable
from eslab.readers.log import Found, Log, Refused
from eslab.readers.own import is_own, read_back
from eslab.readers.tables import Columns, check_head, with_columns

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.dataset as ds


@with_columns
def parquet(path: str | PathLike[str], **columns: Any) -> Log:
    """The events of a Parquet file, or of all of a folder: a row an event, with values of the kinds they have there.

    What the columns mean is said as in `readers.Columns`. In a folder the names of subfolders, as `year=2026`, are
    columns too. Rows come file by file, by name, and are counted over all files, first = 1. What is missing is left
    out. What `to_parquet` has written needs no columns.

    Raises UnreadableLog if there is no such file, or not these columns in each, and on reading for a row that is no
    event.
    """
    from eslab.readers.parts import opened_part, parts_in, read_part, said_by

    place, mapped = Path(path), Columns(**columns)
    files = _files(place)
    with opened_part(files[0]) as file:
        ours = said_by(file) is not None and mapped.as_eslab_has_them
    if ours:
        parts = parts_in(place)
        return mapped.log(place.name, lambda: heapq.merge(*map(read_part, parts), key=_position), unit="row")
    with _damage(place):
        dataset = _dataset(place)
        head = dataset.schema.names
        own = mapped.as_eslab_has_them and is_own(head, place.name)
        check_head(head, Columns() if own else mapped, place.name)
        for fragment in dataset.get_fragments():
            _check_columns(fragment, head)

    def records() -> Iterator[Found | Recorded | Refused]:
        tell = read_back if own else mapped.event
        for line, row in enumerate(_rows(dataset, place), 1):
            yield tell(line, row)

    return mapped.log(place.name, records, {"columns": head}, "row")


def to_parquet(history: Iterable[Recorded], path: str | PathLike[str], *, partitions: int = 1) -> int:
    """Write events to Parquet, and say how many: to one file if `path` ends in .parquet, else to a folder of parts.

    A part holds whole streams, in the order of position, so that each can be folded by another program (see
    `eslab.scale`). Events are streamed, into as many open files as there are parts. The file or the folder appears
    when all is written, in the place of an older one; until then the old one stays.

    Raises InvalidPosition if the events do not come in the order of their positions, and UnreadableLog if `path` is a
    folder that holds anything else than a log of eslab.
    """
    from eslab.readers.parts import write

    return write(history, path, partitions)


_position = operator.attrgetter("position")


def _files(place: Path) -> list[Path]:
    if not place.is_dir():
        return [place]
    hidden = (".", "_")
    files = [one for one in place.rglob("*") if one.is_file() and not one.name.startswith(hidden)]
    if not files:
        raise unreadable(place, "it is an empty folder, expected Parquet files in it: was the export finished?")
    return sorted(files)


def _dataset(place: Path) -> ds.Dataset:
    import pyarrow.dataset as ds

    return ds.dataset(place, format="parquet", partitioning="hive")


@contextmanager
def _damage(place: Path) -> Iterator[None]:
    """Whatever Arrow says of files that it cannot read, as UnreadableLog."""
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError, ValueError) as error:
        said = " ".join(str(error).split())
        raise unreadable(place, f"it cannot be read as Parquet ({said}), expected whole files, alike in their "
                                f"columns: fetch it again, or read its files one by one") from error  # fmt: skip


def _check_columns(fragment: Any, head: list[str]) -> None:
    """A file with other columns than the first would lose them, and is refused."""
    import pyarrow.dataset as ds

    has = {*fragment.physical_schema.names, *ds.get_partition_keys(fragment.partition_expression)}
    if has != set(head):
        odd = sorted(has ^ set(head))
        raise unreadable(fragment.path, f"its columns are not those of the first file (only one of them has "
                                        f"{', '.join(map(repr, odd[:10]))}): read the files one by one")  # fmt: skip


def _rows(dataset: ds.Dataset, place: Path) -> Iterator[dict[str, Any]]:
    """Each row as a dict of what is there."""
    from eslab.readers.parts import BATCH

    for fragment in dataset.get_fragments():
        batches = fragment.to_batches(schema=dataset.schema, batch_size=BATCH, batch_readahead=1)
        while True:
            with _damage(place):
                batch = next(batches, None)
                if batch is None:
                    break
                columns = [_values(column) for column in batch.columns]
            for row in zip(*columns, strict=True):
                yield {name: value for name, value in zip(batch.schema.names, row, strict=True) if value is not None}


def _values(column: pa.Array) -> list[Any]:
    """The values as Python has them; times in nanoseconds that are finer than a microsecond as texts."""
    import pyarrow as pa

    kind = column.type
    made = (
        pa.timestamp("us", kind.tz) if pa.types.is_timestamp(kind)
        else pa.duration("us") if pa.types.is_duration(kind)
        else pa.time64("us") if pa.types.is_time(kind)
        else None
    )  # fmt: skip
    if made is None or kind.unit != "ns":
        return list(column.to_pylist())
    with suppress(pa.ArrowInvalid):
        return list(column.cast(made).to_pylist())
    if pa.types.is_time(kind):
        return list(column.cast(pa.string()).to_pylist())
    return [None if value is None else value.isoformat() for value in column.to_pylist()]  # pandas has classes for them
