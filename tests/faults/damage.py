"""A file that is damaged: flipped bytes, a cut end, a disk that is full. What is wrong is found, or changes nothing."""

from __future__ import annotations

import collections
import contextlib
import itertools
import os
import random
import resource
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from eslab.chain import Head
from eslab.errors import BrokenLog, EslabError, StoreUnavailable
from eslab.queries import Query, QueryItem
from eslab.store import Store
from eslab.stores.sqlite import SqliteStore
from eslab.testing import ticking_clock
from tests.faults.figures import Figures
from tests.faults.kills import missing
from tests.faults.places import Place, batch

STREAMS = [f"note-{number}" for number in range(5)]
Damage = Callable[[bytearray], object]


class Victim:
    """A good, chained store, and what becomes of copies of its file that are damaged; `verdicts` counts it.

    With `journal` the newest events are only in the file beside it (-wal), as after a crash.
    """

    def __init__(self, folder: Path, batches: int, *, journal: bool = False, chained: bool = True) -> None:
        self.folder, chance, self.verdicts = folder, random.Random(batches), collections.Counter[str]()
        self.missed: list[str] = []
        with SqliteStore(folder / "good.db", clock=ticking_clock()) as store:  # so that it is the same each time
            if chained:
                store.chain()
            for number in range(batches):
                store.append(batch(f"batch-{number}", chance))
            self.head, self.before, self.events = store.head(), everything(store), store.position
            self.files = self._content() if journal else {}
        self.files = self.files or self._content()

    def _content(self) -> dict[str, bytes]:
        files = {"": self.folder / "good.db", "-wal": self.folder / "good.db-wal"}
        return {suffix: file.read_bytes() for suffix, file in files.items() if file.exists()}

    def judge(self, damage: Damage, suffix: str = "", head: Head | None = None) -> str:
        """Damage a copy, and say what became of it."""
        for leftover in self.folder.glob("bad.db*"):
            leftover.unlink()
        for name, content in self.files.items():
            changed = bytearray(content)
            if name == suffix:
                damage(changed)
            (self.folder / f"bad.db{name}").write_bytes(changed)
        verdict, self.said = found(self.folder / "bad.db", self.before, head)
        self.verdicts[verdict] += 1
        self.missed += [self.said] * (verdict == "missed")
        return verdict

    def figures(self, fault: str) -> Figures:
        """What the verdicts come to: each missed one is one too many."""
        rounds, harmless = self.verdicts.total(), self.verdicts["nothing that is read"]
        noted = "; ".join(
            [*(f"{number:,} {verdict}" for verdict, number in sorted(self.verdicts.items())), *self.missed]
        )
        return Figures(fault, "SQLite", rounds, rounds - harmless, self.events, self.verdicts["missed"], 0, noted)


def everything(store: Store) -> list[Any]:
    """All that the verbs of a store can read: the log, streams, versions, queries by type and tag, ids, the head."""
    log = list(store.read())
    by_tag = [list(store.read(query=of_batch(f"batch-{n}"))) for n in range(8)]
    by_type = list(store.read(query=Query(QueryItem(types=["eslab.faults.Noted"]))))
    filtered = list(store.read(categories=["note"])), list(store.read(types=["eslab.faults.Noted"]))
    streams = [(list(store.load(stream)), store.version(stream)) for stream in STREAMS]
    ids, links = store._with_ids([recorded.id for recorded in log]), store._links(0, len(log))
    return [log, by_tag, by_type, filtered, streams, ids, links, store.position, store.chained, store.head()]


def found(path: Path, before: list[Any], head: Head | None = None) -> tuple[str, str]:
    """Whether the damage was found, or else whether it changes anything that can be read; and what was said."""
    try:
        with SqliteStore(path, patience=0.2) as store:
            return _verified(store, before, head)
    except StoreUnavailable as refusal:
        return "refused on opening", str(refusal)
    except Exception as error:  # whatever it is, it is not what was promised
        return "missed", f"a refusal was promised, and not {error!r}"


def _verified(store: Store, before: list[Any], head: Head | None) -> tuple[str, str]:
    try:
        store.verify(head)
    except BrokenLog as broken:
        return "found by verify", str(broken)
    except StoreUnavailable as refusal:
        return "missed", f"verify names no place: {refusal}"
    try:
        same = everything(store) == before
    except EslabError as error:
        return "missed", f"verify found nothing, but reading fails: {error!r}"
    return ("nothing that is read", "") if same else ("missed", "verify found nothing, but it reads otherwise")


def flip(chance: random.Random, place: int | None = None) -> Damage:
    """Change one to eight bits of the byte at a place, or somewhere."""

    def damage(content: bytearray) -> None:
        content[chance.randrange(len(content)) if place is None else place] ^= chance.randint(1, 255)

    return damage


