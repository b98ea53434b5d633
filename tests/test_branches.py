"""eslab.branches: what would have been, read beside what was; the source is never touched."""

import dataclasses
import datetime as dt
import itertools

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eslab import CommandRefused, Decider, MemoryStore, NewEvent, Projection, Timeline, datasets, event
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
from eslab.domains.chess import Game, MatchScore, MovePlayed
from eslab.domains.league import CorrectResult, LeagueTable, RecordResult, ResultCorrected, ResultRecorded
from eslab.domains.made_up import bank as made_up_bank
from eslab.domains.made_up import orders as made_up_orders
from eslab.domains.orders import HANDLERS as ORDERS
from eslab.domains.orders import (
    CancelOrder,
    ConfirmDelivery,
    OrderBoard,
    OrderCancelled,
    OrderDelivered,
    OrderPaid,
    OrderPlaced,
    OrderRefunded,
    OrderReturned,
    OrderShipped,
    PayOrder,
    PlaceOrder,
    RefundOrder,
    ReturnOrder,
    Revenue,
    ShipOrder,
)  # fmt: skip
from eslab.errors import InvalidPayload, MissingHandler
from eslab.events import History, event_type, record
from eslab.projections import Projector
from eslab.stores.sqlite import SqliteStore
from eslab.timeline import NoSuchStep
from eslab.views import View

NOON = dt.datetime(2026, 5, 3, 12, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)


def told(*events, stream="account-1"):
    """A history of one stream, an event a minute."""
    return History(
        record(one, stream=stream, version=n, position=n, recorded_at=NOON + n * MINUTE)
        for n, one in enumerate(events, 1)
    )


ADA = told(AccountOpened("Ada"), MoneyDeposited(100), MoneyWithdrawn(30), MoneyWithdrawn(60), MoneyDeposited(5))
WISHES = [OpenAccount("1", "Ada"), DepositMoney("1", 100), WithdrawMoney("1", 30), WithdrawMoney("1", 60),
          DepositMoney("1", 5)]  # fmt: skip


@pytest.fixture
def ada():
    return Timeline(ADA, Account)


class Lines(Projection):
    """Everything about every event, so that no difference can hide."""

    def initial(self):
        return []

    def evolve(self, lines, recorded, /):
        return [*lines, (recorded.position, recorded.stream, recorded.version, recorded.type, str(recorded.data))]


class Twice(Account):
    """An account in which everything counts twice."""

    category = "account"

    def apply(self, event):
        super().apply(event)
        match event:
            case MoneyDeposited(amount):
                self.balance += amount


def strict(command, state):
    """At most 50 at a time."""
    if isinstance(command, WithdrawMoney) and command.amount > 50:
        raise CommandRefused(f"{command.amount} at once, expected at most 50: withdraw twice")
    return bank.decide(command, state)


STRICT = Decider(initial_state=AccountState(), decide=strict, evolve=bank.evolve, category="account")


def wish_of(recorded):
    """The command that leads to an event of the bank."""
    match recorded.payload:
        case AccountOpened(owner):
            return OpenAccount(recorded.aggregate_id, owner)
        case MoneyDeposited(amount):
            return DepositMoney(recorded.aggregate_id, amount)
        case MoneyWithdrawn(amount):
            return WithdrawMoney(recorded.aggregate_id, amount)


def wish_of_order(recorded):
    """The command that leads to an event of the shop."""
    order = recorded.aggregate_id
    match recorded.payload:
        case OrderPlaced(customer, lines):
            return PlaceOrder(order, customer, lines)
        case OrderPaid(cents):
            return PayOrder(order, cents)
        case OrderShipped(carrier):
            return ShipOrder(order, carrier)
        case OrderDelivered():
            return ConfirmDelivery(order)
        case OrderCancelled(reason):
            return CancelOrder(order, reason)
        case OrderReturned(reason):
            return ReturnOrder(order, reason)
        case OrderRefunded():
            return RefundOrder(order)


def kinds(rows):
    return "".join(row.kind for row in rows)


def reads_both_lines(comparison):
    """The rows give back both lines, event for event, and count them."""
    source = branch = 0
    for row in comparison.rows:
        source, branch = source + (row.kind != "+"), branch + (row.kind != "-")
        assert (row.source, row.branch) == (source, branch)
        if row.kind == "=":
            one, other = comparison.before.history[source - 1], comparison.after.history[branch - 1]
            assert (one.stream, one.type, one.payload_text) == (other.stream, other.type, other.payload_text)
    assert (source, branch) == (len(comparison.before.history), len(comparison.after.history))


