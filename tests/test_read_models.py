"""Read models: one contract for Python state and for tables in SQLite and PostgreSQL."""

import contextlib
import os
import sqlite3
import subprocess
import sys
import threading
from types import SimpleNamespace
from typing import ClassVar

import psycopg
import pytest

from eslab import MemoryStore, Projection, SqliteProjection, event
from eslab.errors import InvalidName, ProjectionFailed, ReadModelAltered, StoreUnavailable
from eslab.projections.letters import DeadLetter
from eslab.projections.postgres import PostgresProjection
from eslab.projections.read_models import Mark
from eslab.stores.sqlite import SqliteStore


@event(name="test_read_models.BellRung")
class BellRung:
    times: int


BELLS = "CREATE TABLE bells (bell TEXT PRIMARY KEY, rings INTEGER NOT NULL CHECK (rings < 100))"
RINGS = "INSERT INTO bells VALUES (?, ?) ON CONFLICT (bell) DO UPDATE SET rings = bells.rings + excluded.rings"


class Rings(Projection):
    """How often each bell rang; 13 rings cannot be handled."""

    name = "Bells"

    def evolve(self, bells, recorded, /):
        bells[recorded.stream] = bells.get(recorded.stream, 0) + recorded.payload.times
        if recorded.payload.times == 13:
            raise ValueError("13 rings")
        return bells


class InTables:
    name = "Bells"
    tables: ClassVar[dict[str, str]] = {"bells": BELLS, "by rings": "CREATE INDEX by_rings ON bells (rings)"}
    sign = "?"

    def evolve(self, db, recorded, /):
        db.execute(RINGS.replace("?", self.sign), (recorded.stream, recorded.payload.times))
        if recorded.payload.times == 13:
            raise ValueError("13 rings")
        return db


class InSqlite(InTables, SqliteProjection):
    name = "Bells"


class InPostgres(InTables, PostgresProjection):
    name, sign = "Bells", "%s"


def rung(*times):
    """Rings of bell 1, 2, 1, 2, …, recorded from position 1 on."""
    store = MemoryStore()
    for number, one in enumerate(times):
        store.append(f"bell-{number % 2 + 1}", [BellRung(one)])
    return list(store.read())


def seen(model):
    if isinstance(model.state, dict):
        return model.state
    return dict(model.state.execute("SELECT bell, rings FROM bells").fetchall())


def until(events, made_by="today"):
    """The mark after these events."""
    return Mark(events[-1].position, events[-1].position, events[-1].id, made_by)


def letter(recorded, error="ValueError: 13 rings", attempts=3):
    return DeadLetter.of("Bells", recorded, error, attempts)


FIVE = rung(1, 2, 3, 4, 5)


def kinds(*fast, slow=("file of the store", "own schema", "schema of the store")):
    """A test that runs once on each kind of place, on some of them only among the slow tests."""
    rest = [pytest.param(kind, marks=pytest.mark.slow) for kind in slow if kind not in fast]
    return pytest.mark.parametrize("place", [*fast, *rest], indirect=True)


in_tables = kinds("own file")
own_places = kinds("own file", slow=["own schema"])


@pytest.fixture
def place(request, tmp_path):
    """Makes read models of one kind, all in the same place."""
    kind = request.param
    with contextlib.ExitStack() as stack:
        if kind.endswith("schema") or kind.startswith("schema"):
            postgres = request.getfixturevalue("postgres")
            schema = postgres.open_store().schema if "store" in kind else postgres.schema()
            made = SimpleNamespace(kind=kind, cls=InPostgres, at=(postgres.dsn,), options={"schema": schema})
            stack.callback(
                lambda: [
                    postgres.ask(f'DROP SCHEMA IF EXISTS "{name}" CASCADE')
                    for (name,) in postgres.ask(
                        "SELECT nspname FROM pg_namespace WHERE nspname LIKE %s", f"{schema}\\_\\_beside%"
                    )
                ]
            )
        else:
            if "store" in kind:
                stack.enter_context(SqliteStore(tmp_path / "events.db"))
            path = {"memory": ":memory:", "own file": tmp_path / "bells.db"}.get(kind, tmp_path / "events.db")
            made = SimpleNamespace(kind=kind, cls=InSqlite, at=(str(path),), options={})

        def model(cls=None):
            cls = made.cls if cls is None else cls
            one = (Rings() if kind == "Python state" else cls(*made.at, **made.options)).read_model()
            stack.callback(one.close)
            return one

        made.model = model
        yield made


