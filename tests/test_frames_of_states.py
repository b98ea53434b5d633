"""Frames of states: stream by stream or over the whole log, and every stream at a moment by either clock."""

import datetime as dt

import msgspec
import pandas as pd
import pytest

from eslab import Decider, Timeline, datasets, event, frames, record, upcaster
from eslab.aggregates import Aggregate
from eslab.domains import bank, flights, league
from eslab.domains.bank import Account, AccountOpened, MoneyDeposited, MoneyWithdrawn
from eslab.errors import InvalidTime
from eslab.frames.moments import at_rows
from eslab.frames.steps import folded

UTC = dt.UTC


def minute(number):
    return dt.datetime(2026, 3, 2, 9, number, tzinfo=UTC)


def told(*facts):
    """Facts as (stream, payload, minute it happened), recorded one a minute."""
    versions = {}
    for position, (stream, payload, happened) in enumerate(facts, 1):
        versions[stream] = versions.get(stream, 0) + 1
        yield record(payload, stream=stream, version=versions[stream], position=position,
                     recorded_at=minute(30 + position), occurred_at=minute(happened))  # fmt: skip


TWO = list(told(
    ("account-2", AccountOpened("Grace"), 1), ("account-1", AccountOpened("Ada"), 2),
    ("account-1", MoneyDeposited(100), 3), ("account-2", MoneyDeposited(7), 9), ("account-1", MoneyWithdrawn(30), 5),
))  # fmt: skip


# --- stream by stream, or over all ---


def test_an_aggregate_is_folded_stream_by_stream():
    frame = frames.states(TWO, Account)
    assert list(frame["state.balance"]) == [0, 0, 100, 7, 70]
    assert list(frame["state.owner"]) == ["Grace", "Ada", "Ada", "Grace", "Ada"]
    assert list(frame.columns)[:7] == ["position", "stream", "version", "type", "recorded_at", "occurred_at", "error"]
    assert list(frame.index) == list(frames.events(TWO).index)


def test_a_decider_gives_the_same_states_as_the_aggregate():
    pd.testing.assert_frame_equal(frames.states(TWO, bank.DECIDER), frames.states(TWO, Account))


def test_a_projection_is_folded_over_all_and_has_no_row_before_the_first_event():
    frame = frames.states(TWO, bank.Balances)
    assert list(frame["state.account-1"].fillna(-1)) == [-1, 0, 100, 100, 70]
    whole = Timeline(TWO, bank.Balances()).to_frame()
    assert list(frame["state.account-2"]) == list(whole["state.account-2"])[1:]


def test_by_says_otherwise():
    class Count:
        def initial(self):
            return 0

        def evolve(self, state, recorded, /):
            return state + 1

    assert list(frames.states(TWO, Count)["state"]) == [1, 2, 3, 4, 5]
    assert list(frames.states(TWO, Count, by="stream")["state"]) == [1, 1, 2, 2, 3]
    with pytest.raises(frames.InvalidFrame, match="by is 'colour', expected 'stream', 'log'"):
        frames.states(TWO, Count, by="colour")


def test_a_view_shows_a_part_of_each_state():
    frame = frames.states(TWO, Account, lambda account: account.balance > 50)
    assert list(frame["state"]) == [False, False, True, False, True]


def test_a_timeline_brings_its_own_fold():
    with pytest.raises(frames.InvalidFrame, match="a timeline has its fold"):
        frames.states(Timeline(TWO, Account), Account)


@pytest.mark.parametrize(("fold", "expected"), [
    (Account, {"state.owner": "str", "state.balance": "int64", "state.status": "str"}),
    (flights.FlightCounts, dict.fromkeys(
        (f"state.{status}" for status in ("scheduled", "in the air", "landed", "diverted", "cancelled")), "int64")),
    (bank.Balances, {}),
])  # fmt: skip
def test_an_empty_history_has_no_rows_and_the_columns_of_the_first_state(fold, expected):
    frame = frames.states([], fold)
    assert len(frame) == 0
    assert {name: str(kind) for name, kind in frame.dtypes.items() if name.startswith("state")} == expected
    assert str(frame["occurred_at"].dtype) == "datetime64[us, UTC]"


class Strict(Aggregate):
    """Takes the first half of an impossible change before it fails."""

    def __init__(self):
        self.total, self.seen = 0, []

    def apply(self, event):
        self.total += getattr(event, "amount", 0)
        self.seen.append(type(event).__name__)
        if isinstance(event, MoneyWithdrawn):
            raise ValueError("no withdrawals here")


def test_an_event_on_which_the_fold_fails_leaves_the_state_of_its_stream_as_it_was():
    frame = frames.states([*TWO, *TWO[4:], *TWO[2:3]], Strict)
    assert list(frame["state.total"]) == [0, 0, 100, 7, 100, 100, 200]
    assert list(frame["error"].notna()) == [False] * 4 + [True, True, False]
    assert frame["error"][4] == "ValueError: no withdrawals here"
    assert frame["state.seen"][6] == ["AccountOpened", "MoneyDeposited", "MoneyDeposited"]