def flip_bytes(folder: Path, rounds: int, seed: int = 1) -> Figures:
    """A byte of a chained file is flipped: at random places, and everywhere in its header."""
    victim, chance, header = Victim(folder, min(25, rounds // 3)), random.Random(seed), min(100, rounds // 5)
    for place in [*range(header), *[None] * (rounds - header)]:
        victim.judge(flip(chance, place))
    return victim.figures("flipped byte in the file")


def flip_the_journal(folder: Path, rounds: int, seed: int = 1) -> Figures:
    """A flip in the journal cuts off what comes after it, without a word: only an exported head tells."""
    victim, chance = Victim(folder, 12, journal=True), random.Random(seed)
    for _ in range(rounds):
        victim.judge(flip(chance), "-wal", victim.head)
    return victim.figures("flipped byte in the journal")


def cut_off(folder: Path, rounds: int, seed: int = 1) -> Figures:
    """A file loses its end, at any length down to nothing: an exported head tells even that."""
    victim, chance = Victim(folder, min(25, rounds)), random.Random(seed)
    size = len(victim.files[""])
    lengths = [0, 1, 99, 100, 512, 4096, size - 4096, size - 1, *(chance.randrange(size) for _ in range(rounds))]
    for length in lengths[:rounds]:
        victim.judge(lambda content, length=length: content.__delitem__(slice(length, None)), head=victim.head)
    figures = victim.figures("file cut off")
    figures.lost += figures.rounds - figures.landed  # what was cut off is never nothing
    return figures


def fill_the_disk(folder: Path, rounds: int, seed: int = 1) -> Figures:
    """Append until there is no room, at another page each time; then make room and append the same again."""
    chance, place = random.Random(seed), Place(str(folder / "full.db"))
    figures, ledger, numbers = Figures("disk full", place.kind), dict[str, int](), itertools.count(1)
    with SqliteStore(place.where) as store:
        store.chain()
        for _ in range(rounds):
            (pages,) = store._db.execute("PRAGMA page_count").fetchone()
            store._db.execute(f"PRAGMA max_page_count = {pages + chance.randint(0, 6)}")
            name, events = _until_refused(store, chance, ledger, numbers)
            lost, _ = missing(store, ledger)
            assert not list(store.read(query=of_batch(name))), "half of a batch is there"
            store._db.execute("PRAGMA max_page_count = 100000000")
            store.append(events)
            ledger[name] = sum(map(len, events.values()))
            figures += Figures("", "", 1, 1, 0, lost)
        lost, doubled = missing(store, ledger)
    figures.acknowledged, figures.lost, figures.doubled = sum(ledger.values()), figures.lost + lost, doubled
    figures.noted = "each refused append stored as a whole once there was room"
    return figures


def _until_refused(
    store: Store, chance: random.Random, ledger: dict[str, int], numbers: Iterator[int]
) -> tuple[str, Mapping[str, list[Any]]]:
    """Append batches until one is refused because of the disk; that one."""
    for number in numbers:
        name = f"batch-{number}"
        events = batch(name, chance)
        try:
            store.append(events)
        except StoreUnavailable as refusal:
            if refusal.facts["code"] not in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
                raise
            break
        ledger[name] = sum(map(len, events.values()))
    return name, events


def of_batch(name: str) -> Query:
    return Query(QueryItem(tags=[f"batch:{name}"]))


def limit_the_file(folder: Path, rounds: int, seed: int = 1) -> Figures:
    """The system refuses every write beyond some length of a file: a real error in the midst of a commit."""
    chance, place = random.Random(seed), Place(str(folder / "limited.db"))
    figures, ledger, numbers = Figures("write refused", place.kind), dict[str, int](), itertools.count(1)
    for first in range(0, rounds, 10):
        with place.open() as store:
            for _ in range(first, min(first + 10, rounds)):
                longest = max(os.path.getsize(file) for file in folder.iterdir())
                with no_file_beyond(longest + chance.randint(0, 30_000)):
                    name, events = _until_refused(store, chance, ledger, numbers)
                    lost, _ = missing(store, ledger)
                assert not list(store.read(query=of_batch(name))), "half of a batch is there"
                store.append(events)
                ledger[name] = sum(map(len, events.values()))
                figures += Figures("", "", 1, 1, 0, lost)
    with place.open() as store:
        lost, doubled = missing(store, ledger)
    figures.acknowledged, figures.lost, figures.doubled = sum(ledger.values()), figures.lost + lost, doubled
    figures.noted = "each refused append stored as a whole afterwards"
    return figures


@contextlib.contextmanager
def no_file_beyond(most: int) -> Iterator[None]:
    """No file of this process may grow beyond so many bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
