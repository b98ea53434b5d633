"""Rows about looking: steps through a timeline, and the trace that a player gets."""

from __future__ import annotations

import contextlib
import itertools
import random
import statistics
import time
from collections.abc import Callable, Iterator

from eslab import traces
from eslab.domains.bank import Account, Balances
from eslab.events import History
from eslab.stores.sqlite import SqliteStore
from eslab.timeline import Timeline
from tests.benchmarks import by_hand, theirs
from tests.benchmarks.measure import Row, Side, Target, race
from tests.benchmarks.sizes import FLAT, LIBRARY, Files, Sizes
from tests.benchmarks.story import SEED, as_events, balance_of, spread_out, story


def steps(sizes: Sizes, files: Files) -> Iterator[Row]:
    """Step through all versions of a stream, and through a long timeline beside a short one."""
    told = story(sizes.steps - 1, SEED)
    versions = range(1, sizes.steps + 1)
    with SqliteStore(files.new()) as store, contextlib.closing(theirs.open_bank(files.new())) as bank:
        store.append("account-1", as_events(told))
        bank.save(theirs.played("account-1", told))
        taken = race([
            Side("timeline[n]", lambda _: [timeline[n].state.balance
                                           for timeline in [_timeline(store)] for n in versions]),
            Side("at_version(n)", lambda _: [timeline.at_version(n).state.balance
                                             for timeline in [_timeline(store)] for n in versions]),
            Side(LIBRARY, lambda _: [bank.balance("account-1", n) for n in versions]),
            Side("the story", lambda _: [balance_of(told[: n - 1]) for n in versions]),
        ], runs=sizes.runs)  # fmt: skip
    name = f"step through versions 1…{sizes.steps}"
    for ours in ("timeline[n]", "at_version(n)"):
        yield Row(f"{name}, {ours}", f"{LIBRARY} get(version=n)", taken[ours], taken[LIBRARY], Target("faster", 100))
    yield from _long_steps(sizes)


def _timeline(store: SqliteStore) -> Timeline:
    return Timeline(store.load("account-1"), Account)


def _long_steps(sizes: Sizes) -> Iterator[Row]:
    long, short = walked(sizes.large, sizes), walked(sizes.small, sizes)
    starts = random.Random(SEED)
    for way, direction in (("on", 1), ("back", -1)):
        taken = race([
            Side("long", walk(long, sizes.moments, direction), lambda: stand(long, sizes, starts)),
            Side("short", walk(short, sizes.moments, direction), lambda: stand(short, sizes, starts)),
        ], runs=sizes.runs, per=sizes.moments)  # fmt: skip
        name = f"one step {way} in {sizes.large:,} events, {sizes.keys:,} keys"
        yield Row(name, f"the same in {sizes.small:,}", taken["long"], taken["short"], Target("within", FLAT))
    seeks = [_slowest_seeks(long, seed) for seed in range(sizes.runs)]
    name = f"seek anywhere in {sizes.large:,} events, p95"
    yield Row(name, "a frame of 16 ms", seeks, None, Target("in seconds", 0.016))


def walked(length: int, sizes: Sizes) -> Timeline:
    """A timeline of this length that has been at its end once, so that all its keyframes are there."""
    timeline = Timeline(by_hand.recorded(itertools.islice(spread_out(sizes.keys), length)), Balances)
    timeline[-1]
    return timeline


def stand(timeline: Timeline, sizes: Sizes, chance: random.Random) -> int:
    start = chance.randrange(sizes.moments, len(timeline) - sizes.moments)
    timeline[start]
    return start


def walk(timeline: Timeline, moments: int, direction: int) -> Callable[[int], int]:
    def walk(start: int) -> int:
        return sum(timeline[start + direction * n].index == start + direction * n for n in range(1, moments))

    return walk


def _slowest_seeks(timeline: Timeline, seed: int) -> float:
    """The time that 95 of 100 seeks to random moments stay under."""
    chance, taken = random.Random(seed), []
    for _ in range(100):
        index = chance.randrange(len(timeline))
        began = time.perf_counter()
        timeline[index]
        taken.append(time.perf_counter() - began)
    return statistics.quantiles(taken, n=20)[-1]


def trace(sizes: Sizes, files: Files) -> Iterator[Row]:
    """What the kernel does before a player opens: fold a history and write down what each event changed."""
    history = History(by_hand.recorded(itertools.islice(spread_out(sizes.keys), sizes.small)))
    taken = race([Side("eslab", lambda _: len(_trace(history)))], runs=sizes.runs)
    name = f"trace of {sizes.small:,} events over {sizes.keys:,} keys"
    yield Row(name, "2 s to open a player", taken["eslab"], None, Target("in seconds", 2))
    yield Row(f"{name}, an event", "-", [len(_trace(history)) / sizes.small], None, Target("in bytes"))


def _trace(history: History) -> bytes:
    return traces.trace(Timeline(history, Balances))
