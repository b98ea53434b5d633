"""A store in a SQLite file: shared by processes, and honest about a file that is damaged, foreign, full or closed."""

import datetime as dt
import itertools
import multiprocessing
import os
import sqlite3
import subprocess
import sys
import threading
import time

import pytest

from eslab import MemoryStore, NewEvent, event
from eslab.contract.materials import at_once
from eslab.errors import BrokenLog, StoreUnavailable, WrongExpectedVersion
from eslab.queries import Query, QueryItem
from eslab.stores.sql import as_sql
from eslab.stores.sqlite import APPLICATION_ID, SCHEMAS, SqliteStore
from eslab.testing import counting_ids, ticking_clock

NOBODY = 65534


@event(name="test_sqlite.NoteWritten")
class NoteWritten:
    text: str


def notes(*texts):
    return [NoteWritten(text) for text in texts]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "events.db"


def filled(path, number=200, text="a note of some length " * 20):
    with SqliteStore(path, ids=counting_ids(), clock=ticking_clock()) as store:
        for n in range(number):
            store.append(f"note-{n % 10}", notes(f"{n}: {text}"))
    return path


# --- a file ---


def test_what_was_stored_is_there_when_the_file_is_opened_again(path):
    with SqliteStore(path) as store:
        stored = store.append("note-1", notes("tea", "milk"), metadata={"by": "Ada"})
    with SqliteStore(str(path)) as store:
        assert list(store.load("note-1")) == list(stored)
        assert store.append("note-1", notes("bread"), expected_version=2)[0].position == 3
        assert list(store.append("note-1", [*notes()])) == []


def test_two_stores_on_one_file_see_each_other(path):
    with SqliteStore(path) as one, SqliteStore(path) as two:
        one.append("note-1", notes("tea"))
        assert two.load("note-1").payloads == notes("tea")
        two.append("note-1", notes("milk"), expected_version=1)
        with pytest.raises(WrongExpectedVersion):
            one.append("note-1", notes("bread"), expected_version=1)


def test_a_category_can_be_asked_for_in_sql(path):
    with SqliteStore(path) as store:
        store.append("note-1-2", notes("tea"))
        store.append("alone", notes("milk"))
    db = sqlite3.connect(path)
    assert db.execute("SELECT category, stream, version FROM events ORDER BY position").fetchall() == [
        ("note", "note-1-2", 1), ("alone", "alone", 1)
    ]  # fmt: skip
    db.close()


SAME_ID = "9, 'other-1', version, type, schema_version, id, recorded_at, occurred_at, payload, metadata"
SAME_POSITION = "position, 'other-1', 1, type, schema_version, 'other', recorded_at, occurred_at, payload, metadata"
SAME_VERSION = "9, stream, version, type, schema_version, 'other', recorded_at, occurred_at, payload, metadata"


@pytest.mark.parametrize(
    ("sql", "refusal"),
    [
        ("UPDATE events SET payload = '{}' WHERE position = 1", "never changed: append one that corrects it"),
        ("DELETE FROM events", "never deleted: append one that takes it back"),
        (f"INSERT INTO events SELECT {SAME_POSITION} FROM events", "UNIQUE constraint failed: events.position"),
        (f"INSERT INTO events SELECT {SAME_ID} FROM events", "UNIQUE constraint failed: events.id"),
        (f"INSERT INTO events SELECT {SAME_VERSION} FROM events", "UNIQUE constraint failed: events.stream"),
    ],
)
def test_no_other_program_can_change_or_delete_a_fact(path, sql, refusal):
    filled(path, number=1, text="tea")
    db = sqlite3.connect(path)
    sql = sql.replace("INTO events SELECT", f"INTO events ({COLUMNS}) SELECT")
    with pytest.raises(sqlite3.Error, match=refusal):
        db.execute(sql)
    db.rollback()
    db.close()
    with SqliteStore(path) as store:
        assert store.load("note-0").payloads == notes("0: tea")


COLUMNS = "position, stream, version, type, schema_version, id, recorded_at, occurred_at, payload, metadata"


