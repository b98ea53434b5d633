"""A projector runs several projections from one reading of the log, in the cell or in the background."""

import threading
import time
from typing import ClassVar

import pytest
from bells import EIGHT, BellRung, Ringing, Rings, ring, seen

from eslab import MemoryStore, Projection, Projector
from eslab.domains.bank import AccountOpened, Balances, MoneyDeposited
from eslab.errors import (
    EmitDuringApply,
    InvalidName,
    InvalidPayload,
    NotCaughtUp,
    OtherLog,
    ProjectionFailed,
    StillRunning,
    StoreUnavailable,
)
from eslab.events import Recorded
from eslab.projections import live
from eslab.stores.sqlite import SqliteStore
from eslab.testing import FakeStore


@pytest.fixture
def shop():
    """Rings 1 to 8 in three bells, and one account."""
    store = FakeStore()
    store.append("account-1", [AccountOpened("Ada"), MoneyDeposited(100)])
    ring(store, 1, 2, 3, 4, 5, 6, 7, 8)
    return store


class Streams(Projection):
    """How many events each stream has."""

    def evolve(self, streams, recorded, /):
        streams[recorded.stream] = streams.get(recorded.stream, 0) + 1
        return streams


# --- several at once ---


def test_several_projections_are_run_from_one_reading_of_the_log(shop, monkeypatch):
    reads, read = [], shop.read
    monkeypatch.setattr(shop, "read", lambda **asked: reads.append(asked) or read(**asked))
    projector = Projector(shop, Rings(), Balances(), Streams)
    assert projector.catch_up() == 10
    assert projector.state == {"Rings": EIGHT, "Balances": {"account-1": 100}, "Streams": {
        "account-1": 2, "bell-0": 3, "bell-1": 3, "bell-2": 2}}  # fmt: skip
    assert len([asked for asked in reads if asked.get("limit")]) == 1


def test_an_event_is_decoded_once_for_all_who_want_it(shop, monkeypatch):
    decoded, payload = [], Recorded.payload.fget
    monkeypatch.setattr(Recorded, "payload", property(lambda one: decoded.append(one.position) or payload(one)))
    Projector(shop, Rings(), type("More", (Rings,), {}), type("Most", (Rings,), {})).catch_up()
    assert sorted(decoded) == list(range(3, 11))


@pytest.mark.parametrize("batch", [1, 3, 100])
def test_one_that_is_new_catches_up_with_the_others(shop, batch, tmp_path):
    path = str(tmp_path / "bells.db")
    Projector(shop, Ringing(path)).catch_up()
    ring(shop, 9)
    projector = Projector(shop, Ringing(path), Rings())
    assert (projector.checkpoint, projector.lag, projector["Ringing"].checkpoint) == (0, 11, 10)
    projector.catch_up(batch=batch)
    assert (projector["Rings"].state, seen(projector["Ringing"])[0]) == ({**EIGHT, "bell-0": 21},) * 2


def test_one_that_fails_does_not_hold_the_others_up(shop):
    ring(shop, 13)
    projector = Projector(shop, Rings(), Streams(), pause=0)
    with pytest.raises(ProjectionFailed, match="projection Rings could not handle position 11"):
        projector.catch_up()
    assert projector.state["Streams"]["bell-0"] == 4
    assert [letter.projection for letter in projector.dead_letters] == ["Rings"]


@pytest.mark.parametrize("projections", [(), (Rings(), Balances(), Rings())])
def test_projections_have_names_of_their_own(shop, projections):
    with pytest.raises(InvalidName, match="expected one or more, each with a name of its own: name = '…' in the class"):
        Projector(shop, *projections)


def test_of_several_one_must_say_which(shop):
    projector = Projector(shop, Rings(), Balances())
    with pytest.raises(InvalidName, match=r"it runs Rings, Balances: say which, as in projector\['Rings'\]"):
        projector.read_model  # noqa: B018
    with pytest.raises(InvalidName, match="there is no projection 'Bells' here, only Rings, Balances"):
        projector["Bells"]


