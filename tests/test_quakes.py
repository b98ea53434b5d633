"""Earthquakes: one week, told by two clocks."""

import datetime as dt
import itertools
import statistics
from collections import Counter

import pytest

from eslab import datasets
from eslab.aggregates import fold
from eslab.domains.quakes import EarthquakeReported, Quake, StrongestSoFar, TremorsPerDay, magnitude_class
from eslab.errors import UnhandledEvent
from eslab.events import event, record
from eslab.timeline import Timeline

DAY = dt.datetime(2018, 2, 6, tzinfo=dt.UTC)


@event(name="tests.VolcanoErupted")
class VolcanoErupted:
    name: str


def report(magnitude, kind="earthquake", occurred_at=DAY, n=1):
    payload = EarthquakeReported(magnitude, "ml", "Lisbon", 38.7, -9.1, 10.0, kind, "reviewed", [f"x{n}"])
    return placed(payload, f"quake-x{n}", n, occurred_at)


def placed(payload, stream="quake-1", position=1, occurred_at=DAY):
    times = {"occurred_at": occurred_at, "recorded_at": DAY + dt.timedelta(hours=3)}
    return record(payload, stream=stream, version=1, position=position, **times)


@pytest.fixture(scope="module")
def week():
    return datasets.load("quakes")


def test_a_week_has_1707_tremors_each_with_its_own_stream(week):
    assert len(week) == 1_707
    assert {recorded.version for recorded in week} == {1}
    assert sum(len(recorded.payload.ids) > 1 for recorded in week) == 94


def test_a_report_comes_after_the_tremor_and_half_of_them_within_four_hours(week):
    hours = [(recorded.recorded_at - recorded.occurred_at).total_seconds() / 3600 for recorded in week]
    assert min(hours) > 0
    assert statistics.median(hours) == pytest.approx(4.0, abs=0.1)


def test_754_neighbours_occurred_in_the_opposite_order(week):
    pairs = itertools.pairwise(week)
    assert sum(earlier.occurred_at > later.occurred_at for earlier, later in pairs) == 754


def test_the_strongest_of_the_week_struck_hualien(week):
    strongest = fold(week, StrongestSoFar())
    assert (strongest.magnitude, strongest.place) == (6.4, "22km NNE of Hualian, Taiwan")
    assert strongest.occurred_at == dt.datetime(2018, 2, 6, 15, 50, 42, 400_000, dt.UTC)


def test_what_was_the_strongest_depends_on_the_clock(week):
    """At noon of 5 February the two clocks do not know the same tremors."""
    noon = dt.datetime(2018, 2, 5, 12, tzinfo=dt.UTC)
    timeline = Timeline(week, StrongestSoFar())
    known, happened = timeline.at(recorded_until=noon), timeline.at(occurred_until=noon)
    assert known.index < happened.index
    assert known.state != happened.state


def test_the_days_count_every_tremor_whatever_the_order(week):
    days = fold(week, TremorsPerDay())
    assert sum(sum(counts.values()) for counts in days.values()) == 1_707
    assert days == fold(reversed(week), TremorsPerDay())
    assert list(days) == sorted(Counter(recorded.occurred_at.date().isoformat() for recorded in week))


def test_a_quarry_blast_is_no_earthquake():
    history = [report(2.0, n=1), report(3.5, "quarry blast", n=2), report(2.5, n=3), report(2.5, n=4)]
    found = fold(history, StrongestSoFar())
    assert (found.magnitude, found.known_after) == (2.5, dt.timedelta(hours=3))


def test_of_two_equally_strong_the_first_counts():
    later = DAY + dt.timedelta(hours=1)
    assert fold([report(5.0, n=1), report(5.0, n=2, occurred_at=later)], StrongestSoFar()).occurred_at == DAY


@pytest.mark.parametrize(
    ("magnitude", "word"),
    [(-0.8, "micro"), (1.99, "micro"), (2.0, "minor"), (4.0, "light"), (5.9, "moderate"), (6.4, "strong"),
     (7.9, "major"), (9.5, "great")],
)  # fmt: skip
def test_a_magnitude_has_a_word(magnitude, word):
    assert magnitude_class(magnitude) == word


def test_a_tremor_is_as_last_reported(week):
    quake = Quake.replay([week[0]])
    assert (quake.magnitude, quake.place, quake.status) == (2.3, "81km WNW of Skagway, Alaska", "automatic")


@pytest.mark.parametrize("state", [Quake, StrongestSoFar(), TremorsPerDay()])
def test_an_unknown_event_is_loud(state):
    with pytest.raises(UnhandledEvent, match="VolcanoErupted"):
        fold([placed(VolcanoErupted("Etna"))], state)
