"""The ninth part of the contract: a subscriber sees every event, once, in order, whoever writes meanwhile."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable
from typing import Any

from eslab.contract import listeners as within
from eslab.contract.listeners import MOMENT, Listener, listening
from eslab.contract.materials import (
    Deposited,
    Withdrawn,
    Workbench,
    amounts,
    at_once,
    deposits,
    equal,
    positions,
    refused,
    tagged,
)
from eslab.errors import InvalidPosition, InvalidQuery
from eslab.events import NewEvent, Recorded
from eslab.queries import Query, QueryItem

WRITERS = 4, 8
"""How many threads write beside subscribers, and how often each (three events each time)."""


class Subscriptions(Workbench):
    # What is there already.

    def test_a_subscriber_gets_what_is_there_from_any_position_on(self) -> None:
        store = self.mixed()
        for after in range(9):
            found = list(store.subscribe(after=after, timeout=0))
            equal(positions(found), list(range(after + 1, 9)), f"positions after {after}")
            equal(found == list(store.read(after=after)), True, "the same events as read gives")

    def test_a_subscriber_gets_what_it_asked_for(self) -> None:
        store = self.mixed()
        store.append("till-2", [NewEvent(Withdrawn(9), tags=["vip"])])
        asked: list[tuple[dict[str, Any], list[int]]] = [
            ({"types": [Withdrawn]}, [2, 4, 6, 8, 9]),
            ({"types": ["eslab.contract.Deposited"], "after": 3}, [5, 7]),
            ({"categories": ["till"]}, [3, 4, 7, 8, 9]),
            ({"types": [Deposited], "categories": ["till", "never"]}, [3, 7]),
            ({"query": Query(QueryItem(types=[Deposited]), QueryItem(tags=["vip"])), "after": 1}, [3, 5, 7, 9]),
            ({"types": []}, []),
        ]
        for filters, expected in asked:
            equal(amounts(store.subscribe(timeout=0, **filters)), expected, f"events of subscribe({filters!r})")

    def test_a_long_log_is_caught_up_whole(self) -> None:
        store = self.open_store()
        store.append("account-1", [tagged(n, *["even"] * (n % 2 == 0)) for n in range(1, 4402)])
        equal(positions(store.subscribe(timeout=0)), list(range(1, 4402)))
        even = store.subscribe(query=Query(QueryItem(tags=["even"])), after=100, timeout=0)
        equal((positions(even), even.position), (list(range(102, 4402, 2)), 4401))

    def test_what_cannot_be_asked_for_is_refused_at_once(self) -> None:
        store = self.mixed()
        wrongs: list[Any] = [-1, 1.5, "1", True, 9]
        for wrong in wrongs:
            with refused(InvalidPosition, about=f"after={wrong!r} at the end of a log of eight"):
                store.subscribe(after=wrong)
        query = Query(QueryItem(types=[Deposited]))
        with refused(InvalidQuery, about="a query and types"):
            store.subscribe(query=query, types=[Deposited])
        with refused(InvalidQuery, about="a query and categories"):
            store.subscribe(query=query, categories=["till"])

    # How far it has come.

    def test_whoever_goes_on_from_a_position_gets_the_rest(self) -> None:
        store = self.mixed()
        asked: list[dict[str, Any]] = [{}, {"types": [Withdrawn]}, {"categories": ["account"]}]
        for filters in asked:
            whole = positions(store.read(**filters))
            for number in range(len(whole) + 1):
                before = store.subscribe(timeout=0, **filters)
                first = positions(itertools.islice(before, number))
                rest = positions(store.subscribe(after=before.position, timeout=0, **filters))
                equal(first + rest, whole, f"{number} events and the rest after position {before.position}")

    def test_the_position_passes_over_what_the_filter_does(self) -> None:
        store = self.mixed()
        subscription = store.subscribe(types=["never.Heard"], timeout=0)
        equal((positions(subscription), subscription.position), ([], 8), "an unheard type, and how far it has looked;")
        store.append("till-1", deposits(9))
        with listening(store.subscribe(types=[Withdrawn])) as listener:
            listener.wait_for(4)
            store.append("till-1", deposits(10, 11))
            listener.wait_until(lambda: listener.subscription.position >= 11, within.SOON)
            equal((listener.subscription.position, positions(listener.seen)), (11, [2, 4, 6, 8]))

    # What is still to come.

    def test_a_waiting_subscriber_gets_what_comes_and_soon(self) -> None:
        store = self.open_store()
        store.append("account-1", deposits(1, 2))
        with listening(store.subscribe(after=1)) as listener:
            equal(listener.wait_for(1), [2])
            for number in range(3, 7):
                time.sleep(MOMENT if number % 2 else 0)
                store.append("account-1", deposits(number))
                equal(
                    listener.wait_for(number - 1, within.SOON),
                    list(range(2, number + 1)),
                    f"seen within {within.SOON} seconds;",
                )

    def test_a_waiting_subscriber_gets_only_what_it_asked_for(self) -> None:
        store = self.open_store()
        asked: list[dict[str, Any]] = [
            {"types": [Withdrawn]},
            {"categories": ["till"]},
            {"query": Query(QueryItem(tags=["vip"]), QueryItem(types=[Withdrawn], tags=["new"]))},
        ]
        with listening(*(store.subscribe(**filters) for filters in asked)) as listeners:
            time.sleep(MOMENT)
            store.append("account-1", [Deposited(1), Withdrawn(2)])
            store.append({"till-1": deposits(3), "account-1": [tagged(4, "vip"), tagged(5, "new")]})
            store.append("tills-1", [NewEvent(Withdrawn(6), tags=["new"])])
            for listener, expected in zip(listeners, ([2, 6], [3], [4, 6]), strict=True):
                equal(listener.wait_for(len(expected)), expected)

    def test_a_subscriber_sees_what_another_handle_writes(self) -> None:
        store = self.open_store()
        store.append("account-1", deposits(1))
        other = self.open_again(store)
        with listening(other.subscribe(), store.subscribe()) as (there, here):
            there.wait_for(1)
            time.sleep(MOMENT)
            store.append("account-1", deposits(2))
            equal(there.wait_for(2, within.SOON), [1, 2], f"seen by the other handle within {within.SOON} seconds;")
            other.append("account-1", deposits(3), expected_version=2)
            for listener in (there, here):
                equal(listener.wait_for(3, within.SOON), [1, 2, 3], f"seen within {within.SOON} seconds;")

    def test_every_subscriber_sees_all_and_sharers_of_one_share_it(self) -> None:
        store = self.mixed()
        first, second, shared = (store.subscribe() for _ in range(3))
        with listening(first, second, shared, shared) as (one, other, half, rest):
            for listener in (one, other):
                equal(listener.wait_for(8), list(range(1, 9)))
            store.append("account-1", deposits(9, 10))
            for listener in (one, other):
                equal(listener.wait_for(10), list(range(1, 11)))
            half.wait_until(lambda: len(half.seen) + len(rest.seen) >= 10, within.PATIENCE)
            equal(sorted(positions(half.seen) + positions(rest.seen)), list(range(1, 11)), "events of two that share")

    def test_a_subscriber_may_write_while_it_listens(self) -> None:
        store = self.open_store()
        store.append("account-1", deposits(1, 2))

        def mirror(recorded: Recorded) -> None:
            store.append("mirror-1", [recorded.payload])

        with listening(store.subscribe(categories=["account"]), work=mirror) as listener:
            listener.wait_for(2)
            store.append("account-1", deposits(3))
            listener.wait_for(3)
        equal(amounts(store.load("mirror-1")), [1, 2, 3])

    # Beside many writers.

    def test_a_subscriber_beside_many_writers_sees_each_event_once_and_in_order(self) -> None:
        store = self.open_store()
        threads, times = WRITERS
        everything, middle = 3 * threads * times, 3 * threads * times // 2
        listeners = [Listener(store.subscribe())]

        def write(number: int) -> Callable[[], None]:
            def append_often() -> None:
                for n in range(times):
                    store.append({f"account-{number}": deposits(n, n), "till-1": [Withdrawn(n)]})

            return append_often

        def join_late() -> None:
            passed = [r.position for r in itertools.islice(store.subscribe(timeout=within.PATIENCE), middle)]
            other = self.open_again(store)
            listeners.append(Listener(store.subscribe(after=passed[-1])))
            listeners.append(Listener(other.subscribe(after=passed[-1], types=[Withdrawn])))

        try:
            at_once([join_late, *map(write, range(threads))])
            log = list(store.read())
            equal(positions(log), list(range(1, everything + 1)))
            late = log[middle:]
            drawn = [r for r in late if r.type.endswith("Withdrawn")]
            for listener, expected in zip(listeners, (log, late, drawn), strict=True):
                equal(listener.wait_for(len(expected)), positions(expected), f"{listener.subscription!r} saw")
        finally:
            for listener in listeners:
                listener.subscription.stop()

    def test_a_reader_that_goes_on_where_it_was_misses_nothing(self) -> None:
        store = self.open_store()
        threads, times = WRITERS
        done, seen = threading.Event(), list[int]()

        def look() -> None:
            while not done.is_set():
                seen.extend(positions(store.read(after=seen[-1] if seen else 0)))

        def write() -> None:
            for n in range(times):
                store.append(f"account-{n % 3}", deposits(n))

        def write_all() -> None:
            try:
                at_once([write] * threads)
            finally:
                done.set()

        at_once([look, write_all])
        seen.extend(positions(store.read(after=seen[-1] if seen else 0)))
        equal(seen, list(range(1, threads * times + 1)))

    def test_a_subscriber_sees_no_event_before_its_batch_is_whole(self) -> None:
        store = self.open_store()
        halves: list[tuple[int, int]] = []

        def look(recorded: Recorded) -> None:
            there = len(store.load("account-1")), store.version("account-1")
            halves.extend([there] * (any(size % 5 for size in there) or there[0] < recorded.version))

        with listening(store.subscribe(), store.subscribe(types=[Deposited]), work=look) as (all_of_it, _):
            for number in range(6):
                time.sleep(MOMENT / 10)
                store.append("account-1", deposits(*[number] * 5))
            equal(all_of_it.wait_for(30), list(range(1, 31)))
        equal(halves, [], "sizes of the stream, loaded and counted, that are not a number of whole batches")

    # How it ends.

    def test_a_subscription_ends_when_nothing_new_came_for_so_long(self) -> None:
        store = self.open_store()
        store.append("account-1", deposits(1))
        subscription, began = store.subscribe(timeout=MOMENT), time.monotonic()
        with listening(subscription) as listener:
            equal(listener.has_ended(), True, f"it has ended {within.SOON} seconds after it should;")
            equal(time.monotonic() - began >= MOMENT, True, "it waited as long as it should;")
        equal(positions(listener.seen), [1])
        again = store.subscribe(timeout=MOMENT)
        for number in (1, 2):
            equal(
                positions(again), [number], "what had come, and what came after the time was over, for whoever goes on;"
            )
            store.append("account-1", deposits(2))

    def test_stop_ends_a_waiting_subscription_from_another_thread(self) -> None:
        store = self.mixed()
        with listening(store.subscribe(), store.subscribe(types=[Withdrawn], timeout=60)) as listeners:
            for listener in listeners:
                listener.wait_for(4)
            time.sleep(MOMENT / 5)
            equal([listener.alive for listener in listeners], [True, True], "they are waiting")
            for listener in listeners:
                listener.subscription.stop()
            equal(
                [listener.has_ended() for listener in listeners],
                [True, True],
                f"they have ended {within.SOON} seconds later",
            )

    def test_a_stopped_subscription_gives_nothing_more(self) -> None:
        store = self.mixed()
        subscription = store.subscribe(timeout=within.PATIENCE)
        equal(positions(itertools.islice(subscription, 3)), [1, 2, 3])
        subscription.stop()
        subscription.stop()
        equal((positions(subscription), subscription.position), ([], 3), "after stop, and how far it came;")
        with store.subscribe(timeout=within.PATIENCE) as events:
            equal(next(events).position, 1)
        equal(positions(events), [], "after the end of with")