# --- changing ---


@kinds("Python state", "memory", "own file", "own schema")
def test_view_and_mark_change_together(place):
    model = place.model()
    assert (model.mark, seen(model)) == (Mark(), {})
    assert model.apply(FIVE[:2], 0, until(FIVE[:2]))
    assert model.apply([], 2, Mark(7, 2, FIVE[1].id, "today"))
    assert model.apply(FIVE[2:], 7, until(FIVE))
    assert (model.mark, model.checkpoint, seen(model)) == (until(FIVE), 5, {"bell-1": 9, "bell-2": 6})
    model.check()


@kinds("Python state", "own file")
def test_who_was_overtaken_changes_nothing(place):
    model = place.model()
    model.apply(FIVE, 0, until(FIVE))
    assert not model.apply(FIVE[:2], 0, until(FIVE[:2]), [letter(FIVE[0])])
    assert (model.checkpoint, model.letters(), seen(model)) == (5, [], {"bell-1": 9, "bell-2": 6})


@in_tables
def test_what_fails_in_the_middle_of_a_batch_leaves_all_as_it_was(place):
    model, poisoned = place.model(), rung(1, 2, 13, 4)
    model.apply(poisoned[:1], 0, until(poisoned[:1]))
    with pytest.raises(ProjectionFailed, match="ValueError: 13 rings") as failure:
        model.apply(poisoned[1:], 1, until(poisoned), [letter(poisoned[1])])
    assert failure.value.position == 3
    assert (model.checkpoint, model.letters(), seen(model)) == (1, [], {"bell-1": 1})


@in_tables
def test_a_view_outlives_the_program(place):
    model = place.model()
    model.apply(FIVE, 0, until(FIVE), [letter(FIVE[0])])
    model.close()
    again = place.model()
    assert (again.mark, again.letters(), seen(again)) == (until(FIVE), [letter(FIVE[0])], {"bell-1": 9, "bell-2": 6})


@in_tables
def test_a_statement_that_is_refused_is_a_failure_of_the_projection(place):
    model = place.model()
    with pytest.raises(ProjectionFailed, match=r"position 1, .*(CHECK|check) constraint"):
        model.apply(rung(100), 0, Mark(1))
    assert seen(model) == {}


ENDINGS = [
    lambda db: db.commit(), lambda db: db.execute("COMMIT"), lambda db: db.rollback(),
    lambda db: db.execute("COMMIT") and db.execute("BEGIN"),
]  # fmt: skip


@pytest.mark.parametrize("ending", ENDINGS, ids=["commit", "COMMIT", "rollback", "COMMIT, BEGIN"])
@own_places
def test_a_projection_that_ends_the_transaction_is_refused_and_nothing_is_kept(place, ending):
    class Ending(place.cls):
        name = "Bells"

        def evolve(self, db, recorded, /):
            super().evolve(db, recorded)
            ending(db)
            return db

    model = place.model(Ending)
    with pytest.raises(ProjectionFailed, match=r"ended the transaction by itself at position 1.* take commit"):
        model.apply(FIVE[:1], 0, until(FIVE[:1]))
    assert (model.mark, seen(model)) == (Mark(), {})


@own_places
def test_a_part_of_an_event_may_be_taken_back_inside(place):
    class Carefully(place.cls):
        name = "Bells"

        def evolve(self, db, recorded, /):
            db.execute("SAVEPOINT before")
            super().evolve(db, recorded)
            db.execute("ROLLBACK TO before")
            return super().evolve(db, recorded)

    model = place.model(Carefully)
    assert model.apply(FIVE, 0, until(FIVE))
    assert seen(model) == {"bell-1": 9, "bell-2": 6}


# --- dead letters ---


@kinds("Python state", "own file")
def test_letters_are_kept_with_the_batch_and_settled_with_their_events(place):
    model = place.model()
    kept = [letter(FIVE[1], "position 1 \0 \ud800"), letter(FIVE[0], attempts=3)]
    model.apply([], 0, until(FIVE), kept)
    assert [one.position for one in model.letters()] == [1, 2]
    assert model.settle(FIVE[:1], [letter(FIVE[0]).now("handled"), kept[0].now("skipped", reason="a test")])
    assert (model.letters(), model.checkpoint, seen(model)) == ([], 5, {"bell-1": 1})
    assert [(one.status, one.reason) for one in model.letters(settled=True)] == [("handled", ""), ("skipped", "a test")]
    assert not model.settle(FIVE[:1], [letter(FIVE[0]).now("handled")])
    assert seen(model) == {"bell-1": 1}


