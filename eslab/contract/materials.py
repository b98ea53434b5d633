"""What the tests of the contract are made of: a few events, a clock to set, and words to ask with."""

from __future__ import annotations

import datetime as dt
import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from eslab.codec import same
from eslab.errors import EslabError
from eslab.events import NewEvent, Recorded, event, record
from eslab.store import Store


@event(name="eslab.contract.Deposited")
class Deposited:
    amount: int


@event(name="eslab.contract.Withdrawn")
class Withdrawn:
    amount: int


@event(name="eslab.contract.Packed")
class Packed:
    items: list[str]
    prices: dict[str, list[int]]


def equal(found: Any, expected: Any, about: str = "what the store gave back") -> None:
    """Raise AssertionError unless both are the same, in type and order too."""
    if not same(expected, found):
        raise AssertionError(
            f"{about}: found {_short(found)}, expected {_short(expected)}{_first_other(found, expected)}"
        )


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 300 else f"{text[:280]} … ({len(text):,} characters)"


def _first_other(found: Any, expected: Any) -> str:
    """Where two long lists part."""
    if not (isinstance(found, list) and isinstance(expected, list)) or len(found) + len(expected) < 30:
        return ""
    alike = (same(*two) for two in zip(expected, found, strict=False))
    place = next((n for n, one in enumerate(alike) if not one), min(len(found), len(expected)))
    parted = f"{_short(found[place : place + 1])} and {_short(expected[place : place + 1])}"
    return f"; they are {len(found):,} and {len(expected):,} long and part at index {place:,}: {parted}"


@contextmanager
def refused(*kinds: type[EslabError], about: str = "this") -> Iterator[None]:
    """Raise AssertionError unless what is done inside is refused with one of these errors."""
    try:
        yield
    except kinds:
        return
    names = " or ".join(kind.__name__ for kind in kinds)
    raise AssertionError(f"{about} was accepted, expected {names}")


class Watch:
    """A clock that a test sets: `now` is what it says."""

    def __init__(self, now: dt.datetime = dt.datetime(2026, 3, 1, 9, 0, tzinfo=dt.UTC)) -> None:
        self.now = now

    def __call__(self) -> dt.datetime:
        return self.now

    def turn(self, minutes: int) -> dt.datetime:
        self.now += dt.timedelta(minutes=minutes)
        return self.now


def counted(prefix: str) -> Callable[[], str]:
    """A source of ids: prefix-1, prefix-2 and so on."""
    numbers = itertools.count(1)
    return lambda: f"{prefix}-{next(numbers)}"


def amounts(history: Any) -> list[int]:
    return [recorded.payload.amount for recorded in history]


def versions(history: Any) -> list[int]:
    return [recorded.version for recorded in history]


def positions(history: Any) -> list[int]:
    return [recorded.position for recorded in history]


def deposits(*amounts: int) -> list[Any]:
    return [Deposited(amount) for amount in amounts]


def numbered(*amounts: int) -> list[NewEvent]:
    """Deposits with ids of their own: id-1 for 1, and so on."""
    return [NewEvent(Deposited(amount), id=f"id-{amount}") for amount in amounts]


def tagged(amount: int, *tags: str) -> NewEvent:
    """A deposit with tags."""
    return NewEvent(Deposited(amount), tags=tags)


def made(
    *, stream: str = "account-1", version: int = 1, id: str = "made", payload_text: str = '{"amount":7}', **other: Any
) -> Recorded:  # fmt: skip
    """A recorded event from elsewhere, to be copied; any field may be wrong."""
    good = record(Deposited(7), stream=stream, version=1, position=1, recorded_at=Watch().now, id=id)
    fields = {name: getattr(good, name) for name in Recorded.__struct_fields__}
    return Recorded(**{**fields, "version": version, "payload_text": payload_text, **other})


def at_once(work: list[Callable[[], None]]) -> None:
    """Run each in a thread of its own, all at the same time; raises the first error of any."""
    errors: list[Exception] = []
    start = threading.Barrier(len(work))

    def run(one: Callable[[], None]) -> None:
        start.wait()
        try:
            one()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(one,), daemon=True) for one in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    if errors:
        raise errors[0]
    equal(sum(thread.is_alive() for thread in threads), 0, "threads that did not end within a minute")


class Workbench:
    """What every part of the contract begins with: a new store, and what must be so after a refusal."""

    def open_store(self, **options: Any) -> Store:
        """A new, empty store; `options` (`clock=`, `ids=`) go to it."""
        raise TypeError(f"{type(self).__name__} does not say how its store is made: give it open_store")

    def open_again(self, store: Store) -> Store:
        """Another handle on the same events, as another process has it; the store itself, where there is none."""
        return store

    def unchanged(self, store: Store, *events: Any, stream: str = "account-1") -> None:
        equal([r.payload for r in store.load(stream)], list(events), f"stream {stream!r} after a refusal")
        equal(len(list(store.read())), store.position, "events in the log after a refusal")

    def mixed(self) -> Store:
        """Eight events, 1 to 8: deposits odd, withdrawals even; two in account-1, two in till-1, and so again."""
        store = self.open_store(clock=Watch(), ids=counted("mixed"))
        for number in (1, 3, 5, 7):
            stream = "account-1" if number in (1, 5) else "till-1"
            store.append(stream, [Deposited(number), Withdrawn(number + 1)], metadata={"n": number})
        return store
