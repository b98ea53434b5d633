"""Nothing is lost or changed in silence: what cannot be kept as it is, is said, and no database is touched."""

import csv
import datetime as dt
import json
import sqlite3

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from eslab import readers
from eslab.codec import MOST_BYTES
from eslab.errors import InvalidName, UnreadableLog
from eslab.readers import Found, Log
from eslab.readers.own import ENVELOPE

MAPPED = {"stream": "case", "type": "activity", "occurred_at": "time"}
CALLS = pd.DataFrame({"case": ["7"], "activity": ["Opened"], "time": ["2026-05-03T09:30Z"]})
NOON = "2026-05-03T12:00:00.000000+00:00"
OWN = [1, "a-1", 1, "X", 1, "i", NOON, NOON, "{}", "{}"]


def payload(log):
    return log.history()[0].data


def log_of(**data):
    return Log("t", lambda: iter([Found(1, "a-1", "X", "2026-05-03T09:30Z", data)]))


def written(path, row, head=ENVELOPE):
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([head, row])
    return path


def test_a_table_is_not_dropped_by_a_query(tmp_path):
    with sqlite3.connect(tmp_path / "shop.db") as db:
        db.execute("CREATE TABLE log (a)")
    with pytest.raises(UnreadableLog, match="nothing was changed"):
        readers.database(sa.create_engine(f"sqlite:///{tmp_path / 'shop.db'}"), "DROP TABLE log")
    assert db.execute("SELECT name FROM sqlite_master").fetchall() == [("log",)]
    db.close()


def test_what_is_finer_than_a_microsecond_is_counted_in_every_form_of_a_time():
    for time in ("20260503T093000.123456789Z", "2026-05-03T09:30:00.123456789Z"):
        assert readers.frame(CALLS.assign(time=time), **MAPPED).report.cut == 1


def test_a_time_in_the_payload_that_is_finer_than_a_microsecond_is_refused():
    log = readers.frame(CALLS.assign(due="2026-05-03T09:30:00.123456789Z"), kinds={"due": dt.datetime}, **MAPPED)
    with pytest.raises(UnreadableLog, match="finer than a microsecond"):
        log.history()


def test_a_frame_gives_nanoseconds_as_texts():
    fine = CALLS.assign(took=pd.to_timedelta([1500], unit="ns"), at=pd.to_datetime(["2026-05-03T09:30:00.123456789Z"]))
    assert payload(readers.frame(fine, **MAPPED)) == {
        "took": "P0DT0H0M0.0000015S", "at": "2026-05-03T09:30:00.123456789+00:00",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "fine", "coarse"),
    [
        (pa.duration("ns"), "P0DT0H0M0.0000015S", "PT0.000001S"),
        (pa.time64("ns"), "00:00:00.000001500", "00:00:00.000001"),
        (pa.timestamp("ns", "UTC"), "1970-01-01T00:00:00.000001500+00:00", "1970-01-01T00:00:00.000001Z"),
    ],
    ids=["duration", "time", "timestamp"],
)
def test_parquet_gives_nanoseconds_as_texts(tmp_path, kind, fine, coarse):
    for nanoseconds, said in ((1500, fine), (1000, coarse)):
        table = pa.Table.from_pandas(CALLS).append_column("at", pa.array([nanoseconds], kind))
        pq.write_table(table, tmp_path / "log.parquet")
        assert payload(readers.parquet(tmp_path / "log.parquet", **MAPPED)) == {"at": said}


def test_a_column_beside_those_of_eslab_is_not_lost(tmp_path):
    path = written(tmp_path / "log.csv", [*OWN, "5"], [*ENVELOPE, "grade"])
    with pytest.raises(UnreadableLog, match=r"log\.csv: found 'grade' beside the ten fields.*take it out"):
        readers.csv(path)
    line = dict(zip(ENVELOPE, [*OWN[:8], {}, {}], strict=True))
    (tmp_path / "log.jsonl").write_text(json.dumps(line) + "\n" + json.dumps(line | {"position": 2, "grade": 5}) + "\n")
    with pytest.raises(UnreadableLog, match=r"line 2.*grade"):
        readers.jsonl(tmp_path / "log.jsonl").history()


@pytest.mark.parametrize(
    ("name", "wrong"),
    [("payload", '{"a":' + "[" * 20_000 + "]" * 20_000 + "}"), ("recorded_at", "9999-12-31T23:59:59-01:00")],
)
def test_a_line_that_is_not_as_eslab_wrote_it_is_collected(tmp_path, name, wrong):
    row = [wrong if field == name else value for field, value in zip(ENVELOPE, OWN, strict=True)]
    log = readers.csv(written(tmp_path / "log.csv", row), on_error="collect")
    assert (len(log.history()), log.report.refused.popitem()[1]) == (0, 1)


def test_the_largest_payload_is_the_same_with_and_without_a_null():
    for note in ("x", None):
        with pytest.raises(UnreadableLog, match="expected at most"):
            log_of(text="y" * MOST_BYTES, note=note).history()
    assert payload(log_of(note=None)) == {"note": None}


def test_a_number_that_json_has_not_is_refused():
    with pytest.raises(UnreadableLog, match="JSON has no NaN"):
        log_of(amount=float("nan")).history()


def test_a_head_that_cannot_be_read_is_refused(tmp_path):
    (tmp_path / "mac.csv").write_bytes(b"case,activity,time\r1,Opened,2026-05-03T09:30Z\r")
    with pytest.raises(UnreadableLog, match=r"mac\.csv, line 1: the line that names the columns cannot be read"):
        readers.csv(tmp_path / "mac.csv", **MAPPED)
    with pytest.raises(InvalidName, match="expected one character"):
        readers.csv(written(tmp_path / "log.csv", OWN), quotechar="''", **MAPPED)


def test_a_path_through_a_file_and_a_folder_that_is_not_there_are_refused(tmp_path):
    with pytest.raises(UnreadableLog, match="there is no such file"):
        readers.csv(written(tmp_path / "log.csv", OWN) / "x")
    with pytest.raises(UnreadableLog, match="there is no folder 'no' to write it to: make it first"):
        readers.to_csv([], tmp_path / "no" / "log.csv")


def test_what_is_no_encoding_of_texts_is_refused(tmp_path):
    with pytest.raises(UnreadableLog, match="no encoding 'rot13'"):
        readers.csv(written(tmp_path / "log.csv", OWN), encoding="rot13")


def test_an_index_that_is_a_column_too_is_refused():
    with pytest.raises(UnreadableLog, match="two columns are called 'case'"):
        readers.frame(CALLS.set_index("case", drop=False), **MAPPED)


@pytest.mark.parametrize("said", ["null", "[1]"])
def test_a_null_is_of_any_kind_and_a_list_of_none(tmp_path, said):
    text = '{"case": 1, "activity": "O", "time": "2026-05-03T09:30Z", "n": ' + said + "}\n"
    (tmp_path / "log.jsonl").write_text(text)
    log = readers.jsonl(tmp_path / "log.jsonl", kinds={"n": int}, **MAPPED)
    if said == "null":
        assert payload(log) == {"n": None}
    else:
        with pytest.raises(UnreadableLog, match=r"column 'n' holds \[1\], expected int"):
            log.history()