def test_a_list_in_a_state_is_as_it_was_at_that_event():
    class Seen(Strict):
        pass

    frame = frames.states(TWO[:3], Seen)
    assert list(frame["state.seen"]) == [["AccountOpened"], ["AccountOpened"], ["AccountOpened", "MoneyDeposited"]]


def test_a_stream_that_fails_ever_again_is_not_folded_from_the_beginning_each_time():
    calls = []

    def evolve(state, happened):
        calls.append(1)
        if isinstance(happened, MoneyWithdrawn):
            raise ValueError
        return state

    fails = Decider(initial_state=0, decide=lambda command, state: [], evolve=evolve)
    long = [*TWO[1:3] * 50, *TWO[4:] * 100]
    assert sum(error is not None for _, error in folded(long, fails)) == 100
    assert len(calls) == 100 + 100 + 100  # the events, and those before the first failure once more


# --- at a moment ---


def test_every_stream_stands_in_one_row_by_its_name():
    frame = frames.at(TWO, Account)
    assert (list(frame.index), frame.index.name) == (["account-1", "account-2"], "stream")
    assert list(frame["state.balance"]) == [70, 7]
    assert list(frame["version"]) == [3, 2]
    assert list(frame["type"]) == ["bank.MoneyWithdrawn", "bank.MoneyDeposited"]


def test_what_was_known_then_and_what_had_happened_by_then_are_two_answers():
    known = frames.at(TWO, Account, recorded_until=minute(34))
    happened = frames.at(TWO, Account, occurred_until=minute(5))
    assert list(known["state.balance"]) == [100, 7]
    assert list(happened["state.balance"]) == [70, 0]
    both = frames.at(TWO, Account, recorded_until=minute(34), occurred_until=minute(5))
    assert list(both["state.balance"]) == [100, 0]


def test_a_moment_is_what_the_repository_loads():
    history = datasets.load("bank")
    moment = history[120].recorded_at
    frame = frames.at(history, Account, recorded_until=moment)
    for stream, row in frame.iterrows():
        account = Account.replay(one for one in history if one.stream == stream and one.recorded_at <= moment)
        assert (row["state.owner"], row["state.balance"], row["version"]) == (
            account.owner, account.balance, account.version,
        )  # fmt: skip


def test_before_the_first_event_there_is_no_stream_but_all_columns():
    frame = frames.at(TWO, Account, recorded_until=minute(1))
    assert len(frame) == 0
    assert frame.index.name == "stream"
    assert {name: str(kind) for name, kind in frame.dtypes.items()} == {
        "version": "int64", "type": "category", "recorded_at": "datetime64[us, UTC]",
        "occurred_at": "datetime64[us, UTC]", "error": "str", "state.owner": "str", "state.balance": "int64",
        "state.status": "str",
    }  # fmt: skip


def test_what_a_stream_could_not_handle_first_is_said():
    frame = frames.at(TWO, Strict)
    assert list(frame["error"].fillna("-")) == ["ValueError: no withdrawals here", "-"]
    assert list(frame["state.total"]) == [100, 7]


def test_a_projection_has_no_state_of_a_stream():
    with pytest.raises(frames.InvalidFrame, match=r"one state for all streams.*Timeline\(history, projection\)\.at"):
        frames.at(TWO, league.LeagueTable)


def test_a_time_without_a_zone_is_refused():
    with pytest.raises(InvalidTime, match="recorded_until"):
        frames.at(TWO, Account, recorded_until=minute(1).replace(tzinfo=None))


def test_rows_folded_elsewhere_make_the_same_frame():
    rows = {one.stream: (one, state) for one, (state, _) in zip(TWO, folded(TWO, Account), strict=True)}
    pd.testing.assert_frame_equal(at_rows(reversed(rows.values())), frames.at(TWO, Account))


# --- logs from elsewhere ---


def foreign(number, kind, payload):
    return msgspec.structs.replace(TWO[0], position=number, version=number, type=kind, schema_version=0,
                                   payload_text=payload)  # fmt: skip


def test_the_keys_of_an_undeclared_event_are_columns_and_no_error():
    log = [foreign(1, "Placed", '{"amount":3,"to":{"city":"Ulm"}}'), foreign(2, "Sent", '{"by":"bus","amount":1.5}'),
           foreign(3, "Placed", '{"amount":4}')]  # fmt: skip
    frame = frames.events(log)
    assert list(frame["payload.amount"]) == [3, 1.5, 4]
    assert list(frame["payload.to.city"].fillna("-")) == ["Ulm", "-", "-"]
    assert frame["error"].isna().all()