def test_a_stream_is_found_by_its_index_alone(path):
    filled(path, number=10)
    db = sqlite3.connect(path)
    plan = db.execute(
        "EXPLAIN QUERY PLAN SELECT * FROM events WHERE stream = 'note-1' AND version > 0 ORDER BY version"
    )
    assert "USING INDEX" in str(plan.fetchall()[0])
    db.close()


# --- a file that is no store ---


def test_a_file_of_another_program_is_refused_and_left_as_it_is(path):
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE recipes (name TEXT)")
    db.close()
    before = path.read_bytes()
    with pytest.raises(StoreUnavailable, match=r"is not an eslab store: another program made it \(tables: 'recipes'\)"):
        SqliteStore(path)
    assert path.read_bytes() == before


def test_a_file_that_only_has_the_mark_of_another_program_is_refused(path):
    db = sqlite3.connect(path)
    db.execute("PRAGMA application_id = 7")
    db.close()
    with pytest.raises(StoreUnavailable, match=r"another program made it \(tables: none\)"):
        SqliteStore(path)


def test_a_text_file_is_refused_and_left_as_it_is(path):
    path.write_text("dear diary " * 200)
    with pytest.raises(StoreUnavailable, match="it is not a SQLite file: choose another path"):
        SqliteStore(path)
    assert path.read_text() == "dear diary " * 200


def test_a_store_of_a_newer_eslab_is_refused(path):
    filled(path, number=1)
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(StoreUnavailable, match=r"has schema version 99, expected at most 2: .* so update this one"):
        SqliteStore(path)


def test_an_empty_file_becomes_a_store(path):
    path.touch()
    with SqliteStore(path) as store:
        assert store.position == 0
    db = sqlite3.connect(path)
    assert db.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
    assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    db.close()


@pytest.mark.parametrize("where", ["no/such/folder/events.db", "."], ids=["no folder", "a folder"])
def test_a_path_that_cannot_be_opened_says_so(tmp_path, where):
    with pytest.raises(StoreUnavailable, match="it cannot be opened: check that its folder exists"):
        SqliteStore(tmp_path / where)


def test_a_closed_store_says_so(path):
    store = SqliteStore(path)
    store.append("note-1", notes("tea"))
    store.close()
    store.close()
    for use in (
        lambda: store.append("note-1", notes("milk")),
        lambda: store.load("note-1"),
        lambda: list(store.read()),
    ):
        with pytest.raises(StoreUnavailable, match="open the store again"):
            use()


# --- a damaged file ---


