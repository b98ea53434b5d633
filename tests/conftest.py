"""What several tests share: the account of Ada, and a store of each kind."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from postgres import postgres

from eslab import History, MemoryStore
from eslab.domains.bank import AccountOpened, MoneyDeposited, MoneyWithdrawn
from eslab.store import Store
from eslab.stores.sqlite import SqliteStore

__all__ = ["postgres"]  # a fixture of its own module, which also runs without pytest


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store; a test that takes it runs once on each kind."""
    with MemoryStore() if request.param == "memory" else SqliteStore(tmp_path / "events.db") as opened:
        yield opened


@pytest.fixture
def bank() -> History:
    """Ada opens account 1, deposits 100 and withdraws 30: three events, balance 70."""
    return MemoryStore().append("account-1", [AccountOpened("Ada"), MoneyDeposited(100), MoneyWithdrawn(30)])