# --- re-fold ----------------------------------------------------------------------------------------------------------


def test_a_skipped_event_never_happened(ada):
    branch = ada.branch(skip=[3])
    assert branch[-1].state.balance == 45
    assert [one.payload for one in branch.history] == [ADA[n].payload for n in (0, 1, 3, 4)]
    assert [(one.position, one.version) for one in branch.history] == [(1, 1), (2, 2), (3, 3), (4, 4)]
    assert [one.id for one in branch.history] == [ADA[n].id for n in (0, 1, 3, 4)]
    assert [one.recorded_at for one in branch.history] == [ADA[n].recorded_at for n in (0, 1, 3, 4)]
    assert kinds(branch.rows) == "==-=="
    assert branch.rows[2].says == "skipped"
    assert branch.position == 2


def test_the_source_stays_as_it_was(ada):
    before = [step.state.balance for step in ada]
    branch = ada.branch(skip=[3], insert={1: MoneyDeposited(7)}, move={5: 1}, replace={2: MoneyDeposited(1)})
    branch.compare().to_frame()
    assert branch.source is ada
    assert ada.history == ADA
    assert [step.state.balance for step in ada] == before


def test_an_inserted_event_has_the_stream_and_the_times_of_the_one_before_it(ada):
    branch = ada.branch(insert={3: MoneyDeposited(7)})
    new = branch.history[3]
    assert (new.payload, new.stream, new.version, new.position) == (MoneyDeposited(7), "account-1", 4, 4)
    assert (new.recorded_at, new.occurred_at, new.metadata) == (ADA[2].recorded_at, ADA[2].occurred_at, {})
    assert new.id not in {one.id for one in ADA}
    assert new.id == ada.branch(insert={3: MoneyDeposited(7)}).history[3].id
    assert kinds(branch.rows) == "===+=="
    assert branch.rows[3].says == "inserted"


def test_at_the_start_an_event_stands_beside_the_one_after_it(ada):
    branch = ada.branch(insert={0: [AccountOpened("Eve"), MoneyDeposited(1)]})
    assert [one.recorded_at for one in branch.history[:3]] == [ADA[0].recorded_at] * 3
    assert [one.payload for one in branch.history[:2]] == [AccountOpened("Eve"), MoneyDeposited(1)]
    assert len({one.id for one in branch.history}) == 7


def test_a_new_event_may_say_when_it_occurred_and_a_recorded_one_all_of_it(ada):
    late = NewEvent(MoneyDeposited(7), id="late", occurred_at=NOON, metadata={"who": "Eve"})
    other = record(MoneyDeposited(8), stream="account-2", version=9, position=9, recorded_at=NOON, metadata={"a": 1})
    branch = ada.branch(insert={5: [late, other]})
    new, last = branch.history[5:]
    assert (new.id, new.occurred_at, new.recorded_at, new.metadata) == (
        "late",
        NOON,
        ADA[4].recorded_at,
        {"who": "Eve"},
    )
    assert (last.id, last.stream, last.version, last.position, last.metadata) == (other.id, "account-2", 1, 7, {"a": 1})


def test_an_event_that_comes_twice_gets_an_id_of_its_own(ada):
    branch = ada.branch(insert={2: [ADA[1], ADA[1]]})
    assert branch[-1].state.balance == 215
    assert len({one.id for one in branch.history}) == 7


def test_a_replaced_event_keeps_its_envelope(ada):
    branch = ada.branch(replace={3: MoneyWithdrawn(31)})
    old, new = ADA[2], branch.history[2]
    assert new.payload == MoneyWithdrawn(31)
    assert (new.id, new.recorded_text, new.occurred_text) == (old.id, old.recorded_text, old.occurred_text)
    assert kinds(branch.rows) == "==-+=="
    assert [row.says for row in branch.rows[2:4]] == ["replaced", 'was: bank.MoneyWithdrawn {"amount":30}']


