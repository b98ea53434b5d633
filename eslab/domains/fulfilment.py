"""The way of an order, from the wish to the door, or back to the money: a process over payment, carriers and post.

The shop of `eslab.domains.orders` decides what may happen to an order; here is who sees to it that it does. A payment
that is declined, or not answered twice for half an hour, cancels the order; a carrier that refuses is followed by the
next; what cannot be shipped, or comes back, is paid back.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterator
from typing import Any, ClassVar, Literal

from eslab.aggregates import Decider, unhandled
from eslab.commands import CommandHandler, command
from eslab.domains import orders
from eslab.events import Recorded, event
from eslab.processes import Later, ProcessManager, Reactor, message

CARRIERS = ("bicycle", "van")
"""Who is asked to carry an order, in this order."""
PATIENCE = dt.timedelta(minutes=30)
"""How long an answer about a payment is waited for; then it is asked for again, once."""
MOST_ATTEMPTS = 2

# --- events: what the process has decided -----------------------------------------------------------------------------


@event(name="fulfilment.PaymentRequested")
class PaymentRequested:
    amount_cents: int
    attempt: int


@event(name="fulfilment.PaymentReceived")
class PaymentReceived:
    amount_cents: int


@event(name="fulfilment.OrderGivenUp")
class OrderGivenUp:
    reason: str


@event(name="fulfilment.ShipmentRequested")
class ShipmentRequested:
    carrier: str


@event(name="fulfilment.ShipmentAccepted")
class ShipmentAccepted:
    carrier: str


@event(name="fulfilment.ShipmentCalledOff")
class ShipmentCalledOff:
    carrier: str


@event(name="fulfilment.FulfilmentStopped")
class FulfilmentStopped:
    pass


@event(name="fulfilment.RefundRequested")
class RefundRequested:
    amount_cents: int


@event(name="fulfilment.RefundSent")
class RefundSent:
    amount_cents: int
    booked: bool
    """Whether the order knows of the payment that goes back."""


# --- commands: what the process hears ---------------------------------------------------------------------------------


@command
class StartFulfilment:
    order_id: str
    amount_cents: int


@command
class AcceptPayment:
    order_id: str


@command
class DeclinePayment:
    order_id: str
    reason: str


@command
class CheckPayment:
    order_id: str
    attempt: int


@command
class ArrangeShipment:
    order_id: str


@command
class AcceptShipment:
    order_id: str
    carrier: str


@command
class RefuseShipment:
    order_id: str
    carrier: str
    reason: str


@command
class StopFulfilment:
    order_id: str


@command
class ReturnMoney:
    order_id: str


@command
class ConfirmRefund:
    order_id: str


# --- messages: what is asked of others --------------------------------------------------------------------------------


@message
class AskPayment:  # asked again, it means the same payment: the money of an order is taken once
    order_id: str
    amount_cents: int


@message
class AskCarrier:
    order_id: str
    carrier: str


@message
class CallOffCarrier:
    order_id: str
    carrier: str


@message
class AskRefund:
    order_id: str
    amount_cents: int


@message
class SendMail:
    order_id: str
    subject: str


# --- state and decisions ----------------------------------------------------------------------------------------------

Status = Literal["new", "paying", "paid", "shipping", "shipped", "stopped", "refunding", "refunded"]
OVER = ("stopped", "refunding", "refunded")


@dataclasses.dataclass(frozen=True)
class Progress:
    """How far the process of one order has come."""

    status: Status = "new"
    amount_cents: int = 0
    attempt: int = 0
    held_cents: int = 0
    carrier: str = ""


def evolve(progress: Progress, event: Any) -> Progress:
    match event:
        case PaymentRequested(amount_cents, attempt):
            return dataclasses.replace(progress, status="paying", amount_cents=amount_cents, attempt=attempt)
        case PaymentReceived(amount_cents):
            return dataclasses.replace(progress, status="paid", held_cents=amount_cents)
        case ShipmentRequested(carrier):
            return dataclasses.replace(progress, status="shipping", carrier=carrier)
        case ShipmentAccepted():
            return dataclasses.replace(progress, status="shipped")
        case OrderGivenUp() | FulfilmentStopped():
            return dataclasses.replace(progress, status="stopped")
        case ShipmentCalledOff():
            return progress
        case RefundRequested():
            return dataclasses.replace(progress, status="refunding", held_cents=0)
        case RefundSent():
            return dataclasses.replace(progress, status="refunded")
    raise unhandled("the process", event)


def decide(command: Any, now: Progress) -> list[Any]:
    """What follows from what was heard; nothing, if it comes again, or too late to make a difference."""
    return about_payment(command, now) or about_shipment(command, now) or about_ending(command, now)


def about_payment(command: Any, now: Progress) -> list[Any]:
    paying = now.status == "paying"
    match command:
        case StartFulfilment(_, amount_cents) if now.status == "new":
            return [PaymentRequested(amount_cents, attempt=1)]
        case AcceptPayment() if paying:
            return [PaymentReceived(now.amount_cents)]
        case AcceptPayment() if now.status == "stopped":  # too late: the money is there, the order is not
            return [RefundRequested(now.amount_cents)]
        case DeclinePayment(_, reason) if paying:
            return [OrderGivenUp(reason)]
        case CheckPayment(_, attempt) if paying and attempt == now.attempt:
            again = attempt < MOST_ATTEMPTS
            return [PaymentRequested(now.amount_cents, attempt + 1) if again else OrderGivenUp("no answer")]
    return []


def about_shipment(command: Any, now: Progress) -> list[Any]:
    shipping = now.status == "shipping"
    match command:
        case ArrangeShipment() if now.status == "paid":
            return [ShipmentRequested(CARRIERS[0])]
        case AcceptShipment(_, carrier) if shipping and carrier == now.carrier:
            return [ShipmentAccepted(carrier)]
        case AcceptShipment(_, carrier) if now.status in OVER:
            return [ShipmentCalledOff(carrier)]
        case RefuseShipment(_, carrier, reason) if shipping and carrier == now.carrier:
            others = CARRIERS[CARRIERS.index(carrier) + 1 :]
            return [ShipmentRequested(others[0]) if others else OrderGivenUp(reason)]
    return []


def about_ending(command: Any, now: Progress) -> list[Any]:
    paid_back = [RefundRequested(now.held_cents)] if now.held_cents else []
    match command:
        case StopFulfilment():
            called_off = [ShipmentCalledOff(now.carrier)] if now.status == "shipped" else []
            stopped = [] if now.status in OVER else [FulfilmentStopped()]
            return [*called_off, *stopped, *paid_back]
        case ReturnMoney():
            return paid_back
        case ConfirmRefund() if now.status == "refunding":
            return [RefundSent(now.amount_cents, booked=now.carrier != "")]
    return []


DECIDER = Decider(initial_state=Progress(), decide=decide, evolve=evolve, category="fulfilment")

# --- handlers ---------------------------------------------------------------------------------------------------------


class FulfilmentHandler(CommandHandler[Any, Progress]):
    fold = DECIDER

    def stream(self, command: Any) -> str:
        return f"fulfilment-{command.order_id}"

    def handle(self, command: Any, progress: Progress) -> list[Any]:
        return DECIDER.decide(command, progress)


HANDLERS = {
    StartFulfilment: FulfilmentHandler(),
    AcceptPayment: FulfilmentHandler(),
    DeclinePayment: FulfilmentHandler(),
    CheckPayment: FulfilmentHandler(),
    ArrangeShipment: FulfilmentHandler(),
    AcceptShipment: FulfilmentHandler(),
    RefuseShipment: FulfilmentHandler(),
    StopFulfilment: FulfilmentHandler(),
    ReturnMoney: FulfilmentHandler(),
    ConfirmRefund: FulfilmentHandler(),
}

# --- the process, and a reactor ---------------------------------------------------------------------------------------


class Fulfilment(ProcessManager):
    """Hears what happens to an order, and asks for what is to follow from its own decisions."""

    memory = DECIDER
    categories = ("order", "fulfilment")
    sends = (
        *HANDLERS, orders.PayOrder, orders.ShipOrder, orders.CancelOrder, orders.RefundOrder,
        AskPayment, AskCarrier, CallOffCarrier, AskRefund,
    )  # fmt: skip

    def hear(self, recorded: Recorded, /) -> Iterator[Any]:
        order_id = recorded.aggregate_id
        match recorded.payload:
            case orders.OrderPlaced(_, lines):
                yield StartFulfilment(order_id, orders.total_cents(lines))
            case orders.OrderPaid():
                yield ArrangeShipment(order_id)
            case orders.OrderCancelled():
                yield StopFulfilment(order_id)
            case orders.OrderReturned():
                yield ReturnMoney(order_id)

    def ask(self, recorded: Recorded, /) -> Iterator[Any]:
        order_id = recorded.aggregate_id
        match recorded.payload:
            case PaymentRequested(amount_cents, attempt):
                yield AskPayment(order_id, amount_cents)
                yield Later(CheckPayment(order_id, attempt), after=PATIENCE)
            case PaymentReceived(amount_cents):
                yield orders.PayOrder(order_id, amount_cents)
            case ShipmentRequested(carrier):
                yield AskCarrier(order_id, carrier)
            case ShipmentAccepted(carrier):
                yield orders.ShipOrder(order_id, carrier)
            case ShipmentCalledOff(carrier):
                yield CallOffCarrier(order_id, carrier)
            case OrderGivenUp(reason):
                yield orders.CancelOrder(order_id, reason)
            case RefundRequested(amount_cents):
                yield AskRefund(order_id, amount_cents)
            case RefundSent(_, booked) if booked:
                yield orders.RefundOrder(order_id)


class Mails(Reactor):
    """Tells the customer of every step of an order."""

    sends = (SendMail,)
    subjects: ClassVar[dict[type, str]] = {
        orders.OrderPlaced: "Thank you for your order",
        orders.OrderPaid: "We have your money",
        orders.OrderShipped: "It is on its way",
        orders.OrderDelivered: "It has arrived",
        orders.OrderCancelled: "Your order is cancelled",
        orders.OrderRefunded: "You have your money back",
    }
    types = tuple(subjects)

    def react(self, recorded: Recorded, /) -> list[SendMail]:
        return [SendMail(recorded.aggregate_id, self.subjects[type(recorded.payload)])]
