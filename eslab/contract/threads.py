"""The fifth part of the contract: many threads at once lose nothing, and see nothing half done."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress

from eslab.contract.materials import Workbench, amounts, at_once, deposits, equal, positions, versions
from eslab.errors import WrongExpectedVersion

WRITERS = 8, 12
"""How many threads write to one stream, and how often each."""
TRIES = 2_000
"""After so many conflicts in a row a writer gives up; with a right store it is a handful."""


class Threads(Workbench):
    def test_many_threads_write_one_stream_and_lose_nothing(self) -> None:
        store = self.open_store()
        threads, times = WRITERS

        def deposit_one() -> None:
            for _ in range(TRIES):
                history = store.load("account-1")
                balance = history[-1].payload.amount if history else 0
                with suppress(WrongExpectedVersion):
                    store.append("account-1", deposits(balance + 1), expected_version=len(history))
                    return
            raise AssertionError(f"{TRIES} appends in a row met a conflict, expected that one of the writers gets on")

        def deposit_often() -> None:
            for _ in range(times):
                deposit_one()

        at_once([deposit_often] * threads)
        equal(amounts(store.load("account-1")), list(range(1, threads * times + 1)))
        equal(positions(store.read()), list(range(1, threads * times + 1)))

    def test_many_threads_write_many_streams_and_leave_no_gap(self) -> None:
        store = self.open_store()
        threads, times = WRITERS

        def fill(number: int) -> Callable[[], None]:
            def append_pairs() -> None:
                for n in range(times):
                    store.append(f"account-{number}", deposits(n, n))

            return append_pairs

        at_once([fill(number) for number in range(threads)])
        equal(positions(store.read()), list(range(1, 2 * threads * times + 1)))
        for number in range(threads):
            equal(versions(store.load(f"account-{number}")), list(range(1, 2 * times + 1)))

    def test_readers_never_see_half_a_batch(self) -> None:
        store = self.open_store()
        done = threading.Event()

        def write() -> None:
            try:
                for n in range(30):
                    store.append("account-1", deposits(*[n] * 5))
            finally:
                done.set()

        def look() -> None:
            last = 0
            while not done.is_set():
                sizes = len(store.load("account-1")), store.version("account-1"), len(list(store.read()))
                for size in sizes:
                    equal((size % 5, size >= last), (0, True), f"a reader saw {size} events, after {last}; the rest")
                    last = size

        at_once([write, look, look])
        equal(store.position, 150)
