"""Histories that never happened, the same for the same seed: a bank's month, a shop's two years, a school's morning."""

from __future__ import annotations

import datetime as dt
import itertools
import random
from collections.abc import Iterator
from typing import Any

import msgspec

from eslab.commands import CommandBus
from eslab.domains import courses as school
from eslab.domains.bank import HANDLERS, DepositMoney, OpenAccount, WithdrawMoney
from eslab.domains.orders import (
    Line,
    OrderCancelled,
    OrderDelivered,
    OrderPaid,
    OrderPlaced,
    OrderRefunded,
    OrderReturned,
    OrderShipped,
    total_cents,
)
from eslab.errors import CommandRefused
from eslab.events import History, Recorded, record
from eslab.stores.memory import MemoryStore

# --- the bank ---------------------------------------------------------------------------------------------------------

OWNERS = ("Ada", "Grace", "Edsger", "Barbara", "Alan", "Radia", "Donald", "Frances")


def bank(seed: int = 7, events: int = 200) -> History:
    """A history of eight accounts in March 2026, the same for the same seed; `events` is about how many (wishes refused
    leave none)."""
    chance = random.Random(seed)
    moments = _moments(chance)
    numbers = itertools.count(1)
    store = MemoryStore(clock=lambda: next(moments), ids=lambda: f"bank-{seed}-{next(numbers)}")
    bus = CommandBus(store, HANDLERS)
    for number, owner in enumerate(OWNERS, 1):
        bus.dispatch(OpenAccount(str(number), owner))
    while store.position < events:
        account, amount = str(chance.randint(1, len(OWNERS))), 10 * chance.randint(1, 30)
        wish = chance.choice([DepositMoney, DepositMoney, WithdrawMoney])(account, amount)
        try:
            bus.dispatch(wish)
        except CommandRefused:
            continue
    return History(store.read())


def _moments(chance: random.Random) -> Any:
    moment = dt.datetime(2026, 3, 2, 9, 0, tzinfo=dt.UTC)
    while True:
        yield moment
        moment += dt.timedelta(minutes=chance.randint(5, 400))


# --- the shop ---------------------------------------------------------------------------------------------------------

CUSTOMERS = ("Ada", "Grace", "Edsger", "Barbara", "Alan", "Radia", "Donald", "Frances", "Tony", "Margaret")
PRICES = {"ELEGANT-LAMP": 4990, "SMALL-TABLE": 12900, "BLUE-VASE": 1995, "WOOL-RUG": 8450, "TALL-MIRROR": 6700}
SECOND_SCHEMA = dt.datetime(2025, 3, 1, tzinfo=dt.UTC)
THIRD_SCHEMA = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
BUSY_DAY = dt.datetime(2026, 3, 6, 8, tzinfo=dt.UTC)


def orders(seed: int = 7) -> History:
    """A history of 240 orders from September 2024 to April 2026, the same for the same seed.

    The first 60 are of schema version 1, the next 80 of version 2, the last 100 of version 3; of these, 60 were placed
    on one busy day. About one in eight is cancelled, and one in ten of those delivered comes back.
    """
    chance = random.Random(seed)
    happened = sorted(
        ((moment, f"order-{1000 + number}", fact)
         for number, placed_at in enumerate(_placed(chance)) for moment, fact in _life(chance, placed_at)),
        key=lambda one: one[:2],
    )  # fmt: skip
    versions: dict[str, int] = {}
    log: list[Recorded] = []
    for position, (moment, stream, fact) in enumerate(happened, 1):
        versions[stream] = versions.get(stream, 0) + 1
        recorded = record(fact, stream=stream, version=versions[stream], position=position, recorded_at=moment)
        log.append(_in_the_schema_of_its_time(recorded))
    return History(log)


def _placed(chance: random.Random) -> Iterator[dt.datetime]:
    def between(first: dt.datetime, last: dt.datetime, orders: int) -> list[dt.datetime]:
        seconds = int((last - first).total_seconds())
        return sorted(first + dt.timedelta(seconds=chance.randrange(seconds)) for _ in range(orders))

    yield from between(dt.datetime(2024, 9, 1, tzinfo=dt.UTC), SECOND_SCHEMA, 60)
    yield from between(SECOND_SCHEMA, THIRD_SCHEMA, 80)
    quiet = between(THIRD_SCHEMA, dt.datetime(2026, 3, 31, tzinfo=dt.UTC), 40)
    yield from sorted(quiet + between(BUSY_DAY, BUSY_DAY + dt.timedelta(hours=12), 60))


