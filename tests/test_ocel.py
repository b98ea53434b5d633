"""An object-centric log is read with all its objects as tags, and is written so that it comes back as it was."""

import contextlib
import gzip
import json
import sqlite3
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from any_history import AWKWARD, histories
from hypothesis import given, settings

from eslab import History, MemoryStore, readers
from eslab.errors import InvalidName, InvalidPosition, UnreadableLog
from eslab.queries import Query, QueryItem

SHOP: dict[str, Any] = {
    "objectTypes": [
        {"name": "order", "attributes": []},
        {"name": "line-item", "attributes": [{"name": "price", "type": "float"}, {"name": "sku", "type": "string"}]},
    ],
    "eventTypes": [
        {"name": "place", "attributes": [{"name": "total", "type": "integer"}, {"name": "gift", "type": "boolean"}]},
        {"name": "pack", "attributes": []},
    ],
    "objects": [
        {"id": "o1", "type": "order", "relationships": [{"objectId": "i1", "qualifier": "has"}]},
        {"id": "i1", "type": "line-item", "attributes": [
            {"name": "price", "time": "1970-01-01T00:00:00Z", "value": "9.5"},
            {"name": "sku", "time": "1970-01-01T00:00:00Z", "value": "007"},
            {"name": "price", "time": "2026-05-03T10:00:00Z", "value": "8.5"},
        ]},
    ],
    "events": [
        {"id": "e2", "type": "pack", "time": "2026-05-03T11:00:00Z",
         "relationships": [{"objectId": "i1", "qualifier": ""}]},
        {"id": "e1", "type": "place", "time": "2026-05-03T09:30:00+02:00", "attributes": [
            {"name": "total", "value": "1"}, {"name": "gift", "value": "true"}, {"name": "note", "value": "1e5"},
        ], "relationships": [
            {"objectId": "i1", "qualifier": "ordered"}, {"objectId": "o1", "qualifier": "the order"},
            {"objectId": "i1", "qualifier": "first"},
        ]},
        {"id": "e3", "type": "pack", "time": "2026-05-03T12:00:00Z"},
    ],
}  # fmt: skip

TABLES = """
CREATE TABLE event_map_type (ocel_type TEXT, ocel_type_map TEXT);
CREATE TABLE object_map_type (ocel_type TEXT, ocel_type_map TEXT);
CREATE TABLE event (ocel_id TEXT, ocel_type TEXT);
CREATE TABLE object (ocel_id TEXT, ocel_type TEXT);
CREATE TABLE event_object (ocel_event_id TEXT, ocel_object_id TEXT, ocel_qualifier TEXT);
CREATE TABLE object_object (ocel_source_id TEXT, ocel_target_id TEXT, ocel_qualifier TEXT);
CREATE TABLE event_Place (ocel_id TEXT, ocel_time TIMESTAMP, total INTEGER, gift BOOLEAN, note TEXT);
CREATE TABLE event_Pack (ocel_id TEXT, ocel_time TIMESTAMP);
CREATE TABLE object_Order (ocel_id TEXT, ocel_time TIMESTAMP, ocel_changed_field TEXT);
CREATE TABLE object_Item (ocel_id TEXT, ocel_time TIMESTAMP, ocel_changed_field TEXT, price REAL, sku TEXT);
INSERT INTO event_map_type VALUES ('place', 'Place'), ('pack', 'Pack');
INSERT INTO object_map_type VALUES ('order', 'Order'), ('line-item', 'Item');
INSERT INTO event VALUES ('e2', 'pack'), ('e1', 'place'), ('e3', 'pack');
INSERT INTO object VALUES ('o1', 'order'), ('i1', 'line-item');
INSERT INTO event_object VALUES
    ('e1', 'i1', 'ordered'), ('e2', 'i1', NULL), ('e1', 'o1', 'the order'), ('e1', 'i1', 'first');
INSERT INTO object_object VALUES ('o1', 'i1', 'has');
INSERT INTO event_Place VALUES ('e1', '2026-05-03T09:30:00+02:00', 1, 1, '1e5');
INSERT INTO event_Pack VALUES ('e2', '2026-05-03T11:00:00Z'), ('e3', '2026-05-03 12:00:00Z');
INSERT INTO object_Item VALUES ('i1', '1970-01-01 00:00:00', NULL, 9.5, '007');
INSERT INTO object_Item VALUES ('i1', '2026-05-03T10:00:00Z', 'price', 8.5, '007');
"""


def written(tmp_path: Path, log: Any, name: str = "shop.json") -> Path:
    path = tmp_path / name
    path.write_text(log if isinstance(log, str) else json.dumps(log, indent=1))
    return path