def test_it_says_how_each_of_them_stands(shop):
    projector = Projector(shop, Rings(), Balances(), pause=0)
    ring(shop, 13)
    with pytest.raises(ProjectionFailed):
        projector.catch_up()
    ring(shop, 1)
    assert repr(projector) == ("<Rings: checkpoint 11, lag 1, 1 dead letter>\n<Balances: checkpoint 11, lag 1>")
    assert repr(projector.status).startswith(
        "<Rings: checkpoint 11, lag 1, 1 dead letter, stopped: projection Rings could not handle position 11"
    )
    assert "<td" in projector._repr_html_()


# --- what a projection may not do ---


def test_a_projection_that_appends_is_refused_and_told_why(shop):
    class Answers(Projection):
        types = (BellRung,)

        def evolve(self, state, recorded, /):
            shop.append("echo-1", [BellRung(1)])
            return state

    with pytest.raises(ProjectionFailed, match="EmitDuringApply: Answers appended while it handled an event, so every"):
        Projector(shop, Answers(), pause=0).catch_up()
    with pytest.raises(ProjectionFailed) as failure:
        live(shop, Answers)
    assert isinstance(failure.value.__cause__, EmitDuringApply)
    assert shop.version("echo-1") == 0


def test_a_view_of_another_log_of_the_same_length_is_recognised(shop, tmp_path):
    path = str(tmp_path / "bells.db")
    Projector(shop, Ringing(path)).catch_up()
    other = MemoryStore()
    ring(other, *[1] * 10)
    projector = Projector(other, Ringing(path))
    with pytest.raises(
        OtherLog, match=r"has handled event 'event-10' at position 10, where this log has '.*': it belong"
    ):
        projector.catch_up()
    assert projector.status[0].state == "failed"
    projector.rebuild()
    assert (seen(projector)[0], projector.lag) == ({"bell-0": 4, "bell-1": 3, "bell-2": 3}, 0)


def test_live_is_folded_on_request_and_kept_nowhere(shop):
    assert live(shop, Rings) == live(shop, Rings()) == EIGHT
    assert live(shop, Rings, until=4) == {"bell-0": 1, "bell-1": 2}


# --- in the background ---


def test_in_the_background_it_keeps_up_until_it_is_stopped(shop):
    with Projector(shop, Rings(), Balances()) as projector:
        projector.wait_for(10)
        assert projector.state["Rings"] == EIGHT
        (rung,) = shop.append("bell-0", [BellRung(30)])
        projector.wait_for(rung.position)
        assert (projector.state["Rings"]["bell-0"], projector.running) == (42, True)
        assert [status.state for status in projector.status] == ["running"] * 2
    ring(shop, 1)
    assert (projector.running, projector.lag, projector.status[0].state) == (False, 1, "stopped")
    projector.start().start()
    projector.wait_for(12)
    projector.stop()


def test_what_is_read_in_the_background_does_not_change_under_the_readers_hands(shop):
    with Projector(shop, Rings()) as projector:
        projector.wait_for(10)
        found = projector.state
        projector.wait_for(shop.append("bell-0", [BellRung(30)])[-1].position)
        assert found == EIGHT


def test_a_poison_event_in_the_background_is_recorded_and_stops_nothing(shop):
    with Projector(shop, Rings(), pause=0) as projector:
        ring(shop, 13, 1, 1)
        projector.wait_for(13)
        (status,) = projector.status
        assert (status.state, status.dead_letters, status.lag) == ("running", 1, 0)
        assert status.error.startswith("projection Rings could not handle position 11")
        with pytest.raises(
            ProjectionFailed, match="position 11 is not in the view of Rings, it is a dead letter: ValueE"
        ):
            projector.wait_for(11)


