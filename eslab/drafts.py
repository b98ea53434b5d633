"""A draft is an event on its way into a store, checked and encoded before anything is stored."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from eslab.codec import EventType, stored_metadata, stored_name, stored_tags, stored_time
from eslab.errors import DuplicateEvent, InvalidPayload, InvalidPosition, WrongExpectedVersion
from eslab.events import History, NewEvent, Recorded, event_type


class ExpectedVersion(enum.Enum):
    """What a writer may expect of a stream, when it is not one version."""

    ANY = "any version"
    NO_STREAM = "no stream"
    STREAM_EXISTS = "a stream with at least one event"


ANY, NO_STREAM, STREAM_EXISTS = ExpectedVersion


class Draft:
    """An event on its way into a store: checked and encoded, without a place."""

    __slots__ = ("id", "metadata_text", "occurred_text", "payload", "payload_text", "type")

    def __init__(self, event: Any, metadata: Mapping[str, Any]) -> None:
        self.id: str | None = None
        self.occurred_text: str | None = None
        if isinstance(event, NewEvent):
            self.id = stored_name(event.id, "an event id") if event.id is not None else None
            if event.occurred_at is not None:
                self.occurred_text = stored_time(event.occurred_at, "occurred_at")
            event, metadata = event.payload, _all_metadata(metadata, event)
        self.payload = event
        self.type: EventType = event_type(type(event))
        self.payload_text = self.type.encode(event)
        self.metadata_text = stored_metadata(metadata)


def _all_metadata(metadata: Mapping[str, Any], new: NewEvent) -> Mapping[str, Any]:
    """That of the append and that of the event, with its tags among it."""
    parts = [metadata, new.metadata or {}, {"tags": new.tags} if new.tags else {}]
    both = {name: value for part in parts for name, value in part.items()}
    if "tags" in both:
        both["tags"] = stored_tags([tag for part in parts for tag in stored_tags(part.get("tags", ()))])
    return both


class Batch(NamedTuple):
    """What goes to the end of one stream, and the version on which the writer decided."""

    stream: str
    drafts: list[Draft]
    expected: int | ExpectedVersion


def batches(
    streams: str | Mapping[str, Iterable[Any]],
    events: Iterable[Any] | None,
    expected: Any,
    metadata: Mapping[str, Any],
) -> list[Batch]:
    """What is given to an append, checked and encoded: one batch a stream, in the order given."""
    if "tags" in metadata:
        metadata = {**metadata, "tags": stored_tags(metadata["tags"])}
    if not isinstance(streams, Mapping):
        return [Batch(stored_name(streams), [Draft(event, metadata) for event in listed(events)], expected)]
    if events is not None:
        raise InvalidPayload("append takes a stream and its events, or {stream: events, ...} alone", payload=events)
    versions = {} if expected is ANY else expected
    if not isinstance(versions, Mapping) or not versions.keys() <= streams.keys():
        raise InvalidPosition(
            f"expected_version is {versions!r}, expected {{stream: version}} for streams among "
            f"{', '.join(map(repr, streams)) or 'none'}; one that gets no events stands there with an empty list",
            found=versions,
        )  # fmt: skip
    return [
        Batch(stored_name(stream), [Draft(event, metadata) for event in listed(some)], versions.get(stream, ANY))
        for stream, some in streams.items()
    ]


def repeated(given: list[Batch], with_ids: Callable[[list[str]], list[Recorded]]) -> History | None:
    """What was recorded, if these batches were appended before; None if they are new. Raises DuplicateEvent."""
    ids = [d.id for batch in given for d in batch.drafts if d.id is not None]
    if len(set(ids)) < len(ids):
        streams = ", ".join(repr(batch.stream) for batch in given)
        raise DuplicateEvent(f"an event id comes twice in one append to {streams}: give each its own", streams=streams)
    there = with_ids(ids) if ids else []
    if not there:
        return None
    wanted = [(d.id, batch.stream, d.type.name, d.payload) for batch in given for d in batch.drafts]
    if [(r.id, r.stream, r.type, r.payload) for r in there] != wanted:
        raise _id_taken(there[0])
    return History(there)


def check_same(there: Recorded, recorded: Recorded) -> None:
    """Raise DuplicateEvent unless both are the same event, wherever in their logs they stand."""
    if _content(there) != _content(recorded):
        raise _id_taken(there)


def _id_taken(there: Recorded) -> DuplicateEvent:
    return DuplicateEvent(
        f"event id {there.id!r} is taken by version {there.version} of stream {there.stream!r}, and this is not the "
        f"same append: an id may come again only with the same events, in the same stream and order",
        id=there.id, stream=there.stream, version=there.version,
    )  # fmt: skip


def _content(recorded: Recorded) -> tuple[object, ...]:
    return (recorded.stream, recorded.version, recorded.type, recorded.schema_version, recorded.data,
            recorded.recorded_text, recorded.occurred_text, recorded.metadata)  # fmt: skip


def listed(events: Iterable[Any] | None) -> Iterable[Any]:
    """The events, if they come as a list or another iterable. Raises InvalidPayload for a single event, or None."""
    single = isinstance(events, (NewEvent, str, type)) or hasattr(type(events), "__event_name__")
    if single or not isinstance(events, Iterable):
        found = "None (does the handler return its events?)" if events is None else f"one {type(events).__name__}"
        raise InvalidPayload(f"append takes a list of events, not {found}: put the events in [ ]", payload=events)
    return events


def check_range(after: int, until: int | None) -> None:
    """Raise InvalidPosition unless both are whole numbers, 0 or more, or the second is None."""
    for name, value in (("after", after), ("until", 0 if until is None else until)):
        if type(value) is not int or value < 0:
            raise InvalidPosition(f"{name} is {value!r}, expected a whole number, 0 or more", found=value)


def check_expected(stream: str, expected: int | ExpectedVersion, actual: int) -> None:
    """Raise WrongExpectedVersion, with both versions, unless the stream is where the writer believes it to be."""
    if isinstance(expected, ExpectedVersion):
        if expected is ANY or (actual == 0) == (expected is NO_STREAM):
            return
        said = expected.value
    elif type(expected) is not int or expected < 0:
        raise InvalidPosition(
            f"expected_version is {expected!r}, expected how many events you have seen in stream {stream!r} (0 = none)"
            f", or ANY, NO_STREAM, STREAM_EXISTS", found=expected,
        )  # fmt: skip
    elif expected == actual:
        return
    else:
        said = str(expected)
    raise WrongExpectedVersion(
        f"stream {stream!r} is at version {actual}, not {said}: load it again, decide again, then append",
        stream=stream, expected=expected, actual=actual,
    )  # fmt: skip
