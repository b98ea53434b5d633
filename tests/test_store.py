"""The store contract: every store keeps it, and the suite notices the stores that do not."""

import threading
import time

import pytest

from eslab import MemoryStore
from eslab.contract.materials import deposits
from eslab.errors import DuplicateEvent
from eslab.events import Recorded
from eslab.store import PAGE
from eslab.stores.sqlite import SqliteStore
from eslab.testing import StoreContract, check_store


class TestMemoryStore(StoreContract):
    def open_store(self, **options):
        return MemoryStore(**options)


class TestSqliteStore(StoreContract):
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path):
        self.folder, self.opened = tmp_path, []
        yield
        for store in self.opened:
            store.close()

    def open_store(self, **options):
        self.opened.append(SqliteStore(self.folder / f"{len(self.opened)}.db", **options))
        return self.opened[-1]


class TestSqliteStoreInMemory(StoreContract):
    def open_store(self, **options):
        return SqliteStore(":memory:", **options)


# --- stores that are wrong, each in one way ---


class StoresHalfABatch(MemoryStore):
    def append(self, stream, events, **options):
        done = []
        for event in events:
            done += super().append(stream, [event], **options)
            options.pop("expected_version", None)
        return tuple(done)


class AcceptsAVersionFromTheFuture(MemoryStore):
    def append(self, stream, events, *, expected_version=None, **options):
        if type(expected_version) is int and expected_version > self.version(stream):
            expected_version = self.version(stream)
        known = {} if expected_version is None else {"expected_version": expected_version}
        return super().append(stream, events, **known, **options)


class LimitsBeforeItFilters(MemoryStore):
    def _log(self, after, until, types, categories, limit):
        page = super()._log(after, until, None, None, limit)
        wanted = [row for row in page if types is None or row.type in types]
        return [row for row in wanted if categories is None or row.category in categories]


class TakesAfterAsInclusive(MemoryStore):
    def _log(self, after, until, types, categories, limit):
        return super()._log(max(after - 1, 0), until, types, categories, limit)


class LosesMetadata(MemoryStore):
    def append(self, stream, events, *, metadata=None, **options):
        return super().append(stream, events, **options)


class ForgetsIds(MemoryStore):
    def _with_ids(self, ids):
        return []


class ChecksAndThenWrites(MemoryStore):
    """Two writers may both find the version that they expected, and both write."""

    def _writing(self):
        return threading.Lock()

    def _insert(self, rows):
        time.sleep(0.0005)
        super()._insert(rows)


class KeepsTheObject(MemoryStore):
    """Gives back the very object that it was given, not what was stored of it."""

    def append(self, stream, events, **options):
        events = list(events)
        recorded = super().append(stream, events, **options)
        for one, event in zip(recorded, events, strict=True):
            KEPT[one.stream, one.version] = event
        return recorded

    def load(self, stream, **options):
        return tuple(Alias(*(getattr(one, name) for name in one.__struct_fields__)) for one in super().load(stream))


KEPT = {}


class Alias(Recorded, frozen=True):
    @property
    def payload(self):
        return KEPT[self.stream, self.version]


class ReadsOnWhileOthersWrite(MemoryStore):
    def _pages(self, after, until, types, categories, limit):
        while row := self._log(after, self.position, types, categories, 1 if limit is None else min(limit, 1)):
            yield from row
            after, limit = row[0].position, None if limit is None else limit - 1


class TrustsACopy(MemoryStore):
    def copy(self, history):
        rows = list(history)
        with self._lock:
            self._insert([Recorded(self.position + n, *self._rest(row)) for n, row in enumerate(rows, 1)])
        return tuple(rows)

    def _rest(self, row):
        return [getattr(row, name) for name in row.__struct_fields__[1:]]


class ReadsOnePage(MemoryStore):
    def _pages(self, after, until, types, categories, limit):
        yield from self._log(after, until, types, categories, PAGE if limit is None else min(limit, PAGE))


WRONG = {
    StoresHalfABatch: "a batch with one bad event stores nothing",
    AcceptsAVersionFromTheFuture: "a stale or future version is refused and the error has the facts",
    LimitsBeforeItFilters: "the limit counts what is left after the filters",
    TakesAfterAsInclusive: "read takes after as exclusive and until as inclusive",
    LosesMetadata: "metadata is that of the append and of the event",
    ForgetsIds: "the same append again returns what was recorded",
    ChecksAndThenWrites: "many threads write one stream and lose nothing",
    KeepsTheObject: "changing an object after the append changes no fact",
    ReadsOnWhileOthersWrite: "read ends where the log ended when it was asked",
    TrustsACopy: "a copy with a gap is refused and stores nothing",
    ReadsOnePage: "a long log is read whole",
}


@pytest.mark.parametrize("wrong", WRONG, ids=lambda store: store.__name__)
def test_the_contract_notices_a_store_that(wrong):
    assert WRONG[wrong] in check_store(wrong)


def test_a_right_store_passes_without_pytest():
    assert check_store(MemoryStore) == {}


def test_a_contract_without_a_store_says_what_is_missing():
    with pytest.raises(TypeError, match="TestNothing does not say how its store is made: give it open_store"):
        type("TestNothing", (StoreContract,), {})().test_an_empty_store_has_nothing_and_says_so()


def test_the_contract_is_made_of_all_its_parts():
    parts = [part.__name__ for part in StoreContract.__bases__]
    assert parts == ["Facts", "Appends", "Reads", "Copies", "Threads"]
    assert len(StoreContract.names()) == len(set(StoreContract.names())) >= 50


def test_a_store_says_how_much_it_holds(store, bank):
    store.copy(bank)
    assert repr(store) == f"<{type(store).__name__}: 3 events>"


def test_an_id_source_that_repeats_itself_is_refused():
    store = MemoryStore(ids=lambda: "always-the-same")
    store.append("account-1", deposits(1))
    with pytest.raises(DuplicateEvent):
        store.append("account-1", deposits(2))
    assert store.position == 1
