"""The second part of the contract: what an append does to versions, what it expects, and what it does when repeated."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from eslab.contract.materials import (
    Deposited,
    Watch,
    Withdrawn,
    Workbench,
    amounts,
    deposits,
    equal,
    numbered,
    positions,
    refused,
    versions,
)
from eslab.drafts import ANY, NO_STREAM, STREAM_EXISTS
from eslab.errors import (
    DuplicateEvent,
    InvalidName,
    InvalidPayload,
    InvalidPosition,
    WrongExpectedVersion,
)
from eslab.events import NewEvent


class Appends(Workbench):
    # Versions and positions.

    def test_versions_and_positions_count_from_one_without_gaps(self) -> None:
        store = self.open_store()
        for stream, number in (("account-1", 2), ("account-2", 1), ("account-1", 3)):
            store.append(stream, deposits(*range(number)))
        equal(versions(store.load("account-1")), [1, 2, 3, 4, 5])
        equal(positions(store.load("account-1")), [1, 2, 4, 5, 6])
        equal((store.version("account-1"), store.version("account-2"), store.version("account-9")), (5, 1, 0))
        equal((positions(store.read()), store.position), ([1, 2, 3, 4, 5, 6], 6))

    def test_an_empty_store_has_nothing_and_says_so(self) -> None:
        store = self.open_store()
        equal((store.position, store.version("account-1")), (0, 0))
        equal((len(store.load("account-1")), list(store.read())), (0, []))

    def test_an_append_of_no_events_records_nothing(self) -> None:
        store = self.open_store()
        equal(len(store.append("account-1", [])), 0)
        with refused(WrongExpectedVersion, about="an empty append on the wrong version"):
            store.append("account-1", [], expected_version=3)
        equal((store.position, store.version("account-1")), (0, 0))

    def test_a_generator_of_events_is_taken_once(self) -> None:
        store = self.open_store()
        store.append("account-1", (Deposited(amount) for amount in (1, 2, 3)))
        equal(amounts(store.load("account-1")), [1, 2, 3])

    def test_a_batch_with_one_bad_event_stores_nothing(self) -> None:
        store = self.open_store()
        store.append("account-1", deposits(1))
        bads: list[Any] = [Deposited("2"), {"amount": 2}, NewEvent(Deposited(2), metadata={"x": {1}})]  # type: ignore[arg-type]
        for bad in bads:
            for batch in ([bad, Deposited(3)], [Deposited(3), bad], [Deposited(3), bad, Deposited(4)]):
                with refused(InvalidPayload, about=f"a batch with {bad!r}"):
                    store.append("account-1", batch)
        self.unchanged(store, Deposited(1))
        equal(versions(store.append("account-1", deposits(5))), [2], "the version after the refusals")
        equal(positions(store.load("account-1")), [1, 2])

    def test_a_batch_that_breaks_while_it_is_read_stores_nothing(self) -> None:
        store = self.open_store()

        def half() -> Iterator[Any]:
            yield Deposited(1)
            raise ConnectionError("the line went dead")

        try:
            store.append("account-1", half())
        except ConnectionError:
            self.unchanged(store)
        else:
            raise AssertionError("the error of the generator was swallowed")

    # Expected versions.

    def test_the_version_that_the_writer_decided_on_is_accepted(self) -> None:
        store = self.open_store()
        store.append("account-1", deposits(1, 2), expected_version=0)
        store.append("account-1", deposits(3), expected_version=2)
        store.append("account-2", deposits(4), expected_version=0)
        equal(amounts(store.read()), [1, 2, 3, 4])

    def test_a_stale_or_future_version_is_refused_and_the_error_has_the_facts(self) -> None:
        store = self.open_store()
        store.append("account-1", deposits(1, 2))
        for wrong in (0, 1, 3, 4, 1000):
            try:
                store.append("account-1", deposits(9), expected_version=wrong)
            except WrongExpectedVersion as error:
                equal(error.facts, {"stream": "account-1", "expected": wrong, "actual": 2})
                for fact in ("account-1", "2", str(wrong)):
                    equal(fact in str(error), True, f"{fact!r} in the message {str(error)!r}")
            else:
                raise AssertionError(f"expected_version={wrong} was accepted at version 2")
        self.unchanged(store, *deposits(1, 2))

    def test_any_no_stream_and_stream_exists_mean_what_they_say(self) -> None:
        store = self.open_store()
        with refused(WrongExpectedVersion, about="STREAM_EXISTS on an empty stream"):
            store.append("account-1", deposits(9), expected_version=STREAM_EXISTS)
        store.append("account-1", deposits(1), expected_version=NO_STREAM)
        with refused(WrongExpectedVersion, about="NO_STREAM on a stream with events"):
            store.append("account-1", deposits(9), expected_version=NO_STREAM)
        store.append("account-1", deposits(2), expected_version=STREAM_EXISTS)
        store.append("account-1", deposits(3), expected_version=ANY)
        store.append("account-2", deposits(4), expected_version=ANY)
        equal(amounts(store.read()), [1, 2, 3, 4])

    def test_what_is_no_version_is_refused(self) -> None:
        store = self.open_store()
        store.append("account-1", deposits(1))
        wrongs: list[Any] = [-1, 1.0, "1", True, None]
        for wrong in wrongs:
            with refused(InvalidPosition, about=f"expected_version={wrong!r}"):
                store.append("account-1", deposits(9), expected_version=wrong)
        self.unchanged(store, Deposited(1))

    # The same append again.

    def test_the_same_append_again_returns_what_was_recorded(self) -> None:
        watch = Watch()
        store = self.open_store(clock=watch)
        first = store.append("account-1", numbered(1, 2), expected_version=0, metadata={"try": 1})
        store.append("account-1", deposits(3))
        watch.turn(minutes=5)
        again = store.append("account-1", numbered(1, 2), expected_version=0, metadata={"try": 2})
        equal(list(again) == list(first), True, "the same events, with their first versions, times and metadata")
        equal(amounts(store.read()), [1, 2, 3])

    def test_an_id_for_something_else_is_refused(self) -> None:
        store = self.open_store()
        store.append("account-1", numbered(1, 2))
        again: dict[str, list[Any]] = {
            "another order": numbered(2, 1),
            "known and new": numbered(2, 3),
            "new and known": numbered(3, 1),
            "known and without an id": [*numbered(1), Deposited(9)],
            "another amount": [NewEvent(Deposited(7), id="id-1")],
            "another type": [NewEvent(Withdrawn(1), id="id-1")],
        }
        for about, events in again.items():
            with refused(DuplicateEvent, about=about):
                store.append("account-1", events)
        with refused(DuplicateEvent, about="another stream"):
            store.append("account-2", numbered(1))
        with refused(DuplicateEvent, about="an id twice in one append"):
            store.append("account-1", [NewEvent(Deposited(5), id="same"), NewEvent(Deposited(5), id="same")])
        self.unchanged(store, *deposits(1, 2))
        self.unchanged(store, stream="account-2")

    def test_an_id_that_the_store_itself_gave_is_known_too(self) -> None:
        store = self.open_store()
        (first,) = store.append("account-1", deposits(1))
        equal(list(store.append("account-1", [NewEvent(Deposited(1), id=first.id)])) == [first], True, "found again")
        with refused(DuplicateEvent):
            store.append("account-1", [NewEvent(Deposited(2), id=first.id)])
        self.unchanged(store, Deposited(1))

    def test_an_id_that_cannot_be_stored_is_refused(self) -> None:
        store = self.open_store()
        wrongs: list[Any] = ["", "a\x00b", 7, "x" * 256]
        for wrong in wrongs:
            with refused(InvalidName, about=f"id {wrong!r}"):
                store.append("account-1", [NewEvent(Deposited(1), id=wrong)])
        self.unchanged(store)

    def test_an_id_source_that_repeats_itself_is_refused(self) -> None:
        store = self.open_store(ids=lambda: "always-the-same")
        store.append("account-1", deposits(1))
        for stream, events in (("account-1", deposits(2)), ("account-2", deposits(3, 4))):
            with refused(DuplicateEvent, about="an id that is taken, from the store's own source"):
                store.append(stream, events)
        self.unchanged(store, Deposited(1))
        self.unchanged(store, stream="account-2")