def tables(tmp_path: Path, more: str = "") -> Path:
    path = tmp_path / "shop.sqlite"
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.executescript(f"PRAGMA synchronous = OFF; {TABLES}; {more}")
    return path


def but(**changes: Any) -> dict[str, Any]:
    """The shop, whose first event is told otherwise."""
    return SHOP | {"events": [SHOP["events"][0] | changes, *SHOP["events"][1:]]}


# --- reading ---


def test_all_objects_of_an_event_are_its_tags_and_its_stream_is_its_first_object(tmp_path: Path) -> None:
    log = readers.ocel(written(tmp_path, SHOP))
    assert [(one.stream, one.version, one.type, one.tags) for one in log] == [
        ("line_item-i1", 1, "place", ("line-item:i1", "order:o1")),
        ("line_item-i1", 2, "ObjectChanged", ("line-item:i1",)),
        ("line_item-i1", 3, "pack", ("line-item:i1",)), ("event-e3", 1, "pack", ()),
    ]  # fmt: skip


def test_the_stream_may_be_that_of_another_object_of_the_event(tmp_path: Path) -> None:
    log = readers.ocel(written(tmp_path, SHOP), stream="order")
    assert [one.stream for one in log] == ["order-o1", "line_item-i1", "line_item-i1", "event-e3"]


def test_attributes_have_their_declared_type_and_qualifiers_are_kept(tmp_path: Path) -> None:
    placed, changed, *_ = readers.ocel(written(tmp_path, SHOP))
    assert (placed.id, placed.occurred_text) == ("e1", "2026-05-03T07:30:00.000000+00:00")
    assert placed.payload == {"total": 1, "gift": True, "note": "1e5"}
    assert placed.metadata["qualifiers"] == {"line-item:i1": ["ordered", "first"], "order:o1": ["the order"]}
    assert changed.payload == {"price": 8.5}


def test_what_objects_are_from_the_beginning_and_to_each_other_is_told_about_the_log(tmp_path: Path) -> None:
    log = readers.ocel(written(tmp_path, SHOP))
    assert log.report.events == 4
    assert log.about["objects"] == {
        "o1": {"type": "order", "attributes": {}, "relations": [{"object": "i1", "qualifier": "has"}]},
        "i1": {"type": "line-item", "attributes": {"price": 9.5, "sku": "007"}, "relations": []},
    }
    assert log.about["event types"]["place"] == {"total": "integer", "gift": "boolean"}


def test_json_and_sqlite_tell_the_same(tmp_path: Path) -> None:
    as_json, as_tables = readers.ocel(written(tmp_path, SHOP)), readers.ocel(tables(tmp_path))
    (tmp_path / "shop.gz").write_bytes(gzip.compress(json.dumps(SHOP).encode()))
    assert as_tables.history() == as_json.history() == readers.ocel(tmp_path / "shop.gz").history()
    assert as_tables.about["objects"] == as_json.about["objects"]


def test_a_query_finds_the_events_of_any_object(tmp_path: Path) -> None:
    store = MemoryStore()
    readers.ocel(written(tmp_path, SHOP), stream="order").into(store)
    assert [one.type for one in store.read(query=Query(QueryItem(tags=["line-item:i1"])))] == [
        "place",
        "ObjectChanged",
        "pack",
    ]


# --- bad input ---


