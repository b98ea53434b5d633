"""More records than memory holds are sorted in pieces, each in a temporary file, and the pieces are merged."""

from __future__ import annotations

import heapq
import itertools
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

T = TypeVar("T", bound=tuple[object, ...])

PIECE = 200_000
"""How many records are held in memory at a time."""


def in_order(records: Iterable[T], kind: type[T], piece: int = PIECE) -> Iterator[T]:
    """The records, named tuples of texts and numbers, sorted; `kind` is their class. (External merge sort: Knuth.)

    The order is that of tuples, so what is equal in the first fields is told apart by the next.
    """
    left = iter(records)
    first = sorted(itertools.islice(left, piece))
    following = sorted(itertools.islice(left, piece))
    if not following:
        yield from first
        return
    with tempfile.TemporaryDirectory(prefix="eslab-sorting-") as folder:
        files: list[Path] = []
        while first:
            files.append(_kept(first, Path(folder) / str(len(files))))
            first, following = following, sorted(itertools.islice(left, piece))
        yield from heapq.merge(*(_read(path, kind) for path in files))


def _kept(records: list[T], path: Path) -> Path:
    encode = msgspec.json.Encoder().encode
    with path.open("wb") as file:
        file.writelines(encode(record) + b"\n" for record in records)
    return path


def _read(path: Path, kind: type[T]) -> Iterator[T]:
    decode = msgspec.json.Decoder(kind).decode
    with path.open("rb") as file:
        yield from map(decode, file)