def _life(chance: random.Random, moment: dt.datetime) -> Iterator[tuple[dt.datetime, Any]]:
    """What happens to one order, with the moments."""

    def later(**most: int) -> dt.datetime:
        nonlocal moment
        moment += dt.timedelta(seconds=chance.randint(60, int(dt.timedelta(**most).total_seconds())))
        return moment

    several = moment >= THIRD_SCHEMA
    products = chance.sample(sorted(PRICES), chance.randint(1, 3) if several else 1)
    lines = tuple(Line(p, chance.randint(1, 3) if several else 1, PRICES[p]) for p in products)
    yield moment, OrderPlaced(chance.choice(CUSTOMERS), lines)
    if chance.random() < 0.06:
        yield later(days=2), OrderCancelled("changed my mind")
        return
    yield later(hours=20), OrderPaid(total_cents(lines))
    if chance.random() < 0.06:
        yield later(days=1), OrderCancelled("out of stock")
        yield later(days=3), OrderRefunded(total_cents(lines))
        return
    yield later(days=2), OrderShipped(chance.choice(("post", "bicycle")))
    yield later(days=4), OrderDelivered()
    if chance.random() < 0.10:
        yield later(days=14), OrderReturned(chance.choice(("broken", "too large", "wrong colour")))
        yield later(days=5), OrderRefunded(total_cents(lines))


def _in_the_schema_of_its_time(recorded: Recorded) -> Recorded:
    """An OrderPlaced as it was written then: version 1 had one product at a price in euros, version 2 in cents."""
    if recorded.type != "orders.OrderPlaced" or recorded.recorded_at >= THIRD_SCHEMA:
        return recorded
    line = recorded.payload.lines[0]
    payload: dict[str, Any] = {"customer": recorded.payload.customer, "product": line.product}
    if recorded.recorded_at < SECOND_SCHEMA:
        payload["price"] = f"{line.price_cents // 100}.{line.price_cents % 100:02}"
        version = 1
    else:
        payload["price_cents"] = line.price_cents
        version = 2
    text = msgspec.json.encode(payload).decode()
    return msgspec.structs.replace(recorded, schema_version=version, payload_text=text)


# --- the school -------------------------------------------------------------------------------------------------------

SEATS = {"algebra": 14, "botany": 8, "chess": 6, "drawing": 10, "english": 18, "french": 12, "greek": 5, "history": 16}
STUDENTS = 40
OPENING = dt.datetime(2026, 3, 2, 8, tzinfo=dt.UTC)


def courses(seed: int = 7, wishes: int = 160) -> History:
    """The morning on which a school opens 8 courses for 40 students, the same for the same seed (wishes refused leave
    no event)."""
    chance = random.Random(seed)
    moments = (OPENING + dt.timedelta(seconds=17 * n) for n in itertools.count())
    numbers = itertools.count(1)
    store = MemoryStore(clock=lambda: next(moments), ids=lambda: f"courses-{seed}-{next(numbers)}")
    bus = CommandBus(store, school.HANDLERS)
    for wish in _school_wishes(chance, wishes):
        try:
            bus.dispatch(wish)
        except CommandRefused:
            continue
    return History(store.read())


def _school_wishes(chance: random.Random, wishes: int) -> Iterator[Any]:
    """The courses, the students (who all want a short username, and take a longer one then), and what they wish."""
    yield from (school.DefineCourse(course, seats) for course, seats in SEATS.items())
    students = [f"s{n}" for n in range(1, STUDENTS + 1)]
    for n, student in enumerate(students, 1):
        name = chance.choice(CUSTOMERS).lower()
        yield from (school.RegisterStudent(student, username) for username in (name, f"{name}{n}"))
    seats = [(chance.choice(sorted(SEATS)), chance.choice(students)) for _ in range(wishes)]
    for n, seat in enumerate(seats):
        yield school.SubscribeStudent(*seat)
        if chance.random() < 0.15:
            yield school.UnsubscribeStudent(*chance.choice(seats[: n + 1]))
