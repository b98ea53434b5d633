"""The exercises of notebook 13, ask what if."""

from __future__ import annotations

import datetime as dt
from typing import Any

from eslab.course.exercises import Exercise, Mistake
from eslab.course.trying import Answer, trying
from eslab.domains.bank import (
    AccountClosed,
    AccountOpened,
    CloseAccount,
    DepositMoney,
    MoneyDeposited,
    MoneyWithdrawn,
    OpenAccount,
    WithdrawMoney,
)
from eslab.domains.orders import (
    HANDLERS,
    CancelOrder,
    Line,
    OrderCancelled,
    OrderPaid,
    OrderPlaced,
    OrderRefunded,
    OrderShipped,
)
from eslab.errors import InvalidPayload
from eslab.events import record
from eslab.testing import given

NOON = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)


def _parts_after(parts_after: Answer) -> None:
    opened, hundred, thirty, fifty = AccountOpened("Ada"), MoneyDeposited(100), MoneyWithdrawn(30), MoneyDeposited(50)
    one, other = [opened, hundred, thirty, fifty, thirty], [opened, hundred, fifty, fifty, thirty]
    tried = "two lists of five events, of which only the third ones differ"
    trying(parts_after, one, other, tried=tried).gives(2, slips={4: "all that agree", 3: "the first that differs"})
    errors = {IndexError: "one ends first", StopIteration: "one ends first"}
    tried = "a list of three events, and the same list with two more behind"
    trial = trying(parts_after, one[:3], one, tried=tried)
    trial.gives(3, slips={None: "never part", **errors, 2: "the first that differs"})
    trying(parts_after, one, one[:3], tried=tried + ", given the other way round").gives(3, slips=errors)
    trying(parts_after, one, list(one), tried="a list of five events and its copy").gives(5, slips={None: "never part"})
    trying(parts_after, [], one, tried="a list without events, and one of five").gives(0, slips=errors)


def _bank_wish_of(bank_wish_of: Answer) -> None:
    cases: tuple[tuple[Any, Any, dict[Any, str]], ...] = (
        (AccountOpened("Ada"), OpenAccount("7", "Ada"), {OpenAccount("account-7", "Ada"): "the stream"}),
        (MoneyDeposited(50), DepositMoney("7", 50), {DepositMoney("account-7", 50): "the stream"}),
        (MoneyWithdrawn(20), WithdrawMoney("7", 20), {DepositMoney("7", 20): "paid in"}),
        (AccountClosed(), CloseAccount("7"), {None: "closing"}),
    )
    for version, (event, wish, slips) in enumerate(cases, 1):
        recorded = record(event, stream="account-7", version=version, position=version, recorded_at=NOON)
        slips = {event: "the fact", AttributeError: "no payload", **slips}
        trying(bank_wish_of, recorded, tried=f"bank_wish_of({recorded!r})").gives(wish, slips=slips)


def _cancelled(handler: Any, *events: Any) -> Any:
    """The events that follow, or in a word why there are none."""
    scenario = given(HANDLERS | {CancelOrder: handler()}, *events).when(CancelOrder("7", "out of stock"))
    if isinstance(scenario.refusal, InvalidPayload):
        return "no list of events"
    return "refused" if scenario.refusal else scenario.found


def _cancel_and_refund(handler: Answer) -> None:
    placed, paid = OrderPlaced("Ada", (Line("ELEGANT-LAMP", 1, 4990),)), OrderPaid(4990)
    cancelled, refunded = OrderCancelled("out of stock"), OrderRefunded(4990)
    slips: dict[Any, str] = {"no list of events": "gives nothing", "refused": "in this order", (cancelled,): "no money"}
    trial = trying(_cancelled, handler, placed, paid, tried="an order is placed and paid, and is now cancelled")
    trial.gives([cancelled, refunded], slips={**slips, (refunded,): "no cancelling", (refunded, cancelled): "first"})
    slips = {"refused": "nothing was paid", (cancelled, OrderRefunded(0)): "of nothing"}
    trial = trying(_cancelled, handler, placed, tried="an order is placed, not paid, and is now cancelled")
    trial.gives([cancelled], slips={**slips, (cancelled, refunded): "not asked for"})
    tried = "an order is placed, paid and on its way, and is now to be cancelled"
    trying(_cancelled, handler, placed, paid, OrderShipped("bicycle"), tried=tried).gives(
        "refused", slips={(cancelled, refunded): "asks nobody"}
    )


