"""A page of the log is read once for all the projections that run together, and each event in it is decoded once."""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from eslab.events import Recorded, names_of
from eslab.projections.projection import Projection
from eslab.store import Store

_position = operator.attrgetter("position")


class Shared(Recorded, frozen=True, gc=True, dict=True):
    """A recorded event that several projections are shown: its payload is decoded for the first that asks."""

    @functools.cached_property
    def payload(self) -> Any:
        return Recorded.payload.fget(self)  # type: ignore[attr-defined]


class Page:
    """The events of the log after a position (exclusive) and until another (inclusive) that any projection wants."""

    def __init__(self, events: list[Recorded], after: int, until: int) -> None:
        self.events, self.after, self.until = events, after, until
        self._by_type: dict[str, list[Recorded]] | None = None

    @classmethod
    def of(cls, store: Store, projections: Sequence[Projection], after: int, end: int, size: int) -> Page:
        """The next `size` events, or what there is until `end`."""
        types = _all([names_of(one.types) for one in projections])
        categories = _all([one.categories for one in projections])
        events = list(store.read(after=after, until=end, types=types, categories=categories, limit=size))
        until = events[-1].position if len(events) == size else end
        if len(projections) > 1:
            events = [Shared(*msgspec.structs.astuple(recorded)) for recorded in events]
        return cls(events, after, until)

    def wanted(self, projection: Projection, after: int) -> list[Recorded]:
        """The events for one projection, those after its checkpoint, in order of position."""
        events = self.events if projection.types is None else self._of_types(names_of(projection.types) or ())
        if projection.categories is not None:
            events = [recorded for recorded in events if recorded.category in projection.categories]
        if events and events[0].position <= after:
            events = [recorded for recorded in events if recorded.position > after]
        return events

    def _of_types(self, names: Iterable[str]) -> list[Recorded]:
        if self._by_type is None:
            self._by_type = {}
            for recorded in self.events:
                self._by_type.setdefault(recorded.type, []).append(recorded)
        wanted = dict.fromkeys(names)
        if self._by_type.keys() <= wanted.keys():
            return self.events
        parts = [self._by_type[name] for name in wanted if name in self._by_type]
        if len(parts) == 1:
            return parts[0]
        return sorted((recorded for part in parts for recorded in part), key=_position)


def _all(filters: list[Any]) -> list[str] | None:
    """What passes at least one of the filters; None, which lets everything pass, if one of them is None."""
    return None if any(one is None for one in filters) else sorted({name for one in filters for name in one})