@pytest.mark.parametrize(
    ("log", "why"),
    [
        (
            but(relationships=[{"objectId": "i9", "qualifier": ""}]),
            r"1: the event is related to an object that the log does",
        ),
        (but(time=None), r"1: the event has no time, expected one: add it"),
        (but(id=""), r"1: the event has no id, expected one"),
        (but(id=7), r"1: it is no event of OCEL \(Expected `str`, got `int`"),
        (but(time="2026-05-03T11:00:00"), r"1: the time '2026-05-03T11:00:00' has no zone"),
        (but(attributes=[{"name": "a", "value": 1}] * 2), r"1: it has an attribute twice, of a, expected each once"),
        (but(type="a\nb"), r"1: an event type is 'a\\nb'"),
    ],
)
def test_an_event_that_is_none_is_refused_and_the_rest_is_kept(tmp_path: Path, log: Any, why: str) -> None:
    path = written(tmp_path, log)
    with pytest.raises(UnreadableLog, match=f"shop.json, event {why}"):
        readers.ocel(path).history()
    collected = readers.ocel(path, on_error="collect")
    assert [one.type for one in collected] == ["place", "ObjectChanged", "pack"]
    assert collected.refused.line.tolist() == [1]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (json.dumps(SHOP, indent=1)[:900], r"shop.json, line \d+: it is no OCEL 2.0 in JSON"),
        ('{"ocel:events": {}}', r"shop.json: it is no OCEL 2.0 in JSON .*`eventTypes`.*export it"),
        ("[]", "it is no OCEL 2.0 in JSON"), ("", "shop.json: it is empty"),
        ("\n<log>", r"shop.json, line 2: it is no OCEL"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_ocel_is_refused_with_the_next_step(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(UnreadableLog, match=why):
        readers.ocel(written(tmp_path, text), on_error="collect").history()


def test_a_type_of_objects_that_the_log_does_not_have_is_said_with_those_that_it_has(tmp_path: Path) -> None:
    with pytest.raises(
        UnreadableLog, match="no objects of the type 'odrer', expected as stream= one of 'order', 'line-item'"
    ):
        readers.ocel(written(tmp_path, SHOP), stream="odrer").history()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("INSERT INTO event VALUES ('e4', 'pack')", "the event has no time"),
        ("INSERT INTO event VALUES ('e4', 'stolen')", "the event has no time"),
        ("INSERT INTO event VALUES (NULL, NULL)", "the event has no id"),
        ("INSERT INTO event_Pack VALUES ('e4', '2026-05-03T11:00:00Z')", "a row of event_Pack belongs to no event"),
        (
            "INSERT INTO event_object VALUES ('e4', 'o1', '')",
            "a row of event_object belongs to no event of the table event",
        ),
        ("INSERT INTO event_object VALUES ('e3', 'o9', '')", "related to an object that the log does not have"),
        ("INSERT INTO object_object VALUES ('o9', 'i1', 'has')", "a row of object_object belongs to no object"),
    ],
)
def test_a_broken_reference_in_tables_is_refused_and_not_dropped(tmp_path: Path, change: str, why: str) -> None:
    log = readers.ocel(tables(tmp_path, change), on_error="collect")
    assert len(log.history()) in (3, 4)
    assert why in log.refused.why.item()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("DROP TABLE object_object", "it has no table 'object_object', expected those of OCEL 2.0: event_map_type"),
        ("DROP TABLE event_Pack", "there is no table 'event_Pack' for the type 'pack'"),
        ("DROP TABLE event_Pack; CREATE VIEW event_Pack AS SELECT * FROM event", "there is no table 'event_Pack'"),
        ("ALTER TABLE event_Pack DROP COLUMN ocel_id", "cannot be read as OCEL 2.0 in SQLite .*ocel_id"),
        ("INSERT INTO object VALUES ('o1', 'line-item')", "the object 'o1' has two types"),
        (
            "UPDATE object_Item SET ocel_changed_field = 'weight' WHERE ocel_changed_field = 'price'",
            "'weight' of the object 'i1' has changed, and is no column",
        ),
    ],
)
def test_tables_that_are_no_ocel_are_refused(tmp_path: Path, change: str, why: str) -> None:
    with pytest.raises(UnreadableLog, match=why):
        readers.ocel(tables(tmp_path, change), on_error="collect").history()


def test_the_column_that_changed_may_be_written_in_capitals(tmp_path: Path) -> None:
    changed = "UPDATE object_Item SET ocel_changed_field = 'Price' WHERE ocel_changed_field = 'price'"
    assert readers.ocel(tables(tmp_path, changed)).history() == readers.ocel(written(tmp_path, SHOP)).history()


@pytest.mark.parametrize(
    ("attributes", "why"),
    [
        ([{"name": "price", "value": "3"}], "the object 'o1' stands in it twice, and not the same, expected each once"),
        ([{"name": "price", "value": "3"}] * 2, "the object 'o1' cannot be read: it has an attribute twice, of price"),
    ],
)
def test_an_object_that_is_told_twice_is_refused(tmp_path: Path, attributes: Any, why: str) -> None:
    again = {"id": "o1", "type": "order", "attributes": attributes}
    with pytest.raises(UnreadableLog, match=why):
        readers.ocel(written(tmp_path, SHOP | {"objects": [*SHOP["objects"], again]})).history()


def test_a_damaged_or_packed_database_is_refused_and_none_is_changed(tmp_path: Path) -> None:
    path = tables(tmp_path)
    whole = path.read_bytes()
    (tmp_path / "damaged.sqlite").write_bytes(whole[:5_000] + b"\0" * 5_000)
    (tmp_path / "packed.gz").write_bytes(gzip.compress(whole))
    for name, why in (("damaged.sqlite", "export it again"), ("packed.gz", "packed, expected it unpacked")):
        with pytest.raises(UnreadableLog, match=why):
            readers.ocel(tmp_path / name).history()
    readers.ocel(path).history()
    assert path.read_bytes() == whole


# --- writing ---


