"""A draft is an event on its way into a store, checked and encoded before anything is stored."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from typing import Any

from eslab.codec import EventType, stored_metadata, stored_name, stored_time
from eslab.errors import InvalidPayload, InvalidPosition, WrongExpectedVersion
from eslab.events import NewEvent, event_type


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
        new = event if isinstance(event, NewEvent) else NewEvent(event)
        self.payload = new.payload
        self.type: EventType = event_type(type(new.payload))
        self.payload_text = self.type.encode(new.payload)
        self.metadata_text = stored_metadata({**metadata, **new.metadata} if new.metadata else metadata)
        self.occurred_text = stored_time(new.occurred_at, "occurred_at") if new.occurred_at is not None else None
        self.id = stored_name(new.id, "an event id") if new.id is not None else None


def listed(events: Iterable[Any]) -> Iterable[Any]:
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