def test_a_replacement_may_change_the_time_and_add_metadata():
    history = told(AccountOpened("Ada"))
    with_metadata = [msgspec.structs.replace(history[0], metadata_text='{"who":"Ada"}')]
    branch = Timeline(with_metadata, Account).branch(
        replace={1: NewEvent(AccountOpened("Eve"), occurred_at=NOON, metadata={"why": "?"})}
    )
    assert branch.history[0].metadata == {"who": "Ada", "why": "?"}
    assert branch.history[0].occurred_at == NOON


def test_a_moved_event_stands_behind_another(ada):
    branch = ada.branch(move={5: 1})
    assert [one.payload for one in branch.history] == [ADA[n].payload for n in (0, 4, 1, 2, 3)]
    assert [one.version for one in branch.history] == [1, 2, 3, 4, 5]
    assert kinds(branch.rows) == "=+===-"
    assert [branch.rows[1].says, branch.rows[5].says] == ["moved from 5", "moved to 1"]


def test_all_edits_go_together_in_the_numbers_of_the_source(ada):
    branch = ada.branch(skip=[2], insert={2: MoneyDeposited(1), 0: MoneyDeposited(2)}, replace={4: MoneyWithdrawn(6)},
                        move={4: 2, 5: 0})  # fmt: skip
    assert [one.data.get("amount") for one in branch.history] == [2, 5, None, 1, 6, 30]
    assert kinds(branch.rows) == "++=-++=--"
    assert branch.rows[5].says == 'moved from 4; was: bank.MoneyWithdrawn {"amount":60}'
    reads_both_lines(branch.compare())


def test_an_edit_that_changes_nothing_gives_the_source_again(ada):
    for edit in (
        {"move": {3: 2}},
        {"move": {3: 3}},
        {"replace": {3: MoneyWithdrawn(30)}},
        {"insert": {1: []}, "move": {1: 0}},
    ):
        branch = ada.branch(**edit)
        assert branch.history == ADA
        assert kinds(branch.rows) == "====="
        assert branch.position == 5
        assert branch.compare().first_difference is None


def test_other_code_folds_the_same_events(ada):
    branch = ada.branch(fold=Twice)
    assert branch[-1].state.balance == 120
    assert kinds(branch.rows) == "====="
    comparison = branch.compare()
    assert comparison.position is None
    assert comparison.first_difference == 2
    assert ada.branch(fold=DECIDER, skip=[2])[-1].state == AccountState("Ada", -85, "open")


def test_a_branch_can_be_branched_again(ada):
    first = ada.branch(skip=[3])
    second = first.branch(skip=[3], insert={0: MoneyDeposited(1)})
    third = second.branch(insert={0: MoneyDeposited(1)})
    assert second.source is first
    assert second[-1].state.balance == 106
    assert len({one.id for one in third.history}) == len(third.history) == 5
    assert third.digest != second.digest != first.digest


def test_several_views_are_carried_over(ada):
    timeline = Timeline(ADA, {"account": Account, "lines": View(Lines, every=2)})
    branch = timeline.branch(skip=[3])
    assert branch.fold is timeline.fold
    assert branch[-1].state["account"].balance == 45
    assert branch[3].views["lines"].lag == 1
    assert branch.compare()[-1].differences


def test_a_view_that_stopped_at_a_position_stops_after_as_many_events():
    store = MemoryStore()
    store.append("other-1", [MoneyDeposited(1)] * 10)
    store.append("account-1", [one.payload for one in ADA])
    timeline = Timeline(store.load("account-1"), View(Lines, until=12))
    assert len(timeline[-1].state) == 2
    assert len(timeline.branch(skip=[4])[-1].state) == 2
    projector = Projector(store, Lines())
    assert len(Timeline(store.load("account-1"), {"lines": projector}).branch(skip=[4])[-1].state["lines"]) == 0


def test_in_the_order_of_occurrence_a_moved_event_stays_where_it_was_put(ada):
    timeline = Timeline(ADA, Lines, order="occurred")
    branch = timeline.branch(move={5: 1})
    assert branch.order == "occurred"
    assert [one.position for one in branch.history] == [1, 2, 3, 4, 5]
    assert branch.history[1].payload == MoneyDeposited(5)


