"""eslab.testing: scenarios say what went wrong, the fake store does what it is told, and no loose wire is missed."""

import datetime as dt
import importlib
import pkgutil
import subprocess
import sys
import types

import pytest

from eslab import (
    Aggregate,
    CommandBus,
    CommandRefused,
    Decider,
    InvalidCommand,
    NewEvent,
    Projection,
    domains,
    event,
    record,
    unhandled,
)  # fmt: skip
from eslab.domains import bank, flights, orders
from eslab.domains.bank import (
    DECIDER,
    HANDLERS,
    Account,
    AccountOpened,
    AccountState,
    CloseAccount,
    DepositMoney,
    MoneyDeposited,
    MoneyWithdrawn,
    OpenAccount,
    WithdrawMoney,
)  # fmt: skip
from eslab.errors import InvalidPayload, MissingHandler, StoreUnavailable, UnhandledEvent, WrongExpectedVersion
from eslab.testing import FakeStore, check_store, check_wiring, counting_ids, given, ticking_clock, wiring_faults

ADA = AccountOpened("Ada"), MoneyDeposited(100)
DOMAINS = [name for _, name, _ in pkgutil.iter_modules(domains.__path__)]


# --- given, when, then ---


@pytest.fixture(params=[HANDLERS, DECIDER], ids=["handlers", "decider"])
def wiring(request):
    return request.param


def test_a_scenario_that_went_as_expected_says_so_in_one_line(wiring):
    passed = given(wiring, *ADA).when(WithdrawMoney("1", 30)).then(MoneyWithdrawn(30))
    assert repr(passed) == "<WithdrawMoney(account_id='1', amount=30) → MoneyWithdrawn(amount=30)>"
    assert "MoneyDeposited(amount=100)" in passed._repr_html_()


@pytest.mark.parametrize(
    "expected",
    [(), (MoneyWithdrawn(31),), (MoneyDeposited(30),), (MoneyWithdrawn(30), MoneyWithdrawn(30))],
    ids=repr,
)
def test_other_events_than_expected_fail_with_the_whole_story(wiring, expected):
    with pytest.raises(AssertionError) as failure:
        given(wiring, *ADA).when(WithdrawMoney("1", 30)).then(*expected)
    lines = str(failure.value).splitlines()
    assert lines[1:4] == [
        "  given     AccountOpened(owner='Ada')",
        "            MoneyDeposited(amount=100)",
        "  when      WithdrawMoney(account_id='1', amount=30)",
    ]
    assert lines[4] == f"  expected  {expected[0] if expected else 'nothing'}"
    assert lines[-2:] == ["  found     MoneyWithdrawn(amount=30)", "  correct the rule, or what the test expects"]


def test_the_order_of_the_events_counts():
    both = Decider(initial_state=0, decide=lambda c, s: [MoneyDeposited(1), MoneyWithdrawn(1)], evolve=lambda s, e: s)
    given(both).when("go").then(MoneyDeposited(1), MoneyWithdrawn(1))
    with pytest.raises(AssertionError):
        given(both).when("go").then(MoneyWithdrawn(1), MoneyDeposited(1))


def test_a_refusal_where_events_were_expected_is_shown_with_its_reason(wiring):
    with pytest.raises(AssertionError, match="found     refused with CommandRefused: the balance is 100") as failure:
        given(wiring, *ADA).when(WithdrawMoney("1", 300)).then(MoneyWithdrawn(300))
    assert isinstance(failure.value.__cause__, CommandRefused)


def test_then_nothing_is_neither_events_nor_a_refusal(wiring):
    idle = Decider(initial_state=0, decide=lambda command, state: [], evolve=lambda state, event: state)
    given(idle).when("rest").then_nothing()
    for wish in (WithdrawMoney("1", 30), WithdrawMoney("1", 300)):
        with pytest.raises(AssertionError, match="expected  nothing"):
            given(wiring, *ADA).when(wish).then_nothing()


def test_a_refusal_has_a_kind_and_a_reason(wiring):
    scenario = given(wiring, *ADA).when(WithdrawMoney("1", 300))
    assert scenario.refused() is scenario.refused(CommandRefused, because="balance is 100") is scenario
    with pytest.raises(AssertionError, match="expected  refused with CommandRefused, because 'closed'"):
        scenario.refused(because="closed")
    with pytest.raises(AssertionError, match="expected  refused with InvalidCommand"):
        scenario.refused(InvalidCommand)
    with pytest.raises(AssertionError, match=r"found     MoneyWithdrawn\(amount=3\)"):
        given(wiring, *ADA).when(WithdrawMoney("1", 3)).refused()


