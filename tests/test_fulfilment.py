"""The way of an order: paid, shipped, delivered; declined, refused, cancelled, returned; and with crashes all along."""

import itertools

import pytest
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st

from eslab.domains import fulfilment
from eslab.domains.fulfilment import (
    HANDLERS,
    AcceptPayment,
    AcceptShipment,
    CheckPayment,
    FulfilmentStopped,
    OrderGivenUp,
    PaymentReceived,
    PaymentRequested,
    RefundRequested,
    ShipmentAccepted,
    ShipmentCalledOff,
    ShipmentRequested,
    StopFulfilment,
)  # fmt: skip
from eslab.domains.orders import CancelOrder, ConfirmDelivery, Line, Order, PlaceOrder, ReturnOrder
from eslab.domains.services import Carriers, Hands, Payments, Post, shop, words
from eslab.errors import CommandRefused
from eslab.events import History
from eslab.processes import Delivery
from eslab.processes.courier import Courier
from eslab.processes.outbox import Outbox
from eslab.projections.sqlite import SqliteTables
from eslab.testing import FakeStore, check_wiring, given

LAMP = (Line("ELEGANT-LAMP", 1, 4990),)


class Shop:
    """A shop with a clock that one moves, and services that do as they are told."""

    def __init__(self, payments=(), carriers=(), post=(), **options):
        self.hands = Hands()
        self.payments, self.carriers, self.post = Payments(payments), Carriers(carriers), Post(post)
        self.store = FakeStore(clock=self.hands)
        self.delivery = shop(self.store, self.payments, self.carriers, self.post, **options)
        self.delivery.deliver()

    def order(self, id="7"):
        self.wish(PlaceOrder(id, "Ada", LAMP))
        return self.until_nothing_is_left(id)

    def wish(self, wish):
        return self.delivery.bus.dispatch(wish)

    def until_nothing_is_left(self, id="7"):
        """Deliver, and let time pass, until all that was asked for is settled."""
        for _ in range(20):
            if not self.delivery.deliver().waiting:
                return self.status(id)
            self.delivery.retry()
            self.hands.move(minutes=30)
        raise AssertionError(self.delivery.outbox)

    def status(self, id="7"):
        return Order.replay(self.store.load(f"order-{id}")).status

    @property
    def mails(self):
        return [subject for _, subject in self.post.sent]


def test_the_domain_is_wired():
    assert check_wiring(fulfilment).commands == len(HANDLERS) == 10


# --- whole ways -----------------------------------------------------------------------------------------------------


def test_an_order_is_paid_shipped_and_delivered():
    shop = Shop()
    assert shop.order() == "shipped"
    shop.wish(ConfirmDelivery("7"))
    assert shop.until_nothing_is_left() == "delivered"
    assert shop.mails == ["Thank you for your order", "We have your money", "It is on its way", "It has arrived"]
    assert (shop.payments.taken, shop.carriers.carried) == ({"7": 4990}, {"7": "bicycle"})


def test_an_order_that_comes_back_is_paid_back():
    shop = Shop()
    shop.order()
    shop.wish(ConfirmDelivery("7"))
    shop.wish(ReturnOrder("7", "too bright"))
    assert shop.until_nothing_is_left() == "refunded"
    assert shop.payments.given_back == {"7": 4990}
    assert shop.mails[-1] == "You have your money back"


