"""The shop: orders that are placed, paid, shipped and delivered, or cancelled, returned and refunded.

Amounts are cents of a euro. `OrderPlaced` has had three schema generations, and the log holds all of them.
"""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar, Literal

from eslab.aggregates import Aggregate, unhandled
from eslab.commands import CommandHandler, command
from eslab.errors import CommandRefused, InvalidCommand
from eslab.events import Recorded, event, upcaster
from eslab.projections import Projection, SqliteProjection

# --- events ---------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Line:
    product: str
    quantity: int
    price_cents: int


@event(name="orders.OrderPlaced", version=3)
class OrderPlaced:
    customer: str
    lines: tuple[Line, ...]

    @staticmethod
    @upcaster(1)
    def euros_as_text_become_cents(payload: dict[str, Any]) -> dict[str, Any]:
        euros, _, cents = payload.pop("price").partition(".")
        return {**payload, "price_cents": 100 * int(euros) + int(cents)}

    @staticmethod
    @upcaster(2)
    def one_product_becomes_lines(payload: dict[str, Any]) -> dict[str, Any]:
        line = {"product": payload["product"], "quantity": 1, "price_cents": payload["price_cents"]}
        return {"customer": payload["customer"], "lines": [line]}


@event(name="orders.OrderPaid")
class OrderPaid:
    amount_cents: int


@event(name="orders.OrderShipped")
class OrderShipped:
    carrier: str


@event(name="orders.OrderDelivered")
class OrderDelivered:
    pass


@event(name="orders.OrderCancelled")
class OrderCancelled:
    reason: str


@event(name="orders.OrderReturned")
class OrderReturned:
    reason: str


@event(name="orders.OrderRefunded")
class OrderRefunded:
    amount_cents: int


# --- commands -------------------------------------------------------------------------------------------------------


@command
class PlaceOrder:
    order_id: str
    customer: str
    lines: tuple[Line, ...]


@command
class PayOrder:
    order_id: str
    amount_cents: int


@command
class ShipOrder:
    order_id: str
    carrier: str


@command
class ConfirmDelivery:
    order_id: str


@command
class CancelOrder:
    order_id: str
    reason: str


@command
class ReturnOrder:
    order_id: str
    reason: str


@command
class RefundOrder:
    order_id: str


# --- state and decisions --------------------------------------------------------------------------------------------

Status = Literal["new", "placed", "paid", "shipped", "delivered", "cancelled", "returned", "refunded"]


class Order(Aggregate):
    """One order, from the wish to have it to the money back."""

    def __init__(self) -> None:
        self.status: Status = "new"
        self.customer = ""
        self.total_cents = 0
        self.paid_cents = 0

    def apply(self, event: Any) -> None:
        match event:
            case OrderPlaced(customer, lines):
                self.status, self.customer, self.total_cents = "placed", customer, total_cents(lines)
            case OrderPaid(amount_cents):
                self.status, self.paid_cents = "paid", amount_cents
            case OrderShipped():
                self.status = "shipped"
            case OrderDelivered():
                self.status = "delivered"
            case OrderCancelled():
                self.status = "cancelled"
            case OrderReturned():
                self.status = "returned"
            case OrderRefunded(amount_cents):
                self.status, self.paid_cents = "refunded", self.paid_cents - amount_cents
            case _:
                raise unhandled(self, event)

    def place(self, customer: str, lines: tuple[Line, ...]) -> None:
        self.must_be("new")
        self.emit(OrderPlaced(customer, lines))

    def pay(self, amount_cents: int) -> None:
        self.must_be("placed")
        if amount_cents != self.total_cents:
            raise CommandRefused(
                f"{amount_cents} cents were paid, expected {self.total_cents}: pay the whole order at once"
            )
        self.emit(OrderPaid(amount_cents))

    def ship(self, carrier: str) -> None:
        self.must_be("paid")
        self.emit(OrderShipped(carrier))

    def confirm_delivery(self) -> None:
        self.must_be("shipped")
        self.emit(OrderDelivered())

    def cancel(self, reason: str) -> None:
        self.must_be("placed", "paid")
        self.emit(OrderCancelled(reason))

    def take_back(self, reason: str) -> None:
        self.must_be("delivered")
        self.emit(OrderReturned(reason))

    def refund(self) -> None:
        self.must_be("cancelled", "returned")
        if not self.paid_cents:
            raise CommandRefused("nothing was paid, expected a payment to refund: leave the order as it is")
        self.emit(OrderRefunded(self.paid_cents))

    def must_be(self, *allowed: Status) -> None:
        if self.status not in allowed:
            raise CommandRefused(
                f"the order is {self.status}, expected {' or '.join(allowed)}: look at its events, then wish again"
            )


