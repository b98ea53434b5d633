"""A store in PostgreSQL: the same contract, shared by programs, and honest about a server that refuses or is lost."""

import contextlib
import datetime as dt
import multiprocessing
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from postgres import told
from psycopg.conninfo import make_conninfo

from eslab import MemoryStore, NewEvent, event
from eslab.chain import GENESIS
from eslab.contract.materials import at_once, made
from eslab.errors import BrokenLog, DuplicateEvent, InvalidPayload, StoreUnavailable, WrongExpectedVersion
from eslab.queries import AppendCondition, Query, QueryItem
from eslab.stores import connect, postgres_tables
from eslab.stores.postgres import PostgresStore
from eslab.stores.sqlite import SqliteStore
from eslab.testing import StoreContract

COLUMNS = "position, stream, version, type, schema_version, id, recorded_at, occurred_at, payload, metadata"


class TestPostgresStore(StoreContract):
    @pytest.fixture(autouse=True)
    def _server(self, postgres):
        self.server = postgres

    def open_store(self, **options):
        return self.server.open_store(**options)


@event(name="test_postgres.NoteWritten")
class NoteWritten:
    text: str


def notes(*texts):
    return [NoteWritten(text) for text in texts]


@pytest.fixture
def store(postgres):
    return postgres.open_store()


def beside(store, postgres, sql, *values):
    """What another program does in the schema of a store."""
    return postgres.ask(sql.replace("events", f"{store.schema}.events"), *values)


def with_settings(dsn, **settings):
    """The address of the same server, for a connection that begins with other settings."""
    return make_conninfo(dsn, options=" ".join(f"-c {name}={value}" for name, value in settings.items()))


# --- a schema ---


def test_what_was_stored_is_there_when_the_schema_is_opened_again(postgres):
    store = postgres.open_store()
    stored = store.append("note-1", notes("tea", "milk"), metadata={"by": "Ada"})
    store.close()
    again = postgres.open_store(store.schema, create=False)
    assert list(again.load("note-1")) == list(stored)
    assert again.append("note-1", notes("bread"), expected_version=2)[0].position == 3


def test_two_stores_on_one_schema_see_each_other_and_two_schemas_do_not(postgres):
    one, other = postgres.open_store(), postgres.open_store()
    two = postgres.open_store(one.schema)
    one.append("note-1", notes("tea"))
    two.append("note-1", notes("milk"), expected_version=1)
    with pytest.raises(WrongExpectedVersion):
        one.append("note-1", notes("bread"), expected_version=1)
    assert other.position == 0


def test_a_category_can_be_asked_for_in_sql(store, postgres):
    store.append("note-1-2", notes("tea"))
    store.append("alone", notes("milk"))
    asked = beside(store, postgres, "SELECT category, stream, version FROM events ORDER BY position")
    assert asked == [("note", "note-1-2", 1), ("alone", "alone", 1)]


def test_texts_are_kept_letter_for_letter(store, postgres):
    odd = '{"text":  "a\\u0000b\\tc \\\\N \U0001f682",\n "z":1, "a": 2}'
    store.append("note-1", notes("\\N\t\n\\."))
    store.copy([made(payload_text=odd, metadata_text='{ "by":"Ada" }')])
    assert [r.payload.text for r in store.load("note-1")] == ["\\N\t\n\\."]
    assert [(r.payload_text, r.metadata_text) for r in store.load("account-1")] == [(odd, '{ "by":"Ada" }')]


def test_a_text_that_postgresql_cannot_keep_is_refused_and_nothing_is_stored(store):
    for wrong in ("a\x00b", "a\ud800b"):
        with pytest.raises(InvalidPayload, match="found a text that PostgreSQL cannot keep"):
            store.copy([made(stream="till-1", id="good"), made(payload_text=wrong)])
    assert store.position == 0