def test_an_undeclared_event_that_is_no_object_or_no_json_is_shown_too():
    frame = frames.events([foreign(1, "Counted", "[1, 2]"), foreign(2, "Counted", "{oops"), foreign(3, "Named", "7")])
    assert list(frame["payload"]) == [[1, 2], "{oops", 7]
    assert list(frame["error"].notna()) == [False, True, False]


def test_a_class_declared_later_takes_the_fields_that_it_names():
    @event(name="test_frames_of_states.Placed")
    class Placed:
        amount: int

    log = [foreign(1, "test_frames_of_states.Placed", '{"amount":3,"colour":"blue"}')]
    assert [name for name in frames.events(log) if name.startswith("payload")] == ["payload.amount"]
    assert frames.events(log, [Placed])["payload.amount"].dtype == "Int64"


def test_metadata_that_cannot_be_read_is_shown_as_its_text():
    frame = frames.events([msgspec.structs.replace(TWO[0], metadata_text="{oops")])
    assert frame["metadata"][0] == "{oops"
    assert "the metadata cannot be read: DecodeError" in frame["error"][0]


def test_a_time_that_is_none_is_refused_with_its_position():
    with pytest.raises(frames.InvalidFrame, match="occurred_at of the event at position 2 is 'yesterday'"):
        frames.events([TWO[0], msgspec.structs.replace(TWO[1], occurred_text="yesterday")])


def test_three_broken_payloads_that_fit_together_stay_three_errors():
    texts = ['{"amount":[{}', '{}]}', '{"amount":1},{"amount":2}']  # fmt: skip
    frame = frames.events(msgspec.structs.replace(TWO[2], payload_text=text) for text in texts)
    assert frame["error"].notna().all()


def test_payloads_that_look_alike_are_read_by_their_own_type_and_schema():
    @event(name="test_frames_of_states.Priced", version=2)
    class Priced:
        price: int

        @staticmethod
        @upcaster(1)
        def euros_become_cents(payload):
            return {"price": 100 * payload["price"]}

    @event(name="test_frames_of_states.Offered")
    class Offered:
        price: int
        until: str = "sold out"

    log = [record(one, stream="lamp-1", version=n, position=n, recorded_at=minute(n))
           for n, one in enumerate([Priced(5), Priced(700), Offered(3)], 1)]  # fmt: skip
    log[0] = msgspec.structs.replace(log[0], schema_version=1)
    log[2] = msgspec.structs.replace(log[2], payload_text='{"price":3}')
    frame = frames.events(log)
    assert list(frame["payload.price"]) == [500, 700, 3]
    assert list(frame["payload.until"].fillna("-")) == ["-", "-", "sold out"]
    mixed = frames.events([log[1], log[2], log[0]])
    assert list(mixed["payload.price"]) == [700, 3, 500]
    foreign = frames.events(msgspec.structs.replace(one, schema_version=0) for one in log[1:])
    assert list(foreign["payload.until"].fillna("-")) == ["-", "sold out"]


# --- declared and chosen columns ---


def test_declared_columns_are_there_without_any_event():
    frame = frames.events([], [AccountOpened, MoneyDeposited])
    assert {name: str(kind) for name, kind in frame.dtypes.items() if "payload" in name} == {
        "payload.owner": "str", "payload.amount": "Int64",
    }  # fmt: skip


def test_only_the_chosen_columns_are_made():
    whole = frames.events(TWO)
    chosen = ["stream", "occurred_at", "payload.amount"]
    pd.testing.assert_frame_equal(frames.events(TWO, columns=chosen)[chosen], whole[chosen])
    assert list(frames.events(TWO, columns=["position", "payload"])) == [
        "position", "error", "payload.owner", "payload.amount",
    ]  # fmt: skip
    assert list(frames.events(TWO, columns=["version"])) == ["version", "error"]


def test_a_note_about_a_column_goes_with_its_column():
    orders = datasets.load("orders")
    assert frames.events(orders, columns=["stream", "payload.customer"]).attrs["notes"] == []
    assert frames.events(orders, columns=["payload.lines"]).attrs == frames.events(orders).attrs


def test_a_column_that_no_event_has_is_refused():
    with pytest.raises(frames.InvalidFrame, match=r"no event has 'amount', expected of: position, .*'payload\.amount'"):
        frames.events(TWO, columns=["amount"])


def test_a_payload_that_its_class_refuses_leaves_the_others_readable():
    @event(name="test_frames_of_states.Even")
    class Even:
        number: int

        def __post_init__(self):
            if self.number % 2:
                raise ValueError("odd")

    good = [record(Even(n), stream="even-1", version=n, position=n, recorded_at=minute(n)) for n in (2, 4)]
    odd = msgspec.structs.replace(good[0], payload_text='{"number":3}')
    frame = frames.events([good[0], odd, good[1]])
    assert list(frame["payload.number"]) == [2, 3, 4]
    assert list(frame["error"].notna()) == [False, True, False]