def total_cents(lines: tuple[Line, ...]) -> int:
    return sum(line.quantity * line.price_cents for line in lines)


# --- handlers -------------------------------------------------------------------------------------------------------


class OrderHandler(CommandHandler[Any, Order]):
    fold = Order

    def stream(self, command: Any) -> str:
        return f"order-{command.order_id}"


class PlaceOrderHandler(OrderHandler):
    def validate(self, command: PlaceOrder) -> None:
        if not command.lines or any(line.quantity < 1 or line.price_cents < 0 for line in command.lines):
            raise InvalidCommand(
                f"lines are {command.lines}, expected at least one, each with a quantity of 1 or more: correct them"
            )

    def handle(self, command: PlaceOrder, order: Order) -> tuple[Any, ...]:
        order.place(command.customer, command.lines)
        return order.pending


class PayOrderHandler(OrderHandler):
    def handle(self, command: PayOrder, order: Order) -> tuple[Any, ...]:
        order.pay(command.amount_cents)
        return order.pending


class ShipOrderHandler(OrderHandler):
    def handle(self, command: ShipOrder, order: Order) -> tuple[Any, ...]:
        order.ship(command.carrier)
        return order.pending


class ConfirmDeliveryHandler(OrderHandler):
    def handle(self, command: ConfirmDelivery, order: Order) -> tuple[Any, ...]:
        order.confirm_delivery()
        return order.pending


class CancelOrderHandler(OrderHandler):
    def handle(self, command: CancelOrder, order: Order) -> tuple[Any, ...]:
        order.cancel(command.reason)
        return order.pending


class ReturnOrderHandler(OrderHandler):
    def handle(self, command: ReturnOrder, order: Order) -> tuple[Any, ...]:
        order.take_back(command.reason)
        return order.pending


class RefundOrderHandler(OrderHandler):
    def handle(self, command: RefundOrder, order: Order) -> tuple[Any, ...]:
        order.refund()
        return order.pending


HANDLERS = {
    PlaceOrder: PlaceOrderHandler(),
    PayOrder: PayOrderHandler(),
    ShipOrder: ShipOrderHandler(),
    ConfirmDelivery: ConfirmDeliveryHandler(),
    CancelOrder: CancelOrderHandler(),
    ReturnOrder: ReturnOrderHandler(),
    RefundOrder: RefundOrderHandler(),
}

# --- projections: three questions to one log ------------------------------------------------------------------------


class OrderBoard(Projection):
    """Where is every order? A dict of the status by stream."""

    statuses: ClassVar[dict[type, str]] = {
        OrderPlaced: "placed", OrderPaid: "paid", OrderShipped: "shipped", OrderDelivered: "delivered",
        OrderCancelled: "cancelled", OrderReturned: "returned", OrderRefunded: "refunded",
    }  # fmt: skip

    def evolve(self, board: dict[str, str], recorded: Recorded, /) -> dict[str, str]:
        board[recorded.stream] = self.statuses[type(recorded.payload)]
        return board


class Revenue(Projection):
    """What came in and what went back? A dict by day (UTC, ISO) of cents paid and refunded."""

    types = (OrderPaid, OrderRefunded)

    def evolve(self, days: dict[str, dict[str, int]], recorded: Recorded, /) -> dict[str, dict[str, int]]:
        day = days.setdefault(recorded.occurred_at.date().isoformat(), {"paid_cents": 0, "refunded_cents": 0})
        match recorded.payload:
            case OrderPaid(amount_cents):
                day["paid_cents"] += amount_cents
            case OrderRefunded(amount_cents):
                day["refunded_cents"] += amount_cents
        return days


class Sales(SqliteProjection):
    """What sells? A table in SQLite: product, units sold, cents taken."""

    types = (OrderPlaced,)
    tables: ClassVar[dict[str, str]] = {
        "sales": "CREATE TABLE sales (product TEXT PRIMARY KEY, units INTEGER NOT NULL, cents INTEGER NOT NULL)"
    }
    upsert = """INSERT INTO sales VALUES (:product, :units, :cents)
                ON CONFLICT (product) DO UPDATE SET units = units + :units, cents = cents + :cents"""

    def evolve(self, db: Any, recorded: Recorded, /) -> Any:
        for line in recorded.payload.lines:
            values = {"product": line.product, "units": line.quantity, "cents": line.quantity * line.price_cents}
            db.execute(self.upsert, values)
        return db
