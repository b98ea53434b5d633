"""Rows about reading: an aggregate rebuilt, a projection caught up, a short stream in a large log."""

from __future__ import annotations

import contextlib
import io
import itertools
import random
from collections.abc import Iterator
from typing import Any

from eslab.aggregates import Repository
from eslab.domains.bank import Account, Balances
from eslab.projections import Projection, Projector
from eslab.snapshots import Snapshots
from eslab.store import Store
from eslab.stores.sqlite import SqliteStore
from tests.benchmarks import by_hand, theirs
from tests.benchmarks.measure import Row, Side, Target, race
from tests.benchmarks.sizes import ENVELOPE, FLAT, LIBRARY, MINIMUM, Files, Sizes
from tests.benchmarks.story import SEED, as_events, balance_of, spread_out, story


def load(sizes: Sizes, files: Files) -> Iterator[Row]:
    """Load one long stream from a file and rebuild its aggregate."""
    told, path = story(sizes.stream - 1, SEED), files.new()
    with SqliteStore(path) as store, contextlib.closing(theirs.open_bank(files.new())) as bank:
        store.append("account-1", as_events(told))
        bank.save(theirs.played("account-1", told))
        with contextlib.closing(by_hand.connect(path)) as db:
            taken = race([
                Side("eslab", lambda _: Repository(store, Account).load("1").balance),
                Side(LIBRARY, lambda _: bank.balance("account-1")),
                Side(MINIMUM, lambda _: by_hand.balance_minimum(db, "account-1")),
                Side(ENVELOPE, lambda _: by_hand.balance_envelope(db, "account-1")),
                Side("the story", lambda _: balance_of(told)),
            ], runs=sizes.runs)  # fmt: skip
    name = f"load {sizes.stream:,} events, rebuild the aggregate"
    yield Row(name, LIBRARY, taken["eslab"], taken[LIBRARY], Target("faster", 8))
    yield Row(name, MINIMUM, taken["eslab"], taken[MINIMUM], Target("within", 1.3))
    yield Row(name, ENVELOPE, taken["eslab"], taken[ENVELOPE], Target())


def catch_up(sizes: Sizes, files: Files) -> Iterator[Row]:
    """Fold the whole log into the balance of every account, kept as plain Python state."""
    path, bank = files.new(), theirs.open_bank(files.new())
    told = {f"account-{n}": story(sizes.log // sizes.log_accounts - 1, SEED + n) for n in range(sizes.log_accounts)}
    for name, happenings in told.items():
        bank.save(theirs.played(name, happenings))
    with contextlib.closing(bank), contextlib.closing(by_hand.connect(path)) as db, SqliteStore(path) as store:
        placed = [(name, v, e) for name, t in told.items() for v, e in enumerate(as_events(t), 1)]
        by_hand.append(db, placed)
        taken = race([
            Side("eslab", lambda _: sorted(caught_up(store).values())),
            Side(LIBRARY, lambda _: sorted(bank.balances().values())),
            Side(MINIMUM, lambda _: sorted(by_hand.balances_minimum(db).values())),
            Side(ENVELOPE, lambda _: sorted(by_hand.balances_envelope(db).values())),
            Side("the stories", lambda _: sorted(map(balance_of, told.values()))),
        ], runs=sizes.runs)  # fmt: skip
    name = f"projection catch-up over {len(placed):,} events"
    yield Row(name, f"{LIBRARY}, notification log", taken["eslab"], taken[LIBRARY], Target("faster", 2.5))
    yield Row(name, MINIMUM, taken["eslab"], taken[MINIMUM], Target("within", 1.3))
    yield Row(name, ENVELOPE, taken["eslab"], taken[ENVELOPE], Target())


def caught_up(store: Store, projection: Projection | type[Projection] = Balances) -> Any:
    """The balance of every account, as a projector finds it."""
    projector = Projector(store, projection)
    with contextlib.redirect_stderr(io.StringIO()):  # where the progress bar goes
        projector.catch_up()
    return projector.state


def large_log(sizes: Sizes, files: Files) -> Iterator[Row]:
    """Load streams of ten events, which lie far apart in their log, from a large log and from a small one.

    The small log lies in SQLite's own cache; of a larger one, every load reads eleven pages that are not there. (With
    `PRAGMA mmap_size` the reads are gone and the ratio is 1.5 instead of 2.2, but a file that is cut off while it is
    read, or a bad disk, then ends the process instead of raising StoreUnavailable.)
    """
    chance = random.Random(SEED)
    middle = sizes.large // 10
    with _log_of(sizes.large, files) as large, _log_of(middle, files) as less, _log_of(sizes.small, files) as small:
        taken = race([
            Side("large", lambda streams: _loaded(large, streams), lambda: _some(sizes.large, sizes.loads, chance)),
            Side("less", lambda streams: _loaded(less, streams), lambda: _some(middle, sizes.loads, chance)),
            Side("small", lambda streams: _loaded(small, streams), lambda: _some(sizes.small, sizes.loads, chance)),
        ], runs=sizes.runs, per=sizes.loads)  # fmt: skip
    name = f"load a stream of 10 events in a log of {sizes.large:,}"
    yield Row(name, f"the same in {sizes.small:,}", taken["large"], taken["small"], Target("within", FLAT))
    yield Row(name, f"the same in {middle:,}", taken["large"], taken["less"], Target("within"))


def _log_of(length: int, files: Files) -> SqliteStore:
    path = files.new()
    with contextlib.closing(by_hand.connect(path)) as db:
        by_hand.append(db, itertools.islice(spread_out(length // 10), length))
    return SqliteStore(path)


def _some(length: int, loads: int, chance: random.Random) -> list[str]:
    return [f"account-{chance.randrange(length // 10)}" for _ in range(loads)]


def _loaded(store: SqliteStore, streams: list[str]) -> int:
    return sum(len(store.load(stream)) for stream in streams)


def snapshots(sizes: Sizes, files: Files) -> Iterator[Row]:
    """Load a very long stream from its last snapshot, beside folding all of its events."""
    told = story(sizes.long_stream - 1, SEED)
    with SqliteStore(files.new()) as store:
        store.append("account-1", as_events(told))
        kept = Snapshots(store, Account, path=files.new())
        taken = race([
            Side("snapshot", lambda _: kept.load("account-1").balance),
            Side("all events", lambda _: Repository(store, Account).load("1").balance),
            Side("the story", lambda _: balance_of(told)),
        ], runs=sizes.runs)  # fmt: skip
    name = f"load a stream of {sizes.long_stream:,} events from a snapshot"
    yield Row(name, "all its events folded", taken["snapshot"], taken["all events"], Target("faster", 100))
