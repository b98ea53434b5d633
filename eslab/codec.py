"""A payload is kept as JSON text, and reads back exactly as it was given, or is refused.

The work is msgspec's; what is added here is the proof: every payload is read back before it is stored.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import math
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from eslab.errors import InvalidName, InvalidPayload, InvalidTime

MOST_BYTES = 2**24
"""The largest payload that a store takes: 16 MiB. An event says what happened; large things are kept elsewhere."""

Upcast = Callable[[dict[str, Any]], dict[str, Any]]
REFUSALS = (msgspec.MsgspecError, LookupError, TypeError, ValueError, OverflowError, RecursionError)

_encode = msgspec.json.Encoder().encode
_flat = frozenset(
    {str, int, bool, float, bytes, type(None), decimal.Decimal, dt.date, dt.timedelta, uuid.UUID},
)


@dataclasses.dataclass(frozen=True)
class EventType:
    """What is known of one event name: its class today, its schema version (first = 1), and how older ones are read."""

    name: str
    cls: type
    version: int
    upcasters: Mapping[int, Upcast]
    fields: tuple[str, ...]
    decoder: msgspec.json.Decoder[Any]

    @property
    def place(self) -> str:
        """Where the class is declared: the same place may declare it again, another may not."""
        return f"{self.cls.__module__}.{self.cls.__qualname__}"

    def encode(self, payload: Any) -> str:
        """The text to be stored. Raises InvalidPayload unless it reads back exactly as it was given."""
        try:
            text = _encode(payload)
            back = self.decoder.decode(text)
        except REFUSALS as error:
            raise self._misfit(payload, str(error)) from error
        if len(text) > MOST_BYTES:
            raise InvalidPayload(
                f"{self.name} is {len(text):,} bytes as text, expected at most {MOST_BYTES:,}: keep the large part "
                f"in a file, and record where it is", type=self.name, size=len(text),
            )  # fmt: skip
        for field in self.fields:
            given, read = getattr(payload, field), getattr(back, field)
            if given is not read and not same(given, read):
                raise self._misfit(payload, f"{field}={given!r} would be read back as {read!r}")
        return text.decode()

    def upcast(self, text: str, schema_version: int) -> Any:
        """The event in a text of an older schema, brought up to today's. Raises one of REFUSALS if it does not fit."""
        payload = msgspec.json.decode(text)
        for version in range(schema_version, self.version):
            payload = self.upcasters[version](payload)
        return self.decoder.decode(_encode(payload))

    def _misfit(self, payload: Any, why: str) -> InvalidPayload:
        for field in self.fields:
            value = getattr(payload, field)
            if isinstance(value, float) and not math.isfinite(value):
                why = f"{field}={value!r} is not a number that JSON has"
        return InvalidPayload(
            f"{self.name} cannot be stored exactly: {why}. Expected values that fit the types of its fields, "
            f"and times with a zone: correct the event, then append it again",
            type=self.name, payload=payload,
        )  # fmt: skip


def same(given: Any, read: Any) -> bool:
    """Equal, of the same types all the way down, in the same order, and no naive time in it."""
    kind = type(read)
    if kind in _flat:
        return type(given) is kind and bool(given == read)
    if dataclasses.is_dataclass(read):  # compared by name: the class may have been run again in a notebook cell
        names = [field.name for field in dataclasses.fields(read)]
        return type(given).__qualname__ == kind.__qualname__ and all(
            same(getattr(given, name), getattr(read, name)) for name in names
        )
    if type(given) is not kind:
        return False
    if kind is dt.datetime:  # without their zones: in the hour that comes twice, a local time equals nothing (PEP 495)
        offset = given.utcoffset()
        alike = given.replace(tzinfo=None, fold=0) == read.replace(tzinfo=None, fold=0)
        return alike and offset is not None and bool(offset == read.utcoffset())
    if kind in (list, tuple):
        return len(given) == len(read) and all(map(same, given, read))
    if kind is dict:
        return same(list(given), list(read)) and same(list(given.values()), list(read.values()))
    if kind in (set, frozenset):
        return bool(given == read) and {(type(one), one) for one in given} == {(type(one), one) for one in read}
    return bool(given == read)


def stored_time(moment: dt.datetime, what: str = "a time") -> str:
    """A time as it is stored: UTC, microseconds, always 32 characters, so that the texts sort as the times do.

    Raises InvalidTime for anything but an aware datetime.
    """
    if not isinstance(moment, dt.datetime) or moment.tzinfo is None:
        raise InvalidTime(
            f"{what} is {moment!r}, expected a datetime with a zone: write datetime(2026, 11, 23, 9, 30, tzinfo=UTC)",
            found=moment,
        )
    return moment.astimezone(dt.UTC).isoformat(timespec="microseconds")


def stored_name(name: str, what: str = "a stream name") -> str:
    """The name itself, if it can be stored. Raises InvalidName if it is empty, too long or has control characters."""
    if not isinstance(name, str) or not 0 < len(name) <= 255 or not name.isprintable():
        raise InvalidName(
            f"{what} is {name!r}, expected 1 to 255 printable characters, for example 'account-1'", found=name
        )
    return name


def stored_tags(tags: Iterable[str]) -> list[str]:
    """Tags as they are stored: each once, sorted. Raises InvalidName unless they are a list of texts to be stored."""
    if isinstance(tags, str) or not isinstance(tags, Iterable):
        raise InvalidName(f"tags are {tags!r}, expected a list of texts, for example ['course:c1']", found=tags)
    return sorted({stored_name(tag, "a tag") for tag in tags})


def stored_metadata(metadata: Mapping[str, Any]) -> str:
    """Metadata as it is stored. Raises InvalidPayload unless it is plain JSON that reads back the same."""
    if not metadata:
        return "{}"
    plain = dict(metadata)
    try:
        text = _encode(plain).decode()
        if same(plain, msgspec.json.decode(text)):
            return text
        why = f"it would be read back as {text}"
    except REFUSALS as error:
        why = str(error)
    raise InvalidPayload(
        f"metadata {metadata!r} cannot be stored exactly: {why}. Expected text, numbers, lists and dicts",
        metadata=metadata,
    )
