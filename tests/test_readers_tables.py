"""Excel, frames and databases: each value as its table has it, and what is no value is refused."""

import datetime as dt
import decimal
import io
import sqlite3
import uuid
import zipfile

import numpy as np
import openpyxl
import pandas as pd
import psycopg
import pytest
import sqlalchemy as sa

from eslab import datasets, frames, readers
from eslab.errors import InvalidName, UnreadableLog
from eslab.readers import files

HEAD = ["case", "activity", "time"]
MAPPED = {"stream": "case", "type": "activity", "occurred_at": "time"}
NINE = dt.datetime(2026, 5, 3, 9, 30)  # noqa: DTZ001 - as Excel and many a frame have times


def payloads(log):
    return [recorded.data for recorded in log]


# --- Excel ---


@pytest.fixture
def sheets(tmp_path):
    """A function that writes a workbook of these sheets, each a list of rows, and gives its path."""

    def write(**sheets):
        book = openpyxl.Workbook()
        book.remove(book.active)
        for name, rows in sheets.items():
            sheet = book.create_sheet(name)
            for row in rows:
                sheet.append(row)
        book.save(tmp_path / "log.xlsx")
        return tmp_path / "log.xlsx"

    return write


def test_a_sheet_gives_each_cell_as_what_it_is(sheets):
    row = [7, "Opened", NINE, "007", 2, 2.5, True, dt.date(2026, 5, 4), dt.time(9, 30), dt.timedelta(hours=30)]
    path = sheets(log=[[*HEAD, "text", "whole", "part", "yes", "day", "hour", "long"], row])
    (event,) = readers.excel(path, zone="Europe/Berlin", **MAPPED)
    assert (event.stream, event.occurred_at.hour) == ("case-7", 7)
    assert event.data == {"text": "007", "whole": 2, "part": 2.5, "yes": True, "day": "2026-05-04T00:00:00",
                          "hour": "09:30:00", "long": "P1DT21600S"}  # fmt: skip


def test_a_day_of_excel_is_a_day_where_kinds_says_so(sheets):
    path = sheets(log=[[*HEAD, "due"], [7, "Opened", "2026-05-03T09:30Z", dt.date(2026, 5, 4)]])
    assert payloads(readers.excel(path, kinds={"due": dt.date}, **MAPPED)) == [{"due": "2026-05-04"}]


def test_a_time_of_excel_has_no_zone_until_one_is_named(sheets):
    log = readers.excel(sheets(log=[HEAD, [7, "Opened", NINE]]), **MAPPED)
    with pytest.raises(UnreadableLog, match=r"log.xlsx, sheet log, row 2: .*has no zone: say in which one it stands"):
        log.history()


def test_empty_rows_and_cells_are_left_out_and_the_line_is_that_of_the_sheet(sheets):
    path = sheets(log=[[], HEAD, [], [1, "Opened", "2026-05-03T09:30Z"], [], [2, "Opened", "soon"]])
    log = readers.excel(path, on_error="collect", **MAPPED)
    assert ([r.stream for r in log], list(log.refused["line"])) == (["case-1"], [6])


def test_one_of_several_sheets_is_named(sheets):
    path = sheets(old=[["x"]], new=[HEAD, [1, "Opened", "2026-05-03T09:30Z"]])
    assert len(readers.excel(path, "new", **MAPPED).history()) == 1
    with pytest.raises(UnreadableLog, match="it has several sheets, expected sheet= one of 'old', 'new'"):
        readers.excel(path, **MAPPED)
    with pytest.raises(UnreadableLog, match="it has no sheet 'now', expected sheet= one of"):
        readers.excel(path, "now", **MAPPED)


def test_a_cell_that_is_in_error_or_stands_under_no_name_is_refused(sheets):
    rows = [[1, "#REF!", "2026-05-03T09:30Z"], [2, "Opened", "2026-05-03T09:30Z", "beyond"]]
    log = readers.excel(sheets(log=[HEAD, *rows]), on_error="collect", **MAPPED)
    assert [why.partition(",")[0] for why in log.refused["why"]] == [
        "found the error #REF! in B2",
        "found 'beyond' in D3",
    ]