def test_an_id_source_that_repeats_itself_is_refused_and_nothing_is_stored(postgres):
    store = postgres.open_store(ids=lambda: "always the same")
    store.append("note-1", notes("tea"))
    with pytest.raises(DuplicateEvent, match="a source of ids that never repeats"):
        store.append("note-2", notes("milk"))
    assert store.position == 1


def test_a_tag_that_comes_twice_in_a_copied_event_is_found_once(store):
    store.copy([made(metadata_text='{"tags":["x","x"]}')])
    assert len(list(store.read(query=Query(QueryItem(tags=["x"]))))) == 1
    store.verify()


def test_a_store_shows_where_it_is(store):
    assert repr(store).startswith(f"<PostgresStore: schema '{store.schema}' in database '")


# --- nobody else changes it ---


@pytest.mark.parametrize("table", ["events", "tags", "links"])
@pytest.mark.parametrize("sql", ["UPDATE {} SET position = 7", "DELETE FROM {}", "TRUNCATE {}"])
def test_no_other_program_can_change_or_delete_a_fact(store, postgres, table, sql):
    store.append("note-1", [NewEvent(*notes("tea"), tags=["x"])])
    with pytest.raises(psycopg.errors.RaiseException, match="a fact is never changed or deleted"):
        postgres.ask(sql.format(f"{store.schema}.{table}"))
    assert store.load("note-1").payloads == notes("tea")


@pytest.mark.parametrize(
    ("row", "refusal"),
    [
        ("1, 'new-1', 1, 'new'", "events_pkey"),
        ("3, 'note-1', 2, 'new'", "events_stream_version_key"),
        ("3, 'new-1', 1, id", "events_id_key"),
        ("4, 'new-1', 1, 'new'", "the positions do not follow the end of the log"),
        ("0, 'new-1', 1, 'new'", "violates check constraint"),
        ("3, 'new-1', 0, 'new'", "violates check constraint"),
    ],
    ids=["position", "version", "id", "gap", "position 0", "version 0"],
)
def test_no_other_program_can_write_where_an_event_is_or_leave_a_gap(store, postgres, row, refusal):
    store.append("note-1", notes("tea", "milk"))
    place, rest = row.rpartition(", ")[::2]
    values = f"{place}, type, schema_version, {rest}, recorded_at, occurred_at, payload, metadata"
    with pytest.raises(psycopg.Error, match=refusal):
        beside(store, postgres, f"INSERT INTO events ({COLUMNS}) SELECT {values} FROM events WHERE position = 1")
    assert store.position == 2


def test_no_other_program_can_write_two_events_with_a_gap_between_them(store, postgres):
    store.append("note-1", notes("tea"))
    rows = ", ".join(f"({n}, 'new-1', {n}, 'type', 1, '{n}', '', '', '{{}}', '{{}}')" for n in (2, 4))
    with pytest.raises(psycopg.errors.RaiseException, match="do not follow the end of the log"):
        beside(store, postgres, f"INSERT INTO events ({COLUMNS}) VALUES {rows}")
    assert store.position == 1


ROW = "%s, %s, 1, 'other', 1, %s, '', '', '{}', '{}'"


@contextlib.contextmanager
def other_writer(store, postgres, position):
    """A program that has inserted an event by itself; it commits at the end."""
    with psycopg.connect(with_settings(postgres.dsn, lock_timeout=100)) as other:
        insert = f"INSERT INTO {store.schema}.events ({COLUMNS}) VALUES ({ROW})"
        other.execute(insert, (position, f"other-{position}", str(position)))
        yield other


def test_other_programs_write_one_after_another_so_that_positions_follow_the_commits(store, postgres):
    store.append("note-1", notes("tea"))
    with other_writer(store, postgres, 2):
        with pytest.raises(psycopg.errors.LockNotAvailable), other_writer(store, postgres, 3):
            pytest.fail("the second one was let in before the first had committed")
        assert [r.stream for r in store.read()] == ["note-1"]
    with other_writer(store, postgres, 3):
        pass
    assert [(r.position, r.stream) for r in store.read()] == [(1, "note-1"), (2, "other-2"), (3, "other-3")]


