"""Views where they lie: what a file and a schema keep, refuse, and survive."""

import sqlite3
import threading
import time
from typing import ClassVar

import psycopg
import pytest
from postgres import told
from test_read_models import FIVE, InPostgres, InSqlite, kinds, own_places, place, rung, seen, until

from eslab import MemoryStore, Projector
from eslab.errors import StoreUnavailable
from eslab.projections.projection import live
from eslab.projections.read_models import Mark
from eslab.projections.tables import EARLIER
from eslab.stores.sqlite import SqliteStore

__all__ = ["place"]  # a fixture

own_file = kinds("own file", slow=[])
own_schema = kinds(slow=["own schema"])


def rebuilt(model, events=FIVE):
    """The read model after it was made again from these events."""
    built = model.beside()
    built.apply(events, 0, until(events))
    model.swap(built)
    model.check()
    return model


# --- the place fails, and not the event ---


@own_file
def test_a_full_disk_is_no_poison(place):
    class Loud(InSqlite):
        name = "Bells"

        def evolve(self, db, recorded, /):
            db.execute("INSERT INTO bells VALUES (?, 1)", (str(recorded.position) * 50_000,))
            return db

    model = place.model(Loud)
    (pages,) = model._db.execute("PRAGMA page_count").fetchone()
    model._db.execute(f"PRAGMA max_page_count = {pages + 5}")
    with pytest.raises(StoreUnavailable, match=r"full; the disk is full: make room"):
        model.apply(FIVE, 0, until(FIVE))
    assert (model.mark, seen(model)) == (Mark(), {})
    model._db.execute("PRAGMA max_page_count = 10000")
    assert model.apply(FIVE, 0, until(FIVE))


@own_file
def test_a_file_in_which_somebody_writes_for_too_long_is_no_poison(place):
    model, other = place.model(), sqlite3.connect(place.at[0], isolation_level=None)
    model._db.execute("PRAGMA busy_timeout = 10")
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="found database is locked"):
        model.apply(FIVE, 0, until(FIVE))
    other.close()
    assert model.apply(FIVE, 0, until(FIVE))


@own_schema
def test_a_line_that_is_lost_in_the_middle_of_a_batch_is_no_poison(place, postgres):
    class Unlucky(InPostgres):
        name, times = "Bells", 0

        def evolve(self, db, recorded, /):
            self.times += 1
            if self.times == 3:
                postgres.ask("SELECT pg_terminate_backend(%s, 5000)", db.info.backend_pid)
            return super().evolve(db, recorded)

    model = place.model(Unlucky)
    with pytest.raises(StoreUnavailable, match=r"terminat|closed"):
        model.apply(FIVE, 0, until(FIVE))
    assert (model.mark, seen(model)) == (Mark(), {})
    assert model.apply(FIVE, 0, until(FIVE))
    assert seen(model) == {"bell-1": 9, "bell-2": 6}


@own_schema
def test_who_loses_the_line_leads_no_more(place, postgres):
    first, second = place.model(), place.model()
    assert first.lead()
    postgres.ask("SELECT pg_terminate_backend(%s, 5000)", first._look.connection.info.backend_pid)
    assert (second.lead(), first.lead(), first.mark) == (True, False, Mark())


@own_schema
def test_a_password_is_not_told(place):
    secret = "postgresql://ada:hunter2@127.0.0.1:1/bells"
    with pytest.raises(StoreUnavailable) as refused:
        InPostgres(secret).read_model()
    assert "hunter2" not in told(refused.value) + repr(InPostgres(secret))


@own_file
def test_a_place_where_nobody_may_write_a_lock_is_refused(place, tmp_path):
    model = place.model()
    (tmp_path / "bells.db.Bells.lock").mkdir()
    with pytest.raises(StoreUnavailable, match=r"no way to write .*bells\.db\.Bells\.lock.* change the permissions"):
        model.lead()


# --- files of an earlier eslab, and of others ---


def earlier(path, checkpoint):
    """A view as an earlier eslab has left it."""
    db = sqlite3.connect(path, isolation_level=None)
    InSqlite(str(path)).create(db)
    db.execute("CREATE TABLE checkpoints (projection TEXT PRIMARY KEY, position INTEGER NOT NULL)")
    db.execute("INSERT INTO checkpoints VALUES ('Bells', ?), ('Halls', 7)", (checkpoint,))
    db.execute("INSERT INTO bells VALUES ('bell-1', ?)", (checkpoint,))
    db.close()


