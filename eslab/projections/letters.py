"""A dead letter is an event that a projection could not handle, or that waits behind one in the same stream."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from eslab.events import Recorded
from eslab.show import Listing

Status = Literal["waiting", "handled", "skipped"]


class DeadLetter(msgspec.Struct, frozen=True):
    """What is kept of such an event: which it is, what went wrong, and what became of it."""

    projection: str
    position: int
    stream: str
    event_id: str
    type: str
    error: str
    """The error of the code, or which position it waits behind."""
    attempts: int = 0
    """How often it was tried; 0 = it waits behind another."""
    status: Status = "waiting"
    reason: str = ""
    """Why it was skipped."""

    @classmethod
    def of(cls, projection: str, recorded: Recorded, error: str, attempts: int = 0) -> DeadLetter:
        at = recorded
        return cls(projection, at.position, at.stream, at.id, at.type, error, attempts)

    def now(self, status: Status, **changed: Any) -> DeadLetter:
        """The same letter with what became of it."""
        return msgspec.structs.replace(self, status=status, **changed)

    def __repr__(self) -> str:
        what = f"skipped, {self.reason}" if self.status == "skipped" else f"{self.status}, {self.error}"
        return f"<{self.projection}: position {self.position}, {self.type} of {self.stream}: {what}>"


class DeadLetters(Listing[DeadLetter]):
    """Dead letters in order of position: a tuple that shows itself as a table."""

    __slots__ = ()
    _called = "dead letter"
    _heads = ("projection", "position", "stream", "type", "attempts", "status", "error", "reason")

    def _cells(self, one: DeadLetter) -> tuple[object, ...]:
        place = (one.projection, str(one.position), one.stream, one.type)
        return (*place, one.attempts, one.status, one.error, one.reason)
