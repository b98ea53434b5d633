"""A format that holds a log stream by stream takes it apart, and on reading puts it together by position."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from eslab.errors import InvalidPosition
from eslab.events import Recorded
from eslab.readers.log import Refused
from eslab.readers.sorting import in_order


class Placed(NamedTuple):
    """The ten fields of a recorded event behind the number by which they are sorted first."""

    group: int
    position: int
    stream: str
    version: int
    type: str
    schema_version: int
    id: str
    recorded_text: str
    occurred_text: str
    payload_text: str
    metadata_text: str


def rising(history: Iterable[Recorded]) -> Iterator[Recorded]:
    """The events as they are. Raises InvalidPosition if they do not come in the order of their positions."""
    before = 0
    for recorded in history:
        if recorded.position <= before:
            raise InvalidPosition(
                f"found position {recorded.position} after {before}, expected events in the order of their positions, "
                f"each once: write store.read(), or a log as its reader gives it",
                position=recorded.position, before=before,
            )  # fmt: skip
        before = recorded.position
        yield recorded


def by_stream(history: Iterable[Recorded]) -> Iterator[Recorded]:
    """The events of one stream after those of another, the stream that begins first before the others."""
    begun: dict[str, int] = {}
    return _sorted((begun.setdefault(one.stream, one.position), one) for one in rising(history))


def by_position(told: Iterable[Recorded | Refused]) -> Iterator[Recorded | Refused]:
    """The events in the order of the log that they were written from; before them what was refused."""
    refused: list[Refused] = []

    def taken() -> Iterator[tuple[int, Recorded]]:
        for one in told:
            if isinstance(one, Recorded):
                yield 0, one
            else:
                refused.append(one)

    events = _sorted(taken())
    first = list(itertools.islice(events, 1))  # to sort them, all were read
    yield from refused
    yield from first
    yield from events


def _sorted(grouped: Iterable[tuple[int, Recorded]]) -> Iterator[Recorded]:
    rows = (Placed(group, *msgspec.structs.astuple(one)) for group, one in grouped)
    return (Recorded(*row[1:]) for row in in_order(rows, Placed))
