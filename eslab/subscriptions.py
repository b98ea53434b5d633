"""A subscription gives every event from a position on: first those that are there, then each one that comes."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Self

from eslab.events import Recorded

SLICE = 0.1
"""Seconds that a subscription waits at most before it looks whether it was stopped."""

Look = Callable[[int], tuple[list[Recorded], int]]
"""From a position on: the next events, and how far the log was looked through for them."""
Wait = Callable[[int, float], bool]
"""Until the log may be longer than a position, or for so many seconds; False if nothing is known to have come."""


class Subscription(Iterator[Recorded]):
    """An iterator over the events of a log, in order of position, each exactly once; it waits where the log ends.

    It ends when it is stopped, from any thread, or when nothing new came for `timeout` seconds (None: never); iterating
    again after a timeout goes on from there. Threads that iterate one subscription share its events between them.
    """

    def __init__(self, look: Look, wait: Wait, after: int, timeout: float | None) -> None:
        self._look, self._wait, self._looked, self.timeout = look, wait, after, timeout
        self._page: deque[Recorded] = deque()
        self._turn = threading.Lock()
        self._stopped = threading.Event()
        self.position = after
        """How far it has come: the last position given out, or passed over by the filter; a checkpoint."""

    def stop(self) -> None:
        """End the iteration, within a tenth of a second or so where one is waiting."""
        self._stopped.set()

    @property
    def stopped(self) -> bool:
        return self._stopped.is_set()

    def __next__(self) -> Recorded:
        with self._turn:
            until = None if self.timeout is None else time.monotonic() + self.timeout
            while not self.stopped and not self._page and (self._turn_page() or self._longer(until)):
                pass
            if self.stopped or not self._page:
                raise StopIteration
            recorded = self._page.popleft()
            self.position = recorded.position if self._page else self._looked
            return recorded

    def _turn_page(self) -> bool:
        """Look for the next page; False if the log has not become longer."""
        before = self._looked
        rows, self._looked = self._look(before)
        self._page.extend(rows)
        self.position = self._looked if not rows else self.position
        return self._looked > before

    def _longer(self, until: float | None) -> bool:
        """Wait until the log may have become longer, the subscription is stopped, or the time is over (False)."""
        while not self.stopped:
            left = SLICE if until is None else min(SLICE, until - time.monotonic())
            if left <= 0:
                return False
            if self._wait(self._looked, left):
                return True
        return False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"<subscription at position {self.position:,}{', stopped' * self.stopped}>"
