"""Flights: the blizzard of February 2013, counted."""

import datetime as dt
import itertools
from collections import Counter

import pytest

from eslab import datasets
from eslab.aggregates import fold
from eslab.domains.flights import (
    DepartureBoard,
    Flight,
    FlightArrived,
    FlightCancelled,
    FlightCounts,
    FlightDeparted,
    FlightDiverted,
    FlightScheduled,
)
from eslab.errors import UnhandledEvent
from eslab.events import event, record
from eslab.projections import Projector
from eslab.stores.memory import MemoryStore

NOON = dt.datetime(2013, 2, 8, 12, tzinfo=dt.UTC)


@event(name="tests.FlightHijacked")
class FlightHijacked:
    by: str


@pytest.fixture(scope="module")
def weekend():
    return datasets.load("flights")


@pytest.fixture(scope="module")
def month():
    return datasets.load("flights-month")


def on(day, history):
    return [recorded for recorded in history if recorded.stream.startswith(f"flight-{day}-")]


def stream_of(history, aggregate_id):
    return [recorded for recorded in history if recorded.aggregate_id == aggregate_id]


def test_half_of_the_flights_of_8_february_were_cancelled(weekend):
    counts = Counter(recorded.type for recorded in on("20130208", weekend))
    assert (counts["flights.FlightCancelled"], counts["flights.FlightScheduled"]) == (472, 930)


def test_more_than_half_of_those_of_the_9th(weekend):
    counts = Counter(recorded.type for recorded in on("20130209", weekend))
    assert (counts["flights.FlightCancelled"], counts["flights.FlightScheduled"]) == (393, 684)


def test_how_many_events_there_are(weekend, month):
    assert (len(weekend), len(month)) == (3_977, 73_592)
    assert fold(month, FlightCounts()) == {
        "scheduled": 0, "in the air": 0, "landed": 23_660, "diverted": 30, "cancelled": 1_261,
    }  # fmt: skip


def test_the_weekend_is_part_of_the_month(weekend, month):
    ids = {recorded.id: (recorded.occurred_text, recorded.payload_text) for recorded in month}
    assert all(ids[recorded.id] == (recorded.occurred_text, recorded.payload_text) for recorded in weekend)


def test_every_flight_is_scheduled_then_leaves_and_ends_or_is_cancelled(month):
    shapes = {}
    for recorded in month:
        shapes.setdefault(recorded.stream, []).append(recorded.type.removeprefix("flights.Flight"))
    assert Counter(map(tuple, shapes.values())) == {
        ("Scheduled", "Departed", "Arrived"): 23_660,
        ("Scheduled", "Departed", "Diverted"): 30,
        ("Scheduled", "Cancelled"): 1_261,
    }


def test_no_flight_is_impossibly_fast_or_slow(month):
    """A wrong time zone, or a departure put on the wrong side of midnight, would show here."""
    left, miles = {}, {}
    for recorded in month:
        match recorded.payload:
            case FlightScheduled(distance_miles=distance):
                miles[recorded.stream] = distance
            case FlightDeparted():
                left[recorded.stream] = recorded.occurred_at
            case FlightArrived():
                hours = (recorded.occurred_at - left[recorded.stream]).total_seconds() / 3600
                assert miles[recorded.stream] / 700 < hours < 8 + miles[recorded.stream] / 300, recorded


def test_a_flight_that_left_after_midnight_left_on_the_right_day(month):
    """B6 677 was to leave New York at 20:40, left at 22:03, and was in Los Angeles at 03:30 there."""
    history = stream_of(month, "20130203-B6677-JFK")
    assert [recorded.occurred_at for recorded in history] == [
        dt.datetime(2013, 2, 3, 1, 40, tzinfo=dt.UTC),
        dt.datetime(2013, 2, 4, 3, 3, tzinfo=dt.UTC),
        dt.datetime(2013, 2, 4, 11, 30, tzinfo=dt.UTC),
    ]


def test_san_juan_is_one_hour_ahead_of_new_york(month):
    """B6 703 is to leave JFK at 08:30, 13:30 UTC, and to reach SJU at 13:30 there, 17:30 UTC."""
    flight = Flight.replay(stream_of(month, "20130205-B6703-JFK"))
    assert (flight.dest, flight.status) == ("SJU", "landed")
    assert flight.arrives_at - flight.departs_at < dt.timedelta(hours=4, minutes=30)


def test_a_flight_tells_what_became_of_it(weekend):
    flight = Flight.replay(stream_of(weekend, "20130208-US2122-LGA"))
    assert (flight.name, flight.dest, flight.status, flight.delay_min) == ("US 2122", "BOS", "diverted", -4)


# --- views ---


def test_after_the_weekend_only_cancelled_flights_are_left_on_the_board(weekend):
    board = fold(weekend, DepartureBoard())
    assert len(board) == 472 + 393
    assert {line.status for line in board.values()} == {"cancelled"}


def test_the_boards_of_the_three_airports_are_the_board(weekend):
    half = weekend[:2_000]
    boards = [fold(half, DepartureBoard(origin)) for origin in ("EWR", "JFK", "LGA")]
    assert [{line.origin for line in board.values()} for board in boards] == [{"EWR"}, {"JFK"}, {"LGA"}]
    together = dict(itertools.chain.from_iterable(board.items() for board in boards))
    assert together == fold(half, DepartureBoard())
    assert {line.status for line in together.values()} == {"scheduled", "cancelled"}


def test_the_board_shows_the_flight_until_it_leaves():
    scheduled = FlightScheduled("DL", 42, "N42", "JFK", "ATL", 760, NOON, NOON + dt.timedelta(hours=2))
    history = flight(scheduled, FlightDeparted("JFK", 5), FlightDiverted("ATL"))
    assert [list(fold(history[:n], DepartureBoard())) for n in (0, 1, 2, 3)] == [[], ["42"], [], []]


def test_a_board_leaves_the_earlier_board_alone():
    board = DepartureBoard()
    history = flight(FlightScheduled("DL", 42, None, "JFK", "ATL", 760, NOON, NOON), FlightCancelled("JFK"))
    first = board.evolve({}, history[0])
    board.evolve(first, history[1])
    assert first["42"].status == "scheduled"


def test_the_view_of_a_store_counts_the_same(weekend):
    store = MemoryStore()
    store.copy(weekend)
    view = Projector(store, FlightCounts())
    view.catch_up()
    assert view.state == fold(weekend, FlightCounts())
    assert sum(view.state.values()) == 1_614


def flight(*events):
    return [
        record(payload, stream="flight-42", version=n, position=n, recorded_at=NOON)
        for n, payload in enumerate(events, start=1)
    ]


@pytest.mark.parametrize("state", [Flight, DepartureBoard(), DepartureBoard("JFK"), FlightCounts()])
def test_an_unknown_event_is_loud(state):
    with pytest.raises(UnhandledEvent, match="FlightHijacked"):
        fold(flight(FlightHijacked("penguins")), state)
