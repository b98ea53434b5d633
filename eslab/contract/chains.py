"""The tenth part of the contract: a head stands for the whole log before it, and what was altered is found."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from eslab.chain import GENESIS, Head, link
from eslab.contract.materials import (
    Watch,
    Withdrawn,
    Workbench,
    amounts,
    at_once,
    deposits,
    equal,
    made,
    numbered,
    refused,
    tagged,
)
from eslab.errors import BrokenLog, ConditionFailed, InvalidPayload, InvalidPosition, VersionGap, WrongExpectedVersion
from eslab.queries import AppendCondition, Query
from eslab.store import Store

WRITERS = 4, 6
"""How many threads write to a chained log, and how often each (two events each time)."""


def digests_of(store: Store) -> list[bytes]:
    """The links that the events of a store must have, GENESIS first, made by the words of `link`."""
    found = [GENESIS]
    for recorded in store.read():
        found.append(link(found[-1], recorded))
    return found


class Chains(Workbench):
    def chained(self) -> Store:
        store = self.mixed()
        store.chain()
        return store

    def whole(self, store: Store) -> None:
        """Every event has its link, and verify agrees."""
        expected = digests_of(store)
        kept = store._links(-1, len(expected) + 9)
        equal([digest.hex()[:12] for digest in kept], [digest.hex()[:12] for digest in expected], "links")
        equal(kept == expected, True, "links, to the last byte")
        verified = store.verify()
        equal((verified.events, verified.head, verified.chained), (store.position, store.head(), True))

    def broken_at(self, store: Store, position: int, about: str, head: Any = None) -> None:
        try:
            store.verify(head)
        except BrokenLog as error:
            equal(error.position, position, f"the position of the break, with {about},")
            equal(str(position) in str(error), True, f"position {position} in the message {str(error)!r}")
        else:
            raise AssertionError(f"verify found nothing wrong with {about}, expected BrokenLog")

    # The head.

    def test_a_head_stands_for_all_that_was_recorded_before_it(self) -> None:
        plain, chained = self.mixed(), self.chained()
        for store, says in ((plain, False), (chained, True)):
            equal(store.chained, says, "whether the log is chained")
            for position, digest in enumerate(digests_of(store)):
                equal(store.head(until=position), Head(position, digest.hex()))
            equal((store.head(), store.head().position), (store.head(until=8), 8))
            with refused(InvalidPosition, about="a head beyond the end of the log"):
                store.head(until=9)

    def test_a_copy_in_the_same_order_has_the_same_head(self) -> None:
        source, store, other = self.chained(), self.open_store(), self.open_store()
        store.chain()
        store.copy(source.read(until=5))
        store.copy(source.read())
        equal(store.head(), source.head())
        self.whole(store)
        for stream in ("till-1", "account-1"):
            other.copy(source.load(stream))
        equal(other.head() != source.head(), True, "another order has another head")

    def test_a_head_of_before_proves_that_nothing_up_to_there_was_altered(self) -> None:
        store = self.chained()
        early, then = store.head(until=3), str(store.head())
        store.append("account-1", deposits(9))
        for head in (early, then, str(store.head()), store.head(until=0)):
            equal(store.verify(head).events, 9)
        forged = store.head(until=2).digest
        self.broken_at(store, 3, "a head of another log", Head(3, forged))
        self.broken_at(store, 10, "a head from beyond the end", Head(10, forged))
        with refused(InvalidPosition, about="a text that is no head"):
            store.verify("17:what")

    # The links.

    def test_a_chain_may_begin_at_any_time_and_twice(self) -> None:
        store = self.open_store()
        equal((store.chained, store.verify().chained), (False, False))
        store.chain()
        self.whole(store)
        store.append("account-1", deposits(1, 2))
        store.chain()
        self.whole(store)
        later = self.chained()
        later.chain()
        self.whole(later)

    def test_a_long_log_is_chained_and_verified_whole(self) -> None:
        store = self.open_store()
        store.append("account-1", deposits(*range(2100)))
        store.chain()
        store.append("account-1", deposits(*range(2050)))
        self.whole(store)

    def test_every_append_adds_its_links_and_a_refused_one_none(self) -> None:
        store = self.chained()
        bad: list[Any] = [Withdrawn(1), Withdrawn("1")]  # type: ignore[arg-type]  # that is the point
        store.append("account-1", numbered(1, 2))
        store.append("account-1", numbered(1, 2))
        store.append({"account-1": deposits(3), "account-2": [tagged(4, "vip")]}, metadata={"by": "Ada"})
        with suppress(InvalidPayload):
            store.append("account-1", bad)
        with suppress(WrongExpectedVersion):
            store.append({"account-2": deposits(9), "till-1": deposits(9)}, expected_version={"till-1": 9})
        with suppress(ConditionFailed):
            store.append("x-1", deposits(9), condition=AppendCondition(Query.all()))
        store.append("account-1", [])
        store.copy([made(stream="copied-1")])
        equal(amounts(store.read(after=8)), [1, 2, 3, 4, 7])
        self.whole(store)

    def test_the_chain_goes_on_when_the_store_is_opened_again(self) -> None:
        store = self.chained()
        again = self.open_again(store)
        equal((again.chained, again.head()), (True, store.head()))
        again.append("account-1", deposits(9))
        store.append("account-1", deposits(10))
        for handle in (store, again, self.open_again(store)):
            self.whole(handle)

    def test_many_threads_write_one_chain(self) -> None:
        store = self.open_store()
        threads, times = WRITERS

        def writer(number: int) -> Callable[[], None]:
            def append_often() -> None:
                for n in range(times):
                    store.append(f"account-{number}", deposits(n, n))

            return append_often

        at_once([store.chain, *map(writer, range(threads))])
        equal(store.position, 2 * threads * times)
        self.whole(store)

    # What verify finds.

    def test_verify_says_what_it_looked_through(self) -> None:
        plain, chained = self.mixed(), self.chained()
        for store in (plain, chained):
            found = store.verify()
            equal((found.events, found.streams, found.head), (8, 2, store.head()))
        equal((plain.verify().chained, chained.verify().chained), (False, True))

    def test_verify_finds_what_is_out_of_place_or_cannot_be_read(self) -> None:
        now = Watch().now
        wrongs: dict[str, dict[str, Any]] = {
            "a version left out": {"version": 6},
            "a version twice in the log": {"stream": "account-9", "version": 2},
            "a payload that is no JSON": {"payload_text": "{amount"},
            "a payload that is no object": {"payload_text": "[7]"},
            "metadata that is no object": {"metadata_text": "7"},
            "a time that is none": {"recorded_text": now.isoformat() + " or so"},
            "a time of another zone": {"occurred_text": now.astimezone(dt.timezone(dt.timedelta(hours=2))).isoformat()},
        }
        for about, wrong in wrongs.items():
            store = self.mixed()
            put_in(store, **wrong)
            self.broken_at(store, 9, about)

    def test_a_stream_with_a_hole_is_loud_when_it_is_loaded(self) -> None:
        store = self.mixed()
        put_in(store, version=6)
        try:
            store.load("account-1")
        except VersionGap as error:
            equal(error.facts, {"stream": "account-1", "expected": 5, "actual": 6})
        else:
            raise AssertionError("version 6 was loaded after version 4, expected VersionGap")
        equal(amounts(store.load("till-1")), [3, 4, 7, 8], "the other stream")

    def test_verify_finds_a_link_that_does_not_fit_or_is_not_there(self) -> None:
        without, other = self.chained(), self.chained()
        put_in(without)
        self.broken_at(without, 9, "an event without a link")
        put_in(other)
        with other._writing():
            other._add_links(9, [GENESIS])
        self.broken_at(other, 9, "a link of something else")


def put_in(store: Store, **wrong: Any) -> None:
    """Put a ninth row into a log of eight as no append would: by the small method, past every check."""
    with store._writing():
        store._insert([made(**{"stream": "account-1", "version": 5, "position": 9, "type": "somebody.Else", **wrong})])
