"""How a projection stands: what it is doing, how far it has come, and what it could not handle."""

from __future__ import annotations

import time
from collections import deque
from typing import Literal, NamedTuple

from eslab.show import counted, table

State = Literal[
    "stopped", "running", "standing by", "failed", "changed", "altered", "waiting for the store", "not stopping"
]
WINDOW = 5.0
"""Seconds over which a rate is taken."""


class Status(NamedTuple):
    """A projection at one moment. The rate is that of the last seconds, and is not part of the text."""

    name: str
    state: State
    checkpoint: int
    lag: int
    dead_letters: int
    """How many events wait as dead letters."""
    error: str
    """The last error, '' if there was none since it last handled an event."""
    rate: float
    """Events handled a second."""

    @property
    def said(self) -> str:
        """How far it has come, in a line."""
        letters = f", {counted(self.dead_letters, 'dead letter')}" if self.dead_letters else ""
        return f"{self.name}: checkpoint {self.checkpoint:,}, lag {self.lag:,}{letters}"

    def __repr__(self) -> str:
        return f"<{self.said}, {self.state}{': ' * bool(self.error)}{self.error}>"


class Statuses(tuple[Status, ...]):
    """Several of them: a tuple that shows itself as a table, without columns in which there is nothing to say."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "\n".join(map(repr, self))

    def _repr_html_(self) -> str:
        columns = {
            "projection": [s.name for s in self],
            "state": [s.state for s in self] if any(s.state != "stopped" for s in self) else [],
            "checkpoint": [s.checkpoint for s in self],
            "lag": [s.lag for s in self],
            "dead letters": [s.dead_letters for s in self] if any(s.dead_letters for s in self) else [],
            "last error": [s.error for s in self] if any(s.error for s in self) else [],
        }
        told = {head: column for head, column in columns.items() if column}
        return table(list(told), zip(*told.values(), strict=True))


class Rate:
    """How many events were handled a second, over the last seconds."""

    def __init__(self) -> None:
        self._work: deque[tuple[float, float, int]] = deque()

    def add(self, events: int, began: float) -> None:
        """Count events that were handled from `began` (time.monotonic) until now."""
        self._work.append((began, time.monotonic(), events))

    @property
    def a_second(self) -> float:
        now = time.monotonic()
        while self._work and self._work[0][1] < now - WINDOW:
            self._work.popleft()
        return sum(events for *_, events in self._work) / (now - self._work[0][0]) if self._work else 0.0
