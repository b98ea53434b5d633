"""The services that the shop works with, made up: payments, carriers and post, each as reliable as its script says."""

from __future__ import annotations

import datetime as dt
import itertools
import random
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from eslab.commands import CommandBus
from eslab.domains import fulfilment, orders
from eslab.domains.fulfilment import (
    AcceptPayment,
    AcceptShipment,
    AskCarrier,
    AskPayment,
    AskRefund,
    CallOffCarrier,
    ConfirmRefund,
    DeclinePayment,
    Fulfilment,
    Mails,
    RefuseShipment,
    SendMail,
)
from eslab.processes import Delivery
from eslab.projections import Projector
from eslab.store import Clock, Store

WORDS = ("works", "refuses", "silent", "down", "lost")
"""What a service may do with a call: it says yes, it says no, it never answers (only payments do that), it cannot be
reached, or it does its work and the answer is lost on the way. What cannot be declined, as a mail, works instead."""


class Service:
    """Answers each call as the next word of its script says, and with yes when the script is over.

    It remembers the keys of the calls: one that comes again gets the same answer, and nothing is done a second time.
    """

    def __init__(self, script: Iterable[str] = ()) -> None:
        self.script = itertools.chain(script, itertools.repeat("works"))
        self.answers: dict[str, Any] = {}

    def answer(self, key: str, yes: Callable[[], Any], **others: Any) -> Any:
        """Do the work and say yes; or, if the next word is one of `others`, what that says.

        Raises ConnectionError if it is down, or the answer is lost.
        """
        if key in self.answers:
            return self.answers[key]
        word = next(self.script)
        if word == "down":
            raise ConnectionError(f"{type(self).__name__} cannot be reached")
        self.answers[key] = others[word] if word in others else yes()
        if word == "lost":
            raise ConnectionError(f"{type(self).__name__} was cut off before it answered")
        return self.answers[key]


class Payments(Service):
    """Takes money for an order, once, and gives it back."""

    def __init__(self, script: Iterable[str] = ()) -> None:
        super().__init__(script)
        self.taken: dict[str, int] = {}
        self.given_back: dict[str, int] = {}

    def take(self, asked: AskPayment, key: str) -> Any:
        def yes() -> Any:
            self.taken[asked.order_id] = asked.amount_cents
            return AcceptPayment(asked.order_id)

        declined = DeclinePayment(asked.order_id, "the card was declined")
        return self.answer(key, yes, refuses=declined, silent=None)

    def give_back(self, asked: AskRefund, key: str) -> Any:
        def yes() -> Any:
            self.given_back[asked.order_id] = self.given_back.get(asked.order_id, 0) + asked.amount_cents
            return ConfirmRefund(asked.order_id)

        return self.answer(key, yes)


class Carriers(Service):
    """Carry orders, by bicycle or by van."""

    def __init__(self, script: Iterable[str] = ()) -> None:
        super().__init__(script)
        self.carried: dict[str, str] = {}

    def carry(self, asked: AskCarrier, key: str) -> Any:
        def yes() -> Any:
            self.carried[asked.order_id] = asked.carrier
            return AcceptShipment(asked.order_id, asked.carrier)

        full = RefuseShipment(asked.order_id, asked.carrier, f"the {asked.carrier} is full")
        return self.answer(key, yes, refuses=full)

    def call_off(self, asked: CallOffCarrier, key: str) -> None:
        self.carried.pop(asked.order_id, None)


class Post(Service):
    """Delivers mails; `sent` are those that arrived, by order."""

    def __init__(self, script: Iterable[str] = ()) -> None:
        super().__init__(script)
        self.sent: list[tuple[str, str]] = []

    def send(self, mail: SendMail, key: str) -> None:
        self.answer(key, lambda: self.sent.append((mail.order_id, mail.subject)))


def words(seed: int, works: int = 6) -> Iterator[str]:
    """A script without end, the same for the same seed; `works` times as often as each of the others it works."""
    chance = random.Random(seed)
    while True:
        yield chance.choices(WORDS, [works, *[1] * (len(WORDS) - 1)])[0]


class Hands:
    """The hands of a clock that stands still until somebody moves them."""

    def __init__(self, start: dt.datetime = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)) -> None:
        self.moment = start

    def __call__(self) -> dt.datetime:
        return self.moment

    def move(self, **by: float) -> None:
        """Let time pass: `move(minutes=30)`."""
        self.moment += dt.timedelta(**by)


def shop(
    store: Store, payments: Payments, carriers: Carriers, post: Post, *, place: str = ":memory:",
    clock: Clock | None = None,
) -> Delivery:  # fmt: skip
    """The whole shop, wired: its commands go to `.bus`, and `.deliver()` does what follows from them."""
    return Delivery(
        Projector(store, Fulfilment(place), Mails(place)),
        {
            AskPayment: payments.take,
            AskRefund: payments.give_back,
            AskCarrier: carriers.carry,
            CallOffCarrier: carriers.call_off,
            SendMail: post.send,
        },
        bus=CommandBus(store, {**orders.HANDLERS, **fulfilment.HANDLERS}),
        clock=clock,
    )
