"""A courier carries messages from an outbox to their receivers: each at least once, and always with the same key."""

from __future__ import annotations

import datetime as dt
import threading
import weakref
from collections.abc import Callable, Mapping
from typing import Any

from eslab.codec import stored_time
from eslab.commands import CommandBus
from eslab.errors import (
    BrokenLog,
    CommandRefused,
    InvalidPosition,
    InvalidTime,
    MissingHandler,
    StillRunning,
    StoreUnavailable,
)
from eslab.events import Recorded
from eslab.processes.messages import by_name, read
from eslab.processes.outbox import Outbox, Outgoing
from eslab.store import Clock, Store

Receiver = Callable[[Any, str], Any]
"""Takes a message and its key; a command that it returns is its answer."""


class Retries:
    """A message is tried at most `attempts` times before it is parked; the first pause between two is `pause`, and each
    is twice the one before. Raises InvalidPosition or InvalidTime for what is neither."""

    def __init__(self, attempts: int, pause: dt.timedelta) -> None:
        if type(attempts) is not int or attempts < 1:
            raise InvalidPosition(f"attempts is {attempts!r}, expected how often to try at most: 1 or more")
        if not isinstance(pause, dt.timedelta) or pause < dt.timedelta():
            raise InvalidTime(f"pause is {pause!r}, expected how long to wait: write timedelta(seconds=1)", found=pause)
        self.attempts, self.pause = attempts, pause

    def after(self, failures: int) -> dt.timedelta:
        """How long after so many failures it is tried again."""
        return self.pause * int(2 ** (failures - 1))


_turns: weakref.WeakKeyDictionary[Any, threading.RLock] = weakref.WeakKeyDictionary()
"""By outbox: held by who carries, as a cell that was run again leaves two deliveries with one outbox."""


