"""Dead letters: what a projection cannot handle waits with the later ones of its stream, and all else goes on."""

import random
import sqlite3

import pytest
from bells import EIGHT, BellRung, Ringing, Rings, ring, seen
from hypothesis import given, settings
from hypothesis import strategies as st

from eslab import Projection, Projector
from eslab.errors import InvalidPosition, ProjectionChanged, ProjectionFailed
from eslab.projections import DeadLetter, DeadLetters, live
from eslab.projections.running import IN_A_ROW, MOST_PARKED
from eslab.stores.sqlite import SqliteStore
from eslab.testing import FakeStore


@pytest.fixture(params=["memory", "own file", "file of the store"])
def ringing(request, tmp_path):
    """Rings 1 to 8 in three bells, and after these a ring of 13 by bell-2 that cannot be handled, and three more."""
    store = SqliteStore(tmp_path / "events.db")
    ring(store, 1, 2, 3, 4, 5, 6, 7, 8, 13, 10, 11, 12)
    path = tmp_path / ("bells.db" if request.param == "own file" else "events.db")
    projector = Projector(store, Rings() if request.param == "memory" else Ringing(str(path)), pause=0)
    yield projector
    projector.read_model.close()
    store.close()


def rings(projector):
    return projector.state if isinstance(projector.state, dict) else seen(projector)[0]


AFTER_ALL = {"bell-0": EIGHT["bell-0"] + 10, "bell-1": EIGHT["bell-1"] + 11, "bell-2": EIGHT["bell-2"]}


@pytest.mark.parametrize("batch", [1, 2, 5, 100])
def test_an_event_that_fails_is_parked_with_the_later_ones_of_its_stream(ringing, batch):
    with pytest.raises(ProjectionFailed) as failure:
        ringing.catch_up(batch=batch)
    assert str(failure.value) == (
        f"projection {ringing.projection.name} could not handle position 9, bells.BellRung of stream 'bell-2': "
        "ValueError: 13 rings. Correct the projection, then rebuild(). It waits as a dead letter, and so will the "
        "later ones of its stream; all others are handled. If it was not the projection that was wrong, retry()"
    )
    assert (rings(ringing), ringing.checkpoint, ringing.lag) == (AFTER_ALL, 12, 0)
    parked = [(letter.position, letter.stream, letter.attempts, letter.error) for letter in ringing.dead_letters]
    assert parked == [(9, "bell-2", 3, "ValueError: 13 rings"), (12, "bell-2", 0, "it waits behind position 9")]


def test_what_comes_later_is_parked_too_and_other_streams_go_on(ringing):
    with pytest.raises(ProjectionFailed):
        ringing.catch_up()
    ring(ringing.store, 1, 2, 3)
    assert ringing.catch_up() == 3
    assert rings(ringing) == {**AFTER_ALL, "bell-0": 23, "bell-1": 28}
    assert [letter.position for letter in ringing.dead_letters] == [9, 12, 15]


def mended(monkeypatch):
    """What was wrong was outside the code: the place where 13 rings had no room has room now."""
    monkeypatch.setattr("bells.MOST_RINGS", 13)


def test_retry_handles_what_waits_in_order(ringing, monkeypatch):
    with pytest.raises(ProjectionFailed):
        ringing.catch_up()
    with pytest.raises(ProjectionFailed, match=r"could not handle position 9, .* ValueError: 13 rings"):
        ringing.retry()
    assert [letter.attempts for letter in ringing.dead_letters] == [4, 0]
    mended(monkeypatch)
    assert (ringing.retry("bell-0"), ringing.retry()) == (0, 2)
    assert rings(ringing) == {**AFTER_ALL, "bell-2": 9 + 13 + 12}
    assert (len(ringing.dead_letters), [letter.status for letter in ringing.settled]) == (0, ["handled"] * 2)


def test_a_skipped_event_is_passed_over_for_good_and_the_reason_is_kept(ringing):
    with pytest.raises(ProjectionFailed):
        ringing.catch_up()
    assert ringing.skip(9, "the ringer had fallen asleep") == 1
    expected = {**AFTER_ALL, "bell-2": 9 + 12}
    assert (rings(ringing), len(ringing.dead_letters)) == (expected, 0)
    assert [(one.position, one.status, one.reason) for one in ringing.settled] == [
        (9, "skipped", "the ringer had fallen asleep"), (12, "handled", "")
    ]  # fmt: skip
    ringing.rebuild()
    assert (rings(ringing), ringing.dead_letters) == (expected, ())
    assert [one.position for one in ringing.settled if one.status == "skipped"] == [9]


@pytest.mark.parametrize(("position", "reason"), [(8, "why not"), (9, " "), (13, "it is not there")])
def test_only_what_waits_can_be_skipped_and_only_for_a_reason(ringing, position, reason):
    with pytest.raises(ProjectionFailed):
        ringing.catch_up()
    with pytest.raises(
        InvalidPosition, match=r"expected one that waits as a dead letter of \w+ \(9, 12\), and a reason"
    ):
        ringing.skip(position, reason)
    assert len(ringing.dead_letters) == 2


def test_dead_letters_outlive_the_program(ringing):
    with pytest.raises(ProjectionFailed):
        ringing.catch_up()
    if isinstance(ringing.read_model.state, sqlite3.Connection):
        again = Projector(ringing.store, Ringing(ringing.projection.path))
        assert again.dead_letters == ringing.dead_letters
        ring(again.store, 1, 1, 1)
        again.catch_up()
        assert len(again.dead_letters) == 3
        again.read_model.close()


