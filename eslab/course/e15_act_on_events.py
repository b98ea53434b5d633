"""The exercises of notebook 15, act on events."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from eslab.course.exercises import Exercise, Mistake
from eslab.course.trying import Answer, NotYet, Slips, expect, trying
from eslab.domains.fulfilment import (
    CheckPayment,
    OrderGivenUp,
    PaymentReceived,
    PaymentRequested,
    Progress,
    SendMail,
    ShipmentAccepted,
)
from eslab.domains.orders import Line, OrderDelivered, OrderPaid, OrderPlaced, OrderShipped, PlaceOrder
from eslab.domains.services import WORDS, Carriers, Hands, Payments, Post, shop
from eslab.events import Recorded, record
from eslab.processes import Later
from eslab.stores.memory import MemoryStore

NOON = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)
LAMP = (Line("ELEGANT-LAMP", 1, 4990),)

# --- 15.2 -----------------------------------------------------------------------------------------------------------


def _recorded(payload: Any, order: str) -> Recorded:
    return record(payload, stream=f"order-{order}", version=1, position=1, recorded_at=NOON)


def _asked(said: Any, tried: str) -> list[tuple[Any, dt.timedelta]]:
    """What was asked for, each with how long it waits; the first in time first."""
    if isinstance(said, SendMail | Later) or not isinstance(said, Iterable):
        raise NotYet("no list" if said is not None else None, tried=tried, found=said)
    asked = [(one.message, one.due(NOON) - NOON) if isinstance(one, Later) else (one, dt.timedelta()) for one in said]
    for one, _ in asked:
        if not isinstance(one, SendMail):
            raise NotYet("no message", tried=tried, found=one)
        if one.order_id.startswith("order-"):
            raise NotYet("the stream", tried=tried, found=one)
    return sorted(asked, key=lambda one: one[1])


def _opinions(opinions: Answer) -> None:
    at_once, days = dt.timedelta(), dt.timedelta(days=3)
    for order in ("7", "8"):
        first, second = SendMail(order, "It is on its way"), SendMail(order, "How was it?")
        slips: Slips = {
            ((first, at_once), (second, at_once)): "at once", ((first, at_once),): "one of two",
            ((second, days),): "one of two", (): "nothing",
        }  # fmt: skip
        tried = f"OrderShipped of order-{order}: what is asked for, and how long it waits"
        said = trying(opinions, _recorded(OrderShipped("van"), order), tried=tried).result
        expect(_asked(said, tried), [(first, at_once), (second, days)], slips=slips, tried=tried)
    for other in (OrderPlaced("Ada", LAMP), OrderPaid(4990), OrderDelivered()):
        tried = f"{type(other).__name__}: what is asked for"
        said = trying(opinions, _recorded(other, "9"), tried=tried).result
        expect(_asked(said, tried), [], otherwise="after everything", tried=tried)


# --- 15.3 -----------------------------------------------------------------------------------------------------------


def _script(scripts: Answer, service: str) -> list[Any]:
    words = scripts.get(service)
    if not isinstance(words, list | tuple):
        raise NotYet("no list of words", tried=f"the script of the {service}", found=words)
    if unknown := [word for word in words if word not in WORDS]:
        raise NotYet("no such word", tried=f"the script of the {service}", found=unknown[0])
    return list(words)


def _scripts(scripts: Answer) -> None:
    payments, carriers = Payments(_script(scripts, "payments")), Carriers(_script(scripts, "carriers"))
    hands = Hands()
    store = MemoryStore(clock=hands)
    delivery = shop(store, payments, carriers, Post())
    delivery.deliver()
    if delivery.bus is not None:
        delivery.bus.dispatch(PlaceOrder("7", "Ada", LAMP))
    for minutes in (0, 1, 30, 30, 1):
        hands.move(minutes=minutes)
        delivery.deliver()
    story = [recorded.payload for recorded in store.read()]
    requests = sum(isinstance(one, PaymentRequested) for one in story)
    slips = {1: "the same question" if {"lost", "down"} & set(scripts["payments"]) else "asked once"}
    expect(requests, 2, slips=slips, tried="how often the process requested the payment")
    if not any(isinstance(one, PaymentReceived) for one in story):
        raise NotYet("no money", tried="the end of it", found=story[-1])
    carried: list[str] = [one.carrier for one in story if isinstance(one, ShipmentAccepted)]
    fates: Slips = {("bicycle",): "by bicycle", (): "nobody carries it"}
    expect(carried, ["van"], slips=fates, tried="who carries the order")


# --- 15.4 -----------------------------------------------------------------------------------------------------------


class _PostOffice:
    """Sends a mail, unless it is closed just now."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.closed = False

    def send(self, mail: SendMail, key: str) -> None:
        if self.closed:
            raise ConnectionError("the post office is closed")
        self.sent.append(key)


