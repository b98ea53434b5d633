"""Projections: views of the log that neither lose an event nor count it twice, and can be made again at will."""

import multiprocessing
import os
import signal
import sqlite3
import subprocess
import sys
import time

import pytest
from bells import EIGHT, Ringing, Rings, ring, seen

from eslab import MemoryStore, Projection, Projector
from eslab.contract.materials import at_once
from eslab.domains.bank import AccountOpened, Balances, MoneyDeposited, MoneyWithdrawn
from eslab.errors import InvalidName, ProjectionFailed, StoreUnavailable
from eslab.stores.sqlite import SqliteStore
from eslab.testing import FakeStore


@pytest.fixture(params=["own file", "file of the store"])
def ringing(request, tmp_path):
    """A store with rings 1 to 8 in three bells, with other events between, and a projector for its file."""
    store = SqliteStore(tmp_path / "events.db")
    store.append("account-1", [AccountOpened("Ada")])
    ring(store, 1, 2, 3, 4, 5, 6, 7, 8)
    path = tmp_path / ("bells.db" if request.param == "own file" else "events.db")
    projector = Projector(store, Ringing(str(path)), pause=0)
    yield projector
    projector.state.close()
    store.close()


# --- catching up ---


def test_catching_up_handles_every_event_once(ringing):
    assert (ringing.checkpoint, ringing.lag) == (0, 9)
    assert ringing.catch_up() == 9
    assert seen(ringing) == (EIGHT, [(n, f"bell-{(n - 2) % 3}") for n in range(2, 10)])
    assert ringing.catch_up() == 0
    assert seen(ringing)[0] == EIGHT
    assert (ringing.checkpoint, ringing.lag) == (9, 0)


@pytest.mark.parametrize("batch", [1, 2, 3, 8, 9, 100])
def test_the_size_of_a_batch_makes_no_difference(ringing, batch):
    ringing.catch_up(batch=batch)
    ring(ringing.store, 10, 20)
    ringing.catch_up(batch=batch)
    assert seen(ringing)[0] == {"bell-0": 22, "bell-1": 35, "bell-2": 9}
    assert ringing.checkpoint == 11


def test_a_projection_in_python_sees_the_same(ringing):
    rings = Projector(ringing.store, Rings())
    rings.catch_up()
    assert (rings.state, rings.checkpoint) == (EIGHT, 9)


def test_the_checkpoint_moves_over_what_does_not_concern_the_projection(ringing):
    ringing.catch_up()
    ringing.store.append("account-1", [MoneyDeposited(5)] * 3)
    assert (ringing.lag, ringing.catch_up(), ringing.lag) == (3, 3, 0)


def test_a_projection_can_be_narrowed_to_categories():
    class Streams(Projection):
        categories = ("bell",)

        def initial(self):
            return []

        def evolve(self, state, recorded, /):
            return [*state, recorded.stream]

    store = MemoryStore()
    store.append("account-1", [AccountOpened("Ada")])
    ring(store, 1, 2)
    projector = Projector(store, Streams())
    projector.catch_up()
    assert projector.state == ["bell-0", "bell-1"]


def test_a_checkpoint_outlives_the_program(ringing):
    ringing.catch_up()
    ring(ringing.store, 100)
    again = Projector(ringing.store, Ringing(ringing.projection.path))
    assert (again.checkpoint, again.lag) == (9, 1)
    again.catch_up()
    assert seen(again)[0]["bell-0"] == 112
    again.state.close()


def test_a_projector_says_how_far_it_is(ringing):
    ringing.catch_up()
    ring(ringing.store, 1)
    assert repr(ringing) == "<Ringing: checkpoint 9, lag 1>"
    assert repr(ringing.projection) == "<projection Ringing>"


def test_a_projection_without_evolve_says_what_is_missing():
    store = FakeStore()
    ring(store, 1)
    with pytest.raises(ProjectionFailed, match=r"does nothing with events: give it a method evolve\(state, recorded\)"):
        Projector(store, type("Idle", (Projection,), {})()).catch_up()


