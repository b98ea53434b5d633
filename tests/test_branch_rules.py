"""eslab.branches: the same wishes under other rules, and what was refused, replaced or new."""

import dataclasses

import msgspec
import pytest
from branching import (
    ADA,
    MINUTE,
    NOON,
    STRICT,
    WISHES,
    Lines,
    kinds,
    reads_both_lines,
    strict,
    told,
    unmade,
    wish_of,
    wish_of_order,
)
from hypothesis import given
from hypothesis import strategies as st

from eslab import CommandRefused, MemoryStore, Projection, Timeline, datasets
from eslab.branches import InvalidBranch
from eslab.domains import bank, league
from eslab.domains.bank import (
    DECIDER,
    HANDLERS,
    Account,
    AccountOpened,
    AccountState,
    Balances,
    DepositMoney,
    MoneyDeposited,
    MoneyWithdrawn,
    OpenAccount,
    WithdrawMoney,
)  # fmt: skip
from eslab.domains.league import CorrectResult, LeagueTable, RecordResult, ResultCorrected, ResultRecorded
from eslab.domains.made_up import bank as made_up_bank
from eslab.domains.made_up import orders as made_up_orders
from eslab.domains.orders import HANDLERS as ORDERS
from eslab.domains.orders import (
    OrderBoard,
    RefundOrder,
    ReturnOrder,
    Revenue,
)  # fmt: skip
from eslab.errors import MissingHandler


@pytest.fixture
def ada():
    return Timeline(ADA, Account)


@pytest.mark.parametrize("rules", [HANDLERS, DECIDER, bank.decide], ids=["handlers", "decider", "function"])
@pytest.mark.parametrize("commands", [WISHES, wish_of], ids=["list", "function"])
def test_the_same_rules_decide_the_same(rules, commands):
    branch = Timeline(ADA, DECIDER).branch(decide=rules, commands=commands)
    assert branch.history == ADA
    assert kinds(branch.rows) == "====="
    assert branch.refusals == ()


@pytest.mark.parametrize("rules", [STRICT, strict], ids=["decider", "function"])
@pytest.mark.parametrize("commands", [WISHES, wish_of], ids=["list", "function"])
def test_stricter_rules_refuse_and_say_why(rules, commands):
    branch = Timeline(ADA, DECIDER).branch(decide=rules, commands=commands if callable(commands) else iter(commands))
    [refusal] = branch.refusals
    assert (refusal.number, refusal.command) == (4, WithdrawMoney("1", 60))
    assert "at most 50" in str(refusal.error)
    assert kinds(branch.rows) == "===-="
    assert branch.rows[3].says == "refused: 60 at once, expected at most 50: withdraw twice"
    assert branch.history[3].id == ADA[4].id
    assert branch[-1].state.balance == 75
    assert branch.compare().refusals == branch.refusals


def test_a_wish_that_was_refused_before_may_be_granted_now():
    def generous(command, state):
        if isinstance(command, WithdrawMoney):
            return [MoneyWithdrawn(command.amount)]
        return bank.decide(command, state)

    wishes = [*WISHES[:3], WithdrawMoney("1", 500), *WISHES[3:]]
    branch = Timeline(ADA, DECIDER).branch(decide=generous, commands=wishes)
    assert kinds(branch.rows) == "===+=="
    assert branch.rows[3].says == "appears"
    new = branch.history[3]
    assert (new.payload, new.recorded_at) == (MoneyWithdrawn(500), ADA[2].recorded_at)
    assert new.id not in {one.id for one in ADA}
    assert Timeline(ADA, DECIDER).branch(decide=bank.decide, commands=wishes).refusals[0].number is None


