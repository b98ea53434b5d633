"""A log goes to Parquet and comes back as it was; what others keep there is read with its columns."""

import datetime as dt
import os
import signal
import subprocess
import sys
import time
from decimal import Decimal

import msgspec
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eslab import History, Recorded
from eslab.domains.made_up import bank, orders
from eslab.errors import InvalidPayload, InvalidPosition, InvalidTime, UnreadableLog
from eslab.readers import parts
from eslab.readers.parquet import parquet, to_parquet

NOON = dt.datetime(2026, 5, 3, 12, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def history():
    return bank(seed=7, events=300)


def rows(**columns):
    """Two sales of a shop, as a table; a column may be another."""
    plain = {"case": ["7", "8"], "what": ["Sold", "Sold"], "at": [NOON, NOON + dt.timedelta(days=1)]}
    return pa.table({**plain, **columns})


MAPPING = {"stream": "case", "type": "what", "occurred_at": "at", "category": "sale"}


# --- there and back -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "partitions"), [("log.parquet", 1), ("log", 1), ("log", 5)])
@pytest.mark.parametrize("told", [bank(seed=1, events=100), orders(), History([])], ids=["bank", "orders", "empty"])
def test_a_log_comes_back_as_it_was(told, name, partitions, tmp_path):
    assert to_parquet(iter(told), tmp_path / name, partitions=partitions) == len(told)
    log = parquet(tmp_path / name)
    assert log.history() == told
    assert list(log) == list(told)
    assert os.listdir(tmp_path) == [name]


texts = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=20)
moments = st.datetimes(timezones=st.just(dt.UTC)).map(lambda moment: moment.isoformat(timespec="microseconds"))
documents = st.dictionaries(st.text(), st.text() | st.integers() | st.none()).map(
    lambda data: msgspec.json.encode(data).decode()
)
numbers = st.integers(1, 2**63 - 1)
envelopes = st.builds(
    Recorded, numbers, texts, numbers, texts, st.integers(0, 2**31), texts, moments, moments, documents, documents
)


@settings(max_examples=30, deadline=None)
@given(st.lists(envelopes, unique_by=lambda one: one.position, max_size=12), st.integers(1, 4))
def test_any_event_comes_back_as_it_was(tmp_path_factory, told, partitions):
    told = sorted(told, key=lambda one: one.position)
    folder = tmp_path_factory.mktemp("any") / "log"
    to_parquet(told, folder, partitions=partitions)
    assert list(parquet(folder)) == told


def test_a_part_holds_whole_streams_in_order(history, tmp_path):
    to_parquet(history, tmp_path / "log", partitions=3)
    held = [list(parts.read_part(path)) for path in parts.parts_in(tmp_path / "log")]
    streams = [{one.stream for one in part} for part in held]
    assert sum(map(len, streams)) == len({one.stream for one in history})
    assert all([one.position for one in part] == sorted(one.position for one in part) for part in held)


def test_the_part_of_a_stream_is_the_same_in_every_year():
    assert [parts.part_of(f"account-{n}", 16) for n in range(5)] == [6, 0, 10, 12, 15]


def test_many_events_are_written_in_row_groups(history, tmp_path, monkeypatch):
    monkeypatch.setattr(parts, "AT_ONCE", 50)
    to_parquet(history, tmp_path / "log.parquet")
    assert pq.ParquetFile(tmp_path / "log.parquet").num_row_groups == 6 + 1
    assert parquet(tmp_path / "log.parquet").history() == history


def test_other_programs_find_columns_with_kinds(history, tmp_path):
    to_parquet(history, tmp_path / "log", partitions=2)
    frame = pd.read_parquet(tmp_path / "log")
    assert str(frame.dtypes["recorded_at"]) == "datetime64[us, UTC]"
    assert str(frame.dtypes["type"]) == "category"
    assert len(frame) == len(history)


def test_what_another_program_has_written_again_comes_back_too(history, tmp_path):
    to_parquet(history, tmp_path / "log.parquet")
    pd.read_parquet(tmp_path / "log.parquet").to_parquet(tmp_path / "again.parquet")
    assert parquet(tmp_path / "again.parquet").history() == history


# --- writing is all or nothing --------------------------------------------------------------------------------------


def test_a_log_takes_the_place_of_an_older_one(history, tmp_path):
    to_parquet(history[:10], tmp_path / "log", partitions=4)
    to_parquet(history, tmp_path / "log", partitions=2)
    assert parquet(tmp_path / "log").history() == history
    assert sorted(os.listdir(tmp_path / "log")) == ["part-0000.parquet", "part-0001.parquet"]


def test_a_folder_of_anything_else_is_left_as_it_is(history, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UnreadableLog, match=r"notes\.txt: it is no whole Parquet file"):
        to_parquet(history, tmp_path)
    assert os.listdir(tmp_path) == ["notes.txt"]