def test_what_would_have_been_without_the_21st_move():
    history = [one for one in datasets.load("chess") if one.stream == "game-6"]
    timeline = Timeline(history, Game)
    branch = timeline.branch(skip=[20])
    failed = [step.index for step in branch if step.error]
    assert failed
    assert branch.position == 19
    assert branch.compare().first_difference == 20


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        ({}, "nothing is asked"),
        ({"skip": []}, "nothing is asked"),
        ({"skip": [0]}, "skip names event 0, expected a number from 1 to 5"),
        ({"skip": [6]}, "event i leads to step i"),
        ({"skip": [True]}, "names event True"),
        ({"skip": 3}, r"write skip=\[17\]"),
        ({"skip": "3"}, r"write skip=\[17\]"),
        ({"insert": {6: MoneyDeposited(1)}}, "insert names event 6, expected a number from 0 to 5"),
        ({"insert": [MoneyDeposited(1)]}, "expected a dict by the number of an event"),
        ({"replace": {0: MoneyDeposited(1)}}, "replace names event 0"),
        ({"move": {3: -1}}, "move names event -1"),
        ({"move": {9: 1}}, "move names event 9"),
        ({"skip": [3], "replace": {3: MoneyDeposited(1)}}, "event 3 is skipped and replaced"),
        ({"skip": [3, 4], "move": {4: 1}}, "event 4 is skipped and moved"),
        ({"decide": HANDLERS}, "decide is given without commands"),
        ({"commands": WISHES}, "commands is given without decide"),
        ({"decide": HANDLERS, "commands": WISHES, "skip": [1]}, "edited and decided again at once"),
        ({"decide": HANDLERS, "commands": 7}, "commands is 7"),
        ({"decide": HANDLERS, "commands": "all"}, "commands is 'all'"),
        ({"decide": 7, "commands": WISHES}, "decide is 7"),
        ({"decide": HANDLERS, "commands": lambda recorded: None}, "gave None for event 1"),
        ({"decide": HANDLERS, "commands": lambda recorded: MoneyDeposited(9)}, "another event for event 1"),
    ],
    ids=str,
)  # fmt: skip
def test_a_branch_that_makes_no_sense_is_refused(ada, edit, message):
    with pytest.raises(InvalidBranch, match=message):
        ada.branch(**edit)


def test_what_is_no_event_cannot_be_put_in(ada):
    for wrong in (7, None, WithdrawMoney("1", 3), [MoneyDeposited]):
        with pytest.raises(InvalidPayload, match="is not an event"):
            ada.branch(insert={2: wrong})


def test_in_an_empty_history_only_recorded_events_have_a_place():
    empty = Timeline([], Account)
    with pytest.raises(InvalidBranch, match="because the source has no events"):
        empty.branch(insert={0: AccountOpened("Ada")})
    with pytest.raises(InvalidBranch, match="has no events"):
        empty.branch(decide=HANDLERS, commands=WISHES)
    assert empty.branch(insert={0: list(ADA)}).history == ADA


NUMBERS = st.integers(1, 5)
GAPS = st.integers(0, 5)
EDITS = st.fixed_dictionaries(
    {
        "skip": st.lists(NUMBERS),
        "insert": st.dictionaries(GAPS, st.lists(st.integers(1, 9).map(MoneyDeposited), max_size=2)),
        "move": st.dictionaries(NUMBERS, GAPS),
    }
)


def edited_by_hand(edits):
    """The amounts of the branch, from keys by which its events are sorted; None for the opening."""
    line = [((n, 0, 0), one.payload) for n, one in enumerate(ADA, 1)]
    for order, (n, to) in enumerate(edits["move"].items()):
        if to not in (n, n - 1):
            line[n - 1] = (to, 2, order), ADA[n - 1].payload
    line = [one for n, one in enumerate(line, 1) if n not in edits["skip"]]
    line += [((gap, 1, k), one) for gap, many in edits["insert"].items() for k, one in enumerate(many)]
    return [payload for _, payload in sorted(line, key=lambda one: one[0])]


@given(EDITS)
def test_the_states_of_a_branch_are_those_of_the_list_edited_by_hand(edits):
    edits["move"] = {n: to for n, to in edits["move"].items() if n not in edits["skip"]}
    timeline = Timeline(ADA, Lines)
    if not any([*edits.values(), *edits["insert"].values()]):
        return
    branch = timeline.branch(**edits)
    by_hand = told(*edited_by_hand(edits))
    assert [step.state for step in branch] == [step.state for step in Timeline(by_hand, Lines)]
    comparison = branch.compare()
    reads_both_lines(comparison)
    reads_both_lines(timeline.compare(branch))
    reads_both_lines(branch.compare(timeline))
    shared = len(list(itertools.takewhile(lambda pair: pair[0] == pair[1], zip(ADA, branch.history, strict=False))))
    assert branch.position <= shared
    assert len({one.id for one in branch.history}) == len(branch.history)
    unmade(branch, timeline)


