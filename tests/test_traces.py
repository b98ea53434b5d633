"""A trace: all that a browser needs to show every moment, and nothing that it does not."""

import datetime as dt

import pytest
from hypothesis import given, settings
from replaying import decoded, in_order, lines, states
from test_states import pairs
from test_timeline import FOLDS, Frozen, Number, amounts, deposits

from eslab import MemoryStore, NewEvent, Projection, Timeline, datasets, record
from eslab.domains.bank import DECIDER, Account, AccountOpened, Balances, MoneyDeposited
from eslab.domains.chess import Game
from eslab.domains.league import LeagueTable
from eslab.domains.made_up import bank as generate
from eslab.events import caused_by
from eslab.states import tree
from eslab.traces import branch_trace, trace
from eslab.views import View

DAY = dt.datetime(2026, 5, 3, tzinfo=dt.UTC)


@pytest.mark.parametrize("by", [*FOLDS, Frozen(), Number(), Account, DECIDER], ids=repr)
@settings(deadline=None, max_examples=60)
@given(amounts=amounts)
def test_it_tells_every_state(by, amounts):
    history = [record(AccountOpened("Ada"), stream="account-1", version=1, position=1, recorded_at=DAY)]
    history = [*history, *deposits(amounts)] if by in (Account, DECIDER) else deposits(amounts)
    timeline = Timeline(history, by)
    shown = states(trace(timeline))
    assert len(shown) == len(timeline)
    for step, state in zip(timeline, shown, strict=True):
        assert in_order(state) == in_order(decoded(tree(step.state)))


@pytest.mark.parametrize(
    ("name", "by"), [("league", LeagueTable()), ("bank", Balances()), ("chess", Game)], ids=lambda one: str(one)
)
def test_it_tells_every_state_of_a_data_set(name, by):
    history = list(datasets.load(name)) if name != "bank" else list(generate())
    history = [one for one in history if one.stream == history[0].stream] if by is Game else history
    timeline = Timeline(history, by)
    shown = states(trace(timeline))
    assert in_order(shown[-1]) == in_order(decoded(tree(timeline[-1].state)))
    for index in range(0, len(timeline), 37):
        assert in_order(shown[index]) == in_order(decoded(tree(timeline[index].state)))


@settings(deadline=None, max_examples=300)
@given(pair=pairs)
def test_it_leads_from_any_state_to_any_other(pair):
    class Jump(Projection):
        def initial(self):
            return pair[0]

        def evolve(self, state, recorded, /):
            return pair[1]

    shown = states(trace(Timeline(deposits([1]), Jump())))
    assert [in_order(state) for state in shown] == [in_order(decoded(tree(state))) for state in pair]


def test_several_views_are_told_with_how_they_run():
    timeline = Timeline(generate(), {"now": Balances, "late": View(Balances, every=30)})
    head, _, _ = lines(trace(timeline))
    assert head["views"] == [{"name": "now", "every": 1, "stop": None}, {"name": "late", "every": 30, "stop": None}]
    for index, state in enumerate(states(trace(timeline))):
        assert in_order(state) == in_order(decoded(tree(timeline[index].state)))


def test_a_patch_is_as_small_as_what_the_event_changed():
    _, _, patches = lines(trace(Timeline(generate(), Balances())))
    assert max(map(len, patches)) == 1
    assert patches[0] == [["=", ["account-1"], 0]]


def test_it_has_the_envelope_of_every_event(bank):
    head, (opened, *_), _ = lines(trace(Timeline(bank, Account, title="Ada's account")))
    assert opened == [1, 1, bank[0].id, {"map": [["owner", "Ada"]]}, None]
    assert (head["title"], head["streams"], head["stream"]) == ("Ada's account", ["account-1"], [0, 0, 0])
    assert [head["types"][number] for number in head["type"]] == [recorded.type for recorded in bank]


def test_both_times_come_back_to_the_millisecond():
    history = deposits([1, 2, 3], occurred=[0, -5, 2])
    head, _, _ = lines(trace(Timeline(history, Number())))
    recorded = [sum(head["recorded"][:n]) for n in (1, 2, 3)]
    assert recorded == [one.recorded_at.timestamp() * 1000 for one in history]
    occurred = [at - lag for at, lag in zip(recorded, head["lag"], strict=True)]
    assert occurred == [one.occurred_at.timestamp() * 1000 for one in history]


def test_a_history_without_lag_says_nothing_of_it(bank):
    assert lines(trace(Timeline(bank, Account)))[0]["lag"] == []


def test_causes_and_shared_wishes_are_found_by_number():
    store = MemoryStore()
    (first,) = store.append("account-1", [AccountOpened("Ada")])
    bonus = NewEvent(MoneyDeposited(5), metadata=caused_by(first))
    store.append("account-2", [AccountOpened("Grace")], metadata={"correlation_id": "a wish of its own"})
    store.append("account-1", [bonus, NewEvent(MoneyDeposited(6), metadata=caused_by(first))])
    head, _, _ = lines(trace(Timeline(store.read(), Balances)))
    assert head["causes"] == {"3": 1, "4": 1}
    assert head["wishes"] == {"3": 0, "4": 0}


def test_where_a_fold_fails_is_said_and_by_which_view():
    timeline = Timeline(deposits([1, 13, 2]), FOLDS[0])
    assert lines(trace(timeline))[0]["errors"] == {"2": "ValueError: 13 is unlucky"}
    both = Timeline(deposits([1, 13, 2]), {"good": Number(), "bad": FOLDS[0]})
    assert lines(trace(both))[0]["errors"] == {"2": "bad: ValueError: 13 is unlucky"}


def test_it_is_the_same_wherever_one_stood_before(bank):
    fresh, used = Timeline(bank, Account), Timeline(bank, Account)
    list(used), used[1]
    assert trace(fresh) == trace(used) == trace(used)


def test_a_state_that_holds_itself_is_told_as_far_as_it_can_be_read():
    class Looped(Projection):
        def initial(self):
            state = {"me": None, "sum": 0}
            state["me"] = state
            return state

        def evolve(self, state, recorded, /):
            state["sum"] += recorded.payload.amount
            return state

    timeline = Timeline(deposits([1, 2]), Looped())
    assert [state["sum"] for state in states(trace(timeline))] == [0, 1, 3]
    assert [state["me"]["me"]["sum"] for state in states(trace(timeline))] == [0, 1, 3]
    assert repr(timeline.diff(1, 2)[-1]) == "sum: 1 → 3"
    assert timeline[2].state["sum"] == 3


def test_an_event_that_is_not_even_json_is_shown_as_its_text(bank):
    import msgspec

    broken = msgspec.structs.replace(bank[1], payload_text="{not json")
    _, events, _ = lines(trace(Timeline([bank[0], broken], Account)))
    assert events[1][3] == "{not json"


def test_a_branch_is_told_from_where_it_parts(bank):
    branch = Timeline(bank, Account).branch(skip=[2])
    head, events, patches = lines(branch_trace(branch))
    assert (head["sharedEvents"], head["sharedPatches"]) == (1, 1)
    assert head["rows"] == [["=", 1], ["-", 1, "skipped"], ["=", 1]]
    assert len(events) == len(patches) == 1
    assert patches == [[["=", ["balance"], -30]]]


def test_another_fold_shares_the_events_but_no_patch(bank):
    branch = Timeline(bank, Account).branch(fold=Balances)
    head, _, rest = lines(branch_trace(branch))
    assert (head["sharedEvents"], head["sharedPatches"], head["rows"]) == (3, 0, [["=", 3]])
    assert len(rest) == 3
    assert head["start"] == {"map": []}