def test_a_malformed_command_is_refused_too():
    given(HANDLERS).when(DepositMoney("1", 0)).refused(InvalidCommand, because="expected whole euros")


def test_recorded_events_are_given_as_they_are():
    late = record(
        MoneyDeposited(7), stream="till-1", version=1, position=1, recorded_at=dt.datetime(2030, 1, 1, tzinfo=dt.UTC)
    )
    seen = Decider(initial_state=(), decide=lambda c, s: [MoneyDeposited(len(s))], evolve=lambda s, e: (*s, e))
    assert given(seen, late).when("count").then(MoneyDeposited(1)).given == (late,)


def test_a_mistake_in_the_rules_is_raised_as_it_is():
    broken = Decider(initial_state=0, decide=lambda c, s: [] / 0, evolve=lambda s, e: s)
    with pytest.raises(TypeError):
        given(broken).when("go")


def test_a_given_event_without_a_case_is_found_out(wiring):
    with pytest.raises(AssertionError, match="UnhandledEvent") as failure:
        given(wiring, orders.OrderDelivered()).when(CloseAccount("1")).then()
    assert isinstance(failure.value.__cause__, UnhandledEvent)


def test_what_no_store_would_take_is_refused_in_a_scenario_too():
    wrong = Decider(initial_state=0, decide=lambda c, s: [MoneyDeposited("1")], evolve=lambda s, e: s)
    with pytest.raises(InvalidPayload, match="cannot be stored exactly"):
        given(wrong).when("go").then(MoneyDeposited(1))
    given(HANDLERS, AccountOpened(7)).when(CloseAccount("1")).refused(InvalidPayload)


@pytest.mark.parametrize("wrong", [None, MoneyDeposited(1)], ids=repr)
def test_rules_that_return_no_list_are_told_so(wrong):
    forgetful = Decider(initial_state=0, decide=lambda c, s: wrong, evolve=lambda s, e: s)
    given(forgetful).when("go").refused(InvalidPayload, because="put the events in [ ]")


def test_a_command_without_a_handler_is_said():
    with pytest.raises(MissingHandler, match="no handler for PlaceOrder"):
        given(HANDLERS).when(orders.PlaceOrder("1", "Ada", ()))


# --- given, when, then the state ---

OPEN = {"owner": "Ada", "balance": 150, "status": "open"}


@pytest.mark.parametrize("fold", [Account, DECIDER], ids=["aggregate", "decider"])
def test_a_fold_is_tested_with_the_state_that_follows(fold):
    passed = given(fold, *ADA).when(MoneyDeposited(50)).then_state(OPEN)
    assert repr(passed) == f"<MoneyDeposited(amount=50) → {OPEN!r}>"
    assert "150" in passed._repr_html_()
    given(fold).when(AccountOpened("Ada")).then_state(AccountState("Ada", 0, "open"))


def test_another_state_than_expected_fails_with_the_whole_story():
    with pytest.raises(AssertionError) as failure:
        given(Account, *ADA).when(MoneyDeposited(50)).then_state({**OPEN, "balance": 151})
    assert str(failure.value).splitlines()[1:] == [
        "  given     AccountOpened(owner='Ada')",
        "            MoneyDeposited(amount=100)",
        "  when      MoneyDeposited(amount=50)",
        "  expected  {'owner': 'Ada', 'balance': 151, 'status': 'open'}",
        "  found     {'owner': 'Ada', 'balance': 150, 'status': 'open'}",
        "  other than expected: balance: 151 → 150; correct the fold, or what the test expects",
    ]


@pytest.mark.parametrize(
    ("expected", "told"),
    [
        ({}, "balance: nothing → 150"),
        ({**OPEN, "limit": 1}, "limit: 1 → nothing"),
        ({**OPEN, "balance": 150.0}, "balance: 150.0 → 150"),
    ],
    ids=["less", "more", "another type"],
)  # fmt: skip
def test_a_state_with_less_or_more_in_it_is_another_one(expected, told):
    with pytest.raises(AssertionError, match=told):
        given(Account, *ADA).when(MoneyDeposited(50)).then_state(expected)