def unmade(branch, timeline):
    """Its code makes it again."""
    namespace = {"timeline": timeline}
    exec(branch.to_code(), namespace)
    assert namespace["branch"].history == branch.history
    assert namespace["branch"].rows == branch.rows
    assert [step.state for step in namespace["branch"]] == [step.state for step in branch]


# --- re-decide ------------------------------------------------------------------------------------------------------


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


# --- comparison -----------------------------------------------------------------------------------------------------


def test_a_comparison_has_a_moment_for_each_row(ada):
    comparison = ada.branch(skip=[3]).compare()
    assert len(comparison) == 6
    assert comparison[0].row is None
    assert comparison[0].event is None
    assert [len(moment.differences) for moment in comparison] == [0, 0, 0, 1, 1, 1]
    moment = comparison[-1]
    assert (moment.before.index, moment.after.index, moment.event) == (5, 4, comparison.after.history[3])
    [change] = moment.differences
    assert change == (("balance",), 15, 45)
    assert comparison[3].event == ADA[2]
    assert (comparison.position, comparison.first_difference) == (2, 3)
    with pytest.raises(NoSuchStep, match="row 6 does not exist"):
        comparison[6]


def test_any_two_timelines_can_be_compared(ada):
    shop = MemoryStore().append("account-1", [one.payload for one in (*ADA[:2], *ADA[3:])])
    comparison = ada.compare(Timeline(shop, Account))
    assert kinds(comparison.rows) == "==-=="
    assert ada.compare(Timeline(ADA, Account)).position is None
    assert kinds(Timeline(shop, Account).compare(ada).rows) == "==+=="
    with pytest.raises(InvalidBranch, match="expected another timeline"):
        ada.compare(7)


def test_alike_events_are_told_apart_by_their_ids():
    history = told(*[MoneyDeposited(1)] * 4)
    timeline = Timeline(history, Lines)
    without = Timeline([history[0], *history[2:]], Lines)
    assert kinds(timeline.compare(without).rows) == "=-=="
    replaced = timeline.branch(replace={2: MoneyDeposited(9)})
    assert kinds(Timeline(history, Lines).compare(replaced).rows) == "=-+=="


@given(st.lists(st.integers(0, 3)), st.lists(st.integers(0, 3)))
def test_two_lines_read_as_one_give_back_both(one, other):
    lines = [told(*map(MoneyDeposited, amounts)) for amounts in (one, other)]
    reads_both_lines(Timeline(lines[0], Lines).compare(Timeline(lines[1], Lines)))


def test_a_comparison_as_a_frame(ada):
    frame = ada.branch(replace={3: MoneyWithdrawn(31)}).compare().to_frame()
    assert list(frame["kind"]) == ["=", "=", "-", "+", "=", "="]
    assert list(frame["before"].fillna(0)) == [1, 2, 3, 0, 4, 5]
    assert list(frame["after"].fillna(0)) == [1, 2, 0, 3, 4, 5]
    assert list(frame["differences"]) == [0, 0, 1, 1, 1, 1]
    assert len(ada.branch(fold=Twice).compare().to_frame()) == 5
    assert list(Timeline([], Account).compare(Timeline([], Account)).to_frame().columns) == list(frame.columns)


def test_a_comparison_says_where_the_lines_part():
    branch = Timeline(ADA, DECIDER, title="<b>Ada</b>").branch(decide=STRICT, commands=WISHES)
    said = "they part after 3 events; 1 only in the first, 0 only in the second; 1 refused"
    assert repr(branch.compare()) == f"<comparison of '<b>Ada</b>' and '<b>Ada</b>, by other rules': {said}>"
    html = branch.compare()._repr_html_()
    assert "&lt;b&gt;Ada" in html
    assert "<b>Ada" not in html
    assert "refused: WithdrawMoney(account_id=&#x27;1&#x27;, amount=60): 60 at once" in html
    same = Timeline(ADA, Account).branch(fold=Twice).compare()
    assert "the same events, other code" in repr(same)
    assert repr(branch) == "<Branch '<b>Ada</b>, by other rules': 4 events, 3 shared with its source>"


