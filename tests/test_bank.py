"""The bank: the rules of an account, the same for the aggregate class and for the decider."""

import dataclasses

import pytest

from eslab import InvalidCommand, MemoryStore, Projector, fold
from eslab.domains.bank import (
    DECIDER,
    HANDLERS,
    Account,
    AccountClosed,
    AccountOpened,
    Balances,
    CloseAccount,
    DepositMoney,
    MoneyDeposited,
    MoneyWithdrawn,
    OpenAccount,
    WithdrawMoney,
)  # fmt: skip
from eslab.domains.made_up import bank as generate
from eslab.testing import given

OPENED, CLOSED = AccountOpened("Ada"), AccountClosed()


@pytest.fixture(params=[HANDLERS, DECIDER], ids=["aggregate", "decider"])
def wiring(request):
    return request.param


def test_an_account_is_opened_once(wiring):
    given(wiring).when(OpenAccount("1", "Ada")).then(OPENED)
    given(wiring, OPENED).when(OpenAccount("1", "Ada")).refused(because="the account is open, expected a new one")
    given(wiring, OPENED, CLOSED).when(OpenAccount("1", "Ada")).refused(because="the account is closed")


def test_an_open_account_takes_money(wiring):
    given(wiring, OPENED).when(DepositMoney("1", 50)).then(MoneyDeposited(50))


def test_the_balance_covers_a_withdrawal_to_the_last_euro(wiring):
    facts = OPENED, MoneyDeposited(100), MoneyWithdrawn(30)
    given(wiring, *facts).when(WithdrawMoney("1", 70)).then(MoneyWithdrawn(70))
    given(wiring, *facts).when(WithdrawMoney("1", 71)).refused(because="the balance is 70, expected at least 71")


def test_only_an_empty_account_can_be_closed(wiring):
    given(wiring, OPENED).when(CloseAccount("1")).then(CLOSED)
    given(wiring, OPENED, MoneyDeposited(1)).when(CloseAccount("1")).refused(because="the balance is 1, expected 0")


@pytest.mark.parametrize("facts", [(), (OPENED, CLOSED)], ids=["new", "closed"])
@pytest.mark.parametrize("wish", [DepositMoney("1", 5), WithdrawMoney("1", 5), CloseAccount("1")], ids=repr)
def test_an_account_that_is_not_open_refuses_everything(wiring, facts, wish):
    given(wiring, *facts).when(wish).refused(because="expected an open one")


@pytest.mark.parametrize("amount", [0, -5, 1.5, "5", True, None])
def test_an_amount_is_whole_euros_and_at_least_one(amount):
    for wish in (DepositMoney("1", amount), WithdrawMoney("1", amount)):
        given(HANDLERS, OPENED).when(wish).refused(InvalidCommand, because="expected whole euros, 1 or more")


def test_the_aggregate_and_the_decider_agree_on_every_account_of_a_made_up_month():
    history = generate()
    streams = sorted({recorded.stream for recorded in history})
    assert len(streams) == 8
    for stream in streams:
        events = [recorded for recorded in history if recorded.stream == stream]
        assert Account.replay(events).state == dataclasses.asdict(fold(events, DECIDER))


def test_the_balances_are_those_of_the_accounts():
    store = MemoryStore()
    store.copy(generate())
    projector = Projector(store, Balances())
    projector.catch_up()
    assert projector.state == {stream: Account.replay(store.load(stream)).balance for stream in projector.state}
    assert len(projector.state) == 8
