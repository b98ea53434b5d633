"""Where the events of a fault are kept: a place that any process can open, and words to write and to check there."""

from __future__ import annotations

import collections
import dataclasses
import multiprocessing
import random
from collections.abc import Iterable, Iterator
from typing import Any

from eslab import NewEvent, event
from eslab.events import Recorded
from eslab.store import Store
from eslab.stores import connect
from eslab.stores.memory import MemoryStore

PROCESSES = multiprocessing.get_context("forkserver")
# what every process needs is imported once (pytest too: it is the program that runs, if the tests do)
PROCESSES.set_forkserver_preload(["pytest", "tests.faults.view_work", "eslab.stores.postgres", "eslab.stores.sqlite"])


@event(name="eslab.faults.Noted")
class Noted:
    """One event of a batch: which batch, its number in it (first = 1), and of how many."""

    batch: str
    number: int
    of: int
    text: str = ""


@event(name="eslab.faults.Deposited")
class Deposited:
    """`balance` is the one after it, as far as the teller knew: another's deposit that was missed shows in it."""

    amount: int
    balance: int


@event(name="eslab.faults.Ended")
class Ended:
    """The last event of a run: a subscriber that sees it has seen everything."""


@dataclasses.dataclass(frozen=True)
class Place:
    """A SQLite file, or a schema of a PostgreSQL server."""

    where: str
    schema: str | None = None

    @property
    def kind(self) -> str:
        return "PostgreSQL" if self.schema else "SQLite"

    def open(self, **options: Any) -> Store:
        return connect(self.where, **({"schema": self.schema} if self.schema else {}), **options)


class InMemory:
    """The same for threads: everybody opens the one store."""

    kind = "memory"

    def __init__(self) -> None:
        self.store = MemoryStore()

    def open(self) -> Store:
        return self.store


def batch(name: str, chance: random.Random, largest: int = 40) -> dict[str, list[NewEvent]]:
    """A batch of a seeded size, to one stream or to two at once, with ids that are the same each time it is made."""
    size = chance.randint(1, largest)
    events = [
        NewEvent(Noted(name, n, size, "x" * chance.randint(0, 60)), id=f"{name}/{n}", tags=(f"batch:{name}",))
        for n in range(1, size + 1)
    ]
    first, second = (f"note-{number}" for number in chance.sample(range(5), 2))
    cut = chance.randint(0, size)
    parts = {first: events[:cut], second: events[cut:]}
    return {stream: part for stream, part in parts.items() if part}


def batches_in(log: Iterable[Recorded]) -> Iterator[tuple[str, bool, int]]:
    """Each batch that is in a log: its name, whether it is whole and in one piece, and how many are there twice."""
    found: dict[str, list[tuple[int, int, int]]] = collections.defaultdict(list)
    for recorded in log:
        if recorded.type == "eslab.faults.Noted":
            data = recorded.data
            found[data["batch"]].append((data["number"], data["of"], recorded.position))
    for name, events in found.items():
        numbers, sizes, positions = zip(*events, strict=True)
        wanted = list(range(1, sizes[0] + 1))
        in_one_piece = positions[-1] - positions[0] == len(positions) - 1
        yield name, list(numbers) == wanted and in_one_piece, len(numbers) - len(set(numbers))


def without_gaps(log: list[Recorded]) -> bool:
    """Positions are 1, 2, 3 … and so are the versions of each stream."""
    versions: collections.Counter[str] = collections.Counter()
    for position, recorded in enumerate(log, 1):
        versions[recorded.stream] += 1
        if (recorded.position, recorded.version) != (position, versions[recorded.stream]):
            return False
    return True
