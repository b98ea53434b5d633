"""What the tests of branches share: the account of Ada, rules that are stricter, and how two lines are read."""

import datetime as dt

from eslab import CommandRefused, Decider, Projection
from eslab.domains import bank
from eslab.domains.bank import (
    Account,
    AccountOpened,
    AccountState,
    DepositMoney,
    MoneyDeposited,
    MoneyWithdrawn,
    OpenAccount,
    WithdrawMoney,
)  # fmt: skip
from eslab.domains.orders import (
    CancelOrder,
    ConfirmDelivery,
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
    ShipOrder,
)  # fmt: skip
from eslab.events import History, record

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


def unmade(branch, timeline):
    """Its code makes it again."""
    namespace = {"timeline": timeline}
    exec(branch.to_code(), namespace)
    assert namespace["branch"].history == branch.history
    assert namespace["branch"].rows == branch.rows
    assert [step.state for step in namespace["branch"]] == [step.state for step in branch]