def test_a_writer_waits_for_another_no_longer_than_its_patience(store, postgres):
    store.append("note-1", notes("tea"))
    hasty = postgres.open_store(store.schema, patience=0.05)
    with other_writer(store, postgres, 2) as other:
        with pytest.raises(StoreUnavailable, match="another program has been writing for too long: wait or end it"):
            hasty.append("note-1", notes("milk"))
        assert hasty.load("note-1").payloads == notes("tea")  # readers need not wait
        other.rollback()
    assert hasty.append("note-1", notes("milk"))[0].position == 2


def test_a_patient_writer_gets_its_turn(store, postgres):
    store.append("note-1", notes("tea"))
    with ThreadPoolExecutor() as pool:
        with other_writer(store, postgres, 2):
            waiting = pool.submit(store.append, "note-1", notes("milk"))
            time.sleep(0.05)
        assert waiting.result()[0].position == 3


def test_a_writer_sees_what_came_while_it_waited_whatever_the_server_calls_isolation(store, postgres):
    strict = with_settings(postgres.dsn, default_transaction_isolation="serializable")
    with ThreadPoolExecutor() as pool, PostgresStore(strict, schema=store.schema) as waits:
        store.append("note-1", notes("tea"))
        with store._writing():
            waiting = pool.submit(waits.append, "note-1", notes("milk"))
            time.sleep(0.05)
            store._insert([made(position=2, version=1)])
        assert waiting.result()[0].position == 3


def test_what_is_appended_is_on_the_disk_even_where_the_server_would_be_content_with_less(postgres):
    lax = with_settings(postgres.dsn, synchronous_commit="off")
    with psycopg.connect(lax) as other, PostgresStore(lax, schema=postgres.schema()) as store:
        assert other.execute("SHOW synchronous_commit").fetchall() == [("off",)]
        with store._writing():
            assert store._line.ask("SHOW synchronous_commit") == [("on",)]


def test_an_error_in_a_transaction_leaves_the_store_usable(postgres):
    ticks = iter([dt.datetime(2026, 1, 1, tzinfo=dt.UTC)])
    store = postgres.open_store(clock=lambda: next(ticks))
    store.append("note-1", notes("tea"))
    with pytest.raises(StopIteration):
        store.append("note-1", notes("milk"))
    store.clock = lambda: dt.datetime(2027, 1, 1, tzinfo=dt.UTC)
    assert store.append("note-1", notes("bread"))[0].version == 2


def test_a_refusal_that_somebody_swallows_does_not_look_like_success(store):
    with (
        pytest.raises(StoreUnavailable, match="nothing was stored"),
        store._writing(),
        contextlib.suppress(StoreUnavailable),
    ):
        store._ask("SELECT 1 / 0")
    assert store.append("note-1", notes("tea"))[0].position == 1


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("ALTER TABLE {0}.events DISABLE TRIGGER never_changed", "trigger 'never_changed' of table 'events'"),
        ("DROP TRIGGER one_writer ON {0}.events", "trigger 'one_writer' of table 'events'"),
        ("INSERT INTO {0}.tags VALUES ('new', 1)", "the index of tags is not that of the events, first at position 1"),
        ("SET session_replication_role = replica; DELETE FROM {0}.tags", "first at position 2"),
        ("SET session_replication_role = replica; DELETE FROM {0}.events WHERE position = 1", "no event is there"),
    ],
)
def test_verify_finds_what_a_superuser_has_done_to_the_tables(store, postgres, sql, found):
    store.append("note-1", notes("tea"))
    store.append("note-1", [NewEvent(*notes("milk"), tags=["x"])])
    store.verify()
    postgres.ask(sql.format(store.schema) + "; RESET session_replication_role")
    with pytest.raises(BrokenLog, match=found):
        store.verify()