EXERCISES = (
    Exercise.prediction(
        "13.1",
        "The account without its deposit",
        answer=-50,
        slips={
            30: "You let the bank refuse the withdrawal. Is there a bank in `evolve`, or only adding up?",
            50: "That is the account as it was. Which of the four facts is left out?",
            130: "The deposit of 30 is there. Is the withdrawal of 80 gone too?",
            0: "Does a fold stop at nothing? Look at what `apply` does with a withdrawal.",
            -80: "One more event comes after the withdrawal.",
        },
        hints=(
            "Three facts are left. Add them up, one line for each.",
            "A fold does not ask whether a fact was allowed; it applies it.",
        ),
        solution="prediction = 30 - 80",
        why="A fold applies the facts that it is given; whether they could have happened is not its question.",
        difficulty=1,
    ),
    Exercise(
        "13.2",
        "Where two lines part",
        kind="function",
        difficulty=2,
        start="""
            def parts_after(one, other):
                ...
        """,
        check=_parts_after,
        mistakes={
            "all that agree": Mistake(
                hint="Two events agree again later, and they were counted too. Stop where the lines part.",
                code="""
                    def parts_after(one, other):
                        return sum(a == b for a, b in zip(one, other))
                """,
            ),
            "the first that differs": Mistake(
                hint="That is the number of the first event that is not shared. How many come before it?",
                code="""
                    def parts_after(one, other):
                        for number, (a, b) in enumerate(zip(one, other), 1):
                            if a != b:
                                return number
                        return min(len(one), len(other))
                """,
            ),
            "one ends first": Mistake(
                hint="One of the lines may be over while the other goes on. What is there to compare then?",
                code="""
                    def parts_after(one, other):
                        shared = 0
                        while one[shared] == other[shared]:
                            shared += 1
                        return shared
                """,
            ),
            "never part": Mistake(
                hint="Nothing was said where no difference was found. How many events are shared then?",
                code="""
                    def parts_after(one, other):
                        for shared, (a, b) in enumerate(zip(one, other)):
                            if a != b:
                                return shared
                """,
            ),
        },
        hints=(
            "`zip(one, other)` gives the events in pairs, as long as both lists have one.",
            "Count the pairs, and leave the loop at the first pair that is not equal.",
        ),
        solution="""
            def parts_after(one, other):
                shared = 0
                for before, after in zip(one, other):
                    if before != after:
                        break
                    shared += 1
                return shared
        """,
        why="Up to where the lines part nothing has changed, so every difference comes from what lies behind it.",
    ),
    Exercise(
        "13.3",
        "The wishes of the bank",
        kind="function",
        difficulty=3,
        start="""
            def bank_wish_of(recorded):
                ...
        """,
        check=_bank_wish_of,
        mistakes={
            "the stream": Mistake(
                hint="The wish names the account by its id alone. What you gave is the name of the whole stream.",
                code="""
                    from eslab.domains.bank import AccountOpened, MoneyDeposited, MoneyWithdrawn
                    from eslab.domains.bank import CloseAccount, DepositMoney, OpenAccount, WithdrawMoney

                    def bank_wish_of(recorded):
                        match recorded.payload:
                            case AccountOpened(owner):
                                return OpenAccount(recorded.stream, owner)
                            case MoneyDeposited(amount):
                                return DepositMoney(recorded.stream, amount)
                            case MoneyWithdrawn(amount):
                                return WithdrawMoney(recorded.stream, amount)
                        return CloseAccount(recorded.stream)
                """,
            ),
            "the fact": Mistake(
                hint="That is the fact itself, in the past tense. What had somebody asked for, in the imperative?",
                code="""
                    def bank_wish_of(recorded):
                        return recorded.payload
                """,
            ),
            "no payload": Mistake(
                hint="A recorded event is an envelope. Owner and amount are in its payload, the account in its stream.",
                code="""
                    from eslab.domains.bank import OpenAccount

                    def bank_wish_of(recorded):
                        return OpenAccount(recorded.aggregate_id, recorded.owner)
                """,
            ),
            "paid in": Mistake(
                hint="A withdrawal came out as the wish to pay in. Not every event with an amount is a deposit.",
                code="""
                    from eslab.domains.bank import AccountClosed, AccountOpened
                    from eslab.domains.bank import CloseAccount, DepositMoney, OpenAccount

                    def bank_wish_of(recorded):
                        match recorded.payload:
                            case AccountOpened(owner):
                                return OpenAccount(recorded.aggregate_id, owner)
                            case AccountClosed():
                                return CloseAccount(recorded.aggregate_id)
                        return DepositMoney(recorded.aggregate_id, recorded.payload.amount)
                """,
            ),
            "closing": Mistake(
                hint="One kind of event has no wish yet. How does the life of an account end?",
                code="""
                    from eslab.domains.bank import AccountOpened, MoneyDeposited, MoneyWithdrawn
                    from eslab.domains.bank import DepositMoney, OpenAccount, WithdrawMoney

                    def bank_wish_of(recorded):
                        account = recorded.aggregate_id
                        match recorded.payload:
                            case AccountOpened(owner):
                                return OpenAccount(account, owner)
                            case MoneyDeposited(amount):
                                return DepositMoney(account, amount)
                            case MoneyWithdrawn(amount):
                                return WithdrawMoney(account, amount)
                """,
            ),
        },
        hints=(
            "A `match` on the payload tells the four kinds apart; each has one command that leads to it.",
            "`recorded.aggregate_id` is the id of the account, and every command has it first.",
        ),
        solution="""
            from eslab.domains.bank import AccountClosed, AccountOpened, MoneyDeposited, MoneyWithdrawn
            from eslab.domains.bank import CloseAccount, DepositMoney, OpenAccount, WithdrawMoney

            def bank_wish_of(recorded):
                account = recorded.aggregate_id
                match recorded.payload:
                    case AccountOpened(owner):
                        return OpenAccount(account, owner)
                    case MoneyDeposited(amount):
                        return DepositMoney(account, amount)
                    case MoneyWithdrawn(amount):
                        return WithdrawMoney(account, amount)
                    case AccountClosed():
                        return CloseAccount(account)
        """,
        why="Who can say which wish led to each event can put all of them to other rules.",
    ),
    Exercise(
        "13.4",
        "A kinder rule",
        kind="class",
        difficulty=4,
        start="""
            from eslab.domains.orders import CancelOrderHandler

            class CancelAndRefund(CancelOrderHandler):
                def handle(self, command, order):
                    ...
        """,
        check=_cancel_and_refund,
        mistakes={
            "gives nothing": Mistake(
                hint="The order has decided, but nobody learns of it. What does every handler return?",
                code="""
                    from eslab.domains.orders import CancelOrderHandler

                    class CancelAndRefund(CancelOrderHandler):
                        def handle(self, command, order):
                            order.cancel(command.reason)
                            if order.paid_cents:
                                order.refund()
                """,
            ),
            "no money": Mistake(
                hint="The order is cancelled, and the shop keeps the money.",
                code="""
                    from eslab.domains.orders import CancelOrderHandler

                    class CancelAndRefund(CancelOrderHandler):
                        def handle(self, command, order):
                            order.cancel(command.reason)
                            return order.pending
                """,
            ),
            "no cancelling": Mistake(
                hint="The money went back, but is the order cancelled?",
                code="""
                    from eslab.domains.orders import CancelOrderHandler, OrderRefunded

                    class CancelAndRefund(CancelOrderHandler):
                        def handle(self, command, order):
                            return [OrderRefunded(order.paid_cents)]
                """,
            ),
            "first": Mistake(
                hint="Both events are there. Which of them happens before the other?",
                code="""
                    from eslab.domains.orders import CancelOrderHandler, OrderCancelled, OrderRefunded

                    class CancelAndRefund(CancelOrderHandler):
                        def handle(self, command, order):
                            return [OrderRefunded(order.paid_cents), OrderCancelled(command.reason)]
                """,
            ),
            "in this order": Mistake(
                hint="The order refused. In which status does an order give money back?",
                code="""
                    from eslab.domains.orders import CancelOrderHandler

                    class CancelAndRefund(CancelOrderHandler):
                        def handle(self, command, order):
                            order.refund()
                            order.cancel(command.reason)
                            return order.pending
                """,
            ),
            "nothing was paid": Mistake(
                hint="Cancelling is refused as long as nobody has paid. When is there something to give back?",
                code="""
                    from eslab.domains.orders import CancelOrderHandler

                    class CancelAndRefund(CancelOrderHandler):
                        def handle(self, command, order):
                            order.cancel(command.reason)
                            order.refund()
                            return order.pending
                """,
            ),
            "of nothing": Mistake(
                hint="A refund of no money at all was recorded. Did it happen?",
                code="""
                    from eslab.domains.orders import CancelOrderHandler, OrderRefunded

                    class CancelAndRefund(CancelOrderHandler):
                        def handle(self, command, order):
                            order.cancel(command.reason)
                            return [*order.pending, OrderRefunded(order.paid_cents)]
                """,
            ),
            "not asked for": Mistake(
                hint="More went back than had come in. What the order costs is not what was paid for it.",
                code="""
                    from eslab.domains.orders import CancelOrderHandler, OrderRefunded

                    class CancelAndRefund(CancelOrderHandler):
                        def handle(self, command, order):
                            order.cancel(command.reason)
                            return [*order.pending, OrderRefunded(order.total_cents)]
                """,
            ),
            "asks nobody": Mistake(
                hint="An order on its way was cancelled. These events were written without asking the order.",
                code="""
                    from eslab.domains.orders import CancelOrderHandler, OrderCancelled, OrderRefunded

                    class CancelAndRefund(CancelOrderHandler):
                        def handle(self, command, order):
                            refund = [OrderRefunded(order.paid_cents)] if order.paid_cents else []
                            return [OrderCancelled(command.reason), *refund]
                """,
            ),
        },
        hints=(
            "`order.cancel(...)` and `order.refund()` are there; each of them decides, and emits an event.",
            "`order.paid_cents` is 0 where nobody has paid. The handler returns `order.pending`.",
        ),
        solution="""
            from eslab.domains.orders import CancelOrderHandler

            class CancelAndRefund(CancelOrderHandler):
                def handle(self, command, order):
                    order.cancel(command.reason)
                    if order.paid_cents:
                        order.refund()
                    return order.pending
        """,
        why="A new rule is tried on two years of real wishes before the first customer meets it.",
    ),
)