# --- where it came from, and where it goes --------------------------------------------------------------------------


def test_a_branch_knows_where_it_came_from(ada, tmp_path):
    branch = ada.branch(skip=[3])
    assert branch.source is ada
    assert branch.streams == ("account-1",)
    assert dict(branch.edits) == {"skip": (3,)}
    with pytest.raises(TypeError):
        branch.edits["skip"] = ()
    assert len(branch.digest) == 64
    with SqliteStore(tmp_path / "copy.db") as store:
        store.append("other-1", [MoneyDeposited(1)])
        store.copy(ADA)
        assert Timeline(store.load("account-1"), Account).branch(skip=[1]).digest == branch.digest
    assert Timeline(ADA[:4], Account).branch(skip=[1]).digest != branch.digest


def test_nothing_is_saved_unless_it_is_asked(store):
    store.copy(ADA)
    branch = Timeline(store.load("account-1"), Account).branch(skip=[3])
    assert store.position == 5
    saved = branch.save(store)
    assert [one.payload for one in saved] == [one.payload for one in branch.history]
    assert saved == store.load("whatif-account-1")
    assert {one.category for one in saved} == {"whatif"}
    assert [one.recorded_at for one in saved] == [one.recorded_at for one in branch.history]
    assert saved[0].metadata == {
        "branched_from": {"stream": "account-1", "position": 2, "digest": branch.digest},
    }
    assert not {one.id for one in saved} & {one.id for one in ADA}
    assert Account.replay(saved).balance == 45


def test_saving_again_records_nothing_twice(store):
    branch = Timeline(made_up_bank(3, 60), Balances).branch(skip=[20, 30])
    first = branch.save(store)
    assert branch.save(store) == first
    assert store.position == len(first) == 58
    assert Timeline(made_up_bank(3, 60), Balances).branch(skip=[20, 30]).save(store) == first
    assert {one.stream for one in first} == {f"whatif-account-{n}" for n in range(1, 9)}
    assert len(branch.save(store, prefix="again-")) == 58


def test_a_stream_that_holds_something_else_is_not_added_to(store):
    Timeline(ADA, Account).branch(skip=[3]).save(store)
    with pytest.raises(InvalidBranch, match="'whatif-account-1' is there already, with 4 events"):
        Timeline(ADA, Account).branch(skip=[4]).save(store)
    store.append("mine-account-1", [MoneyDeposited(1)])
    with pytest.raises(InvalidBranch, match="another prefix than 'mine-'"):
        Timeline(ADA, Account).branch(skip=[4]).save(store, prefix="mine-")
    assert store.position == 5


@pytest.mark.parametrize("prefix", ["", "account-"])
def test_what_never_happened_does_not_go_among_what_did(store, prefix):
    with pytest.raises(InvalidBranch, match="among what did"):
        Timeline(ADA, Account).branch(skip=[3]).save(store, prefix=prefix)


# --- as code --------------------------------------------------------------------------------------------------------


def rule_of_fifty(command, state):
    return strict(command, state)


@pytest.mark.parametrize(
    "asked",
    [
        {"skip": [3], "title": "without rent"},
        {
            "insert": {
                0: NewEvent(MoneyDeposited(1), occurred_at=NOON, metadata={"a": [1]}),
                3: [ADA[1], MoneyDeposited(2)],
            }
        },
        {"replace": {3: MoneyWithdrawn(31)}, "move": {5: 1}},
        {"fold": Twice},
        {"fold": {"twice": Twice, "lines": View(Lines, every=2)}, "skip": [1]},
        {"decide": rule_of_fifty, "commands": WISHES},
        {"decide": rule_of_fifty, "commands": wish_of},
        {"decide": STRICT, "commands": wish_of},
        {"decide": HANDLERS, "commands": WISHES},
    ],
    ids=lambda asked: "-".join(asked),
)
def test_the_code_of_a_branch_makes_it_again(asked):
    timeline = Timeline(ADA, DECIDER)
    branch = timeline.branch(**asked)
    unmade(branch, timeline)
    assert "title=" in branch.to_code() or "title" not in asked


def test_the_code_says_it_as_one_would_by_hand(ada):
    branch = ada.branch(skip=[3], insert={2: MoneyDeposited(7)}).branch(fold=Twice)
    assert branch.to_code() == (
        "from eslab.domains.bank import MoneyDeposited\n"
        "from test_branches import Twice\n"
        "\n"
        "branch = timeline.branch(skip=[3], insert={2: MoneyDeposited(amount=7)})\n"
        "branch = branch.branch(fold=Twice)\n"
    )
    unmade(branch, ada)


