"""Frames: a history and its states as tables, exactly."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import math
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eslab import Decider, MemoryStore, Timeline, datasets, event, frames, record
from eslab.domains import bank, flights, league, quakes
from eslab.domains.bank import Account, AccountOpened, MoneyDeposited, MoneyWithdrawn
from eslab.events import Recorded
from eslab.frames import columns as frames_columns

UTC = dt.UTC
ENVELOPE = {
    "position": "int64", "stream": "str", "version": "int64", "type": "category", "schema_version": "int64",
    "recorded_at": "datetime64[us, UTC]", "occurred_at": "datetime64[us, UTC]", "id": "str", "error": "str",
}  # fmt: skip


@event(name="test_frames.Weighed")
class Weighed:
    what: str | None = None
    grams: int | None = None
    price: decimal.Decimal | None = None
    at: dt.datetime | None = None
    fresh: bool | None = None
    share: float | None = None
    took: dt.timedelta | None = None
    tags: list[str] | None = None
    version: int = 0
    type: str = "scale"


@dataclasses.dataclass(frozen=True)
class Place:
    city: str
    street: str | None = None


@event(name="test_frames.Moved")
class Moved:
    to: Place
    extra: dict[str, Any]


def moment(minute: int) -> dt.datetime:
    return dt.datetime(2026, 3, 2, 9, minute, 0, 123456, tzinfo=UTC)


def history(*payloads: Any, stream: str = "account-1") -> list[Recorded]:
    return [
        record(payload, stream=stream, version=i, position=i, recorded_at=moment(i), occurred_at=moment(i - 1))
        for i, payload in enumerate(payloads, 1)
    ]


def folded(evolve: Any, start: Any) -> Decider[Any, Any, Any]:
    return Decider(initial_state=start, decide=lambda command, state: [], evolve=evolve)


ADA = history(AccountOpened("Ada"), MoneyDeposited(100), MoneyWithdrawn(30))


# --- one row for each event ---


def test_an_event_is_one_row_with_its_envelope_and_its_payload() -> None:
    frame = frames.events(ADA)
    assert dict(frame.dtypes.astype(str)) == ENVELOPE | {"payload.owner": "str", "payload.amount": "Int64"}
    assert list(frame.columns)[:9] == list(ENVELOPE)
    row = frame.iloc[1]
    assert (row["position"], row["stream"], row["version"], row["type"]) == (2, "account-1", 2, "bank.MoneyDeposited")
    assert (row["recorded_at"], row["occurred_at"], row["id"]) == (moment(2), moment(1), ADA[1].id)
    assert row["payload.amount"] == 100
    assert pd.isna(row["payload.owner"])


def test_types_are_categories_in_the_order_of_their_first_event() -> None:
    types = frames.events(ADA)["type"].cat.categories
    assert list(types) == ["bank.AccountOpened", "bank.MoneyDeposited", "bank.MoneyWithdrawn"]


def test_a_payload_field_named_like_the_envelope_leaves_it_alone() -> None:
    frame = frames.events(history(Weighed(version=99, type="kitchen")))
    assert (frame["version"][0], frame["payload.version"][0]) == (1, 99)
    assert (frame["type"][0], frame["payload.type"][0]) == ("test_frames.Weighed", "kitchen")


def test_every_kind_of_value_gets_a_column_that_loses_nothing() -> None:
    full = Weighed("plums", 2**53 + 1, decimal.Decimal("1.50"), moment(7), True, 0.1, dt.timedelta(hours=2), ["ripe"])
    frame = frames.events(history(full, Weighed()))
    kinds = {name.removeprefix("payload."): str(kind) for name, kind in frame.dtypes.items() if "payload" in name}
    assert kinds == {
        "what": "str", "grams": "Int64", "price": "object", "at": "datetime64[us, UTC]", "fresh": "boolean",
        "share": "float64", "took": "timedelta64[us]", "tags": "object", "version": "int64", "type": "str",
    }  # fmt: skip
    for name in ("what", "grams", "price", "at", "fresh", "share", "took", "tags"):
        assert frame[f"payload.{name}"][0] == getattr(full, name)
        assert pd.isna(frame[f"payload.{name}"][1])
    assert str(frame["payload.price"][0]) == "1.50"


def test_without_missing_values_the_plain_kinds_are_used() -> None:
    frame = frames.events(history(Weighed(grams=5, fresh=False), Weighed(grams=6, fresh=True)))
    assert (str(frame["payload.grams"].dtype), str(frame["payload.fresh"].dtype)) == ("int64", "bool")


def test_what_stays_a_python_object_is_said() -> None:
    frame = frames.events(history(Weighed("plums", price=decimal.Decimal("1.5"))))
    assert "payload.price holds Decimal, kept as Python objects" in frame.attrs["notes"]
    assert not any("payload.what" in note for note in frame.attrs["notes"])


def test_a_time_from_another_zone_is_the_same_moment_and_is_said() -> None:
    there = dt.datetime(2026, 3, 2, 12, 0, tzinfo=dt.timezone(dt.timedelta(hours=2)))
    frame = frames.events(history(Weighed(at=there)))
    assert frame["payload.at"][0] == there
    assert "payload.at is shown in UTC, some of it was stored with another zone" in frame.attrs["notes"]


def test_a_whole_number_beyond_64_bits_stays_exact() -> None:
    frame = frames.events(history(Weighed(grams=2**70), Weighed(grams=1)))
    assert list(frame["payload.grams"]) == [2**70, 1]
    assert "payload.grams holds int, kept as Python objects" in frame.attrs["notes"]


def test_dataclasses_and_dicts_become_columns_and_lists_stay_in_one_cell() -> None:
    frame = frames.events(history(Moved(Place("Ulm"), {"by": {"bus": 3}, "stops": [1, 2]}), Moved(Place("Bonn"), {})))
    assert list(frame["payload.to.city"]) == ["Ulm", "Bonn"]
    assert frame["payload.extra.by.bus"][0] == 3
    assert frame["payload.extra.stops"][0] == [1, 2]
    assert pd.isna(frame["payload.extra.stops"][1])


def test_two_fields_that_read_the_same_stay_two_columns() -> None:
    frame = frames.events(history(Moved(Place("Ulm"), {"a.b": 1, "a": {"b": 2}})))
    assert frame["payload.'extra'.'a.b'"][0] == 1
    assert frame["payload.'extra'.'a'.'b'"][0] == 2


def test_a_field_that_reads_like_a_written_path_stays_a_column_too() -> None:
    frame = frames.events(history(Moved(Place("Ulm"), {"a.b": 1, "a": {"b": 2}, "'a'.'b'": 3})))
    assert sorted(frame.filter(like="extra").iloc[0]) == [1, 2, 3]


def test_metadata_has_columns_of_its_own() -> None:
    store = MemoryStore()
    store.append("account-1", [AccountOpened("Ada")])
    store.append("account-1", [MoneyDeposited(5)], metadata={"user": "teller", "payload": 1})
    frame = frames.events(store.read())
    assert list(frame["metadata.user"].fillna("-")) == ["-", "teller"]
    assert frame["metadata.payload"][1] == 1


def test_an_event_of_an_unknown_type_is_shown_as_stored_with_the_error() -> None:
    import msgspec

    strange = msgspec.structs.replace(ADA[1], type="nobody.Knows")
    frame = frames.events([ADA[0], strange, ADA[2]])
    assert list(frame["payload.amount"].fillna(0)) == [0, 100, 30]
    assert "nobody.Knows" in frame["error"][1]
    assert list(frame["error"].isna()) == [True, False, True]


def test_an_empty_history_is_an_empty_frame_with_the_same_columns() -> None:
    frame = frames.events([])
    assert len(frame) == 0
    assert dict(frame.dtypes.astype(str)) == ENVELOPE


def test_the_whole_of_time_fits() -> None:
    ends = [dt.datetime(1, 1, 1, tzinfo=UTC), dt.datetime.max.replace(tzinfo=UTC)]
    listed = [
        record(MoneyDeposited(1), stream="a-1", version=i, position=i, recorded_at=t) for i, t in enumerate(ends, 1)
    ]
    assert list(frames.events(listed)["recorded_at"].dt.to_pydatetime()) == ends


@pytest.mark.parametrize("wrong", [MemoryStore(), [1, 2], [AccountOpened("Ada")]])
def test_what_is_no_history_is_refused_with_the_next_step(wrong: Any) -> None:
    with pytest.raises(frames.InvalidFrame, match=r"expected recorded events.*store\.read"):
        frames.events(wrong)


@pytest.mark.parametrize("name", ["league", "flights", "chess", "quakes", "bank", "orders"])
def test_the_frame_of_a_data_set_says_what_the_events_say(name: str) -> None:
    told = datasets.load(name)
    frame = frames.events(told)
    assert list(frame["id"]) == [recorded.id for recorded in told]
    assert list(frame["occurred_at"].dt.to_pydatetime()) == [recorded.occurred_at for recorded in told]
    for row, recorded in list(enumerate(told))[::37]:
        for field in dataclasses.fields(recorded.payload):
            value, cell = getattr(recorded.payload, field.name), frame[f"payload.{field.name}"][row]
            assert pd.isna(cell) if value is None else cell == value


# --- one row for each step ---


def test_a_step_is_one_row_with_the_state_after_it() -> None:
    frame = Timeline(ADA, Account).to_frame()
    assert frame.index.name == "step"
    assert list(frame["state.balance"]) == [0, 0, 100, 70]
    assert list(frame["state.status"]) == ["new", "open", "open", "open"]
    assert str(frame["state.balance"].dtype) == "int64"
    assert list(frame["type"].astype(object).fillna("-")) == ["-", *(recorded.type for recorded in ADA)]
    assert list(frame["position"].fillna(0)) == [0, 1, 2, 3]
    assert pd.isna(frame["recorded_at"][0])
    assert frame["occurred_at"][3] == moment(2)


def test_a_step_on_which_the_fold_failed_is_marked_and_keeps_the_state() -> None:
    def evolve(total: int, happened: Any) -> int:
        if isinstance(happened, MoneyWithdrawn):
            raise ValueError("no withdrawals here")
        return total + getattr(happened, "amount", 0)

    frame = Timeline([*ADA, *history(MoneyDeposited(5))], folded(evolve, 0)).to_frame()
    assert list(frame["state"]) == [0, 0, 100, 100, 105]
    assert list(frame["error"].fillna("-")) == ["-", "-", "-", "ValueError: no withdrawals here", "-"]


def test_what_is_not_there_yet_or_no_longer_is_missing() -> None:
    states: list[Any] = [{"a": 1}, {"a": 1, "b": 2}, {"b": 2}]
    evolve = folded(lambda state, _: states[states.index(state) + 1], states[0])
    frame = Timeline(ADA[:2], evolve).to_frame()
    assert list(frame["state.a"].fillna(-1)) == [1, 1, -1]
    assert list(frame["state.b"].fillna(-1)) == [-1, 2, 2]


def test_a_list_in_the_state_is_one_cell_of_its_own_at_every_step() -> None:
    def evolve(state: dict[str, list[int]], happened: Any) -> dict[str, list[int]]:
        state["amounts"].append(getattr(happened, "amount", 0))
        return state

    class InPlace:
        def initial(self) -> Any:
            return {"amounts": []}

        def evolve(self, state: Any, recorded: Recorded, /) -> Any:
            return evolve(state, recorded.payload)

    frame = Timeline(ADA, InPlace()).to_frame()
    assert list(frame["state.amounts"]) == [[], [0], [0, 100], [0, 100, 30]]


def test_a_view_shows_a_part_of_the_state() -> None:
    timeline = Timeline(datasets.load("league"), league.LeagueTable())
    frame = frames.states(timeline, view=lambda table: {club: row.points for club, row in table.items()})
    assert frame["state.Manchester City"].iloc[-1] == 86
    assert [name for name in frame if name.startswith("state.") and name.count(".") > 1] == []


def test_no_events_is_one_row_before_the_first() -> None:
    frame = Timeline([], Account).to_frame()
    assert list(frame.index) == [0]
    assert frame["state.balance"][0] == 0
    assert str(frame["recorded_at"].dtype) == "datetime64[us, UTC]"


def test_nan_and_missing_stay_apart() -> None:
    states: list[Any] = [{}, {"x": math.nan}, {"x": 1.5}]
    evolve = folded(lambda _, happened: states[happened.amount], states[0])
    frame = Timeline(history(MoneyDeposited(1), MoneyDeposited(2)), evolve).to_frame()
    assert frame["state.x"][0] is None
    assert math.isnan(frame["state.x"][1])


def test_a_whole_number_that_no_float_holds_stays_exact_among_floats() -> None:
    evolve = folded(lambda _, happened: 2**53 + happened.amount, 0.5)
    frame = Timeline(history(MoneyDeposited(1), MoneyDeposited(2)), evolve).to_frame()
    assert list(frame["state"]) == [0.5, 2**53 + 1, 2**53 + 2]


FOLDS = [
    ("bank", bank.Balances()), ("league", league.LeagueTable()), ("quakes", quakes.TremorsPerDay()),
    ("flights", flights.FlightCounts()),
]  # fmt: skip


@pytest.mark.parametrize(("name", "by"), FOLDS)
def test_the_frame_equals_the_fold_step_by_step(name: str, by: Any) -> None:
    timeline = Timeline(datasets.load(name), by)
    frame = timeline.to_frame()
    cells = frame[[column for column in frame if column.startswith("state.")]].to_dict("index")
    for step in timeline:
        expected = {".".join(map(str, path)): value for path, value in frames_columns.cells_of(step.state, ("state",))}
        assert {name: value for name, value in cells[step.index].items() if not pd.isna(value)} == expected


values = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3) | st.decimals(
    allow_nan=False, allow_infinity=False
)  # fmt: skip
trees = st.recursive(
    values, lambda inner: st.dictionaries(st.sampled_from(["a", "b", "a.b", "c"]), inner), max_leaves=6
)


@given(st.lists(trees, min_size=1, max_size=6))
def test_any_states_at_all_come_back_out_of_the_frame(states: list[Any]) -> None:
    told = history(*(MoneyDeposited(i) for i in range(1, len(states))))
    frame = Timeline(told, folded(lambda _, happened: states[happened.amount], states[0])).to_frame()
    for index, state in enumerate(states):
        expected = [value for _, value in frames_columns.cells_of(state, ()) if value is not None]
        found = [value for value in frame.loc[index].iloc[7:] if value is not None and not pd.isna(value)]
        assert len(found) == len(expected)
        for value in expected:
            found.remove(value)


# --- how many ---


def test_events_are_counted_by_type_most_first() -> None:
    frame = frames.counts([*ADA, *history(MoneyDeposited(1))])
    assert frame.index.name == "type"
    assert list(frame["events"].items()) == [
        ("bank.MoneyDeposited", 2), ("bank.AccountOpened", 1), ("bank.MoneyWithdrawn", 1),
    ]  # fmt: skip


@pytest.mark.parametrize(("by", "key"), [("stream", "account-1"), ("category", "account")])
def test_events_are_counted_by_stream_and_by_category(by: str, key: str) -> None:
    assert list(frames.counts(ADA, by)["events"].items()) == [(key, 3)]


def test_a_day_without_events_counts_nought() -> None:
    days = [dt.datetime(2026, 3, day, 23, 59, tzinfo=UTC) for day in (2, 2, 4)]
    listed = [
        record(MoneyDeposited(1), stream="a-1", version=i, position=i, recorded_at=d) for i, d in enumerate(days, 1)
    ]
    frame = frames.counts(listed, "day")
    assert list(frame["events"]) == [2, 0, 1]
    assert frame.index[0] == dt.datetime(2026, 3, 2, tzinfo=UTC)
    assert frames.counts(listed, "week").index[0].day_name() == "Monday"
    assert frames.counts(listed, "year")["events"].sum() == 3


def test_the_clock_decides_the_day() -> None:
    told = datasets.load("league")
    assert frames.counts(told, "year", clock="occurred_at").index[-1].year == 2014
    assert frames.counts(told, "year", clock="recorded_at").index[-1].year == 2020


@pytest.mark.parametrize("by", ["type", "day"])
def test_nothing_is_counted_in_an_empty_history(by: str) -> None:
    frame = frames.counts([], by)
    assert (len(frame), frame.index.name, str(frame["events"].dtype)) == (0, by, "int64")


def test_an_unknown_count_or_clock_lists_the_right_ones() -> None:
    with pytest.raises(frames.InvalidFrame, match="by is 'colour', expected one of: type, stream, category, hour"):
        frames.counts(ADA, "colour")
    with pytest.raises(frames.InvalidFrame, match="clock is 'cuckoo', expected 'occurred_at' or 'recorded_at'"):
        frames.counts(ADA, "day", clock="cuckoo")