def test_what_a_writer_saw_of_the_log_is_not_believed_afterwards(store, postgres):
    other = postgres.open_store(store.schema)
    tea = [NewEvent(*notes("tea"), id="tea")]
    other.append("note-1", tea)
    store.append("note-1", tea)  # which was recorded before
    other.append("note-1", notes("milk"))
    assert store.position == 2
    with pytest.raises(WrongExpectedVersion):
        store.append("note-1", notes("bread"), expected_version=7)
    other.append("note-1", notes("milk"))
    assert store.position == 3


def test_what_was_inserted_is_seen_in_the_same_transaction(store):
    with store._writing():
        assert (store._end()[0], store._chain_end()) == (0, None)
        store._insert([made(position=1)])
        assert store._end()[0] == 1
    with store._writing():
        assert store._chain_end() is None
        store._add_links(0, [GENESIS])
        assert store._chain_end() == GENESIS


# --- many at once ---


def count_up(dsn, schema, times):
    """Append the next number, as long as nobody else was faster."""
    with PostgresStore(dsn, schema=schema) as store:
        for _ in range(times):
            while True:
                history = store.load("note-1")
                try:
                    store.append("note-1", notes(str(len(history) + 1)), expected_version=len(history))
                    break
                except WrongExpectedVersion:
                    continue


