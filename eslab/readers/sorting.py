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

PIECE = 50_000
"""How many records are sorted at a time; two such pieces are in memory at once."""
AT_ONCE = 100
"""How many pieces are merged at a time: each is an open file."""


def in_order(records: Iterable[T], kind: type[T]) -> Iterator[T]:
    """The records, named tuples of texts and numbers, sorted; `kind` is their class. (External merge sort: Knuth.)

    The order is that of tuples, so what is equal in the first fields is told apart by the next.
    """
    left = iter(records)
    first = sorted(itertools.islice(left, PIECE))
    following = sorted(itertools.islice(left, PIECE))
    if not following:
        yield from first
        return
    with tempfile.TemporaryDirectory(prefix="eslab-sorting-") as folder:
        names = (Path(folder) / str(number) for number in itertools.count())
        pieces: list[Path] = []
        while first:
            pieces.append(_kept(first, next(names)))
            first, following = following, sorted(itertools.islice(left, PIECE))
        while len(pieces) > AT_ONCE:
            groups = [pieces[start : start + AT_ONCE] for start in range(0, len(pieces), AT_ONCE)]
            pieces = [_kept(_merged(group, kind), name) for group, name in zip(groups, names, strict=False)]
        yield from _merged(pieces, kind)


def _kept(records: Iterable[T], path: Path) -> Path:
    encode = msgspec.json.Encoder().encode
    with path.open("wb") as file:
        file.writelines(encode(record) + b"\n" for record in records)
    return path


def _merged(pieces: list[Path], kind: type[T]) -> Iterator[T]:
    """The records of sorted pieces, in order; the pieces are gone when all were read."""
    yield from heapq.merge(*(_read(path, kind) for path in pieces))
    for path in pieces:
        path.unlink()


def _read(path: Path, kind: type[T]) -> Iterator[T]:
    decode = msgspec.json.Decoder(kind).decode
    with path.open("rb") as file:
        yield from map(decode, file)
