"""The league: two published tables, corrections years later, and what the rules refuse."""

import datetime as dt
import json

import pytest

from eslab import datasets
from eslab.aggregates import fold
from eslab.commands import CommandBus
from eslab.domains.league import (
    HANDLERS,
    CorrectResult,
    LeagueTable,
    Match,
    RecordResult,
    ResultCorrected,
    ResultRecorded,
    Row,
)
from eslab.errors import CommandRefused, InvalidCommand, UnhandledEvent
from eslab.events import event, record
from eslab.projections import Projector
from eslab.stores.memory import MemoryStore
from eslab.timeline import Timeline

FACTS = json.loads((datasets.folder("datasets") / "league_facts.json").read_text(encoding="utf-8"))
DAY = dt.datetime(2014, 3, 1, tzinfo=dt.UTC)


@event(name="tests.MatchAbandoned")
class MatchAbandoned:
    minute: int


def lines(table):
    """The table in the form of the published ones."""
    return [[club, *(getattr(row, column) for column in FACTS["columns"][1:])] for club, row in table.items()]


def table_known_on(year, month, day):
    until = dt.datetime(year, month, day, tzinfo=dt.UTC)
    return Timeline(datasets.load("league"), LeagueTable()).at(recorded_until=until).state


def test_the_table_as_first_recorded():
    assert lines(table_known_on(2015, 12, 31)) == FACTS["table_as_first_recorded"]


def test_the_official_table_needs_every_correction():
    assert lines(fold(datasets.load("league"), LeagueTable())) == FACTS["table_official"]


def test_before_the_corrections_newcastle_stood_above_stoke():
    clubs = list(table_known_on(2020, 6, 5))
    assert clubs.index("Newcastle United") < clubs.index("Stoke City")
    clubs = list(table_known_on(2020, 6, 6))
    assert clubs.index("Stoke City") < clubs.index("Newcastle United")


def test_the_order_in_which_it_happened_gives_the_same_table():
    timeline = Timeline(datasets.load("league"), LeagueTable(), order="occurred")
    assert lines(timeline[-1].state) == FACTS["table_official"]


def test_each_correction_says_what_was_believed_before():
    history = datasets.load("league")
    for recorded in history[-4:]:
        first = next(other.payload for other in history if other.stream == recorded.stream)
        now = recorded.payload
        assert (first.home_goals, first.away_goals) == (now.home_goals_before, now.away_goals_before)


def test_the_view_of_a_store_is_the_same_table():
    store = MemoryStore()
    datasets.load("league", into=store)
    view = Projector(store, LeagueTable())
    view.catch_up()
    assert list(view.state) == [line[0] for line in FACTS["table_official"]]


def test_a_match_taken_back_leaves_the_row_as_it_was():
    row = Row().plus(2, 1).plus(0, 0)
    assert row.plus(3, 3).plus(3, 3, times=-1) == row
    assert (row.points, row.goal_difference) == (4, 1)


def test_equal_points_are_ordered_by_goal_difference_then_goals_then_name():
    results = [ResultRecorded("Ajax", "Zwolle", 1, 0), ResultRecorded("Breda", "Yport", 3, 2),
               ResultRecorded("Celje", "Xanten", 4, 1), ResultRecorded("Agde", "Wels", 1, 0)]  # fmt: skip
    table = fold(map(recorded_once, results), LeagueTable())
    assert list(table) == ["Celje", "Breda", "Agde", "Ajax", "Yport", "Wels", "Zwolle", "Xanten"]


def recorded_once(payload):
    return record(payload, stream=f"match-{payload}", version=1, position=1, recorded_at=DAY)


# --- commands ---


@pytest.fixture
def league():
    store = MemoryStore()
    bus = CommandBus(store, HANDLERS)
    bus.dispatch(RecordResult("Stoke City", "Crystal Palace", 1, 1))
    return bus


def test_a_result_is_recorded_once(league):
    with pytest.raises(CommandRefused, match="is recorded as 1-1: if that is wrong, send CorrectResult"):
        league.dispatch(RecordResult("Stoke City", "Crystal Palace", 2, 1))
    assert league.store.position == 1


def test_a_correction_holds_both_scores(league):
    (recorded,) = league.dispatch(CorrectResult("Stoke City", "Crystal Palace", 2, 1))
    assert recorded.stream == "match-stoke-city-crystal-palace"
    assert recorded.payload == ResultCorrected("Stoke City", "Crystal Palace", 2, 1, 1, 1)
    assert Match.replay(league.store.load(recorded.stream)).score == (2, 1)


def test_a_match_that_was_never_recorded_is_not_corrected(league):
    with pytest.raises(CommandRefused, match="Fulham - Sunderland has no result to correct"):
        league.dispatch(CorrectResult("Fulham", "Sunderland", 1, 4))
    assert league.store.position == 1


def test_a_correction_to_the_same_score_is_refused(league):
    with pytest.raises(CommandRefused, match="is recorded as 1-1 already"):
        league.dispatch(CorrectResult("Stoke City", "Crystal Palace", 1, 1))


@pytest.mark.parametrize(
    "wish",
    [
        RecordResult("Fulham", "Fulham", 1, 0),
        RecordResult("", "Fulham", 1, 0),
        RecordResult("Fulham", "Arsenal", -1, 0),
        CorrectResult("Fulham", "Arsenal", 1, 0.5),
        CorrectResult("Fulham", "Arsenal", True, 0),
    ],
)
def test_a_malformed_wish_is_refused_without_a_look_at_the_match(league, wish):
    with pytest.raises(InvalidCommand, match="expected"):
        league.dispatch(wish)


def test_the_commands_use_the_streams_of_the_data_set():
    store = MemoryStore()
    datasets.load("league", into=store)
    CommandBus(store, HANDLERS).dispatch(CorrectResult("West Ham United", "Cardiff City", 3, 0))
    assert store.version("match-west-ham-united-cardiff-city") == 2


@pytest.mark.parametrize("state", [Match, LeagueTable()])
def test_an_unknown_event_is_loud(state):
    with pytest.raises(UnhandledEvent, match="MatchAbandoned"):
        fold([recorded_once(MatchAbandoned(63))], state)