@in_tables
def test_a_letter_that_fails_again_goes_on_waiting(place):
    model, poisoned = place.model(), rung(13)
    model.apply([], 0, until(poisoned), [letter(poisoned[0])])
    with pytest.raises(ProjectionFailed):
        model.settle(poisoned, [letter(poisoned[0]).now("handled")])
    assert (model.letters(), seen(model)) == ([letter(poisoned[0])], {})


# --- readers ---


@kinds("memory", "own file", "own schema")
def test_readers_never_see_half_a_batch(place):
    found = []

    class Watched(place.cls):
        name = "Bells"

        def evolve(self, db, recorded, /):
            found.append((seen(model), model.checkpoint))
            return super().evolve(db, recorded)

    model = place.model(Watched)
    model.apply(FIVE[:2], 0, until(FIVE[:2]))
    model.apply(FIVE[2:], 2, until(FIVE))
    assert found == [({}, 0)] * 2 + [({"bell-1": 1, "bell-2": 2}, 2)] * 3


@in_tables
def test_a_reader_that_was_closed_is_opened_again(place):
    model = place.model()
    model.state.close()
    assert seen(model) == {}
    model.close()
    with pytest.raises(StoreUnavailable, match="is closed"):
        seen(model)


# --- tables of one's own ---


@in_tables
def test_a_view_never_takes_the_tables_of_another(place):
    place.model().apply(FIVE, 0, until(FIVE))
    with pytest.raises(InvalidName, match=r"Greedy wants a table 'bells', but .* has one that is not its own"):
        place.model(type("Greedy", (place.cls,), {"name": "Greedy"}))
    with pytest.raises(InvalidName, match="has a table 'Links', which eslab keeps for itself"):
        place.model(type("Greedy", (place.cls,), {"tables": {"Links": "CREATE TABLE Links (x INTEGER)"}}))
    assert seen(place.model()) == {"bell-1": 9, "bell-2": 6}


ALTERED = {
    "ALTER TABLE bells ADD COLUMN loud INTEGER": "loud",
    "DROP INDEX by_rings": "by_rings",
    "CREATE INDEX mine ON bells (bell, rings)": "mine",
    "DROP TABLE bells": "bells",
    "DELETE FROM checkpoints": "no row for Bells in checkpoints",
}


@own_places
@pytest.mark.parametrize("statement", ALTERED)
def test_altered_tables_are_seen_and_mended_by_a_rebuild(place, statement):
    model = place.model()
    model.apply(FIVE[:4], 0, until(FIVE[:4]))
    model.state.execute(statement)
    with pytest.raises(ReadModelAltered, match=rf"view Bells in .*{ALTERED[statement]}.*; rebuild\(\) makes it again"):
        model.check()
    built = model.beside()
    built.apply(FIVE, 0, until(FIVE))
    model.swap(built)
    model.check()
    assert (model.mark, seen(model)) == (until(FIVE), {"bell-1": 9, "bell-2": 6})


@own_places
def test_an_event_is_no_poison_when_its_table_is_gone(place):
    model = place.model()
    model.state.execute("DROP TABLE bells")
    with pytest.raises(ReadModelAltered, match="bells"):
        model.apply(FIVE, 0, until(FIVE))


# --- made again ---


@kinds("Python state", "memory", "own file", "own schema")
def test_what_is_built_beside_takes_the_place_at_once(place):
    model = place.model()
    poisoned = rung(1, 2, 13, 13, 1)
    model.apply(poisoned[:2], 0, until(poisoned, "yesterday"), [letter(one) for one in poisoned[2:]])
    model.settle([], [letter(poisoned[3]).now("skipped", reason="a test")])
    built = model.beside()
    assert (built.mark, seen(built), built.lead()) == (Mark(), {}, True)
    built.apply(poisoned[:2], 0, until(poisoned[:2]))
    built.apply([], 2, until(poisoned), [letter(poisoned[2]), letter(poisoned[4])])
    built.settle([poisoned[4]], [letter(poisoned[4]).now("handled")])
    assert (model.mark.made_by, seen(model)) == ("yesterday", {"bell-1": 1, "bell-2": 2})
    model.swap(built)
    assert (model.mark, seen(model)) == (until(poisoned), {"bell-1": 2, "bell-2": 2})
    assert [one.position for one in model.letters()] == [3]
    assert [one.position for one in model.letters(settled=True)] == [4]
    model.check()


