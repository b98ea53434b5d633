"""Rows about size: what an event takes in the memory of a process, and on the disk."""

from __future__ import annotations

import gc
import itertools
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import psutil

from eslab import frames
from eslab.domains.bank import Balances
from eslab.events import History
from eslab.store import Store
from eslab.stores.memory import MemoryStore
from eslab.stores.sqlite import SqliteStore
from eslab.timeline import Timeline
from tests.benchmarks import by_hand
from tests.benchmarks.measure import Row, Target, must_agree
from tests.benchmarks.places import POSTGRES, SQLITE, Places, fill, places
from tests.benchmarks.sizes import Files, Sizes
from tests.benchmarks.story import spread_out
from tests.benchmarks.workers import Worker

JSON_LINES = "JSON lines"


def rss() -> int:
    """Bytes of memory that this process holds."""
    gc.collect()
    return int(psutil.Process().memory_info().rss)


class Peak:
    """The most memory that this process held during a `with`, looked at every few milliseconds, in bytes."""

    def __enter__(self) -> Peak:
        self.bytes, self._over = rss(), threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def _watch(self) -> None:
        process = psutil.Process()
        while not self._over.wait(0.005):
            self.bytes = max(self.bytes, process.memory_info().rss)

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


# --- in memory: each in a process of its own, beyond what it is made of ---------------------------------------------


def _history(store: Store) -> History:
    return History(store.read())


def _timeline(history: History) -> Timeline:
    """With all its keyframes."""
    timeline = Timeline(history, Balances)
    timeline[-1]
    return timeline


def _memory_store(store: Store) -> MemoryStore:
    kept = MemoryStore()
    fill(kept, store.read())
    return kept


KINDS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "a History": (lambda store: store, _history),
    "a MemoryStore": (lambda store: store, _memory_store),
    "a Timeline, beyond its history": (_history, _timeline),
    "frames.events, beyond its history": (_history, frames.events),
}
"""What a thing is made of, and how it is made of that."""


def weighed(kind: str, path: str) -> float:
    """How many bytes more the process holds for each event; to be asked of a process that has done nothing before."""
    made_of, make = KINDS[kind]
    few = MemoryStore()
    with SqliteStore(path) as store:
        fill(few, store.read(limit=100))
        make(made_of(few))  # imports what it needs
        given = made_of(store)
        before = rss()
        made = make(given)
        after = rss()
        assert made is not None
        return (after - before) / store.position


def memory(sizes: Sizes, files: Files) -> Iterator[Row]:
    """What an event of a bank takes, with a payload of some ten characters."""
    with places(files) as somewhere, SqliteStore(files.new()) as store, somewhere.postgres.open_store() as server:
        for one in (store, server):
            fill(one, by_hand.recorded(itertools.islice(spread_out(sizes.keys), sizes.weighed)))
        must_agree({"events": sizes.weighed, SQLITE: store.position, POSTGRES: server.position})
        for kind in KINDS:
            runs = [_in_a_process(kind, store.path) for _ in range(sizes.few)]
            yield Row(f"memory of an event in {kind}, of {sizes.weighed:,}", "-", runs, None, Target("in bytes"))
        path, lines, on_server = Path(store.path), _lines(store, files), _bytes_of(server.schema, somewhere)
    for place, size in ((SQLITE, path.stat().st_size), (POSTGRES, on_server)):
        yield _on_disk(place, size, lines, sizes)


def _in_a_process(kind: str, path: str) -> float:
    with Worker({"task": "weigh", "path": path, "kind": kind}) as worker:
        worker.tell(None)
        return float(worker.hear())


def _lines(store: Store, files: Files) -> int:
    """The size of the same events as text, all ten fields of each."""
    path = files.new().with_suffix(".jsonl")
    path.write_bytes(b"\n".join(map(msgspec.json.encode, store.read())))
    return path.stat().st_size


def _bytes_of(schema: str, somewhere: Places) -> int:
    """What the tables of a schema take on the server, with their indexes."""
    (size,) = somewhere.postgres.ask(
        "SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relkind = 'r' AND relnamespace = %s::regnamespace",
        schema,
    )[0]
    return int(size)


def _on_disk(place: str, size: int, lines: int, sizes: Sizes) -> Row:
    each = [[size / sizes.weighed], [lines / sizes.weighed]]
    return Row(f"disk of an event in {place}, of {sizes.weighed:,}", JSON_LINES, *each, Target("in bytes"))