def _handed_over(receive: Answer, office: _PostOffice, mail: SendMail, *keys: str) -> list[str]:
    for key in keys:
        receive(mail, key)
    return office.sent


def _once(once: Answer) -> None:
    office, mail = _PostOffice(), SendMail("7", "It is on its way")
    receive = trying(once, office.send, tried="once(send)").result
    if office.sent or receive is None or not callable(receive):
        raise NotYet("no function", tried="what once(send) returns", found=receive)
    tried = "a mail with the key 'a', then with the key 'a' again: the keys of what was sent"
    slips = {("a", "a"): "every time", (): "never"}
    trying(_handed_over, receive, office, mail, "a", "a", tried=tried).gives(["a"], slips=slips)
    tried = "then the same text with the key 'b', which is another mail: the keys of what was sent"
    trying(_handed_over, receive, office, mail, "b", tried=tried).gives(["a", "b"], slips={("a",): "by the text"})
    office.closed = True
    tried = "a mail with the key 'c', while the post office is closed"
    trying(_handed_over, receive, office, mail, "c", tried=tried).raises(ConnectionError, otherwise="in silence")
    office.closed = False
    tried = "the key 'c' again, when it is open: the keys of what was sent"
    slips = {("a", "b"): "too early"}
    trying(_handed_over, receive, office, mail, "c", tried=tried).gives(["a", "b", "c"], slips=slips)
    other = _PostOffice()
    tried = "a second once(send), of another post office, with the key 'a': the keys of what that one sent"
    second = trying(once, other.send, tried="once(send), a second time").result
    trying(_handed_over, second, other, mail, "a", tried=tried).gives(["a"], otherwise="one memory for all")


# --- 15.5 -----------------------------------------------------------------------------------------------------------


def _check_payment(check_payment: Answer) -> None:
    def decided(attempt: int, now: Progress, wanted: list[Any], **mistakes: Any) -> None:
        tried = f"check_payment(CheckPayment('7', {attempt}), now), where now is {now!r}"
        trying(check_payment, CheckPayment("7", attempt), now, tried=tried).gives(wanted, **mistakes)

    waiting = [Progress("paying", amount_cents=4990, attempt=attempt) for attempt in (1, 2, 3)]
    again: dict[Any, str] = {
        (OrderGivenUp("no answer"),): "too soon",
        None: "nothing at all",
        (PaymentRequested(0, 2),): "no amount",
    }
    again |= {(PaymentRequested(4990, 1),): "the same attempt", PaymentRequested(4990, 2): "no list"}
    decided(1, waiting[0], [PaymentRequested(4990, 2)], slips=again)
    decided(2, waiting[1], [PaymentRequested(4990, 3)], slips=again)
    decided(3, waiting[2], [OrderGivenUp("no answer")], slips={(PaymentRequested(4990, 4),): "for ever"})
    paid = Progress("paid", amount_cents=1995, attempt=1, held_cents=1995)
    slips = {(PaymentRequested(1995, 2),): "paid twice", None: "no list"}
    decided(1, paid, [], slips=slips)
    stopped = Progress("stopped", amount_cents=1995, attempt=3)
    decided(3, stopped, [], slips={(OrderGivenUp("no answer"),): "paid twice", None: "no list"})
    decided(
        1,
        waiting[1],
        [],
        slips={(PaymentRequested(4990, 2),): "an old one", (PaymentRequested(4990, 3),): "an old one"},
    )