def test_a_formula_of_which_no_value_was_kept_is_refused_and_not_taken_for_nothing(sheets):
    rows = [[1, "Opened", "2026-05-03T09:30Z", 1], [1, "Opened", "2026-05-03T09:30Z", "=1+1"], ["=A2", "=B2", "=C2"]]
    log = readers.excel(sheets(log=[[*HEAD, "n"], *rows]), on_error="collect", **MAPPED)
    assert (payloads(log), list(log.refused["line"])) == ([{"n": 1}], [3, 4])
    assert "the formula in D3 has no value" in log.refused["why"][0]


def test_the_size_that_a_sheet_says_of_itself_is_not_believed(sheets, tmp_path):
    path = sheets(log=[HEAD, [1, "Opened", "2026-05-03T09:30Z"]])
    small = tmp_path / "small.xlsx"
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(small, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(b'ref="A1:C2"', b'ref="A1"'))
    assert len(readers.excel(small, **MAPPED).history()) == 1


BOMB = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">%s]><x>&l30;</x>' % b"".join(
    b'<!ENTITY l%d "%s">' % (n, b"&l%d;" % (n - 1) * 10 if n else b"&a;" * 10) for n in range(31)
)
OUTSIDE = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>'


@pytest.mark.parametrize("member", ["xl/workbook.xml", "xl/worksheets/sheet1.xml"])
@pytest.mark.parametrize("content", [b"<broken", BOMB, OUTSIDE, b""])
def test_a_workbook_with_broken_or_harmful_xml_is_refused(sheets, tmp_path, member, content):
    path = sheets(log=[HEAD, [1, "Opened", "2026-05-03T09:30Z"]])
    harmful = tmp_path / "harmful.xlsx"
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(harmful, "w") as new:
        for name in old.namelist():
            new.writestr(name, content if name == member else old.read(name))
    with pytest.raises(UnreadableLog, match=r"harmful.xlsx(: |, line )"):
        readers.excel(harmful, **MAPPED).history()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"\xd0\xcf\x11\xe0" + bytes(99), "Excel file of before 2007, or has a password, .*save it as that in Excel"),
        (b"case,activity,time\n", "it is no Excel file, expected .xlsx: is it CSV"),
        (b"PK\x03\x04" + bytes(99), "it is no whole Excel file"),
        (b"", "it is empty"),
    ],
)
def test_what_is_no_excel_file_is_refused(tmp_path, content, says):
    (tmp_path / "log.xlsx").write_bytes(content)
    with pytest.raises(UnreadableLog, match=says):
        readers.excel(tmp_path / "log.xlsx", **MAPPED)


def test_a_workbook_that_unpacks_to_more_than_it_may_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "UNPACKED", 2**20)
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", bytes(2**21))
    (tmp_path / "log.xlsx").write_bytes(made.getvalue())
    with pytest.raises(UnreadableLog, match="it unpacks to 2,097,152 bytes or more, which is 300 times"):
        readers.excel(tmp_path / "log.xlsx", **MAPPED)


@pytest.mark.parametrize("rows", [[], [[]]])
def test_a_sheet_without_a_row_is_refused(sheets, rows):
    with pytest.raises(UnreadableLog, match="the sheet is empty, expected a row that names the columns"):
        readers.excel(sheets(log=rows), **MAPPED)


# --- frames ---


def frame_of(**columns):
    return pd.DataFrame({"case": ["7"], "activity": ["Opened"], "time": [NINE]} | columns)


def test_a_frame_gives_each_value_as_python_has_it_and_leaves_out_what_is_missing():
    df = frame_of(
        number=np.array([7], "int16"), part=np.array([0.1], "float32"), missing=[float("nan")], none=[None],
        na=pd.array([pd.NA], "Int64"), later=[pd.NaT], word=pd.Categorical(["red"]), cost=[decimal.Decimal("1.10")],
        when=pd.to_datetime(["2026-05-03T09:30+02:00"]), long=[pd.Timedelta("1h")], row=[np.array([1, 2])], yes=[True],
    )  # fmt: skip
    (found,) = payloads(readers.frame(df, zone="UTC", **MAPPED))
    assert found == {"number": 7, "part": 0.10000000149011612, "word": "red", "cost": "1.10",
                     "when": "2026-05-03T09:30:00+02:00", "long": "PT3600S", "row": [1, 2], "yes": True}  # fmt: skip


def test_levels_of_the_index_that_have_a_name_are_columns():
    df = frame_of().set_index(["case", "time"])
    assert [r.stream for r in readers.frame(df, zone="UTC", **MAPPED)] == ["case-7"]