class Courier:
    """Carries one message after the other from an outbox to whom it is for, and notes what became of it.

    Noted only when the receiver has returned: after a crash between the two it is carried again, with the same key.
    A message that fails, or is parked, holds back the later ones of its stream to the same receiver, and no others.
    """

    def __init__(
        self, store: Store, outbox: Outbox, receivers: Mapping[type, Receiver], bus: CommandBus | None,
        clock: Clock, retries: Retries,
    ) -> None:  # fmt: skip
        self.store, self.outbox, self.receivers, self.bus = store, outbox, receivers, bus
        self.clock, self.retries = clock, retries
        self.kinds = by_name(outbox.reactor.sends)
        self.carrying = ""
        """The key of the message that is with its receiver just now."""
        check_receivers(outbox.reactor.name, self.kinds.values(), receivers, bus)

    def carry(self, told_to_stop: Callable[[], bool] = lambda: False) -> list[Outgoing]:
        """Carry what is due now, each message once; what became of each. Raises StoreUnavailable."""
        with _turns.setdefault(self.outbox.model, threading.RLock()):
            if self.carrying:
                raise StillRunning(
                    f"a receiver asked for a delivery while it was given {self.carrying}, which would be delivered to "
                    f"it again: let it return, and what follows is delivered next", key=self.carrying,
                )  # fmt: skip
            return self._carry(told_to_stop)

    def _carry(self, told_to_stop: Callable[[], bool]) -> list[Outgoing]:
        now, held, done = stored_time(self.clock(), "the clock's time"), set[tuple[str, str]](), list[Outgoing]()
        for one in self.outbox.due(now):
            if told_to_stop():
                break
            if self._line(one) not in held and not one.held(now):
                done.append(one := self._carried(one))
            if not one.settled:
                held.add(self._line(one))
        return done

    def idle(self) -> bool:
        """Whether nothing can be carried now: nothing is due, or it waits behind what has failed."""
        now = stored_time(self.clock(), "the clock's time")
        first = {self._line(one): one for one in reversed(self.outbox.due(now))}
        return all(one.held(now) for one in first.values())

    def _line(self, one: Outgoing) -> tuple[str, str]:
        """Who waits for whom: what one stream asks of one receiver stays in order. The bus is one receiver."""
        return one.stream, one.message if self.kinds.get(one.message) in self.receivers else ""

    def _carried(self, one: Outgoing) -> Outgoing:
        self.carrying = one.key
        try:
            self._hand_over(one)
            became = one.now("delivered", attempts=one.attempts + 1, error="")
        except StoreUnavailable:  # it is ours, and says nothing about the message
            raise
        except CommandRefused as refused:  # an answer too: the rules were asked, and they said no
            became = one.now("refused", attempts=one.attempts + 1, error=str(refused))
        except Exception as error:
            became = self._failed(one, f"{type(error).__name__}: {error}")
        finally:
            self.carrying = ""
        self.outbox.note(became)
        return became

    def _failed(self, one: Outgoing, error: str) -> Outgoing:
        attempts = one.attempts + 1
        if attempts >= self.retries.attempts:
            return one.now("parked", attempts=attempts, error=error)
        again = stored_time(self.clock() + self.retries.after(attempts))
        return one.now("waiting", attempts=attempts, error=error, again_at=again)

    def _hand_over(self, one: Outgoing) -> None:
        kind, cause = self.kinds.get(one.message), self._cause(one)
        if kind is None:
            raise MissingHandler(f"{one.message} is not in the sends of {one.reactor}: add it, then retry()")
        message = read(kind, one.payload)
        if kind not in self.receivers:
            self._dispatch(message, one.key, cause)
        elif hasattr(answer := self._answer(kind, message, one.key), "__command__"):
            self._dispatch(answer, f"{one.key}:answer", cause)

    def _answer(self, kind: type, message: Any, key: str) -> Any:
        try:
            return self.receivers[kind](message, key)
        except StoreUnavailable as error:  # of the receiver's own, if it has one
            raise ConnectionError(str(error)) from error

    def _dispatch(self, command: Any, key: str, cause: Recorded) -> None:
        if self.bus is None:
            raise MissingHandler(
                f"{type(command).__name__} was answered, but there is nobody to take the command: give the delivery a "
                f"bus=CommandBus(store, HANDLERS), then retry()", command=command,
            )  # fmt: skip
        self.bus.dispatch(command, id=key, cause=cause)

    def _cause(self, one: Outgoing) -> Recorded:
        for recorded in self.store.read(after=one.position - 1, until=one.position):
            if recorded.id == one.event_id:
                return recorded
        raise BrokenLog(
            f"the event that led to this message is not at position {one.position} of this log, which belongs to "
            f"another store, or was restored from an older copy: skip() the message, with a reason",
            position=one.position,
        )  # fmt: skip


def check_receivers(reactor: str, kinds: Any, receivers: Mapping[type, Receiver], bus: CommandBus | None) -> None:
    """Raise MissingHandler unless each message of a reactor has a receiver, or a handler on the bus, and not both."""
    handled = bus.handlers if bus is not None else {}
    for kind in kinds:
        if kind in receivers and kind in handled:
            raise MissingHandler(
                f"{kind.__name__} has a receiver and a handler, expected one of them: take it out of the receivers, or "
                f"off the bus", found=kind,
            )  # fmt: skip
        if kind not in receivers and kind not in handled:
            names = ", ".join(sorted(one.__name__ for one in (*receivers, *handled))) or "none"
            raise MissingHandler(
                f"reactor {reactor} sends {kind.__name__}, but nobody receives it, only: {names}. Add "
                f"{kind.__name__}: a function of the message and its key to the receivers, or, if it is a command, its "
                f"handler to the bus", found=kind,
            )  # fmt: skip
    if wrong := [one for one in receivers.values() if isinstance(one, type) or not callable(one)]:
        raise MissingHandler(
            f"{wrong[0]!r} is no receiver, expected a function of a message and its key: write "
            f"{{SendMail: post.send}}", found=wrong[0],
        )  # fmt: skip