def test_what_has_no_name_cannot_be_written_down(ada):
    branch = Timeline(ADA, DECIDER).branch(decide=lambda command, state: [], commands=WISHES)
    with pytest.raises(InvalidBranch, match="give it one at the top level of a module or of the notebook"):
        branch.to_code()


# --- as a test ------------------------------------------------------------------------------------------------------


def run_test(text):
    """Run the test that a text holds; its namespace."""
    namespace = {}
    exec(text, namespace)
    tests = [one for name, one in namespace.items() if name.startswith("test_")]
    assert tests
    for one in tests:
        one()
    return namespace


def test_a_moment_of_an_aggregate_becomes_a_test_that_can_fail(ada, monkeypatch):
    text = ada.to_test(3)
    assert text == (
        "from eslab.domains.bank import Account, AccountOpened, MoneyDeposited, MoneyWithdrawn\n"
        "from eslab.testing import given\n"
        "\n"
        "\n"
        "def test_money_withdrawn_at_step_3():\n"
        '    """Step 3 of account-1: bank.MoneyWithdrawn."""\n'
        '    earlier = [AccountOpened(owner="Ada"), MoneyDeposited(amount=100)]\n'
        "    event = MoneyWithdrawn(amount=30)\n"
        '    given(Account, *earlier).when(event).then_state({"owner": "Ada", "balance": 70, "status": "open"})\n'
    )
    run_test(text)
    monkeypatch.setattr(Account, "apply", lambda self, event: setattr(self, "balance", 1))
    with pytest.raises(AssertionError, match="balance: 70 → 1"):
        run_test(text)


GAME = [one for one in datasets.load("chess") if one.stream == "game-6"]
BOARDS = {"board": OrderBoard, "revenue": Revenue}


@pytest.mark.parametrize("index", [1, 2, 30, -1])
@pytest.mark.parametrize(
    ("history", "fold"),
    [
        (GAME, Game),
        (GAME, MatchScore),
        (made_up_orders(7)[:150], BOARDS),
        (made_up_bank(3, 60), Account),
        (made_up_bank(3, 60), Balances),
        (datasets.load("league")[:120], LeagueTable),
    ],
    ids=["game", "score", "shop", "account", "balances", "league"],
)
def test_real_moments_become_tests_that_pass(history, fold, index):
    text = Timeline(history, fold).to_test(index)
    run_test(text)
    assert max(map(len, text.splitlines())) <= 120


def test_each_view_has_a_test_of_its_own_and_only_what_it_is_shown():
    timeline = Timeline(made_up_orders(7)[:40], {"board": OrderBoard, "money": View(Revenue, every=10)})
    text = timeline.to_test(40)
    assert "_in_board():" in text
    assert "_in_money():" in text
    money = text.partition("_in_money():")[2]
    assert "OrderShipped" not in money.partition("event = ")[0]


def test_only_the_stream_of_the_event_is_given_to_an_aggregate():
    history = made_up_bank(3, 60)
    text = Timeline(history, Account).to_test(60)
    stream = [one for one in history[:60] if one.stream == history[59].stream]
    assert text.count("Money") + text.count("AccountOpened(") < 3 * len(stream) + 5
    assert "record" not in text


class Witnesses(Projection):
    """Who said it, and under which id."""

    def evolve(self, seen, recorded, /):
        return {**seen, recorded.id: recorded.metadata.get("who")}


def test_a_projection_gets_ids_and_metadata_if_it_looks_at_them():
    history = MemoryStore(ids=iter(["a", "b"]).__next__).append("x-1", [MoneyDeposited(1)] * 2, metadata={"who": "Ada"})
    text = Timeline(history, Witnesses).to_test(2)
    assert 'id="b"' in text
    run_test(text)
    assert "metadata" not in Timeline(history, Balances).branch(fold=Lines).to_test(2)


def test_a_moment_at_which_the_fold_fails_is_a_test_as_well():
    history = told(MovePlayed("e4", "e2e4"), MovePlayed("e4", "e2e4"), MovePlayed("e5", "e7e5"), stream="game-1")
    timeline = Timeline(history, Game)
    text = timeline.to_test(2)
    assert 'ImpossibleMove, because="move 1 of black, e4 (e2e4), is not possible: found empty"' in text
    run_test(text)
    assert timeline.to_test(3).count("MovePlayed(") == 2
    run_test(timeline.to_test(3))


