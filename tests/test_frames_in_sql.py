"""SQL over a log where it lies: the same answer from a store, its file, Parquet, a history or a frame, and no harm."""

import datetime as dt
import socket

import pandas as pd
import pytest
from hypothesis import given, settings

from eslab import MemoryStore, connect, datasets, frames, readers
from eslab.domains.bank import Account, AccountOpened, MoneyDeposited
from eslab.errors import StoreUnavailable
from tests.any_history import histories

TOTALS = """SELECT stream, count(*) AS events, sum((payload->>'amount')::INTEGER) AS moved, max(occurred_at) AS last
            FROM events GROUP BY stream ORDER BY stream"""


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """One history wherever a log can lie."""
    folder, history = tmp_path_factory.mktemp("logs"), datasets.load("bank")
    store, memory = connect(folder / "bank.db"), MemoryStore()
    store.copy(history)
    memory.copy(history)
    readers.to_parquet(history, folder / "bank.parquet")
    readers.to_parquet(history, folder / "parts", partitions=3)
    yield {"history": history, "store": store, "memory": memory, "file": folder / "bank.db",
           "parquet": folder / "bank.parquet", "parts": str(folder / "parts")}  # fmt: skip
    store.close()


def by_hand(history):
    rows = {}
    for recorded in history:
        row = rows.setdefault(recorded.stream, [0, 0, recorded.occurred_at])
        rows[recorded.stream] = [row[0] + 1, row[1] + getattr(recorded.payload, "amount", 0), recorded.occurred_at]
    return [[stream, *rows[stream]] for stream in sorted(rows)]


@pytest.mark.parametrize("place", ["history", "store", "memory", "file", "parquet", "parts"])
def test_the_answer_is_the_same_wherever_the_log_lies(places, place):
    found = frames.sql(places[place], TOTALS)
    assert found.astype(object).to_numpy().tolist() == by_hand(places["history"])
    assert found.dtypes.astype(str).to_dict() == {
        "stream": "str", "events": "int64", "moved": "int64", "last": "datetime64[us, UTC]",
    }  # fmt: skip


@pytest.mark.parametrize("place", ["history", "store", "parts"])
def test_a_query_may_go_through_the_log_twice(places, place):
    pairs = frames.sql(places[place], "SELECT count(*) AS n FROM events JOIN events AS next USING (position)")
    assert pairs["n"][0] == len(places["history"])


@settings(max_examples=20, deadline=None)
@given(histories())
def test_every_event_comes_back_as_it_is(history):
    found = frames.sql(history, "SELECT * FROM events ORDER BY position")
    names = ["position", "stream", "version", "type", "schema_version", "id", "payload", "metadata"]
    fields = [name.replace("payload", "payload_text").replace("metadata", "metadata_text") for name in names]
    expected = [[getattr(one, field) for field in fields] for one in history]
    assert found[names].astype(object).to_numpy().tolist() == expected
    times = pd.DataFrame(found[["recorded_at", "occurred_at"]]).map(lambda one: one.to_pydatetime()).to_numpy().tolist()
    assert times == [[one.recorded_at, one.occurred_at] for one in history]


def test_a_frame_is_a_table_and_so_are_others_by_name(places):
    made = frames.states(places["history"], Account)
    owners = frames.at(places["history"], Account)
    query = """SELECT owners."state.owner" AS owner, count(*) AS n FROM events JOIN owners USING (stream)
               WHERE owners."state.balance" > 0 GROUP BY ALL ORDER BY ALL"""
    found = frames.sql(made, query, owners=owners)
    assert found["n"].sum() == len(places["history"])
    assert str(found["owner"].dtype) == "str"


def test_what_pandas_has_no_kind_for_is_kept_and_said():
    query = """SELECT 1.50::DECIMAL(9, 2) AS price, [1, 2] AS list, '2000000000000000000001'::HUGEINT AS huge,
               CASE WHEN false THEN 1 END AS nothing"""
    found = frames.sql([], query)
    assert str(found["price"][0]) == "1.50"
    assert (found["list"][0], int(found["huge"][0])) == ([1, 2], 2 * 10**21 + 1)
    assert any("price holds Decimal" in note for note in found.attrs["notes"])
    assert str(found["nothing"].dtype) == "Int64"


def test_an_empty_log_has_all_columns():
    found = frames.sql(MemoryStore(), "SELECT * FROM events")
    assert list(found) == ["position", "stream", "version", "type", "schema_version", "id", "recorded_at",
                           "occurred_at", "payload", "metadata"]  # fmt: skip
    assert (len(found), str(found["recorded_at"].dtype)) == (0, "datetime64[us, UTC]")


def test_what_is_appended_while_it_asks_is_not_half_seen():
    class Growing(MemoryStore):
        def read(self, **narrowed):
            self.append("account-2", [MoneyDeposited(1)])
            return super().read(**narrowed)

    store = Growing()
    store.append("account-1", [AccountOpened("Ada"), MoneyDeposited(1)])
    assert frames.sql(store, "SELECT count(*) AS n FROM events JOIN events AS again USING (position)")["n"][0] == 2


# --- no harm ---


@pytest.mark.parametrize("query", [
    "INSERT INTO events VALUES (1)", "DROP VIEW events", "CREATE TABLE mine AS SELECT 1", "COPY events TO 'x.csv'",
    "ATTACH 'x.db'",
    "INSTALL sqlite", "SET enable_external_access = true", "SELECT 1; SELECT 2", "", "EXPLAIN SELECT 1",
])  # fmt: skip
def test_only_one_select_is_run(places, query):
    with pytest.raises(frames.InvalidFrame, match="expected one SELECT: a log is only asked"):
        frames.sql(places["file"], query)


@pytest.mark.parametrize("query", [
    "SELECT * FROM read_csv('/etc/passwd')", "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM sqlite_scan('x.db', 'events')",
    "SELECT * FROM glob('/*')", "SELECT * FROM read_text('https://example.org/x')", "SELECT * FROM source",
])  # fmt: skip
def test_a_query_reaches_no_other_file_no_network_and_no_variable(places, query, monkeypatch):
    monkeypatch.setattr(socket, "socket", None)
    with pytest.raises(frames.InvalidFrame, match="the query failed"):
        frames.sql(frames.events(places["history"]), query)


def test_a_query_that_fails_says_what_there_is():
    with pytest.raises(frames.InvalidFrame, match=r"(?s)amount.*are events \(position, stream, .*metadata\)"):
        frames.sql([], "SELECT amount FROM events")


def test_what_is_no_log_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("no log")
    (tmp_path / "empty").mkdir()
    with pytest.raises(StoreUnavailable, match="there is no such file"):
        frames.sql(tmp_path / "missing.db", "SELECT 1")
    with pytest.raises(StoreUnavailable, match="not a SQLite file"):
        frames.sql(tmp_path / "notes.txt", "SELECT 1")
    with pytest.raises(frames.InvalidFrame, match="holds no Parquet files"):
        frames.sql(tmp_path / "empty", "SELECT 1")
    with pytest.raises(frames.InvalidFrame, match="cannot be read as Parquet"):
        frames.sql(tmp_path, "SELECT 1")
    with pytest.raises(frames.InvalidFrame, match=r"^a history holds or is date, expected recorded events"):
        frames.sql([dt.date(2026, 3, 2)], "SELECT * FROM events")
