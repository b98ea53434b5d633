"""The bank: accounts that are opened, filled, emptied and closed; told twice, as an aggregate class and as a decider.

Amounts are whole euros.
"""

from __future__ import annotations

import dataclasses
from typing import Any, Literal

from eslab.aggregates import Aggregate, Decider, unhandled
from eslab.commands import CommandHandler, command
from eslab.errors import CommandRefused, InvalidCommand
from eslab.events import Recorded, event
from eslab.projections import Projection
from eslab.trust import Personal

# --- events: what happened ------------------------------------------------------------------------------------------


@event(name="bank.AccountOpened")
class AccountOpened:
    owner: Personal


@event(name="bank.MoneyDeposited")
class MoneyDeposited:
    amount: int


@event(name="bank.MoneyWithdrawn")
class MoneyWithdrawn:
    amount: int


@event(name="bank.AccountClosed")
class AccountClosed:
    pass


AccountEvent = AccountOpened | MoneyDeposited | MoneyWithdrawn | AccountClosed

# --- commands: what is wished ---------------------------------------------------------------------------------------


@command
class OpenAccount:
    account_id: str
    owner: str


@command
class DepositMoney:
    account_id: str
    amount: int


@command
class WithdrawMoney:
    account_id: str
    amount: int


@command
class CloseAccount:
    account_id: str


AccountCommand = OpenAccount | DepositMoney | WithdrawMoney | CloseAccount
Status = Literal["new", "open", "closed"]

# --- state and decisions, as an aggregate class ---------------------------------------------------------------------


class Account(Aggregate):
    """One account. Each method decides; only `apply` changes anything."""

    def __init__(self) -> None:
        self.owner = ""
        self.balance = 0
        self.status: Status = "new"

    def apply(self, event: AccountEvent) -> None:
        match event:
            case AccountOpened(owner):
                self.owner, self.status = owner, "open"
            case MoneyDeposited(amount):
                self.balance += amount
            case MoneyWithdrawn(amount):
                self.balance -= amount
            case AccountClosed():
                self.status = "closed"
            case _:
                raise unhandled(self, event)

    def open(self, owner: str) -> None:
        if self.status != "new":
            raise CommandRefused(f"the account is {self.status}, expected a new one: open it under another id")
        self.emit(AccountOpened(owner))

    def deposit(self, amount: int) -> None:
        must_be_open(self.status)
        self.emit(MoneyDeposited(amount))

    def withdraw(self, amount: int) -> None:
        must_be_open(self.status)
        must_cover(self.balance, amount)
        self.emit(MoneyWithdrawn(amount))

    def close(self) -> None:
        must_be_open(self.status)
        must_be_empty(self.balance)
        self.emit(AccountClosed())


# --- state and decisions, as a decider ------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class AccountState:
    owner: str = ""
    balance: int = 0
    status: Status = "new"


def evolve(state: AccountState, event: AccountEvent) -> AccountState:
    match event:
        case AccountOpened(owner):
            return dataclasses.replace(state, owner=owner, status="open")
        case MoneyDeposited(amount):
            return dataclasses.replace(state, balance=state.balance + amount)
        case MoneyWithdrawn(amount):
            return dataclasses.replace(state, balance=state.balance - amount)
        case AccountClosed():
            return dataclasses.replace(state, status="closed")
        case _:
            raise unhandled("evolve", event)


def decide(command: AccountCommand, state: AccountState) -> list[AccountEvent]:
    match command:
        case OpenAccount(owner=owner):
            if state.status != "new":
                raise CommandRefused(f"the account is {state.status}, expected a new one: open it under another id")
            return [AccountOpened(owner)]
        case DepositMoney(amount=amount):
            must_be_open(state.status)
            return [MoneyDeposited(amount)]
        case WithdrawMoney(amount=amount):
            must_be_open(state.status)
            must_cover(state.balance, amount)
            return [MoneyWithdrawn(amount)]
        case CloseAccount():
            must_be_open(state.status)
            must_be_empty(state.balance)
            return [AccountClosed()]


DECIDER = Decider(initial_state=AccountState(), decide=decide, evolve=evolve, category="account")

# --- rules that both forms share ------------------------------------------------------------------------------------


def must_be_open(status: Status) -> None:
    if status != "open":
        raise CommandRefused(f"the account is {status}, expected an open one: open it first")


def must_cover(balance: int, amount: int) -> None:
    if amount > balance:
        raise CommandRefused(f"the balance is {balance}, expected at least {amount}: withdraw less, or deposit first")


def must_be_empty(balance: int) -> None:
    if balance:
        raise CommandRefused(f"the balance is {balance}, expected 0: withdraw it, then close the account")


# --- handlers -------------------------------------------------------------------------------------------------------


class AccountHandler(CommandHandler[Any, Account]):
    """What the four handlers share: they decide on one account, and an amount is at least one euro."""

    fold = Account

    def stream(self, command: Any) -> str:
        return f"account-{command.account_id}"

    def validate(self, command: Any) -> None:
        amount = getattr(command, "amount", 1)
        if type(amount) is not int or amount < 1:
            raise InvalidCommand(
                f"amount is {amount!r}, expected whole euros, 1 or more: correct the command", found=amount
            )


class OpenAccountHandler(AccountHandler):
    def handle(self, command: OpenAccount, account: Account) -> tuple[Any, ...]:
        account.open(command.owner)
        return account.pending


class DepositMoneyHandler(AccountHandler):
    def handle(self, command: DepositMoney, account: Account) -> tuple[Any, ...]:
        account.deposit(command.amount)
        return account.pending


class WithdrawMoneyHandler(AccountHandler):
    def handle(self, command: WithdrawMoney, account: Account) -> tuple[Any, ...]:
        account.withdraw(command.amount)
        return account.pending


class CloseAccountHandler(AccountHandler):
    def handle(self, command: CloseAccount, account: Account) -> tuple[Any, ...]:
        account.close()
        return account.pending


HANDLERS = {
    OpenAccount: OpenAccountHandler(),
    DepositMoney: DepositMoneyHandler(),
    WithdrawMoney: WithdrawMoneyHandler(),
    CloseAccount: CloseAccountHandler(),
}

# --- projections ----------------------------------------------------------------------------------------------------


class Balances(Projection):
    """The balance of every account, by stream: a dict of whole euros."""

    types = (AccountOpened, MoneyDeposited, MoneyWithdrawn)

    def evolve(self, balances: dict[str, int], recorded: Recorded, /) -> dict[str, int]:
        match recorded.payload:
            case AccountOpened():
                balances[recorded.stream] = 0
            case MoneyDeposited(amount):
                balances[recorded.stream] += amount
            case MoneyWithdrawn(amount):
                balances[recorded.stream] -= amount
        return balances