class Unlucky(Projection):
    def evolve(self, state, recorded, /):
        return 1 / (recorded.position - 2)


def test_a_mistake_in_the_fold_is_expected_with_pytest():
    text = Timeline(ADA, Unlucky).to_test(2)
    assert "with pytest.raises(ZeroDivisionError):" in text
    run_test(text)


@event(name="branches.Gone")
class Gone:
    pass


def test_an_event_that_cannot_be_read_any_more_is_a_test_too(monkeypatch):
    history = told(AccountOpened("Ada"), Gone())
    monkeypatch.delitem(event_type.__globals__["_types"], "branches.Gone")
    run_test(Timeline(history, Account).to_test(2))
    run_test(Timeline(history, Lines).to_test(2))


@pytest.mark.parametrize("rules", [HANDLERS, DECIDER, STRICT], ids=["handlers", "decider", "strict"])
def test_a_decision_becomes_a_test(ada, rules):
    text = ada.to_test(4, rules=rules, commands=wish_of)
    run_test(text)
    if rules is STRICT:
        assert "def test_withdraw_money_is_refused_at_step_4():" in text
        assert 'CommandRefused, because="60 at once, expected at most 50: withdraw twice"' in text
    else:
        assert "def test_withdraw_money_leads_to_money_withdrawn():" in text
        assert ".when(command).then(MoneyWithdrawn(amount=60))" in text


def test_a_decision_that_fails_when_the_rule_is_broken(ada, monkeypatch):
    text = ada.to_test(4, rules=HANDLERS, commands=wish_of)
    monkeypatch.setattr(bank, "must_cover", lambda balance, amount: (_ for _ in ()).throw(CommandRefused("no")))
    with pytest.raises(AssertionError, match="refused with CommandRefused: no"):
        run_test(text)


def decide_two(command, state):
    return [MoneyDeposited(command), MoneyWithdrawn(1)] if command else []


def count(state, event):
    return state + 1


RULES_OF_TWO = Decider(initial_state=0, decide=decide_two, evolve=count)


def test_an_event_that_came_with_another_is_tested_with_its_command():
    by_deposit = lambda one: one.payload.amount if isinstance(one.payload, MoneyDeposited) else None  # noqa: E731
    timeline = Timeline(told(MoneyDeposited(5), MoneyWithdrawn(1)), RULES_OF_TWO)
    text = timeline.to_test(2, rules=RULES_OF_TWO, commands=by_deposit)
    assert "leads_to_money_deposited_and_money_withdrawn" in text
    run_test(text)
    nothing = timeline.to_test(1, rules=RULES_OF_TWO, commands=lambda one: 0)
    assert ".then_nothing()" in nothing
    run_test(nothing)


@pytest.mark.parametrize(
    ("index", "given", "kind", "message"),
    [
        (0, {}, NoSuchStep, "step 0 has no event"),
        (9, {}, NoSuchStep, "step 9 does not exist"),
        (3, {"rules": HANDLERS}, InvalidBranch, "rules and commands go together"),
        (3, {"rules": bank.decide, "commands": wish_of}, InvalidBranch, "expected handlers"),
        (3, {"rules": HANDLERS, "commands": lambda one: one}, InvalidBranch, "no command led to event 3"),
        (3, {"rules": HANDLERS, "commands": lambda one: None}, InvalidBranch, "no command led to event 3"),
    ],
    ids=str,
)  # fmt: skip
def test_a_moment_that_makes_no_test_is_refused(ada, index, given, kind, message):
    with pytest.raises(kind, match=message):
        ada.to_test(index, **given)


def test_more_than_200_given_events_are_too_many():
    timeline = Timeline(made_up_bank(3, 300), Balances)
    assert timeline.to_test(201)
    with pytest.raises(InvalidBranch, match="201 events would have to be given, expected at most 200"):
        timeline.to_test(202)


def test_hostile_titles_and_texts_stay_texts():
    history = told(AccountOpened('"""\nimport os # \\'), MoneyDeposited(1), stream='account-"""')
    run_test(Timeline(history, Account, title='"""\n1/0').to_test(2))