def test_a_rebuild_with_the_same_failure_is_taken_and_with_another_is_not(ringing, monkeypatch):
    with pytest.raises(ProjectionFailed):
        ringing.catch_up()
    ringing.rebuild()
    assert (rings(ringing), [letter.position for letter in ringing.dead_letters]) == (AFTER_ALL, [9, 12])
    monkeypatch.setattr("bells.MOST_RINGS", 6)
    with pytest.raises(ProjectionFailed, match="could not handle position 7"):
        ringing.rebuild()
    assert (rings(ringing), [letter.position for letter in ringing.dead_letters]) == (AFTER_ALL, [9, 12])


@pytest.mark.parametrize("ringing", ["own file", "file of the store"], indirect=True)
def test_changed_code_is_not_mixed_with_the_old(ringing, monkeypatch):
    with pytest.raises(ProjectionFailed):
        ringing.catch_up()
    ring(ringing.store, 1)
    monkeypatch.setattr(Ringing, "evolve", lambda self, db, recorded, /: db)
    other = Projector(ringing.store, Ringing(ringing.projection.path))
    for verb in (other.catch_up, other.retry):
        with pytest.raises(
            ProjectionChanged, match=r"the code of projection Ringing is \w+, but its view was made by "
        ):
            verb()
    assert (other.checkpoint, rings(other), other.status[0].state) == (12, AFTER_ALL, "changed")
    other.rebuild()
    assert (other.checkpoint, rings(other), other.dead_letters) == (13, {}, ())


@pytest.mark.parametrize("ringing", ["own file"], indirect=True)
def test_a_view_that_other_code_has_made_can_be_accepted(ringing, monkeypatch):
    with pytest.raises(ProjectionFailed):
        ringing.catch_up()
    evolve = Ringing.evolve
    monkeypatch.setattr(Ringing, "evolve", lambda self, db, recorded, /: evolve(self, db, recorded))
    mended(monkeypatch)
    other = Projector(ringing.store, Ringing(ringing.projection.path))
    other.accept()
    assert (other.retry(), rings(other)) == (2, {**AFTER_ALL, "bell-2": 9 + 13 + 12})


def test_an_event_that_fails_at_times_is_tried_again():
    class Moody(Projection):
        def evolve(self, state, recorded, /):
            self.calls = getattr(self, "calls", 0) + 1
            if self.calls in (3, 4, 5):
                raise ConnectionError("the line is busy")
            return {**state, recorded.position: recorded.payload.times}

    store = FakeStore()
    ring(store, 1, 2, 3, 4)
    projector = Projector(store, Moody(), pause=0)
    projector.catch_up()
    assert (projector.state, projector.dead_letters) == ({1: 1, 2: 2, 3: 3, 4: 4}, ())


@pytest.mark.parametrize(("fails", "parked"), [(lambda n: True, IN_A_ROW), (lambda n: n % 3, MOST_PARKED)])
def test_a_projection_that_fails_on_everything_stops_before_all_streams_are_parked(fails, parked):
    class Broken(Projection):
        def evolve(self, state, recorded, /):
            if fails(recorded.position):
                raise KeyError("oops")
            return state

    store = FakeStore()
    for number in range(2 * MOST_PARKED):
        store.append(f"bell-{number}", [BellRung(1)])
    projector = Projector(store, Broken(), attempts=1)
    with pytest.raises(ProjectionFailed, match=rf"has parked {parked} streams and goes no further, as so many events"):
        projector.catch_up()
    assert (len(projector.dead_letters), projector.status[0].state) == (parked, "failed")
    assert projector.lag > 0


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from([1, 2, 13])), max_size=40), st.integers(1, 7))
@settings(max_examples=40, deadline=None)
def test_the_view_holds_exactly_what_does_not_wait(told, batch):
    store = FakeStore()
    for bell, times in told:
        store.append(f"bell-{bell}", [BellRung(times)])
    projector = Projector(store, Rings(), attempts=2, pause=0)
    if any(times == 13 for _, times in told):
        with pytest.raises(ProjectionFailed):
            projector.catch_up(batch=batch)
    projector.catch_up(batch=batch)
    waiting = {letter.position for letter in projector.dead_letters}
    assert projector.state == live(store, OnlyThese(waiting))
    first = {}
    for recorded in store.read():
        if recorded.payload.times == 13 or recorded.stream in first:
            first.setdefault(recorded.stream, recorded.position)
            assert recorded.position in waiting


class OnlyThese(Rings):
    """The rings of all events but some."""

    def __init__(self, without):
        self.without = without

    def evolve(self, bells, recorded, /):
        return bells if recorded.position in self.without else super().evolve(bells, recorded)


def test_dead_letters_show_themselves_as_a_table():
    event = FakeStore().append("bell-<1>", [BellRung(1)])[0]
    letters = DeadLetters([DeadLetter.of("Rings", event, "ValueError: <b>", 3)])
    assert repr(letters) == (
        "1 dead letter\n  <Rings: position 1, bells.BellRung of bell-<1>: waiting, ValueError: <b>>"
    )
    assert "&lt;b&gt;" in letters._repr_html_()
    assert "<b>" not in letters._repr_html_()
    assert repr(DeadLetters()) == "0 dead letters"


def test_chance_decides_which_events_fail_and_none_is_lost():
    chance = random.Random(7)

    class Chancy(Rings):
        def evolve(self, bells, recorded, /):
            if chance.random() < 0.2:
                raise OSError("by chance")
            return super().evolve(bells, recorded)

    store = FakeStore()
    ring(store, *[1] * 120)
    projector = Projector(store, Chancy(), pause=0)
    while projector.lag or projector.dead_letters:
        for verb in (projector.catch_up, projector.retry):
            try:
                verb(batch=20) if verb == projector.catch_up else verb()
            except ProjectionFailed:
                continue
    assert projector.state == {"bell-0": 40, "bell-1": 40, "bell-2": 40}