def test_what_is_done_to_the_frame_later_does_not_change_the_log():
    df = frame_of()
    log = readers.frame(df, zone="UTC", **MAPPED)
    df.loc[0, "activity"] = "Closed"
    assert [r.type for r in log] == ["Opened"]


def test_nanoseconds_are_cut_and_said():
    df = frame_of(time=pd.to_datetime(["2026-05-03T09:30:00.123456789Z"]))
    log = readers.frame(df, **MAPPED)
    assert (log.report.cut, log.history()[0].occurred_text[20:26]) == (1, "123456")


@pytest.mark.parametrize(
    ("df", "says"),
    [
        (frame_of().drop(columns="time"), "frame: there is no column 'time', found 'case', 'activity'"),
        (frame_of().rename(columns={"time": 3}), "column 3 has the name 3, expected a text"),
        (pd.concat([frame_of(), frame_of()], axis=1), "two columns are called 'case'"),
        ([1, 2], "found list, expected a pandas frame"),
    ],
)
def test_a_frame_without_the_columns_is_refused(df, says):
    with pytest.raises(UnreadableLog, match=says):
        readers.frame(df, **MAPPED)


def test_a_part_of_a_number_is_not_cut_off_to_make_it_whole():
    log = readers.frame(frame_of(x=[1.5]), kinds={"x": int}, zone="UTC", **MAPPED)
    with pytest.raises(UnreadableLog, match=r"frame, row 1: column 'x' holds 1.5, expected int"):
        log.history()


def test_a_value_that_json_has_not_is_refused_with_the_row():
    log = readers.frame(frame_of(x=[float("inf")]), zone="UTC", **MAPPED)
    with pytest.raises(UnreadableLog, match=r"frame, row 1: .*cannot be stored exactly"):
        log.history()


# --- databases ---


@pytest.fixture
def shop(tmp_path):
    """A SQLite file with a table of three events."""
    path = tmp_path / "shop.db"
    with sqlite3.connect(path) as file:
        file.execute('CREATE TABLE "order log" (id INT PRIMARY KEY, "case", activity, time TIMESTAMP, raw, amount)')
        rows = [
            (3, "007", "Paid", "2026-05-03T09:31Z", b"\x00", 1.5),
            (2, "8", "Opened", "2026-05-03T09:30Z", None, None),
            (1, "007", "Opened", "2026-05-03T09:30Z", None, 2),
        ]
        file.executemany('INSERT INTO "order log" VALUES (?, ?, ?, ?, ?, ?)', rows)
    file.close()
    return f"sqlite:///{path}"


def test_a_table_is_read_in_the_order_of_its_key(shop):
    log = readers.database(shop, table="order log", **MAPPED)
    assert [(r.stream, r.type) for r in log] == [("case-007", "Opened"), ("case-8", "Opened"), ("case-007", "Paid")]
    assert payloads(log) == [{"id": 1, "amount": 2}, {"id": 2}, {"id": 3, "raw": "AA==", "amount": 1.5}]


def test_a_query_takes_its_values_as_parameters(shop):
    query = 'SELECT * FROM "order log" WHERE "case" = :case'
    log = readers.database(shop, query, parameters={"case": "8' OR '1'='1"}, **MAPPED)
    assert (len(log.history()), len(readers.database(shop, query, parameters={"case": "8"}, **MAPPED).history())) == (
        0,
        1,
    )


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"table": "order_log"}, "there is no table 'order_log', found 'order log': did you mean 'order log'"),
        ({"table": '"; DROP TABLE x; --'}, "there is no table"),
        ({"query": 'DELETE FROM "order log"'}, "attempt to write a readonly database"),
        ({"query": "SELECT ghost"}, "the database answers 'no such column: ghost': correct"),
        ({"query": "SELECT 1 AS time"}, "there is no column 'case', found 'time'"),
        ({"query": "SELECT 1; SELECT 2"}, "the database answers 'You can only execute one statement at a time.'"),
    ],
)
def test_a_question_that_is_none_is_refused_and_nothing_is_changed(shop, asked, says):
    with pytest.raises(UnreadableLog, match=says):
        readers.database(shop, **asked, **MAPPED)
    assert len(readers.database(shop, table="order log", **MAPPED).history()) == 3


