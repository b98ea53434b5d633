"""An event is a fact: something that happened, named in the past tense, that never changes.

`@event` makes a frozen dataclass and registers it under a stable name. What is stored is that name, a schema
version and the payload as text; the class is only how today's code reads it. So a class may be renamed, moved, or
run again in a notebook cell, and the facts stay readable.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any, SupportsIndex, TypeVar, dataclass_transform, overload

import msgspec

from eslab.codec import REFUSALS, EventType, Upcast, stored_metadata, stored_name, stored_time
from eslab.errors import InvalidEventClass, InvalidPayload, UnreadablePayload
from eslab.show import Listing, table

T = TypeVar("T")
PAGE = 2_000
"""How many events are taken from a log at a time."""

# --- declaring ----------------------------------------------------------------------------------------------------

_types: dict[str, EventType] = {}


@overload
def event(cls: type[T], /) -> type[T]: ...
@overload
def event(*, name: str | None = None, version: int = 1) -> Callable[[type[T]], type[T]]: ...
@dataclass_transform(frozen_default=True)
def event(cls: type[Any] | None = None, /, *, name: str | None = None, version: int = 1) -> Any:
    """Make a class an event: a frozen, slotted dataclass, registered under `name` (the class name if not given).

    `version` is the schema version, first = 1. A class of version n carries n - 1 upcasters (see `upcaster`).
    The same class run again, as in a notebook cell, replaces itself; events stored before are read by the new one.

    Raises InvalidEventClass if another class holds the name, if the chain of upcasters has a gap, or if a field has
    a type that cannot be stored.
    """

    def declare(cls: type[Any]) -> type[Any]:
        return _register(cls, stored_name(name or cls.__name__, "an event name"), version)

    return declare if cls is None else declare(cls)


def upcaster(from_version: int) -> Callable[[Upcast], Upcast]:
    """Mark a static method of an event class: it turns the payload of schema `from_version` into that of the next.

    A payload is a plain dict here, as JSON has it: times and Decimals are text.
    """

    def mark(function: Upcast) -> Upcast:
        function.__upcasts_from__ = from_version  # type: ignore[attr-defined]  # a mark that _register collects
        return function

    return mark


def _register(cls: type[Any], name: str, version: int) -> type[Any]:
    place = f"{cls.__module__}.{cls.__qualname__}"
    holder = _types.get(name)
    if holder is not None and holder.place != place:
        raise InvalidEventClass(
            f"event name {name!r} is taken by {holder.place}, so {place} cannot have it: "
            f"choose another, for example @event(name='my.{name}')",
            name=name, taken_by=holder.place, wanted_by=place,
        )  # fmt: skip
    upcasters = _upcasters(cls, name, version)
    made = dataclasses.dataclass(frozen=True, slots=True)(cls)
    try:
        decoder = msgspec.json.Decoder(made)
    except (TypeError, NameError) as error:
        raise InvalidEventClass(
            f"the fields of event {name!r} cannot be stored: {error}. Expected text, numbers, times, enums, "
            f"dataclasses, and lists, tuples, sets or dicts of them",
            name=name, place=place,
        ) from error  # fmt: skip
    fields = tuple(field.name for field in dataclasses.fields(made))
    _types[name] = EventType(name, made, version, upcasters, fields, decoder)
    made.__event_name__ = name
    return made


def _upcasters(cls: type[Any], name: str, version: int) -> dict[int, Upcast]:
    static = [part.__func__ for part in vars(cls).values() if isinstance(part, staticmethod)]
    found = [function for function in static if hasattr(function, "__upcasts_from__")]
    upcasters: dict[int, Upcast] = {function.__upcasts_from__: function for function in found}
    if sorted(function.__upcasts_from__ for function in found) != list(range(1, version)):
        raise InvalidEventClass(
            f"event {name!r} of schema version {version} has upcasters from {sorted(upcasters)}, expected one from "
            f"each of {list(range(1, version))}, with @staticmethod above @upcaster: add what is missing, or correct "
            f"version=",
            name=name, version=version, upcasters=sorted(upcasters),
        )  # fmt: skip
    return upcasters


def event_type(cls: type[Any] | str) -> EventType:
    """What is registered for an event class or name. Raises InvalidPayload if it is no event."""
    name = cls if isinstance(cls, str) else getattr(cls, "__event_name__", None)
    if name not in _types:
        wrong = cls if isinstance(cls, str) else cls.__name__
        raise InvalidPayload(
            f"{wrong} is not an event, expected an instance of a class with @event above it", type=wrong
        )
    return _types[name]


# --- the envelope -------------------------------------------------------------------------------------------------


class Recorded(msgspec.Struct, frozen=True, gc=False):
    """An event with its envelope, as a store returns it. (A msgspec struct: a frozen dataclass made in C. It holds only
    numbers and texts, so the garbage collector need not look at it.)

    The last four fields are the stored texts, each with a property that gives its value. A payload is decoded when
    it is asked for, so one unreadable event never stops the reading of the others.
    """

    position: int
    """Place in the whole log, first = 1."""
    stream: str
    """All events of one aggregate: `account-1` is category `account`, aggregate id `1`."""
    version: int
    """Place in the stream, first = 1."""
    type: str
    schema_version: int
    """The version of its class that wrote it, first = 1; 0 = told by another log, which knows no such class."""
    id: str
    recorded_text: str
    occurred_text: str
    payload_text: str
    metadata_text: str

    @property
    def payload(self) -> Any:
        """The event itself, an instance of its class, decoded anew each time. Raises UnreadablePayload.

        An event of another log (schema version 0) is a plain dict until a class is declared for its type; that class
        then takes the fields that it names.
        """
        known = _types.get(self.type)
        if known is None and self.schema_version == 0:
            return self.data
        if known is None or self.schema_version > known.version:
            raise self._unreadable(known, None)
        try:
            if self.schema_version == known.version or self.schema_version == 0:
                return known.decoder.decode(self.payload_text)
            return known.upcast(self.payload_text, self.schema_version)
        except REFUSALS as error:
            raise self._unreadable(known, error) from error

    @property
    def data(self) -> dict[str, Any]:
        """The payload as stored, a plain dict, whether or not its type is known here."""
        plain: dict[str, Any] = msgspec.json.decode(self.payload_text)
        return plain

    @property
    def metadata(self) -> dict[str, Any]:
        """What is known about the event beside its payload: who, why, from where; a dict of its own each time."""
        plain: dict[str, Any] = msgspec.json.decode(self.metadata_text)
        return plain

    @property
    def recorded_at(self) -> dt.datetime:
        """When the store learned it, in UTC."""
        return dt.datetime.fromisoformat(self.recorded_text)

    @property
    def occurred_at(self) -> dt.datetime:
        """When it happened, in UTC."""
        return dt.datetime.fromisoformat(self.occurred_text)

    @property
    def category(self) -> str:
        return self.stream.partition("-")[0]

    @property
    def aggregate_id(self) -> str:
        return self.stream.partition("-")[2]

    @property
    def tags(self) -> tuple[str, ...]:
        """What the event is about, beside its stream: texts such as `course:c1`, by which queries find it; sorted."""
        try:
            found = self.metadata.get("tags") if '"tags"' in self.metadata_text else None
        except (msgspec.DecodeError, AttributeError):  # metadata of another log, kept as they came
            return ()
        return tuple(sorted({tag for tag in found if isinstance(tag, str)})) if isinstance(found, list) else ()

    @property
    def correlation_id(self) -> str | None:
        """The id shared by everything that goes back to one wish; None if nothing was said."""
        return self.metadata.get("correlation_id")

    @property
    def causation_id(self) -> str | None:
        """The id of the command or the event that led to this one; None if nothing was said."""
        return self.metadata.get("causation_id")

    def _unreadable(self, known: EventType | None, error: Exception | None) -> UnreadablePayload:
        if known is None:
            why = f"its type is not known here (known are {', '.join(sorted(_types)) or 'none'}): run its class first"
        elif error is None:
            newest = f"{known.place}, which reads up to {known.version}"
            why = f"its schema version {self.schema_version} is from the future of {newest}: update that code"
        else:
            misfit = (
                f"schema version {self.schema_version} does not fit {known.place} ({type(error).__name__}: {error})"
            )
            why = f"its payload of {misfit}: add an upcaster, or correct the class"
        return UnreadablePayload(
            f"event {self.type!r} at version {self.version} of stream {self.stream!r} cannot be read: {why}. "
            f"Its text is in .payload_text",
            stream=self.stream, version=self.version, type=self.type, position=self.position,
        )  # fmt: skip

    def __repr__(self) -> str:
        return f"<{self.position}: {self.stream} v{self.version} {self.type} {self.payload_text}>"

    def _repr_html_(self) -> str:
        return History([self])._repr_html_()


class NewEvent(msgspec.Struct, frozen=True):
    """An event about to be appended, where more than its payload is to be said.

    With the same `id` an append can be repeated after a lost answer and records nothing twice. `occurred_at` is an
    aware datetime; without one, it occurred when it is recorded. `metadata` is added to that of the append. `tags`
    are texts such as `course:c1` that queries find it by; they are kept in the metadata.
    """

    payload: Any
    id: str | None = None
    occurred_at: dt.datetime | None = None
    metadata: Mapping[str, Any] | None = None
    tags: Iterable[str] = ()


def caused_by(cause: Recorded) -> dict[str, Any]:
    """Metadata of what follows from `cause`: it has the same correlation id, and the cause's id as causation id.

    (Greg Young's rule.)
    """
    return {"correlation_id": cause.correlation_id or cause.id, "causation_id": cause.id}


def record(
    payload: Any, *, stream: str, version: int, position: int, recorded_at: dt.datetime,
    occurred_at: dt.datetime | None = None, id: str | None = None, metadata: Mapping[str, Any] | None = None,
) -> Recorded:  # fmt: skip
    """A recorded event made by hand, as a data set or a test needs it; nothing is stored.

    Without an `id` it gets one that follows from its stream and version, so that it is the same each time.
    Raises InvalidPayload, InvalidName or InvalidTime, as an append does.
    """
    known = event_type(type(payload))
    return Recorded(
        position, stored_name(stream), version, known.name, known.version,
        stored_name(id, "an event id") if id else str(uuid.uuid5(uuid.NAMESPACE_URL, f"eslab:{stream}/{version}")),
        stored_time(recorded_at, "recorded_at"), stored_time(occurred_at or recorded_at, "occurred_at"),
        known.encode(payload), stored_metadata(metadata or {}),
    )  # fmt: skip


# --- many of them -------------------------------------------------------------------------------------------------


class History(Listing[Recorded]):
    """Recorded events in order: a tuple that shows itself as a table."""

    __slots__ = ()
    _called = "event"

    @overload
    def __getitem__(self, place: SupportsIndex) -> Recorded: ...
    @overload
    def __getitem__(self, place: slice) -> History: ...
    def __getitem__(self, place: Any) -> Any:
        found = super().__getitem__(place)
        return History(found) if isinstance(place, slice) else found

    @property
    def payloads(self) -> list[Any]:
        """The events themselves, without their envelopes. Raises UnreadablePayload."""
        return [recorded.payload for recorded in self]

    @property
    def _title(self) -> str:
        return f"History of {super()._title}"

    def _repr_html_(self) -> str:
        shown = self[: self.shown]
        heads = ["position", "stream", "version", "type", "occurred at (UTC)", "payload"]
        rows = [
            [str(r.position), r.stream, str(r.version), r.type, r.occurred_text[:19].replace("T", " "), r.payload_text]
            for r in shown
        ]
        if any(recorded.tags for recorded in shown):
            heads.append("tags")
            rows = [[*row, ", ".join(recorded.tags)] for row, recorded in zip(rows, shown, strict=True)]
        return table(heads, rows, note=self._more)


def names_of(types: Iterable[type[Any] | str] | None) -> list[str] | None:
    """Event classes and names, all as names; None stays None, which means every type."""
    return None if types is None else [t if isinstance(t, str) else event_type(t).name for t in types]