@settings(max_examples=15, deadline=None)
@given(history=histories())
@pytest.mark.parametrize("name", ["log.json", "log.sqlite"])
def test_any_history_comes_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, name: str, history: History
) -> None:
    path = tmp_path_factory.mktemp("ocel") / name
    assert readers.to_ocel(history, path) == len(history)
    assert readers.ocel(path).history() == history


@pytest.mark.parametrize("name", ["odd.json", "odd.sqlite"])
def test_what_ocel_has_no_word_for_comes_back_too(tmp_path: Path, name: str) -> None:
    readers.to_ocel(AWKWARD, tmp_path / name)
    assert readers.ocel(tmp_path / name).history() == AWKWARD


@pytest.mark.parametrize("name", ["again.jsonocel", "again.db"])
def test_a_foreign_log_is_written_with_its_objects_and_comes_back(tmp_path: Path, name: str) -> None:
    history = readers.ocel(written(tmp_path, SHOP)).history()
    assert readers.to_ocel(history, tmp_path / name) == 4
    again = readers.ocel(tmp_path / name)
    assert again.history() == history
    assert {"line-item:i1", "order:o1"} <= set(again.about["objects"])
    assert set(again.about["event types"]["place"].items()) >= {("total", "integer"), ("gift", "boolean")}


def test_a_log_that_another_program_has_written_anew_is_a_foreign_log(tmp_path: Path, bank: History) -> None:
    readers.to_ocel(bank, tmp_path / "bank.json")
    told = json.loads((tmp_path / "bank.json").read_text())
    del told["eslab"]
    (recorded, *_) = readers.ocel(written(tmp_path, told))
    assert recorded.schema_version == 0
    assert recorded.data["eslab_position"] == 1


def test_a_file_too_large_to_be_read_at_once_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["eslab.readers.ocel_json"], "MOST", 100)
    with pytest.raises(UnreadableLog, match="more than 100 bytes, which are read at once: export the log as SQLite"):
        readers.ocel(written(tmp_path, SHOP)).history()


def test_events_come_in_the_order_of_their_positions_wherever_they_stand(tmp_path: Path, bank: History) -> None:
    readers.to_ocel(bank, tmp_path / "bank.json")
    told = json.loads((tmp_path / "bank.json").read_text())
    told["events"].reverse()
    assert readers.ocel(written(tmp_path, told)).history() == bank


def test_an_event_that_was_changed_since_is_refused(tmp_path: Path, bank: History) -> None:
    odd = [msgspec.structs.replace(one, payload_text='{"amount":7,"who":null}') for one in bank]
    readers.to_ocel(odd, tmp_path / "bank.json")
    text = (tmp_path / "bank.json").read_text().replace('"amount","value":"7"', '"amount","value":"8"', 1)
    with pytest.raises(UnreadableLog, match="do not say the same, so another program has changed one of them: take"):
        readers.ocel(written(tmp_path, text)).history()


def test_types_that_differ_in_case_or_signs_only_have_tables_of_their_own(tmp_path: Path, bank: History) -> None:
    kinds = ("Paid", "paid", "pa-id", "object", "map type", "MAP_type", "!", "PAID", '"; DROP TABLE event; --')
    history = History(
        msgspec.structs.replace(bank[0], type=kind, position=number, version=number, id=str(number))
        for number, kind in enumerate(kinds, 1)
    )
    readers.to_ocel(history, tmp_path / "bank.sqlite")
    assert readers.ocel(tmp_path / "bank.sqlite").history() == history


def test_types_of_objects_are_written_in_the_order_in_which_they_come(tmp_path: Path, bank: History) -> None:
    kinds = ["shop", "lamp", "rug", "cat", "tram", "pier", "oak", "inn"]
    history = History(
        msgspec.structs.replace(bank[0], stream=f"{kind}-1", position=number, id=kind)
        for number, kind in enumerate(kinds, 1)
    )
    readers.to_ocel(history, tmp_path / "log.json")
    told = json.loads((tmp_path / "log.json").read_text())
    assert [kind["name"] for kind in told["objectTypes"]] == kinds


def test_what_cannot_be_written_leaves_the_old_file(tmp_path: Path, bank: History) -> None:
    path = written(tmp_path, "the old one", "bank.json")
    with pytest.raises(InvalidPosition, match="found position 1 after 3, expected events in the order"):
        readers.to_ocel([*bank, bank[0]], path)
    with pytest.raises(InvalidName, match=r"the ending is '.xml', expected one of .json, .jsonocel, .sqlite, .db"):
        readers.to_ocel(bank, tmp_path / "bank.xml")
    assert [one.read_text() for one in tmp_path.iterdir()] == ["the old one"]