def test_a_state_may_be_expected_as_any_kind_of_list_or_set():
    class Seen(Projection):
        def evolve(self, state, recorded, /):
            return {"amounts": {recorded.payload.amount}, "last": [(recorded.payload.amount,)]}

    given(Seen).when(MoneyDeposited(5)).then_state({"amounts": frozenset({5}), "last": ([5],)})


def test_a_projection_is_tested_with_recorded_events():
    one, other = (
        record(event, stream="till-1", version=n, position=n, recorded_at=dt.datetime(2030, 1, 1, tzinfo=dt.UTC))
        for n, event in enumerate(ADA, 1)
    )
    scenario = given(bank.Balances, one).when(other).then_state({"till-1": 100})
    assert repr(scenario) == "<{\"amount\":100} → {'till-1': 100}>"
    given(bank.Balances(), *ADA).when(MoneyDeposited(1)).then_state({"given-1": 101})


def test_a_projection_sees_only_what_it_has_asked_for():
    class Paid(Projection):
        types = (orders.OrderPaid,)
        categories = ("order",)

        def evolve(self, cents, recorded, /):
            return {recorded.stream: recorded.payload.amount_cents}

    shown = given(Paid, orders.OrderShipped("post")).when(orders.OrderPaid(5))
    shown.then_state({"order-1": 5})
    given(Paid, orders.OrderPaid(5)).when(orders.OrderDelivered()).then_state({"order-1": 5})


def test_a_fold_that_refuses_an_event_is_shown_with_its_reason():
    scenario = given(Account, *ADA).when(orders.OrderDelivered())
    scenario.refused(UnhandledEvent, because="no case for OrderDelivered")
    with pytest.raises(AssertionError, match="found     refused with UnhandledEvent"):
        scenario.then_state(OPEN)
    with pytest.raises(ZeroDivisionError):
        given(Broken).when(MoneyDeposited(1))


class Broken(Projection):
    def evolve(self, state, recorded, /):
        return 1 / 0


def test_events_lead_to_states_and_commands_to_events(wiring):
    with pytest.raises(AssertionError, match="expect then_state"):
        given(Account, *ADA).when(MoneyDeposited(1)).then()
    with pytest.raises(AssertionError, match="a command leads to events: expect then"):
        given(wiring, *ADA).when(DepositMoney("1", 1)).then_state(OPEN)
    with pytest.raises(MissingHandler, match="decides on nothing"):
        given(Account, *ADA).when(DepositMoney("1", 1))


def test_an_event_that_follows_may_say_when_it_happened():
    late = Decider(initial_state=0, decide=lambda c, s: [NewEvent(MoneyDeposited(c))], evolve=lambda s, e: s)
    given(late).when(5).then(MoneyDeposited(5))
    with pytest.raises(AssertionError):
        given(late).when(5).then(MoneyDeposited(6))


# --- time, ids, the fake store ---


def test_clock_and_ids_are_the_same_each_time():
    clock, ids = ticking_clock(), counting_ids("wish")
    assert [str(clock()) for _ in range(2)] == ["2026-01-01 00:00:00+00:00", "2026-01-01 00:01:00+00:00"]
    assert [ids(), ids()] == ["wish-1", "wish-2"]
    noon = dt.datetime(2026, 7, 1, 12, tzinfo=dt.UTC)
    hourly = ticking_clock(noon, dt.timedelta(hours=1))
    assert [hourly().hour, hourly().hour] == [12, 13]


def test_what_a_fake_store_prints_is_the_same_each_time():
    prints = [repr(FakeStore().append("account-1", list(ADA))[0].metadata) for _ in range(2)]
    first, second = (FakeStore().append("account-1", list(ADA)) for _ in range(2))
    assert (list(first) == list(second), prints[0]) == (True, prints[1])
    assert [recorded.id for recorded in first] == ["event-1", "event-2"]
    assert first[0].recorded_text == "2026-01-01T00:00:00.000000+00:00"


def test_a_fake_store_keeps_the_contract():
    assert check_store(FakeStore) == {}