WAYS = {
    "a declined card": (["refuses"], [], "cancelled", {}, {}),
    "no answer, asked again": (["silent"], [], "shipped", {"7": 4990}, {}),
    "no answer twice": (["silent", "silent"], [], "cancelled", {}, {}),
    "an answer that is lost": (["lost"], [], "shipped", {"7": 4990}, {}),
    "a service that is down": (["down"], [], "shipped", {"7": 4990}, {}),
    "a full bicycle": ([], ["refuses"], "shipped", {"7": 4990}, {}),
    "all carriers full": ([], ["refuses", "refuses"], "refunded", {"7": 4990}, {"7": 4990}),
    "money hard to give back": (["works", "down", "lost"], ["refuses"] * 2, "refunded", {"7": 4990}, {"7": 4990}),
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_an_order_ends_well_after(way):
    payments, carriers, status, taken, given_back = WAYS[way]
    shop = Shop(payments, carriers)
    assert shop.order() == status
    assert (shop.payments.taken, shop.payments.given_back) == (taken, given_back)
    assert len(shop.mails) == len(set(shop.mails))


def test_money_that_comes_too_late_goes_back():
    shop = Shop(["silent", "silent"])
    assert shop.order() == "cancelled"
    shop.wish(AcceptPayment("7"))
    shop.until_nothing_is_left()
    assert shop.payments.given_back == {"7": 4990}


def test_an_order_cancelled_while_it_is_paid_is_paid_back():
    shop = Shop(["silent"])
    shop.wish(PlaceOrder("7", "Ada", LAMP))
    shop.delivery.deliver()
    shop.wish(CancelOrder("7", "changed my mind"))
    shop.wish(AcceptPayment("7"))  # before the process has heard that it is cancelled
    assert shop.until_nothing_is_left() == "cancelled"
    assert shop.payments.given_back == {"7": 4990}
    assert [one.message for one in shop.delivery.outbox if one.status == "refused"] == ["PayOrder"]


def test_a_carrier_is_called_off_if_the_order_is_cancelled_meanwhile():
    given(HANDLERS, PaymentRequested(5, 1), PaymentReceived(5), ShipmentRequested("van"), ShipmentAccepted("van")).when(
        StopFulfilment("7")
    ).then(ShipmentCalledOff("van"), FulfilmentStopped(), RefundRequested(5))
    given(HANDLERS, PaymentRequested(5, 1), FulfilmentStopped()).when(AcceptShipment("7", "van")).then(
        ShipmentCalledOff("van")
    )


def test_a_timeout_is_decided_on_what_is_true_when_it_comes():
    given(HANDLERS, PaymentRequested(5, 1)).when(CheckPayment("7", 1)).then(PaymentRequested(5, 2))
    given(HANDLERS, PaymentRequested(5, 1), PaymentRequested(5, 2)).when(CheckPayment("7", 2)).then(
        OrderGivenUp("no answer")
    )
    given(HANDLERS, PaymentRequested(5, 1), PaymentReceived(5)).when(CheckPayment("7", 1)).then()
    given(HANDLERS, PaymentRequested(5, 1), PaymentRequested(5, 2)).when(CheckPayment("7", 1)).then()


def test_everything_goes_back_to_the_order_that_was_placed():
    shop = Shop([], ["refuses"])
    shop.order()
    first, *others = History(shop.store.read())
    assert {recorded.correlation_id for recorded in others} == {first.correlation_id}
    ids = {recorded.id for recorded in [first, *others]}
    assert all(recorded.causation_id in ids for recorded in others)


# --- with crashes at every step -----------------------------------------------------------------------------------


class Crash(BaseException):
    """What no `except Exception` holds up, as the end of a process."""


STEPS = [
    (FakeStore, "append"), (SqliteTables, "apply"), (Outbox, "note"), (Courier, "carry"), (Delivery, "_round"),
    (Payments, "take"), (Payments, "give_back"), (Carriers, "carry"), (Carriers, "call_off"), (Post, "send"),
]  # fmt: skip


def crash_at(monkeypatch, number):
    """Let the process end at one step, before or after it is done; returns how many steps there were."""
    steps = itertools.count(1)

    def crashing(real):
        def step(*given, **options):
            if next(steps) == number:
                raise Crash
            done = real(*given, **options)
            if next(steps) == number:
                raise Crash
            return done

        return step

    for place, name in STEPS:
        monkeypatch.setattr(place, name, crashing(getattr(place, name)))
    return steps


def ended(shop):
    """All that is to be the same, with and without a crash."""
    mails, money = sorted(shop.mails), (shop.payments.taken, shop.payments.given_back)
    events = {name: shop.store.load(name).payloads for name in ("order-7", "fulfilment-7")}
    return mails, money, shop.carriers.carried, events


@pytest.mark.slow
@pytest.mark.parametrize(("payments", "carriers"), [((), ()), (["silent", "lost"], ["refuses", "refuses"])], ids=repr)
def test_a_crash_at_any_step_makes_no_difference_in_the_end(payments, carriers, monkeypatch):
    expected = Shop(payments, carriers)
    expected.order()
    for number in itertools.count(1):
        shop = Shop(payments, carriers)
        with monkeypatch.context() as patched:
            steps = crash_at(patched, number)
            try:
                shop.wish(PlaceOrder("7", "Ada", LAMP))
                shop.until_nothing_is_left()
            except Crash:
                pass
            over = next(steps) <= number
        if not shop.store.position:
            shop.wish(PlaceOrder("7", "Ada", LAMP))
        shop.until_nothing_is_left()
        assert ended(shop) == ended(expected)
        if over:
            break
    assert number > 100


# --- with whatever may happen ---------------------------------------------------------------------------------------

SCRIPT = st.lists(st.sampled_from(["works", "refuses", "silent", "down", "lost"]), max_size=8)
LATER = st.sampled_from(["cancel", "deliver", "return", "accept", "time", "work", "work"])


def what_must_hold(shop):
    """Who has the goods has paid, and who has not, has not; every mail was sent once."""
    status, net = shop.status(), shop.payments.taken.get("7", 0) - shop.payments.given_back.get("7", 0)
    kept = status in ("shipped", "delivered")
    assert net == (4990 if kept else 0), status
    assert ("7" in shop.carriers.carried) == (status in ("shipped", "delivered", "refunded") and kept_goods(shop))
    assert status in ("shipped", "delivered", "cancelled", "refunded")
    assert len(shop.mails) == len(set(shop.mails)) == len([m for m in shop.delivery.outbox if m.message == "SendMail"])


def kept_goods(shop):
    """Whether a carrier has it, or had it before it came back."""
    return any(recorded.type == "orders.OrderShipped" for recorded in shop.store.load("order-7"))


def goes_well(payments, carriers, post, happened):
    shop = Shop(payments, carriers, post)
    shop.wish(PlaceOrder("7", "Ada", LAMP))
    wishes = {"cancel": CancelOrder("7", "no"), "deliver": ConfirmDelivery("7"), "return": ReturnOrder("7", "broken")}
    for what in happened:
        try:
            if what in wishes:
                shop.wish(wishes[what])
            elif what == "time":
                shop.hands.move(minutes=31)
            elif what == "accept" and shop.payments.taken:  # the answer comes once more, by another way
                shop.wish(AcceptPayment("7"))
            elif what == "work":
                shop.delivery.deliver()
        except CommandRefused:
            continue
    shop.until_nothing_is_left()
    what_must_hold(shop)


@settings(max_examples=6, deadline=None)
@for_all(SCRIPT, SCRIPT, SCRIPT, st.lists(LATER, max_size=10))
def test_whatever_happens_goods_and_money_agree_in_the_end(payments, carriers, post, happened):
    goes_well(payments, carriers, post, happened)


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@for_all(SCRIPT, SCRIPT, SCRIPT, st.lists(LATER, max_size=20))
def test_whatever_happens_two_hundred_times_goods_and_money_agree(payments, carriers, post, happened):
    goes_well(payments, carriers, post, happened)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_a_hundred_orders_in_a_bad_week_all_end_well(seed):
    shop = Shop(words(seed), words(seed + 100), words(seed + 200))
    for number in range(100):
        shop.wish(PlaceOrder(str(number), "Ada", LAMP))
    for _ in range(10):
        shop.delivery.deliver()
        shop.delivery.retry()
        shop.hands.move(minutes=31)
    for number in map(str, range(100)):
        net = shop.payments.taken.get(number, 0) - shop.payments.given_back.get(number, 0)
        assert (shop.status(number), net) in [("shipped", 4990), ("cancelled", 0), ("refunded", 0)]
    assert len(shop.post.sent) == len(set(shop.post.sent))