@in_tables
def test_a_view_with_other_tables_takes_the_place_of_the_old_one(place):
    place.model().apply(FIVE, 0, until(FIVE))
    halls = {"halls": "CREATE TABLE halls (bell INTEGER)", "loud": "CREATE VIEW loud AS SELECT bell FROM halls"}
    model = place.model(type("Other", (place.cls,), {"name": "Bells", "tables": halls, "evolve": hang}))
    with pytest.raises(ReadModelAltered, match="halls"):
        model.check()
    built = model.beside()
    built.apply(FIVE, 0, until(FIVE))
    model.swap(built)
    assert len(model.state.execute("SELECT * FROM loud").fetchall()) == 5
    with pytest.raises((sqlite3.OperationalError, psycopg.errors.UndefinedTable), match="bells"):
        seen(model)
    model.check()


def hang(self, db, recorded, /):
    db.execute(f"INSERT INTO halls VALUES ({recorded.position})")
    return db


@in_tables
def test_a_rebuild_never_takes_the_tables_of_another(place):
    place.model()
    greedy = {"halls": "CREATE TABLE halls (bell INTEGER)"}
    place.model(type("Halls", (place.cls,), {"name": "Halls", "tables": greedy}))
    model = place.model(type("Bells", (place.cls,), {"name": "Bells", "tables": greedy}))
    with pytest.raises(InvalidName, match="Bells wants a table 'halls'"):
        model.swap(model.beside())


@in_tables
def test_what_a_crash_left_beside_is_thrown_away(place):
    model = place.model()
    left = model.beside()
    left.apply(FIVE, 0, until(FIVE))
    left.passing = False
    left.close()
    again = model.beside()
    assert seen(again) == {}
    again.close()


@in_tables
def test_a_rebuild_that_fails_leaves_nothing_beside(place, tmp_path):
    model = place.model()
    model.beside().close()
    assert [path for path in tmp_path.iterdir() if "beside" in path.name] == []
    if place.cls is InPostgres:
        assert model.ask("SELECT FROM pg_namespace WHERE nspname LIKE ?", f"{model.schema}__beside%") == []


@in_tables
def test_readers_who_look_all_the_while_see_the_old_or_the_new_whole(place):
    model, found, done = place.model(), set(), threading.Event()
    model.apply(FIVE, 0, until(FIVE))

    def look():
        reader = place.model().state
        while not done.is_set():
            found.add(tuple(sorted(reader.execute("SELECT rings FROM bells").fetchall())))

    readers = [threading.Thread(target=look) for _ in range(2)]
    for reader in readers:
        reader.start()
    for _ in range(3):
        built = model.beside()
        for recorded in FIVE:
            built.apply([recorded], recorded.position - 1, until([recorded]))
        model.swap(built)
    done.set()
    for reader in readers:
        reader.join()
    assert found == {((6,), (9,))}


# --- one of several ---


@kinds("own file", "own schema")
def test_one_leads_and_the_next_takes_over(place):
    first, second = place.model(), place.model()
    assert (first.lead(), first.lead(), second.lead(), second.lead("delivery")) == (True, True, False, True)
    first.release()
    assert (second.lead(), first.lead()) == (True, False)
    second.close()
    assert (first.lead(), first.lead("delivery")) == (True, True)


LEADING = """
import sys, time
sys.path.insert(0, {tests!r})
from test_read_models import InPostgres, InSqlite
model = {model}.read_model()
print(model.lead(), flush=True)
time.sleep(60)
"""


@pytest.mark.slow
@own_places
def test_a_leader_that_is_killed_leads_no_more(place):
    model = place.model()
    made = f"{place.cls.__name__}(*{place.at!r}, **{place.options!r})"
    code = LEADING.format(tests=os.path.dirname(__file__), model=made)
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "True\n"
    assert not model.lead()
    process.kill()
    process.communicate()
    for _ in range(100):
        if led := model.lead():
            break
        threading.Event().wait(0.02)
    assert led
