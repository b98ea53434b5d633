"""Commands: validated, decided on, and appended; a refused one leaves no trace."""

import dataclasses

import pytest

from eslab import CommandBus, CommandHandler, CommandRefused, InvalidCommand, command
from eslab.domains.bank import (
    DECIDER,
    HANDLERS,
    Account,
    AccountOpened,
    DepositMoney,
    DepositMoneyHandler,
    MoneyDeposited,
    MoneyWithdrawn,
    OpenAccount,
    WithdrawMoney,
)  # fmt: skip
from eslab.errors import InvalidPayload, MissingHandler, WrongExpectedVersion
from eslab.testing import FakeStore


@pytest.fixture
def bus():
    store = FakeStore()
    store.append("account-1", [AccountOpened("Ada"), MoneyDeposited(100)])
    return CommandBus(store, HANDLERS)


def test_a_command_is_a_frozen_dataclass():
    wish = DepositMoney("1", 50)
    assert (wish, repr(wish)) == (DepositMoney("1", 50), "DepositMoney(account_id='1', amount=50)")
    with pytest.raises(dataclasses.FrozenInstanceError):
        wish.amount = 60


def test_a_command_leads_to_recorded_events(bus):
    (deposited,) = bus.dispatch(DepositMoney("1", 50))
    assert (deposited.payload, deposited.stream, deposited.version) == (MoneyDeposited(50), "account-1", 3)
    assert Account.replay(bus.store.load("account-1")).balance == 150


@pytest.mark.parametrize(
    ("wish", "refusal"),
    [
        (WithdrawMoney("1", 101), CommandRefused), (OpenAccount("1", "Eve"), CommandRefused),
        (DepositMoney("2", 5), CommandRefused), (DepositMoney("1", 0), InvalidCommand),
        (DepositMoney("1", 1.5), InvalidCommand), (DepositMoney("1", True), InvalidCommand),
    ],
    ids=repr,
)  # fmt: skip
def test_a_refused_command_leaves_no_trace(bus, wish, refusal):
    with pytest.raises(refusal):
        bus.dispatch(wish)
    assert bus.store.position == 2


def test_a_malformed_command_is_refused_before_anything_is_loaded(bus):
    bus.store.calls.clear()
    with pytest.raises(InvalidCommand):
        bus.dispatch(DepositMoney("1", -1))
    assert bus.store.calls == []


def test_a_command_without_a_handler_says_which_have_one(bus):
    @command
    class RobBank:
        pass

    with pytest.raises(
        MissingHandler, match="no handler for RobBank, only for: CloseAccount, DepositMoney, OpenAccount"
    ):
        bus.dispatch(RobBank())
    with pytest.raises(MissingHandler, match="only for: none"):
        CommandBus(bus.store, {}).dispatch(DepositMoney("1", 50))


@pytest.mark.parametrize(("missing", "has"), [("stream", {}), ("decides nothing", {"stream": lambda self, c: "x-1"})])
def test_a_handler_without_its_methods_says_what_to_give_it(bus, missing, has):
    handler = type("Half", (CommandHandler,), {"fold": Account, **has})()
    with pytest.raises(MissingHandler, match=missing):
        CommandBus(bus.store, {DepositMoney: handler}).dispatch(DepositMoney("1", 50))
    assert bus.store.position == 2


def test_a_handler_that_returns_nothing_or_one_event_is_told_to_return_a_list(bus):
    for wrong in (None, MoneyDeposited(50)):
        handler = type("Forgetful", (DepositMoneyHandler,), {"handle": lambda self, c, a, wrong=wrong: wrong})()
        with pytest.raises(InvalidPayload, match=r"append takes a list of events, not .*: put the events in \[ \]"):
            CommandBus(bus.store, {DepositMoney: handler}).dispatch(DepositMoney("1", 50))


def test_a_handler_may_yield_its_events_and_may_yield_none(bus):
    def handle(self, command, account):
        if command.amount > 1:
            yield MoneyDeposited(command.amount)

    generous = CommandBus(bus.store, {DepositMoney: type("G", (DepositMoneyHandler,), {"handle": handle})()})
    assert generous.dispatch(DepositMoney("1", 7)).payloads == [MoneyDeposited(7)]
    assert len(generous.dispatch(DepositMoney("1", 1))) == 0


def test_a_handler_may_decide_with_a_decider(bus):
    class Withdraw(DepositMoneyHandler):
        fold = DECIDER

        def handle(self, command, state):
            return DECIDER.decide(command, state)

    assert CommandBus(bus.store, {WithdrawMoney: Withdraw()}).dispatch(WithdrawMoney("1", 30)).payloads == [
        MoneyWithdrawn(30)
    ]


def test_events_name_the_command_that_led_to_them(bus):
    (deposited,) = bus.dispatch(DepositMoney("1", 50))
    assert deposited.metadata == {
        "correlation_id": deposited.causation_id, "causation_id": deposited.causation_id, "command": "DepositMoney"
    }  # fmt: skip
    (withdrawn,) = bus.dispatch(WithdrawMoney("1", 10), metadata={"correlation_id": "visit-7", "by": "Ada"})
    assert (withdrawn.correlation_id, withdrawn.metadata["by"]) == ("visit-7", "Ada")
    assert withdrawn.causation_id not in ("visit-7", deposited.causation_id, None)


def test_somebody_elses_write_between_load_and_append_is_a_conflict(bus):
    bus.store.somebody_else_appends("account-1", MoneyWithdrawn(100))
    with pytest.raises(WrongExpectedVersion, match="stream 'account-1' is at version 3, not 2"):
        bus.dispatch(WithdrawMoney("1", 100))
    assert bus.store.load("account-1").payloads[-1] == MoneyWithdrawn(100)
    with pytest.raises(CommandRefused, match="balance is 0"):
        bus.dispatch(WithdrawMoney("1", 100))


def test_the_wiring_may_change_later_without_changing_the_bus():
    wiring = dict(HANDLERS)
    bus = CommandBus(FakeStore(), wiring)
    wiring.clear()
    assert len(bus.dispatch(OpenAccount("1", "Ada"))) == 1