def test_two_processes_that_open_a_new_schema_at_once_both_succeed_and_lose_nothing(postgres):
    spawn, schema = multiprocessing.get_context("spawn"), postgres.schema()
    workers = [spawn.Process(target=count_up, args=(postgres.dsn, schema, 40)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=60)
    assert [worker.exitcode for worker in workers] == [0, 0]
    store = postgres.open_store(schema)
    assert store.load("note-1").payloads == notes(*(str(n) for n in range(1, 81)))
    assert [recorded.position for recorded in store.read()] == list(range(1, 81))


def test_a_schema_that_many_open_at_once_is_made_once(postgres):
    def use(schema):
        with PostgresStore(postgres.dsn, schema=schema) as store:
            store.append("note-1", notes("tea"))

    for schema in [postgres.schema() for _ in range(3)]:
        at_once([lambda schema=schema: use(schema)] * 6)
        assert postgres.open_store(schema).position == 6


# --- found by an index ---


@pytest.fixture
def plans(store, postgres):
    """How PostgreSQL finds what a store asks for, in a log of 20,000 events of 2,000 streams."""
    store.copy(
        made(stream=f"note-{n % 2000}", version=n // 2000 + 1, id=f"{n}", type=f"type-{n % 100}",
             metadata_text=f'{{"tags":["course:{n % 500}","year:2026"]}}')
        for n in range(20_000)
    )  # fmt: skip
    postgres.ask(f"ANALYZE {store.schema}.events")
    postgres.ask(f"ANALYZE {store.schema}.tags")

    def plan(ask):
        asked, line_ask = [], store._line.ask
        store._line.ask = lambda sql, *values, **how: asked.append((sql, values)) or line_ask(sql, *values, **how)
        ask(store)
        store._line.ask = line_ask
        plans = [line_ask(f"EXPLAIN {sql}", *values) for sql, values in asked]
        return "\n".join(line for plan in plans for (line,) in plan)

    return plan


ASKED = {
    "a stream": lambda store: store.load("note-7"),
    "a part of a stream": lambda store: store.load("note-7", after=2, until=5),
    "a version": lambda store: store.version("note-7"),
    "ids": lambda store: store._with_ids(["1", "2"]),
    "the end": lambda store: store._end(),
    "a page of the log": lambda store: store._log(5000, 20_000, None, None, 10),
    "events of a type": lambda store: store._find(Query(QueryItem(types=["type-7"])), 0, 20_000, 1),
    "events of two types": lambda store: store._find(Query(QueryItem(types=["type-7", "type-8"])), 0, 20_000, 1),
    "events of no known type": lambda store: store._find(Query(QueryItem(types=["nobody"])), 0, 20_000, 1),
    "events with a tag": lambda store: store._find(Query(QueryItem(tags=["course:7"])), 0, 20_000, 1),
    "events with two tags": lambda store: store._find(
        Query(QueryItem(tags=["course:7", "year:2026"])), 0, 20_000, 1
    ),
    "events of a type with a tag, or another": lambda store: store._find(
        Query(QueryItem(types=["type-7"], tags=["course:7"]), QueryItem(tags=["course:8"])), 0, 20_000, 1
    ),
}  # fmt: skip


def test_everything_that_is_asked_for_is_found_by_an_index_alone(plans):
    for about, ask in ASKED.items():
        plan = plans(ask)
        assert "Index" in plan, about
        assert "Seq Scan" not in plan, f"{about}:\n{plan}"


def test_some_types_of_a_long_log_are_looked_for_a_part_of_it_at_a_time(plans, store, monkeypatch):
    monkeypatch.setattr("eslab.stores.postgres.PAGE", 1_000)
    plan = plans(lambda store: store._log(0, 20_000, ["type-7", "type-8"], ["note"], 2_000))
    assert plan.count("Limit") == 20
    assert "Seq Scan" not in plan
    for after, limit in ((0, 5), (950, 31), (19_000, 99)):
        found = [row.position for row in store._log(after, 20_000, ["type-7"], None, limit)]
        assert found == [n + 1 for n in range(after, 20_000) if n % 100 == 7][:limit]


def test_a_condition_costs_the_same_wherever_the_writer_looked_last(plans):
    condition = AppendCondition(Query(QueryItem(types=["type-7"], tags=["course:7"])), after=20_000)
    plan = plans(lambda store: store.append("note-1", notes("tea"), condition=condition))
    assert "Seq Scan" not in plan


# --- a schema that is no store, or an older or a newer one ---


def tables_of(postgres, schema):
    return postgres.ask("SELECT relname FROM pg_class WHERE relnamespace = to_regnamespace(%s) ORDER BY 1", schema)


@pytest.mark.parametrize(
    "table",
    ["recipes (name TEXT)", "settings (key TEXT, flag INT)", "settings (name TEXT, value INT)", "events (a INT)"],
)
def test_a_schema_of_another_program_is_refused_and_left_as_it_is(postgres, table):
    schema = postgres.schema()
    postgres.ask(f"CREATE SCHEMA {schema}")
    postgres.ask(f"CREATE TABLE {schema}.{table}")
    before = tables_of(postgres, schema)
    with pytest.raises(StoreUnavailable, match=r"is not an eslab store: another program made it \(tables: '\w+'\)"):
        PostgresStore(postgres.dsn, schema=schema)
    assert tables_of(postgres, schema) == before


def test_a_store_of_a_newer_eslab_is_refused(store, postgres):
    postgres.ask(f"UPDATE {store.schema}.settings SET value = '99' WHERE name = 'schema_version'")
    with pytest.raises(StoreUnavailable, match=r"has schema version 99, expected at most 1: .* so update this one"):
        PostgresStore(postgres.dsn, schema=store.schema)


def test_an_empty_schema_becomes_a_store(postgres):
    schema = postgres.schema()
    postgres.ask(f"CREATE SCHEMA {schema}")
    assert postgres.open_store(schema).append("note-1", notes("tea"))[0].position == 1


def test_an_older_store_is_brought_up_to_date_and_keeps_its_events(store, postgres, monkeypatch):
    stored = store.append("note-1", notes("tea"))
    step = "CREATE TABLE {schema}.extra (a INT); INSERT INTO {schema}.extra VALUES (7);"
    monkeypatch.setattr(postgres_tables, "STEPS", (*postgres_tables.STEPS, step))
    for _ in range(2):
        assert list(postgres.open_store(store.schema).load("note-1")) == list(stored)
    assert postgres.ask(f"SELECT a FROM {store.schema}.extra") == [(7,)]
    monkeypatch.undo()
    with pytest.raises(StoreUnavailable, match="has schema version 2, expected at most 1"):
        PostgresStore(postgres.dsn, schema=store.schema)


def test_a_step_that_fails_leaves_the_older_store_as_it_was(store, postgres, monkeypatch):
    stored = store.append("note-1", notes("tea"))
    step = "CREATE TABLE {schema}.extra (a INT); SELECT 1 / 0;"
    with monkeypatch.context() as patch:
        patch.setattr(postgres_tables, "STEPS", (*postgres_tables.STEPS, step))
        with pytest.raises(StoreUnavailable, match="division by zero"):
            PostgresStore(postgres.dsn, schema=store.schema)
    assert list(postgres.open_store(store.schema).load("note-1")) == list(stored)


def test_a_store_that_is_not_there_is_not_made_if_it_shall_not_be(postgres):
    schema = postgres.schema()
    with pytest.raises(StoreUnavailable, match=f"there is no store in schema '{schema}' in database"):
        PostgresStore(postgres.dsn, schema=schema, create=False)
    assert tables_of(postgres, schema) == []


@pytest.mark.parametrize("wrong", ["", "Lessons", 'a"b', "pg_mine", "x" * 51, "7b", "a b", "ä"])
def test_a_schema_has_a_plain_name(postgres, wrong):
    with pytest.raises(StoreUnavailable, match="is not a name that a store can have"):
        PostgresStore(postgres.dsn, schema=wrong)


@pytest.mark.parametrize("name", ["order", "user", "x" * 50])
def test_a_schema_may_have_a_word_of_sql_or_a_long_name(postgres, name):
    postgres.schemas.append(name)
    store = postgres.open_store(name)
    store.append("note-1", notes("tea"))
    assert [r.position for r in store.subscribe(timeout=0.01)] == [1]


@pytest.mark.slow
def test_a_database_that_does_not_keep_every_character_is_refused(postgres):
    name = postgres.schema()
    postgres.ask(f"CREATE DATABASE {name} ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    try:
        with pytest.raises(StoreUnavailable, match="keeps text as LATIN1, expected UTF8, which has every character"):
            PostgresStore(make_conninfo(postgres.dsn, dbname=name))
    finally:
        postgres.ask(f"DROP DATABASE {name} WITH (FORCE)")


# --- connect ---


def test_connect_opens_each_kind_of_store(postgres, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plain").touch()
    for where, kind in {"memory:": MemoryStore, "events.db": SqliteStore, tmp_path / "no_dot": SqliteStore,
                        "plain": SqliteStore, f"./{tmp_path.name}.db": SqliteStore}.items():  # fmt: skip
        with connect(where, ids=lambda: "one") as store:
            assert type(store) is kind
            assert store.append("note-1", notes("tea"))[0].id == "one"


def test_connect_takes_the_schema_from_the_address_or_from_the_options(postgres):
    mark = "&" if "?" in postgres.dsn else "?"
    schema, other = postgres.schema(), postgres.schema()
    with connect(f"{postgres.dsn}{mark}schema={schema}") as store, connect(postgres.dsn, schema=other) as second:
        assert (store.schema, second.schema) == (schema, other)
        assert store.append("note-1", notes("tea"))[0].position == 1


@pytest.mark.parametrize(
    "wrong",
    ["", "memory", "postgres", "mysql://ada:hunter2@host/db", "postgresql:/ada:hunter2@db.example", "events",
     "host=db.example password=hunter2", "sqlite:hunter2.db"],
)  # fmt: skip
def test_connect_says_what_it_takes_and_repeats_no_password(wrong, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StoreUnavailable, match=r"expected 'memory:', a SQLite file such as 'events.db', or") as refusal:
        connect(wrong)
    assert "hunter2" not in told(refusal.value)
    assert list(tmp_path.iterdir()) == []