@pytest.mark.parametrize("name", ["log", "log.parquet"])
def test_a_history_that_breaks_off_leaves_the_old_log(history, name, tmp_path):
    def broken():
        yield from history[:5]
        raise RuntimeError("the line went dead")

    to_parquet(history, tmp_path / name)
    with pytest.raises(RuntimeError):
        to_parquet(broken(), tmp_path / name)
    assert parquet(tmp_path / name).history() == history
    assert os.listdir(tmp_path) == [name]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["log", "log.parquet"])
def test_a_writer_that_is_killed_leaves_the_old_log(history, name, tmp_path):
    to_parquet(history, tmp_path / name)
    code = (
        "import itertools, sys, time\nfrom eslab.domains.made_up import bank\nfrom eslab.readers import parts\n"
        "parts.AT_ONCE = 10\n"
        "def slowly():\n    for one in bank(seed=8, events=300):\n        time.sleep(0.005)\n        yield one\n"
        "print('begun', flush=True)\nparts.write(slowly(), sys.argv[1], 1)"
    )
    writer = subprocess.Popen([sys.executable, "-c", code, tmp_path / name], stdout=subprocess.PIPE)
    writer.stdout.readline()
    time.sleep(0.5)
    writer.send_signal(signal.SIGKILL)
    writer.communicate()
    assert parquet(tmp_path / name).history() == history
    assert len(os.listdir(tmp_path)) == 2


def test_events_out_of_their_order_are_refused(history, tmp_path):
    with pytest.raises(InvalidPosition, match="found position 4 after 5, expected events in the order"):
        to_parquet([history[4], history[3]], tmp_path / "log")


@pytest.mark.parametrize(("name", "partitions"), [("log", 0), ("log", "many"), ("log.parquet", 2)])
def test_a_wrong_number_of_partitions_is_refused(history, name, partitions, tmp_path):
    with pytest.raises(InvalidPosition, match="partitions is"):
        to_parquet(history, tmp_path / name, partitions=partitions)


@pytest.mark.parametrize("text", ["2026-05-03T12:00:00+00:00", "2026-05-03T14:00:00.000000+02:00", "noon"])
def test_a_time_that_would_not_come_back_the_same_is_refused(history, text, tmp_path):
    with pytest.raises(InvalidTime, match="nothing was written"):
        to_parquet([msgspec.structs.replace(history[0], occurred_text=text)], tmp_path / "log")


def test_half_a_character_is_refused(history, tmp_path):
    with pytest.raises(InvalidPayload, match="nothing was written"):
        to_parquet([msgspec.structs.replace(history[0], payload_text='{"owner":"\ud800"}')], tmp_path / "log.parquet")
    assert os.listdir(tmp_path) == []


# --- logs of others -------------------------------------------------------------------------------------------------


def test_a_table_of_others_is_read_by_its_columns(tmp_path):
    table = rows(
        price=pa.array([Decimal("19.90"), None], pa.decimal128(8, 2)),
        pieces=pa.array([1, 2], pa.int32()),
        paid=pa.array([True, False]),
        code=["007", "NA"],
        kind=pa.array(["lamp", "vase"]).dictionary_encode(),
        parts=pa.array([["a", "b"], []]),
        buyer=pa.array([{"name": "Ada", "age": 36}, None]),
    )
    pq.write_table(table, tmp_path / "sales.parquet")
    first, second = parquet(tmp_path / "sales.parquet", **MAPPING)
    assert (first.stream, first.type, first.occurred_at) == ("sale-7", "Sold", NOON)
    assert first.data == {
        "price": "19.90", "pieces": 1, "paid": True, "code": "007", "kind": "lamp", "parts": ["a", "b"],
        "buyer": {"name": "Ada", "age": 36},
    }  # fmt: skip
    assert second.data == {"pieces": 2, "paid": False, "code": "NA", "kind": "vase", "parts": []}


def test_a_naive_time_needs_a_zone(tmp_path):
    naive = pa.array(["2026-07-01T14:00:00", "2026-07-02T14:00:00"]).cast(pa.timestamp("us"))
    pq.write_table(rows(at=naive), tmp_path / "sales.parquet")
    with pytest.raises(UnreadableLog, match=r"sales\.parquet, row 1: .*has no zone"):
        list(parquet(tmp_path / "sales.parquet", **MAPPING))
    first, _ = parquet(tmp_path / "sales.parquet", zone="Europe/Berlin", **MAPPING)
    assert first.occurred_at == dt.datetime(2026, 7, 1, 12, tzinfo=dt.UTC)


def test_times_finer_than_a_microsecond_are_said(tmp_path):
    fine = pa.array([1_777_809_600_000_000_001, 1_777_896_000_000_000_000], pa.timestamp("ns", "UTC"))
    pq.write_table(rows(at=fine), tmp_path / "sales.parquet")
    log = parquet(tmp_path / "sales.parquet", **MAPPING)
    assert [one.occurred_at for one in log] == [NOON, NOON + dt.timedelta(days=1)]
    assert log.report.cut == 1