@own_file
def test_a_view_of_an_earlier_eslab_keeps_its_checkpoint_and_asks_for_a_rebuild(place, tmp_path):
    earlier(tmp_path / "bells.db", 9)
    model = place.model()
    assert (model.mark, seen(model)) == (Mark(9, 0, "", EARLIER), {"bell-1": 9})
    assert model.ask("SELECT checkpoint FROM checkpoints WHERE projection = 'Halls'") == [(7,)]
    assert seen(rebuilt(place.model())) == seen(model) == {"bell-1": 9, "bell-2": 6}


@own_file
def test_a_view_of_an_earlier_eslab_that_was_never_run_is_just_run(place, tmp_path):
    earlier(tmp_path / "bells.db", 0)
    assert place.model().mark == Mark()


@own_file
def test_checkpoints_of_another_program_are_left_alone(place, tmp_path):
    with sqlite3.connect(tmp_path / "bells.db") as db:
        db.execute("CREATE TABLE checkpoints (level INTEGER)")
    with pytest.raises(StoreUnavailable, match="'checkpoints' with the columns level, expected projection, "):
        place.model()
    assert db.execute("SELECT name FROM sqlite_schema").fetchall() == [("checkpoints",)]
    db.close()


# --- what a rebuild keeps ---


class Log:
    """Every ring on its own, in tables of several kinds."""

    name = "Log"

    def evolve(self, db, recorded, /):
        for statement in self.changes:
            db.execute(statement)
        return db


class LogInSqlite(Log, InSqlite):
    name = "Log"
    tables: ClassVar[dict[str, str]] = {
        "numbered": "CREATE TABLE numbered (n INTEGER PRIMARY KEY AUTOINCREMENT, x INTEGER)",
        "plain": "CREATE TABLE plain (x INTEGER, double INTEGER AS (2 * x))",
        "without": "CREATE TABLE without (x INTEGER PRIMARY KEY) WITHOUT ROWID",
        "words": "CREATE VIRTUAL TABLE words USING fts5 (word)",
        "watch": "CREATE TRIGGER watch AFTER INSERT ON plain BEGIN INSERT INTO numbered (x) VALUES (NEW.x); END",
    }
    changes = (
        "INSERT INTO plain (x) VALUES ((SELECT count(*) FROM without))",
        "DELETE FROM plain WHERE x = 1 AND EXISTS (SELECT 1 FROM plain WHERE x = 2)",
        "DELETE FROM numbered WHERE n = 5",
        "INSERT INTO without SELECT count(*) FROM without",
        "INSERT INTO words VALUES ('dong')",
    )
    asked = (
        "SELECT rowid, x, double FROM plain",
        "SELECT * FROM numbered",
        "SELECT * FROM sqlite_sequence WHERE name = 'numbered'",
        "SELECT * FROM without",
        "SELECT rowid FROM words WHERE words MATCH 'dong'",
    )


class LogInPostgres(Log, InPostgres):
    name = "Log"
    tables: ClassVar[dict[str, str]] = {
        "bells": "CREATE TABLE bells (n BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, x INTEGER NOT NULL)",
        "tower": "CREATE TABLE tower (n SERIAL, bell BIGINT REFERENCES bells, loud INT GENERATED ALWAYS AS (7) STORED)",
        "free": "CREATE SEQUENCE free",
        "many": "CREATE VIEW many AS SELECT n, x FROM bells WHERE x > 1",
    }
    changes = (
        "INSERT INTO bells (x) VALUES (nextval('free'))",
        "INSERT INTO tower (bell) SELECT max(n) FROM bells",
    )
    asked = ("SELECT * FROM bells", "SELECT * FROM tower", "SELECT * FROM many", "SELECT last_value FROM free")


@own_places
def test_a_rebuild_keeps_all_that_belongs_to_a_table(place):
    model = place.model(LogInSqlite if place.cls is InSqlite else LogInPostgres)
    model.apply(FIVE, 0, until(FIVE))
    live_one = [model.state.execute(question).fetchall() for question in model.projection.asked]
    assert all(live_one)
    rebuilt(model)
    assert [model.state.execute(question).fetchall() for question in model.projection.asked] == live_one
    assert model.apply(FIVE[:1], 5, Mark(6))
    rebuilt(model)