def test_a_fake_store_remembers_how_it_was_used():
    store = FakeStore()
    CommandBus(store, HANDLERS).dispatch(OpenAccount("1", "Ada"))
    assert [call.verb for call in store.calls] == ["load", "append"]
    assert repr(store.calls[1]) == "append('account-1', [AccountOpened(owner='Ada')])"


def test_a_fake_store_fails_on_the_append_that_it_was_told():
    store = FakeStore(fail_on_append=2)
    store.append("account-1", [ADA[0]])
    with pytest.raises(StoreUnavailable, match="as it was told"):
        store.append("account-1", [ADA[1]])
    store.append("account-1", [ADA[1]])
    assert store.load("account-1").payloads == list(ADA)


def test_a_fake_store_raises_the_error_that_it_was_given():
    with pytest.raises(ConnectionError):
        FakeStore(fail_on_append=1, error=ConnectionError("gone")).append("account-1", [ADA[0]])


def test_an_answer_that_is_lost_leaves_the_event_in_the_store():
    store = FakeStore(lose_answer_of_append=1)
    with pytest.raises(StoreUnavailable):
        store.append("account-1", [ADA[0]])
    assert store.load("account-1").payloads == [ADA[0]]


def test_somebody_else_appends_just_once_and_just_before_the_next_append():
    store = FakeStore()
    store.somebody_else_appends("account-1", *ADA)
    store.append("account-2", [ADA[0]])
    assert store.version("account-1") == 0
    with pytest.raises(WrongExpectedVersion):
        store.append("account-1", [ADA[0]], expected_version=0)
    assert store.load("account-1").payloads == list(ADA)
    store.append("account-1", [MoneyWithdrawn(1)], expected_version=2)


# --- wiring ---


@pytest.mark.parametrize("name", DOMAINS)
def test_a_shipped_domain_is_wired(name):
    assert wiring_faults(importlib.import_module(f"eslab.domains.{name}")) == []


def test_a_wired_domain_says_what_it_holds():
    assert repr(check_wiring(bank)) == (
        "bank: 4 commands, each with one handler; 4 events, each applied (3 aggregates, deciders and projections); "
        "nothing is left over"
    )


def domain(**changes):
    """The bank with something changed, as a module of its own; None takes a name away."""
    changed = types.ModuleType(bank.__name__)
    vars(changed).update({**vars(bank), **changes})
    for name in [name for name, value in changes.items() if value is None]:
        delattr(changed, name)
    return changed


class Stray(bank.AccountHandler):
    def handle(self, command, account):
        return []


Stray.__module__ = bank.__name__


class Half(bank.CommandHandler):
    pass


class DeafAccount(Account):
    def apply(self, event):
        match event:
            case bank.AccountOpened() | bank.MoneyDeposited() | bank.MoneyWithdrawn() | bank.AccountClosed():
                pass


DeafAccount.__module__ = bank.__name__


class ShortAccount(Account):
    """Forgets that an account can be closed; it emits the event all the same."""

    def apply(self, event):
        match event:
            case bank.AccountOpened() | bank.MoneyDeposited() | bank.MoneyWithdrawn():
                pass
            case _:
                raise unhandled(self, event)

    def close(self):
        self.emit(bank.AccountClosed())


ShortAccount.__module__ = bank.__name__


def without(command):
    return {kind: handler for kind, handler in HANDLERS.items() if kind is not command}


