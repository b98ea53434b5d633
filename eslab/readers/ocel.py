"""An object-centric log (OCEL 2.0) says of each event to which objects it happened; here these objects are its tags."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from os import PathLike
from pathlib import Path
from typing import Any

from eslab.codec import stored_tags
from eslab.errors import EslabError, InvalidName
from eslab.events import Recorded
from eslab.readers.files import opened, replacing, unreadable
from eslab.readers.log import Found, Log, Refused
from eslab.readers.ocel_json import read_json, write_json
from eslab.readers.ocel_parts import Attribute, Ocel, Told, read_own, values
from eslab.readers.ocel_sqlite import opened_tables, read_tables, write_tables
from eslab.readers.places import by_position
from eslab.readers.times import Times

SQLITE = b"SQLite format 3\0"
WRITERS = {".json": write_json, ".jsonocel": write_json, ".sqlite": write_tables, ".db": write_tables}
CHANGED = "ObjectChanged"
"""The type of an event that says from when on an attribute of an object has another value."""
START = re.compile(r"1970-01-01[T ]00:00(:00(\.0+)?)?(Z|\+00:?00)?$")
"""The time that OCEL gives to what an object has from the beginning."""


def ocel(
    path: str | PathLike[str], *, stream: str | None = None, zone: str | None = None, repeated_hour: str | None = None,
    member: str | None = None, on_error: str = "raise", order: str = "recorded", progress: bool | None = None,
) -> Log:  # fmt: skip
    """The events of an OCEL 2.0 file, JSON (plain, .gz or .zip) or SQLite.

    All objects of an event are its tags, `order:o1`, and so a query finds it by any of them; what they are to it stands
    in `metadata["qualifiers"]`. Its stream is that of its first object of the type `stream`, else of its first object;
    an event without objects has a stream of its own, in the category `event`. (A stream `purchase_order-o1` is of an
    object of the type `purchase-order`: categories have no hyphen.)

    When an attribute of an object gets a new value, that is an event too: `ObjectChanged`, in the stream of the object.
    What objects had from the beginning is no event, since OCEL knows no time of it; it is in `log.about`, with
    the types and what the objects are to each other. A text is read as the type that is declared for it, if it is one.

    An event that is related to an object which the log does not have is refused. `line` in a report counts events,
    those of the file and then the changes. JSON is read at once, up to 512 MiB; SQLite may have any size.
    """
    place, about = Path(path), dict[str, Any]()
    with opened(place, member=member):
        pass  # so that a file that is not there is said at once
    return Log(
        place.name, lambda: _told(place, member, stream, about), times=Times(zone, repeated_hour), on_error=on_error,
        order=order, progress=progress, about=about, unit="event",
    )  # fmt: skip


def to_ocel(history: Iterable[Recorded], path: str | PathLike[str]) -> int:
    """Write events as OCEL 2.0, as JSON or SQLite by the ending of the name, and say how many.

    Streams and tags are the objects; `readers.ocel` gives back the same events. The file appears when all is written.
    What a foreign log said in `log.about` is not written. Raises InvalidPosition if positions do not rise.
    """
    write = WRITERS.get(Path(path).suffix)
    if write is None:
        raise InvalidName(f"the ending is {Path(path).suffix!r}, expected one of {', '.join(WRITERS)}", found=path)
    with replacing(path) as beside:
        return write(history, beside)


def _told(
    place: Path, member: str | None, stream: str | None, about: dict[str, Any]
) -> Iterator[Found | Recorded | Refused]:
    with opened(place, member=member) as file:
        if not file.peek(len(SQLITE)).startswith(SQLITE):  # type: ignore[attr-defined]  # what it gives is buffered
            yield from _Mapping(read_json(file, place), place, stream).told(about)
            return
    with place.open("rb") as file:
        if file.read(len(SQLITE)) != SQLITE:
            raise unreadable(place, "it holds SQLite, packed, expected it unpacked: unpack it first")
    with opened_tables(place) as db:
        yield from _Mapping(read_tables(db), place, stream).told(about)


class _Mapping:
    """How the events and the objects of one log are told as events of ours."""

    def __init__(self, log: Ocel, place: Path, stream: str | None) -> None:
        self._log, self._place, self._stream = log, place, stream
        self._kinds, self._object_kinds = (
            {kind.name: {one.name: one.type for one in kind.attributes} for kind in declared}
            for declared in (log.event_types, log.object_types)
        )
        self._types = {one.id: one.type for one in log.objects}
        """The type of each object."""
        if stream is not None and stream not in self._object_kinds:
            raise unreadable(place, f"it has no objects of the type {stream!r}, expected as stream= one of "
                                    f"{', '.join(map(repr, self._object_kinds))}")  # fmt: skip

    def told(self, about: dict[str, Any]) -> Iterator[Found | Recorded | Refused]:
        """The events, then the changes of objects; `about` is filled before the first of them."""
        about.clear()
        about |= {"event types": self._kinds, "object types": self._object_kinds}
        about["objects"] = self._objects()
        if self._log.own:
            yield from by_position(self._own(number, one) for number, one in enumerate(self._log.events, 1))
            return
        numbers = itertools.count(1)
        for event in self._log.events:
            yield self._event(next(numbers), event)
        for one in self._log.objects:
            for time in _times(one):
                yield self._change(next(numbers), one, time)

    # --- events ---

    def _own(self, number: int, told: Told | Refused) -> Recorded | Refused:
        if isinstance(told, Refused):
            return told._replace(line=number)
        try:
            return read_own(number, told, self._kinds.get(told.type, {}))
        except ValueError as error:
            return Refused(number, str(error), told)

    def _event(self, number: int, told: Told | Refused) -> Found | Refused:
        if isinstance(told, Refused):
            return told._replace(line=number)
        missing = next((name for name in ("id", "type", "time") if getattr(told, name) in (None, "")), None)
        if missing:
            return Refused(number, f"the event has no {missing}, expected one: add it, or export the log again", told)
        if unknown := [one.id for one in told.relationships if one.id not in self._types]:
            return Refused(number, "the event is related to an object that the log does not have, expected all of them "
                                   "in it: add the object, or take the relation out", (told.id, unknown))  # fmt: skip
        try:
            payload = values(told, self._kinds.get(told.type, {}))
            tags = stored_tags(self._tag(one.id) for one in told.relationships)
        except (ValueError, EslabError) as error:
            return Refused(number, str(error), told)
        metadata = {"tags": tags, "qualifiers": self._qualifiers(told)}
        return Found(
            number, self._home(told), told.type, told.time, payload, None, str(told.id),
            {name: value for name, value in metadata.items() if value},
        )  # fmt: skip

    def _home(self, told: Told) -> str:
        """The stream of an event."""
        objects = [one.id for one in told.relationships]
        wanted = [one for one in objects if self._types[one] == self._stream]
        return self._stream_of((wanted or objects)[0]) if objects else f"event-{told.id}"

    def _stream_of(self, name: str) -> str:
        return f"{self._types[name].replace('-', '_')}-{name}"

    def _tag(self, name: str) -> str:
        return f"{self._types[name]}:{name}"

    def _qualifiers(self, told: Told) -> dict[str, list[str]]:
        """What each object is to the event, by its tag."""
        found: dict[str, list[str]] = {}
        for one in told.relationships:
            if one.qualifier:
                found.setdefault(self._tag(one.id), []).append(one.qualifier)
        return found

    # --- objects ---

    def _objects(self) -> dict[str, dict[str, Any]]:
        """What is said of each object, by its id. Raises UnreadableLog for one that is said twice, not the same."""
        said: dict[str, dict[str, Any]] = {}
        for one in self._log.objects:
            try:
                told = self._said(one)
            except ValueError as error:
                raise unreadable(self._place, f"the object {one.id!r} cannot be read: {error}") from error
            if said.setdefault(one.id, told) != told:
                raise unreadable(self._place, f"the object {one.id!r} stands in it twice, and not the same, expected "
                                              f"each once: take one out, or give it another id")  # fmt: skip
        return said

    def _said(self, told: Told) -> dict[str, Any]:
        """What an object was from the beginning, and what others are to it."""
        return {
            "type": told.type, "attributes": self._at(told, None),
            "relations": [{"object": one.id, "qualifier": one.qualifier or ""} for one in told.relationships],
        }  # fmt: skip

    def _change(self, number: int, told: Told, time: str) -> Found | Refused:
        try:
            tags = stored_tags([self._tag(told.id)])
            return Found(number, self._stream_of(told.id), CHANGED, time, self._at(told, time), metadata={"tags": tags})
        except (ValueError, EslabError) as error:
            return Refused(number, str(error), told)

    def _at(self, told: Told, time: str | None) -> dict[str, Any]:
        """The values that an object got at a time, None = from the beginning."""
        then = [one for one in told.attributes if _since(one) == time]
        return values(Told(told.id, told.type, attributes=then), self._object_kinds.get(told.type, {}))


def _times(told: Told) -> list[str]:
    """When attributes of an object changed."""
    return list(dict.fromkeys(time for one in told.attributes if (time := _since(one)) is not None))


def _since(one: Attribute) -> str | None:
    """Since when a value holds, None = from the beginning, which OCEL writes as 1970."""
    return None if not one.time or START.match(str(one.time)) else str(one.time)
