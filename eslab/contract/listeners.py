"""A listener takes what a subscription gives, in a thread of its own, and can be asked what it has seen."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from eslab.contract.materials import positions
from eslab.events import Recorded
from eslab.subscriptions import Subscription

PATIENCE = 3.0
"""Seconds until a test gives an event up; a right store needs some thousandths of one, and is not waited for longer."""
SOON = 1.5
"""Seconds within which an event must be seen, and a stopped subscription must have ended."""
MOMENT = 0.05
"""Seconds in which a subscriber has surely come to where it waits; where not, the test is easier, not wrong."""


class Listener:
    """A thread that takes what a subscription gives; `seen` is what it has got so far."""

    def __init__(self, subscription: Subscription, work: Callable[[Recorded], None] = lambda _: None) -> None:
        self.subscription, self.seen = subscription, list[Recorded]()
        self._work, self._errors = work, list[Exception]()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        try:
            for recorded in self.subscription:
                self._work(recorded)
                self.seen.append(recorded)
        except Exception as error:
            self._errors.append(error)

    def wait_for(self, number: int, seconds: float | None = None) -> list[int]:
        """The positions of what was seen, once it is so many events, or after so many seconds (PATIENCE)."""
        self.wait_until(lambda: len(self.seen) >= number or not self.alive, PATIENCE if seconds is None else seconds)
        if self._errors:
            raise self._errors[0]
        return positions(self.seen)

    def has_ended(self) -> bool:
        """Whether it ends soon."""
        self._thread.join(SOON)
        return not self.alive

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def wait_until(self, done: Callable[[], bool], seconds: float) -> None:
        end = time.monotonic() + seconds
        while not done() and time.monotonic() < end:
            time.sleep(0.002)


@contextmanager
def listening(*subscriptions: Subscription, work: Callable[[Recorded], None] = lambda _: None) -> Iterator[Any]:
    """Listeners of these subscriptions (one: itself), which are stopped at the end."""
    listeners = [Listener(subscription, work) for subscription in subscriptions]
    try:
        yield listeners[0] if len(listeners) == 1 else listeners
    finally:
        for subscription in subscriptions:
            subscription.stop()