FAULTS = {
    "a command without a handler": (
        {"HANDLERS": without(DepositMoney)},
        ["command DepositMoney has no handler", "DepositMoneyHandler is wired to no command"],
    ),
    "no wiring at all": ({"HANDLERS": {}}, ["command OpenAccount has no handler"]),
    "two wirings of one command": (
        {"MORE": {DepositMoney: bank.DepositMoneyHandler()}},
        ["command DepositMoney has 2 handlers (HANDLERS, MORE), expected one: keep one"],
    ),
    "a handler of a foreign command": (
        {"HANDLERS": {**HANDLERS, orders.PayOrder: bank.DepositMoneyHandler()}},
        ["HANDLERS has a handler for PayOrder, which is no command of bank"],
    ),
    "a handler for what is no command": (
        {"HANDLERS": {**HANDLERS, "deposit": bank.DepositMoneyHandler()}},
        ["HANDLERS has a handler for 'deposit', which is no command of bank"],
    ),
    "a class instead of an instance": (
        {"HANDLERS": {**HANDLERS, DepositMoney: bank.DepositMoneyHandler}},
        ["HANDLERS[DepositMoney] is the class DepositMoneyHandler, expected an instance"],
    ),
    "a handler without its methods": (
        {"HANDLERS": {**HANDLERS, DepositMoney: Half()}},
        ["Half has no stream", "Half has no handle", "Half does not say on what it decides"],
    ),
    "a handler that is left over": ({"Stray": Stray}, ["Stray is wired to no command: add it to HANDLERS"]),
    "an event that nobody applies": (
        {"Account": ShortAccount, "DECIDER": None, "evolve": None},
        ["event AccountClosed is applied by no aggregate or decider, expected one"],
    ),
    "an aggregate that passes over strangers": (
        {"Account": DeafAccount},
        ["DeafAccount passes over an event that it does not know"],
    ),
    "a decider that passes over strangers": (
        {"DECIDER": Decider(initial_state=0, decide=bank.decide, evolve=lambda state, event: state)},
        ["DECIDER passes over an event that it does not know"],
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_wiring_check_finds(fault):
    changes, expected = FAULTS[fault]
    found = wiring_faults(domain(**changes))
    assert [one for one in expected if not any(line.startswith(one) for line in found)] == []
    with pytest.raises(AssertionError, match=f"{len(found)} faults in the wiring"):
        check_wiring(domain(**changes))


def test_the_wiring_check_finds_a_command_that_one_literal_names_twice(tmp_path, monkeypatch):
    source = """
from eslab import Aggregate, CommandHandler, command
@command
class Knock: pass
class KnockHandler(CommandHandler):
    fold = Aggregate
    def stream(self, command): return "door-1"
    def handle(self, command, door): return []
HANDLERS = {Knock: KnockHandler(), Knock: KnockHandler()}
"""
    (tmp_path / "knocking.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    assert wiring_faults(importlib.import_module("knocking")) == [
        "command Knock has 2 handlers (HANDLERS, HANDLERS again), expected one: keep one"
    ]


def test_without_an_aggregate_an_event_needs_a_projection():
    shown = types.ModuleType(flights.__name__)
    vars(shown).update({**vars(flights), "Flight": None})
    assert wiring_faults(shown) == []
    vars(shown).update({"FlightCounts": None, "DepartureBoard": None, "DepartureHours": None})
    assert "event FlightDeparted is handled by no projection" in "\n".join(wiring_faults(shown))


def test_an_event_that_a_helper_or_a_table_applies_is_applied():
    def made(**names):
        module = types.ModuleType("test_testing_bells")
        sys.modules[module.__name__] = module
        exec(BELLS, vars(module))
        return module

    assert wiring_faults(made()) == []


BELLS = """
from eslab import Aggregate, event, unhandled
@event(name="test_testing.BellRung")
class BellRung: pass
@event(name="test_testing.BellMuted")
class BellMuted: pass
@event(name="test_testing.BellSold")
class BellSold: pass
def ring(bell, event): bell.rings += 1
STEPS = {BellRung: ring}
class Bell(Aggregate):
    def __init__(self): self.rings = 0
    def apply(self, event):
        if type(event) in STEPS: STEPS[type(event)](self, event)
        else: self._quietly(event)
    def _quietly(self, event):
        match event:
            case BellMuted(): self.rings = 0
            case _: last_of_all(self, event)
def last_of_all(bell, event):
    if not isinstance(event, BellSold): raise unhandled(bell, event)
"""


def test_a_notebook_checks_its_own_names():
    cells = {"__name__": "__main__", "_1": Stray(), "_": Stray, "DepositMoney": DepositMoney}
    assert wiring_faults(cells) == []

    @event(name="test_testing.HornBlown")
    class HornBlown:
        pass

    class Horn(Aggregate):
        def apply(self, event):
            raise unhandled(self, event)

    HornBlown.__module__ = Horn.__module__ = "__main__"
    (fault,) = wiring_faults({**cells, "HornBlown": HornBlown, "Horn": Horn})
    assert fault.startswith("event HornBlown is applied by no aggregate or decider")


def test_testing_does_not_need_pytest():
    code = """
import sys
sys.modules["pytest"] = None
from eslab import MemoryStore
from eslab.testing import check_store
print(len(check_store(MemoryStore)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "0\n"