def test_a_folder_of_others_is_read_with_the_columns_of_its_subfolders(tmp_path):
    table = rows(year=pa.array([2025, 2026]))
    ds.write_dataset(table, tmp_path / "sales", format="parquet", partitioning=["year"], partitioning_flavor="hive")
    (tmp_path / "sales" / "_SUCCESS").touch()
    found = parquet(tmp_path / "sales", **MAPPING)
    assert [(one.stream, one.data) for one in found] == [("sale-7", {"year": 2025}), ("sale-8", {"year": 2026})]


def test_a_row_without_a_time_is_refused_or_collected(tmp_path):
    pq.write_table(rows(at=pa.array([NOON, None])), tmp_path / "sales.parquet")
    with pytest.raises(UnreadableLog, match="row 2"):
        list(parquet(tmp_path / "sales.parquet", **MAPPING))
    log = parquet(tmp_path / "sales.parquet", on_error="collect", **MAPPING)
    assert (log.report.events, list(log.refused["line"])) == (1, [2])


def test_a_column_that_is_not_there_is_said(tmp_path):
    pq.write_table(rows(), tmp_path / "sales.parquet")
    with pytest.raises(UnreadableLog, match=r"there is no column 'cases', found 'case', 'what', 'at'.*did you mean"):
        parquet(tmp_path / "sales.parquet", **MAPPING | {"stream": "cases"})


def test_a_file_with_other_columns_than_the_first_loses_nothing_in_silence(tmp_path):
    pq.write_table(rows(), tmp_path / "a.parquet")
    pq.write_table(rows(price=[1, 2]), tmp_path / "b.parquet")
    with pytest.raises(UnreadableLog, match=r"b\.parquet: its columns are not those of the first file.*'price'"):
        parquet(tmp_path, **MAPPING)


def test_a_column_of_another_kind_in_a_later_file_is_refused(tmp_path):
    pq.write_table(rows(price=[1, 2]), tmp_path / "a.parquet")
    pq.write_table(rows(price=["one", "two"]), tmp_path / "b.parquet")
    with pytest.raises(UnreadableLog, match="cannot be read as Parquet"):
        list(parquet(tmp_path, **MAPPING))


# --- damage ---------------------------------------------------------------------------------------------------------


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(UnreadableLog, match=r"log\.parquet: there is no such file"):
        parquet(tmp_path / "log.parquet")


def test_an_empty_folder_is_said(tmp_path):
    with pytest.raises(UnreadableLog, match="it is an empty folder"):
        parquet(tmp_path)


@pytest.mark.parametrize("bytes_", [b"", b"PAR1", b"case,what,at\n7,Sold,2026\n"])
def test_what_is_no_parquet_is_said(bytes_, tmp_path):
    (tmp_path / "log.parquet").write_bytes(bytes_)
    with pytest.raises(UnreadableLog, match="no whole Parquet file"):
        parquet(tmp_path / "log.parquet")


def test_a_flipped_bit_is_seen(history, tmp_path):
    to_parquet(history, tmp_path / "log.parquet")
    whole = bytearray((tmp_path / "log.parquet").read_bytes())
    whole[len(whole) // 3] ^= 1
    (tmp_path / "log.parquet").write_bytes(whole)
    with pytest.raises(UnreadableLog, match="it is damaged"):
        list(parquet(tmp_path / "log.parquet"))


def test_a_part_that_is_missing_is_seen(history, tmp_path):
    to_parquet(history, tmp_path / "log", partitions=3)
    (tmp_path / "log" / "part-0001.parquet").unlink()
    with pytest.raises(UnreadableLog, match=r"log: it holds the parts \[0, 2\].*expected each of 0 to 2 once"):
        parquet(tmp_path / "log")


def test_a_part_of_another_log_is_seen(history, tmp_path):
    to_parquet(history, tmp_path / "log", partitions=2)
    to_parquet(history[:50], tmp_path / "older", partitions=2)
    os.replace(tmp_path / "older" / "part-0001.parquet", tmp_path / "log" / "part-0001.parquet")
    with pytest.raises(UnreadableLog, match="of one log"):
        parquet(tmp_path / "log")


def test_a_part_of_as_many_events_of_another_log_is_seen(tmp_path):
    for seed, name in [(1, "log"), (2, "other")]:
        to_parquet(bank(seed=seed, events=100)[:100], tmp_path / name, partitions=2)
    os.replace(tmp_path / "other" / "part-0001.parquet", tmp_path / "log" / "part-0001.parquet")
    with pytest.raises(UnreadableLog, match="written together"):
        parquet(tmp_path / "log")
