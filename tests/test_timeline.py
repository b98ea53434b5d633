"""A timeline: the state between every two events, in whatever order one looks."""

import copy
import dataclasses
import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from replaying import in_order

from eslab import MemoryStore, Projection, Timeline, fold, record
from eslab.domains.bank import DECIDER, Account, AccountOpened, Balances, MoneyDeposited, MoneyWithdrawn
from eslab.domains.made_up import bank as generate
from eslab.errors import InvalidPosition, InvalidTime
from eslab.events import History
from eslab.states import MISSING
from eslab.timeline import KEYFRAMES, RECENT

DAY = dt.datetime(2026, 5, 3, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


class Tally(Projection):
    """All kinds of changes to one state, in place; fails at 13, after it has begun to change it."""

    def initial(self):
        return {"rows": [], "by_name": {}, "deep": {"sum": 0, "last": None}}

    def evolve(self, state, recorded, /):
        amount = recorded.payload.amount
        state["deep"]["sum"] += amount
        if amount % 13 == 0:
            raise ValueError(f"{amount} is unlucky")
        if amount % 3 == 0:
            state["rows"].append({"amount": amount, "at": recorded.position})
        elif amount % 3 == 1 and state["rows"]:
            state["rows"].pop(0)
        name = "abcde"[amount % 5]
        state["by_name"][name] = state["by_name"].get(name, 0) + amount
        if amount % 7 == 0:
            del state["by_name"][name]
        state["by_name"] = dict(sorted(state["by_name"].items(), key=lambda pair: -pair[1]))
        state["deep"]["last"] = amount if amount % 2 else None
        return state


class PureTally(Tally):
    """The same, leaving the old state alone."""

    def evolve(self, state, recorded, /):
        return super().evolve(copy.deepcopy(state), recorded)


@dataclasses.dataclass(frozen=True)
class Pair:
    total: int = 0
    amounts: tuple[int, ...] = ()


class Frozen(Projection):
    """A state that is one frozen dataclass with a tuple in it."""

    def initial(self):
        return Pair()

    def evolve(self, state, recorded, /):
        amount = recorded.payload.amount
        return Pair(state.total + amount, (*state.amounts, amount)[-3:] if amount % 4 else ())


class Number(Projection):
    """A state that is no mapping at all."""

    def initial(self):
        return 0

    def evolve(self, state, recorded, /):
        return state + recorded.payload.amount


def deposits(amounts, occurred=None):
    return [
        record(MoneyDeposited(amount), stream="account-1", version=n, position=n, recorded_at=DAY + n * HOUR,
               occurred_at=DAY + occurred[n - 1] * HOUR if occurred else None)
        for n, amount in enumerate(amounts, 1)
    ]  # fmt: skip


def folded(history, by):
    """The state after these events, those left out at which the fold fails: the plain way, without a timeline."""
    return fold([one for one in history if one.payload.amount % 13], by)


FOLDS = [Tally(), PureTally()]
amounts = st.lists(st.integers(0, 40), max_size=20) | st.builds(
    lambda chance, length: [chance.randrange(41) for _ in range(length)], st.randoms(), st.integers(60, 300)
)

# --- every moment ---


@pytest.mark.parametrize("by", FOLDS, ids=["in place", "pure"])
@settings(deadline=None, max_examples=60)
@given(amounts=amounts, data=st.data())
def test_every_moment_is_the_fold_of_what_came_before_in_whatever_order_one_looks(by, amounts, data):
    history = deposits(amounts)
    timeline = Timeline(history, by)
    for index in data.draw(st.lists(st.integers(0, len(history)), min_size=1, max_size=12)):
        step = timeline[index]
        assert in_order(step.state) == in_order(folded(history[:index], by))
        assert step.event == (history[index - 1] if index else None)
        assert (step.error is not None) == bool(index and amounts[index - 1] % 13 == 0)


def test_a_long_history_is_right_at_every_kind_of_place():
    history = deposits([n % 41 for n in range(70_000)])
    timeline = Timeline(history, Number())
    sums = [0]
    for one in history:
        sums.append(sums[-1] + one.payload.amount)
    for index in (0, 1, 69_999, 70_000, 35_000, 34_999, 136, 137, 272, 5, 64_000, *range(1_000, 900, -1)):
        assert timeline[index].state == sums[index]
    assert len(timeline._keyframes) <= KEYFRAMES + 1
    assert len(timeline._recent) <= RECENT


def test_a_step_back_does_not_fold_everything_again():
    class Counted(Number):
        calls = 0

        def evolve(self, state, recorded, /):
            type(self).calls += 1
            return super().evolve(state, recorded)

    timeline = Timeline(deposits([1] * 5_000), Counted())
    assert timeline[-1].state == 5_000
    before = Counted.calls
    for index in range(4_999, 3_999, -1):
        assert timeline[index].state == index
    assert Counted.calls - before < 5_000


@pytest.mark.parametrize(("index", "balance"), [(0, 0), (2, 100), (3, 70), (-1, 70), (-4, 0)])
def test_a_timeline_has_one_moment_more_than_events(bank, index, balance):
    timeline = Timeline(bank, Account)
    assert len(timeline) == 4
    assert timeline[index].state.balance == balance
    assert [step.state.balance for step in timeline] == [0, 0, 100, 70]


@pytest.mark.parametrize("index", [4, -5, 100])
def test_a_moment_outside_is_refused(bank, index):
    with pytest.raises(InvalidPosition, match=rf"step {index} does not exist, expected 0 .* to 3, or -1"):
        Timeline(bank, Account)[index]
    with pytest.raises(IndexError):
        Timeline(bank, Account)[index]


def test_a_history_of_nothing_has_one_moment():
    timeline = Timeline([], Account)
    assert (len(timeline), timeline[-1].index, timeline[0].changes) == (1, 0, [])


@pytest.mark.parametrize(
    "by", [Account, DECIDER, Balances, Balances()], ids=["aggregate", "decider", "class", "projection"]
)
def test_any_fold_will_do(bank, by):
    assert len(list(Timeline(bank, by))) == 4
    assert "70" in repr(Timeline(bank, by)[-1].state)


@pytest.mark.parametrize("wrong", [[MoneyDeposited(5)], ["text"], [None, 1]], ids=repr)
def test_a_history_of_anything_else_is_refused(wrong):
    with pytest.raises(InvalidPosition, match="expected recorded events"):
        Timeline(wrong, Account)


# --- states handed out ---


@pytest.mark.parametrize("by", FOLDS, ids=["in place", "pure"])
def test_changing_a_state_changes_no_history(by):
    history = deposits([3, 6, 9, 12])
    timeline = Timeline(history, by)
    for index in (2, 4, 1):
        state = timeline[index].state
        state["rows"].clear()
        state["deep"]["sum"] = -1
        assert timeline[index].state == folded(history[:index], by)
    assert timeline[3].state == folded(history[:3], by)


def test_two_looks_at_one_moment_are_two_copies():
    step = Timeline(deposits([3]), Tally())[1]
    assert step.state is not step.state
    assert step.state == step.state


# --- a fold that fails ---


@pytest.mark.parametrize("by", FOLDS, ids=["in place", "pure"])
def test_a_fold_that_fails_is_shown_at_its_place_and_the_timeline_goes_on(by):
    timeline = Timeline(deposits([1, 13, 2]), by)
    failed = timeline[2]
    assert repr(failed.error) == "ValueError('13 is unlucky')"
    assert failed.state == timeline[1].state
    assert failed.changes == []
    assert "failed: ValueError: 13 is unlucky" in repr(failed)
    assert "13 is unlucky" in failed._repr_html_()
    assert timeline[3].state["deep"]["sum"] == 3
    assert [step.error is not None for step in timeline] == [False, False, True, False]


def test_a_fold_that_fails_from_the_first_event_on_still_has_a_timeline():
    timeline = Timeline(deposits([13] * 200), Tally())
    assert timeline[-1].state == Tally().initial()
    assert all(step.error is not None for step in list(timeline)[1:])


# --- places ---


def test_a_version_is_found_in_a_history_of_one_stream(bank):
    timeline = Timeline(bank[1:], DECIDER)
    assert timeline.at_version(3).event == bank[2]
    assert timeline.at_version(0).index == 0
    for missing in (1, 4):
        with pytest.raises(InvalidPosition, match=f"version {missing} is not in this history of 2 events"):
            timeline.at_version(missing)
    with pytest.raises(InvalidPosition, match="several streams, each with versions of its own"):
        Timeline(generate(), Balances()).at_version(1)


LATE = deposits([1, 10, 100, 1000], occurred=[1, 3, 2, 0])  # recorded at 1, 2, 3, 4 o'clock


@pytest.mark.parametrize(
    ("recorded", "occurred", "total"),
    [(4, None, 1111), (3, None, 111), (2.99, None, 11), (0, None, 0), (None, 0, 1000), (None, 2, 1101),
     (None, 1.99, 1001),
     (3, 2, 101), (2, 1, 1), (None, None, 1111), (99, 99, 1111)],
)  # fmt: skip
def test_both_clocks_can_be_asked(recorded, occurred, total):
    until = {"recorded_until": recorded, "occurred_until": occurred}
    times = {name: DAY + hour * HOUR for name, hour in until.items() if hour is not None}
    assert Timeline(LATE, Number()).at(**times).state == total


@pytest.mark.parametrize("name", ["recorded_until", "occurred_until"])
def test_a_naive_time_is_refused(name):
    with pytest.raises(InvalidTime):
        Timeline(LATE, Number()).at(**{name: DAY.replace(tzinfo=None)})


def test_events_can_be_put_in_the_order_in_which_they_happened():
    timeline = Timeline(LATE, Number(), order="occurred")
    assert [step.state for step in timeline] == [0, 1000, 1001, 1101, 1111]
    assert timeline.at(recorded_until=DAY + 3 * HOUR).index == 3
    assert [one.payload.amount for one in LATE] == [1, 10, 100, 1000]


def test_events_of_one_moment_stay_in_the_order_they_were_recorded():
    same = deposits([1, 2, 3], occurred=[5, 5, 5])
    assert [one.payload.amount for one in Timeline(same, Number(), order="occurred").history] == [1, 2, 3]


def test_another_order_is_refused():
    with pytest.raises(InvalidPosition, match="order is 'random', expected 'recorded' or 'occurred'"):
        Timeline([], Account, order="random")


# --- differences ---


def test_a_step_says_what_its_event_changed(bank):
    timeline = Timeline(bank, Account)
    assert repr(timeline[3].changes) == "[balance: 100 → 70]"
    assert repr(timeline[1].changes) == "[owner: '' → 'Ada', status: 'new' → 'open']"
    assert timeline[0].changes == []


def test_any_two_moments_can_be_compared(bank):
    timeline = Timeline(bank, Account)
    assert repr(timeline.diff(1, 3)) == "[balance: 0 → 70]"
    assert repr(timeline.diff(3, 1)) == "[balance: 70 → 0]"
    assert timeline.diff(2, 2) == []


def test_a_new_key_and_a_lost_key_are_told_apart_from_none():
    (changed,) = Timeline(generate(), Balances())[1].changes
    assert (changed.path, changed.before, changed.after) == (("account-1",), MISSING, 0)


# --- shown ---


def test_a_timeline_and_its_steps_show_themselves(bank):
    timeline = Timeline(bank, Account)
    assert repr(timeline) == "<Timeline 'account-1': 3 events>"
    assert repr(timeline[0]).startswith("<step 0 of 3: before the first event; state Account(")
    assert repr(timeline[3]).startswith(
        "<step 3 of 3: account-1 v3 bank.MoneyWithdrawn; state Account(owner='Ada', balance=70"
    )
    assert repr(Timeline(generate(), Balances())) == "<Timeline '8 streams': 200 events>"
    assert "balance" in timeline[3]._repr_html_()
    assert "account-1" in timeline._repr_html_()


def test_text_from_data_is_escaped():
    store = MemoryStore()
    store.append("account-1", [AccountOpened("<script>alert(1)</script>")])
    timeline = Timeline(store.load("account-1"), Account, title="<b>")
    assert "<script>" not in timeline[1]._repr_html_() + timeline._repr_html_()
    assert "<b>" not in timeline._repr_html_().replace('<caption style="text-align: left"><b>', "")


def test_any_iterable_of_recorded_events_is_a_history(store):
    store.append("account-1", [AccountOpened("Ada"), MoneyDeposited(5), MoneyWithdrawn(2)])
    for history in (store.read(), store.load("account-1"), list(store.read()), iter(History(store.read()))):
        assert Timeline(history, Account)[-1].state.balance == 3