EXERCISES = (
    Exercise.prediction(
        "15.1",
        "Four customers and a rebuild",
        answer=8,
        slips={
            4: "That is what the view says, and it is right. What does a rebuild do with each event?",
            7: "The fourth order was there before the rebuild. How much of the log does a rebuild show to the view?",
            11: "The second visit goes on from the checkpoint. Which orders are new to it?",
            3: "A fourth customer came after the first visit.",
            5: "How far back does a rebuild begin?",
        },
        hints=(
            "Write down which orders are shown to `evolve` on each of the three occasions.",
            "A visit shows what comes after the checkpoint, a rebuild shows the log from its beginning.",
        ),
        solution="prediction = 3 + 1 + 4",
        why="Each time an event is shown to the view, a mail leaves the house; the view itself is right all the time.",
        difficulty=1,
    ),
    Exercise(
        "15.2",
        "How was it?",
        kind="function",
        difficulty=2,
        start="""
            import datetime as dt

            from eslab.domains.fulfilment import SendMail
            from eslab.domains.orders import OrderShipped
            from eslab.processes import Later


            def opinions(recorded):
                ...
        """,
        check=_opinions,
        mistakes={
            "at once": Mistake(
                hint="Both mails leave at once. Nobody has an opinion on a lamp that is still on its way.",
                code="""
                    from eslab.domains.fulfilment import SendMail
                    from eslab.domains.orders import OrderShipped

                    def opinions(recorded):
                        if not isinstance(recorded.payload, OrderShipped):
                            return []
                        subjects = "It is on its way", "How was it?"
                        return [SendMail(recorded.aggregate_id, subject) for subject in subjects]
                """,
            ),
            "one of two": Mistake(
                hint="There is one mail. The task asks for two, and one does not take the place of the other.",
                code="""
                    from eslab.domains.fulfilment import SendMail
                    from eslab.domains.orders import OrderShipped

                    def opinions(recorded):
                        if isinstance(recorded.payload, OrderShipped):
                            return [SendMail(recorded.aggregate_id, "It is on its way")]
                        return []
                """,
            ),
            "nothing": Mistake(
                hint="Nothing is asked for. Is the event itself looked at, or its envelope?",
                code="""
                    import datetime as dt

                    from eslab.domains.fulfilment import SendMail
                    from eslab.domains.orders import OrderShipped
                    from eslab.processes import Later

                    def opinions(recorded):
                        if not isinstance(recorded, OrderShipped):
                            return []
                        later = Later(SendMail(recorded.aggregate_id, "How was it?"), after=dt.timedelta(days=3))
                        return [SendMail(recorded.aggregate_id, "It is on its way"), later]
                """,
            ),
            "after everything": Mistake(
                hint="It asks for mails after another event too. Which event was asked about?",
                code="""
                    import datetime as dt

                    from eslab.domains.fulfilment import SendMail
                    from eslab.processes import Later

                    def opinions(recorded):
                        later = Later(SendMail(recorded.aggregate_id, "How was it?"), after=dt.timedelta(days=3))
                        return [SendMail(recorded.aggregate_id, "It is on its way"), later]
                """,
            ),
            "the stream": Mistake(
                hint="The mail goes to the name of a stream. The order id is the part of it after the category.",
                code="""
                    import datetime as dt

                    from eslab.domains.fulfilment import SendMail
                    from eslab.domains.orders import OrderShipped
                    from eslab.processes import Later

                    def opinions(recorded):
                        if not isinstance(recorded.payload, OrderShipped):
                            return []
                        later = Later(SendMail(recorded.stream, "How was it?"), after=dt.timedelta(days=3))
                        return [SendMail(recorded.stream, "It is on its way"), later]
                """,
            ),
            "no list": Mistake(
                hint="That is one message by itself. A reactor gives a list, even if there is only one.",
                code="""
                    from eslab.domains.fulfilment import SendMail
                    from eslab.domains.orders import OrderShipped

                    def opinions(recorded):
                        if isinstance(recorded.payload, OrderShipped):
                            return SendMail(recorded.aggregate_id, "It is on its way")
                        return []
                """,
            ),
            "no message": Mistake(
                hint="A text is no message: nobody could receive it. Which class is there for a mail?",
                code="""
                    from eslab.domains.orders import OrderShipped

                    def opinions(recorded):
                        if isinstance(recorded.payload, OrderShipped):
                            return ["It is on its way", "How was it?"]
                        return []
                """,
            ),
        },
        hints=(
            "`Later` wraps a message, and `after=` takes a timedelta.",
            "Look at the type of the payload first, and leave with an empty list if it is another one.",
        ),
        solution="""
            import datetime as dt

            from eslab.domains.fulfilment import SendMail
            from eslab.domains.orders import OrderShipped
            from eslab.processes import Later

            def opinions(recorded):
                if not isinstance(recorded.payload, OrderShipped):
                    return []
                order_id = recorded.aggregate_id
                later = Later(SendMail(order_id, "How was it?"), after=dt.timedelta(days=3))
                return [SendMail(order_id, "It is on its way"), later]
        """,
        why="It only says what is to follow from one event. When, how often and after which crash is not its business.",
    ),
    Exercise(
        "15.3",
        "By van, and asked twice",
        kind="value",
        difficulty=3,
        start='scripts = {"payments": [], "carriers": []}',
        check=_scripts,
        mistakes={
            "asked once": Mistake(
                hint="The process requested the payment once, and had its answer. What makes it decide to ask again?",
                code='scripts = {"payments": ["works"], "carriers": ["refuses"]}',
            ),
            "the same question": Mistake(
                hint="The payment service was called twice, with the same key. That was the delivery, which tries "
                "again by itself. The process decided only once. What would make it decide again?",
                code='scripts = {"payments": ["lost"], "carriers": ["refuses"]}',
            ),
            "no money": Mistake(
                hint="No money came, and the order was given up. How often is the process ready to ask?",
                code='scripts = {"payments": ["silent", "silent"], "carriers": ["refuses"]}',
            ),
            "by bicycle": Mistake(
                hint="The first carrier that was asked said yes. When is the next one asked?",
                code='scripts = {"payments": ["silent"], "carriers": []}',
            ),
            "nobody carries it": Mistake(
                hint="There are two carriers, and both said no. The customer has her money back, and no lamp.",
                code='scripts = {"payments": ["silent"], "carriers": ["refuses", "refuses"]}',
            ),
            "no such word": Mistake(
                hint="A service does not know that word. The task names five.",
                code='scripts = {"payments": ["slow"], "carriers": ["refuses"]}',
            ),
            "no list of words": Mistake(
                hint="A script is a list of words, one for each call, and both services need one.",
                code='scripts = {"payments": "silent", "carriers": "refuses"}',
            ),
        },
        hints=(
            "A timeout matters when no answer has come by then. Which word brings none?",
            "The bicycle is asked first. One word of its script decides whether the van is asked at all.",
        ),
        solution='scripts = {"payments": ["silent"], "carriers": ["refuses"]}',
        why="A delivery tries a call again, with the same key; a process decides again, and that is another fact.",
    ),
    Exercise(
        "15.4",
        "A receiver that remembers",
        kind="function",
        difficulty=3,
        start="""
            def once(send):
                ...
        """,
        check=_once,
        mistakes={
            "every time": Mistake(
                hint="The same key was sent each time it came. Where is it noted, and who looks there?",
                code="""
                    def once(send):
                        def receive(message, key):
                            seen = set()
                            if key not in seen:
                                send(message, key)
                                seen.add(key)
                        return receive
                """,
            ),
            "never": Mistake(
                hint="Nothing was sent at all, not even a key that is new.",
                code="""
                    def once(send):
                        seen = set()

                        def receive(message, key):
                            if key in seen:
                                send(message, key)
                        return receive
                """,
            ),
            "by the text": Mistake(
                hint="Two orders may get the same words in a mail, and these are two mails. What tells them apart?",
                code="""
                    def once(send):
                        seen = []

                        def receive(message, key):
                            if message not in seen:
                                send(message, key)
                                seen.append(message)
                        return receive
                """,
            ),
            "too early": Mistake(
                hint="It was noted as sent before it was. The post office was closed, and now nobody gets this mail.",
                code="""
                    def once(send):
                        seen = set()

                        def receive(message, key):
                            if key not in seen:
                                seen.add(key)
                                send(message, key)
                        return receive
                """,
            ),
            "in silence": Mistake(
                hint="The mail has not left the house, and nobody is told. Then nobody will bring it again.",
                code="""
                    def once(send):
                        seen = set()

                        def receive(message, key):
                            if key in seen:
                                return
                            try:
                                send(message, key)
                                seen.add(key)
                            except Exception:
                                print("not today")
                        return receive
                """,
            ),
            "one memory for all": Mistake(
                hint="Two post offices share one memory: what one has sent, the other takes for its own.",
                code="""
                    SEEN = set()

                    def once(send):
                        def receive(message, key):
                            if key not in SEEN:
                                send(message, key)
                                SEEN.add(key)
                        return receive
                """,
            ),
            "no function": Mistake(
                hint="It is called with `send` alone, long before there is a mail. What must it give back?",
                code="""
                    def once(send):
                        seen = set()
                        for key in "abc":
                            if key not in seen:
                                send("mail", key)
                                seen.add(key)
                        return seen
                """,
            ),
        },
        hints=(
            "A function inside the function can see a set that was made outside of it.",
            "Two steps, to send and to note. Which of them must come first, if the first one may fail?",
        ),
        solution="""
            def once(send):
                seen = set()

                def receive(message, key):
                    if key not in seen:
                        send(message, key)
                        seen.add(key)
                return receive
        """,
        why="Noted first, a mail may be lost; noted last, it may go twice. In one transaction with the work: neither.",
    ),
    Exercise(
        "15.5",
        "What a timeout does",
        kind="function",
        difficulty=4,
        start="""
            from eslab.domains.fulfilment import CheckPayment, OrderGivenUp, PaymentRequested, Progress


            def check_payment(command, now):
                ...
        """,
        check=_check_payment,
        mistakes={
            "too soon": Mistake(
                hint="It gave up although it may still ask. Count the requests, the very first one included.",
                code="""
                    from eslab.domains.fulfilment import OrderGivenUp, PaymentRequested

                    def check_payment(command, now):
                        if now.status != "paying" or command.attempt != now.attempt:
                            return []
                        if now.attempt < 2:
                            return [PaymentRequested(now.amount_cents, now.attempt + 1)]
                        return [OrderGivenUp("no answer")]
                """,
            ),
            "for ever": Mistake(
                hint="It asks a fourth time. When does the shop stop hoping?",
                code="""
                    from eslab.domains.fulfilment import PaymentRequested

                    def check_payment(command, now):
                        if now.status != "paying" or command.attempt != now.attempt:
                            return []
                        return [PaymentRequested(now.amount_cents, now.attempt + 1)]
                """,
            ),
            "paid twice": Mistake(
                hint="This process waits for no money any more. A timeout comes all the same; what is true by then?",
                code="""
                    from eslab.domains.fulfilment import OrderGivenUp, PaymentRequested

                    def check_payment(command, now):
                        if command.attempt != now.attempt:
                            return []
                        if now.attempt < 3:
                            return [PaymentRequested(now.amount_cents, now.attempt + 1)]
                        return [OrderGivenUp("no answer")]
                """,
            ),
            "an old one": Mistake(
                hint="This timeout belongs to an earlier request. A later one has been made, and has its own.",
                code="""
                    from eslab.domains.fulfilment import OrderGivenUp, PaymentRequested

                    def check_payment(command, now):
                        if now.status != "paying":
                            return []
                        if now.attempt < 3:
                            return [PaymentRequested(now.amount_cents, now.attempt + 1)]
                        return [OrderGivenUp("no answer")]
                """,
            ),
            "no amount": Mistake(
                hint="A payment of nothing was requested. The process remembers how much it is about.",
                code="""
                    from eslab.domains.fulfilment import OrderGivenUp, PaymentRequested

                    def check_payment(command, now):
                        if now.status != "paying" or command.attempt != now.attempt:
                            return []
                        if now.attempt < 3:
                            return [PaymentRequested(0, now.attempt + 1)]
                        return [OrderGivenUp("no answer")]
                """,
            ),
            "the same attempt": Mistake(
                hint="The new request has the number of the old one, so nobody could tell their timeouts apart.",
                code="""
                    from eslab.domains.fulfilment import OrderGivenUp, PaymentRequested

                    def check_payment(command, now):
                        if now.status != "paying" or command.attempt != now.attempt:
                            return []
                        if now.attempt < 3:
                            return [PaymentRequested(now.amount_cents, now.attempt)]
                        return [OrderGivenUp("no answer")]
                """,
            ),
            "nothing at all": Mistake(
                hint="It still waits for its money, so something must be decided.",
                code="""
                    def check_payment(command, now):
                        if now.status == "paying":
                            return None
                        return []
                """,
            ),
            "no list": Mistake(
                hint="A decision is a list of events: of one, or of none, but a list.",
                code="""
                    from eslab.domains.fulfilment import OrderGivenUp, PaymentRequested

                    def check_payment(command, now):
                        if now.status == "paying" and command.attempt == now.attempt:
                            if now.attempt < 3:
                                return [PaymentRequested(now.amount_cents, now.attempt + 1)]
                            return [OrderGivenUp("no answer")]
                """,
            ),
        },
        hints=(
            "First find out whether anything is to be done: is the process still waiting, and for this very request?",
            "Two conditions lead to an empty list. After them there is one choice left.",
        ),
        solution="""
            from eslab.domains.fulfilment import OrderGivenUp, PaymentRequested

            def check_payment(command, now):
                if now.status != "paying" or command.attempt != now.attempt:
                    return []
                if now.attempt < 3:
                    return [PaymentRequested(now.amount_cents, now.attempt + 1)]
                return [OrderGivenUp("no answer")]
        """,
        why="The timeout is never taken back; that it does nothing when it comes too late is one line of the decision.",
    ),
)