def test_rules_that_say_it_otherwise_replace_the_event_and_keep_its_time():
    def with_fee(command, state):
        events = bank.decide(command, state)
        fee = [MoneyWithdrawn(1)] if isinstance(command, WithdrawMoney) and state.balance else []
        return [MoneyDeposited(command.amount - 1)] if isinstance(command, DepositMoney) else [*events, *fee]

    for commands in (WISHES, wish_of):
        branch = Timeline(ADA, DECIDER).branch(decide=with_fee, commands=commands)
        assert kinds(branch.rows) == "=-+=+=+-+"
        assert [row.says for row in branch.rows[1:5]] == [
            "replaced", 'was: bank.MoneyDeposited {"amount":100}', "", "appears",
        ]  # fmt: skip
        assert branch.history[1].recorded_at == ADA[1].recorded_at
        assert branch.history[3].recorded_at == ADA[2].recorded_at
        assert len({one.id for one in branch.history}) == 7
        reads_both_lines(branch.compare())


def test_events_that_came_with_the_one_before_are_decided_with_it():
    def decide(command, balance):
        return [MoneyDeposited(command), MoneyWithdrawn(command // 10)]

    history = told(MoneyDeposited(100), MoneyWithdrawn(10), MoneyDeposited(50), MoneyWithdrawn(5))
    by_deposit = lambda recorded: recorded.payload.amount if isinstance(recorded.payload, MoneyDeposited) else None  # noqa: E731
    timeline = Timeline(history, Lines)
    assert timeline.branch(decide=decide, commands=by_deposit).history == history
    branch = timeline.branch(decide=lambda command, state: [MoneyDeposited(command)], commands=by_deposit)
    assert kinds(branch.rows) == "=-=-"
    assert {row.says for row in branch.rows if row.kind == "-"} == {"no longer follows"}


def test_an_event_of_several_keeps_its_own_time_and_metadata():
    def decide(command, state):
        return [MoneyDeposited(command), MoneyWithdrawn(command // 20)]

    history = [
        msgspec.structs.replace(one, metadata_text=f'{{"n":{n}}}')
        for n, one in enumerate(told(MoneyDeposited(100), MoneyWithdrawn(10)))
    ]
    by_deposit = lambda recorded: recorded.payload.amount if isinstance(recorded.payload, MoneyDeposited) else None  # noqa: E731
    branch = Timeline(history, Lines).branch(decide=decide, commands=by_deposit)
    assert kinds(branch.rows) == "=-+"
    assert (branch.history[1].recorded_at, branch.history[1].metadata) == (history[1].recorded_at, {"n": 1})


def test_what_stood_between_the_events_of_one_wish_no_longer_follows():
    history = told(MoneyDeposited(1), MoneyWithdrawn(2), MoneyDeposited(3))
    both = lambda command, state: [MoneyDeposited(1), MoneyDeposited(3)]  # noqa: E731
    branch = Timeline(history, Lines).branch(decide=both, commands=["go"])
    assert kinds(branch.rows) == "=-="
    reads_both_lines(branch.compare())


def test_a_function_that_decides_on_a_projection_sees_only_what_that_has_asked_for():
    class Paid(Projection):
        types = (MoneyDeposited,)

        def evolve(self, paid, recorded, /):
            return {"paid": paid.get("paid", 0) + recorded.payload.amount, "last": type(recorded.payload).__name__}

    def decide(command, paid):
        assert paid.get("last") in (None, "MoneyDeposited")
        return bank.decide(command, AccountState("Ada", 1000, "open" if paid or command != WISHES[0] else "new"))

    assert Timeline(ADA, Paid).branch(decide=decide, commands=wish_of).history == ADA


def test_facts_from_outside_stay_and_count():
    def covered(command, state):
        if isinstance(command, WithdrawMoney) and state.balance < command.amount:
            raise CommandRefused("the deposit was not seen")
        return bank.decide(command, state)

    for fact in (lambda recorded: recorded, lambda recorded: recorded.payload):
        deposits = lambda one, fact=fact: fact(one) if isinstance(one.payload, MoneyDeposited) else wish_of(one)  # noqa: E731
        branch = Timeline(ADA, DECIDER).branch(decide=covered, commands=deposits)
        assert branch.history == ADA


def test_a_decision_sees_the_past_of_the_branch_not_of_the_source():
    def first_refused(command, state):
        if isinstance(command, DepositMoney) and command.amount == 100:
            raise CommandRefused("too much")
        return bank.decide(command, state)

    branch = Timeline(ADA, DECIDER).branch(decide=first_refused, commands=wish_of)
    assert [refusal.number for refusal in branch.refusals] == [2, 3, 4]
    assert "the balance is 0" in str(branch.refusals[1].error)
    assert branch[-1].state.balance == 5


def test_many_streams_are_decided_each_on_its_own():
    history = made_up_bank(3, 120)
    timeline = Timeline(history, Balances)
    for commands in (wish_of, [wish_of(one) for one in history]):
        assert timeline.branch(decide=HANDLERS, commands=commands).history == history
    for rules in (DECIDER, bank.decide):
        if rules is DECIDER:
            assert timeline.branch(decide=rules, commands=wish_of).history == history
        with pytest.raises(InvalidBranch, match="a list does not say which"):
            timeline.branch(decide=rules, commands=[wish_of(one) for one in history])


def test_all_orders_of_the_shop_are_decided_again_in_all_three_schemas():
    history = made_up_orders(7)
    branch = Timeline(history, {"board": OrderBoard, "revenue": Revenue}).branch(decide=ORDERS, commands=wish_of_order)
    assert branch.history == history
    assert branch.refusals == ()


class NoReturns(type(ORDERS[ReturnOrder])):
    """Nothing is taken back."""

    def handle(self, command, order):
        raise CommandRefused("what is sold is sold")


def test_a_shop_that_takes_nothing_back_refunds_nothing_either():
    history = made_up_orders(7)
    rules = {**ORDERS, ReturnOrder: NoReturns()}
    branch = Timeline(history, Revenue).branch(decide=rules, commands=wish_of_order)
    returned = [n for n, one in enumerate(history, 1) if one.type == "orders.OrderReturned"]
    refused = {type(one.command): one.number for one in branch.refusals}
    assert [one.number for one in branch.refusals if isinstance(one.command, ReturnOrder)] == returned
    assert set(refused) == {ReturnOrder, RefundOrder}
    assert len(branch.history) == len(history) - len(branch.refusals)
    reads_both_lines(branch.compare())
    unmade(branch, Timeline(history, Revenue))


def test_a_league_that_corrects_nothing():
    class NoCorrections(type(league.HANDLERS[CorrectResult])):
        def handle(self, command, state):
            raise CommandRefused("the referee is right")

    def wish(recorded):
        match recorded.payload:
            case ResultRecorded(home, away, home_goals, away_goals):
                return RecordResult(home, away, home_goals, away_goals)
            case ResultCorrected(home, away, home_goals, away_goals):
                return CorrectResult(home, away, home_goals, away_goals)

    history = datasets.load("league")
    corrected = [n for n, one in enumerate(history, 1) if one.type == "league.ResultCorrected"]
    timeline = Timeline(history, LeagueTable)
    rules = {**league.HANDLERS, CorrectResult: NoCorrections()}
    branch = timeline.branch(decide=rules, commands=wish)
    assert [refusal.number for refusal in branch.refusals] == corrected
    assert branch[-1].state == timeline.branch(skip=corrected)[-1].state


def test_a_mistake_in_the_rules_is_raised_and_says_at_which_command(ada):
    def broken(command, state):
        return [] / 0 if isinstance(command, WithdrawMoney) else bank.decide(command, state)

    with pytest.raises(TypeError) as failure:
        Timeline(ADA, DECIDER).branch(decide=broken, commands=wish_of)
    assert failure.value.__notes__ == [
        "while deciding again on WithdrawMoney(account_id='1', amount=30), which led to event 3 of the source"
    ]
    with pytest.raises(MissingHandler) as failure:
        ada.branch(decide={}, commands=WISHES)
    assert failure.value.__notes__ == ["while deciding again on OpenAccount(account_id='1', owner='Ada')"]


def test_one_state_is_needed_for_a_function_that_decides():
    with pytest.raises(InvalidBranch, match="several views"):
        Timeline(ADA, {"a": Account, "b": Balances}).branch(decide=bank.decide, commands=wish_of)


def test_rules_that_look_at_the_time_see_that_of_the_source():
    @dataclasses.dataclass
    class Clock(Projection):
        def initial(self):
            return []

        def evolve(self, state, recorded, /):
            return [*state, recorded.occurred_at]

    def in_order(command, times):
        assert times == sorted(times)
        if times and times[-1] != NOON + len(times) * MINUTE:
            raise CommandRefused("not in its minute")
        return [MoneyDeposited(command)]

    history = told(*map(MoneyDeposited, (1, 2, 3)))
    assert Timeline(history, Clock).branch(decide=in_order, commands=lambda one: one.payload.amount).history == history


def test_wishes_of_which_it_cannot_be_said_what_they_led_to():
    wishes = [WishAll("1", 60) if isinstance(one, WithdrawMoney) else one for one in WISHES]

    def decide(command, state):
        if isinstance(command, WishAll):
            raise CommandRefused("no")
        return bank.decide(command, state)

    branch = Timeline(ADA, DECIDER).branch(decide=decide, commands=[*wishes, WishAll("1", 1)])
    assert [refusal.number for refusal in branch.refusals] == [3, 4, None]
    branch = Timeline(ADA, DECIDER).branch(
        decide=decide, commands=[wishes[0], WishAll("1", 1), *wishes[1:3], *wishes[4:]]
    )
    assert [refusal.number for refusal in branch.refusals] == [None, None]
    assert kinds(branch.rows) == "==--="


def test_wishes_that_stand_in_another_order_than_their_events():
    store = MemoryStore()
    for stream, amounts in (("account-1", []), ("account-2", [5]), ("account-1", [7])):
        opened = [] if amounts else [AccountOpened("Ada")]
        store.append(
            stream, [*opened, *([AccountOpened("Eve")] if amounts == [5] else []), *map(MoneyDeposited, amounts)]
        )
    wishes = [OpenAccount("1", "Ada"), OpenAccount("2", "Eve"), DepositMoney("1", 7), DepositMoney("2", 5)]
    branch = Timeline(store.read(), Balances).branch(decide={**HANDLERS, DepositMoney: NoDeposits()}, commands=wishes)
    assert [refusal.number for refusal in branch.refusals] == [None, None]
    reads_both_lines(branch.compare())


class NoDeposits(type(HANDLERS[DepositMoney])):
    """Nothing comes in."""

    def handle(self, command, account):
        raise CommandRefused("closed today")


@dataclasses.dataclass(frozen=True)
class WishAll:
    account_id: str
    amount: int


@given(st.lists(st.tuples(st.sampled_from([DepositMoney, WithdrawMoney]), st.integers(1, 90)), max_size=12))
def test_a_list_and_a_function_tell_the_same_story(wishes):
    commands = [OpenAccount("1", "Ada"), *(kind("1", amount) for kind, amount in wishes)]
    events = Timeline(told(AccountOpened("Ada")), DECIDER).branch(decide=bank.decide, commands=commands).history
    history = told(*events.payloads)
    timeline = Timeline(history, DECIDER)
    granted = [wish_of(one) for one in history]
    for rules in (bank.decide, strict):
        by_list, by_function = (timeline.branch(decide=rules, commands=one) for one in (granted, wish_of))
        assert by_list.history.payloads == by_function.history.payloads
        assert [one.command for one in by_list.refusals] == [one.command for one in by_function.refusals]
        reads_both_lines(by_list.compare())
        reads_both_lines(by_function.compare())
