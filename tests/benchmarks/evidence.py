"""Rows about the hash chain: what it costs to append to, and how long it takes to verify a log."""

from __future__ import annotations

from collections.abc import Iterator

from eslab.store import Store
from eslab.stores import connect
from tests.benchmarks import by_hand
from tests.benchmarks.measure import Row, Side, Target, race
from tests.benchmarks.places import PLACES, Places, fill, places
from tests.benchmarks.sizes import Files, Sizes
from tests.benchmarks.story import SEED, as_events, story


def chain(sizes: Sizes, files: Files) -> Iterator[Row]:
    """Append a long story in one durable batch to a chained log, beside one that is not; verify a longer one."""
    with places(files) as somewhere:
        for place in PLACES:
            yield from _chained(place, somewhere, sizes)


def _chained(place: str, somewhere: Places, sizes: Sizes) -> Iterator[Row]:
    events = as_events(story(sizes.stream - 1, SEED))

    def append(store: Store) -> None:
        store.append("account-1", events)

    taken = race([
        Side("chained", append, lambda: _store(somewhere.address(place), chained=True), _closed),
        Side("not chained", append, lambda: _store(somewhere.address(place)), _closed),
    ], runs=sizes.few)  # fmt: skip
    name = f"{place}: append {sizes.stream:,} events in one durable batch, chained"
    yield Row(name, "not chained", taken["chained"], taken["not chained"], Target())
    placed = [("account-1", n, e) for n, e in enumerate(as_events(story(sizes.long_stream - 1, SEED)), 1)]
    with _store(somewhere.address(place)) as store:
        fill(store, by_hand.recorded(placed))
        store.chain()
        taken = race([
            Side("verify", lambda _: store.verify().events), Side("the story", lambda _: len(placed)),
        ], runs=sizes.few)  # fmt: skip
    yield Row(f"{place}: verify {len(placed):,} events, chained", "-", taken["verify"], None, Target())


def _store(address: str, *, chained: bool = False) -> Store:
    store = connect(address)
    if chained:
        store.chain()
    return store


def _closed(store: Store) -> tuple[int, str]:
    with store:
        return store.position, store.load("account-1")[-1].payload_text
