"""A message is what a reactor asks of the world: of a mail server, of a carrier, or, as a command, of an aggregate."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable
from typing import Any, TypeVar, dataclass_transform

import msgspec

from eslab.codec import REFUSALS, same, stored_time
from eslab.errors import InvalidPayload, InvalidTime, MissingHandler, UnreadablePayload

M = TypeVar("M")


@dataclass_transform(frozen_default=True)
def message(cls: type[M]) -> type[M]:
    """Make a class a message: a frozen, slotted dataclass, for a receiver. (A command is one too, for its handler.)"""
    made = dataclasses.dataclass(frozen=True, slots=True)(cls)
    made.__message__ = True  # type: ignore[attr-defined]  # so that the wiring check can find it
    return made


@dataclasses.dataclass(frozen=True)
class Later:
    """A message that is to wait: for so long `after` its event was recorded, or until the moment `at`.

    It is never taken back: whoever gets it decides, on what is true then, whether anything is to be done.
    Raises InvalidTime unless it has one of the two: a timedelta, or an aware datetime.
    """

    message: Any
    after: dt.timedelta | None = None
    at: dt.datetime | None = None

    def __post_init__(self) -> None:
        if (self.after is None) == (self.at is None) or not isinstance(self.after, dt.timedelta | None):
            raise InvalidTime(
                f"Later has after={self.after!r} and at={self.at!r}, expected one of them: write "
                f"Later({type(self.message).__name__}(...), after=timedelta(minutes=30))", after=self.after, at=self.at,
            )  # fmt: skip
        if self.at is not None:
            stored_time(self.at, "at")

    def due(self, recorded_at: dt.datetime) -> dt.datetime:
        """When it is to be delivered, if its event was recorded then."""
        return self.at if self.at is not None else recorded_at + (self.after or dt.timedelta())


def written(message: Any) -> str:
    """A message as text. Raises InvalidPayload unless it reads back exactly as it was given."""
    kind = type(message)
    try:
        text = msgspec.json.encode(message).decode()
        if same(message, msgspec.json.decode(text, type=kind)):
            return text
        why = f"it would be read back from {text} as something else"
    except (*REFUSALS, NameError) as error:
        why = str(error)
    raise InvalidPayload(
        f"{message!r} cannot be kept in an outbox: {why}. Expected an instance of a class with @message or @command "
        f"above it, with values that fit the types of its fields: correct what react returns", found=message,
    )  # fmt: skip


def read(kind: type[Any], text: str) -> Any:
    """The message in a text. Raises UnreadablePayload if the class has changed since, and the text does not fit it."""
    try:
        return msgspec.json.decode(text, type=kind)
    except REFUSALS as error:
        raise UnreadablePayload(
            f"{kind.__name__} cannot be read from {text}: {error}. Give the class the fields that it had when this was "
            f"written, then retry(); or skip() the message, with a reason", type=kind.__name__, text=text,
        ) from error  # fmt: skip


def by_name(kinds: Iterable[type[Any]]) -> dict[str, type[Any]]:
    """Message classes by the names under which an outbox keeps them. Raises MissingHandler if two share a name."""
    found: dict[str, type[Any]] = {}
    for kind in kinds:
        if found.setdefault(kind.__name__, kind) is not kind:
            raise MissingHandler(
                f"two message classes are called {kind.__name__}, in {found[kind.__name__].__module__} and in "
                f"{kind.__module__}, expected one: rename one of them", name=kind.__name__,
            )  # fmt: skip
    return found
