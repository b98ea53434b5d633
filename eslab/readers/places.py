"""A format that holds a log stream by stream takes it apart, and on reading puts it together by position."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from eslab.errors import InvalidPosition
from eslab.events import Recorded
from eslab.readers.log import Refused
from eslab.readers.sorting import in_order


class Placed(NamedTuple):
    """A recorded event behind the numbers by which it is sorted; equal ones keep the order of their place."""

    group: int
    position: int
    place: int
    event: Recorded


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
    rows = (Placed(group, one.position, place, one) for place, (group, one) in enumerate(grouped))
    return (row.event for row in in_order(rows, Placed))
