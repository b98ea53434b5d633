"""The store contract: every store keeps it, and the suite notices the stores that do not."""

import threading

import pytest
from wrong_stores import CAUGHT, check

from eslab import MemoryStore
from eslab.contract import listeners
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

    def open_again(self, store):
        self.opened.append(SqliteStore(store.path))
        return self.opened[-1]


class TestSqliteStoreInMemory(StoreContract):
    def open_store(self, **options):
        return SqliteStore(":memory:", **options)


# --- the contract notices stores that are wrong, each in one way: see the folder wrong_stores ---

SENTENCES = [name.removeprefix("test_").replace("_", " ") for name in StoreContract.names()]


@pytest.fixture
def impatient(monkeypatch):
    """Waiting for what a wrong store will never give: shorter here than `python -m tests.wrong_stores` does."""
    monkeypatch.setattr(listeners, "PATIENCE", 0.12)
    monkeypatch.setattr(listeners, "SOON", 0.12)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("wrong", CAUGHT, ids=lambda store: store.__name__)
def test_the_contract_notices_a_store_that(wrong):
    assert set(CAUGHT[wrong]) - set(check(wrong, CAUGHT[wrong])) == set()


@pytest.mark.slow
@pytest.mark.parametrize("wrong", CAUGHT, ids=lambda store: store.__name__)
def test_the_patient_contract_notices_a_store_that(wrong):
    assert set(CAUGHT[wrong]) - set(check(wrong, CAUGHT[wrong])) == set()


def test_every_test_of_the_contract_is_worth_its_place():
    needed = {sentence for caught_by in CAUGHT.values() for sentence in caught_by}
    assert sorted(set(SENTENCES) - needed) == []
    assert sorted(needed - set(SENTENCES)) == []


def test_a_test_that_never_ends_is_a_finding():
    class WaitsForEver(MemoryStore):
        def read(self, **asked):
            threading.Event().wait()

    sentence = "an empty store has nothing and says so"
    found = check_store(WaitsForEver, tests=[sentence], patience=0.05)
    assert found == {sentence: "the test did not end within 0.05 seconds"}


def test_a_right_store_passes_without_pytest():
    assert check_store(MemoryStore, tests=SENTENCES[:40]) == {}


def test_a_contract_without_a_store_says_what_is_missing():
    with pytest.raises(TypeError, match="TestNothing does not say how its store is made: give it open_store"):
        type("TestNothing", (StoreContract,), {})().test_an_empty_store_has_nothing_and_says_so()


def test_the_contract_is_made_of_all_its_parts():
    parts = [part.__name__ for part in StoreContract.__bases__]
    assert parts == [
        "Facts", "Appends", "Reads", "Copies", "Threads", "Several", "Queries", "Conditions", "Subscriptions", "Chains",
    ]  # fmt: skip
    assert len(StoreContract.names()) == len(set(StoreContract.names())) >= 110


def test_a_store_says_how_much_it_holds(store, bank):
    store.copy(bank)
    assert repr(store) == f"<{type(store).__name__}: 3 events>"
