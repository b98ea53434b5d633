"""Rows about subscriptions: how soon an event is seen elsewhere, and what it costs to wait for one."""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections.abc import Iterator

from eslab.domains.bank import MoneyDeposited
from eslab.store import Store
from eslab.stores import connect
from tests.benchmarks.measure import Row, Seconds, Target, must_agree, p95
from tests.benchmarks.places import MEMORY, PLACES, places
from tests.benchmarks.sizes import Files, Sizes
from tests.benchmarks.story import SEED
from tests.benchmarks.workers import Worker

Seen = list[tuple[int, float]]
"""Positions, and when an event was there; the clock is the same in all processes of a machine."""


def latency(sizes: Sizes, files: Files) -> Iterator[Row]:
    """From the call of a durable append to the moment at which a waiting subscriber has the event in its hands."""
    with places(files) as somewhere:
        for place in PLACES:
            yield from _rows(f"{place}: append to seen in another thread", _by_thread(somewhere.address(place), sizes))
            if place != MEMORY:
                taken = _by_process(somewhere.address(place), sizes)
                yield from _rows(f"{place}: append to seen in another process", taken)


def _rows(name: str, taken: Seconds) -> Iterator[Row]:
    yield Row(f"{name}, median", "-", taken, None, Target())
    yield Row(f"{name}, p95", "-", [p95(taken)], None, Target())


def _by_thread(address: str, sizes: Sizes) -> Seconds:
    seen: Seen = []
    with connect(address) as store, store.subscribe() as events:
        watched = (seen.append((recorded.position, time.perf_counter())) for recorded in events)
        thread = threading.Thread(target=lambda: list(itertools.islice(watched, sizes.sightings)))
        thread.start()
        began = appended(store, sizes.sightings)
        thread.join(timeout=10)
    return between(began, seen)


def _by_process(address: str, sizes: Sizes) -> Seconds:
    with connect(address) as store, Worker({"task": "watch", "address": address}) as watcher:
        watcher.tell(sizes.sightings)
        began = appended(store, sizes.sightings)
        return between(began, [(position, at) for position, at in watcher.hear()])


def appended(store: Store, count: int, first: int = 1) -> Seen:
    """Append now and then, so that the subscriber has begun to wait again, and is at any point of its waiting."""
    chance, began = random.Random(SEED), []
    for number in range(first, first + count):
        time.sleep(chance.uniform(0.005, 0.03))
        began.append((number, time.perf_counter()))
        store.append("account-1", [MoneyDeposited(number)])
    return began


def between(began: Seen, seen: Seen) -> Seconds:
    must_agree({"appended": [position for position, _ in began], "seen": [position for position, _ in seen]})
    return [there - called for (_, called), (_, there) in zip(began, seen, strict=True)]


def idle(sizes: Sizes, files: Files) -> Iterator[Row]:
    """What a subscriber takes of one core while nothing comes; in a process that does nothing else."""
    with places(files) as somewhere:
        for place in PLACES:
            with Worker({"task": "idle", "address": somewhere.address(place)}) as waiter:
                waiter.tell(sizes.idle_seconds)
                name = f"{place}: a waiting subscriber, of one core over {sizes.idle_seconds:g} s"
                yield Row(name, "-", [waiter.hear()], None, Target("in percent"))