def test_a_damaged_file_is_reported_and_what_is_readable_stays_readable(path):
    filled(path)
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(size // 2)
        file.write(os.urandom(3 * 4096))
    saved, reports = MemoryStore(), []
    with SqliteStore(path) as store:
        for n in range(10):
            try:
                saved.copy(store.load(f"note-{n}"))
            except StoreUnavailable as refusal:
                reports.append(str(refusal))
        for position in range(200):
            try:
                for one in store.read(after=position, limit=1):
                    assert one.payload.text.startswith(f"{position}: ")
                    reports.append("")
            except StoreUnavailable as refusal:
                reports.append(str(refusal))
    damaged = [report for report in reports if report]
    assert 0 < len(damaged) < len(reports)
    assert {"the file is damaged: keep a copy of it, then restore a backup" in report for report in damaged} == {True}


def test_a_file_that_is_cut_off_is_reported(path):
    filled(path)
    os.truncate(path, path.stat().st_size // 2)
    with pytest.raises(StoreUnavailable, match="the file is damaged"), SqliteStore(path) as store:
        list(store.read())


# --- a full disk ---


def test_on_a_full_disk_nothing_is_half_stored_and_the_store_goes_on_when_there_is_room(path):
    store = SqliteStore(path)
    store.append("note-1", notes("tea"))
    (pages,) = store._db.execute("PRAGMA page_count").fetchone()
    store._db.execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(
        StoreUnavailable, match="the disk is full: make room, then append again; nothing of this append"
    ):
        store.append("note-1", notes("milk", "x" * 100_000))
    assert store.load("note-1").payloads == notes("tea")
    assert store.append("note-1", notes("bread"), expected_version=1)[0].version == 2
    store._db.execute("PRAGMA max_page_count = 1000000")
    assert store.append("note-1", notes("x" * 100_000), expected_version=2)[0].position == 3
    store.close()
    with SqliteStore(path) as again:
        assert [one.version for one in again.load("note-1")] == [1, 2, 3]


# --- a file that cannot be written ---


READ_ONLY = """
import os
from eslab import event
from eslab.contract.materials import at_once
from eslab.errors import StoreUnavailable
from eslab.stores.sqlite import SqliteStore
@event(name="test_sqlite.NoteWritten")
class NoteWritten:
    text: str
os.setgid({nobody})
os.setuid({nobody})
with SqliteStore({path!r}) as store:
    print(store.position, store.load("note-1").payloads)
    try:
        store.append("note-1", store.load("note-1").payloads)
    except StoreUnavailable as refusal:
        print(refusal)
"""


def as_nobody(path):
    """Run READ_ONLY as a user to whom the file is not writable (root may write everything)."""
    for folder in list(path.parents)[:3]:  # the folders that pytest has made for us alone
        folder.chmod(0o755)
    code = READ_ONLY.format(nobody=NOBODY, path=str(path))
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become a user who may not write")
@pytest.mark.parametrize("still_open", [False, True], ids=["nobody else has it open", "somebody has it open"])
def test_a_file_that_cannot_be_written_can_be_read(path, still_open):
    store = SqliteStore(path)
    store.append("note-1", notes("tea"))
    if not still_open:
        store.close()
    path.chmod(0o644)
    done = as_nobody(path)
    store.close()
    assert done.stderr == ""
    assert done.stdout.splitlines()[0] == "1 [NoteWritten(text='tea')]"
    assert "the file or its folder cannot be written: change its permissions, or copy it elsewhere" in done.stdout


# --- many at once ---


def test_a_file_that_many_open_at_once_is_made_once(tmp_path):
    def use(path):
        with SqliteStore(path) as store:
            store.append("note-1", notes("tea"))

    for n in range(5):
        at_once([lambda n=n: use(tmp_path / f"{n}.db")] * 8)
        with SqliteStore(tmp_path / f"{n}.db") as store:
            assert store.position == 8


def count_up(path, times):
    """Append the next number, as long as nobody else was faster."""
    store = SqliteStore(path)
    for _ in range(times):
        while True:
            history = store.load("note-1")
            try:
                store.append("note-1", notes(str(len(history) + 1)), expected_version=len(history))
                break
            except WrongExpectedVersion:
                continue
    store.close()


def test_two_processes_on_one_file_lose_nothing(path):
    spawn = multiprocessing.get_context("spawn")
    workers = [spawn.Process(target=count_up, args=(str(path), 60)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=60)
    assert [worker.exitcode for worker in workers] == [0, 0]
    with SqliteStore(path) as store:
        assert store.load("note-1").payloads == notes(*(str(n) for n in range(1, 121)))
        assert [recorded.position for recorded in store.read()] == list(range(1, 121))


def test_a_writer_waits_for_another_no_longer_than_its_patience(path):
    with SqliteStore(path) as store, SqliteStore(path, patience=0.05) as hasty:
        store.append("note-1", notes("tea"))
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        with pytest.raises(StoreUnavailable, match="another process has been writing for too long: wait or end it"):
            hasty.append("note-1", notes("milk"))
        assert time.monotonic() - began < 5
        assert hasty.load("note-1").payloads == notes("tea")  # readers need not wait
        other.execute("ROLLBACK")
        assert hasty.append("note-1", notes("milk"))[0].version == 2
        other.close()


def test_a_patient_writer_gets_its_turn(path):
    with SqliteStore(path) as store:
        store.append("note-1", notes("tea"))
        other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        other.execute("BEGIN IMMEDIATE")
        release = threading.Timer(0.1, other.execute, ["ROLLBACK"])
        release.start()
        assert store.append("note-1", notes("milk"))[0].version == 2
        release.join()
        other.close()


def test_an_error_in_a_transaction_leaves_the_store_usable(path):
    ticks = iter([dt.datetime(2026, 1, 1, tzinfo=dt.UTC)])
    with SqliteStore(path, clock=lambda: next(ticks)) as store:
        store.append("note-1", notes("tea"))
        with pytest.raises(StopIteration):
            store.append("note-1", notes("milk"))
        store.clock = ticking_clock(dt.datetime(2027, 1, 1, tzinfo=dt.UTC))
        assert store.append("note-1", notes("bread"))[0].version == 2


# --- a schema that grows ---


def older(path, version):
    """A store as an eslab of that schema version has left it: two notes, one of them with tags."""
    db = sqlite3.connect(path)
    for statement in (statement for number in range(1, version + 1) for statement in SCHEMAS[number]):
        db.execute(statement)
    row = "INSERT INTO events VALUES (?, 'notes-1', ?, 'test_sqlite.NoteWritten', 1, ?, ?, ?, ?, ?)"
    time = "2026-01-01T00:00:00.000000+00:00"
    db.execute(row, (1, 1, "one", time, time, '{"text":"first"}', '{"tags":["a","b"]}'))
    db.execute(row, (2, 2, "two", time, time, '{"text":"second"}', '{"tags":"not a list"}'))
    db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    db.execute(f"PRAGMA user_version = {version}")
    db.commit()
    db.close()


def test_a_store_of_an_older_eslab_is_brought_up_to_date_with_all_its_events(path):
    older(path, version=1)
    with SqliteStore(path) as store:
        assert [recorded.id for recorded in store.read(query=Query(QueryItem(tags=["b"])))] == ["one"]
        assert store.verify().events == 2
        store.append("notes-1", notes("third"), expected_version=2)
    db = sqlite3.connect(path)
    assert db.execute("PRAGMA user_version").fetchone() == (max(SCHEMAS),)


def test_an_update_that_fails_half_way_leaves_the_older_store_as_it_was(path, monkeypatch):
    older(path, version=1)
    before = path.read_bytes()
    monkeypatch.setitem(SCHEMAS, 2, (*SCHEMAS[2], "THIS IS NO SQL"))
    with pytest.raises(StoreUnavailable, match="syntax error"):
        SqliteStore(path)
    db = sqlite3.connect(path)
    assert db.execute("PRAGMA user_version").fetchone() == (1,)
    assert db.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'tags'").fetchone() == (0,)
    db.close()
    assert path.read_bytes() == before


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become a user who may not write")
def test_an_older_store_that_cannot_be_written_is_to_be_copied_first(path):
    older(path, version=1)
    path.chmod(0o644)
    assert "brought up to date where it is: copy it to where you may write" in as_nobody(path).stderr


def test_many_may_bring_an_older_store_up_to_date_at_once(path):
    older(path, version=1)
    at_once([lambda: SqliteStore(path).close()] * 6)
    with SqliteStore(path) as store:
        assert store.verify().events == 2


def test_a_store_that_must_be_there_is_not_made(path):
    with pytest.raises(StoreUnavailable, match="there is no store at"):
        SqliteStore(path, create=False)
    assert not path.exists()
    filled(path, number=1)
    assert SqliteStore(path, create=False).position == 1


# --- what a query costs, and what verify finds ---


@pytest.mark.parametrize(
    "item",
    [{"tags": ["a"]}, {"tags": ["a", "b"]}, {"types": ["tests.NoteWritten"]}, {"types": ["x", "y"], "tags": ["a"]}],
    ids=repr,
)
def test_a_query_is_answered_by_indexes_and_without_sorting(path, item):
    filled(path, number=1)
    sql, values = as_sql(Query(QueryItem(**item)), 0, 100, 10)
    plan = [row[3] for row in sqlite3.connect(path).execute(f"EXPLAIN QUERY PLAN {sql}", values)]
    assert any(step.startswith("SEARCH e USING") for step in plan)
    assert [step for step in plan if "SCAN e" in step] == []
    sorted_are_only_the_tags_of_an_item = len(item.get("tags", ())) > 1
    assert any("FOR ORDER BY" in step for step in plan) == sorted_are_only_the_tags_of_an_item


def test_a_page_of_the_log_is_read_in_order_and_not_put_together_from_types(path):
    filled(path, number=1)
    with SqliteStore(path) as store:
        asked = []
        store._db.set_trace_callback(asked.append)
        list(store.read(types=[NoteWritten]))
        (page,) = [sql for sql in asked if "json_each" in sql]
        plan = [row[3] for row in store._db.execute(f"EXPLAIN QUERY PLAN {page}")]
    assert plan[0] == "SEARCH events USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"
    assert [step for step in plan if "events_by_type" in step or "FOR ORDER BY" in step] == []


def test_a_common_tag_beside_a_rare_one_costs_nothing(path):
    with SqliteStore(path) as store:
        common = [NewEvent(NoteWritten(f"{n}"), tags=["campus", *["zoe"] * (n == 1_900)]) for n in range(2_000)]
        store.append("notes-1", common)
    sql, values = as_sql(Query(QueryItem(tags=["campus", "zoe"])), 0, 2_000, 1)
    db, steps = sqlite3.connect(path), itertools.count()
    db.set_progress_handler(lambda: next(steps) < 0, 10)
    assert db.execute(sql, values).fetchall() == [(1_901,)]
    assert next(steps) < 2_000


def altered(path, *statements):
    """Change a file as somebody would who takes the triggers away, and puts them back."""
    db = sqlite3.connect(path)
    _, *triggers = SCHEMAS[1]
    for statement in ("DROP TRIGGER events_are_never_changed", "DROP TRIGGER events_are_never_deleted", *statements):
        db.execute(statement)
    for trigger in triggers:
        db.execute(trigger)
    db.commit()
    db.close()


TAMPERINGS = {
    'UPDATE events SET payload = \'{"text":"forged"}\' WHERE position = 7': 7,
    "UPDATE events SET recorded_at = '2020-01-01T00:00:00.000000+00:00' WHERE position = 7": 7,
    "UPDATE events SET id = 'another' WHERE position = 7": 7,
    "DELETE FROM events WHERE position = 7": 7,
    "UPDATE links SET digest = randomblob(32) WHERE position = 7": 7,
    "DELETE FROM links WHERE position = 7": 7,
    "DELETE FROM events WHERE position = 12": 12,
    "DELETE FROM events WHERE position > 0": 1,
}


@pytest.mark.parametrize(("statement", "position"), TAMPERINGS.items(), ids=repr)
def test_a_chain_names_the_first_place_that_was_tampered_with(path, statement, position):
    with SqliteStore(path) as store:
        store.chain()
        for number in range(12):
            store.append("notes-1", notes(f"note {number}"))
        head = store.head()
    altered(path, statement)
    with SqliteStore(path) as store:
        for exported in (head, None):
            with pytest.raises(BrokenLog) as broken:
                store.verify(exported)
            assert broken.value.position == position


def test_whoever_makes_all_links_anew_is_found_out_by_a_head_that_was_kept_elsewhere(path):
    with SqliteStore(path) as store:
        store.chain()
        store.append("notes-1", notes("one", "two", "three"))
        head = str(store.head(2))
    altered(path, 'UPDATE events SET payload = \'{"text":"forged"}\' WHERE position = 1', "DELETE FROM links")
    with SqliteStore(path) as store:
        store.chain()
        assert store.verify().chained
        with pytest.raises(BrokenLog, match="is not what it was when this head was exported"):
            store.verify(head)


def test_an_index_of_tags_that_is_not_that_of_the_events_is_found(path):
    with SqliteStore(path) as store:
        store.append("notes-1", [NewEvent(NoteWritten("one"), tags=["a"])])
    altered(path, "DELETE FROM tags")
    with SqliteStore(path) as store, pytest.raises(BrokenLog, match="the index of tags is not that of the events"):
        store.verify()


@pytest.mark.parametrize(
    "statement",
    ["DROP TRIGGER events_are_never_changed", "DROP INDEX events_by_type", "ALTER TABLE tags RENAME COLUMN tag TO tug"],
)
def test_a_file_that_is_not_made_as_eslab_makes_it_is_found(path, statement):
    filled(path, number=1)
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE a_read_model (name TEXT)")
    with SqliteStore(path) as store:
        assert store.verify().events == 1
    db.execute(statement)
    db.close()
    with SqliteStore(path) as store, pytest.raises(BrokenLog, match="is not there as eslab makes it"):
        store.verify()