def test_an_engine_is_read_in_a_transaction_that_is_rolled_back(shop):
    engine = sa.create_engine(shop)
    with pytest.raises(UnreadableLog, match="has no rows as its answer, expected a SELECT; nothing was changed"):
        readers.database(engine, 'DELETE FROM "order log"', **MAPPED)
    asked = 'DELETE FROM "order log" RETURNING *'
    assert len(readers.database(engine, asked, **MAPPED).history()) == 3
    assert len(readers.database(engine, table="order log", **MAPPED).history()) == 3
    engine.dispose()


def test_a_table_and_a_query_are_not_asked_for_at_once(shop):
    for asked in ({}, {"query": "SELECT 1", "table": "x"}):
        with pytest.raises(InvalidName, match="expected one of them"):
            readers.database(shop, **asked)


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("sqlite:////no/such/shop.db", "shop.db: there is no such file"),
        ("shop.db", "the address of the database cannot be used"),
        ("nothing://ada:geheim@shop/sales", "install what is missing"),
        (
            "postgresql://ada:geheim@127.0.0.1:1/sales?password=geheim",
            "postgresql://ada@127.0.0.1:1/sales: the database",
        ),
    ],
)
def test_an_address_without_a_database_is_refused_and_the_password_is_not_said(address, says):
    with pytest.raises(UnreadableLog, match=says) as refusal:
        readers.database(address, table="log")
    assert "geheim" not in f"{refusal.value} {refusal.value.facts} {refusal.value.__context__}"


def test_what_a_driver_says_of_a_password_is_not_said_again():
    def refuse():
        raise psycopg.OperationalError("no entry for ada with geheim")

    engine = sa.create_engine("postgresql+psycopg://ada:geheim@shop/sales", creator=refuse)
    with pytest.raises(UnreadableLog, match=r"postgresql\+psycopg://ada@shop/sales: .* for ada with \*\*\*'"):
        readers.database(engine, table="log")


def test_a_file_that_sqlite_does_not_know_is_refused(tmp_path):
    (tmp_path / "shop.db").write_text("x" * 2_000)
    with pytest.raises(UnreadableLog, match="file is not a database"):
        readers.database(f"sqlite:///{tmp_path / 'shop.db'}", table="log")


def test_a_table_of_postgresql_is_streamed_with_its_types(postgres):
    schema = postgres.schema()
    postgres.ask(f'CREATE SCHEMA "{schema}"')
    postgres.ask(f'CREATE TABLE "{schema}".log (id uuid PRIMARY KEY, "case" int, activity text, time timestamptz, '
                 f"naive timestamp, cost numeric, about jsonb, tags text[])")  # fmt: skip
    id = uuid.UUID(int=7)
    postgres.ask(f'INSERT INTO "{schema}".log VALUES (%s, 7, %s, %s, %s, 1.10, %s, %s)', id, "Opened",
                 "2026-05-03 09:30+02", "2026-05-03 09:30", '{"a": [1]}', ["x"])  # fmt: skip
    address = postgres.dsn.replace("postgresql://", "postgresql+psycopg://")
    log = readers.database(address, table="log", schema=schema, id="id", **MAPPED)
    (event,) = log
    assert (event.stream, event.id, event.occurred_at.hour) == ("case-7", str(id), 7)
    assert event.data == {"naive": "2026-05-03T09:30:00", "cost": "1.10", "about": {"a": [1]}, "tags": ["x"]}
    with pytest.raises(UnreadableLog, match=r"the database answers .*syntax error"):
        readers.database(address, f'DELETE FROM "{schema}".log RETURNING *', **MAPPED)


def test_a_frame_of_events_is_not_taken_for_the_history_that_it_was_made_from(bank):
    with pytest.raises(UnreadableLog, match=r"made by frames.events, .*take the history that it was made from"):
        readers.frame(frames.events(bank))
    log = readers.frame(frames.events(bank), category=None, id="id")
    assert [r.id for r in log] == [r.id for r in bank]


def test_a_frame_of_a_shipped_history_tells_the_same_streams(tmp_path):
    history = datasets.load("chess")
    told = frames.events(history)[["stream", "type", "occurred_at", "payload.san"]]
    log = readers.frame(told, category=None)
    assert [(r.stream, r.version, r.type) for r in log] == [(r.stream, r.version, r.type) for r in history]