@own_schema
def test_a_rebuild_keeps_who_may_read(place, postgres):
    model = place.model()
    postgres.ask(f'GRANT SELECT ON "{model.schema}".bells TO pg_monitor, PUBLIC')
    rights = f"SELECT relacl::text FROM pg_class WHERE oid = '{model.schema}.bells'::regclass"
    before = postgres.ask(rights)
    rebuilt(model)
    assert "pg_monitor=r/" in before[0][0]
    assert sorted(postgres.ask(rights)[0][0][1:-1].split(",")) == sorted(before[0][0][1:-1].split(","))


@own_schema
def test_a_rebuild_never_drops_what_others_made_of_a_view(place, postgres):
    model = place.model()
    postgres.ask(f'CREATE VIEW "{model.schema}".loud AS SELECT * FROM "{model.schema}".bells')
    with pytest.raises(
        StoreUnavailable, match=r"view loud depends on table bells.* drop it, rebuild, then make it again"
    ):
        rebuilt(model)
    assert postgres.ask(f'SELECT count(*) FROM "{model.schema}".loud') == [(0,)]


@own_schema
def test_a_swap_waits_for_who_is_reading_and_lets_others_read_meanwhile(place, postgres):
    model, found = place.model(), []
    model.apply(FIVE[:1], 0, until(FIVE[:1]))
    with psycopg.connect(postgres.dsn, options=f"-c search_path={model.schema}") as reader:
        reader.execute("SELECT * FROM bells")
        swapping = threading.Thread(target=rebuilt, args=(model,))
        swapping.start()
        began = time.monotonic()
        while not postgres.ask("SELECT 1 FROM pg_locks WHERE NOT granted"):
            time.sleep(0.005)
        found += [seen(place.model()) for _ in range(5)]
        assert swapping.is_alive()
        assert time.monotonic() - began < 5
        assert reader.execute("SELECT rings FROM bells").fetchall() == [(1,)]
    swapping.join()
    assert found == [{"bell-1": 1}] * 5
    assert seen(model) == {"bell-1": 9, "bell-2": 6}


# --- several at once ---


@own_places
def test_of_two_who_handle_the_same_batch_one_does(place):
    class Slow(place.cls):
        name = "Bells"

        def evolve(self, db, recorded, /):
            time.sleep(0.01)
            return super().evolve(db, recorded)

    models, answers, ready = [place.model(Slow) for _ in range(3)], [], threading.Barrier(3)

    def handle(model):
        ready.wait()
        answers.append(model.apply(FIVE, 0, until(FIVE)))

    threads = [threading.Thread(target=handle, args=(model,)) for model in models]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [False, False, True]
    assert seen(models[0]) == {"bell-1": 9, "bell-2": 6}


def test_appends_go_on_while_a_view_in_the_file_of_the_store_is_made_again(tmp_path):
    with SqliteStore(tmp_path / "events.db") as store, SqliteStore(tmp_path / "events.db") as other:
        other._db.execute("PRAGMA busy_timeout = 0")

        class Ringing(InSqlite):
            name = "Bells"

            def evolve(self, db, recorded, /):
                if rebuilding and recorded.position <= 3:
                    threads.append(threading.Thread(target=other.append, args=("bell-9", [type(recorded.payload)(1)])))
                    threads[-1].start()
                    threads[-1].join()
                return super().evolve(db, recorded)

        threads, rebuilding = [], []
        store.copy(rung(1, 2, 3))
        projector = Projector(store, Ringing(store.path))
        projector.catch_up()
        rebuilding.append(True)
        projector.rebuild()
        assert (store.position, projector.lag, seen(projector.read_model)["bell-9"]) == (6, 0, 3)
        projector.read_model.close()


@own_schema
def test_a_view_in_postgres_is_folded_on_request(place, postgres):
    store = MemoryStore()
    store.copy(FIVE)
    tables = live(store, InPostgres(postgres.dsn, schema=place.options["schema"]), until=2)
    assert tables.execute("SELECT bell, rings FROM bells").fetchall() == [("bell-1", 1), ("bell-2", 2)]
    tables.close()
    assert postgres.ask("SELECT FROM pg_namespace WHERE nspname = %s", place.options["schema"]) == []