class Sleepy(Projection):
    """Handles nothing until it is woken."""

    awake: ClassVar[threading.Event]

    def evolve(self, state, recorded, /):
        self.awake.wait(20)
        return recorded.position


def test_one_that_does_not_return_is_named_and_stopping_does_not_hang(shop):
    Sleepy.awake = threading.Event()
    projector = Projector(shop, Sleepy).start()
    try:
        with pytest.raises(NotCaughtUp, match="projection Sleepy stands at position 0, expected 10: the time is over"):
            projector.wait_for(10, timeout=0.1)
        for verb in (lambda: projector.stop(timeout=0.1), projector.start):
            with pytest.raises(
                StillRunning, match="found Sleepy at positions 1 to 10, which does not return, expected"
            ):
                verb()
        assert (projector.status[0].state, projector.checkpoint) == ("not stopping", 0)
    finally:
        Sleepy.awake.set()
    projector.stop()
    assert (projector.running, projector.checkpoint) == (False, 10)


def test_what_ends_the_thread_is_said(shop):
    class Quits(Projection):
        def evolve(self, state, recorded, /):
            raise SystemExit("enough")

    projector = Projector(shop, Quits).start()
    with pytest.raises(NotCaughtUp, match="nobody runs it") as refusal:
        projector.wait_for(10)
    assert isinstance(refusal.value.__cause__, SystemExit)
    assert repr(projector.status) == "<Quits: checkpoint 0, lag 10, failed: SystemExit: enough>"


def test_a_projector_that_nobody_has_any_more_ends(shop):
    projector = Projector(shop, Rings()).start()
    projector.wait_for(10)
    (thread,) = [one for one in threading.enumerate() if one.name == "eslab"]
    del projector
    thread.join(5)
    assert not thread.is_alive()


def test_waiting_for_what_nobody_runs_is_refused_at_once(shop):
    projector = Projector(shop, Rings())
    with pytest.raises(
        NotCaughtUp, match=r"stands at position 0, expected 10: nobody runs it: start\(\) it, or catch_up"
    ):
        projector.wait_for(10)
    projector.catch_up()
    projector.wait_for(10)


def test_a_projection_that_never_ran_has_not_come_even_to_position_0():
    projector = Projector(FakeStore(), Rings())
    with pytest.raises(NotCaughtUp):
        projector.wait_for(0)
    projector.catch_up()
    projector.wait_for(0)


def test_when_the_store_is_gone_it_waits_and_goes_on_when_it_is_back(shop, monkeypatch):
    down = threading.Event()
    read = shop.read

    def unsteady(**asked):
        if down.is_set():
            raise StoreUnavailable("the server does not answer")
        return read(**asked)

    monkeypatch.setattr(shop, "read", unsteady)
    with Projector(shop, Rings()) as projector:
        projector.wait_for(10)
        down.set()
        ring(shop, 20)
        until = time.monotonic() + 5
        while projector.status[0].state != "waiting for the store" and time.monotonic() < until:
            time.sleep(0.01)
        assert projector.status[0].error == "the server does not answer"
        down.clear()
        projector.wait_for(11)
        assert (projector.state["bell-0"], projector.status[0].error) == (32, "")


def test_how_it_stands_is_said_also_when_the_store_cannot_be_asked(shop, monkeypatch):
    projector = Projector(shop, Rings())
    projector.catch_up()
    assert projector.status[0].lag == 0

    def gone(self):
        raise StoreUnavailable("the server does not answer")

    monkeypatch.setattr(MemoryStore, "position", property(gone))
    assert repr(projector.status) == "<Rings: checkpoint 10, lag 0, waiting for the store: the server does not answer>"
    assert repr(projector) == "<Rings: checkpoint 10, lag 0>"