# --- rebuilding ---


def test_a_rebuilt_view_equals_the_live_one(ringing):
    ringing.catch_up(batch=3)
    live = seen(ringing)
    ringing.state.execute("UPDATE bells SET rings = 0")
    ringing.rebuild()
    assert (seen(ringing), ringing.checkpoint) == (live, 9)


def test_a_rebuild_of_python_state_equals_the_live_one():
    store = FakeStore()
    store.append("account-1", [AccountOpened("Ada"), MoneyDeposited(100), MoneyWithdrawn(30)])
    projector = Projector(store, Balances())
    projector.catch_up()
    projector.state["account-1"] = 5
    projector.rebuild()
    assert (projector.state, projector.checkpoint) == ({"account-1": 70}, 3)


def test_a_rebuild_that_fails_leaves_the_old_view(ringing, monkeypatch):
    ringing.catch_up()
    before = seen(ringing)
    monkeypatch.setattr(Ringing, "evolve", lambda self, db, recorded: db.execute("SELECT * FROM never_made"))
    with pytest.raises(ProjectionFailed, match=r"could not handle position 2, .* no such table: never_made"):
        ringing.rebuild()
    assert (seen(ringing), ringing.checkpoint) == (before, 9)


def test_a_rebuild_of_python_state_that_fails_leaves_the_old_view():
    store = FakeStore()
    ring(store, 1)
    projector = Projector(store, Rings(), pause=0)
    projector.catch_up()
    ring(store, 13)
    with pytest.raises(ProjectionFailed):
        projector.rebuild()
    assert (projector.state, projector.checkpoint) == ({"bell-0": 1}, 1)


def test_readers_see_the_old_view_while_a_new_one_is_made(ringing, monkeypatch):
    ringing.catch_up()
    path, found, right = ringing.projection.path, [], Ringing.evolve

    def watched(self, db, recorded, /):
        reader = sqlite3.connect(path)
        found.append(dict(reader.execute("SELECT bell, rings FROM bells").fetchall()))
        reader.close()
        return right(self, db, recorded)

    monkeypatch.setattr(Ringing, "evolve", watched)
    ringing.rebuild()
    assert found == [EIGHT] * 8


def test_tables_that_have_changed_are_made_anew_by_a_rebuild(ringing, monkeypatch):
    ringing.catch_up()
    wider = "CREATE TABLE bells (bell TEXT PRIMARY KEY, rings INTEGER NOT NULL, loud INTEGER DEFAULT 1)"
    monkeypatch.setattr(Ringing, "tables", {**Ringing.tables, "bells": wider})
    monkeypatch.setattr(
        Ringing, "evolve", lambda self, db, recorded: db.execute("REPLACE INTO bells VALUES ('all', 1, 3)")
    )
    ringing.rebuild()
    assert ringing.state.execute("SELECT sum(loud) FROM bells").fetchone() == (3,)


def test_a_view_never_takes_the_tables_of_another_view(ringing):
    ringing.catch_up()
    before = seen(ringing)
    greedy = type("Greedy", (Ringing,), {})
    with pytest.raises(InvalidName, match=r"wants a table 'bells', but .* has one that is not its own: choose another"):
        greedy(ringing.projection.path).read_model()
    assert seen(ringing) == before


@pytest.mark.parametrize("table", ["events", "Checkpoints"])
def test_a_view_in_the_file_of_a_store_never_takes_its_tables(tmp_path, table):
    greedy = type("Greedy", (Ringing,), {"tables": {table: f"CREATE TABLE {table} (x)"}})
    with SqliteStore(tmp_path / "events.db") as store:
        ring(store, 1)
        with pytest.raises(InvalidName, match=f"has a table '{table}', which eslab keeps for itself"):
            Projector(store, greedy(store.path))
        assert len(store.load("bell-0")) == 1


# --- a log that is not the one ---


