"""The shop: what may happen to an order, three generations of one event, and three questions to one log."""

import pytest

from eslab import InvalidCommand, MemoryStore, Projector
from eslab.domains.made_up import orders as generate
from eslab.domains.orders import (
    HANDLERS,
    CancelOrder,
    ConfirmDelivery,
    Line,
    Order,
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
    Sales,
    ShipOrder,
    total_cents,
)  # fmt: skip
from eslab.testing import given

LINES = (Line("ELEGANT-LAMP", 2, 4990), Line("BLUE-VASE", 1, 1995))
PLACED, PAID, SHIPPED = OrderPlaced("Ada", LINES), OrderPaid(11975), OrderShipped("bicycle")
DELIVERED, CANCELLED, RETURNED = OrderDelivered(), OrderCancelled("too late"), OrderReturned("broken")
LIVES = {
    "new": (),
    "placed": (PLACED,),
    "paid": (PLACED, PAID),
    "shipped": (PLACED, PAID, SHIPPED),
    "delivered": (PLACED, PAID, SHIPPED, DELIVERED),
    "cancelled": (PLACED, PAID, CANCELLED),
    "returned": (PLACED, PAID, SHIPPED, DELIVERED, RETURNED),
    "refunded": (PLACED, PAID, SHIPPED, DELIVERED, RETURNED, OrderRefunded(11975)),
}
ALLOWED = {
    PlaceOrder("7", "Ada", LINES): {"new": PLACED},
    PayOrder("7", 11975): {"placed": PAID},
    ShipOrder("7", "bicycle"): {"paid": SHIPPED},
    ConfirmDelivery("7"): {"shipped": DELIVERED},
    CancelOrder("7", "too late"): {"placed": CANCELLED, "paid": CANCELLED},
    ReturnOrder("7", "broken"): {"delivered": RETURNED},
    RefundOrder("7"): {"returned": OrderRefunded(11975), "cancelled": OrderRefunded(11975)},
}


@pytest.mark.parametrize("status", LIVES)
@pytest.mark.parametrize("wish", ALLOWED, ids=lambda wish: type(wish).__name__)
def test_what_may_happen_to_an_order_follows_from_where_it_is(wish, status):
    scenario = given(HANDLERS, *LIVES[status]).when(wish)
    if status in ALLOWED[wish]:
        scenario.then(ALLOWED[wish][status])
    else:
        scenario.refused(because=f"the order is {status}, expected")


def test_an_order_is_paid_whole():
    given(HANDLERS, PLACED).when(PayOrder("7", 11974)).refused(because="11974 cents were paid, expected 11975")


def test_what_was_never_paid_is_not_refunded():
    given(HANDLERS, PLACED, CANCELLED).when(RefundOrder("7")).refused(because="nothing was paid")


@pytest.mark.parametrize("lines", [(), (Line("BLUE-VASE", 0, 1995),), (Line("BLUE-VASE", 1, -1),)], ids=repr)
def test_an_order_has_lines_with_a_quantity(lines):
    given(HANDLERS).when(PlaceOrder("7", "Ada", lines)).refused(InvalidCommand, because="expected at least one")


@pytest.fixture(scope="module")
def shop():
    store = MemoryStore()
    store.copy(generate())
    return store


def test_three_generations_of_one_event_lie_in_one_log(shop):
    placed = list(shop.read(types=[OrderPlaced]))
    assert {recorded.schema_version for recorded in placed} == {1, 2, 3}
    assert {type(recorded.payload) for recorded in placed} == {OrderPlaced}
    first = {n: next(one for one in placed if one.schema_version == n) for n in (1, 2)}
    euros, cents = first[1].data["price"], first[2].data["price_cents"]
    assert f"{first[1].payload.lines[0].price_cents / 100:.2f}" == euros
    assert first[2].payload.lines[0].price_cents == cents


def test_the_board_says_of_every_order_where_it_is(shop):
    board = Projector(shop, OrderBoard())
    board.catch_up()
    assert len(board.state) == 240
    assert board.state == {stream: Order.replay(shop.load(stream)).status for stream in board.state}


def test_the_revenue_of_all_days_is_what_is_still_paid_on_all_orders(shop):
    revenue = Projector(shop, Revenue())
    revenue.catch_up()
    streams = {recorded.stream for recorded in shop.read()}
    kept = sum(Order.replay(shop.load(stream)).paid_cents for stream in streams)
    assert sum(day["paid_cents"] - day["refunded_cents"] for day in revenue.state.values()) == kept > 0


def test_the_sales_table_holds_every_line_that_was_ordered(shop, tmp_path):
    sales = Projector(shop, Sales(str(tmp_path / "sales.db")))
    sales.catch_up()
    ordered = [line for recorded in shop.read(types=[OrderPlaced]) for line in recorded.payload.lines]
    found = sales.state.execute("SELECT sum(units), sum(cents), count(*) FROM sales").fetchone()
    assert found == (sum(line.quantity for line in ordered), total_cents(tuple(ordered)), 5)
