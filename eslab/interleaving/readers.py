"""Readers count twice or not at all where what they have done and how far they have come are two things."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

from eslab.events import Recorded, event
from eslab.interleaving.actors import Announcement, crash
from eslab.interleaving.case import Case
from eslab.projections import Mark, Projection
from eslab.stores.memory import MemoryStore

Steps = Generator[Announcement, None, None]


@event(name="interleaving.GoodsSold")
class GoodsSold:
    amount: int


class Takings(Projection):
    """How much was sold, in all."""

    types = (GoodsSold,)

    def initial(self) -> int:
        return 0

    def evolve(self, state: int, recorded: Recorded) -> int:
        sale: GoodsSold = recorded.payload
        return state + sale.amount


class Shop:
    """A log of two sales, 10 and 20, and what outlives a crash: a view with a checkpoint, or a real read model."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.store.append("till-1", [GoodsSold(10), GoodsSold(20)])
        self.total, self.checkpoint = 0, 0
        self.model = Takings().read_model()

    @property
    def takings(self) -> int:
        """What is in the view: only one of the two is ever used."""
        return self.total + int(self.model.state)

    def after(self, checkpoint: int) -> list[Recorded]:
        return list(self.store.read(after=checkpoint, limit=1))


def sold_30(shop: Shop) -> None:
    wrong = "an event was lost" if shop.takings < 30 else "an event was counted twice"
    if shop.takings != 30:
        raise AssertionError(f"the view says {shop.takings}, the log says 30: {wrong}")


def in_view(shop: Shop) -> str:
    return f"view {shop.takings}"


def case(
    name: str, about: str, cure: str, wrong: dict[str, Callable[[Shop], Steps]],
    cured: dict[str, Callable[[Shop], Steps]],
) -> Case:  # fmt: skip
    return Case(name, about, cure, Shop, wrong, cured, sold_30, in_view)


# --- a crash between view and checkpoint ----------------------------------------------------------------------------


def view_first(shop: Shop) -> Steps:
    while events := shop.after(shop.checkpoint):
        yield "view"
        shop.total += events[0].payload.amount
        yield "checkpoint"
        shop.checkpoint = events[0].position


def checkpoint_first(shop: Shop) -> Steps:
    while events := shop.after(shop.checkpoint):
        yield "checkpoint"
        shop.checkpoint = events[0].position
        yield "view"
        shop.total += events[0].payload.amount


def both_at_once(shop: Shop) -> Steps:
    """As the read models of eslab do: the events and the mark in one transaction, which compares the checkpoint."""
    while events := shop.after(after := shop.model.checkpoint):
        yield "view and checkpoint"
        shop.model.apply(events, after, Mark(events[0].position))


def power_cut(shop: Shop) -> Steps:
    yield crash("projector", "power cut")


CRASH_AFTER_VIEW = case(
    "a crash after the view", "the view is written, the checkpoint is not: the event comes again",
    "changing both in one transaction",
    {"projector": view_first, "lightning": power_cut}, {"projector": both_at_once, "lightning": power_cut},
)  # fmt: skip
CRASH_AFTER_CHECKPOINT = case(
    "a crash after the checkpoint", "the checkpoint is written, the view is not: the event never comes again",
    "changing both in one transaction",
    {"projector": checkpoint_first, "lightning": power_cut}, {"projector": both_at_once, "lightning": power_cut},
)  # fmt: skip

# --- two projectors at once -----------------------------------------------------------------------------------------


def look_then_write(shop: Shop) -> Steps:
    """Both in one transaction, but on what was read before it began."""
    while True:
        yield "look"
        events = shop.after(shop.checkpoint)
        if not events:
            return
        yield "write both"
        shop.total, shop.checkpoint = shop.total + events[0].payload.amount, events[0].position


def look_then_compare(shop: Shop) -> Steps:
    """The transaction begins by comparing the checkpoint: who was slower does nothing, and looks again."""
    while True:
        yield "look"
        events = shop.after(after := shop.model.checkpoint)
        if not events:
            return
        yield "compare, write both"
        shop.model.apply(events, after, Mark(events[0].position))


TWO_PROJECTORS = case(
    "two projectors at once", "both see the same checkpoint, and both add the event that follows it",
    "comparing the checkpoint in the transaction",
    {"one": look_then_write, "other": look_then_write}, {"one": look_then_compare, "other": look_then_compare},
)  # fmt: skip

# --- redelivery -----------------------------------------------------------------------------------------------------


class Queue(Shop):
    """The sales come as messages, each until it is acknowledged, and so perhaps more than once."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting = list(self.store.read())
        self.handled = set[str]()


def count_each(queue: Queue) -> Steps:
    while queue.waiting:
        yield "count"
        queue.total += queue.waiting[0].payload.amount
        yield "acknowledge"
        queue.waiting.pop(0)


def count_each_id_once(queue: Queue) -> Steps:
    """What was counted is remembered by its id, in the same transaction as the count."""
    while queue.waiting:
        yield "count if new"
        message = queue.waiting[0]
        if message.id not in queue.handled:
            queue.total, queue.handled = queue.total + message.payload.amount, {*queue.handled, message.id}
        yield "acknowledge"
        queue.waiting.pop(0)


def lost_connection(queue: Queue) -> Steps:
    yield crash("consumer", "lost connection")


def _actors(consumer: Callable[[Any], Steps]) -> dict[str, Callable[[Any], Steps]]:
    return {"consumer": consumer, "network": lost_connection}


REDELIVERY = Case(
    name="redelivery",
    about="a message is counted, its acknowledgement is lost, so it is delivered and counted again",
    cure="remembering the ids that were counted, in the same transaction",
    start=Queue, wrong=_actors(count_each), cured=_actors(count_each_id_once),
    invariant=sold_30, watch=in_view,
)  # fmt: skip