def test_a_checkpoint_ahead_of_the_log_is_refused_until_it_is_rebuilt(ringing, tmp_path):
    ringing.catch_up()
    older = SqliteStore(tmp_path / "older.db")
    ring(older, 1)
    other = Projector(older, Ringing(ringing.projection.path))
    with pytest.raises(StoreUnavailable, match=r"has handled position 9, but the log ends at 1: .* rebuild\(\) it"):
        other.catch_up()
    assert other.checkpoint == 9
    other.rebuild()
    assert (other.checkpoint, seen(other)[0]) == (1, {"bell-0": 1})
    other.state.close()
    older.close()


# --- two at once, and a crash ---


def test_two_projectors_on_one_file_never_count_twice(ringing):
    ring(ringing.store, *range(20, 120))
    others = [Projector(ringing.store, Ringing(ringing.projection.path)) for _ in range(3)]
    at_once([lambda one=one: one.catch_up(batch=7) for one in (ringing, *others)])
    log = seen(ringing)[1]
    assert [position for position, _ in log] == list(range(2, 110))
    assert {one.checkpoint for one in (ringing, *others)} == {109}
    for one in others:
        one.state.close()


def test_a_projector_that_was_overtaken_takes_the_others_word(ringing):
    other = Projector(ringing.store, Ringing(ringing.projection.path))
    stale = list(ringing.store.read(limit=5))
    other.catch_up()
    assert not ringing.read_model.apply(stale, 0, ringing.read_model.mark._replace(checkpoint=5))
    assert (seen(ringing)[0], ringing.checkpoint) == (EIGHT, 9)
    other.state.close()


KILLED = """
import sys, time
sys.path.insert(0, {tests!r})
import bells
from eslab import Projector
from eslab.stores.sqlite import SqliteStore
apply = bells.Ringing.evolve_all
def slowly(self, db, events, /):
    time.sleep(0.002 * len(events))
    return apply(self, db, events)
bells.Ringing.evolve_all = slowly
Projector(SqliteStore({store!r}), bells.Ringing({view!r})).catch_up(batch=5)
"""


@pytest.mark.parametrize("view", ["bells.db", pytest.param("events.db", marks=pytest.mark.slow)])
def test_a_projector_that_is_killed_in_the_middle_loses_nothing_and_doubles_nothing(tmp_path, view):
    store = SqliteStore(tmp_path / "events.db")
    ring(store, *[1] * 300)
    path = str(tmp_path / view)
    code = KILLED.format(tests=os.path.dirname(__file__), store=store.path, view=path)
    reached = [0]
    for _ in range(3):
        projector = Projector(store, Ringing(path))
        process = subprocess.Popen([sys.executable, "-c", code])
        while projector.checkpoint < reached[-1] + 20 and process.poll() is None:
            time.sleep(0.003)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        assert [position for position, _ in seen(projector)[1]] == list(range(1, projector.checkpoint + 1))
        reached.append(projector.checkpoint)
        projector.state.close()
    assert reached[-1] < 300
    assert reached == sorted(reached)
    projector = Projector(store, Ringing(path))
    projector.catch_up()
    live = seen(projector)
    assert live[0] == {"bell-0": 100, "bell-1": 100, "bell-2": 100}
    projector.rebuild()
    assert seen(projector) == live
    projector.state.close()
    store.close()


def keep_up(store, view):
    """Catch up again and again until the log is full and handled."""
    projector = Projector(SqliteStore(store), Ringing(view))
    while projector.checkpoint < 200:
        projector.catch_up(batch=3)


@pytest.mark.slow
def test_projectors_in_several_processes_keep_up_with_a_writer(tmp_path):
    spawn = multiprocessing.get_context("spawn")
    store = SqliteStore(tmp_path / "events.db")
    view = str(tmp_path / "bells.db")
    workers = [spawn.Process(target=keep_up, args=(store.path, view)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for _ in range(200):
        ring(store, 1)
        time.sleep(0.005)
    for worker in workers:
        worker.join(timeout=60)
    assert [worker.exitcode for worker in workers] == [0, 0]
    projector = Projector(store, Ringing(view))
    assert [position for position, _ in seen(projector)[1]] == list(range(1, 201))
    projector.state.close()
    store.close()
