"""The sixth part of the contract: one append to several streams is one fact: all of it is recorded, or none."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from eslab.contract.materials import (
    Deposited,
    Watch,
    Withdrawn,
    Workbench,
    amounts,
    at_once,
    deposits,
    equal,
    numbered,
    positions,
    refused,
    versions,
)
from eslab.drafts import ANY, NO_STREAM, STREAM_EXISTS
from eslab.errors import DuplicateEvent, InvalidName, InvalidPayload, WrongExpectedVersion
from eslab.events import History, NewEvent

TRANSFERS = 4, 6
"""How many threads move money between two accounts, and how often each."""
TRIES = 2_000
"""After so many conflicts in a row a writer gives up; with a right store it is a handful."""


class Several(Workbench):
    def test_an_append_to_several_streams_records_them_in_the_order_given(self) -> None:
        store = self.open_store()
        store.append("till-1", deposits(0, 0))
        moved = store.append({"till-1": deposits(1, 2), "account-2": [Withdrawn(3)], "account-1": deposits(4, 5)})
        equal(type(moved), History)
        equal(list(moved) == list(store.read(after=2)), True, "append returns what read returns")
        equal([r.stream for r in moved], ["till-1", "till-1", "account-2", "account-1", "account-1"])
        equal((positions(moved), versions(moved), amounts(moved)), ([3, 4, 5, 6, 7], [3, 4, 1, 1, 2], [1, 2, 3, 4, 5]))
        for stream, expected in (("till-1", [0, 0, 1, 2]), ("account-2", [3]), ("account-1", [4, 5])):
            equal(amounts(store.load(stream)), expected, f"stream {stream!r}")

    def test_the_metadata_of_the_append_is_that_of_every_stream(self) -> None:
        store = self.open_store()
        own = NewEvent(Deposited(2), metadata={"why": "gift"})
        store.append({"account-1": deposits(1), "account-2": [own]}, metadata={"by": "Ada"})
        equal([r.metadata for r in store.read()], [{"by": "Ada"}, {"by": "Ada", "why": "gift"}])

    def test_a_bad_event_in_one_stream_stores_nothing_in_any(self) -> None:
        store = self.open_store()
        store.append("account-1", deposits(1))
        bad: Any = Deposited("2")  # type: ignore[arg-type]  # that is the point
        for place in range(3):
            streams = {f"account-{n}": [Deposited(5), bad] if n == place else deposits(5) for n in range(3)}
            with refused(InvalidPayload, about=f"a bad event in stream {place} of three"):
                store.append(streams)
        for name in ("", "a\x00b", "x" * 256):
            with refused(InvalidName, about=f"a stream named {name!r}"):
                store.append({"account-0": deposits(5), name: deposits(5)})
        equal([r.stream for r in store.read()], ["account-1"], "streams with events after the refusals")
        self.unchanged(store, Deposited(1))

    def test_every_stream_is_held_to_the_version_expected_of_it(self) -> None:
        store = self.open_store()
        names = ["account-1", "account-2", "account-3"]
        for number, name in enumerate(names, 1):
            store.append(name, deposits(*range(number)))
        right: dict[str, Any] = {"account-1": 1, "account-2": 2, "account-3": 3}
        for name in names:
            for wrong in (0, right[name] - 1, right[name] + 1, NO_STREAM):
                with refused(WrongExpectedVersion, about=f"{wrong} expected of {name}"):
                    store.append({each: deposits(9) for each in names}, expected_version={**right, name: wrong})
        equal(len(list(store.read())), 6, "events after the refusals")
        equal(versions(store.append({each: deposits(9) for each in names}, expected_version=right)), [2, 3, 4])

    def test_a_stream_of_which_nothing_is_expected_may_be_at_any_version(self) -> None:
        store = self.open_store()
        store.append({"account-1": deposits(1, 2), "account-2": deposits(3)})
        store.append({"account-1": deposits(4), "account-2": deposits(5)}, expected_version={"account-2": 1})
        both = {"account-1": STREAM_EXISTS, "account-9": NO_STREAM}
        store.append({"account-1": deposits(6), "account-9": deposits(7)}, expected_version=both)
        store.append({"account-1": deposits(8), "account-8": deposits(9)}, expected_version=ANY)
        equal(amounts(store.read()), [1, 2, 3, 4, 5, 6, 7, 8, 9])

    def test_a_refusal_names_the_stream_that_was_elsewhere(self) -> None:
        store = self.open_store()
        store.append("account-2", deposits(1, 2))
        try:
            store.append({"account-1": deposits(9), "account-2": deposits(9)}, expected_version={"account-2": 1})
        except WrongExpectedVersion as error:
            equal(error.facts, {"stream": "account-2", "expected": 1, "actual": 2})
        else:
            raise AssertionError("a stale version of the second stream was accepted")

    def test_the_same_append_to_several_streams_again_returns_what_was_recorded(self) -> None:
        watch = Watch()
        store = self.open_store(clock=watch)
        streams = {"account-1": numbered(1, 2), "account-2": numbered(3)}
        first = store.append(streams, expected_version={"account-1": 0, "account-2": 0})
        store.append("account-1", deposits(4))
        watch.turn(minutes=5)
        again = store.append(streams, expected_version={"account-1": 0, "account-2": 0})
        equal(list(again) == list(first), True, "the same events, with their first versions and times")
        equal(amounts(store.read()), [1, 2, 3, 4])

    def test_ids_that_come_again_elsewhere_are_refused(self) -> None:
        store = self.open_store()
        store.append({"account-1": numbered(1, 2), "account-2": numbered(3)})
        again: dict[str, dict[str, list[Any]]] = {
            "in each other's streams": {"account-1": numbered(3), "account-2": numbered(1, 2)},
            "one moved to the other stream": {"account-1": numbered(1), "account-2": numbered(2, 3)},
            "streams in another order": {"account-2": numbered(3), "account-1": numbered(1, 2)},
            "one stream only in part": {"account-1": numbered(1, 2), "account-2": numbered(3, 4)},
            "one stream known, one new": {"account-1": numbered(1, 2), "account-3": numbered(5)},
            "another amount in the last": {
                "account-1": numbered(1, 2),
                "account-2": [NewEvent(Deposited(8), id="id-3")],
            },
            "one id in two streams": {"account-3": numbered(7), "account-4": numbered(7)},
        }
        for about, streams in again.items():
            with refused(DuplicateEvent, about=about):
                store.append(streams)
        equal([r.id for r in store.read()], ["id-1", "id-2", "id-3"], "events after the refusals")

    def test_money_moved_by_many_threads_is_neither_lost_nor_made(self) -> None:
        store = self.open_store()
        threads, times = TRANSFERS
        store.append({"account-1": deposits(100), "account-2": deposits(100)})

        def move_one() -> None:
            for _ in range(TRIES):
                seen = {name: store.load(name) for name in ("account-1", "account-2")}
                balances = {name: history[-1].payload.amount for name, history in seen.items()}
                new = {"account-1": deposits(balances["account-1"] - 1)}
                new["account-2"] = deposits(balances["account-2"] + 1)
                with suppress(WrongExpectedVersion):
                    store.append(new, expected_version={name: len(history) for name, history in seen.items()})
                    return
            raise AssertionError(f"{TRIES} appends in a row met a conflict, expected that one of the writers gets on")

        def move_often() -> None:
            for _ in range(times):
                move_one()

        at_once([move_often] * threads)
        moved = threads * times
        equal(amounts(store.load("account-1")), [100 - n for n in range(moved + 1)])
        equal(amounts(store.load("account-2")), [100 + n for n in range(moved + 1)])

    def test_readers_never_see_half_of_several_streams(self) -> None:
        store = self.open_store()
        done = threading.Event()

        def write() -> None:
            try:
                for n in range(20):
                    store.append({"account-1": deposits(n), "account-2": deposits(n)})
            finally:
                done.set()

        def look(first: str, then: str) -> Callable[[], None]:
            def look_often() -> None:
                while not done.is_set():
                    before, after = store.version(first), store.version(then)
                    equal(after >= before, True, f"{then} has all {before} events that {first} has; it has {after}; so")
                    equal(len(list(store.read())) % 2, 0, "events of a half-recorded append")

            return look_often

        at_once([write, look("account-1", "account-2"), look("account-2", "account-1")])
        equal(store.position, 40)