def test_a_rebuild_beside_a_running_view_is_not_noticed(shop):
    with Projector(shop, Rings(), Streams()) as projector:
        projector.wait_for(10)
        gone, ended = [], threading.Event()

        def look():
            while not ended.is_set():
                gone.append(projector["Rings"].read_model.seen().get("bell-1", 0) < 15)

        reader = threading.Thread(target=look)
        reader.start()
        for _ in range(5):
            projector.rebuild("Rings")
            ring(shop, 1)
        projector.wait_for(15)
        ended.set()
        reader.join()
    assert gone
    assert not any(gone)
    assert projector.state["Rings"] == {**EIGHT, "bell-0": 17}


def test_who_watches_is_told_after_each_step(shop):
    told = []
    projector = Projector(shop, Rings())
    unwatch = projector.watch(lambda: told.append(projector.checkpoint))
    projector.catch_up(batch=5)
    assert sorted(set(told)) == [7, 10]
    unwatch()
    ring(shop, 1)
    projector.catch_up()
    assert told[-1] == 10


# --- one works, the others stand by ---


def test_one_works_and_the_other_stands_by_until_it_is_gone(tmp_path):
    store = SqliteStore(tmp_path / "events.db")
    ring(store, 1, 2)
    first, second = (Projector(store, Ringing(str(tmp_path / "bells.db"))) for _ in range(2))
    first.start().wait_for(2)
    second.start()
    until = time.monotonic() + 5
    while second.status[0].state != "standing by" and time.monotonic() < until:
        time.sleep(0.01)
    assert [one.status[0].state for one in (first, second)] == ["running", "standing by"]
    first.stop()
    ring(store, 3)
    second.wait_for(3)
    assert (second.status[0].state, seen(second)[0]) == ("running", {"bell-0": 4, "bell-1": 2})
    second.stop()
    for one in (first, second):
        one.read_model.close()
    store.close()


def test_one_that_stands_by_does_not_hold_the_others_up(tmp_path, monkeypatch):
    monkeypatch.setattr("eslab.projections.group.LOOK_AGAIN", 60)
    store = SqliteStore(tmp_path / "events.db")
    with Projector(store, Ringing(str(tmp_path / "bells.db"))) as first:
        first.wait_for(0)
        other = Projector(store, Ringing(str(tmp_path / "bells.db")), Rings()).start()
        for number in range(1, 6):
            ring(store, 1)
            other.wait_for(number, timeout=5)
        assert [status.state for status in other.status] == ["standing by", "running"]
        other.stop()
    other["Ringing"].read_model.close()
    first.read_model.close()
    store.close()


def test_what_is_no_event_is_refused_before_anything_runs(shop):
    with pytest.raises(InvalidPayload, match="Ringing is not an event, expected an instance of a class with @event"):
        Projector(shop, Rings(), type("Wrong", (Projection,), {"types": (Ringing,)})())


def test_an_event_that_fails_ever_earlier_in_its_batch_is_found(shop):
    class Fading(Projection):
        """Fails one event earlier each time it is asked, until nothing is left."""

        limit = 1_500

        def evolve(self, state, recorded, /):
            if recorded.position >= type(self).limit:
                type(self).limit -= 1
                raise ValueError("too far")
            return state

    store = MemoryStore()
    store.append("bell-0", [BellRung(1)] * 1_600)
    projector = Projector(store, Fading(), attempts=1, pause=0)
    with pytest.raises(ProjectionFailed):
        projector.catch_up()
    assert (projector.lag, projector.dead_letters[-1].position) == (0, 1_600)


def test_what_another_runs_is_waited_for_in_the_cell(tmp_path):
    store = SqliteStore(tmp_path / "events.db")
    with Projector(store, Ringing(str(tmp_path / "bells.db"))) as first:
        first.wait_for(0)
        other = Projector(store, Ringing(str(tmp_path / "bells.db")))
        ring(store, *[1] * 20)
        other.catch_up()
        assert (other.checkpoint, len(seen(other)[1])) == (20, 20)
        with pytest.raises(StillRunning, match="found another process that runs Ringing, expected none: stop it there"):
            other.rebuild()
    for one in (first, other):
        one.read_model.close()
    store.close()
