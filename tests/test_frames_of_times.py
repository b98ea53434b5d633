"""Durations and transitions: how long from one event to another, and which follows which."""

import datetime as dt

import pytest

from eslab import datasets, frames, record
from eslab.domains.bank import AccountClosed, AccountOpened, MoneyDeposited, MoneyWithdrawn

UTC = dt.UTC


def minutes(number):
    return dt.timedelta(minutes=number)


def told(*facts):
    """Facts as (stream, payload, minute it happened); recorded one a minute, from half past nine on."""
    versions = {}
    for position, (stream, payload, happened) in enumerate(facts, 1):
        versions[stream] = versions.get(stream, 0) + 1
        nine = dt.datetime(2026, 3, 2, 9, tzinfo=UTC)
        yield record(payload, stream=stream, version=versions[stream], position=position,
                     recorded_at=nine + minutes(30 + position), occurred_at=nine + minutes(happened))  # fmt: skip


LATE = list(told(
    ("account-1", AccountOpened("Ada"), 0), ("account-2", AccountOpened("Grace"), 1),
    ("account-1", MoneyWithdrawn(30), 9), ("account-1", MoneyDeposited(100), 4), ("account-2", MoneyDeposited(7), 11),
    ("account-1", AccountClosed(), 20),
))  # fmt: skip
"""The deposit of account 1 was recorded after the withdrawal that it made possible."""


def test_each_event_but_the_first_has_the_time_since_the_one_before():
    frame = frames.durations(LATE)
    assert list(frame.columns) == ["stream", "version", "from", "to", "began", "ended", "lasted"]
    assert list(frame["stream"]) == ["account-1"] * 3 + ["account-2"]
    assert list(frame["version"]) == [3, 2, 4, 2]
    assert [one.removeprefix("bank.") for one in frame["to"]] == [
        "MoneyDeposited", "MoneyWithdrawn", "AccountClosed", "MoneyDeposited",
    ]  # fmt: skip
    assert list(frame["lasted"]) == [minutes(4), minutes(5), minutes(11), minutes(10)]
    assert (frame["ended"] - frame["began"] == frame["lasted"]).all()


def test_by_the_clock_of_the_log_the_events_stand_as_they_were_recorded():
    frame = frames.durations(LATE, clock="recorded_at")
    assert list(frame["version"]) == [2, 3, 4, 2]
    assert list(frame["lasted"]) == [minutes(2), minutes(1), minutes(2), minutes(3)]


def test_events_of_the_same_time_stand_in_the_order_of_their_versions():
    noon = list(told(("account-1", AccountOpened("Ada"), 5), ("account-1", MoneyDeposited(1), 5)))
    assert list(frames.durations(reversed(noon))["version"]) == [2]


def test_from_one_type_to_another_is_one_row_for_each_stream_that_began():
    frame = frames.durations(LATE, AccountOpened, AccountClosed)
    assert (list(frame.index), frame.index.name) == (["account-1", "account-2"], "stream")
    assert frame["lasted"]["account-1"] == minutes(20)
    assert frame.loc["account-2", ["ended", "lasted"]].isna().all()
    assert len(frames.durations(LATE, "bank.MoneyWithdrawn", "bank.AccountClosed")) == 1


def test_an_end_before_the_start_does_not_count():
    frame = frames.durations(LATE, MoneyWithdrawn, MoneyDeposited)
    assert frame["lasted"].isna().all()
    known = frames.durations(LATE, MoneyWithdrawn, MoneyDeposited, clock="recorded_at")
    assert list(known["lasted"]) == [minutes(1)]


def test_from_a_type_to_itself_is_from_the_first_to_the_second():
    again = [*LATE, *told(("account-1", AccountOpened("Ada"), 50))]
    assert frames.durations(again, AccountOpened, AccountOpened)["lasted"]["account-1"] == minutes(50)


def test_transitions_count_what_follows_what_from_beginning_to_end():
    frame = frames.transitions(LATE)
    assert frame.index.names == ["from", "to"]
    assert frame.loc[("", "bank.AccountOpened"), ["events", "share"]].tolist() == [2, 1.0]
    assert frame.loc[("bank.MoneyDeposited", ""), ["events", "share"]].tolist() == [1, 0.5]
    opened = frame.loc[("bank.AccountOpened", "bank.MoneyDeposited")]
    assert (opened["events"], opened["median"], opened["total"]) == (2, minutes(7), minutes(14))
    assert frame[["median", "total"]].isna().sum().tolist() == [3, 3]
    assert frame["events"].is_monotonic_decreasing


@pytest.mark.parametrize("name", ["orders", "flights"])
def test_each_event_of_a_data_set_is_followed_by_another_or_by_the_end(name):
    history = datasets.load(name)
    frame = frames.transitions(history)
    assert frame["events"].sum() == len(history) + len({one.stream for one in history})
    assert frame.groupby("from")["share"].sum().round(12).eq(1).all()
    assert len(frames.durations(history)) == len(history) - len({one.stream for one in history})
    assert frames.durations(history)["lasted"].min() >= minutes(0)


def test_an_empty_history_has_the_same_columns_of_the_same_kinds():
    for make in (frames.durations, frames.transitions):
        empty, full = make([]), make(LATE)
        assert len(empty) == 0
        assert dict(empty.dtypes) == dict(full.dtypes)
        assert empty.index.names == full.index.names
    empty = frames.durations([], AccountOpened, AccountClosed)
    assert dict(empty.dtypes) == dict(frames.durations(LATE, AccountOpened, AccountClosed).dtypes)


def test_a_slip_of_the_pen_lists_the_types_there_are():
    with pytest.raises(frames.InvalidFrame, match=r"no event has the type 'bank\.Opened', expected one of: bank\.Acc"):
        frames.durations(LATE, "bank.Opened", AccountClosed)
    with pytest.raises(frames.InvalidFrame, match="expected two types, or none"):
        frames.durations(LATE, AccountOpened)
    with pytest.raises(frames.InvalidFrame, match="clock is 'cuckoo'"):
        frames.transitions(LATE, clock="cuckoo")
